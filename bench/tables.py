"""Tables of a benchmark: printed in columns, or written into a page between its generated markers."""

from __future__ import annotations

import platform
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench.measuring import SkippedError

_FIGURE = re.compile(r"[-+]?\d|–$")


@dataclass(frozen=True, slots=True)
class Table:
    """A title, a head, rows of cells as they are shown, and notes below."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if wrong := [row for row in self.rows if len(row) != len(self.head)]:
            raise ValueError(f"{self.title}: a row has {len(wrong[0])} cells under a head of {len(self.head)}: {wrong[0]}")

    def _figures(self) -> tuple[bool, ...]:
        """Which columns hold figures alone."""
        columns = zip(*self.rows, strict=True) if self.rows else (() for _ in self.head)
        return tuple(bool(cells) and all(map(_FIGURE.match, cells)) for cells in map(tuple, columns))

    def text(self) -> str:
        """In columns: those of figures to the right, the others to the left."""
        widths = [max(map(_width, column)) for column in zip(self.head, *self.rows, strict=True)]
        lines = (_aligned(row, widths, self._figures()) for row in (self.head, *self.rows))
        return "\n".join((self.title, *(f"  {line}" for line in lines), *(f"  {note}" for note in self.notes)))

    def markdown(self) -> str:
        """As a section of a page."""
        rule = tuple("---:" if figures else "---" for figures in self._figures())
        lines = "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in (self.head, rule, *self.rows))
        notes = "".join(f"\n- {note}" for note in self.notes)
        return f"### {self.title}\n\n{lines}\n" + (f"{notes}\n" if notes else "")


def run_alone(arguments: Sequence[str], tables: Callable[[], Sequence[Table]], weigh: Callable[[str], float]) -> None:
    """A comparison run by itself: print its tables; `--weigh SYSTEM` prints the MB of that system alone."""
    if arguments[:1] == ["--weigh"]:
        print(weigh(arguments[1]))
        return
    try:
        for table in tables():
            print(table.text(), end="\n\n")
    except SkippedError as reason:
        print(f"skipped, {reason}")


def _width(cell: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in cell)


def _aligned(row: Sequence[str], widths: Sequence[int], figures: Sequence[bool]) -> str:
    spaces = (" " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True))
    return "  ".join(space + cell if right else cell + space for cell, space, right in zip(row, spaces, figures, strict=True)).rstrip()


def replace_part(page: str, part: str, content: str) -> str:
    """The page with this content between `<!-- generated: part -->` and `<!-- end: part -->`; ValueError where the page lacks them."""
    begin, end = f"<!-- generated: {part} -->", f"<!-- end: {part} -->"
    pattern = re.compile(f"{re.escape(begin)}\n.*?{re.escape(end)}", re.DOTALL)
    if len(pattern.findall(page)) != 1:
        raise ValueError(f"the page needs the lines “{begin}” and “{end}” once, in this order")
    return pattern.sub(lambda _: f"{begin}\n{content.strip()}\n{end}", page)


def where(day: date, packages: Sequence[str], others: Sequence[str] = ()) -> str:
    """When, on what and with which versions something was measured, as one line. A package that is not installed is left out."""
    found = []
    for name in packages:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return f"{day.isoformat()} · Python {platform.python_version()} · {cpu()} · {', '.join((*found, *others))}".removesuffix(" · ")


def cpu(path: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's model and how many of it there are, as Linux names it."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    models = re.findall(r"(?m)^model name\s*:\s*(.+)$", text)
    return f"{len(models)} × {models[0]}" if models else platform.machine()
