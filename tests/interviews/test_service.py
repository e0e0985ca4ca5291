"""Begin, record, finish: what is stored, and that the stored chain holds."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from app.interviews.models import Event, Interview
from app.interviews.queries import events_of, finished_interviews, overdue_ids
from app.interviews.service import InterviewOverError, begin, finish, record
from app.interviews.timing import GRACE
from app.interviews.transcript import first_break
from app.kit.i18n import current_locale
from app.questions.queries import offered_paper
from tests.site import PAPER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

    from tests.site import Site


@pytest.fixture
def session(site: Site) -> Iterator[Session]:
    with site.database.transaction() as session:
        yield session


@pytest.fixture
def interview(site: Site, session: Session) -> Interview:
    paper = offered_paper(session, PAPER)
    assert paper is not None
    candidate_id = site.person_id("candidate")
    return begin(session, candidate_id=candidate_id, paper=paper, now=site.clock.now())


def test_clock_runs_from_the_start(site: Site, interview: Interview) -> None:
    assert interview.started_at == site.clock.now()
    assert interview.deadline_at == site.clock.now() + timedelta(minutes=30)
    assert interview.paper["id"] == PAPER


def test_events_are_chained(site: Site, session: Session, interview: Interview) -> None:
    for number in range(5):
        site.clock.advance(1.000_001)
        record(session, interview.id, "x:y", {"n": number, "text": "值"}, now=site.clock.now())
    session.commit()
    session.expire_all()
    events = events_of(session, interview.id)
    assert [event.sequence for event in events] == [1, 2, 3, 4, 5, 6]
    assert first_break(events) is None
    events[3].data = {"n": 7}
    assert first_break(events) == 4


def test_interviews_have_chains_of_their_own(
    site: Site, session: Session, interview: Interview
) -> None:
    paper = offered_paper(session, PAPER)
    assert paper is not None
    other = begin(session, candidate_id=site.person_id("other"), paper=paper, now=site.clock.now())
    for one in (interview, other, interview):
        record(session, one.id, "x:y", {}, now=site.clock.now())
    assert [len(events_of(session, one.id)) for one in (interview, other)] == [3, 2]
    assert session.query(Event).count() == 5


def test_finished_by_hand_ends_now(site: Site, session: Session, interview: Interview) -> None:
    site.clock.advance(60)
    finish(session, interview, "candidate", now=site.clock.now())
    assert (interview.finished_at, interview.finished_by) == (site.clock.now(), "candidate")
    assert list(finished_interviews(session)) == [interview]


def test_finished_by_time_ended_at_its_deadline(
    site: Site, session: Session, interview: Interview
) -> None:
    site.clock.advance(3600)
    finish(session, interview, "time", now=site.clock.now())
    assert (interview.finished_at, interview.finished_by) == (interview.deadline_at, "time")


def test_finishing_twice_is_refused(site: Site, session: Session, interview: Interview) -> None:
    finish(session, interview, "candidate", now=site.clock.now())
    with pytest.raises(InterviewOverError):
        finish(session, interview, "time", now=site.clock.now())
    assert len(events_of(session, interview.id)) == 2


def test_overdue_is_what_runs_after_time_and_grace(
    site: Site, session: Session, interview: Interview
) -> None:
    at = interview.deadline_at
    assert at is not None
    session.flush()
    assert list(overdue_ids(session, at + GRACE - timedelta(seconds=1))) == []
    assert list(overdue_ids(session, at + GRACE)) == [interview.id]
    finish(session, interview, "time", now=site.clock.now())
    assert list(overdue_ids(session, at + GRACE)) == []


def test_over_is_said_in_the_readers_language() -> None:
    assert current_locale() == "zh"
    assert InterviewOverError().message.render("en") == "This interview is over."
