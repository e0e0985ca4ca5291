"""The states: every pair of a state and an action is decided here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product

import pytest

from app.interviews.models import Interview
from app.interviews.service import InterviewOverError, require
from app.interviews.states import ALLOWED, InterviewAction, InterviewState, allows, state_of
from app.kit.errors import ConflictError

NOW = datetime(2026, 1, 1, tzinfo=UTC)

DECIDED = {
    ("scheduled", "start"): True,
    ("scheduled", "answer"): False,
    ("scheduled", "finish"): False,
    ("scheduled", "review"): False,
    ("running", "start"): False,
    ("running", "answer"): True,
    ("running", "finish"): True,
    ("running", "review"): False,
    ("finished", "start"): False,
    ("finished", "answer"): False,
    ("finished", "finish"): False,
    ("finished", "review"): True,
    ("reviewed", "start"): False,
    ("reviewed", "answer"): False,
    ("reviewed", "finish"): False,
    ("reviewed", "review"): True,
}


@dataclass
class Facts:
    started_at: datetime | None = None
    finished_at: datetime | None = None
    reviewed_at: datetime | None = None


FACTS = {
    InterviewState.SCHEDULED: Facts(),
    InterviewState.RUNNING: Facts(NOW),
    InterviewState.FINISHED: Facts(NOW, NOW),
    InterviewState.REVIEWED: Facts(NOW, NOW, NOW),
}


def test_every_pair_is_decided_here() -> None:
    assert DECIDED.keys() == set(product(InterviewState, InterviewAction))
    assert ALLOWED.keys() == set(InterviewState)


@pytest.mark.parametrize("state", InterviewState)
def test_state_is_derived_from_facts(state: InterviewState) -> None:
    assert state_of(FACTS[state]) == state


@pytest.mark.parametrize("pair", DECIDED, ids="-".join)
def test_pair(pair: tuple[str, str]) -> None:
    state, action = InterviewState(pair[0]), InterviewAction(pair[1])
    assert allows(state, action) == DECIDED[pair]
    facts = FACTS[state]
    interview = Interview(
        started_at=facts.started_at,
        finished_at=facts.finished_at,
        reviewed_at=facts.reviewed_at,
    )
    if DECIDED[pair]:
        require(interview, action)
        return
    with pytest.raises(ConflictError) as caught:
        require(interview, action)
    over = state in {InterviewState.FINISHED, InterviewState.REVIEWED}
    assert isinstance(caught.value, InterviewOverError) == over
