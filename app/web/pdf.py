"""HTML to PDF. The layout engine needs Pango, which is a library of the system."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.kit.errors import ConflictError
from app.kit.i18n import message

if TYPE_CHECKING:
    from collections.abc import Callable

try:
    from weasyprint import HTML
    from weasyprint.urls import URLFetcher
except OSError:  # Pango is missing: everything but PDFs works
    _html: Callable[..., Any] | None = None
else:
    _html = HTML


def to_pdf(page: str) -> bytes:
    """Return `page` as a PDF. Raises ConflictError where Pango is missing.

    Only what the page carries in itself is loaded: an answer may name any address.
    """
    if _html is None:
        raise ConflictError(
            message("PDFs need the system library Pango, which is not installed on this server.")
        )
    fetcher = URLFetcher(allowed_protocols={"data"})
    pdf: bytes = _html(string=page, url_fetcher=fetcher).write_pdf()
    return pdf
