"""Transactions: a block that returns commits, a block that raises rolls back."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session, sessionmaker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine

_AFTER_COMMIT = "after_commit"


class Database:
    """Opens transactions on one engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._writing = sessionmaker(engine, expire_on_commit=False)
        self._reading = sessionmaker(
            engine.execution_options(read_only=True), expire_on_commit=False
        )

    @contextmanager
    def transaction(self, *, read_only: bool = False) -> Iterator[Session]:
        """Yield a session; commit on return, roll back on error, then run what waited for that.

        `read_only` spares SQLite's write lock.
        """
        with (self._reading if read_only else self._writing)() as session:
            yield session
            session.commit()
        for callback in session.info.get(_AFTER_COMMIT, ()):
            callback()


def after_commit(session: Session, callback: Callable[[], None]) -> None:
    """Run `callback` once the transaction of `session` is durable, and not at all otherwise."""
    session.info.setdefault(_AFTER_COMMIT, []).append(callback)
