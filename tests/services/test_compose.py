"""The compose file: docker-compose takes it, only workers reach the engine, it holds no secret."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from app.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
SECRETS = {
    "POSTGRES_PASSWORD": "postgres-secret",
    "REDIS_PASSWORD": "redis-secret",
    "YIMIAN_SECRET_KEY": "key-secret",
}
NEEDED = {**SECRETS, "YIMIAN_SANDBOX_IMAGE": "yimian-sandbox:1", "DOCKER_GROUP_ID": "999"}
OURS = ("web", "worker", "schema")


def compose(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["docker-compose", "--file", ROOT / "docker-compose.yml", "config"],
        env={"PATH": os.environ["PATH"], **environment},
        cwd="/",  # no .env from here
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    done = compose(**NEEDED)
    assert done.returncode == 0, done.stderr
    found = YAML(typ="safe").load(done.stdout)["services"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("name", NEEDED)
def test_what_must_be_set_is_asked_for(name: str) -> None:
    done = compose(**{key: value for key, value in NEEDED.items() if key != name})
    assert done.returncode != 0
    assert name in done.stderr


def test_only_the_worker_reaches_the_engine(services: dict[str, Any]) -> None:
    mounts = {name: str(service.get("volumes", [])) for name, service in services.items()}
    assert [name for name, text in mounts.items() if "docker.sock" in text] == ["worker"]


def test_only_the_web_is_seen_from_outside_and_only_by_this_machine(
    services: dict[str, Any],
) -> None:
    ports = {name: one["ports"] for name, one in services.items() if "ports" in one}
    assert ports.keys() == {"web"}
    assert "127.0.0.1" in str(ports["web"])
    outside = [name for name, one in services.items() if "outside" in one["networks"]]
    assert outside == ["web"]


def test_ours_can_do_little(services: dict[str, Any]) -> None:
    for name in OURS:
        assert services[name]["read_only"] is True
        assert services[name]["cap_drop"] == ["ALL"]
        assert services[name]["security_opt"] == ["no-new-privileges:true"]


def test_whatever_keeps_running_is_watched(services: dict[str, Any]) -> None:
    assert {name for name, one in services.items() if "healthcheck" not in one} == {"schema"}


def test_the_program_knows_every_setting(services: dict[str, Any]) -> None:
    known = {f"YIMIAN_{name.upper()}" for name in Settings.model_fields}
    used = {name for one in OURS for name in services[one]["environment"]}
    assert {name for name in used if name.startswith("YIMIAN_")} <= known


def test_no_secret_is_written_down() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    for name in SECRETS:
        assert f"${{{name}:?" in text
