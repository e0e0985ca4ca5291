"""Speaks with a fork server over any stream of bytes, and turns what it says into case runs.

The format is described in ``sandbox/forkserver.py`` and ``sandbox/runner.py``; no code is shared.
The fork server is ours, but it lives among hostile processes: a frame that it cannot have
meant breaks the sandbox. What the child reports is only ever data.
"""

from __future__ import annotations

import builtins
import signal
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from app.grading.runs import CaseRun, Outcome, RaisedError, SandboxBrokenError
from app.grading.values import InvalidValueError, decode_value, encode_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.grading.runs import Call, RunLimits

MAGIC = b"YIM2"
REQUEST = struct.Struct(">4sIIIIIIII")
LIMITS = struct.Struct(">IIIII")
CHUNK = struct.Struct(">cI")
END = struct.Struct(">IchQQQI??")

MAX_CHUNK = 16 * 1024 * 1024
MAX_BODY = 2**32 - 1
REPORT_OVERHEAD = 64 * 1024  # exceptions and their tracebacks, whatever the limit on results
READY_SECONDS = 30.0
GRACE_SECONDS = 20.0  # beyond a call's wall clock: sending it, killing, measuring

BUILTIN_EXCEPTIONS = frozenset(
    name
    for name, kind in vars(builtins).items()
    if isinstance(kind, type) and issubclass(kind, BaseException)
)


class Stream(Protocol):
    """Both directions of a fork server's standard streams."""

    def post(self, messages: Iterator[bytes]) -> None:
        """Take messages to be sent, in order, while `read` waits."""
        ...

    def read(self, size: int, seconds: float) -> bytes:
        """Return exactly `size` bytes. Raises SandboxBrokenError, also when `seconds` are over."""
        ...


@dataclass(frozen=True, slots=True)
class Ending:
    """What the fork server measured: the facts about a call that the child cannot forge."""

    reason: bytes
    exit_code: int
    cpu_us: int
    wall_us: int
    memory_kb: int
    killed: int
    ids_moved: bool
    batch_ended: bool


@dataclass(slots=True)
class Exchange:
    """One call and all that came back."""

    stdout: bytearray = field(default_factory=bytearray)
    report: bytearray = field(default_factory=bytearray)


def await_ready(stream: Stream) -> bool:
    """Return once the fork server says that it has loaded everything.

    The answer is whether it may serve one batch only, in a kernel of its own that remembers.
    """
    kind, size = CHUNK.unpack(stream.read(CHUNK.size, READY_SECONDS))
    if kind not in {b"H", b"O"} or size:
        raise SandboxBrokenError("the fork server did not say hello")
    return bool(kind == b"O")


def exchange(
    stream: Stream, calls: Sequence[Call], first: int
) -> Iterator[tuple[Call, Exchange, Ending]]:
    """Send `calls` ahead and yield what comes back of each, in order.

    That is all of them, or up to one that ended the batch. `first` is the sequence number of the
    first; the others follow. What is on its way is bounded by what the streams hold. Raises
    SandboxBrokenError.
    """
    batch = _Batch(calls, first)
    stream.post(batch.requests())
    for sequence, call in enumerate(calls, first):
        got, ending = _answer(stream, sequence, call.limits)
        batch.ended = ending.batch_ended
        yield call, got, ending
        if batch.ended:
            return


@dataclass(slots=True)
class _Batch:
    """Calls that are sent without waiting for answers, until one of them ends the batch."""

    calls: Sequence[Call]
    first: int
    ended: bool = False

    def requests(self) -> Iterator[bytes]:
        for sequence, call in enumerate(self.calls, self.first):
            if self.ended:
                return
            yield _request(sequence, self.first, call)


def _answer(stream: Stream, sequence: int, limits: RunLimits) -> tuple[Exchange, Ending]:
    seconds = limits.wall_seconds + GRACE_SECONDS
    got = Exchange()
    rooms = {
        b"S": (got.stdout, limits.stdout_bytes),
        b"R": (got.report, _report_bytes(limits)),
    }
    while True:
        kind, size = CHUNK.unpack(stream.read(CHUNK.size, seconds))
        if kind == b"E" and size == END.size:
            return got, _ending(stream.read(size, seconds), sequence)
        room = rooms[kind][1] - len(rooms[kind][0]) if kind in rooms else 0
        if not 0 < size <= min(MAX_CHUNK, room):  # an empty one says nothing, and could go on so
            raise SandboxBrokenError("the fork server sent a chunk that it may not send")
        rooms[kind][0].extend(stream.read(size, seconds))


def _request(sequence: int, first: int, call: Call) -> bytes:
    code = call.code.encode("utf-8", "surrogatepass")
    wanted = encode_value(
        {
            "entry_point": call.entry_point,
            "rng_seed": call.rng_seed,
            "return_args": call.return_args,
            "scripted": call.scripted,
        }
    )
    limits = (
        round(call.limits.cpu_seconds * 1000),
        round(call.limits.wall_seconds * 1000),
        call.limits.memory_mb,
        call.limits.stdout_bytes,
        _report_bytes(call.limits),
    )
    body = b"".join((LIMITS.pack(*limits), _sized(code), _sized(wanted), call.args))
    if len(body) > MAX_BODY:
        raise InvalidValueError("a call of more than 4 GiB")
    return REQUEST.pack(MAGIC, sequence, first, len(body), *limits) + body


def _sized(content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + content


def _report_bytes(limits: RunLimits) -> int:
    return limits.result_bytes + REPORT_OVERHEAD


def _ending(content: bytes, sequence: int) -> Ending:
    answered, *facts = END.unpack(content)
    if answered != sequence:
        raise SandboxBrokenError("the fork server answered another call")
    return Ending(*facts)


def unexplained_kill(limits: RunLimits, ending: Ending) -> bool:
    """Return whether a SIGKILL ended the child that neither a limit nor the fork server sent.

    What is left is the kernel, short of memory, and the child itself.
    """
    killed = ending.reason == b"x" and ending.exit_code == -signal.SIGKILL
    return killed and ending.cpu_us <= limits.cpu_seconds * 1e6


def case_run(limits: RunLimits, got: Exchange, ending: Ending, *, short_of_memory: bool) -> CaseRun:
    """Return what the call did.

    `short_of_memory` says that an unexplained kill is known to have been the kernel's.
    """
    outcome = _machine_outcome(limits, ending, short_of_memory=short_of_memory)
    told = _Told(outcome) if outcome else _told(bytes(got.report))
    return CaseRun(
        outcome=told.outcome,
        cpu_ms=ending.cpu_us / 1000,
        wall_ms=ending.wall_us / 1000,
        memory_kb=ending.memory_kb,
        stdout=got.stdout.decode("utf-8", "replace"),
        stdout_truncated=ending.reason == b"S",
        result=told.result,
        error=told.error,
    )


def _machine_outcome(limits: RunLimits, ending: Ending, *, short_of_memory: bool) -> Outcome | None:
    """Return the outcome that the fork server's facts alone decide, whatever the child says."""
    if ending.reason == b"c" or ending.cpu_us > limits.cpu_seconds * 1e6:
        return Outcome.CPU_TIME
    if ending.reason == b"w":
        return Outcome.WALL_TIME
    if ending.reason in {b"S", b"R"}:
        return Outcome.OUTPUT
    if short_of_memory:
        return Outcome.MEMORY
    return Outcome.DIED if ending.exit_code else None


@dataclass(frozen=True, slots=True)
class _Told:
    """What the child says about its end, as far as it can be read."""

    outcome: Outcome
    result: bytes | None = None
    error: RaisedError | None = None


def _told(report: bytes) -> _Told:
    kind, content = report[:1], report[1:]
    if kind == b"R":
        return _Told(Outcome.RETURNED, result=content)
    if kind == b"O":
        return _Told(Outcome.OUTPUT)
    try:
        return _told_error(kind, content)
    except InvalidValueError:
        return _Told(Outcome.DIED)


def _told_error(kind: bytes, content: bytes) -> _Told:
    texts = decode_value(content, max_bytes=REPORT_OVERHEAD)
    if kind not in _ERRORS or not isinstance(texts, dict):
        raise InvalidValueError("not a report")
    name, message, traceback = (str(texts.get(key, "")) for key in ("type", "message", "traceback"))
    if name == "MemoryError":
        return _Told(Outcome.MEMORY)
    error = RaisedError(name, name in BUILTIN_EXCEPTIONS, message, traceback)
    return _Told(_ERRORS[kind], error=error)


_ERRORS = {b"X": Outcome.RAISED, b"B": Outcome.BAD_CODE, b"N": Outcome.NOT_DATA}
