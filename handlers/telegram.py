"""The Telegram channel: updates in, replies out; the only module that imports `telegram`, and of it no more than `Bot` and its types.

An update is confirmed (by the next getUpdates, or by answering the webhook) only after its turn was stored: kill the process
anywhere, and Telegram sends the update again, and the store recognises it.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import logging
import os
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions, Update, User
from telegram.error import BadRequest, ChatMigrated, Conflict, Forbidden, InvalidToken, RetryAfter, TelegramError

from dialogs.delivery import DeliveryError
from dialogs.messages import Message, Option, Reply, cited
from dialogs.script import Private
from dialogs.texts import texts
from dialogs.turns import BusyError, Handled, TurnError, Turns
from handlers.limits import Limits
from handlers.telegram_http import BotApiClient, UnansweredError
from handlers.telegram_updates import ALLOWED, TEAM, author_of, chat_of, read, unnamed
from storage.contract import Address, Limit, OutboxItem, Parked, StoreError

_TRIES = 3
RATE = 30.0
"""Messages a second that Telegram takes from one bot, whatever the chats."""
_STEP, _LONGEST, _QUIET = 1.0, 30.0, 86_400.0
"""Seconds: the first wait after a failure, the longest one, and the silence after which the offset is forgotten."""
_NOT_ITS_FAULT = (StoreError, TurnError, BusyError, TelegramError)
"""What an update cannot help: it stays unconfirmed and comes again."""
_FIRST = 10.0
"""Seconds in which pieces of a long reply go out one after the other; the rest goes with the next try, and the chat's claim holds."""
_HUSH = 60.0
"""Seconds between two words to a chat that sends too much."""
_CONFLICT = "另一个程序在用同一个 TELEGRAM_TOKEN，或设过 webhook。请停掉那个程序，或 curl https://api.telegram.org/bot$TELEGRAM_TOKEN/deleteWebhook。"
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
log = logging.getLogger(__name__)


class TelegramSettingError(Exception):
    """A setting with which the channel can't work; the message names it and says what to do."""


class Telegram:
    """The channel. `draw`: a picture's spec → PNG (without it, only texts are sent); `base_url`: another Bot API server (default:
    Telegram's); `secret`: what its webhook calls must carry; `public`: the address under which people reach our pages (without it no
    reply leads to one); `pace`: waits until one more message to a chat is allowed; `intake`: how much a chat may say (without it, anything);
    `local`: whether its servers stand in the country, so that private fields may be asked for in the chat.
    """

    def __init__(
        self,
        turns: Turns,
        token: str,
        draw: Callable[[str], bytes | None] = lambda spec: None,
        *,
        base_url: str | None = None,
        secret: str | None = None,
        public: str | None = None,
        pace: Callable[[str], Awaitable[None]] | None = None,
        intake: Limits | None = None,
        local: bool = False,
        long_poll: int = 50,
    ) -> None:
        _hide(token)
        logging.getLogger("telegram").setLevel(logging.CRITICAL)  # it prints whole error pages; we log what it raises
        os.environ.setdefault("PTB_TIMEDELTA", "true")  # or PTB warns of a deprecation whenever Telegram asks for patience
        api = (base_url or "https://api.telegram.org").rstrip("/").removesuffix("/bot")
        self._clients = BotApiClient(api, 2), BotApiClient(api, 128, pool=5, connect=5, read=15)
        self._bot = Bot(token, f"{api}/bot", get_updates_request=self._clients[0], request=self._clients[1])
        self._turns, self._draw, self._secret, self._public, self._long_poll = turns, draw, secret, public, long_poll
        self._pace = pace
        self._intake = intake
        self._hushed: dict[str, float] = {}  # by chat: when it was told that it sends too much
        self._private: Private = "here" if local else "page" if public else "nowhere"
        self._me: User | None = None
        self._spinners: set[asyncio.Future[Any]] = set()
        self._sent: dict[str, tuple[int, int]] = {}  # by chat: the outbox item under way, and how many of its pieces were sent

    async def close(self) -> None:
        """Let go of connections."""
        for answer in self._spinners:
            answer.cancel()
        await asyncio.gather(*self._spinners, *(client.shutdown() for client in self._clients), return_exceptions=True)

    async def run_polling(self) -> None:
        """Fetch updates and handle them until cancelled; TelegramSettingError when the token is refused."""
        offset: int | None = None
        failures, told, heard = 0, "", time.monotonic()
        while True:
            try:
                await self._identity()
                # Not `get_updates`: that fails as a whole when PTB can't read one update.
                data = {"offset": offset, "timeout": self._long_poll, "allowed_updates": ALLOWED}
                updates = await self._bot._post("getUpdates", data, read_timeout=self._long_poll + 10)
                await self._batch(updates)
            except InvalidToken as error:
                raise TelegramSettingError(
                    f"Telegram 不认设置 TELEGRAM_TOKEN（{error}）：请向 BotFather 核对（设了 TELEGRAM_API 的，也核对它），再重新启动"
                ) from None
            except Exception as error:
                failures += 1
                trouble = f"{_CONFLICT if isinstance(error, Conflict) else ''}{str(error)[:200]}"  # it may quote a whole error page
                if trouble != told:
                    known = isinstance(error, (TelegramError, StoreError))
                    log.error("Telegram 的消息暂时收不了，一直在重试，消息不会丢：%s", trouble, exc_info=None if known else error)
                told = trouble
                await asyncio.sleep(_seconds(error) or _pause(failures))
                continue
            failures, told = 0, ""
            if updates:
                offset, heard = updates[-1]["update_id"] + 1, time.monotonic()
            elif time.monotonic() - heard > _QUIET:
                offset = None  # confirmed long since; after a quiet week ids start anew, perhaps lower, and this offset would drop them

    async def receive(self, body: bytes, secret_header: str | None) -> int:
        """A webhook call: the HTTP status to answer with, 200 only after the turn was stored. Telegram repeats the others."""
        if not self._secret or not hmac.compare_digest((secret_header or "").encode(errors="replace"), self._secret.encode()):
            return 403
        try:
            update = json.loads(body)
            int(update["update_id"])
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            return 400
        try:
            await self._settle(update)
        except _NOT_ITS_FAULT as error:
            log.error("Telegram 的更新 %s 没有处理成，等它再送来：%s", update["update_id"], error)
            return 503
        return 200

    async def set_webhook(self, url: str, secret: str) -> None:
        """Have Telegram send updates to this address, with this secret (1 to 256 letters, digits, `_` or `-`) in a header."""
        self._secret, failures = secret, 0
        while True:
            try:
                await self._bot.set_webhook(url, secret_token=secret, allowed_updates=ALLOWED)
                return
            except (InvalidToken, BadRequest) as error:
                names = "TELEGRAM_TOKEN" if isinstance(error, InvalidToken) else "TELEGRAM_WEBHOOK、TELEGRAM_SECRET"
                raise TelegramSettingError(f"webhook {url} 没有登记成功（{error}）：请检查设置 {names}，再重新启动") from None
            except TelegramError as error:  # the web chat goes on meanwhile
                failures += 1
                log.error("webhook 还没有登记成（%s），稍后再试", error)
                await asyncio.sleep(_seconds(error) or _pause(failures))

    async def handle_update(self, update_json: Mapping[str, Any]) -> Handled | None:
        """Run and store the turn of one update; None where it isn't somebody's message to us."""
        update, handled = Update.de_json(dict(update_json), self._bot), None
        heard = read(update, await self._identity())
        if heard and not await self._floods(*heard):
            address, message = heard
            post = update.message or update.edited_message
            at = (post.edit_date or post.date) if post else None
            message = replace(message, at=at, private=self._private)  # the time is for pace only: a turn's day is ours
            handled = await self._turns.handle(address, message, str(update.update_id), now=self._turns.clock())
        if query := update.callback_query:  # stop its spinner; where that fails, it stops by itself
            answer = asyncio.gather(self._bot.answer_callback_query(query.id), return_exceptions=True)
            self._spinners.add(answer)
            answer.add_done_callback(self._spinners.discard)
        return handled

    async def _floods(self, address: Address, message: Message) -> bool:
        """Whether a chat sends more than anybody says: what is too much is not heard, and the chat is told so once a minute."""
        if self._intake is None or not await self._intake.chat(address):
            return False
        now = time.monotonic()
        if message.addressed and now - self._hushed.get(address.chat, -_HUSH) >= _HUSH:
            self._hushed = {chat: told for chat, told in self._hushed.items() if now - told < _HUSH} | {address.chat: now}
            log.warning("Telegram 的一个对话发得太快，有几条没有收")
            await self._turns.notify(address, texts("zh")("bad.too_many"))
        return True

    async def _batch(self, updates: Sequence[Mapping[str, Any]]) -> None:
        """Handle updates: chats side by side, each chat's in order. Raises, after all chats, when not an update but the store failed."""
        chats: dict[object, list[Mapping[str, Any]]] = {}
        for update in updates:
            chats.setdefault(chat_of(update), []).append(update)
        for failure in await asyncio.gather(*(self._settle(*queue) for queue in chats.values()), return_exceptions=True):
            if failure:
                raise failure

    async def _settle(self, *updates: Mapping[str, Any]) -> None:
        """Handle updates one after the other, and skip one that keeps failing: it must not stop the others for ever."""
        for update in updates:
            failure: Exception | None = None
            for attempt in range(1, _TRIES + 1):
                try:
                    await self.handle_update(update)
                    break
                except _NOT_ITS_FAULT:
                    raise
                except Exception as error:
                    log.exception("Telegram 的更新 %s：第 %s 次处理失败", update["update_id"], attempt)
                    await asyncio.sleep(_pause(attempt) if attempt < _TRIES else 0)
                    failure = error
            else:
                log.error("Telegram 的更新 %s：试了 %s 次，放到一边了，发的人没有得到答复；用 requests undelivered 看", update["update_id"], _TRIES)
                parked = Parked(author_of(update), str(update["update_id"]), unnamed(update), type(failure).__name__, self._turns.clock())
                await self._turns.store.park(parked)

    async def _identity(self) -> User:
        self._me = self._me or await self._bot.get_me()
        return self._me

    async def deliver(self, item: OutboxItem) -> None:
        """Send a reply; DeliveryError tells whether and when to try again. Pieces already sent are not repeated by this process."""
        reply, chat = Reply.from_json(item.body), item.address.chat
        pieces: list[str | bytes] = [*split(written(reply))]
        if reply.picture:
            pieces.insert(0, await self._picture(reply.picture))
        (under_way, sent), ends = self._sent.get(chat, (0, 0)), time.monotonic() + _FIRST
        for number, piece in enumerate(pieces, 1):
            if under_way == item.id and number <= sent:
                continue
            if time.monotonic() > ends:
                raise DeliveryError("the rest of a long reply follows", retry_after=0.0)
            if piece and self._pace:
                await self._pace(chat)
            try:
                if isinstance(piece, bytes):
                    if piece:
                        await self._bot.send_photo(chat, piece)
                else:
                    await self._write(chat, piece, reply if number == len(pieces) else None)
            except Exception as error:  # PTB also raises KeyError, for an answer that isn't the Bot API's
                refused = isinstance(error, (BadRequest, Forbidden, ChatMigrated))
                unanswered = isinstance(error, UnansweredError)
                if not (isinstance(piece, bytes) and isinstance(error, BadRequest)):
                    raise DeliveryError(repr(error)[:200], retry_after=_seconds(error), final=refused, uncertain=unanswered) from error
                log.warning("图片 %s 发不出去（%s），只发文字", reply.picture, error)
            self._sent[chat] = item.id, number
        self._sent.pop(chat, None)

    async def _picture(self, spec: str) -> bytes:
        """The PNG of a picture; empty where it can't be drawn: its text must still come, and be the second piece on every try."""
        try:
            picture = await asyncio.to_thread(self._draw, spec)
        except Exception:
            log.exception("图片 %s 画不出来，只发文字", spec)
            return b""
        if picture is None:
            log.warning("图片 %s 画不出来（资料里没有它说的园区），只发文字", spec)
        return picture or b""

    async def _write(self, chat: str, text: str, reply: Reply | None) -> None:
        """Send a text, with the buttons of the reply that it ends; a page whose address Telegram does not take is left out."""
        more = page(reply, self._public) if reply else None
        buttons = keyboard(reply.options, more) if reply else None
        try:
            # Not `send_message`: it makes an object of every field of the answer, and nobody looks at it.
            await self._bot._post("sendMessage", {"chat_id": chat, "text": text, "reply_markup": buttons, "link_preview_options": _NO_PREVIEW})
        except BadRequest as error:
            if reply is None or more is None or "url" not in str(error).lower():
                raise
            log.error(
                "Telegram 不接受 %s 的网址，打开完整报告的按钮没有显示：请检查设置 PUBLIC_URL", self._public
            )  # its words would give the key away
            await self._write(chat, text, replace(reply, link=None))


def limits(rate: float = RATE) -> Callable[[str], Sequence[Limit]]:
    """What Telegram allows: `rate` messages a second in all, one a second in a chat, twenty a minute in a group; short bursts are fine. None
    where `rate` is 0. https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this"""
    whole = Limit("telegram", rate, max(1, int(rate)))

    def of(chat: str) -> Sequence[Limit]:
        own = Limit(f"telegram {chat}", 20 / 60, 5) if chat.startswith("-") else Limit(f"telegram {chat}", 1, 5)
        return (own, whole) if rate else ()

    return of


def written(reply: Reply) -> str:
    """The text of a reply with its sources, one line a document."""
    lines = cited(reply.citations)
    return "\n".join([f"{TEAM if reply.by == 'team' else ''}{reply.text}", *lines[:6]]) + ("等" if len(lines) > 6 else "")


def split(text: str, limit: int = 4096) -> list[str]:
    """Pieces of at most `limit` UTF-16 units, cut at line ends; a line that is longer, after a full stop or where it must be."""
    pieces, rest = [], text.strip()
    while len(rest.encode("utf-16-le")) > 2 * limit:
        head = rest.encode("utf-16-le")[: 2 * limit].decode("utf-16-le", "ignore")
        cut = head.rfind("\n") + 1 or max(head.rfind(stop) for stop in "。；！？") + 1 or len(head)
        pieces.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*pieces, rest]


def page(reply: Reply, public: str | None) -> InlineKeyboardButton | None:
    """The button that opens the page of a reply; None where people can't reach our pages."""
    if not reply.link or not public:
        return None
    label = reply.link_label or texts("en" if any(c.gloss for c in reply.citations) else "zh")("dossier.open_link")
    return InlineKeyboardButton(label, url=public + reply.link)


def keyboard(options: Sequence[Option], first: InlineKeyboardButton | None = None) -> InlineKeyboardMarkup | None:
    """Buttons, two in a row where both are short; `first` above them in a row of its own."""
    rows: list[list[InlineKeyboardButton]] = [[first]] if first else []
    room = False
    for option in options:
        if not 1 <= len(option.payload.encode()) <= 64:
            log.error("按钮“%s”的数据 %r 不是 1 到 64 字节，没有显示", option.label, option.payload)
            continue
        label, short = option.label if len(option.label) <= 24 else f"{option.label[:23]}…", len(option.label) <= 8
        if not (room and short):
            rows.append([])
        rows[-1].append(InlineKeyboardButton(label, callback_data=option.payload))
        room = short and len(rows[-1]) == 1
    return InlineKeyboardMarkup(rows) if rows else None


def _seconds(error: Exception) -> float | None:
    wait = error.retry_after if isinstance(error, RetryAfter) else None
    return wait.total_seconds() if isinstance(wait, timedelta) else wait


def _pause(failures: int) -> float:
    return random.uniform(0.5, 1.0) * min(_LONGEST, _STEP * 2.0 ** min(failures, 10))


def _hide(token: str) -> None:
    """Blank the token in every log record of this process, whoever writes it."""
    inner = logging.getLogRecordFactory()

    def clean(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = inner(*args, **kwargs)
        with contextlib.suppress(Exception):  # a record whose arguments don't fit is for its handler to report
            text, trace = record.getMessage(), logging.Formatter().formatException(record.exc_info) if record.exc_info else ""
            if token in text + trace:
                record.msg, record.args, record.exc_info, record.exc_text = text.replace(token, "***"), (), None, trace.replace(token, "***")
        return record

    logging.setLogRecordFactory(clean)
