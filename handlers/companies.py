"""A table of companies (CSV), one a row: read as Excel and others write it, without ever holding the whole of it."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from knowledge.given import Problem, Reader
from knowledge.money import Money
from knowledge.snapshot import Knowledge

NAMES = ("company", "公司")
"""The columns that only say which company it is."""
DELIMITERS = ",;\t"
PIECE = 1 << 20
_BREAK = re.compile("[\r\n]+")
MAX_LINES = 50
"""Lines that one row may have; more mean that a quote was not closed."""
LONGEST_NAME = 200
"""How much of a company's name is carried over: it stands in every row."""
_UNREAD = Problem("", "读不了：引号没有配对、有一格太长，或者分不清是一行还是几行", "英文双引号两个一对，把整格括起来；格子里不要换行")
_NAME_BREAK = Problem("", "公司名称里有换行", "名称写成一行；没有换行的，检查引号，两个一对")


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
            heading = next((r for _, r in _records(file, delimiter) if r is None or any(map(str.strip, r))), [])
        if heading is None:
            raise TableError(f"{path} 的表头读不了：检查引号，英文双引号两个一对；表头写成一行")
        if not heading:
            raise TableError(f"{path} 是空的。用 python bot.py precheck --template 得到一张空表")
        table = cls(path, encoding, delimiter, tuple(map(str.strip, heading)), 0)
        _check(path, table.heading, reader)
        if not (count := sum(1 for _ in table._rows())):
            raise TableError(f"{path} 只有表头，没有公司：一家公司写一行")
        return replace(table, count=count)

    def __iter__(self) -> Iterator[Company]:
        for number, record in self._rows():
            yield Company(number, "", {}, (_UNREAD,)) if record is None else self._company(number, record)

    def _rows(self) -> Iterator[tuple[int, list[str] | None]]:
        """The rows below the heading that are not blank."""
        with self.path.open(encoding=self.encoding, newline="") as file:
            records = _records(file, self.delimiter, self.heading)
            rows = (row for row in records if row[1] is None or any(map(str.strip, row[1])))
            next(rows)  # the heading
            yield from rows

    def _company(self, number: int, record: list[str]) -> Company:
        under = list(zip(self.heading, record, strict=False))
        cells = {key: cell.strip() for key, cell in under if key and cell.strip()}
        name = next((cells[n] for n in NAMES if n in cells), "")[:LONGEST_NAME]
        problems = []
        if any(_BREAK.search(cell) for key, cell in under if key in NAMES):
            name, problems = _BREAK.sub(" ", name), [_NAME_BREAK]
        if beyond := [cell for cell in record[len(self.heading) :] if cell.strip()]:
            problems.append(Problem("", f"比表头多了 {len(beyond)} 格（“{beyond[0][:20]}”）", "格子里有逗号的，整格用英文双引号括起来"))
        if bare := [cell.strip()[:20] for key, cell in under if not key and cell.strip()]:
            problems.append(Problem("", f"“{'”“'.join(bare[:3])}”所在的列没有表头", "写上表头，或删掉这一格"))
        return Company(number, name, {key: cell for key, cell in cells.items() if key not in NAMES}, tuple(problems))


def _records(file: Iterable[str], delimiter: str, heading: Sequence[str] = ()) -> Iterator[tuple[int, list[str] | None]]:
    """The rows with their numbers from 1; None for one that can't be read, such as one with a quote that is never closed.

    Then only the line with the quote is lost: those that it would have swallowed are read again. So they are where a quote is
    closed, but lines later, by what may as well be the stray quote of another row: then the line that closes it is lost, too.
    """
    lines, again, number, closing = iter(file), deque[str](), 0, 0
    while True:
        number += 1
        if number == closing:
            again.popleft()
            yield number, None
            continue
        taken: list[str] = []
        row = csv.reader(_feed(again, lines, taken, 1 if number < closing else MAX_LINES), delimiter=delimiter, strict=True)
        try:
            record: list[str] | None = next(row)
        except StopIteration:
            return
        except csv.Error:
            record = None
        if record is not None and len(taken) > 1 and not _is_one(record, delimiter, heading):
            record, closing = None, number + len(taken) - 1  # what lies between is read line by line
        if record is None:
            again.extendleft(reversed(taken[1:]))
        yield number, record


def _is_one(record: Sequence[str], delimiter: str, heading: Sequence[str]) -> bool:
    """Whether several lines are certainly one row: it is complete, and no line in a cell has what a row of its own must have."""
    if len(record) != len(heading) or heading.index("region") == 0:
        return False
    return not any(delimiter in line for cell in record for line in _BREAK.split(cell)[1:])


def _feed(again: deque[str], lines: Iterator[str], taken: list[str], limit: int) -> Iterator[str]:
    """Lines for one row, noted as they are taken, up to a limit."""
    while len(taken) < limit and (line := again.popleft() if again else next(lines, None)) is not None:
        taken.append(line)
        yield line


def _encoding(path: Path) -> str:
    """What a file is written in: UTF-8 with or without a mark, UTF-16 with one, else GB18030, which Chinese Excel writes."""
    with path.open("rb") as file:
        marked = file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "gb18030"):
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
