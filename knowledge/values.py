"""Values read out of what people type: phases, classes, names, stages and events; what is written in numbers is in `numerals`.

All readers are pure and take any text; positions count in the normalised text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any, Literal

from knowledge.facts import FactType, Region, Segment
from knowledge.numerals import Found, normalise, read_contacts, read_dates, read_money, read_number
from knowledge.records import Park

__all__ = ["Found", "Vocabulary", "normalise", "read_contacts", "read_dates", "read_device_classes", "read_drug_classes", "read_money"]
__all__ += ["read_number", "read_phases", "read_yes_no"]

# --- what is said to be not so, or not yet so

_NOT = r"(?:(?<!有)没有?+(?![人听想说看找法事搞弄]|问题|错|办法)|未(?!来)|尚未|(?<!是)不是|并非|不算|不属于|无(?![菌创源纺线人机锡论法]))"
_NOT_BEFORE = re.compile(rf"{_NOT}[^,。;!?、\s但却而是有]{{0,8}}$")
_NOT_INSIDE = re.compile("没(?!问题|错)|未(?!来)")
_NOT_AFTER = re.compile(
    r"\s?(?:证|认定|申请|目前|暂时?|也|都|还|一直)*(?:没(?!问题|错|有?过期|丢|有?(?:做完|结束|完成))|未(?!来)|尚未|不是|失败|正?在[审办走排等申报评准])"
    r"|(?:[^,。;!?]{0,6}|[, ])(?:还没|尚未)有?[拿下批过通认办到取中]"
)
_SOON_BEFORE = re.compile(
    r"(?:(?:准备|打算|计划|想要?|争取|预计|即将|马上|快要?|(?<!主)要|等着?|如何|怎[么样]|明年|后年|下个?月)"
    r"(?:[去来先再在\d月]|[今明]年|年[内底后]|近期|尽快|[上下]半年)*|正在|在(?=申|报|办|走|准备|争取))"
    r"(?:(?:申请|申报|报|办|拿到?|做|评|取得|获得?|参加|递交|冲|搞|过|通过|进入?|开展|启动|开|走|准备|争取)[^,。;!?、\s但却而]{0,4})?$"
)
_FOR_MONEY = re.compile(r"[^,。;!?]{0,8}(?:补贴|补助|奖|资助|政策|支持|扶持|优惠)")


def _holds(text: str, start: int, end: int) -> bool:
    """Whether the words around do not deny a claim (还没拿证, 集采没中) or only plan it (打算申请PCT, but not 想申请PCT资助)."""
    denied = _NOT_BEFORE.search(text, max(0, start - 12), start) or _NOT_AFTER.match(text, end)
    planned = _SOON_BEFORE.search(text, max(0, start - 14), start) and not _FOR_MONEY.match(text, end)
    return not (denied or planned)


# --- clinical phases, classes of devices and drugs

_ORDINALS = {"i": "I", "1": "I", "一": "I", "ii": "II", "2": "II", "二": "II", "iii": "III", "3": "III", "三": "III"}
_ORDINAL = r"(?:iii|ii|i|[123一二三])"
_ORDINAL_ONLY = re.compile(_ORDINAL)
_FILL_BEFORE = re.compile(r"(?:我们?|公司|产品|类别|这个|是不是|是|就|应该|属于?|现在|目前|已经?|刚刚?|正?在|做|到|进入?|按|拿|的|了|[\s,第])*")
_FILL_AFTER = re.compile(r"(?:吧|的|了|呢|啊|哦|呀|阶段|中|[\s,。.!~])*")

_PHASE = re.compile(
    rf"(?=[\di一二三p临获])(?:(?<![\da-z.一二三四十])(?P<list>(?:{_ORDINAL}[ab]?\s?(?:期?[、/和及-]|期)\s?){{0,2}}{_ORDINAL})(?:[ab]|\([ab]\))?\s?期"
    r"|(?:(?<![a-z])phase|临床)\s?(?P<roman>iii|ii|i|(?<!床)[123])(?![\dc-z])"
    r"|(?P<ind>获批临床|临床(?:试验)?(?:批件|批文|(?:默示)?许可)|临床(?:已经?)?获批|(?<![a-z-])ind(?![a-z]|\s?(?:申报|申请|受理|前|阶段))))"
)
_PHASE_BEFORE = re.compile(r"(?:临床|试验|做到|进入|进到|在做|刚过|(?<!医)药物?)\s?(?:试验|已经?|现在|目前|刚|正在?|是|到|在|做|进|了|第|:)*$")
_PHASE_AFTER = re.compile(r"\s?的?(?:临床|试验|入组|给药|揭盲|[快刚已都]*(?:做完|结束|完成))")
_TRIAL = re.compile("临床|入组|受试|新药|创新药|单抗|双抗|管线|适应症")
_BUILDING_BEFORE = re.compile("(?:小镇|园区?|基地|工程|基金|厂房?|项目|载体|港|谷|城|中心|大厦|广场)的?$")
_BUILDING_AFTER = re.compile(
    r"\s?的?(?:工程|[园厂建楼房课扩]|载体|项目|基[金建地]|[用土]地|开工|竣工|招商|[融投]资|产能|规划|培训|[\u4e00-\u9fff]{0,6}[癌瘤])"
)


def read_phases(text: str) -> list[Found]:
    """Clinical phases IND, I, II, III (IIb is II); the second stage of a park or a building (小镇二期) and stages of cancer are none."""
    text = normalise(text)
    result: list[Found] = []
    for match in _PHASE.finditer(text):
        if _holds(text, *match.span()):
            if match["list"]:
                result += _listed("phase", text, match, _ORDINALS) if _is_phase(text, match) else []
            else:
                result.append(Found.at("phase", "IND" if match["ind"] else _ORDINALS[match["roman"]], text, match.span()))
    return result


def _is_phase(text: str, match: re.Match[str]) -> bool:
    start, end = match.span()
    if _BUILDING_AFTER.match(text, end) or _BUILDING_BEFORE.search(text, max(0, start - 9), start):
        return False
    told = match["list"][0] == "i" or _PHASE_BEFORE.search(text, max(0, start - 12), start) or _PHASE_AFTER.match(text, end)
    return bool(told or _TRIAL.search(text, max(0, start - 60), end + 60) or _alone(text, start, end))


def _alone(text: str, start: int, end: int) -> bool:
    return len(text) <= 20 and bool(_FILL_BEFORE.fullmatch(text, 0, start) and _FILL_AFTER.fullmatch(text, end))


def _listed(kind: str, text: str, match: re.Match[str], tokens: Mapping[str, str]) -> Iterator[Found]:
    """Each of the ordinals of a list such as 二、三类 or I/II期; the last takes the rest of the words."""
    spans = [m.span() for m in _ORDINAL_ONLY.finditer(text, match.start("list"), match.end("list"))]
    for start, end in spans:
        if token := tokens.get(text[start:end]):
            last = (start, end) == spans[-1]
            yield Found.at(kind, token, text, (match.start() if len(spans) == 1 else start, match.end() if last else end))


_CLASS = re.compile(
    rf"(?=[\di一二三第])(?<![\da-z.分共这那哪几一二三四五十])(?<!分[为成])(?P<list>(?:第?{_ORDINAL}类?\s?[、,/和与及或]\s?|[一二](?=[二三])){{0,2}}第?{_ORDINAL})"
    r"(?P<part>\.\d)?\s?类"
)
_DEVICE_AFTER = re.compile(
    r"\s?\(?的?[创新高端进口国产无有菌源]*(?:医疗|体外)?(?:植入|器械|医械|设备|证(?![书券])|注册|备案|产品|耗材|试剂|诊断|ivd|支架)"
)
_DEVICE_WORDS = re.compile("器械|注册证|医械|拿证|类证|试剂")
_CLASS_ENDS = re.compile(r"\s?(?:$|[,。;、!?)的吧呢吗和与或能有补给,]|还是|管理|可以)")
_NO_DEVICE_AFTER = re.compile(
    r"\s?的?(?:[^,。;!?]{0,4}药|改良|生物制品|疫苗|[人企情问政园费补地城学院会]|资源|平台|基地|支持|传染|精神|麻醉|实验|载体)"
)
_NOT_IT = re.compile(r"(?<!是)不(?:是|算|属于)$")
_DRUG_BEFORE = re.compile(r"(?:化药|中药|生物制品|生物药|新药|化学药品?|注册分类)\s?(?:是|为|属于|按|第)*$")
_DRUG_AFTER = re.compile(r"\s?的?(?:创新|改良型?|化学?|生物|中|治疗用|预防用|国家|全球)*(?:药|新药|生物制品|疫苗)")
_IMPROVED = re.compile(r"(?<!类)(?<!类的)改良型新药")
_DRUG_CLASSES = {ordinal: f"class_{len(roman)}" for ordinal, roman in _ORDINALS.items() if roman != "III"}


def read_device_classes(text: str) -> list[Found]:
    """Device classes I, II, III, where the words are about a certificate or a product, or are the whole message."""
    text = normalise(text)
    return [found for match in _CLASS.finditer(text) if _is_device_class(text, match) for found in _listed("device_class", text, match, _ORDINALS)]


def _is_device_class(text: str, match: re.Match[str]) -> bool:
    start, end = match.span()
    if match["part"] or _NO_DEVICE_AFTER.match(text, end) or any(p.search(text, max(0, start - 12), start) for p in (_NOT_IT, _DRUG_BEFORE)):
        return False
    told = match["list"].lstrip("第")[0] == "i" or _DEVICE_AFTER.match(text, end)
    return bool(told or _alone(text, start, end) or (_CLASS_ENDS.match(text, end) and _DEVICE_WORDS.search(text, max(0, start - 60), end + 60)))


def read_drug_classes(text: str) -> list[Found]:
    """Drug classes class_1 and class_2 (2.2类 and 改良型新药 are class 2), where the words are about a drug."""
    text = normalise(text)
    result = [Found.at("drug_class", "class_2", text, match.span()) for match in _IMPROVED.finditer(text)]
    for match in _CLASS.finditer(text):
        before, end = _DRUG_BEFORE.search(text, max(0, match.start() - 12), match.start()), match.end()
        if _DRUG_AFTER.match(text, end) or (before and not _DEVICE_AFTER.match(text, end)):
            result += _listed("drug_class", text, match, _DRUG_CLASSES)
    return sorted(result, key=lambda found: found.start)


_YES = re.compile(
    "(?:是|对|好|嗯|行|有|要)+[的啊呀呢吧哒嘞]*|是的是的|对的对的|没错|没问题|可以的?|当然|确[定认]|同意|愿意|y|yes|yeah|yep|ok|okay|sure"
)
_NO = re.compile("不+|没+|否|无|不是的?|没有的?|没有没有|(?:还|暂时|目前|都)没有?|暂无|不[对行要用]|不需要|不可以|不同意|不愿意|no|n|nope")
_UNSURE = re.compile(
    "(?:我|还|也|这个)*(?:不太?(?:清楚|知道|确定|了解|明白|懂|晓得)|[说看搞弄]不(?:好|准|清|懂|明白)|不好说|没听说过?)"
    "|unknown|idk|not ?sure|(?:i )?don't know"
)


def read_yes_no(text: str) -> Literal["yes", "no", "unknown"] | None:
    """What a whole short message says to a yes-or-no question; None for anything else, questions (可以吗) too."""
    text = re.sub(r"(?<![a-z'])\s+|[,。.!~、…]+|谢谢你?|(?:了|哦|哈|呢|啦|啊|呀)(?=[\s,。.!~]*$)", "", normalise(text))
    if _YES.fullmatch(text):
        return "yes"
    if _NO.fullmatch(text):
        return "no"
    return "unknown" if _UNSURE.fullmatch(text) else None


_COMPANY = r"(?:^|(?<=[,。;!?\s是在正年也都们司业团]))"
_SHAPES = {
    "核酸": "核酸(?!检测|提取|扩增|诊断|试剂)",
    "抗体": "抗体(?!检测|诊断|试剂)",
    "胰岛素": "胰岛素(?!泵|笔|注射)",
    "加速器": "(?<!孵化器)(?<!孵化器.)(?<!企业)加速器",
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

_CERTIFICATE = r"(?:医疗)?(?:器械)?(?:产品)?的?(?:注册证书?|证(?![书明据券监照件]))"
_HIGHER = "第?(?:iii|ii|[23二三])类"
_ABROAD = r"(?<![a-z])(?:fda|ema|pmda|ce|510\(?k\)?)(?![a-z])"
_BOARD = "(?:科创板|创业板|港股|港交所|北交所|a股|主板)"
_BULK = "(?:国家)?(?:集采|国采|带量采购)"
_FOREIGN = "(?:美元|美金|usd|欧元|港币|港元|日元|外资)"
_GOT = "(?:拿到?|取得|获得?|通过|过)了?"
_DONE = "(?:已经?|刚|也|都)*(?:批下来|批了|获批|批准|过了|通过|拿到|下来|(?<=[刚已])批)"
_TITLE = "(?:国家级?|[^,。]{0,2}[省市区]级?|的)*(?:专精特新|小巨人|单项冠军|独角兽|瞪羚|潜在独角兽)"
_WARDS = "(?:[三二]级|[三二]甲|公立|民营|专科|综合|中[医心]|人民|肿瘤|口腔|眼科|儿童|妇幼|骨科|康复|附属|大学|第[一二三四五]|[市区县省的])*"
_CUES = [(kind, token, re.compile(cue)) for kind, token, cue in (
    ("stage", "not_registered", r"(?:准备|打算|想|计划|要)(?:在[^,。]{1,6}?)?(?:注册|成立|设立|新设|开)(?:一?[个家])?新?(?:公司|企业)"),
    ("stage", "startup", r"刚刚?(?:起步|创业|创办)|(?:公司|企业)刚刚?(?:注册|成立)"),
    ("stage", "pre_ipo", rf"{_COMPANY}(?:拟|准备|计划|打算|筹备|冲刺)[去在]?{_BOARD}?(?:ipo|上市(?!许可|后(?!备)|产品|[的一]?.?药))|ipo辅导"),
    ("stage", "listed", rf"(?:公司|企业|集团|我们|{_BOARD})(?:已经?|早就|刚|[去今前]年)*(?:在{_BOARD})?上市了(?![一两几\d新个款])"),
    ("stage", "hospital", rf"我们?[就也]?(?:是[^,。进给到向和跟与卖供做为在]{{0,4}}?)?{_WARDS}医(?:院|疗机构)(?!的?供|客户|渠道|订单|市场|准入|销售|合作)"),
    ("event", "overseas_approval", rf"{_ABROAD}\s?(?:认证|证书?)?\s?{_DONE}|{_GOT}(?:美国|欧盟|日本)?的?\s?{_ABROAD}(?:认证|证书?)?"),
    ("event", "new_drug_approval", rf"药证|药品?注册证书?|(?:新药|药品?)(?:已经?|刚|也)?(?:获批|批准)(?:上市)?了?(?!临床)|{_GOT}[新药品]+批件"),
    ("event", "new_device_certificate", rf"(?:拿|取得|获得|领|办)(?:到|下来|下|了)*(?:[一两几\d]?[张个])?(?:{_HIGHER})?{_CERTIFICATE}"),
    ("event", "new_device_certificate", rf"{_HIGHER}{_CERTIFICATE}|(?<![认可])证{_DONE}了"),
    ("event", "centralized_procurement_win", rf"{_BULK}[刚已也都]?(?:中[了标选]|入围|进了)|(?:中[了标选]?|进了?)(?:第[^,。]{{1,2}}批)?{_BULK}"),
    ("event", "consistency_evaluation_pass", "一致性(?:也|已经?|刚|都)?(?:过了|通过)|(?:通过|过)了?一致性|(?<!通)过评(?![估审价定级])"),
    ("event", "ind_approved", rf"{_GOT}(?:临床(?:试验)?(?:批[件文]|许可)|ind(?![a-z]))|临床(?:试验)?(?:默示)?许可|(?<![a-z-])ind\s?{_DONE}"),
    ("event", "ind_approved", r"获批(?:开展|进入|做)?临床|临床(?:已经?)?获批|在做[^,。没]{0,4}临床"),
    ("event", "foreign_capital_received", rf"{_FOREIGN}[^,。没未]{{0,4}}?(?:到账|到位|到了|进来)|(?:到账|到位)了?[^,。没未]{{0,12}}?{_FOREIGN}"),
    ("event", "title_award", rf"(?:[评选]上|获评|评为|评了|入选|认定为?|获得?|拿到?)了?{_TITLE}"),
    ("event", "joint_rd", "联合攻关(?:项目)?(?:还没|尚未|未|没)有?(?:被|通过)?认定"),
    ("event", "joint_rd_recognised", r"联合攻关[^,。没未准申报待]{0,6}认定|认定了?[^,。没]{0,3}联合攻关"),
)]  # fmt: skip
"""How people say that something is so, beyond the aliases of the facts `stage` and `events`."""
_SAYS_NO = {"not_registered", "joint_rd"}  # their own words deny something
_URL = re.compile(r"(?:https?://|www\.)[!-~]+")
_Name = tuple[str, Any, str]


class _Names:
    """Names and what each stands for; in a text the longest name wins, and beside ASCII it is a word of its own (no CT in ACTION)."""

    def __init__(self, names: Mapping[str, _Name]) -> None:
        self._names = names
        forms = "|".join(_SHAPES.get(name) or _word(name, names[name][0]) for name in sorted(names, key=len, reverse=True))
        first = "".join(sorted({re.escape(name[0]) for name in names}))
        self._pattern = re.compile(f"(?=[{first}])(?:{forms})" if names else "(?!)")

    def read(self, text: str, start: int = 0, end: int | None = None) -> Iterator[Found]:
        for match in self._pattern.finditer(text, start, len(text) if end is None else end):
            kind, value, token = self._names[match[0]]
            yield Found.at(kind, value, text, match.span(), token)


def _word(name: str, kind: str) -> str:
    before, after = (re.match("[a-z0-9]", letter) is not None for letter in (name[0], name[-1]))
    elsewhere = "(?!(?:科技|医科|杜克)?大学(?!城|科技园)|医学院|银行)" if kind == "region" else ""
    return "(?<![a-z0-9])" * before + re.escape(name) + "(?![a-z0-9])" * after + elsewhere


def _region_names(regions: Sequence[Region]) -> dict[str, _Name]:
    """The names of regions; a short name that several share is ambiguous alone (高新区), and clear after a place (太仓高新区, 苏州市高新区)."""
    names: dict[str, _Name] = {normalise(name): ("region", r.id, r.id) for r in regions for name in (r.name, *r.aliases)}
    shared: dict[str, list[str]] = {}
    for region in regions:
        for word in region.ambiguous:
            shared.setdefault(normalise(word), []).append(region.id)
            places = (region, *(r for r in regions if r.name + word == region.name))
            for stem in (name for place in places for name in (place.name, *place.aliases)):
                for joint in ("", "市", "的", "国家"):
                    names.setdefault(normalise(stem + joint + word), ("region", region.id, region.id))
    for word, ids in shared.items():
        names.setdefault(word, ("ambiguous_region", ids, ""))
    return names


class Vocabulary:
    """The names and cues of a knowledge base, ready to be found in messages."""

    def __init__(
        self,
        regions: Iterable[Region],
        segments: Iterable[Segment],
        facts: Iterable[FactType],
        parks: Iterable[Park],
        called: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """`called`: what papers call a segment, by that name; the segments' own names and aliases come first."""
        segments = tuple(segments)
        regions_by_name = _region_names(tuple(regions))
        names = dict(regions_by_name)
        for park in parks:
            names |= {normalise(name): ("park", park.name, park.id) for name in (park.name, *park.aliases)}
        for segment in segments:
            for name in (segment.name, *segment.aliases):
                names.setdefault(normalise(name), ("segment", segment.name, segment.id))
        for segment in segments:
            for name in (n for n, key in called.items() if key == segment.id):
                names.setdefault(normalise(name), ("segment", segment.name, segment.id))
        self._regions, self._names = _Names(regions_by_name), _Names(names)
        self._claims: dict[str, _Names] = {}
        for fact in facts:
            if kind := {"stage": "stage", "events": "event"}.get(fact.key):
                options = [o for o in fact.options if o.token != "other"]
                self._claims[kind] = _Names({normalise(name): (kind, o.token, o.token) for o in options for name in (o.label.zh, *o.aliases)})

    def read(self, text: str, today: date) -> tuple[Found, ...]:
        """All values of a message in the order in which they stand; each value of a kind once."""
        text = normalise(text)
        result = read_contacts(text)
        for start, end in [*((c.start, c.end) for c in result), *(m.span() for m in _URL.finditer(text))]:
            text = text[:start] + "□" * (end - start) + text[end:]
        for name in self._names.read(text):
            result += [name, *self._regions.read(text, name.start, name.end)] if name.kind == "park" else [name]
        sure = {f.token for f in result if f.kind == "region"}
        result = [f for f in result if f.kind != "ambiguous_region" or sure.isdisjoint(f.value)]
        for kind, aliases in self._claims.items():
            cues = [Found.at(kind, token, text, match.span()) for k, token, cue in _CUES if k == kind for match in cue.finditer(text)]
            result += _claims(text, [*aliases.read(text), *cues])
        result += [*read_money(text), *read_phases(text), *read_device_classes(text), *read_drug_classes(text), *read_dates(text, today)]
        classes = [f for f in result if f.kind in ("device_class", "drug_class")]
        result = [f for f in result if f.kind != "segment" or not any(c.start < f.end and f.start <= c.end for c in classes)]
        unique: dict[tuple[str, str], Found] = {}
        for found in sorted(result, key=lambda found: found.start):
            unique.setdefault((found.kind, repr(found.value)), found)
        return tuple(unique.values())


def _claims(text: str, claims: list[Found]) -> Iterator[Found]:
    """The claims that hold: the longest of those that overlap, unless their words deny them or only plan them."""
    taken: set[int] = set()
    for claim in sorted(claims, key=lambda claim: (claim.start - claim.end, claim.start)):
        span = range(claim.start, claim.end)
        if taken.isdisjoint(span):
            taken.update(span)
            if claim.token in _SAYS_NO or (_holds(text, claim.start, claim.end) and not _NOT_INSIDE.search(claim.text)):
                yield claim
