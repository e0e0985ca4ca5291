"""Nothing survives a case: what a hidden call did, a later one whose output is shown cannot see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.grading.runs import Outcome, RunLimits
from tests.sandboxes import call, result

if TYPE_CHECKING:
    from tests.sandboxes import Box

LONG = RunLimits(cpu_seconds=20, wall_seconds=40, memory_mb=512)

# Everything about the world that a call can look at without knowing where to look.
LOOK = """
import hashlib, os, resource

OWN = {"self", "thread-self", str(os.getpid())}
MOVING = {"/proc/cpuinfo"}  # the machine's clock rate

def stat(path):
    try:
        found = os.lstat(path)
    except OSError as error:
        return error.strerror
    names = {name for name in dir(found) if name.startswith("st_")}
    if path == "/proc":
        names.remove("st_nlink")  # counts the processes of the whole machine
    return [str(getattr(found, name)) for name in sorted(names)]

def content(path):
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        return error.strerror
    try:
        return hashlib.sha256(os.read(fd, 1 << 20)).hexdigest()
    except OSError as error:
        return error.strerror
    finally:
        os.close(fd)

def f():
    seen = {}
    for folder, folders, files in os.walk("/"):
        if folder == "/proc":
            folders[:] = [name for name in folders if name not in OWN]
            files = [name for name in files if name not in OWN]
        system = folder.startswith(("/proc", "/dev", "/etc"))
        for name in folders + files:
            path = os.path.join(folder, name)
            if path not in MOVING and not (folder == "/proc" and name.isdigit()):
                seen["stat " + path] = stat(path) if not path.startswith("/proc/1/") else None
                if system and name in files and not path.startswith("/dev/"):
                    seen["content " + path] = content(path)
    seen["files"] = len(seen)
    seen["processes"] = sorted(name for name in os.listdir("/proc") if name.isdigit())[:-1]
    seen["descriptors"] = sorted(os.listdir("/proc/self/fd"))
    for name in ("PRIO_PROCESS", "PRIO_PGRP", "PRIO_USER"):
        for who in (0, 1):
            try: seen[f"{name} {who}"] = os.getpriority(getattr(os, name), who)
            except OSError as error: seen[f"{name} {who}"] = error.strerror
    for who in (0, 1):
        seen[f"cpus {who}"] = sorted(os.sched_getaffinity(who))
        seen[f"scheduler {who}"] = os.sched_getscheduler(who)
    seen["limits"] = [
        list(resource.getrlimit(getattr(resource, name)))
        for name in dir(resource) if name.startswith("RLIMIT_") and name != "RLIMIT_AS"
    ]
    seen["mask"] = os.umask(0)
    seen["where"] = os.getcwd()
    return {key: repr(value) for key, value in seen.items()}
"""

# Everything that a call can try to change, without knowing what would stay.
LEAVE = """
import ctypes, fcntl, os, resource, signal, stat

libc = ctypes.CDLL(None, use_errno=True)

def tries(secret):
    for folder, folders, files in os.walk("/"):
        if folder == "/proc":
            folders[:] = [name for name in folders if not name.isdigit() or name == "1"]
        yield lambda: os.mkdir(folder + "/" + secret)
        yield lambda: os.symlink(secret, folder + "/" + secret)
        yield lambda: os.close(os.open(folder + "/" + secret, os.O_CREAT | os.O_WRONLY))
        yield lambda: os.mkfifo(folder + "/" + secret)
        for name in folders + files:
            path = os.path.join(folder, name)
            yield lambda: os.readlink(path)
            yield lambda: os.utime(path)
            yield lambda: os.chmod(path, 0o777)
            yield lambda: os.rename(path, path + secret)
            yield lambda: os.setxattr(path, "user.secret", secret.encode())
            if folder.startswith(("/proc", "/dev")) and name in files:
                for flags in (os.O_RDONLY, os.O_WRONLY):
                    yield lambda: use(path, flags, secret)
    for who in (1, 0):
        yield lambda: os.setpriority(os.PRIO_PROCESS, who, 7)
        yield lambda: os.setpriority(os.PRIO_USER, who, 8)
        yield lambda: os.setpriority(os.PRIO_PGRP, who, 9)
        yield lambda: os.sched_setaffinity(who, {0})
        yield lambda: os.sched_setscheduler(who, os.SCHED_BATCH, os.sched_param(0))
        yield lambda: resource.prlimit(who, resource.RLIMIT_NOFILE, (33, 33))
        yield lambda: resource.prlimit(who, resource.RLIMIT_CPU, (77, 77))
        yield lambda: os.setpgid(who, 0)
    yield lambda: os.umask(0o123)
    yield lambda: os.chdir("/usr")
    for number in range(1, 65):
        if number not in (9, 19):
            yield lambda: os.kill(1, number)
    yield lambda: print("x" * 30_000)

def use(path, flags, secret):
    fd = os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        os.read(fd, 1000) if flags == os.O_RDONLY else os.write(fd, secret[:1].encode())
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.close(fd)

def f(secret):
    done = 0
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    held = bytearray(300 * 2**20)
    for attempt in tries(secret):
        try:
            attempt()
            done += 1
        except (OSError, ValueError):
            pass
    return done
"""


def test_the_world_looks_the_same_after_a_call_that_touched_everything(box: Box) -> None:
    box.replace()
    before = box.value(LOOK, limits=LONG)
    assert isinstance(before, dict)
    assert len(before) > 500
    left = box.one(LEAVE, {"secret": "12345678"}, limits=LONG)
    assert left.outcome is Outcome.RETURNED, left
    after = box.value(LOOK, limits=LONG)
    assert isinstance(after, dict)
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    assert changed == set()


def test_no_first_look_is_noted(box: Box) -> None:
    walk = """
        import os
        def f():
            paths = []
            for folder, folders, files in os.walk("/"):
                if folder == "/proc":
                    folders[:] = [name for name in folders if not name.isdigit() or name == "1"]
                paths += [os.path.join(folder, name) for name in folders + files]
            return paths
    """
    noted = """
        import os
        def f(paths):
            seen = []
            for path in paths:
                try: found = os.lstat(path)
                except OSError: continue
                if found.st_atime_ns > max(found.st_mtime_ns, found.st_ctime_ns): seen.append(path)
            return seen
    """
    paths = box.value(walk, limits=LONG)
    box.replace()
    untouched = box.value(noted, {"paths": paths}, limits=LONG)
    box.replace()
    assert box.one(LEAVE, {"secret": "12345678"}, limits=LONG).outcome is Outcome.RETURNED
    touched = box.value(noted, {"paths": paths}, limits=LONG)
    assert isinstance(touched, list)
    assert isinstance(untouched, list)
    assert set(touched) == set(untouched)


def test_memory_holds_nothing_of_an_earlier_call(box: Box) -> None:
    # The secret is spelled so that neither this code nor its constants contain it.
    leave = """
        import sys
        def f(x, name):
            print(x * 50, name)
            sys.stderr.write(x)
            return [x, {name: x}]
    """
    hunt = """
        import ctypes
        def f(shifted):
            secret = bytes(byte - 1 for byte in shifted.encode())
            found = 0
            with open("/proc/self/maps") as maps:
                for line in maps.read().splitlines():
                    fields = line.split()
                    if "r" not in fields[1] or fields[-1][:5] in ("[vvar", "[vsys"):
                        continue
                    start, end = (int(part, 16) for part in fields[0].split("-"))
                    text = ctypes.string_at(start, end - start)
                    found += text.count(secret)
                    del text
            return found - 1  # the spelled one
    """
    secret = "Zq7Lx0Wm9Kd3Vt5B"
    shifted = "".join(chr(ord(letter) + 1) for letter in secret)
    for _ in range(3):
        result(box.run(call(leave, {"x": secret, "name": secret * 9}))[0])
    assert box.value(hunt, {"shifted": shifted}, limits=LONG) == 0
    # The hunt works: it finds what is there.
    there = hunt.replace("found = 0", "found = 0; held = bytearray(secret)")
    found = box.value(there, {"shifted": shifted}, limits=LONG)
    assert isinstance(found, int)
    assert found > 0


@pytest.mark.parametrize(
    ("leave", "look"),
    [
        (
            "import builtins\ndef f(): builtins.left = 1",
            "def f(): return 'left' in dir(__builtins__)",
        ),
        (
            "import numpy as np\ndef f(): np.allclose = 1",
            "import numpy as np\ndef f(): return np.allclose == 1",
        ),
        (
            "import sys\ndef f(): sys.modules['left'] = sys",
            "import sys\ndef f(): return 'left' in sys.modules",
        ),
        (
            "import os\ndef f(): os.environ['LEFT'] = '1'",
            "import os\ndef f(): return 'LEFT' in os.environ",
        ),
        (
            "import atexit, os\ndef f(): atexit.register(os.write, 1, b'left')",
            "def f(): return False",
        ),
        (
            "import gc\nleft = ['left by a call']\ndef f(): pass",
            """
            import gc
            def f():
                lists = [o for o in gc.get_objects() if type(o) is list and len(o) == 1]
                return any("left by" + " a call" in repr(o)[:40] for o in lists)
            """,
        ),
        (
            "import numpy as np\ndef f(): np.random.seed(1); np.seterr(all='raise')",
            """
            import numpy as np
            def f(): return np.geterr()["over"] == "raise" or np.random.rand() == 0.417022004702574
            """,
        ),
    ],
)
def test_a_call_finds_python_as_if_it_were_the_first(box: Box, leave: str, look: str) -> None:
    box.value(leave)
    run = box.one(look, limits=LONG)
    assert result(run) is False
    assert run.stdout == ""


def test_a_process_left_behind_is_killed_and_spends_the_sandbox(box: Box) -> None:
    leave = """
        import os, time
        def f():
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    while True:
                        try: os.write(1, b"late"); time.sleep(0.01)
                        except BaseException: pass
                os._exit(0)
            os.wait()
    """
    look = "import os\ndef f(): return len([n for n in os.listdir('/proc') if n.isdigit()])"
    assert box.one(leave).outcome is Outcome.RETURNED
    assert box.spent
    run = box.one(look)
    assert result(run) == 2
    assert run.stdout == ""


def test_process_ids_that_moved_on_spend_the_sandbox(box: Box) -> None:
    box.replace()
    look = "import os\ndef f(): return os.getpid()"
    first, second = box.value(look), box.value(look)
    assert isinstance(first, int)
    assert second == first + 2  # the child that had waited was replaced, as for every batch
    assert not box.spent
    box.value("""
        import os
        def f():
            for _ in range(5):
                os.fork() or os._exit(0)
                os.wait()
    """)
    assert box.spent


def test_a_thread_spends_the_sandbox(box: Box) -> None:
    box.replace()
    box.value(
        "import threading\ndef f():\n    t = threading.Thread(target=str); t.start(); t.join()"
    )
    assert box.spent


def test_a_descriptor_kept_open_by_a_descendant_does_not_hold_up_the_call(box: Box) -> None:
    run = box.one("import os, time\ndef f():\n    if not os.fork(): time.sleep(30)\n    return 1")
    assert result(run) == 1
    assert run.wall_ms < 3000
