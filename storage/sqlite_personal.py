"""One person's data in SQLite: all of it, and gone; and what goes by its age."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from storage.contract import Address, Commit, Json, Kept, Reduction
from storage.personal import exported
from storage.sealing import Sealing
from storage.sqlite_rows import MESSAGE, PARKED, REQUEST, Reader, text_of, time_of, who_of

Run = Callable[..., sqlite3.Cursor]

_MINE = "channel = :channel and chat = :chat and person = :person"
_NUMBERS = f"select number from requests where {_MINE}"
_BLANK = """update messages set channel = '', chat = '', person = '', direction = 'in', state = 'received', body = '{}', request = null,
due = null, error = null where id = (select max(id) from messages) and channel <> ''"""
"""The row with the highest id stays, as nobody's: ids must not come again."""
_ABOUT = f"({_MINE} or request in ({_NUMBERS}))"
"""Which messages are a person's, or tell others of their requests."""


def _named(address: Address) -> dict[str, str]:
    return dict(zip(("channel", "chat", "person"), who_of(address), strict=True))


def remains_untold(run: Run, commit: Commit) -> bool:
    """Whether a commit that erases says nothing of one of the person's requests."""
    told = {r.number for r in commit.changed}
    return any(number not in told for (number,) in run(_NUMBERS, _named(commit.address)))


def erase(run: Run, address: Address) -> None:
    """Let go of everything of a person but their requests, which `Commit.changed` is about."""
    who = _named(address)
    run(f"{_BLANK} and {_ABOUT}", who)
    run(f"delete from messages where {_ABOUT}", who)
    run(f"delete from reports where {_MINE}", who)
    run(f"delete from parked where {_MINE}", who)
    # Nobody knows any more whose an update of the first releases is in a group: then it is everybody's.
    run("update updates set result = '{}' where channel = :channel and chat = :chat and coalesce(person, :person) = :person", who)


def personal(run: Run, address: Address, sealing: Sealing) -> Json:
    """Everything that is kept about a person."""
    who, get, read = _named(address), sealing.get, Reader(sealing)
    conversation = run(f"select body from conversations where {_MINE}", who).fetchone()
    reports = run(f"select expires, body, key from reports where {_MINE} order by expires, key", who)
    mine = "channel = :channel and chat = :chat and coalesce(person, chat) = :person"  # without a person, only what came in a private chat
    updates = run(f"select update_id, at, result from updates where {mine} order by at, update_id", who)
    return exported(
        get(conversation[0], "conversations", *who.values()) if conversation else {},
        map(read.line, run(f"{MESSAGE} where {_ABOUT} order by id", who)),
        map(read.request, run(f"{REQUEST} where {_MINE} order by created, counter", who)),
        [(time_of(expires), get(body, "reports", key)) for expires, body, key in reports],
        [(name, time_of(at), get(result, "updates", address.channel, address.chat, name)) for name, at, result in updates],
        map(read.parked, run(f"{PARKED} where {_MINE} order by id", who)),
    )


# Messages are stored in the order of their ids, which is about that of their times: what is to go stands at the head.
_HEAD = "select id from (select id, at from messages where id < (select max(id) from messages) order by id limit :limit) where at < :before"
_LEFT = f"{_MINE} and not exists (select 1 from messages m where m.channel = :channel and m.chat = :chat and m.person = :person)"
_CLOSED = "changed < :before and chat <> '' and state in (select value from json_each(:states))"
_OLD: Mapping[Kept, str] = {
    "messages": "channel <> '' and at < :before",
    "updates": "at < :before",
    "reports": "expires < :before",
    "parked": "at < :before",
    "unanswered": "last < :before",
    "requests": _CLOSED,
}


def _values(before: datetime, reduction: Reduction) -> dict[str, Any]:
    return {"before": text_of(before), "states": json.dumps([*reduction.states])}


def purge(run: Run, what: Kept, before: datetime, reduction: Reduction, limit: int, sealing: Sealing) -> int:
    """Let go of some of what is older; how many went."""
    values = {**_values(before, reduction), "limit": limit}
    if what == "messages":
        gone = run(f"delete from messages where id in ({_HEAD}) returning channel, chat, person", values).fetchall()
        gone = [row for row in gone if row[0]]  # without those that an erasure had blanked
        if not gone:
            last = "select channel, chat, person from messages where id = (select max(id) from messages) and channel <> '' and at < :before"
            gone = run(last, values).fetchall()
            run(f"{_BLANK} and at < :before", values)
        for address in {Address(*row) for row in gone}:
            run(f"delete from conversations where {_LEFT}", _named(address))
        return len(gone)
    if what == "requests":
        closed = run(f"select number, body from requests where {_CLOSED} order by changed limit :limit", values).fetchall()
        for number, body in closed:
            remains = sealing.put(reduction.body(sealing.get(body, "requests", number)), "requests", number)
            run("update requests set chat = '', person = '', body = ?, revision = revision + 1 where number = ?", (remains, number))
        return len(closed)
    return run(f"delete from {what} where rowid in (select rowid from {what} where {_OLD[what]} limit :limit)", values).rowcount


def outdated(run: Run, what: Kept, before: datetime, reduction: Reduction) -> int:
    """How many would go."""
    count: int = run(f"select count(*) from {what} where {_OLD[what]}", _values(before, reduction)).fetchone()[0]
    return count
