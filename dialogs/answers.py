"""Cited answers: how a record is told, in the shape of the voice guide: the answer, the condition, whether it holds, what next."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from dialogs import pictures
from dialogs.messages import Option, Reply
from dialogs.standing import Standing
from dialogs.terms import Terms
from knowledge.bm25 import Bm25
from knowledge.records import Channel, Clause, Contact, Difference, Indicator, Layout, Park, Passage, QuestionAnswer, Service, Task
from knowledge.shapes import Citation
from knowledge.snapshot import Answerable, citations
from knowledge.supports import Support
from knowledge.validity import Time

MAX_OPTIONS = 4
BRIEF = {"Support": 2, "Service": 8}
"""How many lines of a record are told at once; the others come with “more”."""
SHORT, LONGEST = 18, 40
"""How long a Chinese and an English label may be."""
ORIGINAL = 600
"""How many characters of a section are shown at once."""


@dataclass(frozen=True)
class Voice(Terms, Standing):
    """Tells records in one language, as they stand on a day."""

    def tell(self, record: Answerable, full: bool = False, first: Literal["", "units", "time", "contact"] = "") -> Reply:
        """One record as an answer: the answer, the condition that decides, whether it holds; `full` with all that is known.

        `first` is what was asked for and is said first: the responsible units, whether it still holds, how to reach somebody.
        """
        lines = [line for line in (*self._lines(record), self._differs(record)) if line]
        length = self._brief_length(record)
        more = lines[length:] if length is not None else []
        shown = [*lines[: len(lines) - len(more)], self.holds(record), *(more if full else [])]
        if self.time(record) is Time.SUPERSEDED or (first == "time" and isinstance(record, Support)):  # before anybody believes the amount
            shown = [self.holds(record), *(line for line in shown if line != self.holds(record))]
        if first == "units" and isinstance(record, Support | Channel | Service):
            units = self.units(record)
            name = self.called(record).replace("“", "‘").replace("”", "’")
            said = self.say("tasks.units" if units else "tasks.no_units", text=name, units=units or "")
            shown = [said, *(line for line in shown if not line.startswith(self.say("channels.units", units=units or "")[:6]))]
        if first == "contact" and isinstance(record, Support | Channel | Service | Park):
            shown = [*(reach := self.contact(record.contact)), *(line for line in shown if line not in reach)]
        options = self.next_steps(record)
        if more and not full:
            options = (Option(self.say("common.expand"), fit(f"!full:{record.id}")), *options)
        if len(options) > MAX_OPTIONS:
            options = (*options[: MAX_OPTIONS - 1], options[-1])  # the last one leads to a person
        drawn = pictures.layout(self.say.language, record.region) if isinstance(record, Layout) else None
        return Reply("\n".join(shown), options, self.sources(citations(record)), picture=drawn)

    def _brief_length(self, record: Answerable) -> int | None:
        """How many lines are told at once; None for all."""
        length = BRIEF.get(type(record).__name__)
        return length + len(self.contact(record.contact)) if length and isinstance(record, Support | Service) and filled(record.contact) else length

    def _differs(self, record: Answerable) -> str:
        """That papers, or parts of one, say different things on this point."""
        if isinstance(record, Task):
            return ""  # the names of a row and of its chapter often differ by a word: the button is enough
        return "".join(self.say("facts.differs", name=self.called(d)) for d in self.knowledge.differences_on(record.id)[:1])

    def _lines(self, record: Answerable) -> list[str]:
        match record:
            case QuestionAnswer():
                return [*self._spoken_of(record), self._paper(record.answer)]
            case Support():
                return self.support(record)
            case Park():
                return self.park(record)
            case Channel():
                return self.channel(record)
            case Layout():
                lines = [self.say("facts.layout", pattern=self.layout_pattern(record), summary=record.summary)]
                return [*lines, self.say("parks.unstated", points="；".join(record.unstated)) if record.unstated else ""]
            case Service():
                return self.service(record)
            case Task():
                return self.task(record)
            case Difference():
                readings = [self.say("facts.reading", section=r.source.section, text=r.text.rstrip("。")) for r in record.readings]
                head = [self.say("facts.differ_on", name=self.called(record))] if self.english else []
                return [*head, self._paper(record.text.rstrip("。") + "。"), *readings]
            case Indicator():
                return [self.indicator(record)]
            case Clause():
                return [self.say("facts.clause_on", name=self.called(record)) if self.english else "", self._paper(record.text)]
            case _:
                return [self.called(record)]

    def _paper(self, text: str) -> str:
        """What a paper says, which stands in Chinese only."""
        return self.say("facts.paper", text=" ".join(text.split("\n")) if self.english else text)

    def _spoken_of(self, record: QuestionAnswer) -> list[str]:
        """In English, the records that an answer speaks of: they carry it before the Chinese does."""
        if not self.english:
            return []
        about = [r for i in record.about if (r := self.knowledge.record(i)) is not None]
        lines = [self.say("facts.list_item", name=self.brief(r)) for r in about[:3]]
        return [self.say("facts.spoken_of"), *lines] if lines else [self.say("facts.clause_on", name=self.called(record))]

    def support(self, record: Support) -> list[str]:
        """A support: what it gives and when, then all that is known of it."""
        units = self.units(record)
        return [
            self.say("facts.amount", name=self.called(record), amount=self.amount(record)) + self.say(f"strength.{record.strength}"),
            *(conditions := self.conditions(record))[:1],
            *(self.contact(record.contact) if filled(record.contact) else []),
            *conditions[1:],
            self.say("facts.summary", text=self.ended(record.summary)),
            self.say("facts.who", recipient=self.say(f"facts.recipient_{record.recipient}")),
            *(self.say("amount.ceiling", cap=self.cap(c)) for c in record.caps if c.both_tiers),
            *(self.say("facts.stacking", text=self.ended(s.text)) for s in record.stacking),
            self.say("facts.units", units=units) if units else self.say("channels.no_units"),
            *([] if filled(record.contact) else self.contact(record.contact)),
        ]

    def layout_pattern(self, record: Layout) -> str:
        """The pattern of a layout (一核多园), in English its name."""
        return self.called(record) if self.english else record.pattern

    def park(self, record: Park) -> list[str]:
        """A park: where it stands and as what, its fields, who is there."""
        head = self.say("facts.park", name=self.called(record), region=self.region_name(record.region), role=self.role(record))
        fields = [self.segment_name(f.segment) if self.english else f.name for f in record.focus]
        focus = self.say("facts.focus", focus=self.say.join(list(dict.fromkeys(fields)))) if fields else ""
        at = self.say("facts.institutions", institutions="、".join(record.there[:6])) if record.there else ""
        contact = self.contact(record.contact) if filled(record.contact) else []
        if not self.english:
            return [self.colon(head, record.summary), focus, at, *contact]
        early = (
            self.say("parks.planned", status=self.say(f"parks.status_{record.status}")).strip() if record.status in ("planned", "building") else ""
        )
        return [f"{head}.", early, focus, *contact, self.say("facts.summary", text=self.ended(record.summary)), at]

    def channel(self, record: Channel, number: int | None = None, level: str = "") -> list[str]:
        """A route: what it does, how it stands, who is responsible, and how to reach them; `level` says of which region it is."""
        state = self.say(f"channels.state_{record.state}") if record.state in ("building", "planned", "applied_for") else ""
        name = self.called(record)
        head = name + state if number is None else self.say("channels.item", number=number, name=name, state=state)
        units = self.units(record)
        who = self.say("channels.units", units=units) if units else self.say("channels.no_units")
        return [
            *self.say("channels.head", head=head + level, route=record.route).split("\n"),
            who,
            *(self.contact(record.contact) if number is None else []),
        ]

    def service(self, record: Service) -> list[str]:
        """A service: what it is and how far, its list, who is responsible, what can be done next."""
        units = self.units(record)
        texts = [i.text.rstrip("。") for i in record.items]
        items = [self.say("facts.items", items="；".join(texts))] if texts and self.english else [self.say("facts.list_item", name=t) for t in texts]
        return [
            *self.say("services.head", name=self.called(record), text=record.text, state=self.say(f"services.state_{record.state}")).split("\n"),
            self.say("facts.units", units=units) if units else "",
            *(self.contact(record.contact) if filled(record.contact) else []),
            self.say("services.next", text=record.next),
            *items,
        ]

    def task(self, record: Task) -> list[str]:
        """A row of responsibilities: what, who, and who leads the whole part."""
        units = self.units(record)
        who = self.say("tasks.units", text=record.text, units=units) if units else self.say("tasks.no_units", text=record.text)
        group = self.say("tasks.group", group=record.group, lead=record.group_lead) if record.group and record.group_lead else ""
        note = record.note if record.note and (units or "责任单位" not in record.note) else ""  # that no office is named was said
        return [who + group, self._paper(note) if note else ""]

    @property
    def longest(self) -> int:
        """How long a label may be: a Chinese character says more, and is wider."""
        return LONGEST if self.english else SHORT

    def label(self, record: Answerable) -> str:
        """A button for a record: its name; in English its gloss, or its kind and its name."""
        if not self.english:
            return cut(self.name(record))
        gloss = None if isinstance(record, QuestionAnswer) else record.en
        return cut(gloss, LONGEST) if gloss else self.colon(self.say(f"kinds.{type(record).__name__}"), cut(self.name(record)))

    def next_steps(self, record: Answerable) -> tuple[Option, ...]:
        """What can be done next: at most four buttons."""
        options = []
        if self.time(record) is Time.SUPERSEDED and (successor := self.knowledge.record(getattr(record, "superseded_by", None) or "")):
            options.append(Option(self.label(successor), fit(f"!show:{successor.id}")))
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
        return self.say(f"kinds.{type(record).__name__}") if self.name(record) == beside else self.label(record)

    def original(self, record: Answerable) -> Reply:
        """The sections that a record cites, in the paper's own words, where the paper was imported."""
        shown = [(c, text) for c in citations(record) if (text := self.knowledge.passage(c))]
        texts = [(c.section, cut(text.replace("\n｜", "｜"), ORIGINAL)) for c, text in shown[:2]]
        lines = [self.say("facts.original", section=section, text=" ".join(text.split("\n")) if self.english else text) for section, text in texts]
        return Reply("\n".join(lines), (self.log(record.id),), self.sources(c for c, _ in shown[:2]))

    def written(self, passage: Passage, text: str) -> Reply:
        """The part of a section of an imported paper that is nearest to a question, in the paper's own words, and whether the paper holds."""
        document = self.knowledge.documents[passage.document]
        sentences = [s for s in re.split(r"(?<=[。；;\n])", passage.text.replace("\n｜", "｜")) if s.strip()]
        index = Bm25(sentences)
        best = min((place for place, _ in index.search(text, 1)), default=0)
        words = cut("".join(sentences[best:]).strip(), ORIGINAL // 2)
        lines = [self.say("facts.written", section=passage.section, text=words), self.document_holds(document)]
        return Reply("\n".join(lines), (self.log("words"),), self.sources([Citation(document=document.id, section=passage.section)]))

    def log(self, about: str = "") -> Option:
        """The offer to pass the matter on to a person."""
        return Option(self.say("common.file"), fit(f"!log:{about}"))

    def listing(self, title: str, records: Sequence[Answerable]) -> Reply:
        """A short list of records to choose from, with their sources."""
        lines = [title, *self.with_standing(records)]
        options = tuple(Option(self.label(r), fit(f"!show:{r.id}")) for r in records[: MAX_OPTIONS - 1])
        return Reply("\n".join(lines), (*options, self.log()), self.sources(citations(r)[0] for r in records))

    def with_standing(self, records: Sequence[Answerable]) -> list[str]:
        """A line a record, and below those that stand alike how they stand."""
        groups: dict[str, list[str]] = {}
        for record in records:
            groups.setdefault(self.holds(record), []).append(self.say("facts.list_item", name=self.brief(record)))
        if len(groups) == 1:
            return [line for holds, items in groups.items() for line in (*items, holds)]
        return [line for holds, items in groups.items() for line in (*items, self.say("facts.standing", holds=holds.rstrip("。")))]

    def brief(self, record: Answerable) -> str:
        """A record in one line."""
        if isinstance(record, Support):
            return self.colon(self.called(record), self.amount(record))
        if isinstance(record, Clause | Service) and not self.english:
            return self.colon(record.name, cut(record.text, 48))
        return self.indicator(record) if isinstance(record, Indicator) and self.english else self.called(record)

    def candidates(self, records: Sequence[Answerable]) -> Reply:
        """Up to three records to choose from where the question fits several."""
        options = tuple(Option(self.label(r), fit(f"!show:{r.id}")) for r in records[:3])
        return Reply(self.say("miss.candidates"), (*options, self.log()))


def filled(contact: Contact) -> bool:
    """Whether an admin filled in any way to reach the office."""
    return bool(contact.phone or contact.address or contact.email)


def cut(text: str, length: int = SHORT) -> str:
    """A label short enough for a button."""
    return text if len(text) <= length else text[: length - 1] + "…"


def fit(payload: str) -> str:
    """A payload within the 64 bytes that messengers carry; ids are at most 60 characters of ASCII."""
    return payload if len(payload.encode()) <= 64 else payload[:64]
