"""The pre-check's speed: a batch of random companies through the real command, one turn of a talk, and both with 5,000 supports.

Run: python -m bench.prechecks [COMPANIES]
"""

from __future__ import annotations

import asyncio
import csv
import gc
import io
import itertools
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from bench.measuring import SkippedError, percentile
from bench.tables import Table
from dialogs.dossier import of_recipe
from dialogs.messages import Message
from dialogs.turns import LOCAL, Library, Turns
from handlers.prechecks import batch
from handlers.sheets import DETAILS, SUMMARY, Sheet
from knowledge import claims, loader
from knowledge.facts import FactType
from knowledge.given import Reader
from knowledge.money import Money
from knowledge.precheck import precheck
from knowledge.rules import generic
from knowledge.snapshot import Knowledge
from knowledge.supports import Criterion, Support
from storage.contract import Address
from storage.memory import MemoryStore

COMPANIES = 100_000
JOBS = 2
TALKS = 60
MANY = 5_000
REGION = "snd"
NOW = datetime(2022, 6, 1, 12, tzinfo=LOCAL)
SHARE_ASKED = 0.8
"""How much of what supports look at a random company has answered."""


# --- random companies


def looked_at(knowledge: Knowledge) -> list[FactType]:
    """Every fact that some support looks at, in the order of the vocabulary."""
    found = frozenset().union(*(agenda.looks_at for agenda in knowledge.agendas.values())) - {"products"}
    return [f for f in knowledge.facts.values() if f.key in found]


def company(draw: random.Random, facts: Sequence[FactType], knowledge: Knowledge, reader: Reader) -> Mapping[str, str]:
    """A company with random facts; answers that contradict others are left out."""
    given: dict[str, Any] = {"region": draw.choice(list(knowledge.regions))}
    count = draw.randrange(3)
    for fact in facts:
        keys = [fact.key.replace("product.", f"product.{n + 1}.") for n in range(count)] if fact.scope == "product" else [fact.key]
        given |= {key: token(draw, fact) for key in keys if draw.random() < SHARE_ASKED}
    while problems := reader.read(given, NOW.date()).problems:
        for problem in problems:
            given.pop(problem.field, None)
    return given


def token(draw: random.Random, fact: FactType) -> str:
    """A random answer: sums from a thousandth of a sample to twice as much, so that they lie on both sides of a threshold."""
    match fact.type:
        case "choices":
            return ",".join(o.token for o in draw.sample(fact.options, draw.choice([1, 1, 2, 3])))
        case "choice":
            return draw.choice(fact.options).token
        case "flag":
            return draw.choice(["yes", "yes", "no", "unknown"])
        case "money":
            sample = Money.parse(draw.choice(fact.samples))
            return Money((sample.value * draw.randrange(1, 2000) / 1000).quantize(Decimal(1)), sample.currency).token
        case _:
            return draw.choice(["2019", "2020", "2021", "2022"]) if fact.unit == "年" else str(draw.randrange(9))


def write_companies(path: Path, count: int, knowledge: Knowledge) -> None:
    """A table of random companies over all regions; the same table every time."""
    reader = Reader(knowledge.facts, knowledge.regions.values(), knowledge.segments.values())
    facts, draw = looked_at(knowledge), random.Random(5)
    keys = [k for f in facts for k in ([f.key.replace("product.", f"product.{n}.") for n in (1, 2)] if f.scope == "product" else [f.key])]
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["company", "region", *keys])
        for number in range(count):
            given = company(draw, facts, knowledge, reader)
            rows.writerow([f"公司{number}", given["region"], *(given.get(key, "") for key in keys)])


# --- a batch


@dataclass(frozen=True, slots=True)
class Batch:
    """What a batch took."""

    seconds: float
    quarter: float
    """Resident MB of all processes together after a quarter of it."""
    end: float
    cells: int


class _Watch:
    """Looks at the memory of this process and its children while something runs."""

    def __init__(self) -> None:
        self.seen: list[float] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def _look(self) -> None:
        while not self._over.wait(0.2):
            self.seen.append(family())

    def __enter__(self) -> _Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def family() -> float:
    """The resident memory of this process and its children, in MB; SkippedError where the system has no /proc."""
    own, total = os.getpid(), 0
    try:
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                try:
                    if int(folder.name) == own or int((folder / "stat").read_text().rpartition(")")[2].split()[1]) == own:
                        total += int((folder / "statm").read_text().split()[1])
                except (OSError, IndexError):  # it has just ended
                    continue
    except OSError as error:
        raise SkippedError("memory: no /proc on this system") from error
    return total * os.sysconf("SC_PAGE_SIZE") / 2**20


def run_batch(table: Path, out: Path, jobs: int) -> Batch:
    """The real command on a table."""
    with _Watch() as watch:
        began = time.perf_counter()
        code = batch(table, out, loader.load(), NOW.date(), loader.SHIPPED, jobs, io.StringIO())
        spent = time.perf_counter() - began
    if code:
        raise RuntimeError(f"the batch ended with {code}")
    seen = watch.seen or [family()]
    quarter, last = seen[: len(seen) // 4 + 1], seen[len(seen) // 4 :]
    return Batch(spent, max(quarter), max(last), cells(out))


def cells(path: Path) -> int:
    """How many cells an Excel file has."""
    import zipfile

    with zipfile.ZipFile(path) as file:
        count = 0
        for name in file.namelist():
            if name.startswith("xl/worksheets/"):
                with file.open(name) as sheet:
                    rest = b""
                    while piece := sheet.read(1 << 20):
                        count += (rest + piece).count(b"<c ")
                        rest = piece[-2:]
        return count


def only_written(table: Path, out: Path, count: int) -> float:
    """Seconds to read the table and write so many cells without judging anything: texts as long as in the result."""
    import xlsxwriter  # type: ignore[import-untyped]

    began = time.perf_counter()
    with xlsxwriter.Workbook(str(out), {"constant_memory": True}) as workbook:
        sheet, left = Sheet(workbook, "汇总", (*SUMMARY, *DETAILS), 1 << 20), count
        with table.open(encoding="utf-8", newline="") as file:
            width = max(1, count // max(1, sum(1 for _ in csv.reader(file)) - 1))
            file.seek(0)
            for row in csv.reader(file):
                line = list(itertools.islice(itertools.cycle(["第三类医疗器械注册证书资助", row[0]]), min(width, left)))
                left -= len(line)
                sheet.add(line)
    return time.perf_counter() - began


# --- one turn


async def turns_of_talks(knowledge: Knowledge, talks: int, seed: int = 3) -> tuple[list[float], list[float]]:
    """Seconds of each turn of random pre-checks, by taps and by typing, through the shell on the store in memory: all turns, and those with a report."""
    turns, draw = Turns(MemoryStore(), Library(knowledge)), random.Random(seed)
    spent, reports = list[float](), list[float]()
    for number in range(talks):
        address, count = Address("bench", str(number), str(number)), itertools.count()

        async def say(message: Message, address: Address = address, count: Iterator[int] = count) -> Mapping[str, Any]:
            began = time.perf_counter()
            handled = await turns.handle(address, message, str(next(count)), now=NOW)
            spent.append(time.perf_counter() - began)
            if any(r["link"] for r in handled.result["replies"]):
                reports.append(spent[-1])
            return handled.result

        result = await say(Message("补贴预审"))
        result = await say(Message(knowledge.regions[REGION].name)) if result["dialog"] else result
        for _ in range(60):  # no talk asks so much
            if not (dialog := result["dialog"]) or not (key := dialog["asking"]):
                break
            result = await say(_answer(draw, key, knowledge, result))
    return spent, reports


SPOKEN = (
    ("a sentence with three certificates", "苏州高新区，2021年拿了一个三类证2022年又拿了两个二类证，能拿多少"),
    ("the results so far", "先看结果"),
    ("a product put right", "第一个是二类不是三类"),
    ("as of another year", "按2021年看"),
)
"""What people type rather than tap, each a turn of one talk."""
FILING = ("测试医疗公司", "同意", "李女士", "a@example.com", "确认登记")


async def spoken_turns(knowledge: Knowledge, talks: int) -> dict[str, list[float]]:
    """Seconds of the turns of a talk that is typed, of the filing of its request, and of the making of its report's page, by what they are."""
    found: dict[str, list[float]] = {}
    for number in range(talks):
        store = MemoryStore()
        turns, address, count = Turns(store, Library(knowledge)), Address("bench", f"s{number}", f"s{number}"), itertools.count()

        async def say(
            message: Message, turns: Turns = turns, address: Address = address, count: Iterator[int] = count
        ) -> tuple[Mapping[str, Any], float]:
            began = time.perf_counter()
            handled = await turns.handle(address, message, str(next(count)), now=NOW)
            return handled.result, time.perf_counter() - began

        for what, text in SPOKEN:
            result, spent = await say(Message(text))
            found.setdefault(what, []).append(spent)
        key = next(r["link"] for r in result["replies"] if r["link"]).rpartition("/")[2]
        kept = await store.report(key, NOW)
        began = time.perf_counter()
        of_recipe(knowledge, kept or {})
        found.setdefault("the report's page, when it is opened", []).append(time.perf_counter() - began)
        tapped = next(o["payload"] for o in result["replies"][-1]["options"] if o["payload"].startswith("!log"))
        await say(Message(option=tapped))
        for text in FILING:
            _, spent = await say(Message(text))
        found.setdefault("a request filed, with its dossier", []).append(spent)
    return found


def _answer(draw: random.Random, key: str, knowledge: Knowledge, result: Mapping[str, Any]) -> Message:
    """A random answer to the open question, tapped where one choice is all that it takes, else typed."""
    fact = knowledge.facts[generic(key)]
    taps = [o["payload"] for o in result["replies"][-1]["options"] if f":{key}=" in o["payload"] and "~" not in o["payload"]]
    if taps and draw.random() < 0.5:
        return Message(option=draw.choice(taps))
    words = {o.token: draw.choice((o.label.zh, *o.aliases)) for o in fact.options} | {"yes": "是", "no": "不是", "unknown": "不清楚"}
    match fact.type:
        case "choices" if draw.random() < 0.4:
            return Message("都没有")
        case "money":
            return Message(Money.parse(token(draw, fact)).printed)
        case "number":
            return Message(draw.choice(["1", "2"]) if key == "products" else token(draw, fact))
        case _:
            return Message("、".join(words[t] for t in token(draw, fact).split(",")[:2]))  # who types names one thing or two


def many(knowledge: Knowledge, count: int) -> Knowledge:
    """The knowledge with so many supports more in one region: shipped ones under new ids, with other sums, choices and thresholds."""
    draw, shipped = random.Random(11), knowledge.supports_in(REGION)
    more = {s.id: s for n in range(count) if (s := _varied(draw, draw.choice(shipped), n, knowledge))}
    return replace(knowledge, supports={**knowledge.supports, **more})


def _varied(draw: random.Random, support: Support, number: int, knowledge: Knowledge) -> Support:
    factor = Decimal(draw.choice([1, 2, 3, 5])) / draw.choice([1, 2])
    caps = tuple(c.model_copy(update={"id": f"{c.id}-{number}", "max": _times(c.max, factor)}) for c in support.caps)
    amount = support.amount.model_copy(update={end: _times(m, factor) for end in ("min", "max") if (m := getattr(support.amount, end))})
    update = {"id": f"{support.id}-{number}", "name": f"{support.name}{number}", "region": REGION, "amount": amount, "caps": caps, "examples": ()}
    return support.model_copy(update={**update, "criteria": tuple(_other(draw, c, factor, knowledge) for c in support.criteria)})


def _other(draw: random.Random, criterion: Criterion, factor: Decimal, knowledge: Knowledge) -> Criterion:
    fact = knowledge.facts.get(criterion.fact or "")
    if fact and fact.type == "choices" and criterion.any_of:
        wanted = draw.sample(fact.options, min(len(criterion.any_of), len(fact.options)))
        return criterion.model_copy(update={"any_of": tuple(o.token for o in wanted)})
    update = {b: _times(m, factor) for b in ("at_least", "above", "at_most", "below") if isinstance(m := getattr(criterion, b), Money)}
    return criterion.model_copy(update=update)


def _times(money: Money, factor: Decimal) -> Money:
    return Money(money.value * factor, money.currency)


def whole_prechecks(knowledge: Knowledge, rounds: int) -> list[float]:
    """Seconds of each whole pre-check of random companies of one region."""
    reader = Reader(knowledge.facts, knowledge.regions.values(), knowledge.segments.values())
    facts, draw, spent = looked_at(knowledge), random.Random(7), []
    for _ in range(rounds):
        given = reader.read({**company(draw, facts, knowledge, reader), "region": REGION}, NOW.date()).facts
        began = time.perf_counter()
        precheck(knowledge, REGION, given, NOW.date())
        spent.append(time.perf_counter() - began)
    return spent


# --- tables


def batch_table(count: int, jobs: int, knowledge: Knowledge) -> Table:
    """A batch beside a loop that only reads and writes as much."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_companies(folder / "companies.csv", count, knowledge)
        ran = run_batch(folder / "companies.csv", folder / "result.xlsx", jobs)
        bare = only_written(folder / "companies.csv", folder / "bare.xlsx", ran.cells)
    head = ("what", "s", "a second", "cells", "ratio", "MB, first quarter", "MB, after it")
    rows = (
        (f"precheck, {jobs} jobs", f"{ran.seconds:.1f}", f"{count / ran.seconds:.0f}", str(ran.cells), f"{ran.seconds / bare:.2f}", f"{ran.quarter:.0f}", f"{ran.end:.0f}"),
        ("reading and writing as many cells only", f"{bare:.1f}", f"{count / bare:.0f}", str(ran.cells), "1.00", "–", "–"),
    )  # fmt: skip
    notes = (
        "goal: 100,000 companies under 60 s on two cores, memory flat; MB are the highest of all processes together, shared pages counted in each",
    )
    return Table(f"A batch of {count:,} random companies over all regions, CSV to Excel", head, rows, notes)


def turn_table(knowledge: Knowledge, talks: int, supports: int, rounds: int) -> Table:
    """Single turns and whole pre-checks, with the shipped supports and with many."""
    grown = many(knowledge, supports)
    claims.warm()  # as the server does
    for base in (knowledge, grown):
        asyncio.run(turns_of_talks(base, 1))  # what is made once, at the first turn
    gc.collect()
    gc.freeze()  # as the server does
    rows = []
    for name, base, few in (("shipped", knowledge, talks), (f"{supports:,} more", grown, max(1, talks // 3))):
        turns, reports = asyncio.run(turns_of_talks(base, few))
        goal = "5" if base is knowledge else "50"
        asyncio.run(spoken_turns(base, 1))
        spoken = asyncio.run(spoken_turns(base, few))
        kinds: tuple[tuple[str, list[float], str], ...] = (
            ("one turn", turns, goal),
            ("one turn with the report", reports, goal),
            ("one whole pre-check", whole_prechecks(base, rounds), "50"),
        )
        kinds += tuple((what, times, "–" if "page" in what or "filed" in what else goal) for what, times in spoken.items())
        for what, spent, goal in kinds:
            times = (percentile(spent, 0.5), percentile(spent, 0.99), max(spent))
            row = (name, str(len(base.agendas[REGION].rows)), what, str(len(spent)), *(f"{s * 1000:.2f}" for s in times), goal)
            rows.append(row)
    head = ("supports", "in the region", "what", "times", "p50 ms", "p99 ms", "worst ms", "goal: p99 ms")
    return Table("One turn of a pre-check (memory store), and one pre-check as a function", head, tuple(rows))


def main(arguments: Sequence[str] = ()) -> None:
    """Print the tables."""
    knowledge = loader.load()
    tables: tuple[Callable[[], Table], ...] = (
        lambda: turn_table(knowledge, TALKS, MANY, 200),
        lambda: batch_table(int(arguments[0]) if arguments else COMPANIES, JOBS, knowledge),
    )
    for table in tables:
        try:
            print(table().text(), end="\n\n", flush=True)
        except SkippedError as reason:
            print(f"skipped, {reason}")


if __name__ == "__main__":
    main(sys.argv[1:])
