"""The check that models and migrations agree, for any engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

import app.accounts.models
import app.answers.models
import app.grading.models
import app.interviews.models
import app.questions.models
import app.scoring.models  # noqa: F401 - the models register themselves on import
from app.db.base import Base
from app.db.schema import is_current, upgrade

if TYPE_CHECKING:
    from sqlalchemy import Engine


def assert_migrations_make_what_models_say(engine: Engine) -> None:
    """Migrate an empty database and compare it with the models."""
    assert not is_current(engine)
    upgrade(engine)
    assert is_current(engine)
    upgrade(engine)  # a second time changes nothing
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
