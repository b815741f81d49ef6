"""The editor's schema: it takes what the loader takes, marks what it refuses, and explains every field in Chinese."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from handlers.admin import schema_text
from knowledge import loader
from knowledge.labels import labels
from knowledge.schema import FILE
from knowledge.snapshot import Knowledge

HAN = re.compile(r"[一-鿿]")
FILES = sorted(loader.SHIPPED.rglob("*.yaml"))


class _Texts(yaml.SafeLoader):
    """YAML 1.2 as editors read it: dates and yes/no are texts."""


_Texts.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rows if tag not in ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:bool")]
    for first, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Texts.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("true|false"), list("tf"))


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft7Validator:
    schema = json.loads((loader.SHIPPED / FILE).read_text(encoding="utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def faults(validator: jsonschema.Draft7Validator, text: str) -> list[str]:
    return [e.message for e in validator.iter_errors(yaml.load(text, Loader=_Texts))]


def test_the_shipped_schema_is_that_of_the_models(knowledge: Knowledge) -> None:
    assert (loader.SHIPPED / FILE).read_text(encoding="utf-8") == schema_text(knowledge), "run `python bot.py schema`"


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(loader.SHIPPED).as_posix())
def test_every_file_names_its_schema_and_fits_it(validator: jsonschema.Draft7Validator, path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    named = re.match(r"# yaml-language-server: \$schema=(\S+)\n", text)
    assert named
    assert (path.parent / named[1]).resolve() == loader.SHIPPED / FILE
    assert faults(validator, text) == []


RECORD = """
supports:
  - id: x-one
    name: 资助
    region: snd
    source: {document: snd-2020, section: 四}
    kind: subsidy
    summary: 一句。
    recipient: enterprise
    amount: {kind: up_to, max: 300万元}
    criteria: [{id: a, text: 有证, fact: events, any_of: [new_device_certificate]}]
"""


def test_a_good_record_fits(validator: jsonschema.Draft7Validator) -> None:
    assert faults(validator, RECORD) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("kind: subsidy", "kind: subsidi"),
        ("region: snd", "region: suzou"),
        ("document: snd-2020", "document: snd-2021"),
        ("max: 300万元", "max: 三百万"),
        ("max: 300万元", "max: 3000000"),
        ("    summary: 一句。\n", ""),
        ("    summary: 一句。", "    sumary: 一句。"),
        ("supports:", "support:"),
        ("fact: events", "fact: event"),
        ("    summary: 一句。", "    summary: 一句。\n    checked: {on: 2026年, by: 某}"),
    ],
)
def test_what_the_loader_refuses_is_marked(validator: jsonschema.Draft7Validator, before: str, after: str) -> None:
    assert before in RECORD
    assert faults(validator, RECORD.replace(before, after))


def test_every_field_is_explained_in_chinese_and_no_explanation_is_left_over(validator: jsonschema.Draft7Validator) -> None:
    schema: Any = validator.schema
    for name, definition in schema["definitions"].items():
        for field, shape in definition["properties"].items():
            assert HAN.search(shape["description"]), (name, field)
    for kind in loader.MODELS:
        assert HAN.search(schema["properties"][kind]["description"])
    used = {f"{model}.{field}" for model, d in schema["definitions"].items() for field in d["properties"]}
    shared = {f"Record.{key.partition('.')[2]}" for key in labels() if key.startswith("Record.")}
    assert set(labels()) - {f"kinds.{k}" for k in loader.MODELS} - shared <= used
