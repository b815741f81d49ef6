"""Repair: every way in which a talk goes off the straight line and comes back; each test is one conversation."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from dialogs.assistant import trouble
from dialogs.messages import Message
from dialogs.talk import Rated, Unanswered
from dialogs.turns import Library, Turns
from knowledge.snapshot import Knowledge
from storage.contract import Address
from storage.memory import MemoryStore
from storage.sqlite import SqliteStore
from tests.dialogs.talking import NOW, Talking, through

PARKS, PRECHECK, ROUTES = "!start:park_selection", "!start:subsidy_precheck", "!start:approval_channel"
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


@pytest.fixture
def talk(knowledge: Knowledge) -> Talking:
    return Talking(knowledge)


def labels(talk: Talking) -> list[str]:
    return [o.label for o in talk.options]


def up_to(talk: Talking, key: str, answers: dict[str, str] | None = None) -> Talking:
    """Answer the open dialog's questions until this one is asked."""
    given = {"events": "新取得医疗器械注册证", "plans": "都没有", "products": "1", **(answers or {})}
    for _ in range(30):
        if talk.asking == key:
            return talk
        talk.say(given.get(talk.asking or "", "不清楚"))
    raise AssertionError(f"{key} was not asked")


def finished_parks(talk: Talking) -> Talking:
    talk.send(PARKS).say("体外诊断").tap("太仓").say("生产").say("都没有")
    assert talk.asking is None
    return talk


def at_consent(talk: Talking) -> Talking:
    talk.say("转人工").say("想了解娄城贷").say("测试医疗公司")
    assert talk.asking == "contact.consent"
    return talk


def at_name(talk: Talking, company: str = "测试公司") -> Talking:
    talk.say("转人工").say("想了解娄城贷").say(company).say("同意")
    assert talk.asking == "contact.name"
    return talk


def sent(talk: Talking, text: str, after: float = 30.0) -> Talking:
    """Say something on a channel that tells when it was sent, some seconds after the message before."""
    talk.now += timedelta(seconds=after)
    return talk.say(text, at=talk.now)


# -- cancel, start again, go back ------------------------------------------------------------------------------------------------------


def test_cancel_and_restart(talk: Talking) -> None:
    talk.send("!start:subsidy_precheck").tap("太仓").say("重来")
    assert talk.asking == "region"
    talk.say("取消")
    assert talk.dialog is None
    talk.say("取消")
    assert "没有进行中" in talk.text


def test_going_back_drops_one_answer_at_a_time(talk: Talking) -> None:
    talk.send("!start:park_selection").say("体外诊断").tap("太仓")
    assert talk.asking == "site_stage"
    talk.say("返回")
    assert talk.asking == "region"
    assert "沿用：太仓" in [o.label for o in talk.options]
    talk.say("返回").say("返回")
    assert talk.asking == "segment"


def test_a_word_that_only_looks_like_starting_again_is_no_such_wish(talk: Talking) -> None:
    talk.send(PARKS).say("植介入器械").say("昆山").say("太仓体外诊断重点方向")
    assert talk.state.frames[0].answers == {"segment": "implants", "region": "kunshan"}
    assert talk.replies[0].citations
    assert "从头来" not in talk.text
    alone = Talking(talk.knowledge).say("太仓体外诊断重点方向")
    assert alone.replies[0].citations
    assert "还没有可以改" not in alone.text


def test_start_again_in_a_form_keeps_what_it_is_about_and_asks_from_its_first_question(talk: Talking) -> None:
    finished_parks(talk).tap("登记请园区答复")
    talk.say("测试医疗公司").say("重来")
    assert talk.dialog == "request"
    assert talk.asking == "contact.company"
    assert "太仓生物港" in talk.trail["matter"]


# -- correct ---------------------------------------------------------------------------------------------------------------------------


def test_a_correction_keeps_later_answers(talk: Talking) -> None:
    talk.send("!start:park_selection").say("体外诊断").tap("太仓").say("生产").say("检验检测")
    talk.say("不对，地区是昆山")
    assert talk.trail == {"segment": "ivd", "region": "kunshan", "site_stage": "production", "needs": "testing"}
    assert "其余答案保留" in talk.text
    assert {p["region"] for p in talk.outcome["parks"]} <= {"kunshan"}


def test_a_finished_dialog_is_corrected_by_a_bare_value(talk: Talking) -> None:
    talk.send("!start:park_selection").say("体外诊断").tap("太仓").say("生产").say("都没有")
    talk.say("医学影像")
    assert talk.trail["segment"] == "imaging"
    assert talk.outcome["parks"][0]["name"] == "太仓生物港"


def test_a_correction_in_the_middle_keeps_later_answers_and_asks_what_matters_then(talk: Talking) -> None:
    up_to(talk.send(PRECHECK).tap("苏州高新区"), "product.1.class").say("二类")
    assert talk.asking == "product.1.reagent_or_part", "asked of class II only"
    talk.say("不对，是三类")
    assert talk.trail["product.1.class"] == "III"
    assert talk.trail["plans"] == "none"
    assert "好，改成“三类”。其余答案保留。" in talk.text
    assert talk.asking == "product.1.own_ip"


def test_a_correction_names_the_product_that_it_is_about(talk: Talking) -> None:
    up_to(talk.send(PRECHECK).tap("苏州高新区"), "product.2.class", {"products": "2", "product.1.class": "三类"}).say("三类")
    talk.say("不对，产品2是二类")
    assert (talk.trail["product.1.class"], talk.trail["product.2.class"]) == ("III", "II")


def test_what_lies_below_another_dialog_is_corrected_there(talk: Talking) -> None:
    talk.send(PARKS).say("体外诊断").tap("太仓").say("生产")
    talk.send(ROUTES)
    assert talk.asking == "approval_matter"
    talk.say("不对，是孵化")
    assert "选园区里改成“孵化、研发”" in talk.text
    assert talk.asking == "approval_matter"
    talk.tap("不清楚").tap("继续")
    assert talk.dialog == "park_selection"
    assert talk.trail == {"segment": "ivd", "region": "taicang", "site_stage": "incubation"}


def test_a_finished_dialog_is_corrected_from_inside_a_form_and_the_form_told_of_it(talk: Talking) -> None:
    talk.send(PRECHECK).tap("太仓")
    through(talk, {"plans": "都没有"}).tap("登记请专员核实")
    assert talk.asking == "contact.company"
    assert "太仓" in talk.trail["matter"]
    talk.say("不对，是昆山")
    assert "补贴预审里改成“昆山”" in talk.text
    assert talk.asking == "contact.company"
    assert "昆山" in talk.trail["matter"]
    talk.say("测试医疗公司").say("同意").say("李女士").say("a@example.com").say("确认登记")
    assert talk.filed[0].dossier["answers"]["region"] == "kunshan"


def test_a_class_is_corrected_from_inside_a_form(talk: Talking) -> None:
    up_to(talk.send(PRECHECK).tap("苏州高新区"), "product.1.class").say("二类")
    talk.say("转人工").say("不对，是三类")
    assert "补贴预审里改成“三类”" in talk.text
    assert talk.asking == "matter"
    talk.say("取消").tap("继续")
    assert talk.trail["product.1.class"] == "III"


def test_a_form_is_corrected_in_free_text_at_any_of_its_questions(talk: Talking) -> None:
    at_name(talk).say("公司名改成苏州测试医疗")
    assert talk.asking == "contact.name"
    assert talk.trail["contact.company"] == "苏州测试医疗"
    talk.say("李女士").say("称呼改成王先生")
    assert talk.asking == "contact.reach"
    assert talk.turn.incoming["text"] == "***"
    talk.say("13812345678").say("确认")
    assert talk.filed[0].dossier["contact"]["contact.name"] == "王先生"


def test_what_is_known_of_before_is_corrected_without_a_dialog(talk: Talking) -> None:
    talk.say("太仓").say("不对，是昆山")
    assert "改成“昆山”" in talk.text
    talk.send(PRECHECK)
    assert talk.trail["region"] == "kunshan"


def test_answers_are_changed_from_a_list_and_the_old_one_is_offered(talk: Talking) -> None:
    talk.send("!start:park_selection").say("体外诊断").tap("太仓").say("生产").say("都没有").tap("改答案")
    talk.send(next(o.payload for o in talk.options if o.payload.endswith(".site_stage")))
    assert talk.asking == "site_stage"
    assert "沿用：生产、量产" in [o.label for o in talk.options]
    talk.tap("孵化、研发")
    assert talk.trail["site_stage"] == "incubation"
    assert talk.asking is None


def test_an_edited_message_is_no_answer_to_the_next_question(talk: Talking) -> None:
    at_name(talk, "测试医疗公司").say("测试医疗有限公司", edits="3")
    assert talk.asking == "contact.name"
    assert "改答案" in talk.text


def test_an_edited_answer_changes_that_answer(talk: Talking) -> None:
    talk.send(PARKS).say("体外诊断").say("太仓")
    talk.say("昆山", edits="2")
    assert talk.trail == {"segment": "ivd", "region": "kunshan"}
    assert "改成“昆山”" in talk.text
    assert talk.asking == "site_stage"


# -- skip, don't know, why -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["跳过", "下一题", "不清楚", "skip"])
def test_a_question_is_passed_over_at_once_and_that_is_said(talk: Talking, said: str) -> None:
    talk.send(PARKS).say(said)
    assert talk.trail == {"segment": "unknown"}
    assert talk.asking == "region"
    assert talk.text.splitlines()[0] in ("好，这一题先不算。", "All right, we go on without it.")


def test_the_button_for_not_sure_says_that_it_goes_on_without(talk: Talking) -> None:
    talk.send(PARKS).tap("不清楚")
    assert talk.text.startswith("好，这一题先不算。")
    assert talk.asking == "region"


def test_a_question_without_a_way_around_says_why_and_stays(talk: Talking) -> None:
    talk.send(ROUTES).say("跳过")
    assert "跳不过" in talk.text
    assert "转人工" in talk.text
    assert talk.asking == "region"
    assert "太仓" in labels(talk)
    talk.send(PARKS).say("体外诊断").say("跳过")
    assert talk.trail["region"] == "any"


def test_a_form_takes_no_skip_for_a_name(talk: Talking) -> None:
    at_name(talk).say("跳过")
    assert talk.asking == "contact.name"
    assert "跳不过" in talk.text


@pytest.mark.parametrize("said", ["不知道", "不懂", "这是什么意思", "看不懂", "啥叫三类", "我不知道怎么选", "what does that mean"])
def test_who_does_not_understand_gets_one_explanation_and_then_goes_on_without(talk: Talking, said: str) -> None:
    up_to(talk.send(PRECHECK).tap("苏州高新区"), "product.1.class")
    fact, language = talk.knowledge.facts["product.class"], "en" if "what" in said else "zh"
    assert fact.simple is not None
    assert fact.who is not None
    buttons = [o.payload for o in talk.options]
    talk.say(said)
    assert talk.asking == "product.1.class"
    assert len(talk.replies) == 1
    for words in (fact.help, fact.simple, fact.who):
        assert words[language] in talk.text
    assert [o.payload for o in talk.options] == buttons
    assert any(o.payload.endswith("product.1.class=unknown") for o in talk.options)
    talk.say("不知道")
    assert talk.trail["product.1.class"] == "unknown"


def test_each_question_is_explained_on_its_own(talk: Talking) -> None:
    talk.send(PARKS).say("不知道").say("体外诊断").say("太仓").say("不知道")
    assert talk.asking == "site_stage"
    assert talk.knowledge.facts["site_stage"].help.zh in talk.text
    assert talk.trail == {"segment": "ivd", "region": "taicang"}


def test_what_is_asked_about_something_else_is_no_missing_understanding(talk: Talking) -> None:
    talk.send(PRECHECK).tap("太仓").say("娄城贷是什么意思")
    assert "贷款" in talk.text
    assert "这一题问的是" not in talk.text


def test_a_term_that_a_record_explains_is_answered_from_the_record(talk: Talking) -> None:
    up_to(talk.send(PRECHECK).tap("太仓"), "events").say("PCT是什么")
    assert talk.replies[0].citations
    assert "这一题问的是" not in talk.text


def test_every_fact_that_a_guided_dialog_asks_says_who_would_know_and_asks_more_simply(knowledge: Knowledge) -> None:
    asked = [f for f in knowledge.facts.values() if f.scope != "request"]
    assert len(asked) > 20
    for fact in asked:
        assert fact.simple is not None, fact.key
        assert fact.who is not None, fact.key
        assert fact.simple.zh != fact.question.zh, fact.key


def test_why_and_help_are_answered_without_losing_the_question(talk: Talking) -> None:
    talk.send("!start:park_selection").say("为什么问这个")
    assert "为什么问" in talk.text
    assert talk.asking == "segment"
    talk.say("帮助")
    assert talk.asking == "segment"


@pytest.mark.parametrize("said", ["0", "没有", "还没有产品", "都没有"])
def test_no_product_is_an_answer_and_no_product_question_follows(talk: Talking, said: str) -> None:
    up_to(talk.send(PRECHECK).tap("苏州高新区"), "products").say(said)
    assert talk.trail["products"] == "none"
    assert "按“还没有”算" in talk.text
    asked = []
    while talk.asking is not None:
        asked.append(talk.asking)
        talk.say("不清楚")
    assert not [key for key in asked if key.startswith("product.")]
    rows = {r["id"]: r for r in talk.outcome["supports"]}
    assert rows["snd-device-iii"]["status"] == "not_met"


def test_who_is_not_sure_of_the_number_of_products_goes_on_with_one(talk: Talking) -> None:
    up_to(talk.send(PRECHECK).tap("苏州高新区"), "products").say("不清楚")
    assert talk.trail["products"] == "1"
    assert "按“1 个”算" in talk.text


@pytest.mark.parametrize("said", ["3000万美元够得上外资总部奖励吗？", "2020年的集采中标奖励还有效吗"])
def test_a_question_with_a_figure_is_no_answer_to_a_question_for_one(talk: Talking, said: str) -> None:
    up_to(talk.send(PRECHECK).tap("苏州高新区"), "foreign_cash_year", {"events": "外资到账"})
    talk.say(said)
    assert talk.asking == "foreign_cash_year"
    assert "foreign_cash_year" not in talk.trail
    assert talk.replies[0].citations or any(o.payload.startswith("!show:") for o in talk.options)
    assert talk.replies[-1].text == "接着刚才的补贴预审？"


# -- several things in one message -----------------------------------------------------------------------------------------------------


def test_an_answer_and_a_question_in_one_message_are_both_served(talk: Talking) -> None:
    talk.send(PRECHECK).say("太仓，另外娄城贷是什么")
    assert talk.trail == {"region": "taicang"}
    assert "按“太仓”算" in talk.replies[0].text
    assert "贷款" in talk.text
    assert any(r.citations for r in talk.replies)
    assert talk.replies[-1].text == "接着刚才的补贴预审？"
    talk.tap("继续")
    assert talk.asking == "plans"


def test_an_answer_that_ends_a_dialog_is_told_before_the_question_beside_it(talk: Talking) -> None:
    talk.send(ROUTES).tap("太仓").say("环评，还有娄城贷是什么")
    assert talk.trail["approval_matter"] == "project_construction"
    assert talk.outcome["matter"] == "project_construction"
    assert "贷款" in talk.replies[-1].text


def test_several_answers_in_one_message_are_read_back(talk: Talking) -> None:
    talk.send(PRECHECK).say("苏州高新区，新拿了三类注册证")
    assert talk.trail["region"] == "snd"
    assert "按“苏州高新区、新取得医疗器械注册证、三类”算" in talk.text
    through(talk, {"plans": "都没有"})
    assert talk.trail["product.1.class"] == "III"
    assert talk.trail["events"] == "new_device_certificate"


def test_several_places_may_be_named_where_parks_are_looked_for(talk: Talking) -> None:
    talk.send(PARKS).say("体外诊断").say("太仓和昆山")
    assert talk.trail == {"segment": "ivd", "region": "taicang,kunshan"}
    assert "太仓、昆山" in talk.text


def test_two_values_where_one_can_be_are_asked_about(talk: Talking) -> None:
    talk.send(PRECHECK).say("太仓和昆山")
    assert talk.trail == {}
    assert labels(talk)[:2] == ["太仓", "昆山"]
    talk.tap("昆山")
    assert talk.trail["region"] == "kunshan"


def test_two_sums_are_asked_about(talk: Talking) -> None:
    up_to(talk.send(PRECHECK).tap("苏州高新区"), "foreign_cash_year", {"events": "外资到账"})
    talk.say("2000万美元，4000万美元")
    assert "foreign_cash_year" not in talk.trail
    assert len(labels(talk)) == 2
    talk.tap(labels(talk)[1])
    assert talk.trail["foreign_cash_year"] == "40000000 USD"


@pytest.mark.parametrize(("reply", "region"), [("是", "kunshan"), ("按“昆山”算", "kunshan"), ("不是", "taicang"), ("还是“太仓”", "taicang")])
def test_a_contradiction_is_asked_about_and_not_settled_silently(talk: Talking, reply: str, region: str) -> None:
    talk.send(PARKS).say("体外诊断").say("太仓").say("我们在昆山")
    assert talk.trail["region"] == "taicang"
    assert talk.text == "您之前说的是“太仓”，现在按“昆山”算吗？"
    assert labels(talk) == ["按“昆山”算", "还是“太仓”"]
    talk.say(reply)
    assert talk.trail == {"segment": "ivd", "region": region}
    assert talk.asking == "site_stage"
    assert ("改成" in talk.text) == (region == "kunshan")


def test_a_place_around_the_answered_one_is_asked_about_where_nothing_else_is_said(talk: Talking) -> None:
    talk.send(PRECHECK).tap("太仓").say("我们是苏州的")
    assert talk.text == "您之前说的是“太仓”，现在按“苏州”算吗？"


def test_in_english_an_answer_a_correction_and_a_doubt_are_read_too(talk: Talking) -> None:
    talk.send(PARKS).say("IVD").say("we are in Kunshan")
    assert talk.trail == {"segment": "ivd", "region": "kunshan"}
    talk.say("actually Taicang")
    assert talk.trail["region"] == "taicang"
    talk.say("our company is in Kunshan")
    assert talk.text == 'Before, you said "Taicang". Shall I take "Kunshan" now?'
    talk.say("no")
    assert talk.trail["region"] == "taicang"
    assert talk.asking == "site_stage"


def test_a_question_that_names_a_choice_is_no_answer(talk: Talking) -> None:
    talk.send(PARKS).say("体外诊断").say("太仓的娄城贷是什么")
    assert talk.state.frames[0].answers == {"segment": "ivd"}
    assert talk.replies[0].citations


def test_an_answer_beside_a_contradiction_is_kept(talk: Talking) -> None:
    talk.send(PARKS).say("体外诊断").say("太仓").say("生产，在昆山")
    assert talk.trail == {"segment": "ivd", "region": "taicang", "site_stage": "production"}
    assert "现在按“昆山”算吗" in talk.text
    talk.tap("还是“太仓”")
    assert talk.asking == "needs"


@pytest.mark.parametrize(
    ("reply", "segment"),
    [
        ("就按我说的", "vaccine"),
        ("按新的来", "vaccine"),
        ("新型疫苗", "vaccine"),
        ("按之前说的算", "ivd"),
        ("还是体外诊断吧", "ivd"),
        ("不用改了", "ivd"),
    ],
)
def test_a_doubt_beside_the_last_answer_leads_to_the_shortlist_however_it_is_settled(talk: Talking, reply: str, segment: str) -> None:
    talk.send(PARKS).say("体外诊断").say("太仓").say("中试").say("要GMP车间，我们其实做疫苗")
    assert labels(talk) == ["按“新型疫苗”算", "还是“体外诊断”"]
    talk.say(reply)
    assert (talk.outcome["name"], talk.trail["segment"]) == ("parks.shortlist", segment)


@pytest.mark.parametrize("between", ["娄城贷是什么", "谢谢", "嗯嗯啊啊哦哦"])
def test_a_doubt_that_is_passed_over_is_put_again_until_the_outcome_is_told(talk: Talking, between: str) -> None:
    talk.send(PARKS).say("体外诊断").say("太仓").say("中试").say("要GMP车间，我们其实做疫苗").say(between)
    assert talk.text.endswith("您之前说的是“体外诊断”，现在按“新型疫苗”算吗？")
    talk.tap("还是“体外诊断”")
    assert talk.outcome["name"] == "parks.shortlist"
    talk.say(between)
    assert "现在按“新型疫苗”算吗" not in talk.text


@pytest.mark.parametrize(("reply", "region"), [("就按我说的", "kunshan"), ("不用", "taicang"), ("还是“太仓”", "taicang")])
def test_a_doubt_beside_the_last_answer_leads_to_the_report_of_a_pre_check(talk: Talking, reply: str, region: str) -> None:
    up_to(talk.send(PRECHECK).tap("太仓"), "stage", {"events": "都没有", "plans": "都没有"})
    talk.say("科技型中小企业，我们其实在昆山").say(reply)
    assert (talk.outcome["name"], talk.trail["region"]) == ("subsidy.report", region)


def test_a_doubt_goes_with_the_dialog_that_is_left(talk: Talking) -> None:
    talk.send(PARKS).say("体外诊断").say("太仓").say("中试").say("要GMP车间，我们其实做疫苗").say("取消")
    assert "算吗" not in talk.text


def test_a_class_of_another_product_changes_only_that_products_answer(talk: Talking) -> None:
    up_to(talk.send(PRECHECK).tap("苏州高新区"), "product.2.class", {"products": "2", "product.1.class": "三类"})
    talk.say("产品1是二类")
    assert talk.trail["product.1.class"] == "II"
    assert talk.asking == "product.2.class"


def test_what_is_known_from_before_contradicts_only_where_it_counts(talk: Talking) -> None:
    finished_parks(talk).send(PRECHECK)
    assert talk.trail["region"] == "taicang"
    talk.say("我们在昆山")
    assert "您之前说的是“太仓”" in talk.text
    talk.say("取消").say("医学影像")
    assert "您之前说的是" not in talk.text


@pytest.mark.parametrize("said", ["昆山有哪些园区？", "昆科贷是什么", "苏州的化学发光试剂"])
def test_a_question_about_elsewhere_and_a_closer_word_contradict_nothing(talk: Talking, said: str) -> None:
    talk.send(PARKS).say("体外诊断").say("太仓").say(said)
    assert "您之前说的是" not in talk.text
    assert talk.state.frames[0].answers["region"] == "taicang"


# -- digression, repeating, small talk -------------------------------------------------------------------------------------------------


def test_a_question_in_the_middle_is_answered_and_the_dialog_offered_again(talk: Talking) -> None:
    talk.send("!start:subsidy_precheck").tap("太仓")
    open_question = talk.asking
    talk.say("娄城贷是什么？")
    assert "娄城贷" in talk.text
    assert talk.replies[-1].text == "接着刚才的补贴预审？"
    talk.tap("继续")
    assert talk.asking == open_question


def test_another_dialog_in_the_middle_and_then_back(talk: Talking) -> None:
    talk.send("!start:subsidy_precheck").tap("太仓")
    talk.send("!start:approval_channel")
    through(talk, {"region": "太仓"})
    assert talk.replies[-1].text == "接着刚才的补贴预审？"
    talk.say("继续")
    assert talk.dialog == "subsidy_precheck"
    assert talk.asking is not None


def test_a_question_inside_the_form_is_asked_about(talk: Talking) -> None:
    talk.say("转人工").say("想了解娄城贷")
    talk.say("太仓有什么补贴？")
    assert talk.asking == "contact.company"
    assert {"是我的回答", "是另一个问题"} == {o.label for o in talk.options}
    talk.tap("是我的回答")
    assert talk.trail["contact.company"] == "太仓有什么补贴？"


@pytest.mark.parametrize("how", ["tap", "type"])
def test_who_does_not_want_to_go_on_is_not_asked_again_in_the_next_turn(talk: Talking, how: str) -> None:
    talk.send(PRECHECK).tap("太仓").say("娄城贷是什么？")
    talk.tap("先不了") if how == "tap" else talk.say("先不了")
    assert talk.dialog == "subsidy_precheck"
    talk.say("昆科贷是什么？")
    assert "接着刚才" not in talk.text
    talk.say("娄城贷是什么？")
    assert "接着刚才的补贴预审？" in talk.text


def test_what_could_be_several_things_is_offered_as_three_at_most(talk: Talking) -> None:
    talk.send(PRECHECK).tap("太仓").say("太仓场地面积要扩到多少")
    assert "您想问的是哪一个？" in talk.text
    shown = [o for o in talk.options if o.payload.startswith("!show:")]
    assert 2 <= len(shown) <= 3
    assert talk.send(shown[0].payload).replies[0].citations


@pytest.mark.parametrize("said", ["再说一遍", "没看清", "刚才说什么", "repeat that"])
def test_the_last_replies_are_said_again_with_their_buttons(talk: Talking, said: str) -> None:
    talk.send(PRECHECK).tap("太仓").say("娄城贷是什么？")
    before = [(r.text, r.options, r.citations) for r in talk.replies]
    assert len(before) == 2
    talk.say(said)
    assert [(r.text, r.options, r.citations) for r in talk.replies] == before
    talk.tap("继续")
    assert talk.asking == "plans"


@pytest.mark.parametrize(("said", "line"), [("你好", "您好，我在。"), ("在吗", "您好，我在。"), ("谢谢", "不客气。"), ("好的，谢谢您", "不客气。")])
def test_small_talk_is_answered_in_one_line_and_leads_back_to_the_open_question(talk: Talking, said: str, line: str) -> None:
    talk.send(PARKS).say("体外诊断")
    question = talk.text
    talk.say(said)
    assert talk.text == f"{line}\n{question}"
    assert talk.asking == "region"
    assert "太仓" in labels(talk)


def test_a_good_bye_in_the_middle_is_no_answer_and_pushes_nothing(talk: Talking) -> None:
    at_name(talk).say("再见")
    assert talk.text == "好的，随时回来，之前的内容都在。"
    assert "contact.name" not in talk.trail
    talk.say("继续")
    assert talk.asking == "contact.name"


def test_small_talk_is_no_name(talk: Talking) -> None:
    at_name(talk).say("谢谢")
    assert talk.asking == "contact.name"
    assert "contact.name" not in talk.trail


# -- not understood --------------------------------------------------------------------------------------------------------------------


def test_after_two_misses_a_person_is_offered_with_the_words_kept(talk: Talking) -> None:
    talk.say("阿巴阿巴歪比巴卜").say("歪比歪比巴卜阿巴")
    assert "歪比歪比巴卜阿巴" in talk.text
    assert talk.options[0].payload == "!log:words"
    assert len(talk.effects) == 2


def test_a_miss_says_which_question_it_did_not_fit_and_what_was_recognised(talk: Talking) -> None:
    up_to(talk.send(PRECHECK).tap("苏州高新区"), "product.1.class")
    talk.say("歪比歪比巴卜")
    assert talk.text.startswith("按“注册证是哪一类”读这句，没读出答案。")
    assert talk.asking == "product.1.class"
    assert "三类" in labels(talk)
    other = Talking(talk.knowledge).send(PRECHECK).tap("苏州高新区").say("苏州高新区歪比巴卜歪比")
    assert other.text.startswith("这句里认出了苏州高新区，但不是“公司正在做或打算做哪些事”要的。")


@pytest.mark.parametrize("said", ["2021", "2022", "2021年", "300万元", "二〇二一", "12", "30%", "2020、2021"])
@pytest.mark.parametrize("key", ["plans", "events"])
def test_figures_are_no_thanks_and_no_answer_where_things_are_to_be_picked(talk: Talking, key: str, said: str) -> None:
    up_to(talk.send(PRECHECK).tap("苏州高新区"), key)
    talk.say(said)
    assert "没读出答案" in talk.text
    assert "不客气" not in talk.text
    assert talk.asking == key
    assert key not in talk.trail


@pytest.mark.parametrize("said", ["2021", "2021年", "21年"])
def test_a_year_is_taken_where_a_year_is_asked_for(talk: Talking, said: str) -> None:
    up_to(talk.say("苏州高新区，两个三类证能拿多少"), "product.1.year").say(said)
    assert talk.trail["product.1.year"] == "2021"


def test_a_button_that_was_only_counted_is_said_by_its_name(talk: Talking) -> None:
    up_to(talk.send(PRECHECK).tap("苏州高新区"), "plans")
    third = labels(talk)[2]
    talk.say("3")
    assert talk.text.startswith(f"按“{third}”算（可改）。")


@pytest.mark.parametrize("said", ["2021", "3", "三个", "2021年", "300万元"])
def test_figures_alone_want_nothing(talk: Talking, said: str) -> None:
    talk.say(said)
    assert talk.text.startswith("这句我没看懂")


@pytest.mark.parametrize("said", ["88", "3q", "谢谢"])
def test_a_thank_you_in_figures_stays_one(talk: Talking, said: str) -> None:
    assert talk.say(said).text.startswith("不客气")


def test_after_two_misses_in_a_dialog_a_person_comes_first_and_the_dialog_is_still_offered(talk: Talking) -> None:
    up_to(talk.send(PRECHECK).tap("苏州高新区"), "product.1.class")
    talk.say("歪比歪比巴卜").say("歪比巴卜歪比")
    assert talk.options[0].payload == "!log:words"
    assert talk.replies[-1].text == "接着刚才的补贴预审？"
    assert [e.text for e in talk.effects if isinstance(e, Unanswered)] == ["歪比歪比巴卜", "歪比巴卜歪比"]
    talk.tap("继续")
    assert talk.asking == "product.1.class"


def test_show_results_first_is_no_question_about_a_request(talk: Talking) -> None:
    talk.say("选园区，先看结果")
    assert talk.dialog == "park_selection"
    assert "登记" not in talk.text
    talk.say("体外诊断").say("先看结果")
    assert talk.asking is None
    assert talk.outcome["parks"]
    assert talk.trail["segment"] == "ivd"


# -- days of silence -------------------------------------------------------------------------------------------------------------------


def test_after_days_an_answer_is_taken_with_a_word_of_what_it_goes_on_with(talk: Talking) -> None:
    talk.send(PRECHECK).tap("太仓")
    talk.now += 3 * DAY
    talk.say("都没有")
    assert talk.text.startswith("接着 3 天前的补贴预审。\n")
    assert talk.trail == {"region": "taicang", "plans": "none"}
    talk.say("都没有")
    assert "天前" not in talk.text


@pytest.mark.parametrize("said", ["你好", "在吗", "继续", "歪比巴卜"])
def test_after_days_words_that_want_nothing_definite_are_told_where_it_stopped(talk: Talking, said: str) -> None:
    talk.send(PARKS).say("体外诊断")
    talk.now += DAY
    talk.say(said)
    assert talk.text == "上次的选园区停在“公司在哪里（或打算落在哪里）”，继续还是重新开始？"
    assert labels(talk) == ["继续", "重新开始"]
    talk.tap("继续")
    assert talk.asking == "region"
    assert talk.trail == {"segment": "ivd"}


def test_after_days_one_can_begin_anew(talk: Talking) -> None:
    talk.send(PARKS).say("体外诊断")
    talk.now += 2 * DAY
    talk.say("在吗").tap("重新开始")
    assert talk.dialog == "park_selection"
    assert talk.asking == "segment"
    assert talk.trail == {}


def test_after_days_a_question_is_answered_first(talk: Talking) -> None:
    talk.send(PRECHECK).tap("太仓")
    talk.now += 2 * DAY
    talk.say("娄城贷是什么？")
    assert "贷款" in talk.replies[0].text
    assert talk.replies[-1].text.startswith("上次的补贴预审停在“")
    assert [o.label for o in talk.replies[-1].options] == ["继续", "重新开始"]


def test_hours_of_silence_are_not_spoken_of(talk: Talking) -> None:
    talk.send(PARKS).say("体外诊断")
    talk.now += timedelta(hours=23)
    talk.say("在吗")
    assert "上次" not in talk.text
    assert talk.asking == "region"


# -- interleaved dialogs, old buttons --------------------------------------------------------------------------------------------------


def test_of_two_interleaved_dialogs_each_keeps_its_answers(talk: Talking) -> None:
    talk.send(PARKS).say("体外诊断").tap("太仓")
    button = next(o.payload for o in talk.options if o.label == "生产、量产")
    talk.send(PRECHECK)
    assert talk.trail == {"region": "taicang"}
    talk.send(button)
    assert "回到刚才的选园区" in talk.text
    assert talk.trail == {"segment": "ivd", "region": "taicang", "site_stage": "production"}
    talk.send(PRECHECK)
    assert "回到刚才的补贴预审" in talk.text
    assert talk.asking == "plans"
    through(talk, {}, "都没有").tap("继续")
    assert talk.dialog == "park_selection"
    assert talk.asking == "needs"


def test_a_dialog_that_is_begun_anew_in_its_middle_offers_what_was_answered(talk: Talking) -> None:
    talk.send(PARKS).say("体外诊断").tap("太仓").say("生产").send(PARKS)
    assert talk.asking == "site_stage"
    assert labels(talk)[0] == "沿用：生产、量产"
    talk.tap("沿用：生产、量产")
    assert talk.trail["site_stage"] == "production"


def test_a_button_tapped_twice_is_one_answer(talk: Talking) -> None:
    talk.send(PARKS).say("体外诊断")
    button = next(o.payload for o in talk.options if o.label == "太仓")
    talk.send(button)
    first = talk.text
    talk.send(button)
    assert talk.text == first
    assert talk.trail == {"segment": "ivd", "region": "taicang"}


STALE = [
    "zz:region=taicang",
    "1:region=mars",
    "1:needs=clinical",
    "!show:nothing",
    "!boom:1",
    "no colon",
    "1:",
    "!basis:1.x",
    "!start:moon",
    "x" * 80,
    "1:~needs=*",
]


@pytest.mark.parametrize("payload", [*STALE, "!place:mars", "!take", "!asked", "!edit:9"])
def test_forged_and_stale_buttons_get_one_line(talk: Talking, payload: str) -> None:
    talk.send("!start:park_selection").say("体外诊断")
    before = talk.trail
    talk.send(payload)
    assert talk.replies
    assert talk.trail == before
    assert talk.asking == "region"


def test_an_old_keyboard_of_a_finished_run_is_stale(talk: Talking) -> None:
    talk.send("!start:park_selection")
    old = next(o.payload for o in talk.options if "segment" in o.payload)
    talk.say("取消").send("!start:subsidy_precheck").send(old)
    assert "已经不能用了" in talk.text
    assert talk.asking == "region"


# -- twice, too fast, too long, not text -----------------------------------------------------------------------------------------------


def test_the_same_words_sent_twice_within_seconds_are_no_answer_to_the_next_question(talk: Talking) -> None:
    talk.say("转人工", at=talk.now)
    sent(talk, "想了解娄城贷")
    sent(talk, "测试医疗公司")
    sent(talk, "同意")
    assert talk.asking == "contact.name"
    sent(talk, "同意", after=1)
    assert talk.asking == "contact.name"
    assert "contact.name" not in talk.trail
    assert talk.text.startswith("同一句刚收到过，只算一次。")
    sent(talk, "李女士")
    sent(talk, "李女士", after=0)
    assert talk.asking == "contact.reach"
    assert talk.turn.incoming["text"] == "***"
    assert "电话或邮箱，请再发" not in talk.text


@pytest.mark.parametrize(("after", "asking"), [(1, "region"), (20, "site_stage")])
def test_the_same_words_count_again_after_a_while(talk: Talking, after: float, asking: str) -> None:
    talk.send(PARKS)
    sent(talk, "在吗")
    sent(talk, "跳过")
    sent(talk, "跳过", after=after)
    assert talk.asking == asking


def test_without_a_moving_clock_nothing_counts_as_sent_twice(talk: Talking) -> None:
    talk.send(PARKS).say("跳过").say("跳过")
    assert talk.asking == "site_stage"
    talk.send(PARKS).say("跳过", at=NOW).say("跳过", at=NOW)
    assert talk.asking == "site_stage"


def test_two_steps_back_are_two_steps(talk: Talking) -> None:
    talk.send(PARKS)
    sent(talk, "体外诊断")
    sent(talk, "太仓")
    sent(talk, "返回")
    sent(talk, "返回", after=1)
    assert talk.asking == "segment"


def test_a_flood_is_answered_once_and_then_waited_out(talk: Talking) -> None:
    talk.send(PARKS)
    for n in range(15):
        sent(talk, f"第{n}句", after=0.5)
        assert talk.text, n
    sent(talk, "体外诊断", after=0.5)
    assert "太快" in talk.text
    assert len(talk.replies) == 1
    sent(talk, "快点快点", after=0.1)
    assert not talk.replies
    assert talk.turn.incoming["text"] == "快点快点"
    assert "体外诊断" in talk.state.heard
    sent(talk, "体外诊断", after=11)
    assert talk.trail == {"segment": "ivd"}


def test_a_flood_without_times_is_no_flood(talk: Talking) -> None:
    for n in range(40):
        talk.say(f"第{n}句")
        assert talk.replies
    for n in range(40):
        talk.say(f"第{n}句", at=NOW)
        assert "太快" not in talk.text


BAD = [
    ("", {}),
    ("   ", {}),
    ("​﻿", {}),
    ("好" * 4500, {}),
    ("\x00\x07\x1b[31m", {}),
    ("<script>alert(1)</script>", {}),
    ("{{7*7}} {request} {0} %s ${jndi}", {}),
    ("'; DROP TABLE requests; --", {}),
    ("(" * 500, {}),
    ("💊💉🏥", {}),
    ("", {"kind": "voice"}),
    ("", {"kind": "photo"}),
    ("", {"kind": "file"}),
    ("", {"kind": "sticker"}),
]


@pytest.mark.parametrize(("text", "more"), BAD, ids=range(len(BAD)))
def test_bad_input_gets_a_clear_line_and_keeps_the_dialog(talk: Talking, text: str, more: dict[str, str]) -> None:
    talk.send("!start:park_selection").say("体外诊断")
    before = talk.trail
    talk.say(text, **more)
    assert talk.replies
    assert talk.trail == before
    assert talk.asking == "region"
    assert bool(talk.turn.intents) == (more.get("kind", "text") == "text")
    assert "{request}" not in talk.text
    assert len(talk.text) < 1500


def test_what_is_too_long_is_said_to_be_too_long(talk: Talking) -> None:
    talk.send(PARKS).say("太仓" * 1001)
    assert "2002 个字" in talk.text
    assert talk.asking == "segment"
    assert talk.trail == {}


# -- groups ----------------------------------------------------------------------------------------------------------------------------


def test_in_a_group_only_messages_for_the_bot_count(talk: Talking) -> None:
    talk.say("太仓有什么补贴", group=True, addressed=False)
    assert talk.replies == ()
    talk.say("转人工", group=True, addressed=True)
    assert "私聊" in talk.text
    assert talk.dialog is None


def test_a_number_typed_in_a_group_is_not_kept(talk: Talking) -> None:
    talk.say("娄城贷怎么办，打我电话13812345678", group=True)
    assert "群里" in talk.text
    assert talk.turn.incoming["text"] == "***"
    assert "13812345678" not in str(talk.state.to_json()) + str(talk.effects) + str(talk.turn.entities) + talk.text
    assert not talk.effects


def test_a_request_begun_by_a_button_in_a_group_is_sent_to_the_private_chat(talk: Talking) -> None:
    talk.say("娄城贷是什么", group=True)
    payload = next(o.payload for o in talk.options if o.payload.startswith("!log:"))
    talk._turn(Message(option=payload, group=True))
    assert "私聊" in talk.text
    assert talk.dialog is None


# -- errors ----------------------------------------------------------------------------------------------------------------------------


def test_an_error_inside_never_traps_the_person(knowledge: Knowledge) -> None:
    talk = Talking(knowledge).send("!start:park_selection")
    turn = trouble(talk.state, Message("什么"), NOW)
    assert turn.replies[0].text
    assert turn.conversation.frames == talk.state.frames
    talk.send("!start:subsidy_precheck")
    for way_out in (Message("取消"), Message("重来"), Message(option="!cancel")):
        out = trouble(talk.state, way_out, NOW)
        assert out.conversation.frames == ()
        assert "放下" in out.replies[0].text


# -- the form --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("会不会泄露", "可以随时要求删除"),
        ("谁能看到我的电话", "只用于办这件事"),
        ("歪比巴卜", "登记到这一步要您选一个：同意、不同意"),
        ("娄城贷是什么", "贷款"),
        ("先看看再说吧", "登记要放下吗"),
        ("转人工", "正在登记"),
    ],
)
def test_words_that_are_no_consent_are_answered_and_the_form_goes_on(talk: Talking, said: str, words: str) -> None:
    at_consent(talk).say(said)
    assert words in talk.text
    assert talk.dialog == "request"
    assert talk.asking == "contact.consent"
    talk.say("同意").say("李女士").say("13812345678")
    assert talk.asking == "confirm"
    assert len(talk.say("确认").filed) == 1


def test_a_form_that_is_left_for_another_dialog_says_that_it_waits(talk: Talking) -> None:
    at_consent(talk).say("帮我们选个园区吧")
    assert talk.dialog == "park_selection"
    assert "登记先放着" in talk.text
    through(talk, {"segment": "体外诊断", "region": "太仓"}).tap("继续")
    assert talk.asking == "contact.consent"


def test_a_form_is_dropped_only_when_that_is_confirmed(talk: Talking) -> None:
    at_consent(talk).say("同意").say("李女士").say("13812345678").tap("改答案").tap("同意这样用您的联系方式吗：同意").say("先看看再说吧").tap("取消")
    assert talk.dialog is None
    assert "13812345678" not in str(talk.state.to_json())


def test_another_matter_begun_inside_a_form_keeps_the_contact(talk: Talking) -> None:
    at_consent(talk).say("同意").say("李女士").say("13812345678").say("娄城贷是什么").tap("登记请专员核实")
    assert talk.asking == "confirm"
    assert "娄城贷" in talk.trail["matter"]
    talk.say("确认")
    assert talk.filed[0].dossier["contact"]["contact.reach"] == "13812345678"


def test_why_a_number_is_wanted_is_answered_at_its_question(talk: Talking) -> None:
    at_name(talk).say("李女士").say("为什么一定要留电话？")
    assert "只给服务团队看" in talk.text
    assert talk.asking == "contact.reach"


# -- completed -------------------------------------------------------------------------------------------------------------------------


def test_an_outcome_asks_what_else_is_needed(talk: Talking) -> None:
    assert finished_parks(talk).text.endswith("还需要什么，直接说。")


def test_thanks_after_a_finished_dialog_asks_once_whether_it_helped(talk: Talking) -> None:
    finished_parks(talk).say("谢谢")
    assert "不客气。还需要什么" in talk.text
    assert "刚才的选园区帮上忙了吗？" in talk.text
    assert labels(talk) == ["有帮助", "一般", "没帮上"]
    old = talk.options[0].payload
    talk.say("有帮助")
    assert talk.effects == [Rated("park_selection", "good", NOW.date(), talk.knowledge.version)]
    talk.send(old)
    assert "已经记下" in talk.text
    talk.say("谢谢")
    assert "帮上忙" not in talk.text
    talk.say("不对，是昆山").say("再见")
    assert talk.text == "好的，随时回来，之前的内容都在。"
    assert len(talk.effects) == 1


def test_a_good_bye_after_a_finished_dialog_asks_whether_it_helped(talk: Talking) -> None:
    finished_parks(talk).say("再见")
    assert "刚才的选园区帮上忙了吗？" in talk.text


def test_a_low_rating_leads_to_a_person_who_knows_what_it_was_about(talk: Talking) -> None:
    finished_parks(talk).say("谢谢").tap("没帮上")
    assert labels(talk) == ["转人工"]
    talk.tap("转人工")
    assert talk.dialog == "request"
    assert "太仓生物港" in talk.trail["matter"]


def test_who_taps_away_from_a_finished_dialog_is_asked_and_goes_on(talk: Talking) -> None:
    finished_parks(talk).send(ROUTES)
    assert "帮上忙了吗" in talk.replies[0].text
    assert talk.asking == "approval_matter"
    assert "approval_matter" in talk.replies[-1].options[0].payload
    talk.tap("一般")
    assert [e.value for e in talk.effects if isinstance(e, Rated)] == ["fair"]
    assert talk.asking == "approval_matter"


def test_nothing_finished_is_not_rated(talk: Talking) -> None:
    talk.say("娄城贷是什么").say("谢谢")
    assert "帮上忙" not in talk.text
    talk.send("!rate:1.park_selection.good")
    assert not [e for e in talk.effects if isinstance(e, Rated)]


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_a_rating_is_kept_without_the_person(knowledge: Knowledge, tmp_path: Path, kind: str) -> None:
    store = MemoryStore() if kind == "memory" else await SqliteStore.open(tmp_path / "store.db")
    turns, here = Turns(store, Library(knowledge), clock=lambda: NOW), Address("test", "u1", "u1")
    for said in (Message(option=ROUTES), Message("太仓"), Message("不清楚"), Message("谢谢"), Message("没帮上")):
        await turns.handle(here, said, pull=True)
    assert await store.ratings() == [{"about": "approval_channel", "value": "poor", "day": "2026-11-22", "knowledge": knowledge.version}]
    await store.close()
