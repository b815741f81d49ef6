"""The report of a pre-check as a founder reads and prints it: from the chat on a phone to the PDF, in a real browser."""

from __future__ import annotations

import io
import unicodedata
from datetime import datetime

import pytest
from playwright.async_api import Page, expect
from pypdf import PdfReader

from dialogs.turns import LOCAL, Library, Turns
from knowledge.snapshot import Knowledge
from storage.memory import MemoryStore
from tests.browser.conftest import WATCH, Chat

pytestmark = [pytest.mark.browser, pytest.mark.allow_hosts(["127.0.0.1"])]
JUNE = datetime(2021, 6, 1, 12, tzinfo=LOCAL)
SAID = ("补贴预审", "苏州高新区", "都没有", "注册证", "1", "三类")


RADICALS = str.maketrans("⻔⻰⻓⻋⻢⻛⻅⻚⻝⻘⺠⻥⻦⻬⻜⻄⻩⻉⻆⻨戶", "门龙长车马风见页食青民鱼鸟齐飞西黄贝角麦户")
"""A PDF names some characters by their radical, which is drawn alike."""


def letters(text: str) -> str:
    """A text as it is read, without spaces and line ends."""
    return "".join(unicodedata.normalize("NFKC", text).translate(RADICALS).split())


@pytest.fixture
def turns(knowledge: Knowledge) -> Turns:
    """On a day on which the papers of 苏州高新区 hold."""
    return Turns(MemoryStore(), Library(knowledge), clock=lambda: JUNE)


async def report(chat: Chat) -> Page:
    """The report that a pre-check in the chat leads to, opened as a person opens it."""
    for number, text in enumerate(SAID, 1):
        await chat.type(text)
        await chat.answered(number)
    if await chat.page.locator(".bot a").count() == 0:
        await chat.page.get_by_role("button", name="先看结果").last.click()
    link = chat.page.get_by_role("link", name="打开完整报告（可打印）")
    await expect(link).to_be_visible()
    await expect(link).to_have_attribute("rel", "noopener")
    async with chat.page.context.expect_page() as opened:
        await link.click()
    page = await opened.value
    await page.wait_for_load_state()
    return page


async def test_a_finished_pre_check_leads_to_its_report(chat: Chat) -> None:
    page = await report(chat)
    await expect(page.get_by_role("heading", name="苏州高新区补贴预审报告")).to_be_visible()
    article = page.locator("article", has_text="第三类医疗器械注册证书资助")
    await expect(article).to_contain_text("最高300万元")
    await expect(article.locator("tr", has_text="第三类医疗器械产品")).to_contain_text("✓ 符合")
    await expect(article).to_contain_text("《苏州高新区医疗器械及生物医药产业发展三年行动计划（2020-2022年）》")
    await expect(article).to_contain_text("三(二)5第一")
    await expect(page.locator(".lead")).to_contain_text("可能符合")
    assert await page.evaluate("violations") == []
    assert await page.evaluate("document.documentElement.scrollWidth") == 360
    other = page.locator(".failed .folded")
    await expect(other).to_be_hidden()
    await page.locator(".failed summary").click()
    await expect(other).to_be_visible()
    await expect(other).to_contain_text("第二类医疗器械资助")
    assert await page.evaluate("document.documentElement.scrollWidth") == 360
    await chat.open()
    await expect(chat.page.get_by_role("link", name="打开完整报告（可打印）")).to_be_visible()


async def test_the_printed_report_is_whole(chat: Chat, knowledge: Knowledge) -> None:
    page = await report(chat)
    sheets = [letters(sheet.extract_text()) for sheet in PdfReader(io.BytesIO(await page.pdf(prefer_css_page_size=True))).pages]
    text = "".join(sheets)
    missing = [s.name for s in knowledge.supports_in("snd") if letters(s.name) not in text]
    assert missing == [], "what is folded on the screen is printed too"
    assert text.count("以兑现审核为准") == 1
    for sheet in sheets:
        assert "苏州高新区补贴预审报告" in sheet, "each page says what it is of"
        assert knowledge.version in sheet
    assert "失效" not in text, "a paper has no link"


LINES = """lines => [...document.querySelectorAll(lines)].map(li => {
    const style = getComputedStyle(li), padding = parseFloat(style.paddingTop) + parseFloat(style.paddingBottom)
    return Math.round((li.clientHeight - padding) / parseFloat(style.lineHeight))
})"""
"""How many lines each element of a selector takes."""


async def test_what_does_not_fit_takes_a_line_or_two_on_paper_and_all_its_conditions_on_the_screen(chat: Chat) -> None:
    page = await report(chat)
    rows = page.locator(".failed .folded li")
    await page.locator(".failed summary").click()
    conditions = await rows.locator(".conditions > span").count()
    assert await rows.locator(".conditions > span:visible").count() == conditions
    await page.locator(".failed summary").click()
    await page.emulate_media(media="print")
    await page.set_viewport_size({"width": 673, "height": 1000})  # A4 within its margins
    lines = await page.evaluate(LINES, ".folded li")
    assert len(lines) > 60
    assert set(lines) <= {1, 2}
    fails = rows.locator(".conditions > span.not_met")
    assert await rows.locator(".conditions > span:visible").count() == await fails.count() >= await rows.count()
    second = await rows.filter(has_text="第二类医疗器械资助").inner_text()
    assert all(word in second for word in ("最高50万元", "✗", "第二类医疗器械", "改不了", "[1]")), second
    assert "由经办部门认定" not in second
    pages = PdfReader(io.BytesIO(await page.pdf(prefer_css_page_size=True))).pages
    assert len(pages) <= 9, "a report of eighty rows of which few may fit"


async def test_the_report_is_legible_in_the_dark_and_large(chat: Chat) -> None:
    page = await report(chat)
    await page.emulate_media(color_scheme="dark")
    ink, ground = await page.evaluate("[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]")
    assert ink == "rgb(228, 234, 232)"
    assert ground == "rgb(16, 20, 19)"
    await page.evaluate("document.documentElement.style.fontSize = '32px'")
    assert await page.evaluate("document.documentElement.scrollWidth") == 360


async def test_an_unknown_link_says_so_and_leads_back(chat: Chat) -> None:
    page = await chat.page.context.new_page()
    await page.add_init_script(WATCH)
    await page.goto(f"{chat.url}/report/{'x' * 32}")
    await expect(page.get_by_role("heading", name="这个链接打不开了")).to_be_visible()
    await page.get_by_role("link", name="回到对话").click()
    await expect(page.locator("#welcome")).to_be_visible()
