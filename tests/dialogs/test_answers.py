"""What is typed at an open question is taken for what it says there: an answer, no more questions, or something else."""

from __future__ import annotations

from datetime import datetime

import pytest

from dialogs.dossier import LINK
from dialogs.talk import KeepPage
from dialogs.turns import LOCAL
from knowledge.snapshot import Knowledge
from tests.dialogs.talking import Talking

THEN = datetime(2022, 6, 1, 12, tzinfo=LOCAL)


@pytest.fixture
def talk(knowledge: Knowledge) -> Talking:
    """A talk while the papers' periods run."""
    return Talking(knowledge, now=THEN)


# --- no more questions


@pytest.mark.parametrize(
    "said",
    [
        "先到这",
        "先到这里吧",
        "就到这儿",
        "不想答了",
        "不想再答了",
        "我不想再回答了",
        "不答了",
        "够了",
        "行了",
        "没时间了",
        "没空答了",
        "赶时间，直接给结果",
        "直接给结果",
        "问题太多了，先到这",
        "太多了",
        "enough",
    ],
)
@pytest.mark.parametrize("begun", ["我们在苏州高新区，补贴预审", "选园区"])
def test_who_has_had_enough_is_told_what_follows_so_far(talk: Talking, begun: str, said: str) -> None:
    talk.say(begun).say(said)
    assert talk.turn.outcome is not None
    assert talk.asking is None


@pytest.mark.parametrize(
    "said", ["能拿多少钱", "能拿多少", "那我们能拿多少", "直接说能拿多少", "太多了 直接说能拿多少", "先说能拿多少钱吧", "一共能拿多少？"]
)
def test_how_much_asked_in_the_middle_of_a_precheck_is_answered_with_what_follows_so_far(talk: Talking, said: str) -> None:
    talk.say("我们在苏州高新区，补贴预审").say(said)
    assert talk.trail == {"region": "snd", "enough": "yes"}
    assert talk.turn.outcome is not None


@pytest.mark.parametrize("said", ["取消", "算了", "不做了", "退出"])
def test_who_leaves_still_leaves(talk: Talking, said: str) -> None:
    talk.say("我们在苏州高新区，补贴预审").say(said)
    assert "先放下" in talk.text
    assert talk.dialog is None


@pytest.mark.parametrize("said", ["三类证能拿多少", "昆科贷能拿多少", "注册资本够了", "行", "好的"])
def test_words_that_only_look_like_an_end_end_nothing(talk: Talking, said: str) -> None:
    talk.say("我们在苏州高新区，补贴预审").say(said)
    assert talk.dialog == "subsidy_precheck"
    assert "enough" not in talk.trail


@pytest.mark.parametrize("said", ["这题不想答", "这个不想回答", "这个问题我不答"])
def test_one_question_that_somebody_will_not_answer_is_left_out(talk: Talking, said: str) -> None:
    talk.say("我们在苏州高新区，补贴预审").say(said)
    assert talk.trail == {"region": "snd", "plans": "unknown"}


def test_thanks_with_nothing_open_stay_thanks(talk: Talking) -> None:
    assert talk.say("行了，谢谢").dialog is None


# --- a short answer is one of the choices on offer


def _at(talk: Talking, question: str) -> Talking:
    """A talk in which a question of the pre-check is open."""
    said = {
        "project.kind": ("产业化项目", "都没有"),
        "product.1.type": ("都没有", "产品获境外上市资质（FDA、EMA、PMDA 等）", "1"),
        "product.1.class": ("都没有", "新取得医疗器械注册证", "1"),
        "product.1.drug_class": ("都没有", "新药获批临床（IND）或在做临床"),
    }[question]
    talk.say("苏州高新区 补贴预审")
    for words in said:
        talk.say(words)
    assert talk.asking == question
    return talk


@pytest.mark.parametrize(
    ("question", "said", "token"),
    [
        ("project.kind", "器械", "device"),
        ("project.kind", "医疗器械", "device"),
        ("project.kind", "诊断试剂", "device"),
        ("project.kind", "药", "drug"),
        ("project.kind", "药品", "drug"),
        ("project.kind", "生物", "drug"),
        ("product.1.type", "器械", "device"),
        ("product.1.type", "试剂", "device"),
        ("product.1.type", "药", "drug"),
        ("product.1.type", "新药", "drug"),
        ("product.1.class", "III", "III"),
        ("product.1.class", "iii类", "III"),
        ("product.1.class", "三", "III"),
        ("product.1.class", "第二类的", "II"),
        ("product.1.class", "一类", "I"),
        ("product.1.class", "创新产品", "other"),
        ("product.1.drug_class", "一类", "class_1"),
        ("product.1.drug_class", "1类", "class_1"),
        ("product.1.drug_class", "二类", "class_2"),
        ("product.1.drug_class", "2类改良", "class_2"),
        ("product.1.drug_class", "改良型", "class_2"),
        ("product.1.drug_class", "II类", "class_2"),
        ("product.1.drug_class", "仿制", "generic"),
    ],
)
def test_a_short_answer_is_taken_in_the_sense_of_the_open_question(talk: Talking, question: str, said: str, token: str) -> None:
    _at(talk, question).say(said)
    assert talk.trail[question] == token
    classes = {k for k in talk.state.frames[-1].answers if k.endswith("class")}
    assert classes <= {question}, "nothing else was noted of a class"


@pytest.mark.parametrize(("question", "said"), [("product.1.drug_class", "III"), ("product.1.drug_class", "三类")])
def test_a_class_that_is_not_on_offer_is_no_answer_and_no_other_matter(talk: Talking, question: str, said: str) -> None:
    before = _at(talk, question).trail
    talk.say(said)
    assert talk.asking == question
    assert talk.trail == before
    assert "注册证书资助" not in talk.text


@pytest.mark.parametrize(("question", "said"), [("product.1.class", "产品"), ("product.1.class", "器械"), ("product.1.drug_class", "新药")])
def test_a_word_that_tells_no_choice_from_the_others_is_no_answer(talk: Talking, question: str, said: str) -> None:
    _at(talk, question).say(said)
    assert question not in talk.trail


@pytest.mark.parametrize(("question", "said"), [("product.1.class", "三类证能拿多少钱？"), ("product.1.drug_class", "二类器械证怎么办")])
def test_a_question_at_a_choice_is_no_answer(talk: Talking, question: str, said: str) -> None:
    before = _at(talk, question).trail
    talk.say(said)
    assert talk.trail == before


def test_a_choice_said_among_other_values_keeps_them(talk: Talking) -> None:
    _at(talk, "product.1.class").say("2021年的三类证")
    assert talk.trail["product.1.class"] == "III"
    assert talk.state.frames[-1].answers["product.1.year"] == "2021"


# --- a zone in brackets behind or before its city


@pytest.mark.parametrize(
    "said",
    [
        "我在高新区(苏州)，新取得三类证，能拿多少",
        "高新区（苏州），三类证能拿多少",
        "苏州（高新区）刚拿三类证能拿多少",
        "苏州 高新区，刚拿三类证，能拿多少",
    ],
)
def test_the_zone_of_suzhou_is_known_by_its_city_in_brackets(talk: Talking, said: str) -> None:
    assert talk.say(said).state.profile["region"] == "snd"


@pytest.mark.parametrize(
    ("said", "region"),
    [
        ("我在高新区（太仓），补贴预审", "taicang"),
        ("我们在太仓高新区，补贴预审", "taicang"),
        ("我们在徐州高新区，补贴预审", "xuzhou"),
        ("我们在高新区（徐州），补贴预审", "xuzhou"),
        ("我们在昆山高新区，补贴预审", "kunshan"),
        ("我们在高新区(昆山)，补贴预审", "kunshan"),
        ("我们在吴江高新区，补贴预审", "suzhou"),
        ("我们在苏州，补贴预审", "suzhou"),
    ],
)
def test_the_zone_of_another_place_is_not_that_of_suzhou(talk: Talking, said: str, region: str) -> None:
    assert talk.say(said).state.profile["region"] == region


def test_a_zone_without_its_city_is_asked_for(talk: Talking) -> None:
    talk.say("补贴预审").say("高新区")
    assert talk.asking == "region"
    assert talk.trail == {}


# --- a science project that is undertaken


@pytest.mark.parametrize(
    "said",
    [
        "重大新药创制立项了 苏州高新区 能拿多少",
        "我们在苏州高新区，承担了重大新药创制，能拿多少",
        "苏州高新区，拿到了国家科技重大专项，我们能拿多少",
        "我们公司承担国家重大新药创制课题，在苏州高新区，能拿多少",
        "苏州高新区，重大专项获批了，我们能拿多少",
    ],
)
def test_a_science_project_that_is_undertaken_is_known_in_a_precheck(talk: Talking, said: str) -> None:
    talk.say(said)
    assert talk.trail == {"region": "snd", "plans": "state_project"}
    assert "segment" not in talk.state.frames[-1].answers
    assert "重大新药创制与国家、省级科技重大专项资助：最高2000万元" in talk.text


@pytest.mark.parametrize(
    "said", ["苏州高新区 重大新药创制还没立项 我们能拿多少", "苏州高新区，打算申报重大新药创制，我们能拿多少", "苏州高新区，新药研发我们能拿多少"]
)
def test_a_science_project_that_is_not_undertaken_is_not_taken_for_one(talk: Talking, said: str) -> None:
    talk.say(said)
    assert talk.trail == {"region": "snd"}
    assert talk.asking == "plans"


def test_a_science_project_joins_the_plans_that_were_said_before(talk: Talking) -> None:
    talk.say("苏州高新区 补贴预审").say("贷款").say("重大新药创制立项了")
    assert talk.trail == {"region": "snd", "plans": "loan,state_project"}
    assert talk.asking == "events"
    other = Talking(talk.knowledge, now=THEN).say("苏州高新区 补贴预审").say("都没有").say("承担了重大新药创制")
    assert other.trail["plans"] == "state_project"


def test_a_new_drug_is_still_a_field(talk: Talking) -> None:
    talk.say("苏州高新区，做新药的，选园区")
    assert talk.state.profile["segment"] == "drug"


# --- words that say nothing, or nothing of what was asked


@pytest.mark.parametrize("said", ["没有", "没", "都没有", "无"])
def test_none_at_the_kinds_of_company_is_none_of_them(talk: Talking, said: str) -> None:
    talk.say("昆山 补贴预审").say("没有").say("没有")
    assert talk.asking == "stage"
    talk.say(said)
    assert talk.trail["stage"] == "none"


@pytest.mark.parametrize("said", ["都行", "随便", "都可以", "随便吧", "无所谓", "不限", "没有特别要求", "哪个都行"])
def test_who_has_no_preference_for_a_field_is_asked_the_next_question(talk: Talking, said: str) -> None:
    talk.say("选园区").say(said)
    assert talk.trail == {"segment": "unknown"}
    assert talk.asking == "region"
    assert talk.say(said).trail["region"] == "any"


@pytest.mark.parametrize(
    ("begun", "said"), [("补贴预审", "随便"), ("选园区，体外诊断", "没有"), ("苏州高新区 补贴预审", "都行"), ("找审批通道", "没有")]
)
def test_a_question_that_needs_an_answer_is_put_again(talk: Talking, begun: str, said: str) -> None:
    asked, trail = talk.say(begun).asking, talk.trail
    talk.say(said)
    assert talk.asking == asked
    assert talk.trail == trail
    assert not talk.replies[-1].citations, "no record"
    assert talk.text.startswith("可以点按钮，也可以直接说选项。")


def test_nothing_more_after_a_result_is_a_good_bye(talk: Talking) -> None:
    talk.say("苏州高新区 补贴预审").say("先看结果").say("没有")
    assert "登记过请求" not in talk.text
    assert "随时回来" in talk.text


@pytest.mark.parametrize(
    "said",
    ["打印", "怎么打印", "报告在哪", "报告在哪里？", "能发我一份报告吗", "下载报告", "我想要pdf版的报告", "怎么保存成pdf", "where is the report"],
)
def test_the_report_of_a_result_is_found_again(talk: Talking, said: str) -> None:
    talk.say("苏州高新区 补贴预审").say("先看结果")
    kept = len([e for e in talk.effects if isinstance(e, KeepPage)])
    talk.say(said)
    assert talk.replies[0].link == LINK
    assert not talk.replies[0].citations
    assert len([e for e in talk.effects if isinstance(e, KeepPage)]) == kept + 1
    assert talk.trail == {"region": "snd", "enough": "yes"}


@pytest.mark.parametrize("said", ["3D打印有补贴吗", "白皮书报告在哪里", "检测报告多久出", "结果", "在哪里"])
def test_other_reports_are_not_that_of_the_result(talk: Talking, said: str) -> None:
    talk.say("苏州高新区 补贴预审").say("先看结果").say(said)
    assert "完整报告是一个网页" not in talk.text


def test_without_a_result_there_is_no_report(talk: Talking) -> None:
    assert talk.say("怎么打印").replies[0].link is None


@pytest.mark.parametrize("said", ["1e30", "2.5E8", "123456789"])
def test_a_bare_figure_after_a_result_is_not_understood(talk: Talking, said: str) -> None:
    talk.say("苏州高新区 补贴预审").say("先看结果").say(said)
    assert "不客气" not in talk.text
    assert "没看懂" in talk.text


@pytest.mark.parametrize(
    ("said", "day"), [("按2022年2月30日看", "2022年2月30日"), ("按2022-13-01看", "2022-13-01"), ("按2021年4月31号算", "2021年4月31号")]
)
def test_a_day_that_no_calendar_has_is_refused(talk: Talking, said: str, day: str) -> None:
    talk.say("苏州高新区 补贴预审").say("先看结果").say(said)
    assert f"“{day}”：没有这一天" in talk.text
    assert talk.trail == {"region": "snd", "enough": "yes"}


def test_a_day_that_there_is_is_still_taken(talk: Talking) -> None:
    assert talk.say("苏州高新区 补贴预审").say("先看结果").say("按2022年2月28日看").trail["as_of"] == "2022-02-28"


def test_words_said_again_and_again_are_read_in_no_time(talk: Talking) -> None:
    for words in ("太多了", "给我", "那就", "我们你们", "都行"):
        assert talk.say("苏州高新区 补贴预审").say(words * 60 + "x").replies


# --- a sum in a currency that the paper does not count in


@pytest.mark.parametrize("said", ["3亿人民币", "3亿元", "4000万元人民币", "大概3亿元吧", "500万欧元", "¥2亿"])
def test_foreign_capital_in_another_currency_is_asked_for_in_dollars(talk: Talking, said: str) -> None:
    talk.say("苏州高新区 补贴预审").say("都没有").say("外资到账").say(said)
    assert talk.asking == "foreign_cash_year"
    assert "foreign_cash_year" not in talk.trail
    assert "按美元算，没有写汇率" in talk.text
    assert talk.say("不清楚").trail["foreign_cash_year"] == "unknown"


@pytest.mark.parametrize(("said", "token"), [("4000万美元", "40000000 USD"), ("4000万", "40000000 USD"), ("3500万美金", "35000000 USD")])
def test_foreign_capital_in_dollars_is_taken(talk: Talking, said: str, token: str) -> None:
    talk.say("苏州高新区 补贴预审").say("都没有").say("外资到账").say(said)
    assert talk.trail["foreign_cash_year"] == token


def test_an_investment_in_dollars_is_asked_for_in_yuan(talk: Talking) -> None:
    talk.say("苏州高新区 补贴预审").say("产业化项目").say("都没有").say("器械")
    while talk.asking not in (None, "project.investment"):
        talk.say("不清楚")
    talk.say("2000万美元")
    assert talk.asking == "project.investment"
    assert "按元算，没有写汇率" in talk.text
    assert talk.say("1.2亿").trail["project.investment"] == "120000000 CNY"
