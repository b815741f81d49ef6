"""The records of the knowledge base: what the documents say, each with its citation.

Every model is frozen and refuses unknown keys. `None` and empty tuples mean "the document does not say".
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from knowledge.shapes import Application, Checked, Citation, Count, Day, Figure, Id, Shape, Text, Window

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


def _check_successor(by: str | None, on: date | None) -> None:
    if on and not by:
        raise ValueError("写了 superseded_on，就要写 superseded_by（取代它的编号）")


class Document(Shape):
    """A policy paper: its particulars as printed."""

    id: Id
    title: Text
    en: Text | None = None
    """What the title means in English; the title itself stays Chinese."""
    short: Text
    region: Id
    number: Text | None = None
    issuer: Text | None = None
    issued: Day | None = None
    effective: Day | None = None
    """The day from which the paper says that it is carried out (自发布之日起实施); None where it says nothing of it."""
    plan: Window | None = None
    """The plan period or target year that the paper prints; None where it prints none."""
    plan_kind: Literal["period", "target_year"] | None = None
    scope: Text | None = None
    """To whom the paper says it applies."""
    superseded_by: Id | None = None
    superseded_on: Day | None = None
    """From this day on the successor counts; without it, on every day."""
    checked: Checked | None = None
    """When an admin last verified whether the paper still holds."""
    notes: tuple[Text, ...] = ()
    """What the paper does not say and readers expect."""

    @model_validator(mode="after")
    def _superseded(self) -> Self:
        _check_successor(self.superseded_by, self.superseded_on)
        return self


class Passage(Shape):
    """A section of an imported paper in its own words, so that answers can show it and figures can be checked against it."""

    document: Id
    section: Annotated[str, Field(min_length=1, max_length=56)]
    text: Annotated[str, Field(min_length=1, max_length=20000)]

    @property
    def key(self) -> str:
        """Document and section, which name a passage."""
        return f"{self.document} {self.section}"


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
        if self.phone and (sum(c.isdigit() for c in self.phone) < 5 or any(c.isalpha() and c not in "转分机或" for c in self.phone)):
            raise ValueError(f"“{self.phone}”不像电话，例如 0512-12345678、0512-12345678 转 801")
        if self.email and "@" not in self.email:
            raise ValueError(f"“{self.email}”不像邮箱")
        if (self.phone or self.address or self.email) and self.checked is None:
            raise ValueError("填写了联系方式，就要写明 checked: {on: 核实日期, by: 核实人}")
        return self


class Record(Shape):
    """What the assistant can answer with: an id, a name, a region and the place where it stands."""

    id: Id
    name: Text
    en: Text | None = None
    """What the name means in English, in brackets behind it; the name itself stays Chinese."""
    region: Id
    source: Citation
    also: tuple[Citation, ...] = ()
    """Other places that the record draws on."""
    reckoned: dict[Figure, Text] = Field(default_factory=dict)
    """Figures of our own that stand in no paper, and how they came about: counted, worked out."""
    aliases: tuple[Text, ...] = ()
    """Other names and ways people ask for it; they feed the matching, not the answer."""
    topics: tuple[Topic, ...] = ()
    window: Window | None = None
    """A window printed for this record alone; otherwise the document's plan period counts."""
    application: Application | None = None
    """How applications stand, as an admin found out; no paper prints it."""
    superseded_by: Id | None = None
    superseded_on: Day | None = None
    """From this day on the successor counts; without it, on every day."""
    checked: Checked | None = None

    @model_validator(mode="after")
    def _superseded(self) -> Self:
        _check_successor(self.superseded_by, self.superseded_on)
        return self


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
    only: bool = False
    """Whether the document says that the park serves this stage and no other."""
    source: Citation


class Offer(Shape):
    """Something that founders need and that the document says is there: institution, platform, service."""

    need: Id
    text: Text
    source: Citation
    partly: bool = False
    """Whether the document names only something near the need, and not the need itself; `text` says what it leaves unwritten."""


class Bar(Shape):
    """Something that a document says must not be done at a place."""

    need: Id | None = None
    segment: Id | None = None
    text: Text
    whom: Text | None = None
    """Whom it keeps out; None where it keeps out all."""
    source: Citation

    @model_validator(mode="after")
    def _either(self) -> Self:
        if (self.need is None) == (self.segment is None):
            raise ValueError("need 和 segment 要写一个，也只写一个")
        return self


class Institution(Shape):
    """Who a document names at a park, in another section than the park's own."""

    name: Text
    source: Citation


class Layout(Record):
    """The pattern in which a region's parks stand, and what the document says of the region as a whole."""

    pattern: Literal["一核两极", "一核多园", "1+N", "一区两翼多点"]
    summary: Text
    unstated: tuple[Text, ...] = ()
    offers: tuple[Offer, ...] = ()
    """What the document says is in the region, without saying at which park."""
    bars: tuple[Bar, ...] = ()


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
    bars: tuple[Bar, ...] = ()
    institutions: tuple[Text, ...] = ()
    """Who a document names there, at the record's own place."""
    institutions_elsewhere: tuple[Institution, ...] = ()
    part_of: Id | None = None
    named: bool = True
    """False for a kind of site of which the paper names none (孵化载体（新建或扩建）): it is listed last."""
    contact: Contact = Contact()

    @property
    def there(self) -> tuple[str, ...]:
        """Everybody whom a document names at the park."""
        return (*self.institutions, *(i.name for i in self.institutions_elsewhere))


class Channel(Record):
    """An approval route: what it does, who is responsible, how to reach them."""

    matter: Literal[
        "review", "registration_advice", "innovative_device", "import_export", "project_construction", "ethics", "inspection", "ip_fast", "other"
    ]
    state: Literal["running", "building", "planned", "applied_for", "unstated"]
    route: Text
    responsible: Responsible | None = None
    contact: Contact = Contact()


class Item(Shape):
    """One line of a service's list: what can be looked through, or what to check oneself against."""

    text: Text
    source: Citation | None = None
    """Where it stands; None where it is the service's own place."""


class Service(Record):
    """A platform, mechanism, directory, index or event of the documents that the assistant can serve."""

    serve: Literal["answer", "status", "directory", "request", "self_check", "precheck", "park", "chart"]
    """What the assistant does for it: explain, say how far it is, list, log a request, go through the points, lead into a dialog, show figures."""
    next: Text
    """The next step in words."""
    whom: Text
    """For whom it is."""
    state: Literal["running", "building", "planned", "applied_for", "encouraged", "unstated"]
    """How far it is by the paper's words: 已有、用好 / 加快建设、推进 / 建立、探索、规划 / 争取 / 鼓励、支持 / not said."""
    text: Text
    """What it is, in our own words."""
    items: tuple[Item, ...] = ()
    responsible: Responsible | None = None
    contact: Contact = Contact()
    about: tuple[Id, ...] = ()
    """Records that it leads to: supports, parks, channels, indicators."""


class Task(Record):
    """A row of a paper's division of responsibilities: what is to be done and which offices answer for it."""

    number: Text
    """The row's number as printed: 附件第10项, 一1, 16."""
    text: Text
    """What is to be done, as the row is headed."""
    group: Text | None = None
    """The part of the table: 产业链, 链主引培工程."""
    group_lead: Text | None = None
    """The office that leads the whole part, where the paper names one."""
    responsible: Responsible | None = None
    """None where the paper names no office."""
    note: Text | None = None
    """What the row leaves open or says otherwise."""


class Clause(Record):
    """One thing that a document says, in our own words."""

    text: Text
    focus: tuple[Focus, ...] = ()
    """Parts of the industry that the document names here as what the region works on."""


class Indicator(Record):
    """A target figure: for which year, in which unit, from which baseline, and how firmly the paper speaks."""

    value: Text
    unit: Text
    bound: Literal["exact", "at_least", "above", "about"] = "exact"
    """达到 / 以上、不少于、不低于 / 超过、突破 / 左右、约."""
    counts: Literal["level", "new", "cumulative", "yearly"] = "level"
    """A level that is reached / 新增 / 累计 / 每年、年均、当年度."""
    aim: Literal["set", "strived_for"] = "set"
    """A fixed target, or one that the paper only strives for (力争)."""
    year: Count | None = None
    """The year by which it is to be reached; None where the paper prints none."""
    wording: Text | None = None
    """Bound words as printed: 力争, 超过, 以上, 不少于, 左右, 新增, 累计."""
    baseline: Text | None = None
    baseline_year: Count | None = None


class Reading(Shape):
    """One of several things that are said on a point."""

    text: Text
    source: Citation


class Difference(Record):
    """A point on which papers, or a body and its annex, say different things: every reading, and what follows."""

    text: Text
    """In what they differ, and which one the assistant goes by, or that it can't tell."""
    readings: Annotated[tuple[Reading, ...], Field(min_length=2)]
    about: tuple[Id, ...] = ()
    """Records that are concerned: their answers mention the difference."""


class QuestionAnswer(Shape):
    """A frequent question with its cited answer."""

    id: Id
    region: Id
    ask: Annotated[tuple[Text, ...], Field(min_length=3)]
    """Ways people ask it; the first is shown as its title."""
    answer: Text
    sources: Annotated[tuple[Citation, ...], Field(min_length=1)]
    reckoned: dict[Figure, Text] = Field(default_factory=dict)
    """Figures of our own that stand in no paper, and how they came about."""
    about: tuple[Id, ...] = ()
    """Records that the answer speaks of; their dates decide whether it still holds."""
    topics: tuple[Topic, ...] = ()
