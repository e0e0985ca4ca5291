"""Grading: what a text breaks, what a checker says, what ran when, and whose fault a failure is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from app.answers.models import Attempt
from app.grading.models import CaseResult, GradingJob, ReferenceCase
from app.grading.queries import case_results_of, jobs_of
from app.grading.running import CALIBRATION
from app.grading.runs import CaseRun, Outcome
from app.grading.service import MAX_TRIES
from app.grading.states import JobState, state_of
from app.interviews.models import Interview
from app.interviews.queries import events_of
from app.scoring.queries import suggestions_of
from app.workflows.grade_submission import grade_submission
from app.workflows.import_bank import import_bank
from app.workflows.submit_answer import run_samples, submit_answer
from tests.fakes import FakeSandbox, run_in_process
from tests.site import DOUBLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.grading.runs import Call
    from tests.site import Site

CHECKER = "checker:\n  name: property\n  code: |\n    def check(args, output, expected):\n"
IS_DOUBLE = CHECKER + (
    "        same = output.shape == expected.shape\n"
    "        return same and bool((output == 2 * args['x']).all()) or 'not twice'\n"
)
LOOPING = "import numpy as np\ndef double(x):\n    return np.array([2 * v for v in x])\n"


class Desk:
    """The coding question, changed by a test, and one interview about it."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.interview = ""

    def ask(self, *more: str, replaced: tuple[str, str] = ("", "")) -> None:
        """Add `more` to the question, publish it, and start an interview."""
        path = self.site.bank_dir / "basics" / "double.yaml"
        text = path.read_text().replace(*replaced)
        path.write_text(text + "".join(more))
        self.site.clock.advance(60)
        import_bank(self.site.runtime)
        self.interview = self.site.start()

    def _attempt(self) -> str:
        return self.site.attempts(self.interview)[0]

    def submit(self, text: str) -> GradingJob:
        self.site.clock.advance(1)
        with self.site.database.transaction() as session:
            interview = session.get_one(Interview, self.interview)
            attempt = session.get_one(Attempt, self._attempt())
            submit_answer(session, self.site.runtime, interview, attempt, text)
        return self.job()

    def run(self, text: str) -> GradingJob:
        self.site.clock.advance(1)
        with self.site.database.transaction() as session:
            interview = session.get_one(Interview, self.interview)
            attempt = session.get_one(Attempt, self._attempt())
            run_samples(session, self.site.runtime, interview, attempt, text)
        return self.job()

    def job(self) -> GradingJob:
        with self.site.database.transaction(read_only=True) as session:
            return jobs_of(session, [self._attempt()])[0]

    def results(self) -> Sequence[CaseResult]:
        job = self.job()
        with self.site.database.transaction(read_only=True) as session:
            return case_results_of(session, [job.id]).get(job.id, [])

    def points(self) -> dict[str, float | None]:
        with self.site.database.transaction(read_only=True) as session:
            found = suggestions_of(session, [self._attempt()])
        return {criterion: one.points for (_, criterion), one in found.items()}

    def last_event(self) -> dict[str, object]:
        with self.site.database.transaction(read_only=True) as session:
            return dict(events_of(session, self.interview)[-1].data)

    def again(self) -> GradingJob:
        """Deliver the job once more."""
        grade_submission(self.site.runtime.machinery, self.job().id)
        return self.job()


@pytest.fixture
def desk(site: Site) -> Desk:
    return Desk(site)


# --- Rules ----------------------------------------------------------------------------------


def test_forbidden_code_is_not_run_and_gets_na_with_the_line(site: Site, desk: Desk) -> None:
    desk.ask("forbid: [np.multiply]\n")
    site.engine.calls.clear()
    job = desk.submit("import numpy as np\ndef double(x):\n    return np.multiply(x, 2)\n")
    assert site.engine.calls == []
    assert (state_of(job), job.verdict, job.score) == (JobState.DONE, "NA", 0.0)
    assert (job.leased_at, job.ran_at, job.judged_at is not None) == (None, None, True)
    assert job.findings == [
        {"rule": None, "line": 3, "what": "name", "name": "np.multiply", "stops": True}
    ]
    sample, *hidden = desk.results()
    assert sample.reason is not None
    assert sample.reason["values"] == {"line": 3, "name": "np.multiply"}
    assert {one.verdict for one in desk.results()} == {"NA"}
    assert {one.reason for one in hidden} == {None}
    assert desk.points() == {"values": 0.0, "more": 0.0, "style": None}
    assert desk.last_event()["findings"] == job.findings


def test_forbidden_code_is_not_run_on_samples_either(site: Site, desk: Desk) -> None:
    desk.ask("forbid: [torch]\n")
    site.engine.calls.clear()
    assert desk.run("import torch").verdict == "NA"
    assert site.engine.calls == []


def test_broken_rule_costs_its_criterion_and_the_code_is_run(desk: Desk) -> None:
    rules = "rules:\n  - {name: vectorised, no_loops_over: [x]}\n"
    looping = ("from_groups: [more]}", "from_groups: [more], from_rules: [vectorised]}")
    desk.ask(rules, replaced=looping)
    job = desk.submit(LOOPING)
    assert (job.verdict, job.score) == ("AC", 0.5)
    assert [(one["rule"], one["line"]) for one in job.findings] == [("vectorised", 3)]
    assert desk.points() == {"values": 4.0, "more": 0.0, "style": None}
    assert desk.submit(DOUBLE).score == 1.0
    assert desk.points() == {"values": 4.0, "more": 4.0, "style": None}


# --- Properties -----------------------------------------------------------------------------


def test_samples_hidden_cases_and_checkers_never_share_a_sandbox(
    site: Site, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.ask(IS_DOUBLE)
    boxes: list[FakeSandbox] = []
    ran: dict[int, set[tuple[str, bytes]]] = {}
    start = site.engine.start

    def run(box: FakeSandbox, calls: Sequence[Call]) -> list[CaseRun]:
        ran.setdefault(id(box), set()).update((call.entry_point, call.args) for call in calls)
        return [run_in_process(call) for call in calls]

    def watched() -> FakeSandbox:
        boxes.append(start())
        return boxes[-1]

    monkeypatch.setattr(FakeSandbox, "run", run)
    monkeypatch.setattr(site.engine, "start", watched)
    assert desk.submit(DOUBLE).verdict == "AC"
    assert desk.submit(DOUBLE.replace("2", "3")).verdict == "WA"
    checks, *cases = sorted(ran.values(), key=lambda seen: {name for name, _ in seen} != {"check"})
    assert {name for name, _ in checks} == {"check"}
    shown, hidden_from_all = cases  # what is printed here never met what must be hidden
    assert shown.isdisjoint(hidden_from_all)
    (sample, *hidden) = desk.results()
    assert sample.reason is not None
    assert sample.reason["values"] == {"why": "not twice"}
    assert {one.reason for one in hidden} == {None}


def test_broken_checker_fails_the_job_after_some_tries_and_is_no_wrong_answer(
    site: Site, desk: Desk
) -> None:
    desk.ask(IS_DOUBLE)
    works = site.engine.run

    def break_checker(call: Call) -> CaseRun:
        run = works(call)
        return replace(run, outcome=Outcome.DIED) if call.entry_point == "check" else run

    site.engine.run = break_checker
    job = desk.submit(DOUBLE)
    for _ in range(MAX_TRIES):
        assert job.verdict is None
        job = desk.again()
    assert (state_of(job), job.problem, job.verdict) == (JobState.FAILED, "checker_broken", None)
    assert desk.results() == []


def test_unreadable_reference_data_fail_the_job_at_once(site: Site, desk: Desk) -> None:
    desk.ask()
    with site.database.transaction() as session:
        session.execute(update(ReferenceCase).values(expected=b"?"))
    job = desk.submit(DOUBLE)
    assert (state_of(job), job.problem, job.verdict) == (JobState.FAILED, "internal", None)


# --- Time -----------------------------------------------------------------------------------


def test_stages_are_kept_and_told_in_steps_of_ten_milliseconds(site: Site, desk: Desk) -> None:
    desk.ask()

    def slowly(call: Call) -> CaseRun:
        site.clock.advance(0.0123)
        return run_in_process(call)

    site.engine.run = slowly
    site.dispatcher.holding = True
    desk.submit(DOUBLE)
    site.clock.advance(2)
    job = desk.again()
    assert job.leased_at is not None
    assert job.ran_at is not None
    assert job.judged_at is not None
    assert job.queued_at < job.leased_at < job.ran_at <= job.judged_at
    assert (job.leased_at - job.queued_at).total_seconds() == 2
    event = desk.last_event()
    assert event["stages_ms"] == {"queued": 2000, "leased": 50, "ran": 0}
    assert event["reruns"] == 0


def test_second_chance_is_recorded(site: Site, desk: Desk) -> None:
    desk.ask(replaced=("entry_point: double", "limits: {cpu_seconds: 1}\nentry_point: double"))
    times = iter([1.0, 1100.0, 300.0, 1.0, 1.0])

    def late_once(call: Call) -> CaseRun:
        return replace(run_in_process(call), cpu_ms=next(times))

    site.engine.run = late_once
    job = desk.submit(DOUBLE)
    assert job.verdict == "AC"
    assert [(one.rerun, one.cpu_ms) for one in desk.results()] == [
        (False, 1.0),
        (True, 300.0),
        (False, 1.0),
        (False, 1.0),
    ]
    assert desk.last_event()["reruns"] == 1


def test_relative_limit_holds_what_was_measured_when_it_was_published(
    site: Site, desk: Desk
) -> None:
    took = {"calibrate": 20.0, "double": 100.0}

    def paced(call: Call) -> CaseRun:
        return replace(run_in_process(call), cpu_ms=took.get(call.entry_point, 1.0))

    site.engine.run = paced
    desk.ask(
        replaced=("entry_point: double", "limits: {slowdown: 5}\nentry_point: double"),
    )
    took["double"] = 700.0
    assert desk.submit(DOUBLE).verdict == "TLE"
    took["calibrate"] = 40.0  # a busier machine
    assert desk.submit(DOUBLE).verdict == "AC"
    assert any(call.code == CALIBRATION for call in site.engine.calls)
