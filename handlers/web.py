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
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates

from dialogs.turns import BusyError, TurnError, Turns
from handlers import personal, report
from handlers.channel import STARTS, BadMessageError, read_message, said_by_us, talk_so_far
from handlers.connection import Connection
from handlers.drawing import Drawing
from handlers.guard import Guard, Seldom, answer
from handlers.limits import Limited, Limits
from handlers.metrics import Metrics
from storage.contract import Address, OutboxItem, StoreError, Update

PAGE = Path(__file__).parent / "chat_page"
COOKIE, YEAR = "yqt", 365 * 24 * 3600
HISTORY, STREAMS = 200, 12
"""Messages of a talk that the page shows, and open streams of a visitor: more than a browser opens to one host."""
LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")
Webhook = Callable[[bytes, str | None], Awaitable[int]]  # body and secret of another channel's call → HTTP status
_VISITOR = re.compile(r"[A-Za-z0-9_-]{22}")
_STATIC = {"/chat": PAGE, "/report_page": report.PAGE, "/personal_page": personal.PAGE}
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
    public: str | None = None,
    limits: Limits | None = None,
    operator: str | None = None,
) -> Starlette:
    """The web chat as an ASGI app. Whoever stops its server calls `app.state.close_streams` first: servers wait for open streams.

    `drawing`: what draws pictures; without it there are none. `allowed_hosts`: names under which it may be reached (a leading `*.`
    covers subdomains). `metrics`: figures for Prometheus; without it there are none. `public`: the address under which people reach the pages.
    `limits`: how much may be asked; without it there are none. `webhooks`: path → receiver of other channels' calls. `poll`: seconds between looks for what other processes
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
    programs, static = {"/healthz", "/readyz", "/metrics", *webhooks}, tuple(f"{path}/" for path in _STATIC)
    before = [Middleware(Guard, hosts=allowed_hosts, open_to_all=programs, public=public, static=static)]
    if limits:
        before.append(Middleware(Limited, limits=limits, visitor=visitor, free=programs, static=static))
    told = dict.fromkeys((HTTPException, BadMessageError, BusyError, TurnError, StoreError, ClientDisconnect), _tell)
    app = Starlette(routes=routes, middleware=before, exception_handlers=told)
    app.router.redirect_slashes = False
    app.state.close_streams = chat.close
    return app


class WebChat:
    """The page and its calls, over one `Turns`."""

    def __init__(self, turns: Turns, poll: float, ping: float) -> None:
        self._turns, self._poll, self._ping, self._closed = turns, poll, ping, False
        self._streams: dict[Address, dict[object, None]] = {}
        self._bells: weakref.WeakSet[asyncio.Event] = weakref.WeakSet()
        self._templates = Jinja2Templates(PAGE)

    def close(self) -> None:
        """End every open stream, and those that still come."""
        self._closed = True
        for bell in tuple(self._bells):
            bell.set()

    async def page(self, request: Request) -> Response:
        """The chat page; it gives a new visitor their cookie and keeps the old visitor's."""
        name, cookie = _cookie(request)
        mine = cookie if _VISITOR.fullmatch(cookie) else secrets.token_urlsafe(16)
        response = self._templates.TemplateResponse(request, "chat.html", {"starts": STARTS})
        response.set_cookie(name, mine, max_age=YEAR, httponly=True, samesite="lax", secure=name != COOKIE)
        return response

    async def say(self, request: Request) -> Response:
        """Take one message. Its answers come through the stream; the same id again does nothing."""
        address = _address(request)
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise HTTPException(415, "只接受 JSON。请用 Content-Type: application/json 发送。")
        update_id, message = read_message(await request.body())
        handled = await self._turns.handle(address, replace(message, at=self._turns.clock()), update_id)
        return JSONResponse({"ok": True, "duplicate": handled.duplicate})

    async def history(self, request: Request) -> Response:
        """What was said so far in both directions, and the event after which the stream goes on."""
        lines = await self._turns.store.transcript(_address(request), HISTORY)
        await self._arrived(lines)
        return JSONResponse({"messages": talk_so_far(lines), "last": _last(lines)})

    async def events(self, request: Request) -> Response:
        """Replies and notices as they come, from the event after `Last-Event-ID` (or `?after=`) on."""
        address = _address(request)
        if request.method == "HEAD":
            return Response(media_type="text/event-stream")
        after = request.headers.get("last-event-id") or request.query_params.get("after", "")
        stream = self._stream(address, int(after) if re.fullmatch(r"[0-9]{1,18}", after) else 0)
        return StreamingResponse(stream, headers={"X-Accel-Buffering": "no"}, media_type="text/event-stream")

    async def _stream(self, address: Address, after: int) -> AsyncIterator[str]:
        clock, store = asyncio.get_running_loop().time, self._turns.store
        lines = await store.transcript(address, HISTORY)
        if after > _last(lines):
            after = 0  # the page is older than the store: its ids mean nothing here
        await self._arrived([line for line in lines if line.id <= after])  # it was heard, and whoever sent it may have died before noting that
        yield "retry: 2000\n\n"
        spoke = clock()
        with self._one_of(address) as goes_on:
            while goes_on() and not self._closed:
                # No bell is held while a reader takes its time over a yield, so that one that stalls or goes costs nothing.
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

    @contextlib.contextmanager
    def _one_of(self, address: Address) -> Iterator[Callable[[], bool]]:
        """One of a visitor's streams, and whether it goes on: one too many ends the oldest, which is mostly one that nobody reads any more."""
        mine, this = self._streams.setdefault(address, {}), object()
        mine[this] = None
        if len(mine) > STREAMS:
            del mine[next(iter(mine))]
            self._turns.ring(address)
        try:
            yield lambda: this in mine
        finally:
            mine.pop(this, None)
            if not mine:
                self._streams.pop(address, None)

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
        try:
            await self._turns.store.request("-")
        except StoreError as error:
            log.error("现在不能接待：%s", error)
            raise HTTPException(503, "数据库暂时连不上。") from None
        return JSONResponse({"ok": True})


def _cookie(call: HTTPConnection) -> tuple[str, str]:
    """The name and the value of the visitor's cookie; over https the browser takes it from this very host only."""
    name = f"__Host-{COOKIE}" if call.url.scheme == "https" else COOKIE
    return name, call.cookies.get(name, "")


def visitor(call: HTTPConnection) -> str | None:
    """Who asks, by a name that is stored and logged and is no credential; None without a cookie of ours."""
    _, cookie = _cookie(call)
    return hashlib.sha256(cookie.encode()).hexdigest()[:32] if _VISITOR.fullmatch(cookie) else None


def _address(request: Request) -> Address:
    if (known_as := visitor(request)) is None:
        raise HTTPException(403, "没有认出您的浏览器。请刷新页面；如果还不行，请允许本站使用 cookie。")
    return Address("web", known_as, known_as)


def _called(webhook: Webhook) -> Callable[[Request], Awaitable[Response]]:
    seldom = Seldom()

    async def receive(request: Request) -> Response:
        status = await webhook(await request.body(), request.headers.get("x-telegram-bot-api-secret-token"))
        if status == 403:
            seldom.note("webhook without its secret")
        return Response(status_code=status)

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
            status, words, more = error.status_code, _WORDS.get(error.status_code, error.detail), dict(error.headers or {})
        case BadMessageError() | ClientDisconnect():
            status, words = 400, str(error)
        case BusyError():
            status, words, more = 503, "现在很忙，没有收下。过几秒再发一次，同一条不会重复。", {"Retry-After": "2"}
        case _:
            log.error("网页上的一句话没有存下：%s", error)
            status, words = 503, "刚才没有存下。请再发一次，同一条不会重复。"
    return answer(request.scope, status, words, more)


class Server(uvicorn.Server):
    """uvicorn, which waits for open streams: they are ended first, so that stopping takes no time."""

    @classmethod
    def of(cls, app: Starlette, proxies: Sequence[str] = ()) -> Server:
        """The server of an app, as quiet as it can be. `proxies`: whose word for a visitor's address and for https counts."""
        config = uvicorn.Config(
            app,
            http=Connection,
            ws="none",
            log_level="warning",
            server_header=False,
            proxy_headers=bool(proxies),
            forwarded_allow_ips=list(proxies),
            timeout_graceful_shutdown=3,
        )
        return cls(config)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take SIGTERM and SIGINT as the wish to stop. uvicorn would raise them again at its end, and the program die before it has closed its store."""
        with super().capture_signals():
            yield
            self._captured_signals.clear()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the chat pages' streams, then everything else."""
        self.config.app.state.close_streams()  # type: ignore[union-attr]
        await super().shutdown(sockets)
