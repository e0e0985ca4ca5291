"""Normalisation: texts are unified, and every place finds its way back to the original."""

# ruff: noqa: RUF001 -- about characters that look like others
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.scoring.normalisation import normal, normalise


@pytest.mark.parametrize(
    ("original", "expected"),
    [
        ("ＳＶＭ　ｌｏｓｓ", "svm loss"),
        ("hin\u200bge\u202e", "hinge"),
        ("γ²", "gamma^2"),
        ("e⁻ᶻ", "e^(-z)"),
        ("αβ", "alpha beta"),
        ("a × b − c ≤ 1", "a * b - c <= 1"),
        ("α·β²≃2", "alpha*beta^2≈2"),
        ("記憶體", "内存"),
        ("支援向量機的執行緒", "支持向量机的线程"),
        ("网络行程", "网络行程"),
        ("cafe\u0301", "café"),
    ],
)
def test_spellings_of_one_thing_become_one(original: str, expected: str) -> None:
    assert normal(original) == expected


@pytest.mark.parametrize("term", ["記憶體", "２", "γ", "λ²"])
def test_a_span_leads_back_to_the_original(term: str) -> None:
    original = f"前\u200b{term}後"
    text = normalise(original)
    begin = text.text.index(normal("前")) + 1
    end = text.text.index(normal("後"))

    start, stop = text.original(begin, end)

    assert original[start:stop].strip("\u200b") == term


@given(st.text(max_size=60))
def test_offsets_grow_and_stay_within_the_original(original: str) -> None:
    text = normalise(original)

    assert len(text.text) == len(text.starts) == len(text.ends)
    assert list(text.starts) == sorted(text.starts)
    assert all(0 <= a <= b <= len(original) for a, b in zip(text.starts, text.ends, strict=True))


@given(st.text(max_size=60))
def test_nothing_invisible_and_no_capital_is_left(original: str) -> None:
    text = normal(original)

    assert not set(text) & set("\u200b\u200e\u202e\ufeff")
    assert not any("A" <= c <= "Z" for c in text)
