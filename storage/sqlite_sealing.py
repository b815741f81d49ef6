"""Keys in SQLite: which of them sealed something in a file, and putting everything under the one that seals now."""

from __future__ import annotations

from pathlib import Path

from storage.sealing import Column, Sealing
from storage.sqlite_personal import Run


def check_keys(run: Run, sealing: Sealing, path: Path) -> None:
    """StoreError where a key that was used here is missing or another; the one that seals now is noted."""
    if proof := sealing.proof():
        run("insert into sealing values (?, ?) on conflict do nothing", proof)
    sealing.check(dict(run("select key, proof from sealing")), f"数据库 {path}")


def reseal(run: Run, sealing: Sealing, column: Column, after: int, limit: int) -> tuple[int, int | None]:
    """Look at the next rows of a table and seal anew what is not under the key that seals now; how many were, and where to go on.

    The whole step is one transaction: nobody else writes meanwhile.
    """
    names = ", ".join(column.bound)
    rows = run(f"select rowid, {column.name}, {names} from {column.table} where rowid > ? order by rowid limit ?", (after, limit)).fetchall()
    old = [(row, stored, bound) for row, stored, *bound in rows if not sealing.is_current(stored)]
    for row, stored, bound in old:
        again = sealing.seal(sealing.open(stored, column.table, *bound), column.table, *bound)
        run(f"update {column.table} set {column.name} = ? where rowid = ?", (again, row))
    return len(old), rows[-1][0] if rows else None


def reseal_unanswered(run: Run, sealing: Sealing, limit: int) -> int:
    """The same for messages without an answer, whose digests change with the key; how many were sealed anew."""
    if sealing.first is None:
        return 0
    current = f"sealed:{sealing.first}:"
    rows = run("select digest, text, count, last from unanswered where substr(text, 1, ?) <> ? limit ?", (len(current), current, limit)).fetchall()
    for digest, stored, count, last in rows:
        text = sealing.open(stored, "unanswered", digest)
        again = sealing.digest(text)
        run("delete from unanswered where digest = ?", (digest,))
        merged = "on conflict do update set count = count + excluded.count, last = max(last, excluded.last)"
        run(f"insert into unanswered values (?, ?, ?, ?) {merged}", (again, sealing.seal(text, "unanswered", again), count, last))
    return len(rows)


def forget_keys(run: Run, sealing: Sealing) -> None:
    """Note that only the key that seals now is in use: the others may go."""
    run("delete from sealing where key <> ?", (sealing.first,))
