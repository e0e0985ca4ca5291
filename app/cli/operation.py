"""Commands of the operator: serve, worker, doctor, db."""

from __future__ import annotations

import runpy
from typing import Annotated

import typer
import uvicorn

from app.cli.accounts import demo
from app.cli.output import console, fail
from app.cli.questions import import_files
from app.db.engine import connect
from app.db.schema import draft_revision, is_current, upgrade
from app.kit.i18n import _
from app.kit.logs import configure_logs
from app.settings import Settings
from app.workflows.assemble_runtime import assemble_runtime, close
from app.workflows.check_health import check_health

# Browsers hold their stream of verdicts open for ever: a restart must not wait for them.
SHUTDOWN_SECONDS = 5
# The engine's own answers take up to 30 s, and its first sandbox some more on a busy machine.
DOCTOR_PATIENCE_SECONDS = 35.0

database = typer.Typer(no_args_is_help=True, help="The database's schema.")


def add_to(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command()(serve)
    app.command()(worker)
    app.command()(doctor)
    app.add_typer(database, name="db")


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    prepare: Annotated[
        bool,
        typer.Option("--prepare", help="First bring database, bank and demo accounts up to date."),
    ] = False,
) -> None:
    """Serve the site."""
    settings = Settings()
    if prepare:
        upgrade(connect(settings.database))
        import_files()
        demo()
    configure_logs()
    engine = connect(settings.database)
    if settings.embedded:
        upgrade(engine)
    elif not is_current(engine):
        fail(_("The database's schema is not the newest: run `yimian db upgrade` first."))
    engine.dispose()
    uvicorn.run(
        "app.main:create_app",
        factory=True,
        host=host or settings.host,
        port=port or settings.port,
        log_config=None,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        server_header=False,
    )


def worker() -> None:
    """Grade what web processes send over the broker."""
    settings = Settings()
    if settings.embedded:
        fail(_("There is no broker: set YIMIAN_BROKER_URL, or let `yimian serve` grade by itself."))
    runpy.run_module("app.worker", run_name="__main__")


def doctor() -> None:
    """Say what works and what does not."""
    runtime = assemble_runtime(Settings(sandbox_warm=0), worker=True)
    findings = check_health(runtime.machinery, patience_seconds=DOCTOR_PATIENCE_SECONDS)
    close(runtime)
    marks = {"ok": "[green]✓[/]", "warning": "[yellow]![/]", "error": "[red]✗[/]"}
    for finding in findings:
        console.print(marks[finding.state], f"{finding.name}:", finding.detail)
    if any(finding.state == "error" for finding in findings):
        raise typer.Exit(1)


@database.command("upgrade")
def db_upgrade() -> None:
    """Bring the database to the newest schema."""
    upgrade(connect(Settings().database))
    console.print(_("The database has the newest schema."))


@database.command("revision", hidden=True)
def db_revision(title: str) -> None:
    """Draft a revision from the models (for contributors)."""
    draft_revision(connect(Settings().database), title)
