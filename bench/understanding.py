"""How well messages are understood, and what it costs, beside others: `python -m bench.understanding [--only PART] [--write PAGE]`.

`set` reads tests/understanding/ (see its README), which was written independently of the examples. Errors are counted, not shown: the
set must stay unseen by those who write examples. `intents`, `passages` and `growth` are the modules of those names.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path

from bench import growth, intents_peers, passages_peers, turns
from bench.measuring import ROOT, SkippedError
from bench.tables import Table, replace_part, where
from dialogs import finding, wanting
from dialogs.assistant import respond
from dialogs.conversation import State
from dialogs.messages import Message
from dialogs.talk import Talk
from dialogs.turns import LOCAL
from knowledge.loader import load
from knowledge.papers import lies_in
from knowledge.snapshot import Knowledge, citations
from knowledge.values import Found, Vocabulary, normalise

FOLDER = ROOT / "tests" / "understanding"
TODAY = date(2026, 11, 22)
NOON = datetime(2026, 11, 22, 12, tzinfo=LOCAL)
INTERNAL = {"ambiguous_region", "drug_class", "phone", "email"}
NAMED = {"segment", "park"}
"""Kinds whose values are names, compared as what they stand for."""


def rows(name: str) -> list[list[str]]:
    """The lines of a set, split at tabs, without the head."""
    return [line.split("\t") for line in (FOLDER / name).read_text(encoding="utf-8").splitlines()[1:]]


def intents(knowledge: Knowledge, name: str = "messages.tsv", title: str = "the evaluation set") -> tuple[Table, ...]:
    """Accuracy on messages with one wish, by class; both wishes found on messages with two."""
    right, total, confused = Counter[str](), Counter[str](), Counter[tuple[str, str]]()
    both = both_total = false_alarm = 0
    for wanted, text in rows(name):
        scores = wanting.read(knowledge.read(text), knowledge).scores
        found = [s.name for s in scores]
        if "+" in wanted:
            both_total += 1
            both += set(wanted.split("+")) <= set(found[:2])
            continue
        best = found[0] if found else "out_of_scope"
        total[wanted] += 1
        right[wanted] += best == wanted
        false_alarm += best == "out_of_scope" != wanted
        if best != wanted:
            confused[wanted, best] += 1
    inside = sum(total.values()) - total["out_of_scope"]
    totals = (
        ("one wish: right", str(sum(right.values())), str(sum(total.values())), _share(sum(right.values()), sum(total.values()))),
        ("two wishes: both found", str(both), str(both_total), _share(both, both_total)),
        ("out of scope: seen as such", str(right["out_of_scope"]), str(total["out_of_scope"]), _share(right["out_of_scope"], total["out_of_scope"])),
        ("in scope: taken for out of scope", str(false_alarm), str(inside), _share(false_alarm, inside)),
    )
    by_class = []
    for name in sorted(total, key=lambda n: (right[n] / total[n], n)):
        taken = ", ".join(f"{other} {n}" for (w, other), n in confused.most_common() if w == name)
        by_class.append((name, str(right[name]), str(total[name]), taken or "–"))
    return (
        Table(f"Intents of {title}", ("messages", "number", "of", "share"), totals),
        Table(f"Intents of {title}, by class", ("class", "right", "of", "taken for"), tuple(by_class)),
    )


def sections(knowledge: Knowledge) -> tuple[Table, ...]:
    """Questions about the papers, as whole turns of a new chat: whether the section that answers is cited, or one tap away."""
    cited = offered = 0
    table = rows("sections.tsv")
    for question, listed in table:
        places = [tuple(place.split("|")) for place in listed.split(";")]
        turn = respond(State(), Message(question), knowledge, NOON)
        if any(_fits(c.document, c.section, places) for reply in turn.replies for c in reply.citations):
            cited += 1
            continue
        shown = (knowledge.record(o.payload.removeprefix("!show:")) for r in turn.replies for o in r.options if o.payload.startswith("!show:"))
        offered += any(_fits(c.document, c.section, places) for record in shown if record for c in citations(record))
    total = len(table)
    sure = _how_sure(knowledge, table)
    found = (
        ("answered with the right section", str(cited), str(total), _share(cited, total)),
        ("offered among at most three", str(offered), str(total), _share(offered, total)),
        ("neither", str(total - cited - offered), str(total), _share(total - cited - offered, total)),
    )
    return (
        Table("Questions about the papers", ("questions", "number", "of", "share"), found, ("a record that cites a wider or a narrower part fits",)),
        Table("How sure the first record is", ("share of the best possible score", "questions", "first is right", "among the first three"), sure),
    )


def _how_sure(knowledge: Knowledge, table: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    """By the score of the first record: how often it is right, and one of the first three."""
    edges = (0.0, finding.CLOSE, 0.14, finding.RIGHT, 0.3, 1.01)
    told: dict[float, list[tuple[bool, bool]]] = {edge: [] for edge in edges[:-1]}
    for question, listed in table:
        places = [tuple(place.split("|")) for place in listed.split(";")]
        talk = Talk(State(), Message(question), knowledge, NOON, ())
        talk.hear(question)
        hits = finding.find(talk, finding.region_of(talk))[:3]
        right = [any(_fits(c.document, c.section, places) for c in citations(hit.record)) for hit in hits]
        told[max(edge for edge in told if edge <= (hits[0].score if hits else 0.0))].append((any(right[:1]), any(right)))
    rows = []
    for low, high in pairwise(edges):
        first, three = (sum(pair[place] for pair in told[low]) for place in (0, 1))
        rows.append((f"{low:.2f} to {min(high, 1.0):.2f}", str(len(told[low])), _share(first, len(told[low])), _share(three, len(told[low]))))
    return tuple(rows)


def _fits(document: str, section: str, places: Sequence[Sequence[str]]) -> bool:
    return any(document == d and (lies_in(section, s) or lies_in(s, section)) for d, s in places)


def entities(knowledge: Knowledge) -> tuple[Table, ...]:
    """Precision, recall and F1 by kind and in total; messages read exactly."""
    hit, extra, missed, exact = Counter[str](), Counter[str](), Counter[str](), 0
    table = rows("entities.tsv")
    for text, listed in table:
        wanted = Counter(wanted_value(e["kind"], e["value"], knowledge.vocabulary) for e in json.loads(listed))
        told = respond(State(), Message(text), knowledge, NOON).entities  # as the chat reads it
        found = Counter(wanted_value(e.kind, e.value, knowledge.vocabulary) for e in told)
        exact += wanted == found
        hit.update(kind for kind, _ in (wanted & found).elements())
        extra.update(kind for kind, _ in (found - wanted).elements())
        missed.update(kind for kind, _ in (wanted - found).elements())
    kinds = [_quality(kind, hit[kind], extra[kind], missed[kind]) for kind in sorted(hit | extra | missed)]
    total = _quality("all kinds", hit.total(), extra.total(), missed.total())
    exactly = (
        f"{exact} of {len(table)} messages read exactly ({_share(exact, len(table))}); segments and parks compared as what their names stand for"
    )
    return (Table("Entities of the evaluation set", ("kind", "of", "precision", "recall", "F1"), (*kinds, total), (exactly,)),)


def wanted_value(kind: str, value: object, vocabulary: Vocabulary) -> tuple[str, str]:
    """A value that is wanted, comparable with those found: a name by the record it stands for, or as it is where nobody knows it."""
    if kind in NAMED:
        name = normalise(str(value))
        whole = [f for f in vocabulary.read(name, TODAY) if f.kind == kind and f.text == name]
        return found_value(whole[0]) if whole else (kind, name)
    return kind, json.dumps(value, sort_keys=True)


def found_value(found: Found) -> tuple[str, str]:
    """A value that was found: a name by the record it stands for."""
    return (found.kind, found.token) if found.kind in NAMED else (found.kind, json.dumps(found.value, sort_keys=True))


def _share(number: int, of: int) -> str:
    return f"{number / of:.3f}" if of else "–"


def _quality(name: str, hit: int, extra: int, missed: int) -> tuple[str, ...]:
    return (name, str(hit + missed), _share(hit, hit + extra), _share(hit, hit + missed), _share(2 * hit, 2 * hit + extra + missed))


def evaluation() -> tuple[Table, ...]:
    """All tables of the evaluation set."""
    knowledge = load()
    second = intents(knowledge, "messages-2.tsv", "the second set")
    return *intents(knowledge), *second, *sections(knowledge), *entities(knowledge)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the page: what makes its tables, and whose versions count."""

    tables: Callable[[], tuple[Table, ...]]
    packages: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


PARTS: Mapping[str, Part] = {
    "set": Part(evaluation),
    "intents": Part(intents_peers.tables, intents_peers.PACKAGES),
    "passages": Part(passages_peers.tables, passages_peers.PACKAGES, (f"SQLite {sqlite3.sqlite_version}",)),
    "start": Part(turns.tables),
    "growth": Part(growth.tables),
}


def main(arguments: Sequence[str]) -> None:
    """Print the tables of the parts that are wanted, and write them into the page where one is named."""
    parser = argparse.ArgumentParser(prog="python -m bench.understanding", description="How well messages are understood, beside others.")
    parser.add_argument("--only", choices=PARTS, action="append", help="this part alone (may be given several times)")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="write the tables between the markers of this page (docs/understanding.md)")
    wanted = parser.parse_args(arguments)
    for name in wanted.only or PARTS:
        part = PARTS[name]
        try:
            tables = part.tables()
        except SkippedError as reason:  # what a page says of an earlier run stays
            print(f"{name}: skipped, {reason}\n")
            continue
        measured = where(datetime.now(LOCAL).date(), part.packages, part.others)
        print("\n\n".join((measured, *(table.text() for table in tables))), end="\n\n", flush=True)
        if wanted.write:
            page = wanted.write.read_text(encoding="utf-8")
            content = "\n".join((f"_{measured}_\n", *(table.markdown() for table in tables)))
            wanted.write.write_text(replace_part(page, name, content), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
