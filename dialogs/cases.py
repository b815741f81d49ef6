"""Cases: what may happen to a numbered request, and whom it is told. Pure; chat, desk and command line all go through `advance`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from dialogs.messages import HIDDEN, masked


class State(StrEnum):
    """How a request stands."""

    NEW = "new"
    ACCEPTED = "accepted"
    IN_PROGRESS = "in_progress"
    WAITING_COMPANY = "waiting_company"
    DONE = "done"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    MERGED = "merged"


CLOSED = frozenset({State.DONE, State.DECLINED, State.WITHDRAWN, State.MERGED})
MOVES: Mapping[State, frozenset[State]] = {
    State.NEW: frozenset({State.ACCEPTED, State.IN_PROGRESS, State.WAITING_COMPANY}) | CLOSED,
    State.ACCEPTED: frozenset({State.IN_PROGRESS, State.WAITING_COMPANY}) | CLOSED,
    State.IN_PROGRESS: frozenset({State.ACCEPTED, State.WAITING_COMPANY}) | CLOSED,
    State.WAITING_COMPANY: frozenset({State.IN_PROGRESS}) | CLOSED,
    State.DONE: frozenset({State.IN_PROGRESS}),
    State.DECLINED: frozenset({State.IN_PROGRESS}),
    State.WITHDRAWN: frozenset(),
    State.MERGED: frozenset(),
}


class CaseError(Exception):
    """A step that the rules of cases do not allow; the message is for staff, in Chinese."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a request."""

    kind: Literal["filed", "state", "staff_reply", "company_note", "contact_changed", "consent_withdrawn", "erased"]
    at: datetime
    by: Literal["company", "team"]
    text: str = ""
    to: State | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A request as chat, desk and command line see it."""

    number: str
    kind: str
    state: State
    created: datetime
    events: tuple[Event, ...] = ()
    dossier: Mapping[str, Any] = field(default_factory=dict)

    @property
    def answering(self) -> Literal["bot", "team"]:
        """Who speaks in this matter: the team once it has answered, until the case is closed."""
        replied = any(e.kind == "staff_reply" for e in self.events)
        return "team" if replied and self.state not in CLOSED else "bot"


@dataclass(frozen=True, slots=True)
class Tell:
    """An effect: the founder is to be told of something that happened to the request."""

    event: Event


def advance(case: Case, event: Event) -> tuple[Case, tuple[Tell, ...]]:
    """The case after an event, and who is to be told; CaseError where the event is not allowed."""
    if any(e.kind == "erased" for e in case.events):
        raise CaseError(f"{case.number} 的内容已按本人要求删除，不能再改，也不能再回复")
    match event.kind:
        case "consent_withdrawn":
            blank = without_contact(case)
            return replace(blank, events=(*blank.events, event)), ()
        case "contact_changed":  # the history says that it was changed, and only the dossier to what
            contact = {**case.dossier["contact"], "contact.reach": event.text}
            return replace(case, dossier={**case.dossier, "contact": contact}, events=(*case.events, replace(event, text=""))), ()
        case "erased":
            return _erased(case, event), ()
        case "state":
            if event.to is None or event.to not in MOVES[case.state]:
                raise CaseError(_cannot(case.state, event.to))
            if event.to is State.DECLINED and not event.text:
                raise CaseError("不予受理要写原因：加上 --note 原因")
            moved = replace(case, state=event.to, events=(*case.events, event))
            return moved, (Tell(event),) if event.by == "team" else ()
        case "staff_reply":
            if case.state in CLOSED:
                back = State.IN_PROGRESS in MOVES[case.state]
                how = "先用 requests set 改回 in_progress" if back else "也改不回来；请对方在对话里重新登记"
                raise CaseError(f"请求已经是“{case.state}”，不能再回复；{how}")
            begun = State.IN_PROGRESS if case.state in (State.NEW, State.ACCEPTED) else case.state
            return replace(case, state=begun, events=(*case.events, event)), (Tell(event),)
        case "company_note":
            resumed = State.IN_PROGRESS if case.state is State.WAITING_COMPANY else case.state
            return replace(case, state=resumed, events=(*case.events, event)), ()
        case "filed":
            return replace(case, events=(*case.events, event)), ()


def without_contact(case: Case) -> Case:
    """A request with no name, number or address of its person, wherever they were written."""
    dossier, known = case.dossier, [v for v in case.dossier.get("contact", {}).values() if len(v) > 1]

    def blank(text: str, by: str = "company") -> str:
        for value in known:
            text = text.replace(value, HIDDEN)
        return masked(text) if by == "company" else text  # the team's own numbers stay

    words = {k: blank(dossier[k]) for k in ("matter", "company") if k in dossier}
    lists = {"heard": [blank(w) for w in dossier["heard"]]} if "heard" in dossier else {}
    profile = {"profile": {k: blank(v) for k, v in dossier["profile"].items()}} if "profile" in dossier else {}
    events = tuple(replace(e, text=blank(e.text, e.by)) for e in case.events)
    return replace(case, dossier={**dossier, **words, **lists, **profile, "contact": {}}, events=events)


def _erased(case: Case, event: Event) -> Case:
    """What remains of a request whose person asked for erasure; it is no longer worked on."""
    blank = decode(case.number, case.kind, case.state, case.created, anonymous(encode(case)))
    return replace(blank, state=case.state if case.state in CLOSED else State.WITHDRAWN, events=(*blank.events, event))


def _cannot(now: State, to: State | None) -> str:
    allowed = "、".join(sorted(MOVES[now])) or "（没有，已经终结）"
    return f"不能从 {now} 改成 {to}；可以改成：{allowed}"


GONE = "（已按规定删除）"
"""What stands where personal data stood."""


def anonymous(body: Mapping[str, Any]) -> dict[str, Any]:
    """What remains of a case's body (see `encode`) without its person: what record it was about, and what happened when; no words of anybody."""
    dossier, plain = body.get("dossier", {}), ("language", "knowledge", "dialog", "record", "citations", "notice")
    blank = {
        "matter": GONE,
        "company": GONE,
        "contact": {},
        "consent": dossier.get("consent"),
        "heard": [],
    }
    events = [{**event, "text": GONE if event["text"] else ""} for event in body.get("events", ())]
    return {"dossier": {**{k: dossier[k] for k in plain if k in dossier}, **blank}, "events": events}


def encode(case: Case) -> dict[str, Any]:
    """The JSON body that the store keeps of a case (number, kind, state and times stand beside it)."""
    return {
        "dossier": dict(case.dossier),
        "events": [{"kind": e.kind, "at": e.at.isoformat(), "by": e.by, "text": e.text, "to": e.to} for e in case.events],
    }


def decode(number: str, kind: str, state: str, created: datetime, body: Mapping[str, Any]) -> Case:
    """The inverse of `encode`."""
    events = tuple(
        Event(kind=e["kind"], at=datetime.fromisoformat(e["at"]), by=e["by"], text=e["text"], to=State(e["to"]) if e["to"] else None)
        for e in body["events"]
    )
    return Case(number, kind, State(state), created, events, body["dossier"])
