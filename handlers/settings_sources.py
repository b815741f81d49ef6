"""Where settings are written: the environment, and one file of `KEY=value` lines as systemd's EnvironmentFile reads them."""

from __future__ import annotations

import re
import stat
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rapidfuzz.distance import OSA

FILE = "SETTINGS"
"""The variable that names the file."""
_SHORT, _LONG = 6, 9
"""Names below the first length are too much like others' (PORTS, HOSTNAME); from the second on, two wrong letters still leave no doubt."""
_LINE = re.compile(r"\s*([^=]*?)\s*=(.*)", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a setting: where it is written (`file:line`), what, and how to mend it."""

    where: str
    what: str
    fix: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}\nfix: {self.fix}"


@dataclass(frozen=True, slots=True)
class Given:
    """A value as it was written, and where; in the environment where there is no file."""

    text: str
    file: Path | None = None
    line: int = 0

    @property
    def where(self) -> str:
        """The place, for people."""
        return f"{self.file}:{self.line}" if self.file else "环境变量"


def gather(env: Mapping[str, str], file: Path | None, names: Mapping[str, Sequence[str]]) -> tuple[dict[str, Given], list[Problem]]:
    """What is set, and what is wrong with how it is. `names`: the settings, each with other names that people write for it.

    The environment wins over the file. What is empty counts as not set.
    """
    file = file or (Path(env[FILE]) if env.get(FILE) else None)
    found, problems = _read(file, names) if file else ({}, [])
    found |= {name: Given(env[name]) for name in names if env.get(name)}
    for name in sorted(env.keys() - names.keys() - {FILE}):
        if env[name] and (meant := _meant(name, [n for n in (*names, FILE) if not env.get(n)], {n: names[n] for n in names.keys() - found.keys()})):
            problems.append(Problem("环境变量", f"不认识 {name}", f"您是不是想写 {meant}？不是给园企通的，就不要传给它（env -u {name} …）"))
    return found, problems


def exposed(file: Path) -> bool:
    """Whether everybody on this machine can read or change a file."""
    return sys.platform != "win32" and bool(file.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH))


def _meant(name: str, ours: Iterable[str], names: Mapping[str, Sequence[str]]) -> str | None:
    """Which setting a variable of the environment is surely meant for. There are many that mean something to others: in doubt none."""
    plain = name.upper().replace("-", "_")
    for our in ours:
        wrong = OSA.distance(plain, our)
        if wrong <= (2 if len(our) >= _LONG else 1) and plain[0] == our[0] and (len(our) >= _SHORT or (wrong and sorted(name) == sorted(our))):
            return our
        if plain in names.get(our, ()):
            return our
    return None


def _read(file: Path, names: Mapping[str, Sequence[str]]) -> tuple[dict[str, Given], list[Problem]]:
    try:
        lines = file.read_text(encoding="utf-8-sig").split("\n")
    except FileNotFoundError:
        return {}, [Problem(str(file), "没有这个设置文件", f"检查 --settings 或 {FILE} 写的路径")]
    except UnicodeDecodeError:
        return {}, [Problem(str(file), "设置文件不是 UTF-8 编码", "用编辑器另存为 UTF-8")]
    except OSError as error:
        return {}, [Problem(str(file), f"读不了设置文件（{error.strerror}）", "检查路径和权限")]
    seen: dict[str, Given] = {}
    problems: list[Problem] = []
    for number, line in enumerate(lines, 1):
        try:
            entry = _entry(line)
            if entry is None:
                continue
            name, value = entry
            if name not in names:
                raise _RefusedError(f"不认识 {name}", _suggestion(name, names))
            if name in seen:
                raise _RefusedError(f"{name} 写了两次：第 {seen[name].line} 行和第 {number} 行", "只留一行")
        except _RefusedError as refused:
            problems.append(Problem(f"{file}:{number}", refused.what, refused.fix))
        else:
            seen[name] = Given(value, file, number)
    return {name: given for name, given in seen.items() if given.text}, problems


class _RefusedError(Exception):
    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what)
        self.what, self.fix = what, fix


def _suggestion(name: str, names: Mapping[str, Sequence[str]]) -> str:
    plain = name.upper().replace("-", "_")
    nearest = min(names, key=lambda our: 0 if plain in names[our] else OSA.distance(plain, our) / len(our))
    if plain in names[nearest] or OSA.distance(plain, nearest) <= max(1, len(nearest) // 3):
        return f"您是不是想写 {nearest}？"
    return "全部设置见 docs/settings.md；不是园企通的设置，就不要写在这个文件里"


def _entry(line: str) -> tuple[str, str] | None:
    """The name and value of a line; None for an empty one and a comment. Whatever systemd would read otherwise is refused."""
    if not line.strip() or line.lstrip()[0] in "#;":
        if line.endswith("\\"):
            raise _RefusedError("注释的末尾有反斜杠，下一行会被当成注释", "去掉反斜杠")
        return None
    parts = _LINE.fullmatch(line)
    if parts is None:
        raise _RefusedError("这一行没有等号", "写成 名称=值，例如 PORT=8000；说明文字前面加 #")
    name, value = parts[1], parts[2].strip()
    if not _NAME.fullmatch(name):
        if name.startswith("export "):
            raise _RefusedError("不用写 export", f"写成 {name.removeprefix('export ').strip()}=…")
        raise _RefusedError(f"“{name}”不能作名称", "名称只用字母、数字和下划线，例如 PORT=8000")
    return name, _value(value)


def _value(text: str) -> str:
    """A value without its quotes."""
    if text[:1] in ("'", '"'):
        quote = text[0]
        if len(text) < 2 or text[-1] != quote:
            raise _RefusedError("引号没有合上，或者合上以后还有别的字", "整个值放在一对引号里，写在一行；注释另起一行")
        inner = text[1:-1]
        if quote == "'":
            if "'" in inner:
                raise _RefusedError("单引号里面又有单引号", "改用双引号")
            return inner
        if re.search(r'(?<!\\)(\\\\)*"', inner) or re.search(r"(?<!\\)(\\\\)*\\$", inner):
            raise _RefusedError("双引号里面又有双引号", '里面的双引号写成 \\"')
        return re.sub(r'\\([\\"`$])', r"\1", inner)
    if "\\" in text or '"' in text or "'" in text:
        raise _RefusedError("没有引号的值里有引号或反斜杠", "整个值放在一对引号里，写在一行")
    if re.search(r"\s[#;]", text):
        raise _RefusedError("值后面有 # 或 ;，看不出是不是注释", "注释另起一行；属于值的，整个值放在一对引号里")
    return text
