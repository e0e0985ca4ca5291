"""What a program breaks of the rules: who is told, and in which words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from app.grading.models import GradingJob
from app.grading.static_rules import find_violations, what_stops
from app.kit.clock import ManualClock
from app.kit.i18n import use_locale
from app.questions.bank import read_question
from app.questions.schema import CodingQuestion
from app.web.presenters.jobs import Reader, job_view
from app.workflows.import_bank import import_bank
from tests.site import BANK

if TYPE_CHECKING:
    from tests.web.conftest import Web

TEXT = "import math\ndef double(x):\n    return [2 * v for v in x]\n"
STRICT = (
    "forbid: [math, np.var]\n"
    "rules:\n"
    "  - {name: plain, forbid: [math, sorted], verdict: NA}\n"
    "  - {name: vectorised, no_loops_over: [x], verdict: NA}\n"
)
RULES: dict[str, Any] = {
    "forbid": ["math"],
    "rules": [
        {
            "name": "vectorised",
            "no_loops_over": ["x"],
            "feedback": {"zh": "用数组运算。", "en": "Use array operations."},
        }
    ],
}


def question() -> CodingQuestion:
    given = read_question(BANK / "basics" / "double.yaml").document
    assert isinstance(given, CodingQuestion)
    return CodingQuestion.model_validate(given.model_dump(exclude_unset=True) | RULES)


@pytest.mark.parametrize(
    ("reader", "told"),
    [
        ("room", ["Line 1: this question forbids math."]),
        (
            "review",
            [
                "Line 1: this question forbids math.",
                "Line 3: a Python loop runs over x. Use array operations.",
            ],
        ),
    ],
)
def test_findings_are_told_with_the_authors_feedback(reader: Reader, told: list[str]) -> None:
    asked, now = question(), ManualClock().now()
    stored = [one.as_json() for one in find_violations(asked, TEXT)]
    job = GradingJob(id="j", queued_at=now, judged_at=now, verdict="NA", findings=stored)
    with use_locale("en"):
        view = job_view(job, asked, [], number=None, ahead=None, reader=reader)
    assert view.findings == told


def test_candidates_know_beforehand_what_is_not_run(web: Web) -> None:
    path = web.site.bank_dir / "basics" / "double.yaml"
    path.write_text(path.read_text() + STRICT)
    web.site.clock.advance(60)
    import_bank(web.site.runtime)
    attempt, *_ = web.site.attempts(web.site.start())
    page = web.browser("candidate").get(f"/attempts/{attempt}").text
    assert "Not allowed here: math, np.var, sorted." in page
    assert "No Python loop may run over x." in page


def test_rules_that_only_cost_points_are_not_told() -> None:
    assert [one.render("en") for one in what_stops(question())] == ["Not allowed here: math."]
