"""Terms: Chinese as it stands, English by its stem, long words with a slip."""

from __future__ import annotations

import pytest

from app.scoring.normalisation import normal
from app.scoring.terms import Words, find, term


def stands(spelling: str, text: str) -> bool:
    return bool(find(term(spelling), Words(normal(text))))


@pytest.mark.parametrize(
    ("spelling", "text"),
    [
        ("share", "they are sharing it"),
        ("process", "two processes"),
        ("log loss", "the log-loss"),
        ("log loss", "logloss"),
        ("address space", "address spaces"),
        ("regularise", "a regularizer"),
        ("swap", "swapping"),
        ("share memory", "share the same memory"),
        ("accura*", "accurately"),
        ("not", "it doesn't"),
        ("共享内存", "共享 内存"),
        ("B0", "EfficientNet-B0"),
        ("SVM", "用SVM的"),
        ("probability", "a probabilty"),
        ("regularisation", "regularistion"),
        ("2^phi", "2^φ"),
    ],
)
def test_a_term_is_found_in_its_forms(spelling: str, text: str) -> None:
    assert stands(spelling, text)


@pytest.mark.parametrize(
    ("spelling", "text"),
    [
        ("process", "the processor"),
        ("supervised", "unsupervised"),
        ("linear", "non-linear"),
        ("linear", "nonlinear"),
        ("线性", "非线性"),
        ("he", "the"),
        ("se", "use"),
        ("dependent", "independent"),
        ("8.4", "18.4"),
        ("share", "shard"),
    ],
)
def test_a_term_is_not_found_in_other_words(spelling: str, text: str) -> None:
    assert not stands(spelling, text)
