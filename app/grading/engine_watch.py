"""Knows whether code can be run: asks the engine now and then, not for every page."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.grading.runs import Engine, EngineReport
    from app.kit.clock import Clock

FRESH_SECONDS = 5.0


class EngineWatch:
    """Remembers the engine's last report for a few seconds."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine, self._clock = engine, clock
        self._lock = Lock()
        self._report: EngineReport | None = None
        self._asked_at = 0.0

    def report(self) -> EngineReport:
        """Return what the engine said within the last seconds."""
        with self._lock:
            now = self._clock.monotonic()
            if self._report is None or now - self._asked_at > FRESH_SECONDS:
                self._report, self._asked_at = self._engine.probe(), now
            return self._report
