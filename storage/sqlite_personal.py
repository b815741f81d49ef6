"""One person's data in SQLite: all of it, and gone."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable

from storage.contract import Address, Commit, Json
from storage.personal import exported
from storage.sqlite_rows import MESSAGE, REQUEST, line_of, request_of, time_of, who_of

Run = Callable[..., sqlite3.Cursor]

_MINE = "channel = :channel and chat = :chat and person = :person"
_NUMBERS = f"select number from requests where {_MINE}"
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
    # The row with the highest id stays, as nobody's: ids must not come again.
    blank = "channel = '', chat = '', person = '', direction = 'in', state = 'received', body = '{}', request = null, due = null, error = null"
    run(f"update messages set {blank} where id = (select max(id) from messages) and {_ABOUT}", who)
    run(f"delete from messages where {_ABOUT}", who)
    run(f"delete from reports where {_MINE}", who)
    # Nobody knows any more whose an update of the first releases is in a group: then it is everybody's.
    run("update updates set result = '{}' where channel = :channel and chat = :chat and coalesce(person, :person) = :person", who)


def personal(run: Run, address: Address) -> Json:
    """Everything that is kept about a person."""
    who = _named(address)
    conversation = run(f"select body from conversations where {_MINE}", who).fetchone()
    reports = run(f"select expires, body from reports where {_MINE} order by expires, key", who)
    mine = "channel = :channel and chat = :chat and coalesce(person, chat) = :person"  # without a person, only what came in a private chat
    updates = run(f"select update_id, at, result from updates where {mine} order by at, update_id", who)
    return exported(
        json.loads(conversation[0]) if conversation else {},
        map(line_of, run(f"{MESSAGE} where {_ABOUT} order by id", who)),
        map(request_of, run(f"{REQUEST} where {_MINE} order by created, counter", who)),
        [(time_of(expires), json.loads(body)) for expires, body in reports],
        [(name, time_of(at), json.loads(result)) for name, at, result in updates],
    )
