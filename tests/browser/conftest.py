"""A real browser on a real server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

    from tests.conftest import Server


@pytest.fixture
def open_page(browser: Browser, server: Server) -> Iterator[Callable[..., Page]]:
    """Open pages in contexts of their own; one that throws or breaks its policy fails the test."""
    contexts = []
    complaints: list[str] = []

    def open_page(**options: object) -> Page:
        context = browser.new_context(
            **{"base_url": server.url, "locale": "zh-CN", **options}  # type: ignore[arg-type]
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda text: (
                complaints.append(text.text) if "Content Security Policy" in text.text else None
            ),
        )
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
