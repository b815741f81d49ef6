"""Moving an installation from a SQLite file into an empty PostgreSQL: every row, counted on both sides."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path

from storage.contract import StoreError
from storage.postgres import PostgresStore
from storage.postgres_rows import Connection, rows
from storage.sealing import PLAIN, Sealing
from storage.sqlite import SqliteStore

_TABLES: Mapping[str, tuple[str, ...]] = {
    "conversations": ("channel", "chat", "person", "body", "revision"),
    "requests": ("number", "day", "counter", "channel", "chat", "person", "kind", "state", "created", "changed", "body", "revision"),
    "messages": ("id", "channel", "chat", "person", "direction", "body", "at", "request", "state", "attempts", "due", "error"),
    "updates": ("channel", "chat", "update_id", "result", "at", "person"),
    "unanswered": ("digest", "text", "count", "last"),
    "prechecks": ("id", "body"),
    "ratings": ("id", "body"),
    "reports": ("key", "expires", "body", "channel", "chat", "person"),
    "published": ("id", "version", "at", "files"),
    "parked": ("id", "channel", "chat", "person", "update_id", "body", "error", "at"),
}
"""What both have under the same names."""
_TIMES = {"created", "changed", "at", "due", "last", "expires"}


async def move(source: Path, target: str, sealing: Sealing = PLAIN) -> dict[str, int]:
    """Copy a store into a PostgreSQL, whole or not at all; the number of rows by table, checked on the other side. What is sealed stays so.

    StoreError where the target is not empty, or holds another number of rows afterwards.
    """
    await (await SqliteStore.open(source, sealing=sealing)).close()  # brings its tables up to date
    store = await PostgresStore.open(target, sealing=sealing)
    try:
        with closing(sqlite3.connect(source)) as file:
            file.execute("begin")  # one moment, even if somebody still writes
            async with store.transaction() as db:
                counts = {table: await _copied(file, db, table, columns) for table, columns in _TABLES.items()}
                await db.execute("insert into counters select day, max(counter) from requests group by day")
                for proof in file.execute("select key, proof from sealing"):
                    await db.execute("insert into sealing values (%s, %s) on conflict do nothing", proof)
                return counts
    finally:
        await store.close()


async def _copied(file: sqlite3.Connection, db: Connection, table: str, columns: tuple[str, ...]) -> int:
    if await rows(db, tuple, f"select 1 from {table} limit 1"):
        raise StoreError(f"目标数据库的表 {table} 里已有内容，没有搬。请换一个空的库。")
    count = 0
    async with db.cursor() as cursor, cursor.copy(f"copy {table} ({', '.join(columns)}) from stdin") as copy:
        for row in file.execute(f"select {', '.join(columns)} from {table}"):
            values = [datetime.fromisoformat(value) if name in _TIMES and value else value for name, value in zip(columns, row, strict=True)]
            await copy.write_row(values)
            count += 1
    ((there,),) = await rows(db, tuple, f"select count(*) from {table}")
    if there != count:
        raise StoreError(f"表 {table} 读出 {count} 行，写进 {there} 行，没有搬。请再试一次；还不行就联系开发人员。")
    if "id" in columns:
        await db.execute(f"select setval(pg_get_serial_sequence('{table}', 'id'), coalesce(max(id), 0) + 1, false) from {table}")
    return count
