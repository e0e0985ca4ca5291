"""Register, sign in, sign out, preferences."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from app.accounts import service
from app.accounts.roles import Role
from app.db.session import after_commit
from app.grading.notifications import ENDED
from app.kit.errors import ForbiddenError
from app.kit.i18n import LOCALES, _, current_locale, message
from app.web import cookies
from app.web.dependencies import RuntimeDep, SessionDep, UserDep, ViewerDep
from app.web.pages.home import local_path
from app.web.templating import redirect, render
from app.web.views import FormView

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.accounts.models import Login, User
    from app.workflows.runtime import Runtime

router = APIRouter()
Field = Annotated[str, Form()]


@router.get("/register", name="register")
def show_registration(request: Request) -> Response:
    """Show the form."""
    return render(request, "accounts/register.html", form=FormView())


@router.post("/register", name="register")
def register(
    request: Request,
    runtime: RuntimeDep,
    email: Field = "",
    display_name: Field = "",
    password: Field = "",
) -> Response:
    """Create a candidate and sign them in."""
    if runtime.settings.registration == "closed":
        raise ForbiddenError(message("New accounts are made by an admin here."))
    try:
        with runtime.database.transaction() as session:
            user = service.register(
                session,
                email=email,
                display_name=display_name,
                password=password,
                now=runtime.clock.now(),
                locale=current_locale(),
            )
            _sign_in(request, session, runtime, user)
    except service.FormError as error:
        errors = {name: str(text) for name, text in error.fields.items()}
        form = FormView({"email": email, "display_name": display_name}, errors)
        return render(request, "accounts/register.html", error.status, form=form)
    return redirect(request, "list_papers")


@router.get("/sign-in", name="sign_in")
def show_sign_in(request: Request, next: str = "") -> Response:  # noqa: A002 - the field's name
    """Show the form."""
    return render(request, "accounts/sign_in.html", form=FormView({"next": next}))


@router.post("/sign-in", name="sign_in")
def sign_in(
    request: Request,
    session: SessionDep,
    runtime: RuntimeDep,
    viewer: ViewerDep,
    email: Field = "",
    password: Field = "",
    next: Field = "",  # noqa: A002 - the field's name
) -> Response:
    """Open a login; the cookie gets a token that nobody had before."""
    request.app.state.sign_in_limiter.check(request, email, now=runtime.clock.monotonic())
    user = service.authenticate(session, email=email, password=password)
    if user is None:
        errors = {"form": _("This address and password do not belong together.")}
        form = FormView({"email": email, "next": next}, errors)
        return render(request, "accounts/sign_in.html", 422, form=form)
    with runtime.database.transaction() as writing:
        if viewer.login is not None:
            _end_login(writing, runtime, viewer.login)
        service.renew_hash(writing, user, password)
        _sign_in(request, writing, runtime, user)
    if next:
        return RedirectResponse(local_path(next), 303)
    return redirect(request, "list_reviews" if user.role == Role.MENTOR else "list_papers")


def _end_login(session: Session, runtime: Runtime, login: Login) -> None:
    """Close a login, and the streams that it opened."""
    service.sign_out(session, login)
    after_commit(session, partial(runtime.notifier.publish, login.id, ENDED))


def _sign_in(request: Request, session: Session, runtime: Runtime, user: User) -> None:
    now = runtime.clock.now()
    service.forget_expired_logins(session, now=now)
    token = service.sign_in(session, user, now=now, days=runtime.settings.login_days)
    request.state.fresh_cookies[cookies.LOGIN] = token
    request.state.fresh_cookies[cookies.LANGUAGE] = user.locale


@router.post("/sign-out", name="sign_out")
def sign_out(
    request: Request, session: SessionDep, runtime: RuntimeDep, viewer: ViewerDep
) -> Response:
    """Close the login."""
    if viewer.login is not None:
        _end_login(session, runtime, viewer.login)
    request.state.fresh_cookies[cookies.LOGIN] = ""
    return redirect(request, "home")


@router.get("/preferences", name="preferences")
def show_preferences(request: Request, user: UserDep) -> Response:
    """Show name and language."""
    form = FormView({"display_name": user.display_name, "language": user.locale})
    return render(request, "accounts/preferences.html", form=form, saved=False)


@router.post("/preferences", name="preferences")
def save_preferences(
    request: Request, user: UserDep, display_name: Field = "", language: Field = ""
) -> Response:
    """Change name and language."""
    form = FormView({"display_name": display_name, "language": language})
    try:
        service.rename(user, display_name)
    except service.FormError as error:
        errors = {name: str(text) for name, text in error.fields.items()}
        form = FormView(form.values, errors)
        return render(request, "accounts/preferences.html", error.status, form=form, saved=False)
    if language in LOCALES:
        user.locale = request.state.fresh_cookies[cookies.LANGUAGE] = language
    return redirect(request, "preferences")
