"""The clock of an interview: pure arithmetic on moments that the server owns."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

# What was typed before the end may still be on its way: saves are taken for this long after it.
# The page never shows it.
GRACE = timedelta(seconds=15)


def deadline(started_at: datetime, minutes: int | None) -> datetime | None:
    """Return when the time is up; None means that there is no clock."""
    return None if minutes is None else started_at + timedelta(minutes=minutes)


def remaining_ms(deadline_at: datetime | None, now: datetime) -> int | None:
    """Return the milliseconds left, never below 0; None without a clock."""
    if deadline_at is None:
        return None
    return max(0, int((deadline_at - now) / timedelta(milliseconds=1)))


def is_over(deadline_at: datetime | None, now: datetime) -> bool:
    """Tell whether the shown time is up: no more runs or submissions by hand."""
    return deadline_at is not None and now >= deadline_at


def is_closed(deadline_at: datetime | None, now: datetime) -> bool:
    """Tell whether the grace is over as well: nothing is accepted any more."""
    return deadline_at is not None and now >= deadline_at + GRACE


def offset(started_at: datetime, at: datetime) -> str:
    """Return the time since the start as mm:ss (or h:mm:ss)."""
    seconds = max(0, int((at - started_at).total_seconds()))
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes:02}:{seconds:02}"
