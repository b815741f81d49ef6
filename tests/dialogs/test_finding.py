"""Free questions answered from the records: what was asked for first, two sides side by side, follow-ups, several questions, and what is not ours."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from shutil import copytree
from types import MappingProxyType

import pytest

from dialogs.messages import Reply
from knowledge import loader
from knowledge.loader import SHIPPED
from knowledge.records import Passage
from knowledge.search import Search
from knowledge.snapshot import Knowledge
from tests.dialogs.talking import Talking

MONTHLY = "建立产业月报制度。由统计部门于每月十五日前汇总企业产值。鼓励企业接入能耗监测平台。"


@pytest.fixture
def talk(knowledge: Knowledge) -> Talking:
    return Talking(knowledge)


@pytest.fixture
def imported(knowledge: Knowledge) -> Knowledge:
    """The shipped base with two sections of papers, which say what no record says."""
    sections = (
        Passage(document="taicang-2025", section="九", text=MONTHLY),
        Passage(document="xuzhou-2021", section="九", text="本方案的文本由徐州市档案馆永久收藏，印刷二百册。"),
    )
    return replace(knowledge, passages=MappingProxyType({p.key: p for p in sections}))


@pytest.fixture
def silent(knowledge: Knowledge) -> Knowledge:
    """The shipped base as if no record had anything to say."""
    return replace(knowledge, search=Search(()))


def papers(*replies: Reply) -> set[str]:
    return {c.document for reply in replies for c in reply.citations}


def first_line(talk: Talking) -> str:
    return talk.replies[0].text.splitlines()[0]


# -- what was asked for comes first ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("D级特殊物品出入境归哪个局管", "苏州海关"),
        ("苏州高新区三类证奖励谁负责", "科创局（牵头）、财政局"),
        ("苏州高新区三类证奖励是哪个部门牵头的", "科创局（牵头）"),
        ("娄城贷谁负责", "文件没有列责任单位"),
    ],
)
def test_who_is_responsible_is_said_in_the_first_line(talk: Talking, question: str, words: str) -> None:
    talk.say(question)
    assert words in first_line(talk)
    assert talk.replies[0].citations


def test_the_same_record_asked_for_its_sum_begins_with_the_sum(talk: Talking) -> None:
    talk.say("苏州高新区三类证奖励多少")
    assert "300万元" in first_line(talk)
    assert "科创局" not in first_line(talk)


@pytest.mark.parametrize("question", ["集采中标奖励什么时候截止", "集采中标奖励到哪天", "集采中标奖励哪天过期", "集采中标奖励还有效吗"])
def test_until_when_is_said_before_the_sum(talk: Talking, question: str) -> None:
    talk.say(question)
    assert "2021—2023年" in talk.text
    assert talk.text.index("2021—2023年") < talk.text.index("200万元") or "有效" in question or "过期" in question
    assert papers(*talk.replies) == {"suzhou-2021"}


@pytest.mark.parametrize("question", ["昆科贷什么时候到期", "昆科贷还有效吗", "昆科贷现在还能用吗"])
def test_whether_a_named_record_holds_is_told_of_that_record_alone(talk: Talking, question: str) -> None:
    talk.say(question)
    assert "文件没有写有效期" in talk.text
    assert papers(*talk.replies) == {"kunshan-list"}


def test_whether_a_regions_paper_holds_names_the_paper(talk: Talking) -> None:
    talk.say("徐州的方案还有效吗")
    assert "徐政发〔2021〕24号" in talk.text
    assert papers(*talk.replies) == {"xuzhou-2021"}


def test_whether_it_holds_is_said_of_what_was_just_spoken_of(talk: Talking) -> None:
    talk.say("集采中标有奖励吗").say("现在还有效吗")
    assert papers(*talk.replies) == {"suzhou-2021"}
    assert "已经过了" in talk.text


# -- two regions -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "sides", "documents"),
    [
        ("苏州高新区和太仓的三类证奖励比较", ("【苏州高新区】", "【太仓】"), {"snd-2020", "taicang-2025"}),
        ("昆山和徐州布局有什么不同", ("【昆山】", "【徐州】"), {"kunshan-list", "xuzhou-2021"}),
        ("太仓和昆山的人才公寓有什么区别", ("【太仓】", "【昆山】"), {"taicang-2025", "kunshan-list"}),
    ],
)
def test_a_comparison_answers_each_side_from_its_own_paper(talk: Talking, question: str, sides: tuple[str, str], documents: set[str]) -> None:
    talk.say(question)
    assert len(talk.replies) == 2
    for side, reply in zip(sides, talk.replies, strict=True):
        assert reply.text.startswith((side, side.strip("【】")))
        assert reply.citations
    assert papers(*talk.replies) >= documents
    assert talk.dialog is None


@pytest.mark.parametrize("question", ["太仓和徐州三类证各补多少", "昆山和徐州三类证各补多少"])
def test_in_a_comparison_a_paper_that_is_known_to_be_silent_says_so(talk: Talking, question: str) -> None:
    talk.say(question)
    assert "没有写" in talk.replies[-1].text.splitlines()[0]
    assert "器械注册证的奖励" in talk.replies[-1].text
    assert "xuzhou-2021" in papers(talk.replies[-1])


def test_in_a_comparison_a_side_without_a_record_says_so(knowledge: Knowledge) -> None:
    alone = replace(knowledge, search=Search([r for r in knowledge.answerable() if r.region == "snd"]))
    talk = Talking(alone).say("苏州高新区和太仓的三类证奖励比较")
    assert talk.replies[0].text.startswith("苏州高新区这方面的内容")
    assert talk.replies[1].text.startswith("【太仓】")
    assert "300万元" in talk.replies[0].text
    assert "这边的文件没有写这个" in talk.replies[1].text
    assert not talk.replies[1].citations
    assert [o.payload for o in talk.replies[1].options] == ["!log:words"]


# -- follow-ups ------------------------------------------------------------------------------------------------------------------------


def test_a_follow_up_is_the_last_question_with_what_is_new(talk: Talking) -> None:
    talk.say("苏州高新区三类证给多少钱")
    assert "300万元" in talk.text
    talk.say("那二类呢")
    assert "50万元" in first_line(talk)
    talk.say("徐州呢")
    assert papers(*talk.replies) == {"xuzhou-2021"}
    assert "没有写" in talk.text


def test_each_follow_up_is_remembered_as_a_whole_question(talk: Talking) -> None:
    talk.say("苏州高新区三类证给多少钱").say("那二类呢")
    assert talk.state.asked == "苏州高新区二类证给多少钱"
    talk.say("换成三类呢？")
    assert talk.state.asked == "苏州高新区三类证给多少钱"
    assert "300万元" in first_line(talk)


def test_a_follow_up_stays_with_the_region_of_the_question(talk: Talking) -> None:
    talk.say("苏州有没有体外诊断的专业园区").say("那细胞治疗呢")
    assert papers(*talk.replies) == {"suzhou-2021"}


def test_a_follow_up_after_the_region_was_asked_for(talk: Talking) -> None:
    talk.say("三类证给多少钱").tap("苏州高新区")
    assert "300万元" in talk.text
    assert "50万元" in talk.say("二类呢？").text


def test_what_looks_like_a_follow_up_and_follows_nothing_is_read_as_it_stands(talk: Talking) -> None:
    talk.say("那二类呢")
    assert "50万元" not in talk.text
    assert talk.replies


def test_a_short_name_of_several_districts_in_a_follow_up_is_asked(talk: Talking) -> None:
    talk.say("苏州 创新药 临床二期 给多少").say("高新区呢")
    assert "您说的是哪一个" in talk.text
    assert "250万元" in talk.tap("苏州高新区").text


@pytest.mark.parametrize("words", ["找谁", "什么条件", "利率", "怎么弄 找谁", "那找谁呢", "能贷多少"])
def test_a_question_that_does_not_say_of_what_is_about_the_last_thing(talk: Talking, words: str) -> None:
    talk.say("娄城贷是什么").say(words)
    assert "娄城贷" in talk.text
    assert papers(*talk.replies) == {"taicang-2025"}


@pytest.mark.parametrize("words", ["啊", "那", "呢 啊"])
def test_a_mere_sound_asks_nothing_of_the_last_thing(talk: Talking, words: str) -> None:
    assert "娄城贷" not in talk.say("娄城贷是什么").say(words).text


def test_another_place_is_asked_for_by_a_word_of_changing(talk: Talking) -> None:
    talk.say("苏州高新区三类证给多少钱").say("换徐州看看")
    assert papers(*talk.replies) == {"xuzhou-2021"}


def test_after_a_shortlist_another_place_is_looked_at(talk: Talking) -> None:
    talk.say("太仓做小核酸选园区").say("不清楚").say("不清楚").say("换徐州看看")
    assert talk.trail["region"] == "xuzhou"
    assert "徐州" in talk.text.splitlines()[1]


def test_a_part_that_does_not_say_of_what_is_no_question_of_its_own(talk: Talking) -> None:
    talk.say("太仓1亿人才怎么拿？要啥条件？是不是真给1亿")
    assert "1亿元" in first_line(talk)
    assert "孵化器" not in talk.text and "可以改的答案" not in talk.text


def test_a_new_question_is_no_follow_up(talk: Talking) -> None:
    talk.say("苏州高新区三类证给多少钱").say("徐州的布局是什么")
    assert "一区两翼多点" in talk.text


# -- several questions -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("集采中标有奖励吗？联合攻关最多给多少？", ("200万元", "2000万元")),
        ("联合攻关最多给多少？集采中标有奖励吗？", ("2000万元", "200万元")),
        ("娄城贷是什么？太仓顶尖人才团队最高给多少？", ("娄城贷", "1亿元")),
        ("娄城贷是什么，昆科贷是什么？", ("娄城贷", "昆科贷")),
    ],
)
def test_several_questions_are_answered_one_by_one_in_their_order(talk: Talking, message: str, words: tuple[str, str]) -> None:
    talk.say(message)
    told = [r for r in talk.replies if r.citations]
    assert len(told) == 2
    assert all(word in reply.text for word, reply in zip(words, told, strict=True))
    assert talk.dialog is None


def test_a_question_and_a_remark_are_one_question(talk: Talking) -> None:
    talk.say("听朋友说的，集采中标有奖励吗？")
    assert len([r for r in talk.replies if r.citations]) == 1


# -- the answer before the dialog ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "start"),
    [
        ("集采中标有奖励吗", "subsidy_precheck"),
        ("太仓三类证有补贴吗", "subsidy_precheck"),
        ("D级特殊物品出入境找谁", "approval_channel"),
        ("太仓生物港主要做什么", "park_selection"),
    ],
)
def test_a_plain_question_is_answered_and_the_dialog_offered_beside_it(talk: Talking, question: str, start: str) -> None:
    talk.say(question)
    assert talk.dialog is None
    assert talk.replies[0].citations
    assert f"!start:{start}" in [o.payload for o in talk.options]
    talk.send(f"!start:{start}")
    assert talk.dialog == start


def test_the_dialog_is_offered_once_and_no_more_than_four_buttons(talk: Talking) -> None:
    talk.say("集采中标有奖励吗")
    payloads = [o.payload for o in talk.replies[0].options]
    assert payloads.count("!start:subsidy_precheck") == 1
    assert len(payloads) <= 4


@pytest.mark.parametrize("question", ["我们集采中标了，能拿多少", "我们公司在太仓，能申请哪些补贴"])
def test_who_speaks_of_their_own_company_is_led_through_the_dialog(talk: Talking, question: str) -> None:
    assert talk.say(question).dialog == "subsidy_precheck"


# -- choosing ---------------------------------------------------------------------------------------------------------------------------


def test_between_two_wishes_it_asks_which_and_the_choice_begins_it(silent: Knowledge) -> None:
    talk = Talking(silent).say("补贴和园区")
    assert "您是想问哪一样" in talk.text
    labels = {o.payload: o.label for o in talk.options}
    assert set(labels) == {"!wish:subsidy_precheck", "!wish:park_selection", "!human"}
    assert labels["!wish:park_selection"] == silent.intents["park_selection"].label.zh
    talk.tap(labels["!wish:park_selection"])
    assert talk.dialog == "park_selection"
    assert talk.state.pending == ""


def test_the_chosen_wish_keeps_what_the_words_said(silent: Knowledge) -> None:
    talk = Talking(silent).say("太仓的补贴和园区")
    talk.send("!wish:park_selection").say("体外诊断")
    assert talk.trail == {"segment": "ivd", "region": "taicang"}


def test_a_choice_that_was_taken_already_is_one_line_and_harms_nothing(silent: Knowledge) -> None:
    talk = Talking(silent).say("补贴和园区").send("!wish:park_selection")
    trail = talk.say("体外诊断").trail
    talk.send("!wish:subsidy_precheck")
    assert "已经不能用了" in talk.text
    assert (talk.dialog, talk.trail) == ("park_selection", trail)


@pytest.mark.parametrize("payload", ["!wish:park_selection", "!wish:nothing", "!wish:", "!wish:补贴"])
def test_a_choice_that_was_never_offered_is_one_line(talk: Talking, payload: str) -> None:
    talk.send(payload)
    assert "已经不能用了" in talk.text
    assert talk.dialog is None


def test_a_wish_that_the_base_does_not_know_keeps_the_question_waiting(silent: Knowledge) -> None:
    talk = Talking(silent).say("补贴和园区").send("!wish:nothing")
    assert "已经不能用了" in talk.text
    assert talk.send("!wish:park_selection").dialog == "park_selection"


# -- papers themselves -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("question", ["能耗监测平台谁来接入", "太仓的产业月报哪天汇总产值"])
def test_where_no_record_answers_the_imported_paper_is_quoted(imported: Knowledge, question: str) -> None:
    talk = Talking(imported).say(question)
    assert "原文里最接近的是九" in talk.text
    assert "目标期已过" in talk.text, "whether the paper still holds is said with it"
    assert [(c.document, c.section) for c in talk.replies[0].citations] == [("taicang-2025", "九")]
    assert "!log:words" in [o.payload for o in talk.options]
    assert talk.dialog is None


def test_the_quotation_begins_with_the_sentence_that_answers(imported: Knowledge) -> None:
    assert "“鼓励企业接入能耗监测平台。”" in Talking(imported).say("能耗监测平台谁来接入").text


def test_a_paper_of_another_region_is_not_quoted(imported: Knowledge) -> None:
    assert "月报" not in Talking(imported).say("徐州的产业月报哪天汇总产值").text


def test_a_paper_is_not_quoted_for_what_it_does_not_say_nor_for_a_remark(imported: Knowledge) -> None:
    for text in ("火锅底料怎么炒最好吃？", "产业月报", "明天几点下雨？"):
        assert "原文里最接近" not in Talking(imported).say(text).text


def test_without_the_paper_it_says_that_the_documents_do_not_say(talk: Talking) -> None:
    talk.say("太仓的产业月报哪天汇总产值")
    assert "没有写这个" in talk.text
    assert not papers(*talk.replies)


def test_a_passages_file_in_the_base_is_what_is_quoted(tmp_path: Path) -> None:
    base = tmp_path / "base"
    copytree(SHIPPED, base)
    (base / "taicang" / "passages.yaml").write_text(f"passages:\n  - {{document: taicang-2025, section: 九, text: {MONTHLY}}}\n", encoding="utf-8")
    assert "每月十五日前" in Talking(loader.load(base)).say("太仓的产业月报哪天汇总产值").text


def test_passages_are_those_of_the_regions_asked_for(imported: Knowledge) -> None:
    found, clear = imported.passages_on("产业月报哪天汇总产值")
    assert [p.key for p in found] == ["taicang-2025 九"]
    assert clear > 0.18
    assert imported.passages_on("产业月报哪天汇总产值", ("xuzhou",)) == ([], 0.0)
    assert imported.passages_on("太仓") == ([], 0.0), "a region's name alone says nothing"


# -- not ours --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "question", ["太仓今天天气怎么样", "太仓今天限号吗", "太仓哪里有好吃的火锅", "徐州高铁站怎么走", "昆山现在几点了", "苏州明天会下雪吗"]
)
def test_what_is_out_of_scope_stays_so_where_a_region_is_named(talk: Talking, question: str) -> None:
    talk.say(question)
    assert "不在我的范围" in talk.text
    assert not papers(*talk.replies)


def test_regions_whose_papers_are_silent_are_not_offered(talk: Talking) -> None:
    """Xuzhou's and Kunshan's papers only have records that say that they say nothing on it."""
    talk.say("三类证给多少钱")
    labels = {o.label for o in talk.options}
    assert "苏州高新区" in labels
    assert not labels & {"徐州", "昆山"}


def test_a_silent_paper_answers_where_its_region_is_named(talk: Talking) -> None:
    talk.say("徐州三类证给多少钱")
    assert "没有写" in first_line(talk)
    assert papers(*talk.replies) == {"xuzhou-2021"}


# --- the parks of a region


@pytest.mark.parametrize(
    ("said", "region"),
    [
        ("太仓有几个园区", "taicang"),
        ("太仓都有啥园区", "taicang"),
        ("太仓园区有哪些", "taicang"),
        ("昆山有哪些园区", "kunshan"),
        ("昆山有多少家医药园区？", "kunshan"),
        ("昆山有几个园区可以选", "kunshan"),
        ("苏州高新区有多少个园区/载体", "snd"),
        ("苏州高新区载体有多少", "snd"),
        ("苏州高新区的园区一共有几个", "snd"),
        ("徐州有几个生物医药园区", "xuzhou"),
        ("苏州文件点名了几个园区", "suzhou"),
        ("how many parks are there in Taicang?", "taicang"),
        ("which parks are there in Kunshan", "kunshan"),
    ],
)
def test_how_many_parks_there_are_is_answered_with_those_that_the_papers_name(knowledge: Knowledge, said: str, region: str) -> None:
    talk = Talking(knowledge).say(said)
    sites = [p for p in knowledge.parks.values() if p.region == region and p.named and p.kind in ("park", "carrier")]
    first = talk.text.split("\n")[0]
    assert str(len(sites)) in first
    assert all(p.name in talk.text for p in sites)
    cited = {(c.document, c.section) for c in talk.replies[0].citations}
    assert all((p.source.document, p.source.section) in cited for p in sites)
    assert "不等于只有这些" in talk.text or "there may be more" in talk.text
    assert talk.dialog is None
    assert "!start:park_selection" in [o.payload for o in talk.options]


def test_a_city_also_says_how_many_its_places_have_and_lists_no_mere_type(knowledge: Knowledge) -> None:
    talk = Talking(knowledge).say("苏州有几个园区")
    assert "太仓 3 个、苏州高新区 8 个、昆山 4 个" in talk.text
    assert "医药产业园区（示范）" not in talk.text


def test_a_place_of_several_is_asked_for_before_its_parks_are_counted(knowledge: Knowledge) -> None:
    talk = Talking(knowledge).say("高新区有几个园区")
    assert "好几个" in talk.text
    assert "8 个园区和载体" in talk.tap("苏州高新区").text
    other = Talking(knowledge).say("有几个园区")
    assert other.text == "您问的是哪个地区？"
    assert "3 个园区和载体" in other.tap("太仓").text


def test_the_parks_of_another_place_are_asked_for_in_a_follow_up_and_beside_another_question(knowledge: Knowledge) -> None:
    assert "昆山的文件写到 4 个" in Talking(knowledge).say("太仓有几个园区").say("昆山呢").text
    both = Talking(knowledge).say("娄城贷是什么？太仓有几个园区？")
    assert "娄城贷" in both.text
    assert "太仓的文件写到 3 个园区和载体" in both.text


@pytest.mark.parametrize(
    "said",
    [
        "太仓有几个园区做CDMO",
        "太仓有几个临床试验机构",
        "昆山有哪些做器械的园区",
        "徐州要建几个特色园区",
        "太仓园区有什么优惠",
        "无锡有几个园区",
        "昆山园区有哪些配套",
        "太仓生物港是什么园区",
    ],
)
def test_what_asks_more_of_parks_than_which_there_are_is_answered_as_before(knowledge: Knowledge, said: str) -> None:
    assert "不等于只有这些" not in Talking(knowledge).say(said).text


# --- money of the city and of the district


@pytest.mark.parametrize(
    ("said", "support"),
    [
        ("苏州高新区三类证市区都能拿吗", "第三类医疗器械注册证书资助"),
        ("我们在苏州高新区，三类证市里和区里能一起拿吗", "第三类医疗器械注册证书资助"),
        ("苏州高新区二类证市区两级能重复享受吗", "第二类医疗器械资助"),
        ("苏州高新区和苏州的三类证补贴可以同时享受吗", "第三类医疗器械注册证书资助"),
        ("苏州高新区的三类证，区里拿了市里还能拿吗", "第三类医疗器械注册证书资助"),
        ("昆山三类证市里和区里能叠加吗", "第三类医疗器械研发费资助"),
        ("苏州高新区集采中标市区能不能都拿", "国家集采中标资助"),
        ("苏州高新区新药临床市里区里都能申请吗", "新药临床试验分阶段资助"),
    ],
)
def test_whether_both_tiers_may_be_had_is_answered_with_the_rules_of_the_supports(knowledge: Knowledge, said: str, support: str) -> None:
    talk = Talking(knowledge).say(said)
    assert "就高不重复" in talk.text
    assert "两级财政政策叠加资助，合计最高2亿元" in talk.text
    assert support in talk.text
    assert talk.text.index("就高不重复") < talk.text.index(support), "the answer comes first"
    assert ("suzhou-2021", "四") in {(c.document, c.section) for c in talk.replies[0].citations}
    assert "!start:subsidy_precheck" in [o.payload for o in talk.options]


def test_a_paper_that_prints_no_rule_is_said_to_be_silent(knowledge: Knowledge) -> None:
    assert "昆山的文件没有写能不能叠加" in Talking(knowledge).say("昆山三类证市区都能拿吗").text
    assert "各出多少没有写" in Talking(knowledge).say("苏州高新区集采中标市区能不能都拿").text


@pytest.mark.parametrize("said", ["三类证市区都能拿吗", "三类证，市里和区里能一起拿吗"])
def test_the_region_is_asked_for_before_both_tiers_are_spoken_of_and_the_question_is_kept(knowledge: Knowledge, said: str) -> None:
    talk = Talking(knowledge).say(said)
    assert talk.text == "您问的是哪个地区？"
    talk.say("苏州高新区")
    assert "就高不重复" in talk.text
    assert "第三类医疗器械注册证书资助" in talk.text


@pytest.mark.parametrize("said", ["市里和区里能一起拿吗", "市区两级可以叠加吗", "区里的补贴拿了还能再拿市里的吗", "拿了区里300万还能拿市里的吗"])
def test_the_rules_are_told_of_a_region_as_a_whole_too(knowledge: Knowledge, said: str) -> None:
    talk = Talking(knowledge).say(f"苏州高新区{said}")
    assert "就高不重复" in talk.text
    assert "2亿元" in talk.text


@pytest.mark.parametrize(
    ("said", "never"),
    [
        ("苏州三类证市区两级怎么出钱", "能不能都拿"),
        ("徐州市里区里几个补贴能叠加吗", "能不能都拿"),
        ("苏州高新区三类证补多少", "能不能都拿"),
        ("苏州高新区，两个三类证能拿多少", "能不能都拿"),
        ("苏州市区有园区吗", "能不能都拿"),
        ("苏州两级叠加每年封顶多少", "能不能都拿"),
    ],
)
def test_what_asks_something_else_of_two_tiers_is_answered_as_before(knowledge: Knowledge, said: str, never: str) -> None:
    assert never not in Talking(knowledge).say(said).text


def test_in_english_both_tiers_are_asked_about_too(knowledge: Knowledge) -> None:
    talk = Talking(knowledge).say("can we get both the city and the district grant for a class III device in Suzhou New District?")
    assert talk.text.startswith("On money of the city and of the district together")
    assert "就高不重复" in talk.text
