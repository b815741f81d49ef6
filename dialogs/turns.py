"""The shell around `respond`: load, run, commit. The only place where a conversation meets the store; `dialogs/delivery.py` delivers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import secrets
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dialogs import cases
from dialogs.assistant import notice_of, respond, trouble
from dialogs.conversation import State
from dialogs.messages import Message, Reply
from dialogs.talk import AddNote, ChangeContact, Erase, FileRequest, KeepPage, KeepPrecheck, Rated, Turn, Unanswered, Unconsent, Withdraw
from knowledge.snapshot import Knowledge
from storage.contract import (
    Address,
    Commit,
    Committed,
    Conflict,
    NewReport,
    NewRequest,
    Notice,
    Request,
    Seen,
    Snapshot,
    Store,
)

LOCAL = ZoneInfo("Asia/Shanghai")
_ATTEMPTS = 20
MAX_UNDER_WAY = 500
"""Turns that may be under way in one process: what comes on top is refused at once, instead of growing a queue that nobody waits out."""
TURN: ContextVar[str] = ContextVar("turn", default="")
"""Which turn is being worked on, for log lines."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Seconds:
    """How long a turn took, for figures and logs; nothing of the person is in it."""

    channel: str
    seconds: float
    understood: bool
    duplicate: bool = False


class TurnError(Exception):
    """A turn that could not be stored although it was tried again and again."""


class BusyError(Exception):
    """More turns are under way than can be done in time: to be tried again in a moment. Nothing was stored."""


class Library:
    """Holds the knowledge in use; a new snapshot replaces it whole."""

    def __init__(self, knowledge: Knowledge) -> None:
        self.knowledge = knowledge


@dataclass(frozen=True, slots=True)
class Handled:
    """What came of a message: the result line, whether it was a duplicate, and the outbox ids of the replies."""

    result: dict[str, Any]
    duplicate: bool
    outbox: tuple[int, ...] = ()


class Turns:
    """Runs turns against a store and rings for those who wait for replies."""

    def __init__(self, store: Store, library: Library | None = None, clock: Callable[[], datetime] = lambda: datetime.now(LOCAL)) -> None:
        self.store = store
        self.library = library
        self.clock = clock
        self._bells: dict[Address, set[asyncio.Event]] = {}
        self._locks: weakref.WeakValueDictionary[Address, asyncio.Lock] = weakref.WeakValueDictionary()
        self.wake_sender = asyncio.Event()
        self.observe: Callable[[Seconds], None] = lambda _: None
        """Told of each turn that is done."""
        self._under_way = 0

    async def handle(
        self, address: Address, message: Message, update_id: str | None = None, *, now: datetime | None = None, pull: bool = False
    ) -> Handled:
        """Answer one message and store the turn.

        `pull`: the caller is a program that shows the replies itself, together with notices that wait for this person, and wants the outcome
        as data. BusyError where too many are under way, StoreError and TurnError where it could not be stored.
        """
        if self._under_way >= MAX_UNDER_WAY:
            raise BusyError(f"{self._under_way} turns are under way")
        moment = (now or message.at or self.clock()).astimezone(LOCAL)
        message = replace(message, channel=message.channel or address.channel)
        lock = self._locks.setdefault(address, asyncio.Lock())
        self._under_way += 1
        name = TURN.set(f"{random.getrandbits(32):08x}")  # asking the system for randomness would cost more than it is worth
        try:
            async with lock:  # in this process, one after the other and in order; other processes meet at the revision
                began = time.perf_counter()
                handled, understood = await self._handle(address, message, update_id, moment, pull)
                self.observe(Seconds(address.channel, time.perf_counter() - began, understood, handled.duplicate))
                return handled
        finally:
            self._under_way -= 1
            TURN.reset(name)

    async def _handle(self, address: Address, message: Message, update_id: str | None, moment: datetime, pull: bool) -> tuple[Handled, bool]:
        """What came of a message, and whether it was understood."""
        for attempt in range(_ATTEMPTS):
            snapshot = await self.store.load(address, update_id)
            if snapshot.seen is not None:
                return Handled(dict(snapshot.seen), duplicate=True), True
            turn = self._respond(snapshot, message, moment)
            done = await self.store.commit(_commit(snapshot, turn, address, update_id, moment, pull))
            if isinstance(done, Seen):
                return Handled(dict(done.result), duplicate=True), True
            if isinstance(done, Committed):
                self.ring(address)
                return Handled(dict(done.result), duplicate=False, outbox=done.outbox), not any(isinstance(e, Unanswered) for e in turn.effects)
            await asyncio.sleep(random.uniform(0, 0.005 * attempt))  # whoever else is at this chat gets out of step
        raise TurnError(
            f"a chat on {address.channel}: the conversation kept changing under {_ATTEMPTS} attempts; is a second program serving the same store?"
        )

    def _respond(self, snapshot: Snapshot, message: Message, now: datetime) -> Turn:
        if self.library is None:
            raise TurnError("these turns were opened without knowledge: they work on requests only")
        state = State.from_json(snapshot.conversation.body)
        own = tuple(_case(r) for r in snapshot.requests)
        try:
            return respond(state, message, self.library.knowledge, now, own)
        except Exception:
            log.exception("一轮没有答成，已经告诉对方，对话还在")
            return trouble(state, message, now)

    async def advance(self, number: str, event: cases.Event) -> cases.Case | None:
        """Apply an event to a request (from the desk or the command line) and tell the founder; None for an unknown number."""
        for _ in range(_ATTEMPTS):
            request = await self.store.request(number)
            if request is None:
                return None
            case, tells = cases.advance(_case(request), event)
            told = tells if request.address.chat else ()  # who was erased is nobody
            notices = tuple(Notice(request.address, notice_of(case, t.event).to_json(), number) for t in told)
            changed = replace(request, state=case.state, changed=event.at, body=cases.encode(case))
            done = await self.store.commit(Commit(request.address, event.at, changed=(changed,), notices=notices))
            if not isinstance(done, Conflict):
                self.ring(request.address)
                return case
        raise TurnError(f"request {number}: it kept changing under {_ATTEMPTS} attempts")

    async def erase(self, address: Address) -> list[str]:
        """Erase everything that is kept of a person, at the team's desk; the numbers of the requests that are nobody's now."""
        for _ in range(_ATTEMPTS):
            snapshot, now = await self.store.load(address), self.clock()
            changed = tuple(_advanced(r, cases.Event("erased", now, "team")) for r in snapshot.requests)
            commit = Commit(address, now, conversation={}, expected_revision=snapshot.conversation.revision, changed=changed, erased=True)
            if not isinstance(await self.store.commit(commit), Conflict):
                self.ring(address)
                return [r.number for r in changed]
        raise TurnError(f"a chat on {address.channel}: it kept changing under {_ATTEMPTS} attempts")

    async def notify(self, address: Address, text: str) -> None:
        """Tell somebody something outside a talk of theirs (an admin, what came of a reload)."""
        await self.store.commit(Commit(address, self.clock(), notices=(Notice(address, Reply(text, by="bot").to_json()),)))
        self.ring(address)

    async def list_cases(self, states: Sequence[str] = (), limit: int = 100) -> list[cases.Case]:
        """Requests, newest first."""
        return [_case(r) for r in await self.store.requests(states, limit)]

    async def case(self, number: str) -> cases.Case | None:
        """One request."""
        request = await self.store.request(number)
        return _case(request) if request else None

    def ring(self, address: Address) -> None:
        """Something was stored for a person: wake who listens for it, and the sender."""
        for bell in self._bells.get(address, ()):
            bell.set()
        self.wake_sender.set()

    @contextlib.contextmanager
    def listening(self, address: Address) -> Iterator[asyncio.Event]:
        """A bell (asyncio.Event) that rings after each commit for this person in this process."""
        bell = asyncio.Event()
        self._bells.setdefault(address, set()).add(bell)
        try:
            yield bell
        finally:
            self._bells[address].discard(bell)
            if not self._bells[address]:
                del self._bells[address]


def _case(request: Request) -> cases.Case:
    return cases.decode(request.number, request.kind, request.state, request.created, request.body)


def _commit(snapshot: Snapshot, turn: Turn, address: Address, update_id: str | None, now: datetime, pull: bool) -> Commit:
    erased = any(isinstance(e, Erase) for e in turn.effects)
    waiting = snapshot.waiting if pull and not erased else ()
    turn, reports = _kept(turn, address, now)
    replies = tuple(r.to_json() for r in turn.replies)
    created = tuple(_filed(e, now) for e in turn.effects if isinstance(e, FileRequest))
    by_number = {r.number: r for r in snapshot.requests}
    moved = dict[str, Request]()  # two things may happen to one request in one turn (a note with another number)
    for e in turn.effects:
        if isinstance(e, AddNote | ChangeContact | Withdraw | Unconsent) and e.number in by_number:
            moved[e.number] = _changed(moved.get(e.number, by_number[e.number]), e, now)
    changed = tuple(moved.values())
    if erased:
        changed = tuple(_advanced(r, cases.Event("erased", now, "company")) for r in snapshot.requests)
    states = {r.number: r.state for r in (*snapshot.requests, *changed)}
    requests = [{"number": n, "kind": by_number[n].kind, "state": s} for n, s in states.items()]
    requests += [{"number": "{request}", "kind": c.kind, "state": c.state} for c in created]
    result = {
        "chat": address.chat,
        "replies": [Reply.from_json(w.body).to_json() for w in waiting] + list(replies),
        "intents": [{"name": s.name, "score": s.score} for s in turn.intents],
        "entities": [{"kind": e.kind, "value": e.value, "text": e.text} for e in turn.entities],
        "dialog": turn.dialog,
        "outcome": turn.outcome() if pull and turn.outcome else None,
        "requests": [] if erased else requests,
    }
    return Commit(
        address=address,
        at=now,
        update_id=update_id,
        incoming=turn.incoming,
        conversation=turn.conversation.to_json(),
        expected_revision=snapshot.conversation.revision,
        replies=replies,
        delivered=pull,
        taken=tuple(w.id for w in waiting),
        created=created,
        changed=changed,
        unanswered=tuple(e.text for e in turn.effects if isinstance(e, Unanswered)),
        prechecks=tuple({"region": e.region, "facts": dict(e.facts), "day": e.day.isoformat()} for e in turn.effects if isinstance(e, KeepPrecheck)),
        ratings=tuple(
            {"about": e.about, "value": e.value, "day": e.day.isoformat(), "knowledge": e.knowledge} for e in turn.effects if isinstance(e, Rated)
        ),
        reports=reports,
        erased=erased,
        result=result,
    )


def _kept(turn: Turn, address: Address, now: datetime) -> tuple[Turn, tuple[NewReport, ...]]:
    """The pages to which a turn leads, each under a key of its own, and the turn with the links that lead there."""
    kept: dict[str, list[KeepPage]] = {}
    for effect in turn.effects:
        if isinstance(effect, KeepPage):
            kept.setdefault(effect.path, []).append(effect)
    if not kept:
        return turn, ()
    pages, replies = list[NewReport](), list[Reply]()
    for reply in turn.replies:
        if (waiting := kept.get(reply.link or "")) is not None:
            page = waiting.pop(0) if len(waiting) > 1 else waiting[0]
            key, expires = secrets.token_urlsafe(24), now + timedelta(hours=page.hours)
            whose = {"whose": [address.channel, address.chat, address.person]} if "page" in page.body else {}
            pages.append(NewReport(key, expires, {**page.body, **whose, "expires": expires.isoformat(timespec="minutes")}))
            reply = replace(reply, link=page.path.replace("{page}", key))
        replies.append(reply)
    state = replace(turn.conversation, said=tuple(r.to_json() for r in replies))
    return replace(turn, replies=tuple(replies), conversation=state), tuple(pages)


def _filed(effect: FileRequest, now: datetime) -> NewRequest:
    event = cases.Event("filed", now, "company")
    case = cases.Case("{request}", effect.kind, cases.State.NEW, now, (event,), effect.dossier)
    return NewRequest(effect.kind, case.state, cases.encode(case))


def _changed(request: Request, effect: AddNote | ChangeContact | Withdraw | Unconsent, now: datetime) -> Request:
    if isinstance(effect, AddNote):
        return _advanced(request, cases.Event("company_note", now, "company", effect.text))
    if isinstance(effect, ChangeContact):
        return _advanced(request, cases.Event("contact_changed", now, "company", effect.reach))
    if isinstance(effect, Unconsent):
        return _advanced(request, cases.Event("consent_withdrawn", now, "company"))
    return _advanced(request, cases.Event("state", now, "company", "", cases.State.WITHDRAWN))


def _advanced(request: Request, event: cases.Event) -> Request:
    case, _ = cases.advance(_case(request), event)
    return replace(request, state=case.state, changed=event.at, body=cases.encode(case))
