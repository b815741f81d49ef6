"""The parts that records are made of: citations, words, windows, money and dates as admins write them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Literal, Self, get_args

os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "true")  # there is none, and looking for one takes 12 ms of a start
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from knowledge.money import CURRENCIES, Money


def _money(value: object) -> object:
    if isinstance(value, list | dict):
        raise ValueError("金额不能写成列表或一组字段，请直接写成 200万元、1.5亿元 或 3000万美元")
    return Money.parse(value) if isinstance(value, str) else value


def _rate(value: object) -> object:
    """Read a printed percentage ("30%") as the fraction it means (0.30)."""
    if isinstance(value, str):
        if not re.fullmatch(r"\d{1,3}(?:\.\d{1,4})?%", value.strip()):
            raise ValueError(f"“{value}”不是比例，请写成 30% 这样；10—30% 分开写成 rate_min 和 rate_max")
        return Decimal(value.strip()[:-1]) / 100
    return value


def _day(value: object) -> object:
    """Refuse everything but 2021-04-17: pydantic would take a bare number as seconds since 1970."""
    if isinstance(value, str) and not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        raise ValueError(f"“{value}”不是日期，请写成 2021-04-17 这样的年-月-日")
    if isinstance(value, str) and not "1949" <= value[:4] <= "2100":
        raise ValueError(f"“{value}”的年份不对，请核对")
    return value


def _count(value: object) -> object:
    """Refuse numbers that could be read in two ways: 010, 1_000, 3,000."""
    if isinstance(value, str) and not re.fullmatch(r"0|[1-9][0-9]{0,14}", value):
        raise ValueError(f"“{value}”不是个数，只写数字，不带逗号，不以 0 开头，例如 2023")
    return value


Count = Annotated[int, BeforeValidator(_count), WithJsonSchema({"type": "integer", "minimum": 0})]
MoneyField = Annotated[
    Money,
    BeforeValidator(_money),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^\d{1,20}(\.\d{1,8})?[万亿]?(" + "|".join(CURRENCIES) + ")$",
            "examples": ["200万元", "1.5亿元", "3000万美元"],
            "patternErrorMessage": "不是金额，写成 200万元、1.5亿元 或 3000万美元",
        }
    ),
]
Day = Annotated[
    date,
    BeforeValidator(_day),
    WithJsonSchema(
        {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$", "examples": ["2026-11-24"], "patternErrorMessage": "不是日期，写成 2026-11-24 这样"}
    ),
]
Rate = Annotated[
    Decimal,
    BeforeValidator(_rate),
    Field(ge=0, le=1),
    WithJsonSchema({"type": "string", "pattern": r"^\d{1,3}(\.\d{1,4})?%$", "examples": ["30%"], "patternErrorMessage": "不是比例，写成 30% 这样"}),
]
Id = Annotated[str, Field(pattern=r"^[a-z0-9]+(?:[-_][a-z0-9]+)*$", max_length=56)]
Text = Annotated[str, Field(min_length=1, max_length=2000)]


def _lines(value: object) -> object:
    """A block of text as its lines; anything else as it is."""
    return tuple(line.strip() for line in value.splitlines() if line.strip()) if isinstance(value, str) else value


Lines = Annotated[tuple[Text, ...], BeforeValidator(_lines, json_schema_input_type=str | tuple[Text, ...])]
"""Several texts: a block with one a line (`|`), or a list."""
Figure = Annotated[str, Field(min_length=1, max_length=24)]
FactKey = Annotated[str, Field(pattern=r"^[a-z_]+(?:\.[a-z_]+)?$")]


class Shape(BaseModel):
    """What every part of a record shares: it is immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True, arbitrary_types_allowed=True)


@cache
def nested(model: type[BaseModel]) -> tuple[str, ...]:
    """The fields of a model that hold other models, alone or in a list."""
    return tuple(name for name, field in model.model_fields.items() if inner(field.annotation) is not None)


def inner(annotation: Any) -> type[BaseModel] | None:
    """The model inside an annotation such as `tuple[Cap, ...]` or `Window | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for argument in get_args(annotation) if (found := inner(argument)) is not None), None)


def parts(value: BaseModel, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], BaseModel]]:
    """A model and every model in it, each with its path."""
    yield path, value
    for name in nested(type(value)):
        held = getattr(value, name)
        if isinstance(held, BaseModel):
            yield from parts(held, (*path, name))
        elif held:
            for index, item in enumerate(held):
                yield from parts(item, (*path, name, index))


class Citation(Shape):
    """Where a statement stands: the id of a document and its section, such as 三(二)5第一, 专栏1第2条, 附件第10项."""

    document: Id
    section: Annotated[str, Field(min_length=1, max_length=56)]


class Words(Shape):
    """A text in every language of the assistant."""

    zh: Text
    en: Text

    def __getitem__(self, language: str) -> str:
        return self.en if language == "en" else self.zh


class Checked(Shape):
    """When an admin last verified a field, and who did."""

    on: Day
    by: Text


class Window(Shape):
    """The days between which something can be had (both included), and the words that say so."""

    since: Day | None = None
    until: Day | None = None
    printed: Text

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.since and self.until and self.until < self.since:
            raise ValueError(f"until（{self.until}）早于 since（{self.since}）")
        return self


class Application(Shape):
    """How applications stand, as an admin found out: it counts from the day of the check (or the earlier day of opening) on."""

    state: Literal["not_announced", "opens_on", "open_until", "all_year", "closed", "suspended", "budget_used_up"]
    """尚未公布 / 某日起 / 至某日 / 常年受理 / 已截止 / 暂停 / 资金用完."""
    opens: Day | None = None
    until: Day | None = None
    note: Text | None = None
    checked: Checked

    @model_validator(mode="after")
    def _dated(self) -> Self:
        if self.state == "opens_on" and self.opens is None:
            raise ValueError("application.state 为 opens_on 时要写 opens: 开始受理的日期")
        if self.state == "open_until" and self.until is None:
            raise ValueError("application.state 为 open_until 时要写 until: 最后受理的日期")
        if self.state not in ("opens_on", "open_until") and (self.opens or self.until):
            raise ValueError(f"application.state 为 {self.state} 时不写 opens 和 until")
        if self.opens and self.until and self.until < self.opens:
            raise ValueError(f"until（{self.until}）早于 opens（{self.opens}）")
        return self
