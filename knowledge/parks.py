"""Ranking parks for a company: every reason is a statement of a document, and what the documents do not say is named.

Needs without which a site is of no use come first, then whether the paper says which place it is, then how well the field fits, then
everything else (`MERITS`, most weighty first). A need of which a paper names only a part counts below field and stage. Sums of money
don't count: most plans that print them are over.
A park is out only where a document says so: another region, a bar, one stage only, or a field that no paper names there. Silence is
never a no: a need on which the papers say nothing is unknown, and a question to the park.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from knowledge.records import Bar, Layout, Park, StageFit
from knowledge.shapes import Citation
from knowledge.snapshot import Knowledge

ReasonKind = Literal["focus", "narrower", "broader", "other", "stage", "need", "role", "institutions", "status", "supports"]
Merit = Literal[
    "must", "must_region", "named_place", "fit", "stage", "partly", "partly_region", "need", "need_region", "role", "institutions", "site"
]
MERITS: tuple[Merit, ...] = (
    "must",
    "must_region",
    "named_place",
    "fit",
    "stage",
    "partly",
    "partly_region",
    "need",
    "need_region",
    "role",
    "institutions",
    "site",
)
"""What parks are compared by: must-haves at the park, must-haves in its region, whether the paper says which place it is, fit of the field,
stage, must-haves of which only a part is named (at the park, in its region), other needs at the park and in its region, role in the layout, institutions on the spot,
and a park before a wider area."""
_FIT = {"focus": 3, "narrower": 2, "broader": 1}
_NAMED = 4
"""A focus that is printed under the very name of the segment."""
_COUNTS: Mapping[str, tuple[Merit, Merit]] = {"must": ("must", "must_region"), "partly": ("partly", "partly_region"), "need": ("need", "need_region")}
_ROLES = {"core": 2, "main": 2, "pole": 1}
_SITES = {"park": 3, "carrier": 2, "town": 1, "district": 0}


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a company looks for; no regions are all regions, and what is None or empty decides nothing."""

    segment: str | None = None
    regions: tuple[str, ...] = ()
    site_stage: str | None = None
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reason:
    """One statement on a park, with its source; `about` is the segment, the stage or the need that it answers."""

    kind: ReasonKind
    text: str
    source: Citation
    about: str | None = None
    region: str | None = None
    """The region of which it is said as a whole; None where it is said of the park."""
    partly: bool = False
    """Whether only a part of the need is named."""


@dataclass(frozen=True, slots=True)
class ParkMatch:
    """A park that fits, why, the wishes on which the documents are silent (`site_stage`, needs), and whom a document keeps out."""

    park: Park
    reasons: tuple[Reason, ...]
    silent: tuple[str, ...]
    merits: tuple[int, ...]
    """How it does by each of `MERITS`; only more or less counts, the numbers are no score."""
    limits: tuple[Bar, ...] = ()

    @property
    def open(self) -> tuple[str, ...]:
        """What is to be asked of the park: wishes on which the documents are silent, name only a part, or speak only of the region as a whole."""
        half = (r.about for r in self.reasons if r.kind == "need" and (r.region is not None or r.partly) and r.about)
        return tuple(dict.fromkeys((*self.silent, *half)))


@dataclass(frozen=True, slots=True)
class Out:
    """A park that comes into no question, and why: where a document bars it, its words."""

    park: Park
    kind: Literal["region", "barred", "stage", "segment", "unsaid"]
    said: Bar | StageFit | None = None


@dataclass(frozen=True, slots=True)
class Ranking:
    """Every park: those that fit, best first, and those that are out."""

    wishes: Wishes
    matches: tuple[ParkMatch, ...]
    out: tuple[Out, ...]

    def place(self, park_id: str) -> int | None:
        """Which place a park has, from 1; equals share it. None for one that is out."""
        match = next((m for m in self.matches if m.park.id == park_id), None)
        return None if match is None else 1 + sum(m.merits > match.merits for m in self.matches)

    def equals(self, match: ParkMatch) -> tuple[ParkMatch, ...]:
        """The other parks for which the documents speak just as well."""
        return tuple(m for m in self.matches if m.merits == match.merits and m is not match)


def rank(knowledge: Knowledge, wishes: Wishes) -> Ranking:
    """Weigh every park against the wishes; of equals the order is that of their ids, and `Ranking.equals` tells that they are."""
    weighed = [weigh(knowledge, park, wishes) for park in knowledge.parks.values()]
    matches = [w for w in weighed if isinstance(w, ParkMatch)]
    matches.sort(key=lambda m: (*(-merit for merit in m.merits), m.park.id))
    return Ranking(wishes, tuple(matches), tuple(w for w in weighed if isinstance(w, Out)))


def weigh(knowledge: Knowledge, park: Park, wishes: Wishes) -> ParkMatch | Out:
    """A park against the wishes."""
    if wishes.regions and not any(r in knowledge.upward(park.region) for r in wishes.regions):
        return Out(park, "region")
    fit = segment_reasons(knowledge, park, wishes.segment) if wishes.segment else ()
    if (out := _out(knowledge, park, wishes, fit)) is not None:
        return out
    stages = [Reason("stage", s.text, s.source, s.stage) for s in park.stages if s.stage == wishes.site_stage][:1]
    answers = {need: _answer(need_reasons(knowledge, park, need)) for need in wishes.needs}
    found = [r for reasons in answers.values() for r in reasons]
    own = () if wishes.segment else _own_words(knowledge, park)
    role = [Reason("role", park.role_text, park.source)] if park.role_text else []
    there = institutions(park)
    silent = (*(("site_stage",) if wishes.site_stage and not stages else ()), *(n for n, reasons in answers.items() if not reasons))

    def count(merit: Merit) -> int:
        return sum(need_merit(knowledge, r) == merit for r in found)

    merits = (
        count("must"),
        count("must_region"),
        int(park.named),
        max((_grade(knowledge, r, wishes.segment) for r in fit), default=0),
        len(stages),
        count("partly"),
        count("partly_region"),
        count("need"),
        count("need_region"),
        _ROLES.get(park.role, 0),
        len(park.there),
        _SITES[park.kind],
    )
    ordered = sorted(found, key=lambda r: MERITS.index(need_merit(knowledge, r)))
    first = [r for r in ordered if need_merit(knowledge, r) in ("must", "must_region")]
    reasons = (*first, *fit, *own, *stages, *(r for r in ordered if r not in first), *role, *there)
    limits = tuple(b for b in _bars(knowledge, park) if _concerns(knowledge, b, wishes))
    return ParkMatch(park, reasons, silent, merits, limits)


def meets(knowledge: Knowledge, match: ParkMatch) -> bool:
    """Whether a park may be said to meet what was asked for: its paper names the field (not only a broader one), the stage and each must-have there, and no
    document keeps anybody from it."""
    must = {*knowledge.hard_needs, "site_stage"}
    return match.merits[MERITS.index("fit")] > _FIT["broader"] and not match.limits and not any(wish in must for wish in match.open)


def need_merit(knowledge: Knowledge, said: Reason) -> Merit:
    """What an answer to a need counts for: a must-have or not, said of the park or of its region, or only a part of a must-have."""
    at, wide = _COUNTS["need" if said.about not in knowledge.hard_needs else "partly" if said.partly else "must"]
    return at if said.region is None else wide


def need_reasons(knowledge: Knowledge, park: Park, need: str) -> tuple[Reason, ...]:
    """What the documents say on a need: at the park first, then in its region as a whole, then in the region above; in each the whole of it before a part."""
    own = [(None, o) for o in park.offers if o.need == need]
    wide = [(region, o) for region, layout in _layouts(knowledge, park) for o in layout.offers if o.need == need]
    said = [Reason("need", o.text, o.source, need, region, o.partly) for region, o in (*own, *wide)]
    order = (None, *knowledge.upward(park.region))
    return tuple(sorted(said, key=lambda r: (order.index(r.region), r.partly)))


def _answer(said: Sequence[Reason]) -> tuple[Reason, ...]:
    """Of what is said on a need, what counts: the first that names it as a whole, and before it one that names a part."""
    whole = next((i for i, r in enumerate(said) if not r.partly), len(said))
    return (*said[: min(whole, 1)], *said[whole : whole + 1])


def nearest(knowledge: Knowledge, park: Park, need: str) -> tuple[Reason, ...]:
    """What is said of a need at a park; where nothing is, what is said of the smallest region around it as a whole."""
    reasons = need_reasons(knowledge, park, need)
    return tuple(r for r in reasons if r.region == reasons[0].region)


def segment_reasons(knowledge: Knowledge, park: Park, segment: str) -> tuple[Reason, ...]:
    """The foci of a park that fit a segment best, at most two: named so, else narrower ones, else a broader one."""
    fitting = [(_grade(knowledge, r, segment), r) for r in foci(knowledge, park, segment) if r.kind in _FIT]
    best = max((grade for grade, _ in fitting), default=0)
    return tuple(r for grade, r in fitting if grade == best)[:2]


def _grade(knowledge: Knowledge, said: Reason, segment: str | None) -> int:
    """How near a focus is to a segment: printed under its very name, meant by other words, narrower, broader."""
    if said.kind == "focus" and segment is not None:
        name = knowledge.segments[segment].name
        return _NAMED if name in said.text or said.text in name else _FIT["focus"]
    return _FIT[said.kind]


def foci(knowledge: Knowledge, park: Park, segment: str | None) -> Iterator[Reason]:
    """Every focus of a park, each as what it is to a segment."""
    for focus in park.focus:
        yield Reason(_kind(knowledge, focus.segment, segment), focus.name, focus.source or park.source, focus.segment)


def _own_words(knowledge: Knowledge, park: Park) -> tuple[Reason, ...]:
    """What a document says a park is for, where nobody asked for a field."""
    if park.positioning:
        return (Reason("focus", park.positioning, park.source),)
    return tuple(foci(knowledge, park, None))[:2]


def institutions(park: Park) -> tuple[Reason, ...]:
    """The institutions that a document names at a park, a statement for each place."""
    places: dict[Citation, list[str]] = {park.source: list(park.institutions)} if park.institutions else {}
    for institution in park.institutions_elsewhere:
        places.setdefault(institution.source, []).append(institution.name)
    return tuple(Reason("institutions", "、".join(names), source) for source, names in places.items())


def _kind(knowledge: Knowledge, focus: str, segment: str | None) -> ReasonKind:
    if segment is None:
        return "other"
    if focus == segment:
        return "focus"
    if segment in knowledge.broader(focus):
        return "narrower"
    return "broader" if focus in knowledge.broader(segment) else "other"


def _out(knowledge: Knowledge, park: Park, wishes: Wishes, fit: tuple[Reason, ...]) -> Out | None:
    """Why a park comes into no question, if it does not."""
    must = knowledge.hard_needs
    for bar in _bars(knowledge, park):
        if bar.whom is None and _concerns(knowledge, bar, wishes) and (bar.need is None or bar.need in must):
            return Out(park, "barred", bar)
    if wishes.segment and not fit:
        return Out(park, "segment")
    only = [s for s in park.stages if s.only]
    if wishes.site_stage and only and all(s.stage != wishes.site_stage for s in only):
        return Out(park, "stage", only[0])
    if not (park.focus or park.stages or park.offers or park.positioning or park.role_text):
        return Out(park, "unsaid")
    return None


def _concerns(knowledge: Knowledge, bar: Bar, wishes: Wishes) -> bool:
    """Whether a bar is about what somebody wishes; one on a broader field holds for the narrower too."""
    if bar.need is not None:
        return bar.need in wishes.needs
    return wishes.segment is not None and bar.segment in (wishes.segment, *knowledge.broader(wishes.segment))


def _bars(knowledge: Knowledge, park: Park) -> Iterator[Bar]:
    yield from park.bars
    for _, layout in _layouts(knowledge, park):
        yield from layout.bars


def _layouts(knowledge: Knowledge, park: Park) -> Iterator[tuple[str, Layout]]:
    """What is said of the park's region as a whole, then of the region above."""
    for region in knowledge.upward(park.region):
        yield from ((region, layout) for layout in knowledge.layouts.values() if layout.region == region)
