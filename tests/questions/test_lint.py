"""Scripts, properties, rules and relative limits: what cannot be meant is named where it stands."""

from __future__ import annotations

import pytest

from app.kit.i18n import use_locale
from app.questions.bank import parse_question, question_schema
from app.questions.schema import CodingQuestion

COUNTER = """\
id: counter
kind: coding
title: {zh: 计数器, en: Counter}
prompt: {zh: 写一个计数器。, en: Write a counter.}
entry_point: Counter
limits: {cpu_seconds: 1, slowdown: 10}
forbid: [np.var, torch]
rules:
  - {name: no-deque, forbid: [collections.deque], verdict: NA}
  - {name: vectorised, no_loops_over: [by]}
cases:
  - name: shown
    sample: true
    init: {start: 1}
    calls: [{call: add, args: {by: 2}}, {read: total}]
  - name: random
    group: counts
    scripted: true
    seeds: [1]
    generate: |
      def generate(rng):
          return dict(init={"start": 1}, calls=[("add", {"by": 2}), ("total", None)])
checker:
  name: property
  code: |
    def check(args, output, expected):
        return True
solutions:
  - name: plain
    verdict: AC
    code: |
      class Counter:
          def __init__(self, start):
              self.total = start
          def add(self, by):
              self.total += by
  - name: looping
    verdict: AC
    breaks: [vectorised]
    code: "class Counter: pass"
rubric:
  - {id: counts, points: 2, from_groups: [counts]}
  - {id: style, points: 1, from_rules: [vectorised]}
"""

BROKEN = {
    "script for a function": (
        "class Counter:\n          def __init__",
        "def Counter(by):\n          def __init__",
        [
            (15, 5, "Counter is a function: only a class is tested by a script."),
            (18, 15, "Counter is a function: only a class"),
        ],
    ),
    "arguments for a class": (
        "init: {start: 1}\n    calls: [{call: add, args: {by: 2}}, {read: total}]",
        "args: {start: 1}",
        [(12, 5, 'Counter is a class: give "init" and "calls", or')],
    ),
    "a script and arguments": (
        "init: {start: 1}",
        "args: {start: 1}",
        [(15, 5, '"args" and "calls" exclude each other.')],
    ),
    "a script and a generator": (
        "scripted: true",
        "calls: [{read: total}]",
        [(20, 15, '"calls" and "generate" exclude each other.')],
    ),
    "a script without steps": (
        "    calls: [{call: add, args: {by: 2}}, {read: total}]\n",
        "",
        [(14, 5, 'A case needs one of "args", "calls" and "generate".')],
    ),
    "no steps in a script": (
        "[{call: add, args: {by: 2}}, {read: total}]",
        "[]",
        [(15, 12, "At least 1 are needed.")],
    ),
    "arguments of an object beside a generator": (
        "scripted: true",
        "init: {start: 2}",
        [(18, 5, '"init" belongs to "calls"; a generator returns it')],
    ),
    "scripted without a generator": (
        "sample: true",
        "sample: true\n    scripted: true",
        [(14, 15, '"scripted" says what "generate" returns')],
    ),
    "a step of both kinds": (
        "{read: total}]",
        "{read: total, call: add}]",
        [(15, 41, 'A step has either "call", with "args", or "read".')],
    ),
    "an empty step": (
        "{read: total}]",
        "{}]",
        [(15, 41, 'A step has either "call", with "args", or "read".')],
    ),
    "arguments for an attribute": (
        "{read: total}]",
        "{read: total, args: {by: 1}}]",
        [(15, 55, '"args" are for "call" only.')],
    ),
    "a method that is no name": (
        "call: add",
        "call: a-dd",
        [(15, 20, "This must be a Python name")],
    ),
    "a step with a typo": (
        "{read: total}]",
        "{raed: total}]",
        [(15, 42, 'Unknown key "raed". Did you mean "read"?')],
    ),
    "an infinite argument of a step": (
        "{by: 2}}, {read: total}]",
        "{by: .inf}}, {read: total}]",
        [(15, 36, 'Write a "generate" for numbers that are not finite.')],
    ),
    "an infinite argument of a class": (
        "init: {start: 1}",
        "init: {start: -.inf}",
        [(14, 19, 'Write a "generate" for numbers that are not finite.')],
    ),
    "a forbidden call": (
        "[np.var, torch]",
        "[np.var(), torch]",
        [(7, 10, "This must be a Python name, dots allowed, without brackets: np.var, torch.")],
    ),
    "a name that is forbidden twice": (
        "[np.var, torch]",
        "[np.var, np.var]",
        [(7, 18, '"np.var" is used twice.')],
    ),
    "a rule about nothing": (
        "forbid: [collections.deque], ",
        "",
        [(9, 5, 'A rule needs "forbid" or "no_loops_over".')],
    ),
    "two rules of one name": (
        "name: no-deque",
        "name: vectorised",
        [
            (9, 5, 'Code that breaks a rule with "verdict: NA" is not run'),
            (10, 12, '"vectorised" is used twice.'),
            (39, 14, 'Who breaks "vectorised" gets NA: that must be the verdict.'),
        ],
    ),
    "a rule without effect": (
        "forbid: [collections.deque], verdict: NA",
        "forbid: [collections.deque]",
        [(9, 5, 'This rule has no effect: give it "verdict: NA", or')],
    ),
    "another verdict for a rule": (
        "verdict: NA",
        "verdict: WA",
        [(9, 60, "This must be one of: NA.")],
    ),
    "a loop over an unknown argument": (
        "no_loops_over: [by]",
        "no_loops_over: [strat]",
        [(10, 40, 'There is no "strat". Did you mean "start"?')],
    ),
    "points from an unknown rule": (
        "from_rules: [vectorised]",
        "from_rules: [vectorized]",
        [
            (10, 5, "This rule has no effect"),
            (43, 41, 'There is no "vectorized". Did you mean "vectorised"?'),
        ],
    ),
    "evidence beside a rule": (
        "from_rules: [vectorised]}",
        'from_rules: [vectorised], evidence: {formula: ["x"]}}',
        [(43, 54, '"evidence" and "from_rules" exclude each other.')],
    ),
    "an unknown rule to break": (
        "breaks: [vectorised]",
        "breaks: [vectorise]",
        [(39, 14, 'There is no "vectorise". Did you mean "vectorised"?')],
    ),
    "a reference that breaks a rule": (
        "    code: |\n      class",
        "    breaks: [vectorised]\n    code: |\n      class",
        [(31, 5, "The reference must keep every rule.")],
    ),
    "slower by less than nothing": (
        "slowdown: 10",
        "slowdown: 1",
        [(6, 36, "This must be greater than 1.0.")],
    ),
    "slower by no number": (
        "slowdown: 10",
        "slowdown: .nan",
        [(6, 36, "This must be a finite number.")],
    ),
    "infinitely slower": (
        "slowdown: 10",
        "slowdown: .inf",
        [(6, 36, "This must be a finite number.")],
    ),
    "no time at all": (
        "cpu_seconds: 1",
        "cpu_seconds: 0",
        [(6, 23, "This must be at least 0.01.")],
    ),
    "negative time": (
        "cpu_seconds: 1",
        "cpu_seconds: -1",
        [(6, 23, "This must be at least 0.01.")],
    ),
    "time that is no number": (
        "cpu_seconds: 1",
        "cpu_seconds: .nan",
        [(6, 23, "This must be a finite number.")],
    ),
    "a checker without code": (
        "  code: |\n    def check(args, output, expected):\n        return True\n",
        "",
        [(23, 1, 'The key "code" is missing.')],
    ),
    "a checker without its function": (
        "def check(args",
        "def chekc(args",
        [(26, 5, 'This code does not define "check".')],
    ),
    "a checker that does not compile": (
        "        return True",
        "        return (",
        [(27, 16, "This code does not compile")],
    ),
}


def found(text: str) -> list[tuple[int, int, str]]:
    result = parse_question("counter.yaml", text.encode())
    return [(one.line, one.column, one.message.render("en")) for one in result.diagnostics]


def test_everything_at_once_is_valid() -> None:
    assert found(COUNTER) == []
    document = parse_question("counter.yaml", COUNTER.encode()).document
    assert isinstance(document, CodingQuestion)
    assert [case.is_script for case in document.cases] == [True, True]
    assert document.reference is document.solutions[0]


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_be_meant_is_named_where_it_stands(name: str) -> None:
    old, new, expected = BROKEN[name]
    assert old in COUNTER
    complaints = found(COUNTER.replace(old, new, 1))
    cut = [
        (line, column, text[: len(begin)])
        for (line, column, text), (_, _, begin) in zip(complaints, expected, strict=False)
    ]
    assert cut == expected, complaints
    assert len(complaints) == len(expected), complaints


def test_relative_limit_needs_something_to_be_relative_to() -> None:
    complaints = found(COUNTER.replace("verdict: AC", "verdict: RE"))
    texts = [text for line, _, text in complaints if line == 6]
    assert texts == ["A relative limit needs an accepted solution to be relative to."]


def test_verdict_na_needs_something_forbidden() -> None:
    text = COUNTER.replace("forbid: [np.var, torch]\n", "").replace(
        "  - {name: no-deque, forbid: [collections.deque], verdict: NA}\n", ""
    )
    broken = text.replace("verdict: AC\n    breaks: [vectorised]", "verdict: NA")
    assert [said for _, _, said in found(broken)] == [
        'Nothing here gives NA: it takes "forbid", or a rule with "verdict: NA".'
    ]


def test_the_reasons_are_told_in_chinese_as_well() -> None:
    with use_locale("zh"):
        for old, new, expected in BROKEN.values():
            result = parse_question("counter.yaml", COUNTER.replace(old, new, 1).encode())
            for one, (_, _, english) in zip(result.diagnostics, expected, strict=True):
                assert not str(one.message).startswith(english)


def test_the_json_schema_explains_the_new_keys() -> None:
    definitions = question_schema()["$defs"]
    for model, key in (
        ("Step", "call"),
        ("Step", "read"),
        ("Rule", "no_loops_over"),
        ("PropertyChecker", "code"),
        ("Limits", "slowdown"),
        ("CodingQuestion", "forbid"),
        ("Criterion", "from_rules"),
    ):
        assert definitions[model]["properties"][key]["description"]
