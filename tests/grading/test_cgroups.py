"""Control groups on a made-up tree of files: what is found, written, read back and refused.

That the kernel then enforces them is tested in tests/sandbox, with bombs.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.grading import cgroups
from app.grading.cgroups import Caps, CgroupError, Hierarchy, find_hierarchy
from app.grading.instances import this_instance

if TYPE_CHECKING:
    from collections.abc import Sequence

MIB = 1 << 20


class Machine:
    """A /proc/self and a tree of control groups of either version, or of neither."""

    def __init__(self, folder: Path) -> None:
        self.proc, self.tree = folder / "proc", folder / "cgroup"
        self.proc.mkdir()
        self.mounts = [f"20 1 0:9 / {folder} rw - ext4 /dev/vda rw"]
        self.own = "0::/\n"

    def v1(self, *controllers: str) -> None:
        for name in controllers:
            (self.tree / name).mkdir(parents=True)
            self.mounts.append(f"30 20 0:30 / {self.tree / name} rw - cgroup cgroup rw,{name}")

    def v2(self, controllers: str, *, own: str = "") -> Path:
        folder = self.tree / "unified" / own
        (folder / cgroups.FAMILY).mkdir(parents=True)
        for one in {self.tree / "unified", folder, folder / cgroups.FAMILY}:
            (one / "cgroup.controllers").write_text(controllers)
            (one / "cgroup.subtree_control").write_text("")
        self.mounts.append(f"31 20 0:31 / {self.tree / 'unified'} rw - cgroup2 cgroup2 rw")
        self.own = f"0::/{own}\n"
        return folder

    def find(self) -> Hierarchy:
        (self.proc / "mountinfo").write_text("\n".join(self.mounts) + "\n")
        (self.proc / "cgroup").write_text(self.own)
        return find_hierarchy(self.proc)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def contents(folder: Path, names: Sequence[str]) -> dict[str, str]:
    return {name: (folder / name).read_text() for name in names}


def test_version_1_caps_each_controller_in_its_own_hierarchy(machine: Machine) -> None:
    machine.v1("memory", "pids", "cpu")
    group = machine.find().new_group()
    assert group.make(256, 64) == Caps(memory=True, swap=True, pids=True, cpu=True)
    assert contents(
        group.folders["memory"], ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"]
    ) == {
        "memory.limit_in_bytes": f"{256 * MIB}",
        "memory.memsw.limit_in_bytes": f"{256 * MIB}",
    }
    assert (group.folders["pids"] / "pids.max").read_text() == "64"
    assert (group.folders["cpu"] / "cpu.cfs_quota_us").read_text() == "100000"
    assert {folder.parents[1] for folder in group.folders.values()} == {
        machine.tree / name for name in ("memory", "pids", "cpu")
    }


def test_version_2_caps_all_in_one_folder_and_no_swap_at_all(machine: Machine) -> None:
    base = machine.v2("cpuset cpu io memory pids")
    group = machine.find().new_group()
    assert group.make(256, 64) == Caps(memory=True, swap=True, pids=True, cpu=True)
    (folder,) = set(group.folders.values())
    wanted = {
        "memory.max": f"{256 * MIB}",
        "memory.swap.max": "0",
        "pids.max": "64",
        "cpu.max": "100000 100000",
    }
    assert contents(folder, list(wanted)) == wanted
    assert (base / "cgroup.subtree_control").read_text() == "+memory +pids +cpu"
    assert (base / "yimian" / "cgroup.subtree_control").read_text() == "+memory +pids +cpu"


def test_version_1_with_memory_goes_before_a_version_2_without(machine: Machine) -> None:
    machine.v1("memory", "pids")
    machine.v2("")
    assert machine.find().dialect.version == 1


def test_without_cpu_the_rest_is_capped(machine: Machine) -> None:
    machine.v1("memory", "pids")
    assert machine.find().new_group().make(64, 8).cpu is False


@pytest.mark.parametrize(
    ("v1", "v2", "why"),
    [
        ((), None, "no control groups"),
        (("memory",), None, "no control groups"),
        (("pids",), "cpu", "without memory and pids"),
        ((), "cpu memory", "without pids"),
        ((), "pids", "without memory"),
    ],
)
def test_a_machine_without_memory_and_pids_caps_is_refused(
    machine: Machine, v1: Sequence[str], v2: str | None, why: str
) -> None:
    machine.v1(*v1)
    if v2 is not None:
        machine.v2(v2)
    with pytest.raises(CgroupError, match=why):
        machine.find()


def test_what_was_delegated_is_used_where_the_tree_is_not_ours(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = machine.v2("memory pids", own="system.slice/yimian.service")
    top = machine.tree / "unified" / "cgroup.subtree_control"
    monkeypatch.setattr(os, "access", lambda path, _mode: Path(path) != top)
    assert set(machine.find().bases.values()) == {own}
    # Once the program itself was moved aside, the same subtree is found again.
    machine.own = "0::/system.slice/yimian.service/yimian-service\n"
    assert set(machine.find().bases.values()) == {own}


def test_a_service_moves_aside_so_that_its_subtree_can_have_limits(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = machine.v2("memory pids")
    (base / "cgroup.procs").write_text("11\n12\n")
    service = base / cgroups.SERVICE
    moved = []
    write = Path.write_text

    def as_the_kernel(path: Path, text: str) -> int:
        if path == base / "cgroup.subtree_control" and not service.exists():
            raise OSError(errno.EBUSY, "a group with processes")
        if path == service / "cgroup.procs":
            moved.append(text)
        return write(path, text)

    monkeypatch.setattr(Path, "write_text", as_the_kernel)
    machine.find().new_group().make(64, 8)
    assert moved == ["11", "12"]


@pytest.mark.parametrize("version", [1, 2])
def test_a_tree_that_cannot_be_changed_is_refused(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    if version == 1:
        machine.v1("memory", "pids")
    else:
        machine.v2("memory pids")
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)
    with pytest.raises(CgroupError, match="root"):
        machine.find()


@pytest.mark.parametrize(
    ("file", "why"),
    [("memory.limit_in_bytes", "limit on memory"), ("pids.max", "limit on processes")],
)
def test_a_limit_that_is_not_read_back_is_no_limit(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, file: str, why: str
) -> None:
    machine.v1("memory", "pids")
    read = Path.read_text
    monkeypatch.setattr(
        Path, "read_text", lambda path: "9223372036854771712" if path.name == file else read(path)
    )
    with pytest.raises(CgroupError, match=why):
        machine.find().new_group().make(64, 8)


def test_memory_without_swap_accounting_is_capped_and_said_to_be(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.v1("memory", "pids")
    write = Path.write_text

    def no_swap(path: Path, text: str) -> int:
        if "memsw" in path.name:
            raise PermissionError
        return write(path, text)

    monkeypatch.setattr(Path, "write_text", no_swap)
    assert machine.find().new_group().make(64, 8) == Caps(
        memory=True, swap=False, pids=True, cpu=False
    )


@pytest.mark.parametrize(
    ("version", "text", "kills"),
    [
        (1, "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n", 3),
        (2, "low 0\nhigh 0\nmax 20\noom 4\noom_kill 2\noom_group_kill 0\n", 2),
    ],
)
def test_kills_for_memory_are_counted(
    machine: Machine, version: int, text: str, kills: int
) -> None:
    if version == 1:
        machine.v1("memory", "pids")
    else:
        machine.v2("memory pids")
    group = machine.find().new_group()
    group.make(64, 8)
    (group.folders["memory"] / group.dialect.kills).write_text(text)
    assert group.kills() == kills


def test_a_group_that_is_gone_is_no_group(machine: Machine) -> None:
    machine.v1("memory", "pids")
    group = machine.find().new_group()
    for act in (group.kills, lambda: group.add(1)):
        with pytest.raises(CgroupError):
            act()
    assert group.processes() == set()


def test_no_group_is_given_twice(machine: Machine) -> None:
    machine.v1("memory", "pids")
    found = [machine.find() for _ in range(2)]
    groups = [hierarchy.new_group() for hierarchy in found for _ in range(3)]
    assert len({group.folders["memory"] for group in groups}) == 6


def test_only_groups_of_the_dead_are_orphans(machine: Machine) -> None:
    machine.v1("memory", "pids")
    hierarchy = machine.find()
    namespace = this_instance().rsplit("/", 2)[0]
    owners = {
        "mine": this_instance(),
        "dead": f"{namespace}/{os.getpid()}/1",  # our id, but started at another time
        "foreign and empty": "another-boot/pid:[1]/1/1",
        "foreign and at work": "another-boot/pid:[1]/2/1",
    }
    names = {what: owner.replace("/", "~") + "~0" for what, owner in owners.items()}
    for what, name in names.items():
        for controller in ("memory", "pids"):
            folder = machine.tree / controller / cgroups.FAMILY / name
            folder.mkdir(parents=True)
            (folder / "cgroup.procs").write_text("99999\n" if what.endswith("work") else "")
    orphans = {group.folders["memory"].name for group in hierarchy.orphans()}
    assert orphans == {names["dead"], names["foreign and empty"]}
