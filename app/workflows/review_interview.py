"""A mentor scores a finished interview: save as often as needed, publish when done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.answers.queries import attempts_of
from app.interviews.service import record, require
from app.interviews.states import InterviewAction
from app.kit.errors import InvalidError
from app.kit.i18n import message
from app.questions.queries import document_of, versions_by_id
from app.scoring.rubrics import levels_of
from app.scoring.service import open_review, publish_review, set_score
from app.workflows.gather_scores import CriterionScore, gather_scores

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.interviews.models import Interview
    from app.questions.schema import Criterion
    from app.scoring.models import Review

MAX_COMMENT = 5000


@dataclass(frozen=True, slots=True)
class Mark:
    """What a mentor set for one criterion: points (None: not yet) and a comment."""

    points: float | None
    comment: str


def save_review(
    session: Session,
    interview: Interview,
    *,
    mentor_id: int,
    marks: Mapping[tuple[str, str], Mark],
    summary: str,
    now: datetime,
    public: bool = False,
) -> None:
    """Store marks by (attempt id, criterion id); raises when one names no level of its rubric.

    With `public` the candidate sees them from now on. A review that was published before stays
    public, so that every later change to it is published as well, with the same rules.
    """
    require(interview, InterviewAction.REVIEW)
    review = open_review(session, interview.id, mentor_id=mentor_id, now=now)
    review.summary = _comment(summary)
    for (attempt_id, criterion), mark in _known(session, interview, marks):
        wording = _wording(criterion, mark.points)
        set_score(
            session,
            review,
            attempt_id=attempt_id,
            criterion=criterion,
            points=mark.points,
            wording=wording,
            comment=_comment(mark.comment),
        )
    if public or review.published_at is not None:
        _publish(session, interview, review, now=now)


def _publish(session: Session, interview: Interview, review: Review, *, now: datetime) -> None:
    """Show the scores to the candidate; criteria without a level keep the machine's points.

    Raises where neither has decided: a published score has no holes.
    """
    (score,) = gather_scores(session, [interview], private_reviews=True)
    for attempt in score.attempts:
        for one in attempt.criteria:
            if one.points is None:
                raise InvalidError(
                    message(
                        "Question {position}: choose a level for “{criterion}” first.",
                        position=attempt.attempt.position,
                        criterion=one.criterion.title or one.criterion.id,
                    )
                )
            if one.mentor is None or one.mentor.points is None:
                _keep_suggested(session, review, attempt.attempt.id, one)
    publish_review(review, now=now)
    interview.reviewed_at = now
    record(session, interview.id, "review:published", {"mentor_id": review.mentor_id}, now=now)


def _keep_suggested(
    session: Session, review: Review, attempt_id: str, score: CriterionScore
) -> None:
    """Copy the machine's points: a verdict that arrives later must not change a published total."""
    set_score(
        session,
        review,
        attempt_id=attempt_id,
        criterion=score.criterion,
        points=score.points,
        wording=None,
        comment=score.mentor.comment if score.mentor else "",
    )


def _known(
    session: Session, interview: Interview, marks: Mapping[tuple[str, str], Mark]
) -> list[tuple[tuple[str, Criterion], Mark]]:
    attempts = attempts_of(session, interview.id)
    versions = versions_by_id(session, {attempt.question_version_id for attempt in attempts})
    return [
        ((attempt.id, criterion), marks[attempt.id, criterion.id])
        for attempt in attempts
        for criterion in document_of(versions[attempt.question_version_id]).rubric
        if (attempt.id, criterion.id) in marks
    ]


def _wording(criterion: Criterion, points: float | None) -> dict[str, str] | None:
    if points is None:
        return None
    for level in levels_of(criterion):
        if level.points == points:
            return level.wording.model_dump()
    raise InvalidError(message("Criterion “{id}” has no level with these points.", id=criterion.id))


def _comment(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\0", "").strip()
    if len(text) > MAX_COMMENT:
        raise InvalidError(message("A comment may have at most {max} characters.", max=MAX_COMMENT))
    return text
