"""How well messages are understood, on sets that were written independently of the examples: `python -m bench.understanding`.

Reads tests/understanding/ (see its README). Errors are counted, not shown: the set must stay unseen by those who write examples.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

from dialogs import reading
from knowledge.loader import load
from knowledge.snapshot import Knowledge

FOLDER = Path(__file__).parent.parent / "tests" / "understanding"
TODAY = date(2026, 11, 22)
INTERNAL = {"ambiguous_region", "drug_class", "phone", "email"}


def rows(name: str) -> list[list[str]]:
    """The lines of a set, split at tabs, without the head."""
    return [line.split("\t") for line in (FOLDER / name).read_text(encoding="utf-8").splitlines()[1:]]


def intents(knowledge: Knowledge) -> None:
    """Accuracy on messages with one wish, by class; both wishes found on messages with two."""
    right, total, confused = Counter[str](), Counter[str](), Counter[tuple[str, str]]()
    both = both_total = false_alarm = 0
    for wanted, text in rows("messages.tsv"):
        scores = reading.intents(knowledge.read(text), knowledge).scores
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
    print(f"intents: {sum(right.values())}/{sum(total.values())} = {sum(right.values()) / sum(total.values()):.3f}")
    print(f"out of scope: recall {right['out_of_scope'] / total['out_of_scope']:.3f}, false alarms {false_alarm / inside:.3f}")
    print(f"two wishes: both found {both}/{both_total}")
    for name in sorted(total, key=lambda n: right[n] / total[n]):
        taken = ", ".join(f"{other} {n}" for (w, other), n in confused.most_common() if w == name)
        print(f"  {name:<20} {right[name]:>3}/{total[name]:<3}  {'taken for ' + taken if taken else ''}")


def entities(knowledge: Knowledge) -> None:
    """Precision and recall by kind; messages read exactly."""
    hit, extra, missed, exact = Counter[str](), Counter[str](), Counter[str](), 0
    table = rows("entities.tsv")

    def meant(kind: str, value: Any) -> tuple[str, str]:
        """What a labelled value stands for: parks and segments may be labelled by any of their names."""
        if kind in ("park", "segment"):
            value = next((f.token for f in knowledge.vocabulary.read(value, TODAY) if f.kind == kind), value)
        return kind, json.dumps(value, sort_keys=True)

    for text, listed in table:
        wanted = Counter(meant(e["kind"], e["value"]) for e in json.loads(listed))
        found = Counter(meant(f.kind, f.value) for f in knowledge.vocabulary.read(knowledge.read(text), TODAY) if f.kind not in INTERNAL)
        exact += wanted == found
        hit.update(kind for kind, _ in (wanted & found).elements())
        extra.update(kind for kind, _ in (found - wanted).elements())
        missed.update(kind for kind, _ in (wanted - found).elements())
    print(f"entities: {exact}/{len(table)} messages read exactly")
    for kind in sorted(hit | extra | missed):
        precision, recall = hit[kind] / max(1, hit[kind] + extra[kind]), hit[kind] / max(1, hit[kind] + missed[kind])
        print(f"  {kind:<14} precision {precision:.3f}  recall {recall:.3f}  of {hit[kind] + missed[kind]}")


if __name__ == "__main__":
    loaded = load()
    intents(loaded)
    entities(loaded)
