"""The pre-check of a company: every support of its region judged on a day, and what may be added up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from knowledge import changes, rules, stacking
from knowledge.agenda import Sheet
from knowledge.assessments import Assessment
from knowledge.changes import Change
from knowledge.grouping import Groups, grouped
from knowledge.rules import Facts
from knowledge.snapshot import Knowledge
from knowledge.stacking import Total


@dataclass(frozen=True)
class Report:
    """What a pre-check comes to: one row a support and subject, and what may be added up."""

    region: str
    today: date
    rows: tuple[Assessment, ...]
    total: Total | None
    facts: Mapping[str, str]
    """The answers that it follows from, by key; no private ones."""
    sheet: Sheet = field(compare=False, repr=False)
    """The verdicts that the rows are made from."""
    open: tuple[str, ...] = ()
    """Keys of questions that were not put, since the person wanted to see what follows so far."""
    lifted: dict[tuple[str, str], Change | None] = field(default_factory=dict, compare=False, repr=False)
    """What would change a row, once it was asked for: by support and subject."""

    @cached_property
    def groups(self) -> Groups:
        """The rows by what follows from them, as a report tells them."""
        return grouped(self.rows)


def precheck(knowledge: Knowledge, region: str, facts: Facts, today: date, open_keys: tuple[str, ...] = ()) -> Report:
    """Judge every support of a region (and of the regions above it) by these facts, as of a day."""
    sheet = Sheet(knowledge.agendas[region], facts)
    rows = sheet.assess(today)
    shown = {k: v for k, v in facts.items() if not knowledge.facts[rules.generic(k)].private}
    return Report(region, today, rows, stacking.total(rows), shown, sheet, open_keys)


def change(knowledge: Knowledge, report: Report, row: Assessment) -> Change | None:
    """What would change a row of a report; None where nothing would, or nothing need."""
    key = (row.support.id, row.subject)
    if key not in report.lifted:
        report.lifted[key] = changes.change(row, report.facts, knowledge.documents, knowledge.facts, report.today)
    return report.lifted[key]
