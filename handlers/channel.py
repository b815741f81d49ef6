"""What channels that speak JSON share: reading a message, and telling a talk so far."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from dialogs.messages import Message
from storage.contract import OutboxItem, Update

STARTS: Mapping[str, str] = {
    "!start:park_selection": "选园区",
    "!start:subsidy_precheck": "补贴预审",
    "!start:approval_channel": "审批通道联系人",
    "!status": "我的请求",
}
"""The buttons of an empty chat: what comes back, and what they say."""
_MESSAGE_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")


class BadMessageError(Exception):
    """Something that no chat of ours would send; the words say what and how to go on."""


def read_message(body: bytes) -> tuple[str, Message]:
    """The sender's id and the message in `{"id", "text"}` or `{"id", "option"}`; BadMessageError where it is neither."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        raise BadMessageError("内容不是完整的 JSON。请刷新页面再试。") from None
    if not isinstance(said, dict) or not isinstance(update_id := said.get("id"), str) or not _MESSAGE_ID.fullmatch(update_id):
        raise BadMessageError("消息缺少编号 id（8 到 64 个字母、数字、- 或 _）。请刷新页面再试。")
    # Half a character (a lone surrogate) can be neither stored nor shown.
    text, option = (w.encode(errors="replace").decode() if isinstance(w, str) else w for w in (said.get("text"), said.get("option")))
    if isinstance(text, str) and option is None:
        return update_id, Message(text)
    if isinstance(option, str) and text is None and len(option.encode()) <= 64:
        return update_id, Message(option=option)
    raise BadMessageError("消息里要么有文字 text，要么有按钮 option（至多 64 字节）。请刷新页面再试。")


def said_by_us(item: OutboxItem) -> dict[str, Any]:
    """A reply or notice with its time."""
    return {**item.body, "at": item.at.isoformat()}


def talk_so_far(lines: Sequence[Update | OutboxItem]) -> list[dict[str, Any]]:
    """A transcript as it looked to the person: a tapped button is told by the words that stood on it."""
    labels, talk = dict(STARTS), []
    for line in lines:
        if isinstance(line, OutboxItem):
            labels |= {o["payload"]: o["label"] for o in line.body["options"]}
            talk.append(said_by_us(line))
        elif option := line.body.get("option"):
            talk.append({"by": "you", "text": labels.get(option) or line.body.get("label") or "（按钮）", "at": line.at.isoformat()})
        elif line.body:
            talk.append({"by": "you", "text": line.body.get("text", ""), "at": line.at.isoformat()})
    return talk
