"""Letting go of what need not be kept any longer: every day while the program runs, and on the command line."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import UTC, datetime

from dialogs import cases
from handlers.settings import Settings
from storage import retention
from storage.contract import Reduction, Store
from storage.retention import Rule

EVERY = 24 * 3600.0
"""Seconds between two runs, and after one that failed: what is late by a day is late by little."""
REDUCTION = Reduction(tuple(sorted(cases.CLOSED)), cases.anonymous)
log = logging.getLogger("yuanqitong.purge")


def rules(settings: Settings) -> tuple[Rule, ...]:
    """The rules as they are set."""
    return retention.rules(settings.keep_days, settings.keep_request_days)


async def run(store: Store, rules: tuple[Rule, ...]) -> None:
    """Let go at once and every day, until cancelled; a log line says what went, where something did."""
    while True:
        try:
            gone = await retention.purge(store, datetime.now(UTC), rules, REDUCTION)
            if any(gone.values()):
                log.info("过了保存期限的删掉了：%s", "、".join(f"{rule.name} {count}" for rule, count in gone.items() if count))
        except Exception:  # one row that cannot be read must not end the program
            log.exception("过了保存期限的没有删完，明天再删")
        await asyncio.sleep(EVERY)


async def command(store: Store, rules: tuple[Rule, ...], dry_run: bool) -> int:
    """`purge`: let go now, or only say what would go."""
    done = await (retention.outdated if dry_run else retention.purge)(store, datetime.now(UTC), rules, REDUCTION)
    print("\n".join(_told(done, "可以删" if dry_run else "删了")))
    return 0


def _told(counts: Mapping[Rule, int], verb: str) -> list[str]:
    kept = {rule: f"从{rule.since}起留 {rule.days} 天" if rule.days else "到期就删" for rule in counts}
    return [f"{rule.name}：{verb} {count} 条。{kept[rule]}：{rule.why}。" for rule, count in counts.items()]
