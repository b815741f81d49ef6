"""Strict YAML: text stays text, every value knows its line, and what could surprise is refused with a fix."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from knowledge import strict_yaml
from knowledge.strict_yaml import MAX_BYTES, MAX_DEPTH, Problem, StrictYamlError, read


@pytest.fixture(params=[yaml.CSafeLoader, yaml.SafeLoader], ids=["libyaml", "pure Python"])
def either_parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both parsers of PyYAML: which one is there depends on the machine."""
    monkeypatch.setattr(strict_yaml, "_LOADER", request.param)


def problems(text: str | bytes) -> list[Problem]:
    with pytest.raises(StrictYamlError) as refused:
        read("a.yaml", text if isinstance(text, bytes) else text.encode())
    return refused.value.problems


@pytest.mark.usefixtures("either_parser")
@pytest.mark.parametrize("word", ["no", "yes", "on", "12:30", "010", "1e3", "0x1F", "2021-04-17", "1_000", ".inf", "true", "3.10", "="])
def test_words_stay_text(word: str) -> None:
    assert read("a.yaml", f"a: {word}\nb: [{word}]\n{word}: c\n".encode()).value == {"a": word, "b": [word], word: "c"}


@pytest.mark.usefixtures("either_parser")
def test_nothing_written_is_nothing() -> None:
    assert read("a.yaml", b"a:\nb: ~\nc: null\nd: ''\ne: 'null'\n").value == {"a": None, "b": None, "c": None, "d": "", "e": "null"}


@pytest.mark.usefixtures("either_parser")
@pytest.mark.parametrize("text", ["", "\n\n", "# 只有注释\n", "\ufeff"])
def test_an_empty_file_is_nothing(text: str) -> None:
    assert read("a.yaml", text.encode()).value is None


def test_byte_order_mark_and_windows_lines_are_accepted() -> None:
    tree = read("a.yaml", "\ufeffa: 太仓\r\nb: 昆山\r\n".encode())
    assert tree.value == {"a": "太仓", "b": "昆山"}
    assert tree.place(("b",)) == (2, 1)


def test_every_value_knows_its_place() -> None:
    tree = read("a.yaml", "supports:\n  - id: a\n    amount: {max: 200万元}\n  - id: b\n    list:\n      - x\n".encode())
    assert tree.place(("supports",)) == (1, 1)
    assert tree.place(("supports", 0)) == (2, 5)
    assert tree.place(("supports", 0, "amount", "max")) == (3, 14)
    assert tree.place(("supports", 1, "list", 0)) == (6, 9)
    assert tree.place(("supports", 1, "list", 7, "deeper")) == (5, 5), "the nearest that is in the file"
    assert tree.place(("nothing",)) == (1, 1)


@pytest.mark.usefixtures("either_parser")
@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "“a”写了两次（第一次在第 1 行）"),
        ("x:\n  - a: 1\n    a: 2\n", 3, "“a”写了两次（第一次在第 2 行）"),
        ("a: 1\n\tb: 2\n", 2, "制表符"),
        ("a:\n\t- b\n", 2, "制表符"),
        ("a: &x 1\n", 1, "锚点"),
        ("a: &x [1]\n", 1, "锚点"),
        ("a: *x\n", 1, "别名"),
        ("a: *\n", 1, "* 或 & 开头"),
        ("a: *重要*\n", 1, "* 或 & 开头"),
        ("a: !!int 3\n", 1, "类型标记"),
        ("a: !!python/object/apply:os.system [ls]\n", 1, "类型标记"),
        ("a: ! 3\n", 1, "类型标记"),
        ("a: 1\n<<: {b: 2}\n", 2, "合并键"),
        ("a: 1\n---\nb: 2\n", 2, "几段"),
        ("a: 1\n<<<<<<< ours\nb: 2\n", 2, "合并冲突"),
        ("a: 1\n=======\nb: 2\n", 2, "合并冲突"),
        ("a: 1\n=======\r\nb: 2\n", 2, "合并冲突"),
        ("a: 1\n>>>>>>> theirs\n", 2, "合并冲突"),
        ("? [a]\n: 1\n", 1, "键不是文字"),
        ("a: 比例: 没写\n", 1, "多余的冒号"),
        ("a: @x\n", 1, "不允许的符号开头"),
        ("a: `x`\n", 1, "不允许的符号开头"),
        ("a: 30\nb: %30\n", 2, "不允许的符号开头"),
        ("a: 1\nb: 'x\nc: 2\n", 2, "没有配对"),
        ("a: 1\nb: [x, y\nc: 2\n", 2, "没有配对"),
        ("a: 1\nb: {x: y\n", 2, "没有配对"),
        ('a: "C:\\数据"\n', 1, "不认识的 \\ 写法"),
        ("a:\n  - 1\n - 2\n", 3, "缩进"),
        ("a: 1\nb: \x07\n", 2, "不允许的字符"),
        ("a: 1\nb: x\ufffe\n", 2, "不允许的字符"),
    ],
)
def test_what_could_surprise_is_refused(text: str, line: int, words: str) -> None:
    found = problems(text)[0]
    assert words in found.what
    assert found.line == line
    assert found.column >= 1
    assert found.fix


@pytest.mark.usefixtures("either_parser")
@pytest.mark.parametrize("nest", ["a: " + "[" * 100_000, "a: " + "{b: " * 25_000, "- " * 50_000], ids=["brackets", "braces", "lists"])
def test_deep_nesting_is_refused_at_once(nest: str) -> None:
    assert f"嵌套超过 {MAX_DEPTH} 层" in problems(nest)[0].what


def test_all_double_keys_at_once() -> None:
    assert [p.line for p in problems("a: 1\na: 2\nb: 1\nb: !x 2\nb: &y 3\n")] == [2, 4, 4, 5, 5]


def test_other_encodings_are_named() -> None:
    gbk = problems("# 第一行\na: 太仓\n".encode("gb18030"))[0]
    assert "看起来是 GBK" in gbk.what
    assert "UTF-8" in gbk.fix
    assert problems(b"a: 1\nb: \xff\xff\xff\n")[0].line == 2
    assert "不是 UTF-8" in problems("a: 太仓\n".encode("utf-16"))[0].what


def test_too_large_a_file_is_refused() -> None:
    assert str(MAX_BYTES) in problems(b"a: " + b"x" * MAX_BYTES)[0].what


def test_a_problem_prints_as_an_editor_reads_it() -> None:
    text = str(problems("a: 1\na: 2\n")[0])
    assert text == "a.yaml:2:1: “a”写了两次（第一次在第 1 行）\nfix: 删掉其中一个"


texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20)
values = st.recursive(texts, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts.filter(lambda k: k != "<<"), inner, max_size=3))


@given(values)
def test_what_yaml_writes_is_read_back(value: object) -> None:
    written = yaml.safe_dump({"a": value}, allow_unicode=True, default_style='"').encode()
    assert read("a.yaml", written).value == {"a": value}


def read_or_refused(data: bytes) -> list[Problem]:
    try:
        read("a.yaml", data)
    except StrictYamlError as error:
        return error.problems or [Problem("a.yaml", 0, 0, "", "")]
    return []


@given(st.text(max_size=60) | st.text("a:-[]{}&*!|>'\"%@`#?,\n\t <~", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    found = read_or_refused(text.encode("utf-8", "surrogatepass"))
    assert all(p.line >= 1 and p.column >= 1 and p.what and p.fix for p in found)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    assert all(p.line >= 1 and p.column >= 1 and p.what and p.fix for p in read_or_refused(data))


@pytest.mark.parametrize("text", ["a: [创新20, 211工程]", 'a: ["1","100"]', "a: [500, 100]", "a: [GLP1, 863计划]", "a: {b: 20, 211工程: x}"])
def test_two_items_are_two_items(text: str) -> None:
    assert read("a.yaml", text.encode()).value


@pytest.mark.parametrize("text", ["a: 一 # 注释", "a: 一  #", "# 二", "a: '一 #二'", 'a: "一 #二"', "a: 一#二", "a: http://x/#y"])
def test_comments_and_hashes_in_words_are_left_alone(text: str) -> None:
    assert read("a.yaml", text.encode()).value == yaml.safe_load(text)
