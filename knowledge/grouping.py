"""The rows of a pre-check in groups, as a report tells them: what may fit, what is nearly there, what is open, what is over, and the rest."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from knowledge.assessments import Assessment, Status
from knowledge.rules import Verdict
from knowledge.supports import Support
from knowledge.validity import OVER

Groups = dict[str, list[Assessment]]
_GROUPS: dict[Status, str] = {
    Status.MET: "met",
    Status.NOT_MET: "near",
    Status.UNKNOWN: "open",
    Status.UNDECIDABLE: "open",
    Status.NOT_YET: "not_yet",
    Status.WINDOW_OVER: "window_over",
}
SILENT, FAILED = "silent", "failed"
"""Rows to which nothing speaks that the company said; rows that fail, and not by a little."""
ALIVE = ("met", "near", "open", "not_yet")
"""The groups in which something can still be done."""
FOLDED = (SILENT, FAILED)


def grouped(rows: Iterable[Assessment]) -> Groups:
    """Rows by what follows from them, in the order of a report; empty groups are left out."""
    found: Groups = {name: [] for name in (*_GROUPS.values(), *FOLDED)}
    for row in rows:
        found[_group_of(row)].append(row)
    return {name: kept if name in FOLDED else sorted(kept, key=_first) for name, kept in found.items() if kept}


def _group_of(row: Assessment) -> str:
    if row.status is Status.NOT_MET:
        return "near" if is_near(row) else FAILED
    return _GROUPS[row.status] if Verdict.MET in row.found else SILENT


def is_near(row: Assessment) -> bool:
    """Whether only conditions fail that can be mended, and the company does what the support is for."""
    return (row.found[0] is Verdict.MET or row.one_step) and all(c.change != "fixed" for c in row.failed)


def _first(row: Assessment) -> tuple[bool, Decimal, int, str]:
    """Rows that can still be had come first, then those with the highest printed sum, then those with less to mend."""
    return row.time in OVER, -printed(row.support), len(row.failed), row.support.id


def printed(support: Support) -> Decimal:
    """The highest sum that the paper prints for one case; 0 where it prints none."""
    sums = [support.amount.max, *(c.max for c in support.caps if c.scope != "company_year")]
    return max((m.value for m in sums if m is not None), default=Decimal(0))
