"""The terminal: a talk for people, and JSON lines for programs."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, TextIO

from dialogs.messages import KINDS, Message, Source, cited
from dialogs.turns import LOCAL, Handled, Turns
from storage.contract import Address

CHANNEL = "console"
YEARS = range(2000, 2100)
"""What a message may be dated: beyond, days can't be reckoned with."""


class LineError(ValueError):
    """A line of `chat --jsonl` that cannot be read."""


@dataclass(frozen=True, slots=True)
class Line:
    """One message of the JSONL form."""

    address: Address
    message: Message
    update_id: str | None


def read_line(line: bytes) -> Line:
    """Read one line; LineError says which field is wrong and what it must be."""
    try:
        body = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
        raise LineError('not JSON in UTF-8: write one object a line, such as {"chat": "u1", "text": "…"}') from error
    if not isinstance(body, dict):
        raise LineError('not a JSON object: write {"chat": …, "text": …}')
    known = {
        "chat": str,
        "text": str,
        "option": str,
        "id": str,
        "kind": str,
        "at": str,
        "from": str,
        "group": bool,
        "addressed": bool,
        "reply_to": str,
        "edits": str,
    }
    for key, value in body.items():
        if key not in known:
            raise LineError(f"unknown field {key!r}: known are {', '.join(known)}")
        number_as_id = key in ("id", "chat", "from", "reply_to", "edits") and isinstance(value, int) and not isinstance(value, bool)
        if value is not None and not isinstance(value, known[key]) and not number_as_id:
            raise LineError(f"field {key!r} must be a {'boolean' if known[key] is bool else 'string'}")
    # Half a character (a lone surrogate) can be neither stored nor shown.
    given: dict[str, Any] = {k: str(v).encode(errors="replace").decode() if known[k] is str else v for k, v in body.items() if v is not None}
    if not given.get("chat"):
        raise LineError("field 'chat' is missing: it names the conversation")
    kind = given.get("kind", "text")
    if kind not in KINDS:
        raise LineError(f"field 'kind' is {kind!r}: it must be one of {', '.join(KINDS)}")
    if "text" in given and "option" in given:
        raise LineError("both 'text' and 'option' are given: a message is one or the other")
    if "text" not in given and "option" not in given and kind == "text":
        raise LineError("field 'text' or 'option' is missing")
    message = Message(
        text=given.get("text", ""),
        option=given.get("option"),
        kind=kind,
        group=given.get("group", False),
        addressed=given.get("addressed", not given.get("group", False)),
        reply_to=given.get("reply_to"),
        edits=given.get("edits"),
        at=_moment(given["at"]) if "at" in given else None,
    )
    return Line(Address(CHANNEL, given["chat"], given.get("from", given["chat"])), message, given.get("id"))


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        if moment.year not in YEARS:
            raise ValueError("no time of ours")
    except ValueError as error:
        raise LineError(f"field 'at' is {text!r}: write an ISO time such as 2026-11-22T09:30:00+08:00") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=LOCAL)


def noon(today: date | None) -> datetime | None:
    """Noon of a day in Shanghai; None for None."""
    return datetime.combine(today, time(12), LOCAL) if today else None


async def jsonl(turns: Turns, lines: Iterator[bytes], out: TextIO, today: date | None = None) -> None:
    """Answer one JSON object a line with exactly one a line, in order, flushed."""
    while (line := await asyncio.to_thread(next, lines, None)) is not None:
        answer = await _answer_line(turns, line, today)
        out.write(json.dumps(answer, ensure_ascii=False) + "\n")
        out.flush()


async def _answer_line(turns: Turns, text: bytes, today: date | None) -> Mapping[str, Any]:
    try:
        line = read_line(text)
        return (await turns.handle(line.address, line.message, line.update_id, now=line.message.at or noon(today), pull=True)).result
    except LineError as error:
        return {"error": str(error)}
    except Exception as error:  # one bad line must not end the run
        return {"error": f"internal error: {type(error).__name__}: {error}"}


async def talk(turns: Turns, chat: str, today: date | None = None, out: TextIO = sys.stdout, read: Callable[[str], str] = input) -> None:
    """A talk in the terminal: buttons are numbered, `/1` taps the first."""
    address, options = Address(CHANNEL, chat, chat), list[dict[str, str]]()
    show(await turns.handle(address, Message("你好"), now=noon(today), pull=True), out, options)
    while True:
        try:
            text = await asyncio.to_thread(read, "您：")
        except EOFError:
            return
        tapped = text.strip().removeprefix("/")
        if text.strip().startswith("/") and tapped.isdigit() and 0 < int(tapped) <= len(options):
            message = Message(option=options[int(tapped) - 1]["payload"])
        else:
            message = Message(text)
        show(await turns.handle(address, message, now=noon(today), pull=True), out, options)


def show(handled: Handled, out: TextIO, options: list[dict[str, str]]) -> None:
    """Print replies with sources and numbered buttons; `options` then holds the buttons."""
    options.clear()
    for reply in handled.result["replies"]:
        who = "团队" if reply["by"] == "team" else "园企通"
        out.write(f"\n{who}：{reply['text']}\n")
        for line in cited(map(Source.from_json, reply["citations"])):
            out.write(f"  {line}\n")
        for option in reply["options"]:
            options.append(option)
            out.write(f"  [/{len(options)}] {option['label']}\n")
    out.flush()
