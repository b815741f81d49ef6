"""What stands before every page: which hosts and sites may ask, how much and how slowly, and the safety headers of every answer.

It covers whatever routes there are, their errors too. `docs/security.md` says why each check is there.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY, MAX_CALL, MAX_URL = 64 * 1024, 1024 * 1024, 4096
"""Bytes: what a page may send, what another channel's webhook may, and the longest address."""
BODY_SECONDS = 20.0
"""How long a body may take to arrive."""
_NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_PAGE = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
"""A page loads what lies beside it and nothing else, has no script or style within, and never makes markup of text."""
SAFE: Mapping[str, str] = {
    "Content-Security-Policy": _NOTHING,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": ", ".join(
        f"{ability}=()"
        for ability in ["camera", "display-capture", "geolocation", "hid", "microphone", "midi", "payment", "serial", "usb", "xr-spatial-tracking"]
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""What every answer carries unless it says otherwise."""
_HEADERS = {name.lower().encode(): value.encode() for name, value in SAFE.items()}
_PAGE_HEADERS = _HEADERS | {b"content-security-policy": _PAGE.encode(), b"referrer-policy": b"same-origin"}
"""Without any referrer a browser would send a page's form as from nowhere (`Origin: null`); other sites learn nothing by either."""
_HTTPS_ONLY = b"max-age=31536000; includeSubDomains"
_TOO_LONG = "这段话太长了，没有发出去。请分成几次发，每次一两句话。"
_TOO_SLOW = "没有收全，没有记下。请再发一次，同一条不会重复。"
_FOREIGN = "这个请求来自别的网站，没有接受。请在园企通自己的页面里操作；经过代理时，代理要保留 Host。"
_BROKEN = "刚才出了错，已经记下来。请过一会儿再试。"
log = logging.getLogger(__name__)


class Guard:
    """Refuses what no visitor of ours would ask, and puts the safety headers on every answer, errors included.

    `hosts`: names under which we may be reached (a leading `*.` covers subdomains). `public`: the address under which people reach us;
    where it is https, its host is taken to be served over https. `open_to_all`: paths for programs, which know us by other names.
    """

    def __init__(self, app: ASGIApp, hosts: Sequence[str], open_to_all: Set[str], public: str | None = None, static: Sequence[str] = ()) -> None:
        url = urlsplit(public or "")
        self._app, self._open, self._static = app, open_to_all, tuple(static)
        self._hosts = tuple(h.lower() for h in (*hosts, *([url.hostname] if url.hostname else [])))
        self._secure = url.hostname if url.scheme == "https" else None
        self._seldom = Seldom()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers, started = Headers(scope=scope), False
        if self._secure and _host(headers) == self._secure:
            scope["scheme"] = "https"

        async def guarded(part: Message) -> None:
            nonlocal started
            if part["type"] == "http.response.start":
                started = True
                part = {**part, "headers": self._dress(scope, list(part.get("headers", ())))}
            await send(part)

        refusal = self._refusal(scope, headers)
        if not refusal and ("content-length" in headers or "transfer-encoding" in headers):
            receive = _bounded(receive, headers, MAX_CALL if scope["path"] in self._open else MAX_BODY)
        try:
            await (refusal or self._app)(scope, receive, guarded)
        except Exception:
            if started:
                raise  # the connection is cut: half an answer must not look like a whole one
            log.exception("一个页面没有给出来")
            await answer(scope, 500, _BROKEN)(scope, receive, guarded)

    def _dress(self, scope: Scope, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        kind = dict(headers).get(b"content-type", b"")
        safe = _PAGE_HEADERS if kind.startswith(b"text/html") else _HEADERS
        if scope["path"].startswith(self._static):
            safe = safe | {b"cache-control": b"no-cache"}
        if scope.get("scheme") == "https":
            safe = safe | {b"strict-transport-security": _HTTPS_ONLY}
        if kind.endswith(b"+xml"):
            headers = [(n, v + b"; charset=utf-8" if n == b"content-type" else v) for n, v in headers]
        said = {name for name, _ in headers}
        return [*headers, *(pair for pair in safe.items() if pair[0] not in said)]

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        path, host = scope["path"], _host(headers)
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > MAX_URL:
            return self._refuse(scope, "long address", 414, "网址太长了。请回到首页 /。")
        if path in self._open:
            return None
        if len(headers.getlist("host")) != 1 or not any(host == h or (h.startswith("*.") and host.endswith(h[1:])) for h in self._hosts):
            return self._refuse(scope, "foreign host", 400, f"这里不认识主机名“{host[:100]}”。请管理员把它加到网页聊天允许的主机名里。")
        if _foreign(scope["method"], headers):
            return self._refuse(scope, "foreign site", 403, _FOREIGN)
        return None

    def _refuse(self, scope: Scope, what: str, status: int, words: str) -> Response:
        """Refuse it, and say so in the log."""
        self._seldom.note(what)
        return answer(scope, status, words)


class Seldom:
    """Says in the log what was refused, once a minute for each kind: whoever asks a thousand times shall not fill the disk."""

    def __init__(self) -> None:
        self._told: dict[str, float] = {}
        self._since: Counter[str] = Counter()

    def note(self, what: str) -> None:
        """Something was refused."""
        now = time.monotonic()
        self._since[what] += 1
        if now - self._told.get(what, float("-inf")) >= 60:
            log.warning("refused: %s (%s times since it was last told)", what, self._since.pop(what))
            self._told[what] = now


def answer(scope: Scope, status: int, words: str, headers: Mapping[str, str] | None = None) -> Response:
    """An answer in words: as JSON to the page, as a line to whoever typed an address."""
    if scope["path"].startswith("/api/"):
        return JSONResponse({"error": words}, status, headers)
    return PlainTextResponse(words, status, headers)


def _host(headers: Headers) -> str:
    return re.sub(r":\d*$", "", headers.get("host", "").lower())


def _foreign(method: str, headers: Headers) -> bool:
    """Whether another site's page asks. Browsers say so themselves; a link that somebody follows is welcome from anywhere."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        followed = method in ("GET", "HEAD") and headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
        return site not in ("same-origin", "none") and not followed
    origin = headers.get("origin")  # browsers from before 2023 say only this
    return origin is not None and origin.lower().partition("://")[2] != headers.get("host", "").lower()


def _bounded(receive: Receive, headers: Headers, limit: int) -> Receive:
    """A body that ends in time and below its limit, or HTTPException."""
    size, whole, until = 0, False, asyncio.get_running_loop().time() + BODY_SECONDS
    declared = headers.get("content-length", "")

    async def part() -> Message:
        nonlocal size, whole
        if whole:
            return await receive()  # waits for the end of the connection
        if declared.isdecimal() and int(declared) > limit:
            raise HTTPException(413, _TOO_LONG)
        try:
            async with asyncio.timeout_at(until):
                message = await receive()
        except TimeoutError:
            raise HTTPException(408, _TOO_SLOW, {"Connection": "close"}) from None
        size += len(message.get("body", b""))
        whole = not message.get("more_body", False)
        if size > limit:
            raise HTTPException(413, _TOO_LONG)
        return message

    return part
