"""Knowledge: an immutable snapshot of every record, with the look-ups that rules, dialogs and answers need."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from knowledge.facts import (
    Channel,
    Clause,
    Document,
    Elsewhere,
    FactType,
    Indicator,
    Intent,
    Layout,
    Park,
    QuestionAnswer,
    Record,
    Region,
    Segment,
    Spelling,
    Support,
)
from knowledge.inquiry import Agenda
from knowledge.matching import Matcher
from knowledge.search import Search
from knowledge.shapes import Citation
from knowledge.values import Vocabulary, normalise

Answerable = Record | QuestionAnswer


@dataclass(frozen=True)
class Knowledge:
    """All records by id. `version` is a hash of their content."""

    version: str
    regions: Mapping[str, Region]
    segments: Mapping[str, Segment]
    facts: Mapping[str, FactType]
    intents: Mapping[str, Intent]
    spellings: Mapping[str, Spelling]
    elsewhere: Mapping[str, Elsewhere]
    documents: Mapping[str, Document]
    layouts: Mapping[str, Layout]
    parks: Mapping[str, Park]
    supports: Mapping[str, Support]
    channels: Mapping[str, Channel]
    clauses: Mapping[str, Clause]
    indicators: Mapping[str, Indicator]
    questions: Mapping[str, QuestionAnswer]
    vocabulary: Vocabulary
    matcher: Matcher
    search: Search

    @cached_property
    def _misspelt(self) -> tuple[re.Pattern[str], Mapping[str, str]]:
        right = {normalise(w): s.right for s in self.spellings.values() for w in s.wrong}
        words = sorted(right, key=len, reverse=True)
        return re.compile("|".join(map(re.escape, words)) or r"(?!)"), right

    def read(self, text: str) -> str:
        """A message as it is read: normalised, and with known misspellings put right."""
        pattern, right = self._misspelt
        return pattern.sub(lambda m: right[m[0]], normalise(text))

    @cached_property
    def _elsewhere(self) -> re.Pattern[str]:
        names = (normalise(n) for e in self.elsewhere.values() for n in (e.name, *e.aliases))
        return re.compile("|".join(map(re.escape, names)) or r"(?!)")

    def is_elsewhere(self, text: str) -> bool:
        """Whether a message, as it is read, names a place that no document here covers."""
        return bool(self._elsewhere.search(text))

    def answerable(self) -> Iterator[Answerable]:
        """Every record that an answer can be made of."""
        for table in (self.layouts, self.parks, self.supports, self.channels, self.clauses, self.indicators, self.questions):
            yield from table.values()

    def record(self, record_id: str) -> Answerable | None:
        """The record with this id, whatever its kind."""
        for table in (self.supports, self.parks, self.channels, self.questions, self.clauses, self.layouts, self.indicators):
            if found := table.get(record_id):
                return found
        return None

    def upward(self, region: str) -> tuple[str, ...]:
        """The region and those it lies within, nearest first: kunshan, suzhou."""
        chain = [region]
        while (above := self.regions[chain[-1]].within) is not None:
            chain.append(above)
        return tuple(chain)

    def innermost(self, named: Sequence[str]) -> tuple[str, ...]:
        """These regions without those in which another of them lies."""
        outer = {above for r in named for above in self.upward(r)[1:]}
        return tuple(dict.fromkeys(r for r in named if r not in outer))

    def around(self, region: str) -> tuple[str, ...]:
        """The region and everything that lies within it: suzhou, taicang, snd, kunshan."""
        return tuple(r for r in self.regions if region in self.upward(r))

    def supports_in(self, region: str) -> tuple[Support, ...]:
        """The supports that hold in a region: its own first, then those of the regions above."""
        return tuple(s for r in self.upward(region) for s in self.supports.values() if s.region == r)

    @cached_property
    def agendas(self) -> Mapping[str, Agenda]:
        """What a pre-check asks, prepared for each region."""
        return {r: Agenda.of(self.supports_in(r), self.facts) for r in self.regions}

    def channels_in(self, region: str) -> tuple[Channel, ...]:
        """The approval channels of a region: its own first, then those of the regions above."""
        return tuple(c for r in self.upward(region) for c in self.channels.values() if c.region == r)

    def parks_in(self, region: str | None) -> tuple[Park, ...]:
        """The parks of a region and of those within it; all parks for None."""
        inside = set(self.regions) if region is None else set(self.around(region))
        return tuple(p for p in self.parks.values() if p.region in inside)

    def broader(self, segment: str) -> tuple[str, ...]:
        """The segments above this one, nearest first."""
        chain: list[str] = []
        above = self.segments[segment].within
        while above is not None:
            chain.append(above)
            above = self.segments[above].within
        return tuple(chain)

    def document_of(self, record: Answerable) -> Document:
        """The document in which a record stands."""
        source = record.sources[0] if isinstance(record, QuestionAnswer) else record.source
        return self.documents[source.document]


def citations(record: Answerable) -> tuple[Citation, ...]:
    """Where a record stands: its own place first, then the place that names its responsible units."""
    if isinstance(record, QuestionAnswer):
        return record.sources
    responsible = record.responsible if isinstance(record, Support | Channel) else None
    if responsible and responsible.source != record.source:
        return (record.source, responsible.source)
    return (record.source,)
