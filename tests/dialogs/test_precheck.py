"""The pre-check as a founder meets it: the answer first, any day, stop and go on, what is missing and whether it can be mended."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from dialogs import as_of, mentioned, reports
from dialogs.answers import Voice
from dialogs.texts import texts
from dialogs.turns import LOCAL
from knowledge.assessments import Status
from knowledge.precheck import precheck
from knowledge.snapshot import Knowledge
from tests.dialogs.talking import Talking, through

IN_2022 = datetime(2022, 6, 1, 12, tzinfo=LOCAL)

PRECHECK = "!start:subsidy_precheck"
THEN = datetime(2021, 6, 1, 12, tzinfo=LOCAL)


@pytest.fixture
def then(knowledge: Knowledge) -> Talking:
    """A talk while the papers' periods run."""
    return Talking(knowledge, now=THEN)


@pytest.fixture
def talk(knowledge: Knowledge) -> Talking:
    return Talking(knowledge)


# --- the answer first


def test_the_first_line_says_how_many_fit_and_how_much_at_most(then: Talking) -> None:
    then.say("苏州高新区，两个三类证一个二类证，今年刚拿，能拿多少")
    through(then, {"plans": "都没有", "product.1.year": "2021", "product.2.year": "2021", "product.3.year": "2021"})
    first, *rest = then.text.split("\n")
    assert first == "苏州高新区补贴预审（按 2021-06-01 看）：可能符合 3 项，可以相加的合计最高500万元，受每家企业每年最高500万元限制。"
    assert "· 第三类医疗器械注册证书资助（产品1、2）：最高300万元，每家企业每年最高500万元" in rest
    assert "  到 2022-12-31；找科创局" in rest
    assert then.text.count("以兑现审核为准") == 1


def test_two_years_have_a_ceiling_each(then: Talking) -> None:
    then.say("苏州高新区，4个三类证，刚拿，能拿多少")
    through(then, {"plans": "都没有", **{f"product.{n}.year": str(2019 + n // 3 + 1) for n in range(1, 5)}})
    assert "可以相加的合计最高1000万元" in then.text.split("\n")[0]


def test_what_the_first_words_lead_to_is_said_before_the_first_question(talk: Talking) -> None:
    talk.say("三类证刚拿到，在苏州高新区能拿多少")
    assert "就您说的，先看到：\n· 第三类医疗器械注册证书资助：最高300万元，每家企业每年最高500万元" in talk.text
    assert "计划期都已过" in talk.text
    assert talk.asking == "plans"


def test_what_was_spoken_of_is_asked_first(talk: Talking) -> None:
    talk.say("苏州高新区 三类证2个 二类证1个")
    assert talk.asking == "events", "the certificates' own question comes before plans"


def test_questions_left_are_never_more_than_was_said(then: Talking) -> None:
    then.say("苏州高新区，两个三类证一个二类证，今年刚拿，能拿多少")
    left: list[int] = []
    while then.asking is not None and len(left) < 40:
        said = [line for line in then.text.split("\n") if line.startswith("最多还有 ")]
        left.append(int(said[0].split(" ")[1]) if said else 99 if "不用全答" in then.text else 1)
        then.say("不清楚")
    assert left == sorted(left, reverse=True)
    assert left[0] >= len(left)


# --- stop and go on


def test_stopping_counts_what_was_said_and_leaves_the_rest_open(talk: Talking) -> None:
    talk.say("苏州高新区 三类证2个 二类证1个").tap("先看结果")
    assert "可能对得上的有 6 项，还要补充情况" in talk.text.split("\n")[0]
    assert "不符合的 83 项" not in talk.text
    assert "没问到" in talk.text
    assert "events" not in talk.trail, "what was not asked is no answer"
    assert talk.trail["product.1.class"] == "III"


def test_after_stopping_one_can_go_on_where_it_stopped(then: Talking) -> None:
    then.send(PRECHECK).tap("苏州高新区")
    through(then, {"plans": "都没有"}, until="events")
    then.tap("先看结果")
    assert then.asking is None
    then.tap("接着答")
    assert then.asking == "events"
    assert then.trail["plans"] == "none"
    then.send("!more:zz")
    assert then.asking == "events", "a stale button changes nothing"


@pytest.mark.parametrize("words", ["接着答", "继续", "接着问"])
def test_going_on_may_be_typed(then: Talking, words: str) -> None:
    then.send(PRECHECK).tap("苏州高新区")
    through(then, {"plans": "都没有"}, until="events")
    then.say("先这样").say(words)
    assert then.asking == "events"


# --- as of another day


@pytest.mark.parametrize(
    ("said", "day"),
    [
        ("按2022年看", "2022-12-31"),
        ("按2022年的标准算算", "2022-12-31"),
        ("按照2021年6月看", "2021-06-30"),
        ("按2022-03-01看", "2022-03-01"),
        ("用去年的政策看看", "2025-12-31"),
        ("放在2021年来看呢", "2021-12-31"),
        ("as of 2022", "2022-12-31"),
        ("as of March 2022", "2022-03-31"),
    ],
)
def test_a_day_is_heard_in_the_middle_and_afterwards(knowledge: Knowledge, said: str, day: str) -> None:
    talk = Talking(knowledge).send(PRECHECK).tap("苏州高新区").say(said)
    assert talk.trail["as_of"] == day
    assert day in talk.text
    assert talk.asking is not None
    talk = Talking(knowledge).send(PRECHECK).tap("苏州高新区").say("先看结果").say(said)
    assert talk.trail["as_of"] == day
    assert f"{day}" in talk.text


def test_a_year_alone_is_no_day_to_judge_by(then: Talking) -> None:
    then.say("苏州高新区，两个三类证，刚拿")
    through(then, {"plans": "都没有"}, until="product.1.year")
    then.say("2021年")
    assert then.trail["product.1.year"] == "2021"
    assert "as_of" not in then.trail


def test_when_all_is_over_the_last_year_is_a_button_and_shows_what_fitted_then(talk: Talking) -> None:
    talk.say("三类证刚拿到，在苏州高新区能拿多少").tap("按 2022 年看")
    through(talk, {"plans": "都没有"})
    assert "（按 2022-12-31 看）：可能符合" in talk.text
    assert "合计最高300万元" in talk.text
    talk.say("按今天看")
    assert "（按 2026-11-22 看）：这一天没有还在有效期内的" in talk.text


def test_without_a_precheck_a_day_begins_one(talk: Talking) -> None:
    talk.say("太仓按2025年看能拿什么补贴")
    assert talk.trail["region"] == "taicang"
    assert talk.trail["as_of"] == "2025-12-31"


def test_a_forged_day_is_refused(talk: Talking) -> None:
    talk.send(PRECHECK).tap("太仓").send("!asof:2022-13-45")
    assert "as_of" not in talk.trail
    assert talk.asking is not None


@pytest.mark.parametrize(
    ("when", "day"),
    [
        ("2022", date(2022, 12, 31)),
        ("2022-02", date(2022, 2, 28)),
        ("2024-02", date(2024, 2, 29)),
        ("2022-12", date(2022, 12, 31)),
        ("2022-02-03", date(2022, 2, 3)),
        ("2026", date(2026, 11, 22)),
        ("2026-11", date(2026, 11, 22)),
        ("2026-10", date(2026, 10, 31)),
    ],
)
def test_a_year_or_month_means_its_last_day_and_this_one_today(when: str, day: date) -> None:
    assert as_of.last_of(when, date(2026, 11, 22)) == day


# --- what is missing


def test_what_would_change_it_stands_under_the_support_that_it_would_change(then: Talking) -> None:
    then.send(PRECHECK).tap("苏州")
    through(then, {"events": "与上下游联合攻关（尚未认定）", "plans": "都没有", "independent_entity": "是"})
    lines = then.text.split("\n")
    place = next(i for i, line in enumerate(lines) if "产业化上下游联合攻关资助" in line)
    assert lines[place + 1].startswith("  差 1 项：")
    assert lines[place + 1].endswith("已经认定（可以补上）")


def test_what_is_mended_too_late_says_so(talk: Talking) -> None:
    talk.send(PRECHECK).tap("苏州")
    through(talk, {"events": "与上下游联合攻关（尚未认定）", "plans": "都没有", "independent_entity": "是"})
    assert "已经认定（可以补上，但时限已过，先核实是否延续）" in talk.text


@pytest.mark.parametrize("said", ["研发投入按2022年算是3000万元", "固定资产投资以2021年算5000万元", "用2021年的注册证来算"])
def test_a_sum_or_a_paper_of_some_year_is_no_day_to_judge_by(then: Talking, said: str) -> None:
    then.send(PRECHECK).tap("苏州高新区").say(said)
    assert "as_of" not in then.trail


@pytest.mark.parametrize("day", ["1999-12-31", "9999-12-31"])
def test_a_day_of_which_no_paper_speaks_is_refused(talk: Talking, day: str) -> None:
    talk.send(PRECHECK).tap("太仓").send(f"!asof:{day}")
    assert "as_of" not in talk.trail


# --- what one hurried sentence holds


@pytest.mark.parametrize(
    ("said", "products"),
    [
        (
            "我们在苏州高新区，2021年拿了1张三类证，2022年拿了2张二类证，还有一个一类新药在做三期，能申请多少补贴",
            {1: "III 2021", 2: "II 2022", 3: "II 2022", 4: "class_1 III"},
        ),
        ("一个三类器械证（2022），一个一类新药III期，苏州高新区能拿多少", {1: "III 2022", 2: "class_1 III"}),
        ("苏州高新区，三类证、二类证1个，还有个1类新药二期，能拿多少钱", {1: "III", 2: "II", 3: "class_1 II"}),
        ("苏州高新区 三类证2个 二类证1个，能拿多少", {1: "III", 2: "III", 3: "II"}),
    ],
)
def test_devices_and_drugs_of_one_sentence_are_products_of_their_own(knowledge: Knowledge, said: str, products: dict[int, str]) -> None:
    talk = Talking(knowledge).say(said).tap("先看结果")
    assert talk.trail["products"] == ",".join(map(str, products))
    for number, told in products.items():
        fields = [talk.trail.get(f"product.{number}.{f}") for f in ("class", "drug_class", "phase", "year")]
        assert " ".join(f for f in fields if f) == told


def test_the_products_of_one_sentence_are_added_up(knowledge: Knowledge) -> None:
    talk = Talking(knowledge).say("我们在苏州高新区，2021年拿了1张三类证，2022年拿了2张二类证，还有一个一类新药在做三期，能申请多少补贴")
    talk.say("先看结果").say("按2022年看")
    assert "可以相加的合计最高400万元" in talk.text.split("\n")[1], talk.text
    assert "新药“研究”资助（临床实验和研究）（产品4）" in talk.text


@pytest.mark.parametrize(
    ("said", "event"),
    [
        ("苏州，联合攻关项目投了5000万，已经认定了，能拿多少", "joint_rd_recognised"),
        ("苏州，联合攻关项目投了5000万，认定通过了，能拿多少", "joint_rd_recognised"),
        ("苏州，联合攻关项目投了5000万，还没认定，能拿多少", "joint_rd"),
    ],
)
def test_what_is_recognised_is_not_taken_for_what_is_not(knowledge: Knowledge, said: str, event: str) -> None:
    talk = Talking(knowledge).say(said)
    if talk.dialog is None:
        talk.send(PRECHECK)
        assert event == "joint_rd", "a plain question is answered first"
        return
    assert talk.say("先看结果").trail["events"] == event


def test_a_certificate_from_before_the_plan_is_not_said_to_count(then: Talking) -> None:
    then.say("苏州高新区，两个三类证，刚拿，能拿多少")
    through(then, {"plans": "都没有", "product.1.year": "2019", "product.2.year": "2021"})
    assert "合计最高300万元" in then.text.split("\n")[0]
    assert "算不算“新取得”文件没有写" in then.text


def test_a_pause_keeps_the_answers(talk: Talking) -> None:
    talk.send(PRECHECK).tap("苏州高新区").say("先停一下，等会再答")
    assert "之前的内容都在" in talk.text
    talk.say("继续")
    assert talk.trail["region"] == "snd"
    assert talk.asking is not None


def test_a_product_that_was_not_there_on_the_day_is_left_out_and_told(knowledge: Knowledge) -> None:
    talk = Talking(knowledge, now=IN_2022)
    talk.say("苏州高新区，2021年新取得一个三类证，2022年又新取得一个三类证，能拿多少").say("先看结果")
    assert "合计最高600万元" in talk.text
    talk.say("按2021年看")
    assert "合计最高300万元" in talk.text
    assert "产品2是 2021 年以后取得的，按这一天看还没有，没有算进来。" in talk.text
    assert {row["subject"] for row in talk.outcome["supports"] if row["status"] == "met"} == {"product.1"}
    talk.say("按2020年看")
    assert "产品1、2是 2020 年以后取得的" in talk.text
    assert not [row for row in talk.outcome["supports"] if row["status"] == "met"]
    talk.say("按2022年看")
    assert "合计最高600万元" in talk.text


def test_products_without_a_year_are_counted_in_this_one_and_that_is_told_where_it_matters(knowledge: Knowledge) -> None:
    told = "没说哪年取得的产品，合计都按 2022 年算"
    two = Talking(knowledge, now=IN_2022).say("苏州高新区，我们拿了两个三类注册证，能拿多少").say("先看结果")
    assert "合计最高500万元" in two.text
    assert told in two.text
    assert two.outcome["total"]["assumes_year"]
    one = Talking(knowledge, now=IN_2022).say("苏州高新区，我们拿了一个三类注册证，能拿多少").say("先看结果")
    assert told not in one.text
    dated = Talking(knowledge, now=IN_2022).say("苏州高新区，2021年拿了一个三类证，2022年又拿了一个，能拿多少").say("先看结果")
    assert told not in dated.text
    assert not dated.outcome["total"]["assumes_year"]


@pytest.mark.parametrize(
    ("said", "events"),
    [
        ("苏州高新区，我们拿了三类证，还申请了PCT专利，能拿什么补贴", "new_device_certificate,pct_filing"),
        ("昆山，我们拿了三类证，外资也到账了，能拿什么补贴", "new_device_certificate,foreign_capital_received"),
        ("苏州，我们在国家集采中标了，还申请了PCT专利，能拿什么补贴", "centralized_procurement_win,pct_filing"),
    ],
)
def test_what_was_said_stays_said_though_no_support_of_the_region_looks_at_part_of_it(knowledge: Knowledge, said: str, events: str) -> None:
    talk = Talking(knowledge, now=IN_2022).say(said)
    assert talk.asking != "events"
    talk.say("先看结果")
    assert talk.trail["events"] == events


def test_only_a_paper_that_asks_for_what_is_new_leaves_an_earlier_certificate_to_an_official(knowledge: Knowledge) -> None:
    facts = {"events": "new_device_certificate", "products": "1", "product.1.class": "III", "product.1.year": "2020", "product.1.type": "device"}
    facts |= {"product.1.own_ip": "yes", "product.1.local": "yes", "independent_entity": "yes"}
    found = {r.support.id: (r.status, r.early) for r in precheck(knowledge, "snd", facts, date(2022, 6, 1)).rows}
    assert found["sz-new-device-industrialisation"] == (Status.UNDECIDABLE, True), "三(一)第二 says 新取得, and its plan begins in 2021"
    assert found["sz-directory-device"] == (Status.MET, False), "专栏1第3条 says 已获批生产"
    assert found["sz-device-rd-iii"] == (Status.MET, False), "三(二)第三 says 取得"
    assert found["snd-device-iii"] == (Status.MET, False), "its plan begins in 2020"


@pytest.mark.parametrize(
    ("support", "words"),
    [("sz-joint-rd", "可以补上，且要等到 2021-01-01"), ("sz-new-drug-industrialisation", "改不了"), ("sz-new-device-industrialisation", "")],
)
def test_what_fails_and_has_not_begun_is_told_both_ways(knowledge: Knowledge, support: str, words: str) -> None:
    day = date(2020, 6, 1)
    facts = {"events": "new_device_certificate", "products": "1", "product.1.type": "device", "product.1.class": "II"}
    voice, report = Voice(knowledge, day, texts("zh")), precheck(knowledge, "snd", facts, day)
    row = next(r for r in report.rows if r.support.id == support)
    assert words in (reports.mending(voice, report, row) or "")
    assert ("改不了" in (reports.mending(voice, report, row) or "")) == any(c.change == "fixed" for c in row.failed)


def test_a_sum_over_several_years_is_told_year_by_year(knowledge: Knowledge) -> None:
    talk = Talking(knowledge, now=IN_2022)
    talk.say("苏州高新区 新取得3个三类证 2020一个 2021两个，2022年一个二类证").say("都没有").say("先看结果")
    assert "合计最高850万元，受每家企业每年最高500万元限制：2020年300万元、2021年500万元、2022年50万元。" in talk.text
    one = Talking(knowledge, now=IN_2022).say("苏州高新区，2021年拿了两个三类证").say("先看结果")
    assert "2021年" not in one.text.split("\n")[0]


@pytest.mark.parametrize(
    ("said", "products", "got"),
    [
        ("4个三类证都是2021", [("III", "2021")] * 4, True),
        ("4个三类证都是2021 两个二类2021 一个2022三类", [("III", "2021")] * 4 + [("II", "2021")] * 2 + [("III", "2022")], True),
        ("新取得一个2021三类、一个2022二类", [("III", "2021"), ("II", "2022")], False),
        ("一个2022三类证", [("III", "2022")], True),
        ("2021年三类证什么条件", [("III", "2021")], False),
        ("2021年要拿一个三类证", [("III", "2021")], False),
    ],
)
def test_certificates_of_a_year_are_certificates_that_the_company_has(
    knowledge: Knowledge, said: str, products: list[tuple[str, str]], got: bool
) -> None:
    found = mentioned.facts_in(knowledge.vocabulary.read(said, IN_2022.date()), knowledge, said)
    assert [(found[f"product.{n}.class"], found.get(f"product.{n}.year")) for n in found["products"].split(",")] == products
    assert ("new_device_certificate" in found.get("events", "")) == got


def test_named_certificates_and_no_event_contradict_each_other(knowledge: Knowledge) -> None:
    talk = Talking(knowledge, now=IN_2022).say("苏州高新区 4个三类证都是2021").say("没有")
    assert talk.trail["events"] == "new_device_certificate"
    assert talk.say("先看结果").text.startswith("苏州高新区补贴预审（按 2022-06-01 看）：可能符合")
