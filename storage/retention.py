"""How long what is kept, and why: rules as data, and a run through them in small steps."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.contract import Kept, Reduction, Store

KEPT_VERSIONS = 50
"""How many knowledge bases that were in use are kept; older ones go."""
KEPT_PRECHECKS = 10_000
"""How many pre-checks without the person are kept; older ones go."""
KEPT_REPORTS = 5_000
"""How many reports of pre-checks are kept at most; the oldest go."""
KEPT_RATINGS = 10_000
"""How many ratings without the person are kept; older ones go."""
PURGED = 20
"""How many expired reports go with one commit of a new one: more than come, and no turn waits for it."""
KEEP_DAYS, KEEP_REQUEST_DAYS = 180, 730
REPEATS = 30
"""How many days a repeated update is recognised: the longest that any channel repeats one is a day, a browser may be left open for weeks."""
LOOKED_AT = 30
"""How many days what could not be handled waits for somebody to look at it."""
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
        Rule("messages", "消息和对话", keep_days, "这条消息", "能接着上次谈，团队能看前因后果；最后一条消息走时，对话一起走"),
        Rule("updates", "去重记录", min(REPEATS, keep_days), "收到这条消息", "重复送来的消息不重复办理"),
        Rule("reports", "过期的报告和链接", 0, "到期", "过期的链接打不开，也就不用留"),
        Rule("parked", "没处理成的来信", min(LOOKED_AT, keep_days), "收到这条消息", "有人来看出了什么错"),
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
