"""The transcript's chain: each event carries the hash of the one before."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

GENESIS = "0" * 64


class EventFacts(Protocol):
    """What a hash covers, and the hash."""

    interview_id: Any
    sequence: Any
    at: Any
    action: Any
    data: Any
    previous_hash: Any
    hash: Any


def chain_hash(
    previous_hash: str,
    *,
    interview_id: str,
    sequence: int,
    at: datetime,
    action: str,
    data: Mapping[str, Any],
) -> str:
    """Return the SHA-256 (hex) over the event's fields and the hash before it."""
    fields = [previous_hash, interview_id, sequence, _moment(at), action, data]
    canonical = json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def first_break(events: Iterable[EventFacts]) -> int | None:
    """Return the sequence number of the first event that does not fit the chain, or None.

    The events must come in order, from the first.
    """
    previous, expected = GENESIS, 1
    for event in events:
        computed = chain_hash(
            previous,
            interview_id=event.interview_id,
            sequence=event.sequence,
            at=event.at,
            action=event.action,
            data=event.data,
        )
        intact = event.previous_hash == previous and event.hash == computed
        if event.sequence != expected or not intact:
            return int(event.sequence)
        previous, expected = event.hash, expected + 1
    return None
