"""Group G, cleanup and faults: nothing is left, and what fails is never taken for a verdict."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING

import docker
import pytest
from docker.errors import APIError

from app.grading.bwrap_engine import BubblewrapEngine
from app.grading.docker_engine import DockerEngine, image_tag
from app.grading.pool import Pool
from app.grading.runs import (
    EngineUnavailableError,
    Outcome,
    PoolBusyError,
    RunLimits,
    SandboxBrokenError,
)
from app.kit.clock import SystemClock
from tests.attacks.traces import assert_nothing_is_left, left_by, traces
from tests.sandboxes import BACKENDS, LIMITS, ROOT, SHORT, SPIN, Box, call, result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from app.grading.runs import Call, CaseRun, Engine

ELSEWHERE = {
    121: "tests/attacks/test_channels.py::"
    "test_a_process_left_behind_is_killed_and_spends_the_sandbox",
    126: "tests/services/test_distributed.py::test_a_killed_workers_job_is_taken_up_again",
    130: "tests/attacks/test_channels.py::test_a_call_finds_python_as_if_it_were_the_first",
    132: "tests/grading/test_running.py::"
    "test_call_that_was_late_by_a_little_is_run_again_and_the_better_counts",
}

NAME = "import ctypes\ndef name(text): ctypes.CDLL(None).prctl(15, text.encode(), 0, 0, 0)\n"
GROWTH_KB = 16 * 1024
KEPT_CONNECTIONS = 20  # to a container engine, for the next time; closed with ours


# --- After the call --------------------------------------------------------------------------


@pytest.mark.case(122)
def test_a_time_out_leaves_no_process(box: Box) -> None:
    code = """
        import os, signal, time
        def f():
            for number in range(1, 65):
                try: signal.signal(number, signal.SIG_IGN)
                except (OSError, ValueError): pass
            for _ in range(10):
                if os.fork() == 0: os.setsid(); break
            time.sleep(60)
    """
    assert box.one(code, limits=SHORT).outcome is Outcome.WALL_TIME
    look = "import os\ndef f(): return [n for n in os.listdir('/proc') if n.isdigit()]"
    seen = box.value(look)
    assert isinstance(seen, list)
    assert len(seen) == 2


@pytest.mark.case(123)
def test_a_killed_server_leaves_nothing_of_a_running_call(engine: Engine) -> None:
    mark = f"left-{os.getpid()}"
    program = f"""
import os, sys, threading, time
from app.grading.instances import this_instance
from tests.sandboxes import BACKENDS, Box
box = Box(BACKENDS[{engine.probe().backend!r}](None))
code = {NAME!r} + '''
import os, time
def f(mark):
    name(mark)
    if os.fork() == 0: os.setsid()
    print("running", flush=True)
    time.sleep(60)
'''
box.value("def f(): pass")
threading.Thread(target=box.one, args=(code, {{"mark": {mark!r}}}), daemon=True).start()
time.sleep(0.5)
print(this_instance(), flush=True)
os.kill(os.getpid(), 9)
"""
    died = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert died.returncode == -9, died.stderr
    instance = died.stdout.strip().splitlines()[-1]
    eventually(lambda: not processes_named(mark))
    engine.remove_orphans()
    eventually(lambda: not left_by(instance))


NORMAL = ("def f(x): return x + 1", Outcome.RETURNED)
CHEAP = [
    NORMAL,
    ("def f(x): raise KeyError(x)", Outcome.RAISED),
    NORMAL,
    ("import os\ndef f(x): os._exit(0)", Outcome.DIED),
    NORMAL,
    ("import os\ndef f(x): os.kill(os.getpid(), 9)", Outcome.DIED),
    ("import os\ndef f(x):\n    while True: os.write(1, b'x' * 4096)", Outcome.OUTPUT),
    NORMAL,
    ("def f(x): return bytearray(10**11)", Outcome.MEMORY),
    ("import os\ndef f(x):\n    while True: os.open('/dev/null', 0)", Outcome.RAISED),
    NORMAL,
    ("def f(x): return f(x)", Outcome.RAISED),
    ("def f(x): return object()", Outcome.NOT_DATA),
    ("def f(x", Outcome.BAD_CODE),
    NORMAL,
    ("import ctypes\ndef f(x): ctypes.string_at(0)", Outcome.DIED),
    ("import os\ndef f(x):\n    os.dup2(os.pipe()[1], 3)\n    return 1", Outcome.DIED),
    NORMAL,
    ("import os\ndef f(x):\n    while True: os.write(3, b'R' * 9999)", Outcome.OUTPUT),
    ("import numpy as np\ndef f(x): return np.zeros((500, 500)) + x", Outcome.RETURNED),
]
FORK_BOMB = """
import os
def f(x):
    while True:
        try: os.fork()
        except OSError: pass
"""
DEAR = [
    ("import os, time\ndef f(x):\n    if not os.fork(): time.sleep(9)", Outcome.RETURNED),
    ("def f(x):\n    while True: pass", Outcome.CPU_TIME),
    ("import time\ndef f(x): time.sleep(9)", Outcome.WALL_TIME),
    (FORK_BOMB, Outcome.CPU_TIME),
]
TIGHT = RunLimits(cpu_seconds=0.15, wall_seconds=8, memory_mb=128, result_bytes=4 << 20)
LATE = replace(TIGHT, wall_seconds=0.4)


@pytest.mark.case(124)
def test_a_thousand_calls_leave_no_trace(engine: Engine) -> None:
    before_pool = traces()
    pool = Pool(engine, clock=SystemClock(), warm=1, capacity=3)
    try:
        run_mixed(pool, "first", 150)
        before = traces()
        run_mixed(pool, "second", 850)
        after = traces()
    finally:
        pool.close()
    # Warm sandboxes come and go while the pool lives; each has one or two descriptors.
    assert after.descriptors - before.descriptors <= 8
    assert len(after.threads - before.threads) <= 6
    assert after.mounts == before.mounts
    assert len(after.containers - before_pool.containers) <= 3
    assert after.rss_kb - before.rss_kb < GROWTH_KB
    assert_nothing_is_left(before_pool, connections=KEPT_CONNECTIONS)


def run_mixed(pool: Pool, owner: str, count: int) -> None:
    """Run `count` calls, most of them hostile, in batches of twenty; one in a hundred is dear."""
    for at in range(0, count, 100):
        batch = [*islice(cycle(CHEAP), min(100, count - at) - 1), DEAR[at // 100 % len(DEAR)]]
        for start in range(0, len(batch), 20):
            part = batch[start : start + 20]
            with pool.lease(owner) as sandbox:
                runs = sandbox.run([mixed_call(code, outcome) for code, outcome in part])
            assert [run.outcome for run in runs] == [outcome for _, outcome in part]


def mixed_call(code: str, outcome: Outcome) -> Call:
    return call(code, {"x": 1}, limits=LATE if outcome is Outcome.WALL_TIME else TIGHT)


@pytest.mark.case(125)
def test_eight_threads_that_leave_processes_behind_clean_up_alike(engine: Engine) -> None:
    before = traces()
    leave = "import os, time\ndef f(x):\n    if not os.fork(): time.sleep(30)\n    return x"
    pool = Pool(engine, clock=SystemClock(), warm=2, capacity=8)

    def work(number: int) -> list[CaseRun]:
        runs = []
        for _ in range(2):
            with pool.lease(f"owner {number}") as sandbox:
                runs += sandbox.run([call(leave, {"x": number}, limits=LIMITS)])
        return runs

    try:
        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(work, range(8)))
    finally:
        pool.close()
    assert [[result(run) for run in runs] for runs in answers] == [[n, n] for n in range(8)]
    assert_nothing_is_left(before, connections=KEPT_CONNECTIONS)


# --- Faults of the machinery -----------------------------------------------------------------


@pytest.mark.case(127)
def test_a_full_disk_is_the_engine_s_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise APIError("no space left on device")

    monkeypatch.setattr(docker.APIClient, "create_container", full)
    engine = DockerEngine(image_tag())
    with pytest.raises(EngineUnavailableError, match="no space left"):
        engine.start()
    engine.close()


@pytest.mark.case(127)
def test_a_missing_root_is_the_engine_s_problem(tmp_path: Path) -> None:
    engine = BubblewrapEngine(tmp_path / "none")
    with pytest.raises(EngineUnavailableError):
        engine.start()
    engine.close()


@pytest.mark.case(127, 128)
def test_the_death_of_pid_1_is_no_verdict_on_the_call(box: Box) -> None:
    mark = f"orphan-{os.getpid()}"
    sleep = NAME + "import time\ndef f(mark):\n    name(mark)\n    time.sleep(30)"
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(box.one, sleep, {"mark": mark}, limits=LIMITS)
        eventually(lambda: processes_named(mark))
        (child,) = processes_named(mark)
        os.kill(parent_of(child), 9)
        with pytest.raises(SandboxBrokenError):
            running.result()
    eventually(lambda: not processes_named(mark))


@pytest.mark.case(128)
def test_the_kernel_s_kill_for_lack_of_memory_is_told_from_others(box: Box) -> None:
    code = """
        import os, time
        def f():
            for _ in range(2):
                if os.fork() == 0:
                    held = bytearray(os.urandom(1)) * (60 * 2**20)
                    time.sleep(30)
                    os._exit(0)
            time.sleep(0.3)
            held = bytearray(os.urandom(1)) * (120 * 2**20)
            time.sleep(30)
    """
    run = box.one(code, limits=RunLimits(cpu_seconds=5, wall_seconds=20, memory_mb=128))
    assert run.outcome is Outcome.MEMORY
    assert box.spent


@pytest.mark.case(128)
def test_a_kill_by_oneself_is_not_taken_for_a_lack_of_memory(box: Box) -> None:
    assert box.one("import os\ndef f(): os.kill(os.getpid(), 9)").outcome is Outcome.DIED


@pytest.mark.case(129)
def test_the_start_of_a_sandbox_is_not_charged_to_its_first_call(engine: Engine) -> None:
    box = Box(engine)
    started = time.monotonic()
    try:
        run = box.one("import numpy as np\ndef f(): return np.ones(3)")
    finally:
        box.replace()
    assert run.outcome is Outcome.RETURNED
    assert run.wall_ms < 1000 * (time.monotonic() - started) / 2
    assert run.cpu_ms < 60


@pytest.mark.case(131)
def test_a_pool_without_a_free_sandbox_says_so_in_time(engine: Engine) -> None:
    pool = Pool(engine, clock=SystemClock(), warm=0, capacity=1, busy_seconds=0.5)
    try:
        with pool.lease("one"):
            started = time.monotonic()
            with pytest.raises(PoolBusyError), pool.lease("two"):
                pass
            assert 0.4 < time.monotonic() - started < 5
        with pool.lease("two") as sandbox:
            assert result(sandbox.run([call("def f(): return 1")])[0]) == 1
    finally:
        pool.close()


@pytest.mark.case(133)
@pytest.mark.parametrize("number", [4, 6, 8, 9, 11, 13, 14, 15, 24, 25, 40])
def test_a_quick_death_by_a_signal_is_no_time_out(box: Box, number: int) -> None:
    code = f"import os, signal\ndef f():\n    signal.raise_signal({number})"
    run = box.one(
        "import signal\n"
        f"for number in ({number},):\n"
        "    if number != 9: signal.signal(number, signal.SIG_DFL)\n" + code
    )
    assert run.outcome is Outcome.DIED
    assert run.wall_ms < 1000


class JumpingClock(SystemClock):
    """Tells another hour at each look, forward and back; what it counts from start is steady."""

    def __init__(self) -> None:
        self._steps = cycle([3, -5, 24 * 365, -24 * 365, 2])

    def now(self) -> datetime:
        return super().now() + timedelta(hours=next(self._steps))


@pytest.mark.case(134)
def test_a_clock_that_is_set_during_a_call_changes_no_outcome(engine: Engine) -> None:
    jumping = BACKENDS[engine.probe().backend](JumpingClock())
    box = Box(jumping)
    try:
        assert result(box.one("import time\ndef f():\n    time.sleep(0.3)\n    return 1")) == 1
        assert box.one("import time\ndef f(): time.sleep(9)", limits=SHORT).outcome is (
            Outcome.WALL_TIME
        )
        assert box.one("def f():\n    while 1: pass", limits=SPIN).outcome is Outcome.CPU_TIME
        assert box.one("import os\ndef f(): os.abort()").outcome is Outcome.DIED
    finally:
        box.replace()
        jumping.close()


@pytest.mark.case(134)
def test_a_call_cannot_set_the_clock_that_it_is_measured_by(box: Box) -> None:
    code = """
        import time
        def f():
            for clock in (time.CLOCK_REALTIME, time.CLOCK_MONOTONIC):
                try: time.clock_settime(clock, 1.0)
                except OSError: continue
                return "set"
            time.monotonic = time.perf_counter = time.time = lambda: 0.0
            time.sleep(0.2)
            return "not set"
    """
    run = box.one(code)
    assert result(run) == "not set"
    assert run.wall_ms >= 200


def test_as_many_threads_after_as_before() -> None:
    # Outcomes of the tests above would not show a thread that waits for ever.
    names = Counter(thread.name.split("-")[0] for thread in threading.enumerate())
    assert names["sandbox"] == 0, names


# --- The host's side -------------------------------------------------------------------------


def eventually(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < deadline, "it did not happen within fifteen seconds"
        time.sleep(0.05)


def processes_named(mark: str) -> list[int]:
    """Return the host's ids of processes that call themselves `mark`."""
    return [pid for pid, name in _names() if name == mark]


def _names() -> Iterable[tuple[int, str]]:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            yield int(folder.name), (folder / "comm").read_text().strip()
        except (FileNotFoundError, ProcessLookupError):
            continue


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
