"""The admins' command line: check, import, compare and look after a knowledge base; nothing here changes a running bot by itself."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from dialogs.texts import texts
from dialogs.turns import LOCAL
from handlers import reload
from knowledge import diff, importing, loader
from knowledge.money import Money
from knowledge.schema import FILE as SCHEMA
from knowledge.schema import schema
from knowledge.snapshot import Knowledge
from knowledge.staleness import Reason, Stale, stale
from knowledge.strict_yaml import Problem
from storage.contract import Store, place_of

LISTED = 12
"""How many lines of a group are listed unless all are asked for."""
_REASONS: Mapping[Reason, str] = {
    "ends_soon": "快到期",
    "over": "已经过期",
    "notice_old": "申报情况很久没有核实",
    "checked_long_ago": "很久没有核实",
    "never_checked": "从没有核实过",
    "no_contact": "没有填联系方式",
    "undated": "文件没有写日期",
}


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser], day: Any) -> None:
    """The admins' commands; `day` reads a date."""
    checking = commands.add_parser("check", help="检查知识库，有问题时逐条说出文件、行和改法")
    checking.add_argument("folder", nargs="?", type=Path, metavar="FOLDER", help="要检查的文件夹；不写就检查设置 KNOWLEDGE 的")
    checking.add_argument("--format", choices=("text", "json"), default="text", help="json 供程序使用")
    bringing = commands.add_parser("import", help="导入政策文件的原文（txt、docx、pdf），供“看原文”和核对数字")
    bringing.add_argument("file", type=Path, metavar="FILE")
    bringing.add_argument("--document", metavar="ID", help="documents 里的编号；不写就按标题认")
    bringing.add_argument("--force", action="store_true", help="和记录对不上也写入")
    bringing.add_argument("--show", action="store_true", help="只看认出的章节，不写文件")
    comparing = commands.add_parser("diff", help="比较两个知识库：改了哪些内容，哪些结果会变")
    comparing.add_argument("old", type=Path, metavar="OLD")
    comparing.add_argument("new", type=Path, metavar="NEW")
    comparing.add_argument("--store", type=place_of, metavar="PATH", help="数据文件，用里面做过的预审（不含个人信息）再算一遍；不写就用设置的")
    ageing = commands.add_parser("stale", help="列出要人看一看的内容：过期的、快到期的、没核实的、没填联系方式的")
    ageing.add_argument("--today", type=day, metavar="DATE", help="按这一天看")
    ageing.add_argument("--soon", type=_days, default=60, metavar="DAYS", help="多少天以内算快到期（默认 60）")
    ageing.add_argument("--old", type=_days, default=180, metavar="DAYS", help="多少天没核实算很久（默认 180）")
    ageing.add_argument("--region", metavar="ID", help="只看这个地区")
    ageing.add_argument("--all", action="store_true", help="全部列出")
    commands.add_parser("reload", help="让正在运行的园企通重新读知识库，并说出结果")
    describing = commands.add_parser("schema", help="写出 schema.json，编辑器用它补全和提示")
    describing.add_argument("folder", nargs="?", type=Path, metavar="FOLDER", help="知识库文件夹；不写就是设置 KNOWLEDGE 的")


def _days(text: str) -> int:
    if not text.isdecimal() or int(text) > 36500:
        raise argparse.ArgumentTypeError(f"“{text}”不是天数，写 0 到 36500 之间的数字")
    return int(text)


def check(folder: Path, form: str) -> int:
    """Check a knowledge base; 1 where there are problems."""
    try:
        knowledge = loader.load(folder, figures=True)
    except loader.KnowledgeError as error:
        if form == "json":
            rows = [{"file": p.file, "line": p.line, "column": p.column, "what": p.what, "fix": p.fix} for p in error.problems]
            print(json.dumps({"ok": False, "problems": rows}, ensure_ascii=False, indent=1))
        else:
            print(error, file=sys.stderr)
            print(f"\n共 {len(error.problems)} 处要改。改好之前，正在运行的园企通继续用原来的知识库。", file=sys.stderr)
        return 1
    counts = {kind: len(table) for kind, table in loader.tables(knowledge).items()}
    if form == "json":
        print(json.dumps({"ok": True, "version": knowledge.version, "counts": counts, "problems": []}, ensure_ascii=False, indent=1))
        return 0
    said = "、".join(f"{diff.kind_name(kind)} {count}" for kind, count in counts.items() if count and kind not in _SMALL)
    print(f"知识库没有问题。版本 {knowledge.version}：{said}。")
    if not knowledge.passages:
        print("没有导入原文，数字没有和文件核对；用 bot.py import 导入后再检查一次。")
    return 0


_SMALL = ("regions", "segments", "facts", "intents", "spellings", "elsewhere", "industries", "asks", "passages")


def bring(arguments: argparse.Namespace, folder: Path) -> int:
    """Import a paper; 1 where it cannot be done, and then nothing is written."""
    try:
        knowledge = loader.load(folder)
        lines = importing.lines_of(arguments.file)
        document = knowledge.documents.get(arguments.document or "") or importing.recognised(lines, tuple(knowledge.documents.values()))
        if document is None or (arguments.document and arguments.document not in knowledge.documents):
            known = "\n".join(f"  {d.id}  《{d.title}》" for d in knowledge.documents.values())
            raise importing.ImportingError(f"认不出这是哪份文件。用 --document 写明编号；新文件先在 documents 里建一条。已有的是：\n{known}")
        found = importing.passages(lines, document)
    except importing.ImportingError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"《{document.title}》认出 {len(found)} 节：{'、'.join(p.section for p in found)}")
    if arguments.show:
        return 0
    target = folder / document.region / f"passages-{document.id}.yaml"
    name, text = target.relative_to(folder).as_posix(), importing.to_yaml(found, arguments.file.name)
    problems = _with_passages(folder, name, text, figures=False)  # with these no bot could start: nothing is forced
    broken = bool(problems)
    problems = problems or _with_passages(folder, name, text, figures=True)
    if broken or (problems and not arguments.force):
        print("\n".join(map(str, problems[:LISTED])), file=sys.stderr)
        print(
            f"\n有 {len(problems)} 处不对，没有写入，原来的不变。先确认导入的是对的文件、章节认得全（--show）。"
            + ("" if broken else "文件没错、要先导入再改记录的，加 --force。"),
            file=sys.stderr,
        )
        return 1
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(target)
    print(f"已写到 {target}。" + (f"还有 {len(problems)} 处和记录对不上，用 bot.py check 看。" if problems else "记录里的数字都核对过了。"))
    return 0


def _with_passages(folder: Path, name: str, text: str, figures: bool) -> list[Problem]:
    """What would be wrong with a knowledge base if this file were in it."""
    files, unread = loader.read_folder(folder)
    try:
        loader.of_files({**files, name: text.encode()}, figures, unread)
    except loader.KnowledgeError as error:
        return error.problems
    return []


async def compare(old: Path, new: Path, store: Store | None) -> int:
    """Say what is different between two knowledge bases and which results change; 1 where one of them has problems."""
    loaded: list[Knowledge] = []
    for folder in (old, new):
        try:
            loaded.append(loader.load(folder))
        except loader.KnowledgeError as error:
            print(f"{folder} 有 {len(error.problems)} 处问题，没法比较：\n{error}", file=sys.stderr)
            return 1
    before, after = loaded
    changes = list(diff.changes(loader.tables(before), loader.tables(after)))
    print("\n".join(_change_lines(changes)) or "内容没有不同。")
    kept = [_profile(number, body) for number, body in enumerate(await store.prechecks() if store else (), 1)]
    profiles = _once([*diff.examples(before), *diff.examples(after), *kept])
    flips = list(diff.flips(before, after, profiles))
    print(f"\n重算了 {len(profiles)} 组情况（例子和 {len(kept)} 次做过的预审），结果变了 {len(flips)} 处" + ("：" if flips else "。"))
    print("\n".join(_flip_lines(after, before, flips)))
    return 0


def _once(profiles: Iterable[diff.Profile]) -> list[diff.Profile]:
    """Profiles without those that say the same as an earlier one."""
    seen: dict[tuple[object, ...], diff.Profile] = {}
    for profile in profiles:
        seen.setdefault((profile.region, tuple(sorted(profile.facts.items())), profile.day), profile)
    return list(seen.values())


def _profile(number: int, body: Mapping[str, Any]) -> diff.Profile:
    return diff.Profile(f"做过的预审 {number}", body["region"], body["facts"], date.fromisoformat(body["day"]))


def _change_lines(changes: Sequence[diff.Change]) -> Iterable[str]:
    how = {"added": "新增", "removed": "删除"}
    for change in changes:
        head = f"{diff.kind_name(change.kind)} {change.key}（{change.name}）"
        if change.how != "changed":
            yield f"{how[change.how]}：{head}"
        elif not change.before or not change.after:
            yield f"{head}：{change.field} {'加了' if change.after else '去掉了'} {change.after or change.before}"
        else:
            yield f"{head}：{change.field} {change.before} → {change.after}"


def _flip_lines(after: Knowledge, before: Knowledge, flips: Sequence[diff.Flip]) -> Iterable[str]:
    for flip in flips:
        record = after.supports.get(flip.support) or before.supports.get(flip.support)
        name = record.name if record else "合计"
        subject = f"（{flip.subject}）" if flip.subject.startswith("product.") else ""
        yield f"{flip.profile.name}（{flip.profile.day}）：{name}{subject} {_result(flip.before)} → {_result(flip.after)}"


def _result(text: str) -> str:
    """A result in words: met 0-3000000 CNY is 可能符合 0-3000000 CNY."""
    if text == "unreadable":
        return "（有一项回答读不了）"
    status, _, rest = text.partition(" ")
    known = texts("zh").entries.get(f"status.{status}", "")
    return f"{known} {_money(rest if known else text)}".strip() or "（没有）"


def _money(text: str) -> str:
    """A sum in words: 0-3000000 CNY is 最高300万元."""
    if not (match := re.fullmatch(r"([\d.]+)-([\d.]+) ([A-Z]{3})", text)):
        return text
    low, high = (Money(Decimal(n), match[3]).printed for n in (match[1], match[2]))
    return high if low == high else f"最高{high}" if Decimal(match[1]) == 0 else f"{low}至{high}"


def age(arguments: argparse.Namespace, folder: Path) -> int:
    """List what needs a person."""
    knowledge = loader.load(folder)
    today = arguments.today or datetime.now(LOCAL).date()
    if arguments.region and arguments.region not in knowledge.regions:
        known = "、".join(f"{r.id}（{r.name}）" for r in knowledge.regions.values())
        print(f"没有“{arguments.region}”这个地区，可以写：{known}", file=sys.stderr)
        return 2
    rows = stale(knowledge, today, timedelta(days=arguments.soon), timedelta(days=arguments.old))
    rows_by: dict[Reason, list[Stale]] = {reason: [] for reason in _REASONS}
    for row in rows:
        if arguments.region in (None, row.record.region):
            rows_by[row.reason].append(row)
    for reason, found in rows_by.items():
        if not found:
            continue
        kinds = "、".join(f"{diff.kind_name(kind)} {count}" for kind, count in Counter(r.kind for r in found).items())
        print(f"{_REASONS[reason]}：{len(found)} 条（{kinds}）")
        lines = list(_stale_lines(knowledge, found, arguments.all))
        shown = lines if arguments.all else lines[:LISTED]
        print("\n".join(f"  {line}" for line in shown))
        if len(lines) > len(shown):
            print(f"  ……还有 {len(lines) - len(shown)} 条，加 --all 全部列出")
    if not any(rows_by.values()):
        print("没有要看的。")
    return 0


def _stale_lines(knowledge: Knowledge, rows: Sequence[Stale], each: bool) -> Iterable[str]:
    """A line a record; those that only share the end of their paper in one line, unless each is wanted."""
    papers: Counter[tuple[str, date | None]] = Counter()
    own = []
    for row in rows:
        shared = row.reason in ("over", "undated", "ends_soon") and not row.record.window and not row.record.application
        if shared and not each:
            papers[knowledge.document_of(row.record).id, row.since] += 1
        else:
            own.append(row)
    for (document, since), count in papers.items():
        yield f"{document}  《{knowledge.documents[document].short}》里的 {count} 条" + (f"  {since} 起" if since else "") + "（加 --all 逐条列出）"
    for row in sorted(own, key=lambda r: (r.since or date.max, r.record.id)):
        yield f"{row.record.id}  {row.record.name}" + (f"  {row.since}" if row.since else "")


def ask_for_reload(store: Path) -> int:
    """Ask the running bot to read its knowledge base again; 1 where it kept the old one, 2 where no bot answers."""
    result = reload.ask(reload.status_file(store))
    if result is None:
        print("没有找到正在运行的园企通（或它没有回答）：先启动它；数据文件不在默认位置时设好 STORE。", file=sys.stderr)
        return 2
    print(result.told(), file=sys.stderr if result.problems else sys.stdout)
    return 1 if result.problems else 0


def describe(folder: Path) -> int:
    """Write the JSON Schema beside the files that it describes."""
    target = folder / SCHEMA
    target.write_text(schema_text(loader.load(folder)), encoding="utf-8")
    print(f"已写到 {target}。每个 .yaml 的第一行写上 # yaml-language-server: $schema=…，编辑器就会补全和提示。")
    return 0


def schema_text(knowledge: Knowledge) -> str:
    """The JSON Schema of a knowledge base as it stands in its folder."""
    return json.dumps(schema(loader.MODELS, knowledge), ensure_ascii=False, indent=1) + "\n"
