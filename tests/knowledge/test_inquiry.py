"""What to ask next: the most decisive question first, none that no longer matters, and always what the plain definition would ask."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from bench.prechecks import many
from knowledge import rules, stacking
from knowledge.agenda import Agenda, Sheet
from knowledge.assessments import Status, assess_one
from knowledge.grouping import FOLDED, grouped
from knowledge.inquiry import Inquiry
from knowledge.precheck import precheck
from knowledge.supports import Amount, Support
from tests.knowledge import plain_inquiry
from tests.knowledge.test_rules import DAY, KNOWLEDGE, PAPER, REGIONS, TYPES, answers, cap, criterion, money, support


def asked(*rows: Support, **facts: str) -> list[str]:
    return Inquiry(Sheet(Agenda.of(rows, {"paper": PAPER}, TYPES), facts)).open()


YES_A, YES_B, YES_C = (criterion(k, any_of=("yes",)) for k in "abc")
DEVICE = support(criterion("events", any_of=("certificate", "award")), criterion("product.class", any_of=("III",)), key="device", per="product")


def test_only_the_first_open_condition_is_asked() -> None:
    assert asked(support(YES_A, YES_B)) == ["a"]
    assert asked(support(YES_A, YES_B), a="yes") == ["b"]


def test_what_has_failed_or_is_settled_asks_nothing() -> None:
    row = support(YES_A, YES_B)
    assert asked(row, a="no") == []
    assert asked(row, a="yes", b="yes") == []
    assert asked(row, a="yes", b="no") == []
    assert asked(row, a="unknown") == [], "whatever b is, the status stays open"
    assert asked(row, b="no") == [], "one condition that is not met settles it"
    assert asked(support(criterion(None, undecidable="看材料"))) == []


def test_the_question_that_decides_most_comes_first() -> None:
    one, two, three = support(YES_A, key="one"), support(YES_B, key="two"), support(YES_B, key="three")
    assert asked(one, two, three) == ["b", "a"]
    assert asked(one, two) == ["a", "b"], "ties go to the order of the vocabulary"
    paid = support(YES_C, key="paid", amount=Amount(kind="up_to", max=money("50万元")))
    assert asked(one, two, three, paid) == ["c", "b", "a"], "a printed amount weighs three times one without"


def test_products_and_their_kind_come_before_their_facts() -> None:
    assert asked(DEVICE) == ["events"]
    assert asked(DEVICE, events="award") == ["products"]
    assert asked(DEVICE, events="award", products="1") == ["product.1.type"]
    assert asked(DEVICE, events="award", products="1", **{"product.1.type": "device"}) == ["product.1.class"]
    assert asked(DEVICE, events="award", products="1", **{"product.1.type": "drug"}) == [], "a drug has no device class"
    assert asked(DEVICE, events="certificate", products="1,2") == ["product.1.class", "product.2.class"], "the event says what they are"
    assert asked(DEVICE, events="certificate,trial", products="1") == ["product.1.type"], "two events say nothing about one product"


def test_what_an_amount_is_reckoned_on_is_asked_last() -> None:
    row = support(YES_A, amount=Amount(kind="rate", rate_max=Decimal("0.3"), of="cash"))
    assert asked(row) == ["a"]
    assert asked(row, a="yes") == ["cash"]
    assert asked(row, a="yes", cash="unknown") == []
    assert asked(row, a="no") == []


def test_the_year_is_asked_only_where_a_yearly_ceiling_could_bind() -> None:
    yearly = DEVICE.model_copy(update={"caps": (cap("500万元", "company_year"),)})
    facts = {"events": "certificate", "product.1.class": "III", "product.2.class": "III"}
    assert asked(yearly, products="1", **facts) == []
    assert asked(yearly, products="1,2", **facts) == ["product.1.year", "product.2.year"]
    assert asked(DEVICE, products="1,2", **facts) == []


# --- whatever is answered


@settings(max_examples=120)
@given(st.data())
def test_a_precheck_ends_and_never_asks_twice(data: st.DataObject) -> None:
    agenda = KNOWLEDGE.agendas[data.draw(st.sampled_from(REGIONS))]
    inquiry = Inquiry(Sheet(agenda))
    for _ in range(60):
        matter = inquiry.open()
        assert not set(matter) & set(inquiry.facts)
        assert len(matter) == len(set(matter))
        if not matter:
            break
        inquiry.tell(matter[0], data.draw(answers(matter[0]), label=matter[0]))
    assert inquiry.open() == []
    for assessment in Sheet(agenda, inquiry.facts).assess(DAY):
        for key in assessment.missing if assessment.status is Status.UNKNOWN else ():
            assert {*assessment.missing, *map(rules.generic, assessment.missing)} & set(inquiry.facts), (
                f"{assessment.support.id} is unknown for want of {key}, which nobody asked"
            )


BASES = (KNOWLEDGE, many(KNOWLEDGE, 150))


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_answer_by_answer_is_what_the_definition_asks(data: st.DataObject) -> None:
    """The questions, their order and how many are left, with answers ahead of their questions and without."""
    knowledge = data.draw(st.sampled_from(BASES))
    region = data.draw(st.sampled_from(REGIONS if knowledge is KNOWLEDGE else ["snd"]))
    agenda, supports = knowledge.agendas[region], knowledge.supports_in(region)
    ahead = data.draw(st.sets(st.sampled_from(sorted(agenda.looks_at)), max_size=4))
    keys = [k for fact in sorted(ahead) for k in ([fact] if rules.key_for(fact, "product.1") == fact else [fact, rules.key_for(fact, "product.1")])]
    given = {key: data.draw(answers(key), label=f"ahead {key}") for key in keys}
    inquiry = Inquiry(Sheet(agenda), given)
    while matter := inquiry.open():
        assert matter == plain_inquiry.open_keys(supports, knowledge.facts, inquiry.facts, given)
        assert inquiry.most() == plain_inquiry.most(supports, knowledge.facts, inquiry.facts, given)
        assert Inquiry(Sheet(agenda, inquiry.facts), given).open() == matter, "and all at once"
        key = matter[0]
        inquiry.tell(key, given[key] if key in given and data.draw(st.booleans()) else data.draw(answers(key), label=key))
    assert plain_inquiry.open_keys(supports, knowledge.facts, inquiry.facts, given) == []


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_rows_judged_together_are_those_judged_one_by_one(data: st.DataObject) -> None:
    """Conditions that several supports share are judged once, and those of the company once for all its products."""
    region = data.draw(st.sampled_from(REGIONS))
    agenda = KNOWLEDGE.agendas[region]
    sheet = Sheet(agenda)
    for key in data.draw(st.permutations(["products", *sorted(agenda.looks_at - {"products"})])):
        for own in [key] if rules.key_for(key, "product.2") == key else [rules.key_for(key, f"product.{n}") for n in (2, 3)]:
            if data.draw(st.booleans()):
                sheet.tell(own, data.draw(answers(own), label=own))
    documents, types = KNOWLEDGE.documents, KNOWLEDGE.facts
    one_by_one = [
        assess_one(s, subject, sheet.facts, documents[s.source.document], types, DAY)
        for s in KNOWLEDGE.supports_in(region)
        for subject in plain_inquiry.subjects(s, sheet.facts)
    ]
    assert list(sheet.assess(DAY)) == one_by_one
    assert list(Sheet(agenda, sheet.facts).assess(DAY)) == one_by_one, "and told all at once"


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_what_a_report_tells_and_only_counts_is_what_sorting_every_row_gives(data: st.DataObject) -> None:
    knowledge = data.draw(st.sampled_from(BASES))
    region = data.draw(st.sampled_from(REGIONS if knowledge is KNOWLEDGE else ["snd"]))
    facts = dict[str, str]()
    for key in ("products", *sorted(knowledge.agendas[region].looks_at - {"products"})):
        for own in [key] if rules.key_for(key, "product.2") == key else [rules.key_for(key, f"product.{n}") for n in (2, 3)]:
            if data.draw(st.booleans()):
                facts[own] = data.draw(answers(own), label=own)
    report = precheck(knowledge, region, facts, data.draw(st.sampled_from([DAY, DAY.replace(year=2019), DAY.replace(year=2026)])))
    every = grouped(report.rows)
    assert report.groups == {name: rows for name, rows in every.items() if name not in FOLDED}
    assert list(report.groups) == [name for name in every if name not in FOLDED]
    counted = {name: (len({r.support.id for r in rows}), len(rows)) for name, rows in every.items() if name in FOLDED}
    assert {name: (found.supports, found.rows) for name, found in report.folded.items()} == counted
    assert report.folded_rows == {name: every[name] for name in counted}
    assert report.total == stacking.total(report.rows)
