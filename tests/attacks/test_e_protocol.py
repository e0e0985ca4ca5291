"""Group E, protocol: bytes that are no text, results that are no values, calls cut short.

Nothing crashes, hangs or grows without bound, and no one else's work is lost.
"""

from __future__ import annotations

import asyncio
import resource
import struct
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.grading.checkers import check
from app.grading.diagnosis import diagnose
from app.grading.judging import judge_case, summarise
from app.grading.presentation import MAX_CHARACTERS, show
from app.grading.properties import CheckerBrokenError, check_properties
from app.grading.running import case_call
from app.grading.runs import CaseRun, Outcome, RunLimits
from app.grading.values import InvalidValueError, decode_value, encode_value
from app.grading.verdicts import Verdict
from app.questions.bank import read_bank
from app.questions.schema import Case, PropertyChecker, SameSetChecker
from app.web.api.attempts import _events
from app.workflows.grade_submission import grade_submission
from tests.attacks.court import (
    CASES,
    HONEST,
    QUESTION,
    about,
    case,
    described,
    judged,
    runs_of,
    verdict_on,
)
from tests.attacks.test_d_stealing import room, run_samples, served, submitted
from tests.sandboxes import call, result
from tests.site import DOUBLE
from tests.web.test_hidden_cases import everything_a_candidate_can_get, job_ids, login_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.grading.runs import Engine
    from app.grading.values import Value
    from tests.sandboxes import Box
    from tests.web.conftest import Room

__all__ = ["room", "served"]  # fixtures

ELSEWHERE = {
    105: "tests/grading/test_judging.py::test_without_cases_there_is_no_verdict",
}
SHORT = RunLimits(cpu_seconds=2, wall_seconds=3, memory_mb=256)


def sized(tag: bytes, content: bytes) -> bytes:
    return tag + struct.pack(">I", len(content)) + content


def npy(header: bytes, data: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    """Return an array with any header, as a report would carry it."""
    return sized(b"A", b"\x93NUMPY" + version + struct.pack("<H", len(header)) + header + data)


# --- Text that is none -----------------------------------------------------------------------

ODD_TEXTS = {
    "not UTF-8": rb"\xff\xfe\x80abc\xc3",
    "half a character": rb"\xe4\xbd",
    "a lone surrogate": rb"\xed\xa0\x80",
    "NUL": rb"before\x00after",
    "colours": rb"\x1b[31mred\x1b[0m",
    "a title": rb"\x1b]0;owned\x07",
    "a clipboard": rb"\x1b]52;c;b3duZWQ=\x07",
    "C1 controls": rb"\xc2\x9b31m",
    "backspaces": rb"AC\x08\x08WA",
    "right to left": rb"\xe2\x80\xaeCA\xe2\x80\xac",
    "markup": rb"<script>alert(1)</script><img src=x onerror=alert(1)>",
    "a fence": rb"```\n# heading\n````\n",
    "formulas": rb"$\\href{javascript:alert(1)}{x}$ {{ 7 * 7 }} {0} %s",
    "line ends": rb"a\r\nb\rc\x0bd\x0ce\xc2\x85f\xe2\x80\xa8g",
}


@pytest.mark.case(96)
@pytest.mark.parametrize("text", ODD_TEXTS)
def test_odd_output_is_inert_on_pages_and_in_exports(room: Room, text: str) -> None:
    code = f"""
import os
def double(x):
    os.write(1, b"{ODD_TEXTS[text].decode()}")
    raise ValueError(b"{ODD_TEXTS[text].decode()}".decode("utf-8", "surrogateescape"))
"""
    assert submitted(room, code)["verdict"] == "RE"
    assert run_samples(room, code)["cases"][0]["stdout"]
    room.web.site.finish(room.id)
    for path, page in everything_a_candidate_can_get(room.web, room).items():
        assert "\x00" not in page, path
        assert not any("\ud800" <= character <= "\udfff" for character in page), path
        # Markdown keeps code in a fence that no code can end; JSON is no page.
        if not path.startswith("/api") and not path.endswith((".json", ".md")):
            assert "<script>alert" not in page, path
            assert "<img src=x" not in page, path
            assert ">49<" not in page, path


@pytest.mark.case(96)
def test_controls_of_terminals_do_not_reach_the_export_that_is_read_in_one(room: Room) -> None:
    room.submit(room.code, "def double(x): return '\x1b]52;c;b3duZWQ=\x07\x9b31m'")
    room.web.site.finish(room.id)
    text = room.web.browser("candidate").get(f"/interviews/{room.id}/transcript.md").text
    assert "def double" in text
    assert not {"\x1b", "\x07", "\x9b"} & set(text)


@pytest.mark.case(97)
def test_a_new_interpreter_with_another_encoding_is_no_way_out(box: Box) -> None:
    code = r"""
        import os, sys
        def f(x):
            for name in list(os.environ):
                del os.environ[name]
            os.environ["PYTHONIOENCODING"] = "utf-16"
            sys.stdout.reconfigure(encoding="utf-16", errors="surrogateescape")
            print("\udcff\U0001f600", flush=True)
            program = "import os; os.write(1, bytes(range(256))); os.write(3, b'RT')"
            os.execv(sys.executable, [sys.executable, "-c", program])
    """
    (run,) = runs_of(box, code, [about(2)])
    assert judge_case(about(2), run).verdict is not Verdict.AC
    run.stdout.encode()


@pytest.mark.case(98)
@pytest.mark.parametrize("got", ["a\r\n", "a", "a\n\n", " a\n", "a\x0c", "A\n", "a\u2028"])
def test_line_ends_and_spaces_are_part_of_a_returned_text(box: Box, got: str) -> None:
    wanted = case({"x": 0}, "a\n")
    (run,) = runs_of(box, f"def f(x):\n    print('a', end='')\n    return {got!r}", [wanted])
    assert judge_case(wanted, run).verdict is Verdict.WA
    assert run.stdout == "a"


@pytest.mark.case(99)
def test_a_million_single_bytes_end_the_call_and_nothing_else(box: Box) -> None:
    code = """
        import os
        def f():
            for _ in range(1_000_000): os.write(1, b"x")
    """
    run = box.one(code)
    assert run.outcome in {Outcome.OUTPUT, Outcome.CPU_TIME}
    assert set(run.stdout) == {"x"}
    assert len(run.stdout) <= 64 * 1024


@pytest.mark.case(99)
def test_both_streams_are_heard_in_the_order_of_their_words(box: Box) -> None:
    code = """
        import os
        def f():
            for number in range(500): os.write(1 + number % 2, b"%d " % number)
    """
    assert box.one(code).stdout.split() == [str(number) for number in range(500)]


@pytest.mark.case(100)
@pytest.mark.parametrize("size", [0, 1, 4, 5, 100, 8000])
def test_a_report_that_is_cut_short_is_no_result(box: Box, size: int) -> None:
    code = f"""
        import os
        from sandbox import codec
        def f(x):
            whole = b"R" + b"".join(codec.encode(np.zeros(1000) + x.var(), 10**6))
            os.write(3, whole[:{size}])
            os._exit(0)
        import numpy as np
    """
    expected = case({"x": np.ones(3)}, np.zeros(1000))
    (run,) = runs_of(box, code, [expected])
    assert judge_case(expected, run).verdict is not Verdict.AC


@pytest.mark.case(100)
@pytest.mark.parametrize("chunk", [1, 4096, 1 << 20])
def test_a_report_larger_than_allowed_ends_the_call(box: Box, chunk: int) -> None:
    code = f"""
        import os
        def f():
            while True: os.write(3, b"R" * {chunk})
    """
    limits = RunLimits(cpu_seconds=2, wall_seconds=6, memory_mb=128, result_bytes=10_000)
    assert box.one(code, limits=limits).outcome in {Outcome.OUTPUT, Outcome.CPU_TIME}


@pytest.mark.case(101)
def test_a_descendant_that_holds_the_output_open_is_not_waited_for(box: Box) -> None:
    code = """
        import os, signal, time
        def f():
            if os.fork() == 0:
                os.setsid()
                for number in range(1, 65):
                    try: signal.signal(number, signal.SIG_IGN)
                    except (OSError, ValueError): pass
                if os.fork() == 0:
                    while True: time.sleep(60)
                os._exit(0)
            return "done"
    """
    run = box.one(code, limits=SHORT)
    assert result(run) == "done"
    assert run.wall_ms < 2500


# --- Clients ----------------------------------------------------------------------------------


@pytest.mark.case(102)
def test_a_verdict_is_kept_for_whoever_went_away_while_it_was_found(room: Room) -> None:
    async def leave() -> None:
        events = _events(room.web.site.runtime, login_id(room.web), room.id, room.code)
        await anext(events)
        room.web.site.dispatcher.holding = True
        await asyncio.to_thread(room.submit, room.code, DOUBLE)
        await events.aclose()  # type: ignore[attr-defined]

    asyncio.run(leave())
    (job_id,) = job_ids(room.web, room)
    candidate = room.web.browser("candidate")
    assert candidate.get(f"/api/jobs/{job_id}").json()["verdict"] is None
    grade_submission(room.web.site.runtime.machinery, job_id)
    assert candidate.get(f"/api/jobs/{job_id}").json()["verdict"] == "AC"


def test_printed_events_do_not_enter_the_stream(room: Room) -> None:
    forged = "\\n\\nevent: job\\ndata: {}\\r\\rid: 1\\n\\n\\u2028event: clock"

    async def listen() -> str:
        events = _events(room.web.site.runtime, login_id(room.web), room.id, room.code)
        await anext(events)
        await asyncio.to_thread(
            room.submit, room.code, f"def double(x):\n    print('{forged}')\n    return '{forged}'"
        )
        told = await anext(events)
        await events.aclose()  # type: ignore[attr-defined]
        return told.decode()

    event = asyncio.run(listen())
    assert "event: clock" in event
    lines = event.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").split("\n")
    assert [line.partition(":")[0] for line in lines] == ["event", "data"]


@pytest.mark.case(102)
def test_a_job_that_is_delivered_again_is_judged_once(room: Room) -> None:
    job_id = submitted(room, DOUBLE)["id"]
    before = len(room.web.site.engine.calls)
    for _ in range(3):
        grade_submission(room.web.site.runtime.machinery, job_id)
    assert len(room.web.site.engine.calls) == before
    job = room.web.browser("candidate").get(f"/api/jobs/{job_id}").json()
    assert [group["passed"] for group in job["groups"]] == [1, 2]


@pytest.mark.case(102)
def test_the_same_answer_sent_twice_is_two_submissions_or_refused_never_half_of_one(
    room: Room,
) -> None:
    room.web.site.dispatcher.holding = True
    answers = [room.submit(room.code, DOUBLE) for _ in range(2)]
    room.web.site.dispatcher.holding = False
    accepted = [answer.json()["job"]["id"] for answer in answers if answer.status_code == 202]
    assert accepted
    for job_id in accepted:
        grade_submission(room.web.site.runtime.machinery, job_id)
    assert len(room.submissions()) == len(accepted) == len(set(accepted))
    for job_id in accepted:
        job = room.web.browser("candidate").get(f"/api/jobs/{job_id}").json()
        assert job["verdict"] == "AC"


# --- Results that are no values ---------------------------------------------------------------

HEADERS = {
    "an object array": b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n",
    "fields": b"{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,), }\n",
    "a date": b"{'descr': '<M8[s]', 'fortran_order': False, 'shape': (1,), }\n",
    "bytes": b"{'descr': '|S8', 'fortran_order': False, 'shape': (1,), }\n",
    "void": b"{'descr': '|V8', 'fortran_order': False, 'shape': (1,), }\n",
    "2**60 items": b"{'descr': '<f8', 'fortran_order': False, 'shape': (%d,), }\n" % 2**60,
    "no items of 2**60": b"{'descr': '<f8', 'fortran_order': False, 'shape': (0, %d), }\n" % 2**60,
    "a negative size": b"{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }\n",
    "an overflowing shape": b"{'descr': '<f8', 'fortran_order': False, 'shape': (%s), }\n"
    % (b"4294967296, " * 4),
    "33 axes": b"{'descr': '<f8', 'fortran_order': False, 'shape': (%s), }\n" % (b"1, " * 33),
    "20,000 axes": b"{'descr': '<f8', 'fortran_order': False, 'shape': (%s), }\n"
    % (b"1, " * 20_000),
    "long sizes": b"{'descr': '<f8', 'fortran_order': False, 'shape': (%s), }\n"
    % (b"999999999999999999, " * 3000),
    "a long text": b"{'descr': '<U536870911', 'fortran_order': False, 'shape': (1,), }\n",
    "no text": b"{'descr': '<U0', 'fortran_order': False, 'shape': (8,), }\n",
    "code": b"{'descr': __import__('os').abort(), 'fortran_order': False, 'shape': (1,), }\n",
    "brackets": b"(" * 60_000,
    "minus signs": b"{'descr': '<f8', 'fortran_order': False, 'shape': (%s1,), }" % (b"-" * 50_000),
    "spaces": b"{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }" + b" " * 60_000,
    "nothing": b"",
    "another type's letter": b"{'descr': '<g8', 'fortran_order': False, 'shape': (1,), }\n",
    "a dtype by name": b"{'descr': 'float64', 'fortran_order': False, 'shape': (1,), }\n",
    "a key twice": b"{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': (1,), }\n",
}


@pytest.mark.case(103)
@pytest.mark.parametrize("header", HEADERS)
def test_an_array_header_is_not_believed(header: str) -> None:
    for data in (b"", bytes(8), b"\xff" * 8, bytes(64)):
        for version in (b"\x01\x00", b"\x02\x00", b"\x03\x00"):
            report = npy(HEADERS[header], data, version)
            assert verdict_on(report, case({}, np.zeros(1))) is Verdict.IO
            assert verdict_on(sized(b"L", b"")[:1] + b"\0\0\0\1" + report, CASES[1]) is Verdict.IO


@pytest.mark.case(103)
def test_array_headers_travel_from_a_real_sandbox_as_harmlessly(box: Box) -> None:
    for header in ("an object array", "2**60 items", "no items of 2**60", "brackets", "code"):
        report = b"R" + npy(HEADERS[header], bytes(8))
        written = f"import os\ndef f(x): os.write(3, {report!r}); os._exit(0)"
        judgement = judged(box, written, [about(2)])
        assert (judgement.verdict, judgement.score) == (Verdict.IO, 0)


@pytest.mark.case(104)
@pytest.mark.parametrize(
    "report",
    [
        b"L\0\0\0\1" * 100_000,
        b"M\0\0\0\1I\0\0\0\1\x01" * 50_000,
        b"U\0\0\0\1" * 65 + b"N",
        b"L\xff\xff\xff\xff" + b"N" * 1000,
        b"M\x7f\xff\xff\xff" + b"N" * 1000,
        b"I\xff\xff\xff\xff\x01",
        sized(b"I", b"\x7f" * 100_000),
        sized(b"I", b""),
        sized(b"S", b"\xff\xfe"),
        sized(b"S", b"\xed\xa0\x80"),
        b"NaN",
        b"nan",
        b"[1, NaN, Infinity]",
        b"D" + b"\x7f" * 7,
        b"C" + bytes(15),
        b"M\0\0\0\1" + b"D" + bytes(8) + b"N",
        b"M\0\0\0\1" + b"TN",
        b"M\0\0\0\2" + (b"I\0\0\0\1\x01" + b"N") * 2,
        b"L\0\0\0\0" * 2,
        b"",
        b"\x80\x04K\x01.",
    ],
    ids=lambda report: repr(report[:12]),
)
def test_malformed_values_are_no_output(report: bytes) -> None:
    somethings: tuple[Value, ...] = (1, [1], {"a": 1}, "a", np.zeros(2))
    for expected in somethings:
        assert verdict_on(report, case({}, expected)) is Verdict.IO


@pytest.mark.case(104)
def test_huge_numbers_and_nan_are_judged_and_described(box: Box) -> None:
    for number in ("10 ** 2400", "-(10 ** 2400)", "float('nan')", "1e999", "complex('nan')"):
        sample = about(1, sample=True)
        (run,) = runs_of(box, f"def f(x): return {number}", [sample])
        one = judge_case(sample, run)
        assert one.verdict is Verdict.IO
        assert one.reason is not None
        assert len(one.reason.render("en")) < 1000
        assert len(described(sample, run).got or "") <= MAX_CHARACTERS + 2


# --- Nothing to judge, nothing to judge with --------------------------------------------------


def test_a_question_without_cases_is_no_question(tmp_path: Path) -> None:
    text = (
        "id: empty\nkind: coding\ntitle: {zh: 空, en: Empty}\nprompt: {zh: 空, en: Empty}\n"
        "entry_point: f\ncases: []\nsolutions: [{name: a, verdict: AC, code: 'f = int'}]\n"
        "rubric: [{id: values, points: 4, title: {zh: 空, en: Empty}}]\n"
    )
    (tmp_path / "topic").mkdir()
    (tmp_path / "topic" / "empty.yaml").write_text(text)
    bank = read_bank(tmp_path)
    assert [file for file in bank.questions if file.document.id == "empty"] == []
    with pytest.raises(ValueError, match="nothing was judged"):
        summarise(QUESTION, [])


BROKEN_CHECKERS = {
    "it raises": "def check(args, output, expected): return output[10 ** 6]",
    "it exits": "import os\ndef check(args, output, expected): os._exit(0)",
    "it takes too much": "def check(args, output, expected): return bytearray(10 ** 10)",
    "it answers with a number": "def check(args, output, expected): return 1",
    "it answers with nothing": "def check(args, output, expected): pass",
    "it does not load": "def check(args, output, expected) return True",
    "it is not there": "def other(args, output, expected): return True",
    "it answers with an object": "def check(args, output, expected): return check",
}


@pytest.mark.case(106)
@pytest.mark.parametrize("broken", BROKEN_CHECKERS)
def test_a_checker_that_breaks_is_nobody_s_wrong_answer(
    engine: Engine, box: Box, broken: str
) -> None:
    checker = PropertyChecker(name="property", code=BROKEN_CHECKERS[broken])
    asked = case({"x": np.ones((2, 2))}, np.zeros(2), checker=checker)
    runs = runs_of(box, HONEST, [asked])
    sandbox = engine.start()
    try:
        with pytest.raises(CheckerBrokenError):
            check_properties(sandbox, [asked], runs)
    finally:
        sandbox.close()
    with pytest.raises(ValueError, match="was not asked"):
        judge_case(asked, runs[0])


# --- Our own: work that a small result makes ---------------------------------------------------

MERSENNE = 2**61 - 1  # Python's hash of an integer is its rest by this


def colliding_keys(count: int) -> bytes:
    """Return a dict whose keys all have the hash 0, as a report would carry it."""
    keys = (number * MERSENNE for number in range(count))
    parts = (sized(b"I", key.to_bytes(key.bit_length() // 8 + 1, "big")) + b"N" for key in keys)
    return b"M" + struct.pack(">I", count) + b"".join(parts)


def tiny_arrays(count: int) -> bytes:
    array = npy(b"{'descr': '<f8', 'fortran_order': False, 'shape': (), }\n", bytes(8))
    return b"L" + struct.pack(">I", count) + array * count


def seconds_of(work: Callable[[], object]) -> float:
    """Return the CPU seconds that `work` takes this thread."""
    before = time.thread_time()
    work()
    return time.thread_time() - before


@pytest.mark.parametrize("report", [colliding_keys(20_000), tiny_arrays(200_000)])
def test_a_small_report_makes_no_great_work(report: bytes) -> None:
    """The keys of the first all have one hash: as many more in a dict would take minutes."""
    sample = case({}, [1.0], sample=True)
    run = CaseRun(Outcome.RETURNED, 1.0, 1.0, 1, result=report)
    assert seconds_of(lambda: judge_case(sample, run)) < 3
    assert seconds_of(lambda: described(sample, run)) < 3


def test_a_set_of_items_with_the_same_hash_is_compared_in_no_time() -> None:
    """Rows of -1 and -2, which Python hashes alike, took minutes."""
    bits = np.arange(2**13)[:, None] >> np.arange(13) & 1
    rows = -1 - bits
    numbers: Value = [number * MERSENNE for number in range(5000)]
    anything = SameSetChecker(name="same_set")
    assert seconds_of(lambda: check(anything, rows, rows[::-1].copy())) < 3
    assert seconds_of(lambda: check(anything, numbers, [1])) < 3
    assert check(anything, rows, rows[::-1].copy()).ok


@pytest.mark.parametrize(
    "value",
    [
        np.zeros((2,) * 22, bool),
        [np.zeros((2,) * 20, bool)],
        [np.zeros(3)] * 100_000,
        [[0.5] * 400] * 500,
        {str(key): [key] for key in range(50_000)},
        "x" * 10_000_000,
        np.array(["x" * 1_000_000]),
        [10**2400] * 5000,
    ],
    ids=["axes", "axes inside", "arrays", "lists", "keys", "text", "array of text", "integers"],
)
def test_showing_a_value_is_work_in_proportion_to_what_is_shown(value: Value) -> None:
    """An array of 25 axes with two items each fits a result, and took a minute to print."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert seconds_of(lambda: show(value)) < 1
    assert len(show(value)) <= MAX_CHARACTERS + 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024


@pytest.mark.parametrize("pattern", [0x01, 0x40, 0x7F, 0x80, 0xAA, 0xFF])
@pytest.mark.parametrize("dtype", ["<f16", "<c32", "<f2", "|b1", "<U4", "<c8"])
def test_bits_that_no_machine_makes_are_refused_or_judged(dtype: str, pattern: int) -> None:
    """Extended precision has numbers that are none, and texts have letters that are none."""
    size = np.dtype(dtype).itemsize
    header = b"{'descr': '%s', 'fortran_order': False, 'shape': (2,), }\n" % dtype.encode()
    report = npy(header, bytes([pattern]) * size * 2)
    sample = case({}, np.ones(2, dtype), sample=True)
    run = CaseRun(Outcome.RETURNED, 1.0, 1.0, 1, result=report)
    verdict = judge_case(sample, run).verdict
    if dtype != "|b1" or pattern != 1:
        assert verdict is not Verdict.AC
    described(sample, run)


def test_results_of_all_cases_together_are_bounded(box: Box) -> None:
    """They are kept until the last is there: 32 MB for each of a hundred cases were 3 GB."""
    generated = {"name": "many", "group": "values", "seeds": list(range(50)), "generate": "code"}
    many = [QUESTION.cases[0], Case.model_validate(generated)]
    question = QUESTION.model_copy(update={"cases": many})
    limit = case_call(question, "", about(1)).limits.result_bytes
    assert limit * 51 <= 110 << 20
    program = "import numpy as np\ndef f(x): return np.zeros(4_000_000)"
    (run,) = runs_of(box, program, [about(2)], question)
    assert (run.outcome, run.result) == (Outcome.OUTPUT, None)
    assert judged(box, HONEST, question=question).verdict is Verdict.AC


def test_a_diagnosis_of_a_huge_wrong_result_is_short_work() -> None:
    for expected in (2.5, np.arange(6.0).reshape(2, 3), [1.0, 2.0], {"a": 1}):
        wrong: list[Value] = [
            [0.5] * 200_000,
            [np.zeros(1)] * 20_000,
            np.zeros((2,) * 20),
            np.zeros((1,) * 32),
            np.zeros(2_000_000),
            "x" * 10_000_000,
        ]
        for got in wrong:
            assert seconds_of(lambda e=expected, g=got: diagnose(e, g)) < 1.5  # type: ignore[misc]


def test_the_judge_s_memory_does_not_grow_with_results_that_it_judged() -> None:
    blob = encode_value(np.zeros(1_000_000))
    run = CaseRun(Outcome.RETURNED, 1.0, 1.0, 1, result=blob)
    judge_case(CASES[1], run)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(30):
        judge_case(CASES[1], run)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


def test_a_call_that_sends_no_arguments_a_dict_could_hold_is_answered(box: Box) -> None:
    odd: list[dict[str, object]] = [{}, {"x": []}, {"x": np.zeros(0)}, {"x": {"a": {1: None}}}]
    for args in odd:
        run = box.run(call("def f(**k): return k", args))[0]
        assert encode_value(result(run)) == encode_value(args)


def test_no_descriptor_is_left_by_a_thousand_refusals() -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(1000):
        with pytest.raises(InvalidValueError):
            decode_value(b"L\xff\xff\xff\xff")
    assert len(list(Path("/proc/self/fd").iterdir())) == before
