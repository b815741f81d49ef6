"""Keys by command: a new one, and changing to it while the bot runs."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from tests.storage.test_sealing import texts_in_file
from tests.test_bot import free_port, run
from tests.test_serving import line_with, program

SAID = "昆科贷是什么"


def talked(store: Path, number: int, keys: str) -> str:
    """One turn; the answer."""
    line = json.dumps({"chat": "a", "text": SAID, "id": str(number)}, ensure_ascii=False)
    out, _ = run("chat", "--jsonl", "--store", str(store), stdin=line, DATA_KEYS=keys)
    text: str = json.loads(out)["replies"][0]["text"]
    return text


async def test_keys_are_set_changed_while_the_bot_runs_and_the_old_one_is_taken_away(tmp_path: Path) -> None:
    store = tmp_path / "s.db"
    answer = await asyncio.to_thread(talked, store, 1, "")
    assert [c for c in texts_in_file(store) if SAID in c]
    one, note = run("new-key")
    assert "另存一份" in note
    two, _ = run("new-key", DATA_KEYS=one.strip())
    one, two = one.strip(), two.strip()
    assert (one[:3], two[:3]) == ("k1:", "k2:")

    for keys, said in ((one, "现在全部内容都在密钥 k1 下"), (f"{two},{one}", "可以去掉 k1")):
        async with program(PORT=str(free_port()), STORE=str(store), DATA_KEYS=keys) as running:
            await line_with(running, "已启动")
            out, _ = await asyncio.to_thread(run, "rotate-keys", STORE=str(store), DATA_KEYS=keys)
            assert said in out
            assert await asyncio.to_thread(talked, store, 1, keys) == answer, "the repetition is still seen"
    assert [c for c in texts_in_file(store) if SAID in c or "sealed:k1:" in c] == []
    assert await asyncio.to_thread(talked, store, 1, two) == answer
    out, _ = run("doctor", STORE=str(store), DATA_KEYS=two)
    assert "内容加密：用密钥 k2 写" in out
    for keys in ("", one):
        _, err = run("purge", expect=2, STORE=str(store), DATA_KEYS=keys)
        assert "k2" in err
        assert "DATA_KEYS" in err


def test_without_keys_there_is_nothing_to_change(tmp_path: Path) -> None:
    talked(tmp_path / "s.db", 1, "")
    _, err = run("rotate-keys", expect=2, STORE=str(tmp_path / "s.db"))
    assert "new-key" in err


def test_a_wrong_key_is_refused_without_showing_it() -> None:
    _, err = run("serve", expect=2, DATA_KEYS="k1:c2VjcmV0")
    assert "DATA_KEYS" in err
    assert "c2VjcmV0" not in err
