"""Grades in messages: clinical phases, classes of devices, classes of drugs (三类证, 二期临床, Class III, phase 2)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from knowledge.denial import NOT_BEFORE, denied, denied_name, planned
from knowledge.numerals import Found, normalise

_ORDINALS = {
    "i": "I",
    "1": "I",
    "一": "I",
    "ii": "II",
    "2": "II",
    "二": "II",
    "iii": "III",
    "3": "III",
    "三": "III",
    "one": "I",
    "two": "II",
    "three": "III",
}
_ORDINAL = r"(?:iii|ii|i|[123一二三])"
_ORDINAL_ONLY = re.compile(f"one|two|three|{_ORDINAL}")
_FILL_BEFORE = re.compile(r"(?:我们?|公司|产品|类别|这个|是不是|是|就|应该|属于?|现在|目前|已经?|刚刚?|正?在|做|到|进入?|按|拿|的|了|[\s,第])*")
_FILL_AFTER = re.compile(r"(?:吧|的|了|呢|啊|哦|呀|阶段|中|[\s,。.!~])*")

_PHASE = re.compile(
    rf"(?=[\di一二三p临获首人f])(?:(?<![\d.一二三四十分])(?:(?<![a-z])|(?=[一二三]))(?P<list>(?:{_ORDINAL}[ab]?\s?(?:期?[、/和及-]|期)\s?){{0,2}}{_ORDINAL})(?:[ab]|\([ab]\))?\s?期"
    r"|(?<![a-z])(?P<unsaid>(?:(?:iii|ii|i)[ab]?/(?:iii|ii|i)[ab]?|(?:iii|ii)[ab]|p(?:iii|ii|[123])[ab]?)(?![a-z\d]|\s?[类型级]))"
    rf"|(?<![a-z])ph(?:ase)?s?[ -]?(?P<roman>(?:(?:iii|ii|i|[123])[ab]?(?:\s?(?:/|,|-|and|&|or|to)\s?)){{0,2}}(?:iii|ii|i|[123]|one|two|three))(?![\dc-z])"
    r"|临床\s?(?P<after>iii|ii|i)(?![\dc-z])"
    r"|(?P<cleared>获批临床|临床(?:试验)?(?:批件|批文|(?:默示)?许可)|临床(?:已经?)?获批)|(?<![a-z-])(?P<ind>(?:pre-? ?)?ind)(?![a-z])"
    r"|(?P<first>首次人体|人体首次|(?<![a-z])(?:fih|first[- ]in[- ](?:hu)?man)(?![a-z])))"
)
_PLACE_AFTER = re.compile(
    r" (?:of (?:the |our )?)?(?:building|park|project|plant|construct|workshop|site (?:open|build)|campus|land|development zone|facility|campaign|rollout|factory)"
)
_PHASE_BEFORE = re.compile(
    r"(?:临床|试验|做到|进入|进到|在做|刚过|填|ind(?:还是|和|、|/)|(?<!医)药物?)\s?(?:试验|已经?|现在|目前|刚|正在?|是|到|在|做|进|了|第|:)*$"
)
_TRIED = re.compile(r"\s?(?:失败|成功|做完|结束|完成|入组|结果)")
_OPENS = re.compile(r"(?:^|[\s,。;!?、:(做进到在才刚快要想冲上动开是和与跟过备算展成们前经从给入报完转t])$")
_GOES_ON = re.compile(
    r"$|[\s,。;!?、:)的没了还能给补多入失结数中刚和与怎要完都分呢吗啊吧到有快马就也算花费启拿可需是跟找随批合连并转再先后又直做停病受样预伦牵投烧报申]|方案|多中心"
)
_DOING = re.compile(r"(?:[做进开]|启动|推进|开展)了?$")
_STAGED = re.compile("厂|楼|园|工程|小镇|产线|产能|课|培训|基金|募|载体|项目|建设|活动")
_NO_TRIAL = re.compile(
    "厂|楼|工程|装修|交付|封顶|验收|竣工|小镇|拨付|款|分期|招租|入驻|租|用地|拿地|园|基金|募|课|培训|班|报名|讲座|活动|刊|载体|建设|实验室|贷|扩产|扩建|产线|产能|环评|债"
)
"""What has stages of its own: in such a message a bare 二期 is no phase."""
_PHASE_AFTER = re.compile(r"\s?的?(?:临床|试验|入组|给药|揭盲|[快刚已都]*(?:做完|结束|完成))")
_TRIAL = re.compile("临床|入组|受试|新药|创新药|单抗|双抗|管线|适应症|批件|揭盲|给药|剂量|终点|读出|数据")
_BUILDING_BEFORE = re.compile("(?:小镇|园区?|基地|工程|基金|厂房?|项目|载体|港|谷|城|中心|大厦|广场)的?$")
_BUILDING_AFTER = re.compile(
    r"\s?的?(?:工程|[园厂建楼房课扩]|载体|项目|基[金建地]|[用土]地|开工|竣工|招商|[融投]资|产能|规划|培训|[\u4e00-\u9fff]{0,6}[癌瘤])"
)


def read_phases(text: str) -> list[Found]:
    """Clinical phases IND, I, II, III (IIb is II); the second stage of a park or a building (小镇二期) and stages of cancer are none.

    A phase that lies ahead (准备进三期) is named, but it is no answer: its token is empty.
    """
    text = normalise(text)
    result: list[Found] = []
    for match in _PHASE.finditer(text):
        start, end = match.span()
        if denied_name(text, start) or NOT_BEFORE.search(text, max(0, start - 24), start) or _NOT_BEGUN.match(text, end):
            continue
        ahead = match[0].startswith("pre") or planned(text, start, end) or denied(text, start, end) or _BEFORE_IT.match(text, end) is not None
        if match["list"]:
            found = list(_listed("phase", text, match, "list", _ORDINALS)) if _is_phase(text, match) else []
        elif match["unsaid"]:
            found = list(_listed("phase", text, match, "unsaid", _ORDINALS)) if _TRIAL.search(text) or _TRIED.match(text, end) else []
        elif match["roman"]:
            found = [] if _PLACE_AFTER.match(text, end) else list(_listed("phase", text, match, "roman", _ORDINALS))
        elif match["cleared"]:
            found = [Found.at("phase", "IND", text, (start, end))] if _alone(text, start, end) else []
        else:
            grade = "IND" if match["ind"] else "I" if match["first"] else _ORDINALS[match["after"]]
            found = [Found.at("phase", grade, text, (start, end))]
        result += [Found.at("phase", f.value, text, (f.start, f.end), "") for f in found] if ahead else found
    return result


_NOT_BEGUN = re.compile(r"\s?(?:临床|试验)?(?:也|都|还)?(?:没(?!问题|有?(?:钱|经费|人|做完|结束|完成))|未(?!来)|尚未)")
_BEFORE_IT = re.compile(r"\s?(?:前|申请|申报|受理|之前|before|applic|submission|filing)")


def _is_phase(text: str, match: re.Match[str]) -> bool:
    start, end = match.span()
    if _BUILDING_AFTER.match(text, end) or _BUILDING_BEFORE.search(text, max(0, start - 9), start):
        return False
    told = match["list"][0] == "i" or _PHASE_BEFORE.search(text, max(0, start - 12), start) or _PHASE_AFTER.match(text, end)
    if told or _TRIAL.search(text, max(0, start - 60), end + 60) or _alone(text, start, end):
        return True
    if _DOING.search(text, max(0, start - 3), start) and not _STAGED.search(text):
        return True
    return bool(_OPENS.search(text, max(0, start - 1), start) and _GOES_ON.match(text, end) and not _NO_TRIAL.search(text))


def _alone(text: str, start: int, end: int) -> bool:
    return len(text) <= 20 and bool(_FILL_BEFORE.fullmatch(text, 0, start) and _FILL_AFTER.fullmatch(text, end))


def _listed(kind: str, text: str, match: re.Match[str], group: str, tokens: Mapping[str, str]) -> Iterator[Found]:
    """Each of the ordinals of a list such as 二、三类 or I/II期; the last takes the rest of the words."""
    spans = [m.span() for m in _ORDINAL_ONLY.finditer(text, match.start(group), match.end(group))]
    for start, end in spans:
        if token := tokens.get(text[start:end]):
            last = (start, end) == spans[-1]
            yield Found.at(kind, token, text, (match.start() if len(spans) == 1 else start, match.end() if last else end))


_CLASS = re.compile(
    rf"(?=[\di一二三第])(?:(?<![\d.分共那哪几另同每某各一二三四五十])|(?<=20[012]\d))(?<!分[为成])(?:(?<![a-z])|(?=[第一二三]))(?P<list>(?:第?{_ORDINAL}类?\s?[、,/和与及或转升]\s?|[一二](?=[二三])){{0,2}}第?{_ORDINAL})"
    r"(?P<part>\.\d)?\s?类"
)
_DEVICE_AFTER = re.compile(
    r"\s?\(?的?[创新高端进口国产无有菌源]*(?:医疗|体外)?(?:植入|器械|医械|设备|证(?![书券])|注册|备案|变更|延续|产品|耗材|试剂|诊断|ivd|支架)"
)
_DEVICE_WORDS = re.compile("器械|注册|医械|拿证|类证|试剂|审|备案|界定|几类|哪类|哪一类|临床|[有无]源|植入|产品|耗材|(?<!证)证(?![书券])")
_CLASS_ENDS = re.compile(r"$|[\s,。;、!?)\d的吧呢吗啊啦了和与跟或能有补给加都还也在算转升变改]|还是|管理|可以|首次|不是")
_CLASS_BEFORE = re.compile(r"(?:是|算|属于?|归|按|到|张|国内|改成|改|选|做|加|还是|应该|大概|都|转|升|变)\s?$")
_NO_DEVICE_AFTER = re.compile(
    r"\s?的?(?:(?:(?![在找跟和去给有能要证械])[^,。;!?\s]){0,4}药(?![监审械检])|改良|生物制品|疫苗|人(?![工体])|[企政园费税]|情[况形]|问题|户(?!外)|地(?![方]|中海)|城|学[校科]|医?院|会[议员计费展]"
    r"|补[充课]|活动|单位|机构|标准|岗|职|事项|指标|服务|区域|资源|平台|基地|支持|传染|精神|麻醉|实验|载体|增值|本科|垃圾|废|危|贷款|资质|许可|经营|课|线[上下]|培训|项目|奖项|基金|投资|材料|文件|渠道|方[式法向]|工[业作种])"
)
_COUNTED = re.compile(r"(?:这|有|给|设|包括|涉及|提供|列|出|以下|下面|上述|以上|下列|其他|任何)了?$")
_COUNTED_AFTER = re.compile(r"\s?的?(?::|产品|器械|补贴|补助|奖|扶持|资助|对象|办法|措施)")
_NODULE = re.compile("结节|rads")
_DRUG_WORDS = re.compile("新药|改良型|化药|仿制|注册分类|生物制品")
_LACKED = re.compile(r"(?:[和与跟、][^,。;!?\s没]{1,6}?)?(?:我们|目前|暂时|现在|也|都|还|倒|是)*(?:没有?|不做|不搞|没做)了?(?:$|[\s,。;!的])")
_DRUG_BEFORE = re.compile(r"(?:化药|中药|生物制品|生物药|新药|化学药品?|注册分类)\s?(?:是|为|属于|按|第)*$")
_DRUG_AFTER = re.compile(r"\s?的?(?:创新|改良型?|化学?|生物|中|治疗用|预防用|国家|全球)*(?:药|新药|生物制品|疫苗)")
_IMPROVED = re.compile(r"(?<!类)(?<!类的)改良型新药")
_ENGLISH_CLASS = re.compile(
    r"(?<![a-z])class(?:es)?[ -]?(?P<list>(?:(?:iii|ii|i|[123])(?:\s?(?:/|,|-|and|&|or|to)\s?(?:class )?)){0,2}(?:iii|ii|i|[123]|one|two|three))(?![a-z0-9%]|\.\d)"
)
_ENGLISH_DRUG = re.compile(r" (?:\w+ )?(?:drug|biologic|molecule|medicine|chemical)")
_DRUG_CLASSES = {ordinal: f"class_{len(roman)}" for ordinal, roman in _ORDINALS.items() if roman != "III"}


def read_device_classes(text: str) -> list[Found]:
    """Device classes I, II, III, where the words are about a certificate or a product, or are the whole message."""
    text = normalise(text)
    if "类" not in text and "class" not in text:
        return []
    result = [f for m in _CLASS.finditer(text) if _is_device_class(text, m) for f in _listed("device_class", text, m, "list", _ORDINALS)]
    for match in _ENGLISH_CLASS.finditer(text):
        if not _ENGLISH_DRUG.match(text, match.end()) and not denied_name(text, match.start()):
            result += _listed("device_class", text, match, "list", _ORDINALS)
    return result


def _is_device_class(text: str, match: re.Match[str]) -> bool:
    start, end = match.span()
    if match["part"] or _NO_DEVICE_AFTER.match(text, end) or denied_name(text, start) or _DRUG_BEFORE.search(text, max(0, start - 12), start):
        return False
    if _LACKED.match(text, end) or (_COUNTED_AFTER.match(text, end) and _COUNTED.search(text, max(0, start - 4), start)):
        return False
    if match["list"].lstrip("第")[0] == "i" or _DEVICE_AFTER.match(text, end) or _alone(text, start, end):
        return True
    if _NODULE.search(text, max(0, start - 4), start) or (_DRUG_WORDS.search(text) and not _DEVICE_WORDS.search(text)):
        return False
    if match["list"].lstrip("第")[0] not in "1一" or len(match["list"]) > 2:
        return True
    told = (
        re.search("[转升]", match["list"])
        or _CLASS_BEFORE.search(text, max(0, start - 4), start)
        or _DEVICE_WORDS.search(text, max(0, start - 60), end + 60)
    )
    return bool(told and _CLASS_ENDS.match(text, end))


def read_drug_classes(text: str) -> list[Found]:
    """Drug classes class_1 and class_2 (2.2类 and 改良型新药 are class 2), where the words are about a drug."""
    text = normalise(text)
    result = [Found.at("drug_class", "class_2", text, match.span()) for match in _IMPROVED.finditer(text)]
    for match in _CLASS.finditer(text):
        before, end = _DRUG_BEFORE.search(text, max(0, match.start() - 12), match.start()), match.end()
        if _DRUG_AFTER.match(text, end) or (before and not _DEVICE_AFTER.match(text, end)):
            result += _listed("drug_class", text, match, "list", _DRUG_CLASSES)
    for match in _ENGLISH_CLASS.finditer(text):
        if _ENGLISH_DRUG.match(text, match.end()):
            result += _listed("drug_class", text, match, "list", _DRUG_CLASSES)
    return sorted(result, key=lambda found: found.start)
