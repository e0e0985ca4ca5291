"""Markdown as it will look."""

from __future__ import annotations

from fastapi import APIRouter

from app.answers.service import accept_text
from app.web.api.attempts import TextBody
from app.web.markdown import render_markdown

router = APIRouter()


@router.post("/preview", name="preview_markdown")
def preview_markdown(body: TextBody) -> dict[str, str]:
    """Return the text as safe HTML."""
    return {"html": str(render_markdown(accept_text(body.text)))}
