"""Which of a knowledge base's words are read from pinyin, which by their sound, and which Latin ones stay as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def words(tables: Mapping[str, Any]) -> Iterator[str]:
    """The words that a message in pinyin may mean: names and aliases, the choices of facts, and the words of spelling.yaml."""
    yield from (s.right for s in tables["spellings"].values())
    named = (r for kind in ("regions", "segments", "parks", "layouts", "supports", "services", "channels") for r in tables[kind].values())
    yield from (name for record in named for name in (record.name, *record.aliases))
    yield from (name for fact in tables["facts"].values() for option in fact.options for name in (option.label.zh, *option.aliases))


def english(tables: Mapping[str, Any]) -> Iterator[str]:
    """The names in Latin letters: the pinyin in them is part of the name."""
    named = (r for kind in ("regions", "segments", "parks", "layouts", "supports", "services", "channels") for r in tables[kind].values())
    yield from (name for record in named for name in (record.name, *record.aliases) if name.isascii())


def heard(tables: Mapping[str, Any]) -> Iterator[str]:
    """The words that other characters of the same sound may mean: names of regions and, where long enough, of records; marked words."""
    yield from (s.right for s in tables["spellings"].values() if s.sound)
    yield from (
        name
        for region in tables["regions"].values()
        for name in (region.name, *(n for n in region.aliases if len(n) > 2))
        if not name.endswith(("市", "县", "区"))
    )
    named = (r for kind in ("parks", "supports", "services") for r in tables[kind].values())
    yield from (name for record in named for name in (record.name, *record.aliases) if 3 <= len(name) <= 5)
