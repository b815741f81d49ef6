"""Questions that scripts ask, and the outcome that they return.

A script is a generator: `value = yield from Choice(...)`. Nothing else of a question is of use to it, so a question in a condition (a
forgotten `yield from`) raises at once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Generic, Literal, TypeVar

from knowledge.facts import FactType
from knowledge.money import Money, MoneyError
from knowledge.shapes import Words

T_co = TypeVar("T_co", covariant=True)
UNKNOWN = "unknown"
NONE = "none"
ALL = "*"
"""Ticked in a draft when all choices are shown."""
MAX_ITEMS = 9


ASKED: Any = object()
"""No default: the question is put to the person."""
SKIPPED: Any = object()
"""The value of a question that the person went past to see what follows so far."""


Private = Literal["here", "page", "nowhere"]
"""Where a channel lets private fields be asked for: in the chat, on a page of ours to which it leads, or not at all."""


GIVEN: Any = object()
"""Yielded instead of a question, it brings all answers that were given, by key: to choose what to ask first, for nothing else."""


class ScriptError(Exception):
    """A dialog that was written wrongly."""


class BadTokenError(ScriptError):
    """A stored answer that its question cannot read (any more)."""


@dataclass(frozen=True, eq=False)
class Question(ABC, Generic[T_co]):
    """Something to be asked under a key. The key is forever; the words come from the fact that it asks for."""

    key: str
    fact: FactType
    optional: bool = True
    """Whether “not sure” is an answer."""
    remaining: int | Callable[[], int] = 0
    """How many questions are left with this one, as far as the script knows, or how to find out; 0 where it does not say."""
    default: Any = ASKED
    """The value that counts where nothing was said: such a question is never put, its answer only taken."""

    def __iter__(self) -> Generator[Question[Any], Any, T_co]:
        value: T_co = yield self
        return value

    def __bool__(self) -> bool:
        raise ScriptError(f"question {self.key!r} was used as a value: write `yield from` before it")

    @abstractmethod
    def value(self, token: str) -> T_co:
        """The typed value of a token; BadTokenError where the token is none of this question's."""

    @abstractmethod
    def samples(self) -> tuple[str, ...]:
        """Tokens that stand for all kinds of answers, for walks and charts."""

    @property
    def choices(self) -> tuple[tuple[str, Words], ...]:
        """Tokens that are offered as buttons, with their labels."""
        return ()

    @property
    def left(self) -> int:
        """How many questions are left with this one; 0 where nobody knows."""
        return self.remaining() if callable(self.remaining) else self.remaining

    @property
    def private(self) -> bool:
        """Whether the answer is personal data."""
        return self.fact.private


def _no_token(question: Question[Any], token: str) -> BadTokenError:
    return BadTokenError(f"{question.key}: no answer {token!r}")


@dataclass(frozen=True, eq=False)
class Choice(Question[str | None]):
    """One of several; None is “not sure”."""

    options: tuple[tuple[str, Words], ...] = ()
    buttons: tuple[str, ...] = ()
    """The tokens offered as buttons, where not all are."""
    within: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The tokens that a button opens instead of answering; what is under `ALL` comes with “more”."""

    @property
    def choices(self) -> tuple[tuple[str, Words], ...]:
        """The options."""
        return self.options

    def value(self, token: str) -> str | None:
        """The token itself."""
        if token == UNKNOWN and self.optional:
            return None
        if any(token == t for t, _ in self.options):
            return token
        raise _no_token(self, token)

    def samples(self) -> tuple[str, ...]:
        """Every option, and “not sure”."""
        return (*(t for t, _ in self.options), *((UNKNOWN,) if self.optional else ()))


@dataclass(frozen=True, eq=False)
class Pick(Choice):
    """One of several, and no way around it."""

    optional: bool = False

    def __iter__(self) -> Generator[Question[Any], Any, str]:
        value: str = yield self
        return value


@dataclass(frozen=True, eq=False)
class Places(Pick):
    """One of several, or some of them named at once (太仓还是昆山), kept as `a,b`."""

    def value(self, token: str) -> str:
        """The token itself."""
        known, named = {t for t, _ in self.options}, token.split(",")
        if not set(named) <= known or len(set(named)) < len(named):
            raise _no_token(self, token)
        return token

    def samples(self) -> tuple[str, ...]:
        """Every option, and the first two together."""
        known = tuple(t for t, _ in self.options)
        return (*known, ",".join(known[:2]))


@dataclass(frozen=True, eq=False)
class Choices(Question[tuple[str, ...] | None]):
    """Any number of several, kept as `a,b`; `none` is the empty tuple, None is “not sure”.

    Offered are the `options`; whatever else the fact may be is taken as well, for it may be said.
    """

    options: tuple[tuple[str, Words], ...] = ()

    @property
    def choices(self) -> tuple[tuple[str, Words], ...]:
        """The options."""
        return self.options

    def value(self, token: str) -> tuple[str, ...] | None:
        """The chosen tokens in the order of the options."""
        if token == UNKNOWN and self.optional:
            return None
        if token == NONE:
            return ()
        chosen = token.split(",")
        known = dict.fromkeys([*(t for t, _ in self.options), *(o.token for o in self.fact.options)])
        if len(set(chosen)) < len(chosen) or any(t not in known for t in chosen):
            raise _no_token(self, token)
        return tuple(t for t in known if t in chosen)

    def samples(self) -> tuple[str, ...]:
        """Each option alone, the first two together, none, and “not sure”."""
        known = [t for t, _ in self.options]
        both = (",".join(known[:2]),) if len(known) > 1 else ()
        return (*known, *both, NONE, *((UNKNOWN,) if self.optional else ()))


_YES_NO = (("yes", Words(zh="是", en="Yes")), ("no", Words(zh="不是", en="No")))


@dataclass(frozen=True, eq=False)
class Flag(Question[bool | None]):
    """Yes or no; None is “not sure”."""

    @property
    def choices(self) -> tuple[tuple[str, Words], ...]:
        """Yes and no."""
        return _YES_NO

    def value(self, token: str) -> bool | None:
        """True for `yes`."""
        if token == UNKNOWN and self.optional:
            return None
        if token in ("yes", "no"):
            return token == "yes"
        raise _no_token(self, token)

    def samples(self) -> tuple[str, ...]:
        """Yes, no, and “not sure”."""
        return ("yes", "no", *((UNKNOWN,) if self.optional else ()))


@dataclass(frozen=True, eq=False)
class Amount(Question[Money | None]):
    """A sum of money, kept as `3000000 CNY`; None is “not sure”."""

    def value(self, token: str) -> Money | None:
        """The money."""
        if token == UNKNOWN and self.optional:
            return None
        try:
            return Money.parse(token)
        except MoneyError as error:
            raise _no_token(self, token) from error

    def samples(self) -> tuple[str, ...]:
        """The fact's samples, and “not sure”."""
        return (*self.fact.samples, *((UNKNOWN,) if self.optional else ()))


@dataclass(frozen=True, eq=False)
class Number(Question[int | None]):
    """A whole number; None is “not sure”."""

    def value(self, token: str) -> int | None:
        """The number."""
        if token == UNKNOWN and self.optional:
            return None
        if not token.isascii() or not token.isdigit() or len(token) > 9:
            raise _no_token(self, token)
        return int(Decimal(token))

    def samples(self) -> tuple[str, ...]:
        """The fact's samples, and “not sure”."""
        return (*self.fact.samples, *((UNKNOWN,) if self.optional else ()))


@dataclass(frozen=True, eq=False)
class Items(Question[tuple[int, ...]]):
    """A list whose items have stable ids, kept as `1,3`; its fields are asked under `product.3.class`; `none` is the empty list."""

    optional: bool = False

    @property
    def choices(self) -> tuple[tuple[str, Words], ...]:
        """How many: one to three at a tap."""
        counts = tuple((",".join(map(str, range(1, n + 1))), Words(zh=f"{n} 个", en=str(n))) for n in (1, 2, 3))
        return (*counts, (NONE, Words(zh="还没有", en="None yet")))

    def value(self, token: str) -> tuple[int, ...]:
        """The ids."""
        if token == NONE:
            return ()
        ids = token.split(",")
        if not all(i.isascii() and i.isdigit() and 0 < int(i) < 1000 for i in ids) or len(set(ids)) < len(ids) or len(ids) > MAX_ITEMS:
            raise _no_token(self, token)
        return tuple(map(int, ids))

    def samples(self) -> tuple[str, ...]:
        """One item, two, and none."""
        return (*self.fact.samples, NONE)


@dataclass(frozen=True, eq=False)
class Day(Question[date | None]):
    """A day, kept as `2022-12-31`; None is “not sure”."""

    def value(self, token: str) -> date | None:
        """The day."""
        if token == UNKNOWN and self.optional:
            return None
        try:
            return date.fromisoformat(token)
        except ValueError as error:
            raise _no_token(self, token) from error

    def samples(self) -> tuple[str, ...]:
        """The fact's samples."""
        return self.fact.samples


@dataclass(frozen=True, eq=False)
class FreeText(Question[str]):
    """Words of the person, kept as they are. `fact.type` phone asks for a number or an address that can be reached."""

    optional: bool = False

    def value(self, token: str) -> str:
        """The text."""
        if not token.strip():
            raise _no_token(self, token)
        return token

    def samples(self) -> tuple[str, ...]:
        """The fact's samples."""
        return self.fact.samples


@dataclass(frozen=True)
class Outcome:
    """What a script comes to: a name that says how to tell it, and the data to tell."""

    name: str
    data: Any = None


Script = Generator[Question[Any], Any, Outcome]


def ask(
    fact: FactType, key: str | None = None, options: tuple[tuple[str, Words], ...] | None = None, remaining: int | Callable[[], int] = 0
) -> Question[Any]:
    """The question for a company fact, under its own key or that of an item (`product.2.class`)."""
    key = key or fact.key
    if options is None:
        options = tuple((o.token, o.label) for o in fact.options)
    match fact.type:
        case "choice" | "region":
            return Choice(key, fact, remaining=remaining, options=options)
        case "choices":
            return Choices(key, fact, remaining=remaining, options=options)
        case "flag":
            return Flag(key, fact, remaining=remaining)
        case "money":
            return Amount(key, fact, remaining=remaining)
        case "date":
            return Day(key, fact, remaining=remaining)
        case "number":
            return Items(key, fact, remaining=remaining) if key == "products" else Number(key, fact, remaining=remaining)
        case _:
            return FreeText(key, fact, remaining=remaining)
