"""An installation that outgrew its file: everything is found again in the database, and goes on from there."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from storage.contract import Address, Commit, Committed, NewReport, NewRequest, Notice, Parked, Publication, Seen, StoreError
from storage.moving import move
from storage.postgres import PostgresStore
from storage.sqlite import SqliteStore
from tests.storage.test_contract import EVERYBODY, visible

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
FOUNDER, OTHER = EVERYBODY[:2]
FILED = NewRequest("subsidy", "new", {"question": "补贴\x00"})


async def filled(path: Path) -> None:
    store = await SqliteStore.open(path)
    turn = Commit(FOUNDER, NOON, "7", {"text": "问"}, {"n": 1}, replies=({"text": "答 {request}"},), created=(FILED, FILED), result={"ok": True})
    await store.commit(turn)
    more = Commit(OTHER, NOON, incoming={"text": "\x00"}, unanswered=("乙\x00", "甲", "甲"), prechecks=({"a": 1},), ratings=({"b": 2},))
    await store.commit(more)
    notices = tuple(Notice(FOUNDER, {"text": str(n)}, "YQ-261122-0001") for n in range(3))
    await store.commit(Commit(OTHER, NOON, notices=notices, reports=(NewReport("k", NOON + timedelta(days=30), {"page": 1}),)))
    first, second, _ = (await store.load(FOUNDER)).waiting
    await store.postpone(first.id, NOON + timedelta(hours=1), "断网")
    await store.fail(second.id, "拉黑")
    await store.publish(Publication("v1", NOON, {"a.yaml": "a: 1"}))
    await store.park(Parked(FOUNDER, "9", {"text": "?"}, "ValueError()", NOON))
    await store.close()


async def test_everything_is_found_again_and_goes_on_where_it_was(tmp_path: Path, fresh_postgres: Callable[[], str]) -> None:
    path, url = tmp_path / "s.db", fresh_postgres()
    await filled(path)
    counts = await move(path, url)
    with closing(sqlite3.connect(path)) as file:
        assert counts == {table: file.execute(f"select count(*) from {table}").fetchone()[0] for table in counts}
    assert min(counts.values()) > 0, "each table was tried"
    old, new = await SqliteStore.open(path), await PostgresStore.open(url)
    assert await visible(new) == await visible(old)
    assert await new.prechecks() == await old.prechecks()
    assert await new.ratings() == await old.ratings()
    assert await new.published() == await old.published()
    assert await new.report("k", NOON) == {"page": 1}
    assert (await new.load(FOUNDER, "7")).seen == {"ok": True}
    for store in (old, new):
        done = await store.commit(
            Commit(FOUNDER, NOON, "8", conversation={"n": 2}, expected_revision=1, replies=({"text": "{request}"},), created=(FILED,))
        )
        assert isinstance(done, Committed)
        assert done.numbers == ("YQ-261122-0003",)
        assert isinstance(await store.commit(Commit(FOUNDER, NOON, "7")), Seen)
        await store.commit(Commit(OTHER, NOON, unanswered=("甲",), prechecks=({"a": 2},)))
    assert await visible(new) == await visible(old)
    await old.close()
    await new.close()


async def test_a_database_with_something_in_it_is_left_alone(tmp_path: Path, fresh_postgres: Callable[[], str]) -> None:
    path, url = tmp_path / "s.db", fresh_postgres()
    await filled(path)
    await move(path, url)
    with pytest.raises(StoreError, match="已有内容"):
        await move(path, url)


async def test_a_move_that_fails_midway_leaves_nothing(tmp_path: Path, fresh_postgres: Callable[[], str]) -> None:
    path, url = tmp_path / "s.db", fresh_postgres()
    await filled(path)
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("update published set at = 'no time'")
    with pytest.raises(ValueError, match="no time"):
        await move(path, url)
    store = await PostgresStore.open(url)
    assert await store.requests() == []
    assert await store.after(Address("telegram", "100", "100"), 0) == []
    await store.close()
