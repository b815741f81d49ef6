"""A table of companies (CSV), one a row: read as Excel and others write it, without ever holding the whole of it."""

from __future__ import annotations

import codecs
import csv
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from knowledge.given import Problem, Reader
from knowledge.money import Money
from knowledge.snapshot import Knowledge

NAMES = ("company", "公司")
"""The columns that only say which company it is."""
DELIMITERS = ",;\t"
PIECE = 1 << 20
MAX_LINES = 50
"""Lines that one row may have; more mean that a quote was not closed."""


LONGEST_NAME = 200
"""How much of a company's name is carried over: it stands in every row."""


class TableError(Exception):
    """A table of which no row can be read; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Company:
    """One row: its number as a spreadsheet shows it, what the company is called, what is given of it, and what is wrong with the row itself."""

    number: int
    name: str
    cells: Mapping[str, str]
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Table:
    """A CSV file whose heading was understood."""

    path: Path
    encoding: str
    delimiter: str
    heading: tuple[str, ...]
    count: int
    """How many companies there are."""

    @classmethod
    def open(cls, path: Path, reader: Reader) -> Table:
        """Look through a file: its encoding, its delimiter, its heading; TableError where it can't be used."""
        try:
            encoding = _encoding(path)
        except OSError as error:
            raise TableError(f"读不了 {path}：{error.strerror}。检查文件名和权限") from error
        with path.open(encoding=encoding, newline="") as file:
            first = next((line for line in file if line.strip()), "")
        delimiter = max(DELIMITERS, key=first.count)
        with path.open(encoding=encoding, newline="") as file:
            records = (record for _, record in _records(file, delimiter))
            heading = tuple(cell.strip() for cell in next((r for r in records if r is None or any(map(str.strip, r))), ()) or ())
            count = sum(1 for record in records if record is None or any(map(str.strip, record)))
        if not heading:
            raise TableError(f"{path} 是空的。用 python bot.py precheck --template 得到一张空表")
        _check(path, heading, reader)
        if not count:
            raise TableError(f"{path} 只有表头，没有公司：一家公司写一行")
        return cls(path, encoding, delimiter, heading, count)

    def __iter__(self) -> Iterator[Company]:
        with self.path.open(encoding=self.encoding, newline="") as file:
            records = _records(file, self.delimiter)
            next(n for n, record in records if record is None or any(map(str.strip, record)))  # the heading
            for number, record in records:
                if record is None:
                    problem = Problem("", "读不了：引号没有配对，或有一格太长", "检查这一行的引号，两个一对")
                    yield Company(number, "", {}, (problem,))
                elif any(map(str.strip, record)):
                    yield self._company(number, record)

    def _company(self, number: int, record: list[str]) -> Company:
        cells = dict(zip(self.heading, map(str.strip, record), strict=False))
        name = next((cells[n] for n in NAMES if cells.get(n)), "")[:LONGEST_NAME]
        beyond = [cell for cell in record[len(self.heading) :] if cell.strip()]
        problems = [Problem("", f"比表头多了 {len(beyond)} 格（“{beyond[0][:20]}”）", "格子里有逗号的，整格用英文双引号括起来")] if beyond else []
        if cells.get(""):
            problems.append(Problem("", f"“{cells[''][:20]}”所在的列没有表头", "写上表头，或删掉这一格"))
        return Company(number, name, {key: cell for key, cell in cells.items() if cell and key not in NAMES}, tuple(problems))


def _records(file: Iterable[str], delimiter: str) -> Iterator[tuple[int, list[str] | None]]:
    """The rows with their numbers from 1; None for one that can't be read, such as one with a quote that is never closed.

    Then only the line with the quote is lost: those that it would have swallowed are read again.
    """
    lines, again, number = iter(file), deque[str](), 0
    while True:
        number += 1
        taken: list[str] = []
        row = csv.reader(_feed(again, lines, taken), delimiter=delimiter)
        try:
            record: list[str] | None = next(row)
        except StopIteration:
            return
        except csv.Error:
            record = None
        if record is None or len(taken) > MAX_LINES or (len(taken) > 1 and "".join(taken).count('"') % 2):
            again.extendleft(reversed(taken[1:]))
            record = None
        yield number, record


def _feed(again: deque[str], lines: Iterator[str], taken: list[str]) -> Iterator[str]:
    """Lines for one row, noted as they are taken; no more than a row may have."""
    while len(taken) <= MAX_LINES and (line := again.popleft() if again else next(lines, None)) is not None:
        taken.append(line)
        yield line


def _encoding(path: Path) -> str:
    """What a file is written in: UTF-8 with or without a mark, UTF-16 with one, else GB18030, which Chinese Excel writes."""
    with path.open("rb") as file:
        if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "utf-16"
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            with path.open(encoding=encoding) as text:
                while text.read(PIECE):
                    pass
        except UnicodeDecodeError:
            continue
        return encoding
    raise TableError(f"{path} 不是 UTF-8，也不是 GB18030 编码的文字。是 Excel 文件就另存为“CSV UTF-8（逗号分隔）”再用")


def _check(path: Path, heading: tuple[str, ...], reader: Reader) -> None:
    """TableError with everything that is wrong with a heading."""
    keys = [key for key in heading if key and key not in NAMES]
    wrong = [f"  {p.field}：{p.what}。{p.fix}" for key in dict.fromkeys(keys) if (p := reader.unknown(key))]
    wrong += [f"  {key}：写了 {times} 列。留下一列" for key, times in Counter(k for k in heading if k).items() if times > 1]
    if "region" not in keys:
        wrong.append("  region：没有这一列。加上一列 region，写每家公司在哪里")
    if wrong:
        raise TableError(
            f"{path} 的表头有 {len(wrong)} 处要改（表头写 docs/facts.md 里的键，公司名称写在 company 或 公司 一列）：\n" + "\n".join(wrong)
        )


def template(knowledge: Knowledge, reader: Reader, today: date) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The heading of an empty table, with every fact that some support looks at, and one row that shows how to fill it in."""
    looked_at = frozenset().union(*(agenda.looks_at for agenda in knowledge.agendas.values())) - {"products"}
    facts = [f for f in knowledge.facts.values() if f.key in looked_at]
    company = [f.key for f in facts if f.scope != "product"]
    product = [f.key.removeprefix("product.") for f in facts if f.scope == "product"]
    keys = ("company", "region", *company, *(f"product.{n}.{name}" for n in (1, 2) for name in product))
    shown = {"region": max(knowledge.agendas, key=lambda r: len(knowledge.agendas[r].rows))}
    for key in (*company, *(f"product.1.{name}" for name in product)):
        tried = ({**shown, key: value} for value in _examples(knowledge, key.replace("product.1.", "product.")))
        shown = next((facts for facts in tried if not reader.read(facts, today).problems), shown)  # a device has no phase
    shown["region"] = knowledge.regions[shown["region"]].name
    return keys, ("示例公司", *(shown.get(key, "") for key in keys[1:]))


def _examples(knowledge: Knowledge, key: str) -> list[str]:
    """Values of a fact as a person writes them: first the choices that most supports look at."""
    fact = knowledge.facts[key]
    if fact.type == "flag":
        return ["是"]
    if fact.type == "money":
        return [Money.parse(sample).printed for sample in fact.samples]
    if not fact.options:
        return list(fact.samples)
    wanted = Counter(token for s in knowledge.supports.values() for c in s.criteria if c.fact == key for token in c.any_of)
    return [option.label.zh for option in sorted(fact.options, key=lambda option: -wanted[option.token])]
