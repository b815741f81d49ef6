"""园企通: builds everything in plain view and starts it. `python bot.py --help` lists the commands."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import gc
import io
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dialogs import cases
from dialogs.delivery import Pace, Sender
from dialogs.frames import DIALOGS, Stage
from dialogs.replay import chart
from dialogs.texts import texts
from dialogs.turns import LOCAL, Library, Seconds, Turns
from handlers import admin, console, doctor, keys, logs, operations, prechecks, purging, reload, staff, supervised, trying
from handlers.settings import SettingError, Settings
from knowledge import claims, loader
from knowledge.snapshot import Knowledge
from storage.contract import Address, Place, Store, StoreError, place_of
from storage.memory import MemoryStore
from storage.sealing import PLAIN, Sealing

if TYPE_CHECKING:
    from handlers.drawing import Drawing
    from handlers.limits import Limits
    from handlers.metrics import Metrics
    from handlers.telegram import Telegram


@contextlib.asynccontextmanager
async def opened(place: Place | None, sealing: Sealing = PLAIN) -> AsyncIterator[Store]:
    """The store in a file (created with its folder), in a PostgreSQL, or in memory; sealed where there are keys."""
    try:
        store = await _open(place, sealing)
    except OSError as error:
        raise StoreError(f"数据文件 {place} 打不开，也建不了（{error.strerror}）：检查路径和权限，磁盘不能是满的，也不能是只读挂载。") from None
    try:
        yield store
    finally:
        await store.close()


async def _open(place: Place | None, sealing: Sealing) -> Store:
    if place is None:
        return MemoryStore()
    if isinstance(place, str):
        from storage.postgres import PostgresStore

        return await PostgresStore.open(place, sealing=sealing)
    from storage.sqlite import SqliteStore  # what is asked on the command line needs no database

    place.parent.mkdir(parents=True, exist_ok=True)
    place.touch(0o600)  # whoever else is on this machine has no business in it
    return await SqliteStore.open(place, sealing=sealing)


async def serve(settings: Settings) -> None:
    """Run the web chat, and Telegram where a token is set, until SIGINT or SIGTERM."""
    for what, fix in settings.warnings():
        print(f"{what}：{fix}", file=sys.stderr)
    listener = _listen(settings)
    async with opened(settings.database or settings.store, settings.sealing) as store:
        library = Library(await reload.first(settings.knowledge, store))
        await asyncio.to_thread(claims.warm)
        gc.freeze()  # what stays is not looked through again and again: a big knowledge base would make a turn wait
        turns = Turns(store, library)
        from handlers.drawing import Apart, Drawing  # what is asked on the command line needs no pictures and no web server
        from handlers.limits import Limits
        from handlers.metrics import Metrics
        from handlers.web import Server, create_app

        apart = Apart()
        drawing = Drawing(library, apart)
        limits = Limits(store) if settings.limits else None
        telegram = _telegram(turns, drawing, settings, limits)
        webhooks = {"/telegram": telegram.receive} if telegram and settings.telegram_webhook else {}
        hosts = ("localhost", "127.0.0.1", "[::1]", settings.host, *settings.hosts)
        metrics = Metrics(turns, settings.metrics_token) if settings.metrics_token else None
        app = create_app(
            turns,
            drawing,
            allowed_hosts=hosts,
            webhooks=webhooks,
            metrics=metrics,
            public=settings.public_url,
            limits=limits,
            operator=settings.operator,
        )
        server = Server.of(app, settings.trusted_proxies)
        turns.observe = functools.partial(_observed, metrics)
        tell = functools.partial(_tell_admins, turns, settings)
        reloader = reload.Reloader(library, settings.knowledge, reload.status_file(settings.store), store, tell)
        purge = store.lead("purge", functools.partial(purging.run, store, purging.rules(settings)))
        jobs = (reloader.run(), store.listen(turns.ring), supervised.run(), purge, *_jobs(turns, telegram, settings))
        background = [asyncio.create_task(job) for job in jobs]
        for task in background:  # a job that gives up (a refused token) stops the program, with its reason
            task.add_done_callback(lambda _: setattr(server, "should_exit", True))
        listener.listen(socket.SOMAXCONN)
        print(f"园企通已启动：http://{settings.host}:{settings.port}  （按 Ctrl+C 停止）" + ("；Telegram 已接通" if telegram else ""), flush=True)
        await server.serve(sockets=[listener])
        for task in background:
            task.cancel()
        ended = await asyncio.gather(*background, return_exceptions=True)
        apart.close()
        if telegram:
            await telegram.close()
    for error in ended:
        if isinstance(error, Exception):
            raise error


def _observed(metrics: Metrics | None, turn: Seconds) -> None:
    logs.told(turn)
    if metrics:
        metrics.observe(turn)


async def _tell_admins(turns: Turns, settings: Settings, text: str) -> None:
    """Say it where the program's owner looks, and in the admins' chat where one is set."""
    print(text, file=sys.stderr, flush=True)
    if settings.admin_chat:
        await turns.notify(Address("telegram", settings.admin_chat, settings.admin_chat), text)


def _telegram(turns: Turns, drawing: Drawing, settings: Settings, intake: Limits | None) -> Telegram | None:
    """The Telegram channel where a token is set; its library is loaded only then, since it takes a third of a second."""
    if not settings.telegram_token:
        return None
    from handlers.telegram import Telegram, limits

    pace = Pace(turns.store, limits(settings.telegram_rate)).wait
    return Telegram(
        turns,
        settings.telegram_token,
        drawing.png,
        base_url=settings.telegram_api,
        secret=settings.telegram_secret,
        public=settings.public_url,
        pace=pace,
        local=settings.telegram_local,
        intake=intake,
    )


async def _settled(job: Coroutine[None, None, None]) -> None:
    """Run a job of the Telegram channel; what is wrong with its settings is a setting error like any other."""
    from handlers.telegram import TelegramSettingError

    try:
        await job
    except TelegramSettingError as error:
        raise SettingError(str(error)) from None


def _jobs(turns: Turns, telegram: Telegram | None, settings: Settings) -> list[Coroutine[None, None, None]]:
    """What runs beside the web server."""
    if telegram is None:
        return []
    sender = Sender(turns, {"telegram": telegram.deliver}).run()
    if settings.telegram_webhook and settings.telegram_secret:
        return [sender, _settled(_webhook(telegram, settings.telegram_webhook, settings.telegram_secret))]
    return [sender, _settled(turns.store.lead("telegram", telegram.run_polling))]


async def _webhook(telegram: Telegram, url: str, secret: str) -> None:
    await telegram.set_webhook(url, secret)
    await asyncio.Event().wait()


def _listen(settings: Settings) -> socket.socket:
    """Take the port before anything else starts; SettingError with the fix where it is in use."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise SettingError(
            f"端口 {settings.port} 用不了（{error.strerror}）：可能已经有一个园企通在运行。换一个端口再启动，例如 PORT={settings.port % 65535 + 1} make run"
        ) from error
    return listener


async def chat(arguments: argparse.Namespace, settings: Settings, knowledge: Knowledge) -> None:
    """Talk in the terminal, or by JSON lines; what is said is kept where somebody set a place for it."""
    place = arguments.store or settings.kept
    if place is None and not arguments.jsonl:
        print("试用：对话和登记只在内存里，退出就没有了，服务团队也看不到。要留下，设置 STORE，或加 --store 文件。")
    async with opened(place, settings.sealing) as store:
        turns = Turns(store, Library(knowledge))
        if arguments.jsonl:
            await console.jsonl(turns, iter(sys.stdin.buffer), sys.stdout, arguments.today)
        else:
            await console.talk(turns, "terminal", arguments.today)


async def ask(arguments: argparse.Namespace, settings: Settings, knowledge: Knowledge) -> None:
    """Answer one question and exit."""
    from dialogs.messages import Message

    async with opened(None) as store:
        turns = Turns(store, Library(knowledge))
        said = Message(os.fsencode(arguments.text).decode("utf-8", "replace"))
        handled = await turns.handle(Address(console.CHANNEL, "ask", "ask"), said, now=console.noon(arguments.today), pull=True)
        console.show(handled, sys.stdout, [])


async def compare(arguments: argparse.Namespace, settings: Settings) -> int:
    """Compare two knowledge bases; pre-checks that were made before are run again where there is a store."""
    place = arguments.store or settings.database or settings.store
    if isinstance(place, Path) and not place.exists():
        if arguments.store:
            raise SettingError(f"数据文件 {place} 不存在：检查 --store；不写 --store 就只用例子比较")
        return await admin.compare(arguments.old, arguments.new, None)
    async with opened(place, settings.sealing) as store:
        return await admin.compare(arguments.old, arguments.new, store)


async def requests(arguments: argparse.Namespace, settings: Settings) -> int:
    """The service team's commands; they need no knowledge base."""
    async with _existing(arguments.store or settings.database or settings.store, settings) as store:
        return await staff.run(Turns(store), arguments)


async def purge(arguments: argparse.Namespace, settings: Settings) -> int:
    """Let go of what was kept long enough."""
    async with _existing(settings.database or settings.store, settings) as store:
        return await purging.command(store, purging.rules(settings), arguments.dry_run)


async def rotate_keys(settings: Settings) -> int:
    """Put everything under the key that seals now."""
    async with _existing(settings.database or settings.store, settings) as store:
        return await keys.rotate(store, settings)


def _existing(place: Place, settings: Settings) -> contextlib.AbstractAsyncContextManager[Store]:
    if isinstance(place, Path) and not place.exists():
        raise SettingError(f"数据文件 {place} 不存在：检查 --store 或设置 STORE；还没有人用过就先启动一次")
    return opened(place, settings.sealing)


def draw(dialog: str, knowledge: Knowledge, today: date) -> str:
    """The Mermaid chart of a dialog."""
    words = {key: fact.question.zh for key, fact in knowledge.facts.items()}
    words |= {f"{key}={o.token}": o.label.zh for key, fact in knowledge.facts.items() for o in fact.options}
    words |= {f"region={r.id}": r.name for r in knowledge.regions.values()} | {f"segment={s.id}": s.name for s in knowledge.segments.values()}
    say = texts("zh")
    words |= {
        "=yes": "是",
        "=no": "不是",
        "=none": say("common.none"),
        "=unknown": say("common.unsure"),
        "region=any": "都可以",
        "contact.consent=yes": "同意",
        "contact.consent=no": "不同意",
    }
    words |= {f"{d}.{key}": say(f"outcomes.{key}") for d in ("parks", "subsidy", "approval", "request") for key in OUTCOMES}
    return chart(Stage(knowledge, today).script(dialog), say(f"dialog.{dialog}"), words)


OUTCOMES = ("shortlist", "report", "routes", "filed", "note")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python bot.py", description="园企通：生物医药园区、补贴、审批通道的对话助手")
    top.add_argument(
        "--settings", type=Path, metavar="FILE", help="从这个文件读设置，一行一个“名称=值”；也可以用环境变量 SETTINGS 指定。环境变量里写的优先"
    )
    commands = top.add_subparsers(dest="command", title="命令", metavar="COMMAND")
    commands.add_parser("serve", help="启动网页聊天；设了 TELEGRAM_TOKEN 就同时接 Telegram（默认）")
    talk = commands.add_parser("chat", help="在终端里对话；--jsonl 供程序使用")
    talk.add_argument("--jsonl", action="store_true", help="一行一个 JSON 进，一行一个 JSON 出")
    one = commands.add_parser("ask", help="问一句，答完就结束")
    one.add_argument("text", metavar="TEXT")
    tried = commands.add_parser("try", help="看一句话怎么读、像哪些例句、找到哪些记录、为什么这样回答")
    tried.add_argument("text", metavar="TEXT")
    tried.add_argument("--format", choices=("text", "json"), default="text", help="json 供程序使用")
    for command in (talk, one, tried):
        command.add_argument("--today", type=_day, metavar="DATE", help="按这一天回答，例如 2022-06-01")
    talk.add_argument(
        "--store", type=place_of, metavar="PATH", help="对话存到这个文件，或 postgresql:// 开头的数据库；不写就用设置的，都没有就只留在内存里"
    )
    admin.add_commands(commands, _day)
    drawing = commands.add_parser("chart", help="画出一个引导对话的流程图（Mermaid）")
    drawing.add_argument("dialog", choices=sorted(DIALOGS), metavar="DIALOG", help="、".join(DIALOGS))
    prechecks.add_commands(commands, _day)
    staff.add_commands(commands)
    operations.add_commands(commands)
    doctor.add_commands(commands)
    keys.add_commands(commands)
    return top


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"“{text}”不是日期，写成 2026-11-22 这样") from error


def main(arguments: list[str] | None = None) -> int:
    """Run a command; the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8")  # whatever the machine's locale says
    given = parser().parse_args(arguments)
    try:
        if given.command == "doctor":
            return _run(lambda: doctor.run(given, os.environ))
        settings = Settings.read(os.environ, given.settings)
        logs.set_up(settings.log, settings.secrets)
        match given.command:
            case "requests" | "personal":
                return _run(lambda: requests(given, settings))
            case "new-key":
                return keys.make(settings)
            case "rotate-keys":
                return _run(lambda: rotate_keys(settings))
            case "purge":
                return _run(lambda: purge(given, settings))
            case "backup" | "restore" | "migrate-store":
                return _run(lambda: operations.run(given, settings))
            case "settings":
                return operations.show(settings)
            case "check":
                return admin.check(given.folder or settings.knowledge, given.format)
            case "import":
                return admin.bring(given, settings.knowledge)
            case "diff":
                return _run(lambda: compare(given, settings))
            case "stale":
                return admin.age(given, settings.knowledge)
            case "reload":
                return admin.ask_for_reload(settings.store)
            case "schema":
                return admin.describe(given.folder or settings.knowledge)
            case "precheck":
                return prechecks.run(given, settings.knowledge)
            case "serve" | None:
                return _run(lambda: serve(settings), swift=True)
        knowledge = loader.load(settings.knowledge)
        match given.command:
            case "chart":
                print(draw(given.dialog, knowledge, datetime.now(LOCAL).date()), end="")
                return 0
            case "try":
                return trying.run(
                    os.fsencode(given.text).decode("utf-8", "replace"), knowledge, console.noon(given.today) or datetime.now(LOCAL), given.format
                )
            case "chat":
                return _run(lambda: chat(given, settings, knowledge))
            case _:
                return _run(lambda: ask(given, settings, knowledge))
    except (SettingError, StoreError, cases.CaseError) as error:
        print(error, file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader (head, less) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except loader.KnowledgeError as error:
        what = "没有启动" if given.command in ("serve", "chat", "ask", None) else "先改好，再用这个命令"
        print(f"知识库有 {len(error.problems)} 处问题，{what}：\n{error}", file=sys.stderr)
        return 2


def _run(command: Callable[[], Awaitable[int | None]], swift: bool = False) -> int:
    """Run a command to its end; `swift`: on uvloop where there is one, which a server is worth and a short command is not."""

    async def body() -> int:
        return await command() or 0

    loop: Callable[[], asyncio.AbstractEventLoop] | None = None
    if swift:
        with contextlib.suppress(ImportError):  # there is none for Windows
            import uvloop

            loop = uvloop.new_event_loop
    try:
        with asyncio.Runner(loop_factory=loop) as runner:
            return runner.run(body())
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


if __name__ == "__main__":
    sys.exit(main())
