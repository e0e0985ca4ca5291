"""Programs as people write them, each with the verdict that it must earn from the real judge.

A program's first line says what it must earn, and perhaps by which recognised mistake and with
what share of the points::

    # expect: WA mistake=unbiased-variance score=0.4

The first word of its file's name is the verdict as well. What the questions themselves declare as
solutions is proven by their gate, which builds the references here, and is not repeated.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.grading.pool import Pool
from app.grading.reference import Reference, build_reference
from app.grading.verdicts import Verdict
from app.kit.clock import SystemClock
from app.questions.bank import read_bank
from app.questions.schema import CodingQuestion
from app.workflows.grade_file import grade_against
from tests.sandboxes import docker_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).parent
BANK = read_bank(HERE.parents[1] / "questions")
QUESTIONS = {
    file.document.id: file.document
    for file in BANK.questions
    if isinstance(file.document, CodingQuestion)
}
PROGRAMS = sorted(HERE.glob("*/*.py"))
CLOCK = SystemClock()


@dataclass(frozen=True)
class Expectation:
    """What a program must earn; `mistake` and `score` only where the program says so."""

    verdict: str
    mistake: str | None
    score: float | None


def named(program: Path) -> str:
    return f"{program.parent.name}/{program.stem}"


def expectation(program: Path) -> Expectation:
    first = program.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# expect: "), first
    verdict, *rest = first.removeprefix("# expect: ").split()
    said = dict(one.split("=") for one in rest)
    score = said.pop("score", None)
    mistake = said.pop("mistake", None)
    assert not said, first
    return Expectation(verdict, mistake, float(score) if score else None)


@pytest.fixture(scope="session")
def pool() -> Iterator[Pool]:
    engine = docker_engine()
    pool = Pool(
        engine,
        warm=0,
        capacity=2,
        idle_seconds=600,
        reuse="interview",
        clock=CLOCK,
    )
    yield pool
    pool.close()
    engine.close()


@pytest.fixture(scope="session")
def reference_of(pool: Pool) -> Callable[[str], Reference]:
    """Return what builds the reference of a question, once for all its programs."""

    @cache
    def build(question_id: str) -> Reference:
        with pool.lease("author") as sandbox:
            return build_reference(QUESTIONS[question_id], sandbox)

    return build


@pytest.mark.parametrize("program", PROGRAMS, ids=named)
def test_a_program_earns_its_verdict(
    program: Path, pool: Pool, reference_of: Callable[[str], Reference]
) -> None:
    wanted = expectation(program)
    question = QUESTIONS[program.parent.name]
    code = program.read_text(encoding="utf-8")
    grade = grade_against(pool, CLOCK, question, reference_of(question.id), code)
    judged = [(case.name, case.verdict.value, case.reason) for case in grade.cases]
    assert grade.judgement.verdict == wanted.verdict, judged
    assert grade.mistake == wanted.mistake
    if wanted.verdict == Verdict.AC:
        assert grade.judgement.score == (wanted.score or 1.0)
    elif wanted.score is not None:
        assert grade.judgement.score == pytest.approx(wanted.score, abs=0.005)
    else:
        assert grade.judgement.score < 1


def test_the_corpus_is_large_and_knows_every_question_and_verdict() -> None:
    assert len(PROGRAMS) >= 60
    assert {program.parent.name for program in PROGRAMS} == set(QUESTIONS)
    verdicts = Counter(expectation(program).verdict for program in PROGRAMS)
    assert set(verdicts) == {verdict.value for verdict in Verdict}
    for question_id in QUESTIONS:
        earned = {expectation(p).verdict for p in PROGRAMS if p.parent.name == question_id}
        assert {"AC", "WA", "RE"} <= earned


def test_a_file_is_named_by_its_verdict() -> None:
    for program in PROGRAMS:
        assert program.stem.split("-")[0] == expectation(program).verdict


def test_no_program_repeats_a_declared_solution() -> None:
    for question_id, question in QUESTIONS.items():
        declared = {"".join(solution.code.split()) for solution in question.solutions}
        for program in PROGRAMS:
            if program.parent.name == question_id:
                _, _, code = program.read_text(encoding="utf-8").partition("\n")
                assert "".join(code.split()) not in declared, named(program)
