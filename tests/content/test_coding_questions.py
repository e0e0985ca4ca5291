"""The coding questions that we ship: complete, and their references right by other means.

The solutions are our own files, so they may run in this process; a candidate's never do. Whether
each solution earns its verdict is proven by the gate in the real sandbox, in tests/corpus.
"""

from __future__ import annotations

from functools import cache
from itertools import combinations, product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from app.questions.bank import read_bank
from app.questions.schema import CodingQuestion, PropertyChecker

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from app.questions.schema import Case

    Array = NDArray[Any]

BANK = read_bank(Path(__file__).parents[2] / "questions")
QUESTIONS = {
    file.document.id: file.document
    for file in BANK.questions
    if isinstance(file.document, CodingQuestion)
}
RUBRICS = {
    "batch-norm-forward": [("correctness", 6), ("stability", 2), ("interface", 2)],
    "batch-norm-backward": [("correctness", 6), ("stability", 2), ("interface", 2)],
    "batch-norm-class": [("training", 3), ("running", 3), ("inference", 2), ("interface", 2)],
    "conv2d-forward": [("correctness", 5), ("interface", 2), ("speed", 1), ("vectorised", 2)],
    "non-maximum-suppression": [("boxes", 6), ("order", 2), ("limits", 2)],
    "softmax-cross-entropy": [("correctness", 6), ("stability", 3), ("interface", 1)],
    "xavier-initialisation": [("distribution", 6), ("seeds", 2), ("interface", 2)],
}
ROUND = [
    "softmax-cross-entropy",
    "batch-norm-forward",
    "batch-norm-backward",
    "batch-norm-class",
    "xavier-initialisation",
    "non-maximum-suppression",
    "conv2d-forward",
]
RNG = np.random.default_rng(20)


def by_name(question: CodingQuestion) -> str:
    return question.id


@cache
def reference(question_id: str) -> Any:  # noqa: ANN401 - a function or a class
    """Return what the first accepted solution of a question defines."""
    question = QUESTIONS[question_id]
    code = next(one.code for one in question.solutions if one.verdict == "AC")
    return define(code, question.entry_point)


def define(code: str, name: str) -> Any:  # noqa: ANN401 - as above
    namespace: dict[str, Any] = {}
    exec(compile(code, name, "exec"), namespace)  # noqa: S102 our own files
    return namespace[name]


def slope(loss: Callable[[Array], float], at: Array, step: float = 1e-6) -> Array:
    """Return the gradient of `loss` by central differences."""
    gradient = np.zeros_like(at)
    for index in np.ndindex(at.shape):
        change = np.zeros_like(at)
        change[index] = step
        gradient[index] = (loss(at + change) - loss(at - change)) / (2 * step)
    return gradient


# --- Completeness ---------------------------------------------------------------------------


def test_every_coding_question_has_its_agreed_rubric() -> None:
    assert {name: [(c.id, c.points) for c in q.rubric] for name, q in QUESTIONS.items()} == RUBRICS


def test_a_candidate_can_sit_all_coding_questions_as_one_paper() -> None:
    (paper,) = [one.document for one in BANK.papers if one.document.id == "numpy-coding-round"]
    assert [item.question for item in paper.items] == ROUND
    assert set(ROUND) == set(QUESTIONS)
    assert sum(item.minutes for item in paper.items) <= 90 == paper.minutes
    assert [item.minutes for item in paper.items] == [QUESTIONS[name].minutes for name in ROUND]


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=by_name)
def test_a_coding_question_has_samples_groups_and_solutions_enough(
    question: CodingQuestion,
) -> None:
    verdicts = [solution.verdict for solution in question.solutions]
    wrong = [one for one in question.solutions if one.verdict != "AC"]
    assert verdicts.count("AC") >= 3
    assert len(wrong) >= 4
    assert all(one.feedback for one in wrong)
    assert all(one.fails for one in wrong if one.verdict != "NA")
    assert len([case for case in question.cases if case.sample]) == 2
    groups = {case.group for case in question.cases if not case.sample}
    assert groups == {group for criterion in question.rubric for group in criterion.from_groups}
    assert {group for one in wrong for group in one.fails} == groups
    assert {"torch", "tensorflow"} <= set(question.forbid)


def test_batch_norm_forward_is_followed_up_by_backward() -> None:
    (follow_up,) = QUESTIONS["batch-norm-forward"].follow_ups
    assert (follow_up.when.verdict, follow_up.ask) == ("AC", "batch-norm-backward")


# --- The references by other means, and what the prompts promise ---------------------------


def test_batch_norm_backward_agrees_with_central_differences() -> None:
    x, dout, gamma = RNG.normal(2, 3, (5, 3)), RNG.normal(size=(5, 3)), RNG.normal(size=3)

    def forward(x: Array, gamma: Array, beta: Array) -> float:
        x_hat = (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5)
        return float((dout * (gamma * x_hat + beta)).sum())

    dx, dgamma, dbeta = reference("batch-norm-backward")(dout, x, gamma)
    beta = np.zeros(3)
    np.testing.assert_allclose(dx, slope(lambda v: forward(v, gamma, beta), x), atol=1e-7)
    np.testing.assert_allclose(dgamma, slope(lambda v: forward(x, v, beta), gamma), atol=1e-7)
    np.testing.assert_allclose(dbeta, slope(lambda v: forward(x, gamma, v), beta), atol=1e-7)


def test_batch_norm_keeps_the_statistics_that_its_prompt_promises() -> None:
    layer = reference("batch-norm-class")(np.ones(2), np.zeros(2))
    layer.forward(np.array([[1.0, 2.0], [3.0, 6.0]]))
    np.testing.assert_allclose(layer.running_mean, [0.2, 0.4])
    np.testing.assert_allclose(layer.running_var, [1.1, 1.7])
    y = layer.forward(np.array([[2.0, 4.0]]), training=False)
    np.testing.assert_allclose(y, [[1.716225, 2.761066]], atol=5e-7)


def test_running_statistics_end_where_the_population_is() -> None:
    layer = reference("batch-norm-class")(np.ones(1), np.zeros(1))
    means, variances = [], []
    for _ in range(3000):
        layer.forward(RNG.normal(4, 3, (3, 1)))
        means.append(layer.running_mean)
        variances.append(layer.running_var)
    assert np.mean(means[200:]) == pytest.approx(4, abs=0.2)
    assert np.mean(variances[200:]) == pytest.approx(9, rel=0.06)  # 6 with the biased variance


def test_softmax_cross_entropy_agrees_with_its_prompt_and_with_central_differences() -> None:
    f = reference("softmax-cross-entropy")
    sample = f(np.log([[1.0, 3.0], [1.0, 7.0]]), np.array([0, 1]))
    np.testing.assert_allclose(sample["probabilities"], [[0.25, 0.75], [0.125, 0.875]])
    np.testing.assert_allclose(sample["gradient"], [[-0.375, 0.375], [0.0625, -0.0625]])
    assert sample["loss"] == pytest.approx(0.759913, abs=5e-7)
    logits, labels = RNG.normal(0, 2, (4, 5)), np.array([0, 3, 3, 1])
    numeric = slope(lambda z: float(f(z, labels)["loss"]), logits)
    np.testing.assert_allclose(f(logits, labels)["gradient"], numeric, atol=1e-8)


def test_softmax_cross_entropy_is_exact_where_probabilities_vanish() -> None:
    answer = reference("softmax-cross-entropy")(np.array([[0.0, 1000.0]]), np.array([0]))
    assert answer["loss"] == 1000.0
    np.testing.assert_array_equal(answer["probabilities"], [[0.0, 1.0]])


def test_conv2d_agrees_with_the_sum_in_its_prompt() -> None:
    x, w, b = RNG.normal(size=(2, 3, 6, 5)), RNG.normal(size=(4, 3, 3, 2)), RNG.normal(size=4)
    y = reference("conv2d-forward")(x, w, b, stride=2, padding=1)
    padded = np.zeros((2, 3, 8, 7))
    padded[:, :, 1:-1, 1:-1] = x
    assert y.shape == (2, 4, 3, 3)
    for n, f, i, j in product(*map(range, y.shape)):
        total = b[f] + sum(
            w[f, c, u, v] * padded[n, c, 2 * i + u, 2 * j + v]
            for c, u, v in product(range(3), range(3), range(2))
        )
        assert y[n, f, i, j] == pytest.approx(total)


def test_conv2d_of_its_prompt() -> None:
    x = np.arange(9.0).reshape(1, 1, 3, 3)
    y = reference("conv2d-forward")(x, np.array([[[[1.0, 0.0], [0.0, -1.0]]]]), np.array([0.5]))
    np.testing.assert_array_equal(y, np.full((1, 1, 2, 2), -3.5))


def iou(a: Array, b: Array) -> float:
    """Count unit cells: slow, and true for boxes with integer corners."""
    cells = [set(product(range(x1, x2), range(y1, y2))) for x1, y1, x2, y2 in (a, b)]
    union = len(cells[0] | cells[1])
    return len(cells[0] & cells[1]) / union if union else 0.0


def test_nms_agrees_with_counted_cells() -> None:
    corner = RNG.integers(0, 9, (25, 2))
    boxes = np.hstack([corner, corner + RNG.integers(1, 6, (25, 2))])
    scores = RNG.permutation(25) / 25
    keep = reference("non-maximum-suppression")(boxes.astype(float), scores, 0.4)
    kept = set(keep.tolist())
    assert all(iou(boxes[a], boxes[b]) <= 0.4 for a, b in combinations(kept, 2))
    for lost in set(range(25)) - kept:
        assert any(scores[k] > scores[lost] and iou(boxes[k], boxes[lost]) > 0.4 for k in kept)
    assert (np.diff(scores[keep]) < 0).all()


def test_nms_of_its_prompt() -> None:
    boxes = np.array([[0.0, 0, 2, 2], [1, 0, 3, 2], [5, 5, 6, 6]])
    keep = reference("non-maximum-suppression")(boxes, np.array([0.6, 0.9, 0.7]), 0.3)
    assert (keep.tolist(), keep.dtype) == ([1, 2], np.int64)


def property_of(question_id: str) -> Callable[[dict[str, Any], object, object], object]:
    checker = QUESTIONS[question_id].checker
    assert isinstance(checker, PropertyChecker)
    check: Callable[[dict[str, Any], object, object], object] = define(checker.code, "check")
    return check


def hidden(question_id: str) -> list[Case]:
    return [case for case in QUESTIONS[question_id].cases if not case.sample]


@pytest.mark.parametrize("distribution", ["uniform", "normal"])
def test_the_property_of_xavier_raises_no_false_alarm(distribution: str) -> None:
    check, f = property_of("xavier-initialisation"), reference("xavier-initialisation")
    for seed in range(300):
        args = {"fan_in": 40, "fan_out": 50, "seeds": [seed], "distribution": distribution}
        assert check(args, f(**args), None) is True


@pytest.mark.parametrize("distribution", ["uniform", "normal"])
@pytest.mark.parametrize("factor", [0.95, 1.05])
def test_the_property_of_xavier_sees_a_scale_that_is_off_by_a_twentieth(
    distribution: str, factor: float
) -> None:
    check, f = property_of("xavier-initialisation"), reference("xavier-initialisation")
    wide = next(c for c in hidden("xavier-initialisation") if c.name.startswith(distribution))
    args = {**(wide.args or {}), "distribution": distribution}
    assert check(args, [factor * w for w in f(**args)], None) is not True
