"""Telling the shortlist of parks: which fit, why, and what the documents leave open; and what else came near."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from dialogs import pictures
from dialogs.answers import Voice, fit
from dialogs.messages import Option, Reply
from dialogs.scripts.park_selection import LISTED, Shortlist
from knowledge import comparing
from knowledge.comparing import Nothing
from knowledge.parks import Merit, ParkMatch, Reason, Wishes, meets, need_merit
from knowledge.records import Park
from knowledge.shapes import Citation
from knowledge.snapshot import citations

FIELDS = ("focus", "narrower", "broader")
"""Reasons that name a part of the industry."""


def shortlist(voice: Voice, found: Shortlist, run: str) -> Reply:
    """The parks that fit, why, and what the documents leave open."""
    if found.nothing is not None:
        return _none(voice, found, found.nothing, run)
    say, places = voice.say, list[Citation]()
    lines = [_lead(voice, found), say("parks.by", wishes=wishes_of(voice, found.wishes))]
    for number, match in enumerate(found.parks, 1):
        lines += entry(voice, match, found.wishes, number)
        places += sources_of(match)
        if number > 1:
            level = found.parks[number - 2].merits == match.merits
            lines.append(say("parks.level") if level else say("parks.behind", why=_behind(voice, found.parks[0], match)))
    if unlisted := [m for m in found.ranking.equals(found.parks[-1]) if m not in found.parks]:
        lines.append(say("parks.level_more", names=say.join([voice.called(m.park) for m in unlisted]), count=len(unlisted)))
    lines += _left_out(voice, found)
    regions = list(dict.fromkeys(m.park.region for m in found.parks))
    lines.append(_supports(voice, regions))
    places += [s.source for r in regions for s in voice.knowledge.printed_supports[r][:1]]
    layouts = {p.park.layout for p in found.parks if p.park.layout}
    for layout in (voice.knowledge.layouts[i] for i in layouts if i in voice.knowledge.layouts):
        if len(layouts) == 1:
            pattern = voice.layout_pattern(layout)
            lines.append(say("parks.layout", region=voice.region_name(layout.region), pattern=pattern, summary=layout.summary))
            places.append(layout.source)
    holds = [voice.holds(m.park) for m in found.parks]
    lines += [voice.colon(voice.called(m.park), said) for m, said in zip(found.parks, holds, strict=True)] if len(set(holds)) > 1 else holds[:1]
    return Reply("\n".join(filter(None, lines)), _options(voice, found, run), voice.sources(places), picture=_picture(voice, found, layouts))


def named(voice: Voice, region: str) -> Reply:
    """The parks and sites that the papers name in a region, how many there are, and in which layout; in a city also how many in each of its places."""
    say, knowledge = voice.say, voice.knowledge
    own = [p for p in knowledge.parks.values() if p.region == region and p.named]
    sites, areas = [p for p in own if p.kind in ("park", "carrier")], [p for p in own if p.kind in ("town", "district")]
    layouts = [layout for layout in knowledge.layouts.values() if layout.region == region]
    lines = [say("parks.list", region=voice.region_name(region), count=len(sites)), *voice.with_standing(sites)]
    for status in ("planned", "building"):
        if early := [voice.called(p) for p in sites if p.status == status]:
            lines.append(say("parks.early", status=say(f"parks.status_{status}"), names=say.join(early)))
    if areas:
        lines.append(say("parks.areas", count=len(areas), names=say.join([voice.called(p) for p in areas])))
    inner = {r: sum(p.region == r and p.named and p.kind in ("park", "carrier") for p in knowledge.parks.values()) for r in knowledge.around(region)}
    if places := [say("parks.inner_place", region=voice.region_name(r), count=count) for r, count in inner.items() if r != region]:
        lines.append(say("parks.inner", places=say.join(places)))
    for layout in layouts:
        lines.append(say("parks.layout", region=voice.region_name(region), pattern=voice.layout_pattern(layout), summary=layout.summary))
    lines.append(say("parks.only_named"))
    options = (Option(say("common.start_parks"), "!start:park_selection"), *(Option(voice.label(p), fit(f"!show:{p.id}")) for p in sites[:2]))
    cited_at = [*(citations(p)[0] for p in (*sites, *areas)), *(layout.source for layout in layouts)]
    picture = pictures.layout(say.language, region) if layouts else None
    return Reply("\n".join(lines), (*options, voice.log()), voice.sources(cited_at), picture=picture)


def _picture(voice: Voice, found: Shortlist, layouts: Collection[str]) -> str | None:
    """The layout with these parks marked, and with those told as equal to the last; or, where they lie in several, the parks side by side."""
    parks, asked = [m.park.id for m in found.parks], [*found.wishes.needs, *filter(None, [found.wishes.site_stage])]
    if len(layouts) == 1 and (layout := voice.knowledge.layouts.get(next(iter(layouts)))) is not None:
        equal = [m for m in found.ranking.equals(found.parks[-1]) if m.park.region == layout.region]
        met = [m.park.id for m in (*found.parks, *equal) if meets(voice.knowledge, m)]
        return pictures.layout(voice.say.language, layout.region, met, [p for p in parks if p not in met])
    return pictures.compare(voice.say.language, parks, asked) if len(parks) > 1 else None


def _options(voice: Voice, found: Shortlist, run: str) -> tuple[Option, ...]:
    say = voice.say
    side = (Option(say("parks.compare"), f"!weigh:{run}.sides"),) if len(found.parks) > 1 else ()
    rest = (Option(say("parks.others"), f"!weigh:{run}.others"),) if found.ranking.matches else ()
    return (*side, *rest, Option(say("common.edit"), f"!edit:{run}"), Option(say("common.ask_park"), f"!log:run.{run}"))


def _lead(voice: Voice, found: Shortlist) -> str:
    """The answer first: the park to look at first, those that fit too, and those of which something has to be checked."""
    say, first = voice.say, found.parks[0]
    equals = [m for m in found.parks[1:] if m.merits == first.merits]
    names = say.join([voice.called(m.park) for m in (first, *equals)])
    rest = [m for m in found.parks[1:] if m not in equals]
    met = say.join([voice.called(m.park) for m in rest if meets(voice.knowledge, m)])
    unsure = say.join([voice.called(m.park) for m in rest if not meets(voice.knowledge, m)])
    sure = meets(voice.knowledge, first)
    lead = [say("parks.first_equals" if equals else "parks.first", names=names), say("parks.also", names=met) if met else ""]
    lead += [say("parks.next_unsure" if sure else "parks.next", names=unsure)] if unsure else []
    if not sure and found.wishes.segment:
        lead.append(say("parks.unsure", names=names) if met else say("parks.all_unsure"))
    return voice.sentences(*lead)


def entry(voice: Voice, match: ParkMatch, wishes: Wishes, number: int | None) -> list[str]:
    """A park with its reasons, each with its place, and what is to be asked of it; `number` None: without its place in the list."""
    say, park = voice.say, match.park
    head = {"name": voice.called(park), "region": voice.region_name(park.region), "role": voice.role(park)}
    lines = [say("facts.park", **head) if number is None else say("parks.line", number=number, **head)]
    told = [r for r in match.reasons if r.kind != "role"]
    if told:
        lines += [say("parks.reasons", reasons=text) for text in dict.fromkeys(reason(voice, r, wishes) for r in told)]
    if details := [r.text.rstrip("。") for r in told if voice.english and r.kind != "institutions" and not (r.about and r.kind in FIELDS)]:
        lines.append(say("parks.details", text="；".join(dict.fromkeys(details))))
    if match.open:
        lines.append(say("parks.ask", questions=questions(voice, match.open, wishes)))
    for bar in dict.fromkeys((b.text, b.source.section) for b in match.limits):
        lines.append(say("parks.limit", text=bar[0].rstrip("。"), section=bar[1]))
    if park.status in ("planned", "building"):
        lines.append(say("parks.planned", status=say(f"parks.status_{park.status}")))
    return lines


def sources_of(match: ParkMatch) -> list[Citation]:
    """Where the reasons for a park stand, and what a document says against it."""
    return [r.source for r in match.reasons if r.kind != "role"] + [b.source for b in match.limits] or [match.park.source]


def questions(voice: Voice, wishes: Iterable[str], of: Wishes) -> str:
    """What is to be asked of a park, ready to be sent."""
    say = voice.say
    return voice.clauses(wish(voice, w, of) if w == "site_stage" else say("parks.question", wish=need_label(voice, w)) for w in dict.fromkeys(wishes))


def open_questions(voice: Voice, found: Shortlist) -> str:
    """What all recommended parks are to be asked."""
    return questions(voice, [w for m in found.parks for w in m.open], found.wishes)


def wishes_of(voice: Voice, wishes: Wishes, places: bool = True) -> str:
    """What parks were weighed by, in words; without `places` where these lie where they lie."""
    say = voice.say
    parts = [voice.segment_name(wishes.segment) if wishes.segment else say("parks.any_segment")]
    if places:
        parts += [voice.region_name(r) for r in wishes.regions] or [say("parks.any_region")]
    if wishes.site_stage:
        parts.append(say(f"wishes.{wishes.site_stage}"))
    needs = "".join(say("parks.needed", need=need_label(voice, n)) for n in wishes.needs)
    return say.join(parts) + (say("parks.needing", needs=needs) if needs else "")


def wish(voice: Voice, token: str, wishes: Wishes) -> str:
    """A wish on which documents are silent, in words."""
    if token == "site_stage":
        return voice.say("wishes.site_stage", stage=voice.say(f"wishes.{wishes.site_stage}"))
    return need_label(voice, token)


def need_label(voice: Voice, need: str) -> str:
    """What a need is called."""
    return next((o.label[voice.say.language] for o in voice.knowledge.facts["needs"].options if o.token == need), need)


def reason(voice: Voice, said: Reason, wishes: Wishes) -> str:
    """A statement on a park with its place; in English by what it is about, since the paper's words are Chinese."""
    say, text = voice.say, said.text.rstrip("。")
    if voice.english:
        if said.kind in FIELDS or said.kind == "other":
            text = say(f"parks.{said.kind}", text=voice.segment_name(said.about)) if said.about else say("parks.positioned")
        elif said.kind == "stage":
            text = say(f"wishes.{said.about or wishes.site_stage}")
        else:
            text = need_label(voice, said.about) if said.about else say(f"parks.{said.kind}", text=said.text)
    else:
        text = say(f"parks.{said.kind}", text=text)
    wide = say("parks.wide", region=voice.region_name(said.region), text=text) if said.region else text
    return cited(voice, wide, said.source.section)


def cited(voice: Voice, text: str, *sections: str) -> str:
    """A statement with its place behind it; in English the places stand below."""
    return text if voice.english else voice.say("parks.cited", text=text, section="、".join(dict.fromkeys(sections)))


def behind(voice: Voice, merit: Merit | None) -> str:
    """By what a park comes behind another."""
    return voice.say(f"merits.{merit}") if merit else voice.say("merits.equal")


def _behind(voice: Voice, first: ParkMatch, match: ParkMatch) -> str:
    return behind(voice, comparing.behind(first, match))


def on(voice: Voice, match: ParkMatch, merit: Merit, wishes: Wishes) -> str:
    """What the documents say of a park by one merit, in words."""
    say, park = voice.say, match.park
    if merit == "site":
        return say(f"parks.kind_{park.kind}")
    if merit == "role":
        return role(voice, park)
    kinds = FIELDS if merit == "fit" else (merit,)
    those = [r for r in match.reasons if r.kind in kinds or (r.kind == "need" and need_merit(voice.knowledge, r) == merit)]
    return voice.clauses(reason(voice, r, wishes) for r in those) or say("parks.unsaid")


def role(voice: Voice, park: Park) -> str:
    """The role of a park in its layout, with its place; in English by its name."""
    named = voice.role(park).lstrip("，, ") if voice.english else park.role_text or ""
    return cited(voice, named, park.source.section) if named else voice.say("parks.unsaid")


def _left_out(voice: Voice, found: Shortlist) -> list[str]:
    """Of several places that were named together, the best park of each that has none on the list, and why it is behind."""
    say, lines = voice.say, list[str]()
    for region in found.wishes.regions if len(found.wishes.regions) > 1 else ():
        inside = set(voice.knowledge.around(region))
        if any(m.park.region in inside for m in found.parks):
            continue
        best = next((m for m in found.ranking.matches if m.park.region in inside), None)
        if best is None:
            lines.append(say("parks.place_none", region=voice.region_name(region)))
        else:
            why, place = _behind(voice, found.parks[0], best), found.ranking.place(best.park.id)
            lines.append(say("parks.place_best", region=voice.region_name(region), name=voice.called(best.park), place=place, why=why))
    return lines


def _supports(voice: Voice, regions: Iterable[str]) -> str:
    """How many supports with a printed amount there are in these regions; it is the same for all parks of one."""
    say, knowledge = voice.say, voice.knowledge
    counts = [(r, len(knowledge.printed_supports[r])) for r in regions]
    if not any(n for _, n in counts):
        return say("parks.supports_none")
    above = {up for r, _ in counts for up in knowledge.upward(r)[1:]}
    places = say.join([say("parks.supports" if n else "parks.supports_zero", region=voice.region_name(r), count=n) for r, n in counts])
    return say("parks.supports_printed", places=places) + (say("parks.supports_above") if above else "")


def others(voice: Voice, found: Shortlist, run: str) -> Reply:
    """What else fits and why it is behind, or that nothing else does; and why the nearest of the rest are out."""
    say, first = voice.say, found.ranking.matches[0]
    more = found.ranking.matches[LISTED : LISTED + 3]
    lines = [say("parks.more", count=len(found.ranking.matches) - LISTED) if more else say("parks.no_more")]
    places = [r.source for m in more for r in m.reasons[:1]]
    for match in more:
        place, why = found.ranking.place(match.park.id), _behind(voice, first, match)
        lines.append(say("parks.more_line", place=place, name=voice.called(match.park), region=voice.region_name(match.park.region), why=why))
    unfit = sum(o.kind == "segment" for o in found.ranking.out)
    if unfit and found.wishes.segment:
        lines.append(say("parks.more_segment", count=unfit, segment=voice.segment_name(found.wishes.segment)))
    barred = [o for o in found.ranking.out if o.said is not None]
    lines += [
        say("parks.out_said", name=voice.called(o.park), text=o.said.text.rstrip("。"), section=o.said.source.section) for o in barred[:3] if o.said
    ]
    places += [o.said.source for o in barred[:3] if o.said]
    return Reply("\n".join([*lines, say("parks.ask_why")]), _options(voice, found, run)[:1] + _options(voice, found, run)[2:], voice.sources(places))


def _none(voice: Voice, found: Shortlist, why: Nothing, run: str) -> Reply:
    """That nothing fits, and why: a document bars it, the field is named elsewhere only, or nowhere."""
    say, wishes = voice.say, wishes_of(voice, found.wishes)
    lines, places = [say(f"parks.none_{why.kind}", wishes=wishes)], list[Citation]()
    for out in why.out[:LISTED]:
        if out.said is not None:
            lines.append(say("parks.out_said", name=voice.called(out.park), text=out.said.text.rstrip("。"), section=out.said.source.section))
            places.append(out.said.source)
    if why.elsewhere:
        lines.append(say("parks.elsewhere", places=_named(voice, why.elsewhere)))
        places += [p.source for p in why.elsewhere]
    regions = found.wishes.regions or (None,)
    named = [c for r in regions for c in voice.knowledge.clauses_on(found.wishes.segment, r)] if found.wishes.segment else []
    if named and why.kind in ("industry", "region"):
        at = say.join([voice.region_name(c.region) + ("" if voice.english else f"（{c.source.section}）") for c in {c.id: c for c in named}.values()])
        lines.append(say("parks.named", places=at))
        places += [c.source for c in named]
    options = (Option(say("common.edit"), f"!edit:{run}"), voice.log(f"run.{run}"))
    return Reply("\n".join(lines), (*(Option(voice.label(p), fit(f"!show:{p.id}")) for p in why.elsewhere[:2]), *options), voice.sources(places))


def _named(voice: Voice, those: Sequence[Park]) -> str:
    return voice.say.join([f"{voice.called(p)}（{voice.region_name(p.region)}）" if not voice.english else voice.called(p) for p in those])
