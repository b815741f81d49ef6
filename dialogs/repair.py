"""Repair: a question that was not understood, passed over or repeated; the form; what a miss was tried as."""

from __future__ import annotations

from dataclasses import replace

from dialogs import answering, asking, closing, finding, mentioned, moves, phrases, proceeding, reading, wishes
from dialogs.answers import cut
from dialogs.messages import Option, Reply
from dialogs.script import UNKNOWN, FreeText, Items, Question
from dialogs.scripts.regions import ANY
from dialogs.talk import Talk

_FORM = frozenset({"request", "add_note"})


def understood(talk: Talk) -> bool:
    """Serve a message about the open question itself: what it means, that it is passed over, small talk beside it."""
    question = talk.asking()
    small = phrases.chitchat(talk.text)
    if question is None:
        return False
    if small == "hello":
        talk.speak(talk.say("greeting.here"))
        asking.ask(talk)
    elif small == "thanks":
        closing.thanks(talk)
    elif small == "bye":
        closing.bye(talk)
    elif phrases.is_puzzled(talk.text) or (phrases.asks_meaning(talk.text, _words(talk, question)) and not _is_named(talk)):
        _explain(talk, question)
    elif phrases.skips(talk.text) and not question.optional:
        _without(talk, question)
    elif isinstance(question, FreeText) and question.key.startswith("contact.") and phrases.worries(talk.text) and phrases.is_question(talk.text):
        moves.why(talk)
    else:
        return False
    return True


def repeat(talk: Talk) -> None:
    """Say again what was said last, with its buttons."""
    if talk.state.said:
        talk.replies += [Reply.from_json(body) for body in talk.state.said]
    else:
        moves.greet(talk)


def _words(talk: Talk, question: Question[object]) -> str:
    """All words in which a question is put."""
    fact, language = question.fact, talk.say.language
    texts = (fact.question, fact.help, fact.why, *((fact.simple,) if fact.simple else ()), *(label for _, label in question.choices))
    return " ".join(t[language] for t in texts)


def _explain(talk: Talk, question: Question[object]) -> None:
    """Explain the open question once; who still does not know goes on without it."""
    top, fact, language = talk.state.frames[-1], question.fact, talk.say.language
    this = f"{top.run}:{question.key}"
    if talk.state.explained == this and phrases.is_puzzled(talk.text):
        _without(talk, question)
        return
    talk.state = replace(talk.state, explained=this, misses=0)
    lines = [talk.say("dialog.explain", question=asking.title(talk, question), help=fact.help[language])]
    hints = [talk.say("dialog.who", who=fact.who[language])] if fact.who is not None else []
    hints += [talk.say("dialog.may_skip")] if question.optional else []
    lines += [("" if language == "zh" else " ").join(hints)] if hints else []
    asking.ask(talk, "\n".join(lines), simply=True)


def _without(talk: Talk, question: Question[object]) -> None:
    """Go on without an answer; where there is no way around the question, say why."""
    if question.optional:
        answering.take(talk, question, reading.Answer(UNKNOWN))
    elif isinstance(question, Items):
        answering.take(talk, question, reading.Answer("1", echo=True))
    elif any(token == ANY for token, _ in question.choices):
        answering.take(talk, question, reading.Answer(ANY, echo=True))
    else:
        talk.speak(talk.say("dialog.needed", why=question.fact.why[talk.say.language]))
        asking.ask(talk)


def in_form(talk: Talk) -> bool:
    """Words at a form's yes-or-no question that are no answer: the form explains itself, and is neither dropped nor left in silence."""
    question, top = talk.asking(), talk.state.top
    if question is None or top is None or top.dialog not in _FORM or isinstance(question, FreeText):
        return False
    wanted = set(talk.wants.wishes)
    if phrases.worries(talk.text):
        moves.why(talk)
    elif wanted & {"cancel", "back_or_restart"} and not phrases.wants_back(talk.text):
        talk.speak(talk.say("requests.drop"), (Option(talk.say("common.resume"), "!resume"), Option(talk.say("common.cancel"), "!cancel")))
    elif "request_human" in wanted:
        talk.speak(talk.say("requests.already"))
        asking.ask(talk)
    elif wanted or phrases.is_question(talk.text) or finding.is_known(talk):
        wishes.free_text(talk)
        proceeding.digressed(talk)
        if talk.missed:
            talk.state = replace(talk.state, misses=0)
            talk.replies.clear()
            _needs(talk, question)
        elif talk.state.top is not None and talk.state.top.run != top.run:
            talk.replies.insert(0, Reply(talk.say("requests.parked")))
    else:
        _needs(talk, question)
    return True


def _needs(talk: Talk, question: Question[object]) -> None:
    """Say what the form needs at this question."""
    language = talk.say.language
    talk.hide = talk.hide or question.key == "contact.consent"  # it may be a name
    shown = {token for token, _ in reading.shown(question)}
    choices = talk.say.join([label[language] for token, label in question.choices if token in shown])
    talk.speak(talk.say("requests.needs", choices=choices, help=question.fact.help[language]))
    asking.ask(talk)


def _is_named(talk: Talk) -> bool:
    """Whether a record answers what a term means (PCT是什么)."""
    hits = talk.knowledge.search.find(talk.text, (), 1)
    return bool(hits) and hits[0].title >= finding.TITLE


def reasons(talk: Talk) -> None:
    """After a miss: which question the words did not fit and what was recognised in them."""
    question = talk.asking()
    given = {
        k: v
        for k, v in mentioned.facts_in(talk.found, talk.knowledge, talk.text).items()
        if k != "products" and (question is None or k != question.key)
    }
    seen = talk.say.join([asking.fact_label(talk, k, v) for k, v in given.items()])
    if talk.put and question is not None:
        title = cut(asking.title(talk, question), 40)
        talk.replies.insert(0, Reply(talk.say("miss.tried_seen" if seen else "miss.tried", question=title, seen=seen)))
    elif seen and any(r.text == talk.say("miss.first") for r in talk.replies):
        talk.replies.insert(0, Reply(talk.say("miss.seen", seen=seen)))
