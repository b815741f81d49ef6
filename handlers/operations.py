"""The commands of whoever runs the program: backup, restore, moving to PostgreSQL, and what is set."""

from __future__ import annotations

import argparse
import asyncio
from datetime import datetime
from pathlib import Path

from dialogs.turns import LOCAL
from handlers import reload
from handlers.settings import SettingError, Settings
from storage import backup
from storage.contract import place_of


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
    commands.add_parser("settings", help="列出现在用的每一项设置，各从哪里来；口令不显示")


async def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Run one of them; the exit code."""
    match arguments.command:
        case "backup":
            return await _backup(arguments.target, settings)
        case "restore":
            return await _restore(arguments.copy, settings)
        case _:
            return await _move(arguments.source, arguments.target, settings)


def show(settings: Settings) -> int:
    """Print what is in force and where each comes from."""
    for name, value, where in settings.in_force():
        print(f"{name:<18}{value or '（没有设置）'}    {where}")
    return 0


async def _backup(target: Path, settings: Settings) -> int:
    if settings.database:
        raise SettingError('数据在 PostgreSQL 里：用 pg_dump 备份，例如 pg_dump --format=custom --file=备份.dump "$DATABASE_URL"')
    size = await asyncio.to_thread(backup.backup, settings.store, target)
    backup.remember(settings.store, target)
    print(f"备份好了：{target}（{size / 2**20:.1f} MB，已检查），校验文件 {backup.checksum_file(target).name}")
    return 0


async def _restore(copy: Path, settings: Settings) -> int:
    if settings.database:
        raise SettingError('数据在 PostgreSQL 里：用 pg_restore 恢复，例如 pg_restore --clean --dbname="$DATABASE_URL" 备份.dump')
    _not_running(settings.store)
    aside = await asyncio.to_thread(backup.restore, copy, settings.store, datetime.now(LOCAL), settings.sealing)
    print(f"恢复好了：{settings.store}" + (f"；原来的留在 {aside}，确认无误后当天删掉" if aside else ""))
    print("接着做：python bot.py purge；备份以后有人要求删除过的，用 python bot.py personal erase 再删一次（docs/privacy.md）。")
    return 0


async def _move(source: Path, target: object, settings: Settings) -> int:
    if not isinstance(target, str):
        raise SettingError(f"只能搬进 PostgreSQL：第二个参数写 postgresql:// 开头的地址，现在是 {target}")
    if not await asyncio.to_thread(source.exists):
        raise SettingError(f"数据文件 {source} 不存在：检查路径")
    _not_running(source)
    from storage.moving import move  # needs the database's library, which is not small

    for table, count in (await move(source, target, settings.sealing)).items():
        print(f"{table:<14}{count:>9} 行")
    print("都搬过去了，两边行数一致。设置 DATABASE_URL 后再启动；原来的文件没有动，确认无误后再删。")
    return 0


def _not_running(store: Path) -> None:
    if reload.runs(reload.status_file(store)):
        raise SettingError(f"园企通正在用 {store} 运行：先停掉它，再运行这个命令")
