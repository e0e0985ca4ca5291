"""The clock: never below zero, never running backwards, with a grace that nobody sees."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.interviews.timing import GRACE, deadline, is_closed, is_over, offset, remaining_ms

START = datetime(2026, 1, 1, 9, tzinfo=UTC)
END = START + timedelta(minutes=45)
MILLISECOND = timedelta(milliseconds=1)

moments = st.datetimes(datetime(2025, 12, 1), datetime(2026, 2, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone


def left(now: datetime) -> int:
    remaining = remaining_ms(END, now)
    assert remaining is not None
    return remaining


@given(moments)
def test_remaining_is_never_negative_and_zero_exactly_when_over(now: datetime) -> None:
    assert left(now) >= 0
    assert (left(now) == 0) == is_over(END, now + MILLISECOND - timedelta(microseconds=1))


@given(moments, moments)
def test_remaining_never_grows(one: datetime, other: datetime) -> None:
    assert left(max(one, other)) <= left(min(one, other))


@given(moments)
def test_what_is_closed_is_over(now: datetime) -> None:
    assert is_over(END, now) or not is_closed(END, now)
    assert is_closed(END, now) == is_over(END + GRACE, now)


@given(moments, st.integers(1, 480))
def test_whole_time_is_there_at_the_start(now: datetime, minutes: int) -> None:
    assert remaining_ms(deadline(now, minutes), now) == minutes * 60_000


@given(moments)
def test_without_a_clock_nothing_ends(now: datetime) -> None:
    assert deadline(now, None) is None
    assert remaining_ms(None, now) is None
    assert not is_over(None, now)
    assert not is_closed(None, now)


def test_last_moment_counts() -> None:
    assert not is_over(END, END - timedelta(microseconds=1))
    assert is_over(END, END)
    assert not is_closed(END, END + GRACE - timedelta(microseconds=1))
    assert is_closed(END, END + GRACE)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "00:00"),
        (0, "00:00"),
        (59.9, "00:59"),
        (61, "01:01"),
        (3599, "59:59"),
        (3600, "1:00:00"),
        (36_061, "10:01:01"),
    ],
)
def test_offset_is_minutes_and_seconds(seconds: float, text: str) -> None:
    assert offset(START, START + timedelta(seconds=seconds)) == text
