"""What can't be true together: it is asked which holds, and either way the talk goes on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from knowledge.contradictions import clashes
from knowledge.snapshot import Knowledge
from tests.dialogs.talking import Talking

TWO = "苏州高新区，两个三类证能拿多少"
PRECHECK = "苏州高新区补贴预审"


@pytest.fixture
def talk(knowledge: Knowledge) -> Talking:
    return Talking(knowledge)


def answers(talk: Talking) -> dict[str, str]:
    return dict(talk.state.frames[-1].answers)


@pytest.mark.parametrize(
    ("said", "before", "now", "key", "token"),
    [
        ([TWO, "第二个是一类新药"], "产品2：三类", "产品2：一类创新药", "product.2.drug_class", "class_1"),
        ([PRECHECK, "拿到药品批件了", "三类证一个"], "新取得药品注册批件", "三类", "product.1.class", "III"),
        ([PRECHECK, "我们还没注册", "我们是上市公司"], "还没注册", "上市公司", "stage", "listed"),
        (["苏州高新区，一个一类新药能拿多少", "产品1是三类证"], "一类创新药", "三类", "product.1.class", "III"),
        ([PRECHECK, "拿到注册证了", "一个一类新药"], "新取得医疗器械注册证", "一类创新药", "product.1.drug_class", "class_1"),
        ([TWO, "IND获批了"], "产品1：三类", "新药获批临床（IND）或在做临床", "events", "ind_approved"),
    ],
)
def test_what_was_said_before_and_what_is_said_now_are_named_and_either_can_be_taken(
    talk: Talking, said: list[str], before: str, now: str, key: str, token: str
) -> None:
    for words in said:
        talk.say(words)
    assert f"您之前说的“{before}”和现在说的“{now}”不能同时成立，按哪个算？" in talk.text
    assert [o.label for o in talk.options] == [f"按“{now}”算", f"还是“{before}”"]
    assert answers(talk).get(key) != token, "until it is settled, what was said before holds"
    for label in (f"按“{now}”算", f"还是“{before}”"):
        for settled in (replace(talk).tap(label), replace(talk).say(label), replace(talk).say("是的" if label.startswith("按") else "不是")):
            assert (answers(settled).get(key) == token) == label.startswith("按")
            assert not list(clashes({k: v for k, v in answers(settled).items() if k != "enough"}, talk.knowledge.facts))
            assert settled.asking is not None
            assert "不能同时成立" not in settled.text


@pytest.mark.parametrize(
    ("said", "labels", "key", "tokens"),
    [
        ("还没注册，是上市公司", ["按“还没注册”算", "按“上市公司”算"], "stage", ("not_registered", "listed")),
        ("还没注册，是高企", ["按“还没注册”算", "按“高新技术企业”算"], "stage", ("not_registered", "hnte")),
    ],
)
def test_of_two_things_said_at_once_neither_holds_until_one_is_chosen(
    talk: Talking, said: str, labels: list[str], key: str, tokens: tuple[str, str]
) -> None:
    talk.say(PRECHECK).say(said)
    assert "不能同时成立，按哪个算？" in talk.text
    assert [o.label for o in talk.options] == labels
    assert key not in answers(talk)
    assert key not in talk.state.profile
    for label, token in zip(labels, tokens, strict=True):
        settled = replace(talk).tap(label)
        assert answers(settled)[key] == token
        assert settled.asking is not None


def test_an_event_and_a_class_said_at_once_are_asked(talk: Talking) -> None:
    talk.say(PRECHECK).say("新取得药品注册批件，三类证一个")
    assert "“三类”和“新取得药品注册批件”不能同时成立" in talk.text
    assert not {"events", "product.1.class"} & answers(talk).keys()
    assert answers(replace(talk).say("三类"))["product.1.class"] == "III"
    assert answers(talk.say("按“新取得药品注册批件”算"))["events"] == "new_drug_approval"


def test_what_is_corrected_in_so_many_words_is_not_asked(talk: Talking) -> None:
    talk.say(TWO).say("不对，第二个是一类新药")
    assert "不能同时成立" not in talk.text
    assert talk.text.startswith("好，改成“产品2：一类创新药”")
    assert answers(talk)["product.2.drug_class"] == "class_1"
    assert "product.2.class" not in answers(talk)


def test_what_else_was_said_beside_is_kept(talk: Talking) -> None:
    talk.say(TWO).say("第二个是一类新药，第一个是2021年的")
    assert talk.text.startswith("记下了：产品1：2021年。")
    assert answers(talk)["product.1.year"] == "2021"


def test_a_question_in_between_leaves_what_was_said_before(talk: Talking) -> None:
    talk.say(TWO).say("第二个是一类新药").say("娄城贷是什么")
    assert answers(talk)["product.2.class"] == "III"
    assert talk.asking is not None


def test_where_nothing_else_is_open_it_is_put_once_more(talk: Talking) -> None:
    talk.say(TWO).say("先看结果").say("第二个是一类新药")
    assert "不能同时成立" in talk.text
    talk.say("娄城贷是什么")
    assert "不能同时成立" in talk.text
    talk.tap("按“产品2：一类创新药”算")
    assert answers(talk)["product.2.drug_class"] == "class_1"
    assert "预审" in talk.text


@pytest.mark.parametrize("payload", ["!hold:9.stage=listed", "!hold:1.stage=nonsense", "!hold:1.product.7.class=III", "!hold:", "!hold:1.nothing=x"])
def test_a_forged_or_stale_button_settles_nothing(talk: Talking, payload: str) -> None:
    before = answers(talk.say(TWO))
    talk.send(payload)
    assert answers(talk) == before


@pytest.mark.parametrize(
    "said",
    [
        [TWO, "第二个是二类"],
        [TWO, "拿到注册证了，IND也获批了"],
        ["苏州高新区，拿到三类证了能拿多少", "还没有产品"],
        [PRECHECK, "一个三类证，一个一类新药"],
        [PRECHECK, "新取得医疗器械注册证，IND也获批了"],
        [PRECHECK, "我们是高企，也是专精特新"],
        [PRECHECK, "还没注册，是初创企业"],
        [TWO, "第二个是二类，不是三类"],
    ],
)
def test_what_may_be_so_is_not_asked(talk: Talking, said: list[str]) -> None:
    for words in said:
        talk.say(words)
    assert "不能同时成立" not in talk.text


def test_in_english_it_is_asked_too(talk: Talking) -> None:
    talk.say(TWO).say("the second one is a class 1 drug")
    assert "can't be true together" in talk.text
