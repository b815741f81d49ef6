"""What every store promises: one file of tests over all of them, and random commits that must leave them alike."""

from __future__ import annotations

import asyncio
import copy
import functools
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.contract import (
    FAR,
    Address,
    Commit,
    Committed,
    Conflict,
    Conversation,
    Figures,
    Json,
    Kept,
    Limit,
    NewReport,
    NewRequest,
    Notice,
    OutboxItem,
    Parked,
    Publication,
    Reduction,
    Request,
    Seen,
    Snapshot,
    Store,
    StoreError,
    Unanswered,
    Update,
)
from storage.memory import MemoryStore
from storage.postgres import PostgresStore
from storage.retention import PURGED
from storage.sealing import PLAIN, Sealing, new_key
from storage.sqlite import SqliteStore
from tests.postgres import partition

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)  # twelve o'clock in Shanghai
SECOND = timedelta(seconds=1)
FOUNDER = Address("telegram", "100", "100")
OTHER = Address("telegram", "200", "200")
GROUP = (Address("telegram", "-7", "100"), Address("telegram", "-7", "200"))
EVERYBODY = (FOUNDER, OTHER, *GROUP, Address("console", "100", "100"))
CHANNELS = ("telegram", "console")
FILED = NewRequest("subsidy", "new", {"question": "补贴"})


class Reopening:
    """A SQLite store that is opened before each call and closed after it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def call(*arguments: Any, **options: Any) -> Any:
            store = await SqliteStore.open(self._path)
            try:
                return await getattr(store, name)(*arguments, **options)
            finally:
                await store.close()

        return call


SEALED = Sealing.of(f"k2:{new_key()},k1:{new_key()}")


@pytest.fixture(params=["memory", "sqlite", "sqlite reopened", "sqlite sealed", "postgres", "postgres sealed", "postgres partitioned"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    opened: Store
    if request.param == "memory":
        opened = MemoryStore()
    elif request.param.startswith("postgres"):
        url, sealing = request.getfixturevalue("fresh_postgres")(), SEALED if "sealed" in request.param else PLAIN
        opened = await PostgresStore.open(url, sealing=sealing)
        if request.param == "postgres partitioned":
            await opened.close()
            partition(url, size=2)
            opened = await PostgresStore.open(url)
    elif request.param in ("sqlite", "sqlite sealed"):
        opened = await SqliteStore.open(tmp_path / "store.db", sealing=SEALED if "sealed" in request.param else PLAIN)
    else:
        opened = cast(Store, Reopening(tmp_path / "store.db"))
    yield opened
    await opened.close()


@pytest.fixture
def broken(store: Store) -> Callable[[int], Awaitable[None]]:
    """Makes the body of a message unreadable, as a fault of the disk would."""

    async def spoil(item: int) -> None:
        sql = "update messages set body = '{\"text\":' where id = "
        if isinstance(store, PostgresStore):
            await store._run(f"{sql}%s", (item,))
        elif isinstance(store, SqliteStore):
            await store._run(lambda: store._db.execute(f"{sql}?", (item,)) and None)
        else:
            pytest.skip("its rows are not texts that lie on a disk, or lie in a file of the same kind")

    return spoil


async def committed(store: Store, address: Address = FOUNDER, at: datetime = NOON, **parts: Any) -> Committed:
    answer = await store.commit(Commit(address, at, **parts))
    assert isinstance(answer, Committed), answer
    return answer


async def filed(store: Store, address: Address = FOUNDER, at: datetime = NOON) -> Request:
    answer = await committed(store, address, at, created=(FILED,))
    request = await store.request(answer.numbers[0])
    assert request is not None
    return request


async def waiting(store: Store, channels: Sequence[str], now: datetime, limit: int = 100) -> list[OutboxItem]:
    """What is due, held for nobody."""
    return await store.claim(channels, now, timedelta(0), limit)


async def visible(store: Store, addresses: Sequence[Address] = EVERYBODY, now: datetime = NOON + timedelta(days=99)) -> list[Any]:
    """Everything that a caller can see, apart from which updates were seen."""
    everything: list[Any] = [await store.requests(limit=1000), await store.unanswered(), await waiting(store, CHANNELS, now, 1000)]
    everything.append(await store.undelivered(1000))
    for address in addresses:
        everything += [await store.load(address), await store.transcript(address, 1000), await store.after(address, 0, 1000)]
        everything += [await store.personal(address)]
    return everything


def texts(items: Sequence[Update | OutboxItem]) -> list[str]:
    return [item.body["text"] for item in items]


# --- The conversation and its revision ---


async def test_a_person_who_was_never_here_has_an_empty_conversation_of_revision_0(store: Store) -> None:
    assert await store.load(FOUNDER, "1") == Snapshot(Conversation(FOUNDER, {}, 0))


async def test_each_commit_of_a_conversation_raises_its_revision_by_one(store: Store) -> None:
    bodies: tuple[Json, ...] = ({"a": 1}, {"b": [None, True, 1.5, "苏州 👩🏽‍🔬"]}, {})
    for revision, body in enumerate(bodies):
        await committed(store, conversation=body, expected_revision=revision)
        assert (await store.load(FOUNDER)).conversation == Conversation(FOUNDER, body, revision + 1)


async def test_a_commit_without_a_conversation_leaves_it_alone_and_does_not_ask_for_its_revision(store: Store) -> None:
    await committed(store, conversation={"a": 1})
    await committed(store, replies=({"text": "好"},))
    assert (await store.load(FOUNDER)).conversation == Conversation(FOUNDER, {"a": 1}, 1)


@pytest.mark.parametrize("expected", [0, 2])
async def test_another_revision_is_a_conflict(store: Store, expected: int) -> None:
    await committed(store, conversation={"a": 1})
    assert await store.commit(Commit(FOUNDER, NOON, conversation={"a": 2}, expected_revision=expected)) == Conflict()
    assert (await store.load(FOUNDER)).conversation == Conversation(FOUNDER, {"a": 1}, 1)


async def test_a_revision_of_a_conversation_that_was_never_stored_is_a_conflict(store: Store) -> None:
    assert await store.commit(Commit(FOUNDER, NOON, conversation={}, expected_revision=1)) == Conflict()
    assert (await store.load(FOUNDER)).conversation.revision == 0


async def test_of_two_concurrent_commits_with_the_same_revision_one_wins(store: Store) -> None:
    await committed(store, conversation={"at": "start"})
    turns = [Commit(FOUNDER, NOON, conversation={"at": i}, expected_revision=1, replies=({"text": str(i)},), created=(FILED,)) for i in range(2)]
    answers = await asyncio.gather(*(store.commit(turn) for turn in turns))
    winners = [i for i, answer in enumerate(answers) if isinstance(answer, Committed)]
    assert len(winners) == 1 and Conflict() in answers
    assert (await store.load(FOUNDER)).conversation == Conversation(FOUNDER, {"at": winners[0]}, 2)
    assert texts(await store.transcript(FOUNDER)) == [str(winners[0])]
    assert len(await store.requests()) == 1


# --- Updates that come twice ---


async def test_an_update_that_was_committed_before_is_answered_with_its_result_and_stores_nothing(store: Store) -> None:
    first = await committed(store, update_id="7", conversation={"a": 1}, created=(FILED,), result={"said": "{request}"})
    before = await visible(store)
    answer = await store.commit(Commit(FOUNDER, NOON, "7", {"text": "又来"}, {"a": 2}, 1, created=(FILED,), unanswered=("又来",), result={"b": 1}))
    assert answer == Seen(first.result)
    assert (await store.load(FOUNDER, "7")).seen == first.result == {"said": first.numbers[0]}
    assert await visible(store) == before


async def test_seen_is_found_before_a_conflict(store: Store) -> None:
    await committed(store, update_id="7", conversation={"a": 1}, result={"said": "好"})
    gone = Request("YQ-000101-0001", FOUNDER, "subsidy", "new", NOON, NOON, {}, 5)
    assert await store.commit(Commit(FOUNDER, NOON, "7", conversation={"a": 2}, expected_revision=9, changed=(gone,))) == Seen({"said": "好"})


async def test_an_update_with_an_empty_result_is_seen_too(store: Store) -> None:
    await committed(store, update_id="7")
    assert (await store.load(FOUNDER, "7")).seen == {}
    assert await store.commit(Commit(FOUNDER, NOON, "7")) == Seen({})


async def test_only_the_same_channel_chat_and_update_id_count_as_seen(store: Store) -> None:
    await committed(store, update_id="7")
    for address, update in ((replace(FOUNDER, channel="console"), "7"), (replace(FOUNDER, chat="101"), "7"), (FOUNDER, "8"), (FOUNDER, "")):
        assert (await store.load(address, update)).seen is None
        assert isinstance(await store.commit(Commit(address, NOON, update)), Committed)
    assert (await store.load(replace(FOUNDER, person="somebody"), "7")).seen == {}


async def test_commits_without_an_update_id_are_never_seen(store: Store) -> None:
    for _ in range(2):
        await committed(store, incoming={"text": "在吗"})
    assert (await store.load(FOUNDER)).seen is None
    assert len(await store.transcript(FOUNDER)) == 2


# --- A conflict stores nothing ---


@pytest.mark.parametrize("reason", ["conversation", "request", "unknown request"])
async def test_a_conflict_stores_nothing_at_all(store: Store, reason: str) -> None:
    request = await filed(store)
    await committed(store, OTHER, notices=(Notice(FOUNDER, {"text": "已受理"}, request.number),), unanswered=("问",))
    await committed(store, conversation={"a": 1})
    before = await visible(store)
    (waiting,) = (await store.load(FOUNDER)).waiting
    good = replace(request, state="accepted", body={"log": ["{request}"]})
    bad = {"conversation": good, "request": replace(good, revision=2), "unknown request": replace(good, number="YQ-261122-0099")}[reason]
    turn = Commit(
        FOUNDER,
        NOON + SECOND,
        update_id="7",
        incoming={"text": "问"},
        conversation={"a": 2},
        expected_revision=0 if reason == "conversation" else 1,
        replies=({"text": "答"},),
        taken=(waiting.id,),
        notices=(Notice(OTHER, {"text": "请看"}, request.number),),
        created=(FILED, FILED),
        changed=(bad,),
        unanswered=("问", "另问"),
        result={"said": "答"},
    )
    assert await store.commit(turn) == Conflict()
    assert await visible(store) == before
    assert (await store.load(FOUNDER, "7")).seen is None
    # Neither a number nor an outbox id is used up, and the same turn goes through once it has read again.
    answer = await store.commit(replace(turn, expected_revision=1, changed=(good,)))
    assert isinstance(answer, Committed)
    assert answer.numbers == ("YQ-261122-0002", "YQ-261122-0003")
    assert answer.outbox == (waiting.id + 2,)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"replies": ({"text": "好"}, {"value": float("nan")})}, "不能存为 JSON"),
        ({"notices": (Notice(OTHER, {"value": object()}),)}, "不能存为 JSON"),
        ({"conversation": {"text": "\ud83d"}}, "不能存为 JSON"),
        ({"result": {"at": NOON}}, "不能存为 JSON"),
        ({"at": datetime(2026, 11, 22)}, "没有时区"),  # noqa: DTZ001
        ({"notices": (Notice(OTHER, {}, "YQ-261122-0099"),)}, "先创建请求"),
        ({"reports": (NewReport("k", NOON, {"value": object()}),)}, "不能存为 JSON"),
        ({"reports": (NewReport("k", datetime(2026, 11, 22), {}),)}, "没有时区"),  # noqa: DTZ001
        ({"changed": "twice"}, "改了两次"),
    ],
)
async def test_what_cannot_be_stored_is_refused_with_a_reason_and_nothing_is_stored(store: Store, parts: dict[str, Any], message: str) -> None:
    request = await filed(store)
    before = await visible(store)
    if "changed" in parts:
        parts = {"changed": (request, replace(request, state="done"))}
    turn = Commit(FOUNDER, NOON, update_id="7", incoming={"text": "好"}, created=(FILED,), unanswered=("好",))
    with pytest.raises(StoreError, match=message):
        await store.commit(replace(turn, **parts))
    assert await visible(store) == before
    assert isinstance(await store.commit(turn), Committed)


# --- Requests and their numbers ---


async def test_a_new_request_belongs_to_the_turns_person_and_begins_at_revision_1(store: Store) -> None:
    request = await filed(store)
    assert request == Request("YQ-261122-0001", FOUNDER, "subsidy", "new", NOON, NOON, {"question": "补贴"}, 1)
    assert (await store.load(FOUNDER)).requests == (request,)
    assert await store.request("YQ-261122-0002") is None


async def test_numbers_count_from_0001_each_day_of_shanghai(store: Store) -> None:
    days = [datetime(2026, 12, 31, 15, 59, 59, tzinfo=UTC), datetime(2026, 12, 31, 16, tzinfo=UTC)]
    at = [days[0], days[0], days[1], days[0], days[1].astimezone(timezone(timedelta(hours=-8)))]
    numbers = [(await filed(store, at=moment)).number for moment in at]
    assert numbers == ["YQ-261231-0001", "YQ-261231-0002", "YQ-270101-0001", "YQ-261231-0003", "YQ-270101-0002"]


async def test_the_ten_thousandth_request_of_a_day_gets_a_fifth_digit_and_stays_in_order(store: Store) -> None:
    await committed(store, created=(FILED,) * 9999)
    assert (await filed(store)).number == "YQ-261122-10000"
    assert (await filed(store)).number == "YQ-261122-10001"
    newest = [r.number for r in await store.requests(limit=3)]
    assert newest == ["YQ-261122-10001", "YQ-261122-10000", "YQ-261122-9999"]


async def test_several_new_requests_of_a_turn_get_a_number_each(store: Store) -> None:
    answer = await committed(store, created=(FILED, replace(FILED, kind="channel")))
    assert answer.numbers == ("YQ-261122-0001", "YQ-261122-0002")
    assert [(r.number, r.kind) for r in (await store.load(FOUNDER)).requests] == [("YQ-261122-0001", "subsidy"), ("YQ-261122-0002", "channel")]


async def test_concurrent_commits_never_share_a_number(store: Store) -> None:
    addresses = [Address("telegram", str(i), str(i)) for i in range(12)]
    answers = await asyncio.gather(*(committed(store, address, created=(FILED,)) for address in addresses))
    assert sorted(answer.numbers[0] for answer in answers) == [f"YQ-261122-{i:04}" for i in range(1, 13)]


async def test_the_slot_is_filled_everywhere_with_the_first_number(store: Store) -> None:
    old, number = await filed(store), "YQ-261122-0002"
    slotted = {"text": "编号 {request}，再说一遍 {request}", "deep": [{"{request}": ["{request}", 1, None]}], "not": "{other} {reques t}"}
    full = {"text": f"编号 {number}，再说一遍 {number}", "deep": [{number: [number, 1, None]}], "not": "{other} {reques t}"}
    given = copy.deepcopy(slotted)
    answer = await committed(
        store,
        update_id="7",
        incoming=slotted,
        conversation=slotted,
        replies=(slotted, slotted),
        notices=(Notice(OTHER, slotted, "{request}"), Notice(OTHER, slotted, old.number)),
        created=(NewRequest("subsidy", "new", slotted), NewRequest("subsidy", "new", slotted)),
        changed=(replace(old, body=slotted),),
        unanswered=("{request}",),
        result=slotted,
    )
    assert slotted == given
    assert answer.numbers == (number, "YQ-261122-0003")
    assert answer.result == full and (await store.load(FOUNDER, "7")).seen == full
    snapshot = await store.load(FOUNDER)
    assert snapshot.conversation.body == full
    assert [r.body for r in snapshot.requests] == [full, full, full]
    assert [item.body for item in await store.after(FOUNDER, 0)] == [full, full]
    assert [(item.body, item.request) for item in await store.after(OTHER, 0)] == [(full, number), (full, old.number)]
    # What the person wrote stays as it was written.
    assert (await store.transcript(FOUNDER))[0].body == slotted
    assert (await store.unanswered())[0].text == "{request}"


async def test_without_a_new_request_the_slot_stays(store: Store) -> None:
    answer = await committed(store, replies=({"text": "{request}"},), result={"text": "{request}"})
    assert answer.result == {"text": "{request}"} == (await store.after(FOUNDER, 0))[0].body


async def test_a_slot_in_text_that_looks_like_json_does_not_break_it(store: Store) -> None:
    text = '"}],{request}\\"{"'
    await committed(store, created=(FILED,), replies=({"text": text},))
    assert texts(await store.after(FOUNDER, 0)) == [text.replace("{request}", "YQ-261122-0001")]


async def test_a_changed_request_is_stored_with_the_next_revision_and_keeps_when_it_was_filed(store: Store) -> None:
    request = await filed(store)
    new = replace(request, state="accepted", kind="channel", changed=NOON + SECOND, body={"log": ["已受理"]}, address=OTHER)
    await committed(store, OTHER, NOON + SECOND, changed=(replace(new, created=NOON - SECOND),))
    assert await store.request(request.number) == replace(new, revision=2)
    assert (await store.load(FOUNDER)).requests == ()
    assert (await store.load(OTHER)).requests == (replace(new, revision=2),)
    assert await store.commit(Commit(OTHER, NOON, changed=(new,))) == Conflict()


async def test_requests_come_newest_first_page_by_page_and_by_state(store: Store) -> None:
    await committed(store, OTHER, NOON + SECOND, created=(replace(FILED, state="done"),) * 2)
    await committed(store, FOUNDER, NOON, created=(FILED,) * 3)
    await committed(store, FOUNDER, NOON + timedelta(days=1), created=(replace(FILED, state="declined"),))
    newest = ["YQ-261123-0001", "YQ-261122-0002", "YQ-261122-0001", "YQ-261122-0005", "YQ-261122-0004", "YQ-261122-0003"]
    assert [r.number for r in await store.requests()] == newest
    pages = [await store.requests(limit=4, offset=offset) for offset in (0, 4, 8)]
    assert [[r.number for r in page] for page in pages] == [newest[:4], newest[4:], []]
    assert [r.number for r in await store.requests(["done", "declined"])] == newest[:3]
    assert [r.number for r in await store.requests(("new",), limit=2, offset=1)] == newest[4:]
    assert await store.requests(["merged"]) == []
    assert [r.number for r in (await store.load(FOUNDER)).requests] == [*reversed(newest[3:]), newest[0]]


# --- Transcript, replies, notices ---


async def test_the_transcript_holds_both_directions_in_the_order_in_which_they_were_stored(store: Store) -> None:
    await committed(store, incoming={"text": "1"}, replies=({"text": "2"}, {"text": "3"}))
    await committed(store, OTHER, incoming={"text": "别人"}, replies=({"text": "答别人"},), notices=(Notice(FOUNDER, {"text": "4"}),))
    await committed(store, at=NOON - SECOND, incoming={"text": "5"}, replies=({"text": "6"},), notices=(Notice(FOUNDER, {"text": "7"}),))
    transcript = await store.transcript(FOUNDER)
    assert texts(transcript) == list("1234567")
    assert [isinstance(line, Update) for line in transcript] == [line.body["text"] in "15" for line in transcript]
    assert [line.id for line in transcript] == sorted({line.id for line in transcript})
    assert transcript[0] == Update(transcript[0].id, FOUNDER, {"text": "1"}, NOON)
    assert transcript[1] == OutboxItem(transcript[1].id, FOUNDER, {"text": "2"}, NOON)
    assert texts(await store.transcript(FOUNDER, limit=3)) == list("567")
    assert await store.transcript(FOUNDER, limit=0) == []


async def test_two_persons_in_one_group_chat_are_apart(store: Store) -> None:
    for person, name in zip(GROUP, ("甲", "乙"), strict=True):
        note = Notice(person, {"text": f"通知{name}"})
        await committed(store, person, conversation={"name": name}, incoming={"text": name}, replies=({"text": f"答{name}"},), created=(FILED,))
        await committed(store, OTHER, notices=(note,))
    for person, name in zip(GROUP, ("甲", "乙"), strict=True):
        snapshot = await store.load(person)
        assert snapshot.conversation == Conversation(person, {"name": name}, 1)
        assert [r.address for r in snapshot.requests] == [person]
        assert texts(snapshot.waiting) == [f"通知{name}"]
        assert texts(await store.transcript(person)) == [name, f"答{name}", f"通知{name}"]
        assert texts(await store.after(person, 0)) == [f"答{name}", f"通知{name}"]


async def test_a_snapshot_holds_the_notices_that_wait_but_no_replies(store: Store) -> None:
    await committed(store, replies=({"text": "答"},), notices=(Notice(FOUNDER, {"text": "1"}), Notice(OTHER, {"text": "别人"})))
    await committed(store, OTHER, notices=(Notice(FOUNDER, {"text": "2"}), Notice(FOUNDER, {"text": "3"})))
    waiting = (await store.load(FOUNDER)).waiting
    assert texts(waiting) == ["1", "2", "3"]
    await store.sent(waiting[0].id)
    await store.postpone(waiting[1].id, NOON + SECOND, "断网")
    await store.fail(waiting[2].id, "拉黑")
    assert texts((await store.load(FOUNDER)).waiting) == ["2"]


async def test_committed_gives_the_outbox_ids_of_the_replies(store: Store) -> None:
    answer = await committed(store, incoming={"text": "问"}, replies=({"text": "1"}, {"text": "2"}), notices=(Notice(FOUNDER, {"text": "3"}),))
    assert list(answer.outbox) == [item.id for item in await store.after(FOUNDER, 0)][:2]


async def test_after_gives_what_came_later_whatever_its_state(store: Store) -> None:
    answer = await committed(
        store, incoming={"text": "问"}, replies=tuple({"text": str(i)} for i in range(5)), notices=(Notice(OTHER, {"text": "n"}),)
    )
    await store.sent(answer.outbox[1])
    await store.fail(answer.outbox[2], "拉黑")
    await store.fail(answer.outbox[3], "超时", "uncertain")
    later = await store.after(FOUNDER, answer.outbox[0])
    assert [(item.body["text"], item.state) for item in later] == [("1", "sent"), ("2", "failed"), ("3", "uncertain"), ("4", "waiting")]
    assert texts(await store.after(FOUNDER, answer.outbox[0], limit=2)) == ["1", "2"]
    assert await store.after(FOUNDER, answer.outbox[4]) == []
    assert texts(await store.after(OTHER, 0)) == ["n"]


# --- The outbox ---


async def test_replies_delivered_in_the_calls_own_answer_are_stored_as_sent(store: Store) -> None:
    await committed(store, replies=({"text": "答"},), delivered=True, notices=(Notice(FOUNDER, {"text": "通知"}),))
    assert [(item.body["text"], item.state) for item in await store.after(FOUNDER, 0)] == [("答", "sent"), ("通知", "waiting")]
    assert texts(await waiting(store, CHANNELS, NOON)) == ["通知"]


async def test_taken_items_are_marked_as_sent(store: Store) -> None:
    await committed(store, OTHER, notices=(Notice(FOUNDER, {"text": "1"}), Notice(FOUNDER, {"text": "2"})))
    first, second = (await store.load(FOUNDER)).waiting
    await store.postpone(first.id, NOON + SECOND, "断网")
    await committed(store, taken=(first.id,))
    assert [(item.state, item.due, item.error) for item in await store.after(FOUNDER, 0)] == [("sent", None, None), ("waiting", None, None)]
    assert [item.id for item in (await store.load(FOUNDER)).waiting] == [second.id]


async def test_due_gives_the_oldest_first_on_these_channels_only(store: Store) -> None:
    console = replace(FOUNDER, channel="console")
    for address, text in ((FOUNDER, "1"), (OTHER, "2"), (console, "3"), (FOUNDER, "4")):
        await committed(store, address, incoming={"text": "问"}, replies=({"text": text},))
    assert texts(await waiting(store, ["telegram"], NOON)) == ["1", "2", "4"]
    assert texts(await waiting(store, ["console"], NOON)) == ["3"]
    assert texts(await waiting(store, ["console", "telegram", "web"], NOON)) == ["1", "2", "3", "4"]
    assert texts(await waiting(store, CHANNELS, NOON, limit=2)) == ["1", "2", "4"], "two chats, and of each everything"
    assert texts(await store.claim(["telegram"], NOON, timedelta(0), besides=[("telegram", FOUNDER.chat)])) == ["2"]
    assert await waiting(store, [], NOON) == []


async def test_an_item_that_is_not_yet_due_holds_back_only_the_later_items_of_its_own_chat(store: Store) -> None:
    same_name = replace(FOUNDER, channel="console")
    ids = [(await committed(store, address, replies=({"text": text},))).outbox[0] for address, text in ((GROUP[0], "1"), (GROUP[1], "2"))]
    for address, text in ((GROUP[0], "3"), (OTHER, "4"), (GROUP[1], "5"), (replace(GROUP[0], channel="console"), "6"), (same_name, "7")):
        await committed(store, address, replies=({"text": text},))
    await store.postpone(ids[1], NOON + SECOND, "断网")
    assert texts(await waiting(store, CHANNELS, NOON)) == ["1", "4", "6", "7"]
    assert texts(await waiting(store, CHANNELS, NOON + SECOND - timedelta(microseconds=1))) == ["1", "4", "6", "7"]
    assert texts(await waiting(store, CHANNELS, NOON + SECOND)) == ["1", "2", "3", "4", "5", "6", "7"]
    await store.fail(ids[1], "拉黑")
    assert texts(await waiting(store, CHANNELS, NOON)) == ["1", "3", "4", "5", "6", "7"]


async def test_a_due_time_too_far_away_was_set_by_a_wrong_clock_and_counts_as_due(store: Store) -> None:
    (item,) = (await committed(store, replies=({"text": "答"},))).outbox
    await store.postpone(item, NOON + FAR, "断网")
    assert await waiting(store, CHANNELS, NOON) == []
    assert texts(await waiting(store, CHANNELS, NOON - SECOND)) == ["答"]


async def test_a_reply_that_names_the_request_of_its_turn_carries_its_number(store: Store) -> None:
    answer = await committed(store, created=(FILED,), replies=({"text": "已登记 {request}"}, {"text": "还有别的吗"}))
    assert [item.request for item in await store.after(FOUNDER, 0)] == [answer.numbers[0], None]


async def test_what_was_given_up_is_listed_newest_first_and_counted(store: Store) -> None:
    ids = (await committed(store, replies=tuple({"text": str(n)} for n in range(5)))).outbox
    for item, state in zip(ids, ("failed", "uncertain", "parked"), strict=False):
        await store.fail(item, "原因", state)
    await store.sent(ids[3])
    assert [(i.body["text"], i.state, i.error) for i in await store.undelivered()] == [
        ("2", "parked", "原因"),
        ("1", "uncertain", "原因"),
        ("0", "failed", "原因"),
    ]
    assert texts(await store.undelivered(limit=1)) == ["2"]
    figures = await store.figures()
    assert (figures.undelivered, figures.waiting) == ({"failed": 1, "uncertain": 1, "parked": 1}, {FOUNDER.channel: 1})


async def test_a_row_that_cannot_be_read_is_put_aside_and_stops_nobody(store: Store, broken: Callable[[int], Awaitable[None]]) -> None:
    (item,) = (await committed(store, replies=({"text": "坏"},))).outbox
    await committed(store, OTHER, replies=({"text": "好"},))
    await broken(item)
    assert texts(await waiting(store, CHANNELS, NOON)) == ["好"]
    assert texts(await waiting(store, CHANNELS, NOON)) == ["好"]
    assert (await store.figures()).undelivered == {"parked": 1}
    assert await store.undelivered() == []


async def test_what_waits_on_a_channel_since_before_a_moment_is_listed_oldest_first(store: Store) -> None:
    ids = (await committed(store, replies=tuple({"text": str(n)} for n in range(4)))).outbox
    await store.sent(ids[1])
    await store.fail(ids[2], "原因")
    assert texts(await store.waiting(FOUNDER.channel, NOON + SECOND)) == ["0", "3"]
    assert texts(await store.waiting(FOUNDER.channel, NOON + SECOND, limit=1)) == ["0"]
    assert await store.waiting(FOUNDER.channel, NOON) == await store.waiting("elsewhere", NOON + SECOND) == []


async def test_what_could_not_be_handled_is_kept_once(store: Store) -> None:
    first = Parked(FOUNDER, "7", {"text": "你\0好"}, "ValueError('?')", NOON)
    await store.park(first)
    await store.park(replace(first, error="again", at=NOON + SECOND))
    second = replace(first, update_id="8", at=NOON.astimezone(timezone(timedelta(hours=8))))
    await store.park(second)
    assert await store.parked() == [second, first]
    assert await store.parked(limit=1) == [second]
    assert (await store.figures()).parked == 2


# --- Token buckets ---


async def test_a_bucket_gives_its_burst_at_once_and_then_its_rate(store: Store) -> None:
    if isinstance(store, Reopening):
        pytest.skip("buckets need not outlive the process")
    chat, whole = Limit("chat", 2, 3), Limit("whole", 10, 4)
    assert [await store.take([chat, whole], NOON) for _ in range(4)] == [0, 0, 0, 0.5]
    assert await store.take([whole], NOON) == 0, "nothing was taken from the one when the other was empty"
    assert await store.take([whole], NOON) == 0.1
    assert await store.take([chat, whole], NOON + SECOND / 2) == 0
    assert await store.take([chat], NOON + SECOND / 2) == 0.5
    assert [await store.take([chat], NOON + 60 * SECOND) for _ in range(4)] == [0, 0, 0, 0.5], "it holds no more than its burst"


async def test_a_bucket_outlives_a_clock_that_jumps_back(store: Store) -> None:
    if isinstance(store, Reopening):
        pytest.skip("buckets need not outlive the process")
    chat = Limit("chat", 2, 3)
    assert await store.take([chat], NOON) == 0
    yesterday = NOON - timedelta(days=1)
    assert await store.take([chat], yesterday) == 0.5, "as if it were empty, and not for a day"
    assert await store.take([chat], yesterday + SECOND / 2) == 0


async def test_postpone_counts_the_attempt_and_keeps_the_item_waiting(store: Store) -> None:
    (item,) = (await committed(store, replies=({"text": "答"},))).outbox
    later = (NOON + SECOND).astimezone(timezone(timedelta(hours=8)))
    await store.postpone(item, NOON, "断网")
    await store.postpone(item, later, "还是断网")
    (stored,) = await waiting(store, CHANNELS, later)
    assert stored == OutboxItem(item, FOUNDER, {"text": "答"}, NOON, None, "waiting", 2, NOON + SECOND, "还是断网")
    assert stored.due is not None and stored.due.tzinfo is UTC


@pytest.mark.parametrize("state", ["failed", "uncertain", "parked"])
async def test_an_item_that_was_given_up_is_no_longer_due_and_says_why(store: Store, state: str) -> None:
    (item,) = (await committed(store, replies=({"text": "答"},))).outbox
    await store.postpone(item, NOON, "断网")
    await store.fail(item, "对方拉黑了我们", state)
    assert await waiting(store, CHANNELS, NOON + SECOND) == []
    given_up = OutboxItem(item, FOUNDER, {"text": "答"}, NOON, None, state, 2, None, "对方拉黑了我们")
    assert await store.after(FOUNDER, 0) == [given_up]
    await store.postpone(item, NOON, "晚了")
    await store.fail(item, "晚了")
    assert await store.after(FOUNDER, 0) == [given_up]
    await store.sent(item)
    assert [line.state for line in await store.after(FOUNDER, 0)] == ["sent"]


async def test_what_was_sent_stays_sent(store: Store) -> None:
    (item,) = (await committed(store, replies=({"text": "答"},))).outbox
    await store.sent(item)
    await store.postpone(item, NOON, "晚了")
    await store.fail(item, "晚了", "uncertain")
    assert await store.after(FOUNDER, 0) == [OutboxItem(item, FOUNDER, {"text": "答"}, NOON, None, "sent")]
    assert await waiting(store, CHANNELS, NOON + SECOND) == []


async def test_ids_that_are_not_in_the_outbox_change_nothing(store: Store) -> None:
    await committed(store, incoming={"text": "问"}, replies=({"text": "答"},))
    before = await visible(store)
    for item in ((await store.transcript(FOUNDER))[0].id, 99, 0):
        await store.sent(item)
        await store.postpone(item, NOON, "断网")
        await store.fail(item, "拉黑")
        await committed(store, taken=(item,))
    assert await visible(store) == before


# --- Questions without an answer ---


async def test_prechecks_are_kept_without_the_person_newest_first(store: Store) -> None:
    one, two = {"region": "snd", "facts": {"events": "a"}, "day": "2026-11-24"}, {"region": "suzhou", "facts": {}, "day": "2026-11-25"}
    await committed(store, prechecks=(one,))
    await committed(store, OTHER, prechecks=(two,))
    assert await store.prechecks() == [two, one]
    assert await store.prechecks(limit=1) == [two]
    first = await store.commit(Commit(FOUNDER, NOON, "once", prechecks=(one,)))
    assert isinstance(first, Committed)
    assert isinstance(await store.commit(Commit(FOUNDER, NOON, "once", prechecks=(one,))), Seen)
    assert len(await store.prechecks()) == 3, "a second delivery of the same update is not kept again"


async def test_ratings_are_kept_without_the_person_newest_first(store: Store) -> None:
    good, poor = ({"about": "subsidy_precheck", "value": v, "day": "2026-11-25", "knowledge": "k1"} for v in ("good", "poor"))
    await committed(store, ratings=(good,))
    assert isinstance(await store.commit(Commit(OTHER, NOON, "once", ratings=(poor,))), Committed)
    assert isinstance(await store.commit(Commit(OTHER, NOON, "once", ratings=(poor,))), Seen)
    assert await store.ratings() == [poor, good]
    assert await store.ratings(limit=1) == [poor]
    await committed(store, conversation={"a": 1})
    assert isinstance(await store.commit(Commit(FOUNDER, NOON, conversation={}, expected_revision=7, ratings=(good,))), Conflict)
    assert len(await store.ratings()) == 2


async def test_a_conflict_keeps_no_precheck(store: Store) -> None:
    await committed(store, conversation={"a": 1})
    refused = await store.commit(Commit(FOUNDER, NOON, conversation={"a": 2}, expected_revision=7, prechecks=({"region": "snd"},)))
    assert isinstance(refused, Conflict)
    assert await store.prechecks() == []


async def test_a_report_is_read_by_its_key_until_it_expires(store: Store) -> None:
    body = {"title": "太仓补贴预审报告", "groups": [{"rows": []}], "text": "{request}"}
    await committed(store, reports=(NewReport("key-1", NOON + 30 * SECOND, body), NewReport("key-2", NOON + 60 * SECOND, {"n": 2})), created=(FILED,))
    shanghai = (NOON + 29 * SECOND).astimezone(timezone(timedelta(hours=8)))
    assert await store.report("key-1", shanghai) == body, "as it was given, slots and all"
    assert await store.report("key-1", NOON + 30 * SECOND) is None
    assert await store.report("key-2", NOON + 30 * SECOND) == {"n": 2}
    for unknown in ("", "key", "KEY-1", "key-1 ", "%", "' or 1=1 --"):
        assert await store.report(unknown, NOON) is None


async def test_expired_reports_go_with_later_ones_some_at_a_time(store: Store) -> None:
    old = tuple(NewReport(f"old-{n}", NOON + n * SECOND, {}) for n in range(1, PURGED + 6))
    await committed(store, reports=old)
    later = NOON + timedelta(days=1)
    await committed(store, at=later, conversation={"a": 1})
    assert all([await store.report(r.key, NOON) == {} for r in old]), "only a turn that keeps a report looks"
    await committed(store, at=later, reports=(NewReport("new-1", later + SECOND, {}),))
    assert [r.key for r in old if await store.report(r.key, NOON) is not None] == [r.key for r in old[PURGED:]]
    await committed(store, at=later, reports=(NewReport("new-2", later + SECOND, {}),))
    assert not [r.key for r in old if await store.report(r.key, NOON) is not None]
    assert await store.report("new-1", later) == {}


async def test_a_conflict_and_a_duplicate_keep_no_report(store: Store) -> None:
    await committed(store, update_id="1", conversation={"a": 1})
    for update, key in (("1", "seen"), ("2", "conflict")):
        turn = Commit(FOUNDER, NOON, update, conversation={"a": 2}, expected_revision=7, reports=(NewReport(key, NOON + SECOND, {}),))
        assert not isinstance(await store.commit(turn), Committed)
        assert await store.report(key, NOON) is None


async def test_published_knowledge_is_kept_once_and_comes_back_newest_first(store: Store) -> None:
    assert await store.in_use() is None
    first = Publication("a1", NOON, {"snd/supports.yaml": "supports: []\n"})
    second = Publication("b2", NOON + SECOND, {"snd/supports.yaml": "supports: 二\n"})
    for publication in (first, first, second, second, replace(first, at=NOON + 2 * SECOND)):
        await store.publish(publication)
    assert await store.in_use() == "a1"
    kept = await store.published()
    assert [p.version for p in kept] == ["a1", "b2", "a1"], "a roll-back is a publication of its own"
    assert kept[1] == second
    assert [p.version for p in await store.published(limit=1)] == ["a1"]
    assert await store.published(version="b2") == [second]
    assert [p.at for p in await store.published(version="a1", limit=1)] == [NOON + 2 * SECOND]
    assert await store.published(version="c3") == []
    assert all(p.at.utcoffset() == timedelta(0) for p in kept)


async def test_figures_say_what_waits_since_when_and_how_many_requests_there_are(store: Store) -> None:
    assert await store.figures() == Figures({}, {}, {}, {})
    console = EVERYBODY[-1]
    await committed(store, console, at=NOON + SECOND, replies=({"text": "2"},), created=(FILED, FILED))
    first = (await committed(store, OTHER, replies=({"text": "1"}, {"text": "3"}), created=(replace(FILED, state="done"),))).outbox[0]
    waiting, oldest = {"console": 1, "telegram": 2}, {"console": NOON + SECOND, "telegram": NOON}
    assert await store.figures() == Figures(waiting, oldest, {"new": 2, "done": 1}, {"new": NOON + SECOND, "done": NOON})
    await store.sent(first)
    assert (await store.figures()).waiting["telegram"] == 1


async def test_unanswered_messages_are_counted_most_frequent_first(store: Store) -> None:
    await committed(store, unanswered=("甲", "乙", "乙"))
    await committed(store, at=NOON - SECOND, unanswered=("丙", "乙", "丁"))
    await committed(store, at=NOON + SECOND, unanswered=("丙",))
    counted = await store.unanswered()
    assert counted[:3] == [Unanswered("乙", 3, NOON), Unanswered("丙", 2, NOON + SECOND), Unanswered("甲", 1, NOON)]
    assert [u.text for u in counted] == ["乙", "丙", "甲", "丁"]
    assert await store.unanswered(limit=1) == counted[:1]


# --- Values ---


async def test_times_come_back_as_utc_to_the_microsecond(store: Store) -> None:
    at = datetime(2026, 1, 1, 7, 59, 59, 7, tzinfo=timezone(timedelta(hours=8)))
    await committed(store, at=at, incoming={"text": "问"}, replies=({"text": "答"},), created=(FILED,), unanswered=("问",))
    times = (
        [line.at for line in await store.transcript(FOUNDER)]
        + [r.created for r in await store.requests()]
        + [r.changed for r in await store.requests()]
    )
    times += [u.last for u in await store.unanswered()]
    assert [(moment, moment.tzinfo) for moment in times] == [(at.astimezone(UTC), UTC)] * 5


async def test_nobody_can_change_what_is_stored_from_outside(store: Store) -> None:
    body: dict[str, Any] = {"list": [1]}
    answer = await committed(store, update_id="7", conversation=body, replies=(body,), created=(replace(FILED, body=body),), result=body)
    for held in (
        body,
        cast(dict[str, Any], answer.result),
        cast(dict[str, Any], (await store.load(FOUNDER)).conversation.body),
        cast(dict[str, Any], (await store.load(FOUNDER)).requests[0].body),
        cast(dict[str, Any], (await store.after(FOUNDER, 0))[0].body),
        cast(dict[str, Any], (await store.load(FOUNDER, "7")).seen),
    ):
        held["list"].append(2)
    snapshot, seen = await store.load(FOUNDER), (await store.load(FOUNDER, "7")).seen
    bodies: list[Json | None] = [snapshot.conversation.body, snapshot.requests[0].body, (await store.after(FOUNDER, 0))[0].body, seen]
    assert bodies == [{"list": [1]}] * 4


async def test_any_mapping_and_tuple_can_be_stored(store: Store) -> None:
    body = MappingProxyType({"deep": MappingProxyType({"list": (1, 2)})})
    await committed(store, conversation=body)
    assert (await store.load(FOUNDER)).conversation.body == {"deep": {"list": [1, 2]}}


async def test_odd_names_and_texts_come_back_as_they_were(store: Store) -> None:
    address = Address("web", "a'b\"; drop table messages --", "名\x00字\n👩🏽‍🔬")
    await committed(store, address, update_id="'", incoming={"text": "\x00\u2028"}, conversation={"": ""}, unanswered=("\x00'", ""))
    assert (await store.load(address)).conversation == Conversation(address, {"": ""}, 1)
    assert texts(await store.transcript(address)) == ["\x00\u2028"]
    assert {u.text for u in await store.unanswered()} == {"\x00'", ""}


# --- Random histories ---

_TIMES = st.sampled_from([NOON, NOON + SECOND, datetime(2026, 11, 22, 15, 59, 59, tzinfo=UTC), datetime(2026, 11, 22, 16, tzinfo=UTC)])
_BODIES = st.dictionaries(
    st.sampled_from(["text", "{request}"]), st.one_of(st.text(max_size=3), st.just("号 {request}"), st.integers(0, 9)), max_size=2
)
_SEVERAL = st.lists(_BODIES, max_size=2).map(tuple)
_IDS = st.integers(0, 12)
_COMMITS = st.fixed_dictionaries(
    {
        "address": st.sampled_from(EVERYBODY),
        "at": _TIMES,
        "replies": _SEVERAL,
        "delivered": st.booleans(),
        "result": _BODIES,
        "erased": st.integers(0, 5).map(lambda n: n == 0),
    },
    optional={
        "update_id": st.sampled_from(["1", "2", "3"]),
        "incoming": _BODIES,
        "conversation": _BODIES,
        "taken": st.lists(_IDS, max_size=2).map(tuple),
        "notices": st.lists(
            st.builds(Notice, st.sampled_from(EVERYBODY), _BODIES, st.sampled_from([None, "YQ-261122-0001", "{request}"])), max_size=2
        ).map(tuple),
        "created": st.lists(st.builds(NewRequest, st.just("subsidy"), st.sampled_from(["new", "done"]), _BODIES), max_size=2).map(tuple),
        "unanswered": st.lists(st.sampled_from(["甲", "乙", "丙"]), max_size=2).map(tuple),
        "reports": st.lists(st.builds(NewReport, st.sampled_from(["甲", "k"]), _TIMES, _BODIES), max_size=2).map(tuple),
    },
)
_FRESH = st.integers(0, 9).map(bool)  # nine times of ten the turn has read the latest state
_STEPS = st.one_of(
    st.tuples(st.just("commit"), _COMMITS, _FRESH, st.lists(st.integers(0, 3), max_size=2, unique=True)),
    st.tuples(st.just("sent"), _IDS),
    st.tuples(st.just("postpone"), _IDS, _TIMES, st.just("断网")),
    st.tuples(st.just("fail"), _IDS, st.just("拉黑"), st.sampled_from(["failed", "uncertain", "parked"])),
    st.tuples(st.just("report"), st.sampled_from(["甲", "k"]), _TIMES),
    st.tuples(st.just("purge"), st.sampled_from(["messages", "updates", "reports", "unanswered", "requests", "parked"]), _TIMES),
    st.tuples(st.just("claim"), st.sampled_from([CHANNELS, CHANNELS[:1]]), _TIMES, st.just(timedelta(0)), st.integers(1, 4)),
)


async def purged(store: Store, what: Kept, before: datetime) -> int:
    """How many went until nothing was left to go."""
    count, reduction = 0, Reduction(("done",), lambda body: {"kept": len(body)})
    while gone := await store.purge(what, before, reduction):
        count += gone
    return count


async def play(step: tuple[Any, ...], store: Store) -> Any:
    """What the store answers to one random step; a commit is made from what the store itself says."""
    if step[0] == "purge":
        return await purged(store, *step[1:])
    if step[0] != "commit":
        return await getattr(store, step[0])(*step[1:])
    _, parts, fresh, picks = step
    found = await store.requests()
    if parts["erased"] and fresh:  # what remains of each of the person's requests is said
        picks = sorted({*picks, *(i for i, r in enumerate(found) if r.address == parts["address"])})
    changed = tuple(
        replace(found[i], state="done", body={"n": "{request}"}, revision=found[i].revision - (not fresh)) for i in picks if i < len(found)
    )
    revision = (await store.load(parts["address"])).conversation.revision + (not fresh)
    try:
        return await store.commit(Commit(**parts, expected_revision=revision, changed=changed))
    except StoreError:
        return StoreError


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(steps=st.lists(_STEPS, max_size=12))
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_random_histories_leave_every_store_as_they_leave_memory(
    steps: list[tuple[Any, ...]], kind: str, fresh_postgres: Callable[[], str]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        opening = (
            functools.partial(SqliteStore.open, Path(folder) / "store.db", sealing=SEALED)
            if kind == "sqlite"
            else functools.partial(PostgresStore.open, fresh_postgres(), sealing=SEALED)
        )
        memory, store = MemoryStore(), await opening()
        try:
            for step in steps:
                assert await play(step, store) == await play(step, memory), step
            for now in (NOON, NOON + timedelta(days=99)):
                assert await visible(store, now=now) == await visible(memory, now=now)
            for address in EVERYBODY:
                for update in "123":
                    assert await store.load(address, update) == await memory.load(address, update)
        finally:
            await store.close()
        again = await opening()
        try:
            assert await visible(again) == await visible(memory)
        finally:
            await again.close()
