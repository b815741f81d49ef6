"""The assistant's words, one file a language. They hold no facts: figures and names come from the knowledge base."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from knowledge.strict_yaml import read

FOLDER = Path(__file__).parent / "texts"
LANGUAGES = ("zh", "en")


class Texts:
    """The texts of one language, by key; `texts("miss.first", name=…)` fills `{name}`."""

    def __init__(self, language: str, entries: Mapping[str, str]) -> None:
        self.language = language
        self.entries = entries

    def __call__(self, key: str, **values: object) -> str:
        """The text of a key with its slots filled; KeyError for an unknown key."""
        return self.entries[key].format(**values)

    def join(self, parts: list[str]) -> str:
        """A list in a sentence."""
        return ("、" if self.language == "zh" else ", ").join(parts)


@cache
def texts(language: str) -> Texts:
    """The texts of a language, read once."""
    name = language if language in LANGUAGES else "zh"
    tree = read(f"{name}.yaml", (FOLDER / f"{name}.yaml").read_bytes())
    entries: dict[str, str] = {}
    if isinstance(tree.value, dict):
        for group, rows in tree.value.items():
            if isinstance(rows, dict):
                entries.update({f"{group}.{key}": str(text) for key, text in rows.items()})
    return Texts(name, entries)
