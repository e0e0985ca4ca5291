"""Keeps a job claimed while it is worked on, so that a dead worker's job is free again soon."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from app.grading.service import CLAIM, renew

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

    from app.db.session import Database
    from app.kit.clock import Clock

log = logging.getLogger(__name__)

RENEW_SECONDS = CLAIM.total_seconds() / 4


@contextmanager
def kept_claim(
    database: Database,
    clock: Clock,
    job_id: str,
    token: str,
    *,
    at_most: timedelta,
    every: float = RENEW_SECONDS,
) -> Iterator[None]:
    """Renew the claim `token` inside the ``with`` block, but no longer than `at_most`.

    Work that hangs for longer is given up: its claim runs out. `every` is in seconds.
    """
    done = Event()
    rounds = int(at_most.total_seconds() / every)

    def keep() -> None:
        for _ in range(rounds):
            if done.wait(every) or not _renew(database, clock, job_id, token):
                return

    keeper = Thread(target=keep, name="claim-keeper", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        done.set()
        keeper.join()


def _renew(database: Database, clock: Clock, job_id: str, token: str) -> bool:
    """Return whether it is worth trying again."""
    try:
        with database.transaction() as session:
            return renew(session, job_id, token, now=clock.now())
    except SQLAlchemyError:
        log.exception("a claim on job %s was not renewed", job_id)
        return True
