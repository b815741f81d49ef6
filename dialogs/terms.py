"""The terms of a record: amounts, ceilings, conditions, targets and responsible units, as firm as the paper and no firmer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from dialogs.naming import Naming, english_money, percent, quoted
from knowledge.facts import FactType
from knowledge.money import Money, MoneyError
from knowledge.records import Channel, Contact, Indicator, Park, Service, Task
from knowledge.rules import NONE, UNKNOWN, generic
from knowledge.supports import Amount, Cap, Criterion, Support

BOUNDS = ("at_least", "above", "at_most", "below")
_UNITS = {"万平方米": "area", "亩": "mu", "批": "batches", "强": "top", "家/年": "a_year"}
"""Units of targets that English must name; the others only count (个, 家, 项)."""


@dataclass(frozen=True)
class Terms(Naming):
    """Says what a record gives, to whom and on which conditions."""

    def amount(self, support: Support) -> str:
        """The printed amount with its ceilings."""
        parts = [self._amount(support.amount)]
        main = support.amount.max
        caps = [c for c in support.caps if not c.both_tiers and not (main and c.max == main and c.scope in ("product", "project", "item", "person"))]
        parts += [self.cap(c) for c in caps]
        if support.amount.basis and support.amount.kind in ("up_to", "fixed") and not support.amount.each:
            parts.append(self.say("amount.basis", basis=self._basis(support.amount)))
        return (", " if self.english else "，").join(p for p in parts if p)

    def _amount(self, amount: Amount) -> str:
        low, high = self.money(amount.min) if amount.min else "", self.money(amount.max) if amount.max else ""
        match amount.kind:
            case "fixed":
                if self.english and amount.each and amount.basis:
                    return self.say("amount.for_each", max=high, basis=self._basis(amount))
                return self.say("amount.each" if amount.each else "amount.fixed", max=high)
            case "up_to":
                return self.say("amount.up_to", max=high)
            case "range":
                return self.say("amount.range", min=low, max=high)
            case "rate":
                rates = "—".join(dict.fromkeys(percent(r) for r in (amount.rate_min, amount.rate_max) if r is not None))
                rates = rates.replace("—", "-") if self.english else rates
                return self.say("amount.rate", basis=self._basis(amount), rates=rates) if amount.basis else self.say("amount.rate_bare", rates=rates)
            case _:
                return self.say(f"amount.{amount.kind}")

    def _basis(self, amount: Amount) -> str:
        """What a sum is reckoned on; in English quoted where nobody put it into English."""
        return (amount.basis_en or quoted(amount.basis or "")) if self.english else amount.basis or ""

    def cap(self, cap: Cap) -> str:
        """A ceiling in words."""
        text = self.say("amount.cap", scope=self.say(f"amount.scope_{cap.scope}"), max=self.money(cap.max))
        return text + (self.say("amount.cap_both") if cap.both_tiers else "")

    def condition(self, criterion: Criterion) -> str:
        """A condition in a few words; in English the test itself, or the Chinese quoted where only an official can tell."""
        return self.test(criterion) or quoted(criterion.text) if self.english else criterion.text

    def test(self, criterion: Criterion) -> str:
        """What is tested, in words of our own; empty where only an official can tell."""
        fact = self.knowledge.facts.get(criterion.fact or "")
        if fact is None:
            return ""
        title = fact.question[self.say.language].rstrip("？?").partition(" (")[0]
        for bound in BOUNDS:
            if (value := getattr(criterion, bound)) is not None:
                return self.say(f"conditions.{bound}", fact=title, value=self.money(value) if isinstance(value, Money) else value)
        choices = [self._choice(fact, t) for t in criterion.any_of]
        return self.say("conditions.answer", fact=title, answer=choices[0]) if fact.type == "flag" else self.say("conditions.either").join(choices)

    def _choice(self, fact: FactType, token: str) -> str:
        if fact.type == "flag":
            return self.say(f"conditions.{'yes' if token == 'yes' else 'no'}")
        if fact.key == "segment" and token in self.knowledge.segments:
            return self.segment_name(token)
        return next((o.label[self.say.language] for o in fact.options if o.token == token), token)

    def title(self, fact: FactType) -> str:
        """What a fact asks, in short, to be named in a sentence."""
        return re.split("[？?]", fact.question[self.say.language])[0].rstrip("。.")

    def answer(self, key: str, token: str) -> str:
        """An answer in words, wherever its question stands."""
        knowledge, fact = self.knowledge, self.knowledge.facts.get(generic(key))
        if key == "region" and (places := [p for p in token.split(",") if p in knowledge.regions]):
            return self.say.join([self.region_name(p) for p in places])
        if key == "segment" and token in knowledge.segments:
            return self.segment_name(token)
        if token == UNKNOWN:
            return self.say("common.unsure")
        if key == "products" and token == NONE:
            return "None yet" if self.english else "还没有"
        if key == "products":
            count = token.count(",") + 1
            return str(count) if self.english else f"{count} 个"
        if token == NONE:
            return self.say("common.none")
        if fact is not None and fact.type == "money":
            return self.money(Money.parse(token))
        if fact is not None and fact.type == "number" and fact.unit == "年" and not self.english:
            return f"{token}年"
        return self.say.join([self._choice(fact, t) if fact else t for t in token.split(",")])

    def estimate(self, low: Decimal, high: Decimal, currency: str) -> str:
        """What something could come to: one sum, a ceiling, or from one to the other."""
        least, most = self.money(Money(low, currency)), self.money(Money(high, currency))
        if low == high:
            return most
        return self.say("amount.up_to", max=most) if low == 0 else self.say("amount.range", min=least, max=most)

    def conditions(self, support: Support) -> list[str]:
        """What must be so: one line; in English the tests first, then the paper's conditions in Chinese."""
        full = self.say("facts.conditions", criteria="；".join(c.text for c in support.criteria))
        tests = [t for c in support.criteria if (t := self.test(c))]
        if not self.english or not tests:
            return [full]
        left = len(support.criteria) - len(tests)
        judged = self.say("conditions.judged", count=left) if left else ""
        return [self.sentences(self.say("conditions.needed", tests=self.clauses(tests)), judged), full]

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

    def whom(self, record: Support) -> str:
        """Whom to ask, in half a line: the leading units, else the first one and how many there are; that the paper names none."""
        if record.responsible is None:
            return self.say("report.whom_none")
        units = record.responsible.units
        leading = [u.name for u in units if u.lead]
        if leading and len(leading) < 4:
            return self.say("report.whom", units=self.say.join(leading))
        return self.say("report.whom_first", unit=units[0].name, count=len(units)) if len(units) > 1 else self.say("report.whom", units=units[0].name)

    def contact(self, contact: Contact) -> list[str]:
        """Lines that say how to reach an office, with the day of the check; or that the document does not print it."""
        on = contact.checked.on if contact.checked else ""
        lines = [self.say("channels.phone", phone=contact.phone, on=on)] if contact.phone else []
        lines += [self.say("channels.address", address=contact.address, on=on)] if contact.address else []
        lines += [self.say("channels.email", email=contact.email, on=on)] if contact.email else []
        return lines or [self.say("channels.no_phone")]

    def role(self, park: Park) -> str:
        """The role in the layout, in the document's words where it gives one."""
        short = park.role_text if park.role_text and len(park.role_text) <= 10 and park.role == "unstated" else None
        if short and self.english:
            return f", {quoted(short)}"
        return f"，{short}" if short else self.say(f"roles.{park.role}")

    def indicator(self, record: Indicator) -> str:
        """A target figure with its bound words and baseline."""
        before, after = self._bounds(record)
        return self.say(
            "facts.indicator",
            name=self.called(record),
            before=before,
            after=after,
            value=self._figure(record.value, record.unit),
            unit="" if self.english else record.unit,
            year=self.say("facts.by_year", year=record.year) if record.year else self.say("facts.no_year"),
            baseline=self._baseline(record),
        )

    def _bounds(self, record: Indicator) -> tuple[str, str]:
        """The words before and after a figure: as printed, or in English as the record types them."""
        if not self.english:
            return bounds(record.wording or "")
        words = [self.say(f"conditions.counts_{record.counts}"), self.say(f"conditions.aim_{record.aim}")]
        return self.say(f"conditions.bound_{record.bound}"), "".join(words)

    def _figure(self, value: str, unit: str) -> str:
        """A figure without its unit; in English with it, and sums in full."""
        if not self.english:
            return value
        try:
            return english_money(Money.parse(f"{value}{unit}"))
        except MoneyError:
            if unit == "%":
                return f"{value}%"
            if unit == "万平方米" and value.isdecimal():
                value = f"{int(value) * 10_000:,}"  # the papers count in tens of thousands
            return self.say(f"conditions.unit_{_UNITS[unit]}", value=value) if unit in _UNITS else value

    def _baseline(self, record: Indicator) -> str:
        if not record.baseline:
            return ""
        key = "facts.baseline" if record.baseline_year else "facts.baseline_now"
        unit = "" if self.english else record.unit
        return self.say(key, year=record.baseline_year, value=self._figure(record.baseline, record.unit), unit=unit)


def bounds(wording: str) -> tuple[str, str]:
    """Printed bound words as they stand around a figure: “力争，以上” goes “力争 … 以上”; remarks come last."""
    words, _, remark = wording.partition("（")
    parts = [p for p in re.split("[，…；]", words) if p]
    after = [p for p in parts if p in ("以上", "左右", "以内")]
    return "".join(p for p in parts if p not in after), "".join(after) + (f"（{remark}" if remark else "")
