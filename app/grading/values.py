"""Plain data as bytes: what may cross between the judge and a sandbox, and nothing else.

Nothing here executes what it reads: no pickle, no eval. Lengths, types and shapes are checked
before anything is allocated. The format is described in ``sandbox/codec.py``, which shares no
code with this module on purpose: neither side's bugs are the other's.
"""

from __future__ import annotations

import io
import math
import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

Value: TypeAlias = (
    "bool | int | float | complex | str | NDArray[Any] | np.generic "
    "| list[Value] | tuple[Value, ...] | dict[str | int, Value] | None"
)

MAX_DEPTH = 64
MAX_NODES = 250_000
MAX_INT_BYTES = 1024
# The hashes of integers can be made to collide, and a dict of such keys takes quadratic time.
MAX_INT_KEYS = 4096
MAX_INT_KEY = 2**63
ARRAY_NODES = 10  # an array takes as much time as so many other parts
MAX_BYTES = 64 * 1024 * 1024
MAX_NDIM = 32
ARRAY_KINDS = frozenset("biufcU")
MAX_CODE_POINT = 0x10FFFF
SURROGATES = (0xD800, 0xDFFF)

_NPY_MAGIC = b"\x93NUMPY\x01\x00"
_NPY_HEADER = re.compile(
    rb"\{'descr': '([<>|=]?[biufcU][0-9]{1,9})', 'fortran_order': (True|False), "
    rb"'shape': \(((?:[0-9]{1,18}, ?)*[0-9]{0,18})\), \} *\n"
)


class InvalidValueError(ValueError):
    """This is not plain data; `reason` says what is wrong with it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def encode_value(value: object) -> bytes:
    """Return a Value as bytes. Raises InvalidValueError if a part of it is not plain data."""
    parts: list[bytes] = []
    _encode(value, parts, 0)
    return b"".join(parts)


def decode_value(blob: bytes, *, max_bytes: int = MAX_BYTES) -> Value:
    """Return the value that an untrusted `blob` holds; arrays are fresh and of native byte order.

    Raises InvalidValueError if it is longer than `max_bytes`, malformed, or nested too deeply.
    """
    if len(blob) > max_bytes:
        raise InvalidValueError(f"longer than {max_bytes} bytes")
    decoder = _Decoder(memoryview(blob))
    value = decoder.value(0)
    decoder.finish()
    return value


def from_yaml_args(args: Mapping[str, Any]) -> dict[str, Value]:
    """Return an author's arguments as values: rectangular lists of numbers become arrays.

    All integers give int64, all booleans bool, numbers otherwise float64. Everything else,
    empty lists included, stays as it is.
    """
    return {name: _from_yaml(value) for name, value in args.items()}


# --- Encoding -------------------------------------------------------------------------------


def _encode(value: object, parts: list[bytes], depth: int) -> None:
    if depth > MAX_DEPTH:
        raise InvalidValueError("nested too deeply")
    if isinstance(value, np.generic):
        parts.append(_sized(b"G", _npy(np.asarray(value))))
    elif encode := _ENCODERS.get(type(value)):
        encode(value, parts, depth)
    else:
        raise InvalidValueError(f"a {type(value).__name__} is not plain data")


def _sized(tag: bytes, content: bytes) -> bytes:
    return tag + struct.pack(">I", len(content)) + content


def _encode_none(_value: None, parts: list[bytes], _depth: int) -> None:
    parts.append(b"N")


def _encode_bool(value: bool, parts: list[bytes], _depth: int) -> None:  # noqa: FBT001 - it is the value
    parts.append(b"T" if value else b"F")


def _encode_int(value: int, parts: list[bytes], _depth: int) -> None:
    length = (value if value >= 0 else ~value).bit_length() // 8 + 1
    if length > MAX_INT_BYTES:
        raise InvalidValueError("an int of too many digits")
    parts.append(_sized(b"I", value.to_bytes(length, "big", signed=True)))


def _encode_float(value: float, parts: list[bytes], _depth: int) -> None:
    parts.append(b"D" + struct.pack(">d", value))


def _encode_complex(value: complex, parts: list[bytes], _depth: int) -> None:
    parts.append(b"C" + struct.pack(">dd", value.real, value.imag))


def _encode_str(value: str, parts: list[bytes], _depth: int) -> None:
    try:
        parts.append(_sized(b"S", value.encode()))
    except UnicodeEncodeError:
        raise InvalidValueError("a str with lone surrogates") from None


def _encode_array(value: NDArray[Any], parts: list[bytes], _depth: int) -> None:
    parts.append(_sized(b"A", _npy(value)))


def _npy(array: NDArray[Any]) -> bytes:
    if array.dtype.kind not in ARRAY_KINDS:
        raise InvalidValueError(f"an array of dtype {array.dtype}")
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version=(1, 0), allow_pickle=False)
    return file.getvalue()


def _encode_list(value: list[Value], parts: list[bytes], depth: int) -> None:
    _encode_items(b"L", value, parts, depth)


def _encode_tuple(value: tuple[Value, ...], parts: list[bytes], depth: int) -> None:
    _encode_items(b"U", value, parts, depth)


def _encode_items(tag: bytes, items: Sequence[Value], parts: list[bytes], depth: int) -> None:
    parts.append(tag + struct.pack(">I", len(items)))
    for item in items:
        _encode(item, parts, depth + 1)


def _encode_dict(value: dict[str | int, Value], parts: list[bytes], depth: int) -> None:
    parts.append(b"M" + struct.pack(">I", len(value)))
    for key, item in value.items():
        if type(key) not in {str, int}:
            raise InvalidValueError("a dict key must be a str or an int")
        _encode(key, parts, depth + 1)
        _encode(item, parts, depth + 1)


_ENCODERS: dict[type, Callable[[Any, list[bytes], int], None]] = {
    type(None): _encode_none,
    bool: _encode_bool,
    int: _encode_int,
    float: _encode_float,
    complex: _encode_complex,
    str: _encode_str,
    np.ndarray: _encode_array,
    list: _encode_list,
    tuple: _encode_tuple,
    dict: _encode_dict,
}


# --- Decoding -------------------------------------------------------------------------------


class _Decoder:
    """Reads one value; every length is checked against what is there."""

    def __init__(self, blob: memoryview) -> None:
        self._blob = blob
        self._at = 0
        self._nodes = 0

    def value(self, depth: int) -> Value:
        self._count(1)
        if depth > MAX_DEPTH:
            raise InvalidValueError("nested too deeply")
        tag = bytes(self._take(1))
        if tag in _CONSTANTS:
            return _CONSTANTS[tag]
        if tag == b"D":
            return cast("float", struct.unpack(">d", self._take(8))[0])
        if tag == b"C":
            return complex(*struct.unpack(">dd", self._take(16)))
        if tag in _SIZED:
            return self._content(tag)
        if tag in _COUNTED:
            return self._container(tag, depth)
        raise InvalidValueError(f"unknown tag {tag!r}")

    def finish(self) -> None:
        if self._at != len(self._blob):
            raise InvalidValueError("trailing bytes")

    def _count(self, nodes: int) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            raise InvalidValueError("too many parts")

    def _take(self, size: int) -> memoryview:
        if size > len(self._blob) - self._at:
            raise InvalidValueError("cut short")
        piece = self._blob[self._at : self._at + size]
        self._at += size
        return piece

    def _length(self) -> int:
        return cast("int", struct.unpack(">I", self._take(4))[0])

    def _content(self, tag: bytes) -> Value:
        content = self._take(self._length())
        if tag == b"I":
            return _decode_int(content)
        if tag == b"S":
            return _decode_str(content)
        self._count(ARRAY_NODES - 1)
        array = _decode_array(content)
        return array if tag == b"A" else _scalar(array)

    def _container(self, tag: bytes, depth: int) -> Value:
        count = self._length()
        if count > len(self._blob) - self._at:  # each part takes at least one byte
            raise InvalidValueError("cut short")
        if tag == b"M":
            return self._dict(count, depth)
        items = [self.value(depth + 1) for _ in range(count)]
        return items if tag == b"L" else tuple(items)

    def _dict(self, count: int, depth: int) -> dict[str | int, Value]:
        found: dict[str | int, Value] = {}
        integers = 0
        for _ in range(count):
            key = self.value(depth + 1)
            if type(key) is not str and type(key) is not int:  # numpy's texts are str as well
                raise InvalidValueError("a dict key must be a str or an int")
            integers += isinstance(key, int)
            if isinstance(key, int) and not -MAX_INT_KEY <= key < MAX_INT_KEY:
                raise InvalidValueError("a dict key that does not fit 64 bits")
            if integers > MAX_INT_KEYS:
                raise InvalidValueError(f"a dict of more than {MAX_INT_KEYS} integer keys")
            if key in found:
                raise InvalidValueError("a dict key occurs twice")
            found[key] = self.value(depth + 1)
        return found


_CONSTANTS: dict[bytes, bool | None] = {b"N": None, b"T": True, b"F": False}
_SIZED = frozenset({b"I", b"S", b"A", b"G"})
_COUNTED = frozenset({b"L", b"U", b"M"})


def _decode_int(content: memoryview) -> int:
    if not 0 < len(content) <= MAX_INT_BYTES:
        raise InvalidValueError("an int of no or too many digits")
    return int.from_bytes(content, "big", signed=True)


def _decode_str(content: memoryview) -> str:
    try:
        return str(content, "utf-8")
    except UnicodeDecodeError:
        raise InvalidValueError("a str that is not UTF-8") from None


@dataclass(frozen=True, slots=True)
class _Header:
    """What an .npy header promises; `size` in bytes, `count` in items."""

    dtype: np.dtype[Any]
    fortran: bool
    shape: tuple[int, ...]

    @property
    def count(self) -> int:
        return math.prod(self.shape)


def _decode_array(content: memoryview) -> NDArray[Any]:
    header, data = _split_npy(content)
    if header.count * header.dtype.itemsize != len(data):
        raise InvalidValueError("an array whose data do not fill its shape")
    if not header.count:
        return np.empty(header.shape, header.dtype.newbyteorder("="))
    flat = np.frombuffer(data, header.dtype)
    _check_items(flat)
    native = flat.astype(header.dtype.newbyteorder("="))
    return native.reshape(header.shape, order="F" if header.fortran else "C")


def _split_npy(content: memoryview) -> tuple[_Header, memoryview]:
    start = len(_NPY_MAGIC) + 2
    if bytes(content[: len(_NPY_MAGIC)]) != _NPY_MAGIC or len(content) < start:
        raise InvalidValueError("not an .npy array")
    end = start + int.from_bytes(content[start - 2 : start], "little")
    match = _NPY_HEADER.fullmatch(bytes(content[start:end]))
    if match is None:
        raise InvalidValueError("an .npy header that numpy did not write")
    return _header(*match.groups()), content[end:]


def _header(descr: bytes, fortran: bytes, shape: bytes) -> _Header:
    try:
        dtype = np.dtype(descr.decode())
    except TypeError:
        raise InvalidValueError("an array of an unknown dtype") from None
    if dtype.kind not in ARRAY_KINDS or not dtype.itemsize:
        raise InvalidValueError(f"an array of dtype {dtype}")
    sizes = tuple(int(size) for size in re.findall(rb"[0-9]+", shape))
    # An empty array may not promise the rest of its shape either: numpy would try to keep it.
    extent = math.prod(size for size in sizes if size) * dtype.itemsize
    if len(sizes) > MAX_NDIM or extent > MAX_BYTES:
        raise InvalidValueError("an array of too large a shape")
    return _Header(dtype, fortran == b"True", sizes)


def _check_items(flat: NDArray[Any]) -> None:
    """Refuse bit patterns that numpy does not produce and that later code trips over."""
    if flat.dtype.kind == "b" and flat.view(np.uint8).max() > 1:
        raise InvalidValueError("a bool array with other bytes than 0 and 1")
    if flat.dtype.kind == "U":
        points = flat.view(np.dtype(np.uint32).newbyteorder(flat.dtype.byteorder))
        surrogate = (points >= SURROGATES[0]) & (points <= SURROGATES[1])
        if points.max() > MAX_CODE_POINT or surrogate.any():
            raise InvalidValueError("a str array with code points that do not exist")


def _scalar(array: NDArray[Any]) -> np.generic:
    if array.shape != ():
        raise InvalidValueError("a numpy scalar with a shape")
    return cast("np.generic", array[()])


# --- Authors' arguments ---------------------------------------------------------------------


def _from_yaml(value: Any) -> Value:  # noqa: ANN401 - whatever the author wrote
    if isinstance(value, list):
        return _array_of(value) if _is_rectangular(value) else [_from_yaml(item) for item in value]
    if isinstance(value, dict):
        return {key: _from_yaml(item) for key, item in value.items()}
    return cast("Value", value)


def _is_rectangular(items: list[Any]) -> bool:
    return bool(items) and _shape(items) is not None


def _shape(value: Any) -> tuple[int, ...] | None:  # noqa: ANN401 - as above
    """Return the shape of nested lists of numbers, or None if they are ragged or hold others."""
    if isinstance(value, bool | int | float):
        return ()
    if not isinstance(value, list) or not value:
        return None
    shapes = {_shape(item) for item in value}
    inner = shapes.pop()
    return None if shapes or inner is None else (len(value), *inner)


def _array_of(items: list[Any]) -> Value:
    kinds = set(_leaf_types(items))
    if kinds == {bool}:
        return np.array(items, np.bool_)
    if bool in kinds:
        return [_from_yaml(item) for item in items]
    try:
        return np.array(items, np.int64 if kinds == {int} else np.float64)
    except OverflowError:
        raise InvalidValueError("a number too large for an array") from None


def _leaf_types(value: Any) -> list[type]:  # noqa: ANN401 - as above
    if isinstance(value, list):
        return [kind for item in value for kind in _leaf_types(item)]
    return [type(value)]
