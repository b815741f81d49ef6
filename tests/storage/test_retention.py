"""What is kept goes when its time is over, whatever the store, and nothing else goes with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import psycopg

from storage import retention
from storage.contract import Address, Commit, Conflict, Conversation, Kept, NewReport, NewRequest, Notice, Parked, Reduction, Store, nobody
from storage.postgres import PostgresStore
from storage.sqlite import SqliteStore
from tests.storage import test_contract
from tests.storage.test_contract import FILED, FOUNDER, NOON, OTHER, SECOND, committed, filed, texts
from tests.storage.test_personal import SECRET, lived

DAY = timedelta(days=1)
REDUCTION = Reduction(("done", "declined"), lambda body: {"kept": len(body)})
store = test_contract.store


async def all_gone(store: Store, what: Kept, before: datetime) -> int:
    """How many go until nothing is left to go; it was said before."""
    foretold, count = await store.outdated(what, before, REDUCTION), 0
    while gone := await store.purge(what, before, REDUCTION, 2):
        count += gone
    assert count == foretold
    assert await store.outdated(what, before, REDUCTION) == 0
    return count


async def test_messages_go_by_their_time_in_both_directions(store: Store) -> None:
    await committed(store, incoming={"text": "1"}, replies=({"text": "2"},), notices=(Notice(OTHER, {"text": "3"}),))
    await committed(store, at=NOON + SECOND, incoming={"text": "4"}, replies=({"text": "5"},))
    assert await all_gone(store, "messages", NOON) == 0
    assert await all_gone(store, "messages", NOON + SECOND) == 3
    assert texts(await store.transcript(FOUNDER)) == ["4", "5"]
    assert await store.transcript(OTHER) == []
    assert texts(await store.claim(["telegram"], NOON, timedelta(0))) == ["5"]


async def test_a_conversation_goes_with_its_last_message(store: Store) -> None:
    for address in (FOUNDER, OTHER):
        await committed(store, address, conversation={"a": 1}, incoming={"text": "早"})
    await committed(store, OTHER, NOON + DAY, conversation={"a": 2}, expected_revision=1, incoming={"text": "晚"})
    assert await all_gone(store, "messages", NOON + SECOND) == 2
    assert (await store.load(FOUNDER)).conversation == Conversation(FOUNDER)
    assert (await store.load(OTHER)).conversation == Conversation(OTHER, {"a": 2}, 2)
    late = Commit(FOUNDER, NOON + DAY, conversation={"a": 2}, expected_revision=1)
    assert await store.commit(late) == Conflict(), "a turn that had read the old one begins anew"
    await committed(store, at=NOON + DAY, conversation={"a": 3}, incoming={"text": "又来了"})
    assert (await store.load(FOUNDER)).conversation == Conversation(FOUNDER, {"a": 3}, 1)


async def test_ids_go_on_when_every_message_is_gone(store: Store) -> None:
    (last,) = (await committed(store, incoming={"text": "问"}, replies=({"text": "答"},))).outbox
    assert await all_gone(store, "messages", NOON + DAY) == 2
    assert await store.transcript(FOUNDER) == []
    assert await store.claim(["telegram"], NOON + DAY, timedelta(0)) == []
    assert (await committed(store, replies=({"text": "答"},))).outbox == (last + 1,)


async def test_updates_are_forgotten_by_the_time_of_their_turn(store: Store) -> None:
    for n in range(3):
        await committed(store, at=NOON + n * SECOND, update_id=str(n), result={"n": n})
    assert await all_gone(store, "updates", NOON + 2 * SECOND) == 2
    assert [(await store.load(FOUNDER, str(n))).seen for n in range(3)] == [None, None, {"n": 2}]


async def test_reports_go_when_they_expired(store: Store) -> None:
    await committed(store, reports=tuple(NewReport(str(n), NOON + n * DAY, {"n": n}) for n in (1, 2, 3)))
    assert await all_gone(store, "reports", NOON + 2 * DAY) == 1
    assert [await store.report(str(n), NOON) for n in (1, 2, 3)] == [None, {"n": 2}, {"n": 3}]


async def test_unanswered_questions_go_when_nobody_asks_them_any_more(store: Store) -> None:
    await committed(store, unanswered=("甲", "乙", "丙"))
    await committed(store, at=NOON + DAY, unanswered=("乙",))
    assert await all_gone(store, "unanswered", NOON + DAY) == 2
    assert [u.text for u in await store.unanswered()] == ["乙"]


async def test_of_a_request_closed_long_ago_what_is_personal_goes_once(store: Store) -> None:
    old, still_open, fresh = await filed(store), await filed(store), await filed(store)
    await committed(store, changed=(replace(old, state="done"), replace(fresh, state="declined", changed=NOON + DAY)))
    assert await all_gone(store, "requests", NOON + DAY) == 1
    assert await store.request(old.number) == replace(old, address=nobody(FOUNDER), state="done", body={"kept": 1}, revision=3)
    assert await store.request(still_open.number) == still_open
    assert (await store.load(FOUNDER)).requests == (still_open, replace(fresh, state="declined", changed=NOON + DAY, revision=2))
    assert await all_gone(store, "requests", NOON + 2 * DAY) == 1
    assert await all_gone(store, "requests", NOON + 2 * DAY) == 0


async def test_whoever_read_a_request_before_it_was_reduced_cannot_bring_it_back(store: Store) -> None:
    await committed(store, created=(replace(FILED, state="done"),))
    (read,) = await store.requests()
    assert await all_gone(store, "requests", NOON + DAY) == 1
    assert await store.commit(Commit(FOUNDER, NOON + DAY, changed=(read,))) == Conflict()


async def test_a_run_lets_go_of_everything_whose_time_is_over_and_says_how_much(store: Store) -> None:
    await lived(store)
    await committed(store, unanswered=("甲",), created=(NewRequest("a", "done", {"text": SECRET}),))
    later = NOON + timedelta(days=1000)
    await lived(store, replace(OTHER, channel="web"))
    await store.park(Parked(FOUNDER, "7", {"text": SECRET}, "ValueError()", NOON))
    await committed(store, Address("web", "1", "1"), later, incoming={"text": "今天"}, update_id="7")
    rules = retention.rules()
    counts = {"messages": 12, "updates": 2, "reports": 2, "parked": 1, "unanswered": 1, "requests": 1}
    assert {r.what: n for r, n in (await retention.outdated(store, later, rules, REDUCTION)).items()} == counts
    assert {r.what: n for r, n in (await retention.purge(store, later, rules, REDUCTION)).items()} == counts
    assert {r.what: n for r, n in (await retention.purge(store, later, rules, REDUCTION)).items()} == dict.fromkeys(counts, 0)
    assert texts(await store.transcript(Address("web", "1", "1"))) == ["今天"]


def test_the_periods_that_can_be_set_are_used() -> None:
    assert [(r.what, r.days) for r in retention.rules(7, 90)] == [
        ("messages", 7),
        ("updates", 7),
        ("reports", 0),
        ("parked", 7),
        ("unanswered", 7),
        ("requests", 90),
    ]
    assert [r.days for r in retention.rules()] == [180, 30, 0, 30, 180, 730]


async def test_the_file_loses_the_words_with_the_messages(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    opened = await SqliteStore.open(path)
    for n in range(40):
        await committed(opened, Address("web", str(n), ""), incoming={"text": SECRET * 400}, update_id="1", result={"text": SECRET})
    await committed(opened, Address("web", "x", ""), created=(NewRequest("a", "done", {"text": SECRET}),), unanswered=(SECRET,))
    await committed(opened, reports=(NewReport("k", NOON, {"text": SECRET}),))
    await retention.purge(opened, NOON + timedelta(days=1000), retention.rules(), REDUCTION)
    for file in (path, path.with_name("store.db-wal")):
        assert SECRET.encode() not in file.read_bytes()
    await opened.close()


async def test_a_purge_while_people_talk_takes_no_conversation_from_them(tmp_path: Path, fresh_postgres: Callable[[], str]) -> None:
    """Each person's old message may go at the very moment at which they come back: what they say then begins or continues a conversation."""

    async def come_back(store: Store, address: Address) -> None:
        await committed(store, address, conversation={"n": 1}, incoming={"text": "早"})
        while True:
            read = (await store.load(address)).conversation
            turn = Commit(address, NOON + DAY, conversation={"n": 2}, expected_revision=read.revision, incoming={"text": "晚"})
            if await store.commit(turn) != Conflict():
                break

    async def purge(store: Store, until: asyncio.Event) -> None:
        while not until.is_set():
            await store.purge("messages", NOON + SECOND, REDUCTION, 3)
            await asyncio.sleep(0)

    people = [Address("web", str(n), str(n)) for n in range(100)]
    for opened in (await SqliteStore.open(tmp_path / "s.db"), await PostgresStore.open(fresh_postgres())):
        done = asyncio.Event()
        purging = asyncio.create_task(purge(opened, done))
        await asyncio.gather(*(come_back(opened, a) for a in people))
        done.set()
        await purging
        while await opened.purge("messages", NOON + SECOND, REDUCTION):
            pass
        for address in people:
            assert (await opened.load(address)).conversation.body == {"n": 2}
            assert texts(await opened.transcript(address)) == ["晚"]
        await opened.close()


async def test_a_turn_that_another_worker_is_just_storing_keeps_its_conversation(fresh_postgres: Callable[[], str]) -> None:
    url = fresh_postgres()
    opened = await PostgresStore.open(url)
    await committed(opened, conversation={"n": 1}, incoming={"text": "早"})
    async with await psycopg.AsyncConnection.connect(url) as other:
        await other.execute("update conversations set body = '{\"n\":2}', revision = 2")
        words = """insert into messages (channel, chat, person, direction, body, at, state)
        values ('telegram', '100', '100', 'in', '{"text":"晚"}', %s, 'received')"""
        await other.execute(words, (NOON + DAY,))
        purging = asyncio.create_task(opened.purge("messages", NOON + SECOND, REDUCTION))
        await asyncio.sleep(0.3)  # it comes to where it has to wait
        await other.commit()
        assert await purging == 1
    assert (await opened.load(FOUNDER)).conversation == Conversation(FOUNDER, {"n": 2}, 2)
    assert texts(await opened.transcript(FOUNDER)) == ["晚"]
    await opened.close()


async def test_what_could_not_be_handled_goes_with_the_person_and_by_its_time(store: Store) -> None:
    mine = Parked(FOUNDER, "7", {"text": SECRET}, "ValueError()", NOON)
    for parked in (mine, replace(mine, address=OTHER, update_id="8"), replace(mine, address=OTHER, update_id="9", at=NOON + DAY)):
        await store.park(parked)
    await committed(store, erased=True)
    assert [p.update_id for p in await store.parked()] == ["9", "8"]
    assert await all_gone(store, "parked", NOON + SECOND) == 1
    assert [p.update_id for p in await store.parked()] == ["9"]


def test_the_page_names_every_rule_with_its_days() -> None:
    page = (Path(__file__).parents[2] / "docs" / "privacy.md").read_text(encoding="utf-8")
    for rule in retention.rules():
        days = f"{rule.days} 天" if rule.days else "立即"
        assert f"| {rule.name} | {days} | {rule.since} | {rule.why} |" in page, rule.name
