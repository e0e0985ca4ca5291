"""The clock of an interview, for the page to count by."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from app.interviews.states import state_of
from app.interviews.timing import remaining_ms
from app.web.dependencies import InterviewDep, RuntimeDep

router = APIRouter()


@router.get("/interviews/{interview_id}/clock", name="interview_clock")
def interview_clock(runtime: RuntimeDep, interview: InterviewDep) -> dict[str, Any]:
    """Return the milliseconds left, never a moment: the browser's clock may be wrong."""
    left = remaining_ms(interview.deadline_at, runtime.clock.now())
    return {"remaining_ms": left, "state": state_of(interview).value}
