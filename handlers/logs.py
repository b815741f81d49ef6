"""Log lines: as text for a terminal, or as one JSON object a line for programs.

What could reach a person, and what opens a door (tokens, passwords, keys of reports), is masked in both; nobody's words begin a line of their own.
"""

from __future__ import annotations

import json
import logging
import re
import textwrap
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from dialogs.messages import masked
from dialogs.turns import TURN, Seconds

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
    handler.setFormatter((Json if form == "json" else Plain)(secrets))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    log.setLevel(logging.INFO if form == "json" else logging.WARNING)
    logging.getLogger("yuanqitong.purge").setLevel(logging.INFO)  # once a day, and somebody may have to show it


def told(turn: Seconds) -> None:
    """A line for a turn that is done; nothing of what was said is in it."""
    if log.isEnabledFor(logging.INFO):
        figures = {"channel": turn.channel, "ms": round(turn.seconds * 1000, 1), "understood": turn.understood, "duplicate": turn.duplicate}
        log.info("turn", extra={"figures": figures})
