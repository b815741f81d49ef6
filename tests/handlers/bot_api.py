"""A server that speaks the Bot API over real HTTP on loopback: what Telegram would do, as far as this bot can tell.

Updates vanish when a getUpdates call confirms them (an `offset` above their id) and not before; a second poller ends the first with
409; messages that Telegram refuses are refused with its own words. Faults are injected call by call (`BotApi.fail`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import struct
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from typing import Any, Literal, Self
from urllib.parse import parse_qsl

TOKEN = "123456789:AAF-not_a_real_token_but_shaped_like_one"
ME = {"id": 123456789, "is_bot": True, "first_name": "园企通", "username": "yuanqitong_bot"}
_JSON = {"offset", "timeout", "limit", "allowed_updates", "reply_markup", "link_preview_options"}
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """What a caller gets instead of an answer. `carried_out`: the call takes effect all the same."""

    how: Literal["json", "page", "odd", "reset", "hang"]
    status: int = 200
    description: str = ""
    parameters: Json = field(default_factory=dict)
    carried_out: bool = False


def flood(seconds: int) -> Fault:
    """429, with the time to wait."""
    return Fault("json", 429, f"Too Many Requests: retry after {seconds}", {"retry_after": seconds})


def page(status: int) -> Fault:
    """What stands before Telegram answers with an HTML page."""
    return Fault("page", status)


def reset(carried_out: bool = False) -> Fault:
    """The connection breaks instead of an answer."""
    return Fault("reset", carried_out=carried_out)


def hang(carried_out: bool = True) -> Fault:
    """No answer ever comes."""
    return Fault("hang", carried_out=carried_out)


@dataclass(frozen=True, slots=True)
class Call:
    """A call as it came in, and when (the loop's clock)."""

    method: str
    params: Json
    at: float


class _Refused(Exception):  # noqa: N818  (an answer, not a failure of this server)
    def __init__(self, status: int, description: str) -> None:
        self.status, self.description = status, description


class BotApi:
    """The server. `calls` has every call; `sent` the messages that went through; `pending` the updates not yet confirmed."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.sent: list[Json] = []
        self.pending: list[Json] = []
        self.confirmed: list[int] = []
        self.on_confirm: Callable[[int], None] = lambda update_id: None
        self.handed_out = asyncio.Event()
        self.blocked: set[str] = set()
        self.missing: set[str] = set()
        self.webhook: Json = {}
        self.longest_poll = float("inf")
        self.trouble: Json = {}
        self.next_update, self.next_message = 700_000_001, 1
        self._faults: dict[tuple[str, str | None], list[Fault | None]] = defaultdict(list)
        self._news = asyncio.Condition()
        self._poll = 0
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        """The address to give as `base_url`."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    # -- what tests do ------------------------------------------------------------------------------------------------------------

    async def push(self, **update: Any) -> int:
        """Put an update into the queue; its id."""
        update_id, self.next_update = self.next_update, self.next_update + 1
        await self.again({"update_id": update_id, **update})
        return update_id

    async def again(self, update: Json) -> None:
        """Hand out an update, whether it was handed out before or not."""
        async with self._news:
            self.pending.append(update)
            self._news.notify_all()

    async def say(self, chat: int, text: str) -> int:
        """A person writes in their private chat."""
        return await self.push(message=self.message(chat, text=text))

    def message(self, chat: int, **content: Any) -> Json:
        """A message in a private chat, as Telegram writes it."""
        number, self.next_message = self.next_message, self.next_message + 1
        return {"message_id": number, "date": 1_760_000_000, "chat": private(chat), "from": person(chat), **content}

    def fail(self, method: str, *faults: Fault | None, chat: int | None = None) -> None:
        """The next calls of this method (for this chat) get these faults, one each; None lets a call pass."""
        self._faults[method, None if chat is None else str(chat)] += faults

    def calls_of(self, method: str) -> list[Call]:
        """The calls of one method."""
        return [c for c in self.calls if c.method == method]

    def texts(self, chat: int) -> list[str]:
        """What went through to a chat."""
        return [m.get("text", "〔图片〕") for m in self.sent if m["chat_id"] == str(chat)]

    async def until(self, condition: Callable[[], object], seconds: float = 8.0) -> None:
        """Wait until something holds; TimeoutError when it doesn't in time."""
        async with asyncio.timeout(seconds):
            while not condition():  # noqa: ASYNC110  (conditions of any kind)
                await asyncio.sleep(0.002)

    # -- HTTP ---------------------------------------------------------------------------------------------------------------------

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                target, headers = head.split(" ", 2)[1], dict(re.findall(r"(?m)^([\w-]+): *(.*?)\r$", head.lower()))
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                kind = re.search(r"(?im)^content-type: *(.*?)\r$", head)
                status, content, answer = await self._answer(target, _params(kind[1] if kind else "", body), writer)
                writer.write(f"HTTP/1.1 {status} X\r\nContent-Type: {content}\r\nContent-Length: {len(answer)}\r\n\r\n".encode() + answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the other side left, or the test is over
        finally:
            self._open.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(self, target: str, params: Json, writer: asyncio.StreamWriter) -> tuple[int, str, bytes]:
        _, bot, method = target.split("/")
        self.calls.append(Call(method, params, asyncio.get_running_loop().time()))
        chat = params.get("chat_id")
        queue = self._faults[method, chat] or self._faults[method, None]
        fault = queue.pop(0) if queue else None
        try:
            if bot != f"bot{TOKEN}":
                raise _Refused(401, "Unauthorized")
            if fault is None or fault.carried_out:
                result = await getattr(self, f"_{method}", self._unknown)(params)
            if fault is not None and fault.how == "json":
                raise _Refused(fault.status, fault.description)
        except _Refused as refused:
            body: Json = {"ok": False, "error_code": refused.status, "description": refused.description}
            if fault is not None and fault.parameters:
                body["parameters"] = fault.parameters
            return refused.status, "application/json", json.dumps(body).encode()
        match fault:
            case Fault(how="page"):
                return fault.status, "text/html", f"<html><head><title>{fault.status} Bad Gateway</title></head></html>".encode()
            case Fault(how="odd"):
                return 200, "application/json", b"{}"
            case Fault(how="hang"):
                await asyncio.sleep(3600)
            case Fault(how="reset"):
                raw: socket.socket = writer.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
                raise ConnectionResetError
        return 200, "application/json", json.dumps({"ok": True, "result": result}).encode()

    # -- methods ------------------------------------------------------------------------------------------------------------------

    async def _unknown(self, params: Json) -> Any:
        raise _Refused(404, "Not Found")

    async def _getMe(self, params: Json) -> Json:  # noqa: N802  (methods bear the API's names)
        return ME

    async def _getUpdates(self, params: Json) -> list[Json]:  # noqa: N802
        if self.webhook.get("url"):
            raise _Refused(409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first")
        offset = params.get("offset", 0)
        for update in [u for u in self.pending if u["update_id"] < offset]:
            self.pending.remove(update)
            self.confirmed.append(update["update_id"])
            self.on_confirm(update["update_id"])
        self._poll += 1
        mine = self._poll
        async with self._news:
            self._news.notify_all()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(params.get("timeout", 0), self.longest_poll)):
                    await self._news.wait_for(lambda: self.pending or mine != self._poll)
        if mine != self._poll:
            raise _Refused(409, "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running")
        if self.pending:
            self.handed_out.set()
        return self.pending[: params.get("limit", 100)]

    async def _sendMessage(self, params: Json) -> Json:  # noqa: N802
        text = params.get("text", "")
        self._reachable(params["chat_id"])
        if not text.strip():
            raise _Refused(400, "Bad Request: message text is empty")
        if len(text.encode("utf-16-le")) > 2 * 4096:
            raise _Refused(400, "Bad Request: message is too long")
        for button in [b for row in params.get("reply_markup", {}).get("inline_keyboard", []) for b in row]:
            if "url" in button:
                continue
            if not 1 <= len(button["callback_data"].encode()) <= 64:
                raise _Refused(400, "Bad Request: BUTTON_DATA_INVALID")
        return self._keep(params, {"text": text})

    async def _sendPhoto(self, params: Json) -> Json:  # noqa: N802
        self._reachable(params["chat_id"])
        if not params["photo"].startswith(b"\x89PNG"):
            raise _Refused(400, "Bad Request: IMAGE_PROCESS_FAILED")
        return self._keep(params, {"photo": []})

    async def _answerCallbackQuery(self, params: Json) -> bool:  # noqa: N802
        if params["callback_query_id"].startswith("old"):
            raise _Refused(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
        return True

    async def _setWebhook(self, params: Json) -> bool:  # noqa: N802
        if params.get("url") and not params["url"].startswith("https://"):
            raise _Refused(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
        if not re.fullmatch(r"[A-Za-z0-9_-]{0,256}", params.get("secret_token", "")):
            raise _Refused(400, "Bad Request: secret token contains unallowed characters")
        self.webhook = params
        return True

    async def _deleteWebhook(self, params: Json) -> bool:  # noqa: N802
        self.webhook = {}
        return True

    async def _getWebhookInfo(self, params: Json) -> Json:  # noqa: N802
        return {"url": self.webhook.get("url", ""), "has_custom_certificate": False, "pending_update_count": len(self.pending), **self.trouble}

    def _reachable(self, chat: str) -> None:
        if chat in self.blocked:
            raise _Refused(403, "Forbidden: bot was blocked by the user")
        if chat in self.missing:
            raise _Refused(400, "Bad Request: chat not found")

    def _keep(self, params: Json, content: Json) -> Json:
        self.sent.append(params)
        return self.message(int(params["chat_id"])) | {"from": ME} | content


def person(number: int) -> Json:
    """A person."""
    return {"id": number, "is_bot": False, "first_name": f"用户{number}"}


def private(number: int) -> Json:
    """The private chat with a person."""
    return {"id": number, "type": "private", "first_name": f"用户{number}"}


def group(number: int = -100_500) -> Json:
    """A group."""
    return {"id": number, "type": "supergroup", "title": "融资群"}


def _params(kind: str, body: bytes) -> Json:
    """The parameters of a call: those that are JSON decoded, files as bytes."""
    if kind.startswith("multipart/"):
        form = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + body, policy=policy.HTTP)
        raw: Json = {str(p.get_param("name", header="content-disposition")): p.get_content() for p in form.iter_parts()}
    else:
        raw = dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=bool(body)))
    return {k: json.loads(v) if k in _JSON else v for k, v in raw.items()}
