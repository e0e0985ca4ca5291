"""How Alembic runs here: on the connection that it is handed."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context

import app.accounts.models
import app.answers.models
import app.grading.models
import app.interviews.models
import app.questions.models
import app.scoring.models  # noqa: F401 - the models register themselves on import
from app.db.base import Base, UtcDateTime


def render_item(kind: str, item: Any, autogen_context: Any) -> str | Literal[False]:  # noqa: ANN401 - Alembic's hook
    """Write our column type as plain SQLAlchemy: a revision must outlive the code of today."""
    del autogen_context
    is_moment = kind == "type" and isinstance(item, UtcDateTime)
    return "sa.DateTime(timezone=True)" if is_moment else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite alters tables by copying them
    render_item=render_item,
)
with context.begin_transaction():
    context.run_migrations()
