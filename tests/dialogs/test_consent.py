"""Consent: the notice comes before the first personal field, is kept with what was agreed to, and declining traps nobody."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from dialogs import consent
from dialogs.frames import Stage
from dialogs.messages import Message
from dialogs.replay import replay, steps, walk
from dialogs.scripts.request import request
from knowledge.snapshot import Knowledge
from tests.dialogs.talking import NOW, Talking

PHONE = "13812345678"
PLAINLY = ["我不同意你们收集", "不太想", "先不", "拒绝", "可以不留吗", "不留了", "我拒绝", "不想给", "I'd rather not"]


@pytest.fixture
def talk(knowledge: Knowledge) -> Talking:
    return Talking(knowledge)


def at_consent(talk: Talking) -> Talking:
    talk.say("转人工").say("想了解娄城贷").say("测试医疗公司")
    assert talk.asking == "contact.consent"
    return talk


def stored(talk: Talking) -> str:
    """Everything of the last turn that a store would keep."""
    return str([talk.turn.incoming, talk.state.to_json(), [r.to_json() for r in talk.replies], talk.effects])


# -- in a chat that may carry private fields -------------------------------------------------------------------------------------------


def test_the_notice_comes_before_the_first_personal_field(talk: Talking) -> None:
    at_consent(talk)
    assert len(talk.replies) == 1
    for words in ("收什么", "谁来用", "留多久", "更正、导出、撤回同意或删除"):
        assert words in talk.text
    assert talk.replies[0].link == "/privacy"
    assert talk.replies[0].link_label == "看完整说明"
    assert [o.label for o in talk.options] == ["同意", "不同意"]
    assert not talk.trail.keys() & {"contact.name", "contact.reach"}


@pytest.mark.parametrize("yes", ["好", "行", "可以", "好的", "同意", "我同意", "我们同意", "I agree", "yes", "agreed"])
def test_consent_is_understood_in_plain_words(talk: Talking, yes: str) -> None:
    assert at_consent(talk).say(yes).asking == "contact.name"


@pytest.mark.parametrize("no", ["不同意", "我不同意", "不愿意", "不想留电话", "不", "no", "I don't agree", "no thanks", *PLAINLY])
def test_who_declines_files_all_the_same_and_is_answered_in_the_chat(talk: Talking, no: str) -> None:
    at_consent(talk).say(no)
    assert talk.asking == "confirm"
    assert "专员只在这里回复您" in talk.text or "answers you here only" in talk.text
    talk.say("确认")
    dossier = talk.filed[0].dossier
    assert dossier["contact"] == {}
    assert dossier["consent"] is None
    assert dossier["notice"] is None
    assert not talk.state.consent


@pytest.mark.parametrize("said", ["同意的话会怎么样", "不太同意吧要不", "同意书在哪", "agreement?"])
def test_a_consent_is_not_guessed(talk: Talking, said: str) -> None:
    at_consent(talk).say(said)
    assert not talk.state.consent
    assert "contact.consent" not in talk.trail


def test_a_consent_is_stored_with_version_time_language_and_channel(talk: Talking) -> None:
    at_consent(talk).say("同意", channel="web").say("李女士").say(PHONE).say("确认")
    dossier = talk.filed[0].dossier
    assert dossier["consent"] == NOW.isoformat()
    assert dossier["notice"] == {"version": consent.notice().version, "language": "zh", "channel": "web"}


def test_a_consent_counts_for_the_next_request_of_the_conversation_and_that_is_said(talk: Talking) -> None:
    at_consent(talk).say("同意").say("李女士").say(PHONE).say("确认")
    talk.say("转人工").say("想问集采奖励")
    assert talk.asking == "contact.name"
    assert "您在 2026-11-22 同意过个人信息说明，这次不再问" in talk.text
    talk.say("李女士").say(PHONE).say("确认")
    assert talk.filed[1].dossier["notice"] == talk.filed[0].dossier["notice"]


def test_a_declined_consent_is_asked_for_again_with_the_next_request(talk: Talking) -> None:
    at_consent(talk).say("不同意").say("确认")
    assert talk.say("转人工").say("想问集采奖励").asking == "contact.consent"


def test_another_version_of_the_notice_asks_again(talk: Talking, monkeypatch: pytest.MonkeyPatch) -> None:
    at_consent(talk).say("同意").say("李女士").say(PHONE)
    newer = replace(consent.notice(), version="2099-01")
    monkeypatch.setattr(consent, "notice", lambda: newer)
    talk.say("确认")
    assert not talk.filed
    assert talk.asking == "contact.consent"
    talk.say("同意")
    assert talk.asking == "confirm"
    assert talk.say("确认").filed[0].dossier["notice"]["version"] == "2099-01"
    talk.say("转人工").say("想问集采奖励")
    assert talk.asking == "contact.name"


def test_a_form_that_the_first_release_left_open_asks_for_consent_to_the_notice(talk: Talking) -> None:
    at_consent(talk)
    old = {"matter": "想了解娄城贷", "contact.company": "测试医疗公司", "contact.name": "李女士", "contact.reach": PHONE, "contact.consent": "yes"}
    talk.state = talk.state.with_top(replace(talk.state.frames[-1], answers=old, trail=tuple(old)))
    talk.say("确认")
    assert not talk.filed
    assert talk.asking == "contact.consent"
    talk.say("同意")
    assert talk.asking == "confirm"
    assert "138****5678" in talk.text


@pytest.mark.parametrize(
    "words", [f"帮我登记，我叫李红，电话{PHONE}", f"转人工|想了解娄城贷|测试医疗公司 {PHONE}", f"转人工|想了解娄城贷|测试医疗公司|{PHONE}"]
)
def test_what_was_said_before_the_notice_waits_for_consent_and_goes_without_it(talk: Talking, words: str) -> None:
    for said in words.split("|"):
        talk.say(said)
        assert PHONE not in str(talk.turn.incoming)
    for said in {"matter": ["想了解娄城贷", "测试医疗公司"], "contact.company": ["测试医疗公司"]}.get(talk.asking or "", []):
        talk.say(said)
    assert talk.asking == "contact.consent"
    assert "您刚才写的联系方式先不用" in talk.text
    talk.say("不同意")
    assert PHONE not in str(talk.state.to_json())
    assert "李红" not in str(talk.state.frames)
    assert talk.say("确认").filed[0].dossier["contact"] == {}


def test_an_answer_is_changed_to_a_refusal_and_the_contact_goes(talk: Talking) -> None:
    at_consent(talk).say("同意").say("李女士").say(PHONE).tap("改答案")
    talk.send(next(o.payload for o in talk.options if o.payload.endswith("contact.consent"))).say("不同意")
    assert talk.asking == "confirm"
    assert PHONE not in str(talk.state.to_json())
    assert "李女士" not in str(talk.state.frames)


@pytest.mark.parametrize("no", ["不留了", "拒绝", "可以不留吗", "不想留电话", "我不同意你们收集", "I'd rather not"])
@pytest.mark.parametrize("given", [["同意"], ["同意", "李女士"]])
def test_who_declines_at_the_contact_itself_files_without_it(talk: Talking, given: list[str], no: str) -> None:
    at_consent(talk)
    for said in (*given, no):
        talk.say(said)
    assert talk.asking == "confirm"
    assert "李女士" not in str(talk.state.to_json())
    assert not talk.state.consent
    assert talk.say("确认").filed[0].dossier["contact"] == {}


@pytest.mark.parametrize("said", ["谁在处理我的信息", "联系方式你们会卖吗", "我的电话会不会泄露给别人", "do you sell my contact details?"])
def test_who_handles_the_data_is_answered_first_and_the_question_follows_without_the_notice(talk: Talking, said: str) -> None:
    at_consent(talk).say(said)
    assert talk.text.startswith(("联系方式只用于办这件事，只有服务团队能看到", "Contact details are used for this matter only"))
    assert "先说明四点" not in talk.text
    assert [o.label for o in talk.options] == ["同意", "不同意"]
    assert talk.asking == "contact.consent"


@pytest.mark.parametrize("said", ["为什么问", "为什么", "会不会泄露", "歪比巴卜", "不知道"])
def test_the_notice_is_not_repeated_right_after_it_was_shown(talk: Talking, said: str) -> None:
    at_consent(talk).say(said)
    assert "先说明四点" not in talk.text
    assert len(talk.text.splitlines()) <= 4
    assert [o.label for o in talk.options] == ["同意", "不同意"]
    assert talk.replies[-1].link == "/privacy"


def test_the_notice_stands_again_where_something_else_was_shown_since(talk: Talking) -> None:
    at_consent(talk).say("娄城贷是什么").say("继续")
    assert "先说明四点" in talk.text


# -- where the chat may not carry them -------------------------------------------------------------------------------------------------


def test_where_nothing_private_may_be_asked_the_request_is_filed_with_the_chat_as_the_way_back(talk: Talking) -> None:
    for said in ("转人工", "想了解娄城贷", "测试医疗公司"):
        talk.say(said, private="nowhere")
    assert talk.asking == "confirm"
    assert talk.say("确认", private="nowhere").filed[0].dossier["contact"] == {}
    assert not [r for r in talk.replies if r.link]


@pytest.mark.parametrize("private", ["page", "nowhere"])
@pytest.mark.parametrize(
    "said",
    [f"我的电话是{PHONE}", PHONE, f"帮我登记，电话{PHONE}", "我的邮箱 wang@corp.cn", f"娄城贷是什么？我电话{PHONE}", "１３８ １２３４ ５６７８"],
)
def test_a_number_typed_where_it_must_not_be_is_masked_at_once_and_told(talk: Talking, private: str, said: str) -> None:
    talk.say(said, private=private)
    assert "请不要在这里发手机号和邮箱" in talk.text
    assert not re.search(r"138.?1234|１３８|wang@", stored(talk))
    assert talk.turn.incoming["text"] == "***"
    if "登记" in said:
        assert talk.dialog == "request"
    if "娄城贷" in said:
        assert "贷款" in talk.text


def test_a_number_typed_in_the_form_of_such_a_chat_is_no_answer(talk: Talking) -> None:
    for said in ("转人工", "想了解娄城贷", "测试医疗公司"):
        talk.say(said, private="page")
    assert talk.asking == "contact.consent"
    talk.say(f"电话{PHONE}", private="page")
    assert "请不要在这里发" in talk.text
    assert talk.asking == "contact.consent"
    assert PHONE not in stored(talk)


def test_the_link_to_the_page_is_offered_and_a_typed_yes_is_not_enough(talk: Talking) -> None:
    for said in ("转人工", "想了解娄城贷", "测试医疗公司"):
        talk.say(said, private="page")
    assert talk.replies[-1].link == consent.PAGE
    assert [o.label for o in talk.options] == ["只在这里联系我"]
    talk.say("同意", private="page")
    assert talk.asking == "contact.consent"
    assert talk.replies[-1].link == consent.PAGE
    assert not talk.state.consent
    talk.say("只在这里联系我", private="page")
    assert talk.asking == "confirm"


def test_in_a_group_nothing_private_is_asked(talk: Talking) -> None:
    talk.say("转人工", group=True, private="page")
    assert talk.dialog is None
    assert "私聊" in talk.text


# -- the script and the notice ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("private", ["here", "page", "nowhere"])
def test_every_way_ends_filed_and_asks_nothing_private_before_consent(knowledge: Knowledge, private: str) -> None:
    stage, ways = Stage(knowledge, NOW.date(), private), 0  # type: ignore[arg-type]
    for way in walk(stage.script("request"), 100):
        ways += 1
        keys = [a.question.key for a in way.trail]
        assert way.outcome is not None
        assert way.outcome.name == "request.filed"
        asked = [i for i, a in enumerate(way.trail) if a.question.private]
        assert not asked or (private == "here" and keys.index("contact.consent") < min(asked))
        assert {"contact.name", "contact.reach"} & set(way.outcome.data) == ({"contact.name", "contact.reach"} if asked else set())
    assert ways >= {"here": 3, "page": 2, "nowhere": 1}[private]
    assert {s.then for s in steps(stage.script("request")) if s.key == "confirm"} == {"=request.filed"}


def test_what_the_page_brought_is_taken_where_it_is_not_asked_for(knowledge: Knowledge) -> None:
    given = {"matter": "m", "contact.company": "c", "contact.consent": "page", "contact.name": "李女士", "contact.reach": PHONE, "confirm": "file"}
    now = replay(lambda: request(knowledge, "page"), given)
    assert now.outcome is not None
    assert now.outcome.data["contact.reach"] == PHONE


def test_the_notice_says_everything_in_both_languages() -> None:
    notice = consent.notice()
    assert re.fullmatch(r"20\d\d-\d\d", notice.version)
    assert len(notice.sections) >= 5
    for words in (notice.title, notice.lead, notice.kept, *(w for s in notice.sections for w in (s.title, *s.lines))):
        assert set(words) == {"zh", "en"}
        assert all(words.values())
        assert not re.search("[!！]", "".join(words.values()))


def test_a_plain_message_is_not_touched() -> None:
    message = Message("娄城贷是什么", private="page")
    assert consent.stripped(message) is message
