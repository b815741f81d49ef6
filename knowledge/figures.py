"""Checking figures against imported papers: every sum, share and count that a record says must stand in a section that it cites."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from knowledge.money import Money
from knowledge.papers import lies_in, plain
from knowledge.records import Document, Indicator, Passage, QuestionAnswer, Record
from knowledge.shapes import Citation, parts

_UNSAID = frozenset(
    {"id", "region", "aliases", "ask", "topics", "kind", "matter", "state", "same_kind", "layout", "part_of", "superseded_by"}
    | {"superseded_on", "since", "until", "fact", "any_of", "of", "facts", "examples", "about", "segment", "stage", "need"}
    | {"role", "scope", "per", "strength", "recipient", "serve", "bound", "counts", "aim", "reckoned", "application", "checked"}
    | {"contact"}
)  # fmt: skip
"""Fields that no answer reads out as a paper's words, that people ask in, or that admins find out elsewhere."""
_REFERENCE = re.compile(r"(?:附件)?第\d+(?:[-、至]\d+)*[项条](?:到第\d+项)?|附件\d+|专栏\d+")
"""Where something stands (附件第1至8项) is no figure of the paper."""
_DAY = re.compile(r"\d{4}年\d{1,2}月\d{1,2}日")
_FIGURE = re.compile(r"\d+(?:\.\d+)?(?:-\d+(?:\.\d+)?)?[%万亿]*(?:平方米|美元|[元家个人名亩件批年级强类期次位项+])?")
_RANGE = re.compile(r"(?<![\d.])(\d+(?:\.\d+)?)-\d+(?:\.\d+)?([%万亿]*(?:平方米|美元|[元家个人名亩件批年级强类期次位项])?)")
_CELL = re.compile(r"\(([^()|\n]+)\)\|?\n?\|?(\d+)\|?\n?\|?(\d+)")
"""A row of a table: its heading bears the unit in brackets, its cells the bare figures."""


class Papers:
    """The imported papers, ready to be searched for figures."""

    def __init__(self, passages: Mapping[str, Passage]) -> None:
        self._sections: dict[str, dict[str, str]] = defaultdict(dict)
        for passage in passages.values():
            self._sections[passage.document][passage.section] = _spelled_out(passage.text)

    def __contains__(self, document: str) -> bool:
        return document in self._sections

    def sections(self, document: str) -> tuple[str, ...]:
        """The names of a paper's sections, in their order."""
        return tuple(self._sections.get(document, ()))

    def text(self, document: str, section: str = "") -> str:
        """A section with all that lies in it (or the whole paper), in plain spelling; empty where there is no such section."""
        return "|".join(t for s, t in self._sections.get(document, {}).items() if not section or lies_in(s, section))


def _spelled_out(text: str) -> str:
    """Plain text in which 10-30% also says 10%, and table cells bear the unit of their row."""
    spelled = plain(text)
    spelled += "".join(f"|{low}{unit}" for low, unit in _RANGE.findall(spelled))
    cells = _CELL.findall("\n".join(map(plain, text.split("\n"))))
    return spelled + "".join(f"|{first}{unit}|{second}{unit}" for unit, first, second in cells)


def citations(record: BaseModel) -> list[Citation]:
    """Every citation anywhere in a record, each once."""
    return list(dict.fromkeys(part for _, part in parts(record) if isinstance(part, Citation)))


def said(value: object) -> Iterator[str]:
    """Every text, amount and number that an answer may read out, in plain spelling."""
    match value:
        case Citation():
            return
        case BaseModel():
            for name in type(value).model_fields:
                if name not in _UNSAID:
                    yield from said(getattr(value, name))
        case tuple():
            for part in value:
                yield from said(part)
        case str():
            yield plain(value)
        case Money():
            yield value.printed
        case Decimal():
            yield f"{(value * 100).normalize():f}%"
        case int() if not isinstance(value, bool):
            yield str(value)


def figures(record: object) -> Iterator[str]:
    """Every figure that a record says: 300万元, 10%, 2023年, 5家."""
    if isinstance(record, Indicator):  # a bare value says nothing: 500 stands in every paper
        unit = plain(record.unit).partition("/")[0]
        yield from (plain(v) + unit for v in (record.value, re.sub(r"[(（].*", "", record.baseline or "")) if v)
        record = record.model_copy(update={"value": "", "baseline": None})
    for text in said(record):
        yield from _FIGURE.findall(_DAY.sub("", _REFERENCE.sub("", text)))


def stands(figure: str, text: str) -> bool:
    """Whether a figure stands in a plain text, not as a part of a longer one."""
    longer = "(?!美?元)" if figure[-1] in "万亿" else ""
    return re.search(rf"(?<![\d.]){re.escape(figure)}(?!\.?\d){longer}", text) is not None


def strange(record: Record | QuestionAnswer, papers: Papers) -> Iterator[tuple[str, str]]:
    """The figures of a record that stand in none of the sections it cites, and reckoned ones that are not needed: figure, what is wrong."""
    cited = citations(record)
    if not all(c.document in papers for c in cited):
        return
    text = "|".join(papers.text(c.document, c.section) for c in cited)
    found = set(figures(record))
    reckoned = {plain(f) for f in record.reckoned}
    for figure in sorted(found - reckoned):
        if not stands(figure, text):
            yield figure, "absent"
    for figure in sorted(reckoned):
        if figure not in found:
            yield figure, "unused"
        elif stands(figure, text):
            yield figure, "stands"


def strange_in_document(document: Document, papers: Papers) -> Iterator[str]:
    """The figures in a document's own particulars that stand nowhere in it."""
    text = papers.text(document.id)
    said_there: Any = (document.title, document.number or "", document.scope or "", *document.notes)
    for figure in sorted(set(figures(said_there))):
        if not stands(figure, text):
            yield figure
