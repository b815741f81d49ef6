"""What `deploy/` says to service managers is what their own checkers accept, and what the program does: when it is ready, that it lives, how it stops."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from starlette.testclient import TestClient

from dialogs.turns import Library, Turns
from docs.make_charts import ROOT
from handlers.metrics import Metrics
from handlers.settings import table
from handlers.web import COOKIE, create_app
from knowledge.snapshot import Knowledge
from storage.memory import MemoryStore
from tests.conftest import CI
from tests.test_bot import free_port
from tests.test_serving import line_with, program
from tests.test_workers import cookie

DEPLOY = ROOT / "deploy"
UNIT = (DEPLOY / "yuanqitong.service").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
EXPOSED = 1.5
"""The most that systemd's own score of what a unit leaves open may be (0 to 10)."""
STOPS_WITHIN = 10
"""Seconds."""


def tool(name: str) -> str:
    """A checker; where it is missing the test skips on a laptop and fails in CI."""
    found = shutil.which(name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if found is None:
        (pytest.fail if CI else pytest.skip)(f"{name} is not installed")
    return str(found)


def checked(*command: str | Path, **env: str) -> str:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **env})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def unit(name: str) -> str:
    (value,) = re.findall(rf"(?m)^{name}=(.*)$", UNIT)
    return str(value)


# --- systemd


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    here = UNIT.replace("/opt/yuanqitong/.venv/bin/python", sys.executable).replace("/opt/yuanqitong", str(ROOT))
    (tmp_path / "yuanqitong.service").write_text(here, encoding="utf-8")
    assert checked(tool("systemd-analyze"), "verify", tmp_path / "yuanqitong.service") == ""


def test_the_unit_leaves_little_open() -> None:
    checked(tool("systemd-analyze"), "security", "--offline=true", f"--threshold={EXPOSED * 10:.0f}", DEPLOY / "yuanqitong.service")


def test_everybody_who_stops_the_program_waits_longer_than_it_takes() -> None:
    assert int(unit("TimeoutStopSec")) > STOPS_WITHIN
    assert int(COMPOSE["services"]["worker"]["stop_grace_period"].removesuffix("s")) > STOPS_WITHIN


@pytest.mark.parametrize("abstract", [False, True], ids=["file", "abstract"])
async def test_a_service_manager_hears_that_the_program_is_ready_lives_and_stops(tmp_path: Path, abstract: bool) -> None:
    name = f"yuanqitong-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"\0{name}" if abstract else name)
        manager.setblocking(False)
        loop, port = asyncio.get_running_loop(), free_port()
        env = {"NOTIFY_SOCKET": f"@{name}" if abstract else name, "WATCHDOG_USEC": "200000"}
        async with asyncio.timeout(30), program(PORT=str(port), STORE=str(tmp_path / "s.db"), **env) as running:
            assert await loop.sock_recv(manager, 100) == b"READY=1"
            async with httpx2.AsyncClient() as client:
                assert (await client.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200
            for _ in range(3):
                assert await loop.sock_recv(manager, 100) == b"WATCHDOG=1"
            running.send_signal(signal.SIGSTOP)  # a loop that does not turn says nothing
            while True:
                try:
                    async with asyncio.timeout(0.5):
                        await loop.sock_recv(manager, 100)
                except TimeoutError:
                    break
            running.send_signal(signal.SIGCONT)
            running.send_signal(signal.SIGTERM)
            while (said := await loop.sock_recv(manager, 100)) == b"WATCHDOG=1":
                pass
            assert said == b"STOPPING=1"


async def test_a_program_that_is_told_to_stop_puts_its_things_away(tmp_path: Path) -> None:
    store, port = tmp_path / "s.db", free_port()
    async with program(PORT=str(port), STORE=str(store)) as running, httpx2.AsyncClient(timeout=10) as client:
        await line_with(running, "已启动")
        assert (await client.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200
        began = time.monotonic()
        running.send_signal(signal.SIGTERM)
        assert await running.wait() == 0
        assert time.monotonic() - began < STOPS_WITHIN
    assert not store.with_name("s.db-wal").exists(), "the store was closed"


# --- containers


def test_the_compose_file_is_one() -> None:
    checked(tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yaml")


def test_the_dockerfile_is_as_its_linter_wants_it() -> None:
    assert checked(tool("hadolint"), "--failure-threshold", "info", DEPLOY / "Dockerfile") == ""


def test_what_the_dockerfile_copies_is_all_that_the_program_needs_and_is_given_to_the_builder() -> None:
    copied = set(re.findall(r"(?m)^COPY (\S+)", (DEPLOY / "Dockerfile").read_text(encoding="utf-8")))
    needed = {p.name for p in ROOT.iterdir() if (p / "__init__.py").exists()} - {"bench", "docs", "tests"}
    assert copied == needed | {"bot.py", "requirements.txt"}
    given = set(re.findall(r"(?m)^!(\S+)", (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8")))
    assert given == copied


def test_the_healthcheck_of_the_image_tells_a_program_that_is_ready_from_one_that_is_not(tmp_path: Path) -> None:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    command = json.loads(re.findall(r"HEALTHCHECK [^\n]*\n\s*CMD (\[.*\])", text)[0])
    port = free_port()
    env = {**os.environ, "PORT": str(port), "STORE": str(tmp_path / "s.db")}
    assert subprocess.run([sys.executable, *command[1:]], env=env, capture_output=True, timeout=30, check=False).returncode != 0
    running = subprocess.Popen([sys.executable, "bot.py"], cwd=ROOT, env=env, stdout=subprocess.PIPE)
    try:
        assert running.stdout is not None
        running.stdout.readline()
        checked(sys.executable, *command[1:], PORT=str(port))
    finally:
        running.terminate()
        running.communicate(timeout=15)


def test_what_the_compose_file_sets_can_be_set() -> None:
    assert set(COMPOSE["services"]["worker"]["environment"]) <= {entry.name for entry in table()}


def test_containers_get_no_more_than_they_need() -> None:
    services = COMPOSE["services"]
    for name in ("worker", "proxy"):
        assert services[name]["cap_drop"] == ["ALL"]
        assert services[name]["security_opt"] == ["no-new-privileges:true"]
    assert services["worker"]["read_only"]
    assert "USER 10001" in (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    assert all(":" in s["image"] and "latest" not in s["image"] for s in services.values() if "image" in s)
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    assert set(re.findall(r"\$\{(\w+)", text)) == {"SITE", "DATABASE_PASSWORD"}, "both are named where it is told how to begin"


# --- the proxy


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[tuple[int, int]]:
    """Caddy with our file: its port, and the one to which it leads."""
    port, worker = free_port(), free_port()
    env = {"SITE": f"http://127.0.0.1:{port}", "WORKER": "localhost", "WORKER_PORT": str(worker), "HOME": str(tmp_path)}
    caddy = tool("caddy")
    config = tmp_path / "Caddyfile"
    config.write_text("{\n\tadmin off\n}\n" + (DEPLOY / "Caddyfile").read_text(encoding="utf-8"), encoding="utf-8")
    checked(caddy, "validate", "--adapter", "caddyfile", "--config", config, **env)
    with (tmp_path / "caddy.log").open("wb") as log:
        running = subprocess.Popen(
            [caddy, "run", "--adapter", "caddyfile", "--config", config], env={**os.environ, **env}, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            yield port, worker
        finally:
            running.terminate()
            running.wait(15)


async def test_a_talk_goes_through_the_proxy_and_its_stream_comes_at_once(tmp_path: Path, proxy: tuple[int, int]) -> None:
    port, worker = proxy
    address = f"http://127.0.0.1:{port}"
    async with program(PORT=str(worker), STORE=str(tmp_path / "s.db")) as running, httpx2.AsyncClient(timeout=10) as client:
        await line_with(running, "已启动")
        for _ in range(100):
            try:
                if (await client.get(f"{address}/readyz")).status_code == 200:
                    break
            except httpx2.TransportError:
                pass
            await asyncio.sleep(0.05)
        async with client.stream("GET", f"{address}/api/events", headers=cookie(1)) as stream:
            body = {"id": "through-the-proxy-1", "text": "昆科贷是什么"}
            said = await client.post(f"{address}/api/messages", json=body, headers={**cookie(1), "Origin": address})
            assert said.status_code == 200, said.text
            async with asyncio.timeout(10):
                async for line in stream.aiter_lines():
                    if "昆科贷" in line:
                        break
                else:
                    raise AssertionError("the stream ended without the answer")


# --- alerts


def test_alerts_look_at_figures_and_labels_that_there_are(knowledge: Knowledge) -> None:
    """Every name and label in the rules stands on the program's page of figures, or is Prometheus's own."""
    turns = Turns(MemoryStore(), Library(knowledge))
    metrics = Metrics(turns, "token")
    turns.observe = metrics.observe
    client = TestClient(create_app(turns, metrics=metrics), base_url="http://127.0.0.1", cookies={COOKIE: "visitor-of-these-tests"})
    for number, text in enumerate(["昆科贷是什么", "阿巴阿巴阿巴", "转人工", "集采奖励", "测试公司", "同意", "李女士", "13812345678", "确认"]):
        assert client.post("/api/messages", json={"id": f"update-{number:04}", "text": text}).status_code == 200
    page = client.get("/metrics", headers={"Authorization": "Bearer token"}).text
    there = {(name, label) for name, labels in re.findall(r"(?m)^(\w+)(?:\{(.*)\})? ", page) for label in [*re.findall(r"(\w+)=", labels), ""]}
    values = set(re.findall(r'(?:state|result)="(\w+)"', page))
    rules = [rule for group in yaml.safe_load((DEPLOY / "alerts.yaml").read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]
    assert len(rules) >= 5
    for rule in rules:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        looked = re.findall(r"(yuanqitong_\w+|up)(?:\{([^}]*)\})?", rule["expr"])
        assert looked, rule
        for name, labels in looked:
            for label, wanted in re.findall(r'(\w+)=~?"([^"]*)"', labels):
                assert name == "up" or (name, label) in there, f"{name} has no {label}"
                assert label not in ("state", "result") or set(wanted.split("|")) <= values
            assert name == "up" or (name, "") in there, f"there is no {name}"
