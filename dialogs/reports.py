"""Telling outcomes: the pre-check's report and the routes for a matter; the shortlist of parks is told by `shortlists`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from dialogs import shortlists
from dialogs.answers import Voice, fit
from dialogs.messages import Option, Reply
from dialogs.outcomes import whole
from dialogs.script import Outcome
from dialogs.scripts.approval_channel import Routes
from dialogs.scripts.park_selection import Shortlist
from knowledge.assessments import Assessment, Estimate, Status
from knowledge.grouping import FOLDED, printed
from knowledge.precheck import Report, change
from knowledge.rules import COMPANY, UNKNOWN, Verdict
from knowledge.shapes import Citation
from knowledge.snapshot import citations
from knowledge.stacking import Total
from knowledge.validity import Time, notice_on

SHOWN = 4
WHOLE = "标题"
"""The section that stands for a whole paper."""
PAGE = 8


def tell(voice: Voice, outcome: Outcome, run: str) -> list[Reply]:
    """The replies for an outcome that has something to show."""
    match outcome.data:
        case Report():
            return [precheck(voice, outcome.data, run)]
        case Shortlist():
            return [shortlists.shortlist(voice, outcome.data, run)]
        case Routes():
            return [routes(voice, outcome.data, run)]
        case _:
            return []


def digest(outcome: Outcome, folded: bool = False) -> tuple[tuple[str, str], ...]:
    """Record id and status of each line, to tell later what changed; the rows that a report only counts are there if `folded`."""
    match outcome.data:
        case Report() as report:
            rows = report.rows if folded else [r for group in report.groups.values() for r in group]
            return tuple((f"{r.support.id}:{r.subject}", f"{r.status}:{r.time}:{_sum(r.estimate)}") for r in rows)
        case Shortlist(parks=parks):
            return tuple((m.park.id, str(i)) for i, m in enumerate(parks))
        case Routes(channels=channels):
            return tuple((c.id, c.state) for c in channels)
        case _:
            return ()


def _sum(estimate: Estimate | None) -> str:
    """An estimate in the language-neutral form of a digest."""
    return f"{whole(estimate.low)}-{whole(estimate.high)} {estimate.currency}" if estimate else ""


def headline(voice: Voice, assessment: Assessment) -> str:
    """The status in a founder's words."""
    if assessment.status is Status.NOT_MET and all(c.change != "fixed" for c in assessment.failed):
        return voice.say("status.not_met_fixable", count=len(assessment.failed))
    return voice.say(f"status.{assessment.status}")


def precheck(voice: Voice, report: Report, run: str, where: str = "") -> Reply:
    """The report in one screen: what may be had and how much at most, then until when, whom to ask, what is missing; what next.

    `where` says where the rows stand that have no room here: behind a button, unless a channel has none.
    """
    voice = replace(voice, today=report.today)
    say, groups, where = voice.say, report.groups, where or voice.say("report.where_basis")
    lines = [say("report.title", region=voice.region_name(report.region), today=report.today.isoformat(), answer=answer(voice, report))]
    cited: list[Assessment] = []
    for name, rows in groups.items():
        supports = by_support(rows)
        lines.append(say("report.group", name=say(f"report.group_{name}"), count=len(supports)))
        for same in supports[:SHOWN]:
            lines += row_lines(voice, report, same)
            cited += same
        if len(supports) > SHOWN:
            lines.append(say("report.rest", count=len(supports) - SHOWN, where=where))
        if name == "window_over":
            lines.append(say("report.window_group_note"))
    lines += _left_out(voice, report, where)
    lines.append(say("report.check"))
    each = [Option(say("report.see_basis"), f"!basis:{run}.0")] if groups or report.folded else []
    options = [*each, Option(say("common.edit"), f"!edit:{run}"), voice.log(f"run.{run}")]
    if report.open:
        options.insert(0, Option(say("report.go_on"), f"!more:{run}"))
    elif (day := last_day(voice, report.region)) and "met" not in groups and "open" not in groups:
        options.insert(0, Option(say("report.as_of", year=day.year), f"!asof:{day.isoformat()}"))
    papers = dict.fromkeys(r.document.id for r in report.sheet.agenda.rows)
    places = [a.support.source for a in cited] or [Citation(document=d, section=WHOLE) for d in papers]
    return Reply("\n".join(filter(None, lines)), tuple(options), voice.sources(places))


def so_far(voice: Voice, report: Report) -> str:
    """What a founder's first words lead to already: the highest sums of supports that they speak of; empty where there are none."""
    rows = [r for rows in report.groups.values() for r in rows if printed(r.support)]
    supports = [same[0].support for same in by_support(rows)][:2]
    lines = [voice.say("report.line", name=voice.called(s), amount=voice.amount(s)) for s in supports]
    return "\n".join([voice.say("report.so_far"), *lines]) if lines else ""


def last_day(voice: Voice, region: str) -> date | None:
    """The last day on which something printed for a region still held, where all of it is over."""
    if not voice.all_over(region):
        return None
    papers = [voice.knowledge.document_of(s) for s in voice.knowledge.supports_in(region) if s.region == region]
    return max((d.plan.until for d in papers if d.plan and d.plan.until), default=None)


def answer(voice: Voice, report: Report) -> str:
    """The first line: how many supports may fit, and how much they come to at most."""
    say, total, groups = voice.say, report.total, report.groups
    count = {name: len({r.support.id for r in rows}) for name, rows in groups.items()}
    if "met" in groups:
        return say("report.answer_met", count=count["met"]) + (total_of(voice, report, total) if total else say("report.total_none"))
    kinds = [say(f"report.count_{name}", count=count[name]) for name in ("near", "open", "not_yet") if name in count]
    if kinds:
        return say("report.answer_open", counts=say.join(kinds))
    if "window_over" in groups:
        sure = not any(v is Verdict.UNKNOWN for r in groups["window_over"] for _, v in r.verdicts)
        return say("report.answer_over" if sure else "report.answer_over_open", count=count["window_over"])
    return say("report.answer_stopped" if report.open else "report.answer_none")


def total_of(voice: Voice, report: Report, total: Total) -> str:
    """What is added up, the ceiling that holds it down, and what gave way to a higher one of its kind."""
    say = voice.say
    caps = {c.id: voice.cap(c) for r in total.counted for c in r.support.caps if c.id in total.binding}
    binding = say("report.total_binding", caps=say.join([caps[i] for i in total.binding])) if total.binding else ""
    years = [say("report.of_year", year=year, amount=voice.estimate(high, high, total.currency)) for year, high in total.years]
    split = say("report.by_year", years=say.join(years)) if years else ""
    text = say("report.total", amount=voice.estimate(total.low, total.high, total.currency), binding=binding, split=split)
    return text + (say("report.yielding", names=say.join([voice.called(r.support) for r in total.yielding])) if total.yielding else "")


def _left_out(voice: Voice, report: Report, where: str) -> list[str]:
    """What is not counted, and what is not shown, with the reason."""
    say = voice.say
    unsure = {r.support.id for r in report.groups.get("open", ()) if r.estimate}
    silent, failed = (report.folded[name].supports if name in report.folded else 0 for name in FOLDED)
    lines = [say("report.not_added", count=len(unsure))] if unsure and report.total else []
    if silent:
        lines.append(
            say("report.not_asked", count=silent, questions=len(report.open)) if report.open else say("report.silent", count=silent, where=where)
        )
    lines += [year_taken(voice, report), later(voice, report)]
    return [*lines, say("report.folded", count=failed, where=where) if failed else ""]


def year_taken(voice: Voice, report: Report) -> str:
    """That products whose year is not known are counted in this one; empty where that makes no difference."""
    return voice.say("report.year_taken", year=report.today.year) if report.assumes_year else ""


def traits(voice: Voice, report: Report, subject: str) -> str:
    """What is known of a product that tells it from others: its class or phase, and its year."""
    keys = [f"{subject}.{name}" for name in ("class", "drug_class", "phase", "year")]
    known = [(key, report.facts[key]) for key in keys if report.facts.get(key, UNKNOWN) != UNKNOWN]
    words = [voice.say("report.year", year=token) if key.endswith(".year") else voice.answer(key, token) for key, token in known]
    return " ".join(words)


def later(voice: Voice, report: Report) -> str:
    """That products were left out that were not there yet on the day of the pre-check; empty where none was."""
    return voice.say("report.later", numbers="、".join(report.later), year=report.today.year) if report.later else ""


def by_support(rows: Sequence[Assessment]) -> list[list[Assessment]]:
    """The rows of one support together: its products are told in one line."""
    found: dict[str, list[Assessment]] = {}
    for row in rows:
        found.setdefault(row.support.id, []).append(row)
    return list(found.values())


def row_lines(voice: Voice, report: Report, same: Sequence[Assessment]) -> list[str]:
    """A support with its products: what it gives; then until when and whom to ask, or what it hangs on."""
    say, first = voice.say, same[0]
    support = first.support
    lines = [say("report.line", name=voice.called(support) + _products(voice, report, same), amount=voice.amount(support))]
    match first.status:
        case Status.MET:
            lines.append(say("report.standing", until=voice.until(support), whom=voice.whom(support)))
        case Status.NOT_MET:
            lines.append(failed(voice, report, first))
        case Status.UNDECIDABLE:
            why = next((c.undecidable or "" for c, v in first.verdicts if v is Verdict.UNDECIDABLE), say("report.early"))
            lines.append(say("report.undecidable", why=why.rstrip("。")))
        case Status.UNKNOWN | Status.WINDOW_OVER if any(v is Verdict.UNKNOWN for r in same for _, v in r.verdicts):
            missing = dict.fromkeys(voice.condition(c) for r in same for c, v in r.verdicts if v is Verdict.UNKNOWN)
            lines.append(say("report.missing", facts=voice.clauses(missing)))
        case _:
            pass
    if first.time is Time.NOT_YET or notice_on(support, voice.today):
        lines.append("  " + voice.holds(support))
    return lines


def _products(voice: Voice, report: Report, same: Sequence[Assessment]) -> str:
    """Which products rows speak of, where there are several."""
    numbers = [r.subject.removeprefix("product.") for r in same if r.subject != COMPANY]
    return voice.say("report.products", numbers="、".join(numbers)) if numbers and "," in report.facts.get("products", "") else ""


def mending(voice: Voice, report: Report, row: Assessment) -> str | None:
    """What it would take for a row that fails or has not begun: whether it can be mended, or when, and what would still stand in the way."""
    if row.status not in (Status.NOT_MET, Status.NOT_YET):
        return None
    say, lifted = voice.say, change(voice.knowledge, report, row)
    if lifted is None or lifted.effort == "fixed":
        return say("report.effort_fixed")  # what would come after it is no help
    effort = say(f"report.effort_{lifted.effort}")
    if lifted.on:
        effort = say("report.effort_fixable_from" if lifted.effort == "fixable" else "report.effort_day", day=lifted.on.isoformat())
    over = lifted.then is Status.WINDOW_OVER
    return effort + (say("report.then_window_over") if over else say("report.then_undecidable") if lifted.then is Status.UNDECIDABLE else "")


def failed(voice: Voice, report: Report, row: Assessment) -> str:
    """The conditions that fail, and what it would take to mend them."""
    criteria = voice.clauses(voice.condition(c) for c in row.failed)
    return voice.say("report.failed", count=len(row.failed), criteria=criteria, mending=mending(voice, report, row) or "")


def basis(voice: Voice, report: Report, run: str, start: int) -> Reply:
    """Every row with its conditions and source, some at a time."""
    voice = replace(voice, today=report.today)
    rows = [r for group in (*report.groups.values(), *report.folded_rows.values()) for r in group]
    page = rows[start : start + PAGE]
    lines = []
    for number, assessment in enumerate(page, start + 1):
        text = voice.say(
            "report.basis_line",
            number=number,
            name=voice.called(assessment.support) + _products(voice, report, [assessment]),
            status=headline(voice, assessment),
            summary=voice.sentences(_sentence(voice, voice.amount(assessment.support)), voice.holds(assessment.support)),
            detail="\n".join([_detail(voice, assessment), *([failed(voice, report, assessment).strip()] if assessment.failed else [])]),
        )
        lines.append(text)
    if not lines:  # an old button, and the knowledge holds nothing for this place any more
        lines = [voice.say("report.answer_none")]
    options = []
    if start + PAGE < len(rows):
        options.append(Option(voice.say("report.page", count=len(rows) - start - PAGE), f"!basis:{run}.{start + PAGE}"))
    options += [Option(voice.say("common.edit"), f"!edit:{run}"), voice.log(f"run.{run}")]
    return Reply("\n".join(lines), tuple(options), voice.sources(c for a in page for c in citations(a.support)))


def _sentence(voice: Voice, words: str) -> str:
    """Words as a sentence of their own."""
    return f"{words[:1].upper()}{words[1:]}." if voice.english else f"{words}。"


def _detail(voice: Voice, assessment: Assessment) -> str:
    """Every condition with its mark; in English those that only an official can judge stand in Chinese on a line of their own."""
    marks = {Verdict.MET: "✓", Verdict.NOT_MET: "✗", Verdict.UNKNOWN: "?", Verdict.UNDECIDABLE: "…"}
    apart = [c.text for c, _ in assessment.verdicts if voice.english and not voice.test(c)]
    tests = voice.clauses(f"{marks[v]} {voice.condition(c)}" for c, v in assessment.verdicts if c.text not in apart)
    return "\n".join(filter(None, (tests, voice.say("report.judged", criteria="；".join(apart)) if apart else "")))


def routes(voice: Voice, found: Routes, run: str) -> Reply:
    """The routes for a matter: what each does, who is responsible, and honestly what is not printed."""
    say = voice.say
    if not found.channels:
        return Reply(
            say("channels.none", region=voice.region_name(found.region)), (Option(say("common.edit"), f"!edit:{run}"), voice.log(f"run.{run}"))
        )
    fact = voice.knowledge.facts["approval_matter"]
    matter = next((o.label[say.language] for o in fact.options if o.token == found.matter), say("channels.all_matters"))
    lines = [say("channels.title", region=voice.region_name(found.region), matter=matter)]
    units = ""
    for number, channel in enumerate(found.channels[:SHOWN], 1):
        level = say("channels.above", region=voice.region_name(channel.region)) if channel.region != found.region else ""
        first, *more, who = voice.channel(channel, number, level)
        lines += [first, *(f"   {line}" for line in (*more, say("channels.same_units") if who == units else who))]
        units = who
        lines += [f"   {line}" for line in (voice.contact(channel.contact) if channel.contact.phone else [])]
    if len(found.channels) > SHOWN:
        lines.append(say("channels.rest", count=len(found.channels) - SHOWN))
    lines += dict.fromkeys(voice.holds(c) for c in found.channels)
    if not all(c.contact.phone for c in found.channels):
        lines.append(say("channels.no_phone"))
    hidden = tuple(Option(voice.label(c), fit(f"!show:{c.id}")) for c in found.channels[SHOWN : SHOWN + 4])
    options = (voice.log(f"run.{run}"), Option(say("common.edit"), f"!edit:{run}"), *hidden)
    return Reply("\n".join(lines), options, voice.sources(c for channel in found.channels[:SHOWN] for c in citations(channel)))
