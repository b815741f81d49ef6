"""Ranking parks: what a paper names beats what it implies, what it does not say is said, and nothing is invented."""

from __future__ import annotations

import dataclasses
from types import MappingProxyType
from typing import Any

import pytest

from knowledge import parks
from knowledge.parks import ParkMatch
from knowledge.records import Park
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


def among(knowledge: Knowledge, *those: Park) -> Knowledge:
    """The knowledge with these parks and no others."""
    return dataclasses.replace(knowledge, parks=MappingProxyType({p.id: p for p in those}))


def ranked(knowledge: Knowledge, *those: Park, segment: str | None = "ivd", stage: str | None = None, needs: tuple[str, ...] = ()) -> list[str]:
    return [m.park.id for m in parks.rank(among(knowledge, *those), None, segment, stage, needs, limit=9)]


def test_a_named_focus_beats_a_narrower_word_and_that_a_broader_one(knowledge: Knowledge) -> None:
    found = ranked(knowledge, park("c-broader", "device"), park("b-narrower", "gene_testing"), park("a-other", "drug"), park("d-named", "ivd"))
    assert found == ["d-named", "b-narrower", "c-broader"]


def test_the_best_fit_of_a_park_counts_and_is_told(knowledge: Knowledge) -> None:
    [match] = parks.rank(among(knowledge, park("both", "device", "gene_testing", "ivd")), None, "ivd", None, ())
    assert [(r.kind, r.text) for r in match.reasons] == [("focus", "ivd")]


def test_fit_comes_before_stage_and_stage_before_needs(knowledge: Knowledge) -> None:
    everything: dict[str, Any] = {"stages": ("pilot",), "needs": ("testing", "clinical"), "role": "core"}
    found = ranked(
        knowledge,
        park("d", "device", **everything),
        park("c", "ivd", role="core"),
        park("b", "ivd", needs=("testing", "clinical")),
        park("a", "ivd", stages=("pilot",)),
        stage="pilot",
        needs=("testing", "clinical"),
    )
    assert found == ["a", "b", "c", "d"]


def test_among_equals_the_role_counts_then_the_kind_of_site_then_the_id(knowledge: Knowledge) -> None:
    those = [park("g", "ivd"), park("f", "ivd"), park("e", "ivd", kind="district"), park("d", "ivd", kind="town"), park("c", "ivd", kind="carrier")]
    those += [park("b", "ivd", role="pole", kind="district"), park("a", "ivd", role="core", kind="district")]
    assert ranked(knowledge, *those) == ["a", "b", "f", "g", "c", "d", "e"]


def test_what_the_papers_do_not_say_is_named(knowledge: Knowledge) -> None:
    here = among(knowledge, park("one", "ivd", stages=("pilot",), needs=("testing",)))
    [match] = parks.rank(here, None, "ivd", "production", ("clinical", "testing", "customs"))
    assert match.silent == ("site_stage", "clinical", "customs")
    assert [(r.kind, r.about) for r in match.reasons] == [("focus", "ivd"), ("need", "testing")]
    [match] = parks.rank(here, None, "ivd", "pilot", ())
    assert match.silent == ()
    assert [(r.kind, r.about) for r in match.reasons] == [("focus", "ivd"), ("stage", "pilot")]


def test_another_industry_gives_nothing(knowledge: Knowledge) -> None:
    assert ranked(knowledge, park("one", "drug", stages=("pilot",), needs=("testing",)), segment="logistics", stage="pilot", needs=("testing",)) == []


def test_a_sister_segment_is_no_fit(knowledge: Knowledge) -> None:
    assert ranked(knowledge, park("one", "imaging"), segment="ivd") == []


def test_without_a_segment_the_other_wishes_decide(knowledge: Knowledge) -> None:
    those = [park("silent"), park("needed", needs=("testing",)), park("staged", stages=("pilot",)), park("placed", positioning="做外包")]
    assert ranked(knowledge, *those, segment=None, stage="pilot", needs=("testing",)) == ["staged", "needed", "placed"]


def test_the_port_comes_first_for_who_asks_for_a_port(knowledge: Knowledge) -> None:
    [first] = parks.rank(knowledge, "taicang", None, None, ("customs",), limit=1)
    assert (first.park.id, first.silent) == ("tc-district-port", ())


def test_only_so_many_are_told(knowledge: Knowledge) -> None:
    those = [park(f"park-{n}", "ivd") for n in range(7)]
    assert len(parks.rank(among(knowledge, *those), None, "ivd", None, ())) == 3
    assert len(parks.rank(among(knowledge, *those), None, "ivd", None, (), limit=5)) == 5


def test_a_region_includes_what_lies_within_it_and_nothing_else(knowledge: Knowledge) -> None:
    here = among(knowledge, *(park(r, "ivd", region=r) for r in knowledge.regions))
    found = {r: {m.park.id for m in parks.rank(here, r, "ivd", None, (), limit=9)} for r in knowledge.regions}
    assert found["suzhou"] == {"suzhou", "taicang", "snd", "kunshan"}
    assert found["taicang"] == {"taicang"}
    assert found["xuzhou"] == {"xuzhou"}
    assert {m.park.id for m in parks.rank(here, None, "ivd", None, (), limit=9)} == set(knowledge.regions)


@pytest.mark.parametrize(
    ("region", "segment", "first"),
    [
        ("taicang", "cxo", ["tc-park-bio"]),
        ("taicang", "imaging", ["tc-park-bioport"]),
        ("taicang", "precision", ["tc-park-sinogerman"]),
        ("kunshan", "nucleic_acid", ["ks-life-park"]),
        ("kunshan", "proton", ["ks-life-park"]),
        ("kunshan", "imaging", ["ks-imaging-park"]),
        ("kunshan", "aesthetics", ["ks-aesthetics-park"]),
        ("kunshan", "api", ["ks-qiandeng-park"]),
        ("snd", "device", ["snd-kejicheng"]),
        ("snd", "peptide", ["snd-xushuguan"]),
        ("snd", "digital_health", ["snd-shishan"]),
        ("snd", "surgical_robot", ["snd-robot-institute"]),
        ("taicang", "logistics", []),
        ("kunshan", "tcm", []),
        ("snd", "aesthetics", []),
    ],
)
def test_whom_the_papers_name(knowledge: Knowledge, region: str, segment: str, first: list[str]) -> None:
    assert [m.park.id for m in parks.rank(knowledge, region, segment, None, (), limit=1)] == first


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
            assert reason.text in {o.text for o in match.park.offers if o.need == reason.about}
        else:
            assert reason.text == match.park.role_text
    said = {o.need for o in match.park.offers}
    assert match.silent == (() if stage in {s.stage for s in match.park.stages} else ("site_stage",)) + tuple(n for n in needs if n not in said)


def test_every_reason_is_a_statement_of_the_park(knowledge: Knowledge) -> None:
    needs = tuple(o.token for o in knowledge.facts["needs"].options)
    for region in (None, *knowledge.regions):
        for number, segment in enumerate(knowledge.segments):
            stage = STAGES[number % 3]
            found = parks.rank(knowledge, region, segment, stage, needs, limit=100)
            for match in found:
                reasons_hold(knowledge, match, segment, stage, needs)
            kinds = [next(r.kind for r in m.reasons if r.kind in FIT) for m in found]
            assert kinds == sorted(kinds, key=FIT.index), (region, segment)
            fitting = {
                p.id
                for p in knowledge.parks_in(region)
                for f in p.focus
                if f.segment == segment or segment in knowledge.broader(f.segment) or f.segment in knowledge.broader(segment)
            }
            assert {m.park.id for m in found} == fitting


def test_ranking_twice_is_the_same(knowledge: Knowledge) -> None:
    assert parks.rank(knowledge, "suzhou", "device", "pilot", ("testing",)) == parks.rank(knowledge, "suzhou", "device", "pilot", ("testing",))
