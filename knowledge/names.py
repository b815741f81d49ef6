"""Names in messages: regions, parks and segments, in the forms in which people write them, found by looking each position up."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from knowledge.facts import Region, Segment
from knowledge.numerals import Found, normalise
from knowledge.records import Park

Name = tuple[str, Any, str]
"""What a name stands for: kind, value, token."""

_COMPANY = r"(?:^|(?<=[,。;!?\s是在正年也都们司业团]))"
SHAPES = {
    **{word: rf"{word}(?=的?$)" for word in ("注册申报", "废物处置")},
    "人工智能": "(?<!你是)(?<!是不是)人工智能(?!还是|客服|助手|吗)",
    "大数据": "大数据(?!局|中心)",
    "5g": "(?<![a-z0-9])5g(?![a-z0-9]|网|手机|信号|套餐)",
    "新区": "(?<![东北南西安高城湖港江海区部川滨河开发州京岛])新区(?![别域块间分])",
    "科技城": "科技城(?!医院|学校|小学|中学|大厦)",
    "通安": "通安(?![全装排置检防])",
    "东湖": "(?<!武汉)东湖(?!高新|新技术|路|宾馆|公园|大学|区)",
    "陆家": "陆家(?![嘴浜])",
    "影像": "影像(?!资料|学|力|院|科|中心|报告)",
    "虎丘": "虎丘(?!塔|山|婚纱|湿地)",
    "新沂": "新沂(?!河)",
    **{
        w: rf"{w}(?!的?(?:特别审|绿色通道|创新通道|注册人|检验|(?:行业|产业)?(?:技术创新)?(?:协会|学会|商会|联盟|战略联盟)|审评|洽谈会|博览会|监督|监管|经营许可|生产许可|分类))"
        for w in ("器械", "医疗器械", "创新医疗器械")
    },
    "核酸": "核酸(?!检测|提取|扩增|诊断|试剂|采样)",
    "疫苗": "疫苗(?!接种|本|预约)",
    "抗体": "抗体(?!检测|诊断|试剂)",
    "胰岛素": "胰岛素(?!泵|笔|注射)",
    "insulin": "(?<![a-z0-9])insulin(?! ?pump| ?pen)",
    "加速器": "(?<!孵化器)(?<!孵化器.)(?<!企业)(?<![有进找园入租])加速器(?!空|入驻|场|位|还|有|租|招|里|企业|孵化|载体)",
    "新药": "(?<![一二12i]类)新药(?!创制|的?临床|审评|证书|资助|(?:[^,。;!?]{0,2}(?:获批|批准))?上市|注册|[^,。;!?临]{0,8}(?:获批|批准|批了|批下来|nda))",
    "药品": "药品(?!的?(?:[^,。;!?]{0,4}(?:批件|批文|注册|许可|目录)|上市|获批|监管|审评|审批|局|检验|检查|经营|集采))",
    "外包": "(?<!服务)外包(?!给|出去|公司做|商)",
    "上游": "(?<![和与跟从])上游(?!企业|下|客户|供应商|公司)",
    "中医": "中医(?!院(?!校))",
    "养老": "养老(?!保险|金)",
    "美妆": "美妆(?!店)",
    "超声": "超声(?!波?清洗)",
    "ct": "(?<![a-z0-9])ct(?![a-z0-9])",
    "pet": "(?<![a-z0-9])pet(?![a-z0-9]|瓶|膜| ?(?:food|hospital|shop))",
    "api": "(?<![a-z0-9])apis?(?![a-z0-9]|接口| (?:key|doc|call|endpoint))",
    "国高": "(?<!中)国高(?![端新校等质水级度层速效低铁])",
    "国家高新": "国家高新(?!区|技术)",
    "科小": "(?<![内外骨眼牙妇儿产口齿专全本学百])科小(?![型微核分镇组区白学程])",
    "拿证": "拿证(?![书明据券])",
    "新药上市": "新药上市(?!申请|许可|前|审)",
    "上市公司": "(?<![和与跟给向])上市公司(?!合作|客户|股东|的?子公司)",
    "医院": "(?!)",
    "医疗机构": "(?:^|(?<=[,。;!?是为]))医疗机构(?!采购|使用|合作|对接|客户|渠道|执业|名录|目录|推广|准入)",
    **{word: f"{word}(?!商标|专利|产品|器械|药|证)" for word in ("没注册", "未注册", "还没注册")},
    **{word: rf"{_COMPANY}{word}(?!许可|[的后]?(?:新?药|产品|器械|品种|销售))" for word in ("拟上市", "准备上市", "已上市")},
}
"""Names that are also parts of other words, with the neighbours that tell."""
_ELSEWHERE = (
    r"(?!(?:科技|医科|杜克)?大学(?!城|科技园)|杜克|医学院|银行|路(?!演|上)|河(?!西)|街(?!道)|园林|[中南北]路|(?: \w+)? (?:university|road|rd)\b)"
)
_SOME_PARK = r"(?!(?:[^,。;!?\s的]{0,4}(?:产业|科技|创新))?(?:园(?!区政策)|小镇|加速器|孵化器|众创))"


class Names:
    """Names and what each stands for; in a text the longest name wins, and beside ASCII it is a word of its own (no CT in ACTION)."""

    def __init__(self, names: Mapping[str, Name]) -> None:
        self._names: dict[str, Name] = {}
        self._heads: dict[str, list[str]] = {}
        self._edges: dict[str, tuple[re.Pattern[str], re.Pattern[str]]] = {}
        for written, meant in names.items():
            for name in (written, *_spaced(written)):
                self._names.setdefault(name, meant)
        for name in sorted(self._names, key=len, reverse=True):
            self._heads.setdefault(name[:2], []).append(name)
            edges = (SHAPES[name], "") if name in SHAPES else _edges(name, self._names[name][0])
            if any(edges):
                self._edges[name] = (re.compile(edges[0]), re.compile(edges[1]))

    def read(self, text: str) -> Iterator[Found]:
        """The names that stand in a text, from left to right, none within another."""
        heads, names, edges, end, at = self._heads, self._names, self._edges, len(text), 0
        while at < end:
            for name in (*heads.get(text[at : at + 2], ()), *heads.get(text[at], ())):
                if text.startswith(name, at) and (
                    (edge := edges.get(name)) is None or (edge[0].match(text, at) and edge[1].match(text, at + len(name)))
                ):
                    kind, value, token = names[name]
                    yield Found.at(kind, value, text, (at, at + len(name)), token)
                    at += len(name)
                    break
            else:
                at += 1


def _spaced(name: str) -> Iterator[str]:
    """The forms of an English name: gene therapy is gene-therapy, CAR-T is CAR T and CART."""
    if name.isascii() and (" " in name or "-" in name):
        parts = re.split("[ -]", name)
        yield from (" ".join(parts), "-".join(parts), *(("".join(parts),) if len(parts) == 2 and len(name) <= 12 else ()))


def _edges(name: str, kind: str) -> tuple[str, str]:
    """What must stand before and after a name, as patterns that many names share; empty where anything may."""
    before, after = (re.match("[a-z0-9]", letter) is not None for letter in (name[0], name[-1]))
    if kind == "park" and name[0] > "一" and _KIND.fullmatch(_ENDING.sub("", name)):  # 生命健康产业园, but not 某某生命健康产业园
        return r"(?<![\u4e00-\u9fff])|(?<=[在去到的和跟与及或选进想是问从离比下说到入])", ""
    plural = "(?:'?s|es)?" if after and name.isascii() and kind == "segment" and len(name) > 2 else ""
    neighbours = _ELSEWHERE if kind == "region" else _SOME_PARK if kind == "segment" and not after else ""
    return "(?<![a-z0-9])" * before, (plural + "(?![a-z0-9])") * after + neighbours


def region_names(regions: Sequence[Region]) -> tuple[dict[str, Name], dict[str, Name]]:
    """The names of regions, and what follows from them: a short name that several share is ambiguous alone (高新区), clear after a place."""
    names: dict[str, Name] = {normalise(n): ("region", r.id, r.id) for r in regions for n in (r.name, *_english(r.en), *r.aliases)}
    derived: dict[str, Name] = {}
    shared: dict[str, list[str]] = {}
    for region in regions:
        for word in region.ambiguous:
            shared.setdefault(normalise(word), []).append(region.id)
            places = (region, *(r for r in regions if r.name + word == region.name))
            for place, stem in ((p, name) for p in places for name in (p.name, *p.aliases)):
                # 苏州高新区 lies in 苏州, but 吴江高新区 is another zone there
                meant = region if place is region or stem.startswith((place.name, place.id)) else place
                for form in (*(stem + joint + word for joint in ("", "市", "的", "国家", " ")), f"{stem}({word})", f"{word}({stem})"):
                    derived.setdefault(normalise(form), ("region", meant.id, meant.id))
    for word, ids in shared.items():
        derived.setdefault(word, ("ambiguous_region", ids, ""))
    return names, derived


def _english(words: str) -> Iterator[str]:
    """The English part of a name that is given in two languages: Taicang 太仓."""
    if part := re.sub(r"[^\x20-\x7e]+", "", words).strip():
        yield part


_PLURAL = re.compile(r"(?!generics)([ -~]{4,}[a-rt-z])s")


def segment_names(segments: Sequence[Segment], called: Mapping[str, str]) -> dict[str, Name]:
    """The names of segments: their own, their aliases, their English ones, then what the papers call them."""
    names: dict[str, Name] = {}
    meant = {s.id: ("segment", s.name, s.id) for s in segments}
    for segment in segments:
        for name in (segment.name, *segment.aliases, segment.en, re.sub(r"\s?\(.*?\)", "", segment.en)):
            names.setdefault(normalise(name), meant[segment.id])
            if singular := _PLURAL.fullmatch(normalise(name)):
                names.setdefault(singular[1], meant[segment.id])
    for name, key in called.items():
        if key in meant:
            names.setdefault(normalise(name), meant[key])
    return names


# --- parks

_ZONE = re.compile("高新|经开|开发|试验|港|园")
_KIND = re.compile(
    "(?:生物|医药|医疗器械|医疗|生命|健康|大健康|器械|中医药|中药|特色|科技|产业|原料药|企业|经开|经济|技术|国际|国家|开发|高新|新|核心|示范|培育|工业|板块|孵化|加速|多|区|镇|港|器|城)*"
)
_ENDING = re.compile("(?:科技|精细)?产业园区?$|园区?$")
_ENDINGS = ("产业园", "产业园区", "科技产业园", "科技园", "园", "园区", "产业园子", "园子")
_SECOND = re.compile("二期$")


def park_names(parks: Iterable[Park], regions: Sequence[Region]) -> dict[str, Name]:
    """The names of parks, as printed and as people shorten them: 中德生命健康园, 东湖医学园区, 小镇2期, where only one park can be meant.

    A district that is no zone (邳州, 泉山区), or that only the region's own names know (昆山高新区), is named as its region.
    """
    parks = tuple(parks)
    names: dict[str, Name] = {}
    shortened: dict[str, set[str]] = {}
    meant: dict[str, Name] = {}
    by_id, region_of = {r.id: r for r in regions}, {p.id: p.region for p in parks}
    regional = {normalise(n) for r in regions for n in (r.name, *r.aliases)}
    places = "|".join(re.escape(n) for n in sorted(regional, key=len, reverse=True))
    place = re.compile(f"(?:{places})市?(?:国家)?(?=.)|江苏省?" if places else "(?!)")
    for park in parks:
        district = park.kind == "district" and not (_ZONE.search(park.name) and (park.layout or normalise(park.name) not in regional))
        meant[park.id] = ("region", park.region, park.region) if district else ("park", park.name, park.id)
        names |= {normalise(name): meant[park.id] for name in (park.name, *park.aliases)}
        for name in (park.name, *park.aliases) if not district else ():
            for form in _shortened(normalise(name), place if name == park.name else None):
                shortened.setdefault(form, set()).add(park.id)
    for name, (kind, *_) in list(names.items()):
        if kind == "park":  # 昆山中韩园: a region in front of its park belongs to the name
            shortened.setdefault(normalise(by_id[region_of[names[name][2]]].name) + name, set()).add(names[name][2])
    for form, ids in shortened.items():
        if len(ids) == 1 and form not in regional:
            names.setdefault(form, meant[next(iter(ids))])
    return names


def _shortened(name: str, place: re.Pattern[str] | None) -> Iterator[str]:
    """The shorter forms of a park's name; those without the place in front of it where `place` says what that may be."""
    bare = re.sub(r"\([^)]*\)", "", name)
    stems = {
        name,
        bare,
        re.sub(r"[()]", "", name),
        bare.replace("医疗器械", "器械"),
        bare.replace("生命健康", "健康"),
        re.sub("^江苏", "", bare),
        re.sub(r"(?<=.[\u4e00-\u9fff])市", "", bare, count=1),
    }
    stems |= {stem.replace("医疗器械", "器械") for stem in stems}
    stems |= {rest for stem in stems if place and (found := place.match(stem)) and (rest := stem[found.end() :]) and len(rest) >= 3}
    for stem in stems:
        core = _ENDING.sub("", stem)
        if _KIND.fullmatch(core.replace("器械", "医疗器械").replace("医疗医疗", "医疗")):
            continue  # 生物医药产业园 could be anybody's
        yield stem
        if core != stem and len(core) >= 2:
            yield from (core + ending for ending in _ENDINGS)
        if _SECOND.search(stem):
            yield from (_SECOND.sub(second, stem) for second in ("2期", "ii期", "的二期", "第二期"))


_THAT = re.compile(r"(?<=[\u4e00-\u9fff])(?:那边的?|的?[那这]个|的)(?=[\u4e00-\u9fff]{0,12}(?:园|小镇|港|岛))")


def read_loosely(names: Names, text: str) -> Iterator[Found]:
    """Parks whose name is taken apart by small words: 邳州银杏那个产业园."""
    if not (gaps := list(_THAT.finditer(text))):
        return
    left_out = {i for gap in gaps for i in range(*gap.span())}
    kept = [i for i in range(len(text)) if i not in left_out]
    for found in names.read("".join(text[i] for i in kept)):
        start, end = kept[found.start], kept[found.end - 1] + 1
        if found.kind == "park" and end - start > found.end - found.start:
            yield Found.at("park", found.value, text, (start, end), found.token)
