"""Before handing in, the page says what the server does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.browser.test_journey import write
from tests.chromium import sign_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page


def test_refused_text_is_pointed_out_before_it_is_too_late(open_page: Callable[..., Page]) -> None:
    page = open_page()
    sign_in(page, "candidate")
    page.click("form[action$='/questions/thread-vs-process/practice'] button")
    page.wait_for_url("**/attempts/*")
    write(page, "长" * 30_000)
    expect(page.locator("[data-save]")).to_have_attribute("data-save", "too-large")
    page.click("a[href$='/finish']")
    notice = page.locator("[data-not-sent-notice]")
    expect(notice).to_be_visible()
    expect(page.locator("[data-not-sent]:visible")).to_have_count(1)

    page.go_back()
    write(page, "线程共享内存")
    expect(page.locator("[data-save]")).to_have_attribute("data-save", "saved")
    page.click("a[href$='/finish']")
    expect(page.locator("tr[data-attempt]")).to_have_count(1)
    expect(notice).to_be_hidden()
