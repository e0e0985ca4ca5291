"""Both directions of a fork server's streams at once, so that neither can block the other."""

from __future__ import annotations

import os
import select
from typing import TYPE_CHECKING

from app.grading.runs import SandboxBrokenError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.kit.clock import Clock

PIECE = 256 * 1024  # bytes read at once


class PumpedStream:
    """Sends what was posted while it waits for what is read, on two descriptors or one for both.

    It makes the descriptors non-blocking and leaves closing them to its owner. What a subclass
    receives may be wrapped: it then unwraps it in `_arrived`.
    """

    def __init__(self, source: int, target: int, clock: Clock) -> None:
        self._source, self._target = source, target
        self._clock = clock
        self._posted: Iterator[bytes] = iter(())
        self._unsent = memoryview(b"")
        self._ready = bytearray()
        for fd in {source, target}:
            os.set_blocking(fd, False)

    def post(self, messages: Iterator[bytes]) -> None:
        """Take messages to be sent, in order; each is asked for when its turn has come.

        Of those posted before, one that is half sent is finished first; the rest are forgotten.
        """
        self._posted = messages
        self._send()

    def read(self, size: int, seconds: float) -> bytes:
        """Return exactly `size` bytes. Raises SandboxBrokenError, also when `seconds` are over."""
        if len(self._ready) < size:
            self._await(size, self._clock.monotonic() + seconds)
        found = bytes(self._ready[:size])
        del self._ready[:size]
        return found

    @property
    def rests(self) -> bool:
        """Whether the other end is there and says nothing unasked; told without waiting."""
        return self._source >= 0 and not self._ready and not self._poll(0)

    def close(self) -> None:
        """Forget the descriptors, which the owner closes."""
        self._source = self._target = -1

    def _arrived(self, piece: bytes) -> None:
        self._ready.extend(piece)

    def _said(self) -> str:
        """Return what the fork server wrote to its stderr, for the operator."""
        return ""

    def _await(self, size: int, deadline: float) -> None:
        while len(self._ready) < size:
            events = self._poll(deadline - self._clock.monotonic())
            if not events:
                raise SandboxBrokenError("the sandbox does not answer in time")
            if any(event & select.POLLOUT for event in events):
                self._send()
            if any(event & ~select.POLLOUT for event in events):
                self._receive()

    def _poll(self, seconds: float) -> list[int]:
        poll = select.poll()
        poll.register(self._source, select.POLLIN)
        if self._unsent:
            wanted = select.POLLOUT | (select.POLLIN if self._source == self._target else 0)
            poll.register(self._target, wanted)
        return [event for _, event in poll.poll(max(seconds, 0) * 1000)]

    def _receive(self) -> None:
        try:
            piece = os.read(self._source, PIECE)
        except BlockingIOError:
            return
        except OSError as error:
            raise SandboxBrokenError(f"the sandbox does not answer: {error}") from error
        if not piece:
            raise SandboxBrokenError(f"the fork server ended; it said: {self._said() or 'nothing'}")
        self._arrived(piece)

    def _send(self) -> None:
        """Send until nothing is left or the other end takes no more for now."""
        while self._unsent or self._next():
            try:
                self._unsent = self._unsent[os.write(self._target, self._unsent) :]
            except BlockingIOError:
                return
            except OSError:
                # What it said before it went is still to be read, and tells more than this.
                self._posted, self._unsent = iter(()), memoryview(b"")

    def _next(self) -> bool:
        self._unsent = memoryview(next(self._posted, b""))
        return bool(self._unsent)
