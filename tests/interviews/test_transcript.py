"""The chain of events: it shows any edit, removal, insertion and change of order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.interviews.transcript import GENESIS, chain_hash, first_break

START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Fact:
    interview_id: str
    sequence: int
    at: datetime
    action: str
    data: dict[str, Any]
    previous_hash: str
    hash: str


def chain(*actions: str) -> list[Fact]:
    facts: list[Fact] = []
    for number, action in enumerate(actions, 1):
        fields: dict[str, Any] = {
            "interview_id": "i",
            "sequence": number,
            "at": START + timedelta(seconds=number),
            "action": action,
            "data": {"text": f"文 {number}", "nested": {"b": 1, "a": [1.5, None, True]}},
        }
        previous = facts[-1].hash if facts else GENESIS
        hashed = chain_hash(previous, **fields)
        facts.append(Fact(**fields, previous_hash=previous, hash=hashed))
    return facts


CHAIN = chain(*"abcdefg")
places = st.integers(0, len(CHAIN) - 1)


def test_whole_chain_is_intact() -> None:
    assert first_break(CHAIN) is None
    assert first_break([]) is None


@pytest.mark.parametrize(
    "change",
    [
        {"interview_id": "j"},
        {"at": START},
        {"action": "x"},
        {"data": {}},
        {"data": {"text": "文 1", "nested": {"b": 1, "a": [1.5, None, 1]}}},
        {"previous_hash": "f" * 64},
        {"hash": "f" * 64},
    ],
    ids=lambda change: next(iter(change)),
)
@given(place=places)
def test_edit_is_found_where_it_is(change: dict[str, Any], place: int) -> None:
    edited = [*CHAIN]
    edited[place] = replace(edited[place], **change)
    assert first_break(edited) == place + 1


@given(place=st.integers(0, len(CHAIN) - 2))
def test_removal_is_found(place: int) -> None:
    assert first_break(CHAIN[:place] + CHAIN[place + 1 :]) == place + 2


@given(one=places, other=places)
def test_change_of_order_is_found(one: int, other: int) -> None:
    swapped = [*CHAIN]
    swapped[one], swapped[other] = swapped[other], swapped[one]
    assert (first_break(swapped) is None) == (one == other)


@given(place=places)
def test_repetition_is_found(place: int) -> None:
    assert first_break([*CHAIN[: place + 1], *CHAIN[place:]]) == place + 1


@given(place=places)
def test_insertion_with_a_right_hash_breaks_what_follows(place: int) -> None:
    """Whoever inserts an event must rewrite every later one."""
    previous = CHAIN[place - 1].hash if place else GENESIS
    old = CHAIN[place]
    forged = replace(
        old,
        action="forged",
        hash=chain_hash(
            previous,
            interview_id="i",
            sequence=old.sequence,
            at=old.at,
            action="forged",
            data=old.data,
        ),
    )
    assert first_break([*CHAIN[:place], forged]) is None
    assert first_break([*CHAIN[:place], forged, *CHAIN[place:]]) == place + 1


def test_gap_is_found_where_every_hash_is_right() -> None:
    """As if somebody had removed an event and rewritten all that followed."""
    first, _, third, *_ = CHAIN
    closed_up = replace(
        third,
        previous_hash=first.hash,
        hash=chain_hash(
            first.hash,
            interview_id="i",
            sequence=third.sequence,
            at=third.at,
            action=third.action,
            data=third.data,
        ),
    )
    assert first_break([first, closed_up]) == 3


def test_hash_depends_on_the_moment_not_on_its_zone() -> None:
    fields: dict[str, Any] = {"interview_id": "i", "sequence": 1, "action": "a", "data": {}}
    here = START.astimezone(timezone(timedelta(hours=8)))
    assert chain_hash(GENESIS, at=START, **fields) == chain_hash(GENESIS, at=here, **fields)


def test_hash_does_not_depend_on_the_order_of_keys() -> None:
    fields: dict[str, Any] = {"interview_id": "i", "sequence": 1, "at": START, "action": "a"}
    one = chain_hash(GENESIS, data={"a": 1, "b": 2}, **fields)
    assert one == chain_hash(GENESIS, data={"b": 2, "a": 1}, **fields)
