"""SQLite's files: what a crash leaves is taken up; a damaged log is refused and kept; a file that is gone is noticed before anything is lost."""

from __future__ import annotations

import asyncio
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from storage import sqlite_files
from storage.backup import backup, check_store
from storage.contract import Address, Commit, Committed, StoreError
from storage.sqlite import SqliteStore

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
FOUNDER = Address("web", "1", "1")
HEAD, FRAME = 32, 24 + 4096


@pytest.fixture
async def killed(tmp_path: Path) -> Path:
    """A store of ten turns, as a killed program leaves it."""
    store = await SqliteStore.open(tmp_path / "live.db")
    for n in range(10):
        await store.commit(Commit(FOUNDER, NOON, incoming={"text": str(n)}))
    for ending in ("", "-wal", "-shm"):
        shutil.copy(tmp_path / f"live.db{ending}", tmp_path / f"s.db{ending}")
    await store.close()
    return tmp_path / "s.db"


async def said(path: Path) -> list[str]:
    store = await SqliteStore.open(path)
    lines = [line.body["text"] for line in await store.transcript(FOUNDER)]
    await store.close()
    return lines


def overwrite(path: Path, at: int) -> None:
    with sqlite_files.log_of(path).open("r+b") as file:
        file.seek(at)
        file.write(b"\x55" * 16)


async def test_what_a_crash_leaves_is_taken_up(killed: Path) -> None:
    sqlite_files.check(killed)
    assert await said(killed) == [str(n) for n in range(10)]
    sqlite_files.check(killed)


async def test_a_last_turn_that_was_half_written_is_left_out(killed: Path) -> None:
    log = sqlite_files.log_of(killed)
    overwrite(killed, log.stat().st_size - 4096 + 8)
    assert await said(killed) == [str(n) for n in range(9)]


@pytest.mark.parametrize("at", [0, HEAD + FRAME + 100], ids=["its head", "an early page"])
async def test_a_damaged_log_is_refused_by_whoever_opens_it_and_kept(killed: Path, at: int) -> None:
    overwrite(killed, at)
    before = sqlite_files.log_of(killed).read_bytes()
    for _ in range(2):
        with pytest.raises(StoreError, match=r"s\.db-wal 坏了：里面有 \d+ 次保存读不出来。请用 python bot\.py restore 换上备份"):
            await SqliteStore.open(killed)
    with pytest.raises(StoreError, match="坏了"):
        backup(killed, killed.with_name("copy.db"))
    with pytest.raises(StoreError, match="坏了"):
        check_store(killed)
    assert sqlite_files.log_of(killed).read_bytes() == before


async def test_a_log_that_is_being_written_is_no_damage(tmp_path: Path) -> None:
    path, store = tmp_path / "s.db", await SqliteStore.open(tmp_path / "s.db")

    async def write() -> None:
        for n in range(300):
            await store.commit(Commit(FOUNDER, NOON, incoming={"text": "字" * 5000 + str(n)}))

    writing, looks = asyncio.create_task(write()), 0
    while not writing.done():
        await asyncio.to_thread(sqlite_files.check, path)
        looks += 1
    await writing
    assert looks > 10
    await store.close()


async def test_nothing_is_stored_in_a_file_that_was_moved_away_or_replaced(tmp_path: Path) -> None:
    path, aside, turn = tmp_path / "data" / "s.db", tmp_path / "aside", Commit(FOUNDER, NOON, incoming={"text": "问"})
    path.parent.mkdir()
    store = await SqliteStore.open(path)
    await store.commit(turn)
    path.parent.rename(aside)
    with pytest.raises(StoreError, match="不在原处了"):
        await store.commit(turn)
    path.parent.mkdir()
    shutil.copy(aside / "s.db", path)
    with pytest.raises(StoreError, match="换成了别的文件"):
        await store.commit(turn)
    shutil.rmtree(path.parent)
    aside.rename(path.parent)
    assert isinstance(await store.commit(turn), Committed)
    await store.close()
    assert await said(path) == ["问", "问"]
