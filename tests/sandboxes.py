"""Real sandboxes for tests: how a call is written down, and a box that is replaced when spent."""

from __future__ import annotations

import subprocess
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from app.grading.bwrap_engine import BubblewrapEngine, root_folder
from app.grading.docker_engine import DockerEngine, image_tag
from app.grading.runs import Call, CaseRun, Engine, Outcome, RunLimits, Sandbox, SandboxBrokenError
from app.grading.values import Value, decode_value, encode_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from app.kit.clock import Clock

ROOT = Path(__file__).resolve().parents[1]
LIMITS = RunLimits(cpu_seconds=2, wall_seconds=6, memory_mb=256)
SHORT = RunLimits(cpu_seconds=0.3, wall_seconds=1, memory_mb=128)
SPIN = RunLimits(cpu_seconds=0.3, wall_seconds=10, memory_mb=128)  # also where a machine is busy


def call(
    code: str,
    args: Mapping[str, object] | None = None,
    *,
    entry_point: str = "f",
    limits: RunLimits = LIMITS,
    **wanted: Any,  # noqa: ANN401 - whatever else a Call takes
) -> Call:
    return Call(
        code=textwrap.dedent(code),
        entry_point=entry_point,
        args=encode_value(args or {}),
        limits=limits,
        **wanted,
    )


def result(run: CaseRun) -> Value:
    """Return what the call returned, which must be plain data."""
    assert run.outcome is Outcome.RETURNED, run
    assert run.result is not None
    return decode_value(run.result)


@dataclass
class Box:
    """The current sandbox of one engine; a spent or broken one is replaced, as the pool would."""

    engine: Engine
    current: Sandbox | None = None

    def run(self, *calls: Call) -> list[CaseRun]:
        if self.current is None:
            self.current = self.engine.start()
        try:
            return self.current.run(calls)
        except SandboxBrokenError:
            self.replace()
            raise

    def one(self, code: str, args: Mapping[str, object] | None = None, **wanted: Any) -> CaseRun:  # noqa: ANN401 - as `call`
        return self.run(call(code, args, **wanted))[0]

    def value(self, code: str, args: Mapping[str, object] | None = None, **wanted: Any) -> Value:  # noqa: ANN401 - as `call`
        """Run the code, which must return plain data, and return that."""
        return result(self.one(code, args, **wanted))

    @property
    def spent(self) -> bool:
        return self.current is not None and self.current.spent

    def replace(self) -> None:
        if self.current is not None:
            self.current.close()
            self.current = None

    def answers(self) -> None:
        """Assert that a normal call still gets its answer, alone in its sandbox."""
        look = """
            import os
            def f(x):
                others = [name for name in os.listdir("/proc") if name.isdigit()]
                return [x + 1, sorted(set(others) - {"1", str(os.getpid())})]
        """
        assert self.value(look, {"x": 1}) == [2, []]
        if self.spent:
            self.replace()


def docker_engine(clock: Clock | None = None) -> Engine:
    """Return an engine whose image is built and up to date."""
    _build()
    return DockerEngine(image_tag(), clock=clock)


def bubblewrap_engine(clock: Clock | None = None) -> Engine:
    """Return an engine whose root file system is made and up to date."""
    _build()
    return BubblewrapEngine(root_folder(), clock=clock)


def _build() -> None:
    subprocess.run([ROOT / "sandbox" / "build-image.sh"], check=True)


# Every attack is tried on each of these.
BACKENDS: dict[str, Callable[[Clock | None], Engine]] = {
    "docker": docker_engine,
    "bubblewrap": bubblewrap_engine,
}


@pytest.fixture(scope="session")
def shared_box(engine: Engine) -> Iterator[Box]:
    box = Box(engine)
    yield box
    box.replace()


@pytest.fixture
def box(shared_box: Box) -> Iterator[Box]:
    yield shared_box
    shared_box.answers()
