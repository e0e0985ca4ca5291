"""The main pages as people with something to see on them would open them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from tests.browser.test_journey import THREADS, UNBIASED, go_to, write
from tests.chromium import sign_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Page

    from tests.conftest import Server

PAPER = "pinduoduo-cv-first-round"
FORMULAS = (
    "合页损失 $\\max(0, 1-yf(x))$，对数损失 $\\log(1+e^{-yf(x)})$。\n\n"
    "$$\\min_w \\tfrac12\\|w\\|^2 + C\\sum_i \\max(0, 1-y_i w^\\top x_i)$$\n\n- SVM 只看支持向量\n"
)


@dataclass(frozen=True)
class Pages:
    """Addresses by who opens them, and the cookies of each of these people."""

    browser: Browser
    server: Server
    addresses: dict[str, list[str]]
    cookies: dict[str, Any]

    def open_all(self, *, width: int, theme: str, part: str = "") -> Iterator[Page]:
        """Yield every page whose address holds `part`, `width` pixels wide, light or dark."""
        for who, addresses in self.addresses.items():
            context = self.browser.new_context(
                base_url=self.server.url,
                locale="zh-CN",
                viewport={"width": width, "height": 844},
                color_scheme=theme,  # type: ignore[arg-type]
                storage_state=self.cookies.get(who),
            )
            page = context.new_page()
            for address in addresses:
                if part in address:
                    page.goto(address)
                    yield page
            context.close()


def prepare_pages(browser: Browser, server: Server, candidate: str) -> Pages:
    """Let a new candidate finish one interview and begin another; `candidate` is a local part."""
    context = browser.new_context(base_url=server.url, locale="zh-CN")
    page = context.new_page()
    page.goto("/register")
    page.fill("[name=email]", f"{candidate}@site.test")
    page.fill("[name=display_name]", "候选人")
    page.fill("[name=password]", "ein langes Passwort")
    page.click("main form button[type=submit]")
    page.wait_for_url("**/papers")
    done, _ = sit(page)
    page.click("a[href$='/finish']")
    page.click("main form button[type=submit]")
    page.wait_for_url("**/report")
    running, rooms = sit(page)
    return Pages(
        browser,
        server,
        addresses={
            "nobody": ["/", "/sign-in", "/register", "/no-such-page"],
            "candidate": [
                "/papers",
                f"/papers/{PAPER}",
                rooms[0],
                rooms[2],
                rooms[3],
                f"/interviews/{running}/finish",
                f"/interviews/{done}/report",
                f"/interviews/{done}/transcript",
                "/preferences",
            ],
            "mentor": ["/reviews", f"/reviews/{done}"],
            "admin": [
                "/admin/questions",
                "/admin/questions/batch-norm-forward",
                "/admin/people",
                "/admin/health",
            ],
        },
        cookies={
            "candidate": kept_cookies(context),
            "mentor": cookies_of(browser, server, "mentor"),
            "admin": cookies_of(browser, server, "admin"),
        },
    )


def sit(page: Page) -> tuple[str, list[str]]:
    """Begin the first round, hand in code that is wrong and two texts, and leave a draft.

    Return the interview's id and the addresses of its questions.
    """
    page.goto(f"/papers/{PAPER}")
    page.click("form[action='/interviews'] button")
    page.wait_for_url("**/attempts/*")
    rooms = [str(tab.get_attribute("href")) for tab in page.locator(".room-tab").all()]
    for position, text in ((4, THREADS), (5, FORMULAS)):
        go_to(page, position)
        write(page, text)
        page.click("[data-submit]")
        expect(page.locator("[data-history] li")).to_have_count(1)
    go_to(page, 8)
    write(page, "Xavier 初始化")
    expect(page.locator("[data-save-state]")).to_contain_text("已保存 ")
    go_to(page, 3)
    write(page, UNBIASED)
    page.click("[data-submit]")
    expect(page.locator("[data-results] .notice-mistake")).to_be_visible()
    finish = str(page.locator("a[href$='/finish']").get_attribute("href"))
    return finish.split("/")[-2], rooms


def cookies_of(browser: Browser, server: Server, role: str) -> Any:  # noqa: ANN401 - Playwright's
    context = browser.new_context(base_url=server.url, locale="zh-CN")
    sign_in(context.new_page(), role)
    return kept_cookies(context)


def kept_cookies(context: BrowserContext) -> Any:  # noqa: ANN401 - Playwright's
    state = context.storage_state()
    context.close()
    return state
