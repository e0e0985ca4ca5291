"""Group B, escape: code that reaches for the machine, PID 1, its neighbours or the network."""

from __future__ import annotations

import ctypes
import json
import os
import socket
from typing import TYPE_CHECKING, Any

import pytest

from app.grading.runs import Outcome
from tests.sandboxes import ROOT, SHORT, Box, call

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from app.grading.runs import Engine

NOT_APPLICABLE = {
    39: "No privileged helper ever works on files of a sandbox: there is no box folder, and what "
    "is removed afterwards is a whole container or a control group, by its name.",
}

EPERM, ENOSYS = 1, 38
SETTINGS = json.loads((ROOT / "sandbox" / "seccomp.json").read_text())


# --- System calls ----------------------------------------------------------------------------

# Numbers are those of x86-64; arguments are such that the call would otherwise do something.
RAW = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
def f(calls):
    answers = {}
    for name, numbers in calls.items():
        ctypes.set_errno(0)
        answer = libc.syscall(*(ctypes.c_long(number) for number in numbers))
        answers[name] = [answer, ctypes.get_errno()]
    return answers
"""


def accepted(box: Box, calls: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    """Return which of the calls were not refused, and with what answer."""
    answers: Any = box.value(RAW, {"calls": {name: list(each) for name, each in calls.items()}})
    assert len(answers) == len(calls)
    refusals = ([-1, EPERM], [-1, ENOSYS])  # the latter where the kernel or the filter is older
    return {name: answer for name, answer in answers.items() if answer not in refusals}


@pytest.mark.case(48)
def test_no_process_can_be_traced_or_read(box: Box) -> None:
    calls = {
        "ptrace attach": (101, 16, 1, 0, 0),
        "ptrace traceme": (101, 0, 0, 0, 0),
        "ptrace seize": (101, 0x4206, 1, 0, 0),
        "process_vm_readv": (310, 1, 0, 0, 0, 0, 0),
        "process_vm_writev": (311, 1, 0, 0, 0, 0, 0),
        "process_madvise": (440, 0, 0, 0, 0, 0),
        "process_mrelease": (448, 0, 0),
        "kcmp": (312, 1, 1, 0, 0, 0),
        "pidfd_getfd": (438, 0, 0, 0),
        "get_robust_list": (274, 1, 0, 0),
        "perf_event_open": (298, 0, 0, -1, -1, 0),
        "clock_gettime of PID 1": (228, ~1 << 3, 0),
        "move_pages": (279, 1, 0, 0, 0, 0, 0),
        "migrate_pages": (256, 1, 0, 0, 0),
    }
    assert accepted(box, calls) == {}


@pytest.mark.case(48)
def test_one_s_own_child_cannot_be_traced(box: Box) -> None:
    code = """
        import ctypes, os, time
        libc = ctypes.CDLL(None, use_errno=True)
        def f():
            pid = os.fork()
            if pid == 0: time.sleep(30)
            answers = []
            for request in (16, 0x4206):
                answers.append([libc.ptrace(request, pid, 0, 0), ctypes.get_errno()])
            return answers
    """
    assert box.value(code) == [[-1, EPERM], [-1, EPERM]]


@pytest.mark.case(50)
def test_there_are_no_new_namespaces_and_mounts(box: Box) -> None:
    calls = {
        "unshare user": (272, 0x10000000),
        "unshare everything": (272, 0x7E020000),
        "setns": (308, 0, 0),
        "mount": (165, 0, 0, 0, 0, 0),
        "umount2": (166, 0, 0),
        "pivot_root": (155, 0, 0),
        "chroot": (161, 0),
        "fsopen": (430, 0, 0),
        "fsmount": (432, 0, 0, 0),
        "fspick": (433, -100, 0, 0),
        "open_tree": (428, -100, 0, 0),
        "move_mount": (429, 0, 0, 0, 0, 0),
        "mount_setattr": (442, 0, 0, 0, 0, 0),
        "clone with a user namespace": (56, 0x10000011, 0, 0, 0, 0),
        "clone with a network namespace": (56, 0x40000011, 0, 0, 0, 0),
        "clone with a process namespace": (56, 0x20000011, 0, 0, 0, 0),
        "name_to_handle_at": (303, 0, 0, 0, 0, 0),
        "open_by_handle_at": (304, 0, 0, 0),
        "swapon": (167, 0, 0),
        "acct": (163, 0),
        "quotactl": (179, 0, 0, 0, 0),
    }
    assert accepted(box, calls) == {}


@pytest.mark.case(50)
def test_clone3_is_said_not_to_exist(box: Box) -> None:
    assert accepted(box, {"clone3": (435, 0, 0)}) == {}
    answer = box.value(RAW, {"calls": {"clone3": [435, 0, 0]}})
    assert answer == {"clone3": [-1, ENOSYS]}


@pytest.mark.case(51)
def test_there_is_no_io_uring(box: Box) -> None:
    calls = {
        "io_uring_setup": (425, 1, 0),
        "io_uring_enter": (426, 0, 0, 0, 0, 0),
        "io_uring_register": (427, 0, 0, 0, 0),
        "io_setup": (206, 1, 0),
        "io_submit": (209, 0, 0, 0),
    }
    assert accepted(box, calls) == {}


@pytest.mark.case(52)
def test_there_are_no_keyrings(box: Box) -> None:
    calls = {
        "add_key": (248, 0, 0, 0, 0, -3),
        "request_key": (249, 0, 0, 0, 0),
        "keyctl get": (250, 0, -3, 0),
        "keyctl join": (250, 1, 0),
        "keyctl persistent": (250, 22, -1, -3),
    }
    assert accepted(box, calls) == {}


@pytest.mark.case(53)
def test_files_cannot_be_locked_leased_or_watched(box: Box) -> None:
    # Sandboxes may share a file of the root file system: a lock of one would be seen by another.
    code = """
        import fcntl, os, struct, sys
        lock = struct.pack("hhqqi", fcntl.F_RDLCK, 0, 4242, 1, 0)
        def f():
            granted = []
            for path in (sys.executable, "/proc/version", "/dev/null", "/usr/bin"):
                try: fd = os.open(path, os.O_RDONLY)
                except OSError: continue
                for command in (5, 6, 7, 36, 37, 38):
                    try: granted.append([path, command, fcntl.fcntl(fd, command, lock)])
                    except OSError: pass
                for command in (1024, 1025, 1026, 8, 10, 15):
                    try: granted.append([path, command, fcntl.fcntl(fd, command, 1)])
                    except OSError: pass
                try: granted.append([path, "flock", fcntl.flock(fd, fcntl.LOCK_SH)])
                except OSError: pass
                os.close(fd)
            return len(granted)
    """
    assert box.value(code) == 0
    calls = {
        "inotify_init1": (294, 0),
        "inotify_init": (253,),
        "fanotify_init": (300, 0, 0),
        "fadvise64": (221, 0, 0, 0, 4),
        "readahead": (187, 0, 0, 0),
        "mincore": (27, 0, 0, 0),
        "cachestat": (451, 0, 0, 0, 0),
    }
    assert accepted(box, calls) == {}


@pytest.mark.case(54)
def test_there_is_no_memory_or_queue_that_others_could_open(box: Box) -> None:
    calls = {
        "shmget": (29, 0x1234, 4096, 0o1777),
        "semget": (64, 0x1234, 1, 0o1777),
        "msgget": (68, 0x1234, 0o1777),
        "mq_open": (240, 0, 0o102, 0o600, 0),
        "mq_unlink": (241, 0),
        "eventfd": (284, 0),
        "eventfd2": (290, 0, 0),
        "timerfd_create": (283, 1, 0),
        "signalfd4": (289, -1, 0, 8, 0),
        "userfaultfd": (323, 0),
        "memfd_secret": (447, 0),
    }
    assert accepted(box, calls) == {}
    write = "import os\ndef f(): os.close(os.open('/dev/shm/left', os.O_CREAT | os.O_RDWR))"
    assert box.one(write).outcome is Outcome.RAISED


@pytest.mark.case(56)
def test_no_program_is_run_from_memory(box: Box) -> None:
    calls = {
        "memfd_create": (319, 0, 0),
        "execveat": (322, -1, 0, 0, 0, 0x1000),
        "uselib": (134, 0),
        "kexec_load": (246, 0, 0, 0, 0),
        "kexec_file_load": (320, 0, 0, 0, 0, 0),
        "init_module": (175, 0, 0, 0),
        "finit_module": (313, 0, 0, 0),
        "delete_module": (176, 0, 0),
        "bpf": (321, 0, 0, 0),
    }
    assert accepted(box, calls) == {}


@pytest.mark.case(56)
@pytest.mark.parametrize(
    "start",
    [
        "os.execv(sys.executable, ['python3', '-c', '1'])",
        "os.execve('/proc/self/exe', ['python3'], {})",
        "os.posix_spawn(sys.executable, ['python3'], {})",
        "subprocess.run([sys.executable, '-c', '1'])",
    ],
)
def test_no_program_is_run_at_all(box: Box, start: str) -> None:
    # A new program would be its user's own again, with all of /proc/self to write to.
    run = box.one(f"import os, subprocess, sys\ndef f(): {start}")
    assert run.outcome is Outcome.RAISED
    assert run.error is not None
    assert run.error.type_name == "PermissionError"


@pytest.mark.case(41)
def test_one_s_own_folder_stays_the_machine_s(box: Box) -> None:
    code = """
        import ctypes, os
        def f():
            granted = [ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)]
            for name in ("mem", "oom_score_adj", "clear_refs", "coredump_filter", "environ",
                         "autogroup", "comm", "loginuid", "uid_map", "setgroups", "sched"):
                for flags in (os.O_RDWR, os.O_WRONLY):
                    try: os.open("/proc/self/" + name, flags)
                    except OSError: continue
                    granted.append(name)
            return granted
    """
    assert box.value(code) == [-1]


@pytest.mark.case(57)
def test_the_machine_and_its_users_cannot_be_changed(box: Box) -> None:
    calls = {
        "reboot": (169, 0xFEE1DEAD, 672274793, 0x1234567, 0),
        "sethostname": (170, 0, 0),
        "setdomainname": (171, 0, 0),
        "settimeofday": (164, 0, 0),
        "clock_settime": (227, 0, 0),
        "adjtimex": (159, 0),
        "clock_adjtime": (305, 0, 0),
        "iopl": (172, 3),
        "ioperm": (173, 0, 1, 1),
        "syslog": (103, 3, 0, 0),
        "sysinfo": (99, 0),
        "vhangup": (153,),
        "modify_ldt": (154, 0, 0, 0),
        "personality": (135, 0x0040000),
        "setfsuid": (122, 0),
        "chown": (92, 0, 0, 0),
        "mknod": (133, 0, 0o020666, 0x101),
    }
    assert accepted(box, calls) == {}
    code = """
        import os
        def f():
            for become in (lambda: os.setuid(0), lambda: os.setgid(0), lambda: os.setgroups([0]),
                           lambda: os.setresuid(0, 0, 0), lambda: os.setreuid(0, 0)):
                try: become()
                except OSError: continue
                return "root"
            found = [os.path.join(folder, name) for folder in os.environ.get("PATH", "").split(":")
                     for name in ("sudo", "su", "doas", "mount", "newuidmap")]
            return [path for path in found if os.path.exists(path)] and os.getuid() == 0
    """
    assert box.value(code) in ([], False)


@pytest.mark.case(53, 57)
def test_what_a_process_is_to_the_scheduler_stays_as_it_is(box: Box) -> None:
    calls = {
        "setpriority": (141, 0, 1, 5),
        "setpriority of oneself": (141, 0, 0, 5),
        "sched_setaffinity": (203, 1, 8, 0),
        "sched_setscheduler": (144, 1, 3, 0),
        "sched_setparam": (142, 1, 0),
        "sched_setattr": (314, 1, 0, 0),
        "ioprio_set": (251, 1, 1, 0),
        "prlimit64 of PID 1": (302, 1, 7, 0, 0),
        "set_mempolicy": (238, 0, 0, 0),
        "mbind": (237, 0, 0, 0, 0, 0, 0),
        "mlock": (149, 0, 4096),
        "mlockall": (151, 1),
        "membarrier": (324, 0, 0, 0),
        "landlock_create_ruleset": (444, 0, 0, 0),
        "seccomp": (317, 1, 0, 0),
        "fcntl F_SETPIPE_SZ": (72, 1, 1031, 1 << 20),
        "vmsplice": (278, 1, 0, 0, 0),
        "tee": (276, 1, 1, 1, 0),
        "sendfile": (40, 1, 0, 0, 1),
    }
    assert accepted(box, calls) == {}


@pytest.mark.case(50, 61)
def test_every_system_call_that_is_not_listed_is_refused(box: Box) -> None:
    library = ctypes.CDLL("libseccomp.so.2")
    listed = {
        library.seccomp_syscall_resolve_name(name.encode())
        for rule in SETTINGS["syscalls"]
        for name in rule["names"]
    }
    assert len(listed) > 100
    # These two are the kernel's own way back from a probe; no filter sees them, and they kill.
    probes = {335, 336}
    others = {str(n): (n, 0, 0, 0, 0, 0, 0) for n in set(range(520)) - listed - probes}
    assert accepted(box, others) == {}


@pytest.mark.case(55)
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


@pytest.mark.case(55)
@pytest.mark.parametrize("number", [39, 41, 101, 165, 520, 521])
def test_system_calls_of_the_x32_table_kill_or_fail(box: Box, number: int) -> None:
    run = box.one(RAW, {"calls": {"x32": [0x40000000 | number, 0, 0, 0]}})
    if run.outcome is not Outcome.DIED:
        assert accepted(box, {"x32": (0x40000000 | number, 0, 0, 0)}) == {}


@pytest.mark.case(61)
def test_machine_code_that_calls_the_kernel_itself_is_filtered_alike(box: Box) -> None:
    code = """
        import ctypes, mmap
        def f():
            # mov eax, 41 (socket); mov edi, 2; mov esi, 1; xor edx, edx; syscall; ret
            page = mmap.mmap(-1, 4096, prot=7)
            page.write(bytes([0xB8, 41, 0, 0, 0, 0xBF, 2, 0, 0, 0, 0xBE, 1, 0, 0, 0,
                              0x31, 0xD2, 0x0F, 0x05, 0xC3]))
            start = ctypes.addressof(ctypes.c_char.from_buffer(page))
            return ctypes.CFUNCTYPE(ctypes.c_long)(start)()
    """
    assert box.value(code) == -EPERM


@pytest.mark.case(61)
@pytest.mark.parametrize(
    "crash",
    ["ctypes.string_at(0)", "ctypes.memset(id(None), 0xAA, 64)", "ctypes.CDLL(None).abort()"],
)
def test_native_code_that_crashes_ends_only_its_call(box: Box, crash: str) -> None:
    assert box.one(f"import ctypes\ndef f(): {crash}").outcome is Outcome.DIED


# --- The network -----------------------------------------------------------------------------


@pytest.mark.case(43, 45)
def test_sockets_of_no_family_can_be_made(box: Box) -> None:
    calls = {
        f"{number} family {family} type {kind}": (number, family, kind, 0, 0)
        for number in (41, 53)
        for family in range(48)
        for kind in (1, 2, 3, 5, 10)
    }
    assert accepted(box, calls) == {}


@pytest.mark.case(43, 46)
@pytest.mark.parametrize(
    "code",
    [
        "import socket\ndef f(): socket.create_connection(('203.0.113.1', 80), 1)",
        "import socket\ndef f(): socket.socket(socket.AF_UNIX).connect('\\0x')",
        "import socket\ndef f(): socket.socket(40)",
        "import socket\ndef f(): socket.getaddrinfo('localhost', 80)",
        "import socket\ndef f(): socket.getaddrinfo('secret.leak.test', 80)",
        "import socket\ndef f(): socket.gethostbyname('secret.leak.test')",
        "import urllib.request\ndef f(): urllib.request.urlopen('http://127.0.0.1', timeout=1)",
        "import asyncio\ndef f(): asyncio.run(asyncio.sleep(0))",
    ],
)
def test_there_is_no_network_and_no_name_service(box: Box, code: str) -> None:
    run = box.one(code)
    assert run.outcome is Outcome.RAISED, run
    assert run.error is not None
    # The root file system may lack the modules of the network altogether.
    assert run.error.type_name in {
        *("PermissionError", "OSError", "URLError", "gaierror", "ModuleNotFoundError"),
        "ImportError",
    }


@pytest.mark.case(44)
def test_services_of_the_host_are_out_of_reach(box: Box, tmp_path: Path) -> None:
    code = """
        import ctypes, os
        def f(port, path):
            try: import socket
            except ImportError: return []
            reached = []
            ports = [port, 22, 80, 443, 2375, 5432, 6379, 8000]
            places = [("127.0.0.1", each) for each in ports] + [("169.254.169.254", 80)]
            for place in places:
                try: socket.create_connection(place, 0.2); reached.append(list(place))
                except OSError: pass
            for name in (path, "/var/run/docker.sock", "/run/containerd/containerd.sock"):
                try: socket.socket(socket.AF_UNIX).connect(name); reached.append(name)
                except OSError: pass
                if os.path.exists(name): reached.append("exists " + name)
            return reached
    """
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as local:
        path = str(tmp_path / "door")
        local.bind(path)
        local.listen()
        assert box.value(code, {"port": tcp.getsockname()[1], "path": path}) == []
        for door in (tcp, local):
            door.settimeout(0)
            with pytest.raises(BlockingIOError):
                door.accept()


# --- PID 1 and other processes ---------------------------------------------------------------


@pytest.mark.case(40, 41)
@pytest.mark.parametrize(
    "path",
    [
        *(f"/proc/1/{name}" for name in ("mem", "environ", "maps", "auxv", "fd/0", "fd/1", "root")),
        *(f"/proc/1/{name}" for name in ("cwd", "exe", "syscall", "stack", "pagemap", "ns/pid")),
        *(
            f"/proc/1/{name}"
            for name in ("smaps", "numa_maps", "clear_refs", "fdinfo", "personality")
        ),
        *("/proc/1/fd", "/proc/1/map_files", "/proc/1/task/1/mem", "/proc/self/../1/mem"),
        *("/proc/self/task/../../1/environ", "/proc/1/root/etc/passwd", "/proc/1/cwd/etc/passwd"),
        *("/proc/thread-self/../../../1/mem", "/proc/1/task/1/fd/0", "/proc/1/task/1/root/etc"),
    ],
)
def test_pid_1_cannot_be_looked_into(box: Box, path: str) -> None:
    code = """
        import os
        def f(path):
            for look in (lambda: open(path, "rb").read(1), lambda: os.listdir(path),
                         lambda: os.readlink(path), lambda: os.open(path, os.O_WRONLY)):
                try: return look() or None
                except OSError: pass
    """
    assert box.value(code, {"path": path}) is None


@pytest.mark.case(41)
def test_aliases_of_one_s_own_folders_lead_nowhere_else(box: Box) -> None:
    code = """
        import os
        def f():
            inside = os.stat("/").st_ino
            ways = ["/proc/self/root", "/proc/self/cwd", "/proc/thread-self/root",
                    f"/proc/self/task/{os.getpid()}/root", "/proc/self/root/..", "/../..",
                    "/proc/self/root/proc/self/root/../.."]
            found = []
            for way in ways:
                try: found.append(os.stat(way).st_ino)
                except OSError: continue
            return sorted(set(found) - {inside, os.stat(os.getcwd()).st_ino})
    """
    assert box.value(code) == []


@pytest.mark.case(47)
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


@pytest.mark.case(47)
def test_signals_do_not_reach_pid_1(box: Box) -> None:
    code = """
        import ctypes, os
        libc = ctypes.CDLL(None)
        def f():
            pidfd = os.pidfd_open(1)
            for number in range(1, 65):
                for target in (1, -1, os.getppid(), -os.getppid()):
                    try: os.kill(target, number)
                    except OSError: pass
                libc.syscall(200, 1, number)  # tkill
                libc.syscall(234, 1, 1, number)  # tgkill
                libc.syscall(129, 1, number, ctypes.create_string_buffer(128))  # rt_sigqueueinfo
                libc.syscall(424, pidfd, number, None, 0)  # pidfd_send_signal
            return "alive"
    """
    assert box.value(code) == "alive"


@pytest.mark.case(47)
def test_signals_by_way_of_a_descriptor_do_not_reach_pid_1(box: Box) -> None:
    # Its owner would get the signal of one's choice when something is written.
    code = """
        import fcntl, os, time
        def f():
            refused = 0
            source, target = os.pipe()
            for number in (9, 19, 15):
                for command, value in ((8, 1), (10, number)):
                    try: fcntl.fcntl(source, command, value)
                    except OSError: refused += 1
                fcntl.fcntl(source, fcntl.F_SETFL, os.O_ASYNC)
                os.write(target, b"x")
            time.sleep(0.05)
            return refused
    """
    assert box.value(code) == 6


@pytest.mark.case(47)
def test_no_timer_sends_signals_to_others(box: Box) -> None:
    calls = {
        "timer_create": (222, 1, 0, 0),
        "rt_sigqueueinfo": (129, 1, 9, 0),
        "rt_tgsigqueueinfo": (297, 1, 1, 9, 0),
        "pidfd_send_signal": (424, 0, 9, 0, 0),
    }
    assert accepted(box, calls) == {}


@pytest.mark.case(48)
def test_a_descriptor_of_pid_1_opens_nothing_of_it(box: Box) -> None:
    code = """
        import fcntl, os
        def f():
            pidfd = os.pidfd_open(1)
            opened = []
            for number in range(1, 11):  # PIDFD_GET_…_NAMESPACE
                try: opened.append(fcntl.ioctl(pidfd, 0xFF00 | number))
                except OSError: pass
            return len(opened)
    """
    assert box.value(code) == 0


@pytest.mark.case(48)
def test_prctl_reaches_nobody_else(box: Box) -> None:
    code = """
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        def f():
            granted = []
            for name, numbers in {
                "a core with PID 1": (62, 2, 1, 0, 0),
                "a core from PID 1": (62, 3, 1, 0, 0),
                "memory map": (35, 1, 4096, 0, 0),
                "flusher": (57, 1, 0, 0, 0),
                "capability": (47, 2, 21, 0, 0),
            }.items():
                if libc.prctl(*numbers) == 0: granted.append(name)
            return granted
    """
    assert box.value(code) == []


@pytest.mark.case(54)
def test_memory_cannot_be_merged_with_another_sandbox_s(box: Box) -> None:
    # Whoever guesses a page of another's would learn from the merged copy that the guess is right.
    code = """
        import ctypes, mmap
        libc = ctypes.CDLL(None, use_errno=True)
        def f():
            page = mmap.mmap(-1, 65536)
            start = ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(page)))
            granted = [libc.prctl(67, 1, 0, 0, 0)]
            for advice in (12, 20, 21, 25, 100, 101):
                granted.append(libc.madvise(start, ctypes.c_size_t(65536), advice))
            return granted
    """
    assert box.value(code) == [-1] * 7


@pytest.mark.case(49)
@pytest.mark.parametrize("way", ["/proc/self/mem", "mprotect"])
def test_code_that_was_rewritten_in_memory_is_whole_in_the_next_call(box: Box, way: str) -> None:
    rewrite = """
        import ctypes
        libc = ctypes.CDLL(None)
        def f(way):
            start = ctypes.cast(libc.getppid, ctypes.c_void_p).value
            answer_42 = b"\\xb8\\x2a\\0\\0\\0\\xc3"
            if way == "mprotect":
                libc.mprotect(ctypes.c_void_p(start & ~4095), ctypes.c_size_t(8192), 7)
                ctypes.memmove(start, answer_42, len(answer_42))
            else:
                try:
                    with open(way, "r+b", 0) as memory:
                        memory.seek(start)
                        memory.write(answer_42)
                except OSError: return 42
            return libc.getppid()
    """
    if os.uname().machine == "x86_64":
        assert box.value(rewrite, {"way": way}) == 42
    look = "import ctypes, os\ndef f(): return [ctypes.CDLL(None).getppid(), os.getppid()]"
    assert box.value(look) == [1, 1]


@pytest.mark.case(49)
def test_a_number_that_was_rewritten_counts_again_in_the_next_call(box: Box) -> None:
    rewrite = """
        import ctypes
        def f():
            ctypes.memmove(id(7) + 24, (8).to_bytes(4, "little"), 4)
            return 1
    """
    box.one(rewrite)
    assert box.value("def f(x): return x + 3", {"x": 4}) == 7


# --- Files -----------------------------------------------------------------------------------


@pytest.mark.case(33)
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


@pytest.mark.case(33)
def test_nothing_that_is_imported_can_be_replaced(box: Box) -> None:
    code = """
        import os, sys
        import numpy
        def f():
            places = [*sys.path, os.path.dirname(numpy.__file__), os.getcwd(), "/usr", "/etc", "/"]
            return [place for place in places if os.access(place or ".", os.W_OK)]
    """
    assert box.value(code) == []


@pytest.mark.case(33)
@pytest.mark.parametrize("path", ["/dev/shm", "/dev/mqueue", "/dev/pts", "/sys"])  # noqa: S108
def test_places_that_are_usually_writable_are_empty_or_gone(box: Box, path: str) -> None:
    code = """
        import os
        def f(path):
            try: return os.listdir(path)
            except OSError: return []
    """
    assert box.value(code, {"path": path}) == []


@pytest.mark.case(32)
def test_files_of_the_host_are_not_there(box: Box, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    canary.write_text("of the host")
    code = """
        import os
        def f(paths):
            ways = ["", "/proc/1/root", "/proc/self/root/..", "/..", "/proc/self/cwd/../.."]
            return [way + path for path in paths for way in ways if os.path.exists(way + path)]
    """
    ours = [str(ROOT), str(canary), "/root/.ssh", "/var/run/docker.sock", "/app", "/questions"]
    assert box.value(code, {"paths": ours}) == []


@pytest.mark.case(32)
def test_no_password_can_be_read(box: Box) -> None:
    code = """
        import os
        def f():
            read = {}
            for path in ("/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/passwd"):
                try: read[path] = open(path).read()
                except OSError: read[path] = ""
            secrets = [line.split(":")[1] for line in read.pop("/etc/passwd").splitlines()]
            return ["".join(read.values()), sorted(set(secrets) - {"x", "*", "!"})]
    """
    assert box.value(code) == ["", []]


@pytest.mark.case(34)
@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "/etc/passwd", "f\0g", "a\\b", "", "__builtins__", "f;g", "变" * 9000],
)
def test_a_name_that_is_asked_for_is_never_a_path(box: Box, name: str) -> None:
    run = box.run(call("def g(): pass", entry_point=name, limits=SHORT))[0]
    assert run.outcome is Outcome.BAD_CODE
    assert run.result is None


@pytest.mark.case(35, 36, 37, 38)
@pytest.mark.parametrize(
    "source",
    [
        "os.open(sys.executable, os.O_RDONLY)",
        "os.open('/dev/urandom', os.O_RDONLY)",
        "os.open('/dev/zero', os.O_RDWR)",
        "os.open('/dev/full', os.O_RDWR)",
        "os.pipe()[0]",
        "os.pipe()[1]",
        "os.open('/', os.O_RDONLY)",
    ],
)
@pytest.mark.parametrize("target", [1, 3])
def test_nothing_else_is_collected_in_place_of_the_report(
    box: Box, source: str, target: int
) -> None:
    # Results come through a pipe that PID 1 holds; what the call puts in its place, nobody reads.
    run = box.one(
        f"import os, sys\ndef f():\n    os.dup2({source}, {target})\n    print('x')\n    return 1"
    )
    assert run.stdout == ("" if target == 1 else "x\n")
    assert run.outcome is (Outcome.RETURNED if target == 1 else Outcome.DIED)


@pytest.mark.case(42)
@pytest.mark.parametrize(
    "path",
    [
        "'a\\0b'",
        "b'\\xff\\xfe'",
        "'\\udcff'",
        "'x' * 10**6",
        "'%s%n%x'",
        "'../' * 2000 + 'etc'",
        "''",
    ],
)
def test_odd_paths_are_errors_of_the_call(box: Box, path: str) -> None:
    code = f"""
        import os
        def f():
            for use in (os.stat, os.open, os.mkdir, os.readlink, os.execv):
                try: use({path}, *([0] if use is os.open else [["x"]] if use is os.execv else []))
                except (OSError, ValueError): continue
                return use.__name__
    """
    assert box.value(code) is None


@pytest.mark.case(57)
def test_no_set_uid_program_gives_privileges(box: Box) -> None:
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


# --- What the call is born with --------------------------------------------------------------


@pytest.mark.case(58)
def test_nothing_private_is_in_any_environment(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YIMIAN_SECRET_KEY", "only-the-host-knows")
    code = """
        import os
        def f():
            text = repr(os.environ)
            for name in os.listdir("/proc"):
                if name.isdigit() or name == "self":
                    try: text += open(f"/proc/{name}/environ").read()
                    except OSError: pass
            return [sorted(os.environ), "only-the-host-knows" in text]
    """
    box = Box(engine)
    try:
        names, known = _pair(box.value(code))
    finally:
        box.replace()
    harmless = {"HOME", "HOSTNAME", "LANG", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PATH"}
    assert set(names) <= harmless | {"PWD"}
    assert known is False


@pytest.mark.case(59)
def test_only_standard_streams_and_the_report_are_open(engine: Engine, tmp_path: Path) -> None:
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
    box = Box(engine)
    (tmp_path / "secret").write_text("of the host")
    with (tmp_path / "secret").open() as secret:
        os.set_inheritable(secret.fileno(), True)  # noqa: FBT003 - its only argument
        try:
            assert box.value(code) == [0, 1, 2, 3]
        finally:
            box.replace()


@pytest.mark.case(59)
def test_stdin_is_at_its_end(box: Box) -> None:
    assert box.value("import sys\ndef f(): return sys.stdin.read()") == ""


@pytest.mark.case(60)
def test_no_code_runs_before_the_walls_stand(box: Box) -> None:
    code = """
        import os, sys
        at_import = open("/proc/self/status").read().split("Seccomp:")[1].split()[0]
        def f():
            hooks = ["sitecustomize", "usercustomize"]
            preloads = [name for name in os.environ if name.startswith(("PYTHON", "LD_"))]
            return [at_import, bool(sys.flags.isolated), preloads,
                    [name for name in hooks if name in sys.modules],
                    os.path.exists("/etc/ld.so.preload")]
    """
    assert box.value(code) == ["2", True, [], [], False]


@pytest.mark.case(57, 60)
def test_the_call_has_no_privileges(box: Box) -> None:
    code = """
        import os
        def f():
            lines = open("/proc/self/status").read().splitlines()
            status = dict(line.split(":\\t") for line in lines)
            nobody = min(os.getuid(), os.getgid(), *os.getgroups()) >= 64100
            return [nobody, status["CapEff"], status["CapBnd"], status["CapAmb"],
                    status["NoNewPrivs"], status["Seccomp"]]
    """
    assert box.value(code) == [True, "0" * 16, "0" * 16, "0" * 16, "1", "2"]


@pytest.mark.case(62)
def test_there_is_no_terminal_to_type_into(box: Box) -> None:
    code = """
        import fcntl, os
        def f():
            typed = []
            for path in ("/dev/tty", "/dev/console", "/dev/ptmx", "/dev/pts/0", 0, 1, 2):
                try:
                    fd = path if isinstance(path, int) else os.open(path, os.O_RDWR | os.O_NOCTTY)
                    fcntl.ioctl(fd, 0x5412, b"x")  # TIOCSTI
                except OSError: continue
                typed.append(path)
            return [typed, [os.isatty(fd) for fd in range(3)]]
    """
    assert box.value(code) == [[], [False] * 3]


@pytest.mark.case(62)
def test_escape_sequences_stay_text(box: Box) -> None:
    run = box.one("def f(): print('\\x1b]0;title\\x07\\x1b[2J\\x1b[6n')")
    assert run.stdout == "\x1b]0;title\x07\x1b[2J\x1b[6n\n"


def _pair(value: object) -> tuple[Any, Any]:
    assert isinstance(value, list)
    first, second = value
    return first, second
