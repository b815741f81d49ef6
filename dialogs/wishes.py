"""Free questions: the wishes of a message served in order, records found for it, and what to say where nothing is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

from dialogs import asking, filing, frames, moves, phrases, proceeding, reading, reports
from dialogs.answers import MAX_OPTIONS, Voice, cut
from dialogs.messages import Option, Reply
from dialogs.talk import Talk, Unanswered, masked
from knowledge.records import Park, QuestionAnswer, Service, Topic
from knowledge.search import Hit
from knowledge.shapes import Citation
from knowledge.snapshot import Answerable

RIGHT = 0.60
"""A record from here on is the answer."""
CLOSE = 0.46
"""Records from here on are offered, at most three."""
_SILENT = 0.3
EXACT = 0.95
"""From here on a record's own name or phrasing was used word for word."""
TITLE = 0.8
"""How well a question must fit a record's own name to be about it, whatever else the message wants."""
TOPICS = tuple(t for t in get_args(Topic) if t not in (*frames.GUIDED, "policy_question"))
"""Wishes that are answered with a list of what the documents have on them."""
_OWN_WAY = frozenset({"request_human", "request_status", "cancel", "correction", "back_or_restart"})
"""Wishes that win over a record of the same name; a pre-check and a choice of park do where the person speaks of their own."""


def free_text(talk: Talk) -> None:
    """Serve a message that is no answer: its wishes in order; then offer what was interrupted."""
    interrupted, talk.free = talk.asking() is not None, True
    region = _region(talk)
    if not interrupted and region is not None and _only_a_region(talk):
        place(talk, region)
        return
    hits = _find(talk, region)
    if phrases.asks_validity(talk.text) and _validity(talk, region):
        return
    foreign = talk.knowledge.is_elsewhere(talk.text) and not _named(talk) and not _names_the_place(talk, hits)
    if foreign and set(talk.wants.wishes) <= {*frames.GUIDED, *TOPICS, "policy_question"}:
        _miss(talk, False, "miss.out_of_scope")
        return
    served = [serve(talk, wish, region, hits) for wish in _wishes(talk, hits)]
    if not any(served) and not _search(talk, hits):
        _miss(talk, interrupted)
        return
    if not talk.missed:
        talk.state = replace(talk.state, misses=0)
    if interrupted and not _restarted(talk) and (talk.asking() is not None):
        proceeding.offer_resume(talk)


def _names_the_place(talk: Talk, hits: list[Hit]) -> bool:
    """Whether the best record itself names a place that no document covers (沪太科技创新协同合作 is ours, 三类证补贴 of 无锡 is not)."""
    if not hits or hits[0].title < TITLE:
        return False
    record = hits[0].record
    titles = record.ask if isinstance(record, QuestionAnswer) else (record.name, *record.aliases)
    return any(talk.knowledge.is_elsewhere(talk.knowledge.read(title)) for title in titles)


def _only_a_region(talk: Talk) -> bool:
    """Whether the message is nothing but the name of a region."""
    return bool(talk.found) and all(f.kind == "region" for f in talk.found) and len(reading.rest_of(talk.text, talk.found)) <= 1


def _wishes(talk: Talk, hits: list[Hit]) -> tuple[str, ...]:
    """The wishes to serve; none where one record is named so plainly that it is the answer."""
    names = talk.wants.wishes
    own = {"subsidy_precheck"} if phrases.speaks_of_own(talk.text) else set()
    choosing = {"park_selection"} if phrases.speaks_of_choosing(talk.text) else set()
    own_way = _OWN_WAY | own | choosing
    if hits and hits[0].title == 1.0 and isinstance(hits[0].record, Service) and talk.knowledge.search.is_name(talk.text, hits[0].record):
        return ()  # a service called by its very name, whatever else the words may want
    named = bool(hits) and hits[0].title >= TITLE and len(names) <= 1 and not set(names) & own_way
    return () if named else names


def _restarted(talk: Talk) -> bool:
    """Whether a dialog was begun in this turn (its question is the last thing said)."""
    return talk.state.top is not None and talk.state.runs > talk.runs_before


def serve(talk: Talk, wish: str, region: str | None, hits: list[Hit]) -> bool:
    """Serve one wish; False where it comes to nothing and the search should try."""
    given = reading.facts_in(talk.found, talk.knowledge, talk.text)
    top = talk.state.top
    if top is not None and not top.done and top.dialog == wish:
        return False  # it is open already: starting it anew would throw the answers away
    match wish:
        case "park_selection" | "subsidy_precheck" | "approval_channel":
            if wish == "approval_channel" and (matter := reading.matter_in(talk.text, talk.knowledge)):
                given["approval_matter"] = matter
            if wish == "park_selection":
                given |= reading.site_wishes_in(talk.text, talk.knowledge)
            if ambiguous(talk, wish):
                return True
            if wish == "subsidy_precheck" and region and phrases.asks_for_list(talk.text) and not phrases.speaks_of_own(talk.text):
                _overview(talk, region)
            if wish == "park_selection" and region and phrases.asks_for_list(talk.text):
                sites = [p for p in talk.knowledge.parks_in(region) if p.kind in ("park", "carrier")] or list(talk.knowledge.parks_in(region))
                talk.replies.append(talk.voice.listing(talk.say("parks.list", region=talk.voice.region_name(region), count=len(sites)), sites[:10]))
            moves.start(talk, wish, given)
        case "request_human":
            moves.human(talk)
        case "request_status":
            filing.status(talk)
        case "greeting":
            moves.greet(talk)
        case "help":
            talk.speak(talk.say("greeting.help"), moves.starts(talk))
        case "thanks_bye":
            talk.speak(talk.say("greeting.thanks"))
        case "cancel":
            moves.cancel(talk)
        case "back_or_restart":
            return moves.back_or_again(talk)
        case "correction":
            moves.edit(talk, "")
        case "out_of_scope":
            if _search(talk, hits, strict=True):
                return True
            _miss(talk, False, "miss.out_of_scope")
        case _ if wish in TOPICS:
            return _search(talk, hits, strict=True) or topical(talk, wish, region, hits)
        case _:
            return False
    return True


def ambiguous(talk: Talk, wish: str) -> bool:
    """Ask which of several regions of one short name is meant."""
    unclear = next((f for f in talk.found if f.kind == "ambiguous_region"), None)
    if unclear is None or any(f.kind == "region" for f in talk.found):
        return False
    _which(talk, unclear.value, "miss.ambiguous_region")
    return True


def _which(talk: Talk, regions: Sequence[str], key: str) -> None:
    """Ask for the region of a question; the words wait until it is known."""
    talk.state = replace(talk.state, pending=talk.text)
    talk.speak(talk.say(key), tuple(Option(talk.voice.region_name(r), f"!place:{r}") for r in regions))


def place(talk: Talk, region: str) -> None:
    """The region of the question that waits, or of what comes next."""
    if region not in talk.knowledge.regions:
        moves.stale(talk, "bad.stale")
        return
    name, words = talk.knowledge.regions[region].name, talk.state.pending or talk.state.asked
    talk.tapped = talk.voice.region_name(region)
    talk.state = replace(talk.state, pending="", asked="", profile={**talk.state.profile, "region": region})
    for other in sorted(talk.knowledge.regions.values(), key=lambda r: -len(r.name)):
        words = words.replace(other.name, "") if other.name != name else words
    if not words:
        talk.speak(talk.say("miss.region_only", region=talk.voice.region_name(region)), moves.starts(talk))
        return
    short = next((s for s in talk.knowledge.regions[region].ambiguous if s in words and name not in words), None)
    talk.hear(words.replace(short, name, 1) if short else f"{name}{words}")
    free_text(talk)


_KNOWN = ("region", "segment", "stage", "events")


def _named(talk: Talk) -> tuple[str, ...]:
    """The regions that the message names; of nested ones the inner."""
    return talk.knowledge.innermost([f.token for f in talk.found if f.kind == "region"])


def _region(talk: Talk) -> str | None:
    """The region that the message is about: named in it, or known from before."""
    named = _named(talk)
    if len(named) == 1:
        talk.state = replace(talk.state, profile={**talk.state.profile, "region": named[0]})
        return named[0]
    return None if named else talk.state.profile.get("region")


def _find(talk: Talk, region: str | None, text: str = "") -> list[Hit]:
    """Records for the message: of the regions that it names, otherwise of all, the region spoken of before a little ahead."""
    named = _named(talk)
    scope = (*talk.knowledge.upward(named[0]), *talk.knowledge.around(named[0])) if len(named) == 1 else named
    text = text or talk.text
    for unclear in (f for f in talk.found if f.kind == "ambiguous_region"):
        text = text.replace(unclear.text, "", 1)  # 高新区 alone names no park
    hits = [h for h in talk.knowledge.search.find(text or talk.text, scope, 16) if _same_class(talk.text, h.record)]
    if region is None:  # that one paper is silent is no answer while another may speak
        return sorted(hits, key=lambda h: (_SILENT * _is_silent(h.record) - h.score, h.record.id))
    upward = talk.knowledge.upward(region)
    above, other = (0.12, 0.2) if named else (0.06, 0.1)
    behind = {r: 0.0 if r == region else above if r in upward else other for r in talk.knowledge.regions}
    own = {h.record.id for h in hits if named and h.record.region == region and h.score >= CLOSE}
    called = {h.record.id for h in hits if h.title == 1.0 and isinstance(h.record, Service) and talk.knowledge.search.is_name(text, h.record)}
    return sorted(hits, key=lambda h: (h.record.id not in called, h.record.id not in own, behind[h.record.region] - h.score, h.record.id))


def topical(talk: Talk, topic: str, region: str | None, hits: list[Hit]) -> bool:
    """What the documents have on a topic, for a region; asks for the region first where none is known."""
    if ambiguous(talk, topic):
        return True
    if region is None:
        _which(talk, tuple(talk.knowledge.regions), "miss.which_region")
        return True
    return listing(talk, topic, region, hits)


def listing(talk: Talk, topic: str, region: str, hits: Sequence[Hit] = ()) -> bool:
    """List a topic's records for a region, those nearest to the words of the message first."""
    scope = talk.knowledge.upward(region)
    rank = {"Support": 0, "Channel": 1, "Clause": 2, "Park": 3, "QuestionAnswer": 4}
    near = {h.record.id: h.score for h in hits}
    rows = [r for r in talk.knowledge.answerable() if topic in r.topics and r.region in scope and not isinstance(r, QuestionAnswer)]
    rows.sort(key=lambda r: (scope.index(r.region), -near.get(r.id, 0.0), rank.get(type(r).__name__, 5), r.id))
    if not rows:
        return False
    talk.replies.append(talk.voice.listing(talk.say("facts.list", region=talk.voice.region_name(region)), rows[:5]))
    return True


def tell(talk: Talk, record: Answerable) -> None:
    """Answer with a record."""
    talk.state = replace(talk.state, subject=record.id, asked=talk.text[:300] if talk.free else "")
    reply = talk.voice.tell(record)
    unsaid = (
        not isinstance(record, Park)
        and record.region != talk.state.profile.get("region")
        and not any(f.kind == "region" and f.token == record.region for f in talk.found)
    )
    if unsaid:
        reply = replace(reply, text=talk.say("facts.in_region", region=talk.voice.region_name(record.region), text=reply.text))
    talk.replies.append(reply)


def _search(talk: Talk, hits: list[Hit], strict: bool = False) -> bool:
    """Answer from the records; `strict`: only with a record that surely is meant."""
    named = _named(talk)
    if len(named) == 2 and not strict and _compare(talk, named, hits):
        return True
    if not named and not talk.state.profile.get("region") and len(rivals := _rivals(talk, hits)) > 1:
        _which(talk, rivals, "miss.which_region")
        return True
    if hits and _is_it(hits, strict):
        tell(talk, hits[0].record)
        return True
    if strict:
        return False
    close = _apart([h for h in hits if h.score >= CLOSE])
    if not close:
        return False
    if len(close) == 1:
        tell(talk, close[0])
    else:
        talk.state = replace(talk.state, subject="?")
        talk.replies.append(talk.voice.candidates(close[:3]))
    return True


def _is_it(hits: list[Hit], strict: bool) -> bool:
    """Whether the first record is the answer: well above the bar, or over it with a margin to the next different one."""
    best, level = hits[0].score, RIGHT + (0.08 if strict else 0.0)
    following = next((h.score for h in hits[1:] if not _same(hits[0].record, h.record)), 0.0)
    return best >= level + 0.1 or (best >= level and best - following >= 0.04)


def _same(one: Answerable, other: Answerable) -> bool:
    """Whether one record speaks of the other (a question about a support), or is called the same (in another region)."""
    if Voice.name(one) == Voice.name(other):
        return True
    about = {i for r in (one, other) if isinstance(r, QuestionAnswer) for i in r.about}
    return one.id in about or other.id in about


def _apart(hits: list[Hit]) -> list[Answerable]:
    """Records without those that another, better one already speaks of."""
    kept: list[Answerable] = []
    for hit in hits:
        if not any(_same(hit.record, k) for k in kept):
            kept.append(hit.record)
    return kept


def _rivals(talk: Talk, hits: list[Hit]) -> tuple[str, ...]:
    """Regions whose records fit the question equally well; one at most where a name is meant."""
    if not hits or hits[0].score < CLOSE:
        return ()
    if hits[0].title >= EXACT and (len(hits) < 2 or all(h.title < EXACT for h in hits if h.record.region != hits[0].record.region)):
        return ()
    level = [h.record.region for h in hits if h.score >= max(CLOSE, hits[0].score - 0.12)]
    return tuple(r for r in talk.knowledge.regions if r in level)


def _is_silent(record: Answerable) -> bool:
    """Whether a record only says that its paper does not say it."""
    return isinstance(record, QuestionAnswer) and re.search("没有写|没有列|没有提|不写", record.answer.split("。")[0]) is not None


def _same_class(text: str, record: Answerable) -> bool:
    """Whether a record is about the device class that is asked for (a question about 三类 is not answered with 二类)."""
    asked = phrases.device_classes(text)
    named = phrases.device_classes(" ".join((Voice.name(record), *(record.ask if isinstance(record, QuestionAnswer) else ()))))
    return not asked or not named or bool(asked & named)


def _validity(talk: Talk, region: str | None) -> bool:
    """Whether something still holds: the record that is named or was just spoken of, else the region's paper."""
    spoken = talk.knowledge.record(talk.state.subject)
    hits = _find(talk, region, phrases.without_validity(talk.text))
    named = hits[0].record if hits and hits[0].title >= TITLE else None
    if record := named or (spoken if not _named(talk) else None):
        tell(talk, record)
        return True
    papers = [d for d in talk.knowledge.documents.values() if region is None or d.region == region]
    first = {d.id: next((r for r in talk.knowledge.answerable() if talk.knowledge.document_of(r).id == d.id), None) for d in papers}
    lines = [
        talk.say(
            "facts.validity", title=talk.voice.called(d), number="" if talk.voice.english else d.number or "", holds=talk.voice.document_holds(d)
        )
        for d in papers
    ]
    places = [Citation(document=d.id, section=reports.WHOLE) for d in papers if first[d.id] is not None]
    talk.replies.append(Reply("\n".join(lines), (talk.voice.log(),), talk.voice.sources(places)))
    return True


def _overview(talk: Talk, region: str) -> None:
    """How many supports the papers name for a region, and those with a printed sum."""
    supports = talk.knowledge.supports_in(region)
    printed = [s for s in supports if s.amount.max or s.amount.rate_max]
    above = talk.say("report.overview_above") if len(talk.knowledge.upward(region)) > 1 else ""
    lines = [talk.say("report.overview", region=talk.voice.region_name(region), count=len(supports), printed=len(printed), above=above)]
    lines += talk.voice.with_standing(printed[:5]) if printed else list(dict.fromkeys(talk.voice.holds(s) for s in supports[:5]))
    talk.replies.append(Reply("\n".join(lines), (), talk.voice.sources(s.source for s in printed[:5] or supports[:1])))


def _compare(talk: Talk, regions: Sequence[str], hits: list[Hit]) -> bool:
    """Two regions in one question: the best record of each side."""
    sides = [next((h.record for h in hits if h.record.region == r and h.score >= CLOSE), None) for r in regions]
    if any(s is None for s in sides):
        return False
    for side in sides:
        if side is not None:
            reply = talk.voice.tell(side)
            talk.replies.append(replace(reply, text=_headed(talk, side.region, reply.text)))
    return True


def _headed(talk: Talk, region: str, text: str) -> str:
    """An answer under the name of its region."""
    name = talk.voice.region_name(region)
    return f"{name}\n{text}" if talk.voice.english else f"【{name}】{text}"


def _miss(talk: Talk, interrupted: bool, key: str = "") -> None:
    """Not understood: say what can be taken; the second time, a person. A question that was understood but has no record says so."""
    misses, talk.missed = talk.state.misses + 1, True
    talk.state = replace(talk.state, misses=misses, subject="?")
    form_open = talk.state.top is not None and talk.state.top.dialog not in frames.GUIDED
    if (said := masked(talk.text).strip()[:200]) and not form_open:
        talk.effects.append(Unanswered(said))
    talk.free = talk.free and not form_open
    question = talk.asking()
    if question is not None and interrupted and misses < 2:
        hint = {"Amount": "hint_money", "Flag": "hint_flag", "Number": "hint_number", "Items": "hint_number"}.get(
            type(question).__name__, "hint_choice"
        )
        talk.speak(talk.say("dialog.cannot_read", hint=talk.say(f"dialog.{hint}")))
        asking.ask(talk)
    elif not key and misses < 2 and (known := {k: v for k, v in reading.facts_in(talk.found, talk.knowledge, talk.text).items() if k in _KNOWN}):
        talk.state = replace(talk.state, profile={**talk.state.profile, **{k: v for k, v in known.items() if k in ("region", "segment", "stage")}})
        talk.speak(talk.say("miss.facts_only", facts=talk.say.join([asking.fact_label(talk, k, v) for k, v in known.items()])), moves.starts(talk))
    elif misses >= 2:
        talk.speak(
            talk.say("miss.second", words=cut(masked(talk.text).strip(), 60)), (talk.voice.log("words"), *moves.starts(talk)[: MAX_OPTIONS - 1])
        )
    elif key or not phrases.is_question(talk.text):
        near = bool(talk.found) or phrases.is_question(talk.text)
        options = (talk.voice.log("words"), *moves.starts(talk)[: MAX_OPTIONS - 1]) if key and near else moves.starts(talk)
        talk.speak(talk.say(key or "miss.first"), options)
    else:
        talk.speak(talk.say("miss.not_in_documents"), (talk.voice.log("words"), *moves.starts(talk)[: MAX_OPTIONS - 1]))
