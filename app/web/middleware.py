"""What holds for every request: size limit, language, security headers, a log line with an id."""

from __future__ import annotations

import secrets
from http import HTTPStatus
from time import perf_counter
from typing import TYPE_CHECKING

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import cookie_parser

from app.kit.i18n import DEFAULT_LOCALE, LOCALES, use_locale
from app.kit.metrics import HTTP_REQUESTS
from app.web import cookies

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from app.kit.i18n import Locale

log = structlog.get_logger(__name__)

MAX_BODY_BYTES = 2 * 1024 * 1024


class BodyLimitMiddleware:
    """Refuses to read bodies over the limit, also those that do not announce their length."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        too_large = not announced.isdecimal() or int(announced) > MAX_BODY_BYTES
        size = 0

        async def receive_some() -> Message:
            nonlocal size
            if not too_large:
                message = await receive()
                size += len(message.get("body", b""))
            if too_large or size > MAX_BODY_BYTES:
                # FastAPI turns every other kind of error into "error parsing the body".
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return message

        await self.app(scope, receive_some, send)


class LanguageMiddleware:
    """Speaks the language of the cookie, else the browser's, else Chinese."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        with use_locale(_language(Headers(scope=scope))):
            await self.app(scope, receive, send)


def _language(headers: Headers) -> Locale:
    chosen = cookie_parser(headers.get("cookie", "")).get(cookies.LANGUAGE)
    accepted = (part.strip()[:2].lower() for part in headers.get("accept-language", "").split(","))
    for wish in (chosen, *accepted):
        for locale in LOCALES:
            if wish == locale:
                return locale
    return DEFAULT_LOCALE


class SecurityHeadersMiddleware:
    """Sets the headers that confine a page, and the nonce that its editor's styles carry."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        nonce = secrets.token_urlsafe(16)
        scope.setdefault("state", {})["csp_nonce"] = nonce

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _security_headers(nonce).items():
                    headers.setdefault(name, value)
                if not scope["path"].startswith("/static/"):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self.app(scope, receive, send_with_headers)


def _security_headers(nonce: str) -> dict[str, str]:
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": f"'self' 'nonce-{nonce}'",
        "img-src": "'self' data:",
        "font-src": "'self'",
        "connect-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    }


class FreshCookiesMiddleware:
    """Sets the cookies that were asked for while the request was served."""

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self.app, self.secure = app, secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        fresh: dict[str, str] = {}
        scope.setdefault("state", {})["fresh_cookies"] = fresh

        async def send_with_cookies(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in fresh.items():
                    headers.append("Set-Cookie", cookies.header(name, value, secure=self.secure))
            await send(message)

        await self.app(scope, receive, send_with_cookies)


class RequestLogMiddleware:
    """Gives each request an id, returns it, and logs what came of it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        status, began = 500, perf_counter()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        try:
            with structlog.contextvars.bound_contextvars(request_id=request_id):
                await self.app(scope, receive, send_with_id)
        finally:
            HTTP_REQUESTS.labels(status).inc()
            log.info(
                "request",
                request_id=request_id,
                method=scope["method"],
                path=scope["path"],
                status=status,
                ms=round((perf_counter() - began) * 1000, 1),
            )
