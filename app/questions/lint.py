"""Rules of a question that cross its fields; each finding names the place it is about."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import pairwise
from math import isclose, isfinite
from typing import TYPE_CHECKING, Any, NamedTuple

from app.kit.i18n import Message, message
from app.questions.diagnostics import closest
from app.questions.schema import CodingQuestion
from app.questions.texts import code_flaw, definition_of, math_flaw

if TYPE_CHECKING:
    from app.questions.schema import (
        Case,
        Criterion,
        Evidence,
        FollowUpRule,
        Match,
        Misconception,
        Paper,
        Question,
        Rule,
        Solution,
        Step,
    )
    from app.questions.source import Loc
    from app.questions.texts import Definition, Flaw


class Finding(NamedTuple):
    """A broken rule; `inside` is a place (line from 1, column from 0) in the text at `loc`."""

    loc: Loc
    message: Message
    inside: tuple[int, int] | None = None


Findings = Iterator[Finding]

# Which top-level keys the rules look at that find something below a top-level key.
_LOOK_AT = {
    "cases": {"cases", "solutions", "entry_point"},
    "solutions": {"solutions", "cases", "rules", "forbid"},
    "rubric": {"rubric", "cases", "rules"},
    "rules": {"rules", "rubric", "solutions", "entry_point"},
    "forbid": {"forbid"},
    "limits": {"limits", "solutions"},
    "follow_ups": {"follow_ups", "rubric", "solutions"},
    "items": {"items"},
    "minutes": {"items"},
}
Named = Iterable[tuple["Loc", str]]


def lint_texts(data: Mapping[str, Any]) -> Findings:
    """Look into the texts of raw data of any shape: code must compile, formulas must end."""
    entry_point = data.get("entry_point")
    name = entry_point if isinstance(entry_point, str) else None
    yield from _code(data, ("starter",), None)
    for index in range(_length(data.get("solutions"))):
        yield from _code(data, ("solutions", index, "code"), name)
    yield from _code(data, ("checker", "code"), "check")
    for index in range(_length(data.get("cases"))):
        yield from _code(data, ("cases", index, "generate"), "generate")
        yield from _code(data, ("cases", index, "checker", "code"), "check")
    for key in ("prompt", "reference_answer"):
        for language in ("zh", "en"):
            yield from _formulas(data, (key, language))


def lint_question(question: Question) -> Findings:
    """Check the rules that cross the fields of one question."""
    groups, rules = _groups(question), _rule_names(question)
    yield from _unique((("rubric", i, "id"), c.id) for i, c in enumerate(question.rubric))
    yield from _unique((loc, mistake.name) for loc, mistake in _mistakes(question))
    for loc, mistake in _mistakes(question):
        if not mistake.patterns():
            yield Finding(loc[:-1], message('A mistake needs "all_of" or "any_of".'))
    for index, criterion in enumerate(question.rubric):
        yield from _criterion(criterion, ("rubric", index), groups, rules)
    yield from _follow_ups(question)
    if isinstance(question, CodingQuestion):
        yield from _coding(question, groups)


def lint_paper(paper: Paper) -> Findings:
    """Check the rules that cross the fields of one paper."""
    yield from _unique(
        (("items", i, "question"), item.question) for i, item in enumerate(paper.items)
    )
    suggested = sum(item.minutes for item in paper.items)
    if paper.minutes is not None and suggested > paper.minutes:
        text = message(
            "The questions take {suggested} minutes together, the paper only {minutes}.",
            suggested=suggested,
            minutes=paper.minutes,
        )
        yield Finding(("minutes",), text)


def independent_of(changed: Collection[str], findings: Iterable[Finding]) -> Findings:
    """Keep the findings of rules that did not look below any of the `changed` top-level keys."""
    for finding in findings:
        if _LOOK_AT[str(finding.loc[0])].isdisjoint(changed):
            yield finding


# --- Rubric ---------------------------------------------------------------------------------


def _criterion(
    criterion: Criterion, loc: Loc, groups: Collection[str], rules: Collection[str]
) -> Findings:
    for key in ("from_groups", "from_rules"):
        if getattr(criterion, key) and criterion.evidence:
            text = message('"evidence" and "{key}" exclude each other.', key=key)
            yield Finding((*loc, "evidence"), text)
    by_machine = criterion.from_groups or criterion.from_rules or criterion.evidence
    if not (by_machine or criterion.levels):
        yield Finding(
            loc, message('A criterion that no machine judges needs "levels" to choose from.')
        )
    for index, group in enumerate(criterion.from_groups):
        yield from _known(group, groups, (*loc, "from_groups", index))
    for index, rule in enumerate(criterion.from_rules):
        yield from _known(rule, rules, (*loc, "from_rules", index))
    yield from _levels(criterion, (*loc, "levels"))
    if criterion.evidence:
        yield from _evidence(criterion.evidence, criterion.points, (*loc, "evidence"))


def _levels(criterion: Criterion, loc: Loc) -> Findings:
    points = [level.points for level in criterion.levels]
    if not points:
        return
    if points[0] != 0:
        yield Finding((*loc, 0, "points"), message("The first level must have 0 points."))
    for index, (lower, higher) in enumerate(pairwise(points), start=1):
        if higher <= lower:
            yield Finding(
                (*loc, index, "points"), message("Each level needs more points than the last.")
            )
    if points[-1] != criterion.points:
        text = message(
            "The last level must have all {points} points.", points=f"{criterion.points:g}"
        )
        yield Finding((*loc, len(points) - 1, "points"), text)


def _evidence(evidence: Evidence, points: float, loc: Loc) -> Findings:
    whole = _says_something(evidence)
    if evidence.parts and (whole or evidence.partial):
        text = message('"parts" stand alone: without "any_of", "formula" and "partial".')
        yield Finding((*loc, "parts"), text)
    if not evidence.parts and not whole:
        yield Finding(loc, message('Evidence needs "any_of", "formula" or "parts".'))
    smaller = [((*loc, "parts", index), part) for index, part in enumerate(evidence.parts)]
    if evidence.partial:
        smaller.append(((*loc, "partial"), evidence.partial))
    for place, part in smaller:
        if not 0 < part.points < points:
            text = message(
                "This must be between 0 and the criterion's {points}.", points=f"{points:g}"
            )
            yield Finding((*place, "points"), text)
        if not _says_something(part):
            yield Finding(place, message('Partial evidence needs "any_of" or "formula".'))
    total = sum(part.points for part in evidence.parts)
    if evidence.parts and not isclose(total, points):
        text = message(
            "The parts add up to {total} points, the criterion has {points}.",
            total=f"{total:g}",
            points=f"{points:g}",
        )
        yield Finding((*loc, "parts"), text)


def _says_something(match: Match) -> bool:
    return bool(match.any_of or match.formula)


def _mistakes(question: Question) -> list[tuple[Loc, Misconception]]:
    return [
        (("rubric", i, "mistakes", j, "name"), mistake)
        for i, criterion in enumerate(question.rubric)
        for j, mistake in enumerate(criterion.mistakes)
    ]


# --- Follow-ups -----------------------------------------------------------------------------


def _follow_ups(question: Question) -> Findings:
    criteria = [criterion.id for criterion in question.rubric]
    mistakes = [mistake.name for _, mistake in _mistakes(question)]
    if isinstance(question, CodingQuestion):
        mistakes += [solution.name for solution in question.solutions if solution.verdict != "AC"]
    for index, follow_up in enumerate(question.follow_ups):
        loc: Loc = ("follow_ups", index)
        yield from _rule(follow_up.when, (*loc, "when"), criteria, mistakes)
        if follow_up.ask == question.id:
            yield Finding((*loc, "ask"), message("A question cannot follow itself."))


def _rule(
    rule: FollowUpRule, loc: Loc, criteria: Collection[str], mistakes: Collection[str]
) -> Findings:
    if not rule.model_dump(exclude_none=True):
        yield Finding(loc, message("Say when this question is asked: one condition at least."))
    for key, name in (("missed", rule.missed), ("contradicted", rule.contradicted)):
        if name is not None:
            yield from _known(name, criteria, (*loc, key))
    if rule.mistake is not None:
        yield from _known(rule.mistake, mistakes, (*loc, "mistake"))


# --- Code -----------------------------------------------------------------------------------


def _coding(question: CodingQuestion, groups: Collection[str]) -> Findings:
    yield from _unique((("cases", i, "name"), c.name) for i, c in enumerate(question.cases))
    yield from _unique((("solutions", i, "name"), s.name) for i, s in enumerate(question.solutions))
    yield from _unique((("forbid", i), name) for i, name in enumerate(question.forbid))
    yield from _unique((("rules", i, "name"), r.name) for i, r in enumerate(question.rules))
    defined = _entry_point(question)
    for index, case in enumerate(question.cases):
        yield from _case(case, ("cases", index))
        if defined is not None:
            yield from _entry(question, case, ("cases", index), defined)
    for index, rule in enumerate(question.rules):
        yield from _static_rule(question, rule, ("rules", index), defined)
    for index, solution in enumerate(question.solutions):
        yield from _solution(solution, ("solutions", index), groups)
        yield from _rules_and_solution(question, solution, ("solutions", index))
    if question.limits.slowdown is not None and question.reference is None:
        text = message("A relative limit needs an accepted solution to be relative to.")
        yield Finding(("limits", "slowdown"), text)
    if not groups:
        yield Finding(
            ("cases",), message("At least one case must be hidden, or answers can be copied.")
        )
    if question.reference is None:
        text = message(
            "At least one solution must have the verdict AC: it gives the expected outputs."
        )
        yield Finding(("solutions",), text)


def _case(case: Case, loc: Loc) -> Findings:
    if case.sample and case.group is not None:
        yield Finding((*loc, "group"), message("A sample case belongs to no group."))
    if not case.sample and case.group is None:
        yield Finding(loc, message('A hidden case needs a "group"; a shown one, "sample: true".'))
    yield from _way(case, loc)
    if case.generate is not None and not case.seeds:
        yield Finding((*loc, "generate"), message('A generator needs "seeds", one for each case.'))
    if case.generate is None and case.seeds:
        yield Finding((*loc, "seeds"), message('"seeds" are for "generate" only.'))
    for index, seed in enumerate(case.seeds):
        if seed < 0 or seed in case.seeds[:index]:
            text = message("Seeds must differ and not be negative.")
            yield Finding((*loc, "seeds", index), text)
    for place in _numbers_out_of_reach(case, loc):
        text = message('Write a "generate" for numbers that are not finite.')
        yield Finding(place, text)


def _way(case: Case, loc: Loc) -> Findings:
    """Check that a case says once, and in one way, what is called."""
    ways = [name for name in ("args", "calls", "generate") if getattr(case, name) is not None]
    if not ways:
        where = (*loc, "init") if case.init is not None else loc
        yield Finding(where, message('A case needs one of "args", "calls" and "generate".'))
    for other in ways[1:]:
        text = message('"{one}" and "{other}" exclude each other.', one=ways[0], other=other)
        yield Finding((*loc, other), text)
    if case.init is not None and ways not in ([], ["calls"]):
        text = message('"init" belongs to "calls"; a generator returns it: dict(init=…, calls=…).')
        yield Finding((*loc, "init"), text)
    if case.scripted and case.generate is None:
        text = message('"scripted" says what "generate" returns; "init" and "calls" need no word.')
        yield Finding((*loc, "scripted"), text)
    for index, step in enumerate(case.calls or []):
        yield from _step(step, (*loc, "calls", index))


def _step(step: Step, loc: Loc) -> Findings:
    if (step.call is None) == (step.read is None):
        text = message('A step has either "call", with "args", or "read".')
        yield Finding(loc, text)
    if step.args is not None and step.call is None:
        yield Finding((*loc, "args"), message('"args" are for "call" only.'))


def _numbers_out_of_reach(case: Case, loc: Loc) -> Iterator[Loc]:
    yield from _not_finite(case.args or {}, (*loc, "args"))
    yield from _not_finite(case.init or {}, (*loc, "init"))
    for index, step in enumerate(case.calls or []):
        yield from _not_finite(step.args or {}, (*loc, "calls", index, "args"))


def _entry(question: CodingQuestion, case: Case, loc: Loc, defined: Definition) -> Findings:
    """Check that a class is tested by scripts, and a function by calls."""
    name = question.entry_point
    if case.is_script and not defined.is_class:
        key = next(key for key in ("calls", "init", "scripted") if getattr(case, key))
        text = message("{name} is a function: only a class is tested by a script.", name=name)
        yield Finding((*loc, key), text)
    if not case.is_script and defined.is_class:
        text = message(
            '{name} is a class: give "init" and "calls", or "generate" with "scripted: true".',
            name=name,
        )
        yield Finding(loc, text)


def _not_finite(value: object, loc: Loc) -> Iterator[Loc]:
    """Find numbers that the stored document, which is JSON, could not hold."""
    if isinstance(value, float) and not isfinite(value):
        yield loc
    elif isinstance(value, (list, dict)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for step, item in items:
            yield from _not_finite(item, (*loc, step))


def _solution(solution: Solution, loc: Loc, groups: Collection[str]) -> Findings:
    for index, group in enumerate(solution.fails):
        yield from _known(group, groups, (*loc, "fails", index))
    if solution.verdict == "AC":
        if solution.fails:
            yield Finding((*loc, "fails"), message("An accepted solution fails no group."))
        return
    if solution.verdict != "WA":
        return
    if not solution.fails:
        text = message('A wrong solution needs "fails": the groups that must catch it.')
        yield Finding(loc, text)
    if solution.feedback is None:
        text = message('A wrong solution needs "feedback" for whoever makes the same mistake.')
        yield Finding(loc, text)


# --- Static rules ---------------------------------------------------------------------------


def _static_rule(
    question: CodingQuestion, rule: Rule, loc: Loc, defined: Definition | None
) -> Findings:
    if not rule.forbid and not rule.no_loops_over:
        yield Finding(loc, message('A rule needs "forbid" or "no_loops_over".'))
    yield from _unique(((*loc, "forbid", i), name) for i, name in enumerate(rule.forbid))
    named = any(rule.name in criterion.from_rules for criterion in question.rubric)
    if named == (rule.verdict is not None):
        yield Finding(loc, _NO_EFFECT if not named else _TWO_EFFECTS)
    for index, name in enumerate(rule.no_loops_over if defined else []):
        yield from _known(
            name, defined.parameters if defined else (), (*loc, "no_loops_over", index)
        )


_NO_EFFECT = message(
    'This rule has no effect: give it "verdict: NA", or name it in "from_rules" of a criterion.'
)
_TWO_EFFECTS = message(
    'Code that breaks a rule with "verdict: NA" is not run; no criterion can name it.'
)


def _rules_and_solution(question: CodingQuestion, solution: Solution, loc: Loc) -> Findings:
    stopping = {rule.name for rule in question.rules if rule.verdict is not None}
    for index, rule in enumerate(solution.breaks):
        place = (*loc, "breaks", index)
        yield from _known(rule, _rule_names(question), place)
        if rule in stopping and solution.verdict != "NA":
            text = message('Who breaks "{rule}" gets NA: that must be the verdict.', rule=rule)
            yield Finding(place, text)
    if solution.breaks and solution is question.reference:
        yield Finding((*loc, "breaks"), message("The reference must keep every rule."))
    if solution.verdict == "NA" and not (stopping or question.forbid):
        text = message('Nothing here gives NA: it takes "forbid", or a rule with "verdict: NA".')
        yield Finding((*loc, "verdict"), text)


def _entry_point(question: CodingQuestion) -> Definition | None:
    reference = question.reference
    return definition_of(reference.code, question.entry_point) if reference else None


# --- Helpers --------------------------------------------------------------------------------


def _groups(question: Question) -> list[str]:
    """Return the groups of hidden cases, in their order."""
    if not isinstance(question, CodingQuestion):
        return []
    return list(dict.fromkeys(case.group for case in question.cases if case.group is not None))


def _rule_names(question: Question) -> list[str]:
    return [one.name for one in question.rules] if isinstance(question, CodingQuestion) else []


def _unique(named: Named) -> Findings:
    seen: set[str] = set()
    for loc, name in named:
        if name in seen:
            yield Finding(loc, message('"{name}" is used twice.', name=name))
        seen.add(name)


def _known(name: str, known: Collection[str], loc: Loc) -> Findings:
    if name in known:
        return
    guess = closest(name, known)
    if guess is not None:
        text = message('There is no "{name}". Did you mean "{guess}"?', name=name, guess=guess)
    else:
        text = message('There is no "{name}" in this question.', name=name)
    yield Finding(loc, text)


def _code(data: Mapping[str, Any], loc: Loc, defines: str | None) -> Findings:
    code = _text_at(data, loc)
    if code and (flaw := code_flaw(code, defines)):
        yield _inside(loc, flaw)


def _formulas(data: Mapping[str, Any], loc: Loc) -> Findings:
    if flaw := math_flaw(_text_at(data, loc)):
        yield _inside(loc, flaw)


def _inside(loc: Loc, flaw: Flaw) -> Finding:
    return Finding(loc, flaw.message, (flaw.line, flaw.column))


def _length(value: object) -> int:
    return len(value) if isinstance(value, list) else 0


def _text_at(data: object, loc: Loc) -> str:
    """Return the text at `loc`, or "" where there is none."""
    for step in loc:
        if isinstance(data, dict):
            data = data.get(step)
        elif isinstance(data, list) and isinstance(step, int):
            data = data[step]
        else:
            return ""
    return data if isinstance(data, str) else ""
