"""Facts that a message gives in passing, beside what is asked: the region, what happened, products with their classes, a sum, the matter."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence

from dialogs.script import MAX_ITEMS
from knowledge.denial import denied, not_yet, planned
from knowledge.facts import FactType
from knowledge.snapshot import Knowledge
from knowledge.values import Found, normalise, read_device_classes

_DIGITS = str.maketrans("一两二三四五六七八九", "1223456789")
_HOW_MANY = re.compile(r"(?P<count>[2-9两二三四五六七八九])\s?[个张本项款](?:新?的)?(?:第?[一二三123i]{1,3}类|注册证|证|器械|产品|新药|品种|药)")
_HAS = re.compile(r"[1-9一两二三四五六七八九]\s?[个张本项款].{0,8}证")
_WANTS = re.compile("要拿|想拿|打算|准备|计划|争取|条件|政策|怎么办|[吗么嘛]|如果|要是|假如")
_RECOGNISED = re.compile("(?<![没未])(?<!没有)(?<!还没)(?:已经?|通过了?|拿到了?|获得?了?|被)认定|(?<![没未有])认定(?:了|过|通过|下来)(?![吗没])")
_BEFORE = re.compile(r"(?P<count>[1-9一两二三四五六七八九])\s?[个张本项款](?:新?的)?第?$")
_AFTER = re.compile(r"的?(?:医疗器械|试剂|设备|器械|产品)?(?:注册)?证?(?:书|有|是)?\s?(?P<count>[1-9一两二三四五六七八九])\s?[个张本项款]")


def facts_in(found: Sequence[Found], knowledge: Knowledge, text: str) -> dict[str, str]:
    """Answers that a message gives in passing, by question key."""
    given: dict[str, str] = {}
    for fact, kind in (("region", "region"), ("segment", "segment")):
        values: tuple[str, ...] = tuple(dict.fromkeys(f.token for f in found if f.kind == kind and f.token))
        values = knowledge.innermost(values) if fact == "region" else values
        if len(values) == 1:
            given[fact] = values[0]
    for fact, kind in (("stage", "stage"), ("events", "event")):
        order = [o.token for o in knowledge.facts[fact].options]
        named = {f.token for f in found if f.kind == kind}
        if "joint_rd" in named and _RECOGNISED.search(text):
            named = named - {"joint_rd"} | {"joint_rd_recognised"}
        if tokens := [t for t in order if t in named]:
            given[fact] = ",".join(tokens)
    given |= _products(found, text)
    if (
        "events" not in given
        and _HAS.search(text)
        and not _WANTS.search(text)
        and any(k.endswith(".class") and k.replace(".class", ".year") in given for k in given)
    ):
        given["events"] = "new_device_certificate"  # who says of which year a certificate is has got it
    money = [f for f in found if f.kind == "money" and f.token]
    if len(money) == 1 and money[0].value["bound"] is None and (key := _sum_of(given.get("events", ""), money[0].value["currency"], text)):
        given[key] = money[0].token
    return given


def flags_in(text: str, knowledge: Knowledge) -> dict[str, str]:
    """The yes-or-no facts that a message states by their names, by fact: 没有自主知识产权 is a no."""
    said = ((key, flag_in(text, fact)) for key, fact in knowledge.facts.items() if fact.called is not None)
    return {key: token for key, token in said if token}


def flag_in(text: str, fact: FactType) -> str:
    """`yes` or `no` where a message states a yes-or-no fact by its name, else ""."""
    names = sorted((normalise(n) for n in (fact.called.zh, fact.called.en, *fact.aliases)), key=len, reverse=True) if fact.called else []
    at = next(((start, start + len(n)) for n in names if (start := text.find(n)) >= 0), None)
    if at is None or planned(text, *at):
        return ""
    return "no" if _NOT_SO.search(text, 0, at[0]) or denied(text, *at) else "yes"


def states_flag(text: str, knowledge: Knowledge) -> bool:
    """Whether a message does little more than to state a yes-or-no fact (我们是独立法人): its mere name states nothing."""
    return len(text) <= _SHORT and _STATES.search(text) is not None and bool(flags_in(text, knowledge))


_SHORT = 24
_STATES = re.compile(r"有|没|无|是|不|在|属于|非|\b(?:is|are|have|has|own|not|no|it's|we're)\b")
_NOT_SO = re.compile(r"(?:不(?![仅但止只])|没|无|非|未)[^,，。;；、]{0,3}$")


def _products(found: Sequence[Found], text: str) -> dict[str, str]:
    """The products that a message counts, devices first, then drugs, each with its class, its phase and the year said beside it."""
    by_kind = {kind: [f for f in found if f.kind == kind and f.token] for kind in ("device_class", "drug_class", "phase")}
    mixed = bool(by_kind["device_class"]) and bool(by_kind["drug_class"] or by_kind["phase"])
    products: list[dict[str, str]] = []
    devices = _by_year(found, text) or [(f.token, _year(f, text)) for f in _each(by_kind["device_class"], text, mixed)]
    products += ({"class": token, **({"type": "device"} if mixed else {}), **year} for token, year in devices)
    drugs = _each(by_kind["drug_class"] or by_kind["phase"], text, mixed)
    for f in drugs:
        phases = by_kind["phase"] if f.kind == "drug_class" and (len(by_kind["phase"]) == 1 or len(drugs) == 1) else ()
        said = {"drug_class": f.token} if f.kind == "drug_class" else {"phase": f.token}
        products.append({**({"type": "drug"} if mixed else {}), **said, **({"phase": phases[0].token} if len(phases) == 1 else {}), **_year(f, text)})
    if not 0 < len(products) <= MAX_ITEMS:
        return {}
    numbered = dict(enumerate(products, 1))
    return {"products": ",".join(map(str, numbered)), **{f"product.{n}.{k}": v for n, fields in numbered.items() for k, v in fields.items()}}


def _each(stated: Sequence[Found], text: str, mixed: bool) -> list[Found]:
    """The value of each product that a message counts: 2个三类证, 两个三类证一个二类证, 三类证2个二类证1个. Of several values, those not counted say nothing."""
    if len(stated) == 1:
        beside = _BEFORE.search(text, 0, stated[0].start) or _AFTER.match(text, stated[0].end)
        return [stated[0]] * _number(beside if mixed else beside or _HOW_MANY.search(text), 1)
    ahead = bool(stated) and _BEFORE.search(text, 0, stated[0].start) is not None  # the first says on which side its count stands
    otherwise = 1 if mixed else 0  # somebody who speaks of devices and drugs speaks of their own
    counts = (_number(_BEFORE.search(text, 0, f.start) if ahead else _AFTER.match(text, f.end), otherwise) for f in stated)
    return [f for f, count in zip(stated, counts, strict=True) for _ in range(count)]


_CLAUSE = re.compile("[,，;；。、]|还有|另外|以及")
_YEAR = re.compile(r"(?<!\d)(20[0-4]\d)(?:\s?年|(?=[^\d万亿元])|$)")


def _year(stated: Found, text: str) -> dict[str, str]:
    """The year that stands in the same clause as a class, if exactly one does."""
    ends = [0, *(m.end() for m in _CLAUSE.finditer(text)), len(text) + 1]
    clause = next(text[a:b] for a, b in itertools.pairwise(ends) if a <= stated.start < b)
    years = set(_YEAR.findall(clause))
    return {"year": years.pop()} if len(years) == 1 else {}


_SOME = r"(?P<count>[1-9一两二三四五六七八九])\s?[个张本项款]"
_COUNT = _SOME + r"(?=$|[\s,，。;；、!?)\d又再还和能可今去前另都共合怎补总]|(?:新?的)?(?:第?[一二三123i]{1,3}类|证|注册证|器械|产品))"
_GAINED = r"(?:[又再还也就各都已新先共有了到过的是\s:]|每年|[两二三四五]年|分别|刚刚?|拿|取得|获得?批?|得|领|办|下来|批)*"
_THEN = re.compile(rf"年?(?:\d{{1,2}}月份?)?(?:[年]?[初底末]|[上下]半年)?(?P<gained>{_GAINED})(?:{_COUNT})?(?:新?的)?")
"""What follows a year in which something was counted: 2021拿了一个, 2020年1个, 去年又有两个."""
_CLASSED = re.compile(r"(?:新?的)?第?[一二三123i]{1,3}类")
_COUNTED = re.compile(rf"{_SOME}(?:是|在|为|都是|[\s(:])*$")
_STATED = re.compile(r"的?(?:医疗器械|试剂|设备|器械|产品)?(?:注册)?证?书?(?:[是在为的拿\s(:]|都是)*")
_CLASS_OF_YEAR = re.compile(r"年?的?\s?")
_SPAN = re.compile(r"年?\s?(?:到|至|[-–—~])\s?")
_LISTED = re.compile(r"年?\s?[、/和与及跟\s]\s?")


def _by_year(found: Sequence[Found], text: str) -> list[tuple[str, dict[str, str]]]:
    """The devices that a message counts year by year (三类证2021拿了一个2022又拿一个), each with its class and its year; those beside them too."""
    tokens = {f.token for f in found if f.kind == "device_class" and f.token}
    classes = [f for f in read_device_classes(text) if f.token in tokens and not not_yet(text, f.start, f.end)] if tokens else []
    years = years_in(found, text) if classes else []
    classes = sorted([*classes, *(f for f in found if f.kind in ("drug_class", "phase") and f.token)], key=lambda f: f.start)
    groups = _groups(years, text)
    ends = (*(group[0][0] for group in groups[1:]), len(text))
    if groups and any(_STATED.fullmatch(text, f.end, groups[0][0][0]) for f in classes if f.end <= groups[0][0][0]):
        # 三类证2021拿了一个二类证2022又拿一个: each class stands before its year
        ends = tuple(next((f.start for f in classes if f.end <= end and _STATED.fullmatch(text, f.end, end)), end) for end in ends[:-1]) + ends[-1:]
    after = [n for group, end in zip(groups, ends, strict=False) for n in _after(group, classes, text, end)]
    before = [n for group in groups for n in _before(group, classes, text)]
    size = [(len(those), sum(n[3] for n in those)) for those in (after, before)]
    counted = [n for n in (after if size[0] >= size[1] else before) if n[1].kind == "device_class"]  # years of drugs are read by their clause
    classes = [f for f in classes if f.kind == "device_class"]
    if not counted or (len({year for _, _, year, _ in counted}) < 2 and (len(classes) > 1 or sum(number for *_, number in counted) < 2)):
        return []
    used = {f.start for _, f, _, _ in counted}
    beside = ((f.start, f, "", _number(_BEFORE.search(text, 0, f.start) or _AFTER.match(text, f.end), 0)) for f in classes if f.start not in used)
    return [
        (f.token, {"year": year} if year else {}) for _, f, year, number in sorted((*counted, *beside), key=lambda c: c[0]) for _ in range(number)
    ]


_Counted = tuple[int, Found, str, int]
"""Where something is counted, its class, its year, and how many they are."""
_When = tuple[int, int, str]
"""From where to where a year stands, and which it is."""


def years_in(found: Sequence[Found], text: str) -> list[_When]:
    """The years of a message that are over or run, each time that they are named; not those of a period (2020-2022)."""
    named = [(m.start(1), m.end(1), m[1]) for m in _YEAR.finditer(text)]
    said = {f.text: str(f.value)[:4] for f in found if f.kind == "date" and not re.search("[明后]", f.text) and str(f.value)[:2] == "20"}
    for words, year in sorted(said.items(), key=lambda one: -len(one[0])):
        spans = (m.span() for m in re.finditer(re.escape(words), text))
        named += [(a, b, year) for a, b in spans if not any(a < end and start < b for start, end, _ in named)]
    named.sort()
    ends = {i for a, b in itertools.pairwise(range(len(named))) if _SPAN.fullmatch(text, named[a][1], named[b][0]) for i in (a, b)}
    return [when for i, when in enumerate(named) if i not in ends]


def _groups(years: Sequence[_When], text: str) -> list[list[_When]]:
    """The years that are said in one breath (2021、2022年各一个) together."""
    groups: list[list[_When]] = []
    for when in years:
        if groups and _LISTED.fullmatch(text, groups[-1][-1][1], when[0]):
            groups[-1].append(when)
        else:
            groups.append([when])
    return groups


def _after(group: Sequence[_When], classes: Sequence[Found], text: str, end: int) -> list[_Counted]:
    """What is counted right after a year, or after several, in the same clause and before `end`."""
    then = _THEN.match(text, group[-1][1])
    if then is None:
        return []
    clause = _CLAUSE.search(text, then.end(), end)
    inside = [f for f in classes if then.end() <= f.start < (clause.start() if clause else end)]
    if then["count"] is None and not any(f.start <= then.end() + 1 for f in inside):
        return []
    if inside:
        each = [(f, 1) for f in _each(inside, text, mixed=True)]
    else:
        carried = [f for f in classes if f.end <= group[0][0]][-1:] or [f for f in classes if f.start >= then.end()][:1]
        each = [(f, _number(then, 1)) for f in carried]
    if len(group) > 1 and not re.search("各|都|每年", then["gained"]):
        singly = [f for f, number in each for _ in range(number)]
        if len(singly) == len(group) and ("分别" in then["gained"] or len({f.start for f in singly}) == 1):  # 2021、2022年拿了两个
            return [(at, f, year, 1) for (at, _, year), f in zip(group, singly, strict=True)]
        group = group[-1:]
    return [(at, f, year, number) for at, _, year in group for f, number in each]


def _before(group: Sequence[_When], classes: Sequence[Found], text: str) -> list[_Counted]:
    """What is counted right before a year: 一个2021年一个2022年, 三类证2021年; or before several: 两个，分别是2021和2022年的."""
    at = group[0][0]
    stated = [f for f in classes if f.end <= at][-1:]
    if len(group) > 1 and re.search(r"(?:分别|各)(?:是|在|为)?\s?$", text[:at]):
        return [(place, f, year, 1) for place, _, year in group for f in stated]
    if counted := _COUNTED.search(text, 0, at):
        if directly := [f for f in classes if _CLASS_OF_YEAR.fullmatch(text, group[-1][1], f.start)][:1]:  # 一个2022三类
            stated = directly
        return [(at, f, group[0][2], _number(counted, 1)) for f in stated or classes[:1]]
    return [(at, f, group[0][2], _number(_BEFORE.search(text, 0, f.start), 1)) for f in stated if _STATED.fullmatch(text, f.end, at)]


def _number(counted: re.Match[str] | None, otherwise: int) -> int:
    return int(counted["count"].translate(_DIGITS)) if counted and counted["count"] else otherwise


def _sum_of(events: str, currency: str, text: str) -> str | None:
    """Which fact a sum of money is, by what it is said with."""
    if "foreign_capital_received" in events and currency == "USD":
        return "foreign_cash_year"
    if "joint_rd" in events:
        return "joint_rd.investment"
    return "project.investment" if re.search("总投资|投资额|项目投资", text) else None


def says_how_many(text: str) -> str:
    """Whether a message says how many there are of a class: `ahead` of it (两个三类证), `after` it (三类证是2个), or not ("")."""
    counted = re.search(_SOME, text)
    return "" if counted is None else "ahead" if _CLASSED.match(text, counted.end()) else "after"


def own_by_year(given: Mapping[str, str], text: str) -> bool:
    """Whether several products are told year by year, which only somebody says of their own (三类证2021拿了一个2022又拿一个)."""
    return "," in given.get("products", "") and any(k.endswith(".year") for k in given) and re.search(_COUNT, text) is not None


def matter_in(text: str, knowledge: Knowledge) -> str | None:
    """The kind of approval that a message names, if it names exactly one."""
    options = knowledge.facts["approval_matter"].options
    named = [(a, o.token) for o in options for a in o.aliases if o.token != "other" and normalise(a) in text]
    longest = max((len(a) for a, _ in named), default=0)
    tokens = {t for a, t in named if len(a) == longest}
    return tokens.pop() if len(tokens) == 1 else None


def needs_in(text: str, found: Sequence[Found], knowledge: Knowledge) -> dict[str, str]:
    """The needs that a message mentions, outside of the names in it: a hint, to be offered at their question."""
    for name in sorted((f.text for f in found if f.kind == "park"), key=len, reverse=True):
        text = text.replace(name, " ")
    options = knowledge.facts["needs"].options
    tokens = [o.token for o in options if any(normalise(a) in text for a in o.aliases)]
    return {"needs": ",".join(tokens)} if tokens else {}


_EITHER = re.compile(r"[二三]选一|还是|哪|比|或|\b(?:or|vs|versus|which|compare)\b")


def places_in(text: str, found: Sequence[Found], knowledge: Knowledge) -> dict[str, str]:
    """Several regions between which a message wants to choose (太仓还是昆山, 苏州 昆山二选一)."""
    named = {f.token for f in found if f.kind == "region"}
    places = [r for r in knowledge.regions if r in named]
    return {"region": ",".join(places)} if len(places) > 1 and _EITHER.search(text) else {}


def site_wishes_in(text: str, knowledge: Knowledge) -> dict[str, str]:
    """The site stage that a message names, if it names exactly one."""
    tokens = {o.token for o in knowledge.facts["site_stage"].options for a in o.aliases if normalise(a) in text}
    return {"site_stage": tokens.pop()} if len(tokens) == 1 else {}
