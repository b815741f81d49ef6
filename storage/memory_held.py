"""What the store in memory holds: one person's part of it, and what is let go of."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from datetime import datetime
from typing import Any

from storage.contract import Address, Conversation, Json, Kept, OutboxItem, Parked, Publication, Reduction, Request, Unanswered, Update, nobody
from storage.personal import exported


class Held:
    """The dictionaries; no method awaits anything midway, so each is one transaction."""

    def __init__(self) -> None:
        super().__init__()
        self._conversations: dict[Address, Conversation] = {}
        self._requests: dict[str, Request] = {}
        self._counters: dict[str, int] = {}
        self._messages: dict[int, Update | OutboxItem] = {}
        self._lines: dict[Address, list[int]] = defaultdict(list)
        self._waiting: dict[int, bool] = {}  # in the order of ids; True for a notice
        self._last = 0
        self._updates: dict[tuple[str, str, str], tuple[Address, datetime, str]] = {}
        self._unanswered: dict[str, Unanswered] = {}
        self._prechecks: list[str] = []
        self._ratings: list[str] = []
        self._reports: dict[str, tuple[datetime, str, Address]] = {}
        self._published: list[Publication] = []
        self._parked: dict[tuple[str, str], Parked] = {}

    async def personal(self, address: Address) -> Json:
        """Everything that is kept about a person."""
        reports = sorted((r[0], key, json.loads(r[1])) for key, r in self._reports.items() if r[2] == address)
        updates = sorted((at, key[2], json.loads(result)) for key, (who, at, result) in self._updates.items() if who == address)
        found = exported(
            self._conversations.get(address, Conversation(address)).body,
            [self._messages[i] for i in self._about(address)],
            self._of(address)[::-1],
            [(expires, body) for expires, _, body in reports],
            [(name, at, result) for at, name, result in updates],
            [p for p in self._parked.values() if p.address == address],
        )
        copied: Json = json.loads(json.dumps(found, default=dict))
        return copied

    async def purge(self, what: Kept, before: datetime, reduction: Reduction, limit: int = 500) -> int:
        """Let go of some of what is older than `before`."""
        old = self._outdated(what, before, reduction)[:limit]
        for key in old:
            match what:
                case "messages":
                    self._drop_message(key)
                case "updates":
                    del self._updates[key]
                case "reports":
                    del self._reports[key]
                case "parked":
                    del self._parked[key]
                case "unanswered":
                    del self._unanswered[key]
                case "requests":
                    r = self._requests[key]
                    body = json.loads(json.dumps(reduction.body(r.body), default=dict))
                    self._requests[key] = replace(r, address=nobody(r.address), body=body, revision=r.revision + 1)
        return len(old)

    async def outdated(self, what: Kept, before: datetime, reduction: Reduction) -> int:
        """How many `purge` would let go of."""
        return len(self._outdated(what, before, reduction))

    def _outdated(self, what: Kept, before: datetime, reduction: Reduction) -> list[Any]:
        match what:
            case "messages":
                return [i for i, m in self._messages.items() if m.at < before]
            case "updates":
                return [key for key, (_, at, _) in self._updates.items() if at < before]
            case "reports":
                return [key for key, (expires, _, _) in self._reports.items() if expires < before]
            case "parked":
                return [key for key, p in self._parked.items() if p.at < before]
            case "unanswered":
                return [key for key, u in self._unanswered.items() if u.last < before]
            case "requests":
                closed = (r for r in self._requests.values() if r.state in reduction.states and r.address.chat)
                return [r.number for r in closed if r.changed < before]

    def _drop_message(self, item: int) -> None:
        address = self._messages.pop(item).address
        self._lines[address].remove(item)
        self._waiting.pop(item, None)
        if not self._lines[address]:
            self._conversations.pop(address, None)

    def _about(self, address: Address) -> list[int]:
        """The messages of a person, and those to others about their requests."""
        numbers = {r.number for r in self._of(address)}
        return [i for i, m in self._messages.items() if m.address == address or (isinstance(m, OutboxItem) and m.request in numbers)]

    def _erase(self, address: Address) -> None:
        for i in self._about(address):
            self._lines[self._messages.pop(i).address].remove(i)
            self._waiting.pop(i, None)
        self._updates = {k: (who, at, "{}" if who == address else result) for k, (who, at, result) in self._updates.items()}
        self._reports = {k: r for k, r in self._reports.items() if r[2] != address}
        self._parked = {k: p for k, p in self._parked.items() if p.address != address}

    def _of(self, address: Address) -> list[Request]:
        return [r for r in self._newest() if r.address == address]

    def _newest(self) -> list[Request]:
        # Numbers of more than four digits sort by value, not as text.
        return sorted(self._requests.values(), key=lambda r: (r.created, int(r.number[10:])), reverse=True)
