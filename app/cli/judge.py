"""Commands that judge an answer from a file: grade and score."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from app.answers.service import require_size
from app.cli.output import console, fail, print_json
from app.cli.questions import find_question
from app.grading.properties import CheckerBrokenError
from app.grading.reference import GateError
from app.kit.clock import SystemClock
from app.kit.i18n import _
from app.questions.schema import CodingQuestion
from app.scoring.formulas import FormulaError
from app.scoring.suggestions import suggest, to_json
from app.settings import Settings
from app.workflows.assemble_runtime import build_engine, build_pool
from app.workflows.grade_file import grade_files

if TYPE_CHECKING:
    from app.workflows.grade_file import FileGrade

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
QuestionName = Annotated[str, typer.Argument(metavar="QUESTION", help="An id, or a YAML file.")]


def add_to(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command()(grade)
    app.command()(score)


def grade(
    question: QuestionName,
    files: Annotated[list[Path], typer.Argument(metavar="FILE…")],
    sample: Annotated[bool, typer.Option("--sample", help="Only the sample cases.")] = False,
    as_json: Json = False,
) -> None:
    """Grade programs in the sandbox; each file is one."""
    document = find_question(question)
    if not isinstance(document, CodingQuestion):
        fail(_("“{id}” is answered in words: use `yimian score`.").format(id=document.id))
    codes = [_read(file) for file in files]
    settings = Settings()
    pool = build_pool(settings, build_engine(settings))
    try:
        results = grade_files(pool, SystemClock(), document, codes, sample_only=sample)
    except GateError as error:
        fail(_("The question itself is at fault: {why}").format(why=error.message))
    except CheckerBrokenError as error:
        fail(_("The question itself is at fault: {why}").format(why=error))
    finally:
        pool.close()
    if as_json:
        grades = [
            {"file": str(file)} | grade_as_json(result)
            for file, result in zip(files, results, strict=True)
        ]
        # One file keeps the form that it always had.
        print_json(grades if len(files) > 1 else grade_as_json(results[0]))
        return
    for file, result in zip(files, results, strict=True):
        if len(files) > 1:
            console.print(f"{file}:", markup=False)
        _print_grade(result)


def grade_as_json(result: FileGrade) -> dict[str, object]:
    """Return the stable JSON form of a grade."""
    return {
        "verdict": result.judgement.verdict.value,
        "score": result.judgement.score,
        "groups": [
            {"name": group.name, "passed": group.passed, "total": group.total}
            for group in result.judgement.groups
        ],
        "cases": [
            {
                "name": case.name,
                "verdict": case.verdict.value,
                "cpu_ms": case.cpu_ms,
                "wall_ms": case.wall_ms,
                "memory_kb": case.memory_kb,
                "rerun": case.rerun,
                "reason": None if case.reason is None else str(case.reason),
            }
            for case in result.cases
        ],
        "mistake": result.mistake,
        "findings": [one.as_json() for one in result.violations],
        "job": {"state": "done", "ms": round(result.milliseconds, 1)},
    }


def _print_grade(result: FileGrade) -> None:
    verdict = result.judgement.verdict
    console.print(f"{verdict.value}  {verdict.title}", style="bold", markup=False)
    console.print(str(verdict.meaning), markup=False)
    table = Table(box=None)
    for heading in (_("Case"), _("Verdict"), "CPU ms", "MB", _("Reason")):
        table.add_column(heading)
    for case in result.cases:
        memory = f"{case.memory_kb / 1024:.0f}"
        reason = "\n".join(map(str, filter(None, [case.reason, *case.hints])))
        table.add_row(case.name, case.verdict.value, f"{case.cpu_ms:.1f}", memory, reason)
    console.print(table)
    for group in result.judgement.groups:
        console.print(f"{group.name}: {group.passed} / {group.total}", markup=False)
    for violation in result.violations:
        console.print(str(violation.message), markup=False)
    if result.mistake:
        console.print(_("Recognised mistake: {name}").format(name=result.mistake), markup=False)


def score(question: QuestionName, file: Path, as_json: Json = False) -> None:
    """Suggest points for a text answer, with the evidence for them."""
    document = find_question(question)
    if isinstance(document, CodingQuestion):
        fail(_("“{id}” is answered in code: use `yimian grade`.").format(id=document.id))
    answer = _read(file)
    try:
        data = to_json(suggest(document, answer))
    except FormulaError as error:
        fail(_("The question itself is at fault: {why}").format(why=error))
    if as_json:
        print_json(data)
        return
    console.print(f"{data['score']:g} / {data['max']:g}", style="bold")
    for criterion in data["criteria"]:
        line = f"{criterion['id']:<20} {criterion['points']:g} / {criterion['max']:g}"
        console.print(line, criterion["confidence"], *criterion["mistakes"], markup=False)
        for start, end in criterion["evidence"]:
            console.print(f"    “{answer[start:end]}”", markup=False)
    if data["needs_mentor"]:
        console.print(_("A mentor should look at this."))


def _read(file: Path) -> str:
    """Return a file's text. Bytes that are no UTF-8 become marks that no program can contain."""
    try:
        content = file.read_bytes()
    except OSError as error:
        fail(f"{file}: {error.strerror}")
    require_size(len(content))
    return content.decode("utf-8", errors="replace")
