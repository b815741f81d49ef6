"""The web chat over real HTTP: who may say what, what comes back, and that nobody's stream holds up anybody else."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import html
import json
import re
import socket
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import httpx2
import pytest
from starlette.testclient import TestClient

from dialogs import pictures
from dialogs.answers import Voice
from dialogs.dossier import REPORT_DAYS, of_recipe, recipe
from dialogs.messages import Message, Option, Reply
from dialogs.texts import texts
from dialogs.turns import LOCAL, Handled, Library, Turns
from handlers.channel import STARTS
from handlers.drawing import Drawing
from handlers.guard import MAX_BODY, MAX_CALL
from handlers.web import LOCAL_HOSTS, PAGE, create_app
from knowledge import loader
from knowledge.precheck import precheck
from knowledge.snapshot import Knowledge
from storage.contract import Address, Commit, Committed, NewReport, Notice, OutboxItem, Publication, Seen, StoreError
from storage.memory import MemoryStore
from tests.handlers.serving import serving, until

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
HERE = "http://127.0.0.1:8000"
VISITOR = "a" * 22
STORED = hashlib.sha256(VISITOR.encode()).hexdigest()[:32]
ME = Address("web", STORED, STORED)
JUNE = datetime(2021, 6, 1, 12, tzinfo=LOCAL)
COOKIE = {"Cookie": f"yqt={VISITOR}"}


class Echo(Turns):
    """Turns with a talk that says everything back; store, duplicates and bells are the real ones."""

    def __init__(self) -> None:
        super().__init__(MemoryStore(), Library(cast(Knowledge, None)))
        self.listeners = 0

    async def handle(
        self, address: Address, message: Message, update_id: str | None = None, *, now: datetime | None = None, pull: bool = False
    ) -> Handled:
        said = message.option or message.text
        reply = Reply(f"听到：{said}", (Option(f"按钮{said[:3]}", f"1:region={said[:3]}"),))
        revision = (await self.store.load(address)).conversation.revision
        incoming = {"kind": "text", "text": message.text, "option": message.option, "label": ""}
        done = await self.store.commit(Commit(address, datetime.now(UTC), update_id, incoming, {}, revision, (reply.to_json(),)))
        assert isinstance(done, Committed | Seen)
        self.ring(address)
        return Handled({}, isinstance(done, Seen))

    async def tell(self, text: str, address: Address = ME) -> None:
        """A notice from the team."""
        await self.store.commit(Commit(address, datetime.now(UTC), notices=(Notice(address, Reply(text, by="team").to_json()),)))
        self.ring(address)

    @contextmanager
    def listening(self, address: Address) -> Iterator[Any]:
        self.listeners += 1
        try:
            with super().listening(address) as bell:
                yield bell
        finally:
            self.listeners -= 1


@pytest.fixture
def turns() -> Echo:
    return Echo()


@pytest.fixture
def client(turns: Echo) -> Iterator[TestClient]:
    """A visitor's browser that has opened the page."""
    with TestClient(create_app(turns), base_url=HERE) as client:
        client.get("/")
        yield client


def message(number: int = 1, **content: object) -> dict[str, object]:
    return {"id": f"message-{number}"} | (content or {"text": "太仓"})


# -- the page


def test_the_page_gives_a_visitor_a_cookie_once_and_keeps_it() -> None:
    with TestClient(create_app(Echo()), base_url=HERE) as client:
        cookie = client.get("/").headers["set-cookie"]
        visitor = client.cookies["yqt"]
        assert re.fullmatch(r"[A-Za-z0-9_-]{22}", visitor)
        assert all(part in cookie for part in ("HttpOnly", "SameSite=lax", "Max-Age=31536000", "Path=/"))
        assert "Secure" not in cookie
        client.get("/")
        assert client.cookies["yqt"] == visitor


def test_over_https_the_cookie_is_secure() -> None:
    with TestClient(create_app(Echo()), base_url="https://127.0.0.1") as client:
        assert "Secure" in client.get("/").headers["set-cookie"]


def test_the_page_loads_nothing_from_elsewhere_and_has_nothing_inline(client: TestClient) -> None:
    page = client.get("/")
    assert not re.search(r"<style|<script(?![^>]* src=)|\sstyle=|\son\w+=|https?://", page.text)
    paths = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert {p.rpartition(".")[2] for p in paths} == {"css", "js", "svg", "/privacy"}
    assert all(client.get(path).status_code == 200 for path in paths)
    assert all(f'value="{payload}"' in page.text and label in page.text for payload, label in STARTS.items())


def test_every_response_carries_the_safety_headers(client: TestClient) -> None:
    for path in ("/", "/api/history", "/chat/chat.js", "/nowhere", "/healthz"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == ("same-origin" if path == "/" else "no-referrer")
        assert headers["cache-control"] == ("no-cache" if path.startswith("/chat/") else "no-store")


def test_colours_have_enough_contrast_by_day_and_by_night() -> None:
    def light(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    day, night = (PAGE / "tone.css").read_text("utf-8").split("@media (prefers-color-scheme: dark)")
    pairs = "ink/ground ink/card quiet/ground quiet/card accent/card accent/accent-soft on-mine/mine team/team-soft ink/team-soft bad/ground bad/card"
    for sheet in (day, night.partition("\n}\n")[0]):
        colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", sheet))
        for pair in pairs.split():
            dark, bright = sorted(light(colours[name]) for name in pair.split("/"))
            assert (bright + 0.05) / (dark + 0.05) >= 4.5, pair


# -- the report at its link

HOSTILE = '<img src=x onerror="window.taken = 1"><script>window.taken = 1</script> & "粗"'
KEY = "k" * 32


def visiting(turns: Turns) -> TestClient:
    return TestClient(create_app(turns), base_url=HERE)


def reporting(knowledge: Knowledge, moment: datetime, words: str = "", language: str = "zh") -> TestClient:
    return visiting(keeping(knowledge, moment, words, language))


def keeping(knowledge: Knowledge, moment: datetime = JUNE, words: str = "", language: str = "zh") -> Turns:
    """Turns that keep one report under KEY, and whose clock stands at a moment; `words` stand in for a name in the knowledge."""
    if words:
        named = {key: s.model_copy(update={"name": words, "summary": words}) for key, s in knowledge.supports.items()}
        knowledge = replace(knowledge, supports=named)
    facts = {"events": "new_device_certificate", "products": "1", "product.1.class": "III"}
    kept = recipe(Voice(knowledge, JUNE.date(), texts(language)), precheck(knowledge, "snd", facts, JUNE.date()), JUNE)
    expires = JUNE + timedelta(days=REPORT_DAYS)
    turns = Turns(MemoryStore(), Library(knowledge), clock=lambda: moment)
    report = NewReport(KEY, expires, {**kept, "expires": expires.isoformat()})
    asyncio.run(cast(Any, turns.store.commit(Commit(ME, JUNE, reports=(report,)))))
    return turns


def test_a_report_shows_every_row_its_papers_the_day_and_the_version(knowledge: Knowledge) -> None:
    page = reporting(knowledge, JUNE).get(f"/report/{KEY}")
    assert page.status_code == 200
    text = html.unescape(re.sub(r"<[^>]+>", "", page.text))
    report = precheck(knowledge, "snd", {"events": "new_device_certificate", "products": "1", "product.1.class": "III"}, JUNE.date())
    for row in report.rows:
        assert row.support.name in text
        assert all(c.text in text for c, _ in row.verdicts)
        assert knowledge.documents[row.support.source.document].title in text
    assert knowledge.version in text
    assert "按 2021-06-01 看" in text
    assert "这个链接到 2021-07-01 失效。" in text
    assert text.count("以兑现审核为准") == 1
    assert '<html lang="zh-CN">' in page.text


def renamed(files: Mapping[str, bytes], old: str, new: str) -> dict[str, bytes]:
    """A knowledge base in which one name is another."""
    return {name: data.replace(old.encode(), new.encode()) for name, data in files.items()}


@pytest.mark.parametrize("kept", [True, False])
def test_a_report_is_made_by_the_knowledge_of_then_or_says_that_it_is_not(knowledge: Knowledge, kept: bool) -> None:
    files, _ = loader.read_folder(loader.SHIPPED)
    name = "第三类医疗器械注册证书资助"
    changed = loader.of_files(renamed(files, name, "后来改的名字"))
    assert changed.version != knowledge.version
    turns = keeping(knowledge)
    turns.library = Library(changed)
    client = visiting(turns)
    if kept:
        texts_ = {file: data.decode() for file, data in files.items()}
        asyncio.run(cast(Any, turns.store.publish(Publication(knowledge.version, JUNE, texts_))))
    for _ in range(2):
        page = client.get(f"/report/{KEY}")
        assert page.status_code == 200
        assert (name in page.text) == kept
        assert ("后来改的名字" in page.text) != kept
        assert (f"原来按知识库版本 {knowledge.version} 做成" in page.text) != kept
        assert f"知识库版本 {knowledge.version if kept else changed.version}" in page.text


def test_a_report_of_facts_that_no_knowledge_has_any_more_is_gone(knowledge: Knowledge) -> None:
    turns = keeping(knowledge)
    facts = {key: fact for key, fact in knowledge.facts.items() if key != "product.class"}
    turns.library = Library(replace(knowledge, version="other", facts=facts))
    assert visiting(turns).get(f"/report/{KEY}").status_code == 404
    other = facts | {"product.class": knowledge.facts["product.class"].model_copy(update={"type": "number", "options": ()})}
    turns.library = Library(replace(knowledge, version="other", facts=other))
    assert visiting(turns).get(f"/report/{KEY}").status_code == 404, "nor an answer that its fact no longer reads"


def test_a_report_that_the_first_release_kept_whole_still_opens(knowledge: Knowledge) -> None:
    turns = keeping(knowledge)
    body = asyncio.run(cast(Any, turns.store.report(KEY, JUNE)))
    whole = {**of_recipe(knowledge, body), "expires": body["expires"], "knowledge": "long-gone"}
    asyncio.run(cast(Any, turns.store.commit(Commit(ME, JUNE, reports=(NewReport("w" * 32, JUNE + timedelta(days=9), whole),)))))
    page = visiting(turns).get(f"/report/{'w' * 32}")
    assert page.status_code == 200
    assert "知识库版本 long-gone" in page.text
    assert "原来按知识库版本" not in page.text


def test_a_report_speaks_the_language_of_its_talk(knowledge: Knowledge) -> None:
    page = reporting(knowledge, JUNE, language="en").get(f"/report/{KEY}").text
    assert '<html lang="en">' in page
    assert "Subsidy pre-check for Suzhou New District" in page
    assert page.count("official review decides") == 1
    assert not re.search("[一-鿿]", re.sub(r"<[^>]+>", "", re.findall(r"<h2>.*?</h2>", page)[0]))


def test_a_report_is_kept_from_search_engines_caches_and_other_sites(knowledge: Knowledge) -> None:
    client = reporting(knowledge, JUNE)
    for key in (KEY, "x" * 32):
        headers = client.get(f"/report/{key}").headers
        assert headers["x-robots-tag"] == "noindex, nofollow"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert "unsafe" not in headers["content-security-policy"]
        assert "set-cookie" not in headers


@pytest.mark.parametrize("key", ["x" * 32, KEY[:-1], KEY + "k", "..%2f..%2fchat", "%00" * 32, "é" * 32])
def test_a_wrong_link_and_an_expired_one_look_alike_and_say_how_to_go_on(knowledge: Knowledge, key: str) -> None:
    expired = reporting(knowledge, JUNE + timedelta(days=REPORT_DAYS)).get(f"/report/{KEY}")
    wrong = reporting(knowledge, JUNE).get(f"/report/{key}")
    assert expired.status_code == wrong.status_code == 404
    assert "报告的链接保留 30 天" in expired.text
    if "%2f" not in key:
        assert wrong.text == expired.text
    english = reporting(knowledge, JUNE).get(f"/report/{'x' * 32}", headers={"Accept-Language": "en-GB,en;q=0.9"}).text
    assert "links to reports last 30 days" in english


def test_words_in_a_report_are_only_words(knowledge: Knowledge) -> None:
    page = reporting(knowledge, JUNE, HOSTILE).get(f"/report/{KEY}").text
    assert "<img" not in page
    assert "<script" not in page
    assert html.escape(HOSTILE, quote=False).split(" onerror")[0] in page


def test_a_report_loads_nothing_from_elsewhere_and_has_nothing_inline(knowledge: Knowledge) -> None:
    client = reporting(knowledge, JUNE)
    page = client.get(f"/report/{KEY}").text
    assert not re.search(r"<style|<script|\sstyle=|\son\w+=|https?://", page)
    paths = [p for p in re.findall(r'(?:src|href)="([^"]+)"', page) if not p.startswith("#")]
    assert all(client.get(path).status_code == 200 for path in paths)
    ids = re.findall(r'id="([^"]+)"', page)
    assert {p[1:] for p in re.findall(r'href="(#[^"]+)"', page)} <= set(ids)
    assert len(ids) == len(set(ids))


# -- who may say what


@pytest.mark.parametrize("cookie", [None, "", "short", "a" * 23, "a" * 21 + "é"])
def test_without_a_valid_cookie_a_call_is_refused_and_says_what_to_do(cookie: str | None) -> None:
    headers = [] if cookie is None else [(b"cookie", f"yqt={cookie}".encode())]
    with TestClient(create_app(Echo()), base_url=HERE) as client:
        refused = [client.get("/api/history", headers=headers), client.get("/api/events", headers=headers)]
        refused.append(client.post("/api/messages", json=message(), headers=headers))
    for response in refused:
        assert response.status_code == 403
        assert "刷新页面" in response.json()["error"]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:8001", "http://127.0.0.1:8000.evil.example", "http://["])
def test_another_sites_page_cannot_speak_for_a_visitor(client: TestClient, turns: Echo, origin: str) -> None:
    response = client.post("/api/messages", json=message(), headers={"Origin": origin})
    assert response.status_code == 403
    assert "别的网站" in response.json()["error"]
    assert client.get("/api/history").json()["messages"] == []


def test_the_pages_own_origin_is_welcome(client: TestClient) -> None:
    assert client.post("/api/messages", json=message(), headers={"Origin": HERE}).status_code == 200


def test_a_form_of_another_site_is_refused_by_its_content_type(client: TestClient) -> None:
    response = client.post("/api/messages", content=json.dumps(message()), headers={"Content-Type": "text/plain"})
    assert response.status_code == 415
    assert "application/json" in response.json()["error"]


def test_more_than_64_kilobytes_are_refused_in_plain_words(client: TestClient) -> None:
    assert client.post("/api/messages", json=message(text="x" * (MAX_BODY - 100))).status_code == 200
    response = client.post("/api/messages", json=message(2, text="x" * MAX_BODY))
    assert response.status_code == 413
    assert response.json()["error"] == "这段话太长了，没有发出去。请分成几次发，每次一两句话。"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "不是完整的 JSON"),
        (b'{"id": "message-1", "text"', "不是完整的 JSON"),
        (b"\xff\xfe", "不是完整的 JSON"),
        (b"[" * 60_000, "不是完整的 JSON"),
        (b"[]", "编号 id"),
        (b'{"text": "x"}', "编号 id"),
        (b'{"id": 7, "text": "x"}', "编号 id"),
        (b'{"id": "short", "text": "x"}', "编号 id"),
        (b'{"id": "no spaces here", "text": "x"}', "编号 id"),
        (b'{"id": "message-1"}', "要么有文字"),
        (b'{"id": "message-1", "text": 5}', "要么有文字"),
        (b'{"id": "message-1", "text": "x", "option": "!status"}', "要么有文字"),
        (b'{"id": "message-1", "option": "' + b"x" * 65 + b'"}', "要么有文字"),
    ],
)
def test_what_the_page_would_never_send_is_refused_and_says_why(client: TestClient, body: bytes, words: str) -> None:
    response = client.post("/api/messages", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 400
    assert words in response.json()["error"]


def test_half_a_character_does_no_harm(client: TestClient) -> None:
    body = b'{"id": "message-1", "text": "\\ud83d hello"}'
    assert client.post("/api/messages", content=body, headers={"Content-Type": "application/json"}).status_code == 200
    assert client.get("/api/history").json()["messages"][0]["text"] == "? hello"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", ""])
def test_foreign_host_names_are_refused(client: TestClient, host: str) -> None:
    response = client.get("/", headers={"Host": host})
    assert response.status_code == 400
    assert "主机名" in response.text


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "[::1]:8000", "chat.example.cn", "a.park.cn"])
def test_own_and_named_hosts_are_served(host: str) -> None:
    with TestClient(create_app(Echo(), allowed_hosts=[*LOCAL_HOSTS, "chat.example.cn", "*.park.cn"]), base_url=HERE) as client:
        assert client.get("/", headers={"Host": host}).status_code == 200


def test_health_is_told_under_any_name(client: TestClient) -> None:
    assert client.get("/healthz", headers={"Host": "10.0.0.7"}).json() == {"ok": True}


def test_a_store_that_fails_is_told_in_words_and_the_message_may_come_again(turns: Echo, client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*arguments: object) -> None:
        raise StoreError("磁盘满了")

    with monkeypatch.context() as patch:
        patch.setattr(turns.store, "commit", broken)
        response = client.post("/api/messages", json=message())
    assert response.status_code == 503
    assert "再发一次" in response.json()["error"]
    assert client.post("/api/messages", json=message()).json() == {"ok": True, "duplicate": False}


def test_an_unknown_page_and_a_wrong_method_point_home(client: TestClient) -> None:
    assert client.get("/nowhere").text == "没有这个页面。请回到首页 /。"
    assert client.get("/api/messages").json() == {"error": "这个地址不能这样访问。请回到首页 /。"}


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "bot.example.cn"])
def test_another_channels_calls_reach_its_receiver_with_their_secret(host: str) -> None:
    calls: list[tuple[bytes, str | None]] = []

    async def receive(body: bytes, secret: str | None) -> int:
        calls.append((body, secret))
        return 200 if secret == "s" else 403

    with TestClient(create_app(Echo(), webhooks={"/telegram": receive}), base_url=HERE) as client:
        assert client.post("/telegram", content=b"{}", headers={"Host": host, "X-Telegram-Bot-Api-Secret-Token": "s"}).status_code == 200
        assert client.post("/telegram", content=b"x", headers={"Host": host}).status_code == 403
        assert client.post("/telegram", content=b"x" * (MAX_CALL + 1), headers={"Host": host}).status_code == 413
        assert client.get("/telegram", headers={"Host": host}).status_code == 405
    assert calls == [(b"{}", "s"), (b"x", None)]


# -- the talk


def test_the_same_id_again_changes_nothing(client: TestClient) -> None:
    assert client.post("/api/messages", json=message()).json() == {"ok": True, "duplicate": False}
    assert client.post("/api/messages", json=message()).json() == {"ok": True, "duplicate": True}
    assert len(client.get("/api/history").json()["messages"]) == 2


def test_the_same_words_from_an_impatient_thumb_are_one_answer(knowledge: Knowledge) -> None:
    """With the real assistant, which sees when each message came."""
    times = iter(datetime(2026, 11, 22, 4, 0, second, tzinfo=UTC) for second in (0, 20, 22))
    turns = Turns(MemoryStore(), Library(knowledge), clock=lambda: next(times))
    with TestClient(create_app(turns), base_url=HERE) as client:
        client.get("/")
        for number, content in enumerate([{"option": "!start:park_selection"}, {"text": "跳过"}, {"text": "跳过"}]):
            assert client.post("/api/messages", json=message(number, **content)).status_code == 200
        said = [m["text"] for m in client.get("/api/history").json()["messages"] if m["by"] == "bot"]
    assert said[1].startswith("好，这一题先不算。")
    assert said[2].startswith("同一句刚收到过，只算一次。")
    assert said[1].splitlines()[1:] == said[2].splitlines()[1:]


def test_the_history_tells_both_sides_and_taps_by_the_words_on_the_button(client: TestClient) -> None:
    for number, content in enumerate(
        [{"option": "!start:park_selection"}, {"text": "太仓\n昆山"}, {"option": "1:region=太仓\n"}, {"option": "!odd"}]
    ):
        client.post("/api/messages", json=message(number, **content))
    history = client.get("/api/history").json()
    said = [(m["by"], m["text"]) for m in history["messages"]]
    assert [text for by, text in said if by == "you"] == ["选园区", "太仓\n昆山", "按钮太仓\n", "（按钮）"]
    assert [by for by, _ in said] == ["you", "bot"] * 4
    assert all(datetime.fromisoformat(m["at"]).tzinfo for m in history["messages"])
    assert history["last"] == 8


def test_visitors_do_not_see_each_other(client: TestClient, turns: Echo) -> None:
    client.post("/api/messages", json=message())
    with TestClient(create_app(turns), base_url=HERE) as other:
        other.get("/")
        assert other.get("/api/history").json() == {"messages": [], "last": 0}


# -- the stream


class Reader:
    """A page's event stream."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines

    async def line(self, beginning: str) -> str:
        """The rest of the next line that begins so."""
        async with asyncio.timeout(5):
            async for line in self._lines:
                if line.startswith(beginning):
                    return line.removeprefix(beginning)
        raise EOFError

    async def event(self) -> tuple[int, dict[str, Any]]:
        return int(await self.line("id: ")), json.loads(await self.line("data: "))


@asynccontextmanager
async def stream(address: str, path: str = "/api/events", **headers: str) -> AsyncIterator[Reader]:
    async with httpx2.AsyncClient(trust_env=False) as client, client.stream("GET", address + path, headers=COOKIE | headers) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        yield Reader(response.aiter_lines())


async def say(address: str, number: int, text: str, visitor: str = VISITOR) -> None:
    async with httpx2.AsyncClient(trust_env=False, cookies={"yqt": visitor}) as client:
        assert (await client.post(f"{address}/api/messages", json=message(number, text=text))).status_code == 200


async def states(turns: Turns, address: Address = ME) -> list[str]:
    """How each reply and notice stands, oldest first."""
    return [line.state for line in await turns.store.transcript(address) if isinstance(line, OutboxItem)]


async def test_answers_and_notices_come_live_and_count_as_delivered(turns: Echo) -> None:
    async with serving(turns, poll=60) as (_, address), stream(address) as reader:
        await say(address, 1, "第一句\n第二行")
        number, reply = await reader.event()
        assert (reply["text"], reply["by"], reply["options"][0]["label"]) == ("听到：第一句\n第二行", "bot", "按钮第一句")
        assert datetime.fromisoformat(reply["at"]).tzinfo
        await turns.tell("专员回复")
        later, notice = await reader.event()
        assert (notice["text"], notice["by"]) == ("专员回复", "team")
        assert later > number
        await until(lambda: all_sent(turns))


async def test_a_stream_resumes_after_the_last_event_that_arrived(turns: Echo) -> None:
    async with serving(turns) as (_, address):
        for number in range(4):
            await say(address, number, f"第{number}句")
        async with stream(address) as reader:
            ids = [(await reader.event())[0] for _ in range(2)]
        async with stream(address, **{"Last-Event-ID": str(ids[1])}) as reader:
            assert [(await reader.event())[1]["text"] for _ in range(2)] == ["听到：第2句", "听到：第3句"]
        async with stream(address, f"/api/events?after={ids[0]}", **{"Last-Event-ID": str(ids[1])}) as reader:
            assert (await reader.event())[1]["text"] == "听到：第2句"
        async with stream(address, f"/api/events?after={ids[0]}") as reader:
            assert (await reader.event())[1]["text"] == "听到：第1句"


async def test_what_a_page_has_heard_counts_as_delivered_though_nobody_noted_it_then(turns: Echo) -> None:
    for number in range(3):
        await turns.tell(str(number))
    heard = [line.id for line in await turns.store.transcript(ME)][1]
    async with serving(turns) as (_, address), stream(address, **{"Last-Event-ID": str(heard)}) as reader:
        assert (await reader.event())[1]["text"] == "2"
        await until(lambda: all_sent(turns))


async def all_sent(turns: Turns) -> bool:
    return set(await states(turns)) == {"sent"}


@pytest.mark.parametrize("after", ["999", "x", "-1", "9" * 30])
async def test_a_page_that_is_older_than_the_store_starts_over(turns: Echo, after: str) -> None:
    async with serving(turns) as (_, address):
        await say(address, 1, "你好")
        async with stream(address, **{"Last-Event-ID": after}) as reader:
            assert (await reader.event())[1]["text"] == "听到：你好"


async def test_more_than_a_page_of_missed_events_arrives_in_order(turns: Echo) -> None:
    for number in range(230):
        await turns.tell(str(number))
    async with serving(turns) as (_, address), stream(address) as reader:
        assert [(await reader.event())[1]["text"] for _ in range(230)] == [str(n) for n in range(230)]


async def test_what_another_process_stored_is_found_without_a_bell(turns: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "ring", lambda address: None)
    async with serving(turns, poll=0.05) as (_, address), stream(address) as reader:
        await asyncio.sleep(0.1)
        await turns.tell("从别的进程来")
        assert (await reader.event())[1]["text"] == "从别的进程来"


async def test_a_quiet_stream_shows_that_it_is_alive(turns: Echo) -> None:
    async with serving(turns, ping=0.05) as (_, address), stream(address) as reader:
        assert [await reader.line(": ") for _ in range(3)] == ["ping"] * 3


async def test_a_reader_who_leaves_is_forgotten(turns: Echo) -> None:
    async with serving(turns) as (_, address):
        async with stream(address) as reader:
            await reader.line("retry: ")
            await until(lambda: turns.listeners == 1)
            assert turns.listeners == 1
        await until(lambda: turns.listeners == 0)
        assert turns.listeners == 0


async def test_the_server_stops_at_once_though_streams_are_open(turns: Echo) -> None:
    async with serving(turns, poll=60) as (server, address), stream(address) as one, stream(address) as two:
        await one.line("retry: ")
        await two.line("retry: ")
        server.should_exit = True
        begun = time.monotonic()
        for reader in (one, two):
            with pytest.raises(EOFError):
                await reader.event()
        assert time.monotonic() - begun < 1
    assert time.monotonic() - begun < 2


async def test_a_reader_who_takes_nothing_holds_up_neither_others_nor_the_end(turns: Echo) -> None:
    cookie = "b" * 22
    other = Address("web", *2 * (hashlib.sha256(cookie.encode()).hexdigest()[:32],))
    for _ in range(20):
        await turns.tell("长" * 300_000, other)
    async with serving(turns) as (server, address):
        port = int(address.rpartition(":")[2])
        with socket.socket() as stalled:
            stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stalled.setblocking(False)
            await asyncio.get_running_loop().sock_connect(stalled, ("127.0.0.1", port))
            stalled.send(f"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: yqt={cookie}\r\n\r\n".encode())

            async def begun_to_send() -> bool:
                return (await states(turns, other))[0] == "sent"

            await until(begun_to_send)
            async with stream(address) as reader:
                begun = time.monotonic()
                await say(address, 1, "我还在")
                assert (await reader.event())[1]["text"] == "听到：我还在"
                assert time.monotonic() - begun < 1
            assert (await states(turns, other))[-1] == "waiting"
            server.should_exit = True
            await until(lambda: not server.server_state.tasks)


# -- pictures


@pytest.fixture
def gallery(turns: Echo, knowledge: Knowledge) -> Iterator[TestClient]:
    """A browser that shows pictures of the shipped knowledge."""
    with TestClient(create_app(turns, Drawing(Library(knowledge))), base_url=HERE) as client:
        yield client


@pytest.mark.parametrize(("ending", "kind", "start"), [("svg", "image/svg+xml", b"<svg")])
def test_a_picture_is_served_in_both_forms(gallery: TestClient, ending: str, kind: str, start: bytes) -> None:
    for spec in (pictures.layout("zh", "taicang", ["tc-park-bioport"]), pictures.compare("en", ["tc-park-bio", "sz-sip"], ["testing"])):
        answer = gallery.get(f"/picture/{spec}.{ending}")
        assert answer.status_code == 200 and answer.content.startswith(start)
        assert answer.headers["content-type"].partition(";")[0] == kind
        assert answer.headers["cache-control"] == "no-cache"


def test_a_picture_may_bring_its_style_and_nothing_else(gallery: TestClient) -> None:
    headers = gallery.get("/picture/layout/zh/taicang.svg").headers
    assert headers["content-security-policy"] == "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert "unsafe-inline" not in gallery.get("/").headers["content-security-policy"]


@pytest.mark.parametrize(
    "path", ["layout/zh/nowhere.svg", "layout/zh/nowhere.png", ".svg", "a/../b.svg", "%00.png", "x" * 4000 + ".svg", "layout/zh/taicang"]
)
def test_a_picture_that_is_not_there_is_said_in_words(gallery: TestClient, path: str) -> None:
    answer = gallery.get(f"/picture/{path}")
    assert answer.status_code == 404
    assert answer.text.startswith("没有这") and "首页" in answer.text


def test_a_new_knowledge_draws_a_new_picture(turns: Echo, knowledge: Knowledge) -> None:
    library = Library(knowledge)
    with TestClient(create_app(turns, Drawing(library)), base_url=HERE) as client:
        assert client.get("/picture/layout/zh/taicang.svg").status_code == 200
        library.knowledge = dataclasses.replace(knowledge, version="new", layouts={})
        assert client.get("/picture/layout/zh/taicang.svg").status_code == 404
