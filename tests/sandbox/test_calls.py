"""What a well-meant call gets back."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest

from app.grading.runs import Outcome, RaisedError, RunLimits
from tests.sandboxes import call, result

if TYPE_CHECKING:
    from app.grading.values import Value
    from tests.sandboxes import Box


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        -(2**200),
        0.1,
        float("-inf"),
        1 + 2j,
        "线程 🧵",
        [1, [2.5, None], ("a", False)],
        {"a": 1, 2: {"b": []}},
        (),
    ],
)
def test_plain_data_comes_back_unchanged(box: Box, value: Value) -> None:
    found = box.value("def f(x): return x", {"x": value})
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3),
        np.asfortranarray(np.arange(6).reshape(2, 3)),
        np.arange(10)[::2],
        np.zeros((0, 3), np.float32),
        np.array(5),
        np.array([True, False]),
        np.array(["线程", "x"]),
        np.array([1 + 1j]),
        np.array([1.5], np.float16),
        np.arange(3, dtype=">i4"),
    ],
)
def test_arrays_come_back_unchanged(box: Box, array: np.ndarray) -> None:
    found = box.value("def f(x): return x", {"x": array})
    assert type(found) is np.ndarray
    assert found.dtype == array.dtype.newbyteorder("=")
    assert found.shape == array.shape
    np.testing.assert_array_equal(found, array)


def test_numpy_scalars_stay_numpy_scalars(box: Box) -> None:
    found = box.value("import numpy as np\ndef f(): return [np.float32(0.5), np.bool_(True)]")
    assert found == [np.float32(0.5), np.True_]
    assert isinstance(found, list)
    assert type(found[0]) is np.float32


def test_arguments_are_writable_and_may_be_returned_after_the_call(box: Box) -> None:
    run = box.run(call("def f(x): x[0] = 9", {"x": np.zeros(2)}, return_args=True))[0]
    pair = result(run)
    assert isinstance(pair, tuple)
    assert pair[0] is None
    assert isinstance(pair[1], dict)
    np.testing.assert_array_equal(pair[1]["x"], [9.0, 0.0])


def test_a_generator_gets_a_seeded_rng(box: Box) -> None:
    code = "def generate(rng): return dict(x=rng.normal(size=3))"
    first, again, other = (
        box.value(code, entry_point="generate", rng_seed=seed) for seed in (7, 7, 8)
    )
    assert isinstance(first, dict)
    assert isinstance(again, dict)
    np.testing.assert_array_equal(first["x"], np.random.default_rng(7).normal(size=3))
    assert str(first) == str(again)
    assert str(first) != str(other)


def test_a_class_can_be_the_entry_point(box: Box) -> None:
    code = """
        from dataclasses import dataclass
        @dataclass
        class Adder:
            n: int
            def __call__(self, x): return x + self.n
        def f(x): return Adder(2)(x)
    """
    assert box.value(code, {"x": 1}) == 3


def test_a_script_makes_an_object_calls_it_and_reads_it(box: Box) -> None:
    code = """
        import numpy as np
        class Average:
            def __init__(self, size): self.mean, self.seen = np.zeros(size), [np.zeros(size)]
            def add(self, x, weight=1.0):
                self.mean += weight * x
                return self.mean
    """
    script = {
        "init": {"size": 2},
        "calls": [
            ["add", {"x": np.ones(2)}],
            ["mean", None],
            ["seen", None],
            ["add", {"x": np.ones(2), "weight": 2.0}],
        ],
    }
    given = result(box.run(call(code, script, entry_point="Average", scripted=True))[0])
    # Each step as it was then, although the object changed its array in place afterwards.
    assert str(given) == str([np.ones(2), np.ones(2), [np.zeros(2)], np.full(2, 3.0)])


def test_a_script_may_return_its_arguments_as_they_are_afterwards(box: Box) -> None:
    code = """
        class Eater:
            def eat(self, x): x.clear()
    """
    script = {"init": {}, "calls": [["eat", {"x": [1, 2]}]]}
    run = box.run(call(code, script, entry_point="Eater", scripted=True, return_args=True))[0]
    assert result(run) == ([None], {"init": {}, "calls": [["eat", {"x": []}]]})


@pytest.mark.parametrize(
    ("code", "type_name"),
    [
        ("class C:\n    def __init__(self, other): pass", "TypeError"),
        ("class C: pass", "AttributeError"),
        ("def C(): pass", "AttributeError"),
        ("class C:\n    def step(self, x): return [][x]", "IndexError"),
    ],
)
def test_a_class_that_does_not_fit_the_script_raises(box: Box, code: str, type_name: str) -> None:
    script = {"init": {}, "calls": [["step", {"x": 1}]]}
    run = box.run(call(code, script, entry_point="C", scripted=True))[0]
    assert run.outcome is Outcome.RAISED
    assert run.error is not None
    assert run.error.type_name == type_name


def test_a_step_that_gives_itself_is_not_data(box: Box) -> None:
    code = """
        class C:
            def step(self):
                self.loop = [self]
                self.loop.append(self.loop)
                return self.loop
    """
    script = {"init": {}, "calls": [["step", {}]]}
    run = box.run(call(code, script, entry_point="C", scripted=True))[0]
    assert run.outcome is Outcome.NOT_DATA


def test_output_is_kept_in_order_and_warnings_are_part_of_it(box: Box) -> None:
    run = box.one("""
        import sys, numpy as np
        def f():
            print("before", flush=True)
            np.float64(1) / 0
            print("线程", end="")
    """)
    assert run.stdout.startswith("before\n")
    assert "divide by zero" in run.stdout
    assert run.stdout.endswith("线程")
    assert not run.stdout_truncated


def test_output_that_is_not_text_is_shown_with_marks(box: Box) -> None:
    run = box.one("import os\ndef f(): os.write(1, b'a\\xff\\x00\\x1b[31m')")
    assert run.stdout == "a�\x00\x1b[31m"


def test_an_exception_names_the_lines_of_the_submitted_code_only(box: Box) -> None:
    run = box.one("""
        def g(x):
            return [1][x]
        def f():
            import numpy as np
            return np.vectorize(g, otypes=[int])([4])
    """)
    assert run.outcome is Outcome.RAISED
    assert run.error == RaisedError(
        type_name="IndexError",
        builtin=True,
        message="list index out of range",
        traceback="line 6, in f\nline 3, in g",
    )


def test_an_exception_class_of_the_code_is_not_called_builtin(box: Box) -> None:
    run = box.one("""
        class SecretError(Exception): __module__ = "builtins"
        def f(): raise SecretError("x")
    """)
    assert run.error is not None
    assert run.error.type_name == "SecretError"
    assert not run.error.builtin


def test_an_exception_message_is_bounded(box: Box) -> None:
    run = box.one("def f(): raise ValueError('x' * 10**6)")
    assert run.error is not None
    assert 100 < len(run.error.message) < 10_000


def test_an_exception_without_a_message_that_works(box: Box) -> None:
    run = box.one("""
        class E(Exception):
            def __str__(self): raise SystemExit
        def f(): raise E
    """)
    assert run.outcome is Outcome.RAISED
    assert run.error is not None
    assert run.error.message == ""


@pytest.mark.parametrize(
    "name", ["SystemExit", "KeyboardInterrupt", "GeneratorExit", "BaseException"]
)
def test_exceptions_that_mean_to_leave_are_raised_ones(box: Box, name: str) -> None:
    run = box.one(f"def f(): raise {name}(0)")
    assert run.outcome is Outcome.RAISED
    assert run.error is not None
    assert run.error.type_name == name
    assert run.error.builtin


@pytest.mark.parametrize(
    ("code", "type_name", "where"),
    [
        ("x = 1\ndef f(:\n  pass", "SyntaxError", "line 2"),
        ("def f():\n\treturn 1\n        return 2", "TabError", "line 3"),
        ("x = 1 / 0\ndef f(): pass", "ZeroDivisionError", "line 1, in <module>"),
        ("import torch\ndef f(): pass", "ModuleNotFoundError", "line 1, in <module>"),
        ("def g(): pass", "NameError", ""),
        ("f = 3", "TypeError", ""),
        ("", "NameError", ""),
        ("\0\x01\x02", "ValueError", ""),
        ("\ud800", "UnicodeEncodeError", ""),
        ("raise SystemExit", "SystemExit", "line 1, in <module>"),
        ("f = " + "(" * 300, "SyntaxError", "line 1"),
    ],
)
def test_code_that_cannot_be_called_says_why(
    box: Box, code: str, type_name: str, where: str
) -> None:
    run = box.one(code)
    assert run.outcome is Outcome.BAD_CODE
    assert run.error is not None
    assert run.error.type_name == type_name
    assert run.error.traceback == where


def test_a_megabyte_of_source_is_only_slow(box: Box) -> None:
    code = "def f(): return 1\n" + "x = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'\n" * 25_000
    assert box.value(code, limits=RunLimits(10, 20, 512)) == 1


def test_the_wrong_arguments_raise(box: Box) -> None:
    run = box.one("def f(y): pass", {"x": 1})
    assert run.outcome is Outcome.RAISED
    assert run.error is not None
    assert run.error.type_name == "TypeError"


def test_what_was_used_is_measured(box: Box) -> None:
    run = box.one("""
        import time
        def f():
            block = bytearray(100 * 2**20)
            end = time.process_time() + 0.3
            while time.process_time() < end: pass
            time.sleep(0.3)
    """)
    assert run.outcome is Outcome.RETURNED
    assert 300 <= run.cpu_ms < 2000
    assert run.wall_ms >= 600
    assert 100_000 < run.memory_kb < 250_000


def test_calls_of_one_batch_answer_in_order(box: Box) -> None:
    code = "def f(n):\n    if n == 2: raise ValueError\n    return n"
    runs = box.run(*(call(code, {"n": n}) for n in range(4)))
    assert [run.outcome for run in runs] == [
        Outcome.RETURNED,
        Outcome.RETURNED,
        Outcome.RAISED,
        Outcome.RETURNED,
    ]
    assert [result(run) for run in runs if run.result] == [0, 1, 3]


def test_random_numbers_are_not_the_same_in_every_call(box: Box) -> None:
    code = "import random, numpy as np\ndef f(): return [random.random(), float(np.random.rand())]"
    seen = [box.value(code) for _ in range(3)]
    assert len({str(pair) for pair in seen}) == 3


def test_a_large_argument_and_a_large_result_pass(box: Box) -> None:
    array = np.random.default_rng(0).normal(size=3_000_000)
    found = box.value("def f(x): return x", {"x": array})
    np.testing.assert_array_equal(found, array)


# --- Batches, whose calls are sent ahead ------------------------------------------------------

KILL_ITSELF = "import os\ndef f(x): os.kill(os.getpid(), 9)"
GIVE_BACK = "def f(x): return x"
# Less than a process may have, but more than all of them may; the largest is killed.
SHARE_OUT = """
    import os, time
    def f(x):
        ready, done = os.pipe()
        for _ in range(6):
            if os.fork() == 0:
                block = b"x" * (20 * 2**20)
                os.write(done, b".")
                time.sleep(30)
                os._exit(0)
        for _ in range(6): os.read(ready, 1)
        return len(b"x" * (58 * 2**20))
"""


def test_a_batch_of_large_calls_with_large_results_passes(box: Box) -> None:
    arrays = [np.full(400_000, float(at)) for at in range(5)]
    runs = box.run(*(call(GIVE_BACK, {"x": array}) for array in arrays))
    for run, array in zip(runs, arrays, strict=True):
        np.testing.assert_array_equal(result(run), array)


def test_calls_after_one_that_killed_itself_are_run_all_the_same(box: Box) -> None:
    codes = [GIVE_BACK, KILL_ITSELF, GIVE_BACK, KILL_ITSELF, GIVE_BACK]
    runs = box.run(*(call(code, {"x": at}) for at, code in enumerate(codes)))
    assert [run.outcome for run in runs] == [
        Outcome.RETURNED,
        Outcome.DIED,
        Outcome.RETURNED,
        Outcome.DIED,
        Outcome.RETURNED,
    ]
    assert [result(run) for run in runs if run.result] == [0, 2, 4]


def test_a_kill_for_memory_is_told_apart_from_others_of_the_same_batch(box: Box) -> None:
    box.replace()
    limits = RunLimits(cpu_seconds=5, wall_seconds=10, memory_mb=64)
    codes = [KILL_ITSELF, SHARE_OUT, GIVE_BACK]
    runs = box.run(*(call(code, {"x": 1}, limits=limits) for code in codes))
    assert [run.outcome for run in runs] == [
        Outcome.DIED,
        Outcome.MEMORY,
        Outcome.RETURNED,  # by the same PID 1, which the kernel spared
    ]
    assert box.spent


def test_calls_of_one_batch_may_have_limits_that_differ(box: Box) -> None:
    code = "def f(x): return len(bytearray(x * 2**20))"
    wanted = [(40, 64), (400, 512), (200, 64), (40, 64)]
    runs = box.run(
        *(
            call(code, {"x": size}, limits=RunLimits(2, 6, memory_mb=limit))
            for size, limit in wanted
        )
    )
    assert [run.outcome for run in runs] == [
        Outcome.RETURNED,
        Outcome.RETURNED,
        Outcome.MEMORY,
        Outcome.RETURNED,
    ]


def test_each_call_of_a_batch_has_its_own_output(box: Box) -> None:
    code = "def f(x):\n    print(str(x) * 30_000)\n    return 'r' * 30_000 * x"
    runs = box.run(*(call(code, {"x": at}) for at in range(5)))
    assert [run.stdout for run in runs] == [str(at) * 30_000 + "\n" for at in range(5)]
    assert [result(run) for run in runs] == ["r" * 30_000 * at for at in range(5)]


def test_processes_that_a_call_leaves_behind_do_not_see_the_next(box: Box) -> None:
    box.replace()
    code = """
        import os, time
        def f(x):
            if os.fork() == 0:
                os.closerange(0, 60)
                time.sleep(30)
            return x
    """
    look = "import os\ndef f(x): return sorted(n for n in os.listdir('/proc') if n.isdigit())[1:]"
    left, there = box.run(call(code, {"x": 1}), call(look, {"x": 1}))
    assert result(left) == 1
    assert len(result(there)) == 1  # type: ignore[arg-type]
    assert box.spent


def test_a_call_sees_neither_the_frames_of_pid_1_nor_when_the_batch_before_ended(box: Box) -> None:
    code = """
        import sys, time
        def f():
            frame, names = sys._getframe(), []
            while frame.f_back:
                frame = frame.f_back
                names.append([frame.f_code.co_name, sorted(frame.f_locals)])
            started = int(open("/proc/self/stat").read().rsplit(")", 1)[1].split()[19]) / 100
            return [names[3:], time.clock_gettime(time.CLOCK_BOOTTIME) - started]
    """
    box.value("def f(): return 1")
    time.sleep(1.5)  # a child that had been waiting would be as old as that
    frames, age = cast("list[Any]", box.value(code))
    assert frames == [["main", ["base", "open_doors"]], ["<module>", frames[1][1]]]
    assert age < 1.2


# --- Randomness -------------------------------------------------------------------------------


def test_the_global_generators_can_be_seeded_as_ever(box: Box) -> None:
    code = """
        import random, numpy as np
        def f():
            np.random.seed(7)
            random.seed(7)
            return [np.random.randn(3), np.random.rand(700), random.random()]
    """
    ours = np.random.RandomState(7)
    expected = [ours.randn(3), ours.rand(700), random.Random(7).random()]
    assert str(box.value(code)) == str(expected)


def test_the_unseeded_global_generators_draw_evenly(box: Box) -> None:
    code = """
        import random, numpy as np
        def f():
            draws = np.random.rand(20_000)
            return [draws.mean(), draws.std(), np.mean([random.random() for _ in range(20_000)])]
    """
    drawn = np.array([box.value(code) for _ in range(3)])
    assert len(np.unique(drawn)) == drawn.size
    np.testing.assert_allclose(drawn, [[0.5, 12**-0.5, 0.5]] * 3, atol=0.02)
