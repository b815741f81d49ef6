"""The rows of a pre-check in groups, as a report tells them: what may fit, what is nearly there, what is open, what is over, and the rest."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from knowledge.rules import Assessment, Status, Verdict
from knowledge.supports import Support
from knowledge.validity import OVER

Groups = dict[str, list[Assessment]]
_STATUSES: dict[str, tuple[Status, ...]] = {
    "met": (Status.MET,),
    "near": (Status.NOT_MET,),
    "open": (Status.UNKNOWN, Status.UNDECIDABLE),
    "not_yet": (Status.NOT_YET,),
    "window_over": (Status.WINDOW_OVER,),
}
SILENT, FAILED = "silent", "failed"
"""Rows to which nothing speaks that the company said; rows that fail, and not by a little."""
ALIVE = ("met", "near", "open", "not_yet")
"""The groups in which something can still be done."""
FOLDED = (SILENT, FAILED)


def grouped(rows: Iterable[Assessment]) -> Groups:
    """Rows by what follows from them, in the order of a report; empty groups are left out."""
    found: Groups = {name: [] for name in (*_STATUSES, *FOLDED)}
    for row in rows:
        name = next(name for name, statuses in _STATUSES.items() if row.status in statuses)
        if name == "near":
            name = name if is_near(row) else FAILED
        elif not any(v is Verdict.MET for _, v in row.verdicts):
            name = SILENT
        found[name].append(row)
    return {name: kept if name in FOLDED else sorted(kept, key=_first) for name, kept in found.items() if kept}


def is_near(row: Assessment) -> bool:
    """Whether only conditions fail that can be mended, and the company does what the support is for."""
    return (row.verdicts[0][1] is Verdict.MET or row.one_step) and all(c.change != "fixed" for c in row.failed)


def _first(row: Assessment) -> tuple[bool, Decimal, int, str]:
    """Rows that can still be had come first, then those with the highest printed sum, then those with less to mend."""
    return row.time in OVER, -printed(row.support), len(row.failed), row.support.id


def printed(support: Support) -> Decimal:
    """The highest sum that the paper prints for one case; 0 where it prints none."""
    sums = [support.amount.max, *(c.max for c in support.caps if c.scope != "company_year")]
    return max((m.value for m in sums if m is not None), default=Decimal(0))
