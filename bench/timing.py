"""Repeated timings and what is made of them."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from threading import Barrier, Thread
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True, slots=True)
class Timings:
    """Durations of one thing, in milliseconds."""

    name: str
    milliseconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle duration."""
        return statistics.median(self.milliseconds)

    @property
    def p95(self) -> float:
        """The duration that 95 % stay below."""
        return statistics.quantiles(self.milliseconds, n=100, method="inclusive")[94]


def repeat(name: str, action: Callable[[], object], *, times: int, warm_up: int = 2) -> Timings:
    """Time `action`, after some calls that do not count."""
    for _ in range(warm_up):
        action()
    return Timings(name, tuple(milliseconds(action) for _ in range(times)))


def side_by_side(
    actions: dict[str, Callable[[], object]], *, rounds: int, warm_up: int = 2
) -> list[Timings]:
    """Time several actions in turns, so that a change of the machine's mood meets all of them."""
    for action in actions.values():
        for _ in range(warm_up):
            action()
    taken: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(rounds):
        for name, action in actions.items():
            taken[name].append(milliseconds(action))
    return [Timings(name, tuple(durations)) for name, durations in taken.items()]


def milliseconds(action: Callable[[], object]) -> float:
    """Return how long `action` took."""
    began = perf_counter()
    action()
    return (perf_counter() - began) * 1000


def rate(actions: Sequence[Callable[[], object]], *, times: int) -> float:
    """Return how often a second the actions end while each is repeated by a thread of its own."""
    start = Barrier(len(actions) + 1)

    def work(action: Callable[[], object]) -> None:
        start.wait()
        for _ in range(times):
            action()

    threads = [Thread(target=work, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    start.wait()
    began = perf_counter()
    for thread in threads:
        thread.join()
    return len(actions) * times / (perf_counter() - began)
