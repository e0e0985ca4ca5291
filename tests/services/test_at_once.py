"""Requests at once on PostgreSQL: the second sees what the first did, and nothing breaks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

from app.answers.models import Submission
from app.interviews.models import Interview
from app.scoring.models import Review
from app.web.application import create_application
from app.web.csrf import HEADER, token_for
from tests.site import PAPER, PASSWORD, Site, build_site, stock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from httpx2 import Response

    from tests.services.servers import Postgres

AT_ONCE = 6


@pytest.fixture
def site(postgres: Postgres, tmp_path: Path) -> Iterator[Site]:
    url = postgres.new_database()
    stock(tmp_path, url)
    site = build_site(tmp_path, url)
    yield site
    site.close()


def at_once(site: Site, name: str, ask: Callable[[TestClient, int], Response]) -> list[int]:
    """Let as many browsers of a person ask at once; return the statuses, in order."""
    app = create_application(site.runtime)

    def one(number: int) -> int:
        client = TestClient(app, raise_server_exceptions=False, follow_redirects=False)
        jar, token = visitor(site) if name == "visitor" else site.login(name)
        client.cookies.update(jar)
        client.headers[HEADER] = token
        with client:
            return ask(client, number).status_code

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return sorted(threads.map(one, range(AT_ONCE)))


def visitor(site: Site) -> tuple[dict[str, str], str]:
    return {"yimian_visitor": "x"}, token_for(site.runtime.settings.key, "visitor x")


def test_submissions_are_numbered_and_limited(site: Site) -> None:
    _, concept, _ = site.attempts(site.start())
    path = f"/api/attempts/{concept}/submissions"
    statuses = at_once(
        site, "candidate", lambda client, number: client.post(path, json={"text": f"a {number}"})
    )
    assert statuses == [202] * 3 + [409] * (AT_ONCE - 3)
    with site.database.transaction(read_only=True) as session:
        numbers = [one.number for one in session.query(Submission)]
    assert sorted(numbers) == [1, 2, 3]


def test_of_drafts_with_one_number_one_is_kept_and_the_others_hear_of_it(site: Site) -> None:
    _, concept, _ = site.attempts(site.start())
    path = f"/api/attempts/{concept}/draft"
    statuses = at_once(
        site,
        "candidate",
        lambda client, number: client.put(path, json={"text": f"tab {number}", "sequence": 1}),
    )
    assert statuses == [200] + [409] * (AT_ONCE - 1)


def test_code_is_graded_one_by_one(site: Site) -> None:
    site.dispatcher.holding = True
    code, *_ = site.attempts(site.start())
    path = f"/api/attempts/{code}/runs"
    statuses = at_once(site, "candidate", lambda client, _: client.post(path, json={"text": "x"}))
    assert statuses == [202] + [409] * (AT_ONCE - 1)


def test_paper_is_started_once(site: Site) -> None:
    statuses = at_once(
        site, "candidate", lambda client, _: client.post("/interviews", data={"paper_id": PAPER})
    )
    assert statuses == [303] * AT_ONCE
    with site.database.transaction(read_only=True) as session:
        assert session.query(Interview).count() == 1


def test_interview_is_finished_once(site: Site) -> None:
    interview_id = site.start()
    _, concept, _ = site.attempts(interview_id)
    at_once(
        site,
        "candidate",
        lambda client, _: client.put(
            f"/api/attempts/{concept}/draft", json={"text": "last", "sequence": 1}
        ),
    )
    statuses = at_once(
        site, "candidate", lambda client, _: client.post(f"/interviews/{interview_id}/finish")
    )
    assert statuses == [303] * AT_ONCE
    with site.database.transaction(read_only=True) as session:
        assert session.query(Submission).count() == 1


def test_review_is_begun_once(site: Site) -> None:
    interview_id = site.start()
    site.finish(interview_id)
    statuses = at_once(
        site,
        "mentor",
        lambda client, number: client.post(
            f"/reviews/{interview_id}", data={"summary": str(number)}
        ),
    )
    assert statuses == [303] * AT_ONCE
    with site.database.transaction(read_only=True) as session:
        assert session.query(Review).count() == 1


def test_address_is_registered_once(site: Site) -> None:
    fields = {"email": "new@site.test", "display_name": "New", "password": PASSWORD}
    statuses = at_once(site, "visitor", lambda client, _: client.post("/register", data=fields))
    assert statuses == [303] + [422] * (AT_ONCE - 1)
