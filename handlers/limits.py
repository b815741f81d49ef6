"""How much one chat and one network address may ask: enough for an office of hundreds behind one address, too little for a flood.

A process lets a part pass on its own count; beyond that the store decides, whose buckets all workers share. `docs/security.md` has the numbers.
"""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import math
from collections import Counter
from collections.abc import Callable, Iterator, Set
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from handlers.guard import Seldom, answer
from storage.buckets import Buckets
from storage.contract import Address, Limit, Store, StoreError

CHAT = Limit("chat", 1, 60)
"""Messages of one visitor, or of one person in a chat of Telegram."""
SAY, LOOK, DRAW = Limit("say", 20, 600), Limit("look", 60, 3000), Limit("draw", 10, 600)
"""Of one address: what it sends, what it looks at, and of that reports and pictures, which have to be made."""
NEWCOMER = Limit("newcomer", 1, 600)
"""Visitors of one address whom this process has not seen lately; an invented cookie is one too."""
STREAMS = 1000
"""Open event streams of one address in one process."""
KNOWN = 20_000
"""Visitors who are remembered as seen."""
ALONE, FREE = 0.5, 0.25
"""The shares of a burst and of a rate that a process lets pass without asking the store."""
_WORDS = {
    "chat": "您发得太快了，这一条没有收下。请过 {} 秒再发，同一条不会重复。",
    "say": "从您所在的网络发来的太多了（同一个网络里的人一起算），这一条没有收下。请过 {} 秒再发，同一条不会重复。",
    "newcomer": "从您所在的网络新打开的对话太多了（同一个网络里的人一起算）。请过 {} 秒再试。",
}
_OTHERWISE = "从您所在的网络打开的太多了（同一个网络里的人一起算）。请过 {} 秒再试。"


class Limits:
    """Counts what passes; nothing is counted twice where the store has refused lately."""

    def __init__(self, store: Store, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._store, self._now, self._alone = store, now, Buckets()
        self._until: dict[str, datetime] = {}

    async def wait(self, limit: Limit, whose: str) -> float:
        """Take a token of somebody's: 0.0, or the seconds until there is one."""
        now, key = self._now(), f"{limit.key}:{_digest(whose)}"
        left = (self._until.get(key, now) - now).total_seconds()
        if 0 < left < 2 / limit.rate:  # further away it was set by a clock that was wrong
            return left
        if not self._alone.take([Limit(key, limit.rate * FREE, int(limit.burst * ALONE))], now):
            return 0.0
        try:
            wait = await self._store.take([Limit(key, limit.rate, limit.burst)], now)
        except StoreError:
            return 0.0  # what follows needs the store as well, and says so
        if wait:
            if len(self._until) >= KNOWN:
                self._until = {k: until for k, until in self._until.items() if until > now}
            self._until[key] = now + timedelta(seconds=wait)
        return wait

    async def chat(self, address: Address) -> float:
        """Take a token for a message of a chat: 0.0, or the seconds until there is one."""
        return await self.wait(CHAT, _of(address))


class Limited:
    """Refuses what goes beyond the limits with 429, the seconds to wait, and words.

    `free`: paths that are not counted. Who asks from this machine is a program of ours, or a proxy that is not among TRUSTED_PROXIES: its
    visitors can't be told apart, so that only each visitor's own limit holds for them.
    """

    def __init__(
        self, app: ASGIApp, limits: Limits, visitor: Callable[[HTTPConnection], str | None], free: Set[str], static: tuple[str, ...]
    ) -> None:
        self._app, self._limits, self._visitor, self._free, self._static = app, limits, visitor, free, static
        self._streams: Counter[str] = Counter()
        self._known: dict[str, None] = {}
        self._seldom = Seldom()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        path = scope.get("path", "")
        if scope["type"] != "http" or path in self._free or path.startswith(self._static):
            return await self._app(scope, receive, send)
        address, visitor = network(scope["client"][0] if scope.get("client") else None), self._visitor(HTTPConnection(scope))
        for limit, whose in self._asked(scope, address, visitor):
            if wait := await self._limits.wait(limit, whose):
                return await self._refusal(scope, limit.key, wait)(scope, receive, send)
        if visitor:
            self._remember(visitor)
        if path != "/api/events" or address is None:
            return await self._app(scope, receive, send)
        if self._streams[address] >= STREAMS:
            return await self._refusal(scope, "streams", 30)(scope, receive, send)
        self._streams[address] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._streams[address] -= 1
            if not self._streams[address]:
                del self._streams[address]

    def _asked(self, scope: Scope, address: str | None, visitor: str | None) -> Iterator[tuple[Limit, str]]:
        """The buckets that a request takes from, the narrowest first: what one visitor is refused must not cost the neighbours."""
        says, path = scope["method"] not in ("GET", "HEAD"), scope["path"]
        if visitor and says:
            yield CHAT, _of(Address("web", visitor, visitor))
        if address is None:
            return
        if visitor and visitor not in self._known and path.startswith("/api/"):
            yield NEWCOMER, address
        yield (SAY if says else DRAW if path.startswith(("/report/", "/picture/")) else LOOK), address

    def _refusal(self, scope: Scope, kind: str, wait: float) -> Response:
        self._seldom.note(f"too much: {kind}")
        seconds = math.ceil(wait)
        return answer(scope, 429, _WORDS.get(kind, _OTHERWISE).format(seconds), {"Retry-After": str(seconds)})

    def _remember(self, visitor: str) -> None:
        self._known.pop(visitor, None)
        self._known[visitor] = None
        if len(self._known) > KNOWN:
            del self._known[next(iter(self._known))]


@lru_cache(4096)
def network(client: str | None) -> str | None:
    """Whose count an address is on: its own, that of its /64 for IPv6, none for this machine; what is no address shares one count."""
    if client is None:
        return None
    with contextlib.suppress(ValueError):
        address = ipaddress.ip_address(client)
        address = getattr(address, "ipv4_mapped", None) or address
        if address.is_loopback:
            return None
        return str(address) if address.version == 4 else str(ipaddress.ip_network((address, 64), strict=False))
    return "?"


def _of(address: Address) -> str:
    return f"{address.channel} {address.chat} {address.person}"


@lru_cache(4096)
def _digest(whose: str) -> str:
    return hashlib.sha256(whose.encode(errors="replace")).hexdigest()[:32]  # what the store keeps names nobody
