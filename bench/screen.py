"""How long a candidate looks at the page: from the click on Submit to the verdict on screen."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from app.settings import ROOT
from bench.timing import Timings
from bench.work import PROGRAM
from tests.browser.test_journey import write
from tests.chromium import launch_chromium, sign_in
from tests.conftest import prepared_server

if TYPE_CHECKING:
    from playwright.sync_api import Page

_BETWEEN_MARKS = """() => {
    const [shown] = performance.getEntriesByName("verdict-shown");
    const [click] = performance.getEntriesByName("submit-click");
    return shown && click ? shown.startTime - click.startTime : null;
}"""


def clicks(name: str, *, times: int, warm_up: int = 3) -> Timings:
    """Submit to the bank's own batch norm question in a real browser."""
    with (
        TemporaryDirectory() as folder,
        prepared_server(Path(folder), ROOT / "questions") as server,
        launch_chromium() as browser,
    ):
        page = browser.new_page(base_url=server.url)
        sign_in(page, "candidate")
        page.click("form[action$='/questions/batch-norm-forward/practice'] button")
        page.wait_for_url("**/attempts/*")
        write(page, PROGRAM)
        return Timings(name, tuple(_click(page) for _ in range(times + warm_up))[warm_up:])


def _click(page: Page) -> float:
    """Submit once and return the milliseconds between the page's own two marks."""
    page.evaluate("performance.clearMarks()")
    page.click("[data-submit]:enabled")
    page.wait_for_selector(".verdict-AC")
    while not (took := page.evaluate(_BETWEEN_MARKS)):
        page.wait_for_timeout(20)
    return float(took)
