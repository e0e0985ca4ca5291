"""Which engine the settings come to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from app.grading.bwrap_engine import BubblewrapEngine
from app.grading.docker_engine import DockerEngine
from app.grading.engine_choice import FirstFit
from app.settings import Settings
from app.workflows.assemble_runtime import build_engine

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")


@pytest.mark.parametrize(
    ("wanted", "kind"),
    [
        ({}, FirstFit),
        ({"sandbox_backend": "docker"}, DockerEngine),
        ({"sandbox_backend": "bubblewrap"}, BubblewrapEngine),
        # Nothing weaker stands in for a runtime that was asked for.
        ({"sandbox_runtime": "runsc"}, DockerEngine),
    ],
)
def test_settings_choose_the_engine(wanted: dict[str, str], kind: type) -> None:
    engine = build_engine(Settings.model_validate(wanted))
    assert isinstance(engine, kind)
    engine.close()


def test_a_runtime_that_would_be_ignored_is_refused() -> None:
    with pytest.raises(ValidationError, match="not for bubblewrap"):
        Settings(sandbox_backend="bubblewrap", sandbox_runtime="runsc")


def test_the_root_folder_is_what_the_build_recorded(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    assert not settings.root.exists()
    (tmp_path / "sandbox-root").write_text("sandbox-root-ab\n")
    assert settings.root == tmp_path / "sandbox-root-ab"
    assert Settings(data_dir=tmp_path, sandbox_root=tmp_path / "own").root == tmp_path / "own"
