"""Several products in a founder's own words: counted year by year, and corrected one by one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from dialogs import mentioned
from knowledge.snapshot import Knowledge
from tests.dialogs.talking import Talking

TODAY = date(2026, 11, 22)


@pytest.fixture
def talk(knowledge: Knowledge) -> Talking:
    return Talking(knowledge)


def products(given: dict[str, str]) -> list[str]:
    """Each product as `class year`, in order."""
    numbers = [n for n in given.get("products", "").split(",") if n.isdigit()]
    return [" ".join(v for f in ("class", "drug_class", "year") if (v := given.get(f"product.{n}.{f}"))) for n in numbers]


def told(knowledge: Knowledge, said: str) -> list[str]:
    text = knowledge.read(said)
    return products(mentioned.facts_in(knowledge.vocabulary.read(text, TODAY), knowledge, text))


# --- year by year


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("三类证2021拿了一个2022又拿一个", ["III 2021", "III 2022"]),
        ("二类证2020年1个、2021年2个", ["II 2020", "II 2021", "II 2021"]),
        ("去年一个三类证今年一个二类证", ["III 2025", "II 2026"]),
        ("21年一个三类证，22年两个", ["III 2021", "III 2022", "III 2022"]),
        ("两个三类证，2021年一个2022年一个", ["III 2021", "III 2022"]),
        ("两个三类证，一个2021年一个2022年", ["III 2021", "III 2022"]),
        ("三类证两个，一个是2021年的，一个是2022年的", ["III 2021", "III 2022"]),
        ("2021和2022年各拿了一个三类证", ["III 2021", "III 2022"]),
        ("2021、2022年拿了两个三类证", ["III 2021", "III 2022"]),
        ("一个三类证2021年拿的，一个二类证2022年拿的", ["III 2021", "II 2022"]),
        ("我们2021年拿了一个三类证2022年又拿了两个二类证", ["III 2021", "II 2022", "II 2022"]),
        ("成立于2019年，2021年拿了一个三类证，2022年又拿了一个", ["III 2021", "III 2022"]),
        ("2021年3月拿了一个三类证，2022年8月又拿了一个", ["III 2021", "III 2022"]),
        ("2021年一个三类一个二类，2022年一个三类", ["III 2021", "II 2021", "III 2022"]),
        ("2021年拿了三类证，2022年也拿了三类证", ["III 2021", "III 2022"]),
        ("三类证2021年拿了2个", ["III 2021", "III 2021"]),
        ("2021年和2022年分别拿了一个三类证和一个二类证", ["III 2021", "II 2022"]),
        ("三类证拿了两个，分别是2021和2022年的", ["III 2021", "III 2022"]),
        ("2021、2022两年各拿一个三类证", ["III 2021", "III 2022"]),
        ("三类证2021拿了一个二类证2022又拿一个", ["III 2021", "II 2022"]),
        ("今年刚拿了一个三类证，去年也拿了一个", ["III 2026", "III 2025"]),
        ("二零二一年一个三类证，二零二二年一个三类证", ["III 2021", "III 2022"]),
        ("一类新药2021年一个，三类证2022年一个", ["III 2022", "class_1 2021"]),
        ("三类证2个（2021年1个，2022年1个），二类证1个", ["III 2021", "III 2022", "II"]),
    ],
)
def test_products_counted_year_by_year_keep_their_class_and_their_year(knowledge: Knowledge, said: str, kept: list[str]) -> None:
    assert told(knowledge, said) == kept


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("2021年拿了三类证", ["III 2021"]),
        ("2021拿了一个三类证，2022没拿到", ["III 2021"]),
        ("三类证2021拿了一个，明年再拿一个", ["III 2021"]),
        ("三类证2021年3个月就批下来了", ["III 2021"]),
        ("三个月前拿了三类证", ["III"]),
        ("2020-2022年计划里三类证补多少", ["III"]),
        ("2021年到2022年拿了两个三类证", ["III", "III"]),
        ("2021年一个文件2022年又一个文件，三类证补多少", ["III"]),
        ("苏州高新区 三类证2个 二类证1个", ["III", "III", "II"]),
        ("2021年投了500万，2022年又投了500万", []),
    ],
)
def test_what_is_not_counted_year_by_year_is_read_as_before(knowledge: Knowledge, said: str, kept: list[str]) -> None:
    assert told(knowledge, said) == kept


@pytest.mark.parametrize(
    ("said", "noted"),
    [
        ("苏州高新区，三类证2021拿了一个2022又拿一个，能拿多少", "产品1：三类 2021年、产品2：三类 2022年"),
        ("苏州高新区，二类证2020年1个、2021年2个，补贴多少", "产品1：二类 2020年、产品2：二类 2021年、产品3：二类 2021年"),
        ("去年一个三类证今年一个二类证", "产品1：三类 2025年、产品2：二类 2026年"),
    ],
)
def test_what_is_kept_of_each_product_is_told(talk: Talking, said: str, noted: str) -> None:
    talk.say(said)
    assert talk.dialog == "subsidy_precheck"
    assert noted in talk.text.split("\n")[0]


def test_products_told_at_another_question_are_kept(talk: Talking) -> None:
    talk.say("苏州高新区补贴预审").say("三类证2021拿了一个2022又拿一个")
    assert talk.text.startswith("记下了：新取得医疗器械注册证、产品1：三类 2021年、产品2：三类 2022年。")
    assert talk.asking == "plans"
    assert products(dict(talk.state.top.answers if talk.state.top else {})) == ["III 2021", "III 2022"]


def test_a_question_about_two_years_of_a_paper_is_no_pre_check(talk: Talking) -> None:
    talk.say("苏州高新区2021年和2022年三类证的标准一样吗")
    assert "产品2" not in talk.text


# --- corrected one by one

TWO = "苏州高新区，两个三类证能拿多少"
THREE = "苏州高新区，两个三类证一个二类证能拿多少"
DATED = "苏州高新区，三类证2021拿了一个2022又拿一个，能拿多少"


def kept(talk: Talking, at: int = -1) -> list[str]:
    return products(dict(talk.state.frames[at].answers))


@pytest.mark.parametrize("after_the_report", [False, True])
@pytest.mark.parametrize(
    ("begun", "said", "now"),
    [
        ("苏州高新区，一个三类证能拿多少", "不对，三类证是2个", ["III", "III"]),
        ("苏州高新区，一个三类证能拿多少", "其实有两个三类证", ["III", "III"]),
        (TWO, "第一个是二类不是三类", ["II", "III"]),
        (TWO, "产品2是二类", ["III", "II"]),
        (TWO, "第2个应该是二类", ["III", "II"]),
        (TWO, "最后一个是二类", ["III", "II"]),
        (TWO, "第一个是二类，第二个是2021年的", ["II", "III 2021"]),
        (TWO, "第二个是2022年拿的", ["III", "III 2022"]),
        (TWO, "两个都是二类", ["II", "II"]),
        (TWO, "第二个没有了", ["III"]),
        (TWO, "不对，三类证只有1个", ["III"]),
        (TWO, "还有一个二类证", ["III", "III", "II"]),
        (TWO, "不对，是两个三类证一个二类证", ["III", "III", "II"]),
        (THREE, "第三个没有了", ["III", "III"]),
        (THREE, "去掉产品1", ["III", "II"]),
        (THREE, "不是二类是三类", ["III", "III", "III"]),
        (THREE, "不对，二类证是2021年拿的", ["III", "III", "II 2021"]),
        (THREE, "不对，二类证是两个", ["III", "III", "II", "II"]),
        (THREE, "不对，是2个三类证", ["III", "III"]),
        (DATED, "产品2是2020年的", ["III 2021", "III 2020"]),
        (THREE, "产品1、产品2都是二类", ["II", "II", "II"]),
        (THREE, "产品三没有了", ["III", "III"]),
        (THREE, "第一个和第二个都没有了", ["II"]),
        (THREE, "二类证没有了", ["III", "III"]),
        (THREE, "去掉一个三类证", ["III", "II"]),
        (THREE, "三类证就一个", ["III", "II"]),
        (THREE, "三类证不是两个是三个", ["III", "III", "II", "III"]),
        (THREE, "说错了，是一个三类两个二类", ["III", "II", "II"]),
    ],
)
def test_a_free_sentence_changes_the_products_that_it_speaks_of(talk: Talking, begun: str, said: str, now: list[str], after_the_report: bool) -> None:
    talk.say(begun)
    if after_the_report:
        talk.say("先看结果")
    talk.say(said)
    assert kept(talk) == now
    assert "改成“" in talk.text or "记下了：" in talk.text
    assert "改哪一项" not in talk.text
    assert talk.dialog == "subsidy_precheck"


@pytest.mark.parametrize(
    ("begun", "said", "buttons"),
    [
        (TWO, "是二类不是三类", ["产品1：三类", "产品2：三类", "都是"]),
        (TWO, "不对，是二类", ["产品1：三类", "产品2：三类", "都是"]),
        (DATED, "不对，三类证只有1个", ["产品1：三类 2021年", "产品2：三类 2022年"]),
        (TWO, "第三个没有了", ["产品1：三类", "产品2：三类"]),
        (TWO, "产品4是二类", ["产品1：三类", "产品2：三类"]),
    ],
)
def test_where_it_is_not_clear_which_product_is_meant_it_is_asked_with_buttons(talk: Talking, begun: str, said: str, buttons: list[str]) -> None:
    before = kept(talk.say(begun))
    talk.say(said)
    assert [o.label for o in talk.options] == buttons
    assert kept(talk) == before


def test_the_button_changes_the_product_that_it_names(talk: Talking) -> None:
    talk.say(TWO).say("是二类不是三类").tap("产品2：三类")
    assert kept(talk) == ["III", "II"]
    assert talk.text.startswith("好，改成“产品1：三类、产品2：二类”")
    other = Talking(talk.knowledge).say(DATED).say("不对，三类证只有1个").tap("产品1：三类 2021年")
    assert kept(other) == ["III 2022"]


@pytest.mark.parametrize(
    "payload", ["!set:1.product.1.class=XX", "!set:1.product.9.class=II", "!set:9.product.1.class=II", "!set:1.region=kunshan", "!set:"]
)
def test_a_forged_or_stale_button_changes_nothing(talk: Talking, payload: str) -> None:
    before = talk.say(TWO).state.frames[-1].answers
    talk.send(payload)
    assert talk.state.frames[-1].answers == before


@pytest.mark.parametrize(
    "said",
    [
        "第二个多少钱",
        "第一个是什么",
        "第三类证补多少",
        "第二个要多久",
        "二类证",
        "三类",
        "第二个月能到账吗",
        "产品2是二类还是三类？",
        "还有一个三类证在办",
    ],
)
def test_what_corrects_no_product_changes_none(talk: Talking, said: str) -> None:
    before = kept(talk.say(TWO))
    talk.say(said)
    assert kept(talk) == before
    assert "改成“" not in talk.text


def test_what_is_so_already_is_only_said_again(talk: Talking) -> None:
    talk.say(TWO).say("不对，三类证是2个")
    assert talk.text.startswith("记下了：产品1：三类、产品2：三类。")


def test_the_number_of_a_product_that_went_is_not_used_again(talk: Talking) -> None:
    talk.say(THREE).say("去掉产品2").say("还有一个二类证")
    assert talk.state.frames[-1].answers["products"] == "1,3,4"


def test_a_place_counts_the_products_that_are_left_and_a_number_names_one(talk: Talking) -> None:
    talk.say(THREE).say("去掉产品1").say("第一个是二类")
    assert talk.state.frames[-1].answers["product.2.class"] == "II"
    talk.say("产品3是三类")
    assert talk.state.frames[-1].answers["product.3.class"] == "III"


def test_a_product_is_corrected_from_inside_a_form(talk: Talking) -> None:
    talk.say(TWO).say("先看结果").tap("登记请专员核实").say("第一个是二类不是三类")
    assert kept(talk, 0) == ["II", "III"]
    assert talk.text.startswith("好，补贴预审里改成“产品1：二类、产品2：三类”")
    assert talk.dialog == "request"


def test_an_answer_that_names_its_product_is_no_correction(talk: Talking) -> None:
    talk.send("!start:subsidy_precheck").tap("苏州高新区").say("都没有").say("新取得医疗器械注册证").say("2个")
    while talk.asking and talk.asking != "product.1.class":
        talk.say("不清楚")
    talk.say("第一个是三类")
    assert talk.trail["product.1.class"] == "III"
    assert "改成“" not in talk.text


def test_in_english_a_product_is_corrected_by_its_number(talk: Talking) -> None:
    talk.say(TWO).say("product 2 is class II")
    assert kept(talk) == ["III", "II"]
    talk.say("the first one is class II")
    assert kept(talk) == ["II", "II"]
    assert talk.text.startswith('Changed to "Product 1: class II, Product 2: class II"'), talk.text


# --- gone, or alone left; pointed at by year and class


@pytest.mark.parametrize("after_the_report", [False, True])
@pytest.mark.parametrize(
    ("begun", "said", "now"),
    [
        (TWO, "产品1不要了，产品2是二类", ["II"]),
        (TWO, "第一个没了，第二个是2021年的", ["III 2021"]),
        (TWO, "产品2删掉，产品1是2021年的", ["III 2021"]),
        (TWO, "第二个是二类，不是三类，第一个没了", ["II"]),
        (TWO, "产品1不要了产品2是二类", ["II"]),
        (TWO, "去掉第一个，第二个改成二类", ["II"]),
        (TWO, "产品1改成二类，去掉产品2", ["II"]),
        (TWO, "第一个留下，另一个不要了", ["III"]),
        (TWO, "只留产品2", ["III"]),
        (THREE, "产品1、产品2都不要了，产品3是2021年的", ["II 2021"]),
        (THREE, "第一个是2021年的，其余的都不要了", ["III 2021"]),
        (THREE, "二类的不要了", ["III", "III"]),
        (THREE, "三类的不要了", ["II"]),
        (THREE, "三类的都不要了", ["II"]),
        (THREE, "去掉二类的", ["III", "III"]),
        (THREE, "不要二类的了", ["III", "III"]),
        (THREE, "二类那个不要了", ["III", "III"]),
        (THREE, "只要三类的", ["III", "III"]),
        (THREE, "二类那个是2021年的", ["III", "III", "II 2021"]),
        (DATED, "只有2022年的", ["III 2022"]),
        (DATED, "只留2021年那个", ["III 2021"]),
        (DATED, "2021年那个是二类", ["II 2021", "III 2022"]),
        (DATED, "2021年的那个不要了", ["III 2022"]),
        (DATED, "21年那个没了", ["III 2022"]),
        (DATED, "去掉2021年的三类证", ["III 2022"]),
        (DATED, "2022年那个是2023年的", ["III 2021", "III 2023"]),
        (DATED, "2021年的不要了，2022年的是二类", ["II 2022"]),
        (TWO, "第二个不算三类，是二类", ["III", "II"]),
        (TWO, "第一个不要算进去，第二个是二类", ["II"]),
        (DATED, "2021年拿的是二类", ["II 2021", "III 2022"]),
        (THREE, "二类的是2021年的", ["III", "III", "II 2021"]),
        (TWO, "第二个是二类，其他不变", ["III", "II"]),
    ],
)
def test_each_product_goes_or_changes_as_its_own_words_say(talk: Talking, begun: str, said: str, now: list[str], after_the_report: bool) -> None:
    talk.say(begun)
    if after_the_report:
        talk.say("先看结果")
    talk.say(said)
    assert kept(talk) == now
    assert talk.dialog == "subsidy_precheck"


@pytest.mark.parametrize("after_the_report", [False, True])
@pytest.mark.parametrize(
    ("begun", "said"),
    [(TWO, "产品1和产品2都不要了"), (TWO, "三类的不要了"), ("苏州高新区，一个三类证能拿多少", "产品1不要了"), (DATED, "第一个没了，第二个也删掉")],
)
def test_the_last_products_go_only_when_that_was_asked(talk: Talking, begun: str, said: str, after_the_report: bool) -> None:
    talk.say(begun)
    if after_the_report:
        talk.say("先看结果")
    before = kept(talk)
    talk.say(said)
    assert [o.label for o in talk.options] == ["去掉", "留下"]
    assert kept(talk) == before
    stays = replace(talk).tap("留下")
    assert kept(stays) == before
    assert kept(talk.tap("去掉")) == []


@pytest.mark.parametrize(
    ("begun", "said", "buttons"),
    [
        (TWO, "二类的不要了", ["产品1：三类", "产品2：三类"]),
        (THREE, "三类那个不要了", ["产品1：三类", "产品2：三类"]),
        (DATED, "2020年那个不要了", ["产品1：三类 2021年", "产品2：三类 2022年"]),
        (DATED, "2020年那个是二类", ["产品1：三类 2021年", "产品2：三类 2022年"]),
    ],
)
def test_a_year_or_a_class_that_fits_none_or_several_is_asked_back(talk: Talking, begun: str, said: str, buttons: list[str]) -> None:
    before = kept(talk.say(begun))
    talk.say(said)
    assert [o.label for o in talk.options] == buttons
    assert kept(talk) == before


def test_a_product_is_of_no_year_that_lies_ahead(talk: Talking) -> None:
    before = kept(talk.say(DATED))
    asked = talk.asking
    talk.say("2022年那个是2028年的")
    assert talk.text.startswith("2028 年还没到")
    assert (kept(talk), talk.asking) == (before, asked)


@pytest.mark.parametrize(
    "said",
    ["三类证没有了吗", "二类的补多少", "2021年那个能拿多少", "2021年三类证还补吗", "2021年的是二类吗", "只有2022年才有补贴吗", "2022年的标准是什么"],
)
def test_a_question_about_a_year_or_a_class_changes_no_product(talk: Talking, said: str) -> None:
    before = kept(talk.say(DATED))
    talk.say(said)
    assert kept(talk) == before
    assert "改成“" not in talk.text
