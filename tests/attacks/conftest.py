"""Hostile calls on every kind of sandbox; after each, it must still answer, alone and unharmed.

A module of this folder says which numbered cases it covers: tests carry ``@pytest.mark.case(…)``,
and three tables at its top hold the rest: NOT_APPLICABLE (case → why it cannot be tried here),
ELSEWHERE (case → ``file::test`` that tries it) and NOT_ON (backend → test → why not there).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.web import exports
from tests.attacks.traces import assert_nothing_is_left, traces
from tests.sandboxes import BACKENDS, box, shared_box

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.grading.runs import Engine

__all__ = ["box", "shared_box"]  # fixtures that this folder's tests ask for


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "case(*numbers): the attack cases that a test covers")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Try every attack on every backend that its module does not except."""
    if "engine" in metafunc.fixturenames:
        excepted = getattr(metafunc.module, "NOT_ON", {})
        here = metafunc.function.__name__
        names = [name for name in BACKENDS if here not in excepted.get(name, {})]
        metafunc.parametrize("engine", names, indirect=True, scope="session")


@pytest.fixture(scope="session")
def _typesetter() -> None:
    """Start what typesets formulas on pages: it keeps a thread and descriptors for good."""
    exports._katex("x", display=False)  # noqa: SLF001


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest, _typesetter: None) -> Iterator[Engine]:
    before = traces()
    engine = BACKENDS[request.param](None)
    yield engine
    engine.close()
    assert_nothing_is_left(before)
