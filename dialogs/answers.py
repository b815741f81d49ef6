"""Cited answers: how a record is told, in the shape of the voice guide: the answer, the condition, whether it holds, what next."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from dialogs.messages import Option, Reply, Source
from dialogs.standing import Standing
from knowledge.records import Channel, Clause, Contact, Difference, Indicator, Layout, Park, QuestionAnswer, Service, Task
from knowledge.shapes import Citation
from knowledge.snapshot import Answerable, citations
from knowledge.supports import Amount, Cap, Support
from knowledge.validity import Time

MAX_OPTIONS = 4
BRIEF = {"Support": 2, "Service": 8}
"""How many lines of a record are told at once; the others come with “more”."""
ORIGINAL = 600
"""How many characters of a section are shown at once."""


@dataclass(frozen=True)
class Voice(Standing):
    """Tells records in one language, as they stand on a day."""

    def sources(self, places: Iterable[Citation]) -> tuple[Source, ...]:
        """Citations with the particulars of their documents, each once."""
        rows = (Source(c.document, c.section, d.title, d.number) for c in places for d in (self.knowledge.documents[c.document],))
        return tuple(dict.fromkeys(rows))

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

    def units(self, record: Support | Channel | Service | Task) -> str | None:
        """The responsible units, the lead one marked where the document marks it; None where it names none."""
        if record.responsible is None:
            return None
        units = record.responsible.units
        led = 0 < sum(u.lead for u in units) < len(units)
        names = self.say.join([self.say("channels.lead", name=u.name) if u.lead and led else u.name for u in units])
        if len(units) > 1 and all(u.lead for u in units):
            return names + self.say("channels.all_lead")
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
        lines = [line for line in (*self._lines(record), self._differs(record)) if line]
        length = self._brief_length(record)
        more = lines[length:] if length is not None else []
        shown = [*lines[: len(lines) - len(more)], self.holds(record), *(more if full else [])]
        if self.time(record) is Time.SUPERSEDED:  # before anybody believes the amount
            shown = [self.holds(record), *(line for line in shown if line != self.holds(record))]
        options = self.next_steps(record)
        if more and not full:
            options = (Option(self.say("common.expand"), fit(f"!full:{record.id}")), *options)
        if len(options) > MAX_OPTIONS:
            options = (*options[: MAX_OPTIONS - 1], options[-1])  # the last one leads to a person
        return Reply("\n".join(shown), options, self.sources(citations(record)))

    def _brief_length(self, record: Answerable) -> int | None:
        """How many lines are told at once; None for all."""
        length = BRIEF.get(type(record).__name__)
        return length + len(self.contact(record.contact)) if length and isinstance(record, Support | Service) and filled(record.contact) else length

    def _differs(self, record: Answerable) -> str:
        """That papers, or parts of one, say different things on this point."""
        if isinstance(record, Task):
            return ""  # the names of a row and of its chapter often differ by a word: the button is enough
        return "".join(self.say("facts.differs", name=d.name) for d in self.knowledge.differences_on(record.id)[:1])

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
                    *(self.contact(record.contact) if filled(record.contact) else []),
                    record.summary.rstrip("。") + "。",
                    self.say("facts.who", recipient=self.say(f"facts.recipient_{record.recipient}")),
                    *(self.cap(c) + "。" for c in record.caps if c.both_tiers),
                    *(s.text.rstrip("。") + "。" for s in record.stacking),
                    self.say("facts.units", units=units) if units else self.say("channels.no_units"),
                    *([] if filled(record.contact) else self.contact(record.contact)),
                ]
            case Park():
                head = self.say(
                    "facts.park", name=record.name, region=self.region_name(record.region), role=self.role(record), summary=record.summary
                )
                focus = self.say("facts.focus", focus=self.say.join([f.name for f in record.focus])) if record.focus else ""
                at = self.say("facts.institutions", institutions=self.say.join(list(record.institutions[:6]))) if record.institutions else ""
                return [head, focus, at, *(self.contact(record.contact) if filled(record.contact) else [])]
            case Channel():
                return self.channel(record)
            case Layout():
                lines = [self.say("facts.layout", pattern=record.pattern, summary=record.summary)]
                return [*lines, self.say("parks.unstated", points="；".join(record.unstated)) if record.unstated else ""]
            case Service():
                return self.service(record)
            case Task():
                return self.task(record)
            case Difference():
                readings = [self.say("facts.reading", section=r.source.section, text=r.text.rstrip("。")) for r in record.readings]
                return [record.text.rstrip("。") + "。", *readings]
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
        state = self.say(f"channels.state_{record.state}") if record.state in ("building", "planned", "applied_for") else ""
        head = record.name + state if number is None else self.say("channels.item", number=number, name=record.name, state=state)
        units = self.units(record)
        who = self.say("channels.units", units=units) if units else self.say("channels.no_units")
        return [
            f"{head}：{record.route}" if self.say.language == "zh" else f"{head}: {record.route}",
            who,
            *(self.contact(record.contact) if number is None else []),
        ]

    def service(self, record: Service) -> list[str]:
        """A service: what it is and how far, its list, who is responsible, what can be done next."""
        state = self.say(f"services.state_{record.state}")
        units = self.units(record)
        items = [self.say("facts.list_item", name=i.text.rstrip("。")) for i in record.items]
        return [
            self.say("services.head", name=record.name, text=record.text, state=state),
            self.say("facts.units", units=units) if units else "",
            *(self.contact(record.contact) if filled(record.contact) else []),
            record.next,
            *items,
        ]

    def task(self, record: Task) -> list[str]:
        """A row of responsibilities: what, who, and who leads the whole part."""
        units = self.units(record)
        who = self.say("tasks.units", text=record.text, units=units) if units else self.say("tasks.no_units", text=record.text)
        group = self.say("tasks.group", group=record.group, lead=record.group_lead) if record.group and record.group_lead else ""
        return [who + group, record.note or ""]

    def role(self, park: Park) -> str:
        """The role in the layout, in the document's words where it gives one."""
        short = park.role_text if park.role_text and len(park.role_text) <= 10 and park.role == "unstated" else None
        return f"，{short}" if short else self.say(f"roles.{park.role}")

    def next_steps(self, record: Answerable) -> tuple[Option, ...]:
        """What can be done next: at most four buttons."""
        options = []
        if self.time(record) is Time.SUPERSEDED and (successor := self.knowledge.record(getattr(record, "superseded_by", None) or "")):
            options.append(Option(cut(self.name(successor)), fit(f"!show:{successor.id}")))
        if isinstance(record, Support) or "subsidy_precheck" in record.topics:
            options.append(Option(self.say("common.start_precheck"), "!start:subsidy_precheck"))
        if isinstance(record, Park | Layout):
            options.append(Option(self.say("common.start_parks"), "!start:park_selection"))
        if isinstance(record, Channel):
            options.append(Option(self.say("common.start_approval"), "!start:approval_channel"))
        if isinstance(record, Service):
            options += self._service_steps(record)
        if self.knowledge.differences_on(record.id):
            options.append(Option(self.say("common.both_readings"), fit(f"!show:{self.knowledge.differences_on(record.id)[0].id}")))
        if any(self.knowledge.passage(c) for c in citations(record)):
            options.append(Option(self.say("common.original"), fit(f"!text:{record.id}")))
        log = self.log(record.id) if not self.confirmed(record) or isinstance(record, Channel | Park | Service) else None
        return (*options[: MAX_OPTIONS - bool(log)], *([log] if log else []))

    def _service_steps(self, record: Service) -> list[Option]:
        """The buttons for what a service leads to."""
        about = [r for i in record.about if (r := self.knowledge.record(i)) is not None]
        if record.serve == "precheck" and "subsidy_precheck" not in record.topics:
            return [Option(self.say("common.start_precheck"), "!start:subsidy_precheck")]
        if record.serve == "park":
            return [Option(self.say("common.start_parks"), "!start:park_selection")]
        return [Option(self._short(r, record.name), fit(f"!show:{r.id}")) for r in about[:2]]

    def _short(self, record: Answerable, beside: str) -> str:
        """A label for a record; where it is called like the one beside it, what kind of thing it is."""
        name = self.name(record)
        return self.say(f"kinds.{type(record).__name__}") if name == beside else cut(name)

    def original(self, record: Answerable) -> Reply:
        """The sections that a record cites, in the paper's own words, where the paper was imported."""
        shown = [(c, text) for c in citations(record) if (text := self.knowledge.passage(c))]
        lines = [self.say("facts.original", section=c.section, text=cut(text.replace("\n｜", "｜"), ORIGINAL)) for c, text in shown[:2]]
        return Reply("\n".join(lines), (self.log(record.id),), self.sources(c for c, _ in shown[:2]))

    def log(self, about: str = "") -> Option:
        """The offer to pass the matter on to a person."""
        return Option(self.say("common.file"), fit(f"!log:{about}"))

    def listing(self, title: str, records: Sequence[Answerable]) -> Reply:
        """A short list of records to choose from, with their sources."""
        lines = [title, *self.with_standing(records)]
        options = tuple(Option(cut(self.name(r)), fit(f"!show:{r.id}")) for r in records[: MAX_OPTIONS - 1])
        return Reply("\n".join(lines), (*options, self.log()), self.sources(citations(r)[0] for r in records))

    def with_standing(self, records: Sequence[Answerable]) -> list[str]:
        """A line a record, and below those that stand alike how they stand."""
        groups: dict[str, list[str]] = {}
        for record in records:
            groups.setdefault(self.holds(record), []).append(self.say("facts.list_item", name=self.brief(record)))
        if len(groups) == 1:
            return [line for holds, items in groups.items() for line in (*items, holds)]
        return [line for holds, items in groups.items() for line in (*items, f"（{holds.rstrip('。')}）")]

    def brief(self, record: Answerable) -> str:
        """A record in one line."""
        if isinstance(record, Support):
            return f"{record.name}：{self.amount(record)}"
        if isinstance(record, Clause | Service):
            return f"{record.name}：{cut(record.text, 48)}"
        return self.name(record)

    def candidates(self, records: Sequence[Answerable]) -> Reply:
        """Up to three records to choose from where the question fits several."""
        options = tuple(Option(cut(self.name(r)), fit(f"!show:{r.id}")) for r in records[:3])
        return Reply(self.say("miss.candidates"), (*options, self.log()))


def filled(contact: Contact) -> bool:
    """Whether an admin filled in any way to reach the office."""
    return bool(contact.phone or contact.address or contact.email)


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
