"""Debian's Chromium, and how a person signs in with it."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from playwright.sync_api import Browser, Page, sync_playwright

from tests.site import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterator


CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def launch_chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=CHROMIUM_FLAGS
        )
        yield chromium
        chromium.close()


def sign_in(page: Page, role: str) -> None:
    page.goto("/sign-in")
    page.fill("[name=email]", f"{role}@site.test")
    page.fill("[name=password]", PASSWORD)
    page.click("main form button[type=submit]")
    page.wait_for_url("**/reviews" if role == "mentor" else "**/papers")
