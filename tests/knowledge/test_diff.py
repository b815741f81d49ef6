"""What differs between two knowledge bases, in words, and which results flip."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from knowledge import loader
from knowledge.diff import Change, Profile, changes, examples, flips, kind_name
from knowledge.snapshot import Knowledge

Edit = Callable[[str, str, str], Knowledge]


@pytest.fixture
def edited(tmp_path: Path) -> Edit:
    """The shipped base with one replacement in one file."""

    def edit(file: str, before: str, after: str) -> Knowledge:
        folder = tmp_path / "base"
        shutil.copytree(loader.SHIPPED, folder, dirs_exist_ok=True)
        path = folder / file
        text = path.read_text(encoding="utf-8")
        assert before in text
        path.write_text(text.replace(before, after), encoding="utf-8")
        return loader.load(folder)

    return edit


def between(old: Knowledge, new: Knowledge) -> list[Change]:
    return list(changes(loader.tables(old), loader.tables(new)))


def test_the_same_knowledge_has_no_changes_and_no_flips(knowledge: Knowledge) -> None:
    assert between(knowledge, knowledge) == []
    assert list(flips(knowledge, knowledge, examples(knowledge))) == []


def test_a_changed_sum_is_told_by_its_place_and_flips_what_follows(knowledge: Knowledge, edited: Edit) -> None:
    new = edited("snd/supports.yaml", "max: 300万元", "max: 350万元")
    found = {(c.key, c.field, c.before, c.after) for c in between(knowledge, new)}
    assert ("snd-device-iii", "金额 / 上限", "300万元", "350万元") in found
    assert ("snd-device-iii", "上限 snd-cap-device-iii / 上限", "300万元", "350万元") in found
    profile = Profile("一家企业", "snd", {"events": "new_device_certificate", "product.class": "III"}, date(2021, 6, 1))
    rows = {(f.support, f.subject): (f.before, f.after) for f in flips(knowledge, new, [profile])}
    assert rows["snd-device-iii", "company"] == ("met 0-3000000 CNY", "met 0-3500000 CNY")
    assert rows["", "total"] == ("0-3000000 CNY", "0-3500000 CNY")


def test_a_moved_threshold_flips_the_company_at_the_threshold_and_no_other(knowledge: Knowledge) -> None:
    row = knowledge.supports["snd-foreign-project"]
    moved = tuple(c.model_copy(update={"above": None, "at_least": c.above}) if c.above else c for c in row.criteria)
    new = replace(knowledge, supports={**knowledge.supports, row.id: row.model_copy(update={"criteria": moved})})
    facts = {"events": "foreign_capital_received"}
    profiles = [Profile(f"到账 {n}", "snd", {**facts, "foreign_cash_year": f"{n} USD"}, date(2021, 6, 1)) for n in (29999999, 30000000, 30000001)]
    found = list(flips(knowledge, new, profiles))
    assert [(f.profile.name, f.support, f.before, f.after) for f in found] == [("到账 30000000", "snd-foreign-project", "not_met", "met")]


def test_records_that_come_and_go(knowledge: Knowledge) -> None:
    row = knowledge.indicators["sz-ind-companies"]
    others = {key: r for key, r in knowledge.indicators.items() if key != row.id}
    new = replace(knowledge, indicators={**others, "sz-ind-firms": row.model_copy(update={"id": "sz-ind-firms"})})
    assert {(c.kind, c.key, c.how) for c in between(knowledge, new)} == {
        ("indicators", "sz-ind-companies", "removed"),
        ("indicators", "sz-ind-firms", "added"),
    }
    assert kind_name("indicators") == "指标"


def test_a_window_that_an_admin_fills_in_flips_results_from_its_check_on(knowledge: Knowledge, edited: Edit) -> None:
    notice = "    application: {state: all_year, checked: {on: 2026-11-01, by: 管理员}}\n"
    new = edited("snd/supports.yaml", "  - id: snd-device-iii\n", f"  - id: snd-device-iii\n{notice}")
    facts = {"events": "new_device_certificate", "product.class": "III"}
    days = (date(2026, 10, 31), date(2026, 11, 1))
    found = list(flips(knowledge, new, [Profile(str(d), "snd", facts, d) for d in days]))
    assert {(f.profile.name, f.support, f.before, f.after) for f in found if f.support} == {
        ("2026-11-01", "snd-device-iii", "window_over", "met 0-3000000 CNY")
    }
    assert {c.field for c in between(knowledge, new)} == {"申报情况 / 情况", "申报情况 / 核实 / 日期", "申报情况 / 核实 / 核实人"}


def test_a_region_that_one_side_does_not_know_is_no_error(knowledge: Knowledge) -> None:
    assert list(flips(knowledge, knowledge, [Profile("外地", "nowhere", {}, date(2026, 1, 1))])) == []
