"""The rules of the pre-check: four-valued verdicts, and what follows for a support on a day.

Facts about a company are tokens by key (`events` → `pct_filing,ind_approved`, `product.2.class` → `III`); a missing key was not asked
yet, the token `unknown` was asked and is not known, and `none` says that no choice of a list applies.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from knowledge.facts import FactType
from knowledge.money import Money
from knowledge.records import Document
from knowledge.supports import Amount, Cap, Criterion, Example, Support
from knowledge.validity import OVER, Time, time_on

UNKNOWN = "unknown"
NONE = "none"
COMPANY = "company"
Facts = Mapping[str, str]
FactTypes = Mapping[str, FactType]


class Verdict(StrEnum):
    """What is known of one condition."""

    MET = "met"
    NOT_MET = "not_met"
    UNKNOWN = "unknown"
    UNDECIDABLE = "undecidable"


class Status(StrEnum):
    """What follows for one support."""

    MET = "met"
    NOT_MET = "not_met"
    UNKNOWN = "unknown"
    UNDECIDABLE = "undecidable"
    WINDOW_OVER = "window_over"
    NOT_YET = "not_yet"


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a support could come to for this company, in whole units; `low` is 0 where only a ceiling is printed."""

    low: Decimal
    high: Decimal
    currency: str
    held_by: str | None = None
    """The ceiling (cap id) without which it would be higher."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """One row of a pre-check: a support, for the company or one product."""

    support: Support
    subject: str
    year: int
    verdicts: tuple[tuple[Criterion, Verdict], ...]
    time: Time
    status: Status
    missing: tuple[str, ...]
    estimate: Estimate | None
    early: bool = False
    """The product is from a year before the window or plan: whether it counts as new, no paper says."""
    one_step: bool = False
    """What the company has done leads to the event that is asked for (联合攻关 → 认定)."""

    @property
    def failed(self) -> tuple[Criterion, ...]:
        """The conditions that are not met."""
        return tuple(c for c, v in self.verdicts if v is Verdict.NOT_MET)


def tokens(fact: FactType) -> tuple[str, ...]:
    """The answer tokens of a fact with choices; empty for free values."""
    if fact.type == "flag":
        return ("yes", "no")
    return tuple(o.token for o in fact.options)


def key_for(fact: str, subject: str) -> str:
    """The answer key of a fact for a subject: `product.class` of `product.2` is `product.2.class`."""
    return f"{subject}.{fact.removeprefix('product.')}" if fact.startswith("product.") and subject != COMPANY else fact


class Answers:
    """One company's answers while its supports are judged: each is looked up, implied and taken apart once, not once a condition."""

    __slots__ = ("_found", "facts", "types")

    def __init__(self, facts: Facts, types: FactTypes) -> None:
        self.facts, self.types = facts, types
        self._found: dict[tuple[str, str], tuple[str | None, frozenset[str]] | None] = {}

    def of(self, key: str, subject: str) -> tuple[str | None, frozenset[str]] | None:
        """The token of a fact (None where it is open) and the choices in it; None for a fact that cannot exist."""
        place = (key, subject)
        if place not in self._found:
            fact = self.types.get(key)
            cannot_be = fact is not None and _impossible(fact, self.facts, subject, self.types)
            token = None if cannot_be else known(key, self.facts, subject, self.types)
            self._found[place] = None if cannot_be else (token, frozenset(token.split(",") if token else ()))
        return self._found[place]

    def verdict(self, criterion: Criterion, subject: str) -> Verdict:
        """Whether a condition is met."""
        if criterion.fact is None:
            return Verdict.UNDECIDABLE
        if (answer := self.of(criterion.fact, subject)) is None:
            return Verdict.NOT_MET
        token, chosen = answer
        if token is None or token == UNKNOWN:
            return Verdict.UNKNOWN
        if criterion.any_of:
            return Verdict.NOT_MET if chosen.isdisjoint(criterion.any_of) else Verdict.MET
        return _compare(criterion, token)


def verdict(criterion: Criterion, facts: Facts, subject: str, types: FactTypes) -> Verdict:
    """Whether a condition is met by these facts."""
    return Answers(facts, types).verdict(criterion, subject)


def known(fact: str, facts: Facts, subject: str, types: FactTypes) -> str | None:
    """The token of a fact, given or implied by another answer (“not sure” says no more than that); None where it is open."""
    token = facts.get(key_for(fact, subject))
    if (token is not None and token != UNKNOWN) or fact not in types or not types[fact].implied_by:
        return token
    implied = {
        option.implies[fact]
        for key in types[fact].implied_by
        for option in types[key].options
        if fact in option.implies and option.token in facts.get(key, "").split(",")
    }
    return implied.pop() if len(implied) == 1 else token


def _impossible(fact: FactType, facts: Facts, subject: str, types: FactTypes) -> bool:
    """A fact that cannot exist because another fact rules it out (a drug has no device class, and without a product there is none)."""
    if fact.key.startswith("product.") and facts.get("products") == NONE:
        return True
    for other, needed in fact.only_if.items():
        token = known(other, facts, subject, types)
        if token not in (None, UNKNOWN, needed):
            return True
    return False


def _compare(criterion: Criterion, token: str) -> Verdict:
    bounds: tuple[tuple[Money | int | None, Callable[[Decimal, Decimal], bool]], ...] = (
        (criterion.at_least, operator.ge),
        (criterion.above, operator.gt),
        (criterion.at_most, operator.le),
        (criterion.below, operator.lt),
    )
    for bound, test in bounds:
        if isinstance(bound, Money):
            money = Money.parse(token)
            if money.currency != bound.currency:
                return Verdict.UNKNOWN  # a sum in another currency decides nothing: no document prints a rate
            return Verdict.MET if test(money.value, bound.value) else Verdict.NOT_MET
        if bound is not None:
            return Verdict.MET if test(Decimal(token), Decimal(bound)) else Verdict.NOT_MET
    raise AssertionError("a criterion has one test; the loader checks it")  # pragma: no cover


def subjects(support: Support, facts: Facts) -> tuple[str, ...]:
    """For whom a row is made: the company, or each product of the list `products` (`1,3`)."""
    if support.per != "product":
        return (COMPANY,)
    listed = facts.get("products")
    if listed is None or listed in (UNKNOWN, NONE, ""):
        return (COMPANY,)
    return tuple(f"product.{n}" for n in listed.split(","))


def assess_one(support: Support, subject: str, facts: Facts, document: Document, types: FactTypes, today: date) -> Assessment:
    """Judge one support for one subject on a day."""
    return _assess(support, subject, Answers(facts, types), document, today)


def _assess(support: Support, subject: str, answers: Answers, document: Document, today: date) -> Assessment:
    facts, types = answers.facts, answers.types
    verdicts = tuple([(c, answers.verdict(c, subject)) for c in support.criteria])
    found = [v for _, v in verdicts]
    time = time_on(support, document, today)
    if Verdict.NOT_MET in found:
        status = Status.NOT_MET
    elif time in OVER:
        status = Status.WINDOW_OVER
    elif time is Time.NOT_YET:
        status = Status.NOT_YET
    elif Verdict.UNDECIDABLE in found:
        status = Status.UNDECIDABLE
    elif Verdict.UNKNOWN in found:
        status = Status.UNKNOWN
    else:
        status = Status.MET
    year = facts.get(f"{subject}.year", "") if subject != COMPANY else ""
    window = support.window if support.window and support.window.since else document.plan
    early = status is Status.MET and year.isdigit() and window is not None and window.since is not None and int(year) < window.since.year
    status = Status.UNDECIDABLE if early else status
    open_keys: Iterable[str] = ()
    if status is not Status.NOT_MET:
        open_keys = dict.fromkeys(key_for(c.fact, subject) for c, v in verdicts if v is Verdict.UNKNOWN and c.fact)
    return Assessment(
        support=support,
        subject=subject,
        year=int(year) if year.isdigit() else today.year,
        verdicts=verdicts,
        time=time,
        status=status,
        missing=tuple(open_keys),
        early=early,
        one_step=status is Status.NOT_MET and _leads(verdicts, facts, types),
        estimate=None if status in (Status.NOT_MET, Status.WINDOW_OVER, Status.NOT_YET) else estimate(support, facts, subject),
    )


def _leads(verdicts: tuple[tuple[Criterion, Verdict], ...], facts: Facts, types: FactTypes) -> bool:
    for criterion, found in verdicts:
        if found is Verdict.NOT_MET and criterion.fact in types:
            given = facts.get(criterion.fact or "", "").split(",")
            return any(o.leads_to in criterion.any_of and o.token in given for o in types[criterion.fact or ""].options if o.leads_to)
    return False


def assess(supports: Iterable[Support], facts: Facts, documents: Mapping[str, Document], types: FactTypes, today: date) -> tuple[Assessment, ...]:
    """Judge every support for every subject."""
    answers = Answers(facts, types)
    return tuple([_assess(s, subject, answers, documents[s.source.document], today) for s in supports for subject in subjects(s, facts)])


def estimate(support: Support, facts: Facts, subject: str) -> Estimate | None:
    """What the printed amount comes to with these facts; None where nothing can be reckoned."""
    amount = support.amount
    single = [c for c in support.caps if c.scope in ("product", "project", "item", "person", "company")]
    own = [c for c in single if amount.max is None or c.max.currency == amount.max.currency] or single
    ceiling = min(own, key=lambda c: c.max.value) if own else None
    base = facts.get(key_for(amount.of, subject)) if amount.of else None
    return _limited(_reckoned(amount, base, ceiling.max if ceiling else None), ceiling)


def _reckoned(amount: Amount, base: str | None, ceiling: Money | None) -> Estimate | None:
    if amount.kind == "rate":
        if base and base != UNKNOWN and amount.rate_max is not None:
            money = Money.parse(base)
            low = money.value * (amount.rate_min if amount.rate_min is not None else Decimal(0))
            return Estimate(low, money.value * amount.rate_max, money.currency)
        return Estimate(Decimal(0), ceiling.value, ceiling.currency) if ceiling else None
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


def generic(key: str) -> str:
    """The fact of an answer key: `product.2.class` → `product.class`."""
    parts = key.split(".")
    return f"{parts[0]}.{parts[2]}" if len(parts) == 3 and parts[1].isdigit() else key


def status_of_example(support: Support, example: Example, document: Document, types: FactTypes) -> Status:
    """The status that a record's worked example comes to, as the paper was printed: what admins find out later leaves it alone."""
    as_printed = {"application": None, "superseded_by": None, "superseded_on": None}
    support, document = support.model_copy(update=as_printed), document.model_copy(update={k: v for k, v in as_printed.items() if k != "application"})
    return assess_one(support, COMPANY, example.facts, document, types, example.today).status
