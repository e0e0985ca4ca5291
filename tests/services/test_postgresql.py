"""PostgreSQL: the same schema, the same stories, and what only many writers at once can break."""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from app.accounts.models import User
from app.accounts.service import register
from app.answers.queries import attempts_of
from app.db.engine import connect
from app.db.schema import is_current, upgrade
from app.db.session import Database
from app.grading.claims import kept_claim
from app.grading.engine_watch import EngineWatch
from app.grading.models import GradingJob
from app.grading.notifications import LocalNotifier
from app.grading.pool import Pool
from app.grading.service import CLAIM, claim, claimed_job, enqueue, renew
from app.interviews.models import Event, Interview
from app.interviews.queries import events_of
from app.interviews.service import record
from app.interviews.transcript import first_break
from app.kit.clock import ManualClock
from app.questions.models import QuestionVersion
from app.settings import Settings
from app.workflows.assemble_runtime import task_handlers
from app.workflows.import_bank import import_bank, store_bank
from app.workflows.runtime import Machinery, Runtime
from app.workflows.start_interview import start_interview
from tests.conftest import YIMIAN
from tests.db.schema_check import assert_migrations_make_what_models_say
from tests.fakes import FakeEngine, InlineDispatcher
from tests.services.conftest import BANK
from tests.services.servers import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.services.servers import Postgres

WRITERS = 8


def test_migrations_make_what_models_say(database: Database) -> None:
    assert_migrations_make_what_models_say(database.engine)


def test_two_may_upgrade_at_once(postgres: Postgres, tmp_path: Path) -> None:
    url = postgres.new_database()
    environment = os.environ | {"YIMIAN_DATABASE_URL": url, "YIMIAN_DATA_DIR": str(tmp_path)}
    both = [subprocess.Popen([YIMIAN, "db", "upgrade"], env=environment) for _ in range(2)]
    assert [process.wait(30) for process in both] == [0, 0]
    engine = connect(url)
    assert is_current(engine)
    engine.dispose()


def at_once(task: Callable[[int], object]) -> list[object]:
    """Do `task` in many threads that start together; return what each came to."""
    barrier = Barrier(WRITERS)

    def run(number: int) -> object:
        barrier.wait()
        return task(number)

    with ThreadPoolExecutor(WRITERS) as threads:
        return list(threads.map(run, range(WRITERS)))


@pytest.fixture
def runtime(database: Database) -> Iterator[Runtime]:
    """A runtime on PostgreSQL whose sandboxes are fakes; nothing is imported yet."""
    upgrade(database.engine)
    clock, engine = ManualClock(), FakeEngine()
    pool = Pool(engine, clock=clock, warm=0, capacity=4, busy_seconds=0.01)
    machinery = Machinery(
        settings=Settings(bank_dir=BANK),
        clock=clock,
        database=database,
        notifier=LocalNotifier(),
        pool=pool,
        engine=EngineWatch(engine, clock),
    )
    yield Runtime(machinery, InlineDispatcher(task_handlers(machinery)))
    pool.close()


@pytest.fixture
def interview_id(runtime: Runtime) -> str:
    import_bank(runtime)
    now = runtime.clock.now()
    with runtime.database.transaction() as session:
        register(
            session, email="one@site.test", display_name="One", password="long enough", now=now
        )
        candidate = session.scalars(select(User.id)).one()
        return start_interview(session, candidate_id=candidate, paper_id="first-round", now=now).id


def test_web_processes_may_import_the_bank_at_once(runtime: Runtime) -> None:
    at_once(lambda _: store_bank(runtime.machinery))
    with runtime.database.transaction() as session:
        names = session.scalars(select(QuestionVersion.question_id)).all()
    assert sorted(names) == ["double", "project", "threads"]


def test_events_recorded_at_once_make_one_chain(runtime: Runtime, interview_id: str) -> None:
    def write(number: int) -> None:
        for turn in range(5):
            with runtime.database.transaction() as session:
                data = {"writer": number, "turn": turn, "text": "线程 ∑"}
                record(session, interview_id, "tab:left", data, now=runtime.clock.now())

    at_once(write)
    with runtime.database.transaction() as session:
        events = events_of(session, interview_id)
        assert [event.sequence for event in events] == list(range(1, 5 * WRITERS + 2))
        assert first_break(events) is None
        assert session.scalar(select(func.count()).select_from(Event)) == 5 * WRITERS + 1


@pytest.fixture
def job_id(runtime: Runtime, interview_id: str) -> str:
    with runtime.database.transaction() as session:
        attempt = attempts_of(session, interview_id)[0]
        return enqueue(
            session,
            interview_id=session.get_one(Interview, interview_id).id,
            attempt_id=attempt.id,
            question_version_id=attempt.question_version_id,
            text="def double(x): return x",
            submission_id=None,
            now=runtime.clock.now(),
        ).id


def test_a_dump_can_be_restored(postgres: Postgres, runtime: Runtime, interview_id: str) -> None:
    source = runtime.database.engine.url.set(drivername="postgresql")
    target = postgres.new_database()
    postgres.dump_and_restore(source.render_as_string(hide_password=False), target)
    restored = Database(connect(target))
    assert is_current(restored.engine)
    with restored.transaction() as session:
        events = events_of(session, interview_id)
        assert len(events) == 1
        assert first_break(events) is None
    restored.engine.dispose()


def test_a_job_is_claimed_once(runtime: Runtime, job_id: str) -> None:
    def take(_: int) -> str | None:
        with runtime.database.transaction() as session:
            return claim(session, job_id, now=runtime.clock.now())

    claims = at_once(take)
    assert len([token for token in claims if token is not None]) == 1


def test_a_claim_that_ran_out_is_lost_unless_renewed(runtime: Runtime, job_id: str) -> None:
    now = runtime.clock.now()
    late, later = now + CLAIM, now + CLAIM + timedelta(seconds=1)
    with runtime.database.transaction() as session:
        first = claim(session, job_id, now=now)
        assert first is not None
        assert renew(session, job_id, first, now=now + timedelta(seconds=2))
        assert claim(session, job_id, now=late) is None
        second = claim(session, job_id, now=later + timedelta(seconds=1))
        assert second is not None
        assert not renew(session, job_id, first, now=later)
        assert claimed_job(session, job_id, first) is None
        assert claimed_job(session, job_id, second) is not None


def test_a_claim_is_kept_while_the_work_goes_on(runtime: Runtime, job_id: str) -> None:
    clock, started = runtime.clock, runtime.clock.now()
    assert isinstance(clock, ManualClock)
    with runtime.database.transaction() as session:
        token = claim(session, job_id, now=started)
    assert token is not None
    clock.advance(CLAIM.total_seconds() - 1)

    def is_kept() -> bool:
        with runtime.database.transaction() as session:
            until = session.get_one(GradingJob, job_id).claimed_until
        return until == clock.now() + CLAIM

    hour = timedelta(hours=1)
    with kept_claim(runtime.database, clock, job_id, token, at_most=hour, every=0.01):
        wait_for(is_kept, 10, "the claim is not renewed")
    clock.advance(1)
    assert not is_kept()
    with kept_claim(runtime.database, clock, job_id, token, at_most=timedelta(0), every=0.01):
        assert not is_kept()
