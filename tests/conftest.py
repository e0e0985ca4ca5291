"""What tests of several floors share: a running server, and the image that it runs code in."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import URLError

import pytest
from argon2 import PasswordHasher

from app.accounts import passwords
from tests.chromium import launch_chromium
from tests.site import PASSWORD, Site, build_site, stock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parents[1]
YIMIAN = Path(sys.executable).with_name("yimian")
START_SECONDS = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Server:
    """`yimian serve` in a process of its own, with its own data directory."""

    data_dir: Path
    bank_dir: Path
    port: int
    extra: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {
            "YIMIAN_DATA_DIR": str(self.data_dir),
            "YIMIAN_BANK_DIR": str(self.bank_dir),
            "YIMIAN_SANDBOX_IMAGE": (ROOT / "var/sandbox-image").read_text().strip(),
            **self.extra,
        }

    def run(self, *arguments: str) -> str:
        """Run a command on the server's data and return what it printed."""
        done = subprocess.run(
            [YIMIAN, *arguments], env=self.environment, check=True, capture_output=True, text=True
        )
        return done.stdout

    def start(self) -> None:
        with (self.data_dir / "serve.log").open("ab") as log:
            self.process = subprocess.Popen(
                [YIMIAN, "serve", "--port", str(self.port)],
                env=self.environment,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.is_up():
            assert time.monotonic() < deadline, (self.data_dir / "serve.log").read_text()
            time.sleep(0.1)

    def is_up(self) -> bool:
        with suppress(URLError, OSError), urllib.request.urlopen(f"{self.url}/readyz") as answer:
            return bool(answer.status == 200)
        return False

    def stop(self, with_signal: signal.Signals = signal.SIGTERM) -> None:
        if self.process is not None:
            self.process.send_signal(with_signal)
            self.process.wait(30)
            self.process = None


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser of one module: its event loop must not run on under other tests."""
    with launch_chromium() as chromium:
        yield chromium


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with prepared_server(tmp_path_factory.mktemp("data"), ROOT / "questions") as running:
        yield running


@contextmanager
def prepared_server(data_dir: Path, bank_dir: Path) -> Iterator[Server]:
    """Run a server with one person of each role; it is ready once its bank is on offer."""
    running = Server(data_dir, bank_dir, free_port())
    running.run("db", "upgrade")
    for role in ("candidate", "mentor", "admin"):
        running.run("user", "add", f"{role}@site.test", "--role", role, "--password", PASSWORD)
    running.start()
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="session")
def _cheap_hashes() -> None:
    """Hash passwords in a moment; tests/accounts/test_passwords.py asks for the real cost."""
    passwords._hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)  # noqa: SLF001
    passwords._DECOY = passwords.hash_password("nobody's")  # noqa: SLF001


@pytest.fixture(scope="session")
def stocked(tmp_path_factory: pytest.TempPathFactory, _cheap_hashes: None) -> Path:
    """A data directory with a migrated database, the small bank and people, to be copied."""
    directory = tmp_path_factory.mktemp("stocked")
    stock(directory)
    return directory


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where one test's site after the other is built."""
    return tmp_path_factory.mktemp("ground") / "site"


@pytest.fixture
def site(stocked: Path, ground: Path) -> Iterator[Site]:
    """A site of one's own: no containers, no threads, a clock that stands still."""
    shutil.copytree(stocked, ground)
    site = build_site(ground)
    yield site
    site.close()
    shutil.rmtree(ground)
