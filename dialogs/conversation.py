"""One person's state in a chat: a stack of dialogs with their answers, and what follows the person from dialog to dialog."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Frame:
    """One run of a dialog. `answers` by question key; `dormant` holds answers of branches that were left."""

    dialog: str
    run: str
    answers: Mapping[str, str] = field(default_factory=dict)
    dormant: Mapping[str, str] = field(default_factory=dict)
    trail: tuple[str, ...] = ()
    """The keys on the last replay's path, in order."""
    draft: str = ""
    """Choices ticked so far on the open question, joined by commas."""
    digest: tuple[tuple[str, str], ...] = ()
    """Record id and status of each line of the last outcome, to tell what changed."""
    done: bool = False
    about: str = ""
    """What a request is about, beyond the person's words: ids of records and the outcome that it grew from."""
    taken: tuple[str, ...] = ()
    """Keys whose answers came from the profile."""


@dataclass(frozen=True, slots=True)
class State:
    """Everything that is kept of a conversation between two turns."""

    frames: tuple[Frame, ...] = ()
    profile: Mapping[str, str] = field(default_factory=dict)
    runs: int = 0
    turn: int = 0
    misses: int = 0
    language: str = "zh"
    knowledge: str = ""
    offered: tuple[tuple[str, str], ...] = ()
    """Label and payload of the buttons last shown: a typed label is a tap."""
    asked: str = ""
    """The last free question, to be asked again for another region."""
    pending: str = ""
    """A free text that may be an answer or a question, until the person says which."""
    subject: str = ""
    """The record that was last spoken of."""
    heard: tuple[str, ...] = ()
    """The person's last words, for a request's dossier; never private ones."""
    spoke: str = ""
    """When the person last spoke (ISO); empty before the first turn."""
    last: str = ""
    """The words last typed, to know them when they come twice; never private ones."""
    recent: tuple[str, ...] = ()
    """When the last messages were sent, as far as their channel says."""
    flooded: bool = False
    """Messages came too fast, and that was said."""
    said: tuple[Mapping[str, Any], ...] = ()
    """What was said last, with its buttons, to be said again."""
    explained: str = ""
    """The question (`run:key`) that was explained last."""
    doubt: tuple[str, ...] = ()
    """The buttons of “before it was A, now B?”: B's payload, then A's; behind two empty ones those of two that were said at once."""
    declined: int = 0
    """The turn in which the person did not want to go on; 0 for none."""
    finished: str = ""
    """The finished piece of work (`run.dialog`) that nobody was asked about yet."""
    rating: str = ""
    """The piece of work that was asked about last; with `!` once it was rated."""
    consent: Mapping[str, str] = field(default_factory=dict)
    """What the person agreed to: version of the notice, time, language, channel; empty where they did not.
    Once taken back: when it was `given` and `withdrawn`."""

    @property
    def top(self) -> Frame | None:
        """The dialog that is open (or was finished last)."""
        return self.frames[-1] if self.frames else None

    def with_top(self, frame: Frame) -> State:
        """The state with its uppermost frame replaced."""
        return replace(self, frames=(*self.frames[:-1], frame))

    def to_json(self) -> dict[str, Any]:
        """The body that the store keeps."""
        return {
            "frames": [
                {
                    "dialog": f.dialog,
                    "run": f.run,
                    "answers": dict(f.answers),
                    "dormant": dict(f.dormant),
                    "trail": list(f.trail),
                    "draft": f.draft,
                    "digest": [list(d) for d in f.digest],
                    "done": f.done,
                    "about": f.about,
                    "taken": list(f.taken),
                }
                for f in self.frames
            ],
            "profile": dict(self.profile),
            "runs": self.runs,
            "turn": self.turn,
            "misses": self.misses,
            "language": self.language,
            "offered": [list(o) for o in self.offered],
            "asked": self.asked,
            "knowledge": self.knowledge,
            "pending": self.pending,
            "subject": self.subject,
            "heard": list(self.heard),
            "spoke": self.spoke,
            "last": self.last,
            "recent": list(self.recent),
            "flooded": self.flooded,
            "said": [dict(s) for s in self.said],
            "explained": self.explained,
            "doubt": list(self.doubt),
            "declined": self.declined,
            "finished": self.finished,
            "rating": self.rating,
            "consent": dict(self.consent),
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> State:
        """The inverse of `to_json`; an empty body is a new conversation."""
        if not body:
            return cls()
        frames = tuple(
            Frame(
                dialog=f["dialog"],
                run=f["run"],
                answers=f["answers"],
                dormant=f["dormant"],
                trail=tuple(f["trail"]),
                draft=f["draft"],
                digest=tuple((d[0], d[1]) for d in f["digest"]),
                done=f["done"],
                about=f["about"],
                taken=tuple(f["taken"]),
            )
            for f in body["frames"]
        )
        offered = tuple((o[0], o[1]) for o in body.get("offered", ()))
        plain = {k: body[k] for k in ("profile", "runs", "turn", "misses", "language", "knowledge", "pending", "subject")}
        since = {k: body[k] for k in ("spoke", "last", "flooded", "explained", "declined", "finished", "rating", "asked", "consent") if k in body}
        lists: dict[str, Any] = {k: tuple(body[k]) for k in ("recent", "said", "doubt") if k in body}
        return cls(frames=frames, heard=tuple(body["heard"]), offered=offered, **plain, **since, **lists)
