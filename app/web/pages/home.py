"""The first page, and the choice of a language."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from app.web import cookies
from app.web.dependencies import SessionDep, ViewerDep
from app.web.presenters.cards import paper_cards
from app.web.templating import redirect, render

router = APIRouter()


@router.get("/", name="home")
def home(request: Request, session: SessionDep, viewer: ViewerDep) -> Response:
    """Show what this is, or the papers to somebody who is signed in."""
    if viewer.user is not None:
        return redirect(request, "list_papers")
    return render(request, "home/index.html", papers=paper_cards(session))


@router.get("/verdicts", name="show_verdicts")
def show_verdicts(request: Request, viewer: ViewerDep) -> Response:
    """Say in a sentence what each verdict means."""
    del viewer  # for the header of the page
    return render(request, "home/verdicts.html")


@router.post("/language", name="choose_language")
def choose_language(
    request: Request, viewer: ViewerDep, language: Annotated[Literal["zh", "en"], Form()]
) -> Response:
    """Speak another language from now on, and return to where the choice was made."""
    if viewer.user is not None:
        viewer.user.locale = language
    request.state.fresh_cookies[cookies.LANGUAGE] = language
    return RedirectResponse(local_path(request.headers.get("referer", "/")), 303)


def local_path(address: str) -> str:
    """Return the path of `address` on this site: never a way to another one."""
    try:
        parts = urlsplit(address)
    except ValueError:  # as for "http://["
        return "/"
    path = "/" + parts.path.lstrip("/\\")
    return f"{path}?{parts.query}" if parts.query else path
