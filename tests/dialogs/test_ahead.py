"""Answers given ahead: facts stated at another question are taken as such, not looked up as questions about the papers."""

from __future__ import annotations

import pytest

from knowledge.snapshot import Knowledge
from tests.dialogs.talking import Talking, through

ONE = "苏州高新区，一个三类证能拿多少"
TWO = "苏州高新区，两个三类证能拿多少"
PRECHECK = "苏州高新区补贴预审"


@pytest.fixture
def talk(knowledge: Knowledge) -> Talking:
    return Talking(knowledge)


def answers(talk: Talking) -> dict[str, str]:
    return dict(talk.state.frames[-1].answers)


@pytest.mark.parametrize(
    ("begun", "said", "key", "token"),
    [
        (TWO, "第二个没有自主知识产权", "product.2.own_ip", "no"),
        (TWO, "第二个不在本地生产", "product.2.local", "no"),
        (TWO, "产品1有自主知识产权", "product.1.own_ip", "yes"),
        (TWO, "第二个在本市产业化", "product.2.local", "yes"),
        (TWO, "第一个不是诊断试剂", "product.1.reagent_or_part", "no"),
        (TWO, "第二个是设备零部件", "product.2.reagent_or_part", "yes"),
        (ONE, "没有自主知识产权", "product.1.own_ip", "no"),
        (ONE, "产品在本地生产", "product.1.local", "yes"),
        (ONE, "我们是独立法人", "independent_entity", "yes"),
        (PRECHECK, "我们不是独立法人", "independent_entity", "no"),
    ],
)
def test_a_yes_or_no_fact_stated_by_its_name_is_an_answer_ahead(talk: Talking, begun: str, said: str, key: str, token: str) -> None:
    talk.say(begun).say(said)
    assert talk.text.startswith("记下了：")
    assert answers(talk)[key] == token
    assert talk.asking in ("plans", "events")
    assert not any(r.citations for r in talk.replies)


def test_what_is_said_of_all_products_or_of_each_is_taken_for_each(talk: Talking) -> None:
    talk.say(TWO).say("两个都有自主知识产权")
    assert (answers(talk)["product.1.own_ip"], answers(talk)["product.2.own_ip"]) == ("yes", "yes")
    talk.say("第二个没有自主知识产权，第一个不在本地生产")
    assert (answers(talk)["product.2.own_ip"], answers(talk)["product.1.local"]) == ("no", "no")


def test_what_is_said_of_none_of_several_products_is_asked_back(talk: Talking) -> None:
    talk.say(TWO).say("没有自主知识产权")
    assert "“自主知识产权：否”说的是哪一个产品？" in talk.text
    assert "product.1.own_ip" not in answers(talk)
    talk.tap("产品2：三类")
    assert answers(talk)["product.2.own_ip"] == "no"
    assert "product.1.own_ip" not in answers(talk)


def test_the_open_question_is_answered_by_its_own_name(knowledge: Knowledge) -> None:
    talk = Talking(knowledge).say("太仓，拿到三类证了，能拿多少")
    through(talk, {"products": "1 个"}, until="product.1.own_ip")
    assert talk.asking == "product.1.own_ip"
    assert talk.say("没有自主知识产权").trail["product.1.own_ip"] == "no"


@pytest.mark.parametrize(
    "said", ["自主知识产权怎么认定", "第二个有自主知识产权吗", "要有自主知识产权吗", "独立法人是什么意思", "不在本地生产能不能拿", "自主知识产权"]
)
def test_a_question_or_a_mere_name_states_nothing(talk: Talking, said: str) -> None:
    before = answers(talk.say(TWO))
    talk.say(said)
    assert answers(talk) == before


@pytest.mark.parametrize(
    ("said", "key", "token"),
    [
        ("新取得医疗器械注册证", "events", "new_device_certificate"),
        ("国家集采中标。", "events", "centralized_procurement_win"),
        ("获首台套等“三首”认定", "events", "first_set_recognition"),
        ("高新技术企业", "stage", "hnte"),
        ("上市公司", "stage", "listed"),
        ("世界500强", "top_rank", "world_500"),
    ],
)
def test_the_label_of_another_questions_option_is_an_answer_ahead(talk: Talking, said: str, key: str, token: str) -> None:
    asked = talk.say(PRECHECK).asking
    assert asked != key
    talk.say(said)
    assert answers(talk)[key] == token
    assert talk.asking == asked
    assert not any(r.citations for r in talk.replies)


def test_a_further_label_is_added_to_those_before(talk: Talking) -> None:
    talk.say(PRECHECK).say("新取得医疗器械注册证").say("国家集采中标")
    assert answers(talk)["events"] == "new_device_certificate,centralized_procurement_win"


@pytest.mark.parametrize("said", ["国家集采中标有什么补贴", "高新技术企业怎么认定", "世界500强落户给多少", "娄城贷", "其他"])
def test_a_question_about_it_is_answered_as_one(talk: Talking, said: str) -> None:
    before = answers(talk.say(PRECHECK))
    talk.say(said)
    assert answers(talk) == before


def test_an_option_of_the_open_question_answers_that_one(talk: Talking) -> None:
    talk.say(PRECHECK)
    assert talk.asking == "plans"
    assert talk.say("贷款").trail["plans"] == "loan"
