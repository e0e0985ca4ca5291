"""How measurements are told: a table for people, and the same as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.timing import Timings


@dataclass(frozen=True, slots=True)
class Bar:
    """A ratio or figure that one run must not exceed, or with `at_least` must reach."""

    what: str
    measured: float
    limit: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether the bar was reached."""
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit


@dataclass(frozen=True, slots=True)
class Section:
    """One question that was measured: rows under column names, and the bars."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | float, ...], ...]
    bars: tuple[Bar, ...] = ()
    raw: dict[str, Any] = field(default_factory=dict)

    def as_text(self) -> str:
        """Return the section as a table of fixed width."""
        lines = [self.title, _line(("", *self.columns))]
        lines += [_line(row) for row in self.rows]
        lines += [_verdict(bar) for bar in self.bars]
        return "\n".join(lines)

    def as_json(self) -> dict[str, object]:
        """Return everything about it as plain data."""
        bars = [{**asdict(bar), "met": bar.met} for bar in self.bars]
        return {**asdict(self), "bars": bars}


def timings_section(title: str, timings: Sequence[Timings], bars: Sequence[Bar]) -> Section:
    """Return a section of durations; the ratio is to the first row."""
    first = timings[0].median
    return Section(
        title,
        ("median ms", "p95 ms", "ratio", "n"),
        tuple(
            (one.name, one.median, one.p95, one.median / first, len(one.milliseconds))
            for one in timings
        ),
        tuple(bars),
        {one.name: one.milliseconds for one in timings},
    )


def _line(cells: Sequence[str | float]) -> str:
    name, *figures = cells
    return f"  {name:<58}" + "".join(f"{_cell(figure):>12}" for figure in figures)


def _cell(figure: str | float) -> str:
    return f"{figure:.2f}" if isinstance(figure, float) else str(figure)


def _verdict(bar: Bar) -> str:
    sign = ">=" if bar.at_least else "<="
    word = "met" if bar.met else "MISSED"
    return f"  bar: {bar.what} {bar.measured:.3f} {sign} {bar.limit:g}: {word}"
