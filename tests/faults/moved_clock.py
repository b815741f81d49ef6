"""The real program with a clock that can be moved while it runs: `python -m tests.faults.moved_clock FILE`; the file says by how many seconds.

Where our modules ask for the time of day they get the moved one. What measures how long something takes (`time.monotonic`) goes on, as it
does in a machine whose clock is set.
"""

from __future__ import annotations

import datetime
import sys
import time
from pathlib import Path
from typing import Any

import bot
import dialogs
import handlers
import handlers.metrics
import handlers.telegram
import handlers.web
import storage
import storage.postgres
import storage.sqlite

OURS = {package.__name__ for package in (bot, dialogs, handlers, storage)}


class _Kind(type):
    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, datetime.datetime)


def move(offset: Path) -> None:
    """Move the clock of this process by as many seconds as a file says, whenever it is asked."""

    class Moved(datetime.datetime, metaclass=_Kind):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Any:
            return datetime.datetime.now(tz) + datetime.timedelta(seconds=float(offset.read_text()))

    real = time.time
    time.time = lambda: real() + float(offset.read_text())
    for name, module in [*sys.modules.items()]:
        if name.partition(".")[0] in OURS and getattr(module, "datetime", None) is datetime.datetime:
            module.datetime = Moved  # type: ignore[attr-defined]


if __name__ == "__main__":
    move(Path(sys.argv[1]))
    sys.exit(bot.main(["serve"]))
