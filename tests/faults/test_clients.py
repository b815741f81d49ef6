"""What visitors and service managers do

Clients that are slow, silent or half gone; a rush; SIGTERM in the middle of it; and talks for a long time.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import mean, quantiles
from typing import Any

import pytest

from knowledge.snapshot import Knowledge
from storage.contract import Update
from tests.faults.conftest import Measured, Scale
from tests.faults.lives import Lives
from tests.faults.talks import doubled, intact, replies, telegram, undisturbed, web
from tests.handlers.bot_api import BotApi
from tests.test_workers import TALK, cookie

QUESTION = "昆科贷是什么"
linux = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="looks at processes as Linux shows them")


class Wire:
    """A connection to the web chat, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, port: int) -> Wire:
        """A new connection."""
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=1 << 20))

    async def ask(self, request: bytes) -> tuple[int, Any]:
        """Send a request and read its answer: status and JSON. EOFError or ConnectionError where there is none."""
        self.writer.write(request)
        head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        body = await self.reader.readexactly(int(head.partition(b"content-length: ")[2].split(b"\r")[0]))
        return int(head.split()[1]), json.loads(body)

    async def close(self) -> None:
        """Leave."""
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


def post(visitor: int, update: int, text: str) -> bytes:
    """Something said, as it goes over the wire."""
    return posted_head(visitor, body := json.dumps({"id": f"m{update:04}-of-this-chat", "text": text}).encode()) + body


def posted_head(visitor: int, body: bytes) -> bytes:
    """What goes before a body."""
    named = cookie(visitor)["Cookie"]
    lines = ("POST /api/messages HTTP/1.1", "Host: 127.0.0.1", f"Cookie: {named}", "Content-Type: application/json", f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def reading(visitor: int) -> bytes:
    """A request for the stream of what is said to a visitor."""
    return f"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie(visitor)['Cookie']}\r\n\r\n".encode()


async def taken(lives: Lives, visitor: int, update: int, text: str, wire: Wire | None = None) -> tuple[Wire, int]:
    """Say something until it is taken, as the page does; the connection, and how often it was refused or cut off."""
    refused = 0
    while True:
        try:
            wire = wire or await Wire.open(lives.port)
            status, body = await wire.ask(post(visitor, update, text))
        except (EOFError, ConnectionError):
            status = 503
        if status == 200:
            assert wire
            return wire, refused
        assert status == 503, body
        if wire:
            wire.writer.close()
        wire, refused = None, refused + 1
        await asyncio.sleep(0.05)


@dataclass(frozen=True, slots=True)
class Size:
    """What a process holds."""

    megabytes: float
    files: int

    @classmethod
    def of(cls, lives: Lives) -> Size:
        """As the kernel counts it: memory that is nobody else's, and file descriptors."""
        folder = Path(f"/proc/{lives.program.child.pid}")
        rollup = (folder / "smaps_rollup").read_text()
        private = sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith(("Private_Clean", "Private_Dirty")))
        return cls(private / 1024, len([*(folder / "fd").iterdir()]))


def processor_seconds(lives: Lives) -> float:
    """How long a program has worked."""
    fields = Path(f"/proc/{lives.program.child.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.asynccontextmanager
async def started(folder: Path) -> AsyncIterator[Lives]:
    """A program that is ready."""
    async with BotApi() as api, Lives(folder, folder / "s.db", api) as lives:
        await lives.call("GET", "/healthz")
        yield lives


async def seconds_of_turns(lives: Lives, visitors: Sequence[int], each: int) -> list[float]:
    """How long visitors who behave wait to have their messages taken."""
    found = list[float]()
    for visitor in visitors:
        wire = None
        for update in range(each):
            began = time.perf_counter()
            wire, _ = await taken(lives, visitor, update, f"{QUESTION} {update}", wire)
            found.append(time.perf_counter() - began)
        assert wire
        await wire.close()
    return found


@linux
async def test_hundreds_of_clients_that_stall(tmp_path: Path, scale: Scale, measured: Measured) -> None:
    number = scale(40, 400)
    async with started(tmp_path) as lives:
        alone = await seconds_of_turns(lives, range(10_000, 10_002), scale(5, 50))
        before, stalled = Size.of(lives), list[Wire]()
        for n in range(number):
            body = json.dumps({"id": "m0000-of-this-chat", "text": QUESTION}).encode()
            half, silent, deaf = await asyncio.gather(*(Wire.open(lives.port) for _ in range(3)))
            half.writer.write(posted_head(n, body) + body[:-5])  # a body that never ends
            silent.writer.write(b"GET / HT")  # a head that never ends
            deaf.writer.write(reading(20_000 + n % 20))  # a reader of a stream that never reads
            deaf.writer.transport.pause_reading()  # type: ignore[attr-defined]
            stalled += half, silent, deaf
        gone = [await Wire.open(lives.port) for _ in range(number)]
        for n, wire in enumerate(gone):
            wire.writer.write(reading(30_000 + n))
            wire.writer.write_eof()  # half closed: it will say nothing more, and might still listen
        busy = await seconds_of_turns(lives, range(20_000, 20_020), scale(1, 10))  # their answers go to those who do not read
        held = Size.of(lives)
        for wire in (*stalled, *gone):
            wire.writer.transport.abort()
        await until_true(lambda: Size.of(lives).files <= before.files + 5)
        after = Size.of(lives)
    assert held.megabytes - before.megabytes < 20 + number * 0.2
    measured(
        f"{number} bodies and {number} heads that never end, {number} streams that nobody reads, {number} half-closed connections",
        "the others are answered as ever; memory stays bounded; what they leave is freed",
        f"a message is taken in {1000 * mean(busy):.0f} ms (alone: {1000 * mean(alone):.0f} ms), all together hold "
        f"{held.megabytes - before.megabytes:.0f} MB; {after.files - before.files} of {held.files - before.files} file descriptors remain",
    )


async def until_true(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


@linux
async def test_a_rush_of_messages(tmp_path: Path, scale: Scale, measured: Measured) -> None:
    number, connections = scale(200, 2000), scale(200, 1000)
    async with started(tmp_path) as lives:
        refusals, room, worked, began = 0, asyncio.Semaphore(connections), processor_seconds(lives), time.perf_counter()

        async def visitor(n: int) -> None:
            nonlocal refusals
            async with room:
                wire, refused = await taken(lives, n, 0, f"{QUESTION} {n}")
                refusals += refused
                await wire.close()

        await asyncio.gather(*map(visitor, range(number)))
        seconds, worked = time.perf_counter() - began, processor_seconds(lives) - worked
        async with lives.store() as store:  # killed at once: what was acknowledged must be there
            for n in range(number):
                said, *answers = await store.transcript(web(n))
                assert said.body["text"] == f"{QUESTION} {n}" and len(answers) == 1
    measured(
        f"{number:,} visitors say something at once, and the program is killed as soon as the last message is taken",
        "every message that was taken is there, once; what is too much is refused with 503 and sent again",
        f"all taken within {seconds:.1f} s ({number / seconds:.0f} a second, with {1000 * worked / number:.1f} ms of processor time each), "
        f"{refusals:,} times refused before; 0 lost, 0 twice",
    )


async def test_sigterm_under_load(tmp_path: Path, knowledge: Knowledge, scale: Scale, measured: Measured) -> None:
    stops, said, times, refused = scale(3, 40), list[int](), list[float](), 0
    async with started(tmp_path) as lives:

        async def visitor() -> None:
            nonlocal refused
            while len(times) < stops:
                number, wire = len(said), None
                said.append(number)
                for update, text in enumerate(TALK):
                    wire, again = await taken(lives, number, update, text, wire)
                    refused += again
                assert (await lives.call("GET", "/api/history", headers=cookie(number))).status_code == 200
                assert wire
                await wire.close()

        async def manager() -> None:
            stream = await Wire.open(lives.port)
            for n in range(stops):
                stream.writer.write(reading(50_000 + n))
                await asyncio.sleep(0.15 + 0.05 * (n % 4))
                began = time.perf_counter()
                lives.program.stop()
                await lives.program.ended(10)
                times.append(time.perf_counter() - began)
                await stream.close()
                lives.tend()
                await lives.call("GET", "/healthz")
                stream = await Wire.open(lives.port)
            await stream.close()

        await asyncio.gather(manager(), *(visitor() for _ in range(8)))
        async with lives.store() as store:
            await intact(store, [web(number) for number in said], await undisturbed(knowledge))
    measured(
        "SIGTERM under load, with streams open",
        "ends within 10 s; what was acknowledged is stored, the rest is refused or cut off and can be sent again",
        f"{stops} times: ended in {mean(times):.2f} s on average and {max(times):.2f} s at most; {len(said) * len(TALK):,} messages, "
        f"{refused} sent again: 0 lost, 0 twice",
    )


async def test_sigterm_while_replies_go_out(tmp_path: Path, knowledge: Knowledge, scale: Scale, measured: Measured) -> None:
    chance, stops, chats, times = random.Random(3), scale(3, 40), list[int](), list[float]()
    async with BotApi() as api, Lives(tmp_path, tmp_path / "s.db", api) as lives:
        for _ in range(stops):
            while len(TALK) * len(chats) - len(api.sent) < 42:
                chats.append(len(chats) + 1)
                for text in TALK:
                    await api.say(chats[-1], text)
            enough = len(api.sent) + chance.randint(1, 12)
            await api.until(lambda: len(api.sent) >= enough, 30)  # noqa: B023
            began = time.perf_counter()
            lives.program.stop()
            await lives.program.ended(10)
            times.append(time.perf_counter() - began)
            lives.tend()
        await lives.settled(lambda: not api.pending)
        async with lives.store() as store:
            await intact(store, [*map(telegram, chats)], await undisturbed(knowledge))
            assert [doubled(api.texts(chat), await replies(store, telegram(chat))) for chat in chats] == [[] for _ in chats]
    measured(
        "SIGTERM while replies go out to several Telegram chats",
        "ends within 10 s; what is under way is ended first: 0 lost, 0 twice",
        f"{stops} times: ended in {mean(times):.2f} s on average and {max(times):.2f} s at most; {len(TALK) * len(chats):,} replies: 0 lost, 0 twice",
    )


@linux
async def test_talks_for_a_long_time(tmp_path: Path, scale: Scale, measured: Measured) -> None:
    lasts, sizes, talks = scale(5, 180), list[Size](), count()
    async with BotApi() as api, Lives(tmp_path, tmp_path / "s.db", api) as lives:
        await lives.call("GET", "/healthz")
        ends = time.monotonic() + lasts

        async def visitor() -> None:
            while time.monotonic() < ends:
                number, wire = next(talks), await Wire.open(lives.port)
                stream = await Wire.open(lives.port)
                stream.writer.write(reading(number))
                for update, text in enumerate((*TALK, "太仓的布局图", "随便说点什么")):
                    await taken(lives, number, update, text, wire)
                    await api.say(100 + number % 50, text)
                    await asyncio.sleep(0.02)
                await wire.close()
                await stream.close()

        async def watcher() -> None:
            await asyncio.sleep(lasts * 0.2)  # until everything has been used once
            while time.monotonic() < ends:
                sizes.append(Size.of(lives))
                await asyncio.sleep(lasts / 100)

        await asyncio.gather(watcher(), *(visitor() for _ in range(4)))
        await until_true(lambda: not api.pending)
        said, begun = len(TALK) + 2, next(talks)
        async with lives.store() as store:
            for number in range(begun):
                assert sum(isinstance(line, Update) for line in await store.transcript(web(number))) == said
    half = len(sizes) // 2
    first, second = sizes[:half], sizes[half:]
    megabytes = [quantiles([s.megabytes for s in part], n=20)[-1] for part in (first, second)]
    files = [max(s.files for s in part) for part in (first, second)]
    assert megabytes[1] < megabytes[0] * 1.15 + 5
    assert files[1] <= files[0] + scale(64, 5), "within seconds, connections to the Bot API still become more"
    measured(
        f"talks on the web and in Telegram, {lasts} s without a pause",
        "memory and file descriptors stay flat: the second half needs no more than the first",
        f"{begun * said:,} messages on the web and as many in Telegram: {megabytes[0]:.0f} MB and then {megabytes[1]:.0f} MB, at most {files[0]} and then {files[1]} file descriptors",
    )
