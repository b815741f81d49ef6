"""How systems are compared: ranking quality, paired tests, percentiles, time of single calls, memory of a fresh process. Standard library only."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import math
import os
import random
import re
import subprocess
import sys
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).parent.parent
DATA = ROOT.parent / "shared" / "data"
"""Public data that is read in place: ../shared/data beside the checkout."""
WARM = 50
"""Calls before the ones that are timed."""


T = TypeVar("T")
R = TypeVar("R")


class SkippedError(Exception):
    """A measurement that cannot be made here, and why."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A difference of two shares, with the 95% interval of a paired bootstrap."""

    difference: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.difference:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


def auroc(inside: Sequence[float], outside: Sequence[float]) -> float:
    """How often one that is inside scores higher than one that is outside; a tie counts half. 0.5 is chance; NaN where either is empty."""
    if not inside or not outside:
        return math.nan
    below = sorted(outside)
    return sum(bisect_left(below, s) + bisect_right(below, s) for s in inside) / (2 * len(inside) * len(below))


def mcnemar(ours: Sequence[bool], theirs: Sequence[bool]) -> float:
    """The exact two-sided p-value of McNemar's test: right answers of two systems on the same items, item by item."""
    only_ours = sum(a and not b for a, b in zip(ours, theirs, strict=True))
    only_theirs = sum(b and not a for a, b in zip(ours, theirs, strict=True))
    differing, fewer = only_ours + only_theirs, min(only_ours, only_theirs)
    return min(1.0, 2 * sum(math.comb(differing, k) for k in range(fewer + 1)) / (1 << differing))


def paired_bootstrap(ours: Sequence[float], theirs: Sequence[float], rounds: int = 2000, seed: int = 7) -> Interval:
    """The mean difference of two systems on the same items, items drawn again with replacement."""
    differences = [a - b for a, b in zip(ours, theirs, strict=True)]
    size, draw = len(differences), random.Random(seed)
    means = [sum(draw.choices(differences, k=size)) / size for _ in range(rounds)]
    return Interval(sum(differences) / size, percentile(means, 0.025), percentile(means, 0.975))


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of the values does not exceed (nearest rank)."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def timed(call: Callable[[T], R], inputs: Sequence[T], seconds: float = math.inf) -> tuple[list[R], list[float]]:
    """What a call gives for each input, one after the other, and the microseconds each took; warmed up, ended once `seconds` are spent."""
    for item in inputs[:WARM]:
        call(item)
    results, micros, begun = [], [], time.perf_counter()
    for item in inputs:
        before = time.perf_counter_ns()
        result = call(item)
        micros.append((time.perf_counter_ns() - before) / 1000)
        results.append(result)
        if time.perf_counter() - begun > seconds:
            break
    return results, micros


def settled() -> float:
    """The resident memory in MB before a measurement, with what is free given back: else it would be filled unseen."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)  # glibc
    return resident()


def resident() -> float:
    """The resident memory of this process in MB; SkippedError where the system has no /proc."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError as error:
        raise SkippedError("memory: no /proc on this system") from error
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def peak() -> float:
    """The most resident memory that this process had, in MB. `ru_maxrss` would also count the process that started it."""
    try:
        return int(re.findall(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))[0]) / 1024
    except (OSError, IndexError) as error:
        raise SkippedError("memory: no /proc on this system") from error


def fresh(module: str, *arguments: str) -> Any:
    """What `python -m module arguments` prints as JSON in a process of its own; SkippedError with its last line where it fails."""
    done = subprocess.run([sys.executable, "-m", module, *arguments], capture_output=True, text=True, cwd=ROOT, check=False)
    if done.returncode:
        raise SkippedError((done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1])
    return json.loads(done.stdout)


def weight(module: str, system: str) -> str:
    """The MB that `python -m module --weigh system` prints, as a cell of a table; a dash where it can't be measured here."""
    try:
        return f"{float(fresh(module, '--weigh', system)):.0f}"
    except SkippedError:
        return "–"
