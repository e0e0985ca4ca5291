"""Right values in wrong places: transposed, reversed, shifted, permuted, wrongly shaped."""

from __future__ import annotations

import math
from itertools import pairwise, permutations
from typing import TYPE_CHECKING, Any

import numpy as np

from app.grading.nearness import near, where_near
from app.kit.i18n import message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from app.kit.i18n import Message

    Array = NDArray[Any]

_MOST_AXES = 4  # permutations of more would cost too much
_SHIFTS = (1, -1, 2, -2)
_FEWEST = 3  # different values that an overlap must have to say something
_CANDIDATES = 3  # shifts that are tried in full


def arrangements(expected: Array, got: Array) -> Iterator[Message]:
    """Yield how the values of `got` would have to be moved; the arrays have one shape.

    The likeliest comes first.
    """
    yield from _reversed(expected, got)
    if 1 < expected.ndim <= _MOST_AXES:
        yield from _transposed(expected, got)
    yield from _rolled(expected, got)
    yield from _shifted(expected, got)
    yield from _permuted(expected, got)


def shapes(expected: Array, got: Array) -> Iterator[Message]:
    """Yield what may have led to the shape of `got`, which is not that of `expected`."""
    if expected.size == got.size:
        yield from _same_size(expected, got)
    yield from _one_axis_less(expected, got)
    # How many labels or indexes there are says nothing about axes.
    if expected.ndim == got.ndim and (expected.ndim > 1 or expected.dtype.kind in "fc"):
        yield from _other_lengths(expected, got)


# --- One shape ------------------------------------------------------------------------------


def _reversed(expected: Array, got: Array) -> Iterator[Message]:
    for axis in _long_axes(expected):
        if near(expected, np.flip(got, axis)):
            yield message("The values are right but in reverse order along axis {axis}.", axis=axis)
    if expected.ndim > 1 and near(expected, np.flip(got)):
        yield message("The values are right but in reverse order along every axis.")


def _transposed(expected: Array, got: Array) -> Iterator[Message]:
    for order in permutations(range(expected.ndim)):
        moved = expected.transpose(order)
        if order == tuple(range(expected.ndim)):
            continue
        if near(got, moved):
            yield _axes_moved(order)
        elif moved.shape != got.shape and near(got, moved.reshape(got.shape)):
            yield message(
                "The values are right but in the order of an array with its axes swapped: "
                "reshape does not transpose."
            )


def _axes_moved(order: tuple[int, ...]) -> Message:
    if len(order) == 2:  # noqa: PLR2004  rows and columns
        return message("The result is transposed: rows and columns are swapped.")
    return message(
        "The axes are in another order: yours are the expected axes {order}.", order=str(order)
    )


def _rolled(expected: Array, got: Array) -> Iterator[Message]:
    for axis in _long_axes(expected):
        for shift in _likely_shifts(expected, got, axis):
            if near(expected, np.roll(got, -shift, axis)):
                length = expected.shape[axis]
                yield message(
                    "The values are right but shifted in a circle by {shift} along axis {axis}.",
                    shift=shift if 2 * shift <= length else shift - length,
                    axis=axis,
                )


def _likely_shifts(expected: Array, got: Array, axis: int) -> list[int]:
    """Return where along `axis` something begins like the expected array, without the start."""
    wanted, given = (
        np.moveaxis(one, axis, 0).reshape(one.shape[axis], -1)[:, :_FEWEST]
        for one in (expected, got)
    )
    alike = where_near(np.broadcast_to(wanted[0], given.shape), given).all(1)
    return [int(shift) for shift in np.flatnonzero(alike) if shift][:_CANDIDATES]


def _shifted(expected: Array, got: Array) -> Iterator[Message]:
    for axis in _long_axes(expected):
        for shift in _SHIFTS:
            wanted = _without(expected, axis, -shift)
            given = _without(got, axis, shift)
            if np.unique(wanted).size >= _FEWEST and near(wanted, given):
                yield message(
                    "Apart from the border, the values are shifted by {shift} along axis {axis}: "
                    "does an index begin or end too early?",
                    shift=shift,
                    axis=axis,
                )


def _without(array: Array, axis: int, count: int) -> Array:
    """Return `array` without its first `count` slices, or its last ones if that is negative."""
    kept = slice(count, None) if count > 0 else slice(None, count)
    return array[(slice(None),) * axis + (kept,)]


def _permuted(expected: Array, got: Array) -> Iterator[Message]:
    if expected.ndim > 1:
        for axis in _long_axes(expected):
            if near(_sorted_slices(expected, axis), _sorted_slices(got, axis)):
                yield message(
                    "The slices along axis {axis} are right but in another order.", axis=axis
                )
    if near(np.sort(expected, None), np.sort(got, None)):
        yield _sorted_or_mixed(expected, got)


def _sorted_or_mixed(expected: Array, got: Array) -> Message:
    if got.ndim == 1 and got.size >= _FEWEST:
        if near(np.sort(got), got):
            return message("The values are right but sorted, which they should not be.")
        if near(np.sort(expected), expected):
            return message("The values are right but not sorted.")
    return message("The values are right but in other places.")


def _sorted_slices(array: Array, axis: int) -> Array:
    rows = np.moveaxis(array, axis, 0).reshape(array.shape[axis], -1)
    return rows[np.lexsort(rows.T[::-1])]


def _long_axes(array: Array) -> list[int]:
    """Return the axes that have an order; of very many only the first."""
    axes = [axis for axis, length in enumerate(array.shape) if length > 1]
    return axes[:_MOST_AXES]


# --- Other shapes ---------------------------------------------------------------------------


def _same_size(expected: Array, got: Array) -> Iterator[Message]:
    wanted, given = (_proper_axes(one) for one in (expected, got))
    if wanted == given:
        yield _axes_of_length_one(expected, got)
    elif len(given) == 1:
        yield message("The result is flattened: reshape it to {shape}.", shape=str(expected.shape))
    elif sorted(expected.shape) == sorted(got.shape):
        yield from _swapped_axes(expected, got)
    elif near(expected.ravel(), got.ravel()):
        yield message(
            "The values are right: only reshape them to {shape}.", shape=str(expected.shape)
        )


def _proper_axes(array: Array) -> list[int]:
    return [length for length in array.shape if length != 1]


def _axes_of_length_one(expected: Array, got: Array) -> Message:
    if got.ndim > expected.ndim:
        return message(
            "Superfluous axes of length one: {count}. Is it keepdims=True, or a missing squeeze?",
            count=got.ndim - expected.ndim,
        )
    if got.ndim < expected.ndim:
        return message(
            "Missing axes of length one: {count}. Is keepdims=True or a new axis missing?",
            count=expected.ndim - got.ndim,
        )
    return message("The axes of length one are in other places.")


def _swapped_axes(expected: Array, got: Array) -> Iterator[Message]:
    if expected.ndim == 2:  # noqa: PLR2004  rows and columns
        if near(expected, got.T):
            yield message("The result is transposed: rows and columns are swapped.")
        else:
            yield message(
                "The shape is that of the transposed result, the values are others as well."
            )
    elif expected.ndim <= _MOST_AXES:
        fitting = (
            order
            for order in permutations(range(expected.ndim))
            if near(expected.transpose(order), got)
        )
        order = next(fitting, None)
        yield _axes_moved(order) if order else message("The axes are in another order.")


def _one_axis_less(expected: Array, got: Array) -> Iterator[Message]:
    if got.ndim == 0 or expected.size <= 1:
        return
    if got.shape == expected.shape[1:]:
        yield message(
            "The first axis, of length {length}, is missing: was only one item of the batch "
            "computed, or was the axis reduced?",
            length=expected.shape[0],
        )
    elif expected.shape == got.shape[1:]:
        yield message(
            "There is an axis of length {length} too many in front: it should have been reduced.",
            length=got.shape[0],
        )
    elif got.ndim < expected.ndim and (axis := _missing_axis(expected.shape, got.shape)):
        yield message("Axis {axis} is missing: was it reduced without need?", axis=axis)
    elif got.ndim > expected.ndim and (axis := _missing_axis(got.shape, expected.shape)):
        yield message("Axis {axis} is one too many: it should have been reduced.", axis=axis)


def _missing_axis(longer: tuple[int, ...], shorter: tuple[int, ...]) -> int | None:
    fitting = (a for a in range(len(longer)) if longer[:a] + longer[a + 1 :] == shorter)
    return next(fitting, None)


def _other_lengths(expected: Array, got: Array) -> Iterator[Message]:
    wrong = [a for a in range(expected.ndim) if expected.shape[a] != got.shape[a]]
    ratios = [got.shape[a] - expected.shape[a] for a in wrong]
    if all(got.shape[a] == 1 for a in wrong):
        yield message(
            "Only one slice is there along axis {axis}: was it reduced with keepdims=True?",
            axis=", ".join(map(str, wrong)),
        )
    elif len(wrong) == 1 and abs(ratios[0]) == 1:
        yield message(
            "Axis {axis} has {got} items instead of {expected}: off by one?",
            axis=wrong[0],
            got=got.shape[wrong[0]],
            expected=expected.shape[wrong[0]],
        )
    elif len(wrong) > 1 and all(one == two for one, two in pairwise(ratios)):
        yield message(
            "The axes {axes} are each {count} items too long or too short: padding or stride?",
            axes=", ".join(map(str, wrong)),
            count=abs(ratios[0]),
        )
    elif len(wrong) == 1 and expected.ndim == 1:
        yield message(
            "There are {got} items instead of {expected}: along the wrong axis?",
            got=got.size,
            expected=math.prod(expected.shape),
        )
