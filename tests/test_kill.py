"""The real program, killed in the middle of talks: nothing lost, nothing doubled."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
TALK = ("转人工", "集采奖励还能申请吗", "测试医疗公司", "同意", "李女士", "13812345678", "确认")
KILLS = 8


def start(store: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "bot.py", "chat", "--jsonl", "--today", "2026-11-22", "--store", str(store)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ})


def end(program: subprocess.Popen[bytes]) -> int:
    """Close the pipes and wait; the exit code."""
    for pipe in (program.stdin, program.stdout):
        assert pipe is not None
        with contextlib.suppress(BrokenPipeError):
            pipe.close()
    return program.wait(20)


def exchange(program: subprocess.Popen[bytes], line: dict[str, str]) -> dict[str, Any] | None:
    """Send one line and wait for its answer; None when the program died on the way."""
    assert program.stdin is not None
    assert program.stdout is not None
    try:
        program.stdin.write((json.dumps(line, ensure_ascii=False) + "\n").encode())
        program.stdin.flush()
    except BrokenPipeError:
        return None
    answer = program.stdout.readline()
    return json.loads(answer) if answer.endswith(b"\n") else None


def test_killed_in_the_middle_of_talks_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    chance = random.Random(20261122)
    store, answers, numbers = tmp_path / "store.db", dict[str, dict[str, Any]](), list[str]()
    messages = [{"chat": f"u{n}", "id": f"{n}-{i}", "text": text} for n in range(KILLS * 2) for i, text in enumerate(TALK)]
    kill_at = sorted(chance.sample(range(5, len(messages)), KILLS))
    program, kills = start(store), 0
    for position, message in enumerate(messages):
        if kills < len(kill_at) and position == kill_at[kills]:
            kills += 1
            assert program.stdin is not None
            program.stdin.write((json.dumps(message, ensure_ascii=False) + "\n").encode())
            program.stdin.flush()
            time.sleep(chance.random() * 0.004)
            program.send_signal(signal.SIGKILL)
            end(program)
            program = start(store)
        answer = exchange(program, message)  # the channel sends the unconfirmed message again
        assert answer is not None
        assert "error" not in answer
        answers[message["id"]] = answer
    for message in chance.sample(messages, 10):
        assert exchange(program, message) == answers[message["id"]]
    for n in range(KILLS * 2):
        last = exchange(program, {"chat": f"u{n}", "text": "进度"})
        assert last is not None
        assert len(last["requests"]) == 1, f"u{n} has {last['requests']}"
        numbers.append(last["requests"][0]["number"])
    assert end(program) == 0
    assert sorted(numbers) == [f"YQ-261122-{n + 1:04d}" for n in range(KILLS * 2)]
    assert kills == KILLS
