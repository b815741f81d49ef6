"""The outbox against a model of it: deliveries that fail in every way, senders that die, hours that pass, on each store."""

from __future__ import annotations

import asyncio
import types
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import psycopg
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from dialogs import delivery
from dialogs.delivery import LEASE, LONGEST, TRIES, DeliveryError, Sender
from dialogs.messages import Reply
from dialogs.turns import Turns
from storage.contract import FAR, Address, Commit, Committed, NewRequest, OutboxItem, Store
from storage.memory import MemoryStore
from storage.postgres import PostgresStore
from storage.sqlite import SqliteStore
from tests.faults.conftest import Measured, Scale

BEGUN = datetime(2026, 12, 31, 15, tzinfo=UTC)
PATIENCE = timedelta(days=1)
OUTCOMES = ("sent", "sent", "sent", "down", "flood", "timeout", "silence", "refused", "bug", "hang")
CHATS = [Address("push", f"c{n}", f"c{n}") for n in range(4)]
_T = TypeVar("_T")


@dataclass
class Item:
    """What the model knows of a message."""

    id: int
    chat: str
    at: datetime
    numbered: bool
    attempts: int = 0
    due: datetime = BEGUN - timedelta(days=1)
    waits: str = "waiting"
    arrived: int = 0
    under_way: bool = False


@dataclass
class Try:
    """A delivery that neither succeeds nor fails yet."""

    item: Item
    worker: int
    ends: asyncio.Future[str] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Clock:
    """Time as the sender sees it; it stands still between steps."""

    def __init__(self) -> None:
        self.now, self.passed = BEGUN, 0.0

    def module(self) -> types.SimpleNamespace:
        """In place of the sender's module `time`."""
        return types.SimpleNamespace(monotonic=lambda: self.passed)

    def type(self) -> types.SimpleNamespace:
        """In place of the sender's `datetime`."""
        return types.SimpleNamespace(now=lambda zone: self.now)


class Outbox(RuleBasedStateMachine):
    """Chats that are written to, one or more senders, and a channel that does what it likes."""

    kind: ClassVar[str]
    place: ClassVar[Callable[[], Any]]
    patch: ClassVar[Callable[[Clock], None]]
    workers: ClassVar[int]
    tries: ClassVar[int] = 0
    killed: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.runner, self.clock = asyncio.Runner(), Clock()
        type(self).patch(self.clock)
        self.items: dict[int, Item] = {}
        self.hanging: list[Try] = []
        self.plan: deque[str] = deque()
        self.always: dict[str, str] = {}
        self.tried: list[int] = []
        self.arrivals: dict[str, list[int]] = {a.chat: [] for a in CHATS}
        self.broken: list[AssertionError] = []
        self.held: dict[str, float] = {}
        """By chat: until when a sender that died still holds it."""

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        return self.runner.run(work)

    @initialize()
    def opens(self) -> None:
        place = type(self).place()
        self.store: Store = self.run(self._open(place))
        self.database = psycopg.connect(place, autocommit=True) if self.kind == "postgres" else None
        self.turns = Turns(self.store)
        self.senders = [self._sender(n) for n in range(self.workers)]

    async def _open(self, place: Any) -> Store:
        if self.kind == "memory":
            return MemoryStore()
        return await (SqliteStore.open(place) if self.kind == "sqlite" else PostgresStore.open(place))

    def _sender(self, worker: int) -> Sender:
        async def deliver(item: OutboxItem) -> None:
            try:
                await self._deliver(worker, item)
            except AssertionError as error:  # the sender outlives it, the test must not
                self.broken.append(error)
                raise

        return Sender(self.turns, {"push": deliver}, patience=PATIENCE)

    # -- what happens

    @rule(chat=st.integers(0, 3), texts=st.integers(1, 3), numbered=st.sampled_from([False, False, True]))
    def something_is_said(self, chat: int, texts: int, numbered: bool) -> None:
        replies = tuple(Reply(f"{'已登记 {request}' if numbered else '好'} {n}").to_json() for n in range(texts))
        created = (NewRequest("general", "new", {}),) if numbered else ()
        done = self.run(self.store.commit(Commit(CHATS[chat], self.clock.now, replies=replies, created=created)))
        assert isinstance(done, Committed)
        for number in done.outbox:
            self.items[number] = Item(number, CHATS[chat].chat, self.clock.now, numbered)

    @rule(worker=st.integers(0, 2), plan=st.lists(st.sampled_from(OUTCOMES), max_size=6), seconds=st.sampled_from([0, 0, 1, 5, 61, 400, 90_000]))
    def a_sender_looks(self, worker: int, plan: list[str], seconds: float) -> None:
        self.time_passes(seconds)
        self._look(worker % self.workers, plan)

    @rule(chat=st.integers(0, 3), how=st.sampled_from(["sent", "sent", "down", "bug", "timeout"]), looks=st.integers(1, 5))
    def a_chat_goes_on_so(self, chat: int, how: str, looks: int) -> None:
        """Several looks, hours apart, at which one chat fares always the same."""
        for _ in range(looks):
            self.time_passes(7 * 3600)
            self.always = {CHATS[chat].chat: how}
            self._look(0, [])
        self.always = {}

    @precondition(lambda self: self.hanging)
    @rule(position=st.integers(0, 9), how=st.sampled_from([o for o in OUTCOMES if o != "hang"]))
    def a_delivery_ends_at_last(self, position: int, how: str) -> None:
        one = self.hanging.pop(position % len(self.hanging))
        self.run(self._end(one, how))
        self._agrees()

    @rule(worker=st.integers(0, 2))
    def a_sender_dies(self, worker: int) -> None:
        """Killed in the middle of its deliveries, and started anew: whether they arrived, nobody knows."""
        worker %= self.workers
        type(self).killed += 1
        self.run(self._kill(self.senders[worker]))
        for one in [t for t in self.hanging if t.worker == worker]:
            self.hanging.remove(one)
            one.item.under_way = False
            if one.item.id % 2:
                self._arrives(one.item)
            if self.kind == "postgres":
                self.held[one.item.chat] = self.clock.passed + LEASE.total_seconds()
        self.senders[worker] = self._sender(worker)

    def time_passes(self, seconds: float) -> None:
        while self.hanging and seconds >= LONGEST:  # no delivery lasts longer
            self.run(self._end(self.hanging.pop(), "silence"))
        self._passes(seconds)

    # -- what always holds

    async def _deliver(self, worker: int, sent: OutboxItem) -> None:
        """One try, as the channel sees it."""
        type(self).tries += 1
        item = self.items[sent.id]
        self.tried.append(item.id)
        assert item.waits == "waiting", "what is settled is not sent again"
        assert not item.under_way, "nothing is sent by two at a time"
        assert item.due <= self.clock.now or item.due > self.clock.now + FAR, "nothing is tried before it is due"
        earlier = [i for i in self.items.values() if i.chat == item.chat and i.id < item.id]
        assert all(i.waits != "waiting" for i in earlier), "a chat's messages go out in order"
        assert sent.attempts == item.attempts
        item.under_way = True
        how = self.always.get(item.chat) or (self.plan.popleft() if self.plan else "sent")
        if how == "hang":
            one = Try(item, worker)
            self.hanging.append(one)
            how = await one.ends
        self._comes(item, how)

    def _comes(self, item: Item, how: str) -> None:
        """What comes of a try: the model's account of it, then the channel's own error."""
        old = self.clock.now - item.at > PATIENCE and item.attempts >= TRIES
        item.under_way = False
        item.attempts += how != "sent"
        wait = 0.5 * min(300.0, 2.0 ** (item.attempts - 1))
        match how:
            case "sent":
                self._arrives(item)
                item.waits = "sent"
                return
            case "flood":
                item.due = self.clock.now + timedelta(seconds=30)
                raise DeliveryError("429", retry_after=30)
            case "timeout" | "silence":  # half of them arrived all the same
                if item.attempts % 2:
                    self._arrives(item)
                item.waits = "waiting" if item.numbered and not old else "failed" if item.numbered else "uncertain"
                item.due = self.clock.now + timedelta(seconds=wait)
                raise DeliveryError("no answer", uncertain=True) if how == "timeout" else TimeoutError
            case "refused":
                item.waits = "failed"
                raise DeliveryError("blocked", final=True)
            case "bug":
                item.waits = "parked" if item.attempts >= TRIES else "waiting"
                item.due = self.clock.now + timedelta(seconds=wait)
                raise KeyError("bug")
            case _:
                item.waits = "failed" if old else "waiting"
                item.due = self.clock.now + timedelta(seconds=wait)
                raise DeliveryError("reset")

    def _arrives(self, item: Item) -> None:
        item.arrived += 1
        self.arrivals[item.chat].append(item.id)
        assert self.arrivals[item.chat] == sorted(self.arrivals[item.chat]), "they arrive in order, whatever is repeated"

    def _look(self, worker: int, plan: list[str]) -> None:
        """A look at the outbox: every chat that can be written to is, whatever becomes of the others."""
        self.plan, self.tried = deque(plan), []
        busy = {t.item.chat for t in self.hanging}
        heads: dict[str, Item] = {}
        for item in self.items.values():
            if item.waits == "waiting":
                heads.setdefault(item.chat, item)
        free = {i.id for i in heads.values() if i.due <= self.clock.now and i.chat not in busy and self.held.get(i.chat, 0.0) <= self.clock.passed}
        self.run(self._settled(worker))
        assert free <= set(self.tried), "one chat's trouble is none of another's"
        self._agrees()

    def _agrees(self) -> None:
        """The store says of each message what the model says: nothing is lost."""
        if self.broken:
            raise self.broken[0]
        for address in CHATS:
            kept = {i.id: (i.state, i.attempts) for i in self.run(self.store.after(address, 0, 10_000))}
            assert kept == {i.id: (i.waits, i.attempts) for i in self.items.values() if i.chat == address.chat}

    def teardown(self) -> None:
        """Once all goes well, everything comes to its end."""
        if hasattr(self, "store"):
            for one in self.hanging[::-1]:
                self.hanging.remove(one)
                self.run(self._end(one, "sent"))
            for _ in range(3):
                self._passes(400)
                self._look(0, [])
            assert all(i.waits != "waiting" for i in self.items.values())
            assert all(i.arrived for i in self.items.values() if i.waits == "sent")
            self.run(self.store.close())
            if self.database:
                self.database.close()
        self.runner.close()

    # -- how it is done

    def _passes(self, seconds: float) -> None:
        self.clock.now += timedelta(seconds=seconds)
        self.clock.passed += seconds
        if self.database:  # a lease runs by the clock of the database
            self.database.execute("update messages set held = held - make_interval(secs => %s)", (seconds,))

    async def _settled(self, worker: int) -> None:
        """Look, and wait until every delivery is done or hangs."""
        sender = self.senders[worker]
        await sender._look()
        await self._quiet()

    async def _quiet(self) -> None:
        def moving() -> bool:
            hanging = {(t.worker, t.item.chat) for t in self.hanging}
            return any((n, chat) not in hanging for n, sender in enumerate(self.senders) for _, chat in sender._busy)

        while moving():  # noqa: ASYNC110 - no event tells that nothing moves any more
            await asyncio.sleep(0 if self.kind == "memory" else 0.0005)

    async def _end(self, one: Try, how: str) -> None:
        self.plan.clear()
        one.ends.set_result(how)
        await asyncio.sleep(0)
        await self._quiet()

    async def _kill(self, sender: Sender) -> None:
        tasks = [*sender._busy.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize(("kind", "workers"), [("memory", 1), ("sqlite", 1), ("postgres", 3)])
def test_whatever_becomes_of_deliveries_each_message_goes_out_in_order_or_is_kept_for_the_team(
    kind: str,
    workers: int,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    scale: Scale,
    measured: Measured,
) -> None:
    class Machine(Outbox):
        pass

    def clocked(clock: Clock) -> None:
        monkeypatch.setattr(delivery, "time", clock.module())
        monkeypatch.setattr(delivery, "datetime", clock.type())

    monkeypatch.setattr("random.uniform", lambda low, high: low)
    numbers = iter(range(1_000_000))
    fresh: Callable[[], str] = request.getfixturevalue("fresh_postgres") if kind == "postgres" else str
    Machine.kind, Machine.workers, Machine.patch = kind, workers, staticmethod(clocked)
    Machine.place = staticmethod(fresh if kind == "postgres" else lambda: tmp_path / f"{next(numbers)}.db")
    examples = {"memory": scale(60, 600), "sqlite": scale(10, 100), "postgres": scale(5, 40)}[kind]
    run_state_machine_as_test(Machine, settings=settings(max_examples=examples, stateful_step_count=30))
    measured(
        f"deliveries fail, hang, are refused, and senders die, in any order (model-based, {kind}, senders: {workers})",
        "in order, nothing lost, repeated only what may not have arrived and carries a number",
        f"{Machine.tries:,} tries, {Machine.killed:,} kills, 0 broken",
    )
