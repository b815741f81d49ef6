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
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def program(store: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The program on a store, with its address; ended as a service manager ends it."""
    port = free_port()
    env = {**os.environ, "PORT": str(port), "STORE": str(store)}
    running = subprocess.Popen([sys.executable, "bot.py", "serve"], cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        yield f"http://127.0.0.1:{port}", running
    finally:
        running.send_signal(signal.SIGTERM)
        said, _ = running.communicate(timeout=15)
    assert running.returncode == 0, (running.returncode, said.decode())


def page(browser: urllib.request.OpenerDirector, base: str, running: subprocess.Popen[bytes]) -> str:
    """The chat page, as soon as the program gives it."""
    started = time.monotonic()
    while True:
        try:
            found: str = browser.open(base + "/", timeout=5).read().decode()
            return found
        except OSError:
            if time.monotonic() - started > 30 or running.poll() is not None:
                raise
            time.sleep(0.05)


def say(browser: urllib.request.OpenerDirector, base: str, number: int, text: str) -> None:
    body = json.dumps({"id": f"smoke-{number:06}", "text": text}).encode()
    headers = {"Content-Type": "application/json", "Origin": base}
    answer = browser.open(urllib.request.Request(base + "/api/messages", body, headers), timeout=5)
    assert json.load(answer)["ok"] is True


def over_http(folder: Path) -> None:
    """Talk in the browser; back the running program up while the talk goes on; put the copy into another place, and talk on there."""
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    store, copy, elsewhere = folder / "web.db", folder / "copy.db", folder / "elsewhere" / "web.db"
    started = time.monotonic()
    with program(store) as (base, running):
        assert "园企通" in page(browser, base, running)
        say(browser, base, 1, "昆山有哪些审批通道")
        with browser.open(base + "/api/events", timeout=10) as stream:
            event = read_event(stream)
        assert event["text"]
        print(f"smoke: HTTP answered {time.monotonic() - started:.2f} s after the start: {event['text'].splitlines()[0]}")
        copying = subprocess.Popen([sys.executable, "bot.py", "backup", str(copy)], cwd=ROOT, env={**os.environ, "STORE": str(store)})
        number = 2
        while copying.poll() is None:
            say(browser, base, number, f"昆科贷是什么 {number}")
            number += 1
            time.sleep(0.3)  # who says more than a person can is not answered for a while
        assert copying.returncode == 0
    subprocess.run([sys.executable, "bot.py", "restore", str(copy)], cwd=ROOT, env={**os.environ, "STORE": str(elsewhere)}, check=True, timeout=60)
    with program(elsewhere) as (base, running):
        page(browser, base, running)
        kept = [m["text"] for m in history(browser, base) if m["by"] == "you"]
        assert kept == ["昆山有哪些审批通道", *(f"昆科贷是什么 {n}" for n in range(2, number))][: len(kept)], "all that was said until then is in it"
        say(browser, base, number, "太仓有什么补贴")
        said = history(browser, base)
        assert said[-1]["by"] == "bot" and "太仓" in said[-1]["text"], said[-1]
    print(f"smoke: backed up while {number - 1} messages came in, put back elsewhere with {len(kept)} of them, and the talk went on")


def history(browser: urllib.request.OpenerDirector, base: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.load(browser.open(base + "/api/history", timeout=5))["messages"]
    return found


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
