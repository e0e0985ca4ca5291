"""The fork server in gVisor: calls, limits and the main attacks, in a kernel of its own.

What differs, and why: gVisor masks nothing in /proc, so that a sandbox serves one run; its users
may open the descriptors of all their processes, so that PID 1 is another user than the calls; and
a bomb of processes ends the sandbox, because the cap on processes holds gVisor itself.
"""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import docker
import pytest

from app.grading.docker_engine import OWNER_LABEL, DockerEngine, image_tag
from app.grading.instances import this_instance
from app.grading.runs import Call, CaseRun, Outcome, RunLimits, SandboxBrokenError
from tests.sandboxes import ROOT, call, result

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.grading.sandbox_session import SandboxSession

RUNTIME = "yimian-runsc"
LIMITS = RunLimits(cpu_seconds=0.5, wall_seconds=3, memory_mb=128)
ADD = call("def f(x):\n    return x + 1", {"x": 1})


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerEngine]:
    subprocess.run([ROOT / "sandbox" / "build-image.sh"], check=True)
    subprocess.run([ROOT / "sandbox" / "ensure-gvisor.sh", "--required"], check=True)
    engine = DockerEngine(image_tag(), runtime=RUNTIME)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def sandbox(engine: DockerEngine) -> Iterator[SandboxSession]:
    sandbox = engine.start()
    yield sandbox
    sandbox.close()


@pytest.fixture(scope="module")
def after_attacks(sandbox: SandboxSession) -> Iterator[SandboxSession]:
    """Give the sandbox on which each of these attacks is tried, and look at it afterwards."""
    yield sandbox
    assert result(sandbox.run([ADD])[0]) == 2


def limited(code: str) -> Call:
    return call(code, limits=LIMITS)


def one(sandbox: SandboxSession, code: str) -> CaseRun:
    return sandbox.run([limited(code)])[0]


def test_it_is_gvisor_and_numpy_counts_in_it(sandbox: SandboxSession) -> None:
    run = one(
        sandbox,
        """
        import os
        import numpy as np

        def f():
            return [os.path.exists("/proc/sentry-meminfo"), float(np.linalg.det(np.eye(3) * 2))]
        """,
    )
    assert result(run) == [True, pytest.approx(8.0)]


def test_a_batch_is_answered_in_order(sandbox: SandboxSession) -> None:
    calls = [call("def f(x):\n    return x * x", {"x": number}) for number in range(10)]
    assert [result(run) for run in sandbox.run(calls)] == [n * n for n in range(10)]


def test_what_its_kernel_remembers_serves_no_second_run(engine: DockerEngine) -> None:
    sandbox = engine.start()
    spent_before = sandbox.spent
    assert result(sandbox.run([ADD])[0]) == 2
    assert (spent_before, sandbox.spent) == (False, True)
    sandbox.close()


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("def f():\n    while True: pass", Outcome.CPU_TIME),
        ("import time\ndef f():\n    time.sleep(60)", Outcome.WALL_TIME),
        ("def f():\n    a = []\n    while True: a.append(bytearray(1 << 20))", Outcome.MEMORY),
        ("def f():\n    print('x' * 10_000_000)", Outcome.OUTPUT),
        ("import os\ndef f():\n    os.abort()", Outcome.DIED),
        ("def f():\n    return object()", Outcome.NOT_DATA),
    ],
)
def test_limits_hold(after_attacks: SandboxSession, code: str, outcome: Outcome) -> None:
    assert one(after_attacks, code).outcome is outcome


@pytest.mark.parametrize(
    "code",
    [
        "import socket\ndef f():\n    socket.socket()",
        "import ctypes\ndef f():\n    assert ctypes.CDLL(None).unshare(0x10000000) == 0",
        "import ctypes\ndef f():\n    assert ctypes.CDLL(None).ptrace(16, 1, 0, 0) == 0",
        "import os\ndef f():\n    os.open('/proc/1/mem', os.O_RDONLY)",
        "import os\ndef f():\n    os.open('/proc/1/fd/0', os.O_RDONLY | os.O_NONBLOCK)",
        "import os\ndef f():\n    os.open('/proc/1/fd/1', os.O_WRONLY | os.O_NONBLOCK)",
        "import os\ndef f():\n    os.kill(1, 9)",
        "import os\ndef f():\n    os.kill(-1, 9)",
        "import os\ndef f():\n    os.setuid(0)",
        *(
            f"def f():\n    open({path!r}, 'w')"
            for path in ("/x", "/tmp/x", "/dev/x", "/dev/shm/x", "/opt/x", "/proc/x")  # noqa: S108
        ),
    ],
)
def test_what_is_forbidden_raises(after_attacks: SandboxSession, code: str) -> None:
    assert one(after_attacks, code).outcome is Outcome.RAISED


def test_no_process_survives_its_call(after_attacks: SandboxSession) -> None:
    stray = """
        import os
        import time

        def f():
            for _ in range(5):
                if os.fork() == 0:
                    os.setsid()
                    time.sleep(60)
    """
    look = """
        import os

        def f():
            return len([name for name in os.listdir("/proc") if name.isdigit()])
    """
    ran, looked = after_attacks.run([limited(stray), limited(look)])
    assert ran.outcome is Outcome.RETURNED
    assert result(looked) == 2  # PID 1 and the call itself


def test_a_bomb_of_processes_ends_only_its_own_sandbox(engine: DockerEngine) -> None:
    victim, other = engine.start(), engine.start()
    try:
        with pytest.raises(SandboxBrokenError):
            one(victim, "import os\ndef f():\n    while True: os.fork()")
        assert not victim.alive
        assert result(other.run([ADD])[0]) == 2
    finally:
        victim.close()
        other.close()


def test_no_container_is_left(engine: DockerEngine) -> None:
    """Ended ones as well: each removes itself, and the engine what it was told to."""
    before = containers()
    engine.start().close()
    assert containers() <= before


def containers() -> set[str]:
    client = docker.APIClient()
    own = {"label": f"{OWNER_LABEL}={this_instance()}"}
    found = {entry["Id"] for entry in client.containers(all=True, filters=own)}
    client.close()
    return found
