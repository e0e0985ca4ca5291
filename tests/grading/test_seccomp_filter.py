"""The compiled profile, tried on a process of our own by calling what it forbids."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from app.grading import seccomp_filter
from app.grading.hardening import SECCOMP
from app.grading.seccomp_filter import SeccompError, compile_profile

if TYPE_CHECKING:
    from pathlib import Path

# Filters itself with the program on stdin, then makes each call; prints the errno of each, or 0.
TRY = """
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
program = sys.stdin.buffer.read()
class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, ctypes.byref(Program(len(program) // 8, program)), 0, 0) == 0
for call in eval(sys.argv[1]):
    ctypes.set_errno(0)
    libc.syscall(*(ctypes.c_long(number) for number in call))
    print(ctypes.get_errno())
"""
EPERM, EBADF, ENOSYS = 1, 9, 38
NUMBERS = {
    "x86_64": {"socket": 41, "ptrace": 101, "unshare": 272, "clone3": 435, "clone": 56}
    | {"getpid": 39, "fcntl": 72, "io_uring_setup": 425, "prlimit64": 302, "mount": 165},
    "aarch64": {"socket": 198, "ptrace": 117, "unshare": 97, "clone3": 435, "clone": 220}
    | {"getpid": 172, "fcntl": 25, "io_uring_setup": 425, "prlimit64": 261, "mount": 40},
}


@pytest.fixture(scope="module")
def program() -> bytes:
    return compile_profile(SECCOMP)


def errno_of(program: bytes, name: str, *args: int) -> int:
    number = NUMBERS[platform.machine()][name]
    done = subprocess.run(
        [sys.executable, "-I", "-c", TRY, repr([(number, *args)])],
        input=program,
        capture_output=True,
        check=True,
    )
    return int(done.stdout)


@pytest.mark.parametrize(
    ("name", "args", "errno"),
    [
        ("getpid", (), 0),
        ("socket", (1, 1, 0), EPERM),
        ("ptrace", (0, 0, 0, 0), EPERM),
        ("unshare", (0x10000000,), EPERM),
        ("mount", (0, 0, 0, 0, 0), EPERM),
        ("io_uring_setup", (1, 0), EPERM),
        ("clone", (0x10000000 | 17, 0, 0, 0, 0), EPERM),  # with a user namespace
        ("clone3", (0, 0), ENOSYS),  # so that the C library takes clone
        ("prlimit64", (1, 7, 0, 0), EPERM),  # another's limits
        ("fcntl", (-1, 1), EBADF),  # allowed, and then wrong
        ("fcntl", (-1, 1030, 0), EBADF),
        ("fcntl", (-1, 1031, 4096), EPERM),  # the size of a pipe
    ],
)
def test_what_is_not_in_the_profile_is_refused(
    program: bytes, name: str, args: tuple[int, ...], errno: int
) -> None:
    assert errno_of(program, name, *args) == errno


def changed(tmp_path: Path, **wanted: object) -> Path:
    path = tmp_path / "profile.json"
    path.write_text(json.dumps({**json.loads(SECCOMP.read_text()), **wanted}))
    return path


def test_an_action_that_we_do_not_know_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SeccompError, match="SCMP_ACT_LOG"):
        compile_profile(changed(tmp_path, defaultAction="SCMP_ACT_LOG"))


def test_a_rule_that_cannot_be_meant_is_refused(tmp_path: Path) -> None:
    rule = {
        "names": ["getpid"],
        "action": "SCMP_ACT_ALLOW",
        "args": [{"index": 99, "value": 1, "op": "SCMP_CMP_EQ"}],
    }
    with pytest.raises(SeccompError, match="getpid"):
        compile_profile(changed(tmp_path, syscalls=[rule]))


def test_a_call_of_other_machines_stays_refused(tmp_path: Path) -> None:
    rule = {"names": ["no_such_call", "getpid"], "action": "SCMP_ACT_ALLOW"}
    assert compile_profile(changed(tmp_path, syscalls=[rule]))


def test_without_the_library_it_is_said_to_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seccomp_filter, "LIBRARY", "libnone.so.0")
    with pytest.raises(SeccompError, match="libseccomp2"):
        compile_profile(SECCOMP)
