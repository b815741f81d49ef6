"""Knowledge: an immutable snapshot of every record, with the look-ups that rules, dialogs and answers need."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from knowledge.agenda import Agenda
from knowledge.bm25 import Bm25
from knowledge.facts import Asks, Elsewhere, FactType, Intent, Region, Segment, Spelling
from knowledge.matching import Matcher
from knowledge.papers import lies_in
from knowledge.records import Channel, Clause, Difference, Document, Indicator, Layout, Park, Passage, QuestionAnswer, Record, Service, Task
from knowledge.search import Search
from knowledge.shapes import Citation
from knowledge.spelling import Speller
from knowledge.supports import Support
from knowledge.values import Vocabulary, normalise

Answerable = Record | QuestionAnswer
ANSWERABLE = ("layouts", "parks", "supports", "channels", "services", "tasks", "clauses", "indicators", "differences", "questions")
"""The kinds of records that answers are made of; they share one set of ids."""


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
    industries: Mapping[str, Elsewhere]
    documents: Mapping[str, Document]
    passages: Mapping[str, Passage]
    """The sections of imported papers; empty where none was imported."""
    layouts: Mapping[str, Layout]
    parks: Mapping[str, Park]
    supports: Mapping[str, Support]
    channels: Mapping[str, Channel]
    services: Mapping[str, Service]
    tasks: Mapping[str, Task]
    clauses: Mapping[str, Clause]
    indicators: Mapping[str, Indicator]
    differences: Mapping[str, Difference]
    questions: Mapping[str, QuestionAnswer]
    asks: Mapping[str, Asks]
    vocabulary: Vocabulary
    speller: Speller
    matcher: Matcher
    search: Search

    def read(self, text: str) -> str:
        """A message as it is read: normalised, simplified, and with misspellings put right."""
        return self.speller.read(text)

    @cached_property
    def _elsewhere(self) -> re.Pattern[str]:
        names = (normalise(n) for e in self.elsewhere.values() for n in (e.name, *e.aliases))
        return re.compile("|".join(map(re.escape, names)) or r"(?!)")

    def is_elsewhere(self, text: str) -> bool:
        """Whether a message, as it is read, names a place that no document here covers."""
        return bool(self._elsewhere.search(text))

    def other_industry(self, text: str) -> str | None:
        """The name of an industry in a message, as it is read, that no document here covers."""
        names = ((e.name, n) for e in self.industries.values() for n in (e.name, *e.aliases))
        return next((name for name, word in names if normalise(word) in text), None)

    def answerable(self) -> Iterator[Answerable]:
        """Every record that an answer can be made of."""
        for kind in ANSWERABLE:
            yield from getattr(self, kind).values()

    def record(self, record_id: str) -> Answerable | None:
        """The record with this id, whatever its kind."""
        return next((found for kind in ANSWERABLE if (found := getattr(self, kind).get(record_id)) is not None), None)

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
        return tuple(s for r in self.upward(region) for s in self._own_supports.get(r, ()))

    @cached_property
    def _own_supports(self) -> Mapping[str, list[Support]]:
        found: dict[str, list[Support]] = {}
        for support in self.supports.values():
            found.setdefault(support.region, []).append(support)
        return found

    @cached_property
    def printed_supports(self) -> Mapping[str, tuple[Support, ...]]:
        """The supports with a printed amount that a company in a region may look at, those of the regions above included."""
        return {r: tuple(s for s in self.supports_in(r) if s.amount.max or s.amount.rate_max) for r in self.regions}

    @cached_property
    def parks_called(self) -> Mapping[str, str]:
        """The park that a name means, as it is read, where the name of a region does not mean more."""
        regions = {normalise(r.name) for r in self.regions.values()}
        return {n: p.id for p in self.parks.values() for name in (p.name, *p.aliases) if (n := normalise(name)) not in regions}

    @cached_property
    def hard_needs(self) -> frozenset[str]:
        """The needs without which a site is of no use to who has them."""
        return frozenset(o.token for o in self.facts["needs"].options if o.hard)

    @cached_property
    def agendas(self) -> Mapping[str, Agenda]:
        """What a pre-check asks, prepared for each region."""
        return {r: Agenda.of(self.supports_in(r), self.documents, self.facts) for r in self.regions}

    def channels_in(self, region: str) -> tuple[Channel, ...]:
        """The approval channels of a region: its own first, then those of the regions above."""
        return tuple(c for r in self.upward(region) for c in self.channels.values() if c.region == r)

    def parks_in(self, region: str | None) -> tuple[Park, ...]:
        """The parks of a region and of those within it; all parks for None."""
        inside = set(self.regions) if region is None else set(self.around(region))
        return tuple(p for p in self.parks.values() if p.region in inside)

    def clauses_on(self, segment: str, region: str | None) -> tuple[Clause, ...]:
        """The clauses that name a segment (or a part of it) as a direction of a region, or of any; one a region."""
        inside = set(self.regions) if region is None else {*self.around(region), *self.upward(region)}
        found: dict[str, Clause] = {}
        for clause in self.clauses.values():
            if clause.region in inside and any(f.segment == segment or segment in self.broader(f.segment) for f in clause.focus):
                found.setdefault(clause.region, clause)
        return tuple(found.values())

    def broader(self, segment: str) -> tuple[str, ...]:
        """The segments above this one, nearest first."""
        chain: list[str] = []
        above = self.segments[segment].within
        while above is not None:
            chain.append(above)
            above = self.segments[above].within
        return tuple(chain)

    @cached_property
    def _differences(self) -> Mapping[str, tuple[Difference, ...]]:
        found: dict[str, tuple[Difference, ...]] = {}
        for difference in self.differences.values():
            for key in difference.about:
                found[key] = (*found.get(key, ()), difference)
        return found

    def differences_on(self, record_id: str) -> tuple[Difference, ...]:
        """The points of a record on which papers, or parts of one, say different things."""
        return self._differences.get(record_id, ())

    @cached_property
    def _sections(self) -> Mapping[str, tuple[Passage, ...]]:
        found: dict[str, tuple[Passage, ...]] = {}
        for passage in self.passages.values():
            found[passage.document] = (*found.get(passage.document, ()), passage)
        return found

    def passage(self, citation: Citation) -> str:
        """The section that is cited, in the paper's own words with all that lies in it; empty where the paper was not imported."""
        return "\n".join(p.text for p in self._sections.get(citation.document, ()) if lies_in(p.section, citation.section))

    @cached_property
    def _original(self) -> tuple[tuple[Passage, ...], Bm25]:
        passages = tuple(self.passages.values())
        names = re.compile("|".join(re.escape(normalise(r.name)) for r in self.regions.values()) or r"(?!)")
        return passages, Bm25([names.sub(" ", normalise(p.text)) for p in passages])

    def passages_on(self, text: str, regions: Collection[str] = (), limit: int = 3) -> tuple[list[Passage], float]:
        """The sections of imported papers nearest to a question, best first, and how clearly the first one answers (`Bm25.clear`)."""
        passages, index = self._original
        papers = {d.id for d in self.documents.values() if not regions or d.region in regions}
        hits = index.search(text, limit, {i for i, p in enumerate(passages) if p.document in papers})
        return [passages[i] for i, _ in hits], Bm25.clear(hits)

    def document_of(self, record: Answerable) -> Document:
        """The document in which a record stands."""
        source = record.sources[0] if isinstance(record, QuestionAnswer) else record.source
        return self.documents[source.document]


def citations(record: Answerable) -> tuple[Citation, ...]:
    """Where a record stands: its own place first, then the place that names its responsible units."""
    if isinstance(record, QuestionAnswer):
        return record.sources
    responsible = record.responsible if isinstance(record, Support | Channel | Service | Task) else None
    readings = record.readings if isinstance(record, Difference) else ()
    there = record.institutions_elsewhere if isinstance(record, Park) else ()
    places = (record.source, *record.also, *((responsible.source,) if responsible else ()), *(r.source for r in readings), *(i.source for i in there))
    return tuple(dict.fromkeys(places))
