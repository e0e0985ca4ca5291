"""Stand-ins for what tests must not wait for: an engine without containers, a dispatcher."""

from __future__ import annotations

import builtins
import io
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from app.grading.runs import CaseRun, EngineReport, EngineUnavailableError, Outcome, RaisedError
from app.grading.values import InvalidValueError, decode_value, encode_value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from app.grading.dispatch import Task
    from app.grading.runs import Call


def run_in_process(call: Call) -> CaseRun:
    """Run a call by plain exec: for our own programs only."""
    namespace: dict[str, Any] = {}
    printed = io.StringIO()
    arguments = cast(dict[str, Any], decode_value(call.args))
    try:
        exec(call.code, namespace)  # noqa: S102 - the tests' own programs
        function = namespace[call.entry_point]
    except Exception as error:  # noqa: BLE001 - whatever a program raises
        return _raised(Outcome.BAD_CODE, error, "")
    try:
        with redirect_stdout(printed):
            returned = _called(call, function, arguments)
    except Exception as error:  # noqa: BLE001 - whatever a program raises
        return _raised(Outcome.RAISED, error, printed.getvalue())
    try:
        result = encode_value((returned, arguments) if call.return_args else returned)
    except (InvalidValueError, TypeError):
        return CaseRun(Outcome.NOT_DATA, 1.0, 2.0, 30_000, printed.getvalue())
    return CaseRun(Outcome.RETURNED, 1.0, 2.0, 30_000, printed.getvalue(), result=result)


def _called(call: Call, function: Callable[..., Any], arguments: dict[str, Any]) -> object:
    if call.rng_seed is not None:
        return function(np.random.default_rng(call.rng_seed))
    if not call.scripted:
        return function(**arguments)
    made = function(**arguments["init"])
    steps = arguments["calls"]
    return [
        getattr(made, name) if args is None else getattr(made, name)(**args) for name, args in steps
    ]


def _raised(outcome: Outcome, error: Exception, printed: str) -> CaseRun:
    name = type(error).__name__
    raised = RaisedError(name, hasattr(builtins, name), str(error), "line 2, in double")
    return CaseRun(outcome, 1.0, 2.0, 30_000, printed, error=raised)


FIT = EngineReport(
    reachable=True,
    problem=None,
    backend="fake",
    version="1",
    cgroup="2",
    memory_capped=True,
    swap_capped=True,
    pids_capped=True,
    cpu_capped=True,
    verified=True,
    seccomp=True,
)


@dataclass
class FakeSandbox:
    """Answers calls as its engine says."""

    engine: FakeEngine
    spent: bool = False
    alive: bool = True

    def run(self, calls: Sequence[Call]) -> list[CaseRun]:
        self.engine.calls += calls
        return [self.engine.run(call) for call in calls]

    def close(self) -> None:
        self.engine.closed += 1


@dataclass
class FakeEngine:
    """Starts sandboxes at once. `away`: none can be started; `run`: what each call comes to."""

    away: bool = False
    run: Callable[[Call], CaseRun] = run_in_process
    calls: list[Call] = field(default_factory=list)
    closed: int = 0

    def start(self) -> FakeSandbox:
        if self.away:
            raise EngineUnavailableError("away")
        return FakeSandbox(self)

    def remove_orphans(self) -> int:
        return 0

    def probe(self) -> EngineReport:
        if self.away:
            return EngineReport(reachable=False, problem="away")
        return FIT

    def close(self) -> None:
        pass


@dataclass
class InlineDispatcher:
    """Does each task at once, or keeps it while `holding`."""

    handlers: Mapping[Task, Callable[[str], None]]
    holding: bool = False
    sent: list[tuple[Task, str]] = field(default_factory=list)

    def send(self, task: Task, row_id: str) -> None:
        self.sent.append((task, row_id))
        if not self.holding:
            self.handlers[task](row_id)

    def close(self) -> None:
        pass
