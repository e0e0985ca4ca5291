"""The bank as it lies in files: reads questions and papers, and checks that they fit together."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from app.kit.i18n import message
from app.questions.diagnostics import (
    Diagnostic,
    closest,
    from_errors,
    from_problems,
    in_order,
    one_of,
)
from app.questions.lint import independent_of, lint_paper, lint_question, lint_texts
from app.questions.mending import mend
from app.questions.nodes import SourceError
from app.questions.schema import (
    CodingQuestion,
    ConceptualQuestion,
    OpenQuestion,
    Paper,
    Question,
)
from app.questions.source import MAX_BYTES, START, read_source

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from app.kit.i18n import Message
    from app.questions.diagnostics import Severity
    from app.questions.lint import Finding
    from app.questions.nodes import Position
    from app.questions.source import Loc, Source

PAPERS = "papers"

_KINDS: Mapping[str, type[CodingQuestion | ConceptualQuestion | OpenQuestion]] = {
    "coding": CodingQuestion,
    "conceptual": ConceptualQuestion,
    "open": OpenQuestion,
}

D_co = TypeVar("D_co", bound=BaseModel, covariant=True)


@dataclass(frozen=True, slots=True)
class BankFile(Generic[D_co]):
    """A file without errors: its document, the hash of the document's content, its text."""

    path: str
    document: D_co
    content_hash: str
    source: str


@dataclass(frozen=True, slots=True)
class ReadResult(Generic[D_co]):
    """A file that was read: `file` if there is no error in it, and every diagnostic."""

    path: str
    file: BankFile[D_co] | None
    diagnostics: tuple[Diagnostic, ...]

    @property
    def document(self) -> D_co | None:
        """The document, if there is no error in the file."""
        return self.file.document if self.file else None

    @property
    def content_hash(self) -> str | None:
        """The hash of the document's content, if there is no error in the file."""
        return self.file.content_hash if self.file else None


@dataclass(frozen=True, slots=True)
class Bank:
    """Everything below a bank's directory.

    `questions` and `papers` are the files without errors; the ids are those of all files, for
    an error in a file does not remove its question.
    """

    questions: tuple[BankFile[Question], ...]
    papers: tuple[BankFile[Paper], ...]
    question_ids: frozenset[str]
    paper_ids: frozenset[str]
    diagnostics: tuple[Diagnostic, ...]


def content_hash(document: BaseModel) -> str:
    """Return the SHA-256 of the document in canonical JSON: its file's layout does not count."""
    data = document.model_dump(mode="json")
    text = json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def question_schema() -> dict[str, Any]:
    """Return the JSON Schema of a question file, for editors that complete and check."""
    return _json_schema(TypeAdapter(Question), "Question", "One file is one question of the bank.")


def paper_schema() -> dict[str, Any]:
    """Return the JSON Schema of a paper file."""
    return _json_schema(TypeAdapter(Paper), "Paper", "A list of questions with a clock and rules.")


def read_question(path: Path) -> ReadResult[Question]:
    """Read the question in `path` and check it by itself."""
    return _question(_open(str(path), path)).result()


def parse_question(path: str, raw: bytes) -> ReadResult[Question]:
    """Check the question in `raw` by itself; `path` is what diagnostics call the file."""
    return _question(_parse(path, raw)).result()


def read_paper(path: Path) -> ReadResult[Paper]:
    """Read the paper in `path` and check it by itself."""
    return _paper(_open(str(path), path)).result()


def parse_paper(path: str, raw: bytes) -> ReadResult[Paper]:
    """Check the paper in `raw` by itself; `path` is what diagnostics call the file."""
    return _paper(_parse(path, raw)).result()


def read_bank(root: Path) -> Bank:
    """Read every ``<topic>/<id>.yaml`` and ``papers/<id>.yaml`` below `root`, and their links."""
    files = [path for path in _files(root) if _is_placed(path, root)]
    questions = [_question(_open(str(p), p)) for p in files if p.parent.name != PAPERS]
    papers = [_paper(_open(str(p), p)) for p in files if p.parent.name == PAPERS]
    question_ids = frozenset(Path(reading.path).stem for reading in questions)
    everything: list[_Reading[Any]] = [*questions, *papers]
    _check_ids(questions)
    _check_ids(papers)
    _check_links(everything, question_ids, "error")
    found = [d for reading in everything for d in reading.diagnostics]
    return Bank(
        questions=tuple(reading.file for reading in questions if reading.file),
        papers=tuple(reading.file for reading in papers if reading.file),
        question_ids=question_ids,
        paper_ids=frozenset(Path(reading.path).stem for reading in papers),
        diagnostics=tuple(in_order([*found, *_misplaced(root)])),
    )


def check_paths(paths: Sequence[Path], bank_root: Path) -> list[Diagnostic]:
    """Return what is wrong with these files and directories, or with the whole bank if none.

    A file outside the bank is checked by itself; what it links to and the bank lacks is only
    a warning.
    """
    bank = read_bank(bank_root)
    if not paths:
        return list(bank.diagnostics)
    return in_order(d for path in paths for d in _check_path(path, bank, bank_root))


# --- One file -------------------------------------------------------------------------------


@dataclass(slots=True)
class _Reading(Generic[D_co]):
    """A file while it is being checked."""

    path: str
    raw: bytes = b""
    source: Source | None = None
    document: D_co | None = None
    diagnostics: list[Diagnostic] = field(default_factory=list)

    @property
    def file(self) -> BankFile[D_co] | None:
        if self.document is None or any(d.severity == "error" for d in self.diagnostics):
            return None
        text = self.raw.decode("utf-8-sig")
        return BankFile(self.path, self.document, content_hash(self.document), text)

    def result(self) -> ReadResult[D_co]:
        return ReadResult(self.path, self.file, tuple(in_order(self.diagnostics)))

    def complain(self, position: Position, text: Message, severity: Severity = "error") -> None:
        self.diagnostics.append(Diagnostic(self.path, *position, text, severity))

    def add(self, source: Source, findings: Iterable[Finding]) -> None:
        for finding in findings:
            inside = finding.inside
            place = source.inside(finding.loc, *inside) if inside else source.about(finding.loc)
            self.complain(place, finding.message)


def _open(name: str, path: Path) -> _Reading[Any]:
    if not path.is_file():
        reading = _Reading[Any](name)
        reading.complain(START, message("There is no such file."))
        return reading
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        reading = _Reading[Any](name)
        why = error.strerror or type(error).__name__
        reading.complain(START, message("The file cannot be read: {why}.", why=why))
        return reading
    return _parse(name, raw)


def _parse(name: str, raw: bytes) -> _Reading[Any]:
    reading = _Reading[Any](name, raw)
    try:
        reading.source = read_source(raw)
    except SourceError as error:
        reading.diagnostics += from_problems(name, error.problems)
    return reading


def _question(reading: _Reading[Any]) -> _Reading[Question]:
    if source := reading.source:
        reading.add(source, lint_texts(source.data))
        kind = _kind(reading, source)
        _validate(reading, source, _KINDS[kind], {**source.data, "kind": kind}, lint_question)
    return reading


def _paper(reading: _Reading[Any]) -> _Reading[Paper]:
    if source := reading.source:
        _validate(reading, source, Paper, source.data, lint_paper)
    return reading


def _validate(
    reading: _Reading[Any],
    source: Source,
    model: type[BaseModel],
    data: Mapping[str, Any],
    lint: Callable[[Any], Iterable[Finding]],
) -> None:
    try:
        reading.document = model.model_validate(data, strict=True)
    except ValidationError as error:
        errors = error.errors()
        reading.diagnostics += from_errors(reading.path, source, model, errors)
        if mended := mend(model, data, errors):
            reading.add(source, independent_of(mended.changed, lint(mended.document)))
    else:
        reading.add(source, lint(reading.document))


def _kind(reading: _Reading[Any], source: Source) -> str:
    """Return the kind of question; if that is wrong or missing, a guess to check the rest by."""
    kind = source.data.get("kind")
    if isinstance(kind, str) and kind in _KINDS:
        return kind
    if kind is None:
        reading.complain(START, message('The key "{key}" is missing.', key="kind"))
    else:
        reading.complain(source.value(("kind",)), one_of(kind, _KINDS))
    return "coding" if "cases" in source.data or "solutions" in source.data else "conceptual"


# --- The whole bank -------------------------------------------------------------------------


def _files(root: Path) -> Iterator[Path]:
    """Return the YAML files below `root` in order, hidden files and directories left out."""
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        if path.suffix in {".yaml", ".yml"} and not any(part.startswith(".") for part in parts):
            yield path


def _is_placed(path: Path, root: Path) -> bool:
    return path.suffix == ".yaml" and path.parent.parent == root


def _misplaced(root: Path) -> Iterator[Diagnostic]:
    if not root.is_dir():
        yield Diagnostic(str(root), *START, message("There is no such directory."))
    for path in _files(root):
        if not _is_placed(path, root):
            text = message("A question lies at <topic>/<id>.yaml, a paper at papers/<id>.yaml.")
            yield Diagnostic(str(path), *START, text)


def _check_ids(readings: Sequence[_Reading[Any]]) -> None:
    """Check that each id is the name of its file and is used once."""
    paths: dict[str, str] = {}
    for reading in readings:
        if reading.source is None or not isinstance(reading.source.data.get("id"), str):
            continue
        name, place = reading.source.data["id"], reading.source.value(("id",))
        stem = Path(reading.path).stem
        if name != stem:
            text = message('The file is called "{stem}.yaml": the id must be equal.', stem=stem)
            reading.complain(place, text)
        if name in paths:
            text = message('The id "{id}" is already used in {path}.', id=name, path=paths[name])
            reading.complain(place, text)
        paths.setdefault(name, reading.path)


def _check_links(
    readings: Iterable[_Reading[Any]], known: Collection[str], severity: Severity
) -> None:
    """Check that follow-ups and papers name questions of the bank."""
    for reading in readings:
        if reading.source is None or reading.document is None:
            continue
        for loc, name in _links(reading.document):
            if name not in known:
                reading.complain(reading.source.value(loc), _no_question(name, known), severity)


def _links(document: Question | Paper) -> list[tuple[Loc, str]]:
    if isinstance(document, Paper):
        return [(("items", i, "question"), item.question) for i, item in enumerate(document.items)]
    return [(("follow_ups", i, "ask"), one.ask) for i, one in enumerate(document.follow_ups)]


def _no_question(name: str, known: Collection[str]) -> Message:
    guess = closest(name, known)
    if guess is None:
        return message('The bank has no question "{name}".', name=name)
    return message(
        'The bank has no question "{name}". Did you mean "{guess}"?', name=name, guess=guess
    )


def _check_path(path: Path, bank: Bank, root: Path) -> list[Diagnostic]:
    """Check a file or directory; what lies in the bank is checked with the rules of the bank."""
    if path.resolve().is_relative_to(root.resolve()) and path.exists():
        inside = root / path.resolve().relative_to(root.resolve())
        return [
            replace(d, path=str(path / Path(d.path).relative_to(inside)))
            for d in bank.diagnostics
            if Path(d.path).is_relative_to(inside)
        ]
    if path.is_dir():
        return list(read_bank(path).diagnostics)
    reading = _open(str(path), path)
    data = reading.source.data if reading.source else {}
    is_paper = path.parent.name == PAPERS or ("items" in data and "kind" not in data)
    checked = _paper(reading) if is_paper else _question(reading)
    _check_ids([checked])
    _check_links([checked], bank.question_ids, "warning")
    return checked.diagnostics


def _json_schema(adapter: TypeAdapter[Any], title: str, description: str) -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **adapter.json_schema(),
        "title": title,
        "description": description,
    }
