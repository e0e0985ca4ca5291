"""The shape of a question file and of a paper file: strict, so that a typo is an error."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.kit.i18n import Locale, current_locale

SLUG_PATTERN = r"^[a-z0-9]+(-[a-z0-9]+)*$"
CRITERION_ID_PATTERN = r"^[a-z][a-z0-9_]*$"
IDENTIFIER_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*$"
DOTTED_NAME_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$"

Slug = Annotated[str, StringConstraints(pattern=SLUG_PATTERN, max_length=80)]
CriterionId = Annotated[str, StringConstraints(pattern=CRITERION_ID_PATTERN, max_length=60)]
Identifier = Annotated[str, StringConstraints(pattern=IDENTIFIER_PATTERN, max_length=80)]
DottedName = Annotated[str, StringConstraints(pattern=DOTTED_NAME_PATTERN, max_length=120)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=20_000)]
Code = Annotated[str, StringConstraints(min_length=1, max_length=64_000)]
Points = Annotated[float, Field(ge=0, le=100, multiple_of=0.5)]
Terms = Annotated[list[Annotated[str, StringConstraints(min_length=1)]], Field(min_length=1)]

VerdictCode = Literal["AC", "WA", "TLE", "MLE", "OLE", "RE", "IO", "NA"]


class Strict(BaseModel):
    """Base of every model here: unknown keys are errors, instances do not change."""

    # The text below a field is its description in the JSON Schema, which editors show.
    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False
    )


class Localized(Strict):
    """A text in both languages."""

    zh: Text
    """The text in Chinese."""
    en: Text
    """The text in English."""

    def text(self, locale: Locale | None = None) -> str:
        """Return the text in `locale`, or in the language of the context."""
        return self.zh if (locale or current_locale()) == "zh" else self.en

    def __str__(self) -> str:
        return self.text()


class Source(Strict):
    """Where a fact of the question can be checked."""

    title: Text
    """Book, paper, manual or page."""
    locator: str = ""
    """Chapter, section, page or address."""


# --- Rubric ---------------------------------------------------------------------------------


class Level(Strict):
    """One grade of a criterion that a mentor can choose."""

    points: Points
    """Points of this grade; the first level has 0, the last all of the criterion's."""
    wording: Localized
    """What an answer of this grade is like."""


class Pattern(Strict):
    """Groups of synonyms that must all occur in one sentence or the next."""

    all_of: Annotated[list[Terms], Field(min_length=1)]
    """Lists of synonyms; one of each must occur."""


class Match(Strict):
    """Something to look for in an answer: any one pattern or any one formula suffices."""

    any_of: list[Pattern] = []
    """Patterns; any one suffices."""
    formula: list[str] = []
    """Formulas in any spelling; `@` stands for any expression."""


class PartialMatch(Match):
    """Evidence that earns fewer points than the whole criterion."""

    points: Points
    """Fewer points than the criterion has."""


class Evidence(Match):
    """What earns a criterion its points.

    Either `any_of`/`formula` for all of them (with `partial` for fewer), or `parts` whose
    points add up, for a criterion made of halves.
    """

    partial: PartialMatch | None = None
    """Evidence that earns fewer points when the whole is not there."""
    parts: list[PartialMatch] = []
    """Halves (or thirds) of the criterion, whose points add up to its points."""


class Misconception(Strict):
    """A named wrong statement, with the feedback that it earns."""

    name: Slug
    """Named by follow-ups and in reports."""
    any_of: Annotated[list[Pattern], Field(min_length=1)] | None = None
    """Patterns; any one suffices."""
    all_of: Annotated[list[Terms], Field(min_length=1)] | None = None
    """The short spelling of a single pattern."""
    feedback: Localized
    """What whoever writes this is told."""

    def patterns(self) -> list[Pattern]:
        """Return its patterns, whichever of the two spellings was used."""
        return [*(self.any_of or []), *([Pattern(all_of=self.all_of)] if self.all_of else [])]


class Examples(Strict):
    """Answers that must earn a criterion's full points, and answers that must earn none."""

    full: list[Text] = []
    """Answers that earn the criterion's full points."""
    none: list[Text] = []
    """Answers that earn nothing."""


class Criterion(Strict):
    """One aspect that is judged."""

    id: CriterionId
    """Unique in the question: lower-case letters, digits and underscores."""
    points: Annotated[float, Field(gt=0, le=100, multiple_of=0.5)]
    """The most points it can earn, in halves."""
    title: Localized | None = None
    """What is judged, in one line."""
    levels: list[Level] = []
    """What mentors choose from, from 0 points upwards."""
    from_groups: list[Slug] = []
    """Case groups whose passed share earns the points (coding questions)."""
    from_rules: list[Slug] = []
    """Rules that must be kept: who breaks one earns nothing here (coding questions).

    Without `from_groups`, the share of all hidden cases earns the points: empty code keeps rules.
    """
    evidence: Evidence | None = None
    """What the automatic suggestion looks for in an answer in words."""
    mistakes: list[Misconception] = []
    """Named misconceptions: no points, but feedback and follow-ups."""
    examples: Examples = Examples()
    """Answers by the author that teach and test the suggestion."""


# --- Questions ------------------------------------------------------------------------------


class FollowUpRule(Strict):
    """When a follow-up question is asked."""

    verdict: VerdictCode | None = None
    """The verdict of the last submission."""
    missed: CriterionId | None = None
    """A criterion that earned nothing."""
    contradicted: CriterionId | None = None
    """A criterion that the answer contradicts."""
    mistake: Slug | None = None
    """A misconception or a wrong solution that was recognised."""
    score_below: Annotated[float, Field(ge=0, le=1)] | None = None
    """The share of all points, 0 to 1, that was not reached."""


class FollowUp(Strict):
    """A question asked because of what the answer lacked or got wrong."""

    when: FollowUpRule
    """All conditions given must hold."""
    ask: Slug
    """The id of the question to ask."""


class QuestionBase(Strict):
    """What every kind of question has."""

    id: Slug
    """Equal to the file's name; never changes."""
    title: Localized
    """One line, in both languages."""
    topics: list[Slug] = []
    """For filters and for the report of weak spots."""
    difficulty: Literal["easy", "medium", "hard"] = "medium"
    """As a first-round interviewer would call it."""
    minutes: Annotated[int, Field(ge=1, le=240)] = 5
    """Suggested minutes."""
    prompt: Localized
    """Markdown; formulas between `$` or `$$`."""
    rubric: Annotated[list[Criterion], Field(min_length=1)]
    """What is judged; the points of all criteria are the question's points."""
    reference_answer: Localized | None = None
    """Shown in the report after the interview; Markdown."""
    follow_ups: list[FollowUp] = []
    """Questions asked because of what the answer lacked or got wrong."""
    sources: list[Source] = []
    """Where the facts can be checked."""

    @property
    def points(self) -> float:
        """The points of all criteria together."""
        return sum(criterion.points for criterion in self.rubric)


class Limits(Strict):
    """What one call of the candidate's function may use: numbers, not texts or truths."""

    model_config = ConfigDict(strict=True)

    cpu_seconds: Annotated[float, Field(ge=0.01, le=60)] = 2.0
    """Seconds of CPU of one call."""
    wall_seconds: Annotated[float, Field(ge=0.01, le=120)] = 6.0
    """Seconds of wall clock of one call."""
    memory_mb: Annotated[int, Field(ge=16, le=1024)] = 256
    """MiB of memory of one call, numpy included."""
    slowdown: Annotated[float, Field(gt=1, le=1000)] | None = None
    """How many times the CPU of the reference a call may use; `cpu_seconds` stays the most."""


class CloseChecker(Strict):
    """Numbers may differ by ``atol + rtol * |expected|``; shape and dtype kind may not."""

    name: Literal["close"] = "close"
    rtol: Annotated[float, Field(ge=0, le=1)] = 1e-6
    """Relative to the expected number."""
    atol: Annotated[float, Field(ge=0, le=1)] = 1e-8
    """Absolute; must be far below the expected numbers, or zeros pass."""


class ExactChecker(Strict):
    """Every value, type and shape must be equal."""

    name: Literal["exact"]


class SameSetChecker(Strict):
    """The same items in any order, as often as expected."""

    name: Literal["same_set"]


class PropertyChecker(Strict):
    """Many outputs are right: the author's code says whether this is one of them."""

    name: Literal["property"]
    code: Code
    """Code that defines `check(args, output, expected)`: True, or False or a text that says why."""


Checker = Annotated[
    CloseChecker | ExactChecker | SameSetChecker | PropertyChecker, Field(discriminator="name")
]


class Step(Strict):
    """One step of a script: a method that is called, or an attribute that is read."""

    call: Identifier | None = None
    """The method to call."""
    args: dict[Identifier, Any] | None = None
    """Keyword arguments of the method; lists of numbers become arrays."""
    read: Identifier | None = None
    """The attribute to read."""


class Case(Strict):
    """Arguments for one call, a script for an object, or a generator of either.

    A generator makes one case for each seed.
    """

    name: Slug
    """Unique in the question."""
    sample: bool = False
    """Shown to candidates with everything that happens in it; hidden otherwise."""
    group: Slug | None = None
    """Hidden cases that count together."""
    args: dict[Identifier, Any] | None = None
    """Keyword arguments; lists of numbers become arrays."""
    init: dict[Identifier, Any] | None = None
    """Keyword arguments for the class; lists of numbers become arrays."""
    calls: Annotated[list[Step], Field(min_length=1, max_length=100)] | None = None
    """What is then done with the object, in order; each step's result is compared."""
    scripted: bool = False
    """`generate` returns `dict(init={…}, calls=[(method, {…}), (attribute, None), …])`."""
    generate: Code | None = None
    """Code that defines `generate(rng)`, which returns the arguments as a dict."""
    seeds: Annotated[list[int], Field(max_length=50)] = []
    """One case for each seed of `generate`."""
    inputs_unmodified: bool = False
    """The function must leave its arguments as they were."""
    checker: Checker | None = None
    """Instead of the question's checker."""

    @property
    def is_script(self) -> bool:
        """Whether an object is made and used, instead of one call of a function."""
        return self.scripted or self.init is not None or self.calls is not None


class Rule(Strict):
    """Something that the text of a program may not contain; found without running it."""

    name: Slug
    """Unique in the question."""
    forbid: Annotated[list[DottedName], Field(max_length=50)] = []
    """Names that may not be used, as in `np.var` or `torch`; aliases are seen through."""
    no_loops_over: Annotated[list[Identifier], Field(max_length=20)] = []
    """Arguments that no Python loop, comprehension or recursion may run over."""
    verdict: Literal["NA"] | None = None
    """`NA`: code that breaks the rule is not run; without it, a criterion names the rule."""
    feedback: Localized | None = None
    """What whoever breaks it is told."""


class Solution(Strict):
    """A program by the author, with the verdict that it must earn."""

    name: Slug
    """Unique in the question."""
    verdict: VerdictCode
    """AC for a reference; anything else is a foreseen mistake."""
    fails: list[Slug] = []
    """Groups that must not pass with this solution."""
    breaks: list[Slug] = []
    """Rules that this solution must break."""
    feedback: Localized | None = None
    """What whoever makes this mistake is told."""
    code: Code
    """A whole program that defines the entry point."""


class CodingQuestion(QuestionBase):
    """A function to write, judged by test cases."""

    kind: Literal["coding"]
    """`coding`: a function to write."""
    entry_point: Identifier
    """The function or class to write."""
    starter: str = ""
    """Code that the editor begins with."""
    limits: Limits = Limits()
    """Limits of each call."""
    forbid: Annotated[list[DottedName], Field(max_length=50)] = []
    """Names that may not be used, as in `np.var` or `torch`: the verdict is NA, no code is run."""
    rules: Annotated[list[Rule], Field(max_length=20)] = []
    """Named rules about the text of the program."""
    checker: Checker = CloseChecker()
    """How outputs are compared with the reference's."""
    cases: Annotated[list[Case], Field(min_length=1, max_length=100)]
    """Samples are shown, the others are hidden."""
    solutions: Annotated[list[Solution], Field(min_length=1, max_length=50)]
    """At least one is accepted; its outputs are the expected ones."""

    @property
    def reference(self) -> Solution | None:
        """The solution whose outputs are the expected ones: the first accepted one."""
        return next((one for one in self.solutions if one.verdict == "AC"), None)


class ConceptualQuestion(QuestionBase):
    """A question answered in words, with evidence that the machine can look for."""

    kind: Literal["conceptual"]
    """`conceptual`: an answer in words, with evidence to look for."""


class OpenQuestion(QuestionBase):
    """A question answered in words that only a mentor can judge."""

    kind: Literal["open"]
    """`open`: an answer in words that only a mentor judges."""


Question = Annotated[
    CodingQuestion | ConceptualQuestion | OpenQuestion, Field(discriminator="kind")
]


# --- Papers ---------------------------------------------------------------------------------


class PaperItem(Strict):
    """One question of a paper, with the minutes suggested for it."""

    question: Slug
    """The id of a question of the bank."""
    minutes: Annotated[int, Field(ge=1, le=240)]
    """Suggested minutes."""


class Paper(Strict):
    """A list of questions with a clock and rules.

    `minutes` is the length of the whole interview; without it there is no clock (practice).
    `max_submissions` bounds the submissions of one attempt.
    """

    id: Slug
    """Equal to the file's name."""
    title: Localized
    """One line, in both languages."""
    description: Localized
    """What awaits the candidate."""
    minutes: Annotated[int, Field(ge=1, le=480)] | None = None
    """Length of the whole interview; without it there is no clock."""
    max_submissions: Annotated[int, Field(ge=1, le=100)] = 20
    """Submissions of one attempt."""
    items: Annotated[list[PaperItem], Field(min_length=1, max_length=50)]
    """The questions in their order."""
