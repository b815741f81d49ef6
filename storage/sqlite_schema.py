"""The tables in SQLite, and the steps by which a file comes to have them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlite_utils import Database
from sqlite_utils.db import Table

from storage.sealing import PLAIN


def _version_1(db: Database) -> None:
    """The first tables. Rows of `messages` and `requests` are never deleted, only blanked: ids and numbers must not come again."""

    def table(name: str, pk: str | tuple[str, ...], columns: dict[str, type], foreign: Sequence[tuple[str, str, str]] = ()) -> Table:
        return db.create_table(name, columns, pk, list(foreign), not_null=columns.keys() - {"request", "due", "error"}, strict=True)

    who, times = {"channel": str, "chat": str, "person": str}, {"created": str, "changed": str}
    table("conversations", tuple(who), {**who, "body": str, "revision": int})
    number = {"number": str, "day": str, "counter": int}
    requests = table("requests", "number", {**number, **who, "kind": str, "state": str, **times, "body": str, "revision": int})
    requests.create_index(["day", "counter"], unique=True)
    requests.create_index(["created", "counter"])
    requests.create_index([*who])
    delivery = {"request": str, "state": str, "attempts": int, "due": str, "error": str}
    line = {"id": int, **who, "direction": str, "body": str, "at": str, **delivery}
    messages = table("messages", "id", line, [("request", "requests", "number")])
    messages.create_index([*who, "id"])
    db.execute("create index messages_waiting on messages (channel, chat, person, id, due) where state = 'waiting'")
    table("updates", ("channel", "chat", "update_id"), {"channel": str, "chat": str, "update_id": str, "result": str, "at": str})
    table("unanswered", "text", {"text": str, "count": int, "last": str})


def _version_2(db: Database) -> None:
    """Pre-checks without the person, and the knowledge bases that were in use."""
    db.create_table("prechecks", {"id": int, "body": str}, "id", not_null={"body"}, strict=True)
    published = {"id": int, "version": str, "at": str, "files": str}
    db.create_table("published", published, "id", not_null={"version", "at", "files"}, strict=True)


def _version_3(db: Database) -> None:
    """How helpful finished pieces of work were, without the person."""
    db.create_table("ratings", {"id": int, "body": str}, "id", not_null={"body"}, strict=True)


def _version_4(db: Database) -> None:
    """Reports that can be read at a link until they expire."""
    reports = db.create_table("reports", {"key": str, "expires": str, "body": str}, "key", not_null={"expires", "body"}, strict=True)
    reports.create_index(["expires"])


def _version_5(db: Database) -> None:
    """What came in and could not be handled; messages that were given up are found without looking through all of them."""
    parked = {"id": int, "channel": str, "chat": str, "person": str, "update_id": str, "body": str, "error": str, "at": str}
    db.create_table("parked", parked, "id", not_null=parked.keys() - {"id"}, strict=True).create_index(["channel", "update_id"], unique=True)
    db.execute("create index messages_given_up on messages (state, id) where state in ('failed', 'uncertain', 'parked')")


def _persons(db: Database) -> None:
    """Whose each update and each report is, and which messages speak of a request: so that one person's can be given to them and erased.

    What was stored before has no person: such an update counts for everybody in its chat, such a report goes when it expires.
    """
    db.execute("alter table updates add column person text")
    for column in ("channel", "chat", "person"):
        db.execute(f"alter table reports add column {column} text")
    db.execute("create index reports_of on reports (channel, chat, person)")
    db.execute("create index messages_about on messages (request) where request is not null")


def _ages(db: Database) -> None:
    """What is oldest, to be let go of first."""
    db.execute("create index updates_at on updates (at)")
    db.execute("create index unanswered_last on unanswered (last)")
    db.execute("create index requests_changed on requests (changed) where chat <> ''")


def _sealing(db: Database) -> None:
    """Which keys sealed something here; and questions without an answer by their digest, since a sealed text is never the same twice."""
    db.execute("create table sealing (key text primary key, proof text not null) strict")
    asked = db.execute("select text, count, last from unanswered").fetchall()
    db.execute("drop table unanswered")
    db.execute("create table unanswered (digest text primary key, text text not null, count integer not null, last text not null) strict")
    for text, count, last in asked:
        db.execute("insert into unanswered values (?, ?, ?, ?)", (PLAIN.digest(text), text, count, last))
    db.execute("create index unanswered_last on unanswered (last)")


def _figures(db: Database) -> None:
    """What is counted for whoever watches, without reading any body."""
    db.execute("create index requests_by_state on requests (state, created)")
    db.execute("create index messages_waiting_since on messages (channel, at) where state = 'waiting'")


STEPS: tuple[Callable[[Database], None], ...] = (_version_1, _version_2, _version_3, _version_4, _version_5, _persons, _ages, _sealing, _figures)
"""The schema's history, oldest first. A step that has shipped never changes; a new one goes to the end."""
