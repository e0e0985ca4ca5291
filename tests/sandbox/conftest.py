"""A real sandbox on the real engine, which after every test must still answer a normal call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sandboxes import box, docker_engine, shared_box

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.grading.runs import Engine

__all__ = ["box", "shared_box"]  # fixtures that this folder's tests ask for


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    engine = docker_engine()
    yield engine
    engine.close()
