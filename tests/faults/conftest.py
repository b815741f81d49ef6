"""What the fault suite shares: sizes (short in `make test`, full in `make test-faults`), and the table of promised against measured figures."""

from __future__ import annotations

import inspect
import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

_HEAD = """# What goes wrong, and what then / 出了故障会怎样

Every row is a test that makes the fault happen to the real program or its real parts, on this machine alone, and fails where the promise is
not kept. `make test` runs a short version of each; `make test-faults` runs them in full and writes this page.

每一行都是一项测试：真的让故障发生，承诺没有做到，测试就不通过。本页由 `make test-faults` 写成。
"""


@dataclass(frozen=True, slots=True)
class Row:
    """A promise and what was measured."""

    fault: str
    promised: str
    measured: str


Measured = Callable[[str, str, str], None]
ROWS = pytest.StashKey[dict[str, list[Row]]]()


@dataclass(frozen=True, slots=True)
class Scale:
    """How big a run is: `scale(8, 1000)` is 8 in `make test` and 1,000 in `make test-faults`."""

    full: bool

    def __call__(self, short: int, full: int) -> int:
        return full if self.full else short


@pytest.fixture(autouse=True)
def _no_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few chats of this machine say here what a province says in a day: the programs that are started count nobody's messages."""
    monkeypatch.setenv("LIMITS", "off")
    monkeypatch.setenv("TELEGRAM_LOCAL", "on")  # the same talk on every channel


@pytest.fixture
def scale(pytestconfig: pytest.Config) -> Scale:
    """The size of this run."""
    return Scale(bool(pytestconfig.getoption("--faults")))


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Measured:
    """Call it with (what was made to go wrong, what is promised, what was measured), after the promise was asserted."""
    title = (inspect.getdoc(request.module) or request.module.__name__).split("\n")[0].rstrip(".")
    rows = request.config.stash.setdefault(ROWS, {}).setdefault(title, [])
    return lambda fault, promised, figure: rows.append(Row(fault, promised, figure))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember what did not pass: a table with holes is not written."""
    if not report.passed and "tests/faults/" in report.nodeid:
        _FAILED.append(report.nodeid)


_FAILED: list[str] = []


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the table, where every promise was kept."""
    path, rows = session.config.getoption("--faults"), session.config.stash.get(ROWS, {})
    if not path:
        return
    if _FAILED or not rows:
        print(f"\n{path} was not written: {', '.join(_FAILED) or 'nothing was measured'}")
        return
    lines = [_HEAD, f"Measured on {date.today()}, {os.cpu_count()} cores, Python {platform.python_version()}.", ""]  # noqa: DTZ011
    for title, found in rows.items():
        lines += [f"## {title}", "", "| what goes wrong | promised | measured |", "|---|---|---|"]
        lines += [f"| {row.fault} | {row.promised} | {row.measured} |" for row in found] + [""]
    Path(path).write_text("\n".join(lines), encoding="utf-8")
    print(f"\n{path} was written")
