"""What does a person want? Intents ranked by their example sentences; deterministic, trained in a fraction of a second at load.

Two views of a message are added: a linear model over rarity-weighted character 1–2-grams with begin and end marks (multi-class
passive-aggressive, which separates look-alike intents), and the nearest example by cosine of the same grams and rapidfuzz's plain
ratio (which forgives typos and knows a sentence when it sees it). Names of our regions count as one word, so that an example about one
region serves for all. Measured on messages written independently of the examples: bench/understanding.py.
"""

from __future__ import annotations

import math
import random
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from knowledge.values import normalise

_CANDIDATES = 24
_EPOCHS, _STEP, _SEED = 3, 0.5, 7
_LINEAR = 0.5
"""The share of the linear model beside the nearest example."""
_SPACE = re.compile(r"[\s,，。.!！~～、]+")
_PLACE = "R"


@dataclass(frozen=True, slots=True)
class Match:
    """A label and how well a message fits it, from 0 to 1."""

    label: str
    score: float


class Matcher:
    """Ranks labels by their examples. `places` are names that all count as one and the same word."""

    def __init__(self, examples: Mapping[str, Sequence[str]], places: Sequence[str] = ()) -> None:
        names = sorted((normalise(p) for p in places), key=len, reverse=True)
        self._places = re.compile("|".join(map(re.escape, names)) or r"(?!)")
        self._labels = sorted(examples)
        number = {label: i for i, label in enumerate(self._labels)}
        self._rows = [(number[label], self._bare(text)) for label, texts in examples.items() for text in texts]
        counted = [_grams(text) for _, text in self._rows]
        seen: Counter[str] = Counter()
        for row in counted:
            seen.update(row.keys())
        self._rarity = {gram: math.log((len(counted) + 1) / (n + 0.5)) for gram, n in seen.items()}
        vectors = [self._vector(row) for row in counted]
        self._postings: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for index, vector in enumerate(vectors):
            for gram, weight in vector:
                self._postings[gram].append((index, weight))
        self._weights = self._train(vectors)

    def rank(self, text: str, limit: int = 8) -> list[Match]:
        """The labels that fit best, best first; empty for a text in which nothing is known."""
        bare = self._bare(text)
        vector = self._vector(_grams(bare))
        if not vector:
            return []
        linear, near = self._linear(vector), self._nearest(bare, vector)
        scores = [(near.get(i, 0.0) + _LINEAR * min(1.2, max(-0.6, linear[i]))) / (1 + _LINEAR) for i in range(len(self._labels))]
        order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))[:limit]
        return [Match(self._labels[i], round(min(1.0, scores[i]), 4)) for i in order if scores[i] > 0]

    def _bare(self, text: str) -> str:
        return _SPACE.sub("", self._places.sub(_PLACE, normalise(text)))

    def _vector(self, row: Mapping[str, int]) -> list[tuple[str, float]]:
        weighted = [(gram, self._rarity[gram] * (1 + math.log(n))) for gram, n in row.items() if gram in self._rarity]
        norm = math.sqrt(sum(w * w for _, w in weighted)) or 1.0
        return [(gram, w / norm) for gram, w in weighted]

    def _train(self, vectors: Sequence[list[tuple[str, float]]]) -> dict[str, list[float]]:
        weights = {gram: [0.0] * len(self._labels) for gram in self._rarity}
        order, shuffler = list(range(len(vectors))), random.Random(_SEED)  # the same order on every machine
        for _ in range(_EPOCHS):
            shuffler.shuffle(order)
            for index in order:
                right, vector = self._rows[index][0], vectors[index]
                scores = _sum(vector, weights, len(self._labels))
                own, scores[right] = scores[right], -math.inf
                rival = max(range(len(scores)), key=scores.__getitem__)
                loss = 1 - own + scores[rival]
                if loss > 0:
                    step = min(_STEP, loss / 2)
                    for gram, value in vector:
                        row = weights[gram]
                        row[right] += step * value
                        row[rival] -= step * value
        return weights

    def _linear(self, vector: list[tuple[str, float]]) -> list[float]:
        return _sum(vector, self._weights, len(self._labels))

    def _nearest(self, text: str, vector: list[tuple[str, float]]) -> dict[int, float]:
        cosine: dict[int, float] = defaultdict(float)
        for gram, weight in vector:
            for index, value in self._postings[gram]:
                cosine[index] += weight * value
        best = sorted(cosine, key=lambda i: (-cosine[i], i))[:_CANDIDATES]
        found: dict[int, list[float]] = defaultdict(list)
        for index in best:
            label, example = self._rows[index]
            found[label].append((cosine[index] + fuzz.ratio(text, example, processor=None) / 100) / 2)
        return {label: _together(scores) for label, scores in found.items()}


def _grams(text: str) -> Counter[str]:
    marked = f"^{text}$"
    found = Counter(text)
    found.update(marked[i : i + 2] for i in range(len(marked) - 1))
    return found


def _sum(vector: Sequence[tuple[str, float]], weights: Mapping[str, list[float]], size: int) -> list[float]:
    scores = [0.0] * size
    for gram, value in vector:
        scores = [s + value * w for s, w in zip(scores, weights[gram], strict=True)]
    return scores


def _together(scores: list[float]) -> float:
    """The best example's score, raised a little where the next ones agree."""
    best = sorted(scores, reverse=True)
    support = sum(best[1:4]) / 3
    return min(1.0, best[0] * 0.85 + (0.15 if best[0] > 0.97 else 0.15 * min(1.0, support * 1.5)))
