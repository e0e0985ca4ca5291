"""Whatever is sent: a clear answer, never an internal error, and nothing lost."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from sqlalchemy.orm import object_session

from app.answers.models import Attempt
from app.answers.service import MAX_TEXT_BYTES
from app.db.base import MAX_INTEGER
from app.web.middleware import MAX_BODY_BYTES
from app.workflows.submit_answer import keep_draft
from tests.site import DOUBLE, PASSWORD
from tests.web.conftest import shown_error

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from httpx2 import Response

    from app.interviews.models import Interview
    from tests.web.conftest import Room, Web


def draft(room: Room, body: object) -> Response:
    candidate = room.web.browser("candidate")
    return candidate.call("PUT", f"/api/attempts/{room.code}/draft", body)


def stored(room: Room) -> tuple[str, int]:
    with room.web.site.database.transaction(read_only=True) as session:
        attempt = session.get_one(Attempt, room.code)
        return attempt.draft, attempt.draft_sequence


# --- The interface --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "text",
        7,
        {},
        {"text": "x"},
        {"sequence": 1},
        {"text": None, "sequence": 1},
        {"text": 7, "sequence": 1},
        {"text": ["x"], "sequence": 1},
        {"text": "x", "sequence": "many"},
        {"text": "x", "sequence": None},
        {"text": "x", "sequence": 1.5},
        {"text": "x", "sequence": 0},
        {"text": "x", "sequence": -1},
        {"text": "x", "sequence": MAX_INTEGER + 1},
        {"text": "x", "sequence": 2**64},
        {"text": "x", "sequence": 10**400},
        {"text": "x", "sequence": 1, "extra": True},
    ],
    ids=lambda body: json.dumps(body)[:40],
)
def test_body_of_a_wrong_shape_is_refused(still_room: Room, body: object) -> None:
    before = stored(still_room)
    response = draft(still_room, body)
    assert response.status_code == 422
    assert shown_error(response)
    assert stored(still_room) == before


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b'{"text": "x", "sequence": 1',
        b"\xff\xfe\x00binary\x00junk" * 50,
        b'{"text": "\xff", "sequence": 1}',
        b'{"text": "x", "sequence": NaN}',
        b'{"text": "x", "sequence": Infinity}',
        b'{"text": "x", "sequence": 1e999}',
        b'{"text": "x", "sequence": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 50_000,
    ],
    ids=lambda content: repr(content[:30]),
)
@pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
def test_bytes_that_are_no_request_are_refused(
    still_room: Room, content: bytes, content_type: str
) -> None:
    before = stored(still_room)
    candidate = still_room.web.browser("candidate")
    path = f"/api/attempts/{still_room.code}/draft"
    response = candidate.send("PUT", path, content, content_type)
    assert response.status_code in {400, 422}
    assert shown_error(response)
    assert stored(still_room) == before


def test_malformed_json_is_called_that(still_room: Room) -> None:
    path = f"/api/attempts/{still_room.code}/draft"
    response = still_room.web.browser("candidate").send("PUT", path, b'{"text": ')
    assert shown_error(response) == "The request could not be understood."


def test_missing_fields_are_named(still_room: Room) -> None:
    assert shown_error(draft(still_room, {"text": "x"})).endswith(": sequence")
    assert shown_error(draft(still_room, {})).endswith(": sequence, text")


@pytest.mark.parametrize("path", ["runs", "submissions"])
@pytest.mark.parametrize(
    ("given", "status"),
    [("", 422), (" \n", 422), ("\0", 422), ("x" * (MAX_TEXT_BYTES + 1), 413), ("文" * 2**17, 413)],
    ids=["empty", "blank", "NUL", "large", "large Chinese"],
)
def test_code_that_cannot_be_run_is_refused(
    still_room: Room, path: str, given: str, status: int
) -> None:
    url = f"/api/attempts/{still_room.code}/{path}"
    response = still_room.web.browser("candidate").call("POST", url, {"text": given})
    assert response.status_code == status
    assert shown_error(response)
    assert still_room.submissions() == []


def test_megabyte_of_text_is_refused_with_figures_and_the_draft_stays(room: Room) -> None:
    assert draft(room, {"text": "kept", "sequence": 1}).status_code == 200
    response = draft(room, {"text": "x" * 2**20, "sequence": 2})
    assert response.status_code == 413
    assert shown_error(response) == "The text has 1024 KB; at most 64 KB are accepted."
    assert stored(room) == ("kept", 1)


def test_stale_draft_gets_both_versions(room: Room) -> None:
    draft(room, {"text": "first tab", "sequence": 5})
    response = draft(room, {"text": "second tab", "sequence": 5})
    assert response.status_code == 409
    assert response.json()["error"]["code"] == "stale_draft"
    assert response.json()["draft"]["text"] == "first tab"
    assert response.json()["draft"]["sequence"] == 5
    assert stored(room) == ("first tab", 5)
    assert draft(room, {"text": "first tab", "sequence": 5}).status_code == 200


def test_draft_is_answered_with_the_time_that_is_left(room: Room) -> None:
    room.web.site.clock.advance(60)
    answer = draft(room, {"text": "x", "sequence": 1}).json()
    assert answer["remaining_ms"] == 29 * 60_000
    assert answer["sequence"] == 1


def test_largest_sequence_is_taken(room: Room) -> None:
    assert draft(room, {"text": "x", "sequence": MAX_INTEGER}).status_code == 200


# --- Large bodies ---------------------------------------------------------------------------


def chunks(total: int) -> Iterator[bytes]:
    yield b'{"text": "'
    for _ in range(total // 65536):
        yield b"x" * 65536
    yield b'", "sequence": 1}'


def test_body_over_the_limit_is_refused_whether_it_says_so_or_not(still_room: Room) -> None:
    candidate = still_room.web.browser("candidate")
    url = f"/api/attempts/{still_room.code}/draft"
    announced = candidate.send("PUT", url, b"x" * (MAX_BODY_BYTES + 1))
    streamed = candidate.client.put(
        url,
        content=chunks(MAX_BODY_BYTES + 65536),
        headers={"X-CSRF-Token": candidate.token, "Content-Type": "application/json"},
    )
    for response in (announced, streamed):
        assert response.status_code == 413
        assert "at most 2 MB" in shown_error(response)


def test_form_over_the_limit_is_refused_whether_it_says_so_or_not(still_room: Room) -> None:
    candidate = still_room.web.browser("candidate")
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    for content in (b"text=" + b"x" * MAX_BODY_BYTES, chunks(MAX_BODY_BYTES + 65536)):
        response = candidate.client.post(
            f"/attempts/{still_room.code}", content=content, headers=kind
        )
        assert response.status_code in {400, 413}
        assert shown_error(response)


@pytest.mark.parametrize("length", ["-1", "many", "1e9", "9" * 50])
def test_length_that_is_no_number_is_refused(still_room: Room, length: str) -> None:
    response = still_room.web.browser("candidate").client.post(
        "/api/preview", content=b"{}", headers={"Content-Length": length}
    )
    assert response.status_code == 413


# --- Forms ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"\xff\x00%%%&&&===;;;" * 100, "application/x-www-form-urlencoded"),
        (b"csrf_token=%ED%A0%80&text=%00", "application/x-www-form-urlencoded"),
        (b"&".join(b"a%d=1" % n for n in range(5000)), "application/x-www-form-urlencoded"),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
        (b"anything", "multipart/form-data"),
        (b"anything", "multipart/form-data; boundary="),
        (b"--x--\r\n", "multipart/form-data; boundary=x; charset=no-such"),
        (b"junk", "application/octet-stream"),
        (b"{}", "application/json"),
    ],
    ids=lambda value: repr(value)[:40],
)
@pytest.mark.parametrize(
    "path", ["/sign-in", "/register", "/interviews", "/reviews/x", "/language"]
)
def test_form_that_is_none_is_refused(
    still: Web, path: str, content: bytes, content_type: str
) -> None:
    for who in ("visitor", "mentor"):
        client = still.browser(who).client
        response = client.post(path, content=content, headers={"Content-Type": content_type})
        assert response.status_code in {400, 403, 422}, who
        assert shown_error(response)


def test_file_in_the_place_of_a_text_is_refused(web: Web, room: Room) -> None:
    candidate = web.browser("candidate")
    files = {"text": ("a.py", b"x"), "csrf_token": ("t", candidate.token.encode())}
    response = candidate.client.post(f"/attempts/{room.code}", files=files)
    assert response.status_code == 403
    files.pop("csrf_token")
    response = candidate.client.post(
        f"/attempts/{room.code}", files=files, headers={"X-CSRF-Token": candidate.token}
    )
    assert response.status_code == 422
    assert room.submissions() == []


def test_form_without_script_hands_in_with_plain_line_ends(web: Web, room: Room) -> None:
    candidate = web.browser("candidate")
    text = DOUBLE.replace("\n", "\r\n")
    assert candidate.post(f"/attempts/{room.code}", text=text).status_code == 303
    assert room.submissions() == [DOUBLE]
    assert candidate.post(f"/attempts/{room.code}", text="").status_code == 422


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"level:{open}:depth": "many"}, 422),
        ({"level:{open}:depth": "nan"}, 422),
        ({"level:{open}:depth": "1e999"}, 422),
        ({"level:{open}:depth": "3"}, 422),
        ({"level:::": "1", "comment": "x", "level": "1"}, 303),
        ({"level:no-such:depth": "5"}, 303),
        ({"summary": "x" * 5001}, 422),
        ({"summary": "a\0b"}, 303),
        ({"action": "no-such"}, 303),
    ],
    ids=str,
)
def test_review_form_is_read_with_suspicion(
    web: Web, finished: Room, fields: dict[str, str], status: int
) -> None:
    named = {name.replace("{open}", finished.open): value for name, value in fields.items()}
    response = web.browser("mentor").post(f"/reviews/{finished.id}", **named)
    assert response.status_code == status


@pytest.mark.parametrize("email", ["\0", "a\0@b.test", "x" * 100_000, "\u202e@b.test", ""])
def test_address_that_is_none_signs_nobody_in(still: Web, email: str) -> None:
    response = still.browser("visitor").post("/sign-in", email=email, password=PASSWORD)
    assert response.status_code == 422


@pytest.mark.parametrize("user_id", ["0", "-1", str(MAX_INTEGER + 1), "9" * 30, "x", "1.5"])
def test_person_that_is_none_gets_no_role(still: Web, user_id: str) -> None:
    response = still.browser("admin").post(f"/admin/people/{user_id}", role="admin")
    assert response.status_code == 422
    nobody = still.browser("admin").post(f"/admin/people/{MAX_INTEGER}", role="admin")
    assert nobody.status_code == 404


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "NONSENSE"])
@pytest.mark.parametrize("path", ["/", "/sign-in", "/api/preview"])
def test_wrong_method_is_called_that(still: Web, method: str, path: str) -> None:
    response = still.browser("candidate").client.request(method, path)
    assert response.status_code == 405
    assert "does not accept that" in shown_error(response)


@pytest.mark.parametrize(
    "path",
    ["/no", "/papers/", "/api/no", "/static/no.js", "/static/../app/main.py", "/%00", "/%ff"],
)
def test_unknown_address_is_not_found(still: Web, path: str) -> None:
    response = still.browser("candidate").get(path)
    assert response.status_code in {404, 307}
    assert response.status_code == 307 or shown_error(response)


@pytest.mark.parametrize("cookie", ["\xff", "x" * 5000, "a=b; yimian_login=", '"', "\u0001"])
def test_cookie_that_is_none_is_a_visitors(still: Web, cookie: str) -> None:
    headers = [(b"Cookie", f"yimian_login={cookie}".encode("latin-1"))]
    response = still.client().get("/papers", headers=headers)
    assert response.status_code == 303


# --- A commit that fails --------------------------------------------------------------------


def test_commit_that_fails_is_answered_as_an_error(
    web: Web, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer must wait for the commit: FastAPI would send it first by default."""
    with web.site.database.transaction() as session:
        session.execute(
            text(
                "CREATE TABLE promise (id INTEGER PRIMARY KEY, user_id INTEGER"
                " REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED)"
            )
        )

    def keep_and_break(
        interview: Interview, attempt: Attempt, text_: str, sequence: int, *, now: datetime
    ) -> None:
        keep_draft(interview, attempt, text_, sequence, now=now)
        session = object_session(attempt)
        assert session is not None
        session.execute(text("INSERT INTO promise (user_id) VALUES (999)"))

    monkeypatch.setattr("app.web.api.attempts.keep_draft", keep_and_break)
    response = draft(room, {"text": "lost", "sequence": 1})
    assert response.status_code == 500
    assert "saved_at" not in response.text
    assert stored(room)[1] == 0
    monkeypatch.undo()
    # What the failed commit left open must not stop the next one.
    assert draft(room, {"text": "kept", "sequence": 1}).status_code == 200
