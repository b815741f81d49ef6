"""The tables in PostgreSQL, and how a database comes to have them."""

from __future__ import annotations

from storage.contract import StoreError
from storage.postgres_rows import Connection, rows

_STEPS = (
    """
    create table conversations (
        channel text, chat text, person text, body text not null, revision bigint not null, primary key (channel, chat, person));
    create table counters (day text primary key, last integer not null);
    create table requests (
        number text primary key, day text not null, counter integer not null,
        channel text not null, chat text not null, person text not null, kind text not null, state text not null,
        created timestamptz not null, changed timestamptz not null, body text not null, revision bigint not null,
        unique (day, counter));
    create index requests_newest on requests (created, counter);
    create index requests_of on requests (channel, chat, person);
    create table messages (
        id bigint generated always as identity primary key,
        channel text not null, chat text not null, person text not null, direction text not null, body text not null,
        at timestamptz not null, request text, state text not null, attempts integer not null default 0,
        due timestamptz, error text, held timestamptz);
    create index messages_of on messages (channel, chat, person, id);
    create index messages_waiting on messages (channel, chat, id) where state = 'waiting';
    create table updates (
        channel text, chat text, update_id text, result text not null, at timestamptz not null, primary key (channel, chat, update_id));
    create table unanswered (digest text primary key, text text not null, count bigint not null, last timestamptz not null);
    create table prechecks (id bigint generated always as identity primary key, body text not null);
    create table ratings (id bigint generated always as identity primary key, body text not null);
    create table reports (key text primary key, expires timestamptz not null, body text not null);
    create index reports_expire on reports (expires);
    create table published (
        id bigint generated always as identity primary key, version text not null, at timestamptz not null, files text not null);
    """,
    """
    create table parked (
        id bigint generated always as identity primary key,
        channel text not null, chat text not null, person text not null, update_id text not null, body text not null, error text not null, at timestamptz not null,
        unique (channel, update_id));
    create index messages_given_up on messages (state, id) where state in ('failed', 'uncertain', 'parked');
    create table buckets (key text primary key, full_at timestamptz not null);
    """,
    # Whose each update and each report is, and which messages speak of a request. What was stored before has no person.
    """
    alter table updates add column person text;
    alter table reports add column channel text, add column chat text, add column person text;
    create index reports_of on reports (channel, chat, person);
    create index messages_about on messages (request) where request is not null;
    create index updates_at on updates (at);
    create index unanswered_last on unanswered (last);
    create index requests_changed on requests (changed) where chat <> '';
    """,
    # Which keys sealed something here.
    """
    create table sealing (key text primary key, proof text not null);
    """,
    # What is counted for whoever watches, without reading any body.
    """
    create index requests_by_state on requests (state, created);
    create index messages_waiting_since on messages (channel, at) where state = 'waiting';
    """,
)
"""The schema's history, oldest first. A step that has shipped never changes; a new one goes to the end."""
OLDEST = 14_00_00
"""The first version that ends a session which stands still (`idle_session_timeout`)."""
_LOCK = 0x79717431
"""The advisory lock of whoever brings the schema up to date."""


async def migrate(db: Connection, name: str) -> None:
    """Bring the schema up to date; of several workers that start at once, one does it and the others wait."""
    ((version, shown),) = await rows(db, tuple, "select current_setting('server_version_num')::int, current_setting('server_version')")
    if version < OLDEST:
        raise StoreError(f"数据库 {name} 是 PostgreSQL {shown}，太旧了。请升级到 {OLDEST // 10000} 或更新（pg_upgrade）。")
    async with db.transaction():
        await db.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
        await db.execute("create table if not exists yuanqitong_schema (step integer primary key, at timestamptz not null default now())")
        applied = {row[0] for row in await rows(db, tuple, "select step from yuanqitong_schema")}
        if applied - set(range(1, len(_STEPS) + 1)):
            raise StoreError(f"数据库 {name} 由更新版本的程序写成。请升级程序，或换用升级前的备份。")
        if not applied and await rows(db, tuple, "select 1 from pg_tables where schemaname = current_schema() and tablename = 'conversations'"):
            raise StoreError(f"数据库 {name} 里已有别的程序的表。请换一个库，不要与别的程序共用。")
        for number, step in enumerate(_STEPS, 1):
            if number not in applied:
                await db.execute(step)
                await db.execute("insert into yuanqitong_schema (step) values (%s)", (number,))
