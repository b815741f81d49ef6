"""What records must agree on among themselves, beyond their own shapes: ids that lead somewhere, tokens, types, circles, shared ceilings."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from knowledge import rules
from knowledge.facts import Asks, FactType, Region
from knowledge.money import Money, MoneyError
from knowledge.records import Clause, Difference, Document, Layout, Park, Passage, QuestionAnswer, Service
from knowledge.shapes import Citation, Shape, parts
from knowledge.snapshot import ANSWERABLE
from knowledge.supports import Cap, Support

Tables = Mapping[str, Mapping[str, Any]]
Place = tuple[str | int, ...]
_ELSEWHERE = {"segment": "segments", "region": "regions"}


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong in a record: which, where in it, and what. Where `fix` is empty, `word` stands where one of `known` is meant."""

    kind: str
    key: str
    where: Place
    what: str
    fix: str = ""
    word: str = ""
    known: tuple[str, ...] = ()


def faults(tables: Tables) -> Iterator[Fault]:
    """Everything that does not agree."""
    records = {key for kind in ANSWERABLE for key in tables[kind]}
    for kind, table in tables.items():
        for key, record in table.items():
            for where, target, known, name in _references(record, tables, records):
                if target not in known:
                    yield Fault(kind, key, where, f"{name}“{target}”不存在", word=target, known=tuple(known))
    yield from _circles(tables)
    for fact in tables["facts"].values():
        yield from _fact(fact, tables)
    ceilings: dict[str, tuple[str, Cap]] = {}
    for support in tables["supports"].values():
        yield from _criteria(support, tables)
        yield from _amount(support, tables)
        yield from _ceilings(support, ceilings)
        for index, example in enumerate(support.examples):
            for key, token in example.facts.items():
                yield from _token("supports", support.id, ("examples", index, "facts", key), tables["facts"].get(key), token, tables)


def _references(record: Shape, tables: Tables, records: Collection[str]) -> Iterator[tuple[Place, str, Collection[str], str]]:
    """Every id that a record names: its place in the record, the id, where it must be found, and what it is called."""
    regions, documents, segments, facts = (tables[k] for k in ("regions", "documents", "segments", "facts"))
    for where, part in parts(record):
        if isinstance(part, Citation):
            yield (*where, "document"), part.document, documents, "文件"
    if (region := getattr(record, "region", None)) is not None:
        yield ("region",), region, regions, "地区"
    if (within := getattr(record, "within", None)) is not None:
        yield ("within",), within, (regions if isinstance(record, Region) else segments), "上级"
    if (superseded := getattr(record, "superseded_by", None)) is not None:
        yield ("superseded_by",), superseded, (documents if isinstance(record, Document) else records), "取代它的记录"
    if isinstance(record, Passage):
        yield ("document",), record.document, documents, "文件"
    if isinstance(record, Asks):
        yield ("about",), record.about, records, "记录"
    if isinstance(record, QuestionAnswer | Service | Difference):
        for index, about in enumerate(record.about):
            yield ("about", index), about, records, "记录"
    if isinstance(record, Park | Clause):
        for index, focus in enumerate(record.focus):
            yield ("focus", index, "segment"), focus.segment, segments, "产业环节"
    if isinstance(record, Park | Layout):
        needs = {o.token for o in facts["needs"].options} if "needs" in facts else set()
        for index, offer in enumerate(record.offers):
            yield ("offers", index, "need"), offer.need, needs, "配套"
        for index, bar in enumerate(record.bars):
            if bar.need is not None:
                yield ("bars", index, "need"), bar.need, needs, "配套"
            if bar.segment is not None:
                yield ("bars", index, "segment"), bar.segment, segments, "产业环节"
    if isinstance(record, Park):
        if record.layout:
            yield ("layout",), record.layout, tables["layouts"], "布局"
        if record.part_of:
            yield ("part_of",), record.part_of, tables["parks"], "园区"
    if isinstance(record, Support):
        for index, criterion in enumerate(record.criteria):
            if criterion.fact:
                yield ("criteria", index, "fact"), criterion.fact, facts, "企业情况"
        if record.amount.of:
            yield ("amount", "of"), record.amount.of, facts, "企业情况"
        for index, example in enumerate(record.examples):
            for key in example.facts:
                yield ("examples", index, "facts", key), key, facts, "企业情况"
    if isinstance(record, FactType):
        for option_index, option in enumerate(record.options):
            for key in option.implies:
                yield ("options", option_index, "implies", key), key, facts, "企业情况"
        for index, key in enumerate(record.implied_by):
            yield ("implied_by", index), key, facts, "企业情况"
        for key in record.only_if:
            yield ("only_if", key), key, facts, "企业情况"


_UPWARD = (
    ("within", ("regions", "segments"), "上级"),
    ("superseded_by", ("documents", *ANSWERABLE), "取代它的记录"),
    ("part_of", ("parks",), "所属园区"),
)
"""Fields that lead to another record of the sort, and on: none may lead back."""


def _circles(tables: Tables) -> Iterator[Fault]:
    for field, kinds, name in _UPWARD:
        everything = {key: record for kind in kinds for key, record in tables[kind].items()}
        for kind in kinds:
            for key in tables[kind]:
                chain = [key]
                while (above := getattr(everything[chain[-1]], field, None)) in everything and above not in chain:
                    chain.append(str(above))
                if above == key:
                    yield Fault(kind, key, (field,), f"“{key}”的{name}一路往上又回到了它自己", f"改成真正的那一个；没有就删掉 {field} 这一行")


def _choices(fact: FactType, tables: Tables) -> tuple[str, ...]:
    """The tokens that a fact may have; empty for free values."""
    return rules.tokens(fact) or tuple(tables.get(_ELSEWHERE.get(fact.key, ""), ()))


def _token(kind: str, key: str, where: Place, fact: FactType | None, token: str, tables: Tables) -> Iterator[Fault]:
    """Whether a token that a record writes down is one that an answer to this fact could give."""
    if fact is None or token == rules.UNKNOWN:
        return
    if known := _choices(fact, tables):
        for part in token.split(",") if fact.type == "choices" else [token]:
            if part not in known and not (fact.type == "choices" and token == rules.NONE):
                yield Fault(kind, key, where, f"“{fact.key}”没有选项“{part}”", word=part, known=known)
    elif not _readable(fact, token):
        yield Fault(kind, key, where, f"“{fact.key}”的值“{token}”读不了", "金额写成 3000000 CNY 这样，个数只写数字，日期写成 2021-04-17")


def _readable(fact: FactType, token: str) -> bool:
    try:
        match fact.type:
            case "money":
                Money.parse(token)
            case "date":
                date.fromisoformat(token)
            case "number":
                return all(part.isdecimal() and part.isascii() for part in token.split(","))
    except (MoneyError, ValueError):
        return False
    return True


def _fact(fact: FactType, tables: Tables) -> Iterator[Fault]:
    facts = tables["facts"]
    for key, token in fact.only_if.items():
        yield from _token("facts", fact.key, ("only_if", key), facts.get(key), token, tables)
    for index, option in enumerate(fact.options):
        if option.token in {o.token for o in fact.options[:index]}:
            yield Fault("facts", fact.key, ("options", index, "token"), f"选项“{option.token}”重复", "同一项里每个选项用不同的 token")
        others = tuple(o.token for o in fact.options if o is not option)
        for place, token in enumerate(option.excludes):
            if token not in others:
                yield Fault(
                    "facts",
                    fact.key,
                    ("options", index, "excludes", place),
                    f"excludes 里的“{token}”不是这一项的另一个选项",
                    word=token,
                    known=others,
                )
        for key, token in option.implies.items():
            where = ("options", index, "implies", key)
            yield from _token("facts", fact.key, where, facts.get(key), token, tables)
            if key in facts and fact.key not in facts[key].implied_by:
                yield Fault("facts", fact.key, where, f"“{key}”的 implied_by 里没有“{fact.key}”", f"在 {key} 那一条加上 implied_by: [{fact.key}]")


def _criteria(support: Support, tables: Tables) -> Iterator[Fault]:
    seen: set[str] = set()
    for index, criterion in enumerate(support.criteria):
        where: Place = ("criteria", index)
        if criterion.id in seen:
            yield Fault("supports", support.id, (*where, "id"), f"条件编号“{criterion.id}”重复", "同一项支持里每个条件用不同的编号")
        seen.add(criterion.id)
        fact = tables["facts"].get(criterion.fact or "")
        if fact is None:
            continue
        known = _choices(fact, tables)
        if criterion.any_of and not known:
            yield Fault("supports", support.id, where, f"“{fact.key}”没有选项，不能用 any_of 判断", "改用 at_least、above、at_most 或 below")
        for token in criterion.any_of if known else ():
            if token not in known:
                yield Fault("supports", support.id, (*where, "any_of"), f"“{fact.key}”没有选项“{token}”", word=token, known=known)
        bound = next((b for b in (criterion.at_least, criterion.above, criterion.at_most, criterion.below) if b is not None), None)
        if bound is not None and fact.type != ("money" if isinstance(bound, Money) else "number"):
            what = f"“{fact.key}”的类型是 {fact.type}，和判断里的值对不上"
            yield Fault("supports", support.id, where, what, "金额写成 3000万美元 这样，个数写成数字；有选项的用 any_of")


def _amount(support: Support, tables: Tables) -> Iterator[Fault]:
    amount, fact = support.amount, tables["facts"].get(support.amount.of or "")
    needed = "number" if amount.each else "money"
    if fact is not None and fact.type != needed:
        what = f"“{fact.key}”的类型是 {fact.type}，这里要用 {needed} 类型的一项来算"
        yield Fault("supports", support.id, ("amount", "of"), what, "按比例算的用金额，按个数算（each: true）的用个数")


def _ceilings(support: Support, seen: dict[str, tuple[str, Cap]]) -> Iterator[Fault]:
    """Caps with the same id are one ceiling: they must say the same."""
    for index, cap in enumerate(support.caps):
        other, first = seen.setdefault(cap.id, (support.id, cap))
        if _said(cap) != _said(first):
            what = f"上限“{cap.id}”和“{other}”里写的不一样"
            yield Fault("supports", support.id, ("caps", index, "id"), what, "同一个编号是同一条上限：改成一样，或换一个编号")


def _said(cap: Cap) -> Sequence[object]:
    return (cap.scope, cap.max, cap.both_tiers, cap.replaces)
