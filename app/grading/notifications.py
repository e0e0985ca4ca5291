"""Who waits for a job hears of it: in this process, or over Redis across many."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from contextlib import asynccontextmanager, suppress
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol, cast

import redis
import redis.asyncio
from redis.exceptions import RedisError

from app.grading.broker import ANSWER_SECONDS, CONNECT_SECONDS, connect_redis

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from contextlib import AbstractAsyncContextManager

log = logging.getLogger(__name__)

# How long to wait before looking again for a broker that went away.
RETRY_SECONDS = 1.0
# Published on the channel of a login or an interview, where other texts are ids of jobs.
ENDED = "ended"


class Listener(Protocol):
    """A subscription to some channels."""

    async def next(self, seconds: float) -> str | None:
        """Return the next message, or None after `seconds` without one."""
        ...


class Notifier(Protocol):
    """Publishes short messages on named channels. Losing one must do no harm."""

    def publish(self, channel: str, text: str) -> None:
        """Tell everybody who listens on `channel`."""
        ...

    def listen(self, *channels: str) -> AbstractAsyncContextManager[Listener]:
        """Listen on all `channels` inside the ``async with`` block."""
        ...

    def close(self) -> None:
        """Give back what publishing needs."""
        ...


class _Queue:
    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.messages: asyncio.Queue[str] = asyncio.Queue(maxsize=1000)

    def put(self, text: str) -> None:
        with suppress(asyncio.QueueFull):
            self.messages.put_nowait(text)

    async def next(self, seconds: float) -> str | None:
        try:
            return await asyncio.wait_for(self.messages.get(), seconds)
        except TimeoutError:
            return None


class LocalNotifier:
    """Between the threads of one process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._queues: dict[str, set[_Queue]] = defaultdict(set)

    def publish(self, channel: str, text: str) -> None:
        """Tell everybody who listens on `channel`."""
        with self._lock:
            queues = tuple(self._queues.get(channel, ()))
        for queue in queues:
            with suppress(RuntimeError):  # its loop closed between the look and the call
                queue.loop.call_soon_threadsafe(queue.put, text)

    @asynccontextmanager
    async def listen(self, *channels: str) -> AsyncIterator[Listener]:
        """Listen on all `channels` inside the ``async with`` block."""
        queue = _Queue()
        with self._lock:
            for channel in channels:
                self._queues[channel].add(queue)
        try:
            yield queue
        finally:
            with self._lock:
                for channel in channels:
                    self._queues[channel].discard(queue)
                    if not self._queues[channel]:
                        del self._queues[channel]

    def close(self) -> None:
        """Nothing is held."""


class _RedisListener:
    def __init__(self, subscription: redis.asyncio.client.PubSub, channels: Sequence[str]) -> None:
        self._subscription, self._channels = subscription, channels

    async def next(self, seconds: float) -> str | None:
        """Return the next message; while the broker is away there are none."""
        end = asyncio.get_running_loop().time() + seconds
        while (left := end - asyncio.get_running_loop().time()) > 0:
            try:
                message = await self.receive(left)
            except RedisError as error:
                log.warning("no messages from the broker: %s", error)
                await asyncio.sleep(min(RETRY_SECONDS, left))
                continue
            # A confirmation comes after each (re)connection.
            if message is not None and message["type"] == "message":
                return str(message["data"].decode())
        return None

    async def receive(self, seconds: float) -> dict[str, Any] | None:
        """Return what the broker says within `seconds`, also confirmations. Raises RedisError."""
        if not self._subscription.subscribed:
            await self._subscription.subscribe(*self._channels)
        return cast("dict[str, Any] | None", await self._subscription.get_message(timeout=seconds))


class RedisNotifier:
    """Between the processes of a distributed set-up."""

    def __init__(self, url: str) -> None:
        self._client = connect_redis(url)
        self._async_client = redis.asyncio.Redis.from_url(
            url, socket_connect_timeout=CONNECT_SECONDS
        )

    def publish(self, channel: str, text: str) -> None:
        """Tell everybody who listens on `channel`; without the broker nobody hears it."""
        try:
            self._client.publish(channel, text)
        except RedisError as error:
            log.warning("nobody was told of %s: %s", text, error)

    @asynccontextmanager
    async def listen(self, *channels: str) -> AsyncIterator[Listener]:
        """Listen on all `channels` inside the ``async with`` block, from the first moment on."""
        async with self._async_client.pubsub() as subscription:
            listener = _RedisListener(subscription, channels)
            with suppress(RedisError):  # tried again at each `next`
                await listener.receive(ANSWER_SECONDS)
            yield listener

    def close(self) -> None:
        """Close the connections for publishing; those of listeners end with them."""
        self._client.close()
