"""Keys in PostgreSQL: which of them sealed something in a database, and putting everything under the one that seals now."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, TypeVarTuple

from psycopg import errors

from storage.postgres_rows import Connection, Row, T, rows
from storage.sealing import COLUMNS, Column, Sealing, moment

_Ts = TypeVarTuple("_Ts")
Transaction = Callable[[], AbstractAsyncContextManager[Connection]]


async def check_keys(db: Connection, sealing: Sealing, name: str) -> None:
    """StoreError where a key that was used here is missing or another; the one that seals now is noted."""
    async with db.transaction():  # where it is refused, nothing is noted
        if proof := sealing.proof():
            await db.execute("insert into sealing values (%s, %s) on conflict do nothing", proof)
        sealing.check(dict(await rows(db, tuple, "select key, proof from sealing")), f"数据库 {name}")


async def resealed(transaction: Transaction, sealing: Sealing, limit: int) -> AsyncIterator[int]:
    """Seal anew what is not under the key that seals now, step by step; how many rows each step changed."""
    total, changed = 0, 1
    for column in COLUMNS:
        after: Row | None = ()
        while after is not None:
            changed, after = await _step(transaction, _reseal, sealing, column, after, limit)
            total += changed
            yield changed
    changed = 1
    while changed:
        changed = await _step(transaction, _reseal_unanswered, sealing, limit)
        total += changed
        yield changed
    if not total:
        async with transaction() as db:
            await db.execute("delete from sealing where key <> %s", (sealing.first,))


async def _step(transaction: Transaction, work: Callable[[Connection, *_Ts], Awaitable[T]], *arguments: *_Ts) -> T:
    while True:
        try:
            async with transaction() as db:
                return await work(db, *arguments)
        except (errors.DeadlockDetected, errors.SerializationFailure):  # with what was just claimed for delivery
            continue


async def _reseal(db: Connection, sealing: Sealing, column: Column, after: Row, limit: int) -> tuple[int, Row | None]:
    """The next rows of a table: how many were sealed anew, and where to go on. A row that somebody changes meanwhile is under the new key by that."""
    key, count = ", ".join(column.key), len(column.key)
    beyond = f"where ({key}) > ({', '.join(['%s'] * count)})" if after else ""
    sql = f"select {key}, {column.name}, {', '.join(column.bound)} from {column.table} {beyond} order by {key} limit %s"
    found = await rows(db, tuple, sql, (*after, limit))
    changed = 0
    for row in found:
        stored, bound = row[count], [_text(value) for value in row[count + 1 :]]
        if not sealing.is_current(stored):
            again = sealing.seal(sealing.open(stored, column.table, *bound), column.table, *bound)
            same = " and ".join(f"{name} = %s" for name in (*column.key, column.name))
            done = await db.execute(f"update {column.table} set {column.name} = %s where {same}", (again, *row[:count], stored))
            changed += done.rowcount
    return changed, found[-1][:count] if found else None


async def _reseal_unanswered(db: Connection, sealing: Sealing, limit: int) -> int:
    """The same for messages without an answer, whose digests change with the key."""
    if sealing.first is None:
        return 0
    sql = "select digest, text, count, last from unanswered where not starts_with(text, %s) order by digest limit %s for update"
    found = await rows(db, tuple, sql, (f"sealed:{sealing.first}:", limit))
    for digest, stored, count, last in found:
        text = sealing.open(stored, "unanswered", digest)
        again = sealing.digest(text)
        await db.execute("delete from unanswered where digest = %s", (digest,))
        merged = "on conflict (digest) do update set count = u.count + excluded.count, last = greatest(u.last, excluded.last)"
        values = (again, sealing.seal(text, "unanswered", again), count, last)
        await db.execute(f"insert into unanswered as u values (%s, %s, %s, %s) {merged}", values)
    return len(found)


def _text(value: Any) -> str:
    return moment(value) if isinstance(value, datetime) else str(value)
