"""The dossier of a pre-check: complete, cited, by itself, and told once."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

import pytest

from dialogs.answers import Voice
from dialogs.dossier import LINK, dossier, of_recipe
from dialogs.talk import KeepPage
from dialogs.texts import texts
from dialogs.turns import LOCAL
from knowledge.assessments import Status
from knowledge.precheck import precheck
from knowledge.snapshot import Knowledge
from tests.dialogs.talking import Talking, through

IN_2021 = datetime(2021, 6, 1, 12, tzinfo=LOCAL)
TWO_DEVICES = {
    "events": "new_device_certificate",
    "plans": "none",
    "stage": "unknown",
    "products": "1,2",
    "product.1.class": "III",
    "product.2.class": "III",
    "product.1.year": "2021",
    "product.2.year": "2021",
    "product.1.own_ip": "yes",
    "foreign_cash_year": "30000000 USD",
}


def made(knowledge: Knowledge, facts: dict[str, str], day: date, region: str = "snd", language: str = "zh", **more: Any) -> dict[str, Any]:
    voice = Voice(knowledge, date(2026, 11, 25), texts(language))
    return dossier(voice, precheck(knowledge, region, facts, day), IN_2021, **more)


def rows(body: dict[str, Any]) -> list[dict[str, Any]]:
    return [r for g in body["groups"] for r in g["rows"]]


@pytest.fixture(scope="module")
def body(knowledge: Knowledge) -> dict[str, Any]:
    return made(knowledge, TWO_DEVICES, IN_2021.date())


def test_it_is_json_that_needs_nothing_else(body: dict[str, Any], knowledge: Knowledge) -> None:
    assert json.loads(json.dumps(body)) == body
    assert (body["region"], body["day"], body["made"][:16], body["knowledge"]) == ("snd", "2021-06-01", "2021-06-01T12:00", knowledge.version)
    assert body["language"] == "zh"


def test_every_row_of_the_report_stands_in_it_with_every_criterion_and_its_sources(body: dict[str, Any], knowledge: Knowledge) -> None:
    report = precheck(knowledge, "snd", TWO_DEVICES, IN_2021.date())
    told = {(r["id"], r["product"]): r for r in rows(body)}
    assert len(rows(body)) == len(report.rows) == len(told)
    papers = {p["document"] for p in body["papers"]}
    for row in report.rows:
        found = told[row.support.id, row.subject.removeprefix("product.") if row.subject != "company" else None]
        assert [(c["text"], c["verdict"]) for c in found["criteria"]] == [(c.text, str(v)) for c, v in row.verdicts]
        assert all(c["why"] for c in found["criteria"] if c["verdict"] == "undecidable")
        assert {"document": row.support.source.document, "section": row.support.source.section} in found["citations"]
        assert {c["document"] for c in found["citations"]} <= papers
        assert found["holds"]
        for cap in (*found.get("caps", ()), *found.get("rules", ())):
            assert cap["citation"]["document"] in papers
            assert cap["citation"]["section"]


def test_papers_are_told_once_with_title_number_and_whether_they_hold(body: dict[str, Any]) -> None:
    papers = {p["document"]: p for p in body["papers"]}
    assert papers["suzhou-2021"]["number"] == "苏委办发〔2021〕14号"
    assert papers["snd-2020"]["title"].startswith("苏州高新区")
    assert all(p["holds"] for p in papers.values())


def test_groups_stand_in_the_order_of_the_voice_and_hold_what_they_say(body: dict[str, Any]) -> None:
    order = ["met", "near", "open", "not_yet", "window_over", "silent", "failed"]
    names = [g["name"] for g in body["groups"]]
    assert names == [n for n in order if n in names]
    allowed = {"met": {"met"}, "near": {"not_met"}, "open": {"unknown", "undecidable"}, "not_yet": {"not_yet"}, "window_over": {"window_over"}}
    for group in body["groups"]:
        assert group["rows"]
        assert {r["status"] for r in group["rows"]} <= allowed.get(group["name"], set(map(str, Status)))


def test_the_answer_comes_first_with_the_sum_the_ceiling_that_binds_and_the_last_day(body: dict[str, Any]) -> None:
    met = next(g["rows"] for g in body["groups"] if g["name"] == "met")
    count = len({r["id"] for r in met})
    assert body["lead"][0] == f"可能符合 {count} 项，可以相加的合计最高500万元，受每家企业每年最高500万元限制。"
    assert body["total"]["binding"] == [{"text": "每家企业每年最高500万元", "citation": {"document": "snd-2020", "section": "三(二)5第一"}}]
    assert "2022-12-31" in body["lead"][1]


def test_what_is_over_is_said_first_and_nothing_is_added_up(knowledge: Knowledge) -> None:
    body = made(knowledge, {"events": "centralized_procurement_win", "plans": "none"}, date(2026, 11, 25), "taicang")
    assert body["lead"] == ["这一天没有还在有效期内的。按当时的标准，可能对得上的有 1 项，还要补充情况。"]
    assert body["total"] is None
    over = next(g["rows"] for g in body["groups"] if g["name"] == "window_over")
    assert [r["id"] for r in over] == ["sz-procurement-win"]
    assert over[0]["holds"] == "项目认定时限为2021—2023年，现在已经过了。"
    assert not body["offices"], "nobody is to be asked about what is over"


def test_whether_a_support_holds_is_said_for_the_day_that_was_judged(knowledge: Knowledge) -> None:
    body = made(knowledge, {"events": "centralized_procurement_win", "plans": "none"}, date(2022, 6, 1), "taicang")
    row = next(r for r in rows(body) if r["id"] == "sz-procurement-win")
    assert row["holds"] == "时限到 2023-12-31，现在还在时限内。"


def test_answers_are_told_in_words(body: dict[str, Any], knowledge: Knowledge) -> None:
    told = {a["label"]: a["answer"] for a in body["answers"]}
    assert told["公司有下面哪些已经发生的事"] == "新取得医疗器械注册证"
    assert told["公司正在做或打算做哪些事"] == "都没有"
    assert told["公司（机构）属于哪些类"] == "不清楚"
    assert told["有几个产品要算"] == "2 个"
    assert told["产品1：注册证是哪一类"] == "三类"
    assert told["产品1：产品有自主知识产权吗"] == "是"
    assert "3000万美元" in told.values()
    english = {a["label"]: a["answer"] for a in made(knowledge, TWO_DEVICES, IN_2021.date(), language="en")["answers"]}
    assert english["Product 1: Which class is the certificate"] == "class III"
    assert english["How many products should we look at"] == "2"
    assert english["What kind of company is it"] == "Not sure"


def test_one_product_needs_no_number(knowledge: Knowledge) -> None:
    body = made(knowledge, {"events": "new_device_certificate", "products": "1", "product.1.class": "III"}, IN_2021.date())
    assert {r["product"] for r in rows(body)} == {None}
    assert "注册证是哪一类" in {a["label"] for a in body["answers"]}


def test_what_is_still_open_names_the_supports_that_it_would_decide(body: dict[str, Any]) -> None:
    wanted = {o["text"]: o["supports"] for o in body["open"]}
    assert "第三类医疗器械研发费资助" in wanted["产品2：产品有自主知识产权吗"]
    assert "产品1：产品有自主知识产权吗" not in wanted, "that was answered"


def test_offices_are_those_of_the_papers_and_an_unknown_phone_is_not_invented(body: dict[str, Any], knowledge: Knowledge) -> None:
    named = {o["units"]: o for o in body["offices"]}
    assert named["科创局（牵头）、财政局"]["supports"] == ["第三类医疗器械注册证书资助"]
    phones = {s.contact.phone for s in knowledge.supports_in("snd")} - {None}
    assert phones or all(not o["contact"] for o in body["offices"])


def test_what_would_change_a_row_is_told_beside_it(knowledge: Knowledge) -> None:
    told = {(r["id"], r["product"]): r["change"] for r in rows(made(knowledge, TWO_DEVICES, IN_2021.date()))}
    assert told["snd-device-ii", "1"] == "改不了"
    assert told["sz-procurement-win", None] == "可以补上"
    assert told["snd-device-iii", "1"] is None
    late = {r["id"]: r["change"] for r in rows(made(knowledge, TWO_DEVICES, date(2026, 11, 25)))}
    assert late["sz-procurement-win"] == "可以补上，但时限已过，先核实是否延续"


def test_what_cannot_be_changed_is_not_said_to_be_judged_after_the_change(knowledge: Knowledge) -> None:
    for language, word in (("zh", "改不了"), ("en", "cannot be changed")):
        told = {r["change"] for r in rows(made(knowledge, TWO_DEVICES, IN_2021.date(), language=language)) if r["change"]}
        assert {t for t in told if t.startswith(word)} == {word}


@pytest.mark.parametrize(("language", "words"), [("zh", "以兑现审核为准"), ("en", "official review decides")])
def test_the_fine_print_stands_exactly_once(knowledge: Knowledge, language: str, words: str) -> None:
    text = json.dumps(made(knowledge, TWO_DEVICES, IN_2021.date(), language=language), ensure_ascii=False)
    assert text.count(words) == 1


def test_a_told_pre_check_leads_to_its_report_and_a_correction_to_a_new_one(knowledge: Knowledge) -> None:
    talk = Talking(knowledge, now=IN_2021)
    talk.send("!start:subsidy_precheck").tap("苏州高新区")
    through(talk, {"events": "注册证", "plans": "都没有", "products": "1", "product.1.class": "三类"})
    kept = [e for e in talk.effects if isinstance(e, KeepPage)]
    assert [r.link for r in talk.replies if r.link] == [LINK]
    assert len(kept) == 1
    talk.say("不对，是二类")
    through(talk, {})
    assert [r.link for r in talk.replies if r.link] == [LINK]
    first, second = (of_recipe(knowledge, e.body) for e in talk.effects if isinstance(e, KeepPage))
    assert first != second
    assert "二类" in {a["answer"] for a in second["answers"]}


def test_the_same_dossier_goes_into_the_request(knowledge: Knowledge) -> None:
    talk = Talking(knowledge, now=IN_2021)
    talk.send("!start:subsidy_precheck").tap("昆山")
    through(talk, {"events": "集采中标", "plans": "都没有"})
    kept = next(e.body for e in talk.effects if isinstance(e, KeepPage))
    talk.tap("登记请专员核实")
    talk.say("测试医疗公司").say("同意").say("李女士").say("a@example.com").say("确认登记")
    assert talk.filed[0].dossier["report"] == of_recipe(knowledge, kept)
    assert "a@example.com" not in json.dumps(kept)
