"""What whoever runs the program does by command: backups of a running bot, putting one back, and moving."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

from storage.sealing import new_key
from tests.test_bot import free_port, run
from tests.test_serving import line_with, program

TALK = "".join(json.dumps({"chat": "a", "text": text, "id": str(n)}, ensure_ascii=False) + "\n" for n, text in enumerate(("你好", "昆科贷是什么")))


def talked(store: Path) -> None:
    run("chat", "--jsonl", "--store", str(store), stdin=TALK)


async def test_a_running_bot_is_backed_up_and_put_back_only_when_it_is_stopped(tmp_path: Path) -> None:
    store, copy = tmp_path / "s.db", tmp_path / "copy.db"
    talked(store)
    async with program(PORT=str(free_port()), STORE=str(store)) as running:
        await line_with(running, "已启动")
        out, _ = await asyncio.to_thread(run, "backup", str(copy), STORE=str(store))
        assert "备份好了" in out
        _, err = await asyncio.to_thread(run, "restore", str(copy), expect=2, STORE=str(store))
        assert "先停掉它" in err
    store.write_bytes(b"broken")
    out, _ = run("doctor", expect=1, STORE=str(store))
    assert "python bot.py restore" in out
    out, _ = run("restore", str(copy), STORE=str(store))
    assert f"{store}.before-" in out
    out, _ = run("doctor", STORE=str(store))
    assert f"数据文件 {store} 完好" in out


def test_a_backup_goes_nowhere_without_a_store_or_over_another_file(tmp_path: Path) -> None:
    _, err = run("backup", str(tmp_path / "copy.db"), expect=2, STORE=str(tmp_path / "none.db"))
    assert "不存在" in err
    talked(tmp_path / "s.db")
    _, err = run("backup", str(tmp_path / "s.db"), expect=2, STORE=str(tmp_path / "s.db"))
    assert "没有覆盖" in err


def test_a_backup_makes_its_folder_and_says_where_it_cannot(tmp_path: Path) -> None:
    talked(tmp_path / "s.db")
    run("backup", str(tmp_path / "备份" / "早" / "x.db"), STORE=str(tmp_path / "s.db"))
    assert (tmp_path / "备份" / "早" / "x.db.sha256").exists()
    _, err = run("backup", str(tmp_path / "s.db" / "x.db"), expect=2, STORE=str(tmp_path / "s.db"))
    assert "没有备份成" in err


def test_a_backup_that_the_keys_do_not_open_is_not_put_back(tmp_path: Path) -> None:
    (one, other), store, copy = (f"k1:{new_key()}" for _ in range(2)), tmp_path / "s.db", tmp_path / "copy.db"
    run("chat", "--jsonl", stdin=TALK, STORE=str(store), DATA_KEYS=one)
    run("backup", str(copy), STORE=str(store))
    before = store.read_bytes()
    for env, words in (({}, "DATA_KEYS 里没有"), ({"DATA_KEYS": other}, "不是同一个")):
        _, err = run("restore", str(copy), expect=2, STORE=str(store), **env)
        assert words in err
        assert store.read_bytes() == before
    out, _ = run("restore", str(copy), STORE=str(store), DATA_KEYS=one)
    assert "purge" in out
    assert "personal erase" in out


def test_an_installation_moves_and_goes_on(tmp_path: Path, fresh_postgres: Callable[[], str]) -> None:
    store, url = tmp_path / "s.db", fresh_postgres()
    talked(store)
    _, err = run("migrate-store", str(tmp_path / "none.db"), url, expect=2)
    assert "不存在" in err
    _, err = run("migrate-store", str(store), str(tmp_path / "other.db"), expect=2)
    assert "只能搬进 PostgreSQL" in err
    out, _ = run("migrate-store", str(store), url)
    assert "两边行数一致" in out
    out, _ = run("chat", "--jsonl", "--store", url, stdin=TALK)
    assert json.loads(out.splitlines()[0])["replies"], "the same ids get the same answers there"
    out, _ = run("doctor", DATABASE_URL=url)
    assert "PostgreSQL" in out
    _, err = run("backup", str(tmp_path / "x"), expect=2, DATABASE_URL=url)
    assert "pg_dump" in err
    _, err = run("restore", str(tmp_path / "x"), expect=2, DATABASE_URL=url)
    assert "pg_restore" in err
