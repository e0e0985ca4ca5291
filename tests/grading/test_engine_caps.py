"""Engines refuse caps that cap nothing, or under which nothing could run."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from app.grading.bwrap_engine import BubblewrapEngine
from app.grading.docker_engine import DockerEngine

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WRONG = [0, -1, 1, math.nan, math.inf, 10**9, 256.5, True, "256"]


def bubblewrap(root: Path, **caps: Any) -> BubblewrapEngine:  # noqa: ANN401 - whatever a caller gives
    return BubblewrapEngine(root, **caps)


def docker(_: Path, **caps: Any) -> DockerEngine:  # noqa: ANN401 - whatever a caller gives
    return DockerEngine("no-image", **caps)


@pytest.mark.parametrize("make", [bubblewrap, docker])
@pytest.mark.parametrize("wrong", WRONG)
def test_caps_that_mean_nothing_are_refused(
    make: Callable[..., object], wrong: object, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="MiB of a sandbox must be a whole number from 96"):
        make(tmp_path, memory_mb=wrong)
    with pytest.raises(ValueError, match="processes of a sandbox must be a whole number from 4"):
        make(tmp_path, pids=wrong)


@pytest.mark.parametrize("make", [bubblewrap, docker])
def test_caps_that_can_be_meant_are_taken(
    make: Callable[..., BubblewrapEngine | DockerEngine], tmp_path: Path
) -> None:
    make(tmp_path, memory_mb=512, pids=64).close()
