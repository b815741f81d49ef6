"""Whole turns through Telegram, guided, stored and delivered, beside python-telegram-bot's own bare echo bot on the same Bot API server.

`python -m bench.telegram [messages]`. The server (`bench/bot_api.py`) has a process of its own, and so has each bot. A turn counts when its
replies were delivered and marked as such in the store. Telegram's limits on what a bot may send are not observed here.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import socket
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count
from multiprocessing import get_context
from pathlib import Path

import uvloop

from bench.bot_api import SECRET, TOKEN, Plan, bot_api
from bench.measuring import SkippedError
from bench.tables import Table
from bench.turns import TALKS
from bench.workers import Echo, postgres
from bot import opened
from dialogs.delivery import Sender
from dialogs.messages import Reply
from dialogs.turns import LOCAL, Library, Seconds, Turns
from storage.contract import Address, Commit, Notice, Place

MESSAGES = 2_000
ROUNDS = 3
ROUND_TRIP = 0.05
NOTICE = Reply("服务团队：您的请求已经受理。材料收到了，三个工作日内答复您；有要补充的，直接在这里说。")
ECHO = "python-telegram-bot's echo, its defaults"


@dataclass(frozen=True, slots=True)
class Run:
    """What a bot did with so many messages: seconds until the last was answered, and of processor time in the bot's process."""

    messages: int
    seconds: float
    busy: float

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.messages / self.seconds


async def echo(url: str, messages: int, side_by_side: bool) -> Run:
    """The reference: python-telegram-bot's Application with one handler that repeats what it hears, everything else at its default."""
    from telegram.ext import Application, MessageHandler, filters

    done, heard = asyncio.Event(), 0

    async def repeat(update, context) -> None:  # type: ignore[no-untyped-def]
        nonlocal heard
        await update.message.reply_text(update.message.text)
        heard += 1
        if heard == messages:
            done.set()

    application = Application.builder().token(TOKEN).base_url(f"{url}/bot").concurrent_updates(side_by_side).build()
    application.add_handler(MessageHandler(filters.TEXT, repeat))
    async with application:
        await application.start()
        began, busy = time.perf_counter(), time.process_time()
        assert application.updater
        await application.updater.start_polling()
        await done.wait()
        run = Run(messages, time.perf_counter() - began, time.process_time() - busy)
        await application.updater.stop()
        await application.stop()
    return run


async def ours(url: str, plan: Plan, place: Place, full: bool = True, worker: int = 0, start: float = 0.0) -> Run:
    """The whole program: its turns on this store (an echo in the place of its answers where it isn't `full`), its sender, its channel, and its
    web server where updates are posted."""
    from handlers.drawing import Apart, Drawing
    from handlers.telegram import Telegram
    from handlers.web import Server, create_app
    from knowledge import claims, loader

    library, apart = Library(loader.load()), Apart()
    claims.warm()
    gc.freeze()
    async with opened(place) as store:
        turns, heard, messages = (Turns if full else Echo)(store, library), 0, plan.share(worker)
        channel = Telegram(turns, TOKEN, Drawing(library, apart).png, base_url=url, secret=SECRET, long_poll=1)
        everything = asyncio.Event()

        def observe(_: Seconds) -> None:
            nonlocal heard
            heard += 1
            if heard == messages:
                everything.set()

        turns.observe = observe
        jobs: list[Awaitable[None]] = [Sender(turns, {"telegram": channel.deliver}).run()]
        server: Server | None = None
        await asyncio.sleep(max(0.0, start - time.time()))
        if plan.webhooks:
            listener = socket.socket()
            listener.bind(("127.0.0.1", 0))
            listener.listen(2048)
            server = Server.of(create_app(turns, allowed_hosts=["127.0.0.1"], webhooks={"/telegram": channel.receive}))
            jobs += [server.serve(sockets=[listener]), channel.set_webhook(f"http://127.0.0.1:{listener.getsockname()[1]}/telegram?{worker}", SECRET)]
        else:
            jobs.append(channel.run_polling())
        began, busy = time.perf_counter(), time.process_time()
        tasks = [asyncio.ensure_future(job) for job in jobs]
        await everything.wait()
        while (await store.figures()).waiting:  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(0.02)
        run = Run(messages, time.perf_counter() - began, time.process_time() - busy)
        if server:
            server.should_exit = True
            await tasks[1]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await channel.close()
        apart.close()
    return run


async def drained(url: str, rows: int, place: Place) -> Run:
    """A full outbox: so many notices for as many chats, delivered and marked."""
    from handlers.telegram import Telegram

    async with opened(place) as store:
        turns, now = Turns(store), datetime.now(LOCAL)
        channel = Telegram(turns, TOKEN, base_url=url)
        people = [Address("telegram", f"{n}", f"{n}") for n in range(1, rows + 1)]
        for first in range(0, rows, 100):
            some = people[first : first + 100]
            await store.commit(Commit(some[0], now, notices=tuple(Notice(person, NOTICE.to_json()) for person in some)))
        began, busy = time.perf_counter(), time.process_time()
        sender = asyncio.create_task(Sender(turns, {"telegram": channel.deliver}).run())
        while (await store.figures()).waiting:  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(0.01)
        run = Run(rows, time.perf_counter() - began, time.process_time() - busy)
        sender.cancel()
        await asyncio.gather(sender, return_exceptions=True)
        await channel.close()
    return run


async def sent(url: str, rows: int, client: str) -> Run:
    """The reference: as many messages by the library alone, a hundred side by side, over one of the two HTTP clients; nothing is stored."""
    from telegram import Bot
    from telegram.request import HTTPXRequest

    from handlers.telegram_http import BotApiClient

    request = BotApiClient(url, 100, pool=30) if client == "aiohttp" else HTTPXRequest(100, pool_timeout=30)
    bot, left = Bot(TOKEN, f"{url}/bot", request=request), iter(range(rows))
    began, busy = time.perf_counter(), time.process_time()

    async def some() -> None:
        for number in left:
            await bot.send_message(number, NOTICE.text)

    await asyncio.gather(*(some() for _ in range(100)))
    run = Run(rows, time.perf_counter() - began, time.process_time() - busy)
    await request.shutdown()
    return run


def alone(work: Callable[..., Awaitable[Run]], *given: tuple[object, ...], swift: bool = True) -> Run:
    """Run it in a process of its own for each set of arguments; `swift`: on uvloop, as the program does and a plain bot doesn't."""
    with ProcessPoolExecutor(len(given), mp_context=get_context("spawn")) as pool:
        runs = list(pool.map(_alone, [work] * len(given), given, [swift] * len(given)))
    return Run(sum(r.messages for r in runs), max(r.seconds for r in runs), sum(r.busy for r in runs))


def _alone(work: Callable[..., Awaitable[Run]], arguments: tuple[object, ...], swift: bool) -> Run:
    os.environ["NO_PROXY"] = "127.0.0.1"
    warnings.simplefilter("ignore")

    async def body() -> Run:
        return await work(*arguments)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop if swift else None) as runner:
        return runner.run(body())


def echoed(plan: Plan, side_by_side: bool) -> Run:
    """The reference with these messages."""
    with bot_api(plan) as url:
        return alone(echo, (url, plan.messages, side_by_side), swift=False)


def answered(plan: Plan, place: Place, full: bool = True) -> Run:
    """Our program with these messages, on a store that is new; as many workers as there are webhooks."""
    workers = max(1, plan.webhooks)
    with bot_api(plan) as url:
        start = time.time() + 6 if workers > 1 else 0.0
        return alone(ours, *((url, plan, place, full, worker, start) for worker in range(workers)))


def table(messages: int, rounds: int = ROUNDS) -> Table:
    """Each way to run the bots, without and with a round trip; each round runs all of them once."""
    found: dict[tuple[str, float], list[Run]] = {}
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        new = (Path(folder) / f"{number}.db" for number in count())
        database: str | None = None
        with contextlib.suppress(SkippedError):
            database = stack.enter_context(postgres())
        for _ in range(rounds):
            for trip in (0.0, ROUND_TRIP):
                plan = Plan(TALKS, messages, round_trip=trip)
                # One after the other, a bot alone with a round trip does 20 a second: fewer messages say as much.
                few = replace(plan, messages=messages // 10) if trip else plan
                hooked = replace(plan, webhooks=1)
                for way, run in (
                    (ECHO, echoed(few, False)),
                    ("the echo bot, concurrent_updates=True", echoed(plan, True)),
                    ("园企通, SQLite, long polling", answered(plan, next(new))),
                    ("园企通, SQLite, webhook", answered(hooked, next(new))),
                    ("the same, an echo instead of its answers", answered(hooked, next(new), full=False)),
                ):
                    found.setdefault((way, trip), []).append(run)
        if database:  # one round, for its tables are new once
            many = Plan(TALKS, messages, round_trip=ROUND_TRIP, webhooks=2)
            found["园企通, PostgreSQL, 2 workers, webhook", ROUND_TRIP] = [answered(many, database)]
    rows = []
    for (way, trip), runs in found.items():
        rate = statistics.median(r.rate for r in runs)
        reference = statistics.median(r.rate for r in found[ECHO, trip])
        busy = statistics.median(r.busy / r.messages for r in runs)
        rows.append((way, f"{trip * 1000:.0f}", f"{rate:.0f}", f"{rate / reference:.2f}", f"{busy * 1000:.2f}"))
    head = ("bot", "round trip ms", "turns/s", "of the echo", "CPU ms a turn")
    notes = (
        f"{messages} messages of guided talks in {Plan(TALKS, 1).chats} chats side by side, all waiting at the start; median of {rounds} rounds",
        f"the Bot API server and the bot share {os.cpu_count()} cores",
    )
    return Table("Turns a second through Telegram", head, tuple(rows), notes)


def outbox(rows: int, rounds: int = ROUNDS) -> Table:
    """How fast a full outbox is delivered, beside sending alone."""
    found: dict[tuple[str, float], list[Run]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            for trip in (0.0, ROUND_TRIP):
                ways: dict[str, tuple[Callable[..., Awaitable[Run]], object]] = {
                    "园企通, SQLite: sent and marked": (drained, Path(folder) / f"{number}-{trip}.db"),
                    "send_message alone, our HTTP client": (sent, "aiohttp"),
                    "send_message alone, its own HTTP client": (sent, "httpx"),
                }
                for way, (work, given) in ways.items():
                    with bot_api(Plan(TALKS, 0, round_trip=trip)) as url:
                        found.setdefault((way, trip), []).append(alone(work, (url, rows, given)))
    shown = [
        (way, f"{trip * 1000:.0f}", f"{statistics.median(r.rate for r in runs):.0f}", f"{1000 * statistics.median(r.busy / rows for r in runs):.2f}")
        for (way, trip), runs in found.items()
    ]
    notes = (f"{rows} messages, each to another chat; median of {rounds} rounds; all on uvloop",)
    return Table("A full outbox", ("way", "round trip ms", "messages/s", "CPU ms a message"), tuple(shown), notes)


def main(arguments: Sequence[str] = ()) -> None:
    """Print the table."""
    try:
        messages = int(arguments[0]) if arguments else MESSAGES
        print(table(messages).text(), outbox(messages).text(), sep="\n\n")
    except SkippedError as reason:
        print(f"skipped, {reason}")


if __name__ == "__main__":
    main(sys.argv[1:])
