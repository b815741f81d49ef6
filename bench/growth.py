"""What a growing knowledge base costs, at once, ten and a hundred times the shipped one: `python -m bench.growth`.

The shipped examples and records are varied, the same way on every machine; labels stay. Each size is measured in a process of its own.
"""

from __future__ import annotations

import gc
import json
import random
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any, TypeVar, cast

from bench.measuring import SkippedError, fresh, percentile, resident, settled, timed
from bench.tables import Table
from bench.turns import computed_turns
from knowledge.loader import load
from knowledge.matching import Matcher
from knowledge.search import Search
from knowledge.snapshot import Answerable, Knowledge

T = TypeVar("T")
FACTORS = (1, 10, 100)
MESSAGES = 500
SPENT = 20.0
"""Seconds after which a measurement of single calls ends, however many are left."""
_WORDS = ("name", "summary", "text", "answer", "route", "wording", "pattern")
"""The fields of records whose words are searched."""
_LISTS = ("ask", "aliases")
_CLAUSE = re.compile(r"[^，。；、]*[，。；、]?")
_DIGIT = re.compile(r"\d")


# --- variation: round 0 is the text itself


def spliced(text: str, others: Sequence[str], round_: int) -> str:
    """The beginning of an example, the end of another one of its label, and one letter from a third in between."""
    if round_ == 0:
        return text
    draw = random.Random(f"{round_}:{text}")
    other, third = draw.choice(others), draw.choice(others)
    return text[: draw.randint(1, len(text))] + draw.choice(third) + other[draw.randint(0, len(other) - 1) :]


def mingled(text: str, others: Sequence[str], round_: int) -> str:
    """As many clauses as a text has, drawn from it and from another one in turn, with other digits."""
    if round_ == 0 or not text:
        return text
    draw = random.Random(f"{round_}:{text}")
    own, foreign = _CLAUSE.findall(text)[:-1] or [text], _CLAUSE.findall(draw.choice(others))[:-1]
    clauses = [draw.choice(foreign) if foreign and number % 2 else clause for number, clause in enumerate(own)]
    draw.shuffle(clauses)
    return _DIGIT.sub(lambda _: str(draw.randrange(10)), "".join(clauses))


def examples(knowledge: Knowledge, factor: int) -> Mapping[str, Sequence[str]]:
    """The examples of each intent, `factor` times as many."""
    every = {intent.name: intent.examples for intent in knowledge.intents.values()}
    return {label: [spliced(text, texts, round_) for round_ in range(factor) for text in texts] for label, texts in every.items()}


def words(record: Answerable) -> str:
    """What a record says, as one passage."""
    return " ".join(value for field in _WORDS if isinstance(value := getattr(record, field, None), str))


def passages(knowledge: Knowledge, factor: int) -> Sequence[str]:
    """The words of the records, `factor` times as many."""
    every = [words(record) for record in knowledge.answerable()]
    return [mingled(text, every, round_) for round_ in range(factor) for text in every]


def records(knowledge: Knowledge, factor: int) -> Sequence[Answerable]:
    """The records, `factor` times as many: the others with ids and words of their own."""
    every = list(knowledge.answerable())
    texts = [words(record) for record in every]

    def varied(record: Answerable, round_: int) -> Answerable:
        if round_ == 0:
            return record
        update: dict[str, Any] = {"id": f"{record.id}-r{round_}"}
        for field in _WORDS:
            if isinstance(value := getattr(record, field, None), str):
                update[field] = mingled(value, texts, round_)
        for field in _LISTS:
            if value := getattr(record, field, ()):
                update[field] = tuple(spliced(text, value, round_) for text in value)
        return record.model_copy(update=update)

    return [varied(record, round_) for round_ in range(factor) for record in every]


def asked(knowledge: Knowledge) -> Sequence[str]:
    """Messages like the examples, none of which is one: their variation of a round that no size has."""
    every = [spliced(text, intent.examples, max(FACTORS) + 1) for intent in knowledge.intents.values() for text in intent.examples]
    return random.Random(1).sample(every, min(MESSAGES, len(every)))


# --- what is measured, each in a process of its own


def matcher(knowledge: Knowledge, factor: int) -> dict[str, float]:
    """Training and `Matcher.rank`."""
    return _index(examples(knowledge, factor), lambda given: Matcher(given).rank, asked(knowledge))


def bm25(knowledge: Knowledge, factor: int) -> dict[str, float]:
    """Indexing and `Bm25.search`."""
    index = import_module("knowledge.bm25").Bm25
    return _index(passages(knowledge, factor), lambda given: cast(Callable[[str], object], index(given).search), asked(knowledge))


def _index(given: T, build: Callable[[T], Callable[[str], object]], messages: Sequence[str]) -> dict[str, float]:
    before, begun = settled(), time.perf_counter()
    call = build(given)
    seconds, after = time.perf_counter() - begun, resident()
    size = sum(map(len, given.values())) if isinstance(given, Mapping) else len(cast(Sequence[str], given))
    return {"size": size, "seconds": seconds, "memory": after - before, **_speed(timed(call, messages, SPENT)[1])}


def turn(knowledge: Knowledge, factor: int) -> dict[str, float]:
    """One whole turn (`respond`) with a bigger matcher and a bigger index of records; the records' own tables stay."""
    given, grown = examples(knowledge, factor), records(knowledge, factor)
    before, begun = settled(), time.perf_counter()
    names = [region.name for region in knowledge.regions.values()]
    bigger = replace(knowledge, matcher=Matcher(given), search=Search(grown, names))
    seconds, after = time.perf_counter() - begun, resident()
    gc.freeze()  # as `serve` does
    began = time.perf_counter()
    computed_turns(bigger, 1)
    rounds = int(SPENT / (time.perf_counter() - began))
    spent = computed_turns(bigger, max(1, min(20, rounds)))
    size = sum(map(len, given.values())) + len(grown)
    return {"size": size, "seconds": seconds, "memory": after - before, **_speed([s * 1e6 for s in spent])}


def _speed(micros: Sequence[float]) -> dict[str, float]:
    return {"p50": percentile(micros, 0.5), "p99": percentile(micros, 0.99)}


PARTS: Mapping[str, Callable[[Knowledge, int], dict[str, float]]] = {"matcher": matcher, "bm25": bm25, "turn": turn}
_TITLES = {"matcher": "Matcher.rank, examples", "bm25": "Bm25.search, passages", "turn": "one turn, examples and records"}


def tables() -> tuple[Table, ...]:
    """Building time, memory and the time of single calls for each size."""
    rows, notes = [], []
    for part, title in _TITLES.items():
        for factor in FACTORS:
            try:
                told = fresh("bench.growth", "--measure", part, str(factor))
            except SkippedError as reason:
                notes.append(f"{title}: skipped, {reason}")
                break
            figures = (f"{told['size']:,}", f"{told['seconds']:.2f}", f"{told['memory']:.0f}", f"{told['p50']:,.0f}", f"{told['p99']:,.0f}")
            rows.append((f"{title} ×{factor}", *figures))
    notes.append("the shipped examples and records, varied; single messages like the examples, for a turn the talks of bench/turns.py")
    notes.append("memory: what building adds in a fresh process that has loaded the shipped base; the given texts and records not counted")
    return (Table("Growth: cost as the knowledge base grows", ("growth", "number", "build s", "MB", "p50 µs", "p99 µs"), tuple(rows), tuple(notes)),)


def main(arguments: Sequence[str]) -> None:
    """Print the table; `--measure PART FACTOR` measures one as JSON."""
    if arguments[:1] == ["--measure"]:
        print(json.dumps(PARTS[arguments[1]](load(), int(arguments[2]))))
        return
    for table in tables():
        print(table.text(), end="\n\n")


if __name__ == "__main__":
    main(sys.argv[1:])
