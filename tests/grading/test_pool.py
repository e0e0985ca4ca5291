"""Who gets which sandbox, and when it goes: with an engine that only counts."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from app.grading import pool as pool_module
from app.grading.pool import Pool, PoolBusyError, PoolClosedError
from app.grading.runs import CaseRun, EngineUnavailableError, Outcome, SandboxBrokenError
from app.kit.clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from app.grading.runs import Call

RUN = CaseRun(Outcome.RETURNED, cpu_ms=1, wall_ms=1, memory_kb=1)


@dataclass(eq=False)
class FakeSandbox:
    number: int
    spent: bool = False
    broken: bool = False
    interrupted: bool = False
    closed: int = 0

    def run(self, calls: Sequence[Call]) -> list[CaseRun]:
        if self.interrupted:
            raise KeyboardInterrupt
        if self.broken:
            raise SandboxBrokenError
        return [RUN for _ in calls]

    def close(self) -> None:
        self.closed += 1


@dataclass
class FakeEngine:
    started: list[FakeSandbox] = field(default_factory=list)
    away: bool = False

    def start(self) -> FakeSandbox:
        if self.away:
            raise EngineUnavailableError("away")
        self.started.append(FakeSandbox(len(self.started)))
        return self.started[-1]

    def remove_orphans(self) -> int:
        return 0

    @property
    def alive(self) -> list[FakeSandbox]:
        return [sandbox for sandbox in self.started if not sandbox.closed]


@dataclass
class House:
    engine: FakeEngine = field(default_factory=FakeEngine)
    clock: ManualClock = field(default_factory=ManualClock)
    pools: list[Pool] = field(default_factory=list)

    def pool(self, **settings: Any) -> Pool:  # noqa: ANN401 - whatever Pool takes
        wanted = {"warm": 0, "capacity": 3, "busy_seconds": 2.0, **settings}
        pool = Pool(self.engine, clock=self.clock, **wanted)
        self.pools.append(pool)
        return pool


@pytest.fixture
def house() -> Iterator[House]:
    house = House()
    yield house
    for pool in house.pools:
        pool.close()


def eventually(condition: Callable[[], bool]) -> None:
    for _ in range(500):
        if condition():
            return
        time.sleep(0.01)
    pytest.fail("it did not happen within five seconds")


def use(pool: Pool, owner: str) -> None:
    with pool.lease(owner) as sandbox:
        sandbox.run([])


def test_warm_sandboxes_are_started_ahead_and_replaced(house: House) -> None:
    pool = house.pool(warm=2)
    eventually(lambda: len(house.engine.started) == 2)
    use(pool, "a")
    eventually(lambda: len(house.engine.started) == 3)
    assert len(house.engine.alive) == 3


def test_an_owner_keeps_its_sandbox(house: House) -> None:
    pool = house.pool()
    use(pool, "a")
    use(pool, "a")
    assert len(house.engine.started) == 1


def test_owners_never_share(house: House) -> None:
    pool = house.pool(capacity=2)
    for owner in "abcabcaab":
        use(pool, owner)
    # Whoever comes back after an eviction gets a new one.
    assert all(sandbox.closed <= 1 for sandbox in house.engine.started)
    assert len(house.engine.started) >= 6
    eventually(lambda: len(house.engine.alive) <= 2)


def test_the_least_recently_used_makes_room(house: House) -> None:
    pool = house.pool(capacity=2)
    for owner in ("a", "b", "a", "c"):
        use(pool, owner)
    first, second, third = house.engine.started
    assert (first.closed, second.closed, third.closed) == (0, 1, 0)


def test_never_reusing_destroys_after_each_lease(house: House) -> None:
    pool = house.pool(reuse="never")
    use(pool, "a")
    use(pool, "a")
    assert len(house.engine.started) == 2
    eventually(lambda: house.engine.alive == [])


def test_an_idle_lease_ends(house: House) -> None:
    pool = house.pool(idle_seconds=60)
    use(pool, "a")
    house.clock.advance(61)
    use(pool, "b")  # wakes the keeper
    eventually(lambda: house.engine.started[0].closed == 1)
    assert house.engine.started[1].closed == 0


@pytest.mark.parametrize("oddity", ["spent", "broken"])
def test_an_odd_sandbox_is_destroyed(house: House, oddity: str) -> None:
    pool = house.pool()
    use(pool, "a")
    setattr(house.engine.started[0], oddity, True)
    try:
        use(pool, "a")
    except SandboxBrokenError:
        assert oddity == "broken"
    use(pool, "a")
    assert len(house.engine.started) == 2
    eventually(lambda: house.engine.started[0].closed == 1)


def test_an_interrupted_exchange_destroys_the_sandbox(house: House) -> None:
    pool = house.pool()
    use(pool, "a")
    sandbox = house.engine.started[0]
    sandbox.interrupted = True
    with pytest.raises(KeyboardInterrupt):
        use(pool, "a")
    eventually(lambda: sandbox.closed == 1)


def test_closing_a_leased_sandbox_ends_the_lease(house: House) -> None:
    pool = house.pool()
    with pool.lease("a") as sandbox:
        sandbox.close()
        assert sandbox.spent
    eventually(lambda: house.engine.started[0].closed == 1)


def test_too_many_runs_destroy(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "MAX_RUNS", 3)
    pool = house.pool()
    for _ in range(4):
        use(pool, "a")
    assert len(house.engine.started) == 2


def test_ending_destroys_an_idle_lease(house: House) -> None:
    pool = house.pool()
    use(pool, "a")
    pool.end("a")
    pool.end("nobody")
    eventually(lambda: house.engine.alive == [])


def test_ending_a_running_lease_waits_for_its_run(house: House) -> None:
    pool = house.pool()
    with pool.lease("a") as sandbox:
        pool.end("a")
        assert house.engine.started[0].closed == 0
        sandbox.run([])
    eventually(lambda: house.engine.alive == [])


def test_two_threads_of_one_owner_take_turns(house: House) -> None:
    pool = house.pool()
    inside = 0
    most = 0

    def work() -> None:
        nonlocal inside, most
        with pool.lease("a"):
            inside += 1
            most = max(most, inside)
            time.sleep(0.02)
            inside -= 1

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert len(house.engine.started) == 1


def test_a_full_pool_is_busy_after_a_while(house: House) -> None:
    pool = house.pool(capacity=1, busy_seconds=0.05)
    with pool.lease("a"), pytest.raises(PoolBusyError):
        use(pool, "b")


def test_who_waits_gets_the_place_that_becomes_free(house: House) -> None:
    pool = house.pool(capacity=1)
    done = threading.Event()

    def work() -> None:
        use(pool, "b")
        done.set()

    with pool.lease("a"):
        thread = threading.Thread(target=work)
        thread.start()
        assert not done.wait(0.05)
    thread.join()
    assert done.is_set()
    assert house.engine.started[0].closed == 1


def test_an_engine_that_is_away_fails_the_lease_and_frees_its_place(house: House) -> None:
    pool = house.pool(capacity=1)
    house.engine.away = True
    for _ in range(2):
        with pytest.raises(EngineUnavailableError):
            use(pool, "a")
    house.engine.away = False
    use(pool, "a")


def test_warming_is_tried_again_when_the_engine_is_back(house: House) -> None:
    house.engine.away = True
    pool = house.pool(warm=1)
    with pytest.raises(EngineUnavailableError):
        use(pool, "a")
    house.engine.away = False

    def warmed() -> bool:
        house.clock.advance(60)
        use(pool, "a")  # wakes the keeper
        return len(house.engine.started) == 2

    eventually(warmed)


def test_closing_destroys_everything_and_refuses_more(house: House) -> None:
    pool = house.pool(warm=1)
    use(pool, "a")
    pool.close()
    pool.close()
    assert house.engine.alive == []
    with pytest.raises(PoolClosedError):
        use(pool, "a")


def test_closing_waits_for_a_running_lease(house: House) -> None:
    pool = house.pool()
    inside, leave = threading.Event(), threading.Event()

    def work() -> None:
        with pool.lease("a"):
            inside.set()
            leave.wait(5)

    thread = threading.Thread(target=work)
    thread.start()
    assert inside.wait(5)
    closing = threading.Thread(target=pool.close)
    closing.start()
    assert house.engine.started[0].closed == 0
    leave.set()
    thread.join()
    closing.join()
    assert house.engine.started[0].closed == 1


def test_many_owners_at_once_stay_within_capacity(house: House) -> None:
    pool = house.pool(warm=1, capacity=3, busy_seconds=10)
    most = 0
    served: list[str] = []

    def work(owner: str) -> None:
        nonlocal most
        for _ in range(5):
            with pool.lease(owner) as sandbox:
                most = max(most, len(house.engine.alive))
                sandbox.run([])
        served.append(owner)

    threads = [threading.Thread(target=work, args=(str(n),)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(served) == 8
    assert most <= 3


def test_warm_must_leave_room(house: House) -> None:
    with pytest.raises(ValueError, match="warm"):
        house.pool(warm=3, capacity=3)
