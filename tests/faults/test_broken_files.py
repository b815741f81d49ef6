"""A broken SQLite file, and its backup."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from tests.faults.conftest import Measured, Scale
from tests.faults.talkers import WORDS, Talkers
from tests.test_bot import run
from tests.test_workers import programs

PEOPLE, FIRST, TURNS = 12, 9000, 4


def broken_at(where: float, size: int) -> Callable[[Path], None]:
    """Overwrites so many bytes of a file, from this share of it on."""

    def damage(file: Path) -> None:
        with file.open("r+b") as opened:
            opened.seek(int(file.stat().st_size * where) // 4096 * 4096)
            opened.write(random.Random(20261125).randbytes(size))

    return damage


DAMAGES: dict[str, tuple[str, Callable[[Path], None]]] = {
    "header destroyed": (".db", broken_at(0, 4096)),
    "overwritten in the middle": (".db", broken_at(0.4, 256 * 1024)),
    "cut off in the middle": (".db", lambda file: os.truncate(file, file.stat().st_size // 2)),
    "head of the log destroyed": (".db-wal", broken_at(0, 32)),
    "log overwritten": (".db-wal", broken_at(0.02, 4096)),
}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with its backup, and with turns after that; as a program leaves it that is killed."""
    folder = tmp_path_factory.mktemp("sound")
    store, saved = folder / "yuanqitong.db", folder / "saved.db"

    async def fill() -> None:
        async with programs(1, folder, STORE=str(store)) as ((address, running),), httpx2.AsyncClient(timeout=20) as client:
            talkers = Talkers(client, [address], PEOPLE, FIRST)
            await talkers.talk(lambda: False, most=TURNS)
            run("backup", str(saved), STORE=str(store))
            await talkers.talk(lambda: False, most=TURNS)
            running.kill()
            await running.wait()

    asyncio.run(fill())
    return folder


def test_a_broken_file_is_noticed_and_a_backup_takes_its_place(sound: Path, tmp_path: Path, scale: Scale, measured: Measured) -> None:
    for damage in list(DAMAGES)[: scale(1, len(DAMAGES))]:
        folder = tmp_path / damage
        folder.mkdir()
        for file in sound.glob("yuanqitong.db*"):
            shutil.copy(file, folder)
        _noticed_and_restored(folder / "yuanqitong.db", sound / "saved.db", *DAMAGES[damage])
        done = "noticed, refused, restored; 0 turns of the backup lost"
        measured(f"SQLite file: {damage}", "noticed in words, never taken for a backup, restored by one command", done)


def _noticed_and_restored(store: Path, saved: Path, ending: str, destroy: Callable[[Path], None]) -> None:
    if ending == ".db":  # all of it is in the file itself
        with contextlib.closing(sqlite3.connect(store)) as file:
            file.execute("pragma wal_checkpoint(truncate)")
    destroy(store.with_suffix(ending))

    found, _ = run("doctor", STORE=str(store), expect=1)
    assert "✗" in found
    assert "restore" in found
    _, refused = run("backup", str(store.with_name("new.db")), STORE=str(store), expect=2)
    assert "restore" in refused, "a broken file is never taken for a backup"
    out, _ = run("restore", str(saved), STORE=str(store))
    assert "恢复好了" in out

    async def go_on() -> None:
        async with programs(1, store.parent, STORE=str(store)) as ((address, _),), httpx2.AsyncClient(timeout=20) as client:
            talkers = Talkers(client, [address], PEOPLE, FIRST)
            for person in range(FIRST, FIRST + PEOPLE):
                talkers.taken[person] = [f"{WORDS} {number}" for number in range(TURNS)]
            await talkers.talk(lambda: False, most=2)
            assert await talkers.lost_and_doubled() == (0, 0), "what the backup has, and what is said now"

    asyncio.run(go_on())
