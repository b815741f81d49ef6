"""Which records need a person: those that are over or soon will be, those nobody has checked, and contacts that nobody has filled in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from knowledge.records import Channel, Contact, Park, Record, Service
from knowledge.snapshot import Knowledge
from knowledge.supports import Support
from knowledge.validity import CLOSED, OVER, Time, printed_window, superseded, time_on

Reason = Literal["over", "ends_soon", "undated", "never_checked", "checked_long_ago", "no_contact", "notice_old"]
SOON = timedelta(days=60)
LONG = timedelta(days=180)
_APPLIED_FOR = (Support, Channel, Service, Park)
"""Kinds that people reach out for: a contact and a check are worth most there."""


@dataclass(frozen=True, slots=True)
class Stale:
    """A record and why it needs a person; `since` is the day from which on it does, where there is one."""

    kind: str
    record: Record
    reason: Reason
    since: date | None = None


def stale(knowledge: Knowledge, today: date, soon: timedelta = SOON, long: timedelta = LONG) -> Iterator[Stale]:
    """Everything that needs a person on a day; records that a successor replaced need nobody."""
    for kind in ("supports", "channels", "services", "parks", "layouts", "tasks", "clauses", "indicators", "differences"):
        for record in getattr(knowledge, kind).values():
            if not superseded(record, today) and not superseded(knowledge.document_of(record), today):
                yield from (Stale(kind, record, reason, since) for reason, since in _reasons(knowledge, record, today, soon, long))


def _reasons(knowledge: Knowledge, record: Record, today: date, soon: timedelta, long: timedelta) -> Iterator[tuple[Reason, date | None]]:
    document = knowledge.document_of(record)
    time, end = time_on(record, document, today), _end(knowledge, record)
    if time in OVER:
        closed = record.application if record.application and record.application.state in CLOSED else None
        yield "over", closed.checked.on if closed else end + timedelta(days=1) if end else None
    elif end is not None and today <= end <= today + soon:
        yield "ends_soon", end
    elif time is Time.UNDATED:
        yield "undated", None
    checked = record.checked or document.checked
    if checked is None or checked.on > today:
        if isinstance(record, _APPLIED_FOR):
            yield "never_checked", None
    elif checked.on + long < today:
        yield "checked_long_ago", checked.on
    if record.application and record.application.checked.on + long < today:
        yield "notice_old", record.application.checked.on
    contact = record.contact if isinstance(record, _APPLIED_FOR) else None
    if contact is not None and not _filled(contact):
        yield "no_contact", None
    elif contact is not None and contact.checked and contact.checked.on + long < today:
        yield "checked_long_ago", contact.checked.on


def _end(knowledge: Knowledge, record: Record) -> date | None:
    """The last day of what decides a record's time."""
    if record.application and record.application.state != "not_announced":
        return record.application.until
    window = printed_window(record, knowledge.document_of(record))
    return window.until if window else None


def _filled(contact: Contact) -> bool:
    return bool(contact.phone or contact.address or contact.email)
