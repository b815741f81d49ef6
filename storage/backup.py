"""Copies of a SQLite store: taken while it runs, checked, and put back."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

from storage import sqlite_files
from storage.contract import StoreError
from storage.sealing import PLAIN, Sealing

_BROKEN = "没有备份。停掉程序，用 python bot.py restore 换上以前的备份"


def checksum_file(backup: Path) -> Path:
    """Where the checksum of a backup lies, in the form that `sha256sum -c` reads."""
    return backup.with_name(f"{backup.name}.sha256")


def backup(source: Path, target: Path) -> int:
    """Copy a store as it is at one moment, while it may be written to; the size in bytes. StoreError where that can't be done."""
    if not source.exists():
        raise StoreError(f"数据文件 {source} 不存在：检查设置 STORE。")
    if target.exists():
        raise StoreError(f"{target} 已经有了，没有覆盖。换一个文件名，例如带上日期。")
    sqlite_files.check(source)
    part = target.with_name(f"{target.name}.part")
    try:
        target.parent.mkdir(0o700, parents=True, exist_ok=True)
        part.touch(0o600)
        with closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as one, closing(sqlite3.connect(part)) as other:
            one.backup(other)
            _sound(other, source, _BROKEN)
        _synced(part)
        checksum_file(target).write_text(f"{_digest(part)}  {target.name}\n", encoding="utf-8")
        part.replace(target)
    except (sqlite3.Error, OSError) as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise StoreError(f"{source} 坏了（{error}）。{_BROKEN}。") from error
        raise StoreError(f"没有备份成 {target}：{error}。检查路径、权限和磁盘。") from error
    finally:
        with suppress(OSError):
            part.unlink()
    return target.stat().st_size


def remember(source: Path, target: Path) -> None:
    """Note beside a store where its last backup lies, where that may be written."""
    with suppress(OSError):
        _note(source).write_text(str(target.absolute()), encoding="utf-8")


def last(source: Path) -> tuple[Path, datetime] | None:
    """Where the last backup of a store was put, and when; None where there was none."""
    note = _note(source)
    return (Path(note.read_text(encoding="utf-8")), datetime.fromtimestamp(note.stat().st_mtime, UTC)) if note.exists() else None


def _note(source: Path) -> Path:
    return source.with_name(f"{source.name}.last-backup")


def newest(path: Path) -> datetime | None:
    """When the last line of a store was said."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as file:
        found = file.execute("select at from messages order by id desc limit 1").fetchone()
    return datetime.fromisoformat(found[0]) if found else None


def check(copy: Path) -> None:
    """StoreError where a backup is not what was written, or not a sound store."""
    try:
        expected = checksum_file(copy).read_text(encoding="utf-8").split()[0]
        found = _digest(copy)
    except (OSError, IndexError) as error:
        raise StoreError(f"读不了备份 {copy} 或它的校验文件 {checksum_file(copy).name}：{error}。两个文件要放在一起。") from error
    if found != expected:
        raise StoreError(f"备份 {copy} 和校验文件对不上：文件坏了或被改过。换另一份备份。")
    with closing(sqlite3.connect(f"{copy.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as file:
        _sound(file, copy, "换另一份备份")


def check_keys(path: Path, sealing: Sealing, *, copy: bool = False) -> None:
    """StoreError where a store, or a copy that nobody writes to, holds what these keys don't open."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if copy else ''}", uri=True)) as file:
        sealed = file.execute("select 1 from sqlite_master where type = 'table' and name = 'sealing'").fetchone()
        sealing.check(dict(file.execute("select key, proof from sealing")) if sealed else {}, str(path))


def restore(copy: Path, target: Path, now: datetime, sealing: Sealing = PLAIN) -> Path | None:
    """Put a backup in the place of a store; where the old one lies now (None where there was none). Nobody may be using the store.

    `sealing`: the keys that are to open it; where they don't, nothing is put back.
    """
    check(copy)
    check_keys(copy, sealing, copy=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    try:
        part.touch(0o600)
        shutil.copyfile(copy, part)
        _synced(part)
        aside = None
        if target.exists():
            aside = target.with_name(f"{target.name}.before-{now:%Y%m%d-%H%M%S}")
            with suppress(sqlite3.Error), closing(sqlite3.connect(target)) as old:  # its log goes into it, unless it is broken
                old.execute("pragma wal_checkpoint(truncate)")
            aside.hardlink_to(target)  # at no moment there is no store under its name
            for ending in ("-wal", "-shm"):
                if (log := target.with_name(target.name + ending)).exists():
                    log.replace(aside.with_name(aside.name + ending))
        part.replace(target)
    except OSError as error:
        raise StoreError(f"没有恢复到 {target}：{error}。检查路径、权限和磁盘。") from error
    finally:
        part.unlink(missing_ok=True)
    return aside


def check_store(path: Path) -> None:
    """StoreError where a store, in use or not, is broken."""
    sqlite_files.check(path)
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as file:
        _sound(file, path, "要换上备份")


def _sound(file: sqlite3.Connection, path: Path, mend: str) -> None:
    try:
        (told,) = file.execute("pragma integrity_check(1)").fetchone()
        file.execute("select 1 from conversations limit 1")
    except sqlite3.Error as error:
        raise StoreError(f"{path} 不是园企通的数据文件，或者坏了（{error}）。{mend}。") from error
    if told != "ok":
        raise StoreError(f"{path} 坏了（{told.splitlines()[-1]}）。{mend}。")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _synced(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
