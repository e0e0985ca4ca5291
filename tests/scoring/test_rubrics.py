"""Rubrics: the levels of a criterion, and what is wrong with a rubric."""

from __future__ import annotations

from typing import Any

import pytest

from app.questions.schema import ConceptualQuestion, Criterion
from app.scoring.rubrics import levels_of, lint_rubric

SOUND: dict[str, Any] = {
    "id": "shared",
    "points": 3,
    "evidence": {"any_of": [{"all_of": [["thread"], ["share"]]}]},
    "examples": {"full": ["Threads share."], "none": ["Threads do not share."]},
}


def problems(*rubric: dict[str, Any]) -> list[tuple[str, str]]:
    question = ConceptualQuestion.model_validate(
        {
            "id": "threads",
            "kind": "conceptual",
            "title": {"zh": "线程", "en": "Threads"},
            "prompt": {"zh": "线程是什么", "en": "What is a thread"},
            "rubric": list(rubric),
        }
    )
    return [(p.criterion, p.message.render("en")) for p in lint_rubric(question)]


def with_evidence(**evidence: Any) -> dict[str, Any]:  # noqa: ANN401 -- as YAML gives it
    return {"id": "other", "points": 2, "evidence": evidence}


def level(points: float) -> dict[str, Any]:
    return {"points": points, "wording": {"zh": "好", "en": "good"}}


def test_a_sound_rubric_has_no_problems() -> None:
    assert problems(SOUND) == []


@pytest.mark.parametrize(
    ("criterion", "expected"),
    [
        (
            {**SOUND, "examples": {"full": ["Threads are light."]}},
            "earns 1.5 points instead of 3.0",
        ),
        ({**SOUND, "examples": {"none": ["Threads share."]}}, "earns 3.0 points instead of 0.0"),
        (with_evidence(formula=["max(0,"]), "max(0, cannot be read"),
        (with_evidence(any_of=[{"all_of": [["$1-$"]]}]), "1- cannot be read"),
        (with_evidence(), "No evidence earns the points"),
        (
            with_evidence(parts=[{"points": 1, "any_of": [{"all_of": [["fork"]]}]}]),
            "add up to 1.0 points, not to 2.0",
        ),
        (
            with_evidence(
                any_of=[{"all_of": [["fork"]]}],
                partial={"points": 2, "any_of": [{"all_of": [["spoon"]]}]},
            ),
            "must earn less than the whole",
        ),
        ({"id": "other", "points": 2, "levels": [level(0), level(1)]}, "from 0 to 2.0 points"),
        ({"id": "other", "points": 2, "levels": [level(0), level(2), level(2)]}, "same points"),
    ],
)
def test_a_fault_is_named(criterion: dict[str, Any], expected: str) -> None:
    found = problems(criterion)

    assert [name for name, _ in found] == [criterion["id"]]
    assert expected in found[0][1]


def test_criteria_must_differ() -> None:
    twin = {**SOUND, "id": "twin"}

    assert [message for _, message in problems(SOUND, SOUND)] == [
        "Two criteria have the same id",
        "The evidence is the same as that of shared",
    ]
    assert problems(SOUND, twin) == [("twin", "The evidence is the same as that of shared")]


@pytest.mark.parametrize(
    ("points", "expected"),
    [(3, [0, 1.5, 3]), (2, [0, 1, 2]), (1.5, [0, 0.5, 1.5]), (0.5, [0, 0.5])],
)
def test_levels_are_none_half_and_full_unless_the_author_says_otherwise(
    points: float, expected: list[float]
) -> None:
    criterion = Criterion(id="a", points=points)

    assert [one.points for one in levels_of(criterion)] == expected
