"""What whoever runs the program sees of it: figures, log lines, readiness, and a refusal in time; none of it names a person."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest
from starlette.testclient import TestClient

from dialogs import turns as shell
from dialogs.messages import Message
from dialogs.turns import BusyError, Library, Turns
from handlers import logs
from handlers.metrics import Metrics
from handlers.web import COOKIE, create_app
from knowledge.snapshot import Knowledge
from storage.contract import Address, StoreError
from storage.memory import MemoryStore

TOKEN = "a-token-of-tests"
COOKIES = {COOKIE: "visitor-of-these-tests"}
HERE = "http://127.0.0.1"


def client_of(turns: Turns) -> TestClient:
    metrics = Metrics(turns, TOKEN)
    turns.observe = metrics.observe
    return TestClient(create_app(turns, metrics=metrics), base_url=HERE, cookies=COOKIES)


def figures(client: TestClient) -> dict[str, float]:
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    lines = (line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in lines}


def test_figures_count_turns_by_what_came_of_them_and_requests_by_state(knowledge: Knowledge) -> None:
    client = client_of(Turns(MemoryStore(), Library(knowledge)))
    said = ["昆科贷是什么", "阿巴阿巴阿巴", "转人工", "集采奖励还能申请吗", "测试医疗公司", "同意", "李女士", "13812345678", "确认"]
    for number, text in enumerate([*said, "确认"]):
        body = {"id": f"update-{min(number, len(said) - 1):04}", "text": text}
        assert client.post("/api/messages", json=body).status_code == 200
    found = figures(client)
    assert found['yuanqitong_turns_total{channel="web",result="not_understood"}'] == 1
    assert found['yuanqitong_turns_total{channel="web",result="understood"}'] == len(said) - 1
    assert found['yuanqitong_turns_total{channel="web",result="duplicate"}'] == 1
    assert found['yuanqitong_turn_seconds_count{channel="web"}'] == len(said) + 1
    assert found['yuanqitong_requests{state="new"}'] == 1
    assert 0 <= found['yuanqitong_requests_oldest_seconds{state="new"}'] < 60
    assert found['yuanqitong_outbox_waiting{channel="web"}'] > 0
    assert 0 <= found['yuanqitong_outbox_oldest_seconds{channel="web"}'] < 60
    text = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).text
    assert not any(word in text for word in ("13812345678", "测试", "visitor"))


@pytest.mark.parametrize("shown", ["", "Bearer wrong", f"Basic {TOKEN}", "Bearer 中文"])
def test_figures_are_for_who_shows_the_token(knowledge: Knowledge, shown: str) -> None:
    client = client_of(Turns(MemoryStore(), Library(knowledge)))
    assert client.get("/metrics", headers=[(b"authorization", shown.encode())]).status_code == 404
    bare = TestClient(create_app(Turns(MemoryStore(), Library(knowledge))), base_url=HERE)
    assert bare.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 404, "and there are none where no token is set"


def test_a_program_that_stops_is_alive_and_no_longer_ready(knowledge: Knowledge) -> None:
    app = create_app(Turns(MemoryStore(), Library(knowledge)))
    client = TestClient(app, base_url=HERE)
    assert (client.get("/healthz").status_code, client.get("/readyz").status_code) == (200, 200)
    app.state.close_streams()
    assert (client.get("/healthz").status_code, client.get("/readyz").status_code) == (200, 503)


class Away(MemoryStore):
    """A store that can't be reached."""

    async def request(self, number: str) -> Any:
        raise StoreError("数据库 h/d：连不上")


def test_a_program_without_its_database_says_so(knowledge: Knowledge) -> None:
    client = TestClient(create_app(Turns(Away(), Library(knowledge))), base_url=HERE)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.text) == (503, "数据库暂时连不上。")
    assert client.get("/healthz").status_code == 200


class Slow(MemoryStore):
    """A store in which turns pile up until they are let go."""

    def __init__(self) -> None:
        super().__init__()
        self.open = asyncio.Event()

    async def load(self, address: Address, update_id: str | None = None) -> Any:
        await self.open.wait()
        return await super().load(address, update_id)


async def test_what_comes_on_top_of_a_full_queue_is_refused_at_once_and_taken_later(knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell, "MAX_UNDER_WAY", 20)
    store = Slow()
    turns = Turns(store, Library(knowledge))
    waiting = [asyncio.create_task(turns.handle(Address("web", str(n), str(n)), Message("你好"), "1")) for n in range(20)]
    await asyncio.sleep(0)
    late = Address("web", "late", "late")
    with pytest.raises(BusyError):
        await turns.handle(late, Message("你好"), "1")
    store.open.set()
    assert all(not handled.duplicate for handled in await asyncio.gather(*waiting))
    assert not (await turns.handle(late, Message("你好"), "1")).duplicate, "nothing of the refused one was stored"


def test_a_busy_program_says_when_to_come_again(knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell, "MAX_UNDER_WAY", 0)
    client = client_of(Turns(MemoryStore(), Library(knowledge)))
    answer = client.post("/api/messages", json={"id": "update-0001", "text": "你好"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert "过几秒再发一次" in answer.json()["error"]


# --- log lines


def test_a_failure_that_comes_again_and_again_is_told_once_a_minute_in_one_line() -> None:
    now = 0.0
    again, told = logs.Again(lambda: now), []

    def failed(error: Exception, text: str = "接着再试", *more: Any) -> None:
        line = record(text, *more, exc_info=(type(error), error, None))
        if again.filter(line):
            told.append(logs.Plain().format(line))

    for n in range(240):
        now = n / 2
        failed(StoreError(f"连不上，端口 {n}"))
        failed(StoreError(f"连不上，端口 {n}"), "别处也试了")
    assert [line.partition("yuanqitong: ")[2] for line in told] == ["接着再试：连不上，端口 0", "接着再试：连不上，端口 120（又有 239 次）"]
    told.clear()
    for update in ("7", "8"):
        failed(ValueError("坏"), "更新 %s 没有处理成", update)
    assert len(told) == 2, "what happened to two messages are two things"
    assert all("ValueError" in line for line in told), "a fault of ours keeps its traceback"
    assert again.filter(record("没有错误的一行")) and again.filter(record("没有错误的一行"))


def lines_of(form: str, capsys: pytest.CaptureFixture[str], *records: logging.LogRecord) -> list[str]:
    formatter = logs.Json() if form == "json" else logs.Plain()
    return [formatter.format(record) for record in records]


def record(text: str, *arguments: Any, **more: Any) -> logging.LogRecord:
    made = logging.LogRecord("yuanqitong", logging.WARNING, __file__, 1, text, arguments, more.pop("exc_info", None))
    for name, value in more.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize("form", ["text", "json"])
def test_phones_and_addresses_never_stand_in_a_log_line(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise ValueError("no number: 13812345678, li@example.com")
    except ValueError as error:
        told = (type(error), error, error.__traceback__)
    (line,) = lines_of(form, capsys, record("%s 打不通，改发 %s", "+86 138 1234 5678", "li.na@example.com", exc_info=told))
    assert "ValueError" in line
    assert not any(part in line for part in ("1234", "5678", "example.com"))


def test_a_json_line_is_one_object_with_the_turn_that_it_belongs_to(capsys: pytest.CaptureFixture[str]) -> None:
    name = shell.TURN.set("a1b2c3d4")
    (line,) = lines_of("json", capsys, record("两行\n的话", figures={"ms": 3.5}))
    shell.TURN.reset(name)
    found = json.loads(line)
    assert "\n" not in line
    assert (found["turn"], found["text"], found["level"], found["ms"]) == ("a1b2c3d4", "两行\n的话", "WARNING", 3.5)
    assert "turn" not in json.loads(lines_of("json", capsys, record("外面"))[0])


async def test_each_turn_has_a_name_of_its_own_and_a_line_without_words(knowledge: Knowledge, caplog: pytest.LogCaptureFixture) -> None:
    turns = Turns(MemoryStore(), Library(knowledge))
    names: list[str] = []

    def told(turn: shell.Seconds) -> None:
        names.append(shell.TURN.get())
        logs.told(turn)

    turns.observe = told
    with caplog.at_level(logging.INFO, "yuanqitong.turn"):
        for number in range(3):
            await turns.handle(Address("web", "1", "1"), Message("我的电话是13812345678"), str(number))
    assert len(set(names)) == 3
    assert all(names)
    assert len(caplog.records) == 3
    assert not any("13812345678" in json.dumps(r.__dict__, default=str) for r in caplog.records)
