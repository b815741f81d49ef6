"""Supports: subsidies, rewards, loans, funds and tax measures, with their amounts, ceilings, conditions and worked examples."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from knowledge.records import Contact, Record, Responsible
from knowledge.shapes import Citation, Count, Day, FactKey, Id, MoneyField, Rate, Shape, Text


class Amount(Shape):
    """How much a support gives, exactly as far as it is printed."""

    kind: Literal["fixed", "up_to", "range", "rate", "case_by_case", "uncapped", "unstated"]
    min: MoneyField | None = None
    max: MoneyField | None = None
    rate_min: Rate | None = None
    rate_max: Rate | None = None
    of: FactKey | None = None
    """The company fact (money or number) that a rate or a `each` amount is reckoned on."""
    basis: Text | None = None
    """What the sum is reckoned on, in the document's words (采购额, 项目总投资投入)."""
    basis_en: Text | None = None
    """The basis in English; None where nobody wrote it, and the Chinese is quoted."""
    each: bool = False
    """`min`/`max` are for each unit of the fact `of`."""
    note: Text | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.kind in ("fixed", "up_to", "range") and self.max is None:
            raise ValueError(f"amount.kind 为 {self.kind} 时要写 max（文件没有金额就写 kind: unstated）")
        if self.kind == "rate" and self.rate_max is None:
            raise ValueError("amount.kind 为 rate 时要写 rate_max")
        if self.kind in ("unstated", "case_by_case", "uncapped") and (self.min or self.max or self.rate_max):
            raise ValueError(f"amount.kind 为 {self.kind} 时不能写金额或比例")
        if self.kind == "range" and self.min is None:
            raise ValueError("amount.kind 为 range 时 min 和 max 都要写；只有上限就写 kind: up_to")
        if self.kind == "fixed" and self.min is not None:
            raise ValueError("amount.kind 为 fixed 时只写 max；有下限和上限就写 kind: range")
        if self.kind != "rate" and (self.rate_min is not None or self.rate_max is not None):
            raise ValueError("写了比例，amount.kind 就要是 rate（上限写进 caps）")
        if self.min and self.max and (self.min.currency != self.max.currency or self.min.value > self.max.value):
            raise ValueError(f"min（{self.min.printed}）和 max（{self.max.printed}）币种不同，或 min 比 max 大")
        if self.rate_min is not None and self.rate_max is not None and self.rate_min > self.rate_max:
            raise ValueError("rate_min 比 rate_max 大")
        if self.each and self.of is None:
            raise ValueError("写了 each: true（每个多少），就要写 of（按哪一项的个数算）")
        return self


class Cap(Shape):
    """A ceiling: over what it counts, and how high it is. Caps with the same id are one ceiling, shared."""

    id: Id
    scope: Literal["product", "project", "company", "company_year", "person", "item"]
    max: MoneyField
    both_tiers: bool = False
    """The ceiling counts the money of both fiscal tiers (city and district) together."""
    replaces: MoneyField | None = None
    """The ceiling in whose place this one came; told, and never reckoned with."""
    source: Citation


class Criterion(Shape):
    """One condition: a company fact and one test on it, or a reading that only an official can make."""

    id: Id
    text: Text
    fact: FactKey | None = None
    any_of: tuple[Annotated[str, Field(max_length=40)], ...] = ()
    """Met when the fact is (or, for a list of choices, contains) one of these tokens."""
    at_least: MoneyField | Count | None = None
    """以上: the bound itself counts."""
    above: MoneyField | Count | None = None
    """超过: the bound itself does not count."""
    at_most: MoneyField | Count | None = None
    below: MoneyField | Count | None = None
    newly: bool = False
    """The paper says 新取得: what came about before its window or plan is for an official to judge."""
    undecidable: Text | None = None
    """Why no answer of the company can settle it."""
    change: Literal["fixable", "time", "fixed"] = "fixable"

    @model_validator(mode="after")
    def _one_test(self) -> Self:
        tests = [bool(self.any_of), *(t is not None for t in (self.at_least, self.above, self.at_most, self.below))]
        if self.undecidable is not None:
            if self.fact is not None or any(tests):
                raise ValueError("undecidable 的条件不能再写 fact 和判断")
        elif self.fact is None or sum(tests) != 1:
            raise ValueError("每个条件要么写 undecidable，要么写 fact 和恰好一个判断（any_of / at_least / above / at_most / below）")
        return self


class Example(Shape):
    """A worked example, run when the record is loaded: with these answers on that day, this status."""

    today: Day
    facts: dict[str, str]
    status: Literal["met", "not_met", "unknown", "undecidable", "window_over", "not_yet"]


Relation = Literal["highest_of_a_kind", "both_tiers_ceiling", "company_year_ceiling", "shared_by_tiers", "earlier_rules", "other"]
"""How a support stands to others: 同类就高不重复 / 两级财政合计上限 / 单个企业每年上限 / 市区按比例分担 / 延续原政策 / 其他."""


class Rule(Shape):
    """A rule beside the criteria, in our own words, and where it stands."""

    relation: Relation = "other"
    text: Text
    source: Citation


class Support(Record):
    """A subsidy, reward, loan, fund or tax measure."""

    kind: Literal["subsidy", "reward", "loan", "fund", "tax", "insurance", "talent", "priority", "case_by_case", "service"]
    summary: Text
    recipient: Literal[
        "enterprise",
        "hospital",
        "institution",
        "fund",
        "buyer",
        "both_sides",
        "commissioning",
        "commissioned",
        "person",
        "team",
        "person_or_team",
        "any",
        "unstated",
    ]
    per: Literal["company", "product"] = "company"
    strength: Literal["grants", "encourages", "explores", "plans"] = "grants"
    """How firmly the paper speaks: 给予 / 鼓励、支持 / 探索 / 规划、争取."""
    amount: Amount
    caps: tuple[Cap, ...] = ()
    criteria: Annotated[tuple[Criterion, ...], Field(min_length=1)]
    same_kind: Id | None = None
    """Supports of one name do not add up: the highest counts (同类就高, 不重复)."""
    stacking: tuple[Rule, ...] = ()
    """Stacking and financing rules, such as who pays which share."""
    responsible: Responsible | None = None
    contact: Contact = Contact()
    examples: tuple[Example, ...] = ()
