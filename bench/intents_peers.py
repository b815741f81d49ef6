"""Our matcher of intents beside others on public messages (SMP2017, 30 domains): `python -m bench.intents_peers`.

Every system is trained on the same examples and asked the same messages in the same run. What it reads stays outside the checkout.
"""

from __future__ import annotations

import json
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.measuring import DATA, WARM, SkippedError, auroc, mcnemar, paired_bootstrap, percentile, resident, settled, timed, weight
from bench.tables import Table, run_alone

FOLDER = DATA / "smp2017"
OUTSIDE = "chat"
"""The label that is never trained: chit-chat, which no other label should be sure about."""
SIZES: tuple[int | None, ...] = (10, 30, None)
"""Examples a label; None is all of them."""
SPEED_SIZE = 30
SEEDS = (1, 2, 3)
OURS, NLPJS = "园企通", "nlp.js (zh)"
PACKAGES = ("scikit-learn", "rapidfuzz")
_NLPJS_PACKAGES = ("@nlpjs/core@4", "@nlpjs/nlp@4", "@nlpjs/lang-zh@4")
_COMMON = 25.0
"""Our intercept: these messages were gathered. The best of 0, 10, 25, 40 in a cross-validation of the training lines."""
_BEGIN, _END = "\x02", "\x03"

Examples = Mapping[str, Sequence[str]]
Guess = tuple[str, float]
"""The best label for a message, and its score."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one trained system said: guesses for messages that have a label, top scores for those out of scope; and what it cost."""

    guesses: Sequence[Guess]
    outside: Sequence[float]
    micros: Sequence[float]
    seconds: float
    memory: float | None = None
    version: str = ""


@dataclass(frozen=True, slots=True)
class Messages:
    """The messages that are asked, with their labels, and those out of scope."""

    texts: Sequence[str]
    labels: Sequence[str]
    outside: Sequence[str]


def rows(name: str) -> list[tuple[str, str]]:
    """Label and text of each line; SkippedError where the data is absent."""
    if not (FOLDER / name).is_file():
        raise SkippedError(f"no {FOLDER / name}")
    cut = (line.partition("\t") for line in (FOLDER / name).read_text(encoding="utf-8").split("\n") if line)
    return [(label, text) for label, _, text in cut]


def examples(size: int | None, seed: int) -> Examples:
    """So many examples a label, drawn anew for each seed (all of a label that has fewer)."""
    found: dict[str, list[str]] = defaultdict(list)
    for label, text in rows("train.tsv"):
        if label != OUTSIDE:
            found[label].append(text)
    draw = random.Random(seed)
    return {label: texts if size is None else draw.sample(texts, min(size, len(texts))) for label, texts in found.items()}


def messages() -> Messages:
    """The messages of develop.tsv, and the chit-chat of both files."""
    asked = [row for row in rows("develop.tsv") if row[0] != OUTSIDE]
    outside = [text for name in ("develop.tsv", "train.tsv") for label, text in rows(name) if label == OUTSIDE]
    return Messages([text for _, text in asked], [label for label, _ in asked], outside)


# --- the systems: examples in, a function from a message to a guess out; imports inside, so that a fresh process can weigh them


def _ours(given: Examples) -> Callable[[str], Guess]:
    from knowledge.matching import Matcher

    matcher = Matcher(given, common=_COMMON)

    def guess(text: str) -> Guess:
        ranked = matcher.rank(text)
        return (ranked[0].label, ranked[0].score) if ranked else ("", 0.0)

    return guess


def _scikit_learn(given: Examples) -> Callable[[str], Guess]:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.svm import LinearSVC

    vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(1, 2), sublinear_tf=True)
    machine = LinearSVC()  # one against the rest
    texts = [f"{_BEGIN}{text}{_END}" for label in given for text in given[label]]
    machine.fit(vectorizer.fit_transform(texts), [label for label in given for _ in given[label]])

    def guess(text: str) -> Guess:
        scores = machine.decision_function(vectorizer.transform([f"{_BEGIN}{text}{_END}"]))[0]
        best = int(scores.argmax())
        return str(machine.classes_[best]), float(scores[best])

    return guess


def _rapidfuzz(scorer: str, given: Examples) -> Callable[[str], Guess]:
    from rapidfuzz import fuzz, process

    labels, texts = [label for label in given for _ in given[label]], [text for label in given for text in given[label]]
    score = getattr(fuzz, scorer)

    def guess(text: str) -> Guess:
        found = process.extractOne(text, texts, scorer=score)
        return (labels[found[2]], float(found[1])) if found else ("", 0.0)

    return guess


SYSTEMS: Mapping[str, Callable[[Examples], Callable[[str], Guess]]] = {
    OURS: _ours,
    "scikit-learn: TF-IDF 1–2 + linear SVM": _scikit_learn,
    "rapidfuzz ratio, nearest example": partial(_rapidfuzz, "ratio"),
    "rapidfuzz WRatio, nearest example": partial(_rapidfuzz, "WRatio"),
}


def run(name: str, given: Examples, asked: Messages) -> Run:
    """One of the systems above, trained and asked; SkippedError where its package is not installed."""
    begun = time.perf_counter()
    try:
        guess = SYSTEMS[name](given)
    except ModuleNotFoundError as error:
        raise SkippedError(f"{error.name} is not installed") from error
    seconds = time.perf_counter() - begun
    guesses, micros = timed(guess, asked.texts)
    return Run(guesses, [guess(text)[1] for text in asked.outside], micros, seconds)


def install_nlpjs(folder: Path) -> None:
    """nlp.js into a folder outside the checkout; SkippedError where node, npm or the network is missing."""
    npm = shutil.which("npm")
    if not (npm and shutil.which("node")):
        raise SkippedError("node and npm are not installed")
    command = [npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--ignore-scripts", *_NLPJS_PACKAGES]
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=300, check=False)
    except subprocess.TimeoutExpired as error:
        raise SkippedError("npm did not answer within five minutes") from error
    if done.returncode:
        raise SkippedError(f"npm could not install it: {(done.stderr.strip().splitlines() or ['no reason given'])[0]}")


def run_nlpjs(folder: Path, given: Examples, asked: Messages) -> Run:
    """nlp.js trained and asked in a process of its own."""
    train = [(label, text) for label in given for text in given[label]]
    split = {"train": train, "inside": asked.texts, "outside": asked.outside, "warm": WARM}
    script = Path(__file__).parent / "nlpjs.cjs"
    done = subprocess.run(["node", str(script), str(folder)], input=json.dumps(split), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SkippedError(f"nlp.js failed: {(done.stderr.strip().splitlines() or ['no reason given'])[0]}")
    told = json.loads(done.stdout)
    guesses = [(label, score) for label, score in told["guesses"]]
    return Run(guesses, told["outside"], told["micros"], told["seconds"], told["memory"], told["version"])


def weigh(name: str) -> float:
    """MB that the imports, the training and a few messages add to a process that has read the data. For a process of its own."""
    given, asked = examples(SPEED_SIZE, SEEDS[0]), messages()
    before = settled()
    guess = SYSTEMS[name](given)
    for text in asked.texts[:WARM]:
        guess(text)
    return resident() - before


# --- the tables

Runs = Mapping[int | None, Sequence[Run]]
"""The runs of a system by size, one a seed."""


def _measure(asked: Messages, one: Callable[[Examples], Run]) -> Runs:
    return {size: [one(examples(size, seed)) for seed in (SEEDS if size else SEEDS[:1])] for size in SIZES}


def _right(runs: Sequence[Run], asked: Messages) -> list[float]:
    """For each message the share of the runs that were right."""
    each = ([guess[0] == label for guess, label in zip(r.guesses, asked.labels, strict=True)] for r in runs)
    return [statistics.fmean(said) for said in zip(*each, strict=True)]


def _row(name: str, runs: Runs, asked: Messages) -> tuple[str, ...]:
    cells = []
    for size in SIZES:
        areas = [auroc([score for _, score in r.guesses], r.outside) for r in runs[size]]
        cells.append(f"{statistics.fmean(_right(runs[size], asked)):.3f} / {statistics.fmean(areas):.3f}")
    micros = [m for r in runs[SPEED_SIZE] for m in r.micros]
    told = runs[SPEED_SIZE][0].memory
    memory = weight("bench.intents_peers", name) if told is None else f"{told:.0f}"
    seconds = statistics.fmean(r.seconds for r in runs[SPEED_SIZE])
    return (name, *cells, f"{percentile(micros, 0.5):,.0f}", f"{percentile(micros, 0.95):,.0f}", f"{seconds:.2f}", memory)


def tables() -> tuple[Table, ...]:
    """Accuracy, AUROC, speed and size of every system; and our lead over each. SkippedError where the data is absent."""
    asked = messages()
    measured: dict[str, Runs] = {}
    notes = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for system in (*SYSTEMS, NLPJS):
            try:
                if system == NLPJS:
                    install_nlpjs(folder)
                measured[system] = _measure(asked, partial(run_nlpjs, folder, asked=asked) if system == NLPJS else partial(run, system, asked=asked))
            except SkippedError as reason:
                notes.append(f"{system}: skipped, {reason}")
    if NLPJS in measured:
        notes.append(f"nlp.js is {measured[NLPJS][None][0].version}")
    notes.append(f"{len(asked.texts)} messages of {len(set(asked.labels))} domains; out of scope: {len(asked.outside)} lines of chit-chat")
    notes.append(
        f"accuracy / AUROC of the top score, mean of {len(SEEDS)} draws; speed, training and memory at {SPEED_SIZE} a label, single messages, warm"
    )
    notes.append("memory: a fresh process, imports included (ours brings pydantic, which the assistant has anyway)")
    sizes = tuple(f"{size} a label" if size else "all" for size in SIZES)
    head = ("intents (SMP2017)", *sizes, "p50 µs", "p95 µs", "train s", "MB")
    found = [Table("Intents: ours and others", head, tuple(_row(s, r, asked) for s, r in measured.items()), tuple(notes))]
    if OURS in measured and len(measured) > 1:
        found.append(_leads(measured, asked))
    return tuple(found)


def _leads(measured: Mapping[str, Runs], asked: Messages) -> Table:
    ours = {size: _right(measured[OURS][size], asked) for size in SIZES}
    lines = []
    for system, runs in measured.items():
        if system != OURS:
            theirs = {size: _right(runs[size], asked) for size in SIZES}
            leads = (str(paired_bootstrap(ours[size], theirs[size])) for size in SIZES)
            lines.append((system, *leads, f"{mcnemar([r == 1 for r in ours[None]], [r == 1 for r in theirs[None]]):.2g}"))
    sizes = tuple(f"{size} a label" if size else "all" for size in SIZES)
    notes = ("difference of accuracy, with the 95% interval of a paired bootstrap over the messages; McNemar's exact p at all examples",)
    return Table("Intents: our lead in accuracy", ("against", *sizes, "McNemar p"), tuple(lines), notes)


if __name__ == "__main__":
    run_alone(sys.argv[1:], tables, weigh)
