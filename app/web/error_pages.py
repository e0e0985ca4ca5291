"""Every error becomes a page or a JSON answer that says what happened, never a stack trace."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import structlog
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from app.answers.service import StaleDraftError
from app.kit.errors import SignInRequiredError, TooLargeError, YimianError
from app.kit.i18n import _
from app.web.middleware import MAX_BODY_BYTES
from app.web.templating import render

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request

log = structlog.get_logger(__name__)


def install(app: FastAPI) -> None:
    """Handle every error of `app` here."""
    app.add_exception_handler(YimianError, _expected)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _http)


def _expected(request: Request, error: Exception) -> Response:
    assert isinstance(error, YimianError)  # noqa: S101 - what it is installed for
    if isinstance(error, SignInRequiredError) and not _wants_json(request):
        wish = request.url.path if request.method == "GET" else "/"
        return RedirectResponse(f"{request.app.url_path_for('sign_in')}?next={quote(wish)}", 303)
    extra: dict[str, Any] = {}
    if isinstance(error, StaleDraftError):
        extra["draft"] = {
            "text": error.text,
            "sequence": error.sequence,
            "saved_at": error.saved_at,
        }
    return _answer(request, error.status, error.code, str(error.message), error.headers, extra)


def _malformed(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
    fields = {one["loc"][-1] for one in error.errors() if len(one["loc"]) > 1}
    names = ", ".join(sorted(name for name in fields if isinstance(name, str)))
    text = _("The request could not be understood.")
    if names:
        text = _("The request is incomplete or malformed: {fields}").format(fields=names)
    return _answer(request, HTTPStatus.UNPROCESSABLE_ENTITY, "malformed", text)


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    status = HTTPStatus(error.status_code)
    text = {
        HTTPStatus.NOT_FOUND: _("This page does not exist."),
        HTTPStatus.METHOD_NOT_ALLOWED: _("This address does not accept that."),
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: _(
            "What was sent is too large: at most {max} MB are accepted."
        ).format(max=MAX_BODY_BYTES // 1024 // 1024),
    }.get(status, _("The request could not be understood."))
    code = status.phrase.lower().replace(" ", "_")
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        code = TooLargeError.code
    return _answer(request, status, code, text, error.headers)


def unexpected(request: Request, error: Exception) -> Response:
    """Answer an error that nobody foresaw: log it, and say under which id."""
    request_id = getattr(request.state, "request_id", "")
    log.error("unexpected error", path=request.url.path, exc_info=error)
    text = _("Something went wrong on our side. Your answers are kept. Reference: {id}")
    return _answer(
        request, HTTPStatus.INTERNAL_SERVER_ERROR, "internal", text.format(id=request_id)
    )


def _wants_json(request: Request) -> bool:
    return request.url.path.startswith("/api/")


def _answer(
    request: Request,
    status: HTTPStatus,
    code: str,
    text: str,
    headers: Any = None,  # noqa: ANN401 - a mapping or None, as Starlette has it
    extra: dict[str, Any] | None = None,
) -> Response:
    if _wants_json(request):
        body = {"error": {"code": code, "message": text}, **(extra or {})}
        return JSONResponse(jsonable_encoder(body), status, headers=headers)
    response = render(
        request,
        "errors/error.html",
        status,
        title=_title(status),
        explanation=text,
        status=status.value,
    )
    response.headers.update(headers or {})
    return response


def _title(status: HTTPStatus) -> str:
    return {
        HTTPStatus.NOT_FOUND: _("Not found"),
        HTTPStatus.FORBIDDEN: _("Not allowed"),
        HTTPStatus.CONFLICT: _("Not possible now"),
        HTTPStatus.UNPROCESSABLE_ENTITY: _("Please check what you sent"),
        HTTPStatus.TOO_MANY_REQUESTS: _("Too many requests"),
        HTTPStatus.SERVICE_UNAVAILABLE: _("Busy"),
    }.get(status, _("Something went wrong"))
