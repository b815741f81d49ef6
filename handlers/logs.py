"""Log lines: as text for a terminal, or as one JSON object a line for programs.

What could reach a person, and what opens a door (tokens, passwords, keys of reports), is masked in both; nobody's words begin a line of their own.
"""

from __future__ import annotations

import json
import logging
import re
import textwrap
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from dialogs.messages import masked
from dialogs.turns import TURN, Seconds
from storage.contract import StoreError

log = logging.getLogger("yuanqitong.turn")


class Plain(logging.Formatter):
    """A line for people, with the turn that it belongs to."""

    def __init__(self, secrets: Sequence[str] = ()) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s%(turn)s: %(message)s", "%Y-%m-%dT%H:%M:%S%z")
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        """The line; a traceback stands below it."""
        record.turn = f" [{TURN.get()}]" if TURN.get() else ""
        return _masked(super().format(record), self._secrets)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """The message on one line."""
        record.message = _CONTROL.sub(lambda found: repr(found[0])[1:-1], record.message)
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802
        """The traceback, indented: a line at the margin is always ours."""
        return textwrap.indent(super().formatException(ei), "    ")


class Json(logging.Formatter):
    """A line for programs: at, level, logger, turn, text, what else was given, and the traceback."""

    def __init__(self, secrets: Sequence[str] = ()) -> None:
        super().__init__()
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            **({"turn": TURN.get()} if TURN.get() else {}),
            "text": _masked(record.getMessage(), self._secrets),
            **getattr(record, "figures", {}),
            **({"error": _masked(self.formatException(record.exc_info), self._secrets)} if record.exc_info else {}),
        }
        return json.dumps(line, ensure_ascii=False)


class Again(logging.Filter):
    """Lets a failure that comes again and again through once a minute, with how often it came; a store's own words need no traceback.

    While a database is away, every part of the program that needs it fails, some twice a second: that is one thing to be told.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._told: dict[object, tuple[float, int]] = {}
        """When each was told last, and how often it came since."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is to be told now."""
        given = record.args if isinstance(record.args, tuple) else ()
        error = record.exc_info[1] if record.exc_info else next((a for a in given if isinstance(a, Exception)), None)
        if error is None:
            return True
        what = (type(error), re.sub(r"\d+", "", str(error)))
        others = tuple(str(a) for a in given if a is not error)
        key: object = what if type(error).__module__.partition(".")[0] in _DATABASE else (*what, record.pathname, record.lineno, others)
        now = self._clock()
        self._told = {k: (at, n) for k, (at, n) in self._told.items() if now - at < 2 * SELDOM}
        at, missed = self._told.get(key, (float("-inf"), 0))
        if now - at < SELDOM:
            self._told[key] = at, missed + 1
            return False
        self._told[key] = now, 0
        if record.exc_info and isinstance(error, StoreError):
            record.msg, record.args, record.exc_info = f"{record.getMessage()}：{error}", (), None
        if missed:
            record.msg, record.args = f"{record.getMessage()}（又有 {missed} 次）", ()
        return True


_DATABASE = ("storage", "psycopg")
"""Whose errors are one thing, wherever in the program they are met."""
SELDOM = 60.0
"""Seconds in which the same failure is told once."""
_CONTACT = re.compile(
    r"(?<!\d)(?:\+?86[- ]?)?1[3-9]\d(?:[- ]?\d{4}){2}(?!\d)|(?<!\d)0\d{2,3}[- ]?\d{7,8}(?!\d)|[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.ASCII
)
"""Numbers and addresses as they are mostly written; a line in which others are read as well is masked as a transcript is, in small letters."""


_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_DOORS = (
    (re.compile(r"(?<=://)([^\s:/@]*):[^\s/]*@"), r"\1:***@"),
    (re.compile(r"(?<![\w-])\d{6,}:[\w-]{30,}"), "***"),
    (re.compile(r"(/(?:report|contact|data)/)[\w-]{20,}"), r"\1***"),
    (re.compile(r"(?i)(\b(?:__host-)?yqt=|\bbearer )[\w.~+/-]{8,}=*"), r"\1***"),
)
"""Passwords in addresses of databases and proxies, tokens of bots, keys of pages, cookies and bearer tokens, wherever they stand."""


def _masked(text: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, "***")
    for door, shown in _DOORS:
        text = door.sub(shown, text)
    return "\n".join(masked(_CONTACT.sub("***", line)) for line in text.split("\n"))


def set_up(form: str, secrets: Sequence[str] = ()) -> None:
    """Send log lines to the standard error, as `text` or as `json`; as JSON each turn has a line. `secrets`: settings that never stand in one."""
    handler = logging.StreamHandler()
    handler.addFilter(Again())
    handler.setFormatter((Json if form == "json" else Plain)(secrets))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    log.setLevel(logging.INFO if form == "json" else logging.WARNING)
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # it tells of every try to reconnect; what fails meanwhile is told by us
    logging.getLogger("yuanqitong.purge").setLevel(logging.INFO)  # once a day, and somebody may have to show it


def told(turn: Seconds) -> None:
    """A line for a turn that is done; nothing of what was said is in it."""
    if log.isEnabledFor(logging.INFO):
        figures = {"channel": turn.channel, "ms": round(turn.seconds * 1000, 1), "understood": turn.understood, "duplicate": turn.duplicate}
        log.info("turn", extra={"figures": figures})
