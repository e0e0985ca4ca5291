"""How long a verdict on batch norm takes: in the library, as a plain process, on screen."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from app.grading.judging import judge_case, summarise
from app.grading.reference import build_reference
from app.questions.bank import read_question
from app.questions.schema import CodingQuestion
from app.settings import ROOT, Settings
from app.workflows.assemble_runtime import build_engine, build_pool
from app.workflows.grade_submission import run_cases
from bench.timing import Measurement, repeat
from tests.browser.test_journey import BIASED, write
from tests.chromium import launch_chromium, sign_in
from tests.conftest import Server, prepared_server

if TYPE_CHECKING:
    from playwright.sync_api import Page

QUESTION = "deep-learning/batch-norm-forward"
TIMES = 30

PLAIN = """
import sys
import numpy as np
exec(sys.stdin.read())
rng = np.random.default_rng(0)
for _ in range({cases}):
    batch_norm_forward(rng.normal(size=(64, 32)), np.ones(32), np.zeros(32))
"""


def measure_verdicts() -> list[Measurement]:
    """Measure in one run, so that the ratios are of one machine in one state."""
    question = read_question(ROOT / "questions" / f"{QUESTION}.yaml").document
    assert isinstance(question, CodingQuestion)
    with ExitStack() as stack:
        library, case_count = _library(question, stack)
        return [library, _plain_process(case_count), _on_screen()]


def _library(question: CodingQuestion, stack: ExitStack) -> tuple[Measurement, int]:
    settings = Settings()
    pool = build_pool(settings, build_engine(settings))
    stack.callback(pool.close)
    with pool.lease("author") as sandbox:
        cases = build_reference(question, sandbox).cases

    def grade() -> None:
        with pool.lease("bench") as sandbox:
            runs = run_cases(sandbox, question, BIASED, cases)
        judged = [judge_case(case, run) for case, run in zip(cases, runs, strict=True)]
        assert summarise(question, judged).verdict == "AC"

    name = f"library: lease, {len(cases)} cases, verdict"
    return repeat(name, grade, times=TIMES, warm_up=3), len(cases)


def _plain_process(case_count: int) -> Measurement:
    program = PLAIN.format(cases=case_count)

    def run() -> None:
        subprocess.run(
            [sys.executable, "-c", program],
            input=BIASED,
            text=True,
            check=True,
            stdout=subprocess.DEVNULL,
        )

    return repeat("plain python process with numpy, the same calls", run, times=TIMES, warm_up=2)


def _on_screen() -> Measurement:
    with (
        TemporaryDirectory() as folder,
        prepared_server(Path(folder), ROOT / "questions") as server,
    ):
        return Measurement("browser: click on Submit to verdict on screen", _clicks(server))


def _clicks(server: Server) -> tuple[float, ...]:
    with launch_chromium() as browser:
        page = browser.new_page(base_url=server.url)
        sign_in(page, "candidate")
        page.click("form[action$='/questions/batch-norm-forward/practice'] button")
        page.wait_for_url("**/attempts/*")
        write(page, BIASED)
        return tuple(_click(page) for _ in range(TIMES + 3))[3:]


def _click(page: Page) -> float:
    """Submit once and return the time between the page's own two marks."""
    page.evaluate("performance.clearMarks()")
    page.click("[data-submit]:enabled")
    page.wait_for_selector(".verdict-AC")
    while not (took := page.evaluate(_BETWEEN_MARKS)):
        page.wait_for_timeout(20)
    return float(took)


_BETWEEN_MARKS = """() => {
    const [shown] = performance.getEntriesByName("verdict-shown");
    const [click] = performance.getEntriesByName("submit-click");
    return shown && click ? shown.startTime - click.startTime : null;
}"""
