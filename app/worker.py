"""The worker of a distributed set-up: takes tasks from the broker, runs code, keeps verdicts."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from celery.signals import setup_logging
from prometheus_client import start_http_server

from app.grading.dispatch import WaitingMarks, celery_app, register_handlers
from app.kit.logs import configure_logs
from app.settings import Settings
from app.workflows.assemble_runtime import assemble_runtime, close, task_handlers

if TYPE_CHECKING:
    from celery import Celery

log = logging.getLogger(__name__)


def run_worker(settings: Settings) -> int:
    """Work until told to stop; then finish what runs, remove the sandboxes, return an exit code.

    Threads rather than processes: the work waits for containers, and one pool of sandboxes
    serves them all.
    """
    runtime = assemble_runtime(settings, worker=True)
    marks = WaitingMarks(settings.broker_url)
    celery = celery_app(settings.broker_url)
    register_handlers(celery, task_handlers(runtime.machinery), marks)
    if settings.metrics_port:
        start_http_server(settings.metrics_port, settings.host)
    try:
        return _consume(celery, settings.grading_threads)
    finally:
        close(runtime)
        marks.close()
        log.info("worker ended")


def _consume(celery: Celery, threads: int) -> int:
    """Run Celery's consumer until SIGTERM or SIGINT; return its exit code.

    Workers need not know of each other: no gossip, no remote control.
    """
    worker = celery.Worker(
        pool="threads",
        concurrency=threads,
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    worker.start()
    return int(worker.exitcode or 0)


def _keep_our_logs(**_: object) -> None:
    """Being connected is enough: Celery then leaves the loggers alone."""


if __name__ == "__main__":
    configure_logs()
    logging.captureWarnings(capture=True)
    setup_logging.connect(_keep_our_logs)
    sys.exit(run_worker(Settings()))
