"""SQLite: the backup that the operators' page describes is whole while the program writes."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from sqlalchemy import text

from app.db.engine import connect
from app.db.schema import is_current, upgrade
from app.db.session import Database

if TYPE_CHECKING:
    from pathlib import Path


def test_a_backup_has_what_was_committed_and_nothing_else(tmp_path: Path) -> None:
    database = Database(connect(f"sqlite:///{tmp_path / 'yimian.db'}"))
    upgrade(database.engine)
    insert = text("INSERT INTO questions (id) VALUES (:id)")
    with database.transaction() as session:
        session.execute(insert, {"id": "committed"})
    with database.transaction() as session:
        session.execute(insert, {"id": "open"})
        reader = sqlite3.connect(tmp_path / "yimian.db")
        reader.execute("VACUUM INTO ?", [str(tmp_path / "backup.db")])
        reader.close()
    database.engine.dispose()

    restored = Database(connect(f"sqlite:///{tmp_path / 'backup.db'}"))
    assert is_current(restored.engine)
    with restored.transaction() as session:
        assert session.scalars(text("SELECT id FROM questions")).all() == ["committed"]
    restored.engine.dispose()
