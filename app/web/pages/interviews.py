"""An interview as a whole: where it stands, hand in, report, transcript."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.answers.queries import attempts_of
from app.interviews.states import InterviewState, state_of
from app.kit.errors import ConflictError, NotFoundError
from app.kit.i18n import message
from app.web.dependencies import InterviewDep, RuntimeDep, SessionDep, UserDep
from app.web.exports import export, is_format
from app.web.presenters.cards import title_of
from app.web.presenters.reports import report_view
from app.web.presenters.rooms import attempt_tabs
from app.web.templating import redirect, render
from app.workflows.finish_interview import finish_interview

if TYPE_CHECKING:
    from app.accounts.models import User
    from app.interviews.models import Interview

router = APIRouter(prefix="/interviews/{interview_id}")


@router.get("", name="show_interview")
def show_interview(request: Request, session: SessionDep, interview: InterviewDep) -> Response:
    """Send on to the first question without an answer, or to the report."""
    if state_of(interview) != InterviewState.RUNNING:
        return redirect(request, "show_report", interview_id=interview.id)
    tabs = attempt_tabs(session, attempts_of(session, interview.id))
    tab = next((one for one in tabs if one.state != "submitted"), tabs[0])
    return redirect(request, "show_attempt", attempt_id=tab.id)


@router.get("/finish", name="finish_interview")
def show_finish(request: Request, session: SessionDep, interview: InterviewDep) -> Response:
    """List what is unanswered before the interview is handed in."""
    if state_of(interview) != InterviewState.RUNNING:
        return redirect(request, "show_report", interview_id=interview.id)
    tabs = attempt_tabs(session, attempts_of(session, interview.id))
    return render(
        request,
        "interviews/finish.html",
        interview_id=interview.id,
        title=title_of(interview.paper),
        tabs=tabs,
        unanswered=[tab for tab in tabs if tab.state != "submitted"],
    )


@router.post("/finish", name="finish_interview")
def finish(
    request: Request, session: SessionDep, runtime: RuntimeDep, interview: InterviewDep
) -> Response:
    """Hand the interview in; doing it twice is harmless."""
    if state_of(interview) == InterviewState.RUNNING:
        finish_interview(session, runtime, interview)
    return redirect(request, "show_report", interview_id=interview.id)


@router.get("/report", name="show_report")
def show_report(request: Request, session: SessionDep, interview: InterviewDep) -> Response:
    """Show scores and answers."""
    if state_of(interview) == InterviewState.RUNNING:
        return redirect(request, "show_interview", interview_id=interview.id)
    report = report_view(session, interview, for_mentor=False)
    return render(request, "interviews/report.html", report=report)


@router.get("/transcript", name="show_transcript")
def show_transcript(
    request: Request, session: SessionDep, user: UserDep, interview: InterviewDep
) -> Response:
    """Show everything that happened, in order."""
    _require_end(interview)
    report = report_view(session, interview, for_mentor=_is_reviewer(user, interview))
    return render(request, "interviews/transcript.html", report=report)


@router.get("/transcript.{format}", name="export_transcript")
def export_transcript(
    session: SessionDep,
    user: UserDep,
    interview: InterviewDep,
    format: str,  # noqa: A002 - the path's word
) -> Response:
    """Download the transcript as a file."""
    if not is_format(format):
        raise NotFoundError
    _require_end(interview)
    document = export(session, interview, format, for_mentor=_is_reviewer(user, interview))
    name = f'attachment; filename="yimian-{interview.id[:8]}.{format}"'
    return Response(
        document.content, media_type=document.media_type, headers={"Content-Disposition": name}
    )


def _is_reviewer(user: User, interview: Interview) -> bool:
    """Tell a mentor from the candidate: nobody else reads it, and none reviews their own."""
    return interview.candidate_id != user.id


def _require_end(interview: Interview) -> None:
    if state_of(interview) == InterviewState.RUNNING:
        raise ConflictError(message("This interview is not finished yet."))
