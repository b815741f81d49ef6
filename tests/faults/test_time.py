"""The clock jumps, and the year ends."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from dialogs.messages import Message
from dialogs.texts import texts
from dialogs.turns import LOCAL, Library, Turns
from knowledge.snapshot import Knowledge
from storage.contract import Address
from storage.memory import MemoryStore
from tests.faults.conftest import Measured, Scale
from tests.handlers.bot_api import TOKEN, BotApi, flood, page
from tests.test_workers import TALK, cookie, programs, say, talk_so_far

DAY = 24 * 3600
JUMPS = (0, DAY, 0, -DAY, 0)
"""How far the clock is off, one after the other: right, a day ahead, set right, a day behind, set right."""
PROMPTLY = 30
"""Seconds: far less than a day."""


class Stream:
    """A reader of the web chat who stays connected all the time."""

    def __init__(self) -> None:
        self.events: list[int] = []
        self.ended = False

    async def read(self, client: httpx2.AsyncClient, address: str, person: int) -> None:
        async with client.stream("GET", f"{address}/api/events", headers=cookie(person)) as stream:
            async for line in stream.aiter_lines():
                if line.startswith("id: "):
                    self.events.append(int(line[4:]))
        self.ended = True


@pytest.mark.parametrize("kind", ["SQLite", "PostgreSQL"])
async def test_a_clock_that_jumps_by_a_day_disturbs_nobody(
    kind: str, tmp_path: Path, fresh_postgres: Callable[[], str], scale: Scale, measured: Measured
) -> None:
    if kind == "PostgreSQL" and not scale.full:
        pytest.skip("the same on PostgreSQL: in the full suite")
    clock = tmp_path / "clock"
    clock.write_text("0")
    async with BotApi() as api, httpx2.AsyncClient(timeout=30) as client:
        env = {"TELEGRAM_TOKEN": TOKEN, "TELEGRAM_API": api.url}
        if kind == "PostgreSQL":
            env["DATABASE_URL"] = fresh_postgres()
        command = (sys.executable, "-m", "tests.faults.moved_clock", str(clock))
        async with programs(1, tmp_path, command=command, **env) as ((address, running),):
            await say(client, address, 1, 0, "我想做补贴预审")
            stream, slowest = Stream(), 0.0
            reading = asyncio.create_task(stream.read(client, address, 1))
            numbers, days = list[str](), list[str]()
            for turn, off in enumerate(JUMPS, 1):
                clock.with_suffix(".new").write_text(str(off))
                clock.with_suffix(".new").replace(clock)
                # a talk that was begun before goes on, and one is begun and brought to its end
                await say(client, address, 1, turn, ("苏州高新区", "投资产业化项目", "都没有", "不清楚", "先看结果")[turn - 1])
                for update, text in enumerate(TALK):
                    await say(client, address, 10 + turn, update, text)
                said = " ".join(m["text"] for m in await talk_so_far(client, address, 10 + turn))
                numbers += set(re.findall(r"YQ-\d{6}-\d{4}", said))
                days.append((datetime.now(LOCAL) + timedelta(seconds=off)).strftime("%y%m%d"))
                # what must be tried again while the clock is wrong is not put off for a day when it is set right
                api.fail("sendMessage", flood(1), page(502), chat=turn)
                await api.say(turn, "昆科贷是什么")
                await api.until(lambda turn=turn: len([c for c in api.calls_of("sendMessage") if c.params["chat_id"] == str(turn)]) > 1, PROMPTLY)  # type: ignore[misc]  # fmt: skip
            asked = time.monotonic()
            await api.until(lambda: all(api.texts(turn) for turn in range(1, len(JUMPS) + 1)), PROMPTLY)
            slowest = time.monotonic() - asked
            everything = await talk_so_far(client, address, 1)
            ids = await events_of(client, address, 1)
            await until_equal(stream.events, ids)
            assert running.returncode is None
            assert not stream.ended
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
    assert all(len(api.texts(turn)) == 1 for turn in range(1, len(JUMPS) + 1)), "each once"
    assert len(numbers) == len(set(numbers)) == len(JUMPS)
    assert all(f"YQ-{day}-" in number for day, number in zip(days, numbers, strict=True))
    assert texts("zh")("bad.trouble") not in [m["text"] for m in everything]
    done = f"{len(numbers)} requests, 0 numbers twice; all delivered, the last after {slowest:.1f} s; the stream missed 0 of {len(ids)} events"
    promised = f"talks and streams go on, no number twice, what waits is delivered within {PROMPTLY} s"
    measured(f"the clock jumps a day ahead, back, a day behind, and back ({kind})", promised, done)


async def events_of(client: httpx2.AsyncClient, address: str, person: int) -> list[int]:
    """The ids of everything that a person was told."""
    found = Stream()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(2):
            await found.read(client, address, person)
    return found.events


async def until_equal(growing: list[int], whole: list[int]) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(10):
            while growing != whole:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    assert growing == whole


class Clock:
    """A clock that is set by hand."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at


async def test_a_year_that_ends_between_two_turns_is_the_new_one_for_what_follows(knowledge: Knowledge, measured: Measured) -> None:
    clock = Clock(datetime(2026, 12, 31, 23, 59, 50, tzinfo=LOCAL))
    turns, told = Turns(MemoryStore(), Library(knowledge), clock), list[str]()

    async def hear(person: str, text: str) -> str:
        handled = await turns.handle(Address("web", person, person), Message(text), now=clock())
        assert handled.result["replies"]
        told.append("\n".join(r["text"] for r in handled.result["replies"]))
        return told[-1]

    for text in ("我想做补贴预审", "苏州高新区", "投资产业化项目"):
        await hear("1", text)
    for text in TALK[:-1]:
        await hear("2", text)
    clock.at += timedelta(seconds=20)
    await hear("1", "都没有")
    assert "2027" in await hear("1", "先看结果")
    assert "YQ-270101-0001" in await hear("2", TALK[-1])
    clock.at -= timedelta(seconds=20)  # set right by a second server: the old year again
    for text in TALK:
        last = await hear("3", text)
    assert "YQ-261231-0001" in last
    assert texts("zh")("bad.trouble") not in "\n".join(told)
    measured("the year ends between two turns", "the talk goes on, judged and numbered by the new day", "it does; back in the old year as well")


async def test_a_report_is_gone_after_its_days_and_not_a_day_before(knowledge: Knowledge, measured: Measured) -> None:
    clock = Clock(datetime(2026, 11, 22, 12, tzinfo=UTC))
    turns, link = Turns(MemoryStore(), Library(knowledge), clock), None
    for text in ("我想做补贴预审", "苏州高新区", "先看结果"):
        handled = await turns.handle(Address("web", "1", "1"), Message(text), now=clock())
        link = next((r["link"] for r in handled.result["replies"] if r.get("link")), link)
    assert link is not None
    key = link.rpartition("/")[2]
    stays = {day: await turns.store.report(key, clock.at + timedelta(days=day)) is not None for day in (-1, 0, 1, 29, 31, 0)}
    assert stays == {-1: True, 0: True, 1: True, 29: True, 31: False}
    measured("the clock jumps by a day while a report can be read", "readable for 30 days, whatever the clock says meanwhile", "it is")
