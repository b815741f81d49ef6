"""What leans on what was said before: one of the things just listed, and the last question asked anew with something else in it."""

from __future__ import annotations

import re

from dialogs import finding
from dialogs.scripts.approval_channel import Routes
from dialogs.scripts.park_selection import Shortlist
from dialogs.talk import Talk
from knowledge.snapshot import Answerable

_NTH = re.compile(r"(?:那|看看?|选)?第([一二三四五六1-6])(?:个|项|条|家)(?!月|季)")
_FOLLOWS = re.compile(r"^(?:那么?|要是|如果是?|换成?|and |what about |how about )?\s*(?P<words>.{1,16}?)\s*(?:的?呢|的话呢?|怎么样|又如何)?[?？。]*$")
_FOLLOWING = re.compile(r"^(?:那么?(?!个|些|里|边|是)|要是|如果是|换成?(?![个人一])|and |what about |how about )|(?:呢|的话)[?？。]*$")
_BARE = re.compile(
    r"(?:那|[ ,，])*(?:(?:怎么(?:弄|办|搞|办理|申请)|找谁|谁管|要?(?:什么|啥)(?:条件|材料)|能?(?:给|拿|贷)多少|多少钱|利率|额度)[ ,，呢啊]*)+[?？]?"
)
"""Questions that don't say of what."""
_CLASS = re.compile("[一二三123]类")


def meant(talk: Talk) -> Answerable | None:
    """The record that is meant by its place in what was just listed (第一个详细说说)."""
    said = _NTH.match(talk.text)
    if not said:
        return None
    number = "一二三四五六".find(said[1]) + 1 or int(said[1])
    shown = [r for _, p in talk.state.offered if p.startswith("!show:") and (r := talk.knowledge.record(p.removeprefix("!show:")))]
    top = talk.state.top
    outcome = talk.stage.run(top).outcome if top is not None and top.done else None
    listed: list[Answerable] = [m.park for m in outcome.data.parks] if outcome is not None and isinstance(outcome.data, Shortlist) else []
    listed = list(outcome.data.channels) if outcome is not None and isinstance(outcome.data, Routes) else listed
    records = shown or listed
    return records[number - 1] if 0 < number <= len(records) else None


def is_bare(text: str) -> bool:
    """Whether a question doesn't say of what (找谁, 要什么条件)."""
    return _BARE.fullmatch(text) is not None


def complete(talk: Talk) -> None:
    """Read a follow-up as the last question with what is new in it: 三类证补多少 … 二类呢？"""
    told = _FOLLOWS.match(talk.text)
    bare = is_bare(talk.text)
    if not talk.state.asked or not told or not (bare or _FOLLOWING.search(talk.text)):
        return
    before = talk.knowledge.vocabulary.read(talk.state.asked, talk.stage.today)
    words, changed = talk.state.asked, False
    for value in talk.found:
        for old in (b for b in before if b.kind == value.kind or {b.kind, value.kind} == {"region", "ambiguous_region"}):
            words, changed = words.replace(old.text, value.text, 1), True
    if not changed and (new := _CLASS.search(talk.text)) and _CLASS.search(words):  # a class alone (二类) is no value
        words, changed = _CLASS.sub(new[0], words, count=1), True
    subject = talk.knowledge.record(talk.state.subject)
    if changed:
        talk.hear(words)
    elif not talk.found and subject is not None and (bare or not finding.is_it(finding.find(talk, subject.region, talk.text), strict=True)):
        talk.hear(f"{talk.voice.name(subject)}{told['words']}")
