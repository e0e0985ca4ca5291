"""Errors that know their HTTP status."""

from __future__ import annotations

import pytest

from app.kit import errors
from app.kit.i18n import message

TEXT = message("Nothing of {what}.", what="that")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.YimianError(TEXT), 500, "error"),
        (errors.InvalidError(TEXT), 422, "invalid"),
        (errors.TooLargeError(TEXT), 413, "too_large"),
        (errors.SignInRequiredError(), 401, "sign_in_required"),
        (errors.ForbiddenError(TEXT), 403, "forbidden"),
        (errors.NotFoundError(), 404, "not_found"),
        (errors.NotFoundError(TEXT), 404, "not_found"),
        (errors.ConflictError(TEXT), 409, "conflict"),
        (errors.TooManyRequestsError(TEXT), 429, "too_many_requests"),
        (errors.BusyError(TEXT, retry_after=7), 503, "busy"),
    ],
)
def test_error_knows_its_status_and_code(error: errors.YimianError, status: int, code: str) -> None:
    assert (error.status, error.code) == (status, code)
    assert str(error) == error.message.render("en")


def test_busy_error_says_when_to_try_again() -> None:
    error = errors.BusyError(TEXT, retry_after=7)
    assert error.headers == {"Retry-After": "7"}
