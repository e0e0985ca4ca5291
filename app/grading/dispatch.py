"""Delivers work: to threads of this process, or over Celery to workers. It only delivers."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from celery import Celery

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

log = logging.getLogger(__name__)


class Task(StrEnum):
    """What can be delivered; each is named with the id of a row that says the rest."""

    GRADE = "grade"
    PUBLISH_QUESTION = "publish_question"


class Dispatcher(Protocol):
    """Delivers tasks at least once, or never: the reconciler sends again what got lost."""

    def send(self, task: Task, row_id: str) -> None:
        """Deliver `task` for the row `row_id`."""
        ...

    def close(self) -> None:
        """Stop accepting; wait for what runs."""
        ...


class ThreadDispatcher:
    """Runs tasks in a thread pool of this process."""

    def __init__(self, handlers: Mapping[Task, Callable[[str], None]], threads: int) -> None:
        self._handlers = handlers
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="grading")

    def send(self, task: Task, row_id: str) -> None:
        """Queue `task` for a thread."""
        self._pool.submit(self._run, task, row_id)

    def _run(self, task: Task, row_id: str) -> None:
        try:
            self._handlers[task](row_id)
        except Exception:
            # The row stays open and the reconciler sends it again; here it must only be seen.
            log.exception("%s %s failed", task, row_id)

    def close(self) -> None:
        """Let what runs finish; drop what waits, for it is in the database."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def celery_app(broker_url: str) -> Celery:
    """Return the Celery application that both senders and workers use.

    Acknowledged late and fetched one by one, so that a killed worker's task is delivered again.
    """
    celery = Celery("yimian", broker=broker_url)
    celery.conf.update(
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        task_ignore_result=True,
        broker_connection_retry_on_startup=True,
        task_default_queue="sandbox",
    )
    return celery


class CeleryDispatcher:
    """Sends tasks to workers over Redis."""

    def __init__(self, broker_url: str) -> None:
        self._celery = celery_app(broker_url)

    def send(self, task: Task, row_id: str) -> None:
        """Queue `task` on the broker."""
        self._celery.send_task(task.value, [row_id])

    def close(self) -> None:
        """Close the connections to the broker."""
        self._celery.close()
