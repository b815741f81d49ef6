"""What any store keeps and promises: plain records with JSON bodies, and one transaction a turn.

Every write is durable when its call returns. Implementations: `storage.memory` (the reference) and `storage.sqlite` for one process, `storage.postgres`
for any number.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal, Protocol

Json = Mapping[str, Any]

REQUEST_SLOT = "{request}"
"""Stands in the texts of a commit for the number of the request that the same commit creates."""

GIVEN_UP = ("failed", "uncertain", "parked")
"""The states of messages that nobody tries to deliver any more."""
FAR = timedelta(hours=6)
"""Nothing is put off for longer: a due time further away was set by a clock that was wrong, and counts as due."""


Kept = Literal["messages", "updates", "reports", "unanswered", "requests", "parked"]
"""What is let go of by its age; see `Store.purge`."""

Place = Path | str
"""Where a store is: a SQLite file, or the address of a PostgreSQL (postgresql://…)."""


def is_url(text: str) -> bool:
    """Whether a text is the address of a PostgreSQL."""
    return text.startswith(("postgresql://", "postgres://"))


def place_of(text: str) -> Place:
    """The place that a text names."""
    return text if is_url(text) else Path(text)


class StoreError(Exception):
    """A store that cannot do what it promises; the message says what, where and how to mend it."""


@dataclass(frozen=True, slots=True)
class Address:
    """Who is talking: a person in a chat on a channel (in a private chat, person and chat are the same)."""

    channel: str
    chat: str
    person: str


def nobody(address: Address) -> Address:
    """What stands for a person whose data was erased: the channel stays, for the team's figures. Nothing can be sent there."""
    return Address(address.channel, "", "")


@dataclass(frozen=True, slots=True)
class Conversation:
    """One person's state in one chat. `revision` grows by one at each commit; 0 means never stored."""

    address: Address
    body: Json = field(default_factory=dict)
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Request:
    """A numbered request; `body` holds its dossier and its event log. `revision` as for conversations."""

    number: str
    address: Address
    kind: str
    state: str
    created: datetime
    changed: datetime
    body: Json
    revision: int = 0


@dataclass(frozen=True, slots=True)
class NewRequest:
    """A request to be filed: the store gives it the next number of `day` (YQ-YYMMDD-NNNN, counted from 0001)."""

    kind: str
    state: str
    body: Json


@dataclass(frozen=True, slots=True)
class NewReport:
    """A page to be kept until it expires, under a key that nobody can guess: whoever knows the key may read it."""

    key: str
    expires: datetime
    body: Json


@dataclass(frozen=True, slots=True)
class Notice:
    """A message for somebody other than the turn's own person, such as a staff answer for a founder."""

    address: Address
    body: Json
    request: str | None = None


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """A reply or notice and how its delivery stands.

    `id` grows over the whole store. `state`: waiting, sent, uncertain (it may have arrived), failed (refused for good, or too old), parked
    (our own fault: it could not be sent at all). `due`: not to be tried before then. `request`: the number that it carries.
    """

    id: int
    address: Address
    body: Json
    at: datetime
    request: str | None = None
    state: str = "waiting"
    attempts: int = 0
    due: datetime | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """Something that came in: what the person sent, as stored in the transcript."""

    id: int
    address: Address
    body: Json
    at: datetime


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a turn needs: the conversation, the chat's own requests (oldest first), notices not yet delivered (oldest first).

    `seen` is the stored result of this update where it came before; the rest is then of no use.
    """

    conversation: Conversation
    requests: tuple[Request, ...] = ()
    waiting: tuple[OutboxItem, ...] = ()
    seen: Json | None = None


@dataclass(frozen=True, slots=True)
class Commit:
    """One turn, to be stored whole or not at all. See `Store.commit` for the meaning of each part."""

    address: Address
    at: datetime
    update_id: str | None = None
    """With an id the update is remembered, and a second commit of it is answered by `Seen`."""
    incoming: Json | None = None
    conversation: Json | None = None
    """The new body; None leaves the conversation (and its revision) alone."""
    expected_revision: int = 0
    replies: tuple[Json, ...] = ()
    delivered: bool = False
    """The replies reach the person in the call's own answer (console): they are stored as sent."""
    taken: tuple[int, ...] = ()
    """Outbox items that go out with this turn; they are marked as sent."""
    notices: tuple[Notice, ...] = ()
    created: tuple[NewRequest, ...] = ()
    changed: tuple[Request, ...] = ()
    """Requests with their new content and the revision that they were read at."""
    unanswered: tuple[str, ...] = ()
    """Messages to which the knowledge had no answer."""
    prechecks: tuple[Json, ...] = ()
    """Finished pre-checks without the person: facts and the day, to be run again when the knowledge changes."""
    ratings: tuple[Json, ...] = ()
    """How helpful a finished piece of work was, without the person: what it was about, the value, the day, the knowledge version."""
    reports: tuple[NewReport, ...] = ()
    """Pages to be kept, for this person; with each, some that expired before `at` are let go."""
    erased: bool = False
    """Everything personal of this person goes first, in the same transaction; what the turn itself stores comes after it.

    Gone are the conversation, the messages in both directions (delivered or not), reports, what was told to others about their requests, and
    the results of updates (`{}` remains, so that a repetition is still seen). `changed` has to say what remains of each of their requests, else
    the answer is `Conflict`: nothing personal may be left in those bodies, and the store puts `nobody` in the place of their address.
    The turn's own replies and result must not repeat what was erased.
    """
    result: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Committed:
    """The turn is stored: the numbers of created requests, the outbox ids of its replies, its result with slots filled."""

    numbers: tuple[str, ...]
    outbox: tuple[int, ...]
    result: Json


@dataclass(frozen=True, slots=True)
class Seen:
    """The update was committed before; `result` is what was answered then."""

    result: Json


@dataclass(frozen=True, slots=True)
class Conflict:
    """The conversation or a request changed since it was read: nothing was stored; load and run again."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A message that found no answer, how often it came, and when last."""

    text: str
    count: int
    last: datetime


@dataclass(frozen=True, slots=True)
class Parked:
    """Something that came in and could not be handled again and again: kept for a person to look at, so that it blocks nobody."""

    address: Address
    update_id: str
    body: Json
    error: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Limit:
    """A token bucket: `rate` tokens a second come into it, and it holds `burst` of them."""

    key: str
    rate: float
    burst: int


@dataclass(frozen=True, slots=True)
class Figures:
    """How the store stands: how much waits for delivery on each channel and since when, how many requests there are in each state and when
    the oldest of them was filed, how many messages were given up (by state), and how much that came in was parked."""

    waiting: Mapping[str, int]
    oldest: Mapping[str, datetime]
    requests: Mapping[str, int]
    since: Mapping[str, datetime]
    undelivered: Mapping[str, int] = field(default_factory=dict)
    parked: int = 0


@dataclass(frozen=True, slots=True)
class Publication:
    """A knowledge base that was in use: its version, its files (path → text), and since when."""

    version: str
    at: datetime
    files: Json


@dataclass(frozen=True, slots=True)
class Reduction:
    """What remains of a request that was closed long ago: `states` are those that count as closed, `body` takes out what is personal."""

    states: tuple[str, ...] = ()
    body: Callable[[Json], Json] = lambda _: {}


class Store(Protocol):
    """The contract. All times are aware; they come back as UTC."""

    shared: bool
    """Whether several processes, on several machines, may have it: then the knowledge that was published last is everybody's."""

    async def load(self, address: Address, update_id: str | None = None) -> Snapshot:
        """What a turn of this person needs. Requests are those of the same channel, chat and person."""

    async def commit(self, commit: Commit) -> Committed | Seen | Conflict:
        """Store a turn in one transaction.

        Order of checks: update seen → `Seen`; conversation or request revision differs → `Conflict`. Then: erase where asked to; remember the update
        with its result; write the conversation (revision + 1), the incoming message, replies, notices, new and changed requests
        (revision + 1), unanswered messages, pre-checks and ratings (of these neither person nor time of day); mark `taken` as sent. The text `{request}` anywhere in replies, notices, the
        conversation's and the requests' bodies and the result becomes the number of the first created request; a reply that holds it carries it.
        """

    async def personal(self, address: Address) -> Json:
        """Everything that is kept about a person, for them to have: what `Commit.erased` would let go of, and their requests.

        {conversation, messages: [{at, from: person | us, body, state, request}], requests: [{number, kind, state, created, changed, body}],
        reports: [{expires, body}], updates: [{id, at, result}]}, each oldest first; times as ISO 8601 in UTC.
        """

    async def purge(self, what: Kept, before: datetime, reduction: Reduction, limit: int = 500) -> int:
        """Let go of some of what is older than `before`, in one short transaction; how many went. 0: nothing is left to go.

        messages: by their own time, and with a person's last message their conversation; updates: by the time of their turn; reports: by
        their expiry; unanswered: by when they were last asked; requests: closed and unchanged since, of which `reduction` remains, and nobody.
        """

    async def outdated(self, what: Kept, before: datetime, reduction: Reduction) -> int:
        """How many `purge` would let go of until nothing is left to go."""

    async def requests(self, states: Sequence[str] = (), limit: int = 100, offset: int = 0) -> list[Request]:
        """Requests, newest first, of these states (all when empty)."""

    async def request(self, number: str) -> Request | None:
        """One request by its number."""

    async def transcript(self, address: Address, limit: int = 200) -> list[Update | OutboxItem]:
        """The last `limit` messages of a person's chat in both directions, in the order in which they were stored."""

    async def after(self, address: Address, event: int, limit: int = 100) -> list[OutboxItem]:
        """Replies and notices for this person with an id above `event`, oldest first, whatever their state."""

    async def claim(
        self, channels: Sequence[str], now: datetime, lease: timedelta, limit: int = 100, besides: Collection[tuple[str, str]] = ()
    ) -> list[OutboxItem]:
        """What waits and is due, oldest first: of at most `limit` chats everything up to the first item that is not yet due.

        Such an item holds back what comes after it in its own chat, and nothing else. `besides`: chats (channel, chat) to leave out. It is for this
        process to deliver: no other process gets these chats before the lease is over or the items are marked, postponed or released.
        """

    async def release(self, items: Sequence[int]) -> None:
        """Let go of claimed items that were not tried."""

    async def undelivered(self, limit: int = 100) -> list[OutboxItem]:
        """What was given up (failed, uncertain, parked), newest first."""

    async def waiting(self, channel: str, before: datetime, limit: int = 100) -> list[OutboxItem]:
        """What was said on a channel before a moment and still waits for delivery, oldest first."""

    async def park(self, parked: Parked) -> None:
        """Keep what could not be handled; the same update is kept once."""

    async def parked(self, limit: int = 100) -> list[Parked]:
        """What could not be handled, newest first."""

    async def take(self, limits: Sequence[Limit], now: datetime) -> float:
        """Take a token from each bucket or, where one is empty, from none: the seconds to wait for it, 0.0 where they were taken.

        Buckets are shared by all processes on the store. They need not outlive it.
        """

    async def sent(self, item: int) -> None:
        """Mark an outbox item as delivered."""

    async def postpone(self, item: int, due: datetime, error: str) -> None:
        """Note a failed attempt and when to try again."""

    async def fail(self, item: int, error: str, state: str = "failed") -> None:
        """Give an item up: as `failed`, `uncertain` or `parked`."""

    async def unanswered(self, limit: int = 100) -> list[Unanswered]:
        """Messages without an answer, most frequent first."""

    async def prechecks(self, limit: int = 1000) -> list[Json]:
        """Finished pre-checks without the person, newest first."""

    async def ratings(self, limit: int = 1000) -> list[Json]:
        """How helpful finished pieces of work were, newest first."""

    async def report(self, key: str, now: datetime) -> Json | None:
        """The page that is kept under a key; None for an unknown key and for one that expired by `now`, which look alike."""

    async def publish(self, publication: Publication) -> None:
        """Keep a knowledge base that came into use; one of the version that was published last is not kept twice."""

    async def in_use(self) -> str | None:
        """The version of the knowledge base that was published last."""

    async def published(self, limit: int = 20, version: str | None = None) -> list[Publication]:
        """The knowledge bases that were in use, newest first; with `version`, only those of that version."""

    async def lead(self, what: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do work that one process at a time may do: wait until no other does, and begin again where the lead was lost midway."""

    async def listen(self, ring: Callable[[Address], None]) -> None:
        """Ring for each person for whom another process stores something, until cancelled. What is missed is found by looking."""

    def resealed(self, limit: int = 200) -> AsyncIterator[int]:
        """Put everything that is sealed under another key, or plain, under the key that seals now, in small steps: how many rows each changed.

        Where a whole run finds nothing to change, the other keys are noted as no longer needed.
        """

    async def figures(self) -> Figures:
        """How the store stands."""

    async def close(self) -> None:
        """Finish what is under way and let go of files and threads."""
