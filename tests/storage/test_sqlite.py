"""What only SQLite can show: files that can't be had, other processes, and a process that is killed at any moment."""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from storage.contract import Address, Commit, Committed, Conflict, NewReport, NewRequest, Notice, OutboxItem, Publication, StoreError, Update
from storage.sqlite import SqliteStore
from storage.sqlite_schema import STEPS

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
FOUNDER = Address("telegram", "100", "100")
TURN = Commit(FOUNDER, NOON, conversation={"区域": "太仓"}, replies=({"text": "好"},))


def rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def content(path: Path) -> bytes:
    return path.read_bytes()


def permit(path: Path, mode: int) -> None:
    path.chmod(mode)


@contextmanager
def ordinary_user() -> Iterator[None]:
    """Root may write everywhere; as another user, permissions count."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@contextmanager
def locked(path: Path, how: str) -> Iterator[None]:
    """The file as another program holds it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"begin {how}")
        yield


# --- Opening ---


async def test_a_new_file_is_made_durable_and_checked(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "store.db")
    settings = ("journal_mode", "synchronous", "foreign_keys")
    values = await store._run(lambda: [store._db.execute(f"pragma {name}").fetchone()[0] for name in settings])
    assert values == ["wal", 2, 1]  # 2 is FULL
    await store.close()
    applied = rows(tmp_path / "store.db", "select migration_set, name from _sqlite_migrations")
    assert sorted(applied) == sorted(("yuanqitong", step.__name__) for step in STEPS)


async def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    schemas = []
    for _ in range(2):
        await (await SqliteStore.open(str(tmp_path / "store.db"))).close()
        schemas.append(rows(tmp_path / "store.db", "select * from sqlite_master") + rows(tmp_path / "store.db", "select * from _sqlite_migrations"))
    assert schemas[0] == schemas[1]


async def test_several_can_open_a_new_file_at_the_same_moment(tmp_path: Path) -> None:
    stores = await asyncio.gather(*(SqliteStore.open(tmp_path / "store.db") for _ in range(4)))
    answers = await asyncio.gather(*(store.commit(TURN) for store in stores))
    assert sorted(type(answer) is Committed for answer in answers) == [False, False, False, True]
    assert answers.count(Conflict()) == 3
    await asyncio.gather(*(store.close() for store in stores))


async def test_the_name_memory_is_a_file_like_any_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    await (await SqliteStore.open(":memory:")).close()
    assert (tmp_path / ":memory:").is_file()


async def refused(path: Path) -> str:
    """The message with which a path is refused; neither thread nor file stays open."""
    threads = set(threading.enumerate())
    with pytest.raises(StoreError) as caught:
        await SqliteStore.open(path, wait=0.05)
    for thread in set(threading.enumerate()) - threads:
        thread.join(5)
        assert not thread.is_alive()
    assert str(path) in str(caught.value)
    return str(caught.value)


async def test_a_missing_directory_is_named_with_the_way_to_make_it(tmp_path: Path) -> None:
    message = await refused(tmp_path / "没有" / "store.db")
    assert "打不开" in message and "mkdir" in message
    assert not (tmp_path / "没有").exists()


async def test_a_directory_is_not_a_database(tmp_path: Path) -> None:
    assert "路径本身不能是目录" in await refused(tmp_path)


async def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.write_text("facts: []\n" * 500, "utf-8")
    before = content(path)
    assert "不是 SQLite 数据库" in await refused(path)
    assert content(path) == before


async def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table messages (id)")
    before = content(path)
    assert "别的程序" in await refused(path)
    assert content(path) == before


async def test_a_locked_file_is_refused_with_the_way_to_find_who_locks_it(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with locked(path, "exclusive"):
        message = await refused(path)
        assert "另一个进程" in message and "fuser" in message
    await (await SqliteStore.open(path)).close()
    with locked(path, "immediate"):
        assert "另一个进程" in await refused(path)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder outside tmp_path, which only its owner can enter."""
    folder = Path(tempfile.mkdtemp())
    yield folder
    folder.chmod(0o777)
    shutil.rmtree(folder)


@pytest.mark.parametrize("mode", [0o555, 0o777])
async def test_a_file_without_write_permission_is_refused_with_what_to_permit(open_folder: Path, mode: int) -> None:
    path = open_folder / "store.db"
    await (await SqliteStore.open(path)).close()
    permit(path, 0o444)
    permit(open_folder, mode)
    with ordinary_user():
        message = await refused(path)
    assert "权限" in message
    assert "只读" in message or mode == 0o555  # there SQLite can't even make its log


async def test_the_schema_of_a_newer_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    await (await SqliteStore.open(path)).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("insert into _sqlite_migrations (migration_set, name) values ('yuanqitong', '_version_99')")
        connection.commit()
    message = await refused(path)
    assert "更新版本的程序" in message and "_version_99" in message and "升级" in message


async def test_a_store_of_the_first_release_is_brought_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.sqlite.STEPS", STEPS[:1])
    old = await SqliteStore.open(tmp_path / "store.db")
    done = await old.commit(Commit(FOUNDER, NOON, incoming={"text": "好"}, conversation={"a": 1}, created=(NewRequest("file", "new", {"x": 1}),)))
    assert isinstance(done, Committed)
    await old.close()
    monkeypatch.undo()
    store = await SqliteStore.open(tmp_path / "store.db")
    assert (await store.load(FOUNDER)).conversation.body == {"a": 1}
    assert [r.number for r in await store.requests()] == list(done.numbers)
    assert await store.prechecks() == []
    assert await store.ratings() == []
    await store.commit(Commit(FOUNDER, NOON, reports=(NewReport("key", NOON + timedelta(days=30), {"title": "报告"}),)))
    assert await store.report("key", NOON) == {"title": "报告"}
    await store.publish(Publication("v1", NOON, {"a.yaml": "x"}))
    assert [p.version for p in await store.published()] == ["v1"]
    await store.close()


async def test_a_step_of_the_schema_that_fails_leaves_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def _version_99(db: object) -> None:
        raise sqlite3.OperationalError("no such thing")

    monkeypatch.setattr("storage.sqlite.STEPS", (*STEPS, _version_99))
    assert "no such thing" in await refused(tmp_path / "store.db")
    assert rows(tmp_path / "store.db", "select name from sqlite_master") == []
    monkeypatch.undo()
    await (await SqliteStore.open(tmp_path / "store.db")).close()


# --- What is in the file ---


async def test_the_file_holds_plain_chinese_json_and_sortable_utc_times(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "store.db")
    await store.commit(
        Commit(FOUNDER, NOON.astimezone(timezone(timedelta(hours=8))), incoming={"text": "生物医药"}, created=(NewRequest("a", "new", {}),))
    )
    await store.close()
    assert rows(tmp_path / "store.db", "select body, at from messages") == [('{"text":"生物医药"}', "2026-11-22T04:00:00.000000+00:00")]


async def test_numbers_and_ids_go_on_after_reopening(tmp_path: Path) -> None:
    numbers, ids = list[str](), list[int]()
    for day in (0, 0, 1, 0):
        store = await SqliteStore.open(tmp_path / "store.db")
        answer = await store.commit(Commit(FOUNDER, NOON + timedelta(days=day), created=(NewRequest("a", "new", {}),), replies=({},)))
        assert isinstance(answer, Committed)
        numbers += answer.numbers
        ids += answer.outbox
        await store.close()
    assert numbers == ["YQ-261122-0001", "YQ-261122-0002", "YQ-261123-0001", "YQ-261122-0003"]
    assert ids == [1, 2, 3, 4]


async def test_closing_leaves_one_file_and_no_thread(tmp_path: Path) -> None:
    threads = threading.active_count()
    store = await SqliteStore.open(tmp_path / "store.db")
    await store.commit(TURN)
    assert "store.db-wal" in files(tmp_path)
    await store.close()
    assert files(tmp_path) == ["store.db"]
    assert threading.active_count() == threads
    # A copy of that one file is the whole store.
    shutil.copy(tmp_path / "store.db", tmp_path / "copy.db")
    copied = await SqliteStore.open(tmp_path / "copy.db")
    assert (await copied.load(FOUNDER)).conversation.body == {"区域": "太仓"}
    await copied.close()


async def test_closing_finishes_what_is_under_way_and_refuses_what_comes_later(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "store.db")
    turns = [asyncio.create_task(store.commit(Commit(Address("web", str(i), ""), NOON, incoming={"text": "在"}))) for i in range(20)]
    await asyncio.sleep(0)
    await asyncio.gather(store.close(), store.close())
    await store.close()
    assert {type(answer) for answer in await asyncio.gather(*turns)} == {Committed}
    with pytest.raises(StoreError, match="已经关闭"):
        await store.load(FOUNDER)
    assert rows(tmp_path / "store.db", "select count(*) from messages") == [(20,)]


# --- While it runs ---


async def test_a_turn_that_is_cancelled_is_stored_whole_or_not_at_all(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "store.db")
    for i in range(20):
        turn = asyncio.create_task(store.commit(Commit(FOUNDER, NOON, str(i), {"text": str(i)}, replies=({"text": str(i)},))))
        await asyncio.sleep(random.random() / 2000)
        turn.cancel()
        await asyncio.wait([turn])
    lines = await store.transcript(FOUNDER)
    seen = [str(i) for i in range(20) if (await store.load(FOUNDER, str(i))).seen is not None]
    assert [line.body["text"] for line in lines] == [text for text in seen for _ in "ab"]
    await store.close()


async def test_while_another_process_writes_a_commit_waits_and_then_says_why_it_failed(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "store.db", wait=0.05)
    with locked(tmp_path / "store.db", "immediate"):
        assert (await store.load(FOUNDER)).conversation.revision == 0
        with pytest.raises(StoreError, match="另一个进程锁住"):
            await store.commit(TURN)
    assert isinstance(await store.commit(TURN), Committed)
    await store.close()


async def test_a_full_disk_is_said_and_stores_nothing(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "store.db")
    await store._run(lambda: store._db.execute("pragma max_page_count = 1").fetchall())
    with pytest.raises(StoreError, match="磁盘已满"):
        await store.commit(Commit(FOUNDER, NOON, "7", conversation={"text": "长" * 100_000}, created=(NewRequest("a", "new", {}),)))
    await store._run(lambda: store._db.execute("pragma max_page_count = 1000000").fetchall())
    assert await store.requests() == [] and (await store.load(FOUNDER, "7")).seen is None
    assert isinstance(await store.commit(TURN), Committed)
    await store.close()


async def test_half_a_surrogate_pair_in_a_name_is_refused(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "store.db")
    with pytest.raises(StoreError, match="代理字符"):
        await store.commit(Commit(FOUNDER, NOON, incoming={"text": "好"}, unanswered=("\ud83d",)))
    assert await store.transcript(FOUNDER) == []
    await store.close()


# --- Killed at any moment ---

STAFF = Address("console", "staff", "staff")


async def work(path: Path, first: int) -> None:
    """Commits turns until it is killed, and says each one only once it is stored."""
    store = await SqliteStore.open(path)
    for turn in range(first, 1_000_000):
        revision = (await store.load(FOUNDER)).conversation.revision
        await store.commit(
            Commit(
                FOUNDER,
                NOON,
                update_id=str(turn),
                incoming={"turn": turn},
                conversation={"turn": turn},
                expected_revision=revision,
                replies=({"turn": turn, "part": 1}, {"turn": turn, "part": 2}),
                notices=(Notice(STAFF, {"turn": turn}, "{request}"),),
                created=(NewRequest("subsidy", "new", {"turn": turn, "number": "{request}"}),),
                unanswered=("问",),
                result={"turn": turn, "number": "{request}"},
            )
        )
        number = (await store.load(FOUNDER, str(turn))).seen
        os.write(1, json.dumps(number).encode() + b"\n")


def killed_after(path: Path, first: int, seconds: float) -> list[dict[str, object]]:
    """What a worker said before it was killed, `seconds` after its first commit."""
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-m", "tests.storage.test_sqlite", str(path), str(first)], cwd=root, stdout=subprocess.PIPE) as worker:
        assert worker.stdout is not None
        said = worker.stdout.readline()
        time.sleep(seconds)
        worker.send_signal(signal.SIGKILL)
        said += worker.stdout.read()
        assert worker.wait() == -signal.SIGKILL
    # The last line may be cut off: then its turn counts as not said.
    return [json.loads(line) for line in said.split(b"\n")[:-1]]


async def test_after_a_kill_nothing_that_was_said_is_missing_and_nothing_is_doubled(tmp_path: Path) -> None:
    path, said, moments = tmp_path / "store.db", list[dict[str, object]](), random.Random()
    for _ in range(8):
        # As a channel would, the next worker sends the first update again that nobody has confirmed.
        said += await asyncio.to_thread(killed_after, path, len(said), moments.uniform(0, 0.15))
        store = await SqliteStore.open(path)
        requests = (await store.requests(limit=1_000_000))[::-1]
        turns = list(range(len(requests)))
        assert len(said) <= len(turns) <= len(said) + 1
        stored = [{"turn": r.body["turn"], "number": r.number} for r in requests]
        assert stored[: len(said)] == said
        assert [(r.body, r.number) for r in requests] == [({"turn": i, "number": r.number}, f"YQ-261122-{i + 1:04}") for i, r in enumerate(requests)]
        lines = await store.transcript(FOUNDER, limit=1_000_000)
        assert [line.body["turn"] for line in lines if isinstance(line, Update)] == turns
        replies = [(line.body["turn"], line.body["part"]) for line in lines if isinstance(line, OutboxItem)]
        assert replies == [(turn, part) for turn in turns for part in (1, 2)]
        assert [(note.body["turn"], note.request) for note in (await store.load(STAFF)).waiting] == [(r["turn"], r["number"]) for r in stored]
        conversation = (await store.load(FOUNDER)).conversation
        assert (conversation.body, conversation.revision) == ({"turn": turns[-1]}, len(turns))
        assert [u.count for u in await store.unanswered()] == [len(turns)]
        assert [(await store.load(FOUNDER, str(turn))).seen for turn in (turns[-1], turns[-1] + 1)] == [stored[-1], None]
        await store.close()
        assert rows(path, "pragma integrity_check") == [("ok",)]
        assert rows(path, "pragma foreign_key_check") == []


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1]), int(sys.argv[2])))
