"""The five policy papers themselves, imported as an admin would import them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from knowledge import importing, loader
from knowledge.figures import Papers
from knowledge.papers import lies_in, plain
from knowledge.records import Passage

FOLDER = Path(__file__).parents[3] / "shared" / "policies"
FILES = {
    "taicang-2025": "taicang-2025.txt",
    "snd-2020": "snd-2020.txt",
    "suzhou-2021": "suzhou-2021.txt",
    "kunshan-list": "kunshan-list.txt",
    "xuzhou-2021": "xuzhou-2021.txt",
}


@cache
def passages(document: str) -> tuple[Passage, ...]:
    """The sections of a paper, as `bot.py import` cuts it."""
    return tuple(importing.passages(importing.lines_of(FOLDER / FILES[document]), loader.load().documents[document]))


@cache
def imported() -> Papers:
    """All five papers, ready to be searched for figures."""
    return Papers({p.key: p for document in FILES for p in passages(document)})


@cache
def sections(document: str) -> Mapping[str, str]:
    """Every section with all that lies in it, in plain spelling."""
    own = {p.section: plain(p.text) for p in passages(document)}
    return {name: "".join(text for section, text in own.items() if lies_in(section, name)) for name in own}


@cache
def paper(document: str) -> str:
    """A whole paper in plain spelling."""
    return plain((FOLDER / FILES[document]).read_text(encoding="utf-8-sig"))
