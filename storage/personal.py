"""Everything that is kept about one person, as data that they can be given."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from storage.contract import Json, OutboxItem, Parked, Request, Update


def exported(
    conversation: Json,
    messages: Iterable[Update | OutboxItem],
    requests: Iterable[Request],
    reports: Iterable[tuple[datetime, Json]],
    updates: Iterable[tuple[str, datetime, Json]],
    parked: Iterable[Parked],
) -> Json:
    """The form that `Store.personal` promises. Whose address a message went to is left out: it may be somebody else's."""
    return {
        "conversation": conversation,
        "messages": [
            {"at": m.at.isoformat(), "from": "us", "body": m.body, "state": m.state, "request": m.request}
            if isinstance(m, OutboxItem)
            else {"at": m.at.isoformat(), "from": "person", "body": m.body, "state": "received", "request": None}
            for m in messages
        ],
        "requests": [
            {"number": r.number, "kind": r.kind, "state": r.state, "created": r.created.isoformat(), "changed": r.changed.isoformat(), "body": r.body}
            for r in requests
        ],
        "reports": [{"expires": expires.isoformat(), "body": body} for expires, body in reports],
        "updates": [{"id": name, "at": at.isoformat(), "result": result} for name, at, result in updates],
        "parked": [{"id": p.update_id, "at": p.at.isoformat(), "body": p.body, "error": p.error} for p in parked],
    }
