"""How the words of each setting are read: ValueError says, in Chinese, what should stand there."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from storage.contract import is_url
from storage.sealing import KeyFormatError, Sealing

_HOST = re.compile(r"(\*\.)?[^\W_][\w-]*(\.[\w-]+)*\.?|\[[0-9a-f:.]+\]")


def port(text: str) -> int:
    """A port."""
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise ValueError("应是 1 到 65535 之间的数字")
    return int(text)


def names(text: str) -> tuple[str, ...]:
    """Names of hosts, as a browser asks for them."""
    names = tuple(name.strip().lower() for name in text.split(",") if name.strip())
    if any(not _HOST.fullmatch(name) for name in names):
        raise ValueError("只写主机名，不带 https://、端口和路径，几个用逗号分开")
    return names


def networks(text: str) -> tuple[str, ...]:
    """Addresses and networks."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    try:
        return tuple(name for name in names if ipaddress.ip_network(name))
    except ValueError:
        raise ValueError("应是代理的 IP 地址或网段，多个用逗号分开；没有代理就不要设置它") from None


def switch(text: str) -> bool:
    """On or off."""
    if text not in ("on", "off"):
        raise ValueError("应是 on 或 off")
    return text == "on"


def database(text: str) -> str:
    """The address of a PostgreSQL."""
    if not is_url(text):
        raise ValueError("应是 postgresql:// 开头的地址；用 SQLite 就不要设置它")
    return text


def token(text: str) -> str:
    """A bot's token."""
    if not re.fullmatch(r"[0-9]+:.+", text):
        raise ValueError("应是 BotFather 给的“数字:字母”一串；不用 Telegram 就不要设置它")
    return text


def rate(text: str) -> int:
    """Messages a second."""
    if not re.fullmatch(r"[0-9]{1,4}", text):
        raise ValueError("应是每秒最多发几条（整数，Telegram 一般是 30；0 是不限）")
    return int(text)


def secret(text: str) -> str:
    """A word that opens a door to whoever shows it."""
    if not re.fullmatch(r"[!-~]{16,}", text):
        raise ValueError("至少要 16 个字母、数字或符号：太短的猜得出来。用 openssl rand -hex 16 造一个")
    return text


def https(text: str) -> str:
    """An address over https."""
    if not text.startswith("https://"):
        raise ValueError("应是 https:// 开头的网址；不用 webhook 就不要设置它")
    return text


def chat(text: str) -> str:
    """The number of a Telegram chat."""
    if not re.fullmatch(r"-?[0-9]+", text):
        raise ValueError("应是 Telegram 对话的编号（一串数字）")
    return text


def form(text: str) -> str:
    """How log lines are written."""
    if text not in ("text", "json"):
        raise ValueError("应是 text（给人看）或 json（给程序看，一行一个）")
    return text


def sealing(text: str) -> Sealing:
    """The keys that stored texts are sealed with."""
    try:
        return Sealing.of(text)
    except KeyFormatError as error:
        raise ValueError(f"写法不对：{error}。用 python bot.py new-key 造一个；不加密就不要设置它") from None


def days(text: str) -> int:
    """A number of days."""
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= 36500):
        raise ValueError("应是天数（1 到 36500 的整数）")
    return int(text)


def public(text: str) -> str:
    """The address under which people reach the web pages, without a slash at its end."""
    try:
        url = urlsplit(text.rstrip("/"))
        plain = url.scheme in ("https", "http") and bool(re.fullmatch(r"[\w-]+(\.[\w-]+)+", url.hostname or "")) and url.port != 0
    except ValueError:  # a port that is no number
        plain = False
    if not plain or text.rstrip("/") != f"{url.scheme}://{url.netloc}" or "@" in url.netloc:
        raise ValueError("应是别人能打开的网址，只写到域名（或再加端口）")
    return text.rstrip("/")


def hidden(_: str) -> str:
    """Says that something is set, and shows nothing of it."""
    return "（已设置，不显示）"


def without_password(url: str) -> str:
    """An address without the password in it."""
    return re.sub(r"(password=)[^&]*", r"\1***", re.sub(r"(://[^:/@]*):.*@", r"\1:***@", url))
