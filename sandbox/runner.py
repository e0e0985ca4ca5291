"""What the child of one case does: take the call, limit itself, run the code, report, vanish.

Everything that it reports is the word of an untrusted process: the fork server never reads it,
and the trusted side believes none of it beyond "this is what the code returned".

The call arrives on descriptor IN as LIMITS, then ``code``, the encoded call and the encoded
arguments, the first two with their length before them. The report goes to descriptor REPORT:
one byte, then an encoded value: R what the call returned; X or B the exception of the call or
of the code itself; N why the returned value is not data; O (nothing follows) too much of it.
"""

from __future__ import annotations

import ctypes
import os
import resource
import struct
import sys
import types
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from sandbox import codec

if TYPE_CHECKING:
    from collections.abc import Callable

# CPU and wall milliseconds, MiB of memory, bytes of stdout, bytes of report.
LIMITS = struct.Struct(">IIIII")
FILENAME = "<solution>"
IN = 4
REPORT = 3
ELSEWHERE = 32  # descriptors from here on are free in a child
MAX_FILES = 64
PIECE = 1 << 16  # bytes that one read or write of a pipe moves at most
KEPT_BYTES = 32 << 20  # the most that malloc can be told
MAX_MESSAGE = 4000
MAX_FRAMES = 20
NOBODY = 64100
MIB = 1 << 20

_PR_SET_DUMPABLE = 4
_PR_GET_NO_NEW_PRIVS = 39
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_AF_UNIX, _SOCK_STREAM = 1, 1
_libc = ctypes.CDLL(None)


def set_dumpable(*, dumpable: bool) -> None:
    """Let this process's own /proc entries be opened by its user, or only by root."""
    if _libc.prctl(_PR_SET_DUMPABLE, int(dumpable), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def no_new_privileges() -> bool:
    """Return whether no program can give this process more than it has."""
    return bool(_libc.prctl(_PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)


def can_make_sockets() -> bool:
    """Return whether the system call filter, of which this is a sample, is missing."""
    fd: int = _libc.socket(_AF_UNIX, _SOCK_STREAM, 0)
    if fd >= 0:
        os.close(fd)
    return fd >= 0


def settle(call: int, output: int, report: int) -> None:
    """Make a forked child alone: a session of its own, its three pipes and nothing else.

    `call`, `output` and `report` are descriptors.
    """
    os.setsid()
    call, output, report = (
        os.dup2(fd, ELSEWHERE + at, inheritable=False)
        for at, fd in enumerate((call, output, report))
    )
    # Opened anew for each child: what one of them changes about it must not reach the next.
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.dup2(report, REPORT)
    os.dup2(call, IN, inheritable=False)
    os.closerange(IN + 1, MAX_FILES)


def shed_root() -> None:
    """Become somebody who owns nothing, not even this process's parent."""
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    set_dumpable(dumpable=True)


def main(base: int) -> NoReturn:
    """Serve the one call that arrives on IN; never returns.

    `base` is the size of the address space, in bytes, before anything of the call is in it.
    """
    try:
        frame = _read_all(IN)
        os.close(IN)
        cpu_ms, _, memory_mb, _, max_report = LIMITS.unpack_from(frame)
        wanted = take_apart(frame)
        # The arguments are there twice, as bytes and decoded.
        _hard(resource.RLIMIT_AS, base + 2 * len(frame) + memory_mb * MIB)
        del frame
        # Only in case that the fork server cannot look: the kernel counts roughly, in seconds.
        _hard(resource.RLIMIT_CPU, cpu_ms // 1000 + 2)
        parts = answer(*wanted, max_report)
        _flush()
        _write(parts)
    except MemoryError:
        _write([b"X", *codec.encode(_memory_error(), MAX_MESSAGE)])
    finally:
        # Neither atexit hooks nor threads of the code may keep the child alive.
        os._exit(0)


def limit_for_good() -> None:
    """Limit this process and all its children where no call asks for anything else."""
    _hard(resource.RLIMIT_NOFILE, MAX_FILES)
    _hard(resource.RLIMIT_FSIZE, 0)
    _hard(resource.RLIMIT_CORE, 0)


def keep_freed_memory() -> None:
    """Have malloc keep what is freed: children would fault each array's pages in anew."""
    for option in (_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD):
        _libc.mallopt(option, KEPT_BYTES)


def address_space() -> int:
    """Return the bytes of this process's address space; of PID 1 no other file tells them."""
    size = 0
    with open("/proc/self/maps", "rb") as maps:  # noqa: PTH123 - no pathlib in the child's way
        for line in maps:
            start, end = line.split(b" ", 1)[0].split(b"-")
            size += int(end, 16) - int(start, 16)
    return size


def take_apart(frame: bytes) -> tuple[bytes, dict[str, Any], dict[str, Any]]:
    """Return the code, the call and its arguments, decoded."""
    view = memoryview(frame)
    code, at = _sized(view, LIMITS.size)
    call, at = _sized(view, at)
    return bytes(code), codec.decode(call), codec.decode(view[at:])


def _read_all(fd: int) -> bytes:
    pieces = []
    while piece := os.read(fd, PIECE):
        pieces.append(piece)
    return b"".join(pieces)


def _sized(frame: memoryview, at: int) -> tuple[memoryview, int]:
    end = at + 4 + struct.unpack_from(">I", frame, at)[0]
    return frame[at + 4 : end], end


def _hard(what: int, limit: int) -> None:
    resource.setrlimit(what, (limit, limit))


def answer(
    code: bytes, wanted: dict[str, Any], args: dict[str, Any], max_report: int
) -> list[bytes | memoryview]:
    """Run the call and return its report, of at most `max_report` bytes."""
    try:
        function = _entry_point(code, wanted["entry_point"])
    except BaseException as error:  # noqa: BLE001 - SystemExit is a result, too
        return [b"B", *_describe(error)]
    try:
        value = _call(function, wanted, args)
    except BaseException as error:  # noqa: BLE001 - as above
        return [b"X", *_describe(error)]
    try:
        return [b"R", *codec.encode(value, max_report)]
    except codec.TooBigError:
        return [b"O"]
    except codec.NotDataError as error:
        return [b"N", *_describe(error)]


def _entry_point(code: bytes, name: str) -> Callable[..., Any]:
    # A real module, because dataclasses and pickling look theirs up.
    module = types.ModuleType("solution")
    sys.modules["solution"] = module
    source = code.decode("utf-8", "surrogatepass")
    exec(compile(source, FILENAME, "exec", dont_inherit=True), module.__dict__)  # noqa: S102 - its purpose
    function = module.__dict__.get(name)
    if function is None:
        raise NameError(f"name {name!r} is not defined")
    if not callable(function):
        raise TypeError(f"{name!r} is not callable")
    return function  # type: ignore[no-any-return]


def _call(function: Callable[..., Any], wanted: dict[str, Any], args: dict[str, Any]) -> Any:  # noqa: ANN401 - whatever it returns
    if wanted["rng_seed"] is not None:
        return function(np.random.default_rng(wanted["rng_seed"]))
    value = _play(function, args) if wanted["scripted"] else function(**args)
    return (value, args) if wanted["return_args"] else value


def _play(kind: Callable[..., Any], script: dict[str, Any]) -> list[Any]:
    """Make an object, call its methods and read its attributes as the script says."""
    subject = kind(**script["init"])
    given = []
    for name, arguments in script["calls"]:
        member = getattr(subject, name)
        given.append(_as_it_is(member if arguments is None else member(**arguments)))
    return given


def _as_it_is(value: Any, depth: int = 0) -> Any:  # noqa: ANN401 - whatever it returns
    """Return a copy of plain data, which later steps may change in place."""
    kind = type(value)
    if depth > codec.MAX_DEPTH:  # the codec refuses it
        return value
    if kind is np.ndarray:
        return value.copy("K")
    if kind in {list, tuple}:
        return kind(_as_it_is(item, depth + 1) for item in value)
    if kind is dict:
        return {key: _as_it_is(item, depth + 1) for key, item in value.items()}
    return value


def _describe(error: BaseException) -> list[bytes | memoryview]:
    """Encode the exception's class name, its text, and the frames of the submitted code."""
    text = {
        "type": type(error).__name__[:200],
        "message": _message(error)[:MAX_MESSAGE],
        "traceback": _frames(error),
    }
    clean = {key: part.encode(errors="replace").decode() for key, part in text.items()}
    return codec.encode(clean, MAX_MESSAGE * 10)


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except BaseException:  # noqa: BLE001 - a __str__ of the code under test
        return ""


def _frames(error: BaseException) -> str:
    lines = []
    if isinstance(error, SyntaxError) and error.filename == FILENAME:
        lines.append(f"line {error.lineno}")
    step = error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        if code.co_filename == FILENAME:
            lines.append(f"line {step.tb_lineno}, in {code.co_name[:200]}")
        step = step.tb_next
    if len(lines) > MAX_FRAMES:
        lines[MAX_FRAMES // 2 : -MAX_FRAMES // 2] = ["…"]
    return "\n".join(lines)


def _memory_error() -> dict[str, str]:
    return {"type": "MemoryError", "message": "", "traceback": ""}


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BaseException:  # noqa: BLE001, S112 - the code may have put anything there
            continue


def _write(parts: list[bytes | memoryview]) -> None:
    if sum(map(len, parts)) <= PIECE:
        parts = [b"".join(parts)]
    for part in parts:
        left = memoryview(part)
        while left:
            left = left[os.write(REPORT, left) :]
