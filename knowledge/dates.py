"""Dates in messages: years, months and days as people type them (去年3月, 21年底, 上个月, March 2024, last year)."""

from __future__ import annotations

import re
from datetime import date, timedelta

from knowledge.numerals import DIGITS, FOLD, Found, normalise, numeral, positional

_YEAR = r"(?:19[5-9]|20[0-4])\d"
_MONTH = r"(?:1[0-2]|0?[1-9]|十[一二]?|[一二三四五六七八九])"
_DAY = r"(?:3[01]|[12]\d|0?[1-9]|三十一?|二?十[一二三四五六七八九]?|[一二三四五六七八九])"
_YEARS = {"大前年": -3, "前年": -2, "去年": -1, "上年": -1, "上一年": -1, "今年": 0, "本年": 0, "明年": 1, "下一年": 1, "来年": 1, "后年": 2}
_MONTHS = {
    "上上个月": -2,
    "上上月": -2,
    "上个月": -1,
    "上月": -1,
    "本月": 0,
    "这个月": 0,
    "这月": 0,
    "当月": 0,
    "下下个月": 2,
    "下个月": 1,
    "下月": 1,
}
_DAYS = {
    "大前天": -3,
    "前天": -2,
    "前日": -2,
    "昨天": -1,
    "昨日": -1,
    "昨晚": -1,
    "今天": 0,
    "今日": 0,
    "今早": 0,
    "明天": 1,
    "明日": 1,
    "大后天": 3,
    "后天": 2,
}
# 22年 is a year, 20年 more often a span: a small or round number must be followed by what happens in a year, and none by a span's words.
_HAPPENS = r"\s?(?:[底初末度]|\d{1,2}月|成立|注册|拿|获|取得|批|中标|中的|评|入选|认定|开始|完成|就)"
_SPAN = r"\s?(?:[内来前后间期了多老免租质保计行规]|以[上内后来前]|之[后前内]|的?经验|的?历史|左右|有余|时间)"
_SHORT_YEAR = (
    r"(?<![\d.近约共满了去来超过每第这前后有干长达租限期])"
    rf"(?P<short>0\d|(?:1[0-5]|[234]0)(?=年{_HAPPENS})|(?!1[0-5]|[234]0)[1-49]\d(?=年(?!{_SPAN})))年"
)
_RELATIVE = r"(?P<relative>大前年|(?<![最以之年\d])[前后]年|(?<!过)去年|(?<!以)上年|上一年|今年|本年|明年|下一年|(?<![未年近])来年)"
_EDGE = r"(?P<{}>[底末]|初(?![创步审期]))"
# A bare year is one where nothing counts in it and nothing is called after it: 2026的呢, 2024拿的证, but not 2025行动计划, 2000批.
_BARE_YEAR = r"(?<![\d.+a-z-])(?<!\d,)(?<![\u4e00-\u9fff])(?P<bare>20[0-4]\d)(?=的|那|[,\s]*(?:才|就|刚|拿|注册|成立|中标|评|获|取得|批)|\s?(?:全年|财年|营收|年末))"
_MARKED = r"(?=\s?(?:那天|当天|号|日|提交|交的|报的|递|截止|之?前交))"
_DATE = re.compile(
    rf"(?=[\d{DIGITS}十年大前后去上今本明下来昨这月当])(?:"
    rf"(?<![\d.\-/a-z])(?<![a-z]-)(?P<numbers>{_YEAR}(?P<by>[-./])(?:1[0-2]|0?[1-9])(?:(?P=by)(?:3[01]|[12]\d|0?[1-9]))?)(?![\d\-/]|\.\d|\s?[万亿元%])"
    rf"|(?<![\da-z])(?<![a-z]-)(?P<digits>20[0-4]\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))(?![\da-z]|-\d)"
    rf"|(?<!\d)(?P<since>{_YEAR})\s?年?\s?(?:[-~—–]+|至|到|和|、)\s?(?P<until>{_YEAR}(?!\d|\s?年?\s?{_MONTH}月)(?:\s?年)?)"
    rf"|(?:(?<!\d)(?P<year>{_YEAR})\s?年|(?P<words>[一二][{DIGITS}]{{3}})年|{_SHORT_YEAR}|{_RELATIVE})"
    rf"(?:[度份]?的?\s?(?P<month>{_MONTH})月份?(?:\s?(?P<day>{_DAY})[日号])?|年?{_EDGE.format('edge')}|[度份])?"
    rf"|(?<![\d.每十年])(?P<month_only>{_MONTH})月份?(?!内|之内)(?:\s?(?P<day_only>{_DAY})[日号])?"
    rf"|(?<![\d./])(?P<slash>(?:1[0-2]|0?[1-9])[/.](?:3[01]|[12]\d|0?[1-9])){_MARKED}"
    rf"|(?<![每个半整])年{_EDGE.format('edge_only')}|(?P<near_month>{'|'.join(_MONTHS)}|(?<![每个半整上下本这\d{DIGITS}十])月[底末](?=前|之前|截止|要|能|会|[\s,。]))"
    rf"|(?P<near_day>{'|'.join(_DAYS)})|{_BARE_YEAR})"
)
_YEAR_ALONE = re.compile(r"(?:是|在|就是|大概|in )?(199\d|20[0-4]\d)(?:吧|的)?[。.!]?")
# Words that point ahead: 预计3月拿证, 12月截止, by March.
_AHEAD_BEFORE = re.compile(
    r"(?:预计|计划|打算|准备|争取|等到?|估计|预期|赶在|目标|拟|将|(?<!主|只|重)要(?:到|等)?|\b(?:by|next|until|due|before|expect\w*|plan\w*|this coming|deadline)(?: (?:in|on|is))?)\s?$"
)
_AHEAD_AFTER = re.compile(
    r"\s?(?:截止|截至|到期|之?前|应该能|能(?:下来|拿|批|到|出|中)|才能|会(?:下来|拿|批|到)|要(?:开|交|申?报|办|拿)|开始申报|的?(?:路演|大会|论坛|培训))|\s?deadline"
)

_NAMES = (
    "jan(?:uary)?",
    "feb(?:ruary)?",
    "mar(?:ch)?",
    "apr(?:il)?",
    "may",
    "june?",
    "july?",
    "aug(?:ust)?",
    "sept?(?:ember)?",
    "oct(?:ober)?",
    "nov(?:ember)?",
    "dec(?:ember)?",
)
_NAMED = [re.compile(name) for name in _NAMES]
_MONTH_NAME = "(?:" + "|".join(_NAMES) + r")\b\.?"
_DAY_NUMBER = r"(?:3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?(?![\d:%.]|\s?(?:million|rmb|usd|k\b|m\b))"
_OF_YEAR = rf"(?:,? (?:of )?(?P<{{}}>{_YEAR}|last year|this year|next year)\b)"
_ENGLISH = re.compile(
    rf"\b(?:(?P<edge>end|beginning|start) of (?:the )?)?(?:"
    rf"(?P<day>{_DAY_NUMBER}) (?:of )?(?P<day_month>{_MONTH_NAME}){_OF_YEAR.format('day_year')}?"
    rf"|(?P<month_day>{_MONTH_NAME}) (?P<month_day_number>{_DAY_NUMBER})\b{_OF_YEAR.format('month_day_year')}?"
    rf"|(?P<month>{_MONTH_NAME}){_OF_YEAR.format('month_year')}"
    rf"|(?:(?P<quarter>q[1-4])|h[12])[ -]?(?:of )?(?P<quarter_year>{_YEAR})\b"
    rf"|(?P<year>last|this|next) year(?P<late>[- ]end)?|(?P<relative_month>last|this|next) month|(?P<near_day>yesterday|today|tomorrow|day before yesterday))\b"
    rf"|\b(?:in|since|by|from|of|until|year|fy|during|for|for the year|around|founded|established|before|after|late|early|mid|between|and|to) ?-?(?P<bare>{_YEAR})\b(?![\d.,]*\d|\s?(?:l|批|[a-z]*meters?|sqm|square|people|units?|doses|rmb|yuan|usd|employees|staff|million|万|平|人)\b)"
)
_SINCE_MONTH = re.compile(
    rf"\b(?:in|since|last|by|until|from|this|next|during|early|late|mid|of|before|after|until|back in)[ -](?P<name>{_MONTH_NAME})(?! (?:\d|last year|this year|next year))"
)
_STEP = {"last": -1, "this": 0, "next": 1}
_NEAR = {"yesterday": -1, "today": 0, "tomorrow": 1, "day before yesterday": -2}


def read_dates(text: str, today: date) -> list[Found]:
    """Years, months and days as `2025`, `2025-11` or `2025-11-03`, counted from `today`; spans of time (两年, 3年内) are no dates.

    A month or day without a year is the nearest past one, unless the words point ahead (预计3月拿证).
    """
    text = normalise(text)
    folded = text.translate(FOLD)
    if alone := _YEAR_ALONE.fullmatch(folded):
        return [Found.at("date", alone[1], text, alone.span(1))]
    result = []
    for match in _DATE.finditer(folded):
        if match["since"]:
            result += [Found.at("date", match["since"], text, match.span("since")), Found.at("date", match["until"][:4], text, match.span("until"))]
        elif value := _date(match, today):
            result.append(Found.at("date", value, text, match.span()))
    if _LETTERS.search(folded):
        result += [Found.at("date", value, text, span) for value, span in _english(folded, today)]
    return result


_LETTERS = re.compile(r"[a-z]{2}|[qh]\d")


def _date(match: re.Match[str], today: date) -> str | None:
    if match["near_day"]:
        return (today + timedelta(days=_DAYS[match["near_day"]])).isoformat()
    if near := match["near_month"]:
        return _months_from(today, _MONTHS.get(near, 0))
    if match["bare"]:
        return match["bare"]
    if numbers := match["numbers"] or match["digits"]:
        parts = [int(part) for part in (re.split(r"[-./]", numbers) if match["by"] else (numbers[:4], numbers[4:6], numbers[6:]))]
    elif alone := match["month_only"] or match["slash"]:
        spoken = re.split("[/.]", alone) if match["slash"] else [part for part in (alone, match["day_only"]) if part]
        parts = _nearest([int(numeral(part) or 0) for part in spoken], today, _points_ahead(match.string, *match.span()))
    else:
        year = int(match["year"] or (positional(match["words"]) if match["words"] else 0))
        if match["short"]:
            year = 2000 + int(match["short"])
            year -= 100 * (year > today.year + 5)
        elif not year:
            year = today.year + _YEARS.get(match["relative"], 0)
        edge = match["edge"] or match["edge_only"]
        month = ("1" if edge == "初" else "12") if edge else match["month"]
        parts = [year, *(int(numeral(part) or 0) for part in (month, match["day"]) if part)]
    return _printed(parts)


def _printed(parts: list[int]) -> str | None:
    try:
        date(*parts, *(1,) * (3 - len(parts)))
    except (ValueError, TypeError):  # 2月30日
        return None
    return None if not 1950 <= parts[0] <= 2049 else "-".join(f"{part:02}" for part in parts)


def _months_from(today: date, step: int) -> str:
    months = today.year * 12 + today.month - 1 + step
    return f"{months // 12}-{months % 12 + 1:02}"


def _points_ahead(text: str, start: int, end: int) -> bool:
    return bool(_AHEAD_BEFORE.search(text, max(0, start - 12), start) or _AHEAD_AFTER.match(text, end))


def _nearest(parts: list[int], today: date, ahead: bool) -> list[int]:
    """The year, month and day meant by a month (and day): the last one that has begun, or the next where the words point ahead."""
    now = [today.month, today.day][: len(parts)]
    return [today.year + (parts < now if ahead else -(parts > now)), *parts]


def _english(text: str, today: date) -> list[tuple[str, tuple[int, int]]]:
    """Dates in English words, with where they stand."""
    found = []
    for match in _ENGLISH.finditer(text):
        if value := _english_date(match, today):
            found.append((value, match.span("bare") if match["bare"] else match.span()))
    taken = [span for _, span in found]
    for match in _SINCE_MONTH.finditer(text):
        start, end = match.span("name")
        if not any(start < e and s < end for s, e in taken):
            value = _printed(_nearest([_number_of(match["name"])], today, _points_ahead(text, start, end)))
            found += [(value, (start, end))] if value else []
    return found


def _english_date(match: re.Match[str], today: date) -> str | None:
    if match["near_day"]:
        return (today + timedelta(days=_NEAR[match["near_day"]])).isoformat()
    if match["relative_month"]:
        return _months_from(today, _STEP[match["relative_month"]])
    if match["bare"] or match["quarter_year"]:
        return match["bare"] or match["quarter_year"]
    if match["year"]:
        edge = "12" if match["late"] or match["edge"] == "end" else "01" if match["edge"] else ""
        return f"{today.year + _STEP[match['year']]}{'-' * bool(edge)}{edge}"
    month, day = match["day_month"] or match["month_day"] or match["month"], match["day"] or match["month_day_number"]
    parts = [_number_of(month), *([int(re.sub(r"\D", "", day))] if day else [])]
    year = match["day_year"] or match["month_day_year"] or match["month_year"]
    if not year:
        return _printed(_nearest(parts, today, _points_ahead(match.string, *match.span())))
    return _printed([int(year) if year.isdigit() else today.year + _STEP[year.split()[0]], *parts])


def _number_of(month: str) -> int:
    return next(number for number, name in enumerate(_NAMED, 1) if name.fullmatch(month.rstrip(".")))
