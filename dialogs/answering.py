"""Taking a message as an answer: to the open question, to later ones, or as a correction of an earlier one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dialogs import asking, frames, phrases, proceeding, reading
from dialogs.messages import Option
from dialogs.reading import Answer, Unreadable
from dialogs.script import FreeText, Question
from dialogs.talk import Talk


def answered(talk: Talk) -> bool:
    """Take the message as an answer (to the open question, a correction, or an answer given ahead), if it is one."""
    question = talk.asking()
    if question is None:
        return corrected(talk)
    if not isinstance(question, FreeText) and talk.state.top and (private := _contact(talk, talk.state.top.trail)):
        talk.hide = True
        return _change(talk, private)
    read = reading.read_answer(question, talk.message.text if isinstance(question, FreeText) else talk.text, talk.found, talk.stage.today)
    given = reading.facts_in(talk.found, talk.knowledge, talk.text)
    if isinstance(question, FreeText) and isinstance(read, Answer) and question.fact.type != "phone" and is_other_wish(talk, question):
        talk.state = replace(talk.state, pending=talk.message.text)
        talk.hide = question.private
        options = (Option(talk.say("dialog.take"), "!take"), Option(talk.say("dialog.question"), "!asked"))
        talk.speak(talk.say("dialog.answer_or_question"), options)
        return True
    if phrases.is_correction(talk.text) and not isinstance(question, FreeText) and corrected(talk):
        return True
    if isinstance(read, Answer):
        talk.hide = question.private
        extra = {} if isinstance(question, FreeText) else {k: v for k, v in given.items() if usable(talk, k, question.key)}
        take(talk, question, read, extra)
        return True
    if isinstance(read, Unreadable):
        talk.hide = question.private
        talk.speak(talk.say(f"dialog.{read.hint}", **read.slots))
        asking.ask(talk)
        return True
    later = {k: v for k, v in given.items() if usable(talk, k, question.key)}
    if later and not phrases.is_question(talk.text) and not talk.wants.wishes:
        note(talk, later)
        return True
    return False


def is_other_wish(talk: Talk, question: Question[Any]) -> bool:
    """Whether words given to a free-text question look like a question of their own."""
    return question.key != "matter" and phrases.is_question(talk.text) and bool(talk.wants.wishes)


def usable(talk: Talk, key: str, asked: str) -> bool:
    """Whether a fact heard in passing may be used: not the one asked for, and not yet answered on the trail."""
    top = talk.state.top
    return key != asked and top is not None and top.dialog in frames.GUIDED and key not in top.trail


def take(talk: Talk, question: Question[Any], read: Answer, extra: Mapping[str, str] | None = None) -> None:
    """Set the answer to the open question and go on."""
    talk.state = replace(frames.answer(talk.state, talk.stage, {**(extra or {}), question.key: read.token}), misses=0, pending="")
    if read.echo or extra:
        said = {question.key: read.token, **(extra or {})} if extra else {question.key: read.token}
        talk.speak(talk.say("dialog.echo", label=asking.labels(talk, said)))
    proceeding.proceed(talk)


def note(talk: Talk, given: Mapping[str, str]) -> None:
    """Keep answers to later questions, say so, and ask the open question again."""
    talk.state = replace(frames.answer(talk.state, talk.stage, given), misses=0)
    talk.speak(talk.say("dialog.noted", facts=asking.labels(talk, given)))
    proceeding.proceed(talk)


def corrected(talk: Talk) -> bool:
    """Change earlier answers of the top dialog to the values that the message gives, if it corrects something."""
    top = talk.state.top
    if top is None or not top.trail:
        return False
    if private := _contact(talk, top.trail):
        talk.hide = True
        return _change(talk, private)
    if not (phrases.is_correction(talk.text) or bare_value(talk)):
        return False
    now = talk.stage.run(top)
    given: dict[str, str] = {}
    facts = reading.facts_in(talk.found, talk.knowledge, talk.text)
    for asked in now.trail:
        key = asked.question.key
        if key in facts and facts[key] != asked.token:
            given[key] = facts[key]
        elif key not in facts and not isinstance(asked.question, FreeText):
            tail = phrases.after_correction(talk.text)
            read = reading.read_answer(asked.question, tail, talk.found, talk.stage.today) if tail else None
            if isinstance(read, Answer) and read.token not in (asked.token, "unknown", "none") and not given and not facts:
                given[key] = read.token
    return _change(talk, {k: v for k, v in given.items() if k != "products"})


def _change(talk: Talk, given: Mapping[str, str]) -> bool:
    """Set corrected answers, say so, and go on; False where there is nothing to change."""
    if not given:
        return False
    talk.state = replace(frames.answer(talk.state, talk.stage, given), misses=0)
    talk.speak(talk.say("dialog.changed", label=asking.labels(talk, given)))
    proceeding.proceed(talk)
    return True


def _contact(talk: Talk, trail: tuple[str, ...]) -> dict[str, str]:
    """A contact or a name given anew after its question was answered: these need no word of correction."""
    contacts = [f for f in talk.found if f.kind in ("phone", "email")]
    if "contact.reach" in trail and len(contacts) == 1:
        return {"contact.reach": str(contacts[0].value)}
    for key, pattern in _NAMED.items():
        if key in trail and (said := pattern.search(talk.message.text)):
            return {key: said[1].strip(" ，。,.")}
    return {}


_NAMED = {
    "contact.name": re.compile(r"(?:我叫|我姓名|姓名是|名字是|名字改成|称呼改成|联系人是|联系人改成)(.{1,20})$"),
    "contact.company": re.compile(r"(?:公司叫|公司名是|公司名改成|公司改成|公司名称是|公司名称改成)(.{2,40})$"),
}


def bare_value(talk: Talk) -> bool:
    """Whether the message is nothing but a value of a finished dialog's question (二类)."""
    return talk.state.top is not None and talk.state.top.done and bool(talk.found) and len(reading.rest_of(talk.text, talk.found)) <= 2
