"""What is written in numbers: numerals (1.2亿, 三百二十), counts and telephone numbers, as people type them."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb]"
)
_PLAIN = re.compile(r"[!-@\[-~\u4e00-\u9fff、。“”《》〔〕—]+(?: [!-@\[-~\u4e00-\u9fff、。“”《》〔〕—]+)*")
_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_HALF_WIDTH = {wide: _LOWER.get(wide - 0xFEE0, wide - 0xFEE0) for wide in range(0xFF01, 0xFF5F)} | _LOWER
"""The full-width forms of ASCII (，？！Ａ) as NFKC has them, and all of it in lower case."""


def normalise(text: str) -> str:
    """The text in its plain form: NFKC, ASCII in lower case, single spaces, nothing invisible. Normalising twice changes nothing."""
    if _PLAIN.fullmatch(text):  # most messages, and all that have been here before
        return text
    if _PLAIN.fullmatch(half := text.translate(_HALF_WIDTH)):  # and nearly all else: the full way takes five times as long
        return half
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

DIGITS = "零一二两三四五六七八九"
FOLD = str.maketrans("〇○壹贰貳叁肆伍陆陸柒捌玖拾佰仟萬億圆圓塊俩幣歐鎊韓", "零零一二二三四五六六七八九十百千万亿元元块两币欧镑韩")
"""Other ways to write the same digits, units and currencies, one character for one, so that positions stay."""

VALUES = dict(zip(DIGITS, (0, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9), strict=True))
_UNITS = (("亿", 10**8), ("万", 10**4), ("千", 1000), ("百", 100), ("十", 10))
ARABIC = r"(?>\d{1,3}(?:,\d{3})++(?!\d)(?:\.\d{1,6})?|\d{1,13}(?:\.\d{1,6})?)(?!\d|\.\d)"
"""A number in digits as it is found in a talk; longer ones are no amounts there."""
_DIGITS_ONLY = re.compile(r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?")


def numeral(text: str) -> Decimal | None:
    """The number that a numeral in folded characters means (1.2亿, 三百二十, 半); None where it is not well formed."""
    if _DIGITS_ONLY.fullmatch(text):
        return Decimal(text.replace(",", ""))
    if text == "半":
        return Decimal("0.5")
    if text in VALUES:
        return Decimal(VALUES[text])
    for name, unit in _UNITS:
        if name in text:
            left, _, right = text.rpartition(name)
            return _united(left, right, unit)
    whole, point, decimals = text.partition("点")
    if point and whole in VALUES and decimals and all(c in VALUES for c in decimals):
        return Decimal(f"{VALUES[whole]}.{positional(decimals)}")
    return None


def positional(text: str) -> str:
    """The digits that words spell one by one: 二零二二."""
    return "".join(str(VALUES[c]) for c in text)


def _united(left: str, right: str, unit: int) -> Decimal | None:
    """The number that stands around a unit: 三 and 二 around 百 are 320."""
    head = numeral(left) if left else Decimal(1)
    if head is None or (not left[:1].isdigit() and head >= (unit if unit >= 10**4 else 10)):
        return None
    if not right:
        return head * unit
    tail = numeral(right.lstrip("零"))
    if tail is None or tail >= unit or right in ("半", "万"):
        return None
    return head * unit + (tail * unit / 10 if len(right) == 1 and tail < 10 else tail)


SMALL = rf"(?:{ARABIC}(?:\s?[十百千](?:零?[\d{DIGITS}][十百])*+)?|[{DIGITS}十百千]{{1,9}}(?:点[{DIGITS}]{{1,6}})?|半(?=个?亿))"
"""The pattern of a numeral below 万, in Arabic or Chinese digits."""

_COUNTABLE = "产品|品种|专业|科室|项目|器械|药品?|新药|注册证|证|人|员工|医院|专利|批件|平台|公司|企业|试剂"
_COUNT = re.compile(
    r"(?:我们?|公司)?(?:一共|总共|共|大概|大约|约|目前|现在|就|只)?[有是]?\s?"
    rf"(?:(?P<count>{SMALL})\s?(?:[个款项种件台套家位名](?:{_COUNTABLE})?|人|员工)?|(?P<year>(?:19|20)\d\d)年)(?:了|吧|的|左右)?[。.!,]?"
)


def read_number(text: str) -> Decimal | None:
    """The whole number that a whole message says: 3, 三个, 两款, 3个产品; None for anything else, ranges (两三个) and amounts too."""
    match = _COUNT.fullmatch(normalise(text).translate(FOLD))
    number = numeral(re.sub(r"\s", "", match["count"] or match["year"])) if match else None
    return number if number is not None and number == number.to_integral_value() else None


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
