"""Sandboxes under bubblewrap: the same fork server and walls where no container engine is."""

from __future__ import annotations

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from app.grading import wire
from app.grading.cgroups import Caps, CgroupError, find_hierarchy
from app.grading.hardening import (
    DEFAULT_PIDS,
    HOST_NAME,
    MASKED_PATHS,
    MAX_FILES,
    ROOT_NAME_FILE,
    SECCOMP,
    draw_user,
)
from app.grading.runs import EngineReport, EngineUnavailableError, SandboxBrokenError
from app.grading.sandbox_session import DEFAULT_MEMORY_MB, SandboxSession, check_caps
from app.grading.seccomp_filter import SeccompError, compile_profile
from app.grading.streams import PumpedStream
from app.kit.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from app.grading.cgroups import Group, Hierarchy
    from app.kit.clock import Clock

BACKEND = "bubblewrap"
SECONDS_TO_END = 1.0
DEVICES = ("null", "zero", "full", "random", "urandom")
# Waits until it is in its group, limits itself as a container engine would (no core files, nothing
# written, nothing locked, few descriptors), then becomes bubblewrap.
LIMITS = f"ulimit -c 0 && ulimit -f 0 && ulimit -l 0 && ulimit -n {MAX_FILES}"
LAUNCH = ("/bin/sh", "-c", f'read -r _ && {LIMITS} && exec "$@"', "sh")
IMPORT_PATH = "import sys; sys.path[:0] = ['/opt/yimian/lib', '/opt/yimian/site']"
SERVE = f"{IMPORT_PATH}; from sandbox.forkserver import main; main()"
ENTRY_POINT = ("/usr/bin/python3", "-I", "-S", "-B", "-c", SERVE)
ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "LANG": "C.UTF-8"}
# Empty things in the root file system, to be put over what must not be seen.
EMPTY_FILE, EMPTY_FOLDER = "opt/yimian/empty/file", "opt/yimian/empty/folder"


def root_folder(file: Path = ROOT_NAME_FILE) -> Path:
    """Return the root file system that sandbox/build-image.sh made last; it may not exist."""
    return file.parent / (file.read_text().strip() if file.exists() else "sandbox-root")


class BubblewrapEngine:
    """Starts sandboxes under ``bwrap`` in the file system `root`, capped by control groups.

    `memory_mb` caps all processes of a new sandbox together, in MiB (a call with another limit
    changes that first); `pids` caps its processes and threads. `hierarchy` finds where groups
    can be made and raises CgroupError where there is no such place. `root` may be asked for, until
    it is there: it may be built later.

    Raises ValueError for caps under which nothing could run, or that cap nothing.
    """

    def __init__(
        self,
        root: Path | Callable[[], Path],
        *,
        bwrap: str = "bwrap",
        hierarchy: Callable[[], Hierarchy] = find_hierarchy,
        memory_mb: int = DEFAULT_MEMORY_MB,
        pids: int = DEFAULT_PIDS,
        clock: Clock | None = None,
    ) -> None:
        self._find_root: Callable[[], Path] = root.absolute if isinstance(root, Path) else root
        self._root = self._find_root().absolute()
        self._bwrap = bwrap
        self._find_hierarchy = hierarchy
        check_caps(memory_mb, pids)
        self._memory_mb = memory_mb
        self._pids = pids
        self._clock = clock or SystemClock()
        self._caps: Caps | None = None  # of the first sandbox that started
        # A sandbox dies with the thread that forked it, so one that stays forks all of them.
        self._starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="bwrap")

    def start(self) -> SandboxSession:
        """Start a sandbox and wait until its fork server is ready.

        Raises EngineUnavailableError, also where memory or processes cannot be capped.
        """
        if not self._has_root():
            raise EngineUnavailableError(self._missing_root())
        try:
            return self._start()
        except (CgroupError, SeccompError, SandboxBrokenError, OSError) as error:
            raise EngineUnavailableError(f"no sandbox under bubblewrap: {error}") from error

    def probe(self) -> EngineReport:
        """Return what bubblewrap can do here; the first time, by starting a sandbox."""
        problem = self._problem()
        caps = self._caps or Caps(memory=False, swap=False, pids=False, cpu=False)
        return EngineReport(
            reachable=shutil.which(self._bwrap) is not None,
            problem=problem,
            backend=BACKEND,
            version=_version(self._bwrap),
            cgroup=self._cgroup_version(),
            memory_capped=caps.memory,
            swap_capped=caps.swap,
            pids_capped=caps.pids,
            cpu_capped=caps.cpu,
            verified=self._caps is not None,
            seccomp=self._caps is not None,
            image=self._root.name,
        )

    def remove_orphans(self) -> int:
        """Remove what dead instances left behind; return how many sandboxes.

        They end by themselves when their process does; their groups stay.
        """
        try:
            orphans = self._find_hierarchy().orphans()
            for orphan in orphans:
                orphan.remove()
        except CgroupError as error:
            raise EngineUnavailableError(f"orphans cannot be removed: {error}") from error
        return len(orphans)

    def close(self) -> None:
        """Give back the thread that started the sandboxes; those that still run end with it."""
        self._starter.shutdown()

    def _problem(self) -> str | None:
        if shutil.which(self._bwrap) is None:
            return f"there is no {self._bwrap} command (Debian's bubblewrap)"
        if not self._has_root():
            return self._missing_root()
        if self._caps is None:
            try:
                self.start().close()
            except EngineUnavailableError as error:
                return str(error)
        return None

    def _has_root(self) -> bool:
        if not self._root.is_dir():
            self._root = self._find_root().absolute()
        return self._root.is_dir()

    def _missing_root(self) -> str:
        return f"the root file system {self._root.name} is missing: run sandbox/build-image.sh"

    def _cgroup_version(self) -> str:
        try:
            return f"{self._find_hierarchy().dialect.version}"
        except CgroupError:
            return "none"

    def _start(self) -> SandboxSession:
        group = self._find_hierarchy().new_group()
        walls, stream = None, None
        try:
            # One more process than a container has: bubblewrap itself waits outside.
            caps = group.make(self._memory_mb, self._pids + 1)
            process = self._starter.submit(self._launch).result()
            walls = BubblewrapWalls(process, group)
            stream = PipeStream(process, self._clock)
            group.add(process.pid)
            stream.post(iter([b"\n"]))
            once = wire.await_ready(stream)
        except BaseException:
            if stream is not None:
                stream.close()
            (walls or group).remove()
            raise
        self._caps = caps
        return SandboxSession(
            stream, walls, memory_mb=self._memory_mb, once=once, clock=self._clock
        )

    def _launch(self) -> subprocess.Popen[bytes]:
        inside = draw_user()
        # Only root can run it as somebody else; otherwise all sandboxes are the same user outside.
        user = None if os.geteuid() else inside
        with os.fdopen(os.memfd_create("seccomp"), "w+b", buffering=0) as seccomp:
            seccomp.write(_seccomp_program())
            seccomp.seek(0)
            command = bwrap_command(self._bwrap, self._root, inside, seccomp.fileno())
            return subprocess.Popen(  # noqa: S603 - our own words
                [*LAUNCH, *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                cwd="/",
                env={},
                pass_fds=[seccomp.fileno()],
                start_new_session=True,  # no signal of the terminal reaches it
                user=user,
                group=user,
                extra_groups=None if user is None else [],
            )


def bwrap_command(bwrap: str, root: Path, user: int, seccomp: int) -> list[str]:
    """Return what starts a fork server in `root` as `user`; descriptor `seccomp` has the filter."""
    return [
        *(bwrap, "--unshare-all", "--unshare-user", "--die-with-parent", "--new-session"),
        *("--as-pid-1", "--cap-drop", "ALL", "--seccomp", f"{seccomp}"),
        *("--uid", f"{user}", "--gid", f"{user}", "--hostname", HOST_NAME),
        *("--ro-bind", f"{root}", "/", "--proc", "/proc", "--tmpfs", "/dev"),
        *_each("--dev-bind", ((f"/dev/{name}", f"/dev/{name}") for name in DEVICES)),
        *("--symlink", "/proc/self/fd", "/dev/fd", "--remount-ro", "/dev"),
        *_each("--ro-bind", _masks(root)),
        *("--chdir", "/", "--clearenv"),
        *_each("--setenv", ENVIRONMENT.items()),
        *ENTRY_POINT,
    ]


def _each(option: str, pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    for one, other in pairs:
        yield from (option, one, other)


def _masks(root: Path) -> Iterator[tuple[str, str]]:
    """Give what is to be put over what; this kernel may lack some of it, and our /dev all."""
    for masked in MASKED_PATHS:
        if masked.startswith("/dev/"):
            continue
        # The sandbox's /proc shows what ours shows, with a PID 1 like any process.
        ours = Path(masked.replace("/proc/1/", "/proc/self/"))
        seen = ours if masked.startswith("/proc/") else root / masked.lstrip("/")
        if seen.exists():
            yield f"{root / (EMPTY_FOLDER if seen.is_dir() else EMPTY_FILE)}", masked


@cache
def _seccomp_program() -> bytes:
    return compile_profile(SECCOMP)


@cache
def _version(bwrap: str) -> str:
    """Return the number that bubblewrap gives itself."""
    if shutil.which(bwrap) is None:
        return ""
    said = subprocess.run([bwrap, "--version"], capture_output=True, check=False)  # noqa: S603 - set by the operator
    return said.stdout.decode().removeprefix("bubblewrap").strip()


class PipeStream(PumpedStream):
    """The standard streams of a process, as pipes."""

    MAX_STDERR = 1 << 16

    def __init__(self, process: subprocess.Popen[bytes], clock: Clock) -> None:
        self._pipes = [pipe for pipe in (process.stdin, process.stdout, process.stderr) if pipe]
        target, source, self._err = (pipe.fileno() for pipe in self._pipes)
        super().__init__(source, target, clock)
        os.set_blocking(self._err, False)

    def close(self) -> None:
        """Close our ends, and with them the fork server's stdin; may be called twice."""
        super().close()
        for pipe in self._pipes:
            pipe.close()

    def _said(self) -> str:
        try:
            said = os.read(self._err, self.MAX_STDERR)
        except BlockingIOError:
            said = b""
        return said.decode("utf-8", "replace").strip()


class BubblewrapWalls:
    """What holds one sandbox: its process outside, and its control group."""

    def __init__(self, process: subprocess.Popen[bytes], group: Group) -> None:
        self._process = process
        self._group = group
        self._kills = 0

    def cap_memory(self, memory_mb: int) -> None:
        """Cap the MiB that all its processes use together."""
        try:
            self._group.cap_memory(memory_mb)
        except CgroupError as error:
            raise SandboxBrokenError(f"its memory could not be capped: {error}") from error

    def was_short_of_memory(self, since: datetime) -> bool:  # noqa: ARG002 - the count says it
        """Return whether the kernel killed for lack of memory since it was last asked."""
        try:
            kills = self._group.kills()
        except CgroupError as error:
            raise SandboxBrokenError(f"{error}") from error
        grown, self._kills = kills > self._kills, kills
        return grown

    def remove(self) -> None:
        """Kill all of it and remove the group."""
        # The process outside comes last: it reaps PID 1, which else somebody else had to.
        self._group.kill(spare=self._process.pid)
        try:
            self._process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
        try:
            self._group.remove()
        except CgroupError as error:
            raise EngineUnavailableError(f"a sandbox could not be removed: {error}") from error
        self._process.wait()
