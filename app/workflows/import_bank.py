"""Bring the stored bank in line with its files; what is new goes through its gate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.grading.dispatch import Task
from app.questions.bank import read_bank
from app.questions.queries import live_versions
from app.questions.service import import_paper, import_version, retire_missing
from app.workflows.publish_question import unpublished_version_ids

if TYPE_CHECKING:
    from app.questions.bank import Bank
    from app.workflows.runtime import Runtime


def import_bank(runtime: Runtime) -> Bank:
    """Read all files, store what is valid, and send new versions to their gate.

    A file with errors changes nothing: the version that was live before stays.
    """
    bank = read_bank(runtime.settings.bank_dir)
    now = runtime.clock.now()
    with runtime.database.transaction() as session:
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
    publish_what_is_new(runtime)
    return bank


def publish_what_is_new(runtime: Runtime) -> None:
    """Send every version to its gate that has not been through it."""
    with runtime.database.transaction(read_only=True) as session:
        waiting = unpublished_version_ids(session)
    for version_id in waiting:
        runtime.dispatcher.send(Task.PUBLISH_QUESTION, str(version_id))


def everything_is_live(runtime: Runtime, bank: Bank) -> bool:
    """Tell whether every question of `bank` can be asked."""
    with runtime.database.transaction(read_only=True) as session:
        return {file.document.id for file in bank.questions} <= live_versions(session).keys()
