"""One running fork server: runs calls on it, whatever backend built the walls around it."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Protocol

from app.grading import wire
from app.grading.runs import MAX_MEMORY_MB, SandboxBrokenError, check_count

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from app.grading.runs import Call, CaseRun
    from app.kit.clock import Clock

MIB = 1 << 20
FORK_SERVER_MB = 96  # what it needs itself, and its child before any code runs
MEMORY_STEP_MB = 64  # caps are rounded up to this, so that few calls change them
DEFAULT_MEMORY_MB = 256 + 2 * MEMORY_STEP_MB
MIN_PIDS, MAX_PIDS = 4, 4096  # a fork server, its child and what that starts, up to a machine full


def check_caps(memory_mb: object, pids: object) -> None:
    """Raise ValueError for caps that no fork server could live with, or that cap nothing."""
    check_count("MiB of a sandbox", memory_mb, MAX_MEMORY_MB, least=FORK_SERVER_MB)
    check_count("processes of a sandbox", pids, MAX_PIDS, least=MIN_PIDS)


class ClosableStream(wire.Stream, Protocol):
    """A fork server's standard streams; when they are closed it ends."""

    @property
    def rests(self) -> bool:
        """Whether the other end is there and says nothing unasked; told without waiting."""
        ...

    def close(self) -> None:
        """Close our end; may be called twice."""
        ...


class Walls(Protocol):
    """What a backend built around one fork server."""

    def cap_memory(self, memory_mb: int) -> None:
        """Cap the MiB that all its processes use together. Raises SandboxBrokenError."""
        ...

    def was_short_of_memory(self, since: datetime) -> bool:
        """Return whether the kernel killed for lack of memory. Raises SandboxBrokenError."""
        ...

    def remove(self) -> None:
        """End all its processes and take the walls down. Raises EngineUnavailableError."""
        ...


class SandboxSession:
    """One fork server within its walls; used by one thread at a time.

    `memory_mb` is what its memory is capped at. With `once` it has a kernel of its own: that
    remembers what calls do, so it serves one run, and its cap stays as it is.
    """

    def __init__(
        self, stream: ClosableStream, walls: Walls, *, memory_mb: int, once: bool, clock: Clock
    ) -> None:
        self._stream = stream
        self._walls = walls
        self._memory_mb = memory_mb
        self._once = once
        self._clock = clock
        self._sequence = 0
        self._spent = False
        self._closed = False

    @property
    def spent(self) -> bool:
        """Whether something happened that a later call could notice."""
        return self._spent

    @property
    def alive(self) -> bool:
        """Whether its fork server still waits for calls."""
        return not self._closed and self._stream.rests

    def run(self, calls: Sequence[Call]) -> list[CaseRun]:
        """Run each call in a fresh child and return what each did, in order.

        Raises SandboxBrokenError; the caller then closes the sandbox.
        """
        runs: list[CaseRun] = []
        while len(runs) < len(calls):
            runs += self._batch(calls[len(runs) :])
        return runs

    def close(self) -> None:
        """Destroy it; may be called twice.

        Raises EngineUnavailableError where the backend cannot be told to.
        """
        if self._closed:
            return
        self._closed = True
        self._stream.close()
        self._walls.remove()

    def _batch(self, calls: Sequence[Call]) -> Iterator[CaseRun]:
        """Run the first of `calls` that share a cap, at most up to one that something killed.

        Only such a batch is sent ahead: a cap changes between calls, and whether the kernel killed
        for lack of memory is asked for one call at a time.
        """
        cap = memory_cap_mb(calls[0])
        self._cap_memory(cap)
        alike = list(takewhile(lambda call: memory_cap_mb(call) == cap, calls))
        first = self._sequence + 1
        self._sequence += len(alike)
        started = self._clock.now()
        for call, got, ending in wire.exchange(self._stream, alike, first):
            killed = wire.unexplained_kill(call.limits, ending)
            short = killed and self._walls.was_short_of_memory(started)
            self._spent |= self._once or short or ending.ids_moved or ending.killed > 0
            yield wire.case_run(call.limits, got, ending, short_of_memory=short)

    def _cap_memory(self, memory_mb: int) -> None:
        """Cap what all processes use together; the child's own limit is for each of them."""
        if self._once and memory_mb > self._memory_mb:
            raise SandboxBrokenError(f"a call needs {memory_mb} MiB, it has {self._memory_mb}")
        if not self._once and memory_mb != self._memory_mb:
            self._walls.cap_memory(memory_mb)
            self._memory_mb = memory_mb


def memory_cap_mb(call: Call) -> int:
    """Return the MiB that all processes of the sandbox may use during `call`.

    The arguments are there twice, as bytes and decoded, before the call's own limit starts.
    """
    needed = call.limits.memory_mb + FORK_SERVER_MB + 2 * len(call.args) // MIB
    return -(-needed // MEMORY_STEP_MB) * MEMORY_STEP_MB
