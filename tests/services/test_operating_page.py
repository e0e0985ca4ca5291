"""The operators' page names every setting with its default, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from app.grading.claims import RENEW_SECONDS
from app.grading.dispatch import WAITING_SECONDS
from app.grading.service import CLAIM, MAX_TRIES
from app.settings import ROOT, Settings
from app.workflows.keep_house import PATIENCE, TICK_SECONDS

PAGE = (ROOT / "docs" / "operating.md").read_text()
ROW = re.compile(r"^\| `(YIMIAN_\w+)` \| (?:`(.*?)` )?\|", re.MULTILINE)


def shown(default: object) -> str:
    if default is None:
        return ""
    return default.relative_to(ROOT).as_posix() if isinstance(default, Path) else str(default)


def test_every_setting_stands_there_with_its_default() -> None:
    fields = Settings.model_fields
    wanted = {f"YIMIAN_{name.upper()}": shown(field.default) for name, field in fields.items()}
    assert dict(ROW.findall(PAGE)) == wanted


def test_the_figures_are_those_of_the_program() -> None:
    claim, patience = CLAIM.total_seconds(), PATIENCE.total_seconds()
    for sentence in (
        f"renewed every {RENEW_SECONDS:.0f} s and runs out after {claim:.0f} s",
        f"again {patience:.0f} s after they were queued, every {TICK_SECONDS:.0f} s",
        f"it lasts {WAITING_SECONDS} s",
        f"kills its worker {MAX_TRIES} times",
    ):
        assert sentence in PAGE
