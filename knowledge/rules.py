"""The rules of the pre-check: the four-valued verdict on each condition by a company's answers.

Facts about a company are tokens by key (`events` → `pct_filing,ind_approved`, `product.2.class` → `III`); a missing key was not asked
yet, the token `unknown` was asked and is not known, and `none` says that no choice of a list applies.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import StrEnum

from knowledge.facts import FactType
from knowledge.money import Money
from knowledge.supports import Criterion

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


def products_of(facts: Facts) -> tuple[str, ...]:
    """For whom a support per product is judged: each product of the list `products` (`1,3`); the company where none is named."""
    listed = facts.get("products")
    if listed is None or listed in (UNKNOWN, NONE, ""):
        return (COMPANY,)
    return tuple([f"product.{n}" for n in listed.split(",")])


def generic(key: str) -> str:
    """The fact of an answer key: `product.2.class` → `product.class`."""
    parts = key.split(".")
    return f"{parts[0]}.{parts[2]}" if len(parts) == 3 and parts[1].isdigit() else key
