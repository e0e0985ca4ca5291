"""Papers on offer, and the rules page before one starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from app.kit.errors import NotFoundError
from app.kit.i18n import message
from app.questions.queries import document_of, live_versions, offered_paper
from app.web.dependencies import RuntimeDep, SessionDep, UserDep
from app.web.presenters.cards import interview_cards, paper_cards, question_cards
from app.web.templating import redirect, render
from app.web.views import PaperItemView, PaperView
from app.workflows.check_health import coding_problem
from app.workflows.start_interview import running_on, start_interview, start_practice

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.questions.schema import Paper

router = APIRouter()


@router.get("/papers", name="list_papers")
def list_papers(request: Request, session: SessionDep, user: UserDep) -> Response:
    """Show the papers, the questions to practise, and the person's own interviews."""
    return render(
        request,
        "papers/index.html",
        papers=paper_cards(session),
        questions=question_cards(session),
        interviews=interview_cards(session, user.id),
    )


@router.get("/papers/{paper_id}", name="show_paper")
def show_paper(
    request: Request, session: SessionDep, user: UserDep, runtime: RuntimeDep, paper_id: str
) -> Response:
    """Show the rules."""
    paper = offered_paper(session, paper_id)
    if paper is None:
        raise NotFoundError(message("This paper is not on offer."))
    running = running_on(session, user.id, paper_id)
    view = PaperView(
        id=paper.id,
        title=str(paper.title),
        description=str(paper.description),
        minutes=paper.minutes,
        max_submissions=paper.max_submissions,
        items=_items(session, paper),
        coding_problem=coding_problem(runtime.machinery),
        running_interview_id=running.id if running else None,
    )
    return render(request, "papers/show.html", paper=view)


def _items(session: Session, paper: Paper) -> list[PaperItemView]:
    live = live_versions(session)
    questions = [(document_of(live[item.question]), item.minutes) for item in paper.items]
    return [
        PaperItemView(position, str(question.title), question.kind, minutes, question.points)
        for position, (question, minutes) in enumerate(questions, start=1)
    ]


@router.post("/interviews", name="start_interview")
def begin(
    request: Request,
    session: SessionDep,
    user: UserDep,
    runtime: RuntimeDep,
    paper_id: Annotated[str, Form()],
) -> Response:
    """Start the clock, or go on with the interview on this paper that is running."""
    interview = start_interview(
        session, candidate_id=user.id, paper_id=paper_id, now=runtime.clock.now()
    )
    return redirect(request, "show_interview", interview_id=interview.id)


@router.post("/questions/{question_id}/practice", name="start_practice")
def practise(
    request: Request, session: SessionDep, user: UserDep, runtime: RuntimeDep, question_id: str
) -> Response:
    """Open a single question without a clock."""
    interview = start_practice(
        session, candidate_id=user.id, question_id=question_id, now=runtime.clock.now()
    )
    return redirect(request, "show_interview", interview_id=interview.id)
