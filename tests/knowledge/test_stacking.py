"""Adding up: every ceiling holds, one kind counts once, and nothing is lost that may be had."""

from __future__ import annotations

import itertools
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge import rules, stacking
from knowledge.money import Money
from knowledge.rules import COMPANY, Assessment, Estimate, Status
from knowledge.shapes import Citation
from knowledge.snapshot import Knowledge
from knowledge.supports import Amount, Cap, Criterion, Support
from knowledge.validity import Time

SOURCE = Citation(document="paper", section="三")
DAY = date(2022, 6, 1)


def cap(maximum: int, key: str = "year", scope: str = "company_year", both_tiers: bool = False, currency: str = "CNY") -> Cap:
    return Cap.model_validate({"id": key, "scope": scope, "max": Money(Decimal(maximum), currency), "both_tiers": both_tiers, "source": SOURCE})


def row(
    high: int,
    low: int | None = None,
    *caps: Cap,
    key: str = "one",
    subject: str = COMPANY,
    year: int = 2022,
    status: Status = Status.MET,
    kind: str | None = None,
    currency: str = "CNY",
) -> Assessment:
    """A row that is met and comes to something between `low` (or nothing) and `high`."""
    support = Support.model_validate(
        {
            "id": key,
            "name": "资助",
            "region": "suzhou",
            "source": SOURCE,
            "kind": "subsidy",
            "summary": "资助",
            "recipient": "enterprise",
            "amount": Amount(kind="up_to", max=Money(Decimal(high), currency)),
            "caps": caps,
            "same_kind": kind,
            "criteria": [Criterion(id="a", text="条件", fact="a", any_of=("yes",))],
        }
    )
    estimate = Estimate(Decimal(low or 0), Decimal(high), currency)
    return Assessment(support, subject, year, (), Time.IN_FORCE, status, (), estimate)


def total(*rows: Assessment) -> tuple[int, int, tuple[str, ...]] | None:
    found = stacking.total(rows)
    return (int(found.low), int(found.high), found.binding) if found else None


def test_nothing_to_add_is_nothing() -> None:
    assert total() is None
    assert total(*(row(5, status=s) for s in Status if s is not Status.MET)) is None
    assert total(row(5, currency="USD")) is None


def test_only_what_is_met_counts() -> None:
    assert total(row(5, 2, key="a"), row(7, key="b", status=Status.UNDECIDABLE), row(8, key="c", status=Status.UNKNOWN)) == (2, 5, ())


def test_currencies_are_never_mixed() -> None:
    rows = [row(5, key="a"), row(7, key="b", currency="USD")]
    assert total(*rows) == (0, 5, ())
    dollars = stacking.total(rows, "USD")
    assert dollars
    assert (int(dollars.high), dollars.currency) == (7, "USD")
    assert total(row(5, None, cap(3, currency="USD"))) == (0, 5, ()), "a ceiling in dollars says nothing about yuan"


def test_a_yearly_ceiling_counts_all_products_of_a_year() -> None:
    yearly = cap(500)
    assert total(*(row(300, None, yearly, subject=f"product.{n}") for n in (1, 2))) == (0, 500, ("year",))
    assert total(*(row(300, None, yearly, subject=f"product.{n}", year=2020 + n) for n in (1, 2))) == (0, 600, ())
    assert total(row(200, None, yearly, key="a"), row(300, None, yearly, key="b")) == (0, 500, ()), "the ceiling itself may be had"
    assert total(row(200, 200, yearly, key="a"), row(301, 301, yearly, key="b")) == (500, 500, ("year",))


def test_different_ceilings_do_not_meet() -> None:
    devices, drugs = cap(500, "devices"), cap(3000, "drugs")
    rows = [row(300, None, devices, subject="product.1"), row(300, None, devices, subject="product.2"), row(400, None, drugs, key="drug")]
    assert total(*rows) == (0, 900, ("devices",))


def test_both_tiers_come_after_each_own() -> None:
    city = cap(600, "city", both_tiers=True)
    own = cap(500, "own")
    rows = [row(300, 100, own, city, subject=f"product.{n}") for n in (1, 2)] + [row(200, 50, city, key="other")]
    assert total(*rows) == (250, 600, ("own", "city"))
    assert total(*reversed(rows)) == (250, 600, ("own", "city")), "whatever the order"


def test_a_ceiling_for_the_company_or_a_product_is_shared_too() -> None:
    once = cap(100, "once", "company")
    assert total(row(80, None, once, key="a"), row(80, None, once, key="b", year=2021)) == (0, 100, ("once",))
    each = cap(100, "each", "product")
    rows = [row(80, None, each, key=k, subject=f"product.{n}") for k in "ab" for n in (1, 2)]
    assert total(*rows) == (0, 200, ("each",))
    project = cap(100, "project", "project")
    assert total(row(80, None, project, key="a"), row(80, None, project, key="b")) == (0, 160, ()), "two projects"


def test_one_kind_counts_once_at_its_highest() -> None:
    assert total(row(300, key="a", kind="certificate"), row(500, 100, key="b", kind="certificate"), row(7, key="c")) == (100, 507, ())
    assert total(*(row(300, key=k, kind="certificate", subject=f"product.{n}") for k in "ab" for n in (1, 2))) == (0, 600, ())


def test_what_counts_once_takes_no_room_under_a_ceiling() -> None:
    yearly = cap(500)
    assert total(row(300, None, yearly, key="a", kind="k"), row(300, None, yearly, key="b", kind="k"), row(200, None, yearly, key="c")) == (
        0,
        500,
        (),
    )


def test_what_stands_under_one_ceiling_more_gives_way_first() -> None:
    """Else one ceiling would take from a row what another has already taken."""
    inner, outer = cap(500, "inner"), cap(300, "outer", both_tiers=True)
    assert total(row(100, None, inner, key="a"), row(500, None, inner, outer, key="b"), row(300, None, outer, key="c")) == (
        0,
        400,
        ("inner", "outer"),
    )


# --- compared with every possible way to share the money out

sizes = st.integers(0, 4)


@st.composite
def shared(draw: st.DrawFn, tangled: bool) -> list[Assessment]:
    """2 to 5 rows: each under at most one ceiling of its own paper and perhaps the city's; or under any of several, where tangled."""
    own = [cap(draw(sizes) * 2, f"own{n}") for n in range(3)]
    city = cap(draw(st.integers(0, 10)), "city", both_tiers=True)
    rows = []
    for n in range(draw(st.integers(2, 5))):
        caps = draw(st.lists(st.sampled_from([*own, city]), unique=True, max_size=3)) if tangled else []
        if not tangled:
            caps = [draw(st.sampled_from(own))] * draw(st.booleans()) + [city] * draw(st.booleans())
        high = draw(sizes)
        rows.append(row(high, draw(st.integers(0, high)), *caps, key=f"row-{n}", year=2022 if tangled else draw(st.sampled_from([2021, 2022]))))
    return rows


def best(rows: list[Assessment]) -> int:
    """The most that can be had: every way to give each row up to its amount, kept where all ceilings hold."""
    groups: dict[tuple[str, int], tuple[int, list[int]]] = {}
    for index, each in enumerate(rows):
        for ceiling in each.support.caps:
            groups.setdefault((ceiling.id, each.year), (int(ceiling.max.value), []))[1].append(index)
    highs = [int(r.estimate.high) for r in rows if r.estimate]
    ways = itertools.product(*(range(high + 1) for high in highs))
    return max(sum(way) for way in ways if all(sum(way[i] for i in members) <= most for most, members in groups.values()))


@given(shared(tangled=False))
def test_nothing_is_lost_and_nothing_is_too_much(rows: list[Assessment]) -> None:
    found = total(*rows)
    assert found
    assert found[1] == best(rows)
    assert 0 <= found[0] <= found[1]


@given(shared(tangled=True))
def test_every_ceiling_holds_however_tangled(rows: list[Assessment]) -> None:
    found = total(*rows)
    assert found
    assert found[1] <= best(rows)
    assert 0 <= found[0] <= found[1]


@given(shared(tangled=False), st.data())
def test_the_order_of_rows_does_not_matter(rows: list[Assessment], data: st.DataObject) -> None:
    one, other = total(*rows), total(*data.draw(st.permutations(rows)))
    assert one
    assert other
    assert one[:2] == other[:2]


# --- the shipped papers


@pytest.mark.parametrize(
    ("products", "high", "binding"),
    [
        ({1: "III"}, 3_000_000, ()),
        ({1: "III", 2: "III"}, 5_000_000, ("snd-cap-device-company-year",)),
        ({1: "III", 2: "II"}, 3_500_000, ()),
        ({1: "II", 2: "II", 3: "II"}, 1_500_000, ()),
        ({1: "III", 2: "III", 3: "II"}, 5_000_000, ("snd-cap-device-company-year",)),
        ({1: "III", 2: "I"}, 3_000_000, ()),
    ],
)
def test_certificates_of_the_high_tech_zone(knowledge: Knowledge, products: dict[int, str], high: int, binding: tuple[str, ...]) -> None:
    facts = {"events": "new_device_certificate", "products": ",".join(map(str, products))}
    facts |= {f"product.{n}.class": c for n, c in products.items()} | {f"product.{n}.year": "2021" for n in products}
    rows = rules.assess(knowledge.supports_in("snd"), facts, knowledge.documents, knowledge.facts, date(2021, 6, 1))
    found = stacking.total(rows)
    assert found
    assert (int(found.low), int(found.high), found.binding) == (0, high, binding)


def test_two_years_have_two_ceilings(knowledge: Knowledge) -> None:
    facts = {"events": "new_device_certificate", "products": "1,2,3,4"}
    facts |= {f"product.{n}.class": "III" for n in range(1, 5)} | {f"product.{n}.year": str(2020 + n // 3) for n in range(1, 5)}
    found = stacking.total(rules.assess(knowledge.supports_in("snd"), facts, knowledge.documents, knowledge.facts, date(2021, 6, 1)))
    assert found
    assert found.high == 10_000_000


def test_the_citys_supports_together(knowledge: Knowledge) -> None:
    facts = {"events": "centralized_procurement_win,joint_rd_recognised", "independent_entity": "yes", "joint_rd.investment": "50000000 CNY"}
    found = stacking.total(rules.assess(knowledge.supports_in("suzhou"), facts, knowledge.documents, knowledge.facts, DAY))
    assert found
    assert (int(found.low), int(found.high), found.binding) == (5_000_000, 17_000_000, ())


def test_after_the_period_there_is_nothing_to_add(knowledge: Knowledge, today: date) -> None:
    facts = {"events": "new_device_certificate,centralized_procurement_win", "independent_entity": "yes", "product.class": "III"}
    rows = rules.assess(knowledge.supports_in("snd"), facts, knowledge.documents, knowledge.facts, today)
    assert stacking.total(rows) is None
    assert any(r.status is Status.WINDOW_OVER for r in rows)
