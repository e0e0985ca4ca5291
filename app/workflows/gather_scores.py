"""Gather what is known of an interview's points: the machine's, the mentor's, and the total."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.answers.queries import attempts_of, submissions_of
from app.questions.queries import document_of, versions_by_id
from app.scoring.queries import reviews_of, scores_of, suggestions_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from app.answers.models import Attempt, Submission
    from app.interviews.models import Interview
    from app.questions.schema import Criterion, Question
    from app.scoring.models import MentorScore, Review, Suggestion


@dataclass(frozen=True, slots=True)
class CriterionScore:
    """One criterion with what the machine suggests and what a mentor set."""

    criterion: Criterion
    suggestion: Suggestion | None
    mentor: MentorScore | None
    answered: bool

    @property
    def suggested(self) -> float | None:
        """The machine's points; an unanswered question has none to give."""
        if not self.answered:
            return 0.0
        return self.suggestion.points if self.suggestion else None

    @property
    def points(self) -> float | None:
        """The points that count: the mentor's where there are any."""
        if self.mentor is not None and self.mentor.points is not None:
            return self.mentor.points
        return self.suggested

    @property
    def needs_mentor(self) -> bool:
        """Whether the machine would not decide."""
        unsure = self.suggestion is None or self.suggestion.confidence == "needs_mentor"
        return self.answered and unsure


@dataclass(frozen=True, slots=True)
class AttemptScore:
    """One attempt with its submissions and the scores of its criteria."""

    attempt: Attempt
    question: Question
    submissions: Sequence[Submission]
    criteria: Sequence[CriterionScore]

    @property
    def counted(self) -> Submission | None:
        """The submission that is scored: the one the suggestion is about, else the last."""
        about = {score.suggestion.submission_id for score in self.criteria if score.suggestion}
        chosen = [one for one in self.submissions if one.id in about] or list(self.submissions)
        return chosen[-1] if chosen else None

    @property
    def points(self) -> float | None:
        """The points so far; None where nothing is decided yet."""
        known = [score.points for score in self.criteria if score.points is not None]
        return sum(known) if known else None


@dataclass(frozen=True, slots=True)
class InterviewScore:
    """An interview with all of its attempts and the review, if there is one to be seen."""

    interview: Interview
    attempts: Sequence[AttemptScore]
    review: Review | None

    @property
    def points(self) -> float | None:
        """The total that counts."""
        known = [attempt.points for attempt in self.attempts if attempt.points is not None]
        return sum(known) if known else None

    @property
    def max_points(self) -> float:
        """The points of all criteria together."""
        return sum(attempt.question.points for attempt in self.attempts)

    @property
    def needs_mentor(self) -> int:
        """How many criteria the machine would not decide."""
        return sum(score.needs_mentor for one in self.attempts for score in one.criteria)


def gather_scores(
    session: Session, interviews: Sequence[Interview], *, private_reviews: bool
) -> list[InterviewScore]:
    """Gather the scores of `interviews` in a handful of queries.

    Reviews that are not published yet show only with `private_reviews`, for mentors.
    """
    ids = [interview.id for interview in interviews]
    attempts = attempts_of(session, *ids)
    attempt_ids = [attempt.id for attempt in attempts]
    versions = versions_by_id(session, {attempt.question_version_id for attempt in attempts})
    questions = {version_id: document_of(version) for version_id, version in versions.items()}
    submissions = submissions_of(session, attempt_ids)
    suggestions = suggestions_of(session, attempt_ids)
    reviews = {
        interview_id: review
        for interview_id, review in reviews_of(session, ids).items()
        if private_reviews or review.published_at is not None
    }
    marks = scores_of(session, [review.id for review in reviews.values()])

    def attempt_score(attempt: Attempt) -> AttemptScore:
        question = questions[attempt.question_version_id]
        handed_in = submissions.get(attempt.id, [])
        criteria = [
            CriterionScore(
                criterion,
                suggestions.get((attempt.id, criterion.id)),
                marks.get((attempt.id, criterion.id)),
                answered=bool(handed_in),
            )
            for criterion in question.rubric
        ]
        return AttemptScore(attempt, question, handed_in, criteria)

    return [
        InterviewScore(
            interview,
            [attempt_score(one) for one in attempts if one.interview_id == interview.id],
            reviews.get(interview.id),
        )
        for interview in interviews
    ]
