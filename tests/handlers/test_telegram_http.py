"""The Telegram channel's HTTP client against real servers: one that speaks the Bot API, and some that misbehave on purpose."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from telegram import Bot
from telegram.error import BadRequest, Forbidden, InvalidToken, NetworkError, RetryAfter, TimedOut

from handlers.telegram_http import BotApiClient, UnansweredError
from tests.handlers.bot_api import TOKEN, BotApi, Fault, flood, hang, page, reset

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 400
Speak = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def talking(url: str, connections: int = 4, **seconds: float) -> AsyncIterator[Bot]:
    """A bot with this client, ready to call."""
    client = BotApiClient(url, connections, **seconds)
    try:
        yield Bot(TOKEN, f"{url}/bot", request=client, get_updates_request=client)
    finally:
        await client.shutdown()


@asynccontextmanager
async def server(speak: Speak) -> AsyncIterator[str]:
    """A server that says to each connection what `speak` says, once it has heard a whole head."""
    open_ones: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        open_ones.add(task)
        try:
            await reader.readuntil(b"\r\n\r\n")
            await speak(reader, writer)
        except (asyncio.CancelledError, asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    running = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{running.sockets[0].getsockname()[1]}"
    finally:
        running.close()
        for task in open_ones:
            task.cancel()
        await asyncio.gather(*open_ones, return_exceptions=True)
        await running.wait_closed()


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as running:
        yield running


async def test_a_message_arrives_as_it_was_written(api: BotApi) -> None:
    async with talking(api.url) as bot:
        sent = await bot.send_message(7, "甲&乙=丙 100%+1\n🙂")
    assert api.texts(7) == ["甲&乙=丙 100%+1\n🙂"] and sent.chat.id == 7


async def test_a_picture_arrives_as_it_was_drawn(api: BotApi) -> None:
    async with talking(api.url) as bot:
        await bot.send_photo(7, PNG, caption="园区&图")
    assert api.sent[0]["photo"] == PNG and api.sent[0]["caption"] == "园区&图"


@pytest.mark.parametrize(
    ("fault", "error", "says"),
    [
        (flood(17), RetryAfter, "17"),
        (Fault("json", 400, "Bad Request: chat not found"), BadRequest, "hat not found"),
        (Fault("json", 401, "Unauthorized"), InvalidToken, "Unauthorized"),
        (Fault("json", 403, "Forbidden: bot was blocked by the user"), Forbidden, "blocked"),
        (Fault("json", 500, "Internal Server Error"), NetworkError, "Internal"),
        (page(502), NetworkError, "502"),
        (page(404), InvalidToken, "404"),
        (reset(), NetworkError, "ClientOSError"),
    ],
)
async def test_what_goes_wrong_is_told_in_the_librarys_own_words(
    api: BotApi, fault: Fault, error: type[Exception], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", "true")  # as handlers.telegram has it
    async with talking(api.url) as bot:
        api.fail("sendMessage", fault)
        with pytest.raises(error, match=says) as caught:
            await bot.send_message(7, "好")
        assert not isinstance(caught.value, TimedOut)
        await bot.send_message(7, "之后")
    assert api.texts(7) == ["之后"]


async def test_no_answer_in_time_is_told_from_what_was_never_sent(api: BotApi) -> None:
    async with talking(api.url, read=0.1) as bot:
        api.fail("sendMessage", hang())
        with pytest.raises(UnansweredError):
            await bot.send_message(7, "好")
    assert api.texts(7) == ["好"]
    async with talking(api.url, connections=1, pool=0.05, connect=0.05) as bot:
        api.fail("sendMessage", hang(), chat=7)
        waiting = asyncio.create_task(bot.send_message(7, "占着"))
        await api.until(lambda: api.texts(7)[1:])
        with pytest.raises(TimedOut, match="nothing was sent") as caught:
            await bot.send_message(8, "没有空位")
        assert not isinstance(caught.value, UnansweredError)
        waiting.cancel()
    assert api.texts(8) == []


async def test_an_answer_that_stops_halfway_was_sent_and_not_answered() -> None:
    async def half(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        await asyncio.sleep(60)

    async with server(half) as url, talking(url, read=0.1) as bot:
        with pytest.raises(UnansweredError):
            await bot.get_me()


async def test_a_call_may_bring_its_own_time(api: BotApi) -> None:
    async with talking(api.url, read=30) as bot:
        api.fail("sendMessage", hang())
        began = time.monotonic()
        with pytest.raises(UnansweredError):
            await bot.send_message(7, "好", read_timeout=0.05)
    assert time.monotonic() - began < 10


async def test_nobody_at_the_address_is_a_network_error_and_no_timeout() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        async with talking(f"http://127.0.0.1:{closed.getsockname()[1]}") as bot:
            with pytest.raises(NetworkError) as caught:
                await bot.get_me()
    assert not isinstance(caught.value, TimedOut)


async def test_connections_are_used_again() -> None:
    heard: list[int] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        body = b'{"ok":true,"result":{"id":1,"is_bot":true,"first_name":"a","username":"b"}}'
        heard.append(0)
        while True:
            heard[-1] += 1
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            await reader.readuntil(b"\r\n\r\n")

    async with server(answer) as url, talking(url) as bot:
        for _ in range(5):
            await bot.get_me()
    assert heard == [5]


async def test_redirects_are_not_followed(api: BotApi) -> None:
    async def elsewhere(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 307 Temporary Redirect\r\nLocation: {api.url}/bot{TOKEN}/sendMessage\r\nContent-Length: 0\r\n\r\n".encode())

    async with server(elsewhere) as url, talking(url) as bot:
        with pytest.raises(NetworkError, match="307"):
            await bot.send_message(7, "好")
    assert api.calls == []


async def test_only_the_bots_own_server_is_called(api: BotApi) -> None:
    client = BotApiClient("https://api.telegram.org", 1)
    for url in (f"{api.url}/bot{TOKEN}/getMe", "http://api.telegram.org/", "https://api.telegram.org:8443/", "https://api.telegram.org@127.0.0.1/"):
        with pytest.raises(NetworkError, match="refused") as caught:
            await client.post(url)
        assert TOKEN not in str(caught.value)
    assert api.calls == []


async def test_surroundings_are_not_heeded(api: BotApi, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    async with talking(api.url) as bot:
        await bot.send_message(7, "好")
    assert api.texts(7) == ["好"]


async def test_what_is_no_http_is_told_without_the_token() -> None:
    async def garbage(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x00\xff\r\nnothing that anybody understands\r\n\r\n")

    async with server(garbage) as url, talking(url) as bot:
        with pytest.raises(NetworkError) as caught:
            await bot.get_me()
    assert TOKEN not in str(caught.value) and not isinstance(caught.value, TimedOut)
