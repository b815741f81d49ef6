"""The pages about personal data over real HTTP: the notice, the form behind its link, and what is kept of a person."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import urlencode

import pytest
from starlette.testclient import TestClient

from dialogs.consent import PAGE_HOURS, notice
from dialogs.messages import Message
from dialogs.turns import LOCAL, Library, Turns
from handlers.personal import MAX_FORM
from handlers.web import create_app
from knowledge import loader
from knowledge.snapshot import Knowledge
from storage.contract import Address, StoreError
from storage.memory import MemoryStore

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
HERE = "http://127.0.0.1:8000"
THEM = Address("telegram", "7", "7")
NOON = datetime(2026, 11, 25, 12, tzinfo=LOCAL)
PHONE = "13812345678"
EVIL = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return loader.load()


class Clock:
    """A clock that can be put forward."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def turns(knowledge: Knowledge, clock: Clock) -> Turns:
    return Turns(MemoryStore(), Library(knowledge), clock=clock)


@pytest.fixture
def client(turns: Turns) -> Iterator[TestClient]:
    with TestClient(create_app(turns, operator="某某园区服务中心（0512-00000000）"), base_url=HERE, follow_redirects=False) as client:
        yield client


def fields(**more: str) -> dict[str, str]:
    return {"contact.name": "李女士", "contact.reach": PHONE, "agree": "yes", "version": notice().version} | more


async def said(turns: Turns, *words: str, private: str = "page", address: Address = THEM) -> dict[str, str]:
    """What was said last, after these words: its link and its text."""
    for text in words:
        message = Message(option=text, private=private) if text.startswith("!") else Message(text, private=private)  # type: ignore[arg-type]
        handled = await turns.handle(address, message)
    links = [r["link"] for r in handled.result["replies"] if r["link"]]
    return {"link": links[-1] if links else "", "text": "\n".join(r["text"] for r in handled.result["replies"])}


async def link(turns: Turns) -> str:
    """The link to the form that a request on a messenger leads to."""
    return (await said(turns, "转人工", "想了解娄城贷", "测试医疗公司"))["link"]


async def told(turns: Turns) -> str:
    """Everything that was sent to the person."""
    return "\n".join(item.body["text"] for item in await turns.store.after(THEM, 0))


# -- the notice ------------------------------------------------------------------------------------------------------------------------


def test_the_notice_is_whole_in_both_languages_with_its_version_and_the_operator(client: TestClient) -> None:
    page = html.unescape(client.get("/privacy").text)
    assert f"{notice().version} 版" in page
    for section in notice().sections:
        for words in (section.title, *section.lines):
            assert all(w.replace("{operator}", "") in page for w in words.values())
    assert "由某某园区服务中心（0512-00000000）处理。" in page
    assert "{operator}" not in page


def test_an_operator_that_is_not_set_is_not_invented(turns: Turns) -> None:
    with TestClient(create_app(turns), base_url=HERE) as client:
        assert "运营单位还没有在这里写明" in client.get("/privacy").text


# -- the form --------------------------------------------------------------------------------------------------------------------------


async def test_the_form_brings_the_contact_into_the_chat_where_it_is_confirmed(client: TestClient, turns: Turns) -> None:
    path = await link(turns)
    page = client.get(path)
    assert page.status_code == 200
    assert "收什么" in page.text
    assert "某某园区服务中心" in page.text
    assert page.headers["x-robots-tag"] == "noindex, nofollow"
    assert "no-store" in page.headers["cache-control"]
    assert page.headers["referrer-policy"] == "same-origin", "else a browser says that the form comes from nowhere"
    sent = client.post(path, data=fields())
    assert (sent.status_code, sent.headers["location"]) == (303, path)
    assert "收到了" in client.get(path).text
    assert "收到了您填的联系方式：李**，138****5678。" in await told(turns)
    done = await said(turns, "确认")
    assert "已登记 YQ-" in done["text"]
    request = (await turns.store.requests())[0]
    dossier = request.body["dossier"]
    assert dossier["contact"] == {"contact.name": "李女士", "contact.reach": PHONE}
    assert dossier["notice"] == {"version": notice().version, "language": "zh", "channel": "page"}
    assert dossier["consent"] == NOON.isoformat()
    assert PHONE not in json.dumps({k: v for k, v in (await turns.store.personal(THEM)).items() if k != "requests"})


async def test_a_form_sent_twice_counts_once(client: TestClient, turns: Turns) -> None:
    path = await link(turns)
    client.post(path, data=fields())
    again = client.post(path, data=fields(**{"contact.reach": "13900001111"}))
    assert "这个链接已经用过" in again.text
    await said(turns, "确认")
    assert (await turns.store.requests())[0].body["dossier"]["contact"]["contact.reach"] == PHONE
    assert (await told(turns)).count("收到了您填的联系方式") == 1


@pytest.mark.parametrize("after", ["expired", "cancelled", "filed", "declined"])
async def test_a_link_whose_time_is_over_opens_nothing_and_takes_nothing(client: TestClient, turns: Turns, clock: Clock, after: str) -> None:
    path = await link(turns)
    if after == "expired":
        clock.now = NOON + timedelta(hours=PAGE_HOURS)
    else:
        await said(turns, *{"cancelled": ("取消",), "filed": ("只在这里联系我", "确认"), "declined": ("只在这里联系我",)}[after])
    for answer in (client.get(path), client.post(path, data=fields())):
        assert answer.status_code == 404
        assert "这个链接打不开了" in answer.text
    assert "收到了您填的" not in await told(turns)


@pytest.mark.parametrize("key", ["x" * 32, "../etc/passwd", "x", "%00" * 10, "a" * 500])
def test_a_wrong_key_looks_like_an_old_one(client: TestClient, key: str) -> None:
    for answer in (client.get(f"/contact/{key}"), client.post(f"/contact/{key}", data=fields()), client.get(f"/data/{key}")):
        assert answer.status_code == 404
        assert PHONE not in answer.text


async def test_a_link_to_data_opens_no_form_and_the_other_way_round(client: TestClient, turns: Turns) -> None:
    form, data = (await link(turns)).rpartition("/")[2], (await said(turns, "!export"))["link"].rpartition("/")[2]
    assert client.get(f"/contact/{data}").status_code == client.get(f"/data/{form}").status_code == client.get(f"/report/{form}").status_code == 404


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"contact.name": ""}, "怎么称呼您？"),
        ({"contact.name": PHONE}, "称呼"),
        ({"contact.reach": "12345"}, "没看出电话或邮箱"),
        ({"contact.reach": ""}, "没看出电话或邮箱"),
        ({"agree": ""}, "同意之后才能发送"),
        ({"version": "2020-01"}, "个人信息说明有更新"),
    ],
)
async def test_what_is_wrong_is_said_and_nothing_typed_is_lost(client: TestClient, turns: Turns, wrong: dict[str, str], words: str) -> None:
    path, given = await link(turns), fields(**wrong)
    answer = client.post(path, data=given)
    page = html.unescape(answer.text)
    assert answer.status_code == 422
    assert words in page
    assert 'aria-invalid="true"' in page
    assert all(f'name="{key}" value="{given[key]}"' in page for key in ("contact.name", "contact.reach"))
    assert ("checked" in page) is ("agree" not in wrong and "version" not in wrong)
    assert "收到了您填的" not in await told(turns)
    assert client.post(path, data=fields()).status_code == 303, "the link is not used up by a mistake"


async def test_what_is_typed_is_shown_as_text_and_never_as_markup(client: TestClient, turns: Turns) -> None:
    path = await link(turns)
    answer = client.post(path, data=fields(**{"contact.name": EVIL, "contact.reach": EVIL, "version": EVIL}))
    assert answer.status_code == 422
    assert "<script>alert" not in answer.text
    assert "<img" not in answer.text
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert client.post(path, data=fields(**{"contact.name": EVIL})).status_code == 303
    await said(turns, "确认")
    shown = client.get((await said(turns, "!export"))["link"]).text
    assert "<script>alert" not in shown
    assert html.escape(EVIL, quote=True).replace("&quot;", "&#34;").replace("&#x27;", "&#39;") in shown


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:9999"])
async def test_another_site_can_send_nothing(client: TestClient, turns: Turns, origin: str) -> None:
    path = await link(turns)
    assert client.post(path, data=fields(), headers={"Origin": origin}).status_code == 403
    assert client.post(path, data=fields(), headers={"Origin": HERE}).status_code == 303


async def test_a_form_that_is_too_long_or_garbled_is_refused(client: TestClient, turns: Turns) -> None:
    path, form = await link(turns), {"Content-Type": "application/x-www-form-urlencoded"}
    assert client.post(path, content=b"x" * (MAX_FORM + 1), headers=form).status_code == 413
    for body in (b"\xff\xfe=%ff", b"&&&==", b"contact.name=%00%00", urlencode([(f"f{i}", "x") for i in range(50)]).encode()):
        assert client.post(path, content=body, headers=form).status_code in (400, 422)
    assert client.post(path, data=fields()).status_code == 303


async def test_a_store_that_fails_loses_nothing_typed(client: TestClient, turns: Turns, monkeypatch: pytest.MonkeyPatch) -> None:
    path = await link(turns)

    async def broken(*args: object, **more: object) -> None:
        raise StoreError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(turns.store, "commit", broken)
        answer = client.post(path, data=fields())
    assert answer.status_code == 503
    assert f'value="{PHONE}"' in answer.text
    assert "请再点一次" in answer.text
    assert client.post(path, data=fields()).status_code == 303


async def test_the_form_speaks_the_language_of_the_talk(client: TestClient, turns: Turns) -> None:
    path = (await said(turns, "human", "I want to know about the Loucheng loan", "Acme Bio"))["link"]
    page = client.get(path).text
    assert '<html lang="en">' in page
    assert "Your contact details" in page
    assert not re.search("[一-鿿]", re.sub(r"某某.*?）", "", page))


# -- what is kept ----------------------------------------------------------------------------------------------------------------------


async def test_a_person_gets_everything_that_is_kept_of_them(client: TestClient, turns: Turns) -> None:
    await said(turns, "转人工", "想了解娄城贷", "测试医疗公司", "同意", "李女士", PHONE, "确认", private="here")
    path = (await said(turns, "!export", private="here"))["link"]
    page = html.unescape(client.get(path).text)
    for words in ("想了解娄城贷", "测试医疗公司", "李女士", PHONE, "YQ-261125-0001", f"同意个人信息说明 {notice().version} 版"):
        assert words in page
    file = client.get(f"{path}/download")
    assert "attachment" in file.headers["content-disposition"]
    assert file.json() == await turns.store.personal(THEM)
    assert {"conversation", "messages", "requests", "reports"} <= file.json().keys()


async def test_the_data_are_shown_for_a_day(client: TestClient, turns: Turns, clock: Clock) -> None:
    path = (await said(turns, "你好", "!export"))["link"]
    assert client.get(path).status_code == 200
    clock.now = NOON + timedelta(hours=PAGE_HOURS)
    assert client.get(path).status_code == client.get(f"{path}/download").status_code == 404


async def test_after_erasure_no_link_opens_anything(client: TestClient, turns: Turns) -> None:
    form, data = await link(turns), (await said(turns, "!export"))["link"]
    await said(turns, "!erase", "确认删除")
    for path in (form, data, f"{data}/download"):
        assert client.get(path).status_code == 404


async def test_changed_answers_lead_to_a_new_link_and_the_last_one_counts(client: TestClient, turns: Turns) -> None:
    first = await link(turns)
    client.post(first, data=fields())
    offered = (await turns.store.load(THEM)).conversation.body["offered"]
    await said(turns, next(payload for _, payload in offered if payload.startswith("!edit:")))
    offered = (await turns.store.load(THEM)).conversation.body["offered"]
    assert not [payload for _, payload in offered if payload.endswith(("contact.name", "contact.reach"))], "they are changed on the page"
    second = (await said(turns, next(payload for _, payload in offered if payload.endswith("contact.consent"))))["link"]
    assert second != first
    assert "这个链接已经用过" in client.get(first).text
    assert client.post(second, data=fields(**{"contact.reach": "wang@corp.cn"})).status_code == 303
    await said(turns, "确认")
    assert (await turns.store.requests())[0].body["dossier"]["contact"]["contact.reach"] == "wang@corp.cn"


async def test_a_form_that_was_left_for_another_dialog_takes_what_was_filled_in(client: TestClient, turns: Turns) -> None:
    path = await link(turns)
    await said(turns, "!start:park_selection")
    assert client.post(path, data=fields()).status_code == 303
    assert "请核对，确认后登记" in await told(turns)
    assert "已登记" in (await said(turns, "确认"))["text"]
