"""Token buckets: how much may be done in a time, with short bursts. A bucket is told by the moment at which it will be full again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from storage.contract import Limit

_MANY = 10_000
"""How many buckets are kept before those that are full again are let go."""


def drawn(limits: Sequence[Limit], full: Mapping[str, datetime], now: datetime) -> tuple[dict[str, datetime], float]:
    """What changes of the buckets, and 0.0 where a token is taken from each, or else the seconds until there is one in all of them.

    The generic cell rate algorithm (ITU-T I.371): no clock ticks, one moment a bucket. A moment further away than an empty bucket's was set by a
    clock that was wrong: the bucket is then empty, and no more than that.
    """
    at, wait = {}, 0.0
    for limit in limits:
        token = timedelta(seconds=1 / limit.rate)
        at[limit.key] = min(max(full.get(limit.key, now), now), now + token * limit.burst)
        wait = max(wait, (at[limit.key] + token - token * limit.burst - now).total_seconds())
    if wait > 0:
        return {key: moment for key, moment in at.items() if moment < full.get(key, now)}, wait
    return {limit.key: at[limit.key] + timedelta(seconds=1 / limit.rate) for limit in limits}, 0.0


class Buckets:
    """The buckets of one process."""

    def __init__(self) -> None:
        self._full: dict[str, datetime] = {}
        self._many = _MANY

    def take(self, limits: Sequence[Limit], now: datetime) -> float:
        """Take a token from each, or say how many seconds to wait."""
        changed, wait = drawn(limits, self._full, now)
        self._full |= changed
        if len(self._full) > self._many:
            self._full = {key: at for key, at in self._full.items() if at > now}
            self._many = max(_MANY, 2 * len(self._full))
        return wait
