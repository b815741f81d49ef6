"""The admins' commands: what they print and the exit codes that scripts go by."""

from __future__ import annotations

import json
import shutil
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from handlers import admin
from knowledge import loader
from knowledge.snapshot import Knowledge
from storage.contract import Address, Commit
from storage.memory import MemoryStore
from tests.dialogs.talking import NOW, Talking
from tests.knowledge import papers


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A copy of the shipped base that tests may edit."""
    shutil.copytree(loader.SHIPPED, tmp_path / "base")
    return tmp_path / "base"


def edited(base: Path, file: str, before: str, after: str) -> Path:
    """A second copy with one replacement."""
    folder = base.with_name("new")
    shutil.copytree(base, folder, dirs_exist_ok=True)
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")
    return folder


def test_check_says_what_is_there(base: Path, capsys: pytest.CaptureFixture[str], knowledge: Knowledge) -> None:
    assert admin.check(base, "text") == 0
    said = capsys.readouterr().out
    assert f"版本 {knowledge.version}" in said
    assert "服务 192" in said
    assert "没有导入原文" in said


def test_check_as_data(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert admin.check(base, "json") == 0
    good = json.loads(capsys.readouterr().out)
    assert (good["ok"], good["problems"], good["counts"]["services"]) == (True, [], 192)
    broken = edited(base, "snd/supports.yaml", "recipient: enterprise", "recipiant: enterprise")
    assert admin.check(broken, "json") == 1
    bad = json.loads(capsys.readouterr().out)
    assert bad["ok"] is False
    assert {"file", "line", "column", "what", "fix"} == set(bad["problems"][0])
    assert bad["problems"][0]["file"] == "snd/supports.yaml"


def test_check_of_a_broken_base_exits_non_zero_and_says_that_nothing_stops(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = edited(base, "snd/supports.yaml", "kind: fund", "kind: fond")
    assert admin.check(broken, "text") == 1
    said = capsys.readouterr().err
    assert "snd/supports.yaml:" in said
    assert "您是不是想写“fund”" in said
    assert "正在运行的园企通继续用原来的知识库" in said


def bring(base: Path, file: Path, **more: Any) -> int:
    return admin.bring(Namespace(**{"file": file, "document": None, "show": False, "force": False, **more}), base)


@pytest.mark.usefixtures("policies")
def test_import_writes_the_passages_and_checks_the_figures(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bring(base, papers.FOLDER / "snd-2020.txt") == 0
    said = capsys.readouterr().out
    assert "《苏州高新区医疗器械及生物医药产业发展三年行动计划（2020-2022年）》认出 111 节" in said
    assert "记录里的数字都核对过了" in said
    knowledge = loader.load(base)
    talk = Talking(knowledge).send("!show:snd-device-iii").tap("展开").tap("看原文")
    assert "三(二)5第一原文：" in talk.text
    assert "给予最高不超过300万元资助" in talk.text
    assert next((s.document, s.section) for s in talk.replies[-1].citations) == ("snd-2020", "三(二)5第一")


def test_without_an_imported_paper_no_original_is_offered(knowledge: Knowledge) -> None:
    talk = Talking(knowledge).send("!show:snd-device-iii")
    assert "看原文" not in [o.label for o in talk.options]
    assert "不能用了" in talk.send("!text:snd-device-iii").text


@pytest.mark.usefixtures("policies")
def test_an_import_whose_figures_differ_says_which(base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (papers.FOLDER / "snd-2020.txt").read_text(encoding="utf-8").replace("300万元", "280万元")
    (tmp_path / "改过.txt").write_text(text, encoding="utf-8")
    assert bring(base, tmp_path / "改过.txt") == 1
    said = capsys.readouterr().err
    assert "里的“300万元”在所引的章节里没有出现" in said
    assert "没有写入，原来的不变" in said
    assert not list(base.rglob("passages-*"))
    assert bring(base, tmp_path / "改过.txt", force=True) == 0
    assert loader.load(base).passages, "a figure that differs stops no running bot"
    assert admin.check(base, "text") == 1


@pytest.mark.usefixtures("policies")
def test_what_would_keep_a_bot_from_starting_is_not_written_by_force(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bring(base, papers.FOLDER / "snd-2020.txt") == 0
    (base / "snd" / "passages-snd-2020.yaml").rename(base / "another-name.yaml")
    assert bring(base, papers.FOLDER / "snd-2020.txt", force=True) == 1
    assert "重复" in capsys.readouterr().err
    assert loader.load(base).passages


def test_a_paper_that_only_mentions_another_is_not_taken_for_it(base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    title = loader.load(base).documents["snd-2020"].title
    (tmp_path / "别的.txt").write_text(f"某市计划\n为落实《{title}》，制定本计划。\n一、甲\n二、乙\n三、丙\n", encoding="utf-8")
    assert bring(base, tmp_path / "别的.txt") == 1
    assert "认不出这是哪份文件" in capsys.readouterr().err


def test_what_cannot_be_imported_is_said_and_nothing_is_written(base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.txt").write_text("一、甲\n二、乙\n三、丙\n", encoding="utf-8")
    assert bring(base, tmp_path / "a.txt") == 1
    said = capsys.readouterr().err
    assert "认不出这是哪份文件" in said
    assert "snd-2020" in said
    assert admin.bring(Namespace(file=tmp_path / "a.txt", document="nothing", show=False, force=False), base) == 1
    assert admin.bring(Namespace(file=tmp_path / "a.txt", document="snd-2020", show=True, force=False), base) == 0
    assert "认出 3 节：一、二、三" in capsys.readouterr().out
    assert not list(base.rglob("passages-*"))


async def test_diff_says_in_words_what_changed_and_which_results_flip(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = MemoryStore()
    facts = {"events": "new_device_certificate", "product.class": "III"}
    kept = {"region": "snd", "facts": facts, "day": "2022-06-01"}
    await store.commit(Commit(Address("web", "1", "1"), NOW, prechecks=(kept, kept)))
    new = edited(base, "snd/supports.yaml", "max: 300万元", "max: 350万元")
    assert await admin.compare(base, new, store) == 0
    said = capsys.readouterr().out
    assert "支持 snd-device-iii（第三类医疗器械注册证书资助）：金额 / 上限 300万元 → 350万元" in said
    assert "2 次做过的预审" in said
    assert "第三类医疗器械注册证书资助 可能符合 最高300万元 → 可能符合 最高350万元" in said
    assert "合计 最高300万元 → 最高350万元" in said


async def test_diff_of_the_same_base_says_that_nothing_differs(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await admin.compare(base, base, None) == 0
    said = capsys.readouterr().out
    assert "内容没有不同。" in said
    assert "结果变了 0 处。" in said


async def test_diff_of_a_broken_base_says_what_is_wrong(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = edited(base, "snd/supports.yaml", "kind: fund", "kind: fond")
    assert await admin.compare(base, broken, None) == 1
    assert "没法比较" in capsys.readouterr().err


def age(base: Path, **more: Any) -> int:
    return admin.age(Namespace(**{"today": NOW.date(), "soon": 60, "old": 180, "region": None, "all": False, **more}), base)


def test_stale_lists_by_reason_and_cuts_long_lists(base: Path, capsys: pytest.CaptureFixture[str], knowledge: Knowledge) -> None:
    assert age(base, region="snd") == 0
    short = capsys.readouterr().out
    assert "已经过期：" in short
    assert "没有填联系方式：" in short
    assert "……还有" in short
    assert age(base, region="snd", all=True) == 0
    whole = capsys.readouterr().out
    assert "……还有" not in whole
    assert all(s.id in whole for s in knowledge.supports.values() if s.region == "snd")
    assert not any(s.id in whole for s in knowledge.supports.values() if s.region == "taicang")
    assert "2023-01-01" in whole, "the day from which on it is over"


def test_stale_finds_nothing_where_nobody_is_needed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("regions", "segments", "facts"):
        shutil.copy(loader.SHIPPED / f"{name}.yaml", tmp_path)
    assert age(tmp_path) == 0
    assert capsys.readouterr().out == "没有要看的。\n"


def test_schema_is_written_beside_the_files(base: Path) -> None:
    (base / "schema.json").unlink()
    assert admin.describe(base) == 0
    assert (base / "schema.json").read_text(encoding="utf-8") == (loader.SHIPPED / "schema.json").read_text(encoding="utf-8")


def test_reload_without_a_running_bot_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert admin.ask_for_reload(tmp_path / "store.db") == 2
    assert "没有找到正在运行的园企通" in capsys.readouterr().err
