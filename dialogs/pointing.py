"""How a message points at products that were told before: by number, by place, by year or class; and what it says of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dialogs import mentioned, phrases
from dialogs.talk import Talk
from knowledge.denial import denied

_NAMED = re.compile(
    r"产品 ?(?P<id>[1-9]|[一二三四五六七八九](?![类期般起种直个证年]))|(?P<no>[1-9])号(?:产品|器械|证)|product (?P<en>[1-9])"
    r"|第(?P<nth>[一二三四五六七八九1-9])[个款张](?![月季年人])(?:产品|器械|证)?|最后(?:一|那)?[个款张]|the (?P<word>first|second|third)(?: one| product)?\b"
    r"|(?P<rest>其[他它余](?:的|产品|[几两三][个款张])(?!创新)|剩下的?(?:[几两三一]?[个款张])?|另(?:外)?[一那][个款张])"
)
_GONE = re.compile(
    r"(?:没有了|没了|不要了|不要(?!写|看|按|再|改|算(?![进上在]))|不算了?(?!第?[一二三123]类)|不报了|不做了|去掉|删掉?|拿掉|撤掉|作废|\b(?:drop|remove|delete)\b)(?!\s?[1-9一两二三四五六七八九]\s?[个张款])"
)
_GONE_BEFORE = re.compile(r"(?:去掉|删掉?|拿掉|撤掉|没有|不要|不算)\s?(?:那[个张款])?$")
_ONLY_BEFORE = re.compile(r"(?:只|仅)(?:有|要|留|剩|报|算|保留)(?:下了?|了)?\s?(?:那[个张款])?$")
_THAT = re.compile(r"(?:证|器械|产品)?的?[那这](?P<one>[个款张]|些|[几两三][个款张])(?:证|器械|产品)?")
_OF_SORT = r"的?(?:证|器械|产品|新药)?(?:也|都|全|就)*\s?"
_GOES = re.compile(_OF_SORT + _GONE.pattern)
_ENDS = re.compile(_OF_SORT + r"(?:了|吧|$|[,，。;；!])")
_SAID = re.compile(r"年?份?(?:拿到?|取得|获得|批下?来?)?的(?:证|器械|产品)?(?=是(?!什么|哪|啥)|应该是|改成|不是)")
_YEAR_OF = re.compile(r"\s?年?份?(?:拿到?|取得|获得?|批下?来?|下来)?[了的]*")
_SORT = re.compile(r"(?:证|器械|产品|新药)?")
_GLUE = re.compile(r"[\s、,，和与跟及]*")
_BREAK = re.compile(r"[,，;；。、!]")
_VERB = re.compile(r"(?:去掉|删掉?|拿掉|撤掉|只留下?|保留)\s?$")
_DIGITS = {**{c: n for n, c in enumerate("一二三四五六七八九", 1)}, "first": 1, "second": 2, "third": 3}
_CLASS = re.compile(r"(?<![这那哪另同每某各几分\d一二三])第?(?P<n>[一二三123]|(?<![a-z])i{1,3})类(?P<drug>的?(?:创新|改良型?|新)*药)?")
_GRADES = {"一": "I", "1": "I", "i": "I", "二": "II", "2": "II", "ii": "II", "三": "III", "3": "III", "iii": "III"}

Told = Mapping[str, Mapping[str, str]]
"""The products by their ids in order, each with what is known of it by field (`class` → `III`)."""


@dataclass(frozen=True, slots=True)
class Pointed:
    """What a message says of some products: which (`ids`; one that is not listed may be among them), the words, and whether they go or alone stay."""

    ids: tuple[str, ...]
    words: str
    """What stands after the products, up to where the next ones are spoken of."""
    gone: bool = False
    only: bool = False
    one: bool = False
    """Whether one product is meant, by words that fit none or several (2021年那个)."""
    name: str = ""
    """The words that point, where they tell a year or a class."""


@dataclass(frozen=True, slots=True)
class _Mark:
    start: int
    end: int
    ids: tuple[str, ...]
    by_value: bool = False
    one: bool = False
    rest: bool = False


def says_gone(text: str) -> bool:
    """Whether a message says that something is gone, which is never a new value of it."""
    return _GONE.search(text) is not None


def named(text: str, listed: Sequence[str]) -> str:
    """The first product that a message names by its number or its place, or ""."""
    return next((_number(m, listed) for m in _NAMED.finditer(text) if not m["rest"]), "")


def unnamed(text: str) -> str:
    """A message without the numbers of products."""
    return re.sub(rf"(?:{_NAMED.pattern})(?:是|的)?", "", text)


def pointed(talk: Talk, told: Told) -> list[Pointed]:
    """What the message says of products that it points at, each with the words of its own clauses."""
    text, listed = talk.text, tuple(told)
    marks = [_Mark(*m.span(), (() if m["rest"] else (_number(m, listed),)), rest=bool(m["rest"])) for m in _NAMED.finditer(text)]
    marks += [
        v for v in _by_value(talk, told) if not any(m.start < v.end and (v.start < m.end or not _BREAK.search(text, m.end, v.start)) for m in marks)
    ]
    groups: list[list[_Mark]] = []
    for mark in sorted(marks, key=lambda m: m.start):
        if groups and _together(text, groups[-1], mark):
            groups[-1].append(mark)
        else:
            groups.append([mark])
    if not groups:
        return []
    spoken_of = {i for m in marks for i in m.ids}
    found = []
    starts = [_begins(text, groups[n - 1][-1].end if n else 0, group[0].start, first=n == 0) for n, group in enumerate(groups)]
    for group, start, end in zip(groups, starts, (*starts[1:], len(text)), strict=True):
        before, after = text[start : group[0].start], text[group[-1].end : end]
        ids = dict.fromkeys(i for m in group for i in (m.ids if not m.rest else (i for i in listed if i not in spoken_of)))
        lone = group[0] if len(group) == 1 and group[0].by_value else None
        only = bool(_ONLY_BEFORE.search(before)) and bool(_ENDS.match(after))
        gone = not only and (says_gone(f"{before}\0{after}") or bool(lone and _GONE_BEFORE.search(before)))
        found.append(Pointed(tuple(ids), after, gone, only, bool(lone and lone.one), text[lone.start : lone.end] if lone else ""))
    return found


def _together(text: str, group: Sequence[_Mark], mark: _Mark) -> bool:
    """Whether a product is named in one breath with those before it (产品1、产品2都是二类), not as another matter (去掉产品1，产品2是二类)."""
    between = _GLUE.fullmatch(text, group[-1].end, mark.start)
    another = (
        between is not None and re.search("[,，]", between[0]) and _GONE_BEFORE.search(text[: group[0].start]) and not _ENDS.match(text, mark.end)
    )
    return between is not None and not another


def wanted(talk: Talk, text: str) -> list[Mapping[str, str]]:
    """The products that the words count, each with what they say of it."""
    found = [f for f in talk.knowledge.vocabulary.read(text, talk.stage.today) if not denied(text, f.start, f.end)]
    given = mentioned.facts_in(found, talk.knowledge, text)
    numbers = [n for n in given.get("products", "").split(",") if n]
    return [{k.removeprefix(f"product.{n}."): v for k, v in given.items() if k.startswith(f"product.{n}.")} for n in numbers]


def fields(talk: Talk, words: str) -> dict[str, str]:
    """What the words say of one product: its class, its phase, its year, and what else is called by its name (没有自主知识产权)."""
    text = phrases.after_correction(words)
    counted = wanted(talk, text)
    told = dict(counted[0]) if len(counted) == 1 else {}
    said = {year for _, _, year in years(talk, text) if int(year) <= talk.now.year}
    return {**flags(talk, words), **told, **({"year": said.pop()} if len(said) == 1 and len(counted) < 2 else {})}


def flags(talk: Talk, words: str) -> dict[str, str]:
    """The yes-or-no facts of a product that the words state."""
    return {k.removeprefix("product."): v for k, v in mentioned.flags_in(words, talk.knowledge).items() if k.startswith("product.")}


def years(talk: Talk, words: str) -> list[tuple[int, int, str]]:
    """The years that the words name, each with where it stands."""
    return mentioned.years_in(talk.knowledge.vocabulary.read(words, talk.stage.today), words)


def _begins(text: str, after: int, start: int, first: bool) -> int:
    """Where the words of a product begin: after the last mark of its sentence, or with the verb right before it (去掉产品2)."""
    breaks = [m.end() for m in _BREAK.finditer(text, after, start)]
    if breaks or first:
        return breaks[-1] if breaks else 0
    verb = _VERB.search(text, after, start)
    return verb.start() if verb else start


def _by_value(talk: Talk, told: Told) -> Iterator[_Mark]:
    """The products that are pointed at by a year or a class (2021年那个, 二类的不要了, 只有2022年的)."""
    text = talk.text
    found = talk.knowledge.vocabulary.read(text, talk.stage.today)
    values = [(a, b, "year", year) for a, b, year in mentioned.years_in(found, text)]
    values += [
        (m.start(), m.end(), "drug_class", f"class_{len(_GRADES[m['n']])}") if m["drug"] else (m.start(), m.end(), "class", _GRADES[m["n"]])
        for m in _CLASS.finditer(text)
    ]
    values.sort()
    chained: list[list[tuple[int, int, str, str]]] = []
    for value in values:
        last = chained[-1] if chained else []
        if last and last[-1][2] == "year" and value[2] != "year" and _YEAR_OF.fullmatch(text, last[-1][1], value[0]):
            last.append(value)
        else:
            chained.append([value])
    for chain in chained:
        start, end = chain[0][0], chain[-1][1]
        if chain[-1][2] == "year" and (after := _YEAR_OF.match(text, end)):
            end = after.end() - (after[0].endswith("的"))
        before, that = text[:start], _THAT.match(text, end)
        gone = _GOES.match(text, end)
        asked_for = (_GONE_BEFORE.search(before) or _ONLY_BEFORE.search(before)) and _ENDS.match(text, end)
        stated = _SAID.match(text, chain[-1][1])
        if not (that or gone or asked_for or stated):
            continue
        ids = tuple(i for i, has in told.items() if all(has.get(f) == token for _, _, f, token in chain))
        sort = that or stated or _SORT.match(text, end)
        close = sort.end() if sort else end
        one = bool(that and that["one"] in "个款张") or (bool(stated) and not that)
        yield _Mark(start, close, ids, by_value=True, one=one)


def _number(mark: re.Match[str], listed: Sequence[str]) -> str:
    if by_id := mark["id"] or mark["no"] or mark["en"]:
        return str(_DIGITS.get(by_id, by_id))
    place = mark["nth"] or mark["word"]
    if place is None:  # the last one
        return listed[-1] if listed else "1"
    number = int(place) if place.isdigit() else _DIGITS[place]
    return listed[number - 1] if number <= len(listed) else str(number)
