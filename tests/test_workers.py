"""Several whole programs on one PostgreSQL: each chat is one talk whichever of them hears it, and what one stores the others tell."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import httpx2
import pytest

from docs.make_charts import ROOT
from handlers.web import COOKIE
from tests.handlers.bot_api import TOKEN, BotApi
from tests.test_bot import free_port

WORKERS, CHATS = 3, 8
TALK = ("转人工", "集采奖励还能申请吗", "测试医疗公司", "同意", "李女士", "13812345678", "确认")


@contextlib.asynccontextmanager
async def programs(
    count: int, folder: Path, *, command: Sequence[str] = (sys.executable, "bot.py"), **env: str
) -> AsyncIterator[list[tuple[str, asyncio.subprocess.Process]]]:
    """So many programs that are ready, with their addresses; ended by SIGTERM."""
    found = []
    try:
        for number in range(count):
            port = free_port()
            settings = {**os.environ, "PORT": str(port), "STORE": str(folder / f"{number}.db"), **env}
            running = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=settings, stdout=asyncio.subprocess.DEVNULL)
            found.append((f"http://127.0.0.1:{port}", running))
        async with httpx2.AsyncClient() as client:
            await asyncio.gather(*(ready(client, address) for address, _ in found))
        yield found
    finally:
        for _, running in found:
            if running.returncode is None:
                running.send_signal(signal.SIGTERM)
        for _, running in found:
            await asyncio.wait_for(running.wait(), 15)


async def ready(client: httpx2.AsyncClient, address: str) -> None:
    async with asyncio.timeout(90):
        while True:
            with contextlib.suppress(httpx2.TransportError):
                if (await client.get(f"{address}/healthz")).status_code == 200:
                    return
            await asyncio.sleep(0.05)


@pytest.fixture
def url(fresh_postgres: Callable[[], str]) -> str:
    return fresh_postgres()


def cookie(number: int) -> dict[str, str]:
    return {"Cookie": f"{COOKIE}=visitor-{number:014}"}


async def say(client: httpx2.AsyncClient, address: str, number: int, update: int, text: str) -> None:
    """Say something, again and again until it is taken: a program that dies midway is asked elsewhere by the caller."""
    body = {"id": f"m{update:04}-of-this-chat", "text": text}
    answer = await client.post(f"{address}/api/messages", json=body, headers=cookie(number))
    assert answer.status_code == 200, answer.text


async def talk_so_far(client: httpx2.AsyncClient, address: str, number: int) -> list[dict[str, str]]:
    found: list[dict[str, str]] = (await client.get(f"{address}/api/history", headers=cookie(number))).json()["messages"]
    return found


async def test_a_talk_goes_on_with_any_worker_and_numbers_are_given_once(tmp_path: Path, url: str) -> None:
    async with programs(WORKERS, tmp_path, DATABASE_URL=url) as workers, httpx2.AsyncClient(timeout=30) as client:

        async def talk(number: int) -> None:
            for update, text in enumerate(TALK):
                await say(client, workers[(number + update) % WORKERS][0], number, update, text)

        await asyncio.gather(*map(talk, range(CHATS)))
        numbers = Counter[str]()
        for number in range(CHATS):
            told = await asyncio.gather(*(talk_so_far(client, address, number) for address, _ in workers))
            assert told[0] == told[1] == told[2]
            said = [m["text"] for m in told[0] if m["by"] == "you"]
            assert len(said) == len(TALK)
            assert said[:2] == list(TALK[:2])
            numbers.update({word for m in told[0] for word in m["text"].replace("。", " ").replace("，", " ").split() if word.startswith("YQ-")})
        assert len(numbers) == CHATS


async def test_one_chat_that_speaks_to_all_workers_at_once_is_answered_in_one_order(tmp_path: Path, url: str) -> None:
    async with programs(2, tmp_path, DATABASE_URL=url) as workers, httpx2.AsyncClient(timeout=30) as client:
        texts = [f"昆科贷是什么 {n}" for n in range(12)]
        await asyncio.gather(*(say(client, workers[n % 2][0], 1, n, text) for n, text in enumerate(texts)))
        told = await talk_so_far(client, workers[0][0], 1)
        by = ["you" if m["by"] == "you" else "bot" for m in told]
        assert by == ["you", "bot"] * len(texts), "each is answered before the next is taken"
        assert sorted(m["text"] for m in told if m["by"] == "you") == sorted(texts)


async def test_what_one_worker_stores_another_tells_at_once(tmp_path: Path, url: str) -> None:
    async with programs(2, tmp_path, DATABASE_URL=url) as workers, httpx2.AsyncClient(timeout=30) as client:
        (here, _), (there, _) = workers
        await say(client, here, 1, 0, "你好")
        async with client.stream("GET", f"{there}/api/events", headers=cookie(1)) as stream:
            lines = stream.aiter_lines()
            async with asyncio.timeout(10):
                while "data:" not in await anext(lines):
                    pass
                await asyncio.sleep(0.5)
                begun = time.monotonic()
                await say(client, here, 1, 1, "昆科贷是什么")
                while "昆科贷" not in await anext(lines):
                    pass
            assert time.monotonic() - begun < 1.9, "sooner than the next look, which comes after two seconds"


async def test_one_worker_polls_telegram_and_any_of_them_answers(tmp_path: Path, url: str) -> None:
    async with BotApi() as api:
        env = {"DATABASE_URL": url, "TELEGRAM_TOKEN": TOKEN, "TELEGRAM_API": api.url}
        async with programs(2, tmp_path, **env):
            for n in range(6):
                await api.say(n, "昆科贷是什么")
            await api.until(lambda: all(any("昆科贷" in text for text in api.texts(n)) for n in range(6)), 20)
            assert all(sum("昆科贷" in text for text in api.texts(n)) == 1 for n in range(6)), "each once"
