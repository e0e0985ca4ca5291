"""Bring a database to the newest schema, or tell whether it is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from app.db.turns import take_turn
from app.settings import ROOT

if TYPE_CHECKING:
    from sqlalchemy import Engine


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "app" / "migrations"))
    return config


def upgrade(engine: Engine) -> None:
    """Apply every revision that the database lacks."""
    config = _config()
    with engine.begin() as connection:
        take_turn(connection, "schema")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def is_current(engine: Engine) -> bool:
    """Tell whether the database has the newest schema."""
    heads = set(ScriptDirectory.from_config(_config()).get_heads())
    with engine.connect() as connection:
        return set(MigrationContext.configure(connection).get_current_heads()) == heads


def draft_revision(engine: Engine, title: str) -> None:
    """Write a new revision for what the models have and the database lacks."""
    config = _config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.revision(config, title, autogenerate=True)
