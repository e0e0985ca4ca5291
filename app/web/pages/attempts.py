"""The page of one question while the interview runs."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from app.interviews.states import InterviewState, state_of
from app.kit.errors import BusyError
from app.web.dependencies import AttemptDep, InterviewDep, RuntimeDep, SessionDep
from app.web.presenters.rooms import room_view
from app.web.templating import redirect, render
from app.workflows.check_health import coding_problem
from app.workflows.submit_answer import keep_draft, submit_answer

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.answers.models import Attempt
    from app.interviews.models import Interview
    from app.workflows.runtime import Runtime

router = APIRouter(prefix="/attempts/{attempt_id}")


@router.get("", name="show_attempt")
def show_attempt(
    request: Request,
    session: SessionDep,
    runtime: RuntimeDep,
    interview: InterviewDep,
    attempt: AttemptDep,
) -> Response:
    """Show prompt, editor and results; a finished interview has its report instead."""
    if state_of(interview) != InterviewState.RUNNING:
        return redirect(request, "show_report", interview_id=interview.id)
    return _page(request, session, runtime, interview, attempt)


@router.post("", name="show_attempt")
def submit_without_script(
    request: Request,
    session: SessionDep,
    runtime: RuntimeDep,
    interview: InterviewDep,
    attempt: AttemptDep,
    text: Annotated[str, Form()] = "",
) -> Response:
    """Hand in an answer from a browser without JavaScript."""
    text = text.replace("\r\n", "\n")
    try:
        submit_answer(session, runtime, interview, attempt, text)
    except BusyError as error:
        keep_draft(interview, attempt, text, attempt.draft_sequence + 1, now=runtime.clock.now())
        response = _page(request, session, runtime, interview, attempt, refusal=error)
        response.headers.update(error.headers)
        return response
    return redirect(request, "show_attempt", attempt_id=attempt.id)


def _page(
    request: Request,
    session: Session,
    runtime: Runtime,
    interview: Interview,
    attempt: Attempt,
    *,
    refusal: BusyError | None = None,
) -> Response:
    room = room_view(
        session,
        interview,
        attempt,
        now=runtime.clock.now(),
        coding_problem=coding_problem(runtime.machinery),
    )
    status = refusal.status if refusal else HTTPStatus.OK
    text = str(refusal.message) if refusal else None
    return render(request, "attempts/show.html", status, room=room, refusal=text)
