"""A real sandbox on the real engine, which after every test must still answer a normal call."""

from __future__ import annotations

import subprocess
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.grading.docker_engine import DockerEngine, image_tag
from app.grading.runs import Call, CaseRun, Outcome, RunLimits, SandboxBrokenError
from app.grading.values import Value, decode_value, encode_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from app.grading.runs import Sandbox

ROOT = Path(__file__).resolve().parents[2]
LIMITS = RunLimits(cpu_seconds=2, wall_seconds=6, memory_mb=256)


def call(
    code: str,
    args: Mapping[str, object] | None = None,
    *,
    entry_point: str = "f",
    limits: RunLimits = LIMITS,
    rng_seed: int | None = None,
    return_args: bool = False,
) -> Call:
    return Call(
        code=textwrap.dedent(code),
        entry_point=entry_point,
        args=encode_value(args or {}),
        limits=limits,
        rng_seed=rng_seed,
        return_args=return_args,
    )


@dataclass
class Box:
    """The current sandbox; a spent or broken one is replaced, as the pool would."""

    engine: DockerEngine
    current: Sandbox | None = None

    def run(self, *calls: Call) -> list[CaseRun]:
        if self.current is None:
            self.current = self.engine.start()
        try:
            return self.current.run(calls)
        except SandboxBrokenError:
            self.replace()
            raise

    def one(self, code: str, args: Mapping[str, object] | None = None, **wanted: object) -> CaseRun:
        return self.run(call(code, args, **wanted))[0]  # type: ignore[arg-type]

    def value(self, code: str, args: Mapping[str, object] | None = None, **wanted: object) -> Value:
        """Run the code, which must return plain data, and return that."""
        return result(self.one(code, args, **wanted))

    @property
    def spent(self) -> bool:
        return self.current is not None and self.current.spent

    def replace(self) -> None:
        if self.current is not None:
            self.current.close()
            self.current = None


def result(run: CaseRun) -> Value:
    assert run.outcome is Outcome.RETURNED, run
    assert run.result is not None
    return decode_value(run.result)


@pytest.fixture(scope="session")
def engine() -> Iterator[DockerEngine]:
    subprocess.run([ROOT / "sandbox" / "build-image.sh"], check=True)
    engine = DockerEngine(image_tag())
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def shared_box(engine: DockerEngine) -> Iterator[Box]:
    box = Box(engine)
    yield box
    box.replace()


@pytest.fixture
def box(shared_box: Box) -> Iterator[Box]:
    yield shared_box
    assert shared_box.value("def f(x):\n    return x + 1", {"x": 1}) == 2
    if shared_box.spent:
        shared_box.replace()
