"""Values read out of what people type: a message's regions, parks, segments, sums, phases, classes, dates, stages and events.

All readers are pure and take any text; positions count in the normalised text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from types import MappingProxyType
from typing import Literal

from knowledge.amounts import read_money
from knowledge.claims import Claims
from knowledge.dates import read_dates
from knowledge.denial import denied_name
from knowledge.facts import FactType, Region, Segment
from knowledge.grades import read_device_classes, read_drug_classes, read_phases
from knowledge.names import Names, park_names, read_loosely, region_names, segment_names
from knowledge.numerals import Found, normalise, read_contacts, read_number
from knowledge.records import Park

__all__ = ["Found", "Vocabulary", "normalise", "read_contacts", "read_dates", "read_device_classes", "read_drug_classes", "read_money"]
__all__ += ["read_number", "read_phases", "read_yes_no"]

_YES = re.compile(
    "(?:是|对|好|嗯|行|有|要)+[的啊呀呢吧哒嘞]*|是的是的|对的对的|没错|没问题|可以的?|当然|确[定认]|同意|愿意|y|yes|yeah|yep|ok|okay|sure"
)
_NO = re.compile("不+|没+|否|无|不是的?|没有的?|没有没有|(?:还|暂时|目前|都)没有?|暂无|不[对行要用]|不需要|不可以|不同意|不愿意|no|n|nope")
_UNSURE = re.compile(
    "(?:我|还|也|这个)*(?:不太?(?:清楚|知道|确定|了解|明白|懂|晓得)|[说看搞弄]不(?:好|准|清|懂|明白)|不好说|没听说过?)"
    "|unknown|idk|not ?sure|(?:i )?don't know"
)


def read_yes_no(text: str) -> Literal["yes", "no", "unknown"] | None:
    """What a whole short message says to a yes-or-no question; None for anything else, questions (可以吗) too."""
    text = re.sub(r"(?<![a-z'])\s+|[,。.!~、…]+|谢谢你?|(?:了|哦|哈|呢|啦|啊|呀)(?=[\s,。.!~]*$)", "", normalise(text))
    if _YES.fullmatch(text):
        return "yes"
    if _NO.fullmatch(text):
        return "no"
    return "unknown" if _UNSURE.fullmatch(text) else None


_URL = re.compile(r"(?:https?://|www\.)[!-~]+")


class Vocabulary:
    """The names and cues of a knowledge base, ready to be found in messages."""

    def __init__(
        self,
        regions: Iterable[Region],
        segments: Iterable[Segment],
        facts: Iterable[FactType],
        parks: Iterable[Park],
        called: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """`called`: what papers call a segment, by that name; the segments' own names and aliases come first."""
        regions, segments = tuple(regions), tuple(segments)
        named, derived = region_names(regions)
        self._names = Names({**segment_names(segments, called), **derived, **named, **park_names(parks, regions)})
        self._claims = Claims(facts)
        self._broadest = {s.id for s in segments if s.within is None}

    def read(self, text: str, today: date) -> tuple[Found, ...]:
        """All values of a message in the order in which they stand; each value of a kind once.

        A region inside the name of a park is not listed again, a name that is denied (不是太仓) not at all.
        """
        text = normalise(text)
        result = read_contacts(text)
        for start, end in [*((c.start, c.end) for c in result), *(m.span() for m in _URL.finditer(text))]:
            text = text[:start] + "□" * (end - start) + text[end:]
        classes = [*read_device_classes(text), *read_drug_classes(text)]
        claims = list(self._claims.read(text))
        result += self._named(text, classes, [c for c in claims if c.kind == "event"])
        sums = [f for f in (*read_money(text), *read_dates(text, today)) if not denied_name(text, f.start)]
        result += [*claims, *read_phases(text), *classes, *sums]
        unique: dict[tuple[str, str], Found] = {}
        for found in sorted(result, key=lambda found: (found.start, found.kind == "event")):
            unique.setdefault((found.kind, repr(found.value)), found)
        return tuple(unique.values())

    def _named(self, text: str, classes: list[Found], events: list[Found]) -> list[Found]:
        """The regions, parks and segments of a message; a broad word in a class or an event (三类器械, 新药批了) is no field."""
        names = list(self._names.read(text))
        if loose := list(read_loosely(self._names, text)):
            names = [n for n in names if not any(n.start < f.end and f.start < n.end for f in loose)] + loose
        names = [n for n in names if not denied_name(text, n.start)]
        sure = {n.token for n in names if n.kind == "region"}
        return [
            n
            for n in names
            if not (n.kind == "ambiguous_region" and not sure.isdisjoint(n.value))
            and not (n.kind == "segment" and n.token in self._broadest and (_beside(text, n, classes) or (n.token == "drug" and _inside(n, events))))
        ]


_QUALITY = re.compile("[的 ]?(?:创新|高端|国产|进口|医用|植入|[有无]源)?的?")


def _beside(text: str, name: Found, classes: Iterable[Found]) -> bool:
    """Whether a name belongs to a class: 三类器械, 二类的医疗器械, class II device."""
    return any(c.start < name.end and (name.start <= c.end or _QUALITY.fullmatch(text, c.end, name.start)) for c in classes)


def _inside(name: Found, events: Iterable[Found]) -> bool:
    return any(e.start <= name.start and name.end <= e.end for e in events)
