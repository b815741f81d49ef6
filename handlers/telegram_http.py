"""The HTTP client of the Telegram channel: python-telegram-bot's requests over aiohttp, which takes a third of its own client's time.

It talks to one server and no other, follows no redirect, and heeds no proxy, cookie or `.netrc` of its surroundings.
"""

from __future__ import annotations

import ssl
from typing import TypeVar

import aiohttp
import certifi
from telegram._utils.defaultvalue import DefaultValue
from telegram._utils.types import ODVInput
from telegram.error import NetworkError, TimedOut
from telegram.request import BaseRequest, RequestData
from yarl import URL

_T = TypeVar("_T")
_FORM = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": BaseRequest.USER_AGENT}
_FILES = {"User-Agent": BaseRequest.USER_AGENT}


class UnansweredError(TimedOut):
    """The call was on its way and no answer came in time: it may have been carried out. Any other TimedOut: nothing was sent."""


class BotApiClient(BaseRequest):
    """Calls of the Bot API at one server, over at most so many connections, which are kept and used again.

    Seconds, unless a call brings its own: `read` to wait for an answer, `connect` for a new connection, `pool` for a free one, `write` more
    for an upload.
    """

    def __init__(self, base_url: str, connections: int, *, read: float = 5, connect: float = 5, pool: float = 1, write: float = 20) -> None:
        self._origin, self._connections = URL(base_url).origin(), connections
        self._read, self._connect, self._pool, self._write = read, connect, pool, write
        self._session: aiohttp.ClientSession | None = None

    @property
    def read_timeout(self) -> float | None:
        """Seconds to wait for an answer."""
        return self._read

    async def initialize(self) -> None:
        """Nothing: the first call opens what it needs, in the loop in which it runs."""

    async def shutdown(self) -> None:
        """Let go of all connections."""
        if self._session:
            session, self._session = self._session, None
            await session.close()

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: ODVInput[float] = BaseRequest.DEFAULT_NONE,
        write_timeout: ODVInput[float] = BaseRequest.DEFAULT_NONE,
        connect_timeout: ODVInput[float] = BaseRequest.DEFAULT_NONE,
        pool_timeout: ODVInput[float] = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        """Status and body of the answer. NetworkError where there is none: TimedOut where nothing was sent, UnansweredError where it was."""
        target = URL(url, encoded=True)
        if target.origin() != self._origin:
            raise NetworkError(f"refused: {target.origin()} is not the Bot API server of this bot, {self._origin}")
        read, connect, pool = _or(read_timeout, self._read), _or(connect_timeout, self._connect), _or(pool_timeout, self._pool)
        body: bytes | aiohttp.FormData | None = None
        headers = _FORM
        if request_data and request_data.contains_files:
            body, headers = _form(request_data), _FILES
            write = _or(write_timeout, self._write)
            read = None if read is None or write is None else read + write  # aiohttp has one clock for both
        elif request_data:
            body = request_data.url_encoded_parameters().encode()
        within = aiohttp.ClientTimeout(
            total=None, connect=None if connect is None or pool is None else connect + pool, sock_connect=connect, sock_read=read
        )
        try:
            async with self._opened().request(method, target, data=body, headers=headers, timeout=within, allow_redirects=False) as answer:
                return answer.status, await answer.read()
        except aiohttp.ConnectionTimeoutError as error:
            raise TimedOut("no connection in time, nothing was sent") from error
        except TimeoutError as error:
            raise UnansweredError("sent, and no answer in time") from error
        except aiohttp.ClientResponseError as error:  # what came is no HTTP; the error's own text shows the URL, and with it the token
            raise NetworkError(f"{type(error).__name__}: {error.message}") from None
        except (aiohttp.ClientError, OSError) as error:
            raise NetworkError(f"{type(error).__name__}: {error}") from error

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            trusted: ssl.SSLContext | bool = True
            if self._origin.scheme == "https":
                trusted = ssl.create_default_context(cafile=certifi.where())  # a slim system may have no certificates of its own
            connector = aiohttp.TCPConnector(limit=self._connections, ssl=trusted)
            self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)
        return self._session


def _or(given: ODVInput[_T], default: _T) -> _T | None:
    return default if isinstance(given, DefaultValue) else given


def _form(data: RequestData) -> aiohttp.FormData:
    form = aiohttp.FormData()
    for name, value in data.json_parameters.items():
        form.add_field(name, value)
    for name, (filename, content, kind) in data.multipart_data.items():
        form.add_field(name, content, filename=filename, content_type=kind)
    return form
