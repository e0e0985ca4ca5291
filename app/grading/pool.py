"""Warm sandboxes and who may use which: one lease belongs to one interview, and is never shared."""

from __future__ import annotations

import logging
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from app.grading.demand import Demand
from app.grading.leases import Census, Lease, Shelf
from app.grading.memory import UNBOUNDED
from app.grading.pairs import SandboxPair
from app.grading.runs import EngineUnavailableError, PoolBusyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from app.grading.memory import MemoryBudget
    from app.grading.runs import Engine, Sandbox
    from app.kit.clock import Clock

Reuse = Literal["interview", "never"]

RETRY_SECONDS = 5.0  # between attempts to reach an engine that is away
SLOW_SECONDS = 1.0  # an engine that took so long to fail is not asked again by the next in line
CHECK_SECONDS = 10.0  # between looks at whether the sandboxes at rest still live
STARTS_AT_ONCE = 2  # each costs the machine half a second of CPU, and candidates' code waits
ENDS_AT_ONCE = 4

log = logging.getLogger(__name__)


class PoolClosedError(Exception):
    """The pool is shutting down."""


class Pool:
    """Keeps sandboxes warm, as many as newcomers need, and at most `capacity` alive.

    An owner (an interview's id) gets a sandbox at its first run and keeps it until it was idle for
    `idle_seconds`, is needed by another owner (least recently used first), is `spent`, broken or
    dead, or `end` is called; runs of one owner at the same time get one each, and one of them is
    kept. With `reuse="never"` it is destroyed after every lease. Nobody ever gets a sandbox that
    another owner had. While most of the capacity and half of the cores are free, a second one is
    lent along, and calls run in both side by side.

    At least `warm` are kept ready and, where more newcomers come than that, up to half of the
    capacity; none if `warm` is 0. `memory` bounds the capacity, and which calls may run at once.
    A background thread refills, evicts, and looks after those at rest; whatever the engine does,
    it goes on.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        clock: Clock,
        warm: int = 2,
        capacity: int = 8,
        memory: MemoryBudget = UNBOUNDED,
        idle_seconds: float = 600.0,
        busy_seconds: float = 30.0,
        reuse: Reuse = "interview",
    ) -> None:
        capacity = memory.capacity(capacity)
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
        self._cores = os.cpu_count() or 1
        self._memory = memory.for_calls(capacity, clock=clock, busy_seconds=busy_seconds)
        self._demand = Demand(warm, max(warm, capacity // 2) if warm else 0)
        self._shelf = Shelf()
        self._closed = False
        self._orphans_remain = True
        self._engine_is_away = False
        self._engine_away_until = 0.0
        self._spared_until = 0.0
        self._check_at = clock.monotonic() + CHECK_SECONDS
        self._changed = threading.Condition()
        self._hands = ThreadPoolExecutor(STARTS_AT_ONCE + ENDS_AT_ONCE, "sandbox-hand")
        self._second_hands = ThreadPoolExecutor(max(capacity // 2, 1), "sandbox-second")
        self._keeper = threading.Thread(target=self._keep, name="sandbox-pool", daemon=True)
        self._keeper.start()

    @property
    def alive(self) -> int:
        """How many sandboxes exist, also those being started or destroyed."""
        with self._changed:
            return self._shelf.alive

    @property
    def engine_is_away(self) -> bool:
        """Whether the last sandbox that was wanted could not be started."""
        return self._engine_is_away

    def census(self) -> Census:
        """Return how many sandboxes there are of each kind."""
        with self._changed:
            shelf = self._shelf
            return Census(
                warm=len(shelf.warm),
                idle=len(shelf.idle),
                busy=len(shelf.busy),
                other=shelf.starting + shelf.going,
                capacity=self._capacity,
                waiting=len(shelf.queue),
            )

    @contextmanager
    def lease(self, owner: str) -> Iterator[Sandbox]:
        """Lend `owner` a sandbox of its own for the ``with`` block.

        Raises PoolBusyError after `busy_seconds`, EngineUnavailableError, PoolClosedError; so
        do runs on it that wait as long for memory. Give one lease back before asking for another:
        who holds one and waits could wait for itself.
        """
        lease = self._acquire(owner)
        try:
            yield lease.lend(self._memory, alone=not self._cores_are_free())
        finally:
            self._release(lease)

    def end(self, owner: str) -> None:
        """End the owner's leases: now, or as soon as a running call is over."""
        with self._changed:
            for lease in self._shelf.busy:
                if lease.owner == owner:
                    lease.ended = True
            if idle := self._shelf.idle.pop(owner, None):
                self._put_away(idle.give_up())

    def close(self) -> None:
        """Destroy everything that is not in use and refuse new leases; may be called twice."""
        with self._changed:
            self._closed = True
            while self._shelf.idle:
                self._evict_one()
            self._shelf.doomed.extend(self._shelf.warm)
            self._shelf.warm.clear()
            self._changed.notify_all()
        self._keeper.join()
        self._hands.shutdown()
        self._second_hands.shutdown()

    # --- Taking and giving back --------------------------------------------------------------

    def _acquire(self, owner: str) -> Lease:
        deadline = self._clock.monotonic() + self._busy_seconds
        ticket = object()
        with self._changed:
            self._shelf.queue.append(ticket)
            try:
                while (lease := self._take(owner, ticket)) is None:
                    self._wait(deadline)
            finally:
                self._shelf.queue.remove(ticket)
                self._call_next()
            self._shelf.busy.append(lease)
            self._pair(lease)
        if lease.sandbox is None:
            self._start(lease)
        return lease

    def _take(self, owner: str, ticket: object) -> Lease | None:
        """Return the owner's idle lease, one on a warm sandbox, or one yet to be started.

        None: it is not this one's turn, or there is no room, and some is being made.
        """
        if self._closed:
            raise PoolClosedError
        if (idle := self._shelf.idle.pop(owner, None)) and self._keeps(idle):
            return idle
        if self._shelf.queue[0] is not ticket:
            return None
        while self._shelf.warm:
            if self._lives(sandbox := self._shelf.warm.pop()):
                return self._newcomer(owner, sandbox)
        if self._shelf.alive < self._capacity:
            return self._newcomer(owner, None)
        if self._shelf.going < len(self._shelf.queue):
            self._make_room()
        return None

    def _newcomer(self, owner: str, sandbox: Sandbox | None) -> Lease:
        self._demand.note(self._clock.monotonic())
        self._changed.notify_all()  # the keeper refills
        return Lease(owner, sandbox)

    def _lives(self, sandbox: Sandbox) -> bool:
        """Return whether it may be lent; a dead one is put away, and nobody hears of it."""
        if not sandbox.alive:
            self._put_away([sandbox])
            return False
        return True

    def _keeps(self, lease: Lease) -> bool:
        """Return whether an idle lease may go on; with a dead sandbox it is put away."""
        if lease.sandbox is None or not lease.sandbox.alive:
            self._put_away(lease.give_up())
            return False
        return True

    def _pair(self, lease: Lease) -> None:
        """Lend a second sandbox along, while there are enough for whoever comes next."""
        shelf = self._shelf
        is_spare = len(shelf.warm) > 1 and 2 * shelf.alive <= self._capacity
        if lease.sandbox is None or lease.size > 1 or self._reuse == "never":
            return
        if is_spare and self._cores_are_free() and self._lives(second := shelf.warm.pop()):
            lease.sandbox = SandboxPair(lease.sandbox, second, self._second_hands)
            self._changed.notify_all()  # the keeper refills

    def _cores_are_free(self) -> bool:
        """Return whether two sandboxes at once for each lease in use find a core each."""
        return 2 * len(self._shelf.busy) <= self._cores

    def _start(self, lease: Lease) -> None:
        """Start a sandbox for `lease`, whose place is already counted."""
        try:
            lease.sandbox = self._start_one()
        except BaseException:
            with self._changed:
                self._shelf.busy.remove(lease)
                self._changed.notify_all()
            raise

    def _start_one(self) -> Sandbox:
        """Start a sandbox, unless the engine has just let somebody wait for nothing."""
        began = self._clock.monotonic()
        if began < self._spared_until:
            raise EngineUnavailableError("the engine did not answer a moment ago")
        try:
            sandbox = self._engine.start()
        except EngineUnavailableError:
            self._engine_is_away = True
            now = self._clock.monotonic()
            if now - began >= SLOW_SECONDS:
                self._spared_until = now + RETRY_SECONDS
            self._orphans_remain = True
            raise
        self._engine_is_away = False
        return sandbox

    def _wait(self, deadline: float) -> None:
        left = deadline - self._clock.monotonic()
        if left <= 0 or not self._changed.wait(left):
            raise PoolBusyError

    def _release(self, lease: Lease) -> None:
        with self._changed:
            self._shelf.busy.remove(lease)
            has_another = lease.owner in self._shelf.idle
            if self._closed or self._reuse == "never" or lease.used_up or has_another:
                self._put_away(lease.give_up())
            else:
                lease.idle_since = self._clock.monotonic()
                self._shelf.idle[lease.owner] = lease
                self._call_next()

    def _call_next(self) -> None:
        """Wake who waits; where nobody does, the keeper need not wake for it either."""
        if self._shelf.queue:
            self._changed.notify_all()

    def _make_room(self) -> None:
        """Let a second sandbox of somebody's go, or else the least recently used lease."""
        pair = next((lease for lease in self._shelf.idle.values() if lease.size > 1), None)
        if pair is not None:
            self._put_away([pair.part()])
        else:
            self._evict_one()

    def _evict_one(self) -> None:
        """End the least recently used idle lease, if there is one."""
        if self._shelf.idle:
            _, lease = self._shelf.idle.popitem(last=False)
            self._put_away(lease.give_up())

    def _put_away(self, sandboxes: Iterable[Sandbox]) -> None:
        self._shelf.doomed.extend(sandboxes)
        self._changed.notify_all()

    # --- The keeper's thread, and its hands --------------------------------------------------

    def _keep(self) -> None:
        with self._changed:
            while not (self._closed and self._shelf.alive == 0):
                try:
                    self._look_after(self._clock.monotonic())
                except Exception:
                    # The edge of the thread: without it nothing is refilled or destroyed again.
                    log.exception("looking after the sandboxes failed; trying again")
                self._changed.wait(min(self._idle_seconds, RETRY_SECONDS))

    def _look_after(self, now: float) -> None:
        """Start and destroy what is due; all that takes time is left to the hands."""
        shelf = self._shelf
        if now >= self._check_at:
            self._check_at = now + CHECK_SECONDS
            self._put_the_dead_away()
        oldest = now - self._idle_seconds
        while shelf.idle and next(iter(shelf.idle.values())).idle_since <= oldest:
            self._evict_one()
        target = self._demand.target(now)
        while len(shelf.warm) > target:
            shelf.doomed.append(shelf.warm.pop())
        if self._newcomers_would_wait(now):
            self._make_room()
        while shelf.doomed and shelf.ending < ENDS_AT_ONCE:
            self._hands.submit(self._at_hand, self._destroy, shelf.doomed[0])
            shelf.doomed.popleft()
            shelf.ending += 1
        while self._may_warm(now, target):
            self._hands.submit(self._at_hand, self._warm_one)
            shelf.starting += 1

    def _put_the_dead_away(self) -> None:
        self._shelf.warm = [one for one in self._shelf.warm if self._lives(one)]
        for owner, lease in list(self._shelf.idle.items()):
            if not self._keeps(lease):
                del self._shelf.idle[owner]

    def _newcomers_would_wait(self, now: float) -> bool:
        """Return whether those who may not come back hold what the next newcomer needs.

        Who does come back then gets a warm one, which is as good.
        """
        shelf = self._shelf
        ready = len(shelf.warm) + shelf.starting + shelf.going
        full = shelf.alive >= self._capacity
        return full and ready < self._warm and now >= self._engine_away_until

    def _may_warm(self, now: float, target: int) -> bool:
        shelf = self._shelf
        return (
            not self._closed
            and shelf.starting < STARTS_AT_ONCE
            and len(shelf.warm) + shelf.starting < target
            and shelf.alive < self._capacity
            and now >= self._engine_away_until
        )

    def _at_hand(self, work: Callable[..., None], *arguments: object) -> None:
        try:
            work(*arguments)
        except Exception:
            # The edge of a thread: whatever an engine raises, it must be seen, and harm no other.
            log.exception("the engine failed in a way that nobody foresaw")

    def _destroy(self, sandbox: Sandbox) -> None:
        try:
            sandbox.close()
        except EngineUnavailableError as error:
            self._orphans_remain = True
            log.warning("a sandbox was left behind: %s", error)
        finally:
            with self._changed:
                self._shelf.ending -= 1
                self._changed.notify_all()

    def _warm_one(self) -> None:
        sandbox = None
        try:
            sandbox = self._start_one()
            self._sweep()
        except EngineUnavailableError as error:
            log.warning("no sandbox could be warmed: %s", error)
        finally:
            with self._changed:
                self._shelf.starting -= 1
                if sandbox is None:
                    self._engine_away_until = self._clock.monotonic() + RETRY_SECONDS
                elif self._closed:
                    self._shelf.doomed.append(sandbox)
                else:
                    self._shelf.warm.append(sandbox)
                self._changed.notify_all()

    def _sweep(self) -> None:
        """Remove what a dead instance left behind, now that the engine answers (again)."""
        if self._orphans_remain:
            self._engine.remove_orphans()
            self._orphans_remain = False
