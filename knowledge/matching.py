"""What does a person want? Intents ranked by their example sentences; deterministic, trained in a fraction of a second at load.

Two views of a message are added. A linear model over rarity-weighted tokens and pairs of tokens (characters, punctuation, Latin words, `#` for
digits) with begin and end marks, which begins as naive Bayes and is trained by multi-class passive-aggressive updates (Crammer and
others, 2006), separates look-alike intents and says by its margins where none fits. The nearest example by rapidfuzz's plain ratio, among the intents that the linear model
puts first, forgives typos and knows a sentence when it sees it. Names of our regions count as one word, so that an example about one
region serves for all; so do places and industries that are not ours. Measured beside other libraries: docs/understanding.md.
"""

from __future__ import annotations

import math
import re
import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from types import MappingProxyType

from rapidfuzz import fuzz, process

from knowledge.values import normalise

_ROUNDS, _MANY, _STEP, _SEED = 3, 3000, 0.5, 11
"""Few examples are gone through three times; of many, once is enough. Another seed mixes them otherwise: no better, no worse, but not alike."""
_PRIOR = 0.17
"""The weight of what the examples' counts say before training."""
_COMMON = "^ $"
"""The gram that all texts have; none has it of its own."""
_SAFE = 0.6
"""An example that was right by this margin is not looked at again."""
_COMPARED = 3
"""How many intents, the best of the linear model, are compared with their examples one by one."""
_ZERO, _UNIT, _RARITY = 1 << 63, 1 << 32, 1 << 8
"""Weights are kept in whole numbers, so that sums are exact: what a field holds for nothing, what for 1, and 1 of a gram's rarity."""
_SHOWN = 1500
"""At most so many examples of an intent are compared one by one, spread evenly over them."""
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_TOKEN = re.compile(r"[a-z]+|[^\sa-z]")
_NEAREST = 0.3
"""The share of the nearest example beside the linear model."""


@dataclass(frozen=True, slots=True)
class Match:
    """A label and how well a message fits it, from 0 to 1; `near` is the closest example of that label, where one was compared."""

    label: str
    score: float
    near: str = ""


class Matcher:
    """Ranks labels by their examples."""

    def __init__(self, examples: Mapping[str, Sequence[str]], alike: Mapping[str, Iterable[str]] = MappingProxyType({}), common: float = 0.0) -> None:
        """`alike` has names that all count as one and the same word, by that word (one capital letter).

        `common` is the weight of what all texts have in common, an intercept: how often each label is meant. It helps where the examples
        were gathered as people sent them; where they were written, their number says nothing, and nonsense would seem to mean something.
        """
        self._common = common
        self._alike = {normalise(name): word for word, names in alike.items() for name in names}
        names = map(re.escape, sorted(self._alike, key=len, reverse=True))
        whole = "|".join(rf"(?<![a-z]){n}(?![a-z])" if n.isascii() else n for n in names) or r"(?!)"
        first = "".join(re.escape(c) for c in sorted({name[0] for name in self._alike if name})) or "a"
        self._names = re.compile(f"(?=[{first}])(?:{whole})")  # most characters begin no name: looking at each takes most of the time
        self._labels = sorted(examples)
        bare = [[self.bare(text) for text in examples[label]] for label in self._labels]
        self._shown = [texts[:: max(1, -(-len(texts) // _SHOWN))] for texts in bare]
        self._exact = {text: i for i, texts in enumerate(bare) for text in texts}
        self._number: dict[str, int] = {}
        """Every gram that an example holds has a number, and so its place in `_rarity` and `_weights`."""
        rows, joined = list[tuple[int, list[int]]](), list[str]()
        for place, text in ((place, text) for place, texts in enumerate(bare) for text in texts):
            grams = features(text)
            rows.append((place, [self._number.setdefault(gram, len(self._number)) for gram in grams]))
            joined.append("".join(grams))
        self._row = struct.Struct(f"<{len(self._labels)}Q")
        self._ones = [1 << 64 * place for place in range(len(self._labels))]
        self._zeros = _ZERO * sum(self._ones)
        self._rarity, self._weights = self._begin(rows)
        """One row a gram, that is one whole number with a field of 64 bits for each label. A sum of rows holds the sums of their fields."""
        self._train(rows, joined)

    def __contains__(self, gram: str) -> bool:
        """Whether a gram occurs in an example."""
        return gram in self._number

    def rank(self, text: str, limit: int = 8) -> list[Match]:
        """The labels that fit best, best first; empty for a text in which nothing is known."""
        bare = self.bare(text)
        linear = self._linear(features(bare))
        if linear is None:
            return []
        order = sorted(range(len(linear)), key=lambda i: -linear[i])
        if (known := self._exact.get(bare)) is not None and known not in order[:_COMPARED]:
            order = [known, *(i for i in order if i != known)]
        found = []
        for place, i in enumerate(order[:limit]):
            score, near = (1 - _NEAREST) * min(1.0, max(0.0, linear[i])), ""
            if place < _COMPARED and (best := process.extractOne(bare, self._shown[i], scorer=fuzz.ratio, processor=None)):
                near, score = best[0], score + _NEAREST * best[1] / 100
            found.append(Match(self._labels[i], 1.0 if i == known else round(score, 4), near))
        return sorted(found, key=lambda m: -m.score)

    def reasons(self, text: str, label: str, limit: int = 4) -> list[tuple[str, float]]:
        """The grams of a text that speak most for a label, or against it, with their share of its linear score; the strongest first."""
        grams = [gram for gram in features(self.bare(text)) if gram in self]
        known = self._known(grams)
        if label not in self._labels or not known:
            return []
        length, place = self._length(known), self._labels.index(label)
        fields = (self._fields(self._weights[number])[place] - _ZERO for number in known)
        names = (gram.replace("^", "▸").replace("$", "◂") for gram in (*grams, _COMMON))
        shares = [(name, round(field / length, 3)) for name, field in zip(names, fields, strict=False)]
        return sorted((s for s in shares if s[0]), key=lambda s: (-abs(s[1]), s[0]))[:limit]

    def bare(self, text: str) -> str:
        """A text as it is compared: normalised, and names that count as one word as that word."""
        return self._names.sub(lambda match: self._alike[match[0]], normalise(text))

    def _linear(self, grams: Sequence[str]) -> list[float] | None:
        """One value a label, about 1 for a clear fit and below 0 for none; None where no gram is known."""
        known = self._known(grams)
        if not known:
            return None
        length = self._length(known)
        return [(field - _ZERO) / length for field in self._fields(sum(map(self._weights.__getitem__, known)))]

    def _known(self, grams: Iterable[str]) -> list[int]:
        """The numbers of the grams that occur in an example, and of what all texts have where that counts; none where nothing is known."""
        known = [number for gram in grams if (number := self._number.get(gram)) is not None]
        return [*known, len(self._number)] if self._common and known else known

    def _length(self, known: Iterable[int]) -> float:
        """The length of a text as a vector, in units of the fields of a row."""
        return _UNIT * math.sqrt(sum(map(self._rarity.__getitem__, known)) / _RARITY)

    def _fields(self, row: int) -> tuple[int, ...]:
        """The values of a row, one a label, above _ZERO."""
        return self._row.unpack((row + self._zeros).to_bytes(self._row.size, "little"))

    def _begin(self, rows: Sequence[tuple[int, list[int]]]) -> tuple[list[int], list[int]]:
        """The grams' rarities, and where training begins: how much likelier than usual each label is where a gram occurs, as a logarithm."""
        counts = [0] * len(self._number)  # how often a gram occurs with each label, as a row
        sizes = [len(counts)] * len(self._labels)
        for label, grams in rows:
            sizes[label] += len(grams)
            one = self._ones[label]
            for gram in grams:
                counts[gram] += one
        usual = [math.log(size / sum(sizes)) for size in sizes if size]

        @cache
        def so_often(seen: int) -> tuple[int, float, int]:
            """Of the grams that occur so often: rarity, factor, and the row before it is told where."""
            rarity = math.log((len(rows) + 1) / (seen + 0.5))
            factor, level = _PRIOR * rarity * _UNIT, math.log(seen + len(usual))
            row = sum(round(factor * (-u - level)) * one for u, one in zip(usual, self._ones, strict=True))
            return max(1, round(rarity**2 * _RARITY)), factor, row

        @cache
        def there(where: int) -> tuple[int, int]:
            """The rarity and the row of the grams that occur there; few differ."""
            each = self._row.unpack(where.to_bytes(self._row.size, "little"))
            rare, factor, row = so_often(sum(each))
            return rare, row + sum(round(factor * math.log(n + 1)) * one for n, one in zip(each, self._ones, strict=True) if n)

        begun = [there(where) for where in counts]
        if self._common:
            begun.append((round(self._common * _RARITY), 0))
        return [rare for rare, _ in begun], [row for _, row in begun]

    def _train(self, rows: Sequence[tuple[int, list[int]]], joined: Sequence[str]) -> None:
        """Weights already multiplied by the rarity of their gram, so that a message's score is a plain sum over its grams."""
        rarity, weights = self._rarity, self._weights
        if self._common:
            rows = [(label, [*grams, len(self._number)]) for label, grams in rows]
        lengths = [self._length(grams) for _, grams in rows]
        order = [i for i, grams in enumerate(joined) if grams]
        for number in range(_ROUNDS if len(rows) < _MANY else 1):
            order.sort(key=[mixed(number, grams) for grams in joined].__getitem__)
            again = []
            for index in order:
                right, grams = rows[index]
                held = [weights[gram] for gram in grams]
                scores = [*self._fields(sum(held))]
                own, scores[right] = scores[right], 0
                best = max(scores)
                margin = (own - best) / lengths[index]
                if margin < _SAFE:
                    again.append(index)
                if margin < 1:
                    step = min(_STEP, (1 - margin) / 2) / lengths[index]
                    change = round(step * _UNIT * _UNIT / _RARITY) * (self._ones[right] - self._ones[scores.index(best)])
                    for gram, row in zip(grams, held, strict=True):
                        weights[gram] = row + change * rarity[gram]
            order = again


def mixed(number: int, grams: str) -> int:
    """The place of an example in a round of training: mixed, but its own, so that another example more or less moves none of the others."""
    return zlib.crc32(f"{number}{_SEED}{grams}".encode(errors="replace"))


def features(text: str) -> list[str]:
    """The grams of a bare text, each once: its tokens, neighbouring tokens with begin and end marks, and the beginnings of Latin words."""
    tokens = _TOKEN.findall(_NUMBER.sub("#", text))
    marked = ["^", *tokens, "$"]
    pairs = [f"{one}{other}" if len(one) == len(other) == 1 else f"{one} {other}" for one, other in pairwise(marked)]
    return list(dict.fromkeys((*tokens, *pairs, *[f"{t[:4]}*" for t in tokens if len(t) > 4]))) if tokens else []
