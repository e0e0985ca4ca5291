"""Counts the work that scoring does: calls of its functions, which no busy machine changes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import FrameType


class Counted:
    """Inside a with-block, counts the calls of functions of `app.scoring` in `number`."""

    def __init__(self) -> None:
        self.number = 0

    def __enter__(self) -> Self:
        sys.setprofile(self._count)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _count(self, frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_globals.get("__name__", "").startswith("app.scoring"):
            self.number += 1
