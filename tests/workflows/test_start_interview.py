"""Starting: one running interview for each paper, with the questions as they are now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.answers.models import Attempt
from app.answers.queries import attempts_of
from app.interviews.models import Interview
from app.kit.errors import NotFoundError
from app.questions.models import QuestionEntry
from app.workflows.start_interview import running_on, start_interview, start_practice
from tests.site import PAPER

if TYPE_CHECKING:
    from tests.site import Site


def practise(site: Site, question_id: str = "double") -> Interview:
    with site.database.transaction() as session:
        return start_practice(
            session,
            candidate_id=site.person_id("candidate"),
            question_id=question_id,
            now=site.clock.now(),
        )


def test_attempts_follow_the_paper_and_begin_with_the_given_code(site: Site) -> None:
    interview_id = site.start()
    with site.database.transaction(read_only=True) as session:
        attempts = attempts_of(session, interview_id)
    assert [(one.position, one.minutes) for one in attempts] == [(1, 10), (2, 10), (3, 10)]
    assert [one.draft for one in attempts] == ["def double(x):\n    ...\n", "", ""]
    assert {one.draft_sequence for one in attempts} == {0}


def test_same_paper_twice_is_the_same_interview(site: Site) -> None:
    first = site.start()
    site.clock.advance(60)
    assert site.start() == first
    assert site.start("other") != first
    site.finish(first)
    assert site.start() != first


def test_running_interview_is_found_by_its_paper(site: Site) -> None:
    interview_id = site.start()
    candidate_id = site.person_id("candidate")
    with site.database.transaction(read_only=True) as session:
        found = running_on(session, candidate_id, PAPER)
        assert found is not None
        assert found.id == interview_id
        assert running_on(session, candidate_id, "another") is None
        assert running_on(session, site.person_id("other"), PAPER) is None


@pytest.mark.parametrize("paper", ["no-such-paper", "", "../first-round"])
def test_unknown_paper_is_not_on_offer(site: Site, paper: str) -> None:
    with site.database.transaction() as session, pytest.raises(NotFoundError):
        start_interview(
            session, candidate_id=site.person_id("candidate"), paper_id=paper, now=site.clock.now()
        )


def test_paper_with_a_question_that_is_not_live_is_not_on_offer(site: Site) -> None:
    candidate_id = site.person_id("candidate")
    with site.database.transaction() as session:
        session.get_one(QuestionEntry, "threads").live_hash = None
    with site.database.transaction() as session, pytest.raises(NotFoundError):
        start_interview(session, candidate_id=candidate_id, paper_id=PAPER, now=site.clock.now())
    with site.database.transaction(read_only=True) as session:
        assert session.query(Interview).count() == 0


def test_practice_has_no_clock_and_one_question(site: Site) -> None:
    interview = practise(site)
    assert interview.deadline_at is None
    with site.database.transaction(read_only=True) as session:
        assert session.query(Attempt).count() == 1
    assert practise(site).id == interview.id
    assert practise(site, "threads").id != interview.id
    with pytest.raises(NotFoundError):
        practise(site, "no-such-question")


def test_interview_keeps_its_own_copy_of_the_paper(site: Site) -> None:
    interview_id = site.start()
    path = site.bank_dir / "papers" / "first-round.yaml"
    path.write_text(path.read_text().replace("minutes: 30", "minutes: 60"))
    from_now_on = site.clock.now()
    with site.database.transaction(read_only=True) as session:
        interview = session.get_one(Interview, interview_id)
    assert interview.paper["minutes"] == 30
    assert interview.started_at == from_now_on
