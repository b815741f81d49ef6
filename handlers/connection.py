"""One connection to the web server: what stands before a request's body must come in time and be small, or the connection ends.

uvicorn waits for ever for a head that never ends, and keeps all of it.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from handlers.guard import SAFE

HEAD_SECONDS, MAX_HEAD = 10.0, 16 * 1024
"""How long a head may take from the opening of the connection or its first byte, and how long it may be."""


class Connection(HttpToolsProtocol):
    """uvicorn's connection with limits for the head; what it refuses carries the safety headers."""

    _late: asyncio.TimerHandle | None = None
    _head: int | None = 0
    """Bytes of the head so far; None while there is none under way."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._begun()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came, unless the head grows beyond its limit."""
        super().data_received(data)
        if self._head is not None and not self.transport.is_closing():
            self._head += len(data)
            if self._head > MAX_HEAD:
                self._refuse(431, "Request Header Fields Too Large")
        elif self._head is None and self.cycle is not None and self.cycle.response_complete and not self.transport.is_closing():
            self._wait()  # something came after an answer that begins no request: uvicorn would wait for ever

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        if self._head is None:
            self._wait()

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._begun()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP, in the words of uvicorn."""
        self._refuse(400, msg)

    def _wait(self) -> None:
        self._head, self._late = 0, self.loop.call_later(HEAD_SECONDS, self._too_late)

    def _begun(self) -> None:
        self._head = None
        if self._late:
            self._late.cancel()
            self._late = None

    def _too_late(self) -> None:
        if not self.transport.is_closing():
            self._refuse(408, "Request Timeout")

    def _refuse(self, status: int, words: str) -> None:
        lines: dict[str, Any] = {"content-type": "text/plain; charset=utf-8", "content-length": len(words), "connection": "close", **SAFE}
        head = "".join(f"{name.lower()}: {value}\r\n" for name, value in lines.items())
        self.transport.write(f"HTTP/1.1 {status} {words}\r\n{head}\r\n{words}".encode())
        self.transport.close()
