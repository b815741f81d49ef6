"""The shipped base against the papers it was taken from: every citation, every figure, every unit.

What can be checked mechanically is checked against the papers' own text, section by section; what cannot is checked against rows
written down by hand from the papers.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import BaseModel

from knowledge import importing, loader
from knowledge.figures import citations, said, stands
from knowledge.money import Money
from knowledge.papers import lies_in, plain
from knowledge.records import Channel, Difference, Indicator, Layout, Park, QuestionAnswer, Service, Task
from knowledge.shapes import Citation
from knowledge.snapshot import Knowledge
from knowledge.supports import Support
from tests.knowledge import papers

pytestmark = pytest.mark.usefixtures("policies")

ROW = re.compile(r"\|([^|]+)\(([^()|]+)\)\|(\d+)\|(\d+)")
"""A row of the annex of 太仓: what, its unit, its figure then and its target."""
DAY = re.compile(r"(\d{4})年(\d{1,2})月(\d{1,2})日")
REGIONS = ("suzhou", "taicang", "snd", "kunshan", "xuzhou")


def cited(record: BaseModel) -> str:
    """The text of every section that a record cites."""
    return "|".join(section(c) for c in citations(record))


def section(citation: Citation) -> str:
    """The text of a section, ready to be searched for figures."""
    return papers.imported().text(citation.document, citation.section)


# --- citations


def test_check_finds_every_figure_in_its_cited_section(tmp_path: Path) -> None:
    """As an admin does it: the five papers imported, then `check`."""
    folder = tmp_path / "base"
    shutil.copytree(loader.SHIPPED, folder)
    for document in papers.FILES:
        text = importing.to_yaml(papers.passages(document), papers.FILES[document])
        (folder / f"passages-{document}.yaml").write_text(text, encoding="utf-8")
    assert len(loader.load(folder, figures=True).passages) == sum(len(papers.passages(d)) for d in papers.FILES)
    supports = folder / "snd" / "supports.yaml"
    supports.write_text(supports.read_text(encoding="utf-8").replace("300万元", "310万元"), encoding="utf-8")
    with pytest.raises(loader.KnowledgeError) as refused:
        loader.load(folder, figures=True)
    assert {"“snd-device-iii”里的“310万元”在所引的章节里没有出现"} <= {p.what for p in refused.value.problems}


LEFT_OUT = {"标题": "the title stands in the record of the document itself"}
"""Sections that no record cites, and why."""


def is_heading(document: str, name: str, own: str) -> bool:
    """A line that only names the sections below it."""
    inner = [s for s in papers.sections(document) if s != name and lies_in(s, name)]
    return bool(inner) and "\n" not in own.strip() and len(own) <= 40


@pytest.mark.parametrize("document", papers.FILES)
def test_every_section_box_item_and_table_row_is_cited(knowledge: Knowledge, document: str) -> None:
    found = {c.section for r in knowledge.answerable() for c in citations(r) if c.document == document}
    missing = {
        p.section: p.text[:40]
        for p in papers.passages(document)
        if p.section not in found and p.section not in LEFT_OUT and not is_heading(document, p.section, p.text)
    }
    assert missing == {}


def test_the_papers_have_the_sections_that_are_known() -> None:
    """So that the test above can't pass by finding nothing to cite."""
    boxes = [s for s in papers.sections("suzhou-2021") if re.fullmatch(r"专栏\d+第\d+条", s)]
    assert (len(boxes), len({b.split("第")[0] for b in boxes})) == (38, 10)
    assert len([s for s in papers.sections("suzhou-2021") if re.fullmatch(r"附件[一二三四五六七八九十]+\d+", s)]) == 38
    assert len([s for s in papers.sections("snd-2020") if re.fullmatch(r"附件第\d+项", s)]) == 38
    assert len([s for s in papers.sections("kunshan-list") if re.fullmatch(r"第\d+项", s)]) == 22
    assert [s for s in papers.sections("xuzhou-2021") if re.fullmatch(r"[二三](?:\([一二三四五六]\))?\d+", s)][-1] == "三20"
    assert {"二(一)1", "二(五)5", "三(五)", "附件1"} <= set(papers.sections("taicang-2025"))


def test_every_record_cites_a_paper_of_its_region_or_above(knowledge: Knowledge) -> None:
    for record in knowledge.answerable():
        found = list(citations(record))
        assert found
        above = knowledge.upward(record.region)
        if not isinstance(record, Difference):  # two papers may be at odds
            assert {knowledge.documents[c.document].region for c in found} <= set(above), record.id
        assert isinstance(record, QuestionAnswer) or knowledge.document_of(record).region == record.region, record.id


def test_a_question_is_about_records_of_its_region_or_above(knowledge: Knowledge) -> None:
    for question in knowledge.questions.values():
        for key in question.about:
            record = knowledge.record(key)
            assert record
            assert record.region in knowledge.upward(question.region), (question.id, key)


# --- figures


def test_counts_of_our_own_are_right(knowledge: Knowledge) -> None:
    assert len([s for s in papers.sections("snd-2020") if re.fullmatch(r"附件第\d+项", s)]) == 38
    assert len([s for s in papers.sections("suzhou-2021") if re.fullmatch(r"附件[一二三四五六七八九十]+\d+", s)]) == 38
    assert len(ROW.findall(papers.sections("taicang-2025")["附件1"])) == 13
    items = {s: t for s, t in papers.sections("kunshan-list").items() if re.fullmatch(r"第\d+项", s)}
    assert len(items) == 22
    for question, office, count in (("science", "科技局", 19), ("industry", "工信局", 11), ("market", "市场监管局", 6)):
        listed = {s for s, t in items.items() if office in re.split("[、,]", t.split("|")[-1])}
        assert len(listed) == count
        assert {c.section for c in knowledge.questions[f"ks-q-office-{question}"].sources} == listed


def test_what_is_worked_out_is_worked_out_right(knowledge: Knowledge) -> None:
    answer = plain(knowledge.questions["sz-q-joint-rd-calc"].answer)
    for words in ("投5000万元是500万元到1500万元", "投1亿元是1000万元到2000万元"):
        assert words in answer
    assert "150万元" in plain(knowledge.questions["sz-q-hospital-50"].answer)


def test_every_day_is_the_day_the_paper_was_issued(knowledge: Knowledge) -> None:
    for record in knowledge.answerable():
        for text in said(record):
            for day in DAY.finditer(text):
                assert date(*map(int, day.groups())) == knowledge.document_of(record).issued, (record.id, day[0])
    for document in knowledge.documents.values():
        printed = {date(*map(int, d.groups())) for d in DAY.finditer(papers.paper(document.id))}
        assert printed == ({document.issued} if document.issued else set())


def test_every_sum_share_and_count_of_the_papers_stands_in_the_base(knowledge: Knowledge) -> None:
    """The other way round: what a paper prints with a unit is not left out."""
    known: dict[str, list[str]] = {document: [] for document in papers.FILES}
    for record in knowledge.answerable():
        for citation in citations(record):
            known[citation.document] += said(record)
        if isinstance(record, Indicator):
            known[record.source.document] += [plain(f"{value}{record.unit}") for value in (record.value, record.baseline) if value]
    for document, texts in known.items():
        base = "|".join(texts)
        for found in re.finditer(r"\d+(?:\.\d+)?(?:-\d+)?(?:[%万亿]+(?:平方米|美元|元)?|[元家个人名亩件强批])", papers.paper(document)):
            assert stands(found[0], base), (document, found[0])


def test_the_papers_without_sums_get_none(knowledge: Knowledge) -> None:
    for row in knowledge.supports.values():
        if row.region in ("kunshan", "xuzhou"):
            assert row.amount.kind in ("unstated", "case_by_case"), row.id
            assert not row.caps
            assert not any("元" in text and re.search(r"\d", text) for text in said(row)), row.id
    assert not re.search(r"\d[万亿]?元", papers.paper("kunshan-list"))
    assert re.findall(r"\d+亿元", papers.paper("xuzhou-2021")) == ["500亿元"]


# --- names


def test_titles_and_words_in_quotation_marks_are_the_papers(knowledge: Knowledge) -> None:
    for record in knowledge.answerable():
        printed = "|".join(papers.paper(d) for d in dict.fromkeys(c.document for c in citations(record))).replace(",", "")
        titles = {plain(t) for d in knowledge.documents.values() for t in (d.title, d.short)}
        for text in said(record):
            for quoted in re.finditer(r"《([^》]+)》|“([^”]+)”", text):
                words = quoted[1] or quoted[2]
                assert words.replace(",", "") in printed or words in titles, (record.id, words)


def test_institutions_at_a_park_are_named_in_the_section_that_is_cited_for_them(knowledge: Knowledge) -> None:
    for park in knowledge.parks.values():
        for institution, source in (*((i, park.source) for i in park.institutions), *((i.name, i.source) for i in park.institutions_elsewhere)):
            name = re.sub(r"\(.*\)$|项目$", "", plain(institution))  # our word on how far it is
            assert name in section(source), (park.id, name)


def test_what_is_at_a_park_or_in_a_region_stands_in_a_section_of_the_paper(knowledge: Knowledge) -> None:
    places: list[Park | Layout] = [*knowledge.parks.values(), *knowledge.layouts.values()]
    for place in places:
        for source in (*(o.source for o in place.offers), *(b.source for b in place.bars)):
            assert source.section in papers.sections(source.document), (place.id, source)
            assert source.document == place.source.document, place.id


def test_parks_and_their_focus_are_named_in_the_section(knowledge: Knowledge) -> None:
    for park in knowledge.parks.values():
        for focus in park.focus:
            text = section(focus.source or park.source) + papers.paper(park.source.document)
            assert all(part in text for part in re.split("[、(（)）]", plain(focus.name)) if part), (park.id, focus.name)


# --- responsible units


def served(knowledge: Knowledge) -> list[Support | Channel | Service | Task]:
    tables = (knowledge.supports, knowledge.channels, knowledge.services, knowledge.tasks)
    return [record for table in tables for record in table.values()]


def units(citation: Citation) -> list[str]:
    """The units that a section lists, each with its full name, as printed and each once."""
    text = papers.sections(citation.document)[citation.section].replace("〈", "(").replace("〉", ")").partition("备注")[0].rstrip("|")
    listed = re.search(r"\(责任单位:(.*)\)$", text) or re.search(r"\*([^|]+)", text)
    line = listed[1] if listed else text.split("|")[-1]
    found: list[str] = []
    for group in line.split(","):
        parts = group.split("、")
        shared = next(
            (s for s in ("管委会", "政府") if citation.document == "xuzhou-2021" and parts[-1].endswith(s)), ""
        )  # 徐州经开区、徐州高新区管委会
        found += [part if part.endswith(shared) else part + shared for part in parts]
    return list(dict.fromkeys(found))


IN_A_SENTENCE = {"sz-customs-convenience", "sz-customs-d", "sz-landmark-help", "sz-67", "snd-31"}
"""Records whose units stand in the running text, not in a list."""


def test_responsible_units_are_the_papers_in_their_order(knowledge: Knowledge) -> None:
    for record in served(knowledge):
        if record.responsible is None:
            continue
        names = [plain(u.name) for u in record.responsible.units]
        if record.id in IN_A_SENTENCE:
            assert all(name in section(record.responsible.source) for name in names), record.id
        else:
            assert names == units(record.responsible.source), record.id


def test_only_what_a_paper_marks_leads(knowledge: Knowledge) -> None:
    for record in served(knowledge):
        if record.responsible is None:
            continue
        leads = [u.lead for u in record.responsible.units]
        where = record.responsible.source
        if where.document == "snd-2020" and where.section.startswith("附件"):  # the first of a row has the star
            assert leads == [True] + [False] * (len(leads) - 1), record.id
        elif where.document == "suzhou-2021":  # the annex names who leads, the chapters name who takes part
            assert set(leads) == {where.section.startswith("附件") or record.id in ("sz-landmark-help", "sz-67")}, record.id
        else:
            assert not any(leads), record.id


def test_taicang_names_no_units(knowledge: Knowledge) -> None:
    assert not [r.id for r in served(knowledge) if r.region == "taicang" and r.responsible]


LEADS = (
    ["招商中心"] * 5 + ["经发委"] * 4 + ["科创局"] * 2 + ["市场监管局"] + ["科创局"] * 3 + ["人才办"] * 3 + ["科技城管委会", "枫桥街道", "资源规划分局"]
    + ["科创局"] * 5 + ["社会事业局", "科创局", "社会事业局", "社会事业局", "科创局", "科技城管委会", "社会事业局", "社会事业局"] + ["经发委"] * 3 + ["税务局"]
)  # fmt: skip
"""The starred unit of each of the 38 rows, by hand from the annex."""
CHAINS = [
    ("产业链", "商务局", 8),
    ("创新链", "科创局", 15),
    ("人才链", "人才办", 18),
    ("要素链", "科创局", 26),
    ("资源链", "社会事业局", 34),
    ("资金链", "经发委", 38),
]


def rows_of(knowledge: Knowledge, pattern: str) -> list[Task]:
    """The tasks with ids of this form, in the order of the paper."""
    return [task for key, task in knowledge.tasks.items() if re.fullmatch(pattern, key)]


def bare(text: str) -> str:
    return plain(text).replace("“", "").replace("”", "")


def test_the_38_rows_of_the_high_tech_zone(knowledge: Knowledge) -> None:
    rows = rows_of(knowledge, r"snd-row-\d+")
    assert [r.source.section for r in rows] == [f"附件第{n}项" for n in range(1, 39)]
    for number, (row, lead) in enumerate(zip(rows, LEADS, strict=True), 1):
        cells = papers.sections("snd-2020")[row.source.section].split("|")
        assert bare(row.text) == bare(cells[cells.index(str(number)) + 1])
        assert row.responsible
        assert next((u.name, u.lead) for u in row.responsible.units) == (lead, True)
        assert (row.group, row.group_lead) == next((c, h) for c, h, last in CHAINS if number <= last)


def test_the_ten_projects_and_the_38_rows_of_the_city(knowledge: Knowledge) -> None:
    projects, rows = rows_of(knowledge, r"sz-units-\d+"), rows_of(knowledge, r"sz-row-\d+-\d+")
    assert [r.source.section for r in projects] == [f"三({n})" for n in "一二三四五六七八九十"]
    assert [r.source.section for r in rows] == [s for s in papers.sections("suzhou-2021") if re.fullmatch(r"附件[一二三四五六七八九十]+\d+", s)]
    for row in rows:
        assert bare(row.text) in bare(papers.sections("suzhou-2021")[row.source.section])
        assert f"{row.group}" in papers.sections("suzhou-2021")["附件"] + papers.paper("suzhou-2021")
    for project in projects:
        assert project.text in papers.sections("suzhou-2021")[project.source.section]


def test_the_20_measures_of_xuzhou_16_with_units(knowledge: Knowledge) -> None:
    rows = rows_of(knowledge, r"xz-resp-\d+")
    assert [r.number for r in rows] == [str(n) for n in range(1, 21)]
    assert [r.source.section for r in rows] == [s for s in papers.sections("xuzhou-2021") if re.search(r"\d+$", s)]
    assert [r.number for r in rows if r.responsible is None] == ["17", "18", "19", "20"]
    assert not any("责任单位" in papers.sections("xuzhou-2021")[r.source.section] for r in rows[16:])


def test_the_22_items_of_kunshan(knowledge: Knowledge) -> None:
    rows = rows_of(knowledge, r"ks-row-\d+")
    assert [r.source.section for r in rows] == [f"第{n}项" for n in range(1, 23)]
    for row in rows:
        cells = [c for c in papers.sections("kunshan-list")[row.source.section].split("|") if c]
        assert bare(row.text) in map(bare, cells)
        assert row.group
        assert row.group in papers.paper("kunshan-list").replace("|", "")
    assert len({r.group for r in rows}) == 6


# --- rows by hand


SUMS = {
    "snd-device-iii": ("up_to", "300万元"),
    "snd-device-ii": ("up_to", "50万元"),
    "snd-device-other": ("up_to", "50万元"),
    "snd-drug-trial": ("up_to", "250万元"),
    "snd-drug-research": ("up_to", "400万元"),
    "snd-major-project": ("up_to", "2000万元"),
    "snd-salary": ("up_to", "20万元"),
    "sz-procurement-win": ("up_to", "200万元"),
    "sz-clinical-specialty": ("fixed", "50万元"),
    "sz-joint-trial": ("fixed", "50万元"),
    "sz-joint-rd": ("rate", None),
    "sz-top-talent": ("uncapped", None),
    "tc-top-team": ("up_to", "1亿元"),
}


def test_these_supports_have_sums_and_no_others(knowledge: Knowledge) -> None:
    found = {
        row.id: (row.amount.kind, row.amount.max.printed if row.amount.max else None)
        for row in knowledge.supports.values()
        if row.amount.kind not in ("unstated", "case_by_case")
    }
    assert found == SUMS
    joint = knowledge.supports["sz-joint-rd"].amount
    assert (joint.rate_min, joint.rate_max, joint.of) == (Decimal("0.1"), Decimal("0.3"), "joint_rd.investment")
    each = knowledge.supports["sz-clinical-specialty"].amount
    assert (each.each, each.of) == (True, "clinical_specialties")


CAPS = {
    "snd-cap-device-iii": ("product", "300万元", False),
    "snd-cap-device-ii": ("product", "50万元", False),
    "snd-cap-device-other": ("product", "50万元", False),
    "snd-cap-device-company-year": ("company_year", "500万元", False),
    "snd-cap-drug-company-year": ("company_year", "3000万元", False),
    "snd-cap-major-project": ("project", "2000万元", False),
    "sz-joint-rd-project": ("project", "2000万元", False),
    "sz-company-year": ("company_year", "2亿元", True),
}


def test_these_are_the_ceilings_and_no_others(knowledge: Knowledge) -> None:
    caps = [(row, cap) for row in knowledge.supports.values() for cap in row.caps]
    assert {cap.id: (cap.scope, cap.max.printed, cap.both_tiers) for _, cap in caps} == CAPS
    under = {key: {row.id for row, cap in caps if cap.id == key} for key in CAPS}
    assert under["snd-cap-device-company-year"] == {"snd-device-iii", "snd-device-ii", "snd-device-other"}
    assert under["snd-cap-drug-company-year"] == {"snd-drug-trial", "snd-drug-research"}
    assert {"sz-procurement-win", "sz-joint-rd"} <= under["sz-company-year"]
    for _, cap in caps:
        assert stands(cap.max.printed, section(cap.source))


BOUNDS = {
    ("snd-foreign-project", "foreign_cash_year", "above", "30000000 USD"),
    ("snd-device-project", "project.investment", "at_least", "100000000 CNY"),
    ("snd-bio-project", "project.investment", "at_least", "500000000 CNY"),
    ("sz-clinical-specialty", "clinical_specialties", "at_least", "1"),
}


def test_these_are_the_thresholds_and_no_others(knowledge: Knowledge) -> None:
    found = {
        (row.id, test.fact, kind, bound.token if isinstance(bound, Money) else str(bound))
        for row in knowledge.supports.values()
        for test in row.criteria
        for kind in ("at_least", "above", "at_most", "below")
        if (bound := getattr(test, kind)) is not None
    }
    assert found == BOUNDS
    assert "超过3000万美元" in papers.sections("snd-2020")["三(一)1第一"]
    assert "总投资1亿元以上" in papers.sections("snd-2020")["三(一)2第一"]
    assert "总投资5亿元以上" in papers.sections("snd-2020")["三(一)2第一"]


@pytest.mark.parametrize(
    ("document", "number", "issued", "since", "until"),
    [
        ("taicang-2025", None, None, None, "2025-12-31"),
        ("kunshan-list", None, None, None, None),
        ("xuzhou-2021", "徐政发〔2021〕24号", "2021-05-28", None, "2025-12-31"),
        ("suzhou-2021", "苏委办发〔2021〕14号", "2021-04-17", "2021-01-01", "2023-12-31"),
        ("snd-2020", None, "2020-05-27", "2020-01-01", "2022-12-31"),
    ],
)
def test_particulars_of_the_papers(
    knowledge: Knowledge, document: str, number: str | None, issued: str | None, since: str | None, until: str | None
) -> None:
    paper = knowledge.documents[document]
    assert paper.number == number
    assert str(paper.issued or "") == (issued or "")
    assert (str(paper.plan.since or "") if paper.plan else "") == (since or "")
    assert (str(paper.plan.until or "") if paper.plan else "") == (until or "")
    assert plain(paper.title) in papers.paper(document)
    assert not number or plain(number) in papers.paper(document)
    assert paper.superseded_by is None


def test_windows_of_their_own(knowledge: Knowledge) -> None:
    windows = {r.id: r.window for r in knowledge.answerable() if not isinstance(r, QuestionAnswer) and r.window}
    assert set(windows) == {"sz-procurement-win", "sz-joint-rd"}
    for window in windows.values():
        assert (window.since, window.until) == (date(2021, 1, 1), date(2023, 12, 31))
    assert "项目认定时限为2021-2023年" in papers.sections("suzhou-2021")["四"]


# --- parks

PATTERNS = {"taicang": "一核两极", "snd": "一核多园", "suzhou": "1+N", "kunshan": "1+N", "xuzhou": "一区两翼多点"}


def test_each_region_has_its_pattern(knowledge: Knowledge) -> None:
    assert {row.region: row.pattern for row in knowledge.layouts.values()} == PATTERNS
    for row in knowledge.layouts.values():
        assert row.pattern in section(row.source).replace(",", "")
        assert row.unstated, "each paper leaves something open"


ROLES = {
    "tc-town-shaxi": "core", "tc-district-hitech": "pole", "tc-district-port": "pole",
    "snd-kejicheng": "core", "snd-fengqiao": "garden", "snd-xushuguan": "garden", "snd-shishan": "garden",
    "ks-life-park": "core",
    "xz-park-etdz": "main", "xz-park-hightech": "main",
    "xz-park-xinyi": "point", "xz-park-pizhou": "point", "xz-park-suining": "point", "xz-park-peixian": "point",
    "xz-park-quanshan": "city", "xz-park-gulou": "city", "xz-park-yunlong": "city", "xz-park-tongshan": "city", "xz-park-jiawang": "city",
}  # fmt: skip


def test_no_role_is_invented(knowledge: Knowledge) -> None:
    assert {p.id: p.role for p in knowledge.parks.values() if p.role != "unstated"} == ROLES
    for key in ("tc-park-bio", "tc-park-bioport", "tc-park-sinogerman"):
        assert knowledge.parks[key].role == "unstated"
        assert knowledge.parks[key].role_text is None
    assert all((p.role_text is not None) == (p.role != "unstated") for p in knowledge.parks.values())


def test_every_focus_is_tied_to_the_segment_it_names(knowledge: Knowledge) -> None:
    """A focus that is the very name or alias of a segment is tied to that segment."""
    called = {plain(name): s.id for s in knowledge.segments.values() for name in (s.name, *s.aliases)}
    for park in knowledge.parks.values():
        for focus in park.focus:
            assert called.get(plain(focus.name), focus.segment) == focus.segment, (park.id, focus.name)


def test_what_a_paper_calls_a_segment_is_read_as_that_segment(knowledge: Knowledge, today: date) -> None:
    tied: dict[str, set[str]] = {}
    for clause in knowledge.clauses.values():
        for focus in clause.focus:
            tied.setdefault(focus.name, set()).add(focus.segment)
            assert plain(focus.name) in section(focus.source or clause.source) + papers.paper(clause.source.document), (clause.id, focus.name)
    assert {name for name, keys in tied.items() if len(keys) > 1} <= {"改良型新药", "生物技术"}
    read = {name: [f.token for f in knowledge.vocabulary.read(name, today) if f.kind == "segment"] for name in tied}
    assert {name for name, keys in tied.items() if len(keys) == 1 and not set(read[name]) & keys} == set()


def test_every_region_names_its_segments(knowledge: Knowledge) -> None:
    named = Counter(c.region for c in knowledge.clauses.values() for _ in c.focus)
    assert all(named[region] >= 30 for region in REGIONS), named


def test_a_park_lies_in_a_park_of_its_region(knowledge: Knowledge) -> None:
    for park in knowledge.parks.values():
        if park.part_of:
            assert knowledge.parks[park.part_of].region == park.region
        if park.layout:
            assert knowledge.layouts[park.layout].region == park.region


# --- targets


def test_targets_are_the_papers_with_their_units(knowledge: Knowledge) -> None:
    for row in knowledge.indicators.values():
        text = section(row.source)
        unit = plain(row.unit).partition("/")[0]
        assert stands(plain(row.value) + unit, text), row.id
        if row.baseline:
            assert stands(re.sub(r"\(.*", "", plain(row.baseline)) + unit, text), row.id


BOUND_WORDS = {"at_least": "以上|不少于|不低于", "above": "超|突破", "about": "左右|约"}
COUNT_WORDS = {"new": "新增|新引进|增设|引进|引入|新申报", "cumulative": "累计", "yearly": "每年|年均|当年度"}


def test_bounds_counts_and_aims_are_those_of_the_printed_words(knowledge: Knowledge) -> None:
    for row in knowledge.indicators.values():
        words = row.wording or ""
        assert row.bound == next((b for b, pattern in BOUND_WORDS.items() if re.search(pattern, words)), "exact"), (row.id, words)
        assert row.counts == "level" or re.search(COUNT_WORDS[row.counts], words + row.name), (row.id, words)
        assert (row.aim == "strived_for") == words.startswith("力争"), (row.id, words)


def test_the_13_rows_of_the_annex_of_taicang(knowledge: Knowledge) -> None:
    table = ROW.findall(papers.sections("taicang-2025")["附件1"])
    rows = [i for i in knowledge.indicators.values() if i.source == Citation(document="taicang-2025", section="附件1")]
    found = Counter((plain(i.unit), i.baseline, i.value, i.baseline_year, i.year) for i in rows)
    assert found == Counter((unit, first, second, 2021, 2025) for _, unit, first, second in table)


# --- what the papers do not say


def test_no_telephone_address_or_email_anywhere(knowledge: Knowledge) -> None:
    for record in knowledge.answerable():
        if isinstance(record, Park | Support | Channel):
            assert (record.contact.phone, record.contact.address, record.contact.email) == (None, None, None), record.id
        for text in said(record):
            assert not re.search(r"\d{7}|\d{3,4}-\d{7,8}|@|https?:|www\.", text), record.id


def test_nothing_is_said_to_be_checked_yet(knowledge: Knowledge) -> None:
    assert not [r.id for r in knowledge.answerable() if not isinstance(r, QuestionAnswer) and r.checked]


# --- enough of everything

AT_LEAST = {"supports": {"suzhou": 42, "taicang": 38, "snd": 35, "kunshan": 23, "xuzhou": 17}, "questions": dict.fromkeys(REGIONS, 20)}
AT_LEAST |= {"parks": {"suzhou": 11, "taicang": 6, "snd": 12, "kunshan": 9, "xuzhou": 22}, "channels": dict.fromkeys(REGIONS, 5)}


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("kind", AT_LEAST)
def test_every_region_has_enough(knowledge: Knowledge, kind: str, region: str) -> None:
    found = Counter(r.region for r in getattr(knowledge, kind).values())
    assert found[region] >= AT_LEAST[kind][region]


def test_every_support_with_a_sum_or_a_threshold_has_worked_examples(knowledge: Knowledge) -> None:
    for row in knowledge.supports.values():
        if row.amount.max or row.amount.rate_max or row.id in {key for key, *_ in BOUNDS}:
            assert row.examples, row.id
            assert len({e.status for e in row.examples}) >= 2, row.id


def test_every_choice_of_a_fact_matters_to_some_support(knowledge: Knowledge) -> None:
    used = {(c.fact, token) for s in knowledge.supports.values() for c in s.criteria for token in c.any_of}
    for key in ("events", "plans", "top_rank", "titles"):
        for option in knowledge.facts[key].options:
            refused = option.token in ("global_100",)  # asked so that nobody takes it for the first 50
            assert (key, option.token) in used or refused, (key, option.token)
