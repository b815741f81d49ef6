"""Amounts of money in messages, as people type them: 1.2个亿, 三千万美金, 300w, 不到5亿, 六七百万, USD 30 million, 1.5m RMB."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal

from knowledge.money import CURRENCIES, LIMIT, Money
from knowledge.numerals import ARABIC, DIGITS, FOLD, SMALL, VALUES, Found, normalise, numeral

_PAIR = re.compile(r"([一二两三四五六七八])([两二三四五六七八九])(?=[十百千万亿]|$)")

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

_WAN = r"(?:万|(?<=[\d\s多个])w(?![a-z\d]))"
_ODD = r"\s?(?:[多来余几]\s?)?个?[多来]?\s?"
# What may follow 万 and 亿: the next lower unit, 零, a lone digit (一亿二, 3万5), or digits that a currency ends.
_COUNTED = rf"[\d.,{DIGITS}十百千个类期年月日号轮成季方级次项款家种人名位台套件代线手者等倍%]"
_CLOSED = r"(?=$|[\s,。;、!?)的吧呢啊了元块美欧港]|左右|以上|以下|以内|上下)"
_TAIL = rf"[\d{DIGITS}]千[\d{DIGITS}百十]*|零[{DIGITS}百十千]+|[\d二三四五六七八九](?!{_COUNTED})|一{_CLOSED}|\d{{2,4}}(?=\s?[元块])"
_LARGE = rf"(?:{SMALL}{_ODD}亿(?:零?{SMALL}{_WAN})?+|{SMALL}{_ODD}(?:万亿|{_WAN})|(?<=[上过近超])亿)(?:{_TAIL})?+"

_BOUNDS = {
    "max": "不超过|不超|不到|不足|不满|不多于|不高于|不大于|没超过|未超过|少于|低于|小于|最多|至多|顶多|最高|上限|未达|没到|小于等于|[<≤]=?",
    "min": "至少|最少|不少于|不低于|不小于|不止|不只|起码|超过|多于|大于|高于|超出|超|逾|突破|破|[>≥]=?",
    "about": "(?<![节预签合制契])大?约|大概|差不多|将近|接近|(?<![最附])近|大致|~|估摸着?",
}
_BOUNDS_AFTER = {
    "max": r"以下|以内|之内|都?(?:不到|不足)(?!\s?[\d一二三四五六七八九十两几])|封顶|为限",
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
    rf"(?=[\d{DIGITS}十百千半亿])(?:(?<![{DIGITS}十百千几数第.])(?=[{DIGITS}十百千半亿])|(?<![\da-z第])(?<!\d[.,])(?=\d)|(?<=rmb|cny|usd|eur|hkd|jpy|gbp|twd)(?=\d))"
    rf"(?:(?P<low>{SMALL}(?:个?[万亿w])?)\s?(?:元|{_CURRENCY})?\s?(?:[-~—–]+|到|至)\s?(?=[\d{DIGITS}十百千]))?"
    rf"(?:(?P<large>{_LARGE})|(?P<small>{SMALL}))(?P<odd>[多来余几](?=\s?[元块]))?"
    rf"(?:\s?(?P<unit>元(?![件素旦宵论化]|催化|正极|材料)|块钱|块|钱))?(?:\s?\(?(?P<currency>{_CURRENCY})\)?)?"
    rf"(?(unit)|(?(currency)|(?!\s?(?:{_THINGS}))))(?:\s?(?:一年|每年|/年|一次性)?(?:{_EITHER_AFTER}))?"
)
_BEFORE = re.compile(
    rf"(?P<said>(?:{_EITHER}|(?P<bare>[上过]了?))\s?(?:[有是为要在给补奖投贷借拿达到批能可以励需花缺用做]|补贴|补助|资助|支持|扶持){{0,4}})?\s?(?P<currency>{_CURRENCY})?\s?:?\s?$"
)


def read_money(text: str) -> list[Found]:
    """Amounts of money; value: {"value", "currency" (None where we do not know the named one), "bound": None, "min", "max" or "about"}.

    A range is two amounts, the lower one a minimum and the upper one a maximum. A sum with a minus sign is negative.
    """
    text = normalise(text)
    folded = text.translate(FOLD)
    result = [] if not _LATIN.search(folded) else list(_english(text, folded))
    for found in result:
        folded = folded[: found.start] + "□" * (found.end - found.start) + folded[found.end :]
    end = 0
    for match in _AMOUNT.finditer(folded):
        result += _amount(text, folded, match, end)
        end = match.end()
    return sorted(result, key=lambda found: found.start)


_MINUS = re.compile(rf"(?<![\da-z{DIGITS}年月日号期轮千百十万亿元块%)\-−–—~])(?:[-−]|(?<![正抱自])负\s?)$")
"""A sign right before an amount, beside nothing that would make it a range, a period or a dash (300-500万, 2020-2022, A-500万, --500万)."""


def _found(text: str, span: tuple[int, int], value: Decimal, currency: str | None, bound: str | None) -> Found:
    """The sum; one below zero has no token, since no sum that is asked for can be."""
    if minus := _MINUS.search(text, 0, span[0]):
        reading = {"value": -(int(value) if value == int(value) else float(value)), "currency": currency, "bound": bound}
        return Found.at("money", reading, text, (minus.start(), span[1]), "")
    reading = {"value": int(value) if value == int(value) else float(value), "currency": currency, "bound": bound}
    return Found.at("money", reading, text, span, Money(value, currency).token if currency else "")


def _amount(text: str, folded: str, match: re.Match[str], after_last: int) -> Iterator[Found]:
    before = _BEFORE.search(folded, max(after_last, match.start() - 16), match.start())
    if before is None:  # pragma: no cover - every part of the pattern is optional
        return
    large, unit, after = match["large"], match["unit"], folded[match.end() :][:1]
    named = match["currency"] or before["currency"]
    number = large or match["small"]
    words = re.sub(r"[多来余几个\s]", "", number.replace("w", "万"))
    pair = _PAIR.search(words)
    spread = pair is not None and 0 < VALUES[pair[2]] - VALUES[pair[1]] <= 2
    if pair and spread:  # 六七百万
        words = words[: pair.start(2)] + words[pair.end(2) :]
    value = numeral(words)
    if value is None or value >= LIMIT or not (large or unit or named):
        return
    bare = not re.search(rf"^十|[\d{DIGITS}半]", words)  # 百万元, 上千万, 过亿, but not 千万别, 百万医疗险
    said = before["said"] if bare or not before["bare"] else None
    if bare and not (said or unit or named or match.end() > match.end("large")):
        return
    if (
        not large
        and not named
        and (
            (unit in ("块", "钱") and value < 100 and re.match(r"[^钱一每左多的吗吧\W]", after))
            or (unit == "元" and words in VALUES and after.isalpha())
        )
    ):
        return  # 三块地, 三元材料
    if not (large or unit or match["currency"]) and re.match(r"[a-z\d%]", after):  # $5x
        return
    currency = _CURRENCIES[named] if named else "CNY"
    start = before.start("said") if said else before.start("currency") if before["currency"] else match.start()
    low = _low(match["low"], words) if match["low"] else None
    if low is not None and low < value:
        upper = match.start("large") if large else match.start("small")
        yield _found(text, (start, match.end("low")), low, currency, "min")
        yield _found(text, (upper, match.end()), value, currency, "max")
        return
    odd = number + (match["odd"] or "")
    bounds = [bound for m in (before, match) for bound in _BOUNDS if m[bound]]
    bounds += ["min"] * bool((bare and (before["bare"] or "").startswith("过")) or re.search("[多余几]", odd))
    bounds += ["about"] * bool(said or spread or "来" in odd)
    yield _found(text, (start, match.end()), value, currency, min(bounds, key=lambda b: b == "about", default=None))


def _low(low: str, high: str) -> Decimal | None:
    """The lower end of a range, which borrows the unit of the upper end where it has none: 5到8百万, 500-800万."""
    low = re.sub(r"[个\s]", "", low).replace("w", "万")
    if not low.endswith(("万", "亿")) and (borrowed := re.search("[百千]?(?:万亿|万|亿)$", high)):
        low += borrowed[0].lstrip("百千") if re.search("[十百千]", low) else borrowed[0]
    return numeral(low)


# --- in English

_LATIN = re.compile("(?<![a-z])(?:k|m|mn|mm|mil|b|bn|thousand|hundred|million|billion|yuan|dollar|buck|euro|pound|yen|renminbi)s?(?![a-z])")
_SIGNS: Mapping[str, str | None] = {
    **dict.fromkeys(["rmb", "cny", "cn¥", "¥"], "CNY"),
    **dict.fromkeys(["us$", "usd", "$"], "USD"),
    **dict.fromkeys(["eur", "€"], "EUR"),
    **dict.fromkeys(["hk$", "hkd"], "HKD"),
    **dict.fromkeys(["nt$", "ntd", "twd"], "TWD"),
    **dict.fromkeys(["gbp", "£"], "GBP"),
    "jpy": "JPY",
    **dict.fromkeys(["krw", "sgd", "s$", "aud", "a$", "cad", "c$", "chf", "inr", "myr", "thb", "rub"]),
}
_MONEYS: Mapping[str, str | None] = {
    **{sign: code for sign, code in _SIGNS.items() if sign.isalpha()},
    **dict.fromkeys(["yuan", "renminbi", "chinese yuan"], "CNY"),
    **dict.fromkeys(["us dollar", "us dollars", "u.s. dollars", "dollar", "dollars", "bucks"], "USD"),
    **dict.fromkeys(["euro", "euros"], "EUR"),
    **dict.fromkeys(["hong kong dollars", "hk dollars"], "HKD"),
    **dict.fromkeys(["new taiwan dollars", "nt dollars", "taiwan dollars"], "TWD"),
    **dict.fromkeys(["yen", "japanese yen"], "JPY"),
    **dict.fromkeys(["pound", "pounds", "pounds sterling", "sterling"], "GBP"),
    **dict.fromkeys(["won", "korean won", "swiss francs", "francs", "rupees", "singapore dollars", "australian dollars", "canadian dollars"]),
}
_SIGN = "|".join(re.escape(sign) for sign in sorted(_SIGNS, key=len, reverse=True))
_CALLED = "|".join(re.escape(name) for name in sorted(_MONEYS, key=len, reverse=True))
_SCALES = {"k": 10**3, "thousand": 10**3, **dict.fromkeys(["m", "mn", "mm", "mil", "million"], 10**6), **dict.fromkeys(["b", "bn", "billion"], 10**9)}
_SCALE = r"(?:thousand|million|billion|mil|mn|mm|bn|[kmb])(?:s)?(?![a-z0-9])"
_ONES = dict(zip(["a", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "fifteen", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"],
                 (1, *range(1, 13), 15, *range(20, 91, 10)), strict=True))  # fmt: skip
_WORD = "|".join(sorted(_ONES, key=len, reverse=True))
_WORDED = rf"half a|one and a half|(?:{_WORD})(?:[ -](?:{_WORD}|hundred)){{0,2}}(?= (?:thousand|million|billion))|(?:{_WORD}) hundred|hundred(?= (?:thousand|million))"
_MAX = r"under|below|(?:less|lower|fewer|no more|not more) than|up to|at most|max(?:imum)?(?: of)?|within|capped at|not exceeding|[<≤]=?"
_MIN = r"over|above|(?:more|greater|higher|no less|not less) than|at least|exceed(?:s|ed|ing)?|min(?:imum)?(?: of)?|beyond|north of|[>≥]=?"
_ABOUT = r"about|around|approx(?:imately|\.)?|roughly|some|nearly|almost|circa|ca\.|close to|~"
_ENGLISH = re.compile(
    rf"(?:(?<![a-z0-9])(?:(?P<max>{_MAX})|(?P<min>{_MIN})|(?P<about>{_ABOUT})) ?(?:an?(?: total| budget| grant| loan)? (?:of )?)?)?"
    rf"(?<![\d.,])(?:(?<![a-z])(?P<sign>{_SIGN})[ :]?)?"
    rf"(?:(?P<low>(?<![a-z\d-]){ARABIC}) ?(?P<low_scale>{_SCALE})?(?: (?:{_CALLED})(?![a-z]))? ?(?:-|~|–|—|to|and) ?(?:(?:{_SIGN}) ?)?(?=\d))?"
    rf"(?:(?P<number>(?<![a-z\d.-]){ARABIC}|(?<=rmb|cny|usd|eur|hkd|jpy|gbp|twd){ARABIC}|(?<=[-~–—]){ARABIC})|(?<![a-z])(?P<worded>{_WORDED}))(?: ?-?(?P<scale>{_SCALE}))?"
    rf"(?: ?(?P<called>{_CALLED})(?![a-z]))?"
    r"(?P<after> ?(?:(?P<after_max>or (?:less|below)|max(?:imum)?|cap(?:ped)?|tops|at most)|(?P<after_min>or (?:more|above)|plus|\+|and (?:up|above)|minimum)|(?P<after_about>or so|-?ish))(?![a-z]))?"
)
_IS_FOR = re.compile(
    r"(?:$|[,.;!?)/\u4e00-\u9fff]| (?:a|an|per|each|for|in|of|to|from|on|as|at|by|with|and|or|but|is|was|are|can|do|if|that|so|before|after|this|last|next|total|capital|pls|please|how|what|which|any"
    r"|loan|credit|grant|round|seed|series|angel|investment|invested|subsidy|subsid\w+|revenue|sales|turnover|funding|fund|budget|bridge|reward|bonus|cash|deal|ticket|deposit|rent|project|plant|support|financing)\b)"
)
_LENGTH = re.compile(r"(?:high|height|length|long|wide|width|depth|ceiling|clear|span|distance|tall)\W{0,2}(?:of |is )?$|[\u4e00-\u9fff]$")


def _english(text: str, folded: str) -> Iterator[Found]:
    """Amounts in English words: USD 30 million, 1.5m RMB, half a million dollars, under 40k a month."""
    for match in _ENGLISH.finditer(folded):
        scale, named = match["scale"], match["called"] or match["sign"]
        if not (scale or match["called"]) or (match["worded"] and not scale):
            continue
        if match["number"] == "510" and scale == "k" and not named:
            continue  # FDA 510k
        short = scale in ("k", "m", "b", "mm", "mil")
        if not named and not _IS_FOR.match(folded, match.end()):
            continue  # 3 million doses
        if short and not named and _LENGTH.search(folded, max(0, match.start() - 14), match.start()):
            continue  # 层高5m
        unit = Decimal(_SCALES[scale.rstrip("s")] if scale else 1)
        value = (numeral(match["number"]) if match["number"] else _worded(match["worded"])) or Decimal(0)
        value *= unit
        if value >= LIMIT:
            continue
        currency = (_MONEYS[match["called"]] if match["called"] else _SIGNS[match["sign"]]) if named else "CNY"
        if (
            match["low"]
            and (low := (numeral(match["low"]) or Decimal(0)) * (_SCALES[match["low_scale"].rstrip("s")] if match["low_scale"] else unit)) < value
        ):
            yield _found(text, (match.start(), match.end("low")), low, currency, "min")
            yield _found(text, (match.start("number"), match.end()), value, currency, "max")
            continue
        bound = next((b for b in ("max", "min", "about") if match[b] or match[f"after_{b}"]), None)
        yield _found(text, match.span(), value, currency, bound)


def _worded(words: str) -> Decimal:
    if words in ("half a", "one and a half"):
        return Decimal("0.5" if words == "half a" else "1.5")
    value = 0
    for word in re.split("[ -]", words):
        value = max(value, 1) * 100 if word == "hundred" else value + _ONES[word]
    return Decimal(value)
