"""One person's data in PostgreSQL: all of it, and gone; and what goes by its age."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from storage.contract import Address, Commit, Json, Kept, Reduction
from storage.memory import utc
from storage.personal import exported
from storage.postgres_rows import MESSAGE, PARKED, REQUEST, Connection, Reader, rows, who_of
from storage.sealing import Sealing

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
    await db.execute(f"delete from parked where {_MINE}", who)
    # Nobody knows any more whose an update of the first releases is in a group: then it is everybody's.
    mine = "channel = %(channel)s and chat = %(chat)s and coalesce(person, %(person)s) = %(person)s"
    await db.execute(f"update updates set result = '{{}}' where {mine}", who)


async def personal(db: Connection, sealing: Sealing, address: Address) -> Json:
    """Everything that is kept about a person."""
    who, get, read = _named(address), sealing.get, Reader(sealing)
    conversation = await rows(db, tuple, f"select body from conversations where {_MINE}", who)
    reports = await rows(db, tuple, f'select expires, body, key from reports where {_MINE} order by expires, key collate "C"', who)
    mine = "channel = %(channel)s and chat = %(chat)s and coalesce(person, chat) = %(person)s"  # without a person, only what came in a private chat
    updates = await rows(db, tuple, f'select update_id, at, result from updates where {mine} order by at, update_id collate "C"', who)
    return exported(
        get(conversation[0][0], "conversations", *who.values()) if conversation else {},
        await rows(db, read.line, f"{MESSAGE} where {_ABOUT} order by id", who),
        await rows(db, read.request, f"{REQUEST} where {_MINE} order by created, counter", who),
        [(expires, get(body, "reports", key)) for expires, body, key in reports],
        [(name, at, get(result, "updates", address.channel, address.chat, name)) for name, at, result in updates],
        await rows(db, read.parked, f"{PARKED} where {_MINE} order by id", who),
    )


# Messages are stored in the order of their ids, which is about that of their times: what is to go stands at the head.
_HEAD = "select id, channel, chat, person from (select * from messages order by id limit %(limit)s) h where at < %(before)s"
_THESE = "unnest(%s::text[], %s::text[], %s::text[]) as t (channel, chat, person)"
_SAME = "c.channel = t.channel and c.chat = t.chat and c.person = t.person"
_OLD: Mapping[Kept, str] = {
    "messages": "at < %(before)s",
    "updates": "at < %(before)s",
    "reports": "expires < %(before)s",
    "parked": "at < %(before)s",
    "unanswered": "last < %(before)s",
    "requests": "changed < %(before)s and chat <> '' and state = any(%(states)s)",
}
_KEYS: Mapping[Kept, str] = {"updates": "channel, chat, update_id", "reports": "key", "parked": "id", "unanswered": "digest"}


def _values(before: datetime, reduction: Reduction) -> dict[str, Any]:
    return {"before": utc(before), "states": [*reduction.states]}


async def purge(db: Connection, sealing: Sealing, what: Kept, before: datetime, reduction: Reduction, limit: int) -> int:
    """Let go of some of what is older; how many went."""
    values = {**_values(before, reduction), "limit": limit}
    if what == "messages":
        return await _purge_messages(db, values)
    if what == "requests":
        sql = f"select number, body from requests where {_OLD[what]} order by changed limit %(limit)s for update skip locked"
        closed = await rows(db, tuple, sql, values)
        for number, body in closed:
            remains = sealing.put(reduction.body(sealing.get(body, "requests", number)), "requests", number)
            await db.execute("update requests set chat = '', person = '', body = %s, revision = revision + 1 where number = %s", (remains, number))
        return len(closed)
    key = _KEYS[what]
    some = f"select {key} from {what} where {_OLD[what]} limit %(limit)s"
    return (await db.execute(f"delete from {what} where ({key}) in ({some})", values)).rowcount


async def _purge_messages(db: Connection, values: Mapping[str, Any]) -> int:
    """Messages, and the conversations of those who have none left. These are locked first, as a turn does it: none begins meanwhile."""
    head = await rows(db, tuple, _HEAD, {**values})
    people = [[*column] for column in zip(*{row[1:] for row in head}, strict=True)] or [[], [], []]
    await db.execute(f"select from conversations c join {_THESE} on {_SAME} order by c.channel, c.chat, c.person for update of c", people)
    await db.execute("delete from messages where id = any(%s)", ([row[0] for row in head],))
    none = "not exists (select from messages m where m.channel = c.channel and m.chat = c.chat and m.person = c.person)"
    await db.execute(f"delete from conversations c using {_THESE} where {_SAME} and {none}", people)
    return len(head)


async def outdated(db: Connection, what: Kept, before: datetime, reduction: Reduction) -> int:
    """How many would go."""
    ((count,),) = await rows(db, tuple, f"select count(*) from {what} where {_OLD[what]}", _values(before, reduction))
    return int(count)
