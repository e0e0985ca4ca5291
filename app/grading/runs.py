"""What is asked of a sandbox, and what it answers: plain data, no container in sight."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Sequence


MIN_SECONDS, MAX_SECONDS = 0.001, 3600.0
MAX_MEMORY_MB = 64 * 1024
MAX_STDOUT_BYTES = 64 * 1024 * 1024
MAX_RESULT_BYTES = 1024 * 1024 * 1024


class Outcome(StrEnum):
    """How one call ended, as the fork server saw it (the verdict is decided elsewhere)."""

    RETURNED = "returned"
    RAISED = "raised"
    DIED = "died"  # by a signal, or os._exit before an answer
    CPU_TIME = "cpu_time"
    WALL_TIME = "wall_time"
    MEMORY = "memory"
    OUTPUT = "output"  # more stdout or result than allowed
    NOT_DATA = "not_data"  # returned something that is not plain data or an array
    BAD_CODE = "bad_code"  # does not compile, fails on import, or lacks the entry point


@dataclass(frozen=True, slots=True)
class RunLimits:
    """Limits of one call: seconds of CPU and of wall clock, MiB of memory, bytes of output.

    Raises ValueError for limits that limit nothing or let nothing happen: 0, negative, not a
    number, infinite, or beyond what any question can mean.
    """

    cpu_seconds: float
    wall_seconds: float
    memory_mb: int
    stdout_bytes: int = 64 * 1024
    result_bytes: int = 32 * 1024 * 1024

    def __post_init__(self) -> None:
        _check_seconds("CPU seconds", self.cpu_seconds)
        _check_seconds("wall clock seconds", self.wall_seconds)
        check_count("MiB of memory", self.memory_mb, MAX_MEMORY_MB)
        check_count("bytes of stdout", self.stdout_bytes, MAX_STDOUT_BYTES)
        check_count("bytes of the result", self.result_bytes, MAX_RESULT_BYTES)


def _check_seconds(name: str, value: object) -> None:
    # What is not a number of any kind compares as False, and infinity is beyond the end.
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not MIN_SECONDS <= cast("float", value) <= MAX_SECONDS:
        raise ValueError(
            f"{name} must be a number from {MIN_SECONDS} to {MAX_SECONDS:g}, not {value!r}"
        )


def check_count(name: str, value: object, most: int, *, least: int = 1) -> None:
    """Raise ValueError unless `value` is a whole number from `least` to `most`."""
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"{name} must be a whole number from {least} to {most}, not {value!r}")


@dataclass(frozen=True, slots=True)
class Call:
    """One call of one function, in a process of its own.

    `args` is an encoded dict of keyword arguments (`values.encode_value`). With `rng_seed`
    the function instead gets one positional argument, ``numpy.random.default_rng(rng_seed)``:
    that is how an author's ``generate(rng)`` is run. With `return_args` the result is the
    pair ``(returned, arguments after the call)``.

    A `scripted` call tests a class: `entry_point` names it, and `args` is ``{"init": {…}, "calls":
    [[method, {…}], [attribute, None], …]}``. It makes one object of ``init``, calls the methods
    and reads the attributes in order, and results in the list of what each step gave, as it was
    at that step.
    """

    code: str
    entry_point: str
    args: bytes
    limits: RunLimits
    rng_seed: int | None = None
    return_args: bool = False
    scripted: bool = False


@dataclass(frozen=True, slots=True)
class RaisedError:
    """An exception, for sample runs only: its text may quote inputs.

    For Outcome.NOT_DATA `message` says what it is about the result that is not plain data.

    `traceback` lists only frames of the submitted code, as ``line N, in f``.
    """

    type_name: str
    builtin: bool
    message: str
    traceback: str


@dataclass(frozen=True, slots=True)
class CaseRun:
    """What one call did. `result` is an encoded value, untrusted until it is decoded.

    `cpu_ms` is that of all its processes, fork and exit included; `memory_kb` the peak of the
    largest of them, of which Python with numpy are about 20,000.

    `rerun` says that it is the better of two runs: the first was late by a little. `allowed` are
    the limits that it was held to, without any margin; None where nothing was run.
    """

    outcome: Outcome
    cpu_ms: float
    wall_ms: float
    memory_kb: int
    stdout: str = ""
    stdout_truncated: bool = False
    result: bytes | None = None
    error: RaisedError | None = None
    rerun: bool = False
    allowed: RunLimits | None = None


class SandboxBrokenError(Exception):
    """The sandbox answered nonsense, died or left survivors: it must be destroyed."""


class PoolBusyError(Exception):
    """Every sandbox, or the memory for calls, is in use, and none became free in time."""


class EngineUnavailableError(Exception):
    """No sandbox can be started: the container engine or the image is missing."""


class Sandbox(Protocol):
    """One container with a fork server inside; used by one thread at a time."""

    @property
    def spent(self) -> bool:
        """Whether something happened that a later call could notice.

        A call started processes or threads (their ids count up), left some behind, or ran out of
        the container's memory. Its results count; it must not serve another run.
        """
        ...

    @property
    def alive(self) -> bool:
        """Whether its fork server still waits for calls, as far as can be told at no cost.

        Asked while nobody uses it. Never raises and never waits.
        """
        ...

    def run(self, calls: Sequence[Call]) -> list[CaseRun]:
        """Run each call in a fresh child and return what each did, in order.

        Calls whose output will be shown belong before those that must stay hidden. Raises
        SandboxBrokenError; the caller then closes the sandbox.
        """
        ...

    def close(self) -> None:
        """Destroy it; may be called twice."""
        ...


@dataclass(frozen=True, slots=True)
class EngineReport:
    """What `yimian doctor` tells about an engine; `problem` is None where sandboxes can start.

    `backend` is its name, "docker" or "bubblewrap"; `cgroup` says which version caps the
    sandboxes and how, or that none does. `verified` says that the caps were read back from the
    kernel for a sandbox that was started; otherwise they are what the engine says of itself.
    """

    reachable: bool
    problem: str | None
    backend: str = ""
    version: str = ""
    cgroup: str = ""
    memory_capped: bool = False
    swap_capped: bool = False
    pids_capped: bool = False
    cpu_capped: bool = False
    verified: bool = False
    seccomp: bool = False
    image: str = ""
    runtime: str = ""


class Engine(Protocol):
    """Starts sandboxes."""

    def start(self) -> Sandbox:
        """Start a sandbox and wait until its fork server is ready.

        Raises EngineUnavailableError.
        """
        ...

    def remove_orphans(self) -> int:
        """Remove sandboxes that a dead instance left behind; return how many."""
        ...

    def probe(self) -> EngineReport:
        """Return what the engine is and whether it can hold hostile code."""
        ...

    def close(self) -> None:
        """Give back what it holds open; its sandboxes are closed by themselves."""
        ...
