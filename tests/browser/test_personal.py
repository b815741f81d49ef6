"""The pages about personal data in a real browser: on a phone and wide, light and dark, and without any script."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from dialogs.messages import Message
from dialogs.turns import Turns
from storage.contract import Address
from tests.browser.conftest import WATCH, Chat

pytestmark = [pytest.mark.browser, pytest.mark.allow_hosts(["127.0.0.1"])]
THEM = Address("telegram", "7", "7")
PHONE = "13812345678"
SIZES = [(390, "light"), (390, "dark"), (1280, "light"), (1280, "dark")]
GROUNDS = {"light": "rgb(244, 246, 244)", "dark": "rgb(16, 20, 19)"}


async def form_link(turns: Turns) -> str:
    for text in ("转人工", "想了解娄城贷", "测试医疗公司"):
        handled = await turns.handle(THEM, Message(text, private="page"))
    return str(handled.result["replies"][-1]["link"])


@pytest.fixture(params=SIZES, ids=lambda p: f"{p[0]}-{p[1]}")
async def page(request: pytest.FixtureRequest, browser: Browser, chat: Chat) -> AsyncIterator[Page]:
    """A page of a browser that runs no script, at a width and on a ground."""
    width, scheme = request.param
    context = await browser.new_context(
        viewport={"width": width, "height": 844}, color_scheme=scheme, locale="zh-CN", java_script_enabled=False, base_url=chat.url
    )
    context.set_default_timeout(10_000)
    page = await context.new_page()
    yield page
    await fits(page, width, scheme)
    await context.close()


async def fits(page: Page, width: int, scheme: str) -> None:
    """Nothing stands out at the side, and the ground is that of the scheme; looked at from outside, since the page runs no script."""
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == GROUNDS[scheme]


async def test_the_form_works_without_a_script_and_says_what_is_wrong(chat: Chat, page: Page) -> None:
    await page.goto(await form_link(chat.turns))
    await expect(page.get_by_role("heading", name="填写联系方式")).to_be_visible()
    await page.get_by_label("怎么称呼您？").fill("李女士")
    await page.get_by_label("留个电话或邮箱？").fill("12345")
    await page.get_by_role("button", name="发送").click()
    await expect(page.get_by_role("alert")).to_contain_text("您填的都还在")
    await expect(page.get_by_label("怎么称呼您？")).to_have_value("李女士")
    await expect(page.get_by_label("留个电话或邮箱？")).to_have_value("12345")
    await expect(page.get_by_label("留个电话或邮箱？")).to_have_attribute("aria-invalid", "true")
    await page.get_by_role("link", name="没看出电话或邮箱").click()
    assert page.url.endswith("#contact.reach")
    await page.get_by_label("留个电话或邮箱？").fill(PHONE)
    await page.get_by_label("我看过个人信息处理说明").check()
    await page.get_by_role("button", name="发送").click()
    await expect(page.get_by_role("heading", name="收到了")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("heading", name="收到了")).to_be_visible()
    said = [item.body["text"] for item in await chat.turns.store.after(THEM, 0)]
    assert sum("收到了您填的联系方式" in text for text in said) == 1


async def test_the_notice_is_well_set(chat: Chat, page: Page) -> None:
    await page.goto("/privacy")
    await expect(page.get_by_role("heading", name="个人信息处理说明")).to_be_visible()
    chinese = await page.locator("section .pair p:not([lang])").first.bounding_box()
    english = await page.locator("section .pair p[lang=en]").first.bounding_box()
    assert chinese
    assert english
    wide = (page.viewport_size or {"width": 0})["width"] > 800
    assert (english["x"] > chinese["x"] + chinese["width"]) is wide, "beside each other where there is room"
    assert (english["y"] > chinese["y"]) is not wide


async def test_a_dead_link_says_so(chat: Chat, page: Page) -> None:
    await page.goto(f"/contact/{'x' * 32}")
    await expect(page.get_by_role("heading", name="这个链接打不开了")).to_be_visible()


async def test_the_chat_shows_the_notice_before_it_asks_and_leads_to_the_whole(chat: Chat) -> None:
    for number, text in enumerate(("转人工", "想了解娄城贷", "测试医疗公司"), 1):
        await chat.type(text)
        await chat.answered(number)
    link = chat.page.get_by_role("link", name="看完整说明")
    await expect(link).to_be_visible()
    async with chat.page.context.expect_page() as opened:
        await link.click()
    notice = await opened.value
    await expect(notice.get_by_role("heading", name="个人信息处理说明")).to_be_visible()
    assert await notice.evaluate("violations") == []
    await chat.page.get_by_role("button", name="同意", exact=True).click()
    await chat.answered(4)
    await expect(chat.said.last).to_contain_text("怎么称呼您")


async def test_a_person_looks_at_their_data_takes_them_along_and_erases_them(chat: Chat, tmp_path: Path) -> None:
    for number, text in enumerate(("转人工", "想了解娄城贷", "测试医疗公司", "同意", "<b>李女士</b>", PHONE, "确认", "我的数据"), 1):
        await chat.type(text)
        await chat.answered(number)
    await chat.page.get_by_role("button", name="导出我的数据").click()
    async with chat.page.context.expect_page() as opened:
        await chat.page.get_by_role("link", name="打开我的数据").click()
    page = await opened.value
    await page.add_init_script(WATCH)
    await expect(page.locator("dl")).to_contain_text(f"<b>李女士</b>，{PHONE}")
    await page.locator("summary").click()
    await expect(page.locator(".talk")).to_contain_text("想了解娄城贷")
    assert await page.evaluate("violations") == []
    assert await page.evaluate("document.documentElement.scrollWidth") == 360
    async with page.expect_download() as started:
        await page.get_by_role("link", name="下载全部").click()
    await (await started.value).save_as(tmp_path / "mine.json")
    held = json.loads((tmp_path / "mine.json").read_text(encoding="utf-8"))
    assert held["requests"][0]["body"]["dossier"]["contact"]["contact.reach"] == PHONE
    await chat.type("删除我的数据")
    await chat.page.get_by_role("button", name="确认删除").click()
    await expect(chat.said.last).to_contain_text("已经全部删除")
    await page.reload()
    await expect(page.get_by_role("heading", name="这个链接打不开了")).to_be_visible()
    await chat.open()
    await expect(chat.page.get_by_text("测试医疗公司")).to_have_count(0)
