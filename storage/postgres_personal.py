"""One person's data in PostgreSQL: all of it, and gone."""

from __future__ import annotations

import json

from storage.contract import Address, Commit, Json
from storage.personal import exported
from storage.postgres_rows import MESSAGE, REQUEST, Connection, body_of, line_of, request_of, rows, who_of

_MINE = "channel = %(channel)s and chat = %(chat)s and person = %(person)s"
_NUMBERS = f"select number from requests where {_MINE}"
_ABOUT = f"({_MINE} or request = any(array({_NUMBERS})))"
"""Which messages are a person's, or tell others of their requests."""


def _named(address: Address) -> dict[str, str]:
    return dict(zip(("channel", "chat", "person"), who_of(address), strict=True))


async def remains_untold(db: Connection, commit: Commit) -> bool:
    """Whether a commit that erases says nothing of one of the person's requests."""
    told = {r.number for r in commit.changed}
    return any(number not in told for (number,) in await rows(db, tuple, _NUMBERS, _named(commit.address)))


async def erase(db: Connection, address: Address) -> None:
    """Let go of everything of a person but their requests, which `Commit.changed` is about."""
    who = _named(address)
    # Locked in the order in which the outbox is claimed: neither waits for the other in a circle.
    await db.execute(
        f"with mine as (select id from messages where {_ABOUT} order by id for update) delete from messages m using mine where m.id = mine.id", who
    )
    await db.execute(f"delete from reports where {_MINE}", who)
    # Nobody knows any more whose an update of the first releases is in a group: then it is everybody's.
    mine = "channel = %(channel)s and chat = %(chat)s and coalesce(person, %(person)s) = %(person)s"
    await db.execute(f"update updates set result = '{{}}' where {mine}", who)


async def personal(db: Connection, address: Address) -> Json:
    """Everything that is kept about a person."""
    who = _named(address)
    conversation = await rows(db, body_of, f"select body from conversations where {_MINE}", who)
    reports = await rows(db, tuple, f'select expires, body from reports where {_MINE} order by expires, key collate "C"', who)
    mine = "channel = %(channel)s and chat = %(chat)s and coalesce(person, chat) = %(person)s"  # without a person, only what came in a private chat
    updates = await rows(db, tuple, f'select update_id, at, result from updates where {mine} order by at, update_id collate "C"', who)
    return exported(
        conversation[0] if conversation else {},
        await rows(db, line_of, f"{MESSAGE} where {_ABOUT} order by id", who),
        await rows(db, request_of, f"{REQUEST} where {_MINE} order by created, counter", who),
        [(expires, json.loads(body)) for expires, body in reports],
        [(name, at, json.loads(result)) for name, at, result in updates],
    )
