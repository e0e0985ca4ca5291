"""What every backend hides, refuses and caps by default around hostile code."""

from __future__ import annotations

import secrets
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# The system calls that are allowed, in the format of container engines.
SECCOMP = ROOT / "sandbox" / "seccomp.json"
# What the build made last: the name of the image, and the folder of its file system.
IMAGE_NAME_FILE = ROOT / "var" / "sandbox-image"
ROOT_NAME_FILE = ROOT / "var" / "sandbox-root"

# Users and groups that own nothing: in a range that Linux systems leave alone, and for engines that
# map users into a namespace of their own, where all of them are theirs, in one that they map.
UNUSED_IDS = range(0x7000_0000, 0x7FFF_FFFF)
MAPPED_IDS = range(20_000, 60_000)
HOST_NAME = "sandbox"
DEFAULT_PIDS = 64
MAX_FILES = 256


def draw_user(ids: range = UNUSED_IDS) -> int:
    """Return a user and group that no other sandbox runs as.

    The kernel counts pipes, signals and more for each user, and sandboxes that share one could
    tell each other by that.
    """
    return ids[secrets.randbelow(len(ids))]


# What a container would see of other calls or of the machine, and could so carry a message from a
# hidden case to a shown one: counters that only grow, places that remember. Paths that do not
# exist are ignored.
MASKED_PATHS = (
    *(f"/proc/1/{name}" for name in ("attr", "io", "limits", "net", "oom_score", "sched")),
    *("/proc/1/arch_status", "/proc/1/schedstat"),
    *(f"/proc/1/{name}" for name in ("stat", "statm", "status", "task", "timerslack_ns", "wchan")),
    *(
        f"/proc/{name}"
        for name in ("acpi", "asound", "buddyinfo", "bus", "cgroups", "diskstats", "driver")
    ),
    *(f"/proc/{name}" for name in ("fs", "interrupts", "iomem", "ioports", "irq", "kallsyms")),
    *(
        f"/proc/{name}"
        for name in ("kcore", "key-users", "keys", "kmsg", "kpagecount", "kpageflags")
    ),
    *(f"/proc/{name}" for name in ("latency_stats", "loadavg", "locks", "meminfo", "modules")),
    *(f"/proc/{name}" for name in ("pagetypeinfo", "pressure", "sched_debug", "schedstat", "scsi")),
    *(
        f"/proc/{name}"
        for name in ("slabinfo", "softirqs", "stat", "swaps", "sys", "sysrq-trigger")
    ),
    *(f"/proc/{name}" for name in ("sysvipc", "timer_list", "timer_stats", "tty", "uptime")),
    *(f"/proc/{name}" for name in ("vmallocinfo", "vmstat", "zoneinfo")),
    *("/sys", "/dev/mqueue", "/dev/pts", "/dev/shm"),  # noqa: S108 - to hide it
    *("/etc/hostname", "/etc/hosts", "/etc/resolv.conf"),
)
