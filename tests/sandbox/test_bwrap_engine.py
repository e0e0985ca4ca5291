"""Bubblewrap, really: what starts, what is capped, what leaks, what is left behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.grading.bwrap_engine import BubblewrapEngine, root_folder
from app.grading.cgroups import FAMILY, CgroupError, Hierarchy, find_hierarchy
from app.grading.hardening import UNUSED_IDS
from app.grading.instances import this_instance
from app.grading.runs import EngineUnavailableError, Outcome, RunLimits, SandboxBrokenError
from tests.sandboxes import ROOT, call, result

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.grading.sandbox_session import SandboxSession

ADD = call("def f(x):\n    return x + 1", {"x": 1})
SMALL = RunLimits(cpu_seconds=2, wall_seconds=6, memory_mb=64)
SECRET = "YIMIAN_SECRET_OF_THE_PARENT"


@pytest.fixture(scope="module")
def root() -> Path:
    subprocess.run([ROOT / "sandbox" / "build-image.sh"], check=True)
    return root_folder()


@pytest.fixture(scope="module")
def engine(root: Path) -> Iterator[BubblewrapEngine]:
    engine = BubblewrapEngine(root)
    yield engine
    engine.close()


@pytest.fixture
def sandbox(engine: BubblewrapEngine) -> Iterator[SandboxSession]:
    sandbox = engine.start()
    yield sandbox
    sandbox.close()


def groups(owner: str = "") -> set[Path]:
    """Return the folders of one process's groups, or of ours."""
    prefix = (owner or this_instance()).replace("/", "~") + "~"
    return {
        folder
        for base in find_hierarchy().bases.values()
        for folder in (base / FAMILY).glob("*")
        if folder.name.startswith(prefix)
    }


def cgroup(name: str) -> str:
    """Return one file of the only sandbox that we have."""
    (file,) = (found for folder in groups() if (found := folder / name).exists())
    return file.read_text().strip()


def processes() -> set[int]:
    return {
        int(pid) for folder in groups() for pid in (folder / "cgroup.procs").read_text().split()
    }


def inside() -> int:
    """Return the id, out here, of PID 1 of the only sandbox that we have."""
    (first,) = (
        pid
        for pid in processes()
        if Path(f"/proc/{pid}/status").read_text().partition("NSpid:")[2].split()[1] == "1"
    )
    return first


# --- Calls ----------------------------------------------------------------------------------


def test_calls_are_answered_and_nothing_is_left(engine: BubblewrapEngine) -> None:
    sandbox = engine.start()
    assert [result(run) for run in sandbox.run([ADD] * 3)] == [2, 2, 2]
    assert sandbox.alive
    assert not sandbox.spent
    left = processes()
    sandbox.close()
    sandbox.close()
    assert groups() == set()
    assert [pid for pid in left if Path(f"/proc/{pid}").exists()] == []


def test_large_values_pass_both_ways(sandbox: SandboxSession) -> None:
    big = np.arange(500_000, dtype=float)
    returned = result(sandbox.run([call("def f(x):\n    return x * 2", {"x": big})])[0])
    assert np.array_equal(np.asarray(returned), big * 2)


def test_the_probe_has_seen_it_all_in_a_sandbox(engine: BubblewrapEngine) -> None:
    report = engine.probe()
    assert report.problem is None
    assert (report.backend, report.verified, report.seccomp) == ("bubblewrap", True, True)
    assert report.memory_capped
    assert report.pids_capped
    assert report.cpu_capped
    assert report.version
    assert report.cgroup in {"1", "2"}


# --- Caps -----------------------------------------------------------------------------------


def test_a_bomb_of_memory_in_many_processes_meets_the_cap(sandbox: SandboxSession) -> None:
    """Each stays below its own limit; only the group's counts them together."""
    bomb = """
        import os
        import time

        def f():
            for _ in range(30):
                if os.fork() == 0:
                    held = bytearray(40 << 20)
                    time.sleep(60)
            time.sleep(60)
    """
    (run,) = sandbox.run([call(bomb, limits=SMALL)])
    # Which limit ends it first depends on how hard the kernel tries to find memory before it kills.
    assert run.outcome in {Outcome.MEMORY, Outcome.WALL_TIME, Outcome.CPU_TIME}
    assert "oom_kill 0" not in cgroup(find_hierarchy().dialect.kills)
    assert sandbox.spent
    assert result(sandbox.run([ADD])[0]) == 2


def test_a_bomb_of_processes_meets_the_cap(sandbox: SandboxSession) -> None:
    bomb = """
        import os
        import time

        def f():
            made = 0
            try:
                while True:
                    if os.fork() == 0:
                        time.sleep(60)
                    made += 1
            except OSError:
                return made
    """
    made = result(sandbox.run([call(bomb)])[0])
    assert made in range(40, 64)
    assert sandbox.spent
    assert result(sandbox.run([ADD])[0]) == 2


def test_the_memory_cap_follows_the_call(sandbox: SandboxSession) -> None:
    name = next(iter({find_hierarchy().dialect.memory}))
    caps = []
    for megabytes in (64, 900, 64):
        limits = RunLimits(cpu_seconds=2, wall_seconds=6, memory_mb=megabytes)
        sandbox.run([call("def f():\n    return 1", limits=limits)])
        caps.append(int(cgroup(name)) >> 20)
    assert caps[0] == caps[2] < caps[1]
    assert caps[1] >= 900


def test_all_of_it_is_in_the_group_from_the_start(sandbox: SandboxSession) -> None:
    assert result(sandbox.run([ADD])[0]) == 2
    seen = Path(f"/proc/{inside()}/cgroup").read_text()
    assert seen.count(f"/{FAMILY}/") == len(groups())


def test_one_cpu_is_all_there_is(sandbox: SandboxSession) -> None:
    """Four busy processes together get no more CPU than the wall clock shows, and a little."""
    busy = """
        import os
        import time

        def f():
            for _ in range(3):
                if os.fork() == 0:
                    break
            end = time.monotonic() + 1
            while time.monotonic() < end:
                pass
    """
    limits = RunLimits(cpu_seconds=5, wall_seconds=8, memory_mb=64)
    (run,) = sandbox.run([call(busy, limits=limits)])
    assert run.cpu_ms < 1.25 * run.wall_ms


# --- Leaks ----------------------------------------------------------------------------------


def test_nothing_of_the_parent_gets_in(
    engine: BubblewrapEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(SECRET, "of the parent")
    leak = os.open(tmp_path / "leak", os.O_CREAT | os.O_RDWR)
    os.set_inheritable(leak, True)  # noqa: FBT003 - it takes no keyword
    sandbox = engine.start()
    try:
        first = inside()
        environment = Path(f"/proc/{first}/environ").read_bytes()
        kinds = {
            f"{entry.readlink()}".partition(":")[0] for entry in Path(f"/proc/{first}/fd").iterdir()
        }
        command = Path(f"/proc/{first}/cmdline").read_bytes()
        status = Path(f"/proc/{first}/status").read_text()
    finally:
        sandbox.close()
        os.close(leak)
    names = {line.partition(b"=")[0] for line in environment.split(b"\0") if line}
    assert names == {b"OPENBLAS_NUM_THREADS", b"OMP_NUM_THREADS", b"LANG", b"PWD"}
    assert kinds <= {"pipe", "anon_inode", "/proc/1/oom_score_adj", "/proc/self/oom_score_adj"}
    assert str(ROOT).encode() not in command
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert fields["NoNewPrivs"] == "1"
    assert fields["Seccomp"] == "2"
    assert int(fields["CapEff"], 16) == int(fields["CapBnd"], 16) == 0
    if os.geteuid() == 0:
        assert all(int(number) in UNUSED_IDS for number in fields["Uid"].split())


def test_what_can_be_seen_from_inside(sandbox: SandboxSession) -> None:
    look = """
        import os

        def f():
            mounts = [line.split() for line in open("/proc/self/mountinfo")]
            return {
                "environment": sorted(os.environ),
                "dev": sorted(os.listdir("/dev")),
                "root": sorted(os.listdir("/")),
                "writable": sorted(m[4] for m in mounts if "rw" in m[5].split(",")),
                "host": os.uname().nodename,
                "cgroup": open("/proc/self/cgroup").read(),
                "network": [line.split(":")[0].strip() for line in open("/proc/net/dev")][2:],
            }
    """
    seen = result(sandbox.run([call(look)])[0])
    assert isinstance(seen, dict)
    assert seen["dev"] == sorted(["fd", "full", "null", "random", "urandom", "zero"])
    assert seen["host"] == "sandbox"
    assert seen["network"] == ["lo"]
    assert FAMILY not in str(seen["cgroup"])
    devices = {f"/dev/{name}" for name in ("full", "null", "random", "urandom", "zero")}
    assert seen["writable"] == sorted({"/proc", *devices})


# --- Ends -----------------------------------------------------------------------------------


def test_a_sandbox_that_was_killed_is_broken(engine: BubblewrapEngine) -> None:
    sandbox = engine.start()
    os.kill(inside(), signal.SIGKILL)
    with pytest.raises(SandboxBrokenError):
        sandbox.run([ADD])
    assert not sandbox.alive
    sandbox.close()
    assert groups() == set()


def test_nothing_is_left_of_many(engine: BubblewrapEngine) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        sandbox = engine.start()
        assert result(sandbox.run([ADD])[0]) == 2
        sandbox.close()
    assert groups() == set()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_sandbox_outlives_the_thread_that_asked_for_it(engine: BubblewrapEngine) -> None:
    started: list[SandboxSession] = []
    asking = threading.Thread(target=lambda: started.append(engine.start()))
    asking.start()
    asking.join()
    time.sleep(0.05)
    assert result(started[0].run([ADD])[0]) == 2
    started[0].close()


def test_orphans_of_a_dead_process_are_removed(engine: BubblewrapEngine) -> None:
    code = (
        "import os\n"
        "from app.grading.bwrap_engine import BubblewrapEngine, root_folder\n"
        "from app.grading.instances import this_instance\n"
        "sandbox = BubblewrapEngine(root_folder()).start()\n"
        "print(this_instance(), flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    died = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr
    owner = died.stdout.decode().strip()
    left = groups(owner)
    assert left
    for _ in range(100):
        if not any((folder / "cgroup.procs").read_text() for folder in left):
            break
        time.sleep(0.02)
    else:
        pytest.fail("its processes outlive it")
    mine = engine.start()
    assert engine.remove_orphans() >= 1
    assert groups(owner) == set()
    assert result(mine.run([ADD])[0]) == 2
    mine.close()


# --- Refusals -------------------------------------------------------------------------------


def no_groups() -> Hierarchy:
    raise CgroupError("no groups here")


def test_without_control_groups_no_code_is_run(root: Path) -> None:
    engine = BubblewrapEngine(root, hierarchy=no_groups)
    report = engine.probe()
    assert report.problem is not None
    assert "no groups here" in report.problem
    assert (report.cgroup, report.memory_capped, report.verified) == ("none", False, False)
    with pytest.raises(EngineUnavailableError, match="no groups here"):
        engine.start()
    with pytest.raises(EngineUnavailableError):
        engine.remove_orphans()
    engine.close()


def test_without_bubblewrap_or_a_root_it_is_said_what_is_missing(tmp_path: Path) -> None:
    for engine, missing in (
        (BubblewrapEngine(tmp_path, bwrap="no-such-bwrap"), "no-such-bwrap"),
        (BubblewrapEngine(tmp_path / "none"), r"build-image\.sh"),
        (BubblewrapEngine(tmp_path), "bubblewrap"),
    ):
        report = engine.probe()
        assert report.problem is not None
        with pytest.raises(EngineUnavailableError):
            engine.start()
        assert re.search(missing, report.problem)
        engine.close()
    assert groups() == set()


# --- The root file system -------------------------------------------------------------------


def test_the_root_holds_no_tool_and_nothing_that_all_may_write(root: Path) -> None:
    files = [path for path in root.rglob("*") if not path.is_symlink()]
    assert [path for path in files if path.stat().st_mode & 0o7022] == []
    assert [path.name for path in (root / "usr/bin").iterdir()] == ["python3"]
    assert [path for path in files if path.suffix == ".py"] == []
    assert sum(path.stat().st_size for path in files if path.is_file()) < 90 << 20


def test_what_candidates_import_is_there(sandbox: SandboxSession) -> None:
    """All of the standard library but screens, terminals, tests and packaging."""
    look = """
        import importlib
        import sys

        def f():
            missing = []
            for name in sys.stdlib_module_names:
                if name.startswith("_") or name in {"antigravity", "this"}:
                    continue
                try:
                    importlib.import_module(name)
                except ImportError:
                    missing.append(name)
            import numpy.testing
            return sorted(missing)
    """
    limits = RunLimits(cpu_seconds=20, wall_seconds=40, memory_mb=512)
    missing = result(sandbox.run([call(look, limits=limits)])[0])
    elsewhere = {"msilib", "msvcrt", "nt", "winreg", "winsound"}
    screens = {"curses", "idlelib", "readline", "rlcompleter", "tkinter", "turtle", "turtledemo"}
    packaging = {"distutils", "ensurepip", "lib2to3", "pydoc_data", "venv", "zipapp"}
    machines = {"nis", "ossaudiodev", "ssl"}
    assert missing == sorted(elsewhere | screens | packaging | machines)
