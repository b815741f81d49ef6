"""What does a person want? Intents ranked by their example sentences; deterministic, trained in a fraction of a second at load.

Two views of a message are added. A linear model over rarity-weighted tokens and pairs of tokens (characters, punctuation, Latin words, `#` for
digits) with begin and end marks, trained by multi-class passive-aggressive updates (Crammer and others, 2006), separates look-alike
intents and says by its margins where none fits. The nearest example by rapidfuzz's plain ratio, among the intents that the linear model
puts first, forgives typos and knows a sentence when it sees it. Names of our regions count as one word, so that an example about one
region serves for all; so do places and industries that are not ours. Measured beside other libraries: docs/understanding.md.
"""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

from rapidfuzz import fuzz, process

from knowledge.values import normalise

_EPOCHS, _STEP, _SEED = 3, 0.5, 7
_RIVALS = 4
"""How many wrong intents, the best of them, an example is pushed away from at once."""
_SAFE = 0.6
"""An example that was right by this margin is not looked at again."""
_COMPARED = 3
"""How many intents, the best of the linear model, are compared with their examples one by one."""
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
        self._bare = [[self.bare(text) for text in examples[label]] for label in self._labels]
        self._exact = {text: i for i, texts in enumerate(self._bare) for text in texts}
        rows = [(i, features(text)) for i, texts in enumerate(self._bare) for text in texts]
        seen = Counter(gram for _, row in rows for gram in row)
        self._rarity = {gram: math.log((len(rows) + 1) / (n + 0.5)) ** 2 for gram, n in seen.items()}
        self._weights = self._train(rows)

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
            if place < _COMPARED and (best := process.extractOne(bare, self._bare[i], scorer=fuzz.ratio, processor=None)):
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

    def _train(self, rows: Sequence[tuple[int, list[str]]]) -> dict[str, list[float]]:
        """Weights already multiplied by the rarity of their gram, so that a message's score is a plain sum over its grams."""
        rarity, size = self._rarity, len(self._labels)
        weights = {gram: [0.0] * size for gram in rarity}
        lengths = [math.sqrt(sum(rarity[gram] for gram in grams)) or 1.0 for _, grams in rows]
        order, shuffler = [i for i, (_, grams) in enumerate(rows) if grams], random.Random(_SEED)  # the same order on every machine
        for _ in range(_EPOCHS):
            shuffler.shuffle(order)
            again = []
            for index in order:
                right, grams = rows[index]
                length = lengths[index]
                scores: list[float] = list(map(sum, zip(*[weights[gram] for gram in grams], strict=True)))
                own, scores[right] = scores[right], -math.inf
                best = max(scores)
                if own - best < _SAFE * length:
                    again.append(index)
                if own - best >= length:
                    continue
                floor = own - length
                rivals = sorted(((score - floor, i) for i, score in enumerate(scores) if score > floor), reverse=True)[:_RIVALS]
                steps = [(i, min(_STEP, loss / length / 2) / len(rivals) / length) for loss, i in rivals]
                gain = sum(step for _, step in steps)
                for gram in grams:
                    row, rare = weights[gram], rarity[gram]
                    row[right] += gain * rare
                    for i, step in steps:
                        row[i] -= step * rare
            order = again
        return weights


def features(text: str) -> list[str]:
    """The grams of a bare text, each once: its tokens, neighbouring tokens with begin and end marks, and the beginnings of Latin words."""
    tokens = _TOKEN.findall(_NUMBER.sub("#", text))
    marked = ["^", *tokens, "$"]
    pairs = [f"{one}{other}" if len(one) == len(other) == 1 else f"{one} {other}" for one, other in pairwise(marked)]
    return list(dict.fromkeys((*tokens, *pairs, *(f"{t[:4]}*" for t in tokens if len(t) > 4)))) if tokens else []
