"""The sender: delivers the outbox of channels that push, each chat in order, chats side by side, within the channel's limits."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import random
import time
import weakref
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from dialogs.turns import Turns
from storage.contract import FAR, Limit, OutboxItem, Store, StoreError

LEASE = timedelta(seconds=75)
"""How long other processes leave alone what this one claimed: from claim to the end of the last delivery."""
LONGEST = 45.0
"""Seconds that one delivery may take; none begins with less than that left of the lease."""
CHATS = 100
"""How many chats one process delivers to at a time."""
GRACE = 3.0
"""Seconds that deliveries under way are given to end when the program stops: what is cut off in the middle comes twice."""
TRIES = 3
"""How often something that cannot be sent at all is tried before it is parked."""
log = logging.getLogger(__name__)
Deliver = Callable[[OutboxItem], Awaitable[None]]
Chat = tuple[str, str]


class DeliveryError(Exception):
    """A delivery that failed. `retry_after` in seconds where the other side named it; `final` where trying again is of no use; `uncertain`
    where it may have arrived."""

    def __init__(self, message: str, *, retry_after: float | None = None, final: bool = False, uncertain: bool = False) -> None:
        super().__init__(message)
        self.retry_after, self.final, self.uncertain = retry_after, final, uncertain


class Pace:
    """Waits until a channel's limits allow one more message to a chat; `limits`: the token buckets that count for it."""

    def __init__(self, store: Store, limits: Callable[[str], Sequence[Limit]], longest: float = 5.0) -> None:
        self._store, self._limits, self._longest = store, limits, longest
        self._gates: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()

    async def wait(self, chat: str) -> None:
        """Take a token for a message to this chat; DeliveryError, with the time to wait, where that takes too long for one delivery."""
        ends = time.monotonic() + self._longest
        for limit in self._limits(chat):  # the narrowest first
            gate = self._gates.setdefault(limit.key, asyncio.Lock())
            async with gate:  # one asks the store at a time, in the order in which they came
                while wait := await self._store.take((limit,), datetime.now(UTC)):
                    if time.monotonic() + wait > ends:
                        raise DeliveryError("the channel's limits are used up", retry_after=wait)
                    await asyncio.sleep(wait)


class Sender:
    """Delivers what waits: each chat's items in order, chats side by side, with retries.

    What fails is tried again with growing, jittered pauses; a pause that the other side asked for holds for its chat alone and does not
    count. Given up, and kept for the team to see, is what is refused for good, what is older than `patience` after `TRIES` or more tries,
    what may have arrived and carries no request number (it would come twice and nobody could tell), and what cannot be sent at all,
    because of a fault of ours. Nothing that goes wrong here, with one item or with the store, ends the sender.
    """

    def __init__(self, turns: Turns, deliver: Mapping[str, Deliver], poll: float = 1.0, patience: timedelta = timedelta(days=1)) -> None:
        self._turns, self._deliver, self._poll, self._patience = turns, deliver, poll, patience
        self._busy: dict[Chat, asyncio.Task[None]] = {}
        self._stopping = False
        self._arrived: set[int] = set()
        """What was delivered and could not be marked yet."""

    async def run(self) -> None:
        """Deliver until cancelled; then end what is under way, and begin nothing more."""
        try:
            while True:
                self._turns.wake_sender.clear()
                try:
                    await self._look()
                except Exception:
                    log.exception("要发的消息读不出来，接着再试")
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._poll):  # wait_for may swallow a cancellation before Python 3.12
                        await self._turns.wake_sender.wait()
        finally:
            self._stopping, busy = True, [*self._busy.values()]
            if busy:
                await asyncio.wait(busy, timeout=GRACE)
            for task in busy:
                task.cancel()

    async def once(self) -> int:
        """Deliver what is due now and wait for it; the number of items tried."""
        count = await self._look()
        await asyncio.gather(*self._busy.values())
        return count

    async def _look(self) -> int:
        """Start a task for each chat that has something due and none under way."""
        if len(self._busy) >= CHATS:
            return 0  # the first that ends wakes us
        ends = time.monotonic() + LEASE.total_seconds() - LONGEST
        items = await self._turns.store.claim(tuple(self._deliver), datetime.now(UTC), LEASE, CHATS - len(self._busy), tuple(self._busy))
        chats: dict[Chat, list[OutboxItem]] = {}
        for item in items:
            chats.setdefault((item.address.channel, item.address.chat), []).append(item)
        for chat, queue in chats.items():
            self._busy[chat] = task = asyncio.create_task(self._chat(queue, ends))
            task.add_done_callback(functools.partial(self._finished, chat))
        return len(items)

    def _finished(self, chat: Chat, _: asyncio.Task[None]) -> None:
        self._busy.pop(chat, None)
        self._turns.wake_sender.set()

    async def _chat(self, queue: list[OutboxItem], ends: float) -> None:
        """Try a chat's items one after the other, as long as the claim on them is sure to hold and the program goes on."""
        try:
            for number, item in enumerate(queue):
                if self._stopping or time.monotonic() > ends:
                    await self._turns.store.release([item.id for item in queue[number:]])
                    return
                if not await self._one(item):
                    return
        except StoreError:
            log.exception("一条消息送到没有记不下来，会再送一次")
            await asyncio.sleep(self._poll)
        except Exception:  # a fault of ours, where one was to be handled
            log.exception("一个对话发到一半停了，剩下的过一会儿再发")
            await asyncio.sleep(self._poll)

    async def _one(self, item: OutboxItem) -> bool:
        """Try one item; False where the chat must wait for it."""
        store = self._turns.store
        try:
            try:
                async with asyncio.timeout(LONGEST):
                    if item.id not in self._arrived:
                        await self._deliver[item.address.channel](item)
            except TimeoutError as error:
                raise DeliveryError(f"no answer in {LONGEST:.0f} s", uncertain=True) from error
        except StoreError:
            raise
        except DeliveryError as error:
            old = datetime.now(UTC) - item.at > self._patience and item.attempts >= TRIES and error.retry_after is None
            if error.uncertain and item.request is None:
                await self._give_up(item, str(error), "uncertain")
            elif error.final or old:
                await self._give_up(item, str(error), "failed")
            else:
                await self._postpone(item, error.retry_after, str(error))
                return False
            return True
        except Exception as error:
            log.exception("消息 %s 第 %s 次没有发成，是程序自己的错", item.id, item.attempts + 1)
            if item.attempts + 1 < TRIES:
                await self._postpone(item, None, type(error).__name__)  # its words may be somebody's
                return False
            await self._give_up(item, type(error).__name__, "parked")
            return True
        self._arrived.add(item.id)
        await store.sent(item.id)
        self._arrived.discard(item.id)
        return True

    async def _postpone(self, item: OutboxItem, wait: float | None, error: str) -> None:
        if wait is None:
            wait = random.uniform(0.5, 1.0) * min(300.0, 2.0**item.attempts)
        await self._turns.store.postpone(item.id, datetime.now(UTC) + min(timedelta(seconds=wait), FAR), error)

    async def _give_up(self, item: OutboxItem, error: str, state: str) -> None:
        log.error("消息 %s 不再发了（%s，试了 %s 次）：%s；用 requests undelivered 看", item.id, state, item.attempts + 1, error)
        await self._turns.store.fail(item.id, error, state)
