"""The embedded store: one SQLite file, through sqlite-utils, on one connection in a thread of its own."""

from __future__ import annotations

import asyncio
import functools
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self, TypeVar, TypeVarTuple

from sqlite_utils import Database, Migrations

from storage import sqlite_files
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
from storage.memory import OneProcess, encode, in_order
from storage.outbox import readable, up_to_due
from storage.retention import KEPT_VERSIONS
from storage.sealing import COLUMNS, PLAIN, Sealing
from storage.sqlite_commit import SENT as _SENT
from storage.sqlite_commit import write
from storage.sqlite_personal import Run, outdated, personal, purge, remains_untold
from storage.sqlite_rows import MESSAGE as _MESSAGE
from storage.sqlite_rows import PARKED as _PARKED
from storage.sqlite_rows import REQUEST as _REQUEST
from storage.sqlite_rows import Reader
from storage.sqlite_rows import Row as _Row
from storage.sqlite_rows import explained as _explained
from storage.sqlite_rows import text_of as _text
from storage.sqlite_rows import time_of as _time
from storage.sqlite_rows import who_of as _who
from storage.sqlite_schema import STEPS
from storage.sqlite_sealing import check_keys, forget_keys, reseal, reseal_unanswered
from storage.sqlite_writes import Writes, whole, writing

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")

_MINE = "m.channel = ? and m.chat = ? and m.person = ?"
# A chat waits for its first item.
_CLAIM = f"""
with first as (
        select min(id) as id from messages where state = 'waiting' and channel in (select value from json_each(:channels)) group by channel, chat),
    heads as (
        select channel, chat from messages join first using (id)
        where not coalesce(due > :now and due <= :far, false) and (channel, chat) not in (select value ->> 0, value ->> 1 from json_each(:besides))
        order by id limit :limit)
{_MESSAGE} join heads using (channel, chat) where state = 'waiting' order by m.id limit 1000"""
_GIVEN_UP = f"{_MESSAGE} where state in {GIVEN_UP} order by id desc limit ?"


class SqliteStore(OneProcess):
    """The contract on a file. Get it from `SqliteStore.open`. All SQL runs in one thread, because a connection belongs to one."""

    def __init__(self, path: Path, thread: ThreadPoolExecutor, db: Database, sealing: Sealing) -> None:
        super().__init__()
        self._path, self._thread, self._db, self._file = path, thread, db, path.stat()
        self._sealing, self._read = sealing, Reader(sealing)
        self._closing: Future[None] | None = None
        self._writes = Writes(db, thread)

    @classmethod
    async def open(cls, path: str | Path, wait: float = 5.0, sealing: Sealing = PLAIN) -> Self:
        """The store on this file, made when missing; StoreError when it can't be had. `wait`: seconds to wait for other processes;
        `sealing`: what is written in it can be read with these keys only."""
        path, thread = Path(path), ThreadPoolExecutor(max_workers=1, thread_name_prefix="sqlite")
        try:
            with _explained(path):
                return cls(path, thread, await asyncio.get_running_loop().run_in_executor(thread, _connect, path, wait, sealing), sealing)
        except BaseException:
            thread.shutdown(wait=False)
            raise

    async def close(self) -> None:
        """Finish what is under way, move the write-ahead log into the file, end the thread."""
        if self._closing is None:
            self._closing = self._thread.submit(self._disconnect)
        with _explained(self._path):
            await asyncio.shield(asyncio.wrap_future(self._closing))
        self._thread.shutdown()

    async def load(self, address: Address, update_id: str | None = None) -> Snapshot:
        """What a turn of this person needs, in one read transaction."""
        return await self._run(self._load, address, update_id)

    async def commit(self, commit: Commit) -> Committed | Seen | Conflict:
        """Store a turn whole or not at all."""
        done = await self._write(self._commit, commit)
        if commit.erased:
            await self._run(self._emptied_log)
        return done

    async def personal(self, address: Address) -> Json:
        """Everything that is kept about a person, in one read transaction."""
        return await self._run(self._personal, address)

    async def purge(self, what: Kept, before: datetime, reduction: Reduction, limit: int = 500) -> int:
        """Let go of some of what is older than `before`; at the end the file and its log hold nothing of it."""
        gone = await self._write(self._purge, what, before, reduction, limit)
        if not gone:
            await self._run(self._emptied_log)
        return gone

    async def outdated(self, what: Kept, before: datetime, reduction: Reduction) -> int:
        """How many `purge` would let go of."""
        return await self._run(lambda: outdated(self._db.conn.execute, what, before, reduction))

    async def requests(self, states: Sequence[str] = (), limit: int = 100, offset: int = 0) -> list[Request]:
        """Requests, newest first."""
        chosen = "state in (select value from json_each(?))" if states else "? = '[]'"
        sql = f"{_REQUEST} where {chosen} order by created desc, counter desc limit ? offset ?"
        return await self._run(self._rows, self._read.request, sql, (json.dumps([*states]), limit, offset))

    async def request(self, number: str) -> Request | None:
        """One request by its number."""
        return next(iter(await self._run(self._rows, self._read.request, f"{_REQUEST} where number = ?", (number,))), None)

    async def transcript(self, address: Address, limit: int = 200) -> list[Update | OutboxItem]:
        """The last messages in both directions, oldest first."""
        sql = f"{_MESSAGE} where {_MINE} order by id desc limit ?"
        return (await self._run(self._rows, self._read.line, sql, (*_who(address), limit)))[::-1]

    async def after(self, address: Address, event: int, limit: int = 100) -> list[OutboxItem]:
        """Replies and notices above `event`."""
        sql = f"{_MESSAGE} where {_MINE} and id > ? and direction <> 'in' order by id limit ?"
        return await self._run(self._rows, self._read.item, sql, (*_who(address), event, limit))

    async def claim(
        self, channels: Sequence[str], now: datetime, lease: timedelta, limit: int = 100, besides: Collection[tuple[str, str]] = ()
    ) -> list[OutboxItem]:
        """What can be delivered now, oldest first."""
        values = {"now": _text(now), "far": _text(now + FAR), "channels": json.dumps([*channels]), "limit": limit, "besides": json.dumps([*besides])}
        items, broken = readable(await self._run(self._rows, tuple, _CLAIM, values), self._read.item)
        for item in broken:
            await self.fail(item, "unreadable", "parked")
        return up_to_due(items, now)

    async def undelivered(self, limit: int = 100) -> list[OutboxItem]:
        """What was given up, newest first."""
        return readable(await self._run(self._rows, tuple, _GIVEN_UP, (limit,)), self._read.item)[0]

    async def waiting(self, channel: str, before: datetime, limit: int = 100) -> list[OutboxItem]:
        """What still waits for delivery, oldest first."""
        sql = f"{_MESSAGE} where state = 'waiting' and channel = ? and at < ? order by id limit ?"
        return await self._run(self._rows, self._read.item, sql, (channel, _text(before), limit))

    async def park(self, parked: Parked) -> None:
        """Keep what could not be handled."""
        body = self._sealing.put(parked.body, "parked", parked.address.channel, parked.update_id)
        row = (*_who(parked.address), parked.update_id, body, parked.error, _text(parked.at))
        sql = "insert into parked (channel, chat, person, update_id, body, error, at) values (?, ?, ?, ?, ?, ?, ?) on conflict do nothing"
        await self._write(self._rows, tuple, sql, row)

    async def parked(self, limit: int = 100) -> list[Parked]:
        """What could not be handled, newest first."""
        return await self._run(self._rows, self._read.parked, f"{_PARKED} order by id desc limit ?", (limit,))

    async def sent(self, item: int) -> None:
        """Mark an outbox item as delivered, whatever was thought of it before."""
        await self._write(self._rows, tuple, _SENT, (item,))

    async def postpone(self, item: int, due: datetime, error: str) -> None:
        """Note a failed attempt; an item that is no longer waiting stays as it is."""
        sql = "update messages set attempts = attempts + 1, due = ?, error = ? where id = ? and state = 'waiting'"
        await self._write(self._rows, tuple, sql, (_text(due), error, item))

    async def fail(self, item: int, error: str, state: str = "failed") -> None:
        """Give an item up; one that is no longer waiting stays as it is."""
        sql = "update messages set attempts = attempts + 1, due = null, error = ?, state = ? where id = ? and state = 'waiting'"
        await self._write(self._rows, tuple, sql, (error, state, item))

    async def unanswered(self, limit: int = 100) -> list[Unanswered]:
        """Messages without an answer, most frequent first; of equally frequent ones the latest."""
        sql = "select text, count, last, digest from unanswered order by count desc, last desc, text limit ?"
        found = await self._run(
            self._rows, lambda row: Unanswered(self._sealing.open(row[0], "unanswered", row[3]), row[1], _time(row[2])), sql, (limit,)
        )
        return in_order(found)

    async def prechecks(self, limit: int = 1000) -> list[Json]:
        """Finished pre-checks without the person, newest first."""
        return await self._run(self._rows, lambda row: json.loads(row[0]), "select body from prechecks order by id desc limit ?", (limit,))

    async def ratings(self, limit: int = 1000) -> list[Json]:
        """How helpful finished pieces of work were, newest first."""
        return await self._run(self._rows, lambda row: json.loads(row[0]), "select body from ratings order by id desc limit ?", (limit,))

    async def report(self, key: str, now: datetime) -> Json | None:
        """The page that is kept under a key."""
        sql = "select body from reports where key = ? and expires > ?"
        return next(iter(await self._run(self._rows, lambda row: self._sealing.get(row[0], "reports", key), sql, (key, _text(now)))), None)

    async def publish(self, publication: Publication) -> None:
        """Keep a knowledge base that came into use."""
        last = "select 1 from (select version from published order by id desc limit 1) where version = :version"
        sql = f"insert into published (version, at, files) select :version, :at, :files where not exists ({last})"
        values = {"version": publication.version, "at": _text(publication.at), "files": encode(publication.files)}
        await self._write(self._rows, tuple, sql, values)
        await self._write(self._rows, tuple, "delete from published where id <= (select max(id) from published) - ?", (KEPT_VERSIONS,))

    async def in_use(self) -> str | None:
        """The version that was published last."""
        return next(iter(await self._run(self._rows, lambda row: str(row[0]), "select version from published order by id desc limit 1", ())), None)

    async def published(self, limit: int = 20, version: str | None = None) -> list[Publication]:
        """The knowledge bases that were in use, newest first; with `version`, only those of that version."""
        sql = "select version, at, files from published where :version is null or version = :version order by id desc limit :limit"
        values = {"version": version, "limit": limit}
        return await self._run(self._rows, lambda row: Publication(row[0], _time(row[1]), json.loads(row[2])), sql, values)

    async def resealed(self, limit: int = 200) -> AsyncIterator[int]:
        """Put everything under the key that seals, in small steps; how many rows each step changed."""
        total = 0
        for column in COLUMNS:
            after: int | None = 0
            while after is not None:
                changed, after = await self._write(self._reseal, reseal, column, after, limit)
                total += changed
                yield changed
        while changed := await self._write(self._reseal, reseal_unanswered, limit):
            total += changed
            yield changed
        await self._run(self._emptied_log)
        if not total:
            await self._write(self._reseal, forget_keys)

    async def figures(self) -> Figures:
        """How the store stands."""
        sql = "select channel, count(*), min(at) from messages where state = 'waiting' group by channel"
        waiting = await self._run(self._rows, tuple, sql, ())
        states = await self._run(self._rows, tuple, "select state, count(*), min(created) from requests group by state", ())
        counted = [({name: n for name, n, _ in found}, {name: _time(at) for name, _, at in found}) for found in (waiting, states)]
        given_up = await self._run(self._rows, tuple, f"select state, count(*) from messages where state in {GIVEN_UP} group by state", ())
        ((parked,),) = await self._run(self._rows, tuple, "select count(*) from parked", ())
        return Figures(*counted[0], *counted[1], dict(given_up), parked)

    async def _run(self, work: Callable[[*_Ts], _T], *arguments: *_Ts) -> _T:
        self._refuse_closed()
        with _explained(self._path):
            return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)

    async def _write(self, work: Callable[[*_Ts], _T], *arguments: *_Ts) -> _T:
        """Run a write in one transaction with those that wait beside it: they share one sync to the disk."""
        self._refuse_closed()
        with _explained(self._path):
            return await self._writes.add(functools.partial(work, *arguments))

    def _refuse_closed(self) -> None:
        if self._closing is not None:
            raise StoreError(f"数据库 {self._path} 已经关闭，不能再读写。请重新打开（SqliteStore.open）。")

    # From here on everything runs in the store's own thread.

    def _rows(self, shape: Callable[[_Row], _T], sql: str, values: Sequence[Any] | dict[str, Any]) -> list[_T]:
        # A write alone needs no transaction around it: sqlite-utils commits it.
        return [shape(row) for row in self._db.execute(sql, values).fetchall()]  # whole: a shape that fails leaves no cursor open

    def _load(self, address: Address, update_id: str | None) -> Snapshot:
        who = _who(address)
        with self._db.atomic():
            if update_id is not None and (seen := self._seen(address, update_id)):
                return Snapshot(Conversation(address), seen=seen.result)
            found = self._rows(tuple, f"select body, revision from conversations m where {_MINE}", who)
            requests = self._rows(self._read.request, f"{_REQUEST} where {_MINE} order by created, counter", who)
            waiting = self._rows(self._read.item, f"{_MESSAGE} where {_MINE} and state = 'waiting' and direction = 'notice' order by id", who)
        conversation = Conversation(address, self._sealing.get(found[0][0], "conversations", *who), found[0][1]) if found else Conversation(address)
        return Snapshot(conversation, tuple(requests), tuple(waiting))

    def _seen(self, address: Address, update_id: str) -> Seen | None:
        sql = "select result from updates where channel = ? and chat = ? and update_id = ?"
        row = self._db.conn.execute(sql, (address.channel, address.chat, update_id)).fetchone()
        return Seen(self._sealing.get(row[0], "updates", address.channel, address.chat, update_id)) if row else None

    def _stale(self, commit: Commit) -> bool:
        sqlite_files.check_place(self._path, self._file)
        run = self._db.conn.execute
        if commit.conversation is not None:
            row = run(f"select revision from conversations m where {_MINE}", _who(commit.address)).fetchone()
            if (row[0] if row else 0) != commit.expected_revision:
                return True
        if commit.erased and remains_untold(run, commit):
            return True
        sql = "select 1 from requests where number = ? and revision = ?"
        return any(run(sql, (r.number, r.revision)).fetchone() is None for r in commit.changed)

    def _commit(self, commit: Commit) -> Committed | Seen | Conflict:
        with whole(self._db) as run:
            if commit.update_id is not None and (seen := self._seen(commit.address, commit.update_id)):
                return seen
            if self._stale(commit):
                return Conflict()
            return write(run, commit, self._sealing)

    def _personal(self, address: Address) -> Json:
        with self._db.atomic():
            return personal(self._db.conn.execute, address, self._sealing)

    def _purge(self, what: Kept, before: datetime, reduction: Reduction, limit: int) -> int:
        with whole(self._db) as run:
            return purge(run, what, before, reduction, limit, self._sealing)

    def _reseal(self, step: Callable[[Run, Sealing, *_Ts], _T], *arguments: *_Ts) -> _T:
        with whole(self._db) as run:
            return step(run, self._sealing, *arguments)

    def _emptied_log(self) -> None:
        """Write the log into the file and empty it: it holds what was there before, too. Where somebody reads, the next time does it."""
        (wait,) = self._db.execute("pragma busy_timeout").fetchone()
        self._db.execute("pragma busy_timeout = 0")
        self._db.execute("pragma wal_checkpoint(truncate)").fetchall()
        self._db.execute(f"pragma busy_timeout = {wait}")

    def _disconnect(self) -> None:
        with self._db:  # closes it
            self._db.execute("pragma wal_checkpoint(truncate)")


def _connect(path: Path, wait: float, sealing: Sealing) -> Database:
    """An open database with this program's schema; closed again when that fails."""
    sqlite_files.check(path)
    connection = sqlite3.connect(path.absolute(), timeout=wait)  # absolute, for a plain ":memory:" would keep nothing
    try:
        db = Database(connection, execute_plugins=False)
        db.execute("pragma synchronous = full")  # in WAL mode, less would lose the last commits at a power cut
        db.execute("pragma foreign_keys = on")
        db.execute("pragma secure_delete = on")  # what is deleted is overwritten
        steps = Migrations("yuanqitong")
        for step in STEPS:
            steps(name=step.__name__)(step)
        with writing(db):
            applied = {step.name for step in steps.applied(db)}
            if newer := applied - {step.__name__ for step in STEPS}:
                raise StoreError(f"数据库 {path} 由更新版本的程序写成（多出 {'、'.join(sorted(newer))}）。请升级程序，或换用升级前的备份。")
            if not applied and db.table_names():
                raise StoreError(f"数据库 {path} 里已有别的程序的表。请换一个路径，不要与别的程序共用文件。")
            steps.apply(db)
            # On a read-only file "begin immediate" quietly only reads; a write shows it, even one that changes no row.
            db.execute("delete from messages where false")
            check_keys(db.conn.execute, sealing, path)
        _enable_wal(db, time.monotonic() + wait)  # last, so that a file that isn't ours stays as it was
    except BaseException:
        connection.close()
        raise
    return db


def _enable_wal(db: Database, deadline: float) -> None:
    while True:
        try:
            return db.enable_wal()
        except sqlite3.OperationalError as error:
            # Of two that make the same new file SQLite turns one away at once, without the wait that it grants elsewhere.
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.005)
