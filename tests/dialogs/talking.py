"""A talk in a test: says things to the pure assistant and looks at what comes back."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dialogs import cases
from dialogs.assistant import respond
from dialogs.conversation import State
from dialogs.messages import Message, Option, Reply
from dialogs.talk import AddNote, Effect, FileRequest, Turn, Unconsent, Withdraw
from dialogs.turns import LOCAL
from knowledge.snapshot import Knowledge

NOW = datetime(2026, 11, 22, 12, tzinfo=LOCAL)


@dataclass
class Talking:
    """One person's talk; `own` are their requests."""

    knowledge: Knowledge
    now: datetime = NOW
    state: State = field(default_factory=State)
    own: tuple[cases.Case, ...] = ()
    effects: list[Effect] = field(default_factory=list)
    last: Turn | None = None

    def say(self, text: str, **more: Any) -> Talking:
        return self._turn(Message(text, **more))

    def tap(self, label: str) -> Talking:
        """Tap the button of the last turn with this label."""
        option = next((o for o in self.options if o.label.removeprefix("✓ ") == label), None)
        assert option is not None, f"no button {label!r} among {[o.label for o in self.options]}"
        return self.send(option.payload)

    def send(self, payload: str) -> Talking:
        return self._turn(Message(option=payload))

    def _turn(self, message: Message) -> Talking:
        # the state goes through JSON as it does in the store
        self.last = respond(State.from_json(self.state.to_json()), message, self.knowledge, self.now, self.own)
        self.state = self.last.conversation
        for effect in self.last.effects:
            self.effects.append(effect)
            if isinstance(effect, FileRequest):
                event = cases.Event("filed", self.now, "company")
                number = f"YQ-261122-{len(self.own) + 1:04d}"
                self.own = (*self.own, cases.Case(number, effect.kind, cases.State.NEW, self.now, (event,), effect.dossier))
            elif isinstance(effect, Unconsent):
                gone = cases.Event("consent_withdrawn", self.now, "company")
                self.own = tuple(cases.advance(c, gone)[0] if c.number == effect.number else c for c in self.own)
        return self

    @property
    def turn(self) -> Turn:
        assert self.last is not None
        return self.last

    @property
    def replies(self) -> tuple[Reply, ...]:
        return self.turn.replies

    @property
    def text(self) -> str:
        return "\n".join(r.text for r in self.replies)

    @property
    def options(self) -> list[Option]:
        return [o for r in self.replies for o in r.options]

    @property
    def asking(self) -> str | None:
        return self.turn.dialog["asking"] if self.turn.dialog else None

    @property
    def dialog(self) -> str | None:
        return self.turn.dialog["name"] if self.turn.dialog else None

    @property
    def trail(self) -> dict[str, str]:
        return dict(self.turn.dialog["trail"]) if self.turn.dialog else {}

    @property
    def outcome(self) -> dict[str, Any]:
        assert self.turn.outcome is not None, self.text
        return self.turn.outcome()

    @property
    def filed(self) -> list[FileRequest]:
        return [e for e in self.effects if isinstance(e, FileRequest)]

    @property
    def withdrawn(self) -> list[Withdraw]:
        return [e for e in self.effects if isinstance(e, Withdraw)]

    @property
    def notes(self) -> list[AddNote]:
        return [e for e in self.effects if isinstance(e, AddNote)]


def through(talk: Talking, answers: dict[str, str], otherwise: str = "不清楚", until: str | None = None) -> Talking:
    """Answer the open dialog's questions by key until it ends, or until one is open."""
    for _ in range(60):
        if talk.asking in (None, until):
            return talk
        talk.say(answers.get(talk.asking, otherwise))
    raise AssertionError("the dialog did not end")
