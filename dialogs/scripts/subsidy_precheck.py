"""补贴预审: which supports could this company get on that day, and what is still missing?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from dialogs.script import Outcome, Question, Script, ask
from dialogs.scripts.regions import region_question
from knowledge import rules, stacking
from knowledge.inquiry import Agenda, Inquiry
from knowledge.rules import Assessment
from knowledge.snapshot import Knowledge
from knowledge.stacking import Total


@dataclass(frozen=True, slots=True)
class Report:
    """What the pre-check comes to: one row a support and subject, and what may be added up."""

    region: str
    today: date
    rows: tuple[Assessment, ...]
    total: Total | None
    facts: Mapping[str, str]
    """The answers that it follows from, by key; no private ones."""


def subsidy_precheck(knowledge: Knowledge, today: date) -> Script:
    """Ask only what still changes a status, most decisive first; then judge every support of the region."""
    region = yield from region_question(knowledge)
    agenda = knowledge.agendas[region]
    inquiry = Inquiry(agenda)
    while matter := inquiry.open():
        value = yield from _question(agenda, matter[0], len(matter))
        inquiry.tell(matter[0], token_of(value))
    rows = rules.assess(agenda.supports, inquiry.facts, knowledge.documents, knowledge.facts, today)
    facts = {k: v for k, v in inquiry.facts.items() if not agenda.types[rules.generic(k)].private}
    return Outcome("subsidy.report", Report(region, today, rows, stacking.total(rows), facts))


def _question(agenda: Agenda, key: str, remaining: int) -> Question[object]:
    """The question for a fact, offering only choices that some support of the region looks at, the most frequent first."""
    fact = agenda.types[rules.generic(key)]
    if fact.type != "choices":
        return ask(fact, key, remaining=remaining)
    labels = {o.token: o.label for o in fact.options}
    return ask(fact, key, tuple((t, labels[t]) for t in agenda.choices[fact.key]), remaining)


def token_of(value: object) -> str:
    """The token of a question's typed value."""
    match value:
        case None:
            return rules.UNKNOWN
        case bool():
            return "yes" if value else "no"
        case tuple():
            return ",".join(map(str, value)) or rules.NONE
        case _:
            return getattr(value, "token", None) or str(value)
