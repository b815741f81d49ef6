"""Loading knowledge: 10,000 records read, checked and indexed, beside plain PyYAML reading the same files; and one reload of a running bot.

Run: python -m bench.loading
"""

from __future__ import annotations

import asyncio
import re
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from dialogs.turns import Library
from handlers.reload import Reloader
from knowledge import loader
from knowledge.strict_yaml import read
from storage.memory import MemoryStore

RECORDS = 10_000
ROUNDS = 5
_ID = re.compile(r"(?m)^(  - id: )(\S+)")


def grown(folder: Path, records: int) -> int:
    """A copy of the shipped base whose records are repeated under other ids until there are so many; their number."""
    shutil.copytree(loader.SHIPPED, folder)
    files = [f for f in loader.SHIPPED.glob("*/*.yaml") if f.stem != "document"]
    once = sum(len(_ID.findall(f.read_text(encoding="utf-8"))) for f in files)
    total, round_ = once, 0
    while total < records:
        round_ += 1
        for file in files:
            text = _ID.sub(rf"\g<1>\g<2>-r{round_}", file.read_text(encoding="utf-8"))
            (folder / file.parent.name / f"{file.stem}-{round_}.yaml").write_text(text, encoding="utf-8")
        total += once
    return total


def median(work: Callable[[], object]) -> float:
    """Seconds of one run, the median of several."""
    taken = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


def plain(folder: Path) -> None:
    """The reference: PyYAML's C loader, which checks nothing."""
    for file in folder.rglob("*.yaml"):
        yaml.load(file.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def strict(folder: Path) -> None:
    """Our strict reading of the same files, without shapes."""
    for file in folder.rglob("*.yaml"):
        read(file.name, file.read_bytes())


async def reload_once(folder: Path) -> float:
    """Seconds from a changed file to the swap, reading included."""
    library = Library(loader.load(folder))

    async def tell(_: str) -> None:
        return None

    reloader = Reloader(library, folder, folder.parent / "status.json", MemoryStore(), tell)
    with (folder / "spelling.yaml").open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    result = await reloader.attempt()
    assert result.changed
    return result.seconds


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "base")
        records = grown(folder, RECORDS)
        reference = median(lambda: plain(folder))
        rows = [
            ("PyYAML, C loader, nothing checked", reference),
            ("strict reading", median(lambda: strict(folder))),
            ("load: read, check, index", median(lambda: loader.load(folder))),
        ]
        print(f"{records} records in {len(list(folder.rglob('*.yaml')))} files, median of {ROUNDS}")
        for title, seconds in rows:
            print(f"  {title:36} {seconds:6.2f} s   {seconds / reference:5.2f} × PyYAML")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "base")
        shutil.copytree(loader.SHIPPED, folder)
        taken = statistics.median(asyncio.run(reload_once(folder)) for _ in range(ROUNDS))
        print(f"shipped base: load {median(lambda: loader.load(folder)):.2f} s, reload of a running bot {taken:.2f} s")


if __name__ == "__main__":
    main()
