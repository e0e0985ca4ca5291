"""What doctor and the health page state of the sandbox, in each state that it can be in."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from app.db.engine import connect
from app.db.session import Database
from app.grading.engine_watch import EngineWatch
from app.kit.clock import SystemClock
from app.kit.i18n import use_locale
from app.workflows.check_health import Finding, check_health
from tests.fakes import FIT, FakeEngine

if TYPE_CHECKING:
    from pathlib import Path

    from app.grading.runs import EngineReport
    from tests.site import Site

UNCAPPED = replace(
    FIT,
    problem="the engine does not enforce a limit on memory",
    memory_capped=False,
    swap_capped=False,
    verified=False,
)
DOCKER = replace(FIT, backend="docker", version="20.10", runtime="runsc", cgroup="2 (systemd)")
BUBBLEWRAP = replace(FIT, backend="bubblewrap", version="0.8.0", cgroup="1", image="root-ab")
AWAY = replace(UNCAPPED, reachable=False, problem="no engine answers", pids_capped=False)


class Reporting(FakeEngine):
    """An engine that says what the test wants."""

    def __init__(self, report: EngineReport) -> None:
        super().__init__()
        self.said = report

    def probe(self) -> EngineReport:
        return self.said


def findings(site: Site, report: EngineReport) -> tuple[Finding, Finding]:
    watch = EngineWatch(Reporting(report), SystemClock())
    with use_locale("en"):
        sandbox, limits = check_health(replace(site.runtime.machinery, engine=watch))[-2:]
    return sandbox, limits


@pytest.mark.parametrize(
    ("report", "states", "told"),
    [
        (DOCKER, ("ok", "ok"), ["docker 20.10", "runtime runsc", "2 (systemd)"]),
        (BUBBLEWRAP, ("ok", "ok"), ["bubblewrap 0.8.0", "control groups: 1", "root-ab"]),
        (replace(FIT, swap_capped=False), ("ok", "warning"), ["not limited: swap"]),
        (replace(FIT, cpu_capped=False), ("ok", "warning"), ["not limited: CPU"]),
        (replace(FIT, verified=False), ("ok", "ok"), ["not seen in a sandbox yet"]),
        (
            UNCAPPED,
            ("error", "error"),
            ["does not enforce a limit on memory", "limited: processes", "no code is run"],
        ),
        (AWAY, ("error", "error"), ["no engine answers", "not known: memory, processes"]),
        (
            replace(
                AWAY, reachable=True, problem="no sandbox started", seccomp=False, cpu_capped=False
            ),
            ("error", "error"),
            ["no sandbox started", "not known: memory, processes"],
        ),
        (
            replace(FIT, problem="no filter", seccomp=False),
            ("error", "error"),
            ["not limited: system calls"],
        ),
    ],
)
def test_backend_and_limits_are_stated(
    site: Site, report: EngineReport, states: tuple[str, str], told: list[str]
) -> None:
    sandbox, limits = findings(site, report)
    assert (sandbox.state, limits.state) == states
    for words in told:
        assert words in f"{sandbox.detail} | {limits.detail}"


def test_runtime_is_told_only_where_there_is_one(site: Site) -> None:
    assert "runtime" not in findings(site, BUBBLEWRAP)[0].detail


def test_database_without_tables_is_said_to_be_unprepared(site: Site, tmp_path: Path) -> None:
    empty = Database(connect(f"sqlite:///{tmp_path / 'empty.db'}"))
    with use_locale("en"):
        database = check_health(replace(site.runtime.machinery, database=empty))[0]
    empty.engine.dispose()
    assert (database.state, database.detail.partition(":")[0]) == ("error", "not prepared")
    assert "yimian serve --prepare" in database.detail
