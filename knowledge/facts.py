"""The records of the knowledge base: what the documents say, each with its citation.

Every model is frozen and refuses unknown keys. `None` and empty tuples mean "the document does not say".
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from knowledge.shapes import Checked, Citation, Day, FactKey, Id, MoneyField, Rate, Shape, Text, Window, Words

Topic = Literal[
    "park_selection",
    "subsidy_precheck",
    "approval_channel",
    "policy_question",
    "finance_support",
    "talent_support",
    "clinical_trial",
    "ip_service",
    "tech_challenge",
    "landmark_selection",
    "product_directory",
    "facility_request",
    "events",
]


class Time(StrEnum):
    """How a record stands on a day."""

    IN_FORCE = "in_force"
    OPEN_UNTIL = "open_until"
    WINDOW_OVER = "window_over"
    PLAN_OVER = "plan_over"
    UNDATED = "undated"
    SUPERSEDED = "superseded"


class Region(Shape):
    """Where a rule holds; it may lie `within` another region, whose rules then hold too."""

    id: Id
    name: Text
    en: Text
    within: Id | None = None
    aliases: tuple[Text, ...] = ()
    ambiguous: tuple[Text, ...] = ()
    """Short names that several places share: never taken for this region without asking."""


class Elsewhere(Shape):
    """A place that people ask about and that no document here covers."""

    name: Text
    aliases: tuple[Text, ...] = ()


class Segment(Shape):
    """A part of the industry, one vocabulary for all documents; `within` names the broader one."""

    id: Id
    name: Text
    en: Text
    within: Id | None = None
    broad: bool = False
    """Offered as a button; the others are taken in free text."""
    aliases: tuple[Text, ...] = ()


class Document(Shape):
    """A policy paper: its particulars as printed."""

    id: Id
    title: Text
    short: Text
    region: Id
    number: Text | None = None
    issuer: Text | None = None
    issued: Day | None = None
    plan: Window | None = None
    """The plan period or target year that the paper prints; None where it prints none."""
    plan_kind: Literal["period", "target_year"] | None = None
    scope: Text | None = None
    """To whom the paper says it applies."""
    superseded_by: Id | None = None
    notes: tuple[Text, ...] = ()
    """What the paper does not say and readers expect, or where it contradicts itself."""


class Unit(Shape):
    """An office responsible for something; `lead` only where the document marks it."""

    name: Text
    lead: bool = False


class Responsible(Shape):
    """The offices that a document names for a matter."""

    units: Annotated[tuple[Unit, ...], Field(min_length=1)]
    source: Citation


class Contact(Shape):
    """How to reach an office. The documents print none; admins fill it in and say when it was checked."""

    phone: Text | None = None
    address: Text | None = None
    email: Text | None = None
    checked: Checked | None = None

    @model_validator(mode="after")
    def _checked(self) -> Self:
        if (self.phone or self.address or self.email) and self.checked is None:
            raise ValueError("填写了联系方式，就要写明 checked: {on: 核实日期, by: 核实人}")
        return self


class Record(Shape):
    """What the assistant can answer with: an id, a name, a region and the place where it stands."""

    id: Id
    name: Text
    region: Id
    source: Citation
    aliases: tuple[Text, ...] = ()
    """Other names and ways people ask for it; they feed the matching, not the answer."""
    topics: tuple[Topic, ...] = ()
    window: Window | None = None
    """A window printed for this record alone; otherwise the document's plan period counts."""
    superseded_by: Id | None = None
    checked: Checked | None = None


class Layout(Record):
    """The pattern in which a region's parks stand."""

    pattern: Literal["一核两极", "一核多园", "1+N", "一区两翼多点"]
    summary: Text
    unstated: tuple[Text, ...] = ()


Role = Literal["core", "pole", "garden", "n", "main", "wing", "point", "city", "unstated"]
SiteStage = Literal["incubation", "pilot", "production"]


class Focus(Shape):
    """A focus of a park as printed, tied to the shared segment."""

    name: Text
    segment: Id
    source: Citation | None = None


class StageFit(Shape):
    """A site stage that the document says a park serves."""

    stage: SiteStage
    text: Text
    source: Citation


class Offer(Shape):
    """Something that founders need and that the document says is at a park: institution, platform, service."""

    need: Id
    text: Text
    source: Citation


class Park(Record):
    """A site with its role: a park, a town, or a single carrier."""

    kind: Literal["park", "town", "district", "carrier"]
    layout: Id | None = None
    role: Role = "unstated"
    role_text: Text | None = None
    """The role in the document's words; None where it gives none."""
    summary: Text
    positioning: Text | None = None
    status: Literal["existing", "planned", "building", "unstated"] = "unstated"
    focus: tuple[Focus, ...] = ()
    stages: tuple[StageFit, ...] = ()
    offers: tuple[Offer, ...] = ()
    institutions: tuple[Text, ...] = ()
    part_of: Id | None = None
    contact: Contact = Contact()


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
        return self


class Cap(Shape):
    """A ceiling: over what it counts, and how high it is. Caps with the same id are one ceiling, shared."""

    id: Id
    scope: Literal["product", "project", "company", "company_year", "person", "item"]
    max: MoneyField
    both_tiers: bool = False
    """The ceiling counts the money of both fiscal tiers (city and district) together."""
    source: Citation


class Criterion(Shape):
    """One condition: a company fact and one test on it, or a reading that only an official can make."""

    id: Id
    text: Text
    fact: FactKey | None = None
    any_of: tuple[Annotated[str, Field(max_length=40)], ...] = ()
    """Met when the fact is (or, for a list of choices, contains) one of these tokens."""
    at_least: MoneyField | int | None = None
    """以上: the bound itself counts."""
    above: MoneyField | int | None = None
    """超过: the bound itself does not count."""
    at_most: MoneyField | int | None = None
    below: MoneyField | int | None = None
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
    status: Literal["met", "not_met", "unknown", "undecidable", "window_over"]


class Support(Record):
    """A subsidy, reward, loan, fund or tax measure."""

    kind: Literal["subsidy", "reward", "loan", "fund", "tax", "insurance", "talent", "priority", "case_by_case", "service"]
    summary: Text
    recipient: Literal["enterprise", "hospital", "institution", "fund", "buyer", "both_sides", "person", "team", "any", "unstated"]
    per: Literal["company", "product"] = "company"
    strength: Literal["grants", "encourages", "explores", "plans"] = "grants"
    """How firmly the paper speaks: 给予 / 鼓励、支持 / 探索 / 规划、争取."""
    amount: Amount
    caps: tuple[Cap, ...] = ()
    criteria: Annotated[tuple[Criterion, ...], Field(min_length=1)]
    same_kind: Id | None = None
    """Supports of one name do not add up: the highest counts (同类就高, 不重复)."""
    stacking: tuple[Text, ...] = ()
    """Stacking and financing rules in our own words, such as who pays which share."""
    responsible: Responsible | None = None
    contact: Contact = Contact()
    examples: tuple[Example, ...] = ()


class Channel(Record):
    """An approval route: what it does, who is responsible, how to reach them."""

    matter: Literal[
        "review", "registration_advice", "innovative_device", "import_export", "project_construction", "ethics", "inspection", "ip_fast", "other"
    ]
    state: Literal["running", "planned", "applied_for", "unstated"]
    route: Text
    responsible: Responsible | None = None
    contact: Contact = Contact()


class Clause(Record):
    """One thing that a document says, in our own words."""

    text: Text


class Indicator(Record):
    """A target figure: for which year, in which unit, from which baseline."""

    value: Text
    unit: Text
    year: int | None = None
    """The year by which it is to be reached; None where the paper prints none."""
    wording: Text | None = None
    """Bound words as printed: 力争, 超过, 以上, 不少于, 左右, 新增, 累计."""
    baseline: Text | None = None
    baseline_year: int | None = None


class QuestionAnswer(Shape):
    """A frequent question with its cited answer."""

    id: Id
    region: Id
    ask: Annotated[tuple[Text, ...], Field(min_length=3)]
    """Ways people ask it; the first is shown as its title."""
    answer: Text
    sources: Annotated[tuple[Citation, ...], Field(min_length=1)]
    about: tuple[Id, ...] = ()
    """Records that the answer speaks of; their dates decide whether it still holds."""
    topics: tuple[Topic, ...] = ()


class Option(Shape):
    """One choice of a company fact."""

    token: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$", max_length=40)]
    label: Words
    aliases: tuple[Text, ...] = ()
    leads_to: str | None = None
    """The choice that usually follows this one: who has joint R&D may get it recognised."""
    implies: dict[str, str] = Field(default_factory=dict)
    """Facts that this choice settles without asking, such as `product.type: device`."""


class FactType(Shape):
    """A company fact: what it is called, what it may be, and how it is asked for."""

    key: FactKey
    type: Literal["choice", "choices", "flag", "money", "number", "date", "text", "phone", "region"]
    scope: Literal["company", "product", "project", "year", "request"]
    unit: Text | None = None
    question: Words
    why: Words
    help: Words
    implied_by: tuple[str, ...] = ()
    """Facts whose choices may settle this one (see `Option.implies`)."""
    only_if: dict[str, str] = Field(default_factory=dict)
    """The fact exists only where another fact has this token, such as `product.type: device`."""
    private: bool = False
    shared: bool = False
    """The answer follows the person from dialog to dialog (profile)."""
    options: tuple[Option, ...] = ()
    samples: tuple[str, ...] = ()


class Spelling(Shape):
    """Ways in which a word is misspelt; a message is read with the right one."""

    right: Text
    wrong: Annotated[tuple[Text, ...], Field(min_length=1)]


class Intent(Shape):
    """Something a person may want, with examples of how they say it."""

    name: Annotated[str, Field(pattern=r"^[a-z_]+$")]
    label: Words
    examples: Annotated[tuple[Text, ...], Field(min_length=3)]
