"""For admins: the bank, the people, the machine's health."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form, Path, Request
from starlette.responses import Response

from app.accounts.models import User
from app.accounts.queries import everybody
from app.accounts.roles import Role
from app.accounts.service import change_role
from app.db.base import MAX_INTEGER
from app.db.session import after_commit
from app.kit.errors import NotFoundError
from app.web.dependencies import RuntimeDep, SessionDep
from app.web.presenters.bank import bank_entries
from app.web.templating import redirect, render
from app.web.views import HealthItem, PersonView
from app.workflows.check_health import check_health
from app.workflows.import_bank import import_bank

if TYPE_CHECKING:
    from collections.abc import Sequence

router = APIRouter(prefix="/admin")


@router.get("/questions", name="list_questions")
def list_questions(request: Request, session: SessionDep, runtime: RuntimeDep) -> Response:
    """List every question file with its state and errors."""
    entries = bank_entries(session, runtime.settings.bank_dir)
    return render(request, "admin/questions.html", entries=[entry for entry, _ in entries])


@router.post("/questions/reload", name="reload_bank")
def reload_bank(request: Request, session: SessionDep, runtime: RuntimeDep) -> Response:
    """Import the files again before this is answered."""
    # In a transaction of its own: SQLite lets one write at a time, and this request's may.
    after_commit(session, partial(import_bank, runtime))
    return redirect(request, "list_questions")


@router.get("/questions/{question_id}", name="show_question")
def show_question(
    request: Request, session: SessionDep, runtime: RuntimeDep, question_id: str
) -> Response:
    """Show one file with its errors."""
    for entry, source in bank_entries(session, runtime.settings.bank_dir):
        if entry.id == question_id:
            return render(request, "admin/question.html", entry=entry, source=source)
    raise NotFoundError


@router.get("/people", name="list_people")
def list_people(request: Request, session: SessionDep) -> Response:
    """List everybody."""
    people: Sequence[PersonView] = [
        PersonView(one.id, one.email, one.display_name, Role(one.role).value, one.created_at)
        for one in everybody(session)
    ]
    return render(request, "admin/people.html", people=people)


@router.post("/people/{user_id}", name="change_role")
def give_role(
    request: Request,
    session: SessionDep,
    user_id: Annotated[int, Path(ge=1, le=MAX_INTEGER)],
    role: Annotated[Role, Form()],
) -> Response:
    """Give a person another role."""
    user = session.get(User, user_id)
    if user is None:
        raise NotFoundError
    change_role(session, user, role)
    return redirect(request, "list_people")


@router.get("/health", name="show_health")
def show_health(request: Request, runtime: RuntimeDep) -> Response:
    """Show what works and what does not."""
    items = [HealthItem(one.name, one.state, one.detail) for one in check_health(runtime.machinery)]
    return render(request, "admin/health.html", items=items)
