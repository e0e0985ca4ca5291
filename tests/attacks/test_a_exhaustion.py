"""Group A, exhaustion: each limit ends the call that goes beyond it, and only that call."""

from __future__ import annotations

import json
import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from app.grading.pool import Pool
from app.grading.runs import Outcome, RunLimits
from app.kit.clock import SystemClock
from app.questions.schema import Limits
from app.settings import Settings
from tests.sandboxes import LIMITS, SHORT, SPIN, Box, call, result

if TYPE_CHECKING:
    from app.grading.runs import Engine

NOT_APPLICABLE = {
    27: "Nothing that a candidate hands in is ever unpacked: a submission is one text, a result is "
    "data of counted size, and .npz or compressed arrays are no part of the format.",
}

STOPPED = {Outcome.CPU_TIME, Outcome.WALL_TIME}
ROOMY = RunLimits(cpu_seconds=5, wall_seconds=20, memory_mb=128)


# --- CPU and wall clock ----------------------------------------------------------------------


@pytest.mark.case(1)
def test_an_endless_loop_is_over_its_cpu_time(box: Box) -> None:
    run = box.one("def f():\n    while True: pass", limits=SPIN)
    assert run.outcome is Outcome.CPU_TIME
    assert 290 <= run.cpu_ms < 600


@pytest.mark.case(1)
def test_an_endless_loop_at_import_is_over_its_cpu_time(box: Box) -> None:
    assert box.one("while True: pass", limits=SPIN).outcome is Outcome.CPU_TIME


@pytest.mark.case(1)
def test_ignoring_the_cpu_signal_does_not_help(box: Box) -> None:
    code = """
        import signal, resource
        def f():
            for number in range(1, 65):
                try: signal.signal(number, signal.SIG_IGN)
                except (OSError, ValueError): pass
            while True: pass
    """
    assert box.one(code, limits=SPIN).outcome is Outcome.CPU_TIME


@pytest.mark.case(2)
def test_sleeping_is_over_its_wall_time(box: Box) -> None:
    run = box.one("import time\ndef f(): time.sleep(60)", limits=SHORT)
    assert run.outcome is Outcome.WALL_TIME
    assert run.cpu_ms < 200
    assert 1000 <= run.wall_ms < 3000


@pytest.mark.case(2)
def test_stopping_oneself_is_over_its_wall_time(box: Box) -> None:
    run = box.one("import os, signal\ndef f(): os.kill(os.getpid(), signal.SIGSTOP)", limits=SHORT)
    assert run.outcome is Outcome.WALL_TIME


@pytest.mark.case(2)
def test_a_deadlock_is_over_its_wall_time(box: Box) -> None:
    code = "import threading\ndef f():\n    l = threading.Lock(); l.acquire(); l.acquire()"
    assert box.one(code, limits=SHORT).outcome is Outcome.WALL_TIME


@pytest.mark.case(3)
def test_two_threads_do_not_get_two_cpus(box: Box) -> None:
    # Hashing gives up Python's lock, so that both threads could run at once.
    code = """
        import hashlib, threading
        def work():
            data = bytes(1 << 20)
            while True: hashlib.sha256(data).digest()
        def f():
            threads = [threading.Thread(target=work) for _ in range(2)]
            for thread in threads: thread.start()
            for thread in threads: thread.join()
    """
    limits = RunLimits(cpu_seconds=0.6, wall_seconds=10, memory_mb=128)
    run = box.one(code, limits=limits)
    assert run.outcome is Outcome.CPU_TIME
    assert run.cpu_ms < 900
    assert run.cpu_ms < 1.3 * run.wall_ms


@pytest.mark.case(4)
def test_the_cpu_time_of_children_counts(box: Box) -> None:
    code = """
        import os, time
        def f():
            for _ in range(4):
                if os.fork() == 0:
                    while time.process_time() < 0.15: pass
                    os._exit(0)
            for _ in range(4): os.wait()
    """
    run = box.one(code, limits=RunLimits(cpu_seconds=0.4, wall_seconds=10, memory_mb=128))
    assert run.outcome is Outcome.CPU_TIME
    assert run.cpu_ms < 700


@pytest.mark.case(4)
def test_orphans_cannot_hide_their_cpu_time(box: Box) -> None:
    code = """
        import os, time
        def f():
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    while time.process_time() < 0.8: pass
                os._exit(0)
            time.sleep(9)
    """
    assert box.one(code, limits=SPIN).outcome is Outcome.CPU_TIME


@pytest.mark.case(4)
@pytest.mark.parametrize("number", [17, 17 + (1 << 32)])
def test_children_that_the_kernel_reaps_itself_cannot_hide_their_cpu_time(
    box: Box, number: int
) -> None:
    # Who ignores SIGCHLD never waits, and the time of those that nobody waits for is forgotten.
    code = """
        import ctypes, os, time
        libc = ctypes.CDLL(None)
        def f(number):
            ignore = ctypes.create_string_buffer(b"\\1" + bytes(151))
            libc.syscall(13, ctypes.c_long(number), ignore, None, ctypes.c_long(8))
            for _ in range(100):
                if os.fork() == 0:
                    while time.process_time() < 0.01: pass
                    os._exit(0)
                try: os.wait()
                except ChildProcessError: pass
    """
    run = box.one(code, {"number": number}, limits=SPIN)
    assert run.outcome is Outcome.CPU_TIME


@pytest.mark.case(4)
@pytest.mark.parametrize("flags", [0, 12, 0x8000 | 17])
def test_children_of_no_family_cannot_hide_their_cpu_time(box: Box, flags: int) -> None:
    # Whose end is told to nobody, by another signal, or who are siblings instead of children.
    code = """
        import ctypes, os, signal, time
        libc = ctypes.CDLL(None)
        def f(flags):
            signal.signal(signal.SIGUSR2, signal.SIG_IGN)
            for _ in range(100):
                if libc.syscall(56, ctypes.c_long(flags), 0, 0, 0, 0) == 0:
                    end = time.process_time() + 0.01
                    while time.process_time() < end: pass
                    os._exit(0)
                time.sleep(0.01)
    """
    assert box.one(code, {"flags": flags}, limits=SPIN).outcome is Outcome.CPU_TIME


@pytest.mark.case(3)
def test_threads_that_outlive_the_main_one_are_over_its_cpu_time(box: Box) -> None:
    code = """
        import ctypes, threading
        def spin():
            while True: pass
        def f():
            threading.Thread(target=spin).start()
            ctypes.CDLL(None).syscall(60, 0)  # exit, of this thread only
    """
    assert box.one(code, limits=SPIN).outcome is Outcome.CPU_TIME


@pytest.mark.case(4)
def test_adopted_orphans_cannot_hide_their_cpu_time(box: Box) -> None:
    code = """
        import ctypes, os, time
        def f():
            ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # whoever loses its parent is ours
            for _ in range(100):
                if os.fork() == 0:
                    if os.fork() == 0:
                        while time.process_time() < 0.01: pass
                    os._exit(0)
                os.wait()
                os.wait()
    """
    assert box.one(code, limits=SPIN).outcome is Outcome.CPU_TIME


@pytest.mark.case(5)
def test_waiting_for_children_is_over_its_wall_time(box: Box) -> None:
    code = """
        import os, time
        def f():
            if os.fork() == 0:
                time.sleep(60)
            os.wait()
    """
    assert box.one(code, limits=SHORT).outcome is Outcome.WALL_TIME


@pytest.mark.case(16)
def test_a_trickle_of_output_does_not_extend_the_wall_time(box: Box) -> None:
    code = """
        import time
        def f():
            while True:
                print("x", flush=True)
                time.sleep(0.05)
    """
    run = box.one(code, limits=SHORT)
    assert run.outcome is Outcome.WALL_TIME
    assert run.stdout.startswith("x\nx\n")


@pytest.mark.case(31)
def test_waiting_for_a_sandbox_costs_the_call_nothing(engine: Engine) -> None:
    pool = Pool(engine, clock=SystemClock(), warm=0, capacity=1)
    waited = []

    def wait_for_it() -> None:
        started = time.monotonic()
        with pool.lease("one") as sandbox:
            waited.append(time.monotonic() - started)
            (run,) = sandbox.run([call("import time\ndef f(): time.sleep(0.5)", limits=SHORT)])
            assert run.outcome is Outcome.RETURNED
            assert run.wall_ms < 900

    try:
        with pool.lease("one"):
            second = threading.Thread(target=wait_for_it)
            second.start()
            time.sleep(1.2)  # longer than the call may take
        second.join()
    finally:
        pool.close()
    assert waited[0] > 1


# --- Memory ----------------------------------------------------------------------------------


@pytest.mark.case(6)
def test_a_gradual_allocation_is_over_its_memory(box: Box) -> None:
    run = box.one("""
        def f():
            held = []
            while True: held.append(bytearray(10**6))
    """)
    assert run.outcome is Outcome.MEMORY
    assert run.memory_kb > 200_000


@pytest.mark.case(6)
def test_many_small_objects_are_over_their_memory(box: Box) -> None:
    code = "def f():\n    held = []\n    while True: held.append([len(held)])"
    limits = RunLimits(cpu_seconds=10, wall_seconds=20, memory_mb=64)
    assert box.one(code, limits=limits).outcome is Outcome.MEMORY


@pytest.mark.case(7)
@pytest.mark.parametrize(
    "expression",
    [
        "bytearray(10**10)",
        "[0] * 10**9",
        "'x' * 10**10",
        "np.zeros(10**9)",
        "np.ones((40_000, 40_000))",
    ],
)
def test_one_huge_allocation_is_over_its_memory(box: Box, expression: str) -> None:
    run = box.one(f"import numpy as np\ndef f(): return len({expression})")
    assert run.outcome is Outcome.MEMORY


@pytest.mark.case(7)
def test_memory_is_limited_at_import_too(box: Box) -> None:
    assert box.one("x = bytearray(10**10)\ndef f(): pass").outcome is Outcome.MEMORY


@pytest.mark.case(8)
def test_processes_that_share_out_the_memory_do_not_get_more_of_it(box: Box) -> None:
    code = """
        import os, time
        def f():
            for _ in range(8):
                if os.fork() == 0:
                    held = bytearray(os.urandom(1)) * (100 * 2**20)
                    time.sleep(30)
                    os._exit(0)
            return sum(os.waitstatus_to_exitcode(os.wait()[1]) == -9 for _ in range(4))
    """
    assert box.value(code, limits=ROOMY) == 4
    assert box.spent


@pytest.mark.case(21)
def test_shared_memory_counts_like_any_other(box: Box) -> None:
    code = """
        import mmap, os, time
        def f():
            for _ in range(8):
                if os.fork() == 0:
                    held = mmap.mmap(-1, 100 * 2**20)
                    for _ in range(100): held.write(bytes(2**20))
                    time.sleep(30)
            return [os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(4)]
    """
    assert box.value(code, limits=ROOMY) == [-9] * 4
    assert box.spent


@pytest.mark.case(21)
def test_shared_memory_of_one_call_is_given_back_for_the_next(box: Box) -> None:
    code = """
        import mmap
        def f():
            held = mmap.mmap(-1, 100 * 2**20)
            held.write(bytes(100 * 2**20))
            return len(held)
    """
    for _ in range(6):
        assert box.value(code) == 100 * 2**20


@pytest.mark.case(21, 22)
@pytest.mark.parametrize("size", [4096, 2**40])
def test_there_is_no_named_shared_memory_at_any_size(box: Box, size: int) -> None:
    code = """
        from multiprocessing import shared_memory
        def f(size): return shared_memory.SharedMemory(create=True, size=size).name
    """
    run = box.one(code, {"size": size})
    assert run.outcome is Outcome.RAISED
    assert run.error is not None
    assert run.error.type_name in {"OSError", "PermissionError", "FileNotFoundError"}


# --- Processes and threads -------------------------------------------------------------------


@pytest.mark.case(9)
def test_a_fork_bomb_ends(box: Box) -> None:
    code = """
        import os
        def f():
            while True:
                try: os.fork()
                except OSError: pass
    """
    assert box.one(code, limits=SPIN).outcome in STOPPED
    assert box.spent


@pytest.mark.case(10)
def test_a_fork_bomb_with_sessions_of_their_own_ends(box: Box) -> None:
    code = """
        import os
        def f():
            while True:
                try:
                    if os.fork() == 0: os.setsid()
                except OSError: pass
    """
    assert box.one(code, limits=SPIN).outcome in STOPPED
    assert box.spent


@pytest.mark.case(9)
def test_a_chain_of_processes_that_each_start_the_next_ends(box: Box) -> None:
    code = """
        import os, signal
        def f():
            for number in (signal.SIGTERM, signal.SIGHUP): signal.signal(number, signal.SIG_IGN)
            while True:
                if os.fork(): os._exit(0)
    """
    assert box.one(code, limits=SHORT).outcome in {*STOPPED, Outcome.DIED}
    assert box.spent


@pytest.mark.case(11)
def test_a_thread_bomb_ends(box: Box) -> None:
    code = """
        import threading, time
        def f():
            while True:
                threading.Thread(target=time.sleep, args=(60,)).start()
    """
    run = box.one(code)
    assert run.outcome is Outcome.RAISED
    assert run.error is not None
    assert run.error.type_name == "RuntimeError"


@pytest.mark.case(12)
def test_processes_work_up_to_the_cap_and_one_more_is_an_error(box: Box) -> None:
    code = """
        import os, time
        def f():
            pids = []
            while len(pids) < 200:
                try: pid = os.fork()
                except BlockingIOError: break
                if pid == 0: time.sleep(30)
                pids.append(pid)
            for pid in pids: os.kill(pid, 9)
            ended = [os.waitstatus_to_exitcode(os.wait()[1]) for _ in pids]
            return [len(pids), set(ended) == {-9}]
    """
    started, all_killed = _pair(box.value(code))
    assert 60 <= started <= 62
    assert all_killed
    assert box.spent


@pytest.mark.case(12)
def test_some_processes_are_allowed(box: Box) -> None:
    code = """
        import os
        def f():
            source, target = os.pipe()
            for number in range(3):
                if os.fork() == 0:
                    os.write(target, str(number).encode())
                    os._exit(0)
            for _ in range(3): os.wait()
            return sorted(os.read(source, 10).decode())
    """
    assert box.value(code) == ["0", "1", "2"]


@pytest.mark.case(28)
def test_numpy_computes_with_one_thread(box: Box) -> None:
    code = """
        import numpy as np
        def f():
            a = np.random.default_rng(0).normal(size=(300, 300))
            np.linalg.svd(a @ a)
            status = open("/proc/self/status").read()
            return int(status.split("Threads:")[1].split()[0])
    """
    assert box.value(code) == 1


@pytest.mark.case(30)
def test_a_sandbox_full_of_processes_takes_none_from_its_neighbour(engine: Engine) -> None:
    fill = """
        import os, time
        def f(seconds):
            started = 0
            while started < 200:
                try: pid = os.fork()
                except BlockingIOError: break
                if pid == 0: time.sleep(30)
                started += 1
            time.sleep(seconds)
            return started
    """
    here, there = neighbours(engine, fill, {"seconds": 1.5}, fill, {"seconds": 0.0})
    assert here == there
    assert isinstance(here, int)
    assert here >= 60


@pytest.mark.case(30)
def test_signals_that_wait_in_one_sandbox_are_not_counted_in_its_neighbour(engine: Engine) -> None:
    # The kernel counts them by user, and shows the count to every process of that user.
    hold = """
        import os, signal, time
        def f(count):
            signal.pthread_sigmask(signal.SIG_BLOCK, [40])
            for _ in range(count): os.kill(os.getpid(), 40)
            time.sleep(count / 1000)
            return int(open("/proc/self/status").read().split("SigQ:")[1].split("/")[0])
    """
    assert neighbours(engine, hold, {"count": 1234}, hold, {"count": 0}) == (1234, 0)


@pytest.mark.case(30)
def test_pipes_that_one_sandbox_holds_do_not_shrink_its_neighbour_s(engine: Engine) -> None:
    # Beyond a quota of the user's, new pipes have an eighth of the room.
    hold = """
        import os, time
        def f():
            pids = []
            for _ in range(50):
                pids.append(os.fork())
                if pids[-1] == 0: break
            pipes = []
            try:
                while True: pipes.append(os.pipe())
            except OSError: time.sleep(1.5)
            if 0 in pids: os._exit(0)
            return len(pipes)
    """
    look = """
        import os
        def f():
            into = os.pipe()[1]
            os.set_blocking(into, False)
            room = 0
            try:
                while True: room += os.write(into, bytes(4096))
            except BlockingIOError: return room
    """
    assert neighbours(engine, hold, {}, look, {})[1] == 65536


# --- Output ----------------------------------------------------------------------------------


@pytest.mark.case(13, 14)
@pytest.mark.parametrize("descriptor", [1, 2])
def test_a_flood_of_output_is_cut(box: Box, descriptor: int) -> None:
    run = box.one(f"import os\ndef f():\n    while True: os.write({descriptor}, b'x' * 5000)")
    assert run.outcome is Outcome.OUTPUT
    assert run.stdout_truncated
    assert len(run.stdout) == 64 * 1024


@pytest.mark.case(13)
def test_a_flood_from_many_processes_is_cut(box: Box) -> None:
    code = """
        import os
        def f():
            for _ in range(5): os.fork()
            while True: os.write(1, b"x" * 100)
    """
    run = box.one(code)
    assert run.outcome is Outcome.OUTPUT
    assert len(run.stdout) == 64 * 1024


@pytest.mark.case(13)
def test_a_million_small_writes_end(box: Box) -> None:
    code = "import os\ndef f():\n    for _ in range(10**6): os.write(1, b'x')"
    assert box.one(code).outcome in {Outcome.OUTPUT, Outcome.CPU_TIME}


@pytest.mark.case(13)
def test_output_up_to_the_limit_is_fine(box: Box) -> None:
    run = box.one("def f(): print('x' * (64 * 1024 - 1))")
    assert run.outcome is Outcome.RETURNED
    assert len(run.stdout) == 64 * 1024


@pytest.mark.case(15)
def test_a_flood_after_a_right_answer_is_cut(box: Box) -> None:
    run = box.one("import atexit\ndef f():\n    print(' ' * 10**6)\n    return 1")
    assert run.outcome is Outcome.OUTPUT


@pytest.mark.case(13)
def test_a_flood_into_the_report_is_cut(box: Box) -> None:
    run = box.one("import os\ndef f():\n    while True: os.write(3, b'R' * 65536)")
    assert run.outcome is Outcome.OUTPUT


@pytest.mark.case(18)
@pytest.mark.parametrize(
    "expression",
    [
        "np.zeros(5 * 10**6)",
        "np.broadcast_to(np.zeros(1), (10**6, 10**6))",
        "np.lib.stride_tricks.as_strided(np.zeros(1), (2**50,), (0,))",
        "'x' * 40_000_000",
        "[0] * 300_000",
        "1 << 10_000",
        "list(range(300_000))",
    ],
)
def test_a_result_larger_than_allowed_is_too_much_output(box: Box, expression: str) -> None:
    # With a view of stride 0 a petabyte of result takes eight bytes of memory.
    run = box.one(f"import numpy as np\ndef f(): return {expression}")
    assert run.outcome is Outcome.OUTPUT


@pytest.mark.case(20)
def test_a_result_that_names_the_same_part_again_and_again_is_counted_in_full(box: Box) -> None:
    code = """
        def f():
            parts = [0]
            for _ in range(40): parts = [parts, parts]
            return parts
    """
    assert box.one(code).outcome in {Outcome.OUTPUT, Outcome.CPU_TIME, Outcome.NOT_DATA}


# --- Files and descriptors -------------------------------------------------------------------


@pytest.mark.case(17, 18, 19)
@pytest.mark.parametrize(
    "attempt",
    [
        "os.open(place + '/large', os.O_CREAT | os.O_WRONLY)",
        "os.open(place, os.O_TMPFILE | os.O_RDWR)",
        "os.truncate(place + '/sparse', 2**50)",
        "os.mkdir(place + '/deep')",
        "os.symlink('/', place + '/fan')",
        "os.mkfifo(place + '/fifo')",
        "os.link('/etc/passwd', place + '/link')",
        "os.memfd_create('large')",
    ],
)
def test_no_file_can_be_made_large_sparse_deep_or_many(box: Box, attempt: str) -> None:
    code = f"""
        import os
        def f():
            places = ["/", "/tmp", "/var/tmp", "/dev", "/dev/shm", "/run", "/proc/self", "."]
            made = []
            for place in places:
                try: {attempt}
                except OSError: continue
                made.append(place)
            return made
    """
    assert box.value(code) == []


@pytest.mark.case(24)
def test_descriptors_run_out_early(box: Box) -> None:
    run = box.one("import os\ndef f():\n    while True: os.open('/dev/null', 0)")
    assert run.outcome is Outcome.RAISED
    assert run.error is not None
    assert run.error.type_name == "OSError"


@pytest.mark.case(25)
def test_there_is_no_log_to_flood(box: Box) -> None:
    code = """
        import os, syslog
        def f():
            for _ in range(1000): syslog.syslog("flood")
            return [path for path in ("/dev/log", "/dev/kmsg", "/dev/console", "/run/systemd")
                    if os.access(path, os.W_OK)]
    """
    assert box.value(code) == []


# --- Stack and compiler ----------------------------------------------------------------------


@pytest.mark.case(23)
def test_recursion_is_an_exception(box: Box) -> None:
    run = box.one("def f(): return f()")
    assert run.outcome is Outcome.RAISED
    assert run.error is not None
    assert run.error.type_name == "RecursionError"


@pytest.mark.case(23)
def test_an_overflow_of_the_c_stack_kills_the_call(box: Box) -> None:
    code = """
        import sys
        sys.setrecursionlimit(10**9)
        class A:
            def __repr__(self): return repr(self)
        def f(): return repr(A())
    """
    run = box.one(code, limits=RunLimits(5, 10, 1000))
    assert run.outcome is Outcome.DIED


@pytest.mark.case(26)
@pytest.mark.parametrize(
    "source",
    [
        "x = ((1 << 2000) ** 200) ** 200",
        "x = " + "(" * 5000 + "0" + ")" * 5000,
        "x = " + "-" * 100_000 + "1",
        "x = " + "[" * 90 + "0" + "]" * 90,
        "x = " + "1+" * 200_000 + "1",
        "x = 'a' * 10**10",
        "x = (" + "'a'," * 500_000 + ")",
        "if x:\n" + "".join(" " * depth + "if 1:\n" for depth in range(1, 99)) + " " * 99 + "pass",
        "x = f'" + "{1}" * 50_000 + "'",
        "def g(" + ",".join(f"a{n}" for n in range(20_000)) + "): pass",
        "x = 0x" + "f" * 2_000_000,
        "\0",
        "# coding: no-such-coding\nx = 1",
    ],
    ids=lambda source: repr(source[:24]),
)
def test_a_text_that_explodes_in_the_compiler_stays_within_the_limits(
    box: Box, source: str
) -> None:
    run = box.one(source + "\ndef f(): return 1\n", limits=SPIN)
    assert run.outcome in {
        *(Outcome.RETURNED, Outcome.BAD_CODE, Outcome.MEMORY, Outcome.CPU_TIME, Outcome.DIED)
    }
    assert run.cpu_ms < 800


# --- The limits themselves -------------------------------------------------------------------

WRONG_NUMBERS = [0, -1, math.nan, math.inf, -math.inf, 1e12, 10**30]


@pytest.mark.case(29)
@pytest.mark.parametrize("wrong", WRONG_NUMBERS)
@pytest.mark.parametrize("name", [field.name for field in fields(RunLimits)])
def test_limits_that_are_none_are_refused_by_the_sandbox(name: str, wrong: float) -> None:
    good = {field.name: getattr(LIMITS, field.name) for field in fields(LIMITS)}
    with pytest.raises(ValueError, match=r"must|cannot"):
        RunLimits(**good | {name: wrong})


@pytest.mark.case(29)
@pytest.mark.parametrize("wrong", [*WRONG_NUMBERS, "2 seconds", None, [2]])
@pytest.mark.parametrize("name", ["cpu_seconds", "wall_seconds", "memory_mb"])
def test_limits_that_are_none_are_refused_in_a_question(name: str, wrong: object) -> None:
    with pytest.raises(ValidationError, match=name):
        Limits.model_validate({name: wrong})


@pytest.mark.case(29)
@pytest.mark.parametrize("wrong", ["-1", "nan", "inf", "1e30", "many", ""])
@pytest.mark.parametrize(
    "name", ["SANDBOX_CAPACITY", "SANDBOX_IDLE_SECONDS", "SANDBOX_WARM", "GRADING_THREADS"]
)
def test_limits_that_are_none_are_refused_in_a_setting(
    monkeypatch: pytest.MonkeyPatch, name: str, wrong: str
) -> None:
    monkeypatch.setenv(f"YIMIAN_{name}", wrong)
    with pytest.raises(ValidationError, match=name.lower()):
        Settings()


@pytest.mark.case(29)
def test_limits_cannot_be_raised_from_within(box: Box) -> None:
    code = """
        import resource
        def f():
            refused = 0
            for what in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE):
                try: resource.setrlimit(what, (resource.RLIM_INFINITY,) * 2)
                except (ValueError, OSError): refused += 1
            return refused
    """
    assert box.value(code) == 3


# --- Not in the list: what a call can do to PID 1 by what they share ----------------------------


@pytest.mark.parametrize("attempt", range(4))
def test_output_that_is_taken_back_does_not_hold_up_pid_1(box: Box, attempt: int) -> None:
    # A pipe can be opened anew for reading: what PID 1 saw waiting in it is gone when it moves it.
    code = """
        import os, time
        def f(attempt):
            source = os.open("/proc/self/fd/3", os.O_RDONLY | os.O_NONBLOCK)
            os.set_blocking(3, False)
            block = bytes(65536)
            for _ in range(100):
                for act in (lambda: os.write(3, block), lambda: os.read(source, 30000 + attempt)):
                    try: act()
                    except BlockingIOError: pass
            try:
                while True: os.read(source, 65536)
            except BlockingIOError: time.sleep(30)
    """
    limits = RunLimits(cpu_seconds=1, wall_seconds=0.4, memory_mb=128)
    run = box.one(code, {"attempt": attempt}, limits=limits)
    assert run.outcome is Outcome.WALL_TIME
    assert run.wall_ms < 1500


def test_memory_is_never_taken_from_pid_1_instead_of_the_call(box: Box) -> None:
    # Memory that nobody has touched who is still alive is in nobody's account: when it runs out,
    # the largest process goes, unless another one ranks before it and cannot change that.
    code = """
        import ctypes, mmap, os, sys
        def f():
            ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
            for rank in ("0", "-1000"):
                try:
                    with open("/proc/self/oom_score_adj", "w") as file: file.write(rank)
                except OSError: pass
            os.fork()  # two of them, because one would reach its own limit first
            held = []
            while True:
                held.append(mmap.mmap(-1, 4 << 20))
                if os.fork() == 0:
                    held[-1].write(bytes(4 << 20))
                    os._exit(0)
                os.wait()
    """
    limits = RunLimits(cpu_seconds=5, wall_seconds=20, memory_mb=256)
    assert box.one(code, limits=limits).outcome is Outcome.MEMORY


def test_a_pipe_in_packet_mode_is_read_like_any_other(box: Box) -> None:
    code = """
        import fcntl, os
        def f():
            for fd in (1, 3): fcntl.fcntl(fd, fcntl.F_SETFL, os.O_DIRECT)
            for _ in range(100): os.write(1, b"x" * 100)
            return 1
    """
    run = box.one(code)
    assert result(run) == 1
    assert run.stdout == "x" * 10_000


def neighbours(
    engine: Engine, here: str, args: dict[str, Any], there: str, other_args: dict[str, Any]
) -> tuple[Any, Any]:
    """Run one call in a sandbox, and half a second into it the other one in a second sandbox."""
    first, second = Box(engine), Box(engine)
    try:
        for box in (first, second):
            box.value("def f(): return 1")
        with ThreadPoolExecutor(1) as thread:
            answer = thread.submit(first.value, here, args)
            time.sleep(0.5)
            other = second.value(there, other_args)
            return answer.result(), other
    finally:
        first.replace()
        second.replace()


def _pair(value: object) -> tuple[Any, Any]:
    assert isinstance(value, list), json.dumps(value)
    first, second = value
    return first, second
