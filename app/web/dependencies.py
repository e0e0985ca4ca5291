"""What routes ask for: the runtime, a transaction, and who is asking for what."""

from __future__ import annotations

import secrets
from collections.abc import Iterator  # noqa: TC003 - FastAPI reads annotations at run time
from dataclasses import dataclass
from typing import Annotated, TypeVar, cast

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from app.accounts.models import Login, User
from app.accounts.queries import login_by_token
from app.accounts.roles import Role
from app.accounts.service import is_due, renew
from app.answers.models import Attempt
from app.grading.models import GradingJob
from app.interviews.models import Interview
from app.interviews.queries import interview_for_update
from app.interviews.states import InterviewState, state_of
from app.kit.errors import ForbiddenError, NotFoundError, SignInRequiredError
from app.kit.i18n import message
from app.web import cookies, csrf
from app.web.permissions import ACCESS, Access
from app.workflows.finish_interview import finish_if_overdue, is_overdue
from app.workflows.runtime import Runtime

Row = TypeVar("Row")

# These read, and what some of them write they write in a transaction of their own: SQLite has one
# write lock, and a password takes a tenth of a second to check.
READING_POSTS = frozenset({"preview_markdown", "sign_in", "register"})


def get_runtime(request: Request) -> Runtime:
    """Return what the program holds."""
    return cast(Runtime, request.app.state.runtime)


RuntimeDep = Annotated[Runtime, Depends(get_runtime)]


def get_session(request: Request, runtime: RuntimeDep) -> Iterator[Session]:
    """Yield the request's transaction: it commits before the response is sent.

    Without ``scope="function"`` FastAPI would commit after it, and a client could be told of
    a success that then fails.
    """
    reads = request.method in csrf.SAFE_METHODS or request.scope["route"].name in READING_POSTS
    with runtime.database.transaction(read_only=reads) as session:
        yield session


SessionDep = Annotated[Session, Depends(get_session, scope="function")]


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who is asking: a person with a login, or a visitor, with the token for their forms."""

    user: User | None
    login: Login | None
    csrf_token: str


def identify(request: Request, session: SessionDep, runtime: RuntimeDep) -> Viewer:
    """Find out who is asking. Cookies that this calls for are set when the response starts."""
    now = runtime.clock.now()
    token = request.cookies.get(cookies.LOGIN, "")
    found = login_by_token(session, token, now)
    login, user = found or (None, None)
    if login is not None and request.method == "GET" and is_due(login, token, now=now):
        _renew(request, runtime, login.id, token)
    visitor = request.cookies.get(cookies.VISITOR)
    if login is None and visitor is None:
        visitor = request.state.fresh_cookies[cookies.VISITOR] = secrets.token_urlsafe(16)
    holder = login.id if login else f"visitor {visitor}"
    viewer = Viewer(user, login, csrf.token_for(runtime.settings.key, holder))
    request.state.viewer = viewer
    return viewer


def _renew(request: Request, runtime: Runtime, login_id: str, token: str) -> None:
    """Change the token in a transaction of its own: the request's only reads."""
    with runtime.database.transaction() as session:
        login = session.get(Login, login_id, with_for_update=True)
        fresh = renew(login, token, now=runtime.clock.now()) if login else None
    if fresh is not None:
        request.state.fresh_cookies[cookies.LOGIN] = fresh


ViewerDep = Annotated[Viewer, Depends(identify)]


async def require_csrf_token(request: Request, viewer: ViewerDep) -> None:
    """Refuse a change that does not carry the viewer's token."""
    if request.method not in csrf.SAFE_METHODS:
        csrf.require_token(viewer.csrf_token, await csrf.sent_token(request))


@dataclass(frozen=True, slots=True)
class Subject:
    """What the path names: the interview, and the attempt or job in it."""

    interview: Interview | None = None
    attempt: Attempt | None = None
    job: GradingJob | None = None


def authorise(
    request: Request, session: SessionDep, viewer: ViewerDep, runtime: RuntimeDep
) -> Subject:
    """Apply the permission table; somebody else's object looks as if it did not exist."""
    access = ACCESS[request.scope["route"].name]
    if access == Access.PUBLIC:
        return Subject()
    if viewer.user is None:
        raise SignInRequiredError
    _require_role(access, viewer.user)
    subject = _subject(session, request.path_params)
    if subject.interview is not None:
        _require_relation(access, viewer.user, subject.interview)
        if request.method not in csrf.SAFE_METHODS:
            _take_turn(session, subject)
        _close_if_overdue(request, runtime, session, subject.interview)
    return subject


def _require_role(access: Access, user: User) -> None:
    allowed = {
        Access.MENTOR: {Role.MENTOR, Role.ADMIN},
        Access.ADMIN: {Role.ADMIN},
    }.get(access)
    if allowed is not None and user.role not in allowed:
        raise ForbiddenError(message("Your account may not open this page."))


def _subject(session: Session, names: dict[str, str]) -> Subject:
    interview_id, attempt, job = names.get("interview_id"), None, None
    if "job_id" in names:
        job = _get(session, GradingJob, names["job_id"])
        interview_id = job.interview_id
    if "attempt_id" in names:
        attempt = _get(session, Attempt, names["attempt_id"])
        interview_id = attempt.interview_id
    if interview_id is None:
        return Subject()
    return Subject(_get(session, Interview, interview_id), attempt, job)


def _get(session: Session, model: type[Row], key: str) -> Row:
    found = session.get(model, key) if key.isalnum() else None  # a NUL would break PostgreSQL
    if found is None:
        raise NotFoundError
    return found


def _require_relation(access: Access, user: User, interview: Interview) -> None:
    own = interview.candidate_id == user.id
    ended = state_of(interview) in {InterviewState.FINISHED, InterviewState.REVIEWED}
    reviewer = user.role in {Role.MENTOR, Role.ADMIN} and ended
    allowed = {
        Access.OWNER: own,
        Access.READER: own or reviewer,
        Access.MENTOR: reviewer and not own,
    }.get(access, True)
    if not allowed:
        raise NotFoundError


def _take_turn(session: Session, subject: Subject) -> None:
    """Let changes to an interview happen one after the other, each seeing what is stored."""
    if subject.interview is not None:
        interview_for_update(session, subject.interview.id)
    if subject.attempt is not None:
        session.refresh(subject.attempt)


def _close_if_overdue(
    request: Request, runtime: Runtime, session: Session, interview: Interview
) -> None:
    """End an interview whose time ran out while nobody looked, before anybody looks at it."""
    if request.method not in csrf.SAFE_METHODS:
        finish_if_overdue(session, runtime, interview)
    elif is_overdue(interview, runtime.clock.now()):
        with runtime.database.transaction() as writing:
            finish_if_overdue(writing, runtime, writing.get_one(Interview, interview.id))
        session.rollback()  # what this transaction sees is from before


SubjectDep = Annotated[Subject, Depends(authorise)]


def get_user(viewer: ViewerDep) -> User:
    """Return the person who is signed in; the permission table has made sure of one."""
    if viewer.user is None:
        raise SignInRequiredError
    return viewer.user


def get_interview(subject: SubjectDep) -> Interview:
    """Return the interview that the path names."""
    if subject.interview is None:
        raise NotFoundError
    return subject.interview


def get_attempt(subject: SubjectDep) -> Attempt:
    """Return the attempt that the path names."""
    if subject.attempt is None:
        raise NotFoundError
    return subject.attempt


def get_job(subject: SubjectDep) -> GradingJob:
    """Return the job that the path names."""
    if subject.job is None:
        raise NotFoundError
    return subject.job


UserDep = Annotated[User, Depends(get_user)]
InterviewDep = Annotated[Interview, Depends(get_interview)]
AttemptDep = Annotated[Attempt, Depends(get_attempt)]
JobDep = Annotated[GradingJob, Depends(get_job)]
