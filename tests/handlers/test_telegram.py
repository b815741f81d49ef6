"""The Telegram channel against a real HTTP server that speaks the Bot API. What goes wrong there is made to in tests/faults as well."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import random
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from telegram import Update, User

from dialogs import pictures
from dialogs.conversation import State
from dialogs.delivery import DeliveryError, Sender
from dialogs.messages import Message, Option, Reply, Source
from dialogs.talk import Turn
from dialogs.turns import BusyError, Handled, Library, TurnError, Turns
from handlers import telegram
from handlers.drawing import Drawing
from handlers.telegram import Telegram, TelegramSettingError, keyboard, limits, split, written
from handlers.telegram_updates import author_of, read, unnamed
from knowledge import loader
from knowledge.snapshot import Knowledge
from storage.contract import Address, Commit, Notice, OutboxItem, Snapshot, Store, StoreError
from storage.contract import Update as Line
from storage.memory import MemoryStore
from tests.handlers.bot_api import ME, TOKEN, BotApi, Fault, flood, group, hang, page, person, private, reset

ROOT = Path(__file__).parents[2]
BOT = User.de_json(ME, None)
NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)
SECRET = "a-secret_of-ours"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(32)


class Echo(Turns):
    """Real turns with a short-spoken assistant: it repeats what it hears. `trap` may raise or wait in a turn's stead."""

    def __init__(self, store: Store, trap: Callable[[str], Any] = lambda text: None) -> None:
        super().__init__(store, Library(cast(Knowledge, None)))
        self.trap = trap
        self.heard: list[tuple[Address, Message, str | None]] = []
        self.stored: list[int] = []

    async def handle(
        self, address: Address, message: Message, update_id: str | None = None, *, now: datetime | None = None, pull: bool = False
    ) -> Handled:
        self.heard.append((address, message, update_id))
        if (wait := self.trap(message.text)) is not None:
            await wait
        handled = await super().handle(address, message, update_id, now=now, pull=pull)
        self.stored.append(int(update_id or 0))
        return handled

    def _respond(self, snapshot: Snapshot, message: Message, now: datetime) -> Turn:
        state = State.from_json(snapshot.conversation.body)
        said = message.option or message.text or message.kind
        return Turn(replace(state, turn=state.turn + 1), (Reply(f"收到：{said}"),), incoming={"text": said})

    def texts(self, chat: int | None = None) -> list[str]:
        return [m.text for a, m, _ in self.heard if chat is None or a.chat == str(chat)]


@pytest.fixture(autouse=True)
def swift(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Short waits, no proxy, and logging as it was before."""
    monkeypatch.setattr(telegram, "_STEP", 0.02)
    monkeypatch.setattr(telegram, "_LONGEST", 0.1)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    factory, loggers = logging.getLogRecordFactory(), [logging.getLogger(n) for n in ("aiohttp", "telegram")]
    levels = [logger.level for logger in loggers]
    yield
    logging.setLogRecordFactory(factory)
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as server:
        yield server


@pytest.fixture
def turns() -> Echo:
    return Echo(MemoryStore())


@pytest.fixture
async def channel(api: BotApi, turns: Echo) -> AsyncIterator[Telegram]:
    channel = Telegram(turns, TOKEN, base_url=api.url, secret=SECRET, long_poll=5)
    yield channel
    await channel.close()


@contextlib.asynccontextmanager
async def running(*work: Any) -> AsyncIterator[None]:
    """These coroutines run until the block ends; one that fails fails the test."""
    tasks = [asyncio.create_task(w) for w in work]
    yield
    for task in tasks:
        if not task.done():
            task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if not isinstance(result, asyncio.CancelledError):
            raise AssertionError(f"ended by itself: {result!r}")


def item(reply: Reply, number: int = 1, chat: str = "7", request: str | None = None) -> OutboxItem:
    return OutboxItem(number, Address("telegram", chat, chat), reply.to_json(), NOW, request)


# -- what people send ----------------------------------------------------------------------------------------------------------------

ADDRESS = Address("telegram", "7", "7")
IN_GROUP = Address("telegram", "-100500", "7")


def message(**content: Any) -> dict[str, Any]:
    return {"message_id": 41, "date": 1_760_000_000, "chat": private(7), "from": person(7), **content}


def in_group(**content: Any) -> dict[str, Any]:
    return message(chat=group(), **content)


def heard(**update: Any) -> tuple[Address, Message] | None:
    return read(Update.de_json({"update_id": 1, **update}, None), BOT)


FILE = {"file_id": "f", "file_unique_id": "u"}
PHOTO = [{**FILE, "width": 9, "height": 9}]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"text": "太仓有什么补贴"}, Message("太仓有什么补贴")),
        ({"text": "你\ud83d好"}, Message("你好")),
        ({"text": "/start"}, Message("你好")),
        ({"text": "/start ref_42"}, Message("你好")),
        ({"text": "/HELP@Yuanqitong_Bot"}, Message("帮助")),
        ({"text": "/cancel"}, Message("取消")),
        ({"text": "/status"}, Message("进度")),
        ({"text": "/startup 落地"}, Message("/startup 落地")),
        ({"text": "/ask@yuanqitong_bot 太仓"}, Message("/ask 太仓")),
        ({"photo": PHOTO, "caption": "这是营业执照"}, Message("这是营业执照", kind="photo")),
        ({"voice": {**FILE, "duration": 3}}, Message(kind="voice")),
        ({"video_note": {**FILE, "duration": 3, "length": 9}}, Message(kind="voice")),
        ({"sticker": {**FILE, "width": 9, "height": 9, "is_animated": False, "is_video": False, "type": "regular"}}, Message(kind="sticker")),
        ({"animation": {**FILE, "width": 9, "height": 9, "duration": 1}, "document": FILE}, Message(kind="sticker")),
        ({"dice": {"emoji": "🎲", "value": 3}}, Message(kind="sticker")),
        ({"document": {**FILE, "file_name": "计划书.pdf"}, "caption": "看看"}, Message("看看", kind="file")),
        ({"contact": {"phone_number": "13800000000", "first_name": "王"}}, Message(kind="file")),
        ({"location": {"latitude": 31.4, "longitude": 121.1}}, Message(kind="file")),
    ],
)
def test_private_messages(content: dict[str, Any], expected: Message) -> None:
    assert heard(message=message(**content)) == (ADDRESS, expected)


def bot_said(text: str) -> dict[str, Any]:
    return {"message_id": 40, "date": 1_760_000_000, "chat": private(7), "from": ME, "text": text}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"text": "大家好"}, Message("大家好", addressed=False)),
        ({"text": "@yuanqitong_bot 太仓有什么补贴"}, Message("太仓有什么补贴")),
        ({"text": "太仓有什么补贴 @Yuanqitong_BOT"}, Message("太仓有什么补贴")),
        ({"text": "@yuanqitong_bot，太仓呢"}, Message("太仓呢")),
        ({"text": "@yuanqitong_bot"}, Message("你好")),
        ({"text": "@yuanqitong_bot2 太仓"}, Message("@yuanqitong_bot2 太仓", addressed=False)),
        ({"text": "发到 me@yuanqitong_bot"}, Message("发到 me@yuanqitong_bot", addressed=False)),
        ({"text": "/status"}, Message("进度")),
        ({"text": "/status@yuanqitong_bot"}, Message("进度")),
        ({"text": "/status@other_bot"}, Message("/status@other_bot", addressed=False)),
        ({"text": "/ban 张三"}, Message("/ban 张三", addressed=False)),
        ({"photo": PHOTO, "caption": "@yuanqitong_bot 这个呢"}, Message("这个呢", kind="photo")),
        ({"text": "三类证", "reply_to_message": bot_said("产品是几类？")}, Message("三类证")),
        ({"text": "三类证", "reply_to_message": message(text="几类？")}, Message("三类证", addressed=False)),
    ],
)
def test_group_messages_count_only_when_the_bot_is_meant(content: dict[str, Any], expected: Message) -> None:
    assert heard(message=in_group(**content)) == (IN_GROUP, replace(expected, group=True))


@pytest.mark.parametrize(
    "update",
    [
        {"message": message(text="hi") | {"from": {**person(8), "is_bot": True}}},
        {"message": message(new_chat_members=[person(9)])},
        {"message": message(pinned_message=bot_said("置顶"))},
        {"channel_post": {"message_id": 1, "date": 1, "chat": {"id": -1001, "type": "channel", "title": "公告"}, "text": "频道"}},
        {"edited_message": message(location={"latitude": 31.4, "longitude": 121.1}, edit_date=1_760_000_100)},
        {"callback_query": {"id": "q", "from": person(7), "chat_instance": "c", "game_short_name": "g"}},
        {
            "my_chat_member": {
                "chat": private(7),
                "from": person(7),
                "date": 1,
                "old_chat_member": {"status": "member", "user": ME},
                "new_chat_member": {"status": "left", "user": ME},
            }
        },
        {},
    ],
)
def test_nobody_s_message_to_us(update: dict[str, Any]) -> None:
    assert heard(**update) is None


def test_half_a_character_on_a_button_is_none() -> None:
    query = {"id": "q", "from": person(7), "chat_instance": "c", "message": message(), "data": "1:region=\ud83d"}
    assert heard(callback_query=query) == (ADDRESS, Message(option="1:region=?"))


async def test_a_message_tells_when_it_was_sent_and_an_edit_when_it_was_edited(channel: Telegram, turns: Echo) -> None:
    await channel.handle_update({"update_id": 1, "message": message(text="三类")})
    await channel.handle_update({"update_id": 2, "edited_message": message(text="二类", edit_date=1_760_000_100)})
    await channel.handle_update({"update_id": 3, "callback_query": tap(bot_said("几类？"), "1:region=taicang")})
    assert [m.at and m.at.timestamp() for _, m, _ in turns.heard] == [1_760_000_000, 1_760_000_100, None]


def test_an_edit_names_the_message_that_it_changes() -> None:
    assert heard(edited_message=message(text="是二类", edit_date=1_760_000_100)) == (ADDRESS, Message("是二类", edits="41"))


def test_a_reply_to_a_notice_of_the_team_names_its_request() -> None:
    notice = bot_said("服务团队：【YQ-261122-0007】请补充营业执照")
    assert heard(message=message(text="已补", reply_to_message=notice)) == (ADDRESS, Message("已补", reply_to="YQ-261122-0007.0"))
    changed = bot_said("服务团队：YQ-261122-0007 现在是“已受理”。")
    assert heard(message=message(text="谢谢", reply_to_message=changed)) == (ADDRESS, Message("谢谢", reply_to="YQ-261122-0007.0"))
    for other in (bot_said("已登记 YQ-261122-0007。"), message(text=notice["text"])):
        assert heard(message=message(text="已补", reply_to_message=other)) == (ADDRESS, Message("已补"))


def tap(stub: dict[str, Any] | None, data: str = "1:region=taicang", query: str = "q1") -> dict[str, Any]:
    return {"id": query, "from": person(7), "chat_instance": "c", "data": data, **({"message": stub} if stub else {})}


@pytest.mark.parametrize(
    ("stub", "address", "in_a_group"),
    [
        (bot_said("哪个地区？"), ADDRESS, False),
        ({"chat": private(7), "message_id": 3, "date": 0}, ADDRESS, False),
        ({"chat": group(), "message_id": 3, "date": 0}, IN_GROUP, True),
        (None, ADDRESS, False),
    ],
)
def test_a_button_works_even_when_its_message_is_too_old_to_see(stub: dict[str, Any] | None, address: Address, in_a_group: bool) -> None:
    assert heard(callback_query=tap(stub)) == (address, Message(option="1:region=taicang", group=in_a_group))


# -- polling -------------------------------------------------------------------------------------------------------------------------


async def test_an_update_is_confirmed_only_after_its_turn_was_stored(api: BotApi, channel: Telegram, turns: Echo) -> None:
    gate = asyncio.Event()
    turns.trap = lambda text: gate.wait() if text == "慢" else None
    early: list[int] = []
    api.on_confirm = lambda update: early.append(update) if update not in turns.stored else None
    slow, quick = await api.say(7, "慢"), await api.say(8, "快")
    async with running(channel.run_polling()):
        await api.until(lambda: turns.stored == [quick])
        await asyncio.sleep(0.05)
        assert api.confirmed == [] and len(api.calls_of("getUpdates")) == 1
        gate.set()
        await api.until(lambda: api.confirmed == [slow, quick])
    assert early == []
    first, second = (c.params for c in api.calls_of("getUpdates")[:2])
    assert first == {"timeout": 5, "allowed_updates": ["message", "edited_message", "callback_query"]}
    assert second["offset"] == quick + 1


async def test_one_chat_in_order_and_chats_side_by_side(api: BotApi, channel: Telegram, turns: Echo) -> None:
    rest = random.Random(7)
    turns.trap = lambda text: asyncio.sleep(rest.uniform(0, 0.01))
    for n in range(20):
        for chat in (1, 2, 3):
            await api.say(chat, f"{n}")
    async with running(channel.run_polling()):
        await api.until(lambda: len(api.confirmed) == 60)
    for chat in (1, 2, 3):
        assert turns.texts(chat) == [str(n) for n in range(20)]
    assert turns.texts() != [str(n) for n in range(20) for _ in range(3)], "chats waited for each other"


async def test_an_update_that_keeps_failing_is_parked_after_three_tries(
    api: BotApi, channel: Telegram, turns: Echo, caplog: pytest.LogCaptureFixture
) -> None:
    def trap(text: str) -> None:
        if text == "毒":
            raise RuntimeError("cannot digest")

    turns.trap = trap
    poison = await api.say(7, "毒")
    await api.say(7, "后来的")
    await api.push(message={"message_id": "?", "text": 5, "chat": {"id": 9}, "date": "never"})
    await api.say(8, "别人的")
    async with running(channel.run_polling()):
        await api.until(lambda: len(api.confirmed) == 4)
    assert turns.texts(7) == ["毒"] * 3 + ["后来的"] and turns.texts(8) == ["别人的"]
    assert [r.levelname for r in caplog.records if str(poison) in r.getMessage()] == ["ERROR"] * 4
    assert "后来的" not in caplog.text and "cannot digest" in caplog.text
    kept, shapeless = sorted(await turns.store.parked(), key=lambda parked: parked.address.chat)
    assert (kept.address.chat, kept.update_id, kept.error, kept.body["message"]["text"]) == ("7", str(poison), "RuntimeError", "毒")
    assert shapeless.body["message"]["date"] == "never"


def test_of_an_update_that_is_put_aside_no_name_and_no_number_is_kept() -> None:
    said = {
        "message_id": 1,
        "from": {"id": 7, "first_name": "李女士", "username": "li"},
        "chat": {"id": 7, "title": "某公司"},
        "text": "打13812345678",
    }
    update = {"update_id": 5, "message": said, "callback_query": None}
    assert author_of(update) == ADDRESS
    kept = json.dumps(unnamed(update), ensure_ascii=False)
    assert not any(word in kept for word in ("李女士", "li", "某公司", "13812345678"))
    assert unnamed(update)["message"]["from"] == {"id": 7}
    assert author_of({"message": 5}) == Address("telegram", "None", "None")


async def test_while_the_store_fails_nothing_is_confirmed_or_skipped(
    api: BotApi, channel: Telegram, turns: Echo, caplog: pytest.LogCaptureFixture
) -> None:
    failures = iter(range(6))

    def trap(text: str) -> None:
        if next(failures, None) is not None:
            assert api.confirmed == []
            raise StoreError("磁盘已满")

    turns.trap = trap
    for n in range(3):
        await api.say(7, str(n))
    async with running(channel.run_polling()):
        await api.until(lambda: len(api.confirmed) == 3)
    assert turns.texts()[-3:] == ["0", "1", "2"]
    assert [r.getMessage() for r in caplog.records] == ["Telegram 的消息暂时收不了，一直在重试，消息不会丢：磁盘已满"], "one line, not one a try"


async def test_an_update_that_comes_twice_is_answered_once(api: BotApi, channel: Telegram, turns: Echo) -> None:
    update = {"update_id": 5, "message": message(text="你好")}
    first, again = await channel.handle_update(update), await channel.handle_update(update)
    assert first and again and not first.duplicate and again.duplicate
    assert len(await turns.store.claim(["telegram"], datetime.now(UTC), timedelta(0))) == 1


async def test_outages_of_telegram_are_sat_out(api: BotApi, channel: Telegram, turns: Echo, caplog: pytest.LogCaptureFixture) -> None:
    api.fail("getMe", page(502), reset())
    api.fail("getUpdates", page(502), reset(), Fault("json", 500, "Internal Server Error"), Fault("odd"), page(200))
    update = await api.say(7, "还在吗")
    async with running(channel.run_polling()):
        await api.until(lambda: api.confirmed == [update])
    assert turns.texts() == ["还在吗"]
    assert all(r.name == "handlers.telegram" and len(r.getMessage()) < 300 for r in caplog.records)


async def test_waits_grow_to_half_a_minute_and_are_not_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telegram, "_STEP", 1.0)
    monkeypatch.setattr(telegram, "_LONGEST", 30.0)
    waits = {n: [telegram._pause(n) for _ in range(50)] for n in (1, 2, 3, 9, 10_000)}
    assert all(1 <= w <= 2 for w in waits[1]) and all(15 <= w <= 30 for w in waits[10_000])
    assert len(set(waits[9])) > 1


async def test_a_flood_limit_on_polling_is_obeyed(api: BotApi, channel: Telegram, turns: Echo) -> None:
    api.fail("getUpdates", flood(1))
    await api.say(7, "你好")
    async with running(channel.run_polling()):
        await api.until(lambda: turns.stored)
    first, second = (c.at for c in api.calls_of("getUpdates")[:2])
    assert second - first >= 1


async def test_another_poller_or_a_webhook_is_told_in_one_line_with_the_way_out(
    api: BotApi, channel: Telegram, turns: Echo, caplog: pytest.LogCaptureFixture
) -> None:
    api.webhook = {"url": "https://old.example/telegram"}
    async with running(channel.run_polling()):
        await api.until(lambda: len(api.calls_of("getUpdates")) >= 4)
        (line,) = (r.getMessage() for r in caplog.records)
        assert "TELEGRAM_TOKEN" in line and "deleteWebhook" in line and "webhook is active" in line
        api.webhook = {}
        update = await api.say(7, "你好")
        await api.until(lambda: api.confirmed == [update])


async def test_two_pollers_of_one_token_lose_nothing(api: BotApi, channel: Telegram, turns: Echo) -> None:
    other = Telegram(turns, TOKEN, base_url=api.url, long_poll=5)
    async with running(channel.run_polling(), other.run_polling()):
        for n in range(10):
            await api.say(7, str(n))
            await asyncio.sleep(0.01)
        await api.until(lambda: len(api.confirmed) == 10)
    await other.close()
    lines = [x.body["text"] for x in await turns.store.transcript(ADDRESS) if isinstance(x, Line)]
    assert sorted(lines) == [str(n) for n in range(10)]


async def test_a_refused_token_ends_polling_and_names_the_setting(api: BotApi, turns: Echo) -> None:
    wrong = Telegram(turns, "123:wrong", base_url=api.url + "/bot")
    with pytest.raises(TelegramSettingError, match="TELEGRAM_TOKEN") as caught:
        await wrong.run_polling()
    assert "wrong" not in str(caught.value)
    with pytest.raises(TelegramSettingError, match="TELEGRAM_TOKEN"):
        await wrong.set_webhook("https://x.example/telegram", SECRET)
    await wrong.close()


async def test_a_button_s_spinner_is_stopped_and_failures_of_that_do_not_matter(api: BotApi, channel: Telegram, turns: Echo) -> None:
    api.fail("answerCallbackQuery", hang())
    await api.push(callback_query=tap(bot_said("哪个地区？"), "a", "q1"))
    await api.push(callback_query=tap(bot_said("哪个地区？"), "b", "old"))
    await api.push(callback_query=tap(None, "c", "q3"))
    async with running(channel.run_polling()):
        await api.until(lambda: len(api.confirmed) == 3)
        await api.until(lambda: len(api.calls_of("answerCallbackQuery")) == 3)
    assert [m.option for _, m, _ in turns.heard] == ["a", "b", "c"]
    assert {c.params["callback_query_id"] for c in api.calls_of("answerCallbackQuery")} == {"q1", "old", "q3"}


# -- webhook -------------------------------------------------------------------------------------------------------------------------


async def test_a_webhook_call_is_accepted_only_with_the_secret_and_a_body_that_is_an_update(channel: Telegram, turns: Echo) -> None:
    body = json.dumps({"update_id": 5, "message": message(text="你好")}).encode()
    for wrong in (None, "", "guess", SECRET + "x", "密"):
        assert await channel.receive(body, wrong) == 403
    for bad in (b"", b"{", b"[]", b"5", b"{}", b'{"update_id": null}', b'{"update_id": 1e999}', b"\xff", b"[" * 100_000):
        assert await channel.receive(bad, SECRET) == 400
    assert turns.heard == []
    assert await channel.receive(body, SECRET) == 200
    assert turns.stored == [5]
    assert await channel.receive(body, SECRET) == 200
    assert len(await turns.store.claim(["telegram"], datetime.now(UTC), timedelta(0))) == 1


async def test_without_a_secret_no_webhook_call_is_accepted(api: BotApi, turns: Echo) -> None:
    open_channel = Telegram(turns, TOKEN, base_url=api.url)
    assert await open_channel.receive(b'{"update_id": 5}', "") == 403
    await open_channel.close()


async def test_a_webhook_call_whose_turn_was_not_stored_is_not_accepted(api: BotApi, channel: Telegram, turns: Echo) -> None:
    def full(text: str) -> None:
        raise StoreError("磁盘已满")

    def bug(text: str) -> None:
        raise RuntimeError("bug")

    body = json.dumps({"update_id": 5, "message": message(text="你好")}).encode()
    turns.trap = full
    assert await channel.receive(body, SECRET) == 503
    turns.trap = lambda text: None
    assert await channel.receive(body, SECRET) == 200
    turns.trap = bug
    assert await channel.receive(body.replace(b"5", b"6", 1), SECRET) == 200, "skipped after three tries, or it would come for ever"


@pytest.mark.parametrize("error", [BusyError("500 turns are under way"), TurnError("the conversation kept changing")])
async def test_an_update_that_came_at_a_bad_time_comes_again_and_is_not_parked(channel: Telegram, turns: Echo, api: BotApi, error: Exception) -> None:
    def busy(text: str) -> None:
        raise error

    turns.trap = busy
    body = json.dumps({"update_id": 5, "message": api.message(7, text="你好")}).encode()
    assert await channel.receive(body, SECRET) == 503
    assert await turns.store.parked() == []


async def test_a_webhook_is_registered_with_its_secret(api: BotApi, channel: Telegram) -> None:
    await channel.set_webhook("https://x.example/telegram", "new-secret")
    assert api.webhook["url"] == "https://x.example/telegram" and api.webhook["secret_token"] == "new-secret"
    assert api.webhook["allowed_updates"] == ["message", "edited_message", "callback_query"]
    assert await channel.receive(b'{"update_id": 5}', "new-secret") == 200
    for url, secret in (("http://x.example/telegram", SECRET), ("https://x.example/telegram", "有空格 不行")):
        with pytest.raises(TelegramSettingError, match=r"TELEGRAM_WEBHOOK.*TELEGRAM_SECRET"):
            await channel.set_webhook(url, secret)


# -- what we send --------------------------------------------------------------------------------------------------------------------


def source(document: str, section: str, number: str | None = "太政办〔2023〕1号") -> Source:
    return Source(document, section, f"文件{document}", number)


async def test_a_reply_goes_out_as_plain_text_with_its_sources_and_buttons(api: BotApi, channel: Telegram) -> None:
    reply = Reply(
        "最高<b>200万元</b>_*",
        options=(Option("看依据", "!basis"), Option("改答案", "!edit"), Option("转人工", "!human")),
        citations=(source("甲", "三（一）"), source("乙", "第2条", None), source("甲", "三（二）"), source("甲", "三（一）")),
    )
    await channel.deliver(item(reply))
    (call,) = api.calls_of("sendMessage")
    assert call.params["text"] == "最高<b>200万元</b>_*\n依据：《文件甲》（太政办〔2023〕1号）三（一）、三（二）\n依据：《文件乙》第2条"
    assert "parse_mode" not in call.params and call.params["link_preview_options"] == {"is_disabled": True}
    assert call.params["reply_markup"] == {
        "inline_keyboard": [
            [{"text": "看依据", "callback_data": "!basis"}, {"text": "改答案", "callback_data": "!edit"}],
            [{"text": "转人工", "callback_data": "!human"}],
        ]
    }


def test_at_most_six_lines_of_sources() -> None:
    lines = written(Reply("好", citations=tuple(source(str(n), "一") for n in range(9)))).splitlines()
    assert len(lines) == 7 and lines[-1] == "依据：《文件5》（太政办〔2023〕1号）一等"


def test_the_team_speaks_under_its_name() -> None:
    assert written(Reply("请补充材料", by="team")) == "服务团队：请补充材料"


@pytest.mark.parametrize(
    "text",
    [
        "行。" * 40 + "\n",
        "没有标点的一长串" * 900,
        "句子。" * 3000,
        "😀" * 5000,
        "\n".join(f"第{n}行：" + "字" * (n % 90) for n in range(400)),
        "a" * 4096,
    ],
)
def test_a_long_text_is_split_without_losing_a_word(text: str) -> None:
    pieces = split(text)
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert all(0 < len(p.encode("utf-16-le")) // 2 <= 4096 for p in pieces)
    if "第1行" in text:
        assert all(p.startswith("第") for p in pieces), "cut at line ends"


def test_buttons_two_in_a_row_where_both_are_short() -> None:
    labels = ["太仓", "昆山", "苏州工业园区生物医药产业园", "徐州", "高新区", "三", "长" * 40]
    markup = keyboard([Option(label, f"k{n}") for n, label in enumerate(labels)])
    assert markup is not None
    rows = [[b.text for b in row] for row in markup.inline_keyboard]
    assert rows == [["太仓", "昆山"], ["苏州工业园区生物医药产业园"], ["徐州", "高新区"], ["三"], ["长" * 23 + "…"]]
    assert keyboard([]) is None


def test_a_button_that_telegram_would_refuse_does_not_take_the_reply_with_it(caplog: pytest.LogCaptureFixture) -> None:
    markup = keyboard([Option("好", "x" * 64), Option("太长", "长" * 22), Option("空", "")])
    assert markup is not None and [[b.text for b in row] for row in markup.inline_keyboard] == [["好"]]
    assert len(caplog.records) == 2


async def test_the_buttons_are_under_the_last_piece_and_pieces_are_not_repeated(api: BotApi, channel: Telegram) -> None:
    reply = Reply("\n".join("字" * 1000 for _ in range(10)), options=(Option("好", "!ok"),))
    api.fail("sendMessage", None, page(502), reset(), None, Fault("odd"))
    for _ in range(3):
        with pytest.raises(DeliveryError):
            await channel.deliver(item(reply, 4))
    await channel.deliver(item(reply, 4))
    assert ["reply_markup" in m for m in api.sent] == [False, False, True]
    assert "".join("".join(api.texts(7)).split()) == "字" * 10_000
    await channel.deliver(item(Reply("下一条"), 5))
    assert api.texts(7)[-1] == "下一条"


async def test_a_picture_goes_before_its_text_and_a_bad_one_does_not_stop_it(api: BotApi, turns: Echo, caplog: pytest.LogCaptureFixture) -> None:
    drawn = {"layout/zh/taicang": PNG, "bad": b"no picture", "unknown": None}
    channel = Telegram(turns, TOKEN, drawn.__getitem__, base_url=api.url)  # a fourth one raises
    for number, picture in enumerate((*drawn, "broken"), 1):
        await channel.deliver(item(Reply("布局图", picture=picture), number))
    await channel.close()
    assert api.texts(7) == ["〔图片〕", "布局图", "布局图", "布局图", "布局图"]
    assert [c.method for c in api.calls] == ["sendPhoto", "sendMessage", "sendPhoto", "sendMessage", "sendMessage", "sendMessage"]
    assert [name in r.getMessage() for name, r in zip(("bad", "unknown", "broken"), caplog.records, strict=True)] == [True] * 3


async def test_a_picture_is_sent_once_though_its_text_is_tried_again(api: BotApi, turns: Echo) -> None:
    drawn = iter([PNG, None])  # the second time the knowledge has no such park any more
    channel = Telegram(turns, TOKEN, lambda spec: next(drawn), base_url=api.url)
    api.fail("sendMessage", page(502))
    with pytest.raises(DeliveryError):
        await channel.deliver(item(Reply("布局图", picture="layout/zh/taicang")))
    await channel.deliver(item(Reply("布局图", picture="layout/zh/taicang")))
    await channel.close()
    assert api.texts(7) == ["〔图片〕", "布局图"]


async def test_without_anybody_who_draws_the_text_still_comes(api: BotApi, channel: Telegram) -> None:
    await channel.deliver(item(Reply("布局图", picture="layout/zh/taicang")))
    assert api.texts(7) == ["布局图"]


async def test_a_layout_of_the_shipped_knowledge_is_a_photo(api: BotApi, turns: Echo, knowledge: Knowledge) -> None:
    channel = Telegram(turns, TOKEN, Drawing(Library(knowledge)).png, base_url=api.url)
    await channel.deliver(item(Reply("布局图", picture=pictures.layout("zh", "taicang"))))
    await channel.close()
    assert api.texts(7) == ["〔图片〕", "布局图"]


async def test_a_page_has_a_button_where_people_can_reach_it_and_none_elsewhere(api: BotApi, channel: Telegram, turns: Echo) -> None:
    source = Source("d", "四", "计划", None, "a plan")
    reply = Reply("结果", (Option("改答案", "!edit:1"),), link="/report/KEY")
    await channel.deliver(item(reply, 1))
    public = Telegram(turns, TOKEN, base_url=api.url, public="https://yqt.example.cn")
    await public.deliver(item(reply, 2))
    await public.deliver(item(replace(reply, citations=(source,)), 3))
    await public.deliver(item(Reply("别的"), 4))
    await public.close()
    rows = [m["reply_markup"]["inline_keyboard"] if "reply_markup" in m else [] for m in api.sent]
    edit = [{"text": "改答案", "callback_data": "!edit:1"}]
    url = "https://yqt.example.cn/report/KEY"
    assert rows == [
        [edit],
        [[{"text": "打开完整报告（可打印）", "url": url}], edit],
        [[{"text": "Open the full report (printable)", "url": url}], edit],
        [],
    ]


async def test_an_address_that_telegram_refuses_costs_the_button_and_not_the_answer(
    api: BotApi, turns: Echo, caplog: pytest.LogCaptureFixture
) -> None:
    public = Telegram(turns, TOKEN, base_url=api.url, public="https://yqt.example.cn")
    api.fail(
        "sendMessage", Fault("json", 400, "Bad Request: inline keyboard button URL 'https://yqt.example.cn/report/KEY' is invalid: Wrong HTTP URL")
    )
    await public.deliver(item(Reply("结果", (Option("改答案", "!edit:1"),), link="/report/KEY")))
    await public.close()
    assert api.texts(7) == ["结果"]
    assert "url" not in api.sent[-1]["reply_markup"]
    assert "PUBLIC_URL" in caplog.text
    assert "KEY" not in caplog.text


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (flood(17), (17, False, False)),
        (Fault("json", 403, "Forbidden: bot was blocked by the user"), (None, True, False)),
        (Fault("json", 400, "Bad Request: chat not found"), (None, True, False)),
        (Fault("json", 400, "Bad Request: group chat was upgraded", {"migrate_to_chat_id": -1009}), (None, True, False)),
        (Fault("json", 401, "Unauthorized"), (None, False, False)),
        (Fault("json", 500, "Internal Server Error"), (None, False, False)),
        (page(502), (None, False, False)),
        (page(200), (None, False, False)),
        (reset(), (None, False, False)),
        (hang(), (None, False, True)),
    ],
)
async def test_what_a_failed_delivery_means(api: BotApi, channel: Telegram, fault: Fault, expected: tuple[float | None, bool, bool]) -> None:
    channel._clients[1]._read = 0.1
    api.fail("sendMessage", fault)
    with pytest.raises(DeliveryError) as caught:
        await channel.deliver(item(Reply("好")))
    error = caught.value
    assert (error.retry_after, error.final, error.uncertain) == expected
    assert TOKEN not in str(error)


async def test_a_server_that_cannot_be_reached_is_tried_again(turns: Echo) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        channel = Telegram(turns, TOKEN, base_url=f"http://127.0.0.1:{closed.getsockname()[1]}")
        with pytest.raises(DeliveryError) as caught:
            await channel.deliver(item(Reply("好")))
    assert not caught.value.final and not caught.value.uncertain
    await channel.close()


async def test_a_flood_limit_for_one_chat_delays_no_other(api: BotApi, channel: Telegram, turns: Echo) -> None:
    api.fail("sendMessage", flood(1), chat=7)
    sender = Sender(turns, {"telegram": channel.deliver}, poll=0.02)
    async with running(channel.run_polling(), sender.run()):
        for n in range(3):
            await api.say(7, f"甲{n}")
            await api.say(8, f"乙{n}")
        await api.until(lambda: len(api.texts(8)) == 3)
        assert api.texts(7) == []
        await api.until(lambda: len(api.texts(7)) == 3)
    assert api.texts(7) == ["收到：甲0", "收到：甲1", "收到：甲2"]
    refused, *later = [c.at for c in api.calls_of("sendMessage") if c.params["chat_id"] == "7"]
    assert later[0] - refused >= 0.99


async def test_every_piece_of_a_long_reply_counts_against_the_limits(api: BotApi, turns: Echo) -> None:
    waited = list[str]()

    async def pace(chat: str) -> None:
        waited.append(chat)
        assert len(api.sent) == len(waited) - 1, "asked before each message"

    channel = Telegram(turns, TOKEN, base_url=api.url, pace=pace)
    await channel.deliver(item(Reply("好。" * 5000)))
    assert waited == ["7"] * 3
    await channel.close()


def test_telegrams_limits_are_for_all_and_for_each_chat() -> None:
    of = limits(30)
    assert [(bucket.key, round(bucket.rate * 60), bucket.burst) for bucket in of("7")] == [("telegram 7", 60, 5), ("telegram", 1800, 30)]
    assert [(bucket.key, round(bucket.rate * 60), bucket.burst) for bucket in of("-7")] == [("telegram -7", 20, 5), ("telegram", 1800, 30)]
    assert limits(0)("7") == ()


async def test_who_blocked_the_bot_is_given_up_and_stops_nobody(api: BotApi, channel: Telegram, turns: Echo) -> None:
    api.blocked, api.missing = {"7"}, {"9"}
    for chat in (7, 8, 9):
        await channel.handle_update({"update_id": chat, "message": api.message(chat, text="你好")})
    assert await Sender(turns, {"telegram": channel.deliver}).once() == 3
    assert api.texts(8) == ["收到：你好"]
    lines = [x for chat in "789" for x in await turns.store.transcript(Address("telegram", chat, chat)) if isinstance(x, OutboxItem)]
    assert [x.state for x in lines] == ["failed", "sent", "failed"]


async def test_a_notice_that_got_no_answer_is_sent_again_but_a_reply_is_not(api: BotApi, channel: Telegram, turns: Echo) -> None:
    channel._clients[1]._read = 0.1
    notice = Notice(ADDRESS, Reply("请补材料", by="team").to_json())
    await turns.store.commit(Commit(Address("console", "1", "1"), NOW, notices=(notice,)))
    api.fail("sendMessage", hang())
    await Sender(turns, {"telegram": channel.deliver}).once()
    (line,) = await turns.store.transcript(ADDRESS)
    assert isinstance(line, OutboxItem) and line.state == "uncertain"
    assert api.texts(7) == ["服务团队：请补材料"]


# -- the token -----------------------------------------------------------------------------------------------------------------------


async def test_the_token_is_in_no_log_record(api: BotApi, turns: Echo, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    channel = Telegram(turns, TOKEN, base_url=api.url, long_poll=5)
    for name in ("aiohttp", "telegram"):
        logging.getLogger(name).setLevel(logging.DEBUG)  # somebody insists
    api.fail("getUpdates", page(502), reset(), flood(1))
    await api.say(7, "你好")
    async with running(channel.run_polling()):
        await api.until(lambda: api.confirmed)
    api.fail("sendMessage", page(502))
    with pytest.raises(DeliveryError):
        await channel.deliver(item(Reply("好")))
    log = logging.getLogger("somebody.else")
    try:
        raise ValueError(f"GET /bot{TOKEN}/getMe")
    except ValueError:
        log.exception("URL %s in %r", f"/bot{TOKEN}", channel._bot)
    await channel.close()
    shown = "\n".join(logging.Formatter().format(r) for r in caplog.records)
    assert TOKEN not in shown and TOKEN not in caplog.text
    assert shown.count("***") >= 3 and "GET /bot***/getMe" in shown


def test_a_log_record_that_does_not_fit_its_arguments_is_left_to_its_handler(turns: Echo) -> None:
    telegram._hide(TOKEN)
    assert logging.getLogRecordFactory()("any", logging.INFO, __file__, 1, "%d pieces", ("three",), None).args == ("three",)


# -- the whole way -----------------------------------------------------------------------------------------------------------------


async def test_a_founder_asks_and_taps(api: BotApi) -> None:
    """The whole way, with the real assistant and the shipped knowledge."""
    turns = Turns(MemoryStore(), Library(loader.load()))
    channel = Telegram(turns, TOKEN, base_url=api.url, long_poll=5)
    async with running(channel.run_polling(), Sender(turns, {"telegram": channel.deliver}).run()):
        await api.say(7, "/start")
        await api.until(lambda: api.sent)
        button = api.sent[0]["reply_markup"]["inline_keyboard"][0][0]
        await api.push(callback_query=tap(bot_said(api.sent[0]["text"]), button["callback_data"]))
        await api.until(lambda: len(api.sent) > 1)
    await channel.close()
    assert "园企通" in api.sent[0]["text"] and api.sent[1]["reply_markup"]["inline_keyboard"]
