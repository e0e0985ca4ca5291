"""A candidate's container is killed: the job is tried again, and nobody gets a dead one."""

from __future__ import annotations

import subprocess
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from app.answers.models import Attempt
from app.grading.docker_engine import OWNER_LABEL
from app.grading.instances import this_instance
from app.grading.models import GradingJob
from app.grading.pool import Pool
from app.grading.service import CLAIM
from app.grading.states import JobState, state_of
from app.interviews.models import Interview
from app.kit.clock import SystemClock
from app.workflows.assemble_runtime import task_handlers
from app.workflows.keep_house import resend_lost_jobs
from app.workflows.runtime import Runtime
from app.workflows.submit_answer import submit_answer
from tests.fakes import InlineDispatcher
from tests.sandboxes import docker_engine
from tests.site import DOUBLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.site import Site

SLOW = DOUBLE.replace("    return", "    import time\n    time.sleep(1)\n    return")


def containers() -> list[str]:
    """Return the ids of the sandboxes that this process started."""
    wanted = f"label={OWNER_LABEL}={this_instance()}"
    listed = subprocess.run(
        ["docker", "ps", "-q", "--filter", wanted], check=True, capture_output=True, text=True
    )
    return listed.stdout.split()


def kill(ids: list[str]) -> None:
    subprocess.run(["docker", "kill", *ids], check=True, capture_output=True)


@pytest.fixture
def contained(site: Site) -> Iterator[Site]:
    """A site whose code runs in real containers."""
    engine = docker_engine()
    pool = Pool(engine, clock=SystemClock(), warm=0, capacity=2)
    machinery = replace(site.runtime.machinery, pool=pool)
    dispatcher = InlineDispatcher(task_handlers(machinery))
    site.dispatcher, site.runtime = dispatcher, Runtime(machinery, dispatcher)
    yield site
    pool.close()
    engine.close()


def submit(site: Site, attempt_id: str, interview_id: str, text: str) -> str:
    with site.database.transaction() as session:
        interview = session.get_one(Interview, interview_id)
        attempt = session.get_one(Attempt, attempt_id)
        _, job = submit_answer(session, site.runtime, interview, attempt, text)
        assert job is not None
        return job.id


def job_of(site: Site, job_id: str) -> GradingJob:
    with site.database.transaction(read_only=True) as session:
        return session.get_one(GradingJob, job_id)


def test_job_whose_container_is_killed_is_judged_in_another(contained: Site) -> None:
    interview_id = contained.start()
    (code, *_) = contained.attempts(interview_id)
    submit(contained, code, interview_id, DOUBLE)  # its sandbox is there
    running = containers()
    contained.dispatcher.holding = True
    job_id = submit(contained, code, interview_id, SLOW)
    contained.dispatcher.holding = False
    grading = threading.Thread(target=resend_after_claims, args=(contained,))
    grading.start()
    pool = contained.runtime.machinery.pool
    assert pool is not None
    while pool.census().busy == 0:
        time.sleep(0.01)
    time.sleep(0.3)  # now a case sleeps in it
    kill(running)
    grading.join()
    job = job_of(contained, job_id)
    assert (state_of(job), job.problem, job.tries) == (JobState.QUEUED, "sandbox_broken", 1)
    resend_after_claims(contained)
    job = job_of(contained, job_id)
    assert (job.verdict, job.problem, job.tries) == ("AC", None, 2)
    assert containers() != running


def test_container_that_died_at_rest_is_never_lent(contained: Site) -> None:
    interview_id = contained.start()
    (code, *_) = contained.attempts(interview_id)
    submit(contained, code, interview_id, DOUBLE)
    kill(containers())
    job = job_of(contained, submit(contained, code, interview_id, DOUBLE))
    assert (job.verdict, job.tries, job.waits) == ("AC", 1, 0)


def resend_after_claims(site: Site) -> None:
    site.clock.advance(CLAIM.total_seconds())
    resend_lost_jobs(site.runtime)
