"""Two sandboxes of one owner as one: half of the calls in each, side by side."""

from __future__ import annotations

from concurrent.futures import wait
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Executor

    from app.grading.runs import Call, CaseRun, Sandbox

FEWEST_CALLS = 4  # fewer are over before the second sandbox has woken up


@dataclass(frozen=True, slots=True)
class SandboxPair:
    """Behaves as one Sandbox; what goes wrong in either goes wrong in the pair."""

    first: Sandbox
    second: Sandbox
    hand: Executor

    @property
    def spent(self) -> bool:
        """Whether something happened in either that a later call could notice."""
        return self.first.spent or self.second.spent

    @property
    def alive(self) -> bool:
        """Whether both still wait for calls."""
        return self.first.alive and self.second.alive

    def run(self, calls: Sequence[Call]) -> list[CaseRun]:
        """Run the calls and return what each did, in order. Raises SandboxBrokenError."""
        if len(calls) < FEWEST_CALLS:
            return self.first.run(calls)
        half = -(-len(calls) // 2)
        others = self.hand.submit(self.second.run, calls[half:])
        try:
            runs = self.first.run(calls[:half])
        finally:
            wait([others])  # whoever gets the lease back must find both at rest
        return [*runs, *others.result()]

    def close(self) -> None:
        """Destroy both; may be called twice. Raises EngineUnavailableError."""
        try:
            self.first.close()
        finally:
            self.second.close()


def size_of(sandbox: Sandbox | None) -> int:
    """Return how many sandboxes that is; one that is being started (None) counts."""
    return 2 if isinstance(sandbox, SandboxPair) else 1
