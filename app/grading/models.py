"""Tables of grading: jobs, what each case came to, and the authors' reference data."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import PUBLIC_ID, Base, new_public_id


class GradingJob(Base):
    """The work of running the samples for a text, or of grading a submission.

    Its stages: queued, leased (a sandbox is there), ran (the last case has ended), judged. Each
    is the time of the try that led to the verdict; `findings` are the static rules it breaks.

    Its state is about the machine and derived from these facts: queued, running (`claim`
    set), done (`judged_at`), failed (`failed_at`). The verdict is about the program.
    """

    __tablename__ = "grading_jobs"
    __table_args__ = (Index("ix_grading_jobs_open", "judged_at", "failed_at", "queued_at"),)

    id: Mapped[str] = mapped_column(PUBLIC_ID, primary_key=True, default=new_public_id)
    interview_id: Mapped[str] = mapped_column(ForeignKey("interviews.id"))
    attempt_id: Mapped[str] = mapped_column(ForeignKey("attempts.id"), index=True)
    question_version_id: Mapped[int] = mapped_column(ForeignKey("question_versions.id"))
    submission_id: Mapped[int | None] = mapped_column(ForeignKey("submissions.id"), unique=True)
    text: Mapped[str] = mapped_column(Text)

    queued_at: Mapped[datetime]
    claim: Mapped[str | None] = mapped_column(PUBLIC_ID)
    claimed_until: Mapped[datetime | None]
    leased_at: Mapped[datetime | None]
    ran_at: Mapped[datetime | None]
    judged_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(default=0)
    waits: Mapped[int] = mapped_column(default=0)  # times it found no engine or no sandbox
    problem: Mapped[str | None] = mapped_column(String(40))

    verdict: Mapped[str | None] = mapped_column(String(4))
    score: Mapped[float | None]
    mistake: Mapped[str | None] = mapped_column(String(80))
    findings: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)


class CaseResult(Base):
    """What one case came to. Texts are kept for sample cases only.

    `rerun` says that a time-out near the limit was run again, and that this is the better run.
    """

    __tablename__ = "case_results"
    __table_args__ = (UniqueConstraint("job_id", "position"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("grading_jobs.id"))
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(120))
    group: Mapped[str | None] = mapped_column(String(80))
    sample: Mapped[bool]
    verdict: Mapped[str] = mapped_column(String(4))
    cpu_ms: Mapped[float]
    wall_ms: Mapped[float]
    memory_kb: Mapped[int]
    rerun: Mapped[bool] = mapped_column(default=False)
    stdout: Mapped[str | None] = mapped_column(Text)
    arguments: Mapped[str | None] = mapped_column(Text)
    expected: Mapped[str | None] = mapped_column(Text)
    got: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[dict[str, Any] | None]


class ReferenceCase(Base):
    """A case of a published version, expanded: encoded arguments and expected output.

    `reference_cpu_ms` is what the reference used, `calibration_cpu_ms` what the calibration program
    used in the same sandbox (only where the limit is relative): together they are the limit.
    """

    __tablename__ = "reference_cases"
    __table_args__ = (UniqueConstraint("question_version_id", "position"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    question_version_id: Mapped[int] = mapped_column(ForeignKey("question_versions.id"))
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(120))
    group: Mapped[str | None] = mapped_column(String(80))
    sample: Mapped[bool]
    args: Mapped[bytes] = mapped_column(LargeBinary)
    expected: Mapped[bytes] = mapped_column(LargeBinary)
    checker: Mapped[dict[str, Any]]
    inputs_unmodified: Mapped[bool]
    scripted: Mapped[bool] = mapped_column(default=False)
    reference_cpu_ms: Mapped[float] = mapped_column(default=0.0)
    calibration_cpu_ms: Mapped[float | None]


class MistakeOutput(Base):
    """What a declared wrong solution returned for a case, to recognise it in others' code."""

    __tablename__ = "mistake_outputs"
    __table_args__ = (UniqueConstraint("question_version_id", "solution", "position"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    question_version_id: Mapped[int] = mapped_column(ForeignKey("question_versions.id"))
    solution: Mapped[str] = mapped_column(String(80))
    position: Mapped[int]
    output: Mapped[bytes] = mapped_column(LargeBinary)
