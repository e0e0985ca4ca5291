"""A question's limits are numbers: what only looks like one is refused."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from app.questions.schema import Limits

NAMES = ("cpu_seconds", "wall_seconds", "memory_mb", "slowdown")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("wrong", [True, "50", 0, -1, float("nan"), float("inf"), 10**9])
def test_what_is_no_limit_is_refused(name: str, wrong: object) -> None:
    with pytest.raises(ValidationError):
        Limits.model_validate({name: wrong})


@pytest.mark.parametrize("name", NAMES)
def test_whole_numbers_are_limits(name: str) -> None:
    limits = Limits.model_validate({name: 50})
    assert getattr(Limits.model_validate_json(limits.model_dump_json()), name) == 50
