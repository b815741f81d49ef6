"""The pre-check of a company: every support of its region judged on a day, and what may be added up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import NamedTuple

from knowledge import changes, rules, stacking
from knowledge.agenda import Sheet
from knowledge.assessments import Assessment, year_of
from knowledge.changes import Change
from knowledge.grouping import FAILED, FOLDED, SILENT, Groups, grouped
from knowledge.rules import Facts, Verdict
from knowledge.snapshot import Knowledge
from knowledge.stacking import Total


class Folded(NamedTuple):
    """How large a group is that a report only counts."""

    supports: int
    rows: int


@dataclass(frozen=True)
class Report:
    """What a pre-check comes to: one row a support and subject, and what may be added up. Rows are made when they are looked at."""

    region: str
    today: date
    facts: Mapping[str, str]
    """The answers that it follows from, by key; no private ones."""
    sheet: Sheet = field(compare=False, repr=False)
    """The verdicts that the rows are made from."""
    later: tuple[str, ...] = ()
    """The numbers of products that are from a later year than the day: on that day they were not there, and are not judged."""
    open: tuple[str, ...] = ()
    """Keys of questions that were not put, since the person wanted to see what follows so far."""
    lifted: dict[tuple[str, str], Change | None] = field(default_factory=dict, compare=False, repr=False)
    """What would change a row, once it was asked for: by support and subject."""

    @cached_property
    def rows(self) -> tuple[Assessment, ...]:
        """Every support for every subject."""
        return self.sheet.assess(self.today)

    @property
    def groups(self) -> Groups:
        """The rows that a report tells, by what follows from them."""
        return self._sifted[0]

    @property
    def folded(self) -> Mapping[str, Folded]:
        """The groups that a report only counts; empty ones are left out."""
        return self._sifted[1]

    @cached_property
    def folded_rows(self) -> Groups:
        """The rows of these."""
        return {name: rows for name, rows in grouped(self.rows).items() if name in FOLDED}

    @cached_property
    def _sifted(self) -> tuple[Groups, Mapping[str, Folded]]:
        """What is only counted is found for all supports at once, without making rows of it."""
        rows, those, counts = list[Assessment](), dict.fromkeys(FOLDED, 0), dict.fromkeys(FOLDED, 0)
        for subject, supports, judged in self.sheet.groups():
            failed = self.sheet.hopeless(supports, judged)
            silent = supports & ~judged.having(Verdict.NOT_MET) & ~judged.having(Verdict.MET)
            rows += self.sheet.assess_some(subject, supports & ~failed & ~silent, self.today)
            for name, found in ((FAILED, failed), (SILENT, silent)):
                those[name] |= found
                counts[name] += found.bit_count()
        groups = grouped(rows)
        places = {row.support.id: index for index, row in enumerate(self.sheet.agenda.rows)} if FAILED in groups else {}
        for row in groups.pop(FAILED, ()):  # nearly there at first sight, and not by a little at the second
            those[FAILED] |= 1 << places[row.support.id]
            counts[FAILED] += 1
        return groups, {name: Folded(those[name].bit_count(), counts[name]) for name in FOLDED if counts[name]}

    @cached_property
    def total(self) -> Total | None:
        """What is met, added up."""
        return stacking.total(self.groups.get("met", ()))

    @cached_property
    def assumes_year(self) -> bool:
        """Whether a ceiling for each year lies over several products of which one has no year: it is counted in the year of the pre-check."""
        under: dict[str, set[str]] = {}
        for row in self.total.counted if self.total else ():
            for cap in row.support.caps if row.subject != rules.COMPANY else ():
                if cap.scope == "company_year":
                    under.setdefault(cap.id, set()).add(row.subject)
        return any(not year_of(s, self.facts) for subjects in under.values() if len(subjects) > 1 for s in subjects)


def precheck(knowledge: Knowledge, region: str, facts: Facts, today: date, open_keys: tuple[str, ...] = ()) -> Report:
    """Judge every support of a region (and of the regions above it) by these facts, as of a day."""
    shown = {k: v for k, v in facts.items() if not knowledge.facts[rules.generic(k)].private}
    numbers = [subject.removeprefix("product.") for subject in rules.products_of(facts) if subject != rules.COMPANY]
    later = tuple(n for n in numbers if year_of(f"product.{n}", facts) > today.year)
    if later:
        facts = {**facts, "products": ",".join(n for n in numbers if n not in later) or rules.NONE}
    return Report(region, today, shown, Sheet(knowledge.agendas[region], facts), later, open_keys)


def change(knowledge: Knowledge, report: Report, row: Assessment) -> Change | None:
    """What would change a row of a report; None where nothing would, or nothing need."""
    key = (row.support.id, row.subject)
    if key not in report.lifted:
        report.lifted[key] = changes.change(row, report.sheet.facts, knowledge.documents, knowledge.facts, report.today)
    return report.lifted[key]
