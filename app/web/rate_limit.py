"""Slows down who guesses passwords: a bounded number of tries per address and per account."""

from __future__ import annotations

from collections import OrderedDict, deque
from threading import Lock
from typing import TYPE_CHECKING

from app.kit.errors import TooManyRequestsError
from app.kit.i18n import message

if TYPE_CHECKING:
    from starlette.requests import Request

TRIES = 10
SECONDS = 300.0
MAX_KEYS = 10_000


class SignInLimiter:
    """Counts the tries of the last minutes in memory; a restart forgives."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._tries: OrderedDict[str, deque[float]] = OrderedDict()

    def check(self, request: Request, email: str, *, now: float) -> None:
        """Count a try; raises TooManyRequestsError when there were too many.

        Address and account are counted together, so that nobody can lock another one out.
        """
        host = request.client.host if request.client else ""
        key = f"{host} {email.strip().lower()[:254]}"
        with self._lock:
            tries = self._tries.setdefault(key, deque())
            self._tries.move_to_end(key)
            while tries and tries[0] <= now - SECONDS:
                tries.popleft()
            if len(tries) >= TRIES:
                raise TooManyRequestsError(
                    message("Too many tries. Please wait a few minutes."),
                    headers={"Retry-After": str(int(tries[0] + SECONDS - now) + 1)},
                )
            tries.append(now)
            while len(self._tries) > MAX_KEYS:
                self._tries.popitem(last=False)
