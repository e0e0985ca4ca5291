"""A lease, the watched sandbox that it hands out, and where every sandbox of a pool is."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from app.grading.pairs import SandboxPair, size_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.grading.memory import RunningMemory
    from app.grading.runs import Call, CaseRun, Sandbox

MAX_RUNS = 500


class Use(StrEnum):
    """What an interview's sandbox is for; each use has one of its own.

    A call could leave a message for a later one in ways that nobody has thought of. So what is
    shown never comes from where a hidden input has been, and authors' code never runs where a
    candidate's has.
    """

    SAMPLES = "samples"
    HIDDEN = "hidden"
    CHECKER = "checker"

    def of(self, interview_id: str) -> str:
        """Return who leases the sandbox of an interview for this use."""
        return f"{self}:{interview_id}"


@dataclass(slots=True, eq=False)
class Lease:
    """A sandbox of one owner: in use by one thread, or waiting for the owner's next run."""

    owner: str
    sandbox: Sandbox | None = None  # None: being started
    runs: int = 0
    idle_since: float = 0.0
    broken: bool = False
    ended: bool = False  # its present run is its last

    @property
    def used_up(self) -> bool:
        """Whether no further run may see this sandbox."""
        spent = self.sandbox is None or self.sandbox.spent
        return spent or self.broken or self.ended or self.runs >= MAX_RUNS

    @property
    def size(self) -> int:
        """How many sandboxes it holds, one being started included."""
        return size_of(self.sandbox)

    def lend(self, memory: RunningMemory, *, alone: bool) -> GuardedSandbox:
        """Return what the owner gets: all that it holds, or with `alone` the first only."""
        assert self.sandbox is not None  # noqa: S101 - it was started
        pair = self.sandbox
        lent = pair.first if alone and isinstance(pair, SandboxPair) else pair
        return GuardedSandbox(self, lent, memory)

    def part(self) -> Sandbox:
        """Give the second of a pair away, and go on with the first."""
        assert isinstance(self.sandbox, SandboxPair)  # noqa: S101 - its size was asked
        second, self.sandbox = self.sandbox.second, self.sandbox.first
        return second

    def give_up(self) -> list[Sandbox]:
        """Return what it holds, to be destroyed."""
        if self.sandbox is None:
            return []
        return [*([self.part()] if self.size > 1 else []), self.sandbox]


@dataclass(slots=True)
class GuardedSandbox:
    """What a lease hands out: the owner's sandbox, watched for signs that it must go."""

    lease: Lease
    sandbox: Sandbox
    memory: RunningMemory

    @property
    def spent(self) -> bool:
        """Whether no further run may see it."""
        return self.lease.used_up

    @property
    def alive(self) -> bool:
        """Whether it still waits for calls."""
        return not self.lease.broken and self.sandbox.alive

    def run(self, calls: Sequence[Call]) -> list[CaseRun]:
        """Run the calls once there is memory for the largest.

        Raises SandboxBrokenError, and PoolBusyError where others held the memory for too long.
        """
        with self.memory.held_for(calls, at_once=size_of(self.sandbox)):
            self.lease.runs += 1
            self.lease.broken = True  # unless it comes back: a torn exchange cannot be resumed
            runs = self.sandbox.run(calls)
            self.lease.broken = False
            return runs

    def close(self) -> None:
        """Let it be destroyed when the lease ends."""
        self.lease.broken = True


@dataclass(frozen=True, slots=True)
class Census:
    """How many sandboxes there are of each kind, how many may be, and how many threads wait."""

    warm: int
    idle: int
    busy: int
    other: int  # being started for nobody yet, or destroyed
    capacity: int
    waiting: int


@dataclass(slots=True)
class Shelf:
    """Where every sandbox of the pool is; changed only while the pool's lock is held."""

    warm: list[Sandbox] = field(default_factory=list)
    idle: OrderedDict[str, Lease] = field(default_factory=OrderedDict)  # least recent first
    busy: list[Lease] = field(default_factory=list)
    doomed: deque[Sandbox] = field(default_factory=deque)  # to be destroyed in the background
    starting: int = 0
    ending: int = 0
    queue: deque[object] = field(default_factory=deque)  # who wants a sandbox, first come first

    @property
    def going(self) -> int:
        """How many places become free without anybody's doing."""
        return len(self.doomed) + self.ending

    @property
    def alive(self) -> int:
        """How many exist, also those being started or destroyed."""
        leased = sum(lease.size for lease in (*self.idle.values(), *self.busy))
        return len(self.warm) + leased + self.starting + self.going
