"""Spelling: what is misspelt, traditional or typed as pinyin is read as it was meant, and nothing else is touched."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge import loader
from knowledge.snapshot import ANSWERABLE, Knowledge
from knowledge.spelling import Speller
from knowledge.values import normalise

KNOWLEDGE = loader.load()
EXAMPLES = [text for intent in KNOWLEDGE.intents.values() for text in intent.examples]
NAMED = [
    name
    for kind in ("regions", "segments", "parks", "layouts", "supports", "services", "channels")
    for record in getattr(KNOWLEDGE, kind).values()
    for name in (record.name, *record.aliases)
]
CHARACTERS = sorted({character for text in EXAMPLES for character in text})
LATIN = re.compile(r"[a-z]+")


def small(wrong: dict[str, str] | None = None, words: tuple[str, ...] = (), heard: tuple[str, ...] = (), seen: str = "") -> Speller:
    """A speller of a few words; two characters that stand side by side in `seen` are no misspelling."""
    return Speller(wrong or {}, words, heard, lambda pair: pair in seen)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("請問太倉有什麼補貼", "请问太仓有什么补贴"),
        ("崑山的園區", "昆山的园区"),
        ("三類醫療器械註冊證", "三类医疗器械注册证"),
        ("婁城貸", "娄城贷"),
        ("貸款找誰辦", "贷款找谁办"),
    ],
)
def test_traditional_characters_are_read_as_simplified_ones(written: str, meant: str) -> None:
    assert KNOWLEDGE.read(written) == meant


@pytest.mark.parametrize(
    ("written", "meant"), [("泰仓有神马补贴钱", "太仓有什么补贴"), ("坤山的园区", "昆山的园区"), ("集彩中标", "集采中标"), ("医疗机械", "医疗器械")]
)
def test_a_known_misspelling_is_put_right(written: str, meant: str) -> None:
    assert KNOWLEDGE.read(written) == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("太苍有补帖吗", "太仓有补贴吗"),
        ("三雷器械", "三类器械"),
        ("园驱在哪", "园区在哪"),
        ("苏洲和徐洲", "苏州和徐州"),
        ("楼城贷怎么办", "娄城贷怎么办"),
        ("独脚兽企业", "独角兽企业"),
        ("临窗试验", "临床试验"),
        ("转任工", "转人工"),
        ("苏州高新驱", "苏州高新区"),
    ],
)
def test_other_characters_of_the_same_sound_are_read_as_the_word_they_stand_for(written: str, meant: str) -> None:
    assert KNOWLEDGE.read(written) == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("taicang you shenme butie", "太仓有什么补贴"),
        ("tai cang you shen me bu tie", "太仓有什么补贴"),
        ("TaiCang", "太仓"),
        ("我想去kunshan", "我想去昆山"),
        ("nihao taicang", "你好太仓"),
    ],
)
def test_pinyin_is_read_where_it_holds_a_known_word(written: str, meant: str) -> None:
    assert KNOWLEDGE.read(written) == meant


@pytest.mark.parametrize(
    "sentence",
    [
        "Is there any money for a new drug?",
        "Can we change the answer I gave you before?",
        "I need to find a lab bench, a pen and a man to call",
        "We are women in biotech and we have no agent",
        "what does it cost to lease a clean room here",
        "who pays for the clinical trial",
        "go back to the menu, please",
        "hao de",
        "xi'an de",
    ],
)
def test_nothing_is_read_into_words_that_hold_no_word_of_ours(sentence: str) -> None:
    assert KNOWLEDGE.read(sentence) == normalise(sentence)


@pytest.mark.parametrize(
    ("sentence", "meant"),
    [
        ("bio companies in taicang", "bio companies in 太仓"),
        ("taicang bio-medicine", "太仓 bio-medicine"),
        ("duke kunshan", "duke 昆山"),
        ("xinyi api plants", "新沂 api plants"),
        ("a women CEO", "a women ceo"),
    ],
)
def test_a_word_beside_a_place_stays_in_one_piece(sentence: str, meant: str) -> None:
    assert KNOWLEDGE.read(sentence) == meant


def test_every_name_is_read_as_it_is_written() -> None:
    regions = {"suzhou", "taicang", "kunshan", "xuzhou"}
    for name in NAMED:
        plain, read = normalise(name), KNOWLEDGE.read(name)
        if plain in regions:
            assert not LATIN.search(read), "the pinyin of a region is the region"
        elif read != plain:  # an English name in which the pinyin of a place stands for the place: no other word is touched
            assert name.isascii(), name
            assert set(LATIN.findall(read)) < set(LATIN.findall(plain)), name


def test_a_park_is_found_by_every_name_after_reading_too() -> None:
    vocabulary = KNOWLEDGE.vocabulary
    for park in KNOWLEDGE.parks.values():
        for name in (park.name, *park.aliases):
            plain, read = (
                {f.token for f in vocabulary.read(text, date(2026, 11, 22)) if f.kind == "park"} for text in (normalise(name), KNOWLEDGE.read(name))
            )
            assert plain <= read, (name, KNOWLEDGE.read(name))


def test_a_region_whose_english_name_holds_another_is_not_taken_for_that_one() -> None:
    read = KNOWLEDGE.read("subsidies in Suzhou New District")
    assert {f.token for f in KNOWLEDGE.vocabulary.read(read, date(2026, 11, 22)) if f.kind == "region"} == {"snd"}


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ():
        yield from strings(part)


@pytest.mark.parametrize("kind", ANSWERABLE)
def test_every_chinese_text_of_a_record_is_read_as_it_is_written(kind: str) -> None:
    for key, record in getattr(KNOWLEDGE, kind).items():
        for text in strings(record.model_dump(mode="json")):
            if not text.isascii():
                assert KNOWLEDGE.read(text) == normalise(text), key


def test_every_way_of_asking_for_a_record_is_read_as_it_is_written() -> None:
    for asks in KNOWLEDGE.asks.values():
        for text in asks.ask:
            if not text.isascii():
                assert KNOWLEDGE.read(text) == normalise(text), asks.about


def test_the_examples_of_intents_are_read_as_they_are_written_but_for_pinyin() -> None:
    for text in EXAMPLES:
        read, plain = KNOWLEDGE.read(text), normalise(text)
        assert read == plain or text.isascii(), text


def test_reading_twice_changes_no_example() -> None:
    for text in EXAMPLES:
        read = KNOWLEDGE.read(text)
        assert KNOWLEDGE.read(read) == read


@given(st.text(max_size=60))
def test_reading_twice_changes_nothing(text: str) -> None:
    read = KNOWLEDGE.read(text)
    assert KNOWLEDGE.read(read) == read


@given(
    st.lists(
        st.one_of(st.sampled_from(CHARACTERS), st.sampled_from(NAMED), st.sampled_from(["'", " ", "women", "shenme", "tai", "cang"])), max_size=9
    )
)
def test_reading_twice_changes_nothing_where_words_of_ours_run_together(parts: list[str]) -> None:
    read = KNOWLEDGE.read("".join(parts))
    assert KNOWLEDGE.read(read) == read


@given(st.text(alphabet=st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), max_size=12))
def test_no_chinese_character_turns_into_letters_or_marks(text: str) -> None:
    assert all(character.isalpha() and not character.isascii() for character in KNOWLEDGE.read(text))


def test_characters_that_stand_together_somewhere_are_no_misspelling() -> None:
    assert small(heard=("补贴",)).read("不贴") == "补贴"
    assert small(heard=("补贴",), seen="不贴").read("不贴") == "不贴"


def test_two_characters_must_sound_exactly_like_a_word_and_more_only_nearly() -> None:
    speller = small(heard=("注册", "注册证"))
    assert speller.read("助测") == "注册"
    assert speller.read("祖册") == "祖册", "zu is not zhu where only two characters speak for it"
    assert speller.read("祖册正") == "注册证"


def test_the_longest_word_of_a_sound_is_taken() -> None:
    assert small(heard=("园区", "园区贷")).read("园驱待") == "园区贷"


def test_a_misspelling_that_is_part_of_the_right_word_does_not_make_it_longer() -> None:
    speller = small(wrong={"器械注册证": "医疗器械注册证", "补": "补贴"})
    assert speller.read("医疗器械注册证") == "医疗器械注册证"
    assert speller.read("器械注册证") == "医疗器械注册证"
    assert speller.read("有补吗 有补贴吗") == "有补贴吗 有补贴吗"


def test_a_latin_misspelling_counts_only_as_a_word_of_its_own() -> None:
    speller = small(wrong={"gmp证": "GMP证", "vc": "创投"})
    assert speller.read("vc投我们") == "创投投我们"
    assert speller.read("vcr") == "vcr"


def test_two_misspellings_that_lead_to_each_other_end_somewhere_and_stay_there() -> None:
    speller = small(wrong={"甲乙": "乙甲", "乙甲": "甲乙"})
    assert speller.read("甲乙") == speller.read("乙甲") == speller.read(speller.read("甲乙"))


def test_a_speller_that_knows_nothing_only_normalises() -> None:
    assert small().read("  太苍　ＡＢＣ taicang ") == "太苍 abc taicang"


@pytest.mark.parametrize("half", ["\ud800", "补帖\udcff"])
def test_half_a_character_does_no_harm(half: str) -> None:
    assert KNOWLEDGE.read(half) == half.replace("\ud800", "?").replace("\udcff", "?").replace("帖", "贴")


@pytest.mark.parametrize(
    "unit", ["xian", "shuang", "a", "a'", "an", "taicang ", "tai cang ", "苍太", "补帖", "龘", "zhuangv", "women ", "' ", "大补帖神马"]
)
def test_no_message_takes_long(knowledge: Knowledge, unit: str) -> None:
    text = (unit * 2000)[:2000] + "v"
    began = time.perf_counter()
    knowledge.read(text)
    assert time.perf_counter() - began < 1, "a message of the longest kind"
