"""Wanting: what a message is acted upon for, in which order, and what it hangs between; a word alone decides nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogs import wanting
from dialogs.messages import Score
from dialogs.wanting import OUT, Reading
from knowledge import loader
from knowledge.matching import Match

KNOWLEDGE = loader.load()


def read(text: str) -> Reading:
    return wanting.read(KNOWLEDGE.read(text), KNOWLEDGE)


def reading(**scores: float) -> Reading:
    """A message that is acted upon for nothing."""
    return Reading(tuple(Score(name, score) for name, score in scores.items()))


@pytest.mark.parametrize(
    ("text", "wishes", "parts"),
    [
        (
            "帮我看看补贴能拿多少，再帮我找个园区落户",
            ("subsidy_precheck", "park_selection"),
            ("帮我看看补贴能拿多少", "帮我找个园区落户"),
        ),
        (
            "帮我找个园区落户，再帮我看看补贴能拿多少",
            ("park_selection", "subsidy_precheck"),
            ("帮我找个园区落户", "帮我看看补贴能拿多少"),
        ),
        (
            "我想选个园区，还想问专利快速预审找谁",
            ("park_selection", "ip_service"),
            ("我想选个园区", "想问专利快速预审找谁"),
        ),
        (
            "能拿多少补贴；D级特殊物品出入境找谁办；顺便帮我转人工",
            ("subsidy_precheck", "approval_channel", "request_human"),
            ("能拿多少补贴", "d级特殊物品出入境找谁办", "帮我转人工"),
        ),
        (
            "what subsidies can we get and also which park suits us",
            ("subsidy_precheck", "park_selection"),
            ("what subsidies can we get", "which park suits us"),
        ),
    ],
)
def test_several_wishes_come_in_their_order_each_with_its_words(text: str, wishes: tuple[str, ...], parts: tuple[str, ...]) -> None:
    found = read(text)
    assert (found.wishes, found.parts) == (wishes, parts)
    assert tuple(s.name for s in found.scores[: len(wishes)]) == wishes
    assert len({s.name for s in found.scores}) == len(found.scores), "each intent stands there once"


def test_no_more_than_three_wishes_are_served_at_once() -> None:
    found = read("能拿多少补贴；想找个园区落户；D级特殊物品出入境找谁办；帮我转人工；产品目录怎么进")
    assert len(found.wishes) == len(found.parts) == 3
    assert found.wishes[0] == "subsidy_precheck"


def test_a_wish_said_twice_is_one() -> None:
    assert read("能拿多少补贴？我们可以申请哪些补贴？").wishes == ("subsidy_precheck",)


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("我们是做体外诊断的，刚搬到太仓，想选个园区", "park_selection"),
        ("公司成立三年，做小分子药，能拿什么补贴", "subsidy_precheck"),
        ("我在徐州开了家器械公司。能申请什么补贴？", "subsidy_precheck"),
        ("你好，我们能拿多少补贴", "subsidy_precheck"),
        ("我们能拿多少补贴？谢谢！", "subsidy_precheck"),
    ],
)
def test_what_only_tells_or_greets_is_no_wish_of_its_own(text: str, wish: str) -> None:
    assert read(text).wishes == (wish,)


@pytest.mark.parametrize(
    ("text", "never"),
    [
        ("人工关节能放进产品目录吗", "request_human"),
        ("人工关节集采中标有奖励吗", "request_human"),
        ("人工智能医疗器械有补贴吗", "request_human"),
        ("人工晶体属于几类", "request_human"),
        ("有发明专利能拿多少奖励", "ip_service"),
        ("园区企业能申请信用贷款吗", "park_selection"),
        ("园区里的企业怎么贷款", "park_selection"),
        ("补贴政策取消了吗", "cancel"),
        ("集采中标奖励取消了没有", "cancel"),
        ("取消的政策还能补吗", "cancel"),
        ("进度达到三期的新药能拿多少", "request_status"),
        ("返回苏州工作的人才有什么政策", "back_or_restart"),
        ("我们的产品有错误检测功能，能进产品目录吗", "correction"),
    ],
)
def test_a_word_of_another_wish_does_not_decide(text: str, never: str) -> None:
    found = read(text)
    assert never not in found.wishes
    assert found.scores[0].name != never


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("试验受试者招募哪家医院能合作", "clinical_trial"),
        ("受试者招募难，有医院可以做临床试验吗", "clinical_trial"),
        ("人工关节能放进产品目录吗", "product_directory"),
        ("有发明专利能拿多少奖励", "subsidy_precheck"),
        ("园区企业能申请信用贷款吗", "finance_support"),
    ],
)
def test_what_is_meant_is_seen_all_the_same(text: str, wish: str) -> None:
    assert read(text).wishes == (wish,)


@pytest.mark.parametrize("text", ["我们招募受试者花的钱能报多少", "企业给受试者的补偿有没有补贴"])
def test_a_company_that_asks_for_money_is_not_taken_for_a_patient(text: str) -> None:
    assert OUT not in read(text).wishes


@pytest.mark.parametrize("text", ["股票怎么买", "医保卡丢了怎么补办", "孩子上学怎么办", "附近有什么好吃的火锅店", "帮我写一首关于春天的诗"])
def test_what_is_ours_by_no_word_is_out_of_scope(text: str) -> None:
    found = read(text)
    assert found.wishes == (OUT,)
    assert found.between == ()


@pytest.mark.parametrize("text", ["", "😀", "鑫淼焱垚", "\u200b"])
def test_where_nothing_fits_there_is_no_wish(text: str) -> None:
    found = read(text)
    assert (found.wishes, found.parts, found.between) == ((), (), ())
    assert found.scores[0].name == OUT


class Ranks:
    """A matcher that says what it is told."""

    def __init__(self, **scores: float) -> None:
        self._scores = scores

    def rank(self, text: str, limit: int = 8) -> list[Match]:
        return [Match(name, score) for name, score in self._scores.items()][:limit]


def ranked(**scores: float) -> Reading:
    return wanting.read("一句话", replace(KNOWLEDGE, matcher=cast(Any, Ranks(**scores))))


def test_out_of_scope_wins_where_it_is_near() -> None:
    assert ranked(subsidy_precheck=0.6, out_of_scope=0.57).scores[0].name == OUT
    assert ranked(subsidy_precheck=0.6, out_of_scope=0.5).scores[0].name == "subsidy_precheck"


def test_a_little_behind_out_of_scope_leaves_an_intent_unsure() -> None:
    assert ranked(subsidy_precheck=0.6, out_of_scope=0.5).wishes == ()
    assert ranked(subsidy_precheck=0.6, out_of_scope=0.45).wishes == ("subsidy_precheck",), (
        "what may be out of scope counts only where it comes very near"
    )


@pytest.mark.parametrize(
    ("best", "following", "sure"),
    [(0.29, 0.0, False), (0.31, 0.0, True), (0.6, 0.48, False), (0.6, 0.46, True), (0.95, 0.9, False), (0.95, 0.88, True), (0.14, 0.0, False)],
)
def test_a_wish_needs_a_score_and_a_margin(best: float, following: float, sure: bool) -> None:
    found = ranked(subsidy_precheck=best, park_selection=following)
    assert found.wishes == (("subsidy_precheck",) if sure else ())
    assert (found.scores[0].name == OUT) == (best < wanting.FITS)


def test_a_message_hangs_between_three_at_most() -> None:
    found = reading(subsidy_precheck=0.5, park_selection=0.48, finance_support=0.45, ip_service=0.44)
    assert found.between == ("subsidy_precheck", "park_selection", "finance_support")


def test_a_message_hangs_between_none_where_one_is_clear_alone_or_small_talk() -> None:
    assert reading(subsidy_precheck=0.5, park_selection=0.3).between == (), "the other is too far behind"
    assert reading(subsidy_precheck=0.24, park_selection=0.23).between == (), "neither fits well"
    assert reading(greeting=0.5, park_selection=0.45).between == ()
    assert reading(subsidy_precheck=0.5, greeting=0.45).between == ()
    assert Reading((Score("subsidy_precheck", 0.5), Score("park_selection", 0.48)), ("subsidy_precheck",), ("x",)).between == ()
    assert Reading().between == ()


def test_words_for_two_wishes_hang_between_both() -> None:
    assert set(read("补贴和园区").between) == {"subsidy_precheck", "park_selection"}


@given(st.text(max_size=80))
def test_any_text_is_read_into_wishes_that_are_known_and_choices_that_are_few(text: str) -> None:
    found = read(text)
    assert found == read(text)
    assert len(found.wishes) == len(found.parts) <= 3
    assert len(set(found.wishes)) == len(found.wishes)
    assert set(found.wishes) <= set(KNOWLEDGE.intents)
    assert len(found.between) <= 3
    assert len(found.between) != 1 or found.scores[0].name == OUT, "one alone is offered only beside being out of scope"
    assert not (found.wishes and found.between)
    assert all(0 <= s.score <= 1 for s in found.scores)
