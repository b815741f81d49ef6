"""What processes on one PostgreSQL do together: one leads, and each tells the others what is new."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import secrets
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from operator import attrgetter

import psycopg

from storage.buckets import drawn
from storage.contract import Address, Limit, StoreError
from storage.postgres_rows import Connection, rows

LOOK = 1.0
"""Seconds between looks for a connection that may be lost, and before another try."""
IDLE = 10
"""Seconds after which the database takes locks away from a process that stands still: within a transaction, or holding the lead."""
TOLD_AT_ONCE = 20
"""A notification holds 8,000 bytes."""
LET_GO = 500
"""One take in so many lets go of buckets that are full again."""
log = logging.getLogger(__name__)
_who = attrgetter("channel", "chat", "person")


class Together:
    """One process among those on a database. `connect` opens a connection of its own; `run` executes a statement on any."""

    def __init__(self, connect: Callable[[], Awaitable[Connection]], run: Callable[[str, tuple[str]], Awaitable[None]]) -> None:
        self._connect, self._run = connect, run
        self._process = secrets.token_hex(8)
        self._news: set[Address] = set()
        self._telling: asyncio.Task[None] | None = None

    async def close(self) -> None:
        """Finish telling."""
        if self._telling is not None:
            await self._telling

    async def lead(self, what: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do work that one process at a time may do: whose connection holds the lock. It is free as soon as that process has died."""
        key = int.from_bytes(hashlib.sha256(f"yuanqitong {what}".encode()).digest()[:8], signed=True)
        while True:
            try:
                async with await self._connect() as connection:
                    await connection.execute(f"set idle_session_timeout = '{IDLE}s'")  # the lead speaks every second
                    # Not `pg_advisory_lock`: who waits within a statement keeps every vacuum from its work.
                    while not (await rows(connection, tuple, "select pg_try_advisory_lock(%s)", (key,)))[0][0]:  # noqa: ASYNC110
                        await asyncio.sleep(LOOK)
                    if await while_connected(connection, work):
                        return
            except psycopg.Error as error:
                log.warning("数据库那边的带头（%s）断了或没拿到，接着再试：%s", what, error)
            await asyncio.sleep(LOOK)

    async def listen(self, ring: Callable[[Address], None]) -> None:
        """Ring for each person for whom another process stores something, until cancelled."""
        while True:
            try:
                async with await self._connect() as connection:
                    await connection.execute("listen yuanqitong")
                    async for notice in connection.notifies():
                        for address in self._told_of(notice.payload):
                            ring(address)
            except psycopg.Error as error:
                log.warning("暂时听不到别的进程的消息，改为隔一会儿看一次：%s", error)
            await asyncio.sleep(LOOK)

    def _told_of(self, payload: str) -> list[Address]:
        try:
            told = json.loads(payload)
            return [Address(*who) for who in told["to"]] if told["by"] != self._process else []
        except (ValueError, KeyError, TypeError):
            log.warning("数据库的通知频道 yuanqitong 里有别的程序在说话")
            return []

    def tell(self, addresses: set[Address]) -> None:
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
            log.warning("没有通知到别的进程，它们自己会看到", exc_info=True)


async def while_connected(connection: Connection, work: Callable[[], Awaitable[None]]) -> bool:
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


async def taken(db: Connection, limits: Sequence[Limit], now: datetime) -> float:
    """Take a token from each bucket, within one transaction, or say how many seconds to wait. Buckets that are full again are let go."""
    keys = sorted(limit.key for limit in limits)
    await db.execute("set local synchronous_commit = off")  # a crash may give tokens back
    await db.execute("insert into buckets select key, %s from unnest(%s::text[]) as key on conflict do nothing", (now, keys))
    found = await rows(db, tuple, "select key, full_at from buckets where key = any(%s) order by key for update", (keys,))
    changed, wait = drawn(limits, dict(found), now)
    if changed:
        sql = "update buckets b set full_at = t.at from unnest(%s::text[], %s::timestamptz[]) as t(key, at) where b.key = t.key"
        await db.execute(sql, ([*changed], [*changed.values()]))
    if secrets.randbelow(LET_GO) == 0:
        full = "select key from buckets where full_at <= %s order by key limit %s for update skip locked"
        await db.execute(f"delete from buckets where key in ({full})", (now, 2 * LET_GO))
    return wait
