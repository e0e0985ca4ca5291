"""Programs that want to see hidden tests: what they find out reaches no page, file, stream or log.

A whole site judges them in a real sandbox. Its question doubles numbers; tests/bank says how.
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from app.grading.runs import RunLimits
from app.kit.logs import configure_logs
from app.web.api.attempts import _events
from app.web.application import create_application
from app.web.rate_limit import SignInLimiter
from tests.sandboxes import call, result
from tests.site import build_site
from tests.web.conftest import Room, Web, finish_room, open_room
from tests.web.test_hidden_cases import MARKS, everything_a_candidate_can_get, job_ids, login_id

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fastapi import FastAPI

    from app.grading.runs import Engine
    from tests.sandboxes import Box
    from tests.site import Site

LONG = RunLimits(cpu_seconds=20, wall_seconds=40, memory_mb=512)


@pytest.fixture(scope="session")
def served(stocked: Path) -> FastAPI:
    """The application, made once: its first request takes longer than most tests."""
    nobodys = build_site(stocked)
    nobodys.close()
    return create_application(nobodys.runtime)


@pytest.fixture
def room(site: Site, served: FastAPI, box: Box) -> Iterator[Room]:
    """A running interview whose programs run in the real sandbox, all in the same one."""
    site.engine.run = lambda wanted: box.run(wanted)[0]
    served.state.runtime = site.runtime
    served.state.sign_in_limiter = SignInLimiter()
    web = Web(site, served)
    yield open_room(web)
    web.close()
    served.state.runtime = None  # with the site goes the thread that asks for its engine


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What the running program logs by default."""
    handlers, level = logging.root.handlers[:], logging.root.level
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    configure_logs()
    yield written
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()


def program(what: str, otherwise: str = "") -> str:
    """Return a program that does `what` with the one hidden number `n`, and `otherwise` else."""
    return "\n".join(
        [
            "import os, sys, time",
            "import numpy as np",
            "def burn(seconds):",
            "    while time.process_time() < seconds: pass",
            "def double(x):",
            "    if len(x) == 1:",
            "        n = int(x[0])",
            textwrap.indent(textwrap.dedent(what).strip(), " " * 8),
            textwrap.indent(textwrap.dedent(otherwise).strip() or "pass", " " * 4),
            "    return 2 * x",
        ]
    )


def run_samples(room: Room, code: str) -> Any:  # noqa: ANN401 - JSON
    candidate = room.web.browser("candidate")
    job = candidate.call("POST", f"/api/attempts/{room.code}/runs", {"text": code}).json()
    return candidate.get(f"/api/jobs/{job['id']}").json()


def submitted(room: Room, code: str) -> dict[str, Any]:
    """Submit and return the job as the candidate's page gets it."""
    job: dict[str, Any] = room.submit(room.code, code).json()["job"]
    seen: dict[str, Any] = room.web.browser("candidate").get(f"/api/jobs/{job['id']}").json()
    return seen


def assert_nothing_hidden_is_told(room: Room) -> None:
    """Look for the hidden input, its answer and its name wherever a candidate may look."""
    for _ in ("while it runs", "when it is over"):
        got = everything_a_candidate_can_get(room.web, room)
        assert [(path, mark) for path, text in got.items() for mark in MARKS if mark in text] == []
        room.web.site.finish(room.id)


WAYS_TO_TELL = {
    "print": "print('saw', n)",
    "stderr": "print('saw', n, file=sys.stderr)",
    "raw descriptors": "[os.write(fd, b'%d' % n) for fd in (1, 2)]",
    "a flood of output": "print(('%d ' % n) * 20_000)",
    "a warning": "__import__('warnings').warn(str(n))",
    "a log": "__import__('logging').error('%d', n)",
    "an exception's message": "raise ValueError(n)",
    "an assertion": "assert x[0] == 2 * n, f'{x[0]} != {2 * n}'",
    "a failed comparison of numpy": "np.testing.assert_allclose(x, 2 * x)",
    "a missing key": "{}[n]",
    "a missing file": "open(f'/{n}/{2 * n}')",
    "an exception's class": "raise type(f'Leak{n}', (Exception,), {})",
    "a class named like a built-in": "raise type('ValueError', (Exception,), {})(n)",
    "a class of a module": "raise type('E', (ValueError,), {'__module__': f'm{n}'})(n)",
    "a note": "error = ValueError()\nerror.add_note(str(n))\nraise error",
    "a cause": "raise ValueError from KeyError(n)",
    "a group": "raise ExceptionGroup(str(n), [ValueError(n)])",
    "a syntax error": "raise SyntaxError(str(n), ('<solution>', n, n, str(n)))",
    "code that does not compile": "exec(f'x = {n} {n}')",
    "the number of a line": "exec(compile('\\n' * (n - 1) + '1 / 0', '<solution>', 'exec'))",
    "the name of a frame": (
        "scope = {}\n"
        "exec(compile(f'def leak{n}(): raise ValueError', '<solution>', 'exec'), scope)\n"
        "scope[f'leak{n}']()"
    ),
    "the name of a file": "exec(compile('1 / 0', f'/{n}.py', 'exec'))",
    "the text of a text": (
        "raise ValueError(type('T', (str,), {'__str__': lambda s: str(n)})('hm'))"
    ),
    "a result that is no data": "return type(f'Leak{n}', (), {})()",
    "a result as text": "return f'{n} {2 * n}'",
    "a result as it came": "return x",
    "the keys of a result": "return {f'{n}': 2 * n}",
    "the shape of a result": "return np.zeros((n, 2))",
    "the dtype of a result": "return np.zeros(0, f'<U{n}')",
    "an integer": "return 10 ** 300 * n",
    "an end by exit": "sys.exit(n)",
    "an end by exit with words": "sys.exit(f'{n}')",
    "an end by signal": "print(n, flush=True); os.kill(os.getpid(), 11)",
    "an interrupt": "raise KeyboardInterrupt(n)",
    "a hook": "sys.excepthook = lambda *a: print(n)\nraise ValueError",
    "an unraisable": "class D:\n    def __del__(self): raise ValueError(n)\nD()",
    "a thread": "__import__('threading').Thread(target=lambda: 1 / 0, name=str(n)).start()",
    "a child": "if not os.fork():\n    print(n, flush=True)\n    os._exit(0)",
    "too much memory": "x = bytearray(10**9 + n)",
    "too much recursion": "exec(f'def leak{n}(): leak{n}()\\nleak{n}()', globals())",
}


@pytest.mark.case(90, 91)
@pytest.mark.parametrize("way", WAYS_TO_TELL)
def test_no_way_to_tell_of_a_hidden_case_is_heard(room: Room, logs: io.StringIO, way: str) -> None:
    submitted(room, program(WAYS_TO_TELL[way]))
    run_samples(room, program(WAYS_TO_TELL[way]))
    assert_nothing_hidden_is_told(room)
    assert [mark for mark in MARKS if mark in logs.getvalue()] == []


@pytest.mark.case(91)
def test_exception_message_does_not_carry_hidden_inputs(room: Room) -> None:
    job = submitted(room, program("raise ValueError(f'hidden: {x}')"))
    (group, _) = job["groups"]
    assert (group["verdict"], group["passed"], group["total"]) == ("RE", 0, 1)
    assert "hidden:" not in json.dumps(job)
    shown = submitted(room, program("pass", "if len(x) == 2: raise ValueError(f'shown: {x}')"))
    assert "shown: [1. 2.]" in shown["cases"][0]["reason"]


@pytest.mark.case(90)
def test_the_stream_of_verdicts_tells_nothing_hidden(room: Room) -> None:
    async def listen() -> list[str]:
        events = _events(room.web.site.runtime, login_id(room.web), room.id, room.code)
        await anext(events)
        heard = []
        for way in ("print", "an exception's class", "a result as text"):
            await asyncio.to_thread(room.submit, room.code, program(WAYS_TO_TELL[way]))
            heard.append((await anext(events)).decode())
        await events.aclose()  # type: ignore[attr-defined]
        return heard

    for event in asyncio.run(listen()):
        assert '"groups":[{' in event
        assert [mark for mark in MARKS if mark in event] == []


@pytest.mark.case(90)
def test_recognised_mistake_says_what_its_author_wrote_and_no_more(room: Room) -> None:
    squared = "def double(x):\n    print(x, x * x)\n    return x * x\n"
    assert submitted(room, squared)["mistake"] == "That is the square."
    assert_nothing_hidden_is_told(room)


PLACES = """
import os
FOLDERS = ["", "tests", "test", "data", "cases", "hidden", "secret", "grade", "tests/private"]
NAMES = ["1.in", "1.ans", "1.out", "cases.json", "tests.json", "test.py", "grade.py",
         "expected.npy", "expected.json", "solution.py", "reference.py", "double.yaml"]
def found():
    paths = ["../" * up + os.path.join(folder, name)
             for up in range(9) for folder in FOLDERS for name in NAMES]
    return [path for path in paths if os.path.exists(path)]
"""


@pytest.mark.case(87)
def test_no_data_of_tests_lie_beside_or_above_the_program(box: Box) -> None:
    assert box.value(f"{PLACES}\ndef f(): return found()") == []


@pytest.mark.case(87, 94)
def test_no_name_in_the_file_system_tells_of_tests(box: Box) -> None:
    code = """
        import os
        WORDS = ("secret-case", "70411", "reference_case", "rubric", "double.yaml")
        ENDS = (".ans", ".in", ".yaml", ".yml", ".db", ".sqlite")
        def f():
            found = []
            for folder, folders, files in os.walk("/"):
                if folder == "/":
                    folders[:] = sorted(set(folders) - {"proc", "sys"})
                for name in folders + files:
                    path = os.path.join(folder, name)
                    if name.endswith(ENDS) or any(word in path for word in WORDS):
                        found.append(path)
            return found
    """
    assert box.value(code, limits=LONG) == []


@pytest.mark.case(94)
def test_nothing_of_this_machine_s_work_is_mounted(box: Box) -> None:
    code = """
        def f():
            with open("/proc/self/mountinfo") as mounts:
                return mounts.read()
    """
    run = box.one(code)
    told = str(run.result) + str(run.error)
    for word in ("questions", "answers", "yimian.db", "pytest"):
        assert word not in told


@pytest.mark.case(88)
def test_what_is_found_while_the_code_loads_is_not_told_either(room: Room) -> None:
    """Hidden arguments are not there yet, and what a hidden load says is not shown."""
    code = f"""
{PLACES}
import gc, sys
import numpy as np
arrays = [a.tolist() for a in gc.get_objects() if type(a) is np.ndarray and a.dtype.kind == "f"]
mark = str(70_411)
seen = [a for a in arrays if a and mark in str(a)]
frame = sys._getframe(1)
while frame:
    for value in list(frame.f_locals.values()):
        if mark in repr(value)[:10_000]:
            seen.append(mark)
            print(mark, "at import")
    frame = frame.f_back
if seen or found():
    raise ValueError((seen, found()))
def double(x): return 2 * x
"""
    submitted(room, code)
    run_samples(room, code)
    assert_nothing_hidden_is_told(room)


@pytest.mark.case(89)
def test_neither_frames_nor_heap_nor_sources_hold_an_expected_answer(box: Box) -> None:
    """The input is there, of course; its double, the answer, is nowhere."""
    code = """
        import gc, inspect, linecache, sys
        import numpy as np
        def f(x):
            wanted = 2 * float(x[0])
            seen, frame = [], sys._getframe(1)
            while frame:
                seen.append(frame.f_code.co_name)
                for name, value in frame.f_locals.items():
                    if type(value) is np.ndarray and wanted in value:
                        return "frame " + name
                frame = frame.f_back
            for thing in gc.get_objects():
                if type(thing) is np.ndarray and thing.dtype.kind == "f" and wanted in thing:
                    return "an array"
                if type(thing) in (list, tuple) and len(thing) < 100:
                    if any(type(part) is float and part == wanted for part in thing):
                        return "a list"
            for name, lines in linecache.cache.items():
                if "return 2 * x" in "".join(lines[2] if len(lines) > 2 else ()):
                    return "a line of " + name
            for module in list(sys.modules.values()):
                try: source = inspect.getsource(module)
                except (OSError, TypeError): continue
                if "140822" in source: return "the source of " + module.__name__
            return ""
    """
    assert box.value(code, {"x": [70411.0]}, limits=LONG) == ""


@pytest.mark.case(92)
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("os._exit(1)", "os._exit(77)"),
        ("os.kill(os.getpid(), 11)", "os._exit(2)"),
        ("raise ValueError", "raise KeyError(n)"),
        ("burn(0.12)", "large = np.ones(8 << 20); burn(0.13)"),
        ("burn(0.12)", "burn(0.14)"),
        ("pass", "time.sleep(0.2)"),
        ("burn(0.13)", "print('x' * 60_000); burn(0.14)"),
        ("return x", "return -x"),
        ("return [n]", "return {'n': n}"),
    ],
)
def test_what_a_hidden_call_uses_or_how_it_ends_is_one_verdict(
    room: Room, one: str, other: str
) -> None:
    """The site's clock stands still here: how long an answer takes is everybody's to measure."""
    jobs = [submitted(room, program(what)) for what in (one, other)]
    for job in jobs:
        for case in job["cases"]:
            for figure in ("cpu_ms", "wall_ms", "memory_kb"):
                assert case.pop(figure) > 0
        del job["id"], job["submission_number"]
    assert jobs[0] == jobs[1]


STASHES = {
    "files": """
        for folder in ("", "/", "/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/run", "/proc/1"):
            for mode in ("w", "a"):
                try:
                    with open(f"{folder}/stash", mode) as file: file.write(str(n))
                except OSError: pass
    """,
    "names": """
        for make in (os.mkdir, os.mkfifo, lambda path: os.symlink(str(n), path)):
            try: make(f"/tmp/{n}")
            except OSError: pass
    """,
    "the environment": "os.environ['STASH'] = str(n); os.putenv('STASH', str(n))",
    "modules": "import builtins; builtins.stash = np.stash = sys.stash = n",
    "the name of a process": """
        for path in ("/proc/self/comm", "/proc/1/comm"):
            try:
                with open(path, "w") as file: file.write(str(n))
            except OSError: pass
    """,
    "a survivor": """
        if not os.fork():
            os.setsid()
            if not os.fork():
                while True: time.sleep(1); print(n, flush=True)
            os._exit(0)
    """,
    "descriptors": """
        try:
            kept = os.memfd_create(str(n)) if hasattr(os, "memfd_create") else -1
            os.write(kept, str(n).encode()); os.set_inheritable(kept, True)
        except OSError: pass
    """,
    "priorities": """
        for who in (0, 1):
            try: os.setpriority(os.PRIO_PROCESS, who, n % 19)
            except OSError: pass
    """,
}
FIND = """
import builtins
places = ["", "/", "/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/run"]
for place in places:
    try:
        print(os.listdir(place or "."))
        print(open(f"{place}/stash").read())
    except OSError: pass
print(dict(os.environ))
print([getattr(module, "stash", None) for module in (builtins, np, sys)])
for name in os.listdir("/proc"):
    for file in ("comm", "cmdline", "environ", "status"):
        try: print(open(f"/proc/{name}/{file}").read())
        except OSError: pass
"""


@pytest.mark.case(93)
@pytest.mark.parametrize("stash", STASHES)
def test_what_a_hidden_call_keeps_no_later_sample_finds(room: Room, stash: str) -> None:
    code = program(STASHES[stash], FIND)
    submitted(room, code)
    for _ in range(2):
        shown = run_samples(room, code)
        assert "[None, None, None]" in shown["cases"][0]["stdout"]
    assert_nothing_hidden_is_told(room)


@pytest.mark.case(95)
def test_another_candidate_s_code_and_inputs_are_in_another_sandbox(engine: Engine) -> None:
    theirs = """
        MARK = "of somebody " + "else"
        import os, time
        def f(x):
            for path in ("/tmp/mark", "/dev/shm/mark", "mark"):
                try: open(path, "w").write(MARK)
                except OSError: pass
            return MARK
    """
    look = """
        import os
        def f(x):
            wanted = b"of somebody " + b"else"
            found = []
            for folder, folders, files in os.walk("/"):
                if folder == "/":
                    folders[:] = sorted(set(folders) - {"usr", "lib", "lib64", "sys", "opt"})
                for name in files:
                    path = os.path.join(folder, name)
                    try: fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
                    except OSError: continue
                    try:
                        if wanted in os.read(fd, 1 << 16): found.append(path)
                    except OSError: pass
                    os.close(fd)
            return found
    """
    one, other = engine.start(), engine.start()
    try:
        (first,) = one.run([call(theirs, {"x": "of somebody else"})])
        assert result(first) == "of somebody else"
        (second,) = other.run([call(look, {"x": 0}, limits=LONG)])
        assert result(second) == []
    finally:
        one.close()
        other.close()


# --- Our own --------------------------------------------------------------------------------


def test_where_a_sample_printed_in_vain_nothing_of_the_hidden_run_follows(room: Room) -> None:
    """A sample that fails after a hidden run of the same lease shows its own error only."""
    submitted(room, program("print(n); raise ValueError(n)"))
    shown = run_samples(room, program("pass", "raise ValueError('mine')"))
    assert shown["cases"][0]["reason"].startswith("ValueError: mine")
    assert "70411" not in json.dumps(shown)


def test_the_cpu_time_of_hidden_cases_is_too_coarse_to_count_in(room: Room) -> None:
    """In steps of 10 ms, a program could burn a byte of a hidden input into each answer."""
    told = {
        group["cpu_ms"]
        for burnt in (0.07, 0.13, 0.18)
        for group in submitted(room, program(f"burn({burnt})"))["groups"]
        if group["name"] == "values"
    }
    assert told <= {100, 200}


def test_the_number_of_hidden_cases_of_a_group_is_all_that_is_counted(room: Room) -> None:
    job = submitted(room, "def double(x): return 2 * x")
    assert [case["name"] for case in job["cases"]] == ["shown"]
    told = {"name", "title", "passed", "total", "verdict", "cpu_ms"}
    assert all(set(group) == told for group in job["groups"])


def test_every_export_of_a_hostile_interview_is_silent(room: Room, logs: io.StringIO) -> None:
    for way in list(WAYS_TO_TELL)[:8]:
        room.submit(room.code, program(WAYS_TO_TELL[way]))
    finish_room(room)
    assert_nothing_hidden_is_told(room)
    assert len(job_ids(room.web, room)) > 1
    assert [mark for mark in MARKS if mark in logs.getvalue()] == []
