"""补贴预审: which supports could this company get on that day, and what is still missing?"""

from __future__ import annotations

from datetime import date

from dialogs.script import Outcome, Question, Script, ask
from dialogs.scripts.regions import region_question
from knowledge import rules
from knowledge.inquiry import Agenda, Inquiry
from knowledge.precheck import precheck
from knowledge.snapshot import Knowledge


def subsidy_precheck(knowledge: Knowledge, today: date) -> Script:
    """Ask only what still changes a status, most decisive first; then judge every support of the region."""
    region = yield from region_question(knowledge)
    agenda = knowledge.agendas[region]
    inquiry = Inquiry(agenda)
    while matter := inquiry.open():
        value = yield from _question(agenda, matter[0], len(matter))
        inquiry.tell(matter[0], token_of(value))
    return Outcome("subsidy.report", precheck(knowledge, region, inquiry.facts, today))


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
