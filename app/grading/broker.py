"""How to reach the broker: a request must not hang on it, for the database knows all it holds."""

from __future__ import annotations

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

CONNECT_SECONDS = 2
ANSWER_SECONDS = 10


def connect_redis(url: str) -> redis.Redis:
    """Return a client that gives up soon: a stale connection is replaced once, without a pause."""
    return redis.Redis.from_url(
        url,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 1),
    )
