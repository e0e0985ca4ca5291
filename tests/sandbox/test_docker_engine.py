"""What the engine's side does when things go wrong, against the real engine and a scripted one."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import docker
import pytest

from app.grading import docker_engine, wire
from app.grading.docker_engine import (
    LABEL,
    OWNER_LABEL,
    AttachStream,
    DockerEngine,
    image_tag,
)
from app.grading.hardening import UNUSED_IDS
from app.grading.instances import this_instance
from app.grading.runs import (
    Call,
    CaseRun,
    EngineUnavailableError,
    Outcome,
    RunLimits,
    SandboxBrokenError,
)
from app.grading.values import encode_value
from app.kit.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
LIMITS = RunLimits(cpu_seconds=1, wall_seconds=2, memory_mb=64, stdout_bytes=10, result_bytes=100)
CALL = Call("def f(): return 1", "f", encode_value({}), LIMITS)
END = struct.Struct(">IchQQQI??")


# --- The stream -----------------------------------------------------------------------------


def framed(content: bytes, stream: int = 1) -> bytes:
    return struct.pack(">BxxxI", stream, len(content)) + content


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">cI", kind, len(content)) + content


def ending(
    sequence: int = 1,
    reason: bytes = b"x",
    exit_code: int = 0,
    cpu_us: int = 1000,
    *,
    last: bool = False,
) -> bytes:
    facts = (sequence, reason, exit_code, cpu_us, 2000, 300, 0, False, last)
    return chunk(b"E", END.pack(*facts))


class Pair:
    """A stream whose other end says what the test wants."""

    def __init__(self) -> None:
        ours, self.theirs = socket.socketpair()
        self.stream = AttachStream(ours, SystemClock())

    def says(self, *parts: bytes) -> None:
        self.theirs.sendall(b"".join(parts))

    def close(self) -> None:
        self.stream.close()
        self.theirs.close()


@pytest.fixture
def pair() -> Iterator[Pair]:
    pair = Pair()
    yield pair
    pair.close()


def run_of(pair: Pair, *, short_of_memory: bool = False) -> CaseRun:
    ((_, got, facts),) = wire.exchange(pair.stream, [CALL], 1)
    return wire.case_run(LIMITS, got, facts, short_of_memory=short_of_memory)


def test_frames_may_be_cut_anywhere(pair: Pair) -> None:
    said = chunk(b"S", b"hi") + chunk(b"R", b"RT") + ending()
    pair.says(*(framed(said[at : at + 1]) for at in range(len(said))))
    run = run_of(pair)
    assert (run.outcome, run.stdout, run.result) == (Outcome.RETURNED, "hi", b"T")


def test_stderr_is_no_part_of_the_protocol(pair: Pair) -> None:
    pair.says(framed(b"noise" * 10_000, stream=2), framed(chunk(b"R", b"RT") + ending()))
    assert run_of(pair).outcome is Outcome.RETURNED


@pytest.mark.parametrize(
    "said",
    [
        framed(chunk(b"Q", b"")),
        framed(chunk(b"H", b"")),
        framed(chunk(b"E", b"short")),
        framed(ending(sequence=2)),
        framed(chunk(b"S", b"x" * 11)),
        framed(chunk(b"S", b"x" * 6) + chunk(b"S", b"x" * 6)),
        framed(struct.pack(">cI", b"R", 0xFFFFFFFF)),
    ],
)
def test_what_the_fork_server_cannot_have_meant_breaks_the_sandbox(pair: Pair, said: bytes) -> None:
    pair.says(said)
    with pytest.raises(SandboxBrokenError):
        run_of(pair)


def test_the_end_of_the_stream_breaks_the_sandbox_and_tells_what_it_said(pair: Pair) -> None:
    pair.says(framed(b"Traceback: it fell", stream=2), framed(b"S"))
    pair.theirs.shutdown(socket.SHUT_WR)
    with pytest.raises(SandboxBrokenError, match="it fell"):
        run_of(pair)


def test_silence_breaks_the_sandbox(pair: Pair) -> None:
    with pytest.raises(SandboxBrokenError):
        pair.stream.read(1, 0.01)


def test_a_stream_that_takes_nothing_breaks_the_sandbox(pair: Pair) -> None:
    pair.stream.post(iter([b"x" * 50_000_000]))
    with pytest.raises(SandboxBrokenError):
        pair.stream.read(1, 0.05)


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        (ending(), Outcome.RETURNED),
        (ending(reason=b"w"), Outcome.WALL_TIME),
        (ending(reason=b"c"), Outcome.CPU_TIME),
        (ending(reason=b"w", cpu_us=1_000_001), Outcome.CPU_TIME),
        (ending(cpu_us=1_000_001), Outcome.CPU_TIME),
        (ending(exit_code=-9, cpu_us=2_000_000), Outcome.CPU_TIME),
        (ending(reason=b"S"), Outcome.OUTPUT),
        (ending(reason=b"R"), Outcome.OUTPUT),
        (ending(exit_code=1), Outcome.DIED),
        (ending(exit_code=-11), Outcome.DIED),
        (ending(exit_code=-9), Outcome.DIED),
    ],
)
def test_the_fork_server_s_facts_outrank_the_child_s_word(
    pair: Pair, facts: bytes, outcome: Outcome
) -> None:
    pair.says(framed(chunk(b"R", b"RT") + facts))
    assert run_of(pair).outcome is outcome


def test_a_kill_that_the_kernel_sent_for_memory(pair: Pair) -> None:
    pair.says(framed(ending(exit_code=-9)))
    assert run_of(pair, short_of_memory=True).outcome is Outcome.MEMORY


# --- The engine -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerEngine]:
    subprocess.run([ROOT / "sandbox" / "build-image.sh"], check=True)
    engine = DockerEngine(image_tag())
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def client() -> Iterator[docker.APIClient]:
    client = docker.APIClient()
    yield client
    client.close()


def containers(client: docker.APIClient) -> set[str]:
    """Return those of this process; others may run beside."""
    own = {"label": f"{OWNER_LABEL}={this_instance()}"}
    return {entry["Id"] for entry in client.containers(all=True, filters=own)}


def test_a_sandbox_is_gone_after_close(engine: DockerEngine, client: docker.APIClient) -> None:
    before = containers(client)
    sandbox = engine.start()
    (started,) = containers(client) - before
    assert sandbox.run([CALL])[0].outcome is Outcome.RETURNED
    sandbox.close()
    sandbox.close()
    assert started not in containers(client)


def test_a_container_that_was_killed_is_a_broken_sandbox(
    engine: DockerEngine, client: docker.APIClient
) -> None:
    before = containers(client)
    sandbox = engine.start()
    (started,) = containers(client) - before
    client.kill(started)
    with pytest.raises(SandboxBrokenError):
        sandbox.run([CALL])
    sandbox.close()


def test_a_paused_container_is_a_broken_sandbox(
    engine: DockerEngine, client: docker.APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "GRACE_SECONDS", -1.5)
    before = containers(client)
    sandbox = engine.start()
    (started,) = containers(client) - before
    client.pause(started)
    with pytest.raises(SandboxBrokenError):
        sandbox.run([CALL])
    sandbox.close()
    assert started not in containers(client)


def test_the_container_is_as_closed_as_it_is_meant_to_be(
    engine: DockerEngine, client: docker.APIClient
) -> None:
    before = containers(client)
    sandbox = engine.start()
    (started,) = containers(client) - before
    found = client.inspect_container(started)
    sandbox.close()
    host = found["HostConfig"]
    assert host["NetworkMode"] == "none"
    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"]
    assert host["Privileged"] is False
    assert host["IpcMode"] == "none"
    assert host["LogConfig"]["Type"] == "none"
    assert host["Memory"] == host["MemorySwap"] > 0
    assert host["PidsLimit"] == 64
    assert host["Binds"] is None
    assert "no-new-privileges" in host["SecurityOpt"]
    assert any('"defaultAction": "SCMP_ACT_ERRNO"' in opt for opt in host["SecurityOpt"])
    assert found["Mounts"] == []
    assert found["Config"]["Tty"] is False
    user, group = map(int, found["Config"]["User"].split(":"))
    assert user == group
    assert user in UNUSED_IDS


def test_the_fork_server_refuses_a_container_that_is_not_closed(engine: DockerEngine) -> None:
    opened = subprocess.run(
        ["docker", "run", "--rm", "-i", engine.probe().image],
        input=b"",
        capture_output=True,
        check=False,
    )
    assert opened.returncode == 5
    said = opened.stderr.decode()
    for door in ("sockets", "/ can", "/dev can", "/sys", "PID 1", "privileges"):
        assert door in said


def test_the_memory_cap_follows_the_call(engine: DockerEngine, client: docker.APIClient) -> None:
    before = containers(client)
    sandbox = engine.start()
    (started,) = containers(client) - before
    hungry = replace(CALL, limits=replace(LIMITS, memory_mb=900))
    caps = []
    for call in (CALL, hungry, CALL):
        assert sandbox.run([call])[0].outcome is Outcome.RETURNED
        caps.append(client.inspect_container(started)["HostConfig"]["Memory"] >> 20)
    sandbox.close()
    assert caps == [192, 1024, 192]


def test_probe_finds_the_engine_fit(engine: DockerEngine) -> None:
    report = engine.probe()
    assert report.problem is None
    assert report.reachable
    assert report.memory_capped
    assert report.pids_capped
    assert report.verified
    assert report.seccomp
    assert report.version


def test_a_missing_image_is_said_to_be_missing() -> None:
    engine = DockerEngine("yimian-sandbox:no-such-tag")
    with pytest.raises(EngineUnavailableError, match=r"build-image\.sh"):
        engine.start()
    engine.close()


def test_an_image_that_is_built_later_is_found_and_kept(tmp_path: Path) -> None:
    record = tmp_path / "sandbox-image"
    engine = DockerEngine(lambda: image_tag(record))
    with pytest.raises(EngineUnavailableError, match="no sandbox image is built"):
        engine.start()
    record.write_text("yimian-sandbox:no-such-tag")
    with pytest.raises(EngineUnavailableError, match="no-such-tag"):
        engine.start()
    record.write_text(image_tag())
    engine.start().close()
    record.write_text("yimian-sandbox:of-a-later-build")
    assert engine.probe().image == image_tag()
    engine.close()


def test_no_engine_is_said_to_be_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    engine = DockerEngine("whatever")
    assert not engine.probe().reachable
    with pytest.raises(EngineUnavailableError, match="no container engine answers"):
        engine.start()
    with pytest.raises(EngineUnavailableError):
        engine.remove_orphans()


def test_an_unknown_runtime_starts_nothing(client: docker.APIClient) -> None:
    before = containers(client)
    engine = DockerEngine(image_tag(), runtime="no-such-runtime")
    with pytest.raises(EngineUnavailableError):
        engine.start()
    engine.close()
    assert containers(client) == before


FIT = {
    "MemoryLimit": True,
    "PidsLimit": True,
    "SecurityOptions": ["name=seccomp,profile=default"],
    "Runtimes": {"runc": {"path": "runc"}, "runsc": {"path": "/usr/bin/runsc"}},
}
ROOTLESS = ["name=seccomp,profile=default", "name=rootless"]


@pytest.mark.parametrize(
    ("info", "wanted"),
    [
        ({"MemoryLimit": False}, "does not enforce a limit on memory"),
        ({"PidsLimit": False}, "does not enforce a limit on processes"),
        (
            {"MemoryLimit": False, "PidsLimit": False, "SecurityOptions": ROOTLESS},
            "limit on memory and processes: a rootless one needs cgroup v2",
        ),
        ({"SecurityOptions": ["name=apparmor"]}, "does not filter system calls"),
        ({"SecurityOptions": None}, "does not filter system calls"),
        ({"Runtimes": {"runc": {}}}, "has no runtime 'runsc'"),
    ],
)
def test_an_engine_that_cannot_hold_strangers_code_is_refused(
    info: dict[str, object], wanted: str
) -> None:
    problem = docker_engine.problem_of({**FIT, **info}, "i", image_present=True, runtime="runsc")
    assert problem is not None
    assert wanted in problem


@pytest.mark.parametrize("info", [FIT, {**FIT, "SecurityOptions": ROOTLESS}])
def test_an_engine_with_all_limits_is_fit(info: dict[str, object]) -> None:
    assert docker_engine.problem_of(info, "image", image_present=True) is None


def test_a_dead_process_leaves_no_container(client: docker.APIClient) -> None:
    code = (
        "import os\n"
        "from app.grading.docker_engine import DockerEngine, image_tag\n"
        "sandbox = DockerEngine(image_tag()).start()\n"
        "print(sandbox._walls.id, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    died = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False)
    assert died.returncode == -9, died.stderr
    container = died.stdout.decode().strip()
    assert len(container) == 64
    for _ in range(100):
        if container not in {entry["Id"] for entry in client.containers(all=True)}:
            return
        time.sleep(0.1)
    pytest.fail("it outlived its process")


def labelled(client: docker.APIClient, owner: str) -> str:
    created = client.create_container(
        image_tag(), labels={LABEL: "1", OWNER_LABEL: owner}, stdin_open=True
    )
    return str(created["Id"])


def test_only_sandboxes_of_dead_processes_are_orphans(
    engine: DockerEngine, client: docker.APIClient
) -> None:
    namespace = this_instance().rsplit("/", 2)[0]
    dead = labelled(client, f"{namespace}/{os.getpid()}/1")  # our pid, but started at another time
    mine = labelled(client, this_instance())
    foreign = labelled(client, "another-boot/pid:[1]/1/1")
    running = engine.start()
    try:
        assert engine.remove_orphans() >= 1
        left = {entry["Id"] for entry in client.containers(all=True)}
        assert dead not in left
        assert {mine, foreign} <= left
        assert running.run([CALL])[0].outcome is Outcome.RETURNED
    finally:
        running.close()
        client.remove_container(mine)
        client.remove_container(foreign)


def test_an_unbuilt_image_has_no_name(tmp_path: Path) -> None:
    assert image_tag(tmp_path / "none") == ""
