"""A small discrete-event simulation of workers on one PostgreSQL: event loops, cores, connections, the network, the database, its disk."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush

Resume = Callable[[], None]
Step = Callable[[Resume], None]
"""Something that takes its time and then calls whoever waits for it."""
TOLD_AT_ONCE = 20
"""Addresses in one notification (storage/postgres_together.py)."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What a turn costs, in seconds and round trips, as measured. `answers`: seconds of Python for the answers, from which is drawn."""

    answers: Sequence[float]
    python: float
    """Python for each round trip: the driver, the pool, the event loop."""
    database: float
    """The database's processor for each round trip."""
    sync: float
    """One commit to disk."""
    load: int
    commit: int
    tell: int
    """Round trips of each part; a notification's are beside the turn."""


@dataclass(frozen=True, slots=True)
class Plant:
    """What it runs on. With `database_cores` 0 the database shares the cores of the one machine. `away`: seconds to the database and back."""

    workers: int
    machines: int
    cores: int
    database_cores: int
    away: float = 0.0
    speed: float = 1.0
    """How much of the cores is ours."""
    connections: int = 8
    reads: float = 0.0
    """Other reads a second (pages that look for news, transcripts), each two round trips."""
    replica: bool = False
    """Those reads go to a copy of the database."""


@dataclass(slots=True)
class Seen:
    """What came out of a run."""

    seconds: float = 0.0
    times: list[float] = field(default_factory=list)
    arrived: int = 0
    database_busy: float = 0.0
    loops_busy: float = 0.0
    syncs: int = 0
    waiting: dict[str, float] = field(default_factory=dict)
    """How many wait on average: for a worker's loop, a connection, the database."""

    @property
    def rate(self) -> float:
        """Turns a second."""
        return len(self.times) / self.seconds


class Clock:
    """What happens when."""

    def __init__(self) -> None:
        self.now, self._number = 0.0, 0
        self._queue: list[tuple[float, int, Resume]] = []

    def after(self, seconds: float, call: Resume) -> None:
        """Call something later."""
        self._number += 1
        heappush(self._queue, (self.now + seconds, self._number, call))

    def pause(self, seconds: float) -> Step:
        """Let time go by."""
        return lambda resume: self.after(seconds, resume)

    def start(self, process: Iterator[Step]) -> None:
        """Run a process: each step it yields is waited for."""

        def go() -> None:
            if (step := next(process, None)) is not None:
                step(go)

        go()

    def run(self, until: float) -> None:
        """Let everything happen until then."""
        while self._queue and self._queue[0][0] <= until:
            self.now, _, call = heappop(self._queue)
            call()


class Tokens:
    """So many that are to be had; who comes when there are none waits in line."""

    def __init__(self, clock: Clock, count: int) -> None:
        self._clock, self._free = clock, count
        self._line: deque[tuple[float, Resume]] = deque()
        self.waited = 0.0

    def take(self, resume: Resume) -> None:
        """A step: have one."""
        if self._free:
            self._free -= 1
            resume()
        else:
            self._line.append((self._clock.now, resume))

    def give(self) -> None:
        """Give it back."""
        if self._line:
            since, resume = self._line.popleft()
            self.waited += self._clock.now - since
            resume()
        else:
            self._free += 1


class Cores:
    """Processors that do one thing after the other."""

    def __init__(self, clock: Clock, count: int, speed: float) -> None:
        self._clock, self._speed = clock, speed
        self.tokens = Tokens(clock, count)
        self.busy = 0.0

    def work(self, seconds: float) -> Iterator[Step]:
        """Work for so long."""
        yield self.tokens.take
        self.busy += seconds / self._speed
        yield self._clock.pause(seconds / self._speed)
        self.tokens.give()


class Disk:
    """Syncs one after the other; whoever commits meanwhile shares the next."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock, self._seconds = clock, seconds
        self._line: list[Resume] = []
        self._under_way = False
        self.syncs = 0

    def sync(self, resume: Resume) -> None:
        """A step: be on disk."""
        self._line.append(resume)
        if not self._under_way:
            self._next()

    def _next(self) -> None:
        group, self._line, self._under_way = self._line, [], True
        self.syncs += 1

        def done() -> None:
            self._under_way = False
            if self._line:
                self._next()
            for resume in group:
                resume()

        self._clock.after(self._seconds, done)


class Database:
    """Its processors and its disk."""

    def __init__(self, clock: Clock, cores: Cores, costs: Costs, away: float) -> None:
        self.clock, self.cores, self.costs, self.away = clock, cores, costs, away
        self.disk = Disk(clock, costs.sync)

    def asked(self, sync: bool = False) -> Iterator[Step]:
        """One round trip."""
        if self.away:
            yield self.clock.pause(self.away)
        yield from self.cores.work(self.costs.database)
        if sync:
            yield self.disk.sync


class Worker:
    """One process: an event loop that does one thing at a time, and its connections."""

    def __init__(self, clock: Clock, cores: Cores, database: Database, connections: int, rng: random.Random) -> None:
        self._clock, self._cores, self._database, self._rng = clock, cores, database, rng
        self.loop, self.pool = Tokens(clock, 1), Tokens(clock, connections)
        self._news, self._telling = 0, False

    def _python(self, seconds: float) -> Iterator[Step]:
        yield self.loop.take
        yield from self._cores.work(seconds)
        self.loop.give()

    def _trips(self, count: int, sync: bool) -> Iterator[Step]:
        yield self.pool.take
        for number in range(count):
            yield from self._python(self._database.costs.python)
            yield from self._database.asked(sync and number == count - 1)
        self.pool.give()

    def turn(self, done: Callable[[float], None]) -> Iterator[Step]:
        """Load, answer, commit; tell the others beside it."""
        began, costs = self._clock.now, self._database.costs
        yield from self._trips(costs.load, sync=False)
        yield from self._python(self._rng.choice(costs.answers))
        yield from self._trips(costs.commit, sync=True)
        done(self._clock.now - began)
        self._news += 1
        if costs.tell and not self._telling:
            self._telling = True
            self._clock.start(self._tell())

    def _tell(self) -> Iterator[Step]:
        while self._news:
            self._news -= min(self._news, TOLD_AT_ONCE)
            yield from self._trips(self._database.costs.tell, sync=True)
        self._telling = False


def simulate(
    plant: Plant, costs: Costs, seconds: float, *, chats: int = 0, rate: Callable[[float], float] | None = None, peak: float = 0.0, seed: int = 1
) -> Seen:
    """Run it for so many simulated seconds, after a tenth of that to warm up.

    `chats`: so many talk without a pause in each worker. `rate`: turns that arrive a second at a time, `peak` at most; any worker takes any.
    """
    rng, clock, seen = random.Random(seed), Clock(), Seen(seconds)
    machines = [Cores(clock, plant.cores, plant.speed) for _ in range(plant.machines)]
    own = Cores(clock, plant.database_cores, plant.speed) if plant.database_cores else machines[0]
    database = Database(clock, own, costs, plant.away)
    read = Database(clock, Cores(clock, plant.database_cores, plant.speed), costs, plant.away) if plant.replica else database
    workers = [Worker(clock, machines[n % plant.machines], database, plant.connections, rng) for n in range(plant.workers)]
    warm = seconds / 10

    def done(took: float) -> None:
        if clock.now > warm:
            seen.times.append(took)

    def chat(worker: Worker) -> Iterator[Step]:
        while True:
            yield from worker.turn(done)

    def arrivals() -> Iterator[Step]:
        assert rate is not None
        while True:
            yield clock.pause(rng.expovariate(peak))
            if rng.random() < rate(clock.now) / peak:  # a Poisson process whose rate changes, by thinning
                seen.arrived += clock.now > warm
                clock.start(rng.choice(workers).turn(done))

    def reads() -> Iterator[Step]:
        while True:
            yield clock.pause(rng.expovariate(plant.reads))
            clock.start(one_read())

    def one_read() -> Iterator[Step]:
        yield from read.asked()
        yield from read.asked()

    for worker in workers:
        for _ in range(chats):
            clock.start(chat(worker))
    if rate:
        clock.start(arrivals())
    if plant.reads:
        clock.start(reads())
    clock.run(warm)
    before = own.busy, sum(m.busy for m in machines), database.disk.syncs
    waits = {"loop": [w.loop for w in workers], "connection": [w.pool for w in workers], "database": [own.tokens]}
    waited = {name: sum(t.waited for t in tokens) for name, tokens in waits.items()}
    clock.run(warm + seconds)
    seen.database_busy = (own.busy - before[0]) / seconds
    seen.loops_busy = (sum(m.busy for m in machines) - before[1]) / seconds / plant.workers
    seen.syncs = database.disk.syncs - before[2]
    seen.waiting = {name: (sum(t.waited for t in tokens) - waited[name]) / seconds for name, tokens in waits.items()}
    return seen
