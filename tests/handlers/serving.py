"""The web chat on a real server at a loopback port, for tests over HTTP and in the browser."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from dialogs.turns import Turns
from handlers.drawing import Drawing
from handlers.web import Server, create_app


@asynccontextmanager
async def serving(turns: Turns, port: int = 0, proxies: Sequence[str] = (), **options: Any) -> AsyncIterator[tuple[Server, str]]:
    """The server, as the program runs it, and its address. `proxies`: whose word for a visitor's address counts."""
    app = create_app(turns, Drawing(turns.library) if turns.library else None, **options)
    server = Server.of(app, proxies)
    server.config.port = port
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
