"""What to ask next: which questions still matter, kept up to date answer by answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from types import MappingProxyType

from knowledge.agenda import Sheet, Supports
from knowledge.rules import COMPANY, UNKNOWN, Facts, FactTypes, Verdict, generic, key_for, known, products_of

ALL: Supports = -1
"""Every support."""


class Inquiry:
    """Which questions still matter, kept up to date answer by answer.

    Only the first open condition of each support counts (the later ones may never matter), and a support that has failed, or
    whose condition the company does not know, asks nothing more. A support with a printed amount weighs three times one without, and
    one of which a condition is met already four times another: what the person spoke of is settled first.
    """

    def __init__(self, told: Sheet, given: Facts = MappingProxyType({}), those: Supports = ALL) -> None:
        """`told`: the answers that count from the beginning. `given`: answers that were volunteered ahead of their questions; they say what
        the person speaks of, and count once asked for. `those`: the supports that questions are asked for."""
        self._those = those
        self._agenda, self._given = told.agenda, given
        self._told, self._all = told, Sheet(told.agenda, {**given, **told.facts}) if given else told

    @property
    def facts(self) -> Facts:
        """The answers that count."""
        return self._told.facts

    def tell(self, key: str, token: str) -> None:
        """Take an answer to a question."""
        for sheet in (self._told, self._all):
            sheet.tell(key, token)

    def open(self) -> list[str]:
        """The keys of these questions, the one that decides most first; ties go to the order of the vocabulary."""
        weight, near = Counter[str](), self._near()
        for key, those in self._wanted():
            dear = those & self._agenda.printed
            weight[key] += those.bit_count() + 2 * dear.bit_count() + 3 * (those & near).bit_count() + 6 * (dear & near).bit_count()
        order = self._agenda.order
        return sorted(weight, key=lambda key: (-weight[key], order.get(generic(key), len(order)), key))

    def most(self) -> int:
        """How many questions may still come, at most, with what was said; 0 where it hangs on how many products there are."""
        wanted, keys, facts = 0, set[str](), self._all.facts
        for key, those in self._wanted():
            wanted |= those
            keys.add(key)
        for subject, those, judged in self._all.groups():
            alive = those & wanted & ~judged.having(Verdict.NOT_MET)
            keys |= {key_for(fact, subject) for fact, found in judged.by_fact.items() if found.get(Verdict.UNKNOWN, 0) & alive}
            keys |= {key_for(fact, subject) for fact, of in self._agenda.reckoned.items() if of & alive}
            keys |= {f"{subject}.year"} if self._asks_year(subject, facts) & alive else set()
        keys -= facts.keys()
        return 0 if "products" in keys else len(keys)

    def unheard(self) -> list[str]:
        """The keys of answers that were volunteered, that some support looks at, and that nothing rules out, though no question led there."""
        agenda, keys = self._agenda, [k for k in self._given if k not in self.facts and generic(k) in self._agenda.order]
        listed = self._given.get("products", "").split(",")
        return [
            k
            for k in sorted(keys, key=lambda k: (agenda.order[generic(k)], k))
            if generic(k) in agenda.looks_at and (generic(k) == k or k.split(".")[1] in listed) and not self._ruled_out(k)
        ]

    def _ruled_out(self, key: str) -> bool:
        subject = ".".join(key.split(".")[:2]) if generic(key) != key else COMPANY
        types = self._agenda.types
        return any(known(f, self._all.facts, subject, types) not in (None, UNKNOWN, t) for f, t in types[generic(key)].only_if.items())

    def _near(self) -> Supports:
        """The supports of which a condition is met by something that was said."""
        spoken, near = {generic(key) for key in self._all.facts}, 0
        for _, those, judged in self._all.groups():
            for fact in spoken & judged.by_fact.keys():
                near |= those & judged.by_fact[fact].get(Verdict.MET, 0)
        return near

    def _wanted(self) -> Iterator[tuple[str, Supports]]:
        """What to ask, and for which supports: one question for each support and subject that has not failed."""
        agenda, facts = self._agenda, self._told.facts
        for subject, those, judged in self._told.groups():
            alive, unknown = those & self._those & ~judged.having(Verdict.NOT_MET), set[str]()
            for fact, found in judged.by_fact.items():
                if unsure := found.get(Verdict.UNKNOWN, 0):
                    if key_for(fact, subject) in facts:  # it was asked, and the company does not know
                        alive &= ~unsure
                    else:
                        unknown.add(fact)
            wanted = dict[str, Supports]()
            for fact, at in agenda.places:
                if fact in unknown and (hit := at & alive):
                    alive &= ~hit
                    wanted[fact] = wanted.get(fact, 0) | hit
            for fact, hit in wanted.items():
                yield _first_open(fact, facts, subject, agenda.types, bool(hit & agenda.per_product)), hit
            for fact, of in agenda.reckoned.items():
                if (key := key_for(fact, subject)) not in facts and (hit := of & alive):
                    alive &= ~hit
                    yield key, hit
            if f"{subject}.year" not in facts and (hit := self._asks_year(subject, facts) & alive):
                yield f"{subject}.year", hit

    def _asks_year(self, subject: str, facts: Facts) -> Supports:
        """The supports for which the year of a product matters: there is a ceiling for each year, and more than one product."""
        return self._agenda.yearly if subject != COMPANY and len(products_of(facts)) > 1 else 0


def _first_open(fact: str, facts: Facts, subject: str, types: FactTypes, per_product: bool) -> str:
    """The key to ask for a fact: the list of products and the kind of product come before a product's own facts."""
    if per_product and fact.startswith("product.") and facts.get("products") is None:
        return "products"
    for other in types[fact].only_if if fact in types else ():
        if known(other, facts, subject, types) is None:
            return key_for(other, subject)
    return key_for(fact, subject)
