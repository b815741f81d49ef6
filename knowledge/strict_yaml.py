"""YAML without traps: every scalar stays text, every value knows its line, and whatever could surprise an admin is refused.

Read from PyYAML's events, so that nothing is built before it is checked: no tags, no anchors, no merge keys, no duplicate keys,
limited depth, size and number of values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import yaml

MAX_BYTES = 4_000_000
MAX_DEPTH = 24
MAX_VALUES = 400_000
"""How many keys, values and lists one file may hold."""
_LOST = re.compile(r"[ \t]+#(?=[^\s#!-])")
"""A comment right after a text and without a blank: words that somebody meant to write."""
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
"""Characters that change how a terminal or a page shows the text around them."""
_EMPTY = frozenset({"", "~", "null", "Null", "NULL"})
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MERGE_MARKER = re.compile(r"^(<{7}|={7}|>{7})([ \r]|$)", re.MULTILINE)

Value = str | None | list["Value"] | dict[str, "Value"]
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in a file: where, what, and how to mend it. Lines and columns count from 1."""

    file: str
    line: int
    column: int
    what: str
    fix: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.what}\nfix: {self.fix}"


@dataclass(frozen=True)
class Tree:
    """The content of one file; where each value stands is looked up only when something is wrong."""

    file: str
    value: Value
    text: str = field(default="", repr=False)

    @cached_property
    def places(self) -> Mapping[Path, tuple[int, int]]:
        """Line and column of every value by its path (a key's own position for values of a mapping)."""
        places: dict[Path, tuple[int, int]] = {}
        _Builder(self.file, places).build(self.text)
        return places

    def place(self, path: Path) -> tuple[int, int]:
        """Line and column of the value at `path`, or of its nearest ancestor that is in the file."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, (1, 1))

    def problem(self, path: Path, what: str, fix: str) -> Problem:
        """A problem at the place of `path`."""
        return Problem(self.file, *self.place(path), what, fix)


class StrictYamlError(Exception):
    """A file that cannot be read as strict YAML; `problems` says everything that was found."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


def read(file: str, data: bytes) -> Tree:
    """Read one file's bytes; StrictYamlError where they are not strict YAML."""
    text = _decode(file, data)
    if marker := _MERGE_MARKER.search(text):
        line = text.count("\n", 0, marker.start()) + 1
        raise StrictYamlError(
            [Problem(file, line, 1, "文件里留有合并冲突的标记", f"删掉第 {line} 行起的 <<<<<<<、=======、>>>>>>> 三种行，只留下要保留的内容")]
        )
    try:
        return Tree(file, _Builder(file).build(text), text)
    except yaml.MarkedYAMLError as error:
        mark = (error.context_mark if _unclosed(error) else None) or error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        if line > (last := 1 + text.rstrip().count("\n")):
            line, column = last, 1  # what is missing at the end of the file belongs to its last line
        raise StrictYamlError([Problem(file, line, column, *_explain(error, text, line))]) from error
    except yaml.YAMLError as error:
        bad = yaml.reader.Reader.NON_PRINTABLE.search(text)
        line = text.count("\n", 0, bad.start()) + 1 if bad else 1
        column = bad.start() - text.rfind("\n", 0, bad.start()) if bad else 1
        raise StrictYamlError([Problem(file, line, column, "文件里有 YAML 不允许的字符", "删掉这里看不见的控制字符，再保存为 UTF-8 编码")]) from error


def _decode(file: str, data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise StrictYamlError([Problem(file, 1, 1, f"文件超过上限 {MAX_BYTES} 字节", "把记录分到几个文件里")])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        try:
            data.decode("gb18030")
            what = "文件不是 UTF-8 编码，看起来是 GBK 编码"
        except UnicodeDecodeError:
            what = "文件不是 UTF-8 编码"
        raise StrictYamlError([Problem(file, line, 1, what, "用记事本打开，另存为时把编码选成 UTF-8")]) from error


def _unclosed(error: yaml.MarkedYAMLError) -> bool:
    """A quote or bracket that is never closed: its beginning is the place to mend, not the end of the file."""
    said = error.problem or ""
    return any(words in said for words in ("end of stream", "unexpected end", "',' or", "document indicator", "expected node content"))


def _explain(error: yaml.MarkedYAMLError, text: str, line: int) -> tuple[str, str]:
    source = text.split("\n")[line - 1] if line <= text.count("\n") + 1 else ""
    for number in (line, line - 1):  # YAML notices a full-width sign only on the next line
        before = text.split("\n")[number - 1] if number >= 1 else ""
        if "\u3000" in before[: len(before) - len(before.lstrip())]:
            return f"第 {number} 行的缩进里有全角空格", "换成普通空格，每一级缩进两个"
        if re.match(r"\s*(?:- )?[A-Za-z_]+：", before):
            return f"第 {number} 行的冒号是全角的（：）", "换成英文冒号，后面留一个空格"
    said = error.problem or ""
    scanning = error.context or ""
    if "\t" in source[: len(source) - len(source.lstrip())] or "'\\t'" in said:
        return "缩进里有制表符（Tab）", "把 Tab 换成空格，每一级缩进两个空格"
    if "mapping values are not allowed" in said:
        return "这一行里有多余的冒号", '含有冒号的文字用英文双引号括起来，例如 text: "比例：文件没写"'
    if any(word in part for part in (said, scanning) for word in ("alias", "anchor")):
        return "文字以 * 或 & 开头", "把这段文字用英文双引号括起来"
    if "cannot start any token" in said:
        return "文字以 YAML 不允许的符号开头（如 @ % `）", "把这段文字用英文双引号括起来"
    if "escape" in said:
        return "双引号里有不认识的 \\ 写法", "把 \\ 写成 \\\\，或把双引号换成单引号"
    if _unclosed(error):
        return "引号或括号没有配对", "检查这一行附近的引号、方括号、花括号是不是成对"
    if "expected <block end>" in said or "block" in said or "did not find expected" in said:
        return "缩进或格式不对", "与上面同级的行对齐（用空格，每级两个），列表项以“- ”开头，“键: 值”的冒号后面留一个空格"
    return "格式不对", "检查这一行的缩进、冒号和引号；“键: 值”的冒号是英文冒号，后面留一个空格"


class _Builder:
    """Builds a tree from events, without recursion; `places` is filled only where it is given."""

    def __init__(self, file: str, places: dict[Path, tuple[int, int]] | None = None) -> None:
        self.file = file
        self.places = places
        self.problems: list[Problem] = []
        self.root: Value = None
        self.stack: list[_Open] = []
        self.values = 0
        self.unseen = False
        """Whether the file has such characters as they are; in double quotes they may also be written as escapes."""
        self.hashes: dict[int, str] = {}
        """The lines that have a #, by their number from 0."""

    def build(self, text: str) -> Value:
        """The value of the text; StrictYamlError with everything that was refused."""
        documents = 0
        self.unseen = _UNSEEN.search(text) is not None
        self.hashes = {n: line for n, line in enumerate(text.split("\n")) if "#" in line} if "#" in text else {}
        for event in yaml.parse(text, Loader=_LOADER):
            if isinstance(event, yaml.ScalarEvent):
                self._add(event, self._scalar(event))
            elif isinstance(event, yaml.CollectionEndEvent):
                self.stack.pop()
            elif isinstance(event, yaml.MappingStartEvent):
                self._open(event, {})
            elif isinstance(event, yaml.SequenceStartEvent):
                self._open(event, [])
            elif isinstance(event, yaml.AliasEvent):
                self._refuse(event, "用了 *别名", "把内容直接写出来")
            elif isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._refuse(event, "一个文件里有几段（用 --- 分开）", "删掉 ---，一个文件只写一段")
        if self.problems:
            raise StrictYamlError(self.problems)
        return self.root

    def _open(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent, value: list[Value] | dict[str, Value]) -> None:
        if event.anchor:
            self._refuse(event, f"用了 &{event.anchor} 锚点", "把内容直接写出来")
        if event.tag:
            self._refuse(event, f"用了类型标记 {event.tag}", "删掉标记，只写内容")
        if len(self.stack) >= MAX_DEPTH:
            self._refuse(event, f"嵌套超过 {MAX_DEPTH} 层", "检查方括号和花括号，或把缩进改浅")
        path = self._add(event, value)
        self.stack.append(_Open(value, path, bool(event.flow_style)))

    def _scalar(self, event: yaml.ScalarEvent) -> str | None:
        if event.anchor:
            self._note(event, f"用了 &{event.anchor} 锚点", "把内容直接写出来；文字以 & 开头时用英文双引号括起来")
        if event.tag:
            self._note(event, f"用了类型标记 {event.tag}", "删掉标记；文字以 ! 开头时用英文双引号括起来")
        text: str = event.value
        mark = event.end_mark if self.hashes else None
        if mark and mark.line in self.hashes and not event.style and _LOST.match(self.hashes[mark.line], mark.column):
            self._note(event, "这一行里 # 后面的文字会被当成注释丢掉", "把整段文字用英文双引号括起来；真是注释就在 # 后面空一格")
        if (self.unseen or event.style == '"') and (bad := _UNSEEN.search(text)):
            self._note(event, f"文字里有看不见的控制字符（U+{ord(bad[0]):04X}）", "删掉它；换行请用 YAML 的多行写法")
        return None if not event.style and text in _EMPTY else text

    def _add(self, event: yaml.Event, value: Value) -> Path:
        """Put a value (or key) where it belongs; its path."""
        self.values += 1
        if self.values > MAX_VALUES:
            self._refuse(event, f"文件里的内容超过 {MAX_VALUES} 项", "把记录分到几个文件里")
        if not self.stack:
            self.root = value
            return self._placed((), event)
        top = self.stack[-1]
        if isinstance(top.value, list):
            if top.flow:
                self._look_for_cut_numbers(top, event, value)
            top.value.append(value)
            if top.flow:
                top.last, top.end = value, _end(event)
            return self._placed((*top.path, len(top.value) - 1), event) if self.places is not None else ()
        if top.key is None:
            self._key(event, top, value)
            return ()
        key, top.key = top.key, None
        if top.flow:
            top.last, top.end = value, _end(event)
        top.value[key] = value
        return (*top.path, key) if self.places is not None else ()

    def _key(self, event: yaml.Event, top: _Open, key: Value) -> None:
        if not isinstance(key, str):
            self._refuse(event, "键不是文字", "把键写成普通文字，例如 name: …")
            raise AssertionError  # pragma: no cover - _refuse always raises
        if key.startswith("\u3000"):
            self._refuse(event, "缩进里有全角空格", "换成普通空格，每一级缩进两个")
        if key == "<<":
            self._refuse(event, "用了 << 合并键", "把内容直接写出来")
        if key in top.keys:
            self._note(event, f"“{key}”写了两次（第一次在第 {_place(top.keys[key])[0]} 行）", "删掉其中一个")
        else:
            if top.flow:
                self._look_for_cut_numbers(top, event, key)
            top.keys[key] = event
        top.key = key
        if self.places is not None:
            self._placed((*top.path, key), event)

    def _look_for_cut_numbers(self, top: _Open, event: yaml.Event, value: Value) -> None:
        """Two plain items in brackets with a comma and no blank between them may be one number: 3,000万元."""
        line, column = _place(event)
        if top.end == (line, column - 1) and not getattr(event, "style", None) and _cut_by_comma(top.last, value):
            self._note(event, f"“{top.last},{value}”里的逗号把一个数分成了两项", "数字里不写逗号，例如 3000000 或 300万元；真是两项就在逗号后空一格")

    def _placed(self, path: Path, event: yaml.Event) -> Path:
        if self.places is not None:
            self.places.setdefault(path, _place(event))
        return path

    def _note(self, event: yaml.Event, what: str, fix: str) -> None:
        self.problems.append(Problem(self.file, *_place(event), what, fix))

    def _refuse(self, event: yaml.Event, what: str, fix: str) -> None:
        self._note(event, what, fix)
        raise StrictYamlError(self.problems)


def _cut_by_comma(before: Value, after: Value) -> bool:
    """Whether two items of a list in brackets are one number that a comma cut: 3 | 000, 3 | 000万元."""
    return isinstance(before, str) and isinstance(after, str) and bool(re.search(r"(?:^|[^\d.])\d{1,3}$", before) and re.match(r"\d{3}(?!\d)", after))


def _place(event: yaml.Event) -> tuple[int, int]:
    """Line and column of an event, counted from 1."""
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _end(event: yaml.Event) -> tuple[int, int]:
    """Line and column right after an event, counted from 1; (0, 0) after what is not plain text."""
    mark = event.end_mark
    return (mark.line + 1, mark.column + 1) if mark and not getattr(event, "style", None) else (0, 0)


class _Open:
    """A mapping or list that is being filled."""

    __slots__ = ("end", "flow", "key", "keys", "last", "path", "value")

    def __init__(self, value: list[Value] | dict[str, Value], path: Path, flow: bool) -> None:
        self.value = value
        self.path = path
        self.flow = flow
        self.last: Value = None
        self.end = (0, 0)
        self.key: str | None = None
        self.keys: dict[str, yaml.Event] = {}
