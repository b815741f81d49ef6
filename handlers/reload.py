"""Taking changed knowledge into use while the bot runs: on a signal, and when files change; what is broken never replaces what works."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

from dialogs.turns import LOCAL, Library
from knowledge import diff, loader
from knowledge.snapshot import Knowledge
from knowledge.strict_yaml import Problem
from storage.contract import Publication, Store, StoreError

LOOK = 0.5
"""Seconds between two looks at the folder; it is read when two in a row agree, since editors write several times."""
STILL = 10
"""How often a folder is read that changes while it is read."""
FOLLOW = 2.0
"""Seconds between two looks for what another process published."""
_SIGNAL = getattr(signal, "SIGUSR1", signal.SIGTERM)
"""Asks for an attempt. Not SIGHUP: that one says that the terminal is gone."""
SHOWN = 8
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Result:
    """What came of reading the knowledge base again."""

    number: int
    """Counts the attempts of this process; the first, at the start, is 0."""
    pid: int
    begun: float
    """When the attempt began, in seconds since 1970."""
    version: str
    """The version in use afterwards."""
    changed: bool
    seconds: float
    changes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    mended: bool = False
    """Whether the attempt before had problems and this one has none."""

    def told(self) -> str:
        """The result as an admin reads it."""
        if self.problems:
            lines = [str(p) for p in self.problems[:SHOWN]]
            rest = [f"……还有 {len(self.problems) - SHOWN} 处，用 bot.py check 看全部"] if len(self.problems) > SHOWN else []
            head = f"知识库有 {len(self.problems)} 处问题，没有换上，继续用原来的版本 {self.version}："
            return "\n".join([head, *lines, *rest])
        if not self.changed:
            return f"知识库{'的问题改好了' if self.mended else '没有变化'}，版本 {self.version}。"
        rest = [f"……共 {len(self.changes)} 处，用 bot.py diff 看全部"] if len(self.changes) > SHOWN else []
        return "\n".join([f"知识库已换成版本 {self.version}（用了 {self.seconds:.2f} 秒）。", *self.changes[:SHOWN], *rest])


class Reloader:
    """Reads a knowledge base again and hands it to the library; one attempt at a time. Nothing that goes wrong here stops the bot."""

    def __init__(self, library: Library, folder: Path, status: Path, store: Store, tell: Callable[[str], Awaitable[None]]) -> None:
        self._library, self._folder, self._status, self._store, self._tell = library, folder, status, store, tell
        self._asked = asyncio.Event()
        self._count = 0
        self._troubled = False
        """Whether the last attempt found problems."""

    async def run(self) -> None:
        """Watch until cancelled. Of several bots with one store, one takes the signal and leaves its results."""
        loop, lock = asyncio.get_running_loop(), await _taken(self._status)
        if lock is not None:
            loop.add_signal_handler(_SIGNAL, self._asked.set)
        try:
            seen = await asyncio.to_thread(_look, self._folder)
            if not await self._known(await asyncio.to_thread(_version, self._folder)):
                await self.attempt(leave=lock is not None)  # what changed between the first load and this look
            elif lock is not None:
                now = Result(self._count, os.getpid(), time.time(), self._library.knowledge.version, changed=False, seconds=0.0)
                await self._surely(asyncio.to_thread(self._leave, now))
            await asyncio.gather(self._watch(seen), self._serve(lock is not None), self._follow())
        finally:
            if lock is not None:
                loop.remove_signal_handler(_SIGNAL)
                self._status.unlink(missing_ok=True)
                lock.close()

    async def _known(self, version: str) -> bool:
        """Whether a version was in use already; a database that is away is waited for."""
        while True:
            try:
                return await _earlier(self._store, version)
            except StoreError:
                log.exception("问不到换上过哪些知识库，接着再试")
                await asyncio.sleep(FOLLOW)

    async def _watch(self, seen: object) -> None:
        """Ask for an attempt when the folder looks different and has looked so for a moment.

        Looking beats listening here: folders that are renamed, swapped or mounted from elsewhere send no events.
        """
        while True:
            await asyncio.sleep(LOOK)
            now = await asyncio.to_thread(_look, self._folder)
            if now != seen:
                await asyncio.sleep(LOOK)
                if now == await asyncio.to_thread(_look, self._folder):
                    seen = now
                    self._asked.set()

    async def _follow(self) -> None:
        """Take up what another process published, where a store is shared."""
        while self._store.shared:
            await asyncio.sleep(FOLLOW)
            await self._surely(self._take_up())

    async def _take_up(self) -> None:
        begun, version = time.monotonic(), await self._store.in_use()
        if version in (None, self._library.knowledge.version):
            return
        (publication,) = await self._store.published(1, version)
        self._library.knowledge = await asyncio.to_thread(restored, publication)
        # The process that published it has told the admins.
        print(f"知识库已换成别处发布的版本 {version}（用了 {time.monotonic() - begun:.2f} 秒）。", file=sys.stderr, flush=True)

    async def _serve(self, leave: bool) -> None:
        while True:
            await self._asked.wait()
            self._asked.clear()
            await self.attempt(leave)

    async def attempt(self, leave: bool = True) -> Result:
        """Read the folder; on success the library holds the new knowledge, on any error it keeps the old one."""
        begun, started, old = time.time(), time.monotonic(), self._library.knowledge
        changes: tuple[str, ...] = ()
        problems: tuple[Problem, ...] = ()
        try:
            files, unread = await asyncio.to_thread(_still, self._folder)
            if unread or await asyncio.to_thread(loader.version_of, files) != old.version:
                new = await asyncio.to_thread(loader.of_files, files, False, unread)
                changes = await asyncio.to_thread(_changes, old, new)
                self._library.knowledge = new  # one assignment: a turn has the old knowledge or the new, never both
        except loader.KnowledgeError as error:
            problems = tuple(error.problems)
        except Exception as error:
            log.exception("知识库没有读成，出了意料之外的错，继续用原来的")
            problems = (Problem(str(self._folder), 1, 1, f"没有读成：{type(error).__name__}: {error}", "把最近改的文件改回去，并告诉开发人员"),)
        in_use = self._library.knowledge
        result = Result(
            self._count,
            os.getpid(),
            begun,
            in_use.version,
            in_use is not old,
            round(time.monotonic() - started, 3),
            changes,
            problems,
            self._troubled and not problems,
        )
        self._count, self._troubled = self._count + 1, bool(problems)
        if not problems:
            await self._surely(self._keep(in_use.version, files, result.changed))
        if leave:
            await self._surely(asyncio.to_thread(self._leave, result))
        if result.changed or problems or result.mended:
            await self._surely(self._tell(result.told()))
        return result

    @staticmethod
    async def _surely(work: Awaitable[None]) -> None:
        """Do what may fail without taking the bot with it: a store that is locked, a disk that is full, a terminal that is gone."""
        try:
            await work
        except Exception:
            log.exception("知识库换上前后有一步没有做成，别的照常")

    async def _keep(self, version: str, files: Mapping[str, bytes], changed: bool) -> None:
        if not changed and await _earlier(self._store, version):
            return  # somebody else published another while this one was looked at
        texts = {name: data.decode("utf-8-sig", "replace") for name, data in files.items()}
        await self._store.publish(Publication(version, datetime.now(LOCAL), texts))

    def _leave(self, result: Result) -> None:
        """Leave the result for `bot.py reload` and for whoever looks."""
        partial = self._status.with_suffix(".partial")
        partial.write_text(json.dumps(asdict(result), ensure_ascii=False, indent=1), "utf-8")
        partial.replace(self._status)


def _look(folder: Path) -> object:
    """What a folder looks like from outside: the files that the loader reads, with their times, sizes and identities."""
    seen = []
    for file in loader.files_in(folder):
        with contextlib.suppress(OSError):
            stat = file.stat()
            seen.append((str(file), stat.st_mtime_ns, stat.st_size, stat.st_ino))
    return seen


def _still(folder: Path) -> tuple[dict[str, bytes], list[Problem]]:
    """What a folder holds at one moment: read again where it changed under the reading, since half of each of two versions is neither."""
    for _ in range(STILL):
        before = _stamp(folder)
        found = loader.read_folder(folder)
        if _stamp(folder) == before:
            return found
        time.sleep(LOOK)
    return {}, [Problem(str(folder), 1, 1, "文件一直在变，没有读成", "等复制或保存做完，再运行 bot.py reload")]


def _stamp(folder: Path) -> object:
    """What no change of a folder leaves as it was, not even one that is taken back."""
    seen = []
    for path in (folder, *loader.files_in(folder)):
        with contextlib.suppress(OSError):
            stat = path.stat()
            seen.append((str(path), stat.st_ino, stat.st_ctime_ns))
    return seen


def _changes(old: Knowledge, new: Knowledge) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(described, diff.changes(loader.tables(old), loader.tables(new)))))


async def _earlier(store: Store, version: str) -> bool:
    """Whether a folder's version is one that others have replaced since: then what was published last is everybody's.

    A folder that was never in use is a new release, or an edit made while nothing ran, and is published.
    """
    return store.shared and version != await store.in_use() and bool(await store.published(1, version))


def _version(folder: Path) -> str:
    return loader.version_of(loader.read_folder(folder)[0])


async def first(folder: Path, store: Store) -> Knowledge:
    """The knowledge to start with: the folder's (or what others published since), or, where that is broken, the one that was in use last.

    KnowledgeError where the folder is broken and nothing was in use before.
    """
    try:
        knowledge = await asyncio.to_thread(loader.load, folder)
        return await asyncio.to_thread(restored, (await store.published(1))[0]) if await _earlier(store, knowledge.version) else knowledge
    except loader.KnowledgeError as error:
        for publication in await store.published(limit=5):
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


def described(change: diff.Change) -> str:
    """A change in words, without its values."""
    how = {"added": "新增", "removed": "删除", "changed": "改了"}[change.how]
    field_name = f"的{change.field}" if change.field else ""
    return f"{how}{diff.kind_name(change.kind)} {change.key}{f'（{change.name}）' if change.name else ''}{field_name}"


def status_file(store: Path) -> Path:
    """Where a running bot with this store leaves the result of its last attempt."""
    return store.with_suffix(".knowledge.json")


def ask(status: Path, wait: float = 20.0) -> Result | None:
    """Ask the running bot to read its knowledge base again and wait for the result; None where no bot answers."""
    pid = _holder(status)
    if pid is None:
        return None
    sent = time.time()
    try:
        os.kill(pid, _SIGNAL)
    except (ProcessLookupError, PermissionError):
        return None
    while time.time() < sent + wait:
        if (now := _read(status)) is not None and now.begun >= sent:
            return now  # an attempt that was under way before the signal says nothing of what was saved since
        time.sleep(0.05)
    return None


def runs(status: Path) -> bool:
    """Whether a bot with this status file is running."""
    return _holder(status) is not None


def _holder(status: Path) -> int | None:
    """The process that holds the lock; None where nobody does (a number left by a killed bot may belong to another process by now)."""
    if fcntl is None:
        return None
    try:
        with status.with_suffix(".lock").open(encoding="utf-8") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return int(handle.read() or 0) or None
    except (OSError, ValueError):
        return None
    return None


async def _taken(status: Path) -> IO[str] | None:
    """The lock of a running bot, taken; None where another bot holds it, or where the system has no such locks."""
    if fcntl is None:
        return None
    handle = status.with_suffix(".lock").open("a+", encoding="utf-8")
    for _ in range(5):  # somebody may just be looking whether it is held
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            handle.truncate(0)
            handle.write(str(os.getpid()))
            handle.flush()
            return handle
    handle.close()
    return None


def _read(status: Path) -> Result | None:
    try:
        body = json.loads(status.read_text(encoding="utf-8"))
        problems = tuple(Problem(**p) for p in body.pop("problems"))
        return Result(**{**body, "changes": tuple(body["changes"]), "problems": problems})
    except (OSError, ValueError, TypeError, KeyError):
        return None
