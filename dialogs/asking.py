"""Putting questions: the words around a question, its buttons, and what follows when a script comes to its outcome."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dialogs import consent
from dialogs.answers import cut
from dialogs.conversation import Frame
from dialogs.messages import HIDDEN, Option, Reply
from dialogs.reading import shown
from dialogs.script import ALL, NONE, UNKNOWN, Amount, BadTokenError, Choice, Choices, FreeText, Items, Number, Question
from dialogs.scripts.request import CONTACT
from dialogs.talk import Talk
from knowledge.rules import generic

MANY = 8
"""Choices shown at once; the others come with “more”."""
FEW = 9
"""Up to so many questions that are left are counted; more would only discourage."""


def ask(talk: Talk, lead: str = "", simply: bool = False) -> None:
    """Put the open question of the top dialog; `simply`: in the words for somebody who did not understand it."""
    question, frame = talk.asking(), talk.state.top
    if question is None or frame is None:
        return
    say, language = talk.say, talk.say.language
    lines = [lead] if lead else []
    if question.key == "confirm":
        lines.append(_readback(talk))
    link: tuple[str | None, str] = (None, "")
    if question.key == "contact.consent":
        seen = any(payload.startswith(f"{frame.run}:{question.key}=") for _, payload in talk.before.offered)
        lines += consent.lead(talk, frame, seen)
        link = consent.link(talk, frame)
    before = _before(question, frame)
    if before is not None:
        lines.append(say("dialog.before", label=label(talk, question, before)))
    fact = question.fact
    if link[0] == consent.PAGE:
        pass  # the lead says it all: the page asks
    elif simply and fact.simple is not None:
        lines.append(fact.simple[language])
    else:
        lines.append(_asked(fact.question[language], fact.why[language], language))
    if "," in frame.answers.get("products", ""):
        lines[-1] = _numbered(question.key, language) + lines[-1]
    if (left := question.left) > 1:
        lines.append(say("dialog.remaining" if left <= FEW else "dialog.many_left", count=left))
    talk.put = True
    talk.replies.append(Reply("\n".join(lines), _options(talk, question, frame.run, before), link=link[0], link_label=link[1]))


def _before(question: Question[Any], frame: Frame) -> str | None:
    """The earlier answer to a question, to be offered again, where it still is one."""
    token = frame.dormant.get(question.key)
    if token is None or question.private or question.key == "contact.consent":
        return None
    try:
        question.value(token)
    except BadTokenError:
        return None
    return token


def _asked(words: str, why: str, language: str) -> str:
    """A question and in half a line why it is asked; one pair of brackets is enough."""
    if language == "zh":
        return f"{words}（{why}）"
    return f"{words.removesuffix(')')}; {why})" if words.endswith(")") else f"{words} ({why})"


def _options(talk: Talk, question: Question[Any], run: str, before: str | None) -> tuple[Option, ...]:
    say, language = talk.say, talk.say.language
    frame = talk.state.top
    grouped = isinstance(question, Choice) and bool(question.within)
    offered = {t for t, _ in shown(question)}
    draft = frame.draft if frame else ""
    chosen, multiple = ticked(question, draft), isinstance(question, Choices)
    every = ALL in draft.split(",") or len(offered) <= MANY
    options = []
    if before is not None:
        options.append(Option(say("common.use_again", label=cut(label(talk, question, before), talk.voice.longest)), f"{run}:{question.key}=^"))
    if isinstance(question, Choice) and grouped:
        options += _grouped(talk, question, run, draft)
    for position, (token, words) in enumerate(question.choices if not grouped else ()):
        if token in offered and (every or position < MANY - 1 or token in chosen):
            mark = "✓ " if token in chosen else ""
            options.append(Option(mark + words[language], f"{run}:~{question.key}={token}" if multiple else f"{run}:{question.key}={token}"))
    if multiple:
        if not every:
            options.append(Option(say("common.more"), f"{run}:~{question.key}={ALL}"))
        if chosen:
            options.append(Option(say("common.picked"), f"{run}:{question.key}=!"))
        else:
            options.append(Option(say("common.none"), f"{run}:{question.key}={NONE}"))
    if question.optional:
        options.append(Option(say("common.unsure"), f"{run}:{question.key}={UNKNOWN}"))
    if frame is not None and frame.dialog == "subsidy_precheck" and frame.trail:
        options.append(Option(say("common.enough"), f"!enough:{run}"))
    if question.key == "confirm":
        options.append(Option(say("common.edit"), f"!edit:{run}"))
    return tuple(o for o in options if len(o.payload.encode()) <= 64)


def _grouped(talk: Talk, question: Choice, run: str, opened: str) -> list[Option]:
    """The buttons of a question in two levels: the groups and “more”, or what the opened one holds, itself first."""
    say, names = talk.say, dict(question.choices)

    def called(token: str) -> str:
        return names[token][say.language]

    if opened not in question.within:
        buttons = [(t, f"{run}:~{question.key}={t}" if t in question.within else f"{run}:{question.key}={t}") for t in question.buttons]
        options = [Option(say("common.opens", label=called(t)) if t in question.within else called(t), payload) for t, payload in buttons]
        return [*options, *([Option(say("common.more"), f"{run}:~{question.key}={ALL}")] if ALL in question.within else [])]
    whole = [Option(say("common.whole", label=called(opened)), f"{run}:{question.key}={opened}")] if opened in names else []
    inner = [Option(called(t), f"{run}:{question.key}={t}") for t in question.within[opened]]
    return [*whole, *inner, Option(say("common.others"), f"{run}:~{question.key}={opened}")]


def ticked(question: Question[Any], draft: str) -> list[str]:
    """The choices of a draft that the question (still) has."""
    known = dict(question.choices)
    return [t for t in draft.split(",") if t in known]


def title(talk: Talk, question: Question[Any]) -> str:
    """A question in short, to be named in a sentence."""
    return talk.voice.title(question.fact)


def label(talk: Talk, question: Question[Any], token: str) -> str:
    """A token in words."""
    say, language = talk.say, talk.say.language
    if question.private:
        return HIDDEN
    if token == UNKNOWN:
        return say("common.unsure")
    if isinstance(question, Items | Amount | Number) or token == NONE:
        return talk.voice.answer(question.key, token)
    names = dict(question.choices)
    if isinstance(question, FreeText) or not names:
        return token
    known = {o.token: o.label for o in question.fact.options} | names  # a choice that is not offered here has a name all the same
    return say.join([known[t][language] if t in known else t for t in token.split(",")])


def labels(talk: Talk, given: Mapping[str, str], frame: Frame | None = None) -> str:
    """Several answers in words, those that a dialog (the top one) knows how to name."""
    top = frame or talk.state.top
    if top is None:
        return ""
    now = talk.stage.run(top)
    questions = {a.question.key: a.question for a in now.trail} | ({now.asking.key: now.asking} if now.asking is not None else {})
    several = "," in given.get("products", "")
    told: dict[str, list[str]] = {}
    for k, v in given.items():
        if k != "products" or len(given) == 1:
            told.setdefault(_numbered(k, talk.say.language) if several else "", []).append(
                label(talk, questions[k], v) if k in questions and questions[k].fact.called is None else fact_label(talk, k, v)
            )
    words = [*dict.fromkeys(told.pop("", [])), *(number + " ".join(dict.fromkeys(said)) for number, said in told.items())]
    return talk.say.join(words)


def fact_label(talk: Talk, key: str, token: str) -> str:
    """An answer in words where its question is not on the way (yet); a yes or no with what it is about."""
    words, fact = talk.voice.answer(key, token), talk.knowledge.facts.get(generic(key))
    return talk.voice.colon(fact.called[talk.say.language], words) if fact is not None and fact.called else words


def _readback(talk: Talk) -> str:
    frame = talk.state.top
    given = frame.answers if frame else {}
    say = talk.say
    matter, company = (given.get(key, say("common.missing_text")) for key in ("matter", "contact.company"))
    if "contact.reach" not in given:
        return say("requests.readback_chat", matter=matter, company=company)
    name, reach = (mask(given.get(key, "")) for key in CONTACT)
    return say("requests.readback", matter=matter, company=company, name=name, reach=reach)


def mask(private: str) -> str:
    """A private value that its owner can recognise and nobody else can use: 138****0000, 王**, a***@x.com."""
    if "@" in private:
        name, _, host = private.partition("@")
        return f"{name[:1]}***@{host}"
    if len(private) >= 7 and sum(c.isdigit() for c in private) >= 7:
        return f"{private[:3]}****{private[-4:]}"
    return private[:1] + "*" * max(1, len(private) - 1) if private else ""


def _numbered(key: str, language: str) -> str:
    """Of which product a question or an answer speaks, to stand before it; empty where it speaks of the company."""
    parts = key.split(".")
    if len(parts) != 3 or not parts[1].isdigit():
        return ""
    return f"产品{parts[1]}：" if language == "zh" else f"Product {parts[1]}: "
