"""Turns through the web chat's real HTTP app, guided and stored, beside a Starlette app that echoes JSON, on the same server; memory of open chats.

`python -m bench.web [seconds]`. Server and visitors have a process each. A visitor has a stream open for the answers, says the next thing once the
last was taken, and a message is taken once it is on the disk: that time is the latency.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from bench.measuring import SkippedError, percentile
from bench.tables import Table
from bench.turns import TALKS
from bot import opened
from dialogs.turns import Library, Turns

SECONDS = 5.0
VISITORS = (1, 16, 100)
"""How many talk at the same time."""
OPEN = 1_000
"""How many chats are open for the measurement of memory."""


def echo() -> Starlette:
    """The reference: JSON in, the same JSON out, and a stream that says nothing."""

    async def say(request: Request) -> Response:
        return JSONResponse(await request.json())

    async def silence() -> AsyncIterator[str]:
        yield "retry: 2000\n\n"
        await asyncio.Event().wait()

    async def events(request: Request) -> Response:
        return StreamingResponse(silence(), media_type="text/event-stream")

    app = Starlette(routes=[Route("/api/messages", say, methods=["POST"]), Route("/api/events", events)])
    app.state.close_streams = lambda: None
    return app


async def _serve(kind: str, place: Path, told: Connection) -> None:
    from handlers.web import Server, create_app
    from knowledge import claims, loader

    async with contextlib.AsyncExitStack() as stack:
        app = echo()
        if kind == "chat":
            library = Library(loader.load())
            claims.warm()
            app = create_app(Turns(await stack.enter_async_context(opened(place)), library))
        gc.freeze()
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(2048)
        told.send(listener.getsockname()[1])
        await Server.of(app).serve(sockets=[listener])


def _run(kind: str, place: Path, told: Connection) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(kind, place, told))


@dataclass(frozen=True, slots=True)
class Served:
    """A server in its process."""

    port: int
    process: int

    def busy(self) -> float:
        """Seconds of processor time so far."""
        spent = Path(f"/proc/{self.process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(spent[11]) + int(spent[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """MB that the process itself holds."""
        pages = int(Path(f"/proc/{self.process}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@contextmanager
def serving(kind: str) -> Iterator[Served]:
    """The echo, or the web chat on a store of its own."""
    if not Path("/proc/self/stat").exists():
        raise SkippedError("no /proc on this system")
    context = get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        ours, its = context.Pipe()
        process = context.Process(target=_run, args=(kind, Path(folder) / "bench.db", its))
        process.start()
        try:
            yield Served(ours.recv(), process.pid or 0)
        finally:
            process.terminate()
            process.join()


@dataclass(frozen=True, slots=True)
class Rate:
    """What the visitors got: times of their messages in seconds, how long they talked, and the server's processor time meanwhile."""

    times: tuple[float, ...]
    seconds: float
    busy: float

    @property
    def rate(self) -> float:
        """Messages a second."""
        return len(self.times) / self.seconds


def rate(server: Served, visitors: int, seconds: float, first: int = 0) -> Rate:
    """So many visitors who talk without a pause; each talk is a visitor's first."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_visits(server, visitors, seconds, first))


async def _visits(server: Served, visitors: int, seconds: float, first: int) -> Rate:
    times: list[float] = []
    await asyncio.gather(*(_visit(server.port, n + first, visitors, 1, [], 0.0) for n in range(min(visitors, len(TALKS)))))  # warm
    began, busy = time.perf_counter(), server.busy()
    jobs = (_visit(server.port, n + first + visitors, visitors, 10**6, times, began + seconds) for n in range(visitors))
    await asyncio.gather(*jobs)
    return Rate(tuple(times), time.perf_counter() - began, server.busy() - busy)


async def _visit(port: int, first: int, step: int, talks: int, times: list[float], until: float) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in count(first, step):
        if number >= first + step * talks:
            break
        stream = asyncio.create_task(_stream(port, number))
        for place, text in enumerate(TALKS[number % len(TALKS)]):
            if until and time.perf_counter() >= until:
                talks = 0
                break
            began = time.perf_counter()
            body = json.dumps({"id": f"message-{place}", "text": text}, ensure_ascii=False).encode()
            writer.write(_head("POST", "/api/messages", number, len(body)) + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = int(answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            said = await reader.readexactly(length)
            if b" 200 " not in answer[:20]:
                raise RuntimeError(f"{answer!r} {said!r}")
            times.append(time.perf_counter() - began)
        stream.cancel()
        if not talks:
            break
    writer.close()


async def _stream(port: int, visitor: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(_head("GET", "/api/events", visitor, 0))
        while await reader.read(65536):
            pass
    finally:
        writer.close()


def _head(method: str, path: str, visitor: int, length: int) -> bytes:
    lines = (
        f"{method} {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Content-Type: application/json",
        f"Cookie: yqt={visitor:022d}",
        f"Content-Length: {length}",
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def open_chats(server: Served, chats: int) -> tuple[float, float]:
    """MB of the server before and while so many visitors have said hello and listen."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_open(server, chats))


async def _open(server: Served, chats: int) -> tuple[float, float]:
    await asyncio.gather(*(_visit(server.port, 10**6 + n, 1, 1, [], 0.0) for n in range(len(TALKS))))
    before = server.memory()
    streams = []
    for number in range(chats):
        streams.append(asyncio.create_task(_stream(server.port, number)))
        if number % 50 == 49:
            await asyncio.sleep(0.05)
    hello = [asyncio.create_task(_hello(server.port, range(n, chats, 20))) for n in range(20)]
    await asyncio.gather(*hello)
    await asyncio.sleep(1)
    after = server.memory()
    for stream in streams:
        stream.cancel()
    return before, after


async def _hello(port: int, visitors: Sequence[int]) -> None:
    for visitor in visitors:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        body = json.dumps({"id": "message-0", "text": "你好"}).encode()
        writer.write(_head("POST", "/api/messages", visitor, len(body)) + body)
        await reader.readuntil(b"\r\n\r\n")
        writer.close()


def tables(seconds: float, visitors: Sequence[int] = VISITORS, chats: int = OPEN) -> tuple[Table, ...]:
    """Rate and latency by number of visitors, and memory; the echo beside each."""
    rows, held = [], []
    with serving("echo") as plain, serving("chat") as chat:
        for number, many in enumerate(visitors):
            reference = rate(plain, many, seconds, number * 10**9)
            found = rate(chat, many, seconds, number * 10**9)
            each = (found.busy / len(found.times), reference.busy / len(reference.times))
            rows.append(
                (
                    f"{many}",
                    f"{found.rate:.0f}",
                    f"{reference.rate:.0f}",
                    f"{found.rate / reference.rate:.2f}",
                    *(f"{percentile(r.times, share) * 1000:.1f}" for r in (found, reference) for share in (0.5, 0.99)),
                    *(f"{busy * 1000:.2f}" for busy in each),
                    f"{each[1] / each[0]:.2f}",
                )
            )
    for name in ("chat", "echo"):
        with serving(name) as server:
            before, after = open_chats(server, chats)
            held.append((name, f"{before:.0f}", f"{after:.0f}", f"{(after - before) * 1024 / chats:.0f}"))
    head = ("visitors", "turns/s", "echo/s", "share", "p50 ms", "p99 ms", "echo p50", "echo p99", "CPU ms", "echo CPU ms", "share of CPU")
    notes = (f"from the POST to the answer that it is stored; server, visitors and clock share {os.cpu_count()} cores",)
    return (
        Table("Turns a second through the web chat, beside a Starlette JSON echo", head, tuple(rows), notes),
        Table(f"Memory with {chats} open chats", ("app", "MB before", "MB with them", "kB a chat"), tuple(held)),
    )


def main(arguments: Sequence[str] = ()) -> None:
    """Print the tables."""
    try:
        for table in tables(float(arguments[0]) if arguments else SECONDS):
            print(table.text(), end="\n\n")
    except SkippedError as reason:
        print(f"skipped, {reason}")


if __name__ == "__main__":
    main(sys.argv[1:])
