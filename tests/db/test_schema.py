"""The schema: what migrations make is what models say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import inspect

from app.db.base import Base
from app.db.engine import connect
from tests.db.schema_check import assert_migrations_make_what_models_say

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = connect(f"sqlite:///{tmp_path / 'new' / 'folder' / 'empty.db'}")
    yield engine
    engine.dispose()


def test_migrations_make_what_models_say(engine: Engine) -> None:
    assert_migrations_make_what_models_say(engine)


def test_every_constraint_has_a_name(engine: Engine) -> None:
    """SQLite can only change what is named."""
    assert_migrations_make_what_models_say(engine)
    looked_at = inspect(engine)
    for table in Base.metadata.tables:
        assert looked_at.get_pk_constraint(table)["name"] == f"pk_{table}"
        names = [one["name"] for one in looked_at.get_foreign_keys(table)]
        names += [one["name"] for one in looked_at.get_unique_constraints(table)]
        assert all(names), table
