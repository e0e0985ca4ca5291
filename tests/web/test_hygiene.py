"""What every answer must have and must not have: headers, scripts, styles, and nobody's markup."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from app.web.markdown import render_code, render_markdown
from tests.site import PAPER
from tests.web.conftest import finish_room, open_room

if TYPE_CHECKING:
    from httpx2 import Response

    from tests.web.conftest import Browser, Room, Web

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt&#58;alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:x)",
    "![x](https://evil.example/pixel.png)",
    '<https://evil.example/" onmouseover="alert(1)>',
    '[x](https://evil.example/ "t\\" onclick=\\"alert(1)")',
    "$<script>alert(1)</script>$",
    '$\\href{javascript:alert(1)}{x}$ $x" onclick="alert(1)$',
    "$$\n</div><script>alert(1)</script>\n$$",
    '```"><script>alert(1)</script>\n<script>alert(1)</script>\n```',
    "```html\n</code></pre><script>alert(1)</script>\n```",
    "<style>*{display:none}</style><iframe src=//evil.example></iframe>",
    "</textarea></main><script>alert(1)</script>",
    "{{ 7 * 7 }}{% include '/etc/passwd' %}",
    "\u202e<b onclick=alert(1)>\u2066",
]
ALL_HOSTILE = "\n\n".join(HOSTILE)


class Page(HTMLParser):
    """Collects what a page could do."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.sins: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "script" and "src" not in given:
            self.sins.append("a script without an address")
        if tag in {"iframe", "object", "embed", "base", "style"}:
            self.sins.append(tag)
        for name, value in attrs:
            if name == "style" or name.startswith("on"):
                self.sins.append(f"{tag} {name}")
            if name in {"href", "src", "action", "formaction"}:
                self._look_at_address(tag, value or "")
        if tag == "img":
            self.sins.append(f"img {given}")

    def _look_at_address(self, tag: str, address: str) -> None:
        own = address.startswith(("/", "#")) and not address.startswith("//")
        own = own or (tag == "link" and address.startswith("data:image/svg+xml,"))
        outside = tag == "a" and address.startswith(("https://", "http://", "mailto:"))
        if not own and not outside:
            self.sins.append(f"{tag} leads to {address}")


def sins(html: str) -> list[str]:
    return Page(html).sins


# --- Headers --------------------------------------------------------------------------------


def answers(web: Web, room: Room) -> dict[str, Response]:
    candidate, admin = web.browser("candidate"), web.browser("admin")
    return {
        "page": candidate.get("/papers"),
        "visitor": web.client().get("/"),
        "not found": candidate.get("/no-such-page"),
        "method": candidate.client.delete("/papers"),
        "not mine": web.browser("other").get(f"/attempts/{room.code}"),
        "forbidden": candidate.get("/admin/people"),
        "json": candidate.get(f"/api/interviews/{room.id}/clock"),
        "json error": candidate.get("/api/jobs/no-such"),
        "malformed": candidate.send("PUT", f"/api/attempts/{room.code}/draft", b"{"),
        "too large": candidate.send("POST", "/api/preview", b"x" * (2 * 1024 * 1024 + 1)),
        "redirect": web.client().get("/papers"),
        "admin": admin.get("/admin/questions"),
        "static": web.client().get("/static/no-such.css"),
    }


def test_headers_confine_every_answer(web: Web, room: Room) -> None:
    for name, response in answers(web, room).items():
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'" in policy, name
        assert "script-src 'self';" in policy, name
        assert "unsafe" not in policy, name
        assert "frame-ancestors 'none'" in policy, name
        assert "base-uri 'none'" in policy, name
        assert response.headers["x-content-type-options"] == "nosniff", name
        assert response.headers["referrer-policy"] == "same-origin", name
        assert re.fullmatch(r"[0-9a-f]{16}", response.headers["x-request-id"]), name
        assert "server" not in response.headers, name
        if name != "static":
            assert response.headers["cache-control"] == "no-store", name


def test_internal_error_is_confined_and_says_where_to_look(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object) -> None:
        raise ZeroDivisionError("a secret detail")

    browser = web.browser("candidate")
    monkeypatch.setattr("app.web.pages.papers.paper_cards", break_down)
    response = browser.get("/papers")
    assert response.status_code == 500
    assert "secret" not in response.text
    assert "Traceback" not in response.text
    assert response.headers["x-request-id"] in response.text
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert response.headers["cache-control"] == "no-store"
    assert "Something went wrong on our side" in response.text  # in the reader's language


def test_internal_error_of_the_interface_is_json(
    web: Web, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object) -> None:
        raise ZeroDivisionError("a secret detail")

    monkeypatch.setattr("app.web.api.interviews.remaining_ms", break_down)
    response = web.browser("candidate").get(f"/api/interviews/{room.id}/clock")
    assert response.status_code == 500
    assert response.json()["error"]["code"] == "internal"
    assert response.headers["x-request-id"] in response.json()["error"]["message"]


def test_nonce_is_new_each_time_and_the_pages(web: Web, room: Room) -> None:
    browser = web.browser("candidate")
    nonces = set()
    for _ in range(2):
        response = browser.get(f"/attempts/{room.code}")
        found = re.search(r"'nonce-([^']+)'", response.headers["content-security-policy"])
        assert found is not None
        assert found[1] in response.text
        nonces.add(found[1])
    assert len(nonces) == 2


# --- Markup of people -----------------------------------------------------------------------


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_is_inert(text: str) -> None:
    assert sins(str(render_markdown(text))) == []


def test_markup_in_markdown_is_shown_as_it_was_typed() -> None:
    assert str(render_markdown("<b>x</b>")) == "<p>&lt;b&gt;x&lt;/b&gt;</p>\n"


@pytest.mark.parametrize("text", HOSTILE)
def test_code_is_inert(text: str) -> None:
    html = str(render_code(text))
    assert sins(html) == []
    assert "<script" not in html


def hostile_interview(web: Web) -> Room:
    """Return a finished interview in which every text is hostile: answers, names, comments."""
    for name in ("candidate", "mentor"):
        browser = web.browser(name)
        shown = "<script>alert(1)</script>\"'><img src=x>"
        assert browser.post("/preferences", display_name=shown).status_code == 303
    path = web.site.bank_dir / "basics" / "threads.yaml"
    prompt = "prompt: {zh: 线程共享什么？, en: What do threads share?}"
    block = "\n".join(f"    {line}" for line in ALL_HOSTILE.splitlines())
    quiet = block.replace("\u202e", "").replace("\u2066", "")  # the bank refuses these itself
    path.write_text(
        path.read_text().replace(prompt, f"prompt:\n  zh: |\n{quiet}\n  en: |\n{quiet}")
    )
    assert web.browser("admin").post("/admin/questions/reload").status_code == 303
    room = open_room(web)
    assert room.submit(room.code, ALL_HOSTILE).status_code == 202
    assert room.submit(room.concept, ALL_HOSTILE).status_code == 202
    assert room.submit(room.open, ALL_HOSTILE).status_code == 202
    web.browser("candidate").call(
        "PUT", f"/api/attempts/{room.open}/draft", {"text": ALL_HOSTILE, "sequence": 1}
    )
    return room


def mark(web: Web, room: Room) -> None:
    comments = {
        f"comment:{room.code}:style": ALL_HOSTILE,
        f"level:{room.code}:style": "2",
        f"level:{room.open}:depth": "5",
        f"comment:{room.open}:depth": ALL_HOSTILE,
        f"level:{room.concept}:memory": "0",
        "summary": ALL_HOSTILE,
        "action": "publish",
    }
    response = web.browser("mentor").post(f"/reviews/{room.id}", **comments)
    assert response.status_code == 303, response.text


def test_no_page_runs_what_people_wrote(web: Web) -> None:
    room = hostile_interview(web)
    candidate, mentor = web.browser("candidate"), web.browser("mentor")
    pages = [candidate.get(f"/attempts/{one}") for one in (room.code, room.concept, room.open)]
    web.site.finish(room.id)
    pages.append(mentor.get("/reviews"))
    pages.append(mentor.get(f"/reviews/{room.id}"))
    mark(web, room)
    pages += [
        candidate.get(path)
        for path in (
            f"/interviews/{room.id}/report",
            f"/interviews/{room.id}/transcript",
            "/papers",
            "/preferences",
        )
    ]
    pages += [
        web.browser("admin").get(path) for path in ("/admin/people", "/admin/questions/threads")
    ]
    for response in pages:
        assert response.status_code == 200
        assert sins(response.text) == [], response.url
        assert "<script>alert" not in response.text


def test_exports_are_inert(web: Web) -> None:
    room = hostile_interview(web)
    web.site.finish(room.id)
    mark(web, room)
    candidate = web.browser("candidate")
    html = candidate.get(f"/interviews/{room.id}/transcript.html").text
    # A file stands alone: it brings its style sheet, and formulas bring their places.
    assert {sin for sin in sins(html) if sin not in {"style", "span style"}} == set()
    assert "<script" not in html
    markdown = candidate.get(f"/interviews/{room.id}/transcript.md")
    assert markdown.headers["content-type"].startswith("text/markdown")
    data = candidate.get(f"/interviews/{room.id}/transcript.json").json()
    texts = [event["data"].get("text") for event in data["events"]]
    assert ALL_HOSTILE in texts
    for form in ("html", "md", "json"):
        headers = candidate.get(f"/interviews/{room.id}/transcript.{form}").headers
        assert headers["content-disposition"].startswith("attachment; ")


# --- Every page -----------------------------------------------------------------------------


def test_every_page_has_only_scripts_and_styles_of_ours(web: Web) -> None:
    room = finish_room(open_room(web))
    running = open_room(web)
    visited: dict[str, list[str]] = {
        "visitor": ["/", "/sign-in", "/register", "/no-such-page"],
        "candidate": [
            "/papers",
            f"/papers/{PAPER}",
            "/preferences",
            f"/attempts/{running.code}",
            f"/attempts/{running.concept}",
            f"/interviews/{running.id}/finish",
            f"/interviews/{room.id}/report",
            f"/interviews/{room.id}/transcript",
        ],
        "mentor": ["/reviews", f"/reviews/{room.id}"],
        "admin": ["/admin/questions", "/admin/questions/double", "/admin/people", "/admin/health"],
    }
    for name, paths in visited.items():
        for path in paths:
            for language in ("zh", "en"):
                response = get(web.browser(name), path, language)
                assert sins(response.text) == [], path
                assert f'lang="{language}' in response.text, path


def get(browser: Browser, path: str, language: str) -> Response:
    return browser.get(path, headers={"Accept-Language": f"{language};q=0.9, fr"})
