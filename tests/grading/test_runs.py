"""What a call may be asked for."""

from __future__ import annotations

import math

import pytest

from app.grading.runs import RunLimits

SENSIBLE = {"cpu_seconds": 2.0, "wall_seconds": 6, "memory_mb": 256}


@pytest.mark.parametrize(
    "unusual",
    [
        {"cpu_seconds": 0.001},
        {"wall_seconds": 3600},
        {"memory_mb": 1},
        {"stdout_bytes": 1},
        {"result_bytes": 64 * 1024 * 1024},
    ],
)
def test_limits_may_be_as_tight_or_as_wide_as_makes_sense(unusual: dict[str, float]) -> None:
    wanted = SENSIBLE | unusual
    limits = RunLimits(**wanted)  # type: ignore[arg-type]
    assert {name: getattr(limits, name) for name in wanted} == wanted


@pytest.mark.parametrize(
    "value", [0, -1, -0.0, math.nan, math.inf, -math.inf, 1e9, True, "2", None]
)
@pytest.mark.parametrize("name", ["cpu_seconds", "wall_seconds"])
def test_times_that_limit_nothing_are_refused(name: str, value: object) -> None:
    with pytest.raises(ValueError, match="seconds must be a number from"):
        RunLimits(**(SENSIBLE | {name: value}))  # type: ignore[arg-type]


def test_a_time_that_rounds_to_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match=r"not 0\.0004"):
        RunLimits(cpu_seconds=0.0004, wall_seconds=1, memory_mb=64)


@pytest.mark.parametrize("value", [0, -1, 1.5, math.nan, math.inf, 2**32, 10**30, True, "64", None])
@pytest.mark.parametrize("name", ["memory_mb", "stdout_bytes", "result_bytes"])
def test_amounts_that_limit_nothing_are_refused(name: str, value: object) -> None:
    with pytest.raises(ValueError, match="must be a whole number from 1 to"):
        RunLimits(**(SENSIBLE | {name: value}))  # type: ignore[arg-type]
