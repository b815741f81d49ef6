"""The store for several workers: PostgreSQL through psycopg's pool. Plain SQL that databases with its protocol have as well."""

from __future__ import annotations

import functools
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from operator import attrgetter
from typing import Any, Self

import psycopg
from psycopg import AsyncConnection, errors
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import AsyncConnectionPool

from storage.contract import (
    KEPT_VERSIONS,
    Address,
    Commit,
    Committed,
    Conflict,
    Conversation,
    Figures,
    Json,
    Kept,
    OutboxItem,
    Publication,
    Reduction,
    Request,
    Seen,
    Snapshot,
    StoreError,
    Unanswered,
    Update,
)
from storage.memory import encode, utc
from storage.postgres_commit import SENT, RacedError, StaleError, seen_before, write
from storage.postgres_personal import outdated, personal, purge
from storage.postgres_rows import MESSAGE as _MESSAGE
from storage.postgres_rows import REQUEST as _REQUEST
from storage.postgres_rows import Connection, Row, T, body_of, configure, explained, item_of, line_of, request_of, rows
from storage.postgres_schema import migrate
from storage.postgres_together import Together

_who = attrgetter("channel", "chat", "person")

_MINE = "m.channel = %s and m.chat = %s and m.person = %s"
# A chat is held back from its first item that is not yet due.
_DUE = f"""
with held as (select channel, chat, min(id) as first from messages where state = 'waiting' and due > %(now)s group by channel, chat)
{_MESSAGE} left join held h on h.channel = m.channel and h.chat = m.chat
where m.state = 'waiting' and m.channel = any(%(channels)s) and (h.first is null or m.id < h.first)
order by m.id limit %(limit)s"""

# Whoever has the first waiting item of a chat has the chat: what comes after it is claimed with it.
_CLAIM = """
with heads as (
    select id, channel, chat from messages m
    where state = 'waiting' and channel = any(%(channels)s)
        and coalesce(due, '-infinity') <= %(now)s and coalesce(held, '-infinity') <= %(now)s
        and not exists (select from messages e where e.state = 'waiting' and e.channel = m.channel and e.chat = m.chat and e.id < m.id)
    order by id limit %(limit)s for update skip locked)
update messages m set held = %(until)s from heads h where m.channel = h.channel and m.chat = h.chat and m.state = 'waiting'
returning m.id, m.channel, m.chat, m.person, m.body, m.at, m.request, m.state, m.attempts, m.due, m.error"""


class PostgresStore:
    """The contract on a database. Get it from `PostgresStore.open`. Any number of processes may share one."""

    shared = True

    def __init__(self, name: str, pool: AsyncConnectionPool[Connection], connect: Callable[[], Awaitable[Connection]]) -> None:
        self._name, self._pool = name, pool
        self._together = Together(connect, self._run)

    @classmethod
    async def open(cls, url: str, wait: float = 5.0, connections: int = 8) -> Self:
        """The store in this database (`postgresql://…`), its tables made when missing; StoreError when it can't be had.

        `wait`: seconds to wait for a connection and for locks; `connections`: how many at most.
        """
        try:
            place = conninfo_to_dict(url)
            if "@" in str(place.get("host")):  # a sign of the password was taken for the end of it
                raise psycopg.ProgrammingError("@")
        except psycopg.ProgrammingError:
            how_to = "写成 postgresql://用户:密码@主机:5432/库名，密码里的 @ : / ? # 要按网址转义（@ 写 %40）"
            raise StoreError(f"DATABASE_URL 的写法不对。{how_to}。") from None  # what is wrong with it may hold the password
        name = f"{place.get('host') or '本机'}/{place.get('dbname') or place.get('user') or ''}"
        milliseconds = int(wait * 1000)
        options = f"{place.get('options') or ''} -c timezone=UTC -c lock_timeout={milliseconds} -c idle_in_transaction_session_timeout=60000"
        how: dict[str, Any] = {"autocommit": True, "connect_timeout": max(2, int(wait)), "options": options}
        pool = AsyncConnectionPool(
            url,
            min_size=1,
            max_size=connections,
            open=False,
            timeout=wait,
            kwargs=how,
            configure=configure,
            check=AsyncConnectionPool.check_connection,
            name="yuanqitong",
        )
        connect = functools.partial(AsyncConnection.connect, url, **how)
        store = cls(name, pool, connect)
        try:
            with explained(name):
                async with await connect() as connection:
                    await migrate(connection, name)  # a pool would try again and again, and never say why
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
            if update_id is not None and (seen := await seen_before(db, address, update_id)):
                return Snapshot(Conversation(address), seen=seen.result)
            found = await rows(db, tuple, f"select body, revision from conversations m where {_MINE}", who)
            requests = await rows(db, request_of, f"{_REQUEST} where {_MINE} order by created, counter", who)
            waiting = await rows(db, item_of, f"{_MESSAGE} where {_MINE} and state = 'waiting' and direction = 'notice' order by id", who)
        conversation = Conversation(address, json.loads(found[0][0]), found[0][1]) if found else Conversation(address)
        return Snapshot(conversation, tuple(requests), tuple(waiting))

    async def personal(self, address: Address) -> Json:
        """Everything that is kept about a person, in one read transaction."""
        async with self.transaction() as db:
            await db.execute("set transaction isolation level repeatable read, read only")
            return await personal(db, address)

    async def purge(self, what: Kept, before: datetime, reduction: Reduction, limit: int = 500) -> int:
        """Let go of some of what is older than `before`."""
        while True:
            try:
                async with self.transaction() as db:
                    return await purge(db, what, before, reduction, limit)
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
                    if commit.update_id is not None and (seen := await seen_before(db, commit.address, commit.update_id)):
                        return seen
                    done = await write(db, commit)
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
        return await self._rows(request_of, sql, {"states": [*states], "limit": limit, "offset": offset})

    async def request(self, number: str) -> Request | None:
        """One request by its number."""
        return next(iter(await self._rows(request_of, f"{_REQUEST} where number = %s", (number,))), None)

    async def transcript(self, address: Address, limit: int = 200) -> list[Update | OutboxItem]:
        """The last messages in both directions, oldest first."""
        return (await self._rows(line_of, f"{_MESSAGE} where {_MINE} order by id desc limit %s", (*_who(address), limit)))[::-1]

    async def after(self, address: Address, event: int, limit: int = 100) -> list[OutboxItem]:
        """Replies and notices above `event`."""
        sql = f"{_MESSAGE} where {_MINE} and id > %s and direction <> 'in' order by id limit %s"
        return await self._rows(item_of, sql, (*_who(address), event, limit))

    async def due(self, channels: Sequence[str], now: datetime, limit: int = 100) -> list[OutboxItem]:
        """What can be delivered now, oldest first."""
        return await self._rows(item_of, _DUE, {"now": utc(now), "channels": [*channels], "limit": limit})

    async def claim(self, channels: Sequence[str], now: datetime, until: datetime, limit: int = 100) -> list[OutboxItem]:
        """What is due, for this process to deliver; the first of a chat is what processes vie for."""
        values = {"channels": [*channels], "now": utc(now), "until": utc(until), "limit": limit}
        try:
            return sorted(await self._rows(item_of, _CLAIM, values), key=attrgetter("id"))
        except errors.DeadlockDetected:  # with somebody whose messages are just erased, in a group
            return []

    async def sent(self, item: int) -> None:
        """Mark an outbox item as delivered, whatever was thought of it before."""
        await self._run(SENT, (item,))

    async def postpone(self, item: int, due: datetime, error: str) -> None:
        """Note a failed attempt; an item that is no longer waiting stays as it is."""
        sql = "update messages set attempts = attempts + 1, due = %s, error = %s, held = null where id = %s and state = 'waiting'"
        await self._run(sql, (utc(due), error, item))

    async def fail(self, item: int, error: str, state: str = "failed") -> None:
        """Give an item up; one that is no longer waiting stays as it is."""
        sql = "update messages set attempts = attempts + 1, due = null, error = %s, state = %s where id = %s and state = 'waiting'"
        await self._run(sql, (error, state, item))

    async def unanswered(self, limit: int = 100) -> list[Unanswered]:
        """Messages without an answer, most frequent first; of equally frequent ones the latest."""
        sql = 'select text, count, last from unanswered order by count desc, last desc, text collate "C" limit %s'
        return await self._rows(lambda row: Unanswered(*row), sql, (limit,))

    async def prechecks(self, limit: int = 1000) -> list[Json]:
        """Finished pre-checks without the person, newest first."""
        return await self._rows(body_of, "select body from prechecks order by id desc limit %s", (limit,))

    async def ratings(self, limit: int = 1000) -> list[Json]:
        """How helpful finished pieces of work were, newest first."""
        return await self._rows(body_of, "select body from ratings order by id desc limit %s", (limit,))

    async def report(self, key: str, now: datetime) -> Json | None:
        """The page that is kept under a key."""
        return next(iter(await self._rows(body_of, "select body from reports where key = %s and expires > %s", (key, utc(now)))), None)

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

    async def figures(self) -> Figures:
        """How the store stands."""
        ((waiting, oldest),) = await self._rows(tuple, "select count(*), min(at) from messages where state = 'waiting'", ())
        states = await self._rows(tuple, "select state, count(*) from requests group by state", ())
        return Figures(waiting, oldest, dict(states))

    async def described(self) -> str:
        """Which database this is, in words: for whoever looks whether everything is in order."""
        sql = "select current_setting('server_version'), pg_database_size(current_database()), current_setting('max_connections')"
        ((version, size, connections),) = await self._rows(tuple, sql, ())
        return f"PostgreSQL {version}，库 {self._name}（{size / 2**20:.0f} MB），最多 {connections} 个连接"

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

    async def _run(self, sql: str, values: Sequence[Any] | dict[str, Any]) -> None:
        async with self._connection() as connection:
            await connection.execute(sql, values)

    async def _rows(self, shape: Callable[[Row], T], sql: str, values: Sequence[Any] | dict[str, Any]) -> list[T]:
        async with self._connection() as connection:
            return await rows(connection, shape, sql, values)
