"""Verdicts: complete, named, and decided by outcomes where nothing is to be compared."""

from __future__ import annotations

from typing import get_args

import pytest

from app.grading.runs import Outcome
from app.grading.verdicts import Verdict, first_bad, verdict_of
from app.questions.schema import VerdictCode


def test_question_files_and_the_judge_know_the_same_verdicts() -> None:
    assert {verdict.value for verdict in Verdict} == set(get_args(VerdictCode))


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_has_a_name_and_a_sentence(verdict: Verdict) -> None:
    assert verdict.title.render("en")
    assert verdict.meaning.render("en").endswith(".")


def test_every_outcome_but_a_returned_value_decides_the_verdict() -> None:
    assert {outcome: verdict_of(outcome) for outcome in Outcome} == {
        Outcome.RETURNED: None,
        Outcome.RAISED: Verdict.RE,
        Outcome.DIED: Verdict.RE,
        Outcome.CPU_TIME: Verdict.TLE,
        Outcome.WALL_TIME: Verdict.TLE,
        Outcome.MEMORY: Verdict.MLE,
        Outcome.OUTPUT: Verdict.OLE,
        Outcome.NOT_DATA: Verdict.IO,
        Outcome.BAD_CODE: Verdict.RE,
    }


def test_the_first_verdict_that_is_not_accepted_counts() -> None:
    assert first_bad([Verdict.AC, Verdict.WA, Verdict.TLE]) is Verdict.WA
    assert first_bad([Verdict.AC, Verdict.AC]) is Verdict.AC
