"""How a record stands on a day: printed windows, plan periods, target years, application notices and successors."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from knowledge.records import Document, Record
from knowledge.shapes import Application, Window


class Time(StrEnum):
    """How a record stands on a day."""

    IN_FORCE = "in_force"
    """Within its window or plan period, or open all year."""
    OPEN_UNTIL = "open_until"
    """Within a window that ends on a named day."""
    NOT_YET = "not_yet"
    """Its window, plan period or round of applications has not begun."""
    WINDOW_OVER = "window_over"
    """Its own window has passed, or applications are closed, suspended or out of money."""
    PLAN_OVER = "plan_over"
    """The plan's period or target year has passed; nothing says that it continues."""
    UNDATED = "undated"
    """The paper prints no date."""
    SUPERSEDED = "superseded"


OVER = frozenset({Time.WINDOW_OVER, Time.PLAN_OVER, Time.SUPERSEDED})
"""Times at which nothing can be had."""


CLOSED = frozenset({"closed", "suspended", "budget_used_up"})
"""States of applications in which none is taken."""


def printed_window(record: Record, document: Document) -> Window | None:
    """The days that are printed for a record: its own window, or else the plan of its document; None where neither prints a day."""
    return next((w for w in (record.window, document.plan) if w and (w.since or w.until)), None)


def time_on(record: Record, document: Document, today: date) -> Time:
    """How a record stands on a day.

    In this order: a successor; an application notice that speaks on that day; the record's own printed window; the document.
    """
    if superseded(record, today) or superseded(document, today):
        return Time.SUPERSEDED
    if (notice := notice_on(record, today)) is not None and (found := _noticed(notice, today)) is not None:
        return found
    window = printed_window(record, document)
    if window is not None and window is record.window:
        return _within(window, today, over=Time.WINDOW_OVER, inside=Time.OPEN_UNTIL if window.until else Time.IN_FORCE)
    return document_time(document, today)


def begins(record: Record, document: Document, today: date) -> date | None:
    """The day on which a record that has not begun begins; None where none is printed, or where it has begun."""
    if time_on(record, document, today) is not Time.NOT_YET:
        return None
    notice = notice_on(record, today)
    if notice is not None and notice.opens is not None and notice.opens > today:
        return notice.opens
    window = printed_window(record, document)
    days = (window.since if window else None, None if window and window is record.window else document.effective)
    return max((d for d in days if d is not None), default=None)


def ends(record: Record, document: Document, today: date) -> date | None:
    """The last day of what holds on a day; None where nothing holds, or where no last day is known."""
    if time_on(record, document, today) not in (Time.IN_FORCE, Time.OPEN_UNTIL):
        return None
    notice = notice_on(record, today)
    if notice is not None and notice.state != "not_announced":
        return notice.until
    window = printed_window(record, document)
    return window.until if window else None


def document_time(document: Document, today: date) -> Time:
    """How a document stands on a day."""
    if superseded(document, today):
        return Time.SUPERSEDED
    if document.effective is not None and today < document.effective:
        return Time.NOT_YET
    if document.plan and (document.plan.since or document.plan.until):
        return _within(document.plan, today, over=Time.PLAN_OVER, inside=Time.IN_FORCE)
    return Time.UNDATED


def superseded(record: Record | Document, today: date) -> bool:
    """Whether a successor counts on a day."""
    return record.superseded_by is not None and (record.superseded_on is None or record.superseded_on <= today)


def notice_on(record: Record, today: date) -> Application | None:
    """The application notice that speaks on a day: from the check on, or from an earlier opening; None before."""
    notice = record.application
    if notice is None or today < min(notice.checked.on, notice.opens or notice.checked.on):
        return None
    return notice


def _noticed(notice: Application, today: date) -> Time | None:
    """What a notice says of a day; None where it leaves the printed dates as they are (not announced)."""
    match notice.state:
        case "all_year":
            return Time.IN_FORCE
        case "opens_on" | "open_until":
            window = Window(since=notice.opens, until=notice.until, printed=notice.state)
            return _within(window, today, over=Time.WINDOW_OVER, inside=Time.OPEN_UNTIL if notice.until else Time.IN_FORCE)
        case state:
            return Time.WINDOW_OVER if state in CLOSED else None


def _within(window: Window, today: date, over: Time, inside: Time) -> Time:
    if window.since is not None and today < window.since:
        return Time.NOT_YET
    if window.until is not None and today > window.until:
        return over
    return inside
