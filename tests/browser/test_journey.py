"""The whole way: a candidate sits the first round, a mentor reviews it, the report shows it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.chromium import sign_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

BIASED = """\
import numpy as np


def batch_norm_forward(x, gamma, beta, eps=1e-5):
    print("shape", x.shape)
    mean = x.mean(axis=0)
    var = x.var(axis=0)
    return gamma * (x - mean) / np.sqrt(var + eps) + beta
"""
UNBIASED = BIASED.replace("x.var(axis=0)", "x.var(axis=0, ddof=1)")

THREADS = (
    "进程是资源分配的基本单位，线程是 CPU 调度的基本单位。"
    "同一进程的线程共享内存和堆，进程的地址空间相互独立。"
    "线程创建和切换的开销比进程小。"
)


def write(page: Page, text: str) -> None:
    editor = page.locator(".cm-content")
    editor.click()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.keyboard.insert_text(text)


def go_to(page: Page, position: int) -> None:
    page.locator(".room-tab").nth(position - 1).click()
    expect(page.locator(".cm-content")).to_be_visible()


def test_candidate_and_mentor_journey(open_page: Callable[..., Page]) -> None:
    page = open_page(viewport={"width": 1440, "height": 900})
    register(page)
    start_the_first_round(page)
    program_batch_norm(page)
    answer_in_words(page)
    interview_id = finish(page)

    mentor = open_page(viewport={"width": 1440, "height": 900})
    sign_in(mentor, "mentor")
    review(mentor, interview_id)

    page.reload()
    expect(page.locator("main")).to_contain_text("讲清楚了共享内存。")
    expect(page.locator("main")).to_contain_text("整体不错，补一下初始化。")


def register(page: Page) -> None:
    page.goto("/register")
    page.fill("[name=email]", "journey@site.test")
    page.fill("[name=display_name]", "旅程")
    page.fill("[name=password]", "ein langes Passwort")
    page.click("main form button[type=submit]")
    page.wait_for_url("**/papers")


def start_the_first_round(page: Page) -> None:
    page.click("a[href='/papers/pinduoduo-cv-first-round']")
    expect(page.locator("h1")).to_contain_text("拼多多")
    page.click("form[action='/interviews'] button")
    page.wait_for_url("**/attempts/*")
    expect(page.locator(".room-tab")).to_have_count(8)
    expect(page.get_by_role("timer")).to_contain_text(re.compile(r"4[45]:\d\d"))


def program_batch_norm(page: Page) -> None:
    go_to(page, 3)
    expect(page.locator(".prompt-panel .katex").first).to_be_visible()
    write(page, UNBIASED)
    page.click("[data-run]")
    results = page.locator("[data-results]")
    expect(results).to_contain_text("WA")
    expect(results).to_contain_text("shape (")

    page.click("[data-submit]")
    expect(results).to_contain_text("ddof=1")
    expect(results).to_contain_text("结果正确")

    write(page, BIASED)
    page.keyboard.press("F10")
    expect(results.locator(".verdict-AC").first).to_be_visible()
    expect(page.locator("[data-history] li")).to_have_count(2)
    expect(page.locator("[data-history] .verdict-AC")).to_have_count(1)


def answer_in_words(page: Page) -> None:
    go_to(page, 4)
    write(page, THREADS)
    page.click("[data-submit]")
    expect(page.locator("[data-history] li")).to_have_count(1)

    go_to(page, 8)
    write(page, "Xavier 初始化")
    expect(page.locator("[data-save-state]")).to_contain_text("已保存")


def finish(page: Page) -> str:
    """Hand the interview in: the draft of question 8 goes along, labelled. Return its id."""
    page.click("a[href$='/finish']")
    page.click("main form button[type=submit]")
    page.wait_for_url("**/report")
    expect(page.locator("main")).to_contain_text("自动提交")
    return page.url.split("/")[-2]


def review(page: Page, interview_id: str) -> None:
    page.goto("/reviews")
    page.click(f"a[href='/reviews/{interview_id}']")
    page.locator("input[type=radio][name$=':memory']").last.check()
    for criterion in page.locator("[data-criterion]").all():
        if criterion.locator("input:checked").count() == 0:
            criterion.locator("input[type=radio]").first.check()
    page.locator("textarea[name$=':memory']").fill("讲清楚了共享内存。")
    page.locator("[name=summary]").fill("整体不错，补一下初始化。")
    page.click("button[name=action][value=publish]")
    page.wait_for_url("**/reviews")
