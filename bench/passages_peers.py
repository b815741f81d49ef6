"""Our search of passages beside others on public questions (CMRC 2018 dev): `python -m bench.passages_peers`.

Every question is put to all paragraphs. Everyone cuts texts the same way where they take tokens: characters and pairs of characters.
"""

from __future__ import annotations

import json
import math
import random
import re
import sqlite3
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module

from bench.measuring import DATA, WARM, SkippedError, auroc, paired_bootstrap, percentile, resident, settled, timed, weight
from bench.tables import Table, run_alone

FILE = DATA / "cmrc2018" / "cmrc2018_dev.json"
SEEDS = (1, 2, 3)
LIMIT = 10
OURS = "园企通"
PACKAGES = ("bm25s", "tantivy")
_WORD = re.compile(r"\w+")

Found = Sequence[tuple[int, float]]
"""The numbers of the best texts with their scores, best first."""
Search = Callable[[str], Found]
Cut = Callable[[str], list[str]]


@dataclass(frozen=True, slots=True)
class Questions:
    """The paragraphs, and every question with the number of the paragraph that answers it."""

    paragraphs: Sequence[str]
    texts: Sequence[str]
    answers: Sequence[int]


def questions() -> Questions:
    """All of the set; SkippedError where the data is absent."""
    if not FILE.is_file():
        raise SkippedError(f"no {FILE}")
    articles = json.loads(FILE.read_text(encoding="utf-8"))["data"]
    paragraphs = [paragraph for article in articles for paragraph in article["paragraphs"]]
    asked = [(qa["question"], number) for number, paragraph in enumerate(paragraphs) for qa in paragraph["qas"]]
    return Questions([p["context"] for p in paragraphs], [text for text, _ in asked], [number for _, number in asked])


def pairs(text: str) -> list[str]:
    """The pairs of neighbouring characters of each run of letters; a lone letter is its own."""
    return [word[i : i + 2] for word in _WORD.findall(text.lower()) for i in range(max(1, len(word) - 1))]


def letters_and_pairs(text: str) -> list[str]:
    """The characters and the pairs of neighbouring characters of each run of letters."""
    words = _WORD.findall(text.lower())
    return [letter for word in words for letter in word] + [word[i : i + 2] for word in words for i in range(len(word) - 1)]


def triples(text: str) -> list[str]:
    """All runs of three characters, as FTS5's trigram tokenizer cuts them."""
    text = text.lower()
    return [text[i : i + 3] for i in range(len(text) - 2)]


# --- the systems: texts in, a search out; imports inside, so that a fresh process can weigh them


def _ours(texts: Sequence[str]) -> Search:
    index = import_module("knowledge.bm25").Bm25(texts)
    return partial(index.search, limit=LIMIT)


def _bm25s(texts: Sequence[str]) -> Search:
    import bm25s

    index = bm25s.BM25()
    index.index([letters_and_pairs(text) for text in texts], show_progress=False)

    def search(text: str) -> Found:
        if not (tokens := letters_and_pairs(text)):
            return []
        numbers, scores = index.retrieve([tokens], k=min(LIMIT, len(texts)), show_progress=False)
        return list(zip(numbers[0].tolist(), scores[0].tolist(), strict=True))

    return search


def _tantivy(texts: Sequence[str]) -> Search:
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_text_field("text", tokenizer_name="cut", index_option="freq")
    builder.add_integer_field("number", stored=True)
    schema = builder.build()
    index = tantivy.Index(schema)
    index.register_tokenizer("cut", tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build())
    writer = index.writer(heap_size=50_000_000, num_threads=1)
    for number, text in enumerate(texts):
        writer.add_document(tantivy.Document(number=number, text=" ".join(letters_and_pairs(text))))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    searcher = index.searcher()

    def search(text: str) -> Found:
        terms = (tantivy.Query.term_query(schema, "text", term, index_option="freq") for term in dict.fromkeys(letters_and_pairs(text)))
        hits = searcher.search(tantivy.Query.boolean_query([(tantivy.Occur.Should, term) for term in terms]), LIMIT, count=False).hits
        return [(searcher.doc(address)["number"][0], score) for score, address in hits]

    return search


def _fts5(tokenizer: str, cut: Cut, texts: Sequence[str]) -> Search:
    database = sqlite3.connect(":memory:")
    try:
        database.execute(f"CREATE VIRTUAL TABLE passages USING fts5(text, tokenize='{tokenizer}')")
    except sqlite3.OperationalError as error:
        raise SkippedError(f"this SQLite has no such index: {error}") from error
    stored = enumerate(text if tokenizer == "trigram" else " ".join(cut(text)) for text in texts)
    database.executemany("INSERT INTO passages(rowid, text) VALUES (?, ?)", stored)
    database.execute("INSERT INTO passages(passages) VALUES ('optimize')")
    database.commit()

    def search(text: str) -> Found:
        match = " OR ".join(f'"{term.replace(chr(34), chr(34) * 2)}"' for term in dict.fromkeys(cut(text)))
        rows = database.execute("SELECT rowid, -rank FROM passages WHERE passages MATCH ? ORDER BY rank LIMIT ?", (match, LIMIT)) if match else ()
        return [(number, score) for number, score in rows]

    return search


@dataclass(frozen=True, slots=True)
class System:
    """A system, and how it cuts a text: None where its scores are already shares of the best possible."""

    build: Callable[[Sequence[str]], Search]
    cut: Cut | None


SYSTEMS: Mapping[str, System] = {
    OURS: System(_ours, None),
    "bm25s, characters 1+2": System(_bm25s, letters_and_pairs),
    "tantivy, characters 1+2": System(_tantivy, letters_and_pairs),
    "SQLite FTS5, pairs cut before": System(partial(_fts5, "unicode61 remove_diacritics 0", pairs), pairs),
    "SQLite FTS5, trigram": System(partial(_fts5, "trigram", triples), triples),
}


def weigh(name: str) -> float:
    """MB that the imports, the index and a few searches add to a process that has read the data. For a process of its own."""
    asked = questions()
    before = settled()
    search = SYSTEMS[name].build(asked.paragraphs)
    for text in asked.texts[:WARM]:
        search(text)
    return resident() - before


# --- what is measured


@dataclass(frozen=True, slots=True)
class Run:
    """What one system found over all paragraphs and what it cost; how well its scores tell what is in the knowledge: raw, as a share, and as a
    share with its lead over the next (`Bm25.clear`)."""

    ranks: Sequence[int | None]
    micros: Sequence[float]
    seconds: float
    raw: float | None
    share: float
    lead: float

    def recall(self, depth: int) -> float:
        """The share of the questions whose paragraph is among the first ones."""
        return statistics.fmean(rank is not None and rank < depth for rank in self.ranks)

    def reciprocal(self) -> float:
        """The mean reciprocal rank within the first ten."""
        return statistics.fmean(0.0 if rank is None else 1 / (rank + 1) for rank in self.ranks)


def run(name: str, asked: Questions) -> Run:
    """Index all paragraphs, search every question; SkippedError where the package is not there."""
    system = SYSTEMS[name]
    begun = time.perf_counter()
    try:
        search = system.build(asked.paragraphs)
    except ModuleNotFoundError as error:
        raise SkippedError(f"{error.name} is not there") from error
    seconds = time.perf_counter() - begun
    found, micros = timed(search, asked.texts)
    ranks = [rank_of(answer, hits) for answer, hits in zip(asked.answers, found, strict=True)]
    told = [_known(system, asked, seed) for seed in SEEDS]
    raw = None if system.cut is None else statistics.fmean(areas[0] for areas in told)
    return Run(ranks, micros, seconds, raw, *(statistics.fmean(areas[place] for areas in told) for place in (1, 2)))


def rank_of(answer: int, found: Found) -> int | None:
    """Where the answer stands among those found, from 0; None where it doesn't."""
    return next((rank for rank, (number, _) in enumerate(found) if number == answer), None)


def _known(system: System, asked: Questions, seed: int) -> tuple[float, float, float]:
    """AUROC of the top score with a random half of the paragraphs indexed: raw, as a share of the query's idf, and with its lead over the next."""
    numbers = list(range(len(asked.paragraphs)))
    random.Random(seed).shuffle(numbers)
    half = sorted(numbers[: len(numbers) // 2])
    texts = [asked.paragraphs[n] for n in half]
    search, rarity = system.build(texts), Rarity(texts, system.cut) if system.cut else None
    found = [search(text) for text in asked.texts]
    tops = [hits[0][1] if hits else 0.0 for hits in found]
    clear = [2 * top - (hits[1][1] if len(hits) > 1 else 0.0) for top, hits in zip(tops, found, strict=True)]
    most = [(rarity.total(text) or math.inf) if rarity else 1.0 for text in asked.texts]
    shares, leads = ([score / whole for score, whole in zip(scores, most, strict=True)] for scores in (tops, clear))
    inside = set(half)
    return _told(tops, asked, inside), _told(shares, asked, inside), _told(leads, asked, inside)


def _told(scores: Sequence[float], asked: Questions, inside: Collection[int]) -> float:
    scored = list(zip(scores, asked.answers, strict=True))
    return auroc([score for score, answer in scored if answer in inside], [score for score, answer in scored if answer not in inside])


class Rarity:
    """How rare the terms of a collection are (idf as in BM25); an unknown term is rarest."""

    def __init__(self, texts: Sequence[str], cut: Cut) -> None:
        self._cut, self._size = cut, len(texts)
        self._holding = Counter(term for text in texts for term in set(cut(text)))

    def total(self, text: str) -> float:
        """The sum over the different terms of a text."""
        holding = (self._holding[term] for term in dict.fromkeys(self._cut(text)))
        return sum(math.log(1 + (self._size - n + 0.5) / (n + 0.5)) for n in holding)


# --- the tables


def _row(name: str, r: Run) -> tuple[str, ...]:
    micros = (f"{percentile(r.micros, share):,.0f}" for share in (0.5, 0.95))
    areas = ("–" if r.raw is None else f"{r.raw:.3f}", f"{r.share:.3f}", f"{r.lead:.3f}")
    memory = weight("bench.passages_peers", name)
    return (name, *(f"{r.recall(depth):.3f}" for depth in (1, 5)), f"{r.reciprocal():.3f}", *areas, *micros, f"{r.seconds:.2f}", memory)


def tables() -> tuple[Table, ...]:
    """Recall, rank, AUROC, speed and size of every system; and our lead over each. SkippedError where the data is absent."""
    asked, measured, notes = questions(), dict[str, Run](), []
    for name in SYSTEMS:
        try:
            measured[name] = run(name, asked)
        except SkippedError as reason:
            notes.append(f"{name}: skipped, {reason}")
    notes.append(
        f"{len(asked.texts):,} questions, {len(asked.paragraphs)} paragraphs; single questions, warm; memory: a fresh process, imports included"
    )
    notes.append(
        f"known: AUROC of “the paragraph is in the index” with a random half indexed, mean of {len(SEEDS)} halves, by the top score"
        ", by the top score ÷ the sum of the question's idf (ours gives the share itself; for others it is reckoned here), and by that with its lead"
        " over the second added (what the assistant goes by)"
    )
    head = (
        "passages (CMRC 2018 dev)",
        "recall@1",
        "recall@5",
        "MRR@10",
        "known, raw",
        "known, share",
        "known, lead",
        "p50 µs",
        "p95 µs",
        "index s",
        "MB",
    )
    found = [Table("Passages: ours and others", head, tuple(_row(name, r) for name, r in measured.items()), tuple(notes))]
    if OURS in measured and len(measured) > 1:
        first = {name: [float(rank == 0) for rank in r.ranks] for name, r in measured.items()}
        lines = tuple((name, str(paired_bootstrap(first[OURS], right))) for name, right in first.items() if name != OURS)
        found.append(Table("Passages: our lead in recall@1", ("against", "difference [95% of a paired bootstrap]"), lines))
    return tuple(found)


if __name__ == "__main__":
    run_alone(sys.argv[1:], tables, weigh)
