"""Where an array is wrong when nothing explains all of it: which rows, borders, kinds of number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from app.grading.nearness import TIGHT, as_floats, is_constant, is_real, near, number, where_near
from app.kit.i18n import message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from app.kit.i18n import Message

    Array = NDArray[Any]

_MATRIX = 2  # axes
_FEWEST = 3  # wrong values that a place is more than chance for
_SMALLEST_INTERIOR = 3  # items along each axis that has a border and something between
_ROUNDED = 5e-3  # relative errors below this smell of rounding, an eps, or single precision


def whereabouts(expected: Array, got: Array) -> Iterator[Message]:
    """Yield what the wrong values of `got` have in common; the arrays have one shape."""
    if got.dtype.kind in "fc":
        yield from _not_finite(expected, got)
    yield from _all_alike(expected, got)
    if (
        is_real(expected)
        and is_real(got)
        and np.isfinite(expected).all()
        and np.isfinite(got).all()
    ):
        yield from _standards(as_floats(expected), as_floats(got))
    yield from _places(expected, got)
    if expected.size >= _FEWEST and expected.dtype.kind in "fc" and near(expected, got, _ROUNDED):
        yield message(
            "All values agree in the first digits: look for a small constant (eps) in another "
            "place, or for rounding."
        )


# --- Kinds of number ------------------------------------------------------------------------


def _not_finite(expected: Array, got: Array) -> Iterator[Message]:
    sound = np.isfinite(as_floats(expected))
    nans = int(np.count_nonzero(np.isnan(got) & sound))
    infinities = int(np.count_nonzero(np.isinf(got) & sound))
    if nans:
        yield message(
            "{count} of {total} values are NaN: 0/0, ∞ − ∞, or a root or logarithm of a negative "
            "number?",
            count=nans,
            total=got.size,
        )
    if infinities:
        yield message(
            "{count} of {total} values are infinite: a division by zero, log 0, or an overflow of "
            "exp?",
            count=infinities,
            total=got.size,
        )


def _all_alike(expected: Array, got: Array) -> Iterator[Message]:
    if got.size < _MATRIX or is_constant(expected):
        return
    if got.dtype.kind != "U" and not got.any():
        yield message("All your values are zero: was the array never filled?")
    elif is_constant(got):
        yield message("All your values are the same.")
    else:
        yield from _alike_along(expected, got)


def _alike_along(expected: Array, got: Array) -> Iterator[Message]:
    for axis, length in enumerate(got.shape):
        long = got.ndim > 1 and length > 1
        if long and _repeats(got, axis) and not _repeats(expected, axis, _ROUNDED):
            yield message(
                "Your values are the same for every index of axis {axis}: were they averaged or "
                "broadcast along it?",
                axis=axis,
            )


def _repeats(array: Array, axis: int, tolerance: float = TIGHT) -> bool:
    return near(np.broadcast_to(np.take(array, [0], axis), array.shape), array, tolerance)


# --- Sums of one, means of zero -------------------------------------------------------------


def _standards(expected: Array, got: Array) -> Iterator[Message]:
    """Find an axis along which the expected values are normalised or centred, and yours not."""
    if (expected >= 0).all():
        yield from _sums(expected, got)
    elif expected.ndim > 1:
        yield from _means(expected, got)


def _sums(expected: Array, got: Array) -> Iterator[Message]:
    for axis in _axes_where(expected, 1.0):
        sums = got.sum(axis)
        if near(np.ones(sums.shape), sums):
            continue
        others = _axes_where(got, 1.0)
        if others:
            yield message(
                "The values should sum to one along axis {axis}; yours do along axis {other}.",
                axis=axis,
                other=others[0],
            )
        else:
            yield message(
                "The values should sum to one along axis {axis}; yours sum to {low} … {high}.",
                axis=axis,
                low=number(float(sums.min())),
                high=number(float(sums.max())),
            )


def _means(expected: Array, got: Array) -> Iterator[Message]:
    for axis in _axes_where(expected, 0.0):
        others = [other for other in _axes_where(got, 0.0) if other != axis]
        if others and axis not in _axes_where(got, 0.0):
            yield message(
                "The values should have mean zero along axis {axis}; yours have it along axis "
                "{other}.",
                axis=axis,
                other=others[0],
            )


def _axes_where(array: Array, total: float) -> list[int]:
    """Return the axes along which all values sum to `total`, but not each for itself."""
    with np.errstate(all="ignore"):
        size = np.abs(array).max()
        return [
            axis
            for axis, length in enumerate(array.shape)
            if length > 1 and (np.abs(array.sum(axis) - total) <= 1e-6 * max(size, total)).all()
        ]


# --- Places ---------------------------------------------------------------------------------


def _places(expected: Array, got: Array) -> Iterator[Message]:
    bad = ~where_near(expected, got)
    if bad.all() or np.count_nonzero(bad) < _FEWEST:
        return
    if got.dtype.kind != "U" and not got[bad].any():
        yield message("All wrong values are zero: were they never filled in?")
    yield from _one_slice(bad)
    yield from _from_some_index_on(bad)
    if bad.ndim >= _MATRIX:
        yield from _border(bad)
    if bad.ndim == _MATRIX:
        yield from _around_the_diagonal(bad)


def _one_slice(bad: NDArray[np.bool_]) -> Iterator[Message]:
    for axis, length in enumerate(bad.shape):
        indexes = np.flatnonzero(_over_others(bad, axis))
        if bad.ndim > 1 and length > 1 and len(indexes) == 1:
            yield message(
                "All wrong values are at index {index} of axis {axis}.",
                index=int(indexes[0]),
                axis=axis,
            )


def _from_some_index_on(bad: NDArray[np.bool_]) -> Iterator[Message]:
    for axis, length in enumerate(bad.shape):
        wrong = _over_others(bad, axis)
        first = int(np.argmax(wrong))
        rest = np.moveaxis(bad, axis, 0)[first:]
        if 0 < first < length - 1 and _mostly(rest) and wrong[first:].all():
            yield message(
                "Along axis {axis} all is right up to index {last}, and wrong from {first} on.",
                axis=axis,
                last=first - 1,
                first=first,
            )


def _over_others(bad: NDArray[np.bool_], axis: int) -> NDArray[np.bool_]:
    """Return for each index of `axis` whether anything there is wrong."""
    return np.asarray(np.moveaxis(bad, axis, 0).reshape(bad.shape[axis], -1).any(1))


def _mostly(bad: NDArray[np.bool_]) -> bool:
    return 2 * int(np.count_nonzero(bad)) > bad.size


def _border(bad: NDArray[np.bool_]) -> Iterator[Message]:
    inside = np.zeros(bad.shape, np.bool_)
    inside[..., 1:-1, 1:-1] = True
    wide = min(bad.shape[-2:]) >= _SMALLEST_INTERIOR
    if wide and not bad[inside].any() and _mostly(bad[~inside]):
        yield message("Only the border of the last two axes is wrong: check the padding.")


def _around_the_diagonal(bad: NDArray[np.bool_]) -> Iterator[Message]:
    if min(bad.shape) < _MATRIX:
        return
    rows, columns = np.nonzero(bad)
    if (rows == columns).all():
        yield message("Only the diagonal is wrong.")
    elif not np.diagonal(bad).any() and bad.sum() == bad.size - min(bad.shape):
        yield message("Only the diagonal is right.")
    elif (rows < columns).all():
        yield message("All wrong values are above the diagonal.")
    elif (rows > columns).all():
        yield message("All wrong values are below the diagonal.")
