"""Worked choices of a park: what a company wishes, and what the papers' own words make of it, derived by hand from the section that is noted."""

from __future__ import annotations

import dataclasses
from types import MappingProxyType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knowledge import comparing
from knowledge.parks import MERITS, ParkMatch, Wishes, rank
from knowledge.records import Bar, Offer, Park
from knowledge.shapes import Citation
from knowledge.snapshot import Knowledge

Row = tuple[str, str | None, str, str | None, str, str, str, str]
"""Where the paper says so; field, places, stage, needs; the first (equals: several), how its field fits, and what is to be asked of it."""

CHOICES: list[Row] = [
    # taicang-2025
    ("二(五)1 生物医药产业园：医药合同服务外包", "cxo", "taicang", None, "", "tc-park-bio", "focus", ""),
    ("二(五)1 生物医药产业园：生物制药", "biologics", "taicang", None, "", "tc-park-bio", "focus", ""),
    ("二(五)1 生物医药产业园：医药合同服务外包，比CRO宽", "cro", "taicang", None, "", "tc-park-bio", "broader", ""),
    ("二(一)3 动物实验写在全市的龙头，不在园", "cro", "taicang", None, "animal_facility", "tc-park-bio", "broader", "animal_facility"),
    ("二(五)1 园区打造合同服务外包；GMP没有一份写到", "cdmo", "", None, "cdmo,gmp_plant", "tc-park-bio", "broader", "gmp_plant"),
    ("二(五)1 生物港：医学影像", "imaging", "taicang", None, "", "tc-park-bioport", "focus", ""),
    ("二(五)1 生物港：再生医学材料", "biomaterials", "taicang", None, "", "tc-park-bioport", "focus", ""),
    ("二(五)1 中德：精准医疗", "precision", "taicang", None, "", "tc-park-sinogerman", "focus", ""),
    ("二(五)1 生物港和中德都写体外诊断", "ivd", "taicang", None, "", "tc-park-bioport,tc-park-sinogerman", "focus", ""),
    ("二(五)1、二(三)4 孵化平台三园都写", "ivd", "taicang", "incubation", "", "tc-park-bioport,tc-park-sinogerman", "focus", ""),
    ("二(五)1 量产三园都没写", "ivd", "taicang", "production", "", "tc-park-bioport,tc-park-sinogerman", "focus", "site_stage"),
    ("一(二) 200万平方米没有分到园", "imaging", "taicang", None, "space", "tc-park-bioport", "focus", "space"),
    ("三(五) 港区：口岸服务优势", None, "taicang", None, "customs", "tc-district-port", "", ""),
    # kunshan-list
    ("第5项 生命健康产业园：小核酸技术", "nucleic_acid", "kunshan", None, "", "ks-life-park", "focus", ""),
    ("第5项 生命健康产业园：质子技术", "proton", "kunshan", None, "", "ks-life-park", "focus", ""),
    ("第5项 各地只有昆山写小核酸", "nucleic_acid", "", None, "", "ks-life-park", "focus", ""),
    ("第6项 医学影像与生物医疗器械产业园", "imaging", "kunshan", None, "", "ks-imaging-park", "focus", ""),
    ("第6项 围绕研发、孵化、加速、产业化全过程", "device", "kunshan", "pilot", "", "ks-imaging-park", "focus", ""),
    ("第6项 生物医疗器械比体外诊断宽", "ivd", "kunshan", "production", "", "ks-imaging-park", "broader", ""),
    ("第6项 GMP没有写；第2项临床没有写到园", "device", "kunshan", None, "clinical,gmp_plant", "ks-imaging-park", "focus", "gmp_plant,clinical"),
    ("第7项 用地指标没有写到园", "device", "kunshan", None, "space", "ks-imaging-park", "focus", "space"),
    ("第6项 中韩医美生物科技（昆山）产业园", "aesthetics", "", None, "", "ks-aesthetics-park", "focus", ""),
    ("第6项 千灯：药物原料；能否做化学合成没有写", "api", "kunshan", None, "api", "ks-qiandeng-park", "focus", "api"),
    # snd-2020
    ("四“一核” 科技城：高端医疗器械", "device", "snd", None, "", "snd-kejicheng", "focus", ""),
    ("四“一核” 检验所苏州分所", "device", "snd", None, "testing", "snd-kejicheng", "focus", ""),
    ("四“一核” 临床前研究和评价平台；有没有动物房没有写", "device", "snd", None, "animal_facility", "snd-kejicheng", "focus", "animal_facility"),
    ("四“一核”；三(三)9第二 科技城医院没有写在哪个园", "device", "snd", None, "clinical", "snd-kejicheng", "focus", "clinical"),
    ("三(二)7第三 危废处理没有写到园", "device", "snd", None, "hazardous_waste", "snd-kejicheng", "focus", "hazardous_waste"),
    ("三(二)7第二 医用机器人研究院", "surgical_robot", "snd", "incubation", "", "snd-robot-institute", "focus", ""),
    ("三(一)3第一 医疗器械加速器", "device", "snd", "pilot", "", "snd-accelerator", "focus", ""),
    ("三(一)3第一、三(二)7第二 孵化器四处", "device", "snd", "incubation", "",
     "snd-cas-incubator,snd-device-park,snd-robot-institute,snd-yigongying", "focus", ""),
    ("四 浒墅关：多肽药物", "peptide", "snd", None, "", "snd-xushuguan", "focus", ""),
    ("四 浒墅关：新型疫苗产业化", "vaccine", "snd", "production", "", "snd-xushuguan", "focus", ""),
    ("四 浒墅关：植介入器材", "implants", "snd", None, "", "snd-xushuguan", "focus", ""),
    ("四 浒墅关：体外诊断试剂先进制造", "ivd", "suzhou", "production", "", "snd-xushuguan", "focus", ""),
    ("四 狮山：互联网医疗、智慧医疗", "digital_health", "snd", None, "", "snd-shishan", "focus", ""),
    ("四 狮山：中成药", "tcm", "snd", None, "", "snd-shishan", "focus", ""),
    ("四 枫桥和小镇：创新药物研发和生产", "drug", "snd", "production", "", "snd-fengqiao,snd-health-town", "focus", ""),
    ("四 枫桥和小镇：前沿诊疗技术", "cell_gene", "snd", None, "", "snd-fengqiao,snd-health-town", "focus", ""),
    ("三(三)11第一 金融小镇", None, "snd", None, "funding", "snd-finance-town", "", ""),
    # suzhou-2021
    ("专栏5第2条 工业园区海关承接D级特殊物品审批", None, "suzhou", None, "special_articles", "sz-sip", "", ""),
    ("专栏5第2条 苏州海关没有写到园", "device", "snd", None, "special_articles", "snd-kejicheng", "focus", "special_articles"),
    ("第6项 千灯：药物原料；三(六)第二的绿色制造园区没有点名是哪一处", "api", "suzhou", "production", "", "ks-qiandeng-park", "focus", "site_stage"),
    ("三(六)第一 标准化厂房写在产业孵化载体，没有点名是哪一处；非有不可的在前", "drug", "suzhou", None, "plant", "sz-incubation-carriers", "focus", ""),
    ("专栏6第1条、二(五)1 创新药物三园都写；没有点名的在后", "drug", "suzhou", None, "",
     "sz-innovation-island,tc-park-bioport,tc-park-sinogerman", "focus", ""),
    ("专栏10第1条 中医药产业园区", "tcm", "suzhou", None, "", "sz-tcm-park", "focus", ""),
    ("专栏9第1条 人工智能与药物发现", "ai_drug", "suzhou", None, "", "sz-itbt-center", "focus", ""),
    # xuzhou-2021
    ("二(二)5 新沂：原料药", "api", "xuzhou", "production", "", "xz-park-xinyi", "focus", ""),
    ("二(二)5 新沂：原料药；危废没有写", "api", "xuzhou", None, "api,hazardous_waste", "xz-park-xinyi", "focus", "hazardous_waste"),
    ("二(二)5 新沂：药物制剂", "preparation", "xuzhou", None, "", "xz-park-xinyi", "focus", ""),
    ("二(二)5 邳州：中药饮片，点名5家药企", "tcm", "xuzhou", "production", "", "xz-park-pizhou", "focus", ""),
    ("二(二)6 泉山：干细胞治疗", "cell_gene", "xuzhou", None, "", "xz-park-quanshan", "focus", ""),
    ("二(二)6 鼓楼：大健康公共服务业", "health", "xuzhou", None, "", "xz-park-gulou", "focus", ""),
    ("二(二)4 高新区：检验所徐州分所", "device", "xuzhou", None, "testing", "xz-park-hightech", "focus", ""),
    ("二(四)10 东湖：实验动物、新药安全评价", "biologics", "xuzhou", None, "animal_facility", "xz-park-donghu", "focus", ""),
    ("二(四)10 东湖：医药临床研究", "biologics", "xuzhou", None, "clinical", "xz-park-donghu", "focus", ""),
    # several places at once
    ("第5项 太仓没有写小核酸", "nucleic_acid", "taicang,kunshan", None, "", "ks-life-park", "focus", ""),
    ("二(五)1、第6项 影像两地都写；支持写明的金额不算", "imaging", "taicang,kunshan", None, "", "ks-imaging-park,tc-park-bioport", "focus", ""),
    ("三(二)7第二 医用机器人；科技城的临床前平台没有写动物房，不比写明的方向重", "surgical_robot", "snd", None, "animal_facility",
     "snd-robot-institute", "focus", "animal_facility"),
    ("二(一)3 太仓写了临床前大动物实验，高新区没有写动物房", "surgical_robot", "taicang,snd", None, "animal_facility",
     "tc-park-bio,tc-park-sinogerman", "broader", "animal_facility"),
    ("四 浒墅关：体外诊断试剂先进制造；动物房和GMP两边都没有写到园", "ivd", "snd", "production", "gmp_plant,animal_facility",
     "snd-xushuguan", "focus", "gmp_plant,animal_facility"),
]  # fmt: skip


@pytest.mark.parametrize("row", CHOICES, ids=lambda row: row[0])
def test_the_first_park_is_the_one_that_the_paper_names(knowledge: Knowledge, row: Row) -> None:
    _, segment, places, stage, needs, first, fit, ask = row
    found = rank(knowledge, Wishes(segment, tuple(filter(None, places.split(","))), stage, tuple(filter(None, needs.split(",")))))
    best = found.matches[0]
    assert sorted(m.park.id for m in (best, *found.equals(best))) == sorted(first.split(","))
    assert {r.kind for r in best.reasons if r.kind in ("focus", "narrower", "broader")} == {fit} if fit else segment is None
    assert set(best.open) == set(filter(None, ask.split(",")))


SEGMENTS, NEEDS, STAGES = ("ivd", "api", "device", "tcm"), ("clinical", "gmp_plant", "testing", "housing"), ("incubation", "production")
SOURCE = Citation(document="suzhou-2021", section="三(六)第二")
WISHES = st.builds(
    Wishes,
    st.sampled_from((None, *SEGMENTS)),
    st.just(()),
    st.sampled_from((None, *STAGES)),
    st.lists(st.sampled_from(NEEDS), unique=True).map(tuple),
)
EASY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def offering(park: Park, need: str) -> Park:
    return park.model_copy(update={"offers": (*park.offers, Offer(need=need, text=f"有{need}", source=SOURCE))})


def with_park(knowledge: Knowledge, park: Park) -> Knowledge:
    return dataclasses.replace(knowledge, parks=MappingProxyType({**knowledge.parks, park.id: park}))


@EASY
@given(wishes=WISHES, need=st.sampled_from(NEEDS), data=st.data())
def test_an_offer_more_never_lowers_a_park(knowledge: Knowledge, wishes: Wishes, need: str, data: st.DataObject) -> None:
    park = knowledge.parks[data.draw(st.sampled_from(sorted(knowledge.parks)))]
    before = rank(knowledge, wishes).place(park.id)
    after = rank(with_park(knowledge, offering(park, need)), wishes).place(park.id)
    assert before is None or (after is not None and after <= before)


@EASY
@given(wishes=WISHES, data=st.data())
def test_a_barred_field_never_appears(knowledge: Knowledge, wishes: Wishes, data: st.DataObject) -> None:
    park = knowledge.parks[data.draw(st.sampled_from(sorted(knowledge.parks)))]
    barred = park.model_copy(update={"bars": (Bar(segment=wishes.segment or "ivd", text="不得做", source=SOURCE),)})
    found = rank(with_park(knowledge, barred), wishes)
    assert wishes.segment is None or found.place(park.id) is None
    assert {m.park.id for m in found.matches} | {park.id} >= {m.park.id for m in rank(knowledge, wishes).matches}, "nobody else is touched"


@EASY
@given(wishes=WISHES)
def test_silence_never_removes_a_park(knowledge: Knowledge, wishes: Wishes) -> None:
    asked = {m.park.id for m in rank(knowledge, wishes).matches}
    assert asked == {m.park.id for m in rank(knowledge, Wishes(wishes.segment)).matches}


@EASY
@given(wishes=WISHES)
def test_every_park_is_told_a_place_or_a_reason(knowledge: Knowledge, wishes: Wishes) -> None:
    found = rank(knowledge, wishes)
    assert {m.park.id for m in found.matches} | {o.park.id for o in found.out} == set(knowledge.parks)
    assert not {m.park.id for m in found.matches} & {o.park.id for o in found.out}
    for match in found.matches:
        why = comparing.why_not(knowledge, wishes, match.park.id)
        assert (why.merit is None) is (match.merits == found.matches[0].merits)
        if why.merit is not None:
            at = MERITS.index(why.merit)
            assert match.merits[:at] == found.matches[0].merits[:at]
            assert match.merits[at] < found.matches[0].merits[at], "the first merit by which it differs is one by which it is behind"
    for out in found.out:
        why = comparing.why_not(knowledge, wishes, out.park.id)
        assert (why.out, why.place) == (out, None)


def test_side_by_side_every_cell_is_what_a_paper_says_of_that_park(knowledge: Knowledge) -> None:
    found = comparing.compare(knowledge, Wishes("ivd", ("kunshan",), "production", ("clinical", "gmp_plant")), ["snd-kejicheng", "snd-xushuguan"])
    assert [p.id for p in found.parks] == ["snd-kejicheng", "snd-xushuguan"]
    assert all(isinstance(w, ParkMatch) for w in found.weighed), "where they lie is no wish: they are compared as they are"
    assert (found.first.id if found.first else "", found.merit) == ("snd-xushuguan", "fit")
    cells = {(r.point, r.about): r.cells for r in found.rows}
    assert cells["need", "gmp_plant"] == ((), ())
    assert [[r.region for r in cell] for cell in cells["need", "clinical"]] == [["snd"], ["snd"]]
    assert [[r.text for r in cell if r.kind != "other"] for cell in cells["focus", None]] == [["高端医疗器械"], ["体外诊断试剂"]]
    assert [len(cell) for cell in cells["stage", None]] == [0, 1]


def test_side_by_side_without_wishes_names_no_first(knowledge: Knowledge) -> None:
    found = comparing.compare(knowledge, Wishes(), ["tc-park-bio", "tc-park-bioport", "tc-park-bio"])
    assert (len(found.parks), found.first, found.merit) == (2, None, None)


def test_side_by_side_the_only_one_that_fits_comes_first(knowledge: Knowledge) -> None:
    found = comparing.compare(knowledge, Wishes("aesthetics"), ["tc-park-bio", "ks-aesthetics-park"])
    assert (found.first.id if found.first else "", found.merit) == ("ks-aesthetics-park", None)
    assert comparing.compare(knowledge, Wishes("aesthetics"), ["tc-park-bio", "tc-park-bioport"]).first is None


def test_a_park_that_nobody_knows_is_no_question(knowledge: Knowledge) -> None:
    with pytest.raises(KeyError):
        comparing.why_not(knowledge, Wishes(), "nowhere")
