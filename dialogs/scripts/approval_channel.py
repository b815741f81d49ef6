"""审批通道联系人: which route is there for this matter, and who is responsible?"""

from __future__ import annotations

from dataclasses import dataclass

from dialogs.script import Choice, Outcome, Script
from dialogs.scripts.regions import region_question
from knowledge.records import Channel
from knowledge.shapes import Words
from knowledge.snapshot import Knowledge


@dataclass(frozen=True, slots=True)
class Routes:
    """The channels for a matter in a region, the region's own first."""

    region: str
    matter: str | None
    channels: tuple[Channel, ...]


def approval_channel(knowledge: Knowledge) -> Script:
    """Ask for the region and the matter (only matters that the region's documents speak of); return the channels."""
    region = yield from region_question(knowledge)
    channels = knowledge.channels_in(region)
    fact = knowledge.facts["approval_matter"]
    matters = {c.matter for c in channels}
    options: tuple[tuple[str, Words], ...] = tuple((o.token, o.label) for o in fact.options if o.token in matters)
    matter = yield from Choice("approval_matter", fact, options=options)
    found = tuple(c for c in channels if matter in (None, c.matter))
    return Outcome("approval.routes", Routes(region, matter, found))
