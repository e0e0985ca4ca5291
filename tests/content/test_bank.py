"""The questions and the paper that we ship: complete, in both languages, with the agreed rubric."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import BaseModel

from app.questions.bank import read_bank
from app.questions.schema import ConceptualQuestion, Localized
from app.scoring.suggestions import judge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.questions.schema import Criterion, Question

BANK = read_bank(Path(__file__).parents[2] / "questions")
QUESTIONS = {file.document.id: file.document for file in BANK.questions}
CONCEPTUAL = [q for q in QUESTIONS.values() if isinstance(q, ConceptualQuestion)]
CRITERIA = [(question, criterion) for question in CONCEPTUAL for criterion in question.rubric]

ORDER = [
    "introduce-your-project",
    "efficientnet",
    "batch-norm-forward",
    "thread-vs-process",
    "svm-vs-logistic-regression",
    "face-detection-datasets",
    "yolo-training-data",
    "cnn-initialisation",
]
RUBRICS = {
    "svm-vs-logistic-regression": [
        ("loss", 3),
        ("support_vectors", 2),
        ("probability", 2),
        ("kernel", 1),
        ("margin_reg", 1),
        ("common", 1),
    ],
    "thread-vs-process": [
        ("unit", 2),
        ("memory", 3),
        ("cost", 2),
        ("isolation", 2),
        ("comm_sync", 1),
    ],
    "efficientnet": [
        ("compound", 4),
        ("constraint", 2),
        ("nas", 2),
        ("block", 1),
        ("results", 1),
    ],
    "cnn-initialisation": [
        ("symmetry", 2),
        ("xavier", 3),
        ("he", 3),
        ("pretrained", 1),
        ("other", 1),
    ],
}


def named(value: tuple[Question, Criterion] | Question) -> str:
    return f"{value[0].id}-{value[1].id}" if isinstance(value, tuple) else value.id


def has_chinese(text: str) -> bool:
    return any("\u4e00" <= character <= "\u9fff" for character in text)


def texts(value: object) -> Iterator[Localized]:
    if isinstance(value, Localized):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from texts(getattr(value, name))
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)


def test_every_file_is_valid_and_lies_under_its_name() -> None:
    assert [str(diagnostic) for diagnostic in BANK.diagnostics] == []
    assert set(QUESTIONS) >= set(ORDER)


def test_the_paper_has_the_eight_questions_in_order_and_45_minutes() -> None:
    (paper,) = [f.document for f in BANK.papers if f.document.id == "pinduoduo-cv-first-round"]
    assert [item.question for item in paper.items] == ORDER
    assert paper.minutes == 45
    assert sum(item.minutes for item in paper.items) == 45


@pytest.mark.parametrize("question_id", RUBRICS)
def test_the_rubric_keeps_its_ids_order_and_points(question_id: str) -> None:
    rubric = QUESTIONS[question_id].rubric
    assert [(c.id, c.points) for c in rubric] == RUBRICS[question_id]


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=named)
def test_a_question_is_worth_ten_points_and_cites_its_facts(question: Question) -> None:
    assert question.points == 10
    assert question.reference_answer is not None
    assert question.sources or question.kind == "open"


@pytest.mark.parametrize(
    "document", [f.document for f in (*BANK.questions, *BANK.papers)], ids=lambda d: d.id
)
def test_every_text_is_in_both_languages(document: BaseModel) -> None:
    found = list(texts(document))
    assert found
    for text in found:
        assert not has_chinese(text.en), text.en
        # A name or a formula alone reads the same in both languages.
        assert has_chinese(text.zh) or text.zh == text.en or " " not in text.zh, text.zh


@pytest.mark.parametrize("pair", CRITERIA, ids=named)
def test_a_criterion_has_levels_evidence_mistakes_and_examples(
    pair: tuple[Question, Criterion],
) -> None:
    _, criterion = pair
    assert criterion.title is not None
    assert [level.points for level in criterion.levels][:: len(criterion.levels) - 1] == [
        0,
        criterion.points,
    ]
    assert criterion.evidence is not None
    assert criterion.mistakes
    assert len(criterion.examples.full) >= 3
    assert len(criterion.examples.none) >= 3
    for examples in (criterion.examples.full, criterion.examples.none):
        assert len({has_chinese(example) for example in examples}) == 2


@pytest.mark.parametrize("pair", CRITERIA, ids=named)
def test_the_examples_earn_what_they_are_meant_to(pair: tuple[Question, Criterion]) -> None:
    question, criterion = pair
    place = question.rubric.index(criterion)
    earned = {a: judge(question, a)[place].points for a in criterion.examples.full}
    assert earned == dict.fromkeys(criterion.examples.full, criterion.points)
    wrongly = {a: judge(question, a)[place].points for a in criterion.examples.none}
    assert wrongly == dict.fromkeys(criterion.examples.none, 0)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("question", CONCEPTUAL, ids=named)
def test_the_reference_answer_earns_every_point(question: Question, language: str) -> None:
    assert question.reference_answer is not None
    proposed = judge(question, getattr(question.reference_answer, language))
    assert {c.id: (c.points, c.mistakes) for c in proposed} == {
        c.id: (c.points, ()) for c in question.rubric
    }


def test_imdb_wiki_is_not_taken_for_a_detection_benchmark() -> None:
    question = QUESTIONS["face-detection-datasets"]
    place = [criterion.id for criterion in question.rubric].index("distinguish")
    for answer in (
        "我用过 IMDB-WIKI 数据库，一共 523,051 张人脸。",
        "IMDB-WIKI is a face detection data set.",
    ):
        assert judge(question, answer)[place].mistakes == ("imdb-wiki-as-detection",)
    right = judge(question, "IMDB-WIKI 标的是年龄和性别，不是检测数据集。")[place]
    assert (right.points, right.mistakes) == (2, ())
