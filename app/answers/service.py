"""Changes to answers: save a draft, hand in a text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.answers.models import Attempt, Submission
from app.answers.queries import submissions_of
from app.kit.errors import ConflictError, InvalidError, TooLargeError
from app.kit.i18n import message

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

MAX_TEXT_BYTES = 64 * 1024


class StaleDraftError(ConflictError):
    """A newer draft is stored already; it comes with the error."""

    code = "stale_draft"

    def __init__(self, attempt: Attempt) -> None:
        super().__init__(message("A newer version was saved from another tab or device."))
        self.text = attempt.draft
        self.sequence = attempt.draft_sequence
        self.saved_at = attempt.draft_saved_at


def accept_text(text: str) -> str:
    """Return `text` as it will be stored; raises if it is too large or not text at all.

    A lone surrogate cannot be encoded, and PostgreSQL stores no NUL.
    """
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise InvalidError(message("This is not valid text.")) from error
    if "\0" in text:
        raise InvalidError(message("This is not text: it contains NUL characters."))
    require_size(size)
    return text


def storable(text: str) -> str:
    """Return `text` with what cannot be stored made visible: a draft is never refused for it.

    A NUL becomes its symbol, half of a surrogate pair a question mark.
    """
    return text.replace("\0", "\u2400").encode("utf-8", "replace").decode()


def require_size(size: int) -> None:
    """Raise TooLargeError if a text of `size` bytes is more than an answer may have."""
    if size > MAX_TEXT_BYTES:
        raise TooLargeError(
            message(
                "The text has {size} KB; at most {max} KB are accepted.",
                size=-(-size // 1024),
                max=MAX_TEXT_BYTES // 1024,
            )
        )


def save_draft(attempt: Attempt, text: str, sequence: int, *, now: datetime) -> None:
    """Store a draft unless a newer one is stored.

    Sending the same save twice is harmless; another text under a number that is taken comes
    from a second tab and raises StaleDraftError, so that neither version gets lost.
    """
    text = storable(text)
    require_size(len(text.encode()))
    if sequence == attempt.draft_sequence and text == attempt.draft:
        return
    if sequence <= attempt.draft_sequence:
        raise StaleDraftError(attempt)
    attempt.draft, attempt.draft_sequence, attempt.draft_saved_at = text, sequence, now


def submit(
    session: Session,
    attempt: Attempt,
    text: str,
    *,
    limit: int,
    now: datetime,
    automatic: bool = False,
) -> Submission:
    """Hand in a text; raises when it is empty or the paper's `limit` is reached.

    The limit does not hold for a draft that is promoted at the end: nothing gets lost.
    """
    text = accept_text(text)
    if not text.strip():
        raise InvalidError(message("There is nothing to submit yet."))
    earlier = submissions_of(session, [attempt.id]).get(attempt.id, [])
    if len(earlier) >= limit and not automatic:
        raise ConflictError(
            message("All {limit} submissions for this question are used.", limit=limit)
        )
    submission = Submission(
        attempt_id=attempt.id,
        number=len(earlier) + 1,
        text=text,
        submitted_at=now,
        automatic=automatic,
    )
    session.add(submission)
    session.flush()
    return submission
