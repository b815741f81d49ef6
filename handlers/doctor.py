"""A look at everything that the program stands on: each finding with how bad it is, what it is, and how to mend it. Nothing is changed."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta

from dialogs.pictures import layout
from dialogs.turns import LOCAL, Library
from handlers import doctor_machine as machine
from handlers.doctor_machine import DRIFT, Finding, asked
from handlers.settings import SettingError, Settings
from handlers.settings_sources import exposed
from knowledge import loader
from storage import backup
from storage.contract import StoreError
from storage.sealing import Sealing

BACKUP_DAYS = 7
CONNECTIONS = 10
"""What one process takes of PostgreSQL's connections: its pool, one to listen and one to lead."""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command."""
    looking = commands.add_parser("doctor", help="看一遍设置、版本、磁盘、时钟、权限、端口、数据、备份和知识库，有问题就说怎么改")
    looking.add_argument("--online", action="store_true", help="也连一次 Telegram，看口令和 webhook 对不对")
    looking.add_argument("--format", choices=("text", "json"), default="text", help="json 供程序使用")


async def run(arguments: argparse.Namespace, env: Mapping[str, str]) -> int:
    """Look, print what was found; 1 where something is bad."""
    try:
        settings = Settings.read(env, arguments.settings)
    except SettingError as error:
        found = [Finding("settings", "bad", *str(problem).split("\nfix: ", 1)) for problem in error.problems]
    else:
        found = [finding async for finding in look(settings, online=arguments.online)]
    bad, warned = (sum(f.grade == grade for f in found) for grade in ("bad", "warn"))
    if arguments.format == "json":
        print(json.dumps({"bad": bad, "warned": warned, "findings": [asdict(f) for f in found]}, ensure_ascii=False, indent=1))
    else:
        for finding in found:
            print(finding)
        print("没有问题。" if not bad and not warned else f"要改的 {bad} 处，要留意的 {warned} 处。")
    return 1 if bad else 0


async def look(settings: Settings, *, online: bool = False) -> AsyncIterator[Finding]:
    """Everything that is found."""
    checks: list[Callable[[Settings], Iterator[Finding]]] = [
        _settings,
        _keys,
        _privacy,
        machine.versions,
        machine.time_of_day,
        machine.disk,
        machine.limits,
        machine.port,
        _knowledge,
    ]
    checks += [] if settings.database else [_store, _backups]
    checks += [_telegram_online if online and settings.telegram_token else _telegram]
    for check in checks:
        for finding in await asyncio.to_thread(_looked, check, settings):
            yield finding
    if settings.database:
        for finding in await _database(settings.database, settings.sealing):
            yield finding


def _looked(check: Callable[[Settings], Iterator[Finding]], settings: Settings) -> list[Finding]:
    """What a check finds; one that can't look says so, and the others go on."""
    found: list[Finding] = []
    try:
        found.extend(check(settings))
    except OSError as error:
        found.append(Finding(check.__name__.strip("_"), "bad", f"看不下去：{error}", "用运行园企通的那个用户来看；检查路径和权限"))
    return found


def _settings(settings: Settings) -> Iterator[Finding]:
    given = settings.given.values()
    files = "、".join(dict.fromkeys(str(g.file) for g in given if g.file))
    yield Finding("settings", "ok", f"设置了 {len(given)} 项" + (f"，文件 {files}" if files else "") + "；python bot.py settings 看每一项")
    for what, fix in settings.warnings():
        yield Finding("settings", "warn", what, fix)
    if settings.host in ("127.0.0.1", "localhost", "::1"):
        return
    if not (settings.public_url or "").startswith("https://"):
        yield Finding(
            "settings",
            "warn",
            f"HOST 是 {settings.host}，没有设 https 的 PUBLIC_URL：别的机器能不加密地打开，路上的人看得见聊天",
            "前面放带 HTTPS 的代理（deploy/Caddyfile），设 PUBLIC_URL=https://…；代理在同一台机器上的，HOST 写回 127.0.0.1",
        )
    if not settings.hosts and not settings.public_url:
        yield Finding("settings", "warn", f"HOST 是 {settings.host}，别人用主机名打不开网页", "把别人用的主机名写进 HOSTS，或者设 PUBLIC_URL")


# --- what it knows and keeps


def _keys(settings: Settings) -> Iterator[Finding]:
    """Under which keys the store is written and read."""
    first, others = settings.sealing.first, settings.sealing.names[1:]
    if first is None:
        yield Finding("keys", "ok", "内容没有另外加密（没设 DATA_KEYS），靠磁盘和数据库自己的加密")
    else:
        yield Finding("keys", "ok", f"内容加密：用密钥 {first} 写" + (f"，还能读 {'、'.join(others)}" if others else ""))


def _privacy(settings: Settings) -> Iterator[Finding]:
    """Whether people are told who handles their data."""
    if settings.operator is None:
        yield Finding("privacy", "warn", "没设 OPERATOR，页面 /privacy 没有写明个人信息由谁处理", "写上名称和联系方式：OPERATOR=…（法律要求写明）")
    else:
        yield Finding("privacy", "ok", f"个人信息由 {settings.operator} 处理")


def _knowledge(settings: Settings) -> Iterator[Finding]:
    try:
        knowledge = loader.load(settings.knowledge)
    except loader.KnowledgeError as error:
        yield Finding("knowledge", "bad", f"知识库 {settings.knowledge} 有 {len(error.problems)} 处问题", "运行 python bot.py check 看每一处怎么改")
        return
    yield Finding("knowledge", "ok", f"知识库版本 {knowledge.version}：{len(knowledge.supports)} 项支持、{len(knowledge.parks)} 个园区")
    from handlers.drawing import Drawing  # takes a moment to load

    if (region := next((found.region for found in knowledge.layouts.values()), None)) is None:
        return
    try:
        drawn = Drawing(Library(knowledge)).png(layout("zh", region)) or b""
    except Exception as error:  # whatever the library raises
        drawn = str(error).encode()
    if drawn.startswith(b"\x89PNG"):
        yield Finding("pictures", "ok", f"能画图（试画 {len(drawn) / 1024:.0f} KB）")
    else:
        yield Finding(
            "pictures",
            "bad",
            f"画不了图：{drawn.decode(errors='replace')[:200] or '没有画出来'}",
            "重新安装依赖：make clean run；handlers/drawing 里的字体要在",
        )


def _store(settings: Settings) -> Iterator[Finding]:
    store = settings.store
    if not store.exists():
        yield Finding("store", "ok", f"数据文件 {store} 还没有，第一次启动时会建")
        return
    if exposed(store):
        yield Finding("permissions", "warn", f"数据文件 {store} 这台机器上谁都能读，里面有联系方式", f"chmod 600 {store}")
    for file in (f for ending in ("", "-wal", "-shm") if (f := store.with_name(store.name + ending)).exists()):
        if not os.access(file, os.R_OK | os.W_OK):
            yield Finding("permissions", "bad", f"现在的用户不能读写 {file}", "用运行园企通的用户运行；或把文件的主人改过来（chown）")
            return
    try:
        backup.check_store(store)
    except StoreError as error:
        yield Finding("store", "bad", str(error), "停掉园企通，用 python bot.py restore 换上备份")
        return
    try:
        backup.check_keys(store, settings.sealing)
    except StoreError as error:
        yield Finding("keys", "bad", str(error))
    yield Finding("store", "ok", f"数据文件 {store} 完好（{store.stat().st_size / 2**20:.1f} MB）")
    if (newest := backup.newest(store)) and newest > datetime.now(UTC) + timedelta(minutes=5):
        yield Finding(
            "clock", "bad", f"数据里最新的一句话是 {newest.astimezone(LOCAL):%Y-%m-%d %H:%M} 的，比现在还晚：时钟往回跳过", "打开对时，再看一遍"
        )


def _backups(settings: Settings) -> Iterator[Finding]:
    if not settings.store.exists():
        return
    how = "python bot.py backup 备份/日期.db；放进每天的定时任务，备份另存一处"
    last = backup.last(settings.store)
    if last is None:
        yield Finding("backup", "warn", "还没有备份过", how)
        return
    copy, at = last
    age = (datetime.now(UTC) - at).days
    try:
        backup.check(copy)
    except StoreError as error:
        yield Finding("backup", "warn", f"{age} 天前的备份这里核对不了：{error}", "挪到别处的，在那里用 sha256sum -c 核对；不在了的，再备份一次")
        return
    if age >= BACKUP_DAYS:
        yield Finding("backup", "warn", f"上一次备份是 {age} 天前：{copy}", how)
    else:
        yield Finding("backup", "ok", f"{at.astimezone(LOCAL):%Y-%m-%d %H:%M} 的备份完好：{copy}")


_POSTGRES_UNTIL = {14: date(2026, 11, 12), 15: date(2027, 11, 11), 16: date(2028, 11, 9), 17: date(2029, 11, 8), 18: date(2030, 11, 14)}
"""Until when each is mended by its makers (postgresql.org/support/versioning); what is older has not been mended for long."""


async def _database(url: str, sealing: Sealing) -> list[Finding]:
    from storage.postgres_look import look as look_at

    try:
        server = await look_at(url)
    except StoreError as error:
        return [Finding("database", "bad", str(error))]
    told, shown = server.settings, f"PostgreSQL {server.settings['server_version']}，库 {server.name}"
    found = [Finding("database", "ok", f"{shown}（{server.size / 2**20:.0f} MB）")]
    until = _POSTGRES_UNTIL.get(server.version // 10_000, date.max if server.version >= 190_000 else date(2025, 11, 13))
    if until < datetime.now(LOCAL).date():
        found.append(Finding("versions", "warn", f"{shown}：这一版 {until} 起不再修补", "升级到 15 以上（pg_upgrade）"))
    if server.replica:
        found.append(Finding("database", "bad", f"{server.name} 是只读的副本", "DATABASE_URL 写主库的地址"))
    if not server.tables and not server.may_create:
        found.append(Finding("database", "bad", "表还没有建，这个用户也不能建", "grant create on schema … to 用户"))
    for name, lost in (("fsync", "断电会坏库"), ("full_page_writes", "断电会坏库"), ("synchronous_commit", "数据库崩溃会丢掉最后收下的话")):
        if told.get(name) == "off":
            found.append(Finding("database", "bad", f"数据库的 {name} 关着，{lost}", f"postgresql.conf 写 {name} = on，再 select pg_reload_conf()"))
    try:
        sealing.check(server.proofs, f"数据库 {server.name}")
    except StoreError as error:
        found.append(Finding("keys", "bad", str(error)))
    if told.get("server_encoding") != "UTF8":
        found.append(
            Finding(
                "database", "bad", f"库的编码是 {told.get('server_encoding')}，存不下中文", "createdb --encoding=UTF8 --template=template0 重新建库"
            )
        )
    most, kept = int(told["max_connections"]), int(told["superuser_reserved_connections"])
    workers = (most - kept) // CONNECTIONS
    fix = f"一个园企通最多用 {CONNECTIONS} 个；调高 max_connections，或减少别的程序"
    if most - kept - server.used < CONNECTIONS:
        found.append(Finding("database", "warn", f"数据库的连接只剩 {most - kept - server.used} 个（一共 {most} 个）", fix))
    else:
        found.append(Finding("database", "ok", f"数据库最多 {most} 个连接，现在用了 {server.used} 个，够 {workers} 个园企通"))
    if abs(server.ahead) > DRIFT + server.unsure:
        found.append(Finding("clock", "warn", f"数据库的时钟和这台机器差 {server.ahead:+.1f} 秒", "两边都打开对时"))
    return [*found, Finding("backup", "ok", "备份在数据库那边做（pg_dump、归档），这里看不到：到那边核对")]


# --- Telegram


def _telegram(settings: Settings) -> Iterator[Finding]:
    if settings.telegram_token is None:
        yield Finding("telegram", "ok", "没有接 Telegram（没设 TELEGRAM_TOKEN）")
        return
    how = f"Telegram 用 webhook：{settings.telegram_webhook}" if settings.telegram_webhook else "Telegram 用轮询"
    without = "" if settings.public_url else "；没设 PUBLIC_URL，预审结果不带报告的链接"
    yield Finding("telegram", "ok", f"{how}{without}；加 --online 连一次看看")


def _telegram_online(settings: Settings) -> Iterator[Finding]:
    """Ask the Bot API who we are, and whether the webhook is as we have it."""
    base = f"{(settings.telegram_api or 'https://api.telegram.org').rstrip('/').removesuffix('/bot')}/bot{settings.telegram_token}"
    try:
        (status, me), (_, hook) = asked(f"{base}/getMe"), asked(f"{base}/getWebhookInfo")
    except (OSError, ValueError) as error:
        reason = str(getattr(error, "reason", error)).replace(settings.telegram_token or "", "***")
        yield Finding("telegram", "bad", f"连不上 Telegram（{reason}）", "检查网络和代理；设了 TELEGRAM_API 的，核对它")
        return
    if status in (401, 404):
        yield Finding("telegram", "bad", "Telegram 不认 TELEGRAM_TOKEN", "向 BotFather 核对；设了 TELEGRAM_API 的，也核对它")
        return
    if status != 200:
        yield Finding("telegram", "warn", f"Telegram 答 {status}", "过一会儿再看")
        return
    yield Finding("telegram", "ok", f"Telegram 连得上，机器人是 @{me['result'].get('username')}")
    info = hook.get("result", {})
    if (info.get("url") or None) != settings.telegram_webhook:
        now = f"是 {info['url']}" if info.get("url") else "没有设"
        yield Finding(
            "telegram", "warn", f"Telegram 那边的 webhook {now}，和这里的设置不一样", "启动园企通时会改过来；还有别的程序用这个口令的，先停掉它"
        )
    if info.get("last_error_message"):
        at = datetime.fromtimestamp(info.get("last_error_date", 0), LOCAL)
        yield Finding("telegram", "warn", f"Telegram 在 {at:%Y-%m-%d %H:%M} 送不到 webhook：{info['last_error_message']}", "检查网址、证书和代理")
