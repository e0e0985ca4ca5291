"""People who use the site over HTTP, as their browsers do."""

from __future__ import annotations

import json
import re
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx2

from tests.site import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterator

SUBMISSION_SECONDS = 45
_TOKEN = re.compile(r'data-csrf="([^"]+)"')
_INTERVIEW = re.compile(r"/interviews/([0-9a-f]{32})")


class Person:
    """A browser with its cookies and the token for its forms."""

    def __init__(self, url: str) -> None:
        self.http = httpx2.Client(base_url=url, follow_redirects=True, timeout=SUBMISSION_SECONDS)
        self.page("/register")

    def page(self, path: str) -> str:
        """Return a page, and keep its token."""
        answer = self.http.get(path)
        assert answer.status_code == 200, (path, answer.text)
        found = _TOKEN.search(answer.text)
        if found is not None:
            self._token = found[1]
        return answer.text

    def fill_in(self, path: str, **fields: str) -> httpx2.Response:
        """Send a form and return the page that it leads to."""
        answer = self.http.post(path, data={"csrf_token": self._token, **fields})
        assert answer.status_code == 200, (path, answer.text)
        return answer

    def call(self, method: str, path: str, **body: object) -> dict[str, Any]:
        """Return what the JSON interface answers."""
        answer = self.http.request(
            method, f"/api{path}", json=body or None, headers={"X-CSRF-Token": self._token}
        )
        assert answer.is_success, answer.text
        found = answer.json()
        assert isinstance(found, dict)
        return found

    def register(self, email: str) -> None:
        self.fill_in("/register", email=email, display_name="One", password=PASSWORD)
        self.page("/papers")

    def sign_in(self, email: str) -> None:
        self.fill_in("/sign-in", email=email, password=PASSWORD)
        self.page("/papers")

    def start(self, paper: str) -> str:
        """Start an interview; return its id."""
        answer = self.fill_in("/interviews", paper_id=paper)
        found = _INTERVIEW.search(answer.text)
        assert found is not None
        return found[1]

    def submit(self, attempt: str, text: str) -> dict[str, Any]:
        """Hand a text in; return its job."""
        job = self.call("POST", f"/attempts/{attempt}/submissions", text=text)["job"]
        assert isinstance(job, dict)
        return job

    def job(self, job_id: str) -> dict[str, Any]:
        return self.call("GET", f"/jobs/{job_id}")

    def wait_for_state(self, job_id: str, *states: str) -> dict[str, Any]:
        deadline = time.monotonic() + SUBMISSION_SECONDS
        while (job := self.job(job_id))["state"] not in states:
            assert time.monotonic() < deadline, job
            time.sleep(0.1)
        return job

    @contextmanager
    def listening(self, attempt: str) -> Iterator[Iterator[dict[str, Any]]]:
        """Yield the jobs that the server tells of inside the ``with`` block."""
        with self.http.stream("GET", f"/api/attempts/{attempt}/events") as answer:
            lines = answer.iter_lines()
            assert next(lines) == "event: clock"  # whoever gets it is subscribed
            yield _jobs(lines)

    def close(self) -> None:
        self.http.close()


def _jobs(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        if line == "event: job":
            yield json.loads(next(lines).removeprefix("data: "))


def first_done(jobs: Iterator[dict[str, Any]], job_id: str) -> dict[str, Any]:
    """Return the job as the stream tells that it is done."""
    return next(job for job in jobs if job["id"] == job_id and job["state"] == "done")
