"""The main pages have no violation of WCAG 2.1 A and AA that a program can find."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.pages import prepare_pages
from tests.conftest import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.browser.pages import Pages
    from tests.conftest import Server

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
RUN = """async () => {
  const { violations } = await axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"],
    resultTypes: ["violations"],
  });
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id} at ${target.join(" ")}: ${failureSummary}`));
}"""


@pytest.fixture(scope="module")
def pages(browser: Browser, server: Server) -> Pages:
    return prepare_pages(browser, server, "accessibility")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_no_violation_is_found(pages: Pages, width: int, theme: str) -> None:
    found = [
        f"{page.url}: {violation}"
        for page in pages.open_all(width=width, theme=theme)
        for violation in violations(page)
    ]
    assert found == []


def violations(page: Page) -> list[str]:
    """Return what axe finds; its script goes in past the page's policy, as a debugger's would."""
    page.evaluate(AXE.read_text("utf-8"))
    return list(page.evaluate(RUN))
