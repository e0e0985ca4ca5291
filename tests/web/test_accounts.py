"""Signing in and out: cookies that scripts cannot read, tokens that change, and no open door."""

from __future__ import annotations

from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any

import pytest

from app.accounts.queries import user_by_email
from app.accounts.service import GRACE, ROTATE_AFTER
from app.settings import Settings
from app.web import cookies
from app.web.application import create_application
from app.web.pages.home import local_path
from app.web.rate_limit import TRIES, SignInLimiter
from app.workflows.runtime import Machinery, Runtime
from tests.site import PASSWORD
from tests.web.conftest import Web, shown_error

if TYPE_CHECKING:
    from httpx2 import Response

    from tests.site import Site
    from tests.web.conftest import Browser

LONG_AGO = ROTATE_AFTER.total_seconds()


def sign_in(browser: Browser, password: str = PASSWORD, **fields: str) -> Response:
    given = {"email": "candidate@site.test", "password": password, **fields}
    return browser.post("/sign-in", **given)


def set_cookies(response: Response) -> dict[str, Any]:
    jar: SimpleCookie = SimpleCookie()
    for line in response.headers.get_list("set-cookie"):
        jar.load(line)
    return dict(jar)


def signed_in_cookie(web: Web) -> Any:  # noqa: ANN401 - a morsel
    return set_cookies(sign_in(web.browser("visitor")))[cookies.LOGIN]


# --- Cookies --------------------------------------------------------------------------------


def test_login_cookie_is_kept_from_scripts_and_other_sites(web: Web) -> None:
    morsel = signed_in_cookie(web)
    assert len(morsel.value) >= 43
    assert (morsel["httponly"], morsel["samesite"], morsel["path"]) == (True, "Lax", "/")
    assert not morsel["secure"]


def test_login_cookie_travels_over_https_only_where_that_is_the_address(site: Site) -> None:
    settings = Settings(
        data_dir=site.runtime.settings.data_dir,
        bank_dir=site.bank_dir,
        secret_key="key",
        public_url="https://interviews.example",
    )
    there = site.runtime.machinery
    machinery = Machinery(
        settings, there.clock, there.database, there.notifier, there.pool, there.engine
    )
    web = Web(site, create_application(Runtime(machinery, site.dispatcher)))
    assert signed_in_cookie(web)["secure"]
    web.close()


def test_login_cookie_changes_with_time_and_two_tabs_stay_signed_in(web: Web) -> None:
    browser = web.browser("candidate")
    old = browser.client.cookies[cookies.LOGIN]
    web.site.clock.advance(LONG_AGO)
    response = browser.get("/papers")
    new = set_cookies(response)[cookies.LOGIN].value
    assert response.status_code == 200
    assert new != old
    other_tab = web.client()
    other_tab.cookies.set(cookies.LOGIN, old)
    late = other_tab.get("/papers")
    assert (late.status_code, set_cookies(late)) == (200, {})
    other_tab.close()
    web.site.clock.advance(GRACE.total_seconds())
    assert browser.get("/papers").status_code == 200
    stale = web.client()
    stale.cookies.set(cookies.LOGIN, old)
    assert stale.get("/papers").status_code == 303
    stale.close()


def test_token_of_forms_stays_when_the_cookie_changes(web: Web) -> None:
    browser = web.browser("candidate")
    web.site.clock.advance(LONG_AGO)
    assert browser.get("/papers").status_code == 200
    assert browser.post("/preferences", display_name="Still me").status_code == 303


def test_signing_in_makes_a_new_login_each_time(web: Web) -> None:
    browser = web.browser("visitor")
    first = sign_in(browser)
    assert first.headers["location"] == "/papers"
    assert set_cookies(first)[cookies.LANGUAGE].value == "en"
    assert sign_in(browser).status_code == 403  # the form belonged to the visitor


def test_signing_out_ends_the_login_on_the_server(web: Web) -> None:
    browser = web.browser("candidate")
    token = browser.client.cookies[cookies.LOGIN]
    response = browser.post("/sign-out")
    assert set_cookies(response)[cookies.LOGIN]["max-age"] == "0"
    browser.client.cookies.set(cookies.LOGIN, token)
    assert browser.get("/papers").status_code == 303


def test_wrong_password_and_unknown_address_look_the_same(web: Web) -> None:
    browser = web.browser("visitor")
    wrong = sign_in(browser, "wrong password")
    unknown = sign_in(browser, email="nobody@site.test")
    assert wrong.status_code == unknown.status_code == 422
    assert shown_error(wrong) == shown_error(unknown)
    assert set_cookies(wrong) == {}


# --- The limiter ----------------------------------------------------------------------------


class Request:
    """As much of a request as the limiter looks at."""

    def __init__(self, host: str) -> None:
        self.client = type("Client", (), {"host": host})()


def test_guessing_is_slowed_down_and_forgiven(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.web.rate_limit.TRIES", 3)
    browser = web.browser("visitor")
    for _ in range(3):
        assert sign_in(browser, "wrong password").status_code == 422
    refused = sign_in(browser)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 301
    assert sign_in(browser, email=" CANDIDATE@site.test").status_code == 429
    assert sign_in(browser, email="other@site.test").status_code == 303
    web.site.clock.advance(301)
    # The visitor has signed in as another meanwhile: their form has another token.
    assert sign_in(web.browser("mentor"), email="candidate@site.test").status_code == 303


def test_nobody_can_lock_another_one_out() -> None:
    limiter = SignInLimiter()
    for _ in range(TRIES):
        limiter.check(Request("10.0.0.1"), "a@site.test", now=0)  # type: ignore[arg-type]
    limiter.check(Request("10.0.0.2"), "a@site.test", now=0)  # type: ignore[arg-type]


def test_memory_of_tries_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.web.rate_limit.MAX_KEYS", 3)
    limiter = SignInLimiter()
    for number in range(100):
        limiter.check(Request("10.0.0.1"), f"{number}@site.test", now=0)  # type: ignore[arg-type]
    assert len(limiter._tries) == 3  # noqa: SLF001 - there is no other way to see it


# --- Where one is sent ----------------------------------------------------------------------

ELSEWHERE = [
    "https://evil.example/",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    " //evil.example",
    "javascript:alert(1)",
    "http:evil.example",
    "http://[",
    "http://[evil.example",
    "https://evil.example\\@site.test",
    "//[::1",
    "\0",
]


@pytest.mark.parametrize("wish", ELSEWHERE)
def test_path_on_this_site_never_leads_to_another(wish: str) -> None:
    path = local_path(wish)
    assert path.startswith("/")
    assert not path.startswith(("//", "/\\"))


@pytest.mark.parametrize("wish", ["//evil.example/x", "http://["])
def test_wish_never_leads_to_another_site(web: Web, wish: str) -> None:
    response = sign_in(web.browser("visitor"), next=wish)
    assert (response.status_code, response.headers["location"][:3]) in {(303, "/"), (303, "/x")}


@pytest.mark.parametrize("referer", ["//evil.example/x", "/\\evil.example", "http://["])
def test_referer_never_leads_to_another_site(still: Web, referer: str) -> None:
    browser = still.browser("visitor")
    data = {"csrf_token": browser.token, "language": "en"}
    response = browser.client.post("/language", data=data, headers={"Referer": referer})
    assert response.status_code == 303
    assert response.headers["location"].startswith("/")
    assert not response.headers["location"].startswith(("//", "/\\"))


def test_wish_on_this_site_is_fulfilled(web: Web) -> None:
    assert sign_in(web.browser("visitor"), next="/reviews?a=b").headers["location"] == (
        "/reviews?a=b"
    )
    assert local_path("https://site.test/papers?x=1#y") == "/papers?x=1"


# --- Registration and preferences -----------------------------------------------------------


def test_registration_signs_in(web: Web) -> None:
    browser = web.browser("visitor")
    fields = {"email": "new@site.test", "display_name": "New", "password": "long enough words"}
    response = browser.post("/register", **fields)
    assert (response.status_code, response.headers["location"]) == (303, "/papers")
    assert browser.get("/papers").status_code == 200


def test_registration_keeps_what_was_typed_but_never_the_password(web: Web) -> None:
    fields = {"email": 'x"><script>', "display_name": "Kept", "password": "short pw"}
    response = web.browser("visitor").post("/register", **fields)
    assert response.status_code == 422
    assert 'value="Kept"' in response.text
    assert "short pw" not in response.text
    assert "<script>" not in response.text


def test_registration_can_be_closed(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = web.site.runtime.settings.model_copy(update={"registration": "closed"})
    monkeypatch.setattr(Runtime, "settings", property(lambda _: closed))
    fields = {"email": "new@site.test", "display_name": "New", "password": "long enough words"}
    response = web.browser("visitor").post("/register", **fields)
    assert response.status_code == 403
    with web.site.database.transaction(read_only=True) as session:
        assert user_by_email(session, "new@site.test") is None


def test_preferences_change_name_and_language(web: Web) -> None:
    browser = web.browser("candidate")
    response = browser.post("/preferences", display_name="Ada", language="zh")
    assert set_cookies(response)[cookies.LANGUAGE].value == "zh"
    assert browser.post("/preferences", display_name=" ", language="zh").status_code == 422
    with web.site.database.transaction(read_only=True) as session:
        user = user_by_email(session, "candidate@site.test")
    assert user is not None
    assert (user.display_name, user.locale) == ("Ada", "zh")


@pytest.mark.parametrize("language", ["fr", "", "zh\r\nSet-Cookie: a=b"])
def test_unknown_language_is_refused(web: Web, language: str) -> None:
    response = web.browser("visitor").post("/language", language=language)
    assert response.status_code == 422
