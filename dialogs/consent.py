"""Notice and consent: what is said before personal data are asked for, what a person agreed to, and what a channel may not carry.

The notice is in notice.yaml; whoever changes what it says gives it a new version, and everybody is asked again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from dialogs.conversation import Frame, State
from dialogs.messages import HIDDEN, Message, masked
from dialogs.scripts.request import AGREED, CONTACT
from dialogs.talk import KeepPage, Talk
from knowledge.strict_yaml import read
from knowledge.values import normalise, read_contacts

PRIVACY = "/privacy"
"""Where the notice is to be read in full."""
PAGE, PAGE_HOURS = "/contact/{page}", 24
"""Where contact details are left that the chat may not carry, and how long that page can be opened."""
_LABEL = (
    r"(?:我的?|他的?|公司|的|请|打|加|是|为|[:：,，。;；、\s]|电话|手机|座机|号码?|微信|邮箱|联系方式"
    r"|\b(?:my|phone|number|e-?mail|is|call|me|at)\b)"
)
_LABELS, _NUMBER = re.compile(f"{_LABEL}+", re.IGNORECASE), re.compile(f"{_LABEL}*{re.escape(HIDDEN)}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the notice: its title and its lines, each by language."""

    title: Mapping[str, str]
    lines: tuple[Mapping[str, str], ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """What a person is told before they agree. `kept`: in half a sentence, how long; that is at most `days` for what was said, and at most
    `request_days` after a request was closed for its contact."""

    version: str
    days: int
    request_days: int
    title: Mapping[str, str]
    lead: Mapping[str, str]
    kept: Mapping[str, str]
    sections: tuple[Section, ...]


@cache
def notice() -> Notice:
    """The notice in force, read once."""
    path = Path(__file__).parent / "notice.yaml"
    body: dict = read(path.name, path.read_bytes()).value  # type: ignore[assignment, type-arg]
    sections = tuple(Section(s["title"], tuple(s["lines"])) for s in body["sections"])
    return Notice(body["version"], int(body["days"]), int(body["request_days"]), body["title"], body["lead"], body["kept"], sections)


def agreed(state: State) -> bool:
    """Whether the person agreed to the notice as it stands today."""
    return state.consent.get("version") == notice().version


def given(talk: Talk) -> dict[str, str]:
    """The consent that a new request need not ask for: given before in this conversation, to this notice. On a page it is given anew."""
    return {"contact.consent": "yes"} if talk.message.private == "here" and agreed(talk.state) else {}


def keep(talk: Talk) -> None:
    """Remember a consent that was just given."""
    top = talk.state.top
    if top is not None and top.dialog == "request" and top.answers.get("contact.consent") in AGREED and not agreed(talk.state):
        talk.state = replace(talk.state, consent=record(talk))


def record(talk: Talk) -> dict[str, str]:
    """A consent given now: to which version, when, in which language, by which channel."""
    at = talk.now.isoformat(timespec="seconds")
    return {"version": notice().version, "at": at, "language": talk.say.language, "channel": talk.message.channel}


def current(state: State) -> State:
    """The state without answers to a notice that is no longer in force, or that was never shown: they are asked for again."""
    if agreed(state) or not any(map(_rests_on_consent, state.frames)):
        return state
    return replace(state, frames=tuple(_asked_again(f) if _rests_on_consent(f) else f for f in state.frames))


def _rests_on_consent(frame: Frame) -> bool:
    return frame.dialog == "request" and not frame.done and frame.answers.get("contact.consent") in AGREED


def _asked_again(frame: Frame) -> Frame:
    answers = {k: v for k, v in frame.answers.items() if k != "contact.consent"}
    return replace(frame, answers=answers, trail=tuple(k for k in frame.trail if k != "contact.consent"))


def lead(talk: Talk, frame: Frame, seen: bool = False) -> list[str]:
    """What stands before the question for consent: the notice in short, or where to leave the contact instead; `seen`: it was shown just now."""
    if talk.message.private == "page":
        return [talk.say("consent.page_seen") if seen else talk.say("consent.page", hours=PAGE_HOURS)]
    held = [talk.say("consent.held")] if any(k in frame.answers for k in CONTACT) else []
    return [*held, *([] if seen else [talk.say("consent.notice", kept=notice().kept[talk.say.language])])]


def link(talk: Talk, frame: Frame) -> tuple[str, str]:
    """The link beside the question for consent, and what its button says; a page of its own is kept for who leaves the contact there."""
    if talk.message.private == "page":
        talk.effects.append(KeepPage(PAGE, PAGE_HOURS, {"page": "contact", "run": frame.run, "language": talk.say.language}))
        return PAGE, talk.say("consent.open_page")
    return PRIVACY, talk.say("consent.open_notice")


def stripped(message: Message) -> Message:
    """A message without the numbers and addresses that its channel may not carry; the same one where there are none."""
    if message.private == "here" or message.group or not read_contacts(normalise(message.text)):
        return message
    return replace(message, text=without(message.text))


def without(text: str) -> str:
    """A text without numbers and addresses and the words around them (我的电话是…); empty where nothing else is said."""
    rest = _NUMBER.sub(" ", masked(text))
    return "" if not _LABELS.sub("", rest) else " ".join(rest.split()).strip(" ,，;；、")
