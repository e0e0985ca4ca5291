"""Bytes from nowhere for everything that reads what a sandbox says: no crash, no hang, no growth.

The examples are the same in every run, so that a failure is everybody's.
"""

from __future__ import annotations

import socket
import struct
import tracemalloc
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from app.grading import wire
from app.grading.checkers import check
from app.grading.docker_engine import AttachStream
from app.grading.judging import judge_case, recognise_mistake, returned_by
from app.grading.presentation import MAX_CHARACTERS, show
from app.grading.runs import Call, CaseRun, Outcome, RaisedError, RunLimits, SandboxBrokenError
from app.grading.values import InvalidValueError, decode_value, encode_value
from app.grading.verdicts import Verdict
from app.kit.clock import SystemClock
from app.questions.schema import CloseChecker, ExactChecker, SameSetChecker
from tests.attacks.court import case, described

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


fuzz = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=200,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
LIMITS = RunLimits(
    cpu_seconds=1, wall_seconds=2, memory_mb=64, stdout_bytes=1000, result_bytes=10_000
)
CALL = Call("def f(): return 1", "f", encode_value({}), LIMITS)
CHECKERS = (CloseChecker(), ExactChecker(name="exact"), SameSetChecker(name="same_set"))


# --- The fork server's voice -----------------------------------------------------------------


@dataclass
class Said:
    """A stream whose other end has said all that it will ever say, bounded in reads."""

    content: bytes
    most_reads: int = 100_000
    sent: list[bytes] = field(default_factory=list)

    def post(self, messages: Iterator[bytes]) -> None:
        self.sent += messages

    def read(self, size: int, seconds: float) -> bytes:
        assert seconds < 60
        self.most_reads -= 1
        assert self.most_reads >= 0, "it reads for ever"
        if size > len(self.content):
            raise SandboxBrokenError("it ended")
        found, self.content = self.content[:size], self.content[size:]
        return found


def chunk(kind: bytes, content: bytes, size: int | None = None) -> bytes:
    return wire.CHUNK.pack(kind, len(content) if size is None else size) + content


ends = st.builds(
    wire.END.pack,
    st.integers(0, 3) | st.integers(0, 2**32 - 1),
    st.sampled_from([b"x", b"w", b"c", b"S", b"R", b"\xff"]),
    st.integers(-(2**15), 2**15 - 1),
    *[st.integers(0, 2**64 - 1)] * 3,
    st.integers(0, 2**32 - 1),
    *[st.booleans()] * 2,
)
chunks = st.one_of(
    st.builds(chunk, st.sampled_from([b"S", b"R", b"H", b"O", b"Q"]), st.binary(max_size=400)),
    st.builds(chunk, st.just(b"E"), ends | st.binary(max_size=60)),
    st.builds(chunk, st.binary(min_size=1, max_size=1), st.just(b""), st.integers(0, 2**32 - 1)),
    st.binary(max_size=40),
)


def heard(content: bytes) -> list[CaseRun]:
    """Return the runs that the decoder makes of what a fork server said."""
    return [
        wire.case_run(one.limits, got, ending, short_of_memory=False)
        for one, got, ending in wire.exchange(Said(content), [CALL, CALL], 1)
    ]


@fuzz
@given(st.lists(chunks, max_size=12).map(b"".join))
def test_whatever_a_fork_server_says_gives_runs_or_breaks_the_sandbox(said: bytes) -> None:
    try:
        runs = heard(said)
    except SandboxBrokenError:
        return
    for run in runs:
        assert len(run.stdout) <= LIMITS.stdout_bytes
        assert len(run.result or b"") <= LIMITS.result_bytes + wire.REPORT_OVERHEAD
        assert judge_case(case({}, 1.0), run).verdict in Verdict


@pytest.mark.parametrize("kind", [b"S", b"R"])
def test_empty_chunks_for_ever_break_the_sandbox(kind: bytes) -> None:
    with pytest.raises(SandboxBrokenError):
        heard(chunk(kind, b"") * 200_000)


def test_a_hello_that_is_none_breaks_the_sandbox() -> None:
    for said in (b"", b"H", chunk(b"H", b"x"), chunk(b"S", b""), b"\0" * 5, b"H\xff\xff\xff\xff"):
        with pytest.raises(SandboxBrokenError):
            wire.await_ready(Said(said))


@fuzz
@given(
    st.lists(
        st.tuples(st.sampled_from([0, 1, 2, 3, 255]), st.binary(max_size=300), st.booleans()),
        max_size=10,
    ),
    st.integers(1, 40),
)
def test_a_container_s_streams_are_told_apart_however_they_are_cut(
    frames: list[tuple[int, bytes, bool]], step: int
) -> None:
    """The engine's frames arrive in pieces of any size; a header may lie about what follows."""
    ours, theirs = socket.socketpair()
    stream = AttachStream(ours, SystemClock())
    said = b"".join(
        struct.pack(">BxxxI", kind, len(content) + 7 * lies) + content
        for kind, content, lies in frames
    )
    honest = b"".join(content for kind, content, _ in frames if kind == AttachStream.STDOUT)
    with theirs:
        for at in range(0, len(said), step):
            theirs.sendall(said[at : at + step])
    try:
        if any(lies for _, _, lies in frames):
            with pytest.raises(SandboxBrokenError):
                stream.read(len(said) + 1, 5)
        else:
            assert stream.read(len(honest), 5) == honest
            with pytest.raises(SandboxBrokenError):
                stream.read(1, 5)
    finally:
        stream.close()


# --- Results ---------------------------------------------------------------------------------

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**80), 2**80),
    st.floats(),
    st.complex_numbers(),
    st.text(max_size=20),
    st.sampled_from(
        [2**8000, -(2**8000), "\u202e", "\x1b[0m", "\0", np.float64("nan"), np.int8(3)]
    ),
)
arrays = hnp.arrays(
    dtype=st.one_of(
        hnp.floating_dtypes(),
        hnp.complex_number_dtypes(),
        hnp.integer_dtypes(),
        hnp.unsigned_integer_dtypes(),
        hnp.boolean_dtypes(),
        hnp.unicode_string_dtypes(max_len=4),
        st.just(np.dtype("f16")),
    ),
    shape=hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4),
)
values = st.recursive(
    scalars | arrays,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(max_size=5) | st.integers(-9, 9), inner, max_size=4)
    ),
    max_leaves=12,
)


def encoded(value: object) -> bytes:
    """Return the value as bytes, or none of those that cannot travel."""
    try:
        return encode_value(value)
    except InvalidValueError:
        return encode_value(None)


@dataclass(frozen=True)
class Damage:
    """What happens to a good blob on its way: bytes changed, put in, taken out, repeated."""

    at: int
    kind: int
    content: bytes

    def on(self, blob: bytes) -> bytes:
        at = self.at % (len(blob) + 1)
        match self.kind:
            case 0:
                return blob[:at] + self.content + blob[at + len(self.content) :]
            case 1:
                return blob[:at] + self.content + blob[at:]
            case 2:
                return blob[:at] + blob[at + len(self.content) :]
        return blob[:at] + blob


damages = st.lists(
    st.builds(
        Damage,
        st.integers(0, 2000),
        st.integers(0, 3),
        st.binary(min_size=1, max_size=8)
        | st.sampled_from(
            [b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"L", b"A", b"M"]
        ),
    ),
    max_size=4,
)


def damaged(blob: bytes, damage: list[Damage]) -> bytes:
    for one in damage:
        blob = one.on(blob)
    return blob


# As a forger writes them: nothing that has a place for a part looks at which part it is.
forged = st.recursive(
    st.one_of(
        scalars.map(encoded),
        arrays.map(encoded),
        hnp.arrays(st.one_of(hnp.unicode_string_dtypes(max_len=3), hnp.integer_dtypes()), ()).map(
            lambda array: encoded(array[()])
        ),
        st.builds(
            lambda sign, length: b"I" + struct.pack(">I", length) + sign.ljust(length, sign[-1:]),
            st.sampled_from([b"\x80\0", b"\x7f\xff", b"\0", b"\xff"]),
            st.sampled_from([2, 3, 8, 9, 1023, 1024, 1025]),
        ),
    ),
    lambda inner: st.one_of(
        st.builds(
            lambda tag, parts: tag + struct.pack(">I", len(parts)) + b"".join(parts),
            st.sampled_from([b"L", b"U"]),
            st.lists(inner, max_size=3),
        ),
        st.lists(inner, max_size=4).map(
            lambda parts: b"M" + struct.pack(">I", len(parts) // 2) + b"".join(parts)
        ),
        st.builds(lambda depth, leaf: b"L\0\0\0\1" * depth + leaf, st.integers(62, 65), inner),
    ),
    max_leaves=8,
)


@fuzz
@given(forged)
def test_what_came_in_can_go_out_again(blob: bytes) -> None:
    try:
        value = decode_value(blob)
    except InvalidValueError:
        return
    again = decode_value(encode_value(value))
    assert check(ExactChecker(name="exact"), value, again).ok


headers = st.builds(
    lambda descr, fortran, shape, rest: (
        f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': ({shape}), }}{rest}\n".encode()
    ),
    st.from_regex(r"[<>|=]?[a-zA-Z?][0-9]{0,9}", fullmatch=True),
    st.sampled_from(["True", "False", "1", "None"]),
    st.lists(st.integers(0, 2**62) | st.integers(0, 3), max_size=40).map(
        lambda sizes: "".join(f"{size}, " for size in sizes)
    ),
    st.sampled_from(["", " ", " " * 50, "#", "\0"]),
)


def as_array(header: bytes, data: bytes) -> bytes:
    content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data
    return b"A" + struct.pack(">I", len(content)) + content


blobs = st.one_of(
    st.binary(max_size=200),
    st.builds(damaged, values.map(encoded), damages),
    st.builds(as_array, headers | st.binary(max_size=100), st.binary(max_size=64)),
)


def peak_of(work: Callable[[], object]) -> int:
    """Return the most bytes that `work` held at once."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def decoded_or_refused(blob: bytes) -> None:
    try:
        value = decode_value(blob)
    except InvalidValueError:
        return
    decode_value(encode_value(value))


@fuzz
@given(blobs)
def test_any_bytes_are_a_value_or_refused_in_memory_in_proportion(blob: bytes) -> None:
    # What numpy and its dtypes keep for good does not depend on the input.
    assert peak_of(lambda: decoded_or_refused(blob)) < 200 * len(blob) + 300_000


@fuzz
@given(values, st.lists(st.integers(0, 255), max_size=6))
def test_a_value_cut_short_or_prolonged_is_none(value: object, more: list[int]) -> None:
    blob = encoded(value)
    for at in {0, 1, len(blob) // 2, len(blob) - 1} - {len(blob)}:
        with pytest.raises(InvalidValueError):
            decode_value(blob[:at])
    if more:
        with pytest.raises(InvalidValueError):
            decode_value(blob + bytes(more))


errors = st.builds(
    RaisedError, st.text(max_size=30), st.booleans(), st.text(max_size=200), st.text(max_size=99)
)
runs = st.builds(
    lambda outcome, result, error, stdout: CaseRun(
        outcome, 1.0, 1.0, 1, stdout, result=result, error=error
    ),
    st.sampled_from(Outcome),
    st.none() | blobs,
    st.none() | errors,
    st.text(st.characters(exclude_categories=[]), max_size=50),
)


@fuzz
@given(values, runs, st.sampled_from(CHECKERS), st.booleans(), st.booleans())
def test_any_report_gets_a_verdict_and_can_be_shown(
    expected: Any,  # noqa: ANN401 - any value
    run: CaseRun,
    checker: Any,  # noqa: ANN401 - one of three
    sample: bool,  # noqa: FBT001 - drawn
    unmodified: bool,  # noqa: FBT001 - drawn
) -> None:
    asked = case(
        {"x": 1.0},
        decode_value(encoded(expected)),
        sample=sample,
        checker=checker,
        inputs_unmodified=unmodified,
    )
    one = judge_case(asked, run)
    if one.verdict is Verdict.AC:
        assert returned_by(asked, run) is not None
    assert (one.reason is None) or sample
    if one.reason is not None:
        one.reason.render("zh").encode("utf-8", "surrogatepass")
    texts = described(asked, run)
    for text in (texts.arguments, texts.expected, texts.got or "", texts.stdout):
        text.encode()
        assert "\0" not in text
    recognise_mistake([asked], [run], [])


@fuzz
@given(values, values, st.sampled_from(CHECKERS))
def test_a_checker_answers_for_any_two_values(
    one: Any,  # noqa: ANN401 - any value
    other: Any,  # noqa: ANN401 - any value
    checker: Any,  # noqa: ANN401 - one of three
) -> None:
    one, other = decode_value(encoded(one)), decode_value(encoded(other))
    assert check(checker, one, one).ok
    report = check(checker, one, other)
    if not report.ok:
        assert report.reason is not None
        assert len(report.reason.render("en")) < 2000


@fuzz
@given(values)
def test_any_value_can_be_shown_in_few_characters(value: Any) -> None:  # noqa: ANN401 - any value
    text = show(decode_value(encoded(value)))
    assert len(text) <= MAX_CHARACTERS + 2
    text.encode()
