"""Commands about question files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import track

from app.cli.output import console, errors, fail, print_json
from app.grading.runs import EngineUnavailableError
from app.kit.i18n import _, ngettext
from app.questions.bank import PAPERS, check_paths, question_schema, read_bank, read_question
from app.questions.schema import CodingQuestion
from app.settings import Settings
from app.workflows.assemble_runtime import assemble_runtime, build_engine, build_pool
from app.workflows.check_question import check_code, check_rubric
from app.workflows.import_bank import store_bank, unpublished
from app.workflows.publish_question import publish_question

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from app.questions.bank import BankFile
    from app.questions.diagnostics import Diagnostic
    from app.questions.schema import Question

app = typer.Typer(no_args_is_help=True, help="Question files.")


@app.command()
def check(
    paths: Annotated[list[Path] | None, typer.Argument(help="Files or folders.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    run: Annotated[bool, typer.Option(help="Run the solutions in a sandbox.")] = True,
) -> None:
    """Check question files: every error as file:line:col."""
    settings = Settings()
    found = check_paths(paths or [], settings.bank_dir)
    broken = {one.path for one in found if one.severity == "error"}
    files = [one for one in _files(paths, settings.bank_dir) if one.path not in broken]
    found += [one for file in files for one in check_rubric(file)]
    if run:
        found += _run_gates(settings, files)
    _report(found, as_json=as_json, count=len(files) + len(broken))
    if any(one.severity == "error" for one in found):
        raise typer.Exit(1)


@app.command("import")
def import_files() -> None:
    """Bring the stored bank in line with its files, and put new questions through their gate."""
    machinery = assemble_runtime(Settings(sandbox_warm=0), worker=True).machinery
    store_bank(machinery)
    waiting = unpublished(machinery)
    for version_id, name in waiting.items():
        errors.print(_("publishing {name}").format(name=name), markup=False)
        publish_question(machinery, str(version_id))
    if machinery.pool is not None:
        machinery.pool.close()
    text = ngettext("{count} question was new.", "{count} questions were new.", len(waiting))
    console.print(text.format(count=len(waiting)))


def _report(found: Sequence[Diagnostic], *, as_json: bool, count: int) -> None:
    if as_json:
        print_json([one.as_json() for one in found])
        return
    for one in found:
        console.print(one.text(), markup=False)
    if not found:
        text = ngettext("{count} file, no errors.", "{count} files, no errors.", count)
        console.print(text.format(count=count))


def _files(paths: Sequence[Path] | None, bank_dir: Path) -> Iterator[BankFile[Question]]:
    for path in paths or [bank_dir]:
        if path.is_dir():
            yield from read_bank(path).questions
        elif (file := read_question(path).file) is not None:
            yield file


def _run_gates(settings: Settings, files: Sequence[BankFile[Question]]) -> list[Diagnostic]:
    coding = [file for file in files if isinstance(file.document, CodingQuestion)]
    if not coding:
        return []
    pool = build_pool(settings, build_engine(settings))
    try:
        return [one for file in _shown(coding) for one in check_code(file, pool)]
    except EngineUnavailableError as error:
        errors.print(_("The solutions were not run: {why}").format(why=error), markup=False)
        return []
    finally:
        pool.close()


def _shown(files: Sequence[BankFile[Question]]) -> Iterable[BankFile[Question]]:
    """Show progress on a terminal; elsewhere it would only leave an empty line."""
    if not errors.is_terminal:
        return files
    return track(files, _("Running solutions"), console=errors, transient=True)


@app.command()
def schema() -> None:
    """Print the JSON Schema of a question file."""
    print_json(question_schema())


def find_question(name: str) -> Question:
    """Return a question by its id in the bank or by the path of its file; ends if there is none."""
    bank_dir = Settings().bank_dir
    path = Path(name)
    if not path.is_file():
        known = (file for file in bank_dir.glob("*/*.yaml") if file.parent.name != PAPERS)
        path = next((file for file in known if file.stem == name), path)
    if not path.is_file():
        fail(
            _("There is no question “{name}”, neither in the bank nor as a file.").format(name=name)
        )
    result = read_question(path)
    if result.document is None:
        fail("\n".join(one.text() for one in result.diagnostics))
    return result.document
