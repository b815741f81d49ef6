"""The result of many pre-checks as an Excel file: written row by row, so that memory stays flat however many there are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import xlsxwriter  # type: ignore[import-untyped]
from xlsxwriter.exceptions import FileCreateError  # type: ignore[import-untyped]

from dialogs.answers import Voice
from handlers.judging import Cell, Judged
from knowledge.given import Problem

MAX_ROWS = 1_048_576
"""Rows that Excel opens; what goes beyond is on a further sheet."""
MAX_TEXT = 32_767
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_COMPANY = (("行", 7), ("公司", 26), ("地区", 12))
SUMMARY = (
    *_COMPANY,
    *(("可能符合", 9), ("还差条件", 9), ("暂不能判断", 11), ("还没开始", 9), ("窗口已过", 9), ("不符合或没对上", 14)),
    *(("合计至少", 14), ("合计最多", 14), ("币种", 7), ("受哪些上限限制", 30), ("合计说明", 30), ("接着要问企业的", 44)),
)  # fmt: skip
DETAILS = (
    *_COMPANY,
    *(("支持项目", 36), ("产品", 18), ("判断", 12), ("文件写的金额", 32), ("估算至少", 14), ("估算最多", 14), ("币种", 7)),
    *(("时限", 36), ("没满足的条件", 36), ("还要确认的条件", 36), ("依据", 36)),
)  # fmt: skip
PROBLEMS = (("行", 7), ("公司", 26), ("字段", 24), ("问题", 44), ("怎么改", 44))


class Sheet:
    """A sheet with a frozen heading; it goes on under a further name where Excel would open no more rows."""

    def __init__(self, workbook: Any, name: str, columns: Sequence[tuple[str, int]], limit: int) -> None:
        self._workbook, self._name, self._columns, self._limit = workbook, name, columns, limit
        self._head = workbook.add_format({"bold": True, "bg_color": "#E8EEF7", "border": 1, "border_color": "#B8C4D6", "valign": "vcenter"})
        self._text = workbook.add_format({"text_wrap": True, "valign": "top"})
        self._money = workbook.add_format({"num_format": "#,##0", "valign": "top"})
        self._part = 0
        self._begin()

    def _begin(self) -> None:
        self._part += 1
        self._sheet = self._workbook.add_worksheet(self._name if self._part == 1 else f"{self._name}{self._part}")
        self._sheet.freeze_panes(1, 0)
        for column, (title, width) in enumerate(self._columns):
            self._sheet.set_column(column, column, width, self._money if title.endswith(("至少", "最多")) else self._text)
        for column, (title, _) in enumerate(self._columns):
            self._sheet.write_string(0, column, title, self._head)
        self._rows = 1

    def add(self, cells: Sequence[Cell]) -> None:
        """Write one row; a text is a text, whatever sign it begins with."""
        if self._rows == self._limit:
            self.end()
            self._begin()
        sheet, row = self._sheet, self._rows
        for column, cell in enumerate(cells):
            if isinstance(cell, str):
                sheet.write_string(row, column, cell if cell.isprintable() and len(cell) < MAX_TEXT else _UNSEEN.sub("", cell)[:MAX_TEXT])
            elif cell is not None:
                sheet.write_number(row, column, cell)
        self._rows += 1

    def end(self) -> None:
        """Put the filter over all rows."""
        self._sheet.autofilter(0, 0, max(self._rows - 1, 1), len(self._columns) - 1)


class Result:
    """The workbook: 汇总, 明细, 未处理, 说明."""

    def __init__(self, path: Path, today: date, limit: int = MAX_ROWS) -> None:
        self._workbook = xlsxwriter.Workbook(str(path), {"constant_memory": True})
        self._workbook.set_properties({"title": "补贴预审", "created": datetime(today.year, today.month, today.day)})  # noqa: DTZ001 - the same input makes the same file
        self._summary = Sheet(self._workbook, "汇总", SUMMARY, limit)
        self._details = Sheet(self._workbook, "明细", DETAILS, limit)
        self._problems = Sheet(self._workbook, "未处理", PROBLEMS, limit)
        self._about = self._workbook.add_worksheet("说明")
        self.judged = 0
        self.refused = 0

    def __enter__(self) -> Result:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self._workbook.close()
        except FileCreateError as fault:
            raise OSError(str(fault)) from fault

    def add(self, judged: Judged) -> None:
        """Write what came of one company."""
        if judged.problems:
            self.refused += 1
            for problem in judged.problems:
                self._problems.add((judged.number, judged.name, problem.field, problem.what, problem.fix))
            return
        self.judged += 1
        self._summary.add(judged.summary)
        for row in judged.details:
            self._details.add(row)

    def end(self, voice: Voice) -> None:
        """Say what the result is made from, and put the filters on."""
        for sheet in (self._summary, self._details, self._problems):
            sheet.end()
        about, wrap = self._about, self._workbook.add_format({"text_wrap": True, "valign": "top"})
        about.set_column(0, 0, 18, wrap)
        about.set_column(1, 1, 100, wrap)
        rows = [
            ("按哪一天看", voice.today.isoformat()),
            ("知识库版本", voice.knowledge.version),
            ("公司", f"算了 {self.judged} 家，没有算 {self.refused} 家（见“未处理”）"),
            (
                "怎么看",
                "“汇总”一家公司一行；“明细”一家公司、一项支持（按产品给的再分产品）一行，与企业说的情况没有对上的不列。金额按币种的整数单位（元、美元）；至少是 0，表示文件只写了上限。",
            ),
            ("请注意", voice.say("report.check")),
            *(
                (f"文件 {n}", f"《{d.title}》{d.number or ''}　{voice.document_holds(d)}")
                for n, d in enumerate(voice.knowledge.documents.values(), 1)
            ),
        ]
        for number, (what, text) in enumerate(rows):
            about.write_string(number, 0, what)
            about.write_string(number, 1, text)


def line(number: int, problem: Problem) -> str:
    """A problem of a row as it is said on the command line; what could steer a terminal is left out."""
    of = f" {problem.field}" if problem.field else ""
    return _UNSEEN.sub("", f"第 {number} 行{of}：{problem.what}") + f"\n  {problem.fix}"
