"""The command line: ``yimian …``."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import typer
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from app.cli import accounts, judge, operation, questions, transcript
from app.cli.output import fail
from app.grading.runs import EngineUnavailableError, SandboxBrokenError
from app.kit.errors import YimianError
from app.kit.i18n import _, use_locale

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

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
        except SQLAlchemyError as error:
            fail(str(getattr(error, "orig", error)).splitlines()[0])
        except ValidationError as error:
            fail("\n".join(_about_setting(one) for one in error.errors()))
        except BrokenPipeError:
            sys.stderr.close()
        except OSError as error:
            fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))


def _about_setting(error: ErrorDetails) -> str:
    name = "_".join(str(part) for part in error["loc"]).upper()
    return f"YIMIAN_{name}: {error['msg']}"
