"""Values as a person reads them, bounded in length; for sample cases only."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from app.grading.judging import returned_by
from app.grading.values import decode_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

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
    """Return `value` as Python would print it, large arrays shortened.

    The work is bounded, too: a hostile program may return millions of parts.
    """
    if isinstance(value, np.ndarray):
        body = np.array2string(
            _printable(value), precision=8, threshold=60, separator=", ", max_line_width=76
        )
        return _bounded(f"{body}  # {value.dtype}, shape {value.shape}")
    pieces: list[str] = []
    length = 0
    for piece in _pieces(value):
        pieces.append(piece)
        length += len(piece)
        if length > MAX_CHARACTERS:
            break
    return _bounded("".join(pieces))


def _pieces(value: Value) -> Iterator[str]:
    """Generate what `repr` would return, bit by bit."""
    if isinstance(value, np.ndarray):
        yield repr(_printable(value))
    elif isinstance(value, dict):
        yield "{"
        for at, (key, item) in enumerate(value.items()):
            yield f", {key!r}: " if at else f"{key!r}: "
            yield from _pieces(item)
        yield "}"
    elif isinstance(value, (list, tuple)):
        opening, closing = "[]" if isinstance(value, list) else "()"
        yield opening
        for at, item in enumerate(value):
            yield ", " if at else ""
            yield from _pieces(item)
        yield f",{closing}" if isinstance(value, tuple) and len(value) == 1 else closing
    elif isinstance(value, str):
        yield repr(value[: MAX_CHARACTERS + 1])
    else:
        yield repr(value)


def _printable(array: NDArray[Any]) -> NDArray[Any]:
    """Return `array`, or flat if it has many axes: numpy shows six items of each of them."""
    shown = math.prod(min(size, 6) for size in array.shape)
    return array if shown <= MAX_CHARACTERS else array.reshape(-1)


def readable(text: str) -> str:
    """Return `text` without what cannot be stored or encoded: NUL, halves of surrogate pairs."""
    return _UNREADABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def _bounded(text: str) -> str:
    return text if len(text) <= MAX_CHARACTERS else text[:MAX_CHARACTERS] + " …"
