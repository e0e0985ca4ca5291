"""From a text to its verdict: runs, submissions, and what the best of them is worth."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete

from app.answers.models import Attempt, Submission
from app.answers.queries import submissions_of
from app.answers.service import MAX_TEXT_BYTES
from app.grading.dispatch import Task
from app.grading.models import CaseResult, GradingJob, MistakeOutput, ReferenceCase
from app.grading.queries import case_results_of, jobs_of, waiting_jobs
from app.grading.runs import (
    CaseRun,
    EngineUnavailableError,
    Outcome,
    RaisedError,
    SandboxBrokenError,
)
from app.grading.service import CLAIM, MAX_TRIES, enqueue
from app.grading.states import JobState, state_of
from app.interviews.models import Event, Interview
from app.interviews.queries import events_of
from app.interviews.service import InterviewOverError
from app.interviews.transcript import first_break
from app.kit.errors import BusyError, ConflictError, InvalidError, TooLargeError
from app.questions.models import QuestionVersion
from app.questions.queries import live_versions
from app.scoring.queries import suggestions_of
from app.workflows.finish_interview import finish_interview
from app.workflows.grade_submission import grade_submission
from app.workflows.keep_house import resend_lost_jobs, resume_work
from app.workflows.publish_question import publish_question
from app.workflows.submit_answer import MAX_OPEN_JOBS, keep_draft, run_samples, submit_answer
from tests.fakes import run_in_process
from tests.site import DOUBLE, SQUARED, build_site

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.grading.runs import Call
    from tests.site import Site

HALF = "def double(x):\n    return 2 * x if len(x) < 3 else x\n"


class Sitting:
    """A running interview and its three attempts."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.id = site.start()
        self.code, self.concept, self.open = site.attempts(self.id)

    def submit(self, text: str, attempt_id: str | None = None) -> str | None:
        """Hand in; return the id of the job."""
        with self.site.database.transaction() as session:
            interview = session.get_one(Interview, self.id)
            attempt = session.get_one(Attempt, attempt_id or self.code)
            _, job = submit_answer(session, self.site.runtime, interview, attempt, text)
        return job.id if job else None

    def graded(self, text: str) -> GradingJob:
        job_id = self.submit(text)
        assert job_id is not None
        return self.job(job_id)

    def run(self, text: str, attempt_id: str | None = None) -> GradingJob:
        with self.site.database.transaction() as session:
            interview = session.get_one(Interview, self.id)
            attempt = session.get_one(Attempt, attempt_id or self.code)
            job = run_samples(session, self.site.runtime, interview, attempt, text)
        return self.job(job.id)

    def draft(self, text: str, sequence: int, attempt_id: str | None = None) -> None:
        with self.site.database.transaction() as session:
            interview = session.get_one(Interview, self.id)
            attempt = session.get_one(Attempt, attempt_id or self.code)
            keep_draft(interview, attempt, text, sequence, now=self.site.clock.now())

    def job(self, job_id: str) -> GradingJob:
        with self.site.database.transaction(read_only=True) as session:
            return session.get_one(GradingJob, job_id)

    def results(self, job: GradingJob) -> list[CaseResult]:
        with self.site.database.transaction(read_only=True) as session:
            return case_results_of(session, [job.id]).get(job.id, [])

    def points(self, attempt_id: str | None = None) -> dict[str, float | None]:
        attempt_id = attempt_id or self.code
        with self.site.database.transaction(read_only=True) as session:
            found = suggestions_of(session, [attempt_id])
        return {criterion: one.points for (_, criterion), one in found.items()}

    def submissions(self, attempt_id: str | None = None) -> list[Submission]:
        attempt_id = attempt_id or self.code
        with self.site.database.transaction(read_only=True) as session:
            return submissions_of(session, [attempt_id]).get(attempt_id, [])

    def events(self) -> Sequence[Event]:
        with self.site.database.transaction(read_only=True) as session:
            return events_of(session, self.id)

    def actions(self) -> list[str]:
        return [event.action for event in self.events()]


@pytest.fixture
def sitting(site: Site) -> Sitting:
    return Sitting(site)


# --- Grading --------------------------------------------------------------------------------


def test_right_program_is_accepted(sitting: Sitting) -> None:
    job = sitting.graded(DOUBLE)
    assert (state_of(job), job.verdict, job.score) == (JobState.DONE, "AC", 1.0)
    assert (job.mistake, job.problem) == (None, None)
    assert [one.verdict for one in sitting.results(job)] == ["AC"] * 4
    assert sitting.points() == {"values": 4.0, "more": 4.0, "style": None}
    assert sitting.actions() == ["interview:started", "attempt:submitted", "job:judged"]
    assert sitting.events()[-1].data == {
        "position": 1,
        "number": 1,
        "verdict": "AC",
        "stages_ms": {"queued": 0, "leased": 0, "ran": 0},
        "findings": [],
        "reruns": 0,
    }


def test_wrong_program_is_told_its_mistake(sitting: Sitting) -> None:
    job = sitting.graded(SQUARED)
    assert (job.verdict, job.mistake) == ("WA", "squared")
    assert sitting.points()["values"] == 0.0


def test_a_wrong_sample_result_is_explained(sitting: Sitting) -> None:
    negated = "def double(x):\n    return -2 * x\n"
    shown, *hidden = sitting.results(sitting.graded(negated))
    assert shown.reason is not None
    (hint,) = shown.reason["hints"]
    assert hint["text"] == "Every value has the wrong sign."
    assert [one.reason for one in hidden] == [None] * 3


def test_hidden_case_keeps_nothing_but_its_verdict(sitting: Sitting) -> None:
    telling = "def double(x):\n    print(x)\n    raise ValueError(str(x))\n"
    shown, *hidden = sitting.results(sitting.graded(telling))
    assert shown.stdout == "[1. 2.]\n"
    assert shown.reason is not None
    assert len(hidden) == 3
    for one in hidden:
        assert one.verdict == "RE"
        kept = (one.stdout, one.arguments, one.expected, one.got, one.reason)
        assert kept == (None,) * 5


def test_run_sees_only_samples_and_earns_nothing(sitting: Sitting) -> None:
    job = sitting.run(DOUBLE)
    assert (job.verdict, job.submission_id) == ("AC", None)
    assert [one.sample for one in sitting.results(job)] == [True]
    assert len(sitting.site.engine.calls) == 1
    assert sitting.points() == {}
    assert sitting.submissions() == []
    assert sitting.actions() == ["interview:started", "run:started", "job:judged"]


def test_expected_outputs_never_enter_a_sandbox(sitting: Sitting) -> None:
    sitting.graded(DOUBLE)
    with sitting.site.database.transaction(read_only=True) as session:
        version = live_versions(session)["double"]
    assert version.published_at is not None
    for call in sitting.site.engine.calls:
        assert call.code == DOUBLE
        assert b"140822" not in call.args


def test_after_a_time_out_the_other_groups_are_not_run(site: Site, sitting: Sitting) -> None:
    site.engine.run = lambda _: CaseRun(Outcome.WALL_TIME, 6000.0, 6000.0, 1)
    job = sitting.graded(DOUBLE)
    assert job.verdict == "TLE"
    assert len(site.engine.calls) == 1
    assert [one.verdict for one in sitting.results(job)] == ["TLE"] * 4


def test_printed_rubbish_is_judged_and_kept_readable(site: Site, sitting: Sitting) -> None:
    error = RaisedError("E\0\ud800", builtin=False, message="\0\ud800", traceback="line 1, in f")
    site.engine.run = lambda _: CaseRun(Outcome.RAISED, 1.0, 1.0, 1, "\0\ud800", error=error)
    job = sitting.graded(DOUBLE)
    assert job.verdict == "RE"
    (shown, *_) = sitting.results(job)
    assert shown.stdout == "\ufffd\ufffd"
    assert shown.reason is not None
    assert shown.reason["values"]["what"] == "\ufffd\ufffd"


# --- The best submission counts -------------------------------------------------------------


def test_worse_submission_costs_no_points(sitting: Sitting) -> None:
    sitting.graded(HALF)
    assert sitting.points() == {"values": 4.0, "more": 0.0, "style": None}
    sitting.graded(DOUBLE)
    assert sitting.points() == {"values": 4.0, "more": 4.0, "style": None}
    sitting.graded(SQUARED)
    assert sitting.points() == {"values": 4.0, "more": 4.0, "style": None}
    with sitting.site.database.transaction(read_only=True) as session:
        about = {one.submission_id for one in suggestions_of(session, [sitting.code]).values()}
    assert about == {sitting.submissions()[1].id}


def test_of_equal_submissions_the_later_counts(sitting: Sitting) -> None:
    sitting.graded(DOUBLE)
    sitting.graded(DOUBLE + "\n")
    with sitting.site.database.transaction(read_only=True) as session:
        about = {one.submission_id for one in suggestions_of(session, [sitting.code]).values()}
    assert about == {sitting.submissions()[1].id}


# --- Words ----------------------------------------------------------------------------------


def test_words_get_their_suggestion_at_once(sitting: Sitting) -> None:
    assert sitting.submit("Threads share the memory of their process.", sitting.concept) is None
    assert sitting.points(sitting.concept) == {"memory": 3.0}
    sitting.submit("我不知道。", sitting.concept)
    assert sitting.points(sitting.concept) == {"memory": 0.0}
    sitting.submit("I once built a robot.", sitting.open)
    assert sitting.points(sitting.open) == {"depth": None}


def test_words_cannot_be_run(sitting: Sitting) -> None:
    with pytest.raises(InvalidError, match="answered in words"):
        sitting.run("x", sitting.concept)


# --- What is refused ------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", " \n", "\0", "\ud800", "x" * (MAX_TEXT_BYTES + 1)])
def test_what_is_no_text_changes_nothing(sitting: Sitting, text: str) -> None:
    for attempt_id in (sitting.code, sitting.concept):
        with pytest.raises((InvalidError, TooLargeError)):
            sitting.submit(text, attempt_id)
    with pytest.raises((InvalidError, TooLargeError)):
        sitting.run(text)
    assert sitting.submissions() == sitting.submissions(sitting.concept) == []
    assert sitting.actions() == ["interview:started"]
    assert sitting.site.engine.calls == []


def test_submissions_are_limited_by_the_paper(sitting: Sitting) -> None:
    for _ in range(3):
        sitting.submit(DOUBLE)
    with pytest.raises(ConflictError, match="All 3 submissions"):
        sitting.submit(DOUBLE)
    assert sitting.run(DOUBLE).verdict == "AC"


def test_one_job_of_an_attempt_at_a_time(sitting: Sitting) -> None:
    sitting.site.dispatcher.holding = True
    sitting.submit(DOUBLE)
    for refused in (sitting.run, sitting.submit):
        with pytest.raises(ConflictError, match="still being judged"):
            refused(DOUBLE)
    assert len(sitting.submissions()) == 1
    sitting.submit("Threads share memory.", sitting.concept)  # words wait for nothing


def test_after_the_time_only_drafts_are_taken_and_after_the_grace_nothing(
    sitting: Sitting,
) -> None:
    sitting.site.clock.advance(30 * 60)
    for refused in (sitting.run, sitting.submit):
        with pytest.raises(InterviewOverError):
            refused(DOUBLE)
    sitting.draft("last words", 1)
    sitting.site.clock.advance(15)
    with pytest.raises(InterviewOverError):
        sitting.draft("too late", 2)


def test_finished_interview_takes_nothing(sitting: Sitting) -> None:
    sitting.site.finish(sitting.id)
    for refused in (sitting.run, sitting.submit):
        with pytest.raises(InterviewOverError):
            refused(DOUBLE)
    with pytest.raises(InterviewOverError):
        sitting.draft("x", 1)


# --- When the machine fails -----------------------------------------------------------------


def resend(site: Site) -> None:
    site.clock.advance(CLAIM.total_seconds())
    resend_lost_jobs(site.runtime)


def test_without_an_engine_the_job_waits_and_is_judged_later(site: Site, sitting: Sitting) -> None:
    site.engine.away = True
    job = sitting.graded(DOUBLE)
    for _ in range(MAX_TRIES * 2):
        resend(site)
    job = sitting.job(job.id)
    assert (state_of(job), job.problem, job.tries) == (JobState.QUEUED, "engine_unavailable", 0)
    assert job.waits == 1 + MAX_TRIES * 2
    site.engine.away = False
    resend(site)
    job = sitting.job(job.id)
    assert (job.verdict, job.problem) == ("AC", None)


def test_busy_pool_gives_the_job_back(site: Site, sitting: Sitting) -> None:
    pool = site.runtime.machinery.pool
    assert pool is not None
    with ExitStack() as others:
        for number in range(pool.census().capacity):
            others.enter_context(pool.lease(str(number)))
        job = sitting.graded(DOUBLE)
        assert (state_of(job), job.problem, job.tries) == (JobState.QUEUED, "busy", 0)
    resend(site)
    assert sitting.job(job.id).verdict == "AC"


def test_program_that_breaks_its_sandbox_is_given_up_without_a_verdict(
    site: Site, sitting: Sitting
) -> None:
    def break_it(_: Call) -> CaseRun:
        raise SandboxBrokenError("nonsense")

    site.engine.run = break_it
    job = sitting.graded(DOUBLE)
    for tries in range(1, MAX_TRIES):
        job = sitting.job(job.id)
        assert (state_of(job), job.problem, job.tries) == (JobState.QUEUED, "sandbox_broken", tries)
        resend(site)
    job = sitting.job(job.id)
    assert (state_of(job), job.problem) == (JobState.FAILED, "sandbox_broken")
    assert (job.verdict, job.score) == (None, None)
    assert sitting.results(job) == []
    assert sitting.points() == {}
    assert sitting.actions()[-1] == "job:failed"
    site.engine.run = run_in_process
    resend(site)
    assert sitting.job(job.id).verdict is None
    assert sitting.graded(DOUBLE).verdict == "AC"  # a failed job stands in nobody's way


def test_waiting_for_an_engine_is_no_try(site: Site, sitting: Sitting) -> None:
    def break_it(_: Call) -> CaseRun:
        raise SandboxBrokenError("nonsense")

    site.engine.away = True
    job = sitting.graded(DOUBLE)
    for _ in range(MAX_TRIES):
        resend(site)
    site.engine.away, site.engine.run = False, break_it
    resend(site)
    assert state_of(sitting.job(job.id)) == JobState.QUEUED


def test_grader_that_raises_each_time_is_given_up(
    site: Site, sitting: Sitting, caplog: pytest.LogCaptureFixture
) -> None:
    """As when every worker that takes the job dies of it."""

    def crash(_: Call) -> CaseRun:
        raise ZeroDivisionError

    site.engine.run = crash
    site.dispatcher.holding = True
    job = sitting.graded(DOUBLE)
    for _ in range(MAX_TRIES):
        with pytest.raises(ZeroDivisionError):
            grade_submission(site.runtime.machinery, job.id)
        site.clock.advance(CLAIM.total_seconds())
    grade_submission(site.runtime.machinery, job.id)
    job = sitting.job(job.id)
    assert (state_of(job), job.problem, job.verdict) == (JobState.FAILED, "gave_up", None)
    assert caplog.text == ""


def test_lost_job_is_sent_again(site: Site, sitting: Sitting) -> None:
    site.dispatcher.holding = True
    job = sitting.graded(DOUBLE)
    site.dispatcher.holding = False
    resend_lost_jobs(site.runtime)
    assert sitting.job(job.id).verdict is None  # it may be on its way
    resend(site)
    assert sitting.job(job.id).verdict == "AC"


def test_new_process_takes_up_what_the_one_before_left(site: Site, sitting: Sitting) -> None:
    site.dispatcher.holding = True
    job = sitting.graded(DOUBLE)
    with site.database.transaction() as session:
        held = session.get_one(GradingJob, job.id)
        held.claim, held.claimed_until = "of a dead process", site.clock.now()
    site.dispatcher.holding = False
    resume_work(site.runtime)
    assert sitting.job(job.id).verdict == "AC"


def test_job_delivered_twice_at_once_gets_one_verdict(site: Site, sitting: Sitting) -> None:
    site.dispatcher.holding = True
    job = sitting.graded(DOUBLE)
    threads = [
        threading.Thread(target=grade_submission, args=(site.runtime.machinery, job.id))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    grade_submission(site.runtime.machinery, job.id)
    assert sitting.job(job.id).verdict == "AC"
    assert len(sitting.results(job)) == 4
    assert sitting.actions().count("job:judged") == 1
    assert len(site.engine.calls) == 4


def test_worker_that_was_overtaken_changes_nothing(site: Site, sitting: Sitting) -> None:
    """Its claim ran out while it worked; another one has closed the job since."""
    site.dispatcher.holding = True
    job_id = sitting.graded(DOUBLE).id

    def slow(call: Call) -> CaseRun:
        site.engine.run = run_in_process
        with site.database.transaction() as session:
            session.get_one(GradingJob, job_id).claimed_until = site.clock.now()
        grade_submission(other.runtime.machinery, job_id)
        return CaseRun(Outcome.RAISED, 1.0, 1.0, call.limits.memory_mb)

    other = build_site(site.runtime.settings.data_dir)
    site.engine.run = slow
    grade_submission(site.runtime.machinery, job_id)
    other.close()
    assert sitting.job(job_id).verdict == "AC"
    assert sitting.actions().count("job:judged") == 1


# --- Unproven questions ---------------------------------------------------------------------


def test_job_of_an_unproven_question_waits_for_its_gate(site: Site, sitting: Sitting) -> None:
    with site.database.transaction() as session:
        version = live_versions(session)["double"]
        version.published_at = None
        session.execute(delete(ReferenceCase))
        session.execute(delete(MistakeOutput))
    job = sitting.graded(DOUBLE)
    assert (state_of(job), job.problem) == (JobState.QUEUED, "engine_unavailable")
    publish_question(site.runtime.machinery, str(version.id))
    resend(site)
    assert sitting.job(job.id).verdict == "AC"


def test_one_candidate_does_not_fill_the_queue(sitting: Sitting) -> None:
    with sitting.site.database.transaction() as session:
        for number in range(MAX_OPEN_JOBS):
            other = Attempt(
                interview_id=sitting.id,
                position=100 + number,
                minutes=1,
                question_version_id=session.get_one(Attempt, sitting.code).question_version_id,
            )
            session.add(other)
            session.flush()
            enqueue(
                session,
                interview_id=sitting.id,
                attempt_id=other.id,
                question_version_id=other.question_version_id,
                text=DOUBLE,
                submission_id=None,
                now=sitting.site.clock.now(),
            )
    with pytest.raises(ConflictError, match="earlier runs"):
        sitting.submit(DOUBLE)


# --- When too much waits --------------------------------------------------------------------


def test_full_queue_sends_away_and_says_when_to_come_back(sitting: Sitting) -> None:
    sitting.site.change_settings(queue_limit=3)
    sitting.site.fill_queue(3)
    for refused in (sitting.run, sitting.submit):
        with pytest.raises(BusyError, match="3 runs") as caught:
            refused(DOUBLE)
        assert caught.value.headers == {"Retry-After": "5"}
    assert sitting.submissions() == []
    assert sitting.actions() == ["interview:started"]
    sitting.submit("Threads share memory.", sitting.concept)  # words wait for nothing


def test_last_free_place_is_given_away(sitting: Sitting) -> None:
    sitting.site.change_settings(queue_limit=3)
    sitting.site.fill_queue(2)
    assert sitting.graded(DOUBLE).verdict == "AC"


def test_nobody_is_sent_away_at_the_end(sitting: Sitting) -> None:
    sitting.site.change_settings(queue_limit=1)
    sitting.site.fill_queue(1)
    sitting.draft(DOUBLE, 1)
    sitting.site.clock.advance(29 * 60)
    with pytest.raises(BusyError):
        sitting.run(DOUBLE)
    assert sitting.graded(SQUARED).verdict == "WA"
    sitting.draft(DOUBLE, 2)
    sitting.site.clock.advance(60)
    sitting.site.finish(sitting.id)
    assert automatic(sitting) == [(SQUARED, False), (DOUBLE, True)]


def test_waiting_run_does_not_keep_anybody_from_handing_in(sitting: Sitting) -> None:
    sitting.site.dispatcher.holding = True
    run = sitting.run(SQUARED)
    submitted = sitting.graded(DOUBLE)
    sitting.site.dispatcher.holding = False
    resend(sitting.site)
    assert (sitting.job(run.id).verdict, sitting.job(submitted.id).verdict) == ("WA", "AC")


def test_while_the_engine_is_away_the_first_in_line_tries_for_all(site: Site) -> None:
    site.fill_queue(5)
    site.clock.advance(10)
    site.engine.away = True
    resend(site)  # finds out
    tried = [one for one in site.dispatcher.sent if one[0] == Task.GRADE]
    resend(site)
    again = [one for one in site.dispatcher.sent if one[0] == Task.GRADE][len(tried) :]
    assert (len(tried), again) == (5, tried[:1])
    site.engine.away = False
    resend(site)
    resend(site)
    with site.database.transaction(read_only=True) as session:
        assert waiting_jobs(session) == 0


# --- Promotion at the end -------------------------------------------------------------------


def automatic(sitting: Sitting, attempt_id: str | None = None) -> list[tuple[str, bool]]:
    return [(one.text, one.automatic) for one in sitting.submissions(attempt_id)]


def test_last_drafts_are_handed_in_when_the_candidate_finishes(sitting: Sitting) -> None:
    sitting.draft(DOUBLE, 1)
    sitting.draft("Threads share memory.", 1, sitting.concept)
    sitting.site.clock.advance(60)
    sitting.site.finish(sitting.id)
    assert automatic(sitting) == [(DOUBLE, True)]
    assert automatic(sitting, sitting.concept) == [("Threads share memory.", True)]
    assert automatic(sitting, sitting.open) == []
    with sitting.site.database.transaction(read_only=True) as session:
        (job,) = jobs_of(session, [sitting.code])
        interview = session.get_one(Interview, sitting.id)
    assert job.verdict == "AC"
    assert (interview.finished_by, interview.finished_at) == ("candidate", sitting.site.clock.now())
    assert sitting.points(sitting.concept) == {"memory": 3.0}
    assert first_break(sitting.events()) is None
    assert sitting.actions()[-2:] == ["interview:finished", "job:judged"]


def test_untouched_starter_is_not_handed_in(sitting: Sitting) -> None:
    sitting.draft("def double(x):\n    ...\n", 3)
    sitting.site.finish(sitting.id)
    assert automatic(sitting) == []


@pytest.mark.parametrize("draft", ["", " \n\t"])
def test_blank_draft_is_not_handed_in(sitting: Sitting, draft: str) -> None:
    sitting.draft(draft, 1)
    sitting.draft(draft, 1, sitting.concept)
    sitting.site.finish(sitting.id)
    assert automatic(sitting) == automatic(sitting, sitting.concept) == []


def test_draft_that_was_submitted_is_not_handed_in_again(sitting: Sitting) -> None:
    sitting.draft(DOUBLE, 1)
    sitting.submit(DOUBLE)
    sitting.site.finish(sitting.id)
    assert automatic(sitting) == [(DOUBLE, False)]


def test_draft_from_before_the_last_submission_does_not_replace_it(sitting: Sitting) -> None:
    sitting.draft("An old tab's words.", 1, sitting.concept)
    sitting.site.clock.advance(5)
    sitting.submit("Threads share memory.", sitting.concept)
    sitting.site.finish(sitting.id)
    assert automatic(sitting, sitting.concept) == [("Threads share memory.", False)]


def test_draft_after_the_last_submission_is_handed_in_over_the_limit(sitting: Sitting) -> None:
    for _ in range(3):
        sitting.submit(SQUARED)
    sitting.draft(DOUBLE, 1)
    sitting.site.finish(sitting.id)
    assert automatic(sitting)[-1] == (DOUBLE, True)
    assert sitting.points()["values"] == 4.0


def test_draft_is_handed_in_while_the_last_run_is_still_being_judged(sitting: Sitting) -> None:
    sitting.site.dispatcher.holding = True
    sitting.run(SQUARED)
    sitting.draft(DOUBLE, 1)
    sitting.site.finish(sitting.id)
    assert automatic(sitting) == [(DOUBLE, True)]


def test_finishing_twice_hands_in_once(sitting: Sitting) -> None:
    sitting.draft(DOUBLE, 1)
    for _ in range(2):
        sitting.site.finish(sitting.id)
    assert automatic(sitting) == [(DOUBLE, True)]
    assert sitting.actions().count("interview:finished") == 1


def test_finishing_that_fails_in_the_middle_changes_nothing(
    sitting: Sitting, monkeypatch: pytest.MonkeyPatch
) -> None:
    sitting.draft(DOUBLE, 1)
    site = sitting.site

    def fail(*_: Any, **__: Any) -> None:  # noqa: ANN401 - whatever it is called with
        raise EngineUnavailableError

    monkeypatch.setattr("app.workflows.finish_interview.finish", fail)

    def finish() -> None:
        with site.database.transaction() as session:
            finish_interview(session, site.runtime, session.get_one(Interview, sitting.id))

    with pytest.raises(EngineUnavailableError):
        finish()
    assert automatic(sitting) == []
    assert sitting.actions() == ["interview:started"]
    assert [task for task, _ in site.dispatcher.sent] == []


def test_version_that_was_asked_stays(site: Site, sitting: Sitting) -> None:
    with site.database.transaction(read_only=True) as session:
        asked = session.get_one(Attempt, sitting.code).question_version_id
        assert session.get_one(QuestionVersion, asked).question_id == "double"
