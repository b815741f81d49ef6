"""Parks beside each other: why one is not on the shortlist, any of them side by side, and what is to be said where nothing fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from knowledge import parks
from knowledge.parks import MERITS, Merit, Out, ParkMatch, Ranking, Reason, Wishes
from knowledge.records import Park
from knowledge.snapshot import Knowledge


@dataclass(frozen=True, slots=True)
class WhyNot:
    """Why a park does not come first: it is out, or behind the first by `merit` (None: it is the first, or its equal)."""

    park: Park
    ranking: Ranking
    out: Out | None = None
    match: ParkMatch | None = None
    first: ParkMatch | None = None
    merit: Merit | None = None

    @property
    def place(self) -> int | None:
        """Which place it has among those that fit."""
        return self.ranking.place(self.park.id)


@dataclass(frozen=True, slots=True)
class Row:
    """One point of a table: a cell a park, empty where the documents do not say. `about` is the need of a need's row."""

    point: Literal["focus", "stage", "need", "offers", "role", "status", "institutions", "supports"]
    cells: tuple[tuple[Reason, ...], ...]
    about: str | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Parks side by side. `weighed` says how each does by the wishes; where these say anything, the first by them and what decides it."""

    wishes: Wishes
    parks: tuple[Park, ...]
    rows: tuple[Row, ...]
    weighed: tuple[ParkMatch | Out, ...]
    first: Park | None = None
    merit: Merit | None = None


@dataclass(frozen=True, slots=True)
class Nothing:
    """Why no park is recommended: no paper names the field at any park, only at parks elsewhere, or a document bars what is wished."""

    kind: Literal["industry", "region", "barred", "stage"]
    elsewhere: tuple[Park, ...] = ()
    """The best park of each other region in which a paper names the field."""
    out: tuple[Out, ...] = ()
    """The parks that would fit if a document did not say otherwise."""


def behind(better: ParkMatch, other: ParkMatch) -> Merit | None:
    """The first merit by which two parks differ; None where the documents speak just as well for both."""
    return next((m for m, one, two in zip(MERITS, better.merits, other.merits, strict=True) if one != two), None)


def why_not(knowledge: Knowledge, wishes: Wishes, park_id: str) -> WhyNot:
    """Why this park does not come first for these wishes. KeyError for a park that is not known."""
    park, ranking = knowledge.parks[park_id], parks.rank(knowledge, wishes)
    first = ranking.matches[0] if ranking.matches else None
    match = next((m for m in ranking.matches if m.park.id == park_id), None)
    if match is None:
        return WhyNot(park, ranking, out=next(o for o in ranking.out if o.park.id == park_id), first=first)
    return WhyNot(park, ranking, match=match, first=first, merit=behind(first, match) if first else None)


def compare(knowledge: Knowledge, wishes: Wishes, park_ids: Sequence[str]) -> Comparison:
    """Any parks side by side, wherever they lie: by the needs among the wishes, one by one, and by what else the papers say is there."""
    those = tuple(knowledge.parks[i] for i in dict.fromkeys(park_ids))
    anywhere = replace(wishes, regions=())
    weighed = tuple(parks.weigh(knowledge, p, anywhere) for p in those)
    matches = sorted((w for w in weighed if isinstance(w, ParkMatch)), key=lambda m: m.merits, reverse=True)
    decided = bool(wishes.segment or wishes.site_stage or wishes.needs) and bool(matches)
    second = matches[1] if len(matches) > 1 else None
    merit = behind(matches[0], second) if decided and second else None
    alone = decided and second is None and len(those) > 1
    return Comparison(wishes, those, _rows(knowledge, wishes, those), weighed, matches[0].park if merit or alone else None, merit)


def _rows(knowledge: Knowledge, wishes: Wishes, those: Sequence[Park]) -> tuple[Row, ...]:
    needs = wishes.needs
    fields = Row("focus", tuple(tuple(parks.foci(knowledge, p, wishes.segment)) for p in those))
    stages = Row("stage", tuple(_stages(p, wishes.site_stage) for p in those))
    return (
        *(Row("need", tuple(parks.nearest(knowledge, p, n) for p in those), n) for n in needs if n in knowledge.hard_needs),
        fields,
        stages,
        *(Row("need", tuple(parks.nearest(knowledge, p, n) for p in those), n) for n in needs if n not in knowledge.hard_needs),
        Row("offers", tuple(_offers(p, needs) for p in those)),
        Row("role", tuple((Reason("role", p.role_text, p.source),) if p.role_text else () for p in those)),
        Row("status", tuple((Reason("status", p.status, p.source),) if p.status != "unstated" else () for p in those)),
        Row("institutions", tuple(parks.institutions(p) for p in those)),
        Row("supports", tuple(_supports(knowledge, p) for p in those)),
    )


def _stages(park: Park, wished: str | None) -> tuple[Reason, ...]:
    """What is said of the wished stage, else one statement a stage."""
    said = {s.stage: Reason("stage", s.text, s.source, s.stage) for s in reversed(park.stages)}
    order = ("incubation", "pilot", "production")
    return tuple(said[s] for s in order if s in said and wished in (None, s))


def _offers(park: Park, wished: Sequence[str]) -> tuple[Reason, ...]:
    """What else a document says is at a park, need by need."""
    needs = dict.fromkeys(o.need for o in park.offers if o.need not in wished)
    return tuple(Reason("need", o.text, o.source, o.need, partly=o.partly) for n in needs for o in park.offers if o.need == n)


def _supports(knowledge: Knowledge, park: Park) -> tuple[Reason, ...]:
    there = knowledge.printed_supports[park.region]
    return (Reason("supports", str(len(there)), there[0].source, region=park.region),) if there else ()


def nothing(knowledge: Knowledge, ranking: Ranking) -> Nothing | None:
    """Why nothing fits; None where something does."""
    if ranking.matches:
        return None
    for kind in ("barred", "stage"):
        if out := tuple(o for o in ranking.out if o.kind == kind):
            return Nothing(kind, out=out)
    best: dict[str, Park] = {}
    anywhere = parks.rank(knowledge, replace(ranking.wishes, regions=())).matches
    named = [m for m in anywhere if all(r.kind != "broader" for r in m.reasons)]
    for match in named or anywhere:
        best.setdefault(match.park.region, match.park)
    return Nothing("region" if best else "industry", tuple(best.values()))
