"""Forged requests: no change without the token of this very login."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fastapi.routing import APIRoute

from app.accounts.models import Login, User
from app.answers.models import Attempt, Submission
from app.grading.models import GradingJob
from app.interviews.models import Event, Interview
from app.scoring.models import MentorScore, Review
from app.web import application, csrf
from tests.site import DOUBLE, PASSWORD
from tests.web.conftest import Web, shown_error

if TYPE_CHECKING:
    from tests.web.conftest import Room

UNSAFE = sorted(
    {
        (method, f"/api{route.path}" if module in application.API else route.path)
        for module in (*application.PAGES, *application.API)
        for route in module.router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
        if method not in csrf.SAFE_METHODS
    }
)
BODY = {
    "text": DOUBLE,
    "sequence": 1,
    "role": "mentor",
    "display_name": "Forged",
    "language": "zh",
    "paper_id": "first-round",
    "email": "candidate@site.test",
    "password": PASSWORD,
    "action": "publish",
}


def everything(web: Web) -> list[tuple[object, ...]]:
    """Return all that a forged request could change."""
    tables = (User, Login, Interview, Attempt, Submission, Event, GradingJob, Review, MentorScore)
    with web.site.database.transaction(read_only=True) as session:
        return [
            tuple(getattr(row, column.key) for column in table.__table__.columns)
            for table in tables
            for row in session.query(table).order_by(table.id)
        ]


def test_there_is_something_to_forge() -> None:
    assert len(UNSAFE) > 12


@pytest.fixture(scope="module")
def target(still: Web) -> Web:
    still.site.start("admin")
    for name in ("admin", "candidate", "visitor"):
        still.browser(name)
    return still


@pytest.mark.parametrize("wrong", ["none", "of another login", "of a visitor", "nonsense"])
@pytest.mark.parametrize(("method", "path"), UNSAFE, ids=str)
def test_wrong_token_changes_nothing(target: Web, method: str, path: str, wrong: str) -> None:
    interview_id = target.site.start("admin")  # the one that runs already
    (attempt_id, *_) = target.site.attempts(interview_id)
    token = {
        "none": "",
        "of another login": target.browser("candidate").token,
        "of a visitor": target.browser("visitor").token,
        "nonsense": "\xff",
    }[wrong]
    path = path.format(
        interview_id=interview_id,
        attempt_id=attempt_id,
        question_id="double",
        user_id=target.site.person_id("other"),
    )
    before = everything(target)
    client = target.browser("admin").client
    if path.startswith("/api"):
        headers = [(csrf.HEADER.encode(), token.encode("latin-1"))] if token else []
        response = client.request(method, path, json=BODY, headers=headers)
    else:
        fields = {name: str(value) for name, value in BODY.items()}
        with_token = {**fields, csrf.FIELD: token} if token else fields
        response = client.request(method, path, data=with_token)
    assert response.status_code == 403
    assert "expired" in shown_error(response)
    assert everything(target) == before


def test_token_of_a_login_is_not_that_of_the_next(web: Web) -> None:
    first = web.browser("candidate")
    _, second = web.site.login("candidate")
    assert first.token != second


def test_token_may_come_in_the_header_of_a_form(web: Web) -> None:
    browser = web.browser("candidate")
    headers = {csrf.HEADER: browser.token}
    response = browser.client.post("/sign-out", data={}, headers=headers)
    assert response.status_code == 303


def test_page_carries_the_token_that_is_wanted(web: Web, room: Room) -> None:
    browser = web.browser("candidate")
    assert browser.token in browser.get(f"/attempts/{room.code}").text
    assert browser.token in browser.get("/papers").text


def test_visitor_gets_a_cookie_and_the_token_for_it(web: Web) -> None:
    client = web.client()
    page = client.get("/sign-in").text
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    fields = {"email": "candidate@site.test", "password": PASSWORD}
    assert client.post("/sign-in", data=fields).status_code == 403
    signed_in = client.post("/sign-in", data={**fields, "csrf_token": token})
    assert signed_in.status_code == 303
    client.close()
