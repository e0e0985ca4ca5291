"""Who may do what: one table, by route name. A route that is missing here does not start."""

from __future__ import annotations

from enum import StrEnum


class Access(StrEnum):
    """What a route asks of its visitor."""

    PUBLIC = "public"  # anybody
    SIGNED_IN = "signed in"  # any person
    OWNER = "owner"  # the candidate of the interview (attempt, job) that the path names
    READER = "reader"  # its candidate, or a mentor once it is finished
    MENTOR = "mentor"  # mentors and admins; an interview must be finished and not their own
    ADMIN = "admin"  # admins


ACCESS: dict[str, Access] = {
    # operation: no login, no cookie, no form token
    "healthz": Access.PUBLIC,
    "readyz": Access.PUBLIC,
    "metrics": Access.PUBLIC,  # to whoever shows the operator's token
    # pages for everybody
    "home": Access.PUBLIC,
    "show_verdicts": Access.PUBLIC,
    "register": Access.PUBLIC,
    "sign_in": Access.PUBLIC,
    "choose_language": Access.PUBLIC,
    "sign_out": Access.SIGNED_IN,
    "preferences": Access.SIGNED_IN,
    # candidates
    "list_papers": Access.SIGNED_IN,
    "show_paper": Access.SIGNED_IN,
    "start_interview": Access.SIGNED_IN,
    "start_practice": Access.SIGNED_IN,
    "show_interview": Access.OWNER,
    "finish_interview": Access.OWNER,
    "show_attempt": Access.OWNER,
    "show_report": Access.OWNER,
    "show_transcript": Access.READER,
    "export_transcript": Access.READER,
    # the JSON interface of the interview page
    "interview_clock": Access.OWNER,
    "save_draft": Access.OWNER,
    "run_samples": Access.OWNER,
    "submit_answer": Access.OWNER,
    "show_job": Access.OWNER,
    "stream_events": Access.OWNER,
    "preview_markdown": Access.SIGNED_IN,
    # mentors
    "list_reviews": Access.MENTOR,
    "show_review": Access.MENTOR,
    # admins
    "list_questions": Access.ADMIN,
    "show_question": Access.ADMIN,
    "reload_bank": Access.ADMIN,
    "list_people": Access.ADMIN,
    "change_role": Access.ADMIN,
    "show_health": Access.ADMIN,
}
