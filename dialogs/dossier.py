"""The dossier of a pre-check: all that its report page shows and a request carries, in words and by itself.

It is JSON that reads the same after the knowledge has changed. Keys are added, never renamed: requests live for years.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from dialogs import reports
from dialogs.answers import Voice, filled
from dialogs.script import BadTokenError, ask
from dialogs.texts import texts
from knowledge import rules
from knowledge.assessments import Assessment
from knowledge.grouping import ALIVE, FOLDED
from knowledge.precheck import Report, precheck
from knowledge.rules import COMPANY
from knowledge.shapes import Citation
from knowledge.snapshot import Knowledge, citations
from knowledge.validity import ends

LINK, REPORT_DAYS = "/report/{page}", 30
"""Where a report is to be read (the shell fills the slot with a key that nobody can guess), and for how long."""
Json = dict[str, Any]


def dossier(voice: Voice, report: Report, made: datetime) -> Json:
    """Everything that a pre-check found, with what it rests on and what would change it."""
    voice, say = replace(voice, today=report.today), voice.say
    alive = [r for name in ALIVE for r in report.groups.get(name, ())]
    return {
        "language": say.language,
        "title": say("dossier.title", region=voice.region_name(report.region)),
        "region": report.region,
        "day": report.today.isoformat(),
        "made": made.isoformat(timespec="minutes"),
        "knowledge": voice.knowledge.version,
        "lead": _lead(voice, report),
        "answers": [{"label": _asked(voice, report, key), "answer": voice.answer(key, token)} for key, token in report.facts.items()],
        "groups": [_group(voice, report, name, rows) for name, rows in (report.groups | report.folded_rows).items()],
        "total": _total(voice, report),
        "open": _open(voice, report, alive),
        "offices": _offices(voice, alive),
        "papers": _papers(voice, report),
        "closing": say("report.check"),
    }


def recipe(voice: Voice, report: Report, made: datetime) -> Json:
    """What a dossier is made from: kept in its place until somebody opens the page, which few do."""
    return {
        "region": report.region,
        "facts": dict(report.facts),
        "open": list(report.open),
        "day": report.today.isoformat(),
        "made": made.isoformat(timespec="minutes"),
        "language": voice.say.language,
        "knowledge": voice.knowledge.version,
    }


def of_recipe(knowledge: Knowledge, kept: Mapping[str, Any]) -> Json:
    """The dossier of a recipe by a knowledge base. ValueError where a region, a fact or an answer of then is not known to it."""
    day, texts_ = date.fromisoformat(kept["day"]), texts(kept["language"])
    if unknown := {kept["region"]} - knowledge.regions.keys() | {rules.generic(key) for key in kept["facts"]} - knowledge.facts.keys():
        raise ValueError(f"not known in {knowledge.version}: {sorted(unknown)}")
    for key, token in kept["facts"].items():
        try:
            ask(knowledge.facts[rules.generic(key)], key).value(token)
        except BadTokenError as error:
            raise ValueError(f"not read in {knowledge.version}: {key} {token}") from error
    report = precheck(knowledge, kept["region"], kept["facts"], day, tuple(kept["open"]))
    return dossier(Voice(knowledge, day, texts_), report, datetime.fromisoformat(kept["made"]))


def _lead(voice: Voice, report: Report) -> list[str]:
    """The answer first: how many may fit and what they come to, until when, and what else there is."""
    say, met = voice.say, report.groups.get("met", [])
    lines = [reports.answer(voice, report)]
    if report.later:
        lines.append(reports.later(voice, report))
    if dated := [(day, r) for r in met if (day := ends(r.support, voice.knowledge.document_of(r.support), voice.today))]:
        day, first = min(dated, key=lambda pair: pair[0])
        lines.append(say("dossier.lead_until", name=voice.called(first.support), until=day.isoformat()))
    counted = [(n, len({r.support.id for r in rows})) for n, rows in report.groups.items() if n != "met"]
    if counted and met:
        lines.append(say("dossier.lead_others", groups=say.join([say("dossier.counted", name=_named(voice, n), count=c) for n, c in counted])))
    return lines


def _named(voice: Voice, name: str) -> str:
    return voice.say(f"report.group_{name}")


def _asked(voice: Voice, report: Report, key: str) -> str:
    """What a key asks, in short; with the number of the product where there are several."""
    title = voice.title(voice.knowledge.facts[rules.generic(key)])
    product = key.split(".")[1] if _several(report) and rules.generic(key) != key else ""
    return voice.say("dossier.of_product", product=product, text=title) if product else title


def _several(report: Report) -> bool:
    """Whether products need a number: one alone needs none."""
    return "," in report.facts.get("products", "")


MAX_ROWS = 300
"""How many rows of a group are told; the others are only counted. No shipped region comes near it."""


def _group(voice: Voice, report: Report, name: str, rows: Sequence[Assessment]) -> Json:
    """The rows of one status; those that do not fit are told in short."""
    shown = rows[:MAX_ROWS]
    told = [_row(voice, report, r) | ({} if name in FOLDED else _more(voice, r)) for r in shown]
    return {
        "name": name,
        "folded": name in FOLDED,
        "title": _named(voice, name),
        "rows": told,
        "count": len({r.support.id for r in rows}),
        "left": len(rows) - len(shown),
    }


def _row(voice: Voice, report: Report, row: Assessment) -> Json:
    """One support for the company or a product: what it gives, each condition, whether it holds, where it stands."""
    say, support = voice.say, row.support
    criteria = [{"verdict": str(v), "word": say(f"dossier.verdict_{v}"), "text": voice.condition(c), "why": c.undecidable} for c, v in row.verdicts]
    return {
        "id": support.id,
        "name": voice.called(support),
        "product": row.subject.removeprefix("product.") if row.subject != COMPANY and _several(report) else None,
        "traits": reports.traits(voice, report, row.subject) if row.subject != COMPANY else "",
        "level": say("channels.above", region=voice.region_name(support.region)) if support.region != report.region else "",
        "status": str(row.status),
        "time": str(row.time),
        "headline": reports.headline(voice, row),
        "amount": voice.amount(support),
        "holds": voice.sentences(voice.holds(support), say("report.early") + "。" if row.early else ""),
        "criteria": criteria,
        "citations": [_place(c) for c in citations(support)],
        "change": reports.mending(voice, report, row),
    }


def _more(voice: Voice, row: Assessment) -> Json:
    """What else matters where something may be had: how firm it is, what it comes to, what limits it, whom to ask."""
    support, found = row.support, row.estimate
    return {
        "summary": voice.ended(support.summary),
        "recipient": voice.say("facts.who", recipient=voice.say(f"facts.recipient_{support.recipient}")),
        "strength": voice.say(f"strength.{support.strength}"),
        "estimate": voice.estimate(found.low, found.high, found.currency) if found else None,
        "caps": [{"text": voice.cap(c), "citation": _place(c.source)} for c in support.caps],
        "rules": [{"text": voice.ended(s.text), "citation": _place(s.source)} for s in support.stacking],
        "units": voice.units(support),
        "contact": voice.contact(support.contact) if filled(support.contact) else [],
    }


def _place(citation: Citation) -> Json:
    """Where something stands; the title and number of the paper are told once, in `papers`."""
    return {"document": citation.document, "section": citation.section}


def _total(voice: Voice, report: Report) -> Json | None:
    """What may be added up, and the ceilings that cut it; None where nothing may."""
    if (total := report.total) is None:
        return None
    caps = {c.id: c for r in report.rows for c in r.support.caps if c.id in total.binding}
    binding = [{"text": voice.cap(c), "citation": _place(c.source)} for c in caps.values()]
    text = voice.sentences(reports.total_of(voice, report, total), reports.year_taken(voice, report))
    return {"text": text, "binding": binding}


def _open(voice: Voice, report: Report, rows: Iterable[Assessment]) -> list[Json]:
    """What is not known yet and would decide something, and which supports it would decide."""
    wanted: dict[str, dict[str, None]] = {}
    for row in rows:
        for key in row.missing:
            wanted.setdefault(_asked(voice, report, key), {})[voice.called(row.support)] = None
    return [{"text": text, "supports": list(names)} for text, names in wanted.items()]


def _offices(voice: Voice, rows: Iterable[Assessment]) -> list[Json]:
    """Whom to ask about what can still be had; `units` is None where the paper names nobody."""
    found: dict[tuple[str | None, tuple[str, ...]], dict[str, None]] = {}
    for support in (row.support for row in rows):
        reach = tuple(voice.contact(support.contact)) if filled(support.contact) else ()
        found.setdefault((voice.units(support), reach), {})[voice.called(support)] = None
    return [{"units": units, "contact": list(reach), "supports": list(names)} for (units, reach), names in found.items()]


def _papers(voice: Voice, report: Report) -> list[Json]:
    """The papers that were looked through, in the order of the rows: title, number, and whether each still holds."""
    supports = [r.support for r in report.rows]
    places = (c for s in supports for c in (*citations(s), *(cap.source for cap in s.caps), *(rule.source for rule in s.stacking)))
    whole = [Citation(document=d, section=reports.WHOLE) for d in dict.fromkeys(c.document for c in places)]
    holds = [voice.document_holds(voice.knowledge.documents[c.document]) for c in whole]
    return [{k: v for k, v in s.to_json().items() if k != "section"} | {"holds": h} for s, h in zip(voice.sources(whole), holds, strict=True)]
