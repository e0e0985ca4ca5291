"""Transactions and engines: durable, strict, without deadlocks."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from app.accounts.models import Login
from app.db.base import Base, new_public_id
from app.db.engine import connect
from app.db.session import Database, after_commit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Notes(DeclarativeBase):
    """Apart from the program's tables, but with its column types."""

    type_annotation_map = Base.type_annotation_map


class Note(Notes):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime | None]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    engine = connect(f"sqlite:///{tmp_path / 'notes.db'}")
    Notes.metadata.create_all(engine)
    yield Database(engine)
    engine.dispose()


def notes(database: Database) -> list[Note]:
    with database.transaction(read_only=True) as session:
        return list(session.query(Note).order_by(Note.id))


def test_return_commits(database: Database) -> None:
    with database.transaction() as session:
        session.add(Note(at=NOON))
    assert [note.at for note in notes(database)] == [NOON]


def test_raise_rolls_back(database: Database) -> None:
    def fail() -> None:
        with database.transaction() as session:
            session.add(Note(at=NOON))
            session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert notes(database) == []


def test_callbacks_run_in_order_once_the_data_is_there(database: Database) -> None:
    seen: list[tuple[str, int]] = []
    with database.transaction() as session:
        after_commit(session, lambda: seen.append(("first", len(notes(database)))))
        session.add(Note(at=NOON))
        session.flush()
        after_commit(session, lambda: seen.append(("second", len(notes(database)))))
        assert seen == []
    assert seen == [("first", 1), ("second", 1)]


def test_callbacks_do_not_run_after_a_raise(database: Database) -> None:
    seen: list[str] = []

    def fail() -> None:
        with database.transaction() as session:
            after_commit(session, lambda: seen.append("ran"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert seen == []


def test_callbacks_do_not_run_after_a_failed_commit(database: Database) -> None:
    seen: list[str] = []
    with database.transaction() as session:
        session.add(Note(id=1, at=NOON))

    def fail() -> None:
        with database.transaction() as session:
            after_commit(session, lambda: seen.append("ran"))
            session.add(Note(id=1, at=NOON))

    with pytest.raises(IntegrityError):
        fail()
    assert seen == []


def test_callbacks_of_one_transaction_do_not_reach_the_next(database: Database) -> None:
    seen: list[str] = []
    with database.transaction() as session:
        after_commit(session, lambda: seen.append("ran"))
    with database.transaction():
        pass
    assert seen == ["ran"]


def test_objects_stay_readable_after_commit(database: Database) -> None:
    with database.transaction() as session:
        note = Note(at=NOON)
        session.add(note)
    assert (note.id, note.at) == (1, NOON)


def test_naive_moment_is_refused(database: Database) -> None:
    naive = NOON.replace(tzinfo=None)
    with pytest.raises(StatementError, match="without a time zone"), database.transaction() as one:
        one.add(Note(at=naive))


def test_moment_comes_back_aware_in_utc_to_the_microsecond(database: Database) -> None:
    elsewhere = timezone(timedelta(hours=8))
    at = datetime(2026, 1, 1, 20, 0, 0, 123_456, tzinfo=elsewhere)
    with database.transaction() as session:
        session.add_all([Note(at=at), Note(at=None)])
    first, second = notes(database)
    assert first.at == at
    assert first.at.utcoffset() == timedelta(0)
    assert second.at is None


@pytest.mark.parametrize(
    ("pragma", "value"), [("journal_mode", "wal"), ("foreign_keys", 1), ("synchronous", 2)]
)
def test_sqlite_is_durable_and_strict(database: Database, pragma: str, value: object) -> None:
    for read_only in (False, True):
        with database.transaction(read_only=read_only) as session:
            assert session.scalar(text(f"PRAGMA {pragma}")) == value


def test_foreign_keys_are_enforced(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path / 'keys.db'}")
    tables = [Base.metadata.tables[name] for name in ("users", "logins")]
    Base.metadata.create_all(engine, tables)
    with pytest.raises(IntegrityError), Database(engine).transaction() as session:
        session.add(
            Login(user_id=7, token_hash="x", created_at=NOON, rotated_at=NOON, expires_at=NOON)
        )
    engine.dispose()


def test_writers_that_read_first_wait_for_each_other(database: Database) -> None:
    """With a late write lock, the second to upgrade its read lock would fail at once."""
    rounds, writers = 5, 4
    gate = threading.Barrier(writers)
    failures: list[BaseException] = []

    def write() -> None:
        gate.wait()
        try:
            for _ in range(rounds):
                with database.transaction() as session:
                    count = session.query(Note).count()
                    session.add(Note(id=count + 1, at=NOON))
        except BaseException as error:  # noqa: BLE001 - shown by the assertion
            failures.append(error)

    threads = [threading.Thread(target=write) for _ in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(notes(database)) == rounds * writers


def test_reading_neither_waits_for_a_writer_nor_stops_one(database: Database) -> None:
    with database.transaction() as writing:
        writing.add(Note(at=NOON))
        writing.flush()
        assert notes(database) == []  # it would wait here for the lock
    with database.transaction(read_only=True) as reading:
        assert reading.query(Note).count() == 1
        with database.transaction() as writing:
            writing.add(Note(at=NOON))
        assert reading.query(Note).count() == 1  # one transaction, one picture
    assert len(notes(database)) == 2


def test_postgresql_is_asked_through_psycopg() -> None:
    engine = connect("postgresql://somebody@db.example/yimian")
    assert engine.url.drivername == "postgresql+psycopg"
    engine.dispose()


def test_public_ids_are_unlike_each_other() -> None:
    ids = {new_public_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert {len(one) for one in ids} == {32}
