"""The commands of whoever runs the program: backup, restore, moving to PostgreSQL, and a look at everything it stands on."""

from __future__ import annotations

import argparse
import asyncio
import platform
import shutil
import sqlite3
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from dialogs.turns import LOCAL
from handlers import reload
from handlers.settings import SettingError, Settings
from knowledge import loader
from storage import backup
from storage.contract import StoreError, place_of

FREE = 500 * 2**20
"""Bytes of free disk below which a look warns."""
SOUND_SQLITE = (3, 51, 3)
"""Before it, SQLite could corrupt a file in WAL mode when several connections write and one of them checkpoints at the same moment."""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The operator's commands."""
    copying = commands.add_parser("backup", help="备份数据文件：运行着也能做，做完自己检查，旁边写一个校验文件")
    copying.add_argument("target", type=Path, metavar="TO", help="备份写到哪里，例如 备份/2026-11-25.db")
    putting = commands.add_parser("restore", help="用备份换下数据文件：先核对备份，原来的改名留着")
    putting.add_argument("copy", type=Path, metavar="FROM", help="备份文件，校验文件要在旁边")
    moving = commands.add_parser("migrate-store", help="把 SQLite 文件里的全部内容搬进 PostgreSQL，并核对行数")
    moving.add_argument("source", type=Path, metavar="FROM", help="SQLite 文件，例如 data/yuanqitong.db")
    moving.add_argument("target", type=place_of, metavar="TO", help="空的 PostgreSQL 库，例如 postgresql://用户:密码@主机:5432/库名")
    purging = commands.add_parser("purge", help="删掉保存期限已过的内容（运行时每天自动做）；各留多久见 docs/privacy.md")
    purging.add_argument("--dry-run", action="store_true", help="只说有多少可以删，不删")
    commands.add_parser("doctor", help="看一遍设置、版本、磁盘、时钟、权限、数据和知识库，有问题就说怎么改")


async def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Run one of them; the exit code."""
    match arguments.command:
        case "backup":
            return await _backup(arguments.target, settings)
        case "restore":
            return await _restore(arguments.copy, settings)
        case "migrate-store":
            return await _move(arguments.source, arguments.target)
        case _:
            return await doctor(settings)


async def _backup(target: Path, settings: Settings) -> int:
    if settings.database:
        raise SettingError('数据在 PostgreSQL 里：用 pg_dump 备份，例如 pg_dump --format=custom --file=备份.dump "$DATABASE_URL"')
    size = await asyncio.to_thread(backup.backup, settings.store, target)
    print(f"备份好了：{target}（{size / 2**20:.1f} MB，已检查），校验文件 {backup.checksum_file(target).name}")
    return 0


async def _restore(copy: Path, settings: Settings) -> int:
    if settings.database:
        raise SettingError('数据在 PostgreSQL 里：用 pg_restore 恢复，例如 pg_restore --clean --dbname="$DATABASE_URL" 备份.dump')
    _not_running(settings.store)
    aside = await asyncio.to_thread(backup.restore, copy, settings.store, datetime.now(LOCAL))
    print(f"恢复好了：{settings.store}" + (f"；原来的留在 {aside}，确认无误后再删" if aside else ""))
    return 0


async def _move(source: Path, target: object) -> int:
    if not isinstance(target, str):
        raise SettingError(f"只能搬进 PostgreSQL：第二个参数写 postgresql:// 开头的地址，现在是 {target}")
    if not await asyncio.to_thread(source.exists):
        raise SettingError(f"数据文件 {source} 不存在：检查路径")
    _not_running(source)
    from storage.moving import move  # needs the database's library, which is not small

    for table, count in (await move(source, target)).items():
        print(f"{table:<14}{count:>9} 行")
    print("都搬过去了，两边行数一致。设置 DATABASE_URL 后再启动；原来的文件没有动，确认无误后再删。")
    return 0


def _not_running(store: Path) -> None:
    if reload.runs(reload.status_file(store)):
        raise SettingError(f"园企通正在用 {store} 运行：先停掉它，再运行这个命令")


# --- a look at everything


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    grade: Literal["ok", "warn", "bad"]
    what: str
    fix: str = ""

    def __str__(self) -> str:
        mark = {"ok": "✓", "warn": "！", "bad": "✗"}[self.grade]
        return f"{mark} {self.what}" + (f"\n    {self.fix}" if self.fix else "")


async def doctor(settings: Settings) -> int:
    """Look at everything that the program stands on; 1 where something is bad."""
    found = [*_versions(settings), *_time(), *await asyncio.to_thread(_knowledge, settings)]
    found += [*await _database(settings.database)] if settings.database else [*await asyncio.to_thread(_file, settings.store)]
    found += [*_telegram(settings)]
    for finding in found:
        print(finding)
    bad, warned = (sum(f.grade == grade for f in found) for grade in ("bad", "warn"))
    print("没有问题。" if not bad and not warned else f"要改的 {bad} 处，要留意的 {warned} 处。")
    return 1 if bad else 0


def _versions(settings: Settings) -> Iterator[Finding]:
    yield Finding("ok", f"Python {platform.python_version()}，{platform.system()} {platform.machine()}")
    if settings.database:
        return
    if sqlite3.sqlite_version_info >= SOUND_SQLITE:
        yield Finding("ok", f"SQLite {sqlite3.sqlite_version}")
    else:
        need = ".".join(map(str, SOUND_SQLITE))
        yield Finding("warn", f"SQLite {sqlite3.sqlite_version}：{need} 以前，几个程序同时写一个文件有极小的可能写坏它", "园企通只用一个连接写，平时不受影响；不要用别的程序同时写这个文件，要多个进程就用 PostgreSQL")  # fmt: skip


def _time() -> Iterator[Finding]:
    now = datetime.now(LOCAL)
    built = datetime.fromtimestamp(Path(__file__).stat().st_mtime, UTC)
    if now < built.replace(year=built.year - 1):
        yield Finding("bad", f"时钟不对：现在是 {now:%Y-%m-%d %H:%M}", "打开对时（timedatectl set-ntp true）；时限都按今天算")
    else:
        yield Finding("ok", f"时钟 {now:%Y-%m-%d %H:%M}（上海）")


def _knowledge(settings: Settings) -> Iterator[Finding]:
    try:
        knowledge = loader.load(settings.knowledge)
    except loader.KnowledgeError as error:
        yield Finding("bad", f"知识库 {settings.knowledge} 有 {len(error.problems)} 处问题", "运行 python bot.py check 看每一处怎么改")
        return
    yield Finding("ok", f"知识库版本 {knowledge.version}：{len(knowledge.supports)} 项支持、{len(knowledge.parks)} 个园区")


def _file(store: Path) -> Iterator[Finding]:
    folder = next(p for p in (store.parent, *store.absolute().parents) if p.exists())
    free = shutil.disk_usage(folder).free
    if free < FREE:
        yield Finding("bad" if free < FREE / 10 else "warn", f"磁盘只剩 {free / 2**20:.0f} MB", f"给 {folder} 腾出空间")
    else:
        yield Finding("ok", f"磁盘还有 {free / 2**30:.1f} GB")
    if not store.exists():
        yield Finding("ok", f"数据文件 {store} 还没有，第一次启动时会建")
        return
    if store.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH) and sys.platform != "win32":
        yield Finding("warn", f"数据文件 {store} 这台机器上谁都能读，里面有联系方式", f"chmod 600 {store}")
    try:
        backup.check_store(store)
    except StoreError as error:
        yield Finding("bad", str(error), "停掉园企通，用 python bot.py restore 换上备份")
        return
    yield Finding("ok", f"数据文件 {store} 完好（{store.stat().st_size / 2**20:.1f} MB）")


async def _database(url: str) -> list[Finding]:
    from storage.postgres import PostgresStore

    try:
        store = await PostgresStore.open(url)
    except StoreError as error:
        return [Finding("bad", str(error))]
    try:
        return [Finding("ok", await store.described())]
    finally:
        await store.close()


def _telegram(settings: Settings) -> Iterator[Finding]:
    if settings.telegram_token is None:
        yield Finding("ok", "没有接 Telegram（没设 TELEGRAM_TOKEN）")
    elif settings.telegram_webhook:
        yield Finding("ok", f"Telegram 用 webhook：{settings.telegram_webhook}")
    else:
        yield Finding("ok", "Telegram 用轮询" if settings.public_url else "Telegram 用轮询；没设 PUBLIC_URL，预审结果不带报告的链接")
