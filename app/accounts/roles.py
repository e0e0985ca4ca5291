"""What a person may be."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """A person's role; each includes what the ones before it may do in the reviews."""

    CANDIDATE = "candidate"
    MENTOR = "mentor"
    ADMIN = "admin"
