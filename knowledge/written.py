"""One fact as a person writes it in a file or a table: read into its answer token, or refused with what is wrong and how to write it.

Unlike in a talk nothing is guessed: what is written must be the whole value, so that a program or a table says exactly what it means.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from difflib import get_close_matches

from knowledge.facts import FactType, Region, Segment
from knowledge.money import CURRENCIES, LIMIT, NAMES, Money
from knowledge.numerals import DIGITS, FOLD, normalise, numeral
from knowledge.rules import NONE, UNKNOWN

Value = str | None | Sequence["Value"] | Mapping[str, "Value"]
FIRST_YEAR = 1980
LONGEST = 60
"""Characters of a single value; a list of choices may have as many for each."""
COUNTS_BELOW = 10**9

_UNKNOWN = frozenset({UNKNOWN, "不清楚", "不知道", "不确定", "未知", "?"})
_NONE = frozenset({NONE, "无", "没有", "都没有"})
_FLAGS = {**dict.fromkeys(("yes", "y", "true", "是", "有"), "yes"), **dict.fromkeys(("no", "n", "false", "否", "不是", "没有", "无"), "no")}
_CURRENCIES = {
    **CURRENCIES,
    **{code.lower(): code for code in NAMES},
    "rmb": "CNY",
    "¥": "CNY",
    "元人民币": "CNY",
    "元整": "CNY",
    "$": "USD",
    "us$": "USD",
    "€": "EUR",
    "£": "GBP",
}
_SEPARATORS = re.compile(r"\s*[,、;\n]\s*")
_NO_NUMBER = re.compile(r"[-+]?\.?(?:nan|inf|infinity|无穷大?|∞)|#\S+!?|#n/a")
_POWER = re.compile(r"\d\.?e[-+]?\d", re.ASCII)
_SCIENCE = re.compile(r"[-+]?\d+(?:\.\d+)?e[-+]?\d+", re.ASCII)
_ONE = rf"[1-9{DIGITS[1:]}]"
_LONE = re.compile(rf"[百千万亿]{_ONE}$|[百千]{_ONE}万|[百千万]{_ONE}亿")
"""A digit after a unit without one of its own: 三万五 is 35000 as people talk, but with 元 after it (or 1.5亿5) nobody knows."""
_DECIMALS = 8
"""Decimals of a sum that are kept."""
_MONEY = re.compile(rf"(?P<head>[^-+\d.,{DIGITS}十百千万亿半点]*)(?P<number>[-+\d.,{DIGITS}十百千万亿半点]*)(?P<tail>.*)", re.ASCII)


class RefusedError(Exception):
    """A value that is not taken: `what` is wrong, and how to `fix` it, both in Chinese."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(f"{what}；{fix}")
        self.what = what
        self.fix = fix


@dataclass(frozen=True)
class Written:
    """How one fact may be written; `words` are the choices in every form in which they are taken."""

    fact: FactType
    words: Mapping[str, str]
    choices: tuple[tuple[str, str], ...] = ()
    """Tokens and labels, in the order of the vocabulary."""

    @classmethod
    def of(cls, fact: FactType, regions: Iterable[Region], segments: Iterable[Segment]) -> Written:
        """Prepare a fact: tokens and labels come before aliases, and a word that two choices share is none."""
        match fact.type, fact.key:
            case "region", _:
                choices = [(r.id, (r.name, r.id, r.en), r.aliases) for r in regions]
            case _, "segment":
                choices = [(s.id, (s.name, s.id, s.en), s.aliases) for s in segments]
            case "flag", _:
                return cls(fact, _FLAGS, (("yes", "是"), ("no", "否")))
            case _:
                choices = [(o.token, (o.label.zh, o.token, o.label.en), o.aliases) for o in fact.options]
        words: dict[str, str] = {}
        for names in (1, 2):
            found: dict[str, set[str]] = {}
            for choice in choices:
                for word in choice[names]:
                    found.setdefault(_plain(word), set()).add(choice[0])
            words = {**{word: min(tokens) for word, tokens in found.items() if len(tokens) == 1}, **words}
        return cls(fact, words, tuple((token, names[0]) for token, names, _ in choices))

    def token(self, value: Value, today: date) -> str:
        """The token that a value stands for; RefusedError where it is none."""
        if self.fact.type == "choices":
            return self._several(value)
        if not isinstance(value, str):
            if not value:
                raise self._empty()
            if isinstance(value, Sequence) and len(value) > 1 and self.words:
                raise RefusedError(f"写了 {len(value)} 个，这一项只能选一个", self._choose())
            raise RefusedError("写成了列表或一组字段", self.how())
        if len(value) > LONGEST:
            raise RefusedError(f"太长，最多 {LONGEST} 个字", self.how())
        text = _plain(value)
        if not text:
            raise self._empty()
        if text in _UNKNOWN and self.fact.type != "region":
            return UNKNOWN
        match self.fact.type:
            case "choice" | "flag" | "region":
                return self._one(value, text)
            case "money":
                return self._money(value, text)
            case "number":
                return self._count(value, text, today)
            case "date":
                return self._day(value, text)
            case _:
                return value.strip()

    def _empty(self) -> RefusedError:
        return RefusedError("是空的", self.how() + ("" if self.fact.type == "region" else "；不清楚就写 unknown，没问过就不写这一项"))

    def how(self) -> str:
        """How the fact is written, for whoever wrote it wrongly."""
        match self.fact.type:
            case "money":
                return f"写成 3000万{self.fact.unit} 这样的金额" if self.fact.unit else "写成 300万元 或 3000万美元"
            case "number":
                return "写年份，例如 2022" if self.fact.unit == "年" else "写个数，例如 2"
            case "date":
                return "写成 2022-06-01 这样的年-月-日"
            case "choice" | "choices" | "flag" | "region":
                return self._choose()
            case _:
                return "写一句话"

    def _choose(self) -> str:
        if self.fact.type == "flag":
            return "写 是 或 否"
        shown = [f"{token}（{label}）" for token, label in self.choices]
        several = "，几项之间用逗号分开；都没有就写 none" if self.fact.type == "choices" else ""
        return "可以写：" + "、".join(shown[:20]) + ("……" if len(shown) > 20 else "") + several

    def _unread(self, value: str, text: str) -> RefusedError:
        near = get_close_matches(text, self.words, 1, 0.6) if len(text) > 2 else []
        if self.fact.type == "choice" and re.search(_SEPARATORS, text):
            parts = {self.words.get(part) for part in _SEPARATORS.split(text)}
            if len(parts) > 1 and None not in parts:
                return RefusedError(f"“{value}”是 {len(parts)} 个，这一项只能选一个", self._choose())
        return RefusedError(f"没有“{value}”这个选项", f"您是不是想写“{near[0]}”？" if near else self._choose())

    def _one(self, value: str, text: str) -> str:
        if (token := self.words.get(text)) is None:
            raise self._unread(value, text)
        return token

    def _several(self, value: Value) -> str:
        if isinstance(value, str):
            value = [value]
        if not value:
            raise self._empty()
        if not isinstance(value, Sequence):
            raise RefusedError("写成了一组字段", self._choose())
        found: dict[str, None] = {}
        for item in value:
            if not isinstance(item, str) or not item.strip():
                raise RefusedError("有一项是空的或不是文字", self._choose())
            found.update(dict.fromkeys(self._listed(item)))
        if len(found) > 1 and (alone := {NONE, UNKNOWN} & set(found)):
            raise RefusedError(f"{min(alone)} 不能和别的选项一起写", "要么只写它，要么只写选项")
        return ",".join(found) if len(found) == 1 else ",".join(token for token, _ in self.choices if token in found)

    def _listed(self, text: str) -> Iterable[str]:
        """The choices in a text with commas; the longest words come first, for some labels have commas themselves."""
        if len(text) > LONGEST * (len(self.fact.options) + 1):
            raise RefusedError("太长", self._choose())
        parts = [part for part in _SEPARATORS.split(_plain(text)) if part]
        if not parts:
            raise RefusedError("是空的", self._choose())
        start = 0
        while start < len(parts):
            for end in range(min(len(parts), start + 4), start, -1):
                word = ",".join(parts[start:end])
                if token := self.words.get(word) or (NONE if word in _NONE else UNKNOWN if word in _UNKNOWN else None):
                    yield token
                    start = end
                    break
            else:
                raise self._unread(parts[start], parts[start])

    def _money(self, value: str, text: str) -> str:
        folded = fold(text)
        match = _MONEY.fullmatch(folded)
        if match is None or _NO_NUMBER.fullmatch(folded) or _POWER.search(folded):
            raise self._no_number(value, folded)
        amount = self._amount(value, match["number"])
        own = CURRENCIES.get(self.fact.unit or "")
        named = {word: _CURRENCIES.get(word) for word in (match["head"], match["tail"]) if word}
        if odd := [word for word, code in named.items() if code is None]:
            raise RefusedError(f"“{value}”里的“{odd[0]}”不是认识的币种", self.how())
        codes = set(named.values()) or {own}
        if len(codes) > 1:
            raise RefusedError(f"“{value}”写了两种货币", self.how())
        code = codes.pop()
        if code is None:
            raise RefusedError(f"“{value}”没有写币种", self.how())
        if own and code != own:
            what = f"“{value}”是{NAMES.get(code, code)}，这一项按{self.fact.unit}算，文件没有写汇率"
            raise RefusedError(what, f"写成多少{self.fact.unit}；不清楚就写 unknown")
        if (match["tail"] or "." in match["number"]) and (lone := _LONE.search(match["number"])):
            raise RefusedError(f"“{value}”里的“{lone[0]}”少一个单位，看不出是多少", "把单位写全，例如 3.5万元 或 3万零5元")
        if amount == 0 and self.fact.scope == "project":
            raise RefusedError("是 0", "没有这个项目就不写这一项；金额不清楚就写 unknown")
        return Money(amount, code).token

    def _amount(self, value: str, text: str) -> Decimal:
        """A number that is neither negative nor too large."""
        if text.startswith("-") and len(text) > 1:
            raise RefusedError(f"“{value}”是负数", "写 0 或更大的数")
        with localcontext(prec=2 * LONGEST):  # every digit counts
            number = numeral(text.removeprefix("+"))
            decimals = -int(number.normalize().as_tuple().exponent) if number is not None else 0
        if number is None:
            raise RefusedError(f"“{value}”看不出是多少", self.how())
        if number >= (LIMIT if self.fact.type == "money" else COUNTS_BELOW):
            raise RefusedError(f"“{value}”太大", "核对单位和位数" + ("，金额要小于 1000 万亿" if self.fact.type == "money" else ""))
        if self.fact.type == "money" and decimals > _DECIMALS:
            raise RefusedError(f"“{value}”的小数太多", f"最多 {_DECIMALS} 位小数")
        return number

    def _no_number(self, value: str, text: str) -> RefusedError:
        if _POWER.search(text):
            large = _SCIENCE.fullmatch(text) is not None and Decimal(text).copy_abs() >= LIMIT
            what = f"“{value}”太大" if large else f"“{value}”是科学记数法，可能已经丢了位数"
            return RefusedError(what, "把单元格改成“数值”格式，写出全部数字" + ("，并核对单位" if large else ""))
        return RefusedError(f"“{value}”不是数", f"{self.how()}；不清楚就写 unknown")

    def _count(self, value: str, text: str, today: date) -> str:
        folded = fold(text)
        if _NO_NUMBER.fullmatch(folded) or _POWER.search(folded):
            raise self._no_number(value, folded)
        number = self._amount(value, folded.removesuffix(self.fact.unit or "个") or folded)
        if number != number.to_integral_value():
            raise RefusedError(f"“{value}”有小数，这一项是整数", self.how())
        if self.fact.unit == "年" and not FIRST_YEAR <= number <= today.year:
            late = f"晚于 {today.year} 年（按 {today.isoformat()} 看）" if number > today.year else f"早于 {FIRST_YEAR} 年"
            raise RefusedError(f"“{value}”{late}", "核对年份")
        return str(int(number))

    def _day(self, value: str, text: str) -> str:
        try:
            day = date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) else None
        except ValueError:
            day = None
        if day is None or not FIRST_YEAR <= day.year <= 2100:
            raise RefusedError(f"“{value}”不是日期", self.how())
        return day.isoformat()


def fold(text: str) -> str:
    """What is written in numbers as it is compared: in plain form, without spaces, other ways to write a digit or a unit alike."""
    return re.sub(r"\s", "", normalise(text)).translate(FOLD)


def _plain(text: str) -> str:
    """A word as it is compared: in plain form, every kind of comma alike."""
    return _SEPARATORS.sub(",", normalise(text))
