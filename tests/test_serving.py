"""The running program and its knowledge: an admin edits, breaks, mends and restarts, and is told in the terminal and in Telegram."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Self
from urllib.parse import quote

import httpx2
import pytest
from psycopg.conninfo import conninfo_to_dict

from docs.make_charts import ROOT
from knowledge import loader
from tests.handlers.bot_api import TOKEN, BotApi
from tests.test_bot import free_port

ADMIN = 42


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as server:
        yield server


@asynccontextmanager
async def program(**env: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The program as a service manager runs it; ended by SIGTERM."""
    running = await asyncio.create_subprocess_exec(
        sys.executable, "bot.py", cwd=ROOT, env={**os.environ, **env}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    assert running.stdout is not None
    try:
        yield running
    finally:
        if running.returncode is None:
            running.send_signal(signal.SIGTERM)
            await asyncio.wait_for(running.communicate(), 15)


async def line_with(running: asyncio.subprocess.Process, words: str) -> str:
    """The next line of the program's output that has these words."""
    assert running.stdout is not None
    async with asyncio.timeout(20):
        while line := (await running.stdout.readline()).decode():
            if words in line:
                return line
    raise AssertionError(f"the program ended without saying {words!r}")


async def command(*arguments: str, **env: str) -> tuple[int, str]:
    done = await asyncio.create_subprocess_exec(
        sys.executable, "bot.py", *arguments, cwd=ROOT, env={**os.environ, **env}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await asyncio.wait_for(done.communicate(), 60)
    return done.returncode or 0, out.decode()


async def test_an_admin_edits_breaks_mends_and_restarts(api: BotApi, tmp_path: Path) -> None:
    folder = tmp_path / "base"
    shutil.copytree(loader.SHIPPED, folder)
    env = {"PORT": str(free_port()), "STORE": str(tmp_path / "s.db"), "KNOWLEDGE": str(folder)}
    env |= {"TELEGRAM_TOKEN": TOKEN, "TELEGRAM_API": api.url, "ADMIN_CHAT": str(ADMIN)}
    supports = folder / "snd" / "supports.yaml"
    good = supports.read_text(encoding="utf-8")
    async with program(**env) as running:
        await line_with(running, "已启动")
        code, said = await command("reload", **env)
        assert (code, "没有变化" in said) == (0, True), said

        supports.write_text(good.replace("max: 300万元", "max: 350万元"), encoding="utf-8")
        await line_with(running, "知识库已换成版本")
        await api.until(lambda: any("知识库已换成版本" in text for text in api.texts(ADMIN)), 10)
        await api.say(7, "第三类医疗器械注册证书资助是多少")
        await api.until(lambda: any("最高350万元" in text for text in api.texts(7)), 10)

        supports.write_text(good.replace("kind: subsidy", "kind: subsidi"), encoding="utf-8")
        await line_with(running, "没有换上，继续用原来的版本")
        await api.until(lambda: any("没有换上" in text and "snd/supports.yaml" in text for text in api.texts(ADMIN)), 10)
        code, said = await command("reload", **env)
        assert (code, "snd/supports.yaml" in said) == (1, True), said
        await api.say(7, "第三类医疗器械注册证书资助是多少")
        await api.until(lambda: sum("最高350万元" in text for text in api.texts(7)) == 2, 10)

    async with program(**env) as running:
        await line_with(running, "换上的版本")
        await line_with(running, "已启动")
        supports.write_text(good, encoding="utf-8")
        await line_with(running, "知识库已换成版本")
    code, said = await command("reload", **env)
    assert (code, "没有找到正在运行的园企通" in said) == (2, True), said


async def test_a_wrong_admin_chat_is_said(tmp_path: Path) -> None:
    code, said = await command("serve", ADMIN_CHAT="someone", STORE=str(tmp_path / "s.db"))
    assert code == 2
    assert "ADMIN_CHAT" in said
    assert "数字" in said


class Line:
    """The way to a database, which can be cut."""

    def __init__(self, postgres: str) -> None:
        self._place = conninfo_to_dict(postgres)
        self._open: set[asyncio.StreamWriter] = set()
        self._whole = True
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._taken, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cut()
        assert self._server is not None
        self._server.close()

    @property
    def url(self) -> str:
        assert self._server is not None
        place = {**self._place, "host": "127.0.0.1", "port": str(self._server.sockets[0].getsockname()[1])}
        return "postgresql://?" + "&".join(f"{name}={quote(str(value), safe='')}" for name, value in place.items())

    def cut(self) -> None:
        self._whole = False
        for writer in self._open:
            writer.transport.abort()
        self._open.clear()

    def mend(self) -> None:
        self._whole = True

    async def _taken(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._whole:
            writer.transport.abort()
            return
        host, port = str(self._place["host"]), self._place.get("port") or "5432"
        there = asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}") if host.startswith("/") else asyncio.open_connection(host, int(port))
        far_reader, far_writer = await there
        self._open |= {writer, far_writer}
        await asyncio.gather(_passed(reader, far_writer), _passed(far_reader, writer))


async def _passed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def test_without_its_database_a_program_lives_and_is_not_ready_until_it_is_back(tmp_path: Path, fresh_postgres: Callable[[], str]) -> None:
    port = free_port()
    async with (
        Line(fresh_postgres()) as line,
        httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=15) as client,
        program(DATABASE_URL=line.url, PORT=str(port), STORE=str(tmp_path / "s.db")) as running,
    ):
        await line_with(running, "已启动")
        assert (await client.get("/readyz")).status_code == 200
        line.cut()
        assert (await client.get("/readyz")).status_code == 503
        assert (await client.get("/healthz")).status_code == 200, "it needs no new start"
        line.mend()
        answers = [(await client.get("/readyz")).status_code for _ in range(3)]
        assert 200 in answers, answers
        line.cut()
        began = asyncio.get_running_loop().time()
        running.send_signal(signal.SIGTERM)
        assert await running.wait() == 0
        assert asyncio.get_running_loop().time() - began < 10, "it stops in time without one as well"
