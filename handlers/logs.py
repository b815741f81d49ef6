"""Log lines: as text for a terminal, or as one JSON object a line for programs. What could reach a person is masked in both."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime

from dialogs.talk import masked
from dialogs.turns import TURN, Seconds

log = logging.getLogger("yuanqitong.turn")


class Plain(logging.Formatter):
    """A line for people, with the turn that it belongs to."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s%(turn)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """The line; a traceback stands below it."""
        record.turn = f" [{TURN.get()}]" if TURN.get() else ""
        return _masked(super().format(record))


class Json(logging.Formatter):
    """A line for programs: at, level, logger, turn, text, what else was given, and the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            **({"turn": TURN.get()} if TURN.get() else {}),
            "text": _masked(record.getMessage()),
            **getattr(record, "figures", {}),
            **({"error": _masked(self.formatException(record.exc_info))} if record.exc_info else {}),
        }
        return json.dumps(line, ensure_ascii=False)


_CONTACT = re.compile(
    r"(?<!\d)(?:\+?86[- ]?)?1[3-9]\d(?:[- ]?\d{4}){2}(?!\d)|(?<!\d)0\d{2,3}[- ]?\d{7,8}(?!\d)|[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.ASCII
)
"""Numbers and addresses as they are mostly written; a line in which others are read as well is masked as a transcript is, in small letters."""


def _masked(text: str) -> str:
    return "\n".join(masked(_CONTACT.sub("***", line)) for line in text.split("\n"))


def set_up(form: str) -> None:
    """Send log lines to the standard error, as `text` or as `json`; as JSON each turn has a line."""
    handler = logging.StreamHandler()
    handler.setFormatter(Json() if form == "json" else Plain())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    log.setLevel(logging.INFO if form == "json" else logging.WARNING)
    logging.getLogger("yuanqitong.purge").setLevel(logging.INFO)  # once a day, and somebody may have to show it


def told(turn: Seconds) -> None:
    """A line for a turn that is done; nothing of what was said is in it."""
    if log.isEnabledFor(logging.INFO):
        figures = {"channel": turn.channel, "ms": round(turn.seconds * 1000, 1), "understood": turn.understood, "duplicate": turn.duplicate}
        log.info("turn", extra={"figures": figures})
