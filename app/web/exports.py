"""The transcript as a file: JSON, Markdown, one HTML page that needs nothing else, PDF."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import lru_cache
from html import escape, unescape
from threading import Lock
from typing import TYPE_CHECKING, Literal, get_args

from fastapi.encoders import jsonable_encoder
from markupsafe import Markup
from py_mini_racer import JSEvalException, MiniRacer

from app.interviews.queries import events_of
from app.web.pdf import to_pdf
from app.web.presenters.reports import report_view
from app.web.templating import built_file, render_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session
    from typing_extensions import TypeIs

    from app.interviews.models import Interview
    from app.web.views import ReportView

Format = Literal["json", "md", "html", "pdf"]

# Markdown is read in terminals, and these are orders to one: in answers, they are the candidate's.
_CONTROLS = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|\r(?!\n)")
_MATH = re.compile(r'<(span|div) class="math[^"]*" data-tex="([^"]*)">.*?</\1>', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Document:
    """A file to download."""

    content: bytes
    media_type: str


def is_format(name: str) -> TypeIs[Format]:
    """Tell whether a transcript can be written in this form."""
    return name in get_args(Format)


def export(session: Session, interview: Interview, form: Format, *, for_mentor: bool) -> Document:
    """Return the transcript of a finished interview in one of four forms."""
    if form == "json":
        return Document(_json(session, interview, for_mentor=for_mentor), "application/json")
    report = report_view(session, interview, for_mentor=for_mentor)
    return _FORMS[form](report)


def _json(session: Session, interview: Interview, *, for_mentor: bool) -> bytes:
    """Return the report, and the events as they are stored, so that the chain can be verified."""
    events = [
        {
            "sequence": one.sequence,
            "at": one.at,
            "action": one.action,
            "data": one.data,
            "previous_hash": one.previous_hash,
            "hash": one.hash,
        }
        for one in events_of(session, interview.id)
    ]
    report = asdict(report_view(session, interview, for_mentor=for_mentor))
    data = jsonable_encoder({"format": "yimian-transcript/1", "report": report, "events": events})
    return json.dumps(data, ensure_ascii=False, indent=2).encode()


def _markdown(report: ReportView) -> Document:
    text = render_text("export/transcript.md", report=report, ticks=_ticks)
    inert = _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text)
    return Document(inert.encode(), "text/markdown; charset=utf-8")


def _html(report: ReportView) -> Document:
    return Document(_page(report).encode(), "text/html; charset=utf-8")


def _pdf(report: ReportView) -> Document:
    return Document(to_pdf(_page(report)), "application/pdf")


def _ticks(code: str) -> str:
    """Return a fence that `code` cannot end: longer than every run of backticks in it."""
    return "`" * (max(2, *map(len, re.findall("`+", code)), 0) + 1)


_FORMS: dict[str, Callable[[ReportView], Document]] = {"md": _markdown, "html": _html, "pdf": _pdf}


def _page(report: ReportView) -> str:
    css = Markup(built_file("export.css"))  # noqa: S704 - our own style sheet
    page = render_text("export/transcript.html", report=report, css=css)
    return _MATH.sub(_typeset, page)


def _typeset(found: re.Match[str]) -> str:
    """Replace a marked formula by what KaTeX makes of it."""
    return _katex(unescape(found[2]), display=found[1] == "div")


# Formulas come from candidates too, and one engine typesets them all.
MAX_TEX = 4000
MAX_SECONDS = 2.0
MAX_MEMORY = 256 * 1024 * 1024

_lock = Lock()


@lru_cache
def _engine() -> MiniRacer:
    """Make the engine in a thread of its own: it would bind to an event loop that runs here."""
    with ThreadPoolExecutor(1) as elsewhere:
        return elsewhere.submit(_new_engine).result()


def _new_engine() -> MiniRacer:
    engine = MiniRacer()
    engine.eval(built_file("katex.min.js"))
    return engine


@lru_cache(maxsize=200)
def _katex(tex: str, *, display: bool) -> str:
    if len(tex) > MAX_TEX:
        return escape(tex)
    options = {"displayMode": display, "throwOnError": False, "trust": False}
    try:
        with _lock:
            return str(
                _engine().call(
                    "katex.renderToString",
                    tex,
                    options,
                    timeout_sec=MAX_SECONDS,
                    max_memory=MAX_MEMORY,
                )
            )
    except JSEvalException:  # nested too deep, too slow or too large: shown as it was written
        return escape(tex)
