"""The end of the time: nobody has to look for it to come."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.answers.models import Attempt
from app.interviews.models import Interview
from app.interviews.service import InterviewOverError
from app.workflows.finish_interview import finish_if_overdue
from app.workflows.keep_house import Housekeeper, fingerprint
from app.workflows.start_interview import start_practice
from app.workflows.submit_answer import keep_draft
from tests.site import DOUBLE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.site import Site

MINUTES_30 = 30 * 60
GRACE = 15


def interview(site: Site, interview_id: str) -> Interview:
    with site.database.transaction(read_only=True) as session:
        return session.get_one(Interview, interview_id)


def draft(site: Site, interview_id: str, text: str) -> None:
    attempt_id = site.attempts(interview_id)[0]
    with site.database.transaction() as session:
        attempt = session.get_one(Attempt, attempt_id)
        found = session.get_one(Interview, interview_id)
        keep_draft(found, attempt, text, 1, now=site.clock.now())


def sweep(site: Site) -> None:
    """Do what the housekeeper does every two seconds."""
    Housekeeper(site.runtime).end_overdue_interviews()


def test_finishing_by_hand_after_the_time_is_the_time(site: Site) -> None:
    interview_id = site.start()
    site.clock.advance(MINUTES_30)
    site.finish(interview_id)
    ended = interview(site, interview_id)
    assert (ended.finished_by, ended.finished_at) == ("time", ended.deadline_at)


def test_overdue_interview_ends_on_the_next_look(site: Site) -> None:
    interview_id = site.start()
    site.clock.advance(MINUTES_30 + GRACE - 1)
    with site.database.transaction() as session:
        finish_if_overdue(session, site.runtime, session.get_one(Interview, interview_id))
    assert interview(site, interview_id).finished_at is None
    site.clock.advance(1)
    with site.database.transaction() as session:
        finish_if_overdue(session, site.runtime, session.get_one(Interview, interview_id))
    assert interview(site, interview_id).finished_by == "time"


def test_sweeper_ends_what_is_overdue_and_hands_the_last_draft_in(site: Site) -> None:
    overdue, practice = site.start(), practise(site)
    draft(site, overdue, DOUBLE)
    site.clock.advance(MINUTES_30 + GRACE)
    running = site.start("other")
    for _ in range(2):
        sweep(site)
    assert interview(site, overdue).finished_by == "time"
    assert interview(site, running).finished_at is None
    assert interview(site, practice).finished_at is None
    assert len(site.dispatcher.sent) == 1


def practise(site: Site) -> str:
    with site.database.transaction() as session:
        return start_practice(
            session,
            candidate_id=site.person_id("candidate"),
            question_id="double",
            now=site.clock.now(),
        ).id


def test_draft_that_arrives_in_the_grace_is_handed_in(site: Site) -> None:
    interview_id = site.start()
    site.clock.advance(MINUTES_30 + GRACE - 1)
    draft(site, interview_id, DOUBLE)
    site.clock.advance(1)
    sweep(site)
    assert len(site.dispatcher.sent) == 1
    with pytest.raises(InterviewOverError):
        draft(site, interview_id, "too late")


# --- The housekeeper ------------------------------------------------------------------------


def test_fingerprint_sees_new_changed_and_removed_files(tmp_path: Path) -> None:
    (tmp_path / "topic").mkdir()
    file = tmp_path / "topic" / "a.yaml"
    seen = [fingerprint(tmp_path)]
    file.write_text("a")
    seen.append(fingerprint(tmp_path))
    file.write_text("ab")
    seen.append(fingerprint(tmp_path))
    file.unlink()
    assert fingerprint(tmp_path) == seen[0]
    assert len(set(seen)) == 3


def test_fingerprint_bears_links_that_lead_nowhere(tmp_path: Path) -> None:
    """As an editor leaves them beside a file while it is being edited."""
    (tmp_path / ".#a.yaml").symlink_to("somebody@somewhere.1234")
    (tmp_path / "a.yaml").write_text("a")
    assert len(fingerprint(tmp_path)) == 1


def test_fingerprint_of_a_missing_bank_is_empty(tmp_path: Path) -> None:
    assert fingerprint(tmp_path / "nowhere") == frozenset()


def test_housekeeper_stops_at_once(site: Site) -> None:
    keeper = Housekeeper(site.runtime)
    keeper.start()
    keeper.stop()
