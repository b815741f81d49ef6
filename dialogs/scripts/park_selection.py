"""选园区: which parks suit this company, and why?"""

from __future__ import annotations

from dataclasses import dataclass

from dialogs.script import Choice, Outcome, Script, ask
from dialogs.scripts.regions import ANY, region_question
from knowledge import parks
from knowledge.parks import ParkMatch
from knowledge.shapes import Words
from knowledge.snapshot import Knowledge


@dataclass(frozen=True, slots=True)
class Shortlist:
    """The parks that fit, best first, and the wishes that they were ranked by."""

    region: str | None
    segment: str | None
    site_stage: str | None
    needs: tuple[str, ...]
    parks: tuple[ParkMatch, ...]


def park_selection(knowledge: Knowledge) -> Script:
    """Ask for the field, the region, what the site is for and what else matters; rank the parks by what the documents say."""
    segment = yield from segment_question(knowledge)
    region = yield from region_question(knowledge, anywhere=True)
    where = None if region == ANY else region
    site_stage = yield from ask(knowledge.facts["site_stage"], remaining=2)
    needs = yield from ask(knowledge.facts["needs"])
    found = parks.rank(knowledge, where, segment, site_stage, needs or ())
    return Outcome("parks.shortlist", Shortlist(where, segment, site_stage, needs or (), tuple(found)))


def segment_question(knowledge: Knowledge) -> Choice:
    """Ask for the field of the company: buttons for the broad ones, any name of the vocabulary in free text."""
    options = tuple((s.id, Words(zh=s.name, en=s.en)) for s in knowledge.segments.values())
    buttons = tuple(s.id for s in knowledge.segments.values() if s.broad)
    return Choice("segment", knowledge.facts["segment"], options=options, buttons=buttons)
