"""Whether one array explains another: nearness relative to the numbers at hand, any dtype.

A diagnosis asks this of every hypothesis. It never decides a verdict; `checkers` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

# Rounding leaves about 1e-7 in single precision; an eps of 1e-5 moves factors by about as much.
TIGHT = 1e-6
LOOSE = 1e-4


def is_real(array: Array) -> bool:
    """Return whether `array` holds numbers that can be scaled: integers or floats."""
    return array.dtype.kind in "iuf"


def as_floats(array: Array) -> Array:
    """Return numbers in double precision (complex ones stay complex)."""
    with np.errstate(all="ignore"):
        return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)


def typical_size(array: Array) -> float:
    """Return the median size of the finite numbers that are not zero, or 0 without any."""
    sizes = np.abs(array[np.isfinite(array)])
    sizes = sizes[sizes > 0]
    return float(np.median(sizes)) if sizes.size else 0.0


def where_near(expected: Array, got: Array, tolerance: float = TIGHT) -> NDArray[np.bool_]:
    """Return where two arrays of one shape agree, relative to each number and to the typical one.

    NaN is near NaN, an infinity near the one of its sign; texts must be equal.
    """
    if "U" in {expected.dtype.kind, got.dtype.kind}:
        return np.asarray(expected == got) & np.ones(expected.shape, np.bool_)
    one, other = as_floats(expected), as_floats(got)
    with np.errstate(all="ignore"):
        far = np.abs(other - one)
        near = far <= tolerance * (np.abs(one) + typical_size(one))
    same = (one == other) | (np.isnan(one) & np.isnan(other))
    return np.asarray(same | (near & np.isfinite(far)))


def near(expected: Array, got: Array, tolerance: float = TIGHT) -> bool:
    """Return whether two arrays have one shape and agree everywhere."""
    return expected.shape == got.shape and bool(where_near(expected, got, tolerance).all())


def is_constant(array: Array) -> bool:
    """Return whether all values are the same; so are those of an empty array."""
    return array.size == 0 or near(array, np.broadcast_to(array.flat[0], array.shape))


def number(value: float) -> str:
    """Return a number as people read it, in six digits at most."""
    return f"{value:.6g}"
