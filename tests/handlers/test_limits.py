"""Floods: one visitor's, one network's, one Telegram chat's; and that nobody else notices them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from dialogs.turns import Turns
from handlers import limits, web
from handlers.limits import CHAT, DRAW, LOOK, NEWCOMER, SAY, Limits, network
from handlers.telegram import Telegram
from handlers.web import COOKIE, create_app
from storage.contract import Limit, StoreError
from storage.memory import MemoryStore
from tests.handlers.bot_api import TOKEN, BotApi
from tests.handlers.serving import serving, until
from tests.handlers.test_web import Echo, stream
from tests.test_workers import programs

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
HERE, OFFICE, HOME = "http://127.0.0.1:8000", "203.0.113.7", "198.51.100.9"


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 25, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class Counting(MemoryStore):
    """A store that counts how often it is asked, or does not answer."""

    asked, gone = 0, False

    async def take(self, limits: Sequence[Limit], now: datetime) -> float:
        self.asked += 1
        if self.gone:
            raise StoreError("gone")
        return await super().take(limits, now)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store() -> Counting:
    return Counting()


@pytest.fixture
def app(store: Counting, clock: Clock) -> Any:
    return create_app(Echo(), limits=Limits(store, clock))


def visitor(app: Any, number: int = 0, address: str = OFFICE) -> TestClient:
    """A visitor's browser, in a network."""
    return TestClient(app, base_url=HERE, client=(address, 50_000), cookies={COOKIE: f"visitor{number:015}"})


def say(client: TestClient, number: int) -> Any:
    return client.post("/api/messages", json={"id": f"message-{number}", "text": f"第{number}句"})


def passed(limit: Limit) -> int:
    """How many pass at once: what a process lets pass alone, and the store's."""
    return int(limit.burst * limits.ALONE) + limit.burst


async def drained(limits: Limits, limit: Limit, whose: str) -> int:
    """Take until there is no more; how many there were."""
    count = 0
    while not await limits.wait(limit, whose):
        count += 1
    return count


# -- the buckets


@pytest.mark.parametrize("limit", [CHAT, SAY, LOOK, DRAW, NEWCOMER], ids=lambda limit: limit.key)
async def test_a_burst_passes_then_a_rate(limit: Limit, store: Counting, clock: Clock) -> None:
    counted = Limits(store, clock)
    assert await drained(counted, limit, "someone") == passed(limit)
    assert 0 < await counted.wait(limit, "someone") < 1 / limit.rate + 0.001
    assert not await counted.wait(limit, "somebody else")
    clock.now += timedelta(minutes=1)
    assert min(limit.rate * 60, limit.burst) <= await drained(counted, limit, "someone") <= passed(limit)
    clock.now += timedelta(days=1)
    assert await drained(counted, limit, "someone") == passed(limit), "a day later all is forgotten"


async def test_the_store_is_spared_below_half_and_in_a_flood(store: Counting, clock: Clock) -> None:
    counted = Limits(store, clock)
    for _ in range(CHAT.burst // 2):
        assert not await counted.wait(CHAT, "someone")
    assert store.asked == 0
    await drained(counted, CHAT, "someone")
    before = store.asked
    for _ in range(1000):
        assert await counted.wait(CHAT, "someone")
    assert store.asked == before, "what was refused is remembered until there is room again"


async def test_workers_share_what_goes_beyond_their_own_part(store: Counting, clock: Clock) -> None:
    workers = [Limits(store, clock) for _ in range(4)]
    total = sum([await drained(worker, CHAT, "someone") for worker in workers])
    assert total == 4 * CHAT.burst // 2 + CHAT.burst
    clock.now += timedelta(seconds=60)
    assert sum([await drained(worker, CHAT, "someone") for worker in workers]) <= 60 * CHAT.rate * 2 + 4


async def test_a_store_that_does_not_answer_refuses_nobody(store: Counting, clock: Clock) -> None:
    store.gone = True
    counted = Limits(store, clock)
    assert not any([await counted.wait(CHAT, "someone") for _ in range(CHAT.burst * 3)])


async def test_a_clock_that_jumps_shuts_nobody_out(store: Counting, clock: Clock) -> None:
    counted = Limits(store, clock)
    clock.now += timedelta(days=1)
    await drained(counted, CHAT, "someone")
    clock.now -= timedelta(days=1)
    assert await counted.wait(CHAT, "someone") <= 1 / CHAT.rate + 0.001
    clock.now += timedelta(seconds=2)
    assert not await counted.wait(CHAT, "someone")


async def test_the_store_learns_no_address_and_no_visitor(clock: Clock) -> None:
    keys: list[str] = []

    class Listening(MemoryStore):
        async def take(self, limits: Sequence[Limit], now: datetime) -> float:
            keys.extend(limit.key for limit in limits)
            return 0.0

    counted = Limits(Listening(), clock)
    for _ in range(SAY.burst):
        await counted.wait(SAY, OFFICE)
    assert keys
    assert not [key for key in keys if OFFICE in key]


@pytest.mark.parametrize(
    ("client", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("127.0.0.1", None),
        ("::1", None),
        ("::ffff:127.0.0.1", None),
        (None, None),
        ("unknown", "?"),
        ("x" * 5000, "?"),
    ],
)
def test_whose_count_an_address_is_on(client: str | None, counted: str | None) -> None:
    assert network(client) == counted


# -- the web chat


def test_a_visitor_who_floods_is_told_to_wait_and_the_same_message_is_taken_later(app: Any, clock: Clock) -> None:
    client = visitor(app)
    for number in range(passed(CHAT)):
        assert say(client, number).status_code == 200
    refused = say(client, 9999)
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "1"
    assert refused.json() == {"error": "您发得太快了，这一条没有收下。请过 1 秒再发，同一条不会重复。"}
    assert "default-src 'none'" in refused.headers["content-security-policy"]
    assert say(visitor(app, 1), 1).status_code == 200, "the neighbour in the same office notices nothing"
    assert client.get("/api/history").status_code == 200, "what was said can still be read"
    clock.now += timedelta(seconds=1)
    assert say(client, 9999).json() == {"ok": True, "duplicate": False}
    assert say(visitor(app, 0, HOME), 9998).status_code == 429, "another network does not help"


def test_three_hundred_people_in_one_office_are_no_flood(app: Any, clock: Clock) -> None:
    """They open the page within five minutes, and each says something every fifteen seconds."""
    people = [visitor(app, number) for number in range(300)]
    for step, person in enumerate(people):
        clock.now += timedelta(seconds=1)
        for path in ("/", "/api/history", "/picture/x.svg"):
            assert person.get(path).status_code != 429, step
    for number in range(2):
        for person in people:
            clock.now += timedelta(seconds=15 / 300)
            assert say(person, number).status_code == 200


def test_a_network_that_floods_with_many_visitors_is_refused_and_no_other(app: Any, clock: Clock) -> None:
    async def flood() -> list[int]:
        transport = httpx2.ASGITransport(app=app, client=(OFFICE, 1))
        async with httpx2.AsyncClient(transport=transport, base_url=HERE) as client:
            answers = []
            for number in range(passed(NEWCOMER) + 50):
                headers = {"Cookie": f"{COOKIE}=invented{number:014}"}
                answers.append((await client.post("/api/messages", json={"id": "message-1", "text": "你好"}, headers=headers)).status_code)
            return answers

    answers = asyncio.run(flood())
    assert answers.count(200) == passed(NEWCOMER)
    assert set(answers) == {200, 429}
    stranger = say(visitor(app, 1), 1)
    assert stranger.status_code == 429
    assert "同一个网络里的人一起算" in stranger.json()["error"]
    assert visitor(app, 1).get("/api/history").status_code == 429, "who was refused is still new"
    assert say(visitor(app, 2, HOME), 1).status_code == 200


@pytest.mark.parametrize(("path", "limit"), [("/", LOOK), ("/api/history", LOOK), ("/report/" + "k" * 32, DRAW), ("/picture/x.svg", DRAW)])
async def test_looking_is_bounded_for_a_network(app: Any, path: str, limit: Limit, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = replace(limit, burst=limit.burst // 20)
    monkeypatch.setattr(limits, limit.key.upper(), limit)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app, client=(OFFICE, 1)), base_url=HERE) as client:
        known = {"Cookie": f"{COOKIE}=visitor{1:015}"}
        answers = [(await client.get(path, headers=known)).status_code for _ in range(passed(limit) + 20)]
    assert answers.count(429) == 20
    assert answers[-20:] == [429] * 20
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app, client=(HOME, 1)), base_url=HERE) as client:
        assert (await client.get(path, headers=known)).status_code != 429


def test_health_static_files_and_webhooks_are_not_counted(store: Counting, clock: Clock) -> None:
    async def receive(body: bytes, secret: str | None) -> int:
        return 200

    client = visitor(create_app(Echo(), limits=Limits(store, clock), webhooks={"/telegram": receive}))
    for path in ("/healthz", "/readyz", "/chat/chat.css"):
        assert {client.get(path).status_code for _ in range(20)} == {200}
    assert {client.post("/telegram", content=b"{}").status_code for _ in range(20)} == {200}
    assert store.asked == 0
    assert not client.get("/readyz").headers.get("retry-after")


@pytest.mark.parametrize("proxies", [(), ("127.0.0.1",)])
async def test_whose_address_counts_is_said_only_by_a_trusted_proxy(proxies: tuple[str, ...], store: Counting, clock: Clock) -> None:
    counted: list[str] = []

    class Told(Limits):
        async def wait(self, limit: Limit, whose: str) -> float:
            counted.append(whose)
            return 0.0

    async with serving(Echo(), proxies=proxies, limits=Told(store, clock)) as (_, address), httpx2.AsyncClient(trust_env=False) as client:
        headers = {"X-Forwarded-For": f"192.0.2.1, {OFFICE}", "X-Forwarded-Proto": "https"}
        page = await client.get(f"{address}/", headers=headers)
    assert counted == ([OFFICE] if proxies else []), "of the visitor's own words nothing counts, only what the proxy added"
    assert ("Secure" in page.headers["set-cookie"]) == bool(proxies)


async def test_two_programs_on_one_postgresql_share_a_visitors_limit(tmp_path: Path, fresh_postgres: Callable[[], str]) -> None:
    """Whichever of them a flood asks: each lets its own part pass, and the store counts the rest."""
    async with programs(2, tmp_path, DATABASE_URL=fresh_postgres()) as workers, httpx2.AsyncClient(trust_env=False, timeout=30) as client:

        async def answer(number: int) -> int:
            body = {"id": f"message-{number}", "option": "!nothing"}
            headers = {"Cookie": f"{COOKIE}=visitor{1:015}"}
            return (await client.post(f"{workers[number % 2][0]}/api/messages", json=body, headers=headers)).status_code

        begun, answers = time.monotonic(), []
        for number in range(0, 200, 8):
            answers += await asyncio.gather(*map(answer, range(number, number + 8)))
        seconds = time.monotonic() - begun
    assert set(answers) == {200, 429}
    most = 2 * CHAT.burst * limits.ALONE + CHAT.burst + 1.5 * seconds * CHAT.rate
    assert CHAT.burst + CHAT.burst * limits.ALONE <= answers.count(200) <= most + 2


# -- streams


async def test_one_stream_too_many_of_a_visitor_ends_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "STREAMS", 2)
    turns = Echo()
    async with serving(turns, poll=60) as (_, address), contextlib.AsyncExitStack() as stack:
        first, second, third = [await stack.enter_async_context(stream(address)) for _ in range(3)]
        with pytest.raises(EOFError):
            await first.event()
        await turns.tell("还在")
        for reader in (second, third):
            assert (await reader.event())[1]["text"] == "还在"


async def test_a_network_has_so_many_streams_and_gets_them_back(monkeypatch: pytest.MonkeyPatch, store: Counting, clock: Clock) -> None:
    monkeypatch.setattr(limits, "STREAMS", 3)
    turns, from_office = Echo(), {"X-Forwarded-For": OFFICE}
    async with serving(turns, proxies=("127.0.0.1",), limits=Limits(store, clock)) as (_, address), httpx2.AsyncClient(trust_env=False) as client:
        cookie = {"Cookie": f"{COOKIE}=visitor{1:015}"}

        async def status(forwarded: str = OFFICE) -> int:
            async with client.stream("GET", f"{address}/api/events", headers=cookie | {"X-Forwarded-For": forwarded}) as answer:
                return int(answer.status_code)

        async with contextlib.AsyncExitStack() as stack:
            for _ in range(3):
                await stack.enter_async_context(stream(address, **from_office))
            await until(lambda: turns.listeners == 3)
            assert await status() == 429
            assert await status(HOME) == 200

        async def free() -> bool:
            return await status() == 200

        await until(free)


# -- Telegram


async def test_a_telegram_chat_that_floods_is_told_once_and_no_other_chat_notices(clock: Clock, store: Counting) -> None:
    async with BotApi() as api:
        turns = Turns(MemoryStore())
        telegram = Telegram(turns, TOKEN, base_url=api.url, intake=Limits(store, clock))
        handled: list[str] = []

        async def handle(address: Any, message: Any, *args: Any, **kwargs: Any) -> Any:
            handled.append(address.chat)

        turns.handle = handle  # type: ignore[method-assign]
        for number in range(passed(CHAT) + 30):
            await telegram.handle_update(update(number, 7))
        await telegram.handle_update(update(9000, 8))
        assert (handled.count("7"), handled.count("8")) == (passed(CHAT), 1)
        notices = list(turns.store._messages.values())  # type: ignore[attr-defined]
        assert [line.address.chat for line in notices] == ["7"]
        assert "请过一分钟" in notices[0].body["text"]
        clock.now += timedelta(seconds=61)
        await telegram.handle_update(update(9001, 7))
        assert handled[-1] == "7"
        await telegram.close()


def update(number: int, chat: int) -> dict[str, Any]:
    """An update of the Bot API: somebody says something in their private chat."""
    person = {"id": chat, "is_bot": False, "first_name": "王"}
    return {
        "update_id": number,
        "message": {"message_id": number, "date": 1, "chat": {"id": chat, "type": "private"}, "from": person, "text": "你好"},
    }
