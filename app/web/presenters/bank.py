"""The bank as admins see it: every file with its state, its errors, and what the gate found."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.kit.i18n import Message
from app.questions.bank import PAPERS, read_bank
from app.questions.queries import entries, newest_versions
from app.web.views import BankEntryView, DiagnosticView

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.questions.bank import Bank
    from app.questions.models import QuestionEntry, QuestionVersion
    from app.web.views import BankState


def bank_entries(session: Session, root: Path) -> list[tuple[BankEntryView, str]]:
    """Return every question of the bank with the text of its file, and the retired ones."""
    bank = read_bank(root)
    stored, newest = entries(session), newest_versions(session, with_retired=True)
    paths = {Path(path).stem: path for path in _paths(bank)}
    return [
        _entry(
            bank,
            root,
            question_id,
            paths.get(question_id),
            stored.get(question_id),
            newest.get(question_id),
        )
        for question_id in sorted(paths.keys() | stored.keys())
    ]


def _paths(bank: Bank) -> set[str]:
    broken = {one.path for one in bank.diagnostics if Path(one.path).suffix == ".yaml"}
    questions = {path for path in broken if Path(path).parent.name != PAPERS}
    return questions | {file.path for file in bank.questions}


def _entry(
    bank: Bank,
    root: Path,
    question_id: str,
    path: str | None,
    entry: QuestionEntry | None,
    version: QuestionVersion | None,
) -> tuple[BankEntryView, str]:
    problems = [
        DiagnosticView(one.line, one.column, str(one.message))
        for one in bank.diagnostics
        if one.path == path
    ]
    document = next((file.document for file in bank.questions if file.path == path), None)
    view = BankEntryView(
        id=question_id,
        path=str(Path(path).relative_to(root)) if path else "",
        title=str(document.title) if document else question_id,
        kind=document.kind if document else None,
        state=_state(entry, version, broken=document is None),
        problems=problems,
        gate=_gate(version) if document else None,
        updated_at=version.imported_at if version else None,
    )
    return view, _source(path, version)


def _state(
    entry: QuestionEntry | None, version: QuestionVersion | None, *, broken: bool
) -> BankState:
    if entry is not None and entry.retired_at is not None:
        return "retired"
    if broken or (version is not None and version.problem is not None):
        return "draft"
    return "live" if version is not None and version.published_at is not None else "checking"


def _gate(version: QuestionVersion | None) -> str | None:
    if version is None or version.problem is None:
        return None
    return Message.from_json(version.problem).render()


def _source(path: str | None, version: QuestionVersion | None) -> str:
    if path is not None:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    return version.source if version else ""
