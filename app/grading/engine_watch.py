"""Knows whether code can be run: asks the engine now and then, and lets no page wait for it."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Lock
from typing import TYPE_CHECKING

from app.grading.runs import EngineReport

if TYPE_CHECKING:
    from app.grading.runs import Engine
    from app.kit.clock import Clock

FRESH_SECONDS = 5.0
# A frozen engine takes calls and answers none: whoever asks must not freeze with it.
PATIENCE_SECONDS = 1.0


class EngineWatch:
    """Remembers the engine's last report for a few seconds."""

    def __init__(
        self, engine: Engine, clock: Clock, *, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        self._engine, self._clock, self._patience_seconds = engine, clock, patience_seconds
        self._lock = Lock()
        self._report: EngineReport | None = None
        self._asked_at = 0.0
        self._asking: Future[EngineReport] | None = None

    def report(self, *, patience_seconds: float | None = None) -> EngineReport:
        """Return what the engine said within the last seconds, or that it says nothing.

        It may take `patience_seconds` to answer, or else those that the watch was made with.
        """
        patience = self._patience_seconds if patience_seconds is None else patience_seconds
        with self._lock:
            now = self._clock.monotonic()
            if self._report is None or now - self._asked_at > FRESH_SECONDS:
                self._report, self._asked_at = self._ask(patience), now
            return self._report

    def _ask(self, patience_seconds: float) -> EngineReport:
        """Ask once; as long as that is not answered, nothing is asked again."""
        asking = self._asking or self._begin()
        wait([asking], patience_seconds)
        self._asking = None if asking.done() else asking
        if not asking.done():
            return EngineReport(reachable=False, problem="the engine does not answer")
        return asking.result()

    def _begin(self) -> Future[EngineReport]:
        """Ask in a thread that ends with the answer."""
        hand = ThreadPoolExecutor(1, "engine-watch")
        asking = hand.submit(self._engine.probe)
        hand.shutdown(wait=False)
        return asking
