"""How a record stands today, in words: whether it still holds, until when, what an admin found out, what replaced it."""

from __future__ import annotations

from dataclasses import dataclass

from dialogs.naming import Naming
from knowledge.records import Document, Record
from knowledge.shapes import Application
from knowledge.snapshot import Answerable
from knowledge.supports import Support
from knowledge.validity import OVER, Time, document_time, ends, notice_on, printed_window, superseded, time_on

_WORSE = (Time.IN_FORCE, Time.OPEN_UNTIL, Time.UNDATED, Time.NOT_YET, Time.PLAN_OVER, Time.WINDOW_OVER, Time.SUPERSEDED)
"""How records stand, from what holds to what does not."""
ABOUT_MONEY = ("unstated", "case_by_case", "uncapped")


@dataclass(frozen=True)
class Standing(Naming):
    """Says how records stand, in one language, on a day."""

    def time(self, record: Answerable) -> Time:
        """How a record stands today; a question stands as the records that it is about (the worst of them)."""
        document = self.knowledge.document_of(record)
        one = self._decides(record)
        return time_on(one, self.knowledge.document_of(one), self.today) if one else document_time(document, self.today)

    def _decides(self, record: Answerable) -> Record | None:
        """The record whose dates decide: itself, or of those that a question speaks of the one that stands worst."""
        if isinstance(record, Record):
            return record
        about = [r for i in record.about if isinstance(r := self.knowledge.record(i), Record)]
        return max(about, key=lambda r: _WORSE.index(time_on(r, self.knowledge.document_of(r), self.today)), default=None)

    def holds(self, record: Answerable) -> str:
        """The sentence that says whether a record still holds."""
        one = self._decides(record)
        document = self.knowledge.document_of(one or record)
        parts = [self._holds(one, document) if one else self.document_holds(document)]
        checked = (one.checked if one else None) or document.checked
        notice = notice_on(one, self.today) if one else None
        if checked and checked.on <= self.today and not (notice and notice.checked.on >= checked.on):
            parts.append(self.say("time.checked", on=checked.on))
        return self.sentences(*parts)

    def _holds(self, record: Record, document: Document) -> str:
        """How one record stands: its successor, its application notice, its own window, or its paper's period."""
        if superseded(record, self.today) or superseded(document, self.today):
            return self._superseded(record if superseded(record, self.today) else document)
        notice = notice_on(record, self.today)
        if notice is not None and notice.state != "not_announced":
            return self._notice(notice, time_on(record, document, self.today))
        window = printed_window(record, document)
        if window is None or window is not record.window:
            said = self.document_holds(document)
        else:
            key = {Time.OPEN_UNTIL: "open_until", Time.WINDOW_OVER: "window_over", Time.NOT_YET: "window_ahead"}
            said = self.say(
                f"time.{key.get(time_on(record, document, self.today), 'in_force')}", printed=self.period(window), until=window.until or ""
            )
        return said if notice is None else self.sentences(said, self._notice(notice, Time.UNDATED))

    def until(self, record: Record) -> str:
        """Until when a record holds, in half a line; that no day is printed where none is."""
        day = ends(record, self.knowledge.document_of(record), self.today)
        return self.say("report.until", day=day.isoformat()) if day else self.say("report.no_until")

    def _notice(self, notice: Application, time: Time) -> str:
        """What an admin found out about applications, with the day of the check."""
        key = notice.state
        if key in ("opens_on", "open_until"):
            key = {Time.NOT_YET: "opens_on", Time.WINDOW_OVER: "round_over"}.get(time, "open_until" if notice.until else "open_since")  # type: ignore[assignment]
        text = self.say(f"application.{key}", opens=notice.opens or "", until=notice.until or "", on=notice.checked.on)
        return self.sentences(text, self.say("application.note", note=notice.note) if notice.note else "")

    def _superseded(self, record: Record | Document) -> str:
        """That a successor counts, by its name where it is here."""
        key = record.superseded_by or ""
        successor = self.knowledge.documents.get(key) or self.knowledge.record(key)
        if successor is None:
            return self.say("time.superseded")
        title = isinstance(successor, Document) and not self.english
        return self.say("time.superseded_by", name=f"《{self.called(successor)}》" if title else self.called(successor))

    def document_holds(self, document: Document) -> str:
        """The sentence that says whether a paper's period still runs."""
        plan, time = document.plan, document_time(document, self.today)
        if time is Time.SUPERSEDED:
            return self._superseded(document)
        if plan is None:
            return self.say("time.undated")
        target = document.plan_kind == "target_year"
        if time is Time.IN_FORCE:
            return self.say("time.in_force_target" if target else "time.in_force", printed=self.period(plan))
        if time is Time.NOT_YET:
            return self.say("time.plan_ahead", printed=self.period(plan))
        return self.say("time.target_over" if target else "time.plan_over", printed=self.period(plan))

    def all_over(self, region: str) -> bool:
        """Whether the time of every support of a region is over today."""
        return all(self.time(s) in OVER for s in self.knowledge.supports_in(region))

    def confirmed(self, record: Answerable) -> bool:
        """Whether nothing about the record needs a person to confirm it today."""
        if self.time(record) not in (Time.IN_FORCE, Time.OPEN_UNTIL):
            return False
        return not isinstance(record, Support) or record.amount.kind not in ABOUT_MONEY
