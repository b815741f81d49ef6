"""Writes docs/dialogs.md (flow charts, by walking the scripts) and docs/fields.md (what records are made of). Run by `make charts`; tests compare."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import Literal, get_args, get_origin

from pydantic import BaseModel

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from bot import draw  # noqa: E402
from dialogs.frames import GUIDED  # noqa: E402
from dialogs.texts import texts  # noqa: E402
from knowledge.labels import is_shared, label, labels  # noqa: E402
from knowledge.loader import MODELS, load  # noqa: E402
from knowledge.records import Record  # noqa: E402
from knowledge.shapes import inner  # noqa: E402

DAY = date(2026, 11, 22)


def page() -> str:
    """The whole page."""
    knowledge, say = load(), texts("zh")
    parts = ["# 引导对话的流程图\n\n由 `make charts` 从脚本走出来，不是手画的。一条线上写的是答案，几种答案去同一个问题就合成一条。\n"]
    for dialog in (*GUIDED, "request"):
        parts.append(f"## {say(f'dialog.{dialog}')}\n\n```mermaid\n{draw(dialog, knowledge, DAY)}```\n")
    return "\n".join(parts)


def fields() -> str:
    """What every kind of record is made of, in an admin's words."""
    parts = ["# 知识库的字段\n\n由 `make charts` 从记录的定义和 `knowledge/fields.yaml` 写出。怎么改、怎么查，见 [knowledge.md](knowledge.md)。\n"]
    common = "\n".join(_row(Record, name) for name in Record.model_fields)
    parts.append(f"## 每条都有的\n\n{_HEAD}{common}\n")
    told: list[type[BaseModel]] = []
    for kind, model in MODELS.items():
        name, explanation = labels()[f"kinds.{kind}"]
        own = [f for f in model.model_fields if not is_shared(model, f)]
        rows = "\n".join(_row(model, f) for f in own)
        parts.append(f"## {name} `{kind}`\n\n{explanation}。\n\n{_HEAD}{rows}\n")
        told += [part for f in own if (part := inner(model.model_fields[f].annotation))]
    small: dict[str, type[BaseModel]] = {}
    while told:
        part = told.pop(0)
        if part.__name__ not in small and part not in MODELS.values():
            small[part.__name__] = part
            told += [p for f in part.model_fields.values() if (p := inner(f.annotation))]
    for part in small.values():
        rows = "\n".join(_row(part, f) for f in part.model_fields)
        parts.append(f"### {part.__name__}\n\n{_HEAD}{rows}\n")
    return "\n".join(parts)


_HEAD = "| 字段 | 名称 | 怎么填 | 必填 | 可以写 |\n|---|---|---|---|---|\n"


def _row(model: type[BaseModel], name: str) -> str:
    field = model.model_fields[name]
    title, explanation = label(model, name)
    part = inner(field.annotation)
    may = f"[{part.__name__}](#{part.__name__.lower()})" if part else "、".join(f"`{c}`" for c in _choices(field.annotation))
    return f"| `{name}` | {title} | {explanation} | {'是' if field.is_required() else ''} | {may} |"


def _choices(annotation: object) -> list[str]:
    """The words that a field may hold, where there are only a few."""
    if get_origin(annotation) is Literal:
        return [str(a) for a in get_args(annotation)]
    return [c for a in get_args(annotation) for c in _choices(a)]


if __name__ == "__main__":
    (ROOT / "docs" / "fields.md").write_text(fields(), encoding="utf-8")
    (ROOT / "docs" / "dialogs.md").write_text(page(), encoding="utf-8")
