"""Plain data as bytes, on the untrusted side: the mirror of app/grading/values.py.

Every value is a one-byte tag and its content; counts and lengths are big-endian 32-bit::

    N T F           None, True, False
    I len bytes     int, two's complement      D 8 bytes   float      C 16 bytes  complex
    S len bytes     str, UTF-8                 A len bytes ndarray, as .npy
    G len bytes     numpy scalar, as .npy      L n items   list       U n items   tuple
    M n key value   dict with str or int keys

Arrays travel as separate buffers, so that returning a large one does not copy it.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_DEPTH = 60
MAX_NODES = 250_000
MAX_INT_BYTES = 1024
MAX_INT_KEYS = 4096
MAX_INT_KEY = 2**63
ARRAY_NODES = 10  # an array counts for as many parts
NPY_MAGIC = b"\x93NUMPY\x01\x00"
ARRAY_KINDS = frozenset("biufcU")
SCALAR_TYPES = frozenset(
    kind for kind in np.sctypeDict.values() if np.dtype(kind).kind in ARRAY_KINDS
)


class NotDataError(Exception):
    """The value is not plain data; says which part is not."""


class TooBigError(Exception):
    """The value is data, but more than may be returned."""


class Encoder:
    """Encodes one value of at most `max_bytes` bytes into a list of buffers.

    Types are compared exactly: a subclass may lie about itself in ways that no check of its
    content can see.
    """

    def __init__(self, max_bytes: int) -> None:
        self._room = max_bytes
        self._nodes = 0
        self.buffers: list[bytes | memoryview] = []

    def add(self, value: object, depth: int = 0) -> None:
        """Append `value`. Raises NotDataError, TooBigError."""
        self._nodes += 1
        if depth > MAX_DEPTH:
            raise NotDataError("nested too deeply")
        if self._nodes > MAX_NODES:
            raise TooBigError
        kind = type(value)
        if kind in SCALAR_TYPES:
            self._array(b"G", np.asarray(value))
        elif method := _METHODS.get(kind):
            method(self, value, depth)
        else:
            raise NotDataError(f"a {kind.__name__} is not plain data")

    def _put(self, buffer: bytes | memoryview) -> None:
        self._room -= len(buffer)
        if self._room < 0:
            raise TooBigError
        self.buffers.append(buffer)

    def _sized(self, tag: bytes, content: bytes) -> None:
        self._put(tag + struct.pack(">I", len(content)) + content)

    def _none(self, _value: None, _depth: int) -> None:
        self._put(b"N")

    def _bool(self, value: bool, _depth: int) -> None:  # noqa: FBT001 - it is the value
        self._put(b"T" if value else b"F")

    def _int(self, value: int, _depth: int) -> None:
        length = value.bit_length() // 8 + 1
        if length > MAX_INT_BYTES:
            raise TooBigError
        self._sized(b"I", value.to_bytes(length, "big", signed=True))

    def _float(self, value: float, _depth: int) -> None:
        self._put(b"D" + struct.pack(">d", value))

    def _complex(self, value: complex, _depth: int) -> None:
        self._put(b"C" + struct.pack(">dd", value.real, value.imag))

    def _str(self, value: str, _depth: int) -> None:
        if len(value) > self._room:
            raise TooBigError
        try:
            self._sized(b"S", value.encode())
        except UnicodeEncodeError:
            raise NotDataError("a str with lone surrogates is not text") from None

    def _ndarray(self, value: np.ndarray[Any, Any], _depth: int) -> None:
        self._array(b"A", value)

    def _array(self, tag: bytes, array: np.ndarray[Any, Any]) -> None:
        self._nodes += ARRAY_NODES - 1
        if array.dtype.kind not in ARRAY_KINDS or array.dtype.fields is not None:
            raise NotDataError(f"an array of dtype {array.dtype} is not plain data")
        if array.nbytes > self._room:
            raise TooBigError
        plain = np.ascontiguousarray(array).reshape(array.shape)
        head = _npy_head(plain)
        self._put(tag + struct.pack(">I", len(head) + plain.nbytes) + head)
        if plain.nbytes:
            self._put(plain.reshape(-1).view(np.uint8).data)

    def _items(self, tag: bytes, items: Sequence[object], depth: int) -> None:
        self._put(tag + struct.pack(">I", len(items)))
        for item in items:
            self.add(item, depth + 1)

    def _list(self, value: list[object], depth: int) -> None:
        self._items(b"L", value, depth)

    def _tuple(self, value: tuple[object, ...], depth: int) -> None:
        self._items(b"U", value, depth)

    def _dict(self, value: dict[object, object], depth: int) -> None:
        self._put(b"M" + struct.pack(">I", len(value)))
        integers = 0
        for key, item in value.items():
            if type(key) is int:
                integers += 1
                if integers > MAX_INT_KEYS or not -MAX_INT_KEY <= key < MAX_INT_KEY:
                    raise NotDataError("a dict has too many or too large integer keys")
            elif type(key) is not str:
                raise NotDataError("a dict key must be a str or an int")
            self.add(key, depth + 1)
            self.add(item, depth + 1)


def _npy_head(array: np.ndarray[Any, Any]) -> bytes:
    """Return what an .npy file has before the data, as numpy writes it but for the padding.

    numpy's own writer and reader go through Python's compiler, which a fresh fork pays for.
    """
    text = f"{{'descr': {array.dtype.str!r}, 'fortran_order': False, 'shape': {array.shape!r}, }}\n"
    return NPY_MAGIC + struct.pack("<H", len(text)) + text.encode()


_METHODS: dict[type, Any] = {
    type(None): Encoder._none,  # noqa: SLF001 - the table of this very class
    bool: Encoder._bool,  # noqa: SLF001
    int: Encoder._int,  # noqa: SLF001
    float: Encoder._float,  # noqa: SLF001
    complex: Encoder._complex,  # noqa: SLF001
    str: Encoder._str,  # noqa: SLF001
    np.ndarray: Encoder._ndarray,  # noqa: SLF001
    list: Encoder._list,  # noqa: SLF001
    tuple: Encoder._tuple,  # noqa: SLF001
    dict: Encoder._dict,  # noqa: SLF001
}


def encode(value: object, max_bytes: int) -> list[bytes | memoryview]:
    """Return `value` as buffers to be written one after another.

    Raises NotDataError, TooBigError.
    """
    encoder = Encoder(max_bytes)
    encoder.add(value)
    return encoder.buffers


class Decoder:
    """Decodes values that the trusted side encoded; arrays are fresh and writable."""

    def __init__(self, blob: memoryview) -> None:
        self._blob = blob
        self._at = 0

    def value(self) -> Any:  # noqa: ANN401 - that is what it decodes
        """Return the next value."""
        tag = bytes(self._take(1))
        if tag in _CONSTANTS:
            return _CONSTANTS[tag]
        if tag == b"D":
            return struct.unpack(">d", self._take(8))[0]
        if tag == b"C":
            return complex(*struct.unpack(">dd", self._take(16)))
        size = struct.unpack(">I", self._take(4))[0]
        return self._sized(tag, size)

    def _take(self, size: int) -> memoryview:
        piece = self._blob[self._at : self._at + size]
        if len(piece) != size:
            raise EOFError
        self._at += size
        return piece

    def _sized(self, tag: bytes, size: int) -> Any:  # noqa: ANN401 - as above
        match tag:
            case b"I":
                return int.from_bytes(self._take(size), "big", signed=True)
            case b"S":
                return str(self._take(size), "utf-8")
            case b"A" | b"G":
                array = self._array(size)
                return array if tag == b"A" else array[()]
            case b"M":
                return {self.value(): self.value() for _ in range(size)}
        items = [self.value() for _ in range(size)]
        return items if tag == b"L" else tuple(items)

    def _array(self, size: int) -> np.ndarray[Any, Any]:
        content = self._take(size)
        start = len(NPY_MAGIC) + 2
        end = start + struct.unpack_from("<H", content, len(NPY_MAGIC))[0]
        # numpy's header is the text of a dict, whose strings hold no quotes.
        parts = str(content[start:end], "latin-1").split("'")
        descr, fortran, shape = parts[3], parts[6], parts[8]
        sizes = tuple(int(size) for size in shape.strip(" :(),}\n").split(",") if size)
        order: Literal["F", "C"] = "F" if "True" in fortran else "C"
        there = np.ndarray(sizes, np.dtype(descr), buffer=content, offset=end, order=order)
        return there.copy("K")


_CONSTANTS = {b"N": None, b"T": True, b"F": False}


def decode(blob: memoryview) -> Any:  # noqa: ANN401 - any plain value
    """Return the value that `blob` holds."""
    return Decoder(blob).value()
