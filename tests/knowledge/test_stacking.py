"""Adding up: every ceiling holds, one kind counts once, and nothing is lost that may be had."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge import stacking
from knowledge.agenda import Sheet
from knowledge.assessments import Assessment, Estimate, Status
from knowledge.money import Money
from knowledge.rules import COMPANY
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
    return Assessment(support, subject, year, (), Time.IN_FORCE, status, estimate)


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
    assert total(*rows) == (250, 600, ("city",)), "without the city's ceiling it would be 700, without the own one 600 all the same"
    assert total(*reversed(rows)) == (250, 600, ("city",)), "whatever the order"


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
        ("outer",),
    )


def test_of_one_kind_the_one_counts_that_leaves_most_in_all() -> None:
    """The higher of a kind may stand under a ceiling that others need."""
    tight = cap(100, "tight")
    rows = [row(90, None, tight, key="a", kind="k"), row(80, None, key="b", kind="k"), row(100, None, tight, key="c")]
    found = stacking.total(rows)
    assert found
    assert int(found.high) == 180
    assert [r.support.id for r in found.counted] == ["b", "c"]
    assert [r.support.id for r in found.yielding] == ["a"]


def test_a_ceiling_that_another_took_the_place_of_is_never_used(knowledge: Knowledge) -> None:
    replaced = {c.replaces.printed: c.max.printed for s in knowledge.supports.values() for c in s.caps if c.replaces}
    assert replaced == {"8000万元": "2亿元"}
    both = next(c for s in knowledge.supports.values() for c in s.caps if c.both_tiers)
    assert total(*(row(90_000_000, None, both, key=k) for k in "ab")) == (0, 180_000_000, ())
    assert total(*(row(90_000_000, None, both, key=k) for k in "abc")) == (0, 200_000_000, ("sz-company-year",))


# --- compared with every possible choice and every corner of what may be shared out

sizes = st.integers(0, 6)


@st.composite
def rule_sets(draw: st.DrawFn) -> list[Assessment]:
    """1 to 4 rows of up to two kinds, two products and two years, each under any of three ceilings of any scope."""
    scopes = st.sampled_from(["company", "company_year", "product", "project"])
    ceilings = [cap(draw(st.integers(0, 10)), f"cap{n}", draw(scopes), both_tiers=n == 0) for n in range(3)]
    rows = []
    for n in range(draw(st.integers(1, 4))):
        high = draw(sizes)
        rows.append(
            row(
                high,
                draw(st.integers(0, high)),
                *draw(st.lists(st.sampled_from(ceilings), unique=True, max_size=3)),
                key=f"row-{n}",
                subject=draw(st.sampled_from([COMPANY, "product.1", "product.2"])),
                year=draw(st.sampled_from([2021, 2022])),
                kind=draw(st.sampled_from([None, "x", "y"])),
            )
        )
    return rows


def _groups(rows: Sequence[Assessment]) -> list[tuple[int, list[int]]]:
    """Each ceiling's height and the places of the rows that it counts together, by the words of `Cap.scope`."""
    groups: dict[tuple[object, ...], tuple[int, list[int]]] = {}
    for place, each in enumerate(rows):
        for c in each.support.caps:
            over = {"company": (), "company_year": (each.year,), "product": (each.subject,), "project": (each.support.id, each.subject)}[c.scope]
            groups.setdefault((c.id, *over), (int(c.max.value), []))[1].append(place)
    return list(groups.values())


def _corner_best(amounts: list[int], rows: Sequence[Assessment]) -> Fraction:
    """The highest sum at any corner: every choice of as many tight limits as there are rows, solved by Gauss, kept where all limits hold."""
    size = len(rows)
    limits: list[tuple[list[int], int]] = [([int(i == j) for j in range(size)], a) for i, a in enumerate(amounts)]
    limits += [([int(j in members) for j in range(size)], height) for height, members in _groups(rows)]
    tight = [*limits, *(([int(i == j) for j in range(size)], 0) for i in range(size))]
    best = Fraction(0)
    for picked in itertools.combinations(tight, size):
        corner = _solved([[Fraction(x) for x in left] + [Fraction(right)] for left, right in picked])
        if corner and min(corner) >= 0 and all(sum(x * y for x, y in zip(left, corner, strict=True)) <= right for left, right in limits):
            best = max(best, sum(corner, Fraction(0)))
    return best


def _solved(lines: list[list[Fraction]]) -> list[Fraction] | None:
    """The solution of a square system; None where it has none or many."""
    for column in range(len(lines)):
        pivot = next((i for i in range(column, len(lines)) if lines[i][column]), None)
        if pivot is None:
            return None
        lines[column], lines[pivot] = lines[pivot], lines[column]
        lines[column] = [x / lines[column][column] for x in lines[column]]
        for i, line in enumerate(lines):
            if i != column and line[column]:
                lines[i] = [x - line[column] * y for x, y in zip(line, lines[column], strict=True)]
    return [line[-1] for line in lines]


def brute_force(rows: list[Assessment]) -> tuple[Fraction, Fraction]:
    """The best high sum over every choice of one of each kind and subject, and the best low sum that goes with it."""
    kinds: dict[tuple[str, str], list[Assessment]] = {}
    for each in rows:
        kinds.setdefault((each.support.same_kind or each.support.id, each.subject), []).append(each)
    found = []
    for chosen in itertools.product(*kinds.values()):
        high = _corner_best([int(r.estimate.high) for r in chosen if r.estimate], chosen)
        found.append((high, min(high, _corner_best([int(r.estimate.low) for r in chosen if r.estimate], chosen))))
    return max(found)


@settings(max_examples=300)
@given(rule_sets())
def test_the_best_combination_is_found_exactly(rows: list[Assessment]) -> None:
    found, expected = stacking.total(rows), brute_force(rows)
    assert found
    assert (float(found.high), float(found.low)) == pytest.approx(tuple(map(float, expected)))
    assert found.low <= found.high


@given(rule_sets())
def test_a_binding_ceiling_is_one_without_which_more_would_be_had(rows: list[Assessment]) -> None:
    found = stacking.total(rows)
    assert found
    wished = sum(r.estimate.high for r in found.counted if r.estimate)
    assert bool(found.binding) == (found.high < wished)
    if len(found.binding) == 1:
        free = [
            r._replace(support=r.support.model_copy(update={"caps": tuple(c for c in r.support.caps if c.id != found.binding[0])}))
            for r in found.counted
        ]
        more = stacking.total(free)
        assert more
        assert more.high > found.high


@given(rule_sets(), st.data())
def test_the_order_of_rows_does_not_matter(rows: list[Assessment], data: st.DataObject) -> None:
    one, other = stacking.total(rows), stacking.total(data.draw(st.permutations(rows)))
    assert one
    assert other
    assert (one.low, one.high) == (other.low, other.high)


def test_with_very_many_kinds_better_ones_are_exchanged_for_the_highest() -> None:
    """14 kinds of two are too many to try all: the highest of each share one scarce ceiling, and are exchanged while the sum grows."""
    scarce = cap(1_000, "scarce")
    rows = [row(100 + n, None, scarce, key=f"high{n}", kind=f"k{n}") for n in range(14)]
    rows += [row(99, None, key=f"low{n}", kind=f"k{n}") for n in range(14)]
    found = stacking.total(rows)
    assert found
    assert int(found.high) > 1_000 + 4 * 99 - 1


def test_many_rows_are_added_at_once() -> None:
    """5,000 rows under one ceiling are one variable: the sum is found without 5,000 steps."""
    yearly = cap(500)
    assert total(*(row(1, None, yearly, key=f"row-{n}") for n in range(5_000))) == (0, 500, ("year",))


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
    rows = Sheet(knowledge.agendas["snd"], facts).assess(date(2021, 6, 1))
    found = stacking.total(rows)
    assert found
    assert (int(found.low), int(found.high), found.binding) == (0, high, binding)


def test_two_years_have_two_ceilings(knowledge: Knowledge) -> None:
    facts = {"events": "new_device_certificate", "products": "1,2,3,4"}
    facts |= {f"product.{n}.class": "III" for n in range(1, 5)} | {f"product.{n}.year": str(2020 + n // 3) for n in range(1, 5)}
    found = stacking.total(Sheet(knowledge.agendas["snd"], facts).assess(date(2021, 6, 1)))
    assert found
    assert found.high == 10_000_000


def test_the_citys_supports_together(knowledge: Knowledge) -> None:
    facts = {"events": "centralized_procurement_win,joint_rd_recognised", "independent_entity": "yes", "joint_rd.investment": "50000000 CNY"}
    found = stacking.total(Sheet(knowledge.agendas["suzhou"], facts).assess(DAY))
    assert found
    assert (int(found.low), int(found.high), found.binding) == (5_000_000, 17_000_000, ())


def test_after_the_period_there_is_nothing_to_add(knowledge: Knowledge, today: date) -> None:
    facts = {"events": "new_device_certificate,centralized_procurement_win", "independent_entity": "yes", "product.class": "III"}
    rows = Sheet(knowledge.agendas["snd"], facts).assess(today)
    assert stacking.total(rows) is None
    assert any(r.status is Status.WINDOW_OVER for r in rows)


@given(rule_sets())
def test_the_years_of_a_sum_add_up_to_it(rows: list[Assessment]) -> None:
    found = stacking.total(rows)
    assert found
    if found.years:
        assert sum(amount for _, amount in found.years) == found.high
        assert [year for year, _ in found.years] == sorted({r.year for r in found.counted})
