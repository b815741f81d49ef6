"""Several workers on the same chats: in full, frozen, killed."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import httpx2
import psycopg
import pytest

from dialogs import delivery
from tests.faults.conftest import Measured, Scale
from tests.faults.talkers import Talkers
from tests.handlers.bot_api import TOKEN, BotApi, hang
from tests.test_workers import cookie, programs, say, talk_so_far

OTHERS = 12
"""Seconds after which the others go on where a worker stands still: ten until the database takes its locks away, and a look."""
LEASE = delivery.LEASE.total_seconds()


@pytest.fixture
def url(fresh_postgres: Callable[[], str]) -> str:
    return fresh_postgres()


async def until(true: Callable[[], object], seconds: float = 30) -> float:
    """Wait until something holds; the seconds that it took."""
    begun = time.monotonic()
    async with asyncio.timeout(seconds):
        while not await asyncio.to_thread(true):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return time.monotonic() - begun


@asynccontextmanager
async def frozen(running: asyncio.subprocess.Process) -> AsyncIterator[None]:
    """A process that stands still meanwhile: alive to the system and to whoever is connected to it."""
    running.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        running.send_signal(signal.SIGCONT)


@pytest.mark.parametrize("workers", [2, 4])
async def test_the_same_chats_with_any_worker_lose_and_double_nothing_and_keep_their_order(
    workers: int, url: str, tmp_path: Path, scale: Scale, measured: Measured
) -> None:
    if workers > scale(2, 4):
        pytest.skip("four workers: in the full suite")
    people, each = scale(6, 125), scale(20, 80)
    async with programs(workers, tmp_path, DATABASE_URL=url) as found, httpx2.AsyncClient(timeout=60) as client:
        talkers, begun = Talkers(client, [address for address, _ in found], people), time.monotonic()
        async with asyncio.timeout(scale(60, 300)):
            await talkers.talk(lambda: False, most=each)
        took = time.monotonic() - begun
        assert await talkers.lost_and_doubled() == (0, 0)
    assert set(talkers.answers) <= {200, 503}
    with psycopg.connect(url) as database:
        (updates, lines, chats) = database.execute("select count(*), (select count(*) from messages where direction = 'in'), (select count(*) from conversations) from updates").fetchone()  # type: ignore[misc]  # fmt: skip
    assert updates == lines == people * each
    assert chats == people
    done = f"{updates:,} messages of {people} chats in {took:.0f} s: 0 lost, 0 doubled, 0 out of order"
    measured(f"{workers} workers on the same chats, each fifth message sent to two of them at once", "0 lost, 0 doubled, 0 out of order", done)


async def test_a_worker_that_freezes_in_its_commit_holds_its_chat_for_seconds_only(
    url: str, tmp_path: Path, scale: Scale, measured: Measured
) -> None:
    if not scale.full:
        url = url.replace("options=", f"options={quote('-cidle_in_transaction_session_timeout=2s ')}")
    async with programs(2, tmp_path, DATABASE_URL=url) as ((one, running), (other, _)), httpx2.AsyncClient(timeout=60) as client:
        await say(client, one, 1, 0, "你好")
        with psycopg.connect(url) as lock, psycopg.connect(url, autocommit=True) as watch:
            lock.execute("select from conversations for update")
            caught = asyncio.create_task(
                client.post(f"{one}/api/messages", json={"id": "m0001-of-this-chat", "text": "昆科贷是什么"}, headers=cookie(1))
            )
            await until(lambda: watch.execute("select 1 from pg_stat_activity where wait_event_type = 'Lock'").fetchone())
            async with frozen(running):
                lock.rollback()  # now the worker has the chat, and does not know it
                await until(lambda: watch.execute("select 1 from pg_stat_activity where state = 'idle in transaction'").fetchone())
                talkers = Talkers(client, [other], 5, first=10)
                begun = time.monotonic()
                others = asyncio.create_task(talkers.talk(lambda: time.monotonic() > begun + 2))
                while (
                    await client.post(f"{other}/api/messages", json={"id": "m0001-of-this-chat", "text": "昆科贷是什么"}, headers=cookie(1))
                ).status_code != 200:
                    assert time.monotonic() < begun + 2 * OTHERS
                held = time.monotonic() - begun
                await others
                assert talkers.slowest < 5, "other chats notice nothing"
            assert (await caught).status_code in (200, 503)
        await say(client, one, 1, 1, "昆科贷是什么")
        await say(client, one, 1, 2, "你好")
        said = [m["text"] for m in await talk_so_far(client, one, 1) if m["by"] == "you"]
        assert said == ["你好", "昆科贷是什么", "你好"]
    assert held < OTHERS
    done = f"free after {held:.1f} s; other chats waited {talkers.slowest:.1f} s at most; 0 doubled when it woke up"
    measured("a worker frozen (SIGSTOP) within its commit", f"its chat is free within {OTHERS} s, others don't wait; no harm when it wakes up", done)


async def answered(api: BotApi, chat: int, text: str = "昆科贷是什么") -> float:
    """Say something in Telegram; the seconds until it is answered."""
    await api.say(chat, text)
    return await until(lambda: any("昆科贷" in told for told in api.texts(chat)), 60)


@pytest.mark.parametrize("how", ["killed", "frozen"])
async def test_another_worker_takes_over_the_lead(how: str, url: str, tmp_path: Path, scale: Scale, measured: Measured) -> None:
    if how == "frozen" and not scale.full:
        pytest.skip("ten seconds until the database takes the lead away: in the full suite")
    async with BotApi() as api:
        env = {"DATABASE_URL": url, "TELEGRAM_TOKEN": TOKEN, "TELEGRAM_API": api.url}
        (tmp_path / "leader").mkdir()
        async with programs(1, tmp_path / "leader", **env) as ((_, leader),):
            await answered(api, 1)
            async with programs(1, tmp_path, **env):
                if how == "killed":
                    leader.kill()
                    took = await answered(api, 2)
                else:
                    async with frozen(leader):
                        took = await answered(api, 2)
                    for chat in range(3, 10):  # it is awake again, and finds that another leads
                        await answered(api, chat)
                        await asyncio.sleep(0.3)
                assert leader.returncode == (None if how == "frozen" else -signal.SIGKILL)
                assert len({m["chat_id"] for m in api.sent}) == len([t for m in api.sent if "昆科贷" in (t := m["text"])]), "each once"
    assert took < OTHERS + 3
    promised = f"another polls within {OTHERS + 3} s; each message answered once"
    measured(f"the worker that polls Telegram is {how} ({'SIGKILL' if how == 'killed' else 'SIGSTOP'})", promised, f"took {took:.1f} s; 0 doubled")


async def test_a_worker_that_freezes_while_it_delivers_holds_one_chat_for_minutes_only(
    url: str, tmp_path: Path, scale: Scale, measured: Measured
) -> None:
    if not scale.full:
        pytest.skip("two minutes until what it claimed is free: in the full suite")
    async with BotApi() as api:
        env = {"DATABASE_URL": url, "TELEGRAM_TOKEN": TOKEN, "TELEGRAM_API": api.url}
        (tmp_path / "first").mkdir()
        async with programs(1, tmp_path / "first", **env) as ((_, first),):
            await answered(api, 1)
            api.fail("sendMessage", hang(carried_out=False), chat=5)
            await api.say(5, "昆科贷是什么")
            await api.until(lambda: any(c.params["chat_id"] == "5" for c in api.calls_of("sendMessage")))
            async with frozen(first), programs(1, tmp_path, **env):
                others = await answered(api, 2)
                took = others + await until(lambda: api.texts(5), LEASE + 30)
                await answered(api, 6)
            await asyncio.sleep(5)  # it is awake again, and would send what it had begun
            await answered(api, 7)
        assert [len(api.texts(chat)) for chat in (1, 2, 5, 6, 7)] == [1] * 5, "each once"
        assert first.returncode == 0
    assert took < LEASE + 15
    done = f"delivered by another after {took:.0f} s; another chat was answered after {others:.1f} s; 0 doubled when it woke up"
    measured("a worker frozen (SIGSTOP) while it delivers", f"its chat goes on within {LEASE + 15} s, others within {OTHERS + 3} s; each once", done)
