"""Reviews: the machine proposes, the mentor decides, and what is published has no holes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from app.answers.models import Attempt
from app.interviews.models import Interview
from app.interviews.queries import events_of
from app.interviews.states import InterviewState, state_of
from app.kit.errors import ConflictError, InvalidError
from app.kit.i18n import use_locale
from app.scoring.models import MentorScore, Review, Suggestion
from app.workflows.gather_scores import InterviewScore, gather_scores
from app.workflows.review_interview import MAX_COMMENT, Mark, save_review
from app.workflows.submit_answer import submit_answer
from tests.site import DOUBLE

if TYPE_CHECKING:
    from tests.site import Site

Marks = dict[tuple[str, str], Mark]


class Reviewed:
    """A finished interview with right code, right words, and an open answer."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.id = site.start()
        self.code, self.concept, self.open = site.attempts(self.id)
        self.hand_in(self.code, DOUBLE)
        self.hand_in(self.concept, "Threads share the memory of their process.")
        self.hand_in(self.open, "A robot.")
        site.finish(self.id)

    def hand_in(self, attempt_id: str, text: str) -> None:
        with self.site.database.transaction() as session:
            interview = session.get_one(Interview, self.id)
            attempt = session.get_one(Attempt, attempt_id)
            submit_answer(session, self.site.runtime, interview, attempt, text)

    def save(
        self, marks: Marks, summary: str = "", *, mentor: str = "mentor", public: bool = False
    ) -> None:
        mentor_id = self.site.person_id(mentor)
        with self.site.database.transaction() as session, use_locale("en"):
            save_review(
                session,
                session.get_one(Interview, self.id),
                mentor_id=mentor_id,
                marks=marks,
                summary=summary,
                now=self.site.clock.now(),
                public=public,
            )

    def publish(self, marks: Marks, summary: str = "", *, mentor: str = "mentor") -> None:
        self.save(marks, summary, mentor=mentor, public=True)

    def all_marks(self) -> Marks:
        return {
            (self.code, "style"): Mark(2.0, "Clear names."),
            (self.open, "depth"): Mark(5.0, ""),
        }

    def score(self, *, private: bool = True) -> InterviewScore:
        with self.site.database.transaction(read_only=True) as session:
            interview = session.get_one(Interview, self.id)
            (score,) = gather_scores(session, [interview], private_reviews=private)
            return score

    def state(self) -> InterviewState:
        return state_of(self.score().interview)


@pytest.fixture
def reviewed(site: Site) -> Reviewed:
    return Reviewed(site)


def test_machine_proposes_what_it_can_tell(reviewed: Reviewed) -> None:
    score = reviewed.score()
    assert (score.points, score.max_points) == (8 + 3, 10 + 3 + 5)
    assert score.needs_mentor == 2  # style and depth
    assert score.review is None


def test_unanswered_question_has_no_points_and_needs_nobody(site: Site) -> None:
    interview_id = site.start()
    site.finish(interview_id)
    with site.database.transaction(read_only=True) as session:
        (score,) = gather_scores(
            session, [session.get_one(Interview, interview_id)], private_reviews=False
        )
    assert (score.points, score.needs_mentor) == (0.0, 0)


def test_saved_review_is_private(reviewed: Reviewed) -> None:
    reviewed.save(reviewed.all_marks(), "Good.")
    assert reviewed.score(private=True).points == 18
    public = reviewed.score(private=False)
    assert (public.points, public.review) == (11, None)
    assert reviewed.state() == InterviewState.FINISHED


def test_mentor_overrules_the_machine_and_a_level_can_be_taken_back(reviewed: Reviewed) -> None:
    key = (reviewed.concept, "memory")
    reviewed.save({key: Mark(0.0, "Copied.")})
    assert reviewed.score().points == 8
    reviewed.save({key: Mark(None, "")})
    assert reviewed.score().points == 11


def test_published_total_does_not_follow_the_machine(reviewed: Reviewed) -> None:
    reviewed.publish(reviewed.all_marks())
    with reviewed.site.database.transaction() as session:
        session.execute(update(Suggestion).values(points=0.0))
    assert reviewed.score(private=False).points == 18


def test_published_scores_are_shown(reviewed: Reviewed) -> None:
    reviewed.publish(reviewed.all_marks(), "  Good.\r\nGo on. ")
    score = reviewed.score(private=False)
    assert score.points == 18
    assert score.review is not None
    assert score.review.summary == "Good.\nGo on."
    assert reviewed.state() == InterviewState.REVIEWED


def test_mentor_score_keeps_its_own_copy_of_points_and_wording(reviewed: Reviewed) -> None:
    reviewed.publish(reviewed.all_marks())
    with reviewed.site.database.transaction(read_only=True) as session:
        mark = session.query(MentorScore).filter_by(criterion_id="style").one()
    assert (mark.points, mark.max_points, mark.comment) == (2.0, 2.0, "Clear names.")
    assert mark.wording == {"zh": "清楚", "en": "Clear"}


def test_hole_is_refused_and_named(reviewed: Reviewed) -> None:
    marks = {(reviewed.open, "depth"): Mark(5.0, "")}
    with pytest.raises(InvalidError, match="Question 1: choose a level for “Style” first"):
        reviewed.publish(marks)
    assert reviewed.state() == InterviewState.FINISHED
    assert reviewed.score().review is None  # nothing was kept of what failed


def test_published_review_can_be_published_again(reviewed: Reviewed) -> None:
    reviewed.publish(reviewed.all_marks(), "First.")
    reviewed.site.clock.advance(60)
    marks = reviewed.all_marks() | {(reviewed.open, "depth"): Mark(0.0, "After all.")}
    reviewed.publish(marks, "Second.", mentor="admin")
    score = reviewed.score(private=False)
    assert score.points == 13
    assert score.review is not None
    assert score.review.published_at == reviewed.site.clock.now()
    assert score.review.mentor_id == reviewed.site.person_id("admin")
    with reviewed.site.database.transaction(read_only=True) as session:
        actions = [event.action for event in events_of(session, reviewed.id)]
        assert session.query(Review).count() == 1
    assert actions.count("review:published") == 2


def test_change_to_a_published_review_is_published_as_well(reviewed: Reviewed) -> None:
    """The candidate would see it at once: it must not happen without a trace, or with holes."""
    reviewed.publish(reviewed.all_marks())
    reviewed.site.clock.advance(60)
    reviewed.save({(reviewed.open, "depth"): Mark(0.0, "After all.")})
    score = reviewed.score(private=False)
    assert (score.points, score.interview.reviewed_at) == (13, reviewed.site.clock.now())
    with reviewed.site.database.transaction(read_only=True) as session:
        actions = [event.action for event in events_of(session, reviewed.id)]
    assert actions.count("review:published") == 2


def test_saving_after_publishing_cannot_make_a_hole(reviewed: Reviewed) -> None:
    reviewed.publish(reviewed.all_marks())
    with pytest.raises(InvalidError, match="choose a level"):
        reviewed.save({(reviewed.open, "depth"): Mark(None, "")})
    assert reviewed.score(private=False).points == 18


@pytest.mark.parametrize("points", [1.0, -1.0, 99.0, float("nan"), float("inf")])
def test_points_of_no_level_are_refused(reviewed: Reviewed, points: float) -> None:
    with pytest.raises(InvalidError, match="no level with these points"):
        reviewed.save({(reviewed.open, "depth"): Mark(points, "")})


def test_marks_of_other_interviews_are_ignored(reviewed: Reviewed) -> None:
    other = reviewed.site.start("other")
    foreign = reviewed.site.attempts(other)[2]
    reviewed.save({(foreign, "depth"): Mark(5.0, ""), (reviewed.open, "no-such"): Mark(5.0, "")})
    with reviewed.site.database.transaction(read_only=True) as session:
        assert session.query(MentorScore).count() == 0


def test_comment_is_bounded_and_without_nul(reviewed: Reviewed) -> None:
    key = (reviewed.open, "depth")
    reviewed.save({key: Mark(None, "a\0b")}, "\0")
    mark = reviewed.score().attempts[2].criteria[0].mentor
    assert mark is not None
    assert mark.comment == "ab"
    for marks, summary in (
        ({key: Mark(None, "x" * (MAX_COMMENT + 1))}, ""),
        ({}, "x" * (MAX_COMMENT + 1)),
    ):
        with pytest.raises(InvalidError, match="at most 5000"):
            reviewed.save(marks, summary)


def test_running_interview_is_not_reviewed(site: Site) -> None:
    interview_id = site.start()
    with (
        site.database.transaction(read_only=True) as session,
        pytest.raises(ConflictError, match="not finished yet"),
    ):
        save_review(
            session,
            session.get_one(Interview, interview_id),
            mentor_id=site.person_id("mentor"),
            marks={},
            summary="",
            now=site.clock.now(),
        )
