"""The server is killed in the middle of an interview: nothing that was typed or sent is lost."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.test_journey import BIASED, go_to, start_the_first_round, write
from tests.chromium import sign_in
from tests.conftest import ROOT, Server, prepared_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

SLOW = BIASED.replace("    mean =", "    import time\n    time.sleep(0.4)\n    mean =")


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    with prepared_server(tmp_path, ROOT / "questions") as server:
        yield server


@pytest.fixture
def page(own_server: Server, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(base_url=own_server.url, locale="zh-CN")
    page = context.new_page()
    sign_in(page, "candidate")
    start_the_first_round(page)
    yield page
    context.close()


def kill_and_restart(server: Server) -> None:
    server.stop(signal.SIGKILL)
    server.start()


def test_a_saved_draft_and_the_clock_survive_a_killed_server(
    own_server: Server, page: Page
) -> None:
    go_to(page, 4)
    write(page, "进程和线程")
    expect(page.locator("[data-save]")).to_have_attribute("data-save", "saved")
    kill_and_restart(own_server)
    page.reload()
    expect(page.locator(".cm-content")).to_contain_text("进程和线程")
    expect(page.get_by_role("timer")).to_contain_text("4")


def test_what_is_typed_while_the_server_is_down_is_saved_when_it_is_back(
    own_server: Server, page: Page
) -> None:
    go_to(page, 4)
    own_server.stop(signal.SIGKILL)
    write(page, "断网时写的答案")
    expect(page.locator("[data-save]")).to_have_attribute("data-save", "offline", timeout=20_000)
    own_server.start()
    expect(page.locator("[data-save]")).to_have_attribute("data-save", "saved", timeout=40_000)
    page.evaluate("localStorage.clear()")
    page.reload()
    expect(page.locator(".cm-content")).to_contain_text("断网时写的答案")


def test_a_submission_that_was_being_judged_gets_its_one_verdict(
    own_server: Server, page: Page
) -> None:
    go_to(page, 3)
    write(page, SLOW)
    page.click("[data-submit]")
    expect(page.locator("[data-history] li")).to_have_count(1)
    kill_and_restart(own_server)
    page.reload()
    expect(page.locator("[data-results] .verdict").first).to_contain_text("AC", timeout=60_000)
    expect(page.locator("[data-history] li")).to_have_count(1)
