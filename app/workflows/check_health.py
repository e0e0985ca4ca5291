"""Find out what works: for ``yimian doctor``, the health page, and the notice about code."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.db.schema import is_current
from app.grading.queries import waiting_jobs
from app.kit.i18n import _
from app.questions.queries import live_versions, newest_versions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

    from app.grading.runs import EngineReport
    from app.workflows.runtime import Machinery


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    state: Literal["ok", "warning", "error"]
    detail: str


def check_health(machinery: Machinery, *, patience_seconds: float | None = None) -> list[Finding]:
    """Look at database, bank, queue and sandbox, in that order.

    The engine may take `patience_seconds` to answer; by default as long as a page may wait.
    """
    return [*_database(machinery), *_sandbox(machinery, patience_seconds)]


def coding_problem(machinery: Machinery) -> str | None:
    """Return what candidates are told where code cannot be run; None if it can or workers do it.

    Why it cannot is for admins: see `check_health`.
    """
    if machinery.engine is None or machinery.engine.report().problem is None:
        return None
    return _("Code cannot be run on this server at the moment.")


def _database(machinery: Machinery) -> Iterator[Finding]:
    name = _("Database")
    try:
        with machinery.database.transaction(read_only=True) as session:
            session.execute(text("SELECT 1"))
            live, newest = live_versions(session), newest_versions(session)
            queue = _queue(session, machinery)
    except SQLAlchemyError as error:
        yield Finding(name, "error", _database_problem(machinery, error))
        return
    yield Finding(name, "ok", machinery.database.engine.url.render_as_string(hide_password=True))
    refused = sorted(one.question_id for one in newest.values() if one.problem is not None)
    waiting = sum(one.published_at is None and one.problem is None for one in newest.values())
    proven = sum(one.published_at is not None for one in live.values())
    detail = _("{count} questions live").format(count=proven)
    if waiting:
        detail += "; " + _("{count} wait for a sandbox").format(count=waiting)
    if refused:
        detail += "; " + _("refused: {names}").format(names=", ".join(refused))
    yield Finding(_("Question bank"), "warning" if refused or not live else "ok", detail)
    yield queue


def _database_problem(machinery: Machinery, error: SQLAlchemyError) -> str:
    """Return what to do where tables or columns are missing, else what the database says."""
    with suppress(SQLAlchemyError):  # one that cannot be reached has its own words
        if not is_current(machinery.database.engine):
            return _("not prepared: run `yimian serve --prepare` or `yimian db upgrade`")
    return str(error).splitlines()[0]


def _sandbox(machinery: Machinery, patience_seconds: float | None) -> Iterator[Finding]:
    name = _("Sandbox")
    if machinery.engine is None:
        yield Finding(name, "ok", _("left to the workers"))
        return
    report = machinery.engine.report(patience_seconds=patience_seconds)
    if not report.reachable:
        yield Finding(name, "error", str(report.problem))
    elif report.problem is not None:
        yield Finding(name, "error", f"{report.problem} ({_described(report)})")
    else:
        yield Finding(name, "ok", _described(report))
    yield _limits(report)


def _queue(session: Session, machinery: Machinery) -> Finding:
    """State how much code waits, and what there is to run it."""
    waiting, limit = waiting_jobs(session), machinery.settings.queue_limit
    parts = [_("{count} of at most {limit} jobs wait").format(count=waiting, limit=limit)]
    if machinery.pool is not None:
        text = _("sandboxes: {warm} warm, {idle} idle, {busy} in use, at most {capacity}")
        parts.append(text.format_map(asdict(machinery.pool.census())))
    state: Literal["ok", "warning"] = "ok" if waiting < limit else "warning"
    return Finding(_("Queue"), state, "; ".join(parts))


def _described(report: EngineReport) -> str:
    """Return which backend it is and what it runs."""
    parts = [
        f"{report.backend} {report.version}",
        _("runtime {name}").format(name=report.runtime) if report.runtime else "",
        _("control groups: {version}").format(version=report.cgroup or _("none")),
        report.image,
    ]
    return ", ".join(part for part in parts if part)


def _limits(report: EngineReport) -> Finding:
    """State what holds strangers' code, whether or not any may be run."""
    caps = {
        _("memory"): report.memory_capped,
        _("processes"): report.pids_capped,
        _("system calls"): report.seccomp,
        _("swap"): report.swap_capped,
        _("CPU"): report.cpu_capped,
    }
    held = ", ".join(cap for cap, holds in caps.items() if holds)
    missing = ", ".join(cap for cap, holds in caps.items() if not holds)
    # Without an answer, or a sandbox that started, nothing was learnt, least of all that it lacks.
    known = report.reachable and (report.verified or any(caps.values()))
    lacks = _("not limited: {names}") if known else _("not known: {names}")
    parts = [
        _("limited: {names}").format(names=held) if held else "",
        lacks.format(names=missing) if missing else "",
        _("read back from a sandbox") if report.verified else _("not seen in a sandbox yet"),
        _("without limits on memory, processes and system calls no code is run"),
    ]
    fit = report.memory_capped and report.pids_capped and report.seccomp
    state: Literal["ok", "warning", "error"] = "ok" if not missing else "warning"
    return Finding(
        _("Sandbox limits"), state if fit else "error", "; ".join(part for part in parts if part)
    )
