"""Telling outcomes: the pre-check's report and the routes for a matter; the shortlist of parks is told by `shortlists`."""

from __future__ import annotations

from collections.abc import Sequence

from dialogs import shortlists
from dialogs.answers import Voice, fit
from dialogs.messages import Option, Reply
from dialogs.outcomes import whole
from dialogs.script import Outcome
from dialogs.scripts.approval_channel import Routes
from dialogs.scripts.park_selection import Shortlist
from knowledge.money import Money
from knowledge.precheck import Report
from knowledge.rules import COMPANY, Assessment, Estimate, Status, Verdict
from knowledge.shapes import Citation
from knowledge.snapshot import citations
from knowledge.validity import Time, notice_on

SHOWN = 4
WHOLE = "标题"
"""The section that stands for a whole paper."""
PAGE = 8
_ORDER = ((Status.MET,), (Status.NOT_MET,), (Status.UNKNOWN, Status.UNDECIDABLE), (Status.NOT_YET,), (Status.WINDOW_OVER,))
"""The groups of a report, in the order of voice: what may fit, what is nearly there, what can't be judged, what is not open yet, what is over."""


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


def digest(outcome: Outcome) -> tuple[tuple[str, str], ...]:
    """Record id and status of each line, to tell later what changed."""
    match outcome.data:
        case Report(rows=rows):
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


def precheck(voice: Voice, report: Report, run: str) -> Reply:
    """The report in one screen: groups by headline, the most telling lines first, the sum, what next."""
    say = voice.say
    groups, folded = _groups(report.rows)
    lines = [say("report.title", region=voice.region_name(report.region), today=report.today.isoformat())]
    cited: list[Assessment] = []
    several = len({r.subject for r in report.rows}) > 2  # the company and one product need no number
    for status, rows in groups:
        name = say("status.not_met_near") if status is Status.NOT_MET else say(f"status.{status}")
        lines.append(say("report.group", name=name, count=len(rows)))
        for assessment in rows[:SHOWN]:
            lines += _row_lines(voice, assessment, several)
            cited.append(assessment)
        if len(rows) > SHOWN:
            lines.append(say("report.rest", count=len(rows) - SHOWN))
        if status is Status.WINDOW_OVER:
            lines.append(say("report.window_group_note"))
    if not groups:
        lines.append(say("report.nothing", region=voice.region_name(report.region)))
    if folded:
        lines.append(say("report.folded", count=len(folded)))
    lines.append(_total(voice, report))
    lines.append(say("report.check"))
    options = [Option(say("report.see_basis"), f"!basis:{run}.0"), Option(say("common.edit"), f"!edit:{run}"), voice.log(f"run.{run}")]
    papers = dict.fromkeys(r.support.source.document for r in report.rows)
    places = [a.support.source for a in cited] or [Citation(document=d, section=WHOLE) for d in papers]
    return Reply("\n".join(filter(None, lines)), tuple(options), voice.sources(places))


def _groups(rows: Sequence[Assessment]) -> tuple[list[tuple[Status, list[Assessment]]], list[Assessment]]:
    """Rows worth showing by status; apart from those to which nothing that the company said speaks, or that fail for good."""
    folded = [r for r in rows if (not _near(r) if r.status is Status.NOT_MET else not any(v is Verdict.MET for _, v in r.verdicts))]
    apart = {id(r) for r in folded}
    shown = [r for r in rows if id(r) not in apart]
    found = [(s[0], sorted((r for r in shown if r.status in s), key=_weight)) for s in _ORDER]
    return [(s, r) for s, r in found if r], folded


def _near(assessment: Assessment) -> bool:
    """Whether only fixable conditions fail, and the company does what the support is for."""
    return (assessment.verdicts[0][1] is Verdict.MET or assessment.one_step) and all(c.change != "fixed" for c in assessment.failed)


def _weight(assessment: Assessment) -> tuple[int, int, str]:
    """Rows with a met condition and a printed amount come first."""
    amount = assessment.support.amount
    met = any(v is Verdict.MET for _, v in assessment.verdicts)
    return (0 if met else 1, 0 if amount.max or amount.rate_max else 1, assessment.support.id)


def _row_lines(voice: Voice, assessment: Assessment, several: bool) -> list[str]:
    say, support = voice.say, assessment.support
    product = assessment.subject.removeprefix("product.") if several and assessment.subject != COMPANY else ""
    lines = [
        say("report.line_product", name=voice.called(support), product=product, amount=voice.amount(support))
        if product
        else say("report.line", name=voice.called(support), amount=voice.amount(support))
    ]
    match assessment.status:
        case Status.NOT_MET:
            lines.append(say("report.failed", count=len(assessment.failed), criteria=voice.clauses(voice.condition(c) for c in assessment.failed)))
        case Status.UNDECIDABLE:
            why = next(c.undecidable for c, v in assessment.verdicts if v is Verdict.UNDECIDABLE)
            lines.append(say("report.undecidable", why=(why or "").rstrip("。")))
        case Status.UNKNOWN:
            lines.append(say("report.missing", facts=say.join([voice.condition(c) for c, v in assessment.verdicts if v is Verdict.UNKNOWN])))
        case _:
            pass
    if assessment.time in (Time.OPEN_UNTIL, Time.NOT_YET) or notice_on(support, voice.today):
        lines.append("  " + voice.holds(support))
    return lines


def _total(voice: Voice, report: Report) -> str:
    say, total = voice.say, report.total
    if total is None:
        return say("report.total_none") if any(r.support.amount.max for r in report.rows if r.status is not Status.NOT_MET) else ""
    caps = {c.id: voice.cap(c) for r in report.rows for c in r.support.caps}
    binding = say("report.total_binding", caps=say.join([caps[i] for i in total.binding])) if total.binding else ""
    return say("report.total", amount=_estimate(voice, Estimate(total.low, total.high, total.currency)), binding=binding)


def _estimate(voice: Voice, estimate: Estimate) -> str:
    high, low = voice.money(Money(estimate.high, estimate.currency)), voice.money(Money(estimate.low, estimate.currency))
    if estimate.low == estimate.high:
        return high
    return voice.say("amount.up_to", max=high) if estimate.low == 0 else voice.say("amount.range", min=low, max=high)


def basis(voice: Voice, report: Report, run: str, start: int) -> Reply:
    """Every row with its conditions and source, some at a time."""
    groups, folded = _groups(report.rows)
    rows = [r for _, group in groups for r in group] + folded
    page = rows[start : start + PAGE]
    lines = []
    for number, assessment in enumerate(page, start + 1):
        text = voice.say(
            "report.basis_line",
            number=number,
            name=voice.called(assessment.support),
            status=headline(voice, assessment),
            summary=voice.sentences(_sentence(voice, voice.amount(assessment.support)), voice.holds(assessment.support)),
            detail=_detail(voice, assessment),
        )
        lines.append(text)
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
