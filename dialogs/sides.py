"""Telling parks beside each other: a table for a phone (a heading a point, a line a park), why one is not first, why one is."""

from __future__ import annotations

from collections.abc import Sequence

from dialogs import pictures
from dialogs.answers import Voice, fit
from dialogs.messages import Option, Reply
from dialogs.naming import quoted
from dialogs.shortlists import FIELDS, behind, cited, entry, need_label, on, questions, reason, sources_of, wishes_of
from knowledge import comparing
from knowledge.comparing import Comparison, Row, WhyNot
from knowledge.parks import Out, ParkMatch, Reason, Wishes
from knowledge.shapes import Citation

SHOWN = 5
"""How many foci of a park stand in a cell."""


def comparison(voice: Voice, found: Comparison) -> Reply:
    """Parks side by side: which comes first by the wishes, then a point at a time, then what the documents leave open."""
    say = voice.say
    names = say.join([voice.called(p) for p in found.parks])
    asked = bool(found.wishes.segment or found.wishes.site_stage or found.wishes.needs)
    lead = say("sides.plain", names=names)
    if found.first is not None:
        by, why = wishes_of(voice, found.wishes, places=False), say(f"merits.wins_{found.merit}" if found.merit else "sides.only")
        lead = say("sides.first", name=voice.called(found.first), wishes=by, why=why)
    elif asked:
        fits = any(isinstance(w, ParkMatch) for w in found.weighed)
        lead = say("sides.equal" if fits else "sides.neither", wishes=wishes_of(voice, found.wishes, places=False), names=names)
    lines = [lead]
    for row in found.rows:
        if any(row.cells) or row.about in found.wishes.needs:
            lines += _row(voice, found, row)
    ask = [w for m in found.weighed if isinstance(m, ParkMatch) for w in m.open]
    lines.append(say("parks.ask", questions=questions(voice, ask, found.wishes)).strip() if ask else say("sides.unsaid"))
    places = [r.source for row in found.rows if row.point != "supports" for cell in row.cells for r in cell]
    lines += list(dict.fromkeys(voice.holds(p) for p in found.parks))
    shows = tuple(Option(voice.label(p), fit(f"!show:{p.id}")) for p in found.parks[:2])
    options = (*shows, Option(say("common.start_parks"), "!start:park_selection"), voice.log("words"))
    asked_for = [*found.wishes.needs, *filter(None, [found.wishes.site_stage])]
    side_by_side = pictures.compare(say.language, [p.id for p in found.parks], asked_for) if len(found.parks) <= pictures.MOST else None
    return Reply("\n".join(lines), options, voice.sources(places), picture=side_by_side)


def _row(voice: Voice, found: Comparison, row: Row) -> list[str]:
    say = voice.say
    head = need if (need := _need(voice, row)) else say(f"sides.row_{row.point}")
    cells = [_cell(voice, row, cell, found.wishes) for cell in row.cells]
    if len(set(cells)) == 1:
        return [say("sides.head", head=head), say("sides.all", text=cells[0])]
    return [say("sides.head", head=head), *(say("sides.line", name=voice.called(p), text=c) for p, c in zip(found.parks, cells, strict=True))]


def _need(voice: Voice, row: Row) -> str:
    options = voice.knowledge.facts["needs"].options
    return next((o.label[voice.say.language] for o in options if o.token == row.about), "") if row.about else ""


def _cell(voice: Voice, row: Row, cell: tuple[Reason, ...], wishes: Wishes) -> str:
    """What the documents say of a park in one row, with its place; that they don't."""
    say = voice.say
    if not cell:
        return say("parks.unsaid")
    match row.point:
        case "supports":
            return say("parks.supports", region=voice.region_name(cell[0].region or ""), count=cell[0].text)
        case "status":
            return cited(voice, say(f"parks.status_{cell[0].text}"), cell[0].source.section)
        case "role":
            return cited(voice, quoted(cell[0].text) if voice.english else cell[0].text, cell[0].source.section)
        case "focus":
            return _foci(voice, cell)
        case "offers":
            return voice.clauses(_offered(voice, [r for r in cell if r.about == need]) for need in dict.fromkeys(r.about for r in cell))
        case _:
            return voice.clauses(_said(voice, r, wishes) for r in cell)


def _said(voice: Voice, said: Reason, wishes: Wishes) -> str:
    """A statement in a cell; in English the Chinese words stand behind what they are about."""
    told = reason(voice, said, wishes)
    return voice.say("sides.chinese", text=told, words=said.text) if voice.english and said.kind != "institutions" else told


def _offered(voice: Voice, said: Sequence[Reason]) -> str:
    """A need and what the papers say of it at a park, in the words of the picture."""
    words = pictures.statements(voice.say.language, [r.text for r in said])
    return cited(voice, voice.say("sides.offered", need=need_label(voice, said[0].about or ""), text=words), *(r.source.section for r in said))


def _foci(voice: Voice, cell: tuple[Reason, ...]) -> str:
    """The fields of a park, what fits the wish first and said to do so."""
    say, fitting = voice.say, [r for r in cell if r.kind in FIELDS]
    names = [
        r.text if not voice.english or r.about is None else voice.segment_name(r.about) for r in (*fitting, *(r for r in cell if r not in fitting))
    ]
    names = list(dict.fromkeys(names))
    listed = say.join(names[:SHOWN]) + (say("sides.more") if len(names) > SHOWN else "")
    best = min((FIELDS.index(r.kind) for r in fitting), default=None)
    fit_said = say(f"sides.fit_{FIELDS[best]}") if best is not None else ""
    return cited(voice, fit_said + listed, *(r.source.section for r in cell))


def why_not(voice: Voice, found: WhyNot, run: str) -> Reply:
    """Why a park does not come first: out, behind by which merit (what is said of each by it), or not behind at all."""
    say, name = voice.say, voice.called(found.park)
    wishes, places = found.ranking.wishes, list[Citation]()
    if found.out is not None:
        lines, places = _out(voice, found.out, wishes)
    elif found.match is None or found.first is None:
        lines = []
    elif found.merit is None:
        equal = found.match is not found.first
        lines = [say("sides.is_equal" if equal else "sides.is_first", name=name, first=voice.called(found.first.park))]
        places = sources_of(found.match)
    else:
        behind_by, of = behind(voice, found.merit), len(found.ranking.matches)
        lines = [say("sides.behind", name=name, place=found.place, count=of, why=behind_by)]
        said = {m.park.id: on(voice, m, found.merit, wishes) for m in (found.first, found.match)}
        if len(set(said.values())) > 1:  # what is the same of both explains nothing
            lines += [say("sides.line", name=voice.called(m.park), text=said[m.park.id]) for m in (found.first, found.match)]
        places = [*sources_of(found.first), *sources_of(found.match)]
        lines += [say("parks.ask", questions=questions(voice, found.match.open, wishes)).strip()] if found.match.open else []
    beside = (Option(say("parks.compare_first"), fit(f"!weigh:{run}.{found.park.id}")),) if found.first and found.first.park is not found.park else ()
    options = (*beside, Option(voice.label(found.park), fit(f"!show:{found.park.id}")), voice.log(found.park.id))
    return Reply("\n".join(lines), options, voice.sources(places or [found.park.source]))


def _out(voice: Voice, out: Out, wishes: Wishes) -> tuple[list[str], list[Citation]]:
    say, park = voice.say, out.park
    name = voice.called(park)
    if out.said is not None:
        return [say("parks.out_said", name=name, text=out.said.text.rstrip("。"), section=out.said.source.section)], [out.said.source]
    if out.kind == "segment" and wishes.segment:
        fields = list(dict.fromkeys(voice.segment_name(f.segment) if voice.english else f.name for f in park.focus))
        said = say("sides.out_fields", fields=say.join(fields)) if fields else say("sides.out_unsaid", name=name)
        text = say("sides.out_segment", name=name, segment=voice.segment_name(wishes.segment))
        return [text, said], [f.source or park.source for f in park.focus]
    if out.kind == "region":
        places = say.join([voice.region_name(r) for r in wishes.regions])
        return [say("sides.out_region", name=name, region=voice.region_name(park.region), places=places)], [park.source]
    return [say("sides.out_unsaid", name=name)], [park.source]


def why(voice: Voice, match: ParkMatch, following: ParkMatch | None, wishes: Wishes, place: int) -> Reply:
    """Why a park stands where it stands: its reasons, and what sets it apart from the next one (or from the first)."""
    say = voice.say
    lines = [say("sides.why", name=voice.called(match.park), place=place, wishes=wishes_of(voice, wishes)), *entry(voice, match, wishes, None)[1:]]
    places = sources_of(match)
    if following is not None:
        better, other = (match, following) if match.merits >= following.merits else (following, match)
        merit = comparing.behind(better, other)
        if merit is None:
            lines.append(say("sides.same", name=voice.called(following.park)))
        else:
            lines.append(say("sides.apart" if better is match else "sides.after", name=voice.called(following.park), why=say(f"merits.wins_{merit}")))
            if (there := on(voice, following, merit, wishes)) != on(voice, match, merit, wishes):
                lines.append(say("sides.line", name=voice.called(following.park), text=there))
        places += sources_of(following)
    options = (Option(voice.label(match.park), fit(f"!show:{match.park.id}")), voice.log(match.park.id))
    return Reply("\n".join(lines), options, voice.sources(places))
