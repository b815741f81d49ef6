"""The real program tells its log and its visitors no phone, e-mail, token, cookie, password or key, whatever goes wrong; and asks nobody else.

It runs with errors built in from outside: what a visitor says is raised again where it hurts most.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from docs.make_charts import ROOT
from handlers.web import COOKIE
from tests.handlers.bot_api import TOKEN, BotApi, page
from tests.test_bot import free_port
from tests.test_workers import ready

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
SECRET, FIGURES, VISITOR, KEY = "webhook-secret-9f8e7d", "metrics-token-1a2b3c", "Visitors-own-cookie-22", "ReportKeyReportKeyReportKey-12345"[:32]
TOLD = ("13812345678", "138 1234 5678", "0512-66668888", "li.na@example.com", "+86 13987654321")
BREAKING = """
import sys
from dialogs import turns
from storage import sqlite
from storage.contract import StoreError
real = turns.respond
def respond(state, message, *rest):
    if "坏" in message.text:
        raise ValueError(f"cannot read {message.text!r}\\nof {message.text}")
    return real(state, message, *rest)
turns.respond = respond
handle = turns.Turns.handle
async def breaking(self, address, message, *rest, **more):
    if "乱" in message.text:
        raise StoreError(f"cannot keep {message.text}")
    return await handle(self, address, message, *rest, **more)
turns.Turns.handle = breaking
async def report(self, key, now):
    raise RuntimeError(f"GET /report/{key} failed")
sqlite.SqliteStore.report = report
import bot
sys.exit(bot.main(["serve"]))
"""
WATCHED = """
import sys
sys.modules["uvloop"] = None  # its connections pass the interpreter's watch unseen
asked = open(sys.argv[1], "a", buffering=1)
def hook(event, arguments):
    if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.connect", "socket.sendto"):
        print(event, arguments[0] if event.startswith("socket.get") else arguments[1], file=asked)
sys.addaudithook(hook)
import bot
sys.exit(bot.main(["serve"]))
"""


@asynccontextmanager
async def running(folder: Path, code: str, *arguments: str, **env: str) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """A program made of this code, when it is ready, with its address; ended by SIGTERM."""
    port = free_port()
    settings = {**os.environ, "PORT": str(port), "STORE": str(folder / "s.db"), "PYTHONPATH": str(ROOT), **env}
    command = [sys.executable, "-c", code, *arguments]
    with (folder / "out.txt").open("wb") as out:
        program = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=settings, stdout=out, stderr=out)
        try:
            async with httpx2.AsyncClient(trust_env=False) as client:
                await ready(client, f"http://127.0.0.1:{port}")
            yield f"http://127.0.0.1:{port}", program
        finally:
            if program.returncode is None:
                program.send_signal(signal.SIGTERM)
            await asyncio.wait_for(program.wait(), 15)


@pytest.mark.parametrize("form", ["text", "json"])
async def test_nothing_private_and_no_secret_is_told_whatever_breaks(tmp_path: Path, form: str) -> None:
    env = {
        "LOG": form,
        "TELEGRAM_TOKEN": TOKEN,
        "TELEGRAM_WEBHOOK": "https://bot.example.cn/telegram",
        "TELEGRAM_SECRET": SECRET,
        "METRICS_TOKEN": FIGURES,
    }
    answers = []
    async with BotApi() as api:
        api.fail("setWebhook", page(502))
        api.fail("sendMessage", *[page(502)] * 3)
        async with running(tmp_path, BREAKING, TELEGRAM_API=api.url, **env) as (address, _), httpx2.AsyncClient(trust_env=False) as client:
            cookie = {"Cookie": f"{COOKIE}={VISITOR}"}
            for number, word in enumerate(("好", "坏", "乱")):
                for how, private in enumerate(TOLD):
                    body = {"id": f"message-{number}-{how}", "text": f"{word}，找我：{private}"}
                    answers.append(await client.post(f"{address}/api/messages", json=body, headers=cookie))
            answers.append(await client.get(f"{address}/report/{KEY}"))
            answers.append(await client.get(f"{address}/metrics", headers={"Authorization": f"Bearer wrong-{FIGURES}"}))
            answers.append(await client.post(f"{address}/telegram", content=b"{}", headers={"X-Telegram-Bot-Api-Secret-Token": f"wrong-{SECRET}"}))
            update = {"update_id": 1, "message": api.message(7, text=f"坏，找我：{TOLD[0]}")}
            shown = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
            answers.append(await client.post(f"{address}/telegram", json=update, headers=shown))
            await asyncio.sleep(1)
    assert {a.status_code for a in answers} >= {200, 403, 404, 500, 503}
    out = (tmp_path / "out.txt").read_text(encoding="utf-8")
    assert "一轮没有答成" in out
    assert "没有存下" in out
    assert "没有给出来" in out
    assert "/report/***" in out
    secrets = [TOKEN, TOKEN.partition(":")[2], SECRET, FIGURES, VISITOR, KEY]
    digits = [re.sub(r"\D", "", private) for private in TOLD if "@" not in private]
    for line in (*out.splitlines(), *(a.text for a in answers)):
        assert not [s for s in (*secrets, *TOLD, "example.com") if s in line], line
        assert not [d for d in digits if d[-8:] in re.sub(r"[ -]", "", line)], line
    for answer in answers:
        assert "Traceback" not in answer.text
        assert "ValueError" not in answer.text
    if form == "json":
        told = [json.loads(line) for line in out.splitlines() if not line.startswith("园企通已启动")]
        assert told
    else:
        begins = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} [A-Z]+ |    |园企通已启动")
        assert [line for line in out.splitlines() if line and not begins.match(line)] == [], "nobody's words begin a line of their own"


@pytest.mark.parametrize("address", ["postgresql://yqt:geheimes-wort@127.0.0.1:{port}/yqt", "postgresql://yqt:geheimes-wort@127.0.0.1:{port}:x/yqt"])
async def test_the_password_of_a_database_is_not_told_when_it_cannot_be_reached(tmp_path: Path, address: str) -> None:
    env = {**os.environ, "STORE": str(tmp_path / "s.db"), "DATABASE_URL": address.format(port=free_port()), "PORT": str(free_port())}

    async def told(command: str) -> tuple[int | None, str]:
        done = await asyncio.create_subprocess_exec(
            sys.executable, "bot.py", command, cwd=ROOT, env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        out, _ = await asyncio.wait_for(done.communicate(), 60)
        return done.returncode, out.decode()

    for code, out in await asyncio.gather(*map(told, ("serve", "doctor"))):
        assert code
        assert out
        assert "geheimes-wort" not in out


async def test_the_running_program_connects_to_its_bot_api_server_and_to_nobody_else(tmp_path: Path) -> None:
    asked = tmp_path / "asked.txt"
    async with BotApi() as api, running(tmp_path, WATCHED, str(asked), TELEGRAM_API=api.url, TELEGRAM_TOKEN=TOKEN) as (address, _):
        await api.say(7, "太仓有什么补贴 https://elsewhere.example/x http://169.254.169.254/latest")
        await api.until(lambda: api.texts(7), 10)
        async with httpx2.AsyncClient(trust_env=False) as client:
            said = {"id": "message-1", "text": "看看 http://169.254.169.254/latest"}
            assert (await client.post(f"{address}/api/messages", json=said, headers={"Cookie": f"{COOKIE}={VISITOR}"})).status_code == 200
            await client.get(f"{address}/", headers={"X-Forwarded-Host": "elsewhere.example"})
        host = api.url.removeprefix("http://").partition("/")[0]
    places = set(asked.read_text(encoding="utf-8").splitlines())
    name, _, port = host.partition(":")
    assert places
    assert [p for p in places if p not in (f"socket.getaddrinfo {name}", f"socket.connect ('{name}', {port})")] == []
