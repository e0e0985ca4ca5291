"""What a running program holds: settings, clock, database, and the means to grade."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.db.session import Database
    from app.grading.dispatch import Dispatcher
    from app.grading.engine_watch import EngineWatch
    from app.grading.notifications import Notifier
    from app.grading.pool import Pool
    from app.kit.clock import Clock
    from app.settings import Settings


@dataclass(frozen=True, slots=True)
class Machinery:
    """What grading needs.

    `pool` and `engine` are None where code must not run: in a distributed web process.
    """

    settings: Settings
    clock: Clock
    database: Database
    notifier: Notifier
    pool: Pool | None
    engine: EngineWatch | None


@dataclass(frozen=True, slots=True)
class Runtime:
    """The machinery, and who delivers work to it."""

    machinery: Machinery
    dispatcher: Dispatcher

    @property
    def settings(self) -> Settings:
        """What the operator set."""
        return self.machinery.settings

    @property
    def clock(self) -> Clock:
        """The time."""
        return self.machinery.clock

    @property
    def database(self) -> Database:
        """Where everything is kept."""
        return self.machinery.database

    @property
    def notifier(self) -> Notifier:
        """Who is told of verdicts."""
        return self.machinery.notifier
