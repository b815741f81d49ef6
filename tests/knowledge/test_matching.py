"""Matching: what a sentence wants, by examples; the same on every machine, and never surer than it may be."""

from __future__ import annotations

import math
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge import loader
from knowledge.matching import Match, Matcher, features, mixed

ROOT = Path(__file__).parent.parent.parent
KNOWLEDGE = loader.load()
EXAMPLES: Mapping[str, Sequence[str]] = {
    "money": ["新药能拿多少补助", "太仓给多少补贴", "医疗器械补贴怎么算", "申报奖励要什么条件", "拿证之后有奖金吗"],
    "site": ["想租一间实验室", "哪个园区适合做试剂", "太仓有空厂房吗", "推荐一个产业园", "公司想搬过去落户"],
    "bye": ["再见", "谢谢你", "先这样吧", "好的，辛苦了", "回头再聊"],
    "weather": ["明天下雨吗", "上海天气怎么样", "今天多少度", "周末会不会降温", "外面风大不大"],
}
ALIKE = {"R": ("太仓", "徐州", "kunshan"), "E": ("上海", "北京", "杭州")}
SENTENCES = [text for texts in EXAMPLES.values() for text in texts]


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return Matcher(EXAMPLES, ALIKE)


def scores(matches: Sequence[Match]) -> dict[str, float]:
    return {m.label: m.score for m in matches}


@pytest.mark.parametrize("label", EXAMPLES)
def test_an_example_is_known_word_for_word(matcher: Matcher, label: str) -> None:
    for text in EXAMPLES[label]:
        best, *others = matcher.rank(text)
        assert (best.label, best.score) == (label, 1.0)
        assert best.near == matcher.bare(text)
        assert all(other.score < 1 for other in others)


def test_an_example_of_the_shipped_base_is_known_word_for_word() -> None:
    for intent in KNOWLEDGE.intents.values():
        for text in intent.examples[::9]:
            best = KNOWLEDGE.matcher.rank(KNOWLEDGE.read(text) if text.isascii() else text)[0]  # pinyin is known as it is read
            assert (best.label, best.score) == (intent.name, 1.0), text


@pytest.mark.parametrize(
    ("text", "label"), [("新药补助能拿多少呀", "money"), ("太仓哪个产业园适合落户", "site"), ("好的，谢谢，再见", "bye"), ("明天会降温吗", "weather")]
)
def test_other_words_for_the_same_are_understood(matcher: Matcher, text: str, label: str) -> None:
    assert matcher.rank(text)[0].label == label


def test_width_case_and_spaces_make_no_difference(matcher: Matcher) -> None:
    english = Matcher({"money": ["how much for a GMP plant", "any grant", "grants, please"], "bye": ["good bye", "see you", "thanks a lot"]})
    assert english.rank("How  much for a ＧＭＰ plant") == english.rank("how much for a gmp plant")
    assert english.rank("ＡＮＹ grant")[0].score == 1.0


@pytest.mark.parametrize(
    ("one", "other"), [("太仓给多少补贴", "徐州给多少补贴"), ("太仓有空厂房吗", "Kunshan有空厂房吗"), ("上海天气怎么样", "杭州天气怎么样")]
)
def test_places_that_count_as_one_word_are_read_alike(matcher: Matcher, one: str, other: str) -> None:
    assert matcher.rank(one) == matcher.rank(other)
    assert matcher.rank(other)[0].score == 1.0


def test_places_of_ours_and_of_others_are_not_one_word(matcher: Matcher) -> None:
    assert matcher.bare("太仓和上海") == "R和E"
    assert scores(matcher.rank("太仓天气怎么样"))["weather"] < scores(matcher.rank("北京天气怎么样"))["weather"]


def test_the_longest_of_names_counts_and_latin_ones_only_as_a_word() -> None:
    names = Matcher({"a": ["一", "二"], "b": ["三", "四"]}, {"R": ("苏州", "苏州高新区", "snd")})
    assert names.bare("苏州高新区的SND和snds") == "R的R和snds"


def test_industries_of_the_shipped_base_are_read_alike() -> None:
    assert KNOWLEDGE.matcher.rank("我们开饭店的，有补贴吗") == KNOWLEDGE.matcher.rank("我们开餐馆的，有补贴吗")


@pytest.mark.parametrize("text", ["", " ", "\u200b", "Ωψ", "鑫淼焱垚", "qwzx vvv"])
def test_a_text_in_which_nothing_is_known_wants_nothing(matcher: Matcher, text: str) -> None:
    assert [m for m in matcher.rank(text) if m.score > 0.3] == []
    assert not matcher.rank("") and not matcher.rank("鑫淼焱垚")


@pytest.mark.parametrize("text", ["补", "吗", "？", "。", "R", "E", "#", "1", "a", "的", "…", "😀", "园", "料"])
def test_a_single_character_is_never_sure(matcher: Matcher, text: str) -> None:
    """A scorer that looks for the shorter text in the longer gives it 90 of 100."""
    assert all(m.score < 0.7 for m in matcher.rank(text)), matcher.rank(text)
    assert all(m.score < 0.7 for m in KNOWLEDGE.matcher.rank(text)), KNOWLEDGE.matcher.rank(text)


@pytest.mark.parametrize("text", ["补", "园", "天气", "好的"])
def test_the_nearest_example_counts_by_how_much_of_both_is_the_same(matcher: Matcher, text: str) -> None:
    """Twice the characters in common of all characters, whatever the scorer's default is."""
    best = matcher.rank(text)[0]
    linear = math.fsum(share for _, share in matcher.reasons(text, best.label, 1000))
    near = (best.score - 0.7 * min(1.0, max(0.0, linear))) / 0.3
    assert near == pytest.approx(2 * len(text) / (len(text) + len(best.near)), abs=0.02)


@pytest.mark.parametrize("text", ["", "  ", "\u200b\u200b", "\u00ad"])
def test_what_normalises_to_nothing_fits_nothing(text: str) -> None:
    assert KNOWLEDGE.matcher.rank(text) == []


def test_two_builds_rank_alike(matcher: Matcher) -> None:
    again = Matcher(EXAMPLES, ALIKE)
    for text in (*SENTENCES, "太仓补贴", "今天搬家", "谢谢，多少钱"):
        assert again.rank(text) == matcher.rank(text)
        assert again.reasons(text, "money") == matcher.reasons(text, "money")


def test_a_build_in_another_process_ranks_alike(matcher: Matcher) -> None:
    """Python hashes texts differently in each process: nothing may depend on it."""
    code = f"from knowledge.matching import Matcher; m = Matcher({dict(EXAMPLES)!r}, {ALIKE!r}); print(m.rank('太仓补贴怎么拿'), m.reasons('太仓补贴怎么拿', 'money'))"
    for seed in ("0", "77"):
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed, "PYTHONUTF8": "1"}
        )
        assert done.stdout.strip() == f"{matcher.rank('太仓补贴怎么拿')} {matcher.reasons('太仓补贴怎么拿', 'money')}"


def test_the_order_of_the_labels_makes_no_difference(matcher: Matcher) -> None:
    turned = Matcher(dict(reversed(list(EXAMPLES.items()))), ALIKE)
    for text in (*SENTENCES, "太仓补贴", "周末租实验室"):
        assert turned.rank(text) == matcher.rank(text)


def test_the_order_of_the_examples_hardly_makes_one(matcher: Matcher) -> None:
    turned = Matcher({label: tuple(reversed(texts)) for label, texts in EXAMPLES.items()}, ALIKE)
    for text in SENTENCES:
        assert turned.rank(text)[0] == matcher.rank(text)[0]
    for text in ("太仓补贴能拿多少", "想在园区租厂房", "明天风大不大"):
        assert turned.rank(text)[0].label == matcher.rank(text)[0].label
        assert turned.rank(text)[0].score == pytest.approx(matcher.rank(text)[0].score, abs=0.2)


@given(st.text(max_size=50))
def test_any_text_is_ranked_between_nothing_and_all_best_first(text: str) -> None:
    found = KNOWLEDGE.matcher.rank(text, 6)
    assert len(found) <= 6
    assert len({m.label for m in found}) == len(found)
    assert [m.score for m in found] == sorted((m.score for m in found), reverse=True)
    assert all(0 <= m.score <= 1 for m in found)
    assert found == KNOWLEDGE.matcher.rank(text, 6)


def test_the_nearest_example_is_one_of_the_label(matcher: Matcher) -> None:
    for match in matcher.rank("太仓补贴怎么拿"):
        assert match.near in {"", *map(matcher.bare, EXAMPLES[match.label])}
    assert matcher.rank("太仓补贴怎么拿")[0].near


@given(st.lists(st.sampled_from(CHARACTERS := sorted({c for text in SENTENCES for c in text})), min_size=1, max_size=14))
def test_the_reasons_add_up_to_the_score_that_they_explain(characters: list[str]) -> None:
    """Where no example was compared, the score is the linear one alone; there `reasons` must explain all of it."""
    matcher, text = BUILT, "".join(characters)
    linear = matcher._linear(features(matcher.bare(text)))
    if linear is None:
        assert matcher.reasons(text, "money") == []
        return
    for label, value in zip(sorted(EXAMPLES), linear, strict=True):
        reasons = matcher.reasons(text, label, limit=1000)
        assert math.fsum(share for _, share in reasons) == pytest.approx(value, abs=0.0006 * (len(features(matcher.bare(text))) + 1))
        assert [abs(share) for _, share in reasons] == sorted((abs(share) for _, share in reasons), reverse=True)


BUILT = Matcher(EXAMPLES, ALIKE)


def test_a_label_that_is_not_compared_has_its_linear_score(matcher: Matcher) -> None:
    text = "今天太仓哪个园区补贴多少"
    last = matcher.rank(text)[-1]
    assert last.near == ""
    assert last.score == pytest.approx(0.7 * max(0.0, math.fsum(share for _, share in matcher.reasons(text, last.label, 1000))), abs=0.01)


def test_words_that_speak_for_a_label_are_named(matcher: Matcher) -> None:
    assert "补" in "".join(gram for gram, share in matcher.reasons("补贴有多少", "money") if share > 0)
    assert len(matcher.reasons("补贴有多少", "money", limit=2)) == 2
    assert matcher.reasons("补贴有多少", "no such label") == []


@pytest.mark.parametrize("size", [2, 40, 800])
def test_few_and_many_examples_both_train(size: int) -> None:
    """Of more than three thousand examples each is looked at once, of few three times."""
    words = {"药": "money", "园": "site", "雨": "weather", "谢": "bye"}
    examples = {label: [f"{word}{'甲乙丙丁戊'[n % 5]}{n}号{'上下左右'[n % 4]}" for n in range(size)] for word, label in words.items()}
    built = Matcher(examples)
    for word, label in words.items():
        best, following = built.rank(f"请说{word}戊")[:2]
        assert best.label == label
        assert best.score - following.score > 0.1


def test_an_example_of_two_labels_is_no_crash_and_one_of_the_two() -> None:
    built = Matcher({"a": ["你好", "早上好"], "b": ["你好", "晚安"]})
    assert built.rank("你好")[0].label in ("a", "b")
    assert built.rank("你好")[0].score == 1.0


def test_examples_without_a_single_gram_are_passed_over() -> None:
    built = Matcher({"a": ["", "\u200b", "你好"], "b": ["再见"]})
    assert built.rank("再见")[0].label == "b"
    assert built.rank("") == []


def test_a_gram_is_known_where_an_example_holds_it(matcher: Matcher) -> None:
    assert "补贴" in matcher
    assert "贴补" not in matcher


@settings(max_examples=30)
@given(st.dictionaries(st.sampled_from("abcd"), st.lists(st.text(alphabet="甲乙丙 1a?", min_size=1, max_size=6), min_size=1, max_size=4), min_size=2))
def test_whatever_the_examples_each_is_known_again(examples: dict[str, list[str]]) -> None:
    built = Matcher(examples)
    for label, texts in examples.items():
        for text in texts:
            found = built.rank(text)
            if features(built.bare(text)):
                assert found[0].score == 1.0
                assert found[0].label == label or any(built.bare(text) == built.bare(other) for other in examples[found[0].label])


def plainly(examples: Mapping[str, Sequence[str]], text: str) -> list[float]:
    """The same by the plain formulas, in floats: naive Bayes at the start, then three rounds of passive-aggressive updates."""
    labels = sorted(examples)
    rows = [(place, features(each)) for place, label in enumerate(labels) for each in examples[label]]
    seen = Counter(gram for _, grams in rows for gram in grams)
    together = Counter((gram, place) for place, grams in rows for gram in grams)
    usual = [
        math.log((sum(len(g) for p, g in rows if p == place) + len(seen)) / (sum(map(len, (g for _, g in rows))) + len(seen) * len(labels)))
        for place in range(len(labels))
    ]
    rare = {gram: math.log((len(rows) + 1) / (n + 0.5)) for gram, n in seen.items()}
    weights = {
        gram: [0.17 * rare[gram] * (math.log(together[gram, place] + 1) - math.log(n + len(labels)) - usual[place]) for place in range(len(labels))]
        for gram, n in seen.items()
    }
    order = list(range(len(rows)))
    for number in range(3):
        order.sort(key=lambda index: mixed(number, "".join(rows[index][1])))
        again = []
        for index in order:
            right, grams = rows[index]
            length = math.sqrt(sum(rare[gram] ** 2 for gram in grams))
            scores = [sum(weights[gram][place] for gram in grams) for place in range(len(labels))]
            best, rival = max((score, -place) for place, score in enumerate(scores) if place != right)
            margin = (scores[right] - best) / length
            if margin < 0.6:
                again.append(index)
            if margin < 1:
                for gram in grams:
                    change = min(0.5, (1 - margin) / 2) / length * rare[gram] ** 2
                    weights[gram][right] += change
                    weights[gram][-rival] -= change
        order = again
    known = [gram for gram in features(text) if gram in weights]
    length = math.sqrt(sum(rare[gram] ** 2 for gram in known))
    return [sum(weights[gram][place] for gram in known) / length for place in range(len(labels))]


@pytest.mark.parametrize("text", ["新药补贴", "哪个园区有空厂房", "谢谢", "明天上海下雨吗", "太仓给多少补贴"])
def test_it_is_the_plain_formula(text: str) -> None:
    assert Matcher(EXAMPLES)._linear(features(text)) == pytest.approx(plainly(EXAMPLES, text), abs=0.002)


def test_another_example_moves_only_what_it_speaks_of() -> None:
    """Examples are trained in an order of their own, which one more of them does not mix anew: what an admin adds changes nothing else."""
    examples: dict[str, list[str]] = {intent.name: list(intent.examples) for intent in KNOWLEDGE.intents.values()}
    before, after = Matcher(examples), Matcher({**examples, "thanks_bye": [*examples["thanks_bye"], "拜拜咯您嘞"]})
    moved = []
    for text in (f"请问{example}" for texts in examples.values() for example in texts[::40]):
        one, other = (built._linear(features(built.bare(text))) for built in (before, after))
        assert one is not None and other is not None
        moved.append(max(abs(a - b) for a, b in zip(one, other, strict=True)))
    assert len(moved) > 200
    assert sorted(moved)[len(moved) * 9 // 10] < 0.005


def test_how_often_a_label_is_meant_counts_only_where_it_is_wanted() -> None:
    """With `common`, the label of most examples is likelier; without, their number says nothing for a text that hardly tells."""
    many = {"a": [f"{one}{two}甲" for one in "东南西北" for two in "春夏秋冬"], "b": ["中乙", "中丙"], "c": ["下丁", "下戊"]}
    without, counted = (scores(Matcher(many, common=weight).rank("中甲")) for weight in (0.0, 25.0))
    assert counted["a"] - counted["b"] > without["a"] - without["b"]
    assert Matcher(many, common=25.0).rank("无") == []
    reasons = Matcher(many, common=25.0).reasons("中甲", "a")
    assert "▸ ◂" in dict(reasons) and dict(reasons)["▸ ◂"] > 0


def test_a_text_as_long_as_may_be_is_no_overflow() -> None:
    words = "".join(chr(0x4E00 + n) for n in range(6000))
    built = Matcher({"a": [words, "甲乙"], "b": [words[::-1], "丙丁"], "c": ["戊己"]})
    assert built.rank(words)[0] == Match("a", 1.0, words)
    assert built._linear(features(words)) == pytest.approx(
        plainly({"a": [words, "甲乙"], "b": [words[::-1], "丙丁"], "c": ["戊己"]}, words), abs=0.01
    )
