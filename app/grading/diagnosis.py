"""Why an array is wrong: the likeliest explanations of how a result differs from the expected one.

For sample cases only, since what is said depends on expected values.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from app.grading.arrangements import arrangements, shapes
from app.grading.factors import factors, functions
from app.grading.nearness import is_real, near
from app.grading.whereabouts import whereabouts
from app.kit.i18n import message

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from app.grading.values import Value
    from app.kit.i18n import Message

    Array = NDArray[Any]

MOST = 2
_LARGEST = 20_000  # elements that are looked at
_FORMS = (list, tuple, dict, str, type(None))
_MOST_PARTS = 8  # each is compared with each
_SINGLE_PRECISION_DIGITS = 7


def diagnose(expected: Value, got: Value) -> tuple[Message, ...]:
    """Return what may have led from `expected` to `got`, which a checker found to differ.

    At most two explanations, the likeliest first; none if nothing fits. Of large arrays a
    window around the first difference is looked at.
    """
    one, other = _as_array(expected), _as_array(got)
    if one is None or other is None or not _same_form(expected, got):
        return tuple(islice(_forms(expected, got), MOST))
    if one.dtype.kind != other.dtype.kind:
        return tuple(islice(_kinds(one, other), MOST))
    if one.shape != other.shape:
        return tuple(islice(shapes(one, other), 1))
    if not one.size:
        return ()
    return _values(*_window(one, other))


def diagnose_parts(expected: Sequence[Value], got: Sequence[Value]) -> tuple[Message, ...]:
    """Return whether the parts of a result are right but in another order."""
    if len(expected) != len(got) or len(expected) > _MOST_PARTS:
        return ()
    order = [next((i for i, one in enumerate(expected) if _alike(one, part)), -1) for part in got]
    if sorted(order) == list(range(len(order))) and order != sorted(order):
        return (
            message(
                "The parts are right but in another order: yours are the expected parts {order}.",
                order=", ".join(map(str, order)),
            ),
        )
    return ()


# --- Values ---------------------------------------------------------------------------------


def _values(expected: Array, got: Array) -> tuple[Message, ...]:
    if near(expected, got):
        return tuple(_precision(got))
    families = [arrangements(expected, got)]
    if is_real(expected) and is_real(got):
        families += [factors(expected, got), functions(expected, got)]
    elif expected.dtype.kind == "b":
        families.insert(0, _inverted(expected, got))
    elif expected.dtype.kind == "c":
        families.append(_conjugated(expected, got))
    complete = [text for family in families for text in islice(family, 1)]
    return tuple(complete[:MOST]) or tuple(islice(whereabouts(expected, got), MOST))


def _precision(got: Array) -> Iterator[Message]:
    if got.dtype.kind in "fc":
        yield message(
            "The values agree to about {digits} digits: computed in single precision (float32), "
            "or with cancellation?",
            digits=_SINGLE_PRECISION_DIGITS,
        )


def _inverted(expected: Array, got: Array) -> Iterator[Message]:
    if near(expected, ~got):
        yield message("Every truth value is the wrong way round.")


def _conjugated(expected: Array, got: Array) -> Iterator[Message]:
    if near(expected, np.conj(got)):
        yield message("Every value is the complex conjugate of the expected one.")
    elif near(expected, -got):
        yield message("Every value has the wrong sign.")


def _window(expected: Array, got: Array) -> tuple[Array, Array]:
    """Return a part of both arrays that holds their first difference and is not too large."""
    shape = list(expected.shape)
    while np.prod(shape, dtype=np.float64) > _LARGEST:
        longest = int(np.argmax(shape))
        shape[longest] = -(-shape[longest] // 2)
    if tuple(shape) == expected.shape:
        return expected, got
    first = np.unravel_index(int(np.argmax(expected != got)), expected.shape)
    starts = [
        min(int(index), length - size)
        for index, length, size in zip(first, expected.shape, shape, strict=True)
    ]
    part = tuple(slice(start, start + size) for start, size in zip(starts, shape, strict=True))
    return expected[part], got[part]


# --- Types ----------------------------------------------------------------------------------


def _as_array(value: Value) -> Array | None:
    """Return arrays, numbers and flat lists of numbers as arrays with at least one axis."""
    if isinstance(value, (np.ndarray, np.generic)):
        return np.atleast_1d(np.asarray(value))
    if isinstance(value, (bool, float, complex)) or (
        isinstance(value, int) and value.bit_length() < 64  # noqa: PLR2004  what an int64 holds
    ):
        return np.array([value])
    if isinstance(value, (list, tuple)):
        return _from_items(value)
    return None


def _from_items(items: Sequence[Value]) -> Array | None:
    kinds = {type(item) for item in items}
    if len(kinds) != 1 or not 0 < len(items) <= _LARGEST:
        return None
    if kinds <= {int, float, bool, complex}:
        array = np.array(items)
        return array if array.dtype.kind in "bifc" else None
    if kinds <= {list, tuple} and len(items) * len(items[0]) <= _LARGEST:  # type: ignore[arg-type]
        rows = [_from_items(item) for item in items]  # type: ignore[arg-type]
        shapes_and_kinds = {
            (row.shape, row.dtype.kind) if row is not None else None for row in rows
        }
        return (
            np.array(rows) if len(shapes_and_kinds) == 1 and None not in shapes_and_kinds else None
        )
    return None


def _same_form(expected: Value, got: Value) -> bool:
    return _form(expected) == _form(got)


def _form(value: Value) -> str:
    """Return what kind of container a value is, numbers and arrays without axes being none."""
    if isinstance(value, np.ndarray) and value.ndim:
        return "array"
    return type(value).__name__ if isinstance(value, _FORMS) else "number"


def _forms(expected: Value, got: Value) -> Iterator[Message]:
    form = _form(expected)
    if got is None:
        yield message("Nothing was returned: is a return statement missing?")
    elif isinstance(got, (list, tuple)) and (part := _part_like(expected, got)) is not None:
        yield message(
            "Your part {index} is what was asked for: return it alone, not a {type}.",
            index=part,
            type=type(got).__name__,
        )
    elif form == "array" and isinstance(got, (list, tuple)):
        yield message("A {type} is no array: return np.array(…) of it.", type=type(got).__name__)
    elif form == "array" and _form(got) == "number":
        yield message(
            "A single number was returned: was everything summed or averaged, without axis?"
        )
    elif form == "number" and isinstance(got, np.ndarray):
        yield message("An array was returned where a single number was asked for.")
    elif form in {"list", "tuple"} and _form(got) in {"list", "tuple", "array"} - {form}:
        yield message("Return a {type}, not a {other}.", type=form, other=type(got).__name__)


def _part_like(expected: Value, parts: Sequence[Value]) -> int | None:
    if isinstance(expected, (list, tuple)):
        return None
    some = enumerate(parts[:_MOST_PARTS])  # a hostile program may return any number
    return next((i for i, part in some if _alike(expected, part)), None)


def _alike(expected: Value, got: Value) -> bool:
    """Return whether an array or a number answers another one, as far as a diagnosis goes."""
    if isinstance(expected, (list, tuple, dict)) or _form(expected) != _form(got):
        return False
    one, other = _as_array(expected), _as_array(got)
    if one is None or other is None or one.shape != other.shape:
        return False
    return one.dtype.kind == other.dtype.kind and near(
        one.ravel()[:_LARGEST], other.ravel()[:_LARGEST]
    )


def _kinds(expected: Array, got: Array) -> Iterator[Message]:
    kinds = (expected.dtype.kind, got.dtype.kind)
    if "U" in kinds:
        return
    if kinds[1] == "c":
        if not got.imag.any():
            yield message("Your values are complex without an imaginary part: take .real.")
        return
    if near(expected, got):
        yield message(
            "The values are right, only their type is not: convert it with .astype({dtype}).",
            dtype=str(expected.dtype),
        )
    elif kinds[0] == "f" and kinds[1] in "iu":
        yield message(
            "Integers where real numbers were asked for: integer division, or an integer array as "
            "target? Convert the input to float first."
        )
    elif kinds[0] in "iu" and kinds[1] == "f":
        yield message("Real numbers where integers were asked for: use // or round them.")
