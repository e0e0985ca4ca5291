"""Servers of our own on loopback: PostgreSQL, Redis, and Yimian's workers."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import redis

from tests.conftest import YIMIAN, free_port

if TYPE_CHECKING:
    from collections.abc import Callable

START_SECONDS = 30
POSTGRES_USER = "postgres"


def wait_for(condition: Callable[[], object], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


class Postgres:
    """A cluster in a directory of its own; PostgreSQL refuses to run as root."""

    def __init__(self) -> None:
        binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
        self._bin = binaries[-1]
        self._dir = Path(tempfile.mkdtemp(prefix="yimian-postgres-"))
        self._as_root = os.geteuid() == 0
        self.port = free_port()
        self._databases = 0

    def start(self) -> None:
        if self._as_root:
            shutil.chown(self._dir, POSTGRES_USER, POSTGRES_USER)
        data, sockets = self._dir / "data", self._dir
        self._run("initdb", "-D", data, "-U", "yimian", "--auth=trust", "--no-sync", "-E", "UTF8")
        options = f"-h 127.0.0.1 -p {self.port} -k {sockets} -c fsync=off"
        log = self._dir / "log"
        self._run("pg_ctl", "-D", data, "-l", log, "-o", options, "-w", "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", self._dir / "data", "-m", "immediate", "-w", "stop")
        shutil.rmtree(self._dir)

    def new_database(self) -> str:
        """Create an empty database and return its URL."""
        self._databases += 1
        name = f"yimian_{self._databases}"
        admin = f"postgresql://yimian@127.0.0.1:{self.port}/postgres"
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return f"postgresql://yimian@127.0.0.1:{self.port}/{name}"

    def dump_and_restore(self, source: str, target: str) -> None:
        """Copy a database into an empty one, as docs/operating.md says."""
        dump = self._dir / "backup.dump"
        self._run("pg_dump", "--format=custom", f"--file={dump}", source)
        self._run("pg_restore", f"--dbname={target}", "--exit-on-error", dump)

    def _run(self, program: str, *arguments: str | Path) -> None:
        prefix = ["runuser", "-u", POSTGRES_USER, "--"] if self._as_root else []
        subprocess.run(
            [*prefix, self._bin / program, *arguments],
            check=True,
            cwd=self._dir,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )


@dataclass
class RedisServer:
    """A Redis that forgets everything when it stops."""

    directory: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        address = ["--bind", "127.0.0.1", "--port", str(self.port)]
        forgetful = ["--save", "", "--appendonly", "no", "--dir", str(self.directory)]
        self.process = subprocess.Popen(
            ["redis-server", *address, *forgetful], stdout=subprocess.DEVNULL
        )
        wait_for(self._answers, START_SECONDS, "Redis does not start")

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)
            self.process = None

    def waiting(self) -> int:
        """Return how many tasks wait for a worker."""
        with redis.Redis.from_url(self.url) as client:
            return int(client.llen("sandbox"))

    def _answers(self) -> bool:
        with suppress(redis.RedisError), redis.Redis.from_url(self.url) as client:
            return bool(client.ping())
        return False


class Worker:
    """`yimian worker` in a process of its own."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self._log = log
        with log.open("wb") as stderr:
            self.process = subprocess.Popen(
                [YIMIAN, "worker"], env=environment, stdout=subprocess.DEVNULL, stderr=stderr
            )

    def wait_until_ready(self) -> None:
        wait_for(lambda: "ready." in self._log.read_text(), START_SECONDS, self._log.name)

    def stop(self) -> int:
        """Ask it to end and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def kill(self) -> None:
        """End it as a crash would."""
        self.process.kill()
        self.process.wait(10)

    def log_lines(self) -> list[dict[str, object]]:
        """Return its log; every line of it is a JSON object."""
        return [json.loads(line) for line in self._log.read_text().splitlines()]
