"""The web chat on a real server at a loopback port, for tests over HTTP and in the browser."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import uvicorn

from dialogs.turns import Turns
from handlers.drawing import Drawing
from handlers.web import create_app


class Server(uvicorn.Server):
    """uvicorn as whoever runs the chat must run it: open streams end before it waits for them."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        cast(Any, self.config.app).state.close_streams()
        await super().shutdown(sockets)


@asynccontextmanager
async def serving(turns: Turns, port: int = 0, **options: Any) -> AsyncIterator[tuple[Server, str]]:
    """The server and its address."""
    app = create_app(turns, Drawing(turns.library) if turns.library else None, **options)
    server = Server(uvicorn.Config(app, port=port, log_level="critical", timeout_graceful_shutdown=3))
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    try:
        yield server, f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


async def until(true: Callable[[], bool | Awaitable[bool]]) -> None:
    """Wait until something has come true, five seconds at most."""
    for _ in range(500):
        answer = true()
        if answer if isinstance(answer, bool) else await answer:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come true within five seconds")
