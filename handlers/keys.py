"""The keys under which stored texts are sealed: a new one, and putting everything under the one that seals now."""

from __future__ import annotations

import argparse
import asyncio
import sys
from itertools import count

from handlers.settings import SettingError, Settings
from storage.contract import Store
from storage.sealing import new_key

PAUSE = 0.01
"""Seconds between two steps: who waits for the store comes first."""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The commands about keys."""
    commands.add_parser("new-key", help="造一个加密用的密钥，写进设置 DATA_KEYS 的最前面")
    commands.add_parser("rotate-keys", help="把已有内容全部换到 DATA_KEYS 里的第一个密钥下；运行着也能做")


def make(settings: Settings) -> int:
    """`new-key`: a key with an id that is not in use; how to use it goes to the terminal beside it."""
    name = next(f"k{n}" for n in count(1) if f"k{n}" not in settings.sealing.names)
    print(f"{name}:{new_key()}")
    print("写进 DATA_KEYS 的最前面，原来的用逗号接在后面；另存一份在别处，丢了密钥，内容就打不开了。", file=sys.stderr)
    return 0


async def rotate(store: Store, settings: Settings) -> int:
    """`rotate-keys`: run through everything until nothing is left under another key."""
    first, others = settings.sealing.first, settings.sealing.names[1:]
    if first is None:
        raise SettingError("没有设 DATA_KEYS，没有密钥可换。先用 python bot.py new-key 造一个。")
    total, changed = 0, 1
    while changed:
        changed = 0
        async for some in store.resealed():
            changed += some
            await asyncio.sleep(PAUSE)
        total += changed
    print(f"换了 {total} 条，现在全部内容都在密钥 {first} 下。")
    if others:
        print(f"所有进程都换成以 {first} 开头的 DATA_KEYS 以后，可以去掉 {'、'.join(others)}；还要用旧备份的话，把旧密钥另存着。")
    return 0
