"""Logs: one JSON object a line, ours and those of libraries."""

from __future__ import annotations

import json
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog

from app.kit.logs import configure_logs

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest


@contextmanager
def configured() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure_logs()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("uvicorn.access").disabled = False
    structlog.reset_defaults()


def test_ours_and_libraries_log_as_json_with_the_request_id(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with configured(), structlog.contextvars.bound_contextvars(request_id="abc"):
        structlog.get_logger("ours").info("说了", count=1)
        logging.getLogger("library").warning("gave %s", "up")
    ours, theirs = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert (ours["event"], ours["count"], ours["request_id"]) == ("说了", 1, "abc")
    assert (theirs["event"], theirs["level"], theirs["request_id"]) == ("gave up", "warning", "abc")


def test_exceptions_stay_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    error = ValueError("bad")
    with configured():
        logging.getLogger("library").error("failed", exc_info=error)
    (line,) = capsys.readouterr().err.splitlines()
    assert "ValueError: bad" in json.loads(line)["exception"]
