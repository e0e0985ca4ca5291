"""Delivery in this process: in order, nothing twice in the queue, and no thread dies of a task."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from app.grading.dispatch import Task, ThreadDispatcher

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 10.0


class Worker:
    """One thread that notes what it was given, and that can be held up."""

    def __init__(self) -> None:
        self.gate, self.started, self.idle = (threading.Event() for _ in range(3))
        self.gate.set()
        self.done: list[str] = []
        handlers = {Task.GRADE: self._grade, Task.PUBLISH_QUESTION: lambda _: self.idle.set()}
        self.dispatcher = ThreadDispatcher(handlers, threads=1)

    def _grade(self, row_id: str) -> None:
        self.started.set()
        assert self.gate.wait(SECONDS)
        self.done.append(row_id)
        if row_id == "bad":
            raise LookupError(row_id)

    def send(self, *row_ids: str) -> None:
        for row_id in row_ids:
            self.dispatcher.send(Task.GRADE, row_id)

    def hold_up_with(self, row_id: str) -> None:
        self.gate.clear()
        self.send(row_id)
        assert self.started.wait(SECONDS)

    def finish(self) -> list[str]:
        """Let everything that was sent be done."""
        self.dispatcher.send(Task.PUBLISH_QUESTION, "last")
        self.gate.set()
        assert self.idle.wait(SECONDS)
        return self.done


@pytest.fixture
def worker() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.gate.set()
    worker.dispatcher.close()


def test_tasks_are_done_in_order(worker: Worker) -> None:
    worker.send("a", "b", "c")
    assert worker.finish() == ["a", "b", "c"]


def test_task_that_raises_is_logged_and_stops_nothing(
    worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    worker.send("bad", "good")
    assert worker.finish() == ["bad", "good"]
    assert "grade bad failed" in caplog.text
    assert "LookupError" in caplog.text


def test_what_waits_is_not_queued_again_but_what_runs_is(worker: Worker) -> None:
    """Whoever runs has read its row already, and the row may have changed since."""
    worker.hold_up_with("a")
    worker.send("a", "b", "a", "b", "b")
    assert worker.finish() == ["a", "a", "b"]


def test_closing_waits_for_what_runs_and_drops_what_waits(worker: Worker) -> None:
    worker.hold_up_with("running")
    worker.send("waiting")
    closing = threading.Thread(target=worker.dispatcher.close)
    closing.start()
    worker.gate.set()
    closing.join(SECONDS)
    assert not closing.is_alive()
    worker.send("too late")
    assert worker.done in (["running"], ["running", "waiting"])
