"""The web process: what uvicorn serves."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool

from app.settings import Settings
from app.web.application import create_application
from app.workflows.assemble_runtime import assemble_runtime, close
from app.workflows.import_bank import import_bank
from app.workflows.keep_house import Housekeeper, resume_work

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fastapi import FastAPI

    from app.workflows.runtime import Runtime


def create_app() -> FastAPI:
    """Return the application with its background work; for ``uvicorn --factory``."""
    runtime = assemble_runtime(Settings())
    app = create_application(runtime)
    app.router.lifespan_context = lambda _: lifespan(runtime)
    return app


@asynccontextmanager
async def lifespan(runtime: Runtime) -> AsyncIterator[None]:
    """Take up old work and import the bank before the first request; tidy up after the last."""
    housekeeper = Housekeeper(runtime)
    await run_in_threadpool(_begin, runtime)
    housekeeper.start()
    yield
    await run_in_threadpool(housekeeper.stop)
    await run_in_threadpool(close, runtime)


def _begin(runtime: Runtime) -> None:
    import_bank(runtime)
    resume_work(runtime)
