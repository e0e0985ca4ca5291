"""The command line: ``yimian …``."""

from __future__ import annotations

import os
import sys

import typer

from app.cli import accounts, judge, operation, questions, transcript
from app.cli.output import fail
from app.grading.runs import EngineUnavailableError, SandboxBrokenError
from app.kit.errors import YimianError
from app.kit.i18n import _, use_locale

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Yimian (一面): a self-hosted mock interview.",
)
operation.add_to(app)
judge.add_to(app)
transcript.add_to(app)
app.add_typer(questions.app, name="questions")
app.add_typer(accounts.app, name="user")


def main() -> None:
    """Run a command; what a person can mend is said in a line, not in a stack trace."""
    with use_locale("zh" if os.environ.get("LANG", "").startswith("zh") else "en"):
        try:
            app()
        except YimianError as error:
            fail(str(error.message))
        except EngineUnavailableError as error:
            fail(_("Code cannot be run: {why}").format(why=error))
        except SandboxBrokenError as error:
            fail(_("The sandbox broke: {why}").format(why=error))
        except BrokenPipeError:
            sys.stderr.close()
