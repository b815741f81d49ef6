"""Finding the records that a question is about: names and usual phrasings first, then the words of the record.

Scores lie between 0 and 1. The words part is the share of the question's rarity-weighted character pairs that a record holds, so a
question about something else stays low however long it is.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from knowledge.records import Channel, Clause, Difference, Indicator, Layout, Park, QuestionAnswer, Record, Service, Task
from knowledge.supports import Support
from knowledge.values import normalise

_FILLERS = re.compile(
    "请问|你好|您好|麻烦|帮我|帮忙|我想|想要|想问|问一下|问下|咨询|了解一下|了解|知道|告诉我|查一下|看一下|看看|一下|"
    "我们公司|我们|我司|咱们|本公司|有没有|有什么|有哪些|是什么|什么样|什么|哪些|哪个|哪里|怎么样|怎样|怎么|如何|"
    "是不是|能不能|可不可以|可以|能够|需要|应该|多少钱|多少|几个|有(?=奖励|补贴|资助|钱|支持|政策|优惠)|吗|呢|啊|吧|呀|的话|的|了|是|给|和|跟|与|在|个|么"
)
_PUNCTUATION = re.compile(r"[\s,.;:!?，。；：！？、“”\"'‘’（）()《》<>\[\]【】…—\-·/~～]+")
_CANDIDATES = 28
_LAYOUT = ("园区布局", "产业布局", "空间布局", "布局")
"""What every layout is also called."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A record and how well a question fits it."""

    record: Record | QuestionAnswer
    score: float
    title: float
    """How well the question fits the record's name, aliases or phrasings alone."""


@dataclass(frozen=True, slots=True)
class _Entry:
    record: Record | QuestionAnswer
    titles: tuple[str, ...]
    title_pairs: tuple[frozenset[str], ...]
    title_mass: tuple[float, ...]
    sentences: bool


class Search:
    """An index over the records that answers are made of."""

    def __init__(self, records: Iterable[Record | QuestionAnswer], strip: Sequence[str] = ()) -> None:
        words = sorted((normalise(s) for s in strip), key=len, reverse=True)
        self._strip = re.compile("|".join(map(re.escape, words))) if words else None
        every = tuple(records)
        self._names = {_bare(normalise(title)) for record in every for title in _titles(record)}
        raw: list[tuple[Record | QuestionAnswer, tuple[str, ...], tuple[frozenset[str], ...]]] = []
        self._postings: dict[str, list[int]] = defaultdict(list)
        for record in every:
            titles = tuple(dict.fromkeys(t for t in map(self.content, _titles(record)) if t))
            title_pairs = tuple(frozenset(pairs(t)) for t in titles)
            for gram in set(pairs(self.content(_body(record)))).union(*title_pairs):
                self._postings[gram].append(len(raw))
            raw.append((record, titles, title_pairs))
        total = len(raw)
        self._weight = {gram: math.log(1 + total / len(rows)) for gram, rows in self._postings.items()}
        self._unseen = math.log(1 + total)
        self._entries = [_Entry(r, t, p, tuple(sum(self._weight[g] for g in s) for s in p), isinstance(r, QuestionAnswer)) for r, t, p in raw]

    def __contains__(self, pair: str) -> bool:
        """Whether two characters stand side by side in a record."""
        return pair in self._weight

    def content(self, text: str) -> str:
        """What a text is about: without greetings, question words, punctuation and the names of regions."""
        text = normalise(text)
        stripped = self._strip.sub("", text) if self._strip else text
        if bare := _bare(stripped):
            return bare
        whole = _bare(text)  # 苏州科技城 is a name of its region, and a park
        return whole if whole in self._names else _PUNCTUATION.sub("", stripped)

    def is_name(self, text: str, record: Record | QuestionAnswer) -> bool:
        """Whether a text is nothing but a name of this record."""
        return self.content(text) in map(self.content, _titles(record))

    def find(self, text: str, regions: Collection[str] = (), limit: int = 8) -> list[Hit]:
        """The best records for a question, best first; only of these regions where some are given."""
        query = self.content(text)
        wanted = set(pairs(query))
        mass = sum(self._weight.get(g, self._unseen) for g in wanted)
        if not mass:
            return []
        covered: dict[int, float] = defaultdict(float)
        for gram in wanted:
            for index in self._postings.get(gram, ()):
                covered[index] += self._weight[gram]
        rows = (i for i in covered if not regions or self._entries[i].record.region in regions)
        best = sorted(rows, key=lambda i: (-covered[i], i))[:_CANDIDATES]
        hits = [self._hit(i, query, wanted, covered[i], mass) for i in best]
        return sorted(hits, key=lambda h: (-h.score, h.record.id))[:limit]

    def _hit(self, index: int, query: str, wanted: set[str], covered: float, mass: float) -> Hit:
        entry = self._entries[index]
        title = max(
            (
                self._title(query, wanted, mass, *title, entry.sentences)
                for title in zip(entry.titles, entry.title_pairs, entry.title_mass, strict=True)
            ),
            default=0.0,
        )
        return Hit(entry.record, round(0.6 * title + 0.4 * covered / mass, 4), round(title, 4))

    def _title(self, query: str, wanted: set[str], mass: float, title: str, title_pairs: frozenset[str], title_mass: float, sentence: bool) -> float:
        if title == query:
            return 1.0
        shared = sum(self._weight[g] for g in wanted & title_pairs)
        if not shared:
            return 0.0
        of_title = shared / title_mass
        of_query = shared / mass
        both = 2 * of_title * of_query / (of_title + of_query)
        ratio = fuzz.ratio(query, title, processor=None) / 100
        if sentence:
            return max(both, 0.5 * both + 0.5 * ratio)
        return max(both, 0.75 * of_title + 0.25 * of_query if len(title) >= 3 else 0.0, 0.5 * both + 0.5 * ratio)


def _bare(text: str) -> str:
    return _PUNCTUATION.sub("", _FILLERS.sub("", text))


def pairs(text: str) -> list[str]:
    """The character pairs of a text; a text of one character is its own pair."""
    return [text[i : i + 2] for i in range(len(text) - 1)] or ([text] if text else [])


def _titles(record: Record | QuestionAnswer) -> tuple[str, ...]:
    if isinstance(record, QuestionAnswer):
        return record.ask
    return (record.name, *record.aliases, *(_LAYOUT if isinstance(record, Layout) else ()))


def _body(record: Record | QuestionAnswer) -> str:
    match record:
        case QuestionAnswer():
            return record.answer
        case Support():
            return " ".join((record.summary, *(c.text for c in record.criteria)))
        case Park():
            parts = (
                record.summary,
                record.positioning or "",
                *(f.name for f in record.focus),
                *(o.text for o in record.offers),
                *record.institutions,
            )
            return " ".join(parts)
        case Channel():
            return record.route
        case Service():
            return " ".join((record.text, record.whom, record.next, *(i.text for i in record.items)))
        case Task():
            units = record.responsible.units if record.responsible else ()
            return " ".join((record.text, record.group or "", *(u.name for u in units)))
        case Difference():
            return " ".join((record.text, *(r.text for r in record.readings)))
        case Clause():
            return record.text
        case Layout():
            return f"{record.pattern} {record.summary}"
        case Indicator():
            return f"{record.wording or ''} {record.value} {record.unit} {f'{record.year}年' if record.year else ''}"
        case _:
            return ""
