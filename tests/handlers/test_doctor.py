"""A look at everything that the program stands on finds what is wrong, says how to mend it, and leaves alone what is right."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, tzinfo
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Self
from urllib.parse import quote

import psycopg
import pytest

from handlers import doctor, doctor_machine
from handlers.doctor_machine import Finding, file_system, sound_sqlite
from handlers.settings import Settings
from storage.sealing import new_key
from tests.handlers.bot_api import TOKEN, BotApi
from tests.test_bot import free_port, run
from tests.test_serving import line_with, program

HELLO = '{"chat": "a", "text": "你好"}\n'


async def found(**env: str) -> dict[str, list[Finding]]:
    """What is wrong, by what it is about; each with a remedy."""
    wrong: dict[str, list[Finding]] = {}
    async for finding in doctor.look(Settings.read({"PORT": str(free_port()), **env}), online="ONLINE" in env):
        if finding.grade != "ok":
            assert finding.fix or "DATABASE_URL" in finding.what or "请" in finding.what, finding
            wrong.setdefault(finding.about, []).append(finding)
    return wrong


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store in which somebody has talked, with a fresh backup."""
    run("chat", "--jsonl", "--store", str(tmp_path / "s.db"), stdin=HELLO)
    run("backup", str(tmp_path / "copy.db"), STORE=str(tmp_path / "s.db"))
    return tmp_path / "s.db"


async def test_a_sound_installation_has_nothing_to_mend(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 51, 3))
    monkeypatch.setattr(doctor_machine, "FILES", 16)
    assert await found(STORE=str(store), OPERATOR="测试服务中心") == {}
    assert [f.what for f in (await found(STORE=str(store)))["privacy"]] == ["没设 OPERATOR，页面 /privacy 没有写明个人信息由谁处理"]


def test_programs_get_the_findings_as_json_and_a_code(store: Path) -> None:
    out, _ = run("doctor", "--format", "json", STORE=str(store), PORT=str(free_port()))
    told = json.loads(out)
    assert told["bad"] == 0
    assert {"settings", "versions", "clock", "disk", "limits", "port", "knowledge", "pictures", "store", "backup", "telegram"} <= {
        f["about"] for f in told["findings"]
    }
    out, _ = run("doctor", "--format", "json", expect=1, STORE=str(store), PORT="many", TELEGRAM_TOKN="1")
    told = json.loads(out)
    assert told["bad"] == len(told["findings"]) == 2, "what is set is mended first"
    assert all(f["about"] == "settings" and f["fix"] for f in told["findings"])


@pytest.mark.parametrize(
    ("version", "sound"),
    [((3, 40, 1), False), ((3, 44, 5), False), ((3, 44, 6), True), ((3, 45, 0), False), ((3, 50, 7), True), ((3, 51, 2), False), ((3, 51, 3), True)],
)
def test_sqlite_with_the_known_fault_is_told(version: tuple[int, ...], sound: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sound_sqlite(version) == sound
    monkeypatch.setattr(sqlite3, "sqlite_version_info", version)
    assert any("一个连接写" in f.fix for f in doctor_machine.versions(Settings())) != sound
    assert all(f.grade == "ok" for f in doctor_machine.versions(Settings(database="postgresql://h/x")))


async def test_a_store_that_others_can_read_or_that_is_broken_is_told(store: Path) -> None:
    assert store.stat().st_mode & 0o077 == 0, "it is made for its user alone"
    assert (store.parent / "copy.db").stat().st_mode & 0o077 == 0, "and so are its copies"
    store.chmod(0o644)
    (wrong,) = (await found(STORE=str(store)))["permissions"]
    assert wrong.fix == f"chmod 600 {store}"
    store.write_bytes(b"broken")
    (wrong,) = (await found(STORE=str(store)))["store"]
    assert "python bot.py restore" in wrong.fix


async def test_a_folder_that_all_may_change_or_nobody_can_write_is_told(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    (wrong,) = (await found(STORE=str(tmp_path / "open" / "s.db")))["permissions"]
    assert wrong.fix == f"chmod o-w {tmp_path / 'open'}"
    (tmp_path / "file").touch()
    (wrong,) = (await found(STORE=str(tmp_path / "file" / "s.db")))["permissions"]
    assert (wrong.grade, "写不进" in wrong.what) == ("bad", True)


async def test_a_disk_that_is_nearly_full_or_far_away_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_machine, "FREE", 1 << 60)
    monkeypatch.setattr(doctor_machine, "INODES", 1 << 60)
    monkeypatch.setattr(doctor_machine, "DRIFT", -10.0)
    monkeypatch.setattr(doctor_machine, "file_system", lambda folder: "nfs4")
    wrong = await found(STORE=str(tmp_path / "s.db"))
    assert any("磁盘只剩" in f.what for f in wrong["disk"])
    assert any("网络磁盘" in f.what and f.grade == "bad" for f in wrong["disk"])
    assert any("磁盘的时钟" in f.what for f in wrong["clock"])
    if os.statvfs(tmp_path).f_files:
        assert any("个文件" in f.what for f in wrong["disk"])


def test_the_file_system_of_a_folder_is_that_of_the_nearest_mount(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"a / ext4 rw 0 0\nb {tmp_path} nfs rw 0 0\nc {tmp_path}/x tmpfs rw 0 0\nd {tmp_path} nfs4 rw 0 0\n", encoding="utf-8")
    assert file_system(tmp_path / "data", mounts) == "nfs4"
    assert file_system(tmp_path.parent, mounts) == "ext4"
    assert file_system(tmp_path, tmp_path / "none") == ""


async def test_a_clock_that_went_back_is_told_from_what_was_said(tmp_path: Path) -> None:
    run("chat", "--jsonl", "--today", "2090-01-01", "--store", str(tmp_path / "s.db"), stdin=HELLO)
    (wrong,) = (await found(STORE=str(tmp_path / "s.db")))["clock"]
    assert "2090-01-01" in wrong.what


def test_wrong_clocks_and_time_zones_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Past(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls(2001, 1, 1, tzinfo=UTC)

    monkeypatch.setattr(doctor_machine, "datetime", Past)
    told = list(doctor_machine.time_of_day(Settings()))
    assert [f.grade for f in told] == ["bad", "bad"]
    assert "timedatectl" in told[0].fix
    assert "tzdata" in told[1].fix


async def test_a_store_without_a_backup_or_with_an_old_or_broken_one_is_told(store: Path) -> None:
    note, copy = store.with_name("s.db.last-backup"), store.with_name("copy.db")
    os.utime(note, (time.time() - 8 * 86400,) * 2)
    assert "8 天前" in (await found(STORE=str(store)))["backup"][0].what
    copy.write_bytes(b"broken")
    assert "对不上" in (await found(STORE=str(store)))["backup"][0].what
    note.unlink()
    assert "还没有备份" in (await found(STORE=str(store)))["backup"][0].what


async def test_knowledge_that_does_not_load_and_pictures_that_cannot_be_drawn_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "base").mkdir()
    out, _ = await asyncio.to_thread(run, "doctor", expect=1, STORE=str(tmp_path / "s.db"), KNOWLEDGE=str(tmp_path / "base"))
    assert "python bot.py check" in out
    monkeypatch.setattr("handlers.drawing.to_png", lambda svg: b"nothing")
    assert "画不了图" in (await found(STORE=str(tmp_path / "s.db")))["pictures"][0].what


# --- the port


class Unready(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(503)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


async def test_the_port_is_free_or_ours_or_a_strangers(store: Path) -> None:
    port = str(free_port())
    async with program(PORT=port, STORE=str(store)) as running:
        await line_with(running, "已启动")
        out, _ = await asyncio.to_thread(run, "doctor", PORT=port, STORE=str(store))
        assert "上运行，可以接待" in out
        (wrong,) = (await found(PORT=port, STORE=str(store.parent / "other.db")))["port"]
        assert "不是用这个数据文件" in wrong.what
    server = HTTPServer(("127.0.0.1", 0), Unready)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        (wrong,) = (await found(PORT=str(server.server_port), STORE=str(store)))["port"]
        assert "不能接待" in wrong.what
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    (wrong,) = (await found(HOST="192.0.2.1", HOSTS="x.cn", STORE=str(store)))["port"]
    assert "用不了" in wrong.what


async def test_an_address_for_all_without_a_name_is_told(tmp_path: Path) -> None:
    everywhere = {"HOST": "0.0.0.0", "STORE": str(tmp_path / "s.db"), "TRUSTED_PROXIES": "192.0.2.1"}
    plain, nameless = (await found(**everywhere))["settings"]
    assert "不加密" in plain.what
    assert "HOSTS" in nameless.fix
    (plain,) = (await found(**everywhere, HOSTS="x.cn", PUBLIC_URL="http://x.cn"))["settings"]
    assert "PUBLIC_URL=https" in plain.fix
    assert "settings" not in await found(**everywhere, PUBLIC_URL="https://x.cn")


async def test_a_store_that_the_keys_do_not_open_is_told_as_the_start_would(tmp_path: Path, fresh_postgres: Callable[[], str]) -> None:
    (one, other), file, url = (f"k1:{new_key()}" for _ in range(2)), str(tmp_path / "s.db"), fresh_postgres()
    for place, env in ((file, {"STORE": file}), (url, {"DATABASE_URL": url})):
        await asyncio.to_thread(run, "chat", "--jsonl", "--store", place, stdin=HELLO, DATA_KEYS=one)
        assert "keys" not in await found(**env, DATA_KEYS=one)
        (missing,) = (await found(**env))["keys"]
        (different,) = (await found(**env, DATA_KEYS=other))["keys"]
        assert "DATA_KEYS 里没有" in missing.what
        assert "不是同一个" in different.what
        _, err = await asyncio.to_thread(run, "serve", expect=2, PORT=str(free_port()), **env)
        assert missing.what in err


# --- PostgreSQL


def with_option(url: str, option: str) -> str:
    return f"{url}{quote(f' -c {option}')}"


async def test_a_database_is_looked_at_without_being_changed(
    tmp_path: Path, fresh_postgres: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, env = fresh_postgres(), {"STORE": str(tmp_path / "s.db")}
    assert "database" not in await found(DATABASE_URL=url, **env)
    with psycopg.connect(url) as connection:
        assert connection.execute("select to_regclass('conversations')").fetchone() == (None,)
    (wrong,) = (await found(DATABASE_URL=with_option(url, "synchronous_commit=off"), **env))["database"]
    assert (wrong.grade, "synchronous_commit" in wrong.what) == ("bad", True)
    monkeypatch.setattr(doctor, "CONNECTIONS", 1 << 30)
    monkeypatch.setattr(doctor, "DRIFT", -10.0)
    wrong_ = await found(DATABASE_URL=url, **env)
    assert "max_connections" in wrong_["database"][0].fix
    assert "数据库的时钟" in wrong_["clock"][0].what
    monkeypatch.setattr(doctor, "_POSTGRES_UNTIL", dict.fromkeys(range(10, 30), date(2020, 1, 1)))
    assert any("不再修补" in f.what for f in (await found(DATABASE_URL=url, **env))["versions"])


async def test_a_database_that_is_not_there_or_holds_no_chinese_is_told(tmp_path: Path, postgres: str) -> None:
    out, _ = await asyncio.to_thread(run, "doctor", expect=1, DATABASE_URL="postgresql://127.0.0.1:1/none", STORE=str(tmp_path / "s.db"))
    assert "连不上或断开了" in out
    name = f"latin_{os.getpid()}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"create database {name} encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' template template0")
        try:
            parts = psycopg.conninfo.conninfo_to_dict(postgres) | {"dbname": name}
            query = "&".join(f"{key}={quote(str(value), safe='')}" for key, value in parts.items())
            wrong = await found(DATABASE_URL=f"postgresql://?{query}", STORE=str(tmp_path / "s.db"))
            assert any("LATIN1" in f.what for f in wrong["database"])
        finally:
            connection.execute(f"drop database {name}")


# --- Telegram


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as server:
        yield server


async def test_telegram_is_asked_only_when_wanted(tmp_path: Path, api: BotApi) -> None:
    env = {"STORE": str(tmp_path / "s.db"), "TELEGRAM_TOKEN": TOKEN, "TELEGRAM_API": api.url}
    assert "telegram" not in await found(**env)
    assert not api.calls
    assert "telegram" not in await found(ONLINE="1", **env)
    assert [c.method for c in api.calls] == ["getMe", "getWebhookInfo"]
    api.webhook = {"url": "https://elsewhere.example.cn/telegram"}
    api.trouble = {"last_error_date": 1_790_000_000, "last_error_message": "Connection refused"}
    told = (await found(ONLINE="1", **env))["telegram"]
    assert ["elsewhere.example.cn" in told[0].what, "Connection refused" in told[1].what] == [True, True]
    (wrong,) = (await found(ONLINE="1", **{**env, "TELEGRAM_TOKEN": "1:wrong"}))["telegram"]
    assert "不认" in wrong.what
    gone = f"http://127.0.0.1:{free_port()}"
    (wrong,) = (await found(ONLINE="1", **{**env, "TELEGRAM_API": gone}))["telegram"]
    assert (wrong.grade, TOKEN in str(wrong)) == ("bad", False)
