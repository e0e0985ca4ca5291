"""Every route, for everybody: who gets what, who is sent away, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from app.web import application
from app.web.api import operation
from app.web.permissions import ACCESS
from tests.site import DOUBLE, PAPER
from tests.web.conftest import Browser, Room, Web, open_room

if TYPE_CHECKING:
    from fastapi import FastAPI
    from httpx2 import Response

Who = Literal["visitor", "other", "candidate", "mentor", "admin"]
EVERYBODY: tuple[Who, ...] = ("visitor", "other", "candidate", "mentor", "admin")

# What a visitor gets where somebody must be signed in: pages send on, the interface says so.
SIGN_IN, UNAUTHORISED = 303, 401


@dataclass(frozen=True)
class Row:
    """A route, what is sent to it, and the status for each of EVERYBODY."""

    name: str
    method: str
    path: str
    statuses: tuple[int, int, int, int, int]
    body: dict[str, str] | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def page(name: str, path: str, *statuses: int) -> Row:
    return Row(name, "GET", path, statuses)  # type: ignore[arg-type]


def form(name: str, path: str, *statuses: int, **fields: str) -> Row:
    return Row(name, "POST", path, statuses, fields)  # type: ignore[arg-type]


def api(name: str, method: str, path: str, *statuses: int, **body: str) -> Row:
    return Row(name, method, f"/api{path}", statuses, body or None)  # type: ignore[arg-type]


# {running}, {attempt}, {job}: the candidate's running interview; {finished}: a finished one.
TABLE = [
    page("healthz", "/healthz", 200, 200, 200, 200, 200),
    page("readyz", "/readyz", 200, 200, 200, 200, 200),
    page("metrics", "/metrics", 404, 404, 404, 404, 404),
    page("home", "/", 200, 303, 303, 303, 303),
    page("show_verdicts", "/verdicts", 200, 200, 200, 200, 200),
    page("register", "/register", 200, 200, 200, 200, 200),
    form("register", "/register", 422, 422, 422, 422, 422),
    page("sign_in", "/sign-in", 200, 200, 200, 200, 200),
    form("sign_in", "/sign-in", 422, 422, 422, 422, 422),
    form("choose_language", "/language", 303, 303, 303, 303, 303, language="en"),
    page("preferences", "/preferences", SIGN_IN, 200, 200, 200, 200),
    form("preferences", "/preferences", SIGN_IN, 303, 303, 303, 303, display_name="N"),
    page("list_papers", "/papers", SIGN_IN, 200, 200, 200, 200),
    page("show_paper", f"/papers/{PAPER}", SIGN_IN, 200, 200, 200, 200),
    form("start_interview", "/interviews", SIGN_IN, 303, 303, 303, 303, paper_id=PAPER),
    form("start_practice", "/questions/double/practice", SIGN_IN, 303, 303, 303, 303),
    page("show_interview", "/interviews/{running}", SIGN_IN, 404, 303, 404, 404),
    page("show_interview", "/interviews/{finished}", SIGN_IN, 404, 303, 404, 404),
    page("finish_interview", "/interviews/{running}/finish", SIGN_IN, 404, 200, 404, 404),
    form("finish_interview", "/interviews/{running}/finish", SIGN_IN, 404, 303, 404, 404),
    page("show_report", "/interviews/{running}/report", SIGN_IN, 404, 303, 404, 404),
    page("show_report", "/interviews/{finished}/report", SIGN_IN, 404, 200, 404, 404),
    page("show_transcript", "/interviews/{running}/transcript", SIGN_IN, 404, 409, 404, 404),
    page("show_transcript", "/interviews/{finished}/transcript", SIGN_IN, 404, 200, 200, 200),
    page("export_transcript", "/interviews/{running}/transcript.md", SIGN_IN, 404, 409, 404, 404),
    page("export_transcript", "/interviews/{finished}/transcript.md", SIGN_IN, 404, 200, 200, 200),
    page("show_attempt", "/attempts/{attempt}", SIGN_IN, 404, 200, 404, 404),
    form("show_attempt", "/attempts/{attempt}", SIGN_IN, 404, 303, 404, 404, text=DOUBLE),
    api("interview_clock", "GET", "/interviews/{running}/clock", UNAUTHORISED, 404, 200, 404, 404),
    api("interview_clock", "GET", "/interviews/{finished}/clock", UNAUTHORISED, 404, 200, 404, 404),
    Row(
        "save_draft",
        "PUT",
        "/api/attempts/{attempt}/draft",
        (UNAUTHORISED, 404, 200, 404, 404),
        {"text": "x", "sequence": "1"},
    ),
    api("run_samples", "POST", "/attempts/{attempt}/runs", 401, 404, 202, 404, 404, text=DOUBLE),
    api(
        "submit_answer",
        "POST",
        "/attempts/{attempt}/submissions",
        *(UNAUTHORISED, 404, 202, 404, 404),
        text=DOUBLE,
    ),
    api("show_job", "GET", "/jobs/{job}", UNAUTHORISED, 404, 200, 404, 404),
    api("preview_markdown", "POST", "/preview", UNAUTHORISED, 200, 200, 200, 200, text="*x*"),
    page("list_reviews", "/reviews", SIGN_IN, 403, 403, 200, 200),
    page("show_review", "/reviews/{running}", SIGN_IN, 403, 403, 404, 404),
    page("show_review", "/reviews/{finished}", SIGN_IN, 403, 403, 200, 200),
    form("show_review", "/reviews/{running}", SIGN_IN, 403, 403, 404, 404),
    form("show_review", "/reviews/{finished}", SIGN_IN, 403, 403, 303, 303),
    page("list_questions", "/admin/questions", SIGN_IN, 403, 403, 403, 200),
    page("show_question", "/admin/questions/double", SIGN_IN, 403, 403, 403, 200),
    form("reload_bank", "/admin/questions/reload", SIGN_IN, 403, 403, 403, 303),
    page("list_people", "/admin/people", SIGN_IN, 403, 403, 403, 200),
    form("change_role", "/admin/people/{other}", SIGN_IN, 403, 403, 403, 303, role="mentor"),
    page("show_health", "/admin/health", SIGN_IN, 403, 403, 403, 200),
    form("sign_out", "/sign-out", SIGN_IN, 303, 303, 303, 303),
]
# It never ends, so the test client cannot ask for it; tests/web/test_stream.py does.
ELSEWHERE = {"stream_events"}


@dataclass(frozen=True)
class Served:
    """The application, and what the paths of the table name."""

    web: Web
    names: dict[str, str]


def serve(web: Web) -> Served:
    finished = open_room(web)
    web.site.finish(finished.id)
    room = open_room(web)
    body = {"text": DOUBLE}
    job = web.browser("candidate").call("POST", f"/api/attempts/{room.code}/runs", body)
    names = {
        "running": room.id,
        "finished": finished.id,
        "attempt": room.code,
        "job": job.json()["id"],
        "other": str(web.site.person_id("other")),
    }
    return Served(web, names)


@pytest.fixture
def writing(web: Web) -> Served:
    return serve(web)


@pytest.fixture(scope="module")
def reading(still: Web) -> Served:
    """For all that only reads."""
    return serve(still)


def ask(browser: Browser, row: Row, path: str) -> Response:
    if row.path.startswith("/api"):
        return browser.call(row.method, path, row.body)
    if row.method == "POST":
        return browser.post(path, **(row.body or {}))
    return browser.get(path)


@pytest.mark.parametrize("row", TABLE, ids=str)
def test_row(request: pytest.FixtureRequest, row: Row) -> None:
    served = request.getfixturevalue("reading" if row.method == "GET" else "writing")
    web, path = served.web, row.path.format(**served.names)
    # Whoever may is last, for what is done cannot be done again.
    for who in sorted(EVERYBODY, key=lambda who: row.statuses[EVERYBODY.index(who)] < 400):
        response = ask(web.browser(who), row, path)
        assert response.status_code == row.statuses[EVERYBODY.index(who)], who
        if who == "visitor" and response.status_code == SIGN_IN and row.name != "choose_language":
            wish = path if row.method == "GET" else "/"
            assert response.headers["location"] == f"/sign-in?next={wish}"


def test_table_covers_every_route_and_method() -> None:
    modules = (*application.PAGES, *application.API, operation)
    served = {
        (route.name, method)
        for module in modules
        for route in module.router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    asked = {(row.name, row.method) for row in TABLE}
    assert {pair for pair in served if pair[0] not in ELSEWHERE} == asked


@pytest.mark.parametrize("row", [row for row in TABLE if "{" in row.path], ids=str)
def test_unknown_things_look_like_those_of_others(reading: Served, row: Row) -> None:
    other, admin = reading.web.browser("other"), reading.web.browser("admin")
    browser = admin if "{other}" in row.path else other
    expected = 422 if "{other}" in row.path else row.statuses[1]
    for strange in ("0" * 32, "no-such", "%00", "%ff", "x" * 500):
        unknown = row.path.format(**dict.fromkeys(reading.names, strange))
        assert ask(browser, row, unknown).status_code == expected, strange


def test_mentor_reads_what_is_finished_and_nobody_answers_for_another(
    web: Web, finished: Room
) -> None:
    mentor = web.browser("mentor")
    assert mentor.get(f"/interviews/{finished.id}/transcript").status_code == 200
    for path in (f"/attempts/{finished.code}", f"/interviews/{finished.id}/report"):
        assert mentor.get(path).status_code == 404


def test_mentor_may_sit_an_interview_but_not_see_its_review_before_the_end(web: Web) -> None:
    interview_id = web.site.start("mentor")
    mentor = web.browser("mentor")
    assert mentor.get(f"/interviews/{interview_id}").status_code == 303
    assert mentor.get(f"/reviews/{interview_id}").status_code == 404


def test_role_that_was_taken_away_is_gone_at_once(web: Web) -> None:
    mentor, admin = web.browser("mentor"), web.browser("admin")
    assert mentor.get("/reviews").status_code == 200
    admin.post(f"/admin/people/{web.site.person_id('mentor')}", role="candidate")
    assert mentor.get("/reviews").status_code == 403


def test_last_admin_cannot_lose_the_role(web: Web) -> None:
    admin = web.browser("admin")
    response = admin.post(f"/admin/people/{web.site.person_id('admin')}", role="mentor")
    assert response.status_code == 409
    assert admin.get("/admin/people").status_code == 200


# --- The table of the program ---------------------------------------------------------------


def test_route_without_a_permission_does_not_start(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Module:
        router = APIRouter()

    @Module.router.get("/secret", name="secret")
    def secret() -> None:
        """Nothing."""

    monkeypatch.setattr(application, "PAGES", (*application.PAGES, Module))
    with pytest.raises(RuntimeError, match="secret"):
        start(web)


def test_permission_without_a_route_does_not_start(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(ACCESS, "home")
    with pytest.raises(RuntimeError, match="home"):
        start(web)


def start(web: Web) -> FastAPI:
    return application.create_application(web.site.runtime)
