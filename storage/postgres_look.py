"""A look at a PostgreSQL that changes nothing: its version, its settings, its clock, and who uses it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import AsyncConnection

from storage.postgres_rows import explained, place_in, rows

_SETTINGS = (
    "fsync",
    "full_page_writes",
    "synchronous_commit",
    "max_connections",
    "superuser_reserved_connections",
    "server_version",
    "server_encoding",
)
_LOOK = """
select current_setting('server_version_num')::int, pg_database_size(current_database()), pg_is_in_recovery(),
    (select count(*) from pg_stat_activity where backend_type = 'client backend'),
    extract(epoch from clock_timestamp())::float8, to_regclass('conversations') is not null,
    has_schema_privilege(current_schema(), 'create'), to_regclass('sealing') is not null"""


@dataclass(frozen=True, slots=True)
class Server:
    """What was seen. `version` as 180001; `size` of the database in bytes; `replica`: it can't be written; `used`: connections."""

    name: str
    version: int
    size: int
    replica: bool
    used: int
    ahead: float
    """Seconds by which its clock is ahead of ours."""
    unsure: float
    """Seconds by which that may be wrong: half of the way there and back."""
    tables: bool
    may_create: bool
    settings: Mapping[str, str]
    proofs: Mapping[str, str]
    """By which keys something was sealed, each with what shows that it is the same (see `Sealing.check`)."""


async def look(url: str, wait: float = 5.0) -> Server:
    """Look at a database; StoreError where it can't be had. `wait`: seconds for the connection."""
    place, name = place_in(url)
    how: dict[str, Any] = {"autocommit": True, "connect_timeout": max(2, int(wait)), "options": place.get("options") or ""}
    with explained(name):
        async with await AsyncConnection.connect(url, **how) as connection:
            await rows(connection, tuple, _LOOK)  # the first time, it looks things up
            asked = time.time()
            ((version, size, replica, used, clock, tables, may_create, sealed),) = await rows(connection, tuple, _LOOK)
            unsure = (time.time() - asked) / 2
            settings = await rows(connection, tuple, "select name, current_setting(name) from pg_settings where name = any(%s)", ([*_SETTINGS],))
            proofs = await rows(connection, tuple, "select key, proof from sealing") if sealed else []
    return Server(name, version, size, replica, used, clock - asked - unsure, unsure, tables, bool(may_create), dict(settings), dict(proofs))
