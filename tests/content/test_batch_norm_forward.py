"""The cases of batch-norm-forward tell every accepted solution from every wrong one.

The solutions are our own files, so they may run in this process; a candidate's never do.
"""

from __future__ import annotations

import copy
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pydantic import TypeAdapter
from ruamel.yaml import YAML

from app.questions.schema import Case, CloseChecker, CodingQuestion, Solution

if TYPE_CHECKING:
    from collections.abc import Callable

BANK = Path(__file__).parents[2] / "questions"
QUESTION = TypeAdapter(CodingQuestion).validate_python(
    YAML(typ="safe").load(BANK / "deep-learning" / "batch-norm-forward.yaml")
)
ACCEPTED = [solution for solution in QUESTION.solutions if solution.verdict == "AC"]
WRONG = [solution for solution in QUESTION.solutions if solution.verdict != "AC"]
# Another order of summation may move a result by no more than this share of the tolerance.
ROOM = 0.1


@dataclass(frozen=True)
class Trial:
    """One case with one seed: its arguments, and how the answer is compared."""

    case: Case
    args: dict[str, Any]
    checker: CloseChecker


@cache
def function(code: str, name: str) -> Callable[..., Any]:
    namespace: dict[str, Any] = {}
    exec(compile(code, name, "exec"), namespace)  # noqa: S102 our own files
    loaded: Callable[..., Any] = namespace[name]
    return loaded


def arguments(case: Case) -> list[dict[str, Any]]:
    if case.generate is None:
        return [{name: np.array(value) for name, value in (case.args or {}).items()}]
    generate = function(case.generate, "generate")
    return [generate(np.random.default_rng(seed)) for seed in case.seeds]


def trials() -> list[Trial]:
    found: list[Trial] = []
    for case in QUESTION.cases:
        checker = case.checker or QUESTION.checker
        assert isinstance(checker, CloseChecker)
        found.extend(Trial(case, args, checker) for args in arguments(case))
    return found


TRIALS = trials()


def run(solution: Solution, args: dict[str, Any]) -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # wrong solutions divide by zero
        answer: object = function(solution.code, QUESTION.entry_point)(**args)
    return answer


def array(solution: Solution, trial: Trial) -> np.ndarray[Any, Any]:
    answer = run(solution, copy.deepcopy(trial.args))
    assert isinstance(answer, np.ndarray)
    return answer


def expected(trial: Trial) -> np.ndarray[Any, Any]:
    return array(ACCEPTED[0], trial)


def agrees(answer: object, wanted: np.ndarray[Any, Any], checker: CloseChecker) -> bool:
    return (
        isinstance(answer, np.ndarray)
        and answer.shape == wanted.shape
        and answer.dtype.kind == wanted.dtype.kind
        and np.allclose(answer, wanted, rtol=checker.rtol, atol=checker.atol)
    )


def passes(solution: Solution, trial: Trial) -> bool:
    args = copy.deepcopy(trial.args)
    answer = run(solution, args)
    untouched = all(np.array_equal(args[name], value) for name, value in trial.args.items())
    return agrees(answer, expected(trial), trial.checker) and (
        untouched or not trial.case.inputs_unmodified
    )


@pytest.mark.parametrize("solution", ACCEPTED, ids=lambda solution: solution.name)
def test_accepted_solutions_agree_with_room_to_spare(solution: Solution) -> None:
    for trial in TRIALS:
        strict = CloseChecker(rtol=trial.checker.rtol * ROOM, atol=trial.checker.atol * ROOM)
        args = copy.deepcopy(trial.args)
        assert agrees(run(solution, args), expected(trial), strict), trial.case.name
        for name, value in trial.args.items():
            np.testing.assert_array_equal(args[name], value)


@pytest.mark.parametrize("solution", WRONG, ids=lambda solution: solution.name)
def test_wrong_solutions_fail_every_group_they_name(solution: Solution) -> None:
    failed = {trial.case.group for trial in TRIALS if not passes(solution, trial)}
    assert set(solution.fails) <= failed


@pytest.mark.parametrize("solution", WRONG, ids=lambda solution: solution.name)
def test_wrong_solutions_say_what_is_wrong(solution: Solution) -> None:
    assert solution.fails
    assert solution.feedback is not None


def test_mistakes_with_eps_leave_the_correctness_group_alone() -> None:
    about_eps = {"no-eps", "eps-outside-root", "hard-coded-eps", "wrong-default-eps"}
    for solution in WRONG:
        if solution.name in about_eps | {"naive-variance", "modifies-input"}:
            for trial in TRIALS:
                assert trial.case.group != "correctness" or passes(solution, trial), solution.name


def test_wrong_solutions_differ_from_each_other() -> None:
    """A recognised mistake is named by its outputs, so no two may share all of them."""
    trial = next(trial for trial in TRIALS if trial.case.name == "small-batch")
    tiny = next(trial for trial in TRIALS if trial.case.name == "tiny-variance")
    seen: list[np.ndarray[Any, Any]] = []
    for solution in WRONG:
        if solution.name in {"modifies-input", "hard-coded-eps", "naive-variance", "returns-list"}:
            continue  # told apart by the case they fail, not by these outputs
        answer = np.concatenate([np.ravel(array(solution, one)) for one in (trial, tiny)])
        assert not any(np.allclose(answer, other, rtol=1e-5, atol=1e-5) for other in seen)
        seen.append(answer)


def test_groups_have_hidden_cases_and_every_point_has_a_group() -> None:
    hidden = [case for case in QUESTION.cases if not case.sample]
    groups = {case.group for case in hidden}
    assert groups == {"correctness", "stability", "interface"}
    assert {group for criterion in QUESTION.rubric for group in criterion.from_groups} == groups
    assert QUESTION.points == 10
    assert 10 <= sum(len(case.seeds) for case in hidden) <= 14
    assert len([case for case in QUESTION.cases if case.sample]) == 2


def test_the_prompt_tells_the_truth_about_the_samples() -> None:
    wanted: dict[str, list[list[float]]] = {
        "two-rows": [[-0.999995, -0.99999875], [0.999995, 0.99999875]],
        "constant-second-column": [[-1.449485, -1], [1, -1], [3.449485, -1]],
    }
    for trial in TRIALS:
        if trial.case.sample:
            wanted_rows = np.array(wanted[trial.case.name])
            np.testing.assert_allclose(expected(trial), wanted_rows, atol=5e-6)
