"""The reference store, in memory: what the contract means, without a file. Nothing outlives the process.

What every store must do alike stands here as plain functions too: UTC times, JSON texts, request numbers, the request slot.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from storage.buckets import Buckets
from storage.contract import (
    GIVEN_UP,
    REQUEST_SLOT,
    Address,
    Commit,
    Committed,
    Conflict,
    Conversation,
    Figures,
    Json,
    Limit,
    OutboxItem,
    Parked,
    Publication,
    Request,
    Seen,
    Snapshot,
    StoreError,
    Unanswered,
    Update,
    nobody,
)
from storage.memory_held import Held
from storage.outbox import up_to_due
from storage.retention import KEPT_PRECHECKS, KEPT_RATINGS, KEPT_REPORTS, KEPT_VERSIONS, PURGED

_SHANGHAI = ZoneInfo("Asia/Shanghai")
_Record = TypeVar("_Record", bound=Conversation | Request | Update | OutboxItem)


def utc(at: datetime) -> datetime:
    """The same moment in UTC; StoreError when it carries no time zone."""
    if at.utcoffset() is None:
        raise StoreError(f"时间 {at} 没有时区，不能保存。请传入带时区的时间，例如 datetime.now(UTC)。")
    return at.astimezone(UTC)


def day_of(at: datetime) -> str:
    """The day that a request number bears: YYMMDD in Shanghai."""
    return utc(at).astimezone(_SHANGHAI).strftime("%y%m%d")


def request_number(day: str, counter: int) -> str:
    """YQ-YYMMDD-NNNN; the ten-thousandth request of a day gets a fifth digit."""
    return f"YQ-{day}-{counter:04}"


def _plain(value: object) -> dict[Any, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)


def encode(body: Json) -> str:
    """A body as JSON text; StoreError when JSON can't hold it (half a surrogate pair, NaN, an object)."""
    try:
        text = _JSON.encode(body)
        text.encode()
    except (TypeError, ValueError) as error:
        raise StoreError(f"内容不能存为 JSON：{error}。请只用文字、有限的数、真假、空值、列表和字典。") from error
    return text


def in_order(found: Sequence[Unanswered]) -> list[Unanswered]:
    """Most frequent first; of equally frequent ones the latest, then by their words."""
    by_text = sorted(found, key=lambda u: u.text)
    return sorted(by_text, key=lambda u: (u.count, u.last), reverse=True)


def prepared(commit: Commit, numbers: Sequence[str]) -> Commit:
    """The commit as it is to be stored: its times in UTC, its slots filled with the first of `numbers`, and nobody's the requests of who is erased.

    The incoming message and unanswered texts stay as the person wrote them. StoreError for a time without zone, or a request changed twice.
    """

    def fill(value: Any) -> Any:
        return filled(value) if value is not None and REQUEST_SLOT in encode(value) else value  # most hold no slot, and a dossier is long

    def filled(value: Any) -> Any:
        if isinstance(value, str):
            return value.replace(REQUEST_SLOT, numbers[0])
        if isinstance(value, Mapping):
            return {filled(key): filled(item) for key, item in value.items()}
        return [filled(item) for item in value] if isinstance(value, (list, tuple)) else value

    if len({r.number for r in commit.changed}) < len(commit.changed):
        raise StoreError("一次提交里同一个请求改了两次，不知道以哪个为准。请先合并成一次修改。")
    changed = tuple(replace(r, changed=utc(r.changed)) for r in commit.changed)
    reports = tuple(replace(r, expires=utc(r.expires)) for r in commit.reports)
    if commit.erased:
        changed = tuple(replace(r, address=nobody(r.address)) if r.address == commit.address else r for r in changed)
        commit = replace(commit, conversation=commit.conversation or {})
    commit = replace(commit, at=utc(commit.at), changed=changed, reports=reports)
    if not numbers:
        return commit
    return replace(
        commit,
        conversation=fill(commit.conversation),
        replies=tuple(fill(body) for body in commit.replies),
        notices=tuple(replace(n, body=fill(n.body), request=filled(n.request)) for n in commit.notices),
        created=tuple(replace(r, body=fill(r.body)) for r in commit.created),
        changed=tuple(replace(r, body=fill(r.body)) for r in commit.changed),
        result=fill(commit.result),
    )


def carriers(commit: Commit, numbers: Sequence[str]) -> list[str | None]:
    """By reply: the number of the request that it carries."""
    return [numbers[0] if numbers and REQUEST_SLOT in encode(body) else None for body in commit.replies]


def _own(record: _Record) -> _Record:
    """The record with a body that nobody else holds: no caller can change what is stored."""
    return replace(record, body=json.loads(encode(record.body)))


class OneProcess:
    """What is simple where one process has the store to itself."""

    shared = False

    def __init__(self) -> None:
        self._buckets = Buckets()

    async def release(self, items: Sequence[int]) -> None:
        """Nothing was held: there is no other process."""

    async def take(self, limits: Sequence[Limit], now: datetime) -> float:
        """Take a token from each bucket, or say how long to wait."""
        return self._buckets.take(limits, utc(now))

    async def lead(self, what: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do the work: there is no other process."""
        await work()

    async def listen(self, ring: Callable[[Address], None]) -> None:
        """Wait in vain: there is no other process."""
        await asyncio.Event().wait()


class MemoryStore(Held, OneProcess):
    """The contract in plain dictionaries; no method awaits anything midway, so each is one transaction."""

    async def load(self, address: Address, update_id: str | None = None) -> Snapshot:
        """What a turn of this person needs."""
        conversation = self._conversations.get(address, Conversation(address))
        if update_id is not None and (seen := self._updates.get((address.channel, address.chat, update_id))) is not None:
            return Snapshot(Conversation(address), seen=json.loads(seen[2]))
        requests = self._of(address)
        waiting = [item for i, notice in self._waiting.items() if notice and (item := self._item(i)).address == address]
        return Snapshot(_own(conversation), tuple(map(_own, reversed(requests))), tuple(map(_own, waiting)))

    async def commit(self, commit: Commit) -> Committed | Seen | Conflict:
        """Store a turn whole: everything that can fail happens before the first change."""
        key = (commit.address.channel, commit.address.chat, commit.update_id or "")
        if commit.update_id is not None and key in self._updates:
            return Seen(json.loads(self._updates[key][2]))
        old = self._conversations.get(commit.address, Conversation(commit.address))
        if commit.conversation is not None and old.revision != commit.expected_revision:
            return Conflict()
        if any(r.number not in self._requests or self._requests[r.number].revision != r.revision for r in commit.changed):
            return Conflict()
        if commit.erased and {r.number for r in self._of(commit.address)} - {r.number for r in commit.changed}:
            return Conflict()
        day = day_of(commit.at)
        counter = self._counters.get(day, 0)
        numbers = tuple(request_number(day, counter + i) for i, _ in enumerate(commit.created, 1))
        turn = prepared(commit, numbers)
        address, at, result = turn.address, turn.at, encode(turn.result)

        requests = [
            _own(Request(number, address, new.kind, new.state, at, at, new.body, 1)) for number, new in zip(numbers, turn.created, strict=True)
        ]
        requests += [_own(replace(r, created=self._requests[r.number].created, revision=r.revision + 1)) for r in turn.changed]
        reports = {r.key: (r.expires, encode(r.body), address) for r in turn.reports}
        conversation = None if turn.conversation is None else _own(Conversation(address, turn.conversation, old.revision + 1))
        lines: list[Update | OutboxItem] = []
        base = self._last + 1
        if turn.incoming is not None:
            lines.append(_own(Update(base, address, turn.incoming, at)))
        first, state = base + len(lines), "sent" if turn.delivered else "waiting"
        carried = carriers(commit, numbers)
        lines += [_own(OutboxItem(i, address, body, at, carried[i - first], state)) for i, body in enumerate(turn.replies, first)]
        notices = range(base + len(lines), base + len(lines) + len(turn.notices))
        for i, notice in zip(notices, turn.notices, strict=True):
            if notice.request is not None and notice.request not in {*self._requests, *numbers}:
                raise StoreError(f"通知指向的请求 {notice.request} 不存在，没有保存。请先创建请求，或改正编号。")
            lines.append(_own(OutboxItem(i, notice.address, notice.body, at, notice.request)))

        if turn.erased:
            self._erase(address)
        if conversation is not None:
            self._conversations[address] = conversation
        if turn.update_id is not None:
            self._updates[key] = (address, at, result)
        if numbers:
            self._counters[day] = counter + len(numbers)
        self._requests.update({r.number: r for r in requests})
        self._last += len(lines)
        for line in lines:
            self._messages[line.id] = line
            self._lines[line.address].append(line.id)
            if isinstance(line, OutboxItem) and line.state == "waiting":
                self._waiting[line.id] = line.id in notices
        self._prechecks = [*self._prechecks, *(encode(body) for body in turn.prechecks)][-KEPT_PRECHECKS:]
        self._ratings = [*self._ratings, *(encode(body) for body in turn.ratings)][-KEPT_RATINGS:]
        for name, kept in reports.items():
            expired = sorted((expires, report) for report, (expires, _, _) in self._reports.items() if expires <= at)
            for _, report in expired[:PURGED]:
                del self._reports[report]
            self._reports[name] = kept
            for report, _ in sorted(self._reports.items(), key=lambda r: (r[1][0], r[0]))[: max(0, len(self._reports) - KEPT_REPORTS)]:
                del self._reports[report]
        for text in turn.unanswered:
            before = self._unanswered.get(text, Unanswered(text, 0, at))
            self._unanswered[text] = Unanswered(text, before.count + 1, max(before.last, at))
        for item in turn.taken:
            await self.sent(item)
        return Committed(numbers, tuple(range(first, first + len(turn.replies))), json.loads(result))

    async def requests(self, states: Sequence[str] = (), limit: int = 100, offset: int = 0) -> list[Request]:
        """Requests, newest first."""
        return [_own(r) for r in self._newest() if not states or r.state in states][offset : offset + limit]

    async def request(self, number: str) -> Request | None:
        """One request by its number."""
        found = self._requests.get(number)
        return None if found is None else _own(found)

    async def transcript(self, address: Address, limit: int = 200) -> list[Update | OutboxItem]:
        """The last messages in both directions, oldest first."""
        return [_own(self._messages[i]) for i in self._lines.get(address, ())][-limit:] if limit else []

    async def after(self, address: Address, event: int, limit: int = 100) -> list[OutboxItem]:
        """Replies and notices above `event`."""
        lines = (self._messages[i] for i in self._lines.get(address, ()) if i > event)
        return [_own(line) for line in lines if isinstance(line, OutboxItem)][:limit]

    async def claim(
        self, channels: Sequence[str], now: datetime, lease: timedelta, limit: int = 100, besides: Collection[tuple[str, str]] = ()
    ) -> list[OutboxItem]:
        """What can be delivered now, oldest first."""
        chats: dict[tuple[str, str], list[OutboxItem]] = {}
        for item in map(self._item, self._waiting):
            if item.address.channel in channels:
                chats.setdefault((item.address.channel, item.address.chat), []).append(item)
        now = utc(now)
        ready = [queue for chat, queue in chats.items() if chat not in besides and up_to_due(queue, now)]
        return [_own(item) for item in up_to_due(sorted((i for queue in ready[:limit] for i in queue), key=attrgetter("id")), now)]

    async def undelivered(self, limit: int = 100) -> list[OutboxItem]:
        """What was given up, newest first."""
        lines = (line for line in reversed(self._messages.values()) if isinstance(line, OutboxItem) and line.state in GIVEN_UP)
        return [_own(line) for line in itertools.islice(lines, limit)]

    async def waiting(self, channel: str, before: datetime, limit: int = 100) -> list[OutboxItem]:
        """What still waits for delivery, oldest first."""
        items = (self._item(i) for i in sorted(self._waiting))
        return [_own(i) for i in itertools.islice((i for i in items if i.address.channel == channel and i.at < before), limit)]

    async def park(self, parked: Parked) -> None:
        """Keep what could not be handled."""
        kept = replace(parked, body=json.loads(encode(parked.body)), at=utc(parked.at))
        self._parked.setdefault((parked.address.channel, parked.update_id), kept)

    async def parked(self, limit: int = 100) -> list[Parked]:
        """What could not be handled, newest first."""
        return [replace(p, body=json.loads(encode(p.body))) for p in reversed(self._parked.values())][:limit]

    async def sent(self, item: int) -> None:
        """Mark an outbox item as delivered, whatever was thought of it before."""
        if isinstance(line := self._messages.get(item), OutboxItem):
            self._messages[item] = replace(line, state="sent", due=None, error=None)
            self._waiting.pop(item, None)

    async def postpone(self, item: int, due: datetime, error: str) -> None:
        """Note a failed attempt; an item that is no longer waiting stays as it is."""
        due = utc(due)
        if item in self._waiting:
            line = self._item(item)
            self._messages[item] = replace(line, attempts=line.attempts + 1, due=due, error=error)

    async def fail(self, item: int, error: str, state: str = "failed") -> None:
        """Give an item up; one that is no longer waiting stays as it is."""
        if item in self._waiting:
            line = self._item(item)
            self._messages[item] = replace(line, attempts=line.attempts + 1, due=None, error=error, state=state)
            del self._waiting[item]

    async def prechecks(self, limit: int = 1000) -> list[Json]:
        """Finished pre-checks without the person, newest first."""
        return [json.loads(body) for body in self._prechecks[::-1][:limit]]

    async def ratings(self, limit: int = 1000) -> list[Json]:
        """How helpful finished pieces of work were, newest first."""
        return [json.loads(body) for body in self._ratings[::-1][:limit]]

    async def report(self, key: str, now: datetime) -> Json | None:
        """The page that is kept under a key."""
        expires, body = self._reports.get(key, (utc(now), ""))[:2]
        return json.loads(body) if expires > utc(now) else None

    async def publish(self, publication: Publication) -> None:
        """Keep a knowledge base that came into use."""
        if not self._published or self._published[-1].version != publication.version:
            files = json.loads(encode(publication.files))
            self._published = [*self._published, replace(publication, at=utc(publication.at), files=files)][-KEPT_VERSIONS:]

    async def in_use(self) -> str | None:
        """The version that was published last."""
        return self._published[-1].version if self._published else None

    async def published(self, limit: int = 20, version: str | None = None) -> list[Publication]:
        """The knowledge bases that were in use, newest first; with `version`, only those of that version."""
        return [replace(p, files=dict(p.files)) for p in self._published[::-1] if version in (None, p.version)][:limit]

    async def unanswered(self, limit: int = 100) -> list[Unanswered]:
        """Messages without an answer, most frequent first; of equally frequent ones the latest."""
        return in_order([*self._unanswered.values()])[:limit]

    async def resealed(self, limit: int = 200) -> AsyncIterator[int]:
        """Nothing is sealed in memory."""
        yield 0

    async def figures(self) -> Figures:
        """How the store stands."""
        waiting, requests = [self._item(i) for i in self._waiting], self._requests.values()
        oldest = {item.address.channel: item.at for item in sorted(waiting, key=attrgetter("at"), reverse=True)}
        given_up = Counter(line.state for line in self._messages.values() if isinstance(line, OutboxItem) and line.state in GIVEN_UP)
        since = {r.state: r.created for r in sorted(requests, key=attrgetter("created"), reverse=True)}
        channels, states = Counter(item.address.channel for item in waiting), Counter(r.state for r in requests)
        return Figures(dict(channels), oldest, dict(states), since, dict(given_up), len(self._parked))

    async def close(self) -> None:
        """Nothing to let go of."""

    def _item(self, item: int) -> OutboxItem:
        line = self._messages[item]
        if not isinstance(line, OutboxItem):
            raise StoreError(f"消息 {item} 是收到的消息，不在发件箱里。")
        return line
