"""Outcomes as data, for programs: a pre-check's rows, the shortlist of parks, the routes for a matter (docs/jsonl.md)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dialogs.answers import Voice
from dialogs.script import Outcome
from dialogs.scripts.approval_channel import Routes
from dialogs.scripts.park_selection import Shortlist
from knowledge import comparing, precheck
from knowledge.assessments import Assessment, Estimate
from knowledge.changes import Change
from knowledge.parks import ParkMatch
from knowledge.precheck import Report
from knowledge.records import Park
from knowledge.shapes import Citation
from knowledge.snapshot import citations
from knowledge.supports import Support


def to_json(outcome: Outcome, voice: Voice) -> dict[str, Any]:
    """The outcome as data, for programs."""
    match outcome.data:
        case Report(region=region, today=today, rows=rows, total=total):
            money = {"min": whole(total.low), "max": whole(total.high), "currency": total.currency, "binding": list(total.binding)} if total else None
            money = {**money, "assumes_year": outcome.data.assumes_year} if money else None
            return {
                "name": outcome.name,
                "region": region,
                "today": today.isoformat(),
                "supports": [{**row(r), "change": _change(precheck.change(voice.knowledge, outcome.data, r))} for r in rows],
                "total": money,
            }
        case Shortlist() as found:
            return {"name": outcome.name, **_shortlist(voice, found)}
        case Routes(region=region, matter=matter, channels=channels):
            return {"name": outcome.name, "region": region, "matter": matter, "channels": [_channel(voice, c) for c in channels]}
        case _:
            return {"name": outcome.name}


def row(assessment: Assessment) -> dict[str, Any]:
    """One line of a pre-check as data; money in whole units, rates as fractions."""
    support = assessment.support
    return {
        "id": support.id,
        "document": support.source.document,
        "section": support.source.section,
        "subject": assessment.subject,
        "year": assessment.year,
        "status": str(assessment.status),
        "time": str(assessment.time),
        "failed": [c.id for c in assessment.failed],
        "missing": list(assessment.missing),
        "printed": printed(support),
        "amount": None if assessment.estimate is None else _money(assessment.estimate),
    }


def _change(found: Change | None) -> dict[str, Any] | None:
    """What would change a row: the answers, the conditions that they meet, what that takes, and how it stands then."""
    if found is None:
        return None
    on = found.on.isoformat() if found.on else None
    return {"answers": dict(found.answers), "criteria": [c.id for c in found.criteria], "effort": found.effort, "on": on, "then": str(found.then)}


def printed(support: Support) -> dict[str, Any]:
    """The amounts of a support exactly as printed."""
    amount = support.amount
    currency = next((m.currency for m in (amount.max, amount.min, *(c.max for c in support.caps)) if m), None)
    return {
        "min": whole(amount.min.value) if amount.min else None,
        "max": whole(amount.max.value) if amount.max else None,
        "currency": currency,
        "rate_min": float(amount.rate_min) if amount.rate_min is not None else None,
        "rate_max": float(amount.rate_max) if amount.rate_max is not None else None,
        "caps": [{"scope": c.scope, "max": whole(c.max.value)} for c in support.caps],
    }


def _money(estimate: Estimate) -> dict[str, Any]:
    return {"min": whole(estimate.low), "max": whole(estimate.high), "currency": estimate.currency}


def whole(value: Any) -> int | float:
    """A sum without needless decimals."""
    return int(value) if value == int(value) else float(value)


def _citations(voice: Voice, places: Iterable[Citation]) -> list[dict[str, Any]]:
    return [{"document": s.document, "section": s.section, "title": s.title, "number": s.number} for s in voice.sources(places)]


def _shortlist(voice: Voice, found: Shortlist) -> dict[str, Any]:
    """The recommended parks, how many fit, what the parks were weighed by, and why there are none."""
    wishes, why = found.wishes, found.nothing
    return {
        "parks": [_park(voice, found, m) for m in found.parks],
        "fitting": len(found.ranking.matches),
        "wishes": {"segment": wishes.segment, "regions": list(wishes.regions), "site_stage": wishes.site_stage, "needs": list(wishes.needs)},
        "nothing": None if why is None else {"kind": why.kind, "elsewhere": [p.id for p in why.elsewhere], "out": [o.park.id for o in why.out]},
    }


def _park(voice: Voice, found: Shortlist, match: ParkMatch) -> dict[str, Any]:
    park: Park = match.park
    reasons = [
        {"kind": r.kind, "text": r.text, "about": r.about, "region": r.region, "citations": _citations(voice, [r.source])} for r in match.reasons
    ]
    return {
        "id": park.id,
        "name": park.name,
        "region": park.region,
        "role": park.role,
        "status": park.status,
        "place": found.ranking.place(park.id),
        "behind": None if match is found.parks[0] else comparing.behind(found.parks[0], match),
        "reasons": reasons,
        "silent": list(match.silent),
        "ask": list(dict.fromkeys(match.open)),
        "limits": [{"text": b.text, "whom": b.whom, "citations": _citations(voice, [b.source])} for b in match.limits],
    }


def _channel(voice: Voice, channel: Any) -> dict[str, Any]:
    units = [{"name": u.name, "lead": u.lead} for u in channel.responsible.units] if channel.responsible else []
    return {
        "id": channel.id,
        "name": channel.name,
        "region": channel.region,
        "matter": channel.matter,
        "state": channel.state,
        "units": units,
        "phone": channel.contact.phone,
        "citations": _citations(voice, citations(channel)),
    }
