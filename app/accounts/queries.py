"""Reads of people and logins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, or_, select

from app.accounts.models import Login, User
from app.accounts.passwords import hash_token

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session


def user_by_email(session: Session, email: str) -> User | None:
    """Return the person with this address, whatever its case."""
    if not email.isprintable():  # no address is stored that is not, and a database may choke
        return None
    return session.scalar(select(User).where(User.email == email.strip().lower()))


def user_for_update(session: Session, user_id: int) -> User:
    """Return a person, locked against other writers until the transaction ends.

    Rows that point to the person, as a login does, may still be added meanwhile.
    """
    return session.scalars(
        select(User).where(User.id == user_id).with_for_update(key_share=True)
    ).one()


def login_by_token(session: Session, token: str, now: datetime) -> tuple[Login, User] | None:
    """Return the login that a cookie's token belongs to, if it is still good."""
    hashed = hash_token(token)
    row = session.execute(
        select(Login, User)
        .join(User, User.id == Login.user_id)
        .where(or_(Login.token_hash == hashed, Login.previous_token_hash == hashed))
        .where(Login.expires_at > now)
    ).one_or_none()
    return (row[0], row[1]) if row else None


def everybody(session: Session) -> Sequence[User]:
    """Return all people, newest first."""
    return session.scalars(select(User).order_by(User.id.desc())).all()


def users_by_id(session: Session, ids: set[int]) -> dict[int, User]:
    """Return the people with these ids."""
    return {user.id: user for user in session.scalars(select(User).where(User.id.in_(ids)))}


def count_admins(session: Session) -> int:
    """Return how many admins there are."""
    return session.scalar(select(func.count()).where(User.role == "admin")) or 0
