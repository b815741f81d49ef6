"""The store for several workers: PostgreSQL through psycopg's pool. Plain SQL that databases with its protocol have as well."""

from __future__ import annotations

import functools
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, Self

from psycopg import AsyncConnection, errors
from psycopg_pool import AsyncConnectionPool

from storage.contract import (
    FAR,
    GIVEN_UP,
    Address,
    Commit,
    Committed,
    Conflict,
    Conversation,
    Figures,
    Json,
    Kept,
    Limit,
    OutboxItem,
    Parked,
    Publication,
    Reduction,
    Request,
    Seen,
    Snapshot,
    StoreError,
    Unanswered,
    Update,
)
from storage.memory import encode, in_order, utc
from storage.outbox import readable, up_to_due
from storage.postgres_commit import SENT, RacedError, StaleError, seen_before, write
from storage.postgres_personal import outdated, personal, purge
from storage.postgres_rows import MESSAGE as _MESSAGE
from storage.postgres_rows import PARKED as _PARKED
from storage.postgres_rows import REQUEST as _REQUEST
from storage.postgres_rows import Connection, Reader, Row, T, body_of, configure, explained, place_in, rows
from storage.postgres_schema import migrate
from storage.postgres_sealing import check_keys, resealed
from storage.postgres_together import IDLE, Together, taken
from storage.retention import KEPT_VERSIONS
from storage.sealing import PLAIN, Sealing

_who = attrgetter("channel", "chat", "person")

_MINE = "m.channel = %s and m.chat = %s and m.person = %s"
# Whoever has the first waiting item of a chat has the chat: what comes after it is claimed with it. Claims go by the database's clock, so that
# workers whose clocks differ do not take each other's; a claim or due time that is too far away was set by a clock that was wrong.
_CLAIM = """
with heads as (
    select id, channel, chat from messages m
    where state = 'waiting' and channel = any(%(channels)s)
        and not coalesce(due > %(now)s and due <= %(far)s, false)
        and not coalesce(held > clock_timestamp() and held <= clock_timestamp() + %(lease)s, false)
        and not exists (select from messages e where e.state = 'waiting' and e.channel = m.channel and e.chat = m.chat and (e.id < m.id
            or coalesce(e.held > clock_timestamp() and e.held <= clock_timestamp() + %(lease)s, false)))
        and (channel, chat) not in (select * from unnest(%(besides_channels)s::text[], %(besides_chats)s::text[]))
    order by id limit %(limit)s for update skip locked)
update messages m set held = clock_timestamp() + %(lease)s from heads h where m.channel = h.channel and m.chat = h.chat and m.state = 'waiting'
returning m.id, m.channel, m.chat, m.person, m.body, m.at, m.request, m.state, m.attempts, m.due, m.error"""

# A machine that is gone says nothing: noticed after as many seconds as a process that stands still.
_LOST = {"keepalives_idle": IDLE // 2, "keepalives_interval": IDLE // 4, "keepalives_count": 2, "tcp_user_timeout": IDLE * 1000}


_MEETINGS = 10
"""How often a transaction is tried that meets others."""


class PostgresStore:
    """The contract on a database. Get it from `PostgresStore.open`. Any number of processes may share one."""

    shared = True

    def __init__(
        self, name: str, pool: AsyncConnectionPool[Connection], connect: Callable[[], Awaitable[Connection]], sealing: Sealing = PLAIN
    ) -> None:
        self._name, self._pool = name, pool
        self._sealing, self._read = sealing, Reader(sealing)
        self._together = Together(connect, self._run)

    @classmethod
    async def open(cls, url: str, wait: float = 5.0, connections: int = 8, sealing: Sealing = PLAIN) -> Self:
        """The store in this database (`postgresql://…`), its tables made when missing; StoreError when it can't be had.

        `wait`: seconds to wait for a connection and for locks; `connections`: how many at most; `sealing`: what is written can be read with these
        keys only.
        """
        place, name = place_in(url)
        milliseconds = int(wait * 1000)
        ours = f"-c lock_timeout={milliseconds} -c idle_in_transaction_session_timeout={IDLE}s"
        options = f"{ours} {place.get('options') or ''} -c timezone=UTC -c default_transaction_isolation=read\\ committed"  # of two, the later counts
        how: dict[str, Any] = {"autocommit": True, "connect_timeout": max(2, int(wait)), "options": options} | _LOST
        pool = AsyncConnectionPool(
            url,
            min_size=1,
            max_size=connections,
            open=False,
            timeout=wait,
            reconnect_timeout=1.0,  # then whoever asks for a connection begins anew; its pauses grow, and a database that is back would wait for them
            kwargs=how,
            configure=configure,
            check=AsyncConnectionPool.check_connection,
            name="yuanqitong",
        )
        connect = functools.partial(AsyncConnection.connect, url, **how)
        store = cls(name, pool, connect, sealing)
        try:
            with explained(name):
                async with await connect() as connection:
                    await migrate(connection, name)  # a pool would try again and again, and never say why
                    await check_keys(connection, sealing, name)
                await pool.open(wait=True, timeout=wait)
        except BaseException:
            await pool.close()
            raise
        return store

    async def close(self) -> None:
        """Finish what is under way and let go of the connections."""
        await self._together.close()
        await self._pool.close()

    async def load(self, address: Address, update_id: str | None = None) -> Snapshot:
        """What a turn of this person needs, in one read transaction."""
        who = _who(address)
        async with self.transaction() as db:
            await db.execute("set transaction isolation level repeatable read, read only")
            if update_id is not None and (seen := await seen_before(db, self._sealing, address, update_id)):
                return Snapshot(Conversation(address), seen=seen.result)
            found = await rows(db, tuple, f"select body, revision from conversations m where {_MINE}", who)
            requests = await rows(db, self._read.request, f"{_REQUEST} where {_MINE} order by created, counter", who)
            waiting = await rows(db, self._read.item, f"{_MESSAGE} where {_MINE} and state = 'waiting' and direction = 'notice' order by id", who)
        conversation = Conversation(address, self._sealing.get(found[0][0], "conversations", *who), found[0][1]) if found else Conversation(address)
        return Snapshot(conversation, tuple(requests), tuple(waiting))

    async def personal(self, address: Address) -> Json:
        """Everything that is kept about a person, in one read transaction."""
        async with self.transaction() as db:
            await db.execute("set transaction isolation level repeatable read, read only")
            return await personal(db, self._sealing, address)

    async def purge(self, what: Kept, before: datetime, reduction: Reduction, limit: int = 500) -> int:
        """Let go of some of what is older than `before`."""
        while True:
            try:
                async with self.transaction() as db:
                    return await purge(db, self._sealing, what, before, reduction, limit)
            except (errors.DeadlockDetected, errors.SerializationFailure):
                continue

    async def outdated(self, what: Kept, before: datetime, reduction: Reduction) -> int:
        """How many `purge` would let go of."""
        async with self._connection() as db:
            return await outdated(db, what, before, reduction)

    async def commit(self, commit: Commit) -> Committed | Seen | Conflict:
        """Store a turn in one transaction."""
        while True:
            try:
                async with self.transaction() as db:
                    if commit.update_id is not None and (seen := await seen_before(db, self._sealing, commit.address, commit.update_id)):
                        return seen
                    done = await write(db, self._sealing, commit)
                self._together.tell({commit.address, *(n.address for n in commit.notices)})
                return done
            except (StaleError, errors.DeadlockDetected, errors.SerializationFailure):
                return Conflict()
            except RacedError:
                continue

    async def requests(self, states: Sequence[str] = (), limit: int = 100, offset: int = 0) -> list[Request]:
        """Requests, newest first."""
        chosen = "where state = any(%(states)s)" if states else ""
        sql = f"{_REQUEST} {chosen} order by created desc, counter desc limit %(limit)s offset %(offset)s"
        return await self._rows(self._read.request, sql, {"states": [*states], "limit": limit, "offset": offset})

    async def request(self, number: str) -> Request | None:
        """One request by its number."""
        return next(iter(await self._rows(self._read.request, f"{_REQUEST} where number = %s", (number,))), None)

    async def transcript(self, address: Address, limit: int = 200) -> list[Update | OutboxItem]:
        """The last messages in both directions, oldest first."""
        return (await self._rows(self._read.line, f"{_MESSAGE} where {_MINE} order by id desc limit %s", (*_who(address), limit)))[::-1]

    async def after(self, address: Address, event: int, limit: int = 100) -> list[OutboxItem]:
        """Replies and notices above `event`."""
        sql = f"{_MESSAGE} where {_MINE} and id > %s and direction <> 'in' order by id limit %s"
        return await self._rows(self._read.item, sql, (*_who(address), event, limit))

    async def claim(
        self, channels: Sequence[str], now: datetime, lease: timedelta, limit: int = 100, besides: Collection[tuple[str, str]] = ()
    ) -> list[OutboxItem]:
        """What is due, for this process to deliver; the first of a chat is what processes vie for."""
        values = {"channels": [*channels], "now": utc(now), "far": utc(now) + FAR, "lease": lease, "limit": limit}
        values |= {"besides_channels": [channel for channel, _ in besides], "besides_chats": [chat for _, chat in besides]}
        claimed, broken = readable(sorted(await self._rows(tuple, _CLAIM, values)), self._read.item)
        for number in broken:
            await self.fail(number, "unreadable", "parked")
        ready = up_to_due(claimed, utc(now))
        if len(ready) < len(claimed):
            await self.release([item.id for item in claimed if item not in ready])
        return ready

    async def release(self, items: Sequence[int]) -> None:
        """Let go of claimed items that were not tried."""
        await self._run("update messages set held = null where id = any(%s) and state = 'waiting'", ([*items],))

    async def undelivered(self, limit: int = 100) -> list[OutboxItem]:
        """What was given up, newest first."""
        return readable(await self._rows(tuple, f"{_MESSAGE} where m.state in {GIVEN_UP} order by m.id desc limit %s", (limit,)), self._read.item)[0]

    async def waiting(self, channel: str, before: datetime, limit: int = 100) -> list[OutboxItem]:
        """What still waits for delivery, oldest first."""
        sql = f"{_MESSAGE} where m.state = 'waiting' and m.channel = %s and m.at < %s order by m.id limit %s"
        return await self._rows(self._read.item, sql, (channel, utc(before), limit))

    async def park(self, parked: Parked) -> None:
        """Keep what could not be handled."""
        body = self._sealing.put(parked.body, "parked", parked.address.channel, parked.update_id)
        sql = "insert into parked (channel, chat, person, update_id, body, error, at) values (%s, %s, %s, %s, %s, %s, %s) on conflict do nothing"
        await self._run(sql, (*_who(parked.address), parked.update_id, body, parked.error, utc(parked.at)))

    async def parked(self, limit: int = 100) -> list[Parked]:
        """What could not be handled, newest first."""
        return await self._rows(self._read.parked, f"{_PARKED} order by id desc limit %s", (limit,))

    async def take(self, limits: Sequence[Limit], now: datetime) -> float:
        """Take a token from each bucket, or say how long to wait."""

        async def take() -> float:
            async with self.transaction() as db:
                return await taken(db, limits, utc(now))

        return await self._again(take)

    async def sent(self, item: int) -> None:
        """Mark an outbox item as delivered, whatever was thought of it before."""
        await self._run(SENT, (item,))

    async def postpone(self, item: int, due: datetime, error: str) -> None:
        """Note a failed attempt; an item that is no longer waiting stays as it is. What follows it in its chat is held no longer than it."""
        sql = """update messages m set attempts = m.attempts + (m.id = x.id)::int, held = null,
            due = case when m.id = x.id then %s else m.due end, error = case when m.id = x.id then %s else m.error end
        from messages x where x.id = %s and x.state = 'waiting' and m.channel = x.channel and m.chat = x.chat and m.state = 'waiting'"""
        await self._run(sql, (utc(due), error, item))

    async def fail(self, item: int, error: str, state: str = "failed") -> None:
        """Give an item up; one that is no longer waiting stays as it is."""
        sql = "update messages set attempts = attempts + 1, due = null, error = %s, state = %s where id = %s and state = 'waiting'"
        await self._run(sql, (error, state, item))

    async def unanswered(self, limit: int = 100) -> list[Unanswered]:
        """Messages without an answer, most frequent first; of equally frequent ones the latest."""
        sql = 'select text, count, last, digest from unanswered order by count desc, last desc, text collate "C" limit %s'
        found = await self._rows(lambda row: Unanswered(self._sealing.open(row[0], "unanswered", row[3]), *row[1:3]), sql, (limit,))
        return in_order(found)

    async def prechecks(self, limit: int = 1000) -> list[Json]:
        """Finished pre-checks without the person, newest first."""
        return await self._rows(body_of, "select body from prechecks order by id desc limit %s", (limit,))

    async def ratings(self, limit: int = 1000) -> list[Json]:
        """How helpful finished pieces of work were, newest first."""
        return await self._rows(body_of, "select body from ratings order by id desc limit %s", (limit,))

    async def report(self, key: str, now: datetime) -> Json | None:
        """The page that is kept under a key."""
        sql = "select body from reports where key = %s and expires > %s"
        return next(iter(await self._rows(lambda row: self._sealing.get(row[0], "reports", key), sql, (key, utc(now)))), None)

    async def publish(self, publication: Publication) -> None:
        """Keep a knowledge base that came into use."""
        files = encode(publication.files)
        async with self.transaction() as db:
            await db.execute("lock table published in share row exclusive mode")  # of two workers that saw the same change, one keeps it
            last = await rows(db, tuple, "select version from published order by id desc limit 1")
            if last and last[0][0] == publication.version:
                return
            await db.execute("insert into published (version, at, files) values (%s, %s, %s)", (publication.version, utc(publication.at), files))
            oldest = "select id from published order by id desc offset %s"
            await db.execute(f"delete from published where id in ({oldest})", (KEPT_VERSIONS,))

    async def in_use(self) -> str | None:
        """The version that was published last."""
        return next(iter(await self._rows(lambda row: str(row[0]), "select version from published order by id desc limit 1", ())), None)

    async def published(self, limit: int = 20, version: str | None = None) -> list[Publication]:
        """The knowledge bases that were in use, newest first; with `version`, only those of that version."""
        chosen = "where version = %(version)s" if version is not None else ""
        sql = f"select version, at, files from published {chosen} order by id desc limit %(limit)s"
        return await self._rows(lambda row: Publication(row[0], row[1], json.loads(row[2])), sql, {"version": version, "limit": limit})

    async def resealed(self, limit: int = 200) -> AsyncIterator[int]:
        """Put everything under the key that seals, in small steps; how many rows each step changed."""
        async for changed in resealed(self.transaction, self._sealing, limit):
            yield changed

    async def figures(self) -> Figures:
        """How the store stands."""
        waiting = await self._rows(tuple, "select channel, count(*), min(at) from messages where state = 'waiting' group by channel", ())
        states = await self._rows(tuple, "select state, count(*), min(created) from requests group by state", ())
        counted = [({name: n for name, n, _ in found}, {name: at for name, _, at in found}) for found in (waiting, states)]
        given_up = await self._rows(tuple, f"select state, count(*) from messages where state in {GIVEN_UP} group by state", ())
        ((parked,),) = await self._rows(tuple, "select count(*) from parked", ())
        return Figures(*counted[0], *counted[1], dict(given_up), parked)

    async def lead(self, what: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do work that one process at a time may do."""
        await self._together.lead(what, work)

    async def listen(self, ring: Callable[[Address], None]) -> None:
        """Ring for each person for whom another process stores something, until cancelled."""
        await self._together.listen(ring)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        with explained(self._name):
            async with self._pool.connection() as connection:
                yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A connection within a transaction."""
        async with self._connection() as connection, connection.transaction():
            yield connection

    async def _again(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do what is one transaction, once more where it met another's in a way that the database cannot put in order."""
        for _ in range(_MEETINGS):
            with suppress(errors.DeadlockDetected, errors.SerializationFailure):
                return await work()
        raise StoreError(f"数据库 {self._name}：同时在改的太多，没有做成。稍后会再试；一直这样，就减少进程。")

    async def _run(self, sql: str, values: Sequence[Any] | dict[str, Any]) -> None:
        async def run() -> None:
            async with self._connection() as connection:
                await connection.execute(sql, values)

        await self._again(run)

    async def _rows(self, shape: Callable[[Row], T], sql: str, values: Sequence[Any] | dict[str, Any]) -> list[T]:
        async def read() -> list[T]:
            async with self._connection() as connection:
                return await rows(connection, shape, sql, values)

        return await self._again(read)
