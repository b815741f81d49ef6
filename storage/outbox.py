"""What of the outbox can be tried: rows that can be read, and of each chat what stands before the first that must wait."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from storage.contract import FAR, OutboxItem, StoreError

log = logging.getLogger(__name__)


def readable(rows: Iterable[Sequence[Any]], read: Callable[[Any], OutboxItem]) -> tuple[list[OutboxItem], list[int]]:
    """The items of rows (id, channel, chat, …), and the ids of those whose bodies are broken for good. One must not stop the others.

    A body that no key of ours opens may be opened by another process, or tomorrow: its chat is left alone.
    """
    items, broken, left = list[OutboxItem](), list[int](), set[tuple[str, str]]()
    for row in rows:
        chat = (row[1], row[2])
        try:
            if chat not in left:
                items.append(read(row))
        except StoreError as error:
            log.error("outbox item %s cannot be opened, and its chat waits: %s", row[0], error)
            left.add(chat)
        except (ValueError, TypeError, KeyError):
            log.error("outbox item %s cannot be read", row[0])
            broken.append(row[0])
    return items, broken


def up_to_due(items: Iterable[OutboxItem], now: datetime) -> list[OutboxItem]:
    """Of each chat the items, in order, before the first that is not yet due. `now` is aware."""
    found, held = [], set()
    for item in items:
        chat = (item.address.channel, item.address.chat)
        if item.due is not None and now < item.due <= now + FAR:
            held.add(chat)
        elif chat not in held:
            found.append(item)
    return found
