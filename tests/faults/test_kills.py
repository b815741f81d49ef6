"""Killed with `kill -9`

The real program, by failpoints at every commit, send and mark, and at random moments under load. What it had not confirmed comes
again as each channel does it: Telegram hands it out again, or calls again; the page and a program send the same id again.
"""

from __future__ import annotations

import asyncio
import bisect
import contextlib
import json
import multiprocessing
import os
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import httpx2
import pytest

import bot
from knowledge.snapshot import Knowledge
from storage.contract import Address, OutboxItem
from tests.faults.conftest import Measured, Scale
from tests.faults.lives import Lives
from tests.faults.program import COMMIT, Point, Program
from tests.faults.talks import FILED, doubled, intact, replies, telegram, undisturbed, web
from tests.handlers.bot_api import BotApi, Fault, flood
from tests.test_workers import TALK, cookie

SECRET = "a-secret_of-ours"
TWICE = {"after deliver", "before sent"}
"""Between what Telegram took and the note of it: only here a reply may come twice."""


Say = Callable[[Lives, BotApi, int, str], Awaitable[None]]


async def polled(lives: Lives, api: BotApi, number: int, text: str) -> None:
    """Telegram, which hands an update out until it is confirmed."""
    await api.say(7, text)
    await lives.settled(lambda: not api.pending)


async def called(lives: Lives, api: BotApi, number: int, text: str) -> None:
    """Telegram, which calls until the answer is 200."""
    update = {"update_id": number, "message": api.message(7, text=text)}
    answer = await lives.call("POST", "/telegram", json=update, headers={"X-Telegram-Bot-Api-Secret-Token": SECRET})
    assert answer.status_code == 200
    await lives.settled()


async def posted(lives: Lives, api: BotApi, number: int, text: str) -> None:
    """The chat page, which sends the same id until the answer is 200, and reads."""
    answer = await lives.call("POST", "/api/messages", json={"id": f"m{number:04}-of-this-chat", "text": text}, headers=cookie(7))
    assert answer.status_code == 200, answer.text
    while not (await lives.call("GET", "/api/history", headers=cookie(7))).json()["messages"][-1]["by"] == "bot":  # noqa: SIM201, ASYNC110
        await asyncio.sleep(0.01)


WEBHOOK = {"TELEGRAM_WEBHOOK": "https://x.example/telegram", "TELEGRAM_SECRET": SECRET}
CHANNELS: dict[str, tuple[Say, dict[str, str], Address]] = {
    "polled": (polled, {}, telegram(7)),
    "called": (called, WEBHOOK, telegram(7)),
    "posted": (posted, {}, web(7)),
}
AT = (3, 7)
"""Which of a talk's messages it dies on: one in the middle, and the one that files a request."""
EVERYWHERE = [Point(call, when, n) for n in AT for call in ("load", "commit") for when in ("before", "after")]
POLLED = [Point(call, when, n) for n in AT for call in ("deliver", "sent") for when in ("before", "after")]
READ = [Point(call, when, n) for n in AT for call in ("sent",) for when in ("before", "after")]
BEGINNING = [Point(call, when) for call in ("publish", "claim") for when in ("before", "after")]
POINTS = [("polled", p) for p in EVERYWHERE + POLLED + BEGINNING] + [("posted", p) for p in EVERYWHERE + READ] + [("called", p) for p in EVERYWHERE]


async def talk(lives: Lives, api: BotApi, channel: str, expected: Sequence[tuple[str, str]]) -> int:
    """A whole talk through a channel, and what came of it; how many replies came twice."""
    say, _, address = CHANNELS[channel]
    for number, text in enumerate(TALK, 1):
        await say(lives, api, number, text)
    async with lives.store() as store:
        await intact(store, [address], expected)
        return 0 if channel == "posted" else len(doubled(api.texts(7), await replies(store, address)))


async def killed_at(points: Sequence[tuple[str, Point]], places: Callable[[], str | Path], folder: Path, knowledge: Knowledge) -> Counter[str]:
    """Kill at each point of a talk of its own; how many kills there were, and how many replies came twice."""
    expected, found = await undisturbed(knowledge), Counter[str]()
    for channel, point in points:
        async with BotApi() as api, Lives(folder, places(), api, point, env=CHANNELS[channel][1]) as lives:
            twice = await talk(lives, api, channel, expected)
        assert lives.kills == 1, f"{channel}: {point} was not reached"
        between = f"{point.when} {point.call}" in TWICE and channel != "posted"
        assert twice == between or (point.call == "publish" and twice <= 1), f"{channel}: {point}"  # it is published while the first reply goes out
        found += Counter(kills=1, twice=twice)
    return found


async def test_killed_before_and_after_each_commit_send_and_mark(tmp_path: Path, knowledge: Knowledge, scale: Scale, measured: Measured) -> None:
    numbers = iter(range(1000))
    found = await killed_at(POINTS[:: scale(10, 1)], lambda: tmp_path / f"{next(numbers)}.db", tmp_path, knowledge)
    measured(
        "killed before or after a load, commit, send or mark; at the start before or after a claim or a publication (SQLite; Telegram polled and "
        "called, web chat)",
        "0 lost, 0 requests doubled, a reply twice only if it was sent and not yet marked",
        f"{found['kills']} kills: 0 lost, 0 requests doubled, {found['twice']} replies twice",
    )


async def test_killed_before_and_after_commits_and_marks_on_postgresql(
    tmp_path: Path, knowledge: Knowledge, fresh_postgres: Callable[[], str], scale: Scale, measured: Measured
) -> None:
    found = await killed_at(POINTS[2 :: scale(20, 2)], fresh_postgres, tmp_path, knowledge)
    measured(
        "the same on PostgreSQL",
        "the same",
        f"{found['kills']} kills: 0 lost, 0 requests doubled, {found['twice']} replies twice",
    )


@pytest.mark.parametrize("kind", ["SQLite", "PostgreSQL"])
async def test_killed_when_everything_is_written_and_not_yet_committed(
    kind: str, tmp_path: Path, knowledge: Knowledge, request: pytest.FixtureRequest, scale: Scale, measured: Measured
) -> None:
    expected, kills, twice, number = await undisturbed(knowledge), 0, 0, 1
    while True:
        place = tmp_path / f"{number}.db" if kind == "SQLite" else request.getfixturevalue("fresh_postgres")()
        async with BotApi() as api, Lives(tmp_path, place, api, Point(COMMIT, count=number)) as lives:
            twice += await talk(lives, api, "polled", expected)
        if not lives.kills:
            break  # so many commits there are from the first table to the last mark
        kills, number = kills + 1, number + scale(9, 1)
    assert kills >= scale(2, 15)
    assert twice <= kills
    measured(
        f"killed before a COMMIT, at each of a talk's in turn, from the first table on ({kind})",
        "0 lost, 0 requests doubled, at most one reply twice a kill",
        f"{kills} kills: 0 lost, 0 requests doubled, {twice} replies twice",
    )


@pytest.mark.parametrize(
    ("call", "fault"), [("postpone", flood(1)), ("fail", Fault("json", 403, "Forbidden: bot was blocked by the user"))], ids=["postpone", "fail"]
)
async def test_killed_while_noting_that_a_reply_could_not_be_sent(call: str, fault: Fault, tmp_path: Path, measured: Measured) -> None:
    for when in ("before", "after"):
        place = tmp_path / f"{when}.db"
        async with BotApi() as api, Lives(tmp_path, place, api, Point(call, when)) as lives:
            api.fail("sendMessage", fault, *[fault] * (when == "before"), chat=7)
            await api.say(7, "昆科贷是什么")
            await lives.settled(lambda: len(api.calls_of("sendMessage")) > (call == "postpone") and lives.kills == 1)
            async with lives.store() as store:
                (state,) = [line.state for line in await store.transcript(telegram(7)) if isinstance(line, OutboxItem)]
        assert lives.kills == 1
        assert (state, len(api.texts(7))) == (("sent", 1) if call == "postpone" else ("failed", 0))
    measured(
        f"killed before and after noting that a reply {'has to wait' if call == 'postpone' else 'cannot be delivered'}",
        "it is sent later, once" if call == "postpone" else "it is given up and shown, and stops nothing",
        "2 kills: " + ("0 lost, 0 twice" if call == "postpone" else "given up and shown, 0 stuck"),
    )


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes as Linux shows them")
async def test_no_process_outlives_a_program_that_was_killed(tmp_path: Path, measured: Measured) -> None:
    def begun_by(parent: int) -> set[int]:
        found = (path.read_text().rpartition(")") for path in Path("/proc").glob("[0-9]*/stat"))
        return {int(head.split()[0]) for head, _, rest in found if int(rest.split()[1]) == parent}

    async with BotApi() as api, Lives(tmp_path, tmp_path / "s.db", api) as lives:
        await api.say(7, "太仓的布局图")
        await lives.settled(lambda: not api.pending and len(api.texts(7)) == 2)
        others = begun_by(lives.program.child.pid or 0)
        lives.program.kill()
        await api.until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in others), 10)
    assert others, "a picture is drawn in a process of its own"
    measured("killed after it has drawn pictures", "no process is left behind", f"{len(others)} ended with it")


# -- at random -----------------------------------------------------------------------------------------------------------------------


async def moment(chance: random.Random, done: Callable[[], int]) -> None:
    """Wait for the time to kill: while it starts, or some work later, however fast the machine is."""
    if chance.random() < 0.1:
        await asyncio.sleep(chance.uniform(0, 0.2))
        return
    until = done() + chance.randint(0, 12)
    async with asyncio.timeout(30):
        while done() < until:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    await asyncio.sleep(chance.uniform(0, 0.1))


@pytest.mark.parametrize(("kind", "short", "full"), [("SQLite", 12, 600), ("PostgreSQL", 2, 30)], ids=["SQLite", "PostgreSQL"])
async def test_killed_at_random_under_load_over_telegram(
    kind: str, short: int, full: int, tmp_path: Path, knowledge: Knowledge, request: pytest.FixtureRequest, scale: Scale, measured: Measured
) -> None:
    chance, kills, chats, cuts = random.Random(20261125), scale(short, full), list[int](), list[int]()
    place = tmp_path / "s.db" if kind == "SQLite" else request.getfixturevalue("fresh_postgres")()
    expected = await undisturbed(knowledge)
    async with BotApi() as api, Lives(tmp_path, place, api) as lives:
        while lives.kills < kills:
            answered = {(sent["chat_id"], sent["text"]) for sent in api.sent}
            while len(TALK) * len(chats) - len(answered) < 42:  # six talks at once, and more to say than what is waited for
                chats.append(len(chats) + 1)
                for text in TALK:
                    await api.say(chats[-1], text)
            await moment(chance, lambda: len(api.sent))
            lives.program.kill()
            for _ in range(20):
                await asyncio.sleep(0.001)  # what was on the wire arrives
            cuts.append(len(api.sent))
            lives.tend()
        await lives.settled(lambda: not api.pending)
        async with lives.store() as store:
            await intact(store, [telegram(chat) for chat in chats], expected)
            twice = [life for chat in chats for life in _lives_with_doubles(api, chat, cuts, await replies(store, telegram(chat)))]
    assert len(set(cuts)) >= kills // 2, "most kills came while something was being sent"
    most = max(Counter(twice).values(), default=0)
    measured(
        f"killed at random under load, several Telegram chats at once ({kind})",
        "0 lost, 0 requests doubled, 0 out of order, in each chat at most one reply twice a kill (the one on its way)",
        f"{lives.kills:,} kills, {len(TALK) * len(chats):,} turns in {len(chats)} chats: 0 lost, 0 requests doubled, "
        f"{len(twice)} replies twice, one a chat and at most {most} a kill",
    )


def _lives_with_doubles(api: BotApi, chat: int, cuts: Sequence[int], expected: Sequence[str]) -> list[int]:
    """In which lives this chat got a reply for the second time: never twice in one."""
    at = [position for position, sent in enumerate(api.sent) if sent["chat_id"] == str(chat)]
    found = [bisect.bisect_right(cuts, at[again]) for again in doubled([api.sent[p]["text"] for p in at], expected)]
    assert len(set(found)) == len(found), f"chat {chat}: more than one reply twice after a kill"
    return found


async def test_killed_at_random_under_load_over_the_web(tmp_path: Path, knowledge: Knowledge, scale: Scale, measured: Measured) -> None:
    chance, kills, said, read, taken = random.Random(20261126), scale(6, 400), list[int](), 0, 0
    expected = await undisturbed(knowledge)
    async with BotApi() as api, Lives(tmp_path, tmp_path / "s.db", api) as lives:

        async def visitor() -> None:
            nonlocal read, taken
            while lives.kills < kills:
                number = len(said)
                said.append(number)
                reading = asyncio.create_task(heard(lives, number, len(TALK)))
                for position, text in enumerate(TALK, 1):
                    body = {"id": f"m{position:04}-of-this-chat", "text": text}
                    answer = await lives.call("POST", "/api/messages", json=body, headers=cookie(number))
                    assert answer.status_code == 200, answer.text
                    taken += 1
                told = await asyncio.wait_for(reading, 30)
                assert [FILED.sub("YQ", text) for text in told] == [text for by, text in expected if by == "bot"]
                assert (await lives.call("GET", "/api/history", headers=cookie(number))).status_code == 200
                read += len(told)

        async def killer() -> None:
            while lives.kills < kills:
                await moment(chance, lambda: taken)
                lives.again()

        await asyncio.gather(killer(), *(visitor() for _ in range(6)))
        async with lives.store() as store:
            await intact(store, [web(number) for number in said], expected)
    assert read == len(TALK) * len(said)
    measured(
        "killed at random under load, six web visitors at once, each with a stream that resumes (SQLite)",
        "0 lost, 0 requests doubled, 0 out of order, no reply twice",
        f"{lives.kills:,} kills, {read:,} turns in {len(said)} chats: 0 lost, 0 requests doubled, 0 replies twice",
    )


async def heard(lives: Lives, number: int, count: int) -> list[str]:
    """What a page hears through its stream, resuming where it was cut off, until it has heard so many replies."""
    told, last = list[str](), "0"
    while len(told) < count:
        with contextlib.suppress(httpx2.TransportError):
            async with lives.http.stream("GET", "/api/events", headers={**cookie(number), "Last-Event-ID": last}) as stream:
                async for line in stream.aiter_lines():
                    if line.startswith("id: "):
                        assert int(line[4:]) > int(last), "heard twice"
                        coming = line[4:]
                    elif line.startswith("data: "):
                        told.append(json.loads(line[6:])["text"])
                        last = coming
                    if len(told) == count:
                        break
        await asyncio.sleep(0.01)
    return told


async def test_a_program_that_talks_by_lines_is_killed_at_random(tmp_path: Path, knowledge: Knowledge, scale: Scale, measured: Measured) -> None:
    chance, kills, place = random.Random(20261122), scale(6, 100), tmp_path / "s.db"
    messages = [{"chat": f"u{n}", "id": f"{n}-{i}", "text": text} for n in range(max(6, kills // 4)) for i, text in enumerate(TALK)]
    deadly = set(chance.sample(range(len(messages)), kills))
    answers = dict[str, Any]()
    program = ByLines(place, tmp_path / "log")
    for position, message in enumerate(messages):
        if position in deadly:
            program.write(message)
            await asyncio.sleep(chance.random() * 0.006)
            program.kill()
            program = ByLines(place, tmp_path / "log")
        answers[message["id"]] = program.ask(message)
        assert "error" not in answers[message["id"]]
    for message in chance.sample(messages, 10):
        assert program.ask(message) == answers[message["id"]], "the same message is answered as it was"
    program.kill()
    async with bot.opened(place) as store:
        await intact(store, [Address("console", chat, chat) for chat in sorted({m["chat"] for m in messages})], await undisturbed(knowledge))
    measured(
        "a program that talks by JSON lines, killed at random",
        "0 lost, 0 requests doubled, the same message is answered as it was",
        f"{kills} kills, {len(messages)} turns: 0 lost, 0 requests doubled",
    )


class ByLines:
    """`chat --jsonl`, by pipes."""

    def __init__(self, place: Path, log: Path) -> None:
        (reads, self._in), (self._out, writes) = multiprocessing.Pipe(duplex=False), multiprocessing.Pipe(duplex=False)
        self._program = Program({}, log, "chat", "--jsonl", "--store", str(place), given=(reads, writes))
        reads.close()
        writes.close()
        self._answers = open(self._out.fileno(), "rb", closefd=False)  # noqa: SIM115

    def write(self, message: dict[str, str]) -> None:
        """Send a line."""
        os.write(self._in.fileno(), (json.dumps(message, ensure_ascii=False) + "\n").encode())

    def ask(self, message: dict[str, str]) -> Any:
        """Send a line and wait for its answer."""
        self.write(message)
        return json.loads(self._answers.readline())

    def kill(self) -> None:
        """End it at once."""
        self._program.kill()
        self._answers.close()
        self._in.close()
        self._out.close()
