"""What answers say about dates: an admin's notice, a check, a successor, and the printed dates where there is nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from dialogs.answers import Voice
from dialogs.texts import texts
from knowledge.records import Contact
from knowledge.shapes import Application, Checked
from knowledge.snapshot import Knowledge
from knowledge.supports import Support
from tests.dialogs.talking import NOW, Talking

TODAY = NOW.date()
CHECKED = {"on": "2026-11-01", "by": "核实人甲"}


def changed(knowledge: Knowledge, key: str = "snd-device-iii", **more: Any) -> Knowledge:
    """The knowledge with one support as an admin would fill it in."""
    row: Support = knowledge.supports[key].model_copy(update=more)
    return replace(knowledge, supports={**knowledge.supports, key: row})


def notice(state: str, **more: str) -> Application:
    return Application.model_validate({"state": state, "checked": CHECKED, **more})


def holds(knowledge: Knowledge, today: date = TODAY, key: str = "snd-device-iii", language: str = "zh") -> str:
    return Voice(knowledge, today, texts(language)).holds(knowledge.supports[key])


@pytest.mark.parametrize(
    ("application", "words"),
    [
        (notice("not_announced"), "计划期已过，今天是否延续需要核实。本轮申报通知还没有公布（2026-11-01 核实）。"),
        (notice("opens_on", opens="2027-01-01"), "2027-01-01 开始受理，现在还没开始（2026-11-01 核实）。"),
        (notice("opens_on", opens="2026-11-10"), "2026-11-10 起受理，现在可以申请（2026-11-01 核实）。"),
        (notice("open_until", until="2026-12-31"), "现在可以申请，受理到 2026-12-31（2026-11-01 核实）。"),
        (notice("open_until", until="2026-11-20"), "这一轮受理到 2026-11-20，现在已经过了（2026-11-01 核实）。"),
        (notice("all_year"), "常年受理（2026-11-01 核实）。"),
        (notice("closed"), "已经截止受理（2026-11-01 核实）。"),
        (notice("suspended"), "目前暂停受理（2026-11-01 核实）。"),
        (notice("budget_used_up", note="明年再开。"), "本轮资金已经用完，现在不受理（2026-11-01 核实）。明年再开。"),
    ],
    ids=lambda value: value.state if isinstance(value, Application) else "",
)
def test_an_application_notice_is_told_with_the_day_of_its_check(knowledge: Knowledge, application: Application, words: str) -> None:
    assert holds(changed(knowledge, application=application)).endswith(words)
    assert "核实人甲" not in holds(changed(knowledge, application=application)), "who checked is nobody's business"


def test_before_its_check_a_notice_says_nothing(knowledge: Knowledge) -> None:
    row = changed(knowledge, application=notice("closed"))
    assert holds(row, date(2022, 6, 1)) == holds(knowledge, date(2022, 6, 1))


def test_a_check_is_mentioned_from_its_day_on(knowledge: Knowledge) -> None:
    row = changed(knowledge, checked=Checked(on=date(2026, 11, 1), by="某"))
    assert holds(row).endswith("（最近一次核对：2026-11-01）")
    assert "核对" not in holds(row, date(2026, 10, 31))


def test_a_successor_is_named(knowledge: Knowledge) -> None:
    row = changed(knowledge, superseded_by="snd-device-ii", superseded_on=date(2026, 11, 1))
    assert holds(row) == "已被“第二类医疗器械资助”取代，不能再按它算。"
    assert "取代" not in holds(row, date(2026, 10, 31))
    paper = knowledge.documents["snd-2020"].model_copy(update={"superseded_by": "suzhou-2021"})
    newer = replace(knowledge, documents={**knowledge.documents, "snd-2020": paper})
    assert "《苏州市生物医药及健康产业强链补链三年行动计划（2021—2023）》" in holds(newer)


def test_a_plan_that_has_not_begun_is_not_said_to_be_over(knowledge: Knowledge) -> None:
    assert "还没到计划期" in holds(knowledge, date(2019, 12, 31))
    assert "已过" not in holds(knowledge, date(2019, 12, 31))


def test_a_question_about_one_support_stands_as_the_support(knowledge: Knowledge) -> None:
    question = next(q for q in knowledge.questions.values() if q.about == ("sz-procurement-win",))
    row = changed(knowledge, "sz-procurement-win", application=notice("all_year"))
    assert Voice(row, NOW.date(), texts("zh")).holds(question) == "常年受理（2026-11-01 核实）。"


def test_a_question_about_several_supports_stands_as_the_worst_of_them(knowledge: Knowledge) -> None:
    question = next(q for q in knowledge.questions.values() if len([i for i in q.about if i in knowledge.supports]) >= 2 and q.region == "suzhou")
    key = next(i for i in question.about if i in knowledge.supports)
    row = changed(knowledge, key, application=notice("budget_used_up"))
    voice = Voice(row, NOW.date(), texts("zh"))
    assert voice.holds(question) == "本轮资金已经用完，现在不受理（2026-11-01 核实）。"
    assert not voice.confirmed(question)


def test_every_notice_can_be_said_in_english(knowledge: Knowledge) -> None:
    said = holds(changed(knowledge, application=notice("open_until", until="2026-12-31")), language="en")
    assert said == "Applications are open until 2026-12-31 (checked on 2026-11-01)."


def test_a_telephone_that_an_admin_filled_in_is_told_with_its_day(knowledge: Knowledge) -> None:
    contact = Contact.model_validate({"phone": "0512-66666666", "checked": CHECKED})
    talk = Talking(changed(knowledge, contact=contact)).send("!full:snd-device-iii")
    assert "电话：0512-66666666（2026-11-01 核实）" in talk.text
    assert "核实人甲" not in talk.text


def test_a_pre_check_tells_until_when_and_what_has_not_begun(knowledge: Knowledge) -> None:
    for application, words, group in (
        (notice("open_until", until="2026-12-31"), "受理到 2026-12-31", "可能符合"),
        (notice("opens_on", opens="2027-01-01"), "2027-01-01 开始受理", "还没开始"),
        (notice("suspended"), "目前暂停受理", "窗口已过"),
    ):
        talk = Talking(changed(knowledge, application=application)).say("三类证刚拿到，在苏州高新区能拿多少")
        for _ in range(20):
            if talk.asking is None:
                break
            talk.say("不清楚")
        assert words in talk.text
        lines = talk.text.split("\n")
        place = next(i for i, line in enumerate(lines) if "第三类医疗器械注册证书资助" in line)
        head = next(line for line in reversed(lines[:place]) if "的 " in line and line.endswith("："))
        assert head.startswith(group), head


def test_both_readings_are_offered_where_papers_disagree(knowledge: Knowledge) -> None:
    difference = next(d for d in knowledge.differences.values() if any(i in knowledge.indicators for i in d.about))
    key = next(i for i in difference.about if i in knowledge.indicators)
    talk = Talking(knowledge).send(f"!show:{key}")
    first = knowledge.differences_on(key)[0]
    assert f"文件在“{first.name}”上有不同的说法" in talk.text
    talk.tap("看两种说法")
    for reading in first.readings:
        assert f"{reading.source.section}：{reading.text.rstrip('。')}" in talk.text
        assert (reading.source.document, reading.source.section) in {(s.document, s.section) for r in talk.replies for s in r.citations}
