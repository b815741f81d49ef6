"""A real Chromium on a real server with the real assistant."""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from playwright.async_api import Browser, Error, Locator, Page, Route, async_playwright

from dialogs.turns import Library, Turns
from knowledge.loader import load
from knowledge.snapshot import Knowledge
from storage.contract import Address
from storage.memory import MemoryStore
from tests.handlers.serving import serving

CHROMIUM = "/usr/bin/chromium"
WATCH = (
    "window.violations = []; document.addEventListener('securitypolicyviolation', e => violations.push(e.violatedDirective + ' ' + e.blockedURI));"
)


@dataclass
class Chat:
    """A founder's browser tab on the chat, and the desk's view of it."""

    page: Page
    turns: Turns
    url: str
    complaints: list[str] = field(default_factory=list)
    """What the browser's console had to say against the page."""

    @property
    def said(self) -> Locator:
        """All messages."""
        return self.page.locator(".said .words")

    async def open(self) -> None:
        """Go to the page (or load it again) and wait for the talk so far."""
        await self.page.goto(self.url)
        await self.page.locator("#welcome").wait_for()

    async def answered(self, own: int) -> list[str]:
        """Wait until the person has said `own` things and the last is answered; all messages so far."""
        await self.page.wait_for_function("n => document.querySelectorAll('.you').length === n && document.querySelector('.bot:last-child')", arg=own)
        await self.page.wait_for_timeout(150)  # a turn may have several replies
        return await self.said.all_text_contents()

    async def type(self, text: str) -> None:
        """Type and send."""
        await self.page.get_by_label("您的消息").fill(text)
        await self.page.keyboard.press("Enter")

    async def address(self) -> Address:
        """Whose talk this is in the store."""
        cookie = next(c["value"] for c in await self.page.context.cookies() if c["name"] == "yqt")
        visitor = hashlib.sha256(cookie.encode()).hexdigest()[:32]
        return Address("web", visitor, visitor)


@pytest.fixture(scope="session")
def knowledge() -> Knowledge:
    return load()


@pytest.fixture
def turns(knowledge: Knowledge) -> Turns:
    return Turns(MemoryStore(), Library(knowledge))


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    if not os.access(CHROMIUM, os.X_OK):
        reason = f"{CHROMIUM} is missing: apt-get install chromium"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest.fixture
async def chat(turns: Turns, browser: Browser) -> AsyncIterator[Chat]:
    """The chat opened on a phone of 360 pixels; at the end nothing may have been fetched from elsewhere or blocked by the policy."""
    async with serving(turns) as (_, address):
        context = await browser.new_context(viewport={"width": 360, "height": 640}, locale="zh-CN", timezone_id="Asia/Shanghai")
        context.set_default_timeout(10_000)
        await context.add_init_script(WATCH)
        chat = Chat(await context.new_page(), turns, address)

        async def fetched(route: Route) -> None:
            if not route.request.url.startswith((chat.url, "data:")):
                chat.complaints.append(f"fetched {route.request.url}")
            await route.continue_()

        await context.route("**/*", fetched)
        chat.page.on("pageerror", lambda error: chat.complaints.append(str(error)))
        await chat.open()
        yield chat
        try:
            chat.complaints += await chat.page.evaluate("violations")
        except Error as error:
            chat.complaints.append(str(error))
        await context.close()
        assert chat.complaints == []
