"""Decides whether a returned value answers a test case: on the trusted side, on plain data."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from app.grading.diagnosis import diagnose, diagnose_parts
from app.kit.i18n import message
from app.questions.schema import CloseChecker, PropertyChecker, SameSetChecker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from app.grading.values import Value
    from app.kit.i18n import Message
    from app.questions.schema import Checker

    Array = NDArray[Any]

_LONGEST = 80  # characters of a value quoted in a reason
# Items of a set are counted one by one, which a million that nobody expects are not worth.
_MOST_EXTRA = 1000


@dataclass(frozen=True, slots=True)
class CheckReport:
    """Whether a value was accepted; if not, why, and whether its type already was wrong.

    The values inside `reason` are plain texts and numbers. They quote expected values, so
    a reason is for sample cases only. `differing` are the innermost parts that differ, first
    the expected one.
    """

    ok: bool
    reason: Message | None = None
    wrong_type: bool = False
    differing: tuple[Value, Value] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class _Rule:
    """How far numbers may be apart, and whether arrays need the very same dtype."""

    rtol: float
    atol: float
    same_dtype: bool


_ACCEPTED = CheckReport(ok=True)
_EXACT = _Rule(0.0, 0.0, same_dtype=True)


def check(spec: Checker, expected: Value, got: Value) -> CheckReport:
    """Compare `got` with `expected` as `spec` says.

    Types must be those of `expected`: an array, list, tuple or dict is not another one, and
    numbers do not change their kind (bool, int, float, complex). A Python number, a numpy
    scalar and an array without dimensions are the same thing. Nothing is broadcast, NaN
    answers only NaN, an infinity only the one of its sign.
    """
    if isinstance(spec, CloseChecker):
        return _compare(expected, got, "result", _Rule(spec.rtol, spec.atol, same_dtype=False))
    if isinstance(spec, SameSetChecker):
        return _same_set(expected, got)
    return _compare(expected, got, "result", _EXACT)


def explain(spec: Checker, expected: Value, got: Value) -> tuple[Message, ...]:
    """Return what may have led to a wrong `got`: two likely causes at most, the likeliest first.

    Costly and telling, so for sample cases only.
    """
    if isinstance(spec, PropertyChecker):  # its author's code says why
        return ()
    report = check(spec, expected, got)
    if report.differing is None:
        return ()
    return _explain_parts(expected, got) or diagnose(*report.differing)


def _explain_parts(expected: Value, got: Value) -> tuple[Message, ...]:
    if isinstance(expected, tuple) and isinstance(got, tuple):
        return diagnose_parts(expected, got)
    if isinstance(expected, dict) and isinstance(got, dict) and expected.keys() == got.keys():
        return diagnose_parts(list(expected.values()), [got[key] for key in expected])
    return ()


def _compare(expected: Value, got: Value, where: str, rule: _Rule) -> CheckReport:
    expected, got = plain(expected), plain(got)
    if type(expected) is not type(got):
        return _wrong_type(expected, got, where)
    if isinstance(expected, np.ndarray):
        return _compare_arrays(expected, cast("Array", got), where, rule)
    if isinstance(expected, (list, tuple)):
        return _compare_items(expected, cast("Sequence[Value]", got), where, rule)
    if isinstance(expected, dict):
        return _compare_dicts(expected, cast("dict[str | int, Value]", got), where, rule)
    if _same_scalar(expected, got, rule):
        return _ACCEPTED
    return _different(expected, got, where)


def plain(value: Value) -> Value:
    """Return numpy scalars and arrays without dimensions as the Python number that they are."""
    if type(value) is np.ndarray and value.ndim == 0:
        value = value[()]
    if not isinstance(value, np.generic):
        return value
    # An extended-precision number has no Python equal: its item() is itself.
    convert = {"f": float, "c": complex}.get(value.dtype.kind)
    return convert(cast("Any", value)) if convert else cast("Value", value.item())


# --- Containers -----------------------------------------------------------------------------


def _compare_items(
    expected: Sequence[Value], got: Sequence[Value], where: str, rule: _Rule
) -> CheckReport:
    if len(expected) != len(got):
        return _different(cast("Value", expected), cast("Value", got), where)
    for index, (one, other) in enumerate(zip(expected, got, strict=True)):
        report = _compare(one, other, f"{where}[{index}]", rule)
        if not report.ok:
            return _as_a_whole(expected, got, report)
    return _ACCEPTED


def _as_a_whole(
    expected: Sequence[Value], got: Sequence[Value], report: CheckReport
) -> CheckReport:
    """Let a list of numbers differ as an array does: one number alone explains nothing."""
    part = report.differing[0] if report.differing else None
    if isinstance(expected, list) and isinstance(part, (bool, int, float, complex, list)):
        return replace(report, differing=(expected, cast("Value", got)))
    return report


def _compare_dicts(
    expected: dict[str | int, Value], got: dict[str | int, Value], where: str, rule: _Rule
) -> CheckReport:
    if expected.keys() != got.keys():
        keys, others = (_short(list(one)) for one in (expected, got))
        text = message(
            "{where}: expected the keys {expected}, got {got}.",
            where=where,
            expected=keys,
            got=others,
        )
        return CheckReport(ok=False, reason=text)
    for key, value in expected.items():
        report = _compare(value, got[key], f"{where}[{key!r}]", rule)
        if not report.ok:
            return report
    return _ACCEPTED


def _same_set(expected: Value, got: Value) -> CheckReport:
    """Compare the items of a list, tuple or array (along its first axis) in any order."""
    expected, got = plain(expected), plain(got)
    if type(expected) is not type(got):
        return _wrong_type(expected, got, "result")
    if isinstance(expected, np.ndarray):
        if _other_dtype(expected, cast("Array", got), _EXACT):
            return _wrong_type(expected, got, "result")
    elif not isinstance(expected, (list, tuple)):
        return _compare(expected, got, "result", _EXACT)
    if _item_shape(expected) != _item_shape(got) or _size(got) > _size(expected) + _MOST_EXTRA:
        return _different(expected, got, "result")
    wanted, given = (
        Counter(_key(item) for item in cast("Sequence[Value]", one)) for one in (expected, got)
    )
    if wanted == given:
        return _ACCEPTED
    text = message(
        "result: {missing} of {total} expected items are missing, {extra} are not expected.",
        missing=(wanted - given).total(),
        total=wanted.total(),
        extra=(given - wanted).total(),
    )
    return CheckReport(ok=False, reason=text, differing=_in_order(expected, got))


def _item_shape(value: Value) -> tuple[int, ...]:
    return value.shape[1:] if isinstance(value, np.ndarray) else ()


def _size(value: Value) -> int:
    """Return how many items and characters there are: as many in all values that are equal."""
    value = plain(value)
    if isinstance(value, np.ndarray):
        text = value.dtype.kind == "U"
        return value.size + (int(np.char.str_len(value).sum()) if text else 0)
    if isinstance(value, dict):
        return sum(_size(key) + _size(item) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return len(value) + sum(map(_size, value))
    return len(value) + 1 if isinstance(value, str) else 1


def _in_order(expected: Value, got: Value) -> tuple[Value, Value]:
    """Return flat sets of numbers sorted, so that what is wrong with them is not their order."""
    if isinstance(expected, np.ndarray) and expected.ndim == 1:
        return np.sort(expected), np.sort(cast("Array", got))
    return expected, got


def _key(value: Value) -> str:
    """Return a text that is equal for exactly those values that `exact` calls equal.

    A text, because Python salts the hashes of texts only. Those of numbers, and of tuples of them,
    can be made to collide, and then a set of them takes time in proportion to its square.
    """
    value = plain(value)
    if isinstance(value, np.ndarray):
        dtype = value.dtype.kind if value.dtype.kind == "U" else value.dtype.newbyteorder("=").str
        items = ",".join(map(_key, value.ravel().tolist()))
        return f"{dtype}{value.shape}[{items}]"
    if isinstance(value, dict):
        return f"{{{','.join(sorted(f'{_key(key)}:{_key(item)}' for key, item in value.items()))}}}"
    if isinstance(value, (list, tuple)):
        return f"{type(value).__name__}({','.join(map(_key, value))})"
    if type(value) is int:
        return f"{value:#x}"  # many decimal digits would be dear to compute
    if isinstance(value, (float, complex)):
        # One zero for both signs, and one NaN.
        return f"{type(value).__name__}({value.real + 0.0!r},{value.imag + 0.0!r})"
    return repr(value)


# --- Numbers --------------------------------------------------------------------------------


def _same_scalar(expected: object, got: object, rule: _Rule) -> bool:
    if type(expected) is int:
        # Exact arithmetic: these have any number of digits.
        far = abs(cast("int", got) - expected)
        return far <= Fraction(rule.atol) + Fraction(rule.rtol) * abs(expected)
    if isinstance(expected, (float, complex)):
        return bool(_close_floats(np.asarray(expected), np.asarray(got), rule))
    return expected == got


def _compare_arrays(expected: Array, got: Array, where: str, rule: _Rule) -> CheckReport:
    if _other_dtype(expected, got, rule):
        return _wrong_type(expected, got, where)
    if expected.shape != got.shape:
        return _different(expected, got, where)
    good = _same_values(expected, got, rule)
    if good.all():
        return _ACCEPTED
    reason = _first_difference(expected, got, ~good, where)
    return CheckReport(ok=False, reason=reason, differing=(expected, got))


def _other_dtype(expected: Array, got: Array, rule: _Rule) -> bool:
    kind = expected.dtype.kind
    if rule.same_dtype and kind != "U":  # the length of the longest text is no type
        return bool(expected.dtype.newbyteorder("=") != got.dtype.newbyteorder("="))
    return bool(kind != got.dtype.kind)


def _same_values(expected: Array, got: Array, rule: _Rule) -> NDArray[np.bool_]:
    """Return where two arrays of the same kind and shape agree."""
    if expected.dtype.kind in "fc":
        return _close_floats(expected, got, rule)
    same = np.asarray(expected == got)
    return same | _close_integers(expected, got, rule) if expected.dtype.kind in "iu" else same


def _close_floats(expected: Array, got: Array, rule: _Rule) -> NDArray[np.bool_]:
    """Return where ``|got - expected| <= atol + rtol * |expected|``, at least in double precision.

    What is not finite must be the same.
    """
    precision = np.result_type(expected, got, np.float64)
    expected, got = expected.astype(precision), got.astype(precision)
    with np.errstate(all="ignore"):
        far = np.abs(got - expected)
        allowed = rule.atol + rule.rtol * np.abs(expected)
        near = far <= allowed
    # The absolute value of a finite complex number may be infinite, and allow everything.
    finite = np.isfinite(expected) & np.isfinite(got) & np.isfinite(far) & np.isfinite(allowed)
    same = _same_parts(expected.real, got.real) & _same_parts(expected.imag, got.imag)
    return np.asarray(same | (finite & near))


def _same_parts(expected: Array, got: Array) -> NDArray[np.bool_]:
    return np.asarray((expected == got) | (np.isnan(expected) & np.isnan(got)))


def _close_integers(expected: Array, got: Array, rule: _Rule) -> NDArray[np.bool_]:
    """Return where integers are within a tolerance, their distance taken without overflow."""
    widest = np.int64 if expected.dtype.kind == "i" else np.uint64
    one, other = expected.astype(widest), got.astype(widest)
    # Unsigned subtraction wraps around, which is right for any two 64-bit integers.
    far = np.maximum(one, other).astype(np.uint64) - np.minimum(one, other).astype(np.uint64)
    allowed = rule.atol + rule.rtol * np.abs(expected.astype(np.float64))
    return np.asarray(far.astype(np.float64) <= allowed)


# --- Reasons --------------------------------------------------------------------------------


def _wrong_type(expected: Value, got: Value, where: str) -> CheckReport:
    return replace(_different(expected, got, where), wrong_type=True)


def _different(expected: Value, got: Value, where: str) -> CheckReport:
    reason = _expected(expected, got, where)
    return CheckReport(ok=False, reason=reason, differing=(expected, got))


def _expected(expected: object, got: object, where: str) -> Message:
    return message(
        "{where}: expected {expected}, got {got}.",
        where=where,
        expected=_describe(expected),
        got=_describe(got),
    )


def _first_difference(expected: Array, got: Array, bad: NDArray[np.bool_], where: str) -> Message:
    index = tuple(int(axis) for axis in np.argwhere(bad)[0])
    values = {
        "where": f"{where}[{', '.join(map(str, index))}]",
        "expected": _short(expected[index].item()),
        "got": _short(got[index].item()),
        "count": int(bad.sum()),
        "total": bad.size,
    }
    error = _largest_relative_error(expected[bad], got[bad])
    if error is None:
        return message(
            "{where}: expected {expected}, got {got}; {count} of {total} values differ.", **values
        )
    return message(
        "{where}: expected {expected}, got {got}; {count} of {total} values differ, "
        "the largest relative error is {error}.",
        **values,
        error=error,
    )


def _largest_relative_error(expected: Array, got: Array) -> str | None:
    """Return it for the finite pairs whose expected number is not zero, or None without any."""
    if expected.dtype.kind not in "iufc":
        return None
    precision = np.result_type(expected, got, np.float64)
    one, other = expected.astype(precision), got.astype(precision)
    usable = np.isfinite(one) & np.isfinite(other) & (one != 0)
    if not usable.any():
        return None
    with np.errstate(all="ignore"):
        errors = np.abs(other[usable] - one[usable]) / np.abs(one[usable])
    return f"{float(errors.max()):.3g}"


def _describe(value: object) -> str:
    """Return type, size or content of a value in a notation that needs no translation."""
    if isinstance(value, np.ndarray):
        return f"ndarray({value.dtype}, shape={value.shape})"
    if isinstance(value, (list, tuple, dict)):
        return f"{type(value).__name__}(len={len(value)})"
    return "None" if value is None else f"{type(value).__name__} {_short(value)}"


def _short(value: object) -> str:
    if isinstance(value, int) and value.bit_length() > 4 * _LONGEST:
        return f"{value:#x}"[:_LONGEST] + "…"  # its decimal digits would be dear to compute
    text = repr(value)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
