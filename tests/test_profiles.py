"""Worked profiles: companies whose statuses, amounts and totals were derived by hand from the papers, line by line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from knowledge import rules
from knowledge.assessments import Assessment
from knowledge.money import Money
from knowledge.precheck import precheck
from knowledge.shapes import Citation, Window, parts
from knowledge.snapshot import Knowledge
from knowledge.supports import Criterion, Support

FOLDER = Path(__file__).parent / "profiles"
KEYS = {"name", "line", "why", "region", "today", "facts", "expect"}
OPTIONAL = {"total", "absent"}
"""`absent`: supports that must not be among the rows (another region's)."""
ROW = {"status", "time", "failed", "missing", "amount"}
TOTAL = {"low", "high", "currency", "binding"}
NEITHER = "null"

PROFILES: list[dict[str, Any]] = [
    profile
    for path in sorted(FOLDER.glob("*.yaml"))
    for profile in yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader)["profiles"]  # every value a string: `no` is no False
]
BY_NAME = pytest.mark.parametrize("profile", [pytest.param(p, id=p["name"]) for p in PROFILES])


@BY_NAME
def test_a_profile_comes_to_what_the_paper_says(knowledge: Knowledge, profile: dict[str, Any]) -> None:
    report = precheck(knowledge, profile["region"], profile["facts"], date.fromisoformat(profile["today"]))
    rows = {_key(row): row for row in report.rows}

    assert {key: _found(rows[key], expected) if key in rows else "no such row" for key, expected in profile["expect"].items()} == {
        key: {name: _expected(name, value) for name, value in expected.items()} for key, expected in profile["expect"].items()
    }
    assert {row.support.id for row in report.rows}.isdisjoint(profile.get("absent", ()))
    if "total" in profile:
        assert _total(report.total, profile["total"]) == _expected_total(profile["total"])


@BY_NAME
def test_a_profile_is_written_with_known_words(knowledge: Knowledge, profile: dict[str, Any]) -> None:
    assert KEYS <= set(profile) <= KEYS | OPTIONAL
    assert profile["line"] in _cited(knowledge)
    assert all(set(expected) <= ROW and expected for expected in profile["expect"].values())
    assert {key.split("/")[0] for key in profile["expect"]} | set(profile.get("absent", ())) <= set(knowledge.supports)
    assert profile.get("total", NEITHER) == NEITHER or set(profile["total"]) <= TOTAL
    for key, value in profile["facts"].items():
        if (known := rules.tokens(knowledge.facts[rules.generic(key)])) and value not in ("unknown", "none"):
            assert set(value.split(",")) <= set(known), key


def test_there_are_at_least_150_profiles_each_with_a_name_of_its_own_and_15_in_every_region(knowledge: Knowledge) -> None:
    regions = Counter(p["region"] for p in PROFILES)

    assert len(PROFILES) >= 150
    assert len({p["name"] for p in PROFILES}) == len(PROFILES)
    assert {region for region in knowledge.agendas if regions[region] < 15} == set()


def test_every_printed_amount_is_expected_somewhere(knowledge: Knowledge) -> None:
    missed = [s.id for s in knowledge.supports.values() if s.amount.max is not None and _most(s) not in _expected_highs(s)]
    rated = [s.id for s in knowledge.supports.values() if s.amount.rate_max is not None and len(_expected_highs(s)) < 3]

    assert (missed, rated) == ([], [])


def test_every_threshold_is_tried_at_just_under_and_just_over(knowledge: Knowledge) -> None:
    missed = {f"{support.id} {criterion.id}": sides for support, criterion in _thresholds(knowledge) if (sides := _untried(support, criterion))}

    assert missed == {}


def test_every_printed_window_is_tried_on_its_first_and_last_day_and_beside_them(knowledge: Knowledge) -> None:
    missed = {s.id: days for s in knowledge.supports.values() if s.window and (days := _bounds(s.window) - _days({s.id}))}

    assert missed == {}


def test_every_plan_is_tried_for_several_supports_on_its_last_day_and_the_day_after(knowledge: Knowledge) -> None:
    missed = []
    for document in knowledge.documents.values():
        if document.plan and document.plan.until:
            own = [s.id for s in knowledge.supports.values() if s.source.document == document.id and not s.window]
            both = {document.plan.until, document.plan.until + timedelta(days=1)}
            missed += [document.id] if sum(both <= _days({support}) for support in own) < 3 else []

    assert missed == []


def _key(row: Assessment) -> str:
    """`snd-device-iii/2` for the row of product 2, the support's id alone for the company's."""
    return row.support.id if row.subject == rules.COMPANY else f"{row.support.id}/{row.subject.removeprefix('product.')}"


def _found(row: Assessment, expected: dict[str, Any]) -> dict[str, Any]:
    found = {
        "status": row.status.value,
        "time": row.time.value,
        "failed": sorted(c.id for c in row.failed),
        "missing": sorted(row.missing),
        "amount": (row.estimate.low, row.estimate.high) if row.estimate else None,
    }
    return {name: found[name] for name in expected}


def _expected(name: str, value: Any) -> Any:
    if name == "amount":
        return None if value == NEITHER else tuple(map(Decimal, value))
    return sorted(value) if name in ("failed", "missing") else value


def _total(total: Any, expected: Any) -> Any:
    if total is None or expected == NEITHER:
        return total
    found = {"low": total.low, "high": total.high, "currency": total.currency, "binding": sorted(total.binding)}
    return {name: found[name] for name in expected}


def _expected_total(expected: Any) -> Any:
    if expected == NEITHER:
        return None
    readers: dict[str, Callable[[Any], Any]] = {"low": Decimal, "high": Decimal, "binding": sorted, "currency": str}
    return {name: readers[name](value) for name, value in expected.items()}


def _cited(knowledge: Knowledge) -> set[str]:
    """Every section that a record cites, as `document section`."""
    held = (knowledge.supports, knowledge.channels, knowledge.services, knowledge.tasks, knowledge.clauses, knowledge.parks)
    return {f"{p.document} {p.section}" for records in held for record in records.values() for _, p in parts(record) if isinstance(p, Citation)}


def _rows_of(support: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Every profile that expects something of a support, with what it expects of a row."""
    return ((p, expected) for p in PROFILES for key, expected in p["expect"].items() if key.split("/")[0] == support)


def _expected_highs(support: Support) -> set[Decimal]:
    amounts = (expected.get("amount", NEITHER) for _, expected in _rows_of(support.id))
    return {Decimal(amount[1]) for amount in amounts if amount != NEITHER}


def _most(support: Support) -> Decimal | None:
    return support.amount.max.value if support.amount.max else None


def _days(supports: set[str]) -> set[date]:
    return {date.fromisoformat(p["today"]) for support in supports for p, _ in _rows_of(support)}


def _bounds(window: Window) -> set[date]:
    beside = [(window.since, -1), (window.until, 1)]
    return {day for bound, step in beside if bound for day in (bound, bound + timedelta(days=step))}


def _thresholds(knowledge: Knowledge) -> Iterator[tuple[Support, Criterion]]:
    return ((s, c) for s in knowledge.supports.values() for c in s.criteria if _bound(c) is not None)


def _bound(criterion: Criterion) -> Money | int | None:
    return next((b for b in (criterion.at_least, criterion.above, criterion.at_most, criterion.below) if b is not None), None)


def _untried(support: Support, criterion: Criterion) -> set[str]:
    """The sides of a threshold on which no profile stands: one whole unit under it, exactly at it, one over it."""
    bound = _bound(criterion)
    middle, unit = (bound.value, f" {bound.currency}") if isinstance(bound, Money) else (bound or 0, "")
    answers = {p["facts"].get(criterion.fact) for p, _ in _rows_of(support.id)}
    sides = {"under": middle - 1, "at": middle, "over": middle + 1}
    return {side for side, value in sides.items() if f"{int(value)}{unit}" not in answers}
