"""Who waits for a job hears of it: in this process, or over Redis across many."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import asynccontextmanager, suppress
from threading import Lock
from typing import TYPE_CHECKING, Protocol

import redis
import redis.asyncio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager


class Listener(Protocol):
    """A subscription to one channel."""

    async def next(self, seconds: float) -> str | None:
        """Return the next message, or None after `seconds` without one."""
        ...


class Notifier(Protocol):
    """Publishes short messages on named channels. Losing one must do no harm."""

    def publish(self, channel: str, text: str) -> None:
        """Tell everybody who listens on `channel`."""
        ...

    def listen(self, channel: str) -> AbstractAsyncContextManager[Listener]:
        """Listen on `channel` inside the ``async with`` block."""
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
    async def listen(self, channel: str) -> AsyncIterator[Listener]:
        """Listen on `channel` inside the ``async with`` block."""
        queue = _Queue()
        with self._lock:
            self._queues[channel].add(queue)
        try:
            yield queue
        finally:
            with self._lock:
                self._queues[channel].discard(queue)
                if not self._queues[channel]:
                    del self._queues[channel]


class _RedisListener:
    def __init__(self, subscription: redis.asyncio.client.PubSub) -> None:
        self._subscription = subscription

    async def next(self, seconds: float) -> str | None:
        message = await self._subscription.get_message(
            ignore_subscribe_messages=True, timeout=seconds
        )
        return message["data"].decode() if message else None


class RedisNotifier:
    """Between the processes of a distributed set-up."""

    def __init__(self, url: str) -> None:
        self._client = redis.Redis.from_url(url)
        self._async_client = redis.asyncio.Redis.from_url(url)

    def publish(self, channel: str, text: str) -> None:
        """Tell everybody who listens on `channel`."""
        self._client.publish(channel, text)

    @asynccontextmanager
    async def listen(self, channel: str) -> AsyncIterator[Listener]:
        """Listen on `channel` inside the ``async with`` block."""
        async with self._async_client.pubsub() as subscription:
            await subscription.subscribe(channel)
            yield _RedisListener(subscription)
