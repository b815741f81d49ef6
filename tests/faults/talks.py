"""Talks that are begun with the program and checked afterwards: they must read as if nothing had happened."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from dialogs.messages import Message, Reply
from dialogs.turns import Library, Turns
from handlers.telegram import written
from knowledge.snapshot import Knowledge
from storage.contract import Address, OutboxItem, Store, Update
from storage.memory import MemoryStore
from tests.test_workers import TALK

Line = tuple[str, str]
FILED = re.compile(r"YQ-\d{6}-\d{4,}")


def lines(transcript: Iterable[Update | OutboxItem]) -> list[Line]:
    """Who said what, whatever the numbers of requests are."""
    return [("bot" if isinstance(line, OutboxItem) else "you", FILED.sub("YQ", line.body["text"])) for line in transcript]


async def undisturbed(knowledge: Knowledge, texts: Sequence[str] = TALK) -> list[Line]:
    """The same talk in memory, where nothing goes wrong."""
    turns, address = Turns(MemoryStore(), Library(knowledge)), Address("telegram", "7", "7")
    for number, text in enumerate(texts):
        await turns.handle(address, Message(text), str(number))
    return lines(await turns.store.transcript(address))


def telegram(chat: int) -> Address:
    """A private chat."""
    return Address("telegram", str(chat), str(chat))


def web(number: int) -> Address:
    """The visitor whose cookie `tests.test_workers.cookie` makes."""
    name = hashlib.sha256(f"visitor-{number:014}".encode()).hexdigest()[:32]
    return Address("web", name, name)


async def intact(store: Store, addresses: Sequence[Address], expected: Sequence[Line]) -> None:
    """Every talk is whole, in order, and delivered; every request was filed once, and no number was left out."""
    for address in addresses:
        told = await store.transcript(address, 1000)
        assert lines(told) == expected, address
        assert {line.state for line in told if isinstance(line, OutboxItem)} == {"sent"}, address
    filed = await store.requests(limit=100_000)
    assert Counter(r.address for r in filed) == Counter(addresses)
    for day, count in Counter(r.number.split("-")[1] for r in filed).items():
        numbers = sorted(int(r.number.split("-")[2]) for r in filed if r.number.split("-")[1] == day)
        assert numbers == [*range(1, count + 1)], "a number was left out, or given twice"


async def replies(store: Store, address: Address) -> list[str]:
    """The replies of a talk as Telegram gets them."""
    return [written(Reply.from_json(line.body)) for line in await store.transcript(address, 1000) if isinstance(line, OutboxItem)]


def doubled(got: Sequence[str], expected: Sequence[str]) -> list[int]:
    """Where a reply came a second time, right behind the first; each came, and in order."""
    again, said = list[int](), 0
    for position, text in enumerate(got):
        if said < len(expected) and text == expected[said]:
            said += 1
        else:
            assert said, f"out of order: {text}"
            assert text == expected[said - 1], f"out of order: {text}"
            again.append(position)
    assert said == len(expected), f"lost: {expected[said:]}"
    return again
