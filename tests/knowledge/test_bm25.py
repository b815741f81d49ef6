"""Passage search: the formula is the plain one, the shortcuts change nothing that counts, and what stands nowhere stays low."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge import bm25
from knowledge.bm25 import Bm25, grams, tokens

PASSAGES = (
    "对新获得三类医疗器械注册证的企业，每个产品最高奖励300万元。",
    "支持企业建设共享实验室，按设备投入的30%补助，三年内有效。",
    "引进顶尖人才团队，一事一议，最高给予1亿元综合资助。",
    "设立天使投资基金，总规模10亿元，首期到账2亿元。",
    "由市市场监管局牵头，建立审评审批绿色通道，D级特殊物品由海关办理。",
    "鼓励医院开展GCP临床试验，每个机构一次性补贴50万元。",
    "The park offers shared labs and CRO services under one roof.",
)


@pytest.fixture(scope="module")
def index() -> Bm25:
    return Bm25(PASSAGES)


@pytest.mark.parametrize(
    ("question", "place"),
    [
        ("三类注册证奖励多少", 0),
        ("共享实验室怎么补助", 1),
        ("顶尖人才团队给多少钱", 2),
        ("天使基金有多大", 3),
        ("绿色通道哪个局牵头", 4),
        ("做临床试验有没有补贴", 5),
        ("which CRO services are there", 6),
        ("GCP", 5),
        ("30%", 1),
    ],
)
def test_the_right_passage_comes_first(index: Bm25, question: str, place: int) -> None:
    (best, score), *others = index.search(question)
    assert best == place
    assert all(score > other for _, other in others)


@pytest.mark.parametrize(
    ("asking", "plain"),
    [
        ("请问什么时候三类注册证奖励呢", "三类注册证奖励"),
        ("三类注册证奖励是多少？", "三类注册证奖励是"),
        ("who offers shared labs", "offers shared labs"),
        ("共享实验室怎么样", "共享实验室"),
    ],
)
def test_words_of_asking_do_not_count(index: Bm25, asking: str, plain: str) -> None:
    assert index.search(asking) == index.search(plain)


@pytest.mark.parametrize("nothing", ["", " ", "什么时候", "多少呢", "who is where", "？！。", "_", "鑫淼焱垚", "zzz"])
def test_a_text_that_says_nothing_finds_nothing(index: Bm25, nothing: str) -> None:
    assert index.search(nothing) == []
    assert Bm25.clear(index.search(nothing)) == 0.0


def test_only_places_among_those_allowed_are_found(index: Bm25) -> None:
    everything = dict(index.search("企业最高奖励补贴"))
    assert len(everything) > 2
    for allowed in ({0}, {0, 5}, {6}, set(), set(range(100))):
        found = index.search("企业最高奖励补贴", among=allowed)
        assert {place for place, _ in found} == allowed & set(everything)
        assert all(score == everything[place] for place, score in found), "what else there is changes no score"


def test_as_many_as_asked_for_are_given(index: Bm25) -> None:
    assert index.search("企业最高奖励补贴", 1) == index.search("企业最高奖励补贴")[:1]
    many = Bm25([f"补贴第{n}号" for n in range(60)])
    assert len(many.search("补贴", 50)) == 50


def test_equals_come_in_the_order_of_their_places() -> None:
    assert [place for place, _ in Bm25(["甲乙丙", "丁", "甲乙丙", "甲乙丙"]).search("甲乙丙")] == [0, 2, 3]


def test_how_clearly_one_answers_is_low_for_what_stands_nowhere(index: Bm25) -> None:
    answered = [Bm25.clear(index.search(q)) for q in ("三类医疗器械注册证奖励", "顶尖人才团队综合资助", "审评审批绿色通道牵头", "天使投资基金总规模")]
    nowhere = [Bm25.clear(index.search(q)) for q in ("比特币每天涨跌怎么预测", "孩子上学学区房政策", "火锅底料配方最好吃", "企业出口退税的申报期限")]
    assert min(answered) > 2 * max(nowhere)


def test_how_clearly_one_answers_counts_the_lead() -> None:
    assert Bm25.clear([]) == 0.0
    assert Bm25.clear([(3, 0.4)]) == pytest.approx(0.8)
    assert Bm25.clear([(3, 0.4), (1, 0.3), (2, 0.3)]) == pytest.approx(0.5)


def test_a_single_common_word_is_never_sure() -> None:
    common = Bm25(["补贴", "补贴企业", "补贴人才", "补贴房租"])
    assert max(score for _, score in common.search("补贴")) < 0.3


@pytest.mark.parametrize("texts", [(), ("",), ("", "。，")])
def test_an_index_of_nothing_finds_nothing(texts: Sequence[str]) -> None:
    empty = Bm25(texts)
    assert empty.search("补贴") == []
    assert "补贴" not in empty
    assert empty.rarity("补贴") > 0 or not texts


def test_latin_words_and_numbers_are_tokens_of_their_own() -> None:
    assert tokens("d级gcp药房,300万元 b_2") == ["d", "级", "gcp", "药", "房", "300", "万", "元", "b", "2"]
    assert grams(["gcp", "药", "房", "300"]) == ["gcp 药", "药房", "房 300", "gcp", "300"]
    assert grams([]) == []
    assert grams(["药"]) == []


def test_a_number_is_not_a_part_of_a_longer_one() -> None:
    sums = Bm25(["最高300万元", "最高3000万元", "最高30万元"])
    assert [place for place, score in sums.search("3000") if score > 0.05] == [1]


def test_a_rare_pair_weighs_more_than_a_common_one(index: Bm25) -> None:
    assert index.rarity("鑫淼") > index.rarity("海关") > index.rarity("企业")
    assert "海关" in index and "关海" not in index


def test_width_and_case_make_no_difference(index: Bm25) -> None:
    assert index.search("ＧＣＰ临床") == index.search("gcp临床") != []


def plain(texts: Sequence[str], question: str) -> dict[int, float]:
    """Okapi BM25 over pairs and, at less weight, single tokens, as it stands in the books; for texts of Chinese characters without words of asking."""
    k1, b, single, prior = 0.9, 0.4, 0.7, 6.0
    pairs = [Counter(text[i : i + 2] for i in range(len(text) - 1)) for text in texts]
    mean = sum(map(len, texts)) / len(texts) or 1.0

    def idf(holders: int) -> float:
        return math.log(1 + (len(texts) - holders + 0.5) / (holders + 0.5))

    asked = [(1.0, {question[i : i + 2] for i in range(len(question) - 1)}, pairs), (single, set(question), [Counter(t) for t in texts])]
    most, scores = prior, dict.fromkeys(range(len(texts)), 0.0)
    for weight, wanted, counts in asked:
        for gram in wanted:
            rarity = weight * idf(sum(gram in own for own in counts))
            most += rarity
            for place, own in enumerate(counts):
                norm = k1 * (1 - b + b * len(texts[place]) / mean)
                scores[place] += rarity * own[gram] * (k1 + 1) / (own[gram] + norm)
    shares_a_pair = {place for place, own in enumerate(pairs) if any(gram in own for gram in asked[0][1])}
    return {place: score / (most * (k1 + 1)) for place, score in scores.items() if place in shares_a_pair}


LETTERS = "".join(chr(0x4E00 + n) for n in (1, 3, 7, 8, 10, 11))
corpora = st.lists(st.text(alphabet=LETTERS, max_size=14), min_size=1, max_size=20)


@given(corpora, st.text(alphabet=LETTERS, max_size=10))
def test_it_is_the_plain_formula(texts: list[str], question: str) -> None:
    """Up to twenty passages, all are candidates: each pair and each single character is weighed."""
    expected = plain(texts, question)
    found = Bm25(texts).search(question, 20)
    assert {place for place, _ in found} == set(expected)
    for place, score in found:
        assert score == pytest.approx(expected[place], rel=1e-5)
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)


@given(corpora, st.text(alphabet=LETTERS, max_size=10), st.sets(st.integers(0, 19)))
def test_any_score_is_a_share_of_the_highest_possible(texts: list[str], question: str, among: set[int]) -> None:
    found = Bm25(texts).search(question, 5, among)
    assert all(0 < score < 1 and place in among for place, score in found)
    assert found == Bm25(texts).search(question, 5, among)


def test_single_characters_are_weighed_for_the_best_candidates_only() -> None:
    """The twenty best by their pairs are put in order by single characters; one behind them is not called up by those."""
    texts = [*["一三丁丁丁丁"] * 25, "一三丙七丙八"]
    assert Bm25(texts).search("七一三八", 40)[0][0] == 25, "where so many are asked for, all are candidates"
    assert 25 not in dict(Bm25(texts).search("七一三八", 10))


def test_a_common_pair_costs_no_more_than_a_fixed_number_of_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rarest pairs are looked at first; where the entries are used up, what is most common counts no more."""
    texts = ["补贴企业"] * 40 + ["补贴海关"]
    full = dict(Bm25(texts).search("补贴海关", 50))
    assert len(full) == 41
    monkeypatch.setattr(bm25, "_ENTRIES", 1)
    assert [place for place, _ in Bm25(texts).search("补贴海关", 50)] == [40]


@settings(max_examples=20)
@given(st.text(max_size=40), st.lists(st.text(max_size=30), max_size=6))
def test_any_text_can_be_looked_for_in_any(question: str, texts: list[str]) -> None:
    for place, score in Bm25(texts).search(question):
        assert 0 <= place < len(texts)
        assert 0 < score < 1
