"""The shell around the pure turn: duplicates, conflicts, staff answers; over both stores."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from dialogs import cases
from dialogs.dossier import REPORT_DAYS
from dialogs.messages import Message
from dialogs.turns import Library, Turns
from knowledge.snapshot import Knowledge
from storage.contract import Address, OutboxItem, Store, Update
from storage.memory import MemoryStore
from storage.sqlite import SqliteStore
from tests.dialogs.talking import NOW

HERE = Address("test", "u1", "u1")


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    opened: Store = MemoryStore() if request.param == "memory" else await SqliteStore.open(tmp_path / "store.db")
    yield opened
    await opened.close()


@pytest.fixture
def turns(store: Store, knowledge: Knowledge) -> Turns:
    return Turns(store, Library(knowledge), clock=lambda: NOW)


async def file_one(turns: Turns, address: Address = HERE, pull: bool = True) -> str:
    for text in ("转人工", "集采奖励还能申请吗", "测试医疗公司", "同意", "李女士", "13812345678", "确认"):
        handled = await turns.handle(address, Message(text), pull=pull)
    number: str = handled.result["requests"][-1]["number"]
    return number


async def test_a_filed_request_gets_its_number_everywhere(turns: Turns) -> None:
    number = await file_one(turns)
    assert number == "YQ-261122-0001"
    case = await turns.case(number)
    assert case is not None
    assert case.number == number
    assert number in (await turns.handle(HERE, Message("进度"), pull=True)).result["replies"][0]["text"]


async def test_a_duplicate_gets_the_stored_answer_and_changes_nothing(turns: Turns) -> None:
    first = await turns.handle(HERE, Message(option="!start:park_selection"), "7", pull=True)
    again = await turns.handle(HERE, Message(option="!start:park_selection"), "7", pull=True)
    assert again.duplicate
    assert again.result == first.result
    assert len(await turns.store.transcript(HERE)) == 2


async def test_messages_at_the_same_moment_are_taken_one_after_the_other(turns: Turns) -> None:
    await turns.handle(HERE, Message("你好"), pull=True)
    await asyncio.gather(*(turns.handle(HERE, Message(f"第{n}句"), str(n), pull=True) for n in range(40)))
    snapshot = await turns.store.load(HERE)
    assert snapshot.conversation.revision == 41
    said = [u.body["text"] for u in await turns.store.transcript(HERE) if isinstance(u, Update)]
    assert said == ["你好", *(f"第{n}句" for n in range(40))]


async def test_a_staff_answer_and_a_change_of_state_reach_the_founder(turns: Turns) -> None:
    number = await file_one(turns)
    await turns.advance(number, cases.Event("staff_reply", NOW, "team", "2023 年的要看当年的申报通知"))
    await turns.advance(number, cases.Event("state", NOW, "team", "材料齐了", cases.State.DONE))
    handled = await turns.handle(HERE, Message("进度"), pull=True)
    by = [(r["by"], r["text"]) for r in handled.result["replies"]]
    assert by[0][0] == by[1][0] == "team"
    assert number in by[0][1]
    assert "2023 年的要看当年的申报通知" in by[0][1]
    assert "已办结" in by[1][1]
    assert "已办结" in by[2][1]
    again = await turns.handle(HERE, Message("进度"), pull=True)
    assert [r["by"] for r in again.result["replies"]] == ["bot"]


async def test_two_programs_at_one_chat_lose_nothing(store: Store, knowledge: Knowledge) -> None:
    both = [Turns(store, Library(knowledge), clock=lambda: NOW) for _ in range(2)]
    await asyncio.gather(*(both[n % 2].handle(HERE, Message("你好"), str(n), pull=True) for n in range(20)))
    assert (await store.load(HERE)).conversation.revision == 20


async def test_a_request_knows_when_it_last_changed(turns: Turns) -> None:
    number = await file_one(turns)
    later = NOW + timedelta(days=3)
    await turns.advance(number, cases.Event("staff_reply", later, "team", "您好"))
    request = await turns.store.request(number)
    assert request is not None
    assert (request.created, request.changed) == (NOW, later)


async def test_an_unknown_request_is_none_and_a_forbidden_step_raises(turns: Turns) -> None:
    assert await turns.advance("YQ-000000-0001", cases.Event("staff_reply", NOW, "team", "x")) is None
    number = await file_one(turns)
    with pytest.raises(cases.CaseError):
        await turns.advance(number, cases.Event("state", NOW, "team", "", cases.State.DECLINED))


async def test_a_report_is_kept_under_a_key_of_its_own_and_the_reply_leads_there(turns: Turns) -> None:
    keys = []
    for chat in ("u1", "u2"):
        for text in ("补贴预审", "太仓", "先看结果"):
            handled = await turns.handle(replace(HERE, chat=chat), Message(text), f"{chat}-{text}", pull=True)
        (link,) = [r["link"] for r in handled.result["replies"] if r["link"]]
        key = link.removeprefix("/report/")
        assert re.fullmatch(r"[A-Za-z0-9_-]{32}", key)
        body = await turns.store.report(key, NOW + timedelta(days=REPORT_DAYS, seconds=-1))
        assert body is not None
        assert (body["region"], body["expires"][:10]) == ("taicang", "2026-12-22")
        assert await turns.store.report(key, NOW + timedelta(days=REPORT_DAYS)) is None
        keys.append(key)
    assert len(set(keys)) == 2
    again = await turns.handle(replace(HERE, chat="u2"), Message("先看结果"), "u2-先看结果", pull=True)
    assert again.duplicate
    assert again.result == handled.result, "a message that came twice has one report"
    transcript = [line.body for line in await turns.store.transcript(replace(HERE, chat="u2")) if isinstance(line, OutboxItem)]
    assert [b["link"] for b in transcript if b["link"]] == [link], "the history leads there too"
    repeated = await turns.handle(replace(HERE, chat="u2"), Message("再说一遍"), pull=True)
    assert [r["link"] for r in repeated.result["replies"] if r["link"]] in ([link], [])


async def test_words_that_look_like_a_slot_stay_words(turns: Turns) -> None:
    for text in ("补贴预审", "太仓", "{report} 先看结果", "先看结果"):
        handled = await turns.handle(HERE, Message(text), pull=True)
        assert all("{" not in (r["link"] or "") for r in handled.result["replies"])
    assert [line.body["text"] for line in await turns.store.transcript(HERE) if isinstance(line, Update)][2] == "{report} 先看结果"


async def test_an_error_in_a_turn_is_told_and_the_conversation_goes_on(turns: Turns, monkeypatch: pytest.MonkeyPatch) -> None:
    await turns.handle(HERE, Message(option="!start:park_selection"), pull=True)
    with monkeypatch.context() as broken:
        broken.setattr("dialogs.turns.respond", lambda *_: 1 / 0)
        handled = await turns.handle(HERE, Message("体外诊断"), pull=True)
    assert "出了点问题" in handled.result["replies"][0]["text"]
    handled = await turns.handle(HERE, Message("体外诊断"), pull=True)
    assert handled.result["dialog"]["asking"] == "region"


async def test_a_listener_hears_the_bell(turns: Turns) -> None:
    with turns.listening(HERE) as bell:
        assert not bell.is_set()
        await turns.handle(HERE, Message("你好"))
        assert bell.is_set()
