"""The application in front of a site, and browsers of people who are signed in."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from starlette.testclient import TestClient

from app.answers.models import Submission
from app.web import cookies
from app.web.application import create_application
from app.web.csrf import HEADER, token_for
from app.web.rate_limit import SignInLimiter
from tests.site import DOUBLE, build_site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fastapi import FastAPI
    from httpx2 import Response

    from tests.site import Site


@dataclass
class Browser:
    """A person's browser: it keeps cookies, and shows the token of its forms."""

    client: TestClient
    token: str

    def get(self, path: str, **options: Any) -> Response:  # noqa: ANN401 - as the client has it
        return self.client.get(path, **options)

    def post(self, path: str, **fields: str) -> Response:
        """Send a form, with its token."""
        return self.client.post(path, data={"csrf_token": self.token, **fields})

    def call(self, method: str, path: str, body: object = None) -> Response:
        """Call the JSON interface, with the token."""
        return self.client.request(method, path, json=body, headers={HEADER: self.token})

    def send(
        self, method: str, path: str, content: bytes, content_type: str = "application/json"
    ) -> Response:
        """Send any bytes, with the token."""
        headers = {HEADER: self.token, "Content-Type": content_type}
        return self.client.request(method, path, content=content, headers=headers)


@dataclass
class Web:
    """The application and its site."""

    site: Site
    app: FastAPI
    browsers: dict[str, Browser] = field(default_factory=dict)

    def close(self) -> None:
        for browser in self.browsers.values():
            browser.client.close()

    def client(self) -> TestClient:
        client = TestClient(self.app, raise_server_exceptions=False, follow_redirects=False)
        client.headers["Accept-Language"] = "en"
        return client

    def browser(self, name: str) -> Browser:
        """Return the browser of a person, or of a visitor who was here before."""
        if name not in self.browsers:
            self.browsers[name] = self._visitor() if name == "visitor" else self._person(name)
        return self.browsers[name]

    def _visitor(self) -> Browser:
        client = self.client()
        client.cookies.set(cookies.VISITOR, "somebody")
        return Browser(client, token_for(self.site.runtime.settings.key, "visitor somebody"))

    def _person(self, name: str) -> Browser:
        client = self.client()
        jar, token = self.site.login(name)
        client.cookies.update(jar)
        return Browser(client, token)


@dataclass
class Room:
    """An interview of the candidate, with its attempts."""

    web: Web
    id: str
    code: str
    concept: str
    open: str

    def submit(self, attempt_id: str, text: str) -> Response:
        candidate = self.web.browser("candidate")
        return candidate.call("POST", f"/api/attempts/{attempt_id}/submissions", {"text": text})

    def submissions(self) -> list[str]:
        with self.web.site.database.transaction(read_only=True) as session:
            return [one.text for one in session.query(Submission).order_by(Submission.id)]


@pytest.fixture(autouse=True, scope="session")
def _plain_logs() -> Iterator[None]:
    """Without configuration, structlog draws every internal error with all its variables."""
    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()]
    )
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def served(stocked: Path) -> FastAPI:
    """The application, made once: its first request takes longer than most tests."""
    nobodys = build_site(stocked)
    nobodys.close()
    return create_application(nobodys.runtime)


@pytest.fixture
def web(site: Site, served: FastAPI) -> Iterator[Web]:
    served.state.runtime = site.runtime
    served.state.sign_in_limiter = SignInLimiter()
    web = Web(site, served)
    yield web
    web.close()


@pytest.fixture(scope="module")
def still(stocked: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """A site for all tests of a module that only read, or are refused."""
    directory = tmp_path_factory.mktemp("still") / "site"
    shutil.copytree(stocked, directory)
    site = build_site(directory)
    web = Web(site, create_application(site.runtime))
    yield web
    web.close()
    site.close()


@pytest.fixture(scope="module")
def still_room(still: Web) -> Room:
    """A running interview that stays as it is."""
    return open_room(still)


def open_room(web: Web) -> Room:
    interview_id = web.site.start()
    return Room(web, interview_id, *web.site.attempts(interview_id))


@pytest.fixture
def room(web: Web) -> Room:
    """A running interview."""
    return open_room(web)


def finish_room(room: Room) -> Room:
    room.submit(room.code, DOUBLE)
    room.submit(room.concept, "Threads share the memory of their process.")
    room.web.site.finish(room.id)
    return room


@pytest.fixture
def finished(room: Room) -> Room:
    """A finished interview with right code and right words."""
    return finish_room(room)


def shown_error(response: Response) -> str:
    """Return what an error page or a JSON error says."""
    if response.headers["content-type"].startswith("application/json"):
        return str(response.json()["error"]["message"])
    text = re.sub(r"<[^>]+>", " ", response.text[response.text.index("<main") :])
    return " ".join(text.split())
