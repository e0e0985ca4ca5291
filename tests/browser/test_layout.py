"""Every page fits its screen, in both themes, and the room shows every question at once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.pages import prepare_pages

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.browser.pages import Pages
    from tests.conftest import Server

PHONE, TABLET, DESK = 390, 1024, 1440

OVERFLOWS = """() => {
  const root = document.documentElement;
  const cut = [...document.querySelectorAll(".table-scroll, .room-tabs, .row, .page-head, h1, h2")]
    .filter((one) => one.scrollWidth > one.clientWidth + 1)
    .filter((one) => getComputedStyle(one).clipPath === "none")
    .map((one) => `${one.tagName}.${one.className}`);
  return root.scrollWidth > innerWidth ? ["the page", ...cut] : cut;
}"""
BACKGROUND = "getComputedStyle(document.documentElement).backgroundColor"


@pytest.fixture(scope="module")
def pages(browser: Browser, server: Server) -> Pages:
    return prepare_pages(browser, server, "layout")


@pytest.mark.parametrize("width", [PHONE, TABLET, DESK])
def test_no_page_is_wider_than_its_screen(pages: Pages, width: int) -> None:
    wide = {
        page.url: page.evaluate(OVERFLOWS) for page in pages.open_all(width=width, theme="light")
    }
    assert {url: what for url, what in wide.items() if what} == {}


def test_every_page_has_both_themes(pages: Pages) -> None:
    light = {
        page.url: page.evaluate(BACKGROUND) for page in pages.open_all(width=DESK, theme="light")
    }
    dark = {
        page.url: page.evaluate(BACKGROUND) for page in pages.open_all(width=DESK, theme="dark")
    }
    assert set(light.values()) == {"rgb(247, 246, 242)"}
    assert set(dark.values()) == {"rgb(20, 22, 27)"}
    assert light.keys() == dark.keys()


@pytest.mark.parametrize("width", [PHONE, TABLET, DESK])
def test_every_question_of_a_paper_can_be_seen_at_once(pages: Pages, width: int) -> None:
    seen = 0
    for page in pages.open_all(width=width, theme="light", part="/attempts/"):
        tabs = page.locator(".room-tab")
        expect(tabs).to_have_count(8)
        for tab in tabs.all():
            expect(tab).to_be_in_viewport(ratio=1)
        expect(tabs.nth(0)).to_have_accessible_name(re.compile("1 .*未作答"))
        expect(tabs.nth(3)).to_have_accessible_name(re.compile("4 .*已提交"))
        expect(tabs.nth(7)).to_have_accessible_name(re.compile("8 .*草稿"))
        seen += 1
    assert seen == 3
