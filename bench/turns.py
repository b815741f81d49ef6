"""Speed and size of the assistant on the shipped knowledge base: `make bench`.

Prints: one computed turn (median, p99), start to first answer, memory, turns a second in process on the SQLite store, beside the cost
of a bare durable commit of the same size in the same run.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

from bench.measuring import ROOT, peak
from bench.tables import Table
from dialogs.assistant import respond
from dialogs.conversation import State
from dialogs.messages import Message
from dialogs.turns import LOCAL, Library, Turns
from knowledge.loader import load
from knowledge.snapshot import Knowledge
from storage.contract import Address, Commit
from storage.sqlite import SqliteStore

STARTS = 9
NOW = datetime(2026, 11, 22, 12, tzinfo=LOCAL)
TALKS: tuple[tuple[str, ...], ...] = (
    ("你好", "我们在苏州高新区，刚拿了三类器械注册证，能拿多少钱", "都没有", "是", "不清楚", "不对，是二类", "是", "昆科贷是什么", "进度", "取消"),
    ("找个园区做体外诊断", "都可以", "生产", "临床合作和检测", "不对，是小核酸", "一核两极是什么", "谢谢"),
    ("审批太慢了找谁", "昆山", "专利预审怎么走", "D级特殊物品出入境找谁", "太仓和昆山的人才政策哪个好"),
    ("转人工", "想问集采奖励还能不能申请", "测试医疗公司", "同意", "李女士", "13812345678", "确认", "进度"),
    ("太苍有什么补帖", "刚拿了三类证，还做了PCT", "太仓的联系电话是多少", "都没有", "不清楚", "为什么问这个", "返回", "重来", "算了"),
)


def computed_turns(knowledge: Knowledge, rounds: int) -> list[float]:
    """Seconds of each `respond` over the talks above."""
    spent = []
    for _ in range(rounds):
        for talk in TALKS:
            state = State()
            for text in talk:
                began = time.perf_counter()
                state = respond(state, Message(text), knowledge, NOW).conversation
                spent.append(time.perf_counter() - began)
    return spent


async def stored_turns(knowledge: Knowledge, folder: Path, rounds: int) -> tuple[float, float]:
    """Turns a second through `Turns` on SQLite, and bare commits of one small reply a second on the same disk."""
    store = await SqliteStore.open(folder / "bench.db")
    turns, count, began = Turns(store, Library(knowledge)), 0, time.perf_counter()
    for number in range(rounds):
        for index, talk in enumerate(TALKS):
            address = Address("bench", f"{number}-{index}", f"{number}-{index}")
            for text in talk:
                await turns.handle(address, Message(text), f"{count}", now=NOW)
                count += 1
    full = count / (time.perf_counter() - began)
    began = time.perf_counter()
    for number in range(count):
        await store.commit(Commit(Address("bare", str(number), str(number)), NOW, str(number), conversation={}, replies=({"text": "好"},)))
    bare = count / (time.perf_counter() - began)
    await store.close()
    return full, bare


def first_answer() -> tuple[float, float]:
    """Seconds from the start of the program to its first answer, and its peak memory in MB."""
    code = "import sys; from bot import main; main(['ask', '一核两极是什么', '--today', '2026-11-22']); "
    code += "from bench.measuring import peak; print(peak(), file=sys.stderr)"
    spent, memory = [], []
    for _ in range(STARTS):
        began = time.perf_counter()
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT) as program:
            assert program.stdout and program.stderr
            program.stdout.readline()
            spent.append(time.perf_counter() - began)
            said = program.communicate()[1]
        if program.returncode:
            raise RuntimeError(f"bot.py ask ended with {program.returncode}: {said}")
        memory.append(float(said.split()[-1]))
    return statistics.median(spent), max(memory)


def tables() -> tuple[Table, ...]:
    """What a start costs."""
    start, memory = first_answer()
    notes = (f"`python bot.py ask`, median of {STARTS} starts, reading the files and training included; goals: 1.0 s, 160 MB",)
    return (Table("Start to the first answer", ("start", "s", "peak MB"), (("shipped knowledge", f"{start:.2f}", f"{memory:.0f}"),), notes),)


def main() -> None:
    """Print the table."""
    knowledge = load()
    computed_turns(knowledge, 2)
    spent = sorted(computed_turns(knowledge, 40))
    with tempfile.TemporaryDirectory() as folder:
        full, bare = asyncio.run(stored_turns(knowledge, Path(folder), 12))
    start, memory = first_answer()
    rows = (
        ("one turn, computed: median", f"{statistics.median(spent) * 1000:.2f} ms", ""),
        ("one turn, computed: p99", f"{spent[int(len(spent) * 0.99)] * 1000:.2f} ms", "goal: under 3 ms"),
        ("one turn, computed: worst", f"{spent[-1] * 1000:.2f} ms", f"of {len(spent)}"),
        ("start of the program to its first answer", f"{start:.2f} s", "goal: 1.0 s"),
        ("peak memory of that run", f"{memory:.0f} MB", "goal: 160 MB"),
        ("turns a second, SQLite, synchronous=FULL", f"{full:.0f}", f"{full / bare:.2f} of a bare durable commit ({bare:.0f} a second)"),
        ("peak memory of this benchmark", f"{peak():.0f} MB", ""),
    )
    for name, figure, remark in rows:
        print(f"{name:<42} {figure:>10}  {remark}")


if __name__ == "__main__":
    main()
