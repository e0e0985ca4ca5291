"""Publish a version: its gate runs in a sandbox, its expected outputs are kept."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sqlalchemy import delete

from app.grading.models import MistakeOutput, ReferenceCase
from app.grading.reference import GateError, build_reference
from app.grading.runs import EngineUnavailableError, PoolBusyError, SandboxBrokenError
from app.questions.models import QuestionVersion
from app.questions.queries import document_of, newest_versions
from app.questions.schema import CodingQuestion
from app.questions.service import offer_unproven, publish, reject
from app.scoring.rubrics import lint_rubric

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.grading.reference import Reference
    from app.kit.i18n import Message
    from app.workflows.runtime import Machinery

log = logging.getLogger(__name__)


def publish_question(machinery: Machinery, version_id: str) -> None:
    """Run the gate of a version and put it live, or record why not.

    Where no engine answers, or the sandbox breaks, which is not the author's fault, the version
    is offered unproven if the question has no other, and stays listed as one to be published.
    """
    with machinery.database.transaction(read_only=True) as session:
        version = session.get_one(QuestionVersion, int(version_id))
        question = document_of(version)
        if version.published_at is not None or version.problem is not None:
            return
    if problems := lint_rubric(question):
        _reject(machinery, int(version_id), problems[0].message)
        return
    if not isinstance(question, CodingQuestion):
        _publish(machinery, int(version_id), None)
        return
    try:
        reference = _prove(machinery, question)
    except GateError as error:
        _reject(machinery, int(version_id), error.message)
    except (EngineUnavailableError, SandboxBrokenError) as error:
        log.warning("the gate of %s could not run and will be tried again: %s", question.id, error)
        with machinery.database.transaction() as session:
            offer_unproven(session, session.get_one(QuestionVersion, int(version_id)))
    except PoolBusyError:
        log.info("the gate of %s has to wait for a sandbox", question.id)
    else:
        _publish(machinery, int(version_id), reference)


def _prove(machinery: Machinery, question: CodingQuestion) -> Reference:
    if machinery.pool is None:
        raise EngineUnavailableError
    owner = f"author:{question.id}"
    try:
        with machinery.pool.lease(owner) as sandbox:
            return build_reference(question, sandbox)
    finally:
        machinery.pool.end(owner)


def _publish(machinery: Machinery, version_id: int, reference: Reference | None) -> None:
    with machinery.database.transaction() as session:
        version = session.get_one(QuestionVersion, version_id, with_for_update=True)
        if version.published_at is not None:
            return
        if reference is not None:
            _store(session, version_id, reference)
        if newest_versions(session, with_retired=True)[version.question_id].id == version_id:
            publish(session, version, now=machinery.clock.now())
        else:  # the file changed while the gate ran, and what came later must not be undone
            version.published_at = machinery.clock.now()


def _reject(machinery: Machinery, version_id: int, why: Message) -> None:
    with machinery.database.transaction() as session:
        version = session.get_one(QuestionVersion, version_id, with_for_update=True)
        reject(session, version, why.as_json())


def _store(session: Session, version_id: int, reference: Reference) -> None:
    for table in (ReferenceCase, MistakeOutput):
        session.execute(delete(table).where(table.question_version_id == version_id))
    for position, case in enumerate(reference.cases):
        session.add(
            ReferenceCase(
                question_version_id=version_id,
                position=position,
                name=case.name,
                group=case.group,
                sample=case.sample,
                args=case.args,
                expected=case.expected,
                checker=case.checker.model_dump(mode="json"),
                inputs_unmodified=case.inputs_unmodified,
                scripted=case.scripted,
                reference_cpu_ms=case.reference_cpu_ms,
                calibration_cpu_ms=case.calibration_cpu_ms,
            )
        )
    for mistake in reference.mistakes:
        for position, output in enumerate(mistake.outputs):
            if output is not None:
                session.add(
                    MistakeOutput(
                        question_version_id=version_id,
                        solution=mistake.name,
                        position=position,
                        output=output,
                    )
                )
