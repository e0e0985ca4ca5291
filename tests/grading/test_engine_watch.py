"""Pages ask whether code can be run: often, and without waiting for an engine that is frozen."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from app.grading.engine_watch import FRESH_SECONDS, EngineWatch
from app.grading.runs import EngineReport
from app.kit.clock import ManualClock
from tests.fakes import FakeEngine


@dataclass
class FrozenEngine(FakeEngine):
    """Answers once it is thawed."""

    thawed: threading.Event = field(default_factory=threading.Event)
    asked: int = 0

    def probe(self) -> EngineReport:
        self.asked += 1
        self.thawed.wait(10)
        return super().probe()


def test_report_is_asked_for_again_when_it_is_old() -> None:
    engine, clock = FakeEngine(), ManualClock()
    watch = EngineWatch(engine, clock)
    assert watch.report().problem is None
    engine.away = True
    assert watch.report().problem is None
    clock.advance(FRESH_SECONDS + 1)
    assert watch.report().problem == "away"


def test_frozen_engine_holds_nobody_up_and_is_asked_once() -> None:
    engine, clock = FrozenEngine(), ManualClock()
    watch = EngineWatch(engine, clock, patience_seconds=0.01)
    for _ in range(3):
        assert watch.report() == EngineReport(reachable=False, problem="the engine does not answer")
        clock.advance(FRESH_SECONDS + 1)
    assert engine.asked == 1
    engine.thawed.set()
    for _ in range(100):
        clock.advance(FRESH_SECONDS + 1)
        if watch.report().reachable:
            return
    raise AssertionError("it answers, and nobody listens")


def test_who_has_patience_gets_the_answer_that_pages_do_not_wait_for() -> None:
    engine, clock = FrozenEngine(), ManualClock()
    watch = EngineWatch(engine, clock, patience_seconds=0)
    assert not watch.report().reachable
    clock.advance(FRESH_SECONDS + 1)
    engine.thawed.set()
    assert watch.report(patience_seconds=10).reachable
