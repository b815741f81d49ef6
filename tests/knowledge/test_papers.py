"""Cutting papers into sections: outline, points, boxes, annexes and tables, in whatever spelling an office uses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.papers import lies_in, plain, split

PAPER = """
某市人民政府文件

关于印发《某市计划》的通知
各单位：请执行。

某市计划
为了发展，制定本计划。
一、总体要求
（一）目标。到2025年达到500亿元。
二、任务
(一)招引
1. 龙头。一是重点引进旗舰项目，其中之一是外资。二是招引总部。
2．载体。建设园区，
面积５万平方米。
12. 其他。没有分点，统一是好。
“一核”：以科技城为核心。
——枫桥街道。以小镇为载体。
（责任单位：市科技局）
专栏 1 两项机制
1. 白皮书。发布《白皮书》。
2. 遴选。每年15家。
（二）审批
加快审批。
附件
分工表
十大工程	专栏任务	牵头单位
一、招引工程	1. 白皮书	市工信局
	2. 遴选	市工信局

十大工程	专栏任务	牵头单位
二、审批工程	1. 通关	苏州海关
"""
SECTIONS = {
    "印发通知": "某市人民政府文件 关于印发《某市计划》的通知 各单位：请执行。",
    "标题": "某市计划",
    "前言": "为了发展，制定本计划。",
    "一": "一、总体要求",
    "一(一)": "（一）目标。到2025年达到500亿元。",
    "二": "二、任务",
    "二(一)": "(一)招引",
    "二(一)1": "1. 龙头。",
    "二(一)1第一": "一是重点引进旗舰项目，其中之一是外资。",
    "二(一)1第二": "二是招引总部。",
    "二(一)2": "2．载体。建设园区，面积５万平方米。",
    "二(一)12": "12. 其他。没有分点，统一是好。",
    "二(一)12“一核”": "“一核”：以科技城为核心。",
    "二(一)12“一核”枫桥街道": "——枫桥街道。以小镇为载体。 （责任单位：市科技局）",
    "专栏1": "专栏 1 两项机制",
    "专栏1第1条": "1. 白皮书。发布《白皮书》。",
    "专栏1第2条": "2. 遴选。每年15家。",
    "二(二)": "（二）审批 加快审批。",
    "附件": "附件 分工表 十大工程\t专栏任务\t牵头单位 十大工程\t专栏任务\t牵头单位",
    "附件一1": "一、招引工程\t1. 白皮书\t市工信局",
    "附件一2": "2. 遴选\t市工信局",
    "附件二1": "二、审批工程\t1. 通关\t苏州海关",
}


def test_a_paper_is_cut_where_its_citations_point() -> None:
    found = dict(split(PAPER.splitlines(), "某市计划"))
    assert list(found) == list(SECTIONS)
    assert {name: plain(text).strip("|") for name, text in found.items()} == {name: plain(text) for name, text in SECTIONS.items()}


def test_a_paper_that_is_one_table_has_rows() -> None:
    table = "附件\n重点清单\n\t序号\n\t工作\n\n\t1\n\t攻关\n\t科技局\n\n\t2\n\t研发\n\t科技局、工信局\n"
    found = dict(split(table.splitlines(), "重点清单"))
    assert list(found) == ["印发通知", "标题", "表头", "第1项", "第2项"]
    assert plain(found["第2项"]) == "|2|研发|科技局、工信局"


def test_numbers_of_a_table_without_numbered_rows_open_no_rows() -> None:
    table = "一、目标\n附件1\n指标\n\t企业（家）\n\t260\n\t500\n\n\t院所（家）\n\t1\n\t5\n"
    found = dict(split(table.splitlines()))
    assert list(found) == ["一", "附件1"]
    assert "260" in found["附件1"]


def test_without_a_title_nothing_is_taken_for_a_notice() -> None:
    assert [s for s, _ in split(["随便一句", "一、目标", "内容"])] == ["标题", "一"]


@pytest.mark.parametrize(
    ("section", "outer", "inside"),
    [
        ("三(二)5第一", "三(二)5第一", True),
        ("三(二)5第一", "三(二)5", True),
        ("三(二)5第一", "三(二)", True),
        ("三(二)5第一", "三", True),
        ("三(二)12", "三(二)1", False),
        ("十一", "十", False),
        ("十(一)", "十", True),
        ("附件十1", "附件十", True),
        ("附件第10项", "附件第1项", False),
        ("附件第1项", "附件", True),
        ("专栏10第1条", "专栏1", False),
        ("专栏1第10条", "专栏1第1条", False),
        ("四“一核”", "四", True),
        ("二", "三", False),
    ],
)
def test_what_lies_in_what(section: str, outer: str, inside: bool) -> None:
    assert lies_in(section, outer) is inside


@given(st.lists(st.text(alphabet="一二三四十、（）()1. 是专栏附件项第—“”：:\t甲乙。\n", max_size=30), max_size=30), st.text(max_size=8))
def test_any_lines_are_cut_and_nothing_is_lost(lines: list[str], title: str) -> None:
    lines = [line for text in lines for line in text.split("\n")]
    found = split(lines, title)
    assert len({s for s, _ in found}) == len(found)
    kept = "".join(sorted(plain("".join(t for _, t in found)).replace("|", "")))
    whole = "".join(sorted(plain("".join(line for line in lines if plain(line).strip("|-*"))).replace("|", "")))
    assert kept.replace("-", "") == whole.replace("-", "")
