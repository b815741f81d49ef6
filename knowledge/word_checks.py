"""What the words that a message is read by must agree on: misspellings that spoil no name, examples of one intent only, places that are not ours."""

from __future__ import annotations

import re
from collections.abc import Iterator

from knowledge.checks import Fault, Tables
from knowledge.values import normalise

OUT = "out_of_scope"
_SOUND = re.compile("[\u4e00-\u9fff]{2,6}")
_LETTERS = re.compile(r"\w.*\w")


def faults(tables: Tables) -> Iterator[Fault]:
    """Everything in the words that would spoil messages without a word of warning."""
    names = _names(tables)
    yield from _spellings(tables, names)
    yield from _away(tables, names)
    yield from _examples(tables)


def _names(tables: Tables) -> dict[str, str]:
    """The names and aliases of what we know, normalised, each with the name that it belongs to."""
    found: dict[str, str] = {}
    for kind in ("regions", "parks", "segments"):
        for record in tables[kind].values():
            for name in (record.name, *record.aliases):
                found.setdefault(normalise(name), record.name)
    return found


def _spellings(tables: Tables, names: dict[str, str]) -> Iterator[Fault]:
    rights = {normalise(s.right) for s in tables["spellings"].values()}
    taken: dict[str, str] = {}
    for key, spelling in tables["spellings"].items():
        if spelling.sound and not _SOUND.fullmatch(spelling.right):
            yield Fault("spellings", key, ("sound",), f"“{spelling.right}”不能按读音认", "sound: true 只用于两到六个汉字的词；别的词删掉这一项")
        for index, word in enumerate(map(normalise, spelling.wrong)):
            where = ("wrong", index)
            if not _LETTERS.fullmatch(word):
                yield Fault("spellings", key, where, f"错误写法“{word}”太短，会改坏别的话", "至少写两个字")
            elif word in names or word in rights:
                yield Fault("spellings", key, where, f"“{word}”本身是正确的词，不能当成错字", "删掉这一个；想让两个名字通用，写成那条记录的别名")
            elif other := next((n for n in names if word in n and n not in rights), None):
                yield Fault("spellings", key, where, f"“{word}”是名称“{other}”的一部分，改它会把名称改坏", "写长一点，写到不会碰上别的名称")
            elif word in taken:
                yield Fault("spellings", key, where, f"错误写法“{word}”已经归了“{taken[word]}”", "只留一处")
            taken.setdefault(word, spelling.right)


def _away(tables: Tables, names: dict[str, str]) -> Iterator[Fault]:
    for kind in ("elsewhere", "industries"):
        for key, record in tables[kind].items():
            for name in map(normalise, (record.name, *record.aliases)):
                where = ("name",) if name == normalise(record.name) else ("aliases",)
                if not _LETTERS.fullmatch(name):
                    yield Fault(kind, key, where, f"“{name}”太短，会把别的问题也当成不在范围", "至少写两个字")
                elif name in names:
                    yield Fault(kind, key, where, f"“{name}”是这里的名称（{names[name]}），不能又当成外面的", "两处只留一处")


def _examples(tables: Tables) -> Iterator[Fault]:
    intents = tables["intents"]
    if len(intents) > 2 and OUT not in intents:
        first = next(iter(intents))
        yield Fault("intents", first, (), f"没有意图 {OUT}（不在范围的话）", f"把 intents/{OUT}.yaml 放回去，里面写不归这里管的话")
    taken: dict[str, str] = {}
    for key, intent in intents.items():
        for index, example in enumerate(intent.examples):
            plain = normalise(example)
            if (other := taken.setdefault(plain, key)) != key:
                what = f"例句“{example}”在“{intents[other].label.zh}”和“{intent.label.zh}”里都有"
                yield Fault("intents", key, ("examples", index), what, "只留在最贴近的一个意图里")
