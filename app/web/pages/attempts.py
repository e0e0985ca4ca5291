"""The page of one question while the interview runs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from app.interviews.states import InterviewState, state_of
from app.web.dependencies import AttemptDep, InterviewDep, RuntimeDep, SessionDep
from app.web.presenters.rooms import room_view
from app.web.templating import redirect, render
from app.workflows.check_health import coding_problem
from app.workflows.submit_answer import submit_answer

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
    room = room_view(
        session,
        interview,
        attempt,
        now=runtime.clock.now(),
        coding_problem=coding_problem(runtime.machinery),
    )
    return render(request, "attempts/show.html", room=room)


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
    submit_answer(session, runtime, interview, attempt, text.replace("\r\n", "\n"))
    return redirect(request, "show_attempt", attempt_id=attempt.id)
