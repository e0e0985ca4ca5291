"""Which engine the settings come to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from app.grading.bwrap_engine import BubblewrapEngine
from app.grading.docker_engine import DockerEngine
from app.grading.engine_choice import FirstFit
from app.grading.runs import EngineUnavailableError
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


def test_what_the_build_made_is_found_wherever_the_data_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    built, data = tmp_path / "built", tmp_path / "data"
    built.mkdir()
    data.mkdir()
    monkeypatch.setattr("app.settings.BUILT", built)
    settings = Settings(data_dir=data)
    assert settings.image == ""
    assert not settings.root.exists()
    # Built while the program runs.
    (built / "sandbox-image").write_text("yimian-sandbox:ab\n")
    (built / "sandbox-root").write_text("sandbox-root-ab\n")
    assert (settings.image, settings.root) == ("yimian-sandbox:ab", built / "sandbox-root-ab")
    # What lies beside the data goes first, and what is set by hand before it.
    (data / "sandbox-root").write_text("sandbox-root-cd\n")
    assert settings.root == data / "sandbox-root-cd"
    own = Settings(data_dir=data, sandbox_root=tmp_path / "own", sandbox_image="own")
    assert (own.image, own.root) == ("own", tmp_path / "own")


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("app.settings.BUILT", tmp_path)
    engine = build_engine(Settings(data_dir=tmp_path, sandbox_backend="bubblewrap"))
    with pytest.raises(EngineUnavailableError, match="sandbox-root is missing: run sandbox/build"):
        engine.start()
    (tmp_path / "sandbox-root").write_text("sandbox-root-ab\n")
    with pytest.raises(EngineUnavailableError, match="sandbox-root-ab is missing"):
        engine.start()
    engine.close()
