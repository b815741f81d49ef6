"""What Telegram may not carry: contact details go over our own page, and what is typed in the chat all the same is kept nowhere."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from dialogs.delivery import Sender
from dialogs.turns import Library, Turns
from handlers.telegram import Telegram
from knowledge import loader
from knowledge.snapshot import Knowledge
from storage.contract import Address
from storage.sqlite import SqliteStore
from tests.handlers.bot_api import TOKEN, BotApi
from tests.handlers.serving import serving, until

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
PHONE = "13812345678"
PUBLIC = "https://yqt.example.cn"


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return loader.load()


@pytest.fixture
async def turns(knowledge: Knowledge, tmp_path: Path) -> AsyncIterator[Turns]:
    store = await SqliteStore.open(tmp_path / "store.db")
    yield Turns(store, Library(knowledge))
    await store.close()


class Person:
    """Somebody in a private chat with the bot."""

    def __init__(self, api: BotApi) -> None:
        self.api = api

    async def say(self, *texts: str) -> str:
        """Write something; what comes back."""
        for text in texts:
            before = len(self.api.sent)
            await self.api.say(7, text)
            await until(lambda before=before: len(self.api.sent) > before)  # type: ignore[misc]
            await asyncio.sleep(0.05)
        return str(self.api.sent[-1]["text"])

    def buttons(self) -> list[dict[str, str]]:
        """What stands under the last message."""
        return [b for row in self.api.sent[-1].get("reply_markup", {}).get("inline_keyboard", []) for b in row]


@asynccontextmanager
async def chatting(turns: Turns, *, public: str | None = PUBLIC, local: bool = False) -> AsyncIterator[Person]:
    async with BotApi() as api:
        channel = Telegram(turns, TOKEN, base_url=api.url, public=public, local=local, long_poll=2)
        jobs = [asyncio.create_task(channel.run_polling()), asyncio.create_task(Sender(turns, {"telegram": channel.deliver}, poll=0.05).run())]
        yield Person(api)
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
        await channel.close()


async def test_contact_details_go_over_our_page_and_are_confirmed_in_the_chat(turns: Turns, tmp_path: Path) -> None:
    async with chatting(turns) as person, serving(turns) as (_, url):
        asked = await person.say("转人工", "想了解娄城贷", "测试医疗公司")
        assert "请不要写在这个聊天里" in asked
        open_page, decline = person.buttons()
        assert open_page["text"] == "填写联系方式"
        assert open_page["url"].startswith(f"{PUBLIC}/contact/")
        assert decline["text"] == "只在这里联系我"
        path = open_page["url"].removeprefix(PUBLIC)
        async with httpx2.AsyncClient(base_url=url) as browser:
            version = (await browser.get(path)).text.partition('name="version" value="')[2].partition('"')[0]
            form = {"contact.name": "李女士", "contact.reach": PHONE, "agree": "yes", "version": version}
            assert (await browser.post(path, data=form)).status_code == 303
        await until(lambda: "收到了您填的联系方式：李**，138****5678。" in person.api.sent[-1]["text"])
        assert "已登记 YQ-" in await person.say("确认")
    request = (await turns.store.requests())[0]
    assert request.body["dossier"]["contact"] == {"contact.name": "李女士", "contact.reach": PHONE}
    assert request.body["dossier"]["notice"]["channel"] == "page"
    assert not [m for m in person.api.sent if PHONE in json.dumps(m)], "Telegram never saw it"


async def test_a_number_typed_in_the_chat_is_kept_nowhere(turns: Turns, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with chatting(turns) as person:
        assert "请不要在这里发手机号" in await person.say("转人工", "想了解娄城贷", f"测试医疗公司 {PHONE}")
        await person.say(f"电话{PHONE}", f"帮我登记，电话{PHONE}")
    held = await turns.store.personal(Address("telegram", "7", "7"))
    assert PHONE not in json.dumps(held)
    assert PHONE not in caplog.text
    assert not [f for f in tmp_path.iterdir() if PHONE.encode() in f.read_bytes()]


async def test_without_an_address_of_ours_the_chat_is_the_way_back(turns: Turns) -> None:
    async with chatting(turns, public=None) as person:
        assert "专员只在这里回复您" in await person.say("转人工", "想了解娄城贷", "测试医疗公司")
        assert "已登记 YQ-" in await person.say("确认")
    assert (await turns.store.requests())[0].body["dossier"]["contact"] == {}


async def test_servers_in_the_country_may_carry_contact_details(turns: Turns) -> None:
    async with chatting(turns, local=True) as person:
        assert "留联系方式之前，先说明四点" in await person.say("转人工", "想了解娄城贷", "测试医疗公司")
        assert [b["text"] for b in person.buttons()] == ["看完整说明", "同意", "不同意"]
        assert "怎么称呼您" in await person.say("同意")
        await person.say("李女士", PHONE, "确认")
    request = (await turns.store.requests())[0]
    assert request.body["dossier"]["contact"]["contact.reach"] == PHONE
    assert request.body["dossier"]["notice"]["channel"] == "telegram"
