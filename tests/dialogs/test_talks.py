"""Whole talks, as founders have them: each test is one story."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from dialogs import cases, reports
from dialogs.assistant import respond
from dialogs.conversation import State
from dialogs.frames import Stage
from dialogs.messages import Message
from dialogs.turns import LOCAL
from knowledge.snapshot import Knowledge
from tests.dialogs.talking import NOW, Talking, through

IN_2021 = datetime(2021, 6, 1, 12, tzinfo=LOCAL)


@pytest.fixture
def talk(knowledge: Knowledge) -> Talking:
    return Talking(knowledge)


def row(talk: Talking, support: str, subject: str = "company") -> dict[str, object]:
    found = [r for r in talk.outcome["supports"] if r["id"] == support and r["subject"] == subject]
    assert len(found) == 1, [r["id"] for r in talk.outcome["supports"]]
    return dict(found[0])


# -- pre-check -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "plans"),
    [
        ("打算建厂", "industrial_project"),
        ("准备贷款", "loan"),
        ("想贷款", "loan"),
        ("需要贷款", "loan"),
        ("准备建厂和贷款", "industrial_project,loan"),
    ],
)
def test_what_is_planned_is_an_answer_to_what_is_planned(talk: Talking, said: str, plans: str) -> None:
    talk.send("!start:subsidy_precheck").tap("苏州高新区").say(said)
    assert talk.trail["plans"] == plans


def test_what_is_only_planned_is_no_answer_to_what_has_happened(talk: Talking) -> None:
    talk.send("!start:subsidy_precheck").tap("苏州高新区").tap("都没有").say("准备拿医疗器械注册证")
    assert "events" not in talk.trail


@pytest.mark.parametrize(
    ("said", "classes"),
    [
        ("苏州高新区，两个三类证一个二类证，今年刚拿，能拿多少", ["III", "III", "II"]),
        ("苏州高新区 三类证2个 二类证1个", ["III", "III", "II"]),
        ("苏州高新区，三类证2个二类证1个", ["III", "III", "II"]),
        ("我们在苏州高新区拿了2个三类证，能补多少", ["III", "III"]),
    ],
)
def test_certificates_that_are_counted_are_so_many_products(talk: Talking, said: str, classes: list[str]) -> None:
    through(talk.say(said), {"plans": "都没有", "events": "新取得医疗器械注册证"})
    assert [talk.trail[f"product.{number}.class"] for number in range(1, len(classes) + 1)] == classes


@pytest.mark.parametrize("said", ["not class III but class II", "no it's class II", "我们没做过药一直做二类器械", "二类，三类证我没有"])
def test_what_is_denied_beside_it_takes_nothing_from_a_class(talk: Talking, said: str) -> None:
    talk.send("!start:subsidy_precheck").tap("苏州高新区").tap("都没有").tap("新取得医疗器械注册证").say(said)
    assert [e.value for e in talk.turn.entities if e.kind == "device_class"] == ["II"]


def test_a_field_that_nobody_works_in_is_no_field(talk: Talking) -> None:
    talk.say("没在做器械，有哪些园区")
    assert not [e for e in talk.turn.entities if e.kind == "segment"]
    talk.say("没在做新药，做器械")
    assert [e.value for e in talk.turn.entities if e.kind == "segment"] == ["医疗器械"]


def test_a_region_said_where_something_else_is_asked_is_noted(talk: Talking) -> None:
    talk.say("选园区").say("徐州")
    assert talk.text.startswith("记下了：徐州。")
    assert talk.asking == "segment"
    assert talk.say("体外诊断").asking != "region"
    assert talk.trail["region"] == "xuzhou"


def test_leaving_the_form_for_a_person_stays_in_the_form(talk: Talking) -> None:
    talk.say("转人工").say("算了转人工")
    assert talk.dialog == "request" and talk.asking == "matter"
    talk.say("算了")
    assert talk.dialog is None


def test_a_question_in_the_form_is_not_taken_for_a_name(talk: Talking) -> None:
    talk.say("转人工").say("想问集采奖励").say("揭榜挂帅 能给多少 苏州")
    assert "contact.company" not in talk.trail
    assert [o.payload for o in talk.options] == ["!take", "!asked"]


def test_thanks_with_a_question_is_a_question(talk: Talking) -> None:
    assert "不客气" not in talk.say("谢谢，太仓有什么补贴").text
    assert "不客气" not in talk.say("谢谢，那要准备什么材料").text


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ("any loan in kunshan", "Kunshan"),
        ("what is the talent subsidy in Taicang", "Taicang"),
        ("what's the max subsidy for a class II cert in SND", "500,000"),
    ],
)
def test_english_questions_within_a_dialog_are_answered(talk: Talking, said: str, word: str) -> None:
    talk.say("check subsidies in Suzhou New District for my company").say(said)
    assert word in talk.replies[0].text and "outside what I cover" not in talk.text


@pytest.mark.parametrize("said", ["不是三类", "没到三类", "三类证还没拿到", "三类正在申请"])
def test_what_is_denied_is_not_taken(talk: Talking, said: str) -> None:
    talk.send("!start:subsidy_precheck").tap("苏州高新区")
    for _ in range(12):
        if talk.asking == "product.1.class":
            break
        talk.say({"events": "新取得医疗器械注册证", "plans": "都没有", "products": "1"}.get(talk.asking or "", "不清楚"))
    talk.say(said)
    assert "product.1.class" not in talk.trail
    assert talk.asking == "product.1.class"


@pytest.mark.parametrize("said", ["三类证还没拿到，在苏州高新区能拿多少", "我们三类证快拿到了，苏州高新区能拿多少钱"])
def test_what_has_not_happened_is_not_heard_in_passing(talk: Talking, said: str) -> None:
    talk.say(said)
    assert talk.dialog == "subsidy_precheck"
    through(talk, {}, "都没有")
    assert talk.trail["events"] == "none"


@pytest.mark.parametrize("said", ["2000万-4000万美元", "-300万美元", "3000万美元以上", "9999999999999999亿美元"])
def test_an_amount_that_is_none_is_asked_again(talk: Talking, said: str) -> None:
    talk.send("!start:subsidy_precheck").tap("苏州高新区")
    for _ in range(12):
        if talk.asking == "foreign_cash_year":
            break
        talk.say({"events": "外资到账", "plans": "都没有"}.get(talk.asking or "", "不清楚"))
    talk.say(said)
    assert talk.asking == "foreign_cash_year"
    assert talk.replies


@pytest.mark.parametrize("said", ["−500万元", "-500万", "负500万", "－1.2亿元", "-500"])
def test_a_sum_below_zero_is_said_to_be_none_and_asked_for_again(talk: Talking, said: str) -> None:
    talk.send("!start:subsidy_precheck").tap("苏州高新区")
    through(talk, {"plans": "投资产业化项目（建厂、量产）", "project.kind": "医疗器械"}, until="project.investment")
    assert talk.asking == "project.investment"
    talk.say(said)
    assert "是负数，金额不能小于零" in talk.text
    assert "范围" not in talk.text
    assert talk.asking == "project.investment"
    assert talk.say("5亿元").trail["project.investment"] == "500000000 CNY"


@pytest.mark.parametrize("said", ["项目投资-500万，建厂", "项目投资−1.2亿元，建厂"])
def test_a_sum_below_zero_in_passing_is_not_taken(talk: Talking, said: str) -> None:
    talk.say("苏州高新区补贴预审")
    through(talk, {}, until="plans").say(said)
    assert "是负数，金额不能小于零" in talk.text.split("\n")[0]
    assert talk.trail["plans"] == "industrial_project"
    assert "project.investment" not in talk.state.frames[-1].answers


def test_a_sum_below_zero_alone_is_said_to_be_none(talk: Talking) -> None:
    talk.say("苏州高新区补贴预审")
    through(talk, {}, until="plans").say("项目投资-500万")
    assert "是负数" in talk.text
    assert talk.asking == "plans"
    assert talk.say("项目投资500万").state.frames[-1].answers["project.investment"] == "5000000 CNY"
    assert "是负数" not in talk.text


def test_the_period_is_said_before_the_first_question(talk: Talking) -> None:
    talk.send("!start:subsidy_precheck").tap("苏州高新区")
    assert "计划期都已过" in talk.text
    talk.now = IN_2021
    talk.say("重来").tap("苏州高新区")
    assert "计划期都已过" not in talk.text


def test_where_one_wants_to_be_is_no_denial(talk: Talking) -> None:
    talk.say("做体外诊断的，想在太仓找个园区")
    assert talk.trail == {"segment": "ivd", "region": "taicang"}
    talk.say("取消").say("徐州审批快一点找谁")
    assert talk.trail["region"] == "xuzhou"


@pytest.mark.parametrize("text", ["上海有什么补贴", "南京政府补贴能拿多少", "无锡有哪些园区"])
def test_other_cities_are_not_ours(talk: Talking, text: str) -> None:
    talk.say("太仓")
    talk.say(text)
    assert talk.dialog is None
    assert "不在我的范围" in talk.text


def test_a_founder_says_everything_at_once_and_is_asked_only_the_rest(talk: Talking) -> None:
    talk.now = IN_2021
    talk.say("我们在苏州高新区，刚拿了三类器械注册证，能拿多少钱")
    assert talk.dialog == "subsidy_precheck"
    assert talk.trail["region"] == "snd"
    through(talk, {"plans": "都没有", "product.1.own_ip": "是", "product.1.local": "是"})
    assert talk.trail["events"] == "new_device_certificate"
    assert talk.trail["product.1.class"] == "III"
    found = row(talk, "snd-device-iii", "product.1")
    assert found["status"] == "met"
    assert found["time"] == "in_force"
    assert found["printed"]["max"] == 3_000_000  # type: ignore[index]
    assert {"scope": "company_year", "max": 5_000_000} in found["printed"]["caps"]  # type: ignore[index]
    assert talk.outcome["total"]["max"] == 3_000_000
    assert "300万元" in talk.text


def test_today_the_same_support_is_told_as_over(talk: Talking) -> None:
    talk.say("我们在苏州高新区，刚拿了三类器械注册证，能拿多少钱")
    through(talk, {"plans": "都没有"})
    found = row(talk, "snd-device-iii", "product.1")
    assert (found["status"], found["time"], found["amount"]) == ("window_over", "plan_over", None)
    assert talk.outcome["total"] is None
    assert "计划期" in talk.text
    assert any(o.payload.startswith("!log:") for o in talk.options)


def test_two_certificates_share_the_yearly_ceiling(talk: Talking) -> None:
    talk.now = IN_2021
    talk.send("!start:subsidy_precheck").tap("苏州高新区")
    answers = {"events": "注册证", "plans": "都没有", "products": "2", "product.1.class": "三类", "product.2.class": "三类"}
    through(talk, answers | {"product.1.year": "2021年", "product.2.year": "2021年"})
    assert talk.outcome["total"]["max"] == 5_000_000
    assert len(talk.outcome["total"]["binding"]) == 1
    assert "每家企业每年最高500万元" in talk.text
    talk.say("不对，产品2是二类")
    assert talk.dialog == "subsidy_precheck"


@pytest.mark.parametrize(("said", "status"), [("3000万美元", "not_met"), ("3001万美元", "case"), ("3000万", "not_met"), ("三千五百万美金", "case")])
def test_more_than_means_more_than(talk: Talking, said: str, status: str) -> None:
    talk.now = IN_2021
    talk.send("!start:subsidy_precheck").tap("苏州高新区")
    through(talk, {"events": "外资到账", "plans": "都没有", "foreign_cash_year": said})
    rows = [r for r in talk.outcome["supports"] if r["section"].startswith("三(一)1第一")]
    assert rows
    assert all((r["status"] == "not_met") == (status == "not_met") for r in rows)


def test_yuan_are_not_dollars(talk: Talking) -> None:
    talk.now = IN_2021
    talk.send("!start:subsidy_precheck").tap("苏州高新区")
    through(talk, {"events": "外资到账", "plans": "都没有"}, until="foreign_cash_year")
    assert "按美元算，没有写汇率" in talk.say("3亿元人民币").text
    through(talk, {})
    assert {r["status"] for r in talk.outcome["supports"] if r["section"].startswith("三(一)1第一")} == {"unknown"}


def test_a_kunshan_company_also_sees_suzhou(talk: Talking) -> None:
    talk.send("!start:subsidy_precheck").tap("昆山")
    through(talk, {"events": "集采中标", "plans": "都没有"})
    assert {r["document"] for r in talk.outcome["supports"]} == {"kunshan-list", "suzhou-2021"}
    won = row(talk, "sz-procurement-win")
    assert (won["status"], won["time"]) == ("window_over", "window_over")


def test_a_xuzhou_company_does_not_see_suzhou(talk: Talking) -> None:
    talk.send("!start:subsidy_precheck").tap("徐州")
    through(talk, {}, "都没有")
    assert {r["document"] for r in talk.outcome["supports"]} == {"xuzhou-2021"}


def test_within_the_window_a_procurement_win_is_met(talk: Talking) -> None:
    talk.now = datetime(2023, 12, 31, 12, tzinfo=LOCAL)
    talk.send("!start:subsidy_precheck").tap("苏州")
    through(talk, {"events": "集采中标", "plans": "都没有", "independent_entity": "是"})
    won = row(talk, "sz-procurement-win")
    assert (won["status"], won["time"]) == ("met", "open_until")
    assert won["amount"] == {"min": 0, "max": 2_000_000, "currency": "CNY"}


def test_a_joint_project_is_reckoned_by_its_rate_and_ceiling(talk: Talking) -> None:
    talk.now = IN_2021
    talk.send("!start:subsidy_precheck").tap("苏州")
    through(talk, {"events": "联合攻关项目已经认定", "plans": "都没有", "independent_entity": "是", "joint_rd.investment": "1.2个亿"})
    assert row(talk, "sz-joint-rd")["amount"] == {"min": 12_000_000, "max": 20_000_000, "currency": "CNY"}


def test_results_can_be_seen_before_all_questions_are_answered(talk: Talking) -> None:
    talk.now = IN_2021
    talk.say("我们在苏州高新区，刚拿了三类器械注册证，能拿多少钱").tap("先看结果")
    assert talk.asking is None
    assert row(talk, "snd-device-iii", "product.1")["status"] == "met"
    talk.tap("改答案")
    assert talk.options


def test_joint_rd_without_recognition_is_one_step_away(talk: Talking) -> None:
    talk.now = IN_2021
    talk.say("我们在苏州联合攻关投了1个亿能拿多少")
    through(talk, {"plans": "都没有", "independent_entity": "是"})
    found = row(talk, "sz-joint-rd")
    assert found["status"] == "not_met"
    assert found["printed"]["rate_max"] == 0.3  # type: ignore[index]
    assert "联合攻关" in talk.text
    assert "差 1 项" in talk.text


def test_the_basis_of_every_line_can_be_seen(talk: Talking) -> None:
    talk.send("!start:subsidy_precheck").tap("太仓")
    through(talk, {}, "都没有")
    talk.tap("看每一条的依据")
    assert talk.replies[0].citations
    assert all(c.document in ("taicang-2025", "suzhou-2021") for c in talk.replies[0].citations)
    while nxt := next((o for o in talk.options if o.payload.startswith("!basis")), None):
        talk.send(nxt.payload)
        assert len(talk.text) < 4000


# -- parks and approvals ---------------------------------------------------------------------------------------------------------------


def test_parks_are_ranked_with_reasons_and_what_is_not_said(talk: Talking) -> None:
    talk.say("做体外诊断，落在哪个园区好")
    assert talk.dialog == "park_selection"
    assert talk.trail["segment"] == "ivd"
    talk.tap("太仓").say("生产").say("临床合作")
    parks = talk.outcome["parks"]
    assert parks[0]["name"] in ("太仓生物港", "中德（太仓）生命健康产业园")
    assert all(p["region"] == "taicang" for p in parks)
    assert all(reason["citations"][0]["document"] == "taicang-2025" for p in parks for reason in p["reasons"])
    assert "要问园区：是否适合生产；有没有“临床合作”" in talk.text


@pytest.mark.parametrize(
    ("region", "pattern"), [("太仓", "一核两极"), ("苏州高新区", "一核多园"), ("昆山", "1+N"), ("苏州", "1+N"), ("徐州", "一区两翼多点")]
)
def test_every_layout_is_explained(knowledge: Knowledge, region: str, pattern: str) -> None:
    talk = Talking(knowledge).say(f"{region}的园区布局是什么")
    assert pattern in talk.text or any(pattern in o.label for o in talk.options), talk.text


def test_a_wrong_industry_gets_no_park(talk: Talking) -> None:
    talk.send("!start:park_selection").say("医美").tap("徐州").say("生产").say("都没有")
    assert talk.outcome["parks"] == []
    assert any(o.payload.startswith("!log:") for o in talk.options)


def test_an_approval_matter_leads_to_units_and_an_honest_word_about_the_phone(talk: Talking) -> None:
    talk.send("!start:approval_channel").tap("昆山").say("专利预审")
    channels = talk.outcome["channels"]
    assert channels
    assert channels[0]["region"] == "kunshan"
    assert channels[0]["units"]
    assert all(c["phone"] is None for c in channels)
    assert "没有写电话" in talk.text


def test_the_lead_unit_is_marked_only_where_the_document_marks_it(talk: Talking) -> None:
    talk.send("!start:approval_channel").tap("苏州高新区").tap("不清楚")
    leads = [u for c in talk.outcome["channels"] if c["region"] == "snd" for u in c["units"] if u["lead"]]
    assert leads
    talk.say("重来").tap("昆山").tap("不清楚")
    assert not [u for c in talk.outcome["channels"] if c["region"] == "kunshan" for u in c["units"] if u["lead"]]
    assert "没有标哪家牵头" in talk.text


# -- free questions --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "document", "words"),
    [
        ("集采中标有奖励吗", "suzhou-2021", "200万元"),
        ("太仓顶尖人才团队最高给多少", "taicang-2025", "1亿元"),
        ("昆科贷是什么", "kunshan-list", "昆科贷"),
        ("D级特殊物品出入境", "suzhou-2021", "海关"),
        ("娄城贷", "taicang-2025", "娄城贷"),
        ("一核两极是什么意思", "taicang-2025", "沙溪"),
        ("苏州高新区二类医疗器械注册证最高补多少", "snd-2020", "50万元"),
        ("彭城英才卡", "xuzhou-2021", "彭城英才"),
    ],
)
def test_a_question_is_answered_from_a_record_with_its_source(talk: Talking, question: str, document: str, words: str) -> None:
    talk.say(question)
    shown = [talk]
    if not any(r.citations for r in talk.replies):
        first = next(o for o in talk.options if o.payload.startswith("!show:"))
        shown = [talk.send(first.payload)]
    assert words in shown[0].text
    assert document in {c.document for r in talk.replies for c in r.citations}
    assert any(c.title and c.section for r in talk.replies for c in r.citations)


def test_an_answer_says_that_the_period_is_over(talk: Talking) -> None:
    talk.say("集采中标有奖励吗")
    assert "已经过了" in talk.text or "计划期已过" in talk.text
    assert any(o.payload.startswith("!log:") for o in talk.options)


@pytest.mark.parametrize(("question", "words"), [("苏州高新区三类证最高多少", "300万元"), ("苏州高新区二类证最高多少", "50万元")])
def test_the_device_class_in_the_question_is_that_of_the_answer(talk: Talking, question: str, words: str) -> None:
    assert words in talk.say(question).text.splitlines()[0]


def test_a_named_regions_own_record_comes_before_the_citys(talk: Talking) -> None:
    talk.say("太仓三类证给多少钱")
    assert {c.document for r in talk.replies for c in r.citations} == {"taicang-2025"}


def test_where_regions_differ_and_none_is_named_it_asks_and_keeps_the_question(talk: Talking) -> None:
    talk.say("三类证给多少钱")
    assert "苏州高新区" in [o.label for o in talk.options]
    talk.say("苏州高新区")
    assert {c.document for r in talk.replies for c in r.citations} == {"snd-2020"}


def test_another_region_asks_the_same_question_there(talk: Talking) -> None:
    talk.say("太仓三类证给多少钱")
    talk.say("苏州高新区")
    assert "300万元" in talk.text


@pytest.mark.parametrize(
    ("question", "words"), [("太仓的计划还有效吗", "目标期已过"), ("昆科贷还有效吗", "没有写有效期"), ("苏州集采中标奖励过期了吗", "已经过了")]
)
def test_whether_it_still_holds_has_its_own_answer(talk: Talking, question: str, words: str) -> None:
    talk.say(question)
    assert words in talk.text
    assert talk.replies[0].citations


def test_what_is_there_is_listed_before_the_precheck_begins(talk: Talking) -> None:
    talk.say("太仓有什么补贴")
    assert "最高1亿元" in talk.replies[0].text
    assert talk.replies[0].citations
    assert talk.dialog == "subsidy_precheck"
    talk.say("取消").say("太仓有哪些园区")
    assert "太仓生物港" in talk.text


def test_a_long_first_message_is_not_told_that_nothing_is_known(talk: Talking) -> None:
    talk.say("您好 我们是一家做医用机器人的公司，打算在苏州落地，需要厂房大概3000平，想知道有什么补贴和园区")
    assert "没有写这个" not in talk.text
    assert "选园区" in [o.label for o in talk.options] or talk.dialog


def test_what_is_not_in_the_documents_is_said_to_be_unknown(talk: Talking) -> None:
    talk.say("火星移民签证的体检报告模板在哪里下载")
    assert not any(r.citations for r in talk.replies)
    assert talk.options


@pytest.mark.parametrize("text", ["今天天气怎么样", "帮我写首诗", "股票明天会涨吗"])
def test_what_is_none_of_our_business_is_said_so(talk: Talking, text: str) -> None:
    talk.say(text)
    assert talk.turn.intents[0].name == "out_of_scope"
    assert not any(r.citations for r in talk.replies)


def test_an_ambiguous_place_is_asked_about_and_the_question_kept(talk: Talking) -> None:
    talk.say("我们在高新区，补贴能拿多少")
    assert {"太仓", "苏州高新区", "昆山", "徐州"} <= {o.label for o in talk.options}
    talk.tap("苏州高新区")
    assert talk.dialog == "subsidy_precheck"
    assert talk.trail["region"] == "snd"


def test_a_bare_region_is_remembered(talk: Talking) -> None:
    talk.say("太仓")
    assert "太仓" in talk.text
    talk.send("!start:subsidy_precheck")
    assert talk.trail["region"] == "taicang"
    assert "太仓" in talk.text


# -- digression, correction, going back ------------------------------------------------------------------------------------------------


def test_the_profile_follows_to_the_next_dialog_and_can_be_changed(talk: Talking) -> None:
    talk.send("!start:park_selection").say("体外诊断").tap("太仓").say("生产").say("都没有")
    talk.send("!start:subsidy_precheck")
    assert talk.trail["region"] == "taicang"
    assert "按您之前说的：太仓" in talk.text
    talk.say("不对，是昆山")
    assert talk.trail["region"] == "kunshan"


def test_ticked_choices_count_when_done_is_tapped(talk: Talking) -> None:
    talk.send("!start:park_selection").say("体外诊断").tap("太仓").say("生产")
    talk.tap("临床合作").tap("GMP 车间").tap("临床合作")
    assert talk.asking == "needs"
    talk.tap("选好了")
    assert talk.trail["needs"] == "gmp_plant"


# -- requests --------------------------------------------------------------------------------------------------------------------------


def file_one(talk: Talking, matter: str = "集采奖励2023年的还能申请吗，请帮忙核实") -> Talking:
    talk.say("转人工").say(matter)
    if talk.asking == "contact.company":
        talk.say("测试医疗公司")
    if talk.asking == "contact.consent":
        talk.say("同意")
    talk.say("李女士").say("13812345678")
    assert talk.asking == "confirm"
    return talk.say("确认")


def at_name(talk: Talking) -> Talking:
    talk.say("转人工").say("想了解娄城贷").say("测试医疗公司").say("同意")
    assert talk.asking == "contact.name"
    return talk


def test_a_request_is_read_back_and_filed_with_its_dossier(talk: Talking) -> None:
    file_one(talk)
    assert "{request}" in talk.text
    assert "138****5678" in talk.text
    dossier = talk.filed[0].dossier
    assert dossier["contact"] == {"contact.name": "李女士", "contact.reach": "13812345678"}
    assert dossier["knowledge"] == talk.knowledge.version
    assert "13812345678" not in str(talk.state.to_json())
    talk.say("进度")
    assert "YQ-261122-0001" in talk.text
    assert "新建" in talk.text


def test_private_answers_are_hidden_in_what_is_stored_and_said(talk: Talking) -> None:
    at_name(talk).say("李女士")
    assert talk.turn.incoming["text"] == "***"
    assert talk.trail["contact.name"] == "***"
    talk.say("我的电话13812345678")
    assert talk.turn.incoming["text"] == "***"
    assert not talk.turn.entities
    assert "13812345678" not in talk.text


def test_a_corrected_phone_number_stays_private(talk: Talking) -> None:
    talk.say("转人工").say("想了解娄城贷").say("测试医疗公司").say("同意").say("李女士").say("13812345678")
    talk.say("电话改成13900001111")
    assert talk.asking == "confirm"
    assert "139****1111" in talk.text
    assert talk.turn.incoming["text"] == "***"
    assert "13900001111" not in talk.text
    assert not talk.turn.entities


def test_a_wrong_phone_is_asked_again(talk: Talking) -> None:
    at_name(talk).say("李女士").say("123")
    assert talk.asking == "contact.reach"
    assert "电话或邮箱" in talk.text


def test_a_number_is_no_name(talk: Talking) -> None:
    at_name(talk).say("13812345678")
    assert talk.asking == "contact.name"


def test_the_last_words_are_offered_as_the_matter_not_taken(talk: Talking) -> None:
    talk.say("阿巴阿巴").say("巴卜巴卜歪比").tap("登记请专员核实")
    assert talk.asking == "matter"
    talk.tap("沿用：巴卜巴卜歪比")
    assert talk.trail["matter"] == "巴卜巴卜歪比"


def test_a_founder_withdraws_a_request(talk: Talking) -> None:
    file_one(talk).say("撤回")
    assert [w.number for w in talk.withdrawn] == ["YQ-261122-0001"]
    assert "已撤回" in talk.text


def test_of_several_requests_the_one_to_withdraw_is_asked(talk: Talking) -> None:
    file_one(talk)
    file_one(talk)
    talk.say("撤回")
    assert not talk.withdrawn
    talk.tap("撤回 YQ-261122-0002")
    assert [w.number for w in talk.withdrawn] == ["YQ-261122-0002"]


def test_contact_data_in_a_question_is_not_kept_for_admins(talk: Talking) -> None:
    talk.say("阿巴请打我电话13812345678歪比，或者 wang@corp.cn")
    kept = str(list(talk.effects)) + str(talk.state.heard)
    assert "13812345678" not in kept
    assert "wang@corp.cn" not in kept


def test_the_words_of_a_button_can_be_typed(talk: Talking) -> None:
    talk.say("昆科贷是什么").say("看支持条件").say("展开")
    assert "责任单位" in talk.text
    talk.send("!start:subsidy_precheck").tap("昆山")
    through(talk, {}, "都没有")
    talk.say("看每一条的依据")
    assert talk.replies[0].citations


def test_a_precheck_goes_into_the_request(talk: Talking) -> None:
    talk.send("!start:subsidy_precheck").tap("昆山")
    through(talk, {"events": "集采中标", "plans": "都没有"})
    talk.tap("登记请专员核实")
    assert talk.asking == "contact.company"
    talk.say("测试医疗公司").say("同意").say("李女士").say("a@example.com").say("确认登记")
    dossier = talk.filed[0].dossier
    assert talk.filed[0].kind == "subsidy_precheck"
    assert dossier["answers"]["events"] == "centralized_procurement_win"
    assert any(row["id"] == "sz-procurement-win" for group in dossier["report"]["groups"] for row in group["rows"])


@pytest.mark.parametrize("said", ["13900001111", "电话打错了，13900001111", "刚才号码错了一位，是13900001111", "邮箱 a@b.com 也可以"])
def test_contact_data_said_later_replaces_the_old_and_is_kept_nowhere_else(talk: Talking, said: str) -> None:
    at_name(talk).say("李女士").say("13812345678")
    assert talk.asking == "confirm"
    talk.say(said)
    assert talk.asking == "confirm"
    assert talk.turn.incoming["text"] == "***"
    talk.say("确认")
    assert talk.filed[0].dossier["contact"]["contact.reach"] in ("13900001111", "a@b.com")
    kept = str([e for e in talk.effects if not isinstance(e, type(talk.filed[0]))]) + str(talk.state.to_json()) + str(talk.filed[0].dossier["heard"])
    assert "13900001111" not in kept
    assert "a@b.com" not in kept


def test_a_caption_with_a_number_is_masked(talk: Talking) -> None:
    talk.say("我的名片 13812345678", kind="photo")
    assert "13812345678" not in str(talk.turn.incoming)


def test_status_is_told_only_for_own_requests(talk: Talking) -> None:
    talk.say("进度")
    assert "还没有登记" in talk.text
    talk.send("!note:YQ-261122-0001")
    assert "只能查您自己" in talk.text


def test_a_reply_to_the_team_reaches_the_request(talk: Talking) -> None:
    file_one(talk)
    talk.say("营业执照已经发您邮箱", reply_to="YQ-261122-0001.2")
    assert talk.notes[0].number == "YQ-261122-0001"
    talk.say("进度").send("!note:YQ-261122-0001").say("再补一句，注册证是去年拿的")
    assert len(talk.notes) == 2


# -- bad input -------------------------------------------------------------------------------------------------------------------------


def test_the_same_message_gives_the_same_answer(knowledge: Knowledge) -> None:
    for text in ("太仓有什么补贴", "一核两极是什么", "阿巴阿巴"):
        assert respond(State(), Message(text), knowledge, NOW) == respond(State(), Message(text), knowledge, NOW)


def test_changed_knowledge_is_told_when_a_result_changes(knowledge: Knowledge) -> None:
    talk = Talking(knowledge).send("!start:subsidy_precheck").tap("昆山")
    through(talk, {"events": "集采中标", "plans": "都没有"})
    supports = dict(knowledge.supports)
    won = supports["sz-procurement-win"]
    supports["sz-procurement-win"] = won.model_copy(update={"window": None})
    talk.knowledge = replace(knowledge, version="other", supports=supports)
    talk.say("你好")
    assert "知识库更新过" in talk.text
    assert won.name in talk.text


def test_a_result_that_was_only_counted_is_told_of_when_it_may_fit_now(knowledge: Knowledge) -> None:
    talk = Talking(knowledge, now=datetime(2022, 6, 1, 12, tzinfo=LOCAL)).send("!start:subsidy_precheck").tap("昆山")
    through(talk, {"events": "集采中标", "plans": "都没有"})
    told, rows = dict(talk.state.frames[-1].digest), talk.outcome["supports"]
    lost = next(r["id"] for r in rows if r["status"] == "not_met" and f"{r['id']}:{r['subject']}" not in told)
    support = knowledge.supports[lost]
    won = knowledge.supports["sz-procurement-win"].criteria
    talk.knowledge = replace(knowledge, version="other", supports={**knowledge.supports, lost: support.model_copy(update={"criteria": won})})
    talk.say("你好")
    assert "知识库更新过" in talk.text
    assert support.name in talk.text


def test_rows_that_an_earlier_release_kept_and_that_are_as_they_were_are_not_told_of(knowledge: Knowledge) -> None:
    talk = Talking(knowledge).send("!start:subsidy_precheck").tap("昆山")
    through(talk, {"events": "集采中标", "plans": "都没有"})
    outcome = Stage(knowledge, NOW.date()).run(talk.state.frames[-1]).outcome
    assert outcome is not None
    every = reports.digest(outcome, folded=True)
    assert len(every) > len(talk.state.frames[-1].digest) > 0
    talk.state = talk.state.with_top(replace(talk.state.frames[-1], digest=every))
    talk.knowledge = replace(knowledge, version="other")
    talk.say("你好")
    assert "知识库更新过" not in talk.text


def test_several_wishes_are_served_in_order(talk: Talking) -> None:
    talk.say("昆科贷是什么？另外帮我转人工")
    names = [s.name for s in talk.turn.intents]
    assert "request_human" in names


def test_english_is_answered_in_english(talk: Talking) -> None:
    talk.say("hello, what can you do for us?")
    assert "Suzhou" in talk.text or "park" in talk.text.lower()
    talk.say("你好")
    assert "园企通" in talk.text


# -- cases -----------------------------------------------------------------------------------------------------------------------------


def test_every_move_of_a_case_is_allowed_or_refused_with_a_reason() -> None:
    filed = cases.Event("filed", NOW, "company")
    for state in cases.State:
        for target in cases.State:
            case = cases.Case("YQ-1", "general", state, NOW, (filed,), {})
            event = cases.Event("state", NOW, "team", "原因", target)
            if target in cases.MOVES[state]:
                moved, tells = cases.advance(case, event)
                assert moved.state is target
                assert tells
                assert cases.decode("YQ-1", "general", moved.state, NOW, cases.encode(moved)) == moved
            else:
                with pytest.raises(cases.CaseError, match="不能从"):
                    cases.advance(case, event)


def test_a_case_without_a_reason_is_not_declined_and_a_closed_one_not_answered() -> None:
    case = cases.Case("YQ-1", "general", cases.State.NEW, NOW)
    with pytest.raises(cases.CaseError, match="原因"):
        cases.advance(case, cases.Event("state", NOW, "team", "", cases.State.DECLINED))
    answered, tells = cases.advance(case, cases.Event("staff_reply", NOW, "team", "您好"))
    assert (answered.state, answered.answering) == (cases.State.IN_PROGRESS, "team")
    assert tells
    closed, _ = cases.advance(answered, cases.Event("state", NOW, "team", "", cases.State.DONE))
    assert closed.answering == "bot"
    with pytest.raises(cases.CaseError, match="不能再回复"):
        cases.advance(closed, cases.Event("staff_reply", NOW, "team", "再说一句"))


def test_a_company_note_ends_the_waiting() -> None:
    case = cases.Case("YQ-1", "general", cases.State.WAITING_COMPANY, NOW)
    noted, _ = cases.advance(case, cases.Event("company_note", NOW, "company", "材料在此"))
    assert noted.state is cases.State.IN_PROGRESS
