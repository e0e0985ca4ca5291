"""What pages tell of a job: its place, its stages, its figures, the rules it breaks."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from app.accounts.models import User
from app.accounts.roles import Role
from app.answers.models import Attempt
from app.grading.dispatch import Task
from app.grading.models import CaseResult, GradingJob
from app.grading.service import enqueue
from app.grading.static_rules import Violation
from app.interviews.models import Interview
from app.kit.i18n import use_locale
from app.web.exports import export
from app.web.presenters.jobs import stage_views
from app.workflows.submit_answer import MAX_OPEN_JOBS
from tests.site import DOUBLE, SQUARED
from tests.web.conftest import finish_room, shown_error

if TYPE_CHECKING:
    from app.web.exports import Format
    from tests.web.conftest import Room, Web

SLOW_MS = 37  # of the sandbox; no page may say so exactly to a candidate


def slow_down(web: Web) -> None:
    """Let each case take a while on the site's clock."""
    run = web.site.engine.run

    def slowly(call):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - as the engine has it
        web.site.clock.advance(SLOW_MS / 1000)
        return run(call)

    web.site.engine.run = slowly


def job_of(web: Web, room: Room) -> GradingJob:
    with web.site.database.transaction(read_only=True) as session:
        return session.query(GradingJob).filter_by(attempt_id=room.code).one()


def exported(web: Web, room: Room, form: Format, *, for_mentor: bool = False) -> str:
    with web.site.database.transaction(read_only=True) as session, use_locale("en"):
        interview = session.get_one(Interview, room.id)
        return export(session, interview, form, for_mentor=for_mentor).content.decode()


def test_place_in_the_queue_is_told_while_the_job_waits(web: Web, room: Room) -> None:
    web.site.dispatcher.holding = True
    web.site.fill_queue(2)
    web.site.clock.advance(1)
    told = room.submit(room.code, DOUBLE).json()["job"]
    assert (told["state"], told["ahead"]) == ("queued", 2)
    web.site.fill_queue(2)  # who comes later is not ahead
    candidate = web.browser("candidate")
    assert candidate.get(f"/api/jobs/{told['id']}").json()["ahead"] == 2
    web.site.dispatcher.handlers[web.site.dispatcher.sent[-1][0]](told["id"])
    assert candidate.get(f"/api/jobs/{told['id']}").json()["ahead"] is None


def test_absent_engine_is_told_with_the_number_of_tries(web: Web, room: Room) -> None:
    web.site.engine.away = True
    job_id = room.submit(room.code, DOUBLE).json()["job"]["id"]
    told = web.browser("candidate").get(f"/api/jobs/{job_id}").json()
    assert (told["state"], told["waits"]) == ("queued", 1)
    assert told["problem"].startswith("Code cannot be run at the moment. Your code is stored")
    assert told["ahead"] is None  # a place in a line that does not move
    for path in (f"/attempts/{room.code}", "/papers/first-round"):
        page = web.browser("candidate").get(path).text
        assert "Code cannot be run on this server at the moment." in page
        assert "away" not in page
    web.site.clock.advance(60)
    health = web.browser("admin").get("/admin/health").text
    assert "away" in health
    assert "1 of at most 200 jobs wait" in health
    web.site.finish(room.id)
    assert "Tried once;" in web.browser("candidate").get(f"/interviews/{room.id}/report").text


def test_broken_sandbox_is_tried_again_until_it_is_given_up(web: Web, room: Room) -> None:
    web.site.dispatcher.holding = True
    job_id = room.submit(room.code, DOUBLE).json()["job"]["id"]
    again = "It is run again; nothing is lost."
    for failed_at in (None, web.site.clock.now()):
        with web.site.database.transaction() as session:
            job = session.get_one(GradingJob, job_id)
            job.problem, job.failed_at = "sandbox_broken", failed_at
        told = web.browser("candidate").get(f"/api/jobs/{job_id}").json()
        assert told["problem"].startswith("The sandbox broke while it ran this code.")
        assert (again in told["problem"]) == (failed_at is None)


def test_who_waits_for_too_much_is_told_when_to_come_back(web: Web, room: Room) -> None:
    web.site.dispatcher.holding = True
    room.submit(room.code, DOUBLE)
    with web.site.database.transaction() as session:
        job = session.query(GradingJob).filter_by(attempt_id=room.code).one()
        job.judged_at = web.site.clock.now()
        for _ in range(MAX_OPEN_JOBS):
            enqueue(
                session,
                interview_id=room.id,
                attempt_id=room.concept,
                question_version_id=job.question_version_id,
                text=DOUBLE,
                submission_id=None,
                now=web.site.clock.now(),
            )
    answer = room.submit(room.code, DOUBLE)
    assert (answer.status_code, answer.headers["Retry-After"]) == (409, "5")


def test_report_shows_the_verdict_of_the_submission_that_counts(web: Web, room: Room) -> None:
    for text in (SQUARED, DOUBLE, SQUARED):
        room.submit(room.code, text)
    web.site.finish(room.id)
    page = plain(web.browser("candidate").get(f"/interviews/{room.id}/report").text)
    assert "Double AC Submission 2" in page
    assert "Verdict of submission 2 AC" in page


def test_code_that_was_not_run_has_no_figures(web: Web, room: Room) -> None:
    room.submit(room.code, DOUBLE)
    with web.site.database.transaction() as session:
        session.query(CaseResult).update({"cpu_ms": 0.0, "wall_ms": 0.0, "memory_kb": 0})
    told = web.browser("candidate").get(f"/api/jobs/{job_of(web, room).id}").json()
    assert [case["ran"] for case in told["cases"]] == [False]
    assert {group["cpu_ms"] for group in told["groups"]} == {None}
    web.site.finish(room.id)
    page = plain(web.browser("candidate").get(f"/interviews/{room.id}/report").text)
    assert page.count("not run") == len(told["cases"] + told["groups"])
    assert "CPU" not in page


def test_room_tells_the_limits_of_a_call(web: Web, room: Room) -> None:
    page = web.browser("candidate").get(f"/attempts/{room.code}").text
    assert "Each call: 2 s of CPU, 6 s in all, 256 MB" in page
    assert "Each call" not in web.browser("candidate").get(f"/attempts/{room.concept}").text


def test_printing_is_marked_on_its_row(web: Web, room: Room) -> None:
    room.submit(room.code, "def double(x):\n    print('seen')\n    return 2 * x\n")
    web.site.finish(room.id)
    page = plain(web.browser("candidate").get(f"/interviews/{room.id}/report").text)
    assert "AC shown printed" in page


@pytest.mark.parametrize("path", ["runs", "submissions"])
def test_full_queue_is_a_503_that_says_when_to_come_back(web: Web, room: Room, path: str) -> None:
    web.site.change_settings(queue_limit=1)
    web.app.state.runtime = web.site.runtime
    web.site.dispatcher.holding = True
    web.site.fill_queue(1)
    candidate = web.browser("candidate")
    answer = candidate.call("POST", f"/api/attempts/{room.code}/{path}", {"text": DOUBLE})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.json()["error"]["code"] == "busy"
    assert "Your text is kept" in shown_error(answer)
    chinese = candidate.client.post(
        f"/api/attempts/{room.code}/{path}",
        json={"text": DOUBLE},
        headers={"X-CSRF-Token": candidate.token, "Accept-Language": "zh"},
    )
    assert "你写的内容已保存" in shown_error(chinese)


def test_full_queue_keeps_the_text_of_a_page_without_script(web: Web, room: Room) -> None:
    web.site.change_settings(queue_limit=1)
    web.app.state.runtime = web.site.runtime
    web.site.dispatcher.holding = True
    web.site.fill_queue(1)
    answer = web.browser("candidate").post(f"/attempts/{room.code}", text=DOUBLE)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "Your text is kept" in answer.text
    assert "return 2 * x" in answer.text
    with web.site.database.transaction(read_only=True) as session:
        assert session.get_one(Attempt, room.code).draft == DOUBLE
    assert room.submissions() == []


def test_stages_are_told_in_steps_of_ten_milliseconds(web: Web, room: Room) -> None:
    slow_down(web)
    finish_room(room)
    job = job_of(web, room)
    assert job.leased_at is not None
    assert job.ran_at is not None
    assert job.ran_at - job.leased_at == timedelta(milliseconds=4 * SLOW_MS)
    candidate = web.browser("candidate")
    told = "Queued 00:00:00 UTC Sandbox leased +0 ms Cases ran +150 ms Judged +0 ms"
    for page in (f"/interviews/{room.id}/report", f"/interviews/{room.id}/transcript"):
        assert told in plain(candidate.get(page).text)
    assert told in plain(exported(web, room, "html"))
    assert told in plain(exported(web, room, "md")).replace(" · ", " ")
    report = json.loads(exported(web, room, "json"))["report"]
    (judged,) = [one for one in report["events"] if one["action"] == "job:judged"]
    assert [(one["name"], one["took_ms"]) for one in judged["stages"]] == [
        ("queued", None),
        ("leased", 0),
        ("ran", 150),
        ("judged", 0),
    ]


def test_waiting_in_the_queue_is_no_part_of_the_time_that_code_ran(web: Web, room: Room) -> None:
    slow_down(web)
    web.site.dispatcher.holding = True
    job_id = room.submit(room.code, DOUBLE).json()["job"]["id"]
    web.site.clock.advance(65)
    web.site.dispatcher.handlers[Task.GRADE](job_id)
    assert web.browser("candidate").get(f"/api/jobs/{job_id}").json()["run_ms"] == 150
    web.site.finish(room.id)
    page = plain(web.browser("candidate").get(f"/interviews/{room.id}/report").text)
    assert "ran for 150 ms" in page
    assert "Sandbox leased +65.0 s" in page


def test_code_that_was_not_run_has_no_stages_of_running(web: Web) -> None:
    names = [one.name for one in stage_views(web.site.clock.now(), [20])]
    assert names == ["queued", "judged"]


def plain(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_mentor_sees_the_figures_of_each_hidden_case_and_the_candidate_does_not(
    web: Web, room: Room
) -> None:
    finish_room(room)
    assert "Figures of each hidden case" in web.browser("mentor").get(f"/reviews/{room.id}").text
    candidate = web.browser("candidate").get(f"/interviews/{room.id}/report").text
    assert "Figures of each hidden case" not in candidate
    assert "slowest under 10 ms CPU" in candidate


def test_downloads_hold_the_figures_of_hidden_cases_for_mentors_only(
    web: Web, finished: Room
) -> None:
    at = f"/interviews/{finished.id}/transcript"
    for name, told in (("mentor", True), ("candidate", False)):
        browser = web.browser(name)
        report = browser.get(f"{at}.json").json()["report"]
        jobs = [one["job"] for answer in report["answers"] for one in answer["submissions"]]
        assert [bool(job["hidden"]) for job in jobs if job] == [told]
        assert ("Values 1: **AC**" in browser.get(f"{at}.md").text) == told
        for path in (at, f"{at}.html"):
            assert ("Figures of each hidden case" in browser.get(path).text) == told


def test_mentor_gets_the_candidates_files_of_an_own_interview(web: Web, finished: Room) -> None:
    with web.site.database.transaction() as session:
        candidate = session.get_one(Interview, finished.id).candidate_id
        session.get_one(User, candidate).role = Role.MENTOR
    page = web.browser("candidate").get(f"/interviews/{finished.id}/transcript.html").text
    assert "slowest under" in page
    assert "Figures of each hidden case" not in page


def test_run_that_was_repeated_is_marked(web: Web, room: Room) -> None:
    room.submit(room.code, DOUBLE)
    with web.site.database.transaction() as session:
        session.query(CaseResult).update({"rerun": True})
    web.site.finish(room.id)
    assert "run twice" in web.browser("mentor").get(f"/reviews/{room.id}").text


def test_what_a_question_forbids_is_told_with_the_line(web: Web, room: Room) -> None:
    room.submit(room.code, SQUARED)
    stopping = Violation(None, 3, "name", "np.var", stops=True)
    advice = Violation("loops", 5, "loop", "x", stops=False)
    with web.site.database.transaction() as session:
        job = session.query(GradingJob).filter_by(attempt_id=room.code).one()
        job.verdict, job.findings = "NA", [stopping.as_json(), advice.as_json()]
    job_id = job_of(web, room).id
    told = web.browser("candidate").get(f"/api/jobs/{job_id}").json()
    assert told["findings"] == ["Line 3: this question forbids np.var."]
    assert told["verdict_meaning"] == "The code uses something that this question forbids."
    web.site.finish(room.id)
    report = web.browser("candidate").get(f"/interviews/{room.id}/report").text
    assert "Line 5: a Python loop runs over x." in report


def test_every_verdict_is_explained_in_a_sentence(web: Web) -> None:
    page = plain(web.client().get("/verdicts").text)
    for code in ("AC", "WA", "TLE", "MLE", "OLE", "RE", "IO", "NA"):
        assert f" {code} " in page
    assert "A returned value is not the expected one." in page
