"""Plain data as bytes: all of it comes back, and nothing else gets in."""

from __future__ import annotations

import math
import struct
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from app.grading.values import (
    MAX_DEPTH,
    MAX_NODES,
    InvalidValueError,
    decode_value,
    encode_value,
    from_yaml_args,
)

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.complex_numbers(),
    st.text(st.characters(exclude_categories=["Cs"])),
)
dtypes = st.one_of(
    npst.boolean_dtypes(),
    npst.integer_dtypes(),
    npst.unsigned_integer_dtypes(),
    npst.floating_dtypes(),
    npst.complex_number_dtypes(),
)
arrays = npst.arrays(dtypes, npst.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
values = st.recursive(
    scalars | arrays,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(st.text("ab") | st.integers(0, 9), inner, max_size=4),
    ),
    max_leaves=12,
)


def same(left: object, right: object) -> bool:
    """Equal in type, structure and every bit of content, except for byte order."""
    if type(left) is not type(right):
        return False
    if isinstance(left, np.ndarray) and isinstance(right, np.ndarray):
        return (
            left.dtype == right.dtype.newbyteorder("=")
            and left.shape == right.shape
            and np.array_equal(left, right, equal_nan=left.dtype.kind in "fc")
        )
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    return repr(left) == repr(right)


@given(values)
def test_every_plain_value_comes_back(value: object) -> None:
    assert same(decode_value(encode_value(value)), value)


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_refused_or_decoded_but_never_crash(blob: bytes) -> None:
    with suppress(InvalidValueError):
        decode_value(blob)


@given(values, st.data())
def test_damaged_values_are_refused_or_decoded_but_never_crash(
    value: object, data: st.DataObject
) -> None:
    blob = bytearray(encode_value(value))
    for _ in range(data.draw(st.integers(1, 4))):
        blob[data.draw(st.integers(0, len(blob) - 1))] = data.draw(st.integers(0, 255))
    with suppress(InvalidValueError):
        decode_value(bytes(blob))


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, -0.0, 5e-324])
def test_special_floats_keep_their_bits(number: float) -> None:
    found = decode_value(encode_value(number))
    assert isinstance(found, float)
    assert struct.pack(">d", found) == struct.pack(">d", number)


def test_arrays_come_back_writable_and_in_native_order() -> None:
    found = decode_value(encode_value(np.arange(3, dtype=">f4")))
    assert isinstance(found, np.ndarray)
    assert found.dtype == np.dtype("float32")
    assert found.dtype.isnative
    found[0] = 7


@pytest.mark.parametrize("scalar", [np.float32(1.5), np.int8(-3), np.True_, np.complex64(1j)])
def test_numpy_scalars_keep_their_type(scalar: np.generic) -> None:
    found = decode_value(encode_value(scalar))
    assert type(found) is type(scalar)
    assert found == scalar


def test_str_arrays_come_back() -> None:
    array = np.array([["线程", "a"], ["", "🧵"]])
    found = decode_value(encode_value(array))
    assert isinstance(found, np.ndarray)
    np.testing.assert_array_equal(found, array)


class Sub(np.ndarray):
    pass


@pytest.mark.parametrize(
    "value",
    [
        object(),
        b"bytes",
        {1, 2},
        np.array([object()]),
        np.zeros(2, "M8[s]"),
        np.zeros(2, [("a", "f8")]),
        np.ma.masked_array([1.0], [True]),
        np.zeros(2).view(Sub),
        np.datetime64("2026-01-01"),
        {(1, 2): 3},
        {True: 3},
        {1.5: 3},
        "\ud800",
        1 << 10_000,
        type("F", (float,), {})(1.0),
    ],
)
def test_what_is_not_plain_data_is_refused(value: object) -> None:
    with pytest.raises(InvalidValueError):
        encode_value(value)


@pytest.mark.parametrize(
    "number", [2**8191 - 1, -(2**8191), 127, -128, 0, -1], ids=lambda number: f"{number:#x}"[:6]
)
def test_integers_are_as_long_going_out_as_coming_in(number: int) -> None:
    length = (number.bit_length() if number >= 0 else (~number).bit_length()) // 8 + 1
    blob = b"I" + struct.pack(">I", length) + number.to_bytes(length, "big", signed=True)
    assert decode_value(blob) == number
    assert encode_value(number) == blob


def test_nesting_is_limited_both_ways() -> None:
    deep: list[object] = []
    for _ in range(MAX_DEPTH + 1):
        deep = [deep]
    with pytest.raises(InvalidValueError, match="nested"):
        encode_value(deep)
    with pytest.raises(InvalidValueError, match="nested"):
        decode_value(b"L\0\0\0\1" * 100_000 + b"N")


def test_the_number_of_parts_is_limited() -> None:
    blob = b"L" + struct.pack(">I", MAX_NODES) + b"N" * MAX_NODES
    with pytest.raises(InvalidValueError, match="too many"):
        decode_value(blob)


def npy(header: str, data: bytes = b"", tag: bytes = b"A") -> bytes:
    text = header.encode() + b"\n"
    content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data
    return tag + struct.pack(">I", len(content)) + content


GOOD = "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }"


def test_a_header_as_numpy_writes_it_is_read() -> None:
    found = decode_value(npy(GOOD, struct.pack("<2d", 1, 2)))
    assert isinstance(found, np.ndarray)
    np.testing.assert_array_equal(found, [1.0, 2.0])


@pytest.mark.parametrize(
    "blob",
    [
        b"",
        b"?",
        b"NN",
        b"D\0",
        b"I\0\0\0\0",
        b"I\xff\xff\xff\xff",
        b"I\0\0\x04\x01" + b"\x01" * 1025,
        b"S\0\0\0\1\xff",
        b"S\0\0\0\3\xed\xa0\x80",
        b"L\xff\xff\xff\xffN",
        b"M\0\0\0\1NN",
        b"M\0\0\0\1TN",
        b"M\0\0\0\1" + encode_value(np.str_("a")) + b"N",
        b"M\0\0\0\1" + encode_value(np.int64(1)) + b"N",
        b"M\0\0\0\2" + b"S\0\0\0\1aN" * 2,
        b"A\0\0\0\0",
        b"A\0\0\0\5PK\3\4\0",
        npy(GOOD, b"\0" * 15),
        npy(GOOD, b"\0" * 17),
        npy(GOOD + " " * 60_000)[:50_000],
        npy(GOOD.replace("(2,)", "(1000000000000,)")),
        npy(GOOD.replace("(2,)", "(999999999999999999, 999999999999999999, 0)")),
        npy(GOOD.replace("(2,)", "(" + "1, " * 40 + ")"), b"\0" * 8),
        npy(GOOD.replace("(2,)", "(-2,)")),
        npy(GOOD.replace("(2,)", "(" + "1" * 5000)),
        npy(GOOD.replace("(2,)", "2")),
        npy(GOOD.replace("'<f8'", "'|O'"), b"\0" * 16),
        npy(GOOD.replace("'<f8'", "'<M8[s]'"), b"\0" * 16),
        npy(GOOD.replace("'<f8'", "'|V8'"), b"\0" * 16),
        npy(GOOD.replace("'<f8'", "'<f7'"), b"\0" * 14),
        npy(GOOD.replace("'<f8'", "'<U0'")),
        npy(GOOD.replace("'<f8'", "'<U999999999'")),
        npy(GOOD.replace("'<f8'", "[('a', '<f8')]"), b"\0" * 16),
        npy(GOOD.replace("'<f8'", "'|b1'"), b"\x01\x02"),
        npy(GOOD.replace("'<f8'", "'<U1'"), struct.pack("<2I", 65, 0x110000)),
        npy(GOOD.replace("'<f8'", "'<U1'"), struct.pack("<2I", 65, 0xD800)),
        npy(GOOD.replace("False", "__import__('os')"), b"\0" * 16),
        npy(GOOD, struct.pack("<2d", 1, 2), tag=b"G"),
    ],
)
def test_forged_bytes_are_refused(blob: bytes) -> None:
    with pytest.raises(InvalidValueError):
        decode_value(blob)


def test_the_length_is_limited_before_anything_is_read() -> None:
    with pytest.raises(InvalidValueError, match="longer"):
        decode_value(b"N" * 11, max_bytes=10)


def test_authors_lists_of_numbers_become_arrays() -> None:
    found = from_yaml_args(
        {"x": [[1.0, 2], [3, 4]], "n": [1, 2], "mask": [True, False], "k": 3, "s": "a", "e": []}
    )
    assert same(
        found,
        {
            "x": np.array([[1.0, 2.0], [3.0, 4.0]]),
            "n": np.array([1, 2]),
            "mask": np.array([True, False]),
            "k": 3,
            "s": "a",
            "e": [],
        },
    )


@pytest.mark.parametrize(
    "items", [[[1], [2, 3]], ["a", 1], [1, None], [True, 1], [[], []], [[1], 2]]
)
def test_authors_other_lists_stay_lists(items: list[object]) -> None:
    found = from_yaml_args({"x": items})["x"]
    assert type(found) is list


def test_arrays_inside_lists_and_dicts_of_authors_are_found() -> None:
    found = from_yaml_args({"x": [[[1, 2]], "a"], "d": {"w": [0.5]}})
    assert same(found, {"x": [np.array([[1, 2]]), "a"], "d": {"w": np.array([0.5])}})


def test_an_author_s_integer_that_fits_no_array_is_refused() -> None:
    with pytest.raises(InvalidValueError):
        from_yaml_args({"x": [2**70]})
