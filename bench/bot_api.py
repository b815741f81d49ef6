"""The Bot API as light as it can be, in a process of its own: talks that wait to be fetched or posted, messages taken, answers after a round trip."""

from __future__ import annotations

import asyncio
import json
import re
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any
from urllib.parse import unquote_plus, urlsplit

import uvloop

TOKEN = "123456789:AAF-not_a_real_token_but_shaped_like_one"
SECRET = "a-secret_of-ours"
POSTS = 100
"""Calls of a webhook side by side, as many as Telegram makes at most (max_connections)."""
_LENGTH = re.compile(rb"(?i)content-length: *(\d+)")
_CHAT = re.compile(rb'(?:^|&)chat_id=(\d+)|name="chat_id"\r\n.*?\r\n\r\n(\d+)', re.DOTALL)
_ME = {"id": 123456789, "is_bot": True, "first_name": "园企通", "username": "yuanqitong_bot"}


@dataclass(frozen=True, slots=True)
class Plan:
    """What the people say: talk after talk, `chats` of them side by side, until there were so many messages. `round_trip` in seconds."""

    talks: tuple[tuple[str, ...], ...]
    messages: int
    chats: int = 100
    round_trip: float = 0.0
    webhooks: int = 0
    """How many programs will register a webhook; with none, updates are fetched."""

    def updates(self) -> Iterator[dict[str, Any]]:
        """The updates in order: a message of each chat, then the next of each; half a minute passes between two of one chat."""
        slots = [self._slot(n) for n in range(self.chats)]
        for number in range(self.messages):
            chat, step, text = next(slots[number % self.chats])
            person = {"id": chat, "first_name": "某人"}
            yield {
                "update_id": 700_000_001 + number,
                "message": {
                    "message_id": number + 1,
                    "date": 1_760_000_000 + 30 * step,
                    "chat": {**person, "type": "private"},
                    "from": {**person, "is_bot": False},
                    "text": text,
                },
            }

    def worker_of(self, update: dict[str, Any]) -> int:
        """Which of the programs gets an update by its webhook."""
        return int(update["message"]["chat"]["id"]) % self.webhooks if self.webhooks else 0

    def share(self, worker: int) -> int:
        """How many messages a program gets."""
        return sum(self.worker_of(update) == worker for update in self.updates())

    def _slot(self, number: int) -> Iterator[tuple[int, int, str]]:
        while True:
            for step, text in enumerate(self.talks[number % len(self.talks)]):
                yield number + 1, step, text
            number += self.chats


@dataclass
class _Server:
    plan: Plan
    waiting: deque[dict[str, Any]] = field(default_factory=deque)
    hooks: dict[int, str] = field(default_factory=dict)
    posting: list[asyncio.Task[None]] = field(default_factory=list)

    def answer(self, method: str, body: bytes) -> Any:
        """The result of a call."""
        match method:
            case "getMe":
                return _ME
            case "getUpdates":
                return self._handed_out(dict(pair.split("=") for pair in body.decode().split("&") if "=" in pair))
            case "setWebhook":
                url = unquote_plus(re.findall(r"(?:^|&)url=([^&]*)", body.decode())[0])
                self.hooks[int(urlsplit(url).query)] = url
                if len(self.hooks) == self.plan.webhooks:
                    self._post()
                return True
            case "sendMessage" | "sendPhoto":
                found = _CHAT.search(body)
                chat = int((found[1] or found[2]) if found else 0)
                return {"message_id": 1, "date": 1_760_000_000, "chat": {"id": chat, "type": "private"}, "from": _ME, "text": "好"}
        return True

    def _handed_out(self, given: dict[str, str]) -> list[dict[str, Any]]:
        offset = int(given.get("offset", "0"))
        while self.waiting and self.waiting[0]["update_id"] < offset:
            self.waiting.popleft()
        return [self.waiting[n] for n in range(min(len(self.waiting), int(given.get("limit", "100"))))]

    def _post(self) -> None:
        """Post what waits: each chat's updates one after the other and always to the same program, chats side by side."""
        for worker, hook in self.hooks.items():
            chats: dict[int, deque[dict[str, Any]]] = {}
            for update in self.waiting:
                if self.plan.worker_of(update) == worker:
                    chats.setdefault(update["message"]["chat"]["id"], deque()).append(update)
            queue = deque(chats.values())
            self.posting += [asyncio.create_task(self._poster(hook, queue)) for _ in range(POSTS // len(self.hooks))]

    async def _poster(self, hook: str, chats: deque[deque[dict[str, Any]]]) -> None:
        to = urlsplit(hook)
        reader, writer = await asyncio.open_connection(to.hostname, to.port)
        head = f"POST {to.path}?{to.query} HTTP/1.1\r\nHost: {to.netloc}\r\nContent-Type: application/json\r\nX-Telegram-Bot-Api-Secret-Token: {SECRET}\r\n"
        while chats:
            queue = chats.popleft()
            body = json.dumps(queue[0], ensure_ascii=False).encode()
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            if length := _LENGTH.search(answer):
                await reader.readexactly(int(length[1]))
            await asyncio.sleep(self.plan.round_trip)
            if answer.split(b" ", 2)[1] == b"200":
                queue.popleft()
            if queue:
                chats.append(queue)
        writer.close()


class _Call(asyncio.Protocol):
    """One connection of a bot."""

    def __init__(self, server: _Server) -> None:
        self._server, self._heard, self._transport = server, b"", asyncio.Transport()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._heard += data
        while (end := self._heard.find(b"\r\n\r\n")) >= 0:
            head = self._heard[:end]
            length = _LENGTH.search(head)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._heard) < whole:
                return
            body, self._heard = self._heard[end + 4 : whole], self._heard[whole:]
            method = head.split(b" ", 2)[1].rsplit(b"/", 1)[1].decode()
            self._answer(method, body, first=True)

    def _answer(self, method: str, body: bytes, first: bool) -> None:
        result, loop = self._server.answer(method, body), asyncio.get_running_loop()
        if method == "getUpdates" and not result and first:  # nothing waits: hold the call for a second
            loop.call_later(1, self._answer, method, body, False)
            return
        content = json.dumps({"ok": True, "result": result}, ensure_ascii=False).encode()
        answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(content), content)
        if self._server.plan.round_trip:
            loop.call_later(self._server.plan.round_trip, self._write, answer)
        else:
            self._write(answer)

    def _write(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)


async def _serve(plan: Plan, told: Connection) -> None:
    server = _Server(plan, deque(plan.updates()))
    running = await asyncio.get_running_loop().create_server(lambda: _Call(server), "127.0.0.1", 0)
    told.send(f"http://127.0.0.1:{running.sockets[0].getsockname()[1]}")
    await running.serve_forever()


def _run(plan: Plan, told: Connection) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(plan, told))


@contextmanager
def bot_api(plan: Plan) -> Iterator[str]:
    """The server in its process; its address."""
    context = get_context("spawn")
    ours, its = context.Pipe()
    process = context.Process(target=_run, args=(plan, its))
    process.start()
    try:
        yield ours.recv()
    finally:
        process.kill()
        process.join()
