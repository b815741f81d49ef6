"""Pictures in words: the layout of a region's parks, and parks side by side. A channel draws them; nothing here knows how.

A picture is named by a spec that fits into a web address, `kind/language/of` or `kind/language/of/with`, with commas within a part:
`layout/zh/taicang/tc-park-bioport,~tc-park-bio` is Taicang's layout with one park that meets the wishes and one that is only listed, `compare/zh/tc-park-bio,snd-kejicheng/testing` compares two
parks for somebody who needs testing. It shows what the papers say, whatever the day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from dialogs.messages import cited
from dialogs.naming import quoted
from dialogs.terms import Terms
from dialogs.texts import LANGUAGES, texts
from knowledge.parks import Reason, nearest
from knowledge.records import Layout, Park
from knowledge.shapes import Citation
from knowledge.snapshot import Knowledge, citations

_LISTED = "~"
"""Before a park of a layout: it is on the shortlist, but must be asked for something that it has to have."""
LONGEST = 400
"""How long a spec may be."""
MOST = 3
"""How many parks stand side by side."""
_BRIEF, _TITLE = 40, 8
"""Characters: a cell has further statements only up to so many (twice in English); a shorter role text only repeats its tier's title."""
_PATTERNS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "一核两极": (("一核", "core"), ("两极", "pole")),
    "一核多园": (("一核", "core"), ("多园", "garden")),
    "1+N": (("", "core"), ("1", "one"), ("N", "n")),  # a paper may name a core without saying that it is the 1
    "一区两翼多点": (("一区", "area"), ("两翼", "wing"), ("多点", "point")),  # 主阵地 (main) isn't said to be the 一区
}
"""The tiers of each pattern: how the pattern calls it and the role of its parks; those with a name are shown even when empty."""
_MORE = ("core", "pole", "garden", "n", "main", "wing", "point", "city", "unstated")


@dataclass(frozen=True, slots=True)
class Box:
    """A park in a layout: its name, its role in the paper's words, its fields, how far it is; and the sites that lie within it."""

    name: str
    role: str
    focus: str
    status: str
    mark: str
    """What it is to the founder: that it meets the wishes (`Diagram.meets`), that it is listed, or ""."""
    within: tuple[Box, ...] = ()


@dataclass(frozen=True, slots=True)
class Tier:
    """Parks of one role; `apart` where the paper gives them none. Without boxes, `note` says that nobody knows which they are."""

    title: str
    note: str
    boxes: tuple[Box, ...]
    apart: bool = False


@dataclass(frozen=True, slots=True)
class Diagram:
    """The layout of a region. `meets` is how the boxes are marked that meet the wishes."""

    language: str
    title: str
    gloss: str
    tiers: tuple[Tier, ...]
    meets: str
    notes: tuple[str, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """What a paper says of a park on one point; `known` is false where it says nothing."""

    text: str
    known: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One point of a comparison, a cell a park; `asked` where the founder wanted to know."""

    label: str
    cells: tuple[Cell, ...]
    asked: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Parks side by side: their names and what the papers say of them.

    `asked` is what a mark means, in words; `alike` stands before what is the same of all of them.
    """

    language: str
    title: str
    heads: tuple[str, ...]
    rows: tuple[Row, ...]
    asked: str
    alike: str
    notes: tuple[str, ...]
    sources: tuple[str, ...]


def layout(language: str, region: str, met: Iterable[str] = (), listed: Iterable[str] = ()) -> str:
    """The spec of a region's layout, with the parks marked that meet the wishes, and those that are only listed."""
    return _spec("layout", language, [region], (*met, *(_LISTED + park for park in listed)))


def compare(language: str, parks: Iterable[str], asked: Iterable[str] = ()) -> str:
    """The spec of a comparison of two or three parks; `asked` are needs and site stages, as tokens."""
    return _spec("compare", language, parks, asked)


def _spec(kind: str, language: str, of: Iterable[str], besides: Iterable[str]) -> str:
    return "/".join(part for part in (kind, language, *(",".join(dict.fromkeys(ids)) for ids in (of, besides))) if part)


def told(knowledge: Knowledge, spec: str) -> Diagram | Table | None:
    """The picture of a spec in words; None where it is no spec, or names what this knowledge does not have."""
    parts = spec.split("/")
    if len(spec) > LONGEST or not 3 <= len(parts) <= 4 or parts[1] not in LANGUAGES:
        return None
    kind, language, (of, *rest) = parts[0], parts[1], [part.split(",") for part in parts[2:]]
    besides = rest[0] if rest else []
    if any(len(set(ids)) < len(ids) for ids in (of, besides)):
        return None
    captions = Captions(knowledge, date.min, texts(language))  # names only: nothing that it says here depends on the day
    if kind == "layout" and len(of) == 1 and all(p.removeprefix(_LISTED) in knowledge.parks for p in besides):
        found = next((found for found in knowledge.layouts.values() if found.region == of[0]), None)
        return captions.diagram(found, besides) if found else None
    if kind == "compare" and 2 <= len(of) <= MOST and all(p in knowledge.parks for p in of) and all(b in captions.wishes for b in besides):
        return captions.table([knowledge.parks[p] for p in of], besides)
    return None


@dataclass(frozen=True)
class Captions(Terms):
    """Says in one language what a picture shows."""

    def _tokens(self, fact: str) -> list[str]:
        return [o.token for o in self.knowledge.facts[fact].options] if fact in self.knowledge.facts else []

    @property
    def wishes(self) -> set[str]:
        """What one can ask for in a comparison: needs and site stages."""
        return {*self._tokens("needs"), *self._tokens("site_stage")}

    def diagram(self, record: Layout, marked: Sequence[str]) -> Diagram:
        """A region's parks by their role; those without one stand apart."""
        parks = [p for p in self.knowledge.parks.values() if p.region == record.region]
        roots = {p.id: p for p in parks if p.layout or not self._inside(p, parks)}
        tiers = [self._tier(slot, role, roots.values(), parks, marked) for slot, role in self._tiers(record)]
        notes = [self.say("pictures.unstated"), *(f"· {point}" for point in record.unstated)] if record.unstated else []
        notes += [self.say("pictures.no_focus")] if any(not p.focus for p in roots.values()) else []
        places = [*citations(record), *(p.source for p in parks)]
        title = self.say("pictures.layout", region=self.region_name(record.region), pattern=record.pattern)
        gloss = (record.en or "") if self.english else ""
        shown = tuple(t for t in tiers if t.boxes or t.note)
        return Diagram(self.say.language, title, gloss, shown, self._mark("met"), tuple(notes), tuple(cited(self.sources(places))))

    @staticmethod
    def _inside(park: Park, parks: Sequence[Park]) -> bool:
        return any(p.id == park.part_of for p in parks)

    @staticmethod
    def _tiers(record: Layout) -> list[tuple[str, str]]:
        pattern = _PATTERNS[record.pattern]
        roles = {role for _, role in pattern}
        return [*pattern, *(("", role) for role in _MORE if role not in roles)]

    def _tier(self, slot: str, role: str, roots: Iterable[Park], parks: Sequence[Park], marked: Sequence[str]) -> Tier:
        own = [p for p in roots if p.role == role]
        roles = {"" if self.english else p.role_text or "" for p in own}
        shared = roles.pop() if len(roles) == 1 and len(own) > 1 else ""
        boxes = tuple(self._box(p, parks, marked, shared) for p in own)
        title = slot if slot and (slot.isascii() or not self.english) else self.say(f"pictures.tier_{role}")
        if self.english and slot and not slot.isascii():
            title = f"{slot} ({title})"
        nowhere = self.say("pictures.nowhere") if slot and not boxes else ""
        return Tier(title, nowhere or (shared if len(shared) > _TITLE else ""), boxes, apart=role == "unstated")

    def _box(self, park: Park, parks: Sequence[Park], marked: Sequence[str], said: str) -> Box:
        """A park with what lies within it; `said` is the role that its tier tells already."""
        role = "" if self.english or park.role_text == said else park.role_text or ""
        return replace(self._site(park, marked), role=role, within=tuple(self._within(park, parks, marked)))

    def _within(self, park: Park, parks: Sequence[Park], marked: Sequence[str]) -> Iterator[Box]:
        """The sites of a park, however deep; the fields that it shares with them are not said again."""
        for inner in (p for p in parks if p.part_of == park.id and not p.layout):
            site = self._site(inner, marked)
            yield replace(site, focus="") if self._fields(inner) == self._fields(park) else site
            yield from self._within(inner, parks, marked)

    def _site(self, park: Park, marked: Sequence[str]) -> Box:
        status = self.say(f"parks.status_{park.status}") if park.status in ("planned", "building") else ""
        mark = self._mark("met") if park.id in marked else self._mark("listed") if _LISTED + park.id in marked else ""
        return Box(self.called(park), "", self._brief(self._fields(park)), status, mark)

    def _mark(self, kind: str) -> str:
        return ("★ " if kind == "met" else "") + self.say(f"pictures.{kind}")

    def _fields(self, park: Park) -> list[str]:
        return list(dict.fromkeys(self.segment_name(f.segment) if self.english else f.name for f in park.focus))

    def _brief(self, parts: Sequence[str]) -> str:
        """As many names as have room, at least the first; each whole."""
        return _as_many(parts, ", ", 2 * _BRIEF) if self.english else _as_many(parts, "、", _BRIEF)

    def table(self, parks: Sequence[Park], asked: Sequence[str]) -> Table:
        """Parks side by side: what they are, what they serve, what is there."""
        say = self.say
        stages = [
            self._row(self._choice(self.knowledge.facts["site_stage"], t), ([s.text for s in p.stages if s.stage == t] for p in parks), t in asked)
            for t in self._tokens("site_stage")
        ]
        shown = [t for t in self._tokens("needs") if t in asked or any(o.need == t for p in parks for o in p.offers)]
        there = {t: [nearest(self.knowledge, p, t) for p in parks] for t in shown}
        needs = [
            Row(self._choice(self.knowledge.facts["needs"], t), tuple(self._cell(self._offered(reasons)) for reasons in at), t in asked)
            for t, at in there.items()
        ]
        rows = [
            Row(say("pictures.region"), tuple(Cell(self.region_name(p.region), True) for p in parks)),
            Row(say("pictures.role"), tuple(self._cell(self._role(p)) for p in parks)),
            Row(say("pictures.focus"), tuple(self._cell(self._brief(self._fields(p))) for p in parks)),
            *stages,
            *needs,
            Row(say("pictures.institutions"), tuple(self._cell(_as_many(p.institutions, "、", _BRIEF)) for p in parks)),
            Row(say("pictures.status"), tuple(self._cell("" if p.status == "unstated" else say(f"parks.status_{p.status}")) for p in parks)),
        ]
        told = tuple(r for r in rows if r.asked or any(c.known for c in r.cells))
        silent = [r.label for r in rows if r not in told]
        notes = [*([say("pictures.all_silent", points=self.clauses(silent))] if silent else []), say("pictures.not_no")]
        heads = tuple(self.called(p) for p in parks)
        wide = [r.source for at in there.values() for reasons in at for r in reasons if r.region is not None]
        sources = self.sources([*(c for p in parks for c in self._places(p)), *wide])
        return Table(
            say.language, say("pictures.compare"), heads, told, say("pictures.asked"), say("pictures.alike"), tuple(notes), tuple(cited(sources))
        )

    def _row(self, label: str, texts: Iterable[Sequence[str]], asked: bool) -> Row:
        """What the papers say on a point."""
        return Row(label, tuple(self._cell(statements(self.say.language, said)) for said in texts), asked)

    def _offered(self, reasons: Sequence[Reason]) -> str:
        """Statements on a need, with the region where they are about it as a whole."""
        said = statements(self.say.language, [r.text for r in reasons])
        region = reasons[0].region if reasons else None
        return self.say("pictures.wide", region=self.region_name(region), text=said) if region else said

    def _cell(self, text: str) -> Cell:
        return Cell(text or self.say("pictures.silent"), bool(text))

    def _role(self, park: Park) -> str:
        """The role in the paper's words; in English its kind."""
        short = self.role(park).lstrip("， ,")
        return short if self.english else park.role_text or short

    @staticmethod
    def _places(park: Park) -> list[Citation]:
        said = [*(s.source for s in park.stages), *(o.source for o in park.offers)]
        return [park.source, *(f.source for f in park.focus if f.source), *said]


def statements(language: str, texts: Sequence[str]) -> str:
    """Statements of the papers one after another, each whole: one cut short could lose the half that limits it."""
    said = _as_many([t.rstrip("。") for t in texts], "；", _BRIEF)
    return quoted(said) if language == "en" and said else said


def _as_many(parts: Sequence[str], between: str, room: int) -> str:
    """As many parts as there is room for, at least the first, and … for the others."""
    taken = list(parts[:1])
    for part in parts[1:]:
        if len(between.join([*taken, part])) > room:
            return between.join([*taken, "…"])
        taken.append(part)
    return between.join(taken)
