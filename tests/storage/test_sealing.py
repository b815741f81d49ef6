"""What is stored can be read with a key only: nowhere in the clear, keys changed under way, and a key that is missing is named."""

from __future__ import annotations

import asyncio
import sqlite3
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from storage import backup
from storage.contract import Address, Commit, Committed, Conflict, NewReport, Seen, Store, StoreError, Unanswered
from storage.moving import move
from storage.postgres import PostgresStore
from storage.sealing import COLUMNS, PLAIN, KeyFormatError, Sealing, new_key
from storage.sqlite import SqliteStore
from tests.storage.test_contract import FOUNDER, NOON, OTHER, SECOND, committed, texts, visible
from tests.storage.test_personal import BODY, SECRET, lived

ONE, TWO = f"k1:{new_key()}", f"k2:{new_key()}"
FIRST, BOTH, SECOND_ONLY = Sealing.of(ONE), Sealing.of(f"{TWO},{ONE}"), Sealing.of(TWO)
Open = Callable[[Sealing], Awaitable[Store]]
Cells = Callable[[], Iterable[str]]


def texts_in_file(path: Path) -> Iterable[str]:
    """Every cell of every table of a file."""
    with closing(sqlite3.connect(path)) as file:
        for (table,) in file.execute("select name from sqlite_master where type = 'table'").fetchall():
            yield from (str(cell) for row in file.execute(f"select * from {table}") for cell in row)


def texts_in_database(url: str) -> Iterable[str]:
    """Every row of every table of a database."""
    with psycopg.connect(url) as db:
        for (table,) in db.execute("select tablename from pg_tables where schemaname = current_schema()").fetchall():
            yield from (str(cell) for row in db.execute(f"select * from {table}").fetchall() for cell in row)


@pytest.fixture(params=["sqlite", "postgres"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[Open, Cells]]:
    """Opens one and the same store with some keys, and reads all that lies in it."""
    stores: list[Store] = []
    url = request.getfixturevalue("fresh_postgres")() if request.param == "postgres" else ""

    async def opened(sealing: Sealing) -> Store:
        store: Store
        store = await (PostgresStore.open(url, sealing=sealing) if url else SqliteStore.open(tmp_path / "store.db", sealing=sealing))
        stores.append(store)
        return store

    yield opened, (lambda: texts_in_database(url)) if url else (lambda: texts_in_file(tmp_path / "store.db"))
    for store in stores:
        await store.close()


async def everything(store: Store) -> list[object]:
    """All that can be seen, with the results of updates and the report."""
    return [await visible(store), (await store.load(FOUNDER, "1 of 100")).seen, await store.report(f"key of {FOUNDER}", NOON)]


async def filled(store: Store) -> None:
    await lived(store)
    await lived(store, OTHER)
    await committed(store, unanswered=(SECRET, "甲", SECRET))


async def rotated(store: Store, limit: int = 2) -> int:
    """Rows that were sealed anew in one run."""
    return sum([some async for some in store.resealed(limit)])


async def test_nothing_personal_lies_in_the_clear(place: tuple[Open, Cells], tmp_path: Path) -> None:
    opened, cells = place
    store = await opened(FIRST)
    await filled(store)
    assert [c for c in cells() if SECRET in c or "甲" in c] == []
    for file in tmp_path.glob("store.db*"):
        assert SECRET.encode() not in file.read_bytes()
    assert await store.unanswered() == [Unanswered(SECRET, 2, NOON), Unanswered("甲", 1, NOON)]
    assert (await store.personal(FOUNDER))["conversation"] == BODY


async def test_every_column_that_holds_bodies_is_sealed_with_a_key_id(place: tuple[Open, Cells]) -> None:
    opened, cells = place
    store = await opened(FIRST)
    await filled(store)
    bodies = sum(c.startswith("sealed:k1:") for c in cells())
    kept = [await store.personal(a) for a in (FOUNDER, OTHER)]
    # two conversations, requests, updates and reports each; their messages, twice those to staff; two texts without an answer; the proof
    assert bodies == 2 * 4 + 2 * 6 + 2 + 1
    assert [len(k["messages"]) for k in kept] == [6, 6]


async def test_keys_can_be_set_later_and_changed_and_the_old_one_taken_away(place: tuple[Open, Cells]) -> None:
    opened, cells = place
    store = await opened(PLAIN)
    await filled(store)
    before = await everything(store)
    assert [c for c in cells() if SECRET in c]
    for sealing, gone in ((FIRST, SECRET), (BOTH, "sealed:k1:")):
        await store.close()
        store = await opened(sealing)
        assert await everything(store) == before, "what was there can still be read"
        assert await rotated(store) > 0
        assert await rotated(store) == 0
        assert [c for c in cells() if gone in c] == []
        assert await everything(store) == before
    await store.close()
    store = await opened(SECOND_ONLY)
    assert await everything(store) == before
    await committed(store, unanswered=("甲",))
    assert [u.count for u in await store.unanswered()] == [2, 2]
    assert await rotated(store) == 0
    with pytest.raises(StoreError, match="k2"):
        await opened(FIRST)


async def test_keys_change_while_people_talk(place: tuple[Open, Cells]) -> None:
    opened, cells = place
    old = await opened(FIRST)
    people = [Address("web", str(n), str(n)) for n in range(6)]
    for n in range(5):
        for address in people:
            await old.commit(Commit(address, NOON, str(n), {"text": SECRET}, {"n": n}, n, unanswered=(f"{n}",), result={"n": n}))
    await old.close()
    store = await opened(BOTH)

    async def talk(address: Address) -> None:
        for n in range(5, 20):
            read = (await store.load(address)).conversation
            turn = Commit(address, NOON, str(n), {"text": SECRET}, {"n": n}, read.revision, unanswered=("1",))
            assert isinstance(await store.commit(turn), Committed), "nothing of it makes a turn begin again"
            await asyncio.sleep(0)

    talks = asyncio.gather(*(talk(a) for a in people))
    assert await rotated(store, 10) > 0
    await talks
    while await rotated(store, 10):
        pass
    assert [c for c in cells() if "sealed:k1:" in c] == []
    await store.close()
    store = await opened(SECOND_ONLY)
    for address in people:
        assert (await store.load(address)).conversation.body == {"n": 19}
        assert len(await store.transcript(address)) == 20
        assert (await store.load(address, "3")).seen == {"n": 3}
    assert {u.text: u.count for u in await store.unanswered()} == {"1": 6 * 16, **{str(n): 6 for n in (0, 2, 3, 4)}}


async def test_a_missing_key_is_named_and_a_different_one_of_the_same_id_is_refused(place: tuple[Open, Cells]) -> None:
    opened, _ = place
    store = await opened(FIRST)
    await filled(store)
    await store.close()
    with pytest.raises(StoreError, match="用密钥 k1 加密的内容，DATA_KEYS 里没有"):
        await opened(PLAIN)
    with pytest.raises(StoreError, match="k1"):
        await opened(SECOND_ONLY)
    with pytest.raises(StoreError, match="不是同一个"):
        await opened(Sealing.of(f"k1:{new_key()}"))
    store = await opened(BOTH)
    assert (await store.load(FOUNDER, "1 of 100")).seen == BODY


async def test_a_repeated_update_is_seen_under_another_key(place: tuple[Open, Cells]) -> None:
    opened, _ = place
    store = await opened(FIRST)
    await filled(store)
    await store.close()
    store = await opened(BOTH)
    assert await store.commit(Commit(FOUNDER, NOON, update_id="1 of 100")) == Seen(BODY)
    read = (await store.load(FOUNDER)).requests[0]
    turn = Commit(FOUNDER, NOON + SECOND, erased=True, changed=(replace(read, body={"kept": 1}),))
    assert await store.commit(turn) != Conflict()
    assert (await store.request(read.number) or read).body == {"kept": 1}


async def test_words_that_look_sealed_are_words(place: tuple[Open, Cells]) -> None:
    opened, _ = place
    words = FIRST.seal(SECRET, "x")
    store = await opened(PLAIN)
    await committed(store, incoming={"text": words}, unanswered=(words,))
    assert texts(await store.transcript(FOUNDER)) == [words]
    assert [u.text.strip() for u in await store.unanswered()] == [words]


def test_a_sealed_text_opens_in_its_own_place_only() -> None:
    sealed = FIRST.seal(SECRET, "messages", "a", "b")
    assert FIRST.open(sealed, "messages", "a", "b") == SECRET
    assert FIRST.seal(SECRET, "messages", "a", "b") != sealed, "never the same twice"
    changed = f"{sealed[:-6]}{'A' if sealed[-6] != 'A' else 'B'}{sealed[-5:]}"
    for text, place in (
        (sealed, ("messages", "a", "c")),
        (sealed, ("messages", "ab")),
        (sealed, ("requests", "a", "b")),
        (changed, ("messages", "a", "b")),
    ):
        with pytest.raises(StoreError, match="打不开表") as caught:
            FIRST.open(text, *place)
        assert SECRET not in str(caught.value)


def test_a_digest_does_not_show_without_the_key_what_it_stands_for() -> None:
    digests = {sealing.digest("13812345678") for sealing in (PLAIN, FIRST, SECOND_ONLY)}
    assert len(digests) == 3
    assert BOTH.digest("甲") == SECOND_ONLY.digest("甲") != FIRST.digest("甲")


@pytest.mark.parametrize("key", [b"0123456789abcdef" * 2, bytes(32), b"\0\1" * 16, b"correct horse battery staple..... "[:32]])
def test_a_key_that_was_not_drawn_at_random_is_refused(key: bytes) -> None:
    with pytest.raises(KeyFormatError, match="不是随机的"):
        Sealing.of(f"k1:{b64encode(key).decode()}")


@pytest.mark.parametrize("text", ["k1", "k1:abc", f"K1:{new_key()}", f"k1:{new_key()}x", f"{ONE},{ONE}", f"k 1:{new_key()}", new_key()])
def test_keys_that_are_written_wrongly_are_refused_without_showing_them(text: str) -> None:
    with pytest.raises(KeyFormatError) as caught:
        Sealing.of(text)
    assert text.partition(":")[2][:20] not in str(caught.value) or ":" not in text
    assert Sealing.of("").first is None
    assert Sealing.of(f" {TWO} , {ONE},").names == ("k2", "k1")


async def test_a_sealed_installation_moves_and_is_backed_up_as_it_is(tmp_path: Path, fresh_postgres: Callable[[], str]) -> None:
    path, copy, url = tmp_path / "s.db", tmp_path / "copy.db", fresh_postgres()
    store = await SqliteStore.open(path, sealing=FIRST)
    await filled(store)
    before = await everything(store)
    backup.backup(path, copy)
    await store.close()
    backup.restore(copy, path, NOON, FIRST)
    for file in (copy, path):
        assert SECRET.encode() not in file.read_bytes()
    again = await SqliteStore.open(path, sealing=FIRST)
    assert await everything(again) == before
    await again.close()
    with pytest.raises(StoreError, match="k1"):
        await move(path, url)
    await move(path, url, BOTH)
    assert [c for c in texts_in_database(url) if SECRET in c] == []
    with pytest.raises(StoreError, match="k1"):
        await PostgresStore.open(url, sealing=SECOND_ONLY)
    moved = await PostgresStore.open(url, sealing=BOTH)
    assert await everything(moved) == before
    assert await rotated(moved) > 0
    assert await rotated(moved) == 0
    await moved.close()


async def test_the_columns_are_those_of_the_tables(tmp_path: Path) -> None:
    """Whoever adds a table or a column of texts says whether it is sealed, or why it need not be."""
    await (await SqliteStore.open(tmp_path / "s.db")).close()
    sealed = {(c.table, c.name) for c in COLUMNS} | {("unanswered", "text")}
    nobodys = {"prechecks", "ratings", "published", "sealing", "_sqlite_migrations"}
    names = {"channel", "chat", "person", "update_id", "number", "day", "kind", "state", "direction", "request", "key", "digest"}
    times = {"at", "created", "changed", "due", "last", "expires"}
    errors = {("messages", "error"), ("parked", "error")}  # what a channel's server answered, or a kind of error: neither repeats what was said
    with closing(sqlite3.connect(tmp_path / "s.db")) as file:
        tables = [t for (t,) in file.execute("select name from sqlite_master where type = 'table'") if t not in nobodys]
        found = {(t, row[1]) for t in tables for row in file.execute(f"pragma table_info({t})") if row[2].upper() == "TEXT"}
    assert {(t, c) for t, c in found - errors if c not in names | times} == sealed


async def test_reports_and_requests_that_go_by_age_can_be_read_for_it(place: tuple[Open, Cells]) -> None:
    opened, _ = place
    store = await opened(FIRST)
    await committed(store, reports=(NewReport("k", NOON, BODY),))
    assert (await store.personal(FOUNDER))["reports"] == [{"expires": NOON.isoformat(), "body": BODY}]
    assert await store.report("k", NOON - timedelta(days=1)) == BODY
