"""The vocabularies that records and messages share: regions, segments, company facts, intents, spellings.

Every model is frozen and refuses unknown keys.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from knowledge.shapes import FactKey, Id, Lines, Shape, Text, Words


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
    """A place, or an industry, that people ask about and that no document here covers."""

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


class Option(Shape):
    """One choice of a company fact."""

    token: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$", max_length=40)]
    label: Words
    aliases: tuple[Text, ...] = ()
    hard: bool = False
    """A need without which a site is of no use: it counts before everything else when parks are ranked."""
    leads_to: str | None = None
    """The choice that usually follows this one: who has joint R&D may get it recognised."""
    implies: dict[str, str] = Field(default_factory=dict)
    """Facts that this choice settles without asking, such as `product.type: device`."""
    excludes: tuple[str, ...] = ()
    """Choices of the same fact that can't be true together with this one: who is not registered yet is not listed."""


class FactType(Shape):
    """A company fact: what it is called, what it may be, and how it is asked for."""

    key: FactKey
    type: Literal["choice", "choices", "flag", "money", "number", "date", "text", "phone", "region"]
    scope: Literal["company", "product", "project", "year", "request"]
    unit: Text | None = None
    called: Words | None = None
    """What a yes-or-no fact is called in half a word, to be named and to be heard in a sentence (没有自主知识产权)."""
    aliases: tuple[Text, ...] = ()
    """Other ways in which a yes-or-no fact is called in a sentence."""
    question: Words
    why: Words
    help: Words
    simple: Words | None = None
    """The question put more simply, for who did not understand it."""
    who: Words | None = None
    """Who in the company would know."""
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
    """A word that is also read from pinyin, and other ways in which it is misspelt; a message is read with the right one."""

    right: Text
    sound: bool = False
    """Whether other characters of the same sound are read as this word, where they make no word that is known here."""
    wrong: tuple[Text, ...] = ()


class Asks(Shape):
    """How people ask for a record, in their own words rather than the paper's."""

    about: Id
    ask: Annotated[Lines, Field(min_length=1)]


IntentName = Literal[
    "park_selection", "subsidy_precheck", "approval_channel", "policy_question", "finance_support", "talent_support", "clinical_trial", "ip_service",
    "tech_challenge", "landmark_selection", "product_directory", "facility_request", "events", "request_human", "request_status", "own_data", "correction",
    "cancel", "back_or_restart", "greeting", "thanks_bye", "help", "out_of_scope",
]  # fmt: skip
"""What the program can do something with; their examples are data."""


class Intent(Shape):
    """Something a person may want, with examples of how they say it."""

    name: IntentName
    label: Words
    examples: Annotated[Lines, Field(min_length=3)]
