"""What follows for a support on a day: its status, what it may come to, and what is still missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from knowledge.money import Money
from knowledge.records import Document
from knowledge.rules import COMPANY, UNKNOWN, Answers, Facts, FactTypes, Verdict, key_for
from knowledge.supports import Amount, Cap, Criterion, Example, Support
from knowledge.validity import OVER, Time, printed_window, time_on


class Status(StrEnum):
    """What follows for one support."""

    MET = "met"
    NOT_MET = "not_met"
    UNKNOWN = "unknown"
    UNDECIDABLE = "undecidable"
    WINDOW_OVER = "window_over"
    NOT_YET = "not_yet"


_NOTHING_TO_HAVE = (Status.WINDOW_OVER, Status.NOT_YET)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a support could come to for this company, in whole units; `low` is 0 where only a ceiling is printed."""

    low: Decimal
    high: Decimal
    currency: str
    held_by: str | None = None
    """The ceiling (cap id) without which it would be higher."""


class Assessment(NamedTuple):
    """One row of a pre-check: a support, for the company or one product."""

    support: Support
    subject: str
    year: int
    found: tuple[Verdict, ...]
    """The verdict on each condition of the support, in its order."""
    time: Time
    status: Status
    estimate: Estimate | None = None
    early: bool = False
    """The product is from a year before the window or plan: whether it counts as new, no paper says."""
    one_step: bool = False
    """What the company has done leads to the event that is asked for (联合攻关 → 认定)."""

    @property
    def missing(self) -> tuple[str, ...]:
        """The keys of the answers that are open; none once a condition has failed."""
        if self.status is Status.NOT_MET:
            return ()
        return tuple(dict.fromkeys(key_for(c.fact, self.subject) for c, v in self.verdicts if v is Verdict.UNKNOWN and c.fact))

    @property
    def verdicts(self) -> tuple[tuple[Criterion, Verdict], ...]:
        """The conditions of the support, each with its verdict."""
        return tuple(zip(self.support.criteria, self.found, strict=True))

    @property
    def failed(self) -> tuple[Criterion, ...]:
        """The conditions that are not met."""
        return tuple([c for c, v in self.verdicts if v is Verdict.NOT_MET])


@dataclass(slots=True)
class Tests:
    """The different conditions of some supports, numbered: what several supports ask for is judged once."""

    all: list[Criterion] = field(default_factory=list)
    _numbers: dict[tuple[object, ...], int] = field(default_factory=dict)

    def number(self, criterion: Criterion) -> int:
        """The number of a condition; alike are those with the same test on the same fact."""
        c = criterion
        number = self._numbers.setdefault((c.fact, c.any_of, c.at_least, c.above, c.at_most, c.below), len(self.all))
        if number == len(self.all):
            self.all.append(criterion)
        return number


@dataclass(frozen=True, slots=True)
class Prepared:
    """A support made ready to be judged again and again: all that does not hang on the company."""

    support: Support
    document: Document
    tests: tuple[int, ...]
    """The numbers of its conditions, in order."""
    leads: tuple[tuple[str, frozenset[str]], ...]
    """For each condition its fact, and the choices of it that lead to what is asked for; empty where none does."""
    ceiling: Cap | None
    """The lowest ceiling over one case."""
    flat: Estimate | None
    """What it comes to where its amount hangs on no answer."""
    since: int
    """The year in which its window or plan begins, where the paper asks for what is new; 0 where it does not, and where none is printed."""

    @classmethod
    def of(cls, support: Support, document: Document, types: FactTypes, tests: Tests) -> Prepared:
        """Prepare a support of a document, and enter its conditions."""
        leads, ceiling = [_leading(c, types) for c in support.criteria], _ceiling(support)
        window = printed_window(support, document)
        return cls(
            support,
            document,
            tuple([tests.number(c) for c in support.criteria]),
            tuple(leads) if any(chosen for _, chosen in leads) else (),
            ceiling,
            _limited(_reckoned(support.amount, None, ceiling), ceiling),
            window.since.year if window and window.since and any(c.newly for c in support.criteria) else 0,
        )

    def assess(self, subject: str, told: Sequence[Verdict], facts: Facts, time: Time, year: int, today: date) -> Assessment:
        """The row of one subject. `told`: the verdict on each numbered condition; `year`: that of the product, 0 where none is known."""
        support = self.support
        found = tuple([told[n] for n in self.tests])
        if Verdict.NOT_MET in found:
            return Assessment(support, subject, year or today.year, found, time, Status.NOT_MET, None, False, self._one_step(found, facts))
        early = False
        if time in OVER:
            status = Status.WINDOW_OVER
        elif time is Time.NOT_YET:
            status = Status.NOT_YET
        elif Verdict.UNDECIDABLE in found:
            status = Status.UNDECIDABLE
        elif Verdict.UNKNOWN in found:
            status = Status.UNKNOWN
        else:
            early = 0 < year < self.since
            status = Status.UNDECIDABLE if early else Status.MET
        estimate = None if status in _NOTHING_TO_HAVE else self.estimate(facts, subject)
        return Assessment(support, subject, year or today.year, found, time, status, estimate, early)

    def estimate(self, facts: Facts, subject: str) -> Estimate | None:
        """What the printed amount comes to with these facts; None where nothing can be reckoned."""
        base = facts.get(key_for(of, subject)) if (of := self.support.amount.of) else None
        return _limited(_reckoned(self.support.amount, base, self.ceiling), self.ceiling) if base else self.flat

    def _one_step(self, found: Sequence[Verdict], facts: Facts) -> bool:
        """Whether the first condition that fails is what follows from something that the company has done."""
        for (fact, tokens), verdict in zip(self.leads, found, strict=False):
            if verdict is Verdict.NOT_MET and fact:
                return bool(tokens) and not tokens.isdisjoint(facts.get(fact, "").split(","))
        return False


def assess_one(support: Support, subject: str, facts: Facts, document: Document, types: FactTypes, today: date) -> Assessment:
    """Judge one support for one subject on a day."""
    answers = Answers(facts, types)
    tests = Tests()
    row = Prepared.of(support, document, types, tests)
    told = [answers.verdict(c, subject) for c in tests.all]
    return row.assess(subject, told, facts, time_on(support, document, today), year_of(subject, facts), today)


def year_of(subject: str, facts: Facts) -> int:
    """The year of a product; 0 where none is known, and for a company."""
    year = facts.get(f"{subject}.year", "") if subject != COMPANY else ""
    return int(year) if year.isdigit() else 0


def status_of_example(support: Support, example: Example, document: Document, types: FactTypes) -> Status:
    """The status that a record's worked example comes to, as the paper was printed: what admins find out later leaves it alone."""
    as_printed = {"application": None, "superseded_by": None, "superseded_on": None}
    support, document = support.model_copy(update=as_printed), document.model_copy(update={k: v for k, v in as_printed.items() if k != "application"})
    return assess_one(support, COMPANY, example.facts, document, types, example.today).status


def _leading(criterion: Criterion, types: FactTypes) -> tuple[str, frozenset[str]]:
    """The fact of a condition, and the choices of it that lead to what is asked for."""
    fact = criterion.fact if criterion.fact in types else None
    return (fact, frozenset(o.token for o in types[fact].options if o.leads_to in criterion.any_of)) if fact else ("", frozenset())


def _ceiling(support: Support) -> Cap | None:
    """The lowest ceiling over one case, in the currency of the amount where there is one."""
    single = [c for c in support.caps if c.scope in ("product", "project", "item", "person", "company")]
    printed = support.amount.max
    own = [c for c in single if printed is None or c.max.currency == printed.currency] or single
    return min(own, key=lambda c: c.max.value) if own else None


def _reckoned(amount: Amount, base: str | None, ceiling: Cap | None) -> Estimate | None:
    if amount.kind == "rate":
        if base and base != UNKNOWN and amount.rate_max is not None:
            money = Money.parse(base)
            low = money.value * (amount.rate_min if amount.rate_min is not None else Decimal(0))
            return Estimate(low, money.value * amount.rate_max, money.currency)
        return Estimate(Decimal(0), ceiling.max.value, ceiling.max.currency) if ceiling else None
    if amount.max is None:
        return None
    low = amount.max.value if amount.kind == "fixed" else (amount.min.value if amount.min else Decimal(0))
    if not amount.each:
        return Estimate(low, amount.max.value, amount.max.currency)
    if base is None or not base.isdigit():
        return None
    return Estimate(low * int(base), amount.max.value * int(base), amount.max.currency)


def _limited(found: Estimate | None, ceiling: Cap | None) -> Estimate | None:
    if found is None or ceiling is None:
        return found
    most = ceiling.max
    if found.currency != most.currency:  # no document prints a rate: only the ceiling is sure
        return Estimate(Decimal(0), most.value, most.currency)
    if found.high <= most.value:
        return found
    return Estimate(min(found.low, most.value), most.value, found.currency, ceiling.id)
