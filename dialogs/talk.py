"""A turn in the making: the message as it was read, what is said to it, and what is to be done."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from dialogs import cases, phrases, reading, wanting
from dialogs.answers import Voice
from dialogs.conversation import State
from dialogs.frames import Stage
from dialogs.messages import HIDDEN, Entity, Message, Option, Reply, Score, masked
from dialogs.script import Question
from dialogs.texts import Texts, texts
from dialogs.wanting import Reading
from knowledge.denial import not_yet
from knowledge.snapshot import Knowledge
from knowledge.values import Found, normalise

MAX_LENGTH = 2000
KEPT_BUTTONS = 24
KEPT = 6
"""How many of the person's last messages a request's dossier carries."""
_WORD = re.compile(r"[A-Za-z][A-Za-z'-]+")
_PLAIN = re.compile(
    r"\b(is|it|its|in|of|to|an?|and|or|still|any|about|tell|me|get|you|your|our|us|this|that|there|who|when|why|do|apply|valid|much|many)\b",
    re.IGNORECASE,
)
"""Words that stand in English sentences only, beside those that tell a language anyway."""
_CHINESE = re.compile(r"[一-鿿][一-鿿“”、（）·+\dA-Z]*")
_GRADES = frozenset({"device_class", "drug_class"})
"""A class that is not there yet (三类证还没拿到) is no answer; a name or a sum is read all the same."""
_INTERNAL = frozenset({"ambiguous_region", "drug_class", "phone", "email"})


@dataclass(frozen=True, slots=True)
class FileRequest:
    """Effect: a request is to be filed; its number fills the slot `{request}`."""

    kind: str
    dossier: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AddNote:
    """Effect: the person added something to one of their requests."""

    number: str
    text: str


@dataclass(frozen=True, slots=True)
class ChangeContact:
    """Effect: the person gave another number or address for one of their requests, which holds one with their consent."""

    number: str
    reach: str


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Effect: the person takes one of their requests back."""

    number: str


@dataclass(frozen=True, slots=True)
class Unconsent:
    """Effect: the contact goes from one of the person's requests, since they took their consent back."""

    number: str


@dataclass(frozen=True, slots=True)
class Erase:
    """Effect: everything that is kept of the person goes; of their requests number, state and times remain."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Effect: a message found no answer, to be shown to admins."""

    text: str


@dataclass(frozen=True, slots=True)
class KeepPrecheck:
    """Effect: a finished pre-check is kept without the person, to see later what a change of the knowledge changes."""

    region: str
    facts: Mapping[str, str]
    day: date


@dataclass(frozen=True, slots=True)
class KeepPage:
    """Effect: what a page is made from is kept for some hours, with whose it is; its key fills the slot `{page}` of the reply that links to `path`."""

    path: str
    hours: int
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rated:
    """Effect: somebody said how helpful a finished piece of work was; nothing of the person is in it."""

    about: str
    """The dialog that it was about."""
    value: str
    day: date
    knowledge: str


Effect = FileRequest | AddNote | ChangeContact | Withdraw | Unconsent | Erase | Unanswered | KeepPrecheck | KeepPage | Rated


@dataclass(frozen=True, slots=True)
class Turn:
    """What a message leads to: the new state, what is said, and what is to be done."""

    conversation: State
    replies: tuple[Reply, ...]
    effects: tuple[Effect, ...] = ()
    intents: tuple[Score, ...] = ()
    entities: tuple[Entity, ...] = ()
    dialog: dict[str, Any] | None = None
    outcome: Callable[[], dict[str, Any]] | None = field(default=None, compare=False)
    """The result that this message led to, as data for programs; made when it is asked for, since people don't."""
    incoming: Mapping[str, Any] = field(default_factory=dict)
    """The message as it may be stored: an answer to a private question is only `***`."""


class Talk:
    """One message being answered: everything that dialogs, answers and moves share while they work on it."""

    def __init__(self, state: State, message: Message, knowledge: Knowledge, now: datetime, own: tuple[cases.Case, ...]) -> None:
        self.before = state
        """What was known before this message."""
        message = replace(message, text=message.text.replace("{request}", "｛request｝"))  # the slot is ours alone
        language = _language(message.text, state) if message.option is None else state.language
        self.state = replace(state, turn=state.turn + 1, language=language)
        self.message, self.knowledge, self.now, self.own = message, knowledge, now, own
        self.stage = Stage(knowledge, now.date(), message.private)
        self.say: Texts = texts(language)
        self.voice = Voice(knowledge, now.date(), self.say)
        self.replies: list[Reply] = []
        self.effects: list[Effect] = []
        self.outcome: Callable[[], dict[str, Any]] | None = None
        plain = normalise(message.text)
        self.long = max(len(message.text), len(plain)) > MAX_LENGTH
        """Whether the message is too long; one sign may stand for eighteen once it is normalised."""
        self.text = knowledge.read(plain[:MAX_LENGTH])
        self.found: tuple[Found, ...] = ()
        self.wants = Reading()
        self.hide = False
        self.tapped: str | None = None
        self.runs_before = state.runs
        self.missed = False
        self.free = False
        """Whether the message was a free question or remark, no answer to a question."""
        self.put = False
        """Whether the open question was put in this turn, or the way back to it offered: neither is needed twice."""
        self.away = _days_since(state, now)
        """Whole days since the person last spoke, where a dialog was left open."""

    def hear(self, text: str) -> None:
        """Read other words than the message's own (a free text that turned out to be a question)."""
        self.text = self.knowledge.read(normalise(text)[:MAX_LENGTH])
        spoken_of = self.state.profile.get("region")
        found = reading.located(self.knowledge.vocabulary.read(self.text, self.stage.today), self.knowledge)
        found = tuple(  # 高新区 after 苏州高新区 is that one
            Found.at("region", spoken_of, self.text, (f.start, f.end)) if f.kind == "ambiguous_region" and spoken_of in f.value else f for f in found
        )
        self.found = tuple(f for f in found if f.kind not in _GRADES or not not_yet(self.text, f.start, f.end))
        self.wants = wanting.read(self.text, self.knowledge)

    def asking(self) -> Question[Any] | None:
        """The open question, if a dialog waits for an answer."""
        return self.stage.run(self.state.top).asking if self.state.top and not self.state.top.done else None

    def speak(self, text: str, options: tuple[Option, ...] = ()) -> None:
        """Say a plain sentence."""
        self.replies.append(Reply(text, options))

    def finish(self) -> Turn:
        """Number the replies and put the turn together."""
        replies = tuple(replace(r, id=f"{self.state.turn}.{n}") for n, r in enumerate(_joined(self.replies), 1))
        heard = self.state.heard
        if self.free:
            heard = (*heard, masked(self.message.text)[:300])[-KEPT:]
        if replies:
            offered = tuple((o.label, o.payload) for r in replies for o in r.options)[:KEPT_BUTTONS]
            self.state = replace(self.state, offered=offered, said=tuple(r.to_json() for r in replies))
        last = "" if self.hide or self.message.option is not None else masked(self.message.text).strip()[:300]
        self.state = replace(self.state, heard=heard, spoke=self.now.isoformat(), last=last)
        return Turn(
            conversation=self.state,
            replies=replies,
            effects=tuple(self.effects),
            intents=self.wants.scores,
            entities=self._entities(),
            dialog=self._dialog(),
            outcome=self.outcome,
            incoming=self._incoming(),
        )

    def _entities(self) -> tuple[Entity, ...]:
        """The values that the words hold: not the region in which a named park lies, which nobody said."""
        parks = {(f.start, f.end) for f in self.found if f.kind == "park"}
        said = (f for f in self.found if f.kind not in _INTERNAL and not (f.kind == "region" and (f.start, f.end) in parks))
        return () if self.hide else tuple(Entity(f.kind, f.value, f.text) for f in said)

    def _incoming(self) -> dict[str, Any]:
        text = HIDDEN if self.hide else masked(self.message.text[: MAX_LENGTH * 2])
        return {"kind": self.message.kind, "text": text, "option": self.message.option, "label": self.tapped}

    def _dialog(self) -> dict[str, Any] | None:
        """The top dialog as data: name, open question, trail; private answers are hidden."""
        frame = self.state.top
        if frame is None:
            return None
        now = self.stage.run(frame)
        trail = {a.question.key: HIDDEN if a.question.private else a.token for a in now.trail}
        return {"name": frame.dialog, "asking": now.asking.key if now.asking is not None else None, "trail": trail}


def _language(text: str, state: State) -> str:
    """The language to answer in; names tell none: in a form, on a button, or Chinese ones in an English sentence (what is 娄城贷?)."""
    form = state.top is not None and state.top.dialog == "request" and not state.top.done and "matter" in state.top.answers
    if form or any(text.strip() == label for label, _ in state.offered):
        return state.language
    words, names = _WORD.findall(text), _CHINESE.findall(text)
    sentence = " ".join(words)
    if names and len(words) > len(names) and (_PLAIN.search(sentence) or phrases.language_of(sentence, "") == "en"):
        return "en"
    return phrases.language_of(text, state.language)


def _days_since(state: State, now: datetime) -> int:
    waits = bool(state.spoke) and any(not f.done for f in state.frames)
    return max(0, (now - datetime.fromisoformat(state.spoke)).days) if waits else 0


def _joined(replies: list[Reply]) -> list[Reply]:
    """Plain lines become one message with what follows them: a founder reads one bubble, not three."""
    joined: list[Reply] = []
    for reply in replies:
        if joined and not (joined[-1].options or joined[-1].citations or joined[-1].link or reply.citations):
            joined[-1] = replace(reply, text=f"{joined[-1].text}\n{reply.text}")
        else:
            joined.append(reply)
    return joined
