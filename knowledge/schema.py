"""The JSON Schema of a knowledge file: what an editor offers for completion, explains on hover and underlines, in an admin's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from knowledge.labels import label, labels
from knowledge.shapes import Shape, inner
from knowledge.snapshot import Knowledge

FILE = "schema.json"
_REFERENCES = {
    "region": "regions",
    "segment": "segments",
    "document": "documents",
    "fact": "facts",
    "of": "facts",
    "layout": "layouts",
}
"""Fields that name something of a small vocabulary: the editor offers what there is."""


def schema(kinds: Mapping[str, type[Shape]], knowledge: Knowledge) -> dict[str, Any]:
    """The schema of any file of a knowledge base; references offer the ids of this one."""
    rows, generated = models_json_schema([(m, "validation") for m in kinds.values()], ref_template="#/definitions/{model}")
    models = _models(kinds)
    defined: dict[str, Any] = {m.__name__: generated["$defs"][m.__name__] for m in models}  # Money is a text to admins
    for model in models:
        for name, field in defined[model.__name__]["properties"].items():
            field["description"] = _line(label(model, name))
            ids = tuple(getattr(knowledge, _REFERENCES[name])) if name in _REFERENCES else ()
            if ids:
                defined[model.__name__]["properties"][name] = {"enum": list(ids), "description": field["description"]}
    properties = {
        kind: {"type": "array", "items": rows[(model, "validation")], "description": _line(labels()[f"kinds.{kind}"])}
        for kind, model in kinds.items()
    }
    whole = {"type": "object", "properties": properties, "additionalProperties": False, "definitions": defined}
    simple: dict[str, Any] = _simple(whole)
    return {"$schema": "http://json-schema.org/draft-07/schema#", "title": "园企通知识库", **simple}


def _models(kinds: Mapping[str, type[Shape]]) -> list[type[BaseModel]]:
    """Every model that occurs in a record, each once."""
    found: list[type[BaseModel]] = []
    waiting: list[type[BaseModel]] = list(kinds.values())
    while waiting:
        if (model := waiting.pop()) not in found:
            found.append(model)
            waiting += [m for field in model.model_fields.values() if (m := inner(field.annotation)) is not None]
    return found


def _line(named: tuple[str, str]) -> str:
    return "：".join(part for part in named if part)


def _simple(node: Any) -> Any:
    """A node as admins write it: nothing is null, texts may look like numbers, and docstrings for developers are left out."""
    if isinstance(node, list):
        return [_simple(part) for part in node]
    if not isinstance(node, dict):
        return node
    if isinstance(node.get("anyOf"), list):
        options = [o for o in node["anyOf"] if o != {"type": "null"}]
        node = {**{k: v for k, v in node.items() if k != "anyOf"}, **(options[0] if len(options) == 1 else {"anyOf": options})}
    described = "properties" not in node or "definitions" in node
    kept = {
        k: _simple(v)
        for k, v in node.items()
        if k not in ("default",) and (described or k != "description") and not (k == "title" and isinstance(v, str))
    }
    if kept.get("type") == "string" and not {"enum", "pattern", "const"} & set(kept):
        kept["type"] = ["string", "number"]
    return kept
