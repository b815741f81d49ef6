"""What can be set: one entry a setting, each checked, and refused with what to write instead. docs/settings.md is made from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self, TypeVar

from dialogs.consent import notice
from handlers import settings_values as parse
from handlers.settings_sources import Given, Problem, exposed, gather
from knowledge import loader
from storage import retention
from storage.contract import Place
from storage.sealing import PLAIN, Sealing

T = TypeVar("T")
SECRET = 8
"""Characters from which on a value is masked in log lines."""


class SettingError(Exception):
    """Settings that cannot be used; the message says all that is wrong with them and what to write."""

    def __init__(self, *problems: Problem | str) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Entry:
    """One setting: its name, what reads it (ValueError says what it should be), and what it is, in Chinese and in English."""

    name: str
    read: Callable[[str], Any]
    default: Any
    zh: str
    en: str
    example: str
    needs: str
    """Another setting, without which this one means nothing."""
    hide: Callable[[str], str] | None
    """What may be shown of a value that is secret."""
    also: tuple[str, ...]
    """Other names that people write for it."""


def setting(
    name: str,
    read: Callable[[str], Any],
    default: T,
    zh: str,
    en: str,
    example: str,
    *,
    needs: str = "",
    hide: Callable[[str], str] | None = None,
    also: tuple[str, ...] = (),
) -> T:
    """A field of `Settings` that is set by this name."""
    made: T = field(default=default, metadata={"entry": Entry(name, read, default, zh, en, example, needs, hide, also)})
    return made


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set. A new setting is one entry here."""

    host: str = setting("HOST", str, "127.0.0.1", "网页聊天的地址", "address of the web chat", "0.0.0.0")
    port: int = setting("PORT", parse.port, 8000, "网页聊天的端口", "port of the web chat", "8000")
    hosts: tuple[str, ...] = setting(
        "HOSTS",
        parse.names,
        (),
        "还允许用哪些主机名访问，逗号分开；放在代理后面时用",
        "more names under which it may be reached, with commas between; for a proxy before it",
        "yqt.example.cn,*.example.cn",
    )
    public_url: str | None = setting(
        "PUBLIC_URL",
        parse.public,
        None,
        "别人打开网页用的网址；设了，Telegram 里的预审结果就带“打开完整报告”的按钮",
        "where people open the web pages; with it, results in Telegram have a button to the full report",
        "https://yqt.example.cn",
    )
    trusted_proxies: tuple[str, ...] = setting(
        "TRUSTED_PROXIES",
        parse.networks,
        (),
        "前面的代理的 IP 或网段，逗号分开；只有它们说的访问者地址和 https 才算数，按地址的限流靠它（见[安全](security.md)）",
        "addresses or networks of the proxies before it: only their word for a visitor's address and for https counts; limits per address need it",
        "127.0.0.1",
    )
    limits: bool = setting(
        "LIMITS",
        parse.switch,
        True,
        "每个对话、每个网络地址能发多少的上限（见[安全](security.md)）；只有压力测试时才写 `off`",
        "limits of what one chat and one address may send; `off` is for load tests",
        "on",
    )
    store: Path = setting("STORE", Path, Path("data/yuanqitong.db"), "数据文件", "the data file", "/var/lib/yuanqitong/yuanqitong.db")  # noqa: RUF009 - a field
    database: str | None = setting(
        "DATABASE_URL",
        parse.database,
        None,
        "用 PostgreSQL 时的地址；设了就不用数据文件，可以同时启动几个（见[扩展](scaling.md)）。只属于这台机器的小文件仍放在 `STORE` 旁边",
        "a PostgreSQL in place of the data file, for any number of processes; files that belong to this machine still lie beside `STORE`",
        "postgresql://用户:密码@主机:5432/库名",
        hide=parse.without_password,
    )
    knowledge: Path = setting("KNOWLEDGE", Path, loader.SHIPPED, "知识库文件夹", "folder of the knowledge base", "/srv/yuanqitong/knowledge")  # noqa: RUF009 - a field
    telegram_token: str | None = setting(
        "TELEGRAM_TOKEN",
        parse.token,
        None,
        "BotFather 给的口令；设了就接 Telegram",
        "BotFather's token; with it the bot is on Telegram",
        "123456:ABC-def",
        hide=parse.hidden,
        also=("TELEGRAM_BOT_TOKEN",),
    )
    telegram_api: str | None = setting(
        "TELEGRAM_API",
        str,
        None,
        "换用自建的 Bot API 服务器；不设就是 Telegram 的",
        "a Bot API server of one's own; else Telegram's",
        "http://127.0.0.1:8081",
    )
    telegram_webhook: str | None = setting(
        "TELEGRAM_WEBHOOK",
        parse.https,
        None,
        "用 webhook 时的网址，指到本机 `/telegram`；不设就用轮询",
        "address for a webhook that leads to `/telegram` here; else polling",
        "https://yqt.example.cn/telegram",
        needs="TELEGRAM_SECRET",
    )
    telegram_secret: str | None = setting(
        "TELEGRAM_SECRET",
        parse.secret,
        None,
        "自己定的一串字母数字，至少 16 个，用来核对 webhook 的来源",
        "at least 16 letters and digits of your own, by which calls of the webhook are known",
        "（openssl rand -hex 16 打印的一串）",
        hide=parse.hidden,
    )
    telegram_rate: int = setting(
        "TELEGRAM_RATE",
        parse.rate,
        30,
        "Telegram 每秒一共最多发几条；每个对话、每个群的限额也照 Telegram 的规定。0 是不限",
        "messages a second to all chats together; chats and groups have Telegram's own limits. 0 sets none",
        "30",
    )
    telegram_local: bool = setting(
        "TELEGRAM_LOCAL",
        parse.switch,
        False,
        "这个渠道的服务器都在境内时写 `on`，才在聊天里问称呼和电话；不写就用自己的页面（要 `PUBLIC_URL`）或者不问（见[个人信息](privacy.md)）",
        "`on` where all servers of this channel stand in the country: only then are name and contact asked for in the chat",
        "on",
    )
    operator: str | None = setting(
        "OPERATOR",
        str,
        None,
        "个人信息由谁处理，名称和联系方式，写在页面 `/privacy` 上；不写，页面就说还没有写明（见[个人信息](privacy.md)）",
        "who answers for personal data and how to reach them, told on the page `/privacy`",
        "某某生物医药产业园服务中心，邮箱 info@example.cn",
    )
    admin_chat: str | None = setting(
        "ADMIN_CHAT",
        parse.chat,
        None,
        "Telegram 对话的编号；知识库换上新版或换不上时，也发到这里",
        "number of a Telegram chat that is told of new and of refused knowledge",
        "-1001234567890",
        needs="TELEGRAM_TOKEN",
    )
    log: str = setting(
        "LOG",
        parse.form,
        "text",
        "日志写成 `text`（给人看）或 `json`（给程序看，一行一个，每轮对话一行）；里面没有电话和邮箱",
        "`text` for people or `json` for programs, a line a turn; no phones or addresses in it",
        "json",
    )
    metrics_token: str | None = setting(
        "METRICS_TOKEN",
        parse.secret,
        None,
        "设了，`/metrics` 就给 Prometheus 看数字，来看的要带这个口令，至少 16 个字符；不设就没有这个地址",
        "with it there are figures for Prometheus at `/metrics`, for who shows this token, of at least 16 characters",
        "（openssl rand -hex 16 打印的一串）",
        hide=parse.hidden,
    )
    sealing: Sealing = setting(  # noqa: RUF009 - a field
        "DATA_KEYS",
        parse.sealing,
        PLAIN,
        "设了，库里的对话、消息、请求、报告就加密保存；`new-key` 造出来的密钥，几个用逗号分开，第一个用来写（见[个人信息](privacy.md)）",
        "with them talks, messages, requests and reports are stored encrypted; keys made by `new-key`, with commas between; the first one writes",
        "（python bot.py new-key 打印的一行）",
        hide=parse.hidden,
    )
    keep_days: int = setting(
        "KEEP_DAYS",
        parse.days,
        retention.KEEP_DAYS,
        "消息和对话留多少天（见[个人信息](privacy.md)）",
        "days for which messages and talks are kept",
        "180",
    )
    keep_request_days: int = setting(
        "KEEP_REQUEST_DAYS",
        parse.days,
        retention.KEEP_REQUEST_DAYS,
        "已结束请求里的个人信息留多少天（见[个人信息](privacy.md)）",
        "days for which personal data of closed requests are kept",
        "730",
    )
    given: Mapping[str, Given] = field(default_factory=dict, repr=False, compare=False)
    """What was written by whoever set something, by name, and where."""

    @classmethod
    def read(cls, env: Mapping[str, str], file: Path | None = None) -> Self:
        """Read the environment and the file that is named here or there; SettingError with everything that makes no sense."""
        given, problems = gather(env, file, {entry.name: entry.also for entry in table()})
        values: dict[str, Any] = {}
        for attribute, entry in _entries():
            if (text := given.get(entry.name)) is None:
                continue
            try:
                values[attribute] = entry.read(text.text)
            except ValueError as error:
                shown = "写得不对" if entry.hide else f"是“{text.text}”"
                problems.append(Problem(text.where, f"{entry.name} {shown}，{error}", f"例如 {entry.name}={entry.example}"))
            if entry.needs and entry.needs not in given:
                problems.append(Problem(text.where, f"设了 {entry.name}，没有设 {entry.needs}", f"同时设置 {entry.needs}，或者不设 {entry.name}"))
        problems += _broken_promises(values, given)
        if problems:
            raise SettingError(*problems)
        return cls(**values, given=given)

    def warnings(self) -> Iterator[tuple[str, str]]:
        """What is allowed and not wise, with the remedy."""
        for file in dict.fromkeys(g.file for g in self.given.values() if g.file):
            if exposed(file) and any(entry.hide and self.given.get(entry.name, Given("")).file == file for entry in table()):
                yield f"设置文件 {file} 里有口令，这台机器上谁都能读或改", f"chmod o-rwx {file}"
        if self.public_url and not self.trusted_proxies:
            yield (
                "设了 PUBLIC_URL，没有设 TRUSTED_PROXIES：前面有代理时分不清访问者，按地址的限流不起作用",
                "设置 TRUSTED_PROXIES，例如 TRUSTED_PROXIES=127.0.0.1",
            )
        if not self.limits:
            yield "LIMITS=off：对话和地址都没有上限", "压力测试以外不要设置 LIMITS"

    @property
    def kept(self) -> Place | None:
        """Where somebody set data to be kept; None where nobody did."""
        return self.database or (self.store if "STORE" in self.given else None)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What never stands in a log line; what is too short to be a secret would take whole words out of it."""
        given = (self.given[entry.name].text for entry in table() if entry.hide and entry.name in self.given)
        return tuple(text for text in given if len(text) >= SECRET)

    def in_force(self) -> Iterator[tuple[str, str, str]]:
        """Every setting with its value, where it may be shown, and where that comes from."""
        for attribute, entry in _entries():
            shown, given = written(getattr(self, attribute)), self.given.get(entry.name)
            yield entry.name, entry.hide(shown) if shown and entry.hide else shown, given.where if given else "默认"


def _broken_promises(values: Mapping[str, Any], given: Mapping[str, Given]) -> Iterator[Problem]:
    """Where personal data would be kept for longer than people are told."""
    for name, days, promised in (
        ("KEEP_DAYS", values.get("keep_days", retention.KEEP_DAYS), notice().days),
        ("KEEP_REQUEST_DAYS", values.get("keep_request_days", retention.KEEP_REQUEST_DAYS), notice().request_days),
    ):
        if days > promised:
            where = given[name].where if name in given else "默认"
            fix = f"写成 {promised} 以下；要更长，先改 dialogs/notice.yaml，给它换一个版本，让大家重新同意"
            yield Problem(where, f"{name} 是 {days}，比个人信息说明里答应的 {promised} 天长", fix)


def _entries() -> Iterator[tuple[str, Entry]]:
    return ((f.name, f.metadata["entry"]) for f in fields(Settings) if f.metadata)


def table() -> tuple[Entry, ...]:
    """Every setting."""
    return tuple(entry for _, entry in _entries())


def written(value: object) -> str:
    """A value as one would write it; nothing where it isn't set."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return ",".join(map(str, value)) if isinstance(value, tuple) else "" if value is None else str(value)
