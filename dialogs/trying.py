"""How a message would be read and answered, step by step, for those who keep the examples: the same path as in a chat."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dialogs import finding
from dialogs.assistant import respond
from dialogs.conversation import State
from dialogs.messages import Message, Score
from dialogs.talk import Talk, Turn
from knowledge.search import Hit
from knowledge.snapshot import Knowledge
from knowledge.values import Found


@dataclass(frozen=True, slots=True)
class Why:
    """Why an intent fits: the nearest example, and the words that speak most for it or against it, with their share of the score."""

    near: str
    words: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """A message read: its words put right, intents with their reasons, the wishes acted upon, values, records, and the whole turn."""

    text: str
    intents: tuple[tuple[Score, Why], ...]
    wishes: tuple[str, ...]
    between: tuple[str, ...]
    found: tuple[Found, ...]
    hits: tuple[Hit, ...]
    answered_with: str
    """The record that is told; empty where none is, or one to choose from."""
    turn: Turn


def trial(text: str, knowledge: Knowledge, now: datetime) -> Trial:
    """Read a message as the first one of a chat."""
    talk = Talk(State(), Message(text), knowledge, now, ())
    talk.hear(text)
    hits = finding.find(talk, finding.region_of(talk))
    near = {m.label: m.near for m in knowledge.matcher.rank(talk.text)}
    reasons = [Why(near.get(s.name, ""), tuple(knowledge.matcher.reasons(talk.text, s.name))) for s in talk.wants.scores]
    turn = respond(State(), Message(text), knowledge, now)
    return Trial(
        text=talk.text,
        intents=tuple(zip(talk.wants.scores, reasons, strict=True)),
        wishes=talk.wants.wishes,
        between=talk.wants.between,
        found=talk.found,
        hits=tuple(hits[:5]),
        answered_with=turn.conversation.subject if knowledge.record(turn.conversation.subject) else "",
        turn=turn,
    )
