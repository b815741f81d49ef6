"""Figures against papers: found where they stand, missed where they don't, and no exception is kept that isn't needed."""

from __future__ import annotations

from typing import Any

import pytest

from knowledge.figures import Papers, figures, stands, strange, strange_in_document
from knowledge.records import Clause, Document, Passage
from knowledge.supports import Support

TEXTS = {
    "三(一)1": "对总投资1亿元以上的项目，按10—30%比例给予最高2000万元资助，到２０２２年。",
    "三(一)12": "新增500家。",
    "附件1": "企业总数（家）\n\t260\n\t500",
}
PAPERS = Papers({s: Passage(document="paper", section=s, text=t) for s, t in TEXTS.items()})


def clause(text: str, section: str = "三(一)1", **more: Any) -> Clause:
    source = {"document": "paper", "section": section}
    return Clause.model_validate({"id": "x", "name": "条", "region": "snd", "source": source, "text": text, **more})


@pytest.mark.parametrize(
    ("text", "section", "missing"),
    [
        ("最高2000万元，总投资1亿元以上。", "三(一)1", []),
        ("按10%到30%，也就是10—30%。", "三(一)1", []),
        ("到2022年。", "三(一)1", []),
        ("最高200万元。", "三(一)1", ["200万元"]),
        ("最高20000万元。", "三(一)1", ["20000万元"]),
        ("新增500家。", "三(一)1", ["500家"]),
        ("新增500家。", "三(一)", []),
        ("从260家到500家。", "附件1", []),
        ("从260个到500家。", "附件1", ["260个"]),
        ("见附件第10项、专栏3第2条。", "三(一)1", []),
        ("2021年4月17日印发。", "三(一)1", []),
    ],
)
def test_a_figure_stands_in_a_cited_section_or_is_said_to_be_absent(text: str, section: str, missing: list[str]) -> None:
    assert list(strange(clause(text, section), PAPERS)) == [(figure, "absent") for figure in missing]


def test_a_further_citation_counts() -> None:
    also = [{"document": "paper", "section": "三(一)12"}]
    assert not list(strange(clause("新增500家。", also=also), PAPERS))


def test_a_reckoned_figure_needs_a_reason_to_be_there() -> None:
    assert not list(strange(clause("共38项。", reckoned={"38项": "数出来的"}), PAPERS))
    assert list(strange(clause("没有数。", reckoned={"38项": "数出来的"}), PAPERS)) == [("38项", "unused")]
    assert list(strange(clause("最高2000万元。", reckoned={"2000万元": "多余"}), PAPERS)) == [("2000万元", "stands")]


def test_a_paper_that_was_not_imported_is_not_judged() -> None:
    assert not list(strange(clause("最高7元。"), Papers({})))


def test_typed_amounts_and_bounds_are_figures_and_examples_are_not() -> None:
    support = Support.model_validate(
        {
            "id": "s", "name": "资助", "region": "snd", "source": {"document": "paper", "section": "三(一)1"}, "kind": "subsidy",
            "summary": "一句。", "recipient": "enterprise", "amount": {"kind": "rate", "rate_min": "10%", "rate_max": "30%"},
            "caps": [{"id": "c", "scope": "project", "max": "2000万元", "source": {"document": "paper", "section": "三(一)1"}}],
            "criteria": [{"id": "a", "text": "投资", "fact": "project.investment", "at_least": "1亿元"}],
            "examples": [{"today": "2022-06-01", "facts": {"project.investment": "77 CNY"}, "status": "met"}],
            "contact": {"phone": "0512-12345678", "checked": {"on": "2026-01-01", "by": "某"}},
        }
    )  # fmt: skip
    assert set(figures(support)) == {"10%", "30%", "2000万元", "1亿元"}
    assert not list(strange(support, PAPERS))


def test_a_documents_own_particulars_are_searched_in_the_whole_paper() -> None:
    document = Document.model_validate({"id": "paper", "title": "计划", "short": "计划", "region": "snd", "notes": ["新增500家，另有9家。"]})
    assert list(strange_in_document(document, PAPERS)) == ["9家"]


@pytest.mark.parametrize(
    ("figure", "text", "found"), [("300万元", "最高300万元", True), ("300万元", "最高1300万元", False), ("5", "1.5", False), ("5", "5.", True)]
)
def test_a_part_of_a_longer_figure_does_not_count(figure: str, text: str, found: bool) -> None:
    assert stands(figure, text) is found
