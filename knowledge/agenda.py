"""The supports of a region, made ready for judging and asking. A set of supports is an integer whose bit n stands for support n, so that
what holds for many of them is found in one step, however many there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import compress
from types import MappingProxyType
from typing import Any

from knowledge.assessments import Assessment, Prepared, Tests, year_of
from knowledge.records import Document
from knowledge.rules import COMPANY, Answers, Facts, FactTypes, Verdict, generic, products_of
from knowledge.supports import Support
from knowledge.validity import OVER, Time, time_on

Supports = int
"""A set of supports: bit n is support n of the agenda."""
_NONE: Mapping[Any, Any] = MappingProxyType({})
DAYS = 16
"""For how many days it is remembered which supports are open."""


class Judged:
    """The verdict on each condition of an agenda for one subject, and for which supports that makes which difference."""

    __slots__ = ("begun", "by_fact", "verdicts")

    def __init__(
        self, verdicts: Iterable[Verdict] = (), by_fact: Mapping[str, Mapping[Verdict, Supports]] = _NONE, begun: Mapping[str, Supports] = _NONE
    ) -> None:
        self.verdicts = list(verdicts)
        """By the number of the condition."""
        self.by_fact = dict(by_fact)
        """For each fact and verdict, the supports with a condition on it of which that is the verdict."""
        self.begun = dict(begun)
        """For each fact, the supports whose first condition is on it, and met."""

    def copy(self) -> Judged:
        """The same, to be judged on by itself."""
        return Judged(self.verdicts, self.by_fact, self.begun)

    def judge(self, fact: str, agenda: Agenda, answers: Answers, subject: str) -> None:
        """Judge the conditions on one fact anew."""
        found, begun = dict[Verdict, Supports](), 0
        for number in agenda.on[fact]:
            verdict = self.verdicts[number] = answers.verdict(agenda.tests.all[number], subject)
            found[verdict] = found.get(verdict, 0) | agenda.having[number]
            if verdict is Verdict.MET:
                begun |= agenda.first[number]
        self.by_fact[fact], self.begun[fact] = found, begun

    def having(self, which: Verdict) -> Supports:
        """The supports with a condition on which this is the verdict."""
        found = 0
        for those in self.by_fact.values():
            found |= those.get(which, 0)
        return found


@dataclass(frozen=True, slots=True)
class Agenda:
    """Some supports with their different conditions; made once, used often."""

    rows: tuple[Prepared, ...]
    types: FactTypes
    tests: Tests
    having: tuple[Supports, ...]
    """For each condition, the supports that have it."""
    first: tuple[Supports, ...]
    """For each condition, the supports whose first one it is."""
    leading: Supports
    """The supports to which something leads that a company may have done."""
    on: Mapping[str, tuple[int, ...]]
    """For each fact, the conditions on it."""
    behind: Mapping[str, tuple[str, ...]]
    """For each fact, the facts of whose conditions the verdicts may hang on it."""
    places: tuple[tuple[str, Supports], ...]
    """A fact and the supports that have a condition on it at one place: all first places, then all second ones, and so on."""
    per_product: Supports
    printed: Supports
    """Those with a printed amount."""
    yearly: Supports
    """Those with a ceiling for each year of a company."""
    reckoned: Mapping[str, Supports]
    """For each fact that amounts are reckoned on, whose."""
    looks_at: frozenset[str]
    """Every fact on which something may hang."""
    order: Mapping[str, int]
    """The place of each fact in the vocabulary."""
    choices: Mapping[str, tuple[str, ...]]
    """For facts of several choices: the tokens that some support looks at, the most frequent first."""
    blank: Judged = field(default_factory=Judged, compare=False, repr=False)
    """The verdicts for a company of which nothing is known."""
    _times: dict[date, tuple[Time, ...]] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, supports: Iterable[Support], documents: Mapping[str, Document], types: FactTypes) -> Agenda:
        """Prepare these supports."""
        tests = Tests()
        rows = tuple([Prepared.of(s, documents[s.source.document], types, tests) for s in supports])
        first, having, places, reckoned = [0] * len(tests.all), [0] * len(tests.all), dict[tuple[int, str], Supports](), dict[str, Supports]()
        for index, row in enumerate(rows):
            first[row.tests[0]] |= 1 << index
            for place, (number, criterion) in enumerate(zip(row.tests, row.support.criteria, strict=True)):
                having[number] |= 1 << index
                if criterion.fact:
                    places[place, criterion.fact] = places.get((place, criterion.fact), 0) | 1 << index
            if of := row.support.amount.of:
                reckoned[of] = reckoned.get(of, 0) | 1 << index
        on, behind = dict[str, list[int]](), dict[str, list[str]]()
        for number, test in enumerate(tests.all):
            if test.fact:
                on.setdefault(test.fact, []).append(number)
        for fact in on:
            for other in _hangs_on(fact, types):
                behind.setdefault(other, []).append(fact)
        per_product = _those(rows, lambda s: s.per == "product")
        found = cls(
            rows,
            types,
            tests,
            tuple(having),
            tuple(first),
            sum(1 << index for index, row in enumerate(rows) if row.leads),
            {fact: tuple(numbers) for fact, numbers in on.items()},
            {fact: tuple(facts) for fact, facts in behind.items()},
            tuple((fact, those) for (_, fact), those in sorted(places.items(), key=lambda place: place[0][0])),
            per_product,
            _those(rows, lambda s: bool(s.amount.max or s.amount.rate_max)),
            _those(rows, lambda s: any(c.scope == "company_year" and not c.both_tiers for c in s.caps)),
            reckoned,
            frozenset((*behind, *reckoned, *(("products", "product.year") if per_product else ()))),
            {key: position for position, key in enumerate(types)},
            _choices(rows, types),
        )
        nothing = Answers({}, types)
        found.blank.verdicts += [nothing.verdict(test, COMPANY) for test in tests.all]
        for fact in on:
            found.blank.judge(fact, found, nothing, COMPANY)
        return found

    def worth_asking(self, today: date) -> Supports:
        """The supports that questions are asked for on a day: those whose time is not over; where all is over, all, by the standards of then."""
        living = sum(1 << index for index, time in enumerate(self.times(today)) if time not in OVER)
        return living or (1 << len(self.rows)) - 1

    def times(self, today: date) -> tuple[Time, ...]:
        """How each support stands on a day."""
        if (found := self._times.get(today)) is None:
            found = tuple([time_on(row.support, row.document, today) for row in self.rows])
            if len(self._times) >= DAYS:
                self._times.clear()
            self._times[today] = found
        return found


class Sheet:
    """A company's answers, and what is judged by them: by an agenda, for each subject."""

    __slots__ = ("agenda", "facts", "judged")

    def __init__(self, agenda: Agenda, facts: Facts = MappingProxyType({})) -> None:
        self.agenda, self.facts = agenda, dict(facts)
        self.judged = {COMPANY: agenda.blank.copy()}
        """By subject."""
        if facts:
            answers = Answers(self.facts, agenda.types)
            for fact in {f for key in facts for f in agenda.behind.get(generic(key), ())}:
                self.judged[COMPANY].judge(fact, agenda, answers, COMPANY)
            self._products(answers)

    def _products(self, answers: Answers) -> None:
        """Judge each product: as the company, except where its own facts may matter."""
        company = self.judged[COMPANY]
        self.judged = {COMPANY: company}
        own = {f for key, facts in self.agenda.behind.items() if key.startswith("product.") for f in facts}
        for subject in products_of(self.facts):
            if subject != COMPANY:
                self.judged[subject] = judged = company.copy()
                for fact in own:
                    judged.judge(fact, self.agenda, answers, subject)

    def tell(self, key: str, token: str) -> None:
        """Take an answer; only what may hang on it is judged anew."""
        if self.facts.get(key) == token:
            return
        self.facts[key] = token
        changed, answers = generic(key), Answers(self.facts, self.agenda.types)
        for subject, judged in self.judged.items():
            if changed == key or key.startswith(f"{subject}."):
                for fact in self.agenda.behind.get(changed, ()):
                    judged.judge(fact, self.agenda, answers, subject)
        if key == "products":
            self._products(answers)

    def groups(self) -> Iterator[tuple[str, Supports, Judged]]:
        """Each subject with the supports that are judged for it, and the verdicts."""
        everything = (1 << len(self.agenda.rows)) - 1
        yield COMPANY, everything & ~self.agenda.per_product, self.judged[COMPANY]
        for subject in products_of(self.facts):
            yield subject, self.agenda.per_product, self.judged[subject]

    def assess(self, today: date) -> tuple[Assessment, ...]:
        """Judge every support for every subject on a day."""
        facts = self.facts
        company, products = ([(s, self.judged[s].verdicts, year_of(s, facts)) for s in those] for those in ((COMPANY,), products_of(facts)))
        return tuple(
            [
                row.assess(subject, told, facts, time, year, today)
                for row, time in zip(self.agenda.rows, self.agenda.times(today), strict=True)
                for subject, told, year in (products if row.support.per == "product" else company)
            ]
        )

    def assess_some(self, subject: str, those: Supports, today: date) -> list[Assessment]:
        """Judge some supports for one subject on a day."""
        facts, told, year = self.facts, self.judged[subject].verdicts, year_of(subject, self.facts)
        wanted = compress(zip(self.agenda.rows, self.agenda.times(today), strict=True), map("1".__eq__, f"{those:b}"[::-1]))
        return [row.assess(subject, told, facts, time, year, today) for row, time in wanted]

    def hopeless(self, those: Supports, judged: Judged) -> Supports:
        """Of these supports, those that fail and are not nearly there: their first condition is not met, and nothing leads to it."""
        begun = self.agenda.leading
        for found in judged.begun.values():
            begun |= found
        return those & judged.having(Verdict.NOT_MET) & ~begun


def _those(rows: Iterable[Prepared], which: Callable[[Support], bool]) -> Supports:
    """The supports of which something is true."""
    return sum(1 << index for index, row in enumerate(rows) if which(row.support))


def _hangs_on(fact: str, types: FactTypes) -> set[str]:
    """Every fact on which the verdict on a condition on this one may hang."""
    others = {fact, *(types[fact].only_if if fact in types else ()), *(("products",) if fact.startswith("product.") else ())}
    return others | {source for other in others if other in types for source in types[other].implied_by}


def _choices(rows: Iterable[Prepared], types: FactTypes) -> Mapping[str, tuple[str, ...]]:
    used: dict[str, Counter[str]] = {}
    for criterion in (c for row in rows for c in row.support.criteria if c.fact):
        used.setdefault(criterion.fact or "", Counter()).update(criterion.any_of)
    return {
        key: tuple(sorted((o.token for o in types[key].options if o.token in counts), key=lambda t: -counts[t]))
        for key, counts in used.items()
        if key in types and types[key].type == "choices"
    }
