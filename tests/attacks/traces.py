"""What sandboxes may leave behind on the machine: counted before and after, and compared."""

from __future__ import annotations

import os
import re
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import docker

from app.grading.docker_engine import OWNER_LABEL
from app.grading.instances import this_instance

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTAINER_ID = re.compile(r"[0-9a-f]{64}")
SECONDS_TO_GO = 10.0
RSS_TOLERANCE_KB = 256 * 1024  # modules, and what the heap keeps of the largest values


@dataclass(frozen=True, slots=True)
class Traces:
    """What this process, and the engine on its behalf, hold right now."""

    containers: frozenset[str]
    processes: frozenset[int]
    cgroups: frozenset[str]
    mounts: int
    threads: frozenset[str]
    descriptors: int
    rss_kb: int

    def beyond(self, before: Traces, *, connections: int = 0) -> dict[str, object]:
        """Return what is here now and was not `before`, but for some open `connections`."""
        grown: dict[str, object] = {
            "containers": self.containers - before.containers,
            "processes": self.processes - before.processes,
            "cgroups": self.cgroups - before.cgroups,
            "mounts": max(self.mounts - before.mounts, 0),
            "threads": self.threads - before.threads,
            "descriptors": max(self.descriptors - before.descriptors - connections, 0),
        }
        return {name: left for name, left in grown.items() if left}


def traces() -> Traces:
    """Count everything now."""
    return Traces(
        containers=frozenset(_containers(this_instance())),
        processes=frozenset(_descendants(os.getpid())),
        cgroups=frozenset(_orphaned_cgroups() | _groups(this_instance())),
        mounts=_mounts(),
        threads=frozenset(f"{one.name} {one.ident}" for one in threading.enumerate()),
        descriptors=len(list(Path("/proc/self/fd").iterdir())),
        rss_kb=_rss_kb(),
    )


def assert_nothing_is_left(before: Traces, *, connections: int = 0) -> None:
    """Assert that all of it is gone, after the moment that an engine needs to clean up."""
    deadline = time.monotonic() + SECONDS_TO_GO
    while left := traces().beyond(before, connections=connections):
        assert time.monotonic() < deadline, left
        time.sleep(0.1)
    assert traces().rss_kb - before.rss_kb < RSS_TOLERANCE_KB


def left_by(instance: str) -> set[str]:
    """Return containers and control groups of the process that calls itself `instance`."""
    return _containers(instance) | _groups(instance)


def _containers(instance: str) -> set[str]:
    """Return the containers of one process; those of others may run beside."""
    client = docker.APIClient()
    own = {"label": f"{OWNER_LABEL}={instance}"}
    found = {entry["Id"] for entry in client.containers(all=True, filters=own)}
    client.close()
    return found


def _groups(instance: str) -> set[str]:
    """Return the control groups of one process's sandboxes that no container engine made."""
    prefix = instance.replace("/", "~")
    return {path for path in _all_groups() if Path(path).name.startswith(prefix)}


def _all_groups() -> Iterator[str]:
    """Return all control groups; some may go while others are still looked for."""
    for folder, _, _ in os.walk("/sys/fs/cgroup"):
        yield folder


def _all_containers() -> set[str]:
    client = docker.APIClient()
    found = {entry["Id"] for entry in client.containers(all=True)}
    client.close()
    return found


def _orphaned_cgroups() -> set[str]:
    """Return control groups of containers that do not exist any more."""
    here = {path for path in _all_groups() if CONTAINER_ID.search(path)}
    existing = _all_containers()
    return {path for path in here if not set(CONTAINER_ID.findall(path)) & existing}


def _mounts() -> int:
    """Return how many mounts there are besides those of other people's containers."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return sum("/overlay2/" not in line and "/docker/" not in line for line in lines)


def _descendants(root: int) -> set[int]:
    """Return the children of `root`, theirs, and so on."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        parents[int(folder.name)] = int(stat.rpartition(")")[2].split()[1])
    found: set[int] = set()
    generation = {root}
    while generation:
        generation = {pid for pid, parent in parents.items() if parent in generation}
        found |= generation
    return found


def _rss_kb() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") // 1024
