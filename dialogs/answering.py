"""Taking a message as an answer: to the open question, to later ones, or as a correction of an earlier one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dialogs import (
    ahead,
    asking,
    consent,
    doubts,
    filing,
    finding,
    frames,
    mentioned,
    moves,
    phrases,
    proceeding,
    products,
    reading,
    reports,
    rights,
    wanting,
    wishes,
)
from dialogs.conversation import Frame
from dialogs.messages import HIDDEN, Option, masked
from dialogs.pointing import says_gone
from dialogs.reading import Answer, Unreadable
from dialogs.script import NONE, UNKNOWN, Amount, FreeText, Items, Number, Question
from dialogs.scripts.request import CONTACT
from dialogs.talk import Talk

_FEW = 2
"""Characters beside the values of a message that hold nothing but values."""


def answered(talk: Talk) -> bool:
    """Take the message as an answer (to the open question, a correction, or an answer given ahead), if it is one."""
    question, top = talk.asking(), talk.state.top
    if question is None or top is None:
        return corrected(talk)
    if top.dialog == "request" and question.key == "confirm" and (key := _item(talk, top)):
        moves.edit(talk, f"{top.run}.{key}")
        return True
    consents = question.key == "contact.consent" and not rights.speaks_of_consent(talk.text)
    if (consents or question.key == "confirm") and _paused(talk, top, question):
        asking.ask(talk)
        return True
    if question.key == "contact.consent" and _consented(talk, question):
        return True
    if question.key in CONTACT and reading.refuses(talk.text):
        _decline(talk)
        return True
    form = top.dialog in ("request", "add_note")
    if form and phrases.leaves_form(talk.text):
        (moves.resume if "request_human" in talk.wants.wishes else moves.cancel)(talk)  # the form is the way to a person
        return True
    if not form and phrases.registers(talk.text):
        moves.register(talk)
        return True
    if private := _contact(talk, top.trail):
        talk.hide = True
        return change(talk, private)
    contacts = [f for f in talk.found if f.kind in ("phone", "email")]
    if question.key == "contact.company" and contacts:
        _company_and_contact(talk, str(contacts[0].value))
        return True
    if question.key == "matter" and contacts:
        _matter_and_contact(talk, str(contacts[0].value))
        return True
    if question.fact.type == "phone" and not contacts and (talk.wants.wishes or phrases.is_question(talk.text)):
        return False
    free = isinstance(question, FreeText)
    if not free and products.changed(talk):
        return True
    if phrases.is_correction(talk.text) and (not free or _only_values(talk)) and corrected(talk):
        return True
    if not free and (doubts.which(talk, question) or _with_question(talk, question)):
        return True
    read = reading.read_answer(question, talk.message.text if free else talk.text, talk.found, talk.stage.today)
    if (item := ahead.item(talk)) and question.key.startswith("product.") and not question.key.startswith(f"product.{item}."):
        read = None  # it speaks of another product
    if not free and _asks_something_else(talk, question, read):
        return False
    given = {} if isinstance(read, Answer) and read.whole else ahead.passing(talk)
    if free and isinstance(read, Answer) and question.fact.type != "phone" and is_other_wish(talk, question):
        talk.state = replace(talk.state, pending=talk.message.text)
        talk.hide = question.private
        options = (Option(talk.say("dialog.take"), "!take"), Option(talk.say("dialog.question"), "!asked"))
        talk.speak(talk.say("dialog.answer_or_question"), options)
        return True
    if len(products.ids(top)) > 1 and not item and "," not in given.get("products", ""):  # a class alone says of none of several which one it is
        given = {k: v for k, v in given.items() if not k.startswith("product")}
    later = ahead.beside(talk, given, question.key)
    undertaken = question.key != "plans" and "plans" in top.trail and bool(reading.projects_in(talk.text)) and not isinstance(read, Answer)
    if undertaken and given.get("plans") not in (None, top.answers.get("plans")):
        return change(talk, {**later, "plans": given["plans"]})  # one more plan contradicts nothing
    literal = isinstance(read, Answer) and not read.echo
    if not (free or literal) and (other := ahead.called(talk, question.key)):
        note(talk, other)  # the very label of another question's option is no answer to this one
        return True
    elsewhere = top.dialog in frames.GUIDED and not isinstance(question, Amount) and not phrases.is_question(talk.text)
    if elsewhere and doubts.below_zero(talk) and not (later or read):
        asking.ask(talk)
        return True
    if isinstance(read, Answer):
        talk.hide = question.private
        if not free and read.echo and (doubt := doubts.contradiction(talk, question.key, given)):  # a label or an alias says no more than itself
            talk.state = replace(frames.answer(talk.state, talk.stage, {**later, question.key: read.token}), misses=0)
            doubts.ask(talk, doubt)
        else:
            take(talk, question, read, {} if free else later)
        return True
    if isinstance(read, Unreadable):
        talk.hide = question.private
        talk.speak(talk.say(f"dialog.{read.hint}", **read.slots))
        asking.ask(talk)
        return True
    if not free and (doubt := doubts.contradiction(talk, question.key, given)):
        talk.state = replace(frames.answer(talk.state, talk.stage, later), misses=0)
        doubts.ask(talk, doubt)
        return True
    told = {"out_of_scope", top.dialog} if "," in later.get("products", "") else {"out_of_scope"}
    plain = len(reading.rest_of(talk.text, talk.found)) <= _FEW or mentioned.states_flag(talk.text, talk.knowledge)
    if later and not phrases.is_question(talk.text) and (plain or set(talk.wants.wishes) <= told):
        note(talk, later)
        return True
    return False


def _paused(talk: Talk, top: Frame, question: Question[Any]) -> bool:
    """Whether a yes or no comes after something else was shown than the form's own yes-or-no question: that is put again before it counts."""
    here = f"{top.run}:{question.key}="
    return not any(payload.startswith(here) for _, payload in talk.before.offered) and isinstance(
        reading.read_answer(question, talk.text, talk.found, talk.stage.today), Answer
    )


def _item(talk: Talk, top: Frame) -> str:
    """The answer of the summary that words name alone, to be changed (联系方式, 改公司); contact details that were declined begin with consent."""
    key = rights.names_item(talk.text)
    if key == "contact.consent" or (key in CONTACT and (key not in top.trail or talk.message.private != "here")):
        key = "contact.consent"
    return key if key in top.trail else ""


def _consented(talk: Talk, question: Question[Any]) -> bool:
    """A plain yes or no to the notice; a number left before that waits for it, and a yes where only a page takes one leads there again."""
    contact = next((str(f.value) for f in talk.found if f.kind in ("phone", "email")), "")
    read = reading.read_answer(question, talk.text, talk.found, talk.stage.today)
    if isinstance(read, Answer):
        take(talk, question, read)
    elif contact:
        talk.hide = True
        talk.state = frames.answer(talk.state, talk.stage, {"contact.reach": contact})
        proceeding.proceed(talk)
    elif isinstance(read, Unreadable):
        asking.ask(talk)
    return bool(read or contact)


def _decline(talk: Talk) -> None:
    """Take back a consent that was given for this form, before anything was filed on it: it goes on without the contact."""
    talk.hide = True
    talk.state = replace(frames.answer(talk.state, talk.stage, {"contact.consent": "no"}), misses=0)
    if not any(c.dossier.get("contact") for c in talk.own):
        talk.state = replace(talk.state, consent={})
    proceeding.proceed(talk)


def _company_and_contact(talk: Talk, reach: str) -> None:
    """A number given with the company, or for it: it goes where it belongs."""
    talk.hide = True
    if talk.state.top is not None and talk.state.top.answers.get("contact.consent") == "no":
        talk.speak(talk.say("consent.not_kept"))
    parts = [p for p in re.split(r"[\s,，、;；]+", masked(talk.message.text).replace(HIDDEN, " ")) if p]
    given = {"contact.reach": reach, **({"contact.company": parts[0]} if parts else {}), **({"contact.name": parts[1]} if len(parts) == 2 else {})}
    talk.state = replace(frames.answer(talk.state, talk.stage, given), misses=0)
    proceeding.proceed(talk)


def _matter_and_contact(talk: Talk, reach: str) -> None:
    """A number given with the matter: it is taken out of it, and waits for consent."""
    words, talk.hide = consent.without(talk.message.text), True
    before = talk.state.top.answers.get("contact.consent") if talk.state.top else None
    talk.state = replace(frames.answer(talk.state, talk.stage, {"contact.reach": reach, **({"matter": words} if words else {})}), misses=0)
    talk.speak(talk.say({None: "consent.taken_out", "no": "consent.not_kept"}.get(before, "consent.moved")))
    proceeding.proceed(talk)


def _only_values(talk: Talk) -> bool:
    """Whether a correction holds nothing but values (不对，是三类), so that it is no text of its own."""
    found, text = ahead.right(talk)
    return bool(found) and len(reading.rest_of(text, found)) <= _FEW


def _asks_something_else(talk: Talk, question: Question[Any], read: Answer | Unreadable | None) -> bool:
    """Whether words in which an answer was seen ask something of their own (3000万美元够吗 does, 大概3000万吧？ does not)."""
    if not phrases.is_question(talk.text) or (isinstance(read, Answer) and not read.echo):
        return False
    top, figure = talk.state.top, isinstance(question, Amount | Number | Items)
    if figure and not isinstance(read, Answer):
        return True
    return bool(set(talk.wants.wishes) - {top.dialog if top else ""}) or (figure and finding.is_known(talk, talk.text))


def _with_question(talk: Talk, question: Question[Any]) -> bool:
    """An answer and a question in one message (太仓，另外娄城贷是什么): take the one, answer the other."""
    top, parts = talk.state.top, phrases.parts(talk.text)
    asked = [p for p in parts if phrases.is_question(p)]
    said = [p for p in parts if p not in asked]
    if not asked or not said or top is None:
        return False
    wanted = wanting.read("，".join(asked), talk.knowledge).wishes
    if not set(wanted) - {top.dialog} and not any(finding.is_known(talk, p) for p in asked):
        return False
    words = "，".join(said)
    found = tuple(f for f in talk.found if f.text in words)
    read = reading.read_answer(question, words, found, talk.stage.today)
    if not isinstance(read, Answer):
        return False
    given = {k: v for k, v in mentioned.facts_in(found, talk.knowledge, words).items() if ahead.usable(talk, k, question.key)}
    talk.state = replace(frames.answer(talk.state, talk.stage, {**given, question.key: read.token}), misses=0)
    talk.speak(talk.say("dialog.echo", label=asking.labels(talk, {question.key: read.token, **given})))
    if talk.asking() is None:
        proceeding.proceed(talk)
    talk.hear("，".join(asked))
    wishes.free_text(talk)
    proceeding.digressed(talk)
    return True


def is_other_wish(talk: Talk, question: Question[Any]) -> bool:
    """Whether words given to a free-text question look like a question of their own."""
    return question.key != "matter" and phrases.is_question(talk.text) and (bool(talk.wants.wishes) or finding.is_it(finding.find(talk, None)))


def take(talk: Talk, question: Question[Any], read: Answer, extra: Mapping[str, str] | None = None) -> None:
    """Set the answer to the open question and go on."""
    talk.state = replace(frames.answer(talk.state, talk.stage, {**(extra or {}), question.key: read.token}), misses=0, pending="")
    if read.token == UNKNOWN and talk.asking() is not None:
        talk.speak(talk.say("dialog.without"))
    elif read.echo or extra:
        said = {question.key: read.token, **(extra or {})} if extra else {question.key: read.token}
        talk.speak(talk.say("dialog.echo", label=asking.labels(talk, said)))
    proceeding.proceed(talk)


def note(talk: Talk, given: Mapping[str, str]) -> None:
    """Keep answers to later questions, say so, and ask the open question again."""
    talk.state = replace(frames.answer(talk.state, talk.stage, given), misses=0)
    talk.speak(talk.say("dialog.noted", facts=asking.labels(talk, given)))
    proceeding.proceed(talk)


def corrected(talk: Talk, edited: bool = False) -> bool:
    """Change earlier answers to the values that the message gives: of the top dialog, else of one below it, else what is known of before."""
    top = talk.state.top
    if top is not None and (private := _contact(talk, top.trail)):
        talk.hide = True
        return change(talk, private)
    if products.changed(talk):
        return True
    takes_back = phrases.is_correction(talk.text) or (top is not None and talk.text.startswith("换") and bool(talk.found))
    if not (takes_back or edited or bare_value(talk)):
        return False
    facts = ahead.passing(talk)
    if top is not None and (given := _given(talk, top, facts, by_words=True)):
        return change(talk, given)
    if not takes_back:
        return False
    for index in range(len(talk.state.frames) - 2, -1, -1):
        listed = products.change(talk, talk.state.frames[index])
        if isinstance(listed, Mapping) and listed:
            _change_below(talk, index, listed)
            return True
        if given := _given(talk, talk.state.frames[index], facts, by_words=top is not None and not isinstance(talk.asking(), FreeText)):
            _change_below(talk, index, given)
            return True
    known = {k: facts[k] for k, v in talk.state.profile.items() if k in facts and facts[k] != v}
    question = talk.asking()
    if not known or (question is not None and question.key in known):  # an answer, then
        return False
    talk.state = replace(talk.state, profile={**talk.state.profile, **known}, misses=0)
    words = talk.say.join([asking.fact_label(talk, k, v) for k, v in known.items()])
    talk.speak(talk.say("dialog.changed", label=words), () if talk.asking() is not None else moves.starts(talk))
    asking.ask(talk)
    return True


def _given(talk: Talk, frame: Frame, facts: Mapping[str, str], by_words: bool) -> dict[str, str]:
    """The answers of a dialog that the message gives another value; `by_words`: also a choice named after the word of correction."""
    given: dict[str, str] = {}
    for asked in talk.stage.run(frame).trail:
        key = asked.question.key
        if key in facts and facts[key] != asked.token:
            given[key] = facts[key]
        elif by_words and key not in facts and not isinstance(asked.question, FreeText):
            tail = phrases.after_correction(talk.text)
            read = reading.read_answer(asked.question, tail, talk.found, talk.stage.today) if tail else None
            if isinstance(read, Answer) and read.token not in (asked.token, UNKNOWN, NONE) and not given and not facts:
                given[key] = read.token
    return {k: v for k, v in given.items() if k != "products"}


def change(talk: Talk, given: Mapping[str, str]) -> bool:
    """Set corrected answers, say so, and go on; False where there is nothing to change."""
    if not given:
        return False
    talk.state = replace(frames.answer(talk.state, talk.stage, given), misses=0)
    talk.speak(talk.say("dialog.changed", label=asking.labels(talk, given)))
    proceeding.proceed(talk)
    return True


def _change_below(talk: Talk, index: int, given: Mapping[str, str]) -> None:
    """Correct a dialog that lies below what is open; a request that grew from it is told of it, and the open question is asked again."""
    frame, top = talk.state.frames[index], talk.state.frames[-1]
    before = filing.matter_of(talk, top.about)
    state = replace(frames.answer_below(talk.state, talk.stage, index, given), misses=0)
    below = state.frames[index]
    if (outcome := talk.stage.run(below).outcome) is not None:
        below = replace(below, digest=reports.digest(outcome))
    talk.state = replace(state, frames=(*state.frames[:index], below, *state.frames[index + 1 :]))
    if before and top.answers.get("matter") == before:
        talk.state = frames.answer(talk.state, talk.stage, {"matter": filing.matter_of(talk, top.about)})
    words = products.told(talk, below, given) if any(k.startswith("product") for k in given) else asking.labels(talk, given, below)
    talk.speak(talk.say("dialog.changed_in", name=talk.say(f"dialog.{frame.dialog}"), label=words))
    if talk.asking() is not None:
        asking.ask(talk)
    else:
        talk.state = frames.lift(talk.state, below.run)
        proceeding.proceed(talk)


def _contact(talk: Talk, trail: tuple[str, ...]) -> dict[str, str]:
    """A contact or a name given anew after its question was answered: these need no word of correction."""
    contacts = [f for f in talk.found if f.kind in ("phone", "email")]
    if "contact.reach" in trail and len(contacts) == 1:
        return {"contact.reach": str(contacts[0].value)}
    for key, pattern in _NAMED.items():
        if key in trail and (said := pattern.search(talk.message.text)) and (key not in CONTACT or talk.message.private == "here"):
            return {key: consent.without(said[1]).strip(" ，。,.")}
    return {}


_NAMED = {
    "contact.name": re.compile(r"(?:我叫|我姓名|姓名是|名字是|名字改成|称呼改成|联系人是|联系人改成)(.{1,20})$"),
    "contact.company": re.compile(r"(?:公司叫|公司名是|公司名改成|公司改成|公司名称是|公司名称改成)(.{2,40})$"),
}


def bare_value(talk: Talk) -> bool:
    """Whether the message is nothing but a value of a finished dialog's question (二类)."""
    done = talk.state.top is not None and talk.state.top.done and not says_gone(talk.text)
    return done and bool(talk.found) and len(reading.rest_of(talk.text, talk.found)) <= _FEW
