"""What a Telegram update says: who speaks, what, and in which chat; and what is kept of one that could not be handled."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from typing import Any

from telegram import Update, User

from dialogs.messages import Kind, Message, masked
from storage.contract import Address

COMMANDS = {"start": "你好", "help": "帮助", "cancel": "取消", "status": "进度", "data": "我的数据"}
TEAM = "服务团队："
_KINDS: Mapping[Kind, tuple[str, ...]] = {
    "text": ("text",),
    "sticker": ("animation", "sticker", "dice", "game"),  # before files: an animation also bears `document`
    "voice": ("voice", "audio", "video_note"),
    "photo": ("photo", "live_photo"),
    "file": ("document", "video", "contact", "location", "venue", "poll", "story", "paid_media", "checklist", "invoice"),
}
ALLOWED = ("message", "edited_message", "callback_query")
_NAMES = {"first_name", "last_name", "username", "title", "contact", "author_signature"}
"""What names a person in an update."""
_NOTICE = re.compile(rf"{TEAM}\D*(YQ-\d{{6}}-\d{{4,}})")


def read(update: Update, me: User) -> tuple[Address, Message] | None:
    """Who says what in an update; None for what is nobody's message to us: other bots, channel posts, service notes."""
    person, chat, post = update.effective_user, update.effective_chat, update.message or update.edited_message
    if person is None or person.is_bot:
        return None
    address, group = Address("telegram", str(chat.id if chat else person.id), str(person.id)), chat is not None and chat.type != "private"
    if query := update.callback_query:  # its message, when old, is only a stub: it still has its chat
        return (address, Message(option=query.data.encode(errors="replace").decode(), group=group)) if query.data else None
    kind = next((kind for kind, fields in _KINDS.items() if any(getattr(post, field, None) for field in fields)), None)
    if post is None or kind is None or (update.edited_message and not (post.text or post.caption)):  # such edits: live locations, polls
        return None
    whole = (post.text or post.caption or "").encode(errors="ignore").decode()  # JSON may carry half a surrogate pair, which no store takes
    text, called = _words(whole, me.username or "")
    quoted = post.reply_to_message if post.reply_to_message and post.reply_to_message.from_user == me else None
    notice = _NOTICE.match(quoted.text or "") if quoted else None
    reply_to = f"{notice[1]}.0" if notice else None  # the request's number stands in the text; which of its events it was, doesn't
    addressed, edits = not group or called or quoted is not None, str(post.message_id) if update.edited_message else None
    return address, Message(text, kind=kind, group=group, addressed=addressed, reply_to=reply_to, edits=edits)


def _words(text: str, name: str) -> tuple[str, bool]:
    """A text without the bot's name and with our commands as words; and whether it calls the bot."""
    us, flags = f"@{re.escape(name)}", re.IGNORECASE | re.ASCII
    command = re.match(rf"/(\w+)({us})?(?=\s|$)", text, flags)
    if command and (word := COMMANDS.get(command[1].lower())):
        return word, True
    bare, times = re.subn(rf"(^/\w+|(?<!\w)){us}(?!\w)[,，:：]?", r"\1", text, flags=flags)
    return (bare.strip() or COMMANDS["start"] if times else text), times > 0


def chat_of(update: Mapping[str, Any]) -> object:
    """The id of the chat that an update comes from; None where it names none."""
    with contextlib.suppress(AttributeError):  # a shape that Telegram never sends
        post = update.get("message") or update.get("edited_message") or update.get("callback_query", {}).get("message", {})
        return post.get("chat", {}).get("id")
    return None


def author_of(update: Mapping[str, Any]) -> Address:
    """Whose an update is that could not be handled, as far as it says so."""
    said: Mapping[str, Any] = next((update[part] for part in ALLOWED if isinstance(update.get(part), dict)), {})
    person = said.get("from")
    return Address("telegram", str(chat_of(update)), str(person.get("id") if isinstance(person, dict) else None))


def unnamed(part: Any) -> Any:
    """A part of an update without names, and with what could reach a person masked: to be looked at by somebody who mends us."""
    if isinstance(part, Mapping):
        return {key: unnamed(value) for key, value in part.items() if key not in _NAMES}
    if isinstance(part, (list, tuple)):
        return [unnamed(value) for value in part]
    return masked(part.encode(errors="replace").decode()) if isinstance(part, str) else part
