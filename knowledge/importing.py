"""Reading a policy paper from a file (txt, docx, pdf) and writing it down as the passages of a knowledge base."""

from __future__ import annotations

import logging
import re
import unicodedata
import zipfile
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from knowledge.papers import is_titled, split
from knowledge.records import Document, Passage

MAX_BYTES = 30_000_000
KINDS = (".txt", ".docx", ".pdf")
LONGEST = 20_000
"""Characters of a section."""
_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_RADICAL = re.compile("[\u2e80-\u2fdf\uf900-\ufaff]")
"""Radicals and compatibility forms that PDF fonts give for plain characters (⼀ for 一)."""
_PAGE = re.compile(r"[-—－\s]*\d{1,4}[-—－\s]*")
"""A page number on a line of its own."""


class ImportingError(Exception):
    """A file that cannot be imported; the message says what and how to mend it."""


def lines_of(path: Path) -> list[str]:
    """The lines of a paper; table cells follow each other with tabs. ImportingError where the file cannot be read."""
    if path.suffix.lower() not in KINDS:
        raise ImportingError(f"{path.name} 不是 txt、docx 或 pdf 文件。用 Word 或 WPS 打开，另存为 docx，再导入一次")
    try:
        size = path.stat().st_size
        if path.suffix.lower() == ".docx" and zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as packed:
                size = max(size, sum(i.file_size for i in packed.infolist() if i.filename.endswith(".xml")))
        if size > MAX_BYTES:
            raise ImportingError(f"{path.name} 有 {size} 字节，超过上限 {MAX_BYTES} 字节。去掉图片，另存为 docx 或 txt 再导入")
        lines = {".txt": _text, ".docx": _docx, ".pdf": _pdf}[path.suffix.lower()](path)
    except ImportingError:
        raise
    except OSError as error:
        raise ImportingError(f"{path} 读不了：{error.strerror or error}。检查文件名和权限") from error
    except Exception as error:  # the libraries raise whatever a broken file makes them stumble over
        raise ImportingError(
            f"{path.name} 打不开：文件坏了、加了密码，或不是真的 {path.suffix[1:]}。用 Word 或 WPS 打开，另存为 docx，再导入一次"
        ) from error
    if not any(line.strip() for line in lines):
        raise ImportingError(f"{path.name} 里没有读到文字。扫描件要先做文字识别（OCR），另存为 docx 或 txt 再导入")
    return lines


def recognised(lines: Sequence[str], documents: Collection[Document]) -> Document | None:
    """The document whose title stands before the outline, on lines of its own; None where none or several do."""
    found = [d for d in documents if is_titled(lines, d.title)]
    return found[0] if len(found) == 1 else None


def passages(lines: Sequence[str], document: Document) -> list[Passage]:
    """The sections of a paper; ImportingError where nothing like an outline was found."""
    parts = [(section, text) for section, text in split(lines, document.title) if text.strip()]
    if long := next((s for s, text in parts if len(text) > LONGEST), None):
        raise ImportingError(f"“{long}”这一节超过 {LONGEST} 字，多半是后面的章节没有认出来。检查标题的写法，再导入一次")
    found = [Passage(document=document.id, section=section, text=text) for section, text in parts]
    if len(found) < 3:
        raise ImportingError(
            "没有认出章节。章节要以“一、”“（一）”“1.”开头，表格的行以序号开头；"
            "Word 自动编号的标题要先变成普通文字（全选，复制，只粘贴文本），再导入一次"
        )
    return found


def to_yaml(found: Sequence[Passage], source: str) -> str:
    """The passages as a file of the knowledge base; `source` names the file they came from."""
    lines = ["# yaml-language-server: $schema=../schema.json"]
    lines += [f"# 由 {source} 导入的原文，供核对和“看原文”用；要改就改原文件，再导入一次。", "passages:"]
    for passage in found:
        lines += [f"  - document: {passage.document}", f"    section: {passage.section}", "    text: |-"]
        lines += [f"      {_printable(line)}" for line in passage.text.split("\n") if line.strip()]
    return "\n".join(lines) + "\n"


def _printable(line: str) -> str:
    """A line that a block of YAML can hold: cells parted by a bar, no control characters, no indentation of its own."""
    return "".join(c for c in line.replace("\t", "｜") if c.isprintable()).strip()


def _text(path: Path) -> list[str]:
    data = path.read_bytes()
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding).splitlines()
        except UnicodeDecodeError:
            continue
    raise ImportingError(f"{path.name} 不是 UTF-8 或 GBK 编码的文字。用记事本打开，另存为时把编码选成 UTF-8，再导入一次")


def _docx(path: Path) -> list[str]:
    import docx

    return list(_blocks(docx.Document(str(path)).element.body))


def _blocks(element: Any) -> Iterator[str]:
    """The lines of a part of a Word file: paragraphs and table rows, also inside content controls; tracked insertions count as text."""
    for child in element.iterchildren():
        match _local(child):
            case "p":
                yield from _words(child).split("\n")
            case "tbl":
                for row in child.iter(f"{{{_W}}}tr"):
                    yield "\t".join(_cell(c) for c in row.iter(f"{{{_W}}}tc"))
            case "sdt" | "sdtContent" | "ins" | "customXml":
                yield from _blocks(child)


def _cell(cell: Any) -> str:
    """The text of a table cell; empty where it only continues the one above."""
    merged = cell.find(f"{{{_W}}}tcPr/{{{_W}}}vMerge")
    if merged is not None and merged.get(f"{{{_W}}}val") != "restart":
        return ""
    return "".join(_words(p).strip() for p in cell.iter(f"{{{_W}}}p"))


def _words(paragraph: Any) -> str:
    """The text of a paragraph as it stands, with what was inserted and without what was deleted."""
    marks = {"tab": "\t", "br": "\n", "cr": "\n"}
    return "".join((part.text or "") if _local(part) == "t" else marks.get(_local(part), "") for part in paragraph.iter())


def _local(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def _pdf(path: Path) -> list[str]:
    from pypdf import PdfReader

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # what it grumbles about is said in our words
    lines: list[str] = []
    for page in PdfReader(path).pages:
        whole = [_RADICAL.sub(lambda m: unicodedata.normalize("NFKC", m[0]), line) for line in page.extract_text().splitlines() if line.strip()]
        for edge in (0, -1):  # a number alone in the middle of a page is a table cell
            if whole and _PAGE.fullmatch(whole[edge]):
                whole.pop(edge)
        lines += whole
    return lines
