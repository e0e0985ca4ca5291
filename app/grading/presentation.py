"""Values as a person reads them, bounded in length; for sample cases only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.grading.judging import returned_by
from app.grading.values import decode_value

if TYPE_CHECKING:
    from app.grading.judging import CaseData
    from app.grading.runs import CaseRun
    from app.grading.values import Value

MAX_CHARACTERS = 4000
_UNREADABLE = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class SampleTexts:
    """What a candidate sees of a sample case."""

    arguments: str
    expected: str
    got: str | None
    stdout: str


def describe_sample(case: CaseData, run: CaseRun) -> SampleTexts:
    """Describe arguments, expected and returned value, and what was printed."""
    arguments, returned = decode_value(case.args), returned_by(case, run)
    lines = (
        [f"{name} = {show(value)}" for name, value in arguments.items()]
        if isinstance(arguments, dict)
        else []
    )
    return SampleTexts(
        arguments=_bounded("\n".join(lines)),
        expected=show(decode_value(case.expected)),
        got=show(returned.value) if returned else None,
        stdout=readable(run.stdout) + ("\n…" if run.stdout_truncated else ""),
    )


def show(value: Value) -> str:
    """Return `value` as Python would print it, large arrays shortened."""
    if isinstance(value, np.ndarray):
        body = np.array2string(value, precision=8, threshold=60, separator=", ", max_line_width=76)
        return _bounded(f"{body}  # {value.dtype}, shape {value.shape}")
    return _bounded(repr(value))


def readable(text: str) -> str:
    """Return `text` without what cannot be stored or encoded: NUL, halves of surrogate pairs."""
    return _UNREADABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def _bounded(text: str) -> str:
    return text if len(text) <= MAX_CHARACTERS else text[:MAX_CHARACTERS] + " …"
