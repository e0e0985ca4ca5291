"""Formulas in exports: typeset within bounds, and shown as written beyond them."""

from __future__ import annotations

import re

import pytest

from app.web.exports import MAX_TEX, _katex


def test_a_formula_is_typeset() -> None:
    assert 'class="katex' in _katex(r"\frac{1}{2}", display=False)


@pytest.mark.parametrize("tex", ["x+" * MAX_TEX, "{" * (MAX_TEX - 1), r"\left(" * 600])
def test_what_is_too_large_or_too_deep_is_shown_as_it_was_written(tex: str) -> None:
    shown = _katex(tex, display=True)
    assert len(shown) < 100 * MAX_TEX
    assert re.sub(r"<[^>]*>", "", shown)


def test_markup_in_a_formula_stays_text() -> None:
    assert "<script>" not in _katex("x<script>y" + "+z" * MAX_TEX, display=False)
