"""Which of several engines is used, and what is said when none can be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.grading.engine_choice import FirstFit
from app.grading.runs import EngineReport, EngineUnavailableError
from tests.fakes import FIT, FakeEngine, FakeSandbox


class Named(FakeEngine):
    """An engine that has a name, and a problem until it is mended."""

    def __init__(self, backend: str, problem: str | None = None) -> None:
        super().__init__()
        self.backend, self.problem = backend, problem
        self.orphans, self.open = 1, True

    def probe(self) -> EngineReport:
        return replace(FIT, backend=self.backend, problem=self.problem)

    def remove_orphans(self) -> int:
        if self.problem is not None:
            raise EngineUnavailableError(self.problem)
        return self.orphans

    def close(self) -> None:
        self.open = False


def started_by(choice: FirstFit) -> FakeEngine:
    sandbox = choice.start()
    assert isinstance(sandbox, FakeSandbox)
    return sandbox.engine


def test_the_first_fit_engine_is_used() -> None:
    docker, bubblewrap = Named("docker"), Named("bubblewrap")
    choice = FirstFit([docker, bubblewrap])
    assert choice.probe().backend == "docker"
    assert started_by(choice) is docker


def test_one_that_is_not_fit_is_passed_over_and_said_to_be(
    caplog: pytest.LogCaptureFixture,
) -> None:
    choice = FirstFit([Named("docker", "away"), Named("bubblewrap")])
    assert choice.probe().backend == "bubblewrap"
    assert "docker is not used: away" in caplog.text


def test_the_choice_stays_even_if_an_earlier_one_is_mended() -> None:
    docker, bubblewrap = Named("docker", "away"), Named("bubblewrap")
    choice = FirstFit([docker, bubblewrap])
    assert started_by(choice) is bubblewrap
    docker.problem = None
    assert started_by(choice) is bubblewrap
    bubblewrap.problem = "gone"
    assert choice.probe().problem == "gone"


def test_without_a_fit_one_all_reasons_are_given_and_each_is_asked_again() -> None:
    docker, bubblewrap = Named("docker", "away"), Named("bubblewrap", "no control groups")
    choice = FirstFit([docker, bubblewrap])
    reasons = "docker: away; bubblewrap: no control groups"
    assert choice.probe().problem == reasons
    with pytest.raises(EngineUnavailableError, match=reasons):
        choice.start()
    docker.problem = None
    assert started_by(choice) is docker


def test_orphans_are_removed_where_that_can_be() -> None:
    assert FirstFit([Named("docker", "away"), Named("bubblewrap")]).remove_orphans() == 1
    assert FirstFit([Named("docker"), Named("bubblewrap")]).remove_orphans() == 2


def test_all_are_closed() -> None:
    engines = [Named("docker"), Named("bubblewrap")]
    FirstFit(engines).close()
    assert not any(engine.open for engine in engines)
