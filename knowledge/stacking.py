"""Adding up what may be added up: one of a kind counts once, every ceiling holds, and the best combination is found exactly.

Shares are found by linear programming over exact fractions; rows under the same ceilings are one variable, so that the size of the
problem is the number of different sets of ceilings, however many supports there are.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from knowledge.assessments import Assessment, Status
from knowledge.supports import Cap

Under = frozenset[tuple[object, ...]]
"""The ceilings over a row: each a cap's id with the year, the product or the row that it counts over."""
MAX_COMBINATIONS = 500
"""Choices of one of a kind that are all tried, where more than one is worth trying. Of more, the highest of each kind are taken and then
exchanged one by one as long as the sum grows, which need not find the very best."""


@dataclass(frozen=True, slots=True)
class Total:
    """What the met supports come to together, in one currency."""

    low: Decimal
    high: Decimal
    currency: str
    binding: tuple[str, ...]
    """The ceilings (cap ids) without which the sum would be higher."""
    counted: tuple[Assessment, ...]
    """The rows that are added up."""
    yielding: tuple[Assessment, ...]
    """The rows that give way to a higher one of their kind."""
    years: tuple[tuple[int, Decimal], ...] = ()
    """What each year comes to, where a ceiling for each year lies over several and they add up to `high`."""


def total(rows: Iterable[Assessment], currency: str = "CNY") -> Total | None:
    """The best sum over the supports that are met and have an amount; None where there is nothing to add."""
    added = [r for r in rows if r.status is Status.MET and r.estimate and r.estimate.currency == currency]
    if not added:
        return None
    ceilings = {key: Fraction(cap.max.value) for row in added for cap, key in _over(row, currency)}
    under = [frozenset(key for _, key in _over(row, currency)) for row in added]
    chosen = _choose(added, under, ceilings)
    highs, lows = ([(Fraction(_amount(added[i], which)), under[i]) for i in chosen] for which in ("high", "low"))
    high = _most(_bundled(highs), ceilings)
    low = min(_most(_bundled(lows), ceilings), high)
    counted = tuple(added[i] for i in chosen)
    yielding = tuple(r for i, r in enumerate(added) if i not in set(chosen))
    alone = (r.estimate.held_by for r in counted if r.estimate and r.estimate.held_by)
    binding = tuple(dict.fromkeys((*alone, *_binding(highs, ceilings, high))))
    years = _by_year(counted, highs, ceilings, high)
    return Total(_decimal(low), _decimal(high), currency, binding, counted, yielding, years)


def _by_year(
    counted: Sequence[Assessment], highs: Sequence[tuple[Fraction, Under]], ceilings: Mapping[tuple[object, ...], Fraction], high: Fraction
) -> tuple[tuple[int, Decimal], ...]:
    """The highest sum of each year by itself; empty where there is one year, no ceiling for each, or where the years share another ceiling."""
    if len({r.year for r in counted}) < 2 or not any(c.scope == "company_year" for r in counted for c in r.support.caps):
        return ()
    found = {y: _most(_bundled(a for r, a in zip(counted, highs, strict=True) if r.year == y), ceilings) for y in sorted({r.year for r in counted})}
    return tuple((year, _decimal(amount)) for year, amount in found.items()) if sum(found.values()) == high else ()


def _over(row: Assessment, currency: str) -> list[tuple[Cap, tuple[object, ...]]]:
    """The ceilings over a row, each with what it counts over."""
    return [(cap, (cap.id, *_counted_over(cap, row))) for cap in row.support.caps if cap.max.currency == currency]


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


def _amount(row: Assessment, which: str) -> Decimal:
    return getattr(row.estimate, which) if row.estimate else Decimal(0)


def _choose(rows: Sequence[Assessment], under: Sequence[Under], ceilings: Mapping[tuple[object, ...], Fraction]) -> list[int]:
    """Which rows are added up: of each kind and subject one, so that the sum is highest (the lower bound decides between equals)."""
    kinds: dict[tuple[str, str], list[int]] = {}
    for index, row in enumerate(rows):
        kinds.setdefault((row.support.same_kind or row.support.id, row.subject), []).append(index)
    options = [_undominated(members, rows, under) for members in kinds.values()]
    best: tuple[Fraction, Fraction] | None = None
    chosen: list[int] = []
    known: dict[tuple[str, frozenset[tuple[Under, Fraction]]], Fraction] = {}

    def most(which: str, combination: Sequence[int]) -> Fraction:
        bundled = _bundled((Fraction(_amount(rows[i], which)), under[i]) for i in combination)
        key = (which, frozenset(bundled.items()))
        if key not in known:
            known[key] = _most(bundled, ceilings)
        return known[key]

    if math.prod(map(len, options)) == 1:
        return sorted(members[0] for members in options)
    ways = itertools.product(*options) if math.prod(map(len, options)) <= MAX_COMBINATIONS else _exchanged(options, most)
    for combination in ways:
        found = (most("high", combination), most("low", combination))
        if best is None or found > best:
            best, chosen = found, sorted(combination)
    return chosen


def _exchanged(options: Sequence[Sequence[int]], most: Callable[[str, Sequence[int]], Fraction]) -> Iterator[list[int]]:
    """The highest of each kind, then whatever is better by exchanging one."""
    held = [members[0] for members in options]
    while True:
        yield held
        near = [[*held[:place], other, *held[place + 1 :]] for place, members in enumerate(options) for other in members if other != held[place]]
        best = max(near, key=lambda combination: (most("high", combination), most("low", combination)))
        if (most("high", best), most("low", best)) <= (most("high", held), most("low", held)):
            return
        held = best


def _undominated(members: Sequence[int], rows: Sequence[Assessment], under: Sequence[Under]) -> list[int]:
    """The rows of a kind worth trying, the highest first: none that another beats in both bounds under fewer ceilings."""
    ordered = sorted(members, key=lambda i: (-_amount(rows[i], "high"), -_amount(rows[i], "low"), len(under[i]), i))
    kept: list[int] = []
    for i in ordered:
        if not any(under[k] <= under[i] and _amount(rows[k], "low") >= _amount(rows[i], "low") for k in kept):
            kept.append(i)
    return kept


def _bundled(amounts: Iterable[tuple[Fraction, Under]]) -> dict[Under, Fraction]:
    """The amounts under the same ceilings, added up."""
    found: dict[Under, Fraction] = {}
    for amount, ceilings in amounts:
        found[ceilings] = found.get(ceilings, Fraction(0)) + amount
    return found


def _most(bundled: Mapping[Under, Fraction], ceilings: Mapping[tuple[object, ...], Fraction], without: tuple[object, ...] | None = None) -> Fraction:
    """The highest sum of shares: each at most its amount, and together at most each ceiling that they would exceed."""
    exceeded = [key for key in ceilings if key != without and sum(a for u, a in bundled.items() if key in u) > ceilings[key]]
    if not exceeded:
        return sum(bundled.values(), Fraction(0))
    free = sum((a for u, a in bundled.items() if u.isdisjoint(exceeded)), Fraction(0))
    bound = [(u, a) for u, a in bundled.items() if not u.isdisjoint(exceeded)]
    rows = [[Fraction(int(key in u)) for u, _ in bound] for key in exceeded]
    rows += [[Fraction(int(i == j)) for j in range(len(bound))] for i in range(len(bound))]
    return free + _simplex(rows, [*(ceilings[key] for key in exceeded), *(a for _, a in bound)])


def _simplex(rows: list[list[Fraction]], limits: list[Fraction]) -> Fraction:
    """The maximum of the sum of all variables, none below 0, where each row's sum stays within its limit (limits at least 0).

    The simplex method on a full tableau with Bland's rule, which cannot cycle (R. G. Bland, 1977).
    """
    width, height = len(rows[0]), len(rows)
    table = [[*row, *(Fraction(int(i == j)) for j in range(height)), limits[i]] for i, row in enumerate(rows)]
    goal = [Fraction(-1)] * width + [Fraction(0)] * (height + 1)
    basis = [width + i for i in range(height)]
    while (enter := next((j for j, value in enumerate(goal[:-1]) if value < 0), None)) is not None:
        leave = min((i for i in range(height) if table[i][enter] > 0), key=lambda i: (table[i][-1] / table[i][enter], basis[i]))
        pivot = table[leave][enter]
        table[leave] = [value / pivot for value in table[leave]]
        for line in (goal, *(table[i] for i in range(height) if i != leave)):
            if factor := line[enter]:
                line[:] = [value - factor * base for value, base in zip(line, table[leave], strict=True)]
        basis[leave] = enter
    return goal[-1]


def _binding(highs: Sequence[tuple[Fraction, Under]], ceilings: Mapping[tuple[object, ...], Fraction], high: Fraction) -> tuple[str, ...]:
    """The ceilings without which the sum would be higher; where only several together hold it down, all that are exceeded."""
    bundled = _bundled(highs)
    if high == sum(bundled.values()):
        return ()
    exceeded = [key for key in ceilings if sum(a for u, a in bundled.items() if key in u) > ceilings[key]]
    alone = [key for key in exceeded if _most(bundled, ceilings, without=key) > high]
    return tuple(dict.fromkeys(str(key[0]) for key in alone or exceeded))


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)
