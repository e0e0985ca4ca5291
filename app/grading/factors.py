"""Right values but for arithmetic: a factor, an offset, a power, a logarithm, a rounding."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from app.grading.nearness import (
    LOOSE,
    TIGHT,
    as_floats,
    is_constant,
    near,
    number,
    typical_size,
)
from app.kit.i18n import message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from app.kit.i18n import Message

    Array = NDArray[Any]

_FACTOR_NEEDS = 3  # values that a factor or an offset must explain, unless it is a known one
_LINE_NEEDS = 5
_POWER_NEEDS = 5
_MOST_AXES = 5
_LARGEST_COUNT = 10_000  # of values in a sum that was taken for a mean
_LARGEST_SAMPLE = 1_000  # a sample's size that N/(N-1) tells
_VISIBLE = 1e-3  # relative; less may come of an eps or of rounding
_SURE = 1e-8  # any number is near some root or quotient of integers: these must fit far better


def factors(expected: Array, got: Array) -> Iterator[Message]:
    """Yield by which factor or offset `got` is off; both are real and of one shape."""
    if not (np.isfinite(expected).all() and np.isfinite(got).all()):
        return
    one, other = as_floats(expected), as_floats(got)
    if not (one.any() and other.any()):
        return
    with np.errstate(all="ignore"):
        yield from _one_factor(one, other)
        yield from _one_offset(one, other, whole=expected.dtype.kind in "iu")
        yield from _line(one, other)
        yield from _per_slice(one, other)


def functions(expected: Array, got: Array) -> Iterator[Message]:
    """Yield which function of the expected values `got` is; of one shape, not complex."""
    one, other = as_floats(expected), as_floats(got)
    if other.size > 1 and is_constant(other):
        return
    with np.errstate(all="ignore"):
        for function, text in _FUNCTIONS:
            result = function(one)
            # Many functions leave some values as they are.
            if near(result, other) and not near(one, result, _VISIBLE):
                yield text
        yield from _running_sum(one, other)
        yield from _power(one, other)


# --- One number for the whole array ---------------------------------------------------------


def _one_factor(expected: Array, got: Array) -> Iterator[Message]:
    factor = _slope(expected, got)
    for tolerance in (TIGHT, LOOSE):
        if _is_factor(factor, tolerance) and near(expected, got / factor, tolerance):
            enough = np.count_nonzero(expected) >= _FACTOR_NEEDS and not is_constant(expected)
            yield from _named(factor, expected.shape, guess=bool(enough))
            break


def _is_factor(factor: float, tolerance: float) -> bool:
    return math.isfinite(factor) and factor != 0 and abs(factor - 1) > 10 * tolerance


def _slope(x: Array, y: Array) -> float:
    """Return the factor that leads from `x` to `y` best, neither overflowing nor vanishing."""
    wide, high = np.abs(x).max(), np.abs(y).max()
    return float((x / wide * (y / high)).sum() / np.square(x / wide).sum() * (high / wide))


def _one_offset(expected: Array, got: Array, *, whole: bool) -> Iterator[Message]:
    offset = float(np.median(got - expected))
    if not _is_offset(offset, expected) or not near(expected, got - offset):
        return
    if whole and abs(offset) == 1:
        yield message(
            "Every value is off by {offset}: does counting begin at 0 or at 1?",
            offset=f"{offset:+.0f}",
        )
    elif expected.size >= _FACTOR_NEEDS:
        yield message(
            "Every value is off by the same {offset}: is a term (a bias) missing or added twice?",
            offset=f"{offset:+.6g}",
        )


def _is_offset(offset: float, expected: Array) -> bool:
    return math.isfinite(offset) and abs(offset) > LOOSE * typical_size(expected)


def _line(expected: Array, got: Array) -> Iterator[Message]:
    if expected.size < _LINE_NEEDS or is_constant(expected):
        return
    x, y = expected - expected.mean(), got - got.mean()
    if not y.any():
        return
    slope = _slope(x, y)
    if _is_factor(slope, TIGHT) and near(x, y / slope):
        offset = float(got.mean() - slope * expected.mean())
        yield message(
            "Your values are {factor} × the expected ones {offset}: is a scaling or a centring "
            "missing?",
            factor=number(slope),
            offset=f"{offset:+.6g}",
        )


# --- One number for each slice --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Slicing:
    """A number for each index of the axes `kept`, the same along all the others (`along`)."""

    kept: tuple[int, ...]
    along: tuple[int, ...]

    @property
    def names(self) -> str:
        return ", ".join(map(str, self.kept))

    def spare(self, shape: Sequence[int]) -> int:
        """Return how many values there are beyond one for each slice."""
        return math.prod(shape) - math.prod(shape[axis] for axis in self.kept)


def _slicings(ndim: int) -> Iterator[_Slicing]:
    """Yield all axes alone, then all axes but one."""
    axes = range(ndim)
    if not 1 < ndim <= _MOST_AXES:
        return
    for axis in axes:
        yield _Slicing((axis,), tuple(a for a in axes if a != axis))
    if ndim > 2:  # noqa: PLR2004  of two axes these are the same
        for axis in axes:
            yield _Slicing(tuple(a for a in axes if a != axis), (axis,))


def _per_slice(expected: Array, got: Array) -> Iterator[Message]:
    for slicing in _slicings(expected.ndim):
        if slicing.spare(expected.shape) >= _FACTOR_NEEDS:
            yield from _factor_per_slice(expected, got, slicing)
            yield from _offset_per_slice(expected, got, slicing)
            yield from _factor_beside_offsets(expected, got, slicing)


def _factor_per_slice(expected: Array, got: Array, slicing: _Slicing) -> Iterator[Message]:
    across = np.square(expected).sum(slicing.along, keepdims=True)
    by = (expected * got).sum(slicing.along, keepdims=True) / np.where(across, across, 1)
    spare = np.count_nonzero(expected) - np.count_nonzero(across)
    visible = np.abs(by - 1).max() > _VISIBLE
    if spare >= _FACTOR_NEEDS and by.all() and visible and near(expected * by, got):
        yield message(
            "Along axis {axes}, each slice has a factor of its own, from {low} to {high}: is a "
            "scaling or a normalisation per slice missing?",
            axes=slicing.names,
            low=number(float(by.min())),
            high=number(float(by.max())),
        )


def _offset_per_slice(expected: Array, got: Array, slicing: _Slicing) -> Iterator[Message]:
    by = (got - expected).mean(slicing.along, keepdims=True)
    if np.abs(by).max() > _VISIBLE * typical_size(expected) and near(expected + by, got):
        yield message(
            "Along axis {axes}, each slice has an offset of its own, from {low} to {high}: is a "
            "bias or a centring per slice missing?",
            axes=slicing.names,
            low=number(float(by.min())),
            high=number(float(by.max())),
        )


def _factor_beside_offsets(expected: Array, got: Array, slicing: _Slicing) -> Iterator[Message]:
    """Find a wrong variance: it scales what is shifted later, so the offsets are many."""
    x, y = (one - one.mean(slicing.along, keepdims=True) for one in (expected, got))
    if not (x.any() and y.any()):
        return
    slope = _slope(x, y)
    if not _is_factor(slope, LOOSE) or not near(x, y / slope, LOOSE):
        return
    sample = _sample_size(slope, _counts(expected.shape), LOOSE)
    if sample is not None and sample > 2:  # noqa: PLR2004  of two values it is just a half
        yield _about_ddof(slope, sample)
    elif slicing.spare(expected.shape) >= _LINE_NEEDS:
        yield message(
            "Apart from an offset for each slice along axis {axes}, every value is {factor} times "
            "the expected one.",
            axes=slicing.names,
            factor=number(slope),
        )


# --- What a factor suggests -----------------------------------------------------------------


def _named(factor: float, shape: tuple[int, ...], *, guess: bool) -> Iterator[Message]:
    """Yield what `factor` is known for; with `guess` also rarer causes, or its bare value."""
    known = next((text for value, text in _KNOWN if _is(factor, value, LOOSE)), None)
    sample = _sample_size(factor, _counts(shape), LOOSE)
    if known:
        yield known
    elif guess:
        yield _guess(factor) if sample is None else _about_ddof(factor, sample)


def _guess(factor: float) -> Message:
    size = max(abs(factor), 1 / abs(factor))
    if _is_whole(size) and size <= _LARGEST_COUNT:
        return message(
            "Every value is {factor} times the expected one: a sum where a mean over {count} "
            "values was asked for, or the other way round?",
            factor=number(factor),
            count=round(size),
        )
    if _is_whole(size * size) and size * size <= _LARGEST_COUNT:
        return message(
            "Every value is {factor} times the expected one, which is √{count} or its inverse: "
            "is a scaling by a root missing or superfluous?",
            factor=number(factor),
            count=round(size * size),
        )
    sample = _sample_size(factor, range(3, _LARGEST_SAMPLE), _SURE)
    if sample is not None:
        return _about_ddof(factor, sample)
    return message(
        "Every value is {factor} times the expected one: is a constant factor missing or wrong?",
        factor=number(factor),
    )


def _sample_size(factor: float, counts: Sequence[int], tolerance: float) -> int | None:
    """Return the N of which `factor` is N/(N-1), its inverse, or the root of one of them."""
    if factor <= 0:
        return None
    size = max(factor, 1 / factor)
    fitting = (
        n
        for n in counts
        if _is(size, n / (n - 1), tolerance) or _is(size, math.sqrt(n / (n - 1)), tolerance)
    )
    return next(fitting, None)


def _counts(shape: tuple[int, ...]) -> list[int]:
    """Return over how many values a result of this shape may have been averaged."""
    every_other = (math.prod(shape) // length for length in shape if length)
    return [n for n in dict.fromkeys([*shape, math.prod(shape), *every_other]) if n > 1]


def _about_ddof(factor: float, sample: int) -> Message:
    return message(
        "Apart from offsets, every value is {factor} times the expected one, as if N and N − 1 "
        "were mixed up in a variance of N = {sample} values: check ddof.",
        factor=number(factor),
        sample=sample,
    )


def _is(factor: float, value: float, tolerance: float) -> bool:
    return math.isclose(factor, value, rel_tol=tolerance)


def _is_whole(size: float) -> bool:
    return size > 1 + _SURE and abs(size - round(size)) <= _SURE * size


_KNOWN: tuple[tuple[float, Message], ...] = (
    (-1, message("Every value has the wrong sign.")),
    (2, message("Every value is twice the expected one: is a factor ½ missing?")),
    (0.5, message("Every value is half the expected one: is a factor 2 missing?")),
    (
        math.log(2),
        message("Every value is ln 2 times the expected one: wrong base of the logarithm?"),
    ),
    (
        1 / math.log(2),
        message("Every value is 1/ln 2 times the expected one: wrong base of the logarithm?"),
    ),
    (
        math.log(10),
        message("Every value is ln 10 times the expected one: wrong base of the logarithm?"),
    ),
    (
        1 / math.log(10),
        message("Every value is 1/ln 10 times the expected one: wrong base of the logarithm?"),
    ),
    (255, message("Every value is 255 times the expected one: are pixels to be divided by 255?")),
    (
        1 / 255,
        message("Every value is 1/255 of the expected one: were pixels divided without need?"),
    ),
    (180 / math.pi, message("Every value is 180/π times the expected one: degrees for radians?")),
    (math.pi / 180, message("Every value is π/180 times the expected one: radians for degrees?")),
)


# --- Functions of the expected values -------------------------------------------------------


_FUNCTIONS: tuple[tuple[Callable[[Array], Array], Message], ...] = (
    (np.square, message("Every value is the square of the expected one: is a root missing?")),
    (np.sqrt, message("Every value is the root of the expected one: is a root superfluous?")),
    (np.reciprocal, message("Every value is 1 divided by the expected one.")),
    (
        np.log,
        message("Every value is the logarithm of the expected one: was the exponential asked for?"),
    ),
    (
        np.exp,
        message("Every value is the exponential of the expected one: is a logarithm missing?"),
    ),
    (lambda x: 1 - x, message("Every value is 1 minus the expected one.")),
    (np.abs, message("Every value is the expected one without its sign.")),
    (
        lambda x: np.maximum(x, 0),
        message("Negative values were replaced by zero."),
    ),
    (
        np.floor,
        message("The values are rounded down: integer division, or an integer array as target?"),
    ),
    (
        np.trunc,
        message("The decimals are cut off: was the result stored in an integer array?"),
    ),
    (np.rint, message("The values are rounded to integers.")),
    (
        lambda x: np.mod(np.trunc(x), 256),
        message("The values wrapped around at 256: compute in a wider type than uint8."),
    ),
    (
        lambda x: np.clip(x, 0, 255),
        message("The values are limited to 0…255."),
    ),
)


def _running_sum(expected: Array, got: Array) -> Iterator[Message]:
    for axis, length in enumerate(expected.shape):
        if length > 1 and near(np.cumsum(expected, axis), got):
            yield message("Every value is the running sum along axis {axis}.", axis=axis)


def _power(expected: Array, got: Array) -> Iterator[Message]:
    """Find that `got` is proportional to a power of the expected values."""
    used = (expected != 0) & np.isfinite(expected) & np.isfinite(got) & (got != 0)
    if np.count_nonzero(used) < _POWER_NEEDS or not used.all():
        return
    x, y = np.log(np.abs(expected)), np.log(np.abs(got))
    if is_constant(x):
        return
    for power, text in _POWERS:
        if near(power * (x - x.mean()), y - y.mean()):
            yield text


_POWERS: tuple[tuple[float, Message], ...] = (
    (2.0, message("The values are proportional to the squares of the expected ones: forgot √?")),
    (
        0.5,
        message("The values are proportional to the roots of the expected ones: one √ too many?"),
    ),
    (-1.0, message("The values are inversely proportional to the expected ones.")),
)
