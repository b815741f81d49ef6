"""What does a person want? Intents ranked by their example sentences; deterministic, trained in a fraction of a second at load.

Two views of a message are added. A linear model over rarity-weighted tokens and pairs of tokens (characters, punctuation, Latin words, `#` for
digits) with begin and end marks, which begins as naive Bayes and is trained by multi-class passive-aggressive updates (Crammer and
others, 2006), separates look-alike intents and says by its margins where none fits. The nearest example by rapidfuzz's plain ratio, among the intents that the linear model
puts first, forgives typos and knows a sentence when it sees it. Names of our regions count as one word, so that an example about one
region serves for all; so do places and industries that are not ours. Measured beside other libraries: docs/understanding.md.
"""

from __future__ import annotations

import math
import random
import re
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

from rapidfuzz import fuzz, process

from knowledge.values import normalise

_ROUNDS, _MANY, _STEP, _SEED = 3, 3000, 0.5, 7
"""Few examples are gone through three times; of many, once is enough."""
_PRIOR = 0.17
"""The weight of what the examples' counts say before training."""
_SAFE = 0.6
"""An example that was right by this margin is not looked at again."""
_COMPARED = 3
"""How many intents, the best of the linear model, are compared with their examples one by one."""
_LOGARITHMS = [math.log(count + 1) for count in range(4096)]
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
    """Ranks labels by their examples. `alike` has names that all count as one and the same word, by that word (one capital letter)."""

    def __init__(self, examples: Mapping[str, Sequence[str]], alike: Mapping[str, Iterable[str]] = MappingProxyType({})) -> None:
        self._alike = {normalise(name): word for word, names in alike.items() for name in names}
        names = map(re.escape, sorted(self._alike, key=len, reverse=True))
        self._names = re.compile("|".join(rf"(?<![a-z]){n}(?![a-z])" if n.isascii() else n for n in names) or r"(?!)")
        self._labels = sorted(examples)
        bare = [[self.bare(text) for text in examples[label]] for label in self._labels]
        self._shown = [texts[:: max(1, -(-len(texts) // _SHOWN))] for texts in bare]
        self._exact = {text: i for i, texts in enumerate(bare) for text in texts}
        once: dict[str, str] = {}  # each gram is kept once, however many examples hold it
        rows = [(i, [once.setdefault(g, g) for g in features(text)]) for i, texts in enumerate(bare) for text in texts]
        self._examples = len(rows)
        seen = Counter(gram for _, row in rows for gram in row)
        self._rarity = {gram: math.log((len(rows) + 1) / (n + 0.5)) ** 2 for gram, n in seen.items()}
        self._weights = self._train(rows)

    def __contains__(self, gram: str) -> bool:
        """Whether a gram occurs in an example."""
        return gram in self._weights

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
        grams = [gram for gram in features(self.bare(text)) if gram in self._weights]
        if label not in self._labels or not grams:
            return []
        length, place = math.sqrt(sum(self._rarity[gram] for gram in grams)), self._labels.index(label)
        shares = [(gram.replace("^", "▸").replace("$", "◂"), round(self._weights[gram][place] / length, 3)) for gram in grams]
        return sorted((s for s in shares if s[0]), key=lambda s: (-abs(s[1]), s[0]))[:limit]

    def bare(self, text: str) -> str:
        """A text as it is compared: normalised, and names that count as one word as that word."""
        return self._names.sub(lambda match: self._alike[match[0]], normalise(text))

    def _linear(self, grams: Sequence[str]) -> list[float] | None:
        """One value a label, about 1 for a clear fit and below 0 for none; None where no gram is known."""
        known = [gram for gram in grams if gram in self._weights]
        if not known:
            return None
        length = math.sqrt(sum(self._rarity[gram] for gram in known))
        return [sum(column) / length for column in zip(*(self._weights[gram] for gram in known), strict=True)]

    def _train(self, rows: Sequence[tuple[int, list[str]]]) -> dict[str, array[float]]:
        """Weights already multiplied by the rarity of their gram, so that a message's score is a plain sum over its grams."""
        rarity, weights = self._rarity, self._begin(rows)
        lengths = [math.sqrt(sum(rarity[gram] for gram in grams)) or 1.0 for _, grams in rows]
        order, shuffler = [i for i, (_, grams) in enumerate(rows) if grams], random.Random(_SEED)  # the same order on every machine
        for _ in range(_ROUNDS if len(rows) < _MANY else 1):
            shuffler.shuffle(order)
            again = []
            for index in order:
                right, grams = rows[index]
                length = lengths[index]
                own_rows = [weights[gram] for gram in grams]
                scores: list[float] = list(map(sum, zip(*own_rows, strict=True)))
                own, scores[right] = scores[right], -math.inf
                best = max(scores)
                if own - best < _SAFE * length:
                    again.append(index)
                if own - best < length:
                    rival = scores.index(best)
                    step = min(_STEP, (1 - (own - best) / length) / 2) / length
                    for row, gram in zip(own_rows, grams, strict=True):
                        change = step * rarity[gram]
                        row[right] += change
                        row[rival] -= change
            order = again
        return weights

    def _begin(self, rows: Sequence[tuple[int, list[str]]]) -> dict[str, array[float]]:
        """Where training begins: how much likelier than usual each label is where a gram occurs, as a logarithm."""
        counts: dict[str, dict[int, int]] = {}
        alone: dict[str, int] = {}  # the label of a gram that occurred once so far: most never occur again
        sizes = [len(self._rarity)] * len(self._labels)
        for label, grams in rows:
            sizes[label] += len(grams)
            for gram in grams:
                if (own := counts.get(gram)) is not None:
                    own[label] = own.get(label, 0) + 1
                elif (first := alone.pop(gram, None)) is None:
                    alone[gram] = label
                else:
                    counts[gram] = {first: 1, label: 1} if first != label else {label: 2}
        usual = [math.log(size / sum(sizes)) for size in sizes]
        begin = {n: self._usual_row(n, usual) for n in {1, *(sum(own.values()) for own in counts.values())}}
        weights: dict[str, array[float]] = {}
        for gram, label in alone.items():
            factor, row = begin[1]
            weights[gram] = row = row[:]
            row[label] += factor * _LOGARITHMS[1]
        for gram, own in counts.items():
            factor, row = begin[sum(own.values())]
            weights[gram] = row = row[:]
            for label, count in own.items():
                row[label] += factor * _LOGARITHMS[min(count, len(_LOGARITHMS) - 1)]
        return weights

    def _usual_row(self, seen: int, usual: Sequence[float]) -> tuple[float, array[float]]:
        """The weight of a gram that occurred so often, and its row before it is told where."""
        factor = _PRIOR * math.log((self._examples + 1) / (seen + 0.5))
        level = factor * math.log(seen + len(usual))
        return factor, array("f", [-factor * u - level for u in usual])


def features(text: str) -> list[str]:
    """The grams of a bare text, each once: its tokens, neighbouring tokens with begin and end marks, and the beginnings of Latin words."""
    tokens = _TOKEN.findall(_NUMBER.sub("#", text))
    marked = ["^", *tokens, "$"]
    pairs = [f"{one}{other}" if len(one) == len(other) == 1 else f"{one} {other}" for one, other in pairwise(marked)]
    return list(dict.fromkeys((*tokens, *pairs, *(f"{t[:4]}*" for t in tokens if len(t) > 4)))) if tokens else []
