"""选园区: which parks suit this company, and why?"""

from __future__ import annotations

from dataclasses import dataclass

from dialogs.script import ALL, Choice, Outcome, Script, ask
from dialogs.scripts.regions import ANY, region_question
from knowledge import comparing, parks
from knowledge.comparing import Nothing
from knowledge.parks import ParkMatch, Ranking, Wishes
from knowledge.shapes import Words
from knowledge.snapshot import Knowledge

LISTED = 3
"""How many parks are recommended at most."""


@dataclass(frozen=True, slots=True)
class Shortlist:
    """The parks that fit, best first, weighed with all others; `nothing` says why there are none."""

    ranking: Ranking
    nothing: Nothing | None = None

    @property
    def wishes(self) -> Wishes:
        """What the parks were weighed by."""
        return self.ranking.wishes

    @property
    def parks(self) -> tuple[ParkMatch, ...]:
        """The parks that are recommended."""
        return self.ranking.matches[:LISTED]


def park_selection(knowledge: Knowledge) -> Script:
    """Ask for the field, the region, what the site is for and what else matters; rank the parks by what the documents say."""
    segment = yield from segment_question(knowledge)
    region = yield from region_question(knowledge, anywhere=True)
    regions = () if ANY in region.split(",") else tuple(region.split(","))
    site_stage = yield from ask(knowledge.facts["site_stage"], remaining=2)
    needs = yield from ask(knowledge.facts["needs"])
    ranking = parks.rank(knowledge, Wishes(segment, regions, site_stage, needs or ()))
    return Outcome("parks.shortlist", Shortlist(ranking, comparing.nothing(knowledge, ranking)))


def segment_question(knowledge: Knowledge) -> Choice:
    """Ask for the field of the company: the broad ones as buttons, each opening what lies within it; any name of the vocabulary in free text."""
    segments = knowledge.segments.values()
    options = tuple((s.id, Words(zh=s.name, en=s.en)) for s in segments)
    broad = tuple(s.id for s in segments if s.broad)
    within = {b: inner for b in broad if (inner := tuple(s.id for s in segments if b in knowledge.broader(s.id) and s.id not in broad))}
    if rest := tuple(s.id for s in segments if not {s.id, *knowledge.broader(s.id)} & set(broad)):
        within[ALL] = rest
    return Choice("segment", knowledge.facts["segment"], options=options, buttons=broad, within=within)
