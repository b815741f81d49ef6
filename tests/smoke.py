"""Starts the real program and talks to it as a stranger would: over HTTP and over JSON lines. Run by `.ci/run`."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def over_http(folder: Path) -> None:
    port = free_port()
    env = {**os.environ, "PORT": str(port), "STORE": str(folder / "web.db")}
    started = time.monotonic()
    program = subprocess.Popen([sys.executable, "bot.py", "serve"], cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        base = f"http://127.0.0.1:{port}"
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        while True:
            try:
                page = browser.open(base + "/", timeout=5).read().decode()
                break
            except OSError:
                if time.monotonic() - started > 30 or program.poll() is not None:
                    raise
                time.sleep(0.05)
        assert "园企通" in page
        body = json.dumps({"id": "smoke-000001", "text": "昆山有哪些审批通道"}).encode()
        headers = {"Content-Type": "application/json", "Origin": base}
        answer = browser.open(urllib.request.Request(base + "/api/messages", body, headers), timeout=5)
        assert json.load(answer)["ok"] is True
        with browser.open(base + "/api/events", timeout=10) as stream:
            event = read_event(stream)
        assert event["text"]
        print(f"smoke: HTTP answered {time.monotonic() - started:.2f} s after the start: {event['text'].splitlines()[0]}")
    finally:
        program.send_signal(signal.SIGTERM)
        code = program.wait(15)
    assert code in (0, -signal.SIGTERM, 128 + signal.SIGINT), (code, program.stdout.read().decode() if program.stdout else "")


def read_event(stream: Any) -> Any:
    while line := stream.readline().decode():
        if line.startswith("data:"):
            return json.loads(line[5:])
    raise AssertionError("the stream ended without an event")


def over_jsonl(folder: Path) -> None:
    lines = [
        {"chat": "u1", "text": "太仓有什么补贴", "id": "1"},
        {"chat": "u1", "text": "太仓有什么补贴", "id": "1"},
        {"chat": "u1", "text": "取消"},
        {"chat": "u2", "option": "!start:park_selection"},
    ]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines) + "not json\n"
    command = [sys.executable, "bot.py", "chat", "--jsonl", "--today", "2026-11-22", "--store", str(folder / "chat.db")]
    done = subprocess.run(command, cwd=ROOT, input=text.encode(), capture_output=True, timeout=60, check=True)
    answers = [json.loads(line) for line in done.stdout.decode().splitlines()]
    assert len(answers) == 5, answers
    assert answers[0] == answers[1]
    assert answers[0]["dialog"]["name"] == "subsidy_precheck"
    assert answers[0]["dialog"]["trail"]["region"] == "taicang"
    assert answers[3]["dialog"]["asking"] == "segment"
    assert "error" in answers[4]
    print("smoke: JSONL answered", len(answers), "lines")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        over_jsonl(Path(name))
        over_http(Path(name))
    print("2 passed, 0 failed")
