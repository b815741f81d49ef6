"""Finding the records that a question is about: by their names and usual phrasings, and by their words.

A record is looked up by all that it says and is called, and by how people ask for it (BM25); its score is its share of the highest score
that the question could get, so that a question about something else stays low however long it is. A record that is called by its very
name comes first.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from rapidfuzz import fuzz

from knowledge.bm25 import Bm25, grams, tokens
from knowledge.records import Channel, Clause, Difference, Indicator, Layout, Park, QuestionAnswer, Record, Service, Task
from knowledge.supports import Support
from knowledge.values import normalise

_FILLERS = re.compile(
    "请问|你好|您好|今天|麻烦|帮我|帮忙|我想|想要|想问|问一下|问下|咨询|了解一下|了解|知道|告诉我|查一下|看一下|看看|一下|"
    "我们公司|我们|我司|咱们|本公司|有没有|有什么|有哪些|是什么|什么样|什么|哪些|哪个|哪里|怎么样|怎样|怎么|如何|"
    "是不是|能不能|可不可以|可以|能够|需要|应该|多少钱|多少|几个|有(?=奖励|补贴|资助|钱|支持|政策|优惠)|吗|呢|啊|吧|呀|的话|的|了|是|给|和|跟|与|在|个|么"
)
_PUNCTUATION = re.compile(r"[\s,.;:!?，。；：！？、“”\"'‘’（）()《》<>\[\]【】…—\-·/~～]+")
NAMED = 1.0
"""The score of a record that is called by its very name."""
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
class _Title:
    text: str
    grams: frozenset[str]
    mass: float


class Search:
    """An index over the records that answers are made of."""

    def __init__(
        self, records: Iterable[Record | QuestionAnswer], strip: Sequence[str] = (), asks: Mapping[str, Sequence[str]] = MappingProxyType({})
    ) -> None:
        """`strip`: names that say nothing about a record, such as those of regions; `asks`: how people ask for a record, by its id."""
        words = sorted((normalise(s) for s in strip), key=len, reverse=True)
        self._strip = re.compile("|".join(map(re.escape, words)) or r"(?!)")
        self._records = tuple(records)
        self._names: set[str] = set()
        """Names that are nothing but the name of a region: 苏州科技城 is one, and a park."""
        self._index = Bm25([self._strip.sub(" ", normalise(text_of(r, asks.get(r.id, ())))) for r in self._records])
        self._titles = tuple(tuple(dict.fromkeys(map(self._content_of, _titles(r)))) for r in self._records)
        self._title = cache(self._read_title)  # most are never compared with a question
        self._called: defaultdict[str, list[int]] = defaultdict(list)
        self._of_region: defaultdict[str, set[int]] = defaultdict(set)
        for place, record in enumerate(self._records):
            self._of_region[record.region].add(place)
            for title in self._titles[place]:
                self._called[title].append(place)

    def __contains__(self, pair: str) -> bool:
        """Whether two characters stand side by side in a record."""
        return pair in self._index

    def content(self, text: str) -> str:
        """What a text is about: without greetings, question words, punctuation and the names of regions."""
        text = normalise(text)
        stripped = self._strip.sub("", text)
        if bare := _bare(stripped):
            return bare
        whole = _bare(text)  # 苏州科技城 is a name of its region, and a park
        return whole if whole in self._names else _PUNCTUATION.sub("", stripped)

    def _content_of(self, title: str) -> str:
        """What a title is about; one that is only a region's name is kept whole."""
        text = normalise(title)
        if bare := _bare(self._strip.sub("", text)):
            return bare
        self._names.add(whole := _bare(text) or text)
        return whole

    def is_name(self, text: str, record: Record | QuestionAnswer) -> bool:
        """Whether a text is nothing but a name of this record."""
        return self.content(text) in map(self.content, _titles(record))

    def find(self, text: str, regions: Collection[str] = (), limit: int = 8) -> list[Hit]:
        """The best records for a question, best first; only of these regions where some are given."""
        query = self.content(text)
        if not query:
            return []
        among = set().union(*(self._of_region[r] for r in regions)) if regions else None
        named = [place for place in self._called.get(query, ()) if among is None or place in among]
        words = dict(self._index.search(_FILLERS.sub(" ", self._strip.sub(" ", normalise(text))), limit, among))
        asked = self._read_title(query)
        hits = [self._hit(place, asked, words.get(place, 0.0)) for place in dict.fromkeys((*named, *words))]
        return sorted(hits, key=lambda h: (-h.score, -h.title, h.record.id))[:limit]

    def _read_title(self, text: str) -> _Title:
        own = frozenset(grams(tokens(text)))
        return _Title(text, own, math.fsum(map(self._index.rarity, own)))

    def _hit(self, place: int, asked: _Title, words: float) -> Hit:
        record = self._records[place]
        sentence = isinstance(record, QuestionAnswer)
        title = max((self._likeness(asked, t, sentence) for t in map(self._title, self._titles[place])), default=0.0)
        return Hit(record, round(max(words, NAMED * (title == 1.0)), 4), round(title, 4))

    def _likeness(self, asked: _Title, title: _Title, sentence: bool) -> float:
        if title.text == asked.text:
            return 1.0
        shared = math.fsum(map(self._index.rarity, asked.grams & title.grams))
        if not shared:
            return 0.0
        of_title, of_query = shared / title.mass, shared / asked.mass
        both = 2 * of_title * of_query / (of_title + of_query)
        ratio = fuzz.ratio(asked.text, title.text, processor=None) / 100
        if sentence:
            return max(both, 0.5 * both + 0.5 * ratio)
        return max(both, 0.75 * of_title + 0.25 * of_query if len(title.text) >= 3 else 0.0, 0.5 * both + 0.5 * ratio)


def _bare(text: str) -> str:
    return _PUNCTUATION.sub("", _FILLERS.sub("", text))


def text_of(record: Record | QuestionAnswer, asks: Sequence[str] = ()) -> str:
    """All that a record is looked up by: its names, how people ask for it, and what it says."""
    english = (record.en,) if not isinstance(record, QuestionAnswer) and record.en else ()
    return "。".join((*_titles(record), *english, *asks, _body(record)))


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
                *record.there,
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
