"""The pre-check on the command line: one company from YAML, many from a table, bad rows, the Excel file that comes of it."""

from __future__ import annotations

import csv
import io
import json
import os
import random
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import pytest

import bot
from bench.prechecks import write_companies
from handlers import prechecks
from handlers.companies import Company, Table, TableError
from handlers.judging import Judge, Judged, judge_all
from handlers.sheets import Result
from knowledge import loader
from knowledge.given import Problem, Reader
from knowledge.precheck import precheck
from knowledge.snapshot import Knowledge

DAY = date(2022, 6, 1)
YAML = """region: snd
company: 测试公司
events: [new_device_certificate]
products:
  - {class: III, own_ip: yes, local: yes, year: 2021}
independent_entity: yes
"""
HEADING = ("公司", "region", "events", "product.1.class", "product.1.year", "foreign_cash_year")
GOOD = ("甲公司", "苏州高新区", "新取得医疗器械注册证", "三类", "2021", "")
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@pytest.fixture(scope="module")
def reader(knowledge: Knowledge) -> Reader:
    return Reader(knowledge.facts, knowledge.regions.values(), knowledge.segments.values())


def written(path: Path, *rows: Sequence[str], encoding: str = "utf-8", delimiter: str = ",") -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    return path


def sheets(path: Path) -> Mapping[str, list[list[str]]]:
    """Every sheet of an Excel file as rows of texts, read by hand."""
    with zipfile.ZipFile(path) as file:
        assert file.testzip() is None
        book = ElementTree.fromstring(file.read("xl/workbook.xml"))
        names = [s.attrib["name"] for s in book.iter(f"{MAIN}sheet")]
        return {name: _rows(file.read(f"xl/worksheets/sheet{number}.xml")) for number, name in enumerate(names, 1)}


def _rows(data: bytes) -> list[list[str]]:
    root = ElementTree.fromstring(data)
    assert not list(root.iter(f"{MAIN}f")), "a formula"
    found = []
    for row in root.iter(f"{MAIN}row"):
        cells: dict[str, str] = {}
        for cell in row:
            cells[re.sub(r"\d", "", cell.attrib["r"])] = "".join(cell.itertext())
        found.append([cells.get(chr(65 + n), "") for n in range(15)])
    return found


def judged(tmp_path: Path, table: Path, jobs: int = 1) -> tuple[int, str, Mapping[str, list[list[str]]]]:
    """Exit code, what was said, and the sheets."""
    said, out = io.StringIO(), tmp_path / "result.xlsx"
    code = prechecks.batch(table, out, loader.load(), DAY, loader.SHIPPED, jobs, said)
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []
    return code, said.getvalue(), sheets(out)


# --- one company


@pytest.fixture(autouse=True)
def _loaded(monkeypatch: pytest.MonkeyPatch, knowledge: Knowledge) -> None:
    """Commands that run in this process need not read the shipped knowledge again and again."""
    monkeypatch.setattr(loader, "load", lambda *_: knowledge)


def main(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = bot.main(["precheck", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_one_company_is_told_as_in_the_chat_with_sources(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.yaml").write_text(YAML, encoding="utf-8")
    code, out, err = main(capsys, str(tmp_path / "a.yaml"), "--today", "2022-06-01")
    assert (code, err) == (0, "")
    assert out.startswith("测试公司\n")
    assert "苏州高新区补贴预审（按 2022-06-01 看）" in out
    assert "最高300万元" in out
    assert "依据：《" in out
    assert out.count("以兑现审核为准") == 1
    _, full, _ = main(capsys, str(tmp_path / "a.yaml"), "--today", "2022-06-01", "--full")
    assert full.startswith(out.rstrip("\n").replace("加 --full 逐条列出", "逐条列在后面"))
    assert "✓ " in full


@pytest.mark.parametrize(("more", "where"), [((), "加 --full 逐条列出"), (("--full",), "逐条列在后面")])
def test_a_terminal_is_told_of_no_button(tmp_path: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], where: str) -> None:
    (tmp_path / "a.yaml").write_text("region: snd\nevents: new_device_certificate\n", encoding="utf-8")
    _, told, _ = main(capsys, str(tmp_path / "a.yaml"), "--today", "2021-06-01", *more)
    assert "点“" not in told
    assert told.split("以兑现审核为准")[0].count(where) >= 2, "for the rows that fail, and for those to which nothing speaks"
    assert ("✗" in told) is bool(more)


def test_one_company_as_data(tmp_path: Path, capsys: pytest.CaptureFixture[str], knowledge: Knowledge) -> None:
    (tmp_path / "a.yaml").write_text(YAML + "today: 2022-06-01\n", encoding="utf-8")
    code, out, _ = main(capsys, str(tmp_path / "a.yaml"), "--json")
    report = json.loads(out)
    assert code == 0
    assert (report["region"], report["today"], report["knowledge"]) == ("snd", "2022-06-01", knowledge.version)
    assert report["facts"]["product.1.class"] == "III"
    assert "plans" in report["open"]
    assert {r["id"]: r["status"] for r in report["supports"]} == {
        r.support.id: str(r.status) for r in precheck(knowledge, "snd", report["facts"], DAY).rows
    }
    _, later, _ = main(capsys, str(tmp_path / "a.yaml"), "--json", "--today", "2026-01-01")
    assert json.loads(later)["today"] == "2026-01-01"


def test_bad_facts_are_named_with_line_and_fix_all_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("region: snd\ntoday: gestern\nproducts:\n  - class: IV\n    yaer: 2021\nproject.investment: 1e30\n", encoding="utf-8")
    code, out, err = main(capsys, str(path))
    assert (code, out) == (2, "")
    assert [line.removeprefix(f"{path}:") for line in err.splitlines() if not line.startswith("fix: ")] == [
        "2:1: today：不是日期",
        "4:5: product.1.class：没有“IV”这个选项",
        "5:5: product.1.yaer：没有这一项",
        "6:1: project.investment：“1e30”太大",
    ]
    assert err.count("fix: ") == 4
    code, out, again = main(capsys, str(path), "--json")
    assert (code, again) == (2, err)
    assert [(p["field"], p["line"], p["column"]) for p in json.loads(out)["problems"]] == [
        ("today", 2, 1),
        ("product.1.class", 4, 5),
        ("product.1.yaer", 5, 5),
        ("project.investment", 6, 1),
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [("- a\n", "一项一项"), ("", "一项一项"), ("region: [snd\n", "引号或括号"), ("region: snd\nregion: snd\n", "写了两次"), ("region:\n", "是空的")],
)
def test_a_file_that_is_no_list_of_facts_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, words: str) -> None:
    (tmp_path / "a.yaml").write_text(content, encoding="utf-8")
    code, _, err = main(capsys, str(tmp_path / "a.yaml"))
    assert code == 2
    assert words in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "--template"),
        (("nirgends.yaml",), "读不了"),
        (("a.csv",), "--out"),
        (("nirgends.csv", "--out", "b.xlsx"), "读不了"),
        (("a.csv", "--out", "b.csv"), ".xlsx"),
    ],
)
def test_a_command_that_cannot_be_done_says_what_to_write(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str) -> None:
    code, _, err = main(capsys, *arguments)
    assert code == 2
    assert words in err


# --- many companies


def test_the_template_is_a_table_that_runs(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert bot.main(["precheck", "--template"]) == 0
    data = capsysbinary.readouterr().out
    assert data.startswith(b"\xef\xbb\xbfcompany,region,")
    (tmp_path / "t.csv").write_bytes(data)
    code, said, book = judged(tmp_path, tmp_path / "t.csv")
    assert code == 0
    assert "算了 1 家" in said
    assert book["汇总"][1][1:3] == ["示例公司", "太仓"]


def test_a_result_has_four_sheets_that_say_what_the_rules_say(tmp_path: Path, knowledge: Knowledge, reader: Reader) -> None:
    code, _, book = judged(tmp_path, written(tmp_path / "t.csv", HEADING, GOOD))
    assert code == 0
    assert list(book) == ["汇总", "明细", "未处理", "说明"]
    row = dict(zip(book["汇总"][0], book["汇总"][1], strict=True))
    facts = reader.read(dict(zip(HEADING[1:5], GOOD[1:5], strict=True)), DAY).facts
    report = precheck(knowledge, "snd", facts, DAY)
    assert report.total
    assert (row["行"], row["公司"], row["地区"]) == ("2", "甲公司", "苏州高新区")
    assert (row["合计至少"], row["合计最多"], row["币种"]) == (str(report.total.low), str(report.total.high), "CNY")
    assert sum(int(row[c]) for c in ("可能符合", "还差条件", "暂不能判断", "还没开始", "窗口已过", "不符合或没对上")) == len(report.rows)
    assert row["接着要问企业的"].count("\n") <= 2
    names = {r.support.name for r in report.rows}
    details = [dict(zip(book["明细"][0], cells, strict=True)) for cells in book["明细"][1:]]
    assert details and all(d["支持项目"] in names and d["依据"].startswith("《") for d in details)
    certificate = next(d for d in details if "第三类医疗器械注册证书" in d["支持项目"])
    assert (certificate["产品"], certificate["估算最多"], "300万元" in certificate["文件写的金额"]) == ("1（三类 2021年）", "3000000", True)
    assert {d["判断"] for d in details} <= {"可能符合", "暂不能判断", "窗口已过", "还没开始"} | {f"差 {n} 项" for n in range(1, 9)}
    about = "\n".join("：".join(cells[:2]) for cells in book["说明"])
    assert "2022-06-01" in about and knowledge.version in about and "以兑现审核为准" in about
    assert all(d.title in about for d in knowledge.documents.values())


def test_bad_rows_are_reported_and_the_rest_is_done(tmp_path: Path) -> None:
    bad = ("乙公司", "snd", "none,pct_filing", "IV", "2021", "-5")
    table = written(
        tmp_path / "t.csv", HEADING, GOOD, bad, [], ("", "", "", "", "", ""), ("丙公司", "昆山", "PCT", "", "", ""), ("丁", "", "", "", "", "", "多")
    )
    code, said, book = judged(tmp_path, table)
    assert code == 1
    assert [cells[1] for cells in book["汇总"][1:]] == ["甲公司", "丙公司"]
    assert [(cells[0], cells[2]) for cells in book["未处理"][1:]] == [
        ("3", "events"),
        ("3", "product.1.class"),
        ("3", "foreign_cash_year"),
        ("7", ""),
    ]
    assert "第 3 行 foreign_cash_year：“-5”是负数\n  写 0 或更大的数" in said
    assert "第 7 行：比表头多了 1 格" in said
    assert said.splitlines()[-1].startswith("算了 2 家")
    assert "2 行没有算" in said


def test_two_quotes_that_are_not_closed_never_make_one_company_of_three(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(
        'company,region,events\n"A公司,苏州高新区,pct_filing\n"B公司,苏州高新区,pct_filing\nC公司,苏州高新区,pct_filing\n"D公司,苏州高新区,pct_filing\n',
        encoding="utf-8",
    )
    code, said, book = judged(tmp_path, tmp_path / "t.csv")
    assert code == 1
    assert [cells[1] for cells in book["汇总"][1:]] == ["C公司"]
    assert [cells[0] for cells in book["未处理"][1:]] == ["2", "3", "5"]
    assert all(f"第 {n} 行：读不了：引号没有配对" in said for n in (2, 3, 5))


def test_nothing_done_is_an_exit_code_of_its_own(tmp_path: Path) -> None:
    code, _, book = judged(tmp_path, written(tmp_path / "t.csv", HEADING, ("甲", "月球", "", "", "", "")))
    assert code == 2
    assert len(book["未处理"]) == 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_encodings_and_delimiters_are_recognised(tmp_path: Path, reader: Reader, encoding: str, delimiter: str) -> None:
    path = written(tmp_path / "t.csv", HEADING, GOOD, encoding=encoding, delimiter=delimiter)
    table = Table.open(path, reader)
    assert table.heading == HEADING
    assert [(c.number, c.name, c.cells["product.1.class"]) for c in table] == [(2, "甲公司", "三类")]


def test_cells_with_commas_quotes_and_lines_keep_the_row_numbers_of_a_spreadsheet(tmp_path: Path, reader: Reader) -> None:
    path = written(tmp_path / "t.csv", HEADING, ('甲,"乙"', "snd", "PCT,集采\n拿证\r\n", "", "", ""), GOOD)
    assert [(c.number, c.name, c.cells["events"], c.problems) for c in Table.open(path, reader)] == [
        (2, '甲,"乙"', "PCT,集采\n拿证", ()),
        (3, "甲公司", "新取得医疗器械注册证", ()),
    ]


def rows_of(tmp_path: Path, reader: Reader, text: str) -> tuple[list[str], list[int]]:
    """The names of the rows that are taken, and the numbers of those that are not; all are counted."""
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    table = Table.open(tmp_path / "t.csv", reader)
    rows = list(table)
    assert len(rows) == table.count
    assert all("引号" in r.problems[0].fix for r in rows if r.problems)
    return [r.name for r in rows if not r.problems], [r.number for r in rows if r.problems]


@pytest.mark.parametrize(
    ("rows", "taken", "bad"),
    [
        ('"甲,snd,pct\n"乙,snd,pct\n丙,snd,pct', ["丙"], [2, 3]),
        ('"甲,snd,pct\n丙,snd,pct\n"乙,snd,pct\n丁,snd,pct', ["丙", "丁"], [2, 4]),
        ('"甲,snd,pct\n丙,snd,pct\n乙",snd,pct\n丁,snd,pct', ["丙", "丁"], [2, 4]),
        ('甲,snd,"pct\n丙,snd,pct\n\n乙,snd,pct"\n丁,snd,pct', ["丙", "丁"], [2, 5]),
        ('甲,snd,"pct\n丙,snd\n乙,snd,"pct\n丁,snd,pct', ["丙", "丁"], [2, 4]),
        ('甲,snd,"pct\n丙,snd,""\n乙,snd,pct"\n丁,snd,pct', ["丙", "丁"], [2, 4]),
        ('甲,"snd,pct\n丙,"snd",pct\n丁,snd,pct', ["丙", "丁"], [2]),
        ('甲,snd,"pct\n"丙",snd,pct\n丁,snd,pct', ["丙", "丁"], [2]),
        ('甲,snd,"pct\n管 5",snd,pct\n丁,snd,pct', ["丁"], [2, 3]),
        ('甲,"snd\n乙","s\n丙",pct\n丁,snd,pct', ["丁"], [2, 3, 4]),
        ('甲,snd,pct\n"乙,snd,pct', ["甲"], [3]),
        ('甲,snd,pct\n乙,snd,"pct\n', ["甲"], [3]),
        ('甲,snd,pct\n"', ["甲"], [3]),
        ('"甲"公司,snd,pct\n丁,snd,pct', ["丁"], [2]),
        ('"甲\n公司",snd,pct\n丁,snd,pct', ["丁"], [2]),
        ('"甲\r公司",snd,pct\n丁,snd,pct', ["丁"], [2]),
        ('甲,snd,"pct\n丙,snd"\n丁,snd,pct', ["丁"], [2, 3]),
        ('"甲","snd","pct"\n5" 管,snd,pct\n"5"" 管","snd",""\n丁,snd,"pct\n集采"', ["甲", '5" 管', '5" 管', "丁"], []),
    ],
)
def test_quotes_that_do_not_pair_lose_the_rows_that_have_them_and_no_other(
    tmp_path: Path, reader: Reader, rows: str, taken: list[str], bad: list[int]
) -> None:
    assert rows_of(tmp_path, reader, "company,region,events\n" + rows) == (taken, bad)


def test_where_a_line_may_be_a_whole_row_no_cell_has_several(tmp_path: Path, reader: Reader) -> None:
    assert rows_of(tmp_path, reader, 'region\n"snd\nkunshan\nsnd"\ntaicang\n') == (["", ""], [2, 4])
    assert rows_of(tmp_path, reader, 'region,company,events\nsnd,甲,"pct\nkunshan\nsnd,乙"\nsnd,丙,"pct"\n') == (["", "丙"], [2, 4])


@pytest.mark.parametrize("rows", ["quoted", "plain"])
def test_whatever_quotes_are_missing_every_good_row_is_taken(tmp_path: Path, reader: Reader, rows: str) -> None:
    dice = random.Random(rows)
    for _ in range(200):
        lines, good = [], []
        for number in range(dice.randint(1, 12)):
            cells = [f"公司{number}", "snd", "PCT,集采"]
            line = ",".join(f'"{cell}"' for cell in cells) if rows == "quoted" else f'{cells[0]},snd,"{cells[2]}"'
            quotes = [n for n, letter in enumerate(line) if letter == '"']
            if dice.random() < 0.5:
                cut = dice.choice(quotes)
                line = line[:cut] + line[cut + 1 :]
            else:
                good.append(cells[0])
            lines.append(line)
        taken, bad = rows_of(tmp_path, reader, "\n".join(["company,region,events", *lines]))
        assert set(good) <= set(taken)
        assert len(taken) + len(bad) == len(lines), "no row is gone"


def test_an_unclosed_quote_in_the_heading_is_said(tmp_path: Path, reader: Reader) -> None:
    for heading in ('"company,region', 'company,"reg\nion"'):
        (tmp_path / "t.csv").write_text(heading + "\n甲,snd\n", encoding="utf-8")
        with pytest.raises(TableError, match="表头读不了：检查引号"):
            Table.open(tmp_path / "t.csv", reader)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("甲,snd,pct,foo,", "“foo”"),
        ("甲,snd,pct,,bar", "“bar”"),
        ("甲,snd,pct,foo,bar", "“foo”“bar”"),
        ("甲,snd,pct, ,", ""),
        ("甲,snd,pct", ""),
    ],
)
def test_every_cell_under_an_empty_heading_counts(tmp_path: Path, reader: Reader, row: str, said: str) -> None:
    (tmp_path / "t.csv").write_text(f"company,region,events,,\n{row}\n", encoding="utf-8")
    (company,) = Table.open(tmp_path / "t.csv", reader)
    assert [p.what for p in company.problems] == ([f"{said}所在的列没有表头"] if said else [])


def test_a_quote_that_is_never_closed_is_a_bad_row_not_the_end(tmp_path: Path, reader: Reader) -> None:
    path = tmp_path / "t.csv"
    path.write_text('company,region\n甲,snd\n"乙,snd\n' + "丙,snd\n" * 60 + '5" 管,snd\n丁,"snd\n戊,snd\n', encoding="utf-8")
    table = Table.open(path, reader)
    rows = list(table)
    assert len(rows) == table.count
    assert [r.name for r in rows if not r.problems] == ["甲", *["丙"] * 60, '5" 管', "戊"]
    assert [r.number for r in rows if r.problems] == [3, 65]
    assert all("引号" in r.problems[0].fix for r in rows if r.problems)


def test_a_cell_of_any_length_is_a_bad_row(tmp_path: Path, reader: Reader) -> None:
    path = written(tmp_path / "t.csv", HEADING, ("x" * 200_000, "snd", "", "", "", ""), GOOD)
    assert [bool(r.problems) for r in Table.open(path, reader)] == [True, False]


@pytest.mark.parametrize(
    ("heading", "words"),
    [
        (("company", "region", "evnts", "product.1.clas"), ("evnts：没有这一项。您是不是想写“events”", "product.1.class", "2 处")),
        (("company", "events"), ("region：没有这一列",)),
        (("company", "region", "events", "events"), ("events：写了 2 列",)),
        (("company", "region", "contact.reach"), ("contact.reach：不是预审看的",)),
        (("公司名称", "region"), ("公司名称：没有这一项",)),
    ],
)
def test_a_heading_that_is_wrong_is_refused_once_with_every_column(
    tmp_path: Path, reader: Reader, heading: tuple[str, ...], words: tuple[str, ...]
) -> None:
    with pytest.raises(TableError) as error:
        Table.open(written(tmp_path / "t.csv", heading, ["x"] * len(heading)), reader)
    for word in words:
        assert word in str(error.value)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "是空的"),
        (b"company,region\r\n", "只有表头"),
        (b"\xff\xff\x00\x81", "GB18030"),
        (b"PK\x03\x04\xff\xff", "Excel"),
        (b"\xff\xfea", "UTF-8"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, reader: Reader, data: bytes, words: str) -> None:
    (tmp_path / "t.csv").write_bytes(data)
    with pytest.raises(TableError, match=words):
        Table.open(tmp_path / "t.csv", reader)


def test_texts_are_never_formulas_and_hold_nothing_unseen(tmp_path: Path) -> None:
    names = ["=1+1", "+SUM(A1)", "-2", "@x", "http://example.com", "a\x07b\x0bc", "x" * 40_000]
    code, _, book = judged(tmp_path, written(tmp_path / "t.csv", HEADING, *((name, "snd", "PCT", "", "", "") for name in names)))
    assert code == 0
    assert [row[1] for row in book["汇总"][1:]] == [*names[:5], "abc", "x" * 200]
    with zipfile.ZipFile(tmp_path / "result.xlsx") as file:
        assert not [n for n in file.namelist() if "rels" in n and b"hyperlink" in file.read(n)]


def test_several_processes_give_the_same_file_as_one(tmp_path: Path, knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "t.csv"
    write_companies(table, 90, knowledge)
    with table.open("a", encoding="utf-8", newline="") as file:
        csv.writer(file).writerow(["坏的", "nowhere"])
    monkeypatch.setattr(prechecks, "FEW", 0)
    monkeypatch.setattr(prechecks, "CHUNK", 20)
    said = []
    for jobs in (1, 2):
        told = io.StringIO()
        assert prechecks.batch(table, tmp_path / f"{jobs}.xlsx", loader.load(), DAY, loader.SHIPPED, jobs, told) == 1
        said.append(told.getvalue().partition("算了")[0])
    assert said[0] == said[1]
    assert (tmp_path / "1.xlsx").read_bytes() == (tmp_path / "2.xlsx").read_bytes()


def test_only_a_few_chunks_are_under_way_and_an_error_ends_the_others() -> None:
    taken = []

    def endless() -> object:
        for number in range(10**6):
            taken.append(number)
            yield Company(number, "", {})

    found = prechecks.spread(_judge_nothing, endless(), 2)  # type: ignore[arg-type]
    assert [next(found).number for _ in range(3)] == [0, 1, 2]
    assert len(taken) <= prechecks.CHUNK * (2 * prechecks.AHEAD + 1)
    found.close()  # type: ignore[attr-defined]
    with pytest.raises(TableError, match="--jobs 1"):
        list(prechecks.spread(_die, iter([Company(1, "", {})]), 1))
    with pytest.raises(ZeroDivisionError):
        list(prechecks.spread(_fail, iter([Company(1, "", {})]), 2))


def _judge_nothing(companies: list[Company]) -> list[Judged]:
    return [Judged(c.number, c.name) for c in companies]


def _die(companies: list[Company]) -> list[Judged]:
    os._exit(1)


def _fail(companies: list[Company]) -> list[Judged]:
    raise ZeroDivisionError


def test_a_process_that_knows_something_else_stops_the_batch() -> None:
    with pytest.raises(TableError, match="再运行一次"):
        judge_all(loader.SHIPPED, "another", DAY, [])


def test_rows_beyond_the_limit_of_excel_go_on_on_a_further_sheet(tmp_path: Path, knowledge: Knowledge) -> None:
    judge = Judge(knowledge, DAY)
    with Result(tmp_path / "r.xlsx", DAY, limit=4) as result:
        for number in range(8):
            result.add(judge(Company(number, f"公司{number}", {"region": "xuzhou"})))
        result.add(Judged(9, "坏", problems=(Problem("region", "错", "改"),)))
    book = sheets(tmp_path / "r.xlsx")
    assert [name for name in book if name.startswith("汇总")] == ["汇总", "汇总2", "汇总3"]
    assert [row[1] for name in ("汇总", "汇总2", "汇总3") for row in book[name][1:]] == [f"公司{n}" for n in range(8)]
    assert book["汇总3"][0] == book["汇总"][0]


def test_a_place_that_cannot_be_written_is_said_before_the_work(tmp_path: Path) -> None:
    table = written(tmp_path / "t.csv", HEADING, GOOD)
    with pytest.raises(TableError, match="写不了"):
        prechecks.batch(table, tmp_path / "nowhere" / "r.xlsx", loader.load(), DAY, loader.SHIPPED, 1, io.StringIO())


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def progress(out: io.StringIO, steps: int, seconds_each: float) -> str:
    now = [0.0]
    shown = prechecks.Progress(1000, out, clock=lambda: now[0])
    for _ in range(steps):
        now[0] += seconds_each
        shown.step()
    shown.end(steps - 1, 1, Path("r.xlsx"))
    return out.getvalue()


def test_progress_is_shown_at_most_once_a_second_and_only_on_a_terminal() -> None:
    shown = progress(_Terminal(), 100, 0.25).split("\r\x1b[K")
    assert len(shown) == 27
    assert shown[1] == "4/1000，每秒 4 家，还要约 4 分钟"
    assert shown[-1] == "算了 99 家，用了 25.0 秒，每秒 4 家，1 行没有算，写在“未处理”表里。结果在 r.xlsx\n"
    assert progress(io.StringIO(), 100, 0.25).count("\n") == 1


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    def stop(*_: object) -> Judged:
        raise KeyboardInterrupt

    return lambda: monkeypatch.setattr(Judge, "__call__", stop)


def test_an_interrupted_batch_leaves_nothing_behind(tmp_path: Path, interrupted: Callable[[], None]) -> None:
    interrupted()
    table = written(tmp_path / "t.csv", HEADING, GOOD)
    with pytest.raises(KeyboardInterrupt):
        prechecks.batch(table, tmp_path / "r.xlsx", loader.load(), DAY, loader.SHIPPED, 1, io.StringIO())
    assert [p.name for p in tmp_path.iterdir()] == ["t.csv"]
