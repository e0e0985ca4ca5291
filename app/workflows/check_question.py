"""Check a question beyond its shape: its rubric by its examples, its code by running it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.grading.reference import GateError, build_reference
from app.kit.i18n import message
from app.questions.diagnostics import Diagnostic
from app.questions.schema import CodingQuestion
from app.questions.source import read_source
from app.scoring.rubrics import lint_rubric

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.grading.pool import Pool
    from app.questions.bank import BankFile
    from app.questions.schema import Question


def check_rubric(file: BankFile[Question]) -> Iterator[Diagnostic]:
    """Yield what is wrong with a rubric, at its criterion."""
    source = read_source(file.source.encode())
    places = {one.id: ("rubric", index) for index, one in enumerate(file.document.rubric)}
    for problem in lint_rubric(file.document):
        line, column = source.value(places[problem.criterion])
        text = message(
            "{criterion}: {problem}", criterion=problem.criterion, problem=problem.message
        )
        yield Diagnostic(file.path, line, column, text)


def check_code(file: BankFile[Question], pool: Pool) -> Iterator[Diagnostic]:
    """Yield what the gate finds, where it is to be mended. Raises EngineUnavailableError."""
    if not isinstance(file.document, CodingQuestion):
        return
    owner = f"author:{file.document.id}"
    try:
        with pool.lease(owner) as sandbox:
            build_reference(file.document, sandbox)
    except GateError as error:
        line, column = read_source(file.source.encode()).key(error.loc)
        yield Diagnostic(file.path, line, column, error.message)
    finally:
        pool.end(owner)
