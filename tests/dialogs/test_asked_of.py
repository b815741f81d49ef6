"""Questions about the result of a finished pre-check are answered from that result, and a what-if changes nothing by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from dialogs.turns import LOCAL
from knowledge.snapshot import Knowledge
from tests.dialogs.talking import Talking

IN_2022 = datetime(2022, 6, 1, 12, tzinfo=LOCAL)
LOCAL_MADE, RESEARCH, CLASS_III = "新器械注册证产业化支持", "第二类医疗器械研发费资助", "第三类医疗器械注册证书资助"
FOREIGN = "年到账外资项目“一事一议”重点支持"


@pytest.fixture
def done(knowledge: Knowledge) -> Talking:
    """A pre-check of a company in 苏州高新区 that has one certificate of class II."""
    return Talking(knowledge, now=IN_2022).say("苏州高新区 刚拿了一个二类证").say("先看结果")


@pytest.fixture
def short(knowledge: Knowledge) -> Talking:
    """A pre-check in which a condition on a sum fails."""
    return Talking(knowledge, now=IN_2022).say("苏州高新区 今年到账外资2000万美元").say("先看结果")


def answers(talk: Talking) -> dict[str, str]:
    return dict(talk.state.frames[-1].answers)


def labels(talk: Talking) -> list[str]:
    return [o.label for o in talk.options]


@pytest.mark.parametrize("words", ["还差什么", "差什么？", "缺什么条件", "怎么才能拿到", "我们还缺哪些条件", "还要满足什么条件", "what is missing?"])
def test_what_is_missing_is_told_for_the_supports_in_reach(done: Talking, words: str) -> None:
    said = done.text
    done.say(words)
    assert LOCAL_MADE in done.text
    assert RESEARCH in done.text
    assert CLASS_III not in done.text
    assert "还不知道：" in done.text or "Not known yet:" in done.text
    assert all(line in said for line in done.text.splitlines() if line.startswith("  还不知道")), "in the words of the report"
    assert {c.document for r in done.replies for c in r.citations} == {"snd-2020", "suzhou-2021"}


def test_no_more_than_four_supports_are_told_at_once(knowledge: Knowledge) -> None:
    talk = Talking(knowledge, now=IN_2022).say("苏州高新区，一个一类新药在做二期临床，一个三类证，今年外资到账").say("先看结果")
    for words in ("还差什么", "什么会改变结果", "为什么不符合"):
        assert sum(line.startswith("· ") for line in talk.say(words).text.splitlines()) <= 4


def test_once_the_windows_are_over_what_is_not_known_is_told_with_that(knowledge: Knowledge) -> None:
    talk = Talking(knowledge).say("苏州高新区 刚拿了一个二类证").say("先看结果").say("还差什么")
    assert LOCAL_MADE in talk.text
    assert "今天是否延续需要核实" in talk.text


def test_where_nothing_is_missing_it_says_so(knowledge: Knowledge) -> None:
    talk = Talking(knowledge, now=IN_2022).say("苏州高新区补贴预审").say("先看结果").say("还差什么")
    assert "没有还差条件的，也没有还不清楚的。" in talk.text


@pytest.mark.parametrize(
    "words",
    [f"{CLASS_III}为什么不符合", f"为什么{CLASS_III}不行", "为什么没有三类的", "三类的为什么拿不到", "三类证为啥没有", "why do we not get class III"],
)
def test_why_not_names_the_condition_that_fails_and_whether_it_can_be_mended(done: Talking, words: str) -> None:
    done.say(words)
    assert CLASS_III in done.text
    assert "第三类医疗器械产品（改不了）" in done.text or "Missing (1):" in done.text
    assert RESEARCH not in done.text


@pytest.mark.parametrize("words", ["为什么不符合", "为什么都不符合？", "怎么不符合", "为什么"])
def test_why_not_without_a_name_tells_what_is_near_and_counts_the_rest(done: Talking, short: Talking, words: str) -> None:
    done.say(words)
    assert "没有差着条件、又能补上的。" in done.text
    assert "不符合的 " in done.text
    assert "看每一条的依据" in labels(done)
    short.say(words)
    assert FOREIGN in short.text
    assert "（可以补上）" in short.text


def test_what_does_not_fail_is_said_to_stand_as_it_does(done: Talking) -> None:
    assert "可能符合" in done.say("第二类医疗器械资助为什么不符合").text


@pytest.mark.parametrize("words", ["什么会改变结果", "怎样会变", "怎么会变", "哪些情况会改变结果", "what would change the result?"])
def test_what_would_change_the_result_is_told_of_what_is_near(short: Talking, words: str) -> None:
    short.say(words)
    assert FOREIGN in short.text
    assert "差 1 项：单个项目年到账外资金额超过3000万美元（可以补上）" in short.text or "Missing (1):" in short.text


@pytest.mark.parametrize("words", ["要多少才行", "差多少", "还差多少钱", "到账多少才够"])
def test_how_much_it_takes_is_the_bound_of_the_condition(short: Talking, done: Talking, words: str) -> None:
    short.say(words)
    assert "单个项目年到账外资金额超过3000万美元（您说的是 2000万美元）" in short.text
    assert "没有哪一项还差在金额上" in done.say(words).text


@pytest.mark.parametrize(
    ("words", "gained", "key", "token"),
    [
        ("如果是三类呢", CLASS_III, "product.1.class", "III"),
        ("要是三类呢？", CLASS_III, "product.1.class", "III"),
        ("假如是三类证的话会怎么样", CLASS_III, "product.1.class", "III"),
        ("what if it is class III", CLASS_III, "product.1.class", "III"),
        ("要是再多一个三类呢", CLASS_III, "product.2.class", "III"),
        ("如果到账4000万美元", FOREIGN, "foreign_cash_year", "40000000 USD"),
        ("要是在本地产业化呢", LOCAL_MADE, "product.1.local", "yes"),
    ],
)
def test_a_what_if_tells_the_difference_and_is_taken_over_only_by_its_button(done: Talking, words: str, gained: str, key: str, token: str) -> None:
    before = answers(done)
    done.say(words)
    assert gained in done.text
    assert answers(done) == before
    assert all(r.citations for r in done.replies)
    take, leave = labels(done)
    assert answers(replace(done).tap(leave)) == before
    assert answers(replace(done).say(leave)) == before
    for changed in (replace(done).tap(take), replace(done).say(take)):
        assert answers(changed)[key] == token
        assert gained in changed.text
    stale = done.options[0].payload
    assert answers(done.say("还差什么").send(stale)) == before, "an old button changes nothing"
    assert len(done.replies) == 1


def test_a_what_if_tells_what_falls_away_and_what_the_sum_would_be(done: Talking) -> None:
    done.say("如果是三类呢")
    assert "不再是可能符合的 1 项：第二类医疗器械资助" in done.text
    assert "现在最高50万元，会变成最高300万元" in done.text
    assert "会变成最高350万元" in done.say("要是再多一个三类呢").text
    assert "会变成最高150万元" in done.say("如果我们有三个二类证呢").text
    assert done.replies[0].citations
    assert "结果不变。" in done.say("如果是二类呢").text
    assert "2021年" in done.say("要是2021年拿的证呢").text


def test_a_sum_alone_is_that_of_the_condition_in_reach(short: Talking) -> None:
    short.say("如果是4000万美元呢")
    assert f"可能符合的 1 项：{FOREIGN}" in short.text
    assert answers(short)["foreign_cash_year"] == "20000000 USD"


def test_what_can_not_be_beside_the_answers_is_said(done: Talking) -> None:
    before = answers(done)
    done.say("如果是一类新药呢")
    assert "不能同时成立" in done.text
    assert answers(done) == before


def test_of_several_products_it_is_said_which_is_meant(done: Talking) -> None:
    done.say("要是再多一个三类呢").tap("就按这个改")
    assert "产品1、产品2里的哪一个" in done.say("如果是一类呢").text
    assert "产品1：三类、产品2：三类" in done.say("如果产品1是三类呢").text
    done.say("产品1还差什么")
    assert "（产品1）" in done.text
    assert "（产品2）" not in done.text


@pytest.mark.parametrize(
    "words", ["昆山还差什么", "太仓为什么没有三类的", "娄城贷还差什么", "缺什么材料", "怎么申请", "为什么没有电话", "如果没拿到能退钱吗"]
)
def test_a_question_of_another_place_or_of_a_record_is_none_of_the_result(done: Talking, words: str) -> None:
    before = answers(done)
    done.say(words)
    assert "!basis" not in "".join(o.payload for o in done.options)
    assert "试算" not in done.text
    assert answers(done) == before


def test_cancelling_leaves_the_result_as_ever(done: Talking) -> None:
    assert not done.say("取消").state.frames
    assert "!basis" not in "".join(o.payload for o in done.say("还差什么").options)


def test_without_a_finished_pre_check_nothing_is_asked_of_it(knowledge: Knowledge) -> None:
    for lead in ([], ["苏州高新区补贴预审"], ["苏州高新区 刚拿了一个二类证"], ["选园区"]):
        talk = Talking(knowledge, now=IN_2022)
        for words in lead:
            talk.say(words)
        for words in ("还差什么", "为什么不符合", "如果是三类呢"):
            assert "!so:" not in "".join(o.payload for o in talk.say(words).options)
            assert "不符合的" not in talk.text


def test_what_is_told_of_a_what_if_is_what_the_change_comes_to(done: Talking) -> None:
    def fitting() -> set[str]:
        return {key.partition(":")[0] for key, status in done.state.frames[-1].digest if status.startswith("met")}

    before = fitting()
    told = next(line for line in done.say("如果是三类呢").text.splitlines() if "多出可能符合的" in line)
    done.tap("就按这个改")
    come = [done.knowledge.record(i) for i in fitting() - before]
    assert f" {len(come)} 项" in told
    assert all(record is not None and getattr(record, "name", "?") in told for record in come)
