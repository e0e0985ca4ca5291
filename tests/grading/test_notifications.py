"""Notes between threads: who listens hears, who does not listen misses, nobody is held up."""

from __future__ import annotations

import asyncio
from threading import Thread

from app.grading.notifications import LocalNotifier

SECONDS = 10.0


def test_listener_hears_what_another_thread_publishes_in_order() -> None:
    notifier = LocalNotifier()

    async def listen() -> list[str | None]:
        async with notifier.listen("a") as listener:
            for text in "xyz":
                thread = Thread(target=notifier.publish, args=("a", text))
                thread.start()
                thread.join()
            return [await listener.next(SECONDS) for _ in range(3)]

    assert asyncio.run(listen()) == ["x", "y", "z"]


def test_everybody_on_a_channel_hears_and_nobody_else() -> None:
    notifier = LocalNotifier()

    async def listen() -> tuple[str | None, str | None, str | None]:
        async with (
            notifier.listen("a") as one,
            notifier.listen("a") as two,
            notifier.listen("b") as other,
        ):
            notifier.publish("a", "x")
            return await one.next(SECONDS), await two.next(SECONDS), await other.next(0.001)

    assert asyncio.run(listen()) == ("x", "x", None)


def test_silence_ends_after_the_given_time() -> None:
    async def listen() -> str | None:
        async with LocalNotifier().listen("a") as listener:
            return await listener.next(0.001)

    assert asyncio.run(listen()) is None


def test_publishing_to_nobody_or_to_who_left_does_no_harm() -> None:
    notifier = LocalNotifier()
    notifier.publish("a", "x")

    async def leave() -> None:
        async with notifier.listen("a"):
            pass
        notifier.publish("a", "y")

    asyncio.run(leave())
    notifier.publish("a", "z")


def test_listener_that_does_not_read_holds_nobody_up() -> None:
    notifier = LocalNotifier()

    async def ignore() -> str | None:
        async with notifier.listen("a") as listener:
            for number in range(2000):
                notifier.publish("a", str(number))
            await asyncio.sleep(0)
            return await listener.next(SECONDS)

    assert asyncio.run(ignore()) == "0"
