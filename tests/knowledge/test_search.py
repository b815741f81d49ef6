"""Search: a record is found by its name, a question about something else finds nothing worth saying."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge import loader
from knowledge.records import QuestionAnswer, Record
from knowledge.search import Hit, Search
from knowledge.snapshot import Answerable, Knowledge

KNOWLEDGE = loader.load()
NAMED = ("supports", "parks", "channels", "layouts", "clauses", "indicators")
SHARED = {
    "高新区": {"ks-high-tech-zone", "tc-district-hitech", "xz-park-hightech"},
    "研发费用加计扣除": {"ks-rd-deduction", "snd-tax-rd"},
    "企业博士后工作站支持": {"sz-postdoc", "tc-postdoc"},
    "指导思想": {"tc-guiding", "xz-guiding"},
    "每年滚动筛选潜力地标企业": {"snd-ind-landmark-yearly", "sz-ind-landmark"},
}
"""Names that several regions share, without the region's name: only the region tells them apart."""


def records(*kinds: str) -> Iterator[Record]:
    for kind in kinds:
        yield from getattr(KNOWLEDGE, kind).values()


def own(hits: list[Hit], record: Answerable) -> Hit:
    found = next((h for h in hits if h.record.id == record.id), None)
    assert found, f"{record.id} is not among {[h.record.id for h in hits]}"
    return found


@pytest.mark.parametrize("kind", NAMED)
def test_a_name_finds_its_record_before_all_others_of_the_region(kind: str) -> None:
    for record in records(kind):
        hits = KNOWLEDGE.search.find(record.name, (record.region,), limit=28)
        found = own(hits, record)
        assert (found.title, found.score) == (1.0, 1.0), (record.id, record.name)
        assert hits[0].score == found.score


@pytest.mark.parametrize("kind", ["supports", "parks", "channels"])
def test_only_a_record_that_is_called_so_too_stands_beside_it(kind: str) -> None:
    """Two records of a region may answer to one name (创新券 and its question); then both are exact."""
    content = KNOWLEDGE.search.content
    for record in records(kind):
        for hit in KNOWLEDGE.search.find(record.name, (record.region,), limit=28):
            if hit.score == 1.0 and hit.record.id != record.id:
                names = hit.record.ask if isinstance(hit.record, QuestionAnswer) else (hit.record.name, *hit.record.aliases)
                assert content(record.name) in map(content, names), (record.id, hit.record.id)


@pytest.mark.parametrize("kind", NAMED)
def test_a_name_finds_its_record_without_a_region_too(kind: str) -> None:
    for record in records(kind):
        assert own(KNOWLEDGE.search.find(record.name, limit=28), record).score == 1.0


def test_names_shared_by_regions_are_known() -> None:
    """Whoever adds one more sees here that it needs its region to be told apart."""
    called: dict[str, set[str]] = defaultdict(set)
    for record in records(*NAMED):
        called[KNOWLEDGE.search.content(record.name)].add(record.id)
    assert {name: ids for name, ids in called.items() if len(ids) > 1} == SHARED


def test_every_other_name_and_every_phrasing_finds_its_record() -> None:
    for record in KNOWLEDGE.answerable():
        for title in record.ask if isinstance(record, QuestionAnswer) else record.aliases:
            hits = KNOWLEDGE.search.find(title, (record.region,), limit=28)
            assert own(hits, record).score == hits[0].score == 1.0, (record.id, title)


@pytest.mark.parametrize("name", ["苏州科技城", "苏州科技城怎么样？", "请问苏州科技城在哪里", "浒墅关有什么"])
def test_a_park_that_lends_its_region_a_name_is_still_found(name: str) -> None:
    assert KNOWLEDGE.search.find(name)[0].record.id in ("snd-kejicheng", "snd-xushuguan")


@pytest.mark.parametrize(
    "nonsense",
    [
        "今天天气怎么样", "帮我写一首诗", "红烧肉怎么做", "你喜欢看电影吗", "asdfghjkl", "123456", "比特币今天多少钱", "世界杯谁赢了",
        "怎么追女朋友", "讲个笑话", "附近哪里有好吃的火锅", "明天去上海的火车", "hello world", "股票推荐一只", "帮我订机票", "我家猫生病了",
        "高考志愿怎么填", "唐朝有几个皇帝", "How do I bake bread?", "手机屏幕碎了哪里修",
    ],
)  # fmt: skip
def test_nonsense_scores_low(nonsense: str) -> None:
    for hit in KNOWLEDGE.search.find(nonsense):
        assert hit.score < 0.28, (hit.record.id, hit.score)  # what is surely out of scope is answered from there on
        assert hit.title < 0.35


@pytest.mark.parametrize("empty", ["", " ", "？？", "😀😀", "的", "。，！", "\u200b"])
def test_an_empty_question_finds_nothing(empty: str) -> None:
    assert KNOWLEDGE.search.find(empty) == []


@pytest.mark.parametrize(
    ("question", "region", "expected"),
    [
        ("三类证能补多少", "snd", "snd-device-iii"),
        ("集采中标有没有奖励", "suzhou", "sz-procurement-win"),
        ("联合攻关最多给多少钱", "suzhou", "sz-joint-rd"),
        ("顶尖人才团队一个亿", "taicang", "tc-top-team"),
        ("昆科贷", "kunshan", "ks-kunkedai"),
        ("东湖医学产业园怎么样", "xuzhou", "xz-park-donghu"),
    ],
)
def test_plain_questions(question: str, region: str, expected: str) -> None:
    about = {h.record.id for h in KNOWLEDGE.search.find(question, (region,))[:3]}
    about |= {a for h in KNOWLEDGE.search.find(question, (region,))[:3] if isinstance(h.record, QuestionAnswer) for a in h.record.about}
    assert expected in about


def test_only_the_regions_asked_for() -> None:
    for region in KNOWLEDGE.regions:
        assert {h.record.region for h in KNOWLEDGE.search.find("注册证补贴", (region,))} <= {region}
    assert {h.record.region for h in KNOWLEDGE.search.find("补贴", ("snd", "suzhou"), limit=28)} == {"snd", "suzhou"}


def test_greetings_question_words_and_regions_do_not_count() -> None:
    content = KNOWLEDGE.search.content
    assert content("您好，请问太仓有没有创新券？") == content("创新券") == "创新券"
    assert content("有没有") == "有没有", "unless nothing else is left"


def test_an_index_of_nothing_finds_nothing(knowledge: Knowledge) -> None:
    assert Search(()).find("创新券") == []
    one = Search([knowledge.supports["tc-voucher"]])
    assert [(h.record.id, h.score) for h in one.find("创新券")] == [("tc-voucher", 1.0)]


@given(st.text(max_size=80), st.sets(st.sampled_from(sorted(KNOWLEDGE.regions))))
def test_any_text_is_scored_between_nothing_and_all(text: str, regions: set[str]) -> None:
    hits = KNOWLEDGE.search.find(text, regions)
    assert hits == KNOWLEDGE.search.find(text, regions)
    assert [h.score for h in hits] == sorted((h.score for h in hits), reverse=True)
    for hit in hits:
        assert 0 <= hit.title <= 1
        assert 0 < hit.score <= 1
        assert not regions or hit.record.region in regions


@given(st.sampled_from(sorted(KNOWLEDGE.supports)), st.sampled_from(["请问{}是什么", "我想了解一下{}", "{}怎么申请啊", "你好，{}有哪些？"]))
def test_courtesies_around_a_name_do_no_harm(key: str, phrase: str) -> None:
    record = KNOWLEDGE.supports[key]
    hits = KNOWLEDGE.search.find(phrase.format(record.name), (record.region,), limit=28)
    assert own(hits, record).score >= 0.24
    assert own(hits, record).score >= hits[0].score - 0.3
