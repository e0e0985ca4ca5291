"""A real sandbox on the real engine, which after every test must still answer a normal call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sandboxes import Box, docker_engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.grading.runs import Engine


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    engine = docker_engine()
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def shared_box(engine: Engine) -> Iterator[Box]:
    box = Box(engine)
    yield box
    box.replace()


@pytest.fixture
def box(shared_box: Box) -> Iterator[Box]:
    yield shared_box
    shared_box.answers()
