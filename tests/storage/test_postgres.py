"""What only several processes on one PostgreSQL can show: one order a chat, one numbering, one leader, news, connections that die."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from storage.contract import Address, Commit, Committed, Limit, NewRequest, Notice, Seen, StoreError
from storage.postgres import PostgresStore

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
FOUNDER, OTHER = Address("telegram", "100", "100"), Address("telegram", "200", "200")
FILED = NewRequest("subsidy", "new", {"question": "补贴"})


@pytest.fixture
def url(fresh_postgres: Callable[[], str]) -> str:
    return fresh_postgres()


@pytest.fixture
async def workers(url: str) -> AsyncIterator[list[PostgresStore]]:
    """Four processes, as far as the database can tell."""
    stores = await asyncio.gather(*(PostgresStore.open(url) for _ in range(4)))
    yield list(stores)
    await asyncio.gather(*(store.close() for store in stores))


def texts(items: object) -> list[str]:
    return [item.body["text"] for item in items]  # type: ignore[attr-defined]


async def test_workers_that_start_at_once_make_the_tables_once(url: str) -> None:
    stores = await asyncio.gather(*(PostgresStore.open(url) for _ in range(8)))
    for store in stores:
        assert await store.requests() == []
        await store.close()


async def test_of_several_commits_on_one_revision_one_counts(workers: list[PostgresStore]) -> None:
    for revision in range(5):
        turns = [Commit(FOUNDER, NOON, str(revision * 10 + n), {"n": n}, {"n": n}, revision, ({"text": str(n)},)) for n in range(4)]
        done = await asyncio.gather(*(store.commit(turn) for store, turn in zip(workers, turns, strict=True)))
        assert sorted(type(d).__name__ for d in done) == ["Committed", "Conflict", "Conflict", "Conflict"]
        winner = next(n for n, d in enumerate(done) if isinstance(d, Committed))
        assert (await workers[0].load(FOUNDER)).conversation.body == {"n": winner}
    assert len(await workers[0].after(FOUNDER, 0)) == 5


async def test_of_several_commits_of_one_update_one_counts_and_the_others_get_its_result(workers: list[PostgresStore]) -> None:
    for update in map(str, range(10)):
        turns = [Commit(FOUNDER, NOON, update, {"text": "问"}, replies=({"text": update},), created=(FILED,), result={"n": n}) for n in range(4)]
        done = await asyncio.gather(*(store.commit(turn) for store, turn in zip(workers, turns, strict=True)))
        (first,) = (d for d in done if isinstance(d, Committed))
        assert [d.result for d in done if isinstance(d, Seen)] == [first.result] * 3
    assert texts(await workers[0].after(FOUNDER, 0)) == [str(n) for n in range(10)]


async def test_requests_of_a_day_are_numbered_without_a_gap_whoever_files_them(workers: list[PostgresStore]) -> None:
    people = [Address("web", str(n), str(n)) for n in range(20)]
    turns = (store.commit(Commit(who, NOON, created=(FILED,) * (1 + n % 2))) for n, who in enumerate(people) for store in [workers[n % 4]])
    done = await asyncio.gather(*turns)
    numbers = sorted(number for d in done if isinstance(d, Committed) for number in d.numbers)
    assert numbers == [f"YQ-261122-{n:04}" for n in range(1, 31)]


async def test_what_becomes_visible_later_has_a_higher_id(workers: list[PostgresStore]) -> None:
    """Who reads on from the last id that they saw misses nothing, however many write to them at the same time."""
    read: list[int] = []

    async def reader() -> None:
        while len(read) < 200:
            read.extend(item.id for item in await workers[0].after(FOUNDER, read[-1] if read else 0))
            await asyncio.sleep(0)

    async def writer(store: PostgresStore, name: str) -> None:
        for n in range(50):
            sender = Address("desk", name, name) if n % 2 else FOUNDER
            notices = (Notice(FOUNDER, {"text": f"{name}{n}"}),)
            assert isinstance(await store.commit(Commit(sender, NOON, notices=notices)), Committed)

    async with asyncio.timeout(60):
        await asyncio.gather(reader(), *(writer(store, str(n)) for n, store in enumerate(workers)))
    assert read == sorted(set(read))
    assert len(read) == 200


async def test_two_who_write_to_each_other_never_wait_for_ever(workers: list[PostgresStore]) -> None:
    async def writer(store: PostgresStore, one: Address, other: Address) -> None:
        for n in range(40):
            done = await store.commit(Commit(one, NOON, notices=(Notice(other, {"text": str(n)}), Notice(one, {"text": str(n)}))))
            assert isinstance(done, Committed)

    async with asyncio.timeout(30):
        await asyncio.gather(*(writer(s, *pair) for s, pair in zip(workers, [(FOUNDER, OTHER), (OTHER, FOUNDER)] * 2, strict=True)))
    assert len(await workers[0].after(FOUNDER, 0, 1000)) == 160


# --- the outbox


async def test_each_chat_is_delivered_by_one_worker_at_a_time_and_in_order(workers: list[PostgresStore]) -> None:
    chats = [Address("telegram", str(n), str(n)) for n in range(12)]
    for n in range(8):
        for who in chats:
            await workers[0].commit(Commit(who, NOON, replies=({"text": str(n)},)))
    sent: dict[str, list[str]] = {who.chat: [] for who in chats}
    busy: set[str] = set()

    async def sender(store: PostgresStore) -> None:
        for n in range(400):
            items = await store.claim(["telegram"], NOON, MINUTE, 3)
            chats_of = {item.address.chat: [i for i in items if i.address.chat == item.address.chat] for item in items}
            assert not chats_of.keys() & busy, "another worker has this chat"
            busy.update(chats_of)
            for chat, queue in chats_of.items():
                for item in queue[: n % 8]:
                    await asyncio.sleep(0)
                    sent[chat].append(item.body["text"])
                    await store.sent(item.id)
                busy.remove(chat)
                for item in queue[n % 8 : n % 8 + 1]:  # the worker can't go on with this chat, and gives it back
                    await store.postpone(item.id, NOON, "later")
            if all(len(got) == 8 for got in sent.values()):
                return

    async with asyncio.timeout(60):
        await asyncio.gather(*map(sender, workers))
    assert sent == {who.chat: [str(n) for n in range(8)] for who in chats}


async def test_what_a_dead_worker_held_is_delivered_by_another_after_a_while(workers: list[PostgresStore]) -> None:
    await workers[0].commit(Commit(FOUNDER, NOON, replies=({"text": "1"}, {"text": "2"})))
    await workers[0].commit(Commit(OTHER, NOON, replies=({"text": "3"},)))
    lease = timedelta(seconds=0.5)
    assert texts(await workers[0].claim(["telegram"], NOON, lease, 1)) == ["1", "2"]
    assert texts(await workers[1].claim(["telegram"], NOON, lease)) == ["3"]
    assert await workers[2].claim(["telegram"], NOON + timedelta(days=1), lease) == [], "claims go by the database's clock"
    await asyncio.sleep(0.6)
    assert texts(await workers[2].claim(["telegram"], NOON, lease)) == ["1", "2", "3"]


async def test_what_a_worker_lets_go_of_is_anybodys_at_once(workers: list[PostgresStore]) -> None:
    await workers[0].commit(Commit(FOUNDER, NOON, replies=({"text": "1"}, {"text": "2"})))
    first, second = await workers[0].claim(["telegram"], NOON, MINUTE)
    await workers[0].sent(first.id)
    await workers[0].release([second.id])
    assert texts(await workers[1].claim(["telegram"], NOON, MINUTE)) == ["2"]


async def test_a_message_that_becomes_visible_late_gives_nobody_the_chat_of_another(workers: list[PostgresStore], url: str) -> None:
    group = [Address("telegram", "-5", person) for person in "12"]
    await workers[0].commit(Commit(group[0], NOON, conversation={}))
    async with await psycopg.AsyncConnection.connect(url) as slow:
        words = """insert into messages (channel, chat, person, direction, body, at, state)
        values ('telegram', '-5', '1', 'reply', '{"text":"1"}', %s, 'waiting')"""
        await slow.execute(words, (NOON,))  # it has its id, and nobody sees it yet
        await workers[0].commit(Commit(group[1], NOON, replies=({"text": "2"},)))
        (second,) = await workers[0].claim(["telegram"], NOON, MINUTE)
        await slow.commit()
    assert await workers[1].claim(["telegram"], NOON, MINUTE) == []
    await workers[0].sent(second.id)
    assert texts(await workers[1].claim(["telegram"], NOON, MINUTE)) == ["1"]


async def test_who_waits_for_the_lead_keeps_no_vacuum_from_its_work(workers: list[PostgresStore], url: str) -> None:
    async def work() -> None:
        await asyncio.Event().wait()

    leading = [asyncio.create_task(store.lead("purge", work)) for store in workers[:2]]
    await asyncio.sleep(1.5)
    with psycopg.connect(url) as watch:
        held = "select count(*) from pg_stat_activity where backend_xmin is not null and pid <> pg_backend_pid() and datname = current_database()"
        assert watch.execute(held).fetchone() == (0,)
    for task in leading:
        task.cancel()
    await asyncio.gather(*leading, return_exceptions=True)


async def test_token_buckets_are_shared_by_all_workers(workers: list[PostgresStore]) -> None:
    limit = Limit("telegram", 1, 10)
    waits = await asyncio.gather(*(store.take([limit, Limit(f"chat {n}", 1, 5)], NOON) for store in workers for n in range(10)))
    assert waits.count(0.0) == 10
    assert all(wait == 1.0 for wait in waits if wait)


async def test_a_message_that_waits_for_a_retry_holds_back_its_chat_and_no_other(workers: list[PostgresStore]) -> None:
    await workers[0].commit(Commit(FOUNDER, NOON, replies=({"text": "1"}, {"text": "2"})))
    first, _ = await workers[0].claim(["telegram"], NOON, MINUTE)
    await workers[0].postpone(first.id, NOON + MINUTE / 4, "429")
    await workers[0].commit(Commit(OTHER, NOON, replies=({"text": "3"},)))
    assert texts(await workers[1].claim(["telegram"], NOON, MINUTE)) == ["3"]
    again = await workers[1].claim(["telegram"], NOON + MINUTE / 4, MINUTE)
    assert [(item.body["text"], item.attempts) for item in again] == [("1", 1), ("2", 0)], "and what follows is not held any longer than it"


# --- together


async def test_one_leads_and_the_next_takes_over_when_it_is_gone(workers: list[PostgresStore]) -> None:
    leading, led = list[int](), asyncio.Semaphore(0)

    async def work(number: int) -> None:
        leading.append(number)
        led.release()
        await asyncio.Event().wait()

    jobs = [asyncio.create_task(store.lead("telegram", functools.partial(work, n))) for n, store in enumerate(workers)]
    for turn in range(1, 4):
        async with asyncio.timeout(5):
            await led.acquire()
        await asyncio.sleep(0.1)
        assert len(leading) == turn
        jobs[leading[-1]].cancel()
    for job in jobs:
        job.cancel()
    await asyncio.gather(*jobs, return_exceptions=True)
    assert len(set(leading)) == len(leading)


async def test_work_whose_lead_is_lost_is_stopped_and_begun_again(workers: list[PostgresStore], url: str) -> None:
    begun, stopped = asyncio.Queue[None](), asyncio.Queue[None]()

    async def work() -> None:
        begun.put_nowait(None)
        try:
            await asyncio.Event().wait()
        finally:
            stopped.put_nowait(None)

    job = asyncio.create_task(workers[0].lead("telegram", work))
    async with asyncio.timeout(10):
        await begun.get()
        with psycopg.connect(url, autocommit=True) as connection:
            held = "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted"
            assert connection.execute(held).fetchall()
        await stopped.get()
        await begun.get()
    job.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await job


async def test_work_that_ends_or_fails_ends_the_lead(workers: list[PostgresStore]) -> None:
    async def fine() -> None:
        return

    async def refused() -> None:
        raise RuntimeError("the token was refused")

    await workers[0].lead("telegram", fine)
    with pytest.raises(RuntimeError, match="refused"):
        await workers[1].lead("telegram", refused)
    await workers[2].lead("telegram", fine)


async def test_each_worker_hears_what_the_others_store_and_not_its_own(workers: list[PostgresStore]) -> None:
    heard = [asyncio.Queue[Address](), asyncio.Queue[Address]()]
    jobs = [asyncio.create_task(store.listen(news.put_nowait)) for store, news in zip(workers, heard, strict=False)]
    await asyncio.sleep(0.3)
    await workers[0].commit(Commit(FOUNDER, NOON, replies=({"text": "1"},), notices=(Notice(OTHER, {"text": "2"}),)))
    async with asyncio.timeout(5):
        assert {await heard[1].get(), await heard[1].get()} == {FOUNDER, OTHER}
    assert heard[0].empty()
    for job in jobs:
        job.cancel()
    await asyncio.gather(*jobs, return_exceptions=True)


# --- what goes wrong


async def test_words_of_other_programs_on_our_channel_end_nothing(workers: list[PostgresStore], url: str) -> None:
    heard = asyncio.Queue[Address]()
    listening = asyncio.create_task(workers[1].listen(heard.put_nowait))
    await asyncio.sleep(0.3)
    with psycopg.connect(url, autocommit=True) as other:
        for payload in ("", "hello", "[]", '{"by": 1}', '{"by": 1, "to": [["telegram"]]}'):
            other.execute("select pg_notify('yuanqitong', %s)", (payload,))
    await workers[0].commit(Commit(FOUNDER, NOON, replies=({"text": "1"},)))
    async with asyncio.timeout(5):
        assert await heard.get() == FOUNDER
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


async def test_connections_that_die_are_replaced(workers: list[PostgresStore], url: str) -> None:
    store = workers[0]
    await store.commit(Commit(FOUNDER, NOON, conversation={"n": 1}))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'")
    assert (await store.load(FOUNDER)).conversation.body == {"n": 1}
    assert isinstance(await store.commit(Commit(FOUNDER, NOON, conversation={"n": 2}, expected_revision=1)), Committed)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("postgresql://nobody@127.0.0.1:1/none", "连不上或断开了"),
        ("postgresql://user:p@ss@127.0.0.1:port/x", "DATABASE_URL 的写法不对"),
        ("postgresql://127.0.0.1/x?no_such_option=1", "DATABASE_URL 的写法不对"),
    ],
)
async def test_an_address_that_leads_nowhere_is_told_without_its_password(address: str, words: str) -> None:
    with pytest.raises(StoreError, match=words) as told:
        await PostgresStore.open(address, wait=1)
    assert "p@ss" not in str(told.value)


async def test_a_database_of_another_program_is_left_alone(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create table conversations (mine text)")
    with pytest.raises(StoreError, match="已有别的程序的表"):
        await PostgresStore.open(url)
    with psycopg.connect(url, autocommit=True) as connection:
        assert connection.execute(
            "select count(*) from pg_tables where tablename = 'yuanqitong_schema' and schemaname = current_schema()"
        ).fetchone() == (0,)


async def test_a_database_of_a_later_release_is_refused(url: str) -> None:
    await (await PostgresStore.open(url)).close()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("insert into yuanqitong_schema (step) values (99)")
    with pytest.raises(StoreError, match="请升级程序"):
        await PostgresStore.open(url)


async def test_a_closed_store_says_so(url: str) -> None:
    store = await PostgresStore.open(url)
    await store.close()
    await store.close()
    with pytest.raises(StoreError, match="已经关闭"):
        await store.requests()


async def test_a_row_that_somebody_holds_too_long_is_told(workers: list[PostgresStore], url: str) -> None:
    store = await PostgresStore.open(url, wait=0.5)
    await store.commit(Commit(FOUNDER, NOON, conversation={"n": 1}))
    with psycopg.connect(url) as connection:
        connection.execute("select 1 from conversations for update")
        with pytest.raises(StoreError, match="正被别的事务锁住"):
            await store.commit(Commit(FOUNDER, NOON, conversation={"n": 2}, expected_revision=1))
    assert isinstance(await store.commit(Commit(FOUNDER, NOON, conversation={"n": 2}, expected_revision=1)), Committed)
    await store.close()
