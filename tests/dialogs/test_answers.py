"""What is typed at an open question is taken for what it says there: an answer, no more questions, or something else."""

from __future__ import annotations

from datetime import datetime

import pytest

from dialogs.turns import LOCAL
from knowledge.snapshot import Knowledge
from tests.dialogs.talking import Talking

THEN = datetime(2022, 6, 1, 12, tzinfo=LOCAL)


@pytest.fixture
def talk(knowledge: Knowledge) -> Talking:
    """A talk while the papers' periods run."""
    return Talking(knowledge, now=THEN)


# --- no more questions


@pytest.mark.parametrize(
    "said",
    [
        "先到这",
        "先到这里吧",
        "就到这儿",
        "不想答了",
        "不想再答了",
        "我不想再回答了",
        "不答了",
        "够了",
        "行了",
        "没时间了",
        "没空答了",
        "赶时间，直接给结果",
        "直接给结果",
        "问题太多了，先到这",
        "太多了",
        "enough",
    ],
)
@pytest.mark.parametrize("begun", ["我们在苏州高新区，补贴预审", "选园区"])
def test_who_has_had_enough_is_told_what_follows_so_far(talk: Talking, begun: str, said: str) -> None:
    talk.say(begun).say(said)
    assert talk.turn.outcome is not None
    assert talk.asking is None


@pytest.mark.parametrize(
    "said", ["能拿多少钱", "能拿多少", "那我们能拿多少", "直接说能拿多少", "太多了 直接说能拿多少", "先说能拿多少钱吧", "一共能拿多少？"]
)
def test_how_much_asked_in_the_middle_of_a_precheck_is_answered_with_what_follows_so_far(talk: Talking, said: str) -> None:
    talk.say("我们在苏州高新区，补贴预审").say(said)
    assert talk.trail == {"region": "snd", "enough": "yes"}
    assert talk.turn.outcome is not None


@pytest.mark.parametrize("said", ["取消", "算了", "不做了", "退出"])
def test_who_leaves_still_leaves(talk: Talking, said: str) -> None:
    talk.say("我们在苏州高新区，补贴预审").say(said)
    assert "先放下" in talk.text
    assert talk.dialog is None


@pytest.mark.parametrize("said", ["三类证能拿多少", "昆科贷能拿多少", "注册资本够了", "行", "好的"])
def test_words_that_only_look_like_an_end_end_nothing(talk: Talking, said: str) -> None:
    talk.say("我们在苏州高新区，补贴预审").say(said)
    assert talk.dialog == "subsidy_precheck"
    assert "enough" not in talk.trail


@pytest.mark.parametrize("said", ["这题不想答", "这个不想回答", "这个问题我不答"])
def test_one_question_that_somebody_will_not_answer_is_left_out(talk: Talking, said: str) -> None:
    talk.say("我们在苏州高新区，补贴预审").say(said)
    assert talk.trail == {"region": "snd", "plans": "unknown"}


def test_thanks_with_nothing_open_stay_thanks(talk: Talking) -> None:
    assert talk.say("行了，谢谢").dialog is None
