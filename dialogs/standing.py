"""How a record stands today, in words: whether it still holds, until when, what an admin found out, what replaced it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from dialogs.texts import Texts
from knowledge.records import Document, QuestionAnswer, Record
from knowledge.shapes import Application
from knowledge.snapshot import Answerable, Knowledge
from knowledge.supports import Support
from knowledge.validity import OVER, Time, document_time, notice_on, superseded, time_on

ABOUT_MONEY = ("unstated", "case_by_case", "uncapped")


@dataclass(frozen=True)
class Standing:
    """Says how records stand, in one language, on a day."""

    knowledge: Knowledge
    today: date
    say: Texts

    def time(self, record: Answerable) -> Time:
        """How a record stands today; a question stands as the records that it is about (the worst of them)."""
        document = self.knowledge.document_of(record)
        if isinstance(record, Record):
            return time_on(record, document, self.today)
        about = self._about(record)
        if len(about) == 1:
            return time_on(about[0], self.knowledge.document_of(about[0]), self.today)
        return document_time(document, self.today)

    def _about(self, record: Answerable) -> list[Record]:
        """The records whose dates decide: the record itself, or those that a question speaks of."""
        if isinstance(record, Record):
            return [record]
        return [r for i in record.about if isinstance(r := self.knowledge.record(i), Record)]

    def holds(self, record: Answerable) -> str:
        """The sentence that says whether a record still holds."""
        about = self._about(record)
        one = about[0] if len(about) == 1 else None
        document = self.knowledge.document_of(one or record)
        parts = [self._holds(one, document) if one else self.document_holds(document)]
        if checked := (one.checked if one else None) or document.checked:
            parts += [self.say("time.checked", on=checked.on)] if checked.on <= self.today else []
        return "".join(parts) if self.say.language == "zh" else " ".join(parts)

    def _holds(self, record: Record, document: Document) -> str:
        """How one record stands: its successor, its application notice, its own window, or its paper's period."""
        if superseded(record, self.today) or superseded(document, self.today):
            return self._superseded(record if superseded(record, self.today) else document)
        notice = notice_on(record, self.today)
        if notice is not None and notice.state != "not_announced":
            return self._notice(notice, time_on(record, document, self.today))
        window = record.window
        if window is None or not (window.since or window.until):
            said = self.document_holds(document)
        else:
            key = {Time.OPEN_UNTIL: "open_until", Time.WINDOW_OVER: "window_over", Time.NOT_YET: "window_ahead"}
            said = self.say(f"time.{key.get(time_on(record, document, self.today), 'in_force')}", printed=window.printed, until=window.until or "")
        return said if notice is None else said + self._notice(notice, Time.UNDATED)

    def _notice(self, notice: Application, time: Time) -> str:
        """What an admin found out about applications, with the day of the check."""
        key = notice.state
        if key in ("opens_on", "open_until"):
            key = {Time.NOT_YET: "opens_on", Time.WINDOW_OVER: "round_over"}.get(time, "open_until" if notice.until else "open_since")  # type: ignore[assignment]
        text = self.say(f"application.{key}", opens=notice.opens or "", until=notice.until or "", on=notice.checked.on)
        return text + (notice.note or "")

    def _superseded(self, record: Record | Document) -> str:
        """That a successor counts, by its name where it is here."""
        key = record.superseded_by or ""
        successor = self.knowledge.documents.get(key) or self.knowledge.record(key)
        name = f"《{successor.title}》" if isinstance(successor, Document) else self.name(successor) if successor else ""
        return self.say("time.superseded_by", name=name) if name else self.say("time.superseded")

    def document_holds(self, document: Document) -> str:
        """The sentence that says whether a paper's period still runs."""
        plan, time = document.plan, document_time(document, self.today)
        if time is Time.SUPERSEDED:
            return self._superseded(document)
        if plan is None:
            return self.say("time.undated")
        target = document.plan_kind == "target_year"
        if time is Time.IN_FORCE:
            return self.say("time.in_force_target" if target else "time.in_force", printed=plan.printed)
        if time is Time.NOT_YET:
            return self.say("time.plan_ahead", printed=plan.printed)
        return self.say("time.target_over" if target else "time.plan_over", printed=plan.printed)

    def all_over(self, region: str) -> bool:
        """Whether the time of every support of a region is over today."""
        return all(self.time(s) in OVER for s in self.knowledge.supports_in(region))

    def confirmed(self, record: Answerable) -> bool:
        """Whether nothing about the record needs a person to confirm it today."""
        if self.time(record) not in (Time.IN_FORCE, Time.OPEN_UNTIL):
            return False
        return not isinstance(record, Support) or record.amount.kind not in ABOUT_MONEY

    @staticmethod
    def name(record: Answerable) -> str:
        """What a record is called."""
        return record.ask[0] if isinstance(record, QuestionAnswer) else record.name
