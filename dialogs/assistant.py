"""One turn of the talk, as a pure function: `respond(state, message, knowledge, now, cases)` → `Turn`.

The order in which a message is read is fixed: not text → control word → button → answer to the open question → correction or answers
given ahead → another wish or a question → not understood.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from dialogs import asking, cases, frames, reading, reports, taps, wishes
from dialogs.answers import Voice
from dialogs.conversation import State
from dialogs.frames import Stage
from dialogs.messages import Entity, Message, Option, Reply, Score
from dialogs.reading import Answer, Unreadable
from dialogs.script import FreeText, Question
from dialogs.texts import Texts, texts
from knowledge.snapshot import Knowledge
from knowledge.values import Found

MAX_LENGTH = 2000
HIDDEN = "***"
KEPT = 6
"""How many of the person's last messages a request's dossier carries."""


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
class Unanswered:
    """Effect: a message found no answer, to be shown to admins."""

    text: str


Effect = FileRequest | AddNote | Unanswered


@dataclass(frozen=True, slots=True)
class Turn:
    """What a message leads to: the new state, what is said, and what is to be done."""

    conversation: State
    replies: tuple[Reply, ...]
    effects: tuple[Effect, ...] = ()
    intents: tuple[Score, ...] = ()
    entities: tuple[Entity, ...] = ()
    dialog: dict[str, Any] | None = None
    outcome: dict[str, Any] | None = None
    incoming: Mapping[str, Any] = field(default_factory=dict)
    """The message as it may be stored: an answer to a private question is only `***`."""


def respond(state: State, message: Message, knowledge: Knowledge, now: datetime, own: tuple[cases.Case, ...] = ()) -> Turn:
    """Answer one message. `now` is aware; `own` are this chat's own requests."""
    return Talk(state, message, knowledge, now, own).turn()


def trouble(state: State, message: Message, now: datetime) -> Turn:
    """The turn when `respond` itself failed: the person is told, nothing is lost, and 取消 still works."""
    say = texts(state.language)
    if reading.control(message.text) == "cancel":
        state = frames.close(state)
    reply = Reply(say("bad.trouble"), (Option(say("common.human"), "!human"),), id=f"{state.turn + 1}.1")
    return Turn(replace(state, turn=state.turn + 1), (reply,), incoming={"kind": message.kind, "text": HIDDEN})


def notice_of(case: cases.Case, event: cases.Event) -> Reply:
    """What the founder is told of something that the team did."""
    say = texts("zh")
    number = len(case.events)
    options = (Option(say("common.add_note"), f"!note:{case.number}"), Option(say("common.status"), "!status"))
    if event.kind == "staff_reply":
        return Reply(say("requests.team_reply", number=case.number, text=event.text), options, by="team", id=f"{case.number}.{number}")
    text = say("requests.state_change", number=case.number, state=say(f"requests.state_{event.to}"), note=event.text)
    return Reply(text, options if case.state not in cases.CLOSED else options[1:], by="team", id=f"{case.number}.{number}")


class Talk:
    """A turn in the making: reads one message and gathers what is said and done."""

    def __init__(self, state: State, message: Message, knowledge: Knowledge, now: datetime, own: tuple[cases.Case, ...]) -> None:
        message = replace(message, text=message.text.replace("{request}", "｛request｝"))  # the slot is ours alone
        language = reading.language_of(message.text, state.language) if message.option is None else state.language
        self.state = replace(state, turn=state.turn + 1, language=language)
        self.message, self.knowledge, self.now, self.own = message, knowledge, now, own
        self.stage = Stage(knowledge, now.date())
        self.say: Texts = texts(language)
        self.voice = Voice(knowledge, now.date(), self.say)
        self.replies: list[Reply] = []
        self.effects: list[Effect] = []
        self.outcome: dict[str, Any] | None = None
        self.text = knowledge.read(message.text)
        self.found: tuple[Found, ...] = ()
        self.wants = reading.Reading((), ())
        self.hide = False
        self.tapped: str | None = None
        self.runs_before = state.runs
        self.missed = False

    def hear(self, text: str) -> None:
        """Read other words than the message's own (a free text that turned out to be a question)."""
        self.text = self.knowledge.read(text)
        self.found = self.knowledge.vocabulary.read(self.text, self.stage.today)
        self.wants = reading.intents(self.text, self.knowledge)

    def turn(self) -> Turn:
        """Read the message in the fixed order and put the turn together."""
        message = self.message
        if message.group and not message.addressed:
            return Turn(replace(self.state, turn=self.state.turn - 1), (), incoming={})
        if self.text and message.option is None and len(message.text) <= MAX_LENGTH:
            self.hear(message.text)
        self.catch_up()
        self.read()
        return self.finish()

    def read(self) -> None:
        """The order of reading."""
        message = self.message
        if message.option is not None:
            taps.tap(self, message.option)
        elif message.kind != "text":
            self.speak(self.say(f"bad.{message.kind}"))
        elif not self.text:
            self.speak(self.say("bad.empty"))
        elif len(message.text) > MAX_LENGTH:
            self.speak(self.say("bad.too_long", length=len(message.text), limit=MAX_LENGTH))
        elif case := self.replied_case():
            self.effects.append(AddNote(case.number, message.text.strip()))
            self.speak(self.say("requests.noted", number=case.number))
        elif verb := reading.control(message.text):
            taps.command(self, verb)
        elif not self.answered():
            wishes.free_text(self)

    def replied_case(self) -> cases.Case | None:
        """The own, open request to whose notice this message is a reply."""
        number = (self.message.reply_to or "").rpartition(".")[0]
        return next((c for c in self.own if c.number == number and c.state not in cases.CLOSED), None)

    # -- the open question ---------------------------------------------------------------------------------------------------------

    def asking(self) -> Question[Any] | None:
        """The open question, if a dialog waits for an answer."""
        return self.stage.run(self.state.top).asking if self.state.top and not self.state.top.done else None

    def answered(self) -> bool:
        """Take the message as an answer (to the open question, a correction, or an answer given ahead), if it is one."""
        question = self.asking()
        if question is None:
            return self.corrected()
        read = reading.read_answer(question, self.message.text if isinstance(question, FreeText) else self.text, self.found, self.stage.today)
        given = reading.facts_in(self.found, self.knowledge)
        if isinstance(question, FreeText) and isinstance(read, Answer) and question.fact.type != "phone" and self.is_other_wish(question):
            self.state = replace(self.state, pending=self.message.text)
            self.hide = question.private
            options = (Option(self.say("dialog.take"), "!take"), Option(self.say("dialog.question"), "!asked"))
            self.speak(self.say("dialog.answer_or_question"), options)
            return True
        if reading.is_correction(self.text) and not isinstance(question, FreeText) and self.corrected():
            return True
        if isinstance(read, Answer):
            self.hide = question.private
            extra = {} if isinstance(question, FreeText) else {k: v for k, v in given.items() if self.usable(k, question.key)}
            self.take(question, read, extra)
            return True
        if isinstance(read, Unreadable):
            self.hide = question.private
            self.speak(self.say(f"dialog.{read.hint}", **read.slots))
            asking.ask(self)
            return True
        later = {k: v for k, v in given.items() if self.usable(k, question.key)}
        if later and not reading.is_question(self.text) and not self.wants.wishes:
            self.note(later)
            return True
        return False

    def is_other_wish(self, question: Question[Any]) -> bool:
        """Whether words given to a free-text question look like a question of their own."""
        return question.key != "matter" and reading.is_question(self.text) and bool(self.wants.wishes)

    def usable(self, key: str, asked: str) -> bool:
        """Whether a fact heard in passing may be used: not the one asked for, and not yet answered on the trail."""
        top = self.state.top
        return key != asked and top is not None and top.dialog in frames.GUIDED and key not in top.trail

    def take(self, question: Question[Any], read: Answer, extra: Mapping[str, str] | None = None) -> None:
        """Set the answer to the open question and go on."""
        self.state = replace(frames.answer(self.state, self.stage, {**(extra or {}), question.key: read.token}), misses=0, pending="")
        if read.echo or extra:
            said = {question.key: read.token, **(extra or {})} if extra else {question.key: read.token}
            self.speak(self.say("dialog.echo", label=asking.labels(self, said)))
        self.go_on()

    def note(self, given: Mapping[str, str]) -> None:
        """Keep answers to later questions, say so, and ask the open question again."""
        self.state = replace(frames.answer(self.state, self.stage, given), misses=0)
        self.speak(self.say("dialog.noted", facts=asking.labels(self, given)))
        self.go_on()

    def corrected(self) -> bool:
        """Change earlier answers of the top dialog to the values that the message gives, if it corrects something."""
        top = self.state.top
        if top is None or not top.trail or not (reading.is_correction(self.text) or self.bare_value()):
            return False
        now = self.stage.run(top)
        given: dict[str, str] = {}
        facts = reading.facts_in(self.found, self.knowledge)
        for asked in now.trail:
            key = asked.question.key
            if key in facts and facts[key] != asked.token:
                given[key] = facts[key]
            elif key not in facts and not isinstance(asked.question, FreeText):
                tail = reading.after_correction(self.text)
                read = reading.read_answer(asked.question, tail, self.found, self.stage.today) if tail else None
                if isinstance(read, Answer) and read.token not in (asked.token, "unknown", "none") and not given and not facts:
                    given[key] = read.token
        given = {k: v for k, v in given.items() if k != "products"}
        if not given:
            return False
        self.state = replace(frames.answer(self.state, self.stage, given), misses=0)
        self.speak(self.say("dialog.changed", label=asking.labels(self, given)))
        self.go_on()
        return True

    def bare_value(self) -> bool:
        """Whether the message is nothing but a value of a finished dialog's question (二类)."""
        return self.state.top is not None and self.state.top.done and bool(self.found) and len(reading.rest_of(self.text, self.found)) <= 2

    def go_on(self) -> None:
        """Ask the next question, or tell the outcome."""
        asking.proceed(self)

    # -- saying --------------------------------------------------------------------------------------------------------------------

    def speak(self, text: str, options: tuple[Option, ...] = ()) -> None:
        """Say a plain sentence."""
        self.replies.append(Reply(text, options))

    def catch_up(self) -> None:
        """Replay a finished dialog under knowledge that changed since, and say what is different."""
        version, top = self.knowledge.version, self.state.top
        if self.state.knowledge not in ("", version) and top is not None:
            self.state = frames.settle(self.state, self.stage)
            now = self.stage.run(self.state.frames[-1])
            if top.done and now.outcome is not None:
                digest = reports.digest(now.outcome)
                names = {r.split(":")[0] for r, _ in set(digest) ^ set(top.digest)}
                changed = [getattr(r, "name", i) for i in sorted(names) if (r := self.knowledge.record(i))]
                if changed:
                    self.speak(self.say("dialog.knowledge_changed", changes=self.say.join(changed[:5])))
                self.state = self.state.with_top(replace(self.state.frames[-1], digest=digest))
        self.state = replace(self.state, knowledge=version)

    def finish(self) -> Turn:
        """Number the replies and put the turn together."""
        replies = tuple(replace(r, id=f"{self.state.turn}.{n}") for n, r in enumerate(_joined(self.replies), 1))
        heard = self.state.heard
        if self.message.option is None and self.text and not self.hide:
            heard = (*heard, self.message.text[:300])[-KEPT:]
        self.state = replace(self.state, heard=heard)
        return Turn(
            conversation=self.state,
            replies=replies,
            effects=tuple(self.effects),
            intents=self.wants.scores,
            entities=tuple(Entity(f.kind, f.value, f.text) for f in self.found if f.kind not in _INTERNAL) if not self.hide else (),
            dialog=asking.dialog_json(self),
            outcome=self.outcome,
            incoming=self._incoming(),
        )

    def _incoming(self) -> dict[str, Any]:
        text = HIDDEN if self.hide else self.message.text[: MAX_LENGTH * 2]
        return {"kind": self.message.kind, "text": text, "option": self.message.option, "label": self.tapped}


def _joined(replies: list[Reply]) -> list[Reply]:
    """Plain lines become one message with what follows them: a founder reads one bubble, not three."""
    joined: list[Reply] = []
    for reply in replies:
        if joined and not joined[-1].options and not joined[-1].citations and not reply.citations:
            joined[-1] = replace(reply, text=f"{joined[-1].text}\n{reply.text}")
        else:
            joined.append(reply)
    return joined


_INTERNAL = frozenset({"ambiguous_region", "drug_class", "phone", "email"})
