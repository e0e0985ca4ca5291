"""Code that takes more than it may: each limit ends the call, and only the call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.grading.runs import Outcome, RunLimits

if TYPE_CHECKING:
    from tests.sandboxes import Box

SHORT = RunLimits(cpu_seconds=1, wall_seconds=3, memory_mb=128)


def test_an_endless_loop_is_over_its_cpu_time(box: Box) -> None:
    run = box.one("def f():\n    while True: pass", limits=SHORT)
    assert run.outcome is Outcome.CPU_TIME
    assert 950 <= run.cpu_ms < 1500


def test_an_endless_loop_at_import_is_over_its_cpu_time(box: Box) -> None:
    assert box.one("while True: pass", limits=SHORT).outcome is Outcome.CPU_TIME


def test_a_fraction_of_a_second_of_cpu_is_a_limit_too(box: Box) -> None:
    code = """
        import time
        def f():
            while time.process_time() < 0.6: pass
    """
    limits = RunLimits(cpu_seconds=0.3, wall_seconds=5, memory_mb=128)
    assert box.one(code, limits=limits).outcome is Outcome.CPU_TIME


def test_ignoring_the_cpu_signal_does_not_help(box: Box) -> None:
    code = """
        import signal, resource
        def f():
            for number in range(1, 65):
                try: signal.signal(number, signal.SIG_IGN)
                except (OSError, ValueError): pass
            while True: pass
    """
    assert box.one(code, limits=SHORT).outcome is Outcome.CPU_TIME


def test_the_cpu_time_of_threads_and_children_counts(box: Box) -> None:
    code = """
        import os, time
        def f():
            for _ in range(4):
                if os.fork() == 0:
                    while time.process_time() < 0.4: pass
                    os._exit(0)
            for _ in range(4): os.wait()
    """
    limits = RunLimits(cpu_seconds=1, wall_seconds=10, memory_mb=128)
    run = box.one(code, limits=limits)
    assert run.outcome is Outcome.CPU_TIME
    assert run.cpu_ms < 1500


def test_orphans_cannot_hide_their_cpu_time(box: Box) -> None:
    code = """
        import os, time
        def f():
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    while time.process_time() < 0.8: pass
                os._exit(0)
            time.sleep(8)
    """
    limits = RunLimits(cpu_seconds=0.5, wall_seconds=10, memory_mb=128)
    assert box.one(code, limits=limits).outcome is Outcome.CPU_TIME


def test_sleeping_is_over_its_wall_time(box: Box) -> None:
    run = box.one("import time\ndef f(): time.sleep(60)", limits=SHORT)
    assert run.outcome is Outcome.WALL_TIME
    assert run.cpu_ms < 500
    assert 3000 <= run.wall_ms < 6000


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


def test_a_deadlock_is_over_its_wall_time(box: Box) -> None:
    code = "import threading\ndef f():\n    l = threading.Lock(); l.acquire(); l.acquire()"
    assert box.one(code, limits=SHORT).outcome is Outcome.WALL_TIME


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


def test_a_gradual_allocation_is_over_its_memory(box: Box) -> None:
    run = box.one("""
        def f():
            held = []
            while True: held.append(bytearray(10**6))
    """)
    assert run.outcome is Outcome.MEMORY
    assert run.memory_kb > 200_000


def test_many_small_objects_are_over_their_memory(box: Box) -> None:
    code = "def f():\n    held = []\n    while True: held.append([len(held)])"
    limits = RunLimits(cpu_seconds=10, wall_seconds=20, memory_mb=64)
    assert box.one(code, limits=limits).outcome is Outcome.MEMORY


def test_memory_is_limited_at_import_too(box: Box) -> None:
    assert box.one("x = bytearray(10**10)\ndef f(): pass").outcome is Outcome.MEMORY


def test_a_literal_that_explodes_in_the_compiler(box: Box) -> None:
    run = box.one("x = 'a' * 4096\ndef f(): return " + "[" * 90 + "0" + "]" * 90)
    assert run.outcome in {Outcome.OUTPUT, Outcome.NOT_DATA}
    run = box.one("x = ((1 << 2000) ** 200) ** 200\ndef f(): return 1", limits=SHORT)
    assert run.outcome in {Outcome.CPU_TIME, Outcome.MEMORY, Outcome.RETURNED}


def test_processes_that_share_out_the_memory_do_not_get_more_of_it(box: Box) -> None:
    code = """
        import os, time
        def f():
            for _ in range(8):
                if os.fork() == 0:
                    held = bytearray(os.urandom(1)) * (100 * 2**20)
                    time.sleep(30)
                    os._exit(0)
            killed = sum(os.waitstatus_to_exitcode(os.wait()[1]) == -9 for _ in range(4))
            return killed
    """
    killed = box.value(code, limits=RunLimits(cpu_seconds=5, wall_seconds=20, memory_mb=128))
    assert killed == 4
    assert box.spent


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


def test_a_kill_by_oneself_is_not_taken_for_a_lack_of_memory(box: Box) -> None:
    run = box.one("import os\ndef f(): os.kill(os.getpid(), 9)")
    assert run.outcome is Outcome.DIED


def test_a_fork_bomb_ends(box: Box) -> None:
    code = """
        import os
        def f():
            while True:
                try: os.fork()
                except OSError: pass
    """
    run = box.one(code, limits=SHORT)
    assert run.outcome in {Outcome.CPU_TIME, Outcome.WALL_TIME}
    assert box.spent


def test_a_fork_bomb_with_sessions_of_their_own_ends(box: Box) -> None:
    code = """
        import os
        def f():
            while True:
                try:
                    if os.fork() == 0: os.setsid()
                except OSError: pass
    """
    run = box.one(code, limits=SHORT)
    assert run.outcome in {Outcome.CPU_TIME, Outcome.WALL_TIME}
    assert box.spent


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


def test_some_processes_are_allowed(box: Box) -> None:
    code = """
        import subprocess, sys
        def f(): return subprocess.run([sys.executable, "-I", "-c", "print(6 * 7)"],
                                       capture_output=True, text=True).stdout
    """
    assert box.value(code) == "42\n"


@pytest.mark.parametrize("descriptor", [1, 2])
def test_a_flood_of_output_is_cut(box: Box, descriptor: int) -> None:
    run = box.one(f"import os\ndef f():\n    while True: os.write({descriptor}, b'x' * 5000)")
    assert run.outcome is Outcome.OUTPUT
    assert run.stdout_truncated
    assert len(run.stdout) == 64 * 1024


def test_a_flood_after_a_right_answer_is_cut(box: Box) -> None:
    run = box.one("import atexit\ndef f():\n    print(' ' * 10**6)\n    return 1")
    assert run.outcome is Outcome.OUTPUT


def test_a_million_small_writes_end(box: Box) -> None:
    code = "import os\ndef f():\n    for _ in range(10**6): os.write(1, b'x')"
    assert box.one(code).outcome in {Outcome.OUTPUT, Outcome.CPU_TIME}


def test_output_up_to_the_limit_is_fine(box: Box) -> None:
    run = box.one("def f(): print('x' * (64 * 1024 - 1))")
    assert run.outcome is Outcome.RETURNED
    assert len(run.stdout) == 64 * 1024


@pytest.mark.parametrize(
    "expression",
    [
        "np.zeros(5 * 10**6)",
        "np.broadcast_to(np.zeros(1), (10**6, 10**6))",
        "'x' * 40_000_000",
        "[0] * 300_000",
        "1 << 10_000",
        "list(range(300_000))",
    ],
)
def test_a_result_larger_than_allowed_is_too_much_output(box: Box, expression: str) -> None:
    run = box.one(f"import numpy as np\ndef f(): return {expression}")
    assert run.outcome is Outcome.OUTPUT


def test_a_flood_into_the_report_is_cut(box: Box) -> None:
    run = box.one("import os\ndef f():\n    while True: os.write(3, b'R' * 65536)")
    assert run.outcome is Outcome.OUTPUT


def test_recursion_is_an_exception(box: Box) -> None:
    run = box.one("def f(): return f()")
    assert run.outcome is Outcome.RAISED
    assert run.error is not None
    assert run.error.type_name == "RecursionError"


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


def test_descriptors_run_out_early(box: Box) -> None:
    run = box.one("import os\ndef f():\n    while True: os.open('/dev/null', 0)")
    assert run.outcome is Outcome.RAISED
    assert run.error is not None
    assert run.error.type_name == "OSError"


def test_limits_cannot_be_raised(box: Box) -> None:
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
