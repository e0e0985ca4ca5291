"""Judging on the real engine: scripts, properties and relative limits, from file to verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.grading.pool import Pool
from app.grading.reference import build_reference
from app.kit.clock import SystemClock
from app.questions.bank import parse_question
from app.questions.schema import CodingQuestion
from app.workflows.grade_file import grade_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.grading.runs import Engine
    from app.workflows.grade_file import FileGrade

HEAD = """\
kind: coding
title: {zh: 题, en: Question}
prompt: {zh: 题, en: Question}
rubric:
  - {id: correctness, points: 2, from_groups: [hidden]}
"""

AVERAGE = (
    HEAD
    + """\
id: running-average
entry_point: Average
cases:
  - name: shown
    sample: true
    init: {momentum: 0.5}
    calls:
      - {call: update, args: {x: [2.0, 4.0]}}
      - {read: mean}
      - {call: update, args: {x: [0.0, 0.0]}}
  - name: random
    group: hidden
    scripted: true
    inputs_unmodified: true
    seeds: [1, 2]
    generate: |
      def generate(rng):
          steps = [("update", {"x": rng.normal(size=3)}) for _ in range(3)]
          return dict(init={"momentum": 0.9}, calls=[*steps, ("mean", None)])
solutions:
  - name: plain
    verdict: AC
    code: |
      class Average:
          def __init__(self, momentum):
              self.momentum = momentum
              self.mean = 0.0
          def update(self, x):
              self.mean = self.momentum * self.mean + (1 - self.momentum) * x
              return self.mean
  - name: forgetful
    verdict: WA
    fails: [hidden]
    feedback: {zh: 没有记住, en: Nothing is remembered.}
    code: |
      class Average:
          def __init__(self, momentum):
              self.momentum = momentum
              self.mean = 0.0
          def update(self, x):
              self.mean = (1 - self.momentum) * x
              return self.mean
"""
)

SHUFFLE = (
    HEAD
    + """\
id: shuffle
entry_point: shuffle
forbid: [random, np.random.shuffle]
checker:
  name: property
  code: |
    import numpy as np


    def check(args, output, expected):
        if output.shape != expected.shape:
            return False
        if not (np.sort(output) == np.sort(args["x"])).all():
            return "These are not the same numbers."
        return not (output == args["x"]).all() or "Nothing was shuffled."
cases:
  - {name: shown, sample: true, args: {x: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]}}
  - name: random
    group: hidden
    seeds: [1, 2]
    generate: |
      def generate(rng):
          return dict(x=rng.normal(size=30))
solutions:
  - name: permuted
    verdict: AC
    code: |
      import numpy as np


      def shuffle(x):
          return np.random.default_rng().permutation(x)
  - name: nothing
    verdict: WA
    fails: [hidden]
    feedback: {zh: 没有打乱, en: Nothing changed.}
    code: |
      def shuffle(x):
          return x
  - name: library
    verdict: NA
    code: |
      import numpy as np


      def shuffle(x):
          np.random.shuffle(x)
          return x
"""
)

SUMS = (
    HEAD
    + """\
id: sums
entry_point: sums
limits: {cpu_seconds: 20, wall_seconds: 60, slowdown: 10}
cases:
  - {name: shown, sample: true, args: {x: [[1.0, 2.0]]}}
  - name: large
    group: hidden
    seeds: [1]
    generate: |
      def generate(rng):
          return dict(x=rng.normal(size=(2000, 500)))
solutions:
  - name: vectorised
    verdict: AC
    code: |
      def sums(x):
          return x.sum(axis=1)
  - name: python
    verdict: TLE
    fails: [hidden]
    code: |
      import numpy as np


      def sums(x):
          total = [0.0] * len(x)
          for _ in range(10):
              for i in range(len(x)):
                  for j in range(x.shape[1]):
                      total[i] += x[i, j] / 10
          return np.array(total)
"""
)


@pytest.fixture(scope="module")
def pool(engine: Engine) -> Iterator[Pool]:
    pool = Pool(engine, clock=SystemClock(), warm=0, capacity=4, busy_seconds=60)
    yield pool
    pool.close()


def question(text: str) -> CodingQuestion:
    result = parse_question("question.yaml", text.encode())
    assert isinstance(result.document, CodingQuestion), result.diagnostics
    return result.document


def graded(pool: Pool, asked: CodingQuestion, solution: str) -> FileGrade:
    code = next(one.code for one in asked.solutions if one.name == solution)
    return grade_file(pool, SystemClock(), asked, code)


def test_script_of_calls_tests_what_an_object_remembers(pool: Pool) -> None:
    asked = question(AVERAGE)
    assert graded(pool, asked, "plain").judgement.verdict == "AC"
    forgetful = graded(pool, asked, "forgetful")
    assert (forgetful.judgement.verdict, forgetful.mistake) == ("WA", "forgetful")
    spoiling = asked.solutions[0].code.replace(
        "return self.mean", "x += 1\n        return self.mean"
    )
    assert grade_file(pool, SystemClock(), asked, spoiling).judgement.verdict == "WA"


def test_property_accepts_every_right_output_and_names_no_mistake(pool: Pool) -> None:
    asked = question(SHUFFLE)
    assert graded(pool, asked, "permuted").judgement.verdict == "AC"
    nothing = graded(pool, asked, "nothing")
    assert (nothing.judgement.verdict, nothing.mistake) == ("WA", None)
    assert str(nothing.cases[0].reason) == "Nothing was shuffled."
    library = graded(pool, asked, "library")
    assert (library.judgement.verdict, library.violations[0].line) == ("NA", 5)


def test_slow_code_is_late_relative_to_the_reference_long_before_the_absolute_limit(
    pool: Pool,
) -> None:
    asked = question(SUMS)
    with pool.lease("author") as sandbox:
        shown, large = build_reference(asked, sandbox).cases
    pool.end("author")
    assert shown.calibration_cpu_ms is not None
    assert 1 < shown.calibration_cpu_ms < 1000
    assert large.reference_cpu_ms < 500
    assert graded(pool, asked, "vectorised").judgement.verdict == "AC"
    slow = graded(pool, asked, "python")
    assert slow.judgement.verdict == "TLE"
    assert max(case.cpu_ms for case in slow.cases) < 8000
