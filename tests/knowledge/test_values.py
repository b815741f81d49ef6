"""Reading values: what a person would take from a message, and what nobody would."""

import time
import unicodedata
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dialogs import reading
from knowledge import claims
from knowledge.facts import FactType, Region, Segment
from knowledge.money import NAMES, Money
from knowledge.numerals import _INVISIBLE, _LOWER
from knowledge.records import Park
from knowledge.shapes import Citation, Shape
from knowledge.snapshot import Knowledge
from knowledge.values import (
    Found,
    Vocabulary,
    normalise,
    read_contacts,
    read_dates,
    read_device_classes,
    read_drug_classes,
    read_money,
    read_number,
    read_phases,
    read_yes_no,
)

TODAY = date(2026, 11, 22)
BASE = Path(__file__).parents[2] / "knowledge" / "base"


T = TypeVar("T", bound=Shape)


def load(name: str, model: type[T]) -> tuple[T, ...]:
    records = yaml.load((BASE / f"{name}.yaml").read_text("utf-8"), Loader=yaml.BaseLoader)
    return tuple(model.model_validate(record) for record in records[name])


def park(id: str, name: str, region: str, *aliases: str) -> Park:
    return Park(id=id, name=name, region=region, aliases=aliases, kind="park", summary="测试", source=Citation(document="test", section="一"))


PARKS = (
    park("tc-bioport", "太仓生物港", "taicang", "生物港"),
    park("snd-town", "苏州试验小镇", "snd", "试验小镇"),
    park("xz-lab", "云龙试验医药园", "xuzhou"),
)


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary(load("regions", Region), load("segments", Segment), load("facts", FactType), PARKS)


# --- the plain form of a text


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("３００万，ＩＶＤ！", "300万,ivd!"),
        ("  三类 \t\n 证  ", "三类 证"),
        ("Ⅲ期　临床", "iii期 临床"),
        ("集\u200b采\ufeff中\u00ad标\x07", "集采中标"),
        ("苏办〔2021〕14号", "苏办〔2021〕14号"),
        ("㎡ ① ％", "m2 1 %"),
        ("太倉", "太倉"),
        ("", ""),
    ],
)
def test_normalise(text: str, plain: str) -> None:
    assert normalise(text) == plain


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from("Ａａ１，。？！：；（）　ABz补贴太仓\u0301\u200b\u3099ﾞ①㎡Ⅲ"))))
def test_the_quick_ways_to_normalise_give_what_the_full_one_gives(text: str) -> None:
    full = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).translate(_LOWER)
    assert normalise(text) == " ".join(unicodedata.normalize("NFKC", full).split())


def test_every_cue_is_a_pattern_that_a_needle_leads_to() -> None:
    """Cues are compiled when a message first holds one of their needles: a broken one would be noticed only then."""
    assert {number for numbers in claims._BY_NEEDLE.values() for number in numbers} == set(range(len(claims._ALL)))
    assert all(claims._cue(number)[2].pattern for number in range(len(claims._ALL)))


@given(st.text())
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


# --- amounts of money

MONEY = [
    ("300万", [(3_000_000, "CNY", None)]),
    ("３００万", [(3_000_000, "CNY", None)]),
    ("300 万", [(3_000_000, "CNY", None)]),
    ("300w", [(3_000_000, "CNY", None)]),
    ("300W吧", [(3_000_000, "CNY", None)]),
    ("三百万", [(3_000_000, "CNY", None)]),
    ("叁佰萬", [(3_000_000, "CNY", None)]),
    ("3百万", [(3_000_000, "CNY", None)]),
    ("3千5百万", [(35_000_000, "CNY", None)]),
    ("1.2个亿", [(120_000_000, "CNY", None)]),
    ("1.2億", [(120_000_000, "CNY", None)]),
    ("一亿二", [(120_000_000, "CNY", None)]),
    ("总投资一亿二建厂", [(120_000_000, "CNY", None)]),
    ("1亿2000万", [(120_000_000, "CNY", None)]),
    ("一亿零五百万", [(105_000_000, "CNY", None)]),
    ("一点五亿", [(150_000_000, "CNY", None)]),
    ("半个亿", [(50_000_000, "CNY", None)]),
    ("3万5", [(35_000, "CNY", None)]),
    ("两千五百万", [(25_000_000, "CNY", None)]),
    ("12万3456元", [(123_456, "CNY", None)]),
    ("5,000万", [(50_000_000, "CNY", None)]),
    ("5，000万", [(50_000_000, "CNY", None)]),
    ("1,234,567元", [(1_234_567, "CNY", None)]),
    ("三千万美金", [(30_000_000, "USD", None)]),
    ("3000万美元", [(30_000_000, "USD", None)]),
    ("300万刀", [(3_000_000, "USD", None)]),
    ("$500万", [(5_000_000, "USD", None)]),
    ("USD 3,000,000", [(3_000_000, "USD", None)]),
    ("300万(美元)", [(3_000_000, "USD", None)]),
    ("200万美元vc投资", [(2_000_000, "USD", None)]),
    ("80万欧元", [(800_000, "EUR", None)]),
    ("200万欧", [(2_000_000, "EUR", None)]),
    ("港币1000万", [(10_000_000, "HKD", None)]),
    ("3亿新台币", [(300_000_000, "TWD", None)]),
    ("台币500万", [(5_000_000, "TWD", None)]),
    ("2亿日元", [(200_000_000, "JPY", None)]),
    ("100万英镑", [(1_000_000, "GBP", None)]),
    ("5亿韩元", [(500_000_000, None, None)]),
    ("100万瑞士法郎", [(1_000_000, None, None)]),
    ("300万块", [(3_000_000, "CNY", None)]),
    ("300块钱", [(300, "CNY", None)]),
    ("50万元", [(500_000, "CNY", None)]),
    ("人民币50万元", [(500_000, "CNY", None)]),
    ("300万元人民币", [(3_000_000, "CNY", None)]),
    ("RMB300万", [(3_000_000, "CNY", None)]),
    ("￥3000", [(3_000, "CNY", None)]),
    ("1234.5元", [(1234.5, "CNY", None)]),
    ("0元", [(0, "CNY", None)]),
    ("百万元", [(1_000_000, "CNY", None)]),
    ("六七百万", [(6_000_000, "CNY", "about")]),
    ("两三千万", [(20_000_000, "CNY", "about")]),
    ("500-800万", [(5_000_000, "CNY", "min"), (8_000_000, "CNY", "max")]),
    ("5到8百万", [(5_000_000, "CNY", "min"), (8_000_000, "CNY", "max")]),
    ("一千到两千万", [(10_000_000, "CNY", "min"), (20_000_000, "CNY", "max")]),
    ("500万到800万", [(5_000_000, "CNY", "min"), (8_000_000, "CNY", "max")]),
    ("1.5亿—2亿元", [(150_000_000, "CNY", "min"), (200_000_000, "CNY", "max")]),
    ("300来万", [(3_000_000, "CNY", "about")]),
    ("300多万", [(3_000_000, "CNY", "min")]),
    ("十几万", [(100_000, "CNY", "min")]),
    ("营收过亿", [(100_000_000, "CNY", "min")]),
    ("上千万", [(10_000_000, "CNY", "about")]),
    ("300万以上", [(3_000_000, "CNY", "min")]),
    ("300万起", [(3_000_000, "CNY", "min")]),
    ("300万+", [(3_000_000, "CNY", "min")]),
    ("至少300万", [(3_000_000, "CNY", "min")]),
    ("不少于 300 万元", [(3_000_000, "CNY", "min")]),
    ("超过3000万美元", [(30_000_000, "USD", "min")]),
    ("多于一亿", [(100_000_000, "CNY", "min")]),
    ("不到300万", [(3_000_000, "CNY", "max")]),
    ("三百万不到", [(3_000_000, "CNY", "max")]),
    ("300万以下", [(3_000_000, "CNY", "max")]),
    ("最多300万", [(3_000_000, "CNY", "max")]),
    ("不超过300万", [(3_000_000, "CNY", "max")]),
    ("不足一个亿", [(100_000_000, "CNY", "max")]),
    ("低于50万", [(500_000, "CNY", "max")]),
    ("约300万", [(3_000_000, "CNY", "about")]),
    ("300万左右", [(3_000_000, "CNY", "about")]),
    ("大概有300万", [(3_000_000, "CNY", "about")]),
    ("大概300万以上", [(3_000_000, "CNY", "min")]),
    ("差不多两个亿", [(200_000_000, "CNY", "about")]),
    ("300万差不多", [(3_000_000, "CNY", "about")]),
    ("将近一个亿", [(100_000_000, "CNY", "about")]),
    ("节约300万", [(3_000_000, "CNY", None)]),
    ("最近300万到账", [(3_000_000, "CNY", None)]),
    ("由8000万元提高到2亿元", [(80_000_000, "CNY", None), (200_000_000, "CNY", None)]),
    ("融了300万,估值两个亿", [(3_000_000, "CNY", None), (200_000_000, "CNY", None)]),
    ("300万3类证", [(3_000_000, "CNY", None)]),
    ("300万三年内到位", [(3_000_000, "CNY", None)]),
    ("融资300万 A轮", [(3_000_000, "CNY", None)]),
    ("300万股权投资", [(3_000_000, "CNY", None)]),
    ("300万人才补贴", [(3_000_000, "CNY", None)]),
    ("三百万两百人", [(3_000_000, "CNY", None)]),
    ("1万多块", [(10_000, "CNY", "min")]),
    ("一个亿都不到", [(100_000_000, "CNY", "max")]),
    ("300万以上500万以下", [(3_000_000, "CNY", "min"), (5_000_000, "CNY", "max")]),
    ("300萬港幣", [(3_000_000, "HKD", None)]),
]
MONEY += [
    ("$5m", [(5_000_000, "USD", None)]),
    ("借600个w", [(6_000_000, "CNY", None)]),
    ("30万一年封顶", [(300_000, "CNY", "max")]),
    ("最高补助400万", [(4_000_000, "CNY", "max")]),
    ("营收破3亿", [(300_000_000, "CNY", "min")]),
    ("每月18块", [(18, "CNY", None)]),
    ("USD 40 million", [(40_000_000, "USD", None)]),
    ("2.5m RMB", [(2_500_000, "CNY", None)]),
    ("RMB 18m", [(18_000_000, "CNY", None)]),
    ("3 million euros", [(3_000_000, "EUR", None)]),
    ("€750k", [(750_000, "EUR", None)]),
    ("US$2bn", [(2_000_000_000, "USD", None)]),
    ("7,500 yuan", [(7_500, "CNY", None)]),
    ("half a million dollars", [(500_000, "USD", None)]),
    ("two hundred thousand pounds", [(200_000, "GBP", None)]),
    ("a loan of 6M for one year", [(6_000_000, "CNY", None)]),
    ("under 25k a month", [(25_000, "CNY", "max")]),
    ("sales of more than 90 million yuan", [(90_000_000, "CNY", "min")]),
    ("roughly USD 4.5m", [(4_500_000, "USD", "about")]),
    ("between 2 and 4 million euros", [(2_000_000, "EUR", "min"), (4_000_000, "EUR", "max")]),
    ("$3m-$6m", [(3_000_000, "USD", "min"), (6_000_000, "USD", "max")]),
    ("40 million NT dollars", [(40_000_000, "TWD", None)]),
    ("80 million yen", [(80_000_000, "JPY", None)]),
    ("2 million Singapore dollars", [(2_000_000, None, None)]),
    ("SGD 3m", [(3_000_000, None, None)]),
]
NO_MONEY = [
    "层高8m",
    "ceiling 9m clear",
    "3 million doses a year",
    "5k users",
    "2000L bioreactor",
    "120 people",
    "4500 sqm",
    "class 3",
    "phase 2",
    "March 2024",
    "13812345678",
    "0512-66668888",
    "400-888-8888",
    "91320505MA1XXXXX5K",
    "320505199001011234",
    "300人",
    "两百个员工",
    "1万8千人",
    "300万人",
    "2022年",
    "5000平",
    "3000平方米",
    "3万平",
    "200亩",
    "30%",
    "百分之三十",
    "2022-03-05",
    "3个产品",
    "第三类",
    "三类",
    "一类",
    "1期",
    "二期临床",
    "〔2021〕14号",
    "14:30",
    "三点半",
    "三年行动计划",
    "3000",
    "三百",
    "十万级洁净车间",
    "千万别填错",
    "百万医疗险",
    "几千万",
    "万一不行呢",
    "三块地",
    "三元材料",
    "第一批300万股",
    "300w功率",
    "亿元企业",
    "三百六十五天",
    "99999999亿元",
    "进入三w点百度",
    "年产100万支",
    "好几百万",
]


@pytest.mark.parametrize(("text", "expected"), MONEY)
def test_reads_money(text: str, expected: list[tuple[float, str | None, str | None]]) -> None:
    assert [(f.value["value"], f.value["currency"], f.value["bound"]) for f in read_money(text)] == expected


@pytest.mark.parametrize("text", NO_MONEY)
def test_is_no_money(text: str) -> None:
    assert read_money(text) == []


def test_money_says_where_it_stands_and_which_token_it_is() -> None:
    assert read_money("总投资约３００万，够吗") == [
        Found("money", {"value": 3_000_000, "currency": "CNY", "bound": "about"}, "约300万", 3, 8, "3000000 CNY"),
    ]
    assert read_money("5亿韩元")[0].token == ""
    assert read_money("1234.5元")[0].token == "1234.5 CNY"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("项目投资-500万，建厂", -5_000_000),
        ("项目投资−1.2亿元", -120_000_000),
        ("－500万元", -5_000_000),
        ("负500万", -5_000_000),
        ("融资-三千万美元", -30_000_000),
        ("-¥500万", -5_000_000),
        ("¥-500万", -5_000_000),
        ("invested -$1.5m", -1_500_000),
    ],
)
def test_a_sign_right_before_a_sum_makes_it_negative_and_no_answer(text: str, value: int) -> None:
    assert [(f.value["value"], f.token) for f in read_money(text)] == [(value, "")]


@pytest.mark.parametrize(
    "text",
    [
        "300-500万",
        "三-五百万",
        "2020-2022年500万",
        "总投资 - 500万",
        "总投资—500万",
        "投资——500万",
        "A轮-500万",
        "负责500万的项目",
        "正负500万",
        "series-500k",
    ],
)
def test_a_range_a_period_or_a_dash_makes_no_sum_negative(text: str) -> None:
    assert all(f.value["value"] > 0 and f.token for f in read_money(text))


def in_words(number: int, two: str = "两") -> str:
    """A whole number as it is written out in Chinese."""

    def below_wan(n: int) -> str:
        words, gap = "", False
        for unit, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
            digit, n = divmod(n, unit)
            if digit:
                words += ("零" if gap else "") + (two if digit == 2 and unit >= 100 else "零一二三四五六七八九"[digit]) + name
            gap = bool(words) and not digit
        return words

    words = ""
    for unit, name in ((10**8, "亿"), (10**4, "万"), (1, "")):
        part, number = divmod(number, unit)
        if part:
            words += ("零" if words and part < 1000 else "") + below_wan(part) + name
    return words


def test_in_words() -> None:
    assert [in_words(n) for n in (25_000_000, 105, 120_000_500, 10_010)] == ["两千五百万", "一百零五", "一亿两千万零五百", "一万零一十"]


@given(st.decimals(min_value=0, max_value=Decimal(10) ** 13 - 1, places=2), st.sampled_from(sorted(NAMES)))
def test_money_in_its_printed_form_is_read_back(value: Decimal, currency: str) -> None:
    money = Money(value, currency)
    assert [Money.parse(f.token) for f in read_money(f"我们投了{money.printed}")] == [money]


@given(
    st.one_of(st.integers(1, 10**12 - 1), st.builds(lambda n, zeros: n * 10**zeros, st.integers(1, 9999), st.integers(0, 8))),
    st.sampled_from(sorted(NAMES)),
    st.sampled_from("二两"),
)
def test_money_in_words_is_read_back(value: int, currency: str, two: str) -> None:
    read = read_money(f"总投资{in_words(value, two)}{NAMES[currency]}")
    assert [(f.token, f.value["value"]) for f in read] == [(f"{value} {currency}", value)]


# --- dates

DATES = [
    ("2022年", ["2022"]),
    ("22年", ["2022"]),
    ("二〇二二年", ["2022"]),
    ("二零二二年三月五日", ["2022-03-05"]),
    ("2022", ["2022"]),
    ("是2022吧", ["2022"]),
    ("2022年3月", ["2022-03"]),
    ("22年3月", ["2022-03"]),
    ("2022年12月31日", ["2022-12-31"]),
    ("2022.3.5", ["2022-03-05"]),
    ("2022/3/5", ["2022-03-05"]),
    ("2022-03-05", ["2022-03-05"]),
    ("20220305", ["2022-03-05"]),
    ("2022.3", ["2022-03"]),
    ("3月5号", ["2026-03-05"]),
    ("三月五号", ["2026-03-05"]),
    ("十一月", ["2026-11"]),
    ("今年", ["2026"]),
    ("去年", ["2025"]),
    ("前年", ["2024"]),
    ("明年", ["2027"]),
    ("去年底", ["2025-12"]),
    ("去年年底", ["2025-12"]),
    ("今年初", ["2026-01"]),
    ("年底", ["2026-12"]),
    ("去年3月", ["2025-03"]),
    ("去年3月5号", ["2025-03-05"]),
    ("上个月", ["2026-10"]),
    ("本月", ["2026-11"]),
    ("今天", ["2026-11-22"]),
    ("昨天", ["2026-11-21"]),
    ("2022年度", ["2022"]),
    ("2020—2022年", ["2020", "2022"]),
    ("行动计划(2021-2023)", ["2021", "2023"]),
    ("2021年至2023年6月", ["2021", "2023-06"]),
    ("20年拿的证", ["2020"]),
    ("08年成立", ["2008"]),
    ("98年成立", ["1998"]),
    ("今年中标", ["2026"]),
    ("今年初创", ["2026"]),
    ("2022年上半年", ["2022"]),
    ("去年拿了证,今年想申请", ["2025", "2026"]),
    ("三年行动计划", []),
    ("3年内", []),
    ("两年", []),
    ("10年经验", []),
    ("20年", []),
    ("近15年", []),
    ("22年历史", []),
    ("专利保护期20年", []),
    ("3个月", []),
    ("每年3月", []),
    ("2月30日", []),
    ("2022年13月", ["2022"]),
    ("上半年", []),
    ("健康中国2030", []),
    ("5年以上年限", []),
    ("1.5亿", []),
    ("〔2021〕14号", []),
    ("13812345678", []),
    ("0512-66668888", []),
    ("2022.3亿", []),
    ("3期", []),
    ("1850年", []),
]


@pytest.mark.parametrize(("text", "expected"), DATES)
def test_reads_dates(text: str, expected: list[str]) -> None:
    found = read_dates(text, TODAY)
    assert [f.value for f in found] == expected
    assert [f.token for f in found] == expected


@given(
    st.dates(date(1990, 1, 1), date(2049, 12, 31)),
    st.sampled_from(["{0.year}年{0.month}月{0.day}日", "{0:%Y-%m-%d}", "{0.year}.{0.month}.{0.day}", "{0:%Y/%m/%d}"]),
)
def test_a_written_date_is_read_back(day: date, form: str) -> None:
    assert [f.value for f in read_dates("在" + form.format(day) + "拿的", TODAY)] == [day.isoformat()]


def test_relative_dates_cross_the_year() -> None:
    assert [f.value for f in read_dates("上个月,昨天,去年底", date(2027, 1, 1))] == ["2026-12", "2026-12-31", "2026-12"]


# --- phases and classes

DATES_IN_ENGLISH = [
    ("March 2024", ["2024-03"]),
    ("since Feb 2023", ["2023-02"]),
    ("12 June 2025", ["2025-06-12"]),
    ("June 12, 2025", ["2025-06-12"]),
    ("on Oct 9", ["2026-10-09"]),
    ("on Dec 3", ["2025-12-03"]),
    ("in September", ["2026-09"]),
    ("in December", ["2025-12"]),
    ("by March", ["2027-03"]),
    ("last month", ["2026-10"]),
    ("last year", ["2025"]),
    ("end of last year", ["2025-12"]),
    ("this year and next year", ["2026", "2027"]),
    ("yesterday", ["2026-11-21"]),
    ("Q3 2025?", ["2025"]),
    ("founded in 2019", ["2019"]),
    ("from 2022 to 2024", ["2022", "2024"]),
    ("may I ask", []),
    ("march ahead", []),
    ("we may need 3 labs", []),
    ("2024 units", []),
    ("in 2000 sqm", []),
    ("batch 2023A", []),
]
DATES_NEAREST = [
    ("12月拿的证", ["2025-12"]),
    ("10月拿的证", ["2026-10"]),
    ("预计4月拿证", ["2027-04"]),
    ("12月15号截止", ["2026-12-15"]),
    ("11月28号截止", ["2026-11-28"]),
    ("10/8那天交的", ["2026-10-08"]),
    ("占比1/3", []),
    ("2025的通知有了,2026的呢", ["2025", "2026"]),
    ("2026行动方案", []),
    ("单号YQ-20250102-0007", []),
]


@pytest.mark.parametrize(("text", "expected"), DATES_IN_ENGLISH + DATES_NEAREST)
def test_reads_dates_in_english_and_the_nearest_month(text: str, expected: list[str]) -> None:
    assert [f.value for f in read_dates(text, TODAY)] == expected


@given(
    st.dates(date(1990, 1, 1), date(2049, 12, 31)),
    st.sampled_from(["on {0:%B} {0.day}, {0.year}", "on {0.day} {0:%B} {0.year}", "on {0:%b} {0.day} {0.year}"]),
)
def test_a_date_written_in_english_is_read_back(day: date, form: str) -> None:
    assert [f.value for f in read_dates("we filed " + form.format(day), TODAY)] == [day.isoformat()]


PHASES = [
    ("phase 2 trial", ["II"]),
    ("Phase IIa", ["II"]),
    ("phases I and II", ["I", "II"]),
    ("phase three", ["III"]),
    ("phase 2 of the building", []),
    ("not in phase III", []),
    ("是II期不是III期", ["II"]),
    ("一期", ["I"]),
    ("1期", ["I"]),
    ("I期", ["I"]),
    ("Ⅰ期", ["I"]),
    ("二期了", ["II"]),
    ("phase 1", ["I"]),
    ("Phase III", ["III"]),
    ("一期临床", ["I"]),
    ("临床二期", ["II"]),
    ("临床试验做到Ⅲ期", ["III"]),
    ("临床II", ["II"]),
    ("IIb期", ["II"]),
    ("I/II期", ["I", "II"]),
    ("一期和二期临床都在做", ["I", "II"]),
    ("我们的新药做到三期了", ["III"]),
    ("单抗在二期", ["II"]),
    ("刚进二期临床,准备做三期", ["II", "III"]),
    ("获批临床", ["IND"]),
    ("拿到临床批件了", ["IND"]),
    ("IND", ["IND"]),
    ("IND已经批了", ["IND"]),
    ("pre-IND", ["IND"]),
    ("正在申报IND", ["IND"]),
    ("还没获批临床", []),
    ("还没到三期", []),
    ("打算做一期临床", ["I"]),
    ("一期工程", []),
    ("二期园区", []),
    ("小镇二期", []),
    ("生命健康小镇二期", []),
    ("产业园二期有厂房吗", []),
    ("项目一期投资", []),
    ("分3期付款", []),
    ("IV期", []),
    ("四期临床", []),
    ("十一期", []),
    ("III期肺癌", []),
    ("周期多长", []),
    ("一期二期都做完了", ["I", "II"]),
    ("临床试验I、II、III期", ["I", "II", "III"]),
    ("II期做完了,III期在准备", ["II", "III"]),
    ("明年进三期", ["III"]),
    ("二期补几个钱", ["II"]),
    ("刚开完三期启动会", ["III"]),
    ("溶瘤病毒,一期,在瑞金做", ["I"]),
    ("1期,2期,3期都给吗", ["I", "II", "III"]),
    ("三期没钱做了", ["III"]),
    ("Ib/IIa给药剂量定了", ["I", "II"]),
    ("IIb数据明年读出", ["II"]),
    ("P2入组一半", ["II"]),
    ("FIH下个月", ["I"]),
    ("first-in-human next spring", ["I"]),
    ("首次人体试验", ["I"]),
    ("P3实验室", []),
    ("找个PI", []),
    ("二期厂房能租吗", []),
    ("贷款用过一期", []),
    ("二期要扩产", []),
    ("做二期太贵,有没有贷款", ["II"]),
    ("三期方案谁帮改", ["III"]),
    ("二期门禁坏了", []),
    ("三期款没到", []),
    ("培训办到二期了", []),
    ("III型临床", []),
    ("个性化", []),
]


@pytest.mark.parametrize(("text", "expected"), PHASES)
def test_reads_phases(text: str, expected: list[str]) -> None:
    assert [f.value for f in read_phases(text)] == expected


DEVICE_CLASSES = [
    ("Class III device", ["III"]),
    ("class 2 cert", ["II"]),
    ("class II and III products", ["II", "III"]),
    ("not class I, it's class II.", ["II"]),
    ("class 1 innovative drug", []),
    ("class of 2020", []),
    ("制氧机算二类吧", ["II"]),
    ("一张三类、两张二类都在审", ["III", "II"]),
    ("二类延续注册", ["II"]),
    ("第二类问题", []),
    ("三类户", []),
    ("三类", ["III"]),
    ("3类", ["III"]),
    ("III类", ["III"]),
    ("Ⅲ类", ["III"]),
    ("第三类", ["III"]),
    ("应该是三类吧", ["III"]),
    ("三类器械", ["III"]),
    ("三类证", ["III"]),
    ("刚拿三类证", ["III"]),
    ("二类注册证", ["II"]),
    ("第二类医疗器械", ["II"]),
    ("二类诊断试剂", ["II"]),
    ("一类备案", ["I"]),
    ("二、三类医疗器械", ["II", "III"]),
    ("第二、三类医疗器械", ["II", "III"]),
    ("二类和三类证都有", ["II", "III"]),
    ("我们的器械是三类,能补多少", ["III"]),
    ("器械不是三类,是二类", ["II"]),
    ("三类人才", []),
    ("两类产品", []),
    ("三类（植入）", ["III"]),
    ("是不是三类", ["III"]),
    ("这三类企业", []),
    ("分为三类产品", []),
    ("拿到三类经营许可证", []),
    ("补贴分三类", []),
    ("一类新药", []),
    ("1类新药", []),
    ("2类创新药", []),
    ("3类仿制药", []),
    ("化药1类", []),
    ("四类", []),
    ("13类", []),
    ("三类给几万", ["III"]),
    ("二类有钱拿吗", ["II"]),
    ("打算报三类", ["III"]),
    ("三类在排队", ["III"]),
    ("三类眼科激光", ["III"]),
    ("三类人工瓣膜", ["III"]),
    ("三类在药监局审着", ["III"]),
    ("二类还是三类分不清", ["II", "III"]),
    ("一二三类都有", ["I", "II", "III"]),
    ("CE之外国内走三类", ["III"]),
    ("三类没有,二类有仨", ["II"]),
    ("三类会不会太久", ["III"]),
    ("每二类", []),
    ("有三类补贴", []),
    ("三类跟二类都没有", []),
    ("有三类:甲、乙、丙", []),
    ("二类增值税", []),
    ("三类医院", []),
    ("三类会议", []),
    ("甲状腺结节3类", []),
    ("不是新药,改良型,二类", []),
    ("另一类", []),
    ("几类", []),
]


@pytest.mark.parametrize(("text", "expected"), DEVICE_CLASSES)
def test_reads_device_classes(text: str, expected: list[str]) -> None:
    assert [f.value for f in read_device_classes(text)] == expected


DRUG_CLASSES = [
    ("一类新药", ["class_1"]),
    ("1类新药", ["class_1"]),
    ("Ⅰ类创新药", ["class_1"]),
    ("化药1类", ["class_1"]),
    ("1类生物制品", ["class_1"]),
    ("二类新药", ["class_2"]),
    ("2类创新药", ["class_2"]),
    ("2.2类新药", ["class_2"]),
    ("改良型新药", ["class_2"]),
    ("二类改良型新药", ["class_2"]),
    ("一类创新药、二类改良型新药", ["class_1", "class_2"]),
    ("二类器械", []),
    ("一类", []),
    ("3类仿制药", []),
    ("新药", []),
]


@pytest.mark.parametrize(("text", "expected"), DRUG_CLASSES)
def test_reads_drug_classes(text: str, expected: list[str]) -> None:
    assert [f.value for f in read_drug_classes(text)] == expected


# --- contacts, counts, yes and no

CONTACTS = [
    ("13812345678", [("phone", "13812345678")]),
    ("＋８６ 138 1234 5678", [("phone", "13812345678")]),
    ("+86-138-1234-5678", [("phone", "13812345678")]),
    ("0512-66668888", [("phone", "051266668888")]),
    ("(0512)66668888", [("phone", "051266668888")]),
    ("051266668888", [("phone", "051266668888")]),
    ("+86 512 66668888", [("phone", "051266668888")]),
    ("010-62345678转801", [("phone", "01062345678-801")]),
    ("400-888-8888", [("phone", "4008888888")]),
    ("4008 888 888", [("phone", "4008888888")]),
    ("Zhang.San@Example.com", [("email", "zhang.san@example.com")]),
    ("a@qq。com", [("email", "a@qq.com")]),
    ("邮箱a@qq.com。电话13812345678", [("email", "a@qq.com"), ("phone", "13812345678")]),
    ("66668888", []),
    ("138123456789", []),
    ("12812345678", []),
    ("91320505MA1XXXXX5K", []),
    ("320505199001011234", []),
    ("2022-03-05", []),
    ("4000000000元", []),
    ("@所有人", []),
]


@pytest.mark.parametrize(("text", "expected"), CONTACTS)
def test_reads_contacts(text: str, expected: list[tuple[str, str]]) -> None:
    assert [(f.kind, f.value) for f in read_contacts(text)] == expected


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *[
            ("3", 3),
            ("三", 3),
            ("三个", 3),
            ("两款", 2),
            ("十二", 12),
            ("3个产品", 3),
            ("有两个产品", 2),
            ("一共5个", 5),
            ("300人", 300),
            ("两百个员工", 200),
        ],
        *[("２个", 2), ("1,200家", 1200), ("2022年", 2022), ("零", 0), ("俩", 2), ("一百零五", 105)],
        *[
            ("三类", None),
            ("二期", None),
            ("两三个", None),
            ("几个", None),
            ("3个月", None),
            ("3个亿", None),
            ("300万", None),
            ("1.5", None),
            ("-3", None),
        ],
        *[("第三个", None), ("", None), ("产品", None), ("3个产品都是三类", None)],
    ],
)
def test_reads_a_count(text: str, number: int | None) -> None:
    assert read_number(text) == number


@pytest.mark.parametrize(
    ("said", "texts"),
    [
        ("yes", "是 是的 对 对的 有 有的 嗯 嗯嗯 好 好的 好的,谢谢 可以 同意 没错 没问题 是的。 对啊 有了 YES y ok OK！"),
        ("no", "不是 没有 没 否 不 不同意 还没 还没有 没有呢 不是的 暂无 都没有 No n"),
        ("unknown", "不清楚 不知道 不确定 不懂 我不太清楚 说不好 不清楚啊 unknown 没听说过"),
        (None, "可以吗 是吗 有没有 三类 不错 不是三类 没有注册证 好像是 300万 知道了 算了 ?"),
    ],
)
def test_reads_yes_and_no(said: str | None, texts: str) -> None:
    assert {text: read_yes_no(text) for text in texts.split(" ")} == dict.fromkeys(texts.split(" "), said)


# --- all the values of a message

MESSAGES: list[tuple[str, list[tuple[str, Any]]]] = [
    ("太仓", [("region", "taicang")]),
    ("taicang", [("region", "taicang")]),
    ("苏州市", [("region", "suzhou")]),
    ("苏州高新区", [("region", "snd")]),
    ("苏州市高新区", [("region", "snd")]),
    ("SND", [("region", "snd")]),
    ("sndx", []),
    ("虎丘区", [("region", "snd")]),
    ("昆山高新区", [("region", "kunshan")]),
    ("徐州高新区", [("region", "xuzhou")]),
    ("太仓高新区", [("region", "taicang")]),
    ("太仓的高新区", [("region", "taicang")]),
    ("高新区", [("ambiguous_region", ["taicang", "snd", "kunshan", "xuzhou"])]),
    ("国家高新区", [("ambiguous_region", ["taicang", "snd", "kunshan", "xuzhou"])]),
    ("昆山和太仓哪个好,昆山近一点", [("region", "kunshan"), ("region", "taicang")]),
    ("我们在昆山,高新区那边有厂房吗", [("region", "kunshan")]),
    ("苏州大学的团队想去太仓", [("region", "taicang")]),
    ("太仓生物港", [("park", "太仓生物港")]),
    ("生物港离徐州远吗", [("park", "太仓生物港"), ("region", "xuzhou")]),
    ("试验小镇二期有厂房吗", [("park", "苏州试验小镇")]),
    ("云龙试验医药园怎么样", [("park", "云龙试验医药园")]),
    ("体外诊断", [("segment", "体外诊断")]),
    ("化学发光试剂", [("segment", "体外诊断")]),
    ("做POCT的", [("segment", "体外诊断")]),
    ("CT", [("segment", "医学影像")]),
    ("CT机", [("segment", "医学影像")]),
    ("PET-CT", [("segment", "医学影像")]),
    ("action plan", []),
    ("carpet", []),
    ("小核酸药物", [("segment", "核酸药物")]),
    ("核酸检测试剂", [("segment", "体外诊断")]),
    ("抗体检测试剂", [("segment", "体外诊断")]),
    ("CAR-T", [("segment", "细胞与基因治疗")]),
    ("中医药", [("segment", "中医药")]),
    ("生物医药产业园", []),
    ("孵化器和加速器", []),
    ("直线加速器", [("segment", "质子治疗")]),
    ("手术机器人和骨科植入", [("segment", "手术机器人"), ("segment", "植介入器械")]),
    ("FDA批了", [("event", "overseas_approval")]),
    ("拿到FDA", [("event", "overseas_approval")]),
    ("拿到CE证了", [("event", "overseas_approval")]),
    ("刚拿到三类证", [("event", "new_device_certificate"), ("device_class", "III")]),
    ("刚拿三类证", [("event", "new_device_certificate"), ("device_class", "III")]),
    ("拿了二类证", [("event", "new_device_certificate"), ("device_class", "II")]),
    ("取得注册证", [("event", "new_device_certificate")]),
    ("三类器械刚拿证", [("device_class", "III"), ("event", "new_device_certificate")]),
    ("药品注册证下来了", [("event", "new_drug_approval")]),
    ("新药获批上市了", [("event", "new_drug_approval")]),
    ("集采中了", [("event", "centralized_procurement_win")]),
    ("中了集采", [("event", "centralized_procurement_win")]),
    ("中标国采", [("event", "centralized_procurement_win")]),
    ("一致性评价过了", [("event", "consistency_evaluation_pass")]),
    ("拿到临床批件", [("event", "ind_approved"), ("phase", "IND")]),
    ("到账3000万美元", [("event", "foreign_capital_received"), ("money", "30000000 USD")]),
    ("500万美金已经到账", [("money", "5000000 USD"), ("event", "foreign_capital_received")]),
    ("外资到了", [("event", "foreign_capital_received")]),
    ("首台套认定", [("event", "first_set_recognition")]),
    ("申请PCT", [("event", "pct_filing")]),
    ("评上小巨人", [("event", "title_award"), ("stage", "specialised_sme")]),
    ("获评国家级单项冠军", [("event", "title_award")]),
    ("联合攻关", [("event", "joint_rd")]),
    ("联合攻关还没认定", [("event", "joint_rd")]),
    ("联合攻关已认定", [("event", "joint_rd_recognised")]),
    ("联合攻关项目认定了", [("event", "joint_rd_recognised")]),
    ("还没拿证", []),
    ("没有注册证", []),
    ("没注册证", []),
    ("注册证还没下来", []),
    ("没中标", []),
    ("集采没中", []),
    ("没有中集采", []),
    ("一致性评价还没过", []),
    ("FDA还没批", []),
    ("外资还没到账", []),
    ("没拿到三类注册证", [("device_class", "III")]),
    ("尚未取得注册证", []),
    ("打算申请PCT", []),
    ("正在申请三类注册证", [("device_class", "III")]),
    ("想拿三类证", [("device_class", "III")]),
    ("预计明年拿到三类证", [("date", "2027"), ("device_class", "III")]),
    ("FDA还在审", []),
    ("首台套在申报", []),
    ("没有FDA但集采中标了", [("event", "centralized_procurement_win")]),
    ("没人告诉我集采中标能补多少", [("event", "centralized_procurement_win")]),
    ("有没有注册证都可以吗", []),
    ("通过评估认证", []),
    ("认证通过了", []),
    ("想申请PCT资助", [("event", "pct_filing")]),
    ("还没注册公司", [("stage", "not_registered")]),
    ("准备在昆山注册公司", [("stage", "not_registered"), ("region", "kunshan")]),
    ("还没注册商标", []),
    ("刚成立", [("stage", "startup")]),
    ("公司刚起步", [("stage", "startup")]),
    ("高企", [("stage", "hnte")]),
    ("科小", [("stage", "tech_sme")]),
    ("瞪羚", [("stage", "gazelle")]),
    ("潜在独角兽", [("stage", "unicorn_cultivation")]),
    ("独角兽培育企业", [("stage", "unicorn_cultivation")]),
    ("独角兽", [("stage", "unicorn")]),
    ("专精特新小巨人", [("stage", "specialised_sme")]),
    ("准备上市", [("stage", "pre_ipo")]),
    ("拟IPO", [("stage", "pre_ipo")]),
    ("拟上市公司", [("stage", "pre_ipo")]),
    ("上市公司", [("stage", "listed")]),
    ("我们公司去年上市了", [("stage", "listed"), ("date", "2025")]),
    ("我们医院", [("stage", "hospital")]),
    ("我们是一家三甲医院", [("stage", "hospital")]),
    ("医疗机构", [("stage", "hospital")]),
    ("不是高企", []),
    ("不是高企是瞪羚", [("stage", "gazelle")]),
    ("还没评上小巨人", []),
    ("上市许可持有人", []),
    ("药品上市", []),
    ("产品申报上市", []),
    ("新药准备上市", [("segment", "创新药物")]),
    ("和上市公司合作", []),
    ("试剂盒准备上市", [("segment", "体外诊断")]),
    ("产品已上市", []),
    ("哪些医疗机构能做", []),
    ("我们给医院供货", []),
    ("想进医院", []),
    ("医院采购", []),
    ("我们的产品想进医院", []),
    ("跟医院合作", []),
    ("中国高端制造", []),
    ("骨科小型工具", []),
    ("其他补贴", []),
    ("1类新药二期临床", [("drug_class", "class_1"), ("phase", "II")]),
    ("2023年集采中标,采购额约1200万", [("date", "2023"), ("event", "centralized_procurement_win"), ("money", "12000000 CNY")]),
    (
        "我们在苏州高新区做体外诊断，去年刚拿到三类证，电话13812345678",
        [
            ("region", "snd"),
            ("segment", "体外诊断"),
            ("date", "2025"),
            ("event", "new_device_certificate"),
            ("device_class", "III"),
            ("phone", "13812345678"),
        ],
    ),
    ("taicang@qq.com", [("email", "taicang@qq.com")]),
    ("看 https://www.snd.gov.cn 上的通知", []),
    ("有什么补贴", []),
    ("你好", []),
    ("", []),
]


@pytest.mark.parametrize(("text", "expected"), MESSAGES)
def test_reads_messages(vocabulary: Vocabulary, text: str, expected: list[tuple[str, Any]]) -> None:
    found = vocabulary.read(text, TODAY)
    assert [(f.kind, f.token if f.kind == "money" else f.value) for f in found] == expected


def test_names_carry_the_tokens_of_their_records(vocabulary: Vocabulary) -> None:
    found = vocabulary.read("生物港,高新区,IVD,高企,FDA批了", TODAY)
    assert [(f.kind, f.token) for f in found] == [
        ("park", "tc-bioport"),
        ("ambiguous_region", ""),
        ("segment", "ivd"),
        ("stage", "hnte"),
        ("event", "overseas_approval"),
    ]


def test_a_vocabulary_may_be_empty() -> None:
    assert Vocabulary((), (), (), ()).read("太仓的高企,300万", TODAY)[0].kind == "money"


def test_every_alias_alone_is_found(vocabulary: Vocabulary) -> None:
    """A name that its own vocabulary cannot find would be a name lost; 医院 alone says nothing about who writes."""
    lost = []
    for region in load("regions", Region):
        lost += [n for n in (region.name, *region.aliases) if region.id not in {f.token for f in vocabulary.read(n, TODAY)}]
    for segment in load("segments", Segment):
        lost += [n for n in (segment.name, *segment.aliases) if not any(f.kind == "segment" for f in vocabulary.read(n, TODAY))]
    for fact in load("facts", FactType):
        if fact.key in ("stage", "events"):
            options = [o for o in fact.options if o.token != "other"]
            lost += [n for o in options for n in o.aliases if o.token not in {f.token for f in vocabulary.read(n, TODAY)}]
    assert lost == ["医院"]


LIVES = [
    "电话13901234567",
    "打我0516-83456789转12",
    "信用代码91320594MA20ABCD3X",
    "91320585MA1NWXYZ57",
    "员工一百二十人",
    "团队85个人",
    "headcount 240",
    "面积6000平方米",
    "3万平厂房",
    "20亩地",
    "2,400 sqm",
    "苏府办〔2023〕108号",
    "太政发〔2022〕35号文",
    "身份证320582198807061234",
    "YQ-20260315-0007",
]


@pytest.mark.parametrize("text", LIVES)
def test_what_counts_something_else_is_no_money(vocabulary: Vocabulary, text: str) -> None:
    assert [f for f in vocabulary.read(text, TODAY) if f.kind == "money"] == []


@given(st.from_regex(r"1[3-9][0-9]{9}|0(512|516|10|21)-[2-8][0-9]{6,7}|9[1-3]32[0-9]{4}MA[0-9A-HJ-NPQRTUWXY]{9}|320[0-9]{14}[0-9X]", fullmatch=True))
def test_a_number_that_identifies_somebody_is_no_money(text: str) -> None:
    assert read_money("我的是" + text) == read_money(text) == []


@given(
    st.integers(1, 9999),
    st.sampled_from(["人", "个员工", "名博士", "平米", "平方米", "㎡", "亩", "家企业", "个产品", "%", "号", " people", " sqm", " staff"]),
)
def test_a_count_is_no_money(number: int, unit: str) -> None:
    assert read_money(f"我们有{number}{unit}") == []


@given(
    st.integers(1, 999),
    st.sampled_from([("k", 10**3), (" thousand", 10**3), ("m", 10**6), (" million", 10**6), ("bn", 10**9), (" billion", 10**9)]),
    st.sampled_from(
        [
            ("RMB {}", "CNY"),
            ("{} yuan", "CNY"),
            ("USD {}", "USD"),
            ("${}", "USD"),
            ("{} dollars", "USD"),
            ("€{}", "EUR"),
            ("{} euros", "EUR"),
            ("HKD {}", "HKD"),
        ]
    ),
)
def test_money_in_english_is_read_back(number: int, scale: tuple[str, int], form: tuple[str, str]) -> None:
    written = form[0].format(f"{number}{scale[0]}")
    assert [f.token for f in read_money(f"we raised {written}")] == [f"{number * scale[1]} {form[1]}"]


@given(
    st.sampled_from(["I", "II", "III"]),
    st.sampled_from([("{}类证", "一二三"), ("第{}类医疗器械", "一二三"), ("{}类器械", "123"), ("class {} device", "123")]),
)
def test_a_class_is_read_back(roman: str, form: tuple[str, str]) -> None:
    assert [f.value for f in read_device_classes("我们的是" + form[0].format(form[1][len(roman) - 1]))] == [roman]
    assert [f.value for f in read_device_classes(f"our class {roman} device")] == [roman]


@given(st.sampled_from(["I", "II", "III"]), st.sampled_from([("{}期临床", "一二三"), ("临床{}期", "123"), ("phase {} trial", "123")]))
def test_a_phase_is_read_back(roman: str, form: tuple[str, str]) -> None:
    assert [f.value for f in read_phases("药在" + form[0].format(form[1][len(roman) - 1]))] == [roman]
    assert [f.value for f in read_phases(f"now in phase {roman}")] == [roman]


def test_a_phase_that_lies_ahead_is_named_but_no_answer() -> None:
    assert [(f.value, f.token) for f in read_phases("I期做完了,准备进II期临床")] == [("I", "I"), ("II", "")]


SAID = [
    ("我们是医院的供应商", []),
    ("we are not a hospital", []),
    ("通过了二类医疗器械注册", [("event", "new_device_certificate"), ("device_class", "II")]),
    ("help with CE certification", []),
    ("五千万美金 400w 不到2亿", [("money", "50000000 USD"), ("money", "4000000 CNY"), ("money", "200000000 CNY")]),
    ("FDA 510k怎么报", []),
    ("不是8000万,是800万", [("money", "8000000 CNY")]),
    ("PCT申请的流程", []),
    ("我们有PCT 6件", [("event", "pct_filing")]),
    ("批件下来前能先沟通吗", []),
    ("二类升三类", [("device_class", "II"), ("device_class", "III")]),
    ("基金领投要找谁", []),
    ("a bonus for FDA approval", []),
    ("twenty-five thousand yuan", [("money", "25000 CNY")]),
    ("新区的奖励", [("region", "snd")]),
    ("浦东新区的奖励", []),
    ("我们在虎丘", [("region", "snd")]),
    ("太仓路12号", []),
    ("不去太仓了,去徐州", [("region", "xuzhou")]),
    ("不是医美,是胶原蛋白", [("segment", "生物医用材料")]),
    ("血糖试纸出口", [("segment", "体外诊断")]),
    ("做导丝和封堵器", [("segment", "植介入器械")]),
    ("骨科机器人", [("segment", "手术机器人")]),
    ("核酸疫苗", [("segment", "新型疫苗")]),
    ("新药临床怎么支持", []),
    ("三类器械", [("device_class", "III")]),
    ("二类诊断试剂", [("device_class", "II"), ("segment", "体外诊断")]),
    ("in vitro diagnostics", [("segment", "体外诊断")]),
    ("cell therapy startup", [("segment", "细胞与基因治疗"), ("stage", "startup")]),
    ("a medical device company in Kunshan", [("segment", "医疗器械"), ("region", "kunshan")]),
    ("we are a listed company", [("stage", "listed")]),
    ("not listed yet, pre-IPO", [("stage", "pre_ipo")]),
    ("FDA approved our catheter", [("event", "overseas_approval"), ("segment", "植介入器械")]),
    ("we haven't got FDA yet", []),
    ("planning to get the CE mark", []),
    ("IND cleared last month", [("phase", "IND"), ("event", "ind_approved"), ("date", "2026-10")]),
    ("got a class II certificate", [("event", "new_device_certificate"), ("device_class", "II")]),
    ("raised $4m in a seed round", [("event", "private_funding"), ("money", "4000000 USD")]),
    ("won the VBP bid", [("event", "centralized_procurement_win")]),
    ("filed two PCT applications", [("event", "pct_filing")]),
    ("named a Little Giant", [("event", "title_award"), ("stage", "specialised_sme")]),
    ("三类证能补多少", [("device_class", "III")]),
    ("三类证上周下来的", [("device_class", "III"), ("event", "new_device_certificate")]),
    ("要不要拿证", []),
    ("首台套怎么申请", []),
    ("首台套认定上个月下来了", [("event", "first_set_recognition"), ("date", "2026-10")]),
    ("绿色通道怎么进", []),
    ("已经进了绿色通道", [("event", "innovative_device_green_channel")]),
    ("种子轮刚到账", [("event", "private_funding")]),
    ("在和大学联合攻关", [("event", "joint_rd")]),
    ("GCP备案通过了", [("event", "clinical_site_qualified")]),
    ("科小,不是高企", [("stage", "tech_sme")]),
    ("认定高企了", [("event", "title_award"), ("stage", "hnte")]),
    ("冲刺创业板", [("stage", "pre_ipo")]),
    ("我院想报项目", [("stage", "hospital")]),
    ("生物港那个园怎么样", [("park", "太仓生物港")]),
    ("三类上礼拜拿到了", [("device_class", "III"), ("event", "new_device_certificate")]),
    ("三类证快拿到了", [("device_class", "III")]),
    ("三类在报", [("device_class", "III")]),
    ("三类拿到了吗", [("device_class", "III")]),
    ("首次拿证给多少", []),
    ("毕业证拿到了", []),
    ("身份证下来了", []),
    ("CE我们早就办下来了", [("event", "overseas_approval")]),
    ("FDA给批了", [("event", "overseas_approval")]),
    ("FDA要等批了再说", []),
    ("一致性评价有两个品种过了", [("event", "consistency_evaluation_pass")]),
    ("一致性评价不知道哪天能过", []),
    ("国采也进去了", [("event", "centralized_procurement_win")]),
    ("列进首台套了", [("event", "first_set_recognition")]),
    ("瞪羚名单里有我们", [("stage", "gazelle"), ("event", "title_award")]),
    ("小巨人过了", [("stage", "specialised_sme"), ("event", "title_award")]),
    ("b轮拿了一个亿", [("event", "private_funding"), ("money", "100000000 CNY")]),
    ("投资人的钱到了", [("event", "private_funding")]),
    ("境外股东打进来500万欧元", [("event", "foreign_capital_received"), ("money", "5000000 EUR")]),
    ("和高校合作开发着", [("event", "joint_rd")]),
    ("和三甲合作开展了临床试验", [("event", "joint_clinical_trial")]),
    ("能不能合作做临床", []),
    ("新药批了", [("event", "new_drug_approval")]),
    ("医院这边想做转化", [("stage", "hospital")]),
    ("药品批件到手了", [("event", "new_drug_approval")]),
    ("专利银奖刚公布", [("event", "patent_award")]),
    ("二类那张昨天批了", [("device_class", "II"), ("event", "new_device_certificate"), ("date", "2026-11-21")]),
    ("IND刚刚放行", [("phase", "IND"), ("event", "ind_approved")]),
    ("刚拿下日本的证", [("event", "overseas_approval")]),
    ("多久能拿到日本的认证", []),
    ("GCP卫健委已备案", [("event", "clinical_site_qualified")]),
    ("投资人打了个电话", []),
    ("这二类理疗仪", [("device_class", "II"), ("segment", "康复器械")]),
    ("这三类产品", []),
    ("三类线下培训", []),
    ("当了瞪羚", [("stage", "gazelle"), ("event", "title_award")]),
    ("和大学一块攻关呢", [("event", "joint_rd")]),
    ("想和大学一块攻关,怎么弄", []),
    ("攻关项目立项了", [("event", "joint_rd_recognised")]),
    ("三类的创新器械", [("device_class", "III")]),
    ("医疗器械行业协会在哪", []),
    ("加速器还有空吗", []),
]


@pytest.mark.parametrize(("text", "expected"), SAID)
def test_reads_what_founders_say(vocabulary: Vocabulary, text: str, expected: list[tuple[str, Any]]) -> None:
    found = vocabulary.read(text, TODAY)
    assert sorted((f.kind, f.token if f.kind == "money" else f.value) for f in found) == sorted(expected)


FRAMES = ["{}", "我们在{}", "我们是做{}的", "想问下{}那边有什么政策", "公司目前在{},打算扩建"]


def test_every_name_is_read_alone_and_in_a_sentence(knowledge: Knowledge) -> None:
    """Regions, parks and segments by name, alias and English name; a district stands for its region."""
    meant = [("region", r.id, n) for r in knowledge.regions.values() for n in (r.name, *r.aliases)]
    meant += [("segment", s.id, n) for s in knowledge.segments.values() for n in (s.name, s.en, *s.aliases)]
    meant += [("park", p.id, n) for p in knowledge.parks.values() for n in (p.name, *p.aliases)]
    lost = []
    for kind, key, name in meant:
        for frame in {"region": FRAMES[1:], "park": (FRAMES[0], *FRAMES[3:]), "segment": FRAMES[::2]}[kind]:
            read = reading.located(knowledge.vocabulary.read(frame.format(name), TODAY), knowledge)
            tokens = {f.token for f in read if f.kind in ("region", "segment", "park", "device_class")}
            if not tokens & {key, knowledge.parks[key].region if kind == "park" else key}:
                lost.append((frame, name))
    assert lost == []


@given(st.text(alphabet=st.sampled_from("一二三十百千万亿零两个0123456789.,-年月日号期类证元美w$还没拿到高新区太仓FDActind/ ("), max_size=40))
def test_whatever_is_typed_is_read_without_error_and_words_stand_where_said(vocabulary: Vocabulary, text: str) -> None:
    plain = normalise(text)
    found = vocabulary.read(text, TODAY)
    assert all(f.text == plain[f.start : f.end] and f.start < f.end for f in found)
    assert [f.start for f in found] == sorted(f.start for f in found)
    assert len({(f.kind, repr(f.value)) for f in found}) == len(found)
    assert vocabulary.read(plain, TODAY) == found


@pytest.mark.parametrize(
    "piece",
    [
        "一",
        "十",
        "9",
        "1,",
        "300万",
        "二期",
        "三类",
        "集采",
        "没",
        "a@",
        "2022",
        "138 ",
        "1类、",
        "太仓",
        "(0512",
        "半",
        "是",
        "w",
        "not ",
        "class i ",
        "phase 1,",
        "usd 1m-",
        "half a ",
        "got ",
        "the ",
        "拿到",
        "专精特新",
        "联合",
        "在",
        "那个园",
        "证2025年",
        "去年",
    ],
)
def test_no_message_can_stall_the_reader(vocabulary: Vocabulary, piece: str) -> None:
    start = time.perf_counter()
    vocabulary.read((piece * 4000)[:4000], TODAY)
    assert time.perf_counter() - start < 1  # about 0.02 s; an exponential pattern would never end
