"""What PostgreSQL's rows and errors are here: records of the contract, and what, where and how to mend it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter
from typing import Any, TypeVar

import psycopg
from psycopg import AsyncConnection, errors
from psycopg.abc import Buffer
from psycopg.conninfo import conninfo_to_dict
from psycopg.types.string import StrDumper, TextLoader
from psycopg_pool import PoolClosed, PoolTimeout

from storage.contract import Address, Json, OutboxItem, Parked, Request, StoreError, Update
from storage.sealing import Sealing, moment

T = TypeVar("T")
Row = tuple[Any, ...]
who_of = attrgetter("channel", "chat", "person")
PARKED = "select channel, chat, person, update_id, body, error, at from parked"
REQUEST = "select number, channel, chat, person, kind, state, created, changed, body, revision from requests m"
MESSAGE = "select m.id, m.channel, m.chat, m.person, m.body, m.at, m.request, m.state, m.attempts, m.due, m.error from messages m"
Connection = AsyncConnection[Row]


class _Put(StrDumper):
    """Texts as PostgreSQL can hold them: it has no character 0, so that a character which no text may have stands for it."""

    def dump(self, obj: str) -> Buffer | None:
        """The text to be stored."""
        return super().dump(obj.replace("\0", _ZERO))


class _Got(TextLoader):
    """The text as it was."""

    def load(self, data: Buffer) -> bytes | str:
        """The text that was stored."""
        text = super().load(data)
        return text.replace(_ZERO, "\0") if isinstance(text, str) else text


_ZERO = "\ufdd0"
"""One of Unicode's noncharacters, which are for a program's own use."""


async def configure(connection: Connection) -> None:
    """Make a connection put texts in and get them out as they were."""
    connection.adapters.register_dumper(str, _Put)
    connection.adapters.register_loader("text", _Got)


def place_in(url: str) -> tuple[dict[str, Any], str]:
    """What an address says, and its name without the password; StoreError where it says nothing."""
    try:
        place = conninfo_to_dict(url)
        if "@" in str(place.get("host")):  # a sign of the password was taken for the end of it
            raise psycopg.ProgrammingError("@")
    except psycopg.ProgrammingError:
        how_to = "写成 postgresql://用户:密码@主机:5432/库名，密码里的 @ : / ? # 要按网址转义（@ 写 %40）"
        raise StoreError(f"DATABASE_URL 的写法不对。{how_to}。") from None  # what is wrong with it may hold the password
    return place, f"{place.get('host') or '本机'}/{place.get('dbname') or place.get('user') or ''}"


async def rows(db: Connection, shape: Callable[[Row], T], sql: str, values: Sequence[Any] | dict[str, Any] | None = None) -> list[T]:
    """What a statement returns, each row in its shape."""
    cursor = await db.execute(sql, values)
    return [shape(row) for row in await cursor.fetchall()]


def body_of(row: Row) -> Json:
    """A body that stands alone."""
    found: Json = json.loads(row[0])
    return found


class Reader:
    """Reads rows whose bodies may be sealed."""

    def __init__(self, sealing: Sealing) -> None:
        self._get = sealing.get

    def request(self, row: Row) -> Request:
        """A request."""
        number, _, _, _, kind, state, created, changed, body, revision = row
        return Request(number, Address(*row[1:4]), kind, state, created, changed, self._get(body, "requests", number), revision)

    def item(self, row: Row) -> OutboxItem:
        """A line of the outbox."""
        item, *who, body, at, request, state, attempts, due, error = row
        return OutboxItem(item, Address(*who), self._get(body, "messages", *who, moment(at)), at, request, state, attempts, due, error)

    def parked(self, row: Row) -> Parked:
        """What could not be handled."""
        channel, chat, person, update_id, body, error, at = row
        return Parked(Address(channel, chat, person), update_id, self._get(body, "parked", channel, update_id), error, at)

    def line(self, row: Row) -> Update | OutboxItem:
        """A line of a transcript."""
        item = self.item(row)
        return item if row[7] != "received" else Update(item.id, item.address, item.body, item.at)


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Turns errors of the database into a StoreError for the person who runs the service: what, where, how to mend it."""
    try:
        yield
    except (errors.DeadlockDetected, errors.SerializationFailure):
        raise
    except PoolTimeout as error:
        raise StoreError(f"数据库 {name}：等了很久没有空的连接。请看数据库是否还在运行、连接数够不够。") from error
    except PoolClosed as error:
        raise StoreError(f"数据库 {name} 已经关闭，不能再读写。请重新打开（PostgresStore.open）。") from error
    except UnicodeEncodeError as error:
        raise StoreError(f"数据库 {name}：文字里有不成对的代理字符，没有保存（{error}）。请在入口处先清理文字。") from error
    except psycopg.Error as error:
        what, mend = next((told for kind, told in _FAULTS if isinstance(error, kind)), ("读写失败", "请检查数据库"))
        raise StoreError(f"数据库 {name}：{what}（{_first_line(error)}）。{mend}。") from error


_FAULTS: tuple[tuple[type[psycopg.Error], tuple[str, str]], ...] = (
    (errors.InvalidPassword, ("用户名或密码不对", "请检查 DATABASE_URL")),
    (errors.InvalidAuthorizationSpecification, ("这个用户不能登录", "请检查 DATABASE_URL 和数据库的访问规则")),
    (errors.InvalidCatalogName, ("没有这个库", "请先建库：createdb 库名")),
    (errors.InsufficientPrivilege, ("没有权限", "请给 DATABASE_URL 里的用户建表和读写的权限")),
    (errors.ReadOnlySqlTransaction, ("只读，不能写", "请连到主库")),
    (errors.LockNotAvailable, ("正被别的事务锁住", "请看是否有长时间不结束的事务")),
    (errors.DiskFull, ("磁盘已满，没有保存", "请腾出空间后再试")),
    (errors.TooManyConnections, ("连接数用完了", "请调高 max_connections，或减少进程")),
    (psycopg.DataError, ("文字里有数据库不能存的字符，没有保存", "请在入口处先清理文字")),
    (psycopg.OperationalError, ("连不上或断开了", "请看数据库是否在运行，网络和 DATABASE_URL 是否正确")),
)


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
