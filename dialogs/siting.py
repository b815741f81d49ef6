"""Changing what a site is chosen by, in plain words: a need more or less, nothing more, one of several fields."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from dialogs import ahead, answering, asking, finding, frames, mentioned, phrases, reading
from dialogs.conversation import Frame
from dialogs.messages import Option
from dialogs.reading import Answer
from dialogs.script import NONE, UNKNOWN, Question
from dialogs.scripts.park_selection import Shortlist
from dialogs.talk import Talk

_ENOUGH = re.compile(
    r"(?:就|也|真的?)?(?:没有?|无)(?:别的|其他的?|其它的?|另外的?|更多|什么|需要|[了的啦吧呢呀])*"
    r"|(?:就|只)(?:要|有)?(?:这些|这样|这[一两三几]?[个项点])(?:了|吧|就行|就好|就够了?)*|(?:这些)?(?:就)?够了"
    r"|(?:no,? ?)?(?:nothing (?:else|more)|that(?:'s| is) (?:all|it)|no more)"
)
"""That nothing is to be added to what was said (都没有 takes it back)."""
_ADDS = re.compile(
    r"还(?:要|得|需要|想要|必须)|[也再](?:要|得|加|需要)|加上|加[个一]|另外要|(?:必须|一定|得|需)要?有|要有"
    r"|(?:^|[,，;；。 ])(?:我们?|咱们?)?(?:需要|想要|要)|\b(?:also|add|plus|need)\b"
)
DROPS = re.compile(r"不(?:要|用|需要|想要|考虑|想去|去|看)|去掉|拿掉|取消|删掉|排除|\b(?:without|drop|remove|leave out|don't want|not)\b")
"""That something is not wanted."""
_ACTS = re.compile(r"申请|问|了解|咨询|办|材料|什么|多少|多久|怎么")
"""Something else is wanted of what a need names (还要申请专利)."""
_CLAUSES = re.compile("[,，;；。]")


def more_needs(talk: Talk) -> bool:
    """At the question what else must be there: keep what was said before, alone or with what is said now."""
    question, frame = talk.asking(), talk.state.top
    if question is None or frame is None or question.key != "needs" or frame.digest or "needs" not in frame.dormant:
        return False
    before = frame.dormant["needs"].split(",")
    if _ENOUGH.fullmatch(phrases.bare(talk.text)):
        answering.take(talk, question, Answer(",".join(before), echo=True))
        return True
    named = _named(talk, question)
    if not named or mentioned.facts_in(talk.found, talk.knowledge, talk.text):
        return False
    answering.take(talk, question, Answer(_with(talk, before, named), echo=True))
    return True


def _named(talk: Talk, question: Question[Any]) -> list[str]:
    """The needs that a message names and does not deny."""
    wanted = "，".join(part for part in _CLAUSES.split(talk.text) if not DROPS.search(part))
    read = reading.read_answer(question, wanted, talk.found, talk.stage.today)
    return read.token.split(",") if isinstance(read, Answer) and read.token not in (NONE, UNKNOWN) else []


def _with(talk: Talk, before: Sequence[str], now: Sequence[str]) -> str:
    """The needs of before and of now as a token, without those that the message denies."""
    denied = set(mentioned.needs_in(talk.text, talk.found, talk.knowledge).get("needs", "").split(",")) - set(now)
    kept = ({*before} - denied) | {*now}
    return ",".join(o.token for o in talk.knowledge.facts["needs"].options if o.token in kept) or NONE


def other_needs(talk: Talk, frame: Frame, found: Shortlist) -> bool:
    """Rank anew with a need more or less than the shortlist was ranked by."""
    named = mentioned.needs_in(talk.text, talk.found, talk.knowledge).get("needs")
    question = next((a.question for a in talk.stage.run(frame).trail if a.question.key == "needs"), None)
    if not named or question is None or phrases.is_question(talk.text) or _ACTS.search(talk.text):
        return False
    adds, drops = _ADDS.search(talk.text), DROPS.search(talk.text)
    added = _named(talk, question) if adds else []
    if not added and not (drops and set(named.split(",")) & set(found.wishes.needs)):
        return False
    also = {k: v for k, v in ahead.passing(talk).items() if k in ("region", "segment") and frame.answers.get(k) != v}
    return answering.change(talk, {"needs": _with(talk, found.wishes.needs, added), **also})


def fields(talk: Talk) -> bool:
    """Of several fields named for a choice of park take the narrower; where none lies within another, begin and ask which one."""
    named = dict.fromkeys(f.token for f in talk.found if f.kind == "segment" and f.token)
    wanted = "park_selection" in talk.wants.wishes and phrases.speaks_of_choosing(talk.text)
    if len(named) < 2 or not wanted or talk.asking() is not None:
        return False
    wider = {w for t in named for w in talk.knowledge.broader(t)}
    talk.found = tuple(f for f in talk.found if f.kind != "segment" or f.token not in wider)
    inner = [t for t in named if t not in wider]
    if len(inner) < 2 or finding.ambiguous_in(talk):
        return False
    given = mentioned.facts_in(talk.found, talk.knowledge, talk.text) | mentioned.site_wishes_in(talk.text, talk.knowledge)
    given |= mentioned.places_in(talk.text, talk.found, talk.knowledge)
    known = {k: v for k, v in talk.state.profile.items() if k != "segment"}
    hinted = mentioned.needs_in(talk.text, talk.found, talk.knowledge)
    talk.state = replace(frames.start(replace(talk.state, profile=known), talk.stage, "park_selection", given, hinted=hinted), misses=0)
    question, frame = talk.asking(), talk.state.top
    if question is None or frame is None:
        return False
    if given and (words := asking.labels(talk, given)):
        talk.speak(talk.say("dialog.noted", facts=words))
    labels = {t: asking.label(talk, question, t) for t in inner}
    options = tuple(Option(words, f"{frame.run}:{question.key}={t}") for t, words in labels.items())
    talk.speak(talk.say("dialog.which_of", labels=talk.say.join(list(labels.values()))), options)
    talk.put = True
    return True
