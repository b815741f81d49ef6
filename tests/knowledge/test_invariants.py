"""What holds for every company: 10,000 random profiles over the shipped knowledge, judged on random days."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import pytest

from knowledge import precheck, rules
from knowledge.assessments import Assessment, Status
from knowledge.facts import FactType
from knowledge.money import Money
from knowledge.precheck import Report
from knowledge.rules import COMPANY, NONE, UNKNOWN, Verdict
from knowledge.snapshot import Knowledge

PROFILES = 10_000
PARTS = 10
SUMS = (0, 1, 29_999_999, 30_000_000, 30_000_001, 99_999_999, 100_000_000, 499_999_999, 500_000_000, 2_000_000_000)


def token(dice: random.Random, fact: FactType) -> str:
    """A random answer, now and then “not sure”."""
    if dice.random() < 0.1:
        return UNKNOWN
    match fact.type:
        case "choice":
            return dice.choice(fact.options).token
        case "choices":
            return ",".join(sorted({dice.choice(fact.options).token for _ in range(dice.randint(0, 4))})) or NONE
        case "flag":
            return dice.choice(("yes", "no"))
        case "money":
            return f"{dice.choice(SUMS)} {dice.choice(('CNY', 'USD'))}"
        case _:
            return str(dice.choice((2020, 2021, 2022)) if fact.unit == "年" else dice.randint(0, 5))


def asked_for(knowledge: Knowledge) -> list[FactType]:
    """The facts that some support looks at."""
    looked_at = {f for agenda in knowledge.agendas.values() for f in agenda.looks_at}
    return [f for f in knowledge.facts.values() if f.key in looked_at and f.key != "products"]


def profiles(knowledge: Knowledge, part: int) -> Iterator[tuple[random.Random, str, dict[str, str], date]]:
    """A tenth of the profiles: a region, answers to some of the questions, up to three products, a day from 2019 to 2027."""
    dice = random.Random(f"profiles {part}")
    facts = asked_for(knowledge)
    for _ in range(PROFILES // PARTS):
        products = [str(n) for n in range(1, dice.choice((0, 0, 1, 2, 3)) + 1)]
        given = {"products": ",".join(products)} if products else {}
        share = dice.random()
        for fact in facts:
            keys = [fact.key]
            if fact.key.startswith("product.") and products:
                keys = [rules.key_for(fact.key, f"product.{n}") for n in products]
            given |= {k: token(dice, fact) for k in keys if dice.random() < share}
        yield dice, dice.choice(list(knowledge.regions)), given, date(2019, 1, 1) + timedelta(days=dice.randrange(9 * 365))


@pytest.mark.parametrize("part", range(PARTS))
def test_ten_thousand_companies(knowledge: Knowledge, part: int) -> None:
    seen = set[Status]()
    for dice, region, facts, today in profiles(knowledge, part):
        report = precheck.precheck(knowledge, region, facts, today)
        seen |= {r.status for r in report.rows}
        the_total_stays_under_every_ceiling(report)
        statuses_follow_from_verdicts(report)
        if (fresh := more(dice, knowledge, facts)) is not None:
            more_facts_never_turn_met_into_unknown(report, precheck.precheck(knowledge, region, {**facts, **fresh}, today))
        if (raised := higher(dice, facts)) is not None:
            a_higher_sum_never_fails_a_minimum(report, precheck.precheck(knowledge, region, {**facts, **raised}, today), raised)
    assert seen == set(Status), "every status was met on the way"


def more(dice: random.Random, knowledge: Knowledge, facts: dict[str, str]) -> dict[str, str] | None:
    """One more answer, to a question that had none."""
    subjects = [f"product.{n}" for n in facts["products"].split(",")] if "products" in facts else [COMPANY]
    open_ones = [(rules.key_for(f.key, s), f) for f in asked_for(knowledge) for s in subjects if rules.key_for(f.key, s) not in facts]
    if not open_ones:
        return None
    key, fact = dice.choice(open_ones)
    return {key: token(dice, fact)}


def higher(dice: random.Random, facts: dict[str, str]) -> dict[str, str] | None:
    """A sum or a count raised."""
    sums = [k for k, v in facts.items() if " " in v or (k == "clinical_specialties" and v.isdigit())]
    if not sums:
        return None
    key = dice.choice(sums)
    if " " not in facts[key]:
        return {key: str(int(facts[key]) + dice.randint(1, 5))}
    money = Money.parse(facts[key])
    return {key: Money(money.value + dice.choice((1, 1_000, 10**8)), money.currency).token}


def the_total_stays_under_every_ceiling(report: Report) -> None:
    total = report.total
    if total is None:
        return
    assert 0 <= total.low <= total.high
    assert len({(r.support.same_kind or r.support.id, r.subject) for r in total.counted}) == len(total.counted), "one of a kind"
    assert all(r.status is Status.MET for r in total.counted)
    groups: dict[tuple[str, object], tuple[Decimal, set[int]]] = {}
    for place, row in enumerate(total.counted):
        for cap in row.support.caps:
            over = {"company": 0, "company_year": row.year, "product": row.subject}.get(cap.scope, place)
            groups.setdefault((cap.id, over), (cap.max.value, set()))[1].add(place)
    for ceiling, members in groups.values():
        others = sum((r.estimate.high for n, r in enumerate(total.counted) if r.estimate and n not in members), Decimal(0))
        assert total.high <= ceiling + others


def statuses_follow_from_verdicts(report: Report) -> None:
    for row in report.rows:
        found = {v for _, v in row.verdicts}
        assert (row.status is Status.NOT_MET) == (Verdict.NOT_MET in found)
        assert row.status is not Status.MET or found == {Verdict.MET}
        assert (row.estimate is None) or row.status in (Status.MET, Status.UNKNOWN, Status.UNDECIDABLE)
        assert not row.missing or Verdict.UNKNOWN in found


def present(row: Assessment, report: Report) -> bool:
    """Whether the subject of a row is judged in a report: a product of a later year than its day is not, and without any the company stands for them."""
    listed = {r.subject for r in report.rows if r.support.id == row.support.id}
    return row.subject in listed


def more_facts_never_turn_met_into_unknown(before: Report, after: Report) -> None:
    then = {(r.support.id, r.subject): r for r in after.rows}
    for row in before.rows:
        if not present(row, after):  # the fact that came is a year after the day
            continue
        found = then[row.support.id, row.subject]
        if row.status is Status.MET:
            assert found.status in (Status.MET, Status.NOT_MET) or found.early, "only a year before the plan is for an official to judge"
        if row.status is Status.NOT_MET:
            assert found.status is not Status.MET, "an answer more lifts nothing that failed"


def a_higher_sum_never_fails_a_minimum(before: Report, after: Report, raised: dict[str, str]) -> None:
    then = {(r.support.id, r.subject): {c.id: v for c, v in r.verdicts} for r in after.rows}
    for row in (r for r in before.rows if present(r, after)):
        for criterion, verdict in row.verdicts:
            minimum = criterion.at_least is not None or criterion.above is not None
            if minimum and criterion.fact in raised and verdict is Verdict.MET:
                assert then[row.support.id, row.subject][criterion.id] is Verdict.MET
