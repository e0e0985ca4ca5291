"""People and their logins: what registration refuses, how tokens change, who stays admin."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from argon2 import PasswordHasher

from app.accounts import service
from app.accounts.models import Login, User
from app.accounts.queries import login_by_token, user_by_email
from app.accounts.roles import Role
from app.accounts.service import GRACE, FormError
from app.kit.errors import ConflictError
from tests.site import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

    from tests.site import Site


@pytest.fixture
def session(site: Site) -> Iterator[Session]:
    with site.database.transaction() as session:
        yield session


def register(
    session: Session,
    site: Site,
    *,
    email: str = "new@site.test",
    display_name: str = "New",
    password: str = "long enough words",  # noqa: S107 - of nobody
) -> User:
    return service.register(
        session, email=email, display_name=display_name, password=password, now=site.clock.now()
    )


def refused(session: Session, site: Site, **fields: str) -> set[str]:
    with pytest.raises(FormError) as caught:
        register(session, site, **fields)
    return set(caught.value.fields)


def person(session: Session, name: str = "candidate") -> User:
    user = user_by_email(session, f"{name}@site.test")
    assert user is not None
    return user


# --- Registration ---------------------------------------------------------------------------


def test_registration_makes_a_candidate(session: Session, site: Site) -> None:
    user = register(session, site)
    assert (user.role, user.email, user.created_at) == (
        Role.CANDIDATE,
        "new@site.test",
        site.clock.now(),
    )
    assert user.password_hash.startswith("$argon2id$")


@pytest.mark.parametrize(
    "email",
    ["", "nobody", "@site.test", "a@", "a b@site.test", "a@b@c", "a\0@b.test", "a" * 250 + "@b.cd"],
)
def test_what_is_no_address_is_refused(session: Session, site: Site, email: str) -> None:
    assert refused(session, site, email=email) == {"email"}


@pytest.mark.parametrize("name", ["", " \t ", "x" * 81, "a\0b", "a\u202eb", "\ud800"])
def test_what_is_no_name_is_refused(session: Session, site: Site, name: str) -> None:
    assert refused(session, site, display_name=name) == {"display_name"}


@pytest.mark.parametrize("password", ["", "nine char", "x" * 201, "\udcff" * 12])
def test_what_is_no_password_is_refused(session: Session, site: Site, password: str) -> None:
    assert refused(session, site, password=password) == {"password"}


def test_every_wrong_field_is_named_at_once(session: Session, site: Site) -> None:
    fields = refused(session, site, email="", display_name="", password="")
    assert fields == {"email", "display_name", "password"}


def test_address_is_one_whatever_its_case(session: Session, site: Site) -> None:
    assert refused(session, site, email=" CANDIDATE@Site.Test ") == {"email"}
    found = service.authenticate(session, email="Candidate@SITE.test ", password=PASSWORD)
    assert found is person(session)


def test_address_taken_meanwhile_is_refused_like_any_other(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two registrations at once: the second sees nobody, and fails on the insert."""
    monkeypatch.setattr(service, "user_by_email", lambda *_: None)
    with site.database.transaction() as session:
        assert refused(session, site, email="candidate@site.test") == {"email"}
        person(session).display_name = "Renamed"  # the transaction is still good
    with site.database.transaction() as session:
        assert person(session).display_name == "Renamed"


def test_name_is_tidied(session: Session) -> None:
    user = person(session)
    service.rename(user, "  Ada \n  L. ")
    assert user.display_name == "Ada L."
    with pytest.raises(FormError):
        service.rename(user, "")
    assert user.display_name == "Ada L."


# --- Signing in -----------------------------------------------------------------------------


def test_wrong_password_and_unknown_address_get_nobody(session: Session) -> None:
    def signed_in(email: str, password: str) -> User | None:
        return service.authenticate(session, email=email, password=password)

    assert signed_in("candidate@site.test", PASSWORD) is not None
    assert signed_in("candidate@site.test", PASSWORD + " ") is None
    assert signed_in("nobody@site.test", PASSWORD) is None
    assert signed_in("", "") is None


def test_what_can_be_no_address_is_not_even_looked_up(session: Session) -> None:
    """PostgreSQL refuses NUL in a text, and nothing encodes half a surrogate pair."""
    for email in ("candidate@site.test\0", "\ud800@site.test", "x" * 1000):
        assert service.authenticate(session, email=email, password=PASSWORD) is None


def test_weak_hash_is_renewed_on_signing_in(session: Session) -> None:
    user = person(session)
    user.password_hash = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    weak = user.password_hash
    service.renew_hash(session, user, PASSWORD)
    strong = user.password_hash
    assert strong != weak
    service.renew_hash(session, user, PASSWORD)
    assert user.password_hash == strong
    assert service.authenticate(session, email=user.email, password=PASSWORD) is user


# --- Logins ---------------------------------------------------------------------------------


def open_login(session: Session, site: Site) -> tuple[str, Login]:
    token = service.sign_in(session, person(session), now=site.clock.now(), days=14)
    found = login_by_token(session, token, site.clock.now())
    assert found is not None
    assert found[1] is person(session)
    return token, found[0]


def is_good(session: Session, site: Site, token: str) -> bool:
    return login_by_token(session, token, site.clock.now()) is not None


def test_token_is_not_stored(session: Session, site: Site) -> None:
    token, login = open_login(session, site)
    assert token not in {login.token_hash, login.id}


def test_unknown_token_is_nobodys(session: Session, site: Site) -> None:
    _, login = open_login(session, site)
    for token in ("", "x", login.token_hash, login.id):
        assert not is_good(session, site, token)


def renewed(site: Site, login: Login, token: str) -> str:
    fresh = service.renew(login, token, now=site.clock.now())
    assert fresh is not None
    return fresh


def test_token_changes_after_half_an_hour(session: Session, site: Site) -> None:
    token, login = open_login(session, site)
    site.clock.advance(30 * 60 - 1)
    assert not service.is_due(login, token, now=site.clock.now())
    assert service.renew(login, token, now=site.clock.now()) is None
    site.clock.advance(1)
    assert service.is_due(login, token, now=site.clock.now())
    assert renewed(site, login, token) != token


def test_requests_at_once_get_one_new_token(session: Session, site: Site) -> None:
    """A second new token would make the first one worthless, whichever arrives last."""
    old, login = open_login(session, site)
    site.clock.advance(1800)
    new = renewed(site, login, old)
    assert service.renew(login, old, now=site.clock.now()) is None
    assert is_good(session, site, old)
    assert is_good(session, site, new)


def test_old_token_goes_once_the_new_one_was_shown(session: Session, site: Site) -> None:
    old, login = open_login(session, site)
    site.clock.advance(1800)
    new = renewed(site, login, old)
    site.clock.advance(GRACE.total_seconds() - 1)
    assert not service.is_due(login, new, now=site.clock.now())
    assert is_good(session, site, old)
    site.clock.advance(1)
    assert service.is_due(login, new, now=site.clock.now())
    assert service.renew(login, new, now=site.clock.now()) is None
    assert not is_good(session, site, old)
    assert is_good(session, site, new)
    assert not service.is_due(login, new, now=site.clock.now())


def test_new_token_that_got_lost_is_replaced(session: Session, site: Site) -> None:
    old, login = open_login(session, site)
    site.clock.advance(1800)
    lost = renewed(site, login, old)
    site.clock.advance(3600)
    another = renewed(site, login, old)
    assert is_good(session, site, old)
    assert is_good(session, site, another)
    assert not is_good(session, site, lost)


def test_login_expires(session: Session, site: Site) -> None:
    token, _ = open_login(session, site)
    site.clock.advance(14 * 24 * 3600 - 1)
    assert is_good(session, site, token)
    site.clock.advance(1)
    assert not is_good(session, site, token)
    service.forget_expired_logins(session, now=site.clock.now())
    assert session.query(Login).count() == 0


def test_forgetting_keeps_logins_that_are_good(session: Session, site: Site) -> None:
    token, _ = open_login(session, site)
    service.forget_expired_logins(session, now=site.clock.now() + timedelta(days=13))
    assert is_good(session, site, token)


def test_signing_out_ends_the_login_and_no_other(session: Session, site: Site) -> None:
    token, login = open_login(session, site)
    elsewhere, _ = open_login(session, site)
    service.sign_out(session, login)
    assert not is_good(session, site, token)
    assert is_good(session, site, elsewhere)


# --- Roles ----------------------------------------------------------------------------------


def test_last_admin_keeps_the_role(session: Session) -> None:
    admin = person(session, "admin")
    for role in (Role.CANDIDATE, Role.MENTOR):
        with pytest.raises(ConflictError):
            service.change_role(session, admin, role)
    service.change_role(session, admin, Role.ADMIN)
    service.change_role(session, person(session, "mentor"), Role.ADMIN)
    service.change_role(session, admin, Role.CANDIDATE)
    assert admin.role == Role.CANDIDATE
    with pytest.raises(ConflictError):
        service.change_role(session, person(session, "mentor"), Role.MENTOR)
