"""The command that writes a transcript."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from app.cli.output import fail
from app.db.engine import connect
from app.db.session import Database
from app.interviews.models import Interview
from app.interviews.states import InterviewState, state_of
from app.kit.i18n import _
from app.settings import Settings
from app.web.exports import export


class Form(StrEnum):
    """The forms of a transcript."""

    JSON = "json"
    MD = "md"
    HTML = "html"
    PDF = "pdf"


def add_to(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command()(transcript)


def transcript(
    interview: str,
    form: Annotated[Form, typer.Option("--format", help="What to write.")] = Form.MD,
    output: Annotated[Path | None, typer.Option(help="A file instead of stdout.")] = None,
) -> None:
    """Write the transcript of a finished interview."""
    database = Database(connect(Settings().database))
    with database.transaction(read_only=True) as session:
        found = session.get(Interview, interview)
        if found is None:
            fail(_("There is no interview “{id}”.").format(id=interview))
        if state_of(found) == InterviewState.RUNNING:
            fail(_("This interview is not finished yet."))
        content = export(session, found, form.value, for_mentor=True).content
    if output is not None:
        output.write_bytes(content)
    else:
        sys.stdout.buffer.write(content)
