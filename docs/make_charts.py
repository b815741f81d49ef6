"""Writes docs/dialogs.md (flow charts, by walking the scripts), docs/fields.md (what records are made of), docs/facts.md (what may be said of a
company) and docs/settings.md (what can be set). Run by `make charts`; tests compare."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Literal, get_args, get_origin

from pydantic import BaseModel

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from bot import draw  # noqa: E402
from dialogs.frames import GUIDED  # noqa: E402
from dialogs.texts import texts  # noqa: E402
from handlers.settings import Entry, table, written  # noqa: E402
from knowledge.facts import FactType  # noqa: E402
from knowledge.given import PRODUCTS, REGION  # noqa: E402
from knowledge.labels import is_shared, label, labels  # noqa: E402
from knowledge.loader import MODELS, load  # noqa: E402
from knowledge.records import Record  # noqa: E402
from knowledge.shapes import inner  # noqa: E402
from knowledge.snapshot import Knowledge  # noqa: E402
from knowledge.supports import Criterion  # noqa: E402

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


def facts() -> str:
    """What may be said of a company, how it is written, and which supports look at it."""
    knowledge = load()
    asked = [f for f in knowledge.facts.values() if f.scope != "request"]
    parts = [_INTRODUCTION.format(example=EXAMPLE.strip()), "## 一览\n\n" + _FACTS_HEAD + "\n".join(_fact_row(f, knowledge) for f in asked) + "\n"]
    parts += [f"## 选项\n\n{_NAMED}"]
    parts += [_options(f, knowledge) for f in asked if f.options or f.key in (REGION, "segment")]
    return "\n".join(parts)


EXAMPLE = """
company: 示例公司                # 只用来称呼，可以不写
region: 苏州高新区
today: 2022-06-01               # 按这一天看，可以不写；命令里的 --today 优先
events: [new_device_certificate, PCT]
plans: none                     # 问过，都没有
stage: 高新技术企业、专精特新
independent_entity: 是
foreign_cash_year: 3000万美元
products:
  - {class: 三类, own_ip: 是, local: 是, year: 2021}
  - {class: II, reagent_or_part: unknown, year: 2022}
"""
_INTRODUCTION = """# 企业情况的写法

由 `make charts` 从 `knowledge/base/facts.yaml` 写出。`python bot.py precheck` 读的 YAML 和 CSV、程序给的情况，都用这里的键；怎么运行见 [precheck.md](precheck.md)。

```yaml
{example}
```

- **没有问过的不写**；问过、企业不清楚的写 `unknown`（或 不清楚）。两样都不会当成“没有”。表格里空着的格子就是没有问过。
- **选项**写记号（`III`）、说法（三类）或别名（第三类）都行。几项之间用逗号或顿号分开，YAML 里也可以写成列表；一项都没有写 `none`（或 都没有）。
- **是否**写 是、否、yes、no、true、false。
- **金额**写 `300万元`、`1.2亿`、`3000万美元`、`3000000 CNY`；有单位的项可以只写数，就按那个单位（元、美元）算。一项只收一种货币：文件没有写汇率。金额要小于 1000 万亿，不能是负数；项目的金额不能是 0。
- **个数**写整数；**年份**写 1980 年到“按哪一天看”的那一年。
- **产品**：YAML 里 `products` 下面一个产品一段，键省去 `product.`；表格里写成 `product.1.class`、`product.2.class` 这样的列。不写 `products` 就从各列数出来；写一个数（`2`）是有几个，写 `1,3` 是有第 1、第 3 个，写 `none` 是还没有产品。最多 9 个。
- 写错的、不能同时成立的，不猜：逐项说出哪一项、怎么错、怎么写。
"""
_FACTS_HEAD = "| 键 | 问法 | 类型 | 单位 | 属于 | 看它的支持 |\n|---|---|---|---|---|---|\n"
_TYPES = {
    "choice": "选一项",
    "choices": "选几项",
    "flag": "是否",
    "money": "金额",
    "number": "个数",
    "date": "日期",
    "text": "文字",
    "region": "地区",
}
_SCOPES = {"company": "企业", "product": "产品", "project": "项目", "year": "年度"}
_NAMED = "“也可以写”是别名。记号一经使用永不改名，程序里写记号最稳。\n"


def _fact_row(fact: FactType, knowledge: Knowledge) -> str:
    kind = "年份" if fact.unit == "年" else "列表" if fact.key == PRODUCTS else _TYPES[fact.type]
    found = {
        r.name: sum(_looks(s.criteria, s.amount.of, fact.key) for s in knowledge.supports.values() if s.region == r.id)
        for r in knowledge.regions.values()
    }
    counts = "、".join(f"{name} {count}" for name, count in found.items() if count)
    only = "".join(f"（只在 {key} 是 {token} 时有）" for key, token in fact.only_if.items())
    key = fact.key.replace("product.", "product.N.")
    return f"| `{key}` | {fact.question.zh}{only} | {kind} | {fact.unit or ''} | {_SCOPES[fact.scope]} | {counts} |"


def _looks(criteria: Iterable[Criterion], of: str | None, key: str) -> bool:
    return of == key or any(c.fact == key for c in criteria)


def _options(fact: FactType, knowledge: Knowledge) -> str:
    rows: list[tuple[str, str, Iterable[str]]]
    if fact.key == REGION:
        rows = [(r.id, r.name, r.aliases) for r in knowledge.regions.values()]
    elif fact.key == "segment":
        rows = [(s.id, s.name, s.aliases) for s in knowledge.segments.values()]
    else:
        rows = [(o.token, o.label.zh, o.aliases) for o in fact.options]
    lines = "\n".join(f"| `{token}` | {label} | {'、'.join(aliases)} |" for token, label, aliases in rows)
    labels = {o.token: o.label.zh for o in fact.options}
    apart = [f"“{o.label.zh}”不能和“{'”“'.join(labels[t] for t in o.excludes)}”一起选。" for o in fact.options if o.excludes]
    return f"### `{fact.key}`\n\n| 记号 | 说法 | 也可以写 |\n|---|---|---|\n{lines}\n" + ("\n" + "\n".join(apart) + "\n" if apart else "")


def settings() -> str:
    """What can be set, for whoever runs the program."""
    entries = table()
    rows = "\n".join(f"| `{e.name}` | {_default(e)} | {e.zh}{_needs(e, '；要同时设置')} | {e.en}{_needs(e, '; needs')} |" for e in entries)
    return _SETTINGS.format(rows=rows, lines="\n".join(f"# {e.zh.replace('`', '')}\n{_line(e)}" for e in entries if e.name in _SHOWN))


_SHOWN = ("HOSTS", "PUBLIC_URL", "STORE", "TELEGRAM_TOKEN", "LOG")
_SETTINGS = """# 设置 / Settings

由 `make charts` 从 `handlers/settings.py` 写出。每一项写在环境变量里，或者写在一个文件里；两处都写的，环境变量优先；空着的等于没有写。

```sh
PORT=8001 python bot.py serve
python bot.py --settings /etc/yuanqitong.env serve      # 或者 SETTINGS=/etc/yuanqitong.env python bot.py serve
python bot.py --settings /etc/yuanqitong.env settings   # 列出现在用的每一项，各从哪里来；口令不显示
```

写错的值、拼错的名称、写了两次的，一次全部说出来：在哪里、错在哪里、怎么改，程序不启动。环境变量里别的程序的名称不管，只有很像这里某一项、
而那一项又没有设的（`TELEGRAM_TOKN`、`DATABSE_URL`、`PROT`）才算拼错。

*Each is set in the environment or in one file; the environment wins; empty means not set. Wrong values, misspelt names and lines written twice
are all refused at once, with place and remedy. Variables of other programs are left alone.*

| 名称 | 默认 | 意思 | what it is |
|---|---|---|---|
{rows}

## 文件怎么写

一行一个 `名称=值`，与 systemd 的 `EnvironmentFile` 相同，同一个文件两边都能用。行首是 `#` 或 `;` 的是注释；值里有空格、引号、反斜杠、`#` 的，
整个放在一对单引号或双引号里（双引号里 `\\"`、`\\\\`、`\\$` 各代表后一个字符）。两边会读得不一样的写法不接受。文件里有口令，只让运行它的用户读：
`chmod 600`；谁都能读时，启动和 `python bot.py doctor` 会提醒。

```sh
{lines}
```
"""


def _default(entry: Entry) -> str:
    text = written(entry.default.relative_to(ROOT) if isinstance(entry.default, Path) and entry.default.is_absolute() else entry.default)
    return f"`{text}`" if text else "无"


def _needs(entry: Entry, words: str) -> str:
    return f"{words} `{entry.needs}`" if entry.needs else ""


def _line(entry: Entry) -> str:
    return f"{entry.name}={entry.example}"


def _choices(annotation: object) -> list[str]:
    """The words that a field may hold, where there are only a few."""
    if get_origin(annotation) is Literal:
        return [str(a) for a in get_args(annotation)]
    return [c for a in get_args(annotation) for c in _choices(a)]


if __name__ == "__main__":
    (ROOT / "docs" / "settings.md").write_text(settings(), encoding="utf-8")
    (ROOT / "docs" / "facts.md").write_text(facts(), encoding="utf-8")
    (ROOT / "docs" / "fields.md").write_text(fields(), encoding="utf-8")
    (ROOT / "docs" / "dialogs.md").write_text(page(), encoding="utf-8")
