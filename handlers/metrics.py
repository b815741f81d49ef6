"""Figures for Prometheus at /metrics: how long turns take, what waits in the outbox, which requests are open. None of them names a person."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from dialogs.cases import CLOSED
from dialogs.turns import Seconds, Turns
from handlers.guard import Seldom
from storage.contract import GIVEN_UP

_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


class Metrics:
    """What is counted in this process, and what the store says when it is asked. `token`: who asks must show it."""

    def __init__(self, turns: Turns, token: str) -> None:
        self._turns, self._token, self._seldom = turns, token, Seldom()
        self._registry = CollectorRegistry()
        self._seconds = Histogram(
            "yuanqitong_turn_seconds", "Time of a turn, from the message to its commit.", ["channel"], buckets=_BUCKETS, registry=self._registry
        )
        self._counted = Counter("yuanqitong_turns", "Turns, by what came of them.", ["channel", "result"], registry=self._registry)
        self._waiting = Gauge(
            "yuanqitong_outbox_waiting",
            "Messages that wait for delivery; on the web, for somebody to open the page again.",
            ["channel"],
            registry=self._registry,
        )
        self._oldest = Gauge(
            "yuanqitong_outbox_oldest_seconds", "Age of the oldest message that waits for delivery.", ["channel"], registry=self._registry
        )
        self._requests = Gauge("yuanqitong_requests", "Requests, by state.", ["state"], registry=self._registry)
        self._since = Gauge("yuanqitong_requests_oldest_seconds", "Age of the oldest open request, by state.", ["state"], registry=self._registry)
        self._undelivered = Gauge("yuanqitong_undelivered", "Messages that were given up, by how.", ["state"], registry=self._registry)
        self._parked = Gauge("yuanqitong_parked", "Updates that could not be handled and were put aside.", registry=self._registry)

    def observe(self, turn: Seconds) -> None:
        """Count a turn."""
        self._seconds.labels(turn.channel).observe(turn.seconds)
        self._counted.labels(turn.channel, "duplicate" if turn.duplicate else "understood" if turn.understood else "not_understood").inc()

    async def page(self, request: Request) -> Response:
        """The figures, in Prometheus's text format."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(token.encode(errors="replace"), self._token.encode()):
            self._seldom.note("figures without their token")
            raise HTTPException(404)
        figures = await self._turns.store.figures()
        now = datetime.now(UTC)
        ages = {name: (now - at).total_seconds() for name, at in figures.oldest.items()}
        open_ages = {state: (now - at).total_seconds() for state, at in figures.since.items() if state not in CLOSED}
        shown_by = (
            (self._waiting, figures.waiting),
            (self._oldest, ages),
            (self._requests, figures.requests),
            (self._since, open_ages),
            (self._undelivered, dict.fromkeys(GIVEN_UP, 0) | {**figures.undelivered}),
        )
        self._parked.set(figures.parked)
        for gauge, values in shown_by:
            gauge.clear()
            for name, value in values.items():
                gauge.labels(name).set(value)
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_PLAIN_1_0_0)
