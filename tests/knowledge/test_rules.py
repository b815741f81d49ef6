"""The rules: thresholds to the unit, days to the day, the order of statuses, and questions that end."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge import assessments, loader, rules
from knowledge.agenda import Agenda, Sheet
from knowledge.assessments import Status
from knowledge.facts import FactType, Option
from knowledge.money import Money
from knowledge.records import Document
from knowledge.rules import COMPANY, Verdict
from knowledge.shapes import Citation, Window, Words
from knowledge.supports import Amount, Cap, Criterion, Support

DAY = date(2022, 6, 1)
SOURCE = Citation(document="paper", section="三")
PAPER = Document(id="paper", title="行动计划", short="计划", region="suzhou")
PLANNED = PAPER.model_copy(update={"plan": Window(since=date(2021, 1, 1), until=date(2023, 12, 31), printed="2021—2023")})
KNOWLEDGE = loader.load()
WORDS = Words(zh="字", en="words")


def fact(key: str, kind: str = "flag", tokens: tuple[str, ...] = (), **more: object) -> FactType:
    options = tuple(Option(token=t, label=WORDS) for t in tokens)
    return FactType.model_validate(
        {"key": key, "type": kind, "scope": "company", "question": WORDS, "why": WORDS, "help": WORDS, "options": options, **more}
    )


def criterion(key: str | None, name: str = "", /, **test: object) -> Criterion:
    return Criterion.model_validate({"id": name or (key or "official").replace(".", "-"), "text": "条件", "fact": key, **test})


def support(*criteria: Criterion, key: str = "one", **more: object) -> Support:
    row: dict[str, object] = {
        "id": key, "name": "资助", "region": "suzhou", "source": SOURCE, "kind": "subsidy", "summary": "资助", "recipient": "enterprise",
        "amount": Amount(kind="unstated"), "criteria": criteria, **more,
    }  # fmt: skip
    return Support.model_validate(row)


TYPES: Mapping[str, FactType] = {
    f.key: f
    for f in (
        fact("a"),
        fact("b"),
        fact("c"),
        fact("events", "choices", ("certificate", "trial", "award")).model_copy(
            update={
                "options": (
                    Option(token="certificate", label=WORDS, implies={"product.type": "device"}),
                    Option(token="trial", label=WORDS, implies={"product.type": "drug"}),
                    Option(token="award", label=WORDS),
                )
            }
        ),
        fact("cash", "money"),
        fact("count", "number"),
        fact("products", "number"),
        fact("product.type", "choice", ("device", "drug"), implied_by=("events",)),
        fact("product.class", "choice", ("III", "II"), only_if={"product.type": "device"}),
        fact("product.phase", "choice", ("I", "II"), only_if={"product.type": "drug"}),
        fact("product.own"),
    )
}


def judged(test: Criterion, facts: Mapping[str, str], subject: str, types: Mapping[str, FactType]) -> Verdict:
    return rules.Answers(facts, types).verdict(test, subject)


def status(row: Support, facts: Mapping[str, str], document: Document = PAPER, today: date = DAY, subject: str = COMPANY) -> Status:
    return assessments.assess_one(row, subject, facts, document, TYPES, today).status


def verdict(test: Criterion, **facts: str) -> Verdict:
    return judged(test, facts, COMPANY, TYPES)


# --- thresholds


@pytest.mark.parametrize(
    ("bound", "under", "exactly", "over"),
    [
        ("at_least", Verdict.NOT_MET, Verdict.MET, Verdict.MET),  # 以上
        ("above", Verdict.NOT_MET, Verdict.NOT_MET, Verdict.MET),  # 超过
        ("at_most", Verdict.MET, Verdict.MET, Verdict.NOT_MET),
        ("below", Verdict.MET, Verdict.NOT_MET, Verdict.NOT_MET),
    ],
)
def test_bounds_to_the_last_unit(bound: str, under: Verdict, exactly: Verdict, over: Verdict) -> None:
    money, number = criterion("cash", **{bound: "1亿元"}), criterion("count", **{bound: 3})
    assert [verdict(money, cash=t) for t in ("99999999.99 CNY", "100000000 CNY", "100000000.01 CNY")] == [under, exactly, over]
    assert [verdict(number, count=t) for t in ("2", "3", "4")] == [under, exactly, over]
    for test in (money, number):
        assert test.fact
        assert verdict(test) is Verdict.UNKNOWN
        assert verdict(test, **{test.fact: "unknown"}) is Verdict.UNKNOWN


def test_another_currency_decides_nothing() -> None:
    above = criterion("cash", above="3000万美元")
    assert verdict(above, cash="30000000 USD") is Verdict.NOT_MET
    assert verdict(above, cash="30000000.01 USD") is Verdict.MET
    assert verdict(above, cash="900000000 CNY") is Verdict.UNKNOWN
    assert verdict(above, cash="1 CNY") is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("support_id", "facts", "expected"),
    [
        ("snd-foreign-project", {"foreign_cash_year": "30000000 USD"}, "not_met"),
        ("snd-foreign-project", {"foreign_cash_year": "30000001 USD"}, "met"),
        ("snd-foreign-project", {"foreign_cash_year": "300000000 CNY"}, "unknown"),
        ("snd-device-project", {"project.kind": "device", "project.investment": "99999999 CNY"}, "not_met"),
        ("snd-device-project", {"project.kind": "device", "project.investment": "100000000 CNY"}, "met"),
        ("snd-device-project", {"project.kind": "drug", "project.investment": "100000000 CNY"}, "not_met"),
        ("snd-bio-project", {"project.kind": "drug", "project.investment": "499999999 CNY"}, "not_met"),
        ("snd-bio-project", {"project.kind": "drug", "project.investment": "500000000 CNY"}, "met"),
    ],
)
def test_thresholds_of_the_papers(support_id: str, facts: dict[str, str], expected: str) -> None:
    row = KNOWLEDGE.supports[support_id]
    given_facts = {"events": "foreign_capital_received", "plans": "industrial_project", **facts}
    assert assessments.assess_one(row, COMPANY, given_facts, KNOWLEDGE.document_of(row), KNOWLEDGE.facts, DAY).status == expected


def test_choices_flags_and_none() -> None:
    test = criterion("events", any_of=("award", "trial"))
    assert verdict(test, events="certificate,award") is Verdict.MET
    assert verdict(test, events="certificate") is Verdict.NOT_MET
    assert verdict(test, events="none") is Verdict.NOT_MET
    assert verdict(criterion("a", any_of=("yes",)), a="no") is Verdict.NOT_MET
    assert verdict(criterion(None, undecidable="由主管部门认定")) is Verdict.UNDECIDABLE


def days(first: str | None, last: str | None) -> Window:
    return Window(since=first and date.fromisoformat(first), until=last and date.fromisoformat(last), printed="时限")


# --- statuses


@pytest.mark.parametrize("verdicts", list(itertools.product([Verdict.MET, Verdict.NOT_MET, Verdict.UNKNOWN, Verdict.UNDECIDABLE], repeat=2)))
@pytest.mark.parametrize("over", ["no", "window", "plan", "superseded", "ahead"])
def test_the_order_of_statuses(verdicts: tuple[Verdict, Verdict], over: str) -> None:
    token = {Verdict.MET: "yes", Verdict.NOT_MET: "no", Verdict.UNKNOWN: "unknown"}
    tests = [criterion(k, any_of=("yes",)) if v in token else criterion(None, k, undecidable="看材料") for k, v in zip("ab", verdicts, strict=True)]
    facts = {k: token[v] for k, v in zip("ab", verdicts, strict=True) if v in token}
    row = support(
        *tests,
        window={"window": days(None, "2021-12-31"), "ahead": days("2023-01-01", None)}.get(over),
        superseded_by="x" if over == "superseded" else None,
    )
    if Verdict.NOT_MET in verdicts:
        expected = Status.NOT_MET
    elif over == "ahead":
        expected = Status.NOT_YET
    elif over != "no":
        expected = Status.WINDOW_OVER
    elif Verdict.UNDECIDABLE in verdicts:
        expected = Status.UNDECIDABLE
    elif Verdict.UNKNOWN in verdicts:
        expected = Status.UNKNOWN
    else:
        expected = Status.MET
    document = PLANNED.model_copy(update={"plan": days(None, "2021-12-31")}) if over == "plan" else PAPER
    found = assessments.assess_one(row, COMPANY, facts, document, TYPES, DAY)
    assert found.status is expected
    assert [v for _, v in found.verdicts] == list(verdicts)
    assert found.failed == tuple(c for c, v in zip(row.criteria, verdicts, strict=True) if v is Verdict.NOT_MET)
    assert found.missing == (() if expected is Status.NOT_MET else tuple(k for k, v in zip("ab", verdicts, strict=True) if v is Verdict.UNKNOWN))


# --- facts that other facts settle


def test_a_choice_implies_a_fact() -> None:
    drug = criterion("product.type", any_of=("drug",))
    assert verdict(drug, events="trial") is Verdict.MET
    assert verdict(drug, events="certificate") is Verdict.NOT_MET
    assert verdict(drug, events="award") is Verdict.UNKNOWN
    assert verdict(drug, events="trial,certificate") is Verdict.UNKNOWN, "two products at least: ask"
    assert judged(drug, {"events": "certificate", "product.2.type": "drug"}, "product.2", TYPES) is Verdict.MET, "what was said counts first"


def test_a_fact_that_cannot_exist_is_not_met() -> None:
    device_class = criterion("product.class", any_of=("III", "II"))
    assert verdict(device_class, events="trial") is Verdict.NOT_MET
    assert judged(device_class, {"product.type": "drug"}, COMPANY, TYPES) is Verdict.NOT_MET
    assert judged(device_class, {"product.type": "drug", "product.class": "III"}, COMPANY, TYPES) is Verdict.NOT_MET, "whatever was said"
    assert judged(device_class, {"product.type": "unknown"}, COMPANY, TYPES) is Verdict.UNKNOWN
    assert judged(device_class, {}, COMPANY, TYPES) is Verdict.UNKNOWN


# --- products


def test_each_product_is_judged_by_its_own_facts() -> None:
    row = support(criterion("events", any_of=("certificate",)), criterion("product.class", any_of=("III",)), per="product")
    facts = {"events": "certificate", "products": "1,3", "product.1.class": "III", "product.3.class": "II", "product.3.year": "2021"}
    found = Sheet(Agenda.of([row], {"paper": PAPER}, TYPES), facts).assess(DAY)
    assert [(a.subject, a.status, a.year) for a in found] == [("product.1", Status.MET, 2022), ("product.3", Status.NOT_MET, 2021)]


@pytest.mark.parametrize(("listed", "expected"), [(None, Status.MET), ("unknown", Status.MET), ("none", Status.NOT_MET)])
def test_without_a_list_of_products_the_company_stands_for_one(listed: str | None, expected: Status) -> None:
    row = support(criterion("product.class", any_of=("III",)), per="product")
    facts = {"product.class": "III"} | ({"products": listed} if listed else {})
    assert [(a.subject, a.status) for a in Sheet(Agenda.of([row], {"paper": PAPER}, TYPES), facts).assess(DAY)] == [(COMPANY, expected)]


def test_keys_of_products() -> None:
    assert rules.key_for("product.class", "product.2") == "product.2.class"
    assert rules.key_for("product.class", COMPANY) == "product.class"
    assert rules.key_for("project.kind", "product.2") == "project.kind"
    assert rules.generic("product.2.class") == "product.class"
    assert rules.generic("joint_rd.investment") == "joint_rd.investment"


# --- amounts


def money(text: str) -> Money:
    return Money.parse(text)


def cap(text: str, scope: str = "project", key: str = "cap") -> Cap:
    return Cap.model_validate({"id": key, "scope": scope, "max": text, "source": SOURCE})


@pytest.mark.parametrize(
    ("amount", "caps", "facts", "expected"),
    [
        (Amount(kind="unstated"), (), {}, None),
        (Amount(kind="case_by_case"), (), {}, None),
        (Amount(kind="uncapped"), (), {}, None),
        (Amount(kind="up_to", max=money("300万元")), (), {}, ("0", "3000000", "CNY")),
        (Amount(kind="fixed", max=money("50万元")), (), {}, ("500000", "500000", "CNY")),
        (Amount(kind="range", min=money("10万元"), max=money("50万元")), (), {}, ("100000", "500000", "CNY")),
        (Amount(kind="up_to", max=money("300万元")), (cap("200万元"),), {}, ("0", "2000000", "CNY")),
        (Amount(kind="up_to", max=money("300万元")), (cap("200万元", "company_year"),), {}, ("0", "3000000", "CNY")),
        (Amount(kind="fixed", max=money("50万元"), of="count", each=True), (), {"count": "3"}, ("1500000", "1500000", "CNY")),
        (Amount(kind="fixed", max=money("50万元"), of="count", each=True), (), {"count": "unknown"}, None),
        (Amount(kind="fixed", max=money("50万元"), of="count", each=True), (), {}, None),
        (Amount(kind="rate", rate_min=Decimal("0.1"), rate_max=Decimal("0.3"), of="cash"), (), {"cash": "50000000 CNY"}, ("5000000", "15000000", "CNY")),
        (
            Amount(kind="rate", rate_min=Decimal("0.1"), rate_max=Decimal("0.3"), of="cash"),
            (cap("2000万元"),), {"cash": "100000000 CNY"}, ("10000000", "20000000", "CNY"),
        ),
        (
            Amount(kind="rate", rate_min=Decimal("0.1"), rate_max=Decimal("0.3"), of="cash"),
            (cap("2000万元"),), {"cash": "300000000 CNY"}, ("20000000", "20000000", "CNY"),
        ),
        (Amount(kind="rate", rate_max=Decimal("0.3"), of="cash"), (cap("2000万元"),), {"cash": "unknown"}, ("0", "20000000", "CNY")),
        (Amount(kind="rate", rate_max=Decimal("0.3"), of="cash"), (cap("2000万元"),), {}, ("0", "20000000", "CNY")),
        (Amount(kind="rate", rate_max=Decimal("0.3"), of="cash"), (), {}, None),
        (Amount(kind="rate", rate_max=Decimal("0.3"), of="cash"), (), {"cash": "1000 USD"}, ("0", "300", "USD")),
        (Amount(kind="rate", rate_max=Decimal("0.3"), of="cash"), (cap("2000万元"),), {"cash": "100000000 USD"}, ("0", "20000000", "CNY")),
    ],
)  # fmt: skip
def test_what_an_amount_comes_to(amount: Amount, caps: tuple[Cap, ...], facts: dict[str, str], expected: tuple[str, str, str] | None) -> None:
    found = assessments.Prepared.of(support(criterion("a", any_of=("yes",)), amount=amount, caps=caps), PAPER, TYPES, assessments.Tests()).estimate(
        facts, COMPANY
    )
    assert (found and (found.low, found.high, found.currency)) == (expected and (Decimal(expected[0]), Decimal(expected[1]), expected[2]))


def test_nothing_is_estimated_where_nothing_can_be_had() -> None:
    row = support(criterion("a", any_of=("yes",)), amount=Amount(kind="up_to", max=money("300万元")), window=days(None, "2021-12-31"))
    assert assessments.assess_one(row, COMPANY, {"a": "yes"}, PAPER, TYPES, DAY).estimate is None
    assert assessments.assess_one(row, COMPANY, {"a": "no"}, PAPER, TYPES, date(2021, 1, 1)).estimate is None
    assert assessments.assess_one(row, COMPANY, {"a": "yes"}, PAPER, TYPES, date(2021, 1, 1)).estimate


# --- whatever is answered

REGIONS = sorted(KNOWLEDGE.regions)


def answers(key: str, unknown: bool = True) -> st.SearchStrategy[str]:
    """Any answer that a person could give to a question."""
    kind = KNOWLEDGE.facts[rules.generic(key)]
    if key == "products":
        found: st.SearchStrategy[str] = st.sampled_from(["1", "1,2", "2,3,7"])
    elif kind.type == "choices":
        found = st.sets(st.sampled_from(rules.tokens(kind)), max_size=5).map(lambda picked: ",".join(sorted(picked)) or "none")
    elif tokens := rules.tokens(kind):
        found = st.sampled_from(tokens)
    elif kind.type == "money":
        found = st.builds(lambda n, c: f"{n} {c}", st.integers(0, 10**9), st.sampled_from(["CNY", "USD"]))
    else:
        found = st.integers(0, 2030).map(str)
    return found | st.just("unknown") if unknown else found


facts_of_the_company = st.fixed_dictionaries(
    {}, optional={k: answers(k, unknown=False) for k, f in KNOWLEDGE.facts.items() if f.scope in ("company", "project", "product") and f.type not in ("text", "region")}
)  # fmt: skip


@settings(max_examples=200)
@given(facts_of_the_company, st.data())
def test_more_facts_never_turn_met_into_unknown(facts: dict[str, str], data: st.DataObject) -> None:
    facts.pop("products", None)  # a list of products changes who is judged
    fewer = {k: v for k, v in facts.items() if data.draw(st.booleans())}
    for row in KNOWLEDGE.supports.values():
        for test in row.criteria:
            before, after = (judged(test, known, COMPANY, KNOWLEDGE.facts) for known in (fewer, facts))
            assert not (before is Verdict.MET and after is Verdict.UNKNOWN), (row.id, test.id)
            assert (before is Verdict.UNDECIDABLE) == (after is Verdict.UNDECIDABLE)


ORDER = [Verdict.NOT_MET, Verdict.UNKNOWN, Verdict.MET]


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.sampled_from(["CNY", "USD"]), st.sampled_from(["at_least", "above"]), st.integers(0, 10**9))
def test_a_larger_amount_never_does_harm_where_a_minimum_is_asked(one: int, two: int, currency: str, bound: str, at: int) -> None:
    test = criterion("cash", **{bound: f"{at}元"})
    small, large = (verdict(test, cash=f"{amount} {currency}") for amount in sorted((one, two)))
    assert ORDER.index(small) <= ORDER.index(large)


@given(facts_of_the_company, st.integers(0, 10**10), st.integers(0, 10**10))
def test_a_larger_investment_never_loses_a_support(facts: dict[str, str], one: int, two: int) -> None:
    for row in KNOWLEDGE.supports.values():
        for test in row.criteria:
            if test.fact in ("project.investment", "foreign_cash_year", "clinical_specialties"):
                assert test.at_most is None
                assert test.below is None
                unit = " USD" if test.fact == "foreign_cash_year" else "" if test.fact == "clinical_specialties" else " CNY"
                small, large = (
                    assessments.assess_one(row, COMPANY, facts | {test.fact: f"{n}{unit}"}, KNOWLEDGE.document_of(row), KNOWLEDGE.facts, DAY).status
                    for n in sorted((one, two))
                )
                assert not (small is not Status.NOT_MET and large is Status.NOT_MET)
