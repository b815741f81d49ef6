"""The knowledge base is broken, torn and swapped while people talk."""

from __future__ import annotations

import asyncio
import random
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import httpx2

from dialogs.texts import texts
from knowledge import loader
from tests.faults.conftest import Measured, Scale
from tests.faults.talkers import Talkers
from tests.handlers.bot_api import TOKEN, BotApi
from tests.handlers.test_reload import Office
from tests.test_workers import programs, say, talk_so_far

ADMIN = 42
TAKEN_UP = 10
"""Seconds after which a good edit is in use: half a second of looking twice each, and the load."""


@dataclass(frozen=True, slots=True)
class Editor:
    """Who edits one file of a folder, well and badly."""

    folder: Path
    good: bytes

    @property
    def file(self) -> Path:
        return self.folder / "snd" / "supports.yaml"

    @property
    def aside(self) -> Path:
        return self.folder.with_name("aside")

    def amount(self, amount: int) -> None:
        """A good edit: another figure."""
        self.file.write_bytes(self.good.replace("max: 300万元".encode(), f"max: {amount}万元".encode()))

    # what goes wrong; each leaves the folder in a state that can't be used

    def no_yaml(self) -> None:
        self.file.write_bytes(self.good + "\n  - 这一行\t: [没有写完".encode())

    def misspelt(self) -> None:
        self.file.write_bytes(self.good.replace(b"recipient: enterprise", b"recipiant: enterprise"))

    def half_written(self) -> None:
        self.file.write_bytes(self.good[: len(self.good) // 2])

    def empty(self) -> None:
        self.file.write_bytes(b"")

    def no_text(self) -> None:
        self.file.write_bytes(bytes(range(256)) * 400)

    def a_link_to_nothing(self) -> None:
        self.file.unlink()
        self.file.symlink_to("gone.yaml")

    def deleted(self) -> None:
        shutil.rmtree(self.folder)

    def moved_away(self) -> None:
        self.folder.rename(self.aside)

    def written_line_by_line(self) -> None:
        lines = self.good.splitlines(keepends=True)
        with self.file.open("wb", buffering=0) as file:
            for line in lines[: len(lines) // 3]:
                file.write(line)
                time.sleep(0.001)

    def mend(self, amount: int) -> None:
        """Everything is there again, with another figure."""
        shutil.rmtree(self.aside, ignore_errors=True)
        if not self.folder.is_dir():
            shutil.copytree(loader.SHIPPED, self.folder)
        self.file.unlink(missing_ok=True)
        self.amount(amount)


BROKEN: tuple[Callable[[Editor], None], ...] = (
    Editor.misspelt,
    Editor.deleted,
    Editor.half_written,
    Editor.no_yaml,
    Editor.empty,
    Editor.no_text,
    Editor.a_link_to_nothing,
    Editor.moved_away,
    Editor.written_line_by_line,
)


async def test_whatever_happens_to_the_files_the_last_good_version_answers(tmp_path: Path, scale: Scale, measured: Measured) -> None:
    folder = tmp_path / "base"
    shutil.copytree(loader.SHIPPED, folder)
    editor = Editor(folder, (folder / "snd" / "supports.yaml").read_bytes())
    over, slowest, amounts, visitors = False, 0.0, count(301), count(100)
    async with BotApi() as api, httpx2.AsyncClient(timeout=30) as client:
        env = {"KNOWLEDGE": str(folder), "TELEGRAM_TOKEN": TOKEN, "TELEGRAM_API": api.url, "ADMIN_CHAT": str(ADMIN)}
        async with programs(1, tmp_path, **env) as ((address, running),):

            async def told_now() -> str:
                visitor = next(visitors)  # one who asks the same again and again is told so
                await say(client, address, visitor, 0, "第三类医疗器械注册证书资助是多少")
                return (await talk_so_far(client, address, visitor))[-1]["text"]

            talkers = Talkers(client, [address], 4, first=10)
            talking = asyncio.create_task(talkers.talk(lambda: over, most=10_000))
            amount, broken = 300, BROKEN[: scale(2, len(BROKEN))] * scale(1, 2)
            for breaks in broken:
                warned = len(api.texts(ADMIN))
                await asyncio.to_thread(breaks, editor)
                await api.until(lambda warned=warned: any("没有换上" in t for t in api.texts(ADMIN)[warned:]), 30)  # type: ignore[misc]
                assert f"最高{amount}万元" in await told_now(), f"after {breaks.__name__}"
                amount = next(amounts)
                editor.mend(amount)
                mended = time.monotonic()
                while f"最高{amount}万元" not in await told_now():
                    assert time.monotonic() < mended + scale(30, TAKEN_UP), f"after {breaks.__name__}"
                    await asyncio.sleep(0.2)
                slowest = max(slowest, time.monotonic() - mended)
            over = True
            await talking
            assert running.returncode is None
            everything = [m["text"] for n in (*range(10, 14), *range(100, next(visitors))) for m in await talk_so_far(client, address, n)]
    assert set(talkers.answers) == {200}
    assert texts("zh")("bad.trouble") not in everything
    done = f"{talkers.count} turns meanwhile, 0 failed; each told to the admin; a good edit in use after {slowest:.1f} s at most"
    promised = f"0 failed turns, the last good version answers, the admin is told, a good edit is in use within {TAKEN_UP} s"
    measured(f"{len(broken)} broken edits ({', '.join(b.__name__.replace('_', ' ') for b in dict.fromkeys(broken))})", promised, done)


async def test_a_folder_that_is_swapped_again_and_again_is_never_taken_up_in_halves(tmp_path: Path, scale: Scale, measured: Measured) -> None:
    """What is in use is always one of the two, whole."""
    versions, there, aside = set[str](), tmp_path / "base", tmp_path / "aside"
    for folder, region in ((there, "甲"), (aside, "乙")):
        shutil.copytree(loader.SHIPPED, folder)
        for path in folder.rglob("*.yaml"):
            path.write_text(f"# {region}\n{path.read_text(encoding='utf-8')}", encoding="utf-8")
        versions.add(loader.version_of(loader.read_folder(folder)[0]))
    office, stop = Office(there), threading.Event()

    def swap() -> None:
        while not stop.is_set():
            aside.rename(tmp_path / "between")
            there.rename(aside)
            (tmp_path / "between").rename(there)
            time.sleep(random.uniform(0, 0.05))

    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        for _ in range(attempts := scale(2, 20)):
            await office.reloader.attempt()
            assert office.library.knowledge.version in versions
    finally:
        stop.set()
        swapping.join()
    await office.reloader.attempt()
    assert office.library.knowledge.version == loader.version_of(loader.read_folder(there)[0]), "when it has come to rest"
    assert {p.version for p in await office.store.published()} <= versions
    measured("the folder swapped some fifty times a second while it is read", "never half of each", f"{attempts} readings: 0 torn")
