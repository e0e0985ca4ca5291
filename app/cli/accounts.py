"""Commands about people."""

from __future__ import annotations

import secrets
from typing import Annotated

import typer

from app.accounts.queries import user_by_email
from app.accounts.roles import Role
from app.accounts.service import FormError, register
from app.cli.output import console, fail
from app.db.engine import connect
from app.db.session import Database
from app.kit.clock import SystemClock
from app.kit.i18n import _
from app.settings import Settings

app = typer.Typer(no_args_is_help=True, help="People.")

DEMO_HOST = "demo.example"


@app.command()
def add(
    email: str,
    role: Annotated[Role, typer.Option(help="What the person may do.")] = Role.CANDIDATE,
    name: Annotated[str, typer.Option(help="The name that others see.")] = "",
    password: Annotated[str, typer.Option(help="Made up and printed if not given.")] = "",
) -> None:
    """Add a person and print their password if it was made up."""
    chosen = password or secrets.token_urlsafe(12)
    _add(email, role, name or email.partition("@")[0], chosen)
    console.print(_("Added {email} as {role}.").format(email=email, role=role.value), markup=False)
    if not password:
        console.print(_("Password: {password}").format(password=chosen), markup=False)


@app.command()
def demo() -> None:
    """Add one demo account for each role, and print their passwords once."""
    database = Database(connect(Settings().database))
    with database.transaction(read_only=True) as session:
        missing = [role for role in Role if user_by_email(session, _demo_email(role)) is None]
    if missing:
        console.print(_("Demo accounts, printed this once:"))
    for role in missing:
        password = secrets.token_urlsafe(9)
        _add(_demo_email(role), role, f"Demo {role.value}", password)
        console.print(f"  {role.value:<10} {_demo_email(role):<26} {password}", markup=False)


def _demo_email(role: Role) -> str:
    return f"{role.value}@{DEMO_HOST}"


def _add(email: str, role: Role, name: str, password: str) -> None:
    database = Database(connect(Settings().database))
    try:
        with database.transaction() as session:
            register(
                session,
                email=email,
                display_name=name,
                password=password,
                now=SystemClock().now(),
                role=role,
            )
    except FormError as error:
        fail("\n".join(str(text) for text in error.fields.values()))
