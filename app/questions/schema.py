"""The shape of a question file and of a paper file: strict, so that a typo is an error."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.kit.i18n import Locale, current_locale

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80)]
CriterionId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=80)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=20_000)]
Code = Annotated[str, StringConstraints(min_length=1, max_length=64_000)]
Points = Annotated[float, Field(ge=0, le=100, multiple_of=0.5)]
Terms = Annotated[list[Annotated[str, StringConstraints(min_length=1)]], Field(min_length=1)]

VerdictCode = Literal["AC", "WA", "TLE", "MLE", "OLE", "RE", "IO", "NA"]


class Strict(BaseModel):
    """Base of every model here: unknown keys are errors, instances do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Localized(Strict):
    """A text in both languages."""

    zh: Text
    en: Text

    def text(self, locale: Locale | None = None) -> str:
        """Return the text in `locale`, or in the language of the context."""
        return self.zh if (locale or current_locale()) == "zh" else self.en

    def __str__(self) -> str:
        return self.text()


class Source(Strict):
    """Where a fact of the question can be checked."""

    title: Text
    locator: str = ""


# --- Rubric ---------------------------------------------------------------------------------


class Level(Strict):
    """One grade of a criterion that a mentor can choose."""

    points: Points
    wording: Localized


class Pattern(Strict):
    """Groups of synonyms that must all occur in one sentence or the next."""

    all_of: Annotated[list[Terms], Field(min_length=1)]


class Match(Strict):
    """Something to look for in an answer: any one pattern or any one formula suffices."""

    any_of: list[Pattern] = []
    formula: list[str] = []


class PartialMatch(Match):
    """Evidence that earns fewer points than the whole criterion."""

    points: Points


class Evidence(Match):
    """What earns a criterion its points.

    Either `any_of`/`formula` for all of them (with `partial` for fewer), or `parts` whose
    points add up, for a criterion made of halves.
    """

    partial: PartialMatch | None = None
    parts: list[PartialMatch] = []


class Misconception(Strict):
    """A named wrong statement, with the feedback that it earns."""

    name: Slug
    any_of: Annotated[list[Pattern], Field(min_length=1)] = []
    all_of: Annotated[list[Terms], Field(min_length=1)] | None = None
    feedback: Localized

    def patterns(self) -> list[Pattern]:
        """Return its patterns, whichever of the two spellings was used."""
        return [*self.any_of, *([Pattern(all_of=self.all_of)] if self.all_of else [])]


class Examples(Strict):
    """Answers that must earn a criterion's full points, and answers that must earn none."""

    full: list[Text] = []
    none: list[Text] = []


class Criterion(Strict):
    """One aspect that is judged."""

    id: CriterionId
    points: Annotated[float, Field(gt=0, le=100, multiple_of=0.5)]
    title: Localized | None = None
    levels: list[Level] = []
    from_groups: list[Slug] = []
    evidence: Evidence | None = None
    mistakes: list[Misconception] = []
    examples: Examples = Examples()


# --- Questions ------------------------------------------------------------------------------


class FollowUpRule(Strict):
    """When a follow-up question is asked."""

    verdict: VerdictCode | None = None
    missed: CriterionId | None = None
    contradicted: CriterionId | None = None
    mistake: Slug | None = None
    score_below: Annotated[float, Field(ge=0, le=1)] | None = None


class FollowUp(Strict):
    """A question asked because of what the answer lacked or got wrong."""

    when: FollowUpRule
    ask: Slug


class QuestionBase(Strict):
    """What every kind of question has."""

    id: Slug
    title: Localized
    topics: list[Slug] = []
    difficulty: Literal["easy", "medium", "hard"] = "medium"
    minutes: Annotated[int, Field(ge=1, le=240)] = 5
    prompt: Localized
    rubric: Annotated[list[Criterion], Field(min_length=1)]
    reference_answer: Localized | None = None
    follow_ups: list[FollowUp] = []
    sources: list[Source] = []

    @property
    def points(self) -> float:
        """The points of all criteria together."""
        return sum(criterion.points for criterion in self.rubric)


class Limits(Strict):
    """What one call of the candidate's function may use."""

    cpu_seconds: Annotated[float, Field(gt=0, le=60)] = 2.0
    wall_seconds: Annotated[float, Field(gt=0, le=120)] = 6.0
    memory_mb: Annotated[int, Field(ge=16, le=1024)] = 256


class CloseChecker(Strict):
    """Numbers may differ by ``atol + rtol * |expected|``; shape and dtype kind may not."""

    name: Literal["close"] = "close"
    rtol: Annotated[float, Field(ge=0, le=1)] = 1e-6
    atol: Annotated[float, Field(ge=0, le=1)] = 1e-8


class ExactChecker(Strict):
    """Every value, type and shape must be equal."""

    name: Literal["exact"]


class SameSetChecker(Strict):
    """The same items in any order, as often as expected."""

    name: Literal["same_set"]


Checker = Annotated[CloseChecker | ExactChecker | SameSetChecker, Field(discriminator="name")]


class Case(Strict):
    """Arguments for one call, or a generator of them (one case for each seed)."""

    name: Slug
    sample: bool = False
    group: Slug | None = None
    args: dict[Identifier, Any] | None = None
    generate: Code | None = None
    seeds: Annotated[list[int], Field(max_length=50)] = []
    inputs_unmodified: bool = False
    checker: Checker | None = None


class Solution(Strict):
    """A program by the author, with the verdict that it must earn."""

    name: Slug
    verdict: VerdictCode
    fails: list[Slug] = []
    feedback: Localized | None = None
    code: Code


class CodingQuestion(QuestionBase):
    """A function to write, judged by test cases."""

    kind: Literal["coding"]
    entry_point: Identifier
    starter: str = ""
    limits: Limits = Limits()
    checker: Checker = CloseChecker()
    cases: Annotated[list[Case], Field(min_length=1, max_length=100)]
    solutions: Annotated[list[Solution], Field(min_length=1, max_length=50)]


class ConceptualQuestion(QuestionBase):
    """A question answered in words, with evidence that the machine can look for."""

    kind: Literal["conceptual"]


class OpenQuestion(QuestionBase):
    """A question answered in words that only a mentor can judge."""

    kind: Literal["open"]


Question = Annotated[
    CodingQuestion | ConceptualQuestion | OpenQuestion, Field(discriminator="kind")
]


# --- Papers ---------------------------------------------------------------------------------


class PaperItem(Strict):
    """One question of a paper, with the minutes suggested for it."""

    question: Slug
    minutes: Annotated[int, Field(ge=1, le=240)]


class Paper(Strict):
    """A list of questions with a clock and rules.

    `minutes` is the length of the whole interview; without it there is no clock (practice).
    `max_submissions` bounds the submissions of one attempt.
    """

    id: Slug
    title: Localized
    description: Localized
    minutes: Annotated[int, Field(ge=1, le=480)] | None = None
    max_submissions: Annotated[int, Field(ge=1, le=100)] = 20
    items: Annotated[list[PaperItem], Field(min_length=1, max_length=50)]
