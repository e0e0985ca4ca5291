"""Jinja2 as every page uses it: escaping on, undefined names are errors."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.responses import HTMLResponse, RedirectResponse

from app.accounts.roles import Role
from app.grading.verdicts import Verdict
from app.kit.i18n import _, current_locale, ngettext
from app.settings import ROOT
from app.web.markdown import render_markdown
from app.web.views import UserView

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.requests import Request

    from app.accounts.models import User

DIST = ROOT / "static" / "dist"


def _points(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"


def _duration(milliseconds: int) -> str:
    """Return a time that was rounded to steps of 10 ms, above a second in tenths of it."""
    return f"{milliseconds} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"  # noqa: PLR2004  a second


def _datetime(at: datetime) -> str:
    return at.strftime("%m-%d %H:%M")


@lru_cache
def _manifest() -> dict[str, str]:
    loaded: dict[str, str] = json.loads((DIST / "manifest.json").read_text(encoding="utf-8"))
    return loaded


def static_path(name: str) -> str:
    """Return the address of a built file, which changes with its content."""
    return f"/static/{_manifest()[name]}"


def built_file(name: str) -> str:
    """Return the text of a built file."""
    return (DIST / _manifest()[name]).read_text(encoding="utf-8")


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(ROOT / "templates"),
        autoescape=select_autoescape(["html"], default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "points": _points,
        "datetime": _datetime,
        "duration": _duration,
        "markdown": render_markdown,
    }
    environment.globals |= {
        "_": _,
        "ngettext": ngettext,
        "static": static_path,
        "verdicts": {verdict.value: verdict for verdict in Verdict},
    }
    return environment


environment = _environment()


def user_view(user: User | None) -> UserView | None:
    """Return what templates may know of the person who is signed in."""
    if user is None:
        return None
    return UserView(user.id, user.email, user.display_name, Role(user.role).value)


def render(
    request: Request,
    template: str,
    status_code: int = 200,
    /,
    **context: Any,  # noqa: ANN401 - views differ from page to page
) -> HTMLResponse:
    """Render a page for the viewer of `request`."""
    viewer = getattr(request.state, "viewer", None)
    html = environment.get_template(template).render(
        locale=current_locale(),
        user=user_view(viewer.user) if viewer else None,
        csrf_token=viewer.csrf_token if viewer else "",
        csp_nonce=request.state.csp_nonce,
        url=lambda name, **params: str(request.app.url_path_for(name, **params)),
        **context,
    )
    return HTMLResponse(html, status_code)


def render_text(template: str, **context: Any) -> str:  # noqa: ANN401 - as above
    """Render a template that is no page: an export."""
    return environment.get_template(template).render(locale=current_locale(), **context)


def redirect(request: Request, route: str, **params: str) -> RedirectResponse:
    """Send the browser on to a page, as a GET."""
    return RedirectResponse(str(request.app.url_path_for(route, **params)), 303)
