"""Calls share the memory: first come, first served, and nobody waits without an end."""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING, cast

import pytest

from app.grading.memory import MemoryBudget, RunningMemory
from app.grading.runs import Call, PoolBusyError, RunLimits
from app.grading.sandbox_session import memory_cap_mb
from app.kit.clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import Callable


def calls_of(memory_mb: int) -> list[Call]:
    return [Call("", "f", b"", RunLimits(1, 1, memory_mb))]


SMALL, LARGE = calls_of(256), calls_of(900)
ROOM_MB = 3 * memory_cap_mb(SMALL[0])


def running(total_mb: int = ROOM_MB, busy_seconds: float = 30.0) -> RunningMemory:
    return RunningMemory(total_mb, clock=ManualClock(), busy_seconds=busy_seconds)


def eventually(holds: Callable[[], bool]) -> None:
    for _ in range(1000):
        if holds():
            return
        time.sleep(0.01)
    raise AssertionError("it never came to that")


class Worker(threading.Thread):
    """Holds memory from when it gets it until it is told to stop."""

    def __init__(self, memory: RunningMemory, calls: list[Call], at_once: int = 1) -> None:
        super().__init__(daemon=True)
        self.memory, self.calls, self.at_once = memory, calls, at_once
        self.holds, self.enough, self.was_refused = threading.Event(), threading.Event(), False
        waiting = memory.waiting
        self.start()
        eventually(lambda: self.holds.is_set() or memory.waiting > waiting)

    def run(self) -> None:
        try:
            with self.memory.held_for(self.calls, at_once=self.at_once):
                self.holds.set()
                self.enough.wait(10)
        except PoolBusyError:
            self.was_refused = True

    def end(self) -> None:
        self.enough.set()
        self.join(10)


def test_what_fits_runs_at_once() -> None:
    memory = running()
    workers = [Worker(memory, SMALL) for _ in range(3)]
    assert all(worker.holds.is_set() for worker in workers)
    fourth = Worker(memory, SMALL)
    assert not fourth.holds.is_set()
    for worker in (*workers, fourth):
        worker.end()
    assert fourth.holds.is_set()


def test_a_large_call_is_served_before_small_ones_that_came_later() -> None:
    memory = running()
    first = Worker(memory, SMALL)
    large = Worker(memory, LARGE)
    later = Worker(memory, SMALL)  # it would fit beside the first
    assert (large.holds.is_set(), later.holds.is_set()) == (False, False)
    first.end()
    assert large.holds.wait(10)
    assert not later.holds.is_set()
    large.end()
    assert later.holds.wait(10)
    later.end()


def test_what_needs_more_than_everything_runs_alone() -> None:
    memory = running(100)
    alone = Worker(memory, LARGE)
    assert alone.holds.is_set()
    other = Worker(memory, SMALL)
    assert not other.holds.is_set()
    alone.end()
    assert other.holds.wait(10)
    other.end()


def test_calls_side_by_side_need_as_much_each() -> None:
    memory = running()
    pair = Worker(memory, SMALL, at_once=2)
    second = Worker(memory, SMALL, at_once=2)
    assert not second.holds.is_set()
    pair.end()
    assert second.holds.wait(10)
    second.end()


def test_who_waits_too_long_is_told_that_it_is_busy_and_leaves_the_queue() -> None:
    memory = running(busy_seconds=0)
    first = Worker(memory, SMALL)
    with pytest.raises(PoolBusyError), memory.held_for(LARGE):
        pass
    with memory.held_for(SMALL):
        assert memory.waiting == 0
    first.end()
    with memory.held_for(LARGE):
        pass


def test_the_wait_ends_by_the_clock() -> None:
    clock = ManualClock()
    memory = RunningMemory(ROOM_MB, clock=clock, busy_seconds=30)
    first, second = Worker(memory, SMALL), Worker(memory, SMALL)
    large = Worker(memory, LARGE)
    clock.advance(31)
    second.end()  # which wakes the large one, with still too little for it
    large.join(10)
    assert large.was_refused
    first.end()


def test_without_a_bound_nobody_waits() -> None:
    memory = running(0)
    workers = [Worker(memory, LARGE) for _ in range(5)]
    assert all(worker.holds.is_set() for worker in workers)
    for worker in workers:
        worker.end()


@pytest.mark.parametrize("wrong", [-1, math.nan, math.inf, 10**9, 1.5, True, "5"])
def test_a_budget_that_is_no_number_of_mib_is_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match="MiB of all sandboxes must be a whole number from 0"):
        MemoryBudget(cast("int", wrong))


@pytest.mark.parametrize("wrong", [0, -1, math.nan, 10**9, True])
def test_a_budget_for_no_number_of_calls_is_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match="calls at once must be a whole number from 1"):
        MemoryBudget(1000, cast("int", wrong))
