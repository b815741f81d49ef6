"""Cited answers: how a record is told, in the shape of the voice guide: the answer, the condition, whether it holds, what next."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from dialogs.messages import Option, Reply, Source
from dialogs.texts import Texts
from knowledge import rules
from knowledge.facts import Amount, Cap, Channel, Clause, Contact, Document, Indicator, Layout, Park, QuestionAnswer, Record, Support, Time
from knowledge.shapes import Citation, Window
from knowledge.snapshot import Answerable, Knowledge, citations

MAX_OPTIONS = 4
BRIEF = {"Support": 2}
"""How many lines of a record are told at once; the others come with “more”."""
ABOUT_MONEY = ("unstated", "case_by_case", "uncapped")


@dataclass(frozen=True)
class Voice:
    """Tells records in one language, as they stand on a day."""

    knowledge: Knowledge
    today: date
    say: Texts

    def sources(self, places: Iterable[Citation]) -> tuple[Source, ...]:
        """Citations with the particulars of their documents, each once."""
        rows = (Source(c.document, c.section, d.title, d.number) for c in places for d in (self.knowledge.documents[c.document],))
        return tuple(dict.fromkeys(rows))

    def time(self, record: Answerable) -> Time:
        """How a record stands today; a question stands as the records that it is about (the worst of them)."""
        document = self.knowledge.document_of(record)
        if isinstance(record, Record):
            return rules.time_on(record, document, self.today)
        about = [r for i in record.about if isinstance(r := self.knowledge.record(i), Record)]
        if len(about) == 1:
            return rules.time_on(about[0], self.knowledge.document_of(about[0]), self.today)
        return rules.document_time(document, self.today)

    def holds(self, record: Answerable) -> str:
        """The sentence that says whether a record still holds."""
        document, time = self.knowledge.document_of(record), self.time(record)
        about = [r for i in record.about if isinstance(r := self.knowledge.record(i), Record)] if isinstance(record, QuestionAnswer) else [record]
        window: Window | None = about[0].window if len(about) == 1 else None
        match time:
            case Time.OPEN_UNTIL:
                return self.say("time.open_until", until=window.until if window else "")
            case Time.WINDOW_OVER:
                ahead = window is not None and window.since is not None and self.today < window.since
                return self.say("time.window_ahead" if ahead else "time.window_over", printed=window.printed if window else "")
            case Time.UNDATED:
                return self.say("time.undated")
            case Time.SUPERSEDED:
                return self.say("time.superseded")
        if window is not None:
            return self.say("time.in_force", printed=window.printed)
        return self.document_holds(document)

    def document_holds(self, document: Document) -> str:
        """The sentence that says whether a paper's period still runs."""
        plan, time = document.plan, rules.document_time(document, self.today)
        if plan is None or time is Time.SUPERSEDED:
            return self.say("time.superseded" if time is Time.SUPERSEDED else "time.undated")
        target = document.plan_kind == "target_year"
        if time is Time.IN_FORCE:
            return self.say("time.in_force_target" if target else "time.in_force", printed=plan.printed)
        if plan.since is not None and self.today < plan.since:
            return self.say("time.plan_ahead", printed=plan.printed)
        return self.say("time.target_over" if target else "time.plan_over", printed=plan.printed)

    def all_over(self, region: str) -> bool:
        """Whether the time of every support of a region is over today."""
        over = (Time.WINDOW_OVER, Time.PLAN_OVER, Time.SUPERSEDED)
        return all(self.time(s) in over for s in self.knowledge.supports_in(region))

    def confirmed(self, record: Answerable) -> bool:
        """Whether nothing about the record needs a person to confirm it today."""
        if self.time(record) not in (Time.IN_FORCE, Time.OPEN_UNTIL):
            return False
        return not isinstance(record, Support) or record.amount.kind not in ABOUT_MONEY

    def amount(self, support: Support) -> str:
        """The printed amount with its ceilings, as firm as the paper and no firmer."""
        parts = [self._amount(support.amount)]
        main = support.amount.max
        caps = [c for c in support.caps if not c.both_tiers and not (main and c.max == main and c.scope in ("product", "project", "item", "person"))]
        parts += [self.cap(c) for c in caps]
        if support.amount.basis and support.amount.kind in ("up_to", "fixed") and not support.amount.each:
            parts.append(self.say("amount.basis", basis=support.amount.basis))
        return "，".join(p for p in parts if p) if self.say.language == "zh" else ", ".join(p for p in parts if p)

    def _amount(self, amount: Amount) -> str:
        low, high = amount.min.printed if amount.min else "", amount.max.printed if amount.max else ""
        match amount.kind:
            case "fixed":
                return self.say("amount.each" if amount.each else "amount.fixed", max=high)
            case "up_to":
                return self.say("amount.up_to", max=high)
            case "range":
                return self.say("amount.range", min=low, max=high)
            case "rate":
                rates = "—".join(dict.fromkeys(percent(r) for r in (amount.rate_min, amount.rate_max) if r is not None))
                return self.say("amount.rate", basis=amount.basis, rates=rates) if amount.basis else self.say("amount.rate_bare", rates=rates)
            case _:
                return self.say(f"amount.{amount.kind}")

    def cap(self, cap: Cap) -> str:
        """A ceiling in words."""
        text = self.say("amount.cap", scope=self.say(f"amount.scope_{cap.scope}"), max=cap.max.printed)
        return text + (self.say("amount.cap_both") if cap.both_tiers else "")

    def units(self, record: Support | Channel) -> str | None:
        """The responsible units, the lead one marked where the document marks it; None where it names none."""
        if record.responsible is None:
            return None
        units = record.responsible.units
        names = self.say.join([self.say("channels.lead", name=u.name) if u.lead and len(units) > 1 else u.name for u in units])
        unmarked = len(units) > 1 and not any(u.lead for u in units)
        return names + (self.say("channels.lead_unmarked") if unmarked else "")

    def region_name(self, region: str) -> str:
        """The printed name of a region."""
        return self.knowledge.regions[region].name

    def contact(self, contact: Contact) -> list[str]:
        """Lines that say how to reach an office, with the day of the check; or that the document does not print it."""
        on = contact.checked.on if contact.checked else ""
        lines = [self.say("channels.phone", phone=contact.phone, on=on)] if contact.phone else []
        lines += [self.say("channels.address", address=contact.address, on=on)] if contact.address else []
        lines += [self.say("channels.email", email=contact.email, on=on)] if contact.email else []
        return lines or [self.say("channels.no_phone")]

    def tell(self, record: Answerable, full: bool = False) -> Reply:
        """One record as an answer: the answer, the condition that decides, whether it holds; `full` with all that is known."""
        lines = [line for line in self._lines(record) if line]
        more = lines[BRIEF[type(record).__name__] :] if type(record).__name__ in BRIEF else []
        shown = [*lines[: len(lines) - len(more)], self.holds(record), *(more if full else [])]
        options = self.next_steps(record)
        if more and not full:
            options = (Option(self.say("common.expand"), fit(f"!full:{record.id}")), *options)
        return Reply("\n".join(shown), options[:MAX_OPTIONS], self.sources(citations(record)))

    def _lines(self, record: Answerable) -> list[str]:
        match record:
            case QuestionAnswer():
                return [record.answer]
            case Support():
                conditions = self.say("facts.conditions", criteria="；".join(c.text for c in record.criteria))
                units = self.units(record)
                return [
                    self.say("facts.amount", name=record.name, amount=self.amount(record)) + self.say(f"strength.{record.strength}"),
                    conditions,
                    record.summary.rstrip("。") + "。",
                    self.say("facts.who", recipient=self.say(f"facts.recipient_{record.recipient}")),
                    *(self.cap(c) + "。" for c in record.caps if c.both_tiers),
                    *(s.rstrip("。") + "。" for s in record.stacking),
                    self.say("facts.units", units=units) if units else self.say("channels.no_units"),
                    *self.contact(record.contact),
                ]
            case Park():
                head = self.say(
                    "facts.park", name=record.name, region=self.region_name(record.region), role=self.role(record), summary=record.summary
                )
                focus = self.say("facts.focus", focus=self.say.join([f.name for f in record.focus])) if record.focus else ""
                at = self.say("facts.institutions", institutions=self.say.join(list(record.institutions[:6]))) if record.institutions else ""
                return [head, focus, at]
            case Channel():
                return self.channel(record)
            case Layout():
                lines = [self.say("facts.layout", pattern=record.pattern, summary=record.summary)]
                return [*lines, self.say("parks.unstated", points="；".join(record.unstated)) if record.unstated else ""]
            case Indicator():
                return [self.indicator(record)]
            case Clause():
                return [record.text]
            case _:
                return [record.name]

    def indicator(self, record: Indicator) -> str:
        """A target figure with its bound words and baseline."""
        baseline = self._baseline(record)
        before, after = bounds(record.wording or "")
        return self.say(
            "facts.indicator",
            name=record.name,
            before=before,
            after=after,
            value=record.value,
            unit=record.unit,
            year=self.say("facts.by_year", year=record.year) if record.year else self.say("facts.no_year"),
            baseline=baseline,
        )

    def _baseline(self, record: Indicator) -> str:
        if not record.baseline:
            return ""
        key = "facts.baseline" if record.baseline_year else "facts.baseline_now"
        return self.say(key, year=record.baseline_year, value=record.baseline, unit=record.unit)

    def channel(self, record: Channel, number: int | None = None) -> list[str]:
        """A route: what it does, how it stands, who is responsible, and how to reach them."""
        state = self.say(f"channels.state_{record.state}") if record.state in ("planned", "applied_for") else ""
        head = record.name + state if number is None else self.say("channels.item", number=number, name=record.name, state=state)
        units = self.units(record)
        who = self.say("channels.units", units=units) if units else self.say("channels.no_units")
        return [
            f"{head}：{record.route}" if self.say.language == "zh" else f"{head}: {record.route}",
            who,
            *(self.contact(record.contact) if number is None else []),
        ]

    def role(self, park: Park) -> str:
        """The role in the layout, in the document's words where it gives one."""
        short = park.role_text if park.role_text and len(park.role_text) <= 10 and park.role == "unstated" else None
        return f"，{short}" if short else self.say(f"roles.{park.role}")

    def next_steps(self, record: Answerable) -> tuple[Option, ...]:
        """What can be done next: at most four buttons."""
        options = []
        if isinstance(record, Support) or "subsidy_precheck" in record.topics:
            options.append(Option(self.say("common.start_precheck"), "!start:subsidy_precheck"))
        if isinstance(record, Park | Layout):
            options.append(Option(self.say("common.start_parks"), "!start:park_selection"))
        if isinstance(record, Channel):
            options.append(Option(self.say("common.start_approval"), "!start:approval_channel"))
        if not self.confirmed(record) or isinstance(record, Channel | Park):
            options.append(self.log(record.id))
        return tuple(options[:MAX_OPTIONS])

    def log(self, about: str = "") -> Option:
        """The offer to pass the matter on to a person."""
        return Option(self.say("common.file"), fit(f"!log:{about}"))

    def listing(self, title: str, records: Sequence[Answerable]) -> Reply:
        """A short list of records to choose from, with their sources."""
        lines = [title, *(self.say("facts.list_item", name=self.brief(r)) for r in records)]
        holds = list(dict.fromkeys(self.holds(r) for r in records))
        options = tuple(Option(cut(self.name(r)), fit(f"!show:{r.id}")) for r in records[: MAX_OPTIONS - 1])
        return Reply("\n".join([*lines, *holds[:2]]), (*options, self.log()), self.sources(citations(r)[0] for r in records))

    def brief(self, record: Answerable) -> str:
        """A record in one line."""
        if isinstance(record, Support):
            return f"{record.name}：{self.amount(record)}"
        if isinstance(record, Clause):
            return f"{record.name}：{cut(record.text, 48)}"
        return self.name(record)

    @staticmethod
    def name(record: Answerable) -> str:
        """What a record is called."""
        return record.ask[0] if isinstance(record, QuestionAnswer) else record.name

    def candidates(self, records: Sequence[Answerable]) -> Reply:
        """Up to three records to choose from where the question fits several."""
        options = tuple(Option(cut(self.name(r)), fit(f"!show:{r.id}")) for r in records[:3])
        return Reply(self.say("miss.candidates"), (*options, self.log()))


def bounds(wording: str) -> tuple[str, str]:
    """Printed bound words as they stand around a figure: “力争，以上” goes “力争 … 以上”; remarks come last."""
    words, _, remark = wording.partition("（")
    parts = [p for p in re.split("[，…；]", words) if p]
    after = [p for p in parts if p in ("以上", "左右", "以内")]
    return "".join(p for p in parts if p not in after), "".join(after) + (f"（{remark}" if remark else "")


def percent(rate: Decimal) -> str:
    """A fraction as printed: 0.30 is 30%."""
    return f"{(rate * 100).normalize():f}%"


def cut(text: str, length: int = 18) -> str:
    """A label short enough for a button."""
    return text if len(text) <= length else text[: length - 1] + "…"


def fit(payload: str) -> str:
    """A payload within the 64 bytes that messengers carry; ids are at most 60 characters of ASCII."""
    return payload if len(payload.encode()) <= 64 else payload[:64]
