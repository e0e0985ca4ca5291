"""Warm sandboxes and who may use which: one lease belongs to one interview, and is never shared."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from app.grading.runs import EngineUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.grading.runs import Call, CaseRun, Engine, Sandbox
    from app.kit.clock import Clock

Reuse = Literal["interview", "never"]

MAX_RUNS = 500
RETRY_SECONDS = 5.0  # between attempts to warm a sandbox while the engine is away

_log = logging.getLogger(__name__)


class PoolBusyError(Exception):
    """Every sandbox is in use, and none became free in time."""


class PoolClosedError(Exception):
    """The pool is shutting down."""


@dataclass(slots=True, eq=False)
class Lease:
    """The sandbox of one owner: in use by one thread, or waiting for the owner's next run."""

    owner: str
    sandbox: Sandbox
    runs: int = 0
    idle_since: float = 0.0
    broken: bool = False

    @property
    def used_up(self) -> bool:
        """Whether no further run may see this sandbox."""
        return self.broken or self.sandbox.spent or self.runs >= MAX_RUNS


@dataclass(slots=True)
class _Guard:
    """What a lease hands out: the owner's sandbox, watched for signs that it must go."""

    lease: Lease

    @property
    def spent(self) -> bool:
        return self.lease.used_up

    def run(self, calls: Sequence[Call]) -> list[CaseRun]:
        self.lease.runs += 1
        self.lease.broken = True  # unless it comes back: a torn exchange cannot be resumed
        runs = self.lease.sandbox.run(calls)
        self.lease.broken = False
        return runs

    def close(self) -> None:
        self.lease.broken = True


@dataclass(slots=True)
class _Shelf:
    """Where every sandbox of the pool is; changed only while the pool's lock is held."""

    warm: list[Sandbox] = field(default_factory=list)
    idle: OrderedDict[str, Lease] = field(default_factory=OrderedDict)  # least recent first
    busy: dict[str, Lease | None] = field(default_factory=dict)  # None: being started
    ending: set[str] = field(default_factory=set)  # owners whose lease ends with its run
    doomed: list[Sandbox] = field(default_factory=list)  # to be destroyed in the background
    warming: int = 0
    waiting: int = 0  # threads that want a sandbox

    @property
    def alive(self) -> int:
        return len(self.warm) + len(self.idle) + len(self.busy) + len(self.doomed) + self.warming


class Pool:
    """Keeps `warm` sandboxes started and at most `capacity` alive.

    An owner (an interview's id) gets a sandbox at its first run and keeps it until it was idle for
    `idle_seconds`, is needed by another owner (least recently used first), is `spent` or broken,
    or `end` is called. With `reuse="never"` it is destroyed after every lease. Nobody ever gets a
    sandbox that another owner had. A background thread destroys, refills and evicts.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        clock: Clock,
        warm: int = 2,
        capacity: int = 8,
        idle_seconds: float = 600.0,
        busy_seconds: float = 30.0,
        reuse: Reuse = "interview",
    ) -> None:
        if not 0 <= warm < capacity:
            reason = f"warm must be below capacity, not {warm} of {capacity}"
            raise ValueError(reason)
        self._engine = engine
        self._clock = clock
        self._warm = warm
        self._capacity = capacity
        self._idle_seconds = idle_seconds
        self._busy_seconds = busy_seconds
        self._reuse = reuse
        self._shelf = _Shelf()
        self._closed = False
        self._engine_away_until = 0.0
        self._changed = threading.Condition()
        self._keeper = threading.Thread(target=self._keep, name="sandbox-pool", daemon=True)
        self._keeper.start()

    @property
    def alive(self) -> int:
        """How many sandboxes exist, also those being started or destroyed."""
        with self._changed:
            return self._shelf.alive

    @contextmanager
    def lease(self, owner: str) -> Iterator[Sandbox]:
        """Lend `owner` its sandbox for the ``with`` block; a second thread of the owner waits.

        Raises PoolBusyError after `busy_seconds`, EngineUnavailableError, PoolClosedError.
        """
        lease = self._acquire(owner)
        try:
            yield _Guard(lease)
        finally:
            self._release(lease)

    def end(self, owner: str) -> None:
        """End the owner's lease: now, or as soon as its running call is over."""
        with self._changed:
            if owner in self._shelf.busy:
                self._shelf.ending.add(owner)
            elif lease := self._shelf.idle.pop(owner, None):
                self._doom(lease.sandbox)

    def close(self) -> None:
        """Destroy everything that is not in use and refuse new leases; may be called twice."""
        with self._changed:
            self._closed = True
            for lease in self._shelf.idle.values():
                self._shelf.doomed.append(lease.sandbox)
            self._shelf.doomed.extend(self._shelf.warm)
            self._shelf.idle.clear()
            self._shelf.warm.clear()
            self._changed.notify_all()
        self._keeper.join()

    # --- Taking and giving back --------------------------------------------------------------

    def _acquire(self, owner: str) -> Lease:
        deadline = self._clock.monotonic() + self._busy_seconds
        with self._changed:
            self._shelf.waiting += 1
            try:
                while not self._may_proceed(owner):
                    self._wait(deadline)
            finally:
                self._shelf.waiting -= 1
            lease = self._take(owner)
            self._shelf.busy[owner] = lease
        return lease or self._start(owner)

    def _may_proceed(self, owner: str) -> bool:
        """Return whether a sandbox, or room for one, is there; start making room otherwise."""
        if self._closed:
            raise PoolClosedError
        if owner in self._shelf.busy:
            return False
        if owner in self._shelf.idle or self._shelf.warm:
            return True
        if self._shelf.alive < self._capacity:
            return True
        if len(self._shelf.doomed) < self._shelf.waiting:
            self._evict_one()
        return False

    def _take(self, owner: str) -> Lease | None:
        """Return the owner's idle lease, or a new one on a warm sandbox."""
        if lease := self._shelf.idle.pop(owner, None):
            return lease
        if not self._shelf.warm:
            return None
        self._changed.notify_all()  # the keeper refills
        return Lease(owner, self._shelf.warm.pop())

    def _start(self, owner: str) -> Lease:
        """Start a sandbox for `owner`, whose place is already counted."""
        try:
            lease = Lease(owner, self._engine.start())
        except BaseException:
            with self._changed:
                del self._shelf.busy[owner]
                self._changed.notify_all()
            raise
        with self._changed:
            self._shelf.busy[owner] = lease
        return lease

    def _wait(self, deadline: float) -> None:
        left = deadline - self._clock.monotonic()
        if left <= 0 or not self._changed.wait(left):
            raise PoolBusyError

    def _release(self, lease: Lease) -> None:
        with self._changed:
            del self._shelf.busy[lease.owner]
            ended = lease.owner in self._shelf.ending
            self._shelf.ending.discard(lease.owner)
            if ended or self._closed or self._reuse == "never" or lease.used_up:
                self._doom(lease.sandbox)
            else:
                lease.idle_since = self._clock.monotonic()
                self._shelf.idle[lease.owner] = lease
                self._changed.notify_all()

    def _evict_one(self) -> None:
        """Make room: the least recently used idle lease goes."""
        if self._shelf.idle:
            _, lease = self._shelf.idle.popitem(last=False)
            self._doom(lease.sandbox)

    def _doom(self, sandbox: Sandbox) -> None:
        self._shelf.doomed.append(sandbox)
        self._changed.notify_all()

    # --- The keeper's thread -----------------------------------------------------------------

    def _keep(self) -> None:
        while True:
            with self._changed:
                self._evict_idle()
                if not self._shelf.doomed and not self._may_warm():
                    if self._closed and not self._shelf.busy:
                        return
                    self._changed.wait(self._next_look())
                    continue
                doomed = self._shelf.doomed[0] if self._shelf.doomed else None
                self._shelf.warming += doomed is None
            if doomed is None:
                self._warm_one()
            else:
                self._destroy(doomed)

    def _evict_idle(self) -> None:
        oldest = self._clock.monotonic() - self._idle_seconds
        while self._shelf.idle and next(iter(self._shelf.idle.values())).idle_since <= oldest:
            self._evict_one()

    def _may_warm(self) -> bool:
        return (
            not self._closed
            and len(self._shelf.warm) < self._warm
            and self._shelf.alive < self._capacity
            and self._clock.monotonic() >= self._engine_away_until
        )

    def _next_look(self) -> float:
        return min(self._idle_seconds, RETRY_SECONDS)

    def _destroy(self, sandbox: Sandbox) -> None:
        try:
            sandbox.close()
        except EngineUnavailableError as error:
            _log.warning("a sandbox was left behind: %s", error)
        with self._changed:
            self._shelf.doomed.remove(sandbox)
            self._changed.notify_all()

    def _warm_one(self) -> None:
        sandbox = None
        try:
            sandbox = self._engine.start()
        except EngineUnavailableError as error:
            _log.warning("no sandbox could be warmed: %s", error)
        with self._changed:
            self._shelf.warming -= 1
            if sandbox is None:
                self._engine_away_until = self._clock.monotonic() + RETRY_SECONDS
            elif self._closed:
                self._shelf.doomed.append(sandbox)
            else:
                self._shelf.warm.append(sandbox)
            self._changed.notify_all()
