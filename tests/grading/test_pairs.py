"""Two sandboxes that behave as one, and when the pool lends a second one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from app.grading.pairs import SandboxPair
from app.grading.runs import Call, CaseRun, Outcome, RunLimits, SandboxBrokenError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass
class Half:
    """A sandbox whose runs are told apart by what they printed: the code."""

    broken: bool = False
    spent: bool = False
    alive: bool = True
    closed: int = 0
    batches: list[int] = field(default_factory=list)

    def run(self, calls: Sequence[Call]) -> list[CaseRun]:
        self.batches.append(len(calls))
        if self.broken:
            raise SandboxBrokenError
        return [CaseRun(Outcome.RETURNED, 1, 1, 1, stdout=call.code) for call in calls]

    def close(self) -> None:
        self.closed += 1


def calls(count: int) -> list[Call]:
    return [Call(str(at), "f", b"", RunLimits(1, 1, 64)) for at in range(count)]


@pytest.fixture
def hand() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as hand:
        yield hand


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 10])
def test_answers_come_in_the_order_of_the_calls(hand: ThreadPoolExecutor, count: int) -> None:
    pair = SandboxPair(Half(), Half(), hand)
    runs = pair.run(calls(count))
    assert [run.stdout for run in runs] == [str(at) for at in range(count)]


def test_many_calls_are_shared_and_few_are_not(hand: ThreadPoolExecutor) -> None:
    first, second = Half(), Half()
    pair = SandboxPair(first, second, hand)
    pair.run(calls(3))
    pair.run(calls(9))
    assert (first.batches, second.batches) == ([3, 5], [4])


@pytest.mark.parametrize("at", [0, 1])
def test_what_breaks_in_one_breaks_the_pair(hand: ThreadPoolExecutor, at: int) -> None:
    halves = Half(), Half()
    halves[at].broken = True
    with pytest.raises(SandboxBrokenError):
        SandboxPair(*halves, hand).run(calls(8))
    assert [half.batches for half in halves] == [[4], [4]]  # neither was left running


@pytest.mark.parametrize("at", [0, 1])
def test_what_is_so_of_one_is_so_of_the_pair(hand: ThreadPoolExecutor, at: int) -> None:
    halves = Half(), Half()
    pair = SandboxPair(*halves, hand)
    assert (pair.spent, pair.alive) == (False, True)
    halves[at].spent, halves[at].alive = True, False
    assert (pair.spent, pair.alive) == (True, False)


def test_closing_closes_both(hand: ThreadPoolExecutor) -> None:
    halves = Half(), Half()
    SandboxPair(*halves, hand).close()
    assert [half.closed for half in halves] == [1, 1]
