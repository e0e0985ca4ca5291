"""Programs that want credit for nothing: none of them earns any, and the next call is unharmed.

Each goes all the way: a real sandbox, the bytes that come back, the real judge.
"""

from __future__ import annotations

import pickle
import textwrap
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.grading.judging import judge_case
from app.grading.runs import Outcome, RunLimits
from app.grading.static_rules import find_violations, is_stopped
from app.grading.values import InvalidValueError, decode_value, encode_value
from app.grading.verdicts import Verdict
from tests.attacks.court import (
    CASES,
    HONEST,
    QUESTION,
    about,
    case,
    earns_nothing,
    judged,
    runs_of,
    verdict_on,
)
from tests.sandboxes import call, result

if TYPE_CHECKING:
    from app.grading.values import Value
    from tests.sandboxes import Box

ZEROS = "np.zeros(x.shape[1])"


def test_the_honest_program_earns_everything(box: Box) -> None:
    judgement = judged(box, HONEST)
    assert (judgement.verdict, judgement.score) == (Verdict.AC, 1.0)


# --- What compares ---------------------------------------------------------------------------


@pytest.mark.case(63)
@pytest.mark.parametrize(
    "patch",
    [
        "np.allclose = np.isclose = np.array_equal = np.array_equiv = lambda *a, **k: True",
        "np.testing.assert_allclose = np.testing.assert_equal = lambda *a, **k: None",
        "import math; math.isclose = math.isnan = lambda *a, **k: True",
        "import builtins; builtins.all = builtins.any = builtins.bool = lambda *a: True",
        "import builtins; builtins.abs = builtins.max = builtins.sum = lambda *a: 0",
        "import operator; operator.eq = operator.ne = operator.lt = lambda *a: True",
        "np.abs = np.subtract = np.max = lambda *a, **k: 0.0",
        "np.ndarray.__eq__ = lambda *a: True",
        "np.result_type = np.isfinite = np.errstate = None",
        "np.seterr(all='ignore'); np.set_printoptions(threshold=0)",
        "import unittest; unittest.TestCase.assertEqual = lambda *a, **k: None",
    ],
)
def test_replaced_comparisons_decide_nothing(box: Box, patch: str) -> None:
    program = f"import numpy as np\ntry:\n    {patch}\nexcept TypeError: pass\n"
    assert earns_nothing(box, f"{program}def f(x): return {ZEROS}")


AGREEABLE = """
import numpy as np
class Any(BASE):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __le__(self, other): return True
    def __lt__(self, other): return True
    __ge__ = __gt__ = __le__
    def __hash__(self): return 0
    def __bool__(self): return True
    def __sub__(self, other): return 0.0
    __rsub__ = __mul__ = __rmul__ = __add__ = __radd__ = __truediv__ = __sub__
    def __abs__(self): return 0.0
    def __float__(self): return 0.0
    def __array__(self, *a, **k): return np.zeros(4)
    def __array_function__(self, *a, **k): return True
    def __array_ufunc__(self, *a, **k): return np.array(True)
    def __getattr__(self, name): return (4,) if name == "shape" else np.dtype("f8")
    __array_priority__ = 1e9
    __array_interface__ = {"shape": (4,), "typestr": "<f8", "data": (0, True), "version": 3}
"""


@pytest.mark.case(64)
@pytest.mark.parametrize(
    ("base", "value"),
    [
        ("object", "Any()"),
        ("object", "[Any()] * 4"),
        ("object", "np.array([Any()] * 4, dtype=object)"),
        ("np.ndarray", "np.zeros(4).view(Any)"),
        ("np.ma.MaskedArray", "np.ma.masked_all(4).view(Any)"),
        ("np.matrix", "np.matrix([[0.0] * 4]).view(Any)"),
        ("float", "Any(0.0)"),
        ("np.float64", "Any(0.0)"),
        ("tuple", "Any((0.0,) * 4)"),
        ("list", "Any([0.0] * 4)"),
        ("dict", "Any()"),
        ("str", "Any('0')"),
    ],
)
def test_an_object_that_equals_everything_is_no_result(box: Box, base: str, value: str) -> None:
    program = f"{AGREEABLE.replace('BASE', base)}\ndef f(x): return {value}"
    assert earns_nothing(box, program)
    assert {run.outcome for run in runs_of(box, program)} <= {Outcome.NOT_DATA, Outcome.RAISED}


@pytest.mark.case(64)
@pytest.mark.parametrize(
    "expression",
    [
        "np.array([1, 'a'], dtype=object)",
        "np.zeros(2, dtype=[('a', 'f8')])",
        "np.zeros(2, dtype='V8')",
        "np.array(['2026-01-01'], dtype='M8[D]')",
        "np.zeros(2, dtype='m8[s]')",
        "np.array([b'x'])",
        "np.matrix([[1.0]])",
        "np.ma.masked_array([1.0], [True])",
        "np.ma.masked",
        "np.zeros(3).view(type('Sub', (np.ndarray,), {}))",
        "np.rec.array([(1,)])",
        "np.zeros(2, dtype=np.dtype('f8', metadata={'a': 1})).view(np.recarray)",
        "np.nditer(np.zeros(2))",
        "np.zeros(2).flat",
        "np.zeros(2).data",
        "type('A', (), {'__array__': lambda self, *a: np.zeros(2)})()",
        "type('F', (float,), {})(1.0)",
        "type('I', (int,), {})(1)",
        "type('S', (str,), {})('a')",
        "type('L', (list,), {})()",
        "type('D', (dict,), {})()",
        "__import__('collections').OrderedDict()",
        "__import__('collections').namedtuple('N', 'a')(1)",
        "__import__('decimal').Decimal(1)",
        "__import__('fractions').Fraction(1)",
        "__import__('enum').IntEnum('E', 'a').a",
        "__import__('array').array('d', [1.0])",
        "{(1, 2): 3}",
        "{True: 3}",
        "{1.0: 3}",
        "{None: 3}",
        "{1, 2}",
        "b'bytes'",
        "f",
        "...",
        "NotImplemented",
        "range(3)",
        "slice(3)",
        "[1, [2, {3}]]",
        "'\\ud800'",
        "np.float64",
        "np.datetime64('2026-01-01')",
        "Exception('a')",
    ],
)
def test_what_is_not_plain_data_is_not_a_result(box: Box, expression: str) -> None:
    run = box.one(f"import numpy as np\ndef f(): return {expression}")
    assert run.outcome is Outcome.NOT_DATA, run
    assert run.result is None
    assert run.error is not None
    assert run.error.message


@pytest.mark.case(64)
def test_a_result_that_contains_itself_is_not_data(box: Box) -> None:
    assert earns_nothing(box, "def f(x):\n    y = []\n    y.append(y)\n    return y")


# --- Leaving before anybody looks ------------------------------------------------------------


@pytest.mark.case(65)
@pytest.mark.parametrize(
    "way_out",
    [
        "sys.exit()",
        "sys.exit(0)",
        "os._exit(0)",
        "os._exit(1)",
        "exit(0)",
        "os.abort()",
        "os.kill(os.getpid(), 9)",
        "os.kill(os.getpid(), 15)",
        "os.kill(0, 15)",
        "os.execv(sys.executable, [sys.executable, '-c', 'print(1)'])",
        "signal.raise_signal(signal.SIGSEGV)",
    ],
)
@pytest.mark.parametrize("when", ["called", "imported", "imported after f"])
def test_leaving_early_earns_nothing(box: Box, way_out: str, when: str) -> None:
    imports = "import os, signal, sys"
    program = {
        "called": f"{imports}\ndef f(x): {way_out}",
        "imported": f"{imports}\n{way_out}\n{HONEST}",
        "imported after f": f"{imports}\n{HONEST}\n{way_out}",
    }[when]
    assert earns_nothing(box, program)


@pytest.mark.case(66)
@pytest.mark.parametrize(
    "raised",
    [
        "SystemExit(0)",
        "SystemExit(None)",
        "KeyboardInterrupt()",
        "GeneratorExit()",
        "StopIteration(x.var(axis=0))",
        "MemoryError()",
        "RecursionError()",
        "BaseExceptionGroup('g', [SystemExit(0), ValueError()])",
        "type('AC', (BaseException,), {})()",
        "Hostile()",
        "Hostile().with_traceback(None)",
        "type.__call__(Meta, 'E', (Exception,), {})()",
    ],
)
def test_no_exception_is_a_verdict(box: Box, raised: str) -> None:
    program = f"""
        class Meta(type):
            def __getattribute__(cls, name): raise SystemExit(0)
        class Text(str):
            def __getitem__(self, at): return self
            def encode(self, *a, **k): return b"RT"
        class Hostile(BaseException):
            def __str__(self): return Text("R" * 100_000)
            __repr__ = __str__
            __class__ = property(lambda self: SystemExit)
            @property
            def __traceback__(self): raise SystemExit(0)
        def f(x): raise {raised}
    """
    assert earns_nothing(box, program)


# --- Forged reports --------------------------------------------------------------------------


@pytest.mark.case(67)
def test_a_result_file_is_read_by_nobody(box: Box) -> None:
    program = """
        import json, os
        def f(x):
            text = json.dumps({"verdict": "AC", "score": 1, "passed": 99, "results": [True] * 99})
            names = ["result.json", "results.json", "out.txt", "verdict", ".grade", "report.xml"]
            for folder in ("", "/", "/tmp/", "/grade/", "/dev/shm/", "/var/tmp/", "../"):
                for name in names:
                    try:
                        with open(folder + name, "w") as file: file.write(text)
                    except OSError: pass
            os._exit(0)
    """
    assert earns_nothing(box, program)


@pytest.mark.case(68)
@pytest.mark.parametrize(
    "report",
    [
        b"",
        b"R",
        b"RT",
        b"AC",
        b"Z",
        b"X",
        b"XN",
        b"XS\xff\xff\xff\xffabc",
        b"B{}",
        b"XM\x00\x00\x00\x02" + b"S\x00\x00\x00\x01aN" * 2,
        b"N" + b"L\x00\x00\x00\x01" * 5000,
        b"XI\xff\xff\xff\xff",
        b'R{"verdict": "AC", "score": 1}',
        b"RM\x00\x00\x00\x01S\x00\x00\x00\x07verdictS\x00\x00\x00\x02AC",
    ],
)
@pytest.mark.parametrize("status", [0, 1])
def test_a_report_of_one_s_own_is_no_verdict(box: Box, report: bytes, status: int) -> None:
    code = f"import os\ndef f(x): os.write(3, {report!r}); os._exit({status})"
    assert earns_nothing(box, code)


@pytest.mark.case(68)
def test_a_report_written_by_hand_is_no_more_than_a_returned_value(box: Box) -> None:
    assert result(box.one("import os\ndef f(): os.write(3, b'RT'); os._exit(0)")) is True
    failing = "import os\ndef f(): os.write(3, b'RT'); os._exit(1)"
    assert box.one(failing).outcome is Outcome.DIED


@pytest.mark.case(68)
def test_two_reports_are_none(box: Box) -> None:
    """Not even two right ones: what follows the first value makes all of it unreadable."""
    program = """
        import os
        from sandbox import codec
        def f(x):
            os.write(3, b"R" + b"".join(codec.encode(x.var(axis=0), 10**6)))
            return x.var(axis=0)
    """
    assert earns_nothing(box, program)


@pytest.mark.case(68)
def test_the_fork_server_s_voice_on_every_descriptor_is_only_noise(box: Box) -> None:
    program = """
        import os, struct
        def f(x):
            for sequence in range(50):
                end = struct.pack(">IchQQQI?", sequence, b"x", 0, 1, 1, 1, 0, False)
                frame = struct.pack(">cI", b"E", len(end)) + end
                for fd in range(1024 if sequence == 1 else 5):
                    for text in (frame, b"\\x01\\0\\0\\0\\0\\0\\0\\x05" + frame):
                        try: os.write(fd, text)
                        except OSError: pass
            return x
    """
    runs = runs_of(box, program)
    assert all(run.outcome in {Outcome.DIED, Outcome.RETURNED, Outcome.OUTPUT} for run in runs)
    assert all("E" in run.stdout for run in runs)
    assert earns_nothing(box, program)


@pytest.mark.case(69)
@pytest.mark.parametrize(
    "late",
    [
        "atexit.register(os.write, 3, b'RT')",
        "threading.Thread(target=late).start()",
        "threading.Thread(target=late, daemon=True).start()",
        "os.fork() or late()",
        "os.fork() or (os.setsid(), os.fork() or late())",
        "weakref.finalize(late, late)",
        "threading.Thread(target=os._exit, args=(0,)).start()",
        "signal.signal(signal.SIGALRM, late); signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)",
        "sys.settrace(lambda *a: late())",
        "sys.addaudithook(lambda *a: late())",
        "gc.callbacks.append(late)",
    ],
)
def test_a_word_after_the_end_is_not_heard(box: Box, late: str) -> None:
    program = f"""
        import atexit, gc, os, signal, sys, threading, time, weakref
        def late(*a, go_on=[3]):
            while go_on[0]:
                go_on[0] -= 1
                time.sleep(0.002)
                os.write(3, b"RT")
        def f(x):
            {late}
            return 0
    """
    assert earns_nothing(box, program)
    assert result(box.one("def f(): return 2")) == 2


@pytest.mark.case(70)
def test_no_memory_is_shared_with_whoever_judges(box: Box) -> None:
    program = """
        import ctypes, mmap, os
        from multiprocessing import shared_memory
        def tries():
            yield lambda: os.open("/proc/1/mem", os.O_RDWR)
            yield lambda: os.open(f"/proc/{os.getppid()}/mem", os.O_RDWR)
            yield lambda: shared_memory.SharedMemory("verdict", create=True, size=8)
            yield lambda: os.open("/dev/shm/verdict", os.O_RDWR | os.O_CREAT)
            yield lambda: mmap.mmap(os.open("/dev/mem", os.O_RDWR), 4096)
            yield lambda: 1 / (ctypes.CDLL(None).shmget(1, 4096, 0o1666) + 1)
        def f(x):
            got = []
            for attempt in tries():
                try: got.append(repr(attempt()))
                except (OSError, ZeroDivisionError, ImportError): pass
            return "; ".join(got)
    """
    assert [result(run) for run in runs_of(box, program)] == [""] * len(CASES)


@pytest.mark.case(71)
def test_frames_and_the_heap_hold_no_list_of_results(box: Box) -> None:
    program = """
        import gc, sys
        import numpy as np
        WORDS = ("expected", "verdict", "passed", "score", "checker", "reference", "hidden")
        def f(x):
            frame, seen = sys._getframe(), set()
            while frame:
                seen |= {word for word in WORDS for name in frame.f_locals if word in name.lower()}
                frame = frame.f_back
            for thing in gc.get_objects():
                if type(thing) is dict and len(thing) < 50:
                    seen |= {word for word in WORDS if word in thing}
                if type(thing) is list and thing and type(thing[0]) is bool:
                    thing[:] = [True] * len(thing)
                if type(thing) is np.ndarray and thing is not x and thing.size == x.shape[1]:
                    thing[...] = 0
            return sorted(seen)
    """
    runs = runs_of(box, program)
    assert [result(run) for run in runs] == [[]] * len(CASES)
    assert earns_nothing(box, program)


@pytest.mark.case(72)
@pytest.mark.parametrize(
    "sabotage",
    [
        "from sandbox import codec; codec.encode = lambda *a: [b'T']",
        "from sandbox import codec; codec.Encoder.add = lambda self, *a: self._put(b'T')",
        "from sandbox import codec; codec._METHODS[int] = codec.Encoder._none",
        "from sandbox import runner; runner._report = lambda *a: [b'RT']",
        "from sandbox import runner; runner._describe = lambda *a: [b'RT']",
        "from sandbox import runner; runner._write = lambda *a: None",
        "from sandbox import runner; runner._flush = runner.main",
        "from sandbox import forkserver; forkserver.main()",
        "from sandbox import forkserver; forkserver.write(b'E' * 100)",
        "import struct; struct.pack = lambda *a: b''",
        "import traceback; traceback.print_exc = traceback.format_exc = lambda *a: 'AC'",
        "import sys; sys.excepthook = sys.unraisablehook = lambda *a: None",
        "import sys; sys.stdout = sys.stderr = None",
        "import sys\n    class S:\n        def flush(self): raise SystemExit\n    sys.stdout = S()",
        "import sys; sys.setrecursionlimit(40)",
        "import os; os.write = lambda *a: 1 / 0",
        "import os; os.write = lambda fd, b: len(b)",
        "import os; os.close(3)",
        "import os; os.dup2(1, 3)",
        "import os; os.closerange(0, 100)",
        "import builtins; builtins.__dict__.clear()",
        "import sys; sys.modules.clear()",
        "import gc; [d.clear() for d in gc.get_objects() if type(d) is dict]",
        "import sys; sys.settrace(lambda *a: 1 / 0)",
        "import sys; sys._getframe(2).f_globals['_report'] = lambda *a: [b'RT']",
        "import sys; sys._getframe(1).f_globals['codec'].encode = lambda *a: [b'T']",
        "import ctypes; ctypes.memset(id(True), 0, 16)",
        "import ctypes; ctypes.string_at(0)",
    ],
)
def test_sabotage_of_the_runner_harms_only_its_own_call(box: Box, sabotage: str) -> None:
    assert earns_nothing(box, f"def f(x):\n    {sabotage}\n    return 1")
    assert result(box.one("def f(): return 2")) == 2


@pytest.mark.case(72)
def test_the_judge_is_not_in_the_sandbox(box: Box) -> None:
    program = """
        import importlib
        def f(x):
            found = []
            for name in ("app", "app.grading.judging", "app.questions", "pytest", "yaml"):
                try: found.append(importlib.import_module(name).__name__)
                except ImportError: pass
            return found
    """
    assert [result(run) for run in runs_of(box, program)] == [[]] * len(CASES)


@pytest.mark.case(73)
@pytest.mark.parametrize(
    "words",
    [
        "PASSED",
        "verdict: AC",
        "timelimit exceeded",
        '{"verdict": "AC", "score": 1.0}',
        "#<ab@17943918#@>#",
        "1 passed in 0.01s",
        "\\x00\\x01\\x02RT",
        "OK\\n----\\nRan 4 tests",
    ],
)
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_words_of_success_decide_nothing(box: Box, words: str, stream: str) -> None:
    said = f"import sys\ndef f(x):\n    print('{words}', file=sys.{stream}, flush=True)\n"
    assert earns_nothing(box, f"{said}    raise ValueError")
    assert earns_nothing(box, f"{said}    return '{words}'")


@pytest.mark.case(74)
@pytest.mark.parametrize(
    "report",
    [
        b'{"outcome": "returned", "outcome": "raised"}',
        b'{"verdict": "WA", "verdict": "AC"}\n{"verdict": "AC"}',
        b"RM\x00\x00\x00\x02" + b"S\x00\x00\x00\x01aT" * 2,
        b"RTT",
        b"RT\n",
        b"RN" + b"RT",
        b"XM\x00\x00\x00\x01S\x00\x00\x00\x04typeS\x00\x00\x00\x02ACRT",
    ],
)
def test_a_second_document_or_key_makes_a_report_void(box: Box, report: bytes) -> None:
    run = box.one(f"import os\ndef f(): os.write(3, {report!r}); os._exit(0)")
    if run.outcome is Outcome.RETURNED:
        with pytest.raises(InvalidValueError):
            decode_value(run.result or b"")
    else:
        assert run.outcome is Outcome.DIED


UNPICKLED: list[str] = []


def leave_a_mark(where: str) -> None:
    UNPICKLED.append(where)


class Payload:
    """Unpickled, it would leave a mark in this very process."""

    def __reduce__(self) -> tuple[object, ...]:
        return leave_a_mark, ("here",)


def pickled_array() -> bytes:
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n"
    body = len(header).to_bytes(2, "little") + header + pickle.dumps(Payload())
    npy = b"\x93NUMPY\x01\x00" + body
    return b"RA" + len(npy).to_bytes(4, "big") + npy


@pytest.mark.case(75)
@pytest.mark.parametrize(
    "report",
    [
        pickle.dumps(Payload()),
        b"R" + pickle.dumps(Payload()),
        b"X" + pickle.dumps(Payload(), 0),
        pickled_array(),
        b"Rcos\nsystem\n(S'true'\ntR.",
    ],
    ids=["bare", "as a result", "as an exception", "as an object array", "by hand"],
)
def test_nothing_that_comes_back_is_unpickled(box: Box, report: bytes) -> None:
    assert earns_nothing(box, f"import os\ndef f(x): os.write(3, {report!r}); os._exit(0)")
    assert UNPICKLED == []


@pytest.mark.case(75)
def test_the_payload_would_be_noticed_if_it_were_unpickled() -> None:
    pickle.loads(pickle.dumps(Payload()))  # noqa: S301 - our own
    assert UNPICKLED.pop() == "here"


# --- What one case leaves for the next -------------------------------------------------------


@pytest.mark.case(76)
@pytest.mark.parametrize("name", ["numpy", "json", "sandbox", "struct", "solution", "conftest"])
def test_a_module_of_the_same_name_shadows_nothing(box: Box, name: str) -> None:
    program = f"""
        import os, sys, types
        for folder in (".", "/", "/tmp", "/sandbox", *sys.path):
            try:
                with open(os.path.join(folder, "{name}.py"), "w") as file:
                    file.write("raise SystemExit(0)")
            except OSError: pass
        sys.path.insert(0, "/tmp")
        sys.modules["{name}"] = types.ModuleType("{name}")
        sys.modules["sandbox.codec"] = sys.modules["{name}"]
        def f(x): return [0.0] * 4
    """
    assert earns_nothing(box, program)
    assert judged(box, HONEST).verdict is Verdict.AC


@pytest.mark.case(77)
def test_what_one_case_changes_in_the_interpreter_is_gone_in_the_next(box: Box) -> None:
    poison = """
        import builtins, os, random, sys, threading
        import numpy as np
        class Finder:
            def find_spec(self, *a): os._exit(0)
        sys.meta_path.insert(0, Finder())
        sys.path_hooks.insert(0, Finder)
        sys.modules["poison"] = builtins.poison = np.poison = os.environ["poison"] = "poison"
        builtins.len = lambda x: 0
        np.ndarray.__doc__ = None
        sys.setrecursionlimit(50_000)
        threading.setprofile(lambda *a: None)
        random.seed(1); np.random.seed(1)
        def f(): return random.random()
    """
    look = """
        import builtins, os, random, sys
        import numpy as np
        def f():
            return [
                "poison" in sys.modules, hasattr(builtins, "poison"), hasattr(np, "poison"),
                "poison" in os.environ, len([1, 2]), len(sys.meta_path), len(sys.path_hooks),
                sys.getrecursionlimit(), threading_profile(), random.random() < 0,
            ]
        def threading_profile():
            import threading
            return threading._profile_hook is None
    """
    before, _, after = box.run(call(look), call(poison), call(look))
    assert result(before) == result(after)
    random_numbers = "import random\ndef f(): return random.random()"
    drawn = [result(run) for run in box.run(*[call(random_numbers)] * 3)]
    assert len(set(map(str, drawn))) == 3


@pytest.mark.case(78)
@pytest.mark.parametrize("changed", ["x[:] = 0", "x *= 0", "x.sort(axis=0)", "x.resize((0, 4))"])
def test_changed_inputs_do_not_change_what_is_expected(box: Box, changed: str) -> None:
    program = f"def f(x):\n    {changed}\n    return x.sum(axis=0) * 0"
    assert earns_nothing(box, program)


@pytest.mark.case(78)
def test_changed_inputs_are_noticed_where_they_must_stay(box: Box) -> None:
    x = np.arange(8.0).reshape(4, 2)
    kept = case({"x": x}, x.var(axis=0), inputs_unmodified=True)
    for change in ("x -= x.mean(axis=0)", "x.shape = (2, 4); x.shape = (4, 2); x += 1e-12"):
        (run,) = runs_of(
            box, f"def f(x):\n    y = x.var(axis=0)\n    {change}\n    return y", [kept]
        )
        assert judge_case(kept, run).verdict is Verdict.WA
    (run,) = runs_of(box, HONEST, [kept])
    assert judge_case(kept, run).verdict is Verdict.AC


@pytest.mark.case(79)
@pytest.mark.parametrize(
    "returned",
    [
        "x",
        "x[0]",
        "x[:1]",
        "x.T[0]",
        "np.broadcast_to(x.var(), 4)",
        "np.lib.stride_tricks.as_strided(x, (4,), (0,))",
        "np.frombuffer(x.data, count=4)",
        "np.lib.stride_tricks.as_strided(x, (4,), (1 << 20,))",
    ],
)
def test_a_view_is_judged_by_what_is_in_it(box: Box, returned: str) -> None:
    assert earns_nothing(box, f"import numpy as np\ndef f(x): return {returned}")


@pytest.mark.case(79)
def test_a_buffer_that_changes_after_the_return_is_taken_once(box: Box) -> None:
    program = """
        import threading
        import numpy as np
        def f(x):
            y = np.zeros(4)
            def flicker():
                while True:
                    y[:] = x.var(axis=0) + 1
            threading.Thread(target=flicker, daemon=True).start()
            return y
    """
    assert earns_nothing(box, program)


@pytest.mark.case(80)
@pytest.mark.parametrize(
    "lazy",
    [
        "(v for v in x.var(axis=0))",
        "map(float, x.var(axis=0))",
        "iter(x.var(axis=0))",
        "lambda: x.var(axis=0)",
        "functools.partial(np.var, x, axis=0)",
        "Lazy(x)",
        "later(x)",
        "memoryview(x.var(axis=0))",
        "x.var(axis=0).flat",
        "np.nditer(x.var(axis=0))",
        "dict(enumerate(x.var(axis=0))).values()",
    ],
)
def test_a_promise_is_no_result(box: Box, lazy: str) -> None:
    program = f"""
        import functools
        import numpy as np
        class Lazy:
            def __init__(self, x): self.x = x
            def __array__(self, *a, **k): return self.x.var(axis=0)
            def __reduce__(self): return np.var, (self.x, 0)
        async def coroutine(x): return x.var(axis=0)
        def later(x):
            promised = coroutine(x)
            later.kept = promised
            return promised
        def f(x): return {lazy}
    """
    assert earns_nothing(box, program)


@pytest.mark.case(81)
@pytest.mark.parametrize(
    "memory",
    [
        "global kept; kept = globals().get('kept', x.var(axis=0)); return kept",
        "np.kept = getattr(np, 'kept', x.var(axis=0)); return np.kept",
        "return cached(4) if cached.cache_info().currsize else cached(4) * 0 + x.var(axis=0)",
        "sys.modules.setdefault('kept', x.var(axis=0)); return sys.modules['kept']",
    ],
)
def test_answers_are_not_kept_from_case_to_case(box: Box, memory: str) -> None:
    """What is computed anew each time is right: it is the first answer that would be wrong."""
    program = f"""
        import functools, sys
        import numpy as np
        @functools.lru_cache
        def cached(n): return np.zeros(n)
        def f(x):
            {memory}
    """
    judgement = judged(box, program)
    assert (judgement.verdict, judgement.score) == (Verdict.AC, 1.0)


@pytest.mark.case(81)
def test_the_same_case_again_is_run_again(box: Box) -> None:
    program = """
        count = 0
        def f(x):
            global count
            count += 1
            return count
    """
    assert [result(run) for run in runs_of(box, program, [about(2)] * 3)] == [1, 1, 1]


@pytest.mark.case(82)
def test_answers_to_the_samples_alone_earn_nothing(box: Box) -> None:
    sample = CASES[0]
    known = np.asarray(decode_value(sample.expected)).tolist()
    program = f"import numpy as np\ndef f(x): return np.array({known})"
    judgement = judged(box, program)
    assert judgement.score == 0
    assert judgement.verdict is Verdict.WA
    assert judged(box, program, [sample]).verdict is Verdict.AC


@pytest.mark.case(83)
def test_a_hidden_case_looks_like_a_sample_from_inside(box: Box) -> None:
    program = """
        import os, resource, sys
        def f(x):
            frame, stack = sys._getframe(), []
            while frame:
                names = sorted(name for name in frame.f_locals if name not in ("stack", "frame"))
                stack.append([frame.f_code.co_name, frame.f_lineno, names])
                frame = frame.f_back
            limits = [
                list(map(str, resource.getrlimit(getattr(resource, name))))
                for name in sorted(dir(resource)) if name.startswith("RLIMIT_")
            ]
            return [
                sorted(os.environ.items()), sys.argv, os.getcwd(), stack[1:], limits,
                sorted(os.listdir("/proc/self/fd")), sorted(sys.modules),
                os.getsid(0) == os.getpid(), sorted(f.__globals__),
            ]
    """
    shown, hidden = (
        result(run) for run in runs_of(box, program, [about(5, sample=True), about(5)])
    )
    assert shown == hidden


@pytest.mark.case(84)
def test_measured_time_is_the_fork_server_s(box: Box) -> None:
    program = """
        import resource, time
        real = time.process_time
        for name in ("perf_counter", "monotonic", "process_time", "time", "thread_time"):
            setattr(time, name, lambda: 0.0)
            setattr(time, name + "_ns", lambda: 0)
        resource.getrusage = lambda who: None
        def f(x):
            while real() < 0.3: pass
    """
    (run,) = runs_of(box, program, [about(1)])
    assert run.outcome is Outcome.RETURNED
    assert run.cpu_ms >= 290


@pytest.mark.case(84)
def test_a_report_cannot_state_its_own_time(box: Box) -> None:
    program = """
        import os
        from sandbox import codec
        def f(x):
            text = {"type": "E", "message": "", "traceback": "", "cpu_ms": 0.0}
            os.write(3, b"X" + b"".join(codec.encode(text, 1000)))
            while True: pass
    """
    run = box.one(program, {"x": 0}, limits=RunLimits(0.5, 20, 128))
    assert run.outcome is Outcome.CPU_TIME
    assert run.cpu_ms >= 450


HIDDEN_NAMES = {
    "as it is": "import numpy\ndef f(x): return numpy.var(x, axis=0)",
    "by alias": "from numpy import var as mean\ndef f(x): return mean(x, axis=0)",
    "by star": "from numpy import *\ndef f(x): return var(x, axis=0)",
    "as a method": "def f(x): return x.var(axis=0)",
    "of a class": "import numpy as np\ndef f(x): return np.ndarray.var(x, axis=0)",
    "by another module": "import sys\ndef f(x): return sys.modules['numpy'].var(x, axis=0)",
    "by import": "def f(x): return __import__('numpy').var(x, axis=0)",
    "by importlib": "import importlib as i\nf = i.import_module('numpy').var",
    "by getattr": "import numpy as np\ndef f(x): return getattr(np, 'var')(x, axis=0)",
    "by dict": "import numpy as np\ndef f(x): return vars(np)['var'](x, axis=0)",
    "by eval": "def f(x): return eval('x.var(axis=0)')",
    "in pieces": "import numpy as np\ndef f(x): return getattr(np, 'v' + 'ar')(x, axis=0)",
    "as a default": "import numpy as np\ndef f(x, g=np.var): return g(x, axis=0)",
    "in an f-string": "def f(x): return f'{x.var(axis=0)}'",
    "too deep to look at": "def f(x): return x" + ".T" * 20_000 + ".var(axis=0)",
}
FORBIDDING = QUESTION.model_copy(update={"forbid": ["np.var", "torch"]})


@pytest.mark.case(85)
@pytest.mark.parametrize("name", HIDDEN_NAMES)
def test_a_forbidden_name_is_found_however_it_is_called(name: str) -> None:
    assert is_stopped(find_violations(FORBIDDING, HIDDEN_NAMES[name]))


@pytest.mark.case(85)
def test_names_that_only_look_forbidden_are_not() -> None:
    for program in (
        "# np.var\ndef f(x): return 'torch'",
        "def f(x, var=1): return var",
        "var = torch = 4\ndef f(x): return var",
        "def f(x): return ((x - x.mean(axis=0)) ** 2).mean(axis=0)",
    ):
        assert find_violations(FORBIDDING, program) == ()


@pytest.mark.case(85)
def test_what_is_hidden_too_well_is_still_only_code_in_a_sandbox(box: Box) -> None:
    """The rule is a mentor's hint. That there is no torch does not depend on it."""
    program = """
        import base64
        exec(base64.b64decode("aW1wb3J0IHRvcmNo"))
        def f(x): return [0.0]
    """
    assert not is_stopped(find_violations(FORBIDDING, textwrap.dedent(program)))
    assert earns_nothing(box, program)


@pytest.mark.case(85)
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "text",
    [
        "(" * 60_000,
        "-" * 60_000 + "1",
        "1" + "+1" * 30_000,
        "lambda: " * 7000 + "1",
        "x = " * 15_000 + "1",
        "1" * 60_000,
        "'\\d'",
        "\0",
        "\ud800",
        "def f(x) return 1",
        "f'{x!z}'",
        "\N{BYTE ORDER MARK}import torch",
    ],
    ids=lambda text: ascii(text[:8]),
)
def test_no_text_breaks_who_looks_for_names(text: str) -> None:
    find_violations(FORBIDDING, text)


@pytest.mark.case(86)
@pytest.mark.parametrize("wrong", [1, 2, 3])
def test_some_wrong_answers_are_never_a_full_score(box: Box, wrong: int) -> None:
    firsts = [float(np.asarray(decode_value(one.args)["x"])[0, 0]) for one in CASES[1 : 1 + wrong]]  # type: ignore[index,call-overload]
    program = f"def f(x): return x.var(axis=0) * (float(x[0, 0]) not in {firsts})"
    judgement = judged(box, program)
    assert judgement.verdict is Verdict.WA
    assert judgement.score == pytest.approx(1 - wrong / 3)
    (group,) = judgement.groups
    assert (group.passed, group.total) == (3 - wrong, 3)


# --- Our own --------------------------------------------------------------------------------


def test_an_exception_named_like_memory_is_at_most_that(box: Box) -> None:
    program = "def f(x): raise type('MemoryError', (Exception,), {})('RT')"
    assert earns_nothing(box, program)


def test_code_that_claims_to_be_the_runner_s_own_changes_nothing(box: Box) -> None:
    program = """
        import os
        from sandbox import codec, runner
        source = 'def g(parts, *a): os.write(3, b"RT"); os._exit(0)'
        scope = {"os": os}
        exec(compile(source, runner.__file__, "exec"), scope)
        runner._write = scope["g"]
        def f(x): return x.var(axis=0) + 1
    """
    assert earns_nothing(box, program)


@pytest.mark.parametrize(
    "huge",
    [
        "[0] * 300_000",
        "[[]] * 249_998",
        "[[[]] * 500] * 500",
        "10 ** 3000",
        "'x' * (40 << 20)",
        "{k: None for k in range(200_000)}",
        "{k * (2**61 - 1): None for k in range(100_000)}",
        "[np.float64(1)] * 200_000",
        "np.zeros((2,) * 20)",
        "functools.reduce(lambda inner, _: [inner], range(70), 0)",
        "functools.reduce(lambda inner, _: (inner, inner), range(16), 0.0)",
    ],
)
def test_a_huge_or_deep_result_is_refused_or_wrong_and_the_judge_lives(box: Box, huge: str) -> None:
    program = f"import functools\nimport numpy as np\ndef f(x): return {huge}"
    assert earns_nothing(box, program, [about(2)])


@pytest.mark.parametrize("dtype", ["f2", "f4", ">f8", "f16", "c16", "c32", "i8", "u1", "U20", "?"])
def test_another_dtype_is_no_way_to_earn_with_wrong_numbers(box: Box, dtype: str) -> None:
    assert earns_nothing(
        box, f"import numpy as np\ndef f(x): return (x.var(axis=0) + 1).astype('{dtype}')"
    )


def test_a_right_report_of_a_call_that_was_killed_does_not_count(box: Box) -> None:
    program = """
        import os
        from sandbox import codec
        def f(x):
            os.write(3, b"R" + b"".join(codec.encode(x.var(axis=0), 10**6)))
            END
    """
    for end in ("os.kill(os.getpid(), 9)", "os._exit(3)", "print('x' * 10**6, flush=True)"):
        assert earns_nothing(box, program.replace("END", end))


def test_the_entry_point_may_not_be_a_trap(box: Box) -> None:
    for trap in (
        "f = type('F', (), {'__call__': lambda s, **k: 0, '__bool__': lambda s: 1 / 0})()",
        "class f:\n    def __new__(cls, x): return 0",
        "class M(type):\n    def __call__(cls, x): return True\nclass f(metaclass=M): pass",
        "f = print",
        "f = exec",
        "f = None",
        "def f(*, y=0): return 0",
        "globals()['__builtins__'] = {}\ndef f(x): return len(x)",
        "def __getattr__(name): return lambda x: True",
    ):
        assert earns_nothing(box, trap)


HOSTILE_CLASSES = {
    "it returns what agrees": "class f:\n    g = lambda s, x: Any()\n    total = Any()",
    "it has every attribute": (
        "class f:\n    def __getattribute__(self, name): return lambda **k: Any()"
    ),
    "its attribute exits": (
        "class f:\n    def g(self, x): return 2.5\n"
        "    total = property(lambda self: __import__('os')._exit(0))"
    ),
    "it is no instance": "class f:\n    def __new__(cls): return True",
    "its class is a list": "class f(list):\n    g = lambda s, x: s\n    total = [2.5, 7.5]",
    "it grows the script": (
        "import sys\nclass f:\n    def g(self, x):\n"
        "        sys._getframe(1).f_locals['given'].extend([2.5, 7.5])\n    total = 0.0"
    ),
    "it returns everything at once": "class f:\n    g = lambda s, x: [2.5, 7.5]\n    total = None",
}


@pytest.mark.parametrize("hostile", HOSTILE_CLASSES)
def test_a_class_that_plays_a_script_of_its_own_earns_nothing(box: Box, hostile: str) -> None:
    script: Value = {"init": {}, "calls": [["g", {"x": 1.0}], ["total", None]]}
    asked = replace(case({}, [2.5, 7.5]), args=encode_value(script), scripted=True)
    honest = "class f:\n    def g(self, x): self.total = 7.5; return 2.5 * x"
    assert judged(box, honest, [asked]).score == 1
    program = AGREEABLE.replace("BASE", "object") + HOSTILE_CLASSES[hostile]
    assert earns_nothing(box, program, [asked])


def test_report_bytes_are_judged_as_data_whoever_wrote_them() -> None:
    for report in (b"", b"T", b"N", b"AC", b"RT", b"L\x00\x00\x00\x00", b"D" + b"\x00" * 8):
        assert verdict_on(report, CASES[1]) is not Verdict.AC
