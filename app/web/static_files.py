"""Built scripts and styles: their names change with their content, so browsers may keep them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.staticfiles import StaticFiles

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import Scope

FOR_EVER = "public, max-age=31536000, immutable"


class HashedFiles(StaticFiles):
    """Serves files that never change under the same name."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return the file, to be kept for ever; an error is not."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = FOR_EVER
        return response
