"""Jobs: closed exactly once, however often delivered, and free again when their worker is gone."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from itertools import product
from typing import TYPE_CHECKING

import pytest

from app.grading.models import GradingJob
from app.grading.queries import has_open_job, undelivered_job_ids
from app.grading.service import (
    CLAIM,
    claim,
    claimed_job,
    enqueue,
    fail,
    release,
    release_all,
    renew,
)
from app.grading.states import JobState, state_of
from app.questions.queries import live_versions
from app.workflows.keep_house import PATIENCE

if TYPE_CHECKING:
    from tests.site import Site

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def job_id(site: Site) -> str:
    interview_id = site.start()
    attempt_id = site.attempts(interview_id)[0]
    with site.database.transaction() as session:
        return enqueue(
            session,
            interview_id=interview_id,
            attempt_id=attempt_id,
            question_version_id=live_versions(session)["double"].id,
            text="x",
            submission_id=None,
            now=site.clock.now(),
        ).id


def take(site: Site, job_id: str) -> str | None:
    with site.database.transaction() as session:
        return claim(session, job_id, now=site.clock.now())


def taken(site: Site, job_id: str) -> str:
    token = take(site, job_id)
    assert token is not None
    return token


def close(site: Site, job_id: str, token: str) -> bool:
    with site.database.transaction() as session:
        job = claimed_job(session, job_id, token)
        if job is not None:
            job.judged_at, job.verdict = site.clock.now(), "AC"
        return job is not None


def lost(site: Site) -> list[str]:
    with site.database.transaction(read_only=True) as session:
        return list(undelivered_job_ids(session, now=site.clock.now(), patience=PATIENCE))


def stored(site: Site, job_id: str) -> GradingJob:
    with site.database.transaction(read_only=True) as session:
        return session.get_one(GradingJob, job_id)


# --- States ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claimed", "judged", "failed"), list(product([False, True], repeat=3)), ids=str
)
def test_state_is_derived_from_facts(*, claimed: bool, judged: bool, failed: bool) -> None:
    job = GradingJob(
        claim="token" if claimed else None,
        judged_at=NOW if judged else None,
        failed_at=NOW if failed else None,
    )
    if judged:
        assert state_of(job) == JobState.DONE
    elif failed:
        assert state_of(job) == JobState.FAILED
    else:
        assert state_of(job) == (JobState.RUNNING if claimed else JobState.QUEUED)


# --- Claims ---------------------------------------------------------------------------------


def test_job_is_claimed_once(site: Site, job_id: str) -> None:
    assert state_of(stored(site, job_id)) == JobState.QUEUED
    assert take(site, job_id) is not None
    assert take(site, job_id) is None
    assert state_of(stored(site, job_id)) == JobState.RUNNING


def test_unknown_job_is_nobodys(site: Site) -> None:
    assert take(site, "no such job") is None


def test_of_many_claims_at_once_one_is_given(site: Site, job_id: str) -> None:
    workers = 4
    gate, tokens = threading.Barrier(workers), list[str | None]()

    def work() -> None:
        gate.wait()
        tokens.append(take(site, job_id))

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tokens) == workers
    assert sum(token is not None for token in tokens) == 1


def test_claim_closes_the_job_once(site: Site, job_id: str) -> None:
    token = taken(site, job_id)
    assert close(site, job_id, token)
    assert not close(site, job_id, token)
    assert take(site, job_id) is None


def test_claim_that_ran_out_goes_to_the_next_and_closes_nothing(site: Site, job_id: str) -> None:
    old = taken(site, job_id)
    site.clock.advance(CLAIM.total_seconds() - 1)
    assert take(site, job_id) is None
    site.clock.advance(1)
    new = taken(site, job_id)
    assert not close(site, job_id, old)
    assert close(site, job_id, new)
    assert stored(site, job_id).tries == 2


def test_claim_that_ran_out_still_closes_the_job_if_nobody_else_took_it(
    site: Site, job_id: str
) -> None:
    token = taken(site, job_id)
    site.clock.advance(CLAIM.total_seconds() * 2)
    assert close(site, job_id, token)


def test_renewed_claim_holds_on(site: Site, job_id: str) -> None:
    token = taken(site, job_id)
    site.clock.advance(CLAIM.total_seconds() - 1)
    with site.database.transaction() as session:
        assert renew(session, job_id, token, now=site.clock.now())
        assert not renew(session, job_id, "another", now=site.clock.now())
    site.clock.advance(CLAIM.total_seconds() - 1)
    assert take(site, job_id) is None


@pytest.mark.parametrize(("count", "tries"), [(True, 1), (False, 0)])
def test_released_job_is_free(site: Site, job_id: str, *, count: bool, tries: int) -> None:
    token = taken(site, job_id)
    with site.database.transaction() as session:
        job = claimed_job(session, job_id, token)
        assert job is not None
        release(job, count=count)
    assert stored(site, job_id).tries == tries
    assert not close(site, job_id, token)
    assert take(site, job_id) is not None


def test_failed_job_stays_closed(site: Site, job_id: str) -> None:
    token = taken(site, job_id)
    with site.database.transaction() as session:
        job = claimed_job(session, job_id, token)
        assert job is not None
        fail(job, "sandbox_broken", now=site.clock.now())
    job = stored(site, job_id)
    assert (state_of(job), job.problem, job.verdict) == (JobState.FAILED, "sandbox_broken", None)
    site.clock.advance(3600)
    assert take(site, job_id) is None
    assert lost(site) == []


# --- What got lost --------------------------------------------------------------------------


def test_job_that_nobody_took_is_lost_after_a_while(site: Site, job_id: str) -> None:
    assert lost(site) == []
    site.clock.advance(PATIENCE.total_seconds())
    assert lost(site) == [job_id]


def test_claimed_job_is_lost_when_its_claim_ran_out(site: Site, job_id: str) -> None:
    token = taken(site, job_id)
    site.clock.advance(CLAIM.total_seconds() - 1)
    assert lost(site) == []
    site.clock.advance(1)
    assert lost(site) == [job_id]
    assert close(site, job_id, token)
    assert lost(site) == []


def test_new_process_takes_back_what_the_one_before_held(site: Site, job_id: str) -> None:
    old = taken(site, job_id)
    with site.database.transaction() as session:
        release_all(session)
    assert not close(site, job_id, old)
    assert close(site, job_id, taken(site, job_id))
    judged = stored(site, job_id)
    with site.database.transaction() as session:
        release_all(session)
    assert stored(site, job_id).claim == judged.claim


def test_attempt_knows_its_open_job(site: Site, job_id: str) -> None:
    attempt_id = stored(site, job_id).attempt_id

    def is_open() -> bool:
        with site.database.transaction(read_only=True) as session:
            return has_open_job(session, attempt_id)

    assert is_open()
    token = taken(site, job_id)
    assert is_open()
    close(site, job_id, token)
    assert not is_open()
