"""The embedded store: one SQLite file, through sqlite-utils, on one connection in a thread of its own."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Self, TypeVar, TypeVarTuple

from sqlite_utils import Database, Migrations

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
from storage.memory import OneProcess, day_of, encode, prepared, request_number
from storage.sqlite_personal import erase, outdated, personal, purge, remains_untold
from storage.sqlite_rows import MESSAGE as _MESSAGE
from storage.sqlite_rows import REQUEST as _REQUEST
from storage.sqlite_rows import Row as _Row
from storage.sqlite_rows import item_of as _item
from storage.sqlite_rows import line_of as _line
from storage.sqlite_rows import request_of as _request
from storage.sqlite_rows import text_of as _text
from storage.sqlite_rows import time_of as _time
from storage.sqlite_rows import who_of as _who
from storage.sqlite_schema import STEPS

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")

_MINE = "m.channel = ? and m.chat = ? and m.person = ?"
_INSERT = "insert into messages (channel, chat, person, direction, body, at, request, state, attempts) values (?, ?, ?, ?, ?, ?, ?, ?, 0)"
_SENT = "update messages set state = 'sent', due = null, error = null where id = ? and direction <> 'in'"
# A chat is held back from its first item that is not yet due.
_DUE = f"""
with held as (select channel, chat, min(id) as first from messages where state = 'waiting' and due > :now group by channel, chat)
{_MESSAGE} left join held h on h.channel = m.channel and h.chat = m.chat
where state = 'waiting' and m.channel in (select value from json_each(:channels)) and (first is null or id < first)
order by id limit :limit"""


class SqliteStore(OneProcess):
    """The contract on a file. Get it from `SqliteStore.open`. All SQL runs in one thread, because a connection belongs to one."""

    def __init__(self, path: Path, thread: ThreadPoolExecutor, db: Database) -> None:
        self._path, self._thread, self._db = path, thread, db
        self._closing: Future[None] | None = None

    @classmethod
    async def open(cls, path: str | Path, wait: float = 5.0) -> Self:
        """The store on this file, made when missing; StoreError when it can't be had. `wait`: seconds to wait for other processes."""
        path, thread = Path(path), ThreadPoolExecutor(max_workers=1, thread_name_prefix="sqlite")
        try:
            with _explained(path):
                return cls(path, thread, await asyncio.get_running_loop().run_in_executor(thread, _connect, path, wait))
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
        """Store a turn in one transaction."""
        done = await self._run(self._commit, commit)
        if commit.erased:
            await self._run(self._emptied_log)
        return done

    async def personal(self, address: Address) -> Json:
        """Everything that is kept about a person, in one read transaction."""
        return await self._run(self._personal, address)

    async def purge(self, what: Kept, before: datetime, reduction: Reduction, limit: int = 500) -> int:
        """Let go of some of what is older than `before`; at the end the file and its log hold nothing of it."""
        gone = await self._run(self._purge, what, before, reduction, limit)
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
        return await self._run(self._rows, _request, sql, (json.dumps([*states]), limit, offset))

    async def request(self, number: str) -> Request | None:
        """One request by its number."""
        return next(iter(await self._run(self._rows, _request, f"{_REQUEST} where number = ?", (number,))), None)

    async def transcript(self, address: Address, limit: int = 200) -> list[Update | OutboxItem]:
        """The last messages in both directions, oldest first."""
        sql = f"{_MESSAGE} where {_MINE} order by id desc limit ?"
        return (await self._run(self._rows, _line, sql, (*_who(address), limit)))[::-1]

    async def after(self, address: Address, event: int, limit: int = 100) -> list[OutboxItem]:
        """Replies and notices above `event`."""
        sql = f"{_MESSAGE} where {_MINE} and id > ? and direction <> 'in' order by id limit ?"
        return await self._run(self._rows, _item, sql, (*_who(address), event, limit))

    async def due(self, channels: Sequence[str], now: datetime, limit: int = 100) -> list[OutboxItem]:
        """What can be delivered now, oldest first."""
        return await self._run(self._rows, _item, _DUE, {"now": _text(now), "channels": json.dumps([*channels]), "limit": limit})

    async def sent(self, item: int) -> None:
        """Mark an outbox item as delivered, whatever was thought of it before."""
        await self._run(self._rows, tuple, _SENT, (item,))

    async def postpone(self, item: int, due: datetime, error: str) -> None:
        """Note a failed attempt; an item that is no longer waiting stays as it is."""
        sql = "update messages set attempts = attempts + 1, due = ?, error = ? where id = ? and state = 'waiting'"
        await self._run(self._rows, tuple, sql, (_text(due), error, item))

    async def fail(self, item: int, error: str, state: str = "failed") -> None:
        """Give an item up; one that is no longer waiting stays as it is."""
        sql = "update messages set attempts = attempts + 1, due = null, error = ?, state = ? where id = ? and state = 'waiting'"
        await self._run(self._rows, tuple, sql, (error, state, item))

    async def unanswered(self, limit: int = 100) -> list[Unanswered]:
        """Messages without an answer, most frequent first; of equally frequent ones the latest."""
        sql = "select text, count, last from unanswered order by count desc, last desc, text limit ?"
        return await self._run(self._rows, lambda row: Unanswered(row[0], row[1], _time(row[2])), sql, (limit,))

    async def prechecks(self, limit: int = 1000) -> list[Json]:
        """Finished pre-checks without the person, newest first."""
        return await self._run(self._rows, lambda row: json.loads(row[0]), "select body from prechecks order by id desc limit ?", (limit,))

    async def ratings(self, limit: int = 1000) -> list[Json]:
        """How helpful finished pieces of work were, newest first."""
        return await self._run(self._rows, lambda row: json.loads(row[0]), "select body from ratings order by id desc limit ?", (limit,))

    async def report(self, key: str, now: datetime) -> Json | None:
        """The page that is kept under a key."""
        sql = "select body from reports where key = ? and expires > ?"
        return next(iter(await self._run(self._rows, lambda row: json.loads(row[0]), sql, (key, _text(now)))), None)

    async def publish(self, publication: Publication) -> None:
        """Keep a knowledge base that came into use."""
        last = "select 1 from (select version from published order by id desc limit 1) where version = :version"
        sql = f"insert into published (version, at, files) select :version, :at, :files where not exists ({last})"
        values = {"version": publication.version, "at": _text(publication.at), "files": encode(publication.files)}
        await self._run(self._rows, tuple, sql, values)
        await self._run(self._rows, tuple, "delete from published where id <= (select max(id) from published) - ?", (KEPT_VERSIONS,))

    async def in_use(self) -> str | None:
        """The version that was published last."""
        return next(iter(await self._run(self._rows, lambda row: str(row[0]), "select version from published order by id desc limit 1", ())), None)

    async def published(self, limit: int = 20, version: str | None = None) -> list[Publication]:
        """The knowledge bases that were in use, newest first; with `version`, only those of that version."""
        sql = "select version, at, files from published where :version is null or version = :version order by id desc limit :limit"
        values = {"version": version, "limit": limit}
        return await self._run(self._rows, lambda row: Publication(row[0], _time(row[1]), json.loads(row[2])), sql, values)

    async def figures(self) -> Figures:
        """How the store stands."""
        ((waiting, oldest),) = await self._run(self._rows, tuple, "select count(*), min(at) from messages where state = 'waiting'", ())
        states = await self._run(self._rows, tuple, "select state, count(*) from requests group by state", ())
        return Figures(waiting, _time(oldest) if oldest else None, dict(states))

    async def _run(self, work: Callable[[*_Ts], _T], *arguments: *_Ts) -> _T:
        if self._closing is not None:
            raise StoreError(f"数据库 {self._path} 已经关闭，不能再读写。请重新打开（SqliteStore.open）。")
        with _explained(self._path):
            return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)

    # From here on everything runs in the store's own thread.

    def _rows(self, shape: Callable[[_Row], _T], sql: str, values: Sequence[Any] | dict[str, Any]) -> list[_T]:
        # A write alone needs no transaction around it: sqlite-utils commits it.
        return [shape(row) for row in self._db.execute(sql, values)]

    def _load(self, address: Address, update_id: str | None) -> Snapshot:
        who = _who(address)
        with self._db.atomic():
            if update_id is not None and (seen := self._seen(address, update_id)):
                return Snapshot(Conversation(address), seen=seen.result)
            found = self._rows(tuple, f"select body, revision from conversations m where {_MINE}", who)
            requests = self._rows(_request, f"{_REQUEST} where {_MINE} order by created, counter", who)
            waiting = self._rows(_item, f"{_MESSAGE} where {_MINE} and state = 'waiting' and direction = 'notice' order by id", who)
        conversation = Conversation(address, json.loads(found[0][0]), found[0][1]) if found else Conversation(address)
        return Snapshot(conversation, tuple(requests), tuple(waiting))

    def _seen(self, address: Address, update_id: str) -> Seen | None:
        sql = "select result from updates where channel = ? and chat = ? and update_id = ?"
        row = self._db.conn.execute(sql, (address.channel, address.chat, update_id)).fetchone()
        return Seen(json.loads(row[0])) if row else None

    def _stale(self, commit: Commit) -> bool:
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
        with _writing(self._db) as run:
            if commit.update_id is not None and (seen := self._seen(commit.address, commit.update_id)):
                return seen
            if self._stale(commit):
                return Conflict()
            day, counters = day_of(commit.at), range(0)
            if commit.created:
                (last,) = run("select coalesce(max(counter), 0) from requests where day = ?", (day,)).fetchone()
                counters = range(last + 1, last + 1 + len(commit.created))
            numbers = tuple(request_number(day, counter) for counter in counters)
            turn = prepared(commit, numbers)
            who, at, result = _who(turn.address), _text(turn.at), encode(turn.result)

            if turn.erased:
                erase(run, turn.address)
            if turn.update_id is not None:
                run("insert into updates values (?, ?, ?, ?, ?, ?)", (*who[:2], turn.update_id, result, at, who[2]))
            if turn.conversation is not None:
                sql = "insert into conversations values (?, ?, ?, ?, 1) on conflict do update set body = excluded.body, revision = revision + 1"
                run(sql, (*who, encode(turn.conversation)))
            for number, counter, new in zip(numbers, counters, turn.created, strict=True):
                row = (number, day, counter, *who, new.kind, new.state, at, at, encode(new.body))
                run("insert into requests values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)", row)
            for r in turn.changed:
                columns = "channel = ?, chat = ?, person = ?, kind = ?, state = ?, changed = ?, body = ?, revision = revision + 1"
                content = (*_who(r.address), r.kind, r.state, _text(r.changed), encode(r.body))
                run(f"update requests set {columns} where number = ?", (*content, r.number))
            if turn.incoming is not None:
                run(_INSERT, (*who, "in", encode(turn.incoming), at, None, "received"))
            state = "sent" if turn.delivered else "waiting"
            outbox = tuple(run(_INSERT, (*who, "reply", encode(body), at, None, state)).lastrowid or 0 for body in turn.replies)
            for notice in turn.notices:
                run(_INSERT, (*_who(notice.address), "notice", encode(notice.body), at, notice.request, "waiting"))
            for text in turn.unanswered:
                sql = "insert into unanswered values (?, 1, ?) on conflict do update set count = count + 1, last = max(last, excluded.last)"
                run(sql, (text, at))
            for body in turn.prechecks:
                last = run("insert into prechecks (body) values (?)", (encode(body),)).lastrowid or 0
                run("delete from prechecks where id <= ?", (last - KEPT_PRECHECKS,))
            for body in turn.ratings:
                last = run("insert into ratings (body) values (?)", (encode(body),)).lastrowid or 0
                run("delete from ratings where id <= ?", (last - KEPT_RATINGS,))
            for report in turn.reports:
                run("delete from reports where key in (select key from reports where expires <= ? order by expires, key limit ?)", (at, PURGED))
                run("insert or replace into reports values (?, ?, ?, ?, ?, ?)", (report.key, _text(report.expires), encode(report.body), *who))
                oldest = "select key from reports order by expires desc, key limit ? offset ?"
                run(f"delete from reports where key in ({oldest})", (PURGED, KEPT_REPORTS))
            for item in turn.taken:
                run(_SENT, (item,))
        return Committed(numbers, outbox, json.loads(result))

    def _personal(self, address: Address) -> Json:
        with self._db.atomic():
            return personal(self._db.conn.execute, address)

    def _purge(self, what: Kept, before: datetime, reduction: Reduction, limit: int) -> int:
        with _writing(self._db) as run:
            return purge(run, what, before, reduction, limit)

    def _emptied_log(self) -> None:
        """Write the log into the file and empty it: it holds what was there before, too. Where somebody reads, the next time does it."""
        (wait,) = self._db.execute("pragma busy_timeout").fetchone()
        self._db.execute("pragma busy_timeout = 0")
        self._db.execute("pragma wal_checkpoint(truncate)").fetchall()
        self._db.execute(f"pragma busy_timeout = {wait}")

    def _disconnect(self) -> None:
        with self._db:  # closes it
            self._db.execute("pragma wal_checkpoint(truncate)")


def _connect(path: Path, wait: float) -> Database:
    """An open database with this program's schema; closed again when that fails."""
    connection = sqlite3.connect(path.absolute(), timeout=wait)  # absolute, for a plain ":memory:" would keep nothing
    try:
        db = Database(connection, execute_plugins=False)
        db.execute("pragma synchronous = full")  # in WAL mode, less would lose the last commits at a power cut
        db.execute("pragma foreign_keys = on")
        db.execute("pragma secure_delete = on")  # what is deleted is overwritten
        steps = Migrations("yuanqitong")
        for step in STEPS:
            steps(name=step.__name__)(step)
        with _writing(db):
            applied = {step.name for step in steps.applied(db)}
            if newer := applied - {step.__name__ for step in STEPS}:
                raise StoreError(f"数据库 {path} 由更新版本的程序写成（多出 {'、'.join(sorted(newer))}）。请升级程序，或换用升级前的备份。")
            if not applied and db.table_names():
                raise StoreError(f"数据库 {path} 里已有别的程序的表。请换一个路径，不要与别的程序共用文件。")
            steps.apply(db)
            # On a read-only file "begin immediate" quietly only reads; a write shows it, even one that changes no row.
            db.execute("delete from messages where false")
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


@contextmanager
def _writing(db: Database) -> Iterator[Callable[..., sqlite3.Cursor]]:
    """A write transaction. It takes the lock before its first read (`atomic` doesn't), so what was checked still holds when written."""
    db.conn.execute("begin immediate")
    try:
        yield db.conn.execute
        db.conn.execute("commit")
    except BaseException:
        db.rollback()
        raise


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turns SQLite's errors into a StoreError for the person who runs the service: what, where, how to mend it."""
    try:
        yield
    except UnicodeEncodeError as error:
        raise StoreError(f"数据库 {path}：文字里有不成对的代理字符，没有保存（{error}）。请在入口处先清理文字。") from error
    except sqlite3.Error as error:
        what, mend = _FAULTS.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, ("读写失败", "请检查磁盘和文件"))
        raise StoreError(f"数据库 {path}：{what}（{error}）。{mend}。") from error


_FAULTS = {
    sqlite3.SQLITE_CANTOPEN: ("打不开", "请检查路径：所在目录要存在（没有就先 mkdir -p），路径本身不能是目录，并且有读写权限"),
    sqlite3.SQLITE_NOTADB: ("不是 SQLite 数据库", "请换一个路径，或先把这个文件移开"),
    sqlite3.SQLITE_BUSY: ("正被另一个进程锁住", "请用 fuser 找出占用它的程序，停掉后再试"),
    sqlite3.SQLITE_READONLY: ("只读，不能写", "请给运行本程序的用户写权限（文件和所在目录都要），并检查磁盘是否只读挂载"),
    sqlite3.SQLITE_FULL: ("磁盘已满，没有保存", "请腾出空间后再试"),
    sqlite3.SQLITE_CORRUPT: ("文件已损坏", "请停掉程序，从备份恢复"),
    sqlite3.SQLITE_CONSTRAINT: ("内容互相矛盾，没有保存", "通知指向的请求必须存在：请先创建请求，或改正编号"),
}
