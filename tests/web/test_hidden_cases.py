"""Hidden cases stay hidden: a program that tells all it sees tells it to nobody."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.accounts.models import Login
from app.grading.queries import jobs_of
from app.interviews.models import Interview
from app.web.api.attempts import _events
from app.workflows.finish_interview import finish_interview, finish_overdue_interview
from tests.site import PASSWORD
from tests.web.conftest import finish_room, open_room

if TYPE_CHECKING:
    from tests.web.conftest import Room, Web

# The hidden input of tests/bank/basics/double.yaml, its expected output, and the case's name.
MARKS = ("70411", "140822", "secret-case", "random-1")
TELLING = """\
def double(x):
    print("saw", x.tolist())
    if len(x) == 1:
        raise type("Leak%d" % x[0], (Exception,), {})("it was %r" % x.tolist())
    return 2 * x
"""
RETURNING = "def double(x):\n    print(x)\n    return x if len(x) == 1 else 2 * x\n"
ECHOING = "def double(x):\n    return str(x.tolist())\n"


def everything_a_candidate_can_get(web: Web, room: Room) -> dict[str, str]:
    candidate = web.browser("candidate")
    paths = [
        "/papers",
        "/papers/first-round",
        f"/interviews/{room.id}",
        f"/interviews/{room.id}/finish",
        f"/interviews/{room.id}/report",
        f"/interviews/{room.id}/transcript",
        *(f"/interviews/{room.id}/transcript.{form}" for form in ("json", "md", "html")),
        *(f"/attempts/{attempt}" for attempt in (room.code, room.concept, room.open)),
        f"/api/interviews/{room.id}/clock",
        *(f"/api/jobs/{job}" for job in job_ids(web, room)),
    ]
    return {path: candidate.get(path).text for path in paths}


def job_ids(web: Web, room: Room) -> list[str]:
    with web.site.database.transaction(read_only=True) as session:
        return [job.id for job in jobs_of(session, [room.code])]


def leaks(web: Web, room: Room) -> list[tuple[str, str]]:
    got = everything_a_candidate_can_get(web, room)
    return [(path, mark) for path, text in got.items() for mark in MARKS if mark in text]


def test_nothing_that_a_program_tells_of_a_hidden_case_reaches_its_author(web: Web) -> None:
    room = open_room(web)
    answers = [room.submit(room.code, program).text for program in (TELLING, RETURNING, ECHOING)]
    assert [mark for answer in answers for mark in MARKS if mark in answer] == []
    assert leaks(web, room) == []
    web.site.finish(room.id)
    assert leaks(web, room) == []


def test_sample_says_what_may_be_wrong_and_a_hidden_case_does_not(web: Web) -> None:
    room = open_room(web)
    halved = "def double(x):\n    return x\n"
    room.submit(room.code, halved)
    (job_id,) = job_ids(web, room)
    job = web.browser("candidate").get(f"/api/jobs/{job_id}").json()
    assert [case["name"] for case in job["cases"]] == ["shown"]
    hint = "Every value is half the expected one: is a factor 2 missing?"
    assert job["cases"][0]["hints"] == [hint]
    only_hidden = "def double(x):\n    return 2 * x if len(x) == 2 else x\n"
    room.submit(room.code, only_hidden)
    (newest,) = set(job_ids(web, room)) - {job_id}
    text = web.browser("candidate").get(f"/api/jobs/{newest}").text
    assert '"verdict":"WA"' in text
    assert "half the expected one" not in text


def test_sample_shows_what_the_program_told(web: Web) -> None:
    room = open_room(web)
    room.submit(room.code, TELLING)
    (job_id,) = job_ids(web, room)
    job = web.browser("candidate").get(f"/api/jobs/{job_id}").json()
    assert [case["name"] for case in job["cases"]] == ["shown"]
    assert job["cases"][0]["stdout"] == "saw [1.0, 2.0]\n"
    assert [(group["name"], group["passed"], group["total"]) for group in job["groups"]] == [
        ("values", 0, 1),
        ("more", 2, 2),
    ]


def test_group_tells_counts_and_verdict_and_nothing_else(web: Web) -> None:
    room = open_room(web)
    room.submit(room.code, TELLING)
    (job_id,) = job_ids(web, room)
    job = web.browser("candidate").get(f"/api/jobs/{job_id}").json()
    for group in job["groups"]:
        assert set(group) == {"name", "title", "passed", "total", "verdict", "cpu_ms"}


def test_mentor_sees_no_more_of_hidden_cases(web: Web) -> None:
    room = open_room(web)
    room.submit(room.code, TELLING)
    web.site.finish(room.id)
    page = web.browser("mentor").get(f"/reviews/{room.id}").text
    assert [mark for mark in MARKS if mark in page] == []


def test_stream_tells_the_clock_and_each_job_and_nothing_hidden(web: Web) -> None:
    room = open_room(web)

    async def listen() -> list[str]:
        events = _events(web.site.runtime, login_id(web), room.id, room.code)
        heard = [(await anext(events)).decode()]
        for program in (TELLING, ECHOING):
            await asyncio.to_thread(room.submit, room.code, program)
            heard.append((await anext(events)).decode())
        await events.aclose()  # type: ignore[attr-defined]
        return heard

    clock, *jobs = asyncio.run(listen())
    assert clock == 'event: clock\ndata: {"remaining_ms":1800000}\n\n'
    for event in jobs:
        assert event.startswith('event: job\ndata: {"id":')
        assert event.endswith("}\n\n")
        assert '"state":"done"' in event
        assert [mark for mark in MARKS if mark in event] == []


def login_id(web: Web) -> str:
    """Return the id of the candidate's login, who is signed in by now."""
    web.browser("candidate")
    with web.site.database.transaction(read_only=True) as session:
        return session.scalars(select(Login.id)).one()


@pytest.mark.parametrize("end", ["sign-out", "sign-in", "finish", "expiry", "time"])
def test_stream_ends_with_the_login_and_with_the_interview(web: Web, end: str) -> None:
    room = open_room(web)
    candidate = web.browser("candidate")

    def end_it() -> None:
        if end == "sign-out":
            assert candidate.post("/sign-out").status_code == 303
        elif end == "sign-in":
            fields = {"email": "candidate@site.test", "password": PASSWORD}
            assert candidate.post("/sign-in", **fields).status_code == 303
        elif end == "finish":
            assert candidate.post(f"/interviews/{room.id}/finish").status_code == 303
        else:
            web.site.clock.advance(15 * 24 * 3600 if end == "expiry" else 1815)
            finish_overdue_interview(room.id, web.site.runtime)

    async def listen() -> list[bytes]:
        events = _events(web.site.runtime, login_id(web), room.id, room.code)
        assert (await anext(events)).startswith(b"event: clock")
        await asyncio.to_thread(end_it)
        return [event async for event in events]

    assert asyncio.run(asyncio.wait_for(listen(), 10)) == []
    if end != "sign-in":  # there the new login opens another stream
        again = candidate.get(f"/api/attempts/{room.code}/events")
        assert again.status_code in {401, 409}


def test_stream_is_for_the_candidate_only(web: Web) -> None:
    room = open_room(web)
    for name in ("other", "mentor", "admin"):
        response = web.browser(name).get(f"/api/attempts/{room.code}/events")
        assert response.status_code == 404
    assert web.client().get(f"/api/attempts/{room.code}/events").status_code == 401


def test_reference_answer_and_rubric_come_only_after_the_end(web: Web) -> None:
    room = open_room(web)
    candidate = web.browser("candidate")
    for attempt in (room.code, room.concept):
        page = candidate.get(f"/attempts/{attempt}").text
        for secret in ("Multiply by two", "Said clearly", "return 2 * x", "Shared memory"):
            assert secret not in page
    finish_room(room)
    assert "Multiply by two" in candidate.get(f"/interviews/{room.id}/report").text


def test_unpublished_review_stays_with_the_mentors(web: Web) -> None:
    room = finish_room(open_room(web))
    fields = {f"comment:{room.code}:style": "UNRIPE", f"level:{room.code}:style": "2"}
    assert web.browser("mentor").post(f"/reviews/{room.id}", **fields).status_code == 303
    assert "UNRIPE" in web.browser("mentor").get(f"/reviews/{room.id}").text
    assert [
        path for path, text in everything_a_candidate_can_get(web, room).items() if "UNRIPE" in text
    ] == []


def test_overdue_interview_is_closed_before_anybody_looks(web: Web) -> None:
    room = open_room(web)
    candidate = web.browser("candidate")
    body = {"text": "last words", "sequence": 1}
    candidate.call("PUT", f"/api/attempts/{room.concept}/draft", body)
    web.site.clock.advance(30 * 60 + 15)
    assert candidate.get(f"/api/interviews/{room.id}/clock").json() == {
        "remaining_ms": 0,
        "state": "finished",
    }
    assert room.submissions() == ["last words"]
    late = candidate.call("PUT", f"/api/attempts/{room.open}/draft", body)
    assert (late.status_code, late.json()["error"]["code"]) == (409, "interview_over")


def test_change_after_the_end_closes_and_refuses(web: Web) -> None:
    """The refusal must not undo the closing."""
    room = open_room(web)
    candidate = web.browser("candidate")
    body = {"text": "last words", "sequence": 1}
    candidate.call("PUT", f"/api/attempts/{room.concept}/draft", body)
    web.site.clock.advance(30 * 60 + 15)
    late = candidate.call("PUT", f"/api/attempts/{room.concept}/draft", {**body, "sequence": 2})
    assert late.status_code == 409
    with web.site.database.transaction() as session:
        interview = session.get_one(Interview, room.id)
        assert interview.finished_by in {"time", None}
        finish_interview(session, web.site.runtime, interview)
    assert room.submissions() == ["last words"]
