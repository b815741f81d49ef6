"""What is wrong with a record, in an office's words: pydantic's errors as file, line, what and fix, with "did you mean"."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from pydantic import BaseModel, ValidationError
from rapidfuzz import fuzz, process

from knowledge.shapes import inner
from knowledge.strict_yaml import Path as TreePath
from knowledge.strict_yaml import Problem, Tree


def suggest(word: str, known: Collection[str]) -> str:
    """A fix with "did you mean": the nearest known word, or the list where it is short."""
    best = process.extractOne(word, list(known), scorer=fuzz.ratio, processor=None, score_cutoff=60)
    if best:
        return f"您是不是想写“{best[0]}”？"
    return "可以写：" + "、".join(sorted(known)[:30]) if known else "先建立它，再在这里引用"


def explanations(tree: Tree, path: TreePath, model: type[BaseModel], row: Any, error: ValidationError) -> Iterator[Problem]:
    """A record's errors, each place once: a value that fits none of several types is one fault."""
    seen: set[TreePath] = set()
    for detail in error.errors():
        loc = _within(row, detail["loc"], detail["type"] == "missing")
        enough = detail["type"] == "too_short" and _length(detail["input"]) >= detail.get("ctx", {}).get("min_length", 0)
        if loc not in seen and not enough:  # a list is "too short" too where one of its parts is wrong
            yield _explain(tree, path, model, loc, detail)
        seen.add(loc)


def _length(given: Any) -> int:
    """How many parts a list has, or a block with one a line."""
    return sum(bool(line.strip()) for line in given.splitlines()) if isinstance(given, str) else len(given)


def _within(row: Any, loc: TreePath, missing: bool) -> TreePath:
    """The part of pydantic's place that lies in the file (or is missing there): without the names of the types that were tried."""
    kept: list[str | int] = []
    for step in loc:
        if isinstance(row, dict) and isinstance(step, str) and (step in row or missing):
            row = row.get(step)
        elif isinstance(row, list) and isinstance(step, int):
            row = row[step]
        else:
            continue
        kept.append(step)
    return tuple(kept)


def _explain(tree: Tree, path: TreePath, model: type[BaseModel], loc: TreePath, error: Any) -> Problem:
    """One pydantic error in an office's words."""
    where, context = (*path, *loc), error.get("ctx", {})
    name = next((step for step in reversed(loc) if isinstance(step, str)), "")
    given = error.get("input") if isinstance(error.get("input"), str) else "…"
    if error.get("input") is None:
        return tree.problem(where, f"“{name}”是空的", "补上内容；确实没有就删掉这一行")
    match error["type"]:
        case "missing":
            return tree.problem(where[:-1], f"缺少“{name}”", f"补上一行 {name}: …")
        case "extra_forbidden":
            return tree.problem(where, f"不认识的字段“{name}”", suggest(name, tuple(_fields(model, loc[:-1]))))
        case "literal_error":
            allowed = tuple(a.strip("'") for a in str(context.get("expected", "")).replace(" or ", ", ").split(", "))
            return tree.problem(where, f"“{name}”不能是“{given}”", suggest(given, allowed))
        case "value_error":
            return tree.problem(where, str(context.get("error", error["msg"])), "按提示改好这一处")
        case "date_from_datetime_parsing" | "date_parsing" | "date_type" | "date_from_datetime_inexact":
            return tree.problem(where, f"“{given}”不是日期", "写成 2021-04-17 这样的年-月-日")
        case "int_parsing" | "int_type" | "decimal_parsing" | "bool_parsing" | "bool_type" | "is_instance_of" | "decimal_type":
            return tree.problem(where, f"“{name}”的值“{given}”不对", "数字只写数字；金额写成 200万元；比例写成 30%；是否写成 true 或 false")
        case "string_pattern_mismatch":
            return tree.problem(
                where, f"“{name}”的写法“{given}”不对", "这里写编号，不写名称：小写字母、数字和连字符，例如 kunshan、snd-device-class3"
            )
        case "string_too_short" | "too_short":
            return tree.problem(where, f"“{name}”是空的或太少", "补上内容；确实没有就删掉这一行")
        case "string_too_long":
            return tree.problem(where, f"“{name}”太长，最多 {context.get('max_length')} 个字", "写短一些，或分成两条")
        case "string_type" | "tuple_type" | "dict_type" | "model_type" | "list_type" | "dataclass_type":
            return tree.problem(where, f"“{name}”的形式不对", "文字直接写在冒号后面；列表每项以“- ”开头；一组字段换行缩进写")
        case "less_than_equal" | "greater_than_equal":
            return tree.problem(where, f"“{name}”的值“{given}”超出范围", "比例写成 0% 到 100%")
        case _:
            return tree.problem(where, f"“{name}”的值“{given}”不对", "对照同类记录的写法改好这一处")


def _fields(model: type[BaseModel], loc: TreePath) -> Iterator[str]:
    """The field names allowed at a place inside a model."""
    current: Any = model
    for step in loc:
        if isinstance(step, str) and isinstance(current, type) and issubclass(current, BaseModel) and step in current.model_fields:
            current = inner(current.model_fields[step].annotation)
    if isinstance(current, type) and issubclass(current, BaseModel):
        yield from current.model_fields
