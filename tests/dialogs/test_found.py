"""What models and fuzzing found in talks, each as one plain story."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from dialogs.messages import Option
from knowledge import loader
from knowledge.snapshot import Knowledge
from tests.dialogs.talking import Talking, through

PRECHECK = "!start:subsidy_precheck"


@pytest.fixture
def talk(knowledge: Knowledge) -> Talking:
    return Talking(knowledge)


def edit(talk: Talking, key: str) -> Option:
    """The button that opens an answer again."""
    return next(o for o in talk.say("改答案").options if o.payload.endswith(f".{key}"))


def test_the_day_to_judge_by_is_today_again_when_it_is_taken_back(talk: Talking) -> None:
    talk.send(PRECHECK).say("太仓").say("按2022年看")
    through(talk, {"plans": "都没有", "events": "都没有"})
    assert talk.trail["as_of"] == "2022-12-31"
    talk.send(edit(talk, "as_of").payload)
    assert talk.text.startswith("好，按今天看。")
    assert "as_of" not in talk.trail
    assert talk.outcome["supports"]


def test_going_back_from_another_day_says_that_it_is_today_again(talk: Talking) -> None:
    talk.send(PRECHECK).say("太仓").say("按2022年看").say("返回")
    assert talk.text.startswith("好，按今天看。")
    assert talk.asking == "plans"


def test_an_answer_to_a_result_shown_early_can_be_changed(talk: Talking) -> None:
    talk.send(PRECHECK).tap("太仓").tap("都没有").say("看结果")
    assert talk.asking is None
    talk.send(edit(talk, "plans").payload)
    assert talk.asking == "plans"
    assert "沿用：都没有" in [o.label for o in talk.options]


def test_a_place_that_the_knowledge_lost_is_forgotten(talk: Talking, knowledge: Knowledge) -> None:
    talk.say("徐州").send("!start:park_selection")
    assert talk.state.profile["region"] == "xuzhou"
    regions = {k: v for k, v in knowledge.regions.items() if k != "xuzhou"}
    talk.knowledge = replace(knowledge, version="fewer", regions=regions)
    assert talk.say("娄城贷是什么").replies
    assert "region" not in talk.state.profile


def test_an_earlier_answer_that_is_none_any_more_is_not_offered_again(talk: Talking, knowledge: Knowledge) -> None:
    talk.send(PRECHECK).tap("徐州").say("返回")
    assert "沿用：徐州" in [o.label for o in talk.options]
    regions = {k: v for k, v in knowledge.regions.items() if k != "xuzhou"}
    talk.knowledge = replace(knowledge, version="fewer", regions=regions)
    talk.say("继续")
    assert talk.asking == "region"
    assert not [o for o in talk.options if o.label.startswith("沿用")]


def test_a_ticked_choice_that_is_none_any_more_does_not_spoil_the_others(talk: Talking) -> None:
    talk.send(PRECHECK).tap("太仓").send("1:~plans=loan").send("1:~plans=industrial_project")
    talk.knowledge = loader.of_files(
        {name: re.sub(rb"\bindustrial_project\b", b"other_project", data) for name, data in loader.read_folder(loader.SHIPPED)[0].items()}
    )
    talk.say("继续")
    assert talk.asking == "plans"
    talk.tap("选好了")
    assert talk.trail["plans"] == "loan"


@pytest.mark.parametrize("said", ["我要做补贴预审。另外取消", "who can speed up our customs clearance for biological samples in Suzhou? cancel"])
def test_what_a_message_asks_for_is_not_dropped_by_the_cancelling_beside_it(talk: Talking, said: str) -> None:
    talk.send("!start:park_selection").say(said)
    runs = {f.run for f in talk.state.frames}
    assert "1" not in runs
    assert {o.payload.split(":")[0] for o in talk.options if o.payload[0] != "!"} <= runs


def test_a_report_of_nothing_has_no_details_to_show_and_an_old_button_for_them_says_so(talk: Talking) -> None:
    files = {name: data for name, data in loader.read_folder(loader.SHIPPED)[0].items() if not name.startswith("xuzhou/")}
    talk.knowledge = loader.of_files(files)
    talk.send(PRECHECK).tap("徐州")
    assert not [o for o in talk.options if o.payload.startswith("!basis:")]
    talk.send("!basis:1.0")
    assert talk.text == "文件里没有和您的情况对得上的支持。"
