"""Verdicts: what can be said about a program, in one place."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from app.grading.runs import Outcome
from app.kit.i18n import message

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.kit.i18n import Message


class Verdict(StrEnum):
    """A verdict's code; `title` and `meaning` are for people."""

    AC = "AC"
    WA = "WA"
    TLE = "TLE"
    MLE = "MLE"
    OLE = "OLE"
    RE = "RE"
    IO = "IO"
    NA = "NA"

    @property
    def title(self) -> Message:  # type: ignore[override]  # a verdict is no text to be capitalised
        """The verdict's name."""
        return _TEXTS[self][0]

    @property
    def meaning(self) -> Message:
        """What it says about the program, in one sentence."""
        return _TEXTS[self][1]


_TEXTS: dict[Verdict, tuple[Message, Message]] = {
    Verdict.AC: (
        message("Accepted"),
        message("Every case was answered correctly."),
    ),
    Verdict.WA: (
        message("Wrong Answer"),
        message("A returned value is not the expected one."),
    ),
    Verdict.TLE: (
        message("Time Limit Exceeded"),
        message("A call took longer than allowed."),
    ),
    Verdict.MLE: (
        message("Memory Limit Exceeded"),
        message("A call used more memory than allowed."),
    ),
    Verdict.OLE: (
        message("Output Limit Exceeded"),
        message("A call printed or returned more than allowed."),
    ),
    Verdict.RE: (
        message("Runtime Error"),
        message("The code does not load, raised an exception or ended its process."),
    ),
    Verdict.IO: (
        message("Invalid Output"),
        message("A returned value is not of the promised type."),
    ),
    Verdict.NA: (
        message("Not Allowed"),
        message("The code uses something that this question forbids."),
    ),
}

# None: the call returned, and a checker decides.
_BY_OUTCOME: dict[Outcome, Verdict | None] = {
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


def verdict_of(outcome: Outcome) -> Verdict | None:
    """Return the verdict that `outcome` alone decides, or None if a checker has to."""
    return _BY_OUTCOME[outcome]


def first_bad(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the first verdict that is not Accepted, or Accepted.

    The first and not the worst: it belongs to the case that a person looks at first, and it
    does not change with an order of severity that nobody knows.
    """
    return next((verdict for verdict in verdicts if verdict is not Verdict.AC), Verdict.AC)
