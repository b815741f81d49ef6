"""Adding up what may be added up: the highest of one kind counts once, and every ceiling holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from knowledge.rules import Assessment, Status
from knowledge.supports import Cap


@dataclass(frozen=True, slots=True)
class Total:
    """What the met supports come to together, in one currency; `binding` names the ceilings (cap ids) that cut the sum."""

    low: Decimal
    high: Decimal
    currency: str
    binding: tuple[str, ...]


def total(rows: Iterable[Assessment], currency: str = "CNY") -> Total | None:
    """The sum over the supports that are met and have an amount; None where there is nothing to add.

    Ceilings are applied from the inside out: those of one support or fiscal tier first, then those that count both tiers together.
    """
    counted = _highest_of_a_kind([r for r in rows if r.status is Status.MET and r.estimate and r.estimate.currency == currency])
    if not counted:
        return None
    lows = [r.estimate.low if r.estimate else Decimal(0) for r in counted]
    highs = [r.estimate.high if r.estimate else Decimal(0) for r in counted]
    ceilings = _ceilings(counted, currency)
    shared = [sum(index in members for _, members in ceilings) for index in range(len(counted))]
    binding: list[str] = []
    for cap, members in ceilings:
        members.sort(key=lambda index: (-shared[index], -index))
        if _cut(highs, members, cap.max.value) and cap.id not in binding:
            binding.append(cap.id)
        _cut(lows, members, cap.max.value)
    high = sum(highs, Decimal(0))
    return Total(min(sum(lows, Decimal(0)), high), high, currency, tuple(binding))


def _cut(amounts: list[Decimal], members: list[int], ceiling: Decimal) -> bool:
    """Take from these rows what exceeds a ceiling; rows under several ceilings come first, so that no other loses by it."""
    over = sum((amounts[m] for m in members), Decimal(0)) - ceiling
    if over <= 0:
        return False
    for member in members:
        taken = min(over, amounts[member])
        amounts[member] -= taken
        over -= taken
    return True


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


def _ceilings(rows: list[Assessment], currency: str) -> list[tuple[Cap, list[int]]]:
    """Every ceiling and the rows under it, those over both tiers last."""
    groups: dict[tuple[object, ...], tuple[Cap, list[int]]] = {}
    for index, row in enumerate(rows):
        for cap in row.support.caps:
            if cap.max.currency == currency:
                groups.setdefault((cap.id, *_counted_over(cap, row)), (cap, []))[1].append(index)
    return sorted(groups.values(), key=lambda group: group[0].both_tiers)


def _counted_over(cap: Cap, row: Assessment) -> tuple[object, ...]:
    """What tells the sums under one ceiling apart: the year, the product, or each row by itself."""
    match cap.scope:
        case "company":
            return ()
        case "company_year":
            return (row.year,)
        case "product":
            return (row.subject,)
        case _:
            return (row.support.id, row.subject)
