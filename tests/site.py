"""A whole site in a directory: database, small bank, people, and a runtime without containers."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import event

from app.accounts.models import Login, User
from app.accounts.passwords import hash_token
from app.accounts.queries import user_by_email
from app.accounts.roles import Role
from app.accounts.service import register, sign_in
from app.answers.models import Attempt
from app.answers.queries import attempts_of
from app.db.engine import connect
from app.db.schema import upgrade
from app.db.session import Database
from app.grading.engine_watch import EngineWatch
from app.grading.notifications import LocalNotifier
from app.grading.pool import Pool
from app.grading.service import enqueue
from app.interviews.models import Interview
from app.kit.clock import ManualClock
from app.settings import Settings
from app.web import cookies
from app.web.csrf import token_for
from app.workflows.assemble_runtime import task_handlers
from app.workflows.finish_interview import finish_interview
from app.workflows.import_bank import import_bank
from app.workflows.runtime import Machinery, Runtime
from app.workflows.start_interview import start_interview
from tests.fakes import FakeEngine, InlineDispatcher

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

BANK = Path(__file__).with_name("bank")
PASSWORD = "correct horse battery"
PEOPLE = {
    "candidate": Role.CANDIDATE,
    "other": Role.CANDIDATE,
    "mentor": Role.MENTOR,
    "admin": Role.ADMIN,
}
PAPER = "first-round"
DOUBLE = "def double(x):\n    return 2 * x\n"
SQUARED = "def double(x):\n    return x * x\n"
LARGEST_INTEGER = 2**31 - 1


def refuse_what_postgresql_refuses(engine: Engine) -> None:
    """Make SQLite as strict as PostgreSQL about values: no NUL in texts, integers of 32 bits."""

    @event.listens_for(engine, "before_cursor_execute")
    def _look(
        _connection: object,
        _cursor: object,
        statement: str,
        parameters: Any,  # noqa: ANN401 - one row, or a list of them
        *_: object,
    ) -> None:
        rows = parameters if isinstance(parameters, list) else [parameters]
        for row in rows:
            for value in row:
                assert not (isinstance(value, str) and "\0" in value), statement
                too_large = isinstance(value, int) and abs(value) > LARGEST_INTEGER
                assert not too_large, statement


@lru_cache
def _connected(url: str) -> Engine:
    """Return one engine for each address: it keeps what it compiled from site to site."""
    engine = connect(url)
    if engine.dialect.name == "sqlite":
        refuse_what_postgresql_refuses(engine)
    return engine


@dataclass
class Site:
    """What a test acts on and looks at."""

    runtime: Runtime
    clock: ManualClock
    engine: FakeEngine
    dispatcher: InlineDispatcher
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def database(self) -> Database:
        return self.runtime.database

    @property
    def bank_dir(self) -> Path:
        return self.runtime.settings.bank_dir

    def person_id(self, name: str) -> int:
        with self.database.transaction(read_only=True) as session:
            user = user_by_email(session, f"{name}@site.test")
            assert user is not None
            return user.id

    def login(self, name: str) -> tuple[dict[str, str], str]:
        """Sign a person in; return their cookies and the token for their forms."""
        with self.database.transaction() as session:
            user = session.get_one(User, self.person_id(name))
            token = sign_in(session, user, now=self.clock.now(), days=14)
            session.flush()
            login = session.query(Login).filter_by(token_hash=hash_token(token)).one()
        return {cookies.LOGIN: token}, token_for(self.runtime.settings.key, login.id)

    def start(self, name: str = "candidate", paper: str = PAPER) -> str:
        """Start an interview; return its id."""
        with self.database.transaction() as session:
            return start_interview(
                session, candidate_id=self.person_id(name), paper_id=paper, now=self.clock.now()
            ).id

    def attempts(self, interview_id: str) -> list[str]:
        """Return the ids of an interview's attempts: code, concept, open question."""
        with self.database.transaction(read_only=True) as session:
            return [attempt.id for attempt in attempts_of(session, interview_id)]

    def finish(self, interview_id: str) -> None:
        with self.database.transaction() as session:
            finish_interview(session, self.runtime, session.get_one(Interview, interview_id))

    def change_settings(self, **values: Any) -> None:  # noqa: ANN401 - whatever Settings has
        machinery = self.runtime.machinery
        changed = machinery.settings.model_copy(update=values)
        self.runtime = Runtime(replace(machinery, settings=changed), self.dispatcher)

    def fill_queue(self, count: int) -> None:
        """Let somebody else's jobs wait, each older than whatever comes now."""
        interview_id = self.start("other")
        (code, *_) = self.attempts(interview_id)
        with self.database.transaction() as session:
            for _ in range(count):
                self.clock.advance(0.001)
                enqueue(
                    session,
                    interview_id=interview_id,
                    attempt_id=code,
                    question_version_id=session.get_one(Attempt, code).question_version_id,
                    text=DOUBLE,
                    submission_id=None,
                    now=self.clock.now(),
                )

    def close(self) -> None:
        assert self.runtime.machinery.pool is not None
        self.runtime.machinery.pool.close()
        self.database.engine.dispose()


def build_site(directory: Path, database_url: str = "") -> Site:
    """Return a site on the data in `directory`, with its database there unless one is given."""
    settings = Settings(
        data_dir=directory, bank_dir=directory / "bank", secret_key="key", database_url=database_url
    )
    clock, engine = ManualClock(), FakeEngine()
    database = Database(_connected(settings.database))
    machinery = Machinery(
        settings=settings,
        clock=clock,
        database=database,
        notifier=LocalNotifier(),
        pool=Pool(engine, clock=clock, warm=0, capacity=4, busy_seconds=0.01),
        engine=EngineWatch(engine, clock),
    )
    dispatcher = InlineDispatcher(task_handlers(machinery))
    return Site(Runtime(machinery, dispatcher), clock, engine, dispatcher)


def stock(directory: Path, database_url: str = "") -> None:
    """Fill `directory` with a migrated database, the small bank, published, and people."""
    shutil.copytree(BANK, directory / "bank")
    site = build_site(directory, database_url)
    upgrade(site.database.engine)
    import_bank(site.runtime)
    with site.database.transaction() as session:
        add_people(session, site.clock)
    site.close()


def add_people(session: Session, clock: ManualClock) -> None:
    for name, role in PEOPLE.items():
        register(
            session,
            email=f"{name}@site.test",
            display_name=name.title(),
            password=PASSWORD,
            now=clock.now(),
            role=role,
            locale="en",
        )
