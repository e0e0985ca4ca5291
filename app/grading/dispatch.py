"""Delivers work: to threads of this process, or over Celery to workers. It only delivers."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from app.grading.broker import CONNECT_SECONDS, connect_redis

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

log = logging.getLogger(__name__)

# One kind of sandbox, one queue: a worker takes only what its sandboxes can run.
QUEUE = "sandbox"
# A mark outlives its task where a worker dies between receiving and starting it; then the task
# is queued again this much later. The other way round, a task that waits longer is queued twice.
WAITING_SECONDS = 60


class Task(StrEnum):
    """What can be delivered; each is named with the id of a row that says the rest."""

    GRADE = "grade"
    PUBLISH_QUESTION = "publish_question"

    @property
    def has_claim(self) -> bool:
        """Whether its row says that somebody is at it; else it counts as waiting until done."""
        return self is Task.GRADE


class Dispatcher(Protocol):
    """Delivers tasks at least once, or never: the reconciler sends again what got lost.

    What waits for delivery already is not queued again, so that sending again costs little.
    """

    def send(self, task: Task, row_id: str) -> None:
        """Deliver `task` for the row `row_id`; where that cannot be done, only log it."""
        ...

    def close(self) -> None:
        """Stop accepting; wait for what runs."""
        ...


class ThreadDispatcher:
    """Runs tasks in a thread pool of this process."""

    def __init__(self, handlers: Mapping[Task, Callable[[str], None]], threads: int) -> None:
        self._handlers = handlers
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="grading")
        self._lock = Lock()
        self._waiting: set[tuple[Task, str]] = set()
        self._closed = False

    def send(self, task: Task, row_id: str) -> None:
        """Queue `task` for a thread."""
        with self._lock:
            if self._closed or (task, row_id) in self._waiting:
                return
            self._waiting.add((task, row_id))
            self._pool.submit(self._run, task, row_id)

    def _run(self, task: Task, row_id: str) -> None:
        if task.has_claim:
            self._forget(task, row_id)
        try:
            self._handlers[task](row_id)
        except Exception:
            # The row stays open and the reconciler sends it again; here it must only be seen.
            log.exception("%s %s failed", task, row_id)
        finally:
            if not task.has_claim:
                self._forget(task, row_id)

    def _forget(self, task: Task, row_id: str) -> None:
        with self._lock:
            self._waiting.discard((task, row_id))

    def close(self) -> None:
        """Let what runs finish; drop what waits, for it is in the database."""
        with self._lock:
            self._closed = True
        self._pool.shutdown(wait=True, cancel_futures=True)


def celery_app(broker_url: str) -> Celery:
    """Return the Celery application that both senders and workers use.

    Acknowledged late and fetched one by one. Redis gives the unacknowledged task of a killed
    worker out again only after Celery's visibility timeout, an hour; nobody waits for that,
    because the reconciler sends the task again as soon as its claim ran out.
    """
    celery = Celery("yimian", broker=broker_url, set_as_current=False)
    celery.conf.update(
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        task_ignore_result=True,
        task_default_queue=QUEUE,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        # What runs goes on while the broker is away; its verdict goes to the database.
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_enable_remote_control=False,
        broker_transport_options={"socket_connect_timeout": CONNECT_SECONDS},
    )
    return celery


class WaitingMarks:
    """What waits at the broker, by task and row.

    Kept in the broker itself: whatever loses its tasks loses their marks with them.
    """

    def __init__(self, broker_url: str) -> None:
        self._client = connect_redis(broker_url)

    def set(self, task: Task, row_id: str) -> bool:
        """Mark a task as waiting; False if it is already. Raises RedisError."""
        name = self._name(task, row_id)
        return bool(self._client.set(name, 1, nx=True, ex=WAITING_SECONDS))

    def clear(self, task: Task, row_id: str) -> None:
        """Note that a task waits no longer."""
        try:
            self._client.delete(self._name(task, row_id))
        except RedisError as error:
            log.warning("the mark of %s %s stays for a while: %s", task, row_id, error)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    @staticmethod
    def _name(task: Task, row_id: str) -> str:
        return f"yimian:waiting:{task}:{row_id}"


class CeleryDispatcher:
    """Sends tasks to workers over Redis."""

    def __init__(self, broker_url: str) -> None:
        self._celery = celery_app(broker_url)
        self._marks = WaitingMarks(broker_url)

    def send(self, task: Task, row_id: str) -> None:
        """Queue `task` on the broker unless it waits there."""
        try:
            if self._marks.set(task, row_id):
                self._celery.send_task(task.value, [row_id])
        except (RedisError, OperationalError) as error:
            # Whoever handed something in must not hear of it: it is stored, and sent again later.
            log.warning("%s %s was not sent: %s", task, row_id, error)

    def close(self) -> None:
        """Close the connections to the broker."""
        self._celery.close()
        self._marks.close()


def register_handlers(
    celery: Celery, handlers: Mapping[Task, Callable[[str], None]], marks: WaitingMarks
) -> None:
    """Let the workers of `celery` do the tasks."""
    for task, handler in handlers.items():
        celery.task(_taking(task, handler, marks), name=task.value)


def _taking(
    task: Task, handler: Callable[[str], None], marks: WaitingMarks
) -> Callable[[str], None]:
    def take(row_id: str) -> None:
        if task.has_claim:
            marks.clear(task, row_id)
        try:
            handler(row_id)
        finally:
            if not task.has_claim:
                marks.clear(task, row_id)

    return take
