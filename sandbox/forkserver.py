"""PID 1 of a sandbox: forks one child per call, relays what it writes, measures, kills.

It never holds a test's data: the call goes from its stdin to the child, and the child's output
to its stdout, through ``splice``, from pipe to pipe inside the kernel. Whoever searches the memory
that a child inherits finds no trace of an earlier call.

The child of the next call is forked before that call arrives. That saves its time, and its
process id tells whether the call before started processes or threads: ids count up, so they
would tell the next call something. The first call of a batch gets a new one: when the last child
was forked, too, is something that the batch before could have chosen.

Random states are seeded anew before each fork, from the kernel: ``random`` and numpy's old global
one. The seed of ``hash()`` cannot change within a process: it is the container's own, drawn when
it started, so sets of strings come in the same order in all calls of one container only.

In: REQUEST, then the body: runner.LIMITS once more and what else is opaque here. Requests may be
sent ahead. After a call in which something was killed that we did not kill, the other requests of
its batch are dropped, so that nobody has to guess whose trouble the kernel speaks of.
Out: chunks, each CHUNK and its content: b"H" ready, b"O" ready for one batch only; b"S" output;
b"R" report; b"E" the end, as END. They are held back while more requests wait and calls are quick.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import gc
import importlib
import os
import select
import signal
import stat
import struct
import sys
import termios
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, NoReturn

import numpy as np

from sandbox import codec, lockdown, runner

if TYPE_CHECKING:
    import resource
    from collections.abc import Callable, Sequence

# Magic, sequence number, bytes of the body, limits.
REQUEST = struct.Struct(">4sIII" + runner.LIMITS.format[1:])
MAGIC = b"YIM2"
# Kind, bytes of content.
CHUNK = struct.Struct(">cI")
HELLO, HELLO_ONCE, OUTPUT, REPORT, END_OF_CALL = b"H", b"O", b"S", b"R", b"E"
# Sequence number, why it ended, exit code (negative: the signal), CPU µs, wall µs, kB of memory,
# processes killed after the call, whether process ids moved, whether the batch ends here.
END = struct.Struct(">IchQQQI??")
# Why it ended, besides too much OUTPUT or REPORT.
EXITED, WALL, CPU = b"x", b"w", b"c"

STDIN, STDOUT = 0, 1
SECONDS_TO_DIE = 10.0
TICK = 1 / os.sysconf("SC_CLK_TCK")
CLOCK_STEP = 0.02  # longer than the steps of the clock that dates files
SHORTEST_LOOK = 0.02  # seconds between two looks at the CPU time of a running call
NO_PIDFD = -1
EXIT_LOOK = 0.002  # seconds between two looks whether the child still runs, without pidfds
QUICK = 0.003  # seconds; a call that takes longer holds no earlier answer back
BROKEN_STREAM, UNKILLABLE, OPEN_HOUSE = 3, 4, 5  # exit codes of the fork server itself

NOT_OF_THE_IMAGE = {"dev", "proc", "sys"}
MT19937_BYTES = 624 * 4
REHEARSALS = 32  # more than Python waits before it specializes code
REHEARSAL = """
import numpy as np

def f(x, n, s):
    mean = x.mean(axis=0)
    var = ((x - mean) ** 2).mean(axis=0) + x.var(axis=0)
    return {"y": n * (x @ x.T) / np.sqrt(var.sum() + 1), s: [x.astype(np.int64), str(x)]}
"""

# What most candidates import, loaded once here instead of once per call. Everything here costs
# every call and every sandbox: what is rare (numpy.ma, statistics, …) is left to its importer.
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
    "enum",
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
    "string",
    "textwrap",
    "threading",
    "time",
    "traceback",
    "types",
    "typing",
    "warnings",
    "numpy.fft",
    "numpy.lib.stride_tricks",
    "numpy.linalg",
    "numpy.random",
]


class Outbox:
    """Gathers in a pipe what is to be said, so that the other end is woken once a call or less."""

    def __init__(self) -> None:
        self._out, self._in = os.pipe()
        self._staged, self._stage = os.pipe()
        # What does not fit any more makes room first.
        os.set_blocking(self._in, False)
        os.set_blocking(self._stage, False)
        self.held = 0

    def add(self, kind: bytes, content: bytes = b"") -> None:
        """Say something of our own, short enough to be written whole or not at all."""
        chunk = CHUNK.pack(kind, len(content)) + content
        self._fit(lambda: os.write(self._in, chunk))

    def relay(self, kind: bytes, fd: int, most: int) -> int:
        """Say what a child wrote, at most that many bytes; return how many there were.

        A child can read its own pipe empty, so only what has left that can be counted.
        """
        try:
            size = os.splice(fd, self._stage, most)
        except BlockingIOError:
            return 0
        self._fit(lambda: os.write(self._in, CHUNK.pack(kind, size)))
        left = size
        while left:
            left -= self._fit(lambda: os.splice(self._staged, self._in, left))  # noqa: B023 - called at once
        return size

    def flush(self) -> None:
        """Let the other end have all that is held."""
        move(self._out, STDOUT, self.held)
        self.held = 0

    def _fit(self, put: Callable[[], int]) -> int:
        while True:
            try:
                size = put()
            except BlockingIOError:
                self.flush()
            else:
                self.held += size
                return size


@dataclass
class Stream:
    """One pipe from the child, and how many of its bytes may still be passed on."""

    kind: bytes
    fd: int
    room: int = 0

    def relay(self, outbox: Outbox) -> bool:
        """Pass on what is there now; False once more was written than may be."""
        waiting = pending(self.fd)
        fits = waiting <= self.room
        allowed = min(waiting, self.room)
        while allowed and (moved := outbox.relay(self.kind, self.fd, allowed)):
            allowed -= moved
            self.room -= moved
        return fits


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
    """A forked child that waits for its call: its id, pidfd, and our ends of its pipes.

    Where the kernel has no pidfds (gVisor), `exited` is NO_PIDFD.
    """

    pid: int
    exited: int
    call: int
    streams: Sequence[Stream]
    usage: Usage = field(default_factory=Usage)

    def abandon(self) -> None:
        """Kill and reap it before it had a call."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.call)
        self.close()

    def close(self) -> None:
        """Give back its descriptors."""
        if self.exited != NO_PIDFD:
            os.close(self.exited)
        for stream in self.streams:
            os.close(stream.fd)


class Born(BaseException):
    """Raised in a new child, which so leaves all frames of PID 1, and what they know, behind."""


def main() -> NoReturn:
    """Serve calls until stdin ends, then exit, and the container with it; or be a child."""
    if open_doors := [name for name, closed in doors().items() if not closed]:
        sys.stderr.write(f"this container is not closed: {', '.join(open_doors)}\n")
        os._exit(OPEN_HOUSE)
    prepare()
    base = runner.address_space()
    with contextlib.suppress(Born):
        serve()
    runner.main(base)


def serve() -> NoReturn:
    """Serve calls. What a batch was and when it ended is not for the next one to see."""
    outbox, nursery = Outbox(), Nursery()
    if not own_kernel():
        runner.set_dumpable(dumpable=False)
        lockdown.lock_down()
    child = nursery.fork()
    outbox.add(HELLO_ONCE if own_kernel() else HELLO)
    batch = dropped = 0
    while True:
        request = read_request(outbox)
        if request.batch == dropped:
            drop(request.size)
            continue
        if request.batch != batch:
            child.abandon()
            child = nursery.fork()
            batch = request.batch
        child, goes_on = serve_one(request, child, nursery, outbox)
        if not goes_on:
            dropped = batch


def serve_one(
    request: Request, child: Child, nursery: Nursery, outbox: Outbox
) -> tuple[Child, bool]:
    """Serve one call; return the next child, and whether the batch goes on."""
    deliver(child, request)
    started = time.monotonic()
    reason = watch(child, outbox, started + request.wall_ms / 1000, request.cpu_ms / 1000)
    wall_us = round((time.monotonic() - started) * 1e6)
    clear(child)
    successor = nursery.fork()  # so that it starts while we go on
    reason = drain(child, outbox, reason)
    child.close()
    used = child.usage
    by_itself = reason == EXITED and used.exit_code == -signal.SIGKILL
    goes_on = not by_itself and not used.killed
    outbox.add(
        END_OF_CALL,
        END.pack(
            request.sequence,
            reason,
            used.exit_code,
            used.cpu_us,
            wall_us,
            used.memory_kb,
            used.killed,
            successor.pid != child.pid + 1,
            not goes_on,
        ),
    )
    return successor, goes_on


def doors() -> dict[str, bool]:
    """Return what must be shut in the container, and whether it is.

    Engines ignore options that they do not know; none of these may go missing unnoticed. What a
    kernel of its own counts stays open to see; such a sandbox serves one batch instead.
    """
    own, root = own_kernel(), os.getuid() == 0
    return {
        # In gVisor a user may open the descriptors of all its processes, and end PID 1.
        "its calls can touch PID 1": root if own else not root,
        "privileges can be gained": runner.no_new_privileges(),
        "sockets can be made": not runner.can_make_sockets(),
        "/ can be written": mounted_read_only("/"),
        "/dev can be written": mounted_read_only("/dev") or (own and not writable("/dev")),
        "/tmp can be written": not writable("/tmp"),  # noqa: S108 - to refuse it
        "/dev/shm can be written": not writable("/dev/shm"),  # noqa: S108 - to refuse it
        "/dev/mqueue can be written": not writable("/dev/mqueue"),
        "/sys can be read": own or not os.path.isdir("/sys/fs"),  # noqa: PTH112 - no pathlib here
        "the counters of PID 1 can be read": own or not read("/proc/1/stat"),
        "the counters of the machine can be read": own or not read("/proc/vmstat"),
    }


def own_kernel() -> bool:
    """Return whether the sandbox has a kernel of its own, gVisor's.

    That masks nothing, and what it counts would tell a call of an earlier one in this sandbox.
    """
    return os.path.exists("/proc/sentry-meminfo")  # noqa: PTH110 - no pathlib here


def writable(path: str) -> bool:
    """Return whether a call could write there, who is no more than we are, and never root."""
    if os.getuid() != 0:
        return os.access(path, os.W_OK)
    return os.access(path, os.F_OK) and bool(os.stat(path).st_mode & stat.S_IWOTH)  # noqa: PTH116 - no pathlib here


def mounted_read_only(folder: str) -> bool:
    """Return whether nobody at all can write there."""
    read_only = False
    for line in read("/proc/self/mountinfo").splitlines():
        mounted, options = line.split()[4:6]
        if mounted == folder.encode():  # the last one lies on top
            read_only = b"ro" in options.split(b",")
    return read_only


def read(path: str) -> bytes:
    """Return the content of a small file."""
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - no pathlib here
        return file.readall()


def prepare() -> None:
    """Load what calls need, and become something that no child can read, trace or interrupt."""
    read_every_file()
    preload()
    runner.keep_freed_memory()
    rehearse()
    # What is loaded now stays: children need not copy its pages just to count garbage.
    gc.collect()
    gc.freeze()
    # Python's handler would let a child interrupt PID 1; without one the kernel drops the signal.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    runner.limit_for_good()
    settle_access_times()


def read_every_file() -> None:
    """Read whatever a child can open, so that none of it waits on the disk any more.

    A call could else leave a message by reading a file, for a later one to find out which files
    cost no reading: the kernel counts that for each process.
    """
    buffer = bytearray(1 << 20)
    for folder, folders, files in os.walk("/"):
        if folder == "/":
            folders[:] = set(folders) - NOT_OF_THE_IMAGE
        for name in files:
            read_file(f"{folder}/{name}", buffer)


def read_file(path: str, buffer: bytearray) -> None:
    """Read a file to its end and forget it; a child cannot read what we cannot."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return
    while os.readv(fd, [buffer]):
        pass
    os.close(fd)


def preload() -> None:
    """Import what candidates import, without the hooks that it would run in every child.

    The first seeds `random`, which the nursery does before the fork and at a fraction of the cost;
    the other tells `threading` which threads are gone, and here there are none.
    """
    register, os.register_at_fork = os.register_at_fork, lambda **_hooks: None
    for name in PRELOAD:
        importlib.import_module(name)
    os.register_at_fork = register


def rehearse() -> None:
    """Do often what every call does, so that it is loaded, compiled for its types, and settled.

    What changes at its first uses would else change in every child, a page of memory at a time.
    """
    sample = {"x": np.random.default_rng(0).normal(size=(4, 3)), "n": 1, "s": "text"}
    wanted = {"entry_point": "f", "rng_seed": None, "return_args": False, "scripted": False}
    code = REHEARSAL.encode()
    call = b"".join(codec.encode(wanted, runner.MIB))
    frame = b"".join(
        [
            bytes(runner.LIMITS.size),
            struct.pack(">I", len(code)) + code,
            struct.pack(">I", len(call)) + call,
            *codec.encode(sample, runner.MIB),
        ]
    )
    for _ in range(REHEARSALS):
        runner.answer(*runner.take_apart(frame), runner.MIB)
    del sys.modules["solution"]


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


class Nursery:
    """Forks children, alike in all but their random states."""

    def __init__(self) -> None:
        self._own_kernel = own_kernel()
        # Opened while it still can be: see main.
        self._rank = os.open("/proc/self/oom_score_adj", os.O_RDWR)
        self._own_rank = os.read(self._rank, 16)
        self._random = importlib.import_module("random")
        # numpy's old global generator keeps 624 words, and takes new ones without computing.
        address = np.random.mtrand._rand._bit_generator.ctypes.state_address  # noqa: SLF001 - no other way to it
        self._words = memoryview((ctypes.c_char * MT19937_BYTES).from_address(address)).cast("B")

    def fork(self) -> Child:
        """Fork a child that waits for its call on a pipe.

        No code of a candidate lives while this runs, so that for a moment this process may be
        what its child shall be: the first to go when memory is short. Neither can change that: it
        takes a /proc that is open to its own user.
        """
        self._random.seed(int.from_bytes(os.urandom(32), "big"))
        self._words[:] = os.urandom(MT19937_BYTES)
        call_read, call_write = os.pipe()
        output_read, output_write = os.pipe()
        report_read, report_write = os.pipe()
        self._rank_as(b"1000")
        pid = os.fork()
        if pid == 0:
            runner.settle(call_read, output_write, report_write)
            if self._own_kernel:
                runner.shed_root()
            raise Born
        self._rank_as(self._own_rank)
        for fd in (call_read, output_write, report_write):
            os.close(fd)
        streams = (Stream(OUTPUT, output_read), Stream(REPORT, report_read))
        return Child(pid, NO_PIDFD if self._own_kernel else os.pidfd_open(pid), call_write, streams)

    def _rank_as(self, rank: bytes) -> None:
        """Say how soon this process is killed for memory; gVisor is killed as a whole."""
        if not self._own_kernel:
            os.pwrite(self._rank, rank, 0)


class Request(NamedTuple):
    """The head of a request, as REQUEST has it."""

    magic: bytes
    sequence: int
    batch: int
    size: int
    cpu_ms: int
    wall_ms: int
    memory_mb: int
    output_bytes: int
    report_bytes: int


def read_request(outbox: Outbox) -> Request:
    """Return the next request, once all is said if it has not come yet; exit where stdin ends."""
    if outbox.held and not pending(STDIN):
        outbox.flush()
    head = b""
    while len(head) < REQUEST.size:
        piece = os.read(STDIN, REQUEST.size - len(head))
        if not piece:
            os._exit(0)
        head += piece
    request = Request(*REQUEST.unpack(head))
    if request.magic != MAGIC:
        os._exit(BROKEN_STREAM)
    return request


def deliver(child: Child, request: Request) -> None:
    """Hand the call to the child, which reads all of it before it runs any of it."""
    child.streams[0].room, child.streams[1].room = request.output_bytes, request.report_bytes
    left = request.size
    try:
        while left:
            left -= splice(STDIN, child.call, left)
    except BrokenPipeError:
        drop(left)  # it died of its call; the rest must still leave stdin
    os.close(child.call)


def drop(size: int) -> None:
    """Take the body of a request from stdin and forget it, in pipes that are closed unread.

    gVisor splices from pipe to pipe only, so that /dev/null will not do.
    """
    while size:
        unread, pipe = os.pipe()
        size -= splice(STDIN, pipe, size)
        os.close(unread)
        os.close(pipe)


def watch(child: Child, outbox: Outbox, deadline: float, cpu_seconds: float) -> bytes:
    """Relay until the child exits, writes too much, or its time is over; return which."""
    now = time.monotonic()
    look = now + cpu_seconds
    streams = {stream.fd: stream for stream in child.streams}
    poll = listen(child)
    while now < deadline:
        if now >= look:
            left = cpu_seconds - cpu_time()
            if left < 0:
                return CPU
            # The container has one CPU, so the time cannot be over any sooner.
            look = now + max(left, SHORTEST_LOOK)
        wait = min(look, deadline) - now
        events = await_news(child, poll, min(wait, QUICK) if outbox.held else wait)
        if not events:
            outbox.flush()
        for fd, event in events:
            if fd == child.exited:
                return EXITED
            if not event & select.POLLIN:  # closed by all who could write
                poll.unregister(fd)
            elif not streams[fd].relay(outbox):
                return streams[fd].kind
        now = time.monotonic()
    return WALL


def listen(child: Child) -> select.poll:
    """Return what hears of the child's end and of what it writes."""
    poll = select.poll()
    for fd in (child.exited, *(stream.fd for stream in child.streams)):
        if fd != NO_PIDFD:
            poll.register(fd, select.POLLIN)
    return poll


def await_news(child: Child, poll: select.poll, seconds: float) -> list[tuple[int, int]]:
    """Return descriptors and events of the child, or none once `seconds`, or less, are over."""
    if child.exited == NO_PIDFD:
        # It stays to be reaped.
        if os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            return [(child.exited, select.POLLIN)]
        seconds = min(seconds, EXIT_LOOK)
    return poll.poll(1000 * seconds)


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


def drain(child: Child, outbox: Outbox, reason: bytes) -> bytes:
    """Relay what the dead left in their pipes; return the reason, which that may change."""
    for stream in child.streams:
        if reason not in {OUTPUT, REPORT} and not stream.relay(outbox) and reason == EXITED:
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
