"""The real program in a child process that starts in a tenth of the time, and dies where it is told.

A parent that has loaded everything, and runs nothing, is forked for each start (multiprocessing's fork server): from `bot.main` on
it is the program as it is. A `Point` is a moment at which it kills itself: a call of the store or of the channel, or a COMMIT.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import multiprocessing
import os
import pkgutil
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psycopg

import bot
from handlers import drawing, metrics, telegram, web  # noqa: F401 - loaded before the fork
from knowledge import claims, loader
from knowledge.snapshot import Knowledge
from storage import postgres, sqlite  # noqa: F401 - loaded before the fork

COMMIT = "COMMIT"
CLAIMS: Mapping[str, Any] = {"dialogs.delivery.LEASE": timedelta(seconds=4), "dialogs.delivery.LONGEST": 2.0}
"""On PostgreSQL: how long a claim of the outbox outlives who made it: less than the minutes of the program, for nobody waits so long after each kill."""
_FORKS = multiprocessing.get_context("forkserver")


@dataclass(frozen=True, slots=True)
class Point:
    """Where a process kills itself: before or after the `count`th call of this name; for COMMIT, before the `count`th that is run."""

    call: str
    when: str = "before"
    count: int = 1

    def __str__(self) -> str:
        return f"{self.when} {self.call} {self.count}"


@functools.cache
def warm() -> Knowledge:
    """What takes long at a start, done once for all: `tests.faults.warmed` calls it in the parent of all programs."""
    knowledge = loader.load()
    claims.warm()
    return knowledge


class Program:
    """A running program. `arguments` as on the command line; `point`: where it kills itself; `replaced`: constants to be others in it, by their
    full names; `given`: the ends of a pipe as its input and output."""

    def __init__(
        self,
        env: Mapping[str, str],
        log: Path,
        *arguments: str,
        point: Point | None = None,
        replaced: Mapping[str, Any] = MappingProxyType({}),
        given: tuple[Connection, Connection] | None = None,
    ) -> None:
        _FORKS.set_forkserver_preload(["tests.faults.warmed"])
        self.child: BaseProcess = _FORKS.Process(target=_run, args=(dict(env), log, arguments, point, dict(replaced), given))
        self.child.start()

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.child.is_alive()

    def stop(self) -> None:
        """SIGTERM."""
        if self.alive:
            self.child.terminate()

    def kill(self) -> None:
        """`kill -9`, and see it gone."""
        if self.alive:
            self.child.kill()
        self.child.join()

    async def ended(self, seconds: float = 15) -> int:
        """Wait for its end; the exit code, negative for a signal."""
        async with asyncio.timeout(seconds):
            while self.alive:  # noqa: ASYNC110
                await asyncio.sleep(0.002)
        return self.child.exitcode or 0


def _run(
    env: Mapping[str, str],
    log: Path,
    arguments: tuple[str, ...],
    point: Point | None,
    replaced: Mapping[str, Any],
    given: tuple[Connection, Connection] | None,
) -> None:
    """What the child does."""
    with log.open("ab") as out, open(os.devnull, "rb") as nothing:  # noqa: PTH123
        for stream, to in ((0, given[0] if given else nothing), (1, given[1] if given else out), (2, out)):
            os.dup2(to.fileno(), stream)
    sys.stdin, sys.stdout, sys.stderr = open(0, closefd=False), open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
    os.environ.update(env)
    threading.Thread(target=_die_with_the_tests, daemon=True).start()
    read, shipped = loader.load, warm()
    _replace("knowledge.loader.load", lambda folder=loader.SHIPPED, *rest: shipped if folder == loader.SHIPPED else read(folder, *rest))
    for name, value in {**(CLAIMS if env.get("DATABASE_URL") else {}), **replaced}.items():
        _replace(name, value)
    if point:
        _arm(point, "storage.postgres.PostgresStore" if env.get("DATABASE_URL") else "storage.sqlite.SqliteStore")
    sys.exit(bot.main([*arguments]))


def _die_with_the_tests() -> None:
    """No program outlives the tests that started it."""
    parent = multiprocessing.parent_process()
    assert parent
    wait([parent.sentinel])
    os._exit(1)


def _replace(name: str, value: Any) -> None:
    """In this process only, and for good."""
    owner, _, last = name.rpartition(".")
    whole = pkgutil.resolve_name(owner)
    assert hasattr(whole, last), f"{name} is no more"
    setattr(whole, last, value)


def _arm(point: Point, store: str) -> None:
    calls = itertools.count(1)

    def reached(_: object = None) -> None:
        if next(calls) == point.count:
            os.kill(os.getpid(), signal.SIGKILL)
            signal.pause()

    if point.call == COMMIT:
        _before_each_commit(reached, store)
        return
    name = f"{'handlers.telegram.Telegram' if point.call == 'deliver' else store}.{point.call}"
    call = pkgutil.resolve_name(name)

    async def doomed(*given: Any, **named: Any) -> Any:
        if point.when == "before":
            reached()
        done = await call(*given, **named)
        if point.when == "after":
            reached()
        return done

    _replace(name, doomed)


def _before_each_commit(reached: Callable[[object], None], store: str) -> None:
    """Everything is written, and the next statement would make it last."""
    if "postgres" in store:
        leave = psycopg.AsyncTransaction.__aexit__

        async def committing(self: Any, kind: Any, *rest: Any) -> Any:
            if kind is None:
                reached(self)
            return await leave(self, kind, *rest)

        _replace("psycopg.AsyncTransaction.__aexit__", committing)
        return
    connect = sqlite3.connect

    def traced(*given: Any, **named: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*given, **named)
        connection.set_trace_callback(lambda sql: reached(sql) if sql.strip().lower().startswith("commit") else None)
        return connection

    _replace("sqlite3.connect", traced)
