"""The pre-check of one company of a table: what its rows in the result say, or why it could not be judged.

Runs in several processes; each makes its own judge once.
"""

from __future__ import annotations

import gc
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from dialogs import reports
from dialogs.answers import Voice
from dialogs.outcomes import whole
from dialogs.texts import texts
from handlers.companies import Company, TableError
from knowledge import loader
from knowledge.assessments import Assessment, Status
from knowledge.given import REGION, Problem, Reader
from knowledge.grouping import SILENT
from knowledge.inquiry import Inquiry
from knowledge.precheck import Report, precheck
from knowledge.rules import COMPANY, Verdict, generic
from knowledge.snapshot import Knowledge
from knowledge.supports import Support

Cell = str | int | float | None
GROUPS = ("met", "near", "open", "not_yet", "window_over")
"""The groups of a report that are told row by row; the others are counted together."""
ASKED = 3
"""How many questions to ask next are named."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of one row: a line of the summary and lines of detail, or problems."""

    number: int
    name: str
    summary: tuple[Cell, ...] = ()
    details: tuple[tuple[Cell, ...], ...] = ()
    problems: tuple[Problem, ...] = ()


class Judge:
    """Judges companies by one knowledge base as of one day."""

    def __init__(self, knowledge: Knowledge, today: date) -> None:
        self._knowledge = knowledge
        self._today = today
        self._voice = Voice(knowledge, today, texts("zh"))
        self._reader = Reader(knowledge.facts, knowledge.regions.values(), knowledge.segments.values())
        self._told: dict[str, tuple[str, str, str, str]] = {}

    def __call__(self, company: Company) -> Judged:
        """The rows of one company."""
        if company.problems:
            return Judged(company.number, company.name, problems=company.problems)
        given = self._reader.read(company.cells, self._today)
        if given.problems:
            return Judged(company.number, company.name, problems=given.problems)
        facts = given.facts
        report = precheck(self._knowledge, facts[REGION], facts, self._today)
        groups = report.groups
        named = (company.number, company.name, self._voice.region_name(report.region))
        details = tuple((*named, *self._detail(report, row)) for name in GROUPS for row in groups.get(name, ()))
        counts = {name: len(rows) for name, rows in groups.items()}
        summary = (
            *named,
            *(counts.get(name, 0) for name in GROUPS),
            sum(folded.rows for folded in report.folded.values()),
            *self._total(report),
            self._next(report),
        )
        return Judged(company.number, company.name, summary, details)

    def _total(self, report: Report) -> tuple[Cell, ...]:
        """The sum from and to, its currency, the ceilings that cut it, and why there is none."""
        say, total = self._voice.say, report.total
        if total is None:
            told = any(r.support.amount.max for rows in report.groups.values() for r in rows if r.status is not Status.NOT_MET)
            printed = told or any(r.support.amount.max for r in report.folded_rows.get(SILENT, ()))
            return None, None, None, None, say("dossier.no_total") if printed else None
        caps = {c.id: c for r in total.counted for c in r.support.caps}
        binding = say.join([self._voice.cap(caps[i]) for i in total.binding])
        return whole(total.low), whole(total.high), total.currency, binding or None, reports.year_taken(self._voice, report) or None

    def _next(self, report: Report) -> str | None:
        """The questions that decide most, as far as they are still open."""
        questions = []
        for key in Inquiry(report.sheet, those=report.sheet.agenda.worth_asking(report.today)).open()[:ASKED]:
            product = f"产品 {key.split('.')[1]}：" if generic(key) != key else ""
            questions.append(product + self._knowledge.facts[generic(key)].question.zh)
        return "\n".join(questions) or None

    def _detail(self, report: Report, row: Assessment) -> tuple[Cell, ...]:
        name, amount, holds, source = self._told.get(row.support.id) or self._tell(row.support)
        number, known = row.subject.removeprefix("product."), reports.traits(self._voice, report, row.subject)
        product = None if row.subject == COMPANY else f"{number}（{known}）" if known else number
        estimate = row.estimate
        money: tuple[Cell, ...] = (whole(estimate.low), whole(estimate.high), estimate.currency) if estimate else (None, None, None)
        failed = "；".join(map(self._voice.condition, row.failed)) if row.failed else None
        missing = "；".join(self._voice.condition(c) for c, v in row.verdicts if v in (Verdict.UNKNOWN, Verdict.UNDECIDABLE))
        return name, product, reports.headline(self._voice, row), amount, *money, holds, failed, missing or None, source

    def _tell(self, support: Support) -> tuple[str, str, str, str]:
        """What is said of a support whoever asks: its name, its amount as printed, whether it holds, where it stands."""
        voice, document = self._voice, self._knowledge.documents[support.source.document]
        told = (voice.called(support), voice.amount(support), voice.holds(support), f"《{document.title}》{support.source.section}")
        return self._told.setdefault(support.id, told)


@cache
def _judge(folder: Path, version: str, today: date) -> Judge:
    """This process's judge; it must know what the one that started it knows."""
    knowledge = loader.load(folder)
    if knowledge.version != version:
        raise TableError("计算的时候知识库换了新内容，结果会前后不一：再运行一次")
    gc.freeze()  # what stays is not looked through again and again
    return Judge(knowledge, today)


def judge_all(folder: Path, version: str, today: date, companies: Sequence[Company]) -> list[Judged]:
    """Some rows, in order, in whatever process this is called."""
    return list(map(_judge(folder, version, today), companies))
