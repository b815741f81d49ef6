"""The terminal: JSON lines for programs, and a talk for people."""

from __future__ import annotations

import io
import json
from datetime import date
from typing import Any

import pytest

from dialogs.turns import Library, Turns
from handlers import console
from knowledge.snapshot import Knowledge
from storage.memory import MemoryStore

TODAY = date(2026, 11, 22)


@pytest.fixture
def turns(knowledge: Knowledge) -> Turns:
    return Turns(MemoryStore(), Library(knowledge))


async def run(turns: Turns, *lines: Any, today: date | None = TODAY) -> list[dict[str, Any]]:
    text = [line if isinstance(line, bytes) else (line if isinstance(line, str) else json.dumps(line)).encode() for line in lines]
    out = io.StringIO()
    await console.jsonl(turns, iter(text), out, today)
    return [json.loads(line) for line in out.getvalue().splitlines()]


async def test_each_line_gets_exactly_one_in_the_documented_form(turns: Turns) -> None:
    (answer,) = await run(turns, {"chat": "u1", "text": "太仓有什么补贴"})
    assert set(answer) == {"chat", "replies", "intents", "entities", "dialog", "outcome", "requests"}
    assert answer["chat"] == "u1"
    assert set(answer["replies"][0]) == {"id", "by", "text", "options", "citations", "picture", "link", "link_label"}
    assert answer["intents"][0]["name"] == "subsidy_precheck"
    assert answer["entities"] == [{"kind": "region", "value": "taicang", "text": "太仓"}]
    assert answer["dialog"]["name"] == "subsidy_precheck"
    assert answer["outcome"] is None
    assert answer["requests"] == []


async def test_a_citation_has_the_documents_title_number_and_section(turns: Turns) -> None:
    (answer,) = await run(turns, {"chat": "u1", "text": "集采中标有奖励吗"})
    citation = answer["replies"][0]["citations"][0]
    assert citation["document"] == "suzhou-2021"
    assert citation["section"] == "四1"
    assert "强链补链" in citation["title"]
    assert citation["number"] == "苏委办发〔2021〕14号"


BAD_LINES = [
    ("not json", "JSON"),
    ("[]", "object"),
    ("{}", "chat"),
    ('{"chat": ""}', "chat"),
    ('{"chat": "u"}', "text"),
    ('{"chat": "u", "text": 5}', "text"),
    ('{"chat": "u", "text": "x", "wat": 1}', "wat"),
    ('{"chat": "u", "text": "x", "kind": "smell"}', "kind"),
    ('{"chat": "u", "text": "x", "at": "yesterday"}', "at"),
    ('{"chat": "u", "text": "x", "at": "0001-01-01T00:00:00+14:00"}', "at"),
    ('{"chat": "u", "text": "x", "at": "9999-12-31T23:59:59"}', "at"),
    ('{"chat": "u", "text": "x", "group": "yes"}', "group"),
    ("[" * 100_000, "JSON"),
    (b'{"chat": "u", "text": "\xd6\xd0"}', "UTF-8"),
]


@pytest.mark.parametrize(("line", "words"), BAD_LINES, ids=range(len(BAD_LINES)))
async def test_a_line_that_cannot_be_read_says_what_is_wrong_and_the_run_goes_on(turns: Turns, line: str | bytes, words: str) -> None:
    bad, good = await run(turns, line, {"chat": "u1", "text": "你好"})
    assert list(bad) == ["error"]
    assert words in bad["error"]
    assert good["replies"]


async def test_duplicates_times_and_kinds(turns: Turns) -> None:
    lines = [
        {"chat": "u1", "text": "你好", "id": "1"},
        {"chat": "u1", "text": "别的话", "id": "1"},
        {"chat": "u1", "kind": "voice"},
        {"chat": "u1", "text": "集采中标有奖励吗", "at": "2022-06-01T09:00:00+08:00"},
        {"chat": "u1", "text": "\ud800 half a character", "id": 5},
    ]
    lines += [{"chat": "\udc00", "from": "\ud800", "id": "\ud800", "option": "1:region=\ud800"}]
    first, again, voice, past, odd, odder = await run(turns, *lines)
    assert again == first
    assert "语音" in voice["replies"][0]["text"]
    assert "还在时限内" in past["replies"][0]["text"]
    assert odd["replies"]
    assert odder["replies"]


async def test_two_people_in_one_group_are_kept_apart(turns: Turns) -> None:
    lines: list[dict[str, Any]] = [
        {"chat": "g", "from": "a", "group": True, "addressed": True, "option": "!start:park_selection"},
        {"chat": "g", "from": "b", "group": True, "addressed": True, "text": "你好"},
        {"chat": "g", "from": "b", "group": True, "text": "随便聊聊"},
        {"chat": "g", "from": "a", "group": True, "addressed": True, "text": "体外诊断"},
    ]
    first, other, unmeant, second = await run(turns, *lines)
    assert first["dialog"]["asking"] == "segment"
    assert other["dialog"] is None
    assert unmeant["replies"] == []
    assert second["dialog"]["asking"] == "region"


async def test_a_person_talks_in_the_terminal_and_taps_numbered_buttons(turns: Turns) -> None:
    said = iter(["/1", "体外诊断", "/2", "生产", "都没有"])

    def read(_: str) -> str:
        try:
            return next(said)
        except StopIteration:
            raise EOFError from None

    out = io.StringIO()
    await console.talk(turns, "me", TODAY, out, read)
    text = out.getvalue()
    assert "园企通" in text
    assert "太仓生物港" in text
    assert "依据：《太仓市推进生物医药产业创新集群发展" in text
