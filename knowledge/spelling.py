"""Putting a message right before it is read: traditional characters (OpenCC), known misspellings, homophones and pinyin (pypinyin).

A homophone is put right only where its own characters never stand together in anything that this knowledge base says or was taught:
太苍 becomes 太仓, and 不贴 would stay if any example said it. Pinyin is read where all of it splits into syllables and holds a known word:
`taicang you shenme butie`. English words mostly don't split, and nothing is read into them; English names stay whole.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import groupby, islice, product

from opencc import OpenCC

os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")  # single readings only: 12 MB instead of 55, and 30 ms
os.environ.setdefault("PYPINYIN_NO_DICT_COPY", "true")
from pypinyin import Style, pinyin

from knowledge.values import normalise

_LONGEST = 6
_READINGS = 8
_PASSES = 5
_LATIN = re.compile(r"[a-z][a-z' ]*[a-z]")
_KEPT = re.compile(r"((?:https?://|www\.)[!-~]+|[!-~]*@[!-~]+)")
_NOT_PLAIN = re.compile("[^\x00-\x7f]")
_SYLLABLE = (
    r"(?:[bpm](?:a|ai|an|ang|ao|ei|en|eng|i|ian|iao|ie|in|ing|o|ou|u)|f(?:a|an|ang|ei|en|eng|o|ou|u)|mi?u|me|"
    r"[dt](?:a|ai|an|ang|ao|e|ei|en|eng|i|ia|ian|iao|ie|ing|iu|ong|ou|u|uan|ui|un|uo)|"
    r"[nl](?:a|ai|an|ang|ao|e|ei|en|eng|i|ia|ian|iang|iao|ie|in|ing|iu|ong|ou|u|uan|un|uo|v|ve|ue)|"
    r"[gkh](?:a|ai|an|ang|ao|e|ei|en|eng|ong|ou|u|ua|uai|uan|uang|ui|un|uo)|"
    r"[jqx](?:i|ia|ian|iang|iao|ie|in|ing|iong|iu|u|uan|ue|un)|"
    r"(?:zh|ch|sh)(?:a|ai|an|ang|ao|e|ei|en|eng|i|ong|ou|u|ua|uai|uan|uang|ui|un|uo)|"
    r"r(?:an|ang|ao|e|en|eng|i|ong|ou|u|ua|uan|ui|un|uo)|"
    r"[zcs](?:a|ai|an|ang|ao|e|ei|en|eng|i|ong|ou|u|uan|ui|un|uo)|"
    r"y(?:a|an|ang|ao|e|i|in|ing|o|ong|ou|u|uan|ue|un)|w(?:a|ai|an|ang|ei|en|eng|o|u)|a|ai|an|ang|ao|e|ei|en|er|o|ou)"
)
_ONE = re.compile(_SYLLABLE)
_RETROFLEX, _NASAL = re.compile("^([zcs])h"), re.compile("(?<=[aei])ng$")
_ENGLISH = frozenset({"women"})
"""English words that are pinyin of a word of ours."""


class Speller:
    """Knows the words of a knowledge base: `wrong` maps known misspellings to the right word, `words` are those to be found by sound."""

    def __init__(
        self, wrong: Mapping[str, str], words: Iterable[str], heard: Iterable[str], seen: Callable[[str], bool], english: Iterable[str] = ()
    ) -> None:
        """`words` are read from pinyin; those that are `heard` also from other characters that sound alike.

        `english` are names that stay as they are: kunshan imaging park is not 昆山 imaging park.
        `seen` says of two characters whether they stand together in an example or a record: these are no misspelling.
        """
        self._wrong = {normalise(w): right for w, right in wrong.items()}
        known = sorted(self._wrong, key=len, reverse=True)
        self._pattern = re.compile("|".join(rf"(?<![a-z]){w}(?![a-z])" if w.isascii() else w for w in map(re.escape, known)) or r"(?!)")
        self._seen = seen
        self._pairs: set[str] = set()
        self._by_sound: dict[tuple[str, ...], str] = {}
        self._by_letters: dict[str, str] = {}
        for word in filter(_is_word, words):
            for sounds in _all_sounds(word):
                self._by_letters.setdefault("".join(sounds), word)
        for word in filter(_is_word, heard):
            self._pairs.update(word[i : i + 2] for i in range(len(word) - 1))
            for sounds in islice(_all_sounds(word), None if len(word) > 2 else 1):  # 万欧 sounds like 园区 only in readings that nobody uses
                self._by_sound.setdefault(tuple(map(_blurred, sounds)) if len(word) > 2 else sounds, word)
        names = (n for n in map(normalise, english) if not all(map(_splits, n.split())) and _LATIN.sub(self._from_letters, n) != n)
        kept = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
        self._english = re.compile(f"(?<![a-z])({kept})(?![a-z])" if kept else r"((?!))")

    def read(self, text: str) -> str:
        """A message as it is read: normalised, simplified, and with misspellings put right."""
        text = _plain(text)
        if _KEPT.search(text):  # addresses are kept letter by letter
            return _plain("".join(part if index % 2 else _around(part, self._read(part)) for index, part in enumerate(_KEPT.split(text))))
        return self._read(text)

    def _read(self, text: str) -> str:
        passed = [text]
        while (text := _plain(self._put_right(text))) not in passed and len(passed) < _PASSES:
            passed.append(text)  # what is read may be misspelt in its turn: reading twice is reading once
        return min(passed[passed.index(text) :]) if text in passed else text

    def _put_right(self, text: str) -> str:
        """The text with misspellings put right, once."""
        return self._by_ear(self.pinyin(self._pattern.sub(self._right, text)))

    def pinyin(self, text: str) -> str:
        """A normalised text with the pinyin in it as Chinese words."""
        between = self._english.split(text)  # every other piece is a name
        return "".join(part if place % 2 else _LATIN.sub(self._from_letters, part) for place, part in enumerate(between))

    def _right(self, match: re.Match[str]) -> str:
        """The right word for a wrong one; where the wrong one is a part of it that already stands in the whole, nothing is to be mended."""
        wrong, right = match[0], self._wrong[match[0]]
        begin = match.start() - right.find(wrong)
        return wrong if wrong in right and begin >= 0 and match.string.startswith(right, begin) else right

    def _by_ear(self, text: str) -> str:
        """The text with words that sound like the characters around a pair that nobody writes; the longest first, in one pass."""
        parts, done, at = [], 0, 0
        sounds: tuple[str, ...] = ()
        blurred: tuple[str, ...] = ()
        while at < len(text) - 1:
            pair = text[at : at + 2]
            if _is_han(pair[0]) and _is_han(pair[1]) and pair not in self._pairs and not self._seen(pair):
                sounds = sounds or tuple(_sounds(c)[0] if _is_han(c) else "" for c in text)
                blurred = blurred or tuple(map(_blurred, sounds))
                if found := self._sounding(sounds, blurred, done, at):
                    start, word = found
                    parts += [text[done:start], word]
                    done = at = start + len(word)
                    continue
            at += 1
        return "".join((*parts, text[done:])) if parts else text

    def _sounding(self, sounds: tuple[str, ...], blurred: tuple[str, ...], done: int, at: int) -> tuple[int, str] | None:
        """Where a word begins that sounds like what stands around `at`, and the word. Two characters must sound exactly like it."""
        for length in range(_LONGEST, 1, -1):
            heard = blurred if length > 2 else sounds
            for start in range(max(done, at + 2 - length), min(at, len(sounds) - length) + 1):
                if word := self._by_sound.get(heard[start : start + length]):
                    return start, word
        return None

    def _from_letters(self, match: re.Match[str]) -> str:
        """A run of Latin letters with those neighbouring words put into Chinese that are pinyin."""
        groups = [(pinyin_like, " ".join(tokens)) for pinyin_like, tokens in groupby(match[0].split(), key=_splits)]
        return " ".join(self._words(text) if pinyin_like else text for pinyin_like, text in groups)

    def _words(self, text: str) -> str:
        """Pinyin with the known words in it put into Chinese and all else as it was typed; where little of it is known, all as it was typed."""
        places = [place for place, character in enumerate(text) if character.isalpha()]
        letters, at, read = "".join(text[place] for place in places), 0, list[str]()
        places.append(len(text))
        parts: list[tuple[bool, str]] = []
        while at < len(letters):
            end = next((e for e in range(min(len(letters), at + 6 * _LONGEST), at, -1) if letters[at:e] in self._by_letters), None)
            if end is not None:
                parts.append((True, self._by_letters[letters[at:end]]))
                read.append(letters[at:end])
            else:
                end = next((e for e in range(min(len(letters), at + 6), at, -1) if _ONE.fullmatch(letters, at, e)), at + 1)
                parts.append((False, text[places[at] : places[end]]))
            at = end
        if sum(map(len, read)) * 2 < len(letters) or _ENGLISH.issuperset(read):
            return text
        return " ".join("".join(part for _, part in chunk).strip(" '") for _, chunk in groupby(parts, key=lambda part: part[0]))


_SIMPLIFIED = OpenCC("t2s")


def _around(part: str, read: str) -> str:
    """A part as it is read, with the spaces around it."""
    return f"{' ' * part.startswith(' ')}{read}{' ' * (part.endswith(' ') and len(part) > 1)}"


def _plain(text: str) -> str:
    """A text normalised and in simplified characters."""
    text = normalise(text)
    return _SIMPLIFIED.convert(text.encode(errors="replace").decode()) if _NOT_PLAIN.search(text) else text  # half a character can't be converted


@lru_cache(maxsize=8192)
def _sounds(character: str) -> tuple[str, ...]:
    """The readings of a character, without tones."""
    return tuple(dict.fromkeys(pinyin(character, style=Style.NORMAL, heteronym=True)[0]))[:3]


def _all_sounds(word: str) -> Iterator[tuple[str, ...]]:
    return islice(product(*map(_sounds, word)), _READINGS)


@lru_cache(maxsize=1024)
def _blurred(sound: str) -> str:
    """A sound without what many speakers don't tell apart: zh and z, ing and in."""
    return _NASAL.sub("n", _RETROFLEX.sub(r"\1", sound))


@lru_cache(maxsize=8192)
def _splits(token: str) -> bool:
    """Whether a token is nothing but syllables and apostrophes; found in one pass, however many ways there are."""
    reached = {0}
    for at in range(len(token)):
        if at in reached:
            reached.update(end for end in range(at + 1, min(len(token), at + 6) + 1) if _ONE.fullmatch(token, at, end))
            if token[at] == "'":
                reached.add(at + 1)
    return len(token) in reached


def _is_word(text: str) -> bool:
    return 2 <= len(text) <= _LONGEST and all(map(_is_han, text))


def _is_han(character: str) -> bool:
    return "\u4e00" <= character <= "\u9fff"
