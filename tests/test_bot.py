"""The program as people start it: every command, wrong settings, a port in use, the web and Telegram at once."""

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
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import bot
from dialogs import cases
from dialogs.messages import Reply
from docs.make_charts import ROOT, facts, fields, page, settings
from storage.contract import Address, Commit, Committed, NewRequest, Parked
from storage.sqlite import SqliteStore

README = (ROOT / "README.md").read_text(encoding="utf-8")


def run(*arguments: str, expect: int = 0, stdin: str = "", **env: str) -> tuple[str, str]:
    done = subprocess.run(
        [sys.executable, "bot.py", *arguments],
        cwd=ROOT,
        input=stdin.encode(),
        capture_output=True,
        timeout=60,
        env={**os.environ, **env},
        check=False,
    )
    out, err = done.stdout.decode(), done.stderr.decode()
    assert done.returncode == expect, (done.returncode, out, err)
    assert "Traceback" not in err
    return out, err


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


COMMANDS = [
    "serve",
    "chat",
    "ask",
    "try",
    "check",
    "chart",
    "requests",
    "personal",
    "import",
    "diff",
    "stale",
    "reload",
    "schema",
    "precheck",
    "migrate-store",
    "backup",
    "restore",
    "purge",
    "new-key",
    "rotate-keys",
    "doctor",
    "settings",
]


def test_every_command_has_help_and_stands_in_the_readme() -> None:
    out, _ = run("--help")
    for command in COMMANDS:
        assert command in out
        assert f"`{command}`" in README
        help_text, _ = run(command, "--help")
        assert "usage" in help_text
    actions = [a for a in bot.parser()._actions if a.dest == "command"]
    assert sorted(actions[0].choices or ()) == sorted(COMMANDS)


def test_the_charts_in_the_docs_are_those_of_the_scripts() -> None:
    assert (ROOT / "docs" / "dialogs.md").read_text(encoding="utf-8") == page(), "run `make charts`"


def test_the_fields_in_the_docs_are_those_of_the_records() -> None:
    assert (ROOT / "docs" / "fields.md").read_text(encoding="utf-8") == fields(), "run `make charts`"


def test_the_facts_in_the_docs_are_those_of_the_vocabulary() -> None:
    assert (ROOT / "docs" / "facts.md").read_text(encoding="utf-8") == facts(), "run `make charts`"


def test_the_settings_in_the_docs_are_those_of_the_program() -> None:
    assert (ROOT / "docs" / "settings.md").read_text(encoding="utf-8") == settings(), "run `make charts`"


def test_the_example_in_the_docs_runs(tmp_path: Path) -> None:
    example = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "facts.md").read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "company.yaml").write_text(example[0], encoding="utf-8")
    out, _ = run("precheck", str(tmp_path / "company.yaml"), "--json")
    report = json.loads(out)
    assert report["today"] == "2022-06-01"
    assert report["facts"]["product.1.class"] == "III"
    assert report["total"]["max"] > 0


def test_links_in_the_docs_lead_somewhere() -> None:
    for file in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        for link in re.findall(r"\]\((?!https?://|#)([^)#]+)", file.read_text(encoding="utf-8")):
            assert (file.parent / link).exists(), f"{file.name}: {link}"


def test_ask_answers_with_its_source_on_a_day() -> None:
    out, _ = run("ask", "集采中标有奖励吗", "--today", "2022-06-01")
    assert "200万元" in out
    assert "还在时限内" in out
    assert "苏委办发〔2021〕14号" in out


def test_try_shows_how_a_message_is_read_on_a_day() -> None:
    out, _ = run("try", "集采中标有将励吗", "--today", "2022-06-01")
    assert out.startswith("读成：")
    assert "sz-procurement-win" in out
    assert "还在时限内" in out
    out, _ = run("try", "太苍的园驱", "--format", "json")
    assert json.loads(out)["read"] == "太仓的园区"


def test_try_takes_bytes_that_are_no_text() -> None:
    done = subprocess.run([sys.executable, "bot.py", "try", b"\xff\xfe\xe8\xa1"], cwd=ROOT, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    assert done.stdout.decode().startswith("读成：")


def test_check_counts_or_lists_problems(tmp_path: Path) -> None:
    out, _ = run("check")
    assert "没有问题" in out
    shutil.copytree(ROOT / "knowledge" / "base", tmp_path / "base")
    bad = tmp_path / "base" / "taicang" / "extra.yaml"
    bad.write_text("supports:\n  - id: tc-x\n    nmae: 写错了\n", encoding="utf-8")
    _, err = run("check", str(tmp_path / "base"), expect=1)
    assert "taicang/extra.yaml:3:5" in err
    assert "fix:" in err
    assert "name" in err
    _, err = run("ask", "你好", expect=2, KNOWLEDGE=str(tmp_path / "base"))
    assert "没有启动" in err
    _, err = run("stale", expect=2, KNOWLEDGE=str(tmp_path / "base"))
    assert "先改好" in err


def test_chart_draws_mermaid() -> None:
    out, _ = run("chart", "approval_channel")
    assert out.startswith("flowchart TD")
    _, err = run("chart", "nothing", expect=2)
    assert "park_selection" in err


def test_a_request_is_worked_off_from_the_command_line(tmp_path: Path) -> None:
    store = str(tmp_path / "data" / "s.db")
    talk = ["转人工", "集采奖励还能申请吗", "测试医疗公司", "同意", "李女士", "13812345678", "确认"]
    lines = "".join(json.dumps({"chat": "u1", "text": t}, ensure_ascii=False) + "\n" for t in talk)
    out, _ = run("chat", "--jsonl", "--today", "2026-11-22", "--store", store, stdin=lines)
    number = json.loads(out.splitlines()[-1])["requests"][0]["number"]
    assert number == "YQ-261122-0001"
    out, _ = run("requests", "--store", store)
    assert number in out
    assert "13812345678" not in out
    out, _ = run("requests", "--store", store, "show", number)
    assert "138****5678" in out
    assert "集采奖励还能申请吗" in out
    out, _ = run("requests", "--store", store, "show", number, "--reveal")
    assert "13812345678" in out
    assert run("requests", "--store", store, "reply", number, "  ", expect=2)[1].startswith("回复是空的")
    run("requests", "--store", store, "reply", number, "请看当年通知")
    out, _ = run("requests", "--store", store, "set", number, "done", "--note", "已答复")
    assert "已办结" in out
    _, err = run("requests", "--store", store, "set", number, "waiting_company", expect=2)
    assert "不能从" in err
    _, err = run("requests", "--store", store, "show", "YQ-1", expect=1)
    assert "没有编号" in err
    out, _ = run("chat", "--jsonl", "--store", store, stdin='{"chat": "u1", "text": "进度"}\n')
    replies = json.loads(out)["replies"]
    assert [r["by"] for r in replies] == ["team", "team", "bot"]
    assert "请看当年通知" in replies[0]["text"]
    out, _ = run("requests", "--store", store, "list", "--state", "done")
    assert number in out
    assert run("requests", "--store", store)[0] == "没有待办的；--all 看全部。\n"
    for typed in ("yq-261122-1", "261122-0001", "YQ2611220001"):
        assert number in run("requests", "--store", store, "show", typed)[0]
    run("requests", "--store", store, "set", number, "in_progress")
    run("requests", "--store", store, "set", number, "merged")
    assert "requests set" not in run("requests", "--store", store, "reply", number, "您好", expect=2)[1], "nothing leads back from there"


async def test_what_became_of_a_reply_is_said_as_it_is_on_each_channel(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "s.db")
    body = cases.encode(cases.Case("", "general", cases.State.NEW, datetime.now(UTC), (), {"language": "zh", "matter": "问题", "company": "公司"}))
    told = {}
    for channel in ("web", "telegram", "console"):
        done = await store.commit(Commit(Address(channel, "7", "7"), datetime.now(UTC), created=(NewRequest("general", "new", body),)))
        assert isinstance(done, Committed)
        told[channel], _ = await asyncio.to_thread(run, "requests", "--store", str(tmp_path / "s.db"), "reply", done.numbers[0], "您好")
    await store.close()
    assert "打开网页时看到" in told["web"]
    assert "交给 Telegram 发送" in told["telegram"]
    assert "通知企业" not in "".join(told.values())


def test_a_withdrawn_consent_stands_in_the_request(tmp_path: Path) -> None:
    store = str(tmp_path / "s.db")
    talk = ["转人工", "集采奖励还能申请吗", "测试医疗公司", "同意", "李女士", "13812345678", "确认", "撤回同意", "确认撤回"]
    run("chat", "--jsonl", "--store", store, stdin="".join(json.dumps({"chat": "u1", "text": t}) + "\n" for t in talk))
    shown, _ = run("requests", "--store", store, "show", run("requests", "--store", store)[0].split()[0])
    assert re.search(r"同意联系：.*，已于 \S+ \S+ 撤回同意", shown)
    assert "联系人：按本人要求删掉了，只在聊天里回复" in shown


def test_the_team_exports_and_erases_for_who_asks_by_letter(tmp_path: Path) -> None:
    store = str(tmp_path / "s.db")
    talk = ["转人工", "集采奖励还能申请吗", "测试医疗公司", "同意", "李女士", "13812345678", "确认"]
    run("chat", "--jsonl", "--store", store, stdin="".join(json.dumps({"chat": "u1", "text": t}) + "\n" for t in talk))
    number = run("requests", "--store", store)[0].split()[0]
    shown, _ = run("requests", "--store", store, "show", number)
    assert "说明 2026-11 版" in shown
    held = json.loads(run("personal", "--store", store, "export", number)[0])
    assert held["requests"][0]["body"]["dossier"]["contact"]["contact.reach"] == "13812345678"
    assert json.loads(run("personal", "--store", store, "export", "console:u1")[0]) == held
    told, _ = run("personal", "--store", store, "erase", number, expect=1)
    assert "--yes" in told
    assert f"没办结的 {number} 随之撤回" in told
    assert json.loads(run("personal", "--store", store, "export", number)[0]) == held
    assert number in run("personal", "--store", store, "erase", number, "--yes")[0]
    for whose in (number, "console:u1", "YQ-1", "web:nobody", ":", "x"):
        assert "没有找到" in run("personal", "--store", store, "export", whose, expect=1)[1]
    shown, _ = run("requests", "--store", store, "show", number, "--reveal")
    assert "13812345678" not in shown
    assert "删除个人信息" in shown
    assert "已撤回" in shown
    assert "在答复" not in shown
    assert "联系人：按本人要求删掉了\n" in shown
    assert "按本人要求删除" in run("requests", "--store", store, "reply", number, "您好", expect=2)[1]


def test_the_team_reads_the_report_that_a_request_grew_from(tmp_path: Path) -> None:
    store = str(tmp_path / "s.db")
    said = ["补贴预审", "太仓", "都没有", "集采中标", "先看结果", "登记请专员核实", "测试医疗公司", "同意", "李女士", "13812345678", "确认"]
    lines = "".join(json.dumps({"chat": "u1", "text": t}, ensure_ascii=False) + "\n" for t in said)
    out, _ = run("chat", "--jsonl", "--today", "2022-06-01", "--store", store, stdin=lines)
    number = json.loads(out.splitlines()[-1])["requests"][0]["number"]
    shown, _ = run("requests", "--store", store, "show", number)
    assert "太仓补贴预审报告（2022-06-01）" in shown
    assert "公司有下面哪些已经发生的事：国家集采中标" in shown
    assert "国家集采中标资助，最高200万元" in shown
    assert "centralized_procurement_win" not in shown


def test_ratings_are_counted_for_admins(tmp_path: Path) -> None:
    store = str(tmp_path / "s.db")
    lines = [{"text": "选园区"}, {"text": "体外诊断"}, {"text": "太仓"}, {"text": "生产"}, {"text": "都没有"}, {"text": "谢谢"}, {"text": "没帮上"}]
    run("chat", "--jsonl", "--store", store, stdin="".join(json.dumps({"chat": "u1", **line}) + "\n" for line in lines))
    out, _ = run("requests", "--store", store, "ratings")
    assert out.strip() == "选园区：有帮助 0，一般 0，没帮上 1"


async def test_what_did_not_arrive_is_listed_for_the_team(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    store = await SqliteStore.open(path)
    at = datetime(2026, 11, 22, 4, tzinfo=UTC)
    done = await store.commit(Commit(Address("telegram", "7", "7"), at, replies=(Reply("请打 13812345678").to_json(), Reply("好").to_json())))
    assert isinstance(done, Committed)
    await store.fail(done.outbox[0], "Forbidden('bot was blocked by the user')")
    await store.park(Parked(Address("telegram", "7", "7"), "700000001", {"message": {}}, "KeyError('date')", at))
    await store.commit(Commit(Address("web", "w", "w"), at, replies=(Reply("您好").to_json(),)))
    await store.commit(Commit(Address("telegram", "8", "8"), datetime.now(UTC), replies=(Reply("刚说的").to_json(),)))
    await store.close()
    out, _ = run("requests", "--store", str(path), "undelivered")
    given_up, waiting, parked, web = out.splitlines()
    assert given_up == "11-22 12:00  telegram 7  没送到（Forbidden('bot was blocked by the user')）：请打 ***"
    assert waiting == "11-22 12:00  telegram 7  还在等着送（还没试过）：好"
    assert web == "网页上有 1 条等对方打开网页，最早的是 11-22 12:00 的（这是正常的）"
    assert parked == "11-22 12:00  telegram 收到的 700000001  没处理成（KeyError('date')）"


def test_what_found_no_answer_is_listed_for_admins(tmp_path: Path) -> None:
    store = str(tmp_path / "s.db")
    lines = '{"chat": "u1", "text": "阿巴阿巴"}\n{"chat": "u2", "text": "阿巴阿巴"}\n'
    run("chat", "--jsonl", "--store", store, stdin=lines)
    out, _ = run("requests", "--store", store, "unanswered")
    assert "2 次" in out
    assert "阿巴阿巴" in out


def test_a_talk_in_the_terminal_is_kept_where_that_is_set_and_else_says_that_it_is_not(tmp_path: Path) -> None:
    file, store = tmp_path / "s.env", tmp_path / "s.db"
    file.write_text(f"STORE={store}\n", encoding="utf-8")
    told, _ = run("chat", stdin="")
    assert told.startswith("试用：")
    assert not store.exists()
    told, _ = run("--settings", str(file), "chat", stdin="阿巴阿巴\n")
    assert "试用" not in told
    run("chat", "--jsonl", stdin='{"chat": "u1", "text": "阿巴阿巴"}\n', STORE=str(store))
    assert "2 次" in run("requests", "--store", str(store), "unanswered")[0]
    told, _ = run("chat", "--jsonl", stdin='{"chat": "u1", "text": "你好"}\n')
    assert json.loads(told)["replies"], "one line a line, and nothing else"


def test_a_store_that_cannot_be_opened_is_said(tmp_path: Path) -> None:
    (tmp_path / "s.db").write_bytes(b"this is no database at all, far from it" * 40)
    _, err = run("chat", "--jsonl", "--store", str(tmp_path / "s.db"), expect=2, stdin="")
    assert "s.db" in err


def test_a_wrong_day_is_said() -> None:
    _, err = run("ask", "你好", "--today", "2026-13-01", expect=2)
    assert "不是日期" in err


def test_a_port_in_use_is_said_with_the_fix(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        _, err = run("serve", expect=2, PORT=str(port), STORE=str(tmp_path / "s.db"))
    assert str(port) in err
    assert "换一个端口" in err


def test_the_server_starts_answers_and_stops_within_seconds_with_a_page_open(tmp_path: Path) -> None:
    port = free_port()
    env = {**os.environ, "PORT": str(port), "STORE": str(tmp_path / "s.db")}
    program = subprocess.Popen([sys.executable, "bot.py"], cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert program.stdout is not None
    try:
        assert f"http://127.0.0.1:{port}" in program.stdout.readline().decode()
        for _ in range(100):
            try:
                page_ = urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5)
                break
            except OSError:
                time.sleep(0.05)
        cookie = page_.headers["Set-Cookie"].split(";")[0]
        page_.close()
        request = urllib.request.Request(f"http://127.0.0.1:{port}/api/events", headers={"Cookie": cookie})
        stream = urllib.request.urlopen(request, timeout=10)
        began = time.monotonic()
        program.send_signal(signal.SIGTERM)
        program.wait(10)
        assert time.monotonic() - began < 5
        stream.close()
    finally:
        program.kill()
        program.stdout.close()
        program.wait()
