"""How much memory sandboxes may take together: at rest little, while they run up to their caps."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from threading import Condition
from typing import TYPE_CHECKING

from app.grading.sandbox_session import DEFAULT_MEMORY_MB, memory_cap_mb

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.grading.runs import Call

# What a fork server at rest holds, its share of common pages included; `make bench` measures it.
IDLE_MB = 20


@dataclass(frozen=True, slots=True)
class MemoryBudget:
    """The MiB that all sandboxes may take together, with `calls_at_once` running; 0: no bound."""

    total_mb: int = 0
    calls_at_once: int = 1

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

    def for_calls(self, capacity: int) -> RunningMemory:
        """Return what is left for running calls beside `capacity` sandboxes at rest."""
        return RunningMemory(max(self.total_mb - capacity * IDLE_MB, 0))


UNBOUNDED = MemoryBudget()


class RunningMemory:
    """Lets calls run at once only while their caps fit `total_mb` together; 0 means no bound.

    A call that needs more than everything runs alone.
    """

    def __init__(self, total_mb: int) -> None:
        self._total_mb = total_mb
        self._taken_mb = 0
        self._changed = Condition()

    @contextmanager
    def held_for(self, calls: Sequence[Call], *, at_once: int = 1) -> Iterator[None]:
        """Hold what the largest of `calls` may use, as often as they run, inside the block."""
        largest = max(map(memory_cap_mb, calls), default=0) if self._total_mb else 0
        needed = largest * at_once
        with self._changed:
            self._changed.wait_for(lambda: self._fits(needed))
            self._taken_mb += needed
        try:
            yield
        finally:
            with self._changed:
                self._taken_mb -= needed
                self._changed.notify_all()

    def _fits(self, needed_mb: int) -> bool:
        return not self._taken_mb or self._taken_mb + needed_mb <= self._total_mb
