"""The sender over both stores: order, retries, limits, and what is given up."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dialogs import delivery
from dialogs.delivery import DeliveryError, Pace, Sender
from dialogs.messages import Reply
from dialogs.turns import Turns
from storage.contract import Address, Commit, Committed, Limit, NewRequest, Notice, OutboxItem, Store, StoreError
from storage.memory import MemoryStore
from storage.sqlite import SqliteStore
from tests.handlers.serving import until

NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)
HERE = Address("test", "u1", "u1")


@pytest.fixture(params=["memory", "sqlite"])
async def turns(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Turns]:
    opened: Store = MemoryStore() if request.param == "memory" else await SqliteStore.open(tmp_path / "store.db")
    yield Turns(opened, clock=lambda: NOW)
    await opened.close()


class Channel:
    """A channel that does what it is told: by chat, what comes of each try, then success."""

    def __init__(self, **outcomes: list[Exception | float]) -> None:
        self.outcomes = {chat: [*which] for chat, which in outcomes.items()}
        self.tried: list[tuple[str, str, float]] = []
        self.sent: list[str] = []

    async def deliver(self, item: OutboxItem) -> None:
        self.tried.append((item.address.chat, item.body["text"], time.monotonic()))
        match self.outcomes.get(item.address.chat) or [0.0]:
            case [Exception() as error, *_]:
                self.outcomes[item.address.chat].pop(0)
                raise error
            case [float(seconds), *_]:
                await asyncio.sleep(seconds)
        self.sent.append(item.body["text"])


async def said(turns: Turns, *texts: str, chat: str = "u1", at: datetime = NOW) -> None:
    replies = tuple(Reply(text).to_json() for text in texts)
    await turns.store.commit(Commit(Address("test", chat, chat), at, replies=replies))


async def states(turns: Turns, chat: str = "u1") -> list[str]:
    return [item.state for item in await turns.store.after(Address("test", chat, chat), 0)]


async def arrived(turns: Turns) -> None:
    for _ in range(500):
        if await states(turns) == ["sent"]:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(await states(turns))


async def test_each_chat_is_delivered_in_order_and_one_that_must_wait_holds_back_no_other(turns: Turns) -> None:
    channel = Channel(u1=[DeliveryError("flood", retry_after=0.1)])
    for n in "12":
        await said(turns, f"甲{n}", chat="u1")
        await said(turns, f"乙{n}", chat="u2")
    sender = Sender(turns, {"test": channel.deliver})
    await sender.once()
    assert channel.sent == ["乙1", "乙2"]
    assert await sender.once() == 0, "it waits as long as it was told to"
    await asyncio.sleep(0.11)
    await sender.once()
    assert channel.sent == ["乙1", "乙2", "甲1", "甲2"]
    assert await sender.once() == 0


async def test_a_long_queue_of_one_chat_does_not_keep_another_waiting(turns: Turns) -> None:
    await said(turns, *(str(n) for n in range(300)), chat="u1")
    await said(turns, "乙", chat="u2")
    channel = Channel(u1=[0.02])
    sender = Sender(turns, {"test": channel.deliver}, poll=0.01)
    task = asyncio.create_task(sender.run())
    await until(lambda: "乙" in channel.sent)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert len(channel.sent) < 20


@pytest.mark.parametrize(
    ("errors", "state"),
    [
        ([DeliveryError("blocked", final=True)], "failed"),
        ([DeliveryError("timeout", uncertain=True)], "uncertain"),
        ([ValueError("bug"), KeyError("bug"), ValueError("bug")], "parked"),
    ],
)
async def test_what_cannot_be_delivered_is_put_aside_and_blocks_nobody(
    turns: Turns, errors: list[Exception | float], state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("random.uniform", lambda low, high: 0.0)
    channel = Channel(u1=errors)
    await said(turns, "1", "2")
    sender = Sender(turns, {"test": channel.deliver})
    for _ in range(3):
        await sender.once()
    assert await states(turns) == [state, "sent"]
    (given_up,) = await turns.store.undelivered()
    assert (given_up.body["text"], given_up.state) == ("1", state)
    assert [text for _, text, _ in channel.tried].count("1") == (3 if state == "parked" else 1)


async def test_pauses_between_tries_grow_and_are_jittered(turns: Turns) -> None:
    await said(turns, "1", at=datetime.now(UTC))
    for attempts in range(10):
        await Sender(turns, {"test": Channel(u1=[DeliveryError("down")]).deliver}).once()
        (item,) = await turns.store.after(HERE, 0)
        assert item.attempts == attempts * 2 + 1 and item.due is not None
        whole = min(300.0, 2.0 ** (attempts * 2))
        assert 0.5 * whole - 1 < (item.due - datetime.now(UTC)).total_seconds() <= whole
        await turns.store.postpone(item.id, datetime.now(UTC), "as if the time had passed")


async def test_what_may_have_arrived_is_tried_again_only_where_it_carries_a_request_number(turns: Turns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda low, high: 0.0)
    done = await turns.store.commit(Commit(HERE, NOW, created=(NewRequest("general", "new", {}),), replies=(Reply("已登记 {request}").to_json(),)))
    assert isinstance(done, Committed)
    await turns.store.commit(Commit(HERE, NOW, notices=(Notice(HERE, Reply("收到了", by="team").to_json(), done.numbers[0]),)))
    await said(turns, "还有别的吗")
    channel = Channel(u1=[DeliveryError("timeout", uncertain=True)] * 3)
    sender = Sender(turns, {"test": channel.deliver})
    for _ in range(4):
        await sender.once()
    assert await states(turns) == ["sent", "sent", "sent"]
    assert [text for _, text, _ in channel.tried] == [f"已登记 {done.numbers[0]}"] * 4 + ["收到了", "还有别的吗"]


async def test_an_old_item_is_given_up_only_after_several_tries(turns: Turns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda low, high: 0.0)
    await said(turns, "1", at=NOW - timedelta(days=3000))
    sender = Sender(turns, {"test": Channel(u1=[DeliveryError("down")] * 9).deliver})
    for _ in range(delivery.TRIES):
        await sender.once()
        assert await states(turns) == ["waiting"]
    await sender.once()
    assert await states(turns) == ["failed"]


async def test_a_delivery_without_end_is_uncertain(turns: Turns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "LONGEST", 0.05)
    await said(turns, "1", "2")
    channel = Channel(u1=[3600.0])
    await Sender(turns, {"test": channel.deliver}).once()
    assert await states(turns) == ["uncertain", "uncertain"]


async def test_no_delivery_begins_when_the_claim_is_about_to_end(turns: Turns, monkeypatch: pytest.MonkeyPatch) -> None:
    released = list[int]()

    async def release(items: list[int]) -> None:
        released.extend(items)

    monkeypatch.setattr(turns.store, "release", release)
    monkeypatch.setattr(delivery, "LEASE", timedelta(seconds=delivery.LONGEST + 0.3))
    await said(turns, "1", "2", "3")
    channel = Channel(u1=[0.2])
    await Sender(turns, {"test": channel.deliver}).once()
    assert channel.sent == ["1", "2"]
    assert [item.id for item in await turns.store.after(HERE, 0) if item.state == "waiting"] == released


async def test_what_was_delivered_and_could_not_be_marked_is_not_delivered_again(turns: Turns, monkeypatch: pytest.MonkeyPatch) -> None:
    await said(turns, "1")
    sent, failures = turns.store.sent, itertools.count()

    async def mark(item: int) -> None:
        if next(failures) < 5:
            raise StoreError("磁盘已满")
        await sent(item)

    monkeypatch.setattr(turns.store, "sent", mark)
    channel = Channel()
    task = asyncio.create_task(Sender(turns, {"test": channel.deliver}, poll=0.01).run())
    await arrived(turns)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert channel.sent == ["1"]


async def test_a_store_that_fails_ends_nothing(turns: Turns, monkeypatch: pytest.MonkeyPatch) -> None:
    await said(turns, "1")
    sent, failures = turns.store.sent, itertools.count()

    async def mark(item: int) -> None:
        if next(failures) == 0:
            raise StoreError("磁盘已满")
        await sent(item)

    monkeypatch.setattr(turns.store, "sent", mark)
    task = asyncio.create_task(Sender(turns, {"test": Channel().deliver}, poll=0.01).run())
    await arrived(turns)
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_the_running_sender_wakes_up_for_a_new_reply(turns: Turns) -> None:
    channel = Channel()
    task = asyncio.create_task(Sender(turns, {"test": channel.deliver}, poll=30).run())
    await asyncio.sleep(0.05)
    await said(turns, "1")
    turns.ring(HERE)
    await arrived(turns)
    task.cancel()
    ended = await asyncio.gather(task, return_exceptions=True)
    assert isinstance(ended[0], asyncio.CancelledError)


# -- limits


async def test_the_channels_limits_are_kept_without_a_chat_delaying_another(turns: Turns) -> None:
    channel = Channel()
    whole = Limit("whole", 50, 1)
    pace = Pace(turns.store, lambda chat: (Limit(chat, 10, 2), whole))

    async def deliver(item: OutboxItem) -> None:
        await pace.wait(item.address.chat)
        await channel.deliver(item)

    await said(turns, *(f"甲{n}" for n in range(5)), chat="u1")
    await said(turns, "乙", chat="u2")
    await Sender(turns, {"test": deliver}).once()
    at = [when for chat, _, when in channel.tried if chat == "u1"]
    assert [text for chat, text, _ in channel.tried if chat == "u1"] == [f"甲{n}" for n in range(5)]
    assert at[4] - at[0] >= 0.27, "two at once, then ten a second"
    everything = sorted(when for _, _, when in channel.tried)
    assert everything[-1] - everything[0] >= 0.09
    assert channel.tried[[chat for chat, _, _ in channel.tried].index("u2")][2] < at[3]


async def test_many_who_wait_for_one_bucket_ask_for_it_one_at_a_time_and_in_turn(turns: Turns, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, take, order = itertools.count(), turns.store.take, list[str]()

    async def counted(limits: list[Limit], now: datetime) -> float:
        next(asked)
        return await take(limits, now)

    monkeypatch.setattr(turns.store, "take", counted)
    pace = Pace(turns.store, lambda chat: (Limit(chat, 10, 1), Limit("whole", 200, 1)))

    async def one(chat: str) -> None:
        await pace.wait(chat)
        order.append(chat)

    await asyncio.gather(*(one(f"{n}") for n in range(40)))
    assert order == [f"{n}" for n in range(40)]
    assert next(asked) < 40 * 4, "each takes its own bucket, and asks for the common one about twice"


async def test_who_would_wait_too_long_comes_again_later(turns: Turns) -> None:
    pace = Pace(turns.store, lambda chat: (Limit(chat, 0.01, 1),), longest=0.1)
    await pace.wait("u1")
    with pytest.raises(DeliveryError) as caught:
        await pace.wait("u1")
    assert caught.value.retry_after is not None and 99 < caught.value.retry_after <= 100
    assert not caught.value.uncertain and not caught.value.final


async def test_without_limits_nobody_waits(turns: Turns) -> None:
    pace = Pace(turns.store, lambda chat: ())
    async with asyncio.timeout(1):
        for _ in range(1000):
            await pace.wait("u1")
