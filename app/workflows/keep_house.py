"""Keep house in the background: end overdue interviews, re-send lost work, follow the bank."""

from __future__ import annotations

import logging
from datetime import timedelta
from threading import Event, Thread
from typing import TYPE_CHECKING

from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from app.grading.dispatch import Task
from app.grading.queries import undelivered_job_ids
from app.grading.service import release_all
from app.workflows.finish_interview import finish_overdue_interviews
from app.workflows.import_bank import import_bank, publish_what_is_new

if TYPE_CHECKING:
    from pathlib import Path

    from app.workflows.runtime import Runtime

log = logging.getLogger(__name__)

TICK_SECONDS = 2.0
# A job that nobody took for this long was lost on the way.
PATIENCE = timedelta(seconds=5)
# How many ticks between looks for versions whose gate could not run yet.
GATE_TICKS = 5


def resume_work(runtime: Runtime) -> None:
    """Take up what the process before this one left: its claims are nobody's now."""
    if runtime.settings.embedded:
        with runtime.database.transaction() as session:
            release_all(session)
    resend_lost_jobs(runtime, patience=timedelta(0))


def resend_lost_jobs(runtime: Runtime, *, patience: timedelta = PATIENCE) -> None:
    """Send jobs again that nobody works on; whoever takes one twice finds it closed."""
    with runtime.database.transaction(read_only=True) as session:
        lost = undelivered_job_ids(session, now=runtime.clock.now(), patience=patience)
    for job_id in lost:
        runtime.dispatcher.send(Task.GRADE, job_id)


class Housekeeper:
    """A thread that keeps house until it is stopped."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._stopped = Event()
        self._thread = Thread(target=self._run, name="housekeeper", daemon=True)
        self._seen = fingerprint(runtime.settings.bank_dir)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the present round."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        ticks = 0
        while not self._stopped.wait(TICK_SECONDS):
            ticks += 1
            try:
                self._round(look_at_gates=ticks % GATE_TICKS == 0)
            except (SQLAlchemyError, RedisError, OSError):
                # The database or the broker is away for a while: nothing is lost by waiting.
                log.exception("housekeeping failed; trying again")

    def _round(self, *, look_at_gates: bool) -> None:
        finish_overdue_interviews(self._runtime)
        resend_lost_jobs(self._runtime)
        seen = fingerprint(self._runtime.settings.bank_dir)
        if seen != self._seen:
            import_bank(self._runtime)
            self._seen = seen
        elif look_at_gates:
            publish_what_is_new(self._runtime)


def fingerprint(bank_dir: Path) -> frozenset[tuple[str, int, int]]:
    """Return name, size and time of change of every file in the bank."""
    stats = ((path, path.stat()) for path in bank_dir.rglob("*.yaml"))
    return frozenset((str(path), stat.st_size, stat.st_mtime_ns) for path, stat in stats)
