"""What messengers and networks do

Messages that come three times, out of order, or with ids that begin anew; and a Bot API that refuses, errs, breaks off or falls silent.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path

from knowledge.snapshot import Knowledge
from storage.contract import OutboxItem, Store
from tests.faults.conftest import Measured, Scale
from tests.faults.lives import Lives
from tests.faults.talks import doubled, intact, replies, telegram, undisturbed, web
from tests.faults.test_kills import SECRET, WEBHOOK
from tests.handlers.bot_api import BotApi, Fault, flood, hang, page, reset
from tests.test_workers import TALK, cookie

QUESTION = "昆科贷是什么"
SWIFT = {"handlers.telegram._STEP": 0.02, "handlers.telegram._LONGEST": 0.1}
"""Pauses of the poller, shortened."""
CALLED = {"X-Telegram-Bot-Api-Secret-Token": SECRET}


async def test_each_message_comes_three_times(tmp_path: Path, knowledge: Knowledge, scale: Scale, measured: Measured) -> None:
    expected, chats = await undisturbed(knowledge), range(1, 1 + scale(1, 20))
    async with BotApi() as api, Lives(tmp_path, tmp_path / "polled.db", api) as lives:

        async def page(chat: int) -> None:
            for n, text in enumerate(TALK):
                body = {"id": f"m{n:04}-of-this-chat", "text": text}
                answers = await asyncio.gather(*(lives.call("POST", "/api/messages", json=body, headers=cookie(chat)) for _ in range(3)))
                assert Counter(a.json()["duplicate"] for a in answers) == {False: 1, True: 2}
            await lives.call("GET", "/api/history", headers=cookie(chat))

        for text in TALK:
            for chat in chats:
                await api.say(chat, text)
                for _ in range(2):
                    await api.again(api.pending[-1])
        await asyncio.gather(*map(page, chats))
        await lives.settled(lambda: not api.pending)
        async with lives.store() as store:
            await intact(store, [*map(telegram, chats), *map(web, chats)], expected)
            assert [doubled(api.texts(chat), await replies(store, telegram(chat))) for chat in chats] == [[] for _ in chats]
    async with BotApi() as api, Lives(tmp_path, tmp_path / "called.db", api, env=WEBHOOK) as lives:
        for n, text in enumerate(TALK):
            for chat in chats:
                update = {"update_id": 1000 * n + chat, "message": api.message(chat, text=text)}
                answers = await asyncio.gather(*(lives.call("POST", "/telegram", json=update, headers=CALLED) for _ in range(3)))
                assert [a.status_code for a in answers] == [200, 200, 200]
        await lives.settled()
        async with lives.store() as store:
            await intact(store, [*map(telegram, chats)], expected)
            assert [doubled(api.texts(chat), await replies(store, telegram(chat))) for chat in chats] == [[] for _ in chats]
    measured(
        "each message three times, at once and one after the other (Telegram polled and called, web chat)",
        "answered once, each request filed once",
        f"{3 * len(chats) * len(TALK):,} messages three times: 0 answered twice, 0 requests doubled",
    )


async def test_webhook_calls_come_out_of_order_at_once_and_repeated(tmp_path: Path, scale: Scale, measured: Measured) -> None:
    chance, chats, each = random.Random(5), range(1, 1 + scale(4, 20)), scale(8, 60)
    async with BotApi() as api, Lives(tmp_path, tmp_path / "s.db", api, env=WEBHOOK) as lives:
        calls = [{"update_id": 1000 * n + chat, "message": api.message(chat, text=f"{QUESTION} {n}")} for n in range(each) for chat in chats]
        calls += chance.sample(calls, len(calls) // 2)
        chance.shuffle(calls)
        room = asyncio.Semaphore(24)

        async def call(update: object) -> None:
            async with room:
                assert (await lives.call("POST", "/telegram", json=update, headers=CALLED)).status_code == 200

        await asyncio.gather(*map(call, calls))
        await lives.settled()
        async with lives.store() as store:
            for chat in chats:
                told = await store.transcript(telegram(chat), 1000)
                assert ["bot" if isinstance(line, OutboxItem) else "you" for line in told] == ["you", "bot"] * each, (
                    "each is answered before the next"
                )
                assert sorted(line.body["text"] for line in told[::2]) == sorted(f"{QUESTION} {n}" for n in range(each))
                assert doubled(api.texts(chat), await replies(store, telegram(chat))) == []
    measured(
        "webhook calls out of order, many at once, half of them repeated",
        "0 lost, 0 answered twice, each answered before the chat's next",
        f"{len(calls):,} calls of {len(chats)} chats: 0 lost, 0 answered twice, 0 mixed up",
    )


async def test_ids_begin_anew_after_an_idle_week(tmp_path: Path, measured: Measured) -> None:
    async with BotApi() as api, Lives(tmp_path, tmp_path / "s.db", api, replaced={"handlers.telegram._QUIET": 0.0}) as lives:
        api.longest_poll = 0.05
        for first in (700_000_001, 1000, 5):
            api.next_update, before = first, len(api.sent)
            for _ in range(3):
                await api.say(7, QUESTION)
            await lives.settled(lambda: not api.pending and len(api.sent) > before)  # noqa: B023
            await api.until(lambda: "offset" not in api.calls_of("getUpdates")[-1].params)
        assert len(api.texts(7)) == 9
    measured("update ids that jump down after an idle week, twice", "0 lost, 0 answered twice", "9 of 9 answered, each once")


SENDING = {
    "429 with the time to wait": flood(1),
    "429 without it": Fault("json", 429, "Too Many Requests"),
    "500": Fault("json", 500, "Internal Server Error"),
    "502, an HTML page": page(502),
    "200, an HTML page": page(200),
    "an answer that is none": Fault("odd"),
    "a reset": reset(),
}


async def test_the_bot_api_fails_while_we_send(tmp_path: Path, scale: Scale, measured: Measured) -> None:
    times = scale(1, 3)
    async with BotApi() as api, Lives(tmp_path, tmp_path / "s.db", api) as lives:
        for chat, fault in enumerate(SENDING.values(), 1):
            api.fail("sendMessage", *[fault] * times, chat=chat)
            await api.say(chat, QUESTION)
            api.fail("sendPhoto", *[fault] * times, chat=100 + chat)
            await api.say(100 + chat, "太仓的布局图")
        await lives.settled(lambda: not api.pending)
        for chat in range(1, 1 + len(SENDING)):
            assert len(api.texts(chat)) == 1
            assert [text == "〔图片〕" for text in api.texts(100 + chat)] == [True, False]
        tries = Counter((call.method, call.params["chat_id"]) for call in api.calls if call.method.startswith("send"))
        assert {count for (method, chat), count in tries.items() if method == "sendMessage" and int(chat) < 100} == {1 + times}
    measured(
        f"the Bot API answers a message or a picture with {', '.join(SENDING)}",
        "tried again; each arrives once",
        f"{2 * len(SENDING)} chats, {times} failure{'s' * (times > 1)} each: 0 lost, 0 twice",
    )


async def test_the_bot_api_does_not_say_whether_it_sent(tmp_path: Path, scale: Scale, measured: Measured) -> None:
    chats = {1: reset(carried_out=True)} | ({2: hang(carried_out=True), 3: hang(carried_out=False)} if scale.full else {})
    async with BotApi() as api, Lives(tmp_path, tmp_path / "s.db", api) as lives:
        for chat, fault in chats.items():
            api.fail("sendMessage", fault, chat=chat)
            await api.say(chat, QUESTION)
            await api.say(chat, QUESTION)
        await lives.settled(lambda: not api.pending)
        async with lives.store() as store:
            states = {chat: await delivered(store, chat) for chat in chats}
        arrived = {chat: len(api.texts(chat)) for chat in chats}
    assert (states.pop(1), arrived.pop(1)) == (["sent", "sent"], 3), "sent again, since most that breaks off was not carried out"
    assert all(found == ["uncertain", "sent"] for found in states.values()), "given up, since most that stays silent was"
    assert list(arrived.values()) == [2, 1][: len(arrived)]
    measured(
        f"the Bot API breaks off{' or falls silent' if scale.full else ''} after it has got a reply",
        "broken off: sent again, so that it may come twice; silent: kept as uncertain and not sent again; what follows is delivered",
        f"broken off: came twice{'; silent: came once if it was carried out, else not, and is shown as uncertain' if scale.full else ''}; "
        "what followed came once",
    )


async def delivered(store: Store, chat: int) -> list[str]:
    """How each reply of a chat stands, oldest first."""
    return [line.state for line in await store.transcript(telegram(chat)) if isinstance(line, OutboxItem)]


async def test_the_bot_api_fails_while_we_fetch(tmp_path: Path, scale: Scale, measured: Measured) -> None:
    faults = [page(502), reset(), reset(carried_out=True), Fault("json", 500, "Internal Server Error"), Fault("odd"), page(200)]
    faults += [Fault("json", 429, "Too Many Requests"), flood(1), *([hang()] if scale.full else [])]
    async with BotApi() as api, Lives(tmp_path, tmp_path / "s.db", api, replaced=SWIFT) as lives:
        api.fail("getMe", page(502), reset())
        api.fail("getUpdates", *(each for fault in faults for each in (fault, None)))
        api.longest_poll = 0.05
        for chat in range(1, 9):
            for n in range(2):
                await api.say(chat, f"{QUESTION} {n}")
        await lives.settled(lambda: not api.pending and len(api.calls_of("getUpdates")) > 2 * len(faults) and len(api.confirmed) == 16, seconds=180)
        assert [len(api.texts(chat)) for chat in range(1, 9)] == [2] * 8
    measured(
        f"the Bot API answers the poller with 429, 5xx, HTML pages, nonsense, resets{' and silence' if scale.full else ''}",
        "0 lost, 0 answered twice; it goes on by itself",
        f"{len(faults)} faults: 0 of 16 messages lost, 0 answered twice",
    )


async def test_a_flooded_chat_and_a_blocked_one_delay_no_other(tmp_path: Path, scale: Scale, measured: Measured) -> None:
    wait, others = scale(2, 10), range(10, 10 + scale(8, 40))
    async with BotApi() as api, Lives(tmp_path, tmp_path / "s.db", api) as lives:
        api.fail("sendMessage", flood(wait), chat=7)
        api.blocked, api.missing = {"8"}, {"9"}
        for n in range(3):
            for chat in (7, 8, 9, *others):
                await api.say(chat, f"{QUESTION} {n}")
        await lives.settled(lambda: not api.pending)
        order = [call.params["chat_id"] for call in api.calls_of("sendMessage")]
        assert order.index("7") < 3 * len(others) < len(order) - order[::-1].index("7")
        assert set(order[-3:]) == {"7"}, "everybody else was served before the flooded chat went on"
        refused, *later = [call.at for call in api.calls_of("sendMessage") if call.params["chat_id"] == "7"]
        assert later[0] - refused >= wait - 0.01
        assert [len(api.texts(chat)) for chat in (7, 8, 9, *others)] == [3, 0, 0, *[3] * len(others)]
        slowest = max(call.at for call in api.calls_of("sendMessage") if int(call.params["chat_id"]) in others) - refused
        async with lives.store() as store:
            assert [await delivered(store, chat) for chat in (7, 8, 9)] == [["sent"] * 3, ["failed"] * 3, ["failed"] * 3]
    measured(
        f"one chat is told to wait {wait} s, one has blocked the bot, one is gone",
        "nobody else waits; what can't be delivered is kept as failed",
        f"{3 * len(others)} replies to {len(others)} others went out before the flooded chat's ({slowest:.1f} s), which came after {later[0] - refused:.1f} s",
    )
