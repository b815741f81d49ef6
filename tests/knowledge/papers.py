"""The policy papers themselves, cut into the sections that citations name, in one plain spelling."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parents[3] / "shared" / "policies"
FILES = {
    "taicang-2025": "taicang-2025.txt",
    "snd-2020": "snd-2020.txt",
    "suzhou-2021": "suzhou-2021.txt",
    "kunshan-list": "kunshan-list.txt",
    "xuzhou-2021": "xuzhou-2021.txt",
}
_HAN = "一二三四五六七八九十"
_DASH = re.compile("[—–‐‑−~～－-]+")
_POINT = re.compile(rf"(?<![{_HAN}])(?=[{_HAN}]是)")
_MEANING_POINTS = {"snd-2020": ("二", "三"), "suzhou-2021": ("三",)}
"""The parts of a paper in which 一是, 二是 … number its points."""

Piece = tuple[tuple[str, ...], str]
"""A line or a part of one, and the names of all sections that it stands in, the narrowest last."""


def plain(text: str) -> str:
    """The text without spaces and emphasis marks, full-width forms as ASCII, every dash as one hyphen, a tab (table cell) as |."""
    text = "".join(unicodedata.normalize("NFKC", text).replace("**", "").replace("\t", "|").split())
    return _DASH.sub("-", text)


@cache
def paper(document: str) -> str:
    """A whole paper in plain spelling."""
    return plain(_raw(document))


@cache
def sections(document: str) -> Mapping[str, str]:
    """The sections of a paper by the names that citations use (三(二)5第一, 专栏1第2条, 附件第10项), each with its text."""
    lines = [plain(line) for line in _raw(document).splitlines()]
    found: dict[str, list[str]] = {}
    for names, text in _READERS[document](lines):
        for name in names:
            found.setdefault(name, []).append(text)
    return {name: "".join(texts) for name, texts in found.items()}


def _raw(document: str) -> str:
    return (FOLDER / FILES[document]).read_text(encoding="utf-8-sig")


def _outline(lines: Iterable[str], opening: str) -> Iterator[Piece]:
    """Lines under the headings 一、 (一) 1. above them; `opening` names what stands before the first."""
    first = second = third = ""
    for line in lines:
        if match := re.match(rf"([{_HAN}]+)、", line):
            first, second, third = match[1], "", ""
        elif first and (match := re.match(rf"\(([{_HAN}]+)\)", line)):
            second, third = f"({match[1]})", ""
        elif first and (match := re.match(r"(\d+)\.(?!\d)", line)):
            third = match[1]
        yield tuple(dict.fromkeys((first, first + second, first + second + third))) if first else (opening,), line


def _points(pieces: Iterable[Piece], parts: tuple[str, ...]) -> Iterator[Piece]:
    """Cuts 一是…二是… into points of their section: 三(二)5第一."""
    above, point = "", ""
    for names, line in pieces:
        if names[-1] != above:
            above, point = names[-1], ""
        for text in _POINT.split(line) if names[0] in parts else [line]:
            if text[1:2] == "是" and text[0] in _HAN:
                point = f"第{text[0]}"
            yield ((*names, above + point) if point and names[0] in parts else names), text


def _taicang(lines: list[str]) -> Iterator[Piece]:
    end = lines.index("附件1")
    yield from _outline(lines[:end], "前言")
    yield from ((("附件1",), line) for line in lines[end:])


def _snd(lines: list[str]) -> Iterator[Piece]:
    title, end = lines.index("苏州高新区医疗器械及生物医药产业发展"), lines.index("|附件")
    yield from ((("印发通知",), line) for line in lines[:title])
    part = ""
    for names, line in _points(_outline(lines[title:end], "引言"), ("三",)):
        if names[0] != "四":
            part = ""
        elif match := re.match("“(一核|多园支撑)”", line):
            part = match[0]
        yield ((*names, f"四{part}") if part else names), line
    number = ""
    for line in lines[end:]:
        if match := re.fullmatch(r"\|(\d+)", line):
            number = match[1]
        yield (("附件", f"附件第{number}项") if number else ("附件",)), line


def _suzhou(lines: list[str]) -> Iterator[Piece]:
    title = 1 + next(i for i, line in enumerate(lines) if line.startswith("(此件公开发布"))
    end = next(i for i, line in enumerate(lines) if line.startswith("附件:"))
    yield from ((("印发通知",), line) for line in lines[:title])
    yield from _points(_boxes(lines[title:end]), ("三",))
    chapter = ""
    for line in lines[end:]:
        if match := re.match(rf"\|?([{_HAN}]+)、", line):
            chapter = match[1]
        number = re.search(r"(?:^|\|)(\d+)\.", line)
        yield (("附件", f"附件{chapter}", f"附件{chapter}{number[1]}") if number else ("附件",)), line


def _boxes(lines: list[str]) -> Iterator[Piece]:
    """The outline, with the boxes 专栏1 第1条 … taken out of the chapters in which they stand."""
    box = item = heading = ""
    for names, line in _outline(lines, "前言"):
        if match := re.match(r"(专栏\d+)", line):
            box, item = match[1], ""
        elif re.match(rf"\(?[{_HAN}]+[、)]", line):
            box = ""
        if box:
            if match := re.match(r"(\d+)\.", line):
                item = f"第{match[1]}条"
            yield tuple(dict.fromkeys((box, box + item))), line
        else:
            heading = names[1] if names[0] == "三" and len(names) > 1 else ""
            yield (names[:2] if heading else names), line


def _xuzhou(lines: list[str]) -> Iterator[Piece]:
    title = max(i for i, line in enumerate(lines) if line == "促进生物医药产业创新发展实施方案")
    yield from ((("印发通知",), line) for line in lines[:title])
    for names, line in _outline(lines[title:], "引言"):
        principle = re.match("-坚持(.{4})", line)
        yield ((*names, names[-1] + principle[1]) if principle else names), line


def _kunshan(lines: list[str]) -> Iterator[Piece]:
    number = ""
    for line in lines:
        if match := re.fullmatch(r"\|(\d+)", line):
            number = match[1]
        yield ((f"第{number}项", "责任单位栏") if number else ("标题", "责任单位栏")), line


_READERS = {"taicang-2025": _taicang, "snd-2020": _snd, "suzhou-2021": _suzhou, "kunshan-list": _kunshan, "xuzhou-2021": _xuzhou}
