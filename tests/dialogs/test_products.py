"""Several products in a founder's own words: counted year by year, and corrected one by one."""

from __future__ import annotations

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
