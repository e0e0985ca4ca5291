"""Control groups: what caps memory, processes and CPU of a sandbox where no engine does it.

Version 1 has a hierarchy for each controller and wants root; version 2 has one for all, and a
subtree of it may be delegated to a service. Both are folders and files. Every limit is read back:
a machine may lack it, and then the file is missing or says something else.
"""

from __future__ import annotations

import errno
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from app.grading.instances import is_dead, this_instance

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MIB = 1 << 20
FAMILY = "yimian"  # the folder that holds the groups of all instances
SERVICE = "yimian-service"  # in version 2, the group of the program itself
CONTROLLERS = ("memory", "pids", "cpu")
CPU_PERIOD_US = 100_000
ROUNDING = 1 << 16  # the kernel rounds memory to pages, which are no larger than this
REMOVE_TRIES, REMOVE_PAUSE = 5000, 0.002  # seconds

_numbers = count()


class CgroupError(Exception):
    """A group that holds hostile code cannot be made, or it cannot be removed; says why."""


@dataclass(frozen=True, slots=True)
class Caps:
    """Which limits hold, as they were read back from the kernel."""

    memory: bool
    swap: bool
    pids: bool
    cpu: bool


@dataclass(frozen=True, slots=True)
class Dialect:
    """What differs between the versions: names of files, and whether swap counts memory, too."""

    version: int
    memory: str
    swap: str
    swap_counts_memory: bool
    kills: str
    cpu: Mapping[str, str]


V1 = Dialect(
    version=1,
    memory="memory.limit_in_bytes",
    swap="memory.memsw.limit_in_bytes",
    swap_counts_memory=True,
    kills="memory.oom_control",
    cpu={"cpu.cfs_period_us": f"{CPU_PERIOD_US}", "cpu.cfs_quota_us": f"{CPU_PERIOD_US}"},
)
V2 = Dialect(
    version=2,
    memory="memory.max",
    swap="memory.swap.max",
    swap_counts_memory=False,
    kills="memory.events",
    cpu={"cpu.max": f"{CPU_PERIOD_US} {CPU_PERIOD_US}"},
)


@dataclass(frozen=True, slots=True)
class Group:
    """The group of one sandbox: a folder for each controller, in version 2 always the same one."""

    folders: Mapping[str, Path]
    dialect: Dialect

    def make(self, memory_mb: int, pids: int) -> Caps:
        """Make its folders and set its limits. Raises CgroupError without memory and pids caps."""
        try:
            for folder in self._distinct():
                folder.mkdir(parents=True)
        except OSError as error:
            raise CgroupError(f"no control group can be made: {error}") from error
        if not _written(self.folders["pids"] / "pids.max", f"{pids}"):
            raise CgroupError("the kernel does not enforce a limit on processes")
        swap = self.cap_memory(memory_mb)
        return Caps(memory=True, swap=swap, pids=True, cpu=self._cap_cpu())

    def cap_memory(self, memory_mb: int) -> bool:
        """Cap memory, and swap if possible; return whether that was. Raises CgroupError."""
        memory, swap = (
            self.folders["memory"] / name for name in (self.dialect.memory, self.dialect.swap)
        )
        wanted = memory_mb * MIB
        with_swap = wanted if self.dialect.swap_counts_memory else 0
        # Memory with swap may never be less than memory alone: it goes up first and down last.
        _bounded(swap, with_swap)
        if not _bounded(memory, wanted):
            raise CgroupError("the kernel does not enforce a limit on memory")
        return _bounded(swap, with_swap)

    def add(self, pid: int) -> None:
        """Move a process into it, and so all that it will start. Raises CgroupError."""
        try:
            for folder in self._distinct():
                (folder / "cgroup.procs").write_text(f"{pid}")
        except OSError as error:
            raise CgroupError(f"a process cannot be put into its group: {error}") from error

    def kills(self) -> int:
        """Return how often the kernel killed in it for lack of memory. Raises CgroupError."""
        try:
            lines = (self.folders["memory"] / self.dialect.kills).read_text().splitlines()
        except OSError as error:
            raise CgroupError(f"the group is gone: {error}") from error
        return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))

    def processes(self) -> set[int]:
        """Return the ids of what runs in it."""
        found: set[int] = set()
        for folder in self._distinct():
            with suppress(OSError):  # it may be going this moment
                found.update(map(int, (folder / "cgroup.procs").read_text().split()))
        return found

    def kill(self, *, spare: int | None = None) -> None:
        """Kill what runs in it now, but for the process `spare`."""
        for pid in self.processes() - {spare}:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def remove(self) -> None:
        """Kill everything in it and remove it. Raises CgroupError where something lives on."""
        for _ in range(REMOVE_TRIES):
            self.kill()
            gone = [_removed(folder) for folder in self._distinct()]
            if all(gone):
                return
            time.sleep(REMOVE_PAUSE)
        raise CgroupError(f"something in the group {self._distinct()[0].name} does not die")

    def _cap_cpu(self) -> bool:
        folder = self.folders.get("cpu")
        if folder is None:
            return False
        return all(_written(folder / name, text) for name, text in self.dialect.cpu.items())

    def _distinct(self) -> list[Path]:
        return list(dict.fromkeys(self.folders.values()))


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """Where groups are made: below which folder, for each controller."""

    bases: Mapping[str, Path]
    dialect: Dialect

    def new_group(self) -> Group:
        """Return a group of this process that was never given before; it is yet to be made.

        Raises CgroupError where the kernel lets none be made.
        """
        if self.dialect is V2:
            self._open_up()
        owner = this_instance().replace("/", "~")
        return self._group(f"{owner}~{next(_numbers)}")

    def orphans(self) -> list[Group]:
        """Return the groups of processes that have ended.

        Of another machine's or container's, only those in which nothing runs.
        """
        names = {
            folder.name
            for base in self.bases.values()
            if (base / FAMILY).is_dir()
            for folder in (base / FAMILY).iterdir()
            if folder.is_dir()
        }
        return [group for name in sorted(names) if _is_orphan(name, group := self._group(name))]

    def _open_up(self) -> None:
        """Let groups below ours have limits, which version 2 wants to be told of at each level."""
        base, controllers = next(iter(self.bases.values())), list(self.bases)
        try:
            _enable(base, controllers)
            (base / FAMILY).mkdir(exist_ok=True)
            _enable(base / FAMILY, controllers)
        except OSError as error:
            raise CgroupError(f"control groups of version 2 cannot be made: {error}") from error

    def _group(self, name: str) -> Group:
        folders = {key: base / FAMILY / name for key, base in self.bases.items()}
        return Group(folders, self.dialect)


def find_hierarchy(proc: Path = Path("/proc/self")) -> Hierarchy:
    """Return where groups can be made, as `proc` (this process's folder in /proc) tells it.

    Raises CgroupError where memory and processes cannot be capped.
    """
    mounts = list(_mounts((proc / "mountinfo").read_text()))
    v1 = {
        name: point
        for kind, point, options in mounts
        if kind == "cgroup"
        for name in CONTROLLERS
        if name in options
    }
    if {"memory", "pids"} <= v1.keys():
        return _v1(v1)
    unified = [point for kind, point, _ in mounts if kind == "cgroup2"]
    if not unified:
        raise CgroupError("this machine has no control groups with memory and pids")
    return _v2(unified[0], (proc / "cgroup").read_text())


def _mounts(mountinfo: str) -> Iterator[tuple[str, Path, set[str]]]:
    """Give type, folder and options of each file system."""
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ")[:3]
        yield kind, Path(before.split(" ")[4]), set(options.split(","))


def _v1(bases: Mapping[str, Path]) -> Hierarchy:
    for name, base in bases.items():
        if not os.access(base, os.W_OK):
            raise CgroupError(f"control groups of version 1 ({name}) can only be made by root")
    return Hierarchy(bases, V1)


def _v2(mount: Path, own: str) -> Hierarchy:
    """Return the whole tree where this process may change it, else what was delegated to it."""
    base = mount
    if not os.access(mount / "cgroup.subtree_control", os.W_OK):
        path = next(line[3:] for line in own.splitlines() if line.startswith("0::"))
        base = mount / path.lstrip("/")
        base = base.parent if base.name == SERVICE else base
    if not os.access(base / "cgroup.subtree_control", os.W_OK):
        raise CgroupError(
            "no control group is delegated to this user (systemd: Delegate=yes, or run as root)"
        )
    available = set((base / "cgroup.controllers").read_text().split())
    if missing := {"memory", "pids"} - available:
        raise CgroupError(f"control groups of version 2 without {' and '.join(sorted(missing))}")
    return Hierarchy({name: base for name in CONTROLLERS if name in available}, V2)


def _enable(folder: Path, controllers: list[str]) -> None:
    """Let the groups below `folder` cap these; a group that does so may hold no process itself."""
    control = folder / "cgroup.subtree_control"
    if set(controllers) <= set(control.read_text().split()):
        return
    text = " ".join(f"+{name}" for name in controllers)
    try:
        control.write_text(text)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        service = folder / SERVICE
        service.mkdir(exist_ok=True)
        for pid in (folder / "cgroup.procs").read_text().split():
            with suppress(ProcessLookupError):
                (service / "cgroup.procs").write_text(pid)
        control.write_text(text)


def _is_orphan(name: str, group: Group) -> bool:
    dead = is_dead(name.rpartition("~")[0].replace("~", "/"))
    return not group.processes() if dead is None else dead


def _bounded(file: Path, size: int) -> bool:
    """Write a limit in bytes and return whether the kernel says that it, or one near it, holds."""
    try:
        file.write_text(f"{size}")
        return abs(int(file.read_text()) - size) < ROUNDING
    except (OSError, ValueError):
        return False


def _written(file: Path, text: str) -> bool:
    """Write a limit and return whether the kernel says that it holds."""
    try:
        file.write_text(text)
        return file.read_text().strip() == text
    except OSError:
        return False


def _removed(folder: Path) -> bool:
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
