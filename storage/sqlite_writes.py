"""Writes to SQLite that share a transaction, and so one sync to the disk: what waits while one is synced goes with the next."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlite_utils import Database

_T = TypeVar("_T")


class Writes:
    """The writes that wait for the thread of a connection."""

    def __init__(self, db: Database, thread: Executor) -> None:
        self._db, self._thread = db, thread
        self._waiting: deque[tuple[Callable[[], Any], asyncio.Future[Any]]] = deque()
        self._called = False
        """Whether the thread was told to look, and has not yet begun to."""

    def add(self, work: Callable[[], _T]) -> asyncio.Future[_T]:
        """Have a write done; the future is done once it is on the disk. Work of several statements makes itself `whole`."""
        done: asyncio.Future[_T] = asyncio.get_running_loop().create_future()
        self._waiting.append((work, done))
        if not self._called:
            self._called = True
            self._thread.submit(self._drain)
        return done

    def _drain(self) -> None:
        """In the connection's thread: do all that waits. One that fails takes nothing with it; a transaction that fails fails them all."""
        self._called = False  # before the look, so that what comes after it calls again
        batch = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if not batch:
            return  # the call before this one took what came in between
        answers: list[Any] = []
        try:
            with writing(self._db):
                for work, _ in batch:
                    try:
                        answers.append(work())
                    except Exception as error:
                        if not self._db.conn.in_transaction:  # SQLite gave up the whole of it, as it does on a full disk
                            raise
                        answers.append(error)
        except Exception as error:
            answers = [error] * len(batch)
        batch[0][1].get_loop().call_soon_threadsafe(_tell, [done for _, done in batch], answers)


def _tell(waiting: Sequence[asyncio.Future[Any]], answers: Sequence[Any]) -> None:
    for done, answer in zip(waiting, answers, strict=True):
        if done.done():
            continue  # who asked has left
        if isinstance(answer, Exception):
            done.set_exception(answer)
        else:
            done.set_result(answer)


@contextmanager
def writing(db: Database) -> Iterator[None]:
    """A write transaction. It takes the lock before its first read (`atomic` doesn't), so what was checked still holds when written."""
    db.conn.execute("begin immediate")
    try:
        yield
        db.conn.execute("commit")
    except BaseException:
        db.rollback()
        raise


@contextmanager
def whole(db: Database) -> Iterator[Callable[..., sqlite3.Cursor]]:
    """A part of a write transaction that is done whole or not at all."""
    run = db.conn.execute
    run("savepoint whole")
    try:
        yield run
    except BaseException:
        if db.conn.in_transaction:  # else it is gone with everything
            run("rollback to whole")
            run("release whole")
        raise
    run("release whole")
