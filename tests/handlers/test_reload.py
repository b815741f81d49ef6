"""Changed knowledge comes into use while people talk; broken knowledge never does, and the admins are told."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from dialogs.messages import Message
from dialogs.turns import Library, Turns
from handlers import reload
from handlers.reload import Reloader
from knowledge import loader
from knowledge.snapshot import Knowledge
from storage.contract import Address, Publication, Store, StoreError
from storage.memory import MemoryStore
from storage.postgres import PostgresStore
from tests.dialogs.talking import NOW
from tests.handlers.serving import until

FOUNDER = Address("web", "1", "1")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped base that tests may edit."""
    shutil.copytree(loader.SHIPPED, tmp_path / "base")
    return tmp_path / "base"


def edit(folder: Path, before: str = "max: 300万元", after: str = "max: 350万元") -> None:
    path = folder / "snd" / "supports.yaml"
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")


class Office:
    """A running bot without its channels: a library, a reloader, and what the admins were told."""

    def __init__(self, folder: Path, knowledge: Knowledge | None = None, store: Store | None = None) -> None:
        self.store: Store = store or MemoryStore()
        self.library = Library(knowledge or loader.load(folder))
        self.turns = Turns(self.store, self.library, lambda: NOW)
        self.told: list[str] = []
        self.status = folder.parent / "store.knowledge.json"
        self.reloader = Reloader(self.library, folder, self.status, self.store, self._tell)

    async def _tell(self, text: str) -> None:
        self.told.append(text)

    async def say(self, text: str = "", option: str | None = None) -> str:
        handled = await self.turns.handle(FOUNDER, Message(text, option=option), pull=True)
        return "\n".join(r["text"] for r in handled.result["replies"])


@asynccontextmanager
async def watched(folder: Path, store: Store | None = None) -> AsyncIterator[Office]:
    office = Office(folder, await reload.first(folder, store) if store else None, store)
    task = asyncio.create_task(office.reloader.run())
    await until(office.status.exists)
    try:
        yield office
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_change_comes_into_use_and_is_told_in_words(folder: Path) -> None:
    office = Office(folder)
    old = office.library.knowledge
    edit(folder)
    result = await office.reloader.attempt()
    assert (result.changed, result.problems) == (True, ())
    assert office.library.knowledge.version == result.version != old.version
    assert office.library.knowledge.supports["snd-device-iii"].amount.max != old.supports["snd-device-iii"].amount.max
    assert "改了支持 snd-device-iii（第三类医疗器械注册证书资助）的金额 / 上限" in office.told[0]


async def test_a_broken_edit_keeps_the_old_knowledge_and_says_where_and_how_to_mend_it(folder: Path) -> None:
    office = Office(folder)
    old = office.library.knowledge
    edit(folder, "recipient: enterprise", "recipiant: enterprise")
    result = await office.reloader.attempt()
    assert office.library.knowledge is old
    assert (result.version, result.changed) == (old.version, False)
    assert "没有换上，继续用原来的版本" in office.told[0]
    assert "snd/supports.yaml:" in office.told[0]
    assert "recipient" in office.told[0], "did you mean"
    assert office.told[0].count("fix: ") == reload.SHOWN, "many problems do not flood a chat"
    assert "还有" in office.told[0]
    edit(folder, "recipiant: enterprise", "recipient: enterprise")
    assert (await office.reloader.attempt()).problems == ()
    assert "问题改好了" in office.told[1]
    await office.reloader.attempt()
    assert len(office.told) == 2, "nothing new, nothing to tell"


async def test_what_nobody_foresaw_keeps_the_old_knowledge_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    office = Office(folder)
    old = office.library.knowledge
    edit(folder)
    monkeypatch.setattr(loader, "of_files", lambda *_: 1 / 0)
    result = await office.reloader.attempt()
    assert office.library.knowledge is old
    assert "ZeroDivisionError" in result.problems[0].what
    monkeypatch.undo()
    shutil.rmtree(folder)
    result = await office.reloader.attempt()
    assert office.library.knowledge is old
    assert "文件夹不存在" in result.problems[0].what


async def test_files_that_change_are_noticed_once_a_burst(folder: Path) -> None:
    async with watched(folder) as office:
        old = office.library.knowledge.version
        for value in ("310", "320", "330"):
            edit(folder, "max: 300万元" if value == "310" else f"max: {int(value) - 10}万元", f"max: {value}万元")
            await asyncio.sleep(0.05)
        await until(lambda: office.library.knowledge.version != old)
        await asyncio.sleep(1.0)
        assert len(office.told) == 1, "three saves of an editor are one change"
        maximum = office.library.knowledge.supports["snd-device-iii"].amount.max
        assert maximum is not None
        assert maximum.printed == "330万元"
        (folder / "notes.txt").write_text("没关系", encoding="utf-8")
        await asyncio.sleep(1.0)
        assert len(office.told) == 1


async def test_a_folder_that_is_swapped_or_moved_is_noticed(folder: Path) -> None:
    async with watched(folder) as office:
        old = office.library.knowledge.version
        _swap(folder)
        await until(lambda: office.library.knowledge.version != old)
        swapped = office.library.knowledge.version
        maximum = office.library.knowledge.supports["snd-device-iii"].amount.max
        assert maximum is not None
        assert maximum.printed == "350万元"
        shutil.move(folder / "kunshan", folder.with_name("kunshan"))
        await until(lambda: any(t.startswith("知识库有") for t in office.told) or office.library.knowledge.version != swapped)


def _swap(folder: Path) -> None:
    """As docs/knowledge.md says: an edited copy takes the folder's place."""
    new = folder.with_name("new")
    shutil.copytree(folder, new)
    edit(new)
    folder.rename(folder.with_name("old"))
    new.rename(folder)


async def test_a_store_that_cannot_keep_a_version_stops_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def locked(_: Publication) -> None:
        raise StoreError("正被另一个进程锁住")

    office = Office(folder)
    monkeypatch.setattr(office.store, "publish", locked)
    edit(folder)
    assert (await office.reloader.attempt()).changed
    assert "知识库已换成版本" in office.told[0]
    monkeypatch.undo()
    await office.reloader.attempt()
    assert [p.version for p in await office.store.published()] == [office.library.knowledge.version], "kept by the next attempt"


async def test_a_store_that_is_away_at_the_start_is_asked_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Away(MemoryStore):
        shared = True
        asked = 0

        async def in_use(self) -> str | None:
            self.asked += 1
            if self.asked == 1:
                raise StoreError("连不上或断开了")
            return await super().in_use()

    monkeypatch.setattr(reload, "FOLLOW", 0.01)
    office = Office(folder, store=Away())
    task = asyncio.create_task(office.reloader.run())
    await until(office.status.exists)
    assert not task.done()
    assert await office.store.in_use() == office.library.knowledge.version
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_look_that_finds_no_change_does_not_bring_back_what_others_replaced(folder: Path) -> None:
    class Shared(MemoryStore):
        shared = True

    office = Office(folder, store=Shared())
    await office.reloader.attempt()
    await office.store.publish(Publication("newer", NOW, {}))
    await office.reloader.attempt()
    assert await office.store.in_use() == "newer"
    edit(folder)
    assert (await office.reloader.attempt()).changed
    assert await office.store.in_use() == office.library.knowledge.version, "a change here counts"


async def test_of_two_bots_with_one_store_one_takes_the_signal(folder: Path) -> None:
    async with watched(folder) as one:
        other = Office(folder)
        second = asyncio.create_task(other.reloader.run())
        await asyncio.sleep(1.0)
        result = await asyncio.to_thread(reload.ask, one.status)
        assert result is not None
        assert result.version == one.library.knowledge.version
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        assert one.status.exists(), "the second bot leaves the first one's status alone"


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="the system has no such signal")
async def test_a_signal_asks_for_an_attempt_and_leaves_its_result(folder: Path) -> None:
    async with watched(folder) as office:
        result = await asyncio.to_thread(reload.ask, office.status)
        assert result is not None
        assert (result.pid, result.changed, result.version) == (os.getpid(), False, office.library.knowledge.version)
        assert result.told() == f"知识库没有变化，版本 {result.version}。"
    assert not office.status.exists()
    assert reload.ask(office.status) is None, "nobody is there any more"


def test_a_status_left_by_a_killed_bot_is_not_believed(tmp_path: Path) -> None:
    """Its number may belong to another process by now: no signal is sent."""
    status = tmp_path / "store.knowledge.json"
    left = {"number": 3, "pid": os.getpid(), "begun": 9e9, "version": "a", "changed": False, "seconds": 0.1, "changes": [], "problems": []}
    status.with_suffix(".lock").write_text(str(os.getpid()), encoding="utf-8")
    status.write_text(json.dumps(left), encoding="utf-8")
    assert reload.ask(status, wait=0.2) is None
    status.write_text("{half", encoding="utf-8")
    assert reload.ask(status, wait=0.2) is None


async def test_answers_go_on_coming_while_a_base_is_read(folder: Path) -> None:
    office = Office(folder)
    await office.say("太仓有什么补贴")
    edit(folder)
    attempt = asyncio.create_task(office.reloader.attempt())
    answered = 0
    while not attempt.done():
        assert await office.say("昆科贷是什么")
        answered += 1
        await asyncio.sleep(0.01)
    assert (await attempt).changed
    assert answered >= 2


async def test_a_finished_pre_check_is_run_again_and_what_changed_is_told(folder: Path) -> None:
    office = Office(folder)
    for words in ("按2021年看不了，三类证刚拿到，在高新区能拿多少", "苏州高新区", "三类"):
        await office.say(words)
    for _ in range(12):
        said = await office.say("都没有")
        if "补贴预审（按" in said:
            break
        said = await office.say("不清楚")
        if "补贴预审（按" in said:
            break
    assert "补贴预审（按" in said, said
    notice = "    application: {state: all_year, checked: {on: 2026-11-01, by: 管理员}}\n"
    edit(folder, "  - id: snd-device-iii\n", f"  - id: snd-device-iii\n{notice}")
    assert (await office.reloader.attempt()).changed
    told = await office.say("谢谢")
    assert "知识库更新过" in told
    assert "第三类医疗器械注册证书资助" in told
    assert "知识库更新过" not in await office.say("谢谢"), "told once"


async def test_an_open_dialog_whose_answer_fell_away_says_so_and_asks_again(folder: Path) -> None:
    office = Office(folder)
    await office.say("我要选园区")
    await office.say("太仓")
    await office.say("体外诊断")
    for name in ("segments.yaml",):
        path = folder / name
        text = path.read_text(encoding="utf-8")
        path.write_text(
            text.replace("{id: ivd, name: 体外诊断,", "{id: ivd2, name: 体外诊断,").replace("within: ivd,", "within: ivd2,"), encoding="utf-8"
        )
    _rename_a_segment(folder)
    result = await office.reloader.attempt()
    assert result.problems == (), result.told()
    told = await office.say("接着")
    assert "知识库更新过，选园区里这几项要再问一次" in told


def _rename_a_segment(folder: Path) -> None:
    for path in folder.rglob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(r"\b(id: |within: |segment: )ivd\b", r"\1ivd2", text), encoding="utf-8")


async def test_what_was_in_use_is_kept_and_started_with_when_the_folder_is_broken(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    office = Office(folder)
    good = office.library.knowledge.version
    await office.store.publish(Publication(good, NOW, {n: d.decode() for n, d in loader.read_folder(folder)[0].items()}))
    (folder / "snd" / "supports.yaml").write_text("supports: [", encoding="utf-8")
    knowledge = await reload.first(folder, office.store)
    assert knowledge.version == good
    said = capsys.readouterr().err
    assert f"先用 11-22 12:00 换上的版本 {good} 启动" in said
    broken = Office(folder, knowledge)
    assert "snd/supports.yaml:1" in (await broken.reloader.attempt()).told(), "what is wrong is told by the first attempt"
    assert await broken.store.published() == [], "what is broken is never kept"
    with pytest.raises(loader.KnowledgeError):
        await reload.first(folder, MemoryStore())


async def test_every_version_that_came_into_use_is_kept(folder: Path) -> None:
    async with watched(folder) as office:
        first = office.library.knowledge.version
        edit(folder)
        await until(lambda: office.library.knowledge.version != first)

        async def kept_both() -> bool:
            return len(await office.store.published()) == 2

        await until(kept_both)
        kept = await office.store.published()
        assert [p.version for p in kept] == [office.library.knowledge.version, first]
        assert reload.restored(kept[1]).version == first


# --- several machines with one store


async def is_published(store: Store, library: Library) -> bool:
    return await store.in_use() == library.knowledge.version


async def test_what_one_machine_publishes_comes_into_use_on_the_others_and_stays(
    folder: Path, tmp_path: Path, fresh_postgres: Callable[[], str]
) -> None:
    url, other = fresh_postgres(), tmp_path / "elsewhere" / "base"
    shutil.copytree(folder, other)
    here, there = await PostgresStore.open(url), await PostgresStore.open(url)
    async with watched(folder, here) as one, watched(other, there) as two:
        old = one.library.knowledge.version
        edit(folder)
        await until(lambda: one.library.knowledge.version != old)
        await until(lambda: two.library.knowledge.version == one.library.knowledge.version)
        new = one.library.knowledge.version
    assert two.told == [], "who published it tells the admins"
    async with watched(other, there) as again:
        assert again.library.knowledge.version == new, "a folder that others have replaced since does not come back by a restart"
        edit(other, "max: 300万元", "max: 310万元")
        await until(lambda: again.library.knowledge.version not in (old, new))
        await until(lambda: is_published(here, again.library))
    async with watched(folder, here) as first:
        assert first.library.knowledge.version == await there.in_use()
        edit(folder, "max: 350万元", "max: 360万元")
        await until(lambda: first.library.knowledge.version == loader.load(folder).version)
        edit(folder, "max: 360万元", "max: 350万元")
        await until(lambda: first.library.knowledge.version == new)
        await until(lambda: is_published(there, first.library))  # an edit back to an earlier content is a publication of its own
    await here.close()
    await there.close()


async def test_a_new_release_comes_into_use_though_the_store_has_an_older_publication(folder: Path, fresh_postgres: Callable[[], str]) -> None:
    store = await PostgresStore.open(fresh_postgres())
    async with watched(folder, store) as before:
        old = before.library.knowledge.version
    edit(folder)
    async with watched(folder, store) as after:
        assert after.library.knowledge.version == loader.load(folder).version != old
        await until(lambda: is_published(store, after.library))
    await store.close()
