"""The seed questions on answers as candidates give them, and on answers that only pretend."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from app.questions.bank import read_bank
from app.scoring.suggestions import suggest

if TYPE_CHECKING:
    from app.kit.i18n import Locale

ANSWERS: dict[str, list[dict[str, Any]]] = YAML(typ="safe").load(
    (Path(__file__).parent / "answers.yaml").read_text(encoding="utf-8")
)
BANK = read_bank(Path(__file__).parents[2] / "questions")
QUESTIONS = {file.document.id: file.document for file in BANK.questions}
CAP = 0.3

seeds = pytest.mark.parametrize("question_id", ANSWERS)


@seeds
def test_answers_earn_what_a_fair_reader_gives(question_id: str) -> None:
    question = QUESTIONS[question_id]
    far, wrong, judged = [], 0, 0
    for answer in ANSWERS[question_id]:
        suggestion = suggest(question, answer["text"])
        fair = answer["points"]
        if abs(suggestion.points - sum(fair.values())) > 0.1 * question.points:
            far.append(answer["text"])
        wrong += sum(c.points != fair.get(c.id, 0) for c in suggestion.criteria)
        judged += len(suggestion.criteria)

    assert len(far) <= 0.02 * len(ANSWERS[question_id]), far
    assert wrong <= 0.02 * judged


@seeds
def test_honest_answers_are_not_flagged(question_id: str) -> None:
    flagged = [
        answer["text"]
        for answer in ANSWERS[question_id]
        if suggest(QUESTIONS[question_id], answer["text"]).flags
    ]

    assert flagged == []


@seeds
def test_evidence_lies_within_the_answer(question_id: str) -> None:
    for answer in ANSWERS[question_id]:
        for criterion in suggest(QUESTIONS[question_id], answer["text"]).criteria:
            assert bool(criterion.evidence) >= bool(criterion.points and criterion.terms)
            for start, end in (*criterion.evidence, *criterion.terms):
                assert 0 <= start < end <= len(answer["text"])


@seeds
@pytest.mark.parametrize("seed", range(5))
def test_shuffled_words_are_flagged(question_id: str, seed: int) -> None:
    reference = QUESTIONS[question_id].reference_answer
    assert reference is not None
    characters = re.findall(r"[a-zA-Z]+|[\u4e00-\u9fff]", reference.zh)
    words = re.findall(r"[a-zA-Z]+", reference.en)
    for pieces, glue in ((characters, ""), (words, " ")):
        random.Random(seed).shuffle(pieces)
        suggestion = suggest(QUESTIONS[question_id], glue.join(pieces))

        assert suggestion.flags or suggestion.points <= CAP * QUESTIONS[question_id].points


@seeds
@pytest.mark.parametrize("glue", [" ", "、", "，", ", ", "\n"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_rubrics_own_terms_are_flagged(question_id: str, glue: str, language: str) -> None:
    question = QUESTIONS[question_id]
    choose = random.Random(7)
    terms = [
        choose.choice(spellings)
        for criterion in question.rubric
        if criterion.evidence
        for match in (criterion.evidence, *criterion.evidence.parts)
        for pattern in match.any_of
        for group in pattern.all_of
        if (spellings := [t for t in group if t.isascii() == (language == "en") and "$" not in t])
    ]
    choose.shuffle(terms)

    suggestion = suggest(question, glue.join(terms))

    assert suggestion.flags or suggestion.points <= CAP * question.points


@seeds
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_reference_that_is_denied_is_flagged(question_id: str, language: Locale) -> None:
    question = QUESTIONS[question_id]
    assert question.reference_answer is not None
    prefix = {"zh": "以下说法都是错误的：", "en": "All of the following is false. "}[language]

    suggestion = suggest(question, prefix + question.reference_answer.text(language))

    assert suggestion.flags
    assert suggestion.points <= CAP * question.points


@seeds
@pytest.mark.parametrize("language", ["zh", "en"])
def test_an_echo_of_the_question_earns_nothing(question_id: str, language: Locale) -> None:
    question = QUESTIONS[question_id]

    assert suggest(question, question.prompt.text(language)).points == 0
