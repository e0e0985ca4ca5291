"""Repeated timings and how they are told."""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PERCENT = 100


@dataclass(frozen=True, slots=True)
class Measurement:
    """Timings of one thing, in milliseconds."""

    name: str
    milliseconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle timing."""
        return statistics.median(self.milliseconds)

    @property
    def p95(self) -> float:
        """The timing that 95 % stay below."""
        return statistics.quantiles(self.milliseconds, n=PERCENT, method="inclusive")[94]

    def as_json(self) -> dict[str, object]:
        """Return everything about it as plain data."""
        return {**asdict(self), "median": self.median, "p95": self.p95}


def repeat(name: str, action: Callable[[], object], *, times: int, warm_up: int) -> Measurement:
    """Time `action`, after some calls that do not count."""
    for _ in range(warm_up):
        action()
    return Measurement(name, tuple(_milliseconds(action) for _ in range(times)))


def _milliseconds(action: Callable[[], object]) -> float:
    began = perf_counter()
    action()
    return (perf_counter() - began) * 1000


def table(measurements: Sequence[Measurement]) -> str:
    """Return a table; the ratio is to the first row."""
    lines = [f"{'':<58}{'median ms':>10}{'p95 ms':>9}{'ratio':>8}{'n':>5}"]
    first = measurements[0].median
    for one in measurements:
        figures = f"{one.median:>10.1f}{one.p95:>9.1f}{one.median / first:>8.2f}"
        lines.append(f"{one.name:<58}{figures}{len(one.milliseconds):>5}")
    return "\n".join(lines)
