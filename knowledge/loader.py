"""Loading the knowledge base: folder of YAML → checked records → `Knowledge`, or every problem at once."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from rapidfuzz import fuzz, process

from knowledge import checks, rules
from knowledge.facts import (
    Channel,
    Clause,
    Document,
    Elsewhere,
    FactType,
    Indicator,
    Intent,
    Layout,
    Park,
    QuestionAnswer,
    Region,
    Segment,
    Spelling,
    Support,
)
from knowledge.matching import Matcher
from knowledge.search import Search
from knowledge.shapes import Shape
from knowledge.snapshot import Knowledge
from knowledge.strict_yaml import Path as TreePath
from knowledge.strict_yaml import Problem, StrictYamlError, Tree, read
from knowledge.values import Vocabulary

MODELS: Mapping[str, type[Shape]] = MappingProxyType(
    {
        "regions": Region,
        "segments": Segment,
        "facts": FactType,
        "intents": Intent,
        "spellings": Spelling,
        "elsewhere": Elsewhere,
        "documents": Document,
        "layouts": Layout,
        "parks": Park,
        "supports": Support,
        "channels": Channel,
        "clauses": Clause,
        "indicators": Indicator,
        "questions": QuestionAnswer,
    }
)
SHIPPED = Path(__file__).parent / "base"


class KnowledgeError(Exception):
    """A knowledge base that cannot be used; `problems` lists everything found, each with file, line and fix."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


def load(folder: Path = SHIPPED) -> Knowledge:
    """Read, check and index every .yaml file below `folder`; KnowledgeError with all problems otherwise."""
    loading = _Loading(folder)
    loading.read_files()
    loading.check_agreement()
    if not loading.problems:
        loading.run_examples()
    if loading.problems:
        raise KnowledgeError(sorted(loading.problems, key=lambda p: (p.file, p.line, p.column)))
    return loading.knowledge()


class _Loading:
    """One attempt to load a folder: gathers records, their places, and problems."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: list[Problem] = []
        self.tables: dict[str, dict[str, Any]] = {name: {} for name in MODELS}
        self.places: dict[str, tuple[Tree, TreePath]] = {}
        self.refused: set[str] = set()
        """The ids of records that were refused: what refers to them is not to blame."""
        self.unread = False
        self.digest = hashlib.sha256()

    def read_files(self) -> None:
        files = sorted(self.folder.rglob("*.y*ml")) if self.folder.is_dir() else []
        if not files:
            self.problems.append(
                Problem(str(self.folder), 1, 1, "文件夹不存在，或里面没有 .yaml 文件", "检查设置 KNOWLEDGE 写的文件夹；不设就用自带的知识库")
            )
        for file in files:
            name = file.relative_to(self.folder).as_posix()
            try:
                data = file.read_bytes()
                tree = read(name, data)
            except OSError as error:
                self.problems.append(Problem(name, 1, 1, f"文件读不了：{error.strerror}", "检查文件的权限"))
                self.unread = True
                continue
            except StrictYamlError as error:
                self.problems.extend(error.problems)
                self.unread = True
                continue
            self.digest.update(name.encode() + b"\0" + data + b"\0")
            self._read_tree(tree)

    def _read_tree(self, tree: Tree) -> None:
        if not isinstance(tree.value, dict):
            self.problems.append(tree.problem((), "文件是空的，或最外层不是“键: 列表”", "最外层写种类，例如 supports: 换行后逐条列出"))
            return
        for kind, rows in tree.value.items():
            model = MODELS.get(kind)
            if model is None:
                self.problems.append(tree.problem((kind,), f"不认识的种类“{kind}”", _suggest(kind, MODELS)))
            elif not isinstance(rows, list):
                self.problems.append(tree.problem((kind,), f"“{kind}”下面应是列表", "每条记录以“- ”开头"))
            else:
                for index, row in enumerate(rows):
                    self._read_record(tree, (kind, index), kind, model, row)

    def _read_record(self, tree: Tree, path: TreePath, kind: str, model: type[Shape], row: Any) -> None:
        if not isinstance(row, dict):
            self.problems.append(tree.problem(path, "这一条不是“键: 值”的形式", "每条记录写成 - id: …，下面各行与 id 对齐"))
            return
        try:
            record = model.model_validate(row)
        except ValidationError as error:
            self.problems.extend(_explanations(tree, path, model, row, error))
            self.refused.update(v for v in (row.get("id"), row.get("key")) if isinstance(v, str))
            return
        key = str(getattr(record, "id", None) or getattr(record, "key", None) or getattr(record, "name", None) or getattr(record, "right", ""))
        unique = f"{kind}:{key}" if kind in ("regions", "segments", "facts", "intents", "spellings", "elsewhere", "documents") else key
        if unique in self.places:
            other, other_path = self.places[unique]
            self.problems.append(
                tree.problem((*path, "id"), f"编号“{key}”重复，{other.file} 第 {other.place(other_path)[0]} 行已经用了", "换一个没用过的编号")
            )
            return
        self.places[unique] = (tree, path)
        self.tables[kind][key] = record

    def check_agreement(self) -> None:
        if self.unread:
            return  # what an unreadable file holds is missed everywhere; saying so once is enough
        for fault in checks.faults(self.tables):
            if fault.word not in self.refused:
                tree, path = self._place(fault.kind, fault.key)
                self.problems.append(tree.problem((*path, *fault.where), fault.what, fault.fix or _suggest(fault.word, fault.known)))

    def _place(self, kind: str, key: str) -> tuple[Tree, TreePath]:
        return self.places[f"{kind}:{key}" if f"{kind}:{key}" in self.places else key]

    def run_examples(self) -> None:
        for support in self.tables["supports"].values():
            tree, path = self.places[support.id]
            document = self.tables["documents"][support.source.document]
            for index, example in enumerate(support.examples):
                status = rules.status_of_example(support, example, document, self.tables["facts"])
                if status != example.status:
                    self.problems.append(
                        tree.problem(
                            (*path, "examples", index),
                            f"例子算出来是 {status}，写的是 {example.status}",
                            "核对例子的日期、情况和这一项的条件，改对其中一个",
                        )
                    )

    def knowledge(self) -> Knowledge:
        t: dict[str, Any] = {name: MappingProxyType(table) for name, table in self.tables.items()}
        answerable = [r for kind in ("layouts", "parks", "supports", "channels", "clauses", "indicators", "questions") for r in t[kind].values()]
        names = {r.name for r in t["regions"].values()}  # 徐州高新区 is also a park: only a region's own name is left out of a search
        places = [name for r in t["regions"].values() for name in (r.name, *r.aliases, *r.ambiguous)]
        return Knowledge(
            version=self.digest.hexdigest()[:12],
            vocabulary=Vocabulary(
                tuple(t["regions"].values()), tuple(t["segments"].values()), tuple(t["facts"].values()), tuple(t["parks"].values())
            ),
            matcher=Matcher({i.name: i.examples for i in t["intents"].values()}, places),
            search=Search(answerable, [n for n in places if n in names or not n.endswith("区")]),
            **t,
        )


def _suggest(word: str, known: Collection[str]) -> str:
    """A fix with "did you mean": the nearest known word, or the list where it is short."""
    best = process.extractOne(word, list(known), scorer=fuzz.ratio, processor=None, score_cutoff=60)
    if best:
        return f"您是不是想写“{best[0]}”？"
    return "可以写：" + "、".join(sorted(known)[:30]) if known else "先建立它，再在这里引用"


def _explanations(tree: Tree, path: TreePath, model: type[BaseModel], row: Any, error: ValidationError) -> Iterator[Problem]:
    """A record's errors, each place once: a value that fits none of several types is one fault."""
    seen: set[TreePath] = set()
    for detail in error.errors():
        loc = _within(row, detail["loc"], detail["type"] == "missing")
        enough = detail["type"] == "too_short" and len(detail["input"]) >= detail.get("ctx", {}).get("min_length", 0)
        if loc not in seen and not enough:  # a list is "too short" too where one of its parts is wrong
            yield _explain(tree, path, model, loc, detail)
        seen.add(loc)


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
            return tree.problem(where, f"不认识的字段“{name}”", _suggest(name, tuple(_fields(model, loc[:-1]))))
        case "literal_error":
            allowed = tuple(a.strip("'") for a in str(context.get("expected", "")).replace(" or ", ", ").split(", "))
            return tree.problem(where, f"“{name}”不能是“{given}”", _suggest(given, allowed))
        case "value_error":
            return tree.problem(where, str(context.get("error", error["msg"])), "按提示改好这一处")
        case "date_from_datetime_parsing" | "date_parsing" | "date_type" | "date_from_datetime_inexact":
            return tree.problem(where, f"“{given}”不是日期", "写成 2021-04-17 这样的年-月-日")
        case "int_parsing" | "int_type" | "decimal_parsing" | "bool_parsing" | "bool_type" | "is_instance_of" | "decimal_type":
            return tree.problem(where, f"“{name}”的值“{given}”不对", "数字只写数字；金额写成 200万元；比例写成 30%；是否写成 true 或 false")
        case "string_pattern_mismatch":
            return tree.problem(where, f"“{name}”的写法“{given}”不对", "用小写字母、数字和连字符，例如 snd-device-class3")
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
            current = _inner(current.model_fields[step].annotation)
    if isinstance(current, type) and issubclass(current, BaseModel):
        yield from current.model_fields


def _inner(annotation: Any) -> Any:
    """The model inside an annotation such as `tuple[Cap, ...]` or `Window | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        if (found := _inner(argument)) is not None:
            return found
    return None
