"""Adding up what may be added up: the highest of one kind counts once, and every ceiling holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from knowledge.facts import Cap
from knowledge.rules import Assessment, Status


@dataclass(frozen=True, slots=True)
class Total:
    """What the met supports come to together, in one currency; `binding` names the ceilings (cap ids) that cut the sum."""

    low: Decimal
    high: Decimal
    currency: str
    binding: tuple[str, ...]


@dataclass(slots=True)
class _Sum:
    low: Decimal
    high: Decimal


def total(rows: Iterable[Assessment], currency: str = "CNY") -> Total | None:
    """The sum over the supports that are met and have an amount; None where there is nothing to add.

    Yearly ceilings are applied from the inside out: each support's own first, then those that count both fiscal tiers together.
    """
    counted = _highest_of_a_kind([r for r in rows if r.status is Status.MET and r.estimate and r.estimate.currency == currency])
    if not counted:
        return None
    sums = {id(r): _Sum(r.estimate.low, r.estimate.high) for r in counted if r.estimate}
    binding: list[str] = []
    for both_tiers in (False, True):
        for cap, members in _yearly(counted, both_tiers):
            low, high = sum((sums[id(m)].low for m in members), Decimal(0)), sum((sums[id(m)].high for m in members), Decimal(0))
            if high > cap.max.value:
                if cap.id not in binding:
                    binding.append(cap.id)
                for position, member in enumerate(members):  # the group's sum stands in its first member
                    first = position == 0
                    sums[id(member)] = _Sum(min(low, cap.max.value) if first else Decimal(0), cap.max.value if first else Decimal(0))
    return Total(sum((s.low for s in sums.values()), Decimal(0)), sum((s.high for s in sums.values()), Decimal(0)), currency, tuple(binding))


def _highest_of_a_kind(rows: list[Assessment]) -> list[Assessment]:
    best: dict[tuple[str, str], Assessment] = {}
    for row in rows:
        key = (row.support.same_kind or row.support.id, row.subject)
        held = best.get(key)
        if held is None or _height(row) > _height(held):
            best[key] = row
    return [r for r in rows if any(r is b for b in best.values())]


def _height(row: Assessment) -> Decimal:
    return row.estimate.high if row.estimate else Decimal(0)


def _yearly(rows: list[Assessment], both_tiers: bool) -> list[tuple[Cap, list[Assessment]]]:
    groups: dict[tuple[str, int], tuple[Cap, list[Assessment]]] = {}
    for row in rows:
        for cap in row.support.caps:
            if cap.scope == "company_year" and cap.both_tiers is both_tiers and row.estimate and cap.max.currency == row.estimate.currency:
                groups.setdefault((cap.id, row.year), (cap, []))[1].append(row)
    return list(groups.values())
