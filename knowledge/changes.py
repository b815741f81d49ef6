"""What would change a result: the smallest set of other answers with which a support is no longer out of reach.

Where several choices may be made (what has happened, what is planned), a change adds to them: what has happened is not undone.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from knowledge.assessments import Assessment, Status, assess_one
from knowledge.facts import FactType
from knowledge.money import Money
from knowledge.records import Document
from knowledge.rules import NONE, UNKNOWN, Facts, FactTypes, key_for
from knowledge.supports import Criterion
from knowledge.validity import begins

Effort = Literal["fixable", "time", "fixed"]
"""What a change takes: the company can bring it about / it comes with time / it cannot be changed."""
_EFFORTS: tuple[Effort, ...] = ("fixable", "time", "fixed")
MAX_ANSWERS = 6
"""No more changed answers than this are looked for."""


@dataclass(frozen=True, slots=True)
class Change:
    """What it takes for a support to be no longer not met, or to begin."""

    answers: Mapping[str, str]
    """The answers to be changed, by key; empty where only a day has to come."""
    criteria: tuple[Criterion, ...]
    """The conditions that fail today."""
    effort: Effort
    """The hardest of these."""
    on: date | None
    """The day on which a window begins; None where the paper prints none."""
    then: Status
    """How the support stands with these answers on the day of the pre-check."""


def change(row: Assessment, facts: Facts, documents: Mapping[str, Document], types: FactTypes, today: date) -> Change | None:
    """The smallest change that lifts a support that is not met or has not begun; None for others, and where no answers lift it."""
    document = documents[row.support.source.document]
    on = begins(row.support, document, today)
    if row.status is Status.NOT_YET:
        return Change({}, (), "time", on, Status.NOT_YET)
    if row.status is not Status.NOT_MET:
        return None
    for answers in _candidates(row, facts, types):
        then = assess_one(row.support, row.subject, {**facts, **answers}, document, types, today).status
        if then is not Status.NOT_MET:
            real = [c for c in row.failed if "products" not in answers or not (c.fact or "").startswith("product.")]
            effort: Effort = max((c.change for c in real), key=_EFFORTS.index, default="time")  # who has no product yet may have one
            return Change(answers, row.failed, effort, on, then)
    return None


def _candidates(row: Assessment, facts: Facts, types: FactTypes) -> Iterator[dict[str, str]]:
    """Sets of changed answers, the smallest first."""
    options = {key: tokens for key, tokens in _options(row, facts, types).items() if tokens}
    for size in range(1, min(len(options), MAX_ANSWERS) + 1):
        for keys in itertools.combinations(options, size):
            for tokens in itertools.product(*(options[key] for key in keys)):
                yield dict(zip(keys, tokens, strict=True))


def _options(row: Assessment, facts: Facts, types: FactTypes) -> dict[str, list[str]]:
    """For each answer that the support looks at, the tokens that would satisfy the conditions on it; those that fail first."""
    found: dict[str, list[str]] = {}
    looked_at = [c.fact for c in (*row.failed, *row.support.criteria) if c.fact]
    behind = [(other, needed) for fact in looked_at if fact in types for other, needed in types[fact].only_if.items()]
    if facts.get("products") == NONE and any(fact.startswith("product.") for fact in looked_at):
        found["products"] = ["1"]
    for fact in dict.fromkeys([*looked_at, *(other for other, _ in behind)]):
        key = key_for(fact, row.subject)
        on_it = [c for c in row.support.criteria if c.fact == fact]
        needed = [token for other, token in behind if other == fact]
        found[key] = list(dict.fromkeys([*_satisfying(on_it, facts.get(key, ""), types.get(fact)), *needed]))
    for fact, source in [(f, s) for f in tuple(found) if f in types for s in types[f].implied_by]:  # a choice may settle it as well
        implying = [o.token for o in types[source].options if o.implies.get(fact) in found[key_for(fact, row.subject)]]
        plain = found.get(source) or [facts.get(source, "")]
        found[source] = [*found.get(source, ()), *(_with(tokens, more) for tokens in plain for more in implying)]
    return found


def _with(tokens: str, more: str) -> str:
    return ",".join(dict.fromkeys(t for t in (*tokens.split(","), more) if t and t not in (NONE, UNKNOWN)))


def _satisfying(criteria: list[Criterion], given: str, fact: FactType | None) -> Iterator[str]:
    """Tokens with which every condition on one fact is met; several choices are added to those that were made."""
    chosen = [c.any_of for c in criteria if c.any_of]
    if chosen and fact is not None and fact.type == "choices":
        had = [t for t in given.split(",") if t in {o.token for o in fact.options}]
        for picked in itertools.product(*chosen):
            yield ",".join(dict.fromkeys([*had, *picked]))
        return
    for token in chosen[0] if chosen else ():
        if all(token in tokens for tokens in chosen):
            yield token
    for bound, step in ((b, s) for c in criteria for b, s in ((c.at_least, 0), (c.above, 1), (c.at_most, 0), (c.below, -1)) if b is not None):
        yield Money(bound.value + step, bound.currency).token if isinstance(bound, Money) else str(int(bound) + step)
