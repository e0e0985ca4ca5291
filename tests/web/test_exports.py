"""Transcripts as files: whole, verifiable, and written whatever was answered."""

from __future__ import annotations

import json
from datetime import datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from app.interviews.models import Interview
from app.interviews.transcript import first_break
from app.kit.i18n import use_locale
from app.web.exports import export
from tests.web.conftest import finish_room, open_room

if TYPE_CHECKING:
    from app.web.exports import Format
    from tests.web.conftest import Room, Web

HARD = {
    "deep formula": "$" + "{" * 8_000 + "x" + "}" * 8_000 + "$",
    "deep fractions": "$" + r"\frac{1}{" * 1_500 + "x" + "}" * 1_500 + "$",
    "endless macro": r"$\def\a{\a\a}\a$",
    "broken formula": r"$\frac{$ and $\left($ and $$\begin{matrix$$",
    "many dollars": "$" * 9_999,
    "deep quotes": "> " * 20_000 + "x",
    "deep list": "\n".join("  " * n + "- x" for n in range(150)),
    "brackets": "[" * 4_000,
    "backticks": "`" * 9_999 + "x",
    "fence": "```\n" * 1_001,
}


def written(web: Web, room: Room, form: Format) -> str:
    with web.site.database.transaction(read_only=True) as session, use_locale("en"):
        interview = session.get_one(Interview, room.id)
        return export(session, interview, form, for_mentor=True).content.decode()


@pytest.mark.parametrize("name", HARD)
def test_hard_answer_can_be_shown_and_written(web: Web, name: str) -> None:
    """What a candidate wrote must never keep a mentor from reading it."""
    room = open_room(web)
    assert room.submit(room.open, HARD[name]).status_code == 202
    web.site.finish(room.id)
    assert web.browser("mentor").get(f"/reviews/{room.id}").status_code == 200
    assert "<article" in written(web, room, "html")


def test_json_has_the_whole_chain(web: Web) -> None:
    room = finish_room(open_room(web))
    data = json.loads(written(web, room, "json"))
    assert data["format"] == "yimian-transcript/1"
    events = [
        SimpleNamespace(**one | {"interview_id": room.id, "at": datetime.fromisoformat(one["at"])})
        for one in data["events"]
    ]
    assert events[0].action == "interview:started"
    assert first_break(events) is None
    events[1].data["text"] += " "
    assert first_break(events) == 2
    assert data["report"]["points"] == 11


def test_markdown_names_questions_answers_and_points(web: Web) -> None:
    text = written(web, finish_room(open_room(web)), "md")
    for part in (
        "# First round",
        "## 1. Double",
        "```python\ndef double(x):",
        "Threads share the memory",
        "| Values | 4 / 4 (suggested)",
        "ubmission 1 was judged AC.",
    ):
        assert part in text


@pytest.mark.parametrize("ticks", ["```", "````", "`````"])
def test_code_cannot_break_out_of_its_fence(web: Web, ticks: str) -> None:
    room = open_room(web)
    room.submit(room.code, f"'''\n{ticks}\n# Not a heading\n{ticks}\n'''\n")
    web.site.finish(room.id)
    text = written(web, room, "md")
    fence = text.split("python\n")[0].rsplit("\n", 1)[-1]
    assert len(fence) > len(ticks)
    assert text.count(f"\n{fence}\n") == 1


def test_unknown_form_is_not_written(web: Web) -> None:
    room = finish_room(open_room(web))
    response = web.browser("candidate").get(f"/interviews/{room.id}/transcript.exe")
    assert response.status_code == 404
