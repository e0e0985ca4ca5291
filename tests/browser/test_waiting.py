"""What a candidate sees while code waits: a place in the queue, an absent engine, a full house."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import uvicorn
from playwright.sync_api import expect
from sqlalchemy import select

from app.grading.dispatch import Task
from app.grading.models import GradingJob
from app.web import cookies
from app.web.application import create_application
from app.workflows.keep_house import resend_lost_jobs
from tests.browser.test_accessibility import violations
from tests.browser.test_journey import write
from tests.conftest import free_port
from tests.site import DOUBLE, SQUARED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from tests.site import Site


@dataclass
class Desk:
    """A candidate's open question on a site whose engine does as it is told."""

    site: Site
    page: Page
    attempt: str

    def submit(self, text: str) -> None:
        write(self.page, text)
        self.page.click("[data-submit]")

    def let_others_be_graded(self) -> None:
        with self.site.database.transaction(read_only=True) as session:
            others = select(GradingJob.id).where(GradingJob.attempt_id != self.attempt)
            ids = session.scalars(others).all()
        for job_id in ids:
            self.site.dispatcher.handlers[Task.GRADE](job_id)

    def drain(self) -> None:
        """Let everything be graded that waits."""
        self.site.dispatcher.holding = False
        self.site.clock.advance(30)
        resend_lost_jobs(self.site.runtime)


@contextmanager
def served(site: Site) -> Iterator[str]:
    """Serve the site from a thread; yield its address."""
    port = free_port()
    config = uvicorn.Config(
        create_application(site.runtime), port=port, log_level="error", lifespan="off"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = server.force_exit = True
        thread.join()


@contextmanager
def opened(browser: Browser, site: Site, url: str, **options: object) -> Iterator[Desk]:
    (code, *_) = site.attempts(site.start())
    jar, _ = site.login("candidate")
    context = browser.new_context(base_url=url, **options)  # type: ignore[arg-type]
    context.add_cookies([{"name": cookies.LOGIN, "value": jar[cookies.LOGIN], "url": url}])
    page = context.new_page()
    page.set_default_timeout(15_000)
    page.goto(f"/attempts/{code}")
    yield Desk(site, page, code)
    context.close()


PHONE = {"viewport": {"width": 390, "height": 844}}
DESK = {"viewport": {"width": 1440, "height": 900}}
TEXTS = {
    "en-GB": (
        "3 ahead of you",
        "You are next",
        "Code cannot be run at the moment",
        "Tried once,",
    ),
    "zh-CN": ("前面还有 3 个", "下一个就是你", "目前无法运行代码", "已尝试 1 次"),
}


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("locale", TEXTS)
def test_place_in_the_queue_moves_up_until_the_verdict(
    site: Site, browser: Browser, locale: str, size: dict[str, object]
) -> None:
    behind, following, *_ = TEXTS[locale]
    site.dispatcher.holding = True
    site.fill_queue(3)
    site.clock.advance(1)
    with served(site) as url, opened(browser, site, url, locale=locale, **size) as desk:
        desk.submit(SQUARED)
        results = desk.page.locator("[data-results]")
        expect(results).to_contain_text(behind)
        assert violations(desk.page) == []
        desk.let_others_be_graded()
        expect(results).to_contain_text(following)
        desk.drain()
        expect(results.locator(".verdict-WA").first).to_be_visible()
        expect(results.locator(".result-meaning")).not_to_be_empty()


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("locale", TEXTS)
def test_absent_engine_is_told_and_the_verdict_comes_when_it_is_back(
    site: Site, browser: Browser, locale: str, size: dict[str, object]
) -> None:
    *_, away, tried = TEXTS[locale]
    with served(site) as url, opened(browser, site, url, locale=locale, **size) as desk:
        site.engine.away = True
        desk.submit(DOUBLE)
        results = desk.page.locator("[data-results]")
        expect(results).to_contain_text(away)
        expect(results).to_contain_text(tried)
        expect(results.locator(".result-place")).to_have_count(0)
        expect(desk.page.locator("[data-run]")).to_be_enabled()
        assert violations(desk.page) == []
        site.engine.away = False
        desk.drain()
        expect(results.locator(".verdict-AC").first).to_be_visible()


def test_full_house_counts_down_and_keeps_the_text(site: Site, browser: Browser) -> None:
    site.change_settings(queue_limit=1)
    site.dispatcher.holding = True
    site.fill_queue(1)
    with served(site) as url, opened(browser, site, url, locale="en-GB") as desk:
        desk.submit(DOUBLE)
        notice = desk.page.locator("[data-notice]")
        expect(notice).to_contain_text("Your text is kept")
        expect(notice).to_contain_text("Try again in")
        expect(desk.page.locator("[data-submit]")).to_have_attribute("aria-busy", "false")
        assert desk.page.locator("[data-history] li").count() == 0
        site.change_settings(queue_limit=200)
        desk.page.reload()
        expect(desk.page.locator(".cm-content")).to_contain_text("return 2 * x")


def test_room_says_what_the_verdicts_mean(site: Site, browser: Browser) -> None:
    with served(site) as url, opened(browser, site, url, locale="en-GB", **PHONE) as desk:
        desk.page.click("[data-opens=verdicts]")
        guide = desk.page.locator("#verdicts")
        expect(guide).to_contain_text("A call took longer than allowed.")
        expect(guide.locator("dt")).to_have_count(8)
        assert violations(desk.page) == []
