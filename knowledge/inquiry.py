"""What to ask next: which questions still matter, kept up to date answer by answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from knowledge.rules import COMPANY, UNKNOWN, Answers, Assessment, Facts, FactTypes, Verdict, generic, key_for, known, subjects
from knowledge.supports import Support


@dataclass(frozen=True)
class Agenda:
    """The supports of a region, prepared for asking: which facts each looks at, and what it asks for first. Made once, used often."""

    supports: tuple[Support, ...]
    types: FactTypes
    looks_at: tuple[frozenset[str], ...]
    first: tuple[tuple[str, ...], ...]
    order: Mapping[str, int]
    choices: Mapping[str, tuple[str, ...]]
    """For facts of several choices: the tokens that some support looks at, the most frequent first."""

    @classmethod
    def of(cls, supports: Iterable[Support], types: FactTypes) -> Agenda:
        """Prepare these supports."""
        rows = tuple(supports)
        looks = tuple(frozenset(_looks_at(s, types)) for s in rows)
        nothing = Answers({}, types)
        first = tuple(tuple(_open_keys(s, nothing)) for s in rows)
        used: dict[str, Counter[str]] = {}
        for criterion in (c for s in rows for c in s.criteria if c.fact):
            used.setdefault(criterion.fact or "", Counter()).update(criterion.any_of)
        choices = {
            key: tuple(sorted((o.token for o in types[key].options if o.token in counts), key=lambda t: -counts[t]))
            for key, counts in used.items()
            if key in types and types[key].type == "choices"
        }
        return cls(rows, types, looks, first, {key: position for position, key in enumerate(types)}, choices)


class Inquiry:
    """Which questions still matter, kept up to date answer by answer.

    Only the first open condition of each support counts (the later ones may never matter), and a support that has failed, or
    whose condition the company does not know, asks nothing more. A support with a printed amount weighs three times one without, and
    one of which a condition is met already four times another: what the person spoke of is settled first.
    """

    def __init__(self, agenda: Agenda, given: Facts = MappingProxyType({})) -> None:
        """`given`: answers that were volunteered ahead of their questions; they say what the person speaks of, and count once asked for."""
        self._agenda, self._given = agenda, given
        self.facts: dict[str, str] = {}
        self._wanted = list(agenda.first)
        self._all = dict(given)
        self._spoken = {generic(key) for key in given}
        said = Answers(self._all, agenda.types)
        self._near = [bool(given) and self._any_met(s, said) for s in agenda.supports]

    def open(self) -> list[str]:
        """The keys of these questions, the one that decides most first; ties go to the order of the vocabulary."""
        weight: Counter[str] = Counter()
        for support, keys, near in zip(self._agenda.supports, self._wanted, self._near, strict=True):
            for key in keys:
                weight[key] += (3 if support.amount.max or support.amount.rate_max else 1) * (4 if near else 1)
        return _ordered(weight, self._agenda)

    def most(self) -> int:
        """How many questions may still come, at most, with what was said; 0 where it hangs on how many products there are."""
        agenda, facts, said = self._agenda, self._all, Answers(self._all, self._agenda.types)
        keys = {
            key
            for support, wanted in zip(agenda.supports, self._wanted, strict=True)
            if wanted
            for subject in subjects(support, facts)
            for key in (*wanted, *_unanswered(support, subject, said))
            if key not in facts
        }
        return 0 if "products" in keys else len(keys)

    def tell(self, key: str, token: str) -> None:
        """Take an answer; only supports that look at its fact are judged anew."""
        self.facts[key] = self._all[key] = token
        self._spoken.add(generic(key))
        fact, agenda = generic(key), self._agenda
        told, said = Answers(self.facts, agenda.types), Answers(self._all, agenda.types)
        for index, keys in enumerate(self._wanted):
            if keys and fact in agenda.looks_at[index]:
                support = agenda.supports[index]
                self._wanted[index] = tuple(_open_keys(support, told))
                self._near[index] = bool(self._wanted[index]) and self._any_met(support, said)

    def unheard(self) -> list[str]:
        """The keys of answers that were volunteered, that some support looks at, and that nothing rules out, though no question led there."""
        agenda, keys = self._agenda, [k for k in self._given if k not in self.facts and generic(k) in self._agenda.order]
        looked_at = frozenset().union(*agenda.looks_at)
        listed = self._given.get("products", "").split(",")
        return [
            k
            for k in sorted(keys, key=lambda k: (agenda.order[generic(k)], k))
            if generic(k) in looked_at and (generic(k) == k or k.split(".")[1] in listed) and not self._ruled_out(k)
        ]

    def _ruled_out(self, key: str) -> bool:
        subject = ".".join(key.split(".")[:2]) if generic(key) != key else COMPANY
        return any(
            known(f, self._all, subject, self._agenda.types) not in (None, UNKNOWN, t) for f, t in self._agenda.types[generic(key)].only_if.items()
        )

    def _any_met(self, support: Support, said: Answers) -> bool:
        """Whether something that was said meets a condition."""
        spoken = [c for c in support.criteria if c.fact in self._spoken]
        return bool(spoken) and any(said.verdict(c, subject) is Verdict.MET for subject in subjects(support, said.facts) for c in spoken)


def _looks_at(support: Support, types: FactTypes) -> set[str]:
    """Every fact on which the questions of a support may depend."""
    facts = {c.fact for c in support.criteria if c.fact}
    more = {g for f in facts if f in types for g in (*types[f].only_if, *types[f].implied_by)}
    implied = {i for g in more if g in types for i in types[g].implied_by}
    own = {support.amount.of} if support.amount.of else set()
    return facts | more | implied | own | ({"products", "product.year"} if support.per == "product" else set())


def still_open(rows: Iterable[Assessment], facts: Facts, agenda: Agenda) -> list[str]:
    """The keys of the questions that still matter after a pre-check, from its rows: as `Inquiry.open`, without judging anew."""
    weight: Counter[str] = Counter()
    for row in rows:
        verdicts = [(c, v) for c, v in row.verdicts if c.fact]
        if any(v is Verdict.NOT_MET for _, v in verdicts):
            continue
        unknown = [c.fact or "" for c, v in verdicts if v is Verdict.UNKNOWN]
        amount = row.support.amount
        worth = (3 if amount.max or amount.rate_max else 1) * (4 if any(v is Verdict.MET for _, v in verdicts) else 1)
        for key in _wanted(row.support, row.subject, unknown, facts, agenda.types):
            weight[key] += worth
    return _ordered(weight, agenda)


def _ordered(weight: Counter[str], agenda: Agenda) -> list[str]:
    order = agenda.order
    return sorted(weight, key=lambda key: (-weight[key], order.get(generic(key), len(order)), key))


def open_facts(supports: Iterable[Support], facts: Facts, types: FactTypes) -> list[str]:
    """The keys of the questions that still matter, the one that decides most first; empty when no answer would change a status."""
    inquiry = Inquiry(Agenda.of(supports, types))
    for key, token in facts.items():
        inquiry.tell(key, token)
    return inquiry.open()


def _open_keys(support: Support, told: Answers) -> Iterable[str]:
    for subject in subjects(support, told.facts):
        unknown: list[str] = []
        for criterion in support.criteria:
            found = told.verdict(criterion, subject)
            if found is Verdict.NOT_MET:
                break
            if found is Verdict.UNKNOWN and criterion.fact:
                unknown.append(criterion.fact)
        else:
            yield from _wanted(support, subject, unknown, told.facts, told.types)


def _wanted(support: Support, subject: str, unknown: list[str], facts: Facts, types: FactTypes) -> Iterable[str]:
    """What to ask for one subject of a support that has not failed."""
    if any(facts.get(key_for(fact, subject)) is not None for fact in unknown):
        return
    if unknown:
        yield _first_open(unknown[0], facts, subject, support, types)
    elif support.amount.of and key_for(support.amount.of, subject) not in facts:
        yield key_for(support.amount.of, subject)
    elif _asks_year(support, subject, facts) and f"{subject}.year" not in facts:
        yield f"{subject}.year"


def _unanswered(support: Support, subject: str, said: Answers) -> Iterable[str]:
    """The keys of all its conditions that are open; none once one has failed."""
    facts = said.facts
    found = [(c, said.verdict(c, subject)) for c in support.criteria if c.fact]
    if any(v is Verdict.NOT_MET for _, v in found):
        return []
    keys = [key_for(c.fact or "", subject) for c, v in found if v is Verdict.UNKNOWN]
    keys += [key_for(support.amount.of, subject)] if support.amount.of else []
    keys += [f"{subject}.year"] if _asks_year(support, subject, facts) else []
    return [k for k in keys if k not in facts]


def _first_open(fact: str, facts: Facts, subject: str, support: Support, types: FactTypes) -> str:
    """The key to ask for a fact: the list of products and the kind of product come before a product's own facts."""
    if support.per == "product" and fact.startswith("product.") and facts.get("products") is None:
        return "products"
    for other in types[fact].only_if if fact in types else ():
        if known(other, facts, subject, types) is None:
            return key_for(other, subject)
    return key_for(fact, subject)


def _asks_year(support: Support, subject: str, facts: Facts) -> bool:
    """Whether the year of a product matters: there is a ceiling for each year, and more than one product."""
    yearly = any(c.scope == "company_year" and not c.both_tiers for c in support.caps)
    return yearly and subject != COMPANY and len(subjects(support, facts)) > 1
