"""Keep house in the background: end overdue interviews, re-send lost work, follow the bank."""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import partial
from threading import Event, Thread
from typing import TYPE_CHECKING

from app.grading.dispatch import Task
from app.grading.queries import undelivered_job_ids
from app.grading.service import release_all
from app.workflows.finish_interview import finish_overdue_interview, overdue_interviews
from app.workflows.import_bank import import_bank, publish_what_is_new

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import stat_result
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
    """Send jobs again that nobody works on; whoever takes one twice finds it closed.

    Every web process does this. The dispatcher sees to it that nothing waits twice. While this
    process finds no engine, the first in line tries for all.
    """
    pool = runtime.machinery.pool
    with runtime.database.transaction(read_only=True) as session:
        lost = undelivered_job_ids(session, now=runtime.clock.now(), patience=patience)
    for job_id in lost[:1] if pool is not None and pool.engine_is_away else lost:
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
            self.end_overdue_interviews()
            self._do(resend_lost_jobs)
            self._do(self._follow_bank)
            if ticks % GATE_TICKS == 0:
                self._do(publish_what_is_new)

    def end_overdue_interviews(self) -> None:
        """End each by itself: one that cannot be ended must not stop the others' clocks."""
        self._do(self._end_each)

    def _end_each(self, runtime: Runtime) -> None:
        for interview_id in overdue_interviews(runtime):
            self._do(partial(finish_overdue_interview, interview_id))

    def _do(self, chore: Callable[[Runtime], None]) -> None:
        try:
            chore(self._runtime)
        except Exception:
            # The database may be away for a while. Whatever it is, it must not keep the other
            # chores from being done: everybody's clock hangs on this thread.
            log.exception("housekeeping failed; trying again")

    def _follow_bank(self, runtime: Runtime) -> None:
        seen = fingerprint(runtime.settings.bank_dir)
        if seen != self._seen:
            import_bank(runtime)
            self._seen = seen


def fingerprint(bank_dir: Path) -> frozenset[tuple[str, int, int]]:
    """Return name, size and time of change of every file in the bank."""
    return frozenset(
        (str(path), stat.st_size, stat.st_mtime_ns)
        for path in bank_dir.rglob("*.yaml")
        if (stat := _stat(path)) is not None
    )


def _stat(path: Path) -> stat_result | None:
    """Return what is known of a file; None if it has just gone, or is a link to nowhere."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None
