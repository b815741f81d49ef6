"""A person's own data: seen, exported, consent taken back, erased; by words and by buttons, and never by accident."""

from __future__ import annotations

import argparse
import itertools
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dialogs import cases, consent
from dialogs.conversation import State
from dialogs.messages import Message
from dialogs.personal import DATA
from dialogs.talk import ChangeContact, Erase, KeepPage, Unconsent
from dialogs.turns import Library, Turns
from handlers import staff
from knowledge.snapshot import Knowledge
from storage.contract import Address, Commit, Store
from storage.memory import MemoryStore
from storage.sqlite import SqliteStore
from tests.dialogs.talking import NOW, Talking

PHONE = "13812345678"
HERE = Address("web", "u1", "u1")
FILED = ("转人工", "想了解娄城贷", "测试医疗公司", "同意", "李女士", PHONE, "确认")


@pytest.fixture
def talk(knowledge: Knowledge) -> Talking:
    return Talking(knowledge)


def filed(talk: Talking) -> Talking:
    for text in FILED:
        talk.say(text)
    assert talk.filed
    return talk


def labels(talk: Talking) -> list[str]:
    return [o.label for o in talk.options]


# -- words and buttons -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["我的数据", "你们存了我哪些信息", "我的手机号会给别人吗", "my data", "what do you know about me", "隐私政策"])
def test_what_is_kept_is_said_with_what_can_be_done(talk: Talking, said: str) -> None:
    filed(talk).say(said)
    assert talk.replies[0].link == consent.PRIVACY
    english = talk.state.language == "en"
    assert labels(talk)[:3] == (["Export my data", "Withdraw consent", "Erase my data"] if english else ["导出我的数据", "撤回同意", "删除我的数据"])
    assert "2026-11-22" in talk.text


def test_nothing_to_take_back_is_not_offered(talk: Talking) -> None:
    talk.say("我的数据")
    assert labels(talk) == ["导出我的数据", "删除我的数据"]
    assert "没有同意过" in talk.text


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("导出我的数据", "打开我的数据"),
        ("把我的聊天记录导出来给我", "打开我的数据"),
        ("i want a copy of my data", "Open my data"),
        ("撤回同意", "同意已撤回"),
        ("我不同意你们再用我的电话了", "同意已撤回"),
        ("withdraw my consent", "consent is withdrawn"),
        ("删除我的数据", "确认删除吗"),
        ("把我留的信息全都删掉", "确认删除吗"),
        ("山除我的信息", "确认删除吗"),
        ("please delete everything about me", "Erase everything?"),
    ],
)
def test_rights_are_asked_for_in_plain_words(talk: Talking, said: str, words: str) -> None:
    filed(talk).say(said)
    assert words in talk.text


def test_the_data_are_at_a_link_for_a_day(talk: Talking) -> None:
    talk.say("我的数据").tap("导出我的数据")
    assert talk.effects == [KeepPage(DATA, 24, {"page": "data", "language": "zh"})]
    assert talk.replies[0].link == DATA
    assert "没有这个链接时" in talk.text


def test_a_right_in_the_middle_of_a_dialog_leads_back_to_it(talk: Talking) -> None:
    talk.send("!start:park_selection").say("导出我的数据")
    assert talk.replies[0].link == DATA
    assert "接着刚才的选园区" in talk.text


@pytest.mark.parametrize("said", ["我的数据", "导出我的数据", "撤回同意", "删除我的数据"])
def test_in_a_group_nothing_of_one_person_is_shown_or_done(talk: Talking, said: str) -> None:
    filed(talk)
    before = len(talk.effects)
    talk.say(said, group=True)
    assert "私聊" in talk.text
    assert len(talk.effects) == before
    assert not [r for r in talk.replies if r.link]


# -- consent taken back ----------------------------------------------------------------------------------------------------------------


def test_a_consent_taken_back_takes_the_contact_from_the_requests_and_is_asked_for_again(talk: Talking) -> None:
    filed(talk).say("撤回同意")
    assert [e.number for e in talk.effects if isinstance(e, Unconsent)] == ["YQ-261122-0001"]
    assert "YQ-261122-0001 里的联系方式已经删掉" in talk.text
    assert not consent.agreed(talk.state)
    talk.say("转人工").say("想问集采奖励")
    assert talk.asking == "contact.consent"


def test_a_consent_taken_back_in_an_open_form_forgets_what_was_filled_in(talk: Talking) -> None:
    for text in FILED[:-1]:
        talk.say(text)
    assert talk.asking == "confirm"
    talk.say("撤回同意")
    assert PHONE not in str(talk.state.to_json())
    assert "李女士" not in str(talk.state.frames)
    talk.say("继续")
    assert talk.asking == "contact.consent"
    assert talk.say("不同意").say("确认").filed[0].dossier["contact"] == {}


def test_without_consent_there_is_nothing_to_take_back(talk: Talking) -> None:
    talk.say("撤回同意")
    assert "没有可撤回的同意" in talk.text
    assert not talk.effects


def test_the_team_goes_on_without_the_contact_and_the_history_says_so() -> None:
    case = cases.Case("YQ-1", "general", cases.State.IN_PROGRESS, NOW, (), {"matter": "m", "company": "c", "contact": {"contact.reach": PHONE}})
    case, tells = cases.advance(case, cases.Event("consent_withdrawn", NOW, "company"))
    assert (case.state, case.dossier["contact"], tells) == (cases.State.IN_PROGRESS, {}, ())
    assert case.events[-1].kind == "consent_withdrawn"
    answered, tells = cases.advance(case, cases.Event("staff_reply", NOW, "team", "请看通知"))
    assert len(tells) == 1
    assert PHONE not in str(cases.encode(answered))


# -- erasure ---------------------------------------------------------------------------------------------------------------------------


def test_erasure_says_what_goes_and_what_stays_and_is_done_only_when_confirmed(talk: Talking) -> None:
    filed(talk).say("删除我的数据")
    for words in ("找不回来", "YQ-261122-0001", "留下请求的编号"):
        assert words in talk.text
    assert not [e for e in talk.effects if isinstance(e, Erase)]
    talk.tap("先不删")
    assert not [e for e in talk.effects if isinstance(e, Erase)]
    talk.say("删除我的数据").tap("确认删除")
    assert isinstance(talk.effects[-1], Erase)
    assert talk.text == "已经全部删除。以后再来，就是新的对话。"
    assert talk.state.frames == ()
    assert not talk.state.consent
    for words in (PHONE, "李女士", "娄城贷", "测试医疗"):
        assert words not in json.dumps(talk.state.to_json(), ensure_ascii=False)


def test_an_old_button_erases_nothing(talk: Talking) -> None:
    filed(talk).say("删除我的数据")
    old = next(o.payload for o in talk.options if o.label == "确认删除")
    talk.say("算了").send(old)
    assert not [e for e in talk.effects if isinstance(e, Erase)]
    assert "确认删除吗" in talk.text
    for forged in ("!erase:yes", "!erase:0", "!erase:999"):
        assert not [e for e in talk.send(forged).effects if isinstance(e, Erase)]


def test_on_a_messenger_its_own_history_is_named(talk: Talking) -> None:
    assert "聊天软件自己的聊天记录" in talk.say("删除我的数据", private="page").text
    assert "聊天软件自己的聊天记录" not in talk.say("删除我的数据").text


def test_an_erased_request_is_worked_on_no_more() -> None:
    dossier = {
        "matter": "集采",
        "company": "测试医疗",
        "contact": {"contact.reach": PHONE},
        "consent": NOW.isoformat(),
        "language": "zh",
        "heard": ["x"],
    }
    events = (cases.Event("filed", NOW, "company"), cases.Event("company_note", NOW, "company", "李女士的补充"))
    for state in cases.State:
        case = cases.Case("YQ-1", "general", state, NOW, events, dossier)
        gone, tells = cases.advance(case, cases.Event("erased", NOW + timedelta(days=1), "company"))
        assert gone.state == (state if state in cases.CLOSED else cases.State.WITHDRAWN)
        assert not tells
        assert not [w for w in (PHONE, "李女士", "集采", "测试医疗") if w in str(cases.encode(gone))]
        assert [e.kind for e in gone.events] == ["filed", "company_note", "erased"]
        with pytest.raises(cases.CaseError, match="按本人要求删除"):
            cases.advance(gone, cases.Event("staff_reply", NOW, "team", "您好"))


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_what_was_erased_is_nowhere_in_the_store(knowledge: Knowledge, tmp_path: Path, kind: str) -> None:
    store: Store = MemoryStore() if kind == "memory" else await SqliteStore.open(tmp_path / "store.db")
    turns, ids = Turns(store, Library(knowledge), clock=lambda: NOW), itertools.count(1)

    async def say(*words: str) -> dict[str, Any]:
        for text in words:
            handled = await turns.handle(HERE, Message(text), f"id-{next(ids)}")
        return handled.result

    await say("太仓有什么补贴", *FILED)
    number = (await store.requests())[0].number
    await turns.advance(number, cases.Event("staff_reply", NOW, "team", "李女士您好，请看通知"))
    asked = await say("删除我的数据")
    assert number in asked["replies"][-1]["text"]
    done = await say("确认删除")
    assert [r["text"] for r in done["replies"]] == ["已经全部删除。以后再来，就是新的对话。"]
    assert done["requests"] == []
    held = json.dumps(await store.personal(HERE), ensure_ascii=False)
    request = (await store.requests())[0]
    for words in (PHONE, "李女士", "娄城贷", "测试医疗", number):
        assert words not in held
        assert words not in json.dumps(request.body, ensure_ascii=False)
    assert (request.number, request.state, request.address.chat) == (number, "withdrawn", "")
    assert [line.body["text"] for line in await store.transcript(HERE)] == ["***", "已经全部删除。以后再来，就是新的对话。"]
    assert (await turns.handle(HERE, Message("确认删除"), f"id-{next(ids) - 1}")).duplicate
    assert "还没有登记过" in (await say("进度"))["replies"][-1]["text"]
    await store.close()


async def test_a_team_erases_for_who_asks_by_letter(knowledge: Knowledge) -> None:
    turns = Turns(MemoryStore(), Library(knowledge), clock=lambda: NOW)
    for text in FILED:
        await turns.handle(HERE, Message(text))
    assert await turns.erase(HERE) == ["YQ-261122-0001"]
    held = await turns.store.personal(HERE)
    assert not any(held.values())
    case = await turns.case("YQ-261122-0001")
    assert case is not None
    assert case.state == cases.State.WITHDRAWN
    assert case.events[-1].by == "team"
    assert State.from_json((await turns.store.load(HERE)).conversation.body) == State()


async def test_a_consent_taken_back_leaves_the_request_without_the_contact(knowledge: Knowledge) -> None:
    turns = Turns(MemoryStore(), Library(knowledge), clock=lambda: NOW)
    for text in (*FILED, "撤回同意"):
        handled = await turns.handle(HERE, Message(text))
    request = (await turns.store.requests())[0]
    assert PHONE not in json.dumps(request.body)
    assert [e["kind"] for e in request.body["events"]] == ["filed", "consent_withdrawn"]
    assert request.body["dossier"]["notice"]["version"] == consent.notice().version
    assert handled.result["requests"] == [{"number": request.number, "kind": "general", "state": "new"}]


@pytest.mark.parametrize(("said", "label"), [("帮助", "我的数据"), ("help", "My data"), ("你能做什么", "我的数据")])
def test_the_way_there_stands_with_the_help(talk: Talking, said: str, label: str) -> None:
    talk.say(said).tap(label)
    assert talk.replies[0].link == consent.PRIVACY


# -- yes and no belong to what was shown last ------------------------------------------------------------------------------------------


def at_summary(talk: Talking) -> Talking:
    for text in ("转人工", "想问补贴", "乙公司", "不同意"):
        talk.say(text)
    assert talk.asking == "confirm"
    return talk


def erased(talk: Talking) -> bool:
    return any(isinstance(e, Erase) for e in talk.effects)


@pytest.mark.parametrize("yes", ["确认", "好的", "是的", "确定", "删", "好", "yes", "确认删除", "删吧", "confirm", "嗯，删掉吧"])
def test_a_yes_to_the_question_of_erasure_erases_and_files_nothing(talk: Talking, yes: str) -> None:
    at_summary(talk).say("删除我的数据").say(yes)
    assert erased(talk)
    assert not talk.filed


@pytest.mark.parametrize("no", ["先不了吧", "算了", "取消", "不", "no", "不删了", "先留着", "no thanks", "不确定", "再想想"])
def test_a_no_to_the_question_of_erasure_keeps_all_and_leads_back(talk: Talking, no: str) -> None:
    at_summary(talk).say("删除我的数据").say(no)
    assert "没有删" in talk.text
    assert talk.asking == "confirm"
    assert "公司：乙公司" in talk.text
    assert not erased(talk)
    assert talk.say("确认").filed


@pytest.mark.parametrize("no", ["算了", "取消", "不"])
def test_a_no_to_the_question_of_erasure_drops_no_guided_dialog(talk: Talking, no: str) -> None:
    talk.send("!start:park_selection")
    asked = talk.asking
    talk.say("删除我的数据").say(no)
    assert "没有删" in talk.text
    assert talk.asking == asked


def test_a_question_right_after_that_of_erasure_is_answered_and_erases_nothing(talk: Talking) -> None:
    filed(talk).say("删除我的数据").say("娄城贷是什么")
    assert "贷款" in talk.text
    talk.say("好的")
    assert not erased(talk)


@pytest.mark.parametrize(
    ("shown", "words"), [("我的数据", "同意"), ("我的数据", "确认"), ("my data", "no thanks"), ("my data", "confirm"), ("导出我的数据", "好的")]
)
def test_a_paused_form_shows_its_summary_again_before_it_files(talk: Talking, shown: str, words: str) -> None:
    at_summary(talk).say(shown).say(words)
    assert not talk.filed
    assert "乙公司" in talk.text
    assert any(o.payload.endswith("confirm=file") for o in talk.options)
    assert talk.say("确认").filed


def test_an_old_button_of_a_paused_form_shows_the_summary_first(talk: Talking) -> None:
    old = next(o.payload for o in at_summary(talk).options if o.payload.endswith("confirm=file"))
    talk.say("我的数据").send(old)
    assert not talk.filed
    assert talk.send(old).filed


def test_a_yes_after_my_data_is_no_consent(talk: Talking) -> None:
    for text in ("转人工", "想问补贴", "乙公司", "我的数据", "好的"):
        talk.say(text)
    assert talk.asking == "contact.consent"
    assert not talk.state.consent


def test_a_yes_after_my_data_answers_no_question_of_a_guided_dialog(talk: Talking) -> None:
    talk.send("!start:park_selection")
    before = talk.trail
    talk.say("我的数据").say("好的")
    assert talk.trail == before


@pytest.mark.parametrize("words", ["联系方式", "我改主意了", "同意留联系方式", "改电话", "contact details"])
def test_the_summary_leads_back_to_the_contact_that_was_declined(talk: Talking, words: str) -> None:
    at_summary(talk).tap("改答案").say(words)
    assert talk.asking == "contact.consent"
    talk.say("同意").say("李女士").say(PHONE).say("确认")
    assert talk.filed[0].dossier["contact"] == {"contact.name": "李女士", "contact.reach": PHONE}


def test_a_line_of_the_summary_is_changed_by_its_name(talk: Talking) -> None:
    for text in FILED[:-1]:
        talk.say(text)
    assert talk.say("联系方式").asking == "contact.reach"
    assert talk.say("13900001111").asking == "confirm"
    assert talk.say("公司").asking == "contact.company"


# -- contact details in words, and those that changed ------------------------------------------------------------------------------------

MOBILE = "13700000000"


def kept(talk: Talking) -> str:
    """Everything of the last turn that a store would keep."""
    return str([talk.turn.incoming, talk.state.to_json(), [r.to_json() for r in talk.replies], talk.turn.effects])


def test_a_number_in_the_matter_waits_for_consent_outside_it(talk: Talking) -> None:
    talk.say("转人工").say(f"想问娄城贷，电话{MOBILE}")
    assert "没有写进事项里" in talk.text
    talk.say("乙公司").say("同意").say("李女士").say("确认")
    assert talk.filed[0].dossier["matter"] == "想问娄城贷"
    assert talk.filed[0].dossier["contact"]["contact.reach"] == MOBILE


def test_a_number_in_the_matter_goes_where_consent_is_declined(talk: Talking) -> None:
    talk.say("转人工").say(f"想问娄城贷，邮箱 wang@corp.cn，电话{MOBILE}").say("乙公司").say("不同意")
    talk.say("确认")
    assert MOBILE not in kept(talk)
    assert "wang@" not in kept(talk)
    assert talk.filed[0].dossier["matter"] == "想问娄城贷"


def test_a_number_in_the_matter_that_is_written_anew_after_declining_is_not_kept(talk: Talking) -> None:
    at_summary(talk).say("改事项").say(f"问集采，请打{MOBILE}")
    assert "没有同意留联系方式" in talk.text
    assert MOBILE not in kept(talk)
    assert talk.say("确认").filed[0].dossier["matter"] == "问集采"


@pytest.mark.parametrize(
    "words", [f"把我的电话换成{MOBILE}", f"我的电话错了，是{MOBILE}", f"change my phone to {MOBILE}", f"我的电话是{MOBILE}", MOBILE]
)
def test_a_number_after_filing_without_consent_is_not_kept(talk: Talking, words: str) -> None:
    at_summary(talk).say("确认").say(words)
    assert "没有记下" in talk.text or "not kept" in talk.text
    assert MOBILE not in kept(talk)
    assert talk.dialog != "request"
    assert len(talk.filed) == 1


@pytest.mark.parametrize(
    "words", [f"把我的电话换成{MOBILE}", f"我的电话错了，应该是{MOBILE}", f"电话换成{MOBILE}", f"change my phone number to {MOBILE}"]
)
def test_another_number_after_filing_is_changed_on_the_request_that_holds_one(talk: Talking, words: str) -> None:
    filed(talk).say(words)
    assert talk.effects[-1] == ChangeContact("YQ-261122-0001", MOBILE)
    assert "137****0000" in talk.text
    assert MOBILE not in str([talk.turn.incoming, talk.state.to_json()])


@pytest.mark.parametrize("words", ["换个电话", "我的电话错了", "怎么改联系方式", "我想换一下联系方式"])
def test_who_wants_another_number_is_told_how(talk: Talking, words: str) -> None:
    filed(talk).say(words)
    assert "把我的电话换成" in talk.text
    talk.say(f"把我的电话换成{MOBILE}")
    assert isinstance(talk.effects[-1], ChangeContact)


def test_another_number_where_the_chat_may_not_carry_it_leads_to_a_page(talk: Talking) -> None:
    filed(talk).say("换个电话", private="page")
    assert "不能收电话和邮箱" in talk.text


@pytest.mark.parametrize("words", ["补充说明", "补充", "add a note"])
def test_a_note_is_asked_for_in_words_and_holds_no_number(talk: Talking, words: str) -> None:
    filed(talk).say(words)
    assert talk.dialog == "add_note"
    talk.say(f"材料齐了，电话换成{MOBILE}")
    assert ChangeContact("YQ-261122-0001", MOBILE) in talk.effects
    assert [n.text for n in talk.notes] == ["材料齐了,电话换成"]
    assert MOBILE not in str([talk.turn.incoming, talk.state.to_json()])


def test_a_note_without_consent_loses_its_number(talk: Talking) -> None:
    at_summary(talk).say("确认").say("补充说明").say(f"材料齐了，请打{MOBILE}")
    assert "没有记下" in talk.text
    assert [n.text for n in talk.notes] == ["材料齐了"]
    assert MOBILE not in kept(talk)


def test_with_several_requests_it_is_asked_which_one_to_add_to(talk: Talking) -> None:
    filed(talk).say("转人工").say("想问集采奖励").say("李女士").say(PHONE).say("确认")
    assert len(talk.filed) == 2
    talk.say("补充说明")
    assert labels(talk) == ["补充说明 YQ-261122-0001", "补充说明 YQ-261122-0002"]


def test_a_changed_contact_is_in_the_dossier_and_not_in_the_history() -> None:
    case = cases.Case("YQ-1", "general", cases.State.NEW, NOW, (), {"matter": "m", "company": "c", "contact": {"contact.reach": PHONE}})
    case, tells = cases.advance(case, cases.Event("contact_changed", NOW, "company", MOBILE))
    assert case.dossier["contact"] == {"contact.reach": MOBILE}
    assert case.events[-1].text == ""
    assert not tells


def test_a_withdrawn_consent_takes_the_contact_out_of_all_words() -> None:
    dossier = {
        "matter": f"想问补贴，请李女士收，电话{PHONE}",
        "company": f"乙公司 {MOBILE}",
        "contact": {"contact.name": "李女士", "contact.reach": PHONE},
        "heard": [f"打{PHONE}"],
        "profile": {"contact.company": f"乙公司 {MOBILE}", "region": "suzhou"},
    }
    events = (
        cases.Event("company_note", NOW, "company", "加 wang@corp.cn"),
        cases.Event("staff_reply", NOW, "team", f"李女士您好，已打{PHONE}，请回 0512-66668888"),
    )
    case = cases.Case("YQ-1", "general", cases.State.IN_PROGRESS, NOW, events, dossier)
    gone, _ = cases.advance(case, cases.Event("consent_withdrawn", NOW, "company"))
    body = json.dumps(cases.encode(gone), ensure_ascii=False)
    assert not [w for w in (PHONE, MOBILE, "李女士", "wang@") if w in body]
    assert "想问补贴" in body
    assert "0512-66668888" in body


def test_a_number_that_an_earlier_release_kept_in_a_matter_goes_with_the_consent_and_is_not_shown(talk: Talking) -> None:
    dossier: dict[str, Any] = {"matter": f"打{MOBILE}", "company": "乙公司", "contact": {}, "heard": [], "profile": {}}
    talk.own = (cases.Case("YQ-261122-0001", "general", cases.State.NEW, NOW, (), dossier),)
    assert MOBILE not in talk.say("进度").text
    talk.say("撤回同意")
    assert [e.number for e in talk.effects if isinstance(e, Unconsent)] == ["YQ-261122-0001"]


def test_the_team_sees_contacts_in_words_only_when_it_asks_for_them() -> None:
    dossier: dict[str, Any] = {"matter": f"打{MOBILE}", "company": "乙公司", "contact": {}, "consent": None, "heard": [], "knowledge": "k"}
    case = cases.Case("YQ-1", "general", cases.State.NEW, NOW, (cases.Event("company_note", NOW, "company", f"再打{PHONE}"),), dossier)
    shown = staff.dossier(case, reveal=False)
    assert MOBILE not in shown
    assert PHONE not in shown
    revealed = staff.dossier(case, reveal=True)
    assert MOBILE in revealed
    assert PHONE in revealed


async def test_the_teams_list_holds_no_contact(knowledge: Knowledge, capsys: pytest.CaptureFixture[str]) -> None:
    turns = Turns(MemoryStore(), Library(knowledge), clock=lambda: NOW)
    for text in FILED:
        await turns.handle(HERE, Message(text))
    request = (await turns.store.requests())[0]
    body = {**request.body, "dossier": {**request.body["dossier"], "matter": f"打{MOBILE}"}}
    await turns.store.commit(Commit(HERE, NOW, changed=(replace(request, body=body),)))
    await staff.run(turns, argparse.Namespace(action="list", state=None, all=False))
    printed = capsys.readouterr().out
    assert request.number in printed
    assert MOBILE not in printed


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_a_note_with_another_number_is_kept_in_one_turn_without_it(knowledge: Knowledge, tmp_path: Path, kind: str) -> None:
    store: Store = MemoryStore() if kind == "memory" else await SqliteStore.open(tmp_path / "store.db")
    turns = Turns(store, Library(knowledge), clock=lambda: NOW)
    for text in (*FILED, "补充说明", f"材料齐了，请打{MOBILE}"):
        await turns.handle(HERE, Message(text))
    body = (await store.requests())[0].body
    assert body["dossier"]["contact"]["contact.reach"] == MOBILE
    assert [(e["kind"], e["text"]) for e in body["events"]] == [("filed", ""), ("contact_changed", ""), ("company_note", "材料齐了")]
    await store.close()


def test_after_it_was_taken_back_it_is_said_when_consent_was_given_and_withdrawn(talk: Talking) -> None:
    filed(talk)
    talk.now = NOW + timedelta(days=2)
    talk.say("撤回同意").say("我的数据")
    assert "您在 2026-11-22 同意过个人信息说明，2026-11-24 撤回了" in talk.text
    assert labels(talk) == ["导出我的数据", "删除我的数据"]
    assert "没有可撤回的同意" in talk.say("撤回同意").text


def test_where_no_page_can_be_reached_the_export_names_no_link(talk: Talking) -> None:
    talk.say("导出我的数据", private="nowhere")
    assert "打开我的数据" not in talk.text
    assert not talk.replies[0].link
    assert not talk.effects
    assert labels(talk) == ["转人工"]


@pytest.mark.parametrize("said", ["谁在处理我的信息", "联系方式你们会卖吗"])
def test_who_handles_the_data_is_answered_at_any_time(talk: Talking, said: str) -> None:
    talk.say(said)
    assert talk.text.startswith("联系方式只用于办这件事，只有服务团队能看到，不卖")
    assert talk.replies[-1].link == consent.PRIVACY


def test_the_button_that_erased_everything_still_says_what_it_said(talk: Talking) -> None:
    filed(talk).say("删除我的数据").tap("确认删除")
    assert talk.turn.incoming["label"] == "确认删除"


def test_what_the_notice_says_of_correcting_works_as_said(talk: Talking) -> None:
    said = "".join(line["zh"] for section in consent.notice().sections for line in section.lines)
    assert "说“补充说明”" in said
    assert "说“把我的电话换成”" in said
    filed(talk).say(f"把我的电话换成{MOBILE}")
    assert isinstance(talk.effects[-1], ChangeContact)
    assert talk.say("补充说明").dialog == "add_note"


def test_where_the_contact_was_left_on_a_page_the_summary_leads_to_the_page_again(talk: Talking) -> None:
    for text in ("转人工", "想问补贴", "乙公司"):
        talk.say(text, private="page")
    assert talk.state.top is not None
    fields = {"run": talk.state.top.run, "contact.name": "李女士", "contact.reach": PHONE}
    talk.say("", private="page", fields=fields)
    assert talk.asking == "confirm"
    talk.say("联系方式", private="page")
    assert talk.asking == "contact.consent"
    assert talk.replies[-1].link == consent.PAGE


def test_a_number_with_the_company_that_is_written_anew_after_declining_is_not_kept(talk: Talking) -> None:
    at_summary(talk).say("改公司").say(f"丙公司 {MOBILE}")
    assert "没有同意留联系方式" in talk.text
    assert MOBILE not in kept(talk)
    assert talk.say("确认").filed[0].dossier["company"] == "丙公司"
