"""Money as the documents print it: an exact decimal and a currency, never a float."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

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

_PRINTED = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<scale>万|亿|)(?P<unit>" + "|".join(CURRENCIES) + ")")
_TOKEN = re.compile(r"(?P<number>\d+(?:\.\d+)?) (?P<currency>[A-Z]{3})")


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
            return cls(_decimal(token["number"]), token["currency"])
        printed = _PRINTED.fullmatch(text)
        if printed is None:
            raise MoneyError(f"“{text}”不是金额，请写成 200万元、1.5亿元 或 3000万美元")
        return cls(_decimal(printed["number"]) * SCALES[printed["scale"]], CURRENCIES[printed["unit"]])

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


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:  # pragma: no cover - the patterns admit digits only
        raise MoneyError(f"“{text}”不是数字") from error


def _plain(value: Decimal) -> str:
    text = format(value.normalize(), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
