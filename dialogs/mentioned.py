"""Facts that a message gives in passing, beside what is asked: the region, what happened, products with their classes, a sum, the matter."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from dialogs.script import MAX_ITEMS
from knowledge.snapshot import Knowledge
from knowledge.values import Found, normalise

_DIGITS = str.maketrans("一两二三四五六七八九", "1223456789")
_HOW_MANY = re.compile(r"([2-9两二三四五六七八九])\s?[个张本项款](?:新?的)?(?:第?[一二三123i]{1,3}类|注册证|证|器械|产品|新药|品种|药)")
_RECOGNISED = re.compile("(?<![没未])(?<!没有)(?<!还没)(?:已经?|通过了?|拿到了?|获得?了?|被)认定|(?<![没未有])认定(?:了|过|通过|下来)(?![吗没])")
_BEFORE = re.compile(r"([1-9一两二三四五六七八九])\s?[个张本项款](?:新?的)?第?$")
_AFTER = re.compile(r"的?(?:医疗器械|试剂|设备|器械|产品)?(?:注册)?证?(?:书|有|是)?\s?([1-9一两二三四五六七八九])\s?[个张本项款]")


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
        if "joint_rd" in named and _RECOGNISED.search(text):
            named = named - {"joint_rd"} | {"joint_rd_recognised"}
        if tokens := [t for t in order if t in named]:
            given[fact] = ",".join(tokens)
    given |= _products(found, text)
    money = [f for f in found if f.kind == "money" and f.token]
    if len(money) == 1 and money[0].value["bound"] is None and (key := _sum_of(given.get("events", ""), money[0].value["currency"], text)):
        given[key] = money[0].token
    return given


def _products(found: Sequence[Found], text: str) -> dict[str, str]:
    """The products that a message counts, devices first, then drugs, each with its class, its phase and the year said beside it."""
    by_kind = {kind: [f for f in found if f.kind == kind and f.token] for kind in ("device_class", "drug_class", "phase")}
    mixed = bool(by_kind["device_class"]) and bool(by_kind["drug_class"] or by_kind["phase"])
    products: list[dict[str, str]] = []
    for f in _each(by_kind["device_class"], text, mixed):
        products.append({"class": f.token, **({"type": "device"} if mixed else {}), **_year(f, text)})
    drugs = _each(by_kind["drug_class"] or by_kind["phase"], text, mixed)
    for f in drugs:
        phases = by_kind["phase"] if f.kind == "drug_class" and (len(by_kind["phase"]) == 1 or len(drugs) == 1) else ()
        said = {"drug_class": f.token} if f.kind == "drug_class" else {"phase": f.token}
        products.append({**({"type": "drug"} if mixed else {}), **said, **({"phase": phases[0].token} if len(phases) == 1 else {}), **_year(f, text)})
    if not 0 < len(products) <= MAX_ITEMS:
        return {}
    numbered = dict(enumerate(products, 1))
    return {"products": ",".join(map(str, numbered)), **{f"product.{n}.{k}": v for n, fields in numbered.items() for k, v in fields.items()}}


def _each(stated: Sequence[Found], text: str, mixed: bool) -> list[Found]:
    """The value of each product that a message counts: 2个三类证, 两个三类证一个二类证, 三类证2个二类证1个. Of several values, those not counted say nothing."""
    if len(stated) == 1:
        beside = _BEFORE.search(text, 0, stated[0].start) or _AFTER.match(text, stated[0].end)
        return [stated[0]] * _number(beside if mixed else beside or _HOW_MANY.search(text), 1)
    ahead = bool(stated) and _BEFORE.search(text, 0, stated[0].start) is not None  # the first says on which side its count stands
    otherwise = 1 if mixed else 0  # somebody who speaks of devices and drugs speaks of their own
    counts = (_number(_BEFORE.search(text, 0, f.start) if ahead else _AFTER.match(text, f.end), otherwise) for f in stated)
    return [f for f, count in zip(stated, counts, strict=True) for _ in range(count)]


_CLAUSE = re.compile("[,，;；。、]|还有|另外|以及")
_YEAR = re.compile(r"(20[0-4]\d)(?:\s?年|(?=[^\d万亿元]))")


def _year(stated: Found, text: str) -> dict[str, str]:
    """The year that stands in the same clause as a class, if exactly one does."""
    ends = [0, *(m.end() for m in _CLAUSE.finditer(text)), len(text) + 1]
    clause = next(text[a:b] for a, b in itertools.pairwise(ends) if a <= stated.start < b)
    years = set(_YEAR.findall(clause))
    return {"year": years.pop()} if len(years) == 1 else {}


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
