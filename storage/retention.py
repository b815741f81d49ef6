"""How long what is kept, and why: rules as data, and a run through them in small steps."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.contract import Kept, Reduction, Store

KEEP_DAYS, KEEP_REQUEST_DAYS = 180, 730
REPEATS = 30
"""How many days a repeated update is recognised: the longest that any channel repeats one is a day, a browser may be left open for weeks."""
PAUSE = 0.01
"""Seconds between two steps: who waits for the store comes first."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What goes how many days after what, and why it is kept so long (in Chinese: the command says so)."""

    what: Kept
    name: str
    days: int
    since: str
    why: str


def rules(keep_days: int = KEEP_DAYS, keep_request_days: int = KEEP_REQUEST_DAYS) -> tuple[Rule, ...]:
    """The rules, with the two periods that can be set."""
    return (
        Rule("messages", "消息和对话", keep_days, "这条消息；最后一条走时，对话一起走", "能接着上次谈，团队能看前因后果"),
        Rule("updates", "去重记录", min(REPEATS, keep_days), "收到这条消息", "重复送来的消息不重复办理"),
        Rule("reports", "预审报告", 0, "报告自己的期限", "过期的链接打不开，也就不用留"),
        Rule("unanswered", "没答上来的问题", keep_days, "最后一次有人这样问", "管理员据此补充知识库；不带提问的人"),
        Rule("requests", "已结束请求里的个人信息", keep_request_days, "请求结束后最后一次改动", "事后查询和投诉；编号、类型、状态、日期留作统计"),
    )


async def purge(store: Store, now: datetime, rules: tuple[Rule, ...], reduction: Reduction) -> Mapping[Rule, int]:
    """Let go of everything whose time is over; how much went by each rule."""
    gone = dict.fromkeys(rules, 0)
    for rule in rules:
        while count := await store.purge(rule.what, now - timedelta(days=rule.days), reduction):
            gone[rule] += count
            await asyncio.sleep(PAUSE)
    return gone


async def outdated(store: Store, now: datetime, rules: tuple[Rule, ...], reduction: Reduction) -> Mapping[Rule, int]:
    """How much would go by each rule."""
    return {rule: await store.outdated(rule.what, now - timedelta(days=rule.days), reduction) for rule in rules}
