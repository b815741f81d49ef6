"""SQLite's files: whether what is written goes where the store lies, and whether its write-ahead log is whole.

SQLite ends reading the log (https://sqlite.org/walformat.html) at the first place that it cannot read, and says nothing: right after a crash
that is the end of what was being written. In a log that was damaged it would quietly drop turns that were acknowledged.
"""

from __future__ import annotations

import os
import sqlite3
import struct
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from storage.contract import StoreError

_HEAD, _FRAME = 32, 24
_MAGIC = (0x377F0682, 0x377F0683)


@dataclass(frozen=True, slots=True)
class Log:
    """A log before SQLite opens it: its salts (None where its head is broken), and the frames that end a transaction, counted from 1."""

    salts: bytes | None = None
    ends: tuple[int, ...] = ()


def check_place(store: Path, opened: os.stat_result) -> None:
    """StoreError where a store's file is no longer the one that was opened: what is written to that one would be gone with this program."""
    try:
        there = store.stat()
    except OSError:
        there = None
    if there is None or (there.st_dev, there.st_ino) != (opened.st_dev, opened.st_ino):
        raise StoreError(f"数据库 {store} 不在原处了，或者换成了别的文件，没有保存。请把原来的文件放回去；找不到了，就停掉程序，从备份恢复。")


def log_of(store: Path) -> Path:
    """Where the log of a store lies."""
    return store.with_name(f"{store.name}-wal")


def _read(store: Path) -> Log:
    try:
        with log_of(store).open("rb") as file:
            if len(head := file.read(_HEAD)) < _HEAD:
                return Log()
            magic, _, page = struct.unpack(">III", head[:12])
            whole = _whole(head, magic)
            if not whole:  # the transactions may still be there
                page = _page_size(store)
            ends, number, salts = list[int](), 0, head[16:24] if whole else None
            while True:
                file.seek(_HEAD + number * (_FRAME + page))
                if len(frame := file.read(_FRAME)) < _FRAME:
                    return Log(salts if whole else None, tuple(ends))
                number, salts = number + 1, salts or frame[8:16]
                if frame[8:16] == salts and frame[4:8] != bytes(4):
                    ends.append(number)
    except OSError:
        return Log()


def check(store: Path) -> None:
    """StoreError where SQLite does not take up all that the log of a store holds. Nothing is changed: only a connection that can write does away
    with the log when it is closed."""
    before = _read(store)
    if not before.ends:
        return
    try:
        with closing(sqlite3.connect(f"{store.absolute().as_uri()}?mode=ro", uri=True)) as file:
            file.execute("select 1 from sqlite_schema").fetchone()  # takes up the log, if nobody has yet
            index = store.with_name(f"{store.name}-shm").read_bytes()[:40]
    except (sqlite3.Error, OSError):
        return  # whoever opens it to work with it finds out
    (taken_up,) = struct.unpack("=I", index[16:20])
    if before.salts is not None and before.salts != index[32:40]:
        return  # another process has begun a new log, and had taken up the old one
    lost = sum(end > taken_up for end in before.ends)
    if lost > 1 or (lost and before.salts is None):  # one alone: the power went while it was written, and nobody was told that it was stored
        log = log_of(store).name
        raise StoreError(
            f"数据库 {store} 的日志 {log} 坏了：里面有 {lost} 次保存读不出来。请用 python bot.py restore 换上备份；"
            f"没有备份，就先把两个文件都留一份，再运行 sqlite3 {store} 'pragma wal_checkpoint(truncate)'，留下还读得出的。"
        )


def _whole(head: bytes, magic: int) -> bool:
    if magic not in _MAGIC:
        return False
    words = struct.unpack(">6I" if magic & 1 else "<6I", head[:24])
    one = two = 0
    for first, second in zip(words[::2], words[1::2], strict=True):
        one = (one + first + two) & 0xFFFFFFFF
        two = (two + second + one) & 0xFFFFFFFF
    return struct.unpack(">II", head[24:]) == (one, two)


def _page_size(store: Path) -> int:
    with store.open("rb") as file:
        (size,) = struct.unpack(">H", file.read(18)[16:])
    return 65536 if size == 1 else max(512, size)
