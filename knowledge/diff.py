"""What is different between two knowledge bases: the facts that changed, in words, and the outcomes that follow from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from knowledge import assessments, stacking
from knowledge.agenda import Sheet
from knowledge.labels import label, labels
from knowledge.money import Money
from knowledge.shapes import Shape
from knowledge.snapshot import Knowledge


@dataclass(frozen=True, slots=True)
class Change:
    """A record that is new (`added`), gone (`removed`) or different (`changed`); `before` and `after` are texts, empty where there is none."""

    kind: str
    key: str
    name: str
    how: str
    field: str = ""
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Profile:
    """A company whose pre-check is run again: from a record's worked example, or from a talk, without the person."""

    name: str
    region: str
    facts: Mapping[str, str]
    day: date


@dataclass(frozen=True, slots=True)
class Flip:
    """A support that comes to another result for a profile; texts such as `met 0-3000000 CNY`, empty where the support is not there."""

    profile: Profile
    support: str
    subject: str
    before: str
    after: str


def changes(old: Mapping[str, Mapping[str, Shape]], new: Mapping[str, Mapping[str, Shape]]) -> Iterator[Change]:
    """Every difference between two sets of tables (kind → key → record), in the order of the kinds and keys."""
    for kind in dict.fromkeys((*old, *new)):
        before, after = old.get(kind, {}), new.get(kind, {})
        for key in dict.fromkeys((*before, *after)):
            if key not in after:
                yield Change(kind, key, _name(before[key]), "removed")
            elif key not in before:
                yield Change(kind, key, _name(after[key]), "added")
            elif before[key] != after[key]:
                yield from _fields(kind, key, before[key], after[key])


def _fields(kind: str, key: str, before: Shape, after: Shape) -> Iterator[Change]:
    was, now = dict(_leaves(before)), dict(_leaves(after))
    for path in dict.fromkeys((*was, *now)):
        if was.get(path) != now.get(path):
            yield Change(kind, key, _name(after), "changed", path, was.get(path, ""), now.get(path, ""))


def _leaves(value: BaseModel, above: str = "") -> Iterator[tuple[str, str]]:
    """Every value of a record as text, by its path in an admin's words (金额 / 上限); list members by their id or place."""
    for name in type(value).model_fields:
        held, path = getattr(value, name), f"{above}{' / ' if above else ''}{label(type(value), name)[0]}"
        if isinstance(held, BaseModel):
            yield from _leaves(held, path)
        elif isinstance(held, tuple) and held and isinstance(held[0], BaseModel):
            for index, item in enumerate(held, 1):
                yield from _leaves(item, f"{path} {_named(item) or index}")
        elif held is not None and held is not False and held not in ((), {}):
            yield path, _text(held)


def _named(item: BaseModel) -> str:
    """What tells a member of a list from the others, whatever its place."""
    return next((str(v) for name in ("id", "token", "name") if (v := getattr(item, name, None))), "")


def _text(value: Any) -> str:
    match value:
        case Money():
            return value.printed
        case Decimal():
            return f"{(value * 100).normalize():f}%"
        case tuple():
            return "、".join(map(_text, value))
        case Mapping():
            return "、".join(f"{k}={_text(v)}" for k, v in value.items())
        case True:
            return "是"
        case _:
            return str(value)


def _name(record: Shape) -> str:
    named: str = getattr(record, "name", None) or getattr(record, "title", None) or (getattr(record, "ask", None) or ("",))[0]
    return named


def kind_name(kind: str) -> str:
    """A kind of record in an admin's words: 支持, 园区."""
    return labels()[f"kinds.{kind}"][0]


def examples(knowledge: Knowledge) -> Iterator[Profile]:
    """The worked examples of all supports as profiles."""
    for support in knowledge.supports.values():
        for index, example in enumerate(support.examples, 1):
            yield Profile(f"{support.id} 的例子 {index}", support.region, example.facts, example.today)


def flips(old: Knowledge, new: Knowledge, profiles: Iterable[Profile]) -> Iterator[Flip]:
    """Every result that is another one under the new knowledge, for each profile on its day."""
    for profile in profiles:
        before, after = _results(old, profile), _results(new, profile)
        for key in dict.fromkeys((*before, *after)):
            if before.get(key) != after.get(key):
                yield Flip(profile, key[0], key[1], before.get(key, ""), after.get(key, ""))


def _results(knowledge: Knowledge, profile: Profile) -> dict[tuple[str, str], str]:
    if profile.region not in knowledge.regions:
        return {}
    try:
        rows = Sheet(knowledge.agendas[profile.region], profile.facts).assess(profile.day)
    except ValueError:  # an answer that its fact no longer reads
        return {("", "unreadable"): "unreadable"}
    found = {(r.support.id, r.subject): f"{r.status}{_sum(r.estimate)}" for r in rows}
    total = stacking.total(rows)
    if total:
        found["", "total"] = f"{_plain(total.low)}-{_plain(total.high)} {total.currency}"
    return found


def _sum(estimate: assessments.Estimate | None) -> str:
    return f" {_plain(estimate.low)}-{_plain(estimate.high)} {estimate.currency}" if estimate else ""


def _plain(value: Decimal) -> str:
    return f"{value:f}".rstrip("0").rstrip(".") if "." in f"{value:f}" else f"{value:f}"
