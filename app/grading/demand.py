"""How many sandboxes are worth keeping warm: as many as newcomers took lately."""

from __future__ import annotations

from collections import deque

WINDOW_SECONDS = 30.0


class Demand:
    """Follows who came without a sandbox; `least` and `most` bound what it asks for.

    Whoever comes within the window finds one ready if no more came in the window before.
    """

    def __init__(self, least: int, most: int) -> None:
        self._least, self._most = least, most
        self._came: deque[float] = deque(maxlen=max(most, 1))

    def note(self, now: float) -> None:
        """Note that a newcomer took a sandbox at `now` (monotonic seconds), warm or not."""
        self._came.append(now)

    def target(self, now: float) -> int:
        """Return how many sandboxes should be warm at `now`."""
        while self._came and self._came[0] <= now - WINDOW_SECONDS:
            self._came.popleft()
        return max(self._least, min(self._most, len(self._came)))
