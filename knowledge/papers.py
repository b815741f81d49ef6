"""Cutting a policy paper into the sections that citations name: 三(二)5第一, 专栏1第2条, 附件第10项.

Rules, applied line by line (in `plain` spelling, so that full-width and half-width forms are alike):

- 一、 (一) 1. are the levels of the outline, and 一是 … 二是 … the points below them: 三, 三(二), 三(二)5, 三(二)5第一.
- A line that opens with a quoted word and a colon, or with a dash, is a part of its section: 四“一核”, 一(二)坚持科技引领.
- 专栏1 opens a box that lasts until the next heading of the outline; its items are 专栏1第1条.
- 附件 or 附件1 on a line of its own (or 附件：) opens an annex. Numbered table rows are 附件第1项, rows below 一、 are 附件一1.
- What stands before the title is 印发通知, the title itself 标题, and what stands between title and outline 前言. A paper that is one
  table has 表头 and rows only: 第1项.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

HAN = "一二三四五六七八九十"
NOTICE, TITLE, PREFACE, HEAD = "印发通知", "标题", "前言", "表头"
_DASH = re.compile("[—–‐‑−~～－-]+")
_CHAPTER = re.compile(rf"\|?([{HAN}]+)、")
_PART = re.compile(rf"\(([{HAN}]+)\)")
_NUMBER = re.compile(r"(\d{1,3})\.(?!\d)")
_BOX = re.compile(r"专栏(\d+)")
_ANNEX = re.compile(r"\|?(附件\d*)(?:$|:)")
_ROW = re.compile(r"\|?(\d{1,3})(?:\||$)")
_TABLE_ITEM = re.compile(r"(?:^|\|)(\d{1,3})\.(?!\d)")
_QUOTED = re.compile(r"“[^”]{1,16}”(?=:)")
_DASHED = re.compile(r"-([^,。:;]{2,20})[,。:]")
_POINT = re.compile(rf"(?:^|(?<=[。;；,，:：)）\s*]))(?=[{HAN}]是)")


def plain(text: str) -> str:
    """The text without spaces and emphasis marks, full-width forms as ASCII, every dash as one hyphen, a tab (table cell) as |."""
    text = "".join(unicodedata.normalize("NFKC", text).replace("**", "").replace("\t", "|").split())
    return _DASH.sub("-", text)


def lies_in(section: str, outer: str) -> bool:
    """Whether a section is another one or a part of it: 三(二)5第一 lies in 三(二)5 and in 三, but 三(二)12 not in 三(二)1."""
    if not section.startswith(outer):
        return False
    rest = section[len(outer) :]
    if not rest:
        return True
    digits = outer[-1].isdigit() and rest[0].isdigit()
    return not digits and not (outer[-1] in HAN and rest[0] in HAN)


def split(lines: Sequence[str], title: str = "") -> list[tuple[str, str]]:
    """The sections of a paper, each once and in their order, with their own text (without that of the sections inside them)."""
    found: dict[str, list[str]] = {}
    for section, line in _sections(lines, title):
        found.setdefault(section, []).append(line)
    if PREFACE in found and not any(s[0] in HAN for s in found):
        found = {HEAD if s == PREFACE else s: texts for s, texts in found.items()}
    return [part for section, texts in found.items() for part in _points(section, _joined(texts))]


def is_titled(lines: Sequence[str], title: str) -> bool:
    """Whether this title stands on lines of its own before the outline; that a text mentions it is not enough."""
    return _title(lines, title) != (0, 0)


def _sections(lines: Sequence[str], title: str) -> Iterator[tuple[str, str]]:
    """Every line that says something, with its section; points not yet cut."""
    start, end = _title(lines, title)
    reader = _Reader()
    for index, raw in enumerate(lines):
        line = plain(raw)
        if not line.strip("|-*"):
            continue
        if index < start:
            yield NOTICE, raw
        elif index < end:
            yield TITLE, raw
        else:
            yield reader.section(line, titled=end > 0), raw


def _title(lines: Sequence[str], title: str) -> tuple[int, int]:
    """Where the title stands last before the outline (first line, line after); (0, 0) where it is not found."""
    wanted, found = {plain(title)}, (0, 0)
    if inner := re.search("印发《?(.+?)》?的?通知", plain(title)):
        wanted.add(inner[1])
    for index, raw in enumerate(lines):
        if _CHAPTER.match(plain(raw)) or _ROW.fullmatch(plain(raw)):
            break
        joined = ""
        for after in range(index, min(index + 3, len(lines))):
            joined += plain(lines[after])
            if joined in wanted and plain(raw):
                found = (index, after + 1)
    return found


class _Reader:
    """Keeps the place in the outline while lines go by."""

    def __init__(self) -> None:
        self.chapter = self.part = self.number = self.inner = ""
        self.box = self.item = ""
        self.annex = self.row = ""
        self.rows: int | None = None
        """The last row number of the table, None before the first; -1 in a table whose rows bear no numbers."""
        self.numbered = False
        """Whether the table's heading has a column 序号: then a row's number may stand in its second cell, behind a merged one."""
        self.head: set[str] = set()
        """The lines between an annex's heading and its first row: printed again on each page, they belong to no row."""

    def section(self, line: str, titled: bool) -> str:
        """The section of the next line."""
        outlined = bool(self.chapter or self.annex)
        if match := _ANNEX.match(line):
            if outlined:
                self.annex, self.row, self.box, self.rows, self.head, self.numbered = match[1], "", "", None, set(), False
                return self.annex
            return TITLE
        if not outlined and "序号" in line:
            self.numbered = True
        if self.annex or (not outlined and (_ROW.fullmatch(line) or self._row_number(line) == 1)) or (self.row and not self.chapter):
            return self._table(line)
        if match := _BOX.match(line):
            self.box, self.item = match[0], ""
            return self.box
        if match := _CHAPTER.match(line):
            self.chapter, self.part, self.number, self.inner, self.box = match[1], "", "", "", ""
        elif self.chapter and (match := _PART.match(line)):
            self.part, self.number, self.inner, self.box = match[0], "", "", ""
        elif self.box:
            if match := _NUMBER.match(line):
                self.item = f"第{match[1]}条"
            return self.box + self.item
        elif self.chapter and (match := _NUMBER.match(line)):
            self.number, self.inner = match[1], ""
        elif self.chapter and (match := _QUOTED.match(line)):
            self.inner = match[0]
        elif self.chapter and (match := _DASHED.match(line)):
            self.inner = self.inner.partition("-")[0] + "-" + match[1]
        if not self.chapter:
            return PREFACE if titled else TITLE
        return self.chapter + self.part + self.number + self.inner.replace("-", "")

    def _row_number(self, line: str) -> int | None:
        """The number with which a table row begins."""
        if match := _ROW.match(line):
            return int(match[1])
        second = line.strip("|").split("|")[1:2] if self.numbered else []
        return int(second[0]) if second and re.fullmatch(r"\d{1,3}", second[0]) else None

    def _table(self, line: str) -> str:
        """A line of an annex, or of a paper that is one table."""
        if self.row and line.strip("|") in self.head:
            return self.annex
        number = self._row_number(line)
        if number is not None and self.rows is None:
            self.rows = 0 if number == 1 else -1
        if number is not None and self.rows is not None and number == self.rows + 1 and self.rows >= 0:
            self.rows += 1
            self.row = f"第{number}项"
        elif match := _CHAPTER.match(line):
            self.row = match[1]
        if (match := _TABLE_ITEM.search(line)) and self.row[:1] in tuple(HAN):
            self.row = self.row.rstrip("0123456789") + match[1]
        if not self.row:
            self.head.add(line.strip("|"))
            self.numbered = self.numbered or "序号" in line
        return self.annex + self.row or TITLE


def _points(section: str, text: str) -> Iterator[tuple[str, str]]:
    """Cuts 一是…二是… into points of their section; only where both stand in it, and never in boxes and tables."""
    cut = _POINT.split(text) if section[0] in HAN else [text]
    if not all(any(part.startswith(words) for part in cut) for words in ("一是", "二是")):
        yield section, text
        return
    points: dict[str, str] = {}
    name = section
    for part in filter(str.strip, cut):
        if part[1:2] == "是" and part[0] in HAN:
            name = f"{section}第{part[0]}"
        points[name] = points.get(name, "") + part
    for name, words in points.items():
        yield name, words.strip()


def _joined(texts: Sequence[str]) -> str:
    """Lines as paragraphs: a line that a page break cut in two is whole again; table cells keep their tabs."""
    whole = ""
    for text in (t.replace("**", "").strip(" \r\n\u3000") for t in texts):
        if whole and ("\t" in text or "\t" in whole[-40:] or whole[-1] in "。：；！？）)》”:;" or len(whole) < 30):
            whole += "\n"
        whole += text
    return whole
