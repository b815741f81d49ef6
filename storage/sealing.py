"""Texts that can be read with a key only: AES-256-GCM under named keys. The first key seals, all open; without keys everything stays plain.

A sealed text is `sealed:<key id>:<base64 of nonce and ciphertext>`. It is bound to the row it belongs to: moved to another, it does not open.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from storage.contract import Json, StoreError
from storage.memory import encode

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_SEALED = "sealed:"
_KEY = re.compile(r"([a-z0-9-]{1,32}):([A-Za-z0-9+/]{43}=)")
_NONCE = 12
_DIFFERENT = 16
"""Different bytes in a key that was drawn at random: fewer come once in many millions of years."""
EMPTY = "{}"
"""Holds nothing, so it need not be sealed."""
_PROOF = "园企通"


class KeyFormatError(ValueError):
    """Keys that are not written as they must be; the message says how, in Chinese, and shows none of them."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column that can hold personal text: what its rows are told apart by, and what a sealed text is bound to."""

    table: str
    key: tuple[str, ...]
    name: str
    bound: tuple[str, ...]


COLUMNS = (
    Column("conversations", ("channel", "chat", "person"), "body", ("channel", "chat", "person")),
    Column("messages", ("id",), "body", ("channel", "chat", "person", "at")),
    Column("requests", ("number",), "body", ("number",)),
    Column("updates", ("channel", "chat", "update_id"), "result", ("channel", "chat", "update_id")),
    Column("reports", ("key",), "body", ("key",)),
    Column("parked", ("id",), "body", ("channel", "update_id")),
)
"""Besides them, `unanswered.text`, which has a digest for its key."""


class Sealing:
    """Seals texts under the first of its keys and opens them under any."""

    def __init__(self, keys: Mapping[str, bytes] | None = None) -> None:
        self._keys: dict[str, AESGCM] = {}
        self.first: str | None = None
        """The id of the key that seals."""
        if keys:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # who seals nothing need not wait for it

            self._keys = {name: AESGCM(key) for name, key in keys.items()}
            self.first = next(iter(keys))
            self._digest = hmac.digest(keys[self.first], b"yuanqitong digest", "sha256")

    def __str__(self) -> str:
        """The names of its keys."""
        return ",".join(self.names)

    @classmethod
    def of(cls, text: str) -> Sealing:
        """The sealing with keys written as `k2:base64,k1:base64`; KeyFormatError where they are not."""
        keys: dict[str, bytes] = {}
        for part in filter(None, (p.strip() for p in text.split(","))):
            if not (found := _KEY.fullmatch(part)):
                raise KeyFormatError("每个密钥应是“编号:密钥”，编号是小写字母、数字、-，密钥是 32 字节的 base64（44 个字符），几个用逗号分开")
            if found[1] in keys:
                raise KeyFormatError(f"编号 {found[1]} 出现了两次")
            keys[found[1]] = key = b64decode(found[2])
            if len(set(key)) < _DIFFERENT or all(32 <= byte < 127 for byte in key):  # typed or counted by somebody, not drawn
                raise KeyFormatError(f"密钥 {found[1]} 不是随机的，猜得出来")
        return cls(keys)

    @property
    def names(self) -> tuple[str, ...]:
        """The ids of the keys, the one that seals first."""
        return tuple(self._keys)

    def seal(self, text: str, *bound: str) -> str:
        """A text that only opens with the key, in the place that it is bound to."""
        if self.first is None or text == EMPTY:
            return f" {text}" if text.startswith(_SEALED) else text  # nobody's words pass for sealed ones
        nonce = secrets.token_bytes(_NONCE)
        return f"{_SEALED}{self.first}:{b64encode(nonce + self._keys[self.first].encrypt(nonce, text.encode(), _place(bound))).decode()}"

    def open(self, text: str, *bound: str) -> str:
        """The text as it was; StoreError where its key is missing or another, or where it was moved or changed."""
        if not text.startswith(_SEALED):
            return text
        name, _, stored = text.removeprefix(_SEALED).partition(":")
        if name not in self._keys:
            raise StoreError(f"内容用密钥 {name} 加了密，但 DATA_KEYS 里没有 {name}。请把这个密钥加回 DATA_KEYS 的末尾，再启动。")
        from cryptography.exceptions import InvalidTag

        try:
            raw = b64decode(stored)
            return self._keys[name].decrypt(raw[:_NONCE], raw[_NONCE:], _place(bound)).decode()
        except (InvalidTag, ValueError):
            raise StoreError(
                f"用密钥 {name} 打不开表 {bound[0]} 里的一条内容：密钥和写入时的不同，或者内容被改动、挪动过。请检查 DATA_KEYS。"
            ) from None

    def put(self, body: Json, *bound: str) -> str:
        """A body as it is stored."""
        return self.seal(encode(body), *bound)

    def get(self, text: str, *bound: str) -> Json:
        """The body that was stored."""
        body: Json = json.loads(self.open(text, *bound))
        return body

    def digest(self, text: str) -> str:
        """What tells a text apart without showing it: with a key, nobody can try out what it might be."""
        if self.first is None:
            return hashlib.sha256(text.encode()).hexdigest()
        return hmac.digest(self._digest, text.encode(), "sha256").hex()

    def is_current(self, text: str) -> bool:
        """Whether a stored text is as it would be stored now."""
        return text == EMPTY or self.first is None or text.startswith(f"{_SEALED}{self.first}:")

    def proof(self) -> tuple[str, str] | None:
        """The first key's id, and a known text under it, to be kept with what it seals."""
        return None if self.first is None else (self.first, self.seal(_PROOF, "proof", self.first))

    def check(self, proofs: Mapping[str, str], place: str) -> None:
        """StoreError where a key that sealed something there is missing, or is another of the same id."""
        if missing := [name for name in proofs if name not in self._keys]:
            raise StoreError(f"{place} 里有用密钥 {'、'.join(missing)} 加密的内容，DATA_KEYS 里没有。请把缺的密钥加到 DATA_KEYS 末尾，再来一次。")
        for name, proof in proofs.items():
            try:
                self.open(proof, "proof", name)
            except StoreError:
                raise StoreError(f"DATA_KEYS 里的密钥 {name} 和写入 {place} 时的不是同一个。请换回原来的；新的密钥要用新的编号。") from None


PLAIN = Sealing()


def new_key() -> str:
    """A new key, as it is written in a setting."""
    return b64encode(secrets.token_bytes(32)).decode()


def moment(at: datetime) -> str:
    """A time as a text is bound to it, the same in every store."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _place(bound: tuple[str, ...]) -> bytes:
    return json.dumps(bound).encode()
