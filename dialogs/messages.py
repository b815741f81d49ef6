"""What people say to us and what we say back, in no channel's form; and their JSON forms for the store and the command line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from dialogs.script import Private
from knowledge.values import normalise, read_contacts

Kind = Literal["text", "voice", "photo", "file", "sticker"]
KINDS: tuple[Kind, ...] = ("text", "voice", "photo", "file", "sticker")
HIDDEN = "***"
"""What stands where something private stood."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a person said: a text, or the payload of a button (`option`), or something that is not text (`kind`)."""

    text: str = ""
    option: str | None = None
    kind: Kind = "text"
    group: bool = False
    addressed: bool = True
    """In a group: whether the bot was meant."""
    reply_to: str | None = None
    edits: str | None = None
    at: datetime | None = None
    channel: str = ""
    """By which channel it came; the shell fills it in."""
    private: Private = "here"
    fields: Mapping[str, str] | None = None
    """What was filled in on a page of ours instead: tokens by key, and the `run` of the dialog that they are for."""


@dataclass(frozen=True, slots=True)
class Option:
    """A button: what it says, and what comes back when it is tapped (at most 64 bytes)."""

    label: str
    payload: str


@dataclass(frozen=True, slots=True)
class Source:
    """A citation ready to be shown: document id and section, with the document's title and number as printed, in English with a gloss."""

    document: str
    section: str
    title: str
    number: str | None
    gloss: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The form of replies; `gloss` only in English."""
        plain = {"document": self.document, "section": self.section, "title": self.title, "number": self.number}
        return {**plain, "gloss": self.gloss} if self.gloss else plain

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Source:
        """The inverse of `to_json`."""
        return cls(body["document"], body["section"], body["title"], body["number"], body.get("gloss"))


def masked(text: str) -> str:
    """A text without phone numbers and e-mail addresses."""
    text = normalise(text) if read_contacts(normalise(text)) else text
    for contact in sorted(read_contacts(text), key=lambda c: -c.start):
        text = text[: contact.start] + HIDDEN + text[contact.end :]
    return text


def cited(sources: Iterable[Source]) -> list[str]:
    """Sources as lines of text, the sections of one paper together; English where their titles have a gloss."""
    papers: dict[str, list[str]] = {}
    for s in sources:
        if s.gloss:
            paper = f"Source: {s.title} ({s.gloss})" + (f", {s.number}, " if s.number else ", ")
        else:
            paper = f"依据：《{s.title}》" + (f"（{s.number}）" if s.number else "")
        papers.setdefault(paper, []).append(s.section)
    return [paper + "、".join(dict.fromkeys(sections)) for paper, sections in papers.items()]


@dataclass(frozen=True, slots=True)
class Reply:
    """What we say: by the bot or by a person of the team."""

    text: str
    options: tuple[Option, ...] = ()
    citations: tuple[Source, ...] = ()
    by: Literal["bot", "team"] = "bot"
    picture: str | None = None
    """The spec of a picture (`dialogs/pictures.py`), which each channel draws in its own form."""
    link: str | None = None
    """The path of a page that shows more, such as `/report/…`; channels that can't lead there leave it out."""
    link_label: str = ""
    """What the button that leads there says."""
    id: str = ""

    def to_json(self) -> dict[str, Any]:
        """The form of the store, the web chat and `chat --jsonl`."""
        return {
            "id": self.id,
            "by": self.by,
            "text": self.text,
            "options": [{"label": o.label, "payload": o.payload} for o in self.options],
            "citations": [c.to_json() for c in self.citations],
            "picture": self.picture,
            "link": self.link,
            "link_label": self.link_label,
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Reply:
        """The inverse of `to_json`."""
        return cls(
            text=body["text"],
            options=tuple(Option(o["label"], o["payload"]) for o in body["options"]),
            citations=tuple(Source.from_json(c) for c in body["citations"]),
            by=body["by"],
            picture=body["picture"],
            link=body.get("link"),
            link_label=body.get("link_label", ""),
            id=body["id"],
        )


@dataclass(frozen=True, slots=True)
class Score:
    """How well a message fits an intent, from 0 to 1."""

    name: str
    score: float


@dataclass(frozen=True, slots=True)
class Entity:
    """A value found in the words: its kind, its language-neutral value, and the words it was read from."""

    kind: str
    value: Any
    text: str
    token: str = field(default="", compare=False)
    """The answer token that it stands for (`snd`, `III`, `3000000 CNY`)."""
