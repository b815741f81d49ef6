"""A turn written into SQLite, within one transaction."""

from __future__ import annotations

import json

from storage.contract import Commit, Committed
from storage.memory import carriers, day_of, encode, prepared, request_number
from storage.retention import KEPT_PRECHECKS, KEPT_RATINGS, KEPT_REPORTS, PURGED
from storage.sealing import Sealing
from storage.sqlite_personal import Run, erase
from storage.sqlite_rows import text_of, who_of

_INSERT = "insert into messages (channel, chat, person, direction, body, at, request, state, attempts) values (?, ?, ?, ?, ?, ?, ?, ?, 0)"
SENT = "update messages set state = 'sent', due = null, error = null where id = ? and direction <> 'in'"


def write(run: Run, commit: Commit, sealing: Sealing) -> Committed:
    """Write a turn whose revisions were checked."""
    day, counters = day_of(commit.at), range(0)
    if commit.created:
        (last,) = run("select coalesce(max(counter), 0) from requests where day = ?", (day,)).fetchone()
        counters = range(last + 1, last + 1 + len(commit.created))
    numbers = tuple(request_number(day, counter) for counter in counters)
    turn = prepared(commit, numbers)
    who, at, put = who_of(turn.address), text_of(turn.at), sealing.put

    if turn.erased:
        erase(run, turn.address)
    if turn.update_id is not None:
        run(
            "insert into updates values (?, ?, ?, ?, ?, ?)",
            (*who[:2], turn.update_id, put(turn.result, "updates", *who[:2], turn.update_id), at, who[2]),
        )
    if turn.conversation is not None:
        sql = "insert into conversations values (?, ?, ?, ?, 1) on conflict do update set body = excluded.body, revision = revision + 1"
        run(sql, (*who, put(turn.conversation, "conversations", *who)))
    for number, counter, new in zip(numbers, counters, turn.created, strict=True):
        row = (number, day, counter, *who, new.kind, new.state, at, at, put(new.body, "requests", number))
        run("insert into requests values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)", row)
    for r in turn.changed:
        columns = "channel = ?, chat = ?, person = ?, kind = ?, state = ?, changed = ?, body = ?, revision = revision + 1"
        content = (*who_of(r.address), r.kind, r.state, text_of(r.changed), put(r.body, "requests", r.number))
        run(f"update requests set {columns} where number = ?", (*content, r.number))
    if turn.incoming is not None:
        run(_INSERT, (*who, "in", put(turn.incoming, "messages", *who, at), at, None, "received"))
    state = "sent" if turn.delivered else "waiting"
    lines = zip(turn.replies, carriers(commit, numbers), strict=True)
    replies = [(*who, "reply", put(body, "messages", *who, at), at, request, state) for body, request in lines]
    outbox = tuple(run(_INSERT, row).lastrowid or 0 for row in replies)
    for notice in turn.notices:
        to = who_of(notice.address)
        run(_INSERT, (*to, "notice", put(notice.body, "messages", *to, at), at, notice.request, "waiting"))
    for text in turn.unanswered:
        digest = sealing.digest(text)
        sql = "insert into unanswered values (?, ?, 1, ?) on conflict do update set count = count + 1, last = max(last, excluded.last)"
        run(sql, (digest, sealing.seal(text, "unanswered", digest), at))
    for body in turn.prechecks:
        last = run("insert into prechecks (body) values (?)", (encode(body),)).lastrowid or 0
        run("delete from prechecks where id <= ?", (last - KEPT_PRECHECKS,))
    for body in turn.ratings:
        last = run("insert into ratings (body) values (?)", (encode(body),)).lastrowid or 0
        run("delete from ratings where id <= ?", (last - KEPT_RATINGS,))
    for report in turn.reports:
        run("delete from reports where key in (select key from reports where expires <= ? order by expires, key limit ?)", (at, PURGED))
        run(
            "insert or replace into reports values (?, ?, ?, ?, ?, ?)",
            (report.key, text_of(report.expires), put(report.body, "reports", report.key), *who),
        )
        oldest = "select key from reports order by expires desc, key limit ? offset ?"
        run(f"delete from reports where key in ({oldest})", (PURGED, KEPT_REPORTS))
    for item in turn.taken:
        run(SENT, (item,))
    return Committed(numbers, outbox, json.loads(encode(turn.result)))
