"""Backups of a running store: whole, checked, and put back in the place of a broken one."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from storage.backup import backup, check, checksum_file, restore
from storage.contract import Address, Commit, StoreError
from storage.sqlite import SqliteStore
from tests.handlers.serving import until

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
FOUNDER = Address("web", "1", "1")


async def said(path: Path) -> list[str]:
    store = await SqliteStore.open(path)
    lines = [line.body["text"] for line in await store.transcript(FOUNDER, 10_000)]
    await store.close()
    return lines


async def test_a_backup_taken_under_load_is_one_moment_of_the_store(tmp_path: Path) -> None:
    store, done = await SqliteStore.open(tmp_path / "s.db"), 0

    async def load() -> None:
        nonlocal done
        for n in range(300):
            await store.commit(Commit(FOUNDER, NOON, incoming={"text": f"{n}?"}, replies=({"text": f"{n}!"},)))
            done += 1

    writing = asyncio.create_task(load())
    await until(lambda: done >= 50)
    before = done
    await asyncio.to_thread(backup, tmp_path / "s.db", tmp_path / "copy.db")
    await writing
    await store.close()
    check(tmp_path / "copy.db")
    lines = await said(tmp_path / "copy.db")
    assert before * 2 <= len(lines) <= 600
    assert lines == [text for n in range(len(lines) // 2) for text in (f"{n}?", f"{n}!")], "no turn in halves"


async def test_a_broken_store_is_replaced_and_kept_aside(tmp_path: Path) -> None:
    path, copy = tmp_path / "s.db", tmp_path / "copy.db"
    store = await SqliteStore.open(path)
    await store.commit(Commit(FOUNDER, NOON, incoming={"text": "问"}))
    await store.close()
    backup(path, copy)
    path.write_bytes(b"\x00" * 4096)
    aside = restore(copy, path, NOON)
    assert aside is not None
    assert aside.read_bytes() == b"\x00" * 4096
    assert await said(path) == ["问"]
    assert restore(copy, tmp_path / "new" / "s.db", NOON) is None
    assert await said(tmp_path / "new" / "s.db") == ["问"]


async def test_a_write_ahead_log_of_the_old_store_is_not_read_into_the_restored_one(tmp_path: Path) -> None:
    path, copy = tmp_path / "s.db", tmp_path / "copy.db"
    store = await SqliteStore.open(path)
    await store.commit(Commit(FOUNDER, NOON, incoming={"text": "早"}))
    backup(path, copy)
    await store.commit(Commit(FOUNDER, NOON, incoming={"text": "晚"}))
    frozen = {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.name.startswith("s.db")}
    await store.close()
    for name, data in frozen.items():  # as a killed program leaves them
        (tmp_path / name).write_bytes(data)
    assert (tmp_path / "s.db-wal").stat().st_size > 0
    restore(copy, path, NOON)
    assert await said(path) == ["早"]


async def test_sha256sum_agrees(tmp_path: Path) -> None:
    await (await SqliteStore.open(tmp_path / "s.db")).close()
    backup(tmp_path / "s.db", tmp_path / "copy.db")
    subprocess.run(["sha256sum", "--quiet", "-c", "copy.db.sha256"], cwd=tmp_path, check=True)


async def test_what_is_no_sound_backup_is_refused_and_nothing_is_touched(tmp_path: Path) -> None:
    path, copy = tmp_path / "s.db", tmp_path / "copy.db"
    await (await SqliteStore.open(path)).close()
    backup(path, copy)
    with pytest.raises(StoreError, match="已经有了"):
        backup(path, copy)
    with pytest.raises(StoreError, match="不存在"):
        backup(tmp_path / "none.db", tmp_path / "other.db")
    whole = copy.read_bytes()
    copy.write_bytes(whole[:-1] + b"\x01")
    with pytest.raises(StoreError, match="对不上"):
        restore(copy, path, NOON)
    checksum_file(copy).unlink()
    with pytest.raises(StoreError, match="两个文件要放在一起"):
        restore(copy, path, NOON)
    with closing(sqlite3.connect(tmp_path / "foreign.db")) as file:
        file.execute("create table mine (a)")
    with pytest.raises(StoreError, match="不是园企通的数据文件"):
        backup(tmp_path / "foreign.db", tmp_path / "foreign-copy.db")
    assert not list(tmp_path.glob("*.part"))
    assert not list(tmp_path.glob("*before*"))
    assert not (tmp_path / "foreign-copy.db").exists()
