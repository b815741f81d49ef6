"""Passage search: Okapi BM25 over characters and pairs of characters, in memory (Robertson and Zaragoza, 2009).

Pairs find the passages, single characters, at less weight, help to put them in order; the words of asking (什么时候, 哪个, how many) count
for nothing. A query looks at the rarest pairs first and stops after a fixed number of entries, so that its cost does not grow with the
number of passages. Measured beside other libraries: docs/understanding.md.
"""

from __future__ import annotations

import heapq
import math
import re
from array import array
from collections import Counter, defaultdict
from collections.abc import Container, Sequence
from functools import lru_cache
from itertools import accumulate, pairwise

from knowledge.values import normalise

_K1, _B = 0.9, 0.4
_SINGLE = 0.7
_PRIOR = 6.0
"""So much is added to what a query could get: a single common word (补贴) says little, however well it fits."""
_ENTRIES = 12_000
_CANDIDATES = 20
_TOKEN = re.compile(r"[a-z0-9]+|[^\W_]")
_ASKING = re.compile(
    "什么时候|为什么|什么|哪一?[年天个位些座家种里儿]|哪|多少|几[个年位月家]|如何|怎么样?|怎样|谁|是否|是不是|有没有|能不能|请问|[吗呢呀吧啊的了]"
    r"|\b(?:what|which|who|whom|whose|when|where|why|how|many|much|is|are|was|were|do|does|did|can|the|a|an|of|in|to|for)\b"
)


class Bm25:
    """An index over texts; a text is known by its place in the sequence."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = [normalise(text) for text in texts]
        lengths: list[int] = []
        holders: Counter[str] = Counter()
        entries: dict[str, list[int]] = {}  # by pair: a place, how often the pair stands there, the next place, ...
        for place, own in enumerate(map(tokens, self._texts)):
            lengths.append(len(own))
            holders.update(set(own))
            for gram, count in Counter(grams(own)).items():
                if gram in entries:
                    entries[gram] += place, count
                else:
                    entries[gram] = [place, count]
        mean = sum(lengths) / max(1, len(texts)) or 1.0
        norms = self._norms = [_K1 * (1 - _B + _B * length / mean) for length in lengths]
        self._unseen = self._rarity(0)
        self._singles = {token: _SINGLE * self._rarity(n) for token, n in holders.items()}
        self._number = {gram: number for number, gram in enumerate(entries)}
        """A number for each pair; its entries stand between two neighbouring `_starts` in `_places` and `_weights`."""
        self._starts = array("I", accumulate((len(own) // 2 for own in entries.values()), initial=0))
        self._places = array("I", [place for own in entries.values() for place in own[::2]])
        full = {n: self._rarity(n) * (_K1 + 1) for n in {len(own) // 2 for own in entries.values()}}
        self._weights = array(
            "f", [full[len(own) // 2] * n / (n + norms[place]) for own in entries.values() for place, n in zip(own[::2], own[1::2], strict=True)]
        )

    def __contains__(self, pair: str) -> bool:
        """Whether two characters stand side by side in a text."""
        return pair in self._number

    def rarity(self, gram: str) -> float:
        """The weight of a pair or a word: high where few texts hold it."""
        number = self._number.get(gram)
        return self._unseen if number is None else self._rarity(self._starts[number + 1] - self._starts[number])

    def search(self, text: str, limit: int = 10, among: Container[int] | None = None) -> list[tuple[int, float]]:
        """Places of the best texts, best first, each with its share of the highest score that the query could get; only places `among` these."""
        parts = [tokens(part) for part in _ASKING.split(normalise(text))]
        singles = dict.fromkeys(token for part in parts for token in part)  # in their order: sums of floats must not depend on hashes
        pairs = dict.fromkeys(gram for part in parts for gram in grams(part))
        spans = sorted((self._starts[n + 1] - self._starts[n], self._starts[n]) for g in pairs if (n := self._number.get(g)) is not None)
        most = sum(self._singles.get(t, _SINGLE * self._unseen) for t in singles)
        most += sum(self._rarity(size) for size, _ in spans) + self._unseen * (len(pairs) - len(spans))
        scores: defaultdict[int, float] = defaultdict(float)
        left = _ENTRIES
        for size, start in spans:  # the rarest first
            if size > left and scores:
                break  # a pair this common tells little
            end = start + min(size, left)
            for place, weight in zip(self._places[start:end], self._weights[start:end], strict=True):
                scores[place] += weight
            left -= end - start
        found = scores if among is None else [place for place in scores if place in among]
        best = heapq.nlargest(max(limit, _CANDIDATES), found, key=scores.__getitem__)
        weighed = [(token, self._singles[token]) for token in singles if token in self._singles]
        for place in best:
            passage, norm = self._texts[place], self._norms[place]
            for token, weight in weighed:
                if count := passage.count(token):
                    scores[place] += weight * count * (_K1 + 1) / (count + norm)
        full = (most + _PRIOR) * (_K1 + 1)
        return sorted(((p, scores[p] / full) for p in best), key=lambda hit: (-hit[1], hit[0]))[:limit]

    @staticmethod
    def clear(hits: Sequence[tuple[int, float]]) -> float:
        """How clearly the first hit answers: its score, and how far it is above the next one. Low where nothing here answers."""
        return 2 * hits[0][1] - (hits[1][1] if len(hits) > 1 else 0.0) if hits else 0.0

    def _rarity(self, holders: int) -> float:
        return _rarity(len(self._texts), holders)


@lru_cache(4096)
def _rarity(texts: int, holders: int) -> float:
    return math.log(1 + (texts - holders + 0.5) / (holders + 0.5))


def tokens(text: str) -> list[str]:
    """The tokens of a normalised text: characters, Latin words and numbers."""
    return _TOKEN.findall(text)


def grams(parts: Sequence[str]) -> list[str]:
    """Pairs of neighbouring tokens; a Latin word or a number is also a gram of its own."""
    pairs = [f"{one}{other}" if len(one) == len(other) == 1 else f"{one} {other}" for one, other in pairwise(parts)]
    return [*pairs, *(token for token in parts if len(token) > 1)]
