"""Facts as programs and tables give them: what is taken, what is refused and how that is said, what can't be true together."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogs.script import ask
from knowledge.contradictions import contradictions
from knowledge.facts import FactType
from knowledge.given import MAX_PRODUCTS, Problem, Reader
from knowledge.loader import load
from knowledge.money import Money
from knowledge.rules import generic
from knowledge.written import Value

DAY = date(2022, 6, 1)
BASE = load()
READER = Reader(BASE.facts, BASE.regions.values(), BASE.segments.values())


def read(**values: Value) -> Mapping[str, str]:
    """The facts of a company in 苏州高新区; `product__1__class` stands for `product.1.class`."""
    found = READER.read({"region": "snd", **{key.replace("__", "."): value for key, value in values.items()}}, DAY)
    assert not found.problems
    return found.facts


def refused(given: Mapping[str, Value]) -> list[Problem]:
    return list(READER.read({"region": "snd", **given}, DAY).problems)


# --- what is taken


@pytest.mark.parametrize("written", ["III", "iii", "三类", "第三类", "三类器械", "class III", " 三类 ", "３类"])
def test_a_choice_is_taken_by_token_label_or_alias(written: str) -> None:
    assert read(product__1__class=written)["product.1.class"] == "III"


@pytest.mark.parametrize(("written", "token"), [("snd", "snd"), ("苏州高新区", "snd"), ("虎丘区", "snd"), ("Kunshan", "kunshan")])
def test_a_region_is_taken_by_its_names(written: str, token: str) -> None:
    assert read(region=written)["region"] == token


@pytest.mark.parametrize(
    ("written", "token"),
    [
        ("是", "yes"),
        ("yes", "yes"),
        ("TRUE", "yes"),
        ("有", "yes"),
        ("否", "no"),
        ("no", "no"),
        ("False", "no"),
        ("不清楚", "unknown"),
        ("?", "unknown"),
    ],
)
def test_yes_and_no(written: str, token: str) -> None:
    assert read(independent_entity=written)["independent_entity"] == token


@pytest.mark.parametrize(
    ("written", "tokens"),
    [
        ("pct_filing", "pct_filing"),
        ("PCT、集采中标", "centralized_procurement_win,pct_filing"),
        (["PCT", "集采"], "centralized_procurement_win,pct_filing"),
        ("FDA，EMA", "overseas_approval"),
        ("产品获境外上市资质（FDA、EMA、PMDA 等）; PCT", "overseas_approval,pct_filing"),
        ("none", "none"),
        ("都没有", "none"),
        ("unknown", "unknown"),
    ],
)
def test_several_choices_in_a_list_or_a_text(written: Value, tokens: str) -> None:
    assert read(events=written)["events"] == tokens


def test_a_label_with_commas_of_its_own_is_one_choice() -> None:
    assert read(plans="技术改造、智能化设备、招聘紧缺、高技能人才、博士后")["plans"] == "tech_upgrade,hire_talent"


@pytest.mark.parametrize(
    ("key", "written", "token"),
    [
        ("project.investment", "300万元", "3000000 CNY"),
        ("project.investment", "1.2亿", "120000000 CNY"),
        ("project.investment", "100000000", "100000000 CNY"),
        ("project.investment", "1,000,000 元", "1000000 CNY"),
        ("project.investment", "人民币300万元", "3000000 CNY"),
        ("project.investment", "3000000 CNY", "3000000 CNY"),
        ("project.investment", "三千万", "30000000 CNY"),
        ("project.investment", "0.5亿元", "50000000 CNY"),
        ("project.investment", "99999999999999元", "99999999999999 CNY"),
        ("project.investment", "999999999999999.99", "999999999999999.99 CNY"),
        ("project.investment", "12,345,678,901,234.5元", "12345678901234.5 CNY"),
        ("project.investment", "999.99999999万亿", "999999999990000 CNY"),
        ("project.investment", "0.1234567亿元", "12345670 CNY"),
        ("project.investment", "1.123456789012345亿元", "112345678.9012345 CNY"),
        ("project.investment", "1亿2345.1234567万元", "123451234.567 CNY"),
        ("project.investment", "1.50000000000000万元", "15000 CNY"),
        ("project.investment", "三万五", "35000 CNY"),
        ("project.investment", "3亿5", "350000000 CNY"),
        ("project.investment", "人民币三万五", "35000 CNY"),
        ("project.investment", "三万零五元", "30005 CNY"),
        ("project.investment", "3万零5元", "30005 CNY"),
        ("project.investment", "3.5万元", "35000 CNY"),
        ("project.investment", "三万五千元", "35000 CNY"),
        ("project.investment", "叁万伍仟圆", "35000 CNY"),
        ("project.investment", "1亿5万元", "100050000 CNY"),
        ("project.investment", "1亿2千万元", "120000000 CNY"),
        ("project.investment", "三百二十五元", "325 CNY"),
        ("project.investment", "三百十元", "310 CNY"),
        ("project.investment", "三千五百万元", "35000000 CNY"),
        ("project.investment", "半亿元", "50000000 CNY"),
        ("foreign_cash_year", "3000万美元", "30000000 USD"),
        ("foreign_cash_year", "$30,000,000", "30000000 USD"),
        ("foreign_cash_year", "30000000", "30000000 USD"),
        ("foreign_cash_year", "0", "0 USD"),
        ("foreign_cash_year", "不知道", "unknown"),
    ],
)
def test_money_with_its_currency_or_in_the_unit_of_the_fact(key: str, written: str, token: str) -> None:
    assert READER.read({"region": "snd", key: written}, DAY).facts[key] == token


@pytest.mark.parametrize(("written", "token"), [("3", "3"), ("3个", "3"), ("三", "3"), ("3.0", "3"), ("0", "0")])
def test_whole_numbers(written: str, token: str) -> None:
    assert read(clinical_specialties=written)["clinical_specialties"] == token


@pytest.mark.parametrize(
    ("written", "token"),
    [("1", "1"), ("2", "1,2"), ("1,3", "1,3"), (["1", "3"], "1,3"), ("none", "none"), ("0", "none"), ("还没有", "none")]
    + [(two, "1,2") for two in ("２", "2个", "2 个", "二", "两", "两个", "贰", "2.0", " 2 ")]
    + [("三", "1,2,3"), ("1，３", "1,3"), ("一、三", "1,3"), (["1", "３"], "1,3"), ("０", "none"), ("零", "none"), ("0个", "none"), ("None", "none")],
)
def test_products_are_counted_or_named_by_number(written: Value, token: str) -> None:
    assert read(products=written)["products"] == token


def test_a_list_of_products_with_their_facts() -> None:
    facts = read(products=[{"class": "III", "own_ip": "yes", "year": "2021"}, {"type": "药品"}, {}])
    assert facts == {
        "region": "snd",
        "products": "1,2,3",
        "product.1.class": "III",
        "product.1.own_ip": "yes",
        "product.1.year": "2021",
        "product.2.type": "drug",
    }


def test_products_follow_from_their_facts() -> None:
    assert read(product__1__class="III", product__4__type="drug")["products"] == "1,4"
    assert read(product__class="III") == {"region": "snd", "products": "1", "product.1.class": "III"}


# --- what is refused


@pytest.mark.parametrize(
    ("key", "written", "what", "fix"),
    [
        ("project.investment", "-5万元", "负数", "0 或更大"),
        ("project.investment", "0", "是 0", "不写这一项"),
        ("project.investment", "1e30", "太大", "单位"),
        ("project.investment", "10E999999", "太大", "单位"),
        ("project.investment", "1" + "0" * 15, "太大", "核对"),
        ("project.investment", "9" * 40, "太大", "核对"),
        ("project.investment", "1" + "0" * 15 + "元", "太大", "1000 万亿"),
        ("project.investment", "1000万亿元", "太大", "1000 万亿"),
        ("project.investment", "12,34元", "看不出", "元"),
        ("project.investment", "0.000000001元", "小数太多", "8 位"),
        ("project.investment", "1." + "0" * 40 + "1元", "小数太多", "8 位"),
        ("project.investment", "1.5亿5元", "“亿5”", "单位写全"),
        ("project.investment", "１.５亿５元", "“亿5”", "单位写全"),
        ("project.investment", "1.5亿5", "“亿5”", "单位写全"),
        ("project.investment", "三万五元", "“万五”", "单位写全"),
        ("project.investment", "叁万伍圆整", "“万五”", "单位写全"),
        ("project.investment", "3万5 CNY", "“万5”", "单位写全"),
        ("project.investment", "人民币三百五元", "“百五”", "单位写全"),
        ("project.investment", "三百五万元", "“百五万”", "单位写全"),
        ("foreign_cash_year", "3千5美元", "“千5”", "单位写全"),
        ("project.investment", "三亿半元", "看不出", "元"),
        ("project.investment", "1亿万元", "看不出", "元"),
        ("project.investment", "1E+08", "科学记数法", "数值"),
        ("project.investment", "NaN", "不是数", "万元"),
        ("project.investment", "-Infinity", "不是数", "unknown"),
        ("project.investment", ".inf", "不是数", "unknown"),
        ("project.investment", "#VALUE!", "不是数", "unknown"),
        ("project.investment", "300万泰铢", "泰铢", "元"),
        ("project.investment", "300万左右", "左右", "元"),
        ("project.investment", "3000万美元", "没有写汇率", "元"),
        ("foreign_cash_year", "2亿元", "没有写汇率", "美元"),
        ("foreign_cash_year", "¥300美元", "两种货币", "美元"),
        ("project.investment", "很多", "看不出", "元"),
        ("project.investment", "1.2.3万元", "看不出", "元"),
        ("project.investment", "", "是空的", "unknown"),
        ("project.investment", None, "是空的", "unknown"),
        ("project.investment", "1" * 500, "太长", "元"),
        ("project.investment", ["1", "2"], "列表", "元"),
        ("clinical_specialties", "2.5", "小数", "例如"),
        ("clinical_specialties", "-1", "负数", "0"),
        ("clinical_specialties", "1e9", "科学记数法", "数值"),
        ("clinical_specialties", "1000000000", "太大", "核对"),
        ("clinical_specialties", "nan", "不是数", "unknown"),
        ("product.1.year", "1979", "早于 1980", "核对"),
        ("product.1.year", "2023", "晚于 2022", "核对"),
        ("product.1.year", "20222", "晚于", "核对"),
        ("product.1.class", "IV", "没有“IV”", "III（三类）"),
        ("product.1.class", "二类机械", "没有", "二类器械"),
        ("product.1.class", ["III", "II"], "2 个", "可以写"),
        ("product.1.class", "三类、二类", "2 个", "可以写"),
        ("product.1.class", {"III": "yes"}, "一组字段", "可以写"),
        ("independent_entity", "也许", "没有“也许”", "写 是 或 否"),
        ("events", "none,pct_filing", "none 不能", "只"),
        ("events", ["PCT", None], "空", "可以写"),
        ("events", "pct_fling", "没有“pct_fling”", "pct_filing"),
        ("events", [], "是空的", "unknown"),
        ("events", "、", "是空的", "可以写"),
        ("products", "10", "10 个", "9"),
        ("products", "two", "不是个数", "例如 2"),
        ("products", "2.5", "不是个数", "例如 2"),
        ("products", "-2", "不是个数", "例如 2"),
        ("products", "2款", "不是个数", "例如 2"),
        ("products", "两三个", "不是个数", "例如 2"),
        ("products", "1个,3个", "不是个数", "例如 2"),
        ("products", ["2个"], "不是个数", "例如 2"),
        ("products", "1,000", "不是个数", "例如 2"),
        ("products", "半", "不是个数", "例如 2"),
        ("products", "十", "10 个", "9"),
        ("products", "一,1", "两次", "例如"),
        ("clinical_specialties", "2.123456789", "小数，这一项", "例如"),
        ("products", "1,1", "两次", "例如"),
        ("products", None, "是空的", "例如"),
        ("products", [{"class": "III"}, "2"], "有的", "例如"),
        ("products", "9" * 5000, "不是个数", "例如"),
        ("evnts", "PCT", "没有这一项", "events"),
        ("product.1.clas", "III", "没有这一项", "product.1.class"),
        ("product.0.class", "III", "没有这一项", ""),
        ("qqqq", "x", "没有这一项", "docs/facts.md"),
        ("contact.reach", "13800000000", "不是预审看的", "删掉"),
    ],
)
def test_what_is_refused_names_the_field_and_the_way_to_write_it(key: str, written: Value, what: str, fix: str) -> None:
    problems = refused({key: written})
    assert [p.field for p in problems] == [key]
    assert what in problems[0].what
    assert fix in problems[0].fix


def test_a_region_is_needed_and_must_be_one_place() -> None:
    assert [p.field for p in READER.read({}, DAY).problems] == ["region"]
    (shared,) = READER.read({"region": "高新区"}, DAY).problems
    assert "苏州高新区" in shared.fix and "太仓" in shared.fix
    assert [p.field for p in READER.read({"region": "unknown"}, DAY).problems] == ["region"]


def test_everything_wrong_is_said_at_once_with_its_place() -> None:
    problems = refused({"evnts": "x", "products": [{"class": "IV"}, {"yaer": "2021", "year": "1"}], "project.investment": "-1"})
    assert [(p.field, p.path) for p in problems] == [
        ("evnts", ("evnts",)),
        ("product.2.yaer", ("products", 1, "yaer")),
        ("project.investment", ("project.investment",)),
        ("product.1.class", ("products", 0, "class")),
        ("product.2.year", ("products", 1, "year")),
    ]


def test_too_many_products_and_the_same_one_twice() -> None:
    assert [p.field for p in refused({f"product.{n}.own_ip": "yes" for n in range(1, MAX_PRODUCTS + 2)})] == ["products"]
    assert [p.field for p in refused({"product.class": "III", "product.1.class": "II"})] == ["product.1.class"]
    assert [p.field for p in refused({"products": [{"class": "III"}], "product.1.class": "II"})] == ["product.1.class"]


# --- what can't be true together


@pytest.mark.parametrize(
    ("facts", "field", "what"),
    [
        ({"product.1.type": "drug", "product.1.class": "III"}, "product.1.class", "product.1.type 是“药品”"),
        ({"product.2.type": "device", "product.2.phase": "II"}, "product.2.phase", "product.2.type 是“医疗器械”"),
        ({"events": "ind_approved", "product.1.class": "III"}, "product.1.class", "events"),
        ({"events": "new_device_certificate", "product.1.type": "drug"}, "events", "product.1.type"),
        ({"events": "new_device_certificate", "products": "none"}, "events", "products"),
        ({"product.1.class": "III", "product.1.drug_class": "class_1"}, "product.1.drug_class", "product.1.class"),
        ({"stage": "not_registered,listed"}, "stage", "不能同时"),
        ({"stage": "高企、还没注册"}, "stage", "不能同时"),
        ({"top_rank": "global_50,global_100"}, "top_rank", "不能同时"),
        ({"products": "none", "product.1.year": "2021"}, "products", "产品 1"),
        ({"products": "2", "product.3.year": "2021"}, "products", "产品 3"),
    ],
)
def test_contradictions_are_refused(facts: Mapping[str, Value], field: str, what: str) -> None:
    problems = refused(facts)
    assert [p.field for p in problems] == [field]
    assert what in problems[0].what
    assert problems[0].fix


@pytest.mark.parametrize(
    "facts",
    [
        {"product.1.type": "unknown", "product.1.class": "III"},
        {"product.1.type": "drug", "product.1.class": "unknown"},
        {"product.1.class": "III", "product.2.drug_class": "class_1"},
        {"product.1.class": "III", "product.1.drug_class": "unknown"},
        {"events": "new_device_certificate,ind_approved", "product.1.type": "drug"},
        {"events": "ind_approved", "product.1.type": "device", "product.2.type": "drug", "product.1.class": "III"},
        {"events": "ind_approved", "product.1.type": "device", "products": "2"},
        {"events": "new_device_certificate"},
        {"stage": "not_registered,startup"},
    ],
)
def test_what_may_be_so_is_taken(facts: Mapping[str, Value]) -> None:
    assert not refused(facts)


def _day_fact(key: str) -> FactType:
    words = {"zh": "哪天？", "en": "When?"}
    return FactType.model_validate({"key": key, "type": "date", "scope": "company", "question": words, "why": words, "help": words})


def test_an_end_before_its_beginning_is_a_contradiction() -> None:
    types = {key: _day_fact(key) for key in ("lease.since", "lease.until")}
    reader = Reader({**BASE.facts, **types}, BASE.regions.values(), ())
    days = {"region": "snd", "lease.since": "2022-06-02", "lease.until": "2022-06-01"}
    assert [p.field for p in reader.read(days, DAY).problems] == ["lease.until"]
    assert reader.read({**days, "lease.until": "2022-06-02"}, DAY).facts["lease.until"] == "2022-06-02"
    assert "不是日期" in reader.read({**days, "lease.until": "2022年6月"}, DAY).problems[0].what
    assert not list(contradictions({"lease.until": "2022-06-01"}, types))


# --- for every fact of the vocabulary


def tokens(fact: FactType) -> st.SearchStrategy[str]:
    match fact.type:
        case "choices":
            several = st.lists(st.sampled_from([o.token for o in fact.options]), min_size=1, unique=True)
            order = [o.token for o in fact.options]
            return several.map(lambda found: ",".join(sorted(found, key=order.index))) | st.just("none")
        case "choice" if fact.key == "segment":
            return st.sampled_from(list(BASE.segments))
        case "choice":
            return st.sampled_from([o.token for o in fact.options])
        case "flag":
            return st.sampled_from(["yes", "no"])
        case "money":
            currency = "USD" if fact.unit == "美元" else "CNY"
            return st.decimals(1, Decimal(10**15) - 1, places=2).map(lambda value: Money(value, currency).token)
        case _:
            return st.integers(1980, 2022).map(str) if fact.unit == "年" else st.integers(0, 10**9 - 1).map(str)


ASKED = [f for f in BASE.facts.values() if f.scope != "request" and f.key not in ("region", "products")]


@given(st.data())
def test_every_token_reads_as_itself_and_every_label_as_its_token(data: st.DataObject) -> None:
    fact = data.draw(st.sampled_from(ASKED))
    token = data.draw(tokens(fact) | st.just("unknown"))
    key = fact.key.replace("product.", "product.1.")
    found = READER.read({"region": "snd", key: token}, DAY)
    if "product" in key or not found.problems:  # random choices may exclude one another
        assert found.facts[key] == token
    labels = {o.token: o.label for o in fact.options}
    if labels and all(part in labels for part in token.split(",")):
        for language in ("zh", "en"):
            words = [labels[part][language] for part in token.split(",")]
            assert READER.read({"region": "snd", key: "、".join(words)}, DAY).facts[key] == token


values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.text(max_size=80)
    | st.sampled_from(["1e999999999", "III,", "-0", "99999999999999999999", "²", "三亿零", "万", "、、", "products"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.dictionaries(
        st.sampled_from([f.key.replace("product.", "product.2.") for f in ASKED] + ["products", "region"]) | st.text(max_size=12), values, max_size=6
    )
)
def test_whatever_is_given_is_read_or_refused_and_what_is_read_a_dialog_would_take(facts: dict[str, Any]) -> None:
    found = READER.read(facts, DAY)
    for problem in found.problems:
        assert problem.what and problem.fix
    for key, token in found.facts.items():
        if key in ("region", "segment") or BASE.facts[generic(key)].type == "text":
            continue
        ask(BASE.facts[generic(key)], key).value(token)
