# ruff: noqa: INP001 - a script, not a package
"""Takes the pictures of the docs: a server of its own, part of an interview, three pages."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from playwright.sync_api import expect  # noqa: E402 - found from the root

from tests.browser.pages import sit  # noqa: E402
from tests.browser.test_journey import BIASED, go_to, write  # noqa: E402
from tests.chromium import launch_chromium, sign_in  # noqa: E402
from tests.conftest import prepared_server  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

IMAGES = ROOT / "docs" / "images"
COMMENT = "共享内存和地址空间都说对了。可以再讲一句：线程切换为什么比进程切换便宜？"
UPWARDS = 8  # presses of a key that moves the bar between code and verdict
SUMMARY = "BN 写得稳，线程与进程清楚；初始化只提到了名字，SVM 的损失再练一遍。"


def main() -> None:
    """Write docs/images/room.png, review.png and report.png."""
    IMAGES.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as directory,
        prepared_server(Path(directory), ROOT / "questions") as server,
        launch_chromium() as browser,
    ):
        candidate = open_as(browser, server.url, "candidate")
        interview, _ = sit(candidate)
        # The verdict and the recognised mistake in view, with room for the groups below.
        for _ in range(UPWARDS):
            candidate.locator("[data-property='--split-work']").press("ArrowUp")
        take(candidate, "room")
        finish(candidate)

        mentor = open_as(browser, server.url, "mentor")
        review(mentor, interview)
        candidate.goto(f"/interviews/{interview}/report")
        take(candidate, "report")


def open_as(browser: Browser, url: str, role: str) -> Page:
    """Sign in with the size of the pictures."""
    context = browser.new_context(
        base_url=url, locale="zh-CN", viewport={"width": 1440, "height": 900}
    )
    page = context.new_page()
    sign_in(page, role)
    return page


def finish(page: Page) -> None:
    """Correct the code, then hand in."""
    go_to(page, 3)
    write(page, BIASED)
    page.click("[data-submit]")
    expect(page.locator("[data-results] .verdict-AC").first).to_be_visible()
    page.click("a[href$='/finish']")
    page.click("main form button[type=submit]")
    page.wait_for_url("**/report")


def review(page: Page, interview: str) -> None:
    """Decide what the machine left open, comment, take the picture, publish."""
    page.goto(f"/reviews/{interview}")
    for criterion in page.locator("[data-criterion]").all():
        if criterion.locator("input:checked").count() == 0:
            criterion.locator("input[type=radio]").first.check()
    page.locator("input[type=radio][name$=':memory']").last.check()
    page.locator("textarea[name$=':memory']").fill(COMMENT)
    page.locator("[name=summary]").fill(SUMMARY)
    page.locator(".review", has=page.locator("textarea[name$=':memory']")).evaluate(
        "row => scrollTo(0, row.getBoundingClientRect().top + scrollY - 16)"
    )
    take(page, "review")
    page.click("button[name=action][value=publish]")
    page.wait_for_url("**/reviews")


def take(page: Page, name: str) -> None:
    """Write a picture of what is on screen, once its fonts are there."""
    page.evaluate("document.activeElement?.blur()")
    page.evaluate("document.fonts.ready")
    page.wait_for_timeout(500)
    page.screenshot(path=IMAGES / f"{name}.png", animations="disabled")


if __name__ == "__main__":
    main()
