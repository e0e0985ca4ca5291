"""The distributed set-up, with real processes, a real sandbox, and real accidents."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import docker
from sqlalchemy import func, select

from app.grading.dispatch import Task, celery_app
from app.grading.docker_engine import LABEL, OWNER_LABEL
from app.grading.models import CaseResult, GradingJob, ReferenceCase
from app.interviews.queries import events_of
from app.interviews.transcript import first_break
from app.workflows.keep_house import PATIENCE, TICK_SECONDS
from tests.services.people import first_done
from tests.services.servers import wait_for

if TYPE_CHECKING:
    from tests.services.conftest import Town

DOUBLE = "def double(x):\n    return 2 * x\n"
SLOW = f"import time\ntime.sleep(1.5)\n{DOUBLE}"
CASES = 4


def assert_one_verdict(town: Town, interview_id: str, job_id: str, *, tries: int) -> None:
    with town.database.transaction() as session:
        job = session.get_one(GradingJob, job_id)
        assert (job.verdict, job.score, job.tries) == ("AC", 1.0, tries)
        results = select(func.count()).select_from(CaseResult).where(CaseResult.job_id == job_id)
        assert session.scalar(results) == CASES
        events = events_of(session, interview_id)
        assert [event.action for event in events].count("job:judged") == 1
        assert first_break(events) is None


def sandboxes_of(pid: int) -> list[str]:
    client = docker.from_env()
    found = client.containers.list(filters={"label": LABEL})
    client.close()
    owners = [str(one.labels[OWNER_LABEL]) for one in found]
    return [owner for owner in owners if owner.split("/")[-2] == str(pid)]


def test_the_bank_is_published_by_a_worker(town: Town) -> None:
    assert town.web.is_up()
    with town.database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(ReferenceCase)) == CASES


def test_a_whole_interview(town: Town) -> None:
    """Register, start, draft, submit, finish, review: every page of it on PostgreSQL."""
    candidate, interview_id, (code, concept, project) = town.candidate()
    candidate.call("PUT", f"/attempts/{project}/draft", text="我的项目", sequence=1)
    candidate.call("POST", f"/attempts/{concept}/submissions", text="线程共享同一块内存。")
    with candidate.listening(code) as jobs:
        job = candidate.submit(code, DOUBLE)
        assert first_done(jobs, job["id"])["verdict"] == "AC"
    assert_one_verdict(town, interview_id, job["id"], tries=1)
    candidate.fill_in(f"/interviews/{interview_id}/finish")
    assert "我的项目" in candidate.page(f"/interviews/{interview_id}/report")

    mentor = town.person()
    mentor.sign_in("mentor@site.test")
    mentor.page("/reviews")
    page = mentor.page(f"/reviews/{interview_id}")
    levels = {
        name: "0"
        for name in dict.fromkeys(part.split('"')[0] for part in page.split('name="')[1:])
        if name.startswith("level:")
    }
    mentor.fill_in(f"/reviews/{interview_id}", action="publish", summary="不错", **levels)
    assert "不错" in candidate.page(f"/interviews/{interview_id}/report")
    for form in ("json", "md", "html"):
        candidate.page(f"/interviews/{interview_id}/transcript.{form}")

    admin = town.person()
    admin.sign_in("admin@site.test")
    for path in ("/admin/questions", "/admin/people", "/admin/health"):
        admin.page(path)


def test_a_task_that_is_delivered_many_times_gives_one_verdict(town: Town) -> None:
    candidate, interview_id, (code, *_) = town.candidate()
    celery = celery_app(town.redis.url)
    with candidate.listening(code) as jobs:
        job = candidate.submit(code, SLOW)
        for _ in range(4):
            celery.send_task(Task.GRADE, [job["id"]])
        first_done(jobs, job["id"])
    celery.close()
    wait_for(lambda: town.redis.waiting() == 0, 10, "tasks are left")
    assert_one_verdict(town, interview_id, job["id"], tries=1)


def test_a_killed_workers_job_is_taken_up_again(town: Town) -> None:
    town.stop_workers(left=1)
    (victim,) = town.workers
    candidate, interview_id, (code, *_) = town.candidate()
    job = candidate.submit(code, SLOW)
    candidate.wait_for_state(job["id"], "running")
    victim.kill()
    town.workers.clear()
    town.start_workers(1)
    assert sandboxes_of(victim.process.pid) == []
    candidate.wait_for_state(job["id"], "done")
    assert_one_verdict(town, interview_id, job["id"], tries=2)


def test_a_worker_that_is_told_to_end_finishes_its_job(town: Town) -> None:
    town.stop_workers(left=1)
    (worker,) = town.workers
    candidate, interview_id, (code, *_) = town.candidate()
    job = candidate.submit(code, SLOW)
    candidate.wait_for_state(job["id"], "running")
    assert sandboxes_of(worker.process.pid) != []
    town.stop_workers()
    assert candidate.job(job["id"])["state"] == "done"
    assert_one_verdict(town, interview_id, job["id"], tries=1)
    assert sandboxes_of(worker.process.pid) == []
    assert worker.log_lines()[-1]["event"] == "worker ended"


def test_a_job_that_waits_is_queued_once(town: Town) -> None:
    """Several rounds of the reconciler pass, and none of them adds to the queue."""
    town.stop_workers()
    candidate, interview_id, (code, *_) = town.candidate()
    job = candidate.submit(code, DOUBLE)
    time.sleep(PATIENCE.total_seconds() + 2 * TICK_SECONDS)
    assert town.redis.waiting() == 1
    town.start_workers(1)
    candidate.wait_for_state(job["id"], "done")
    assert_one_verdict(town, interview_id, job["id"], tries=1)


def test_jobs_outlive_the_broker(town: Town) -> None:
    """One was queued in Redis and lost with it, one could not be queued at all."""
    town.stop_workers()
    queued, queued_in, (queued_at, *_) = town.candidate()
    refused, refused_in, (refused_at, *_) = town.candidate()
    with queued.listening(queued_at) as jobs:
        first = queued.submit(queued_at, DOUBLE)
        town.redis.stop()
        second = refused.submit(refused_at, DOUBLE)
        town.redis.start()
        assert town.redis.waiting() == 0
        town.start_workers(2)
        assert first_done(jobs, first["id"])["verdict"] == "AC"
    refused.wait_for_state(second["id"], "done")
    assert_one_verdict(town, queued_in, first["id"], tries=1)
    assert_one_verdict(town, refused_in, second["id"], tries=1)


def test_workers_live_through_an_absence_of_the_broker(town: Town) -> None:
    town.redis.stop()
    town.redis.start()
    candidate, interview_id, (code, *_) = town.candidate()
    job = candidate.submit(code, DOUBLE)
    candidate.wait_for_state(job["id"], "done")
    assert_one_verdict(town, interview_id, job["id"], tries=1)


def test_requests_and_jobs_are_counted(town: Town) -> None:
    candidate, *_ = town.candidate()
    answer = candidate.http.get("/metrics", headers={"Authorization": "Bearer token"})
    assert 'yimian_http_requests_total{status="200"}' in answer.text
    assert "yimian_jobs_queued_total" in answer.text
    assert candidate.http.get("/metrics").status_code == 404
