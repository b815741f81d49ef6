"""What every field of the knowledge base is called and how it is filled in, in an admin's words (fields.yaml)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pydantic import BaseModel

from knowledge.records import Record
from knowledge.strict_yaml import read

_FILE = Path(__file__).with_name("fields.yaml")


@cache
def labels() -> Mapping[str, tuple[str, str]]:
    """Name and explanation by `kinds.supports` or `Support.amount`."""
    tree = read(_FILE.name, _FILE.read_bytes())
    found: dict[str, tuple[str, str]] = {}
    if isinstance(tree.value, dict):
        for group, rows in tree.value.items():
            for key, text in rows.items() if isinstance(rows, dict) else ():
                name, _, explanation = str(text).partition("｜")
                found[f"{group}.{key}"] = (name, explanation)
    return found


def label(model: type[BaseModel], field: str) -> tuple[str, str]:
    """Name and explanation of a model's field; KeyError for one without."""
    owner = next(m for m in model.__mro__ if f"{m.__name__}.{field}" in labels() or m is BaseModel)
    return labels()[f"{owner.__name__ if owner is not BaseModel else model.__name__}.{field}"]


def is_shared(model: type[BaseModel], field: str) -> bool:
    """Whether every record has the field."""
    return issubclass(model, Record) and field in Record.model_fields
