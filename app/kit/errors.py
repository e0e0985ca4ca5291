"""Errors that know their HTTP status and carry a translatable message."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, ClassVar

from app.kit.i18n import Message, message

if TYPE_CHECKING:
    from collections.abc import Mapping


class YimianError(Exception):
    """Base of every error that a person may be shown."""

    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR
    code: ClassVar[str] = "error"

    def __init__(self, text: Message, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(text.render("en"))
        self.message = text
        self.headers = dict(headers or {})


class InvalidError(YimianError):
    """What was sent cannot be accepted as it is."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "invalid"


class TooLargeError(YimianError):
    """What was sent is over the size limit."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = "too_large"


class SignInRequiredError(YimianError):
    """Nobody is signed in, and this needs somebody."""

    status = HTTPStatus.UNAUTHORIZED
    code = "sign_in_required"

    def __init__(self) -> None:
        super().__init__(message("Please sign in."))


class ForbiddenError(YimianError):
    """The person may not do this."""

    status = HTTPStatus.FORBIDDEN
    code = "forbidden"


class NotFoundError(YimianError):
    """There is no such thing, or it is none of this person's business."""

    status = HTTPStatus.NOT_FOUND
    code = "not_found"

    def __init__(self, text: Message | None = None) -> None:
        super().__init__(text or message("This page does not exist."))


class ConflictError(YimianError):
    """The thing is in a state that does not allow this."""

    status = HTTPStatus.CONFLICT
    code = "conflict"


class TooManyRequestsError(YimianError):
    """Slow down."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "too_many_requests"


class BusyError(YimianError):
    """No capacity now; worth another try after `retry_after` seconds."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "busy"

    def __init__(self, text: Message, *, retry_after: int) -> None:
        super().__init__(text, headers={"Retry-After": str(retry_after)})
        self.retry_after = retry_after
