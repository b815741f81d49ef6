"""Talks about choosing a park: the first screen, the shortlist, why and why not, side by side, what else, and where nothing fits."""

from __future__ import annotations

import dataclasses
from types import MappingProxyType

import pytest

from dialogs.pictures import Diagram, Table, told
from knowledge.records import Bar
from knowledge.shapes import Citation
from knowledge.snapshot import Knowledge
from tests.dialogs.talking import Talking

PARKS = "!start:park_selection"


@pytest.fixture
def talk(knowledge: Knowledge) -> Talking:
    return Talking(knowledge)


def labels(talk: Talking) -> list[str]:
    return [o.label for o in talk.options]


def listed(talk: Talking, segment: str = "体外诊断", region: str = "苏州", stage: str = "生产", needs: str = "都没有") -> Talking:
    return talk.send(PARKS).say(segment).say(region).say(stage).say(needs)


# --- the first screen


def test_every_field_is_two_taps_away_from_the_first_screen(talk: Talking, knowledge: Knowledge) -> None:
    first = talk.send(PARKS).options
    assert [o.label for o in first[:2]] == ["医疗器械…", "创新药物…"]
    reached = set()
    for option in first:
        if ":~" not in option.payload:
            reached.add(option.payload.rpartition("=")[2])
            continue
        again = Talking(knowledge).send(PARKS).send(option.payload)
        assert "其他方向" in labels(again)
        assert again.asking == "segment"
        reached |= {o.payload.rpartition("=")[2] for o in again.options if ":~" not in o.payload}
    assert reached - {"unknown"} == set(knowledge.segments)


def test_a_group_opens_answers_as_a_whole_and_closes_again(talk: Talking) -> None:
    talk.send(PARKS).tap("创新药物…").tap("其他方向").tap("更多…")
    assert "医药物流" in labels(talk)
    talk.tap("其他方向").tap("医药外包服务…").tap("医药外包服务（不细分）")
    assert talk.trail == {"segment": "cxo"}


def test_two_places_named_together_are_both_looked_at(talk: Talking) -> None:
    listed(talk, region="苏州高新区 昆山二选一")
    assert talk.trail["region"] == "snd,kunshan"
    assert {p["region"] for p in talk.outcome["parks"]} <= {"snd", "kunshan"}
    assert talk.outcome["wishes"]["regions"] == ["snd", "kunshan"]
    assert "region" not in talk.state.profile, "two places are no place of the company"


def test_of_two_places_the_one_that_is_not_listed_is_told_with_its_reason(talk: Talking, knowledge: Knowledge) -> None:
    listed(talk, region="太仓还是徐州", needs="GMP 车间")
    assert {p["region"] for p in talk.outcome["parks"]} == {"taicang", "xuzhou"}
    other = listed(Talking(knowledge), segment="外包服务", region="太仓还是徐州")
    assert [p["id"] for p in other.outcome["parks"]] == ["tc-park-bio"]
    assert "徐州：文件没有写哪个园区对得上。" in other.text
    far = listed(Talking(knowledge), segment="医疗器械", region="苏州高新区还是徐州", stage="孵化")
    assert {p["region"] for p in far.outcome["parks"]} == {"snd"}
    assert "徐州：靠前的是徐州高新区（第 6），文件没有写它适合这个阶段。" in far.text


def test_places_named_in_the_first_message_are_kept(talk: Talking) -> None:
    talk.say("小核酸公司落昆山还是太仓")
    assert talk.trail == {"segment": "nucleic_acid", "region": "taicang,kunshan"}


def test_needs_mentioned_in_the_first_message_are_offered_and_not_taken(talk: Talking) -> None:
    talk.say("想找个能做GMP代工的园区").say("生物药").tap("太仓").say("生产")
    assert talk.asking == "needs"
    assert "GMP 车间、外包与代工" in talk.text
    offered = next(o for o in talk.options if o.label.startswith("沿用"))
    talk.send(offered.payload)
    assert talk.trail["needs"] == "gmp_plant,cdmo"
    assert talk.outcome["parks"][0]["id"] == "tc-park-bio"
    assert "有没有“GMP 车间”" in talk.text


@pytest.mark.parametrize("enough", ["没了", "没有了", "没有别的了", "就这些", "没有", "没别的了", "就这些了", "that's all"])
def test_nothing_else_keeps_the_needs_that_were_said_before(talk: Talking, enough: str) -> None:
    talk.say("做ivd 想找个园子 要动物房和gmp").say("新区").say("生产")
    assert "之前说的是" in talk.text
    talk.say(enough)
    assert talk.trail["needs"] == "gmp_plant,animal_facility"
    assert talk.outcome["wishes"]["needs"] == ["gmp_plant", "animal_facility"]


def test_a_hospital_near_by_is_compared_when_nothing_is_added(talk: Talking) -> None:
    talk.say("做car-t的 想找个园子 要离医院近").say("太仓").say("研发").say("没了")
    assert "要有“临床合作”" in talk.text


@pytest.mark.parametrize(
    ("words", "needs"),
    [("危废", "gmp_plant,animal_facility,hazardous_waste"), ("还要处理危废", "gmp_plant,animal_facility,hazardous_waste"), ("都没有", "none")],
)
def test_what_is_named_at_that_question_is_added_and_none_of_them_takes_them_back(talk: Talking, words: str, needs: str) -> None:
    talk.say("做ivd 想找个园子 要动物房和gmp").say("新区").say("生产").say(words)
    assert talk.trail["needs"] == needs


def test_needs_that_are_changed_afterwards_are_what_is_said_then(talk: Talking) -> None:
    listed(talk, needs="GMP 车间").tap("改答案")
    talk.tap(next(label for label in labels(talk) if label.startswith("还有什么"))).say("危废")
    assert talk.trail["needs"] == "hazardous_waste"


@pytest.mark.parametrize(
    ("words", "region", "first"),
    [("银杏提取物中间体 徐州 选园区", "xuzhou", ["中医药", "原料药"]), ("昆山选园区 小核酸原料药", "kunshan", ["核酸药物", "原料药"])],
)
def test_of_two_fields_in_one_sentence_it_is_asked_which_one(talk: Talking, words: str, region: str, first: list[str]) -> None:
    talk.say(words)
    assert labels(talk) == first
    assert all(f in talk.text for f in first)
    talk.tap("原料药")
    assert talk.trail == {"segment": "api", "region": region}
    assert talk.asking == "site_stage"


def test_of_two_fields_the_one_within_the_other_is_taken(talk: Talking) -> None:
    talk.say("太仓选园区 医疗器械 体外诊断")
    assert talk.trail == {"segment": "ivd", "region": "taicang"}


def test_two_fields_push_out_the_one_that_was_known_before(talk: Talking) -> None:
    listed(talk).say("昆山选园区 小核酸原料药")
    assert talk.asking == "segment"
    assert labels(talk) == ["核酸药物", "原料药"]


# --- the shortlist


@pytest.mark.parametrize("words", ["还要处理危废", "加上危废", "还得能处理危废", "我们要有危废处理", "危废也要"])
def test_a_need_more_is_ranked_anew_for_the_same_region(talk: Talking, words: str) -> None:
    listed(talk, region="太仓", needs="GMP 车间").say(words)
    assert talk.trail["needs"] == "gmp_plant,hazardous_waste"
    assert talk.trail["region"] == "taicang"
    assert talk.outcome["wishes"]["needs"] == ["gmp_plant", "hazardous_waste"]
    assert {p["region"] for p in talk.outcome["parks"]} == {"taicang"}


@pytest.mark.parametrize(
    ("words", "needs"), [("还要动物房", "gmp_plant,animal_facility"), ("不要GMP了", "none"), ("不要GMP，要动物房", "animal_facility")]
)
def test_a_need_is_added_or_taken_back_after_the_shortlist(talk: Talking, words: str, needs: str) -> None:
    listed(talk, region="太仓", needs="GMP 车间").say(words)
    assert talk.trail["needs"] == needs
    assert "先看" in talk.text


@pytest.mark.parametrize("words", ["还要申请专利资助", "危废怎么处理？", "还要什么材料"])
def test_a_question_of_its_own_adds_no_need(talk: Talking, words: str) -> None:
    listed(talk, region="太仓", needs="GMP 车间").say(words)
    assert talk.state.frames[0].answers["needs"] == "gmp_plant"


@pytest.mark.parametrize("words", ["不要生物港", "去掉太仓生物港", "生物港不考虑", "不要第一个", "不要生物港，要中德的"])
def test_a_park_that_is_not_wanted_is_not_described_and_the_others_are_named(talk: Talking, words: str) -> None:
    listed(talk, region="太仓", stage="孵化")
    assert talk.outcome["parks"][0]["id"] == "tc-park-bioport"
    talk.say(words)
    assert talk.text == "名单按文件写的排，不能单独拿掉太仓生物港。不看的话，先后是中德（太仓）生命健康产业园、太仓市生物医药产业园。"


def test_a_park_that_was_not_listed_is_said_not_to_be(talk: Talking) -> None:
    listed(talk, region="苏州高新区").say("不要生物港")
    assert talk.text.startswith("太仓生物港本来就没有列。")
    assert "主攻" not in talk.text


def test_the_answer_is_the_first_line_and_each_reason_has_its_place(talk: Talking) -> None:
    listed(talk, needs="临床合作、GMP 车间")
    lines = talk.text.split("\n")
    assert next(line for line in lines if "先看" in line).startswith("先看浒墅关开发区（镇）。")
    assert all(line.endswith("〕") for line in lines if line.startswith("   · "))
    assert "没写到园" in talk.text, "what is said of the region only is said to be"
    assert "要问园区：有没有“GMP 车间”；有没有“临床合作”" in talk.text
    assert "当地文件写明金额的支持：" in talk.text
    assert labels(talk) == ["比一比", "为什么不是别的", "改答案", "登记请园区答复"]


def test_equals_share_the_first_place_and_are_said_to(talk: Talking) -> None:
    listed(talk, region="太仓", stage="孵化")
    assert "先看太仓生物港、中德（太仓）生命健康产业园：文件依据一样，先后不分。" in talk.text
    assert [(p["place"], p["behind"]) for p in talk.outcome["parks"]] == [(1, None), (1, None), (3, "fit")]


def test_a_park_that_is_not_built_yet_is_said_to_be(talk: Talking) -> None:
    listed(talk, segment="小核酸", region="昆山")
    assert "文件写的是规划建设" in talk.text


def test_whom_a_paper_keeps_out_is_said(talk: Talking) -> None:
    listed(talk, segment="原料药", region="徐州")
    assert talk.outcome["parks"][0]["id"] == "xz-park-xinyi"
    assert talk.outcome["parks"][0]["limits"][0]["whom"] == "高污染、高耗能企业"
    assert "注意：文件写明原料药和中间体生产端要加强源头治理，坚决摒弃高污染、高耗能企业〔一(二)坚持量质并举〕" in talk.text


def test_a_request_from_the_shortlist_holds_what_is_to_be_asked(talk: Talking) -> None:
    listed(talk, needs="GMP 车间").tap("登记请园区答复").say("测试医疗公司").say("同意").say("李女士").say("13812345678").say("确认")
    [filed] = talk.filed
    assert "浒墅关开发区（镇）" in filed.dossier["matter"]
    assert "有没有“GMP 车间”" in filed.dossier["matter"]
    assert filed.dossier["outcome"]["parks"][0]["ask"] == ["gmp_plant"]


# --- why, why not, what else


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("为什么推荐第一个", "浒墅关开发区（镇）排第 1"),
        ("为什么", "浒墅关开发区（镇）排第 1"),
        ("推荐浒墅关的理由是什么", "浒墅关开发区（镇）排第 1"),
        ("第二个怎么样", "排在浒墅关开发区（镇）后面，因为后者文件写了它适合这个阶段"),
        ("为什么第二个没排第一", "因为后者文件写了它适合这个阶段"),
        ("为什么不是科技城", "苏州科技城排第 "),
        ("为啥不推荐科技城呢", "方向是高端医疗器械（比您说的宽）"),
        ("为什么不是浒墅关", "浒墅关开发区（镇）就是排第一的。"),
        ("为什么没有昆山生命健康产业园", "没有列：文件没有写它做体外诊断。"),
        ("为什么没有昆山生命健康产业园", "文件写的方向是：小核酸技术、质子技术。"),
        ("为什么不是东湖医学产业园", "在徐州，不在您选的苏州里"),
        ("为什么不是昆山", "昆山开发区医学影像与生物医疗器械产业园排第 "),
        ("为什么没有昆山高新区", "没有依据推荐"),
        ("还有别的吗", "对得上的另有 "),
        ("有没有其他园区", "文件没有写它们做体外诊断"),
    ],
)
def test_a_shortlist_answers_for_itself(talk: Talking, words: str, told: str) -> None:
    if "高新区" in words:
        listed(talk, segment="不清楚")
    else:
        listed(talk)
    talk.say(words)
    assert told in talk.text
    assert all(r.citations for r in talk.replies if "排第" in r.text)
    assert talk.state.misses == 0


def test_why_not_others_is_a_button_and_leads_side_by_side(talk: Talking) -> None:
    listed(talk).tap("为什么不是别的")
    assert "· 第 4：" in talk.text
    talk.say("为什么不是科技城").tap("和第一处比")
    assert "【方向】" in talk.text
    assert "苏州科技城" in talk.text


def test_the_buttons_of_a_shortlist_that_is_gone_answer_in_one_line(talk: Talking) -> None:
    for payload in ("!weigh:9.sides", "!weigh:9.others", "!weigh:", "!weigh:9.nowhere"):
        assert talk.send(payload).text.startswith("这个按钮")


def test_nothing_of_this_is_heard_where_no_shortlist_was_told(talk: Talking) -> None:
    talk.say("为什么推荐第一个")
    assert "排第" not in talk.text
    assert talk.dialog is None


def test_words_in_a_form_stay_words_of_the_form(talk: Talking) -> None:
    listed(talk).say("转人工")
    talk.say("为什么不推荐科技城，想请专员说明")
    assert talk.dialog == "request"
    assert "排第" not in talk.text


# --- side by side


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("科技城和浒墅关比一比", ("苏州科技城", "浒墅关开发区（镇）")),
        ("枫桥和浒关二选一，做多肽的", ("枫桥街道", "浒墅关开发区（镇）")),
        ("邳州还是睢宁，做中药饮片", ("邳州", "睢宁")),
        ("太仓生物港跟中德产业园有什么区别", ("太仓生物港", "中德（太仓）生命健康产业园")),
        ("compare 科技城 and 浒墅关", ("苏州科技城", "浒墅关开发区（镇）")),
    ],
)
def test_parks_are_set_side_by_side_at_any_time(talk: Talking, words: str, names: tuple[str, str]) -> None:
    talk.say(words)
    assert talk.dialog is None
    for name in names:
        assert f"· {name}" in talk.text
    assert talk.replies[0].citations
    assert max(map(len, talk.text.split("\n"))) < 200, "a line a park, no table that a phone would break"


def test_side_by_side_follows_the_wishes_and_says_what_decides(talk: Talking) -> None:
    talk.say("做化学发光的，浒关还是科技城？")
    assert talk.text.startswith("先看浒墅关开发区（镇）：文件写的方向更贴（按体外诊断）。")
    talk.say("科技城和浒墅关比一比")
    assert "没有说您的方向和需要" in talk.text, "what was said of another question is not known of the company"


def test_side_by_side_of_the_shortlist_by_its_wishes(talk: Talking) -> None:
    listed(talk, needs="GMP 车间").say("比一比")
    assert "【GMP 车间】\n· 都一样：文件没写" in talk.text
    assert "要问园区：有没有“GMP 车间”" in talk.text
    talk.say("第一个和第三个哪个好")
    assert "· 浒墅关开发区（镇）" in talk.text
    assert len([line for line in talk.text.split("\n") if line.startswith("· 太仓生物港")]) == 0


@pytest.mark.parametrize(
    ("words", "places"),
    [
        ("拿前两个比一比", (1, 2)),
        ("前两个比较一下", (1, 2)),
        ("前2家比比", (1, 2)),
        ("头两个哪个好", (1, 2)),
        ("排前两名的有什么区别", (1, 2)),
        ("前三个比比", (1, 2, 3)),
        ("第一个和第二个比", (1, 2)),
        ("第二、三个比一下", (2, 3)),
        ("第一跟第三对比", (1, 3)),
        ("1和3比一比", (1, 3)),
        ("首选和最后一个比比", (1, 3)),
        ("后两个比一比", (2, 3)),
        ("拿最后两家比较", (2, 3)),
        ("都比一比", (1, 2, 3)),
        ("compare the first two", (1, 2)),
        ("compare the top 3", (1, 2, 3)),
        ("first vs last", (1, 3)),
        ("compare the last two", (2, 3)),
    ],
)
def test_places_on_the_shortlist_are_compared_and_no_others(talk: Talking, words: str, places: tuple[int, ...]) -> None:
    parks = [p["id"] for p in listed(talk).outcome["parks"]]
    assert len(parks) == 3
    talk.say(words)
    spec = talk.replies[0].picture
    assert spec is not None, talk.text
    assert spec.split("/")[2].split(",") == [parks[n - 1] for n in places]


@pytest.mark.parametrize("words", ["前两个月的政策比较", "第一个产品和第二个产品比", "前三年和后两年比比"])
def test_what_else_is_counted_is_no_place_on_the_shortlist(talk: Talking, words: str) -> None:
    listed(talk).say(words)
    assert all(r.picture is None for r in talk.replies)


def test_side_by_side_in_the_middle_of_a_dialog_leads_back_to_it(talk: Talking) -> None:
    talk.send(PARKS).say("科技城和浒墅关比一比")
    assert "【方向】" in talk.text
    assert talk.dialog == "park_selection"
    assert "继续" in labels(talk)


def test_the_text_says_of_what_is_at_a_park_what_the_picture_says(talk: Talking, knowledge: Knowledge) -> None:
    talk.say("苏州科技城和医疗器械加速器比一比")
    drawn = told(knowledge, next(r.picture for r in talk.replies if r.picture))
    assert isinstance(drawn, Table)
    there = next(line for line in talk.text.split("【园里还写到】")[1].split("\n") if line.startswith("· 苏州科技城"))
    needs = {o.label.zh for o in knowledge.facts["needs"].options}
    rows = [(r.label, r.cells[0].text) for r in drawn.rows if r.label in needs and r.cells[0].known and "没写到园" not in r.cells[0].text]
    assert len(rows) == 3
    assert all(f"{label}：{text}" in there for label, text in rows)
    assert "有没有动物房没有写" in there


def test_those_that_are_told_as_equal_are_as_many_as_are_counted(talk: Talking) -> None:
    listed(talk, region="苏州高新区")
    line = next(line for line in talk.text.split("\n") if "没有列" in line)
    count, names = line.removeprefix("另有 ").split(" ")[0], line.rstrip("。").split("没有列：")[1].split("、")
    assert (int(count), len(names)) == (5, 5)
    assert "“医工营”" in names


def test_what_the_answer_says_to_fit_too_is_what_the_picture_marks(talk: Talking, knowledge: Knowledge) -> None:
    listed(talk, region="苏州高新区")
    assert talk.text.startswith("先看浒墅关开发区（镇）。其次是苏州科技城、医疗器械加速器，有待核实。")
    drawn = told(knowledge, next(r.picture for r in talk.replies if r.picture))
    assert isinstance(drawn, Diagram)
    marks = {b.name: b.mark for t in drawn.tiers for box in t.boxes for b in (box, *box.within) if b.mark}
    assert marks.pop("浒墅关开发区（镇）") == drawn.meets
    assert marks == dict.fromkeys(("苏州科技城", "医疗器械加速器"), "在名单里，有待核实")


def test_a_first_park_of_which_something_is_open_is_said_to_be_checked_and_has_no_star(talk: Talking, knowledge: Knowledge) -> None:
    listed(talk, region="太仓", needs="GMP 车间")
    assert talk.text.split("\n")[0].endswith("其次是太仓市生物医药产业园。以上都有待核实。")
    drawn = told(knowledge, next(r.picture for r in talk.replies if r.picture))
    assert isinstance(drawn, Diagram)
    assert not [b for t in drawn.tiers for b in t.boxes if b.mark == drawn.meets]


def test_where_no_field_was_asked_for_nothing_is_said_to_fit_or_to_be_checked(talk: Talking) -> None:
    listed(talk, segment="不清楚", region="太仓", needs="口岸")
    first = next(line for line in talk.text.split("\n") if line.startswith("先看"))
    assert "核实" not in first
    assert "对得上" not in first


def test_what_is_the_same_of_both_explains_no_place(talk: Talking) -> None:
    listed(talk, segment="创新药物", stage="不清楚", needs="标准厂房")
    assert talk.outcome["parks"][0]["id"] == "sz-incubation-carriers", "the only site of which the paper names plants"
    listed(talk, segment="创新药物", stage="不清楚")
    talk.say("为什么不是产业孵化载体")
    assert "文件没有点名是哪一处" in talk.text
    assert "文件没写" not in talk.text


# --- nothing fits


def test_another_city_gets_no_park(talk: Talking) -> None:
    talk.say("想在上海选个园区，做IVD")
    assert "不在我的范围里" in talk.text
    assert talk.dialog is None


def test_another_industry_gets_no_park(talk: Talking) -> None:
    talk.say("我们做半导体的，想选园区")
    assert "没有写哪个园区做半导体，我不硬推荐" in talk.text
    assert talk.turn.outcome is None


def test_a_field_that_is_named_elsewhere_only_is_said_to_be(talk: Talking) -> None:
    listed(talk, segment="中医药", region="昆山")
    assert talk.outcome["parks"] == []
    assert talk.outcome["nothing"]["kind"] == "region"
    assert "文件在别处写到：苏州特色中医药产业园区（苏州）" in talk.text
    assert "昆山（第4项）" in talk.text, "the direction is named for the town without a park"
    assert "比一比" not in labels(talk)


def test_a_field_that_no_paper_names_at_a_park_is_said_to_be(talk: Talking) -> None:
    listed(talk, segment="上游原辅料与设备", region="都可以")
    assert talk.outcome["nothing"]["kind"] == "industry"
    assert "我不硬推荐" in talk.text


@pytest.mark.parametrize(("segment", "told"), [("体外诊断", "文件写明不许做"), ("IVD", "文件写明不许做")])
def test_what_a_paper_bars_is_said_with_its_words_and_nothing_is_recommended(knowledge: Knowledge, segment: str, told: str) -> None:
    source = Citation(document="taicang-2025", section="二(五)1")
    barred = {i: p.model_copy(update={"bars": (Bar(segment="device", text="不得做器械", source=source),)}) for i, p in knowledge.parks.items()}
    talk = listed(Talking(dataclasses.replace(knowledge, parks=MappingProxyType(barred))), segment=segment, region="太仓")
    assert talk.outcome["nothing"]["kind"] == "barred"
    assert told in talk.text
    assert "文件写明不得做器械〔二(五)1〕" in talk.text
    assert talk.replies[-1].citations
