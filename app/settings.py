"""Settings, read from the environment (``YIMIAN_…``) with defaults that suit a laptop."""

from __future__ import annotations

import secrets
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parents[1]
BUILT = ROOT / "var"  # where sandbox/build-image.sh leaves what it made, wherever `data_dir` is


class Settings(BaseSettings):
    """Everything that an operator can set.

    Without `broker_url` the web process grades by itself (embedded); with it, grading is sent
    over Redis to ``yimian worker`` and the web process never touches a container engine.
    """

    model_config = SettingsConfigDict(env_prefix="YIMIAN_", extra="ignore", frozen=True)

    data_dir: Path = ROOT / "var"
    bank_dir: Path = ROOT / "questions"
    database_url: str = ""
    broker_url: str = ""
    secret_key: str = ""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    public_url: str = ""
    registration: Literal["open", "closed"] = "open"
    metrics_token: str = ""
    metrics_port: int = Field(default=0, ge=0, le=65535)
    login_days: int = Field(default=14, ge=1, le=365)

    sandbox_backend: Literal["auto", "docker", "bubblewrap"] = "auto"
    sandbox_image: str = ""
    sandbox_root: Path | None = None
    sandbox_runtime: str = ""
    sandbox_warm: int = Field(default=2, ge=0, le=200)
    sandbox_capacity: int = Field(default=16, ge=1, le=1000)
    sandbox_idle_seconds: float = Field(default=600, gt=0, le=7 * 24 * 3600)
    sandbox_reuse: Literal["interview", "never"] = "interview"
    grading_threads: int = Field(default=2, ge=1, le=64)
    memory_budget_mb: int = Field(default=0, ge=0, le=16 * 1024 * 1024)
    queue_limit: int = Field(default=200, ge=1, le=100_000)

    @model_validator(mode="after")
    def runtimes_belong_to_engines(self) -> Self:
        """Refuse a runtime that would be ignored: whoever names one wants its walls."""
        if self.sandbox_runtime and self.sandbox_backend == "bubblewrap":
            raise ValueError("sandbox_runtime is for container engines, not for bubblewrap")
        return self

    @property
    def database(self) -> str:
        """The SQLAlchemy URL of the database: SQLite in `data_dir` unless one is set."""
        return self.database_url or f"sqlite:///{self.data_dir / 'yimian.db'}"

    @property
    def embedded(self) -> bool:
        """Whether this process grades by itself."""
        return not self.broker_url

    @property
    def image(self) -> str:
        """The sandbox image: set by hand, or as the build recorded it; "" for none."""
        _, name = self._recorded("sandbox-image")
        return self.sandbox_image or name

    @property
    def root(self) -> Path:
        """The sandbox's root file system for bubblewrap, likewise; it may not exist."""
        folder, name = self._recorded("sandbox-root")
        return self.sandbox_root or folder / (name or "sandbox-root")

    @cached_property
    def key(self) -> bytes:
        """The key that signs forms; made once and kept in `data_dir` unless one is set."""
        if self.secret_key:
            return self.secret_key.encode()
        path = self.data_dir / "secret_key"
        if not path.exists():
            self.data_dir.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            path.write_text(secrets.token_hex(32), encoding="ascii")
        return path.read_bytes()

    def _recorded(self, name: str) -> tuple[Path, str]:
        """Return where the build recorded a name and which: `data_dir` goes before `BUILT`."""
        for folder in (self.data_dir, BUILT):
            file = folder / name
            if file.exists():
                return folder, file.read_text(encoding="utf-8").strip()
        return BUILT, ""

    @property
    def secure_cookies(self) -> bool:
        """Whether cookies may travel over HTTPS only."""
        return self.public_url.startswith("https://")
