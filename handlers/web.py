"""The web chat: one page, one call to say something, one stream to hear the answers. No account: a cookie is the person.

What is said goes in by POST and is answered at once with "ok"; replies and notices come through Server-Sent Events, each with
its outbox id, so that a reader who was cut off resumes where they were. The page itself is in `handlers/chat_page`; pictures are at
`/picture/<spec>.svg`.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import logging
import re
import secrets
import socket
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence, Set
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dialogs.turns import BusyError, TurnError, Turns
from handlers import personal, report
from handlers.channel import STARTS, BadMessageError, read_message, said_by_us, talk_so_far
from handlers.drawing import Drawing
from handlers.metrics import Metrics
from storage.contract import Address, OutboxItem, StoreError, Update

PAGE = Path(__file__).parent / "chat_page"
COOKIE, YEAR = "yqt", 365 * 24 * 3600
MAX_BODY, MAX_UPDATE, HISTORY = 64 * 1024, 1024 * 1024, 200
LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")
Webhook = Callable[[bytes, str | None], Awaitable[int]]  # body and secret of another channel's call → HTTP status
_VISITOR = re.compile(r"[A-Za-z0-9_-]{22}")
_STATIC = {"/chat": PAGE, "/report_page": report.PAGE, "/personal_page": personal.PAGE}
_SAFE = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
_PICTURE = {"Cache-Control": "no-cache", "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}
"""A picture has its style within, and nothing else."""
_WORDS = {404: "没有这个页面。请回到首页 /。", 405: "这个地址不能这样访问。请回到首页 /。"}
log = logging.getLogger(__name__)


def create_app(
    turns: Turns,
    drawing: Drawing | None = None,
    *,
    allowed_hosts: Sequence[str] = LOCAL_HOSTS,
    webhooks: Mapping[str, Webhook] = MappingProxyType({}),
    poll: float = 2.0,
    ping: float = 15.0,
    metrics: Metrics | None = None,
    operator: str | None = None,
) -> Starlette:
    """The web chat as an ASGI app. Whoever stops its server calls `app.state.close_streams` first: servers wait for open streams.

    `drawing`: what draws pictures; without it there are none. `allowed_hosts`: names under which it may be reached (a leading `*.`
    covers subdomains). `metrics`: figures for Prometheus; without it there are none. `webhooks`: path → receiver of other channels' calls. `poll`: seconds between looks for what other processes
    stored; `ping`: seconds of quiet until a sign of life. `operator`: who answers for personal data, as people are told.
    """
    chat = WebChat(turns, poll, ping)
    calls = {
        "/": chat.page,
        "/api/events": chat.events,
        "/api/history": chat.history,
        "/healthz": chat.health,
        "/readyz": chat.ready,
        "/report/{key}": report.Reports(turns).page,
    }
    routes: list[BaseRoute] = [Route("/api/messages", chat.say, methods=["POST"])]
    routes += [Mount(path, StaticFiles(directory=folder)) for path, folder in _STATIC.items()]
    if drawing:
        routes.append(Route("/picture/{spec:path}.svg", _shown(drawing.svg, "image/svg+xml")))
    routes += [Route(path, call) for path, call in calls.items()]
    routes += personal.Personal(turns, operator).routes()
    routes += [Route(path, _called(webhook), methods=["POST"]) for path, webhook in webhooks.items()]
    if metrics:
        routes.append(Route("/metrics", metrics.page))
    told = dict.fromkeys((HTTPException, BadMessageError, BusyError, TurnError, StoreError, ClientDisconnect), _tell)
    app = Starlette(
        routes=routes,
        middleware=[Middleware(Guard, hosts=allowed_hosts, open_to_all={"/healthz", "/readyz", "/metrics", *webhooks})],
        exception_handlers=told,
    )
    app.state.close_streams = chat.close
    return app


class Guard:
    """Refuses foreign hosts and other sites' pages, and puts the safety headers on every response."""

    def __init__(self, app: ASGIApp, hosts: Sequence[str], open_to_all: Set[str]) -> None:
        self._app, self._open, self._hosts = app, open_to_all, tuple(h.lower() for h in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""

        async def guarded(part: Message) -> None:
            if part["type"] == "http.response.start":
                headers = MutableHeaders(scope=part)
                for name, value in (
                    _SAFE | {"Cache-Control": "no-cache" if scope["path"].startswith(tuple(f"{p}/" for p in _STATIC)) else "no-store"}
                ).items():
                    headers.setdefault(name, value)
            await send(part)

        refusal = self._refusal(scope["path"], Headers(scope=scope)) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, guarded)

    def _refusal(self, path: str, headers: Headers) -> Response | None:
        host = headers.get("host", "").lower()
        name = re.sub(r":\d*$", "", host)
        if path not in self._open and not any(name == h or (h.startswith("*.") and name.endswith(h[1:])) for h in self._hosts):
            return PlainTextResponse(f"这里不认识主机名“{name}”。请管理员把它加到网页聊天允许的主机名里。", 400)
        if "origin" in headers and urlsplit(headers["origin"]).netloc.lower() != host:
            return JSONResponse({"error": "这个请求来自别的网站，没有接受。请在园企通自己的页面里操作；经过代理时，代理要保留 Host。"}, 403)
        return None


class WebChat:
    """The page and its calls, over one `Turns`."""

    def __init__(self, turns: Turns, poll: float, ping: float) -> None:
        self._turns, self._poll, self._ping, self._closed = turns, poll, ping, False
        self._bells: weakref.WeakSet[asyncio.Event] = weakref.WeakSet()
        self._templates = Jinja2Templates(PAGE)

    def close(self) -> None:
        """End every open stream, and those that still come."""
        self._closed = True
        for bell in tuple(self._bells):
            bell.set()

    async def page(self, request: Request) -> Response:
        """The chat page; it gives a new visitor their cookie and keeps the old visitor's."""
        cookie = request.cookies.get(COOKIE, "")
        visitor = cookie if _VISITOR.fullmatch(cookie) else secrets.token_urlsafe(16)
        response = self._templates.TemplateResponse(request, "chat.html", {"starts": STARTS})
        response.set_cookie(COOKIE, visitor, max_age=YEAR, httponly=True, samesite="lax", secure=request.url.scheme == "https")
        return response

    async def say(self, request: Request) -> Response:
        """Take one message. Its answers come through the stream; the same id again does nothing."""
        address = _visitor(request)
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise HTTPException(415, "只接受 JSON。请用 Content-Type: application/json 发送。")
        update_id, message = read_message(await _body(request, MAX_BODY))
        handled = await self._turns.handle(address, replace(message, at=self._turns.clock()), update_id)
        return JSONResponse({"ok": True, "duplicate": handled.duplicate})

    async def history(self, request: Request) -> Response:
        """What was said so far in both directions, and the event after which the stream goes on."""
        lines = await self._turns.store.transcript(_visitor(request), HISTORY)
        await self._arrived(lines)
        return JSONResponse({"messages": talk_so_far(lines), "last": _last(lines)})

    async def events(self, request: Request) -> Response:
        """Replies and notices as they come, from the event after `Last-Event-ID` (or `?after=`) on."""
        address = _visitor(request)
        after = request.headers.get("last-event-id") or request.query_params.get("after", "")
        stream = self._stream(address, int(after) if re.fullmatch(r"[0-9]{1,18}", after) else 0)
        return StreamingResponse(stream, headers={"X-Accel-Buffering": "no"}, media_type="text/event-stream")

    async def _stream(self, address: Address, after: int) -> AsyncIterator[str]:
        clock, store = asyncio.get_running_loop().time, self._turns.store
        if after > _last(await store.transcript(address, HISTORY)):
            after = 0  # the page is older than the store: its ids mean nothing here
        yield "retry: 2000\n\n"
        spoke = clock()
        while not self._closed:
            # Nothing is held while a reader takes its time over a yield, so that one that stalls or goes costs nothing.
            with self._turns.listening(address) as bell:
                self._bells.add(bell)
                if not (items := await store.after(address, after)):
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(min(self._poll, self._ping)):
                            await bell.wait()
            for item in items:
                yield f"id: {item.id}\ndata: {json.dumps(said_by_us(item), ensure_ascii=False)}\n\n"
                after, spoke = item.id, clock()
                await self._arrived([item])
            if clock() - spoke >= self._ping:
                yield ": ping\n\n"
                spoke = clock()

    async def _arrived(self, lines: Sequence[Update | OutboxItem]) -> None:
        for line in lines:
            if isinstance(line, OutboxItem) and line.state != "sent":
                await self._turns.store.sent(line.id)

    async def health(self, request: Request) -> Response:
        """Whether the program lives: it answers."""
        return JSONResponse({"ok": True})

    async def ready(self, request: Request) -> Response:
        """Whether the chat can be served: the store answers, and the program is not about to stop."""
        if self._closed:
            raise HTTPException(503, "正在停下来。")
        await self._turns.store.request("-")
        return JSONResponse({"ok": True})


def _visitor(request: Request) -> Address:
    cookie = request.cookies.get(COOKIE, "")
    if not _VISITOR.fullmatch(cookie):
        raise HTTPException(403, "没有认出您的浏览器。请刷新页面；如果还不行，请允许本站使用 cookie。")
    visitor = hashlib.sha256(cookie.encode()).hexdigest()[:32]  # what is stored and logged is no credential
    return Address("web", visitor, visitor)


async def _body(request: Request, limit: int) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > limit:
            raise HTTPException(413, "这段话太长了，没有发出去。请分成几次发，每次一两句话。")
    return bytes(body)


def _called(webhook: Webhook) -> Callable[[Request], Awaitable[Response]]:
    async def receive(request: Request) -> Response:
        body = await _body(request, MAX_UPDATE)
        return Response(status_code=await webhook(body, request.headers.get("x-telegram-bot-api-secret-token")))

    return receive


def _shown(draw: Callable[[str], bytes | None], media_type: str) -> Callable[[Request], Awaitable[Response]]:
    async def show(request: Request) -> Response:
        picture = await asyncio.to_thread(draw, request.path_params["spec"])  # drawing would make the talks wait
        if picture is None:
            return PlainTextResponse("没有这张图。资料可能更新过：请回到首页 / 再问一次。", 404)
        return Response(picture, headers=_PICTURE, media_type=media_type)

    return show


def _last(lines: Sequence[Update | OutboxItem]) -> int:
    return max((line.id for line in lines if isinstance(line, OutboxItem)), default=0)


async def _tell(request: Request, error: Exception) -> Response:
    """What went wrong, in words: as JSON to the page, as a line to whoever typed an address."""
    more: dict[str, str] = {}
    match error:
        case HTTPException():
            status, words = error.status_code, _WORDS.get(error.status_code, error.detail)
        case BadMessageError() | ClientDisconnect():
            status, words = 400, str(error)
        case BusyError():
            status, words, more = 503, "现在很忙，没有收下。过几秒再发一次，同一条不会重复。", {"Retry-After": "2"}
        case _:
            log.error("a web message was not stored: %s", error)
            status, words = 503, "刚才没有存下。请再发一次，同一条不会重复。"
    return JSONResponse({"error": words}, status, more) if request.url.path.startswith("/api/") else PlainTextResponse(words, status, more)


class Server(uvicorn.Server):
    """uvicorn, which waits for open streams: they are ended first, so that stopping takes no time."""

    @classmethod
    def of(cls, app: Starlette) -> Server:
        """The server of an app, as quiet as it can be."""
        return cls(uvicorn.Config(app, log_level="warning", server_header=False, ws="none", timeout_graceful_shutdown=3))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the chat pages' streams, then everything else."""
        self.config.app.state.close_streams()  # type: ignore[union-attr]
        await super().shutdown(sockets)
