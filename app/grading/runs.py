"""What is asked of a sandbox, and what it answers: plain data, no container in sight."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


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
    """Limits of one call: seconds of CPU and of wall clock, MiB of memory, bytes of output."""

    cpu_seconds: float
    wall_seconds: float
    memory_mb: int
    stdout_bytes: int = 64 * 1024
    result_bytes: int = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Call:
    """One call of one function, in a process of its own.

    `args` is an encoded dict of keyword arguments (`values.encode_value`). With `rng_seed`
    the function instead gets one positional argument, ``numpy.random.default_rng(rng_seed)``:
    that is how an author's ``generate(rng)`` is run. With `return_args` the result is the
    pair ``(returned, arguments after the call)``.
    """

    code: str
    entry_point: str
    args: bytes
    limits: RunLimits
    rng_seed: int | None = None
    return_args: bool = False


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
    """What one call did. `result` is an encoded value, untrusted until it is decoded."""

    outcome: Outcome
    cpu_ms: float
    wall_ms: float
    memory_kb: int
    stdout: str = ""
    stdout_truncated: bool = False
    result: bytes | None = None
    error: RaisedError | None = None


class SandboxBrokenError(Exception):
    """The sandbox answered nonsense, died or left survivors: it must be destroyed."""


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

    def run(self, calls: Sequence[Call]) -> list[CaseRun]:
        """Run each call in a fresh child and return what each did, in order.

        Calls whose output will be shown belong before those that must stay hidden. Raises
        SandboxBrokenError; the caller then closes the sandbox.
        """
        ...

    def close(self) -> None:
        """Destroy it; may be called twice."""
        ...


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
