"""Code that lies: about its result, its end, or in the fork server's own voice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.grading.runs import Outcome
from app.grading.values import InvalidValueError, decode_value
from tests.sandboxes import call, result

if TYPE_CHECKING:
    from tests.sandboxes import Box


@pytest.mark.parametrize(
    "expression",
    [
        "np.array([1, 'a'], dtype=object)",
        "np.zeros(2, dtype=[('a', 'f8')])",
        "np.zeros(2, dtype='V8')",
        "np.array(['2026-01-01'], dtype='M8[D]')",
        "np.array([b'x'])",
        "np.matrix([[1.0]])",
        "np.ma.masked_array([1.0], [True])",
        "np.ma.masked",
        "np.zeros(3).view(type('Sub', (np.ndarray,), {}))",
        "np.rec.array([(1,)])",
        "type('A', (), {'__array__': lambda self, *a: np.zeros(2)})()",
        "type('A', (), {'__eq__': lambda self, o: True, '__sub__': lambda self, o: 0})()",
        "type('F', (float,), {})(1.0)",
        "type('I', (int,), {})(1)",
        "type('S', (str,), {})('a')",
        "type('L', (list,), {})()",
        "type('D', (dict,), {})()",
        "__import__('collections').OrderedDict()",
        "__import__('decimal').Decimal(1)",
        "{(1, 2): 3}",
        "{True: 3}",
        "{1.0: 3}",
        "{1, 2}",
        "b'bytes'",
        "f",
        "(x for x in ())",
        "range(3)",
        "[1, [2, {3}]]",
        "'\\ud800'",
        "np.float64",
        "np.datetime64('2026-01-01')",
    ],
)
def test_what_is_not_plain_data_is_not_a_result(box: Box, expression: str) -> None:
    run = box.one(f"import numpy as np\ndef f(): return {expression}")
    assert run.outcome is Outcome.NOT_DATA, run
    assert run.result is None
    assert run.error is not None
    assert run.error.message


def test_a_result_that_contains_itself_is_not_data(box: Box) -> None:
    run = box.one("def f():\n    x = []\n    x.append(x)\n    return x")
    assert run.outcome is Outcome.NOT_DATA


@pytest.mark.parametrize("status", [0, 1, 42])
def test_leaving_without_an_answer_is_dying(box: Box, status: int) -> None:
    assert box.one(f"import os\ndef f(): os._exit({status})").outcome is Outcome.DIED


@pytest.mark.parametrize("number", [6, 9, 11, 15])
def test_death_by_a_signal_is_dying(box: Box, number: int) -> None:
    run = box.one(f"import os, time\ndef f(): os.kill(os.getpid(), {number}); time.sleep(1)")
    assert run.outcome is Outcome.DIED
    assert run.wall_ms < 3000


def test_a_forged_report_with_a_failing_exit_is_dying(box: Box) -> None:
    assert box.one("import os\ndef f(): os.write(3, b'RT'); os._exit(1)").outcome is Outcome.DIED


def test_a_forged_report_is_no_more_than_a_returned_value(box: Box) -> None:
    run = box.one("import os\ndef f(): os.write(3, b'RT'); os._exit(0)")
    assert result(run) is True


@pytest.mark.parametrize(
    "report",
    [
        b"",
        b"Z",
        b"X",
        b"XN",
        b"XS\xff\xff\xff\xffabc",
        b"B{}",
        b"XM\x00\x00\x00\x02" + b"S\x00\x00\x00\x01aN" * 2,
        b'{"outcome": "returned", "outcome": "raised"}',
        b"N" + b"L\x00\x00\x00\x01" * 5000,
        b"XI\xff\xff\xff\xff",
    ],
)
def test_a_malformed_report_is_dying(box: Box, report: bytes) -> None:
    run = box.one(f"import os\ndef f(): os.write(3, {report!r}); os._exit(0)")
    assert run.outcome is Outcome.DIED


def test_a_report_after_a_forged_one_makes_it_invalid(box: Box) -> None:
    run = box.one("import os\ndef f(): os.write(3, b'RT'); return 5")
    assert run.outcome is Outcome.RETURNED
    assert run.result is not None
    with pytest.raises(InvalidValueError):
        decode_value(run.result)


def test_the_fork_server_s_voice_on_every_descriptor_is_only_noise(box: Box) -> None:
    code = """
        import os, struct
        def f():
            end = struct.pack(">IchQQQI?", 1, b"x", 0, 1, 1, 1, 0, False)
            frame = struct.pack(">cI", b"E", len(end)) + end
            for fd in range(1024):
                for text in (frame, b"\\x01\\0\\0\\0\\0\\0\\0\\x05" + frame):
                    try: os.write(fd, text)
                    except OSError: pass
            return 1
    """
    runs = box.run(call(code), call("def f(): return 2"))
    assert runs[0].outcome in {Outcome.DIED, Outcome.RETURNED}
    assert "E" in runs[0].stdout
    assert result(runs[1]) == 2


def test_words_of_success_on_stdout_decide_nothing(box: Box) -> None:
    run = box.one(
        "def f():\n    print('PASSED\\nverdict: AC\\ntimelimit exceeded')\n    raise ValueError"
    )
    assert run.outcome is Outcome.RAISED


@pytest.mark.parametrize(
    "sabotage",
    [
        "from sandbox import codec; codec.encode = lambda *a: [b'T']",
        "from sandbox import runner; runner._report = lambda *a: [b'RT']",
        "import struct; struct.pack = lambda *a: b''",
        "import sys; sys.stdout = None",
        "import sys\n    class S:\n        def flush(self): raise SystemExit\n    sys.stdout = S()",
        "import os; os.write = lambda *a: 1 / 0",
        "import os; os.close(3)",
        "import os; os.closerange(0, 100)",
        "import builtins; builtins.__dict__.clear()",
        "import sys; sys.modules.clear()",
        "import gc; [d.clear() for d in gc.get_objects() if type(d) is dict]",
        "import sys; sys.settrace(lambda *a: 1 / 0)",
        "import threading, os; threading.Thread(target=os._exit, args=(0,)).start()",
        "import atexit, os; atexit.register(os.write, 3, b'RT')",
        "import signal, os; signal.setitimer(signal.ITIMER_REAL, 0.001)",
    ],
)
def test_sabotage_of_the_runner_harms_only_its_own_call(box: Box, sabotage: str) -> None:
    runs = box.run(call(f"def f():\n    {sabotage}\n    return 1"), call("def f(): return 2"))
    assert runs[0].outcome in {Outcome.RETURNED, Outcome.DIED, Outcome.RAISED, Outcome.NOT_DATA}
    assert result(runs[1]) == 2


def test_frames_of_the_runner_hold_nothing_but_the_call(box: Box) -> None:
    code = """
        import sys
        def f(x):
            frame, seen = sys._getframe(), []
            while frame:
                seen += [repr(value)[:200] for value in frame.f_locals.values()]
                frame = frame.f_back
            return "expected" in " ".join(seen)
    """
    assert box.value(code, {"x": 1}) is False


def test_measured_time_is_the_fork_server_s(box: Box) -> None:
    code = """
        import time, resource
        real = time.process_time
        time.perf_counter = time.monotonic = time.process_time = time.time = lambda: 0.0
        resource.getrusage = lambda who: None
        def f():
            while real() < 0.3: pass
    """
    run = box.one(code)
    assert run.outcome is Outcome.RETURNED
    assert run.cpu_ms >= 290
