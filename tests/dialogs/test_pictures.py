"""Pictures in words: what a spec may name, and that a picture says no more than the papers."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from typing import get_args

import pytest

from dialogs import pictures
from dialogs.pictures import LONGEST, Box, Diagram, Row, Table, told
from dialogs.texts import LANGUAGES
from knowledge.parks import Wishes, meets, rank
from knowledge.records import Layout
from knowledge.snapshot import Knowledge
from tests.dialogs.talking import Talking

BIO, PORT, SINO = "tc-park-bio", "tc-park-bioport", "tc-park-sinogerman"


def diagram(knowledge: Knowledge, region: str, language: str = "zh", *marked: str) -> Diagram:
    found = told(knowledge, pictures.layout(language, region, marked))
    assert isinstance(found, Diagram)
    return found


def table(knowledge: Knowledge, parks: list[str], asked: tuple[str, ...] = (), language: str = "zh") -> Table:
    found = told(knowledge, pictures.compare(language, parks, asked))
    assert isinstance(found, Table)
    return found


def boxes(found: Diagram) -> list[Box]:
    return [inner for tier in found.tiers for box in tier.boxes for inner in (box, *box.within)]


def tiers(found: Diagram) -> dict[str, list[str]]:
    return {t.title: [b.name for b in t.boxes] for t in found.tiers}


def row(found: Table, label: str) -> Row:
    return next(r for r in found.rows if r.label == label)


# -- specs


def test_a_spec_says_what_is_drawn_and_fits_into_an_address() -> None:
    assert pictures.layout("zh", "taicang") == "layout/zh/taicang"
    assert pictures.layout("zh", "taicang", [PORT, BIO, PORT]) == f"layout/zh/taicang/{PORT},{BIO}"
    assert pictures.compare("en", [BIO, PORT], ["testing"]) == f"compare/en/{BIO},{PORT}/testing"


@pytest.mark.parametrize(
    "spec",
    [
        "",
        "/",
        "layout",
        "layout/zh",
        "layout/zh/",
        "layout/zh/nowhere",
        "layout/fr/taicang",
        "layout/zh/taicang,kunshan",
        "layout/zh/taicang/",
        "layout/zh/taicang/no-park",
        f"layout/zh/taicang/{BIO},{BIO}",
        f"layout/zh/taicang/{BIO}/more",
        "layout/zh/../../etc/passwd",
        "map/zh/taicang",
        f"compare/zh/{BIO}",
        f"compare/zh/{BIO},{BIO}",
        f"compare/zh/{BIO},no-park",
        f"compare/zh/{BIO},{PORT},{SINO},snd-kejicheng",
        f"compare/zh/{BIO},{PORT}/gold",
        f"compare/zh/{BIO},{PORT}/testing,testing",
        "compare/zh/" + ",".join([BIO] * 100),
    ],
)
def test_what_is_no_spec_or_names_what_is_not_known_is_no_picture(knowledge: Knowledge, spec: str) -> None:
    assert told(knowledge, spec) is None


def test_a_spec_that_is_too_long_is_no_picture(knowledge: Knowledge) -> None:
    assert told(knowledge, pictures.layout("zh", "taicang", [p for p in knowledge.parks if p != BIO])) is None
    assert len(pictures.compare("zh", sorted(knowledge.parks, key=len)[-3:], [o.token for o in knowledge.facts["needs"].options])) < LONGEST


# -- layouts


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_region_has_a_layout_with_each_of_its_parks_once_and_its_source(knowledge: Knowledge, language: str) -> None:
    for region in knowledge.regions:
        found = diagram(knowledge, region, language)
        parks = [p.name for p in knowledge.parks.values() if p.region == region]
        assert sorted(b.name.split(" (")[0] for b in boxes(found)) == sorted(parks)
        assert len(found.sources) == 1 and knowledge.layouts[_of(knowledge, region)].source.section in found.sources[0]
        assert all(point in "\n".join(found.notes) for point in knowledge.layouts[_of(knowledge, region)].unstated)


def _of(knowledge: Knowledge, region: str) -> str:
    return next(layout.id for layout in knowledge.layouts.values() if layout.region == region)


def test_a_park_without_a_role_in_its_paper_stands_apart(knowledge: Knowledge) -> None:
    for region in knowledge.regions:
        for tier in diagram(knowledge, region).tiers:
            roles = {p.role for p in knowledge.parks.values() for b in tier.boxes if b.name == p.name and p.region == region}
            assert roles <= {"unstated"} if tier.apart else "unstated" not in roles


def test_taicang_has_a_core_and_poles_and_three_parks_that_no_paper_ties_to_them(knowledge: Knowledge) -> None:
    found = diagram(knowledge, "taicang")
    assert found.title.endswith("一核两极")
    assert tiers(found) == {
        "一核": ["沙溪镇（生物医药产业集群）"],
        "两极": ["高新区（太仓）", "港区（太仓）"],
        "在布局里的位置，文件没有写": [knowledge.parks[p].name for p in (BIO, PORT, SINO)],
    }


@pytest.mark.parametrize(("region", "empty"), [("suzhou", ["1", "N"]), ("kunshan", ["1", "N"]), ("xuzhou", ["一区", "两翼"])])
def test_parts_of_a_pattern_that_no_paper_fills_stay_empty_and_say_so(knowledge: Knowledge, region: str, empty: list[str]) -> None:
    found = [t for t in diagram(knowledge, region).tiers if not t.boxes]
    assert [t.title for t in found] == empty
    assert {t.note for t in found} == {"文件没有点明"}


def test_the_founders_matches_are_marked_and_nothing_else(knowledge: Knowledge) -> None:
    found = diagram(knowledge, "taicang", "zh", PORT, "snd-kejicheng", f"~{BIO}")
    assert {b.name: b.mark for b in boxes(found) if b.mark} == {
        knowledge.parks[PORT].name: "★ 对得上您的条件",
        knowledge.parks[BIO].name: "在名单里，有待核实",
    }
    assert not [b for b in boxes(diagram(knowledge, "taicang")) if b.mark]


def test_a_site_within_a_park_stands_in_its_box_with_what_is_its_own(knowledge: Knowledge) -> None:
    town = next(b for b in boxes(diagram(knowledge, "snd")) if b.name == "枫桥街道")
    assert [(b.name, bool(b.focus), b.status) for b in town.within] == [("苏州生命健康小镇", False, ""), ("苏州生命健康小镇二期", True, "在建")]


def test_every_pattern_that_a_layout_may_have_can_be_drawn(knowledge: Knowledge) -> None:
    layout = knowledge.layouts[_of(knowledge, "taicang")]
    for pattern in get_args(Layout.model_fields["pattern"].annotation):
        other = dataclasses.replace(knowledge, layouts={layout.id: layout.model_copy(update={"pattern": pattern})})
        assert len(boxes(diagram(other, "taicang"))) == 6


# -- comparisons


def test_what_a_paper_does_not_say_is_said_to_be_unknown_and_never_to_be_absent(knowledge: Knowledge) -> None:
    found = table(knowledge, [PORT, "ks-imaging-park"], ("pilot", "testing"))
    assert [c.text for c in row(found, "地区").cells] == ["太仓", "昆山"]
    pilot = row(found, "中试、加速")
    assert pilot.asked and [c.known for c in pilot.cells] == [False, True] and pilot.cells[0].text == "文件没写"
    assert row(found, "检验检测").asked, "asked for, though neither paper says anything"
    assert "没有" not in "".join(c.text for r in found.rows for c in r.cells if not c.known)
    assert "在布局中的角色" not in {r.label for r in found.rows} and "在布局中的角色" in found.notes[0], "silent in both papers"
    assert not row(found, "孵化、研发").asked


def test_only_needs_that_a_park_meets_or_that_were_asked_for_have_a_row(knowledge: Knowledge) -> None:
    labels = {r.label for r in table(knowledge, [PORT, SINO]).rows}
    assert "人才公寓与生活配套" in labels and "检验检测" not in labels


def test_the_first_statement_of_a_cell_is_whole_with_what_limits_it(knowledge: Knowledge) -> None:
    found = table(knowledge, ["xz-park-hightech", "sz-sip"])
    assert row(found, "检验检测").cells[0].text.endswith("没有写建成")
    assert row(found, "知识产权服务").cells[1].text == "加快建设生物医药产业知识产权运营中心；…"


def test_a_comparison_names_every_paper_that_it_draws_on(knowledge: Knowledge) -> None:
    found = table(knowledge, ["snd-kejicheng", "xz-park-hightech", "sz-sip"])
    assert len(found.sources) == 3 and "二(六)15" in found.sources[1]


def test_english_has_glosses_and_quotes_what_stands_in_chinese_only(knowledge: Knowledge) -> None:
    found = table(knowledge, [PORT, "ks-imaging-park"], language="en")
    assert found.heads[0] == "太仓生物港 (Taicang Biotech Harbour)"
    assert row(found, "pilot").cells[1].text == '"围绕医疗器械的加速"'
    assert diagram(knowledge, "taicang", "en").tiers[1].title == "两极 (poles)"


# --- where pictures are shown


def test_a_shortlist_of_one_layout_shows_it_with_the_parks_marked(knowledge: Knowledge) -> None:
    talk = Talking(knowledge).send("!start:park_selection").say("体外诊断").tap("太仓").say("孵化").say("都没有")
    spec = next(r.picture for r in talk.replies if r.picture)
    assert spec.startswith("layout/zh/taicang/tc-park-bioport,tc-park-sinogerman")
    drawn = told(knowledge, spec)
    assert isinstance(drawn, Diagram)
    assert {b.name for t in drawn.tiers for b in t.boxes if b.mark == drawn.meets} == {
        "太仓生物港",
        "中德（太仓）生命健康产业园",
    }


def test_only_a_park_whose_paper_names_every_must_have_is_said_to_match(knowledge: Knowledge) -> None:
    talk = Talking(knowledge).send("!start:park_selection").say("体外诊断").tap("太仓").say("生产").say("GMP 车间")
    spec = next(r.picture for r in talk.replies if r.picture)
    drawn = told(knowledge, spec)
    assert isinstance(drawn, Diagram)
    marks = {b.name: b.mark for b in boxes(drawn) if b.mark}
    assert set(marks.values()) == {"在名单里，有待核实"}, "no paper of Taicang says where there is a GMP plant"
    assert len(marks) == len(talk.outcome["parks"])


def test_a_must_have_that_a_paper_names_for_the_region_only_is_to_be_asked_of_the_park(knowledge: Knowledge) -> None:
    wishes = Wishes("ivd", ("snd",), None, ("hazardous_waste",))
    found = rank(knowledge, wishes).matches
    assert found and not any(meets(knowledge, m) for m in found)
    silent = rank(knowledge, replace(wishes, needs=("testing",))).matches
    assert [m.park.id for m in silent if meets(knowledge, m)] == ["snd-xushuguan"], (
        "what is no must-have may be silent, a broader field is to be checked"
    )
    assert not any(meets(knowledge, m) for m in rank(knowledge, Wishes(None, ("snd",))).matches), "no field was asked for"


def test_a_picture_says_what_holds_in_the_whole_region_as_the_text_does(knowledge: Knowledge) -> None:
    found = table(knowledge, ["snd-kejicheng", "snd-xushuguan", "sz-sip"], ("hazardous_waste", "animal_facility"))
    waste, animals = row(found, "危废与排污"), row(found, "动物设施、临床前安评")
    assert waste.cells[0].text == waste.cells[1].text == "苏州高新区（没写到园）：要加强危废处理等服务机构的引进和设立"
    assert waste.cells[2].text.startswith("苏州（没写到园）：") and "；" in waste.cells[2].text
    assert all(c.known for c in (*waste.cells, *animals.cells))
    assert "没写到园" not in animals.cells[0].text, "what is said of the park itself comes first"
    layout = knowledge.layouts["snd-layout"]
    section = next(o.source.section for o in layout.offers if o.need == "hazardous_waste")
    assert section in found.sources[0], "the place of what was said of the region"


def test_english_says_of_which_region_something_is_told(knowledge: Knowledge) -> None:
    found = table(knowledge, ["snd-kejicheng", "snd-xushuguan"], ("hazardous_waste",), "en")
    cell = next(r for r in found.rows if r.asked).cells[0]
    assert cell.text == '"要加强危废处理等服务机构的引进和设立" (said of Suzhou New District)'


def test_parks_side_by_side_are_drawn_as_a_table(knowledge: Knowledge) -> None:
    talk = Talking(knowledge).say("科技城和浒墅关比一比")
    assert [r.picture for r in talk.replies if r.picture] == ["compare/zh/snd-kejicheng,snd-xushuguan"]
    assert isinstance(told(knowledge, "compare/zh/snd-kejicheng,snd-xushuguan"), Table)


def test_a_layout_that_is_asked_for_is_drawn(knowledge: Knowledge) -> None:
    talk = Talking(knowledge).say("太仓的一核两极布局是什么")
    assert "layout/zh/taicang" in [r.picture for r in talk.replies], talk.text
