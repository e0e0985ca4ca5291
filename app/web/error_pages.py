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
from app.kit.errors import SignInRequiredError, YimianError
from app.kit.i18n import _
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
    app.add_exception_handler(Exception, _unexpected)


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
    fields = ", ".join(sorted({str(one["loc"][-1]) for one in error.errors()}))
    text = _("The request is incomplete or malformed: {fields}").format(fields=fields)
    return _answer(request, HTTPStatus.UNPROCESSABLE_ENTITY, "malformed", text)


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    status = HTTPStatus(error.status_code)
    text = {
        HTTPStatus.NOT_FOUND: _("This page does not exist."),
        HTTPStatus.METHOD_NOT_ALLOWED: _("This address does not accept that."),
    }.get(status, _("The request could not be understood."))
    return _answer(request, status, status.phrase.lower().replace(" ", "_"), text, error.headers)


def _unexpected(request: Request, error: Exception) -> Response:
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
