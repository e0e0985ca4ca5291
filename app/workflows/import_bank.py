"""Bring the stored bank in line with its files; what is new goes through its gate."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from app.db.turns import take_turn
from app.grading.dispatch import Task
from app.questions.bank import read_bank
from app.questions.queries import live_versions, newest_versions
from app.questions.service import import_paper, import_version, retire_missing

if TYPE_CHECKING:
    from app.questions.bank import Bank
    from app.workflows.runtime import Machinery, Runtime

log = logging.getLogger(__name__)


def store_bank(machinery: Machinery) -> Bank:
    """Read all files and store what is valid.

    A file with errors changes nothing: the version that was live before stays. Nor does a
    missing directory: a volume that is not mounted has not been emptied.
    """
    bank = read_bank(machinery.settings.bank_dir)
    if not machinery.settings.bank_dir.is_dir():
        log.error("there is no bank at %s", machinery.settings.bank_dir)
        return bank
    now = machinery.clock.now()
    with machinery.database.transaction() as session:
        take_turn(session.connection(), "bank")  # every web process does this when it starts
        for file in bank.questions:
            import_version(
                session,
                file.document,
                content_hash=file.content_hash,
                source=file.source,
                now=now,
            )
        for paper in bank.papers:
            import_paper(session, paper.document, now=now)
        retire_missing(session, question_ids=bank.question_ids, paper_ids=bank.paper_ids, now=now)
    return bank


def import_bank(runtime: Runtime) -> None:
    """Store the bank and send what is new to its gate."""
    store_bank(runtime.machinery)
    publish_what_is_new(runtime)


def publish_what_is_new(runtime: Runtime) -> None:
    """Send every version to its gate that has not been through it."""
    for version_id in unpublished(runtime.machinery):
        runtime.dispatcher.send(Task.PUBLISH_QUESTION, str(version_id))


def unpublished(machinery: Machinery) -> dict[int, str]:
    """Return the versions whose gate has yet to run, the newest of each question: id to name."""
    with machinery.database.transaction(read_only=True) as session:
        return {
            version.id: version.question_id
            for version in newest_versions(session).values()
            if version.published_at is None and version.problem is None
        }


def is_settled(machinery: Machinery) -> bool:
    """Tell whether there is a bank and every question of it is offered or was refused.

    A question whose earlier version is still asked is settled: an edit must not look like an
    outage.
    """
    with machinery.database.transaction(read_only=True) as session:
        newest, live = newest_versions(session), live_versions(session)
        waiting = {one.question_id for one in newest.values() if one.problem is None}
        return bool(newest) and waiting <= live.keys()
