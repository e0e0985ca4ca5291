"""The mentors' queue, and the review of one interview."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from app.kit.errors import InvalidError
from app.kit.i18n import message
from app.web.dependencies import InterviewDep, RuntimeDep, SessionDep, UserDep
from app.web.presenters.cards import review_cards
from app.web.presenters.reports import report_view
from app.web.templating import redirect, render
from app.workflows.review_interview import Mark, save_review

router = APIRouter(prefix="/reviews")


@router.get("", name="list_reviews")
def list_reviews(request: Request, session: SessionDep, user: UserDep) -> Response:
    """Show what waits for a mentor, and what is done."""
    cards = review_cards(session, user.id)
    return render(
        request,
        "reviews/index.html",
        waiting=[card for card in cards if card.published_at is None],
        done=[card for card in reversed(cards) if card.published_at is not None],
    )


@router.get("/{interview_id}", name="show_review")
def show_review(request: Request, session: SessionDep, interview: InterviewDep) -> Response:
    """Show transcript and rubric side by side."""
    report = report_view(session, interview, for_mentor=True)
    return render(request, "reviews/show.html", report=report)


async def get_form(request: Request) -> FormData:
    """Return a form whose fields depend on the rubric."""
    return await request.form()


@router.post("/{interview_id}", name="show_review")
def save(
    request: Request,
    session: SessionDep,
    runtime: RuntimeDep,
    user: UserDep,
    interview: InterviewDep,
    form: Annotated[FormData, Depends(get_form)],
) -> Response:
    """Keep the mentor's levels and comments; publish them when asked to."""
    public = form.get("action") == "publish"
    save_review(
        session,
        interview,
        mentor_id=user.id,
        marks=read_marks(form),
        summary=str(form.get("summary", "")),
        now=runtime.clock.now(),
        public=public,
    )
    if public:
        return redirect(request, "list_reviews")
    return redirect(request, "show_review", interview_id=interview.id)


def read_marks(form: FormData) -> dict[tuple[str, str], Mark]:
    """Return the marks by (attempt id, criterion id) from ``level:…`` and ``comment:…`` fields."""
    levels: dict[tuple[str, str], float | None] = {}
    comments: dict[tuple[str, str], str] = {}
    for name, value in form.multi_items():
        what, _, key = name.partition(":")
        attempt_id, _, criterion_id = key.partition(":")
        if what == "level":
            levels[attempt_id, criterion_id] = _points(str(value))
        elif what == "comment":
            comments[attempt_id, criterion_id] = str(value)
    keys = levels.keys() | comments.keys()
    return {key: Mark(levels.get(key), comments.get(key, "")) for key in keys}


def _points(text: str) -> float | None:
    if not text:
        return None
    try:
        return float(text)
    except ValueError as error:
        raise InvalidError(message("“{given}” is not a number of points.", given=text)) from error
