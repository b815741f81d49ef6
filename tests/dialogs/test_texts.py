"""The assistant's words: the same in each language, none missing, none left over, and none that holds a fact."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from string import Formatter

import pytest

from dialogs.texts import LANGUAGES, Texts, texts
from knowledge.strict_yaml import read

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "dialogs" / "texts"
SPEAKING = [*sorted((ROOT / "dialogs").rglob("*.py")), *sorted((ROOT / "handlers").rglob("*.py")), ROOT / "bot.py"]
TEMPLATES = sorted((ROOT / "handlers").rglob("*.html"))
GROUPS = {key.split(".")[0] for key in texts("zh").entries}
OUTCOMES = {"parks.shortlist"}
"""Names of outcomes that look like a text's key."""
EXAMPLES = re.compile(r"13800000000|1\.2亿|3000万|120,000,000|30,000,000|500")
"""The only figures in texts: how to write a number, and the limit of a free text."""


def slots(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name is not None)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def strings(node: ast.AST) -> Iterator[str | re.Pattern[str]]:
    """The texts in a piece of code; an f-string as the pattern of what it can come to."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield re.compile("".join(re.escape(str(v.value)) if isinstance(v, ast.Constant) else ".+" for v in node.values))
    else:
        for child in ast.iter_child_nodes(node):
            yield from strings(child)


def is_say(node: ast.AST) -> bool:
    """Whether a called thing is a `Texts`: `say`, `talk.say`, `texts("zh")`."""
    name = node.func if isinstance(node, ast.Call) else node
    wanted = "texts" if isinstance(node, ast.Call) else "say"
    return (isinstance(name, ast.Name) and name.id == wanted) or (isinstance(name, ast.Attribute) and name.attr == wanted)


def said() -> list[tuple[str, ast.Call]]:
    """Every call that says something, with its place."""
    calls = [(p, n) for p in SPEAKING for n in ast.walk(tree(p)) if isinstance(n, ast.Call) and is_say(n.func) and n.args]
    return [(f"{p.relative_to(ROOT)}:{n.lineno}", n) for p, n in calls]


def keys_of(call: ast.Call) -> list[str | re.Pattern[str]]:
    """The keys that a call can say; nothing of a condition between two keys."""
    first = call.args[0]
    sides = [first.body, first.orelse] if isinstance(first, ast.IfExp) else [first]
    return [s for side in sides if isinstance(side, ast.Constant | ast.JoinedStr) for s in strings(side)]


def said_by_pages() -> set[str]:
    """Every key that a page's template says."""
    return {key for p in TEMPLATES for key in re.findall(r'\b(?:say|words)\("([a-z_.]+)"', p.read_text(encoding="utf-8"))}


def meant(key: str | re.Pattern[str]) -> list[str]:
    """The texts that a key or a pattern of keys stands for."""
    return [k for k in texts("zh").entries if (k == key if isinstance(key, str) else key.fullmatch(k))]


def test_files_are_groups_of_texts_and_nothing_else() -> None:
    assert {p.stem for p in FOLDER.glob("*.yaml")} == set(LANGUAGES)
    for language in LANGUAGES:
        groups = read(language, (FOLDER / f"{language}.yaml").read_bytes()).value
        assert isinstance(groups, dict)
        for name, rows in groups.items():
            assert isinstance(rows, dict), f"{language}: {name}"
            assert all(isinstance(text, str) for text in rows.values()), f"{language}: {name}"  # an empty text is written ""


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_key_stands_in_each_language(language: str) -> None:
    groups = [list(read(n, (FOLDER / f"{n}.yaml").read_bytes()).value or ()) for n in ("zh", language)]
    assert groups[0] == groups[1]
    assert list(texts(language).entries) == list(texts("zh").entries)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_has_the_slots_of_its_chinese(language: str) -> None:
    for key, chinese in texts("zh").entries.items():
        text = texts(language).entries[key]
        names = slots(text)
        assert names == slots(chinese), key
        assert all(n.isidentifier() for n in names), key
        assert bool(text.strip()) is bool(chinese.strip()), key
        assert texts(language)(key, **dict.fromkeys(names, "X")).count("X") >= len(names), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_holds_a_figure(language: str) -> None:
    for key, text in texts(language).entries.items():
        around = "".join(literal for literal, *_ in Formatter().parse(text))
        hint = key.startswith("dialog.hint_")
        assert not re.search(r"[\d%％]", EXAMPLES.sub("", around) if hint else around), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_are_plain(language: str) -> None:
    for key, text in texts(language).entries.items():
        assert not re.search("[!！\U0001f000-\U0001faff☀-➿️]", text), key
        if language == "en":
            assert re.sub(r"[·一-鿿]", "", text).isascii(), key


def test_every_text_that_is_said_exists() -> None:
    calls = said()
    assert len(calls) > 100
    assert not [f"{place} {key}" for place, call in calls for key in keys_of(call) if not meant(key)]
    assert not [key for key in said_by_pages() if not meant(key)]
    literals = {s for p in SPEAKING for s in strings(tree(p)) if isinstance(s, str) and re.fullmatch(r"[a-z]+\.[a-z_]+", s)}
    assert not {s for s in literals - OUTCOMES if s.split(".")[0] in GROUPS and not meant(s)}  # keys that are passed on


@pytest.mark.parametrize("words", [texts(language) for language in LANGUAGES], ids=LANGUAGES)
def test_what_is_said_fills_every_slot(words: Texts) -> None:
    for place, call in said():
        given = {k.arg for k in call.keywords}
        for key in keys_of(call):
            if isinstance(key, str) and None not in given:
                assert set(slots(words.entries[key])) <= given, f"{place} {key}"


def test_every_text_is_used() -> None:
    every = set(texts("zh").entries)
    used = {k for p in SPEAKING for s in strings(tree(p)) if isinstance(s, str) or re.match(r"[a-z]+\\\.", s.pattern) for k in meant(s)}
    assert every - used - said_by_pages() == set()
