"""What need not be kept any longer goes by itself, and by command; of a request closed long ago only what is nobody's remains."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dialogs import cases
from handlers import purging, staff
from handlers.settings import Settings
from storage.contract import Address, Commit, NewRequest
from storage.memory import MemoryStore
from tests.test_bot import free_port, run
from tests.test_serving import line_with, program

OLD, NEW = ({"chat": chat, "text": text, "id": chat} for chat, text in (("a", "昆科贷是什么"), ("b", "阿巴阿巴")))
SECRETS = ("李女士", "13812345678", "测试医疗公司", "集采奖励")
NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)


def talked(store: Path) -> None:
    """One talk of long ago, and one of today."""
    run("chat", "--jsonl", "--today", "2020-01-06", "--store", str(store), stdin=json.dumps(OLD))
    run("chat", "--jsonl", "--store", str(store), stdin=json.dumps(NEW))


def chats(store: Path, table: str) -> set[str]:
    with closing(sqlite3.connect(store)) as file:
        return {chat for (chat,) in file.execute(f"select chat from {table}")}


async def test_the_running_program_lets_go_at_its_start_and_says_so_in_a_log_line(tmp_path: Path) -> None:
    store = tmp_path / "s.db"
    await asyncio.to_thread(talked, store)
    async with program(PORT=str(free_port()), STORE=str(store)) as running:
        line = await line_with(running, "yuanqitong.purge")
    assert "消息和对话 2、去重记录 1" in line
    assert [chats(store, table) for table in ("messages", "conversations", "updates")] == [{"b"}] * 3


def test_the_command_says_first_what_would_go(tmp_path: Path) -> None:
    store = tmp_path / "s.db"
    talked(store)
    out, _ = run("purge", "--dry-run", STORE=str(store))
    assert "消息和对话：可以删 2" in out
    assert "去重记录：可以删 1" in out
    assert chats(store, "messages") == {"a", "b"}
    out, _ = run("purge", STORE=str(store))
    assert "消息和对话：删了 2" in out
    assert "180 天" in out
    assert chats(store, "messages") == {"b"}
    _, err = run("purge", STORE=str(tmp_path / "none.db"), expect=2)
    assert "不存在" in err


@pytest.mark.parametrize("days", ["0", "-1", "abc", "1.5", "999999", "１"])
def test_a_period_that_makes_no_sense_is_refused(days: str) -> None:
    for name in ("KEEP_DAYS", "KEEP_REQUEST_DAYS"):
        _, err = run("purge", expect=2, **{name: days})
        assert name in err
        assert "天数" in err


def test_periods_beyond_what_the_notice_promises_are_said_together_and_by_every_command() -> None:
    for command in ("serve", "settings", "purge"):
        _, err = run(command, expect=2, KEEP_DAYS="181", KEEP_REQUEST_DAYS="731")
        assert "KEEP_DAYS 是 181，比个人信息说明里答应的 180 天长\nfix: " in err
        assert "KEEP_REQUEST_DAYS 是 731，" in err
    told, _ = run("doctor", expect=1, KEEP_DAYS="181")
    assert "✗ 环境变量: KEEP_DAYS 是 181" in told


def test_the_periods_are_those_of_the_settings() -> None:
    rules = purging.rules(Settings.read({"KEEP_DAYS": "7", "KEEP_REQUEST_DAYS": "90"}))
    assert {r.what: r.days for r in rules} == {"messages": 7, "updates": 7, "reports": 0, "parked": 7, "unanswered": 7, "requests": 90}


def a_case() -> cases.Case:
    """A case with words of its person everywhere."""
    name, reach, company, matter = SECRETS
    dossier = {
        "matter": f"{matter}还能申请吗",
        "company": company,
        "contact": {"contact.name": name, "contact.reach": reach},
        "consent": NOON.isoformat(),
        "language": "zh",
        "profile": {"contact.company": company},
        "knowledge": "v1",
        "heard": [f"我是{name}"],
        "answers": {"company": company},
        "report": {"title": company},
        "record": "snd-x",
        "citations": [{"document": "snd", "section": "一", "title": "计划", "number": None}],
    }
    events = (
        cases.Event("filed", NOON, "company"),
        cases.Event("company_note", NOON, "company", f"电话 {reach}"),
        cases.Event("staff_reply", NOON, "team", f"{name}您好"),
        cases.Event("state", NOON, "team", f"已答复{name}", cases.State.DONE),
    )
    return cases.Case("YQ-261122-0001", "policy_check", cases.State.DONE, NOON, events, dossier)


def test_what_remains_of_a_case_has_no_words_of_its_person_and_can_still_be_read_by_the_team() -> None:
    body = cases.anonymous(cases.encode(a_case()))
    assert not [word for word in SECRETS if word in json.dumps(body, ensure_ascii=False)]
    assert cases.anonymous(body) == body
    case = cases.decode("YQ-261122-0001", "policy_check", "done", NOON, body)
    assert [(e.kind, e.to) for e in case.events] == [(e.kind, e.to) for e in a_case().events]
    shown = staff.dossier(case, reveal=True)
    assert cases.GONE in shown
    assert "计划" in shown
    assert staff._line(case).startswith("YQ-261122-0001")


async def test_the_job_reduces_what_was_closed_long_ago_and_goes_on_every_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purging, "EVERY", 0.01)
    store, founder = MemoryStore(), Address("web", "1", "1")
    filed = NewRequest("policy_check", "done", cases.encode(a_case()))
    job = asyncio.create_task(purging.run(store, purging.rules(Settings.read({}))))
    for times in (1, 2):
        await store.commit(Commit(founder, datetime(2020, 1, 1, tzinfo=UTC), created=(filed, NewRequest("policy_check", "new", {"n": 1}))))
        for _ in range(500):
            if len((await store.load(founder)).requests) == times:
                break
            await asyncio.sleep(0.01)
    job.cancel()
    remains = await store.requests(["done"])
    assert len(remains) == 2
    assert not [word for word in SECRETS for r in remains if word in json.dumps(r.body, ensure_ascii=False)]
    assert [r.body for r in await store.requests(["new"])] == [{"n": 1}] * 2
