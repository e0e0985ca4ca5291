"""The bank: which files belong to it, how they fit together, and the hash of their content."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.questions.bank import (
    check_paths,
    content_hash,
    paper_schema,
    parse_question,
    question_schema,
    read_bank,
    read_paper,
    read_question,
)
from app.questions.schema import Case

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from app.questions.diagnostics import Diagnostic

QUESTION = """\
id: {id}
kind: open
title: {{zh: 题, en: Question}}
prompt: {{zh: 题, en: Question}}
rubric:
  - id: depth
    points: 1
    levels:
      - {{points: 0, wording: {{zh: 无, en: No}}}}
      - {{points: 1, wording: {{zh: 有, en: Yes}}}}
"""
FOLLOW_UP = "follow_ups: [{{when: {{missed: depth}}, ask: {ask}}}]\n"
PAPER = """\
id: {id}
title: {{zh: 卷, en: Paper}}
description: {{zh: 卷, en: Paper}}
items: [{{question: {question}, minutes: 5}}]
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    bank = tmp_path / "bank"
    write(bank / "systems" / "one.yaml", question("one", follow_up="two"))
    write(bank / "vision" / "two.yaml", question("two"))
    write(bank / "papers" / "first.yaml", PAPER.format(id="first", question="one"))
    return bank


def question(name: str, *, follow_up: str | None = None) -> str:
    return QUESTION.format(id=name) + (FOLLOW_UP.format(ask=follow_up) if follow_up else "")


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def shown(diagnostics: Iterable[Diagnostic], root: Path) -> list[str]:
    return [
        f"{d.path.removeprefix(f'{root}/')}:{d.line}:{d.column}: {d.message.render('en')}"
        for d in diagnostics
    ]


def test_a_bank_holds_questions_by_topic_and_papers(root: Path) -> None:
    bank = read_bank(root)
    assert bank.diagnostics == ()
    assert [file.document.id for file in bank.questions] == ["one", "two"]
    assert [file.document.id for file in bank.papers] == ["first"]
    assert bank.question_ids == {"one", "two"}
    assert bank.paper_ids == {"first"}
    assert bank.questions[1].source == question("two")


def test_a_file_with_an_error_keeps_its_id_in_the_bank(root: Path) -> None:
    write(root / "vision" / "two.yaml", "kind: [")
    bank = read_bank(root)
    assert [file.document.id for file in bank.questions] == ["one"]
    assert bank.question_ids == {"one", "two"}
    assert len(bank.diagnostics) == 1  # the follow-up to it is no error


def test_the_id_is_the_name_of_the_file(root: Path) -> None:
    write(root / "vision" / "three.yaml", question("trhee"))
    bank = read_bank(root)
    assert shown(bank.diagnostics, root) == [
        'vision/three.yaml:1:5: The file is called "three.yaml": the id must be equal.'
    ]
    assert "three" not in [file.document.id for file in bank.questions]


def test_an_id_is_used_once(root: Path) -> None:
    write(root / "vision" / "one.yaml", question("one"))
    assert shown(read_bank(root).diagnostics, root) == [
        f'vision/one.yaml:1:5: The id "one" is already used in {root}/systems/one.yaml.'
    ]


def test_a_paper_and_a_question_may_have_the_same_id(root: Path) -> None:
    write(root / "papers" / "one.yaml", PAPER.format(id="one", question="one"))
    assert read_bank(root).diagnostics == ()


def test_links_lead_to_questions_of_the_bank(root: Path) -> None:
    write(root / "systems" / "one.yaml", question("one", follow_up="too"))
    write(root / "papers" / "first.yaml", PAPER.format(id="first", question="nowhere"))
    assert shown(read_bank(root).diagnostics, root) == [
        'papers/first.yaml:4:20: The bank has no question "nowhere".',
        'systems/one.yaml:11:43: The bank has no question "too". Did you mean "two"?',
    ]


def test_a_file_that_lies_elsewhere_is_named(root: Path) -> None:
    write(root / "stray.yaml", question("stray"))
    write(root / "vision" / "deep" / "three.yaml", question("three"))
    write(root / "vision" / "four.yml", question("four"))
    write(root / "vision" / ".hidden.yaml", "")
    write(root / "vision" / "notes.md", "")
    text = "A question lies at <topic>/<id>.yaml, a paper at papers/<id>.yaml."
    assert shown(read_bank(root).diagnostics, root) == [
        f"stray.yaml:1:1: {text}",
        f"vision/deep/three.yaml:1:1: {text}",
        f"vision/four.yml:1:1: {text}",
    ]


def test_a_bank_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    assert shown(read_bank(tmp_path / "none").diagnostics, tmp_path) == [
        "none:1:1: There is no such directory."
    ]


# --- Paths ----------------------------------------------------------------------------------


def test_without_paths_the_whole_bank_is_checked(root: Path) -> None:
    write(root / "stray.yaml", question("stray"))
    assert len(check_paths([], root)) == 1


def test_a_path_in_the_bank_is_checked_with_the_rules_of_the_bank(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = write(root / "systems" / "one.yaml", question("one", follow_up="nowhere"))
    write(root / "vision" / "two.yaml", question("tow"))
    monkeypatch.chdir(root)
    assert [d.path for d in check_paths([broken], root)] == [str(broken)]
    relative = broken.relative_to(root)
    (one,) = check_paths([relative, relative], root)
    assert (one.path, one.severity) == ("systems/one.yaml", "error")
    assert [d.path for d in check_paths([relative.parent], root)] == ["systems/one.yaml"]


def test_a_file_outside_the_bank_may_follow_up_with_what_the_bank_lacks(
    root: Path, tmp_path: Path
) -> None:
    draft = write(tmp_path / "three.yaml", question("three", follow_up="four"))
    (one,) = check_paths([draft], root)
    assert (one.line, one.severity) == (11, "warning")
    assert read_question(draft).document is not None


def test_a_paper_outside_the_bank_is_known_by_its_items(root: Path, tmp_path: Path) -> None:
    draft = write(tmp_path / "x.yaml", PAPER.format(id="x", question="one"))
    assert check_paths([draft], root) == []
    assert read_paper(draft).document is not None


def test_a_file_outside_the_bank_is_called_like_its_id(root: Path, tmp_path: Path) -> None:
    draft = write(tmp_path / "draft.yaml", question("three"))
    assert shown(check_paths([draft], root), tmp_path) == [
        'draft.yaml:1:5: The file is called "draft.yaml": the id must be equal.'
    ]


def test_a_directory_outside_the_bank_is_a_bank(root: Path, tmp_path: Path) -> None:
    assert check_paths([root], tmp_path / "other") == []


def test_a_path_that_is_not_there_is_an_error(root: Path, tmp_path: Path) -> None:
    missing = tmp_path / "none.yaml"
    assert shown(check_paths([missing], root), tmp_path) == [
        "none.yaml:1:1: There is no such file."
    ]
    inside = root / "systems" / "none.yaml"
    assert shown(check_paths([inside], root), root) == [
        "systems/none.yaml:1:1: There is no such file."
    ]


# --- Content --------------------------------------------------------------------------------


def test_the_hash_is_that_of_the_content_and_not_of_its_layout() -> None:
    text = question("one")
    relaid = "# a comment\n" + text.replace("kind: open", 'kind: "open"\ndifficulty: medium')
    first, second = (parse_question("q.yaml", one.encode()) for one in (text, relaid))
    assert first.content_hash == second.content_hash
    assert first.content_hash is not None
    assert len(first.content_hash) == 64
    other = parse_question("q.yaml", text.replace("points: 1", "points: 2", 1).encode())
    assert other.content_hash != first.content_hash


def test_the_order_of_arguments_is_layout() -> None:
    one, other = (
        Case(name="case", sample=True, args=args) for args in ({"a": 1, "b": 2}, {"b": 2, "a": 1})
    )
    assert content_hash(one) == content_hash(other)


def test_editors_are_told_what_a_question_file_may_hold() -> None:
    schema = question_schema()
    assert schema["$schema"].endswith("2020-12/schema")
    assert schema["title"] == "Question"
    kinds = {ref["$ref"].rsplit("/", 1)[1] for ref in schema["oneOf"]}
    assert kinds == {"CodingQuestion", "ConceptualQuestion", "OpenQuestion"}
    for name, definition in schema["$defs"].items():
        assert definition["description"], name
        if definition["type"] == "object":
            assert definition["additionalProperties"] is False
    properties = schema["$defs"]["CodingQuestion"]["properties"]
    assert all(value.get("description") for value in properties.values())
    assert paper_schema()["title"] == "Paper"
