"""Taking changed knowledge into use while the bot runs: on a signal, and when files change; what is broken never replaces what works."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from watchfiles import Change, DefaultFilter, awatch

from dialogs.turns import LOCAL, Library
from knowledge import diff, loader
from knowledge.snapshot import Knowledge
from knowledge.strict_yaml import Problem
from storage.contract import Publication, Store

DEBOUNCE = 0.6
"""Seconds without a further change after which a folder is read: editors write several times."""
SHOWN = 8
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Result:
    """What came of reading the knowledge base again."""

    number: int
    """Counts the attempts of this process; the first, at the start, is 0."""
    pid: int
    at: str
    version: str
    """The version in use afterwards."""
    changed: bool
    seconds: float
    changes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    def told(self) -> str:
        """The result as an admin reads it."""
        if self.problems:
            lines = [str(p) for p in self.problems[:SHOWN]]
            rest = [f"……还有 {len(self.problems) - SHOWN} 处，用 bot.py check 看全部"] if len(self.problems) > SHOWN else []
            head = f"知识库有 {len(self.problems)} 处问题，没有换上，继续用原来的版本 {self.version}："
            return "\n".join([head, *lines, *rest])
        if not self.changed:
            return f"知识库没有变化，版本 {self.version}。"
        rest = [f"……共 {len(self.changes)} 处，用 bot.py diff 看全部"] if len(self.changes) > SHOWN else []
        return "\n".join([f"知识库已换成版本 {self.version}（用了 {self.seconds:.2f} 秒）。", *self.changes[:SHOWN], *rest])


class Reloader:
    """Reads a knowledge base again and hands it to the library; one attempt at a time."""

    def __init__(self, library: Library, folder: Path, status: Path, store: Store, tell: Callable[[str], Awaitable[None]]) -> None:
        self._library, self._folder, self._status, self._store, self._tell = library, folder, status, store, tell
        self._asked = asyncio.Event()
        self._count = 0

    async def run(self) -> None:
        """Watch until cancelled. SIGHUP asks for an attempt where the system has that signal."""
        loop, lock = asyncio.get_running_loop(), _locked(self._status)
        watching: asyncio.Task[None] | None = None
        if lock is not None:
            loop.add_signal_handler(signal.SIGHUP, self._asked.set)
        try:
            watching = asyncio.create_task(self._watch())
            await asyncio.sleep(0)  # from here on every change is seen; what changed since the start is seen by the first attempt
            await self.attempt()
            await asyncio.gather(watching, self._serve())
        finally:
            if watching is not None:
                watching.cancel()
            if lock is not None:
                loop.remove_signal_handler(signal.SIGHUP)
                self._status.unlink(missing_ok=True)
                lock.close()

    async def _watch(self) -> None:
        """Ask for an attempt after each burst of changes; a folder that is away for a moment is waited for."""
        while True:
            try:
                async for _ in awatch(self._folder, watch_filter=_YamlOnly(), debounce=int(DEBOUNCE * 1000), step=100, recursive=True):
                    self._asked.set()
            except (FileNotFoundError, OSError) as error:
                log.warning("the knowledge folder %s can't be watched: %s", self._folder, error)
                await asyncio.sleep(DEBOUNCE * 5)

    async def _serve(self) -> None:
        while True:
            await self._asked.wait()
            self._asked.clear()
            await self.attempt()

    async def attempt(self) -> Result:
        """Read the folder; on success the library holds the new knowledge, on any error it keeps the old one."""
        begun, old = time.monotonic(), self._library.knowledge
        try:
            files, unread = await asyncio.to_thread(loader.read_folder, self._folder)
            same = not unread and await asyncio.to_thread(loader.version_of, files) == old.version
            new = old if same else await asyncio.to_thread(loader.of_files, files, False, unread)
        except loader.KnowledgeError as error:
            result = self._result(old, False, begun, problems=tuple(error.problems))
        except Exception as error:
            log.exception("reading the knowledge base failed in an unforeseen way; the old one stays")
            problem = Problem(str(self._folder), 1, 1, f"没有读成：{type(error).__name__}: {error}", "把最近改的文件改回去，并告诉开发人员")
            result = self._result(old, False, begun, problems=(problem,))
        else:
            self._library.knowledge = new  # one assignment: a turn has the old knowledge or the new, never both
            changes = await asyncio.to_thread(lambda: tuple(dict.fromkeys(map(described, diff.changes(loader.tables(old), loader.tables(new))))))
            result = self._result(new, new.version != old.version, begun, changes=changes)
            await self._keep(files)
        self._count += 1
        await self._write(result)
        if result.changed or result.problems:
            await self._tell(result.told())
        return result

    def _result(self, knowledge: Knowledge, changed: bool, begun: float, *, changes: Sequence[str] = (), problems: Sequence[Problem] = ()) -> Result:
        took = round(time.monotonic() - begun, 3)
        return Result(self._count, os.getpid(), _now(), knowledge.version, changed, took, tuple(changes), tuple(problems))

    async def _keep(self, files: Mapping[str, bytes]) -> None:
        texts = {name: data.decode("utf-8-sig", "replace") for name, data in files.items()}
        await self._store.publish(Publication(self._library.knowledge.version, datetime.now(LOCAL), texts))

    async def _write(self, result: Result) -> None:
        """Leave the result for `bot.py reload` and for whoever looks."""
        body = json.dumps(asdict(result), ensure_ascii=False, indent=1)
        partial = self._status.with_suffix(".partial")
        await asyncio.to_thread(partial.write_text, body, "utf-8")
        await asyncio.to_thread(partial.replace, self._status)


async def first(folder: Path, store: Store) -> Knowledge:
    """The knowledge to start with: the folder's, or, where that is broken, the one that was in use last.

    KnowledgeError where the folder is broken and nothing was in use before.
    """
    try:
        return await asyncio.to_thread(loader.load, folder)
    except loader.KnowledgeError as error:
        for publication in await store.published():
            try:
                knowledge = await asyncio.to_thread(restored, publication)
            except loader.KnowledgeError:
                continue  # written for another release
            since = f"{publication.at.astimezone(LOCAL):%m-%d %H:%M}"
            print(f"知识库有 {len(error.problems)} 处问题，先用 {since} 换上的版本 {knowledge.version} 启动。", file=sys.stderr, flush=True)
            return knowledge
        raise


def restored(publication: Publication) -> Knowledge:
    """A knowledge base from what the store kept of it."""
    return loader.of_files({name: text.encode() for name, text in publication.files.items()})


class _YamlOnly(DefaultFilter):
    """Only files that the loader reads."""

    def __call__(self, change: Change, path: str) -> bool:
        return path.endswith((".yaml", ".yml")) and super().__call__(change, path)


def described(change: diff.Change) -> str:
    """A change in words, without its values."""
    how = {"added": "新增", "removed": "删除", "changed": "改了"}[change.how]
    field_name = f"的{change.field}" if change.field else ""
    return f"{how}{diff.kind_name(change.kind)} {change.key}（{change.name}）{field_name}"


def status_file(store: Path) -> Path:
    """Where a running bot with this store leaves the result of its last attempt."""
    return store.with_suffix(".knowledge.json")


def ask(status: Path, wait: float = 20.0) -> Result | None:
    """Ask the running bot to read its knowledge base again and wait for the result; None where no bot answers."""
    before, lock = _read(status), _locked(status)
    if lock is not None:
        lock.close()
    if before is None or lock is not None or not hasattr(signal, "SIGHUP"):
        return None  # nobody holds the lock: a process that now bears this number is another one
    os.kill(before.pid, signal.SIGHUP)
    deadline = time.monotonic() + wait
    while time.monotonic() < deadline:
        if (now := _read(status)) is not None and now.number > before.number:
            return now
        time.sleep(0.05)
    return None


def _locked(status: Path) -> IO[str] | None:
    """The lock of a running bot, taken; None where another process holds it, or where the system has no such locks."""
    try:
        import fcntl
    except ImportError:
        return None
    handle = status.with_suffix(".lock").open("a", encoding="utf-8")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.close()
        return None
    return handle


def _read(status: Path) -> Result | None:
    try:
        body = json.loads(status.read_text(encoding="utf-8"))
        problems = tuple(Problem(**p) for p in body.pop("problems"))
        return Result(**{**body, "changes": tuple(body["changes"]), "problems": problems})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _now() -> str:
    return datetime.now(LOCAL).isoformat(timespec="seconds")
