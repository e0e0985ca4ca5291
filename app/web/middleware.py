"""What holds for every request: size limit, language, security headers, a log line with an id."""

from __future__ import annotations

import secrets
from time import perf_counter
from typing import TYPE_CHECKING

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse

from app.kit.i18n import DEFAULT_LOCALE, LOCALES, _, use_locale
from app.kit.metrics import HTTP_REQUESTS
from app.web import cookies

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from app.kit.i18n import Locale

log = structlog.get_logger(__name__)

MAX_BODY_BYTES = 2 * 1024 * 1024


class BodyLimitMiddleware:
    """Refuses bodies over the limit, also those that do not announce their length."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        if not announced.isdecimal() or int(announced) > MAX_BODY_BYTES:
            await self._refuse(scope, receive, send)
            return
        body = _CountedBody(receive)
        try:
            await self.app(scope, body.receive, send)
        except _TooLarge:
            await self._refuse(scope, receive, send)

    @staticmethod
    async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
        text = _("What was sent is too large: at most {max} MB are accepted.")
        error = {"code": "too_large", "message": text.format(max=MAX_BODY_BYTES // 1024 // 1024)}
        await JSONResponse({"error": error}, 413)(scope, receive, send)


class _TooLarge(Exception):  # noqa: N818 - it never leaves this module
    """The body grew over the limit while it was read."""


class _CountedBody:
    def __init__(self, receive: Receive) -> None:
        self._receive, self._size = receive, 0

    async def receive(self) -> Message:
        message = await self._receive()
        self._size += len(message.get("body", b""))
        if self._size > MAX_BODY_BYTES:
            raise _TooLarge
        return message


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
