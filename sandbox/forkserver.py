"""PID 1 of a sandbox: forks one child per call, relays what it writes, measures, kills.

It never holds a test's data: the call goes from its stdin to the child, and the child's output
to its stdout, through ``splice``, from pipe to pipe inside the kernel. Whoever searches the memory
that a child inherits finds no trace of an earlier call.

The child of the next call is forked before that call arrives. That saves its time, and its
process id tells whether the call before started processes or threads: ids count up, so they
would tell the next call something.

In: REQUEST, whose last five numbers are the child's runner.LIMITS; then the body, opaque here.
Out: chunks, each CHUNK and its content: b"H" ready; b"S" output; b"R" report; b"E" the end, as END.
"""

from __future__ import annotations

import fcntl
import gc
import importlib
import os
import resource
import selectors
import signal
import struct
import sys
import termios
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from sandbox import codec, runner

if TYPE_CHECKING:
    from collections.abc import Sequence

# Magic, sequence number, bytes of the body, packed limits.
REQUEST = struct.Struct(f">4sII{runner.LIMITS.size}s")
MAGIC = b"YIM1"
# Kind, bytes of content.
CHUNK = struct.Struct(">cI")
HELLO, OUTPUT, REPORT, END_OF_CALL = b"H", b"S", b"R", b"E"
# Sequence number, why it ended, exit code (negative: the signal), CPU µs, wall µs, kB of memory,
# processes killed after the call, whether process ids moved.
END = struct.Struct(">IchQQQI?")
# Why it ended, besides too much OUTPUT or REPORT.
EXITED, WALL, CPU = b"x", b"w", b"c"

STDIN, STDOUT = 0, 1
SECONDS_TO_DIE = 10.0
TICK = 1 / os.sysconf("SC_CLK_TCK")
CLOCK_STEP = 0.02  # longer than the steps of the clock that dates files
SHORTEST_LOOK = 0.02  # seconds between two looks at the CPU time of a running call
BROKEN_STREAM, UNKILLABLE, OPEN_HOUSE = 3, 4, 5  # exit codes of the fork server itself

# What candidates import, loaded once here instead of once per call.
PRELOAD = [
    "abc",
    "array",
    "bisect",
    "collections.abc",
    "contextlib",
    "copy",
    "ctypes",
    "dataclasses",
    "datetime",
    "decimal",
    "enum",
    "fractions",
    "functools",
    "heapq",
    "inspect",
    "io",
    "itertools",
    "json",
    "math",
    "numbers",
    "operator",
    "queue",
    "random",
    "re",
    "statistics",
    "string",
    "textwrap",
    "threading",
    "time",
    "timeit",
    "traceback",
    "types",
    "typing",
    "warnings",
    "numpy.fft",
    "numpy.lib.stride_tricks",
    "numpy.linalg",
    "numpy.ma",
    "numpy.polynomial",
    "numpy.random",
]


@dataclass
class Stream:
    """One pipe from the child, and how many of its bytes may still be passed on."""

    kind: bytes
    fd: int
    room: int = 0

    def relay(self) -> bool:
        """Pass on what is there now; False once more was written than may be."""
        waiting = pending(self.fd)
        allowed = min(waiting, self.room)
        if allowed:
            write(CHUNK.pack(self.kind, allowed))
            move(self.fd, STDOUT, allowed)
            self.room -= allowed
        return waiting <= allowed


@dataclass
class Usage:
    """What the processes of one call used, as the kernel counted it."""

    exit_code: int = 0
    cpu_us: int = 0
    memory_kb: int = 0
    killed: int = 0

    def add(self, used: resource.struct_rusage) -> None:
        """Add one reaped process and those that it reaped itself."""
        self.cpu_us += round((used.ru_utime + used.ru_stime) * 1e6)
        self.memory_kb = max(self.memory_kb, used.ru_maxrss)


@dataclass
class Child:
    """A forked child that waits for its call: its id, pidfd, and our ends of its pipes."""

    pid: int
    exited: int
    call: int
    streams: Sequence[Stream]
    usage: Usage = field(default_factory=Usage)

    def close(self) -> None:
        """Give back its descriptors."""
        os.close(self.exited)
        for stream in self.streams:
            os.close(stream.fd)


def main() -> NoReturn:
    """Serve calls until stdin ends, then exit, and the container with it."""
    if open_doors := [name for name, closed in doors().items() if not closed]:
        sys.stderr.write(f"this container is not closed: {', '.join(open_doors)}\n")
        os._exit(OPEN_HOUSE)
    prepare()
    child = fork()
    write(CHUNK.pack(HELLO, 0))
    while True:
        sequence, size, limits = read_request()
        cpu_ms, wall_ms, _, child.streams[0].room, child.streams[1].room = runner.LIMITS.unpack(
            limits
        )
        deliver(child, limits, size)
        started = time.monotonic()
        reason = watch(child, started + wall_ms / 1000, cpu_ms / 1000)
        wall_us = round((time.monotonic() - started) * 1e6)
        clear(child)
        reason = drain(child, reason)
        child.close()
        successor = fork()
        used = child.usage
        write(
            CHUNK.pack(END_OF_CALL, END.size)
            + END.pack(
                sequence,
                reason,
                used.exit_code,
                used.cpu_us,
                wall_us,
                used.memory_kb,
                used.killed,
                successor.pid != child.pid + 1,
            )
        )
        child = successor


def doors() -> dict[str, bool]:
    """Return what must be shut in the container, and whether it is.

    Engines ignore options that they do not know; none of these may go missing unnoticed.
    """
    return {
        "it runs as root": os.getuid() != 0,
        "privileges can be gained": runner.no_new_privileges(),
        "sockets can be made": not runner.can_make_sockets(),
        "/ can be written": bool(os.statvfs("/").f_flag & os.ST_RDONLY),
        "/dev can be written": bool(os.statvfs("/dev").f_flag & os.ST_RDONLY),
        "/dev/shm can be written": not os.access("/dev/shm", os.W_OK),  # noqa: S108 - to refuse it
        "/dev/mqueue can be written": not os.access("/dev/mqueue", os.W_OK),
        "/sys can be read": not os.path.isdir("/sys/fs"),  # noqa: PTH112 - no pathlib here
        "the counters of PID 1 can be read": not read("/proc/1/stat"),
        "the counters of the machine can be read": not read("/proc/vmstat"),
    }


def read(path: str) -> bytes:
    """Return the beginning of a file."""
    fd = os.open(path, os.O_RDONLY)
    try:
        return os.read(fd, 4096)
    finally:
        os.close(fd)


def prepare() -> None:
    """Load what calls need, and become something that no child can read, trace or interrupt."""
    for name in PRELOAD:
        importlib.import_module(name)
    rehearse()
    # What is loaded now stays: children need not copy its pages just to count garbage.
    gc.collect()
    gc.freeze()
    # Python's handler would let a child interrupt PID 1; without one the kernel drops the signal.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    settle_access_times()
    runner.set_dumpable(dumpable=False)


def rehearse() -> None:
    """Do once what every call does, so that what loads at first use is loaded for all of them."""
    sample = {"x": np.random.default_rng(0).normal(size=(4, 3)), "n": 1, "s": "text"}
    copy = codec.decode(memoryview(b"".join(codec.encode(sample, runner.MIB))))["x"]
    repr((copy @ copy.T / np.sqrt(copy.var(axis=0) + 1).sum(), copy.astype(np.int64)))
    exec(compile("import numpy as np\ndef f(): return 1", "", "exec"), {})  # noqa: S102 - our text


def settle_access_times() -> None:
    """Look once at what a child can look at, where the kernel notes the first look of a day.

    Otherwise a call could leave a message by looking at some of it, for a later one to stat.
    Everything outside /proc is mounted read-only, so that nothing is noted there.
    """
    links = [
        entry.path
        for folder in ("/proc", "/proc/1", "/proc/1/ns")
        for entry in os.scandir(folder)
        if entry.is_symlink() and entry.stat(follow_symlinks=False)
    ]
    time.sleep(CLOCK_STEP)  # a look in the very instant that the entry was made would not count
    for link in links:
        os.readlink(link)  # noqa: PTH115 - no pathlib in the children's way


def fork() -> Child:
    """Fork a child that waits for its call on a pipe."""
    call_read, call_write = os.pipe()
    output_read, output_write = os.pipe()
    report_read, report_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        runner.settle(call_read, output_write, report_write)
        runner.main()
    for fd in (call_read, output_write, report_write):
        os.close(fd)
    streams = (Stream(OUTPUT, output_read), Stream(REPORT, report_read))
    return Child(pid, os.pidfd_open(pid), call_write, streams)


def read_request() -> tuple[int, int, bytes]:
    """Return sequence number, size of the body and packed limits; exit where stdin ends."""
    head = b""
    while len(head) < REQUEST.size:
        piece = os.read(STDIN, REQUEST.size - len(head))
        if not piece:
            os._exit(0)
        head += piece
    magic, sequence, size, limits = REQUEST.unpack(head)
    if magic != MAGIC:
        os._exit(BROKEN_STREAM)
    return sequence, size, limits


def deliver(child: Child, limits: bytes, size: int) -> None:
    """Hand the call to the child, which reads all of it before it runs any of it."""
    os.write(child.call, limits)
    left = size
    try:
        while left:
            left -= splice(STDIN, child.call, left)
    except BrokenPipeError:
        # It died of its call; the rest must still leave stdin.
        nothing = os.open(os.devnull, os.O_WRONLY)
        move(STDIN, nothing, left)
        os.close(nothing)
    os.close(child.call)


def watch(child: Child, deadline: float, cpu_seconds: float) -> bytes:
    """Relay until the child exits, writes too much, or its time is over; return which."""
    look = time.monotonic() + cpu_seconds
    with selectors.DefaultSelector() as selector:
        selector.register(child.exited, selectors.EVENT_READ)
        for pipe in child.streams:
            selector.register(pipe.fd, selectors.EVENT_READ, pipe)
        while (now := time.monotonic()) < deadline:
            if now >= look:
                left = cpu_seconds - cpu_time()
                if left < 0:
                    return CPU
                # The container has one CPU, so the time cannot be over any sooner.
                look = now + max(left, SHORTEST_LOOK)
            for key, _ in selector.select(min(look, deadline) - now):
                if key.fd == child.exited:
                    return EXITED
                stream: Stream = key.data
                if not pending(stream.fd):  # closed by all who could write
                    selector.unregister(stream.fd)
                elif not stream.relay():
                    return stream.kind
    return WALL


def cpu_time() -> float:
    """Return the CPU seconds of all processes but this one, and of those that they reaped.

    The kernel's own limit counts each process by itself, and by a rougher clock.
    """
    ticks = 0
    for name in os.listdir("/proc"):  # noqa: PTH208 - no pathlib in the children's way
        if name.isdigit() and name != "1":
            try:
                with open(f"/proc/{name}/stat", "rb") as stat:  # noqa: PTH123 - as above
                    ticks += sum(map(int, stat.read().rpartition(b")")[2].split()[11:15]))
            except (FileNotFoundError, ProcessLookupError):
                continue
    return ticks * TICK


def clear(child: Child) -> None:
    """Kill everything else in the container and reap it, adding up what it used.

    Exits, and takes the container along, if something does not die.
    """
    deadline = time.monotonic() + SECONDS_TO_DIE
    kill_all()
    while True:
        try:
            pid, status, used = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            if time.monotonic() > deadline:
                os._exit(UNKILLABLE)
            time.sleep(0.0005)
            kill_all()
            continue
        child.usage.add(used)
        code = os.waitstatus_to_exitcode(status)
        if pid == child.pid:
            child.usage.exit_code = code
        elif code == -signal.SIGKILL:
            child.usage.killed += 1


def kill_all() -> None:
    """Kill every process of the container but this one."""
    try:
        os.kill(-1, signal.SIGKILL)
    except ProcessLookupError:
        return


def drain(child: Child, reason: bytes) -> bytes:
    """Relay what the dead left in their pipes; return the reason, which that may change."""
    for stream in child.streams:
        if reason not in {OUTPUT, REPORT} and not stream.relay() and reason == EXITED:
            reason = stream.kind
    return reason


def pending(fd: int) -> int:
    """Return how many bytes wait in the pipe."""
    found = fcntl.ioctl(fd, termios.FIONREAD, b"\0\0\0\0")
    return int.from_bytes(found, sys.byteorder)


def splice(source: int, target: int, size: int) -> int:
    """Move at most `size` bytes without reading them; exit where `source` ends."""
    moved = os.splice(source, target, size)
    if moved == 0:
        os._exit(0)
    return moved


def move(source: int, target: int, size: int) -> None:
    """Move exactly `size` bytes without reading them."""
    while size:
        size -= splice(source, target, size)


def write(data: bytes) -> None:
    """Write all of `data` to stdout."""
    while data:
        data = data[os.write(STDOUT, data) :]
