"""What is written in numbers: amounts of money, counts, dates and telephone numbers, as people type them (1.2个亿, 去年3月)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from knowledge.money import CURRENCIES, LIMIT, Money

_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb]"
)
_PLAIN = re.compile(r"[!-@\[-~\u4e00-\u9fff、。“”《》〔〕—]+(?: [!-@\[-~\u4e00-\u9fff、。“”《》〔〕—]+)*")
_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def normalise(text: str) -> str:
    """The text in its plain form: NFKC, ASCII in lower case, single spaces, nothing invisible. Normalising twice changes nothing."""
    if _PLAIN.fullmatch(text):  # most messages, and all that have been here before
        return text
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).translate(_LOWER)
    return " ".join(unicodedata.normalize("NFKC", text).split())


@dataclass(frozen=True, slots=True)
class Found:
    """A value found in a message: the words it was read from (`text`, from `start` to `end`) and the answer token it stands for."""

    kind: str
    value: Any
    text: str
    start: int
    end: int
    token: str

    @classmethod
    def at(cls, kind: str, value: Any, text: str, span: tuple[int, int], token: str | None = None) -> Found:
        """The value read from that span of the text; its token is the value itself where none is given."""
        return cls(kind, value, text[slice(*span)], *span, value if token is None else token)


# --- numerals

_DIGITS = "零一二两三四五六七八九"
_FOLD = str.maketrans("〇○壹贰貳叁肆伍陆陸柒捌玖拾佰仟萬億圆圓塊俩幣歐鎊韓", "零零一二二三四五六六七八九十百千万亿元元块两币欧镑韩")
"""Other ways to write the same digits, units and currencies, one character for one, so that positions stay."""

_VALUES = dict(zip(_DIGITS, (0, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9), strict=True))
_UNITS = (("亿", 10**8), ("万", 10**4), ("千", 1000), ("百", 100), ("十", 10))
_ARABIC = r"(?>\d{1,3}(?:,\d{3})++(?!\d)(?:\.\d{1,6})?|\d{1,13}(?:\.\d{1,6})?)(?!\d|\.\d)"
_ARABIC_ONLY = re.compile(_ARABIC)
_PAIR = re.compile(r"([一二两三四五六七八])([两二三四五六七八九])(?=[十百千万亿]|$)")


def numeral(text: str) -> Decimal | None:
    """The number that a numeral in folded characters means (1.2亿, 三百二十, 半); None where it is not well formed."""
    if _ARABIC_ONLY.fullmatch(text):
        return Decimal(text.replace(",", ""))
    if text == "半":
        return Decimal("0.5")
    if text in _VALUES:
        return Decimal(_VALUES[text])
    for name, unit in _UNITS:
        if name in text:
            left, _, right = text.rpartition(name)
            return _united(left, right, unit)
    whole, point, decimals = text.partition("点")
    if point and whole in _VALUES and decimals and all(c in _VALUES for c in decimals):
        return Decimal(f"{_VALUES[whole]}.{_positional(decimals)}")
    return None


def _positional(text: str) -> str:
    """The digits that words spell one by one: 二零二二."""
    return "".join(str(_VALUES[c]) for c in text)


def _united(left: str, right: str, unit: int) -> Decimal | None:
    """The number that stands around a unit: 三 and 二 around 百 are 320."""
    head = numeral(left) if left else Decimal(1)
    if head is None or (not left[:1].isdigit() and head >= (unit if unit >= 10**4 else 10)):
        return None
    if not right:
        return head * unit
    tail = numeral(right.lstrip("零"))
    if tail is None or tail >= unit:
        return None
    return head * unit + (tail * unit / 10 if len(right) == 1 else tail)


_CURRENCIES: Mapping[str, str | None] = {
    **CURRENCIES,
    **dict.fromkeys(["rmb", "cny", "¥"], "CNY"),
    **dict.fromkeys(["美刀", "刀", "usd", "us$", "$"], "USD"),
    **dict.fromkeys(["欧", "eur", "€"], "EUR"),
    **dict.fromkeys(["hkd", "hk$"], "HKD"),
    **dict.fromkeys(["台币", "twd", "nt$"], "TWD"),
    **dict.fromkeys(["日币", "円", "jpy"], "JPY"),
    **dict.fromkeys(["镑", "gbp", "£"], "GBP"),
    **dict.fromkeys(
        ["韩元", "韩币", "澳元", "澳币", "加元", "加币", "新加坡元", "新加坡币", "新币", "新元", "瑞士法郎", "瑞郎", "法郎", "卢布", "泰铢", "卢比"]
    ),
}
"""Names of currencies and their codes; None for those that we know only by name."""
_AFTER_NAME = {name: "(?![a-z])" for name in _CURRENCIES if name.isascii() and name.isalpha()} | {"刀": "(?![具片头])", "欧": "(?![洲盟美])"}
_NAMED = "|".join(re.escape(name) + _AFTER_NAME.get(name, "") for name in sorted(_CURRENCIES, key=len, reverse=True) if name != "元")
_CURRENCY = f"(?:{_NAMED})"

_SMALL = rf"(?:{_ARABIC}(?:\s?[十百千](?:零?[\d{_DIGITS}][十百])*+)?|[{_DIGITS}十百千]{{1,9}}(?:点[{_DIGITS}]{{1,6}})?|半(?=个?亿))"
_WAN = r"(?:万|(?<=[\d\s多])w(?![a-z\d]))"
_ODD = r"\s?(?:[多来余几]\s?)?个?[多来]?\s?"
# What may follow 万 and 亿: the next lower unit, 零, a lone digit (一亿二, 3万5), or digits that a currency ends.
_COUNTED = rf"[\d.,{_DIGITS}十百千个类期年月日号轮成季方级次项款家种人名位台套件代线手者等倍%]"
_CLOSED = r"(?=$|[\s,。;、!?)的吧呢啊了元块美欧港]|左右|以上|以下|以内|上下)"
_TAIL = rf"[\d{_DIGITS}]千[\d{_DIGITS}百十]*|零[{_DIGITS}百十千]+|[\d二三四五六七八九](?!{_COUNTED})|一{_CLOSED}|\d{{2,4}}(?=\s?[元块])"
_LARGE = rf"(?:{_SMALL}{_ODD}亿(?:零?{_SMALL}{_WAN})?+|{_SMALL}{_ODD}(?:万亿|{_WAN})|(?<=[上过近超])亿)(?:{_TAIL})?+"

_BOUNDS = {
    "max": "不超过|不超|不到|不足|不满|不多于|不高于|不大于|没超过|未超过|少于|低于|小于|最多|至多|顶多|最高|上限|未达|没到",
    "min": "至少|最少|不少于|不低于|不小于|不止|不只|起码|超过|多于|大于|高于|超出|超|逾|突破",
    "about": "(?<![节预签合制契])大?约|大概|差不多|将近|接近|(?<![最附])近|大致",
}
_BOUNDS_AFTER = {
    "max": "以下|以内|之内|都?不到|都?不足|封顶|为限",
    "min": r"及?以上|起(?![诉草来码])|往上|出头|开外|多(?![少久家个种年次])|余|\+",
    "about": "左右|上下|差不多|前后|的样子",
}
_EITHER = "|".join(f"(?P<{bound}>{words})" for bound, words in _BOUNDS.items())
_EITHER_AFTER = "|".join(f"(?P<{bound}>{words})" for bound, words in _BOUNDS_AFTER.items())
# A number in 万 followed by one of these counts things: 3万平, 300万人, 10万级 (clean rooms).
_THINGS = (
    "人(?!民币|才|工)|名(?![义下额])|位(?![于置])|个(?![人体])|家(?![里庭族的])|台(?![币州湾资商胞])|[套剂粒针字步倍级颗岁米亩户吨%]|件|支(?![持出付撑])|片(?!区)|盒"
    "|瓶(?!颈)|份(?!额)|例(?!如)|股(?![权东份本改])|升(?![级至到值高])|毫升|公[斤里顷]|千克|平(?![均台时安])|立方|m[23]|次(?!性)|条(?!件)|款(?!项)|种(?!子)|项(?!目)"
    "|只(?![有要能是])|天(?!使)|年(?![底初末度化利前])|分之|像素|功率|火急|(?:iu|ml|mg|kg|km|hz)(?![a-z])"
)
_AMOUNT = re.compile(
    rf"(?=[\d{_DIGITS}十百千半亿])(?:(?<![{_DIGITS}十百千几数第.])(?=[{_DIGITS}十百千半亿])|(?<![\da-z第])(?<!\d[.,])(?=\d)|(?<=rmb|cny|usd|eur|hkd|jpy|gbp|twd)(?=\d))"
    rf"(?:(?P<low>{_SMALL}(?:个?[万亿w])?)\s?(?:元|{_CURRENCY})?\s?(?:[-~—–]+|到|至)\s?(?=[\d{_DIGITS}十百千]))?"
    rf"(?:(?P<large>{_LARGE})|(?P<small>{_SMALL}))(?P<odd>[多来余几](?=\s?[元块]))?"
    rf"(?:\s?(?P<unit>元(?![件素旦宵论化]|催化|正极|材料)|块钱|块|钱))?(?:\s?\(?(?P<currency>{_CURRENCY})\)?)?"
    rf"(?(unit)|(?(currency)|(?!\s?(?:{_THINGS}))))(?:\s?(?:{_EITHER_AFTER}))?"
)
_BEFORE = re.compile(rf"(?P<said>(?:{_EITHER}|(?P<bare>[上过]))\s?[有是为要在]?)?\s?(?P<currency>{_CURRENCY})?\s?:?\s?$")


def read_money(text: str) -> list[Found]:
    """Amounts of money; value: {"value", "currency" (None where we do not know the named one), "bound": None, "min", "max" or "about"}."""
    text = normalise(text)
    folded = text.translate(_FOLD)
    return [amount for match in _AMOUNT.finditer(folded) if (amount := _amount(text, folded, match))]


def _amount(text: str, folded: str, match: re.Match[str]) -> Found | None:
    before = _BEFORE.search(folded, max(0, match.start() - 10), match.start())
    if before is None:  # pragma: no cover - every part of the pattern is optional
        return None
    large, unit, after = match["large"], match["unit"], folded[match.end() :][:1]
    named = match["currency"] or before["currency"]
    number = large or match["small"]
    words = re.sub(r"[多来余几个\s]", "", number.replace("w", "万"))
    pair = _PAIR.search(words)
    spread = pair is not None and 0 < _VALUES[pair[2]] - _VALUES[pair[1]] <= 2
    if pair and spread:  # 六七百万
        words = words[: pair.start(2)] + words[pair.end(2) :]
    value = numeral(words)
    if value is None or value >= LIMIT or not (large or unit or named):
        return None
    bare = not re.search(rf"^十|[\d{_DIGITS}半]", words)  # 百万元, 上千万, 过亿, but not 千万别, 百万医疗险
    said = before["said"] if bare or not before["bare"] else None
    if bare and not (said or unit or named or match.end() > match.end("large")):
        return None
    if not large and not named and ((unit in ("块", "钱") and value < 100) or (unit == "元" and words in _VALUES and after.isalpha())):
        return None  # 三块地, 三元材料
    if not (large or unit or match["currency"]) and re.match(r"[a-z\d%]", after):  # $5m
        return None
    low = _low(match["low"], words) if match["low"] else None
    if low is not None and low < value:
        value, spread = low, True
    odd = number + (match["odd"] or "")
    bounds = [bound for m in (before, match) for bound in _BOUNDS if m[bound]]
    bounds += ["min"] * bool((bare and before["bare"] == "过") or re.search("[多余几]", odd)) + ["about"] * bool(said or spread or "来" in odd)
    bound = min(bounds, key=lambda b: b == "about", default=None)
    currency = _CURRENCIES[named] if named else "CNY"
    reading = {"value": int(value) if value == int(value) else float(value), "currency": currency, "bound": bound}
    start = before.start("said") if said else before.start("currency") if before["currency"] else match.start()
    return Found.at("money", reading, text, (start, match.end()), Money(value, currency).token if currency else "")


def _low(low: str, high: str) -> Decimal | None:
    """The lower end of a range, which borrows the unit of the upper end where it has none: 5到8百万, 500-800万."""
    low = re.sub(r"[个\s]", "", low).replace("w", "万")
    if not low.endswith(("万", "亿")) and (borrowed := re.search("[百千]?(?:万亿|万|亿)$", high)):
        low += borrowed[0].lstrip("百千") if re.search("[十百千]", low) else borrowed[0]
    return numeral(low)


_COUNTABLE = "产品|品种|专业|科室|项目|器械|药品?|新药|注册证|证|人|员工|医院|专利|批件|平台|公司|企业|试剂"
_COUNT = re.compile(
    r"(?:我们?|公司)?(?:一共|总共|共|大概|大约|约|目前|现在|就|只)?[有是]?\s?"
    rf"(?:(?P<count>{_SMALL})\s?(?:[个款项种件台套家位名](?:{_COUNTABLE})?|人|员工)?|(?P<year>(?:19|20)\d\d)年)(?:了|吧|的|左右)?[。.!,]?"
)


def read_number(text: str) -> Decimal | None:
    """The whole number that a whole message says: 3, 三个, 两款, 3个产品; None for anything else, ranges (两三个) and amounts too."""
    match = _COUNT.fullmatch(normalise(text).translate(_FOLD))
    number = numeral(re.sub(r"\s", "", match["count"] or match["year"])) if match else None
    return number if number is not None and number == number.to_integral_value() else None


# --- dates

_YEAR = r"(?:19[5-9]|20[0-4])\d"
_MONTH = r"(?:1[0-2]|0?[1-9]|十[一二]?|[一二三四五六七八九])"
_DAY = r"(?:3[01]|[12]\d|0?[1-9]|三十一?|二?十[一二三四五六七八九]?|[一二三四五六七八九])"
_YEARS = {"大前年": -3, "前年": -2, "去年": -1, "上年": -1, "上一年": -1, "今年": 0, "本年": 0, "明年": 1, "下一年": 1, "来年": 1, "后年": 2}
_MONTHS = {"上上个月": -2, "上个月": -1, "上月": -1, "本月": 0, "这个月": 0, "这月": 0, "下个月": 1, "下月": 1}
_DAYS = {"大前天": -3, "前天": -2, "昨天": -1, "昨日": -1, "今天": 0, "今日": 0, "明天": 1, "明日": 1, "后天": 2}
# 22年 is a year, 20年 more often a span: a small or round number must be followed by what happens in a year, and none by a span's words.
_HAPPENS = r"\s?(?:[底初末度]|\d{1,2}月|成立|注册|拿|获|取得|批|中标|中的|评|入选|认定|开始|完成|就)"
_SPAN = r"\s?(?:[内来前后间期了多老免租质保计行规]|以[上内后来前]|之[后前内]|的?经验|的?历史|左右|有余|时间)"
_SHORT_YEAR = (
    r"(?<![\d.近约共满了去来超过每第这前后有干长达租限期])"
    rf"(?P<short>0\d|(?:1[0-5]|[234]0)(?=年{_HAPPENS})|(?!1[0-5]|[234]0)[1-49]\d(?=年(?!{_SPAN})))年"
)
_RELATIVE = r"(?P<relative>大前年|(?<![最以之年\d])[前后]年|(?<!过)去年|(?<!以)上年|上一年|今年|本年|明年|下一年|(?<![未年近])来年)"
_EDGE = r"(?P<{}>[底末]|初(?![创步审期]))"
_DATE = re.compile(
    rf"(?=[\d{_DIGITS}十年大前后去上今本明下来昨这])(?:"
    rf"(?<![\d.\-/])(?P<numbers>{_YEAR}(?P<by>[-./])(?:1[0-2]|0?[1-9])(?:(?P=by)(?:3[01]|[12]\d|0?[1-9]))?)(?![\d\-/]|\.\d|\s?[万亿元%])"
    rf"|(?<![\da-z])(?P<digits>20[0-4]\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))(?![\da-z])"
    rf"|(?<!\d)(?P<since>{_YEAR})\s?年?\s?(?:[-~—–]+|至|到)\s?(?P<until>{_YEAR}(?!\d|\s?年?\s?{_MONTH}月)(?:\s?年)?)"
    rf"|(?:(?<!\d)(?P<year>{_YEAR})\s?年|(?P<words>[一二][{_DIGITS}]{{3}})年|{_SHORT_YEAR}|{_RELATIVE})"
    rf"(?:[度份]?\s?(?P<month>{_MONTH})月份?(?:\s?(?P<day>{_DAY})[日号])?|年?{_EDGE.format('edge')}|[度份])?"
    rf"|(?<![\d.每十年])(?P<month_only>{_MONTH})月份?(?!内|之内)(?:\s?(?P<day_only>{_DAY})[日号])?"
    rf"|(?<![每个半整])年{_EDGE.format('edge_only')}|(?P<near_month>{'|'.join(_MONTHS)})|(?P<near_day>{'|'.join(_DAYS)}))"
)
_YEAR_ALONE = re.compile(r"(?:是|在|就是|大概)?(199\d|20[0-4]\d)(?:吧|的)?[。.!]?")


def read_dates(text: str, today: date) -> list[Found]:
    """Years, months and days as `2025`, `2025-11` or `2025-11-03`, counted from `today`; spans of time (两年, 3年内) are no dates."""
    text = normalise(text)
    folded = text.translate(_FOLD)
    if alone := _YEAR_ALONE.fullmatch(folded):
        return [Found.at("date", alone[1], text, alone.span(1))]
    result = []
    for match in _DATE.finditer(folded):
        if match["since"]:
            result += [Found.at("date", match["since"], text, match.span("since")), Found.at("date", match["until"][:4], text, match.span("until"))]
        elif value := _date(match, today):
            result.append(Found.at("date", value, text, match.span()))
    return result


def _date(match: re.Match[str], today: date) -> str | None:
    if match["near_day"]:
        return (today + timedelta(days=_DAYS[match["near_day"]])).isoformat()
    if match["near_month"]:
        months = today.year * 12 + today.month - 1 + _MONTHS[match["near_month"]]
        return f"{months // 12}-{months % 12 + 1:02}"
    if numbers := match["numbers"] or match["digits"]:
        parts = [int(part) for part in (re.split(r"[-./]", numbers) if match["by"] else (numbers[:4], numbers[4:6], numbers[6:]))]
    else:
        year = int(match["year"] or (_positional(match["words"]) if match["words"] else 0))
        if match["short"]:
            year = 2000 + int(match["short"])
            year -= 100 * (year > today.year + 5)
        elif not year:
            year = today.year + _YEARS.get(match["relative"], 0)
        edge = match["edge"] or match["edge_only"]
        month = ("1" if edge == "初" else "12") if edge else match["month"] or match["month_only"]
        parts = [year, *(int(numeral(part) or 0) for part in (month, match["day"] or match["day_only"]) if part)]
    try:
        date(*parts, *(1,) * (3 - len(parts)))
    except ValueError:  # 2月30日
        return None
    return None if not 1950 <= parts[0] <= 2049 else "-".join(f"{part:02}" for part in parts)


# --- telephone numbers and e-mail addresses

_PHONE = re.compile(
    r"(?=[\d+(])(?:(?<![\da-z])(?:(?:\+|00)?86[-\s]?)?(?P<mobile>1[3-9]\d[-\s]?\d{4}[-\s]?\d{4})"
    r"|(?<![\da-z])(?:(?:\+|00)86[-\s]?\(?0?|\(?0)(?P<area>10|2\d|[3-9]\d{2})\)?[-\s]?(?P<line>[1-9]\d{3}[-\s]?\d{3,4})(?!\d)(?:\s?[-转]\s?(?P<extension>\d{1,5}))?"
    r"|(?<![\da-z+-])(?P<free>[48]00(?:[-\s]?\d){7}))(?![\da-z]|\s?[元万亿块])"
)
_EMAIL = re.compile(r"(?<![a-z\d._%+-])[a-z\d._%+-]{1,64}@[a-z\d-]+(?:\.[a-z\d-]+)*(?:\.[a-z]{2,}|。(?:com|cn|net|org)(?![a-z]))")


def read_contacts(text: str) -> list[Found]:
    """Telephone numbers (digits only, without +86, an extension after a dash) and e-mail addresses."""
    text = normalise(text)
    result = [Found.at("email", m[0].replace("。", "."), text, m.span()) for m in _EMAIL.finditer(text)]
    for match in _PHONE.finditer(text):
        number = match["mobile"] or match["free"] or f"0{match['area']}{match['line']}"
        extension = f"-{match['extension']}" if match["extension"] else ""
        result.append(Found.at("phone", re.sub(r"\D", "", number) + extension, text, match.span()))
    return sorted(result, key=lambda f: f.start)
