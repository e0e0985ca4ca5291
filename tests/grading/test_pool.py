"""Who gets which sandbox, and when it goes: with an engine that only counts."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from app.grading import leases
from app.grading.memory import MemoryBudget
from app.grading.pool import CHECK_SECONDS, RETRY_SECONDS, Pool, PoolClosedError
from app.grading.runs import (
    Call,
    CaseRun,
    EngineReport,
    EngineUnavailableError,
    Outcome,
    PoolBusyError,
    RunLimits,
    SandboxBrokenError,
)
from app.kit.clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

RUN = CaseRun(Outcome.RETURNED, cpu_ms=1, wall_ms=1, memory_kb=1)


@dataclass(eq=False)
class FakeSandbox:
    number: int
    spent: bool = False
    broken: bool = False
    interrupted: bool = False
    alive: bool = True
    closed: int = 0
    closing: Callable[[], None] = lambda: None
    calls: int = 0  # of the last run

    def run(self, calls: Sequence[Call]) -> list[CaseRun]:
        self.calls = len(calls)
        if self.interrupted:
            raise KeyboardInterrupt
        if self.broken:
            raise SandboxBrokenError
        return [RUN for _ in calls]

    def close(self) -> None:
        self.closing()
        self.closed += 1


@dataclass
class FakeEngine:
    started: list[FakeSandbox] = field(default_factory=list)
    away: bool = False
    failing: Callable[[], None] = lambda: None
    tries: int = 0
    sweeps: int = 0

    def start(self) -> FakeSandbox:
        self.tries += 1
        self.failing()
        if self.away:
            raise EngineUnavailableError("away")
        self.started.append(FakeSandbox(len(self.started)))
        return self.started[-1]

    def remove_orphans(self) -> int:
        self.sweeps += 1
        return 0

    def probe(self) -> EngineReport:
        return EngineReport(reachable=not self.away, problem="away" if self.away else None)

    def close(self) -> None:
        pass

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


def wake(pool: Pool) -> None:
    """Let the keeper look at the clock: whoever ends a lease wakes it."""
    use(pool, "somebody")
    pool.end("somebody")


def call_of(memory_mb: int) -> Call:
    return Call("", "f", b"", RunLimits(1, 1, memory_mb))


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
    monkeypatch.setattr(leases, "MAX_RUNS", 3)
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


def test_runs_of_one_owner_at_once_get_a_sandbox_each_and_one_is_kept(house: House) -> None:
    """A thread that waited for its owner's other run would keep other candidates waiting."""
    pool = house.pool()
    with pool.lease("a"), pool.lease("a"):
        assert len(house.engine.alive) == 2
    eventually(lambda: len(house.engine.alive) == 1)
    use(pool, "a")
    assert len(house.engine.started) == 2


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
    eventually(lambda: house.engine.tries == 1 and pool.census().other == 0)
    with pytest.raises(EngineUnavailableError):
        use(pool, "a")
    house.engine.away = False
    house.clock.advance(RETRY_SECONDS)
    wake(pool)
    eventually(lambda: pool.census().warm == 1)


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


def test_who_came_first_is_served_first(house: House) -> None:
    pool = house.pool(capacity=1)
    served: list[str] = []
    threads = []

    def work(owner: str) -> None:
        with pool.lease(owner):
            served.append(owner)

    with pool.lease("first"):
        for count, owner in enumerate("bcdef", start=1):
            threads.append(threading.Thread(target=work, args=(owner,)))
            threads[-1].start()
            eventually(lambda count=count: pool.census().waiting == count)  # type: ignore[misc]
    for thread in threads:
        thread.join()
    assert served == list("bcdef")


def test_returning_owner_does_not_wait_behind_newcomers(house: House) -> None:
    pool = house.pool(capacity=2)
    use(pool, "a")
    with pool.lease("b"):
        use(pool, "a")
    assert len(house.engine.started) == 2


def test_warm_stock_grows_with_newcomers_and_shrinks_when_they_stop(house: House) -> None:
    pool = house.pool(warm=1, capacity=20)
    for number in range(6):
        use(pool, str(number))
    eventually(lambda: pool.census().warm == 6)
    house.clock.advance(31)
    wake(pool)
    eventually(lambda: pool.census().warm == 1)


def test_warm_stock_grows_to_half_the_capacity_at_most(house: House) -> None:
    pool = house.pool(warm=1, capacity=8)
    for number in range(8):
        use(pool, str(number))
        pool.end(str(number))
    eventually(lambda: pool.census().warm == 4 and pool.census().other == 0)
    assert len(house.engine.alive) == 4


def test_nothing_is_kept_warm_where_nothing_shall_be(house: House) -> None:
    pool = house.pool(warm=0, capacity=8)
    for number in range(8):
        use(pool, str(number))
        pool.end(str(number))
    eventually(lambda: house.engine.alive == [])


def test_idle_leases_leave_room_for_newcomers(house: House) -> None:
    pool = house.pool(warm=1, capacity=3)
    for owner in "abc":
        eventually(lambda: pool.census().warm == 1)
        use(pool, owner)
    eventually(lambda: pool.census().warm == 1)
    assert pool.census().idle == 2
    use(pool, "c")  # the latest, who is the likeliest to come back, still has its own
    assert pool.census().warm == 1


@pytest.mark.parametrize("kind", ["warm", "idle"])
def test_a_dead_sandbox_is_never_lent(house: House, kind: str) -> None:
    pool = house.pool(warm=int(kind == "warm"))
    if kind == "warm":
        eventually(lambda: pool.census().warm == 1)
    else:
        use(pool, "a")
    house.engine.started[0].alive = False
    with pool.lease("a") as sandbox:
        assert sandbox.alive
    eventually(lambda: house.engine.started[0].closed == 1)


def test_the_dead_are_found_and_replaced_without_being_asked_for(house: House) -> None:
    pool = house.pool(warm=1)
    eventually(lambda: pool.census().warm == 1)
    use(pool, "a")
    eventually(lambda: pool.census().warm == 1)
    for sandbox in house.engine.started:
        sandbox.alive = False
    house.clock.advance(CHECK_SECONDS)
    wake(pool)
    eventually(lambda: not [one for one in house.engine.alive if not one.alive])
    eventually(lambda: pool.census().warm == 1)
    assert pool.census().idle == 0


def test_several_are_destroyed_at_once_but_not_all(house: House) -> None:
    pool = house.pool(capacity=12)
    leave, inside, most = threading.Event(), [0], [0]
    lock = threading.Lock()

    def closing() -> None:
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        leave.wait(5)
        with lock:
            inside[0] -= 1

    for number in range(10):
        use(pool, str(number))
    for sandbox in house.engine.started:
        sandbox.closing = closing
    for number in range(10):
        pool.end(str(number))
    eventually(lambda: inside[0] == 4)
    use(pool, "another")  # whoever runs code does not wait for that
    leave.set()
    eventually(lambda: len(house.engine.alive) == 1)
    assert most[0] == 4


def test_an_owner_whose_start_failed_is_not_ended_later(house: House) -> None:
    pool = house.pool()

    def fail() -> None:
        pool.end("a")
        raise EngineUnavailableError("away")

    house.engine.failing = fail
    with pytest.raises(EngineUnavailableError):
        use(pool, "a")
    house.engine.failing = lambda: None
    use(pool, "a")
    use(pool, "a")
    assert len(house.engine.started) == 1


@pytest.mark.parametrize("trouble", [OSError("no more threads"), ValueError("odd answer")])
def test_the_keeper_survives_whatever_an_engine_does(
    house: House, trouble: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise trouble

    house.engine.failing = fail
    pool = house.pool(warm=1)
    eventually(lambda: str(trouble) in caplog.text)
    house.engine.failing = lambda: None
    use(pool, "a")
    house.engine.started[0].closing = fail
    pool.end("a")
    house.clock.advance(RETRY_SECONDS)
    wake(pool)
    eventually(lambda: pool.census().warm == 1)
    eventually(lambda: pool.census().other == 0)


def test_an_engine_that_lets_wait_for_nothing_is_spared_the_next(house: House) -> None:
    pool = house.pool()
    house.engine.failing = lambda: house.clock.advance(30)  # as a frozen daemon does
    house.engine.away = True
    for _ in range(5):
        with pytest.raises(EngineUnavailableError):
            use(pool, "a")
    assert house.engine.tries == 1
    house.engine.away, house.engine.failing = False, lambda: None
    house.clock.advance(RETRY_SECONDS)
    use(pool, "a")


def test_orphans_are_removed_when_the_engine_is_there(house: House) -> None:
    house.engine.away = True
    pool = house.pool(warm=1)
    eventually(lambda: house.engine.tries == 1 and pool.census().other == 0)
    assert house.engine.sweeps == 0
    house.engine.away = False
    house.clock.advance(RETRY_SECONDS)
    wake(pool)
    eventually(lambda: house.engine.sweeps == 1)


def test_a_memory_budget_bounds_the_capacity(house: House) -> None:
    pool = house.pool(capacity=100, memory=MemoryBudget(1000, calls_at_once=2))
    assert pool.census().capacity == (1000 - 2 * 384) // 20


def test_a_memory_budget_too_small_for_one_sandbox_is_refused(house: House) -> None:
    with pytest.raises(ValueError, match="need 788 MiB, not 700"):
        house.pool(capacity=100, memory=MemoryBudget(700, calls_at_once=2))


# --- A second sandbox ---------------------------------------------------------------------------


def paired(house: House, **settings: Any) -> Pool:  # noqa: ANN401 - whatever Pool takes
    """Return a pool of eight whose owner "a" has two sandboxes, with two more kept warm."""
    pool = house.pool(**{"warm": 2, "capacity": 8, **settings})
    eventually(lambda: pool.census().warm == 2)
    use(pool, "a")
    eventually(lambda: pool.census().warm == 2)
    use(pool, "a")
    return pool


def halves(house: House, pool: Pool) -> list[FakeSandbox]:
    """Return the sandboxes that share the calls of owner "a"."""
    with pool.lease("a") as sandbox:
        sandbox.run([call_of(64)] * 6)
    return [one for one in house.engine.started if one.calls == 3]


@pytest.fixture(autouse=True)
def _two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)


def test_a_second_sandbox_is_lent_while_most_are_free(house: House) -> None:
    pool = paired(house)
    eventually(lambda: pool.census().warm == 2)
    assert pool.alive == 4
    assert len(halves(house, pool)) == 2


def test_no_second_one_on_a_single_core(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    pool = paired(house)
    eventually(lambda: pool.census().warm == 2)
    assert pool.alive == 3


def test_one_at_a_time_while_others_need_the_cores(house: House) -> None:
    pool = paired(house)
    with pool.lease("b"):
        assert halves(house, pool) == []
    assert len(halves(house, pool)) == 2


def test_the_last_warm_one_is_left_for_a_newcomer(house: House) -> None:
    pool = house.pool(warm=1, capacity=8)
    eventually(lambda: pool.census().warm == 1)
    use(pool, "a")
    eventually(lambda: pool.census().warm == 1)
    use(pool, "a")
    assert pool.alive == 2


def test_no_second_one_when_half_of_the_room_is_taken(house: House) -> None:
    pool = paired(house, capacity=4)
    eventually(lambda: pool.census().warm == 2)
    assert pool.alive == 3


def test_a_second_sandbox_makes_room_before_anybody_loses_the_first(house: House) -> None:
    pool = paired(house)
    first, second = halves(house, pool)
    for owner in "bcdef":
        use(pool, owner)
    eventually(lambda: first.closed + second.closed == 1)
    assert pool.census().idle == 6


def test_ending_a_lease_destroys_both(house: House) -> None:
    pool = paired(house)
    eventually(lambda: pool.census().warm == 2)
    pool.end("a")
    eventually(lambda: len(house.engine.alive) == 2)


def test_a_dead_second_one_takes_the_pair_along(house: House) -> None:
    pool = paired(house)
    eventually(lambda: pool.census().warm == 2)
    house.clock.advance(CHECK_SECONDS)
    lost = halves(house, pool)
    lost[1].alive = False
    wake(pool)
    eventually(lambda: [one.closed for one in lost] == [1, 1])


def test_closing_the_pool_destroys_pairs(house: House) -> None:
    pool = paired(house)
    pool.close()
    assert house.engine.alive == []
