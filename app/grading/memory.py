"""How much memory sandboxes may take together: at rest little, while they run up to their caps."""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Condition
from typing import TYPE_CHECKING

from app.grading.runs import PoolBusyError, check_count
from app.grading.sandbox_session import DEFAULT_MEMORY_MB, memory_cap_mb

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.grading.runs import Call
    from app.kit.clock import Clock

# What a fork server at rest holds, its share of common pages included; `make bench` measures it.
IDLE_MB = 20
MAX_TOTAL_MB = 16 * 1024 * 1024
MAX_CALLS_AT_ONCE = 1024


@dataclass(frozen=True, slots=True)
class MemoryBudget:
    """The MiB that all sandboxes may take together, with `calls_at_once` running; 0: no bound.

    Raises ValueError for what is no such number.
    """

    total_mb: int = 0
    calls_at_once: int = 1

    def __post_init__(self) -> None:
        check_count("MiB of all sandboxes", self.total_mb, MAX_TOTAL_MB, least=0)
        check_count("calls at once", self.calls_at_once, MAX_CALLS_AT_ONCE)

    def capacity(self, wanted: int) -> int:
        """Return how many sandboxes fit, at most `wanted`, with room for usual calls at once.

        Raises ValueError where not even one fits.
        """
        if not self.total_mb:
            return wanted
        for_calls = self.calls_at_once * DEFAULT_MEMORY_MB
        if self.total_mb < for_calls + IDLE_MB:
            least = for_calls + IDLE_MB
            reason = f"{self.calls_at_once} calls at once need {least} MiB, not {self.total_mb}"
            raise ValueError(reason)
        return min(wanted, (self.total_mb - for_calls) // IDLE_MB)

    def for_calls(self, capacity: int, *, clock: Clock, busy_seconds: float) -> RunningMemory:
        """Return what is left for running calls beside `capacity` sandboxes at rest."""
        left_mb = max(self.total_mb - capacity * IDLE_MB, 0)
        return RunningMemory(left_mb, clock=clock, busy_seconds=busy_seconds)


UNBOUNDED = MemoryBudget()


class RunningMemory:
    """Lets calls run at once only while their caps fit `total_mb` together; 0 means no bound.

    First come, first served, so that small calls keep no large one waiting. A call that needs more
    than everything runs alone.
    """

    def __init__(self, total_mb: int, *, clock: Clock, busy_seconds: float) -> None:
        self._total_mb = total_mb
        self._clock = clock
        self._busy_seconds = busy_seconds
        self._taken_mb = 0
        self._queue: deque[object] = deque()
        self._changed = Condition()

    @property
    def waiting(self) -> int:
        """How many wait for others to give memory back."""
        with self._changed:
            return len(self._queue)

    @contextmanager
    def held_for(self, calls: Sequence[Call], *, at_once: int = 1) -> Iterator[None]:
        """Hold what the largest of `calls` may use, as often as they run, inside the block.

        Raises PoolBusyError where it is not free within `busy_seconds`.
        """
        largest = max(map(memory_cap_mb, calls), default=0) if self._total_mb else 0
        needed = largest * at_once
        with self._changed:
            self._wait_for(needed)
            self._taken_mb += needed
        try:
            yield
        finally:
            with self._changed:
                self._taken_mb -= needed
                self._changed.notify_all()

    def _wait_for(self, needed_mb: int) -> None:
        deadline = self._clock.monotonic() + self._busy_seconds
        ticket = object()
        self._queue.append(ticket)
        try:
            while self._queue[0] is not ticket or not self._fits(needed_mb):
                left = deadline - self._clock.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    raise PoolBusyError
        finally:
            self._queue.remove(ticket)
            self._changed.notify_all()  # whoever is next may fit

    def _fits(self, needed_mb: int) -> bool:
        return not self._taken_mb or self._taken_mb + needed_mb <= self._total_mb
