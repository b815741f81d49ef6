"""`precheck`: the pre-check by program, of one company (YAML) or of many (CSV to Excel), for service staff and scripts."""

from __future__ import annotations

import argparse
import csv
import json
import multiprocessing
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from dialogs import outcomes, reports
from dialogs.answers import Voice
from dialogs.messages import Reply, cited
from dialogs.script import Outcome
from dialogs.texts import texts
from dialogs.turns import LOCAL
from handlers.companies import NAMES, Company, Table, TableError, template
from handlers.judging import Judge, Judged, judge_all
from knowledge import loader
from knowledge.given import REGION, Reader
from knowledge.inquiry import Inquiry
from knowledge.precheck import Report, precheck
from knowledge.snapshot import Knowledge
from knowledge.strict_yaml import Problem as Misplaced
from knowledge.strict_yaml import StrictYamlError, Tree, read

CHUNK = 200
"""Companies that a process judges at a time."""
FEW = 500
"""Below this one process is quicker than starting others."""
AHEAD = 3
"""Chunks under way for each process: enough to keep it busy, few enough to hold."""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser], day: Any) -> None:
    """The command; `day` reads a date."""
    checking = commands.add_parser("precheck", help="按写好的企业情况做补贴预审：一家（YAML），或一批（CSV 进，Excel 出）")
    checking.add_argument("file", nargs="?", metavar="FILE", help="企业情况，写法见 docs/facts.md；- 从标准输入读一家")
    checking.add_argument("--today", type=day, metavar="DATE", help="按这一天看，例如 2022-06-01")
    checking.add_argument("--json", action="store_true", help="一家的结果写成 JSON，供程序使用")
    checking.add_argument("--full", action="store_true", help="一家的结果连每一条的判断和依据都写出来")
    checking.add_argument("--out", type=Path, metavar="RESULT.xlsx", help="一批的结果写到这个 Excel 文件")
    checking.add_argument("--jobs", type=_jobs, metavar="N", help="一批用几个进程算；不写就是处理器的个数")
    checking.add_argument("--template", action="store_true", help="写出一张空的 CSV 表，带一行例子")


def _jobs(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 64:
        raise argparse.ArgumentTypeError(f"“{text}”不是进程数，写 1 到 64 之间的数字")
    return int(text)


def run(arguments: argparse.Namespace, folder: Path) -> int:
    """Carry out the command; the exit code: 0 all done, 1 some rows of a table were not, 2 nothing was."""
    today = arguments.today or datetime.now(LOCAL).date()
    try:
        if arguments.template:
            print_template(loader.load(folder), today, sys.stdout)
            return 0
        if arguments.file is None:
            raise TableError("写上企业情况的文件，例如 python bot.py precheck 企业.yaml；空表用 --template 得到")
        if arguments.out is not None:
            return batch(Path(arguments.file), arguments.out, loader.load(folder), today, folder, arguments.jobs or os.cpu_count() or 1, sys.stderr)
        if arguments.file.lower().endswith((".csv", ".tsv")):
            raise TableError(f"{arguments.file} 是一张表：用 --out 结果.xlsx 写明结果放在哪里")
        return one(arguments, today, folder)
    except TableError as error:
        print(error, file=sys.stderr)
        return 2


def print_template(knowledge: Knowledge, today: date, out: TextIO) -> None:
    """An empty table with one row as an example, in the form that Excel opens."""
    out.write("\ufeff")
    csv.writer(out, lineterminator="\r\n").writerows(template(knowledge, _reader(knowledge), today))


def _reader(knowledge: Knowledge) -> Reader:
    return Reader(knowledge.facts, knowledge.regions.values(), knowledge.segments.values())


# --- one company


def one(arguments: argparse.Namespace, today: date, folder: Path) -> int:
    """The pre-check of the company in a YAML file."""
    try:
        tree, data = _read(arguments.file)
    except StrictYamlError as error:
        return _refuse([("", p) for p in error.problems], arguments.json)
    knowledge = loader.load(folder)
    wrong: list[tuple[str, Misplaced]] = []
    written = data.pop("today", None)
    if arguments.today is None and written is not None:
        try:
            today = date.fromisoformat(written if isinstance(written, str) else "")
        except ValueError:
            wrong.append(("today", tree.problem(("today",), "不是日期", "写成 2022-06-01 这样的年-月-日")))
    name = "".join(str(data.pop(key)) for key in NAMES if isinstance(data.get(key), str))
    given = _reader(knowledge).read(data, today)
    wrong += [(p.field, tree.problem(p.path, p.what, p.fix)) for p in given.problems]
    if wrong:
        return _refuse(sorted(wrong, key=lambda named: (named[1].line, named[1].column)), arguments.json)
    report = precheck(knowledge, given.facts[REGION], given.facts, today)
    voice = Voice(knowledge, today, texts("zh"))
    if arguments.json:
        print(json.dumps(as_json(report, voice), ensure_ascii=False, indent=1))
    else:
        print("\n\n".join(filter(None, (name, *(_plain(reply) for reply in _replies(report, voice, arguments.full))))))
    return 0


def _read(file: str) -> tuple[Tree, dict[str, Any]]:
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise TableError(f"读不了 {file}：{error.strerror}。检查文件名和权限") from error
    tree = read(file, data)
    if not isinstance(tree.value, dict):
        raise StrictYamlError([tree.problem((), "里面不是一项一项的企业情况", "每行写一项，例如 region: snd；写法见 docs/facts.md")])
    return tree, dict(tree.value)


def _refuse(problems: Sequence[tuple[str, Misplaced]], as_json: bool) -> int:
    for field, problem in problems:
        print(replace(problem, what=f"{field}：{problem.what}") if field else problem, file=sys.stderr)
    if as_json:
        rows = [{"field": field, "what": p.what, "fix": p.fix, "file": p.file, "line": p.line, "column": p.column} for field, p in problems]
        print(json.dumps({"problems": rows}, ensure_ascii=False, indent=1))
    return 2


def as_json(report: Report, voice: Voice) -> Mapping[str, Any]:
    """A report for programs: the outcome as the chat gives it, the facts as they were read, what is worth asking, and from which knowledge."""
    knowledge = voice.knowledge
    left = Inquiry(report.sheet, those=report.sheet.agenda.worth_asking(report.today)).open()
    outcome = outcomes.to_json(Outcome("subsidy.report", report), voice)
    return {**outcome, "facts": dict(report.facts), "open": left, "knowledge": knowledge.version}


def _replies(report: Report, voice: Voice, full: bool) -> Iterator[Reply]:
    yield reports.precheck(voice, report, "", "逐条列在后面" if full else "加 --full 逐条列出")
    for start in range(0, len(report.rows) if full else 0, reports.PAGE):
        yield reports.basis(voice, report, "", start)


def _plain(reply: Reply) -> str:
    return "\n".join((reply.text, *cited(reply.citations)))


# --- many companies


def batch(path: Path, out: Path, knowledge: Knowledge, today: date, folder: Path, jobs: int, said: TextIO) -> int:
    """The pre-checks of a table's companies, written to an Excel file in the order of the table.

    Other processes load the knowledge from its `folder` again.
    """
    from handlers.sheets import Result, line  # what is asked of one company needs no Excel

    if out.suffix.lower() != ".xlsx":
        raise TableError(f"--out 写的是 {out}：结果是 Excel 文件，文件名以 .xlsx 结尾")
    table = Table.open(path, _reader(knowledge))
    part = out.with_name(f".{out.name}.part")
    try:
        part.touch()  # before the work, not after it
    except OSError as error:
        raise TableError(f"写不了 {out}：{error.strerror}。换一个位置，或先关掉正打开它的程序") from error
    progress = Progress(table.count, said)
    try:
        with Result(part, today) as result:
            if table.count < FEW or jobs == 1:
                found: Iterable[Judged] = map(Judge(knowledge, today), table)
            else:
                found = spread(partial(judge_all, folder, knowledge.version, today), table, jobs)
            for judged in found:
                result.add(judged)
                if judged.problems:
                    progress.tell("\n".join(line(judged.number, p) for p in judged.problems))
                progress.step()
            result.end(Voice(knowledge, today, texts("zh")))
        part.replace(out)
    except OSError as error:
        raise TableError(f"写不了 {out}：{error.strerror or error}。看看磁盘还有没有地方") from error
    finally:
        part.unlink(missing_ok=True)
    progress.end(result.judged, result.refused, out)
    return 0 if not result.refused else 1 if result.judged else 2


def spread(work: Callable[[list[Company]], list[Judged]], companies: Iterable[Company], jobs: int) -> Iterator[Judged]:
    """What the work makes of the companies, in their order, by several processes; only a few chunks are ever under way."""
    chunks = iter(partial(_chunk, iter(companies)), [])
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _quiet) as pool:
        waiting: deque[Future[list[Judged]]] = deque()
        try:
            for chunk in chunks:
                waiting.append(pool.submit(work, chunk))
                if len(waiting) == jobs * AHEAD:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        except BrokenProcessPool as error:
            raise TableError("有一个进程中途停了，多半是内存不够：用 --jobs 1 再运行一次") from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _chunk(companies: Iterator[Company]) -> list[Company]:
    return list(islice(companies, CHUNK))


def _quiet() -> None:
    """An interrupted batch is ended by the process that started it, without a word from the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class Progress:
    """How far a batch is, on a terminal once a second; what is said beside it stands on lines of its own."""

    def __init__(self, total: int, out: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._total, self._out, self._clock = total, out, clock
        self._begun = self._shown = clock()
        self._done = 0
        self._live = out.isatty()

    def step(self) -> None:
        """One more company is done."""
        self._done += 1
        now = self._clock()
        if self._live and now - self._shown >= 1:
            self._shown = now
            rate = self._done / (now - self._begun)
            self._out.write(f"\r\x1b[K{self._done}/{self._total}，每秒 {rate:.0f} 家，{_rest((self._total - self._done) / rate)}")
            self._out.flush()

    def tell(self, text: str) -> None:
        """A line beside the progress."""
        self._out.write(("\r\x1b[K" if self._live else "") + text + "\n")

    def end(self, judged: int, refused: int, out: Path) -> None:
        """The last line."""
        spent = self._clock() - self._begun
        left = f"，{refused} 行没有算，写在“未处理”表里" if refused else ""
        self.tell(f"算了 {judged} 家，用了 {spent:.1f} 秒，每秒 {self._done / max(spent, 0.001):.0f} 家{left}。结果在 {out}")


def _rest(seconds: float) -> str:
    return f"还要约 {seconds / 60:.0f} 分钟" if seconds >= 90 else f"还要约 {max(seconds, 1):.0f} 秒"
