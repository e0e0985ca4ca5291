"""An admin drops a file into the bank: errors are named, and the site offers what is right."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.chromium import sign_in
from tests.conftest import ROOT, YIMIAN, Server, prepared_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

QUESTION = """\
id: softmax
kind: coding
title: {zh: 手写 softmax, en: Softmax by hand}
topics: [numpy]
minutes: 8
prompt:
  zh: 实现 `softmax(x)`，$x$ 是一维数组。
  en: Implement `softmax(x)` for a vector $x$.
entry_point: softmax
cases:
  - {name: pair, sample: true, args: {x: [0.0, 0.0]}}
  - {name: spread, group: correctness, args: {x: [1.0, 2.0, 3.0]}}
  - {name: huge, group: stability, args: {x: [1000.0, 1001.0]}}
solutions:
  - name: shifted
    verdict: AC
    code: |
      import numpy as np
      def softmax(x):
          e = np.exp(x - x.max())
          return e / e.sum()
  - name: overflow
    verdict: WA
    fails: [stability]
    feedback: {zh: 指数溢出, en: The exponential overflows.}
    code: |
      import numpy as np
      def softmax(x):
          with np.errstate(all="ignore"):
              e = np.exp(x)
              return e / e.sum()
rubric:
  - {id: correctness, points: 6, from_groups: [correctness]}
  - {id: stability, points: 4, from_groups: [stability]}
"""


@pytest.fixture
def own_bank(tmp_path: Path) -> Iterator[Server]:
    bank = tmp_path / "bank"
    shutil.copytree(ROOT / "questions" / "systems", bank / "systems")
    with prepared_server(tmp_path, bank) as server:
        yield server


def test_a_dropped_file_is_checked_by_line_and_then_offered(
    own_bank: Server, browser: Browser
) -> None:
    file = own_bank.bank_dir / "numpy" / "softmax.yaml"
    file.parent.mkdir()
    file.write_text(QUESTION.replace("minutes: 8", "minuts: 8"), "utf-8")
    page = browser.new_page(base_url=own_bank.url, locale="zh-CN")
    sign_in(page, "admin")

    done = subprocess.run(
        [YIMIAN, "questions", "check"],
        env=own_bank.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert f"{file}:5:1: " in done.stdout
    page.goto("/admin/questions/softmax")
    expect(page.locator("main")).to_contain_text("minuts")

    file.write_text(QUESTION, "utf-8")
    assert "softmax" not in own_bank.run("questions", "check")
    practise = page.locator("form[action='/questions/softmax/practice'] button")
    page.goto("/papers")
    for _ in range(30):
        if practise.count():
            break
        page.wait_for_timeout(500)
        page.reload()
    practise.click()
    page.wait_for_url("**/attempts/*")
    expect(page.locator("h2").first).to_contain_text("softmax")


def test_a_question_whose_wrong_solution_passes_does_not_go_live(
    own_bank: Server, browser: Browser
) -> None:
    file = own_bank.bank_dir / "numpy" / "softmax.yaml"
    file.parent.mkdir()
    file.write_text(QUESTION.replace("[1000.0, 1001.0]", "[1.0, 1.5]"), "utf-8")
    page = browser.new_page(base_url=own_bank.url, locale="en")
    sign_in(page, "admin")
    page.goto("/admin/questions")
    row = page.locator("main").get_by_text("overflow")
    for _ in range(30):
        if row.count():
            break
        page.wait_for_timeout(500)
        page.reload()
    expect(row.first).to_contain_text("AC")
    page.goto("/papers")
    expect(page.locator("main")).not_to_contain_text("softmax")
