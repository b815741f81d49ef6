"""A store written by the first release.

`first_release.sql` was written by the code of 2026-11-22 itself: its first commit (a terminal talk, a filed request), then its last (web and
Telegram: open talks, a filed request, replies and notices that wait). Nothing in it was edited.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.faults.conftest import Measured
from tests.handlers.bot_api import TOKEN, BotApi
from tests.test_bot import run
from tests.test_workers import programs, say, talk_so_far

WRITTEN = Path(__file__).with_name("first_release.sql")
FILED = {"YQ-261122-0001", "YQ-261126-0001"}
OPEN_PRECHECK, OPEN_REQUEST = 1, 4
"""The visitors of the web chat who stopped midway."""
ANSWERS = {"名称": "测试医疗公司", "称呼": "李女士", "电话": "13812345678", "同意": "同意", "对吗": "确认"}
"""What is answered to a question that has this word; of several, the last counts."""


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "yuanqitong.db"
    with closing(sqlite3.connect(path)) as file:
        file.executescript(WRITTEN.read_text(encoding="utf-8"))
    return path


@pytest.fixture(params=["the same file", "moved to PostgreSQL"])
def settings(request: pytest.FixtureRequest, store: Path, fresh_postgres: Callable[[], str]) -> dict[str, Any]:
    """The settings of today's program on what the first release wrote."""
    if request.param == "the same file":
        return {"STORE": str(store)}
    url = fresh_postgres()
    with closing(sqlite3.connect(store)) as file:
        lines = file.execute("select count(*) from messages").fetchone()[0]
    out, _ = run("migrate-store", str(store), url)
    assert re.search(rf"messages +{lines} 行", out)
    return {"STORE": str(store), "DATABASE_URL": url}


async def test_talks_requests_and_notices_of_the_first_release_go_on(settings: dict[str, Any], tmp_path: Path, measured: Measured) -> None:
    listed, _ = run("requests", "list", **settings)
    assert all(number in listed for number in FILED)
    assert listed.count("测试医疗公司") == len(FILED)
    assert "三个工作日内答复" in run("requests", "show", "YQ-261126-0001", **settings)[0]
    async with BotApi() as api:
        api.next_update += 1000  # Telegram's go on as well
        env = {**settings, "TELEGRAM_TOKEN": TOKEN, "TELEGRAM_API": api.url}
        async with programs(1, tmp_path, **env) as ((address, _),), httpx2.AsyncClient(timeout=30) as client:
            await api.until(lambda: any("三个工作日内答复" in text for text in api.texts(77)), 10)
            assert len(api.texts(77)) == 1, "what was delivered then is not delivered again"

            await api.say(78, "投资产业化项目")
            await api.until(lambda: api.texts(78), 10)
            assert "苏州高新区" not in api.texts(78)[0], "the region that was given then is not asked again"

            before = await talk_so_far(client, address, OPEN_PRECHECK)
            assert [m["text"] for m in before if m["by"] == "you"] == ["我想做补贴预审", "苏州高新区", "医疗器械"]
            await say(client, address, OPEN_PRECHECK, 100, "先看结果")
            report = (await talk_so_far(client, address, OPEN_PRECHECK))[len(before) :]
            assert any("苏州高新区补贴预审" in m["text"] for m in report), report

            new = await filed(client, address)
            assert new not in FILED
            assert len(await talk_so_far(client, address, OPEN_REQUEST)) > 8
    assert new in run("requests", "list", **settings)[0]
    where = "and moved to PostgreSQL" if "DATABASE_URL" in settings else "in its file"
    measured(f"upgrade from 0.1.0, {where}", "open talks go on, requests are listed, what waited is delivered once", "all of it; 0 asked again")


async def filed(client: httpx2.AsyncClient, address: str) -> str:
    """The number of the request whose talk was open; whatever is still asked for is answered."""
    for update in range(8):
        asked = (await talk_so_far(client, address, OPEN_REQUEST))[-1]["text"]
        if number := re.search(r"已登记 (YQ-\d{6}-\d{4})", asked):
            return number[1]
        answer = [said for word, said in ANSWERS.items() if word in asked]
        assert answer, asked
        await say(client, address, OPEN_REQUEST, 100 + update, answer[-1])
    raise AssertionError(asked)


def test_an_old_program_refuses_what_a_newer_one_wrote(store: Path, measured: Measured) -> None:
    run("requests", "list", STORE=str(store))
    with closing(sqlite3.connect(store)) as file, file:
        file.execute("insert into _sqlite_migrations (migration_set, name, applied_at) values ('yuanqitong', '_version_999', '2027-01-01')")
    _, said = run("requests", "list", STORE=str(store), expect=2)
    assert "由更新版本的程序写成" in said
    assert "请升级程序，或换用升级前的备份" in said
    measured("an older program on a store of a newer one", "refused with what to do, nothing touched", "refused")
