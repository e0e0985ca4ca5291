"""Forged requests from other sites: every change must show a token bound to its login."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from app.kit.errors import ForbiddenError
from app.kit.i18n import message

if TYPE_CHECKING:
    from starlette.requests import Request

HEADER = "X-CSRF-Token"
FIELD = "csrf_token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def token_for(key: bytes, holder: str) -> str:
    """Return the token of a login, or of a visitor before there is one."""
    return hmac.new(key, f"csrf:{holder}".encode(), hashlib.sha256).hexdigest()


async def sent_token(request: Request) -> str:
    """Return the token that came with a request: in the header, or as a field of its form."""
    if HEADER in request.headers:
        return request.headers[HEADER]
    if request.headers.get("content-type", "").startswith(
        ("application/x-www-form-urlencoded", "multipart/form-data")
    ):
        return str((await request.form()).get(FIELD, ""))
    return ""


def require_token(expected: str, sent: str) -> None:
    """Raise unless the tokens are equal."""
    if not hmac.compare_digest(expected.encode(), sent.encode()):
        raise ForbiddenError(
            message("This form has expired. Please go back, reload the page and try again.")
        )
