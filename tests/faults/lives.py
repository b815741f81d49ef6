"""A program that lives again and again: started anew whenever it has died, and asked until it answers."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx2

import bot
from storage.contract import Store
from tests.faults.program import Point, Program
from tests.handlers.bot_api import TOKEN, BotApi
from tests.test_bot import free_port

FIGURES = "figures-for-who-knows"


class Lives:
    """A program that is started again whenever it has died; only its first life has a point at which it ends."""

    def __init__(
        self,
        folder: Path,
        place: str | Path,
        api: BotApi,
        point: Point | None = None,
        replaced: Mapping[str, Any] = MappingProxyType({}),
        env: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.port, self.kills, self.log = free_port(), 0, folder / "log"
        self._place, self._replaced = place, replaced
        store = {"DATABASE_URL": place} if isinstance(place, str) else {"STORE": str(place)}
        self._env = {"PORT": str(self.port), "STORE": str(folder / "local.db"), "TELEGRAM_TOKEN": TOKEN, "TELEGRAM_API": api.url}
        self._env |= {
            "TELEGRAM_RATE": "0",
            "LIMITS": "off",
            "TELEGRAM_LOCAL": "on",
            "METRICS_TOKEN": FIGURES,
            "NO_PROXY": "127.0.0.1",
            **store,
            **env,
        }
        self.http = httpx2.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=20, trust_env=False)
        self.program = self._start(point)

    def _start(self, point: Point | None = None) -> Program:
        return Program(self._env, self.log, point=point, replaced=self._replaced)

    async def __aenter__(self) -> Lives:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()
        self.program.kill()

    def tend(self) -> None:
        """Start it again where it has died."""
        if not self.program.alive:
            assert self.program.child.exitcode in (0, -signal.SIGKILL, -signal.SIGTERM), self.log.read_text(encoding="utf-8")[-3000:]
            self.kills += 1
            self.program = self._start()

    def again(self) -> None:
        """Kill it, whatever it is doing, and start it again."""
        self.program.kill()
        self.tend()

    async def call(self, method: str, path: str, **given: Any) -> httpx2.Response:
        """Ask until there is an answer that is none of a program about to end."""
        while True:
            with contextlib.suppress(httpx2.TransportError):
                answer = await self.http.request(method, path, **given)
                if answer.status_code != 503:
                    return answer
            self.tend()
            await asyncio.sleep(0.005)

    async def settled(self, done: Callable[[], bool] = lambda: True, seconds: float = 60) -> None:
        """Wait until nothing waits for delivery any more."""
        async with asyncio.timeout(seconds):
            while True:
                self.tend()
                if done():
                    figures = (await self.call("GET", "/metrics", headers={"Authorization": f"Bearer {FIGURES}"})).text
                    waiting = [line for line in figures.splitlines() if line.startswith("yuanqitong_outbox_waiting")]
                    if all(line.endswith(" 0.0") for line in waiting):
                        return
                await asyncio.sleep(0.02)

    @contextlib.asynccontextmanager
    async def store(self) -> AsyncIterator[Store]:
        """What it left behind, once it is gone."""
        self.program.kill()
        async with bot.opened(self._place) as store:
            yield store
