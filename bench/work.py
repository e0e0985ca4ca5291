"""The work that is measured: batch norm forward on ten hidden cases, small or large."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from app.grading.reference import build_reference
from app.grading.values import decode_value
from app.questions.bank import read_question
from app.questions.schema import Case, CodingQuestion
from app.settings import ROOT

if TYPE_CHECKING:
    from app.grading.judging import CaseData
    from app.grading.pool import Pool

CASES = 10
SMALL, LARGE = (64, 32), (128, 512)

PROGRAM = """\
import numpy as np


def batch_norm_forward(x, gamma, beta, eps=1e-5):
    mean = x.mean(axis=0)
    var = x.var(axis=0)
    return gamma * (x - mean) / np.sqrt(var + eps) + beta
"""

GENERATOR = """\
def generate(rng):
    return dict(
        x=rng.normal(3, 2, ({n}, {d})),
        gamma=rng.uniform(0.5, 2, {d}),
        beta=rng.normal(size={d}),
    )
"""


@dataclass(frozen=True, slots=True)
class Work:
    """A question with the cases that its programs are judged by."""

    question: CodingQuestion
    cases: tuple[CaseData, ...]

    def packed(self) -> bytes:
        """Return program, inputs and expected outputs as an .npz, for judges of the naive kind."""
        arrays: dict[str, Any] = {"code": np.array(PROGRAM)}
        for at, case in enumerate(self.cases):
            args = cast("dict[str, Any]", decode_value(case.args))
            arrays |= {f"{name}{at}": value for name, value in args.items()}
            arrays[f"y{at}"] = decode_value(case.expected)
        file = io.BytesIO()
        np.savez(file, **arrays)
        return file.getvalue()


def question(shape: tuple[int, int]) -> CodingQuestion:
    """Return the bank's batch norm question, its cases replaced by ten hidden ones of a shape."""
    bank = read_question(ROOT / "questions/deep-learning/batch-norm-forward.yaml").document
    assert isinstance(bank, CodingQuestion)
    n, d = shape
    case = Case(
        name="batch",
        group="correctness",
        seeds=list(range(CASES)),
        generate=GENERATOR.format(n=n, d=d),
    )
    criteria = [one for one in bank.rubric if "correctness" in one.from_groups]
    right = [one for one in bank.solutions if one.verdict == "AC"]
    return bank.model_copy(
        update={
            "id": f"batch-norm-{n}-by-{d}",
            "cases": [case],
            "rubric": criteria,
            "solutions": right,
            "follow_ups": [],
        }
    )


def prepare(pool: Pool, shape: tuple[int, int]) -> Work:
    """Compute the expected outputs in a sandbox of the author's."""
    wanted = question(shape)
    with pool.lease("author") as sandbox:
        reference = build_reference(wanted, sandbox)
    pool.end("author")
    return Work(wanted, reference.cases)
