"""Tables of people and their logins."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.accounts.roles import Role
from app.db.base import PUBLIC_ID, Base, new_public_id


class User(Base):
    """A person. `email` is stored in lower case."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    display_name: Mapped[str] = mapped_column(String(80))
    password_hash: Mapped[str] = mapped_column(String(255))
    role: Mapped[str] = mapped_column(String(16), default=Role.CANDIDATE)
    locale: Mapped[str] = mapped_column(String(8), default="zh")
    created_at: Mapped[datetime]


class Login(Base):
    """A signed-in browser. The cookie's token changes with time; the row stays.

    The token before the last change stays good until the new one was shown: a second tab may
    have sent it already, and the response with the new one may have got lost.
    """

    __tablename__ = "logins"

    id: Mapped[str] = mapped_column(PUBLIC_ID, primary_key=True, default=new_public_id)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    previous_token_hash: Mapped[str | None] = mapped_column(String(64), index=True)
    created_at: Mapped[datetime]
    rotated_at: Mapped[datetime]
    expires_at: Mapped[datetime]
