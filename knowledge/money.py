"""Money as the documents print it: an exact decimal and a currency, never a float."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

CURRENCIES = {
    "元": "CNY",
    "人民币": "CNY",
    "美元": "USD",
    "美金": "USD",
    "欧元": "EUR",
    "港元": "HKD",
    "港币": "HKD",
    "新台币": "TWD",
    "日元": "JPY",
    "英镑": "GBP",
}
NAMES = {"CNY": "元", "USD": "美元", "EUR": "欧元", "HKD": "港元", "TWD": "新台币", "JPY": "日元", "GBP": "英镑"}
SCALES = {"": Decimal(1), "万": Decimal(10**4), "亿": Decimal(10**8)}

LIMIT = Decimal(10**15)
"""Amounts stay below this, so that decimal arithmetic keeps every digit."""

_NUMBER = r"(?P<number>\d{1,20}(?:\.\d{1,8})?)"
_PRINTED = re.compile(_NUMBER + r"(?P<scale>万|亿|)(?P<unit>" + "|".join(CURRENCIES) + ")")
_TOKEN = re.compile(_NUMBER + r" (?P<currency>[A-Z]{3})")


class MoneyError(ValueError):
    """An amount of money that cannot be read."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in whole units of its currency (`Money(Decimal(2000000), "CNY")` is 200万元)."""

    value: Decimal
    currency: str = "CNY"

    @classmethod
    def parse(cls, text: str) -> Money:
        """Read a printed amount such as 200万元 or 3000万美元, or a token such as `2000000 CNY`; MoneyError otherwise."""
        text = text.strip()
        if token := _TOKEN.fullmatch(text):
            money = cls(Decimal(token["number"]), token["currency"])
        elif printed := _PRINTED.fullmatch(text):
            money = cls(Decimal(printed["number"]) * SCALES[printed["scale"]], CURRENCIES[printed["unit"]])
        else:
            raise MoneyError(f"“{text}”不是金额，请写成 200万元、1.5亿元 或 3000万美元")
        if money.value >= LIMIT:
            raise MoneyError(f"“{text}”太大，金额要小于 1000 万亿，请核对单位")
        return money

    @property
    def token(self) -> str:
        """The language-neutral form kept in answers: `3000000 CNY`."""
        return f"{_plain(self.value)} {self.currency}"

    @property
    def printed(self) -> str:
        """The form of Chinese papers: 300万元, 1.2亿元, 3000万美元."""
        unit = NAMES.get(self.currency, self.currency)
        for name, floor in (("亿", SCALES["亿"]), ("万", SCALES["万"])):
            scaled = self.value / floor
            if abs(scaled) >= 1 and scaled == scaled.quantize(Decimal("0.0001")):
                return f"{_plain(scaled)}{name}{unit}"
        return f"{_plain(self.value)}{unit}"


def _plain(value: Decimal) -> str:
    text = format(value.normalize(), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
