"""Finding the records that a free question is about, and answering with them: one record, two regions side by side, or at most three to choose from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from dialogs import phrases, reports
from dialogs.answers import MAX_OPTIONS, Voice
from dialogs.messages import Option, Reply, masked
from dialogs.talk import Talk
from knowledge.records import Channel, Difference, Park, QuestionAnswer, Service, Task
from knowledge.search import NAMED, Hit
from knowledge.shapes import Citation
from knowledge.snapshot import Answerable
from knowledge.supports import Support
from knowledge.values import read_device_classes

STARTS = {"park_selection": "common.start_parks", "subsidy_precheck": "common.start_precheck", "approval_channel": "common.start_approval"}
RIGHT = 0.22
"""A record from here on is the answer (how often such are right: docs/understanding.md)."""
CLOSE = 0.05
"""Records from here on are offered, at most three."""
_LIKELY, _GAP = 0.14, 0.03
"""A lower score is enough where the next different record is this far behind."""
_STRICT = 0.06
"""So much more must speak for a record where the message wants something else."""
LEVEL = 0.9
"""Regions whose best record has this share of the best score are on a level."""
WRITTEN = 0.18
"""How clearly a section of an imported paper must answer a question to be quoted (set on 240 questions written independently: about 6 of 7 such were right)."""
_SILENT, _SELDOM, _ALIKE = 0.6, 0.06, 0.6
EXACT = 0.95
"""From here on a record's own name or phrasing was used word for word."""
TITLE = 0.8
"""How well a question must fit a record's own name to be about it, whatever else the message wants."""


def named(talk: Talk) -> tuple[str, ...]:
    """The regions that the message names; of nested ones the inner."""
    return talk.knowledge.innermost([f.token for f in talk.found if f.kind == "region"])


def region_of(talk: Talk) -> str | None:
    """The region that the message is about: named in it, or known from before."""
    regions = named(talk)
    if len(regions) == 1:
        talk.state = replace(talk.state, profile={**talk.state.profile, "region": regions[0]})
        return regions[0]
    return None if regions else talk.state.profile.get("region")


def find(talk: Talk, region: str | None, text: str = "") -> list[Hit]:
    """Records for the message: of the regions that it names, otherwise of all, the region spoken of before a little ahead."""
    regions = named(talk)
    scope = (*talk.knowledge.upward(regions[0]), *talk.knowledge.around(regions[0])) if len(regions) == 1 else regions
    text = text or talk.text
    for unclear in (f for f in talk.found if f.kind == "ambiguous_region"):
        text = text.replace(unclear.text, "", 1)  # 高新区 alone names no park
    hits = [_weighed(h, talk.text) for h in talk.knowledge.search.find(text or talk.text, scope, 24) if _same_class(talk.text, h.record)]
    if region is None:  # that one paper is silent is no answer while another may speak
        return sorted(hits, key=lambda h: (_SILENT * _is_silent(h.record) - h.score, -h.title, h.record.id))
    upward = talk.knowledge.upward(region)
    hits = [h for h in hits if h.record.region in upward or not _is_silent(h.record)]
    above, other = (0.05, 0.08) if regions else (0.03, 0.05)
    behind = {r: 0.0 if r == region else above if r in upward else other for r in talk.knowledge.regions}
    own = {h.record.id for h in hits if regions and h.record.region == region and h.score >= CLOSE}
    called = {h.record.id for h in hits if h.title == 1.0 and isinstance(h.record, Service) and talk.knowledge.search.is_name(text, h.record)}
    return sorted(hits, key=lambda h: (h.record.id not in called, h.record.id not in own, behind[h.record.region] - h.score, -h.title, h.record.id))


def is_known(talk: Talk, text: str = "") -> bool:
    """Whether some record has something to say to these words."""
    hits = talk.knowledge.search.find(text or talk.text, (), 1)
    return bool(hits) and hits[0].score >= CLOSE


def is_it(hits: Sequence[Hit], strict: bool = False) -> bool:
    """Whether the first record is the answer: above the bar, or not far below it with a margin to the next different one."""
    if not hits:
        return False
    best = hits[0].score - _STRICT * strict
    following = next((h.score for h in hits[1:] if not _same(hits[0].record, h.record)), 0.0)
    return best >= RIGHT or (best >= _LIKELY and hits[0].score - following >= _GAP)


def answer(talk: Talk, hits: list[Hit], strict: bool = False, step: str = "") -> bool:
    """Answer from the records; `strict`: only with a record that surely is meant. `step` is a dialog to offer beside the answer."""
    regions = named(talk)
    if is_it(hits, strict) and ambiguous(talk):
        return True
    if len(sides := compared(talk)) == 2 and compare(talk, sides):
        return True
    if (
        not regions
        and not talk.state.profile.get("region")
        and not phrases.asks_where(talk.text)
        and len(level := rivals(talk, hits)) > 1
        and (not strict or is_it(hits, strict))
    ):
        which(talk, level, "miss.which_region")
        return True
    if is_it(hits, strict):
        tell(talk, _responsible(hits) if phrases.asks_who(talk.text) else hits[0].record, step)
        return True
    close = _apart([h for h in hits if h.score >= max(CLOSE, hits[0].score / 2)]) if hits and not strict else []
    if len(close) == 1:
        tell(talk, close[0], step)
    elif close:
        talk.state = replace(talk.state, subject="?")
        talk.replies.append(talk.voice.candidates(close[:3]))
    return bool(close)


def from_paper(talk: Talk, region: str | None) -> bool:
    """Answer a question that no record fits from the papers themselves, where they were imported."""
    if not talk.knowledge.passages or not phrases.is_question(talk.text):
        return False
    scope = talk.knowledge.upward(region) if region else ()
    passages, clear = talk.knowledge.passages_on(talk.text, scope)
    if not passages or clear < WRITTEN:
        return False
    talk.replies.append(talk.voice.written(passages[0], talk.text))
    return True


def tell(talk: Talk, record: Answerable, step: str = "") -> None:
    """Answer with a record, what was asked for first; `step` is a dialog that is offered beside it."""
    remember(talk, record.id)
    reply = talk.voice.tell(record, first=_first(talk.text))
    unsaid = (
        not isinstance(record, Park)
        and record.region != talk.state.profile.get("region")
        and not any(f.kind == "region" and f.token == record.region for f in talk.found)
    )
    if unsaid:
        reply = replace(reply, text=talk.say("facts.in_region", region=talk.voice.region_name(record.region), text=reply.text))
    if step and not any(o.payload == f"!start:{step}" for o in reply.options):
        offer = Option(talk.say(STARTS[step]), f"!start:{step}")
        reply = replace(reply, options=(offer, *reply.options)[:MAX_OPTIONS])
    talk.replies.append(reply)


def remember(talk: Talk, subject: str = "") -> None:
    """Keep what was asked, and the record that it was answered with, for a follow-up."""
    talk.state = replace(talk.state, subject=subject, asked=masked(talk.text)[:300] if talk.free else "")


def _first(text: str) -> Literal["", "units", "time", "contact"]:
    """What a question wants to hear first."""
    if phrases.asks_contact(text):
        return "contact"
    return "units" if phrases.asks_who(text) else "time" if phrases.asks_when(text) else ""


def which(talk: Talk, regions: Sequence[str], key: str) -> None:
    """Ask for the region of a question; the words wait until it is known."""
    talk.state = replace(talk.state, pending=masked(talk.text))
    talk.speak(talk.say(key), tuple(Option(talk.voice.region_name(r), f"!place:{r}") for r in regions))


def ambiguous_in(talk: Talk) -> tuple[str, ...]:
    """The regions that share the short name in the message, where no other name tells which is meant."""
    unclear = next((f for f in talk.found if f.kind == "ambiguous_region"), None)
    return () if unclear is None or any(f.kind == "region" for f in talk.found) else tuple(unclear.value)


def ambiguous(talk: Talk) -> bool:
    """Ask which of several regions of one short name is meant."""
    if regions := ambiguous_in(talk):
        which(talk, regions, "miss.ambiguous_region")
    return bool(regions)


def rivals(talk: Talk, hits: Sequence[Hit]) -> tuple[str, ...]:
    """Regions whose records fit the question equally well; one at most where a name is meant."""
    if not hits or hits[0].score < CLOSE:
        return ()
    if hits[0].title >= EXACT and (len(hits) < 2 or all(h.title < EXACT for h in hits if h.record.region != hits[0].record.region)):
        return ()
    speak = [h for h in hits if not _is_silent(h.record) and not isinstance(h.record, Difference)]
    level = [h.record.region for h in speak if h.score >= max(CLOSE, hits[0].score * LEVEL)]
    return tuple(r for r in talk.knowledge.regions if r in level)


def compared(talk: Talk) -> tuple[str, ...]:
    """The regions that a message sets side by side; a city and its district too, where they are compared."""
    regions = tuple(dict.fromkeys(f.token for f in talk.found if f.kind == "region" and f.token))
    return regions if len(regions) == 2 and (phrases.compares(talk.text) or len(named(talk)) == 2) else ()


def compare(talk: Talk, regions: Sequence[str]) -> bool:
    """Two regions in one question: the record of each side that answers, or the nearest three, or that its paper says nothing on it."""
    hits = {r: [_weighed(h, talk.text) for h in talk.knowledge.search.find(talk.text, (r,), 8) if _same_class(talk.text, h.record)] for r in regions}
    sides = {r: sorted((h for h in hits[r] if h.score >= CLOSE), key=lambda h: -h.score) for r in regions}
    if not any(sides.values()):
        return False
    for region, side in sides.items():
        close = _apart([h for h in side if h.score >= side[0].score * _ALIKE])[:3]
        if not side:
            reply = Reply(talk.say("facts.side_silent"), (talk.voice.log("words"),))
        elif len(close) == 1 or is_it(side, strict=True):
            reply = talk.voice.tell(close[0])
        else:
            talk.replies.append(talk.voice.listing(talk.say("facts.list", region=talk.voice.region_name(region)), close))
            continue
        talk.replies.append(replace(reply, text=talk.say("facts.side", region=talk.voice.region_name(region), text=reply.text)))
    return True


def validity(talk: Talk, region: str | None) -> bool:
    """Whether something still holds: the record that is named or was just spoken of, else the region's paper."""
    spoken = talk.knowledge.record(talk.state.subject)
    hits = find(talk, region, phrases.without_validity(talk.text))
    meant = hits[0].record if hits and hits[0].title >= TITLE else None
    if record := meant or (spoken if not named(talk) else None):
        tell(talk, record)
        return True
    papers = [d for d in talk.knowledge.documents.values() if region is None or d.region == region]
    lines = [
        talk.say(
            "facts.validity", title=talk.voice.called(d), number="" if talk.voice.english else d.number or "", holds=talk.voice.document_holds(d)
        )
        for d in papers
    ]
    places = [Citation(document=d.id, section=reports.WHOLE) for d in papers]
    talk.replies.append(Reply("\n".join(lines), (talk.voice.log(),), talk.voice.sources(places)))
    return True


def _same(one: Answerable, other: Answerable) -> bool:
    """Whether one record speaks of the other (a question about a support), or is called the same (in another region)."""
    if Voice.name(one) == Voice.name(other):
        return True
    about = {i for r in (one, other) if isinstance(r, QuestionAnswer) for i in r.about}
    return one.id in about or other.id in about


def _apart(hits: Sequence[Hit]) -> list[Answerable]:
    """Records without those that another, better one already speaks of."""
    kept: list[Answerable] = []
    for hit in hits:
        if not any(_same(hit.record, k) for k in kept):
            kept.append(hit.record)
    return kept


def _weighed(hit: Hit, text: str) -> Hit:
    """A hit, a little less where its kind is seldom what is asked for: two readings, or a row of responsibilities that nobody asks about."""
    less = isinstance(hit.record, Difference) and not phrases.compares(text)
    less = less or (isinstance(hit.record, Task) and not phrases.asks_who(text))
    return replace(hit, score=round(max(0.0, hit.score - _SELDOM), 4)) if less and hit.score < NAMED else hit


def _responsible(hits: Sequence[Hit]) -> Answerable:
    """Of the records that fit about as well as the first and speak of the same, one that names its offices."""
    first = hits[0]
    near = [h.record for h in hits if h.score >= first.score * _ALIKE and (h is first or _same(first.record, h.record))]
    return next((r for r in near if isinstance(r, Support | Channel | Service | Task) and r.responsible), first.record)


def _is_silent(record: Answerable) -> bool:
    """Whether a record only says that its paper does not say it."""
    return isinstance(record, QuestionAnswer) and re.search("没有写|没有列|没有提|不写", record.answer.split("。")[0]) is not None


def _same_class(text: str, record: Answerable) -> bool:
    """Whether a record is about the device class that is asked for (a question about 三类 is not answered with 二类)."""
    asked = {f.token for f in read_device_classes(text)}
    if not asked:
        return True
    stated = {
        f.token for name in (Voice.name(record), *(record.ask if isinstance(record, QuestionAnswer) else ())) for f in read_device_classes(name)
    }
    return not stated or bool(asked & stated)
