"""Assemble what a program needs from its settings: embedded, distributed web, or worker."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from app.db.engine import connect
from app.db.session import Database
from app.grading.bwrap_engine import BubblewrapEngine
from app.grading.dispatch import CeleryDispatcher, Task, ThreadDispatcher
from app.grading.docker_engine import DockerEngine
from app.grading.engine_choice import FirstFit
from app.grading.engine_watch import EngineWatch
from app.grading.memory import MemoryBudget
from app.grading.notifications import LocalNotifier, RedisNotifier
from app.grading.pool import Pool
from app.grading.runs import EngineUnavailableError
from app.kit.clock import SystemClock
from app.kit.metrics import SANDBOXES
from app.workflows.grade_submission import grade_submission
from app.workflows.publish_question import publish_question
from app.workflows.runtime import Machinery, Runtime

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.grading.runs import Engine
    from app.settings import Settings

log = logging.getLogger(__name__)


def assemble_runtime(settings: Settings, *, worker: bool = False) -> Runtime:
    """Return the runtime of a web process, or of a worker.

    A web process with a broker gets no pool: only workers may reach the container engine.
    """
    clock = SystemClock()
    engine = build_engine(settings) if settings.embedded or worker else None
    machinery = Machinery(
        settings=settings,
        clock=clock,
        database=Database(connect(settings.database)),
        notifier=LocalNotifier() if settings.embedded else RedisNotifier(settings.broker_url),
        pool=build_pool(settings, engine) if engine else None,
        engine=EngineWatch(engine, clock) if engine else None,
    )
    if settings.embedded:
        dispatcher = ThreadDispatcher(task_handlers(machinery), settings.grading_threads)
        return Runtime(machinery, dispatcher)
    return Runtime(machinery, CeleryDispatcher(settings.broker_url))


def task_handlers(machinery: Machinery) -> dict[Task, Callable[[str], None]]:
    """Return what does each task."""
    return {
        Task.GRADE: partial(grade_submission, machinery),
        Task.PUBLISH_QUESTION: partial(publish_question, machinery),
    }


def build_engine(settings: Settings) -> Engine:
    """Return what starts sandboxes as the settings want it, rid of what a dead instance left.

    A runtime is asked of container engines only, so that nothing weaker may stand in for it.
    """
    container = DockerEngine(lambda: settings.image, runtime=settings.sandbox_runtime or None)
    if settings.sandbox_backend == "bubblewrap":
        engine: Engine = BubblewrapEngine(lambda: settings.root)
    elif settings.sandbox_backend == "docker" or settings.sandbox_runtime:
        engine = container
    else:
        engine = FirstFit([container, BubblewrapEngine(lambda: settings.root)])
    try:
        engine.remove_orphans()
    except EngineUnavailableError as error:
        log.warning("orphans of dead instances stay: %s", error)
    return engine


def build_pool(settings: Settings, engine: Engine) -> Pool:
    """Return a pool of sandboxes as the settings want it."""
    pool = Pool(
        engine,
        warm=settings.sandbox_warm,
        capacity=settings.sandbox_capacity,
        memory=MemoryBudget(settings.memory_budget_mb, settings.grading_threads),
        idle_seconds=settings.sandbox_idle_seconds,
        reuse=settings.sandbox_reuse,
        clock=SystemClock(),
    )
    SANDBOXES.set_function(lambda: pool.alive)
    return pool


def close(runtime: Runtime) -> None:
    """Let running work finish, destroy the sandboxes, close the connections."""
    runtime.dispatcher.close()
    if runtime.machinery.pool is not None:
        runtime.machinery.pool.close()
    runtime.notifier.close()
    runtime.database.engine.dispose()
