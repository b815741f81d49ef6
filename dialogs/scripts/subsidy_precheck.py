"""补贴预审: which supports could this company get on that day, and what is still missing?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from dialogs.script import Outcome, Question, Script, ask
from dialogs.scripts.regions import region_question
from knowledge import rules, stacking
from knowledge.facts import Support, Words
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


def subsidy_precheck(knowledge: Knowledge, today: date) -> Script:
    """Ask only what still changes a status, most decisive first; then judge every support of the region."""
    region = yield from region_question(knowledge)
    supports = knowledge.supports_in(region)
    candidates, known = supports, dict[str, str]()
    while matter := rules.open_facts(candidates, known, knowledge.facts):
        value = yield from _question(knowledge, supports, matter[0], len(matter))
        known[matter[0]] = token_of(value)
        candidates = tuple(s for s in candidates if rules.still_open(s, known, knowledge.facts))
    rows = rules.assess(supports, known, knowledge.documents, knowledge.facts, today)
    return Outcome("subsidy.report", Report(region, today, rows, stacking.total(rows)), known)


def _question(knowledge: Knowledge, supports: tuple[Support, ...], key: str, remaining: int) -> Question[object]:
    """The question for a fact, offering only choices that some support of the region looks at (and the plain “other” ones)."""
    fact = knowledge.facts[rules.generic(key)]
    used = {t for s in supports for c in s.criteria if c.fact == fact.key for t in c.any_of}
    options: tuple[tuple[str, Words], ...] = tuple((o.token, o.label) for o in fact.options)
    if fact.type == "choices":
        options = tuple(o for o in options if o[0] in used)
    return ask(fact, key, options, remaining)


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
