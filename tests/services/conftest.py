"""Real services: PostgreSQL, Redis, a web process without an engine, workers with one."""

from __future__ import annotations

import shutil
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.answers.queries import attempts_of
from app.db.engine import connect
from app.db.session import Database
from tests.conftest import Server, free_port
from tests.services.people import Person
from tests.services.servers import Postgres, RedisServer, Worker
from tests.site import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterator

BANK = Path(__file__).resolve().parents[1] / "bank"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    cluster = Postgres()
    cluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture
def database(postgres: Postgres) -> Iterator[Database]:
    """An empty database."""
    database = Database(connect(postgres.new_database()))
    yield database
    database.engine.dispose()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@dataclass
class Town:
    """The distributed set-up. `web` is told of an engine that only notes who calls it."""

    web: Server
    database: Database
    redis: RedisServer
    engine_trap: socket.socket
    workers: list[Worker] = field(default_factory=list)
    _people: list[Person] = field(default_factory=list)
    _started: int = 0

    def start_workers(self, count: int) -> None:
        """Start workers until there are `count`."""
        fresh = []
        while len(self.workers) < count:
            self._started += 1
            environment = {k: v for k, v in self.web.environment.items() if k != "DOCKER_HOST"}
            worker = Worker(environment, self.web.data_dir / f"worker-{self._started}.log")
            self.workers.append(worker)
            fresh.append(worker)
        for worker in fresh:
            worker.wait_until_ready()

    def stop_workers(self, left: int = 0) -> None:
        """Ask workers to end until `left` are left."""
        while len(self.workers) > left:
            assert self.workers.pop().stop() == 0

    def web_called_an_engine(self) -> bool:
        with suppress(BlockingIOError):
            self.engine_trap.accept()[0].close()
            return True
        return False

    def candidate(self) -> tuple[Person, str, list[str]]:
        """Return somebody who has just started the interview, its id and its attempts."""
        person = self.person()
        person.register(f"candidate-{len(self._people)}@site.test")
        interview_id = person.start("first-round")
        with self.database.transaction(read_only=True) as session:
            attempts = [attempt.id for attempt in attempts_of(session, interview_id)]
        return person, interview_id, attempts

    def person(self) -> Person:
        self._people.append(Person(self.web.url))
        return self._people[-1]

    def forget_people(self) -> None:
        for person in self._people:
            person.close()


@pytest.fixture(scope="session")
def whole_town(
    postgres: Postgres, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Town]:
    data_dir = tmp_path_factory.mktemp("town")
    shutil.copytree(BANK, data_dir / "bank")
    trap = socket.create_server(("127.0.0.1", 0))
    trap.settimeout(0)
    url = postgres.new_database()
    extra = {
        "YIMIAN_DATABASE_URL": url,
        "YIMIAN_BROKER_URL": redis_server.url,
        "YIMIAN_SANDBOX_WARM": "1",
        "YIMIAN_METRICS_TOKEN": "token",
        "DOCKER_HOST": f"tcp://127.0.0.1:{trap.getsockname()[1]}",
        "LANG": "C.UTF-8",
    }
    web = Server(data_dir, data_dir / "bank", free_port(), extra)
    web.run("db", "upgrade")
    for role in ("mentor", "admin"):
        web.run("user", "add", f"{role}@site.test", "--role", role, "--password", PASSWORD)
    town = Town(web, Database(connect(url)), redis_server, trap)
    town.start_workers(2)
    web.start()
    yield town
    town.forget_people()
    web.stop()
    town.stop_workers()
    town.database.engine.dispose()
    trap.close()


@pytest.fixture
def town(whole_town: Town) -> Iterator[Town]:
    """The distributed set-up with both of its workers, before and after."""
    whole_town.start_workers(2)
    yield whole_town
    assert not whole_town.web_called_an_engine()
