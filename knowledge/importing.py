"""Reading a policy paper from a file (txt, docx, pdf) and writing it down as the passages of a knowledge base."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from knowledge.papers import plain, split
from knowledge.records import Document, Passage

MAX_BYTES = 30_000_000
KINDS = (".txt", ".docx", ".pdf")
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
    except OSError as error:
        raise ImportingError(f"{path} 读不了：{error.strerror}。检查文件名和权限") from error
    if size > MAX_BYTES:
        raise ImportingError(f"{path.name} 有 {size} 字节，超过上限 {MAX_BYTES} 字节。去掉图片，另存为 docx 或 txt 再导入")
    match path.suffix.lower():
        case ".txt":
            lines = _text(path)
        case ".docx":
            lines = list(_docx(path))
        case _:
            lines = _pdf(path)
    if not any(line.strip() for line in lines):
        raise ImportingError(f"{path.name} 里没有读到文字。扫描件要先做文字识别（OCR），另存为 docx 或 txt 再导入")
    return lines


def recognised(lines: Sequence[str], documents: Collection[Document]) -> Document | None:
    """The document whose title stands in these lines, the longest title first; None where none does."""
    text = plain("".join(lines))
    found = [d for d in documents if plain(d.title) in text or plain(d.title).removeprefix("市政府关于印发").removesuffix("的通知") in text]
    return max(found, key=lambda d: len(d.title), default=None)


def passages(lines: Sequence[str], document: Document) -> list[Passage]:
    """The sections of a paper; ImportingError where nothing like an outline was found."""
    found = [Passage(document=document.id, section=section, text=text) for section, text in split(lines, document.title) if text.strip()]
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


def _docx(path: Path) -> Iterator[str]:
    import docx
    from docx.opc.exceptions import PackageNotFoundError
    from docx.table import Table

    try:
        body = docx.Document(str(path)).iter_inner_content()
        for part in body:
            if isinstance(part, Table):
                for row in part.rows:
                    cells = list(dict.fromkeys((cell._tc, " ".join(cell.text.split())) for cell in row.cells))  # a merged cell comes once
                    yield "\t".join(text for _, text in cells)
            else:
                yield from part.text.split("\n")
    except (PackageNotFoundError, KeyError, ValueError, OSError) as error:
        raise ImportingError(f"{path.name} 不是能打开的 docx 文件。用 Word 或 WPS 打开，另存为 docx，再导入一次") from error


def _pdf(path: Path) -> list[str]:
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        pages = [page.extract_text() for page in PdfReader(path).pages]
    except (PyPdfError, KeyError, ValueError, OSError, RecursionError) as error:
        raise ImportingError(f"{path.name} 打不开（加了密码，或文件坏了）。另存为没有密码的 pdf 或 docx，再导入一次") from error
    lines = [_RADICAL.sub(lambda m: unicodedata.normalize("NFKC", m[0]), line) for page in pages for line in page.splitlines()]
    return [line for line in lines if not (_PAGE.fullmatch(line) and line.strip(" \u3000"))]
