"""What a person has kept with us: given to them whole, and erased whole, whatever the store."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg

from storage.contract import Address, Commit, Conflict, Json, NewReport, NewRequest, Notice, Request, Seen, Store, nobody
from storage.sqlite import SqliteStore
from tests.storage import test_contract
from tests.storage.test_contract import CHANNELS, FOUNDER, GROUP, NOON, OTHER, SECOND, committed, filed, texts

SECRET = "张三丰13812345678"
STAFF = Address("telegram", "-9", "-9")
BODY = {"text": SECRET}
store = test_contract.store


async def lived(store: Store, address: Address = FOUNDER) -> Request:
    """A person who left something everywhere; their request."""
    request = NewRequest("subsidy", "new", BODY)
    report = NewReport(f"key of {address}", NOON + timedelta(days=30), BODY)
    notices = (Notice(STAFF, BODY, "{request}"), Notice(address, BODY, "{request}"), Notice(address, BODY))
    await committed(store, address, update_id=f"1 of {address.person}", incoming=BODY, conversation=BODY, replies=(BODY, BODY), created=(request,), notices=notices, reports=(report,), result=BODY)  # fmt: skip
    return (await store.load(address)).requests[0]


async def erased(store: Store, address: Address = FOUNDER, **parts: object) -> None:
    """Erase a person; of their requests the kind of thing remains."""
    own = tuple(replace(r, body={"about": "补贴"}) for r in (await store.load(address)).requests)
    await committed(store, address, NOON + SECOND, erased=True, changed=own, **parts)


def _text(found: Json) -> str:
    return json.dumps(found, ensure_ascii=False)


async def test_everything_about_a_person_can_be_given_to_them(store: Store) -> None:
    request = await lived(store)
    await lived(store, OTHER)
    moment, later = NOON.isoformat(), (NOON + timedelta(days=30)).isoformat()
    ours = {"at": moment, "from": "us", "body": BODY, "state": "waiting"}
    assert await store.personal(FOUNDER) == {
        "conversation": BODY,
        "messages": [
            {"at": moment, "from": "person", "body": BODY, "state": "received", "request": None},
            *[{**ours, "request": None}] * 2,
            *[{**ours, "request": request.number}] * 2,
            {**ours, "request": None},
        ],
        "requests": [{"number": request.number, "kind": "subsidy", "state": "new", "created": moment, "changed": moment, "body": BODY}],
        "reports": [{"expires": later, "body": BODY}],
        "updates": [{"id": "1 of 100", "at": moment, "result": BODY}],
        "parked": [],
    }


async def test_of_somebody_unknown_nothing_is_kept(store: Store) -> None:
    assert await store.personal(FOUNDER) == {"conversation": {}, "messages": [], "requests": [], "reports": [], "updates": [], "parked": []}


async def test_erasing_leaves_nothing_of_what_was_before_and_all_of_the_turn_itself(store: Store) -> None:
    request = await lived(store)
    last = (await store.after(FOUNDER, 0))[-1].id
    await erased(store, update_id="2", incoming={"text": "删"}, conversation={"language": "zh"}, expected_revision=1, replies=({"text": "删了"},), result={"text": "删了"})  # fmt: skip
    found = await store.personal(FOUNDER)
    assert SECRET not in _text(found)
    assert found["conversation"] == {"language": "zh"}
    assert [m["body"]["text"] for m in found["messages"]] == ["删", "删了"]
    assert found["requests"] == found["reports"] == []
    assert await store.report(f"key of {FOUNDER}", NOON) is None
    assert texts(await store.claim(CHANNELS, NOON, timedelta(0))) == ["删了"], "what was on its way is not sent any more, to nobody"
    assert await store.transcript(STAFF) == []
    remains = await store.request(request.number)
    assert remains == replace(request, address=Address("telegram", "", ""), body={"about": "补贴"}, revision=2)
    assert (await store.load(FOUNDER)).conversation.revision == 2
    assert min(item.id for item in await store.after(FOUNDER, 0)) > last, "ids go on"


async def test_a_repeated_update_is_still_seen_and_its_result_says_nothing(store: Store) -> None:
    await lived(store)
    await erased(store)
    assert await store.commit(Commit(FOUNDER, NOON, update_id="1 of 100", incoming=BODY)) == Seen({})
    assert (await store.load(FOUNDER, "1 of 100")).seen == {}
    assert SECRET not in _text(await store.personal(FOUNDER))


async def test_ids_never_come_again_even_if_the_last_ones_were_erased(store: Store) -> None:
    await lived(store, OTHER)
    await lived(store)
    last = (await store.after(FOUNDER, 0))[-1].id
    await erased(store)
    answer = await committed(store, OTHER, replies=({"text": "答"},))
    assert answer.outbox == (last + 1,)


async def test_others_keep_what_is_theirs_in_the_same_group_too(store: Store) -> None:
    for person in (*GROUP, OTHER, replace(GROUP[0], channel="console"), FOUNDER):
        await lived(store, person)
    others = (GROUP[1], OTHER, replace(GROUP[0], channel="console"), FOUNDER)
    before = [await store.personal(person) for person in others]
    await erased(store, GROUP[0])
    assert [await store.personal(person) for person in others] == before
    assert len(await store.transcript(STAFF)) == len(others)
    assert SECRET not in _text(await store.personal(GROUP[0]))
    assert (await store.load(GROUP[1], "1 of 200")).seen == BODY


async def test_nothing_is_erased_before_it_is_said_what_remains_of_each_request(store: Store) -> None:
    await lived(store)
    before = await store.personal(FOUNDER)
    second = await filed(store)
    assert await store.commit(Commit(FOUNDER, NOON, erased=True)) == Conflict()
    assert await store.commit(Commit(FOUNDER, NOON, erased=True, changed=(replace(second, body={}),))) == Conflict()
    assert [m["body"] for m in (await store.personal(FOUNDER))["messages"]] == [m["body"] for m in before["messages"]]
    await erased(store)
    assert SECRET not in _text(await store.personal(FOUNDER))


async def test_a_turn_that_was_under_way_does_not_bring_back_what_was_erased(store: Store) -> None:
    await lived(store)
    read = (await store.load(FOUNDER)).conversation
    await erased(store)
    assert (await store.load(FOUNDER)).conversation.body == {}
    turn = Commit(FOUNDER, NOON, conversation=read.body, expected_revision=read.revision)
    assert await store.commit(turn) == Conflict()


async def test_marks_for_messages_that_were_erased_change_nothing(store: Store) -> None:
    await lived(store)
    items = await store.after(FOUNDER, 0)
    await erased(store)
    before = await store.personal(FOUNDER)
    for item in items:
        await store.sent(item.id)
        await store.postpone(item.id, NOON, "断网")
        await store.fail(item.id, "拉黑")
    assert await store.personal(FOUNDER) == before


async def test_nobody_stands_in_no_chat() -> None:
    assert nobody(FOUNDER) == Address("telegram", "", "")


async def test_the_file_itself_loses_the_words(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    opened = await SqliteStore.open(path)
    await lived(opened, OTHER)
    for n in range(50):  # longer than a page, and spread over many
        await committed(opened, incoming={"text": f"{SECRET}{n}" * 300})
    await lived(opened)
    await erased(opened, OTHER)
    await erased(opened)
    for file in (path, path.with_name("store.db-wal")):
        assert SECRET.encode() not in file.read_bytes()
    assert [r.body for r in await opened.requests()] == [{"about": "补贴"}] * 2, "and the program still runs"
    await opened.close()


async def test_what_was_stored_without_a_person_is_erased_with_its_chat(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    opened = await SqliteStore.open(path)
    await lived(opened, GROUP[0])
    await lived(opened)
    await opened.close()
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("update updates set person = null")
    opened = await SqliteStore.open(path)
    assert [u["id"] for u in (await opened.personal(FOUNDER))["updates"]] == ["1 of 100"]
    assert (await opened.personal(GROUP[0]))["updates"] == [], "in a group it could be somebody else's"
    await erased(opened, GROUP[1])
    await erased(opened)
    assert [(await opened.load(a, "1 of 100")).seen for a in (GROUP[0], FOUNDER)] == [{}, {}]
    await opened.close()


async def test_in_postgresql_no_row_holds_the_words_any_more(fresh_postgres: Callable[[], str]) -> None:
    from storage.postgres import PostgresStore

    url = fresh_postgres()
    opened = await PostgresStore.open(url)
    await lived(opened)
    await erased(opened)
    await opened.close()
    with psycopg.connect(url) as db:
        tables = [name for (name,) in db.execute("select tablename from pg_tables where schemaname = current_schema()")]
        assert "messages" in tables
        for table in tables:
            assert not db.execute(f"select 1 from {table} t where t::text like %s", (f"%{SECRET}%",)).fetchall(), table
