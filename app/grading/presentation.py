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


def describe_sample(case: CaseData, run: CaseRun, entry_point: str) -> SampleTexts:
    """Describe arguments, expected and returned value, and what was printed.

    The script of a class is shown as the program that it is, each step's result beside its step.
    """
    arguments, returned = decode_value(case.args), returned_by(case, run)
    steps = _steps(arguments) if case.scripted else []
    lines = [_creation(entry_point, arguments), *steps] if steps else _assignments(arguments)
    return SampleTexts(
        arguments=_bounded("\n".join(lines)),
        expected=_results(steps, decode_value(case.expected)),
        got=_results(steps, returned.value) if returned else None,
        stdout=readable(run.stdout) + ("\n…" if run.stdout_truncated else ""),
    )


# --- Calls and scripts ----------------------------------------------------------------------


def _assignments(arguments: Value) -> list[str]:
    if not isinstance(arguments, dict):
        return []
    return [f"{name} = {show(value)}" for name, value in arguments.items()]


def _creation(entry_point: str, script: Value) -> str:
    init = script.get("init") if isinstance(script, dict) else None
    return f"m = {entry_point}({_keywords(init)})"


def _steps(script: Value) -> list[str]:
    """Return the steps of a script, as in ``m.forward(x=[1., 2.])`` or ``m.running_mean``."""
    steps = []
    match script:
        case {"calls": list(calls)}:
            for call in calls:
                match call:
                    case [str(attribute), None]:
                        steps.append(f"m.{attribute}")
                    case [str(method), dict(given)]:
                        steps.append(f"m.{method}({_keywords(given)})")
    return steps


def _keywords(given: Value) -> str:
    if not isinstance(given, dict):
        return ""
    return ", ".join(f"{name}={_inline(value)}" for name, value in given.items())


def _results(steps: list[str], value: Value) -> str:
    if not steps or not isinstance(value, list) or len(value) != len(steps):
        return show(value)
    pairs = zip(steps, value, strict=True)
    return _bounded("\n".join(f"{step.partition('(')[0]} → {show(item)}" for step, item in pairs))


def _inline(value: Value) -> str:
    """Return a value on one line; what an array is of stands nowhere else, so it is left out."""
    if not isinstance(value, np.ndarray):
        return show(value)
    body = np.array2string(_printable(value), precision=8, threshold=60, separator=", ")
    return _bounded(" ".join(body.split()))


# --- Values ---------------------------------------------------------------------------------


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
