"""Our own way from a submission to its verdict: through the library, and over HTTP."""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from app.grading.judging import judge_case, summarise
from app.grading.running import run_cases
from app.settings import Settings
from app.workflows.assemble_runtime import build_engine, build_pool
from bench.work import LARGE, PROGRAM, SMALL, question
from tests.conftest import prepared_server
from tests.services.people import Person, first_done

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.grading.pool import Pool
    from bench.work import Work


@contextmanager
def new_pool(**settings_of_ours: int) -> Iterator[Pool]:
    """Yield a pool on the backend that this machine's settings choose, but for some of ours."""
    settings = Settings.model_validate(settings_of_ours)
    engine = build_engine(settings)
    pool = build_pool(settings, engine)
    try:
        yield pool
    finally:
        pool.close()
        engine.close()


def library(pool: Pool, work: Work, owner: str = "bench") -> Callable[[], None]:
    """Return what grades one submission of `owner` without web, queue or database."""

    def grade() -> None:
        with pool.lease(owner) as sandbox:
            runs = run_cases(sandbox, work.question, PROGRAM, work.cases)
        judged = [judge_case(case, run) for case, run in zip(work.cases, runs, strict=True)]
        assert summarise(work.question, judged).verdict == "AC"

    return grade


@contextmanager
def over_http() -> Iterator[dict[tuple[int, int], Callable[[], None]]]:
    """Yield what submits once and waits for the verdict on the stream, for each shape.

    The server is a real one with its database on disk; the client keeps its connection.
    """
    with TemporaryDirectory() as folder:
        bank, data = Path(folder, "bank"), Path(folder, "data")
        data.mkdir()
        for shape in (SMALL, LARGE):
            _write(bank, shape)
        with prepared_server(data, bank) as server, ExitStack() as stack:
            person = Person(server.url)
            stack.callback(person.close)
            person.sign_in("candidate@site.test")
            yield {shape: _submit(person, shape, stack) for shape in (SMALL, LARGE)}


def _write(bank: Path, shape: tuple[int, int]) -> None:
    document = question(shape).model_dump(mode="json", exclude_none=True)
    path = bank / "bench" / f"{document['id']}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document), "utf-8")  # JSON is YAML, too


def _submit(person: Person, shape: tuple[int, int], stack: ExitStack) -> Callable[[], None]:
    page = person.fill_in(f"/questions/{question(shape).id}/practice")
    attempt = page.url.path.rpartition("/")[2]
    jobs = stack.enter_context(person.listening(attempt))

    def submit() -> None:
        job = first_done(jobs, person.submit(attempt, PROGRAM)["id"])
        assert job["verdict"] == "AC", job

    return submit
