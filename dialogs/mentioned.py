"""Facts that a message gives in passing, beside what is asked: the region, what happened, products with their classes, a sum, the matter."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dialogs.script import MAX_ITEMS
from knowledge.snapshot import Knowledge
from knowledge.values import Found, normalise

_DIGITS = str.maketrans("一两二三四五六七八九", "1223456789")
_HOW_MANY = re.compile(r"([2-9两二三四五六七八九])\s?[个张本项款](?:新?的)?(?:第?[一二三123i]{1,3}类|注册证|证|器械|产品|新药|品种|药)")
_BEFORE = re.compile(r"([1-9一两二三四五六七八九])\s?[个张本项款](?:新?的)?第?$")
_AFTER = re.compile(r"的?(?:医疗器械)?(?:注册)?证?(?:书|有|是)?\s?([1-9一两二三四五六七八九])\s?[个张本项款]")


def facts_in(found: Sequence[Found], knowledge: Knowledge, text: str) -> dict[str, str]:
    """Answers that a message gives in passing, by question key."""
    given: dict[str, str] = {}
    for fact, kind in (("region", "region"), ("segment", "segment")):
        values: tuple[str, ...] = tuple(dict.fromkeys(f.token for f in found if f.kind == kind and f.token))
        values = knowledge.innermost(values) if fact == "region" else values
        if len(values) == 1:
            given[fact] = values[0]
    for fact, kind in (("stage", "stage"), ("events", "event")):
        order = [o.token for o in knowledge.facts[fact].options]
        named = {f.token for f in found if f.kind == kind}
        if tokens := [t for t in order if t in named]:
            given[fact] = ",".join(tokens)
    for fact, kind in (("class", "device_class"), ("drug_class", "drug_class"), ("phase", "phase")):
        stated = [f for f in found if f.kind == kind and f.token]
        if (each := _each(stated, text)) and len(each) <= MAX_ITEMS:
            numbered = {str(number): token for number, token in enumerate(each, 1)}
            given |= {"products": ",".join(numbered), **{f"product.{i}.{fact}": token for i, token in numbered.items()}}
    money = [f for f in found if f.kind == "money" and f.token]
    if len(money) == 1 and money[0].value["bound"] is None and (key := _sum_of(given.get("events", ""), money[0].value["currency"], text)):
        given[key] = money[0].token
    return given


def _each(stated: Sequence[Found], text: str) -> list[str]:
    """The value of each product that a message counts: 2个三类证, 两个三类证一个二类证, 三类证2个二类证1个. Of several values, those not counted say nothing."""
    if len(stated) == 1:
        return [stated[0].token] * _number(_HOW_MANY.search(text), 1)
    ahead = bool(stated) and _BEFORE.search(text, 0, stated[0].start) is not None  # the first says on which side its count stands
    counts = (_number(_BEFORE.search(text, 0, f.start) if ahead else _AFTER.match(text, f.end), 0) for f in stated)
    return [f.token for f, count in zip(stated, counts, strict=True) for _ in range(count)]


def _number(counted: re.Match[str] | None, otherwise: int) -> int:
    return int(counted[1].translate(_DIGITS)) if counted else otherwise


def _sum_of(events: str, currency: str, text: str) -> str | None:
    """Which fact a sum of money is, by what it is said with."""
    if "foreign_capital_received" in events and currency == "USD":
        return "foreign_cash_year"
    if "joint_rd" in events:
        return "joint_rd.investment"
    return "project.investment" if re.search("总投资|投资额|项目投资", text) else None


def matter_in(text: str, knowledge: Knowledge) -> str | None:
    """The kind of approval that a message names, if it names exactly one."""
    options = knowledge.facts["approval_matter"].options
    named = [(a, o.token) for o in options for a in o.aliases if o.token != "other" and normalise(a) in text]
    longest = max((len(a) for a, _ in named), default=0)
    tokens = {t for a, t in named if len(a) == longest}
    return tokens.pop() if len(tokens) == 1 else None


def needs_in(text: str, found: Sequence[Found], knowledge: Knowledge) -> dict[str, str]:
    """The needs that a message mentions, outside of the names in it: a hint, to be offered at their question."""
    for name in sorted((f.text for f in found if f.kind == "park"), key=len, reverse=True):
        text = text.replace(name, " ")
    options = knowledge.facts["needs"].options
    tokens = [o.token for o in options if any(normalise(a) in text for a in o.aliases)]
    return {"needs": ",".join(tokens)} if tokens else {}


_EITHER = re.compile(r"[二三]选一|还是|哪|比|或|\b(?:or|vs|versus|which|compare)\b")


def places_in(text: str, found: Sequence[Found], knowledge: Knowledge) -> dict[str, str]:
    """Several regions between which a message wants to choose (太仓还是昆山, 苏州 昆山二选一)."""
    named = {f.token for f in found if f.kind == "region"}
    places = [r for r in knowledge.regions if r in named]
    return {"region": ",".join(places)} if len(places) > 1 and _EITHER.search(text) else {}


def site_wishes_in(text: str, knowledge: Knowledge) -> dict[str, str]:
    """The site stage that a message names, if it names exactly one."""
    tokens = {o.token for o in knowledge.facts["site_stage"].options for a in o.aliases if normalise(a) in text}
    return {"site_stage": tokens.pop()} if len(tokens) == 1 else {}
