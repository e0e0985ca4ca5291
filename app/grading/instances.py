"""Names the process that owns a sandbox, so that a later one can tell whether it still lives."""

from __future__ import annotations

import os
from pathlib import Path


def this_instance() -> str:
    """Return a name for this process that no later one can have.

    Boot, PID namespace, PID, and the start of the process in clock ticks after boot.
    """
    return _instance(os.getpid()) or "unknown"


def is_dead(instance: str) -> bool | None:
    """Return whether that process has ended, or None for one of another machine or container."""
    namespace, _, process = instance.rpartition("/")[0].rpartition("/")
    if namespace != _namespace() or not process.isdigit():
        return None
    return _instance(int(process)) != instance


def _namespace() -> str:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"


def _instance(pid: int) -> str | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    started = stat.rpartition(")")[2].split()[19]
    return f"{_namespace()}/{pid}/{started}"
