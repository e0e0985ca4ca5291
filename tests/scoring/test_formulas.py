"""Formulas: one formula in many spellings is equal, and others are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.scoring.formulas import FormulaError, equal, find, parse, read
from app.scoring.normalisation import normalise
from tests.scoring.work import Counted


@pytest.mark.parametrize(
    ("wanted", "given_"),
    [
        ("max(0,1-@)", r"\max(0, 1 - z)"),
        ("max(0,1-@)", "max(1-y*f(x), 0)"),
        ("max(0,1-@)", "max{0, 1 − yᵢ(w·xᵢ + b)}"),
        ("max(0,1-@)", "(1-z)_+"),
        ("max(0,1-@)", "[1 - z]_{+}"),
        ("max(0,1-@)", "(1−z)₊"),
        ("log(1+e^{-@})", r"\log\left(1+e^{-z}\right)"),
        ("log(1+e^{-@})", "ln(1 + exp(−z))"),
        ("log(1+e^{-@})", "log(e^-z + 1)"),
        ("log(1+e^{-@})", "log(1+e⁻ᶻ)"),
        ("α·β²·γ²≈2", r"\alpha \cdot \beta^2 \cdot \gamma^{2} \approx 2"),
        ("α·β²·γ²≈2", "alpha*beta**2*gamma**2 ~ 2"),
        ("α·β²·γ²≈2", "αβ²γ² = 2"),
        ("α·β²·γ²≈2", "2 ≈ α × β^2 × γ^2"),
        ("2/(n_in+n_out)", r"\frac{2}{n_{in} + n_{out}}"),
        ("2/(@+@)", "2/(fan_in+fan_out)"),
        ("sqrt(2/@)", "√(2/n)"),
        ("sqrt(2/@)", r"\sqrt{\frac{2}{n_{in}}}"),
    ],
)
def test_spellings_of_one_formula_are_equal(wanted: str, given_: str) -> None:
    assert equal(wanted, given_)


@pytest.mark.parametrize(
    ("wanted", "given_"),
    [
        ("max(0,1-@)", "max(0, 1+z)"),
        ("max(0,1-@)", "min(0, 1-z)"),
        ("log(1+e^{-@})", "log(1-e^{-z})"),
        ("log(1+e^{-@})", "log(1+e^{z})"),
        ("α·β²·γ²≈2", "αβγ≈2"),
        ("α·β²·γ²≈2", "α²·β·γ²≈2"),
        ("2/(n_in+n_out)", "2/n_in+n_out"),
        ("2/n_in", "1/n_in"),
    ],
)
def test_other_formulas_are_not_equal(wanted: str, given_: str) -> None:
    assert not equal(wanted, given_)


@pytest.mark.parametrize(
    ("formula", "text", "expected"),
    [
        ("max(0,1-@)", "the loss is max(0, 1 - z) for an SVM", "max(0, 1 - z)"),
        ("log(1+e^{-@})", "LR的是log(1+e^-z)，对吧", "log(1+e^-z)"),
        ("max(0,1-@)", "SVM损失函数:loss=(1−z)+", "(1−z)+"),
        ("α·β²·γ²≈2", "约束是 α·β²·γ² 约等于 2，且 α≥1", "α·β²·γ² 约等于 2"),
        ("α·β²·γ²≈2", "with alpha beta^2 gamma^2 roughly", None),
        ("d*w^2*r^2≈2", "d∗w²∗r²≈2 的时候", "d∗w²∗r²≈2"),
        ("2/n_in", "$\\mathrm{Var}(W)=\\frac{2}{n_{in}}$", "\\frac{2}{n_{in}}"),
        ("2/n_in", "a plain sentence without any formula", None),
    ],
)
def test_a_formula_is_found_in_running_text(formula: str, text: str, expected: str | None) -> None:
    normal = normalise(text)

    span = next(find(formula, read(normal.text)), None)

    found = None if span is None else text[slice(*normal.original(*span))]
    assert found == expected


@pytest.mark.parametrize("formula", ["max(0,", "1-", "2/(a+b", ""])
def test_half_a_formula_is_an_error(formula: str) -> None:
    with pytest.raises(FormulaError):
        parse(formula)


@given(st.text(alphabet="(){}[]+-*/^=_,@\\αxyz12 max", max_size=60))
def test_reading_never_fails_on_debris(text: str) -> None:
    read(normalise(text).text)


@pytest.mark.parametrize(
    "shape",
    ["max(0,1-", "max(1-", "(", "{[", "x^", "x^-", r"\frac", r"\frac{", "log ", "a(a", "-("],
)
def test_what_never_closes_is_left_after_a_look_at_each_sign(shape: str) -> None:
    text = normalise(shape * 2000 + "。max(0,1-z)").text

    with Counted() as calls:
        nodes = read(text)

    assert next(find("max(0,1-@)", nodes), None) == (len(text) - len("max(0,1-z)"), len(text))
    assert calls.number < 150 * len(text)
