"""Code that reaches for the machine, PID 1 or the network: every way is shut."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.grading.runs import Outcome
from tests.sandboxes import ROOT

if TYPE_CHECKING:
    from tests.sandboxes import Box

# x86-64 numbers of system calls that must be refused, with arguments that would otherwise do.
SYSCALLS = {
    "socket": (41, 1, 1, 0),
    "socketpair": (53, 1, 1, 0),
    "ptrace": (101, 16, 1, 0, 0),
    "process_vm_readv": (310, 1, 0, 0, 0, 0, 0),
    "process_vm_writev": (311, 1, 0, 0, 0, 0, 0),
    "add_key": (248, 0, 0, 0, 0, -3),
    "request_key": (249, 0, 0, 0, 0),
    "keyctl": (250, 0, -3, 0),
    "io_uring_setup": (425, 1, 0),
    "io_uring_enter": (426, 0, 0, 0, 0, 0),
    "bpf": (321, 0, 0, 0),
    "userfaultfd": (323, 0),
    "unshare": (272, 0x10000000),
    "setns": (308, 0, 0),
    "mount": (165, 0, 0, 0, 0, 0),
    "umount2": (166, 0, 0),
    "pivot_root": (155, 0, 0),
    "fsopen": (430, 0, 0),
    "open_tree": (428, -100, 0, 0),
    "move_mount": (429, 0, 0, 0, 0, 0),
    "chroot": (161, 0),
    "shmget": (29, 0, 4096, 0o1777),
    "semget": (64, 0, 1, 0o1777),
    "msgget": (68, 0, 0o1777),
    "mq_open": (240, 0, 0o102, 0o600, 0),
    "memfd_create": (319, 0, 0),
    "memfd_secret": (447, 0),
    "kexec_load": (246, 0, 0, 0, 0),
    "reboot": (169, 0, 0, 0, 0),
    "perf_event_open": (298, 0, 0, -1, -1, 0),
    "inotify_init1": (294, 0),
    "fanotify_init": (300, 0, 0),
    "execveat": (322, -1, 0, 0, 0, 0),
    "init_module": (175, 0, 0, 0),
    "syslog": (103, 3, 0, 0),
    "sysinfo": (99, 0),
    "pidfd_getfd": (438, 0, 0, 0),
    "pidfd_send_signal": (424, 0, 0, 0, 0),
    "process_madvise": (440, 0, 0, 0, 0, 0),
    "kcmp": (312, 1, 1, 0, 0, 0),
    "setpriority": (141, 0, 1, 5),
    "sched_setaffinity": (203, 1, 8, 0),
    "ioprio_set": (251, 1, 1, 0),
    "prlimit64 of PID 1": (302, 1, 7, 0, 0),
    "fcntl F_SETLEASE": (72, 0, 1024, 0),
    "fcntl F_NOTIFY": (72, 0, 1026, 0),
    "clone with a user namespace": (56, 0x10000011, 0, 0, 0, 0),
    "clone with a network namespace": (56, 0x40000011, 0, 0, 0, 0),
    "personality": (135, 0x0040000),
    "quotactl": (179, 0, 0, 0, 0),
    "name_to_handle_at": (303, 0, 0, 0, 0, 0),
    "open_by_handle_at": (304, 0, 0, 0),
    "fadvise64": (221, 0, 0, 0, 4),
    "mincore": (27, 0, 0, 0),
    "cachestat": (451, 0, 0, 0, 0),
    "landlock_create_ruleset": (444, 0, 0, 0),
    "seccomp": (317, 1, 0, 0),
    "clock_gettime of PID 1": (228, ~1 << 3, 0),
}


def test_dangerous_system_calls_are_refused(box: Box) -> None:
    code = """
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        def f(calls):
            answers = {}
            for name, numbers in calls.items():
                ctypes.set_errno(0)
                answer = libc.syscall(*(ctypes.c_long(n) for n in numbers))
                answers[name] = [answer, ctypes.get_errno()]
            return answers
    """
    answers = box.value(
        code, {"calls": {name: list(numbers) for name, numbers in SYSCALLS.items()}}
    )
    assert isinstance(answers, dict)
    refusals = ([-1, 1], [-1, 38])  # 38 for those that are newer than the engine
    assert {name for name, answer in answers.items() if answer not in refusals} == set()


def test_clone3_is_said_not_to_exist(box: Box) -> None:
    code = """
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        def f(): return [libc.syscall(435, 0, 0), ctypes.get_errno()]
    """
    assert box.value(code) == [-1, 38]


def test_system_calls_of_32_bit_programs_kill(box: Box) -> None:
    code = """
        import ctypes, mmap
        def f():
            # mov eax, 20 (getpid of i386); int 0x80; ret
            page = mmap.mmap(-1, 4096, prot=7)
            page.write(bytes([0xB8, 20, 0, 0, 0, 0xCD, 0x80, 0xC3]))
            start = ctypes.addressof(ctypes.c_char.from_buffer(page))
            return ctypes.CFUNCTYPE(ctypes.c_int)(start)()
    """
    assert box.one(code).outcome is Outcome.DIED


@pytest.mark.parametrize(
    "code",
    [
        "import socket\ndef f(): socket.create_connection(('127.0.0.1', 80), 1)",
        "import socket\ndef f(): socket.socket(socket.AF_UNIX).connect('\\0x')",
        "import socket\ndef f(): socket.socket(40)",
        "import socket\ndef f(): socket.getaddrinfo('localhost', 80)",
        "import urllib.request\ndef f(): urllib.request.urlopen('http://127.0.0.1', timeout=1)",
        "import asyncio\ndef f(): asyncio.run(asyncio.sleep(0))",
    ],
)
def test_there_is_no_network(box: Box, code: str) -> None:
    run = box.one(code)
    assert run.outcome is Outcome.RAISED, run
    assert run.error is not None
    assert run.error.type_name in {"PermissionError", "OSError", "URLError", "gaierror"}


@pytest.mark.parametrize(
    "path",
    [
        *(f"/proc/1/{name}" for name in ("mem", "environ", "maps", "auxv", "fd/0", "fd/1", "root")),
        *(f"/proc/1/{name}" for name in ("cwd", "exe", "syscall", "stack", "pagemap", "ns/pid")),
        "/proc/1/fd",
        "/proc/1/map_files",
        "/proc/1/task/1/mem",
    ],
)
def test_pid_1_cannot_be_looked_into(box: Box, path: str) -> None:
    code = """
        import os
        def f(path):
            for look in (lambda: open(path, "rb").read(1), lambda: os.listdir(path),
                         lambda: os.readlink(path), lambda: os.open(path, os.O_WRONLY)):
                try: return look()
                except OSError: pass
    """
    assert box.value(code, {"path": path}) is None


def test_pid_1_shows_no_counters(box: Box) -> None:
    code = """
        def f():
            seen = {}
            for name in ("stat", "status", "statm", "sched", "schedstat", "io", "oom_score"):
                try: seen[name] = open("/proc/1/" + name).read()
                except OSError: seen[name] = ""
            return "".join(seen.values())
    """
    assert box.value(code) == ""


def test_signals_do_not_reach_pid_1(box: Box) -> None:
    code = """
        import os
        def f():
            for number in range(1, 65):
                try: os.kill(1, number)
                except OSError: pass
                try: os.kill(-1, number)
                except OSError: pass
            return "alive"
    """
    assert box.value(code) == "alive"


def test_no_file_can_be_written_anywhere(box: Box) -> None:
    code = """
        import os
        def f():
            writable = []
            for folder, folders, files in os.walk("/"):
                if folder == "/proc":
                    folders[:] = [name for name in folders if not name.isdigit() or name == "1"]
                for name in ["new", *files]:
                    path = os.path.join(folder, name)
                    flags = os.O_WRONLY | os.O_NONBLOCK | (os.O_CREAT if name == "new" else 0)
                    try: fd = os.open(path, flags)
                    except OSError: continue
                    os.close(fd)
                    writable.append(path)
            return sorted(writable)
    """
    # What is left takes what is written and keeps nothing of it.
    devices = {f"/dev/{name}" for name in ("full", "null", "random", "tty", "urandom", "zero")}
    own = {"/dev/stdin", "/dev/stdout", "/dev/stderr"}
    found = box.value(code)
    assert isinstance(found, list)
    masked = {path for path in found if str(path).startswith("/proc/") or "/etc/" in str(path)}
    assert set(found) - masked <= devices | own
    null = "import os\ndef f(paths): return {os.stat(path).st_rdev for path in paths} <= {0x103}"
    assert box.value(null, {"paths": sorted(map(str, masked))})


@pytest.mark.parametrize("path", ["/dev/shm", "/dev/mqueue", "/dev/pts", "/tmp", "/sys"])  # noqa: S108
def test_places_that_are_usually_writable_are_empty_or_gone(box: Box, path: str) -> None:
    code = """
        import os
        def f(path):
            try: return os.listdir(path)
            except OSError: return []
    """
    assert box.value(code, {"path": path}) == []


def test_nothing_private_is_in_the_environment(box: Box) -> None:
    names = box.value("import os\ndef f(): return sorted(os.environ)")
    assert isinstance(names, list)
    assert set(names) <= {
        "HOME",
        "HOSTNAME",
        "LANG",
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "PATH",
    }


def test_only_standard_streams_and_the_report_are_open(box: Box) -> None:
    code = """
        import os
        def f():
            opened = []
            for fd in range(4096):
                try: os.fstat(fd)
                except OSError: continue
                opened.append(fd)
            return opened
    """
    assert box.value(code) == [0, 1, 2, 3]


def test_stdin_is_at_its_end(box: Box) -> None:
    assert box.value("import sys\ndef f(): return sys.stdin.read()") == ""


def test_the_call_has_no_privileges(box: Box) -> None:
    code = """
        import os
        def f():
            lines = open("/proc/self/status").read().splitlines()
            status = dict(line.split(":\\t") for line in lines)
            return [os.getuid(), os.getgid(), os.getgroups(), status["CapEff"], status["CapBnd"],
                    status["NoNewPrivs"], status["Seccomp"]]
    """
    assert box.value(code) == [64100, 64100, [64100], "0" * 16, "0" * 16, "1", "2"]


def test_no_set_uid_program_gives_any(box: Box) -> None:
    code = """
        import os
        def f():
            found = []
            for folder, folders, files in os.walk("/"):
                if folder.startswith("/proc"):
                    folders.clear()
                    continue
                found += [n for n in files if os.lstat(os.path.join(folder, n)).st_mode & 0o6000]
            return found
    """
    assert box.value(code) == []


def test_the_host_s_files_are_not_there(box: Box) -> None:
    code = """
        import os
        def f(paths): return [path for path in paths if os.path.exists(path)]
    """
    ours = [str(ROOT), "/etc/shadow", "/root/.ssh", "/var/run/docker.sock", "/app", "/questions"]
    assert box.value(code, {"paths": ours}) == []
