"""A database that has grown is partitioned by the file in `deploy/`: nothing that was stored is lost, and only the partitions in question are read."""

from __future__ import annotations

from collections.abc import Callable

import psycopg

from storage.contract import Address, Commit
from storage.postgres import PostgresStore
from tests.postgres import partition
from tests.storage.test_contract import EVERYBODY, FOUNDER, NOON, committed, visible


async def test_what_was_stored_is_there_after_partitioning_and_ids_go_on(fresh_postgres: Callable[[], str]) -> None:
    url = fresh_postgres()
    store = await PostgresStore.open(url)
    for number, address in enumerate(EVERYBODY * 2):
        await committed(store, address, update_id=str(number), incoming={"text": str(number)}, replies=({"text": "一"}, {"text": "二"}), result={})
    before = await visible(store)
    await store.close()
    partition(url, size=7)
    store = await PostgresStore.open(url)
    try:
        assert await visible(store) == before
        last = max([item.id for address in EVERYBODY for item in await store.after(address, 0)])
        for number, address in enumerate(EVERYBODY * 2):
            assert (await store.load(address, str(number))).seen == {}, "an update that comes again is still known"
        found = [await committed(store, address, replies=({"text": "三"},)) for address in EVERYBODY * 3]
        assert [id_ for done in found for id_ in done.outbox] == sorted(id_ for done in found for id_ in done.outbox)
        assert found[0].outbox[0] == last + 1
    finally:
        await store.close()
    with psycopg.connect(url) as connection:
        held = {row[0] for row in connection.execute("select distinct tableoid::regclass::text from messages")}
        assert held == {"messages_first", "messages_second", "messages_later"}
        read = str(connection.execute("explain select * from messages where id = %s", (last + 1,)).fetchall())
        assert ("messages_first" in read, "messages_second" in read or "messages_later" in read) in ((True, False), (False, True))
        hashed = str(connection.execute("explain select * from updates where channel = 'telegram' and chat = '100' and update_id = '1'").fetchall())
        assert sum(f"updates_{n}" in hashed for n in range(4)) == 1


async def test_an_old_partition_is_taken_out_while_talks_go_on(fresh_postgres: Callable[[], str]) -> None:
    url = fresh_postgres()
    store = await PostgresStore.open(url)
    await committed(store, replies=({"text": "旧"},))
    await store.close()
    partition(url, size=1)
    store = await PostgresStore.open(url)
    try:
        await store.commit(Commit(FOUNDER, NOON, replies=({"text": "新"},)))
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("drop table messages_later")  # with a default partition, others wait while one is taken out
            connection.execute("create table messages_third partition of messages for values from (3) to (1000)")
            connection.execute("alter table messages detach partition messages_first concurrently")
        await store.commit(Commit(FOUNDER, NOON, replies=({"text": "更新"},)))
        assert [item.body["text"] for item in await store.after(FOUNDER, 0)] == ["新", "更新"]
        assert await store.after(Address("telegram", "none", "none"), 0) == []
    finally:
        await store.close()
