"""What SQLite's rows are here: records of the contract."""

from __future__ import annotations

import json
from datetime import datetime
from operator import attrgetter
from typing import Any

from storage.contract import Address, OutboxItem, Request, Update
from storage.memory import utc

Row = tuple[Any, ...]
who_of = attrgetter("channel", "chat", "person")
time_of = datetime.fromisoformat
REQUEST = "select number, channel, chat, person, kind, state, created, changed, body, revision from requests m"
MESSAGE = "select m.id, m.channel, m.chat, m.person, body, at, request, state, attempts, due, error from messages m"


def text_of(at: datetime) -> str:
    """A time as text: always with microseconds, so that the texts sort as the times do."""
    return utc(at).isoformat(timespec="microseconds")


def request_of(row: Row) -> Request:
    """A request."""
    number, _, _, _, kind, state, created, changed, body, revision = row
    return Request(number, Address(*row[1:4]), kind, state, time_of(created), time_of(changed), json.loads(body), revision)


def item_of(row: Row) -> OutboxItem:
    """A line of the outbox."""
    item, _, _, _, body, at, request, state, attempts, due, error = row
    return OutboxItem(item, Address(*row[1:4]), json.loads(body), time_of(at), request, state, attempts, due and time_of(due), error)


def line_of(row: Row) -> Update | OutboxItem:
    """A line of a transcript."""
    return item_of(row) if row[7] != "received" else Update(row[0], Address(*row[1:4]), json.loads(row[4]), time_of(row[5]))
