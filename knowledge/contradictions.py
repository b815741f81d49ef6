"""Facts about a company that can't be true together, found from what the vocabulary says of them (only_if, implies, excludes)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from knowledge import rules
from knowledge.facts import FactType
from knowledge.rules import COMPANY, NONE, UNKNOWN, Facts, FactTypes, generic, key_for

Contradiction = tuple[str, str, str]
"""The key that can't stand, what contradicts it, and how to mend it."""
Side = tuple[tuple[str, str], ...]
"""What is said on one side: keys, each with a token that it has."""


@dataclass(frozen=True, slots=True)
class Clash:
    """Two things of which only one can be true; the words are for the first side."""

    sides: tuple[Side, Side]
    what: str = field(compare=False)
    fix: str = field(compare=False)


def contradictions(facts: Facts, types: FactTypes) -> Iterator[Contradiction]:
    """Everything in these facts that contradicts something else in them."""
    for clash in clashes(facts, types):
        yield clash.sides[0][0][0], clash.what, clash.fix


def clashes(facts: Facts, types: FactTypes) -> Iterator[Clash]:
    """The same with what stands on each side."""
    for key, token in facts.items():
        fact = types[generic(key)]
        subject = key.rpartition(".")[0] if generic(key) != key else COMPANY
        if token != UNKNOWN:
            yield from _elsewhere(key, subject, facts, types)
            yield from _apart(key, subject, facts, types)
        yield from _excluded(key, token, fact)
        yield from _without(key, token, fact, facts, types)
        yield from _backwards(key, token, facts)


def _elsewhere(key: str, subject: str, facts: Facts, types: FactTypes) -> Iterator[Clash]:
    """A fact that exists only where another one has a certain token: a drug has no device class."""
    for other, needed in types[generic(key)].only_if.items():
        where, token = key_for(other, subject), rules.known(other, facts, subject, types)
        if token in (None, UNKNOWN, needed):
            continue
        is_, must = _label(types[other], token or ""), _label(types[other], needed)
        one = ((key, facts[key]),)
        if facts.get(where, UNKNOWN) != UNKNOWN:
            yield Clash((one, ((where, token or ""),)), f"{where} 是“{is_}”，只有“{must}”才有这一项", f"删掉这一项，或把 {where} 改成 {needed}")
        else:
            said = f"{'、'.join(types[other].implied_by)} 里的事说的是“{is_}”，只有“{must}”才有这一项"
            yield Clash((one, _implying(other, (token or "",), facts, types)), said, f"是“{must}”就写上 {where}: {needed}")


def _apart(key: str, subject: str, facts: Facts, types: FactTypes) -> Iterator[Clash]:
    """Two facts of which one exists only for a device and the other only for a drug, where nobody said which of them it is."""
    fact, keys = types[generic(key)], list(facts)
    for other, needed in fact.only_if.items():
        if rules.known(other, facts, subject, types) not in (None, UNKNOWN):
            continue
        for second in keys[: keys.index(key)]:
            else_ = types[generic(second)].only_if.get(other, needed)
            if else_ != needed and facts[second] != UNKNOWN and (second.rpartition(".")[0] if generic(second) != second else COMPANY) == subject:
                what = f"只有“{_label(types[other], needed)}”才有这一项，而 {second} 只有“{_label(types[other], else_)}”才有"
                yield Clash((((key, facts[key]),), ((second, facts[second]),)), what, "删掉其中一项")


def _excluded(key: str, token: str, fact: FactType) -> Iterator[Clash]:
    """Two choices of which the vocabulary says that they exclude each other."""
    given = token.split(",")
    for option in fact.options if len(given) > 1 else ():
        for other in option.excludes if option.token in given else ():
            if other in given:
                what = f"“{option.label.zh}”和“{_label(fact, other)}”不能同时成立"
                yield Clash((((key, option.token),), ((key, other),)), what, "留下其中一个")


def _without(key: str, token: str, fact: FactType, facts: Facts, types: FactTypes) -> Iterator[Clash]:
    """Choices that say of what kind something is, while all that is given is of another kind: a device certificate, and only drugs."""
    implied: dict[str, set[str]] = {}
    given = token.split(",")
    for option in fact.options:
        for other, kind in option.implies.items() if option.token in given else ():
            implied.setdefault(other, set()).add(kind)
    for other, kinds in implied.items():
        said = "、".join(sorted(_label(types[other], k) for k in kinds))
        one = tuple(pair for pair in _implying(other, tuple(kinds), facts, types) if pair[0] == key)
        listed = facts.get("products")
        if types[other].scope == "product" and listed == NONE:
            yield Clash((one, (("products", NONE),)), f"里面的事说的是“{said}”，而 products 写的是 none", "写上这个产品，或去掉这件事")
            continue
        subjects = [f"product.{n}" for n in listed.split(",")] if types[other].scope == "product" and listed else [COMPANY]
        if all(facts.get(key_for(other, subject), UNKNOWN) not in (UNKNOWN, *kinds) for subject in subjects):
            keys = [key_for(other, s) for s in subjects]
            what = f"里面的事说的是“{said}”，而 {'、'.join(keys)} 都不是"
            yield Clash((one, tuple((k, facts[k]) for k in keys)), what, "改其中一处，或把这个产品也写上")


def _backwards(key: str, token: str, facts: Facts) -> Iterator[Clash]:
    """An end before its beginning; days are ISO dates, which compare as texts."""
    if key.endswith("until") and token != UNKNOWN:
        start = f"{key.removesuffix('until')}since"
        if (since := facts.get(start, UNKNOWN)) != UNKNOWN and token < since:
            yield Clash((((key, token),), ((start, since),)), f"{token} 早于 {start} 的 {since}", "核对这两个日期")


def _implying(other: str, kinds: Sequence[str], facts: Facts, types: FactTypes) -> Side:
    """The choices among these facts that say of what kind something is."""
    return tuple(
        (key, option.token)
        for key in types[other].implied_by
        for option in types[key].options
        if option.token in facts.get(key, "").split(",") and option.implies.get(other) in kinds
    )


def _label(fact: FactType, token: str) -> str:
    return next((o.label.zh for o in fact.options if o.token == token), token)
