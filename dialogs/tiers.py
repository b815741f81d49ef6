"""Whether money of the city and of the district may both be had: the rules that the papers print beside the supports that are meant."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dialogs import finding, phrases
from dialogs.answers import fit
from dialogs.messages import Option, Reply
from dialogs.talk import Talk
from knowledge.search import Hit
from knowledge.supports import Relation, Rule, Support

RULES: tuple[Relation, ...] = ("highest_of_a_kind", "both_tiers_ceiling", "shared_by_tiers", "earlier_rules")
"""What is told of a support, in this order."""
_GENERAL = RULES[:2]
"""What holds for all supports of a paper, where none is meant."""
_CALLED = 0.7
"""A support is called by words that fit it as well as this share of the best record."""
_SPEAKS = re.compile("叠加|就高|两级")
_SUPPORTS = 3
"""So many supports are told at once."""


def asked(talk: Talk, region: str | None, hits: Sequence[Hit]) -> bool:
    """Answer whether both tiers may be had with what the papers print on it; asks for the region first."""
    if not phrases.asks_for_both_tiers(talk.text, _nested(talk)) or len(finding.named(talk)) > 1:
        return False
    if finding.ambiguous(talk):
        return True
    if region is None:
        finding.which(talk, tuple(talk.knowledge.regions), "miss.which_region")
        return True
    ruled = [s for s in talk.knowledge.supports_in(region) if _rules(s, RULES)]
    if not ruled:
        return False  # its papers print no rule: what a record says of that is told
    meant = _meant(talk, ruled, hits)
    if not meant and finding.is_it(hits, strict=True) and _SPEAKS.search(talk.voice.tell(hits[0].record).text):
        finding.tell(talk, hits[0].record)  # a record was written for this very question
        return True
    talk.replies.append(_told(talk, region, meant, meant or ruled, RULES if meant else _GENERAL))
    finding.remember(talk, meant[0].id if meant else "")
    return True


def _nested(talk: Talk) -> bool:
    """Whether a city and a district of it are named."""
    regions = {f.token for f in talk.found if f.kind == "region" and f.token}
    return any(above in regions for r in regions for above in talk.knowledge.upward(r)[1:])


def _meant(talk: Talk, ruled: Sequence[Support], hits: Sequence[Hit]) -> list[Support]:
    """The supports that the words are about: those for the class that is named, else in each tier the one that they call."""
    classes = {f.token for f in talk.found if f.kind == "device_class" and f.token}
    if classes:
        return [s for s in ruled if any(c.fact == "product.class" and classes & set(c.any_of) for c in s.criteria)][:_SUPPORTS]
    bar = max(finding.CLOSE, hits[0].score * _CALLED if hits else 0.0)
    score = {h.record.id: h.score for h in hits if h.score >= bar}
    tiers = dict.fromkeys(s.region for s in ruled)
    best = (max((s for s in ruled if s.region == tier and s.id in score), key=lambda s: score[s.id], default=None) for tier in tiers)
    return [s for s in best if s is not None]


def _told(talk: Talk, region: str, meant: Sequence[Support], ruled: Sequence[Support], relations: Sequence[Relation]) -> Reply:
    """Every rule once, under the paper that prints it, the papers that print none, and the supports that are meant."""
    say, voice, knowledge = talk.say, talk.voice, talk.knowledge
    rules = [rule for relation in relations for rule in [r for s in ruled for r in _rules(s, (relation,))][:1]]
    lines = [say("tiers.head")]
    for place in reversed(knowledge.upward(region)):
        own, name = [r for r in rules if knowledge.documents[r.source.document].region == place], voice.region_name(place)
        lines += [say("tiers.rule", region=name, text=voice.ended(r.text)) for r in own] or [say("tiers.silent", region=name)]
    lines += [say("tiers.supports"), *voice.with_standing(meant)] if meant else [voice.document_holds(knowledge.documents[rules[0].source.document])]
    options = [Option(say("common.start_precheck"), "!start:subsidy_precheck")]
    options += [Option(voice.label(s), fit(f"!show:{s.id}")) for s in meant[:2]]
    places = (*(r.source for r in rules), *(s.source for s in meant))
    return Reply("\n".join(lines), (*options, voice.log(meant[0].id if meant else "words")), voice.sources(places))


def _rules(support: Support, relations: Sequence[Relation]) -> list[Rule]:
    return [r for r in support.stacking if r.relation in relations]
