"""What waiting sandboxes cost: memory of each, and time of a submission among many of them."""

from __future__ import annotations

import statistics
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

from bench.ours import library
from bench.report import Bar, Section
from bench.timing import repeat

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from app.grading.pool import Pool
    from bench.timing import Timings
    from bench.work import Work

MB = 1 << 20
MEASURED = 10
LEASES = (1, 50, 100, 200)
TIMES = 60
MOST_MB = 20.0
MOST_GROWTH = 1.3


def memory_section(pool: Pool, work: Work) -> Section:
    """Measure sandboxes that graded once and wait, as the kernel accounts for them."""
    before, available = set(_fork_servers()), _meminfo("MemAvailable")
    owners = [f"memory-{at}" for at in range(MEASURED)]
    for owner in owners:
        library(pool, work, owner)()
    lost = (available - _meminfo("MemAvailable")) / MEASURED / MB
    started = sorted(set(_fork_servers()) - before)
    figures = [_charged(pid) for pid in started]
    for owner in owners:
        pool.end(owner)
    resident = [sum(one.values()) for one in figures]
    median = statistics.median(resident)
    rows: list[tuple[str | float, ...]] = [
        ("its control group, without page cache", median, max(resident)),
        *(
            (f"  {name}", statistics.median(sizes), max(sizes))
            for name in figures[0]
            if (sizes := [one[name] for one in figures])
        ),
        ("what the machine has less, engine's helpers included", lost, lost),
    ]
    return Section(
        f"(f) resident memory of a warm sandbox, n={len(started)}",
        ("median MB", "most MB"),
        tuple(rows),
        (Bar("MB per warm sandbox", median, MOST_MB),),
    )


def _fork_servers() -> list[int]:
    """Return the first process of every sandbox on this machine."""
    return [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and _is_fork_server(entry)
    ]


def _is_fork_server(process: Path) -> bool:
    try:
        status = (process / "status").read_text()
        command = (process / "cmdline").read_bytes()
    except OSError:
        return False
    # Its ids, from the machine's namespace to its own, in which it is the first process.
    ids = next(line for line in status.splitlines() if line.startswith("NSpid:")).split()
    return b"sandbox.forkserver" in command and ids[-1] == "1"


def _charged(pid: int) -> dict[str, float]:
    """Return the MB of anonymous and of kernel memory that a process's control group holds."""
    group = _control_group(pid)
    stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    if "anon" in stat:  # cgroup v2
        return {"anonymous": int(stat["anon"]) / MB, "kernel": int(stat["kernel"]) / MB}
    kernel = int((group / "memory.kmem.usage_in_bytes").read_text())
    return {"anonymous": int(stat["rss"]) / MB, "kernel": kernel / MB}


def _control_group(pid: int) -> Path:
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            return Path("/sys/fs/cgroup/memory" + path)
        if controllers == "" and (Path("/sys/fs/cgroup" + path) / "memory.stat").exists():
            return Path("/sys/fs/cgroup" + path)
    raise LookupError(f"process {pid} is in no control group for memory")


def _meminfo(name: str) -> int:
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def leases_section(pool: Pool, work: Work) -> Section:
    """Time a submission while more and more sandboxes are leased."""
    owners: list[str] = []
    same: list[Timings] = []
    each: list[Timings] = []
    for count in LEASES:
        for at in range(len(owners), count):
            owners.append(f"lease-{at}")
            library(pool, work, owners[-1])()
        same.append(repeat(f"{count}", library(pool, work, owners[0]), times=TIMES))
        in_turn = _in_turn([library(pool, work, owner) for owner in owners])
        each.append(repeat(f"{count}", in_turn, times=max(TIMES, count)))
    for owner in owners:
        pool.end(owner)
    growth = same[-1].median / same[0].median
    rows = tuple(
        (f"{one.name} leased", one.median, one.p95, other.median, other.p95)
        for one, other in zip(same, each, strict=True)
    )
    return Section(
        "(g) a submission while others hold sandboxes, ms",
        ("one, median", "p95", "in turn", "p95"),
        rows,
        (
            Bar(f"growth from 1 to {LEASES[-1]} leases, same sandbox", growth, MOST_GROWTH),
            Bar(
                f"growth from 1 to {LEASES[-1]} leases, another one each time",
                each[-1].median / each[0].median,
                MOST_GROWTH,
            ),
        ),
        {"same": [one.milliseconds for one in same], "in turn": [one.milliseconds for one in each]},
    )


def _in_turn(actions: Sequence[Callable[[], None]]) -> Callable[[], None]:
    turns = cycle(actions)

    def act() -> None:
        next(turns)()

    return act
