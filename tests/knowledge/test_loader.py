"""Loading: every fault of a knowledge base is found at once, each at its line, in an office's words, with a way to mend it."""

from __future__ import annotations

import copy
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knowledge import loader
from knowledge.loader import SHIPPED, KnowledgeError
from knowledge.snapshot import Knowledge
from knowledge.strict_yaml import Problem

BROKEN = sorted((Path(__file__).parent / "broken").glob("*.yaml"))
HAN = re.compile("[\u4e00-\u9fff]")

KNOWN = """\
documents:
  - id: paper
    title: 某市行动计划
    short: 行动计划
    region: suzhou
    plan: {since: 2021-01-01, until: 2023-12-31, printed: 2021—2023}
clauses:
  - id: known-clause
    name: 已有的一条
    region: suzhou
    source: {document: paper, section: 一}
    text: 支持企业。
parks:
  - id: known-park
    name: 已有的园区
    region: suzhou
    source: {document: paper, section: 二}
    kind: park
    summary: 一个园区。
supports:
  - id: known-support
    name: 已有的资助
    region: suzhou
    source: {document: paper, section: 三}
    kind: subsidy
    summary: 拿到注册证的企业每年最高500万元。
    recipient: enterprise
    amount: {kind: up_to, max: 300万元}
    caps:
      - {id: year, scope: company_year, max: 500万元, source: {document: paper, section: 三}}
    criteria:
      - {id: event, text: 拿到注册证, fact: events, any_of: [new_device_certificate]}
    examples:
      - {today: 2023-12-31, facts: {events: new_device_certificate}, status: met}
      - {today: 2024-01-01, facts: {events: new_device_certificate}, status: window_over}
"""


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A small knowledge base without faults: the shipped vocabularies, one document, a record of each of a few kinds."""
    for name in ("regions", "segments", "facts"):
        shutil.copy(SHIPPED / f"{name}.yaml", tmp_path)
    (tmp_path / "_known.yaml").write_text(KNOWN, encoding="utf-8")
    return tmp_path


def faults(folder: Path) -> list[Problem]:
    with pytest.raises(KnowledgeError) as refused:
        loader.load(folder)
    for problem in refused.value.problems:
        assert problem.line >= 1
        assert problem.column >= 1
        assert HAN.search(problem.what), problem
        assert HAN.search(problem.fix), problem
    assert str(refused.value) == "\n".join(map(str, refused.value.problems))
    return refused.value.problems


def faults_of(folder: Path, text: str | bytes, name: str = "broken.yaml") -> list[Problem]:
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return faults(folder)


def clause(key: str, text: str = "支持企业。", more: str = "") -> str:
    return f"  - {{id: {key}, name: 一条, region: suzhou, source: {{document: paper, section: 一}}, text: {text}{more}}}\n"


def test_the_small_base_has_no_fault(base: Path) -> None:
    assert loader.load(base).supports["known-support"].name == "已有的资助"


@pytest.mark.parametrize("path", BROKEN, ids=lambda p: p.stem)
def test_a_broken_file_is_refused_at_its_line_with_a_way_to_mend_it(base: Path, path: Path) -> None:
    data = path.read_bytes()
    text = data.decode("gb18030" if path.stem == "gbk" else "utf-8")
    expected = re.match(r"# 期望: (.+)", text)
    assert expected, f"{path.name} must begin with a line “# 期望: …”"
    found = faults_of(base, data, path.name)
    assert [p.file for p in found] == [path.name], "one fault is one problem, in that file and no other"
    message = f"{found[0].what}\n{found[0].fix}"
    for words in expected[1].split(" + "):
        assert words in message
    marked = [number for number, line in enumerate(text.split("\n"), 1) if line.endswith("# <-")]
    assert [found[0].line] == marked or not marked


def test_many_kinds_of_fault_are_known() -> None:
    assert len(BROKEN) >= 60


def test_all_faults_at_once(base: Path) -> None:
    text = "clauses:\n" + "".join(
        (
            clause("one", more=", region2: x"),
            clause("two").replace("suzhou", "nowhere"),
            clause("three").replace("document: paper", "document: gone"),
            clause("known-clause"),
            clause("Five"),
        )
    )
    found = faults_of(base, text)
    assert [p.line for p in found] == [2, 3, 4, 5, 6]
    (base / "another.yaml").write_text("clause:\n" + clause("six"), encoding="utf-8")
    assert [p.file for p in faults(base)] == ["another.yaml"] + ["broken.yaml"] * 5


def test_several_faults_of_one_record_at_once(base: Path) -> None:
    record = """\
supports:
  - id: broken
    name: ''
    region: suzhou
    source: {document: paper}
    kind: money
    recipient: enterprise
    amount: {kind: up_to, max: 三百万, min: 两百万}
    criteria:
      - {id: a, text: 投资, fact: project.investment, at_least: 一个亿}
    window: {since: 2021-02-30, printed: 2021年}
"""
    found = faults_of(base, record)
    assert [p.line for p in found] == [2, 3, 5, 6, 8, 8, 10, 11]
    assert "summary" in found[0].what


def test_a_record_that_is_refused_is_not_missed_elsewhere(base: Path) -> None:
    ask = "questions:\n  - {id: q, region: suzhou, ask: [甲, 乙, 丙], answer: 有, sources: [{document: paper, section: 一}], about: [one]}\n"
    assert [p.line for p in faults_of(base, "clauses:\n" + clause("one", more=", x: y") + ask)] == [2]


def test_a_file_that_cannot_be_read_is_the_only_thing_said(base: Path) -> None:
    """Otherwise one tab in the regions would bring a thousand unknown regions."""
    found = faults_of(base, "regions:\n\t- {id: suzhou, name: 苏州}\n", "regions.yaml")
    assert [(p.file, p.line) for p in found] == [("regions.yaml", 2)]


def test_circles_of_several(base: Path) -> None:
    text = "segments:\n  - {id: a, name: 甲, en: a, within: b}\n  - {id: b, name: 乙, en: b, within: c}\n  - {id: c, name: 丙, en: c, within: a}\n"
    text += "  - {id: d, name: 丁, en: d, within: a}\n"
    assert [p.line for p in faults_of(base, text)] == [2, 3, 4], "d leads into the circle, it is not in it"


def test_deep_nesting(base: Path) -> None:
    found = faults_of(base, "clauses:\n  - " + "[" * 100_000 + "\n")
    assert ["嵌套超过" in p.what for p in found] == [True]


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\xef\xbb\xbf", "# 只有注释\n".encode()])
def test_empty_files(base: Path, data: bytes) -> None:
    assert ["文件是空的" in p.what for p in faults_of(base, data)] == [True]


@pytest.mark.parametrize("missing", ["nowhere", "."])
def test_no_folder_or_nothing_in_it(tmp_path: Path, missing: str) -> None:
    found = faults(tmp_path / missing)
    assert "文件夹不存在" in found[0].what
    assert "KNOWLEDGE" in found[0].fix


def test_a_file_that_cannot_be_opened(base: Path) -> None:
    (base / "folder.yaml").mkdir()
    (base / "gone.yaml").symlink_to(base / "nowhere")
    assert [(p.file, "文件读不了" in p.what) for p in faults(base)] == [("folder.yaml", True), ("gone.yaml", True)]


@pytest.mark.parametrize("name", ["_known.yaml", "_known.yml", "deeper/and/deeper/_known.yaml"])
def test_files_are_found_wherever_they_lie(base: Path, name: str) -> None:
    (base / name).parent.mkdir(parents=True, exist_ok=True)
    (base / "_known.yaml").rename(base / name)
    assert "known-clause" in loader.load(base).clauses


def test_byte_order_mark_is_accepted(base: Path) -> None:
    (base / "bom.yaml").write_bytes(b"\xef\xbb\xbf" + f"clauses:\n{clause('one')}".encode())
    assert "one" in loader.load(base).clauses


@pytest.mark.parametrize("word", ["no", "12:30", "010", "1e3", "true", "2021-04-17"])
def test_words_stay_as_they_are_written(base: Path, word: str) -> None:
    (base / "more.yaml").write_text("clauses:\n" + clause("one", word, f", aliases: [{word}]"), encoding="utf-8")
    found = loader.load(base).clauses["one"]
    assert (found.text, found.aliases) == (word, (word,))


def test_yes_and_no_of_a_flag_are_yes_and_no(base: Path) -> None:
    units = "responsible: {source: {document: paper, section: 一}, units: [{name: 甲, lead: yes}, {name: 乙, lead: no}, {name: 丙}]}"
    channel = "matter: review, state: running, route: 先申报, " + units
    text = f"channels:\n  - {{id: one, name: 一条, region: suzhou, source: {{document: paper, section: 一}}, {channel}}}\n"
    (base / "more.yaml").write_text(text, encoding="utf-8")
    responsible = loader.load(base).channels["one"].responsible
    assert responsible
    assert [u.lead for u in responsible.units] == [True, False, False]


def test_a_contact_with_its_check_is_accepted(base: Path) -> None:
    text = KNOWN.replace("    kind: park\n", "    kind: park\n    contact: {phone: 0512-00000000, checked: {on: 2026-11-01, by: 测试}}\n")
    (base / "_known.yaml").write_text(text, encoding="utf-8")
    assert loader.load(base).parks["known-park"].contact.phone == "0512-00000000"


def test_an_empty_line_means_not_said(base: Path) -> None:
    (base / "_known.yaml").write_text(KNOWN.replace("    region: suzhou\n    plan:", "    region: suzhou\n    number:\n    plan:"), encoding="utf-8")
    assert loader.load(base).documents["paper"].number is None


def test_the_version_is_a_hash_of_the_content(base: Path, tmp_path: Path) -> None:
    before = loader.load(base).version
    assert loader.load(base).version == before
    (base / "_known.yaml").write_text(KNOWN.replace("支持企业。", "鼓励企业。"), encoding="utf-8")
    assert loader.load(base).version != before
    assert re.fullmatch("[0-9a-f]{12}", before)


def test_the_snapshot_cannot_be_changed(knowledge: Knowledge) -> None:
    with pytest.raises(TypeError):
        knowledge.supports["x"] = next(iter(knowledge.supports.values()))  # type: ignore[index]
    with pytest.raises(AttributeError):
        knowledge.version = "x"  # type: ignore[misc]
    with pytest.raises(ValueError, match="frozen"):
        next(iter(knowledge.supports.values())).name = "x"  # type: ignore[misc]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, part in inside:
        yield from places(part, (*path, step))


TREE = yaml.load(KNOWN, Loader=yaml.BaseLoader)
ODD: list[Any] = [
    None,
    "",
    "x",
    "三",
    "1",
    "-1",
    "200万元",
    "30%",
    "NaN%",
    "1e99元",
    "2021-02-30",
    "company",
    [],
    {},
    ["x"],
    {"a": "b"},
    [[]],
    [None],
    {"a": {}},
]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(list(places(TREE))), st.sampled_from(ODD)), min_size=1, max_size=3))
def test_whatever_is_written_loads_or_is_refused(base: Path, changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    tree = copy.deepcopy(TREE)
    for path, value in changes:
        inner = tree
        with suppress(KeyError, IndexError, TypeError):  # an earlier change may have taken the place away
            for step in path[:-1]:
                inner = inner[step]
            inner[path[-1]] = copy.deepcopy(value)
    (base / "_known.yaml").write_text(yaml.safe_dump(tree, allow_unicode=True), encoding="utf-8")
    try:
        assert loader.load(base).version
    except KnowledgeError:
        assert faults(base)


def test_the_shipped_base_stands_where_the_loader_looks() -> None:
    assert (SHIPPED / "regions.yaml").is_file()


def test_one_missing_document_is_one_problem_a_file(base: Path) -> None:
    text = "clauses:\n" + "".join(clause(f"c-{n}").replace("document: paper", "document: gone") for n in range(5))
    found = faults_of(base, text)
    assert [p.line for p in found] == [2]
    assert "“gone”不存在（这个文件里共 5 处）" in found[0].what


def test_an_unreadable_file_hides_no_other_fault(base: Path) -> None:
    (base / "unreadable.yaml").write_text("supports: [", encoding="utf-8")
    text = "clauses:\n" + clause("one", more=", region2: x") + clause("two").replace("suzhou", "nowhere")
    found = faults_of(base, text)
    assert [(p.file, p.line) for p in found] == [("broken.yaml", 2), ("unreadable.yaml", 1)], "who refers to what could not be read is not to blame"


def test_a_file_with_too_many_values_is_refused(base: Path) -> None:
    found = faults_of(base, "aliases: [" + "1, " * 400_001 + "]")
    assert [p.file for p in found] == ["broken.yaml"]
    assert "项" in found[0].what
    assert "分到几个文件" in found[0].fix
