"""For whoever operates this: alive, ready, and in figures."""

from __future__ import annotations

import hmac
from typing import Annotated

from fastapi import APIRouter, Header
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import JSONResponse, PlainTextResponse, Response

from app.kit.errors import NotFoundError
from app.web.dependencies import RuntimeDep
from app.workflows.import_bank import is_settled

router = APIRouter()


@router.get("/healthz", name="healthz")
def healthz() -> Response:
    """Answer as long as the process serves."""
    return PlainTextResponse("ok")


@router.get("/readyz", name="readyz")
def readyz(runtime: RuntimeDep) -> Response:
    """Answer 200 once the database can be read and the bank is on offer."""
    ready = is_settled(runtime.machinery)
    return JSONResponse({"ready": ready}, 200 if ready else 503)


@router.get("/metrics", name="metrics")
def metrics(runtime: RuntimeDep, authorization: Annotated[str, Header()] = "") -> Response:
    """Return what Prometheus reads, to whoever shows YIMIAN_METRICS_TOKEN as a bearer token."""
    token = runtime.settings.metrics_token
    if not token or not hmac.compare_digest(authorization.encode(), f"Bearer {token}".encode()):
        raise NotFoundError
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
