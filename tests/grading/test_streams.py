"""Sending ahead: both directions at once, no more than fits, and what is half sent is finished."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass, field
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from app.grading import wire
from app.grading.runs import Call, RunLimits, SandboxBrokenError
from app.grading.streams import PumpedStream
from app.grading.values import encode_value
from app.kit.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LIMITS = RunLimits(cpu_seconds=1, wall_seconds=2, memory_mb=64)
REQUEST = struct.Struct(">4sIIIIIIII")
MEGABYTE = 1 << 20


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">cI", kind, len(content)) + content


def ending(sequence: int, *, last: bool = False) -> bytes:
    return chunk(b"E", struct.pack(">IchQQQIx?", sequence, b"x", 0, 1, 1, 1, 0, last))


def call(size: int = 0) -> Call:
    return Call("def f(x): return x", "f", encode_value({"x": "a" * size}), LIMITS)


@dataclass
class Server:
    """Answers requests on two pipes, as a thread; the first `ends` of them end their batch."""

    report: bytes = b"RT"
    ends: int = 0
    sequences: list[int] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)

    def serve(self, source: int, target: int) -> None:
        dropped = None
        with os.fdopen(source, "rb") as requests, os.fdopen(target, "wb") as answers:
            while head := requests.read(REQUEST.size):
                _, sequence, batch, size, *_ = REQUEST.unpack(head)
                requests.read(size)
                if batch == dropped:
                    continue
                self.sequences.append(sequence)
                self.batches.append(batch)
                last = len(self.sequences) <= self.ends
                dropped = batch if last else None
                answers.write(chunk(b"R", self.report) + ending(sequence, last=last))
                answers.flush()


@pytest.fixture
def connect() -> Iterator[Callable[[Server], PumpedStream]]:
    ours: list[int] = []
    threads: list[Thread] = []

    def connect(server: Server) -> PumpedStream:
        (source, answers), (requests, target) = os.pipe(), os.pipe()
        ours.extend([target, source])
        threads.append(Thread(target=server.serve, args=(requests, answers)))
        threads[-1].start()
        return PumpedStream(source, target, SystemClock())

    yield connect
    for fd in ours:
        os.close(fd)
    for thread in threads:
        thread.join()


def test_large_calls_and_large_answers_do_not_block_each_other(
    connect: Callable[[Server], PumpedStream],
) -> None:
    server = Server(report=b"R" + bytes(MEGABYTE))
    calls = [call(MEGABYTE) for _ in range(6)]
    found = list(wire.exchange(connect(server), calls, 1))
    assert [len(got.report) for _, got, _ in found] == [MEGABYTE + 1] * 6
    assert server.sequences == [1, 2, 3, 4, 5, 6]
    assert set(server.batches) == {1}


def test_a_batch_that_ends_early_leaves_the_stream_ready_for_the_next(
    connect: Callable[[Server], PumpedStream],
) -> None:
    server = Server(ends=2)
    stream = connect(server)
    assert len(list(wire.exchange(stream, [call(MEGABYTE)] * 4, 1))) == 1
    assert len(list(wire.exchange(stream, [call(MEGABYTE)] * 3, 5))) == 1
    assert len(list(wire.exchange(stream, [call(MEGABYTE)] * 2, 8))) == 2
    assert server.sequences == [1, 5, 8, 9]
    assert server.batches == [1, 5, 8, 8]


def test_messages_are_made_when_there_is_room_for_them() -> None:
    made: list[int] = []

    def messages() -> Iterator[bytes]:
        for number in range(100):
            made.append(number)
            yield bytes(MEGABYTE)

    source, target = os.pipe()
    stream = PumpedStream(source, target, SystemClock())
    stream.post(messages())
    assert made == [0]
    os.close(source)
    os.close(target)


def test_what_the_other_end_said_before_it_went_is_still_read() -> None:
    (source, answers), (requests, target) = os.pipe(), os.pipe()
    stream = PumpedStream(source, target, SystemClock())
    os.write(answers, b"last words")
    os.close(requests)
    os.close(answers)
    stream.post(iter([b"too late"]))
    assert stream.read(10, 1) == b"last words"
    assert not stream.rests
    with pytest.raises(SandboxBrokenError, match="ended"):
        stream.read(1, 1)
    os.close(source)
    os.close(target)


def test_a_stream_rests_while_nothing_unasked_comes() -> None:
    source, answers = os.pipe()
    stream = PumpedStream(source, answers, SystemClock())
    seen = [stream.rests]
    os.write(answers, b"?")
    seen.append(stream.rests)
    stream.close()
    seen.append(stream.rests)
    assert seen == [True, False, False]
    os.close(source)
    os.close(answers)
