"""Changes to people and logins."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError

from app.accounts import passwords
from app.accounts.models import Login, User
from app.accounts.queries import count_admins, user_by_email
from app.accounts.roles import Role
from app.kit.errors import ConflictError, InvalidError
from app.kit.i18n import message

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.kit.i18n import Locale, Message

ROTATE_AFTER = timedelta(minutes=30)
# For this long a response with a new token may be on its way, and requests with the old one.
GRACE = timedelta(seconds=60)
MAX_EMAIL = 254
MAX_NAME = 80

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


class FormError(InvalidError):
    """A form with mistakes; `fields` names them one by one."""

    def __init__(self, fields: dict[str, Message]) -> None:
        super().__init__(message("Please correct the marked fields."))
        self.fields = fields


def register(
    session: Session,
    *,
    email: str,
    display_name: str,
    password: str,
    now: datetime,
    role: Role = Role.CANDIDATE,
    locale: Locale = "zh",
) -> User:
    """Create a person; raises FormError that name what is wrong with each field."""
    email, display_name = email.strip().lower(), _tidy(display_name)
    errors = _mistakes(email, display_name, password)
    if "email" not in errors and user_by_email(session, email):
        errors["email"] = message("This address is registered already.")
    if errors:
        raise FormError(errors)
    user = User(
        email=email,
        display_name=display_name,
        password_hash=passwords.hash_password(password),
        role=role,
        locale=locale,
        created_at=now,
    )
    try:
        with session.begin_nested():
            session.add(user)
    except IntegrityError as error:  # somebody registered it between the look and the insert
        raise FormError({"email": message("This address is registered already.")}) from error
    return user


def rename(user: User, display_name: str) -> None:
    """Change a person's name; raises FormError if it is no name."""
    display_name = _tidy(display_name)
    if errors := _name_errors(display_name):
        raise FormError(errors)
    user.display_name = display_name


def _tidy(display_name: str) -> str:
    return " ".join(display_name.split())


def _mistakes(email: str, display_name: str, password: str) -> dict[str, Message]:
    errors = _name_errors(display_name)
    if len(email) > MAX_EMAIL or not _EMAIL.fullmatch(email) or not email.isprintable():
        errors["email"] = message("Please enter an e-mail address.")
    if len(password) < passwords.MIN_LENGTH:
        errors["password"] = message(
            "Please choose a password of at least {min} characters.", min=passwords.MIN_LENGTH
        )
    elif len(password) > passwords.MAX_LENGTH:
        errors["password"] = message("This password is too long.")
    elif any("\ud800" <= character <= "\udfff" for character in password):
        errors["password"] = message("This is not valid text.")  # what cannot be encoded or hashed
    return errors


def _name_errors(display_name: str) -> dict[str, Message]:
    if 1 <= len(display_name) <= MAX_NAME and display_name.isprintable():
        return {}
    text = message("Please enter a name of at most {max} characters.", max=MAX_NAME)
    return {"display_name": text}


def authenticate(session: Session, *, email: str, password: str) -> User | None:
    """Return the person with this address and password; takes as long if there is none."""
    user = user_by_email(session, email)
    verified = passwords.verify_password(user.password_hash if user else None, password)
    return user if verified else None


def renew_hash(session: Session, user: User, password: str) -> None:
    """Hash a password again that was hashed with weaker parameters than today's."""
    if passwords.needs_rehash(user.password_hash):
        session.get_one(User, user.id).password_hash = passwords.hash_password(password)


def sign_in(session: Session, user: User, *, now: datetime, days: int) -> str:
    """Open a login and return the token for the cookie."""
    token = passwords.new_token()
    session.add(
        Login(
            user_id=user.id,
            token_hash=passwords.hash_token(token),
            created_at=now,
            rotated_at=now,
            expires_at=now + timedelta(days=days),
        )
    )
    return token


def is_due(login: Login, token: str, *, now: datetime) -> bool:
    """Tell whether `renew` has something to do for the `token` that was shown."""
    age = now - login.rotated_at
    if not _is_current(login, token):
        return age >= GRACE
    return age >= ROTATE_AFTER or (age >= GRACE and login.previous_token_hash is not None)


def renew(login: Login, token: str, *, now: datetime) -> str | None:
    """Return a new token for the cookie if the one that was shown is old; None: keep it.

    The old one stays good until the new one was shown, for a response can get lost. Whoever
    still shows it after a while gets another; of requests at once, only the first gets one.
    """
    if not is_due(login, token, now=now):
        return None
    if _is_current(login, token) and now - login.rotated_at < ROTATE_AFTER:
        login.previous_token_hash = None
        return None
    fresh = passwords.new_token()
    login.previous_token_hash = passwords.hash_token(token)
    login.token_hash = passwords.hash_token(fresh)
    login.rotated_at = now
    return fresh


def _is_current(login: Login, token: str) -> bool:
    return login.token_hash == passwords.hash_token(token)


def sign_out(session: Session, login: Login) -> None:
    """Close a login for good."""
    session.execute(delete(Login).where(Login.id == login.id))


def forget_expired_logins(session: Session, *, now: datetime) -> None:
    """Remove logins that are over."""
    session.execute(delete(Login).where(Login.expires_at <= now))


def change_role(session: Session, user: User, role: Role) -> None:
    """Give a person another role; the last admin keeps theirs."""
    if user.role == Role.ADMIN and role != Role.ADMIN and count_admins(session) == 1:
        raise ConflictError(message("The last admin cannot lose that role."))
    user.role = role
