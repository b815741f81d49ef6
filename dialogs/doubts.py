"""Doubts: two values where there can be one, and a value that contradicts an earlier answer. They are asked, never settled silently."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dialogs import asking, clashes, frames, mentioned, phrases, reading
from dialogs.messages import Option
from dialogs.script import Amount, Choice, Places, Question
from dialogs.talk import Talk
from knowledge.rules import generic

_SINGLE = frozenset({"region", "segment", "product.class", "product.drug_class", "product.phase"})
_KINDS = {"product.class": "device_class", "product.drug_class": "drug_class", "product.phase": "phase"}
_STATES = re.compile(r"我|咱|公司|是|在|做|其实|产品|投资|\b(?:we|our|i|is|are|in)\b")
_NOW = re.compile(
    r"(?:是|对|好|嗯)的?|改|改(?:吧|过来|成新的)|可以|(?:就|那就)?(?:按|以|用|照)(?:着)?(?:我(?:现在|刚才)?说的|现在(?:的|说的)?|新的|后(?:面|一个)的?|这个|刚才(?:的|说的)?)(?:算|来|为准|吧|办)*"
    r"|(?:yes|ok|right|sure|the new one|as i (?:just )?said|what i (?:just )?said)"
)
_BEFORE = re.compile(
    r"不是?|不对|不用改?了?|不(?:改|变|算)了?|别改|保持(?:原样|不变)|照旧|(?:就|那就|还是)?(?:按|以|用|照)?(?:着)?(?:之前|原来|前面|原先|先前|前一个|老)的?(?:说的)?(?:那个)?(?:算|来|为准|吧|办)*"
    r"|(?:no|keep (?:it|the old one)|as before|the old one)"
)
_LITTLE = 4
"""Characters beside a value: what is left of 还是体外诊断吧."""
MAX_CHOICES = 3


def which(talk: Talk, question: Question[Any]) -> bool:
    """Ask which one, where a message names several values and the question takes one."""
    if phrases.is_question(talk.text) or len(reading.rest_of(talk.text, talk.found)) > 6:
        return False
    tokens: tuple[str, ...] = ()
    if isinstance(question, Choice) and not isinstance(question, Places):
        key, known = question.fact.key, {t for t, _ in question.choices}
        tokens = tuple(dict.fromkeys(f.token for f in talk.found if f.kind == _KINDS.get(key, key) and f.token in known))
        tokens = talk.knowledge.innermost(tokens) if key == "region" else tokens
        wider = {w for t in tokens for w in _around(talk, t)} if key == "segment" else set()
        tokens = tuple(t for t in tokens if t not in wider)
    elif isinstance(question, Amount) and not re.search(r"[-–—~～至到]", talk.text):
        tokens = tuple(dict.fromkeys(f.token for f in talk.found if f.kind == "money" and f.token and f.value["currency"] in ("CNY", "USD")))
    frame = talk.state.top
    if not 2 <= len(tokens) <= MAX_CHOICES or frame is None:
        return False
    words = {t: asking.label(talk, question, t) for t in tokens}
    options = tuple(Option(w, f"{frame.run}:{question.key}={t}") for t, w in words.items())
    talk.speak(talk.say("dialog.which_of", labels=talk.say.join(list(words.values()))), options)
    return True


def below_zero(talk: Talk) -> bool:
    """Say that a sum of the message is below zero, which none is that we ask for, and ask for it again; False where none is."""
    below = next((f for f in talk.found if f.kind == "money" and f.value["value"] < 0), None)
    if below is not None:
        talk.speak(talk.say("dialog.hint_negative", text=below.text))
    return below is not None


def contradiction(talk: Talk, open_key: str, given: Mapping[str, str]) -> tuple[str, str] | None:
    """A key of the trail and the other value that the message gives it, where the words correct nothing and ask nothing."""
    top = talk.state.top
    if top is None or top.dialog not in frames.GUIDED or phrases.is_question(talk.text):
        return None
    if set(talk.wants.wishes) - {top.dialog, "correction"} and len(reading.rest_of(talk.text, talk.found)) > 4:
        return None
    if not _STATES.search(talk.text) and len(reading.rest_of(talk.text, talk.found)) > 2:
        return None  # a heading (太仓体外诊断重点方向) states nothing
    for asked in talk.stage.run(top).trail:
        key, before = asked.question.key, asked.token
        now = given.get(key, before)
        single = generic(key) in _SINGLE or isinstance(asked.question, Amount)
        if key != open_key and single and now != before and before in _opposed(talk, key, now, before):
            return key, now
    return None


def _opposed(talk: Talk, key: str, now: str, before: str) -> tuple[str, ...]:
    """The earlier value where the new one contradicts it: a place around it, named beside something else,
    does not, nor a field around it; and nothing contradicts “not sure”."""
    if before in ("unknown", "any"):
        return ()
    if key == "region" and any(now in talk.knowledge.upward(place) for place in before.split(",")):  # parks may be sought in several
        nothing_else = len(talk.found) == 1 and len(reading.rest_of(talk.text, talk.found)) <= 4
        return (before,) if nothing_else else ()
    if key == "segment":
        return () if before in _around(talk, now) or now in _around(talk, before) else (before,)
    return (before,)


def _around(talk: Talk, segment: str) -> set[str]:
    found: set[str] = set()
    while (known := talk.knowledge.segments.get(segment)) is not None and known.within is not None and known.within not in found:
        segment = known.within
        found.add(segment)
    return found


def ask(talk: Talk, doubt: tuple[str, str]) -> None:
    """Ask whether the new value or the earlier one is right."""
    frame = talk.state.frames[-1]
    key, now = doubt
    asked = next(a for a in talk.stage.run(frame).trail if a.question.key == key)
    was, is_ = asking.label(talk, asked.question, asked.token), asking.label(talk, asked.question, now)
    payloads = (f"{frame.run}:{key}={now}", f"{frame.run}:{key}={asked.token}")
    talk.state = replace(talk.state, doubt=payloads)
    options = (Option(talk.say("dialog.as_now", label=is_), payloads[0]), Option(talk.say("dialog.as_before", label=was), payloads[1]))
    talk.speak(talk.say("dialog.doubt", before=was, now=is_), options)


def settled(talk: Talk, doubt: tuple[str, ...]) -> str:
    """The payload that answers the question “before it was A, now B?”, where the words do; "" where they do not."""
    if not doubt:
        return ""
    typed = phrases.bare(talk.text)
    if _NOW.fullmatch(typed):
        return doubt[0]
    if _BEFORE.fullmatch(typed):
        return doubt[1]
    labels = {phrases.bare(talk.knowledge.read(label)): payload for label, payload in talk.state.offered}
    if labels.get(typed) in doubt:
        return labels[typed]
    given = mentioned.facts_in(talk.found, talk.knowledge, talk.text)
    values = {(key, v) for k, v in given.items() for key in (k, generic(k))}
    plain = (
        not re.search(r"[不别没非]|\bnot\b", talk.text)
        and not phrases.is_question(talk.text)
        and len(reading.rest_of(talk.text, talk.found)) <= _LITTLE
    )
    return next((p for p in doubt if plain and p and not values.isdisjoint({_key(p), (generic(_key(p)[0]), _key(p)[1])})), "")


def ask_again(talk: Talk, doubt: tuple[str, ...]) -> None:
    """Put a doubt once more where a turn went past it and its dialog has no other question: the outcome waits for this one."""
    top = talk.state.top
    if not doubt or talk.state.doubt or talk.outcome is not None or top is None or not top.done:
        return
    if clashes.ask_again(talk, doubt):
        return
    key, now = _key(doubt[0])
    if key in top.trail and doubt[1] == f"{top.run}:{key}={top.answers.get(key)}":
        ask(talk, (key, now))


def _key(payload: str) -> tuple[str, str]:
    """The question and the token of the payload of an answer."""
    rest = payload.partition(":")[2]
    key, _, token = (rest.partition(".")[2] if payload.startswith("!") else rest).partition("=")
    return key, token
