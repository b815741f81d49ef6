"""Ranking parks for a company: every reason is a statement of a document, and what the documents do not say is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from knowledge.records import Park
from knowledge.shapes import Citation
from knowledge.snapshot import Knowledge

ReasonKind = Literal["focus", "narrower", "broader", "stage", "need", "role"]
_FIT = {"focus": 3, "narrower": 2, "broader": 1}
_ROLES = {"core": 2, "main": 2, "pole": 1}


@dataclass(frozen=True, slots=True)
class Reason:
    """One point in favour of a park, with its source; `about` is the segment, the stage or the need that it answers."""

    kind: ReasonKind
    text: str
    source: Citation
    about: str | None = None


@dataclass(frozen=True, slots=True)
class ParkMatch:
    """A park that fits, why, and the wishes on which the documents are silent (`site_stage`, needs)."""

    park: Park
    reasons: tuple[Reason, ...]
    silent: tuple[str, ...]


def rank(
    knowledge: Knowledge, region: str | None, segment: str | None, site_stage: str | None, needs: Sequence[str], limit: int = 3
) -> list[ParkMatch]:
    """The parks that fit, best first; empty where no document names a fit for the segment.

    Segment fit counts first (a focus named in the text beats a narrower or broader word), then the site stage, then the needs met,
    then the role in the layout; a park beats a wider district or a town. Without a segment no fit counts: what a park says of itself
    answers no wish.
    """
    matches = [m for p in knowledge.parks_in(region) if (m := _match(knowledge, p, segment, site_stage, needs)) is not None]
    return sorted(matches, key=lambda m: _order(m, segment is not None))[:limit]


def _match(knowledge: Knowledge, park: Park, segment: str | None, site_stage: str | None, needs: Sequence[str]) -> ParkMatch | None:
    reasons: list[Reason] = []
    silent: list[str] = []
    if segment:
        fit = _segment_reasons(knowledge, park, segment)
        if not fit:
            return None
        reasons += fit
    elif park.positioning:
        reasons.append(Reason("focus", park.positioning, park.source))
    if site_stage:
        stages = [Reason("stage", s.text, s.source, s.stage) for s in park.stages if s.stage == site_stage]
        reasons += stages[:1]
        silent += [] if stages else ["site_stage"]
    for need in needs:
        offers = [Reason("need", o.text, o.source, need) for o in park.offers if o.need == need]
        reasons += offers[:1]
        silent += [] if offers else [need]
    if park.role_text:
        reasons.append(Reason("role", park.role_text, park.source))
    return ParkMatch(park, tuple(reasons), tuple(silent)) if reasons else None


def _segment_reasons(knowledge: Knowledge, park: Park, segment: str) -> list[Reason]:
    above = knowledge.broader(segment)
    found: dict[str, list[Reason]] = {}
    for focus in park.focus:
        source = focus.source or park.source
        if focus.segment == segment:
            found.setdefault("focus", []).append(Reason("focus", focus.name, source, focus.segment))
        elif segment in knowledge.broader(focus.segment):
            found.setdefault("narrower", []).append(Reason("narrower", focus.name, source, focus.segment))
        elif focus.segment in above:
            found.setdefault("broader", []).append(Reason("broader", focus.name, source, focus.segment))
    best = next((kind for kind in _FIT if kind in found), None)
    return found[best][:2] if best else []


def _order(match: ParkMatch, asked_fit: bool) -> tuple[int, int, int, int, int, str]:
    kinds = [r.kind for r in match.reasons]
    fit = max((_FIT.get(k, 0) for k in kinds), default=0) if asked_fit else 0
    site = {"park": 0, "carrier": 1, "town": 2, "district": 3}[match.park.kind]
    return (-fit, -kinds.count("stage"), -kinds.count("need"), -_ROLES.get(match.park.role, 0), site, match.park.id)
