"""Telling the shortlist of parks: which fit, why, and what the documents leave open."""

from __future__ import annotations

from dialogs.answers import Voice, fit
from dialogs.messages import Option, Reply
from dialogs.scripts.park_selection import Shortlist
from knowledge.parks import Reason
from knowledge.shapes import Citation

_FIELDS = ("focus", "narrower", "broader")
"""Reasons that name a part of the industry."""


def shortlist(voice: Voice, found: Shortlist, run: str) -> Reply:
    """The parks that fit, why, and what the documents leave open."""
    say = voice.say
    wishes = _wishes(voice, found)
    if not found.parks:
        named = voice.knowledge.clauses_on(found.segment, found.region) if found.segment else ()
        places = say.join([voice.region_name(c.region) + ("" if voice.english else f"（{c.source.section}）") for c in named])
        text = say("parks.none", wishes=wishes) + (say("parks.named", places=places) if named else "")
        return Reply(text, (Option(say("common.edit"), f"!edit:{run}"), voice.log(f"run.{run}")), voice.sources(c.source for c in named))
    lines, cited = [say("parks.title", wishes=wishes)], list[Citation]()
    for number, match in enumerate(found.parks, 1):
        park = match.park
        lines.append(say("parks.line", number=number, name=voice.called(park), region=voice.region_name(park.region), role=voice.role(park)))
        reasons = [r for r in match.reasons if r.kind != "role"]
        cited += [r.source for r in reasons] or [park.source]
        if reasons:
            lines.append(say("parks.reasons", reasons=voice.clauses(dict.fromkeys(_reason(voice, r, found) for r in reasons))))
        if details := [r.text.rstrip("。") for r in reasons if voice.english and not (r.about and r.kind in _FIELDS)]:
            lines.append(say("parks.details", text="；".join(details)))
        if match.silent:
            lines.append(say("parks.silent", wishes=say.join([_wish(voice, w, found) for w in match.silent])))
        if park.status in ("planned", "building"):
            lines.append(say("parks.planned", status=say(f"parks.status_{park.status}")))
    layouts = {p.park.layout for p in found.parks if p.park.layout}
    for layout in (voice.knowledge.layouts[i] for i in sorted(layouts) if i in voice.knowledge.layouts):
        if len(layouts) == 1:
            lines.append(
                say(
                    "parks.layout",
                    region=voice.region_name(layout.region),
                    pattern=voice.called(layout) if voice.english else layout.pattern,
                    summary=layout.summary,
                )
            )
            cited.append(layout.source)
    holds = [voice.holds(m.park) for m in found.parks]
    lines += [voice.colon(voice.called(m.park), said) for m, said in zip(found.parks, holds, strict=True)] if len(set(holds)) > 1 else holds[:1]
    options = tuple(Option(voice.label(m.park), fit(f"!show:{m.park.id}")) for m in found.parks[:2])
    options = (*options, Option(say("common.edit"), f"!edit:{run}"), Option(say("common.ask_park"), f"!log:run.{run}"))
    return Reply("\n".join(lines), options, voice.sources(cited))


def _wishes(voice: Voice, found: Shortlist) -> str:
    say = voice.say
    parts = [voice.segment_name(found.segment) if found.segment else say("parks.any_segment")]
    parts.append(voice.region_name(found.region) if found.region else say("parks.any_region"))
    if found.site_stage:
        parts.append(say(f"wishes.{found.site_stage}"))
    return say.join([*parts, *(_need_label(voice, n) for n in found.needs)])


def _wish(voice: Voice, wish: str, found: Shortlist) -> str:
    if wish == "site_stage":
        return voice.say("wishes.site_stage", stage=voice.say(f"wishes.{found.site_stage}"))
    return _need_label(voice, wish)


def _need_label(voice: Voice, need: str) -> str:
    """What a need is called."""
    return next((o.label[voice.say.language] for o in voice.knowledge.facts["needs"].options if o.token == need), need)


def _reason(voice: Voice, reason: Reason, found: Shortlist) -> str:
    """A point in favour of a park; in English by what it is about, since the paper's words are Chinese."""
    if voice.english and reason.kind in _FIELDS:
        return voice.say(f"parks.{reason.kind}", text=voice.segment_name(reason.about)) if reason.about else voice.say("parks.positioned")
    if voice.english:
        return voice.say(f"wishes.{found.site_stage}") if reason.kind == "stage" else _need_label(voice, reason.about or "")
    return voice.say(f"parks.{reason.kind}", text=reason.text.rstrip("。"))
