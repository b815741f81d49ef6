"""Importing papers: what offices have (txt in two encodings, docx with tables, pdf), and what is said where that fails."""

from __future__ import annotations

import zipfile
from pathlib import Path

import docx
import pytest
from docx.oxml import parse_xml
from pypdf import PdfWriter

from knowledge import importing, loader
from knowledge.figures import Papers
from knowledge.importing import ImportingError, lines_of, passages, recognised, to_yaml
from knowledge.papers import plain
from knowledge.records import Document
from knowledge.snapshot import Knowledge
from tests.knowledge import papers

PAPER = Document.model_validate({"id": "paper-2025", "title": "某市计划", "short": "计划", "region": "suzhou"})
LINES = ["某市计划", "为了发展。", "一、目标", "到2025年达到500亿元。", "二、任务", "（一）招引", "给予最高300万元。"]


def document(path: Path, *, numbered: bool = True) -> Path:
    """A Word file with an outline, and an annex with a table of which one cell spans two rows."""
    file = docx.Document()
    for line in LINES:
        file.add_paragraph(line)
    file.add_paragraph("附件")
    table = file.add_table(rows=3, cols=3)
    for row, cells in enumerate((("类别", "序号", "任务"), ("产业链", "1", "招引"), ("产业链", "2", "落户"))):
        for column, text in enumerate(cells):
            table.cell(row, column).text = text
    table.cell(1, 0).merge(table.cell(2, 0))
    file.save(str(path))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk"])
def test_a_text_file_in_any_usual_encoding(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "计划.txt"
    path.write_bytes("\r\n".join(LINES).encode(encoding))
    assert lines_of(path) == LINES
    assert [p.section for p in passages(lines_of(path), PAPER)] == ["标题", "前言", "一", "二", "二(一)"]


def test_a_word_file_with_a_table(tmp_path: Path) -> None:
    lines = lines_of(document(tmp_path / "计划.docx"))
    assert lines[: len(LINES)] == LINES
    found = {p.section: plain(p.text) for p in passages(lines, PAPER)}
    assert found["二(一)"] == "(一)招引给予最高300万元。"
    assert "附件" in found
    assert any("落户" in text for text in found.values())


def test_a_word_file_whose_rows_begin_with_their_number(tmp_path: Path) -> None:
    file = docx.Document()
    for line in ("一、目标", "内容。", "二、任务", "附件"):
        file.add_paragraph(line)
    table = file.add_table(rows=2, cols=2)
    for row, cells in enumerate((("1", "招引"), ("2", "落户"))):
        for column, text in enumerate(cells):
            table.cell(row, column).text = text
    file.save(str(tmp_path / "a.docx"))
    assert [p.section for p in passages(lines_of(tmp_path / "a.docx"), PAPER)] == ["一", "二", "附件", "附件第1项", "附件第2项"]


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("计划.doc", b"x", "另存为 docx"),
        ("没有.txt", None, "读不了"),
        ("空.txt", b" \n\n", "没有读到文字"),
        ("坏.docx", b"not a zip", "打不开"),
        ("坏.pdf", b"%PDF-1.4 broken", "打不开"),
        ("乱.txt", b"\xff\xfe\x00\xd8\x81", "UTF-8"),
    ],
)
def test_what_cannot_be_read_is_said_with_the_way_out(tmp_path: Path, name: str, data: bytes | None, words: str) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(ImportingError, match=words):
        lines_of(tmp_path / name)


def test_a_word_file_of_a_paper_that_is_one_table(tmp_path: Path) -> None:
    """昆山's list and 高新区's annex as offices have them: merged first column, number in the second, a heading with 序号."""
    file = docx.Document()
    for line in ("附件", "某市计划"):
        file.add_paragraph(line)
    table = file.add_table(rows=4, cols=4)
    for row, cells in enumerate(
        (
            ("类别", "序号", "工作", "责任单位"),
            ("创新", "1", "攻关", "科技局"),
            ("创新", "2", "研发", "科技局、工信局"),
            ("载体", "3", "建园", "资规局"),
        )
    ):
        for column, text in enumerate(cells):
            table.cell(row, column).text = text
    table.cell(1, 0).merge(table.cell(2, 0))
    file.save(str(tmp_path / "a.docx"))
    found = {p.section: plain(p.text) for p in passages(lines_of(tmp_path / "a.docx"), PAPER)}
    assert list(found) == ["印发通知", "标题", "表头", "第1项", "第2项", "第3项"]
    assert "工信局" in found["第2项"]
    assert "工信局" not in found["第1项"]


def test_tracked_insertions_and_content_controls_of_a_word_file_are_text(tmp_path: Path) -> None:
    file = docx.Document()
    paragraph = file.add_paragraph("一、资助")
    word = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    inserted = f'<w:ins xmlns:w="{word}"><w:r><w:t>最高500万元</w:t></w:r></w:ins>'
    deleted = f'<w:del xmlns:w="{word}"><w:r><w:delText>最高300万元</w:delText></w:r></w:del>'
    control = f'<w:sdt xmlns:w="{word}"><w:sdtContent><w:p><w:r><w:t>二、条件</w:t></w:r></w:p></w:sdtContent></w:sdt>'
    paragraph._p.append(parse_xml(inserted))
    paragraph._p.append(parse_xml(deleted))
    paragraph._p.addnext(parse_xml(control))
    file.save(str(tmp_path / "a.docx"))
    assert lines_of(tmp_path / "a.docx") == ["一、资助最高500万元", "二、条件"]


def test_a_word_file_that_unpacks_to_a_flood_is_refused_unread(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.docx", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("word/document.xml", "<a>" + " " * (importing.MAX_BYTES + 1))
    assert (tmp_path / "a.docx").stat().st_size < 100_000
    with pytest.raises(ImportingError, match="上限"):
        lines_of(tmp_path / "a.docx")


@pytest.mark.parametrize("kind", ["file", "flood"])
def test_a_word_file_with_an_entity_reads_no_other_file(tmp_path: Path, kind: str) -> None:
    """Neither another file of the machine gets into the paper, nor does a few bytes' worth of entities fill the memory."""
    (tmp_path / "private.txt").write_text("机密内容", encoding="utf-8")
    inner = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "机密内容"}">' for n in range(9))
    entity = f'<!ENTITY e8 SYSTEM "{(tmp_path / "private.txt").as_uri()}">' if kind == "file" else inner
    whole, hostile = document(tmp_path / "good.docx"), tmp_path / "bad.docx"
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(hostile, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name == "word/document.xml":
                head, _, body = data.decode().partition("?>")
                data = f"{head}?><!DOCTYPE d [{entity}]>{body.replace(LINES[1], f'{LINES[1]}&e8;')}".encode()
                assert b"&e8;" in data
            target.writestr(name, data)
    try:
        lines = lines_of(hostile)
    except ImportingError:
        return
    assert "机密内容" not in "".join(lines)
    assert len("".join(lines)) < 10_000


def test_a_section_that_never_ends_is_said() -> None:
    with pytest.raises(ImportingError, match="没有认出来"):
        passages(["一、甲", "长" * 20_001, "二、乙", "三、丙"], PAPER)


def test_a_pdf_without_text_is_a_scan(tmp_path: Path) -> None:
    writer = PdfWriter()
    writer.add_blank_page(200, 200)
    writer.write(tmp_path / "scan.pdf")
    with pytest.raises(ImportingError, match="OCR"):
        lines_of(tmp_path / "scan.pdf")


def test_a_file_that_is_too_large_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "MAX_BYTES", 10)
    (tmp_path / "a.txt").write_text("一" * 20, encoding="utf-8")
    with pytest.raises(ImportingError, match="上限"):
        lines_of(tmp_path / "a.txt")


def test_a_paper_without_an_outline_is_not_imported() -> None:
    with pytest.raises(ImportingError, match="没有认出章节"):
        passages(["第一段。", "第二段。"], PAPER)


def test_what_is_written_is_read_back_by_the_strict_loader(tmp_path: Path) -> None:
    found = passages([*LINES, "(二)怪字 \x07\u200b\t单元", "- 列表: {x}", "# 不是注释"], PAPER)
    text = to_yaml(found, "计划.txt")
    (tmp_path / "p.yaml").write_text(text, encoding="utf-8")
    for name in ("regions", "segments", "facts"):
        (tmp_path / f"{name}.yaml").write_bytes((loader.SHIPPED / f"{name}.yaml").read_bytes())
    (tmp_path / "d.yaml").write_text("documents:\n  - {id: paper-2025, title: 某市计划, short: 计划, region: suzhou}\n", encoding="utf-8")
    knowledge = loader.load(tmp_path)
    assert [p.section for p in knowledge.passages.values()] == [p.section for p in found]
    written = "".join(p.text for p in knowledge.passages.values())
    assert all(words in written for words in ("怪字 ｜单元", "- 列表: {x}", "# 不是注释"))
    assert "\x07" not in written


def test_a_paper_is_recognised_by_its_title(knowledge: Knowledge) -> None:
    known = tuple(knowledge.documents.values())
    assert recognised(["苏州高新区医疗器械及生物医药产业发展", "三年行动计划（2020-2022年）"], known) is knowledge.documents["snd-2020"]
    assert recognised(["别的文件"], known) is None


@pytest.mark.usefixtures("policies")
@pytest.mark.parametrize("document", papers.FILES)
def test_the_five_papers_are_recognised(knowledge: Knowledge, document: str) -> None:
    lines = lines_of(papers.FOLDER / papers.FILES[document])
    assert recognised(lines, tuple(knowledge.documents.values())) is knowledge.documents[document]


@pytest.mark.usefixtures("policies")
@pytest.mark.parametrize("document", papers.FILES)
def test_a_paper_says_the_same_as_a_word_file(tmp_path: Path, document: str) -> None:
    """The paper set as a Word document has the same sections with the same text."""
    file = docx.Document()
    for line in lines_of(papers.FOLDER / papers.FILES[document]):
        file.add_paragraph(line)
    file.save(str(tmp_path / "a.docx"))
    found = passages(lines_of(tmp_path / "a.docx"), loader.load().documents[document])
    assert [(p.section, plain(p.text)) for p in found] == [(p.section, plain(p.text)) for p in papers.passages(document)]


def test_figures_are_searched_in_the_section_and_all_that_lies_in_it() -> None:
    found = Papers({p.key: p for p in passages(LINES, PAPER)})
    assert "paper-2025" in found
    assert "other" not in found
    assert "300万元" in found.text("paper-2025", "二")
    assert "300万元" not in found.text("paper-2025", "一")
    assert found.text("paper-2025", "九") == ""
    assert found.sections("paper-2025") == ("标题", "前言", "一", "二", "二(一)")
