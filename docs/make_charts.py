"""Writes docs/dialogs.md: the flow charts of the guided dialogs, derived by walking their scripts. Run by `make charts`; a test compares."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from bot import draw  # noqa: E402
from dialogs.frames import GUIDED  # noqa: E402
from dialogs.texts import texts  # noqa: E402
from knowledge.loader import load  # noqa: E402

DAY = date(2026, 11, 22)


def page() -> str:
    """The whole page."""
    knowledge, say = load(), texts("zh")
    parts = ["# 引导对话的流程图\n\n由 `make charts` 从脚本走出来，不是手画的。一条线上写的是答案，几种答案去同一个问题就合成一条。\n"]
    for dialog in (*GUIDED, "request"):
        parts.append(f"## {say(f'dialog.{dialog}')}\n\n```mermaid\n{draw(dialog, knowledge, DAY)}```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    (ROOT / "docs" / "dialogs.md").write_text(page(), encoding="utf-8")
