"""The supports of a region, made ready for judging and asking. A set of supports is an integer whose bit n stands for support n, so that
what holds for many of them is found in one step, however many there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType

from knowledge.assessments import Assessment, Prepared, Tests, year_of
from knowledge.records import Document
from knowledge.rules import COMPANY, Answers, Facts, FactTypes, Verdict, generic, products_of
from knowledge.supports import Support
from knowledge.validity import Time, time_on

Supports = int
"""A set of supports: bit n is support n of the agenda."""
DAYS = 16
"""For how many days it is remembered which supports are open."""


@dataclass(frozen=True, slots=True)
class Agenda:
    """Some supports with their different conditions; made once, used often."""

    rows: tuple[Prepared, ...]
    types: FactTypes
    tests: Tests
    having: tuple[Supports, ...]
    """For each condition, the supports that have it."""
    places: tuple[tuple[int, Supports], ...]
    """A condition and the supports in which it stands at one place: all first places, then all second ones, and so on. Without those that
    no answer settles."""
    on: Mapping[str, tuple[int, ...]]
    """For each fact, the conditions on it."""
    behind: Mapping[str, tuple[int, ...]]
    """For each fact, the conditions whose verdict may hang on it."""
    of_products: tuple[int, ...]
    """The conditions whose verdict may be another one for each product."""
    blank: tuple[Verdict, ...]
    """The verdict on each condition of a company of which nothing is known."""
    per_product: Supports
    printed: Supports
    """Those with a printed amount."""
    reckoned: Mapping[str, Supports]
    """For each fact that amounts are reckoned on, whose."""
    yearly: Supports
    """Those with a ceiling for each year of a company."""
    looks_at: frozenset[str]
    """Every fact on which something may hang."""
    order: Mapping[str, int]
    """The place of each fact in the vocabulary."""
    choices: Mapping[str, tuple[str, ...]]
    """For facts of several choices: the tokens that some support looks at, the most frequent first."""
    _times: dict[date, tuple[Time, ...]] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, supports: Iterable[Support], documents: Mapping[str, Document], types: FactTypes) -> Agenda:
        """Prepare these supports."""
        tests = Tests()
        rows = tuple([Prepared.of(s, documents[s.source.document], types, tests) for s in supports])
        having, places = [0] * len(tests.all), dict[tuple[int, int], Supports]()
        for index, row in enumerate(rows):
            for place, number in enumerate(row.tests):
                having[number] |= 1 << index
                if tests.all[number].fact:
                    places[place, number] = places.get((place, number), 0) | 1 << index
        on, behind = dict[str, list[int]](), dict[str, list[int]]()
        for number, test in enumerate(tests.all):
            if test.fact:
                on.setdefault(test.fact, []).append(number)
                for fact in _behind(test.fact, types):
                    behind.setdefault(fact, []).append(number)
        reckoned = dict[str, Supports]()
        for index, row in enumerate(rows):
            if of := row.support.amount.of:
                reckoned[of] = reckoned.get(of, 0) | 1 << index
        nothing = Answers({}, types)
        per_product = _those(rows, lambda s: s.per == "product")
        return cls(
            rows,
            types,
            tests,
            tuple(having),
            tuple((number, those) for (_, number), those in sorted(places.items(), key=lambda found: found[0])),
            {fact: tuple(numbers) for fact, numbers in on.items()},
            {fact: tuple(numbers) for fact, numbers in behind.items()},
            tuple(sorted({n for fact, numbers in behind.items() if fact.startswith("product.") for n in numbers})),
            tuple([nothing.verdict(test, COMPANY) for test in tests.all]),
            per_product,
            _those(rows, lambda s: bool(s.amount.max or s.amount.rate_max)),
            reckoned,
            _those(rows, lambda s: any(c.scope == "company_year" and not c.both_tiers for c in s.caps)),
            frozenset((*behind, *reckoned, *(("products", "product.year") if per_product else ()))),
            {key: position for position, key in enumerate(types)},
            _choices(rows, types),
        )

    def times(self, today: date) -> tuple[Time, ...]:
        """How each support stands on a day."""
        if (found := self._times.get(today)) is None:
            found = tuple([time_on(row.support, row.document, today) for row in self.rows])
            if len(self._times) >= DAYS:
                self._times.clear()
            self._times[today] = found
        return found


class Sheet:
    """A company's answers, with the verdict on each condition of an agenda for each subject."""

    __slots__ = ("agenda", "facts", "verdicts")

    def __init__(self, agenda: Agenda, facts: Facts = MappingProxyType({})) -> None:
        self.agenda = agenda
        self.facts = dict(facts)
        self.verdicts = {COMPANY: list(agenda.blank)}
        """By subject: the verdicts by number of condition."""
        if facts:
            self._judge()

    def _judge(self) -> None:
        agenda, answers = self.agenda, Answers(self.facts, self.agenda.types)
        company = [answers.verdict(test, COMPANY) for test in agenda.tests.all]
        self.verdicts = {COMPANY: company}
        for subject in products_of(self.facts):
            if subject != COMPANY:
                self.verdicts[subject] = list(company)
                self._judge_again(answers, subject, agenda.of_products)

    def _judge_again(self, answers: Answers, subject: str, numbers: Iterable[int]) -> None:
        verdicts, tests = self.verdicts[subject], self.agenda.tests.all
        for number in numbers:
            verdicts[number] = answers.verdict(tests[number], subject)

    def tell(self, key: str, token: str) -> None:
        """Take an answer; only what may hang on it is judged anew."""
        if self.facts.get(key) == token:
            return
        self.facts[key] = token
        if key == "products":
            self._judge()
            return
        fact, answers = generic(key), Answers(self.facts, self.agenda.types)
        for subject in self.verdicts:
            if fact == key or key.startswith(f"{subject}."):
                self._judge_again(answers, subject, self.agenda.behind.get(fact, ()))

    def groups(self) -> Iterator[tuple[str, Supports, Sequence[Verdict]]]:
        """Each subject with the supports that are judged for it, and the verdicts."""
        everything = (1 << len(self.agenda.rows)) - 1
        yield COMPANY, everything & ~self.agenda.per_product, self.verdicts[COMPANY]
        for subject in products_of(self.facts):
            yield subject, self.agenda.per_product, self.verdicts[subject]

    def assess(self, today: date) -> tuple[Assessment, ...]:
        """Judge every support for every subject on a day."""
        facts = self.facts
        company, products = ([(s, self.verdicts[s], year_of(s, facts)) for s in those] for those in ((COMPANY,), products_of(facts)))
        return tuple(
            [
                row.assess(subject, told, facts, time, year, today)
                for row, time in zip(self.agenda.rows, self.agenda.times(today), strict=True)
                for subject, told, year in (products if row.support.per == "product" else company)
            ]
        )


def _those(rows: Iterable[Prepared], which: Callable[[Support], bool]) -> Supports:
    """The supports of which something is true."""
    return sum(1 << index for index, row in enumerate(rows) if which(row.support))


def _behind(fact: str, types: FactTypes) -> set[str]:
    """Every fact on which the verdict on a condition on this one may hang."""
    if fact not in types:
        return {fact}
    others = {fact, *types[fact].only_if}
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
