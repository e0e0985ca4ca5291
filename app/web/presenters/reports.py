"""A finished interview: for its candidate, for a mentor's review, for export."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, cast

from app.accounts.queries import users_by_id
from app.interviews.queries import events_of
from app.interviews.states import state_of
from app.interviews.timing import offset
from app.kit.i18n import _
from app.questions.schema import CodingQuestion
from app.scoring.rubrics import levels_of
from app.web.markdown import render_code, render_markdown
from app.web.presenters.cards import title_of
from app.web.presenters.jobs import job_views, stage_views
from app.web.presenters.rooms import submission_views
from app.web.views import (
    AnsweredView,
    Confidence,
    CriterionView,
    EventView,
    LevelView,
    ReportView,
)
from app.workflows.gather_scores import gather_scores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from app.interviews.models import Event, Interview
    from app.questions.schema import Question
    from app.scoring.models import Suggestion
    from app.web.presenters.jobs import Reader
    from app.web.views import StageView
    from app.workflows.gather_scores import AttemptScore, CriterionScore

Span = tuple[int, int]


def report_view(session: Session, interview: Interview, *, for_mentor: bool) -> ReportView:
    """Return everything about a finished interview.

    A mentor also sees a review that is not published; both see the same marks.
    """
    reader: Reader = "review" if for_mentor else "report"
    (score,) = gather_scores(session, [interview], private_reviews=for_mentor)
    mentor_id = score.review.mentor_id if score.review else interview.candidate_id
    people = users_by_id(session, {interview.candidate_id, mentor_id})
    assert interview.started_at is not None  # noqa: S101 - whoever gets here has begun
    return ReportView(
        interview_id=interview.id,
        title=title_of(interview.paper),
        candidate=people[interview.candidate_id].display_name,
        state=state_of(interview).value,
        started_at=interview.started_at,
        finished_at=interview.finished_at or interview.started_at,
        finished_by="time" if interview.finished_by == "time" else "candidate",
        minutes=interview.paper["minutes"],
        points=score.points,
        max_points=score.max_points,
        published_at=score.review.published_at if score.review else None,
        mentor=people[mentor_id].display_name if score.review else None,
        summary=score.review.summary if score.review else "",
        answers=[_answered(session, one, reader) for one in score.attempts],
        events=[_event(event, interview) for event in events_of(session, interview.id)],
    )


def _answered(session: Session, score: AttemptScore, reader: Reader) -> AnsweredView:
    question, counted = score.question, score.counted
    answer = counted.text if counted else ""
    is_code = isinstance(question, CodingQuestion)
    jobs = job_views(session, score.attempt.id, question, reader) if is_code else []
    submissions = submission_views(score.submissions, jobs)
    reference = question.reference_answer
    return AnsweredView(
        attempt_id=score.attempt.id,
        question_id=question.id,
        position=score.attempt.position,
        kind=question.kind,
        title=str(question.title),
        prompt=render_markdown(str(question.prompt)),
        answer=answer,
        answer_html=render_code(answer) if is_code else render_markdown(answer),
        answer_pieces=cut(answer, _spans(score)),
        submissions=submissions,
        counted=next((one for one in submissions if one.number == counted.number), None)
        if counted
        else None,
        criteria=[_criterion(one, question, answer) for one in score.criteria],
        points=score.points,
        max_points=question.points,
        reference_answer=render_markdown(str(reference)) if reference else None,
    )


def _spans(score: AttemptScore) -> list[Span]:
    return [
        (start, end)
        for one in score.criteria
        if one.suggestion
        for start, end in one.suggestion.evidence
    ]


def cut(text: str, spans: Sequence[Span]) -> list[tuple[str, bool]]:
    """Cut `text` into pieces, each with whether one of the [start, end) spans covers it."""
    edges = sorted({0, len(text), *(edge for span in spans for edge in span)})
    pieces = [
        (text[start:end], any(a <= start and end <= b for a, b in spans))
        for start, end in pairwise(edges)
    ]
    return [piece for piece in pieces if piece[0]]


def _criterion(score: CriterionScore, question: Question, answer: str) -> CriterionView:
    criterion, suggestion, mentor = score.criterion, score.suggestion, score.mentor
    return CriterionView(
        id=criterion.id,
        title=str(criterion.title or criterion.id),
        max_points=criterion.points,
        levels=[LevelView(level.points, str(level.wording)) for level in levels_of(criterion)],
        suggested=score.suggested,
        confidence=_confidence(suggestion),
        evidence=[answer[start:end] for start, end in suggestion.evidence] if suggestion else [],
        mistakes=_mistakes(question, suggestion),
        points=mentor.points if mentor else None,
        comment=mentor.comment if mentor else "",
        source=_source(score),
    )


def _confidence(suggestion: Suggestion | None) -> Confidence | None:
    return cast(Confidence, suggestion.confidence) if suggestion else None


def _mistakes(question: Question, suggestion: Suggestion | None) -> list[str]:
    names = suggestion.mistakes if suggestion else []
    known = {one.name: str(one.feedback) for each in question.rubric for one in each.mistakes}
    return [known[name] for name in names if name in known]


def _source(score: CriterionScore) -> str | None:
    if not score.answered:
        return _("not answered")
    if score.suggestion is None or score.suggestion.points is None:
        return None
    if score.criterion.from_groups:
        return _("from the test cases")
    return _("from the evidence in the text")


def _event(event: Event, interview: Interview) -> EventView:
    assert interview.started_at is not None  # noqa: S101 - as above
    data = event.data
    return EventView(
        sequence=event.sequence,
        at=event.at,
        offset=offset(interview.started_at, event.at),
        action=event.action,
        summary=_summary(event.action, data),
        attempt_position=data.get("position"),
        detail=data.get("text"),
        stages=_stages(event),
        rerun=bool(data.get("reruns")),
        verdict=data.get("verdict"),
    )


def _stages(event: Event) -> list[StageView]:
    """Return the stages that led to a verdict, as the transcript has them."""
    lasted = event.data.get("stages_ms", {})
    took = [int(lasted[name]) for name in ("queued", "leased", "ran") if name in lasted]
    return stage_views(event.at - timedelta(milliseconds=sum(took)), took) if took else []


def _summary(action: str, data: dict[str, object]) -> str:
    texts = {
        "interview:started": _("The interview began."),
        "interview:finished": _("The interview ended: the time was up.")
        if data.get("by") == "time"
        else _("The candidate finished the interview."),
        "run:started": _("Ran the samples."),
        "attempt:submitted": _("The last draft was submitted automatically.")
        if data.get("automatic")
        else _("Submission {number}."),
        "job:judged": _("Submission {number} was judged {verdict}.")
        if data.get("number")
        else _("The sample run was judged {verdict}."),
        "job:failed": _("The code could not be judged."),
        "review:published": _("A mentor published the scores."),
    }
    return texts.get(action, action).format_map(data)
