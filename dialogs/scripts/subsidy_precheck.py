"""补贴预审: which supports could this company get on that day, and what is still missing?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date

from dialogs.script import GIVEN, SKIPPED, Outcome, Question, Script, ask
from dialogs.scripts.regions import region_question
from knowledge import rules
from knowledge.agenda import Agenda, Sheet
from knowledge.inquiry import Inquiry
from knowledge.precheck import precheck
from knowledge.snapshot import Knowledge


def subsidy_precheck(knowledge: Knowledge, today: date) -> Script:
    """Ask only what still changes a status, most decisive first; then judge every support of the region.

    Two answers are only taken, never asked for: the day to judge by (按2022年看), and that the person wants to see what follows so far.
    """
    region = yield from region_question(knowledge)
    day = yield from replace(ask(knowledge.facts["as_of"]), default=today)
    enough = yield from replace(ask(knowledge.facts["enough"]), default=False)
    given: Mapping[str, str] = yield GIVEN
    agenda = knowledge.agendas[region]
    inquiry, skipped = Inquiry(Sheet(agenda), given, agenda.worth_asking(day or today)), list[str]()
    while matter := inquiry.open():
        if enough and not given.keys() & set(matter):  # none of these will be answered: they are left out together
            skipped += matter
            for key in matter:
                inquiry.tell(key, rules.UNKNOWN)
            continue
        question = _question(agenda, matter[0], inquiry.most)
        value = yield from (replace(question, default=SKIPPED) if enough else question)
        if value is SKIPPED:
            skipped.append(matter[0])
        inquiry.tell(matter[0], rules.UNKNOWN if value is SKIPPED else token_of(value))
    for key in inquiry.unheard() if enough else ():  # what was said ahead of a question that was not put counts as well
        value = yield from _question(agenda, key, 0)
        inquiry.tell(key, token_of(value))
    facts = {k: v for k, v in inquiry.facts.items() if k not in skipped}
    return Outcome("subsidy.report", precheck(knowledge, region, facts, day or today, tuple(skipped)))


def _question(agenda: Agenda, key: str, remaining: int | Callable[[], int]) -> Question[object]:
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
