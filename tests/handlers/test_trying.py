"""`try TEXT`: what it prints is how the chat reads and answers, in words and as JSON."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialogs.assistant import respond
from dialogs.conversation import State
from dialogs.messages import Message
from dialogs.trying import trial
from dialogs.turns import LOCAL
from handlers import trying
from knowledge import loader
from knowledge.snapshot import Knowledge
from tests.dialogs.talking import NOW

KNOWLEDGE = loader.load()
IN_2021 = datetime(2021, 6, 1, 12, tzinfo=LOCAL)
MESSAGES = [
    "太苍三雷器械有补帖吗",
    "集采中标有奖励吗",
    "我们在苏州高新区，刚拿了三类器械注册证，能拿多少钱",
    "补贴和园区",
    "高新区三类证",
    "你好",
    "今天天气怎么样",
    "阿巴阿巴",
    "转人工",
    "what subsidies are there in taicang",
    "2022年1月到账300万美元，联系 13812345678",
    "能拿多少补贴；顺便帮我转人工",
    "😀",
    "",
]


def said(capsys: pytest.CaptureFixture[str], text: str, form: str = "text", now: datetime = NOW, knowledge: Knowledge = KNOWLEDGE) -> str:
    assert trying.run(text, knowledge, now, form) == 0
    return capsys.readouterr().out


def data(capsys: pytest.CaptureFixture[str], text: str, now: datetime = NOW) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(said(capsys, text, "json", now))
    return found


def test_everything_that_led_to_the_answer_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    out = said(capsys, "太苍三雷器械有补帖吗")
    assert "读成：太仓三类器械有补贴吗（原话：太苍三雷器械有补帖吗）" in out
    assert re.search(r"1\. 查补贴（subsidy_precheck）0\.\d\d　最像例句“.+”；起作用的字词：.*补贴 \+0\.\d\d", out)
    assert "决定：查补贴" in out
    assert "地区 太仓（“太仓”）" in out
    assert "器械类别 III（“三类”）" in out
    assert re.search(
        r"1\. 二、三类医疗器械注册证产品支持（tc-device-certificate，taicang-2025 二\(三\)2）相符 0\.\d\d，名称相符 0\.\d\d　← 用它回答", out
    )
    assert "  二、三类医疗器械注册证产品支持：文件没有写金额。" in out
    assert "[查补贴]" in out


def test_a_text_that_is_read_as_it_stands_is_not_said_twice(capsys: pytest.CaptureFixture[str]) -> None:
    assert "原话" not in said(capsys, "太仓三类器械有补贴吗")


def test_what_a_message_hangs_between_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert re.search("决定：拿不准：(选园区、查补贴|查补贴、选园区)", said(capsys, "补贴和园区"))


def test_several_wishes_are_said_in_their_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert "决定：查补贴，再转人工" in said(capsys, "能拿多少补贴；顺便帮我转人工")


def test_where_nothing_is_read_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    out = said(capsys, "😀")
    assert "没有相近的例句" in out
    assert "决定：看不出想做什么" in out
    assert "认出：没有" in out
    assert "记录：没有对得上的" in out


def test_values_are_named_and_places_that_share_a_name_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    out = said(capsys, "高新区的项目，2022年1月到账300万美元，电话 13812345678")
    for words in ("有几个的地名", "日期 2022-01", "金额 3000000 USD", "电话 13812345678"):
        assert words in out
    assert {e["kind"] for e in data(capsys, "2022年1月到账300万美元，电话 13812345678")["entities"]} >= {"date", "money", "phone"}


@pytest.mark.parametrize("text", ["补贴和园区", "高新区三类证", "三类证给多少钱"])
def test_a_record_is_not_said_to_answer_where_the_chat_asks_back(capsys: pytest.CaptureFixture[str], text: str) -> None:
    out = said(capsys, text)
    assert "您" in out.split("回答：")[1]
    assert "用它回答" not in out
    assert data(capsys, text)["answered_with"] is None


@pytest.mark.parametrize("text", MESSAGES)
def test_the_data_say_the_same_as_the_words(capsys: pytest.CaptureFixture[str], text: str) -> None:
    words, found = said(capsys, text), data(capsys, text)
    assert set(found) == {"read", "intents", "wishes", "between", "entities", "records", "answered_with", "replies"}
    assert f"读成：{found['read']}" in words
    for intent in found["intents"][:4]:
        assert f"（{intent['name']}）{intent['score']:.2f}" in words
    for record in found["records"]:
        assert f"（{record['id']}，" in words
        assert record["citations"]
    assert ("用它回答" in words) == (found["answered_with"] in {r["id"] for r in found["records"]})
    for reply in found["replies"]:
        assert all(f"  {line}" in words for line in reply.splitlines())


@pytest.mark.parametrize("text", MESSAGES)
@pytest.mark.parametrize("now", [NOW, IN_2021])
def test_it_is_what_the_chat_does(capsys: pytest.CaptureFixture[str], text: str, now: datetime) -> None:
    turn, found = respond(State(), Message(text), KNOWLEDGE, now), data(capsys, text, now)
    assert found["replies"] == [r.text for r in turn.replies]
    assert [(i["name"], i["score"]) for i in found["intents"]] == [(s.name, s.score) for s in turn.intents]
    told = found["answered_with"]
    assert told == (turn.conversation.subject if KNOWLEDGE.record(turn.conversation.subject) else None)


def test_the_day_decides_what_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    then, now = (said(capsys, "集采中标有奖励吗", now=day) for day in (IN_2021, NOW))
    assert "还在时限内" in then
    assert "已经过了" in now
    assert "2021-06-01" in json.dumps(data(capsys, "今天到账300万美元", IN_2021)["entities"])


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(), max_size=40))
def test_any_text_can_be_tried(capsys: pytest.CaptureFixture[str], text: str) -> None:
    """Half characters too: what the command line hands over may be no text at all."""
    capsys.readouterr()
    shown = text.encode("utf-8", "replace").decode()
    assert json.loads(said(capsys, shown, "json"))["replies"]
    assert said(capsys, shown).startswith("读成：")


def test_trying_keeps_nothing(knowledge: Knowledge) -> None:
    assert trial("太仓三类证有补贴吗", knowledge, NOW) == trial("太仓三类证有补贴吗", knowledge, NOW)
