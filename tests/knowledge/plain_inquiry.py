"""The questions that still matter, found one support after the other as their definition says: slow, and what `Inquiry` is held against."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from knowledge.rules import COMPANY, Answers, FactTypes, Verdict, generic, key_for, known, products_of
from knowledge.supports import Support

Facts = Mapping[str, str]


def open_keys(supports: Sequence[Support], types: FactTypes, told: Facts, given: Facts) -> list[str]:
    """The keys of the questions, the one that decides most first."""
    weight: Counter[str] = Counter()
    everything = {**given, **told}
    for support in supports:
        near = any_met(support, everything, types)
        for key in wanted(support, told, types):
            weight[key] += (3 if support.amount.max or support.amount.rate_max else 1) * (4 if near else 1)
    order = {key: n for n, key in enumerate(types)}
    return sorted(weight, key=lambda key: (-weight[key], order.get(generic(key), len(order)), key))


def most(supports: Sequence[Support], types: FactTypes, told: Facts, given: Facts) -> int:
    """How many questions may still come at most."""
    everything, keys = {**given, **told}, set[str]()
    for support in supports:
        if first := list(wanted(support, told, types)):
            keys |= {*first, *(k for s in subjects(support, everything) for k in unanswered(support, s, everything, types))}
    keys -= everything.keys()
    return 0 if "products" in keys else len(keys)


def subjects(support: Support, facts: Facts) -> tuple[str, ...]:
    """For whom a row is made: the company, or each of its products."""
    return products_of(facts) if support.per == "product" else (COMPANY,)


def any_met(support: Support, facts: Facts, types: FactTypes) -> bool:
    """Whether something that was said meets a condition."""
    spoken, answers = {generic(key) for key in facts}, Answers(facts, types)
    return any(answers.verdict(c, s) is Verdict.MET for s in subjects(support, facts) for c in support.criteria if c.fact in spoken)


def wanted(support: Support, facts: Facts, types: FactTypes) -> Iterable[str]:
    """What to ask for each subject of a support."""
    answers = Answers(facts, types)
    for subject in subjects(support, facts):
        found = [(c.fact or "", answers.verdict(c, subject)) for c in support.criteria]
        unknown = [fact for fact, verdict in found if verdict is Verdict.UNKNOWN]
        if any(v is Verdict.NOT_MET for _, v in found) or any(key_for(fact, subject) in facts for fact in unknown):
            continue
        of = support.amount.of
        if unknown:
            yield first_open(unknown[0], facts, subject, support, types)
        elif of and key_for(of, subject) not in facts:
            yield key_for(of, subject)
        elif asks_year(support, subject, facts) and f"{subject}.year" not in facts:
            yield f"{subject}.year"


def unanswered(support: Support, subject: str, facts: Facts, types: FactTypes) -> list[str]:
    """The keys of all its conditions that are open; none once one has failed."""
    answers = Answers(facts, types)
    found = [(c.fact or "", answers.verdict(c, subject)) for c in support.criteria]
    if any(v is Verdict.NOT_MET for _, v in found):
        return []
    keys = [key_for(fact, subject) for fact, v in found if v is Verdict.UNKNOWN]
    keys += [key_for(support.amount.of, subject)] if support.amount.of else []
    return keys + ([f"{subject}.year"] if asks_year(support, subject, facts) else [])


def first_open(fact: str, facts: Facts, subject: str, support: Support, types: FactTypes) -> str:
    """The list of products and the kind of product come before a product's own facts."""
    if support.per == "product" and fact.startswith("product.") and facts.get("products") is None:
        return "products"
    for other in types[fact].only_if if fact in types else ():
        if known(other, facts, subject, types) is None:
            return key_for(other, subject)
    return key_for(fact, subject)


def asks_year(support: Support, subject: str, facts: Facts) -> bool:
    """Whether there is a ceiling for each year, and more than one product."""
    yearly = any(c.scope == "company_year" and not c.both_tiers for c in support.caps)
    return yearly and subject != COMPANY and len(subjects(support, facts)) > 1
