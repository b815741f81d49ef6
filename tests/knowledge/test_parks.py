"""Ranking parks: what a paper names beats what it implies, what it does not say is said, and nothing is invented."""

from __future__ import annotations

import dataclasses
from types import MappingProxyType
from typing import Any

import pytest

from knowledge import comparing
from knowledge.parks import ParkMatch, Ranking, Wishes, rank
from knowledge.records import Bar, Offer, Park, StageFit
from knowledge.shapes import Citation
from knowledge.snapshot import Knowledge

SOURCE = Citation(document="suzhou-2021", section="三(六)第二")
STAGES = ("incubation", "pilot", "production")
FIT = ("focus", "narrower", "broader")


def park(key: str, *segments: str, stages: tuple[str, ...] = (), needs: tuple[str, ...] = (), **more: Any) -> Park:
    row = {
        "id": key, "name": key, "region": "suzhou", "source": SOURCE, "kind": "park", "summary": "一个园区",
        "focus": [{"name": s, "segment": s} for s in segments],
        "stages": [{"stage": s, "text": f"做{s}", "source": SOURCE} for s in stages],
        "offers": [{"need": n, "text": f"有{n}", "source": SOURCE} for n in needs],
    }  # fmt: skip
    return Park.model_validate(row | more)


def offer(need: str) -> Offer:
    return Offer(need=need, text=f"有{need}", source=SOURCE)


def among(knowledge: Knowledge, *those: Park) -> Knowledge:
    """The knowledge with these parks and no others."""
    return dataclasses.replace(knowledge, parks=MappingProxyType({p.id: p for p in those}))


def ranked(knowledge: Knowledge, *those: Park, segment: str | None = "ivd", stage: str | None = None, needs: tuple[str, ...] = ()) -> list[str]:
    return [m.park.id for m in weighed(knowledge, *those, segment=segment, stage=stage, needs=needs).matches]


def weighed(knowledge: Knowledge, *those: Park, segment: str | None = "ivd", stage: str | None = None, needs: tuple[str, ...] = ()) -> Ranking:
    return rank(among(knowledge, *those), Wishes(segment, (), stage, needs))


def test_a_named_focus_beats_a_narrower_word_and_that_a_broader_one(knowledge: Knowledge) -> None:
    found = ranked(knowledge, park("c-broader", "device"), park("b-narrower", "gene_testing"), park("a-other", "drug"), park("d-named", "ivd"))
    assert found == ["d-named", "b-narrower", "c-broader"]


def test_a_focus_printed_under_the_very_name_beats_one_meant_by_other_words(knowledge: Knowledge) -> None:
    meant, printed = (park(i, focus=[{"name": n, "segment": "api"}]) for i, n in (("a-meant", "医药中间体"), ("b-printed", "原料药")))
    assert ranked(knowledge, meant, printed, segment="api") == ["b-printed", "a-meant"]


def test_the_best_fit_of_a_park_counts_and_is_told(knowledge: Knowledge) -> None:
    [match] = weighed(knowledge, park("both", "device", "gene_testing", "ivd")).matches
    assert [(r.kind, r.text) for r in match.reasons] == [("focus", "ivd")]


def test_must_haves_come_before_fit_that_before_stage_and_stage_before_other_needs(knowledge: Knowledge) -> None:
    found = ranked(
        knowledge,
        park("e", "device", stages=("pilot",), needs=("testing", "clinical"), role="core"),
        park("d", "device", stages=("pilot",), needs=("testing",), role="core"),
        park("c", "ivd", role="core"),
        park("b", "ivd", needs=("testing",)),
        park("a", "ivd", stages=("pilot",)),
        stage="pilot",
        needs=("testing", "clinical"),
    )
    assert found == ["e", "a", "b", "c", "d"]


def test_a_must_have_at_the_park_beats_one_said_of_the_region_and_that_beats_silence(knowledge: Knowledge) -> None:
    wide = knowledge.layouts["tc-layout"].model_copy(update={"region": "taicang", "offers": (offer("clinical"),)})
    bare = knowledge.layouts["tc-layout"].model_copy(update={"id": "bare", "region": "suzhou", "offers": ()})
    there = dataclasses.replace(knowledge, layouts=MappingProxyType({"wide": wide, "bare": bare}))
    those = (park("a-silent", "ivd"), park("b-wide", "ivd", region="taicang"), park("c-own", "ivd", needs=("clinical",)))
    found = rank(among(there, *those), Wishes("ivd", (), None, ("clinical",))).matches
    assert [m.park.id for m in found] == ["c-own", "b-wide", "a-silent"]
    assert [m.silent for m in found] == [(), (), ("clinical",)]
    assert [m.open for m in found] == [(), ("clinical",), ("clinical",)], "what is said of the region only is asked of the park all the same"
    assert [r.region for r in found[1].reasons if r.kind == "need"] == ["taicang"]


def test_a_must_have_of_which_only_a_part_is_named_counts_below_field_and_stage_and_is_asked(knowledge: Knowledge) -> None:
    here = dataclasses.replace(knowledge, layouts=MappingProxyType({}))
    partly = Offer(need="animal_facility", text="计划建评价平台；有没有动物房没有写", source=SOURCE, partly=True)
    those = (
        park("a-partly", "device").model_copy(update={"offers": (partly,)}),
        park("b-silent", "device"),
        park("c-named", "ivd"),
        park("d-whole", "device", needs=("animal_facility",)),
        park("e-staged", "device", stages=("production",)),
    )
    found = weighed(here, *those, stage="production", needs=("animal_facility",)).matches
    assert [m.park.id for m in found] == ["d-whole", "c-named", "e-staged", "a-partly", "b-silent"]
    assert "animal_facility" in found[3].open and "animal_facility" not in found[0].open
    assert comparing.behind(found[3], found[4]) == "partly"


def test_a_part_that_is_named_at_a_park_does_not_hide_the_whole_that_is_named_for_its_region(knowledge: Knowledge) -> None:
    layout = knowledge.layouts["sz-layout-1n"].model_copy(update={"offers": (offer("api"),), "bars": ()})
    partly = Offer(need="api", text="做药物原料；能否做化学合成没有写", source=SOURCE, partly=True)
    here = dataclasses.replace(among(knowledge, park("a", "ivd").model_copy(update={"offers": (partly,)})), layouts=MappingProxyType({"l": layout}))
    [match] = rank(here, Wishes("ivd", (), None, ("api",))).matches
    assert [(r.region, r.partly) for r in match.reasons if r.kind == "need"] == [("suzhou", False), (None, True)]
    assert match.open == ("api",)


def test_a_place_that_the_paper_does_not_name_comes_behind_the_named_unless_only_it_has_the_must_have(knowledge: Knowledge) -> None:
    here = dataclasses.replace(knowledge, layouts=MappingProxyType({}))
    those = (park("a-unnamed", "ivd", needs=("plant",), named=False), park("b-named", "device"))
    assert ranked(here, *those) == ["b-named", "a-unnamed"]
    assert ranked(here, *those, needs=("plant",)) == ["a-unnamed", "b-named"]


def test_sums_that_a_plan_prints_put_no_park_ahead(knowledge: Knowledge) -> None:
    there = [len(knowledge.printed_supports[r]) for r in ("snd", "kunshan")]
    assert there[0] != there[1]
    found = weighed(dataclasses.replace(knowledge, layouts=MappingProxyType({})), park("a", "ivd", region="snd"), park("b", "ivd", region="kunshan"))
    assert found.equals(found.matches[0]) == (found.matches[1],)


def test_among_equals_the_role_counts_then_who_is_there_then_the_kind_of_site(knowledge: Knowledge) -> None:
    those = [park("f", "ivd"), park("e", "ivd", kind="district"), park("d", "ivd", kind="town"), park("c", "ivd", kind="carrier")]
    those += [
        park("g", "ivd", kind="district", institutions=["所一"]),
        park("b", "ivd", role="pole", kind="district"),
        park("a", "ivd", role="core", kind="district"),
    ]
    assert ranked(knowledge, *those) == ["a", "b", "g", "f", "c", "d", "e"]


def test_equals_are_said_to_be_equal(knowledge: Knowledge) -> None:
    found = weighed(knowledge, park("b", "ivd"), park("a", "ivd"), park("c", "device"))
    assert [m.park.id for m in found.matches] == ["a", "b", "c"]
    assert [m.park.id for m in found.equals(found.matches[0])] == ["b"]
    assert [found.place(i) for i in ("a", "b", "c")] == [1, 1, 3]
    assert comparing.behind(found.matches[0], found.matches[1]) is None
    assert comparing.behind(found.matches[0], found.matches[2]) == "fit"


def test_what_the_papers_do_not_say_is_named(knowledge: Knowledge) -> None:
    here = dataclasses.replace(among(knowledge, park("one", "ivd", stages=("pilot",), needs=("testing",))), layouts=MappingProxyType({}))
    [match] = rank(here, Wishes("ivd", (), "production", ("clinical", "testing", "customs"))).matches
    assert match.silent == match.open == ("site_stage", "clinical", "customs")
    assert [(r.kind, r.about) for r in match.reasons] == [("focus", "ivd"), ("need", "testing")]
    [match] = rank(here, Wishes("ivd", (), "pilot")).matches
    assert match.silent == ()
    assert [(r.kind, r.about) for r in match.reasons] == [("focus", "ivd"), ("stage", "pilot")]


def test_another_industry_gives_nothing(knowledge: Knowledge) -> None:
    other = park("one", "drug", stages=("pilot",), needs=("testing",))
    assert ranked(knowledge, other, segment="logistics", stage="pilot", needs=("testing",)) == []


def test_a_sister_segment_is_no_fit(knowledge: Knowledge) -> None:
    assert ranked(knowledge, park("one", "imaging"), segment="ivd") == []


def test_without_a_segment_the_other_wishes_decide(knowledge: Knowledge) -> None:
    those = [park("unsaid"), park("needed", needs=("testing",)), park("staged", stages=("pilot",)), park("placed", positioning="做外包")]
    found = weighed(knowledge, *those, segment=None, stage="pilot", needs=("testing",))
    assert [m.park.id for m in found.matches] == ["staged", "needed", "placed"]
    assert [(o.park.id, o.kind) for o in found.out] == [("unsaid", "unsaid")]


def test_the_port_comes_first_for_who_asks_for_a_port(knowledge: Knowledge) -> None:
    first = rank(knowledge, Wishes(None, ("taicang",), None, ("customs",))).matches[0]
    assert (first.park.id, first.silent) == ("tc-district-port", ())


def test_a_region_includes_what_lies_within_it_and_nothing_else(knowledge: Knowledge) -> None:
    here = among(knowledge, *(park(r, "ivd", region=r) for r in knowledge.regions))

    def found(*regions: str) -> set[str]:
        return {m.park.id for m in rank(here, Wishes("ivd", regions)).matches}

    assert found("suzhou") == {"suzhou", "taicang", "snd", "kunshan"}
    assert found("taicang") == {"taicang"}
    assert found("taicang", "xuzhou") == {"taicang", "xuzhou"}, "of several places each counts"
    assert found() == set(knowledge.regions)
    assert {o.kind for o in rank(here, Wishes("ivd", ("taicang",))).out} == {"region"}


# --- what a document bars


def bar(**what: Any) -> dict[str, Any]:
    return {"text": "不得做", "source": SOURCE} | what


@pytest.mark.parametrize("what", [{"segment": "ivd"}, {"segment": "device"}, {"need": "api"}])
def test_a_barred_park_never_appears_and_the_paper_s_words_say_why(knowledge: Knowledge, what: dict[str, str]) -> None:
    found = weighed(knowledge, park("barred", "ivd", needs=("api",), bars=[bar(**what)]), park("free", "ivd"), needs=("api",))
    assert [m.park.id for m in found.matches] == ["free"]
    [out] = found.out
    assert (out.park.id, out.kind, out.said.text if out.said else "") == ("barred", "barred", "不得做")
    assert comparing.nothing(knowledge, found) is None


def test_a_bar_on_something_else_or_on_others_bars_nobody(knowledge: Knowledge) -> None:
    some = bar(segment="ivd", whom="高污染企业")
    found = weighed(knowledge, park("a", "ivd", bars=[bar(segment="drug"), bar(need="api")]), park("b", "ivd", bars=[some]), needs=("testing",))
    assert [(m.park.id, [b.whom for b in m.limits]) for m in found.matches] == [("a", []), ("b", ["高污染企业"])]


def test_a_need_that_is_no_must_have_is_told_as_barred_and_excludes_nobody(knowledge: Knowledge) -> None:
    [match] = weighed(knowledge, park("a", "ivd", bars=[bar(need="housing")]), needs=("housing",)).matches
    assert [b.need for b in match.limits] == ["housing"]


def test_a_region_s_bar_holds_for_its_parks(knowledge: Knowledge) -> None:
    layout = knowledge.layouts["sz-layout-1n"].model_copy(update={"bars": (Bar.model_validate(bar(segment="ivd")),)})
    here = dataclasses.replace(among(knowledge, park("a", "ivd", region="kunshan")), layouts=MappingProxyType({"l": layout}))
    found = rank(here, Wishes("ivd"))
    nothing = comparing.nothing(here, found)
    assert nothing is not None
    assert (nothing.kind, [o.park.id for o in nothing.out]) == ("barred", ["a"])


def test_a_bar_names_a_need_or_a_field_and_not_both() -> None:
    for wrong in ({}, {"need": "api", "segment": "ivd"}):
        with pytest.raises(ValueError, match="need 和 segment"):
            Bar.model_validate(bar(**wrong))


def test_a_park_for_one_stage_only_is_out_for_another(knowledge: Knowledge) -> None:
    only = park("only", "ivd").model_copy(update={"stages": (StageFit(stage="incubation", text="只做孵化", only=True, source=SOURCE),)})
    assert ranked(knowledge, only, stage="incubation") == ["only"]
    found = weighed(knowledge, only, stage="production")
    assert [(o.kind, o.said.text if o.said else "") for o in found.out] == [("stage", "只做孵化")]
    nothing = comparing.nothing(knowledge, found)
    assert nothing is not None
    assert nothing.kind == "stage"


# --- nothing fits


@pytest.mark.parametrize(
    ("region", "segment", "kind", "elsewhere"),
    [
        ("taicang", "logistics", "region", {"xuzhou"}),  # xuzhou 二(二)5, 二(四)12
        ("kunshan", "tcm", "region", {"suzhou", "snd", "xuzhou"}),  # suzhou 专栏10第1条, snd 四 狮山, xuzhou 二(二)5
        ("snd", "aesthetics", "region", {"kunshan"}),  # kunshan 第6项
        ("kunshan", "cxo", "region", {"taicang"}),  # taicang 二(五)1
        (None, "emergency", "industry", set()),  # snd 二4 names it for the district, no paper for a park
        (None, "supply", "industry", set()),  # suzhou 二(二), kunshan 第17项: for the region only
    ],
)
def test_why_nothing_fits(knowledge: Knowledge, region: str | None, segment: str, kind: str, elsewhere: set[str]) -> None:
    found = comparing.nothing(knowledge, rank(knowledge, Wishes(segment, (region,) if region else ())))
    assert found is not None
    assert (found.kind, {p.region for p in found.elsewhere}) == (kind, elsewhere)


def reasons_hold(knowledge: Knowledge, match: ParkMatch, segment: str, stage: str, needs: tuple[str, ...]) -> None:
    focus = {f.name: f.segment for f in match.park.focus}
    for reason in match.reasons:
        assert reason.source.document in knowledge.documents
        if reason.kind in FIT:
            named = {f.segment for f in match.park.focus if f.name == reason.text}
            fits = {"focus": {segment}, "broader": set(knowledge.broader(segment))}
            assert named & fits[reason.kind] if reason.kind in fits else any(segment in knowledge.broader(s) for s in named), (reason, focus)
        elif reason.kind == "stage":
            assert reason.text in {s.text for s in match.park.stages if s.stage == stage}
        elif reason.kind == "need":
            layouts = [v for v in knowledge.layouts.values() if v.region in knowledge.upward(match.park.region)]
            places = [match.park] if reason.region is None else [v for v in layouts if v.region == reason.region]
            assert reason.text in {o.text for place in places for o in place.offers if o.need == reason.about}
        elif reason.kind == "institutions":
            assert set(reason.text.split("、")) <= set(match.park.there)
        else:
            assert reason.text == match.park.role_text
    said = {o.need for o in match.park.offers}
    said |= {o.need for v in knowledge.layouts.values() if v.region in knowledge.upward(match.park.region) for o in v.offers}
    assert match.silent == (() if stage in {s.stage for s in match.park.stages} else ("site_stage",)) + tuple(n for n in needs if n not in said)


def test_every_reason_is_a_statement_of_the_park(knowledge: Knowledge) -> None:
    needs = tuple(o.token for o in knowledge.facts["needs"].options)
    for region in (None, *knowledge.regions):
        for number, segment in enumerate(knowledge.segments):
            stage = STAGES[number % 3]
            found = rank(knowledge, Wishes(segment, (region,) if region else (), stage, needs)).matches
            for match in found:
                reasons_hold(knowledge, match, segment, stage, needs)
            assert list(found) == sorted(found, key=lambda m: m.merits, reverse=True), (region, segment)
            assert all(any(r.kind in FIT for r in m.reasons) for m in found)
            fitting = {
                p.id
                for p in knowledge.parks_in(region)
                for f in p.focus
                if f.segment == segment or segment in knowledge.broader(f.segment) or f.segment in knowledge.broader(segment)
            }
            assert {m.park.id for m in found} == fitting
