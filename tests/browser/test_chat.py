"""The chat page as a founder has it in hand: a phone, a real browser, the real assistant."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import pytest
from playwright.async_api import Route, expect

from dialogs import cases, pictures
from dialogs.messages import Reply
from dialogs.turns import LOCAL
from storage.contract import Commit, Committed, NewRequest, Notice
from tests.browser.conftest import Chat
from tests.handlers.serving import serving

pytestmark = [pytest.mark.browser, pytest.mark.allow_hosts(["127.0.0.1"])]
HOSTILE = '<img src=x onerror="window.taken = 1"><script>window.taken = 1</script> & <b>粗</b>'


async def filed(chat: Chat) -> str:
    """The number of a request that this founder has filed."""
    now, address = datetime.now(LOCAL), await chat.address()
    case = cases.Case("{request}", "question", cases.State.NEW, now, (cases.Event("filed", now, "company"),), {"matter": "集采"})
    done = await chat.turns.store.commit(Commit(address, now, created=(NewRequest(case.kind, case.state, cases.encode(case)),)))
    assert isinstance(done, Committed)
    return done.numbers[0]


async def test_a_founder_starts_answers_reloads_and_hears_from_the_team(chat: Chat) -> None:
    page = chat.page
    await page.get_by_role("button", name="补贴预审").click()
    said = await chat.answered(1)
    assert said[0] == "补贴预审"
    await page.locator(".bot:last-child").get_by_role("button", name="太仓", exact=True).click()
    said = await chat.answered(2)
    offered = page.locator(".bot:last-child .options button")
    label = (await offered.all_text_contents())[0]
    await chat.type(label)
    said = await chat.answered(3)
    assert [s for s in said if s in ("补贴预审", "太仓", label)] == ["补贴预审", "太仓", label]
    assert await page.locator("#typing").is_hidden()

    await chat.open()
    assert await chat.answered(3) == said, "a reload shows the same talk in the same order"

    number = await filed(chat)
    await chat.turns.advance(number, cases.Event("staff_reply", datetime.now(LOCAL), "team", "已经问过太仓的同事。\n窗口还没有发布。"))
    notice = page.locator(".said.team")
    await expect(notice).to_contain_text("服务团队")
    await expect(notice.locator(".words")).to_contain_text("已经问过太仓的同事。\n窗口还没有发布。")
    await expect(notice).to_be_in_viewport(ratio=1)
    await chat.open()
    assert (await chat.said.all_text_contents())[:-1] == said
    await expect(page.locator(".said.team")).to_contain_text(number)


async def test_words_are_only_words(chat: Chat) -> None:
    page, address = chat.page, await chat.address()
    await chat.type(HOSTILE)
    await chat.answered(1)
    reply = Reply(HOSTILE, by="team")
    body = reply.to_json() | {
        "options": [{"label": HOSTILE, "payload": "!status"}],
        "citations": [{"document": "x", "section": HOSTILE, "title": HOSTILE, "number": HOSTILE}],
    }
    await chat.turns.store.commit(Commit(address, datetime.now(LOCAL), notices=(Notice(address, body),)))
    for _ in range(2):
        await expect(page.locator(".team .words")).to_have_text(HOSTILE)
        await expect(page.locator(".you .words")).to_have_text(HOSTILE)
        await expect(page.locator(".team .options button")).to_have_text(HOSTILE)
        assert await page.locator("#talk :is(img, script, b)").count() == 0
        assert await page.evaluate("window.taken") is None
        await chat.open()


PAYLOADS = (
    HOSTILE,
    "</script><script>window.taken = 1</script>",
    "<svg/onload=window.taken=1>",
    "<iframe srcdoc='<script>parent.taken=1</script>'></iframe>",
    "<a href='javascript:window.taken=1'>点这里</a>",
    "javascript:window.taken=1",
    "<details open ontoggle=window.taken=1>",
    "<math><mtext></p><style><img src onerror=window.taken=1></style>",
    "<base href='https://evil.example/'>",
    "<meta http-equiv=refresh content='0;url=https://evil.example/'>",
    "<form action=https://evil.example/><button>",
    "<style>*{display:none}</style>",
    "{{ 7 * 7 }}{% raw %}${7*7}#{7*7}",
    "&lt;img src=x onerror=window.taken=1&gt;",
    "\u202e<b>倒</b>\u2028'\"`;--",
    "__proto__",
)


async def test_hostile_words_stay_words_wherever_they_are_shown(chat: Chat) -> None:
    """Said by the visitor, by the team, on buttons and in sources; live, and again after a reload. The page's policy forbids the rest."""
    page, address = chat.page, await chat.address()
    for number, words in enumerate(PAYLOADS, 1):
        await chat.type(words)
        await page.wait_for_function("n => document.querySelectorAll('.you').length === n", arg=number)
    for words in PAYLOADS:
        source = {"document": "x", "section": words, "title": words, "gloss": words, "number": words}
        body = Reply(words, by="team").to_json() | {"options": [{"label": words, "payload": "!status"}], "citations": [source]}
        await chat.turns.store.commit(Commit(address, datetime.now(LOCAL), notices=(Notice(address, body),)))
    await chat.open()
    await expect(page.locator(".said.team")).to_have_count(len(PAYLOADS))
    assert await page.locator(".you .words").all_text_contents() == list(PAYLOADS)
    assert await page.locator(".team .words").all_text_contents() == list(PAYLOADS)
    assert await page.locator(".team .options button").all_text_contents() == list(PAYLOADS)
    assert await page.locator("#talk :is(img, script, b, svg, iframe, math, style, base, meta, form, a)").count() == 0
    assert await page.evaluate("window.taken") is None
    assert page.url.startswith(chat.url)
    forbidden = "words => { try { document.getElementById('talk').innerHTML = words; return 'taken'; } catch (error) { return error.name; } }"
    assert await page.evaluate(forbidden, HOSTILE) == "TypeError", "even a mistake of ours could not make markup of text"
    assert await page.evaluate("violations.splice(0).length") == 1


async def test_a_visitor_who_is_too_fast_reads_why_and_sends_it_again(chat: Chat) -> None:
    words, refused = "您发得太快了，这一条没有收下。请过 1 秒再发，同一条不会重复。", []

    async def busy(route: Route) -> None:
        refused.append(route.request.post_data_json)
        await route.fulfill(status=429, headers={"Retry-After": "1"}, json={"error": words})

    await chat.page.route("**/api/messages", busy)
    await chat.type("太仓有什么补贴")
    failed = chat.page.locator(".you .failed")
    await expect(failed).to_contain_text(words)
    await chat.page.unroute("**/api/messages")
    async with chat.page.expect_request("**/api/messages") as sent:
        await failed.get_by_role("button", name="重发").click()
    assert (await sent.value).post_data_json == refused[0], "with the same id"
    await expect(failed).to_have_count(0)
    await chat.answered(1)


async def test_sources_are_folded(chat: Chat) -> None:
    page, address = chat.page, await chat.address()
    sources = [{"document": "d", "section": s, "title": "三年行动计划", "number": "苏委办发〔2021〕14号"} for s in ("四、1", "三(一)", "四、1")]
    body = Reply("第一行\n第二行").to_json() | {"citations": sources}
    await chat.turns.store.commit(Commit(address, datetime.now(LOCAL), notices=(Notice(address, body),)))
    line = page.get_by_text("三年行动计划（苏委办发〔2021〕14号） 四、1；三(一)", exact=True)
    await expect(page.locator(".bot .words")).to_have_text("第一行\n第二行")
    await expect(line).to_be_hidden()
    await page.get_by_text("依据").click()
    await expect(line).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_picture_is_seen_on_a_phone_and_opens_in_full(chat: Chat, scheme: Literal["light", "dark"]) -> None:
    page, address, spec = chat.page, await chat.address(), pictures.layout("zh", "xuzhou", ["xz-park-donghu"])
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.emulate_media(color_scheme=scheme)
    notice = Notice(address, Reply("徐州的布局", picture=spec).to_json())
    await chat.turns.store.commit(Commit(address, datetime.now(LOCAL), notices=(notice,)))
    image = page.get_by_alt_text("图，内容见文字")
    await image.evaluate("i => i.decode()")
    assert await image.evaluate("i => i.naturalWidth") > 0
    box, natural = await image.bounding_box(), await image.evaluate("i => i.naturalHeight / i.naturalWidth")
    assert box and 280 < box["width"] <= 390 and abs(box["height"] / box["width"] - natural) < 0.02
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    async with page.context.expect_page() as opening:
        await image.click(position={"x": 20, "y": 20})
    full = await opening.value
    await full.wait_for_load_state()
    await full.emulate_media(color_scheme=scheme)
    assert full.url.endswith(f"/picture/{spec}.svg")
    ground = await full.evaluate("getComputedStyle(document.querySelector('.card')).fill")
    assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(26, 32, 31)"}[scheme], "the policy lets its own style work"


async def test_enter_sends_but_not_while_composing_and_shift_enter_breaks_the_line(chat: Chat) -> None:
    page, box = chat.page, chat.page.get_by_label("您的消息")
    await box.fill("ni hao")
    await box.dispatch_event("keydown", {"key": "Enter", "isComposing": True})
    await box.evaluate("box => box.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', keyCode: 229}))")
    await expect(box).to_have_value("ni hao")
    await box.fill("你好")
    low = await box.evaluate("box => box.offsetHeight")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("在吗")
    assert await box.evaluate("box => box.offsetHeight") > low
    await page.keyboard.press("Enter")
    assert (await chat.answered(1))[0] == "你好\n在吗"
    await expect(box).to_have_value("")
    await page.keyboard.press("Enter")
    assert await page.locator(".you").count() == 1, "nothing is not sent"


async def test_an_old_button_is_quieter_but_is_answered_and_a_double_tap_counts_once(chat: Chat) -> None:
    page = chat.page
    await page.get_by_role("button", name="补贴预审").dblclick()
    await chat.answered(1)
    old = page.locator(".bot .options button", has_text="太仓").first
    height = await old.evaluate("button => button.offsetHeight")
    assert height >= 44
    await old.click()
    await chat.answered(2)
    await page.wait_for_function("h => document.querySelector('.bot .options button').offsetHeight < h", arg=height)
    await old.click()
    await chat.answered(3)


async def test_what_did_not_go_out_is_marked_and_goes_out_once(chat: Chat) -> None:
    page = chat.page

    async def answer_lost(route: Route) -> None:
        await route.fetch()  # the server has it, but the page never hears so
        await route.abort()

    await page.route("**/api/messages", answer_lost, times=1)
    await chat.type("你好")
    resend = page.get_by_role("button", name="重发")
    await expect(page.locator(".failed")).to_contain_text("没有发出去")
    await resend.click()
    await expect(resend).to_be_hidden()
    await page.context.set_offline(True)
    await chat.type("太仓有什么补贴")
    await chat.type("昆山呢")
    await expect(resend).to_have_count(2)
    await page.context.set_offline(False)
    await expect(resend).to_have_count(0)  # goes out by itself once the connection is back
    await page.locator("#typing").wait_for(state="hidden")
    await chat.open()
    assert await page.locator(".you .words").all_text_contents() == ["你好", "太仓有什么补贴", "昆山呢"]


async def test_what_was_not_sent_before_a_reload_is_sent_after_it(chat: Chat) -> None:
    await chat.page.route("**/api/messages", lambda route: route.abort())
    await chat.type("你好")
    await expect(chat.page.locator(".failed")).to_be_visible()
    await chat.page.unroute("**/api/messages")
    await chat.open()
    assert (await chat.answered(1))[0] == "你好"
    assert await chat.page.locator(".failed").count() == 0


async def test_the_server_may_go_away_and_come_back(chat: Chat) -> None:
    page, line = chat.page, chat.page.locator("#line")
    async with serving(chat.turns) as (_, chat.url):
        await chat.open()
        await chat.type("你好")
        said = await chat.answered(1)
    await expect(line).to_have_text("连接断了，正在重连…")
    await chat.type("太仓有什么补贴")
    await expect(page.get_by_role("button", name="重发")).to_be_visible()
    async with serving(chat.turns, int(chat.url.rpartition(":")[2])):
        await expect(line).to_be_hidden(timeout=10_000)
        assert (await chat.answered(2))[: len(said) + 1] == [*said, "太仓有什么补贴"]


async def test_nothing_sticks_out_on_a_small_phone(chat: Chat) -> None:
    page = chat.page
    for number, text in enumerate(["集采中标有补贴吗", "选园区", "太仓", "https://example.com/" + "a" * 120], 1):
        await chat.type(text)
        await chat.answered(number)
        for details in await page.locator("summary").all():
            await details.click()
        assert await page.evaluate("document.documentElement.scrollWidth") == 360
        assert await page.evaluate("room.scrollWidth <= room.clientWidth")
    assert await page.locator("#talk").get_attribute("aria-live") == "polite"
