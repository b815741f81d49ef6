"""What things are called: records and papers, regions and segments, sums of money and periods, in the words of one language.

Official names stay Chinese; in English a gloss stands behind them: 太仓生物港 (Taicang Biotech Harbour).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from dialogs.messages import Source
from dialogs.texts import Texts
from knowledge.money import Money
from knowledge.records import Document, QuestionAnswer
from knowledge.shapes import Citation, Window
from knowledge.snapshot import Answerable, Knowledge


@dataclass(frozen=True)
class Naming:
    """Names what the knowledge holds, in one language."""

    knowledge: Knowledge
    today: date
    say: Texts

    @property
    def english(self) -> bool:
        """Whether it speaks English: what stands in Chinese only is then quoted as such."""
        return self.say.language == "en"

    @staticmethod
    def name(record: Answerable) -> str:
        """What a record is called in Chinese, as printed."""
        return record.ask[0] if isinstance(record, QuestionAnswer) else record.name

    def called(self, record: Answerable | Document) -> str:
        """What a record or a paper is called: its name, in English with its gloss, or quoted where nobody wrote one."""
        name = record.title if isinstance(record, Document) else self.name(record)
        if not self.english:
            return name
        gloss = None if isinstance(record, QuestionAnswer) else record.en
        return f"{name} ({gloss})" if gloss else quoted(name)

    def sources(self, places: Iterable[Citation]) -> tuple[Source, ...]:
        """Citations with the particulars of their documents, each once."""
        papers = ((c, self.knowledge.documents[c.document]) for c in places)
        return tuple(dict.fromkeys(Source(c.document, c.section, d.title, d.number, d.en if self.english else None) for c, d in papers))

    def region_name(self, region: str) -> str:
        """The name of a region."""
        found = self.knowledge.regions[region]
        return found.en if self.english else found.name

    def segment_name(self, segment: str) -> str:
        """The name of a part of the industry."""
        found = self.knowledge.segments[segment]
        return found.en if self.english else found.name

    def money(self, money: Money) -> str:
        """A sum: 200万元, or CNY 2,000,000."""
        return english_money(money) if self.english else money.printed

    def period(self, window: Window) -> str:
        """A period as printed; in English by its dates: 2021 to 2023, to the end of 2025."""
        since, until = window.since, window.until
        if not self.english or not (since or until):
            return window.printed if not self.english else quoted(window.printed)
        whole = (since is None or (since.month, since.day) == (1, 1)) and (until is None or (until.month, until.day) == (12, 31))
        if since and until:
            return self.say("time.from_to", since=since.year if whole else since, until=until.year if whole else until)
        if until:
            return self.say("time.to_end", until=until.year) if whole else self.say("time.to_day", until=until)
        return self.say("time.from_day", since=since)

    def clauses(self, parts: Iterable[str]) -> str:
        """Several statements in one line."""
        return ("; " if self.english else "；").join(p for p in parts if p)

    def sentences(self, *parts: str) -> str:
        """Whole sentences one after the other; empty ones fall away."""
        return (" " if self.english else "").join(p for p in parts if p)

    def colon(self, before: str, after: str) -> str:
        """A heading and what belongs to it."""
        return f"{before}: {after}" if self.english else f"{before}：{after}"

    def ended(self, text: str) -> str:
        """A Chinese text that ends with a full stop and, where English stands around it, in one line."""
        text = text.rstrip("。") + "。"
        return " ".join(text.split("\n")) if self.english else text


def quoted(text: str) -> str:
    """Chinese words within an English line, as a quotation."""
    return f'"{text}"'


def english_money(money: Money) -> str:
    """A sum as English papers print it, in whole units: CNY 2,000,000."""
    value = money.value.normalize()
    return f"{money.currency} {value:,f}"


def percent(rate: Decimal) -> str:
    """A fraction as printed: 0.30 is 30%."""
    return f"{(rate * 100).normalize():f}%"
