"""Free questions: the wishes of a message served in order, follow-ups, lists, and what to say where nothing is found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

from dialogs import (
    doubts,
    filing,
    finding,
    followups,
    frames,
    mentioned,
    misses,
    moves,
    personal,
    phrases,
    proceeding,
    reading,
    rights,
    shortlists,
    tiers,
    wanting,
)
from dialogs.finding import TITLE
from dialogs.messages import Reply
from dialogs.talk import Talk
from knowledge.records import QuestionAnswer, Service, Topic
from knowledge.search import Hit

TOPICS = tuple(t for t in get_args(Topic) if t not in (*frames.GUIDED, "policy_question"))
"""Wishes that are answered with a list of what the documents have on them."""
_OWN_WAY = frozenset({"own_data", "request_human", "request_status", "cancel", "correction", "back_or_restart"})
"""Wishes that win over a record of the same name; a pre-check and a choice of park do where the person speaks of their own."""
_OUT, _UNSURE_OUT, _NAMED_OUT = 0.28, 0.2, 0.12
"""Something that is out of scope by its words, surely or perhaps, is answered all the same from a record that fits
as well as this; where it names one of our regions, a little less will do."""


def free_text(talk: Talk) -> None:
    """Serve a message that is no answer: its wishes in order; then offer what was interrupted."""
    interrupted, talk.free = talk.asking() is not None, True
    region = finding.region_of(talk)
    if not interrupted and region is not None and _only_a_region(talk):
        place(talk, region)
        return
    if phrases.registers(talk.text) or _leaves_a_number(talk):
        moves.register(talk)
        return
    if phrases.is_figure(talk.text) and not talk.wants.wishes:
        misses.miss(talk, interrupted)
        return
    given = mentioned.facts_in(talk.found, talk.knowledge, talk.text)
    theirs = not phrases.is_question(talk.text) or (mentioned.own_by_year(given, talk.text) and not phrases.compares(talk.text))
    if not interrupted and "," in given.get("products", "") and theirs:
        doubts.below_zero(talk)
        moves.start(talk, "subsidy_precheck", given)  # several products are somebody's own
        return
    if (record := followups.meant(talk)) is not None:
        finding.tell(talk, record)
        return
    followups.complete(talk)
    hits = finding.find(talk, region)
    if phrases.asks_validity(talk.text) and finding.validity(talk, region):
        return
    foreign = talk.knowledge.is_elsewhere(talk.text) and not finding.named(talk) and not _names_the_place(talk, hits)
    if foreign and set(talk.wants.wishes) <= {*frames.GUIDED, *TOPICS, "policy_question", "out_of_scope"}:
        misses.miss(talk, False, "miss.out_of_scope")
        return
    if len(talk.wants.wishes) < 2 and (tiers.asked(talk, region, hits) or _parks(talk, region, talk.text) or _each(talk, region)):
        talk.state = replace(talk.state, misses=0)
        if interrupted:
            proceeding.offer_resume(talk)
        return
    served, runs, later = False, talk.state.runs, list[str]()
    for wish, part, several in _wishes(talk, hits):
        if wish in frames.GUIDED and talk.state.runs > runs and talk.asking() is not None:
            later.append(wish)  # one dialog at a time: on top of the first, its buttons would be dead
            continue
        own = finding.find(talk, region, part) if several else hits
        served |= (several and _parks(talk, region, part)) or serve(talk, wish, region, own) or (several and finding.answer(talk, own, strict=True))
        if talk.state.pending:
            break  # the region must be known before anything else of it can be served
    if later and talk.replies:
        more = tuple(o for o in moves.starts(talk) if o.payload.removeprefix("!start:") in later)
        talk.replies[-1] = replace(talk.replies[-1], options=(*talk.replies[-1].options, *more))
    if not served and not _answer(talk, hits) and not finding.from_paper(talk, region) and not misses.ask_between(talk):
        misses.miss(talk, interrupted)
        return
    if not talk.missed:
        talk.state = replace(talk.state, misses=0)
    if interrupted and not _restarted(talk) and (talk.asking() is not None):
        proceeding.offer_resume(talk)


def _parks(talk: Talk, region: str | None, text: str) -> bool:
    """Answer how many parks there are in a region, or which, with those that its papers name."""
    regions = finding.named(talk) or ((region,) if region else ())
    if not phrases.asks_for_parks(text) or any(f.kind in ("segment", "park") for f in talk.found):
        return False
    if not regions and not finding.ambiguous_in(talk):
        if not phrases.asks_for_number(text):
            return False
        finding.which(talk, tuple(talk.knowledge.regions), "miss.which_region")
    elif not finding.ambiguous(talk):
        talk.replies += [shortlists.named(talk.voice, r) for r in regions]
        finding.remember(talk)
    return True


def _leaves_a_number(talk: Talk) -> bool:
    """Whether somebody who asks nothing leaves a telephone number or an address, to be called back."""
    left = any(f.kind in ("phone", "email") for f in talk.found)
    return left and not phrases.is_question(talk.text) and set(talk.wants.wishes) <= {"request_human", "out_of_scope", "greeting"}


def _each(talk: Talk, region: str | None) -> bool:
    """Answer each of several questions in one message, where each has a record of its own (娄城贷是什么？太仓有几个园区？)."""
    asked = [part for part in phrases.parts(talk.text) if phrases.is_question(part) and not followups.is_bare(part) and not _rants(talk, part)][:3]
    if len(asked) < 2 or phrases.speaks_of_own(talk.text) or finding.ambiguous_in(talk):
        return False
    each = [finding.find(talk, region, part) for part in asked]
    if not all(finding.is_it(hits) for hits in each) or len({hits[0].record.id for hits in each}) < len(each):
        return False
    if region is None and any(len(finding.rivals(talk, hits)) > 1 for hits in each):
        return False
    for hits in each:
        finding.tell(talk, hits[0].record)
    return True


def _rants(talk: Talk, part: str) -> bool:
    """Whether a part of a message asks nothing of ours (你们这什么破系统)."""
    scores = wanting.read(part, talk.knowledge).scores
    return not scores or scores[0].name in ("out_of_scope", "help", "request_human", "greeting")


def _answer(talk: Talk, hits: list[Hit]) -> bool:
    """Answer what no wish was served for from the records; what seems out of scope only where a record fits well."""
    out = bool(talk.wants.scores) and talk.wants.scores[0].name == "out_of_scope"
    bar = _NAMED_OUT if finding.named(talk) and phrases.is_question(talk.text) else _UNSURE_OUT
    if not finding.is_it(hits):  # a question inside of many words
        parts = [finding.find(talk, talk.state.profile.get("region"), p) for p in phrases.parts(talk.text) if phrases.is_question(p) and len(p) > 4]
        hits = max((p for p in parts if finding.is_it(p, strict=True)), key=lambda p: p[0].score, default=hits)
    return (not out or (bool(hits) and hits[0].score >= bar)) and finding.answer(talk, hits)


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


def _wishes(talk: Talk, hits: Sequence[Hit]) -> list[tuple[str, str, bool]]:
    """The wishes to serve, each with its words and whether there are several; none where one record is named so plainly that it is the answer."""
    names = talk.wants.wishes
    own = {"subsidy_precheck"} if phrases.speaks_of_own(talk.text) else set()
    choosing = {"park_selection"} if phrases.speaks_of_choosing(talk.text) else set()
    if hits and hits[0].title == 1.0 and isinstance(hits[0].record, Service) and talk.knowledge.search.is_name(talk.text, hits[0].record):
        return []  # a service called by its very name, whatever else the words may want
    named = _is_called(talk, hits) and len(names) <= 1 and not set(names) & (_OWN_WAY | own | choosing)
    wishes = [] if named else [(name, part, len(names) > 1) for name, part in zip(names, talk.wants.parts, strict=True)]
    return sorted(wishes, key=lambda w: w[0] != "cancel")  # what is left is what was open, not what the same message asks for


def _is_called(talk: Talk, hits: Sequence[Hit]) -> bool:
    """Whether the first record is plainly called by its name; the phrasing of a question is a name only where something is asked."""
    if not hits or hits[0].title < TITLE:
        return False
    return not isinstance(hits[0].record, QuestionAnswer) or phrases.is_question(talk.text)


def _restarted(talk: Talk) -> bool:
    """Whether a dialog was begun in this turn (its question is the last thing said)."""
    return talk.state.top is not None and talk.state.runs > talk.runs_before


def serve(talk: Talk, wish: str, region: str | None, hits: list[Hit]) -> bool:
    """Serve one wish; False where it comes to nothing and the search should try."""
    top = talk.state.top
    if top is not None and not top.done and top.dialog == wish:
        return False  # it is open already: starting it anew would throw the answers away
    match wish:
        case "park_selection" | "subsidy_precheck" | "approval_channel":
            _guide(talk, wish, region, hits)
        case "request_human":
            moves.human(talk)
        case "request_status" if not talk.own and finding.is_it(hits):
            return finding.answer(talk, hits)  # somebody asks how a project of the papers stands
        case "request_status":
            filing.status(talk)
        case "own_data":
            {"mine": personal.show, "export": personal.export, "unconsent": personal.unconsent, "erase": personal.erase}[
                rights.of_own_data(talk.text)
            ](talk)
        case "greeting":
            moves.greet(talk)
        case "help":
            moves.explain(talk)
        case "thanks_bye" if not phrases.is_question(talk.text):
            talk.speak(talk.say("greeting.thanks"))
        case "cancel" if phrases.withdraws(talk.text):
            moves.withdraw(talk)
        case "cancel" if talk.state.top is None and phrases.is_question(talk.text) and _answer(talk, hits):
            return True  # nothing is open: what is asked beside it counts (算了不说这个，…是怎么回事)
        case "cancel":
            moves.cancel(talk)
        case "back_or_restart":
            return moves.back_or_again(talk)
        case "correction":
            moves.edit(talk, "")
        case "out_of_scope":
            if not (
                hits
                and (hits[0].score >= (_UNSURE_OUT if finding.named(talk) else _OUT) or hits[0].title >= TITLE)
                and finding.answer(talk, hits, strict=True)
            ):
                misses.miss(talk, False, "miss.out_of_scope")
        case _ if wish in TOPICS:
            return finding.answer(talk, hits, strict=True) or topical(talk, wish, region, hits)
        case _:
            return False
    return True


def _guide(talk: Talk, wish: str, region: str | None, hits: list[Hit]) -> None:
    """Answer a plain question about a paper's supports, parks or routes, with the dialog beside it; else begin the dialog."""
    if phrases.bare(talk.text) in {phrases.bare(o.label) for o in moves.starts(talk)} | {talk.say(f"dialog.{wish}")}:
        moves.start(talk, wish, {})  # the words of the button
        return
    own = phrases.speaks_of_own(talk.text)
    if wish == "park_selection":
        own = phrases.speaks_of_choosing(talk.text) and (own or any(f.kind == "segment" for f in talk.found) or not finding.is_it(hits, strict=True))
    lists = phrases.asks_for_list(talk.text)
    if finding.ambiguous(talk):
        return
    plain = phrases.is_question(talk.text) or _is_called(talk, hits)
    if plain and not own and not lists and finding.is_it(hits, strict=wish == "approval_channel") and finding.answer(talk, hits, step=wish):
        return
    given, hinted = mentioned.facts_in(talk.found, talk.knowledge, talk.text), dict[str, str]()
    if wish == "approval_channel" and (matter := mentioned.matter_in(talk.text, talk.knowledge)):
        given["approval_matter"] = matter
    if wish == "subsidy_precheck":
        given |= reading.projects_in(talk.text)
    if wish == "park_selection":
        given |= mentioned.site_wishes_in(talk.text, talk.knowledge) | mentioned.places_in(talk.text, talk.found, talk.knowledge)
        hinted = mentioned.needs_in(talk.text, talk.found, talk.knowledge)
    if wish == "subsidy_precheck" and region and lists and not own:
        _overview(talk, region)
    if wish == "park_selection" and region and lists:
        sites = [p for p in talk.knowledge.parks_in(region) if p.kind in ("park", "carrier")] or list(talk.knowledge.parks_in(region))
        talk.replies.append(talk.voice.listing(talk.say("parks.list", region=talk.voice.region_name(region), count=len(sites)), sites[:10]))
    doubts.below_zero(talk)
    moves.start(talk, wish, given, hinted)


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


def topical(talk: Talk, topic: str, region: str | None, hits: list[Hit]) -> bool:
    """What the documents have on a topic, for a region; asks for the region first where none is known."""
    if finding.ambiguous(talk):
        return True
    if region is None:
        finding.which(talk, tuple(talk.knowledge.regions), "miss.which_region")
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


def _overview(talk: Talk, region: str) -> None:
    """How many supports the papers name for a region, and those with a printed sum."""
    supports = talk.knowledge.supports_in(region)
    printed = [s for s in supports if s.amount.max or s.amount.rate_max]
    above = talk.say("report.overview_above") if len(talk.knowledge.upward(region)) > 1 else ""
    lines = [talk.say("report.overview", region=talk.voice.region_name(region), count=len(supports), printed=len(printed), above=above)]
    lines += talk.voice.with_standing(printed[:5]) if printed else list(dict.fromkeys(talk.voice.holds(s) for s in supports[:5]))
    talk.replies.append(Reply("\n".join(lines), (), talk.voice.sources(s.source for s in printed[:5] or supports[:1])))


def clarify(talk: Talk, wish: str) -> None:
    """Serve the wish that the person chose of those between which their words hung."""
    if wish not in talk.knowledge.intents or not talk.state.pending:
        moves.stale(talk, "bad.stale")
        return
    words = talk.state.pending
    talk.tapped, talk.state = talk.knowledge.intents[wish].label[talk.say.language], replace(talk.state, pending="")
    talk.hear(words)
    talk.free = True
    region = finding.region_of(talk)
    hits = finding.find(talk, region)
    if not serve(talk, wish, region, hits) and not finding.answer(talk, hits):
        misses.miss(talk, False)
