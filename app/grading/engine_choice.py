"""Of several engines, the first that can hold hostile code; none of them as long as none can."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING

from app.grading.runs import EngineReport, EngineUnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.grading.runs import Engine, Sandbox

log = logging.getLogger(__name__)


class FirstFit:
    """Asks engines in order until one is fit, and stays with that one.

    It would else change between kinds of sandboxes, and times could not be compared.
    """

    def __init__(self, candidates: Sequence[Engine]) -> None:
        self._candidates = candidates
        self._chosen: Engine | None = None
        self._lock = Lock()

    def start(self) -> Sandbox:
        """Start a sandbox on the engine that is fit. Raises EngineUnavailableError for none."""
        engine = self._chosen
        if engine is None:
            report = self.probe()
            engine = self._chosen
            if engine is None:
                raise EngineUnavailableError(report.problem)
        return engine.start()

    def probe(self) -> EngineReport:
        """Return the report of the chosen engine, or of the first one with everybody's reasons."""
        with self._lock:
            if self._chosen is not None:
                return self._chosen.probe()
            unfit: list[EngineReport] = []
            for engine in self._candidates:
                report = engine.probe()
                if report.problem is None:
                    self._choose(engine, unfit)
                    return report
                unfit.append(report)
        reasons = "; ".join(f"{report.backend}: {report.problem}" for report in unfit)
        return replace(unfit[0], problem=reasons)

    def remove_orphans(self) -> int:
        """Remove what dead instances left on any of them; return how many sandboxes."""
        removed = 0
        for engine in self._candidates:
            with suppress(EngineUnavailableError):
                removed += engine.remove_orphans()
        return removed

    def close(self) -> None:
        """Give back what they hold open."""
        for engine in self._candidates:
            engine.close()

    def _choose(self, engine: Engine, unfit: Sequence[EngineReport]) -> None:
        self._chosen = engine
        for report in unfit:
            log.warning("%s is not used: %s", report.backend, report.problem)
