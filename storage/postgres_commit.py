"""A turn written into PostgreSQL, within one transaction."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from operator import attrgetter

from storage.contract import KEPT_PRECHECKS, KEPT_RATINGS, KEPT_REPORTS, PURGED, Address, Commit, Committed, Seen, StoreError
from storage.memory import day_of, encode, prepared, request_number
from storage.postgres_personal import erase, remains_untold
from storage.postgres_rows import Connection, Row, body_of, rows
from storage.postgres_rows import who_of as _who

_MINE = "m.channel = %s and m.chat = %s and m.person = %s"
SENT = "update messages set state = 'sent', due = null, error = null where id = %s and direction <> 'in'"


class StaleError(Exception):
    """A revision that is no longer the one that was read: the transaction is rolled back."""


class RacedError(Exception):
    """Another worker stored the same update meanwhile: the transaction is rolled back, and its result is to be read."""


async def seen_before(db: Connection, address: Address, update_id: str) -> Seen | None:
    """What was answered to an update that was committed before."""
    sql = "select result from updates where channel = %s and chat = %s and update_id = %s"
    found = await rows(db, body_of, sql, (address.channel, address.chat, update_id))
    return Seen(found[0]) if found else None


async def _locked(db: Connection, addresses: Iterable[Address]) -> dict[Address, int]:
    """Each person's revision. Their conversations are locked until the transaction ends, so that ids grow in the order in which commits
    become visible to each person, and two commits for one conversation wait for each other."""
    revisions = {}
    for address in sorted(set(addresses), key=_who):  # in one order everywhere: two commits never wait for each other in a circle
        who = _who(address)
        sql = f"select revision from conversations m where {_MINE} for update"
        if not (found := await rows(db, tuple, sql, who)):
            await db.execute("insert into conversations values (%s, %s, %s, '{}', 0) on conflict do nothing", who)
            found = await rows(db, tuple, sql, who)
        revisions[address] = found[0][0]
    return revisions


async def write(db: Connection, commit: Commit) -> Committed:
    """Write a turn; StaleError and RacedError where it may not be written."""
    revisions = await _locked(db, (commit.address, *(n.address for n in commit.notices)))
    if commit.conversation is not None and revisions[commit.address] != commit.expected_revision:
        raise StaleError
    if commit.erased and await remains_untold(db, commit):
        raise StaleError
    numbers, day, last = await _numbered(db, commit)
    turn = prepared(commit, numbers)
    who, at, result = _who(turn.address), turn.at, encode(turn.result)
    if turn.erased:
        await erase(db, turn.address)
    if turn.update_id is not None:
        sql = "insert into updates values (%s, %s, %s, %s, %s, %s) on conflict do nothing"
        if (await db.execute(sql, (*who[:2], turn.update_id, result, at, who[2]))).rowcount == 0:
            raise RacedError
    if turn.conversation is not None:
        await db.execute(
            "update conversations set body = %s, revision = revision + 1 where channel = %s and chat = %s and person = %s",
            (encode(turn.conversation), *who),
        )
    for counter, (number, new) in enumerate(zip(numbers, turn.created, strict=True), last - len(numbers) + 1):
        values = (number, day, counter, *who, new.kind, new.state, at, at, encode(new.body))
        await db.execute("insert into requests values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 1)", values)
    for r in sorted(turn.changed, key=attrgetter("number")):
        columns = "channel = %s, chat = %s, person = %s, kind = %s, state = %s, changed = %s, body = %s, revision = revision + 1"
        content = (*_who(r.address), r.kind, r.state, r.changed, encode(r.body))
        sql = f"update requests set {columns} where number = %s and revision = %s"
        if (await db.execute(sql, (*content, r.number, r.revision))).rowcount == 0:
            raise StaleError
    about = {n.request for n in turn.notices if n.request is not None}
    if about and len(await rows(db, tuple, "select 1 from requests where number = any(%s)", ([*about],))) < len(about):
        raise StoreError("内容互相矛盾，没有保存：通知指向的请求不存在。请先创建请求，或改正编号。")
    outbox = await _write_messages(db, turn)
    for text in turn.unanswered:
        sql = """insert into unanswered as u values (%s, %s, 1, %s)
        on conflict (digest) do update set count = u.count + 1, last = greatest(u.last, excluded.last)"""
        await db.execute(sql, (hashlib.sha256(text.encode()).hexdigest(), text, at))
    for table, bodies, kept in (("prechecks", turn.prechecks, KEPT_PRECHECKS), ("ratings", turn.ratings, KEPT_RATINGS)):
        for body in bodies:
            (newest,) = await rows(db, tuple, f"insert into {table} (body) values (%s) returning id", (encode(body),))
            await db.execute(f"delete from {table} where id <= %s", (newest[0] - kept,))
    for report in turn.reports:
        expired = "select key from reports where expires <= %s order by expires, key limit %s"
        await db.execute(f"delete from reports where key in ({expired})", (at, PURGED))
        row = "expires = excluded.expires, body = excluded.body, channel = excluded.channel, chat = excluded.chat, person = excluded.person"
        sql = f"insert into reports values (%s, %s, %s, %s, %s, %s) on conflict (key) do update set {row}"
        await db.execute(sql, (report.key, report.expires, encode(report.body), *who))
        oldest = "select key from reports order by expires desc, key limit %s offset %s"
        await db.execute(f"delete from reports where key in ({oldest})", (PURGED, KEPT_REPORTS))
    for item in turn.taken:
        await db.execute(SENT, (item,))
    return Committed(numbers, outbox, json.loads(result))


async def _numbered(db: Connection, commit: Commit) -> tuple[tuple[str, ...], str, int]:
    """The numbers of the requests that a commit creates, their day and its last counter. Whoever files next on this day waits for us."""
    day = day_of(commit.at)
    if not commit.created:
        return (), day, 0
    sql = "insert into counters as c values (%s, %s) on conflict (day) do update set last = c.last + excluded.last returning last"
    ((last,),) = await rows(db, tuple, sql, (day, len(commit.created)))
    return tuple(request_number(day, n) for n in range(last - len(commit.created) + 1, last + 1)), day, last


async def _write_messages(db: Connection, turn: Commit) -> tuple[int, ...]:
    """Store what came in, the replies and the notices, in this order; the outbox ids of the replies."""
    who, state = _who(turn.address), "sent" if turn.delivered else "waiting"
    lines: list[Row] = []
    if turn.incoming is not None:
        lines.append((*who, "in", encode(turn.incoming), turn.at, None, "received"))
    lines += [(*who, "reply", encode(body), turn.at, None, state) for body in turn.replies]
    lines += [(*_who(n.address), "notice", encode(n.body), turn.at, n.request, "waiting") for n in turn.notices]
    if not lines:
        return ()
    places = ", ".join(["(%s, %s, %s, %s, %s, %s, %s, %s)"] * len(lines))
    sql = f"insert into messages (channel, chat, person, direction, body, at, request, state) values {places} returning id"
    ids = [row[0] for row in await rows(db, tuple, sql, [value for line in lines for value in line])]
    first = int(turn.incoming is not None)
    return tuple(ids[first : first + len(turn.replies)])
