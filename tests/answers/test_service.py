"""Drafts and submissions: nothing is lost, nothing is stored that is not text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.answers.models import Attempt, Submission
from app.answers.queries import attempts_of, submissions_of
from app.answers.service import (
    MAX_TEXT_BYTES,
    StaleDraftError,
    accept_text,
    save_draft,
    submit,
)
from app.kit.clock import ManualClock
from app.kit.errors import ConflictError, InvalidError, TooLargeError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

    from tests.site import Site

CLOCK = ManualClock()


@pytest.fixture
def session(site: Site) -> Iterator[Session]:
    with site.database.transaction() as session:
        yield session


@pytest.fixture
def attempt(site: Site, session: Session) -> Attempt:
    session.rollback()  # SQLite has one writer, and starting is one
    return session.get_one(Attempt, site.attempts(site.start())[1])


def save(attempt: Attempt, text: str, sequence: int) -> None:
    save_draft(attempt, text, sequence, now=CLOCK.now())


# --- Texts ----------------------------------------------------------------------------------


def test_text_may_have_as_many_bytes_as_are_allowed() -> None:
    for text in ("x" * MAX_TEXT_BYTES, "文" * (MAX_TEXT_BYTES // 3), "", "\r\n\t\u200b\U0001f600"):
        assert accept_text(text) == text


@pytest.mark.parametrize("text", ["x" * (MAX_TEXT_BYTES + 1), "文" * (MAX_TEXT_BYTES // 3 + 1)])
def test_text_over_the_limit_is_refused_with_figures(text: str) -> None:
    with pytest.raises(TooLargeError, match="The text has 65 KB; at most 64 KB"):
        accept_text(text)


@pytest.mark.parametrize("text", ["\0", "a\0b", "\ud800", "a\udfff", "\udc00\ud800"])
def test_what_is_no_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidError):
        accept_text(text)


# --- Drafts ---------------------------------------------------------------------------------


def test_newer_draft_replaces_the_older() -> None:
    attempt = Attempt(draft="", draft_sequence=0)
    save(attempt, "one", 1)
    save(attempt, "three", 3)  # saves may be skipped
    assert (attempt.draft, attempt.draft_sequence) == ("three", 3)
    assert attempt.draft_saved_at == CLOCK.now()


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_saving_twice_is_harmless(text: str) -> None:
    attempt = Attempt(draft="", draft_sequence=0)
    for _ in range(2):
        save(attempt, text, 1)
    assert (attempt.draft, attempt.draft_sequence) == (text, 1)


@pytest.mark.parametrize(("text", "sequence"), [("mine", 5), ("mine", 4), ("theirs", 4)])
def test_stale_draft_is_refused_and_shown_what_is_stored(text: str, sequence: int) -> None:
    attempt = Attempt(draft="theirs", draft_sequence=5, draft_saved_at=CLOCK.now())
    with pytest.raises(StaleDraftError) as caught:
        save(attempt, text, sequence)
    assert (attempt.draft, attempt.draft_sequence) == ("theirs", 5)
    error = caught.value
    assert (error.text, error.sequence, error.saved_at) == ("theirs", 5, CLOCK.now())


def test_too_large_text_leaves_the_draft() -> None:
    attempt = Attempt(draft="good", draft_sequence=1)
    with pytest.raises(TooLargeError):
        save(attempt, "x" * (MAX_TEXT_BYTES + 1), 2)
    assert (attempt.draft, attempt.draft_sequence) == ("good", 1)


@pytest.mark.parametrize(("text", "kept"), [("a\0b", "a\u2400b"), ("a\ud800b", "a?b")])
def test_what_cannot_be_stored_is_made_visible_in_a_draft(text: str, kept: str) -> None:
    attempt = Attempt(draft="", draft_sequence=0)
    save(attempt, text, 1)
    assert attempt.draft == kept
    save(attempt, text, 1)  # the same save again is no conflict


# --- Submissions ----------------------------------------------------------------------------


def hand_in(
    session: Session, attempt: Attempt, text: str, *, automatic: bool = False
) -> Submission:
    return submit(session, attempt, text, limit=2, now=CLOCK.now(), automatic=automatic)


def test_submissions_are_numbered_and_kept(session: Session, attempt: Attempt) -> None:
    first, second = hand_in(session, attempt, "one"), hand_in(session, attempt, "two")
    assert [first.number, second.number] == [1, 2]
    assert submissions_of(session, [attempt.id]) == {attempt.id: [first, second]}
    assert not first.automatic


@pytest.mark.parametrize("text", ["", " ", "\n\t\r\n", "\u3000"])
def test_blank_text_is_refused(session: Session, attempt: Attempt, text: str) -> None:
    with pytest.raises(InvalidError, match="nothing to submit"):
        hand_in(session, attempt, text)
    assert submissions_of(session, [attempt.id]) == {}


def test_limit_holds(session: Session, attempt: Attempt) -> None:
    for text in ("one", "two"):
        hand_in(session, attempt, text)
    with pytest.raises(ConflictError, match="All 2 submissions"):
        hand_in(session, attempt, "three")
    assert len(submissions_of(session, [attempt.id])[attempt.id]) == 2


def test_automatic_submission_ignores_the_limit(session: Session, attempt: Attempt) -> None:
    for text in ("one", "two"):
        hand_in(session, attempt, text)
    last = hand_in(session, attempt, "three", automatic=True)
    assert (last.number, last.automatic) == (3, True)


def test_attempts_come_in_the_order_of_the_paper(session: Session, attempt: Attempt) -> None:
    attempts = attempts_of(session, attempt.interview_id)
    assert [one.position for one in attempts] == [1, 2, 3]
    assert attempts_of(session) == []
