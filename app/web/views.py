"""What templates are given: plain, already translated, nothing lazy and nothing to query."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from markupsafe import Markup

QuestionKind = Literal["coding", "conceptual", "open"]
InterviewState = Literal["scheduled", "running", "finished", "reviewed"]
Role = Literal["candidate", "mentor", "admin"]
AttemptState = Literal["empty", "draft", "submitted"]
StageName = Literal["queued", "leased", "ran", "judged"]
JobState = Literal["queued", "running", "done", "failed"]
BankState = Literal["live", "checking", "draft", "retired"]
Confidence = Literal["confident", "suggested", "needs_mentor"]

GOOD_SHARE = 0.8  # of a question's points: from here on there is more to gain elsewhere


@dataclass(frozen=True, slots=True)
class UserView:
    """The person who is signed in."""

    id: int
    email: str
    display_name: str
    role: Role


@dataclass(frozen=True, slots=True)
class PaperCard:
    """A paper in a list; `minutes` is None where there is no clock."""

    id: str
    title: str
    description: str
    minutes: int | None
    question_count: int


@dataclass(frozen=True, slots=True)
class QuestionCard:
    """A live question in a list."""

    id: str
    title: str
    kind: QuestionKind
    topics: Sequence[str]
    difficulty: Literal["easy", "medium", "hard"]
    minutes: int


@dataclass(frozen=True, slots=True)
class InterviewCard:
    """An interview in its candidate's own list."""

    id: str
    title: str
    state: InterviewState
    started_at: datetime
    finished_at: datetime | None
    score: float | None
    max_score: float
    score_is_published: bool


@dataclass(frozen=True, slots=True)
class PaperItemView:
    """A question of a paper on the rules page."""

    position: int
    title: str
    kind: QuestionKind
    minutes: int
    points: float


@dataclass(frozen=True, slots=True)
class PaperView:
    """The rules page. `coding_problem` says that code cannot be run here, if it cannot."""

    id: str
    title: str
    description: str
    minutes: int | None
    max_submissions: int
    items: Sequence[PaperItemView]
    coding_problem: str | None
    running_interview_id: str | None


@dataclass(frozen=True, slots=True)
class CaseView:
    """One row of the verdict table. Everything but name, verdict and figures is None if hidden.

    `reason` says why it is wrong, or what was raised; `hints` what may have led to it.
    """

    name: str
    verdict: str
    cpu_ms: float
    wall_ms: float
    memory_kb: int
    stdout: str | None = None
    arguments: str | None = None
    expected: str | None = None
    got: str | None = None
    reason: str | None = None
    hints: Sequence[str] = ()
    rerun: bool = False  # the better of two runs: the first was near the time limit
    ran: bool = True  # not what a rule stopped, nor what came after a time-out


@dataclass(frozen=True, slots=True)
class GroupView:
    """How many cases of a hidden group passed; `verdict` is the first that was not AC.

    `name` is the author's slug, `title` what people read; `cpu_ms` is that of
    the slowest case, rounded up to 10, 20, 50, …, or None where none was run.
    """

    name: str
    title: str
    passed: int
    total: int
    verdict: str
    cpu_ms: int | None


@dataclass(frozen=True, slots=True)
class StageView:
    """A stage that a job went through: queued, leased, ran, judged.

    `at` is whole seconds; `took_ms` is how long the stage before lasted, in steps of 10.
    """

    name: StageName
    title: str
    at: datetime
    took_ms: int | None


@dataclass(frozen=True, slots=True)
class JobView:
    """A run of the samples or the grading of a submission.

    `cases` holds the sample cases; hidden cases appear only in `groups`, and for mentors, without
    their names, in `hidden`. `ahead` counts the jobs that wait before this one, where waiting its
    turn is all it has to do; `waits` how often it found no engine or no sandbox.
    """

    id: str
    purpose: Literal["run", "submission"]
    submission_number: int | None
    state: JobState
    queued_at: datetime
    verdict: str | None = None
    verdict_name: str | None = None  # "Wrong Answer", translated
    verdict_meaning: str | None = None  # one sentence, translated
    score: float | None = None  # share of the points that come from cases, 0 to 1
    problem: str | None = None  # why it failed or waits, translated
    mistake: str | None = None  # the author's feedback for a recognised mistake
    cases: Sequence[CaseView] = ()
    groups: Sequence[GroupView] = ()
    run_ms: int | None = None  # all cases together, in steps of 10; None for code that was not run
    ahead: int | None = None
    waits: int = 0
    findings: Sequence[str] = ()  # what the question forbids, by line
    stages: Sequence[StageView] = ()
    hidden: Sequence[CaseView] = ()


@dataclass(frozen=True, slots=True)
class AttemptTab:
    """One entry of the question list beside the prompt."""

    id: str
    position: int
    title: str
    kind: QuestionKind
    minutes: int
    state: AttemptState
    is_current: bool


@dataclass(frozen=True, slots=True)
class SubmissionView:
    """A text that was handed in."""

    number: int
    text: str
    submitted_at: datetime
    automatic: bool
    job: JobView | None = None


@dataclass(frozen=True, slots=True)
class AttemptView:
    """The question on screen with everything that its candidate has made of it.

    `prompt` is safe HTML with formulas as ``<span class="math" data-tex="…">`` (``math-block``
    for displayed ones).
    """

    id: str
    kind: QuestionKind
    title: str
    prompt: Markup
    points: float
    minutes: int
    starter: str
    draft: str
    draft_sequence: int
    draft_saved_at: datetime | None
    submissions: Sequence[SubmissionView]
    submissions_left: int
    jobs: Sequence[JobView]  # newest first
    limits: str | None = None  # what each call of code may use
    not_allowed: Sequence[str] = ()  # what keeps code from being run


@dataclass(frozen=True, slots=True)
class RoomView:
    """The page of a running interview; `remaining_ms` is None in practice."""

    interview_id: str
    title: str
    minutes: int | None
    remaining_ms: int | None
    tabs: Sequence[AttemptTab]
    attempt: AttemptView
    previous_id: str | None
    next_id: str | None
    coding_problem: str | None


@dataclass(frozen=True, slots=True)
class LevelView:
    """A level that a mentor can choose."""

    points: float
    wording: str


@dataclass(frozen=True, slots=True)
class CriterionView:
    """One criterion of a report or review.

    `suggested` are the machine's points with its confidence; `points` are the mentor's. Evidence
    is the answer cut into pieces, each marked or not.
    """

    id: str
    title: str
    max_points: float
    levels: Sequence[LevelView]
    suggested: float | None
    confidence: Confidence | None
    evidence: Sequence[str]  # the clauses that earned it
    mistakes: Sequence[str]  # feedback for recognised misconceptions
    points: float | None = None
    comment: str = ""
    source: str | None = None  # where a suggestion comes from: "2 / 3 cases", "keyword evidence"


@dataclass(frozen=True, slots=True)
class AnsweredView:
    """One question of a report or review with the answer and its scores."""

    attempt_id: str
    question_id: str
    position: int
    kind: QuestionKind
    title: str
    prompt: Markup
    answer: str  # the submission that counts, or ""
    answer_html: Markup  # the answer as safe Markdown, or the highlighted code
    answer_pieces: Sequence[tuple[str, bool]]  # (text, is evidence), for text answers
    submissions: Sequence[SubmissionView]
    counted: SubmissionView | None  # the one that is scored: the best for code, the last for words
    criteria: Sequence[CriterionView]
    points: float | None
    max_points: float
    reference_answer: Markup | None

    @property
    def share(self) -> float | None:
        """The share of its points that it earned, 0 to 1, or None where nobody has judged yet."""
        return None if self.points is None else self.points / self.max_points


@dataclass(frozen=True, slots=True)
class EventView:
    """One line of the transcript."""

    sequence: int
    at: datetime
    offset: str  # mm:ss since the start
    action: str  # "attempt:submitted"
    summary: str  # a translated sentence
    attempt_position: int | None
    detail: str | None = None  # code or text, shown folded
    stages: Sequence[StageView] = ()  # of the job that was judged
    verdict: str | None = None  # of that job
    rerun: bool = False  # a case of it was run twice


@dataclass(frozen=True, slots=True)
class ReportView:
    """A finished interview as its candidate sees it."""

    interview_id: str
    title: str
    candidate: str
    state: InterviewState
    started_at: datetime
    finished_at: datetime
    finished_by: Literal["candidate", "time"]
    minutes: int | None
    points: float | None
    max_points: float
    published_at: datetime | None
    mentor: str | None
    summary: str  # the mentor's overall comment
    answers: Sequence[AnsweredView]
    events: Sequence[EventView]

    @property
    def weakest(self) -> Sequence[AnsweredView]:
        """What to practise next: the questions that lost the most, at most three of them."""
        judged = [(answer.share, answer) for answer in self.answers if answer.share is not None]
        lacking = [(share, answer) for share, answer in judged if share < GOOD_SHARE]
        return [answer for _, answer in sorted(lacking, key=lambda pair: pair[0])[:3]]


@dataclass(frozen=True, slots=True)
class ReviewCard:
    """A finished interview in the mentors' queue."""

    interview_id: str
    title: str
    candidate: str
    finished_at: datetime
    suggested: float | None
    max_points: float
    needs_mentor: int  # criteria that the machine would not decide
    state: InterviewState
    published_at: datetime | None


@dataclass(frozen=True, slots=True)
class DiagnosticView:
    """An error in a question file."""

    line: int
    column: int
    message: str


@dataclass(frozen=True, slots=True)
class BankEntryView:
    """A question in the admins' list."""

    id: str
    path: str
    title: str
    kind: QuestionKind | None
    state: BankState
    problems: Sequence[DiagnosticView] = ()
    gate: str | None = None  # what the publishing gate found
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PersonView:
    """A user in the admins' list."""

    id: int
    email: str
    display_name: str
    role: Role
    created_at: datetime


@dataclass(frozen=True, slots=True)
class HealthItem:
    """One line of the health page and of ``yimian doctor``."""

    name: str
    state: Literal["ok", "warning", "error"]
    detail: str


@dataclass(frozen=True, slots=True)
class FormView:
    """What a form shows after a mistake: the values that were typed, the errors by field."""

    values: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
