"""What SQLite's rows and errors are here: records of the contract, and what, where and how to mend it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from operator import attrgetter
from pathlib import Path
from typing import Any

from storage.contract import Address, OutboxItem, Parked, Request, StoreError, Update
from storage.memory import utc
from storage.sealing import Sealing

Row = tuple[Any, ...]
who_of = attrgetter("channel", "chat", "person")
time_of = datetime.fromisoformat
PARKED = "select channel, chat, person, update_id, body, error, at from parked"
REQUEST = "select number, channel, chat, person, kind, state, created, changed, body, revision from requests m"
MESSAGE = "select m.id, m.channel, m.chat, m.person, body, at, request, state, attempts, due, error from messages m"


def text_of(at: datetime) -> str:
    """A time as text: always with microseconds, so that the texts sort as the times do."""
    return utc(at).isoformat(timespec="microseconds")


class Reader:
    """Reads rows whose bodies may be sealed."""

    def __init__(self, sealing: Sealing) -> None:
        self._get = sealing.get

    def request(self, row: Row) -> Request:
        """A request."""
        number, _, _, _, kind, state, created, changed, body, revision = row
        return Request(number, Address(*row[1:4]), kind, state, time_of(created), time_of(changed), self._get(body, "requests", number), revision)

    def item(self, row: Row) -> OutboxItem:
        """A line of the outbox."""
        item, *who, body, at, request, state, attempts, due, error = row
        content = self._get(body, "messages", *who, at)
        return OutboxItem(item, Address(*who), content, time_of(at), request, state, attempts, due and time_of(due), error)

    def parked(self, row: Row) -> Parked:
        """What could not be handled."""
        channel, chat, person, update_id, body, error, at = row
        return Parked(Address(channel, chat, person), update_id, self._get(body, "parked", channel, update_id), error, time_of(at))

    def line(self, row: Row) -> Update | OutboxItem:
        """A line of a transcript."""
        item = self.item(row)
        return item if row[7] != "received" else Update(item.id, item.address, item.body, item.at)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turns SQLite's errors into a StoreError for the person who runs the service: what, where, how to mend it."""
    try:
        yield
    except UnicodeEncodeError as error:
        raise StoreError(f"数据库 {path}：文字里有不成对的代理字符，没有保存（{error}）。请在入口处先清理文字。") from error
    except sqlite3.Error as error:
        what, mend = _FAULTS.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, ("读写失败", "请检查磁盘和文件"))
        raise StoreError(f"数据库 {path}：{what}（{error}）。{mend}。") from error


_FAULTS = {
    sqlite3.SQLITE_CANTOPEN: ("打不开", "请检查路径：所在目录要存在（没有就先 mkdir -p），路径本身不能是目录，有读写权限，并且不是只读挂载"),
    sqlite3.SQLITE_NOTADB: ("不是 SQLite 数据库", "请换一个路径，或先把这个文件移开"),
    sqlite3.SQLITE_BUSY: ("正被另一个进程锁住", "请用 fuser 找出占用它的程序，停掉后再试"),
    sqlite3.SQLITE_READONLY: ("只读，不能写", "请给运行本程序的用户写权限（文件和所在目录都要），并检查磁盘是否只读挂载"),
    sqlite3.SQLITE_FULL: ("磁盘已满，没有保存", "请腾出空间后再试"),
    sqlite3.SQLITE_CORRUPT: ("文件已损坏", "请停掉程序，从备份恢复"),
    sqlite3.SQLITE_CONSTRAINT: ("内容互相矛盾，没有保存", "通知指向的请求必须存在：请先创建请求，或改正编号"),
}
