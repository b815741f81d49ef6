"""The store for several workers: PostgreSQL through psycopg's pool. Plain SQL that databases with its protocol have as well."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import json
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from operator import attrgetter
from typing import Any, Self, TypeVar

import psycopg
from psycopg import AsyncConnection, errors
from psycopg.abc import Buffer
from psycopg.conninfo import conninfo_to_dict
from psycopg.types.string import StrDumper, TextLoader
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from storage.contract import (
    KEPT_PRECHECKS,
    KEPT_RATINGS,
    KEPT_REPORTS,
    KEPT_VERSIONS,
    PURGED,
    Address,
    Commit,
    Committed,
    Conflict,
    Conversation,
    Json,
    OutboxItem,
    Publication,
    Request,
    Seen,
    Snapshot,
    StoreError,
    Unanswered,
    Update,
)
from storage.memory import day_of, encode, prepared, request_number, utc

LOOK = 1.0
"""Seconds between looks for a lead that may be free, and for a connection that may be lost."""
TOLD_AT_ONCE = 20
"""A notification holds 8,000 bytes."""
log = logging.getLogger(__name__)
_who = attrgetter("channel", "chat", "person")
_T = TypeVar("_T")
_Row = tuple[Any, ...]
_Connection = AsyncConnection[_Row]

_MINE = "m.channel = %s and m.chat = %s and m.person = %s"
_REQUEST = "select number, channel, chat, person, kind, state, created, changed, body, revision from requests m"
_MESSAGE = "select m.id, m.channel, m.chat, m.person, m.body, m.at, m.request, m.state, m.attempts, m.due, m.error from messages m"
_SENT = "update messages set state = 'sent', due = null, error = null where id = %s and direction <> 'in'"
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

_STEPS = (
    """
    create table conversations (
        channel text, chat text, person text, body text not null, revision bigint not null, primary key (channel, chat, person));
    create table counters (day text primary key, last integer not null);
    create table requests (
        number text primary key, day text not null, counter integer not null,
        channel text not null, chat text not null, person text not null, kind text not null, state text not null,
        created timestamptz not null, changed timestamptz not null, body text not null, revision bigint not null,
        unique (day, counter));
    create index requests_newest on requests (created, counter);
    create index requests_of on requests (channel, chat, person);
    create table messages (
        id bigint generated always as identity primary key,
        channel text not null, chat text not null, person text not null, direction text not null, body text not null,
        at timestamptz not null, request text, state text not null, attempts integer not null default 0,
        due timestamptz, error text, held timestamptz);
    create index messages_of on messages (channel, chat, person, id);
    create index messages_waiting on messages (channel, chat, id) where state = 'waiting';
    create table updates (
        channel text, chat text, update_id text, result text not null, at timestamptz not null, primary key (channel, chat, update_id));
    create table unanswered (digest text primary key, text text not null, count bigint not null, last timestamptz not null);
    create table prechecks (id bigint generated always as identity primary key, body text not null);
    create table ratings (id bigint generated always as identity primary key, body text not null);
    create table reports (key text primary key, expires timestamptz not null, body text not null);
    create index reports_expire on reports (expires);
    create table published (
        id bigint generated always as identity primary key, version text not null, at timestamptz not null, files text not null);
    """,
)
"""The schema's history, oldest first. A step that has shipped never changes; a new one goes to the end."""
_LOCK = 0x79717431
"""The advisory lock of whoever brings the schema up to date."""


class _StaleError(Exception):
    """A revision that is no longer the one that was read: the transaction is rolled back."""


class _RacedError(Exception):
    """Another worker stored the same update meanwhile: the transaction is rolled back, and its result is to be read."""


class PostgresStore:
    """The contract on a database. Get it from `PostgresStore.open`. Any number of processes may share one."""

    def __init__(self, name: str, pool: AsyncConnectionPool[_Connection], connect: Callable[[], Awaitable[_Connection]]) -> None:
        self._name, self._pool, self._connect = name, pool, connect
        self._process = secrets.token_hex(8)
        self._news: set[Address] = set()
        self._telling: asyncio.Task[None] | None = None

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
            configure=_configure,
            check=AsyncConnectionPool.check_connection,
            name="yuanqitong",
        )
        connect = functools.partial(AsyncConnection.connect, url, **how)
        store = cls(name, pool, connect)
        try:
            with _explained(name):
                async with await connect() as connection:
                    await _migrate(connection, name)  # a pool would try again and again, and never say why
                await pool.open(wait=True, timeout=wait)
        except BaseException:
            await pool.close()
            raise
        return store

    async def close(self) -> None:
        """Finish what is under way and let go of the connections."""
        if self._telling is not None:
            await self._telling
        await self._pool.close()

    async def load(self, address: Address, update_id: str | None = None) -> Snapshot:
        """What a turn of this person needs, in one read transaction."""
        who = _who(address)
        async with self._transaction() as db:
            await db.execute("set transaction isolation level repeatable read, read only")
            if update_id is not None and (seen := await _seen(db, address, update_id)):
                return Snapshot(Conversation(address), seen=seen.result)
            found = await _rows(db, tuple, f"select body, revision from conversations m where {_MINE}", who)
            requests = await _rows(db, _request, f"{_REQUEST} where {_MINE} order by created, counter", who)
            waiting = await _rows(db, _item, f"{_MESSAGE} where {_MINE} and state = 'waiting' and direction = 'notice' order by id", who)
        conversation = Conversation(address, json.loads(found[0][0]), found[0][1]) if found else Conversation(address)
        return Snapshot(conversation, tuple(requests), tuple(waiting))

    async def commit(self, commit: Commit) -> Committed | Seen | Conflict:
        """Store a turn in one transaction."""
        while True:
            try:
                async with self._transaction() as db:
                    if commit.update_id is not None and (seen := await _seen(db, commit.address, commit.update_id)):
                        return seen
                    done = await _store(db, commit)
                self._tell({commit.address, *(n.address for n in commit.notices)})
                return done
            except (_StaleError, errors.DeadlockDetected, errors.SerializationFailure):
                return Conflict()
            except _RacedError:
                continue

    async def requests(self, states: Sequence[str] = (), limit: int = 100, offset: int = 0) -> list[Request]:
        """Requests, newest first."""
        chosen = "where state = any(%(states)s)" if states else ""
        sql = f"{_REQUEST} {chosen} order by created desc, counter desc limit %(limit)s offset %(offset)s"
        return await self._rows(_request, sql, {"states": [*states], "limit": limit, "offset": offset})

    async def request(self, number: str) -> Request | None:
        """One request by its number."""
        return next(iter(await self._rows(_request, f"{_REQUEST} where number = %s", (number,))), None)

    async def transcript(self, address: Address, limit: int = 200) -> list[Update | OutboxItem]:
        """The last messages in both directions, oldest first."""
        return (await self._rows(_line, f"{_MESSAGE} where {_MINE} order by id desc limit %s", (*_who(address), limit)))[::-1]

    async def after(self, address: Address, event: int, limit: int = 100) -> list[OutboxItem]:
        """Replies and notices above `event`."""
        sql = f"{_MESSAGE} where {_MINE} and id > %s and direction <> 'in' order by id limit %s"
        return await self._rows(_item, sql, (*_who(address), event, limit))

    async def due(self, channels: Sequence[str], now: datetime, limit: int = 100) -> list[OutboxItem]:
        """What can be delivered now, oldest first."""
        return await self._rows(_item, _DUE, {"now": utc(now), "channels": [*channels], "limit": limit})

    async def claim(self, channels: Sequence[str], now: datetime, until: datetime, limit: int = 100) -> list[OutboxItem]:
        """What is due, for this process to deliver; the first of a chat is what processes vie for."""
        values = {"channels": [*channels], "now": utc(now), "until": utc(until), "limit": limit}
        return sorted(await self._rows(_item, _CLAIM, values), key=attrgetter("id"))

    async def sent(self, item: int) -> None:
        """Mark an outbox item as delivered, whatever was thought of it before."""
        await self._run(_SENT, (item,))

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
        return await self._rows(_body, "select body from prechecks order by id desc limit %s", (limit,))

    async def ratings(self, limit: int = 1000) -> list[Json]:
        """How helpful finished pieces of work were, newest first."""
        return await self._rows(_body, "select body from ratings order by id desc limit %s", (limit,))

    async def report(self, key: str, now: datetime) -> Json | None:
        """The page that is kept under a key."""
        return next(iter(await self._rows(_body, "select body from reports where key = %s and expires > %s", (key, utc(now)))), None)

    async def publish(self, publication: Publication) -> None:
        """Keep a knowledge base that came into use."""
        files = encode(publication.files)
        async with self._transaction() as db:
            await db.execute("lock table published in share row exclusive mode")  # of two workers that saw the same change, one keeps it
            last = await _rows(db, tuple, "select version from published order by id desc limit 1")
            if last and last[0][0] == publication.version:
                return
            await db.execute("insert into published (version, at, files) values (%s, %s, %s)", (publication.version, utc(publication.at), files))
            oldest = "select id from published order by id desc offset %s"
            await db.execute(f"delete from published where id in ({oldest})", (KEPT_VERSIONS,))

    async def published(self, limit: int = 20, version: str | None = None) -> list[Publication]:
        """The knowledge bases that were in use, newest first; with `version`, only those of that version."""
        chosen = "where version = %(version)s" if version is not None else ""
        sql = f"select version, at, files from published {chosen} order by id desc limit %(limit)s"
        return await self._rows(lambda row: Publication(row[0], row[1], json.loads(row[2])), sql, {"version": version, "limit": limit})

    async def lead(self, what: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do work that one process at a time may do: whose connection holds the lock. It is free as soon as that process has died."""
        key = int.from_bytes(hashlib.sha256(f"yuanqitong {what}".encode()).digest()[:8], signed=True)
        while True:
            try:
                async with await self._connect() as connection:
                    await connection.execute("set lock_timeout = 0")
                    await connection.execute("select pg_advisory_lock(%s)", (key,))
                    if await _while_connected(connection, work):
                        return
            except psycopg.OperationalError:
                log.warning("the lead for %s was lost or could not be had; trying again", what, exc_info=True)
            await asyncio.sleep(LOOK)

    async def listen(self, ring: Callable[[Address], None]) -> None:
        """Ring for each person for whom another process stores something, until cancelled."""
        while True:
            try:
                async with await self._connect() as connection:
                    await connection.execute("listen yuanqitong")
                    async for notice in connection.notifies():
                        told = json.loads(notice.payload)
                        for who in told["to"] if told["by"] != self._process else ():
                            ring(Address(*who))
            except psycopg.OperationalError:
                log.warning("no news from other processes for a moment; looking goes on", exc_info=True)
            await asyncio.sleep(LOOK)

    def _tell(self, addresses: set[Address]) -> None:
        """Let the other processes know, outside of the transaction: within, all commits would wait for each other."""
        self._news |= addresses
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._told())

    async def _told(self) -> None:
        try:
            while self._news:
                some = [self._news.pop() for _ in range(min(len(self._news), TOLD_AT_ONCE))]
                payload = json.dumps({"by": self._process, "to": [_who(a) for a in some]})
                await self._run("select pg_notify('yuanqitong', %s)", (payload,))
        except StoreError:
            log.warning("other processes were not told; they find it by looking", exc_info=True)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[_Connection]:
        with _explained(self._name):
            async with self._pool.connection() as connection:
                yield connection

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[_Connection]:
        async with self._connection() as connection, connection.transaction():
            yield connection

    async def _run(self, sql: str, values: Sequence[Any] | dict[str, Any]) -> None:
        async with self._connection() as connection:
            await connection.execute(sql, values)

    async def _rows(self, shape: Callable[[_Row], _T], sql: str, values: Sequence[Any] | dict[str, Any]) -> list[_T]:
        async with self._connection() as connection:
            return await _rows(connection, shape, sql, values)


class _Put(StrDumper):
    """Texts as PostgreSQL can hold them: it has no character 0, so that a character which no text may have stands for it."""

    def dump(self, obj: str) -> Buffer | None:
        """The text to be stored."""
        return super().dump(obj.replace("\0", _ZERO))


class _Got(TextLoader):
    """The text as it was."""

    def load(self, data: Buffer) -> bytes | str:
        """The text that was stored."""
        text = super().load(data)
        return text.replace(_ZERO, "\0") if isinstance(text, str) else text


_ZERO = "\ufdd0"
"""One of Unicode's noncharacters, which are for a program's own use."""


async def _configure(connection: _Connection) -> None:
    connection.adapters.register_dumper(str, _Put)
    connection.adapters.register_loader("text", _Got)


async def _while_connected(connection: _Connection, work: Callable[[], Awaitable[None]]) -> bool:
    """Work as long as a connection lives; whether the work came to its end."""

    async def alive() -> None:
        while True:
            await asyncio.sleep(LOOK)
            await connection.execute("select 1")

    working, watching = asyncio.ensure_future(work()), asyncio.create_task(alive())
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            await working
            return True
        await watching
    finally:
        for task in (working, watching):
            task.cancel()
        await asyncio.gather(working, watching, return_exceptions=True)
    return False


async def _rows(db: _Connection, shape: Callable[[_Row], _T], sql: str, values: Sequence[Any] | dict[str, Any] | None = None) -> list[_T]:
    cursor = await db.execute(sql, values)
    return [shape(row) for row in await cursor.fetchall()]


async def _seen(db: _Connection, address: Address, update_id: str) -> Seen | None:
    sql = "select result from updates where channel = %s and chat = %s and update_id = %s"
    found = await _rows(db, _body, sql, (address.channel, address.chat, update_id))
    return Seen(found[0]) if found else None


async def _locked(db: _Connection, addresses: Iterable[Address]) -> dict[Address, int]:
    """Each person's revision. Their conversations are locked until the transaction ends, so that ids grow in the order in which commits
    become visible to each person, and two commits for one conversation wait for each other."""
    revisions = {}
    for address in sorted(set(addresses), key=_who):  # in one order everywhere: two commits never wait for each other in a circle
        who = _who(address)
        sql = f"select revision from conversations m where {_MINE} for update"
        if not (found := await _rows(db, tuple, sql, who)):
            await db.execute("insert into conversations values (%s, %s, %s, '{}', 0) on conflict do nothing", who)
            found = await _rows(db, tuple, sql, who)
        revisions[address] = found[0][0]
    return revisions


async def _store(db: _Connection, commit: Commit) -> Committed:
    """Write a turn; _StaleError and _RacedError where it may not be written."""
    revisions = await _locked(db, (commit.address, *(n.address for n in commit.notices)))
    if commit.conversation is not None and revisions[commit.address] != commit.expected_revision:
        raise _StaleError
    numbers, day, last = await _numbered(db, commit)
    turn = prepared(commit, numbers)
    who, at, result = _who(turn.address), turn.at, encode(turn.result)
    if turn.update_id is not None:
        sql = "insert into updates values (%s, %s, %s, %s, %s) on conflict do nothing"
        if (await db.execute(sql, (*who[:2], turn.update_id, result, at))).rowcount == 0:
            raise _RacedError
    if turn.conversation is not None:
        await db.execute(
            "update conversations set body = %s, revision = revision + 1 where channel = %s and chat = %s and person = %s",
            (encode(turn.conversation), *who),
        )
    for counter, (number, new) in enumerate(zip(numbers, turn.created, strict=True), last - len(numbers) + 1):
        values = (number, day, counter, *who, new.kind, new.state, at, at, encode(new.body))
        await db.execute("insert into requests values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 1)", values)
    for r in sorted(turn.changed, key=attrgetter("number")):
        columns = "channel = %s, chat = %s, person = %s, kind = %s, state = %s, changed = %s, body = %s, revision = revision + 1"
        content = (*_who(r.address), r.kind, r.state, r.changed, encode(r.body))
        sql = f"update requests set {columns} where number = %s and revision = %s"
        if (await db.execute(sql, (*content, r.number, r.revision))).rowcount == 0:
            raise _StaleError
    about = {n.request for n in turn.notices if n.request is not None}
    if about and len(await _rows(db, tuple, "select 1 from requests where number = any(%s)", ([*about],))) < len(about):
        raise StoreError("内容互相矛盾，没有保存：通知指向的请求不存在。请先创建请求，或改正编号。")
    outbox = await _write_messages(db, turn)
    for text in turn.unanswered:
        sql = """insert into unanswered as u values (%s, %s, 1, %s)
        on conflict (digest) do update set count = u.count + 1, last = greatest(u.last, excluded.last)"""
        await db.execute(sql, (hashlib.sha256(text.encode()).hexdigest(), text, at))
    for table, bodies, kept in (("prechecks", turn.prechecks, KEPT_PRECHECKS), ("ratings", turn.ratings, KEPT_RATINGS)):
        for body in bodies:
            (newest,) = await _rows(db, tuple, f"insert into {table} (body) values (%s) returning id", (encode(body),))
            await db.execute(f"delete from {table} where id <= %s", (newest[0] - kept,))
    for report in turn.reports:
        expired = "select key from reports where expires <= %s order by expires, key limit %s"
        await db.execute(f"delete from reports where key in ({expired})", (at, PURGED))
        sql = "insert into reports values (%s, %s, %s) on conflict (key) do update set expires = excluded.expires, body = excluded.body"
        await db.execute(sql, (report.key, report.expires, encode(report.body)))
        oldest = "select key from reports order by expires desc, key limit %s offset %s"
        await db.execute(f"delete from reports where key in ({oldest})", (PURGED, KEPT_REPORTS))
    for item in turn.taken:
        await db.execute(_SENT, (item,))
    return Committed(numbers, outbox, json.loads(result))


async def _numbered(db: _Connection, commit: Commit) -> tuple[tuple[str, ...], str, int]:
    """The numbers of the requests that a commit creates, their day and its last counter. Whoever files next on this day waits for us."""
    day = day_of(commit.at)
    if not commit.created:
        return (), day, 0
    sql = "insert into counters as c values (%s, %s) on conflict (day) do update set last = c.last + excluded.last returning last"
    ((last,),) = await _rows(db, tuple, sql, (day, len(commit.created)))
    return tuple(request_number(day, n) for n in range(last - len(commit.created) + 1, last + 1)), day, last


async def _write_messages(db: _Connection, turn: Commit) -> tuple[int, ...]:
    """Store what came in, the replies and the notices, in this order; the outbox ids of the replies."""
    who, state = _who(turn.address), "sent" if turn.delivered else "waiting"
    lines: list[_Row] = []
    if turn.incoming is not None:
        lines.append((*who, "in", encode(turn.incoming), turn.at, None, "received"))
    lines += [(*who, "reply", encode(body), turn.at, None, state) for body in turn.replies]
    lines += [(*_who(n.address), "notice", encode(n.body), turn.at, n.request, "waiting") for n in turn.notices]
    if not lines:
        return ()
    places = ", ".join(["(%s, %s, %s, %s, %s, %s, %s, %s)"] * len(lines))
    sql = f"insert into messages (channel, chat, person, direction, body, at, request, state) values {places} returning id"
    ids = [row[0] for row in await _rows(db, tuple, sql, [value for line in lines for value in line])]
    first = int(turn.incoming is not None)
    return tuple(ids[first : first + len(turn.replies)])


async def _migrate(db: _Connection, name: str) -> None:
    """Bring the schema up to date; of several workers that start at once, one does it and the others wait."""
    async with db.transaction():
        await db.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
        await db.execute("create table if not exists yuanqitong_schema (step integer primary key, at timestamptz not null default now())")
        applied = {row[0] for row in await _rows(db, tuple, "select step from yuanqitong_schema")}
        if applied - set(range(1, len(_STEPS) + 1)):
            raise StoreError(f"数据库 {name} 由更新版本的程序写成。请升级程序，或换用升级前的备份。")
        if not applied and await _rows(db, tuple, "select 1 from pg_tables where schemaname = current_schema() and tablename = 'conversations'"):
            raise StoreError(f"数据库 {name} 里已有别的程序的表。请换一个库，不要与别的程序共用。")
        for number, step in enumerate(_STEPS, 1):
            if number not in applied:
                await db.execute(step)
                await db.execute("insert into yuanqitong_schema (step) values (%s)", (number,))


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Turns errors of the database into a StoreError for the person who runs the service: what, where, how to mend it."""
    try:
        yield
    except (errors.DeadlockDetected, errors.SerializationFailure):
        raise
    except PoolTimeout as error:
        raise StoreError(f"数据库 {name}：等了很久没有空的连接。请看数据库是否还在运行、连接数够不够。") from error
    except PoolClosed as error:
        raise StoreError(f"数据库 {name} 已经关闭，不能再读写。请重新打开（PostgresStore.open）。") from error
    except UnicodeEncodeError as error:
        raise StoreError(f"数据库 {name}：文字里有不成对的代理字符，没有保存（{error}）。请在入口处先清理文字。") from error
    except psycopg.Error as error:
        what, mend = next((told for kind, told in _FAULTS if isinstance(error, kind)), ("读写失败", "请检查数据库"))
        raise StoreError(f"数据库 {name}：{what}（{_first_line(error)}）。{mend}。") from error


_FAULTS: tuple[tuple[type[psycopg.Error], tuple[str, str]], ...] = (
    (errors.InvalidPassword, ("用户名或密码不对", "请检查 DATABASE_URL")),
    (errors.InvalidAuthorizationSpecification, ("这个用户不能登录", "请检查 DATABASE_URL 和数据库的访问规则")),
    (errors.InvalidCatalogName, ("没有这个库", "请先建库：createdb 库名")),
    (errors.InsufficientPrivilege, ("没有权限", "请给 DATABASE_URL 里的用户建表和读写的权限")),
    (errors.ReadOnlySqlTransaction, ("只读，不能写", "请连到主库")),
    (errors.LockNotAvailable, ("正被别的事务锁住", "请看是否有长时间不结束的事务")),
    (errors.DiskFull, ("磁盘已满，没有保存", "请腾出空间后再试")),
    (errors.TooManyConnections, ("连接数用完了", "请调高 max_connections，或减少进程")),
    (psycopg.DataError, ("文字里有数据库不能存的字符，没有保存", "请在入口处先清理文字")),
    (psycopg.OperationalError, ("连不上或断开了", "请看数据库是否在运行，网络和 DATABASE_URL 是否正确")),
)


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]


def _body(row: _Row) -> Json:
    found: Json = json.loads(row[0])
    return found


def _request(row: _Row) -> Request:
    number, _, _, _, kind, state, created, changed, body, revision = row
    return Request(number, Address(*row[1:4]), kind, state, created, changed, json.loads(body), revision)


def _item(row: _Row) -> OutboxItem:
    item, _, _, _, body, at, request, state, attempts, due, error = row
    return OutboxItem(item, Address(*row[1:4]), json.loads(body), at, request, state, attempts, due, error)


def _line(row: _Row) -> Update | OutboxItem:
    return _item(row) if row[7] != "received" else Update(row[0], Address(*row[1:4]), json.loads(row[4]), row[5])
