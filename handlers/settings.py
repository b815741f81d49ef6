"""What can be set: read from the environment, each checked, and refused with what to write instead."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from knowledge import loader
from storage import retention
from storage.contract import is_url


class SettingError(Exception):
    """A setting that cannot be used; the message names it and says what to write."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What can be set by environment."""

    host: str
    port: int
    hosts: tuple[str, ...]
    store: Path
    database: str | None
    """A PostgreSQL in place of the file `store`; files that belong to this machine still lie beside that."""
    knowledge: Path
    telegram_token: str | None
    telegram_api: str | None
    telegram_webhook: str | None
    telegram_secret: str | None
    admin_chat: str | None
    public_url: str | None
    telegram_local: bool
    """Whether the servers of `telegram_api` stand in the country: else private fields are not asked for there."""
    operator: str | None
    """Who answers for personal data, with how to reach them, as people are told."""
    log: str
    """`text` or `json`."""
    metrics_token: str | None
    keep_days: int
    """How long messages and idle conversations are kept."""
    keep_request_days: int
    """How long personal data of closed requests are kept."""

    @classmethod
    def read(cls, env: Mapping[str, str]) -> Settings:
        """Read the environment; SettingError for a value that makes no sense."""
        port = env.get("PORT", "8000")
        if not port.isdigit() or not 0 < int(port) < 65536:
            raise SettingError(f"设置 PORT 是“{port}”，应是 1 到 65535 之间的数字，例如 PORT=8000")
        token = env.get("TELEGRAM_TOKEN") or None
        if token and (":" not in token or not token.split(":")[0].isdigit()):
            raise SettingError("设置 TELEGRAM_TOKEN 的形式不对，应是 BotFather 给的“数字:字母”一串；不用 Telegram 就不要设置它")
        webhook = env.get("TELEGRAM_WEBHOOK") or None
        if webhook and not webhook.startswith("https://"):
            raise SettingError("设置 TELEGRAM_WEBHOOK 应是 https:// 开头的网址；不用 webhook 就不要设置它")
        secret = env.get("TELEGRAM_SECRET") or None
        if webhook and not secret:
            raise SettingError("用 TELEGRAM_WEBHOOK 时要同时设置 TELEGRAM_SECRET（自己定的一串字母数字，用来核对来源）")
        database = env.get("DATABASE_URL") or None
        if database and not is_url(database):
            raise SettingError("设置 DATABASE_URL 应是 postgresql:// 开头的地址，例如 postgresql://用户:密码@主机:5432/库名；用 SQLite 就不要设置它")
        form = env.get("LOG") or "text"
        if form not in ("text", "json"):
            raise SettingError(f"设置 LOG 是“{form}”，应是 text（给人看）或 json（给程序看，一行一个）")
        knowledge = Path(env.get("KNOWLEDGE") or loader.SHIPPED)
        admin_chat = env.get("ADMIN_CHAT") or None
        if admin_chat and not (token and admin_chat.removeprefix("-").isdigit()):
            raise SettingError("设置 ADMIN_CHAT 应是 Telegram 对话的编号（一串数字），并且要同时设置 TELEGRAM_TOKEN；不用就不要设置它")
        return cls(
            env.get("HOST", "127.0.0.1"),
            int(port),
            tuple(name.strip().lower() for name in env.get("HOSTS", "").split(",") if name.strip()),
            Path(env.get("STORE") or "data/yuanqitong.db"),
            database,
            knowledge,
            token,
            env.get("TELEGRAM_API"),
            webhook,
            secret,
            admin_chat,
            _public(env.get("PUBLIC_URL") or ""),
            _yes(env, "TELEGRAM_LOCAL"),
            env.get("OPERATOR", "").strip() or None,
            form,
            env.get("METRICS_TOKEN") or None,
            _days("KEEP_DAYS", env.get("KEEP_DAYS"), retention.KEEP_DAYS),
            _days("KEEP_REQUEST_DAYS", env.get("KEEP_REQUEST_DAYS"), retention.KEEP_REQUEST_DAYS),
        )


def _yes(env: Mapping[str, str], name: str) -> bool:
    text = env.get(name) or "no"
    if text not in ("yes", "no"):
        raise SettingError(f"设置 {name} 是“{text}”，应是 yes 或 no")
    return text == "yes"


def _days(name: str, text: str | None, default: int) -> int:
    """A number of days."""
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= 36500):
        raise SettingError(f"设置 {name} 是“{text}”，应是天数（1 到 36500 的整数），例如 {name}={default}")
    return int(text)


def _public(text: str) -> str | None:
    """The address under which people reach the web pages, without a slash at its end; None where it isn't set."""
    if not text:
        return None
    try:
        url = urlsplit(text.rstrip("/"))
        plain = url.scheme in ("https", "http") and bool(re.fullmatch(r"[\w-]+(\.[\w-]+)+", url.hostname or "")) and url.port != 0
    except ValueError:  # a port that is no number
        plain = False
    if not plain or text.rstrip("/") != f"{url.scheme}://{url.netloc}" or "@" in url.netloc:
        raise SettingError(
            f"设置 PUBLIC_URL 是“{text}”，应是别人能打开的网址，只写到域名（或再加端口），例如 PUBLIC_URL=https://yqt.example.cn；不用就不要设置它"
        )
    return text.rstrip("/")
